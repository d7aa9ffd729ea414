/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a task: creation, end, join, and what a task does to itself.
 *
 * Creation takes, in this order, the struct, the stack and the context. Each may fail;
 * what was taken before goes back and nobody has seen the task. After that it
 * cannot fail: the task is registered and placed.
 *
 * The end takes several steps, because a task cannot free the stack it stands on:
 *   1. task_exit() leaves its CPU for good, in state TASK_DEAD;
 *   2. the task that follows it on that CPU calls task_ended(), which sets `ended`;
 *   3. the joiner, woken by that, frees it. A detached one is freed by the
 *      reaper, a task that waits for such work; task_detach() frees it at once if
 *      it has reached step 2.
 * `detached` and `ended` change under ended.queue.lock, so exactly one of joiner,
 * reaper and detacher frees it.
 */
#include <string.h>

#include <zonal/cpuset.h>
#include <zonal/group.h>

#include "sched_internal.h"

static struct {
	struct wait_queue queue;
	struct task *first; /* queue.lock; linked through task->next */
} reaper;

/* It is in the cpuset and the memory group of its creator from task_fill() on. */
static void task_leave_sets(struct task *task)
{
	zonal_cpuset_leave(&task->memory);
	zonal_group_join(NULL, &task->memory);
}

static void task_free(struct task *task)
{
	ASSERT(task_state(task) == TASK_DEAD && ld_acquire(&task->ended.set),
	       "task %s is freed in state %u", task->name, task_state(task));
	registry_remove(task);
	task_leave_sets(task);
	sched_context_drop(&task->context);
	task_stack_put(task);
	task_memory_put(task);
}

static bool reaper_has_work(void *arg)
{
	struct task **out = arg;

	DASSERT_HELD(&reaper.queue.lock);
	*out = reaper.first;
	if (reaper.first)
		reaper.first = reaper.first->next;
	return *out != NULL;
}

static int reaper_main(void *arg)
{
	struct task *task = NULL;

	(void)arg;
	while (wait_until(&reaper.queue, reaper_has_work, &task, SCHED_NEVER))
		task_free(task);
	return 0;
}

void task_reaper_start(void)
{
	/* Below the real-time class, above all ordinary work: memory comes back soon. */
	struct task_spec spec = { .name = "reaper", .fn = reaper_main, .detached = true,
				  .priority = SCHED_RT_FIRST - 1 };

	memset(&reaper, 0, sizeof(reaper));
	if (task_spawn(&spec, NULL))
		port_panic("sched: no memory for the reaper's stack");
}

void task_ended(struct task *task)
{
	bool detached;

	ASSERT(task_state(task) == TASK_DEAD, "task %s has ended in state %u", task->name,
	       task_state(task));
	wait_lock(&task->ended.queue);
	st_release(&task->ended.set, true);
	detached = task->detached;
	wait_wake_locked(&task->ended.queue, WAKE_ALL);
	lock_drop(&task->ended.queue.lock);
	/* A joiner may have freed a joinable task by now; a detached one is ours. */
	if (!detached)
		return;
	wait_lock(&reaper.queue);
	task->next = reaper.first;
	reaper.first = task;
	wait_wake_locked(&reaper.queue, 1);
	lock_drop(&reaper.queue.lock);
}

/* ---- creation ---- */

static void task_name_copy(struct task *task, const char *name)
{
	size_t length = 0;

	if (!name)
		name = "task";
	while (name[length] && length < SCHED_NAME_BYTES - 1)
		length++;
	memcpy(task->name, name, length);
	task->name[length] = 0;
}

/* Policy and allowed nodes as the creator has them; its scopes are its own. */
static void task_inherit(struct task *task)
{
	port_irqflags_t flags = sched_mask();
	const struct zonal_task *parent = port_this_cpu()->task;

	zonal_task_inherit(&task->memory, parent);
	sched_unmask(flags);
}

void task_fill(struct task *task, const struct task_spec *spec, unsigned cpu)
{
	ASSERT(cpu < ZONAL_MAX_CPUS && spec->priority < SCHED_PRIORITIES, "CPU %u, priority %u",
	       cpu, spec->priority);
	task_inherit(task);
	task_name_copy(task, spec->name);
	task->fn = spec->fn;
	task->arg = spec->arg;
	task->cpus = spec->cpus ? *spec->cpus : cpumask_full();
	task->pinned = cpumask_count(&task->cpus) == 1;
	task->slice_left_ns = SCHED_SLICE_NS;
	task->detached = spec->detached;
	st_relaxed(&task->cpu, cpu);
	st_relaxed(&task->priority, (uint8_t)spec->priority);
	if (spec->priority >= SCHED_RT_FIRST)
		task->memory.flags |= ZTASK_REALTIME;
	task_set_state(task, TASK_NEW);
}

static bool spec_is_sound(const struct task_spec *spec, struct task *const *out)
{
	if (!spec->fn || spec->priority >= SCHED_PRIORITIES || (!out && !spec->detached))
		return false;
	if (spec->on_node && (spec->nid < 0 || spec->nid >= ZONAL_MAX_NODES ||
			      !nodemask_has(sched_port_board()->nodes, (unsigned)spec->nid)))
		return false;
	return !spec->cpus || place_any_online(spec->cpus);
}

/* Where the task should be first, and so whose memory it gets. */
static unsigned spec_cpu(const struct task_spec *spec)
{
	struct cpumask all = cpumask_full();
	const struct cpumask *cpus = spec->cpus ? spec->cpus : &all;
	unsigned near = task_cpu();

	for (unsigned cpu = 0; spec->on_node && cpu < run_queue_count; cpu++)
		if (sched_cpu_online(cpu) && run_queues[cpu].nid == spec->nid) {
			near = cpu;
			break;
		}
	return place_choose(cpus, near, spec->priority);
}

static void task_place_first(struct task *task)
{
	port_irqflags_t flags = sched_mask();
	struct run_queue *queue = queue_lock_of(task);

	lock_assert_held(&queue->lock);
	ASSERT(task_state(task) == TASK_NEW, "task %s is placed first in state %u", task->name,
	       task_state(task));
	task_set_state(task, TASK_MOVING);
	place_task(queue, task);
	sched_unmask(flags);
	sched_preempt_point();
}

int task_spawn(const struct task_spec *spec, struct task **out)
{
	struct task *task;
	unsigned cpu;
	int nid;

	if (!spec_is_sound(spec, out))
		return ZONAL_EINVAL;
	cpu = spec_cpu(spec);
	nid = spec->on_node ? spec->nid : run_queues[cpu].nid;
	task = task_memory_take(nid);
	if (!task)
		return ZONAL_ENOMEM;
	task_fill(task, spec, cpu);
	if (task_stack_take(task, nid)) {
		task_leave_sets(task);
		task_memory_put(task);
		return ZONAL_ENOMEM;
	}
	sched_context_init(&task->context, task->stack, SCHED_STACK_BYTES, sched_task_entry);
	registry_add(task);
	if (out)
		*out = task;
	task_place_first(task);
	return 0;
}

struct task *task_create(const struct task_spec *spec)
{
	struct task *task;

	return task_spawn(spec, &task) ? NULL : task;
}

/* ---- end ---- */

void task_exit(int status)
{
	struct task *task = sched_sleeper("exit");

	if (!task->stack_page)
		port_panic("sched: task %s, on a boot stack, ends", task->name);
	task->status = status;
	sched_mask();
	sched_leave();
}

int task_join(struct task *task)
{
	int status;

	if (task->detached || task == task_current())
		port_panic("sched: task %s cannot be joined: it is %s", task->name,
			   task->detached ? "detached" : "the caller");
	event_wait(&task->ended, SCHED_NEVER);
	status = task->status;
	task_free(task);
	return status;
}

void task_detach(struct task *task)
{
	port_irqflags_t flags = sched_mask();
	bool ended;

	wait_lock(&task->ended.queue);
	ASSERT(!task->detached, "task %s is detached twice", task->name);
	ended = ld_relaxed(&task->ended.set);
	task->detached = true;
	lock_drop(&task->ended.queue.lock);
	sched_unmask(flags);
	if (ended)
		task_free(task);
}
