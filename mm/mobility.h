/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_MOBILITY_H
#define MM_MOBILITY_H

#include "request.h"

static inline bool grouping_off(struct zone *zone)
{
	return !ZONAL_MOBILITY || (ld_relaxed(&zone->mm->gates) & GATE_NO_GROUPING);
}

/* Everything here: zone->lock held, interrupts masked, unless it says otherwise. */

/*
 * Take a block for `type` from wherever 5.10 would: CMA first while it holds more than
 * half of the free pages (M11), the own lists, CMA, then another type's block (M1-M10). NULL if
 * nothing is left that the flags allow. The page is INNER and counted out.
 */
struct page *mobility_take(struct zone *zone, unsigned order, unsigned type, unsigned flags)
	LOCK_HELD(zone->lock);

/*
 * Up to `want` single pages for a per-CPU list, in the order of `want` calls of
 * mobility_take(). Returns how many; pages are INNER. Less than `want`: there are no more, or
 * they have to be stolen and others may have the lock first; another call goes on.
 */
unsigned mobility_take_singles(struct zone *zone, unsigned type, unsigned flags,
			       struct page **out, unsigned want)
	LOCK_HELD(zone->lock);

/*
 * Would mobility_take() find a block of at least `order` without taking less than a pageblock's
 * free pages from another type (what compaction aims at)? Reads without the lock. Context: any.
 */
bool mobility_has(struct zone *zone, unsigned order, unsigned type);

/*
 * Move all free pages of the pageblock of `page` to the lists of `type` (B9).
 * Returns how many; 0 also if the block's end lies outside of the zone.
 */
unsigned mobility_move_block(struct zone *zone, struct page *page, unsigned type)
	LOCK_HELD(zone->lock);

/* M8: all free pages of the pageblock of `page`, a free block smaller than it, to the lists of
 * `type`; the pageblock changes to it, if most of it suits it then. */
void mobility_steal_block(struct zone *zone, struct page *page, unsigned type)
	LOCK_HELD(zone->lock);

/* X12, A14: a free block that is taken for the allocator's own work: what is at least half a
 * pageblock is movable memory from now on. Zone lock held. */
void mobility_note_large(struct page *page, unsigned order);

/* H1, H2: the block of a page just taken by a HARDER request becomes a reserve.
 * Takes the lock itself. */
void highatomic_reserve(struct zone *zone, struct page *page);

/* Pages of the zone's HIGHATOMIC pageblocks as their types stand; a block that zones share is
 * the lowest one's. Reads without the lock. Context: any. */
int64_t highatomic_in_blocks(struct zone *zone);

/* A block of the reserve is about to have another type: no longer counted. */
void highatomic_forget(struct zone *zone) LOCK_HELD(zone->lock);

/* H4: give a reserved block of the request's zones back. `force`: also the last one of a zone.
 * True if free pages moved. Takes zone locks itself. */
bool highatomic_unreserve(const struct alloc_req *req, bool force);

#endif
