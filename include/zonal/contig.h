/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contiguous memory of any size, CMA areas, and bad pages.
 *
 * The buddy lists have no block above order 10. What is larger is taken out of memory that is in
 * use, by moving away what lies there: the pageblocks are isolated, so that nothing more is given
 * out of them, each page on a list of an owner that can move it (<zonal/reclaim.h>) is moved to
 * another frame, and when all of the range is free it is taken. What is in use otherwise cannot
 * be moved, and such a range is busy.
 *
 *	page = zonal_alloc_contig_pages(mm, 16384, ZONAL_GFP_KERNEL, nid, NULL);   64 MiB
 *	...
 *	zonal_free_contig_range(mm, zonal_pfn(page), 16384);
 *
 * A CMA area is memory that a driver wants in one piece now and then. While it does not, movable
 * requests use it, and nobody else: so it can always be emptied. Areas are those of the board
 * that say so (ZONAL_BOOT_CMA): reserved-memory nodes that are reusable and shared-dma-pool, and
 * `cma=`. They are numbered by address.
 *
 * All pages that come from here are single ones (order 0), each with one reference; they may be
 * given back one by one as well, except those of a CMA area, which has to know.
 *
 * Contexts. All calls are for tasks: they wait for pages to be moved, call owners, drain the
 * lists of other CPUs. No lock is held and interrupts are open. Zone locks are taken for one
 * pageblock or one block at a time.
 *
 * A build without ZONAL_RECLAIM cannot move a page: zonal_alloc_contig_range() says ZONAL_EINVAL,
 * zonal_alloc_contig_pages() NULL, and there is no CMA area; zonal_page_retire() is not there.
 */
#ifndef ZONAL_CONTIG_H
#define ZONAL_CONTIG_H

#include <zonal/zonal.h>

ZONAL_BEGIN_DECLS

/* ---- ranges ---------------------------------------------------------------- */

/*
 * Exactly the pages [start, start + pages), from whoever has them (A5, A6). Returns 0; or
 *	ZONAL_EINVAL  no pages, or not all of them RAM of one zone, or ZONAL_GFP_F_ZERO without a
 *	              clear hook
 *	ZONAL_EBUSY   one of them cannot be moved away, is reserved, lies in a CMA area, or somebody
 *	              else is at it. The blocks of the largest order that hold the ends must be
 *	              free of such pages as well
 * and then nothing has changed but the places of what could be moved. The pageblocks that were
 * emptied are movable afterwards. `gfp`: ZONAL_GFP_F_ZERO clears the pages; with ZONAL_GFP_F_FS
 * owners may take their locks of files.
 */
int zonal_alloc_contig_range(struct zonal *mm, zonal_pfn_t start, uint64_t pages,
			     zonal_gfp_t gfp) ZONAL_MUST_USE;

/*
 * Any `pages` pages in a row, of a zone that `gfp` may use, nearest to node `nid`
 * (ZONAL_NODE_NONE: this CPU's), of the nodes in `mask` (NULL or empty: all) (A7). Ranges begin at
 * multiples of `pages`. Those that are free are tried first; then, unlike 5.10, those of which
 * every page can be moved. NULL: no range is free and none could be emptied, or pages is 0.
 */
zonal_page_t *zonal_alloc_contig_pages(struct zonal *mm, uint64_t pages, zonal_gfp_t gfp, int nid,
				       const zonal_nodemask_t *mask) ZONAL_MUST_USE;

/*
 * One reference of each of the pages is dropped. Returns how many are still in use by others, who
 * hold references; that is logged once a call, as they will be missing.
 */
uint64_t zonal_free_contig_range(struct zonal *mm, zonal_pfn_t start, uint64_t pages);

/* ---- CMA areas ------------------------------------------------------------- */

struct zonal_cma_info {
	zonal_pfn_t start;
	uint64_t pages;          /* 0: it could not be used and stays reserved (A12) */
	unsigned node;
	unsigned order_per_bit;  /* it is given out in pieces of 2^n pages (A8) */
	uint64_t used;           /* pages given out, rounded up to such pieces */
	uint64_t largest;        /* pages of the longest row that is not given out */
	uint64_t allocs, failures, retries; /* calls served, not served, ranges that were busy */
};

/* Areas of the instance, at most ZONAL_CMA_AREAS, numbered from 0. */
unsigned zonal_cma_areas(const struct zonal *mm);
/* False: there is no such area. Waits for who changes it. */
bool zonal_cma_info(struct zonal *mm, unsigned area, struct zonal_cma_info *out);
/* The first area of node `nid` that can be used, -1: it has none. */
int zonal_cma_area_of_node(const struct zonal *mm, unsigned nid);

/* From now on in pieces of 2^order pages; before anybody else uses the area. ZONAL_EINVAL: no
 * such area, or an order above the largest block's; ZONAL_EBUSY: pages are given out. */
int zonal_cma_set_order(struct zonal *mm, unsigned area, unsigned order) ZONAL_MUST_USE;

/*
 * `count` pages of an area, the first at a multiple of 2^align pages (A9). What movable requests
 * have there is moved away; a place that is busy is passed over. NULL: no room, no such area, more
 * than it has, count 0, align above 31.
 */
zonal_page_t *zonal_cma_alloc(struct zonal *mm, unsigned area, uint64_t count,
			      unsigned align) ZONAL_MUST_USE;

/* Back to the area (A10). False, and nothing is done: not all of them were given out by it. */
bool zonal_cma_release(struct zonal *mm, unsigned area, zonal_page_t *page, uint64_t count);

/* ---- bad pages ------------------------------------------------------------- */

enum zonal_retired {
	ZONAL_RETIRED_FREE,     /* it was free, and is out of the lists for good */
	ZONAL_RETIRED_MOVED,    /* its owner has another frame now, and this one is out */
	ZONAL_RETIRED_LATER,    /* its holder cannot be moved: kept back when he frees it */
	ZONAL_RETIRED_RESERVED, /* not the allocator's, and never will be */
	ZONAL_RETIRED_ALREADY,
	ZONAL_RETIRED_NO_PAGE,  /* no page structure describes it */
	ZONAL_RETIRED_BUSY,     /* between two states again and again: ask anew */
	ZONAL_RETIRED_ANSWERS
};

struct zonal_retire {
	char owner[24];    /* whose it was, as he is registered; empty: nobody's that is known */
	const char *why;   /* LATER: why it was not moved; else NULL */
	unsigned order;    /* LATER: of the block it is part of, all of which is kept back */
};

/*
 * Take a bad page out of use for good, whatever it is used for. *out may be NULL. What is in it
 * is read once more if it has to be moved. A retired page is counted as managed and is in no list;
 * `check` and zonal_retired_pages() know it.
 */
enum zonal_retired zonal_page_retire(struct zonal *mm, zonal_pfn_t pfn,
				      struct zonal_retire *out);

/* A few words for each answer. */
const char *zonal_retired_text(enum zonal_retired answer);

/* Pages of node `nid` that are out of use for good. Any context. */
uint64_t zonal_retired_pages(const struct zonal *mm, unsigned nid);

ZONAL_END_DECLS

#endif
