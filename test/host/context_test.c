/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may call what: each misuse of a task's own calls is a panic that names the task, the
 * call and what is wrong, and changes nothing that a later test would see, for it happens in a
 * child process. Scopes are counted by kind, so one inside another of a different kind
 * leaves the outer one as it was.
 */
#include "fake_machine.h"
#include "lib/printf.h"

enum { CALLS = 6 };

static bool never(void *arg)
{
	(void)arg;
	return false;
}

/* Each call that may switch, by number. */
static void call(unsigned which)
{
	static struct wait_queue queue;
	struct cpumask all = cpumask_full();

	switch (which) {
	case 0: task_yield(); break;
	case 1: task_sleep_until(FAKE_EPOCH + 1000); break;
	case 2: KT_EQ(task_set_cpus(&all), 0); break;
	case 3: KT_EQ(task_set_priority(3), 0); break;
	case 4: (void)wait_until(&queue, never, NULL, FAKE_EPOCH + 1000); break;
	default: task_exit(0);
	}
}

static const char *const call_names[CALLS] = { "yield", "sleep", "change of CPU",
					       "change of priority", "wait", "exit" };

static void call_masked(void *arg) { call(*(unsigned *)arg); }

static void call_unpreemptible(void *arg)
{
	task_current()->preempt_off = 1;
	port_irq_restore(0);
	call(*(unsigned *)arg);
}

static void call_too_early(void *arg)
{
	run_queues[0].current = NULL;
	port_irq_restore(0);
	call(*(unsigned *)arg);
}

static void expect_panics(void (*fn)(void *), const char *before, const char *after)
{
	char says[96];

	fake_board(1, 1);
	fake_start();
	fake_run(0, fake_task(0, 5));
	for (unsigned which = 0; which < CALLS; which++) {
		zn_snprintf(says, sizeof(says), "%s%s%s", before, call_names[which], after);
		kt_panics(fn, &which, says);
	}
}

FAKE_TEST(who_may_not_be_switched_may_not_wait)
{
	expect_panics(call_masked, "task fake: ", " with interrupts masked");
}

FAKE_TEST(who_switched_preemption_off_may_not_wait)
{
	expect_panics(call_unpreemptible, "task fake: ", " with preemption off (1)");
}

FAKE_TEST(nobody_waits_before_there_are_tasks)
{
	expect_panics(call_too_early, "sched: ", " before the scheduler runs");
}

static void exit_of_main(void *arg)
{
	(void)arg;
	port_irq_restore(0);
	task_exit(0);
}

static void enable_without_disable(void *arg)
{
	(void)arg;
	preempt_enable();
}

static void enter_no_scope(void *arg)
{
	(void)arg;
	task_scope_leave(task_scope_enter(ZTASK_REALTIME));
}

static void join_self(void *arg) { (void)task_join(arg); }

static void join_detached(void *arg)
{
	((struct task *)arg)->detached = true;
	run_queues[0].current = &run_queues[0].idle;
	(void)task_join(arg);
}

static struct mutex mutex;

static void unlock(void *arg)
{
	mutex.owner = arg;
	mutex_unlock(&mutex);
}

FAKE_TEST(other_misuse_is_named_too)
{
	struct task *task;

	fake_board(1, 1);
	fake_start();
	task = fake_task(0, 5);
	fake_run(0, task);
	kt_panics(exit_of_main, NULL, "task fake, on a boot stack, ends");
	kt_panics(enable_without_disable, NULL, "preempt_enable() without preempt_disable()");
	kt_panics(enter_no_scope, NULL, "scope flags 0x");
	kt_panics(join_self, task, "cannot be joined: it is the caller");
	kt_panics(unlock, NULL, "task fake unlocks mutex");
	kt_panics(unlock, fake_task(0, 5), "of fake");
	kt_panics(join_detached, task, "cannot be joined: it is detached");
}

FAKE_TEST(scopes_of_different_kinds_do_not_touch_each_other)
{
	struct task *task;
	uint32_t outer, inner, both;

	fake_board(1, 1);
	fake_start();
	task = fake_task(0, SCHED_RT_FIRST);
	fake_run(0, task);
	KT_EQ(task->memory.flags, ZTASK_REALTIME);
	outer = task_scope_enter(ZTASK_NOFS);
	inner = task_scope_enter(ZTASK_NOIO);
	KT_EQ(task->memory.flags, ZTASK_REALTIME | ZTASK_NOFS | ZTASK_NOIO);
	both = task_scope_enter(ZTASK_NOFS | ZTASK_NOIO);
	task_scope_leave(both);
	KT_EQ(task->memory.flags, ZTASK_REALTIME | ZTASK_NOFS | ZTASK_NOIO);
	task_scope_leave(inner);
	KT_EQ(task->memory.flags, ZTASK_REALTIME | ZTASK_NOFS);
	task_scope_leave(outer);
	KT_EQ(task->memory.flags, ZTASK_REALTIME);
}
