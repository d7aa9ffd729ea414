/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No task waits beside an idle CPU, even if the idle CPU that was told of it takes another task.
 *
 * Four CPUs play: here (the body's), the told one, the spare one and the caller's. The told
 * CPU is idle, but kept inside an interrupt handler by a call from the caller's, so that it stands
 * in the idle mask and cannot act. Then a task is queued for it alone, and a second one,
 * which any of the three may run, is preempted here: only the told CPU is kicked for that. Let
 * go, it takes the first task and keeps it; the body keeps its own CPU; the spare one sleeps.
 * Which of two CPUs is nearer, and so told, depends on the board: both parts are played by each.
 */
#include "sched_world.h"

static struct {
	unsigned here, told, spare, caller;
	_Atomic unsigned held, let_go, first_runs, second_moved, stop;
	struct event second_ready;
} play;

static void hold(void *arg)
{
	(void)arg;
	atomic_store(&play.held, 1);
	while (!atomic_load(&play.let_go))
		port_relax();
}

static int caller_main(void *arg)
{
	(void)arg;
	return port_call_cpu(play.told, hold, NULL) ? 0 : 1;
}

static int first_main(void *arg)
{
	(void)arg;
	atomic_store(&play.first_runs, 1);
	while (!atomic_load(&play.stop)) {
		task_poll();
		port_relax();
	}
	return 0;
}

/* Runs here until the body, of higher priority, is woken by it; goes on elsewhere. */
static int second_main(void *arg)
{
	struct cpumask three = cpumask_of(play.here);

	(void)arg;
	cpumask_add(&three, play.told);
	cpumask_add(&three, play.spare);
	if (task_set_cpus(&three))
		return 1;
	event_set(&play.second_ready);
	while (!atomic_load(&play.stop)) {
		if (task_cpu() != play.here)
			atomic_store(&play.second_moved, 1);
		task_poll();
		port_relax();
	}
	return 0;
}

static void run_play(void)
{
	struct task *caller, *first, *second;

	event_clear(&play.second_ready);
	atomic_store(&play.held, 0);
	atomic_store(&play.let_go, 0);
	atomic_store(&play.first_runs, 0);
	atomic_store(&play.second_moved, 0);
	atomic_store(&play.stop, 0);
	caller = sched_world_task(caller_main, NULL, (int)play.caller, TESTER);
	KT_TRUE(sched_world_spin(&play.held, 1));
	first = sched_world_task(first_main, NULL, (int)play.told, 8);
	second = sched_world_task(second_main, NULL, (int)play.here, 4);
	KT_TRUE(event_wait(&play.second_ready, sched_world_deadline()));
	atomic_store(&play.let_go, 1);
	KT_TRUE(sched_world_spin(&play.first_runs, 1));
	KT_TRUE(sched_world_spin(&play.second_moved, 1));
	atomic_store(&play.stop, 1);
	if (caller)
		KT_EQ(task_join(caller), 0);
	if (first)
		task_join(first);
	if (second)
		KT_EQ(task_join(second), 0);
}

SCHED_TEST(a_kick_that_met_a_cpu_with_other_work_is_passed_on)
{
	unsigned other[3], found = 0;

	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS && found < 3; cpu++)
		if (cpu != task_cpu() && sched_cpu_online(cpu))
			other[found++] = cpu;
	if (found < 3) {
		kt_skip("fewer than four CPUs");
		return;
	}
	play.here = task_cpu();
	play.caller = other[2];
	for (unsigned i = 0; i < 2; i++) {
		play.told = other[i];
		play.spare = other[1 - i];
		run_play();
	}
}
