/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for a condition: wait queues, and events and mutexes made of them.
 *
 * A waiter lies on the stack of the task that waits and is linked while it has
 * not been chosen by a wake. In wait_until(), under the queue's lock:
 *   1. the condition holds: leave with true;
 *   2. the deadline has passed: leave with false;
 *   3. else link, drop the lock, sched_block(), start again.
 * wait_wake() unlinks a waiter under the same lock before it wakes the task. A
 * task leaves only after it has held the lock once more and is not linked, so its stack
 * stays valid as long as a waker may look at it, and the queue itself may be freed by
 * the woken task: the waker's last touch of it is the release of the lock.
 *
 * No wake-up is lost: a condition made true before (1) is seen by it, and one
 * made true after finds the waiter linked, and sched_wake() is remembered even if
 * the task has not yet blocked (sched.c).
 *
 * The list is ordered by priority, then by arrival, so the best waiter is woken first.
 * A task that was woken and found the condition gone again starts at the end of
 * its priority.
 */
#include "sched_internal.h"

struct waiter {
	struct waiter *next; /* queue lock */
	struct task *task;
	unsigned priority;
	bool linked; /* queue lock */
};

static void waiter_link(struct wait_queue *queue, struct waiter *waiter)
{
	struct waiter **place = &queue->first;

	DASSERT_HELD(&queue->lock);
	ASSERT(!waiter->linked, "task %s waits twice", waiter->task->name);
	while (*place && (*place)->priority >= waiter->priority)
		place = &(*place)->next;
	waiter->next = *place;
	*place = waiter;
	waiter->linked = true;
}

static void waiter_unlink(struct wait_queue *queue, struct waiter *waiter)
{
	struct waiter **place = &queue->first;

	DASSERT_HELD(&queue->lock);
	while (*place && *place != waiter)
		place = &(*place)->next;
	ASSERT(*place, "task %s is linked and not in the queue", waiter->task->name);
	*place = waiter->next;
	waiter->linked = false;
}

void wait_lock(struct wait_queue *queue)
{
	/* A zeroed queue is empty and may be used, so its lock learns its rank here. */
	lock_set_rank(&queue->lock, LOCK_WAIT_QUEUE);
	lock_take(&queue->lock);
}

enum wait_result { WAIT_READY, WAIT_TIMEOUT, WAIT_SLEPT };

/* One round of wait_until(), a function of its own because it may end on another CPU. */
static ZN_NOINLINE enum wait_result wait_round(struct wait_queue *queue, struct waiter *waiter,
					       bool (*ready)(void *), void *arg,
					       uint64_t deadline_ns)
{
	enum wait_result result = WAIT_SLEPT;

	wait_lock(queue);
	if (ready(arg))
		result = WAIT_READY;
	else if (deadline_ns <= port_time_ns())
		result = WAIT_TIMEOUT;
	if (result != WAIT_SLEPT && waiter->linked)
		waiter_unlink(queue, waiter);
	else if (result == WAIT_SLEPT && !waiter->linked)
		waiter_link(queue, waiter);
	lock_drop(&queue->lock);
	if (result == WAIT_SLEPT)
		sched_block(deadline_ns);
	return result;
}

bool wait_until(struct wait_queue *queue, bool (*ready)(void *arg), void *arg,
		uint64_t deadline_ns)
{
	struct waiter waiter = { .task = sched_sleeper("wait") };
	enum wait_result result;

	waiter.priority = priority_of(waiter.task);
	do {
		port_irqflags_t flags = sched_mask();

		result = wait_round(queue, &waiter, ready, arg, deadline_ns);
		sched_unmask(flags);
	} while (result == WAIT_SLEPT);
	return result == WAIT_READY;
}

unsigned wait_wake_locked(struct wait_queue *queue, unsigned count)
{
	unsigned woken = 0;

	DASSERT_HELD(&queue->lock);
	while (woken < count && queue->first) {
		struct waiter *waiter = queue->first;

		ASSERT(waiter->linked, "task %s is in a queue and not linked", waiter->task->name);
		queue->first = waiter->next;
		waiter->linked = false;
		sched_wake(waiter->task);
		woken++;
	}
	return woken;
}

unsigned wait_wake(struct wait_queue *queue, unsigned count)
{
	port_irqflags_t flags = sched_mask();
	unsigned woken;

	wait_lock(queue);
	woken = wait_wake_locked(queue, count);
	lock_drop(&queue->lock);
	sched_unmask(flags);
	sched_preempt_point();
	return woken;
}

/* ---- events ---- */

static bool event_is_set(void *arg)
{
	return ld_acquire(&((struct event *)arg)->set);
}

void event_set(struct event *event)
{
	port_irqflags_t flags = sched_mask();

	/* Under the lock: who waits may free the event as soon as it sees it set, and it
	 * looks with the lock held. */
	wait_lock(&event->queue);
	st_release(&event->set, true);
	wait_wake_locked(&event->queue, WAKE_ALL);
	lock_drop(&event->queue.lock);
	sched_unmask(flags);
	sched_preempt_point();
}

void event_clear(struct event *event)
{
	st_release(&event->set, false);
}

bool event_wait(struct event *event, uint64_t deadline_ns)
{
	return wait_until(&event->queue, event_is_set, event, deadline_ns);
}

/* ---- mutexes ---- */

static bool mutex_try(void *arg)
{
	struct mutex *mutex = arg;

	DASSERT_HELD(&mutex->queue.lock);
	if (mutex->owner)
		return false;
	mutex->owner = sched_this_queue()->current;
	return true;
}

bool mutex_lock_until(struct mutex *mutex, uint64_t deadline_ns)
{
	return wait_until(&mutex->queue, mutex_try, mutex, deadline_ns);
}

void mutex_lock(struct mutex *mutex)
{
	if (!mutex_lock_until(mutex, SCHED_NEVER))
		port_panic("sched: mutex %p: wait without deadline timed out", (void *)mutex);
}

void mutex_unlock(struct mutex *mutex)
{
	port_irqflags_t flags = sched_mask();
	struct task *task = sched_this_queue()->current;

	wait_lock(&mutex->queue);
	if (mutex->owner != task)
		port_panic("sched: task %s unlocks mutex %p of %s", task->name, (void *)mutex,
			   mutex->owner ? mutex->owner->name : "nobody");
	mutex->owner = NULL;
	wait_wake_locked(&mutex->queue, 1);
	lock_drop(&mutex->queue.lock);
	sched_unmask(flags);
	sched_preempt_point();
}
