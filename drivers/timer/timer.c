/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Arm generic timer: one counter for all CPUs, one virtual timer a CPU.
 *
 * The virtual timer is used because it is there at EL1 on every board and under every
 * hypervisor; CNTVOFF is 0 when we came from EL2. Its interrupt is the PPI named
 * "virt", or the third of the `interrupts` of "arm,armv8-timer" (or v7).
 *
 * Time in nanoseconds is port_time_ns(): ticks times a 32.32 fixed-point factor, product in
 * 128 bits. It never overflows before the 64 bits of nanoseconds do, after 584 years.
 *
 * Deadlines are absolute. The remaining time is converted, not the deadline itself, and
 * rounded up: so the error of the fixed-point factor is proportional to the distance,
 * and the timer fires late by less than a tick or, by that error, early by parts in 10^9.
 * Who set the deadline looks at the time when it is called and sets it again.
 *
 * The timer condition is level-triggered: it holds while the counter is past the
 * compare value. So the handler turns the timer off before it calls `tick`, which sets the
 * next deadline: the scheduler, but this file does not know that.
 *
 * CNTV_* are this CPU's; masked. The counts have one writer, their CPU.
 */
#include "timer.h"

#include <zonal/port.h>

#include "arm64_cpu.h"
#include "arm64_secure.h"
#include "arm64_sysreg.h"
#include "drivers/irq/irq.h"
#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/kprintf.h"

#define NS_PER_SECOND 1000000000u
#define CTL_ENABLE 1u
/* Place of the virtual timer in `interrupts`: secure, non-secure, virtual, hypervisor. */
#define VIRTUAL_INDEX 2

static uint32_t frequency_hz;
static struct device_irq timer_irq;
static void (*on_tick)(void); /* whoever wants to know; set once, before the interrupt */
static _Atomic uint64_t fired[ZONAL_MAX_CPUS];

uint64_t timer_now_ns(void) { return port_time_ns(); }
uint32_t timer_frequency_hz(void) { return frequency_hz; }

uint64_t timer_fired_count(unsigned cpu)
{
	return cpu < ZONAL_MAX_CPUS ? ld_relaxed(&fired[cpu]) : 0;
}

/* Some trees of 64-bit cores have the name of the 32-bit ones' timer; it is the same. */
static int timer_node(void)
{
	int node = device_find("arm,armv8-timer", -1);

	return node >= 0 ? node : device_find("arm,armv7-timer", -1);
}

/* CNTFRQ_EL0 is firmware's to write, for all to read. Where we are the firmware we do. */
static void note_frequency(void)
{
	if (arm64_owns_secure() && sysreg_read(cntfrq_el0) != frequency_hz)
		arm64_secure_clock(frequency_hz);
}

bool timer_clock_start(void)
{
	int node = timer_node();
	uint32_t named;

	frequency_hz = (uint32_t)sysreg_read(cntfrq_el0);
	/* The property is there for firmware that left the register unset. */
	if (device_u32(node, "clock-frequency", &named) && named)
		frequency_hz = named;
	if (!frequency_hz) {
		kprintf("timer: CNTFRQ_EL0 is 0 and no clock-frequency is in the device tree\n");
		return false;
	}
	arm64_clock_set(frequency_hz);
	note_frequency();
	return true;
}

uint64_t timer_ticks_for(uint64_t ns, uint32_t hz)
{
	uint64_t seconds = ns / NS_PER_SECOND;
	/* Below 2^30 * 2^32, so nothing overflows. */
	uint64_t part = ((ns % NS_PER_SECOND) * hz + NS_PER_SECOND - 1) / NS_PER_SECOND;
	uint64_t ticks;

	if (__builtin_mul_overflow(seconds, (uint64_t)hz, &ticks) ||
	    __builtin_add_overflow(ticks, part, &ticks))
		return UINT64_MAX;
	return ticks;
}

static void timer_off(void)
{
	sysreg_write(cntv_ctl_el0, 0);
	arm64_isb(); /* off before the interrupt is ended or unmasked */
}

void timer_set_deadline(uint64_t deadline_ns)
{
	uint64_t now_ns = timer_now_ns();
	uint64_t now = sysreg_read(cntvct_el0);
	uint64_t ticks, compare;

	DASSERT_MASKED();
	if (!deadline_ns) {
		timer_off();
		return;
	}
	ticks = deadline_ns > now_ns ? timer_ticks_for(deadline_ns - now_ns, frequency_hz) : 0;
	if (__builtin_add_overflow(now, ticks, &compare))
		compare = UINT64_MAX;
	sysreg_write(cntv_cval_el0, compare);
	sysreg_write(cntv_ctl_el0, CTL_ENABLE);
	arm64_isb();
}

static void timer_fired(void *arg)
{
	(void)arg;
	DASSERT(port_this_cpu()->irq_depth, "the timer fires outside of a handler");
	timer_off();
	own_add(&fired[port_this_cpu()->id], 1);
	on_tick();
}

bool timer_start(void (*tick)(void))
{
	int node = timer_node();

	ASSERT(tick && !on_tick, "nobody to tell, or two");
	/* Time stands still, and every wait would last for ever; timer_clock_start() said why. */
	if (!frequency_hz)
		return false;
	if (node < 0) {
		kprintf("timer: no arm,armv8-timer in the device tree\n");
		return false;
	}
	if (!device_irq_named(node, "virt", &timer_irq) &&
	    !device_irq(node, VIRTUAL_INDEX, &timer_irq)) {
		kprintf("timer: entry %d of interrupts (virtual timer) is missing\n",
			VIRTUAL_INDEX);
		return false;
	}
	on_tick = tick;
	timer_off();
	irq_attach(&timer_irq, timer_fired, NULL);
	return true;
}

void timer_start_cpu(void)
{
	ASSERT(on_tick, "CPU %u before the timer is started", port_this_cpu()->id);
	note_frequency();
	timer_off();
	irq_enable_ppi(&timer_irq);
}
