/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the slow path and kswapd know of compaction. A build without reclaim (ZONAL_RECLAIM=0) has
 * none of it either, and the steps make no progress.
 */
#ifndef MM_COMPACT_RUNG_H
#define MM_COMPACT_RUNG_H

#include "mm/reclaim/reclaim.h"

/* How a run ended, in 5.10's order: of several zones the highest counts (X5). */
enum compact_result {
	COMPACT_NOT_TRIED,
	COMPACT_SKIPPED,         /* too little free memory to work with, or none would come of it */
	COMPACT_DEFERRED,        /* it failed lately */
	COMPACT_NO_SUITABLE,     /* nothing yet */
	COMPACT_CONTINUE,
	COMPACT_COMPLETE,        /* the whole zone was gone through in vain */
	COMPACT_PARTIAL_SKIPPED, /* a part of it */
	COMPACT_CONTENDED,       /* it was given up */
	COMPACT_SUCCESS,
	COMPACT_RESULTS
};

/* R9: how hard it tries. */
enum compact_priority { COMPACT_SYNC_FULL, COMPACT_SYNC_LIGHT, COMPACT_ASYNC };

#if ZONAL_RECLAIM

/* X11: may a request with these flags compact? */
static inline bool compact_allowed(gfp_t gfp) { return gfp & __GFP_IO; }

/* L13, X5: compact for the request and look again. How it ended is in retry->compacted. Context: a
 * task that may wait and does not work for reclaim. */
struct page *compact_for(const struct alloc_req *req, const struct alloc_pass *pass,
			 struct retry *retry);
/* R6-R9: is it worth another round? */
bool compact_retry_worth(const struct alloc_req *req, const struct alloc_pass *pass,
			 struct retry *retry);
/* K11: this zone has free memory enough for a costly request: compaction is what it needs. */
bool compact_ready(struct zone *zone, unsigned order, unsigned high_zone);

/* X14: ask for the node's kcompactd. Context: any, no lock held. */
void kcompactd_ask(struct zonal *mm, struct node *node, unsigned order, unsigned high_zone);
/* X9: kswapd goes to sleep: hints of zones that were gone through go. */
void compact_kswapd_sleeps(struct node *node);

#else

static inline bool compact_allowed(gfp_t gfp)
{
	(void)gfp;
	return false;
}

static inline struct page *compact_for(const struct alloc_req *req, const struct alloc_pass *pass,
				       struct retry *retry)
{
	(void)req, (void)pass, (void)retry;
	return NULL;
}

static inline bool compact_retry_worth(const struct alloc_req *req, const struct alloc_pass *pass,
				       struct retry *retry)
{
	(void)req, (void)pass, (void)retry;
	return false;
}

static inline void kcompactd_ask(struct zonal *mm, struct node *node, unsigned order,
				 unsigned high_zone)
{
	(void)mm, (void)node, (void)order, (void)high_zone;
}

#endif
#endif
