/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An explorer: mm/buddy.c through every state that a zone of a few pages can reach.
 *
 * Breadth first from the zone with all pages free. In each state every call that its
 * world allows is made by the real functions (explore_zone.c) and by the rules said a second
 * time (explore_rules.c); every invariant must hold afterwards and both must have come to
 * the same state, list by list and place by place. A state is loaded from its canonical
 * form each time, with rubbish in all that must not matter, so two ways to one
 * state are one.
 *
 * Also made is each call that the rules say gives nothing, as long as it is a take: it must
 * change nothing.
 *
 * The end is not a limit but that no new state is found; their number is known and must
 * come out. In world 1 it is 229,648: all ways to cut eight and four pages into used and free
 * blocks without free buddies, times all orders of each list. A fault prints the state, the
 * call and what is wrong, and the exit status is 1.
 *
 * Host only, one thread. States live in one growing array, which is the queue too; an open
 * hash table of indices finds them.
 */
#include "explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ORDERS = 4, RUN_MOST = 5 };

#define OP(x) (1u << OP_##x)
#define TYPE(x) (1u << MIGRATE_##x)

#if EXPLORE_WORLD == 1
static const struct world world = {
	"12 pages", { MIGRATE_MOVABLE }, TYPE(MOVABLE),
	OP(TAKE) | OP(TAKE_RUN) | OP(TAKE_EXACT) | OP(PUT) | OP(MOVE), 229648
};
#elif EXPLORE_WORLD == 2
static const struct world world = {
	"12 pages in 3 pageblocks", { MIGRATE_MOVABLE, MIGRATE_ISOLATE, MIGRATE_CMA },
	TYPE(MOVABLE) | TYPE(ISOLATE) | TYPE(CMA), OP(TAKE) | OP(TAKE_EXACT) | OP(PUT), 27000
};
#else
static const struct world world = {
	"8 pages in 2 pageblocks", { MIGRATE_MOVABLE, MIGRATE_CMA },
	TYPE(MOVABLE) | TYPE(ISOLATE) | TYPE(CMA),
	OP(TAKE) | OP(TAKE_EXACT) | OP(PUT) | OP(PUT_TYPE) | OP(MOVE), 25787
};
#endif

static struct state *states;
static uint32_t *table; /* index + 1; 0: empty */
static size_t count, room, slots;
static uint64_t calls;

static void *must(void *memory)
{
	if (!memory) {
		printf("# no memory for %zu states\n", count);
		exit(1);
	}
	return memory;
}

static size_t slot_of(const struct state *state)
{
	const uint8_t *bytes = (const uint8_t *)state;
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < sizeof(*state); i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3;
	hash ^= hash >> 29;
	for (size_t at = hash & (slots - 1);; at = (at + 1) & (slots - 1))
		if (!table[at] || !memcmp(&states[table[at] - 1], state, sizeof(*state)))
			return at;
}

static void grow(void)
{
	room = room ? 2 * room : 1024;
	slots = 4 * room;
	states = must(realloc(states, room * sizeof(*states)));
	free(table);
	table = must(calloc(slots, sizeof(*table)));
	for (size_t i = 0; i < count; i++)
		table[slot_of(&states[i])] = (uint32_t)i + 1;
}

static void found(const struct state *state)
{
	size_t at;

	if (count == room)
		grow();
	at = slot_of(state);
	if (table[at])
		return;
	states[count++] = *state;
	table[at] = (uint32_t)count;
}

static void print_state(const char *what, const struct state *state)
{
	printf("# %s:", what);
	for (unsigned i = 0; i < PAGES; i++) {
		uint8_t block = state->block[i];

		if (block_is_used(block))
			printf(" %u:used/%u", i, block_order(block));
		else if (block_is_free(block))
			printf(" %u:free/%u in %u", i, block_order(block), block_type(block));
	}
	printf("; lists:");
	for (unsigned i = 0; i < PAGES && state->list[i] != LIST_END; i++)
		printf(" %u", state->list[i]);
	printf("\n");
}

static bool explain(const struct state *before, const struct call *call, const char *fault)
{
	static const char *const name[OPS] = {
		[OP_TAKE] = "take", [OP_TAKE_RUN] = "take_run", [OP_TAKE_EXACT] = "take_exact",
		[OP_PUT] = "put", [OP_PUT_TYPE] = "put_type", [OP_MOVE] = "move",
	};

	print_state("state", before);
	printf("# call: %s page %u order %u type %u%s\n# fault: %s\n", name[call->op], call->page,
	       call->order, call->type, call->tail ? " to the tail" : "", fault);
	return false;
}

/* A take that finds nothing is made too; the others have no meaning there. */
static bool worth_a_call(const struct call *call, bool possible)
{
	return possible || call->op == OP_TAKE || call->op == OP_TAKE_RUN ||
	       call->op == OP_TAKE_EXACT;
}

static bool try_call(const struct state *before,
		     const struct call *call)
{
	struct state expected = *before, got;
	const char *fault;

	if (!(world.ops >> call->op & 1))
		return true;
	if (!worth_a_call(call, rules_apply(&world, &expected, call)))
		return true;
	calls++;
	zone_load(before);
	zone_call(call);
	fault = zone_read(&got);
	if (fault)
		return explain(before, call, fault);
	if (memcmp(&got, &expected, sizeof(got))) {
		print_state("expected", &expected);
		print_state("got", &got);
		return explain(before, call, "the rules lead to another state");
	}
	found(&got);
	return true;
}

/* The calls that name a page. */
static bool try_page(const struct state *state, uint8_t page)
{
	bool good = try_call(state, &(struct call){ .op = OP_TAKE_EXACT, .page = page }) &&
		    try_call(state, &(struct call){ .op = OP_PUT, .page = page }) &&
		    try_call(state,
			     &(struct call){ .op = OP_PUT, .page = page, .tail = true });

	for (uint8_t type = 0; good && type < MIGRATE_TYPES; type++)
		if (world.types >> type & 1)
			good = try_call(state, &(struct call){ .op = OP_PUT_TYPE,
							.page = page, .type = type }) &&
			       try_call(state, &(struct call){ .op = OP_MOVE,
							.page = page, .type = type });
	return good;
}

/* The calls that name a list. */
static bool try_list(const struct state *state, uint8_t type)
{
	bool good = true;

	for (uint8_t order = 0; good && order < ORDERS; order++)
		good = try_call(state, &(struct call){ .op = OP_TAKE, .order = order,
							      .type = type });
	for (uint8_t want = 1; good && want <= RUN_MOST; want++)
		good = try_call(state, &(struct call){ .op = OP_TAKE_RUN, .order = want,
							      .type = type });
	return good;
}

static bool try_state(const struct state *state)
{
	for (uint8_t type = 0; type < MIGRATE_TYPES; type++)
		if ((world.types >> type & 1) && !try_list(state, type))
			return false;
	for (uint8_t page = 0; page < PAGES; page++)
		if (!try_page(state, page))
			return false;
	return true;
}

static bool explore(void)
{
	struct state state;

	zone_open(&world);
	rules_first(&world, &state);
	found(&state);
	for (size_t i = 0; i < count; i++) {
		state = states[i];
		if (!try_state(&state))
			return false;
	}
	return true;
}

int main(void)
{
	bool good = explore();

	if (good && count != world.states) {
		printf("# there should be %u states\n", world.states);
		good = false;
	}
	printf("%s: %zu states, %llu calls\n", world.name, count, (unsigned long long)calls);
	return good ? 0 : 1;
}
