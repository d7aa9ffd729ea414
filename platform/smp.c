/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bring every CPU of the board to the scheduler, and stop them again.
 *
 * Life of a CPU (enum cpu_state), each arrow written by the one named:
 *
 *	UNUSED --boot--> STARTING --itself--> UP --boot--> ONLINE --itself--> STOPPED
 *	                    |
 *	                    +--boot--> FAILED   (no answer in time, or the firmware refused)
 *
 * All CPUs are asked for first and then awaited together, so that slow ones overlap.
 * STARTING is left by compare-and-swap: either the CPU arrives (UP) or the boot CPU gives
 * up (FAILED), never both. A CPU that arrives after that finds FAILED and turns itself
 * off; nobody counts on it. The wait ends when no CPU has arrived for WAIT_NS.
 *
 * The boot CPU lets arrived ones in one by one (zonal_cpu_online, then ONLINE), so the
 * allocator's set-up of a CPU never runs twice at a time.
 *
 * Left off, each with its reason: status disabled, an enable-method that we do not know, what
 * maxcpus= cuts. (topology passes over an MPIDR that two entries have, and refuses more
 * than ZONAL_MAX_CPUS.)
 *
 * Numbers. A CPU's number is its index in boot_info.cpu, the order of the tree; the boot CPU
 * is wherever its MPIDR stands. (Linux calls the boot CPU 0 and numbers the others in that
 * order: the same on every board whose first CPU boots.)
 */
#include "smp.h"

#include <zonal/linux.h>
#include <zonal/port.h>

#include "arm64_cpu.h"
#include "drivers/power/psci.h"
#include "drivers/power/start_cpu.h"
#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/kprintf.h"
#include "platform.h"
#include "sched/sched.h"

#define WAIT_NS 5000000000u
#define STOP_WAIT_NS 1000000000u

static _Atomic uint32_t state[ZONAL_MAX_CPUS]; /* enum cpu_state */
static unsigned boot_cpu;

enum cpu_state cpu_state(unsigned cpu)
{
	return cpu < ZONAL_MAX_CPUS ? (enum cpu_state)ld_acquire(&state[cpu]) : CPU_UNUSED;
}

bool cpu_is_online(unsigned cpu) { return cpu_state(cpu) == CPU_ONLINE; }

unsigned cpu_boot_index(void) { return boot_cpu; }

unsigned cpu_online_count(void)
{
	unsigned count = 0;

	for (unsigned cpu = 0; cpu < boot_info.cpu_count; cpu++)
		count += cpu_is_online(cpu);
	return count;
}

const char *cpu_state_name(enum cpu_state which)
{
	static const char *const name[] = { "unused", "starting", "up",
					    "online", "failed",   "stopped" };

	return which < ARRAY_SIZE(name) ? name[which] : "?";
}

/* Leave one state for another unless somebody else has left it already. */
static bool state_move(unsigned cpu, enum cpu_state from, enum cpu_state to)
{
	uint32_t expected = from;

	ASSERT(cpu < ZONAL_MAX_CPUS && from != to, "CPU %u from %d to %d", cpu, (int)from, (int)to);
	return atomic_compare_exchange_strong_explicit(&state[cpu], &expected, to,
						       memory_order_acq_rel, memory_order_acquire);
}

void smp_begin(void)
{
	uint64_t mpidr = arm64_this_cpu()->mpidr;

	ASSERT(boot_info.cpu_count <= ZONAL_MAX_CPUS, "%u CPUs", boot_info.cpu_count);
	while (boot_cpu < boot_info.cpu_count && board_facts.cpu[boot_cpu].mpidr != mpidr)
		boot_cpu++;
	if (boot_cpu == boot_info.cpu_count) {
		kprintf("smp: no CPU of the device tree has MPIDR 0x%llx, ours; it runs alone\n",
			(unsigned long long)mpidr);
		boot_info.cpu_count = 1;
		boot_info.cpu[0].nid = (int16_t)nodemask_first(boot_info.nodes);
		board_facts.cpu[0] = (struct board_cpu){ .mpidr = mpidr, .psci = true };
		boot_cpu = 0;
	}
	arm64_boot_cpu_set(boot_cpu);
	st_release(&state[boot_cpu], CPU_ONLINE);
}

/* Ask for one CPU; true if it may come. */
static bool request(unsigned cpu)
{
	uint64_t mpidr = board_facts.cpu[cpu].mpidr;
	const char *reason = start_cpu_refusal(&board_facts.cpu[cpu]);
	int error;

	ASSERT(cpu != boot_cpu && cpu_state(cpu) == CPU_UNUSED, "CPU %u is %s", cpu,
	       cpu_state_name(cpu_state(cpu)));
	if (reason) {
		kprintf("smp: CPU %u (MPIDR 0x%llx) is left off: %s\n", cpu,
			(unsigned long long)mpidr, reason);
		return false;
	}
	if (!arm64_cpu_prepare(cpu, mpidr)) {
		st_release(&state[cpu], CPU_FAILED);
		return false;
	}
	/* Before the call: the CPU may be faster than its return. */
	st_release(&state[cpu], CPU_STARTING);
	error = start_cpu(cpu, &board_facts.cpu[cpu]);
	if (error == PSCI_SUCCESS)
		return true;
	st_release(&state[cpu], CPU_FAILED);
	kprintf("smp: CPU %u (MPIDR 0x%llx) cannot be started: %s (%d)\n", cpu,
		(unsigned long long)mpidr, psci_error_text(error), error);
	return false;
}

/* Let in whoever has arrived; returns whether somebody had. */
static bool let_in(void)
{
	bool any = false;

	for (unsigned cpu = 0; cpu < boot_info.cpu_count; cpu++) {
		if (cpu_state(cpu) != CPU_UP)
			continue;
		zonal_cpu_online(&zonal_image, cpu);
		st_release(&state[cpu], CPU_ONLINE);
		any = true;
	}
	return any;
}

/* Some CPU has not arrived yet, or was let in and does not schedule yet. */
static bool any_on_the_way(void)
{
	for (unsigned cpu = 0; cpu < boot_info.cpu_count; cpu++) {
		enum cpu_state now = cpu_state(cpu);
		bool unfit = ld_acquire(&arm64_cpus[cpu].unfit);

		if ((now == CPU_STARTING && !unfit) || now == CPU_UP ||
		    (now == CPU_ONLINE && !sched_cpu_online(cpu)))
			return true;
	}
	return false;
}

static void give_up(void)
{
	for (unsigned cpu = 0; cpu < boot_info.cpu_count; cpu++) {
		unsigned long long mpidr = board_facts.cpu[cpu].mpidr;

		if (!state_move(cpu, CPU_STARTING, CPU_FAILED))
			continue;
		if (ld_acquire(&arm64_cpus[cpu].unfit))
			kprintf("smp: CPU %u (MPIDR 0x%llx) is not used: it has no LSE atomics, "
				"unlike the boot CPU\n", cpu, mpidr);
		else
			kprintf("smp: CPU %u (MPIDR 0x%llx) did not come up within %u s\n", cpu,
				mpidr, (unsigned)(WAIT_NS / 1000000000u));
	}
}

void smp_start(unsigned maxcpus)
{
	unsigned asked = 1; /* the boot CPU counts */
	uint64_t deadline;

	ASSERT(!port_irqs_masked() && port_this_cpu()->id == boot_cpu, "on CPU %u",
	       port_this_cpu()->id);
	for (unsigned cpu = 0; cpu < boot_info.cpu_count && !(maxcpus && asked >= maxcpus); cpu++) {
		if (cpu != boot_cpu)
			asked += request(cpu);
	}
	if (maxcpus && maxcpus < boot_info.cpu_count)
		kprintf("smp: maxcpus=%u: of %u CPUs %u are asked for\n", maxcpus,
			boot_info.cpu_count, asked);
	deadline = timer_now_ns() + WAIT_NS;
	while (any_on_the_way() && timer_now_ns() < deadline) {
		if (let_in())
			deadline = timer_now_ns() + WAIT_NS;
		port_relax();
	}
	give_up();
	/* Those that arrived after the last look, or while the others were given up. */
	(void)let_in();
}

/* This CPU is not wanted: off, or at least asleep with everything masked. */
static void ZN_NORETURN park(void)
{
	(void)port_irq_save();
	psci_cpu_off();
	arm64_ipi_stop();
}

void platform_secondary(unsigned cpu)
{
	ASSERT(cpu == port_this_cpu()->id && cpu != boot_cpu && port_irqs_masked(), "CPU %u", cpu);
	if (!irq_start_cpu(cpu)) {
		(void)state_move(cpu, CPU_STARTING, CPU_FAILED);
		park();
	}
	timer_start_cpu();
	if (!state_move(cpu, CPU_STARTING, CPU_UP))
		park();
	/* Pairs with the release in let_in(): the allocator knows this CPU. */
	while (cpu_state(cpu) != CPU_ONLINE)
		port_relax();
	sched_start_cpu(cpu);
}

void smp_stop_self(void)
{
	(void)port_irq_save();
	st_release(&state[port_this_cpu()->id], CPU_STOPPED);
	arm64_ipi_stop();
}

void ipi_send(unsigned cpu, enum ipi kind)
{
	if (cpu_is_online(cpu))
		irq_send_ipi(cpu, kind);
}

unsigned platform_stop_others(void)
{
	unsigned self = port_this_cpu()->id;
	uint64_t deadline = timer_now_ns() + STOP_WAIT_NS;
	unsigned running;

	for (unsigned cpu = 0; cpu < boot_info.cpu_count; cpu++) {
		if (cpu != self)
			ipi_send(cpu, IPI_STOP);
	}
	do {
		running = 0;
		for (unsigned cpu = 0; cpu < boot_info.cpu_count; cpu++)
			running += cpu != self && cpu_is_online(cpu);
	} while (running && timer_now_ns() < deadline);
	return running;
}
