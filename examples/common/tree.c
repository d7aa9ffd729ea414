/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device tree's memory, cores and distances become the description that an instance is built of.
 *
 * The tree is QEMU's own, so it is read by plain libfdt, which trusts what it reads; a program for
 * boards that bring any tree checks it first, as this project's image does. One walk in the tree's
 * order; what has a status is left out ("disabled": memory of the secure world). A node without
 * numa-node-id is on node 0. Context: boot, one core.
 */
#include "tree.h"

#include <libfdt.h>
#include <string.h>

#define MPIDR_AFFINITY 0xff00ffffffu

uint64_t tree_cells(const void *from, int count)
{
	const uint8_t *byte = from;
	uint64_t value = 0;

	for (int i = 0; i < count * 4; i++)
		value = value << 8 | byte[i];
	return value;
}

uint64_t tree_number(const void *fdt, int node, const char *name, uint64_t otherwise)
{
	int length;
	const void *value = fdt_getprop(fdt, node, name, &length);

	return value && length >= 4 ? tree_cells(value, length >= 8 ? 2 : 1) : otherwise;
}

bool tree_is_a(const void *fdt, int node, const char *type)
{
	int length;
	const char *value = fdt_getprop(fdt, node, "device_type", &length);

	return value && (size_t)length == strlen(type) + 1 && !memcmp(value, type, (size_t)length);
}

bool tree_reg(const void *fdt, int node, int index, uint64_t *start, uint64_t *bytes)
{
	int length;
	const uint8_t *value = fdt_getprop(fdt, node, "reg", &length);

	if (!value || length < (index + 1) * 16)
		return false;
	*start = tree_cells(value + index * 16, 2);
	*bytes = tree_cells(value + index * 16 + 8, 2);
	return true;
}

static int read_memory(const void *fdt, int node, struct zonal_boot_info *info,
		       const struct tree_visitor *visitor)
{
	uint64_t start, bytes;
	int err = 0;

	if (fdt_getprop(fdt, node, "status", NULL)) /* secram: "disabled" */
		return 0;
	for (int i = 0; !err && tree_reg(fdt, node, i, &start, &bytes); i++) {
		visitor->memory(start, bytes);
		err = zonal_add_memory(info, (unsigned)tree_number(fdt, node, "numa-node-id", 0),
				       start, bytes);
	}
	return err;
}

static int read_distances(const void *fdt, struct zonal_boot_info *info)
{
	int node = fdt_node_offset_by_compatible(fdt, -1, "numa-distance-map-v1");
	int length = 0, err = 0;
	const uint8_t *triple = NULL;

	if (node >= 0)
		triple = fdt_getprop(fdt, node, "distance-matrix", &length);
	for (; triple && !err && length >= 12; triple += 12, length -= 12)
		err = zonal_set_distance(info, (unsigned)tree_cells(triple, 1),
					 (unsigned)tree_cells(triple + 4, 1),
					 (unsigned)tree_cells(triple + 8, 1));
	return err;
}

int tree_read(const void *fdt, struct zonal_boot_info *info, const struct tree_visitor *visitor)
{
	int err = 0;

	zonal_info_begin(info);
	for (int node = fdt_next_node(fdt, -1, NULL); node >= 0 && !err;
	     node = fdt_next_node(fdt, node, NULL)) {
		if (tree_is_a(fdt, node, "memory"))
			err = read_memory(fdt, node, info, visitor);
		if (tree_is_a(fdt, node, "cpu"))
			err = visitor->cpu(tree_number(fdt, node, "reg", 0) & MPIDR_AFFINITY,
					   (unsigned)tree_number(fdt, node, "numa-node-id", 0));
	}
	return err ? err : read_distances(fdt, info);
}
