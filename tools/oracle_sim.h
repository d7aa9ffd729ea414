/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A board with a simulated cache: clean pages that nobody uses, which reclaim may take. What a
 * recorded kernel had as cache of a disk. oracle_sim.c
 */
#ifndef TOOLS_ORACLE_SIM_H
#define TOOLS_ORACLE_SIM_H

#include <zonal/reclaim.h>

#include "oracle.h"

struct sim {
	struct instance in;
	struct zonal_owner *owner;
	struct page **cached; /* by handle; NULL: gone */
	size_t count, room, oldest;
	struct page **held;   /* what the recorded caller has taken, newest last */
	size_t held_count, held_room;
};

/* The zones "before" a run of a record, and the length of their lists of inactive cache. */
void sim_read_board(struct json_reader *r, const cJSON *run, struct fig_board *board,
		    struct fig_before *before, int64_t *cached);
/* The marks and the boost of a zone by hand. */
void sim_set_marks(struct zone *zone, const int64_t *mark, int64_t boost);

/* Free pages of a node, those in per-CPU lists too. */
int64_t sim_free(struct sim *sim, unsigned nid);
/* The caller takes a page of the node, whatever the marks; false: none is left. */
bool sim_take(struct sim *sim, unsigned nid);
/* The caller gives back the page that it took last of that node; false: it has none. */
bool sim_give(struct sim *sim, unsigned nid);
/* Exactly so many free, by taking and giving. */
bool sim_set_free(struct sim *sim, unsigned nid, int64_t pages);
/* So many pages of the node become cache, the newest at the young end; false: none left. */
bool sim_cache(struct sim *sim, unsigned nid, int64_t pages);
/* Somebody else took so many of the oldest cached pages and uses them. */
void sim_lose(struct sim *sim, unsigned nid, int64_t pages);
/* So many pages of the node's free lists are CMA, one pageblock after the other. */
bool sim_cma(struct sim *sim, unsigned nid, int64_t pages);
/* Of the free pages at least so many are in blocks of the kernel's own, not movable ones. */
bool sim_unmovable(struct sim *sim, unsigned nid, int64_t pages);

bool sim_begin(struct sim *sim, const struct fig_board *board, const uint64_t *managed);
void sim_end(struct sim *sim);

/* What port_kswapd_wake() was last called for; -1: not since this was set to -1. */
extern int sim_woken;

#endif
