/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts between cores and from a device: every core reaches every core, calls
 * run once and where they should, and what one core wrote the other sees.
 *
 * A device is played by software: the GIC raises an SPI that nothing on QEMU's virt
 * board is wired to.
 */
#include <zonal/port.h>

#include "lib/atomic.h"
#include "platform/platform.h"
#include "sched/sched.h"
#include "test/ktest.h"

#define SECOND_NS 1000000000u
/* Calls of all cores together: those that wait spin, and an emulator with fewer cores than
 * the board has runs them in turn. */
#define STORM_CALLS 400u
/* SPIs that no device of QEMU's virt board raises. */
#define FREE_SPI 250u
#define UNREGISTERED_SPI 251u

KTEST_F(irq, sgi_reaches_each_core, KT_EACH_CPU | KT_TARGET_ONLY)
{
	for (unsigned cpu = 0; cpu < boot_info.cpu_count; cpu++) {
		uint64_t before = ipi_count(cpu, IPI_RESCHED);
		uint64_t limit = timer_now_ns() + 5ull * SECOND_NS;

		if (!cpu_is_online(cpu))
			continue;
		ipi_send(cpu, IPI_RESCHED);
		while (ipi_count(cpu, IPI_RESCHED) == before && timer_now_ns() < limit)
			port_relax();
		if (!KT_OK(ipi_count(cpu, IPI_RESCHED) != before, "no SGI from CPU %u on CPU %u",
			   task_cpu(), cpu))
			return;
	}
}

struct seen {
	unsigned cpu;
	uint32_t irq_depth;
	bool masked;
	unsigned times;
};

static void look(void *arg)
{
	struct seen *seen = arg;

	seen->cpu = port_this_cpu()->id;
	seen->irq_depth = port_this_cpu()->irq_depth;
	seen->masked = port_irqs_masked();
	seen->times++;
}

KTEST_F(irq, call_runs_once_on_the_core_named, KT_EACH_CPU | KT_TARGET_ONLY)
{
	for (unsigned cpu = 0; cpu < boot_info.cpu_count; cpu++) {
		struct seen seen = { .cpu = ZONAL_MAX_CPUS };

		if (!cpu_is_online(cpu))
			continue;
		KT_TRUE(port_call_cpu(cpu, look, &seen));
		KT_EQ(seen.cpu, cpu);
		KT_EQ(seen.times, 1);
		KT_TRUE(seen.irq_depth > 0);
		KT_TRUE(seen.masked);
	}
}

KTEST_F(irq, offline_core_is_not_called, KT_TARGET_ONLY)
{
	struct seen seen = { .times = 0 };

	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS + 2; cpu++) {
		if (cpu_is_online(cpu))
			continue;
		KT_TRUE(!port_call_cpu(cpu, look, &seen));
		ipi_send(cpu, IPI_STOP); /* nobody must stop */
	}
	KT_EQ(seen.times, 0);
	KT_EQ(cpu_state(ZONAL_MAX_CPUS), CPU_UNUSED);
}

/* Every core calls every core at the same time: nothing is lost and nobody waits for ever. */
static _Atomic uint64_t storm_runs[ZONAL_MAX_CPUS];

static void storm_count(void *arg)
{
	own_add(&storm_runs[port_this_cpu()->id], 1);
	(*(uint64_t *)arg)++; /* plain: the call's return orders it */
}

static unsigned storm_share(void) { return STORM_CALLS / cpu_online_count() + 2; }

static int storm_task(void *arg)
{
	unsigned next = task_cpu();
	uint64_t done = 0;

	(void)arg;
	for (unsigned i = 0; i < storm_share(); i++) {
		do {
			next = (next + 1) % boot_info.cpu_count;
		} while (!cpu_is_online(next));
		if (!port_call_cpu(next, storm_count, &done))
			return 1;
	}
	return done == storm_share() ? 0 : 2;
}

static uint64_t storm_total(void)
{
	uint64_t total = 0;

	for (unsigned cpu = 0; cpu < boot_info.cpu_count; cpu++)
		total += ld_relaxed(&storm_runs[cpu]);
	return total;
}

KTEST_F(irq, all_cores_call_all_cores_at_once, KT_TARGET_ONLY)
{
	static struct task *task[ZONAL_MAX_CPUS];
	uint64_t before = storm_total();

	for (unsigned cpu = 0; cpu < boot_info.cpu_count; cpu++) {
		struct cpumask self = cpumask_of(cpu);
		struct task_spec spec = { .name = "storm", .fn = storm_task, .cpus = &self,
					  .priority = SCHED_PRIORITY_DEFAULT };

		task[cpu] = cpu_is_online(cpu) ? task_create(&spec) : NULL;
	}
	for (unsigned cpu = 0; cpu < boot_info.cpu_count; cpu++) {
		if (task[cpu])
			KT_EQ(task_join(task[cpu]), 0);
	}
	KT_EQ(storm_total() - before, (uint64_t)storm_share() * cpu_online_count());
}

static _Atomic uint32_t spi_times, spi_cpu;

static void spi_handler(void *arg)
{
	(void)arg;
	st_relaxed(&spi_cpu, port_this_cpu()->id);
	fetch_add_relaxed(&spi_times, 1);
}

KTEST_F(irq, device_interrupt_is_served_once_by_the_boot_cpu, KT_EACH_CPU | KT_TARGET_ONLY)
{
	static bool registered; /* for good: cases run one at a time */
	uint32_t before = ld_relaxed(&spi_times);
	uint64_t limit = timer_now_ns() + SECOND_NS;

	if (!registered)
		irq_register(FREE_SPI, spi_handler, NULL);
	registered = true;
	if (!irq_trigger(FREE_SPI)) {
		kt_skip("this GIC has fewer SPIs");
		return;
	}
	while (ld_relaxed(&spi_times) == before && timer_now_ns() < limit)
		port_relax();
	task_sleep_ns(1000000); /* a second one would come now */
	KT_EQ(ld_relaxed(&spi_times), before + 1);
	KT_EQ(ld_relaxed(&spi_cpu), cpu_boot_index());
}

KTEST_F(irq, only_spis_that_exist_are_raised_and_a_disabled_one_waits, KT_TARGET_ONLY)
{
	uint64_t start = timer_now_ns();

	/* Not enabled, so it stays pending. */
	if (!irq_trigger(UNREGISTERED_SPI)) {
		kt_skip("this GIC has fewer SPIs");
		return;
	}
	task_sleep_ns(1000000);
	KT_TRUE(timer_now_ns() - start >= 1000000);
	KT_TRUE(!irq_trigger(31)); /* a PPI */
	KT_TRUE(!irq_trigger(1020));
	KT_TRUE(!irq_trigger(UINT32_MAX));
}
