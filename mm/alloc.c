/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request and its walk over the zones. The way from alloc_pages() to the page:
 *
 *	zonal_alloc            lane.c        plain requests end here
 *	  alloc_by_policy      policy.c      which node's list, which nodes
 *	    alloc_request      this file     decode, first pass at LOW
 *	      walk_zones       this file     first zone whose watermark allows it
 *	        zone_take      take.c        per-CPU list or buddy
 *	          pcp_refill   pcp.c         a batch under the zone lock
 *	            mobility_take  mobility.c  whose blocks
 *	              buddy_take   buddy.c     smallest block, split
 *	      alloc_slow       slowpath.c    when every zone said no
 *
 * The gfp word is decoded once (rows G), into a constant struct alloc_req: which
 * zonelist, up to which zone, for which mobility, within which nodes. What makes no
 * sense is refused at the door with a record and touches no zone: an order too large
 * (G4), two zones (G2), two mobilities (G3), a node that is not there (N8).
 *
 * The walk (rows F). Zones in fallback order, from the preferred one on. A zone is
 * passed over if its node is not in the nodemask, not in the cpuset (F5), or if its
 * watermark says no (F6). On a board with a DMA32 zone under NORMAL, the first walk
 * avoids taking blocks of other mobility (NOFRAGMENT, F2), but gives that up before it
 * would leave the local node (F3), and walks once more without it (F4): locality
 * and success are worth more than order.
 *
 * With cpusets in use the first pass keeps to the task's nodes (Z2); the slow path
 * starts again from what the caller asked (F9).
 *
 * No lock is held here; each zone's own test and take stand for themselves.
 */
#include "alloc.h"

#include "mobility.h"
#include "page_owner.h"
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
	if (unlikely(ld_relaxed(&req->mm->gates) & GATE_PAGE_OWNER))
		page_owner_set(req->mm, page, req->order, req->gfp, req->type);
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
		/* Acquire keeps the second look at the sequence behind this read; it pairs
		 * with the releases in zonal_task_set_mems(). */
		mems = ld_acquire(&t->mems_allowed);
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
