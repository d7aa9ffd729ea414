/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of the explorer of mm/buddy.c share: a state of the small zone, the rules
 * said a second time (explore_rules.c), and the real zone (explore_zone.c).
 */
#ifndef TEST_MODELS_EXPLORE_H
#define TEST_MODELS_EXPLORE_H

#include <stdbool.h>
#include <stdint.h>

#include <zonal/config.h>
#include <zonal/gfp.h>

/*
 * Which zone is explored, and by which calls.
 *	1  twelve pages, orders as in config.h: all of it inside one pageblock of one type
 *	2  twelve pages in three pageblocks of four, orders 0 to 3: movable, isolated, CMA
 *	3  eight pages, movable and CMA, and every call with every type
 */
#ifndef EXPLORE_WORLD
#define EXPLORE_WORLD 1
#endif
#if EXPLORE_WORLD > 1
#undef MAX_ORDER
#undef PAGEBLOCK_ORDER
#define MAX_ORDER 4
#define PAGEBLOCK_ORDER 2
#endif

enum { PAGES = EXPLORE_WORLD == 3 ? 8 : 12, LIST_END = 0xff };

/*
 * Everything that decides what the zone does next, in one form only, so that two states are
 * equal if and only if their bytes are. block[i] is INNER, or what begins at page i. list[]
 * holds the free heads, list after list by type and order, each from first to last, and
 * LIST_END behind the last one.
 */
struct state {
	uint8_t block[PAGES];
	uint8_t list[PAGES];
};

#define BLOCK_INNER 0u
#define BLOCK_USED 0x80u
#define BLOCK_FREE 0x40u
#define BLOCK_TYPE_SHIFT 3
#define BLOCK_ORDER 0x7u

static inline uint8_t free_block(unsigned type, unsigned order)
{
	return (uint8_t)(BLOCK_FREE | type << BLOCK_TYPE_SHIFT | order);
}

static inline unsigned block_order(uint8_t block) { return block & BLOCK_ORDER; }
static inline unsigned block_type(uint8_t block) { return (block >> BLOCK_TYPE_SHIFT) & 0x7u; }
static inline bool block_is_free(uint8_t block) { return block & BLOCK_FREE; }
static inline bool block_is_used(uint8_t block) { return block & BLOCK_USED; }

/* One call of mm/buddy.c. */
enum op {
	OP_TAKE,       /* order, type */
	OP_TAKE_RUN,   /* order: how many pages; type */
	OP_TAKE_EXACT, /* page */
	OP_PUT,        /* page, tail */
	OP_PUT_TYPE,   /* page, type */
	OP_MOVE,       /* page, type */
	OPS
};

struct call {
	enum op op;
	uint8_t page, order, type;
	bool tail;
};

struct world {
	const char *name;
	uint8_t block_types[PAGES]; /* of each pageblock */
	uint8_t types;              /* bit t: lists of type t are used */
	uint8_t ops;                /* bit o: enum op o is called */
	uint32_t states;            /* there are so many */
};

/* ---- explore_rules.c: the rules on a state; false: the call is not possible there ---- */

bool rules_apply(const struct world *world, struct state *state, const struct call *call);
void rules_first(const struct world *world, struct state *state);

/* ---- explore_zone.c: the same by the real functions --------------------------------- */

void zone_open(const struct world *world);
/* Put the zone into `state`, with rubbish in every field that must not matter. */
void zone_load(const struct state *state);
void zone_call(const struct call *call);
/* Read the state back; NULL, or what is broken. */
const char *zone_read(struct state *state);

#endif
