/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Direct reclaim: a request that found nothing frees memory itself.
 *
 * It wants 32 pages (K11), from any node that it may use: each is shrunk once a round, at
 * priorities 12 to 0, until the pages are there. If active lists were spared on the way and all
 * was in vain, once more without sparing them. Zones that the task's cpuset does not allow are
 * passed over: freeing there would not help it. So are zones that have free memory enough for a
 * costly block, if only it lay together: that is compaction's work, and counts as progress.
 *
 * For a memory group that is full it is the same (Z6), with the group's pages alone, of all nodes
 * from the CPU's own on, whatever zones and cpusets say: it is not free memory that it lacks.
 *
 * Who does so works for reclaim meanwhile (ZTASK_MEMALLOC), so that what its owners' callbacks
 * allocate may use the reserves and does not come here again (L15); afterwards the task is what it
 * was before (L19).
 *
 * Before that, a user's task waits while the reserves are half gone (K12): they are for those
 * who free memory, and with many tasks at once nothing would be left for them.
 *
 * Context: a task that may wait, no lock held.
 */
#include "direct.h"

#include "kswapd.h"
#include "lib/assert.h"
#include "mm/compact/rung.h"
#include "mm/cpuset.h"
#include "mm/group.h"
#include "mm/wake.h"
#include "mm/trace.h"
#include "mm/watermark.h"
#include "reclaim.h"
#include "scan.h"

uint64_t zone_reclaimable(struct zone *zone)
{
	struct node *node = zone->mm->node[zone->node];
	uint64_t sum = 0;

	for (unsigned list = 0; list < LRU_LISTS; list++)
		if (lru_kind(list) == ZONAL_CACHE || swap_has_room(zone->mm))
			sum += lru_zone_size(node, list, zone->type);
	return sum;
}

static unsigned may_of_gfp(gfp_t gfp)
{
	return ZONAL_MAY_WAIT | ZONAL_MAY_UNMAP | (gfp & __GFP_IO ? ZONAL_MAY_WRITE : 0) |
	       (gfp & __GFP_FS ? ZONAL_MAY_FS : 0);
}

/* Z6: any node's pages will do, for it is not a node that is short. */
static void group_round(struct scan *s, const struct alloc_req *req)
{
	const struct zonelist *list = &s->mm->node[ask_here(s->mm).nid]->fallback;
	const struct node *last = NULL;

	ASSERT(s->group && s->high_zone == ZONE_MOVABLE, "gfp 0x%x: of no group", req->gfp);
	for (unsigned i = 0; i < list->count; i++) {
		struct node *node = s->mm->node[list->ref[i].node];

		if (node != last)
			shrink_node(s, node);
		last = node;
	}
}

/* Every node of the request once. */
static void direct_round(struct scan *s, const struct alloc_req *req,
			 const struct alloc_pass *pass)
{
	const struct node *last = NULL;

	for (unsigned i = 0; i < req->list->count; i++) {
		const struct zoneref *ref = &req->list->ref[i];
		struct node *node = req->mm->node[ref->node];

		if (ref->type > req->high_zone || !nodemask_has(pass->nodemask, ref->node) ||
		    !cpuset_allows(req, pass, ref->node))
			continue;
		if (req->order > COSTLY_ORDER && compact_allowed(pass->gfp) &&
		    compact_ready(ref->zone, req->order, req->high_zone)) {
			s->compact_ready = true;
			continue;
		}
		if (node == last)
			continue;
		last = node;
		shrink_node(s, node);
	}
}

static void direct_priorities(struct scan *s, const struct alloc_req *req,
			      const struct alloc_pass *pass)
{
	for (int priority = RECLAIM_PRIORITY; priority >= 0; priority--) {
		s->priority = (unsigned)priority;
		if (s->group)
			group_round(s, req);
		else
			direct_round(s, req, pass);
		if (s->reclaimed >= s->target || s->compact_ready)
			break;
	}
}

/* All priorities, and if active lists were spared and all was in vain, once more. */
static void direct_rounds(struct scan *s, const struct alloc_req *req,
			  const struct alloc_pass *pass)
{
	struct zonal_task *task = (struct zonal_task *)(uintptr_t)req->task;

	task->flags |= ZTASK_MEMALLOC;
	direct_priorities(s, req, pass);
	if (!s->reclaimed && s->skipped_deactivate) {
		s->force_deactivate = true;
		direct_priorities(s, req, pass);
	}
	task->flags &= ~ZTASK_MEMALLOC;
}

/* K12: are the reserves of the nearest node more than half there? */
static bool reserves_left(struct node *node)
{
	int64_t free = 0, reserve = 0;

	for (unsigned t = 0; t <= ZONE_NORMAL; t++) {
		struct zone *zone = &node->zone[t];

		if (!zone_managed(zone) || !zone_reclaimable(zone))
			continue;
		reserve += ld_relaxed(&zone->mark[WMARK_MIN]) + ld_relaxed(&zone->boost);
		free += ld_relaxed(&zone->free);
	}
	return !reserve || free > reserve / 2;
}

static void throttle(const struct alloc_req *req, const struct alloc_pass *pass)
{
	unsigned naps = 0, most = pass->gfp & __GFP_FS ? 100 : 10; /* tenths of a second */
	struct node *node;

	if (!(req->task->flags & ZTASK_USER) || task_is_victim(req->task) ||
	    pass->preferred >= req->list->count)
		return;
	node = req->mm->node[req->list->ref[pass->preferred].node];
	while (!reserves_left(node) && naps < most && port_nap &&
	       ld_relaxed(&node->reclaim.failures) < KSWAPD_HOPELESS) {
		if (!naps++)
			mm_event(req->mm, EVENT_PGSCAN_DIRECT_THROTTLE, 1);
		kswapd_ask(req->mm, node, 0, ZN_MIN((unsigned)req->high_zone, ZONE_NORMAL),
			   pass->gfp);
		reclaim_nap(RECLAIM_NAP_NS);
	}
}

uint64_t reclaim_group(const struct alloc_req *req, const struct zonal_group *group,
		       uint64_t pages)
{
	gfp_t gfp = task_scope_gfp(req->task, req->gfp);
	struct scan s = { .mm = req->mm,
			  .group = group,
			  .gfp = gfp,
			  .high_zone = ZONE_MOVABLE,
			  .target = ZN_MAX(pages, (uint64_t)RECLAIM_BATCH),
			  .may = may_of_gfp(gfp),
			  .may_swap = true };

	ASSERT(!req->in_irq && !(req->task->flags & ZTASK_MEMALLOC),
	       "gfp 0x%x: who works for reclaim asks for more", req->gfp);
	trace(req->mm, GROUP_BEGIN, 0, gfp);
	direct_rounds(&s, req, NULL);
	trace(req->mm, GROUP_END, (uint32_t)s.reclaimed);
	fetch_add_relaxed(&((struct zonal_group *)(uintptr_t)group)->reclaimed, s.reclaimed);
	return s.reclaimed;
}

uint64_t reclaim_direct(const struct alloc_req *req, const struct alloc_pass *pass,
			uint64_t *scanned)
{
	struct scan s = { .mm = req->mm,
			  .high_zone = req->high_zone,
			  .target = RECLAIM_BATCH,
			  .order = req->order,
			  .gfp = pass->gfp,
			  .may = may_of_gfp(pass->gfp),
			  .may_swap = true };

	ASSERT(!req->in_irq && !(req->task->flags & ZTASK_MEMALLOC),
	       "gfp 0x%x: who works for reclaim asks for more", pass->gfp);
	throttle(req, pass);
	mm_event(req->mm, EVENT_ALLOCSTALL_DMA + req->high_zone, 1);
	trace(req->mm, RECLAIM_BEGIN, req->order, pass->gfp);
	direct_rounds(&s, req, pass);
	trace(req->mm, RECLAIM_END, (uint32_t)s.reclaimed);
	*scanned += s.scanned;
	return s.reclaimed ? s.reclaimed : s.compact_ready;
}
