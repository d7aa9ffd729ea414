/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_DEFERRED_H
#define MM_DEFERRED_H

#include <zonal/deferred.h>

#include "mm.h"

/* Of an instance that leaves sections for later. */
struct deferred {
	struct boot_info info;  /* i: the board as it was when the instance was built */
	_Atomic uint32_t looks; /* a: walks over the whole map that want it to stay as it is */
};

/* Of zonal_init(): is this section, which has a map, left for later? Its first structures are
 * not there, but it has a mark. */
static inline bool deferred_section(const struct zonal *mm, pfn_t s)
{
	return ZONAL_DEFERRED && mm->deferred && ld_relaxed(&mm->ready[s]) &&
	       ld_relaxed(&mm->ready[s]) < mm->bounds[s].end;
}

/* Initialise more of the zone, which is short of pages. See deferred_grow(). */
bool deferred_grow_zone(struct zone *zone, unsigned order);

/*
 * A zone that has no room for a block of `order` gets some, if pages of it are left (F6, F7): a
 * section, or, while the caller has interrupts masked, 4 MiB. True: it has more than before, by
 * our work or another CPU's; each answer of that kind uses up pages. Context: any; takes the
 * node's lock of deferred pages and the zone's.
 */
static inline bool deferred_grow(struct zone *zone, unsigned order)
{
	return ZONAL_DEFERRED && unlikely(ld_relaxed(&zone->deferred)) &&
	       deferred_grow_zone(zone, order);
}

/* Who names a frame, and does not take what comes, finds its structure: everything below is
 * initialised first. Context: as deferred_grow(). */
void deferred_reach_pfn(struct zonal *mm, pfn_t pfn);
static inline void deferred_reach(struct zonal *mm, pfn_t pfn)
{
	if (ZONAL_DEFERRED && unlikely(mm->deferred))
		deferred_reach_pfn(mm, pfn);
}

/* zone_range.c: the zone that all of [start, start + pages) is RAM of, whose structures are brought
 * if they are not there; NULL: it is no such range. Context: as deferred_grow(). */
struct zone *zone_of_range(struct zonal *mm, pfn_t start, uint64_t pages);

/* Are there pages that do not come only because of deferred_hold()? */
bool deferred_waits(const struct zonal *mm);
static inline bool deferred_is_held(const struct zonal *mm)
{
	return ZONAL_DEFERRED && unlikely(mm->deferred) && deferred_waits(mm);
}

/* Between these nothing is initialised, and zones do not grow. Context: task or boot. */
void deferred_hold(struct zonal *mm);
void deferred_go_on(struct zonal *mm);

#endif
