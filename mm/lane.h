/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_LANE_H
#define MM_LANE_H

#include "alloc.h"
#include "pcp.h"
#include "take.h"
#include "watermark.h"

/* Out of line, and the last that is done, so that the lane needs no stack. */
struct page *lane_clear(struct zonal *mm, struct page *page);

/* A single page that is asked for in another way than the plainest: by a policy; else, or if its
 * node's lane is not open, the long way. Not masked. */
struct page *lane_elsewhere(struct zonal *mm, gfp_t gfp);

/* A single page of a per-CPU list becomes its owner's. */
static inline struct page *lane_finish(struct zonal *mm, struct page *page, gfp_t gfp)
{
	/* From PCP to USED; the zone stays, and damaged bits would still show at free. */
	page_prepare(page, (page_word(page) & ~WORD_ORDER_MASK) +
				   word_make(0, PAGE_USED - PAGE_PCP, 0));
	if (unlikely(gfp & __GFP_ZERO))
		return lane_clear(mm, page);
	return page;
}

/* MIGRATE_PCPTYPES, of which no list has a page, if two mobilities are wished for. */
static inline size_t lane_type(gfp_t gfp)
{
	return ZONAL_MOBILITY ? (size_t)(gfp & (__GFP_MOVABLE | __GFP_RECLAIMABLE)) >> 3 :
				MIGRATE_UNMOVABLE;
}

_Static_assert((__GFP_MOVABLE | __GFP_RECLAIMABLE) >> 3 == MIGRATE_PCPTYPES, "see above");

/* The lane is 1 if the request may use ZONE_MOVABLE, that is MOVABLE and HIGHMEM, else 0 (G1). This
 * is twice that: where the bit stands. */
static inline size_t lane_twice(gfp_t gfp) { return gfp & (gfp >> 2) & __GFP_HIGHMEM; }

_Static_assert(__GFP_HIGHMEM == 2 && __GFP_MOVABLE == 8, "see above");

static inline const struct fast_lane *lane_of(const struct mm_cpu *cpu, size_t twice)
{
	const char *lanes = (const char *)cpu->lane;

	DASSERT(twice == 0 || twice == 2, "twice lane %u", (unsigned)twice);
	return (const struct fast_lane *)(const void *)(lanes + twice * (sizeof(*cpu->lane) / 2));
}

/* What of the instance and the task keeps a request out of the lanes. */
static inline uint32_t lane_unusual(struct zonal *mm, const struct zonal_task *task)
{
	struct zonal_task *of = (struct zonal_task *)(uintptr_t)task;

	return ld_relaxed(&mm->gates) | ld_relaxed(&of->unusual);
}

/* May a request be served as the plainest kind here? `zone` is what this CPU's lane leads to. In
 * an interrupt no policy holds (Q2); who would wait there is reported by the ladder (G11). */
static inline bool lane_open(struct zonal *mm, const struct zonal_task *task, uint32_t irq_depth,
			     struct zone *zone, gfp_t gfp)
{
	if (unlikely(lane_unusual(mm, task) | irq_depth) &&
	    (lane_unusual(mm, task) || (gfp & __GFP_DIRECT_RECLAIM)))
		return false;
	if (unlikely(!zone))
		return false;
	return likely(!(gfp & __GFP_MOVABLE)) || !(task->flags & ZTASK_NOCMA);
}

#endif
