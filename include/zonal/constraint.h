/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory with constraints: addresses, alignment, a boundary, nodes, colours, one region or many.
 *
 *	static const struct zonal_constraint ring = {
 *		.pages = 3, .regions = 2, .high = 0xffffffff, .align = 0x10000,
 *		.boundary = 0x1000000, .gfp = ZONAL_GFP_KERNEL, .nid = ZONAL_NODE_NONE,
 *	};
 *	zonal_pfn_t start[2];
 *	enum zonal_unmet why;
 *
 *	if (zonal_alloc_constrained(mm, &ring, start, &why))
 *		return complain(zonal_unmet_text(why));
 *
 * Each region is `pages` pages side by side, all of one zone, and there are `regions` of them: all
 * or nothing. What lies before, between and behind them stays in the free lists.
 *
 * Where. Zones in the order in which a request of `gfp` from node `nid` would ask them (nearest
 * node first, in a node from high to low, none above what `gfp` allows), and in each zone the
 * lowest places that fit, ascending. start[] has them in that order.
 *
 * From whom. Free blocks of ordinary lists: never of the highatomic reserve, of CMA areas, or of
 * pageblocks that somebody has isolated. If that does not do, the lists of all CPUs are drained
 * and the search begins anew; then, if ZONAL_CONSTRAINT_MOVE says so, once more, and what can
 * be moved away is (<zonal/contig.h>), at one place of each pageblock. No zone goes below its MIN
 * mark, boost and lowmem reserve included, and nothing is reclaimed for it.
 * Cpusets, policies and memory groups have no say.
 *
 * The pages are single ones (order 0) with one reference each, and go back one by one, in part, or
 * by zonal_free_contig_range(). Pageblocks keep their types.
 *
 * Context: task or boot, not masked. A zone lock is held for one free block at a time.
 */
#ifndef ZONAL_CONSTRAINT_H
#define ZONAL_CONSTRAINT_H

#include <zonal/zonal.h>

ZONAL_BEGIN_DECLS

#define ZONAL_CONSTRAINT_MOVE 0x1u /* flags: move away what is in the way */

/* Most colours of pages. */
#define ZONAL_CONSTRAINT_COLOURS 64u

struct zonal_constraint {
	uint64_t pages;         /* of each region; at least 1 */
	unsigned regions;       /* at least 1 */
	unsigned flags;
	uint64_t low, high;     /* every byte has an address from low to high; high 0: no limit */
	uint64_t align;         /* bytes, a power of two; 0: a page */
	uint64_t boundary;      /* no region crosses a multiple of it: bytes, a power of two, at
				 * least a region; 0: none */
	zonal_nodemask_t nodes; /* 0: all */
	unsigned colours;       /* regions of 1 page: its colour is pfn % colours; 0: any */
	uint64_t colour_mask;   /* bit c: pages of colour c will do */
	zonal_gfp_t gfp;        /* zones, and ZONAL_GFP_F_ZERO; the rest does not matter */
	int nid;                /* ZONAL_NODE_NONE: this CPU's */
};

/* Which rule was in the way. */
enum zonal_unmet {
	ZONAL_UNMET_NONE,
	/* of the request itself, ZONAL_EINVAL: */
	ZONAL_UNMET_SIZE,     /* no pages, no regions, or more than frame numbers can name */
	ZONAL_UNMET_ALIGN,
	ZONAL_UNMET_BOUNDARY,
	ZONAL_UNMET_COLOURS,
	ZONAL_UNMET_NODE,     /* no such node */
	ZONAL_UNMET_FLAGS,    /* two zones, unknown flags, or ZERO without a clear hook */
	/* of the memory, ZONAL_ENOMEM; the one that was come to last: */
	ZONAL_UNMET_RANGE,    /* no memory of these nodes and zones has such addresses */
	ZONAL_UNMET_PLACE,    /* none of it has room for a region there, in use or not */
	ZONAL_UNMET_BUSY,     /* places there are, but too few of them free */
	ZONAL_UNMET_MARK,     /* a zone would go below its mark */
	ZONAL_UNMETS
};

/* Regions as wanted, their first frames in start[want->regions]. 0, or a negative ZONAL_E* with
 * *why (which may be NULL), and nothing has been taken then. */
int zonal_alloc_constrained(struct zonal *mm, const struct zonal_constraint *want,
			    zonal_pfn_t *start, enum zonal_unmet *why) ZONAL_MUST_USE;

/* A few words; "?" beyond. */
const char *zonal_unmet_text(enum zonal_unmet why);

ZONAL_END_DECLS

#endif
