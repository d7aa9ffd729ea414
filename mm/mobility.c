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
#include "trace.h"
#include "watermark.h"

static const uint8_t fallback_order[MIGRATE_PCPTYPES][2] = {
	[MIGRATE_UNMOVABLE] = { MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE },
	[MIGRATE_MOVABLE] = { MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE },
	[MIGRATE_RECLAIMABLE] = { MIGRATE_UNMOVABLE, MIGRATE_MOVABLE },
};

static bool grouping_off(struct zone *zone)
{
	return !ZONAL_MOBILITY || (ld_relaxed(&zone->mm->gates) & GATE_NO_GROUPING);
}

/* M3 */
static bool may_take_block(struct zone *zone, unsigned order, unsigned type)
{
	return order >= PAGEBLOCK_ORDER / 2 || type != MIGRATE_MOVABLE || grouping_off(zone);
}

/* The first type of the fallback order with a block of exactly `order`, or -1. */
static int fallback_type(struct zone *zone, unsigned order, unsigned type)
{
	ASSERT(type < MIGRATE_PCPTYPES && order < MAX_ORDER, "type %u order %u", type, order);
	for (unsigned i = 0; i < 2; i++)
		if (zone->list[fallback_order[type][i]][order].count)
			return fallback_order[type][i];
	return -1;
}

/* M2, M4: which block to take; NULL if there is none. */
static struct page *find_victim(struct zone *zone, unsigned order, unsigned type,
				unsigned min_order)
	LOCK_HELD(zone->lock);
static struct page *find_victim(struct zone *zone, unsigned order, unsigned type,
				unsigned min_order)
{
	ASSERT(order <= min_order && min_order < MAX_ORDER, "order %u, at least %u", order,
	       min_order);
	for (unsigned o = MAX_ORDER; o-- > min_order;) {
		int from = fallback_type(zone, o, type);

		if (from < 0)
			continue;
		if (may_take_block(zone, o, type) || o == order)
			return buddy_first(zone, o, (unsigned)from);
		break;
	}
	for (unsigned o = order; o < MAX_ORDER && min_order == order; o++) {
		int from = fallback_type(zone, o, type);

		if (from >= 0)
			return buddy_first(zone, o, (unsigned)from);
	}
	return NULL;
}

/* Pageblocks that are stolen from under one hold of the lock when a list is refilled: each is some
 * 3,000 to 5,000 steps. */
#define THEFTS_AT_ONCE 2

/* How many pages of one block are looked at together. */
#define ALIKE 8

/* Pages up to a block's end are looked at by heads: the word of a head tells the
 * length of its block, so the walk is short when blocks are large. */
static inline unsigned step_pages(uint32_t word)
{
	enum page_state state = word_state(word);

	return state == PAGE_FREE || state == PAGE_USED ? 1u << word_order(word) : 1;
}

/*
 * M8: how many pages of the block at `head`, with this word, count as movable: those on the
 * LRU, and the second page of a compound block of order 1. That one is an accident
 * of 5.10, where its size, 2, lies in the bits that tell a movable page's mapping.
 */
static unsigned movable_pages(uint32_t word)
{
	if (!word_in_use(word))
		return 0;
	if (word & PG_LRU)
		return 1u << word_block_order(word);
	return (word & PG_COMP) && word_block_order(word) == 1;
}

/*
 * Of the pages from `page` on, are so many single ones of the zone in use, all on the LRU or none?
 * Most of a block that is nearly full are, so that the walk has five steps a page.
 */
static inline bool singles_alike(const struct zone *zone, const struct page *page)
{
	uint32_t first = page_word(page), differs = first ^ word_make(zone->id, PAGE_USED, 0);

	differs &= WORD_ALLOC_MASK;
	_Pragma("GCC unroll 16") for (unsigned i = 1; i < ALIKE; i++)
		differs |= page_word(page + i) ^ first;
	return !(differs & (WORD_ALLOC_MASK | PG_LRU));
}

unsigned mobility_move_block(struct zone *zone, struct page *page, unsigned type,
			     unsigned *movable)
{
	struct page *at = page_block_first(page), *end = at + (1u << PAGEBLOCK_ORDER), *one = at;
	pfn_t zone_end = zone->start_pfn + zone->spanned;
	unsigned moved = 0, others = 0, step;

	ASSERT(page_zid(page) == zone->id && type < MIGRATE_TYPES,
	       "pfn 0x%x of zone %u, not %u, to type %u", page->pfn, page_zid(page), zone->id,
	       type);
	DASSERT_HELD(&zone->lock);
	if (at->pfn < zone->start_pfn)
		at = page;
	if (end[-1].pfn >= zone_end)
		return 0;
	for (; at < end; at += step) {
		uint32_t word = page_word(at);

		step = ALIKE;
		if (at >= one && end - at >= ALIKE && singles_alike(zone, at)) {
			others += word & PG_LRU ? ALIKE : 0;
			continue;
		}
		if (at >= one)
			one = at + ALIKE;
		step = step_pages(word);
		if (word_zid(word) != zone->id)
			continue;
		if (word_state(word) == PAGE_FREE && at->list_type != LIST_GUARD) {
			buddy_move(zone, at, type);
			moved += step;
		} else {
			others += movable_pages(word);
		}
	}
	if (movable)
		*movable = others;
	return moved;
}

/* M8: keep the block if most of it now suits `type`. */
static void take_whole_block(struct zone *zone, struct page *page, unsigned type)
	LOCK_HELD(zone->lock);
static void take_whole_block(struct zone *zone, struct page *page, unsigned type)
{
	unsigned old = page_block_type(page), movable = 0, alike = 0, moved;

	ASSERT(page_order(page) < PAGEBLOCK_ORDER, "pfn 0x%x has order %u", page->pfn,
	       page_order(page));
	moved = mobility_move_block(zone, page, type, &movable);
	if (!moved) {
		buddy_move(zone, page, type);
		return;
	}
	if (type == MIGRATE_MOVABLE)
		alike = movable;
	else if (old == MIGRATE_MOVABLE)
		alike = (1u << PAGEBLOCK_ORDER) - (moved + movable);
	if (moved + alike >= 1u << (PAGEBLOCK_ORDER - 1) || grouping_off(zone))
		block_set_type(page, type);
}

static void steal(struct zone *zone, struct page *page, unsigned type, unsigned flags)
	LOCK_HELD(zone->lock);
static void steal(struct zone *zone, struct page *page, unsigned type, unsigned flags)
{
	unsigned order = page_order(page);

	ASSERT(page_state(page) == PAGE_FREE, "pfn 0x%x, word 0x%x", page->pfn, page_word(page));
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
			take_whole_block(zone, page, type);
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

unsigned mobility_take_singles(struct zone *zone, unsigned type, unsigned flags,
			       struct page **out, unsigned want)
{
	DASSERT_HELD(&zone->lock);
	DASSERT(type < MIGRATE_PCPTYPES && want, "%u pages of type %u", want, type);
	/* 5.10 counts a refill out of the free pages when it is complete, but CMA
	 * pages one by one, so the balance is struck against the former. */
	int64_t free = ld_relaxed(&zone->free);
	bool by_one = (flags & ALLOC_CMA) && ld_relaxed(&zone->free_cma);
	unsigned count = 0, thefts = 0;

	while (count < want) {
		unsigned got = by_one ? 0 : buddy_take_run(zone, type, out + count, want - count);

		if (!got && (!ZONAL_MOBILITY || (!by_one && thefts++ == THEFTS_AT_ONCE)))
			break;
		if (!got) {
			out[count] = take(zone, 0, type, flags, free);
			if (!out[count])
				break;
			got = 1;
		}
		count += got;
	}
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
