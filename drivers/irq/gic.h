/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the drivers of GICv2 and GICv3 have in common.
 */
#ifndef DRIVERS_GIC_H
#define DRIVERS_GIC_H

#include "irq_driver.h"

/* One priority for all: nothing here preempts a handler. Lower is more urgent; the CPU
 * takes what is more urgent than the mask. Both are valid in the non-secure view. */
#define GIC_PRIORITY 0xa0u
#define GIC_PRIORITY_MASK 0xf0u

/* Registers that the distributor of both and the v3 redistributor have at the same places. */
#define GICD_CTLR 0x000
#define GICD_TYPER 0x004
#define GICD_IGROUPR 0x080
#define GICD_ISENABLER 0x100
#define GICD_ICENABLER 0x180
#define GICD_ISPENDR 0x200
#define GICD_ICPENDR 0x280
#define GICD_ICACTIVER 0x380
#define GICD_IPRIORITYR 0x400
#define GICD_ICFGR 0xc00

/* Number of INTIDs that GICD_TYPER announces. */
unsigned gic_intid_count(uint32_t typer);
/* Disable, group, priority and level trigger for INTIDs [first, first + count). `first` is a
 * multiple of 32, `count` of 4: the largest GIC ends at 1019, within a word.
 * `group1`: the words for IGROUPR, all ones or zero. */
void gic_block_reset(void *base, unsigned first, unsigned count, uint32_t group1);
/* Trigger and enable bit of one INTID. */
void gic_block_enable(void *base, unsigned intid, bool edge);
void gic_block_disable(void *base, unsigned intid);
void gic_block_trigger(void *base, unsigned intid);

/*
 * If we own EL3: put interrupts within reach of the non-secure world, `count` INTIDs of a
 * distributor (a GICv2's with this CPU's own, which tell its number) and then this CPU's. Before
 * anything is written from here. Reports what fails.
 */
void gic_secure_v2(const void *distributor, unsigned count);
void gic_secure_v2_cpu(const void *distributor, const void *interface);
void gic_secure_v3(const void *distributor, unsigned count);
void gic_secure_v3_cpu(const void *distributor, const void *redistributor);

#endif
