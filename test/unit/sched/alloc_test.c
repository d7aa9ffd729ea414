/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The allocator under the scheduler: tasks on all CPUs take and free blocks, wander
 * and are preempted in the middle, while interrupt handlers on all CPUs do the same with
 * GFP_ATOMIC; blocks change hands between CPUs. Afterwards everything is given back,
 * and the allocator checks itself.
 */
#include "sched_world.h"

#include "sched/sched_port.h"

enum { WORKERS = 6, ROUNDS = 600, HELD = 24, SHELF = 32, CALLS = 300 };

/* Blocks left for anyone to free: taken on one CPU, freed on another. */
static _Atomic(struct page *) shelf[SHELF];
static _Atomic unsigned handler_took, handler_runs;

static void swap_on_shelf(struct page *page, unsigned place)
{
	struct page *old = atomic_exchange(&shelf[place % SHELF], page);

	if (old)
		zonal_free(sched_port_memory(), old, 0);
}

static void handler_allocates(void *arg)
{
	struct page *page = zonal_alloc(sched_port_memory(), GFP_ATOMIC, 0);

	atomic_fetch_add(&handler_runs, 1);
	if (!page)
		return;
	atomic_fetch_add(&handler_took, 1);
	swap_on_shelf(page, (unsigned)(uintptr_t)arg);
}

static int worker(void *arg)
{
	struct zonal *mm = sched_port_memory();
	struct page *held[HELD] = { NULL };
	unsigned order[HELD] = { 0 };
	uint64_t seed = (uint64_t)(uintptr_t)arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t dice = kt_random(&seed);
		unsigned slot = (unsigned)(dice % HELD);

		zonal_free(mm, held[slot], order[slot]);
		order[slot] = (unsigned)(dice >> 16) % 5;
		held[slot] = zonal_alloc(mm, dice & 0x100 ? GFP_KERNEL : GFP_HIGHUSER_MOVABLE,
					 order[slot]);
		if (held[slot] && !order[slot] && (dice & 0x200)) {
			swap_on_shelf(held[slot], (unsigned)(dice >> 32));
			held[slot] = NULL;
		}
		if (dice & 0x400)
			task_yield();
		else
			task_poll();
	}
	for (unsigned slot = 0; slot < HELD; slot++)
		zonal_free(mm, held[slot], order[slot]);
	return 0;
}

static void interrupt_all(unsigned rounds)
{
	unsigned sent = 0;

	for (unsigned i = 0; i < rounds; i++) {
		for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS; cpu++)
			if (sched_cpu_online(cpu))
				sent += port_call_cpu(cpu, handler_allocates, (void *)(uintptr_t)i);
		/* Leave the CPU: the workers shall be at it on this one too. */
		task_sleep_ns(i % 8 ? 0 : MS / 10);
	}
	KT_EQ(atomic_load(&handler_runs), sent);
	KT_TRUE(atomic_load(&handler_took) > 0);
}

SCHED_TEST(tasks_and_interrupts_allocate_together)
{
	struct zonal *mm = sched_port_memory();
	struct task *task[WORKERS];
	struct zonal_finding finding;
	uint64_t seed = kt_seed(), bad = zonal_bad_count(mm);

	atomic_store(&handler_took, 0);
	atomic_store(&handler_runs, 0);
	for (unsigned i = 0; i < WORKERS; i++)
		task[i] = sched_world_task(worker, (void *)(uintptr_t)(kt_random(&seed) | 1), -1,
					   6 + i % 2);
	interrupt_all(CALLS / ZN_MAX(sched_world_cpus(), 1u) + 1);
	for (unsigned i = 0; i < WORKERS; i++)
		if (task[i])
			task_join(task[i]);
	for (unsigned i = 0; i < SHELF; i++)
		swap_on_shelf(NULL, i);
	KT_OK(zonal_check_busy(mm, &finding), "%s", finding.text);
	KT_EQ(zonal_bad_count(mm), bad);
}
