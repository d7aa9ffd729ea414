/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloc_pages, the entry, and the fast lanes for what most requests are:
 *
 *	no wish for a low zone or a node (mm->unusual), default policy, no wish to wait
 *	in an interrupt, and the zone that the request would see first lies on the CPU's
 *	own node and is above its LOW mark
 *
 *	order 0     the hot page of this CPU's list, refilled if empty
 *	order > 0   a block of the zone's own lists, under its lock
 *
 * Then "hit" and "local" are known, no list is walked and no flag decoded. The lane gives
 * exactly what the ladder of alloc.c would give for such a request: the same zone, by the
 * same test, from the same list. Whatever is out of the ordinary (mm->gates, a
 * zone with news for reclaim, an empty list that its own zone cannot fill, CMA pages that may
 * have to come first) goes the long way; nothing is changed by having looked. A page by a
 * policy is tried for in the lane of its node first (lane_node.c).
 *
 * Each branch that is not the common one leaves through a call at its end, so that
 * the common one needs no stack frame: 60 instructions for a single page.
 *
 * Interrupts are masked from the look at the list to the count, so that CPU,
 * list and counters belong together (T2). The task's policy is read under the same
 * mask: it is what runs on this CPU.
 */
#include "lane.h"

#include "buddy_list.h"
#include "page_check.h"

/* The lane's own list is empty: fill it with the flags that the first pass would have. */
static ZN_NOINLINE struct page *lane_refill(struct zone *zone, struct pcp *pcp, gfp_t gfp,
					    port_irqflags_t irq)
{
	unsigned flags = WMARK_LOW | (gfp & ALLOC_KSWAPD) | flags_nofragment(zone);
	unsigned type = (unsigned)lane_type(gfp);
	struct zonal *mm = zone->mm;
	struct page *page = NULL;

	DASSERT_MASKED();
	flags |= type == MIGRATE_MOVABLE ? ALLOC_CMA : 0;
	if (likely(type < MIGRATE_PCPTYPES))
		page = pcp_refill(zone, pcp, type, flags);
	if (page) {
		own_add(&pcp->stat[STAT_HIT_LOCAL], 1);
		if (unlikely(pcp_owes(pcp)))
			pcp_refill_rest(zone, type, flags, irq);
		take_note_boost(mm_this_cpu(mm), zone);
	}
	port_irq_restore(irq);
	return page ? lane_finish(mm, page, gfp) : alloc_by_policy(mm, gfp, 0);
}

/* A single page. */
static inline struct page *fast_lane(struct zonal *mm, gfp_t gfp)
{
	port_irqflags_t irq = port_irq_save();
	const struct port_cpu *here = port_this_cpu();
	uint32_t id = here->id, irq_depth = here->irq_depth;
	struct mm_cpu *cpu = mm_cpu(mm, id);
	const struct fast_lane *lane = lane_of(cpu, lane_twice(gfp));
	struct pcp_ring *ring;
	struct page *page;
	struct zone *zone;
	struct pcp *pcp;

	ZN_KEEP(lane);
	zone = lane->zone;
	pcp = lane->pcp;
	if (unlikely(!lane_open(mm, here->task, irq_depth, zone, gfp)) ||
	    unlikely(!zone_lane_ok(zone, lane_twice(gfp), gfp & __GFP_MOVABLE))) {
		port_irq_restore(irq);
		return lane_elsewhere(mm, gfp);
	}
	ring = pcp_ring_of(pcp, lane_type(gfp));
	if (unlikely(!ring_has(ring)))
		return lane_refill(zone, pcp, gfp, irq);
	page = ring_pop(pcp, ring);
	own_add(&pcp->stat[STAT_HIT_LOCAL], 1);
	port_irq_restore(irq);
	return lane_finish(mm, page, gfp);
}

/* A block of the lane's own type, if the watermark allows it and one is there (W4, W5, B1); `map`:
 * buddy_list.h. Masked. NULL: ask the ladder. */
static ZN_INLINE struct page *
block_take(struct zone *zone, uintptr_t map, gfp_t gfp, unsigned order)
{
	unsigned type = (unsigned)lane_type(gfp);
	struct page *page;

	DASSERT_MASKED();
	/* CMA pages may have to come first (M11), both mobilities are wished for (G3), or halves
	 * become guards (B3); that is the ladder's business. */
	if (!zone_lane_room(zone, lane_twice(gfp), false, 1 << order) ||
	    (ZONAL_AIDS && unlikely(zone->guard_order)) ||
	    ((gfp & __GFP_MOVABLE) &&
	     (type != MIGRATE_MOVABLE || ld_relaxed(&zone->free_cma))))
		return NULL;
	lock_take(&zone->lock);
	page = buddy_take_by(zone, map, order, type);
	lock_drop(&zone->lock);
	return page;
}

/* What of a block depends on the request; no call of the lane is to come back to it. */
static ZN_NOINLINE struct page *block_rest(struct zonal *mm, struct page *page, gfp_t gfp,
					   unsigned order)
{
	page_prepare_rest(mm, page, gfp, order, 0);
	return page;
}

/* A damaged block is counted and leaked, and the ladder takes another (D4). */
static ZN_NOINLINE struct page *block_odd(struct zonal *mm, struct page *page, gfp_t gfp,
					  unsigned order)
{
	if (!page_check_block(mm, page, order))
		return alloc_by_policy(mm, gfp, order);
	page_prepare(page, word_make(page_zid(page), PAGE_USED, order));
	return block_rest(mm, page, gfp, order);
}

static struct page *block_lane_sections(struct zonal *mm, gfp_t gfp, unsigned order);

/* The lane for blocks: as above, from the zone's own lists under its lock. Built for both kinds of
 * zone; `whole`: one with a map in one piece. */
static ZN_INLINE struct page *
block_lane_by(struct zonal *mm, gfp_t gfp, unsigned order, bool whole)
{
	port_irqflags_t irq = port_irq_save();
	const struct port_cpu *here = port_this_cpu();
	uint32_t id = here->id, irq_depth = here->irq_depth;
	const struct fast_lane *lane = lane_of(mm_cpu(mm, id), lane_twice(gfp));
	struct zone *zone = lane->zone;
	struct pcp *pcp = lane->pcp;
	struct page *page = NULL;

	if (likely(lane_open(mm, here->task, irq_depth, zone, gfp)) && likely(order < MAX_ORDER)) {
		if (whole && unlikely(!zone->map)) {
			port_irq_restore(irq);
			return block_lane_sections(mm, gfp, order);
		}
		page = block_take(zone, whole ? zone->map : 0, gfp, order);
	}
	if (unlikely(!page)) {
		port_irq_restore(irq);
		return alloc_by_policy(mm, gfp, order);
	}
	own_add(&pcp->stat[STAT_HIT_LOCAL], 1);
	own_add(&pcp->stat[STAT_TAKE_EXTRA], (1u << order) - 1);
	port_irq_restore(irq);
	if (unlikely(page_word(page) != word_make(zone->id, PAGE_INNER, 0)))
		return block_odd(mm, page, gfp, order);
	page_prepare(page, word_make(zone->id, PAGE_USED, order));
	if (gfp & (__GFP_COMP | __GFP_ZERO))
		return block_rest(mm, page, gfp, order);
	return page;
}

static ZN_NOINLINE struct page *block_lane_sections(struct zonal *mm, gfp_t gfp, unsigned order)
{
	return block_lane_by(mm, gfp, order, false);
}

static ZN_NOINLINE struct page *block_lane(struct zonal *mm, gfp_t gfp, unsigned order)
{
	return block_lane_by(mm, gfp, order, true);
}

struct page *zonal_alloc(struct zonal *mm, gfp_t gfp, unsigned order)
{
	if (!ZONAL_LANES || unlikely(gfp & mm->unusual))
		return alloc_by_policy(mm, gfp, order);
	if (order)
		return block_lane(mm, gfp, order);
	return fast_lane(mm, gfp);
}
