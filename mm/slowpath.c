/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slow path: a ladder of what may still be tried when every zone said no.
 *
 *	1  again at MIN instead of LOW, with what the flags add: HIGH, HARDER     (L1)
 *	2  the reserves: no watermark at all for who works for reclaim            (L7)
 *	   and, without a cpuset to keep to, the whole list without the nodemask  (L8)
 *	3  kswapd, direct reclaim, direct compaction, OOM: the steps are here, in
 *	   their order and by their names, and each reports "no progress" until its
 *	   own issue builds it; so a request that comes this far fails
 *	4  what was set aside for others: the boost of the marks, then the highatomic reserve,
 *	   block by block, if the request may wait and insist (H5)
 *	5  the reason goes on record
 *
 * 5.10 wakes kswapd before step 1 and compacts early between 1 and 2; with no
 * progress to be had the order of the passes over the free lists is what shows,
 * and that is kept.
 *
 * Each rung either returns a page or falls to the next; the ladder is climbed once, and
 * again if the nodemask was one that the task's cpuset does not allow (L10), or if
 * the allowed nodes have changed meanwhile (L9), so every request ends. The caller's gfp and
 * nodemask are in force here again, not those that a cpuset narrowed for the first pass
 * (F9); NOIO and NOFS scopes of the task apply from here on, since only reclaim would
 * do I/O (G6).
 */
#include "alloc.h"

#include "lib/assert.h"
#include "cpuset.h"
#include "mobility.h"
#include "watermark.h"

/* L3: above this order a request is not worth everything. */
#define COSTLY_ORDER 3

/* L2: ATOMIC means "cannot wait"; with DIRECT_RECLAIM it means nothing. G6: scopes. */
static gfp_t slow_gfp(const struct alloc_req *req)
{
	gfp_t gfp = req->gfp;

	if ((gfp & __GFP_ATOMIC) && (gfp & __GFP_DIRECT_RECLAIM))
		gfp &= ~__GFP_ATOMIC;
	if (req->task->flags & ZTASK_NOIO)
		return gfp & ~(__GFP_IO | __GFP_FS);
	if (req->task->flags & ZTASK_NOFS)
		return gfp & ~__GFP_FS;
	return gfp;
}

/* L1 */
static unsigned flags_of_gfp(const struct alloc_req *req, gfp_t gfp)
{
	unsigned flags = WMARK_MIN | ALLOC_CPUSET;

	flags |= gfp & (ALLOC_HIGH | ALLOC_KSWAPD);
	if (gfp & __GFP_ATOMIC) {
		if (!(gfp & __GFP_NOMEMALLOC))
			flags |= ALLOC_HARDER;
		flags &= ~ALLOC_CPUSET;
	} else if ((req->task->flags & ZTASK_REALTIME) && !req->in_irq) {
		flags |= ALLOC_HARDER;
	}
	return flags | request_cma_flag(req);
}

/* L7: what a worker for reclaim may take; 0: nothing beyond its flags. */
static unsigned reserve_flags(const struct alloc_req *req, gfp_t gfp)
{
	if (gfp & __GFP_NOMEMALLOC)
		return 0;
	if (gfp & __GFP_MEMALLOC)
		return ALLOC_NO_WATERMARKS;
	if ((req->task->flags & ZTASK_MEMALLOC) && !req->in_irq)
		return ALLOC_NO_WATERMARKS;
	return 0;
}

/* K2: is some zone of the node above HIGH for such a request? */
static bool node_balanced(const struct node *node, const struct alloc_req *req)
{
	for (unsigned t = 0; t <= req->high_zone; t++) {
		struct zone *zone = req->mm->zone[node->zone[t].id];

		if (zone && zone_managed(zone) &&
		    zone_mark_ok(zone, req->order, zone_mark(zone, WMARK_HIGH), req->high_zone, 0))
			return true;
	}
	return false;
}

/* K2: the boost of a zone is a reason by itself. */
static bool node_boosted(const struct node *node, const struct alloc_req *req)
{
	for (unsigned t = 0; t <= req->high_zone; t++)
		if (req->mm->zone[node->zone[t].id] &&
		    ld_relaxed(&req->mm->zone[node->zone[t].id]->boost))
			return true;
	return false;
}

/*
 * L4: once for each node of the request that lacks memory or is boosted. 5.10 looks again at
 * its next try, but by then has woken it. Counted where we run now: the task may
 * have moved since the request began.
 */
static void kswapd_wake(const struct alloc_req *req, const struct alloc_pass *pass)
{
	const struct node *last = NULL;
	unsigned wakes = 0;
	port_irqflags_t irq;

	for (unsigned i = pass->preferred; i < req->list->count; i++) {
		const struct zoneref *ref = &req->list->ref[i];
		const struct node *node = req->mm->node[ref->node];

		if (node == last || ref->type > req->high_zone ||
		    !nodemask_has(pass->nodemask, ref->node) ||
		    !cpuset_allows(req, pass, ref->node))
			continue;
		last = node;
		wakes += !node_balanced(node, req) || node_boosted(node, req);
	}
	irq = port_irq_save();
	own_add(&mm_this_cpu(req->mm)->kswapd_wakes, wakes);
	port_irq_restore(irq);
}

/* The steps that need reclaim; see the essay. Each returns whether it made progress, which
 * none can before it is built. */
static bool reclaim_direct(const struct alloc_req *req)
{
	(void)req;
	return false;
}

static bool compact_direct(const struct alloc_req *req)
{
	(void)req;
	return false;
}

static bool oom_make_room(const struct alloc_req *req)
{
	(void)req;
	return false;
}

/* L11: a hardwalled request that its cpuset can never serve fails at once. */
static bool cpuset_insane(const struct alloc_req *req, const struct alloc_pass *pass)
{
	return pass->cpuset != NODEMASK_ALL && (pass->gfp & __GFP_HARDWALL) &&
	       first_zone(req, pass->cpuset) >= req->list->count;
}

/* L3 behind the free lists: who may wait tries to make room, in this order. */
static uint32_t try_to_make_room(const struct alloc_req *req, gfp_t gfp)
{
	uint32_t steps = 0;

	if (!(gfp & __GFP_DIRECT_RECLAIM) || (req->task->flags & ZTASK_MEMALLOC))
		return 0;
	steps |= ZSTEP_RECLAIM;
	if (!reclaim_direct(req))
		steps |= ZSTEP_COMPACT;
	if (!compact_direct(req) && !(gfp & __GFP_NORETRY))
		steps |= ZSTEP_OOM;
	if (steps & ZSTEP_OOM)
		oom_make_room(req);
	return steps;
}

/* L3: who goes on after a round of reclaim that found nothing, to the last reserve. */
static bool may_insist(const struct alloc_req *req, const struct alloc_pass *pass)
{
	bool costly = req->order > COSTLY_ORDER && !(pass->gfp & __GFP_RETRY_MAYFAIL);

	return (pass->gfp & __GFP_DIRECT_RECLAIM) && !(pass->gfp & __GFP_NORETRY) && !costly &&
	       !(req->task->flags & ZTASK_MEMALLOC) && !cpuset_insane(req, pass);
}

/* What was set aside for others, before failing: the boost, which kswapd would have taken
 * back by now (S8), then one block of the highatomic reserve (H5). */
static bool take_back(const struct alloc_req *req, const struct alloc_pass *pass)
{
	struct alloc_req within = *req;
	bool had = false;

	for (unsigned i = pass->preferred; i < req->list->count; i++) {
		const struct zoneref *ref = &req->list->ref[i];

		if (ref->type <= req->high_zone && nodemask_has(pass->nodemask, ref->node))
			had |= zone_unboost(ref->zone);
	}
	within.nodemask = pass->nodemask;
	return had || highatomic_unreserve(&within, true);
}

/* Rung 2. */
static struct page *take_from_reserves(const struct alloc_req *req, struct alloc_pass *pass,
				       uint32_t *steps)
{
	unsigned reserves = reserve_flags(req, pass->gfp);

	if (!reserves && (pass->flags & ALLOC_CPUSET))
		return NULL; /* the same pass again would see the same */
	if (reserves)
		pass->flags = reserves | request_cma_flag(req);
	pass->nodemask = NODEMASK_ALL;
	pass->preferred = first_zone(req, NODEMASK_ALL);
	*steps |= ZSTEP_RESERVES;
	return walk_zones(req, pass);
}

/* The rungs from 1 to 3. */
static struct page *climb(const struct alloc_req *req, struct alloc_pass *pass, uint32_t *steps)
{
	struct page *page;

	ASSERT(pass->cpuset || pass->nodemask, "gfp 0x%x", pass->gfp);
	cpuset_read(req, pass);
	pass->flags = flags_of_gfp(req, pass->gfp);
	pass->preferred = first_zone(req, pass->nodemask);
	if (pass->preferred >= req->list->count || cpuset_insane(req, pass))
		return NULL;
	*steps |= ZSTEP_MIN;
	if (pass->flags & ALLOC_KSWAPD) {
		kswapd_wake(req, pass);
		*steps |= ZSTEP_KSWAPD;
	}
	page = walk_zones(req, pass);
	if (!page)
		page = take_from_reserves(req, pass, steps);
	if (!page)
		*steps |= try_to_make_room(req, pass->gfp);
	return page;
}

/* L10: within a cpuset, a nodemask without any allowed node cannot be meant. L9: allowed nodes
 * that changed meanwhile may have something. */
static bool climb_again(const struct alloc_req *req, struct alloc_pass *pass)
{
	if (pass->cpuset != NODEMASK_ALL && pass->nodemask != NODEMASK_ALL &&
	    !(pass->nodemask & pass->cpuset & req->mm->has_memory)) {
		pass->nodemask = NODEMASK_ALL;
		return true;
	}
	return cpuset_changed(req, pass);
}

struct page *alloc_slow(const struct alloc_req *req, bool walked)
{
	struct alloc_pass pass = { .gfp = slow_gfp(req), .nodemask = req->nodemask };
	uint32_t steps = walked ? ZSTEP_FAST : 0;
	struct page *page;

	ASSERT(pass.nodemask, "no node allowed, gfp 0x%x", req->gfp);
	do
		page = climb(req, &pass, &steps);
	while (!page && climb_again(req, &pass));
	/* Each round has a boost or a reserved page less than the one before. */
	while (!page && may_insist(req, &pass) && take_back(req, &pass))
		page = walk_zones(req, &pass);
	if (!page)
		failure_record(req, &pass, steps);
	return page;
}
