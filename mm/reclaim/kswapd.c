/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kswapd: reclaim in the background, one a node, so that requests need not wait for it.
 *
 *	asleep ──wake (a request found the node below LOW, or boosted)──► turn
 *	turn:   balanced? ──no──► run: priority 12, 11, ... 1 until some zone is above HIGH
 *	        balanced, or hopeless (16 runs in a row without a page): nap of 100 ms, then sleep
 *
 * Who asks leaves two numbers, the order and the highest zone that it could use; the larger of
 * several wishes is kept (K1). A run that was asked for a large block and has reclaimed twice as
 * much goes on for single pages: compaction does the rest (K7).
 *
 * The boost (K4, K8). While the node is balanced but its marks are boosted, the run reclaims as
 * many pages as the boost has, gently: it writes nothing, swaps nothing, its priority stays at 10
 * where it gets what it looks for, and it ends at the first round that gets nothing. If the node
 * is not balanced, or not any more, it is an ordinary run. In both cases the boost that was there
 * at the beginning is taken off the marks at the end.
 *
 * The port's task calls zonal_kswapd_turn() again and again and sleeps in between as long as that
 * says; there is no loop here, so that a port without tasks can have it as well. How it is woken,
 * and why no wake-up is lost, is in wake.c.
 */
#include "kswapd.h"

#include "lib/assert.h"
#include "mm/trace.h"
#include "mm/compact/rung.h"
#include "mm/wake.h"
#include "mm/watermark.h"
#include "reclaim.h"


/* ---- one run ---- */

struct run {
	struct scan scan;
	struct node *node;
	int64_t boost[ZONE_TYPES]; /* at the beginning; comes off at the end */
	int64_t boost_left;        /* pages to reclaim for it */
};

/* K5 */
static uint64_t round_target(struct run *run)
{
	uint64_t sum = 0;

	for (unsigned t = 0; t <= run->scan.high_zone; t++) {
		struct zone *zone = &run->node->zone[t];

		if (zone_managed(zone))
			sum += (uint64_t)ZN_MAX(zone_mark(zone, WMARK_HIGH),
						(int64_t)RECLAIM_BATCH);
	}
	return sum;
}

/* A round, K5-K7. True if it looked at as many pages as it wanted, so that looking harder would
 * not help. */
static bool kswapd_round(struct run *run)
{
	struct scan *s = &run->scan;

	s->may = ZONAL_MAY_FS | ZONAL_MAY_WAIT | ZONAL_MAY_UNMAP |
		 (run->boost_left ? 0 : ZONAL_MAY_WRITE);
	s->may_swap = !run->boost_left;
	age_anon(s, run->node);
	s->scanned = 0;
	s->target = round_target(run);
	shrink_node(s, run->node);
	if (s->order && s->reclaimed >= compact_gap(s->order))
		s->order = 0;
	return s->scanned >= s->target;
}

/* What the next round is, after one that reclaimed `got`. False: the run is over. */
static bool kswapd_next(struct run *run, bool enough_seen, uint64_t got)
{
	struct scan *s = &run->scan;
	/* K4: gently, for the boost alone. */
	bool keep = enough_seen || (run->boost_left && s->priority == RECLAIM_PRIORITY - 2);

	run->boost_left -= ZN_MIN(run->boost_left, (int64_t)got);
	if (run->boost_left && !got)
		return false;
	if (!keep || !got)
		s->priority--;
	return s->priority >= 1;
}

/* False: balanced, nothing is left to do. A boost that is not all there is to do is no reason to be
 * gentle, and the run begins anew. */
static bool kswapd_goes_on(struct run *run)
{
	struct scan *s = &run->scan;
	bool balanced = node_balanced(run->node, s->order, s->high_zone);

	if (!balanced && run->boost_left) {
		run->boost_left = 0;
		s->priority = RECLAIM_PRIORITY;
	}
	return !balanced || run->boost_left;
}

/* K8. False: there was none. */
static bool take_boost_off(struct run *run)
{
	bool some = false;

	for (unsigned t = 0; t < ZONE_TYPES; t++) {
		struct zone *zone = &run->node->zone[t];
		port_irqflags_t irq;
		int64_t boost;

		if (!run->boost[t])
			continue;
		some = true;
		irq = port_irq_save();
		lock_take(&zone->lock);
		boost = ld_relaxed(&zone->boost);
		st_relaxed(&zone->boost, boost - ZN_MIN(boost, run->boost[t]));
		zone_update_floor(zone);
		trace(zone->mm, CALL_OTHER, ZONAL_OTHER_BOOST, zone->node, t);
		lock_drop(&zone->lock);
		port_irq_restore(irq);
	}
	return some;
}

/* For who watches the rounds: tests, and the player of recorded runs. */
void (*kswapd_watch)(const struct scan *s, struct node *node, uint64_t got);

/* Returns the order that the run came down to. */
static unsigned kswapd_run(struct zonal *mm, struct node *node, unsigned order, unsigned high_zone)
{
	struct run run = { .node = node,
			   .scan = { .mm = mm,
				     .kswapd = true,
				     .gfp = GFP_KERNEL,
				     .high_zone = high_zone,
				     .order = order,
				     .priority = RECLAIM_PRIORITY } };
	bool more = true;

	mm_event(mm, EVENT_PAGEOUTRUN, 1);
	for (unsigned t = 0; t <= high_zone; t++)
		run.boost[t] = ld_relaxed(&node->zone[t].boost);
	run.boost_left = node_boost(node, high_zone);
	while (more && kswapd_goes_on(&run)) {
		uint64_t before = run.scan.reclaimed;
		bool enough_seen = kswapd_round(&run);

		if (kswapd_watch)
			kswapd_watch(&run.scan, node, run.scan.reclaimed - before);
		more = kswapd_next(&run, enough_seen, run.scan.reclaimed - before);
	}
	/* K6: it was given up, in vain. */
	if (!more && !run.scan.reclaimed)
		st_relaxed(&node->reclaim.failures,
			   (uint8_t)ZN_MIN(ld_relaxed(&node->reclaim.failures) + 1, 255));
	if (take_boost_off(&run))
		kcompactd_ask(mm, node, PAGEBLOCK_ORDER, high_zone);
	return run.scan.order;
}

/* ---- turns ---- */

static bool may_sleep(struct node *node, unsigned order, unsigned high_zone)
{
	return ld_relaxed(&node->reclaim.failures) >= KSWAPD_HOPELESS ||
	       node_balanced(node, order, high_zone);
}

/* K9: how long the sleep is that now begins. */
static uint64_t sleep_for(struct zonal *mm, struct node *node)
{
	struct node_reclaim *r = &node->reclaim;

	if (!may_sleep(node, r->balanced_order, r->run_zone)) {
		if (r->nap)
			mm_event(mm, EVENT_KSWAPD_HIGH_QUICKLY, 1);
		r->nap = false;
		return 0;
	}
	r->nap = !r->nap;
	/* Whoever wanted a block has what reclaim can do; the rest is compaction's. */
	if (r->nap) {
		compact_kswapd_sleeps(node);
		kcompactd_ask(mm, node, r->run_order, r->run_zone);
	}
	return r->nap ? RECLAIM_NAP_NS : UINT64_MAX;
}

/* Take the wish, if there is one. */
static bool take_wish(struct node_reclaim *r)
{
	unsigned zones = atomic_exchange_explicit(&r->wanted_zones, 0, memory_order_relaxed);
	unsigned order = atomic_exchange_explicit(&r->wanted_order, 0, memory_order_relaxed);

	if (zones)
		r->run_zone = (uint8_t)(zones - 1);
	r->run_order = (uint8_t)order;
	return zones || order;
}

uint64_t zonal_kswapd_turn(struct zonal *mm, unsigned nid, bool woken)
{
	struct node *node = nid < ZONAL_MAX_NODES ? mm->node[nid] : NULL;
	struct node_reclaim *r;
	uint64_t ns;

	ASSERT(node, "no node %u", nid);
	r = &node->reclaim;
	st_relaxed(&r->served, true);
	st_relaxed(&r->asleep, false);
	if (take_wish(r)) {
		struct zonal_task *task = ask_here(mm).task;
		uint32_t scope = task->flags & ZTASK_MEMALLOC;

		/* K9: it had hardly gone to sleep. */
		if (r->nap && woken)
			mm_event(mm, EVENT_KSWAPD_LOW_QUICKLY, 1);
		task->flags |= ZTASK_MEMALLOC;
		r->nap = false;
		trace(mm, KSWAPD_WAKE, nid, r->run_zone, r->run_order);
		r->balanced_order = (uint8_t)kswapd_run(mm, node, r->run_order, r->run_zone);
		task->flags = (task->flags & ~ZTASK_MEMALLOC) | scope;
	}
	ns = sleep_for(mm, node);
	if (!ns)
		kswapd_ask(mm, node, 0, r->run_zone, 0);
	st_relaxed(&r->asleep, true);
	/* Pairs with the fence of who wakes. */
	atomic_thread_fence(memory_order_seq_cst);
	if (ld_relaxed(&r->wanted_zones))
		return 0;
	if (ns == UINT64_MAX)
		trace(mm, KSWAPD_SLEEP, nid);
	return ns;
}
