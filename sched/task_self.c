/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a task asks about itself and does to itself: its name and CPU, sleeping,
 * its mask and priority, keeping its CPU, scopes. And what is done to another one that
 * is wanted: an interrupt, a higher priority.
 *
 * "Itself" is the task that run_queues[cpu].current names, read masked: between
 * learning its CPU and reading that field an unmasked task could be moved and would
 * read its successor. Code that already runs masked or in a handler gets the
 * interrupted task.
 *
 * preempt_off is a count of the task, not of the CPU: it moves with the task, and a task
 * that has it raised is never switched, because it also may not sleep.
 *
 * Scopes are bits in the allocator's view of the task. task_scope_enter() returns
 * the bits that were set before, of the ones asked for, in the upper half of a
 * word and the ones asked for in the lower, so that leaving restores those and
 * no others; scopes of different kinds need not nest in each other.
 */
#include "sched_internal.h"

#define SCOPE_BITS (ZTASK_MEMALLOC | ZTASK_NOFS | ZTASK_NOIO | ZTASK_NOCMA)
#define SCOPE_SHIFT 16

_Static_assert(SCOPE_BITS < 1u << SCOPE_SHIFT, "scope bits fit half of a word");

struct task *task_current(void)
{
	port_irqflags_t flags = sched_mask();
	struct task *task = sched_this_queue()->current;

	sched_unmask(flags);
	return task;
}

bool sched_running(void)
{
	return task_current() != NULL;
}

uint64_t task_id(const struct task *task)
{
	return task->id;
}

const char *task_name(const struct task *task)
{
	return task->name;
}

unsigned task_priority(const struct task *task)
{
	return priority_of(task);
}

struct zonal_task *task_memory(struct task *task)
{
	return &task->memory;
}

struct sched_context *task_context(void)
{
	return &task_current()->context;
}

void task_kick(struct task *task)
{
	port_irqflags_t flags = sched_mask();
	struct run_queue *queue = queue_lock_of(task);

	lock_assert_held(&queue->lock);
	/* Who moves it later takes this lock behind us and sees what we wrote. */
	if (task_state(task) == TASK_RUNNING)
		sched_port_kick(queue->cpu);
	lock_drop(&queue->lock);
	sched_unmask(flags);
}

void task_hurry(struct task *task, unsigned priority)
{
	port_irqflags_t flags = sched_mask();
	struct run_queue *queue = queue_lock_of(task);

	lock_assert_held(&queue->lock);
	ASSERT(priority < SCHED_RT_FIRST, "task %s is to hurry at %u", task->name, priority);
	if (priority <= priority_of(task)) {
		lock_drop(&queue->lock);
	} else if (task_state(task) == TASK_READY) {
		/* It leaves the list of its former priority, and whoever it is better than. */
		queue_remove(queue, task);
		st_relaxed(&task->priority, (uint8_t)priority);
		task_set_state(task, TASK_MOVING);
		place_task(queue, task);
	} else {
		st_relaxed(&task->priority, (uint8_t)priority);
		if (task_state(task) == TASK_RUNNING)
			st_relaxed(&queue->running, (int)priority);
		lock_drop(&queue->lock);
	}
	sched_unmask(flags);
	sched_preempt_point();
}

unsigned task_cpu(void)
{
	port_irqflags_t flags = sched_mask();
	unsigned cpu = port_this_cpu()->id;

	sched_unmask(flags);
	return cpu;
}

struct task *sched_sleeper(const char *what)
{
	struct task *task = task_current();

	if (!task)
		port_panic("sched: %s before the scheduler runs", what);
	if (port_irqs_masked())
		port_panic("sched: task %s: %s with interrupts masked", task->name, what);
	if (task->preempt_off)
		port_panic("sched: task %s: %s with preemption off (%u)", task->name, what,
			   (unsigned)task->preempt_off);
	return task;
}

static ZN_NOINLINE void sleep_once(uint64_t deadline_ns)
{
	port_irqflags_t flags = sched_mask();

	sched_block(deadline_ns);
	sched_unmask(flags);
}

void task_sleep_until(uint64_t deadline_ns)
{
	sched_sleeper("sleep");
	while (port_time_ns() < deadline_ns)
		sleep_once(deadline_ns);
}

void task_sleep_ns(uint64_t ns)
{
	uint64_t now = port_time_ns();

	task_sleep_until(ns > SCHED_NEVER - now ? SCHED_NEVER : now + ns);
}

int task_set_cpus(const struct cpumask *cpus)
{
	struct task *task = sched_sleeper("change of CPU");
	port_irqflags_t flags;

	if (!task->stack_page || !place_any_online(cpus))
		return ZONAL_EINVAL;
	flags = sched_mask();
	sched_move(cpus);
	sched_unmask(flags);
	return 0;
}

int task_set_priority(unsigned priority)
{
	port_irqflags_t flags;
	struct run_queue *queue;
	struct task *task;

	if (priority >= SCHED_PRIORITIES)
		return ZONAL_EINVAL;
	sched_sleeper("change of priority");
	flags = sched_mask();
	queue = sched_this_queue();
	task = queue->current;
	lock_take(&queue->lock);
	st_relaxed(&task->priority, (uint8_t)priority);
	st_relaxed(&queue->running, (int)priority);
	task->memory.flags &= ~ZTASK_REALTIME;
	if (priority >= SCHED_RT_FIRST)
		task->memory.flags |= ZTASK_REALTIME;
	if (queue->bitmap && 31 - __builtin_clz(queue->bitmap) > (int)priority)
		st_relaxed(&queue->need_resched, true);
	sched_arm_timer(queue);
	lock_drop(&queue->lock);
	sched_unmask(flags);
	sched_preempt_point();
	return 0;
}

void preempt_disable(void)
{
	port_irqflags_t flags = sched_mask();

	sched_this_queue()->current->preempt_off++;
	sched_unmask(flags);
}

void preempt_enable(void)
{
	struct task *task = task_current();

	if (!task->preempt_off)
		port_panic("sched: task %s: preempt_enable() without preempt_disable()",
			   task->name);
	task->preempt_off--;
	sched_preempt_point();
}

uint32_t task_scope_enter(uint32_t flags)
{
	struct task *task = task_current();
	uint32_t before;

	if (flags & ~SCOPE_BITS)
		port_panic("sched: task %s: scope flags 0x%x, only 0x%x are scopes", task->name,
			   (unsigned)flags, (unsigned)SCOPE_BITS);
	before = task->memory.flags & flags;
	task->memory.flags |= flags;
	return before << SCOPE_SHIFT | flags;
}

void task_scope_leave(uint32_t previous)
{
	struct task *task = task_current();
	uint32_t asked = previous & SCOPE_BITS;

	task->memory.flags = (task->memory.flags & ~asked) | ((previous >> SCOPE_SHIFT) & asked);
}
