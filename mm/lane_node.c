/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lane for single pages of a given node: the one that the caller names (zonal_alloc_node), or
 * that the task's policy leads to.
 *
 *	PREFERRED   the node of the policy                      (Q3)
 *	BIND        of the set the one nearest to the CPU       (Q4)
 *	INTERLEAVE  the next of the set; the cursor moves only if the lane serves  (Q6)
 *
 * The list of each node begins with one of its own zones, or leads elsewhere at once
 * (node.lane, set once). If it is the former, and that zone is above its LOW mark, and this CPU has
 * a page of it, then the ladder would give that page: the zone is the preferred one, so it
 * is a hit (Y2), local or not as the CPU lies. Whatever else there is, a gate, a cpuset, a
 * group, an interrupt, an empty list, goes the ladder's way, and nothing has changed.
 *
 * Masked from the look at the policy to the count: the policy is that of the task that runs on
 * this CPU, and a change from elsewhere is seen whole (policy_read).
 */
#include "lane.h"

#include "policy.h"

struct page *lane_clear(struct zonal *mm, struct page *page)
{
	mm->clear(mm->ctx, page->pfn, 1);
	return page;
}

/* Of the nodes of a bind set the first in the CPU's order. */
static unsigned nearest_node(const struct zonal *mm, unsigned nid, nodemask_t nodes)
{
	const struct node *node = mm->node[nid];

	ASSERT(nodes, "a bind set of no node, node %u", nid);
	for (unsigned i = 0; i < node->order_count; i++)
		if (nodemask_has(nodes, node->order[i]))
			return node->order[i];
	return nid;
}

/* The node that the policy of this CPU's task leads to. */
static unsigned policy_node(const struct zonal *mm, const struct policy_view *view, unsigned here,
			    const struct zonal_task *task, gfp_t gfp)
{
	if (view->mode == MPOL_INTERLEAVE)
		return policy_interleave_peek(task, view->nodes);
	if (view->mode == MPOL_PREFERRED && !view->local)
		return nodemask_first(view->nodes);
	if (view->mode == MPOL_BIND)
		return nearest_node(mm, here, policy_bind_mask(mm, view, gfp));
	return here;
}

/* A page that this CPU holds of the first zone of the node's list; NULL: the lane is not open.
 * Masked. */
static inline struct page *node_take(struct zonal *mm, const struct mm_cpu *cpu, unsigned nid,
				     gfp_t gfp, struct pcp **pcp)
{
	struct zone *zone = mm->node[nid]->lane[lane_twice(gfp) / 2];
	unsigned type = (unsigned)lane_type(gfp);

	DASSERT_MASKED();
	if (unlikely(!zone) || unlikely(type == MIGRATE_PCPTYPES) ||
	    !zone_lane_ok(zone, lane_twice(gfp), type == MIGRATE_MOVABLE))
		return NULL;
	*pcp = &cpu->pcp[zone->id];
	if (unlikely(!pcp_has(*pcp, type)))
		return NULL;
	own_add(&(*pcp)->stat[nid == cpu->node ? STAT_HIT_LOCAL : STAT_HIT_OTHER], 1);
	return pcp_pop(*pcp, type);
}

/* By the policy of the task. */
static struct page *policy_lane(struct zonal *mm, gfp_t gfp)
{
	port_irqflags_t irq = port_irq_save();
	const struct port_cpu *here = port_this_cpu();
	struct mm_cpu *cpu = mm_cpu(mm, here->id);
	struct zonal_task *task = here->task;
	struct policy_view view;
	struct page *page = NULL;
	struct pcp *pcp;
	unsigned nid;

	if (here->irq_depth || lane_unusual(mm, task) != ZTASK_POLICY ||
	    ((gfp & __GFP_MOVABLE) && (task->flags & ZTASK_NOCMA)))
		goto out;
	view = policy_read(task);
	nid = policy_node(mm, &view, cpu->node, task, gfp);
	page = node_take(mm, cpu, nid, gfp, &pcp);
	if (page && view.mode == MPOL_INTERLEAVE) {
		own_add(&pcp->stat[STAT_INTERLEAVE], 1);
		task->il_prev = (uint8_t)nid;
	}
out:
	port_irq_restore(irq);
	return page;
}

struct page *lane_elsewhere(struct zonal *mm, gfp_t gfp)
{
	struct page *page = ZONAL_POLICY ? policy_lane(mm, gfp) : NULL;

	return page ? lane_finish(mm, page, gfp) : alloc_by_policy(mm, gfp, 0);
}

/* From the list of node `nid`, whatever the policy. */
static struct page *node_lane(struct zonal *mm, int nid, gfp_t gfp)
{
	port_irqflags_t irq = port_irq_save();
	const struct port_cpu *here = port_this_cpu();
	struct mm_cpu *cpu = mm_cpu(mm, here->id);
	struct page *page = NULL;
	struct pcp *pcp;

	if (likely(!here->irq_depth) && likely(!(lane_unusual(mm, here->task) & ~ZTASK_POLICY)) &&
	    (likely(!(gfp & __GFP_MOVABLE)) || !(here->task->flags & ZTASK_NOCMA)))
		page = node_take(mm, cpu, (unsigned)nid, gfp, &pcp);
	port_irq_restore(irq);
	return page;
}

struct page *zonal_alloc_node(struct zonal *mm, int nid, gfp_t gfp, unsigned order)
{
	struct page *page = NULL;

	if (ZONAL_LANES && likely(!order) && likely(!(gfp & mm->unusual)) && nid >= 0 &&
	    nid < ZONAL_MAX_NODES && likely(mm->node[nid]))
		page = node_lane(mm, nid, gfp);
	return likely(page) ? lane_finish(mm, page, gfp) :
			      zonal_alloc_mask(mm, nid, gfp, order, NULL);
}
