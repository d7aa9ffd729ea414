/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking: how much is free, in how large pieces, and where.
 *
 *	struct zonal_free_range range;
 *	zonal_pfn_t next = 0;
 *
 *	while (zonal_free_next(mm, &next, &range))
 *		print(range.start, range.pages);
 *
 * Nothing here changes anything, and nothing waits for a page. What is told was so at the look, and
 * may be different when the call returns, unless nobody allocates meanwhile.
 */
#ifndef ZONAL_LOOK_H
#define ZONAL_LOOK_H

#include <zonal/zonal.h>

ZONAL_BEGIN_DECLS

/* ---- counts ---------------------------------------------------------------- */

/* All in pages. total = free + per_cpu + apart + later + what is in somebody's hands. */
struct zonal_counts {
	uint64_t present;  /* RAM, whether or not it is the allocator's */
	uint64_t total;    /* of these, the allocator's */
	uint64_t free;     /* in the free lists, those of CMA areas and of the highatomic reserve
			    * too: what the watermarks go by */
	uint64_t free_cma; /* of these, in CMA areas: for movable requests alone */
	uint64_t per_cpu;  /* in the lists of CPUs: nobody's, but not in `free` */
	uint64_t apart;    /* free, but given to nobody: of isolated pageblocks, and guards */
	uint64_t later;    /* not initialised yet (<zonal/deferred.h>) */
	/*
	 * The largest block in the free lists of each migratetype; 0: they are empty. `largest` is
	 * the largest of those that ordinary requests take from: UNMOVABLE, MOVABLE and
	 * RECLAIMABLE. Two blocks side by side count as two, so no more than the largest order:
	 * zonal_free_next() knows of longer ranges.
	 */
	uint64_t largest;
	uint64_t largest_of[ZONAL_MIGRATE_TYPES];
};

/* Of one zone; false, and all 0: node `nid` has no such zone. Any context; takes the zone lock for
 * a moment, so that all but `per_cpu` are of one. */
bool zonal_zone_counts(struct zonal *mm, unsigned nid, enum zonal_zone_type zone,
		       struct zonal_counts *out);

/* Of all zones of a node, one after the other: sums, and the largest of the largest. False: there
 * is no such node. One without memory has 0 of everything. Any context. */
bool zonal_node_counts(struct zonal *mm, unsigned nid, struct zonal_counts *out);

/* ---- free ranges ----------------------------------------------------------- */

struct zonal_free_range {
	zonal_pfn_t start;
	uint64_t pages;    /* of one zone; free blocks side by side are one range */
	uint8_t node;
	uint8_t zone;      /* enum zonal_zone_type */
};

/*
 * The next free range, by address, that begins at *next or behind it, and *next is where it ends;
 * of a range that *next lies in, the rest. False: there is none, and *next is behind all memory.
 * Free is what zonal_is_free() calls so: blocks of every list, isolated ones too; no guards, and
 * not what lies in per-CPU lists (zonal_drain_all() brings that back).
 *
 * While others allocate and free: ranges ascend and do not overlap; a page that is free all the
 * time is told, and one that is used all the time is not. One that changes may or may not be.
 *
 * A zone lock is held for 64 blocks or pages at most, and then let go; how long a call takes in
 * all hangs on the distance to the next free page. Context: any.
 */
bool zonal_free_next(struct zonal *mm, zonal_pfn_t *next, struct zonal_free_range *out);

ZONAL_END_DECLS

#endif
