/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the slow path knows of reclaim. A build without it (ZONAL_RECLAIM=0) has the same steps,
 * and none makes progress.
 */
#ifndef MM_RECLAIM_RECLAIM_H
#define MM_RECLAIM_RECLAIM_H

#include "mm/request.h"

/* L3: above this order a request is not worth everything. */
#define COSTLY_ORDER 3u

/* What a request has tried so far. */
struct retry {
	uint64_t progress;    /* pages that the last round of reclaim freed */
	uint64_t scanned;     /* pages looked at in all rounds */
	uint64_t reclaimed;   /* freed in all rounds */
	unsigned no_progress; /* R1 */
	unsigned rounds;
	unsigned naps;        /* R4: for a disk */
	unsigned compact_tries;   /* R7: that were a success and did not help */
	uint8_t compact_priority; /* R9: enum compact_priority */
	uint8_t compacted;        /* enum compact_result of the last run */
	uint8_t end;              /* enum zonal_retry_end, if retry_worth() said no */
	uint16_t reclaim_runs, compact_runs;
	uint32_t compact_moved, compact_failed;
};

struct walk;
struct zonal_group;

#if ZONAL_RECLAIM

/* The lists of a node, empty. Context: boot. */
void reclaim_init(struct zonal *mm, struct node *node);
/* What the lists of all groups take, and their memory, aligned to 8. Context: boot or task, before
 * the first group. (group_lists.c) */
size_t reclaim_groups_bytes(const struct zonal *mm);
void reclaim_groups_begin(struct zonal *mm, void *storage);
/* zonal_check: a node's lists, after the walk over the map. True: something does not hold. */
bool check_node_lists(struct walk *w, struct node *node);
/* Rung 3: pages freed. */
uint64_t reclaim_for(const struct alloc_req *req, const struct alloc_pass *pass,
		     struct retry *retry);
/* Z6: pages freed that were charged to the group, or one below it. Context: task. */
uint64_t reclaim_group(const struct alloc_req *req, const struct zonal_group *group,
		       uint64_t pages);
/* G12: may this node have more dirty pages? */
bool node_takes_dirty(struct zonal *mm, unsigned nid);
/* F6, K15: reclaim the node of place `i` of the list, whose zone said no. True: now it says yes. */
bool node_reclaim_helps(const struct alloc_req *req, const struct alloc_pass *pass, unsigned i);
/* R1-R5: after a round that did not help, is another one worth it? */
bool retry_worth(const struct alloc_req *req, const struct alloc_pass *pass,
		 struct retry *retry);
/* Is there a kswapd for the node where the request begins? */
bool kswapd_serves(const struct alloc_req *req);
/* For a moment, in a task that may wait. */
void reclaim_wait(void);

#else

static inline void reclaim_init(struct zonal *mm, struct node *node) { (void)mm, (void)node; }

static inline size_t reclaim_groups_bytes(const struct zonal *mm)
{
	(void)mm;
	return 0;
}

static inline void reclaim_groups_begin(struct zonal *mm, void *storage)
{
	(void)mm, (void)storage;
}

static inline bool check_node_lists(struct walk *w, struct node *node)
{
	(void)w, (void)node;
	return false;
}

static inline uint64_t reclaim_for(const struct alloc_req *req, const struct alloc_pass *pass,
				   struct retry *retry)
{
	(void)req, (void)pass, (void)retry;
	return 0;
}

static inline uint64_t reclaim_group(const struct alloc_req *req, const struct zonal_group *group,
				     uint64_t pages)
{
	(void)req, (void)group, (void)pages;
	return 0;
}

static inline bool node_takes_dirty(struct zonal *mm, unsigned nid)
{
	(void)mm, (void)nid;
	return true;
}

static inline bool node_reclaim_helps(const struct alloc_req *req, const struct alloc_pass *pass,
				      unsigned i)
{
	(void)req, (void)pass, (void)i;
	return false;
}

static inline bool retry_worth(const struct alloc_req *req, const struct alloc_pass *pass,
			       struct retry *retry)
{
	(void)req, (void)pass, (void)retry;
	return false;
}

static inline bool kswapd_serves(const struct alloc_req *req)
{
	(void)req;
	return false;
}

static inline void reclaim_wait(void) {}

#endif
#endif
