/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the scheduler share; see sched_world.h.
 *
 * The balance at the end of each case is where leaks show: a task that was not freed,
 * a page of a stack that stayed away. Detached tasks and the reaper may still be at it when
 * a body returns, so the balance is given a while to come right.
 */
#include "sched_world.h"

#include "mm/mm.h"
#include "sched/sched_port.h"

uint64_t sched_world_free_pages(void)
{
	struct zonal *mm = sched_port_memory();
	struct zone *zone;
	uint64_t pages = 0;
	unsigned zid;

	zonal_drain_all(mm, NULL);
	mm_for_each_zone(mm, zid, zone)
		pages += (uint64_t)ld_relaxed(&zone->free);
	return pages;
}

uint64_t sched_world_kernel_pages(void)
{
	struct zonal *mm = sched_port_memory();
	struct zone *zone;
	uint64_t pages = 0;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone) {
		int64_t kept = ld_relaxed(&zone->mark[WMARK_HIGH]) + ld_relaxed(&zone->boost) +
			       ld_relaxed(&zone->lowmem_reserve[ZONE_NORMAL]) +
			       ld_relaxed(&zone->highatomic) + ld_relaxed(&zone->free_cma);
		int64_t left = ld_relaxed(&zone->free) - kept;

		if (zone->type != ZONE_MOVABLE && left > 0)
			pages += (uint64_t)left;
	}
	return pages;
}

unsigned sched_world_cpus(void)
{
	unsigned count = 0;

	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS; cpu++)
		count += sched_cpu_online(cpu);
	return count;
}

int sched_world_other(unsigned not)
{
	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS; cpu++)
		if (cpu != not && sched_cpu_online(cpu))
			return (int)cpu;
	return -1;
}

unsigned sched_world_node(void)
{
	return nodemask_first(sched_port_memory()->has_memory);
}

struct task *sched_world_task(int (*fn)(void *), void *arg, int cpu, unsigned priority)
{
	struct cpumask self = { { 0 } };
	struct task_spec spec = { .name = "test", .fn = fn, .arg = arg, .priority = priority };
	struct task *task;

	if (cpu >= 0) {
		cpumask_add(&self, (unsigned)cpu);
		spec.cpus = &self;
	}
	task = task_create(&spec);
	KT_OK(task != NULL, "no task for CPU %d, priority %u", cpu, priority);
	return task;
}

bool sched_world_spin(_Atomic unsigned *flag, unsigned value)
{
	uint64_t deadline = sched_world_deadline();

	while (atomic_load(flag) < value) {
		if (port_time_ns() > deadline)
			return false;
		task_poll();
		port_relax();
	}
	return true;
}

static int body_main(void *arg)
{
	void (**body)(void) = arg;

	(*body)();
	KT_EQ(task_priority(task_current()), TESTER);
	return 0;
}

static bool balanced(unsigned tasks, uint64_t pages, uint64_t wait_ns)
{
	uint64_t deadline = port_time_ns() + wait_ns;

	while (sched_task_count() != tasks || sched_world_free_pages() != pages) {
		if (port_time_ns() > deadline)
			return false;
		task_sleep_ns(MS);
	}
	return true;
}

/* Run the body in a task bound to the CPU we are on. */
static void run_body(void *arg)
{
	struct task *task = sched_world_task(body_main, arg, (int)task_cpu(), TESTER);

	if (task)
		task_join(task);
}

/*
 * Compare before and after. A first run may leave page tables that the window of
 * stacks needs from then on; what leaks does so each time, so a second run decides.
 */
static void run_balanced(void *arg)
{
	unsigned tasks = sched_task_count();
	uint64_t pages = sched_world_free_pages(), bad = ld_relaxed(&sched_port_memory()->bad);

	run_body(arg);
	KT_EQ(ld_relaxed(&sched_port_memory()->bad), bad); /* nothing freed twice */
	if (balanced(tasks, pages, 500 * MS))
		return;
	tasks = sched_task_count();
	pages = sched_world_free_pages();
	run_body(arg);
	balanced(tasks, pages, PATIENCE);
	KT_EQ(sched_task_count(), tasks);
	KT_EQ(sched_world_free_pages(), pages);
}

void sched_world_run(void (*body)(void))
{
	KT_OK(sched_port_world(run_balanced, &body), "no memory for a machine to test on");
}
