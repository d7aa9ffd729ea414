/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that the device tree keeps from the allocator (rows I9, I10).
 *
 * In this order:
 *   1. what the loader itself took (the blob, the image), given by the caller;
 *      the header's reserve map, up to its entry of size 0; the initrd of /chosen;
 *   2. nodes below /reserved-memory with a `reg`, in tree order;
 *   3. of those, the CMA areas: "shared-dma-pool" and `reusable`, not `no-map`;
 *   4. nodes with a `size` only: placed by us, in tree order (topology_place.c).
 *
 * All is widened to whole pages and united: reservations of real boards overlap,
 * nest and lie outside of RAM. A no-map range with a `reg` stays in the memory list, marked:
 * it is present, but neither mapped nor managed; one that we placed is cut out of that
 * list, as 5.10 does. Both are kept in the reserved list with their flag. One that meets an earlier reservation stays
 * mapped (5.10 answers EBUSY), but here all of it stays reserved, where 5.10
 * forgets the part that was not reserved before.
 *
 * A CMA area must be aligned to the largest block, lie in RAM of one node and
 * touch no other reservation; otherwise it is reserved plainly, with a note. 5.10
 * gives a misaligned one back to everybody, which the firmware did not ask for.
 *
 * Cells: those of /reserved-memory itself, or the root's where it has none. 5.10 ignores
 * all reservations when the two differ or when `ranges` is missing; to lose a
 * reservation corrupts memory, so we take them as written and say so. After
 * ZONAL_MAX_RESERVED_NODES nodes 5.10 remembers no more: the rest is reserved by its
 * reg, but is neither placed nor made CMA.
 */
#include "topology_internal.h"

#define CMA_ALIGN (PAGE_SIZE << ZN_MAX(MAX_ORDER - 1, PAGEBLOCK_ORDER))

/* Cells of /reserved-memory, and how many of its nodes were seen. */
struct reserved_pass {
	unsigned addr_cells, size_cells;
	unsigned nodes;
};

/* The first byte after the pages that a span touches. The page below 2^64 has no end
 * that fits; its reservation ends where it can. */
static uint64_t span_last(const struct topology_span *span)
{
	uint64_t end = span->start + ranges_clip(span->start, span->size);
	uint64_t last = align_up(end, PAGE_SIZE);

	return last < end ? UINT64_MAX : last;
}

static int reserve(struct topology *t, const struct topology_span *span, unsigned flags)
{
	uint64_t first = align_down(span->start, PAGE_SIZE);

	if (span->size &&
	    !ranges_unite(t->reserved, first, span_last(span) - first, flags))
		return topology_full(t, span->node, span->prop,
				     "the reserved ranges must fit ZONAL_MAX_RANGES");
	return 0;
}

/* Take a range off the map, unless something is in it that must stay mapped. */
static int reserve_nomap(struct topology *t, const struct topology_span *span, unsigned flags)
{
	uint64_t first = align_down(span->start, PAGE_SIZE);
	bool fits;

	if (ranges_overlap(t->reserved, span->start, span->size)) {
		topology_note_span(t, span, "a no-map range must not meet an earlier reservation; "
				   "it stays mapped");
		return reserve(t, span, flags);
	}
	fits = flags & BOOT_DYNAMIC ?
		       ranges_remove(t->memory, first, span_last(span) - first) :
		       ranges_set_flags(t->memory, first, span_last(span) - first, BOOT_NOMAP);
	ranges_merge(t->memory);
	if (!fits)
		return topology_full(t, span->node, span->prop, RULE_RANGES_FULL);
	return reserve(t, span, flags | BOOT_NOMAP);
}

static bool is_nomap(const struct topology *t, int node)
{
	return topology_prop(t, node, "no-map").at != NULL;
}

static bool is_cma(const struct topology *t, int node)
{
	return !is_nomap(t, node) && topology_prop(t, node, "reusable").at &&
	       topology_compatible(t, node, "shared-dma-pool");
}

/* BOOT_CMA if a range of a CMA node can be one, else 0 and a note. */
static unsigned cma_flag(struct topology *t, const struct topology_span *span)
{
	const char *rule = NULL;

	if ((span->start | span->size) & (CMA_ALIGN - 1))
		rule = "a CMA area must be aligned to 4 MiB; it is only reserved";
	else if (ranges_overlap(t->reserved, span->start, span->size))
		rule = "a CMA area must not meet a reservation; it is only reserved";
	else if (!ranges_hold(t->memory, span->start, span->size))
		rule = "a CMA area must lie in RAM of one node; it is only reserved";
	if (rule)
		topology_note_span(t, span, rule);
	return rule ? 0 : BOOT_CMA;
}

/* ---- 1. the loader, the reserve map, the initrd --------------------------- */

static int reserve_taken(struct topology *t, const struct topology_request *request)
{
	int failed = 0;

	for (unsigned i = 0; !failed && i < request->taken_count; i++) {
		const struct boot_range *taken = &request->taken[i];
		struct topology_span span = { 0, NULL, taken->start, taken->size };

		failed = reserve(t, &span, taken->flags | BOOT_FIRMWARE);
	}
	return failed;
}

static int reserve_map(struct topology *t)
{
	struct topology_span span = { .prop = "(memreserve)" };
	int entries = fdt_num_mem_rsv(t->fdt), failed = 0;

	for (int i = 0; !failed && i < entries; i++) {
		if (fdt_get_mem_rsv(t->fdt, i, &span.start, &span.size) < 0)
			break;
		failed = reserve(t, &span, BOOT_FIRMWARE);
	}
	return failed;
}

/* An address of one or two cells, as wide as the property is. */
static bool chosen_address(struct topology *t, int chosen, const char *name, uint64_t *address)
{
	struct topology_prop prop = topology_prop(t, chosen, name);

	if (!prop.at)
		return false;
	if (prop.bytes != 4 && prop.bytes != 8) {
		topology_note(t, chosen, name, "an address must have 4 or 8 bytes", "%u bytes",
			      prop.bytes);
		return false;
	}
	*address = topology_cells(prop.at, prop.bytes / 4);
	return true;
}

static int reserve_initrd(struct topology *t)
{
	int chosen = fdt_subnode_offset(t->fdt, 0, "chosen");
	struct topology_span span = { .node = chosen, .prop = "linux,initrd-start" };
	uint64_t end;

	if (chosen < 0 || !chosen_address(t, chosen, "linux,initrd-start", &span.start) ||
	    !chosen_address(t, chosen, "linux,initrd-end", &end) || span.start == end)
		return 0;
	if (end < span.start) {
		topology_note(t, chosen, "linux,initrd-end", "an initrd must end after its start",
			      "0x%llx", (unsigned long long)end);
		return 0;
	}
	span.size = end - span.start;
	return reserve(t, &span, BOOT_FIRMWARE);
}

/* ---- 2. and 3. nodes with a reg ------------------------------------------- */

static int reserve_range(struct topology *t, const struct topology_span *span, bool cma)
{
	if (is_nomap(t, span->node))
		return reserve_nomap(t, span, 0);
	return reserve(t, span, cma ? cma_flag(t, span) : 0);
}

static int reserve_reg(struct topology *t, const struct reserved_pass *pass, int node, bool cma)
{
	const unsigned tuple = (pass->addr_cells + pass->size_cells) * 4;
	struct topology_prop reg = topology_prop(t, node, "reg");
	struct topology_span span = { .node = node, .prop = "reg" };
	int failed = 0;

	if (reg.bytes % tuple)
		topology_note(t, node, "reg", "its length must be a multiple of its cells",
			      "%u bytes", reg.bytes);
	for (; !failed && reg.bytes >= tuple; reg.at += tuple, reg.bytes -= tuple) {
		span.start = topology_cells(reg.at, pass->addr_cells);
		span.size = topology_cells(reg.at + pass->addr_cells * 4, pass->size_cells);
		if (span.size)
			failed = reserve_range(t, &span, cma);
		/* Only the first range of a node is its CMA area. */
		cma = false;
	}
	return failed;
}

/* ---- 4. nodes with a size only -------------------------------------------- */

/* `size` or `alignment`: exactly that many cells. */
static bool dynamic_number(struct topology *t, const struct topology_span *span, unsigned cells,
			   uint64_t *value)
{
	struct topology_prop prop = topology_prop(t, span->node, span->prop);

	if (prop.bytes != cells * 4) {
		topology_note(t, span->node, span->prop,
			      "it must have the cells of its parent; not placed", "%u bytes",
			      prop.bytes);
		return false;
	}
	*value = topology_cells(prop.at, cells);
	return true;
}

/* Size and alignment in whole pages; false if the node is not placed. */
static bool dynamic_shape(struct topology *t, const struct reserved_pass *pass, int node,
			  struct topology_want *want)
{
	const struct topology_span size = { .node = node, .prop = "size" };
	const struct topology_span align = { .node = node, .prop = "alignment" };

	want->align = PAGE_SIZE;
	if (!dynamic_number(t, &size, pass->size_cells, &want->size))
		return false;
	if (topology_prop(t, node, "alignment").at &&
	    !dynamic_number(t, &align, pass->addr_cells, &want->align))
		return false;
	if (want->size == 0 || want->size > UINT64_MAX - PAGE_SIZE) {
		topology_note(t, node, "size", "a region must have a size; not placed", "0x%llx",
			      (unsigned long long)want->size);
		return false;
	}
	if (want->align & (want->align - 1)) {
		topology_note(t, node, "alignment", "it must be a power of two; not placed",
			      "0x%llx", (unsigned long long)want->align);
		return false;
	}
	want->size = align_up(want->size, PAGE_SIZE);
	want->align = ZN_MAX(want->align, is_cma(t, node) ? CMA_ALIGN : PAGE_SIZE);
	return true;
}

/* The first of alloc-ranges with room, or all of memory; 0 if there is none. */
static uint64_t dynamic_find(struct topology *t, const struct reserved_pass *pass, int node,
			     struct topology_want *want)
{
	const unsigned tuple = (pass->addr_cells + pass->size_cells) * 4;
	struct topology_prop ranges = topology_prop(t, node, "alloc-ranges");
	uint64_t place = 0;

	want->low = 0;
	want->high = UINT64_MAX;
	if (!ranges.at)
		return topology_place(t, want);
	if (ranges.bytes % tuple) {
		topology_note(t, node, "alloc-ranges",
			      "its length must be a multiple of its cells; not placed", "%u bytes",
			      ranges.bytes);
		return 0;
	}
	for (; !place && ranges.bytes; ranges.at += tuple, ranges.bytes -= tuple) {
		want->low = topology_cells(ranges.at, pass->addr_cells);
		want->high = topology_cells(ranges.at + pass->addr_cells * 4, pass->size_cells);
		want->high = want->low + ranges_clip(want->low, want->high);
		place = topology_place(t, want);
	}
	return place;
}

static int reserve_dynamic(struct topology *t, const struct reserved_pass *pass, int node)
{
	struct topology_span span = { .node = node, .prop = "size" };
	struct topology_want want;

	if (!dynamic_shape(t, pass, node, &want))
		return 0;
	span.size = want.size;
	span.start = dynamic_find(t, pass, node, &want);
	if (!span.start) {
		topology_note(t, node, "size", "there must be free memory for it; not placed",
			      "0x%llx", (unsigned long long)span.size);
		return 0;
	}
	if (is_nomap(t, node))
		return reserve_nomap(t, &span, BOOT_DYNAMIC);
	return reserve(t, &span, BOOT_DYNAMIC | (is_cma(t, node) ? cma_flag(t, &span) : 0));
}

/* ---- the passes ------------------------------------------------------------- */

enum { PASS_PLAIN, PASS_CMA, PASS_DYNAMIC, PASSES };

static int reserved_node(struct topology *t, struct reserved_pass *pass, int node, int which)
{
	bool has_reg = topology_prop(t, node, "reg").at;
	bool remembered, cma;

	if (!topology_available(t, node) || (!has_reg && !topology_prop(t, node, "size").at))
		return 0;
	remembered = pass->nodes++ < ZONAL_MAX_RESERVED_NODES;
	cma = remembered && is_cma(t, node);
	if (!remembered && which == PASS_PLAIN && (!has_reg || is_cma(t, node)))
		topology_note(t, node, NULL,
			      "regions after ZONAL_MAX_RESERVED_NODES are not placed, nor CMA",
			      "region %u", pass->nodes);
	if (has_reg && which == (cma ? PASS_CMA : PASS_PLAIN))
		return reserve_reg(t, pass, node, cma);
	if (!has_reg && remembered && which == PASS_DYNAMIC)
		return reserve_dynamic(t, pass, node);
	return 0;
}

static int reserved_cells(struct topology *t, int parent, struct reserved_pass *pass)
{
	int failed = topology_cell_count(t, parent, "#address-cells", t->addr_cells,
					 &pass->addr_cells);

	if (!failed)
		failed = topology_cell_count(t, parent, "#size-cells", t->size_cells,
					     &pass->size_cells);
	if (!failed && (pass->addr_cells != t->addr_cells || pass->size_cells != t->size_cells))
		topology_note(t, parent, "#address-cells",
			      "cells must be the root's; they are taken as written", "%u and %u",
			      pass->addr_cells, pass->size_cells);
	return failed;
}

int topology_read_reserved(struct topology *t, const struct topology_request *request)
{
	int parent = fdt_subnode_offset(t->fdt, 0, "reserved-memory"), node, failed;
	struct reserved_pass pass = { 0 };

	failed = reserve_taken(t, request);
	if (!failed)
		failed = reserve_map(t);
	if (!failed)
		failed = reserve_initrd(t);
	if (failed || parent < 0)
		return failed;
	failed = reserved_cells(t, parent, &pass);
	for (int which = PASS_PLAIN; !failed && which < PASSES; which++) {
		pass.nodes = 0;
		topology_for_each_child(t, node, parent) {
			failed = reserved_node(t, &pass, node, which);
			if (failed)
				break;
		}
	}
	return failed;
}
