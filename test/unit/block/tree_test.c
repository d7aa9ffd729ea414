/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree of a cache against a list of what is in it.
 *
 * Indexes are drawn from a few neighbourhoods of disks from one page to 2^50 of them, so that nodes
 * fill, empty and stand alone. After each step what the tree finds next, used and dirty, is
 * compared; at the end it is empty and has no node.
 */
#include "block/cache_tree.h"

#include <string.h>

#include "lib/lock.h"
#include "ram_disk.h"

enum { HELD = 40, STEPS = 3000 };

struct held {
	uint64_t index;
	bool used, dirty;
};

static uint64_t draw_index(uint64_t *seed, uint64_t limit)
{
	uint64_t base = kt_random(seed) % 4 * (limit / 4);
	uint64_t index = base + (kt_random(seed) % 3) * 511 + kt_random(seed) % 5;

	return index < limit ? index : limit - 1;
}

static struct held *held_at(struct held *held, uint64_t index)
{
	struct held *empty = NULL;

	for (unsigned i = 0; i < HELD; i++) {
		if (held[i].used && held[i].index == index)
			return &held[i];
		if (!held[i].used)
			empty = &held[i];
	}
	if (empty)
		*empty = (struct held){ .index = index };
	return empty;
}

/* The smallest index from `from` on; UINT64_MAX: none. */
static uint64_t next_held(const struct held *held, uint64_t from, bool dirty)
{
	uint64_t best = UINT64_MAX;

	for (unsigned i = 0; i < HELD; i++)
		if (held[i].used && held[i].index >= from && held[i].index < best &&
		    (!dirty || held[i].dirty))
			best = held[i].index;
	return best;
}

static void compare(struct cache_tree *tree, const struct held *held, uint64_t from)
{
	for (unsigned dirty = 0; dirty < 2; dirty++) {
		uint64_t want = next_held(held, from, dirty), got = from;
		bool found = cache_tree_next(tree, &got, dirty);

		KT_EQ(found ? got : UINT64_MAX, want);
	}
}

static void put_in(struct cache_tree *tree, struct held *place)
{
	struct cache_stock stock = { .count = 0 };
	struct cache_slot *slot;

	if (!KT_TRUE(cache_stock_fill(&stock, cache_tree_missing(tree, place->index), GFP_KERNEL)))
		return;
	slot = cache_tree_insert(tree, place->index, &stock);
	KT_EQ(stock.count, 0);
	slot->pfn = (uint32_t)place->index;
	place->used = true;
	place->dirty = false;
}

static void take_out(struct cache_tree *tree, struct held *place)
{
	KT_EQ(cache_tree_mark(tree, place->index, false), place->dirty);
	cache_tree_remove(tree, place->index);
	place->used = false;
}

static void one_step(struct cache_tree *tree, struct held *held, uint64_t *seed)
{
	struct held *place = held_at(held, draw_index(seed, tree->limit));
	uint64_t dice = kt_random(seed) % 3;
	struct cache_slot *slot;

	if (!place)
		place = &held[kt_random(seed) % HELD];
	slot = cache_tree_find(tree, place->index);
	KT_EQ(slot != NULL, place->used);
	if (!place->used) {
		put_in(tree, place);
	} else if (!dice) {
		KT_EQ(slot->pfn, (uint32_t)place->index);
		take_out(tree, place);
	} else {
		KT_EQ(cache_tree_mark(tree, place->index, dice == 1), place->dirty != (dice == 1));
		place->dirty = dice == 1;
	}
	compare(tree, held, draw_index(seed, tree->limit));
	compare(tree, held, 0);
}

BLOCK_TEST(block_tree, finds_what_was_put_in_and_nothing_else)
{
	static const uint64_t limit[] = { 1, 512, 513, 5000, 262144, 262145, (uint64_t)1 << 50 };
	uint64_t seed = kt_seed() | 1;

	for (unsigned i = 0; i < ARRAY_SIZE(limit); i++) {
		struct held held[HELD] = { { .index = 0 } };
		struct cache_tree tree;

		cache_tree_init(&tree, limit[i]);
		for (unsigned step = 0; step < STEPS / ARRAY_SIZE(limit); step++)
			one_step(&tree, held, &seed);
		for (unsigned k = 0; k < HELD; k++)
			if (held[k].used)
				take_out(&tree, &held[k]);
		KT_TRUE(tree.root == NULL);
		KT_EQ(tree.nodes, 0);
	}
}

/* A leaf is remembered no longer than it lives: its page is another's when the next one comes. */
BLOCK_TEST(block_tree, a_leaf_that_went_is_not_looked_into_again)
{
	struct cache_tree tree;
	struct held place = { .index = 600 };
	struct page *was[4]; /* the pages of leaf and root among them */
	struct cache_slot *slot;

	cache_tree_init(&tree, 5000);
	put_in(&tree, &place);
	KT_TRUE(cache_tree_find(&tree, 600) != NULL);
	take_out(&tree, &place);
	KT_TRUE(cache_tree_find(&tree, 600) == NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(was); i++) {
		was[i] = zonal_alloc(block_memory(), GFP_KERNEL, 0);
		if (!KT_TRUE(was[i] != NULL))
			return;
		memset(block_page_address(was[i]), 0xff, PAGE_SIZE);
	}
	KT_TRUE(cache_tree_find(&tree, 601) == NULL);
	put_in(&tree, &place);
	slot = cache_tree_find(&tree, 600);
	KT_TRUE(slot && slot->pfn == 600);
	take_out(&tree, &place);
	for (unsigned i = 0; i < ARRAY_SIZE(was); i++)
		zonal_free(block_memory(), was[i], 0);
}

BLOCK_TEST(block_tree, has_the_levels_that_the_disk_needs)
{
	static const struct {
		uint64_t limit;
		unsigned levels;
	} row[] = {
		{ 1, 1 }, { 512, 1 }, { 513, 2 }, { 262144, 2 }, { 262145, 3 },
		{ (uint64_t)1 << 51, 6 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct cache_tree tree;

		cache_tree_init(&tree, row[i].limit);
		KT_EQ(tree.levels, row[i].levels);
		KT_EQ(cache_tree_missing(&tree, row[i].limit - 1), row[i].levels);
	}
}
