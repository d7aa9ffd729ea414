/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_CHECK_H
#define MM_CHECK_H

#include "mm.h"

/* What zonal_check() carries from one invariant to the next. */
struct walk {
	struct zonal *mm;
	struct zonal_finding *out;
	uint64_t listed;             /* pages of the zone in free lists and rings */
	uint64_t pages[PAGE_STATES]; /* of the zone, by walking the map */
	uint64_t retired;            /* of these, BAD and marked so */
	uint64_t miss, foreign;      /* of all zones */
	int64_t reserved, in_blocks; /* highatomic pages of all zones: counted, of their blocks */
	uint32_t on_list[ZONAL_MAX_NODES], isolated[ZONAL_MAX_NODES]; /* by walking the map */
	bool bad;
};

/* Write the first violation down, later ones are dropped; always true. */
bool check_found(struct walk *w, pfn_t pfn, const char *fmt, ...) ZN_PRINTF(3, 4);

/*
 * Every block of every free list of a zone, and what the zone counts of them. True: something
 * does not hold. Masks interrupts and holds the zone lock for CHECK_SLICE blocks at a time.
 * Context: not masked, no lock held.
 */
bool check_zone_lists(struct walk *w, struct zone *zone);

/* Blocks looked at with the lock held; at about 60 instructions each, well below 15,000. */
#define CHECK_SLICE 64u

#endif
