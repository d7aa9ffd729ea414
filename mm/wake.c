/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who asks for background reclaim, and whether there is reason to.
 *
 * A request that found its zones below LOW wakes the kswapd of each node that it looked at (L4),
 * and one that broke up a block of another mobility tells of the boost that came with it (F13). A
 * node is in need if none of its zones up to the one that the request could use is above HIGH
 * for a block of that order, or if one of them is boosted (K2, K3).
 *
 * In a build without reclaim the need is seen and counted all the same, and nobody comes.
 *
 * The wish is two numbers, the order and the highest zone; the larger of several is kept (K1).
 *
 * No lock; the counters are read as they are.
 */
#include "wake.h"

#include "lib/assert.h"
#include "trace.h"
#include "watermark.h"

bool node_balanced(struct node *node, unsigned order, unsigned high_zone)
{
	bool managed = false;

	ASSERT(high_zone < ZONE_TYPES, "zone type %u", high_zone);
	for (unsigned t = 0; t <= high_zone; t++) {
		struct zone *zone = &node->zone[t];

		if (!zone_managed(zone))
			continue;
		managed = true;
		if (zone_mark_ok(zone, order, zone_mark(zone, WMARK_HIGH), high_zone, 0))
			return true;
	}
	return !managed;
}

int64_t node_boost(struct node *node, unsigned high_zone)
{
	int64_t sum = 0;

	for (unsigned t = 0; t <= high_zone; t++)
		sum += ld_relaxed(&node->zone[t].boost);
	return sum;
}

void kswapd_ask(struct zonal *mm, struct node *node, unsigned order, unsigned high_zone, gfp_t gfp)
{
	struct node_reclaim *r = &node->reclaim;

	ASSERT(order < MAX_ORDER && high_zone < ZONE_TYPES, "order %u zone type %u", order,
	       high_zone);
	raise_to(&r->wanted_order, (uint8_t)order);
	raise_to(&r->wanted_zones, (uint8_t)(high_zone + 1));
	/* Pairs with the fence at the end of zonal_kswapd_turn(): who goes to sleep sees the wish,
	 * or we see that he sleeps. */
	atomic_thread_fence(memory_order_seq_cst);
	if (!ld_relaxed(&r->asleep) || ld_relaxed(&r->failures) >= KSWAPD_HOPELESS)
		return;
	if (node_balanced(node, order, high_zone) && !node_boost(node, high_zone))
		return;
	trace(mm, KSWAPD_ASKED, node->id, high_zone, order, gfp);
	if (port_kswapd_wake)
		port_kswapd_wake(mm, node->id);
}

bool kswapd_wake(struct zonal *mm, struct node *node, unsigned order, unsigned high_zone,
		 gfp_t gfp)
{
	kswapd_ask(mm, node, order, high_zone, gfp);
	return !node_balanced(node, order, high_zone) || node_boost(node, high_zone);
}
