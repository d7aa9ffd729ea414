/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walk over the zones of a request's list (rows F).
 *
 * Zones in fallback order, from the preferred one on. A zone is passed over if its node is
 * not in the nodemask, not in the cpuset (F5), or if its watermark says no (F6). On
 * a board with a DMA32 zone under NORMAL, the first walk avoids taking blocks of other
 * mobility (NOFRAGMENT, F2), but gives that up before it would leave the local node (F3),
 * and walks once more without it (F4): locality and success are worth more than order.
 *
 * A first walk for a page that will be dirtied passes over nodes that have dirty pages enough
 * (G12). A zone that says no and has pages that are not initialised yet gets some of them first
 * (F6, F7). A near zone that says no may be reclaimed on the spot, if that was turned on (K15).
 *
 * No lock is held here; each zone's own test and take stand for themselves.
 */
#include "alloc.h"

#include "lib/assert.h"
#include "cpuset.h"
#include "deferred.h"
#include "mobility.h"
#include "reclaim/reclaim.h"
#include "take.h"
#include "watermark.h"

uint16_t first_zone(const struct alloc_req *req, nodemask_t nodemask)
{
	const struct zonelist *list = req->list;
	uint16_t i = list->first[req->high_zone];

	DASSERT(req->high_zone < ZONE_TYPES, "zone type %u", req->high_zone);
	while (i < list->count && (list->ref[i].type > req->high_zone ||
				   !nodemask_has(nodemask, list->ref[i].node)))
		i++;
	return i;
}

static bool zone_allows(struct zone *zone, const struct alloc_req *req,
			const struct alloc_pass *pass)
{
	unsigned flags = pass->flags;

	if (!ZONAL_WATERMARKS)
		return true;
	/* What lowers the mark is for later passes, and what passes here would pass there too. */
	if (req->order == 0 && (flags & ALLOC_WMARK_MASK) == WMARK_LOW &&
	    zone_quick_ok(zone, req->high_zone, flags & ALLOC_CMA))
		return true;
	return zone_request_ok(zone, req, pass) || deferred_grow(zone, req->order) ||
	       (flags & ALLOC_NO_WATERMARKS);
}

static struct page *take_and_prepare(struct zone *zone, const struct alloc_req *req,
				     const struct alloc_pass *pass)
{
	struct page *page = zone_take(zone, req, pass);

	if (!page)
		return NULL;
	DASSERT(page_state(page) == PAGE_INNER || page_state(page) == PAGE_PCP,
		"pfn 0x%x taken with word 0x%x", page->pfn, page_word(page));
	take_prepare(zone, page, req, pass);
	if (ZONAL_MOBILITY && unlikely(req->order && (pass->flags & ALLOC_HARDER)))
		highatomic_reserve(zone, page);
	return page;
}

static struct page *walk_once(const struct alloc_req *req, const struct alloc_pass *pass)
{
	const struct zonelist *list = req->list;
	bool stay = ZONAL_MOBILITY && (pass->flags & ALLOC_NOFRAGMENT) &&
		    req->mm->node_count > 1;

	for (unsigned i = pass->preferred; i < list->count; i++) {
		const struct zoneref *ref = &list->ref[i];
		struct page *page;

		if (ref->type > req->high_zone || !nodemask_has(pass->nodemask, ref->node))
			continue;
		if ((pass->flags & ALLOC_CPUSET) && !cpuset_allows(req, pass, ref->node))
			continue;
		if (stay && ref->node != list->ref[pass->preferred].node)
			return NULL;
		if (unlikely(pass->flags & ALLOC_SPREAD) && !node_takes_dirty(req->mm, ref->node))
			continue;
		if (!zone_allows(ref->zone, req, pass) && !node_reclaim_helps(req, pass, i))
			continue;
		do
			page = take_and_prepare(ref->zone, req, pass);
		while (!page && deferred_grow(ref->zone, req->order)); /* F7 */
		if (page)
			return page;
	}
	return NULL;
}

struct page *walk_zones(const struct alloc_req *req, const struct alloc_pass *pass)
{
	struct page *page = walk_once(req, pass);
	struct alloc_pass again;

	ASSERT(pass->preferred < req->list->count, "zone %u of %u, node %d", pass->preferred,
	       req->list->count, req->nid);
	if (likely(page) || !ZONAL_MOBILITY || !(pass->flags & ALLOC_NOFRAGMENT))
		return page;
	/* F3 and F4 come to the same: once more, without the wish. */
	again = *pass;
	again.flags &= ~ALLOC_NOFRAGMENT;
	return walk_once(req, &again);
}
