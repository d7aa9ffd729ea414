/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules of the buddy lists said a second time, plainly, on a state: what each call
 * must leave behind (rows B1, B2, B4 to B7, B9, B15). No code is shared with mm/buddy.c.
 *
 * The free heads stand in state->list in the order of their lists, so a block's place is
 * before the first entry of its list (head of the list) or behind the last (tail).
 */
#include "explore.h"

#include <string.h>

enum { TOP = MAX_ORDER - 1 };

static void insert(struct state *state, unsigned page, uint8_t block, bool tail)
{
	unsigned at = 0;

	for (; at < PAGES && state->list[at] != LIST_END; at++) {
		uint8_t other = state->block[state->list[at]];

		if (other > block || (other == block && !tail))
			break;
	}
	memmove(&state->list[at + 1], &state->list[at], PAGES - 1 - at);
	state->list[at] = (uint8_t)page;
	state->block[page] = block;
}

static void take_out(struct state *state, unsigned page)
{
	unsigned at = 0;

	while (state->list[at] != page)
		at++;
	memmove(&state->list[at], &state->list[at + 1], PAGES - 1 - at);
	state->list[PAGES - 1] = LIST_END;
	state->block[page] = BLOCK_INNER;
}

static bool is_free(const struct state *state, unsigned page, unsigned order)
{
	return page < PAGES && block_is_free(state->block[page]) &&
	       block_order(state->block[page]) == order;
}

/* B1: the head of the list of the smallest order that will do; LIST_END: none. */
static unsigned smallest(const struct state *state, unsigned order, unsigned type)
{
	for (unsigned i = 0; i < PAGES && state->list[i] != LIST_END; i++) {
		uint8_t block = state->block[state->list[i]];

		if (block_type(block) == type && block_order(block) >= order)
			return state->list[i];
	}
	return LIST_END;
}

/* B2: down to `order`, the half without `keep` to the head of its list each time. */
static void split_to(struct state *state, unsigned page, unsigned order, unsigned keep)
{
	unsigned from = block_order(state->block[page]), type = block_type(state->block[page]);

	take_out(state, page);
	while (from-- > order) {
		unsigned upper = page + (1u << from);

		insert(state, keep < upper ? upper : page, free_block(type, from), false);
		page = keep < upper ? page : upper;
	}
	state->block[page] = (uint8_t)(BLOCK_USED | order);
}

static bool take(struct state *state, unsigned order, unsigned type)
{
	unsigned page = smallest(state, order, type);

	if (page == LIST_END)
		return false;
	split_to(state, page, order, page);
	return true;
}

/* Single pages, one after another, as many as there are. */
static bool take_run(struct state *state, unsigned count, unsigned type)
{
	bool some = false;

	while (count-- && take(state, 0, type))
		some = true;
	return some;
}

static bool take_exact(struct state *state, unsigned page)
{
	unsigned head = page;

	while (head > 0 && state->block[head] == BLOCK_INNER)
		head--;
	if (!block_is_free(state->block[head]))
		return false;
	split_to(state, head, 0, page);
	return true;
}

static bool border_of_isolation(const struct world *world, unsigned a, unsigned b)
{
	unsigned of_a = world->block_types[a >> PAGEBLOCK_ORDER];
	unsigned of_b = world->block_types[b >> PAGEBLOCK_ORDER];

	return of_a != of_b && (of_a == MIGRATE_ISOLATE || of_b == MIGRATE_ISOLATE);
}

static void put(const struct world *world, struct state *state, const struct call *call)
{
	unsigned page = call->page, order = block_order(state->block[page]);
	unsigned type = call->op == OP_PUT ? world->block_types[page >> PAGEBLOCK_ORDER]
					   : call->type;
	bool tail;

	state->block[page] = BLOCK_INNER;
	for (; order < TOP && is_free(state, page ^ 1u << order, order); order++) {
		if (order >= PAGEBLOCK_ORDER &&
		    border_of_isolation(world, page, page ^ 1u << order))
			break;
		take_out(state, page ^ 1u << order);
		page &= ~(1u << order);
	}
	/* B7: the pair that this block waits for could merge at once. */
	tail = call->tail || (order + 1 < TOP &&
			      is_free(state, (page & ~(1u << order)) ^ 2u << order, order + 1));
	insert(state, page, free_block(type, order), tail);
}

static bool move(struct state *state, unsigned page, unsigned type)
{
	unsigned order = block_order(state->block[page]);

	if (!block_is_free(state->block[page]))
		return false;
	take_out(state, page);
	insert(state, page, free_block(type, order), true);
	return true;
}

bool rules_apply(const struct world *world, struct state *state, const struct call *call)
{
	switch (call->op) {
	case OP_TAKE:
		return take(state, call->order, call->type);
	case OP_TAKE_RUN:
		return take_run(state, call->order, call->type);
	case OP_TAKE_EXACT:
		return take_exact(state, call->page);
	case OP_MOVE:
		return move(state, call->page, call->type);
	case OP_PUT:
	case OP_PUT_TYPE:
		if (!block_is_used(state->block[call->page]))
			return false;
		put(world, state, call);
		return true;
	case OPS:
	default:
		return false;
	}
}

/* All pages free, as their pageblocks are, given in one by one from the first. */
void rules_first(const struct world *world, struct state *state)
{
	struct call call = { .op = OP_PUT };

	memset(state->block, BLOCK_USED, sizeof(state->block));
	memset(state->list, LIST_END, sizeof(state->list));
	for (call.page = 0; call.page < PAGES; call.page++)
		rules_apply(world, state, &call);
}
