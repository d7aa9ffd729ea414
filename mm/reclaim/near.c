/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the walk over the zones asks of reclaim, node by node: spread and node reclaim.
 *
 * Spread (G12). A request that says its page will be dirtied (__GFP_WRITE) passes over nodes whose
 * dirty pages are a fifth of what could be dirty there: free pages beyond the reserve, and
 * cache. So a writer does not fill the nearest node with pages that reclaim must write first.
 * Only the first walk looks; where all nodes are full of them, the nearest is as good as any.
 *
 * Node reclaim (K15-K17), off by default: a zone no farther than 30 that failed its mark is
 * reclaimed at once, from priority 4 on, before the walk goes on to a farther one. Only by who
 * may wait; a node with CPUs only by them; by one task at a time; and only if more than 1 % of the
 * node is cache that may go by the mode's bits: clean pages, unless it may write.
 *
 * No lock is held. The task works for reclaim meanwhile (L15, L19).
 */
#include "lib/assert.h"
#include "mm/trace.h"
#include "mm/watermark.h"
#include "reclaim.h"
#include "scan.h"

#define DIRTY_PERCENT 20u       /* vm_dirty_ratio */
#define NEAR_DISTANCE 30u       /* C6: RECLAIM_DISTANCE */
#define NEAR_PRIORITY 4         /* K17 */
#define MIN_UNMAPPED_PERCENT 1u /* K16 */

static uint64_t node_managed(struct node *node)
{
	uint64_t sum = 0;

	for (unsigned t = 0; t < ZONE_TYPES; t++)
		sum += (uint64_t)zone_managed(&node->zone[t]);
	return sum;
}

static uint64_t node_cache(struct node *node)
{
	return lru_size(node, LRU_INACTIVE_CACHE, ZONE_MOVABLE) +
	       lru_size(node, LRU_ACTIVE_CACHE, ZONE_MOVABLE);
}

/* What could be dirty at most. */
static uint64_t node_dirtyable(struct node *node)
{
	uint64_t free = 0;

	for (unsigned t = 0; t < ZONE_TYPES; t++)
		free += (uint64_t)ZN_MAX(ld_relaxed(&node->zone[t].free), 0);
	return free - ZN_MIN(free, node->total_reserve) + node_cache(node);
}

bool node_takes_dirty(struct zonal *mm, unsigned nid)
{
	struct node *node = mm->node[nid];
	struct lru *lru = &node->reclaim.lru;

	return count_of(&lru->dirty) + count_of(&lru->writing) <=
	       node_dirtyable(node) * DIRTY_PERCENT / 100;
}

/* K16: is there enough that may go? */
static bool worth_a_look(struct zonal *mm, struct node *node)
{
	uint64_t cache = node_cache(node), dirty = count_of(&node->reclaim.lru.dirty);

	if (!(ld_relaxed(&mm->reclaim_mode) & ZONAL_RECLAIM_WRITE))
		cache -= ZN_MIN(cache, dirty);
	return cache > node_managed(node) * MIN_UNMAPPED_PERCENT / 100;
}

static bool node_has_cpus(const struct zonal *mm, unsigned nid)
{
	for (unsigned c = 0; c < mm->cpu_count; c++)
		if (mm->cpu[c] && mm->cpu[c]->node == nid && ld_relaxed(&mm->cpu[c]->online))
			return true;
	return false;
}

/* K16: may this request reclaim this node at all? */
static bool may_reclaim_near(const struct alloc_req *req, const struct alloc_pass *pass,
			     const struct node *node)
{
	if (req->in_irq || !(pass->gfp & __GFP_DIRECT_RECLAIM) ||
	    (req->task->flags & ZTASK_MEMALLOC))
		return false;
	return ask_here(req->mm).nid == node->id || !node_has_cpus(req->mm, node->id);
}

/* K17. False: fewer pages came free than the request wants. */
static bool reclaim_near(const struct alloc_req *req, struct node *node)
{
	struct zonal_task *task = (struct zonal_task *)(uintptr_t)req->task;
	unsigned mode = ld_relaxed(&req->mm->reclaim_mode);
	uint64_t want = 1ull << req->order;
	struct scan s = { .mm = req->mm,
			  .high_zone = req->high_zone,
			  .target = ZN_MAX(want, (uint64_t)RECLAIM_BATCH),
			  .order = req->order,
			  .gfp = req->gfp,
			  .may = ZONAL_MAY_WAIT | ZONAL_MAY_FS |
				 (mode & ZONAL_RECLAIM_WRITE ? ZONAL_MAY_WRITE : 0) |
				 (mode & ZONAL_RECLAIM_UNMAP ? ZONAL_MAY_UNMAP : 0),
			  .may_swap = true };

	ASSERT(mode && !req->in_irq, "mode %u", mode);
	task->flags |= ZTASK_MEMALLOC;
	trace(req->mm, NEAR_BEGIN, node->id, req->order, req->gfp);
	for (int priority = NEAR_PRIORITY; priority >= 0 && s.reclaimed < want; priority--) {
		s.priority = (unsigned)priority;
		shrink_node(&s, node);
	}
	trace(req->mm, NEAR_END, (uint32_t)s.reclaimed);
	task->flags &= ~ZTASK_MEMALLOC;
	return s.reclaimed >= want;
}

bool node_reclaim_helps(const struct alloc_req *req, const struct alloc_pass *pass, unsigned i)
{
	const struct zoneref *ref = &req->list->ref[i];
	struct node *node = req->mm->node[ref->node];
	unsigned from = req->list->ref[pass->preferred].node;

	if (likely(!ld_relaxed(&req->mm->reclaim_mode)) ||
	    req->mm->distance[from][ref->node] > NEAR_DISTANCE ||
	    !may_reclaim_near(req, pass, node) || !worth_a_look(req->mm, node))
		return false;
	/* One at a time; who comes second goes on to the next node. */
	if (atomic_exchange_explicit(&node->reclaim.near, 1, memory_order_acquire))
		return false;
	if (!reclaim_near(req, node))
		mm_event(req->mm, EVENT_ZONE_RECLAIM_FAILED, 1);
	st_release(&node->reclaim.near, 0);
	return zone_request_ok(ref->zone, req, pass);
}
