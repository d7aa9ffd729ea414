/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of a board with more ranges than the tables take.
 *
 * It boots with less, and each thing that is lost has its line:
 *
 *   RAM. A range that finds no place is left out (topology_memory.c). Where a range has to be
 *   split, because a part of it gets another node or goes off the map, the smallest range of
 *   all makes room, but none that holds what the loader has put in RAM.
 *
 *   Reservations are never forgotten: to hand out such memory corrupts it. The smallest gap
 *   between two neighbours of one kind is reserved with them, which makes room. CMA areas are
 *   no neighbours: they keep their size. Where the kinds take turns so often that
 *   this would not leave BOOT_ROOM places for what boot itself takes (early.c), the RAM of a new
 *   reservation is left out: what is no RAM cannot be handed out either.
 *
 * Each round of a loop here leaves the table with a range less, and at most two new borders
 * are wanted by an operation, so that every loop ends.
 *
 * Context: boot, or a test that owns the tables. No locks.
 */
#include "lib/assert.h"
#include "topology_internal.h"

#define RULE_SMALLEST "the ranges must fit ZONAL_MAX_RANGES; the smallest is left out"
#define RULE_GAP "the reserved ranges must fit ZONAL_MAX_RANGES; a gap between two is reserved too"
#define RULE_NO_GAP "the reserved ranges must fit ZONAL_MAX_RANGES; the RAM there is left out"

#define BOOT_ROOM (ZONAL_MAX_RANGES / 4)

static bool holds_taken(const struct topology *t, const struct boot_range *range)
{
	for (unsigned i = 0; i < t->request->taken_count; i++) {
		const struct boot_range *taken = &t->request->taken[i];

		if (taken->start < range_end(range) && range->start < range_end(taken))
			return true;
	}
	return false;
}

/* The smallest range of RAM goes, so that there is a place in the table. */
static void make_room(struct topology *t, const char *prop, int node)
{
	unsigned count = *t->memory.count, smallest = count;
	struct topology_span span = { .node = node, .prop = prop };

	for (unsigned i = 0; i < count; i++)
		if (!holds_taken(t, &t->memory.range[i]) &&
		    (smallest == count ||
		     t->memory.range[i].size < t->memory.range[smallest].size))
			smallest = i;
	ASSERT(smallest < count, "%u ranges, and the loader's are in all of them", count);
	span.start = t->memory.range[smallest].start;
	span.size = t->memory.range[smallest].size;
	topology_note_span(t, &span, RULE_SMALLEST);
	ranges_delete(t->memory, smallest, 1);
}

void topology_set_nid(struct topology *t, const struct topology_span *span, int nid)
{
	while (!ranges_set_nid(t->memory, span->start, span->size, nid))
		make_room(t, span->prop, span->node);
}

void topology_set_flags(struct topology *t, const struct topology_span *span, unsigned flags)
{
	while (!ranges_set_flags(t->memory, span->start, span->size, flags))
		make_room(t, span->prop, span->node);
}

void topology_remove(struct topology *t, const struct topology_span *span)
{
	while (!ranges_remove(t->memory, span->start, span->size))
		make_room(t, span->prop, span->node);
}

static void leave_out(struct topology *t, const struct topology_span *span)
{
	topology_note_span(t, span, RULE_NO_GAP);
	topology_remove(t, span);
}

/* What somebody else reserves as well is not for the blob alone any more. */
static void claim(struct topology *t, const struct topology_span *span)
{
	for (unsigned i = 0; i < *t->reserved.count; i++) {
		struct boot_range *r = &t->reserved.range[i];

		if (r->start < span->start + span->size && span->start < range_end(r))
			r->flags &= (uint16_t)~BOOT_TREE;
	}
}

void topology_unite(struct topology *t, const struct topology_span *span, unsigned flags)
{
	struct topology_span gap = *span;

	/* A range of another kind between two equal ones makes three of one. */
	if (ranges_kinds(t->reserved) + 2 > ZONAL_MAX_RANGES - BOOT_ROOM) {
		leave_out(t, span);
		return;
	}
	while (!ranges_unite(t->reserved, span->start, span->size, flags)) {
		if (!ranges_close_gap(t->reserved, &gap.start, &gap.size)) {
			leave_out(t, span);
			return;
		}
		topology_note_span(t, &gap, RULE_GAP);
	}
	if (!(flags & BOOT_TREE))
		claim(t, span);
}
