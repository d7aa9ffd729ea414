/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Claims: pages of certain nodes that a client is sure of before it takes them.
 *
 * A guest that needs 512 MiB on node 1 and 64 MiB on node 0 must not get half way and fail. So its
 * builder claims first, all or nothing; what it then takes under the claim cannot fail, and what it
 * did not need goes back.
 *
 *	struct zonal_claim_part part[] = { { .nid = 1, .pages = 131072 },
 *					   { .nid = 0, .pages = 16384 } };
 *	struct zonal_claim claim = { .owner = "guest 3", .order = 9, .gfp = ZONAL_GFP_KERNEL,
 *				     .part = part, .parts = 2 };
 *
 *	if (zonal_claim_make(mm, &claim))
 *		return complain(claim.short_nid);
 *	page = zonal_claim_take(&claim, 1, 0, 9);     2 MiB, and so on
 *	...
 *	zonal_claim_drop(&claim);                     the rest is free again
 *
 * What is claimed is taken out of the free lists at once, in blocks as large as there are, and
 * kept for the claim. So the watermark tests of all others count it as they count every page in
 * use, with no test of their own: who has made no claim pays nothing for those of others. It is
 * taken as any request takes: by the marks, within the node, nothing from reserves that `gfp` does
 * not open. Claimed pages are not free (zonal_is_free()), and are not moved.
 *
 * Several builders take turns: the first that asks has all it wants or nothing of it, and no two of
 * them fail because each holds half.
 *
 * The structures are the client's memory and stay until the claim is dropped. What is not said to
 * be the client's is the core's.
 */
#ifndef ZONAL_CLAIM_H
#define ZONAL_CLAIM_H

#include <zonal/zonal.h>

ZONAL_BEGIN_DECLS

struct zonal_claim_part {
	unsigned nid;     /* the client's: each node in one part */
	uint64_t pages;   /* the client's: how many, a multiple of 2^order */
	ZONAL_ATOMIC(uint64_t) left; /* of these, not taken yet; read by anybody */
	uint32_t first[ZONAL_MAX_ORDER];
};

struct zonal_claim {
	char owner[24];   /* the client's: a name for reports, ends with a NUL */
	unsigned order;   /* the client's: the smallest blocks that it is kept in */
	zonal_gfp_t gfp;  /* the client's: zones, mobility, how far to go for it */
	struct zonal_claim_part *part; /* the client's table, of `parts` */
	unsigned parts;
	int short_nid;    /* after ZONAL_ENOMEM: who had too little; else ZONAL_NODE_NONE */
	struct zonal *mm; /* NULL: nothing is claimed */
	struct zonal_claim *next;
};

/*
 * All of it, or nothing. 0; ZONAL_ENOMEM: a node has too little, short_nid says which;
 * ZONAL_EINVAL: no parts or pages, a node that is not there or is named twice, pages that are no
 * multiple, an order above the largest, no name, or it is a claim already. Waits as `gfp`
 * says, for each node to its last page, and while others make theirs. Context: task.
 */
int zonal_claim_make(struct zonal *mm, struct zonal_claim *claim) ZONAL_MUST_USE;

/*
 * A block of 2^order pages of node `nid` (ZONAL_NODE_NONE: of the first part that has one), as
 * zonal_alloc() gives it and to be freed like that; of `gfp` ZERO and COMP matter. NULL: the claim
 * has too few pages left there, or they are in smaller blocks: those of an order above the claim's
 * are luck, and those of its own order are there to the last page if nothing smaller is taken;
 * single pages always are. Any number of CPUs may take from one claim. Any context.
 */
zonal_page_t *zonal_claim_take(struct zonal_claim *claim, int nid, zonal_gfp_t gfp,
			       unsigned order) ZONAL_MUST_USE;

/* What is left goes back to the free lists; what was taken stays its taker's. Nobody takes from it
 * any more. A claim that is none: nothing happens. Context: task. */
void zonal_claim_drop(struct zonal_claim *claim);

/* ---- reports --------------------------------------------------------------- */

/* Pages of node `nid` that are claimed and not taken. Any context. */
uint64_t zonal_claimed_pages(struct zonal *mm, unsigned nid);

struct zonal_claim_info {
	char owner[24];
	unsigned nid;
	uint64_t pages, left;
};

/* Part number `n` of all parts of all claims, the newest claim first; false: there are fewer.
 * Claims that come and go between two calls may shift the numbers. Any context. */
bool zonal_claim_info(struct zonal *mm, unsigned n, struct zonal_claim_info *out);

ZONAL_END_DECLS

#endif
