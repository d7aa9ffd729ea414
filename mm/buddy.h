/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_BUDDY_H
#define MM_BUDDY_H

#include "mm.h"

/* Everything here: zone->lock held, interrupts masked, unless it says otherwise. */

/*
 * Take a block of exactly `order` from the list of `type`: the smallest that is large
 * enough, from the head of its list (B1), upper halves put back (B2). The page
 * comes out INNER and counted out of zone->free; NULL if no list has one.
 */
struct page *buddy_take(struct zone *zone, unsigned order, unsigned type)
	LOCK_HELD(zone->lock);

/*
 * Take up to `want` single pages of `type`: what `want` calls of buddy_take(zone, 0, type) would
 * give, in their order. Fills out[], returns how many; less: the lists of `type` are empty.
 */
unsigned buddy_take_run(struct zone *zone, unsigned type, struct page **out, unsigned want)
	LOCK_HELD(zone->lock);

/* Where a freed block goes in its list (B7, B19). */
enum buddy_place { BUDDY_AUTO, BUDDY_TAIL };

/* S8: when nothing of the zone is in use any more, there is nothing that a boost could spare.
 * Behind a put, or the last of many. */
void buddy_unboost(struct zone *zone);
static inline void buddy_unboost_if_free(struct zone *zone)
{
	if (ZONAL_MOBILITY && unlikely(ld_relaxed(&zone->boost)))
		buddy_unboost(zone);
}

/*
 * Put a block back and merge it as far as it goes (B4-B6), to the list of `type`, for pages whose
 * type was decided earlier (P10). The page must be INNER. Counted into zone->free.
 */
void buddy_put_type(struct zone *zone, struct page *page, unsigned order, unsigned type,
		    enum buddy_place place)
	LOCK_HELD(zone->lock);

/* The same for a single page: most of what comes from the lists of CPUs. */
void buddy_put_single(struct zone *zone, struct page *page, unsigned type)
	LOCK_HELD(zone->lock);

/* The same to the list of its pageblock's type (B8). */
static inline void buddy_put(struct zone *zone, struct page *page, unsigned order,
			     enum buddy_place place)
	LOCK_HELD(zone->lock);
static inline void buddy_put(struct zone *zone, struct page *page, unsigned order,
			     enum buddy_place place)
{
	buddy_put_type(zone, page, order, page_block_type(page), place);
}

/* Move one free block, whole, to the tail of the list of `type` (B9). */
void buddy_move(struct zone *zone, struct page *page, unsigned type)
	LOCK_HELD(zone->lock);

/* First block in a list, NULL if empty. */
struct page *buddy_first(struct zone *zone, unsigned order, unsigned type)
	LOCK_HELD(zone->lock);

/* That many free pages are in lists of type `to` now, not `from`: counted anew (B12). */
void buddy_recount(struct zone *zone, unsigned from, unsigned to, int64_t pages)
	LOCK_HELD(zone->lock);

/* Take exactly the block of `order` at `page` out of the free block that holds it, which is
 * no smaller; the rest stays in the lists of its type. False if none does. */
bool buddy_carve(struct zone *zone, struct page *page, unsigned order) LOCK_HELD(zone->lock);

/* All free blocks that begin in the pageblock of `first`, its first page, to the tails of the
 * lists of `type` (A1, A2), upwards. All of them are the zone's, and none is larger than the
 * pageblock. One hold of the lock: block_move.c. */
void buddy_move_all(struct zone *zone, struct page *first, unsigned type) LOCK_HELD(zone->lock);

/* Take exactly `page` out of the free block that holds it (B15); false if none does. */
static inline bool buddy_take_exact(struct zone *zone, struct page *page)
	LOCK_HELD(zone->lock);
static inline bool buddy_take_exact(struct zone *zone, struct page *page)
{
	return buddy_carve(zone, page, 0);
}

/* The head of the free block that holds `page`, NULL if none does (B16), or a guard. May be
 * called without the lock; the answer is then a guess. */
struct page *buddy_head(struct page *page);

/* Change the type of a pageblock; its free pages stay where they are (C4). Any context. */
void block_set_type(struct page *page, unsigned type);

#endif
