/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reserved regions that have a size and no address: we place them (row I10).
 *
 * They come after everything that has an address, in the order of 5.10's sort
 * (topology_order.c), each at the highest free place that its alignment and its
 * alloc-ranges allow (topology_place.c). A CMA area is aligned to the largest block.
 *
 * A deviation, only where 5.10 leaves a region without a place: then they are placed once
 * more, those with the least room to choose from first, and if more of them fit that way,
 * that is what counts. Two regions that both fit then fit in whatever order the tree
 * names them.
 *
 * So this goes in three steps. Each shape is checked, with a note for one that cannot be
 * placed. Then attempts are made on the reserved list alone, where all that is placed
 * carries BOOT_DYNAMIC and nothing else and so can be taken back. Then the chosen attempt
 * is carried out: no-map regions leave the memory list, CMA areas get their flag.
 *
 * A default CMA area that cma= replaces is not placed at all: 5.10 places it and gives it
 * back before it places the next one.
 */
#include "topology_internal.h"

#include "lib/assert.h"

/* Where each region goes, by its index; 0: nowhere. */
struct attempt {
	uint64_t place[ZONAL_MAX_RESERVED_NODES];
	unsigned placed;
};

/* `size` or `alignment`: exactly that many cells. */
static bool dynamic_number(const struct topology *t, const struct topology_span *at, unsigned cells,
			   uint64_t *value)
{
	struct topology_prop prop = topology_prop(t, at->node, at->prop);

	*value = prop.bytes;
	if (prop.bytes != cells * 4)
		return false;
	*value = topology_cells(prop.at, cells);
	return true;
}

/* Size and alignment in whole pages. NULL, or the rule that is broken, with the property
 * and its value in *blame. */
static const char *dynamic_shape(const struct topology *t, const struct reserved_pass *pass,
				 struct topology_span *blame, struct topology_want *want)
{
	want->align = PAGE_SIZE;
	blame->prop = "size";
	blame->size = 0;
	if (!dynamic_number(t, blame, pass->size_cells, &blame->start))
		return "its bytes must be the cells of its parent; not placed";
	want->size = blame->start;
	if (want->size == 0 || want->size > UINT64_MAX - PAGE_SIZE)
		return "a region must have a size; not placed";
	blame->prop = "alignment";
	if (topology_prop(t, blame->node, "alignment").at &&
	    !dynamic_number(t, blame, pass->addr_cells, &blame->start))
		return "its bytes must be the cells of its parent; not placed";
	if (topology_prop(t, blame->node, "alignment").at)
		want->align = blame->start;
	if (want->align & (want->align - 1))
		return "it must be a power of two; not placed";
	want->size = align_up(want->size, PAGE_SIZE);
	want->align = ZN_MAX(want->align, topology_is_cma(t, blame->node) ? CMA_ALIGN : PAGE_SIZE);
	return NULL;
}

/* The same for a region that has passed. */
static struct topology_want dynamic_want(const struct topology *t,
					 const struct reserved_pass *pass, unsigned i)
{
	struct topology_span at = { .node = pass->region[i].node };
	struct topology_want want;
	const char *broken = dynamic_shape(t, pass, &at, &want);

	ASSERT(!broken, "region %u: %s", i, broken);
	return want;
}

/* Entry `index` of alloc-ranges, as [*low, *high); false behind the last. */
static bool dynamic_bounds(const struct topology *t, const struct reserved_pass *pass, int node,
			   unsigned index, struct topology_want *want)
{
	const unsigned tuple = (pass->addr_cells + pass->size_cells) * 4;
	struct topology_prop ranges = topology_prop(t, node, "alloc-ranges");
	const uint8_t *at = ranges.at + index * tuple;

	if (ranges.bytes / tuple <= index)
		return false;
	want->low = topology_cells(at, pass->addr_cells);
	want->high = topology_cells(at + pass->addr_cells * 4, pass->size_cells);
	want->high = want->low + ranges_clip(want->low, want->high);
	return true;
}

/* The first of alloc-ranges with room, or all of memory; 0 if there is none. */
static uint64_t dynamic_find(const struct topology *t, const struct reserved_pass *pass,
			     unsigned i)
{
	const int node = pass->region[i].node;
	struct topology_want want = dynamic_want(t, pass, i);
	uint64_t place = 0;

	want.low = 0;
	want.high = UINT64_MAX;
	if (!topology_prop(t, node, "alloc-ranges").at)
		return topology_place(t, &want);
	for (unsigned r = 0; !place && dynamic_bounds(t, pass, node, r, &want); r++)
		place = topology_place(t, &want);
	return place;
}

/* How much more than its size a region can choose from. */
static uint64_t dynamic_slack(const struct topology *t, const struct reserved_pass *pass,
			      unsigned i)
{
	struct topology_want want = dynamic_want(t, pass, i);
	uint64_t room = 0;

	if (!topology_prop(t, pass->region[i].node, "alloc-ranges").at)
		return UINT64_MAX;
	for (unsigned r = 0; dynamic_bounds(t, pass, pass->region[i].node, r, &want); r++)
		room += ZN_MIN(want.high - want.low, UINT64_MAX - room);
	return room - ZN_MIN(want.size, room);
}

/* ---- which regions are placed ----------------------------------------------- */

/* Whether region `i` is to be placed; a note says why one that asks for it is not. */
static bool dynamic_wanted(struct topology *t, const struct reserved_pass *pass, unsigned i)
{
	const unsigned tuple = (pass->addr_cells + pass->size_cells) * 4;
	struct topology_span at = { .node = pass->region[i].node };
	struct topology_want want;
	const char *broken;
	unsigned bytes;

	if (pass->region[i].size || !topology_prop(t, at.node, "size").at)
		return false;
	if (topology_cma_replaced(t, at.node)) {
		topology_note(t, at.node, "linux,cma-default", RULE_CMA_REPLACED, "not placed");
		return false;
	}
	broken = dynamic_shape(t, pass, &at, &want);
	if (broken)
		topology_note(t, at.node, at.prop, broken, "0x%llx", (unsigned long long)at.start);
	bytes = topology_prop(t, at.node, "alloc-ranges").bytes;
	if (!broken && bytes % tuple) {
		broken = "its length must be a multiple of its cells; not placed";
		topology_note(t, at.node, "alloc-ranges", broken, "%u bytes", bytes);
	}
	return !broken;
}

/* Of order[], those to be placed, in the same order; returns how many. */
static unsigned dynamic_select(struct topology *t, const struct reserved_pass *pass,
			       uint8_t order[ZONAL_MAX_RESERVED_NODES])
{
	bool wanted[ZONAL_MAX_RESERVED_NODES];
	unsigned count = 0;

	for (unsigned i = 0; i < pass->count; i++)
		wanted[i] = dynamic_wanted(t, pass, i);
	for (unsigned i = 0; i < pass->count; i++) {
		if (wanted[order[i]])
			order[count++] = order[i];
	}
	return count;
}

/* Those with the least room to choose from first; equal ones stay as they are. */
static void tightest_first(const struct topology *t, const struct reserved_pass *pass,
			   uint8_t *order, unsigned count)
{
	for (unsigned i = 1; i < count; i++) {
		uint8_t moved = order[i];
		uint64_t slack = dynamic_slack(t, pass, moved);
		unsigned to = i;

		for (; to && dynamic_slack(t, pass, order[to - 1]) > slack; to--)
			order[to] = order[to - 1];
		order[to] = moved;
	}
}

/* ---- attempts ----------------------------------------------------------------- */

static void attempt_make(struct topology *t, const struct reserved_pass *pass,
			 const uint8_t *order, unsigned count, struct attempt *attempt)
{
	*attempt = (struct attempt){ .placed = 0 };
	for (unsigned i = 0; i < count; i++) {
		struct topology_span span = { pass->region[order[i]].node, "size", 0, 0 };

		span.size = dynamic_want(t, pass, order[i]).size;
		span.start = dynamic_find(t, pass, order[i]);
		if (!span.start)
			continue;
		DASSERT(!ranges_overlap(t->reserved, span.start, span.size), "0x%llx is taken",
			(unsigned long long)span.start);
		topology_reserve(t, &span, BOOT_DYNAMIC);
		attempt->place[order[i]] = span.start;
		attempt->placed++;
	}
	ranges_drop(t->reserved, BOOT_DYNAMIC);
}

/* 5.10's order, unless the tightest first gives more of them a place. */
static void attempt_choose(struct topology *t, const struct reserved_pass *pass,
			   struct attempt *chosen)
{
	uint8_t order[ZONAL_MAX_RESERVED_NODES];
	unsigned count;

	topology_order(pass->region, pass->count, order);
	count = dynamic_select(t, pass, order);
	attempt_make(t, pass, order, count, chosen);
	if (chosen->placed < count) {
		struct attempt other;

		tightest_first(t, pass, order, count);
		attempt_make(t, pass, order, count, &other);
		if (other.placed > chosen->placed)
			*chosen = other;
	}
	for (unsigned i = 0; i < count; i++) {
		if (!chosen->place[order[i]])
			topology_note(t, pass->region[order[i]].node, "size",
				      "there must be free memory for it; not placed", "0x%llx",
				      (unsigned long long)dynamic_want(t, pass, order[i]).size);
	}
}

void topology_read_dynamic(struct topology *t, const struct reserved_pass *pass)
{
	struct attempt chosen;

	attempt_choose(t, pass, &chosen);
	for (unsigned i = 0; i < pass->count; i++) {
		struct topology_span span = { pass->region[i].node, "size", chosen.place[i], 0 };

		if (!span.start)
			continue;
		span.size = dynamic_want(t, pass, i).size;
		topology_reserve_placed(t, &span);
	}
}
