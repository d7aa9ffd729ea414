/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request and its passes.
 *
 *	alloc_ask   who asks, and where policy sends it; before the gfp word is decoded
 *	alloc_req   the request, decoded once and constant from then on
 *	alloc_pass  one pass over the zones: what a retry builds anew
 *
 * Inner code never looks at the current task.
 */
#ifndef MM_REQUEST_H
#define MM_REQUEST_H

#include "mm.h"

/* Flags of a pass (row C10). The low two bits index zone->mark. */
#define ALLOC_WMARK_MASK 0x3u
#define ALLOC_NO_WATERMARKS 0x4u
#define ALLOC_OOM 0x8u
#define ALLOC_HARDER 0x10u
#define ALLOC_HIGH 0x20u /* same bit as __GFP_HIGH */
#define ALLOC_CPUSET 0x40u
#define ALLOC_CMA 0x80u
#define ALLOC_NOFRAGMENT 0x100u
#define ALLOC_SPREAD 0x200u /* ours: pass over nodes with many dirty pages (G12) */
#define ALLOC_KSWAPD 0x800u /* same bit as __GFP_KSWAPD_RECLAIM */

_Static_assert(ALLOC_HIGH == __GFP_HIGH, "copied, not translated (L1)");
_Static_assert(ALLOC_KSWAPD == __GFP_KSWAPD_RECLAIM, "copied, not translated (L1)");

#define NODEMASK_ALL (~(nodemask_t)0)

struct alloc_ask {
	struct zonal_task *task;     /* of this CPU, or what its handler interrupted */
	nodemask_t nodemask;         /* NODEMASK_ALL: no restriction */
	int nid;                     /* whose list */
	bool in_irq;
};

struct alloc_req {
	struct zonal *mm;
	const struct zonal_task *task;
	const struct zonelist *list;
	gfp_t gfp;                   /* the caller's, less what boot cannot serve (G5) */
	nodemask_t nodemask;         /* the caller's */
	uint8_t order;
	uint8_t type;                /* migratetype */
	uint8_t high_zone;           /* highest zone type allowed */
	bool in_irq;
	int16_t nid;                 /* whose list it is */
};

struct alloc_pass {
	gfp_t gfp;                   /* in force */
	unsigned flags;              /* ALLOC_* */
	nodemask_t nodemask;         /* in force; NODEMASK_ALL: no restriction */
	nodemask_t cpuset;           /* the task's allowed nodes; NODEMASK_ALL: all of them */
	nodemask_t wall;             /* with `cpuset`: what the nearest wall allows (Z1) */
	uint32_t cookie;             /* mems_seq when `cpuset` was read (L9) */
	uint16_t preferred;          /* index in the list; list->count: none */
};

/* Is it on its way out (Z1)? */
static inline bool task_is_dying(const struct zonal_task *task)
{
	return ld_acquire(&((struct zonal_task *)(uintptr_t)task)->fate) & ZONAL_FATE_DYING;
}

/* Is it to end for lack of memory (L7)? */
static inline bool task_is_victim(const struct zonal_task *task)
{
	return ld_acquire(&((struct zonal_task *)(uintptr_t)task)->fate) & ZONAL_FATE_VICTIM;
}

/* G6: what the task's scopes leave of a gfp word, where it matters what reclaim may do. */
static inline gfp_t task_scope_gfp(const struct zonal_task *task, gfp_t gfp)
{
	if (task->flags & ZTASK_NOIO)
		return gfp & ~(__GFP_IO | __GFP_FS);
	if (task->flags & ZTASK_NOFS)
		return gfp & ~__GFP_FS;
	return gfp;
}

/* G1: zone type of the low four gfp bits, two bits each; see gfp_zone(). */
static inline enum zone_type gfp_zone(gfp_t gfp)
{
	static const uint8_t zone_of[16] = {
		[0] = ZONE_NORMAL,	  [__GFP_DMA] = ZONE_DMA,
		[__GFP_HIGHMEM] = ZONE_NORMAL, [__GFP_DMA32] = ZONE_DMA32,
		[__GFP_MOVABLE] = ZONE_NORMAL, [__GFP_MOVABLE | __GFP_DMA] = ZONE_DMA,
		[__GFP_MOVABLE | __GFP_HIGHMEM] = ZONE_MOVABLE,
		[__GFP_MOVABLE | __GFP_DMA32] = ZONE_DMA32,
	};

	return (enum zone_type)zone_of[gfp & GFP_ZONEMASK];
}

/* G2: two of DMA, HIGHMEM, DMA32 together. */
static inline bool gfp_zone_bad(gfp_t gfp)
{
	gfp_t z = gfp & (__GFP_DMA | __GFP_HIGHMEM | __GFP_DMA32);

	return z & (z - 1);
}

/* G3: mobility; the caller has dealt with both bits set. */
static inline enum migratetype gfp_migratetype(const struct zonal *mm, gfp_t gfp)
{
	if (!ZONAL_MOBILITY ||
	    unlikely(ld_relaxed(&((struct zonal *)(uintptr_t)mm)->gates) & GATE_NO_GROUPING))
		return MIGRATE_UNMOVABLE;
	return (enum migratetype)((gfp & (__GFP_MOVABLE | __GFP_RECLAIMABLE)) >> 3);
}

/* G9 */
static inline unsigned request_cma_flag(const struct alloc_req *req)
{
	bool cma = ZONAL_CMA && req->type == MIGRATE_MOVABLE;

	return cma && !(req->task->flags & ZTASK_NOCMA) ? ALLOC_CMA : 0;
}

/* Who asks, and which CPU's node; without a policy's say (N7). A moment later it may run
 * elsewhere. */
static inline struct alloc_ask ask_here(struct zonal *mm)
{
	port_irqflags_t irq = port_irq_save();
	const struct port_cpu *here = port_this_cpu();
	struct alloc_ask ask = { .task = here->task,
				 .nodemask = NODEMASK_ALL,
				 .nid = mm_cpu(mm, here->id)->node,
				 .in_irq = here->irq_depth > 0 };

	port_irq_restore(irq);
	return ask;
}

_Static_assert(__GFP_MOVABLE >> 3 == MIGRATE_MOVABLE, "the gfp bits are the type");
_Static_assert(__GFP_RECLAIMABLE >> 3 == MIGRATE_RECLAIMABLE, "the gfp bits are the type");

#endif
