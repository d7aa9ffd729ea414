/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks that cannot be made, and tasks that come and go in any order.
 *
 * A mapping that fails is the port's business, and only the host's can be told to: the
 * pages of the stack go back as well as the task's own, every time. Memory that is refused
 * is refused at every filling of the pool that tasks come from, so also when it
 * needs a page. And the pool's pages fill and empty in any order, with none lost: the
 * end of each case looks at the free pages.
 */
#include <string.h>

#include "fake_machine.h"
#include "sched/sched_port.h"
#include "test/unit/sched/sched_world.h"

enum { TIMES = 40, SLOTS = 48, STEPS = 600 };

static struct {
	struct task *task;
	struct event go;
} slots[SLOTS];

static int do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

static int wait_to_go(void *arg)
{
	return event_wait(arg, sched_world_deadline()) ? 0 : 1;
}

static void come(unsigned i)
{
	event_clear(&slots[i].go);
	slots[i].task = sched_world_task(wait_to_go, &slots[i].go, -1, 4);
}

static void go(unsigned i)
{
	event_set(&slots[i].go);
	KT_EQ(task_join(slots[i].task), 0);
	slots[i].task = NULL;
}

SCHED_TEST(a_stack_that_cannot_be_mapped_loses_nothing)
{
	struct task_spec spec = { .name = "unlucky", .fn = do_nothing, .priority = 4 };
	uint64_t pages = sched_world_free_pages();
	unsigned tasks = sched_task_count();
	struct task *task = NULL;

	host_sched.no_maps = true;
	for (unsigned i = 0; i < TIMES; i++)
		KT_EQ(task_spawn(&spec, &task), ZONAL_ENOMEM);
	host_sched.no_maps = false;
	KT_TRUE(!task);
	KT_EQ(sched_task_count(), tasks);
	KT_EQ(sched_world_free_pages(), pages);
}

SCHED_TEST(no_memory_is_an_error_at_every_filling_of_the_pool)
{
	struct task_spec spec = { .name = "unlucky", .fn = do_nothing, .priority = 4 };
	struct task *task = NULL;

	for (unsigned i = 0; i < TIMES; i++) {
		zonal_inject(sched_port_memory(), 0, 1000);
		KT_EQ(task_spawn(&spec, &task), ZONAL_ENOMEM);
		zonal_inject(sched_port_memory(), 0, 0);
		KT_TRUE(!task);
		come(i);
	}
	for (unsigned i = 0; i < TIMES; i++)
		go(i);
}

SCHED_TEST(tasks_come_and_go_in_any_order)
{
	uint64_t seed = kt_seed(), pages = sched_world_free_pages();

	for (unsigned step = 0; step < STEPS; step++) {
		unsigned i = (unsigned)(kt_random(&seed) % SLOTS);

		if (slots[i].task)
			go(i);
		else
			come(i);
	}
	for (unsigned i = 0; i < SLOTS; i++)
		if (slots[i].task)
			go(i);
	KT_EQ(sched_world_free_pages(), pages);
}

/* It has no stack of its own to be given: it is on one already. */
FAKE_TEST(who_runs_first_on_a_cpu_has_the_stack_it_is_on)
{
	const struct sched_context *context = &run_queues[0].idle.context;
	/* Not the address of a variable, which the sanitizer keeps elsewhere. */
	uintptr_t here = (uintptr_t)__builtin_frame_address(0), stack;

	fake_board(1, 1);
	fake_start();
	stack = (uintptr_t)context->stack;
	KT_OK(here >= stack && here < stack + context->stack_bytes,
	      "at 0x%llx, but the stack is said to be at 0x%llx, %llu bytes",
	      (unsigned long long)here, (unsigned long long)stack,
	      (unsigned long long)context->stack_bytes);
}

/* Nothing behind the end of a name is read, nor more than there is room for. */
FAKE_TEST(names_end_where_they_end)
{
	static const char *const given[] = { "\0other", "x\0other", "more_than_23_letters_long" };
	struct task_spec spec = { .priority = 4 };
	static struct task task;

	fake_board(1, 1);
	fake_start();
	for (unsigned i = 0; i < ARRAY_SIZE(given); i++) {
		memset(&task, 0, sizeof(task));
		spec.name = given[i];
		task_fill(&task, &spec, 0);
		KT_EQ(strncmp(task.name, given[i], SCHED_NAME_BYTES - 1), 0);
		for (unsigned k = (unsigned)strlen(task.name); k < SCHED_NAME_BYTES; k++)
			KT_EQ(task.name[k], 0);
	}
}
