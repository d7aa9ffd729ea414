/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices of the checked device tree: find by `compatible`, where their registers
 * are, which interrupt they raise. A device is the offset of its node, as
 * libfdt counts; negative means none.
 */
#ifndef BOARD_DEVICE_H
#define BOARD_DEVICE_H

#include <zonal/types.h>

struct device_range {
	uint64_t phys;
	uint64_t bytes;
};

struct device_irq {
	unsigned intid; /* as the GIC counts: 16.. PPI, 32.. SPI */
	bool edge;
};

/* The tree that all calls below read; it must have passed the strict walker. */
void device_tree_set(const void *fdt);
const void *device_tree(void);

/* First usable device after node `after` (-1: from the start) with this compatible. */
int device_find(const char *compatible, int after);
/* Whether the node has this compatible and is not disabled. */
bool device_is(int node, const char *compatible);

/* Entry `index` of reg as a CPU address, through every bus's ranges. */
bool device_reg(int node, unsigned index, struct device_range *range);

/* Entry `index` of interrupts or interrupts-extended; only the GIC is known as parent. */
bool device_irq(int node, unsigned index, struct device_irq *irq);
/* As above by its entry in interrupt-names; false if there is no such name. */
bool device_irq_named(int node, const char *name, struct device_irq *irq);

/* Does the device see memory as the caches hold it: does it or a bus above it say dma-coherent? */
bool device_dma_coherent(int node);
/* Does a bus above it limit what its masters reach (dma-ranges that are not empty)? */
bool device_dma_limited(int node);

/* A property that is one string, or one or two cells. */
const char *device_string(int node, const char *property);
bool device_u32(int node, const char *property, uint32_t *value);
bool device_u64(int node, const char *property, uint64_t *value);

/* The boot arguments: *bytes bytes, which may lack their NUL; NULL and 0 without any. */
const char *device_bootargs(size_t *bytes);

/* /chosen, and the device that its stdout-path names; negative if there is none. */
int device_chosen(void);
int device_stdout(void);

#endif
