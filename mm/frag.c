/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page fragments (D15): a block of 32 KiB in pieces, each with a reference.
 *
 * Counting a reference a piece, on a line that other CPUs write when they give pieces back, would
 * cost more than the piece. So the cache takes all references that the block can ever need at once,
 * one for each byte, and hands them out by a plain number of its own (`held`). When the block is
 * used up, the cache gives back what it still holds, in one step: if that was all, nobody has a
 * piece, and the block begins anew. Otherwise it belongs to its pieces.
 *
 * A block out of the reserves is not cut a second time: what works for reclaim should get it.
 * Blocks come from the nearest node, whatever the policy of the task that happens to ask, as in
 * 5.10: the pieces are the device's, not the task's.
 *
 * One user of a cache at a time, so nothing here is locked; the count in the page is atomic.
 */
#include <zonal/frag.h>

#include "mm.h"

#define FRAG_BYTES 32768u

/* The order of FRAG_BYTES; 0 where a page is as large. */
static unsigned frag_order(void)
{
	unsigned order = 0;

	while (order < MAX_ORDER - 1u && PAGE_SIZE << order < FRAG_BYTES)
		order++;
	return order;
}

/* A new block with all references: large without much ado, or a single page by what was asked. */
static bool refill(struct zonal *mm, struct zonal_frag *cache, gfp_t gfp)
{
	gfp_t large = gfp | __GFP_COMP | __GFP_NOWARN | __GFP_NORETRY | __GFP_NOMEMALLOC;
	unsigned order = frag_order();

	cache->page = order ? zonal_alloc_node(mm, NODE_NONE, large, order) : NULL;
	if (!cache->page) {
		order = 0;
		cache->page = zonal_alloc_node(mm, NODE_NONE, gfp, 0);
	}
	if (!cache->page)
		return false;
	cache->size = (uint32_t)PAGE_SIZE << order;
	cache->offset = cache->size;
	cache->held = (int32_t)cache->size + 1;
	cache->reserve = page_word(cache->page) & PG_PFMEMALLOC;
	ASSERT(ld_relaxed(&cache->page->refs) == 1, "pfn 0x%x is new, with %d references",
	       cache->page->pfn, ld_relaxed(&cache->page->refs));
	fetch_add_relaxed(&cache->page->refs, cache->held - 1);
	return true;
}

/* All that the cache holds of the block goes. True: it was the last, and the block is ours. */
static bool let_go(struct zonal_frag *cache)
{
	/* Acquire and release: what the users of the pieces wrote comes before the next user. */
	return fetch_sub_acq_rel(&cache->page->refs, cache->held) == cache->held;
}

/* The block has no room for `bytes` more: cut it anew, or take another. */
static bool next_block(struct zonal *mm, struct zonal_frag *cache, gfp_t gfp)
{
	if (!let_go(cache))
		return refill(mm, cache, gfp);
	cache->held = (int32_t)cache->size + 1;
	if (cache->reserve) {
		st_relaxed(&cache->page->refs, 1);
		zonal_put(mm, cache->page);
		return refill(mm, cache, gfp);
	}
	st_relaxed(&cache->page->refs, cache->held);
	cache->offset = cache->size;
	return true;
}

struct page *zonal_frag_take(struct zonal *mm, struct zonal_frag *cache, size_t bytes, gfp_t gfp,
			     size_t *offset)
{
	if (!bytes || bytes > PAGE_SIZE)
		return NULL;
	if (!cache->page && !refill(mm, cache, gfp))
		return NULL;
	if (cache->offset < bytes && !next_block(mm, cache, gfp)) {
		cache->page = NULL;
		return NULL;
	}
	ASSERT(cache->held > 1 && cache->offset >= bytes, "%d references left, %u bytes",
	       cache->held, cache->offset);
	cache->held--;
	cache->offset -= (uint32_t)bytes;
	*offset = cache->offset;
	return cache->page;
}

void zonal_frag_put(struct zonal *mm, struct page *page) { zonal_put(mm, page); }

void zonal_frag_end(struct zonal *mm, struct zonal_frag *cache)
{
	if (cache->page && let_go(cache)) {
		st_relaxed(&cache->page->refs, 1);
		zonal_put(mm, cache->page);
	}
	*cache = (struct zonal_frag){ .page = NULL };
}
