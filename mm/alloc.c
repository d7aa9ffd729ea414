/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloc_pages: from the request to the page. The way to read:
 *
 *	zonal_alloc            this file     single page, plain task: the fast lane
 *	  alloc_by_policy      policy.c      which node's list, which nodes
 *	    alloc_request      this file     decode, first pass at LOW
 *	      walk_zones       this file     first zone whose watermark allows it
 *	        zone_take      take.c        per-CPU list or buddy
 *	          pcp_refill   pcp.c         a batch under the zone lock
 *	            mobility_take  mobility.c  whose blocks
 *	              buddy_take   buddy.c     smallest block, split
 *	      alloc_slow       slowpath.c    when every zone said no
 *
 * The fast lane serves what most requests are: no zone or node wishes, default
 * policy, not from an interrupt, the CPU's own node above its LOW mark; single pages
 * from the per-CPU list, blocks from the zone's own lists. It gives exactly what the ladder would give for them, with interrupts masked
 * once. Whatever is out of the ordinary (mm->gates, a policy, a low zone, an empty list
 * that its own zone cannot fill) goes the long way; nothing is changed by trying.
 *
 * The walk (rows F). Zones in fallback order, from the preferred one on. A zone is
 * passed over if its node is not in the nodemask, not in the cpuset (F5), or if its
 * watermark says no (F6). On a board with a DMA32 zone under NORMAL, the first walk
 * avoids taking blocks of other mobility (NOFRAGMENT, F2), but gives that up before it
 * would leave the local node (F3), and walks once more without it (F4): locality
 * and success are worth more than order.
 *
 * No lock is held here; each zone's own test and take stand for themselves.
 */
#include "alloc.h"

#include "buddy.h"
#include "mobility.h"
#include "page_check.h"
#include "pcp.h"
#include "take.h"
#include "watermark.h"

uint16_t first_zone(const struct alloc_req *req, nodemask_t nodemask)
{
	const struct zonelist *list = req->list;
	uint16_t i = list->first[req->high_zone];

	while (i < list->count && (list->ref[i].type > req->high_zone ||
				   !nodemask_has(nodemask, list->ref[i].node)))
		i++;
	return i;
}

bool cpuset_allows(const struct alloc_req *req, gfp_t gfp, unsigned nid)
{
	return req->in_irq || nodemask_has(req->cpuset, nid) || !(gfp & __GFP_HARDWALL);
}

/* F2: only a NORMAL zone with a DMA32 zone under it has somewhere else to go. */
static unsigned flags_nofragment(const struct zone *zone)
{
	struct zonal *mm = zone->mm;

	if (zone->type != ZONE_NORMAL)
		return 0;
	if (mm->node_count > 1 && !zone_managed(&mm->node[zone->node]->zone[ZONE_DMA32]))
		return 0;
	return ALLOC_NOFRAGMENT;
}

static bool zone_allows(struct zone *zone, const struct alloc_req *req, unsigned flags)
{
	if (req->order == 0 && !(flags & (ALLOC_HARDER | ALLOC_OOM | ALLOC_HIGH)) &&
	    (flags & ALLOC_WMARK_MASK) == WMARK_LOW &&
	    zone_quick_ok(zone, req->high_zone, flags & ALLOC_CMA))
		return true;
	return zone_request_ok(zone, req, flags) || (flags & ALLOC_NO_WATERMARKS);
}

static struct page *take_and_prepare(struct zone *zone, const struct alloc_req *req, unsigned flags)
{
	struct page *page = zone_take(zone, req, flags);

	if (!page)
		return NULL;
	page_prepare(page, word_make(zone->id, PAGE_USED, req->order));
	page_prepare_rest(req->mm, page, req->gfp, req->order, flags);
	if (unlikely(req->order && (flags & ALLOC_HARDER)))
		highatomic_reserve(zone, page);
	return page;
}

/* One walk. Sets *left_node if it came to another node with NOFRAGMENT on. */
static struct page *walk_once(const struct alloc_req *req, unsigned flags, bool *left_node)
{
	const struct zonelist *list = req->list;

	for (unsigned i = req->preferred; i < list->count; i++) {
		const struct zoneref *ref = &list->ref[i];
		struct page *page;

		if (ref->type > req->high_zone || !nodemask_has(req->nodemask, ref->node))
			continue;
		if ((flags & ALLOC_CPUSET) && !cpuset_allows(req, req->gfp, ref->node))
			continue;
		if ((flags & ALLOC_NOFRAGMENT) && req->mm->node_count > 1 &&
		    ref->node != list->ref[req->preferred].node) {
			*left_node = true;
			return NULL;
		}
		if (!zone_allows(ref->zone, req, flags))
			continue;
		page = take_and_prepare(ref->zone, req, flags);
		if (page)
			return page;
	}
	return NULL;
}

struct page *walk_zones(const struct alloc_req *req, unsigned flags)
{
	bool left_node = false;
	struct page *page = walk_once(req, flags, &left_node);

	/* F3 and F4 come to the same: once more, without the wish. */
	if (!page && (flags & ALLOC_NOFRAGMENT))
		page = walk_once(req, flags & ~ALLOC_NOFRAGMENT, &left_node);
	return page;
}

/* G1-G11: what can be refused before any zone is asked; 0 if nothing. */
static uint32_t request_refused(struct zonal *mm, gfp_t gfp, unsigned order, int nid)
{
	if (order >= MAX_ORDER)
		return ZSTEP_BAD_ORDER;
	if (nid < 0 || nid >= ZONAL_MAX_NODES || !mm->node[nid])
		return ZSTEP_BAD_NODE;
	if (gfp_zone_bad(gfp) || ((gfp & __GFP_MOVABLE) && (gfp & __GFP_RECLAIMABLE)))
		return ZSTEP_BAD_FLAGS;
	if ((gfp & __GFP_ZERO) && !mm->clear)
		return ZSTEP_NO_CLEAR;
	return 0;
}

/* G11: waiting is not possible in an interrupt; say so once per caller's mistake. */
static void report_sleep_in_irq(const struct alloc_req *req)
{
	if ((req->gfp & __GFP_DIRECT_RECLAIM) && req->in_irq &&
	    fetch_add_relaxed(&req->mm->sleep_reports, 1) == 0)
		port_log("zonal: request with __GFP_DIRECT_RECLAIM (gfp 0x%x) in interrupt context",
			 req->gfp);
}

static void decode(struct alloc_req *req, struct zonal *mm, int nid, gfp_t gfp, unsigned order)
{
	port_irqflags_t irq = port_irq_save();
	struct port_cpu *cpu = port_this_cpu();
	const struct node *node = mm->node[nid];

	req->mm = mm;
	req->cpu = mm->cpu[cpu->id];
	req->task = cpu->task;
	req->in_irq = cpu->irq_depth > 0;
	port_irq_restore(irq);
	req->list = gfp & __GFP_THISNODE ? &node->nofallback : &node->fallback;
	req->gfp = gfp;
	req->order = (uint8_t)order;
	req->type = (uint8_t)gfp_migratetype(mm, gfp);
	req->high_zone = (uint8_t)gfp_zone(gfp);
	req->nid = (int16_t)nid;
	req->cpuset = NODEMASK_ALL;
}

/* T4: the mask as it was at one moment. */
static nodemask_t task_mems(const struct zonal_task *task)
{
	struct zonal_task *t = (struct zonal_task *)(uintptr_t)task;
	nodemask_t mems;
	uint32_t seq;

	do {
		seq = ld_acquire(&t->mems_seq);
		mems = ld_relaxed(&t->mems_allowed);
		/* Keep the second look at the sequence behind the read of the mask. */
		atomic_thread_fence(memory_order_acquire);
	} while ((seq & 1) || seq != ld_relaxed(&t->mems_seq));
	return mems;
}

/* Z2: the cpuset narrows the first pass of a task to its nodes. */
static unsigned apply_cpuset(struct alloc_req *req)
{
	if (!(ld_relaxed(&req->mm->gates) & GATE_CPUSETS))
		return 0;
	req->cpuset = task_mems(req->task);
	req->gfp |= __GFP_HARDWALL;
	if (!req->in_irq && req->nodemask == NODEMASK_ALL) {
		req->nodemask = req->cpuset;
		return 0;
	}
	return ALLOC_CPUSET;
}

struct page *alloc_request(struct zonal *mm, int nid, gfp_t gfp, unsigned order, nodemask_t mask)
{
	uint32_t refused = request_refused(mm, gfp, order, nid);
	struct alloc_req req;
	struct page *page;
	unsigned flags;

	if (!refused && unlikely(ld_relaxed(&mm->gates) & GATE_INJECT) &&
	    !(gfp & __GFP_NOFAIL) && failure_injected(mm))
		refused = ZSTEP_INJECTED;
	if (refused) {
		failure_refuse(mm, gfp, order, nid, refused);
		return NULL;
	}
	gfp &= mm->gfp_allowed;
	decode(&req, mm, nid, gfp, order);
	report_sleep_in_irq(&req);
	req.nodemask = mask;
	flags = WMARK_LOW | apply_cpuset(&req) | (gfp & ALLOC_KSWAPD) | request_cma_flag(&req);
	req.preferred = first_zone(&req, req.nodemask);
	page = NULL;
	if (req.preferred < req.list->count) {
		flags |= flags_nofragment(req.list->ref[req.preferred].zone);
		page = walk_zones(&req, flags);
	}
	if (likely(page))
		return page;
	/* F9: the ladder begins with the caller's own flags and nodes. */
	req.gfp = gfp;
	req.nodemask = mask;
	return alloc_slow(&req);
}

/* What the lane does not do itself goes through calls at its end, so that it needs no
 * stack: */

static ZN_NOINLINE struct page *lane_clear(struct zonal *mm, struct page *page)
{
	mm->clear(mm->ctx, page->pfn, 1);
	return page;
}

static ZN_NOINLINE struct page *lane_unknown_cpu(unsigned cpu)
{
	port_panic("zonal: allocation on CPU %u before zonal_init() knows it", cpu);
}

/* A single page of a per-CPU list becomes its owner's. */
static inline struct page *lane_finish(struct zonal *mm, struct page *page, gfp_t gfp)
{
	page_prepare(page, page_word(page) ^ word_make(0, PAGE_PCP, 0) ^ word_make(0, PAGE_USED, 0));
	if (unlikely(gfp & __GFP_ZERO))
		return lane_clear(mm, page);
	return page;
}

static inline unsigned lane_type(gfp_t gfp) { return (gfp & __GFP_MOVABLE) >> 3; }

/* 1 if the request may use ZONE_MOVABLE, that is MOVABLE and HIGHMEM, else 0 (G1). */
static inline size_t lane_index(gfp_t gfp) { return (gfp >> 1) & (gfp >> 3) & 1; }

/* The lane's own list is empty: fill it with the flags that the first pass would have. */
static ZN_NOINLINE struct page *lane_refill(struct zone *zone, struct pcp *pcp, gfp_t gfp,
					    port_irqflags_t irq)
{
	unsigned flags = WMARK_LOW | (gfp & ALLOC_KSWAPD) | flags_nofragment(zone);
	struct zonal *mm = zone->mm;
	struct page *page;

	page = pcp_refill(zone, pcp, lane_type(gfp), lane_type(gfp) ? flags | ALLOC_CMA : flags);
	if (page) {
		own_add(&pcp->stat[STAT_HIT_LOCAL], 1);
		take_note_boost(mm->cpu[port_this_cpu()->id], zone);
	}
	port_irq_restore(irq);
	return page ? lane_finish(mm, page, gfp) : alloc_by_policy(mm, gfp, 0);
}

/* May a request be served as the plainest kind here? `zone` is what this CPU's lane leads to. */
static inline bool lane_open(struct zonal *mm, const struct port_cpu *here, struct zone *zone,
			     gfp_t gfp)
{
	const struct zonal_task *task = here->task;

	if (unlikely(ld_relaxed(&mm->gates) | here->irq_depth | task->policy.mode) || unlikely(!zone))
		return false;
	return likely(!(gfp & __GFP_MOVABLE)) || !(task->flags & ZTASK_NOCMA);
}

/* See the essay. */
static inline struct page *fast_lane(struct zonal *mm, gfp_t gfp)
{
	port_irqflags_t irq = port_irq_save();
	const struct port_cpu *here = port_this_cpu();
	struct mm_cpu *cpu = mm->cpu[here->id];
	size_t lane = lane_index(gfp);
	unsigned type = lane_type(gfp);
	struct page *page;
	struct zone *zone;
	struct pcp *pcp;

	if (unlikely(!cpu))
		return lane_unknown_cpu(here->id);
	zone = cpu->lane[lane].zone;
	pcp = cpu->lane[lane].pcp;
	if (unlikely(!lane_open(mm, here, zone, gfp)) ||
	    unlikely(!zone_quick_ok(zone, ZONE_NORMAL + lane, type))) {
		port_irq_restore(irq);
		return alloc_by_policy(mm, gfp, 0);
	}
	if (unlikely(!pcp_has(pcp, type)))
		return lane_refill(zone, pcp, gfp, irq);
	page = pcp_pop(pcp, type);
	own_add(&pcp->stat[STAT_HIT_LOCAL], 1);
	port_irq_restore(irq);
	return lane_finish(mm, page, gfp);
}

/* A block of the lane's own type, if the watermark allows it and one is there (W4, W5, B1);
 * masked. NULL: ask the ladder. */
static inline struct page *block_take(struct zone *zone, size_t lane, unsigned type,
				      unsigned order)
{
	struct page *page = NULL;

	/* CMA pages may have to come first (M11); that is the ladder's business. */
	if (!zone_quick_room(zone, ZONE_NORMAL + lane, false, 1 << order) ||
	    (type == MIGRATE_MOVABLE && ld_relaxed(&zone->free_cma)))
		return NULL;
	lock_take(&zone->lock);
	page = buddy_take(zone, order, type);
	lock_drop(&zone->lock);
	return page;
}

/* The lane for blocks: as above, from the zone's own lists under its lock. */
static ZN_NOINLINE struct page *block_lane(struct zonal *mm, gfp_t gfp, unsigned order)
{
	port_irqflags_t irq = port_irq_save();
	const struct port_cpu *here = port_this_cpu();
	struct mm_cpu *cpu = mm->cpu[here->id];
	size_t lane = lane_index(gfp);
	struct page *page = NULL;
	struct zone *zone;

	if (unlikely(!cpu))
		return lane_unknown_cpu(here->id);
	zone = cpu->lane[lane].zone;
	if (likely(lane_open(mm, here, zone, gfp)) && likely(order < MAX_ORDER))
		page = block_take(zone, lane, lane_type(gfp), order);
	if (likely(page)) {
		own_add(&cpu->lane[lane].pcp->stat[STAT_HIT_LOCAL], 1);
		own_add(&cpu->lane[lane].pcp->stat[STAT_TAKE_EXTRA], (1u << order) - 1);
	}
	port_irq_restore(irq);
	if (unlikely(!page))
		return alloc_by_policy(mm, gfp, order);
	/* A damaged block is counted and leaked, and the ladder takes another (D4). */
	if (unlikely(page_word(page) != word_make(zone->id, PAGE_INNER, 0)) &&
	    !page_check_block(mm, page, order))
		return alloc_by_policy(mm, gfp, order);
	page_prepare(page, word_make(zone->id, PAGE_USED, order));
	if (gfp & (__GFP_COMP | __GFP_ZERO))
		page_prepare_rest(mm, page, gfp, order, 0);
	return page;
}

struct page *zonal_alloc(struct zonal *mm, gfp_t gfp, unsigned order)
{
	if (unlikely(gfp & mm->unusual))
		return alloc_by_policy(mm, gfp, order);
	if (order)
		return block_lane(mm, gfp, order);
	return fast_lane(mm, gfp);
}

struct page *zonal_alloc_mask(struct zonal *mm, int nid, gfp_t gfp, unsigned order,
			      const nodemask_t *mask)
{
	if (nid == NODE_NONE)
		nid = mm_local_node(mm);
	return alloc_request(mm, nid, gfp, order, mask && *mask ? *mask : NODEMASK_ALL);
}

struct page *zonal_alloc_node(struct zonal *mm, int nid, gfp_t gfp, unsigned order)
{
	return zonal_alloc_mask(mm, nid, gfp, order, NULL);
}
