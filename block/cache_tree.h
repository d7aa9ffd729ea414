/* SPDX-License-Identifier: BSD-2-Clause */
/* Which page of the cache holds page `index` of a disk: a tree of pages. */
#ifndef BLOCK_CACHE_TREE_H
#define BLOCK_CACHE_TREE_H

#include "block.h"

/* A place of a leaf; all 0: empty. */
struct cache_slot {
	uint32_t pfn;
	uint32_t flags; /* SLOT_* */
};

#define SLOT_USED 1u
#define SLOT_UPTODATE 2u /* it holds what the disk holds, or newer */
#define SLOT_LOCKED 4u   /* somebody reads into it, copies from or to it, or gives it up */
#define SLOT_DIRTY 8u    /* newer than the disk; by cache_tree_mark() alone */
#define SLOT_WRITING 16u /* the disk reads from it */
#define SLOT_ERROR 32u   /* the last write of it failed */

#define TREE_SHIFT (PAGE_SHIFT - 3) /* a node is a page of 8-byte places */
#define TREE_MOST_LEVELS ((54 + TREE_SHIFT - 1) / TREE_SHIFT)

struct cache_tree {
	struct page *root; /* NULL: nothing is in it */
	unsigned levels;
	uint64_t limit;    /* indexes are below */
	uint64_t nodes;
	struct page *near;  /* the leaf that was found last; NULL: none */
	uint64_t near_base; /* its first index >> TREE_SHIFT */
	struct cache_slot *near_slots;
};

/* Empty nodes that an insertion may need, taken before the lock is. */
struct cache_stock {
	struct page *page[TREE_MOST_LEVELS];
	unsigned count;
};

/* All of these but the stock's: the lock of the cache. */
void cache_tree_init(struct cache_tree *tree, uint64_t limit);
struct cache_slot *cache_tree_find(struct cache_tree *tree, uint64_t index);
/* Nodes that are not there for `index`. */
unsigned cache_tree_missing(const struct cache_tree *tree, uint64_t index);
/* The place of `index`, which is empty; the stock has what is missing. */
struct cache_slot *cache_tree_insert(struct cache_tree *tree, uint64_t index,
				     struct cache_stock *stock);
/* Empty a place that is used and not dirty. Nodes that hold nothing are freed. */
void cache_tree_remove(struct cache_tree *tree, uint64_t index);
/* Set or clear SLOT_DIRTY; false: it was so. */
bool cache_tree_mark(struct cache_tree *tree, uint64_t index, bool dirty);
/* The first index from *index on that is used, or dirty; false: there is none. */
bool cache_tree_next(const struct cache_tree *tree, uint64_t *index, bool dirty);

/* Fill up to `count`; false: no memory. Context: task or boot. */
bool cache_stock_fill(struct cache_stock *stock, unsigned count, gfp_t gfp);
void cache_stock_drop(struct cache_stock *stock);

#endif
