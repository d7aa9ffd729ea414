/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kcompactd: compaction in the background, one a node, and of whole nodes on demand. (X14, X17)
 *
 * Kswapd asks for it before it sleeps, for the order that it was asked for, and at the end of a
 * boost, whose reason is that mobilities were mixed (K8, K9); a request that cannot reclaim asks
 * through it (K2). The largest order wanted is kept, and the lowest limit of zones. It is woken
 * only if some zone is suitable.
 *
 * A turn compacts each zone up to the limit that is suitable and was not in vain lately, patiently
 * but without writing. What it did in vain is remembered for requests as well, and then the zone's
 * pages in all CPUs' lists go back, where they might be what a block lacks.
 *
 * Where it may (compaction_proactiveness, X15), a turn for which nobody has asked compacts a node
 * whose free memory is scattered beyond a mark, each zone down to a lower one; and the turns come
 * each half second.
 *
 * As with kswapd, the port's task calls the turn again and again and sleeps in between.
 */
#include "compact.h"

#include "lib/assert.h"
#include "mm/reclaim/scan.h"
#include "mm/trace.h"
#include "mm/wake.h"

static bool node_suitable(struct node *node, unsigned order, unsigned high_zone)
{
	for (unsigned t = 0; t <= high_zone; t++)
		if (zone_managed(&node->zone[t]) &&
		    compact_suitable(&node->zone[t], (int)order, 0, high_zone, 0) ==
			    COMPACT_CONTINUE)
			return true;
	return false;
}

/* 0 is no limit yet. */
static void lower_to(_Atomic uint8_t *at, uint8_t value)
{
	uint8_t now = ld_relaxed(at);

	while ((!now || now > value) &&
	       !atomic_compare_exchange_weak_explicit(at, &now, value, memory_order_relaxed,
						      memory_order_relaxed))
		;
}

void kcompactd_ask(struct zonal *mm, struct node *node, unsigned order, unsigned high_zone)
{
	struct node_compact *n = &node->compact;

	ASSERT(order < MAX_ORDER && high_zone < ZONE_TYPES, "order %u zone type %u", order,
	       high_zone);
	if (!order)
		return;
	raise_to(&n->wanted_order, (uint8_t)order);
	lower_to(&n->wanted_zones, (uint8_t)(high_zone + 1));
	/* Pairs with the fence at the end of a turn, as kswapd_ask() does. */
	atomic_thread_fence(memory_order_seq_cst);
	if (!ld_relaxed(&n->asleep) || !port_kcompactd_wake ||
	    !node_suitable(node, order, high_zone))
		return;
	trace(mm, KCOMPACTD_ASKED, node->id, order, high_zone);
	port_kcompactd_wake(mm, node->id);
}

void compact_kswapd_sleeps(struct node *node)
{
	for (unsigned t = 0; t < ZONE_TYPES; t++)
		if (zone_managed(&node->zone[t]) && ld_relaxed(&node->zone[t].compact.flush))
			compact_forget_hints(&node->zone[t]);
}

static void compact_in_background(struct zonal *mm, struct zone *zone, unsigned order,
				  unsigned high_zone)
{
	struct compact c = { .mm = mm,
			     .zone = zone,
			     .order = (int)order,
			     .type = MIGRATE_UNMOVABLE,
			     .high_zone = high_zone,
			     .mode = MOVE_SYNC_LIGHT,
			     .may_fs = true };
	enum compact_result result;

	if (compact_deferred(zone, order) ||
	    compact_suitable(zone, (int)order, 0, high_zone, 0) != COMPACT_CONTINUE)
		return;
	result = compact_zone(&c);
	mm_event(mm, EVENT_KCOMPACTD_MIGRATE_SCANNED, c.used_scanned);
	mm_event(mm, EVENT_KCOMPACTD_FREE_SCANNED, c.free_scanned);
	if (result == COMPACT_SUCCESS) {
		compact_defer_reset(zone, order, false);
	} else if (result == COMPACT_COMPLETE || result == COMPACT_PARTIAL_SKIPPED) {
		zonal_drain_all(mm, zone);
		compact_defer(zone, order);
	}
}

/* As one who works for reclaim. */
static uint32_t work_begin(struct zonal_task *task)
{
	uint32_t scope = task->flags & ZTASK_MEMALLOC;

	task->flags |= ZTASK_MEMALLOC;
	return scope;
}

static void work_end(struct zonal_task *task, uint32_t scope)
{
	task->flags = (task->flags & ~ZTASK_MEMALLOC) | scope;
}

/* ---- ahead (X15) ---- */

#define AHEAD_NS 500000000u
#define AHEAD_PAUSE 64u

/* Its zones' scores, each by its share of the node. */
static unsigned node_score(struct node *node)
{
	uint64_t score = 0;

	for (unsigned t = 0; t < ZONE_TYPES; t++)
		if (zone_managed(&node->zone[t]))
			score += node->zone[t].present * compact_score(&node->zone[t]) /
				 (node->present + 1);
	return (unsigned)score;
}

/* All of a zone, with no order in mind; `ahead`: before anybody asks, and patient. */
static struct compact compact_whole(struct zonal *mm, struct zone *zone, bool ahead)
{
	struct compact c = { .mm = mm,
			     .zone = zone,
			     .order = COMPACT_WHOLE,
			     .mode = ahead ? MOVE_SYNC_LIGHT : MOVE_SYNC,
			     .whole_zone = true,
			     .ignore_skip = true,
			     .ahead = ahead,
			     .high_zone = ZONE_MOVABLE,
			     .may_fs = true };

	(void)compact_zone(&c);
	return c;
}

/* Nobody asks: is the node so scattered that somebody might wait? A run that does not help is not
 * tried again for a while. */
static void turn_ahead(struct zonal *mm, struct node *node)
{
	unsigned before = node_score(node);

	if (before <= compact_mark(mm, false) || kswapd_runs(node))
		return;
	if (node->compact.pause) {
		node->compact.pause--;
		return;
	}
	for (unsigned t = 0; t < ZONE_TYPES; t++)
		if (zone_managed(&node->zone[t]))
			(void)compact_whole(mm, &node->zone[t], true);
	node->compact.pause = node_score(node) < before ? 0 : AHEAD_PAUSE;
}

static void turn_for_order(struct zonal *mm, struct node *node, unsigned order, unsigned high_zone)
{
	mm_event(mm, EVENT_KCOMPACTD_WAKE, 1);
	trace(mm, KCOMPACTD_WAKE, node->id, order, high_zone);
	for (unsigned t = 0; t <= high_zone; t++)
		if (zone_managed(&node->zone[t]))
			compact_in_background(mm, &node->zone[t], order, high_zone);
}

uint64_t zonal_kcompactd_turn(struct zonal *mm, unsigned nid)
{
	struct node *node = nid < ZONAL_MAX_NODES ? mm->node[nid] : NULL;
	bool ahead = ld_relaxed(&mm->proactiveness);
	struct node_compact *n;
	unsigned order, zones;

	ASSERT(node, "no node %u", nid);
	n = &node->compact;
	st_relaxed(&n->asleep, false);
	order = atomic_exchange_explicit(&n->wanted_order, 0, memory_order_relaxed);
	zones = atomic_exchange_explicit(&n->wanted_zones, 0, memory_order_relaxed);
	if ((order && zones) || ahead) {
		struct zonal_task *task = ask_here(mm).task;
		uint32_t scope = work_begin(task);

		if (order && zones)
			turn_for_order(mm, node, order, zones - 1);
		else
			turn_ahead(mm, node);
		work_end(task, scope);
	}
	st_relaxed(&n->asleep, true);
	atomic_thread_fence(memory_order_seq_cst);
	if (ld_relaxed(&n->wanted_order))
		return 0;
	trace(mm, KCOMPACTD_SLEEP, nid);
	return ahead ? AHEAD_NS : UINT64_MAX;
}

/* ---- whole nodes ---- */

void zonal_compact(struct zonal *mm, int nid, struct zonal_compacted *out)
{
	struct zonal_task *task = ask_here(mm).task;
	uint32_t scope = work_begin(task);
	struct compact c;
	struct zone *zone;
	unsigned zid;

	*out = (struct zonal_compacted){ .moved = 0 };
	mm_for_each_zone(mm, zid, zone) {
		if ((nid != NODE_NONE && zone->node != nid) || !zone_managed(zone))
			continue;
		c = compact_whole(mm, zone, false);
		out->moved += c.moved;
		out->failed += c.failed;
		out->scanned += c.used_scanned + c.free_scanned;
		zonal_drain_all(mm, zone);
	}
	work_end(task, scope);
}
