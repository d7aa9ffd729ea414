/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a node keeps for reclaim: four lists of pages, of each memory group again four, and the
 * wishes to its kswapd.
 *
 * Legend of the letters behind the fields, beside those of zone.h:
 *	l  written under lru.lock with interrupts masked; read anywhere, relaxed
 *	a  atomic
 *	k  the node's kswapd alone
 */
#ifndef MM_RECLAIM_LRU_H
#define MM_RECLAIM_LRU_H

#include <zonal/reclaim.h>

#include "lib/lock.h"

/* Two lists a kind: list = kind * 2 + active. */
enum lru_list {
	LRU_INACTIVE_ANON,
	LRU_ACTIVE_ANON,
	LRU_INACTIVE_CACHE,
	LRU_ACTIVE_CACHE,
	LRU_LISTS
};
#define LRU_ACTIVE 1u

_Static_assert(LRU_INACTIVE_CACHE == ZONAL_CACHE * 2, "the kind is the upper bit");

static inline unsigned lru_kind(unsigned list) { return list / 2; }

/* Linked by frame numbers through page->links, PFN_NONE at the ends. */
struct lru_ends {
	uint32_t young, old;
	_Atomic uint64_t count[ZONE_TYPES]; /* l: pages by zone type */
};

/* The pages that are charged to one group, or to none. */
struct lru_lists {
	struct lru_ends list[LRU_LISTS]; /* l */
	/* l: what reclaim of each kind has cost lately, in pages that had to be written: the
	 * kind that costs less is looked at more. With what it cost the groups below. */
	_Atomic uint64_t cost[ZONAL_KINDS];
};

struct lru {
	struct ticket_lock lock;
	struct lru_lists root;   /* of pages that are charged to nobody */
	struct lru_lists *group; /* i: by the group's number; NULL: there are no groups */
	_Atomic int64_t isolated[ZONAL_KINDS]; /* a: off their lists */
	_Atomic int64_t dirty, writing;        /* a */
};

struct node_reclaim {
	struct lru lru;
	/* What kswapd is asked for; K1: the larger of two wishes is kept. */
	_Atomic uint8_t wanted_order; /* a */
	_Atomic uint8_t wanted_zones; /* a: highest zone type + 1; 0: nobody asks */
	_Atomic uint8_t asleep;       /* a: it may be woken */
	_Atomic uint8_t failures;     /* a: runs in a row that reclaimed nothing (K2, K6) */
	_Atomic uint8_t near;         /* a: somebody reclaims it for a request (K16) */
	_Atomic uint8_t served;       /* a: there is a kswapd: zonal_kswapd_turn() was called */
	uint8_t balanced_order;       /* k: what its last run came down to (K7) */
	uint8_t run_zone;             /* k: highest zone of the last run */
	uint8_t run_order;            /* k: order asked of the last run */
	uint8_t nap;                  /* k: it was sent to sleep for a moment only (K9) */
};

#endif
