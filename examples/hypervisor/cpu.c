/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cores: their start, calls from one to another, locks, and waiting.
 *
 * The allocator drains another core's lists by a call there (zonal_port_call_cpu()). A core serves
 * calls wherever it waits: in hv_lock(), in hv_cpu_wait(), and when an interrupt takes it out of
 * its guest, which the SGI of a call does. So two cores that call each other do not wait for ever.
 * Where the allocator has masked interrupts nothing is served, as its contract says.
 *
 * A call: the caller owns `calling` of the target, writes `arg`, stores `fn` (release), signals,
 * and waits until the target has cleared `fn` (release) after it ran.
 *
 * A lock is a word that is 1 while somebody has it. It is not fair, which does not matter: those
 * who want one are few, and hold it shortly.
 */
#include "hv.h"
#include "guest.h"

#include <stdatomic.h>

#define PSCI_CPU_ON 0xc4000003u
#define MPIDR_AFFINITY 0xff00ffffffu

struct hv_cpu hv_cpus[HV_CPUS];
uint64_t hv_ticks_hz;

_Static_assert(offsetof(struct hv_cpu, stack) == 24, "start.S: HV_CPU_STACK");

static _Alignas(16) unsigned char stacks[HV_CPUS][HV_STACK];

void hv_secondary(void);

uint64_t hv_smc(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
	register uint64_t x0 __asm__("x0") = function;
	register uint64_t x1 __asm__("x1") = a;
	register uint64_t x2 __asm__("x2") = b;
	register uint64_t x3 __asm__("x3") = c;

	/* Firmware may change x1 to x17: SMCCC 1.0. */
	__asm__ volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : :
			 "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
			 "x15", "x16", "x17", "memory");
	return x0;
}

/* ---- locks and calls -------------------------------------------------------- */

void hv_cpu_serve(void)
{
	struct hv_cpu *cpu = this_cpu();
	void (*fn)(void *) = atomic_load_explicit(&cpu->fn, memory_order_acquire);

	if (!fn || cpu->port.masked)
		return;
	cpu->port.masked = true;
	cpu->port.port.irq_depth++;
	fn(cpu->arg);
	cpu->port.port.irq_depth--;
	cpu->port.masked = false;
	atomic_store_explicit(&cpu->fn, NULL, memory_order_release);
}

void hv_lock(hv_lock_t *lock)
{
	while (atomic_exchange_explicit(lock, 1, memory_order_acquire)) {
		hv_cpu_serve();
		zonal_port_relax();
	}
}

void hv_unlock(hv_lock_t *lock)
{
	atomic_store_explicit(lock, 0, memory_order_release);
}

static void call_self(void (*fn)(void *), void *arg)
{
	struct hv_cpu *cpu = this_cpu();
	zonal_port_irqflags_t was = zonal_port_irq_save();

	cpu->port.port.irq_depth++;
	fn(arg);
	cpu->port.port.irq_depth--;
	zonal_port_irq_restore(was);
}

bool zonal_port_call_cpu(unsigned id, void (*fn)(void *), void *arg)
{
	struct hv_cpu *to = &hv_cpus[id % HV_CPUS];

	if (id >= HV_CPUS || !atomic_load(&to->online))
		return false;
	if (to == this_cpu()) {
		call_self(fn, arg);
		return true;
	}
	while (atomic_exchange_explicit(&to->calling, true, memory_order_acquire))
		hv_cpu_serve();
	to->arg = arg;
	atomic_store_explicit(&to->fn, fn, memory_order_release);
	hv_gic_signal(to);
	while (atomic_load_explicit(&to->fn, memory_order_acquire))
		hv_cpu_serve();
	atomic_store_explicit(&to->calling, false, memory_order_release);
	return true;
}

/* ---- start and rest ---------------------------------------------------------- */

void hv_cpu_wake(struct hv_cpu *cpu)
{
	hv_gic_signal(cpu);
}

/*
 * WFI ends when an interrupt is pending, masked or not; one that came before it does so at once, so
 * none is lost between the caller's look at what he waits for and the WFI: whoever changes that
 * signals afterwards.
 */
void hv_cpu_wait(uint64_t ticks)
{
	if (ticks) {
		sysreg_write(cnthp_tval_el2, ticks);
		sysreg_write(cnthp_ctl_el2, 1);
		isb();
	}
	dsb(sy); /* stores that another core waits for are on their way before this one sleeps */
	__asm__ volatile("wfi" : : : "memory");
	hv_gic_serve();
	hv_cpu_serve();
}

static void cpu_begin(struct hv_cpu *cpu, unsigned id)
{
	cpu->port.port.id = id;
	cpu->port.port.task = &cpu->task;
	zonal_task_init(&cpu->task);
	cpu->stack = hv_address(stacks[id]) + HV_STACK;
}

void hv_secondary_main(struct hv_cpu *cpu)
{
	sysreg_write(tpidr_el2, cpu);
	hv_gic_start_cpu(cpu);
	zonal_cpu_online(hv_mm, cpu->port.port.id);
	atomic_store(&cpu->online, true);
	for (;;) {
		hv_cpu_wait(0);
		if (atomic_load_explicit(&cpu->guest, memory_order_acquire)) {
			hv_guest_run(cpu->guest);
			atomic_store_explicit(&cpu->guest, NULL, memory_order_release);
			hv_cpu_wake(&hv_cpus[0]);
		}
	}
}

/* Core 0, before anything asks which core this is. */
void hv_cpu_first(void)
{
	hv_ticks_hz = sysreg_read(cntfrq_el0);
	for (unsigned id = 0; id < HV_CPUS; id++)
		cpu_begin(&hv_cpus[id], id);
	sysreg_write(tpidr_el2, &hv_cpus[0]);
	hv_cpus[0].online = true;
}

void hv_cpus_start(void)
{
	for (unsigned id = 1; id < hv_board.cpus; id++) {
		struct hv_cpu *cpu = &hv_cpus[id];
		int64_t failed;

		/* It reads its struct with the MMU on, through its caches: no cleaning. */
		failed = (int64_t)hv_smc(PSCI_CPU_ON, cpu->mpidr & MPIDR_AFFINITY,
					 hv_address((const void *)hv_secondary), hv_address(cpu));
		if (failed)
			hv_say("core %u does not start: PSCI says %lld", id, (long long)failed);
		while (!failed && !atomic_load(&cpu->online))
			zonal_port_relax();
	}
}
