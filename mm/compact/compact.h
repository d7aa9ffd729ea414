/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compaction among its own files. What the rest of mm/ knows of it is in rung.h.
 */
#ifndef MM_COMPACT_COMPACT_H
#define MM_COMPACT_COMPACT_H

#include "move.h"
#include "rung.h"

/* Free memory that a run has taken to move pages to: blocks in use of any order, the smallest at
 * the end. A block that is split adds at most one of each order. */
#define POOL_HEADS 32u
#define POOL_SLOTS (POOL_HEADS + MAX_ORDER + 1)

struct free_pool {
	struct page *page[POOL_SLOTS];
	unsigned count;
};

#define COMPACT_WHOLE (-1) /* order: not for a request, the whole zone */

/* One run over one zone; on the stack of who runs it. */
struct compact {
	/* what is wanted; constant */
	struct zonal *mm;
	struct zone *zone;
	int order;          /* COMPACT_WHOLE: all that goes */
	unsigned type;      /* migratetype of the request */
	unsigned flags;     /* ALLOC_*: which mark */
	unsigned high_zone;
	enum move_mode mode;
	bool direct;        /* for a request that waits */
	bool ignore_skip;   /* hints are neither read nor written */
	bool ahead;         /* for nobody yet: until the zone is less scattered (X15) */
	bool any_target;    /* pages may go to blocks of any type (X7) */
	bool may_fs;
	bool may_capture;   /* X10 */
	/* where it is */
	bool whole_zone;    /* began at the zone's beginning */
	bool contended;     /* too much is off the lists */
	bool block_result;  /* something was taken in the block of used_at */
	pfn_t used_at;      /* up: pages below have been looked at */
	pfn_t free_at;      /* down: in its block, pages below; in higher ones all */
	pfn_t emptied;      /* a block of the order that pages left since the last drain; 0 */
	struct free_pool pool;
	struct move_batch batch;
	struct page *captured; /* a block of the order, INNER and out of the lists */
	/* results */
	uint64_t used_scanned, free_scanned, isolated, moved, failed;
};

/* One run (X6). Context: task that works for reclaim, no lock held. */
enum compact_result compact_zone(struct compact *c);

/* The used pages of the next block into the batch. False: there are too many off the lists, and
 * the run ends. An empty batch: nothing there. */
bool compact_take_used(struct compact *c);

/* Frames to move to (for struct move). */
struct page *compact_target(void *arg, struct page *from);
void compact_unused(void *arg, struct page *to);
/* What is left of the pool goes back. */
void compact_release(struct compact *c);

/* The pageblock at pfn, if the map has it and it begins in this zone; else NULL. */
struct page *compact_block(const struct compact *c, pfn_t pfn);
/* X9 */
bool compact_skips(const struct compact *c, const struct page *block);
void compact_set_skip(const struct compact *c, struct page *block);

static inline pfn_t block_begin(pfn_t pfn) { return pfn & ~(((pfn_t)1 << PAGEBLOCK_ORDER) - 1); }
static inline pfn_t block_end(pfn_t pfn) { return block_begin(pfn) + (1u << PAGEBLOCK_ORDER); }
static inline pfn_t zone_end(const struct zone *zone) { return zone->start_pfn + zone->spanned; }

/* X1, with `more` pages free beyond those that are. */
enum compact_result compact_suitable(struct zone *zone, int order, unsigned flags,
				     unsigned high_zone, int64_t more);
/* X2 */
int compact_index(struct zone *zone, unsigned order);
/* X15: how much of the zone's free memory, in percent, is not in whole pageblocks. */
unsigned compact_score(struct zone *zone);
/* X15: the score above which a node is compacted ahead; `low`: up to which. */
unsigned compact_mark(const struct zonal *mm, bool low);

/* X3: does a request for that order pass over the zone? Counts it. */
bool compact_deferred(struct zone *zone, unsigned order);
void compact_defer(struct zone *zone, unsigned order);
/* X4; `served`: a page was really allocated. */
void compact_defer_reset(struct zone *zone, unsigned order, bool served);
/* X9: deferral is at its maximum and this run is the one in 64 that goes. */
bool compact_restarts(struct zone *zone, unsigned order);

/* X15: then nothing is done ahead. */
static inline bool kswapd_runs(struct node *node)
{
	return ld_relaxed(&node->reclaim.served) && !ld_relaxed(&node->reclaim.asleep);
}

/* The next run begins at the zone's ends; as at boot. */
void compact_init(struct zone *zone);
/* X9: forget all hints of the zone. */
void compact_forget_hints(struct zone *zone);

#endif
