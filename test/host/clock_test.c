/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time in the scheduler, to the nanosecond: deadlines, slices, timers, accounts.
 *
 * The first part calls the handlers of the timer and of interrupts on a machine that
 * stands still. The second runs real tasks on one CPU whose clock moves only as they move
 * it (host_quiet_world): who runs when, and for how long, is then one answer and not
 * a range.
 */
#include <pthread.h>

#include "fake_machine.h"

#define SLICE ((uint64_t)SCHED_SLICE_NS)

/* ---- the handlers ---- */

static struct task *sleeper_on(unsigned cpu, uint64_t deadline_ns)
{
	struct run_queue *queue = &run_queues[cpu];
	struct task *task = fake_task(cpu, 5);

	lock_take(&queue->lock);
	task_set_state(task, TASK_BLOCKED);
	sleepers_add(queue, &task->sleep, deadline_ns);
	sched_arm_timer(queue);
	lock_drop(&queue->lock);
	return task;
}

FAKE_TEST(a_sleeper_is_ready_at_its_deadline_and_not_before)
{
	struct task *task;

	fake_board(1, 1);
	fake_start();
	task = sleeper_on(0, FAKE_EPOCH + 100);
	KT_EQ(fake_timer(0), FAKE_EPOCH + 100);
	fake_clock(FAKE_EPOCH + 99);
	sched_timer_tick();
	KT_EQ(task_state(task), TASK_BLOCKED);
	KT_EQ(fake_timer(0), FAKE_EPOCH + 100);
	fake_clock(FAKE_EPOCH + 100);
	sched_timer_tick();
	KT_EQ(task_state(task), TASK_READY);
	KT_TRUE(fake_first(0) == task);
	KT_TRUE(sched_irq_exit());
	KT_EQ(ld_relaxed(&run_queues[0].ticks), 2);
	KT_TRUE(!lock_held(&run_queues[0].lock));
}

FAKE_TEST(one_tick_wakes_all_who_are_due)
{
	struct task *task[4];

	fake_board(1, 1);
	fake_start();
	for (unsigned i = 0; i < 4; i++)
		task[i] = sleeper_on(0, FAKE_EPOCH + 10 * (i + 1));
	fake_clock(FAKE_EPOCH + 35);
	sched_timer_tick();
	for (unsigned i = 0; i < 4; i++)
		KT_EQ(task_state(task[i]), i < 3 ? TASK_READY : TASK_BLOCKED);
	KT_TRUE(fake_first(0) == task[0]);
	fake_clock(FAKE_EPOCH + 40);
	sched_timer_tick();
	KT_EQ(task_state(task[3]), TASK_READY);
	KT_EQ(fake_timer(0), SCHED_NEVER);
}

FAKE_TEST(a_woken_sleeper_leaves_no_deadline_behind)
{
	struct task *task;

	fake_board(1, 1);
	fake_start();
	task = sleeper_on(0, FAKE_EPOCH + 100);
	sched_wake(task);
	KT_EQ(task_state(task), TASK_READY);
	KT_TRUE(!task->sleep.queued);
	KT_TRUE(!run_queues[0].sleepers);
	/* Woken again while it is ready: its next sleep ends at once. */
	KT_TRUE(!task->wake_pending);
	sched_wake(task);
	KT_TRUE(task->wake_pending);
	KT_EQ(ld_relaxed(&run_queues[0].ready_count), 1);
	KT_TRUE(!lock_held(&run_queues[0].lock));
}

FAKE_TEST(a_slice_ends_when_it_is_over_and_an_equal_waits)
{
	fake_board(1, 1);
	fake_start();
	fake_run(0, fake_task(0, 5));
	fake_queue(0, fake_task(0, 4));
	fake_clock(FAKE_EPOCH + 2 * SLICE);
	sched_timer_tick();
	KT_TRUE(!ld_relaxed(&run_queues[0].need_resched));
	KT_EQ(fake_timer(0), SCHED_NEVER);
	fake_run(0, fake_task(0, 5));
	fake_place(fake_task(0, 5));
	KT_EQ(fake_timer(0), FAKE_EPOCH + 3 * SLICE);
	fake_clock(FAKE_EPOCH + 3 * SLICE - 1);
	sched_timer_tick();
	KT_TRUE(!sched_irq_exit());
	KT_EQ(fake_timer(0), FAKE_EPOCH + 3 * SLICE);
	fake_clock(FAKE_EPOCH + 3 * SLICE);
	sched_timer_tick();
	KT_TRUE(sched_irq_exit());
	/* Once is enough: the timer must not fire again before the switch. */
	KT_EQ(fake_timer(0), SCHED_NEVER);
}

FAKE_TEST(a_cpu_is_charged_from_when_it_came)
{
	fake_board(2, 1);
	fake_clock(FAKE_EPOCH + 500);
	fake_start();
	for (unsigned cpu = 0; cpu < 2; cpu++) {
		KT_EQ(run_queues[cpu].run_start_ns, FAKE_EPOCH + 500);
		KT_EQ(run_queues[cpu].slice_end_ns, FAKE_EPOCH + 500 + SCHED_SLICE_NS);
	}
}

FAKE_TEST(an_idle_cpu_has_no_slice)
{
	fake_board(1, 1);
	fake_start();
	fake_queue(0, fake_task(0, 0));
	fake_clock(FAKE_EPOCH + 2 * SLICE);
	sched_timer_tick();
	KT_TRUE(!ld_relaxed(&run_queues[0].need_resched));
	KT_EQ(fake_timer(0), SCHED_NEVER);
}

FAKE_TEST(the_timer_is_set_to_whichever_comes_first)
{
	fake_board(1, 1);
	fake_start();
	fake_run(0, fake_task(0, 5));
	sleeper_on(0, FAKE_EPOCH + 2 * SLICE);
	KT_EQ(fake_timer(0), FAKE_EPOCH + 2 * SLICE);
	fake_place(fake_task(0, 5));
	KT_EQ(fake_timer(0), FAKE_EPOCH + SLICE);
	sleeper_on(0, FAKE_EPOCH + 5);
	KT_EQ(fake_timer(0), FAKE_EPOCH + 5);
}

FAKE_TEST(the_timer_that_fired_is_set_anew_even_to_the_same)
{
	fake_board(1, 1);
	fake_start();
	sleeper_on(0, FAKE_EPOCH + 100);
	atomic_store(&host_sched.cpu[0].timer_ns, SCHED_NEVER);
	sched_timer_tick();
	KT_EQ(fake_timer(0), FAKE_EPOCH + 100);
}

FAKE_TEST(an_interrupt_switches_only_where_a_switch_may_be)
{
	struct task *task;

	fake_board(1, 1);
	fake_start();
	task = fake_task(0, 5);
	fake_run(0, task);
	KT_TRUE(!sched_irq_exit());
	fake_place(fake_task(0, 6));
	KT_TRUE(sched_irq_exit());
	task->preempt_off = 1;
	KT_TRUE(!sched_irq_exit());
	task->preempt_off = 0;
	port_this_cpu()->irq_depth = 1;
	KT_TRUE(!sched_irq_exit());
	port_this_cpu()->irq_depth = 0;
	KT_TRUE(sched_irq_exit());
	run_queues[0].current = NULL;
	KT_TRUE(!sched_irq_exit());
}

/* Masked, the switch is left to the interrupt that is asked for. */
FAKE_TEST(a_masked_caller_is_not_switched_but_interrupted)
{
	fake_board(1, 1);
	fake_start();
	fake_run(0, fake_task(0, 5));
	sched_preempt_point();
	KT_EQ(fake_kicks(), 0);
	fake_place(fake_task(0, 6));
	sched_preempt_point();
	KT_TRUE(fake_kicked(0));
	KT_EQ(ld_relaxed(&run_queues[0].preemptions), 0);
	run_queues[0].current->preempt_off = 1;
	sched_preempt_point();
	KT_EQ(fake_kicks(), 0);
}

FAKE_TEST(a_sleep_that_has_nothing_to_wait_for_returns)
{
	struct task *task;

	fake_board(1, 1);
	fake_start();
	task = fake_task(0, 5);
	fake_run(0, task);
	sched_block(FAKE_EPOCH);
	KT_EQ(task_state(task), TASK_RUNNING);
	sched_wake(task);
	KT_TRUE(task->wake_pending);
	sched_block(SCHED_NEVER);
	KT_EQ(task_state(task), TASK_RUNNING);
	KT_TRUE(!task->wake_pending);
	KT_TRUE(!task->sleep.queued);
	KT_TRUE(!lock_held(&run_queues[0].lock));
}

/* Who holds the lock of the queue that a task names sees all that was written before. */
static void *mover_main(void *arg)
{
	struct task *task = arg;

	fake_be(0);
	lock_take(&run_queues[0].lock);
	task->slice_left_ns = 77;
	place_task(&run_queues[0], task);
	return NULL;
}

FAKE_TEST(a_task_that_names_a_new_queue_is_whole_there)
{
	struct cpumask one = cpumask_of(1);
	struct task *task;
	pthread_t mover;

	fake_board(2, 1);
	fake_start();
	task = fake_task(0, 5);
	fake_bind(task, &one);
	fake_be(1);
	lock_take(&run_queues[1].lock);
	if (pthread_create(&mover, NULL, mover_main, task))
		port_panic("no thread");
	while (ld_acquire(&task->cpu) != 1)
		port_relax();
	KT_EQ(task->slice_left_ns, 77);
	KT_EQ(task_state(task), TASK_MOVING);
	lock_drop(&run_queues[1].lock);
	pthread_join(mover, NULL);
	KT_EQ(task_state(task), TASK_READY);
	fake_be(0);
}
