/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes: in which order the zones of a board are tried.
 *
 * The order of nodes (row N1). Starting from a node, the nearest node that is
 * not yet in the list comes next, where "near" is
 *
 *	(distance + (candidate < start) + (candidate has CPUs)) * nodes * MAX_NODES + load
 *
 * and the lower id wins a tie. The second term makes start+1 come before
 * start-1, so that neighbours are used round the ring; the third prefers nodes
 * whose CPUs will not miss the memory, but a 5.10 arm64 kernel builds its lists
 * before it has put CPUs on nodes, so at boot that term is 0 for all (N3).
 * `load` spreads what is left of the ties (N2): the first node of each group of
 * equal distance gets a load that falls as the list grows, and it is carried
 * from node to node, so that two nodes with the same choice choose differently.
 *
 * The candidate's start node itself is always first, with or without memory;
 * every other node must have memory.
 *
 * The order of zones (N4): node by node, in a node from high to low, only zones
 * that have managed pages. A memoryless node's list thus begins with its nearest
 * neighbour (N7).
 *
 * All of it runs at boot, once, on one CPU: no locks.
 */
#include "node.h"

#include "lib/assert.h"
#define NODE_CPU_PENALTY 1

static int order_next(const struct node_orders *b, unsigned start, nodemask_t used)
{
	uint64_t best_value = UINT64_MAX;
	int best = NODE_NONE;

	ASSERT(start < ZONAL_MAX_NODES && b->online_count, "from node %u, %u nodes", start,
	       b->online_count);
	if (!nodemask_has(used, start))
		return (int)start;
	for (nodemask_t left = b->candidates & ~used; left; left &= left - 1) {
		unsigned n = nodemask_first(left);
		uint64_t value;

		value = b->distance[start][n] + (n < start ? 1u : 0u);
		value += nodemask_has(b->has_cpu, n) ? NODE_CPU_PENALTY : 0;
		value = value * b->online_count * ZONAL_MAX_NODES + b->load[n];
		if (value < best_value) {
			best_value = value;
			best = (int)n;
		}
	}
	return best;
}

unsigned node_order_of(struct node_orders *b, unsigned start, uint8_t order[ZONAL_MAX_NODES])
{
	unsigned load = b->online_count, previous = start, count = 0;
	nodemask_t used = 0;
	int next;

	ASSERT(start < ZONAL_MAX_NODES && load, "node %u of %u", start, load);
	while ((next = order_next(b, start, used)) != NODE_NONE) {
		unsigned n = (unsigned)next;

		if (b->distance[start][n] != b->distance[start][previous])
			b->load[n] = load;
		order[count++] = (uint8_t)n;
		used |= node_bit(n);
		previous = n;
		load--;
	}
	return count;
}

static void zonelist_add_node(struct zonelist *list, struct node *node)
{
	ASSERT(list->count + ZONE_TYPES <= ARRAY_SIZE(list->ref), "%u zones in a list of %u",
	       list->count, (unsigned)ARRAY_SIZE(list->ref));
	for (int t = ZONE_TYPES - 1; t >= 0; t--) {
		struct zone *zone = &node->zone[t];

		if (zone_listed(zone))
			list->ref[list->count++] = (struct zoneref){ .zone = zone,
								     .type = (uint8_t)t,
								     .node = node->id };
	}
}

/* Where a request limited to zones <= t begins. */
static void zonelist_find_first(struct zonelist *list)
{
	ASSERT(list->count <= ARRAY_SIZE(list->ref), "a list of %u zones", list->count);
	for (unsigned t = 0; t < ZONE_TYPES; t++) {
		uint16_t i = 0;

		while (i < list->count && list->ref[i].type > t)
			i++;
		list->first[t] = i;
	}
}

/* N6: the highest zone that a bind policy is meant for; MOVABLE is above policy. */
static void find_policy_zone(struct zonal *mm)
{
	struct zone *zone;
	unsigned zid;

	mm->policy_zone = ZONE_DMA;
	mm_for_each_zone(mm, zid, zone)
		if (zone_listed(zone) && zone->type != ZONE_MOVABLE &&
		    zone->type > mm->policy_zone)
			mm->policy_zone = zone->type;
}

/* M12: too little memory for one block of each type makes grouping pointless. 5.10 counts what
 * lies above the HIGH marks, which are all 0 when it does. */
static void decide_grouping(struct zonal *mm)
{
	int64_t managed = 0;
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone) {
		ASSERT(!ld_relaxed(&zone->mark[WMARK_HIGH]), "zone %u has its marks", zid);
		managed += zone_managed(zone);
	}
	if (managed < ((int64_t)MIGRATE_TYPES << PAGEBLOCK_ORDER))
		fetch_or_acq_rel(&mm->gates, GATE_NO_GROUPING);
}

static void build_zonelists(struct zonal *mm, struct node *node)
{
	node->fallback.count = node->nofallback.count = 0;
	for (unsigned i = 0; i < node->order_count; i++)
		zonelist_add_node(&node->fallback, mm->node[node->order[i]]);
	zonelist_add_node(&node->nofallback, node);
	zonelist_find_first(&node->fallback);
	zonelist_find_first(&node->nofallback);
}

void node_build_zonelists(struct zonal *mm)
{
	struct node_orders orders = {
		.distance = (const uint8_t(*)[ZONAL_MAX_NODES])mm->distance,
		.candidates = mm->has_memory,
		.online_count = mm->node_count,
	};

	for (nodemask_t left = mm->online; left; left &= left - 1) {
		struct node *node = mm->node[nodemask_first(left)];

		node->order_count = node_order_of(&orders, node->id, node->order);
		ASSERT(node->order_count && node->order[0] == node->id,
		       "%u nodes from node %u on, %u first", node->order_count, node->id,
		       node->order[0]);
		build_zonelists(mm, node);
	}
	if (ZONAL_POLICY)
		find_policy_zone(mm);
	if (ZONAL_MOBILITY)
		decide_grouping(mm);
}
