/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GICv3: distributor for SPIs, one redistributor a CPU for its SGIs and PPIs, and the CPU
 * interface in system registers.
 *
 * Redistributors lie one after another in one or several regions (`reg` entries from 1 on,
 * as many as #redistributor-regions says). Each has a frame for control and one for SGIs and
 * PPIs, 64 KiB each, and two more if GICR_TYPER.VLPIS is set; `redistributor-stride` overrides
 * the distance. A CPU finds its own by comparing GICR_TYPER's affinity with its MPIDR;
 * the order of redistributors says nothing. The last of a region has GICR_TYPER.Last.
 *
 * Groups. Where EL3 is in use we see the non-secure view: IGROUPR ignores our writes,
 * and bits 1 and 4 of GICD_CTLR are EnableGrp1A and ARE_NS. With one security state
 * (QEMU's default) IGROUPR is ours, all ones put everything into group 1, and bits 1
 * and 4 are EnableGrp1 and ARE. The CPU takes group 1 only.
 *
 * SGIs name their target by affinity: Aff3.Aff2.Aff1 and a bit for Aff0 within a group of 16
 * (range selector for Aff0 of 16 and more).
 */
#include "board/device.h"
#include "arm64_cpu.h"
#include "arm64_sysreg.h"
#include "gic.h"
#include "lib/assert.h"
#include "lib/kprintf.h"
#include "drivers/mmio.h"

/* Most redistributor regions of one board; more are reported. */
#define MAX_REGIONS 16u
#define FRAME_BYTES 0x10000u
/* Polls of a register that hardware clears within microseconds. */
#define POLL_LIMIT 1000000u

#define GICD_CTLR_GROUP1 (1u << 1)
#define GICD_CTLR_ARE (1u << 4)
#define GICD_CTLR_RWP (1u << 31)
#define GICD_IROUTER 0x6000

#define GICR_CTLR GICD_CTLR
#define GICR_CTLR_RWP (1u << 3)
#define GICR_TYPER 0x008
#define GICR_TYPER_VLPIS (1u << 1)
#define GICR_TYPER_LAST (1u << 4)
#define GICR_WAKER 0x014
#define GICR_WAKER_SLEEP (1u << 1)
#define GICR_WAKER_ASLEEP (1u << 2)

/* System registers of the CPU interface, by their encoding: assemblers differ in the names. */
#define ICC_PMR s3_0_c4_c6_0
#define ICC_SGI1R s3_0_c12_c11_5
#define ICC_IAR1 s3_0_c12_c12_0
#define ICC_EOIR1 s3_0_c12_c12_1
#define ICC_BPR1 s3_0_c12_c12_3
#define ICC_CTLR s3_0_c12_c12_4
#define ICC_SRE s3_0_c12_c12_5
#define ICC_IGRPEN1 s3_0_c12_c12_7
/* One level of expansion, so that the name above and not the macro's is pasted. */
#define icc_read(name) sysreg_read(name)
#define icc_write(name, value) sysreg_write(name, value)

static void *distributor;
static struct {
	void *base;
	uint64_t bytes;
} region[MAX_REGIONS];
static unsigned region_count;
static uint64_t stride_bytes; /* 0: by GICR_TYPER */
/* SGI frame of each CPU's redistributor; written by that CPU before it is online. */
static void *sgi_frame[ZONAL_MAX_CPUS];

/* Wait until the bits of a register are clear; false if they stay. */
static bool wait_clear(void *base, uintptr_t offset, uint32_t bits)
{
	for (unsigned i = 0; i < POLL_LIMIT; i++) {
		if (!(mmio_read32(base, offset) & bits))
			return true;
	}
	return false;
}

/*
 * Disable INTIDs [first, end) of a frame and wait until that holds, by the write-pending bit
 * of `control`: an interrupt that firmware left enabled must not have its trigger changed.
 */
static void quiesce(void *frame, unsigned first, unsigned end, void *control, uint32_t pending)
{
	ASSERT(frame && control && first < end && !(first % 32), "INTIDs %u to %u", first, end);
	for (unsigned id = first; id < end; id += 32)
		mmio_write32(frame, GICD_ICENABLER + id / 8, UINT32_MAX);
	/* The registers CTLR of the distributor and of a redistributor have the same offset. */
	if (!wait_clear(control, GICD_CTLR, pending))
		kprintf("gic: a write that disables INTIDs %u to %u does not finish\n", first,
			end - 1);
}

static bool map_regions(int node)
{
	uint32_t count = 1;

	(void)device_u32(node, "#redistributor-regions", &count);
	if (count > MAX_REGIONS) {
		kprintf("gic: #redistributor-regions %u: the first %u are used\n", count,
			MAX_REGIONS);
		count = MAX_REGIONS;
	}
	/* One that is missing is left out with those behind it. */
	for (unsigned i = 0; i < count; i++) {
		const struct irq_part part = { i + 1, "redistributors", GICR_TYPER };

		region[i].base = irq_map(node, &part, &region[i].bytes);
		if (!region[i].base)
			break;
		region_count = i + 1;
	}
	return region_count > 0;
}

static unsigned gic_v3_intid_count(void)
{
	return gic_intid_count(mmio_read32(distributor, GICD_TYPER));
}

static void read_stride(int node)
{
	(void)device_u64(node, "redistributor-stride", &stride_bytes);
	if (!(stride_bytes % FRAME_BYTES) && (!stride_bytes || stride_bytes >= 2 * FRAME_BYTES))
		return;
	kprintf("gic: redistributor-stride 0x%llx: must be a multiple of 64 KiB and two at least; "
		"ignored\n",
		(unsigned long long)stride_bytes);
	stride_bytes = 0;
}

static bool gic_v3_start(int node)
{
	static const struct irq_part shared = { 0, "distributor", GICD_TYPER };
	uint64_t affinity = arm64_this_cpu()->mpidr;
	uint64_t bytes;
	unsigned count;

	read_stride(node);
	distributor = irq_map(node, &shared, &bytes);
	if (!distributor || !map_regions(node))
		return false;
	count = gic_v3_intid_count();
	gic_secure_v3(distributor, count);
	/* ARE may only change while no group is enabled. */
	mmio_write32(distributor, GICD_CTLR, 0);
	if (!wait_clear(distributor, GICD_CTLR, GICD_CTLR_RWP))
		kprintf("gic: the distributor does not finish a write\n");
	mmio_write32(distributor, GICD_CTLR, GICD_CTLR_ARE);
	quiesce(distributor, GIC_FIRST_SPI, count, distributor, GICD_CTLR_RWP);
	gic_block_reset(distributor, GIC_FIRST_SPI, count - GIC_FIRST_SPI, UINT32_MAX);
	for (unsigned id = GIC_FIRST_SPI; id < count; id++)
		mmio_write64(distributor, GICD_IROUTER + 8 * (uintptr_t)id, affinity);
	mmio_write32(distributor, GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_GROUP1);
	(void)wait_clear(distributor, GICD_CTLR, GICD_CTLR_RWP);
	return true;
}

static uint64_t redistributor_bytes(uint64_t typer)
{
	if (stride_bytes)
		return stride_bytes;
	return (typer & GICR_TYPER_VLPIS) ? 4 * FRAME_BYTES : 2 * FRAME_BYTES;
}

/* The redistributor in region `index` whose affinity is `affinity` (packed as in GICR_TYPER). */
static void *region_find(unsigned index, uint32_t affinity)
{
	uint64_t offset = 0;
	uint64_t typer;

	ASSERT(index < region_count, "region %u of %u", index, region_count);
	/* No sum that wraps: the stride is any number. */
	while (offset <= region[index].bytes && region[index].bytes - offset >= 2 * FRAME_BYTES) {
		void *base = mmio_at(region[index].base, offset);

		typer = mmio_read64(base, GICR_TYPER);
		if (typer >> 32 == affinity)
			return base;
		if (typer & GICR_TYPER_LAST)
			return NULL;
		offset += redistributor_bytes(typer);
	}
	return NULL;
}

static void *redistributor_find(uint64_t mpidr)
{
	uint32_t affinity = (uint32_t)((mpidr & 0xffffff) | (mpidr >> 32 & 0xff) << 24);

	for (unsigned i = 0; i < region_count; i++) {
		void *base = region_find(i, affinity);

		if (base)
			return base;
	}
	return NULL;
}

/* System registers instead of the memory-mapped interface; false if EL2 or EL3 forbid it. */
static bool interface_start(void)
{
	icc_write(ICC_SRE, icc_read(ICC_SRE) | 1);
	arm64_isb(); /* the registers below exist from here on */
	if (!(icc_read(ICC_SRE) & 1))
		return false;
	icc_write(ICC_PMR, GIC_PRIORITY_MASK);
	icc_write(ICC_BPR1, 0);
	icc_write(ICC_CTLR, 0); /* one write ends an interrupt: drop and deactivate */
	icc_write(ICC_IGRPEN1, 1);
	arm64_isb(); /* interrupts may come from here on */
	return true;
}

static bool gic_v3_start_cpu(unsigned cpu)
{
	uint64_t mpidr = arm64_cpus[cpu].mpidr;
	void *base = redistributor_find(mpidr);

	ASSERT(cpu == port_this_cpu()->id, "CPU %u is set up by CPU %u", cpu, port_this_cpu()->id);
	if (!base) {
		kprintf("gic: no redistributor has the affinity of CPU %u (MPIDR 0x%llx)\n", cpu,
			(unsigned long long)mpidr);
		return false;
	}
	gic_secure_v3_cpu(distributor, base);
	mmio_write32(base, GICR_WAKER, mmio_read32(base, GICR_WAKER) & ~GICR_WAKER_SLEEP);
	if (!wait_clear(base, GICR_WAKER, GICR_WAKER_ASLEEP)) {
		kprintf("gic: the redistributor of CPU %u does not wake up\n", cpu);
		return false;
	}
	sgi_frame[cpu] = mmio_at(base, FRAME_BYTES);
	quiesce(sgi_frame[cpu], 0, GIC_FIRST_SPI, base, GICR_CTLR_RWP);
	gic_block_reset(sgi_frame[cpu], 0, GIC_FIRST_SPI, UINT32_MAX);
	(void)wait_clear(base, GICR_CTLR, GICR_CTLR_RWP);
	if (interface_start())
		return true;
	kprintf("gic: CPU %u may not use the system registers (ICC_SRE_EL1.SRE stays 0)\n", cpu);
	return false;
}

static uint32_t gic_v3_acknowledge(void)
{
	uint32_t token = (uint32_t)icc_read(ICC_IAR1);

	/* The acknowledge takes effect before the handler reads what the sender wrote. */
	arm64_dsb_sy();
	return token;
}

static void gic_v3_end(uint32_t token)
{
	/* The device's own acknowledge has to arrive first, or a level interrupt fires again. */
	arm64_dsb_sy();
	icc_write(ICC_EOIR1, token);
	arm64_isb();
}

static void gic_v3_send(unsigned cpu, unsigned sgi)
{
	uint64_t mpidr = arm64_cpus[cpu].mpidr;
	uint64_t aff0 = mpidr & 0xff;
	uint64_t value = (mpidr >> 32 & 0xff) << 48 | (mpidr >> 16 & 0xff) << 32 |
			 (mpidr >> 8 & 0xff) << 16;

	value |= aff0 >> 4 << 44 | (uint64_t)sgi << 24 | (uint64_t)1 << (aff0 & 15);
	/* A system register write is not ordered behind stores: what this CPU wrote must be
	 * visible to the handler on the other. */
	arm64_dsb_ishst();
	icc_write(ICC_SGI1R, value);
	arm64_isb();
}

static void *frame_of(unsigned intid)
{
	void *own = sgi_frame[arm64_this_cpu()->port.id];

	ASSERT(own && distributor, "CPU %u has no redistributor yet", arm64_this_cpu()->port.id);
	return intid < GIC_FIRST_SPI ? own : distributor;
}

static void gic_v3_enable(unsigned intid, bool edge)
{
	gic_block_enable(frame_of(intid), intid, edge);
}

static void gic_v3_disable(unsigned intid) { gic_block_disable(frame_of(intid), intid); }

static void gic_v3_trigger(unsigned intid)
{
	mmio_barrier(); /* what the handler will read first */
	gic_block_trigger(distributor, intid);
}

static const char *const gic_v3_compatible[] = { "arm,gic-v3", NULL };

const struct irq_driver gic_v3 = {
	.name = "GICv3",
	.compatible = gic_v3_compatible,
	.start = gic_v3_start,
	.start_cpu = gic_v3_start_cpu,
	.acknowledge = gic_v3_acknowledge,
	.end = gic_v3_end,
	.send = gic_v3_send,
	.enable = gic_v3_enable,
	.disable = gic_v3_disable,
	.trigger = gic_v3_trigger,
	.intid_count = gic_v3_intid_count,
};
