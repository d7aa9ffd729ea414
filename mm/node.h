/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_NODE_H
#define MM_NODE_H

#include "mm.h"

/*
 * Fallback order of every online node (rows N1-N3). order[n][0] is n itself, then
 * the nodes of has_memory by growing distance with 5.10's spreading of ties.
 * `has_cpu` is 0 for the lists that a 5.10 arm64 kernel builds at boot.
 * count[n] entries are valid; rows of nodes that are not online stay untouched.
 */
void node_order_build(uint8_t distance[ZONAL_MAX_NODES][ZONAL_MAX_NODES], nodemask_t online,
		      nodemask_t has_memory, nodemask_t has_cpu,
		      uint8_t order[ZONAL_MAX_NODES][ZONAL_MAX_NODES],
		      uint8_t count[ZONAL_MAX_NODES]);

/* Build both zonelists of every node, policy_zone and the grouping decision
 * (N4-N6, M12) from the zones' managed pages. Context: boot. */
void node_build_zonelists(struct zonal *mm);

#endif
