/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_NODE_H
#define MM_NODE_H

#include "mm.h"

/* What the search for the fallback orders goes by, and carries from node to node. */
struct node_orders {
	const uint8_t (*distance)[ZONAL_MAX_NODES];
	nodemask_t candidates;          /* nodes with memory */
	nodemask_t has_cpu; /* 0 for the lists that a 5.10 arm64 kernel builds at boot */
	unsigned online_count;          /* nodes that are online, 1 at least */
	unsigned load[ZONAL_MAX_NODES]; /* 0 before the first search */
};

/*
 * Fallback order of one node (rows N1-N3): itself, then the candidates by growing distance
 * with 5.10's spreading of ties. Returns how many nodes that is. For the spreading the online
 * nodes are to be asked for by growing id, each once.
 */
unsigned node_order_of(struct node_orders *orders, unsigned start, uint8_t order[ZONAL_MAX_NODES]);

/* Build both zonelists of every node, policy_zone and the grouping decision
 * (N4-N6, M12) from the zones' managed pages. Context: boot. */
void node_build_zonelists(struct zonal *mm);

#endif
