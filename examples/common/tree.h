/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device tree's memory, cores and distances, by plain libfdt.
 */
#ifndef EXAMPLES_TREE_H
#define EXAMPLES_TREE_H

#include "zonal.h"

/* What a program does with each range of RAM, before it is in the description, and with each core;
 * that tells zonal_add_cpu() itself, or leaves the core out. */
struct tree_visitor {
	void (*memory)(uint64_t start, uint64_t bytes);
	int (*cpu)(uint64_t mpidr, unsigned node);
};

/* Nodes, memory, cores, distances into *info. 0 or a negative ZONAL_E*, which is logged. */
int tree_read(const void *fdt, struct zonal_boot_info *info, const struct tree_visitor *visitor);

/* `count` cells as a number; a property of one or two cells; entry `index` of a reg with two cells
 * for each of address and size (false: there are fewer); a node's device_type. */
uint64_t tree_cells(const void *from, int count);
uint64_t tree_number(const void *fdt, int node, const char *name, uint64_t otherwise);
bool tree_reg(const void *fdt, int node, int index, uint64_t *start, uint64_t *bytes);
bool tree_is_a(const void *fdt, int node, const char *type);

#endif
