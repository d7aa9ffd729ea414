/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which blocks of a zone shall be free, so that its figures come out.
 *
 * Given are the pages that the zone manages, cut into largest aligned chunks, and
 * the wanted figures: free pages, how many blocks of each order (nr_free), how many of the free
 * pages are in CMA blocks, how many pages are reserved as highatomic. Wanted is a
 * set of free blocks with exactly these figures that the buddy allocator will not
 * merge any further. The rest of the pages counts as in use.
 *
 *   1. Shape. Without nr_free the free pages are taken as few large blocks. The free
 *      counter that a kernel prints lags behind the lists by its per-CPU drift; the
 *      counter is what the kernel tests, so blocks are added to or taken from the shape, the
 *      smallest that do, until it adds up to `free`.
 *   2. Groups. CMA pages and highatomic pageblocks (as free blocks of at least a pageblock)
 *      get their share of the shape, largest blocks first. Of the rest, pageblocks and
 *      larger are MOVABLE, as at boot (row M13); smaller ones stand in pageblocks of the
 *      type that the request itself uses: a file does not say whose they are, and this
 *      is the choice under which no steal happens that the file does not show.
 *   3. Place. A hole is an aligned piece that nothing has been put in yet. A block goes to
 *      the start of the smallest hole that can take it; halves that are left over
 *      become holes. The hole beside a block of the same order is "half": it must not be
 *      filled by one block, because the two would merge. Orders are placed from
 *      large to small, so a hole is never cut too early. Below pageblock order each group has
 *      its own holes, drawn pageblock by pageblock, because a pageblock has one type.
 *   4. A block that finds no hole is tried as two of the next smaller order.
 *
 * Plain memory work on one thread; nothing here knows the allocator.
 */
#include <stdlib.h>
#include <string.h>

#include "oracle.h"

#define BLOCK_PAGES ((pfn_t)1 << PAGEBLOCK_ORDER)
#define TOP_ORDER (MAX_ORDER - 1)

enum group { GROUP_WHOLE, GROUP_CMA, GROUP_HIGHATOMIC, GROUP_SMALL, GROUPS };

struct stack {
	pfn_t *pfn;
	size_t count, room;
};

struct planner {
	struct fig_plan *plan;
	enum migratetype small;
	/* [group][half][order]; GROUP_WHOLE's holes serve every group from pageblock order up. */
	struct stack hole[GROUPS][2][MAX_ORDER];
};

static void *grow(void *array, size_t count, size_t *room, size_t item)
{
	if (count < *room)
		return array;
	*room = *room ? *room * 2 : 64;
	array = realloc(array, *room * item);
	if (!array) {
		fprintf(stderr, "oracle: no memory for %zu blocks\n", *room);
		exit(2);
	}
	return array;
}

static void hole_push(struct planner *p, enum group group, bool half, unsigned order, pfn_t pfn)
{
	struct stack *s = &p->hole[group][half][order];

	s->pfn = grow(s->pfn, s->count, &s->room, sizeof(s->pfn[0]));
	s->pfn[s->count++] = pfn;
}

/* Take the smallest hole of `group` that a block of `order` fits in. */
static bool hole_take(struct planner *p, enum group group, unsigned order, pfn_t *pfn,
		      unsigned *hole_order)
{
	for (unsigned o = order; o < MAX_ORDER; o++) {
		for (int half = o > order; half >= 0; half--) {
			struct stack *s = &p->hole[group][half][o];

			if (!s->count)
				continue;
			*pfn = s->pfn[--s->count];
			*hole_order = o;
			return true;
		}
	}
	return false;
}

static void type_add(struct planner *p, pfn_t pfn, enum migratetype type)
{
	struct fig_plan *plan = p->plan;

	if (type == MIGRATE_MOVABLE)
		return;
	plan->typed = grow(plan->typed, plan->typed_count, &plan->typed_room,
			   sizeof(plan->typed[0]));
	plan->typed[plan->typed_count++] = (struct fig_typed){ pfn, type };
}

static enum migratetype group_type(const struct planner *p, enum group group)
{
	switch (group) {
	case GROUP_CMA: return MIGRATE_CMA;
	case GROUP_HIGHATOMIC: return MIGRATE_HIGHATOMIC;
	case GROUP_SMALL: return p->small;
	default: return MIGRATE_MOVABLE;
	}
}

/* Draw one pageblock from the common holes into the group's own. */
static bool draw_pageblock(struct planner *p, enum group group)
{
	unsigned order;
	bool half = false;
	pfn_t pfn;

	/* A hole of one pageblock beside a free one is the least useful elsewhere. */
	if (p->hole[GROUP_WHOLE][1][PAGEBLOCK_ORDER].count) {
		struct stack *s = &p->hole[GROUP_WHOLE][1][PAGEBLOCK_ORDER];

		pfn = s->pfn[--s->count];
		order = PAGEBLOCK_ORDER;
		half = true;
	} else if (!hole_take(p, GROUP_WHOLE, PAGEBLOCK_ORDER, &pfn, &order)) {
		return false;
	}
	for (pfn_t at = pfn + BLOCK_PAGES; at < pfn + ((pfn_t)1 << order); at += BLOCK_PAGES)
		hole_push(p, GROUP_WHOLE, false, PAGEBLOCK_ORDER, at);
	hole_push(p, group, half, PAGEBLOCK_ORDER, pfn);
	type_add(p, pfn, group_type(p, group));
	return true;
}

static void block_add(struct planner *p, pfn_t pfn, unsigned order)
{
	struct fig_plan *plan = p->plan;

	plan->block = grow(plan->block, plan->count, &plan->room, sizeof(plan->block[0]));
	plan->block[plan->count++] = (struct fig_block){ pfn, order };
}

static bool place(struct planner *p, enum group group, unsigned order)
{
	bool large = order >= PAGEBLOCK_ORDER;
	enum group from = large ? GROUP_WHOLE : group;
	unsigned hole;
	pfn_t pfn;

	if (!hole_take(p, from, order, &pfn, &hole)) {
		if (large || !draw_pageblock(p, group) ||
		    !hole_take(p, from, order, &pfn, &hole))
			return false;
	}
	block_add(p, pfn, order);
	for (unsigned o = hole; o > order; o--)
		hole_push(p, from, o - 1 == order, o - 1, pfn + ((pfn_t)1 << (o - 1)));
	for (pfn_t at = pfn; large && at < pfn + ((pfn_t)1 << order); at += BLOCK_PAGES)
		type_add(p, at, group_type(p, group));
	return true;
}

/* ---- shape -------------------------------------------------------------- */

static uint64_t shape_pages(const uint64_t *shape)
{
	uint64_t pages = 0;

	for (unsigned o = 0; o < MAX_ORDER; o++)
		pages += shape[o] << o;
	return pages;
}

static void shape_add(uint64_t *shape, uint64_t pages)
{
	shape[TOP_ORDER] += pages >> TOP_ORDER;
	for (unsigned o = 0; o < TOP_ORDER; o++)
		shape[o] += pages >> o & 1;
}

/* Move `pages` from one shape to another in the largest blocks that fit, none of them
 * below `least`; a block that is too large is halved. Returns what could not be moved. */
static uint64_t shape_move(uint64_t *from, uint64_t *to, uint64_t pages, unsigned least)
{
	while (pages >> least) {
		int o = TOP_ORDER;
		unsigned larger = least;

		while (o >= (int)least && (!from[o] || pages >> o == 0))
			o--;
		if (o >= (int)least) {
			uint64_t n = ZN_MIN(from[o], pages >> o);

			from[o] -= n;
			to[o] += n;
			pages -= n << o;
			continue;
		}
		while (larger < MAX_ORDER && !from[larger])
			larger++;
		if (larger == MAX_ORDER || larger == least)
			break;
		from[larger]--;
		from[larger - 1] += 2;
	}
	return pages;
}

/* Rule 1. */
static void shape_fit(const struct fig_before *want, uint64_t *shape)
{
	uint64_t free = (uint64_t)want->free, spare[MAX_ORDER] = { 0 };

	memset(shape, 0, sizeof(spare));
	if (!want->has_shape) {
		shape_add(shape, free - (uint64_t)want->cma);
		shape_add(shape, (uint64_t)want->cma);
		return;
	}
	memcpy(shape, want->nr_free, sizeof(spare));
	if (shape_pages(shape) > free)
		shape_move(shape, spare, shape_pages(shape) - free, 0);
	else
		shape_add(shape, free - shape_pages(shape));
}

/* ---- the whole ---------------------------------------------------------- */

/* A highatomic reserve whose blocks are in use is only a type. */
static void type_used_blocks(struct planner *p, uint64_t pages)
{
	unsigned order;
	pfn_t pfn;

	for (; pages >= BLOCK_PAGES; pages -= BLOCK_PAGES) {
		bool half = p->hole[GROUP_WHOLE][1][PAGEBLOCK_ORDER].count;
		struct stack *s = &p->hole[GROUP_WHOLE][half][PAGEBLOCK_ORDER];

		if (half)
			pfn = s->pfn[--s->count];
		else if (!hole_take(p, GROUP_WHOLE, PAGEBLOCK_ORDER, &pfn, &order))
			return;
		type_add(p, pfn, MIGRATE_HIGHATOMIC);
		if (!half && order > PAGEBLOCK_ORDER)
			hole_push(p, GROUP_WHOLE, false, PAGEBLOCK_ORDER, pfn + BLOCK_PAGES);
	}
}

/* Rules 3 and 4: all of one order, group by group, before the next smaller one; the small
 * orders group by group, so that one group's pageblocks are filled before the next draws. */
static bool place_all(struct planner *p, uint64_t shape[GROUPS][MAX_ORDER])
{
	for (unsigned step = 0; step < MAX_ORDER * GROUPS; step++) {
		unsigned large = MAX_ORDER - PAGEBLOCK_ORDER;
		unsigned group = step < large * GROUPS ? step % GROUPS :
							 (step - large * GROUPS) / PAGEBLOCK_ORDER;
		unsigned order = step < large * GROUPS ?
					 TOP_ORDER - step / GROUPS :
					 PAGEBLOCK_ORDER - 1 -
						 (step - large * GROUPS) % PAGEBLOCK_ORDER;

		for (; shape[group][order]; shape[group][order]--) {
			bool last_large = group == GROUP_WHOLE && order == PAGEBLOCK_ORDER;

			if (place(p, (enum group)group, order))
				continue;
			if (!order)
				return false;
			shape[last_large ? GROUP_SMALL : group][order - 1] += 2;
		}
	}
	return true;
}

static void take_chunks(struct planner *p, const struct fig_blocks *chunk)
{
	for (size_t i = 0; i < chunk->count; i++) {
		const struct fig_block *c = &chunk->block[i];
		bool large = c->order >= PAGEBLOCK_ORDER;

		hole_push(p, large ? GROUP_WHOLE : GROUP_SMALL, false, c->order, c->pfn);
		if (!large)
			type_add(p, c->pfn & ~(BLOCK_PAGES - 1), p->small);
	}
}

static int by_pfn(const void *a, const void *b)
{
	const struct fig_block *x = a, *y = b;

	return (x->pfn > y->pfn) - (x->pfn < y->pfn);
}

bool plan_make(struct fig_plan *plan, const struct fig_before *want, enum migratetype small,
	       const struct fig_blocks *chunk)
{
	struct planner *p = calloc(1, sizeof(*p));
	uint64_t shape[GROUPS][MAX_ORDER] = { 0 }, rest[MAX_ORDER], used_reserve;
	bool done;

	memset(plan, 0, sizeof(*plan));
	if (!p)
		return false;
	p->plan = plan;
	p->small = small;
	take_chunks(p, chunk);
	shape_fit(want, rest);
	shape_move(rest, shape[GROUP_CMA], (uint64_t)want->cma, 0);
	used_reserve = shape_move(rest, shape[GROUP_HIGHATOMIC], (uint64_t)want->highatomic,
				  PAGEBLOCK_ORDER);
	for (unsigned o = 0; o < MAX_ORDER; o++)
		shape[o < PAGEBLOCK_ORDER ? GROUP_SMALL : GROUP_WHOLE][o] = rest[o];
	done = place_all(p, shape);
	if (!done)
		snprintf(plan->why, sizeof(plan->why), "no room for %lld free pages in this shape",
			 (long long)want->free);
	type_used_blocks(p, used_reserve);
	if (plan->count)
		qsort(plan->block, plan->count, sizeof(plan->block[0]), by_pfn);
	for (unsigned i = 0; i < GROUPS * 2 * MAX_ORDER; i++)
		free((&p->hole[0][0][0])[i].pfn);
	free(p);
	return done;
}

void plan_free(struct fig_plan *plan)
{
	free(plan->block);
	free(plan->typed);
	memset(plan, 0, sizeof(*plan));
}
