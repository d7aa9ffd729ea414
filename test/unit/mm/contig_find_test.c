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
#include "mm/compact/move.h"

#define LARGEST ((pfn_t)1 << (MAX_ORDER - 1))
#define MOVABLE_GFP (GFP_HIGHUSER_MOVABLE | __GFP_NOWARN | __GFP_NORETRY)
#define REST_GFP (MOVABLE_GFP & ~__GFP_RECLAIM) /* until nothing is left */

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

/* Nothing is free. A page of the first block stays, and the first range of the second one has a
 * page that its owner needs just now. */
KTEST(rows_a, a7_behind_a_block_that_stays_each_range_of_the_next_is_tried)
{
	static const struct kt_spec board = { .ram = { { 0, KT_DMA_PFN, 3 * LARGEST } } };
	struct zonal *mm = kt_bare_instance(&board);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 3 * LARGEST) : NULL;
	struct page *page;

	if (!cache || !hold(mm, KT_DMA_PFN + 7, 1))
		return;
	kt_cache_fill(cache, 0, REST_GFP, 3 * LARGEST);
	for (unsigned i = 0; i < cache->count; i++) {
		pfn_t pfn = cache->place[i].page->pfn;

		if (pfn == KT_DMA_PFN + LARGEST + 10)
			cache->place[i].move = ZONAL_GIVE_BUSY;
		/* Where pages can go to, and no range of 64. */
		if (pfn >= KT_DMA_PFN + 2 * LARGEST && pfn & 1)
			kt_cache_drop(cache, i);
	}
	zonal_drain_all(mm, NULL);
	page = zonal_alloc_contig_pages(mm, 64, GFP_KERNEL, 0, NULL);
	KT_EQ(page ? zonal_pfn(page) : 0, KT_DMA_PFN + LARGEST + 64);
	kt_cache_drop_all(cache);
	kt_check_all(mm);
}

/* Zones side by side: of none is a range taken for a request that is for the other. */
KTEST(rows_a, a7_no_range_lies_before_or_behind_its_zone)
{
	static const struct kt_spec zones = {
		.ram = { { 0, KT_NORMAL_PFN - 2 * LARGEST, 4 * LARGEST } },
	};
	struct zonal *mm = kt_bare_instance(&zones);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 4 * LARGEST) : NULL;
	struct page *page;

	if (!cache)
		return;
	/* The first of a zone is one. */
	page = zonal_alloc_contig_pages(mm, 64, GFP_KERNEL, 0, NULL);
	KT_EQ(page ? zonal_pfn(page) : 0, KT_NORMAL_PFN);
	page = zonal_alloc_contig_pages(mm, 64, GFP_DMA, 0, NULL);
	KT_EQ(page ? zonal_pfn(page) : 0, KT_NORMAL_PFN - 2 * LARGEST);
	KT_EQ(zonal_free_contig_range(mm, KT_NORMAL_PFN, 64), 0);
	KT_EQ(zonal_free_contig_range(mm, KT_NORMAL_PFN - 2 * LARGEST, 64), 0);
	/* DMA stays as it is. */
	zonal_drain_all(mm, NULL);
	for (unsigned i = 0; i < 2; i++)
		if (!KT_TRUE(zonal_alloc(mm, GFP_DMA | __GFP_NOWARN, MAX_ORDER - 1)))
			return;
	kt_cache_fill(cache, 0, REST_GFP, 4 * LARGEST);
	for (unsigned i = 0; i < cache->count; i++)
		if (cache->place[i].page->pfn >= KT_NORMAL_PFN && cache->place[i].page->pfn & 1)
			kt_cache_drop(cache, i);
	zonal_drain_all(mm, NULL);
	KT_TRUE(!zonal_alloc_contig_pages(mm, 64, GFP_DMA, 0, NULL));
	KT_EQ(cache->asked_move, 0);
	kt_cache_drop_all(cache);
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
	watch_port();
	KT_EQ(zonal_alloc_contig_range(mm, page->pfn, 1, GFP_KERNEL), ZONAL_EBUSY);
	unwatch_port();
	KT_EQ(cache->asked_move, 5 * 10);
	/* Four between the tries, eight between the passes of each. */
	KT_EQ(ld_relaxed(&kt_naps), 4 + 5 * 8);
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

KTEST(rows_a, a5_owners_may_use_file_systems_only_if_the_caller_may)
{
	static const struct kt_spec board = { .ram = { { 0, KT_DMA_PFN, 4 * LARGEST } } };
	struct zonal *mm = kt_bare_instance(&board);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 1) : NULL;
	const gfp_t gfp[] = { GFP_NOFS, GFP_KERNEL };

	if (!cache || !KT_EQ(kt_cache_fill(cache, 0, MOVABLE_GFP, 1), 1))
		return;
	for (unsigned fs = 0; fs < 2; fs++) {
		pfn_t at = cache->place[0].page->pfn;

		KT_EQ(zonal_alloc_contig_range(mm, at, 1, gfp[fs]), 0);
		KT_EQ(cache->moved, fs + 1);
		KT_EQ((cache->last_may & ZONAL_MAY_FS) != 0, fs);
		KT_EQ(zonal_free_contig_range(mm, at, 1), 0);
	}
	kt_cache_drop_all(cache);
	kt_check_all(mm);
}

/* What lies behind a piece that stays is not disturbed for nothing. */
KTEST(rows_a, a5_the_first_page_that_stays_is_the_end)
{
	static const struct kt_spec board = { .ram = { { 0, KT_DMA_PFN, 4 * LARGEST } } };
	struct zonal *mm = kt_bare_instance(&board);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 2 * LARGEST) : NULL;
	pfn_t start;

	if (!cache || !KT_EQ(kt_cache_fill(cache, 0, MOVABLE_GFP, 2 * LARGEST), 2 * LARGEST))
		return;
	start = cache->place[0].page->pfn & ~(LARGEST - 1);
	for (unsigned i = 0; i < cache->count; i++)
		if (cache->place[i].page->pfn == start)
			cache->place[i].move = ZONAL_GIVE_BUSY;
	KT_EQ(zonal_alloc_contig_range(mm, start, LARGEST, GFP_KERNEL), ZONAL_EBUSY);
	KT_TRUE(cache->moved < MOVE_BATCH);
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

/* The zone that is asked first stays as it is; what lies before its first range is the other's. */
KTEST(rows_a, a7_the_zone_below_is_searched_from_its_own_beginning)
{
	static const struct kt_spec zones = {
		.ram = { { 0, KT_NORMAL_PFN - 2 * LARGEST, 4 * LARGEST } },
	};
	struct zonal *mm = kt_bare_instance(&zones);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 2 * LARGEST) : NULL;
	struct page *page;

	for (unsigned i = 0; cache && i < 2; i++)
		KT_TRUE(zonal_alloc(mm, GFP_KERNEL, MAX_ORDER - 1)->pfn >= KT_NORMAL_PFN);
	if (!cache)
		return;
	kt_cache_fill(cache, 0, REST_GFP, 2 * LARGEST);
	for (unsigned i = 0; i < cache->count; i++)
		if (cache->place[i].page->pfn & 1)
			kt_cache_drop(cache, i);
	zonal_drain_all(mm, NULL);
	page = zonal_alloc_contig_pages(mm, 64, GFP_KERNEL, 0, NULL);
	KT_EQ(page ? zonal_pfn(page) : 0, KT_NORMAL_PFN - 2 * LARGEST);
	kt_cache_drop_all(cache);
	kt_check_all(mm);
}
