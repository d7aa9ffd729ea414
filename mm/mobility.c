/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Grouping by mobility: what to do when the lists of a request's type are empty.
 *
 * Each pageblock (2 MiB) has a type, so that pages which never move do not end
 * up scattered over memory that could otherwise be freed in large pieces. When a type runs
 * out, it takes from another, in a fixed order (M1), and the *largest* block
 * there first (M2): one large theft pollutes one pageblock, many small ones many.
 *
 *   found order >= pageblock    its pageblocks change type for good (M6)
 *   found order >= half of it,  the whole pageblock's free pages are taken, and the
 *   or the request cannot move  block changes type if, together with the pages in use
 *                               that suit the thief, they are at least half of it (M8)
 *   else                        only the found block is taken; a movable request
 *                               then prefers the *smallest* (M4), as it will be
 *                               movable out of there again
 *
 * Thefts below a pageblock raise the watermark boost (M7, S8). Blocks of the
 * highatomic reserve lose only the found piece (M5).
 *
 * CMA pages belong to a driver that may want them back; only movable requests use
 * them, early if they pile up, so that the rest is not used up before (M11).
 *
 * After a theft the block's remaining free pages are on the thief's list although
 * the pageblock may keep its type: 5.10 does so, and later frees go by the
 * pageblock (B8). CMA and ISOLATE lists hold pages of such blocks only.
 *
 * Zone lock held throughout.
 */
#include "mobility.h"

#include "lib/assert.h"
#include "buddy.h"
#include "buddy_list.h"
#include "trace.h"
#include "watermark.h"

static const uint8_t fallback_order[MIGRATE_PCPTYPES][2] = {
	[MIGRATE_UNMOVABLE] = { MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE },
	[MIGRATE_MOVABLE] = { MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE },
	[MIGRATE_RECLAIMABLE] = { MIGRATE_UNMOVABLE, MIGRATE_MOVABLE },
};

/* M3 */
static bool may_take_block(struct zone *zone, unsigned order, unsigned type)
{
	return order >= PAGEBLOCK_ORDER / 2 || type != MIGRATE_MOVABLE || grouping_off(zone);
}

/* M2, M4: which block to take; NULL if there is none. Of two types with a block of that order the
 * first of the fallback order. */
static struct page *find_victim(struct zone *zone, unsigned order, unsigned type,
				unsigned min_order)
	LOCK_HELD(zone->lock);
static struct page *find_victim(struct zone *zone, unsigned order, unsigned type,
				unsigned min_order)
{
	const uint8_t *from = fallback_order[type];
	unsigned first = ld_relaxed_u16(&zone->filled[from[0]]) >> min_order << min_order;
	unsigned both = first | ld_relaxed_u16(&zone->filled[from[1]]) >> min_order << min_order;
	unsigned found;

	ASSERT(order <= min_order && min_order < MAX_ORDER && type < MIGRATE_PCPTYPES,
	       "order %u, at least %u, for type %u", order, min_order, type);
	if (!both)
		return NULL;
	found = 31u - (unsigned)__builtin_clz(both);
	if (!may_take_block(zone, found, type) && found != order) {
		if (min_order != order)
			return NULL;
		found = (unsigned)__builtin_ctz(both);
	}
	type = from[!(first >> found & 1)];
	return link_page(zone, zone->map, zone->list[type][found].first);
}

/* Pageblocks that are stolen from under one hold of the lock when a list is refilled: some 850
 * steps each where few of its pages are free. One that brings many is the last. */
#define THEFTS_AT_ONCE 8

static void steal(struct zone *zone, struct page *page, unsigned type, unsigned flags)
	LOCK_HELD(zone->lock);
static void steal(struct zone *zone, struct page *page, unsigned type, unsigned flags)
{
	uint32_t word = page_word(page);
	unsigned order = word_order(word);

	ASSERT(word_state(word) == PAGE_FREE, "pfn 0x%x, word 0x%x", page->pfn, word);
	ASSERT(page->list_type != type && type < MIGRATE_PCPTYPES,
	       "pfn 0x%x of list %u stolen for type %u", page->pfn, page->list_type, type);
	if (page_block_type(page) == MIGRATE_HIGHATOMIC) {
		buddy_move(zone, page, type);
	} else if (order >= PAGEBLOCK_ORDER) {
		for (unsigned i = 0; i < 1u << order; i += 1u << PAGEBLOCK_ORDER) {
			/* Only the first block was asked, and its count stays, as in 5.10. */
			if (page_block_type(page + i) == MIGRATE_HIGHATOMIC)
				zone->highatomic_lost += 1 << PAGEBLOCK_ORDER;
			block_set_type(page + i, type);
		}
		buddy_move(zone, page, type);
	} else {
		if (zone_boost(zone) && (flags & ALLOC_KSWAPD))
			zone_set_boosted(zone, true);
		if (may_take_block(zone, order, type))
			mobility_steal_block(zone, page, type);
		else
			buddy_move(zone, page, type);
	}
}

/* True if another type's block is now on the list of `type`. */
static bool fall_back(struct zone *zone, unsigned order, unsigned type, unsigned flags)
	LOCK_HELD(zone->lock);
static bool fall_back(struct zone *zone, unsigned order, unsigned type, unsigned flags)
{
	bool spare = (flags & ALLOC_NOFRAGMENT) && order < PAGEBLOCK_ORDER;
	unsigned from, found;
	struct mm_cpu *cpu;
	struct page *page;

	DASSERT_MASKED();
	if (!ZONAL_MOBILITY || type >= MIGRATE_PCPTYPES)
		return false;
	cpu = zone->mm->cpu[port_this_cpu()->id];
	page = find_victim(zone, order, type, spare ? PAGEBLOCK_ORDER : order);
	if (!page)
		return false;
	if (cpu)
		own_add(&cpu->fallback_steals, 1);
	from = page->list_type;
	found = page_order(page);
	steal(zone, page, type, flags);
	trace(zone->mm, EXTFRAG, page->pfn, order, found, PAGEBLOCK_ORDER, type, from,
	      found < PAGEBLOCK_ORDER, page_block_type(page) == type);
	return true;
}

/* M11: free pages as the caller counts them, see mobility_take_singles(). */
static bool cma_first(struct zone *zone, int64_t free, unsigned flags)
{
	return (flags & ALLOC_CMA) && ld_relaxed(&zone->free_cma) > free / 2;
}

bool mobility_has(struct zone *zone, unsigned order, unsigned type)
{
	unsigned lists;

	ASSERT(type < MIGRATE_PCPTYPES && order < MAX_ORDER, "type %u order %u", type, order);
	lists = ld_relaxed(&zone->filled[type]);
	if (type == MIGRATE_MOVABLE)
		lists |= ld_relaxed(&zone->filled[MIGRATE_CMA]);
	for (unsigned i = 0; i < 2; i++) {
		unsigned other = ld_relaxed(&zone->filled[fallback_order[type][i]]);

		/* Of smaller ones a movable request takes the piece alone. */
		if (!may_take_block(zone, order, type))
			other &= ~0u << PAGEBLOCK_ORDER / 2;
		lists |= other;
	}
	return lists >> order;
}

static struct page *take(struct zone *zone, unsigned order, unsigned type, unsigned flags,
			 int64_t free)
	LOCK_HELD(zone->lock);
static struct page *take(struct zone *zone, unsigned order, unsigned type, unsigned flags,
			 int64_t free)
{
	struct page *page = NULL;

	if (!ZONAL_MOBILITY)
		return buddy_take(zone, order, type);
	if (cma_first(zone, free, flags))
		page = buddy_take(zone, order, MIGRATE_CMA);
	while (!page) {
		page = buddy_take(zone, order, type);
		if (!page && (flags & ALLOC_CMA))
			page = buddy_take(zone, order, MIGRATE_CMA);
		/* Each round moves a block of at least `order` to our list, so that
		 * the next one ends the loop. */
		if (!page && !fall_back(zone, order, type, flags))
			return NULL;
	}
	return page;
}

struct page *mobility_take(struct zone *zone, unsigned order, unsigned type, unsigned flags)
{
	DASSERT_HELD(&zone->lock);
	DASSERT(order < MAX_ORDER && type < MIGRATE_TYPES, "order %u type %u", order, type);
	return take(zone, order, type, flags, ld_relaxed(&zone->free));
}

/* Mostly single pages, and few. */
static inline unsigned take_stolen(struct zone *zone, unsigned type, struct page **out,
				   unsigned want)
	LOCK_HELD(zone->lock)
{
	uintptr_t map = zone->map;
	unsigned count;

	if (!ZONAL_LANES || !map || !(ld_relaxed_u16(&zone->filled[type]) & 1))
		return buddy_take_run(zone, type, out, want);
	count = buddy_take_listed(zone, map, type, out, want);
	count_free(zone, type, -(int64_t)count);
	if (unlikely(count < want && ld_relaxed_u16(&zone->filled[type])))
		count += buddy_take_run(zone, type, out + count, want - count);
	return count;
}

unsigned mobility_take_singles(struct zone *zone, unsigned type, unsigned flags,
			       struct page **out, unsigned want)
{
	DASSERT_HELD(&zone->lock);
	DASSERT(type < MIGRATE_PCPTYPES && want, "%u pages of type %u", want, type);
	/* 5.10 counts a refill out of the free pages when it is complete, but CMA
	 * pages one by one, so the balance is struck against the former. */
	int64_t free = ld_relaxed(&zone->free);
	bool by_one = ZONAL_MOBILITY && (flags & ALLOC_CMA) && ld_relaxed(&zone->free_cma);
	unsigned count = by_one ? 0 : buddy_take_run(zone, type, out, want), thefts = 0;

	while (by_one && count < want && (out[count] = take(zone, 0, type, flags, free)))
		count++;
	/* Behind a theft the own lists have what it brought. */
	while (ZONAL_MOBILITY && !by_one && count < want && thefts++ < THEFTS_AT_ONCE &&
	       fall_back(zone, 0, type, flags))
		count += take_stolen(zone, type, out + count, want - count);
	for (unsigned i = 0; trace_wants(zone->mm, ZONAL_TRACE_ZONE_LOCKED) && i < count; i++)
		trace(zone->mm, ZONE_LOCKED, out[i]->pfn, 0, type, true);
	return count;
}

void mobility_note_large(struct page *page, unsigned order)
{
	ASSERT(order < MAX_ORDER, "pfn 0x%x of order %u", page->pfn, order);
	for (unsigned i = 0; ZONAL_MOBILITY && order + 1 >= PAGEBLOCK_ORDER && i < 1u << order;
	     i += 1u << PAGEBLOCK_ORDER) {
		unsigned type = page_block_type(page + i);

		if (type != MIGRATE_ISOLATE && type != MIGRATE_CMA && type != MIGRATE_HIGHATOMIC)
			block_set_type(page + i, MIGRATE_MOVABLE);
	}
}
