/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_COMPACT_ISOLATE_BLOCK_H
#define MM_COMPACT_ISOLATE_BLOCK_H

#include "mm/mm.h"

/* Pages of a pageblock. */
#define BLOCK_PAGES ((pfn_t)1 << PAGEBLOCK_ORDER)

/* For range_unisolate(): each block gets the type that it had. */
#define ISOLATE_AS_BEFORE MIGRATE_TYPES

/*
 * Isolate the pageblocks of [start, end), for a request of `type`, MOVABLE or CMA (A1, A3): all of
 * them or none. Afterwards no page of them is given to anybody, what becomes free there stays, and
 * no per-CPU list holds one. 0; ZONAL_EBUSY: somebody has one of them isolated already, something
 * in them cannot be moved (A4), or zones share one; ZONAL_EINVAL: the range is not of whole
 * pageblocks, is empty, or has no page map. Context: task, not masked. Takes zone locks.
 */
int range_isolate(struct zonal *mm, pfn_t start, pfn_t end, unsigned type) ZONAL_MUST_USE;

/* The reverse (A2), by who isolated them: each block is of `type` from here on. */
void range_unisolate(struct zonal *mm, pfn_t start, pfn_t end, unsigned type);

/* A4 without isolating: can every page of these pageblocks leave, as far as a look without a lock
 * can tell? Any context. */
#if ZONAL_RECLAIM
bool range_can_leave(const struct zonal *mm, pfn_t start, pfn_t end, unsigned type);
#else
static inline bool range_can_leave(const struct zonal *mm, pfn_t start, pfn_t end, unsigned type)
{
	(void)mm, (void)start, (void)end, (void)type;
	return false;
}
#endif

#endif
