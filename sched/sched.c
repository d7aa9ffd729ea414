/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch: who runs next on this CPU, and how the former one leaves.
 *
 * Every way off a CPU ends in switch_from(), masked and with the lock of this
 * CPU's queue held; the state set before says why:
 *
 *	TASK_READY    back in the queue: preempted, or yielded
 *	TASK_BLOCKED  sched_block(): until sched_wake() or its deadline
 *	TASK_MOVING   sched_move(): to be placed on another CPU
 *	TASK_DEAD     sched_leave(): the task has ended
 *
 * The lock stays taken over the switch and the task that comes drops it in
 * finish_switch(). Until then no CPU can wake, steal or free the one that left, so its
 * registers and its stack are safe. What remains to be done for it (placing it,
 * telling its joiner) is done there, by the task that came.
 *
 * No wake-up is lost: sched_wake() finds the task blocked and makes it ready, or leaves
 * wake_pending, which makes the next sched_block() return at once; both under the
 * task's queue lock. So a caller of sched_block() looks again and calls again: an early
 * return is normal.
 *
 * need_resched says that something better than the running task is queued. It is
 * acted on when an interrupt handler ends (sched_irq_exit, sched_preempt), at the end of
 * calls that wake or create (sched_preempt_point), and by preempt_enable().
 *
 * A task keeps its place: preempted by a better one it goes to the head of its list with
 * the rest of its slice, at the end of its slice to the tail with a new one. The
 * timer runs for a slice only while an equal task waits.
 */
#include "sched_internal.h"

ZN_NOINLINE port_irqflags_t sched_mask(void)
{
	return port_irq_save();
}

ZN_NOINLINE void sched_unmask(port_irqflags_t flags)
{
	port_irq_restore(flags);
}

ZN_NOINLINE struct run_queue *sched_this_queue(void)
{
	static struct run_queue nothing_runs; /* before sched_init(), on the one CPU there is */

	return likely(run_queues) ? &run_queues[port_this_cpu()->id] : &nothing_runs;
}

void sched_arm_timer(struct run_queue *queue)
{
	uint64_t next = sleepers_deadline(queue);
	int running = ld_relaxed(&queue->running);

	DASSERT_HELD(&queue->lock);
	ASSERT(queue == sched_this_queue(), "the timer of CPU %u is set by another", queue->cpu);
	/* A slice that is over already has set need_resched and must not fire again before
	 * the switch. */
	if (running >= 0 && (queue->bitmap >> running) && !ld_relaxed(&queue->need_resched))
		next = ZN_MIN(next, queue->slice_end_ns);
	if (next == queue->timer_ns)
		return;
	queue->timer_ns = next;
	sched_port_set_timer(next);
}

/* The task that left is off its stack now. Masked; drops the lock taken before the switch,
 * by another task and under another name. */
static ZN_NOINLINE void finish_switch(void) LOCK_UNSAID;
static ZN_NOINLINE void finish_switch(void)
{
	struct run_queue *queue = sched_this_queue();
	struct task *previous = queue->previous;
	enum task_state state;

	ASSERT(previous, "nobody was switched away from on CPU %u", queue->cpu);
	DASSERT_HELD(&queue->lock);
	state = task_state(previous);
	queue->previous = NULL;
	if (state == TASK_MOVING)
		place_task(queue, previous);
	else
		lock_drop(&queue->lock);
	if (previous == &queue->idle)
		place_pass_on(queue);
	if (state == TASK_DEAD)
		task_ended(previous);
	/* Either may have made a better task ready here; take it as soon as unmasked. */
	if (ld_relaxed(&queue->need_resched))
		sched_port_kick(queue->cpu);
}

static void account(struct run_queue *queue, struct task *task, uint64_t now)
{
	uint64_t ran = now - queue->run_start_ns;

	DASSERT(now >= queue->run_start_ns, "the clock of CPU %u went back from %llu to %llu",
		queue->cpu, (unsigned long long)queue->run_start_ns, (unsigned long long)now);
	own_add(&task->runtime_ns, ran);
	own_add(&task->switches, 1);
	if (task == &queue->idle)
		own_add(&queue->idle_ns, ran);
	queue->run_start_ns = now;
}

static struct task *take_next(struct run_queue *queue) LOCK_HELD(queue->lock);
static struct task *take_next(struct run_queue *queue)
{
	struct task *next = queue_first(queue);

	if (next)
		queue_remove(queue, next);
	else
		next = &queue->idle;
	ASSERT(task_cpu_of(next) == queue->cpu && cpumask_has(&next->cpus, queue->cpu),
	       "task %s of CPU %u must not run on CPU %u", next->name, task_cpu_of(next),
	       queue->cpu);
	task_set_state(next, TASK_RUNNING);
	return next;
}

/* What this CPU says it runs, for all who place tasks, and until when it may. */
static void claim(struct run_queue *queue, const struct task *task, uint64_t now)
{
	bool idle = task == &queue->idle;

	st_relaxed(&queue->running, idle ? QUEUE_IDLE : (int)priority_of(task));
	queue->slice_end_ns = now + task->slice_left_ns;
}

static void become_current(struct run_queue *queue, struct task *next, uint64_t now)
{
	queue->current = next;
	claim(queue, next, now);
	place_set_idle(queue->cpu, next == &queue->idle);
	port_this_cpu()->task = &next->memory;
	own_add(&queue->switches, 1);
}

/* Masked, lock held, task->state says why it leaves. Returns when `task` runs again,
 * lock dropped; never if it is dead. */
static ZN_NOINLINE void switch_from(struct run_queue *queue, struct task *task)
	LOCK_DROPS(queue->lock) LOCK_UNSAID;
static ZN_NOINLINE void switch_from(struct run_queue *queue, struct task *task)
{
	uint64_t now = port_time_ns();
	bool ends = task_state(task) == TASK_DEAD;
	struct task *next;

	DASSERT_HELD(&queue->lock);
	ASSERT(task == queue->current && !queue->previous, "task %s leaves CPU %u, which runs %s",
	       task->name, queue->cpu, queue->current->name);
	ASSERT(!task->preempt_off, "task %s leaves CPU %u with preemption off", task->name,
	       queue->cpu);
	ASSERT((task_state(task) == TASK_RUNNING) == (task == &queue->idle),
	       "task %s leaves CPU %u in state %u", task->name, queue->cpu, task_state(task));
	next = take_next(queue);
	st_relaxed(&queue->need_resched, false);
	if (next == task) {
		/* The idle task, whose work another CPU has stolen meanwhile, is one of them. */
		claim(queue, task, now);
		sched_arm_timer(queue);
		lock_drop(&queue->lock);
		return;
	}
	account(queue, task, now);
	become_current(queue, next, now);
	sched_arm_timer(queue);
	queue->previous = task;
	sched_context_switch(&task->context, &next->context, ends);
	finish_switch();
}

void sched_task_entry(void)
{
	struct task *task = sched_this_queue()->current;

	ASSERT(task->fn, "task %s has nothing to run", task->name);
	sched_context_begin(&task->context);
	finish_switch();
	sched_port_unmask();
	task_exit(task->fn(task->arg));
}

void sched_block(uint64_t deadline_ns)
{
	struct run_queue *queue = sched_this_queue();
	struct task *task = queue->current;

	ASSERT(task != &queue->idle, "the idle task of CPU %u waits", queue->cpu);
	lock_take(&queue->lock);
	if (task->wake_pending || deadline_ns <= port_time_ns()) {
		task->wake_pending = false;
		lock_drop(&queue->lock);
		return;
	}
	task_set_state(task, TASK_BLOCKED);
	task->slice_left_ns = SCHED_SLICE_NS;
	if (deadline_ns != SCHED_NEVER)
		sleepers_add(queue, &task->sleep, deadline_ns);
	switch_from(queue, task);
}

void sched_wake(struct task *task)
{
	struct run_queue *queue = queue_lock_of(task);

	lock_assert_held(&queue->lock);
	ASSERT(task_state(task) != TASK_DEAD, "task %s is woken after its end", task->name);
	if (task_state(task) != TASK_BLOCKED) {
		task->wake_pending = true;
		lock_drop(&queue->lock);
		return;
	}
	sleepers_remove(queue, &task->sleep);
	task_set_state(task, TASK_MOVING);
	place_task(queue, task);
}

void sched_move(const struct cpumask *cpus)
{
	struct run_queue *queue = sched_this_queue();
	struct task *task = queue->current;

	ASSERT(task != &queue->idle, "the idle task of CPU %u is moved", queue->cpu);
	lock_take(&queue->lock);
	task->cpus = *cpus;
	task->pinned = cpumask_count(cpus) == 1;
	if (cpumask_has(cpus, queue->cpu)) {
		lock_drop(&queue->lock);
		return;
	}
	task_set_state(task, TASK_MOVING);
	task->slice_left_ns = SCHED_SLICE_NS;
	switch_from(queue, task);
}

void sched_leave(void)
{
	struct run_queue *queue = sched_this_queue();
	struct task *task = queue->current;

	lock_take(&queue->lock);
	task_set_state(task, TASK_DEAD);
	switch_from(queue, task);
	port_panic("sched: task %s ran after its end", task->name);
}

/* Put the running task back into its queue; lock held. The idle task is never queued. */
static void requeue_current(struct run_queue *queue, bool to_tail) LOCK_HELD(queue->lock);
static void requeue_current(struct run_queue *queue, bool to_tail)
{
	struct task *task = queue->current;
	uint64_t now = port_time_ns();

	DASSERT_HELD(&queue->lock);
	if (task == &queue->idle)
		return;
	if (to_tail || now >= queue->slice_end_ns) {
		own_add(&queue->slices, !to_tail);
		task->slice_left_ns = SCHED_SLICE_NS;
		queue_push_tail(queue, task);
	} else {
		task->slice_left_ns = queue->slice_end_ns - now;
		queue_push_head(queue, task);
	}
	place_kick_idle(queue, task);
}

static ZN_NOINLINE void give_way(bool to_tail)
{
	struct run_queue *queue = sched_this_queue();
	struct task *task = queue->current;

	lock_take(&queue->lock);
	if (!to_tail)
		own_add(&queue->preemptions, 1);
	requeue_current(queue, to_tail);
	switch_from(queue, task);
}

void sched_preempt(void)
{
	give_way(false);
}

void task_yield(void)
{
	port_irqflags_t flags;

	sched_sleeper("yield");
	sched_port_poll();
	flags = sched_mask();
	give_way(true);
	sched_unmask(flags);
}

static ZN_NOINLINE bool wants_switch(void)
{
	struct run_queue *queue = sched_this_queue();

	return queue->current && ld_relaxed(&queue->need_resched) && !queue->current->preempt_off;
}

void sched_preempt_point(void)
{
	bool masked = port_irqs_masked();
	port_irqflags_t flags = sched_mask();

	if (wants_switch()) {
		/* Who masked, or is a handler, does not expect to be switched: the interrupt comes
		 * when he is done. A handler need not be one that ends in sched_irq_exit(): a call
		 * to the own CPU is made without an interrupt. */
		if (masked || port_this_cpu()->irq_depth)
			sched_port_kick(sched_this_queue()->cpu);
		else
			give_way(false);
	}
	sched_unmask(flags);
}

void task_poll(void)
{
	sched_port_poll();
	sched_preempt_point();
}

/* Wake who is due, one at a time: the lock is never held for many. */
static void wake_due(struct run_queue *queue, uint64_t now)
{
	for (;;) {
		struct task *task;

		lock_take(&queue->lock);
		if (sleepers_deadline(queue) > now)
			break;
		task = (struct task *)((char *)queue->sleepers - offsetof(struct task, sleep));
		ASSERT(task_state(task) == TASK_BLOCKED, "task %s sleeps in state %u", task->name,
		       task_state(task));
		sleepers_remove(queue, &task->sleep);
		task_set_state(task, TASK_MOVING);
		place_task(queue, task);
	}
	lock_drop(&queue->lock);
}

void sched_timer_tick(void)
{
	struct run_queue *queue = sched_this_queue();
	uint64_t now = port_time_ns();
	int running;

	DASSERT_MASKED();
	if (!queue->current)
		return;
	own_add(&queue->ticks, 1);
	wake_due(queue, now);
	lock_take(&queue->lock);
	running = ld_relaxed(&queue->running);
	if (running >= 0 && now >= queue->slice_end_ns && (queue->bitmap >> running))
		st_relaxed(&queue->need_resched, true);
	/* The timer has fired: what it was set to says nothing, set it anew in any case. */
	queue->timer_ns = 0;
	sched_arm_timer(queue);
	lock_drop(&queue->lock);
}

bool sched_irq_exit(void)
{
	struct run_queue *queue = sched_this_queue();

	DASSERT_MASKED();
	if (!queue->current || port_this_cpu()->irq_depth)
		return false;
	if (ld_relaxed(&queue->rearm)) {
		st_relaxed(&queue->rearm, false);
		lock_take(&queue->lock);
		sched_arm_timer(queue);
		lock_drop(&queue->lock);
	}
	return ld_relaxed(&queue->need_resched) && !queue->current->preempt_off;
}
