/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * On which CPU a task becomes ready, and what an idle CPU steals.
 *
 * Placing: the CPU where it ran last if that is idle; else the nearest idle one;
 * else the one that runs the lowest priority below the task's; else the one with the
 * fewest waiting; always within the task's mask. Near is by node distance, then by
 * number after the own one.
 *
 * Stealing: an idle CPU goes through the others, nearest first, and takes the best
 * task that may run here.
 *
 * No work is left beside an idle CPU. Such a CPU (1) sets its bit in idle_mask,
 * then (2) reads every ready_count and waits if it finds nothing. Who queues a
 * task (3) raises ready_count, then (4) reads idle_mask and interrupts a CPU
 * found there. All four are sequentially consistent, so either (2) sees (3) or (4)
 * sees (1). The wait itself ends at once if the interrupt came before it. The CPU found in
 * (4) may be about to run another task, and then another idle one must be told: so whoever
 * leaves the mask looks at every ready_count once more and passes the interrupt on
 * (place_pass_on). test/models/idle.pml goes through all of it.
 *
 * What the choice reads of other CPUs may be stale: it is a hint, the queue's
 * lock decides. A wrong guess costs a steal, never a lost task.
 */
#include "sched_internal.h"

static _Atomic uint64_t idle_mask[CPUMASK_WORDS];

void place_reset(void)
{
	for (unsigned i = 0; i < CPUMASK_WORDS; i++)
		atomic_store(&idle_mask[i], 0);
}

void place_set_idle(unsigned cpu, bool idle)
{
	uint64_t bit = (uint64_t)1 << (cpu % 64);
	_Atomic uint64_t *word = &idle_mask[cpu / 64];

	DASSERT_MASKED();
	ASSERT(cpu == port_this_cpu()->id, "CPU %u speaks for CPU %u",
	       (unsigned)port_this_cpu()->id, cpu);
	/* Only this CPU changes its bit, so a relaxed look tells whether it must. */
	if (!(ld_relaxed(word) & bit) == !idle)
		return;
	if (idle)
		atomic_fetch_or(word, bit);
	else
		atomic_fetch_and(word, ~bit);
}

bool place_any_online(const struct cpumask *cpus)
{
	for (unsigned cpu = 0; cpu < run_queue_count; cpu++)
		if (cpumask_has(cpus, cpu) && sched_cpu_online(cpu))
			return true;
	return false;
}

/* How bad `cpu` is for a task of `priority`; 0 is idle with nothing waiting. */
static uint32_t cpu_cost(unsigned cpu, unsigned priority)
{
	int running = ld_relaxed(&run_queues[cpu].running);
	uint32_t waiting = ZN_MIN(ld_relaxed(&run_queues[cpu].ready_count), 0xffffu);
	uint32_t rank = running < (int)priority ? (uint32_t)(running + 1) : SCHED_PRIORITIES + 1;

	return rank << 16 | waiting;
}

unsigned place_choose(const struct cpumask *cpus, unsigned last, unsigned priority)
{
	const struct run_queue *queue = &run_queues[last];
	uint32_t best_cost = UINT32_MAX;
	unsigned best = last;

	ASSERT(last < run_queue_count && priority < SCHED_PRIORITIES, "CPU %u, priority %u", last,
	       priority);
	if (cpumask_has(cpus, last) && sched_cpu_online(last))
		best_cost = cpu_cost(last, priority);
	for (unsigned i = 0; best_cost && i < queue->victim_count; i++) {
		unsigned cpu = queue->victim[i];
		uint32_t cost;

		if (!cpumask_has(cpus, cpu) || !sched_cpu_online(cpu))
			continue;
		cost = cpu_cost(cpu, priority);
		if (cost < best_cost) {
			best_cost = cost;
			best = cpu;
		}
	}
	ASSERT(best_cost != UINT32_MAX, "no CPU of the mask is online; last was %u", last);
	return best;
}

void place_kick_idle(const struct run_queue *queue, const struct task *task)
{
	uint64_t able = 0;

	DASSERT_HELD(&queue->lock);
	if (task->pinned)
		return;
	for (unsigned i = 0; i < CPUMASK_WORDS; i++)
		able |= atomic_load(&idle_mask[i]) & task->cpus.word[i];
	for (unsigned i = 0; able && i < queue->victim_count; i++) {
		unsigned cpu = queue->victim[i];

		if (!((atomic_load(&idle_mask[cpu / 64]) >> (cpu % 64)) & 1) ||
		    !cpumask_has(&task->cpus, cpu))
			continue;
		sched_port_kick(cpu);
		return;
	}
}

/* Kick an idle CPU that may run something of `victim`; false: there is none. */
static bool kick_thief_of(struct run_queue *victim)
{
	bool kicked = false;

	if (!atomic_load(&victim->ready_count))
		return false;
	lock_take(&victim->lock);
	for (unsigned i = 0; !kicked && i < victim->victim_count; i++) {
		unsigned cpu = victim->victim[i];

		if (!((ld_relaxed(&idle_mask[cpu / 64]) >> (cpu % 64)) & 1) ||
		    !queue_first_for(victim, cpu))
			continue;
		sched_port_kick(cpu);
		kicked = true;
	}
	lock_drop(&victim->lock);
	return kicked;
}

void place_pass_on(const struct run_queue *queue)
{
	uint64_t idle = 0;

	/* Our bit was cleared before, in the one order of all of these: who queued a task and
	 * found it set is seen by the looks below, who did not has kicked another CPU. */
	for (unsigned i = 0; i < CPUMASK_WORDS; i++)
		idle |= atomic_load(&idle_mask[i]);
	if (!idle || kick_thief_of(&run_queues[queue->cpu]))
		return;
	for (unsigned i = 0; i < queue->victim_count; i++)
		if (kick_thief_of(&run_queues[queue->victim[i]]))
			return;
}

/* `task` was just queued: see that somebody runs it. Lock held. */
static void queued_tell(struct run_queue *queue, const struct task *task)
{
	int running = ld_relaxed(&queue->running), priority = (int)priority_of(task);
	bool here = queue == sched_this_queue();

	DASSERT_HELD(&queue->lock);
	ASSERT(running != QUEUE_OFFLINE, "task %s was queued on CPU %u, which is offline",
	       task->name, queue->cpu);
	if (priority > running) {
		st_relaxed(&queue->need_resched, true);
		if (!here)
			sched_port_kick(queue->cpu);
		/* It may not be alone in front of that CPU. */
		if (ld_relaxed(&queue->ready_count) > 1)
			place_kick_idle(queue, task);
		return;
	}
	if (priority == running && here) {
		sched_arm_timer(queue);
	} else if (priority == running) {
		st_relaxed(&queue->rearm, true);
		sched_port_kick(queue->cpu);
	}
	place_kick_idle(queue, task);
}

void place_task(struct run_queue *queue, struct task *task)
{
	unsigned cpu = place_choose(&task->cpus, queue->cpu, priority_of(task));

	DASSERT_HELD(&queue->lock);
	ASSERT(task_state(task) == TASK_MOVING && task_cpu_of(task) == queue->cpu,
	       "task %s: state %u, CPU %u, placed from CPU %u", task->name, task_state(task),
	       task_cpu_of(task), queue->cpu);
	if (cpu != queue->cpu) {
		/* Whoever wants to wake it from here on takes the new queue's lock, where it
		 * is TASK_MOVING until it is queued. */
		st_release(&task->cpu, cpu);
		lock_drop(&queue->lock);
		queue = &run_queues[cpu];
		lock_take(&queue->lock);
	}
	queue_push_tail(queue, task);
	queued_tell(queue, task);
	lock_drop(&queue->lock);
}

static struct task *steal_from(struct run_queue *victim, unsigned thief)
{
	struct task *task;

	ASSERT(victim->cpu != thief, "CPU %u steals from itself", thief);
	if (!atomic_load(&victim->ready_count))
		return NULL;
	lock_take(&victim->lock);
	task = queue_first_for(victim, thief);
	if (task) {
		queue_remove(victim, task);
		task_set_state(task, TASK_MOVING);
		st_release(&task->cpu, thief);
	}
	lock_drop(&victim->lock);
	return task;
}

bool place_steal(struct run_queue *thief)
{
	DASSERT_MASKED();
	ASSERT(thief == sched_this_queue() && thief->current == &thief->idle,
	       "CPU %u steals, or not for itself", thief->cpu);
	for (unsigned i = 0; i < thief->victim_count; i++) {
		struct task *task = steal_from(&run_queues[thief->victim[i]], thief->cpu);

		if (!task)
			continue;
		lock_take(&thief->lock);
		queue_push_tail(thief, task);
		lock_drop(&thief->lock);
		own_add(&thief->steals, 1);
		return true;
	}
	return false;
}

/* Distance of CPU `other` from `queue`: 0 on its node, the farthest if nobody knows. */
static unsigned victim_distance(const struct run_queue *queue, unsigned other)
{
	const struct boot_info *board = sched_port_board();
	int nid = board->cpu[other].nid;

	if (queue->nid == nid)
		return 0;
	return queue->nid >= 0 && nid >= 0 ? board->distance[queue->nid][nid] : 255;
}

/* By distance, then by number after the own one: in that order they come, and one that comes
 * later goes behind its equals, so that a board of one node needs no exchange. */
void place_order_victims(struct run_queue *queue)
{
	unsigned count = ZN_MIN(sched_port_board()->cpu_count, run_queue_count);

	ASSERT(!sched_cpu_online(queue->cpu), "CPU %u is online: its order is in use",
	       queue->cpu);
	queue->victim_count = 0;
	for (unsigned step = 1; step < count; step++) {
		unsigned cpu = (queue->cpu + step) % count, i = queue->victim_count++;
		unsigned distance = victim_distance(queue, cpu);

		for (; i > 0 && victim_distance(queue, queue->victim[i - 1]) > distance; i--)
			queue->victim[i] = queue->victim[i - 1];
		queue->victim[i] = (uint16_t)cpu;
	}
}
