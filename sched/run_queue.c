/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ready lists of one CPU: a FIFO for each of the 32 priorities and a bitmap
 * of the lists that hold something, so the best task is one count of leading zeros
 * away however many wait.
 *
 * Invariants, under the queue's lock:
 *   - bit p of `bitmap` is set exactly when list p is not empty;
 *   - ready_count is the number of tasks in all lists, movable that of the ones
 *     that are not pinned to this CPU;
 *   - a queued task is TASK_READY and its `cpu` names this queue; the task that runs
 *     and the idle task are never queued.
 *
 * ready_count is read without the lock by CPUs that look for work, in the total
 * order of sequentially consistent operations; place.c says why.
 */
#include "sched_internal.h"

/* What holds of a task that enters this queue. */
static void push_check(const struct run_queue *queue, const struct task *task)
{
	DASSERT_HELD(&queue->lock);
	ASSERT(task != &queue->idle, "the idle task of CPU %u is queued", queue->cpu);
	ASSERT(task_cpu_of(task) == queue->cpu, "task %s: CPU %u, queue of CPU %u", task->name,
	       task_cpu_of(task), queue->cpu);
	ASSERT(task_state(task) != TASK_READY, "task %s is queued already", task->name);
	ASSERT(!task->next && !task->prev, "task %s is in some other list", task->name);
}

static void queue_count(struct run_queue *queue, struct task *task, int change)
{
	ASSERT(change > 0 || ld_relaxed(&queue->ready_count) > 0, "the queue of CPU %u is empty",
	       queue->cpu);
	if (!task->pinned)
		queue->movable = (uint32_t)((int)queue->movable + change);
	atomic_store(&queue->ready_count,
		     (uint32_t)((int)ld_relaxed(&queue->ready_count) + change));
}

void queue_push_tail(struct run_queue *queue, struct task *task)
{
	unsigned priority = priority_of(task);

	push_check(queue, task);
	task->prev = queue->tail[priority];
	if (task->prev)
		task->prev->next = task;
	else
		queue->head[priority] = task;
	queue->tail[priority] = task;
	queue->bitmap |= 1u << priority;
	task_set_state(task, TASK_READY);
	queue_count(queue, task, 1);
}

void queue_push_head(struct run_queue *queue, struct task *task)
{
	unsigned priority = priority_of(task);

	push_check(queue, task);
	task->next = queue->head[priority];
	if (task->next)
		task->next->prev = task;
	else
		queue->tail[priority] = task;
	queue->head[priority] = task;
	queue->bitmap |= 1u << priority;
	task_set_state(task, TASK_READY);
	queue_count(queue, task, 1);
}

void queue_remove(struct run_queue *queue, struct task *task)
{
	unsigned priority = priority_of(task);

	DASSERT_HELD(&queue->lock);
	ASSERT(task_state(task) == TASK_READY && task_cpu_of(task) == queue->cpu,
	       "task %s: state %u, CPU %u, queue of CPU %u", task->name, task_state(task),
	       task_cpu_of(task), queue->cpu);
	ASSERT(task->prev || queue->head[priority] == task, "task %s is not the first", task->name);
	ASSERT(task->next || queue->tail[priority] == task, "task %s is not the last", task->name);
	if (task->prev)
		task->prev->next = task->next;
	else
		queue->head[priority] = task->next;
	if (task->next)
		task->next->prev = task->prev;
	else
		queue->tail[priority] = task->prev;
	if (!queue->head[priority])
		queue->bitmap &= ~(1u << priority);
	task->next = task->prev = NULL;
	queue_count(queue, task, -1);
}

struct task *queue_first(const struct run_queue *queue)
{
	DASSERT_HELD(&queue->lock);
	if (!queue->bitmap)
		return NULL;
	return queue->head[31 - (unsigned)__builtin_clz(queue->bitmap)];
}

struct task *queue_first_for(const struct run_queue *queue, unsigned cpu)
{
	uint32_t left = queue->movable ? queue->bitmap : 0;

	DASSERT_HELD(&queue->lock);
	while (left) {
		unsigned priority = 31 - (unsigned)__builtin_clz(left);

		for (struct task *task = queue->head[priority]; task; task = task->next)
			if (cpumask_has(&task->cpus, cpu))
				return task;
		left &= ~(1u << priority);
	}
	return NULL;
}

LOCK_UNSAID struct run_queue *queue_lock_of(struct task *task)
{
	DASSERT_MASKED();
	for (;;) {
		struct run_queue *queue = &run_queues[ld_acquire(&task->cpu)];

		lock_take(&queue->lock);
		if (&run_queues[ld_relaxed(&task->cpu)] == queue)
			return queue;
		lock_drop(&queue->lock);
	}
}
