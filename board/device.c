/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions that drivers ask of the device tree.
 *
 * The tree has passed the strict walker (board/fdt_walk.c) before anything
 * here runs, so libfdt's read-only half is safe on it with one exception: a path
 * that begins with an alias. libfdt 1.6.1 follows a circular alias until the
 * stack is gone. Hence no path is given to libfdt (fdt_find.c walks them); an alias is
 * one bounded look-up of our own in /aliases, not repeated.
 *
 * Addresses. `reg` holds addresses of the bus that the node hangs on. Each bus up
 * to the root translates them by `ranges`: empty means unchanged, absent means
 * that the CPU cannot reach the bus, else the entry that holds the whole
 * register range moves it. The walk up ends at the root; the walker has bounded
 * the depth to 32.
 *
 * Interrupts. The parent is the nearest `interrupt-parent` at or above the node.
 * It must be a GIC: 3 cells (or more, the rest ignored): type 0 SPI, 1 PPI; number; flags, of
 * which bits 0-3 are the trigger (1, 2 edge; 4, 8 level). Or the local controller of a BCM2836: 2
 * cells, number and flags; numbers 0 to 3 are timers, which its driver shows as PPIs from 16 on.
 *
 * A node is usable if `status` is absent, "okay" or "ok". Boot, one CPU; later
 * reads are of constant data.
 */
#include "device.h"

#include <libfdt.h>
#include <string.h>

#include "fdt_find.h"
#include "fdt_walk.h"
#include "lib/assert.h"

#define GIC_CELLS 3
#define LOCAL_CELLS 2
#define LOCAL_TIMERS 4u
#define GIC_FIRST_PPI 16u
#define GIC_FIRST_SPI 32u

static const void *tree;

void device_tree_set(const void *fdt) { tree = fdt; }
const void *device_tree(void) { return tree; }

const char *device_string(int node, const char *property)
{
	int length;
	const char *text = fdt_getprop(tree, node, property, &length);

	if (!text || length < 1 || strnlen(text, (size_t)length) == (size_t)length)
		return NULL;
	return text;
}

/* `cells` cells from cell `at` of a property, as one number; the caller checked the length. */
static uint64_t cells_read(const void *property, unsigned at, unsigned cells)
{
	return fdt_walk_load((const unsigned char *)property + at * 4, cells * 4);
}

bool device_u32(int node, const char *property, uint32_t *value)
{
	int length;
	const void *data = fdt_getprop(tree, node, property, &length);

	if (!data || length != 4)
		return false;
	*value = (uint32_t)cells_read(data, 0, 1);
	return true;
}

bool device_u64(int node, const char *property, uint64_t *value)
{
	int length;
	const void *data = fdt_getprop(tree, node, property, &length);

	if (!data || (length != 4 && length != 8))
		return false;
	*value = cells_read(data, 0, (unsigned)length / 4);
	return true;
}

bool device_is(int node, const char *compatible)
{
	return fdt_node_check_compatible(tree, node, compatible) == 0 && fdt_node_okay(tree, node);
}

int device_find(const char *compatible, int after)
{
	int node;

	ASSERT(tree, "no tree to look for %s in", compatible);
	node = fdt_node_offset_by_compatible(tree, after, compatible);

	while (node >= 0 && !fdt_node_okay(tree, node))
		node = fdt_node_offset_by_compatible(tree, node, compatible);
	return node;
}

/* Cells of an address and of a size below `bus`; only one or two of each are understood. */
static bool bus_cells(int bus, unsigned *address_cells, unsigned *size_cells)
{
	int address = fdt_address_cells(tree, bus);
	int size = fdt_size_cells(tree, bus);

	if (address < 1 || address > 2 || size < 1 || size > 2)
		return false;
	*address_cells = (unsigned)address;
	*size_cells = (unsigned)size;
	return true;
}

/* One step up: from an address below `bus` to one on the parent of `bus`. */
static bool bus_translate(int bus, int parent, struct device_range *range)
{
	unsigned child_cells, size_cells, parent_cells, unused;
	int length;
	const void *ranges = fdt_getprop(tree, bus, "ranges", &length);

	if (!ranges)
		return false;
	if (!length)
		return true;
	if (!bus_cells(bus, &child_cells, &size_cells) ||
	    !bus_cells(parent, &parent_cells, &unused))
		return false;

	unsigned step = child_cells + parent_cells + size_cells;

	for (unsigned at = 0; at + step <= (unsigned)length / 4; at += step) {
		uint64_t from = cells_read(ranges, at, child_cells);
		uint64_t to = cells_read(ranges, at + child_cells, parent_cells);
		uint64_t bytes = cells_read(ranges, at + child_cells + parent_cells, size_cells);

		if (range->phys < from || range->phys - from >= bytes ||
		    range->bytes > bytes - (range->phys - from))
			continue;
		return !__builtin_add_overflow(to, range->phys - from, &range->phys);
	}
	return false;
}

bool device_reg(int node, unsigned index, struct device_range *range)
{
	unsigned address_cells, size_cells;
	int bus = fdt_parent_offset(tree, node);
	int length;
	const void *reg = fdt_getprop(tree, node, "reg", &length);
	uint64_t end;

	if (!reg || bus < 0 || !bus_cells(bus, &address_cells, &size_cells))
		return false;
	if ((index + 1) * (address_cells + size_cells) > (unsigned)length / 4)
		return false;
	range->phys = cells_read(reg, index * (address_cells + size_cells), address_cells);
	range->bytes = cells_read(reg, index * (address_cells + size_cells) + address_cells,
				  size_cells);
	for (int parent = fdt_parent_offset(tree, bus); parent >= 0;
	     bus = parent, parent = fdt_parent_offset(tree, bus)) {
		if (!bus_translate(bus, parent, range))
			return false;
	}
	return range->bytes && !__builtin_add_overflow(range->phys, range->bytes, &end);
}

/* The controller that a plain `interrupts` of this node goes to. */
static int interrupt_parent(int node)
{
	uint32_t phandle;

	for (; node >= 0; node = fdt_parent_offset(tree, node)) {
		if (device_u32(node, "interrupt-parent", &phandle))
			return fdt_node_offset_by_phandle(tree, phandle);
	}
	return -FDT_ERR_NOTFOUND;
}

/* Number of cells of an interrupt of `controller`; 0 if it is none that is known here. */
static unsigned irq_cells(int controller)
{
	uint32_t cells;

	if (controller < 0 || !fdt_getprop(tree, controller, "interrupt-controller", NULL) ||
	    !device_u32(controller, "#interrupt-cells", &cells) || cells > 8)
		return 0;
	if (cells == LOCAL_CELLS && device_is(controller, "brcm,bcm2836-l1-intc"))
		return cells;
	return cells < GIC_CELLS ? 0 : cells;
}

static bool local_interrupt(const void *property, unsigned at, struct device_irq *irq)
{
	uint64_t number = cells_read(property, at, 1);

	if (number >= LOCAL_TIMERS)
		return false;
	*irq = (struct device_irq){ .intid = (unsigned)number + GIC_FIRST_PPI };
	return true;
}

static bool gic_interrupt(const void *property, unsigned at, struct device_irq *irq)
{
	uint64_t type = cells_read(property, at, 1);
	uint64_t number = cells_read(property, at + 1, 1);
	uint64_t flags = cells_read(property, at + 2, 1);

	if (type > 1 || number >= (type ? 16 : 988))
		return false;
	DASSERT(number < 988, "interrupt %llu", (unsigned long long)number);
	irq->intid = (unsigned)number + (type ? GIC_FIRST_PPI : GIC_FIRST_SPI);
	irq->edge = (flags & 3) != 0;
	return true;
}

static bool read_interrupt(const void *property, unsigned at, unsigned cells,
			   struct device_irq *irq)
{
	return cells == LOCAL_CELLS ? local_interrupt(property, at, irq) :
				      gic_interrupt(property, at, irq);
}

/* Entries of interrupts-extended are as long as each one's controller says. */
static bool irq_extended(int node, unsigned index, struct device_irq *irq)
{
	int length;
	const void *list = fdt_getprop(tree, node, "interrupts-extended", &length);
	unsigned at = 0;

	while (list && at < (unsigned)length / 4) {
		int controller = fdt_node_offset_by_phandle(tree,
							    (uint32_t)cells_read(list, at, 1));
		unsigned cells = irq_cells(controller);

		if (!cells || at + 1 + cells > (unsigned)length / 4)
			return false;
		if (!index--)
			return read_interrupt(list, at + 1, cells, irq);
		at += 1 + cells;
	}
	return false;
}

bool device_irq(int node, unsigned index, struct device_irq *irq)
{
	int length;
	const void *list = fdt_getprop(tree, node, "interrupts", &length);
	unsigned cells;

	if (fdt_getprop(tree, node, "interrupts-extended", NULL))
		return irq_extended(node, index, irq);
	cells = irq_cells(interrupt_parent(node));
	if (!list || !cells || (index + 1) * cells > (unsigned)length / 4)
		return false;
	return read_interrupt(list, index * cells, cells, irq);
}

bool device_irq_named(int node, const char *name, struct device_irq *irq)
{
	int index = fdt_stringlist_search(tree, node, "interrupt-names", name);

	return index >= 0 && device_irq(node, (unsigned)index, irq);
}

bool device_dma_coherent(int node)
{
	for (; node >= 0; node = fdt_parent_offset(tree, node)) {
		if (fdt_getprop(tree, node, "dma-coherent", NULL))
			return true;
	}
	return false;
}

bool device_dma_limited(int node)
{
	int length;

	for (node = fdt_parent_offset(tree, node); node >= 0;
	     node = fdt_parent_offset(tree, node)) {
		if (fdt_getprop(tree, node, "dma-ranges", &length) && length > 0)
			return true;
	}
	return false;
}

int device_chosen(void) { return fdt_find_child(tree, 0, "chosen"); }

const char *device_bootargs(size_t *bytes)
{
	int length = 0;
	const char *text = fdt_getprop(tree, device_chosen(), "bootargs", &length);

	*bytes = text ? (size_t)length : 0;
	return text;
}

static int alias_node(const char *alias, size_t length)
{
	int aliases = fdt_find_child(tree, 0, "aliases");
	int path_bytes;
	const char *path;

	if (aliases < 0)
		return aliases;
	path = fdt_getprop_namelen(tree, aliases, alias, (int)length, &path_bytes);
	if (!path || path_bytes < 1)
		return -FDT_ERR_NOTFOUND;
	return fdt_find_path(tree, path, strnlen(path, (size_t)path_bytes));
}

int device_stdout(void)
{
	const char *path = device_string(device_chosen(), "stdout-path");
	const char *colon;
	size_t length;

	if (!path)
		path = device_string(device_chosen(), "linux,stdout-path");
	if (!path)
		return -FDT_ERR_NOTFOUND;
	/* What follows a ':' are settings of the line, such as 115200n8. */
	colon = strchr(path, ':');
	length = colon ? (size_t)(colon - path) : strlen(path);
	return path[0] == '/' ? fdt_find_path(tree, path, length) : alias_node(path, length);
}
