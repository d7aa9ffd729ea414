/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler on hardware: what only real interrupts and real page tables show.
 *
 * Tasks here never call the scheduler while they burn time, so every switch away from
 * them is an interrupt's doing: the timer's at the end of a slice, another CPU's
 * reschedule interrupt for a better task. Registers must survive that: the burners
 * carry a running sum in registers and compare it at the end.
 */
#include "arm64_memory.h"
#include "sched/sched_internal.h"
#include "test/unit/sched/sched_world.h"

enum { BURNERS = 3 };

static _Atomic bool burn_stop;
static _Atomic unsigned burners_running;

/* A loop the compiler keeps in registers; the same for the same number of steps. */
static ZN_NOINLINE uint64_t mix(uint64_t seed, uint64_t steps)
{
	uint64_t a = seed, b = ~seed, c = seed * 3, d = seed ^ 0x5555;

	for (uint64_t i = 0; i < steps; i++) {
		a = a * 6364136223846793005ull + b;
		b ^= a >> 29;
		c += b * d;
		d = (d << 7 | d >> 57) + c;
	}
	return a ^ b ^ c ^ d;
}

static int burner(void *arg)
{
	uint64_t seed = (uint64_t)(uintptr_t)arg, expected = mix(seed, 20000);
	int wrong = 0;

	atomic_fetch_add(&burners_running, 1);
	while (!atomic_load(&burn_stop))
		wrong += mix(seed, 20000) != expected;
	return wrong;
}

KTEST_F(sched, interrupted_tasks_keep_their_registers, KT_TARGET_ONLY)
{
	static struct task *task[ZONAL_MAX_CPUS]; /* too large for a stack */
	unsigned count = ZN_MIN(sched_world_cpus() * BURNERS, (unsigned)ZONAL_MAX_CPUS);

	atomic_store(&burn_stop, false);
	for (unsigned i = 0; i < count; i++)
		task[i] = sched_world_task(burner, (void *)(uintptr_t)(i + 1), -1, 3);
	task_sleep_ns(100 * MS);
	atomic_store(&burn_stop, true);
	for (unsigned i = 0; i < count; i++)
		if (task[i])
			KT_EQ(task_join(task[i]), 0);
}

KTEST_F(sched, slices_end_without_a_call, KT_TARGET_ONLY | KT_EACH_CPU)
{
	struct task *task[BURNERS];
	uint64_t deadline = sched_world_deadline();

	atomic_store(&burn_stop, false);
	atomic_store(&burners_running, 0);
	for (unsigned i = 0; i < BURNERS; i++)
		task[i] = sched_world_task(burner, (void *)(uintptr_t)(i + 1), (int)task_cpu(), 3);
	/* All have begun though the first never yields: its slice was taken from it. */
	while (atomic_load(&burners_running) < BURNERS && port_time_ns() < deadline)
		task_sleep_ns(2 * MS);
	KT_EQ(atomic_load(&burners_running), BURNERS);
	atomic_store(&burn_stop, true);
	for (unsigned i = 0; i < BURNERS; i++)
		if (task[i])
			KT_EQ(task_join(task[i]), 0);
}

static int report_once(void *arg)
{
	atomic_store((_Atomic unsigned *)arg, 1);
	return 0;
}

KTEST_F(sched, better_task_interrupts_another_cpu, KT_TARGET_ONLY)
{
	_Atomic unsigned ran = 0;
	struct task *low, *high;
	int other = sched_world_other(task_cpu());
	uint64_t deadline = sched_world_deadline();

	if (other < 0) {
		kt_skip("one CPU");
		return;
	}
	atomic_store(&burn_stop, false);
	atomic_store(&burners_running, 0);
	low = sched_world_task(burner, (void *)1, other, 3);
	while (!atomic_load(&burners_running) && port_time_ns() < deadline)
		task_yield();
	high = sched_world_task(report_once, &ran, other, 22);
	while (!atomic_load(&ran) && port_time_ns() < deadline)
		port_relax();
	KT_EQ(atomic_load(&ran), 1);
	atomic_store(&burn_stop, true);
	if (low)
		KT_EQ(task_join(low), 0);
	if (high)
		task_join(high);
}

KTEST_F(sched, stacks_are_mapped_with_a_guard_below, KT_TARGET_ONLY | KT_EACH_CPU)
{
	const struct task *task = task_current();
	const char *stack = task->stack;
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	if (!KT_TRUE(task->stack_page != NULL))
		return;
	KT_TRUE(here > (uintptr_t)stack && here < (uintptr_t)stack + SCHED_STACK_BYTES);
	KT_EQ(arm64_translate(stack), zonal_pfn(task->stack_page) << PAGE_SHIFT);
	KT_EQ(arm64_translate(stack - 1), UINT64_MAX);
	KT_EQ(arm64_translate(stack - PAGE_SIZE), UINT64_MAX);
}

KTEST_F(sched, idle_cpus_wait_for_interrupts, KT_TARGET_ONLY)
{
	static struct sched_counts before[ZONAL_MAX_CPUS];
	struct sched_counts after;

	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS; cpu++)
		if (sched_cpu_online(cpu))
			sched_read_counts(cpu, &before[cpu]);
	task_sleep_ns(50 * MS);
	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS; cpu++) {
		if (!sched_cpu_online(cpu) || cpu == task_cpu())
			continue;
		sched_read_counts(cpu, &after);
		/* Idle CPUs have no tick: a few interrupts at most, not one a slice (12). */
		KT_OK(after.ticks - before[cpu].ticks <= 6, "CPU %u, idle, took %llu ticks", cpu,
		      (unsigned long long)(after.ticks - before[cpu].ticks));
	}
}
