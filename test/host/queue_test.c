/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ready lists against a plain model: an array in the order of arrival, searched by
 * priority.
 *
 * Random pushes at both ends and removals from anywhere; after each step the first
 * task, the first one that may run on some CPU and all the invariants are compared. Few
 * priorities make long lists; the highest and the lowest are among them.
 */
#include <pthread.h>

#include "fake_machine.h"

enum { TASKS = 40, STEPS = 6000, PRIORITIES = 5 };

static const unsigned priorities[PRIORITIES] = { 0, 1, 7, 30, 31 };

/* Queued tasks; of equal priority the one that comes first in the list stands first. */
static struct {
	struct task *at[TASKS];
	unsigned count;
} model;

static void model_insert(struct task *task, unsigned place)
{
	for (unsigned i = model.count++; i > place; i--)
		model.at[i] = model.at[i - 1];
	model.at[place] = task;
}

static bool model_remove(const struct task *task)
{
	unsigned place = 0;

	while (place < model.count && model.at[place] != task)
		place++;
	if (place == model.count)
		return false;
	model.count--;
	for (; place < model.count; place++)
		model.at[place] = model.at[place + 1];
	return true;
}

/* Of the tasks that may run on `cpu`; a negative one allows all. */
static struct task *model_first(int cpu)
{
	struct task *first = NULL;

	for (unsigned i = 0; i < model.count; i++) {
		struct task *task = model.at[i];

		if (cpu >= 0 && !cpumask_has(&task->cpus, (unsigned)cpu))
			continue;
		if (!first || priority_of(task) > priority_of(first))
			first = task;
	}
	return first;
}

static void queue_step(struct run_queue *queue, struct task *task, uint64_t dice)
	LOCK_HELD(queue->lock);
static void queue_step(struct run_queue *queue, struct task *task, uint64_t dice)
{
	if (model_remove(task)) {
		queue_remove(queue, task);
		task_set_state(task, TASK_MOVING);
		KT_TRUE(!task->next && !task->prev);
	} else if (dice % 3) {
		queue_push_tail(queue, task);
		model_insert(task, model.count);
	} else {
		queue_push_head(queue, task);
		model_insert(task, 0);
	}
}

static bool queue_is_model(const struct run_queue *queue) LOCK_HELD(queue->lock);
static bool queue_is_model(const struct run_queue *queue)
{
	bool same = queue_first(queue) == model_first(-1);

	/* CPU 0 is the queue's own: its pinned tasks are for nobody else. */
	for (unsigned cpu = 1; cpu < 4; cpu++)
		same &= queue_first_for(queue, cpu) == model_first((int)cpu);
	return KT_OK(same, "another first task") && fake_queue_is_sound(0);
}

FAKE_TEST(ready_lists_are_what_a_plain_model_says)
{
	struct run_queue *queue = &run_queues[0];
	struct task *task[TASKS];
	uint64_t seed = kt_seed();
	bool same = true;

	model.count = 0;
	fake_board(4, 1);
	fake_start();
	for (unsigned i = 0; i < TASKS; i++) {
		struct cpumask mask = cpumask_of(0);

		task[i] = fake_task(0, priorities[kt_random(&seed) % PRIORITIES]);
		for (unsigned cpu = 1; cpu < 4 && i % 3; cpu++)
			if (kt_random(&seed) % 2)
				cpumask_add(&mask, cpu);
		fake_bind(task[i], &mask);
	}
	lock_take(&queue->lock);
	for (unsigned i = 0; same && i < STEPS; i++) {
		uint64_t dice = kt_random(&seed);

		queue_step(queue, task[dice / 64 % TASKS], dice);
		same = KT_OK(queue_is_model(queue), "at step %u", i);
	}
	lock_drop(&queue->lock);
}

FAKE_TEST(the_queue_of_a_task_is_locked_wherever_it_is)
{
	struct task *task;

	fake_board(2, 1);
	fake_start();
	task = fake_task(1, 3);
	KT_TRUE(queue_lock_of(task) == &run_queues[1]);
	lock_assert_held(&run_queues[1].lock);
	KT_TRUE(lock_held(&run_queues[1].lock) && !lock_held(&run_queues[0].lock));
	lock_drop(&run_queues[1].lock);
}

static struct run_queue *locked; /* by the second thread */

static void *locker_main(void *arg) LOCK_UNSAID;
static void *locker_main(void *arg)
{
	fake_be(2);
	locked = queue_lock_of(arg);
	lock_drop(&locked->lock);
	return NULL;
}

/* While somebody waits for the lock of the queue where it was. */
FAKE_TEST(the_queue_of_a_task_that_moved_meanwhile_is_locked_instead)
{
	struct ticket_lock *old = &run_queues[0].lock;
	struct task *task;
	pthread_t thread;
	uint16_t next;

	fake_board(3, 1);
	fake_start();
	task = fake_task(0, 3);
	lock_take(old);
	next = ld_relaxed(&old->next);
	if (pthread_create(&thread, NULL, locker_main, task))
		port_panic("no thread");
	while (ld_acquire(&old->next) == next)
		port_relax();
	st_release(&task->cpu, 1);
	lock_drop(old);
	pthread_join(thread, NULL);
	KT_TRUE(locked == &run_queues[1]);
	KT_TRUE(!lock_held(old) && !lock_held(&run_queues[1].lock));
}

/* The tables are taken once: whoever begins anew has the same queues, and they hold nothing. */
FAKE_TEST(queues_are_emptied_and_not_taken_again)
{
	struct run_queue *before = run_queues;

	fake_board(3, 1);
	fake_start();
	fake_queue(1, fake_task(1, 3));
	cpu_reset_all();
	KT_TRUE(run_queues == before);
	for (unsigned cpu = 0; cpu < 3; cpu++) {
		KT_EQ(run_queues[cpu].cpu, cpu);
		KT_EQ(ld_relaxed(&run_queues[cpu].ready_count), 0);
		KT_EQ(run_queues[cpu].bitmap, 0);
		KT_TRUE(!sched_cpu_online(cpu));
	}
}

/* Others see the new priority, the rest of what the task is stays, and the timer is set anew. */
FAKE_TEST(a_task_that_changes_its_priority_is_seen_with_the_new_one)
{
	struct run_queue *queue = &run_queues[0];
	struct task *task;

	fake_board(1, 1);
	fake_start();
	task = fake_task(0, 20);
	fake_queue(0, fake_task(0, 3));
	fake_run(0, task);
	task->memory.flags = ZTASK_NOIO;
	for (unsigned i = 0; i < 2; i++) {
		unsigned priority = i ? 3 : SCHED_RT_FIRST;

		sched_port_unmask();
		KT_EQ(task_set_priority(priority), 0);
		(void)port_irq_save();
		KT_EQ(priority_of(task), priority);
		KT_EQ(ld_relaxed(&queue->running), (int)priority);
		KT_EQ(task->memory.flags, ZTASK_NOIO | (i ? 0 : ZTASK_REALTIME));
		/* An equal one waits for the end of the slice from now on. */
		KT_EQ(fake_timer(0), i ? queue->slice_end_ns : SCHED_NEVER);
	}
}
