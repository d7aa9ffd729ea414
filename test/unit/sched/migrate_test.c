/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks and CPUs: masks are obeyed, idle CPUs steal what they may and only that, and
 * a task takes its allocator state (policy, scopes, nodes) with it wherever it goes.
 *
 * Which CPU is idle when is arranged with a hog, a task of high priority that keeps a
 * CPU until told otherwise, and with the body itself, which spins on its own CPU
 * without leaving it: what runs meanwhile runs elsewhere. On one CPU such cases are
 * skipped.
 */
#include "sched_world.h"

#include <string.h>

#include "sched/sched_internal.h"

enum { YIELDS = 200, MOVES = 40, THIEVES = 6 };

static _Atomic bool noise_stop;

static int noise(void *arg)
{
	(void)arg;
	while (!atomic_load(&noise_stop)) {
		task_poll();
		task_yield();
	}
	return 0;
}

static int stay(void *arg)
{
	unsigned cpu = (unsigned)(uintptr_t)arg;
	int strayed = 0;

	for (unsigned i = 0; i < YIELDS; i++) {
		strayed += task_cpu() != cpu;
		if (i % 32 == 0)
			task_sleep_ns(MS / 10);
		else
			task_yield();
	}
	return strayed;
}

SCHED_TEST(bound_tasks_stay_on_their_cpu)
{
	static struct task *task[ZONAL_MAX_CPUS]; /* too large for a stack */
	struct task *noises[4];

	memset(task, 0, sizeof(task));
	atomic_store(&noise_stop, false);
	for (unsigned i = 0; i < 4; i++)
		noises[i] = sched_world_task(noise, NULL, -1, 8);
	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS; cpu++)
		if (sched_cpu_online(cpu))
			task[cpu] = sched_world_task(stay, (void *)(uintptr_t)cpu, (int)cpu, 8);
	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS; cpu++)
		if (task[cpu])
			KT_EQ(task_join(task[cpu]), 0);
	atomic_store(&noise_stop, true);
	for (unsigned i = 0; i < 4; i++)
		if (noises[i])
			task_join(noises[i]);
}

/* ---- stealing ---- */

static struct {
	_Atomic unsigned hog_stop, hog_runs;
	_Atomic unsigned here, there, bound_ran;
	unsigned home;
} theft;

static int hog(void *arg)
{
	(void)arg;
	atomic_store(&theft.hog_runs, 1);
	while (!atomic_load(&theft.hog_stop)) {
		task_poll();
		port_relax();
	}
	return 0;
}

static int loot(void *arg)
{
	(void)arg;
	atomic_fetch_add(task_cpu() == theft.home ? &theft.here : &theft.there, 1);
	return 0;
}

static int bound(void *arg)
{
	(void)arg;
	atomic_fetch_add(&theft.bound_ran, 1);
	return 0;
}

static struct task *loot_task(const struct cpumask *cpus)
{
	struct task_spec spec = { .name = "loot", .fn = loot, .priority = 4, .cpus = cpus };
	struct task *task = task_create(&spec);

	KT_TRUE(task != NULL);
	return task;
}

/* CPU `other` is busy while tasks for both CPUs queue, then it falls idle. */
static void steal_run(unsigned other)
{
	struct task *looted[THIEVES], *hogging, *stays;
	struct sched_counts before, after;
	struct cpumask both = cpumask_of(task_cpu());

	cpumask_add(&both, other);
	hogging = sched_world_task(hog, NULL, (int)other, TESTER);
	if (!KT_TRUE(sched_world_spin(&theft.hog_runs, 1)))
		return;
	sched_read_counts(other, &before);
	stays = sched_world_task(bound, NULL, (int)theft.home, 5);
	for (unsigned i = 0; i < THIEVES; i++)
		looted[i] = loot_task(&both);
	atomic_store(&theft.hog_stop, 1);
	/* We do not leave our CPU, so whatever runs now runs on the other one. */
	KT_TRUE(sched_world_spin(&theft.there, THIEVES));
	sched_read_counts(other, &after);
	KT_EQ(atomic_load(&theft.here), 0);
	KT_EQ(atomic_load(&theft.bound_ran), 0);
	kt_diag("%llu of %u tasks were stolen, the others placed",
		(unsigned long long)(after.steals - before.steals), THIEVES);
	for (unsigned i = 0; i < THIEVES; i++)
		if (looted[i])
			task_join(looted[i]);
	if (stays)
		task_join(stays);
	if (hogging)
		task_join(hogging);
	KT_EQ(atomic_load(&theft.bound_ran), 1);
	/* The first were queued here, because both CPUs were equally busy and here is near. */
	KT_TRUE(after.steals > before.steals);
}

SCHED_TEST(idle_cpu_steals_what_may_run_there_only)
{
	int other = sched_world_other(task_cpu());

	if (other < 0) {
		kt_skip("one CPU");
		return;
	}
	atomic_store(&theft.hog_stop, 0);
	atomic_store(&theft.hog_runs, 0);
	atomic_store(&theft.here, 0);
	atomic_store(&theft.there, 0);
	atomic_store(&theft.bound_ran, 0);
	theft.home = task_cpu();
	steal_run((unsigned)other);
}

/* ---- an idle CPU is told when work comes back to a queue ---- */

static _Atomic unsigned walker_steps, walker_stop;

static int walker(void *arg)
{
	(void)arg;
	while (!atomic_load(&walker_stop)) {
		atomic_fetch_add(&walker_steps, 1);
		task_poll();
		port_relax();
	}
	return 0;
}

SCHED_TEST(idle_cpu_takes_a_task_that_was_preempted_elsewhere)
{
	int other = sched_world_other(task_cpu());
	struct task *hogging, *walking;
	struct cpumask both = cpumask_of(task_cpu());
	struct task_spec spec = { .name = "walker", .fn = walker, .priority = 4, .cpus = &both };

	if (other < 0) {
		kt_skip("one CPU");
		return;
	}
	cpumask_add(&both, (unsigned)other);
	atomic_store(&theft.hog_stop, 0);
	atomic_store(&theft.hog_runs, 0);
	atomic_store(&walker_steps, 0);
	atomic_store(&walker_stop, 0);
	hogging = sched_world_task(hog, NULL, other, TESTER);
	KT_TRUE(sched_world_spin(&theft.hog_runs, 1));
	walking = task_create(&spec);
	/* While we sleep it runs here, and the other CPU, its hog gone, falls idle. */
	task_sleep_ns(5 * MS);
	atomic_store(&theft.hog_stop, 1);
	if (hogging)
		task_join(hogging);
	task_sleep_ns(5 * MS);
	/* Now we have its CPU again and keep it: it can only go on over there. */
	KT_TRUE(sched_world_spin(&walker_steps, atomic_load(&walker_steps) + 1000));
	atomic_store(&walker_stop, 1);
	if (KT_TRUE(walking != NULL))
		task_join(walking);
}

/* ---- allocator state goes with the task ---- */

static bool state_is_mine(unsigned mode, uint32_t scope)
{
	port_irqflags_t flags = port_irq_save();
	struct zonal_task *memory = port_this_cpu()->task;
	bool mine = memory == task_memory(task_current());

	port_irq_restore(flags);
	return mine && memory->policy.mode == mode && (memory->flags & scope) == scope;
}

static int wander(void *arg)
{
	unsigned mode = (unsigned)(uintptr_t)arg;
	uint32_t scope = mode == MPOL_BIND ? ZTASK_NOFS : ZTASK_MEMALLOC, before;
	int wrong = 0;
	unsigned cpu = 0;

	wrong += zonal_set_policy(sched_port_memory(), task_memory(task_current()), mode, 0,
				  node_bit(sched_world_node())) != 0;
	before = task_scope_enter(scope);
	for (unsigned i = 0; i < MOVES; i++) {
		struct cpumask next;

		do
			cpu = (cpu + 1) % ZONAL_MAX_CPUS;
		while (!sched_cpu_online(cpu));
		next = cpumask_of(cpu);
		wrong += task_set_cpus(&next) != 0;
		wrong += task_cpu() != cpu || !state_is_mine(mode, scope);
	}
	task_scope_leave(before);
	wrong += task_memory(task_current())->flags != 0;
	return wrong;
}

SCHED_TEST(policy_and_scopes_go_with_the_task)
{
	struct task *a = sched_world_task(wander, (void *)(uintptr_t)MPOL_BIND, -1, 8);
	struct task *b = sched_world_task(wander, (void *)(uintptr_t)MPOL_INTERLEAVE, -1, 8);

	if (a)
		KT_EQ(task_join(a), 0);
	if (b)
		KT_EQ(task_join(b), 0);
	KT_EQ(task_memory(task_current())->policy.mode, MPOL_DEFAULT);
}

SCHED_TEST(masks_without_an_online_cpu_are_refused)
{
	struct cpumask none = { { 0 } };

	KT_EQ(task_set_cpus(&none), ZONAL_EINVAL);
	KT_TRUE(sched_cpu_online(task_cpu()));
	KT_TRUE(!sched_cpu_online(ZONAL_MAX_CPUS));
}

static uint64_t own_switches(void)
{
	struct task_info info = { 0 };

	KT_EQ(sched_list(task_id(task_current()) - 1, &info, 1), 1);
	return info.switches;
}

/* Others may preempt a try or two, never all of them. */
SCHED_TEST(who_may_stay_where_it_runs_goes_on_without_a_switch)
{
	struct cpumask wide = cpumask_of(task_cpu()), narrow = wide;
	unsigned here = task_cpu(), tries = 0;
	uint64_t before;

	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS; cpu++)
		cpumask_add(&wide, cpu);
	do {
		before = own_switches();
		KT_EQ(task_set_cpus(&wide), 0);
		KT_EQ(task_current()->pinned, ZONAL_MAX_CPUS == 1);
		KT_EQ(task_set_cpus(&narrow), 0);
		KT_TRUE(task_current()->pinned);
		KT_EQ(task_cpu(), here);
	} while (own_switches() != before && ++tries < 100);
	KT_TRUE(tries < 100);
}

/* Another task, or none, and then this one again: others may come between, but not each time. */
SCHED_TEST(who_sleeps_and_wakes_costs_its_cpu_two_switches)
{
	struct sched_counts before, after;
	unsigned tries = 0;

	do {
		sched_read_counts(task_cpu(), &before);
		task_sleep_ns(MS / 10);
		sched_read_counts(task_cpu(), &after);
	} while (after.switches - before.switches != 2 && ++tries < 100);
	KT_TRUE(tries < 100);
}

static void mark_visit(void *arg)
{
	((unsigned *)arg)[task_cpu()]++;
}

SCHED_TEST(each_cpu_call_visits_every_cpu_once)
{
	static unsigned visits[ZONAL_MAX_CPUS];

	memset(visits, 0, sizeof(visits));
	kt_on_each_cpu(mark_visit, visits);
	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS; cpu++)
		KT_EQ(visits[cpu], sched_cpu_online(cpu));
}
