/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The oracle's own types: what a figure file says, and the parts of the program.
 *
 *	oracle_json.c     checked reading of JSON; the first error sticks
 *	oracle_board.c    "state" and "before" of a file -> struct fig_board, struct fig_before
 *	oracle_layout.c   struct fig_board -> struct boot_info
 *	oracle_plan.c     which blocks of a zone are free, so that its figures come out
 *	oracle_state.c    an instance of the allocator in a wanted state
 *	oracle_compare.c  runs, counts and tolerances
 *	oracle_case.c     what the cases of probes and policies have in common
 *	oracle_setup.c    state-*.json     oracle_probe.c    probe-*.json
 *	oracle_policy.c   policy-*.json    oracle_kswapd.c   kswapd-*.json, on
 *	oracle_sim.c      a board with a simulated cache
 *	oracle_oom.c      oom-*.json, also on that
 *	oracle.c          files, totals, exit status
 */
#ifndef TOOLS_ORACLE_H
#define TOOLS_ORACLE_H

#include <cjson/cJSON.h>
#include <stdio.h>
#include <zonal/zonal.h>

#include "mm/mm.h"

#define FIG_MAX_ZONES (ZONAL_MAX_NODES * ZONE_TYPES)

/* RAM of the largest board that is rebuilt, 256 GiB: its page map takes 2 GiB of the host. */
#define FIG_MAX_PAGES ((uint64_t)1 << 26)

/* ---- reading ------------------------------------------------------------ */

struct json_reader {
	const char *file;
	char where[96];  /* place in the file, for messages: "cases[3].before[0]" */
	char error[320]; /* the first error; empty: none yet */
};

bool json_ok(const struct json_reader *r);
/* Record an error unless there is one already. */
void json_fail(struct json_reader *r, const char *fmt, ...) ZN_PRINTF(2, 3);
/* Name the place that the following reads are about. */
void json_at(struct json_reader *r, const char *fmt, ...) ZN_PRINTF(2, 3);
/* Every member of `object` must be one of `keys` (blank separated), and only once. */
void json_keys(struct json_reader *r, const cJSON *object, const char *keys);
bool json_has(const cJSON *object, const char *key);
/* Each returns a harmless value (NULL, min, 0) after an error. */
const cJSON *json_array(struct json_reader *r, const cJSON *object, const char *key);
const cJSON *json_object(struct json_reader *r, const cJSON *object, const char *key);
const char *json_text(struct json_reader *r, const cJSON *object, const char *key);
int64_t json_int(struct json_reader *r, const cJSON *object, const char *key, int64_t min,
		 int64_t max);
int64_t json_value(struct json_reader *r, const cJSON *item, const char *name, int64_t min,
		   int64_t max);
/* An array of at most `most` numbers; returns how many. */
unsigned json_ints(struct json_reader *r, const cJSON *object, const char *key, unsigned most,
		   int64_t max, int64_t *out);

/* ---- figures ------------------------------------------------------------ */

struct fig_zone {
	unsigned node, type;
	uint64_t start_pfn, spanned, present, managed;
	int64_t mark[WMARKS]; /* as zoneinfo prints them: with the boost */
	int64_t boost;
	int64_t reserve[ZONE_TYPES];
	int64_t pcp_high, pcp_batch, stat_threshold;
};

struct fig_board {
	unsigned zone_count;
	struct fig_zone zone[FIG_MAX_ZONES];
	uint64_t min_free_kbytes;
	unsigned scale_factor, boost_factor, ratio[ZONE_TYPES];
	nodemask_t nodes;
	uint8_t distance[ZONAL_MAX_NODES][ZONAL_MAX_NODES];
	unsigned cpu_limit;  /* highest CPU number + 1 */
	unsigned cpu_online; /* how many of them there are */
	int16_t cpu_node[ZONAL_MAX_CPUS]; /* NODE_NONE: no such CPU */
};

/* One zone at the start of a case. */
struct fig_before {
	bool given;
	bool has_shape;
	int64_t free, managed, boost, highatomic, cma;
	bool has_reserve;
	int64_t mark[WMARKS]; /* without the boost */
	int64_t reserve[ZONE_TYPES];
	uint64_t nr_free[MAX_ORDER];
};

struct fig_run {
	int node, type; /* type -1: any zone of the node */
	int64_t count;
};

struct fig_runs {
	struct fig_run *run;
	size_t count, room;
	int64_t total;
};

void board_read(struct json_reader *r, const cJSON *state, struct fig_board *board);
const struct fig_zone *board_zone(const struct fig_board *board, unsigned node, unsigned type);
int zone_type_of_name(const char *name);
const char *zone_type_name(int type);
/* `before` of a case, by the board's zone index. */
void before_read(struct json_reader *r, const cJSON *object, const struct fig_board *board,
		 struct fig_before *before);
/* The same board as plain data. managed[i]: pages that zone i shall manage. False and
 * the reason in `why` if the zones cannot be laid out. */
bool layout_make(const struct fig_board *board, const uint64_t *managed, struct boot_info *info,
		 char *why, size_t why_size);

/* ---- plan --------------------------------------------------------------- */

struct fig_block {
	pfn_t pfn;
	unsigned order;
};

struct fig_typed {
	pfn_t pfn;
	enum migratetype type;
};

struct fig_blocks {
	struct fig_block *block;
	size_t count, room;
};

struct fig_plan {
	struct fig_block *block; /* free blocks, by pfn */
	size_t count, room;
	char why[120];           /* what could not be planned */
	struct fig_typed *typed; /* pageblocks that are not MOVABLE */
	size_t typed_count, typed_room;
};

/* `chunk`: the pages that the zone manages, as largest aligned blocks. */
bool plan_make(struct fig_plan *plan, const struct fig_before *want, enum migratetype small,
	       const struct fig_blocks *chunk);
void plan_free(struct fig_plan *plan);

/* ---- instance ----------------------------------------------------------- */

struct instance {
	struct zonal *mm;
	void *store;
	void **meta;
	size_t meta_count;
	struct boot_info info;
	char why[200]; /* what could not be done */
};

/* Metadata from the host's heap, for zonal_config.meta; ctx is the instance. */
void *instance_meta(void *ctx, unsigned nid, size_t bytes, size_t align);
/* An empty board: everything free, marks and reserves by mm/ from the file's tunables. */
bool instance_boot(struct instance *in, const struct fig_board *board, const uint64_t *managed);
/* The same, then brought into the state `before`; `small` is the type of the pageblocks
 * that hold the free blocks smaller than a pageblock. */
bool instance_build(struct instance *in, const struct fig_board *board,
		    const struct fig_before *before, enum migratetype small);
void instance_drop(struct instance *in);

/* ---- comparing ---------------------------------------------------------- */

struct verdict {
	const char *file;
	const char *theirs; /* who else did the same; NULL: Linux */
	char name[128];     /* the case */
	unsigned long checks, deviations;
	bool quiet;         /* a trial: count, do not print */
};

void deviation(struct verdict *v, const char *fmt, ...) ZN_PRINTF(2, 3);
void check_equal(struct verdict *v, const char *what, int64_t ours, int64_t linux_value);
void check_within(struct verdict *v, const char *what, int64_t ours, int64_t linux_value,
		  int64_t tolerance);

void runs_add(struct fig_runs *runs, int node, int type, int64_t count);
void runs_free(struct fig_runs *runs);

/* By how much a count of `linux_count` blocks of `order` may differ when it ends at a watermark. */
int64_t count_tolerance(const struct fig_board *board, int node, int type, unsigned order,
			int64_t linux_count);
/* How the listed runs of Linux are to be read. */
struct runs_rule {
	unsigned order;
	int64_t exact_blocks; /* runs that end within the first so many blocks are exact */
	int64_t more;         /* runs beyond those listed; -1: the list is all there is */
	bool open_end;        /* the list is cut, perhaps within its last run */
};

/* Same places in the same order, and each count within its tolerance. */
void runs_compare(struct verdict *v, const struct fig_board *board, const struct runs_rule *rule,
		  const struct fig_runs *ours, const struct fig_runs *theirs);

/* ---- cases: what probes and policies have in common --------------------- */

struct fig_case {
	gfp_t gfp;
	unsigned order;
	enum migratetype type;
	struct fig_before before[FIG_MAX_ZONES];
	struct fig_runs runs;
	struct runs_rule rule;
};

/* Read gfp, order, before, runs and how the runs are cut. with_zone: runs are
 * [node, zone, count], else [node, count]. */
void case_read(struct json_reader *r, const cJSON *object, const struct fig_board *board,
	       bool with_zone, struct fig_case *c);

/* ---- the three forms ---------------------------------------------------- */

void setup_replay(struct json_reader *r, const cJSON *root, struct verdict *v);
void probe_replay(struct json_reader *r, const cJSON *root, struct verdict *v);
void policy_replay(struct json_reader *r, const cJSON *root, struct verdict *v);
void kswapd_replay(struct json_reader *r, const cJSON *root, struct verdict *v);
void oom_replay(struct json_reader *r, const cJSON *root, struct verdict *v);

#endif
