/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An independent predictor: which zone must serve a request, or none.
 *
 * It is written from the rows F, G, L, Q, W and Z of the behaviour table, in the
 * plainest form: no zonelist (the order of nodes is worked out from the distances
 * for each request), no fast path, no early outs. Marks and reserves are those in
 * the zone; verify.c holds them against the rows S by itself. Whether a zone can
 * give a block once it has passed is read from the lengths of its lists.
 *
 * A request is up to three passes over the zones:
 *	1. at LOW, not mixing migratetypes if the board allows that (F1-F4);
 *	2. at MIN, with what the flags allow (L1);
 *	3. the same after reserve flags (L7), or without node mask (L8).
 */
#include "model.h"

#define A_MIN 0u
#define A_LOW 1u
#define A_MARK 3u
#define A_NO_MARKS 4u
#define A_HARDER 0x10u
#define A_HIGH 0x20u
#define A_CPUSET 0x40u
#define A_CMA 0x80u
#define A_NOFRAGMENT 0x100u

/* The request as the zones see it. */
struct pass {
	struct model *m;
	gfp_t gfp;
	unsigned order;
	enum zone_type limit;
	enum migratetype type;
	unsigned start;      /* node */
	bool this_node;
	nodemask_t mask;     /* 0: none */
	nodemask_t mems;
	bool confined;       /* mems leave out some node with memory */
	bool irq, exiting;
	uint32_t flags;
	struct zone *list[M_ZIDS];
	unsigned count;
};

enum zone_type walk_limit(gfp_t gfp)
{
	if (gfp & __GFP_DMA)
		return ZONE_DMA;
	if (gfp & __GFP_DMA32)
		return ZONE_DMA32;
	if ((gfp & (__GFP_HIGHMEM | __GFP_MOVABLE)) == (__GFP_HIGHMEM | __GFP_MOVABLE))
		return ZONE_MOVABLE;
	return ZONE_NORMAL;
}

static enum migratetype type_of(const struct model *m, gfp_t gfp)
{
	if (ld_relaxed(&m->mm->gates) & GATE_NO_GROUPING)
		return MIGRATE_UNMOVABLE;
	if (gfp & __GFP_MOVABLE)
		return MIGRATE_MOVABLE;
	return gfp & __GFP_RECLAIMABLE ? MIGRATE_RECLAIMABLE : MIGRATE_UNMOVABLE;
}

static bool node_has_memory(const struct model *m, unsigned n)
{
	for (unsigned i = 0; i < m->info.range_count; i++)
		if (m->info.range[i].nid == (int)n)
			return true;
	return false;
}

/*
 * Rows N1, N2. The loads of all nodes depend on the lists of the nodes before, so
 * every list is worked out, in id order, until the one wanted is there.
 */
static unsigned order_nodes(const struct model *m, unsigned wanted, unsigned *order)
{
	unsigned load[ZONAL_MAX_NODES] = { 0 }, online = nodemask_count(m->info.nodes), count = 0;

	for (unsigned from = 0; from <= wanted; from++) {
		nodemask_t used = node_bit(from);
		unsigned left = online, before = from;

		if (!nodemask_has(m->info.nodes, from))
			continue;
		count = 0;
		order[count++] = from;
		for (;;) {
			unsigned best = ZONAL_MAX_NODES;
			uint64_t best_cost = UINT64_MAX;

			left--;
			for (unsigned n = 0; n < ZONAL_MAX_NODES; n++) {
				uint64_t cost = m->info.distance[from][n] + (n < from ? 1u : 0u);

				cost = cost * online * ZONAL_MAX_NODES + load[n];
				if (!nodemask_has(m->info.nodes & ~used, n) ||
				    !node_has_memory(m, n) || cost >= best_cost)
					continue;
				best = n;
				best_cost = cost;
			}
			if (best == ZONAL_MAX_NODES)
				break;
			if (m->info.distance[from][best] != m->info.distance[from][before])
				load[best] = left;
			used |= node_bit(best);
			order[count++] = best;
			before = best;
		}
	}
	return count;
}

static void list_zones(struct pass *p)
{
	unsigned order[ZONAL_MAX_NODES], nodes = order_nodes(p->m, p->start, order);

	p->count = 0;
	if (p->this_node)
		nodes = 1;
	for (unsigned i = 0; i < nodes; i++) {
		for (int t = (int)p->limit; t >= 0; t--) {
			unsigned zid = order[i] * ZONE_TYPES + (unsigned)t;

			if (p->m->tally[zid].managed && p->m->mm->zone[zid])
				p->list[p->count++] = p->m->mm->zone[zid];
		}
	}
}

static struct zone *first_zone(const struct pass *p)
{
	for (unsigned i = 0; i < p->count; i++)
		if (!p->mask || nodemask_has(p->mask, p->list[i]->node))
			return p->list[i];
	return NULL;
}

/* Z1, with one hard wall round everything. */
static bool cpuset_allows(const struct pass *p, unsigned node)
{
	return p->irq || nodemask_has(p->mems, node) || !(p->gfp & __GFP_HARDWALL);
}

static bool list_has(const struct zone *z, enum migratetype type, unsigned order)
{
	for (; order < MAX_ORDER; order++)
		if (z->list[type][order].count)
			return true;
	return false;
}

/* W2-W5, W7, W9. */
static bool mark_allows(const struct pass *p, struct zone *z)
{
	static const uint8_t index[] = { WMARK_MIN, WMARK_LOW, WMARK_HIGH };
	int64_t min = ld_relaxed(&z->mark[index[p->flags & A_MARK]]) + ld_relaxed(&z->boost);
	int64_t left = ld_relaxed(&z->free) - ((1 << p->order) - 1), reserve;
	bool harder = p->flags & A_HARDER;

	if (p->order == 0 && (p->gfp & __GFP_ATOMIC) && (p->flags & A_MARK) == A_MIN)
		min = ld_relaxed(&z->mark[WMARK_MIN]);
	if (!harder)
		left -= ld_relaxed(&z->highatomic);
	if (!(p->flags & A_CMA))
		left -= ld_relaxed(&z->free_cma);
	if (p->flags & A_HIGH)
		min -= min / 2;
	if (harder)
		min -= min / 4;
	reserve = ld_relaxed(&z->lowmem_reserve[p->limit]);
	if (left <= min + reserve)
		return false;
	if (p->order == 0)
		return true;
	return list_has(z, MIGRATE_UNMOVABLE, p->order) || list_has(z, MIGRATE_MOVABLE, p->order) ||
	       list_has(z, MIGRATE_RECLAIMABLE, p->order) ||
	       ((p->flags & A_CMA) && list_has(z, MIGRATE_CMA, p->order)) ||
	       (harder && list_has(z, MIGRATE_HIGHATOMIC, p->order));
}

/* Can the zone give a block (H3, M2, M11, P1)? */
static bool zone_gives(const struct pass *p, const struct zone *z)
{
	unsigned least = p->order;
	const struct pcp *pcp = &p->m->mm->cpu[p->m->cpu]->pcp[z->id];

	if (p->order == 0 && ((p->flags & A_CMA) || p->type != MIGRATE_MOVABLE) &&
	    pcp->ring[p->type].head != pcp->ring[p->type].tail)
		return true;
	if (p->order && (p->flags & A_HARDER) && list_has(z, MIGRATE_HIGHATOMIC, p->order))
		return true;
	if (list_has(z, p->type, p->order))
		return true;
	if ((p->flags & A_CMA) && list_has(z, MIGRATE_CMA, p->order))
		return true;
	if ((p->flags & A_NOFRAGMENT) && least < PAGEBLOCK_ORDER)
		least = PAGEBLOCK_ORDER;
	return list_has(z, MIGRATE_UNMOVABLE, least) || list_has(z, MIGRATE_MOVABLE, least) ||
	       list_has(z, MIGRATE_RECLAIMABLE, least);
}

/* F2. */
static bool nofragment(const struct pass *p)
{
	const struct zone *z = first_zone(p);

	if (!z || z->type != ZONE_NORMAL)
		return false;
	return nodemask_count(p->m->info.nodes) == 1 ||
	       p->m->tally[z->node * ZONE_TYPES + ZONE_DMA32].managed;
}

/* One look at the zones; false: begin again without NOFRAGMENT. */
static bool walk_once(struct pass *p, struct zone *preferred, struct zone **served)
{
	bool strict = p->flags & A_NOFRAGMENT;

	*served = NULL;
	for (unsigned i = 0; i < p->count; i++) {
		struct zone *z = p->list[i];

		if (p->mask && !nodemask_has(p->mask, z->node))
			continue;
		if (p->confined && (p->flags & A_CPUSET) && !cpuset_allows(p, z->node))
			continue;
		if (strict && nodemask_count(p->m->info.nodes) > 1 && z->node != preferred->node)
			return false;
		if (!mark_allows(p, z) && !(p->flags & A_NO_MARKS))
			continue;
		if (!zone_gives(p, z))
			continue;
		*served = z;
		return true;
	}
	return !strict;
}

static bool walk(struct pass *p, struct answer *a)
{
	a->preferred = first_zone(p);
	if (!a->preferred)
		return false;
	if (!walk_once(p, a->preferred, &a->zone)) {
		p->flags &= ~A_NOFRAGMENT;
		walk_once(p, a->preferred, &a->zone);
	}
	a->flags = p->flags;
	return a->zone != NULL;
}

static nodemask_t memory_nodes(const struct model *m)
{
	nodemask_t mask = 0;

	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
		if (nodemask_has(m->info.nodes, n) && node_has_memory(m, n))
			mask |= node_bit(n);
	return mask;
}

/* Rows Q1-Q6: start node and mask for the running task. */
static void apply_policy(struct pass *p, const struct ask *ask, struct answer *a)
{
	const struct zonal_task *task = &p->m->task[p->m->cpu];
	const struct mempolicy *pol = &task->policy;
	unsigned top = ZONE_DMA, n;

	if (!ask->by_policy || ask->irq || (ask->gfp & __GFP_THISNODE))
		return;
	for (unsigned zid = 0; zid < M_ZIDS; zid++)
		if (p->m->tally[zid].managed && zid % ZONE_TYPES > top)
			top = zid % ZONE_TYPES;
	if (pol->mode == MPOL_PREFERRED && !pol->local) {
		p->start = nodemask_first(pol->nodes);
	} else if (pol->mode == MPOL_BIND) {
		if (p->limit >= top && (pol->nodes & p->mems))
			p->mask = pol->nodes;
	} else if (pol->mode == MPOL_INTERLEAVE) {
		for (n = 1; n <= ZONAL_MAX_NODES; n++)
			if (nodemask_has(pol->nodes, (task->il_prev + n) % ZONAL_MAX_NODES))
				break;
		p->start = (task->il_prev + n) % ZONAL_MAX_NODES;
		a->interleave = (int)p->start;
	}
}

/* L1. */
static uint32_t slow_flags(const struct pass *p, const struct zonal_task *task)
{
	uint32_t flags = A_MIN | A_CPUSET | (p->flags & A_CMA);

	if (p->gfp & __GFP_HIGH)
		flags |= A_HIGH;
	if (p->gfp & __GFP_ATOMIC) {
		if (!(p->gfp & __GFP_NOMEMALLOC))
			flags |= A_HARDER;
		flags &= ~A_CPUSET;
	} else if ((task->flags & ZTASK_REALTIME) && !p->irq) {
		flags |= A_HARDER;
	}
	return flags;
}

static bool gets_reserves(const struct pass *p, const struct zonal_task *task)
{
	if (p->gfp & __GFP_NOMEMALLOC)
		return false;
	return (p->gfp & __GFP_MEMALLOC) || (!p->irq && (task->flags & ZTASK_MEMALLOC));
}

/* K11: for a costly block of which a zone has the pages in pieces, reclaim says that compaction
 * is what is needed, and calls that progress: lists are drained and the reserve opened (L12). */
static bool compacts(const struct pass *p, const struct zonal_task *task)
{
	return p->order > 3 && !p->irq && (p->gfp & __GFP_DIRECT_RECLAIM) &&
	       (p->gfp & __GFP_IO) && !(task->flags & ZTASK_MEMALLOC);
}

/* H5 and S8: who may wait and insist takes boosts and reserves back. What comes of it
 * hangs on the lists; here it is said from where at most. */
static void last_resort(const struct pass *p, const struct zonal_task *task,
			struct zone **resort)
{
	bool costly = p->order > 3 && !(p->gfp & __GFP_RETRY_MAYFAIL);
	bool any = compacts(p, task);

	if (!any && (!(p->gfp & __GFP_DIRECT_RECLAIM) || (p->gfp & __GFP_NORETRY) || costly ||
		     (task->flags & ZTASK_MEMALLOC)))
		return;
	for (unsigned i = 0; i < p->count; i++)
		any |= (!p->mask || nodemask_has(p->mask, p->list[i]->node)) &&
		       (ld_relaxed(&p->list[i]->boost) ||
			list_has(p->list[i], MIGRATE_HIGHATOMIC, 0));
	for (unsigned i = 0; any && i < p->count; i++)
		if (!p->mask || nodemask_has(p->mask, p->list[i]->node))
			resort[p->list[i]->id] = first_zone(p);
}

static bool slow_path(struct pass *p, nodemask_t mask, struct answer *a)
{
	const struct zonal_task *task = &p->m->task[p->m->cpu];
	bool reserves, possible = true;

	/* L2: a request that may wait is not atomic. */
	if ((p->gfp & __GFP_ATOMIC) && (p->gfp & __GFP_DIRECT_RECLAIM))
		p->gfp &= ~__GFP_ATOMIC;
	p->mask = mask;
	p->flags = slow_flags(p, task);
	reserves = gets_reserves(p, task);
	/* L11: hard-walled, and nothing below the zone limit is allowed. */
	if (p->confined && (p->gfp & __GFP_HARDWALL)) {
		struct pass q = *p;

		q.mask = p->mems;
		possible = first_zone(&q) != NULL;
	}
	if (possible && walk(p, a))
		return true;
	if (possible && first_zone(p)) {
		if (!(p->flags & A_CPUSET) || reserves)
			p->mask = 0;
		if (reserves)
			p->flags = A_NO_MARKS | (p->flags & A_CMA);
		if (walk(p, a))
			return true;
	}
	/* L10: a mask that misses the cpuset altogether is dropped, once. What was drained before
	 * that may change who serves it. */
	if (p->confined && p->mask && !(p->mask & p->mems)) {
		if (possible && compacts(p, task))
			last_resort(p, task, a->resort[0]);
		p->mask = 0;
		if (compacts(p, task))
			last_resort(p, task, a->resort[1]);
		return slow_path(p, 0, a);
	}
	if (possible)
		last_resort(p, task, a->resort[1]);
	return false;
}

struct answer walk_predict(struct model *m, const struct ask *ask)
{
	const struct zonal_task *task = &m->task[m->cpu];
	struct answer a = { .interleave = -1 };
	struct pass p = { .m = m,
			  .gfp = ask->gfp,
			  .order = ask->order,
			  .limit = walk_limit(ask->gfp),
			  .type = type_of(m, ask->gfp),
			  .start = ask->nid == NODE_NONE ? m->cpu_node[m->cpu] : (unsigned)ask->nid,
			  .this_node = ask->gfp & __GFP_THISNODE,
			  .mask = ask->mask,
			  .mems = task->mems_allowed & memory_nodes(m),
			  .irq = ask->irq };
	nodemask_t mask;

	if (ask->order >= MAX_ORDER)
		return a;
	apply_policy(&p, ask, &a);
	mask = p.mask;
	list_zones(&p);
	if (p.type == MIGRATE_MOVABLE && !(task->flags & ZTASK_NOCMA))
		p.flags = A_CMA;
	p.confined = p.mems != memory_nodes(m);
	if (p.confined) {
		p.gfp |= __GFP_HARDWALL;
		if (!ask->irq && !p.mask)
			p.mask = p.mems;
		else
			p.flags |= A_CPUSET;
	}
	p.flags |= A_LOW;
	if (nofragment(&p))
		p.flags |= A_NOFRAGMENT;
	if (walk(&p, &a)) {
		a.at_once = true;
		return a;
	}
	p.gfp = ask->gfp;
	p.flags &= A_CMA;
	if (slow_path(&p, mask, &a))
		return a;
	a.zone = NULL;
	return a;
}
