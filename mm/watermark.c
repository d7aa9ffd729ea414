/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watermarks: how much of a zone a request may use up.
 *
 * The test (W2-W5). From the free pages take away what this request cannot use:
 * the pages of a high-order block beyond the first (2^order - 1), the highatomic
 * reserve unless the request may harm it, free CMA pages unless it may use them.
 * Lower the mark for urgent requests, in this order: HIGH halves it, then an OOM
 * victim halves it again, or else HARDER takes a quarter off. So GFP_ATOMIC goes
 * down to 3/8: with MIN 1024, 1024 -> 512 -> 384, and 385 usable pages pass. The
 * rest must be *more* than the mark plus the zone's lowmem reserve against
 * requests that could have gone to a higher zone. Above order 0 there must also
 * be a block that is large enough in a list that the request may take from.
 *
 * The boost (S8). Each time a request has to break up a block of another
 * mobility, the marks rise by one pageblock, up to 150 % of HIGH, so that
 * reclaim starts earlier and fragmentation stops spreading. Example: HIGH 1548
 * caps it at 2322; four steals give 2048, the fifth 2322.
 *
 * 5.10's kswapd takes the boost back after one round, whatever came of it. Before there is
 * one, it goes when all of the zone is free again (buddy.c), and before a request
 * that may wait would fail for it (slowpath.c).
 *
 * Counters are read without the zone lock and marks may change meanwhile; each
 * field is a relaxed atomic, and an answer that is a moment old is as good as
 * the answer a moment ago. `floor` is the whole order-0 test at LOW folded into one
 * number; zone_update_floor() must follow every change of its parts.
 */
#include "watermark.h"

#include "lib/assert.h"
#include "trace.h"
static int64_t usable_pages(struct zone *zone, unsigned order, unsigned flags)
{
	int64_t usable = ld_relaxed(&zone->free) - ((1 << order) - 1);

	if (!(flags & (ALLOC_HARDER | ALLOC_OOM)))
		usable -= ld_relaxed(&zone->highatomic);
	if (!(flags & ALLOC_CMA))
		usable -= ld_relaxed(&zone->free_cma);
	return usable;
}

static int64_t lowered_mark(int64_t mark, unsigned flags)
{
	DASSERT(mark >= 0, "mark %lld", (long long)mark);
	if (flags & ALLOC_HIGH)
		mark -= mark / 2;
	if (flags & ALLOC_OOM)
		mark -= mark / 2;
	else if (flags & ALLOC_HARDER)
		mark -= mark / 4;
	return mark;
}

/* W5: is there a block of `order` or more in a list that may be taken from? */
static bool has_block(struct zone *zone, unsigned order, unsigned flags)
{
	unsigned filled = 0;

	DASSERT(order && order < MAX_ORDER, "order %u", order);
	for (unsigned t = 0; t < MIGRATE_PCPTYPES; t++)
		filled |= ld_relaxed(&zone->filled[t]);
	if (flags & ALLOC_CMA)
		filled |= ld_relaxed(&zone->filled[MIGRATE_CMA]);
	if (flags & (ALLOC_HARDER | ALLOC_OOM))
		filled |= ld_relaxed(&zone->filled[MIGRATE_HIGHATOMIC]);
	return filled >> order;
}

bool zone_mark_ok_with(struct zone *zone, unsigned order, int64_t mark, unsigned high_zone,
		       unsigned flags, int64_t more)
{
	int64_t floor = lowered_mark(mark, flags) + ld_relaxed(&zone->lowmem_reserve[high_zone]);

	DASSERT(high_zone < ZONE_TYPES && order < MAX_ORDER, "zone type %u order %u", high_zone,
		order);
	if (usable_pages(zone, order, flags) + more <= floor)
		return false;
	return order == 0 || has_block(zone, order, flags);
}

bool zone_mark_ok(struct zone *zone, unsigned order, int64_t mark, unsigned high_zone,
		  unsigned flags)
{
	return zone_mark_ok_with(zone, order, mark, high_zone, flags, 0);
}

bool zone_request_ok(struct zone *zone, const struct alloc_req *req, const struct alloc_pass *pass)
{
	unsigned flags = pass->flags, which = flags & ALLOC_WMARK_MASK;

	DASSERT(which < WMARKS, "mark %u", which);
	if (zone_mark_ok(zone, req->order, zone_mark(zone, which), req->high_zone, flags))
		return true;
	/* W7: a boost is there to spare long-lived blocks; an atomic single page
	 * must not fail for it. */
	if (req->order == 0 && (pass->gfp & __GFP_ATOMIC) && which == WMARK_MIN &&
	    ld_relaxed(&zone->boost))
		return zone_mark_ok(zone, 0, ld_relaxed(&zone->mark[WMARK_MIN]), req->high_zone,
				    flags);
	return false;
}

int64_t zone_short_pages(struct zone *zone, const struct alloc_req *req, unsigned flags)
{
	int64_t mark = zone_mark(zone, flags & ALLOC_WMARK_MASK);
	int64_t floor = lowered_mark(mark, flags) +
			ld_relaxed(&zone->lowmem_reserve[req->high_zone]);

	DASSERT(req->order < MAX_ORDER && req->high_zone < ZONE_TYPES, "order %u zone type %u",
		req->order, req->high_zone);
	return floor + 1 - usable_pages(zone, req->order, flags);
}

void zone_update_floor(struct zone *zone)
{
	int64_t base = zone_mark(zone, WMARK_LOW) + ld_relaxed(&zone->highatomic);

	ASSERT(ld_relaxed(&zone->boost) >= 0, "zone %u: boost %lld", zone->id,
	       (long long)ld_relaxed(&zone->boost));
	DASSERT_HELD(&zone->lock);
	/* A boosted zone has something to tell (F13); nobody may pass quickly then. */
	for (unsigned t = 0; t < ZONE_TYPES; t++)
		st_relaxed(&zone->floor[t], ld_relaxed(&zone->boosted)
						    ? INT64_MAX
						    : base + ld_relaxed(&zone->lowmem_reserve[t]));
	st_relaxed(&zone->lane_floor[0], ld_relaxed(&zone->floor[ZONE_NORMAL]));
	st_relaxed(&zone->lane_floor[2], ld_relaxed(&zone->floor[ZONE_MOVABLE]));
}

bool zone_boost(struct zone *zone)
{
	unsigned factor = ld_relaxed(&zone->mm->boost_factor);
	int64_t high = ld_relaxed(&zone->mark[WMARK_HIGH]), block = 1 << PAGEBLOCK_ORDER;
	int64_t max, boost;

	DASSERT_HELD(&zone->lock);
	if (!factor || 4 * block > zone_managed(zone))
		return false;
	max = (int64_t)mul_div((uint64_t)high, factor, 10000);
	if (!max)
		return false;
	max = ZN_MAX(max, block);
	boost = ld_relaxed(&zone->boost) + block;
	if (boost - block == max)
		return true;
	st_relaxed(&zone->boost, ZN_MIN(boost, max));
	zone_update_floor(zone);
	return true;
}

bool zone_unboost(struct zone *zone)
{
	port_irqflags_t irq;
	bool was;

	if (!ld_relaxed(&zone->boost))
		return false;
	irq = port_irq_save();
	lock_take(&zone->lock);
	was = ld_relaxed(&zone->boost) != 0;
	zone_end_boost(zone);
	trace(zone->mm, CALL_OTHER, ZONAL_OTHER_BOOST, zone->node, zone->type);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	return was;
}
