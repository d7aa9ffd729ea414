/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The buddy lists of a zone: take, split, put, merge.
 *
 * Free memory is kept as blocks of 2^order pages, each aligned to its size. The
 * buddy of a block is the one other block with which it forms a block of the next
 * order: its frame number differs in bit `order` alone. Per order there is a
 * list for each migratetype.
 *
 *   take  the lowest list that is not empty, found in `filled` by its lowest bit;
 *         the block's upper half goes back to the next lower list, again and
 *         again, until the wanted order is left (B1, B2).
 *   put   while the buddy is free and of the same order and zone, take it out and
 *         go on with the pair (B4), up to order 10 (B5).
 *
 * A freed block goes to the head of its list, to be used again while it is warm,
 * unless the pair it forms could soon merge on: if the next order's buddy is
 * free, the block goes to the tail, where it has time to be joined (B7). With shuffle=on a block
 * of the largest order goes to either end by chance (A13).
 *
 * With debug_guardpage_minorder=N the upper halves below order N become guards instead (B3): they
 * go to lists of their own, which nobody takes from, and are found there by their buddy when it is
 * freed, as any free block is.
 *
 * Invariants (zonal_check walks them):
 *   - a page is FREE if and only if it is the head of a block in a list; every
 *     other page of the block is INNER, whatever it was before;
 *   - list_type, the order in the word and the list agree; `filled` has a bit for each
 *     list that is not empty;
 *   - two free buddies of one order < 10 never both sit in lists (B14), save
 *     across an isolated pageblock (B6);
 *   - where the zone has them, the byte of a free block's first page is 0 (block_steal.c);
 *   - zone->free is the sum over all lists but ISOLATE and guards, free_cma over CMA (B12, B13).
 *
 * Only buddy_list.h and, for a whole pageblock at once, block_move.c touch a list, its count, its
 * bit and the page's word, all together; shuffle.c changes links alone. The zone lock guards
 * everything here. The cost of each call is bounded by the number of orders; no
 * page but heads is touched.
 */
#include "buddy.h"

#include "buddy_list.h"
#include "lib/assert.h"
#include "shuffle.h"
#include "trace.h"
#include "watermark.h"

struct page *buddy_first(struct zone *zone, unsigned order, unsigned type)
{
	uint32_t pfn = zone->list[type][order].first;

	DASSERT_HELD(&zone->lock);
	DASSERT(order < MAX_ORDER && type < MIGRATE_TYPES, "order %u type %u", order, type);
	return zone->list[type][order].count ? link_page(zone, zone->map, pfn) : NULL;
}

/* B3: as buddy_take(), where halves that are split off and are below the zone's guard order become
 * guards; the others are listed as ever. */
static ZN_NOINLINE struct page *take_guarded(struct zone *zone, unsigned order, unsigned type)
	LOCK_HELD(zone->lock);
static ZN_NOINLINE struct page *take_guarded(struct zone *zone, unsigned order, unsigned type)
{
	unsigned filled = ld_relaxed_u16(&zone->filled[type]) >> order, found;
	struct page *page;

	ASSERT(zone->guard_order <= MAX_ORDER / 2, "guards of order %u", zone->guard_order);
	DASSERT_HELD(&zone->lock);
	if (!filled)
		return NULL;
	found = order + (unsigned)__builtin_ctz(filled);
	page = buddy_list_pop(zone, zone->map, found, type);
	while (found > order) {
		bool guard = --found < zone->guard_order;

		buddy_list_add(zone, zone->map, page + (1u << found), found,
			       guard ? LIST_GUARD : type, false);
		if (guard)
			count_free(zone, type, -(1 << found));
	}
	count_free(zone, type, -((int64_t)1 << order));
	return page;
}

struct page *buddy_take(struct zone *zone, unsigned order, unsigned type)
{
	uintptr_t map = zone->map;

	if (ZONAL_AIDS && unlikely(zone->guard_order))
		return take_guarded(zone, order, type);
	if (ZONAL_LANES && likely(map))
		return buddy_take_by(zone, map, order, type);
	return buddy_take_by(zone, 0, order, type);
}

/* Guards lie between single pages, so that no two are side by side. */
static ZN_NOINLINE unsigned take_run_guarded(struct zone *zone, unsigned type, struct page **out,
					     unsigned want)
	LOCK_HELD(zone->lock);
static ZN_NOINLINE unsigned take_run_guarded(struct zone *zone, unsigned type, struct page **out,
					     unsigned want)
{
	unsigned count = 0;

	DASSERT_HELD(&zone->lock);
	while (count < want && (out[count] = take_guarded(zone, 0, type)))
		count++;
	return count;
}

/*
 * Single pages are taken from the smallest block until it is used up, since what
 * a split leaves is always smaller than every other block. So a run of them is
 * the block's first pages, and the rest is what the splits would have left: one
 * block for each bit between the run and the block's end.
 */
static ZN_INLINE unsigned
take_first(struct zone *zone, uintptr_t map, unsigned order, unsigned type, struct page **out,
	   unsigned want) LOCK_HELD(zone->lock)
{
	unsigned size = 1u << order, count = ZN_MIN(want, size);
	struct page *page = buddy_list_pop(zone, map, order, type);
	uint8_t *heads = ZONE_HEADS && map ? heads_at(zone, page->pfn) : NULL;

	DASSERT_HELD(&zone->lock);
	for (unsigned i = 0; i < count; i++)
		out[i] = page + i;
	for (unsigned i = 0; ZONE_HEADS && map && i < count; i++)
		heads[i] = HEADS_NONE;
	for (unsigned i = count; i < size; i += i & -i)
		buddy_list_add(zone, map, page + i, (unsigned)__builtin_ctz(i), type, false);
	return count;
}

static ZN_INLINE unsigned
take_run_by(struct zone *zone, uintptr_t map, unsigned type, struct page **out, unsigned want)
	LOCK_HELD(zone->lock)
{
	unsigned count = 0, filled;

	DASSERT_HELD(&zone->lock);
	DASSERT(want && type < MIGRATE_TYPES, "%u pages of type %u", want, type);
	if (ZONAL_AIDS && unlikely(zone->guard_order))
		return take_run_guarded(zone, type, out, want);
	do {
		filled = ld_relaxed_u16(&zone->filled[type]);
		if (!filled)
			break;
		if (ZONAL_LANES && filled & 1)
			count += buddy_take_listed(zone, map, type, out + count, want - count);
		else
			count += take_first(zone, map, (unsigned)__builtin_ctz(filled), type,
					    out + count, want - count);
	} while (count < want);
	count_free(zone, type, -(int64_t)count);
	return count;
}

unsigned buddy_take_run(struct zone *zone, unsigned type, struct page **out, unsigned want)
{
	uintptr_t map = zone->map;

	if (ZONAL_LANES && likely(map))
		return take_run_by(zone, map, type, out, want);
	return take_run_by(zone, 0, type, out, want);
}

/* B6: an isolated pageblock must not swallow, nor be swallowed by, its neighbour. */
static bool merge_refused(struct zone *zone, const struct page *page, const struct page *buddy)
{
	unsigned a = page_block_type(page), b = page_block_type(buddy);

	DASSERT(page_zid(page) == zone->id && page_zid(buddy) == zone->id,
		"pfn 0x%x and its buddy 0x%x, zone %u", page->pfn, buddy->pfn, zone->id);
	return zone->isolated_blocks && a != b && (a == MIGRATE_ISOLATE || b == MIGRATE_ISOLATE);
}

/*
 * B7: could the pair that this block will form merge at once? Then keep it cool. 5.10 asks
 * about the zone of the pair's first page, which is another's where zones meet within
 * 4 MiB: then a block of that zone counts, and one of our own does not.
 */
static inline bool merge_likely(struct zone *zone, struct page *page, unsigned order)
	LOCK_HELD(zone->lock);
static inline bool merge_likely(struct zone *zone, struct page *page, unsigned order)
{
	struct page *pair;

	if (order >= ZN_MIN(PAGEBLOCK_ORDER, MAX_ORDER - 2))
		st_relaxed(&zone->report_news, true);
	if (order >= MAX_ORDER - 2)
		return order == MAX_ORDER - 1 && shuffle_tail(zone);
	pair = page_pair(page, order);
	return (page_word(page_buddy(pair, order + 1)) & WORD_ALLOC_MASK) ==
	       word_make(page_zid(pair), PAGE_FREE, order + 1);
}

/* The block that merges into another list's kind takes its count along. */
void buddy_recount(struct zone *zone, unsigned from, unsigned to, int64_t pages)
{
	DASSERT_HELD(&zone->lock);
	count_free(zone, from, -pages);
	count_free(zone, to, pages);
}

static ZN_INLINE void
put_by(struct zone *zone, uintptr_t map, struct page *page, unsigned order, unsigned type,
       enum buddy_place place) LOCK_HELD(zone->lock)
{
	uint32_t mergeable = word_make(zone->id, PAGE_FREE, order);
	bool tail;

	DASSERT_HELD(&zone->lock);
	DASSERT(order < MAX_ORDER && page_zid(page) == zone->id, "pfn 0x%x of zone %u into zone %u",
		page->pfn, page_zid(page), zone->id);
	DASSERT(page_state(page) == PAGE_INNER && !(page->pfn & ((1u << order) - 1)),
		"pfn 0x%x, word 0x%x, put with order %u", page->pfn, page_word(page), order);
	count_free(zone, type, (int64_t)1 << order);
	for (; order < MAX_ORDER - 1; order++, mergeable += 1u << WORD_ORDER_SHIFT) {
		struct page *buddy = page_buddy(page, order);

		if ((page_word(buddy) & WORD_ALLOC_MASK) != mergeable)
			break;
		if (unlikely(order >= PAGEBLOCK_ORDER) && merge_refused(zone, page, buddy))
			break;
		if (unlikely(block_list(buddy) != type))
			buddy_recount(zone, block_list(buddy), type, 1 << order);
		buddy_list_del(zone, map, buddy, order);
		page = page_pair(page, order);
	}
	tail = place == BUDDY_TAIL || merge_likely(zone, page, order);
	buddy_list_add(zone, map, page, order, type, tail);
}

void buddy_put_type(struct zone *zone, struct page *page, unsigned order, unsigned type,
		    enum buddy_place place)
{
	uintptr_t map = zone->map;

	if (ZONAL_LANES && likely(map))
		put_by(zone, map, page, order, type, place);
	else
		put_by(zone, 0, page, order, type, place);
}

void buddy_put_single(struct zone *zone, struct page *page, unsigned type)
{
	uintptr_t map = zone->map;

	if (ZONAL_LANES && likely(map))
		put_by(zone, map, page, 0, type, BUDDY_AUTO);
	else
		buddy_put_type(zone, page, 0, type, BUDDY_AUTO);
}

void buddy_unboost(struct zone *zone)
{
	DASSERT_HELD(&zone->lock);
	if (ld_relaxed(&zone->free) >= zone_managed(zone))
		zone_end_boost(zone);
}

void buddy_move(struct zone *zone, struct page *page, unsigned type)
{
	unsigned order = page_order(page), from = page->list_type;

	ASSERT(page_state(page) == PAGE_FREE && type < MIGRATE_TYPES,
	       "pfn 0x%x, word 0x%x, to type %u", page->pfn, page_word(page), type);
	DASSERT_HELD(&zone->lock);
	buddy_list_move(zone, zone->map, page, order, type);
	if (from != type)
		buddy_recount(zone, from, type, 1 << order);
}

struct page *buddy_head(struct page *page)
{
	for (unsigned order = 0; order < MAX_ORDER; order++) {
		struct page *head = (struct page *)((uintptr_t)page &
						    ~((sizeof(struct page) << order) - 1));
		uint32_t word = page_word(head);

		if (word_state(word) == PAGE_FREE && word_order(word) >= order)
			return head->list_type == LIST_GUARD ? NULL : head;
	}
	return NULL;
}

bool buddy_carve(struct zone *zone, struct page *page, unsigned order)
{
	struct page *head = buddy_head(page);
	unsigned found, type;

	DASSERT_HELD(&zone->lock);
	if (!head || page_zid(head) != zone->id || page_order(head) < order)
		return false;
	found = page_order(head);
	type = head->list_type;
	ASSERT(type < MIGRATE_TYPES && page - head < 1 << found,
	       "pfn 0x%x in the block of 0x%x: type %u order %u", page->pfn, head->pfn, type,
	       found);
	ASSERT(!(page->pfn & ((1u << order) - 1)), "pfn 0x%x as a block of order %u", page->pfn,
	       order);
	trace(zone->mm, CALL_OTHER, ZONAL_OTHER_CARVED, zone->node, zone->type);
	buddy_list_del(zone, zone->map, head, found);
	while (found > order) {
		struct page *upper;

		found--;
		upper = head + (1u << found);
		buddy_list_add(zone, zone->map, page < upper ? upper : head, found, type, false);
		head = page < upper ? head : upper;
	}
	if (ZONE_HEADS && zone->map)
		*heads_at(zone, head->pfn) = 0;
	count_free(zone, type, -((int64_t)1 << order));
	return true;
}

void block_set_type(struct page *page, unsigned type)
{
	_Atomic uint8_t *block = &page_block_first(page)->block;
	uint8_t old = ld_relaxed(block);

	ASSERT(type < MIGRATE_TYPES, "pfn 0x%x: pageblock of type %u", page->pfn, type);
	/* Compare and exchange: the skip bit beside the type may change meanwhile. */
	while (!atomic_compare_exchange_weak_explicit(
		block, &old, (uint8_t)((old & ~BLOCK_TYPE_MASK) | type), memory_order_relaxed,
		memory_order_relaxed))
		;
}
