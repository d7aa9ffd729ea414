/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One run of reclaim over one or several nodes: what it wants, what it may, what it found.
 * On the stack of who runs it.
 */
#ifndef MM_RECLAIM_SCAN_H
#define MM_RECLAIM_SCAN_H

#include "lists.h"
#include "mm/request.h"

#define RECLAIM_BATCH 32u       /* SWAP_CLUSTER_MAX (C5) */
#define RECLAIM_PRIORITY 12u    /* DEF_PRIORITY: a round looks at 1/4096 of each list */

#define RECLAIM_NAP_NS 100000000ull /* as long as 5.10 waits for a disk, or naps: 100 ms */

/* Sleep about so long, or until there is news for the sleeper; a port without tasks cannot. */
static inline void reclaim_nap(uint64_t ns)
{
	if (port_nap)
		port_nap(ns);
	else
		port_relax();
}

/* Between batches: let others run, and take what is pending. */
static inline void reclaim_give_way(void)
{
	if (port_give_way)
		port_give_way();
}

/* K7: free pages that compaction wants for one block of that order. */
static inline uint64_t compact_gap(unsigned order) { return 2ull << order; }

struct scan {
	struct zonal *mm;
	/* constant in a run */
	bool kswapd;             /* whose run: events are counted apart */
	const struct zonal_group *group; /* only its pages, and of those below; NULL: all */
	/* whose lists have their turn; NULL: of the pages that are in no group */
	const struct zonal_group *turn;
	unsigned high_zone;      /* pages of zones above are passed over */
	gfp_t gfp;               /* who asks, for who traces; what it allows is in `may` */
	uint64_t target;         /* pages wanted */
	/* set by the run for each round */
	unsigned order;
	unsigned priority;       /* a round looks at size >> priority pages of each list */
	unsigned may;            /* ZONAL_MAY_* given to owners */
	bool may_swap;
	/* results */
	uint64_t scanned, reclaimed;
	/* of one node, anew in each round */
	bool deactivate[ZONAL_KINDS]; /* the active list is too long, or all else failed */
	bool compact_ready; /* K11: some zone needs compaction, not reclaim */
	bool force_deactivate, skipped_deactivate;
	bool cache_trim;         /* enough cache that is not in use: anonymous pages are spared */
	bool cache_tiny;         /* cache and free pages together are too few: anonymous only */
	struct scan_seen {
		uint32_t dirty;      /* and so they stayed */
		uint32_t immediate;  /* being written, met a second time by kswapd */
		uint32_t writing;    /* being written besides */
		uint32_t started;    /* writing was started */
		uint32_t used;       /* used for the first time, and so they stayed */
		uint32_t busy;       /* their owner works with them */
	} seen;
};

/* What is to be done with a page that was looked at. */
enum page_verdict { VERDICT_KEEP, VERDICT_ACTIVATE, VERDICT_FREE };

/* Up to RECLAIM_BATCH pages off the old end of a list of whose turn it is, each with a reference of
 * ours. Pages of
 * zones that do not matter go to the young end. Returns how many; *looked_at counts all. */
unsigned lru_isolate(struct scan *s, struct node *node, unsigned list, unsigned want,
		     struct page **batch, uint64_t *looked_at);
/* Of `count` pages of the node, named by frame, those that are on a list now, in the same way: they
 * go to the front of page[], kind[] says on whose lists they were counted. Returns how many. The
 * structures are the instance's; what becomes of the frames meanwhile does not matter. */
unsigned lru_isolate_these(struct zonal *mm, struct node *node, struct page **page, uint8_t *kind,
			   unsigned count);
/* Back on the lists that they belong to, and our reference with it. */
void lru_put_back(struct zonal *mm, struct node *node, unsigned kind, struct page **batch,
		  unsigned count);
/* A page whose owner has forgotten it: both references, his and ours, go, and it is freed. */
void lru_free_isolated(struct zonal *mm, struct page *page, unsigned kind);

/* Of a page taken off its list and made unreachable by its owner: only he and we know it, so nobody
 * else can come to know it. */
static inline bool held_by_two(struct page *page) { return ld_relaxed(&page->refs) == 2; }

/* Look at up to `want` pages of an inactive list of whose turn it is, free what can be. Returns
 * pages freed. */
uint64_t shrink_inactive(struct scan *s, struct node *node, unsigned list, unsigned want);
/* Move up to `want` pages of an active list to the inactive one. */
void shrink_active(struct scan *s, struct node *node, unsigned list, unsigned want);

/* Are the inactive lists of a group and those below it short for the active ones? NULL: of the
 * whole node. */
bool inactive_is_low(struct node *node, const struct zonal_group *group, unsigned kind);
/* Tell who traces by what that was decided. */
void trace_lists(const struct scan *s, struct node *node, unsigned kind);

/* One round over one node at s->priority. True if something was reclaimed. */
bool shrink_node(struct scan *s, struct node *node);
/* Let a little of the active anonymous pages age (kswapd, each round). */
void age_anon(struct scan *s, struct node *node);

/* All shrinkers, for one node (K13). Returns objects dropped. */
uint64_t shrink_objects(struct scan *s, struct node *node);

/* Is there somewhere to write anonymous pages to? */
bool swap_has_room(const struct zonal *mm);

/* K14: pages that reclaim could get of a zone, or its free ones if that is none. */
uint64_t zone_reclaimable(struct zone *zone);

#endif
