/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page fragments (D15): pieces lie side by side from the end of a block towards its start and never
 * meet; the block lives as long as the cache or a piece, is cut again when all is back, unless it
 * came out of the reserves, and nothing is left in use at the end.
 */
#include "kt_instance.h"

#include <string.h>

#include <zonal/frag.h>

enum { PAGES = 4096, BLOCK = 32768, PIECES = 64 };

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, PAGES } } };

/* Free pages, those in lists of CPUs included. */
static int64_t free_pages_of(struct zonal *mm)
{
	zonal_drain_all(mm, NULL);
	return kt_free(kt_zone(mm, 0, ZONE_DMA));
}

KTEST(rows_d, d15_pieces_are_cut_from_the_end_of_an_order_3_block)
{
	struct zonal *mm = kt_instance(&uma);
	struct zonal_frag cache = { .page = NULL };
	struct page *first, *page;
	int64_t before;
	size_t at = 0;

	if (!mm)
		return;
	before = free_pages_of(mm);
	first = zonal_frag_take(mm, &cache, 1536, GFP_ATOMIC, &at);
	if (!KT_OK(first, "no piece"))
		return;
	KT_EQ(at, BLOCK - 1536);
	KT_EQ(page_order(first), 3);
	KT_TRUE(page_word(first) & PG_COMP);
	page = zonal_frag_take(mm, &cache, PAGE_SIZE, GFP_ATOMIC, &at);
	KT_TRUE(page == first);
	KT_EQ(at, BLOCK - 1536 - PAGE_SIZE);
	KT_EQ(before - free_pages_of(mm), 8);
	zonal_frag_put(mm, page);
	zonal_frag_put(mm, first);
	KT_EQ(before - free_pages_of(mm), 8);
	zonal_frag_end(mm, &cache);
	KT_EQ(free_pages_of(mm), before);
	kt_check_all(mm);
}

KTEST(rows_d, d15_block_whose_pieces_are_back_is_cut_again)
{
	struct zonal *mm = kt_instance(&uma);
	struct zonal_frag cache = { .page = NULL };
	struct page *block = NULL;
	size_t at = 0;

	for (unsigned i = 0; mm && i < 5 * BLOCK / PAGE_SIZE; i++) {
		struct page *page = zonal_frag_take(mm, &cache, PAGE_SIZE, GFP_ATOMIC, &at);

		if (!KT_OK(page, "no piece"))
			return;
		if (!block)
			block = page;
		KT_OK(page == block, "piece %u is of another block", i);
		KT_EQ(at, BLOCK - PAGE_SIZE * (i % (BLOCK / PAGE_SIZE) + 1));
		zonal_frag_put(mm, page);
	}
	if (mm)
		zonal_frag_end(mm, &cache);
	KT_TRUE(!cache.page);
	KT_EQ(block ? page_state(block) : PAGE_USED, PAGE_FREE);
}

/* As many pieces as it has bytes, and each time it is cut there are as many again. */
KTEST(rows_d, d15_a_block_can_be_cut_into_bytes_again_and_again)
{
	struct zonal *mm = kt_instance(&uma);
	struct zonal_frag cache = { .page = NULL };
	struct page *block = NULL;
	size_t at = 0;

	for (unsigned i = 0; mm && i < 3 * BLOCK; i++) {
		struct page *page = zonal_frag_take(mm, &cache, 1, GFP_ATOMIC, &at);

		if (!KT_OK(page && (!block || page == block), "piece %u", i))
			return;
		block = page;
		if (at != BLOCK - 1 - i % BLOCK)
			KT_EQ(at, BLOCK - 1 - i % BLOCK);
		zonal_frag_put(mm, page);
	}
	if (!mm)
		return;
	zonal_frag_end(mm, &cache);
	KT_EQ(page_state(block), PAGE_FREE);
	KT_EQ(zonal_bad_count(mm), 0);
}

KTEST(rows_d, d15_block_with_a_piece_outside_goes_with_its_last_piece)
{
	struct zonal *mm = kt_instance(&uma);
	struct zonal_frag cache = { .page = NULL };
	struct page *held, *page;
	int64_t before;
	size_t at = 0;

	if (!mm)
		return;
	before = free_pages_of(mm);
	held = zonal_frag_take(mm, &cache, 64, GFP_ATOMIC, &at);
	do {
		page = zonal_frag_take(mm, &cache, PAGE_SIZE, GFP_ATOMIC, &at);
		if (!KT_OK(held && page, "no piece"))
			return;
		zonal_frag_put(mm, page);
	} while (page == held);
	KT_EQ(before - free_pages_of(mm), 16);
	KT_EQ(ld_relaxed(&held->refs), 1);
	zonal_frag_put(mm, held);
	KT_EQ(before - free_pages_of(mm), 8);
	zonal_frag_end(mm, &cache);
	KT_EQ(free_pages_of(mm), before);
	KT_EQ(zonal_bad_count(mm), 0);
}

KTEST(rows_d, d15_block_out_of_the_reserves_is_not_cut_twice)
{
	struct zonal *mm = kt_instance(&uma);
	struct zonal_frag cache = { .page = NULL };
	struct page *page;
	uint64_t freed;
	size_t at = 0;

	if (!mm)
		return;
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	freed = kt_stat(kt_zone(mm, 0, ZONE_DMA), STAT_FREED);
	/* The large block may not come from there, so a page does (L15). */
	page = zonal_frag_take(mm, &cache, PAGE_SIZE, GFP_NOWAIT | __GFP_MEMALLOC, &at);
	if (!KT_OK(page, "no piece"))
		return;
	KT_EQ(at, 0);
	KT_EQ(cache.size, PAGE_SIZE);
	KT_TRUE(cache.reserve);
	zonal_frag_put(mm, page);
	page = zonal_frag_take(mm, &cache, PAGE_SIZE, GFP_NOWAIT | __GFP_MEMALLOC, &at);
	KT_TRUE(page != NULL);
	KT_EQ(kt_stat(kt_zone(mm, 0, ZONE_DMA), STAT_FREED) - freed, 1);
	zonal_frag_put(mm, page);
	zonal_frag_end(mm, &cache);
	KT_EQ(zonal_bad_count(mm), 0);
}

KTEST(rows_d, d15_no_memory_or_a_size_out_of_range_gives_no_piece_and_the_cache_stays_usable)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct zonal_frag cache = { .page = NULL };
	gfp_t gfp = GFP_NOWAIT | __GFP_NOWARN;
	struct page *chain = NULL, *page;
	size_t at = 7;

	if (!mm)
		return;
	KT_TRUE(!zonal_frag_take(mm, &cache, 0, gfp, &at));
	KT_TRUE(!zonal_frag_take(mm, &cache, PAGE_SIZE + 1, gfp, &at));
	KT_TRUE(!cache.page);
	kt_take_all(mm, 0, gfp, 0, &chain);
	KT_TRUE(!zonal_frag_take(mm, &cache, 64, gfp, &at));
	KT_EQ(at, 7);
	kt_give_all(mm, chain, 0);
	page = zonal_frag_take(mm, &cache, 64, gfp, &at);
	if (!KT_OK(page, "no piece"))
		return;
	zonal_frag_put(mm, page);
	zonal_frag_end(mm, &cache);
	zonal_frag_end(mm, &cache);
	KT_EQ(zonal_bad_count(mm), 0);
}

/* Pieces of any size in any order of return: none overlaps another that is out. */
KTEST(rows_d, d15_pieces_that_are_out_never_overlap)
{
	static struct {
		uint64_t from, to;
		struct page *page;
	} out[PIECES];
	struct zonal *mm = kt_instance(&uma);
	struct zonal_frag cache = { .page = NULL };
	uint64_t state = kt_seed() | 1;
	int64_t before = mm ? free_pages_of(mm) : 0;

	memset(out, 0, sizeof(out));
	for (unsigned n = 0; mm && n < 20000; n++) {
		unsigned i = (unsigned)(kt_random(&state) % PIECES);
		size_t bytes = kt_random(&state) % PAGE_SIZE + 1, at = 0;

		if (out[i].page) {
			zonal_frag_put(mm, out[i].page);
			out[i].page = NULL;
			continue;
		}
		out[i].page = zonal_frag_take(mm, &cache, bytes, GFP_ATOMIC, &at);
		if (!KT_OK(out[i].page, "no piece %u", n))
			return;
		out[i].from = ((uint64_t)out[i].page->pfn << PAGE_SHIFT) + at;
		out[i].to = out[i].from + bytes;
		for (unsigned k = 0; k < PIECES; k++)
			KT_OK(k == i || !out[k].page || out[k].to <= out[i].from ||
				      out[i].to <= out[k].from,
			      "pieces %u and %u overlap in step %u", i, k, n);
	}
	for (unsigned i = 0; mm && i < PIECES; i++)
		if (out[i].page)
			zonal_frag_put(mm, out[i].page);
	if (!mm)
		return;
	zonal_frag_end(mm, &cache);
	KT_EQ(free_pages_of(mm), before);
	kt_check_all(mm);
}

/* A block that is used up and none to follow: the pieces stay whole, and the next take begins
 * anew. */
KTEST(rows_d, d15_without_another_block_the_cache_is_empty_and_its_pieces_are_whole)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct zonal_frag cache = { .page = NULL };
	struct page *piece, *chain = NULL;
	size_t at = 0;

	if (!mm)
		return;
	piece = zonal_frag_take(mm, &cache, 64, GFP_NOWAIT | __GFP_NOWARN, &at);
	if (!KT_OK(piece, "no piece"))
		return;
	kt_take_all(mm, 0, GFP_NOWAIT | __GFP_NOWARN, 0, &chain);
	for (unsigned i = 0; i < BLOCK / PAGE_SIZE - 1; i++)
		zonal_frag_put(mm, zonal_frag_take(mm, &cache, PAGE_SIZE, GFP_NOWAIT, &at));
	KT_TRUE(!zonal_frag_take(mm, &cache, PAGE_SIZE, GFP_NOWAIT | __GFP_NOWARN, &at));
	KT_TRUE(!cache.page);
	KT_EQ(ld_relaxed(&piece->refs), 1);
	kt_give_all(mm, chain, 0);
	KT_TRUE(zonal_frag_take(mm, &cache, PAGE_SIZE, GFP_NOWAIT, &at) != NULL);
	KT_EQ(at, BLOCK - PAGE_SIZE);
	zonal_frag_put(mm, cache.page);
	zonal_frag_end(mm, &cache);
	zonal_frag_put(mm, piece);
	KT_EQ(free_pages_of(mm), PAGES);
	KT_EQ(zonal_bad_count(mm), 0);
}
