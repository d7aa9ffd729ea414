/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for a place in an address space: the policy of the range that it lies in.
 *
 * A range without a policy of its own takes the task's, and a task without one takes the
 * ordinary way, lanes and all. Where there is a policy, two things differ from a request that is
 * for no place (policy.c):
 *
 *	INTERLEAVE goes by place: the n-th node of the set for the n-th page or block, so that a
 *	page that comes a second time comes from where it was; the cursor stays  (Q8)
 *	a huge block is first asked of the local or preferred node alone, without trying hard: pages
 *	nearby are worth more than a huge one far away  (Q15)
 *
 * The policy of a range belongs to the task that asks; nobody else writes it. No lock is held.
 */
#include "policy.h"

#include "lib/assert.h"
#include "alloc.h"

/* The range's policy, or the task's, with the nodes that the task may use. */
static struct policy_view view_of(struct zonal_task *task, struct mempolicy *policy)
{
	struct policy_view view = policy_read(task);

	if (!policy || ld_relaxed(&policy->mode) == MPOL_DEFAULT)
		return view;
	view.mode = ld_relaxed(&policy->mode);
	view.local = ld_relaxed(&policy->local);
	view.nodes = ld_relaxed(&policy->nodes);
	return view;
}

/* Q15: nearby or not at all, and everywhere else only for who would also reclaim. */
static struct page *alloc_huge(struct zonal *mm, const struct alloc_ask *ask, gfp_t gfp,
			       unsigned order)
{
	struct alloc_ask near = *ask;
	struct page *page;

	ASSERT(ask->nid >= 0 && ask->nid < ZONAL_MAX_NODES, "node %d", ask->nid);
	near.nodemask = NODEMASK_ALL;
	page = alloc_request(mm, &near, gfp | __GFP_THISNODE | __GFP_NORETRY, order);
	if (page || !(gfp & __GFP_DIRECT_RECLAIM))
		return page;
	return alloc_request(mm, ask, gfp, order);
}

struct page *zonal_alloc_at(struct zonal *mm, const struct mempolicy *policy, uint64_t index,
			    gfp_t gfp, unsigned order)
{
	struct mempolicy *own = (struct mempolicy *)(uintptr_t)policy;
	struct alloc_ask ask = ask_here(mm);
	bool plain = (!own || ld_relaxed(&own->mode) == MPOL_DEFAULT) &&
		     !(ld_relaxed(&ask.task->unusual) & ZTASK_POLICY);
	struct policy_view view;

	if (order != PAGEBLOCK_ORDER && (plain || ask.in_irq || (gfp & __GFP_THISNODE)))
		return zonal_alloc(mm, gfp, order);
	view = view_of(ask.task, own);
	if (view.mode == MPOL_INTERLEAVE && order < MAX_ORDER) {
		ask.nid = (int)policy_offset_node(view.nodes, index, order);
		return policy_alloc_interleave(mm, &ask, gfp, order);
	}
	if (view.mode == MPOL_PREFERRED && !view.local)
		ask.nid = (int)nodemask_first(view.nodes);
	if (view.mode == MPOL_BIND)
		ask.nodemask = policy_bind_mask(mm, &view, gfp);
	if (order == PAGEBLOCK_ORDER && nodemask_has(ask.nodemask, (unsigned)ask.nid))
		return alloc_huge(mm, &ask, gfp, order);
	return alloc_request(mm, &ask, gfp, order);
}

void zonal_policy_rebind(struct mempolicy *policy, nodemask_t from, nodemask_t to)
{
	policy_rebind(policy, from, to);
}
