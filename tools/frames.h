/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frame records: what a real kernel's allocator held, was asked, and answered, page by page.
 *
 *	frames_read.c     a record's text -> struct frames; what it breaks sticks as an error
 *	frames_build.c    an instance of the allocator in the record's first state
 *	frames_play.c     the calls, one by one, and what came of them
 *	frames_compare.c  marks, the last state, and where a frame lies with us
 *	frames_drift.c    records whose watermarks saw the CPUs' counters late
 *	frames.c          the passes over one record, and its line
 *
 * The reader knows nothing of the allocator, the rest nothing of the text, so that a new
 * kind of record needs a new player and a few more lines in the reader's table.
 */
#ifndef TOOLS_FRAMES_H
#define TOOLS_FRAMES_H

#include "mm/request.h"
#include <zonal/reclaim.h>

#include "oracle.h"

/* ---- the record --------------------------------------------------------- */

struct fr_list {
	uint64_t *item;
	size_t count, room;
};

/* A page in a per-CPU list: its frame, and the type that it goes back to. */
#define FR_PCP(pfn, home) ((uint64_t)(pfn) | (uint64_t)(home) << 56)
/* Frames first..last, and a block that the player may free. */
#define FR_RANGE(first, last) ((uint64_t)(first) << 32 | (last))
#define FR_HELD(pfn, order) ((uint64_t)(pfn) << 8 | (order))

enum { FR_FREE, FR_CMA, FR_COUNTERS };
enum { FR_NUMA = 6 }; /* hit miss foreign interleave local other */

struct fr_zone {
	bool given;
	unsigned node, type;
	uint64_t start, spanned, present, managed;
	int64_t mark[WMARKS], boost, reserve[ZONE_TYPES], highatomic;
	int64_t count[FR_COUNTERS];
	unsigned boosted, isolated, batch, pcp_high, threshold;
	int64_t (*diff)[FR_COUNTERS]; /* by CPU */
	int64_t numa[FR_NUMA];
	struct fr_list block;         /* types of its pageblocks */
	struct fr_list free[MAX_ORDER][MIGRATE_TYPES];
	struct fr_list (*pcp)[MIGRATE_PCPTYPES]; /* by CPU */
	struct fr_list movable;       /* ranges */
};

struct fr_state {
	struct fr_zone zone[FIG_MAX_ZONES]; /* by id */
	struct fr_list held;
};

/* One line of the play. */
struct fr_call {
	char kind;
	uint8_t order, task;
	bool force, moved;
	int16_t nid;        /* a, u: node; k, D, x: zone id; c: CPU */
	unsigned line;
	uint32_t gfp, pfn;
	unsigned cpu, type, give, left, count; /* D */
	char word[12];      /* x */
	nodemask_t mask;
	int64_t mark[5];    /* k: free cma highatomic boost boosted */
	uint64_t hash;
};

#define FR_TASK_REALTIME 1u
#define FR_TASK_MEMALLOC 2u
#define FR_TASK_NOCMA 4u
#define FR_TASK_IRQ 8u
/* In records of ours alone (<zonal/trace.h>). */
#define FR_TASK_VICTIM 16u
#define FR_TASK_CPUSET 32u
#define FR_TASKS 63u

struct frames {
	const char *file;
	nodemask_t nodes;
	unsigned node_count, cpu_count, boost_factor;
	bool grouping_off, drift;
	bool ours;          /* a run of Zonal: lines D, l and x; blocks may be freed in parts */
	uint8_t cpu_node[ZONAL_MAX_CPUS];
	uint8_t distance[ZONAL_MAX_NODES][ZONAL_MAX_NODES];
	struct fr_list zonelist[ZONAL_MAX_NODES][2]; /* zone ids; 1: own node's only */
	struct fr_state *start, *end;
	struct fr_call *call;
	size_t call_count, call_room;
	char error[200];
};

/* False and an error if the file cannot be read or breaks the format. */
bool frames_read(struct frames *f, const char *file);
void frames_free(struct frames *f);
void fr_add(struct fr_list *list, uint64_t item);

/* ---- the player --------------------------------------------------------- */

struct player {
	const struct frames *f;
	struct instance in;
	struct zonal *mm;
	struct zonal_owner *owner; /* of the pages that the record has on the LRU */
	struct zonal_task task;
	bool lanes;          /* requests of the CPU's own node go through zonal_alloc() */
	unsigned cpu;
	pfn_t first, end;    /* frames of all zones */
	uint8_t *held;       /* by frame - first: order + 1 of a block that may be freed */
	unsigned long calls, nulls, marks, by_lane;
};

/* What a call gave: the frame of `a` (0: NULL), whether `u` moved pages. */
struct outcome {
	pfn_t pfn;
	bool moved;
};

/* False, and p->in.why says why, if the state cannot be built. */
bool player_build(struct player *p, const struct frames *f);
void player_drop(struct player *p);
static inline struct zone *player_zone(const struct player *p, unsigned zid)
{
	return p->mm->zone[zid];
}

/* Carry out one call; false if it frees what is not held. Marks and `c` are no calls. */
bool player_call(struct player *p, const struct fr_call *c, struct outcome *out);
/* The request of `a` or `u` as the walk over the zones sees it. */
void player_request(const struct player *p, const struct fr_call *c, struct alloc_req *req);
/* Whose the pages on lists are; made at the first call. NULL: there can be no more owners. */
struct zonal_owner *player_owner(struct player *p);
/* Ours: the block that holds this one is from now on in parts, and this one of them. */
void player_cut(struct player *p, pfn_t pfn, unsigned order);
/* "a 800 0 1 0 0 6bef1": the line again. */
const char *call_text(const struct fr_call *c);

/* ---- comparing ---------------------------------------------------------- */

#define for_each_fr_zone(f, zid, z)                                                                \
	for (zid = 0; zid < FIG_MAX_ZONES; zid++)                                                  \
		if (((z) = &(f)->start->zone[zid])->given)

/* False and a deviation if call `c`, just carried out, gave something else than Linux's. */
bool compare_call(struct verdict *v, struct player *p, const struct fr_call *c,
		  const struct outcome *out);
bool compare_mark(struct verdict *v, const struct player *p, const struct fr_call *c);
/* The whole instance against the record's last state, or its first, just built. */
bool compare_state(struct verdict *v, struct player *p, const struct fr_state *want);
bool compare_zonelists(struct verdict *v, const struct player *p);

/* ---- drift -------------------------------------------------------------- */

/* Play a drift record; see frames_drift.c. True if nothing deviates. */
bool drift_play(struct verdict *v, const struct frames *f, bool lanes);

/* All passes over one record; false and a reason if it cannot be used. */
bool frames_replay(const char *file, struct verdict *v, unsigned long *calls);

#endif
