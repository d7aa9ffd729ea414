/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local interrupt controller of the Raspberry Pi 2 and 3 (BCM2836, BCM2837), which have no
 * GIC: for each of four cores the lines of its timers, and mailboxes that other cores write to.
 *
 * It is made to look like a GIC to irq.c: SGI n is bit n of a core's mailbox 0, PPIs 16 to 19
 * are the timers (secure, non-secure, hypervisor, virtual), and there is no SPI. Devices have a
 * second controller behind it (brcm,bcm2836-armctrl-ic), which is not driven: nothing of ours
 * that cannot do without an interrupt hangs on it.
 *
 * A core's registers are those of its Aff0. Setting bits of a mailbox and clearing them are
 * registers of their own, so no lock is needed: each clears no more than it has seen. A timer's
 * line holds until the timer is off, which its handler sees to; nothing is to be ended.
 *
 * Reference: "BCM2836 ARM-local peripherals", QA7 rev 3.4.
 */
#include "arm64_cpu.h"
#include "irq_driver.h"
#include "lib/assert.h"
#include "lib/kprintf.h"
#include "drivers/mmio.h"

#define CORES 4u
#define TIMERS 4u
#define NOTHING 1023u

/* One word a core. */
#define TIMER_CONTROL 0x40
#define MAILBOX_CONTROL 0x50
#define IRQ_SOURCE 0x60
#define SOURCE_TIMERS 0xfu
#define SOURCE_MAILBOX_0 (1u << 4)
/* Four words a core, one a mailbox. */
#define MAILBOX_SET 0x80
#define MAILBOX_CLEAR 0xc0

static void *controller;

static uintptr_t core_of(unsigned cpu) { return arm64_cpus[cpu].mpidr & 0xff; }

static uintptr_t word(uintptr_t bank) { return bank + 4 * core_of(port_this_cpu()->id); }

static uintptr_t mailbox_0(uintptr_t bank, unsigned cpu) { return bank + 16 * core_of(cpu); }

static bool bcm2836_start(int node)
{
	static const struct irq_part part = { 0, "local interrupt controller", IRQ_SOURCE };
	uint64_t bytes;

	controller = irq_map(node, &part, &bytes);
	return controller != NULL;
}

static bool bcm2836_start_cpu(unsigned cpu)
{
	ASSERT(cpu == port_this_cpu()->id && controller, "CPU %u", cpu);
	if (arm64_cpus[cpu].mpidr >= CORES) {
		kprintf("irq: CPU %u (MPIDR 0x%llx): this controller has %u cores\n", cpu,
			(unsigned long long)arm64_cpus[cpu].mpidr, CORES);
		return false;
	}
	mmio_write32(controller, word(TIMER_CONTROL), 0);
	mmio_write32(controller, word(MAILBOX_CONTROL), 0);
	mmio_write32(controller, mailbox_0(MAILBOX_CLEAR, cpu), UINT32_MAX);
	return true;
}

static uint32_t bcm2836_acknowledge(void)
{
	uint32_t source = mmio_read32(controller, word(IRQ_SOURCE));
	uintptr_t mailbox = mailbox_0(MAILBOX_CLEAR, port_this_cpu()->id);
	uint32_t sgis = source & SOURCE_MAILBOX_0 ? mmio_read32(controller, mailbox) : 0;
	unsigned sgi;

	if (!sgis)
		return source & SOURCE_TIMERS ?
			       GIC_FIRST_PPI + (unsigned)__builtin_ctz(source & SOURCE_TIMERS) :
			       NOTHING;
	sgi = (unsigned)__builtin_ctz(sgis);
	mmio_write32(controller, mailbox, 1u << sgi);
	/* Cleared before the handler reads what the sender wrote: a later one is a new one. */
	mmio_barrier();
	return sgi;
}

static void bcm2836_end(uint32_t token) { (void)token; }

static void bcm2836_send(unsigned cpu, unsigned sgi)
{
	ASSERT(sgi < GIC_FIRST_PPI, "SGI %u", sgi);
	/* What this CPU wrote is visible to the handler on the other. */
	mmio_barrier();
	mmio_write32(controller, mailbox_0(MAILBOX_SET, cpu), 1u << sgi);
}

/* Only this core writes its own control words. A line that is not there stays off. */
static void timer_line(unsigned intid, bool on)
{
	uint32_t lines = mmio_read32(controller, word(TIMER_CONTROL));
	uint32_t bit;

	ASSERT(intid >= GIC_FIRST_PPI && intid < GIC_INTIDS, "INTID %u", intid);
	if (intid - GIC_FIRST_PPI >= TIMERS)
		return;
	bit = 1u << (intid - GIC_FIRST_PPI);
	mmio_write32(controller, word(TIMER_CONTROL), on ? lines | bit : lines & ~bit);
}

static void bcm2836_enable(unsigned intid, bool edge)
{
	(void)edge;
	if (intid < GIC_FIRST_PPI)
		mmio_write32(controller, word(MAILBOX_CONTROL), 1);
	else
		timer_line(intid, true);
}

/* SGIs have one line, and stay. */
static void bcm2836_disable(unsigned intid)
{
	if (intid >= GIC_FIRST_PPI)
		timer_line(intid, false);
}

static void bcm2836_trigger(unsigned intid)
{
	ASSERT(intid >= GIC_FIRST_SPI, "INTID %u", intid); /* irq.c asks intid_count() before */
}

static unsigned bcm2836_intid_count(void) { return GIC_FIRST_SPI; }

static const char *const bcm2836_compatible[] = { "brcm,bcm2836-l1-intc", NULL };

const struct irq_driver irq_bcm2836 = {
	.name = "BCM2836",
	.compatible = bcm2836_compatible,
	.start = bcm2836_start,
	.start_cpu = bcm2836_start_cpu,
	.acknowledge = bcm2836_acknowledge,
	.end = bcm2836_end,
	.send = bcm2836_send,
	.enable = bcm2836_enable,
	.disable = bcm2836_disable,
	.trigger = bcm2836_trigger,
	.intid_count = bcm2836_intid_count,
};
