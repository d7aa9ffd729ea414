/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The highest address that every DMA master reaches (row I16).
 *
 * A bus with a non-empty `dma-ranges` says which addresses of its parent its
 * children can reach. The limit of such a bus is the end of its highest range, as
 * the CPUs see it; the limit of the board is the lowest limit of all its
 * buses that are not disabled. Without any, there is no limit.
 *
 * An entry is (child address, parent address, size), in the bus's own address
 * cells, its parent's address cells and the bus's own size cells; cells that a node
 * does not name are its parent's. The parent address is then taken through the
 * dma-ranges of each bus above: an absent or empty one maps one to one, and an
 * entry that no range of a bus above holds leads nowhere and does not count.
 *
 * One walk in tree order, with the open buses on a stack of fixed depth (the
 * strict reader refused deeper trees); a disabled node takes its whole subtree with
 * it. More than DMA_MAX_RANGES ranges of one bus are not read, so that a hostile tree
 * cannot make the translation take long.
 */
#include "topology_internal.h"

#include "fdt_walk.h"
#include "lib/assert.h"

#define DMA_MAX_RANGES 64
#define DMA_MAX_CELLS 4

struct dma_bus {
	unsigned addr_cells, size_cells; /* for the addresses of its children */
	struct topology_prop ranges;
};

struct dma_walk {
	struct topology *t;
	struct dma_bus bus[FDT_WALK_MAX_DEPTH]; /* bus[0] is the root */
};

struct dma_entry {
	uint64_t child, parent, size;
};

/* PCI addresses have three cells, of which the upper one is no part of the number. */
static uint64_t dma_cells(const uint8_t *at, unsigned cells)
{
	unsigned skip = cells > 2 ? cells - 2 : 0;

	return topology_cells(at + skip * 4, cells - skip);
}

static unsigned dma_parent_cells(const struct dma_walk *w, int depth)
{
	return w->bus[depth ? depth - 1 : 0].addr_cells;
}

static unsigned dma_entry_count(const struct dma_walk *w, int depth)
{
	const struct dma_bus *bus = &w->bus[depth];
	unsigned cells = bus->addr_cells + dma_parent_cells(w, depth) + bus->size_cells;

	return cells ? bus->ranges.bytes / (cells * 4) : 0;
}

static struct dma_entry dma_entry(const struct dma_walk *w, int depth, unsigned index)
{
	const struct dma_bus *bus = &w->bus[depth];
	unsigned parent_cells = dma_parent_cells(w, depth);
	unsigned bytes = (bus->addr_cells + parent_cells + bus->size_cells) * 4;

	ASSERT((index + 1) * bytes <= bus->ranges.bytes, "entry %u of %u bytes", index,
	       bus->ranges.bytes);
	const uint8_t *at = bus->ranges.at + index * bytes;
	struct dma_entry entry;

	entry.child = dma_cells(at, bus->addr_cells);
	at += bus->addr_cells * 4;
	entry.parent = dma_cells(at, parent_cells);
	entry.size = dma_cells(at + parent_cells * 4, bus->size_cells);
	return entry;
}

/* An address on the bus at `depth` as the bus above sees it. */
static bool dma_up(const struct dma_walk *w, int depth, uint64_t *address)
{
	unsigned count = dma_entry_count(w, depth);

	if (w->bus[depth].ranges.bytes == 0)
		return true;
	for (unsigned i = 0; i < count; i++) {
		struct dma_entry entry = dma_entry(w, depth, i);

		if (*address >= entry.child && *address - entry.child < entry.size) {
			*address = *address - entry.child + entry.parent;
			return true;
		}
	}
	return false;
}

/* The last address that the children of the bus at `depth` reach; 0 if it says nothing usable. */
static uint64_t dma_bus_limit(const struct dma_walk *w, int depth)
{
	unsigned count = dma_entry_count(w, depth);
	uint64_t limit = 0;

	for (unsigned i = 0; i < count; i++) {
		struct dma_entry entry = dma_entry(w, depth, i);
		uint64_t last = entry.size - 1;
		bool reaches = entry.size != 0;

		for (int d = depth - 1; reaches && d >= 0; d--)
			reaches = dma_up(w, d, &entry.parent);
		/* A range that passes 2^64 reaches everything. */
		if (reaches && last > UINT64_MAX - entry.parent)
			limit = UINT64_MAX;
		else if (reaches)
			limit = ZN_MAX(limit, entry.parent + last);
	}
	return limit;
}

static unsigned dma_cell_count(const struct dma_walk *w, int node, const char *name,
			       unsigned fallback)
{
	uint32_t value = fallback;

	if (topology_u32(w->t, node, name, &value) != U32_OK || value > DMA_MAX_CELLS)
		return fallback;
	return value;
}

static void dma_visit(struct dma_walk *w, int node, int depth)
{
	const struct dma_bus *above = depth ? &w->bus[depth - 1] : NULL;
	struct dma_bus *bus = &w->bus[depth];
	unsigned bytes;
	uint64_t limit;

	ASSERT(depth >= 0 && depth < FDT_WALK_MAX_DEPTH, "depth %d", depth);
	bus->addr_cells = dma_cell_count(w, node, "#address-cells", above ? above->addr_cells : 1);
	bus->size_cells = dma_cell_count(w, node, "#size-cells", above ? above->size_cells : 1);
	bus->ranges = topology_prop(w->t, node, "dma-ranges");
	if (bus->ranges.bytes == 0)
		return;
	bytes = (bus->addr_cells + dma_parent_cells(w, depth) + bus->size_cells) * 4;
	if (bus->ranges.bytes % bytes)
		topology_note(w->t, node, "dma-ranges",
			      "its length must be a multiple of its cells", "%u bytes",
			      bus->ranges.bytes);
	if (bus->ranges.bytes / bytes > DMA_MAX_RANGES) {
		topology_note(w->t, node, "dma-ranges", "only the first 64 ranges are read",
			      "%u ranges", bus->ranges.bytes / bytes);
		bus->ranges.bytes = DMA_MAX_RANGES * bytes;
	}
	limit = dma_bus_limit(w, depth);
	if (limit)
		w->t->info->dma_max = ZN_MIN(w->t->info->dma_max, limit);
}

void topology_read_dma(struct topology *t)
{
	struct dma_walk w = { .t = t };
	int depth = 0, skip = FDT_WALK_MAX_DEPTH;

	t->info->dma_max = UINT64_MAX;
	for (int node = 0; node >= 0 && depth >= 0; node = fdt_next_node(t->fdt, node, &depth)) {
		if (depth > skip)
			continue; /* below a disabled node */
		skip = FDT_WALK_MAX_DEPTH;
		if (depth && !topology_available(t, node))
			skip = depth;
		else
			dma_visit(&w, node, depth);
	}
}
