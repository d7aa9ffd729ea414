/* SPDX-License-Identifier: BSD-2-Clause */
/* What the instance keeps of cpusets, groups and claims (cpuset_tree.c, group.h, claim.c). */
#ifndef MM_GROUP_STATE_H
#define MM_GROUP_STATE_H

#include <zonal/config.h>

#include "lib/lock.h"

struct zonal_claim;
struct zonal_cpuset;
struct zonal_group;

struct cpuset_state {
	struct ticket_lock lock;
	_Atomic uint32_t busy; /* the tree is being changed */
	struct zonal_cpuset *top; /* busy */
};

struct group_state {
	struct ticket_lock lock;
	/* Written under the lock; none has number 0. */
	_Atomic(struct zonal_group *) by_id[ZONAL_MAX_GROUPS];
	/* Their numbers in the order of group_next(), then 0; written under the lock. */
	_Atomic uint8_t order[ZONAL_MAX_GROUPS];
	_Atomic uint8_t *map; /* i: of each page, whose it is; NULL: no groups */
};

struct claim_state {
	struct ticket_lock lock; /* of this list, and of the blocks that each claim keeps */
	struct zonal_claim *first;
	_Atomic uint8_t turn;    /* a: held by who makes one */
};

/* A CPU's: pages that are charged to a group and not used yet. */
struct group_store {
	struct zonal_group *group;
	uint32_t pages;
};

#endif
