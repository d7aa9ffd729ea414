/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boards under pressure: part of the differential test's boards have owners whose pages can be
 * given up and moved, and everything that works on such pages is run among the other operations.
 *
 * Parts: press.c draws operations and requests; press_owner.c is the owners' side, which says at
 * each callback whether it may be; press_pages.c what owners do by themselves; press_range.c
 * ranges, areas, bad pages, compaction and the background tasks; press_verify.c compares.
 *
 * Here which zone serves a request is predicted where the first look at the zones finds room.
 * What comes behind hangs on what the owners answer, so it is held against rules instead:
 * who may lose pages to this operation, which pages may be moved and where to, what a group may
 * use, and that each page reads as it was written wherever it is now.
 */
#ifndef TEST_MODEL_PRESS_H
#define TEST_MODEL_PRESS_H

#include <zonal/contig.h>
#include <zonal/reclaim.h>

#include "model.h"

enum { P_PLACES = 1500, P_OWNERS = 3, P_SPANS = 12 };

/* A page's worth of an owner's contents: in memory, in his store, or nothing. */
struct place {
	uint32_t pfn;     /* 0: not in memory */
	bool known;       /* there are contents, in memory or in the store */
	uint8_t owner;
	uint8_t group;    /* that the page is charged to */
	uint8_t pins;     /* references that others hold */
	bool used, dirty, writing;
	bool keeps, stays; /* its owner refuses to give it up; to move it */
	uint8_t asked;    /* A_ of the prepare that is not answered yet */
	uint64_t handle;
	uint64_t truth;   /* what must be read from it */
	uint64_t stored;  /* what the store has */
};

enum { A_NOTHING, A_GIVE, A_MOVE };

enum move_rule { MOVES_NONE, MOVES_IN_ZONE, MOVES_FROM_RANGE, MOVES_TO_NODE, MOVES_ANYWHERE };

/* Whose pages the operation that runs may take or move. */
struct scope {
	bool gives;          /* the board's reclaim may run, on these nodes, up to this zone type */
	nodemask_t nodes;
	unsigned top_zone;
	unsigned group;      /* that is full: its pages, and those of groups below; 0: none */
	enum move_rule moves;
	pfn_t start, end;    /* MOVES_FROM_RANGE, and what lies there */
	int nid;             /* MOVES_TO_NODE */
};

/* Pages in a row that somebody has; area -1: of none. */
struct span {
	uint32_t pfn, pages;
	int area;
};

struct press {
	struct model *m;
	struct zonal_owner *owner[P_OWNERS];
	struct place place[P_PLACES];
	struct span span[P_SPANS];
	unsigned span_count;
	struct scope scope;
	unsigned gave, moved, outside; /* by this operation; given up without the group's lack */
	uint64_t stolen;     /* given up, all in all */
	unsigned room;       /* places that anonymous pages could still be written to */
	uint64_t retired[ZONAL_MAX_NODES];
	uint8_t near;        /* reclaim mode (K15) */
	bool alone;          /* the board has owners, and nobody else who takes pages */
	bool quiet;          /* nothing else happens meanwhile */
	bool loose;          /* failures are injected */
	bool failed;
};

extern struct press press;

/* What came about on all boards so far, for the last line: a model that nothing happens in proves
 * nothing. */
struct press_sums {
	unsigned long long gave, moved, ranges, areas, retired, refused, read_back, sure;
};
extern struct press_sums press_sums;
void press_sums_print(void);

/* ---- press.c ---- */
void press_clear(void);
bool press_begin(struct model *m);
/* Nothing that runs may take or move pages. */
void press_idle(void);
bool press_op(struct model *m);
/* A request on such a board; *page is what came, NULL: nothing did. False: it must not be so. */
bool press_request(struct model *m, const struct ask *ask, struct page **page);
/* All that owners, ranges and areas have goes back. */
bool press_end(struct model *m);
/* Every node of the board. */
nodemask_t press_nodes(const struct model *m);

/* ---- press_owner.c ---- */
extern const struct zonal_owner_ops press_ops[P_OWNERS];
/* Does group `id` lie in the subtree of `top`? */
bool press_within(const struct model *m, unsigned id, unsigned top);
/* The place's page is no longer the owner's: out of the model. */
void press_forget(struct place *p);
void press_write_done(struct place *p);
unsigned press_node(const struct place *p);

/* ---- press_pages.c ---- */
struct place *press_draw(bool in_memory);
void press_drop(struct place *p);
bool op_fill(struct model *m);
bool op_place(struct model *m);

/* ---- press_range.c ---- */
bool op_range(struct model *m);
bool op_background(struct model *m);
bool spans_end(struct model *m);

/* ---- press_verify.c ---- */
bool press_verify(struct model *m);

#endif
