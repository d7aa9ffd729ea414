/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order-0 walk from numbers alone.
 *
 * On a quiet instance, requests for single pages are repeated until NULL. What
 * comes is a sequence of runs (zone, pages). This file works the sequence out with
 * nothing but, for each zone, free pages, marks, reserves, boost, highatomic and CMA
 * pages and the size of a refill (row P6): a zone is asked at LOW, then at MIN with
 * the reserves of the request (L1, W3, W4, W7); a per-CPU list that is empty takes
 * a whole batch. The sequences must be equal, page for page.
 *
 * The board is fresh: all blocks are MOVABLE (M13), and so are the requests, so that no
 * block is taken from another type, which would raise the boost and, on a board with
 * DMA32, make the first walk avoid NORMAL (F2). With grouping off every request is
 * unmovable (M12); then only boards where F2 cannot apply are used, without boost.
 */
#include "model.h"

#include <string.h>

enum { RUNS_MAX = 4096 };

struct sim_zone {
	struct zone *zone;
	int64_t free, hidden, cached, batch;
	int64_t min, low, boost, reserve;
};

struct sim {
	struct model *m;
	gfp_t gfp;
	unsigned nid;
	struct sim_zone zone[M_ZIDS];
	unsigned count;
};

static const gfp_t walk_gfp[] = {
	GFP_NOWAIT,
	GFP_NOWAIT | __GFP_HIGH,
	GFP_ATOMIC,
	GFP_ATOMIC | __GFP_NOMEMALLOC,
	GFP_NOWAIT | __GFP_THISNODE,
	GFP_NOWAIT | __GFP_DMA,
	GFP_NOWAIT | __GFP_DMA32,
	GFP_ATOMIC | __GFP_THISNODE,
};

static enum zone_type sim_limit(gfp_t gfp)
{
	if (gfp & __GFP_DMA)
		return ZONE_DMA;
	return gfp & __GFP_DMA32 ? ZONE_DMA32 : ZONE_NORMAL;
}

static void sim_add(struct sim *s, struct zone *z)
{
	struct sim_zone *x = &s->zone[s->count++];

	*x = (struct sim_zone){ .zone = z,
				.free = ld_relaxed(&z->free),
				.hidden = s->m->mm->gates & GATE_NO_GROUPING ?
						  ld_relaxed(&z->free_cma) :
						  0,
				.batch = (int64_t)s->m->mm->cpu[s->m->cpu]->pcp[z->id].batch,
				.min = ld_relaxed(&z->mark[WMARK_MIN]),
				.low = ld_relaxed(&z->mark[WMARK_LOW]),
				.boost = ld_relaxed(&z->boost),
				.reserve = ld_relaxed(&z->lowmem_reserve[sim_limit(s->gfp)]) };
}

static bool sim_passes(const struct sim *s, const struct sim_zone *x, bool slow)
{
	int64_t mark = (slow ? x->min : x->low) + x->boost;
	bool harder = slow && (s->gfp & __GFP_ATOMIC) && !(s->gfp & __GFP_NOMEMALLOC);

	if (slow && (s->gfp & __GFP_ATOMIC))
		mark = x->min;
	if (slow && (s->gfp & __GFP_HIGH))
		mark -= mark / 2;
	if (harder)
		mark -= mark / 4;
	return x->free - x->hidden > mark + x->reserve;
}

static struct zone *sim_take(struct sim *s, bool slow)
{
	for (unsigned i = 0; i < s->count; i++) {
		struct sim_zone *x = &s->zone[i];
		int64_t refill;

		if (!sim_passes(s, x, slow))
			continue;
		if (!x->cached) {
			refill = ZN_MIN(x->batch, x->free - x->hidden);
			x->free -= refill;
			x->cached = refill;
		}
		if (!x->cached)
			continue;
		x->cached--;
		return x->zone;
	}
	return NULL;
}

/* The zones in order come from the zonelist here: walk.c proves it separately. */
static void sim_build(struct sim *s)
{
	const struct node *node = s->m->mm->node[s->nid];
	const struct zonelist *list = s->gfp & __GFP_THISNODE ? &node->nofallback :
								&node->fallback;

	for (unsigned i = 0; i < list->count; i++)
		if (list->ref[i].type <= sim_limit(s->gfp))
			sim_add(s, list->ref[i].zone);
}

static bool runs_one(struct model *m, gfp_t gfp, unsigned nid)
{
	static struct page *taken[M_BLOCKS];
	struct sim s = { .m = m, .gfp = gfp, .nid = nid };
	unsigned count = 0;
	bool ok = true;

	snprintf(m->last, sizeof(m->last), "order-0 run gfp %#x on node %u", gfp, nid);
	sim_build(&s);
	for (;;) {
		struct page *page = zonal_alloc_node(m->mm, (int)nid, gfp, 0);
		struct zone *want = sim_take(&s, false);

		if (!want)
			want = sim_take(&s, true);
		if ((page ? mm_page_zone(m->mm, page) : NULL) != want) {
			ok = m_fail(m, "page %u comes from zone %d, not %d", count,
				    page ? (int)page_zid(page) : -1, want ? want->id : -1);
			break;
		}
		if (!page || count == M_BLOCKS)
			break;
		taken[count++] = page;
	}
	while (count)
		zonal_free(m->mm, taken[--count], 0);
	zonal_drain_all(m->mm, NULL);
	return ok;
}

bool runs_compare(struct model *m)
{
	if (m->mm->gates & GATE_NO_GROUPING) {
		for (unsigned zid = ZONE_NORMAL; zid < M_ZIDS; zid += ZONE_TYPES)
			if (m->tally[zid].managed)
				return true;
		if (zonal_set_watermark_boost(m->mm, 0))
			return m_fail(m, "boost 0 is refused");
	}
	for (unsigned i = 0; i < 3; i++) {
		unsigned nid;

		do
			nid = m_below(m, ZONAL_MAX_NODES);
		while (!nodemask_has(m->info.nodes, nid));
		m->cpu = m_below(m, m->cpu_count);
		host_set_cpu(m->cpu);
		zonal_drain_all(m->mm, NULL);
		if (!runs_one(m,
				walk_gfp[m_below(m, ARRAY_SIZE(walk_gfp))] | __GFP_MOVABLE |
					__GFP_NOWARN,
				nid))
			return false;
	}
	host_set_cpu(0);
	m->cpu = 0;
	return true;
}
