/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All tasks that exist, in a list by ascending id.
 *
 * An id is given once and never again, so "the tasks above id n" is a place in the
 * list that survives the tasks around it: who prints the list copies a few at a
 * time under the lock and prints them without it. The lock is innermost and
 * taken masked. Registered are tasks, the main task and the idle tasks.
 */
#include <string.h>

#include "sched_internal.h"

static struct {
	struct ticket_lock lock;
	struct task *first, *last; /* lock */
	uint64_t last_id;          /* lock */
	unsigned count;            /* lock */
} registry;

void registry_reset(void)
{
	memset(&registry, 0, sizeof(registry));
	lock_set_rank(&registry.lock, LOCK_TASK_LIST);
}

void registry_add(struct task *task)
{
	port_irqflags_t flags = sched_mask();

	lock_take(&registry.lock);
	task->id = ++registry.last_id;
	task->all_prev = registry.last;
	task->all_next = NULL;
	if (registry.last)
		registry.last->all_next = task;
	else
		registry.first = task;
	ASSERT(!registry.last || registry.last->id < task->id, "id %llu is not the highest",
	       (unsigned long long)task->id);
	registry.last = task;
	registry.count++;
	lock_drop(&registry.lock);
	sched_unmask(flags);
}

void registry_remove(struct task *task)
{
	port_irqflags_t flags = sched_mask();

	lock_take(&registry.lock);
	ASSERT(task->all_prev || registry.first == task, "task %s is not listed", task->name);
	if (task->all_prev)
		task->all_prev->all_next = task->all_next;
	else
		registry.first = task->all_next;
	if (task->all_next)
		task->all_next->all_prev = task->all_prev;
	else
		registry.last = task->all_prev;
	registry.count--;
	lock_drop(&registry.lock);
	sched_unmask(flags);
}

static void info_fill(struct task_info *info, const struct task *task)
{
	info->id = task->id;
	memcpy(info->name, task->name, sizeof(info->name));
	info->cpu = ld_relaxed(&task->cpu);
	info->priority = priority_of(task);
	info->state = task_state(task);
	info->nid = task->nid;
	info->policy = task->memory.policy.mode;
	info->flags = task->memory.flags;
	info->runtime_ns = ld_relaxed(&task->runtime_ns);
	info->switches = ld_relaxed(&task->switches);
	info->cpus = task->cpus;
}

unsigned sched_list(uint64_t after, struct task_info *out, unsigned count)
{
	port_irqflags_t flags = sched_mask();
	unsigned found = 0;

	lock_take(&registry.lock);
	for (struct task *task = registry.first; task && found < count; task = task->all_next)
		if (task->id > after)
			info_fill(&out[found++], task);
	lock_drop(&registry.lock);
	sched_unmask(flags);
	return found;
}

unsigned sched_task_count(void)
{
	port_irqflags_t flags = sched_mask();
	unsigned count;

	lock_take(&registry.lock);
	count = registry.count;
	lock_drop(&registry.lock);
	sched_unmask(flags);
	return count;
}
