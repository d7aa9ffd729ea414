/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that the device tree keeps from the allocator (rows I9, I10).
 *
 * In this order:
 *   1. what the loader itself took (the blob, the image), given by the caller; what
 *      firmware keeps by its own map (UEFI), the larger part of it off the map;
 *      the header's reserve map, up to its entry of size 0; the initrd of /chosen;
 *   2. nodes below /reserved-memory with a `reg`, in tree order;
 *   3. of those, the CMA areas: "shared-dma-pool" and `reusable`, not `no-map`;
 *   4. nodes with a `size` only: placed by us (topology_dynamic.c).
 *
 * All is widened to whole pages and united: reservations of real boards overlap,
 * nest and lie outside of RAM. A no-map range with a `reg` stays in the memory list, marked:
 * it is present, but neither mapped nor managed; one that we placed is cut out of that
 * list, as 5.10 does. Both are kept in the reserved list with their flag.
 *
 * A no-map range that meets RAM which is reserved otherwise stays mapped (5.10 answers
 * EBUSY), but here all of it stays reserved, where 5.10 forgets the part that was not
 * reserved before. No-map ranges may meet each other, and need no mark twice. To tell the two
 * apart, what is reserved in 5.10's sense carries KEPT while the list is in the making.
 *
 * A CMA area must be aligned to the largest block, lie in RAM of one node and
 * touch no other reservation; otherwise it is reserved plainly, with a note. 5.10
 * gives a misaligned one back to everybody, which the firmware did not ask for. Areas
 * that lie side by side stay two entries: each is handed over for itself. The area
 * that is the default (linux,cma-default) gives way to cma=, as in 5.10: it is kept free
 * until all others are placed (it carries REPLACED until then) and then is plain memory.
 *
 * Cells: those of /reserved-memory itself, or the root's where it has none. 5.10 ignores
 * all reservations when the two differ or when `ranges` is missing; to lose a
 * reservation corrupts memory, so we take them as written and say so. After
 * ZONAL_MAX_RESERVED_NODES nodes 5.10 remembers no more: the rest is reserved by its
 * reg, but is neither placed nor made CMA.
 */
#include "topology_internal.h"

#include "lib/assert.h"

#define RULE_REGIONS "regions after ZONAL_MAX_RESERVED_NODES are not placed, nor CMA"

/* Flags of the reserved list that only this file sees, see above. */
#define KEPT 0x4000u
#define REPLACED 0x8000u

/* The first byte after the pages that a span touches. The page below 2^64 has no end
 * that fits; its reservation ends where it can. */
static uint64_t span_last(const struct topology_span *span)
{
	uint64_t end = span->start + ranges_clip(span->start, span->size);
	uint64_t last = align_up(end, PAGE_SIZE);

	return last < end ? UINT64_MAX : last;
}

/* The pages that a span touches. */
static struct topology_span span_pages(const struct topology_span *span)
{
	struct topology_span pages = *span;

	pages.start = align_down(span->start, PAGE_SIZE);
	pages.size = span_last(span) - pages.start;
	return pages;
}

void topology_reserve(struct topology *t, const struct topology_span *span, unsigned flags)
{
	struct topology_span pages = span_pages(span);

	if (span->size)
		topology_unite(t, &pages, flags);
}

/* Take a range off the map, unless something is in it that must stay mapped. */
static void reserve_nomap(struct topology *t, const struct topology_span *span)
{
	struct topology_span pages = span_pages(span);

	if (ranges_meet(t->reserved, span->start, span->size, KEPT) &&
	    ranges_overlap(t->memory, span->start, span->size)) {
		if (ranges_covered(t->memory, pages.start, pages.size, BOOT_NOMAP))
			return;
		topology_note_span(t, span, "a no-map range must not meet an earlier reservation; "
				   "it stays mapped");
		topology_reserve(t, span, 0);
		return;
	}
	topology_set_flags(t, &pages, BOOT_NOMAP);
	ranges_merge(t->memory);
	topology_reserve(t, span, BOOT_NOMAP);
}

static bool is_nomap(const struct topology *t, int node)
{
	return topology_prop(t, node, "no-map").at != NULL;
}

bool topology_is_cma(const struct topology *t, int node)
{
	return !is_nomap(t, node) && topology_prop(t, node, "reusable").at &&
	       topology_compatible(t, node, "shared-dma-pool");
}

bool topology_cma_replaced(const struct topology *t, int node)
{
	return t->args && t->args->cma_given && topology_is_cma(t, node) &&
	       topology_prop(t, node, "linux,cma-default").at;
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

/* A region that we have placed, where nothing was reserved. */
void topology_reserve_placed(struct topology *t, const struct topology_span *span)
{
	unsigned flags = BOOT_DYNAMIC;

	ASSERT(!((span->start | span->size) & (PAGE_SIZE - 1)), "0x%llx + 0x%llx",
	       (unsigned long long)span->start, (unsigned long long)span->size);
	if (is_nomap(t, span->node)) {
		flags |= BOOT_NOMAP;
		topology_remove(t, span);
	} else if (topology_is_cma(t, span->node)) {
		flags |= cma_flag(t, span);
	}
	topology_reserve(t, span, flags | KEPT);
}

/* ---- 1. the loader, the reserve map, the initrd --------------------------- */

static void reserve_taken(struct topology *t)
{
	for (unsigned i = 0; i < t->request->taken_count; i++) {
		const struct boot_range *taken = &t->request->taken[i];
		struct topology_span span = { 0, NULL, taken->start, taken->size };

		topology_reserve(t, &span, taken->flags | BOOT_FIRMWARE | KEPT);
	}
}

/* A range of firmware's that the blob is in stays mapped, by the rule for all no-map ranges. */
static void reserve_firmware(struct topology *t)
{
	const struct handover *from;

	if (!topology_firmware_map(t, &from))
		return;
	for (unsigned i = 0; i < from->range_count; i++) {
		const struct firmware_range *r = &from->range[i];
		struct topology_span span = { 0, "(EFI memory map)", r->start, r->size };

		if (r->kind == FIRMWARE_KEPT)
			topology_reserve(t, &span, BOOT_FIRMWARE | KEPT);
		else if (r->kind != FIRMWARE_FREE)
			reserve_nomap(t, &span);
	}
}

static void reserve_map(struct topology *t)
{
	struct topology_span span = { .prop = "(memreserve)" };
	int entries = fdt_num_mem_rsv(t->fdt);

	for (int i = 0; i < entries; i++) {
		if (fdt_get_mem_rsv(t->fdt, i, &span.start, &span.size) < 0)
			break;
		topology_reserve(t, &span, BOOT_FIRMWARE | KEPT);
	}
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

static void reserve_initrd(struct topology *t)
{
	int chosen = fdt_find_child(t->fdt, 0, "chosen");
	struct topology_span span = { .node = chosen, .prop = "linux,initrd-start" };
	uint64_t end;

	if (chosen < 0 || !chosen_address(t, chosen, "linux,initrd-start", &span.start) ||
	    !chosen_address(t, chosen, "linux,initrd-end", &end) || span.start == end)
		return;
	if (end < span.start) {
		topology_note(t, chosen, "linux,initrd-end", "an initrd must end after its start",
			      "0x%llx", (unsigned long long)end);
		return;
	}
	span.size = end - span.start;
	topology_reserve(t, &span, BOOT_FIRMWARE | KEPT);
}

/* ---- 2. and 3. nodes with a reg ------------------------------------------- */

/* What becomes of the ranges of a node. */
enum kind { KIND_PLAIN, KIND_CMA, KIND_REPLACED };

static void reserve_range(struct topology *t, const struct topology_span *span, enum kind kind)
{
	if (is_nomap(t, span->node))
		reserve_nomap(t, span);
	else if (kind == KIND_REPLACED)
		topology_reserve(t, span, REPLACED);
	else
		topology_reserve(t, span, KEPT | (kind == KIND_CMA ? cma_flag(t, span) : 0));
}

static void reserve_reg(struct topology *t, const struct reserved_pass *pass, int node,
		       enum kind kind)
{
	const unsigned tuple = (pass->addr_cells + pass->size_cells) * 4;
	struct topology_prop reg = topology_prop(t, node, "reg");
	struct topology_span span = { .node = node, .prop = "reg" };

	if (reg.bytes % tuple)
		topology_note(t, node, "reg", "its length must be a multiple of its cells",
			      "%u bytes", reg.bytes);
	for (; reg.bytes >= tuple; reg.at += tuple, reg.bytes -= tuple) {
		span.start = topology_cells(reg.at, pass->addr_cells);
		span.size = topology_cells(reg.at + pass->addr_cells * 4, pass->size_cells);
		if (span.size)
			reserve_range(t, &span, kind);
		/* Only the first range of a node is its CMA area. */
		kind = KIND_PLAIN;
	}
}

/* Remember a node as 5.10 does: by the first range of a sound reg, or as one to be placed. */
static bool remember(struct topology *t, struct reserved_pass *pass, int node)
{
	const unsigned tuple = (pass->addr_cells + pass->size_cells) * 4;
	struct topology_prop reg = topology_prop(t, node, "reg");
	struct topology_region region = { .node = node };

	if (reg.at && (reg.bytes == 0 || reg.bytes % tuple))
		return false;
	if (pass->count == ZONAL_MAX_RESERVED_NODES) {
		if (!reg.at || topology_is_cma(t, node))
			topology_note(t, node, NULL, RULE_REGIONS, "region %u", pass->count + 1);
		return false;
	}
	if (reg.at) {
		region.base = topology_cells(reg.at, pass->addr_cells);
		region.size = topology_cells(reg.at + pass->addr_cells * 4, pass->size_cells);
	}
	pass->region[pass->count++] = region;
	return true;
}

static void reserve_node(struct topology *t, struct reserved_pass *pass, int node)
{
	bool has_reg = topology_prop(t, node, "reg").at, remembered;

	if (!topology_available(t, node) || (!has_reg && !topology_prop(t, node, "size").at))
		return;
	remembered = remember(t, pass, node);
	if (has_reg && !(remembered && topology_is_cma(t, node)))
		reserve_reg(t, pass, node, KIND_PLAIN);
}

static void reserve_cma_areas(struct topology *t, const struct reserved_pass *pass)
{
	for (unsigned i = 0; i < pass->count; i++) {
		int node = pass->region[i].node;
		enum kind kind = KIND_CMA;

		if (!topology_prop(t, node, "reg").at || !topology_is_cma(t, node))
			continue;
		if (topology_cma_replaced(t, node)) {
			kind = KIND_REPLACED;
			topology_note(t, node, "linux,cma-default", RULE_CMA_REPLACED,
				      "not reserved");
		}
		reserve_reg(t, pass, node, kind);
	}
}

/* ---- all ---------------------------------------------------------------------- */

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

static int reserve_nodes(struct topology *t, int parent)
{
	struct reserved_pass pass = { .count = 0 };
	int failed = reserved_cells(t, parent, &pass), node;

	if (failed)
		return failed;
	topology_for_each_child(t, node, parent)
		reserve_node(t, &pass, node);
	reserve_cma_areas(t, &pass);
	topology_read_dynamic(t, &pass);
	return 0;
}

int topology_read_reserved(struct topology *t)
{
	int parent = fdt_find_child(t->fdt, 0, "reserved-memory"), failed = 0;

	reserve_taken(t);
	reserve_firmware(t);
	reserve_map(t);
	reserve_initrd(t);
	if (parent >= 0)
		failed = reserve_nodes(t, parent);
	ranges_drop(t->reserved, REPLACED);
	for (unsigned i = 0; i < *t->reserved.count; i++)
		t->reserved.range[i].flags &= (uint16_t)~(KEPT | REPLACED);
	ranges_merge(t->reserved);
	return failed;
}
