/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slow path: a ladder of what may still be tried when every zone said no (L3).
 *
 *	1  wake kswapd; again at MIN instead of LOW, with what the flags add: HIGH, HARDER (L1)
 *	2  the reserves: no watermark at all for who works for reclaim, half of MIN for who is to
 *	   end for lack of memory, so that he can                                  (L7)
 *	   and, without a cpuset to keep to, the whole list without the nodemask   (L8)
 *	   Who may not wait, or works for reclaim himself, ends here         (L14, L15)
 *	3  direct reclaim, and look again; if it freed something that others took, once with
 *	   the highatomic reserve and all per-CPU lists given back                (L12)
 *	4  direct compaction, and look again                                      (L13)
 *	   Who said NORETRY ends here, and who wants a large block without RETRY_MAYFAIL
 *	5  worth another round? as long as there is progress, or enough that could be reclaimed
 *	   (retry.c, R1-R9): from 2, where kswapd is woken as well                (L4)
 *	6  somebody is made to give back all he has (oom/), and again from 2; who is to do that
 *	   himself, and has looked at the reserves already, ends here              (O5)
 *	7  the reason goes on record
 *
 * Rounds are counted and bounded: each either made progress or uses up one of 16 tries, and
 * progress ends when there is nothing left to reclaim. If the allowed nodes changed meanwhile
 * (L9), or the nodemask was one that the task's cpuset does not allow (L10), all begins anew.
 *
 * The caller's gfp and nodemask are in force here again, not those that a cpuset narrowed for the
 * first pass (F9); NOIO and NOFS scopes of the task apply from here on, since only reclaim would
 * do I/O (G6).
 *
 * Where no kswapd serves an instance (zonal_kswapd_turn() is never called), what it would take
 * back, the boost of the marks, is taken back before a request that may insist fails, and the
 * highatomic reserve with it, block by block. Nothing waits there either: NOFAIL fails.
 */
#include "alloc.h"

#include "compact/rung.h"
#include "first_pass.h"
#include "lib/assert.h"
#include "mobility.h"
#include "oom/oom.h"
#include "reclaim/reclaim.h"
#include "wake.h"
#include "watermark.h"

struct ladder {
	const struct alloc_req *req;
	struct alloc_pass pass;
	uint32_t steps;        /* ZSTEP_* */
	bool drained;          /* L12: once a request */
	struct zonal_outcomes outcome; /* for the record; what `retry` and `oom` count is theirs */
	struct retry retry;
	struct oom_tries oom;
};

/* L2: ATOMIC means "cannot wait"; with DIRECT_RECLAIM it means nothing, which is said once. G6:
 * scopes. */
static gfp_t slow_gfp(const struct alloc_req *req)
{
	gfp_t gfp = req->gfp;

	if ((gfp & __GFP_ATOMIC) && (gfp & __GFP_DIRECT_RECLAIM)) {
		if (ZONAL_TEXTS && fetch_add_relaxed(&req->mm->atomic_reports, 1) == 0)
			port_log("zonal: request with __GFP_ATOMIC and __GFP_DIRECT_RECLAIM "
				 "(gfp 0x%x): the first means nothing then", gfp);
		gfp &= ~__GFP_ATOMIC;
	}
	return task_scope_gfp(req->task, gfp);
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

/* L7: what a worker for reclaim may take, or who is to end; 0: nothing beyond its flags. */
static unsigned reserve_flags(const struct alloc_req *req, gfp_t gfp)
{
	if (gfp & __GFP_NOMEMALLOC)
		return 0;
	if (gfp & __GFP_MEMALLOC)
		return ALLOC_NO_WATERMARKS;
	if (req->in_irq)
		return 0;
	if (req->task->flags & ZTASK_MEMALLOC)
		return ALLOC_NO_WATERMARKS;
	return task_is_victim(req->task) ? ALLOC_OOM : 0;
}

/* K2: where kswapd is not called, or in vain, compaction may help who cannot reclaim himself. */
static bool wake_one(const struct ladder *l, struct node *node)
{
	const struct alloc_req *req = l->req;
	bool need = kswapd_wake(req->mm, node, req->order, req->high_zone, l->pass.gfp);

	if (!(l->pass.gfp & __GFP_DIRECT_RECLAIM) &&
	    (!need || ld_relaxed(&node->reclaim.failures) >= KSWAPD_HOPELESS))
		kcompactd_ask(req->mm, node, req->order, req->high_zone);
	return need;
}

/*
 * L4: once for each node of the request that lacks memory or is boosted. Counted where we
 * run now: the task may have moved since the request began.
 */
static void wake_kswapds(struct ladder *l)
{
	const struct alloc_req *req = l->req;
	const struct node *last = NULL;
	unsigned wakes = 0;
	port_irqflags_t irq;

	if (!ZONAL_RECLAIM || !(l->pass.flags & ALLOC_KSWAPD))
		return;
	for (unsigned i = l->pass.preferred; i < req->list->count; i++) {
		const struct zoneref *ref = &req->list->ref[i];
		struct node *node = req->mm->node[ref->node];

		if (node == last || ref->type > req->high_zone ||
		    !nodemask_has(l->pass.nodemask, ref->node) ||
		    !cpuset_allows(req, &l->pass, ref->node))
			continue;
		last = node;
		l->outcome.kswapd_asked |= node_bit(ref->node);
		if (wake_one(l, node)) {
			l->outcome.kswapd_in_need |= node_bit(ref->node);
			wakes++;
		}
	}
	irq = port_irq_save();
	own_add(&mm_this_cpu(req->mm)->kswapd_wakes, wakes);
	port_irq_restore(irq);
	l->steps |= ZSTEP_KSWAPD;
}

/* L11: a hardwalled request that its cpuset can never serve fails at once. */
static bool cpuset_insane(const struct alloc_req *req, const struct alloc_pass *pass)
{
	return pass->cpuset != NODEMASK_ALL && (pass->gfp & __GFP_HARDWALL) &&
	       first_zone(req, pass->cpuset) >= req->list->count;
}

/* L3: who ends behind the free lists. */
static bool may_reclaim(const struct ladder *l)
{
	return (l->pass.gfp & __GFP_DIRECT_RECLAIM) && !(l->req->task->flags & ZTASK_MEMALLOC);
}

/* L3: who ends when one round of reclaim and compaction did not help. */
static bool may_insist(const struct ladder *l)
{
	bool costly = l->req->order > COSTLY_ORDER &&
		      (!compact_allowed(l->pass.gfp) || !(l->pass.gfp & __GFP_RETRY_MAYFAIL));

	return !(l->pass.gfp & __GFP_NORETRY) && !costly;
}

/* Rung 1. NULL with no zone left: nothing else can help either. */
static struct page *first_look(struct ladder *l)
{
	const struct alloc_req *req = l->req;
	struct alloc_pass *pass = &l->pass;

	ASSERT(pass->nodemask, "gfp 0x%x", pass->gfp);
	cpuset_read(req, pass);
	pass->flags = flags_of_gfp(req, pass->gfp);
	pass->preferred = first_zone(req, pass->nodemask);
	if (pass->preferred >= req->list->count || cpuset_insane(req, pass)) {
		pass->preferred = (uint16_t)req->list->count;
		return NULL;
	}
	l->steps |= ZSTEP_MIN;
	wake_kswapds(l);
	return walk_zones(req, pass);
}

/* Rung 2. The first time, only if it can see more than rung 1 did. */
static struct page *look_again(struct ladder *l, bool first)
{
	unsigned reserves = reserve_flags(l->req, l->pass.gfp);

	if (!first)
		wake_kswapds(l);
	if (reserves)
		l->pass.flags = reserves | request_cma_flag(l->req);
	if (reserves || !(l->pass.flags & ALLOC_CPUSET)) {
		l->pass.nodemask = NODEMASK_ALL;
		l->pass.preferred = first_zone(l->req, NODEMASK_ALL);
		l->steps |= ZSTEP_RESERVES;
		l->outcome.reserves = reserves & ALLOC_NO_WATERMARKS ? ZONAL_RESERVES_ALL :
				      reserves			     ? ZONAL_RESERVES_HALF :
								       ZONAL_RESERVES_NODES;
	} else if (first) {
		return NULL;
	}
	return walk_zones(l->req, &l->pass);
}

/* Rung 3. */
static struct page *reclaim_and_look(struct ladder *l)
{
	struct alloc_req within = *l->req;
	struct page *page = NULL;

	l->steps |= ZSTEP_RECLAIM;
	l->retry.progress = l->req->in_irq ? 0 : reclaim_for(l->req, &l->pass, &l->retry);
	if (!l->retry.progress)
		return NULL;
	page = walk_zones(l->req, &l->pass);
	if (page || l->drained)
		return page;
	l->drained = true;
	l->steps |= ZSTEP_DRAIN;
	within.nodemask = l->pass.nodemask;
	highatomic_unreserve(&within, false);
	zonal_drain_all(l->req->mm, NULL);
	return walk_zones(l->req, &l->pass);
}

/* Rung 4. */
static struct page *compact_and_look(struct ladder *l)
{
	l->steps |= ZSTEP_COMPACT;
	if (!l->req->order || l->req->in_irq)
		return NULL;
	return compact_for(l->req, &l->pass, &l->retry);
}

/* L5: whose block is rather put together than waited for by reclaim. */
static bool compacts_early(const struct ladder *l)
{
	bool apart = l->req->order > 0 && l->req->type != MIGRATE_MOVABLE;

	return may_reclaim(l) && compact_allowed(l->pass.gfp) && !l->req->in_irq &&
	       !reserve_flags(l->req, l->pass.gfp) && (l->req->order > COSTLY_ORDER || apart);
}

/* L5, L6: quickly, before anything is reclaimed. False: the request ends here. */
static bool compact_early(struct ladder *l, struct page **page)
{
	l->retry.compact_priority = COMPACT_SYNC_LIGHT;
	if (!compacts_early(l))
		return true;
	l->retry.compact_priority = COMPACT_ASYNC;
	*page = compact_and_look(l);
	if (!*page && l->req->order > COSTLY_ORDER && (l->pass.gfp & __GFP_NORETRY))
		return l->retry.compacted > COMPACT_DEFERRED && !(l->pass.gfp & __GFP_THISNODE);
	l->retry.compact_priority = COMPACT_SYNC_LIGHT;
	return true;
}

/* O5: a victim that has had its share of the reserves, or may have none, does not wait for
 * itself. */
static bool victim_is_done(const struct ladder *l)
{
	return task_is_victim(l->req->task) &&
	       ((l->pass.flags & ALLOC_OOM) || (l->pass.gfp & __GFP_NOMEMALLOC));
}

/* Rung 6. True: go round again; or a page is there. */
static bool somebody_makes_room(struct ladder *l, struct page **page)
{
	if (l->req->in_irq)
		return false;
	l->steps |= ZSTEP_OOM;
	*page = oom_make_room(l->req, &l->pass, &l->oom);
	if (*page)
		return true;
	if (!l->oom.progress || victim_is_done(l))
		return false;
	l->retry.no_progress = 0;
	return true;
}

/* Where no kswapd takes the boost back (S8) and nobody is killed before the reserve goes (H5). */
static bool take_back(struct ladder *l)
{
	struct alloc_req within = *l->req;
	bool had = false;

	if (kswapd_serves(l->req))
		return false;
	for (unsigned i = l->pass.preferred; i < l->req->list->count; i++) {
		const struct zoneref *ref = &l->req->list->ref[i];

		if (ref->type <= l->req->high_zone && nodemask_has(l->pass.nodemask, ref->node))
			had |= zone_unboost(ref->zone);
	}
	within.nodemask = l->pass.nodemask;
	return had || highatomic_unreserve(&within, true);
}

/* L10: within a cpuset, a nodemask without any allowed node. */
static bool nodemask_cannot_be_meant(const struct ladder *l)
{
	const struct alloc_pass *pass = &l->pass;

	return pass->cpuset != NODEMASK_ALL && pass->nodemask != NODEMASK_ALL &&
	       !(pass->nodemask & pass->cpuset & l->req->mm->has_memory);
}

/* L9: allowed nodes that changed meanwhile may have something; or L10. */
static bool must_begin_anew(const struct ladder *l)
{
	return nodemask_cannot_be_meant(l) || cpuset_changed(l->req, &l->pass);
}

/* Rung 5. Where nothing works in the background, what this round did not free the next one will not
 * either. */
static bool another_round(struct ladder *l)
{
	l->retry.end = ZONAL_RETRY_NOT_ASKED;
	if ((l->retry.progress || kswapd_serves(l->req)) &&
	    retry_worth(l->req, &l->pass, &l->retry))
		return true;
	return compact_retry_worth(l->req, &l->pass, &l->retry);
}

/* Rungs 5 and 6: is there reason to go round again? Or a page, at once. */
static bool go_on(struct ladder *l, struct page **page)
{
	if (another_round(l))
		return true;
	return !must_begin_anew(l) && (take_back(l) || somebody_makes_room(l, page));
}

/* Rungs 2 to 6, until a page comes or nothing is left to try. */
static struct page *climb(struct ladder *l)
{
	struct page *page = NULL;

	if (!compact_early(l, &page) || page)
		return page;
	page = look_again(l, true);
	while (!page && may_reclaim(l)) {
		page = reclaim_and_look(l);
		if (!page)
			page = compact_and_look(l);
		if (page || !may_insist(l) || !go_on(l, &page) || page)
			return page;
		l->retry.rounds++;
		page = look_again(l, false);
	}
	return page;
}

/* All begins anew, with all rounds before it. */
static bool climb_anew(struct ladder *l)
{
	if (!must_begin_anew(l))
		return false;
	l->retry.no_progress = 0;
	l->retry.progress = 0;
	l->retry.rounds++;
	if (nodemask_cannot_be_meant(l))
		l->pass.nodemask = NODEMASK_ALL;
	return true;
}

/* L16: who may not fail looks for what others may not take, and waits. False: nobody here can. */
static bool wait_for_nofail(struct ladder *l, struct page **page)
{
	if (!(l->pass.gfp & __GFP_NOFAIL) || !may_reclaim(l) || l->req->in_irq ||
	    !kswapd_serves(l->req) || l->pass.preferred >= l->req->list->count)
		return false;
	l->pass.flags |= ALLOC_HARDER;
	*page = walk_zones(l->req, &l->pass);
	if (!*page)
		reclaim_wait();
	return true;
}

/* ---- the record ---- */

/* The predicates of the rungs in their order: the first that said no. */
static enum zonal_end ladder_end(const struct ladder *l)
{
	if (l->pass.preferred >= l->req->list->count)
		return ZONAL_END_NO_ZONE;
	if (!(l->pass.gfp & __GFP_DIRECT_RECLAIM))
		return ZONAL_END_CANNOT_WAIT;
	if (!may_reclaim(l))
		return ZONAL_END_RECLAIMER;
	if (!(l->steps & ZSTEP_RECLAIM))
		return ZONAL_END_EARLY;
	if (l->pass.gfp & __GFP_NORETRY)
		return ZONAL_END_NORETRY;
	return may_insist(l) ? ZONAL_END_GAVE_UP : ZONAL_END_COSTLY;
}

/* All is lost: what is told of the request. */
static void record(struct ladder *l)
{
	struct zonal_outcomes *out = &l->outcome;
	struct alloc_pass walks[] = { { .gfp = l->req->gfp }, l->pass };

	out->end = (uint8_t)ladder_end(l);
	if (out->end == ZONAL_END_GAVE_UP)
		out->retry = l->retry.end ? l->retry.end : ZONAL_RETRY_NOBODY;
	out->nofail_alone = out->end == ZONAL_END_GAVE_UP && (l->pass.gfp & __GFP_NOFAIL) &&
			    !kswapd_serves(l->req);
	out->oom = l->oom.end;
	out->kills = l->oom.kills;
	out->victim = l->oom.victim;
	out->naps = (uint16_t)ZN_MIN(l->oom.naps + l->retry.naps, UINT16_MAX + 0u);
	out->reclaim_runs = l->retry.reclaim_runs;
	out->compact_runs = l->retry.compact_runs;
	out->compact_moved = l->retry.compact_moved;
	out->compact_failed = l->retry.compact_failed;
	request_first_pass(l->req, &walks[0]);
	walks[1].flags = flags_of_gfp(l->req, l->pass.gfp);
	walks[1].nodemask = l->req->nodemask;
	failure_record(l->req, &l->pass, walks,
		       &(struct tried){ l->steps, &l->retry, &l->outcome });
}

struct page *alloc_slow(const struct alloc_req *req, bool walked)
{
	struct ladder l = { .req = req,
			    .pass = { .gfp = slow_gfp(req), .nodemask = req->nodemask },
			    .steps = walked ? ZSTEP_FAST : 0 };
	struct page *page;

	ASSERT(req->nodemask, "no node allowed, gfp 0x%x", req->gfp);
	do {
		page = first_look(&l);
		if (!page && l.pass.preferred < req->list->count)
			page = climb(&l);
	} while (!page && (climb_anew(&l) || (wait_for_nofail(&l, &page) && !page)));
	if (!page)
		if (ZONAL_AIDS)
			record(&l);
	return page;
}
