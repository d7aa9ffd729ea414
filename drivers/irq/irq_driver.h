/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the driver of an interrupt controller offers to irq.c. INTIDs are the GIC's, whatever the
 * controller: 0-15 SGI, 16-31 PPI (both banked by CPU), 32-1019 SPI.
 */
#ifndef DRIVERS_IRQ_DRIVER_H
#define DRIVERS_IRQ_DRIVER_H

#include <zonal/types.h>

#define GIC_FIRST_PPI 16u
#define GIC_FIRST_SPI 32u
#define GIC_INTIDS 1020u /* from here on: special numbers, "nothing pending" among them */

struct irq_driver {
	const char *name;
	const char *const *compatible; /* ended by NULL */
	/* Map and set up what all CPUs share; every interrupt disabled. Boot CPU. */
	bool (*start)(int node);
	/* Set up what is this CPU's. False: it has no part in this controller, said why. */
	bool (*start_cpu)(unsigned cpu);
	/* Acknowledge: what end() wants back; bits 9-0 are the INTID. */
	uint32_t (*acknowledge)(void);
	void (*end)(uint32_t token);
	void (*send)(unsigned cpu, unsigned sgi);
	/* This CPU's if below GIC_FIRST_SPI. SPIs go to the boot CPU. */
	void (*enable)(unsigned intid, bool edge);
	void (*disable)(unsigned intid);
	/* Make an SPI pending as if its device had raised it. */
	void (*trigger)(unsigned intid);
	/* INTIDs that the distributor has; known after start(). */
	unsigned (*intid_count)(void);
};

/*
 * Map entry `index` of the node's reg; `what` is its name in messages. `probe` is the offset
 * of a register that can be read without a change: NULL, said why, also if that faults.
 */
struct irq_part {
	unsigned index;
	const char *what;
	uintptr_t probe;
};
void *irq_map(int node, const struct irq_part *part, uint64_t *bytes);

extern const struct irq_driver gic_v2;
extern const struct irq_driver gic_v3;
extern const struct irq_driver irq_bcm2836;

#endif
