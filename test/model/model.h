/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The differential test: random boards, random operations, a plain model beside.
 *
 * Parts: board.c draws a board and builds an instance of it; pages.c is the
 * model of who owns which page; walk.c predicts which zone must serve a request;
 * ops.c draws and runs operations, beside it knobs.c, tasks.c and groups.c; verify.c compares;
 * model_main.c is the command. On some boards pages can be reclaimed and moved: press.h.
 * Nothing here calls an inner function of mm/. The predictor reads counters and list
 * lengths of the instance, which zonal_check() has just recounted.
 */
#ifndef TEST_MODEL_MODEL_H
#define TEST_MODEL_MODEL_H

#include <stdio.h>

#include <zonal/group.h>
#include <zonal/look.h>
#include <zonal/port.h>
#include <zonal/zonal.h>

#include "mm/mm.h"

enum { M_NODES = 8, M_CPUS = 8, M_BLOCKS = 40000, M_ZIDS = ZONAL_MAX_NODES * ZONE_TYPES,
       M_GROUPS = 6 };

/* All RAM of a board lies below this frame. */
#define M_PFNS ((pfn_t)0x104000)

enum owner { O_NONE, O_RESERVED, O_FREE, O_TAKEN, O_LEAKED };

/* Every node that the build has a place for, on the board or not. */
#define TABLE_NODES (~(nodemask_t)0 >> (64 - ZONAL_MAX_NODES))

struct live {
	uint32_t pfn;
	uint8_t order;
	uint8_t was;     /* order of the shared block that this page was the head of; 0: none */
	uint8_t refs;
	bool compound;
	bool exact;      /* one page of an exact allocation */
	uint8_t group;   /* that it is charged to; 0: none */
};

/* Number n is group[n - 1]. */
struct m_group {
	bool used;
	uint8_t parent;  /* 0: none */
	uint64_t limit;
	uint64_t usage;  /* pages of blocks, those of groups below included */
};

/* What the counters of a zone must be. */
struct tally {
	uint64_t hit, miss, local, other, foreign, interleave, taken_pages, freed_pages;
	uint64_t managed, taken; /* leaked pages count as taken */
};

struct model {
	uint64_t seed;  /* of this board */
	uint64_t state; /* of the generator */
	uint64_t op;    /* operations run on this board */
	struct boot_info info;
	struct zonal_config config;
	struct zonal *mm;
	unsigned cpu_count;
	uint8_t cpu_node[M_CPUS];
	unsigned cpu;   /* that runs now */
	struct zonal_task task[M_CPUS];
	uint8_t task_group[M_CPUS];
	struct m_group group[M_GROUPS];
	struct zonal_group real[M_GROUPS];
	unsigned charge; /* the group that the next block is charged to; 0: none */

	bool press;     /* owners whose pages can be given up and moved: press.h */
	uint8_t *owner; /* by pfn */
	uint8_t *marked; /* by pfn: retired while in use, kept back when it is freed */
	uint64_t *tag;  /* by pfn: what can be read there; changes with who has it */
	uint64_t stamp; /* the last tag */
	struct live live[M_BLOCKS];
	unsigned live_count;
	struct tally tally[M_ZIDS];
	uint64_t bad;   /* misuse that must have been reported */
	uint64_t inject_skip, inject_times;
	char last[256]; /* the operation, in words */
};

/* A request and who asks. */
struct ask {
	gfp_t gfp;
	unsigned order;
	int nid;             /* NODE_NONE: the CPU's own */
	nodemask_t mask;     /* 0: none */
	bool by_policy;
	bool irq;
};

/* What must come of it. */
struct answer {
	struct zone *zone;      /* NULL: no page */
	struct zone *preferred; /* for the counters */
	int interleave;         /* node wanted by interleave, or -1 */
	uint32_t flags;         /* W_ that were in force when it was served */
	bool at_once;           /* by the first look, above LOW */
	/* By zone id: a last resort may serve it from here all the same (rows S8, H5, K11), wanted
	 * from that zone; NULL: it may not. The second after the nodemask was dropped (L10). */
	struct zone *resort[2][M_ZIDS];
};

/* ---- random numbers: xorshift64*, the state is the model's ---- */
uint64_t m_random(struct model *m);
/* 0..n-1; n must not be 0. */
unsigned m_below(struct model *m, unsigned n);
bool m_chance(struct model *m, unsigned percent);

/* ---- board.c ---- */
/* Draw a board and build it; false if zonal_init() refuses (a failure). */
bool board_build(struct model *m);
void board_free(struct model *m);
/* Node of an allocator's page, and its zone by the rule of rows I16, I17. */
int board_node(const struct model *m, pfn_t pfn);
enum zone_type board_zone(const struct model *m, pfn_t pfn);
void board_print(const struct model *m);

/* ---- pages.c ---- */
void pages_init(struct model *m);
/* The frames of a block are somebody's from now on: each must have been free, all of one node and
 * zone. What was in them is lost. */
bool frames_take(struct model *m, pfn_t pfn, unsigned order);
/* They are nobody's, or kept back if the first is marked. */
void frames_give(struct model *m, pfn_t pfn, unsigned order);
/* A block was handed out, and the one who asked has it. */
bool pages_take(struct model *m, pfn_t pfn, unsigned order, bool compound, bool exact);
/* The block in slot i goes back. */
void pages_give(struct model *m, unsigned i);
/* B17: all but the head of a shared block that is not compound. */
void pages_give_tail(struct model *m, unsigned i);
void pages_remove(struct model *m, unsigned i);

/* ---- walk.c ---- */
struct answer walk_predict(struct model *m, const struct ask *ask);
/* The highest zone type that a request may use. */
enum zone_type walk_limit(gfp_t gfp);

/* ---- runs.c ---- */
/* Order-0 runs until NULL against a simulation from numbers alone. */
bool runs_compare(struct model *m);

/* ---- groups.c ---- */
bool groups_begin(struct model *m);
void groups_end(struct model *m);
bool op_group(struct model *m);
/* `pages` more in group `id` and those above it; negative: less. */
void groups_charge(struct model *m, unsigned id, int64_t pages);
/* What a request of this CPU's task is charged to; 0: nothing. */
unsigned groups_payer(const struct model *m, const struct ask *ask);
/* Will the request of this CPU's task be paid? Says in m->charge by which group. */
bool groups_pay(struct model *m, const struct ask *ask);
/* What came of one that was not: no page, and a block that was taken and given back. */
bool groups_unpaid(struct model *m, struct answer *a, const struct ask *ask, struct page *page);
bool groups_verify(struct model *m);
bool groups_verify_pages(struct model *m);

/* ---- ops.c, knobs.c, tasks.c, finish.c ---- */
struct page *call_alloc(struct model *m, const struct ask *ask);
/* Rows Y1-Y3, Q7: what the request that `a` was served for must count. */
void tally_take(struct model *m, const struct answer *a, unsigned order);
/* A page that the rows do not promise, but that a last resort may have made room for. */
void settle_resort(struct model *m, struct answer *a, struct zone *zone);
bool op_tunable(struct model *m);
bool op_inject(struct model *m);
bool op_cpu(struct model *m);
bool op_policy(struct model *m);
bool op_mems(struct model *m);
bool op_run(struct model *m);
/* Free everything, drain, and compare with a board on which nothing ever happened. */
bool op_finish(struct model *m);

/* ---- verify.c ---- */
bool verify_all(struct model *m);
bool verify_counters(struct model *m);
bool verify_ranges(struct model *m);
/* Marks as rows S3, S4 want them for this min_free_kbytes, and reserves (S6). */
bool verify_marks(struct model *m, uint64_t min_kbytes);
bool verify_reserves(struct model *m);
/* min_free_kbytes after set-up (S1, S2). */
uint64_t verify_min_kbytes(const struct model *m);
/* Take the NUMA counters as they are now for the starting point. */
uint64_t stat_sum(const struct model *m, unsigned zid, enum pcp_stat stat);
void tally_reset(struct model *m);
/* Print why, and how to run it again. */
bool m_fail(struct model *m, const char *fmt, ...) ZN_PRINTF(2, 3);

#endif
