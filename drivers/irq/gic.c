/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What GICv2 and GICv3 have in common: banks of registers, one bit, two bits or one byte an
 * interrupt, at the same offsets in the v2 distributor, the v3 distributor and the SGI
 * frame of a v3 redistributor.
 *
 * References: Arm IHI 0048 (GICv2) and IHI 0069 (GICv3).
 *
 * Writes of 1 to the set and clear registers act on that bit alone, so no
 * lock is needed. ICFGR and nothing else is read, changed and written back: only
 * irq_register() does that, on one CPU at a time.
 */
#include "gic.h"

#include "drivers/mmio.h"
#include "lib/assert.h"

unsigned gic_intid_count(uint32_t typer)
{
	return ZN_MIN(((typer & 0x1f) + 1) * 32, GIC_INTIDS);
}

void gic_block_reset(void *base, unsigned first, unsigned count, uint32_t group1)
{
	ASSERT(!(first % 32) && !(count % 4) && first + count <= GIC_INTIDS,
	       "INTIDs %u, %u of them", first, count);
	for (unsigned id = first; id < first + count; id += 32) {
		mmio_write32(base, GICD_ICENABLER + id / 8, UINT32_MAX);
		mmio_write32(base, GICD_ICPENDR + id / 8, UINT32_MAX);
		mmio_write32(base, GICD_ICACTIVER + id / 8, UINT32_MAX);
		mmio_write32(base, GICD_IGROUPR + id / 8, group1);
	}
	for (unsigned id = first; id < first + count; id += 4)
		mmio_write32(base, GICD_IPRIORITYR + id, GIC_PRIORITY * 0x01010101u);
	/* SGIs are edge-triggered by definition; their word is read-only. */
	for (unsigned id = first ? first : 16; id < first + count; id += 16)
		mmio_write32(base, GICD_ICFGR + id / 4, 0);
}

void gic_block_enable(void *base, unsigned intid, bool edge)
{
	uintptr_t offset = GICD_ICFGR + intid / 16 * 4;
	uint32_t bit = 2u << (intid % 16 * 2);
	uint32_t config = mmio_read32(base, offset);

	ASSERT(base && intid < GIC_INTIDS, "INTID %u", intid);
	if (intid >= GIC_FIRST_PPI)
		mmio_write32(base, offset, edge ? config | bit : config & ~bit);
	mmio_write32(base, GICD_ISENABLER + intid / 32 * 4, 1u << (intid % 32));
}

void gic_block_disable(void *base, unsigned intid)
{
	ASSERT(base && intid < GIC_INTIDS, "INTID %u", intid);
	mmio_write32(base, GICD_ICENABLER + intid / 32 * 4, 1u << (intid % 32));
}

void gic_block_trigger(void *base, unsigned intid)
{
	ASSERT(intid >= GIC_FIRST_SPI && intid < GIC_INTIDS, "INTID %u", intid);
	mmio_write32(base, GICD_ISPENDR + intid / 32 * 4, 1u << (intid % 32));
}
