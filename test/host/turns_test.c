/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Real tasks take turns on one CPU whose clock moves only as they move it.
 *
 * Each task notes when it begins and ends to run, in virtual time. So the length of
 * each slice, what is left of one after a better task came, the sum that a task is
 * charged and what the CPU was idle are compared exactly, and a busy host changes nothing.
 */
#include <string.h>

#include "fake_machine.h"
#include "test/unit/sched/sched_world.h"

#define US 1000ull


enum { TURNS_MAX = 64 };

#define TURNS_TEST(name_)                                                                          \
	static void turns_body_##name_(void *arg);                                                 \
	KTEST(sched, name_) { KT_TRUE(host_quiet_world(turns_body_##name_, NULL)); }               \
	static void turns_body_##name_(void *arg)

/* A piece of time in which one task ran. */
struct turn {
	unsigned who;
	uint64_t from, to;
};

static struct {
	struct turn turn[TURNS_MAX];
	unsigned count;
	uint64_t start;
} turns;

static void turns_begin(void)
{
	turns.count = 0;
	turns.start = port_time_ns();
}

/* `who` runs for `ns`, in steps after which it may lose the CPU. */
static void run_for(unsigned who, uint64_t ns)
{
	for (uint64_t done = 0; done < ns; done += 100 * US) {
		uint64_t now = port_time_ns() - turns.start;
		struct turn *last = turns.count ? &turns.turn[turns.count - 1] : NULL;

		if (!last || last->who != who || last->to != now) {
			if (turns.count == TURNS_MAX)
				return;
			last = &turns.turn[turns.count++];
			last->who = who;
			last->from = now;
		}
		last->to = now + 100 * US;
		fake_clock(turns.start + last->to);
		task_poll();
	}
}

static void turns_expect(const struct turn *expected, unsigned count)
{
	KT_EQ(turns.count, count);
	for (unsigned i = 0; i < ZN_MIN(count, turns.count); i++) {
		const struct turn *turn = &turns.turn[i];

		KT_OK(turn->who == expected[i].who && turn->from == expected[i].from * US &&
		      turn->to == expected[i].to * US,
		      "turn %u: task %u ran from %llu to %llu us, not task %u from %llu to %llu", i,
		      turn->who, turn->from / US, turn->to / US, expected[i].who,
		      (unsigned long long)expected[i].from, (unsigned long long)expected[i].to);
	}
}

static int run_9_ms(void *arg)
{
	run_for((unsigned)(uintptr_t)arg, 9 * MS);
	return 0;
}

static uint64_t runtime_of(const struct task *task)
{
	return ld_relaxed(&task->runtime_ns);
}

TURNS_TEST(equal_tasks_take_turns_of_one_slice)
{
	static const struct turn expected[] = {
		{ 1, 0, 4000 },	     { 2, 4000, 8000 },	  { 3, 8000, 12000 },
		{ 1, 12000, 16000 }, { 2, 16000, 20000 }, { 3, 20000, 24000 },
		{ 1, 24000, 25000 }, { 2, 25000, 26000 }, { 3, 26000, 27000 },
	};
	struct task *task[3];
	struct sched_counts before, after;

	(void)arg;
	KT_EQ(task_set_priority(TESTER), 0);
	sched_read_counts(0, &before);
	for (unsigned i = 0; i < 3; i++)
		task[i] = sched_world_task(run_9_ms, (void *)(uintptr_t)(i + 1), 0, 4);
	turns_begin();
	task_sleep_ns(100 * MS);
	turns_expect(expected, ARRAY_SIZE(expected));
	sched_read_counts(0, &after);
	KT_EQ(after.slices - before.slices, 6);
	KT_EQ(after.preemptions - before.preemptions, 7); /* the idle task, too */
	KT_EQ(after.idle_ns - before.idle_ns, 73 * MS);
	for (unsigned i = 0; i < 3; i++) {
		KT_EQ(runtime_of(task[i]), 9 * MS);
		task_join(task[i]);
	}
}

static int run_and_sleep(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 3; i++) {
		run_for(9, 500 * US);
		task_sleep_until(turns.start + (i * 3 + 2) * MS);
	}
	return 0;
}

/* Interrupted at 2 ms and at 5 ms, the first two keep what was left of their slices. */
TURNS_TEST(a_better_task_takes_nothing_from_a_slice)
{
	static const struct turn expected[] = {
		{ 9, 0, 500 },	   { 1, 500, 2000 },   { 9, 2000, 2500 }, { 1, 2500, 5000 },
		{ 9, 5000, 5500 }, { 2, 5500, 9500 },  { 1, 9500, 13500 }, { 2, 13500, 17500 },
		{ 1, 17500, 18500 }, { 2, 18500, 19500 },
	};
	struct task *task[3];

	(void)arg;
	KT_EQ(task_set_priority(TESTER), 0);
	task[0] = sched_world_task(run_9_ms, (void *)1, 0, 4);
	task[1] = sched_world_task(run_9_ms, (void *)2, 0, 4);
	task[2] = sched_world_task(run_and_sleep, NULL, 0, 6);
	turns_begin();
	task_sleep_ns(100 * MS);
	turns_expect(expected, ARRAY_SIZE(expected));
	for (unsigned i = 0; i < 3; i++)
		task_join(task[i]);
}

static int return_at_once(void *arg)
{
	(void)arg;
	return 0;
}

/* Whoever frees it: who joins it, who detaches it late, or the reaper. */
TURNS_TEST(who_has_ended_gives_its_context_back)
{
	unsigned before = atomic_load(&host_sched.contexts);
	struct task_spec spec = { .fn = return_at_once, .priority = 4, .detached = true };
	struct task *task[2];

	(void)arg;
	for (unsigned i = 0; i < 2; i++)
		task[i] = sched_world_task(return_at_once, NULL, 0, 4);
	KT_EQ(task_spawn(&spec, NULL), 0);
	KT_EQ(atomic_load(&host_sched.contexts), before + 3);
	task_sleep_ns(MS);
	KT_EQ(atomic_load(&host_sched.contexts), before + 2);
	task_detach(task[0]);
	task_join(task[1]);
	KT_EQ(atomic_load(&host_sched.contexts), before);
}

static struct event better_may_run;

static int wait_and_run(void *arg)
{
	(void)arg;
	KT_TRUE(event_wait(&better_may_run, sched_world_deadline()));
	run_for(9, 500 * US);
	return 0;
}

static int run_and_wake(void *arg)
{
	run_for((unsigned)(uintptr_t)arg, MS);
	event_set(&better_may_run);
	run_for((unsigned)(uintptr_t)arg, 4 * MS);
	return 0;
}

/* Nor does one that the task itself has woken. */
TURNS_TEST(who_wakes_a_better_task_goes_on_with_its_slice_afterwards)
{
	static const struct turn expected[] = {
		{ 1, 0, 1000 },	   { 9, 1000, 1500 },  { 1, 1500, 4500 },
		{ 2, 4500, 8500 }, { 1, 8500, 9500 }, { 2, 9500, 10500 },
	};
	struct task *task[3];

	(void)arg;
	KT_EQ(task_set_priority(TESTER), 0);
	event_clear(&better_may_run);
	task[0] = sched_world_task(wait_and_run, NULL, 0, 6);
	task[1] = sched_world_task(run_and_wake, (void *)1, 0, 4);
	task[2] = sched_world_task(run_and_wake, (void *)2, 0, 4);
	turns_begin();
	task_sleep_ns(100 * MS);
	turns_expect(expected, ARRAY_SIZE(expected));
	for (unsigned i = 0; i < 3; i++)
		task_join(task[i]);
}

static int run_and_yield(void *arg)
{
	for (unsigned i = 0; i < 3; i++) {
		run_for((unsigned)(uintptr_t)arg, 3 * MS);
		task_yield();
	}
	return 0;
}

TURNS_TEST(who_yields_gets_a_new_slice_at_the_end)
{
	static const struct turn expected[] = {
		{ 1, 0, 3000 },	    { 2, 3000, 6000 },	 { 1, 6000, 9000 },
		{ 2, 9000, 12000 }, { 1, 12000, 15000 }, { 2, 15000, 18000 },
	};
	struct sched_counts before, after;
	struct task *task[2];

	(void)arg;
	KT_EQ(task_set_priority(TESTER), 0);
	sched_read_counts(0, &before);
	for (unsigned i = 0; i < 2; i++)
		task[i] = sched_world_task(run_and_yield, (void *)(uintptr_t)(i + 1), 0, 4);
	turns_begin();
	task_sleep_ns(100 * MS);
	turns_expect(expected, ARRAY_SIZE(expected));
	sched_read_counts(0, &after);
	KT_EQ(after.slices - before.slices, 0);
	KT_EQ(after.preemptions - before.preemptions, 1); /* the idle task */
	for (unsigned i = 0; i < 2; i++)
		task_join(task[i]);
}

static int run_uninterrupted(void *arg)
{
	preempt_disable();
	run_for((unsigned)(uintptr_t)arg, 6 * MS);
	preempt_enable();
	run_for((unsigned)(uintptr_t)arg, MS);
	return 0;
}

TURNS_TEST(preemption_off_lasts_beyond_the_slice_and_not_longer)
{
	static const struct turn expected[] = {
		{ 1, 0, 6000 }, { 2, 6000, 12000 }, { 1, 12000, 13000 }, { 2, 13000, 14000 },
	};
	struct task *task[2];

	(void)arg;
	KT_EQ(task_set_priority(TESTER), 0);
	for (unsigned i = 0; i < 2; i++)
		task[i] = sched_world_task(run_uninterrupted, (void *)(uintptr_t)(i + 1), 0, 4);
	turns_begin();
	task_sleep_ns(100 * MS);
	turns_expect(expected, ARRAY_SIZE(expected));
	for (unsigned i = 0; i < 2; i++)
		task_join(task[i]);
}

static int nap_once(void *arg)
{
	uint64_t deadline = turns.start + (uint64_t)(uintptr_t)arg;

	task_sleep_until(deadline);
	return port_time_ns() != deadline;
}

TURNS_TEST(an_idle_cpu_wakes_each_sleeper_on_time)
{
	static const uintptr_t deadline[] = { 7777, 3, 900000, 40, 7778 };
	struct task *task[ARRAY_SIZE(deadline)];

	(void)arg;
	turns_begin();
	for (unsigned i = 0; i < ARRAY_SIZE(deadline); i++)
		task[i] = sched_world_task(nap_once, (void *)deadline[i], 0, 4);
	for (unsigned i = 0; i < ARRAY_SIZE(deadline); i++)
		KT_EQ(task_join(task[i]), 0);
	KT_EQ(port_time_ns(), turns.start + 900000);
}

static int yield_10_times(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 10; i++) {
		fake_clock(port_time_ns() + MS);
		task_yield();
	}
	return 0;
}

TURNS_TEST(who_does_nothing_but_yield_lets_the_timer_in)
{
	struct task *yields, *naps;

	(void)arg;
	KT_EQ(task_set_priority(TESTER), 0);
	turns_begin();
	yields = sched_world_task(yield_10_times, NULL, 0, 4);
	naps = sched_world_task(nap_once, (void *)(uintptr_t)(3 * MS), 0, 6);
	task_sleep_ns(100 * MS);
	KT_EQ(task_join(yields), 0);
	KT_EQ(task_join(naps), 0);
}

static int nap_between(void *arg)
{
	(void)arg;
	run_for(1, 3 * MS);
	task_sleep_until(turns.start + 10 * MS);
	run_for(1, 6 * MS);
	return 0;
}

static int come_later(void *arg)
{
	(void)arg;
	task_sleep_until(turns.start + 10 * MS + 500 * US);
	run_for(2, 2 * MS);
	return 0;
}

static uint64_t switches_of(const struct task *task) { return ld_relaxed(&task->switches); }

/* What was used of a slice before a sleep does not count after it. */
TURNS_TEST(who_slept_has_a_whole_slice)
{
	static const struct turn expected[] = {
		{ 1, 0, 3000 }, { 1, 10000, 14000 }, { 2, 14000, 16000 }, { 1, 16000, 18000 },
	};
	struct task *napper, *later;

	(void)arg;
	KT_EQ(task_set_priority(TESTER), 0);
	napper = sched_world_task(nap_between, NULL, 0, 4);
	later = sched_world_task(come_later, NULL, 0, 4);
	turns_begin();
	task_sleep_ns(100 * MS);
	turns_expect(expected, ARRAY_SIZE(expected));
	/* It left for its sleep, at the end of its slice, and at its own end. */
	KT_EQ(switches_of(napper), 3);
	KT_EQ(switches_of(later), 2);
	task_join(napper);
	task_join(later);
}

static int run_1_ms(void *arg)
{
	run_for((unsigned)(uintptr_t)arg, MS);
	return 0;
}

static bool told; /* the CPU has an interrupt to take before it runs the next one */

static int be_next(void *arg)
{
	(void)arg;
	told = atomic_load(&host_sched.cpu[0].kicked);
	run_for(2, MS);
	return 0;
}

static int join_and_run(void *arg)
{
	task_join(arg);
	return run_1_ms((void *)(uintptr_t)3);
}

/* The end of a task makes its joiner ready, which is better than who comes next. Here
 * interrupts are looked for, after the first 100 us; on a board it comes at once. */
/* Nobody sets it. With a clock that stands, who slept until now would sleep for ever. */
TURNS_TEST(nobody_sleeps_until_a_moment_that_has_come)
{
	struct sched_counts before, after;
	struct event never = { 0 };
	uint64_t now = port_time_ns();

	(void)arg;
	event_clear(&never);
	sched_read_counts(0, &before);
	KT_TRUE(!event_wait(&never, now));
	KT_TRUE(!event_wait(&never, now - 1));
	sched_read_counts(0, &after);
	KT_EQ(after.switches, before.switches);
	KT_EQ(port_time_ns(), now);
}

TURNS_TEST(who_waited_for_an_end_runs_before_a_lower_one)
{
	static const struct turn expected[] = {
		{ 1, 0, 1000 }, { 2, 1000, 1100 }, { 3, 1100, 2100 }, { 2, 2100, 3000 },
	};
	struct task *ends, *next, *joiner;

	(void)arg;
	KT_EQ(task_set_priority(TESTER), 0);
	told = false;
	ends = sched_world_task(run_1_ms, (void *)(uintptr_t)1, 0, 5);
	next = sched_world_task(be_next, NULL, 0, 4);
	joiner = sched_world_task(join_and_run, ends, 0, 9);
	turns_begin();
	task_sleep_ns(100 * MS);
	turns_expect(expected, ARRAY_SIZE(expected));
	KT_TRUE(told);
	task_join(next);
	task_join(joiner);
}

/* Lowered to what waits here, a priority is no reason to give way, and not to try either. */
TURNS_TEST(own_priority_lowered_to_that_of_an_equal_keeps_the_cpu)
{
	struct sched_counts before, after;
	struct task *task;

	(void)arg;
	KT_EQ(task_set_priority(TESTER), 0);
	task = sched_world_task(run_9_ms, (void *)1, 0, 6);
	turns_begin();
	sched_read_counts(0, &before);
	KT_EQ(task_set_priority(6), 0);
	sched_read_counts(0, &after);
	KT_EQ(turns.count, 0);
	KT_EQ(after.preemptions, before.preemptions);
	KT_EQ(task_set_priority(5), 0);
	KT_EQ(turns.count, 1);
	task_join(task);
}

/* What a machine begins with: its main task, bound to the boot CPU, as if never used
 * before, and beside it an idle task for the CPU and the reaper. */
static unsigned main_switches[2], worlds;

static void look_at_the_start(void *arg)
{
	struct cpumask boot_cpu = cpumask_of(0);
	struct task_info info;
	unsigned idle = 0;

	(void)arg;
	for (uint64_t after = 0; sched_list(after, &info, 1); after = info.id) {
		idle += strcmp(info.name, "idle") == 0;
		if (strcmp(info.name, "reaper") == 0)
			KT_EQ(info.priority, SCHED_RT_FIRST - 1);
		if (strcmp(info.name, "main"))
			continue;
		KT_TRUE(memcmp(&info.cpus, &boot_cpu, sizeof(boot_cpu)) == 0);
		KT_EQ(info.priority, SCHED_PRIORITY_DEFAULT);
		KT_EQ(info.nid, 1); /* the boot CPU's */
		main_switches[worlds] = (unsigned)info.switches;
	}
	KT_EQ(idle, 1);
}

KTEST(sched, each_machine_begins_as_the_first_did)
{
	for (worlds = 0; worlds < 2; worlds++)
		KT_TRUE(host_quiet_world(look_at_the_start, NULL));
	KT_OK(main_switches[0] && main_switches[0] == main_switches[1],
	      "main has switched %u times, then %u", main_switches[0], main_switches[1]);
}
