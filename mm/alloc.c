/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request, from the gfp word to the first pass over the zones. The way from alloc_pages() to
 * the page:
 *
 *	zonal_alloc            lane.c        plain requests end here
 *	  alloc_by_policy      policy.c      which node's list, which nodes
 *	    alloc_request      this file     decode, first pass at LOW
 *	      walk_zones       walk.c        first zone whose watermark allows it
 *	        zone_take      take.c        per-CPU list or buddy
 *	          pcp_refill   refill.c      a batch under the zone lock
 *	            mobility_take  mobility.c  whose blocks
 *	              buddy_take   buddy.c     smallest block, split
 *	      alloc_slow       slowpath.c    when every zone said no
 *
 * The gfp word is decoded once (rows G), into a constant struct alloc_req: which
 * zonelist, up to which zone, for which mobility. What a pass over the zones goes by, its
 * flags, nodes and first zone, is a struct alloc_pass, built anew for each. What makes no
 * sense is refused at the door with a record and touches no zone: an order too large
 * (G4), two zones (G2), two mobilities (G3), a node that is not there (N8).
 *
 * A task in a cpuset keeps to its nodes in the first pass (Z2); the slow path starts
 * again from what the caller asked (F9).
 *
 * No lock is held here. Interrupts are masked once to learn who asks (ask_here), and once
 * where a block is taken.
 */
#include "alloc.h"

#include "first_pass.h"
#include "lib/assert.h"
#include "group.h"
#include "trace.h"
#include "watermark.h"

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
	if (unlikely(ld_relaxed(&mm->gates) & GATE_INJECT) && !(gfp & __GFP_NOFAIL) &&
	    failure_injected(mm))
		return ZSTEP_INJECTED;
	return 0;
}

/* G11: waiting is not possible in an interrupt; say so once per caller's mistake. */
static void report_sleep_in_irq(const struct alloc_req *req)
{
	if (ZONAL_TEXTS && (req->gfp & __GFP_DIRECT_RECLAIM) && req->in_irq &&
	    fetch_add_relaxed(&req->mm->sleep_reports, 1) == 0)
		port_log("zonal: request with __GFP_DIRECT_RECLAIM (gfp 0x%x) in interrupt context",
			 req->gfp);
}

static void decode(struct alloc_req *req, struct zonal *mm, const struct alloc_ask *ask, gfp_t gfp,
		   unsigned order)
{
	const struct node *node = mm->node[ask->nid];

	DASSERT(node && order < MAX_ORDER, "node %d order %u", ask->nid, order);
	*req = (struct alloc_req){
		.mm = mm,
		.task = ask->task,
		.list = gfp & __GFP_THISNODE ? &node->nofallback : &node->fallback,
		.gfp = gfp,
		.nodemask = ask->nodemask,
		.order = (uint8_t)order,
		.type = (uint8_t)gfp_migratetype(mm, gfp),
		.high_zone = (uint8_t)gfp_zone(gfp),
		.in_irq = ask->in_irq,
		.nid = (int16_t)ask->nid,
	};
}

static uint32_t standing_of(const struct alloc_req *req)
{
	const struct zonal_task *task = req->task;

	return (task->flags & ZTASK_REALTIME ? ZONAL_CALL_REALTIME : 0) |
	       (task->flags & ZTASK_MEMALLOC ? ZONAL_CALL_MEMALLOC : 0) |
	       (task->flags & ZTASK_NOCMA ? ZONAL_CALL_NOCMA : 0) |
	       (req->in_irq ? ZONAL_CALL_IRQ : 0) |
	       (task_is_victim(task) ? ZONAL_CALL_VICTIM : 0) |
	       (ld_relaxed(&task->unusual) & ZTASK_CONFINED ? ZONAL_CALL_CPUSET : 0);
}

/* The request with all that it went by, for who plays it again; before a group can refuse the
 * page, because that gives it back by a free of its own. */
static ZN_NOINLINE void trace_call(const struct alloc_req *req, const struct page *page)
{
	nodemask_t mask = req->nodemask == NODEMASK_ALL ? 0 : req->nodemask;

	ASSERT(req->order < MAX_ORDER, "order %u", req->order);
	trace(req->mm, CALL_ALLOC, page ? page->pfn : 0, req->order, req->gfp,
	      (uint32_t)req->nid, (uint32_t)mask, (uint32_t)((uint64_t)mask >> 32),
	      standing_of(req));
}

struct page *alloc_request(struct zonal *mm, const struct alloc_ask *ask, gfp_t gfp,
			   unsigned order)
{
	uint32_t refused = request_refused(mm, gfp, order, ask->nid);
	struct page *page = NULL;
	struct alloc_pass pass;
	struct alloc_req req;
	bool somewhere;

	if (unlikely(refused)) {
		if (ZONAL_AIDS)
			failure_refuse(mm, gfp, order, ask->nid, refused);
		return NULL;
	}
	decode(&req, mm, ask, gfp & mm->gfp_allowed, order);
	report_sleep_in_irq(&req);
	request_first_pass(&req, &pass);
	somewhere = pass.preferred < req.list->count;
	if (likely(somewhere)) {
		pass.flags |= flags_nofragment(req.list->ref[pass.preferred].zone);
		page = walk_zones(&req, &pass);
	}
	if (ZONAL_WATERMARKS && unlikely(!page))
		page = alloc_slow(&req, somewhere);
	if (trace_wants(mm, ZONAL_TRACE_CALL_ALLOC))
		trace_call(&req, page);
	if (group_charges(&req))
		page = group_charge_page(&req, page);
	trace(mm, PAGE_ALLOC, page ? page->pfn : 0, order, req.type, req.gfp);
	return page;
}

struct page *zonal_alloc_mask(struct zonal *mm, int nid, gfp_t gfp, unsigned order,
			      const nodemask_t *mask)
{
	struct alloc_ask ask = ask_here(mm);

	if (nid != NODE_NONE)
		ask.nid = nid;
	if (mask && *mask)
		ask.nodemask = *mask;
	return alloc_request(mm, &ask, gfp, order);
}
