/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is done about work that waits, on a machine that stands still: an interrupt that is passed
 * on, a task that is stolen, CPUs that are idle or come online. Who is chosen for a new task is
 * place_test.c. The last case needs CPUs that switch, and is played by threads.
 */
#include <string.h>

#include "fake_machine.h"
#include "test/unit/sched/sched_world.h"

static struct cpumask mask_of(unsigned first, unsigned last)
{
	struct cpumask mask = { { 0 } };

	for (unsigned cpu = first; cpu <= last; cpu++)
		cpumask_add(&mask, cpu);
	return mask;
}

/* ---- passing an interrupt on ---- */

/* CPU 0 was told, took something, and leaves the mask: who may run what waits at `at`? */
static void pass_on_from_0(unsigned at, const struct cpumask *cpus, unsigned told)
{
	fake_board(5, 1);
	fake_start();
	for (unsigned cpu = 0; cpu < 3; cpu++)
		fake_run(cpu, fake_task(cpu, 9));
	fake_queue(at, fake_task(at, 3));
	fake_bind(fake_first(at), cpus);
	place_pass_on(&run_queues[0]);
	KT_TRUE(told == ZONAL_MAX_CPUS || fake_kicked(told));
	KT_EQ(fake_kicks(), 0);
	for (unsigned cpu = 0; cpu < 5; cpu++)
		KT_TRUE(!lock_held(&run_queues[cpu].lock));
	cpu_reset_all();
}

FAKE_TEST(what_waits_at_any_queue_is_passed_on_to_one_idle_cpu)
{
	struct cpumask all = cpumask_full(), last = mask_of(4, 4), busy = mask_of(0, 2);

	/* From queue 1 the order is 2, 3, 4, 0; from 0 and 2, 3 is the nearest idle one too. */
	for (unsigned at = 0; at < 3; at++) {
		pass_on_from_0(at, &all, 3);
		pass_on_from_0(at, &last, 4);
		pass_on_from_0(at, &busy, ZONAL_MAX_CPUS);
	}
}

/* The only idle CPU is the last one of a large machine. */
FAKE_TEST(what_waits_is_passed_on_to_an_idle_cpu_of_any_number)
{
	fake_board(ZONAL_MAX_CPUS, 1);
	fake_start();
	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS - 1; cpu++)
		fake_run(cpu, fake_task(cpu, 9));
	fake_queue(0, fake_task(0, 3));
	place_pass_on(&run_queues[0]);
	KT_TRUE(fake_kicked(ZONAL_MAX_CPUS - 1));
	KT_EQ(fake_kicks(), 0);
}

FAKE_TEST(a_reset_machine_has_no_idle_cpus)
{
	fake_board(4, 1);
	fake_start();
	cpu_reset_all();
	/* CPU 0 is about to start and knows the others, of which none is there yet. */
	place_order_victims(&run_queues[0]);
	KT_EQ(run_queues[0].victim_count, 3);
	fake_queue(0, fake_task(0, 3));
	place_pass_on(&run_queues[0]);
	KT_EQ(fake_kicks(), 0);
	place_order_victims(&run_queues[1]);
	fake_queue(1, fake_task(1, 3));
	place_pass_on(&run_queues[1]);
	KT_EQ(fake_kicks(), 0);
}

FAKE_TEST(a_task_of_one_cpu_alone_is_pinned)
{
	struct task_spec spec = { .name = "bound", .priority = 4 };
	struct task *task;

	fake_board(4, 1);
	fake_start();
	task = fake_task(0, 4);
	for (unsigned last = 1; last < 4; last++) {
		struct cpumask cpus = mask_of(1, last);

		spec.cpus = &cpus;
		task_fill(task, &spec, 1);
		KT_EQ(task->pinned, last == 1);
	}
	spec.cpus = NULL;
	task_fill(task, &spec, 1);
	KT_TRUE(!task->pinned);
}

/* The number of the farthest CPU takes more than 8 bits on a large board. */
FAKE_TEST(the_last_cpu_of_a_full_table_is_told_and_robbed)
{
	const unsigned last = ZONAL_MAX_CPUS - 1;

	fake_board(ZONAL_MAX_CPUS, 1);
	fake_start();
	KT_EQ(run_queues[0].victim_count, last);
	KT_EQ(run_queues[0].victim[last - 1], last);
	KT_EQ(run_queues[last].victim[0], 0);
	fake_queue(last, fake_task(last, 3));
	KT_TRUE(fake_steal(0));
	KT_EQ(ld_relaxed(&run_queues[0].ready_count), 1);
	KT_EQ(ld_relaxed(&run_queues[last].ready_count), 0);
}

/* A CPU that sleeps does not look by itself, though the host's are woken often enough to. */
FAKE_TEST(a_task_that_gives_way_is_offered_to_who_is_idle)
{
	struct cpumask own = mask_of(0, 0), third = mask_of(0, 2), all = cpumask_full();
	struct task *task;

	third.word[0] &= ~2ull;
	fake_board(3, 1);
	fake_start();
	task = fake_task(0, 5);
	fake_run(0, task);
	for (unsigned i = 0; i < 3; i++) {
		const struct cpumask *cpus = i == 0 ? &all : i == 1 ? &third : &own;

		fake_bind(task, cpus);
		sched_preempt();
		KT_TRUE(run_queues[0].current == task); /* there is none but it */
		KT_TRUE(i == 2 || fake_kicked(i + 1));
		KT_EQ(fake_kicks(), 0);
	}
}

/* ---- stealing ---- */

FAKE_TEST(the_nearest_queue_is_robbed_of_its_best_task)
{
	struct task *far, *low, *high;

	fake_board(4, 2);
	fake_start();
	far = fake_task(2, 9);
	low = fake_task(1, 3);
	high = fake_task(1, 4);
	fake_queue(2, far);
	fake_queue(1, low);
	fake_queue(1, high);
	KT_TRUE(fake_steal(0));
	KT_TRUE(fake_first(0) == high);
	KT_EQ(ld_relaxed(&high->cpu), 0);
	KT_EQ(task_state(high), TASK_READY);
	KT_EQ(ld_relaxed(&run_queues[0].steals), 1);
	KT_EQ(ld_relaxed(&run_queues[1].ready_count), 1);
	for (unsigned cpu = 0; cpu < 4; cpu++)
		KT_TRUE(fake_queue_is_sound(cpu) && !lock_held(&run_queues[cpu].lock));
	KT_TRUE(fake_steal(0) && fake_steal(0));
	KT_EQ(ld_relaxed(&low->cpu), 0);
	KT_EQ(ld_relaxed(&far->cpu), 0);
	KT_TRUE(!fake_steal(0));
	KT_EQ(ld_relaxed(&run_queues[0].steals), 3);
}

FAKE_TEST(what_may_not_run_here_is_not_stolen)
{
	struct cpumask one = cpumask_of(1), others = mask_of(1, 2), both = mask_of(0, 1);
	struct task *pinned, *stranger, *fit;

	fake_board(3, 1);
	fake_start();
	pinned = fake_task(1, 9);
	fake_bind(pinned, &one);
	stranger = fake_task(1, 8);
	fake_bind(stranger, &others);
	fake_queue(1, pinned);
	KT_TRUE(!fake_steal(0));
	fake_queue(1, stranger);
	KT_TRUE(!fake_steal(0));
	fit = fake_task(1, 2);
	fake_bind(fit, &both);
	fake_queue(1, fit);
	KT_TRUE(fake_steal(0));
	KT_TRUE(fake_first(0) == fit);
	KT_TRUE(fake_queue_is_sound(0) && fake_queue_is_sound(1));
	KT_EQ(ld_relaxed(&run_queues[1].ready_count), 2);
	KT_EQ(run_queues[1].movable, 1);
}

/* ---- idle and online ---- */

/* The CPU looked, saw work, and another CPU was quicker: it stays idle for all who place. */
FAKE_TEST(an_idle_cpu_whose_task_was_stolen_stays_idle)
{
	struct task *task;

	fake_board(2, 1);
	fake_start();
	fake_queue(0, fake_task(0, 3));
	KT_TRUE(fake_steal(1));
	fake_be(0);
	sched_preempt();
	KT_EQ(ld_relaxed(&run_queues[0].running), QUEUE_IDLE);
	KT_TRUE(run_queues[0].current == &run_queues[0].idle);
	task = fake_task(0, 0);
	fake_place(task);
	KT_EQ(ld_relaxed(&task->cpu), 0);
	KT_TRUE(ld_relaxed(&run_queues[0].need_resched));
}

FAKE_TEST(a_mask_is_good_if_one_of_its_cpus_is_online)
{
	struct cpumask mask = mask_of(3, ZONAL_MAX_CPUS - 1);

	fake_board(3, 1);
	fake_start();
	KT_TRUE(!place_any_online(&mask));
	cpumask_add(&mask, 2);
	KT_TRUE(place_any_online(&mask));
	mask = cpumask_of(0);
	KT_TRUE(place_any_online(&mask));
	KT_TRUE(sched_cpu_online(2) && !sched_cpu_online(3) && !sched_cpu_online(ZONAL_MAX_CPUS));
}

/* ---- who says of itself to be idle ---- */

static struct {
	unsigned other;
	_Atomic unsigned busy, stop, held, let_go;
} idle_play;

/* Does not look for interrupts, so that one stays pending. */
static int keep_busy(void *arg)
{
	(void)arg;
	task_poll();
	atomic_store(&idle_play.busy, 1);
	while (!atomic_load(&idle_play.stop))
		port_relax();
	return 0;
}

static void hold_other(void *arg)
{
	(void)arg;
	atomic_store(&idle_play.held, 1);
	while (!atomic_load(&idle_play.let_go))
		port_relax();
}

static int call_other(void *arg)
{
	(void)arg;
	return port_call_cpu(idle_play.other, hold_other, NULL) ? 0 : 1;
}

/* Is that CPU told of a task that only it may run? */
static bool other_is_told(void)
{
	struct run_queue *queue = &run_queues[task_cpu()];
	struct task probe = { .cpus = cpumask_of(idle_play.other) };
	port_irqflags_t flags = port_irq_save();

	atomic_store(&host_sched.cpu[idle_play.other].kicked, false);
	lock_take(&queue->lock);
	place_kick_idle(queue, &probe);
	lock_drop(&queue->lock);
	host_sched_unmask(flags);
	return atomic_load(&host_sched.cpu[idle_play.other].kicked);
}

static int end_at_once(void *arg)
{
	(void)arg;
	return 0;
}

static int say_busy(void *arg)
{
	atomic_store((_Atomic unsigned *)arg, 1);
	return 0;
}

/* A task that waits here may run on the other CPU as well from now on. */
static void widen(struct run_queue *queue, struct task *task)
{
	port_irqflags_t flags = port_irq_save();

	lock_take(&queue->lock);
	queue_remove(queue, task);
	task_set_state(task, TASK_MOVING);
	cpumask_add(&task->cpus, idle_play.other);
	task->pinned = false;
	queue_push_tail(queue, task);
	lock_drop(&queue->lock);
	host_sched_unmask(flags);
}

/* A fourth CPU ends its idleness, while the other may run what waits here and was not told. */
static void expect_passed_on(unsigned fourth)
{
	static _Atomic unsigned ran;
	struct task *waits, *runs;

	preempt_disable();
	waits = sched_world_task(end_at_once, NULL, (int)task_cpu(), 4);
	if (waits)
		widen(&run_queues[task_cpu()], waits);
	atomic_store(&host_sched.cpu[idle_play.other].kicked, false);
	atomic_store(&ran, 0);
	runs = sched_world_task(say_busy, (void *)(uintptr_t)&ran, (int)fourth, 4);
	KT_TRUE(sched_world_spin(&ran, 1));
	KT_TRUE(atomic_load(&host_sched.cpu[idle_play.other].kicked));
	preempt_enable();
	atomic_store(&idle_play.let_go, 1);
	if (runs)
		task_join(runs);
	if (waits)
		task_join(waits);
}

SCHED_TEST(a_cpu_is_told_of_work_while_it_is_idle_and_not_while_it_runs_a_task)
{
	int other = sched_world_other(task_cpu()), third = 0;
	struct task *busy, *caller;

	while (third == other || third == (int)task_cpu())
		third++;
	memset(&idle_play, 0, sizeof(idle_play));
	idle_play.other = (unsigned)other;
	busy = sched_world_task(keep_busy, NULL, other, 4);
	KT_TRUE(sched_world_spin(&idle_play.busy, 1));
	KT_TRUE(!other_is_told());
	atomic_store(&idle_play.stop, 1);
	if (busy)
		task_join(busy);
	/* Idle, in a handler that is kept from ending: so it is by its own word alone. */
	caller = sched_world_task(call_other, NULL, third, TESTER);
	KT_TRUE(sched_world_spin(&idle_play.held, 1));
	KT_TRUE(other_is_told());
	expect_passed_on(6 - (unsigned)other - (unsigned)third - task_cpu());
	if (caller)
		KT_EQ(task_join(caller), 0);
}
