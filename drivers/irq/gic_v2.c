/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GICv2: one distributor, one memory-mapped CPU interface a CPU, at most 8 CPUs.
 *
 * Groups. With the security extension we see the non-secure view: IGROUPR reads as
 * zero and ignores writes, firmware has put our interrupts into group 1, and bit 0
 * of both CTLR registers enables group 1. Without it (QEMU's default) both groups are ours:
 * IGROUPR 0 puts all into group 0, and bit 0 enables group 0, which signals IRQ because
 * GICC_CTLR.FIQEn is 0. So the same writes are right in both worlds.
 *
 * A CPU's interface number is no MPIDR: it reads the one byte that ITARGETSR0-7
 * hold for it, and keeps it for SGIs that others send to it.
 *
 * An acknowledged SGI carries the sender in bits 12-10, and the end of interrupt must give
 * back the whole word.
 */
#include "lib/assert.h"
#include "gic.h"
#include "drivers/mmio.h"

#define GICD_ITARGETSR 0x800
#define GICD_SGIR 0xf00
#define GICC_CTLR 0x00
#define GICC_PMR 0x04
#define GICC_BPR 0x08
#define GICC_IAR 0x0c
#define GICC_EOIR 0x10

#define CTLR_ENABLE 1u
#define SGIR_TARGET_SHIFT 16

static void *distributor, *cpu_interface;
/* Bit mask of the CPU's interface; 0: unknown. Written by that CPU before it is online. */
static uint8_t interface_mask[ZONAL_MAX_CPUS];

/* The byte of ITARGETSR0-7 that this CPU reads for itself, from any SGI or PPI that has one. */
static uint8_t own_mask(void)
{
	uint32_t targets = 0;

	for (unsigned id = 0; id < GIC_FIRST_SPI; id += 4)
		targets |= mmio_read32(distributor, GICD_ITARGETSR + id);
	targets |= targets >> 16;
	return (uint8_t)(targets | targets >> 8);
}

static unsigned gic_v2_intid_count(void)
{
	return gic_intid_count(mmio_read32(distributor, GICD_TYPER));
}

static bool gic_v2_start(int node)
{
	static const struct irq_part shared = { 0, "distributor", GICD_TYPER };
	static const struct irq_part own = { 1, "CPU interface", GICC_CTLR };
	unsigned count;
	uint32_t targets;
	uint64_t bytes;

	distributor = irq_map(node, &shared, &bytes);
	cpu_interface = irq_map(node, &own, &bytes);
	if (!distributor || !cpu_interface)
		return false;
	count = gic_v2_intid_count();
	gic_secure_v2(distributor, count);
	mmio_write32(distributor, GICD_CTLR, 0);
	/* A system with one CPU reads 0 here and sends everything to that CPU. */
	targets = own_mask() * 0x01010101u;
	gic_block_reset(distributor, GIC_FIRST_SPI, count - GIC_FIRST_SPI, 0);
	for (unsigned id = GIC_FIRST_SPI; id < count; id += 4)
		mmio_write32(distributor, GICD_ITARGETSR + id, targets);
	mmio_write32(distributor, GICD_CTLR, CTLR_ENABLE);
	return true;
}

static bool gic_v2_start_cpu(unsigned cpu)
{
	ASSERT(cpu < ZONAL_MAX_CPUS && distributor && cpu_interface, "CPU %u", cpu);
	gic_secure_v2_cpu(distributor, cpu_interface);
	interface_mask[cpu] = own_mask() ? own_mask() : 1;
	gic_block_reset(distributor, 0, GIC_FIRST_SPI, 0);
	mmio_write32(cpu_interface, GICC_PMR, GIC_PRIORITY_MASK);
	mmio_write32(cpu_interface, GICC_BPR, 0);
	mmio_write32(cpu_interface, GICC_CTLR, CTLR_ENABLE);
	return true;
}

static uint32_t gic_v2_acknowledge(void)
{
	uint32_t token = mmio_read32(cpu_interface, GICC_IAR);

	/* The handler must not read memory that the sender wrote before the acknowledge. */
	mmio_barrier();
	return token;
}

static void gic_v2_end(uint32_t token)
{
	/* The device's own acknowledge has to arrive first, or a level interrupt fires again. */
	mmio_barrier();
	mmio_write32(cpu_interface, GICC_EOIR, token);
}

static void gic_v2_send(unsigned cpu, unsigned sgi)
{
	/* What this CPU wrote is visible to the handler on the other. */
	mmio_barrier();
	mmio_write32(distributor, GICD_SGIR,
		     (uint32_t)interface_mask[cpu] << SGIR_TARGET_SHIFT | sgi);
}

static void gic_v2_enable(unsigned intid, bool edge)
{
	gic_block_enable(distributor, intid, edge);
}

static void gic_v2_disable(unsigned intid) { gic_block_disable(distributor, intid); }

static void gic_v2_trigger(unsigned intid)
{
	mmio_barrier(); /* what the handler will read first */
	gic_block_trigger(distributor, intid);
}

static const char *const gic_v2_compatible[] = { "arm,cortex-a15-gic", "arm,gic-400",
						 "arm,cortex-a7-gic", "arm,cortex-a9-gic", NULL };

const struct irq_driver gic_v2 = {
	.name = "GICv2",
	.compatible = gic_v2_compatible,
	.start = gic_v2_start,
	.start_cpu = gic_v2_start_cpu,
	.acknowledge = gic_v2_acknowledge,
	.end = gic_v2_end,
	.send = gic_v2_send,
	.enable = gic_v2_enable,
	.disable = gic_v2_disable,
	.trigger = gic_v2_trigger,
	.intid_count = gic_v2_intid_count,
};
