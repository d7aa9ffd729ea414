/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of the `tasks` command, compared whole: as a table and as one line of JSON.
 *
 * The machine stands still, so every number is the test's own. Nine tasks are more than one
 * batch of the report; each must be there once.
 */
#include <string.h>

#include "fake_machine.h"
#include "lib/printf.h"
#include "test/unit/monitor/monitor_capture.h"

enum { TASKS = 9 };

static void put_task(unsigned cpu, unsigned priority, enum task_state state, uint64_t runtime_ns)
{
	struct task *task = fake_task(cpu, priority);

	task->nid = (int)cpu;
	st_relaxed(&task->runtime_ns, runtime_ns);
	st_relaxed(&task->switches, 40 + priority);
	task_set_state(task, state);
	registry_add(task);
}

static void put_counts(unsigned cpu, uint64_t from)
{
	struct run_queue *queue = &run_queues[cpu];

	st_relaxed(&queue->switches, from);
	st_relaxed(&queue->steals, from + 1);
	st_relaxed(&queue->ticks, from + 2);
	st_relaxed(&queue->preemptions, from + 3);
	st_relaxed(&queue->slices, from + 4);
	st_relaxed(&queue->idle_ns, from + 5);
}

static const char *report(bool json)
{
	const char *text;

	capture_begin();
	sched_report(json);
	text = capture_end();
	return text;
}

static void two_cpus(void)
{
	fake_board(2, 2);
	fake_start();
	registry_reset();
	put_counts(0, 100);
	put_counts(1, 200);
}

FAKE_TEST(the_table_of_tasks_is_whole)
{
	struct sched_counts counts;

	two_cpus();
	put_task(0, 7, TASK_READY, 1234567);
	put_task(1, 31, TASK_BLOCKED, 999);
	KT_STR_EQ(report(false),
		  "    id name                     cpu prio state    node policy       runtime_us"
		  "  switches\n"
		  "     1 fake                       0    7 ready       0 default            1234"
		  "        47\n"
		  "     2 fake                       1   31 blocked     1 default               0"
		  "        71\n"
		  "cpu 0: switches 100, steals 101, ticks 102, preemptions 103, idle 105 ns\n"
		  "cpu 1: switches 200, steals 201, ticks 202, preemptions 203, idle 205 ns\n");
	sched_read_counts(1, &counts);
	KT_EQ(counts.slices, 204);
	registry_reset();
}

FAKE_TEST(the_json_of_tasks_is_whole)
{
	two_cpus();
	put_task(0, 7, TASK_READY, 1234567);
	put_task(1, 31, TASK_DEAD, 999);
	KT_STR_EQ(report(true),
		  "{\"schema\":\"zonal.tasks/1\",\"tasks\":["
		  "{\"id\":1,\"name\":\"fake\",\"cpu\":0,\"priority\":7,\"state\":\"ready\","
		  "\"node\":0,\"policy\":\"default\",\"realtime\":false,\"runtime_ns\":1234567,"
		  "\"switches\":47},"
		  "{\"id\":2,\"name\":\"fake\",\"cpu\":1,\"priority\":31,\"state\":\"dead\","
		  "\"node\":1,\"policy\":\"default\",\"realtime\":true,\"runtime_ns\":999,"
		  "\"switches\":71}],\"cpus\":["
		  "{\"cpu\":0,\"switches\":100,\"steals\":101,\"ticks\":102,\"preemptions\":103,"
		  "\"idle_ns\":105},"
		  "{\"cpu\":1,\"switches\":200,\"steals\":201,\"ticks\":202,\"preemptions\":203,"
		  "\"idle_ns\":205}]}\n");
	registry_reset();
}

/* CPU 1 has not joined, or never will. */
FAKE_TEST(cpus_that_are_offline_are_left_out_of_the_report)
{
	const char *text;

	fake_board(3, 1);
	for (unsigned cpu = 0; cpu < 3; cpu += 2) {
		fake_be(cpu);
		cpu_prepare(&run_queues[cpu], cpu);
		cpu_go(&run_queues[cpu], &run_queues[cpu].idle);
	}
	fake_be(0);
	registry_reset();
	text = report(true);
	KT_TRUE(strstr(text, "\"cpus\":[{\"cpu\":0,"));
	KT_TRUE(!strstr(text, "{\"cpu\":1,"));
	KT_TRUE(strstr(text, "},{\"cpu\":2,"));
	registry_reset();
}

static unsigned count_of(const char *text, const char *what)
{
	unsigned count = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		count++;
	return count;
}

FAKE_TEST(every_task_is_reported_once)
{
	char id[16];
	const char *text;

	two_cpus();
	for (unsigned i = 0; i < TASKS; i++)
		put_task(i % 2, i, (enum task_state)(i % (TASK_DEAD + 1)), i);
	text = report(true);
	for (unsigned i = 0; i < TASKS; i++) {
		zn_snprintf(id, sizeof(id), "{\"id\":%u,", i + 1);
		KT_EQ(count_of(text, id), 1);
	}
	KT_EQ(count_of(text, "},{\"id\""), TASKS - 1);
	text = report(false);
	KT_EQ(count_of(text, "\n"), 1 + TASKS + 2);
	registry_reset();
}

FAKE_TEST(states_have_names)
{
	static const char *const names[] = { "new",	"ready",  "running",
					     "blocked", "moving", "dead" };

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		KT_STR_EQ(task_state_name((enum task_state)i), names[i]);
	KT_STR_EQ(task_state_name((enum task_state)ARRAY_SIZE(names)), "?");
}
