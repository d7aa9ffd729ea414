/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contiguous ranges at the edges: small ones between used pages, blocks that begin with a hole,
 * where the pages go that lay there, and that every page is looked at (rows A5, A7, D12).
 *
 * Boards are free but for what a case takes. contig_test.c has ranges on a half full board.
 */
#include "kt_cache.h"
#include "port_watch.h"

#include <zonal/contig.h>

#include "mm/compact/isolate_block.h"

#define LARGEST ((pfn_t)1 << (MAX_ORDER - 1))
#define MOVABLE_GFP (GFP_HIGHUSER_MOVABLE | __GFP_NOWARN | __GFP_NORETRY)

/* These pages are in use for good. */
static bool hold(struct zonal *mm, pfn_t pfn, uint64_t pages)
{
	return KT_EQ(zonal_alloc_contig_range(mm, pfn, pages, GFP_KERNEL), 0);
}

KTEST(rows_a, a7_a_small_range_is_found_between_pages_in_use)
{
	static const struct kt_spec board = { .ram = { { 0, KT_DMA_PFN, 4 * LARGEST } } };
	struct zonal *mm = kt_bare_instance(&board);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 4 * LARGEST) : NULL;
	struct page *page;

	if (!cache || !KT_EQ(kt_cache_fill(cache, 0, MOVABLE_GFP, 4 * LARGEST), 4 * LARGEST))
		return;
	for (unsigned i = 0; i < cache->count; i++)
		if (cache->place[i].page->pfn != KT_DMA_PFN + 3 &&
		    cache->place[i].page->pfn != KT_DMA_PFN + 32)
			kt_cache_drop(cache, i);
	/* From 16 on 16 are free, with the page behind them in use. */
	page = zonal_alloc_contig_pages(mm, 16, GFP_KERNEL, 0, NULL);
	KT_EQ(page ? zonal_pfn(page) : 0, KT_DMA_PFN + 16);
	KT_EQ(cache->asked_move, 0);
	KT_EQ(zonal_free_contig_range(mm, KT_DMA_PFN + 16, 16), 0);
	KT_EQ(kt_cache_left(cache), 2);
	kt_cache_drop_all(cache);
	zonal_drain_all(mm, NULL);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), 4 * LARGEST);
	kt_check_all(mm);
}

/* Only the last one of the board fits. */
KTEST(rows_a, a7_the_last_range_of_a_zone_is_tried_too)
{
	static const struct kt_spec board = { .ram = { { 0, KT_DMA_PFN + 5, 3 * LARGEST - 5 } } };
	struct zonal *mm = kt_bare_instance(&board);
	struct page *page;

	if (!mm || !hold(mm, KT_DMA_PFN + LARGEST + 7, 1))
		return;
	page = zonal_alloc_contig_pages(mm, LARGEST, GFP_KERNEL, 0, NULL);
	KT_EQ(page ? zonal_pfn(page) : 0, KT_DMA_PFN + 2 * LARGEST);
	KT_TRUE(!zonal_alloc_contig_pages(mm, LARGEST, GFP_KERNEL, 0, NULL));
	KT_EQ(zonal_free_contig_range(mm, KT_DMA_PFN + 2 * LARGEST, LARGEST), 0);
	KT_EQ(zonal_free_contig_range(mm, KT_DMA_PFN + LARGEST + 7, 1), 0);
	kt_check_all(mm);
}

/* The range is widened to a block of the largest order, of which the first half is a hole. */
KTEST(rows_a, a5_blocks_behind_a_hole_are_movable_again_afterwards)
{
	static const struct kt_spec board = {
		.ram = { { 0, KT_DMA_PFN + LARGEST / 2, 2 * LARGEST } },
	};
	const pfn_t start = KT_DMA_PFN + LARGEST / 2;
	struct zonal *mm = kt_bare_instance(&board);

	if (!mm || !hold(mm, start + 10, 20))
		return;
	KT_EQ(kt_zone(mm, 0, ZONE_DMA)->isolated_blocks, 0);
	KT_EQ(kt_block_type(mm, start), MIGRATE_MOVABLE);
	KT_EQ(zonal_free_contig_range(mm, start + 10, 20), 0);
	zonal_drain_all(mm, NULL);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), 2 * LARGEST);
	kt_check_all(mm);
}

/* Five tries of ten passes each, and then it is busy. */
KTEST(rows_a, a5_a_page_that_stays_busy_is_asked_for_fifty_times)
{
	static const struct kt_spec board = { .ram = { { 0, KT_DMA_PFN, 4 * LARGEST } } };
	struct zonal *mm = kt_bare_instance(&board);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 1) : NULL;
	struct page *page;

	if (!cache || !KT_EQ(kt_cache_fill(cache, 0, MOVABLE_GFP, 1), 1))
		return;
	page = cache->place[0].page;
	cache->place[0].move = ZONAL_GIVE_BUSY;
	KT_EQ(zonal_alloc_contig_range(mm, page->pfn, 1, GFP_KERNEL), ZONAL_EBUSY);
	KT_EQ(cache->asked_move, 5 * 10);
	KT_TRUE(cache->place[0].page == page);
	kt_cache_drop_all(cache);
	kt_check_all(mm);
}

/* A batch is all that lies there: what can leave leaves at once, and nobody is waited for. */
KTEST(rows_a, a5_pages_side_by_side_that_can_be_moved_go_at_the_first_look)
{
	static const struct kt_spec board = { .ram = { { 0, KT_DMA_PFN, 4 * LARGEST } } };
	struct zonal *mm = kt_bare_instance(&board);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 16) : NULL;
	pfn_t start;

	if (!cache || !KT_EQ(kt_cache_fill(cache, 0, MOVABLE_GFP, 16), 16))
		return;
	start = cache->place[0].page->pfn & ~(LARGEST - 1);
	watch_port();
	KT_EQ(zonal_alloc_contig_range(mm, start, LARGEST, GFP_KERNEL), 0);
	unwatch_port();
	KT_EQ(cache->moved, 16);
	KT_EQ(cache->asked_move, 16);
	KT_EQ(ld_relaxed(&kt_naps), 0);
	KT_EQ(zonal_free_contig_range(mm, start, LARGEST), 0);
	kt_cache_drop_all(cache);
	kt_check_all(mm);
}

/* ---- where pages go ---- */

static const struct kt_spec halves = { .ram = { { 0, KT_DMA_PFN, 8 * LARGEST } } };

/* As 5.10: what was not in the movable zone does not get there, and what was stays in it. */
KTEST(rows_a, a5_pages_stay_in_the_movable_zone_or_out_of_it)
{
	for (unsigned movable = 0; movable < 2; movable++) {
		struct kt_spec spec = halves;
		struct zonal_options options;
		struct kt_cache *cache;
		struct zonal *mm;
		unsigned zid;
		pfn_t start;

		zonal_options_default(&options);
		options.kernelcore_percent = 50;
		spec.options = &options;
		mm = kt_bare_instance(&spec);
		cache = mm ? kt_cache(mm, ZONAL_ANON, LARGEST) : NULL;
		if (!cache)
			return;
		kt_cache_fill(cache, 0, MOVABLE_GFP & ~(movable ? 0 : __GFP_HIGHMEM), 300);
		zid = page_zid(cache->place[0].page);
		KT_EQ(zid % ZONE_TYPES == ZONE_MOVABLE, movable);
		start = cache->place[0].page->pfn & ~(LARGEST - 1);
		KT_EQ(zonal_alloc_contig_range(mm, start, LARGEST, GFP_KERNEL), 0);
		KT_TRUE(cache->moved > 0);
		for (unsigned i = 0; i < cache->count; i++)
			KT_EQ(page_zid(cache->place[i].page), zid);
		KT_EQ(zonal_free_contig_range(mm, start, LARGEST), 0);
		kt_cache_drop_all(cache);
		kt_check_all(mm);
	}
}
