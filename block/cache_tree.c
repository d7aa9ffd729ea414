/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree of a cache: index to page, in nodes of one page each.
 *
 * A node has PAGE_SIZE / 8 places: of a leaf they are struct cache_slot, else pointers to the
 * pages of the nodes below. How many levels there are follows from the size of the disk and
 * never changes, so there is no growing at the root.
 *
 * Each node counts, in the 16 bytes that a page has for its owner, how many of its places are used
 * and how many lead to something dirty. The first says when a node can be freed; by the second
 * who writes back passes over everything clean in steps of whole subtrees.
 *
 * Memory. An insertion needs at most one node a level, and takes them from a stock that was
 * filled before the lock was taken; nothing here allocates. Giving up pages, which must work
 * when there is no memory at all, only ever frees nodes. One node for 512 pages side by side
 * is 0.2 %; a page that is alone in its neighbourhood costs a node of its own.
 *
 * The leaf that was found last is remembered, since whoever looks for a page looks again to change
 * it, and reclaim meets pages in the order in which they were read.
 *
 * The lock of the cache guards all of a tree.
 */
#include "cache_tree.h"

#include <string.h>

#include "lib/assert.h"

#define PLACES (1u << TREE_SHIFT)

struct node_info {
	uint32_t used;  /* places that are not empty */
	uint32_t dirty; /* of them, those that are dirty or lead to something dirty */
};

struct path {
	struct page *node[TREE_MOST_LEVELS]; /* by level, 0 is the leaf */
};

_Static_assert(sizeof(struct cache_slot) == 8 && sizeof(struct page *) == 8, "places of a node");

static struct node_info *info_of(struct page *node) { return zonal_page_owner(node); }

static unsigned place_of(uint64_t index, unsigned level)
{
	return (unsigned)(index >> (level * TREE_SHIFT)) & (PLACES - 1);
}

static struct page **child_of(struct page *node, uint64_t index, unsigned level)
{
	return (struct page **)block_page_address(node) + place_of(index, level);
}

static struct cache_slot *slot_of(struct page *leaf, uint64_t index)
{
	return (struct cache_slot *)block_page_address(leaf) + place_of(index, 0);
}

void cache_tree_init(struct cache_tree *tree, uint64_t limit)
{
	*tree = (struct cache_tree){ .levels = 1, .limit = limit };
	while (tree->levels < TREE_MOST_LEVELS && limit > (uint64_t)1 << tree->levels * TREE_SHIFT)
		tree->levels++;
}

/* The nodes that lead to `index`, down to the lowest level that is there: that level. */
static unsigned descend(const struct cache_tree *tree, uint64_t index, struct path *path)
{
	struct page *node = tree->root;
	unsigned level = tree->levels;

	ASSERT(index < tree->limit, "index %llu, limit %llu", (unsigned long long)index,
	       (unsigned long long)tree->limit);
	while (node) {
		path->node[--level] = node;
		node = level ? *child_of(node, index, level) : NULL;
	}
	return level;
}

/* The place of `index`, empty or not; NULL: its leaf is not there. */
static struct cache_slot *slot_near(struct cache_tree *tree, uint64_t index)
{
	struct path path;

	if (!tree->near || tree->near_base != index >> TREE_SHIFT) {
		if (!tree->root || descend(tree, index, &path))
			return NULL;
		tree->near = path.node[0];
		tree->near_base = index >> TREE_SHIFT;
		tree->near_slots = block_page_address(tree->near);
	}
	return tree->near_slots + place_of(index, 0);
}

struct cache_slot *cache_tree_find(struct cache_tree *tree, uint64_t index)
{
	struct cache_slot *slot = slot_near(tree, index);

	return slot && slot->flags & SLOT_USED ? slot : NULL;
}

unsigned cache_tree_missing(const struct cache_tree *tree, uint64_t index)
{
	struct path path;

	return descend(tree, index, &path);
}

struct cache_slot *cache_tree_insert(struct cache_tree *tree, uint64_t index,
				     struct cache_stock *stock)
{
	struct path path;
	unsigned level = descend(tree, index, &path);
	struct cache_slot *slot;

	ASSERT(stock->count >= level, "%u nodes are missing, %u in stock", level, stock->count);
	while (level) {
		struct page *node = stock->page[--stock->count];

		if (level == tree->levels) {
			tree->root = node;
		} else {
			*child_of(path.node[level], index, level) = node;
			info_of(path.node[level])->used++;
		}
		path.node[--level] = node;
		tree->nodes++;
	}
	slot = slot_of(path.node[0], index);
	ASSERT(!(slot->flags & SLOT_USED), "index %llu is there", (unsigned long long)index);
	info_of(path.node[0])->used++;
	slot->flags = SLOT_USED;
	return slot;
}

/* The leaf of `index` holds nothing any more: it goes, and what holds nothing but it. */
static void prune(struct cache_tree *tree, uint64_t index)
{
	struct path path;
	unsigned level = descend(tree, index, &path);

	ASSERT(!level && path.node[0] == tree->near, "index %llu is in another leaf",
	       (unsigned long long)index);
	tree->near = NULL;
	do {
		ASSERT(!info_of(path.node[level])->dirty, "an empty node is dirty");
		zonal_free(block_memory(), path.node[level], 0);
		tree->nodes--;
		if (++level == tree->levels)
			tree->root = NULL;
		else
			*child_of(path.node[level], index, level) = NULL;
	} while (level < tree->levels && --info_of(path.node[level])->used == 0);
}

void cache_tree_remove(struct cache_tree *tree, uint64_t index)
{
	struct cache_slot *slot = slot_near(tree, index);

	ASSERT(slot, "index %llu is not there", (unsigned long long)index);
	ASSERT((slot->flags & (SLOT_USED | SLOT_DIRTY)) == SLOT_USED, "slot 0x%x", slot->flags);
	*slot = (struct cache_slot){ .flags = 0 };
	if (--info_of(tree->near)->used == 0)
		prune(tree, index);
}

bool cache_tree_mark(struct cache_tree *tree, uint64_t index, bool dirty)
{
	struct path path;
	unsigned level = descend(tree, index, &path);
	struct cache_slot *slot;

	ASSERT(!level, "index %llu is not there", (unsigned long long)index);
	slot = slot_of(path.node[0], index);
	if (!(slot->flags & SLOT_DIRTY) == !dirty)
		return false;
	slot->flags ^= SLOT_DIRTY;
	/* Up to the first node that stays what it was. */
	for (; level < tree->levels; level++) {
		struct node_info *info = info_of(path.node[level]);

		info->dirty += dirty ? 1 : (uint32_t)-1;
		ASSERT(info->dirty <= info->used, "%u of %u places are dirty", info->dirty,
		       info->used);
		if (info->dirty != (dirty ? 1 : 0))
			break;
	}
	return true;
}

static bool has_any(struct page *node, bool dirty)
{
	return node && (!dirty || info_of(node)->dirty);
}

/* The first place of a leaf from `index` on that is wanted; the first behind it if none is. */
static uint64_t next_in_leaf(struct page *leaf, uint64_t index, bool dirty)
{
	uint32_t wanted = dirty ? SLOT_DIRTY : SLOT_USED;

	do {
		if (slot_of(leaf, index)->flags & wanted)
			return index;
		index++;
	} while (place_of(index, 0));
	return index;
}

/* Where the next child of the node begins that is there at all, or the node ends. From one to the
 * next by itself: this is done with interrupts masked, and a disk may be nearly empty. */
static uint64_t next_child(struct page *node, uint64_t at, unsigned level)
{
	struct page **child = (struct page **)block_page_address(node);
	unsigned place = place_of(at, level) + 1;

	while (place < PLACES && !child[place])
		place++;
	return ((at >> (level * TREE_SHIFT)) - place_of(at, level) + place) << (level * TREE_SHIFT);
}

bool cache_tree_next(const struct cache_tree *tree, uint64_t *index, bool dirty)
{
	uint64_t at = *index;

	while (at < tree->limit && has_any(tree->root, dirty)) {
		struct page *node = tree->root, *below;
		unsigned level = tree->levels - 1;
		uint64_t found;

		while (level && has_any(below = *child_of(node, at, level), dirty)) {
			node = below;
			level--;
		}
		if (level) {
			at = next_child(node, at, level);
			continue;
		}
		found = next_in_leaf(node, at, dirty);
		if (found >> TREE_SHIFT == at >> TREE_SHIFT) {
			*index = found;
			return true;
		}
		at = found;
	}
	return false;
}

bool cache_stock_fill(struct cache_stock *stock, unsigned count, gfp_t gfp)
{
	ASSERT(count <= TREE_MOST_LEVELS, "%u nodes", count);
	while (stock->count < count) {
		struct page *page = zonal_alloc(block_memory(), gfp, 0);

		if (!page)
			return false;
		memset(block_page_address(page), 0, PAGE_SIZE);
		stock->page[stock->count++] = page;
	}
	return true;
}

void cache_stock_drop(struct cache_stock *stock)
{
	while (stock->count)
		zonal_free(block_memory(), stock->page[--stock->count], 0);
}
