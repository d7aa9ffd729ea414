/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compaction: when it is put off, and when a request comes again. Rows X3-X5, R6-R9, K2, K8, K9.
 *
 * What a run came to is set by hand here: the rules are about numbers.
 */
#include "kt_cache.h"

#include "mm/compact/compact.h"
#include "mm/wake.h"
#include "mm/watermark.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };

KTEST(rows_x, x3_after_each_failure_twice_as_many_requests_pass_over_the_zone_up_to_63)
{
	static const unsigned skipped[] = { 0, 1, 3, 7, 15, 31, 63, 63, 63 };
	struct zonal *mm = kt_bare_instance(&uma);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;

	for (unsigned i = 0; mm && i < ARRAY_SIZE(skipped); i++) {
		unsigned count = 0;

		KT_TRUE(!compact_restarts(zone, 5) || !skipped[i]);
		while (count < 100 && compact_deferred(zone, 5))
			count++;
		KT_EQ(count, skipped[i]);
		KT_EQ(compact_restarts(zone, 5), i >= 6);
		/* Having gone once, the next ones go as well until it fails again. */
		KT_TRUE(!compact_deferred(zone, 5));
		compact_defer(zone, 5);
	}
}

KTEST(rows_x, x3_x4_orders_below_the_one_that_failed_go_and_success_raises_it)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;

	if (!mm)
		return;
	compact_defer_reset(zone, 8, true);
	KT_EQ(ld_relaxed(&zone->compact.failed), 9);
	compact_defer(zone, 9);
	compact_defer(zone, 9);
	KT_TRUE(!compact_deferred(zone, 8));
	KT_TRUE(compact_deferred(zone, 9));
	KT_TRUE(compact_deferred(zone, 10));
	compact_defer(zone, 4);
	KT_EQ(ld_relaxed(&zone->compact.failed), 4);
	/* A run that was a success raises the order alone, a page that came of it forgets all. */
	compact_defer_reset(zone, 3, false);
	KT_EQ(ld_relaxed(&zone->compact.failed), 4);
	compact_defer_reset(zone, 6, false);
	KT_EQ(ld_relaxed(&zone->compact.failed), 7);
	KT_EQ(ld_relaxed(&zone->compact.shift), 3);
	compact_defer_reset(zone, 6, true);
	KT_EQ(ld_relaxed(&zone->compact.shift), 0);
	KT_EQ(ld_relaxed(&zone->compact.considered), 0);
}

KTEST(rows_x, x5_deferred_zone_is_passed_over_but_for_the_highest_priority)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct alloc_req req = { .mm = mm,
				 .task = port_this_cpu()->task,
				 .list = mm ? &mm->node[0]->fallback : NULL,
				 .nodemask = NODEMASK_ALL,
				 .order = 4,
				 .high_zone = ZONE_NORMAL };
	struct alloc_pass pass = { .gfp = GFP_KERNEL, .nodemask = NODEMASK_ALL };
	struct retry retry = { .compact_priority = COMPACT_SYNC_LIGHT };
	struct page *page;

	if (!mm)
		return;
	compact_defer(kt_zone(mm, 0, ZONE_DMA), 4);
	st_relaxed(&kt_zone(mm, 0, ZONE_DMA)->compact.flush, true);
	page = compact_for(&req, &pass, &retry);
	KT_EQ(retry.compacted, COMPACT_DEFERRED);
	KT_TRUE(page);
	zonal_free(mm, page, 4);
	/* That was a page served, so the zone is as new. */
	KT_EQ(ld_relaxed(&kt_zone(mm, 0, ZONE_DMA)->compact.shift), 0);
	KT_TRUE(!ld_relaxed(&kt_zone(mm, 0, ZONE_DMA)->compact.flush));
	compact_defer(kt_zone(mm, 0, ZONE_DMA), 4);
	retry.compact_priority = COMPACT_SYNC_FULL;
	page = compact_for(&req, &pass, &retry);
	KT_EQ(retry.compacted, COMPACT_SUCCESS);
	zonal_free(mm, page, 4);
	/* X11 */
	pass.gfp = GFP_NOIO & ~__GFP_IO;
	page = compact_for(&req, &pass, &retry);
	KT_EQ(retry.compacted, COMPACT_SKIPPED);
	zonal_free(mm, page, 4);
}

/* A request of that order, for which reclaim has made progress. */
struct asked {
	struct alloc_req req;
	struct alloc_pass pass;
	struct retry retry;
};

static struct asked asked(struct zonal *mm, unsigned order, unsigned priority, unsigned result)
{
	return (struct asked){
		.req = { .mm = mm,
			 .task = port_this_cpu()->task,
			 .list = &mm->node[0]->fallback,
			 .order = (uint8_t)order,
			 .high_zone = ZONE_NORMAL },
		.pass = { .gfp = GFP_KERNEL, .nodemask = NODEMASK_ALL },
		.retry = { .progress = 32,
			   .compact_priority = (uint8_t)priority,
			   .compacted = (uint8_t)result },
	};
}

static bool worth(struct asked *a)
{
	return compact_retry_worth(&a->req, &a->pass, &a->retry);
}

KTEST(rows_r, r6_asked_only_for_blocks_with_progress_and_io)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct asked a;

	if (!mm)
		return;
	a = asked(mm, 2, COMPACT_SYNC_LIGHT, COMPACT_SUCCESS);
	KT_TRUE(worth(&a));
	a.retry.progress = 0;
	KT_TRUE(!worth(&a));
	a.retry.progress = 1;
	a.pass.gfp = GFP_KERNEL & ~__GFP_IO;
	KT_TRUE(!worth(&a));
	a = asked(mm, 0, COMPACT_SYNC_LIGHT, COMPACT_SUCCESS);
	KT_TRUE(!worth(&a));
}

KTEST(rows_r, r7_r9_what_went_through_in_vain_or_did_not_get_to_work_steps_up)
{
	static const enum compact_result result[] = { COMPACT_COMPLETE, COMPACT_DEFERRED,
						      COMPACT_CONTENDED, COMPACT_PARTIAL_SKIPPED };
	struct zonal *mm = kt_bare_instance(&uma);

	for (unsigned i = 0; mm && i < ARRAY_SIZE(result); i++) {
		struct asked a = asked(mm, 3, COMPACT_ASYNC, result[i]);

		a.retry.compact_tries = 5;
		KT_TRUE(worth(&a));
		KT_EQ(a.retry.compact_priority, COMPACT_SYNC_LIGHT);
		KT_EQ(a.retry.compact_tries, 0);
		KT_TRUE(worth(&a));
		KT_EQ(a.retry.compact_priority, COMPACT_SYNC_FULL);
		KT_TRUE(!worth(&a));
		/* A costly request ends at SYNC_LIGHT. */
		a = asked(mm, 4, COMPACT_ASYNC, result[i]);
		KT_TRUE(worth(&a));
		KT_TRUE(!worth(&a));
		KT_EQ(a.retry.compact_priority, COMPACT_SYNC_LIGHT);
	}
}

KTEST(rows_r, r7_skipped_for_lack_of_memory_comes_again_if_reclaim_could_make_a_zone_suitable)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 4096) : NULL;
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
	struct asked a;

	if (!cache)
		return;
	kt_cache_fill(cache, 0, GFP_NOWAIT, 800);
	a = asked(mm, 8, COMPACT_SYNC_LIGHT, COMPACT_SKIPPED);
	a.pass.flags = WMARK_HIGH;
	/* 800 / 8 more pages than the 3296 that are free: enough for LOW + 512, or not. */
	kt_marks(zone, 0, 3296 + 100 - 512 - 1, 4096);
	KT_TRUE(worth(&a));
	kt_marks(zone, 0, 3296 + 100 - 512, 4096);
	KT_TRUE(!worth(&a));
	KT_EQ(a.retry.compact_priority, COMPACT_SYNC_LIGHT);
	kt_marks(zone, 0, 0, 0);
	kt_cache_drop_all(cache);
}

KTEST(rows_r, r7_zones_that_the_request_may_not_use_make_nothing_suitable)
{
	static const struct kt_spec pair = {
		.ram = { { 0, KT_DMA_PFN, 4096 }, { 1, KT_DMA_PFN + 4096, 4096 } },
	};
	struct zonal *mm = kt_bare_instance(&pair);
	struct asked a;

	if (!mm)
		return;
	a = asked(mm, 8, COMPACT_SYNC_LIGHT, COMPACT_SKIPPED);
	a.pass.flags = WMARK_HIGH;
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	KT_TRUE(worth(&a));
	a.pass.nodemask = node_bit(0);
	KT_TRUE(!worth(&a));
	a.pass.nodemask = node_bit(0) | node_bit(1);
	KT_TRUE(worth(&a));
	/* The highest zone that it may use is one of them. */
	a.req.high_zone = ZONE_DMA;
	KT_TRUE(worth(&a));
	a.req.high_zone = ZONE_NORMAL;
	/* One that it may use behind one that it may not. */
	a.pass.nodemask = node_bit(1);
	KT_TRUE(worth(&a));
	kt_close_zone(kt_zone(mm, 1, ZONE_DMA));
	KT_TRUE(!worth(&a));
}

KTEST(rows_r, r8_success_that_did_not_help_is_tried_16_times_and_4_for_a_costly_block)
{
	static const struct {
		unsigned order, tries;
	} table[] = { { 3, 16 }, { 4, 4 } };
	struct zonal *mm = kt_bare_instance(&uma);

	for (unsigned i = 0; mm && i < ARRAY_SIZE(table); i++) {
		struct asked a = asked(mm, table[i].order, COMPACT_SYNC_LIGHT, COMPACT_SUCCESS);
		unsigned count = 0;

		while (count < 100 && a.retry.compact_priority == COMPACT_SYNC_LIGHT && worth(&a))
			count++;
		/* The last of the small one's stepped up. */
		KT_EQ(count, table[i].tries + (table[i].order == 3));
	}
}

KTEST(rows_k, k2_request_that_cannot_reclaim_asks_for_compaction_of_a_balanced_node)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct node *node = mm ? mm->node[0] : NULL;
	struct page *chain = NULL, *page;
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	kt_take_all(mm, 0, GFP_NOWAIT | __GFP_NOWARN, 0, &chain);
	KT_TRUE(!zonal_alloc(mm, GFP_NOWAIT | __GFP_NOWARN, 3));
	KT_EQ(ld_relaxed(&node->compact.wanted_order), 0);
	st_relaxed(&node->reclaim.failures, KSWAPD_HOPELESS);
	page = zonal_alloc(mm, GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY, 3);
	KT_TRUE(!page);
	KT_EQ(ld_relaxed(&node->compact.wanted_order), 0);
	KT_TRUE(!zonal_alloc(mm, GFP_NOWAIT | __GFP_NOWARN, 3));
	KT_EQ(ld_relaxed(&node->compact.wanted_order), 3);
	kt_give_all(mm, chain, 0);
	KT_EQ(kt_free(zone) + kt_pcp_count(zone), 4096);
}

KTEST(rows_k, k8_k9_kcompactd_is_asked_after_a_boost_and_before_kswapd_sleeps)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct node *node = mm ? mm->node[0] : NULL;

	if (!mm)
		return;
	kswapd_ask(mm, node, 3, ZONE_NORMAL, 0);
	KT_TRUE(zonal_kswapd_turn(mm, 0, false) != 0);
	KT_EQ(ld_relaxed(&node->compact.wanted_order), 3);
	(void)zonal_kcompactd_turn(mm, 0);
	st_relaxed(&kt_zone(mm, 0, ZONE_DMA)->boost, 10);
	kswapd_ask(mm, node, 0, ZONE_NORMAL, 0);
	(void)zonal_kswapd_turn(mm, 0, true);
	KT_EQ(ld_relaxed(&node->compact.wanted_order), PAGEBLOCK_ORDER);
}

KTEST(rows_k, k11_zone_that_is_ready_for_compaction_is_not_reclaimed_for_a_costly_block)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 4096) : NULL;
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;

	if (!cache)
		return;
	kt_cache_fill(cache, 0, GFP_NOWAIT | __GFP_HIGHMEM | __GFP_MOVABLE, 4096);
	for (unsigned i = 0; i < 4096; i += 2) {
		cache->place[i].move = ZONAL_GIVE_NO_ROOM;
		kt_cache_drop(cache, i + 1);
	}
	zonal_drain_all(mm, NULL);
	/* Room for HIGH and twice the block, but nothing moves: it is for compaction to fail. */
	KT_TRUE(!zonal_alloc(mm, GFP_HIGHUSER_MOVABLE | __GFP_NOWARN, 9));
	KT_EQ(cache->asked_give, 0);
	KT_EQ(kt_event(mm, EVENT_COMPACTSTALL), 2);
	/* One page less than it needs above HIGH. */
	kt_marks(zone, 0, 0, 2048 - 1024);
	KT_TRUE(!compact_ready(zone, 9, ZONE_NORMAL));
	kt_marks(zone, 0, 0, 2048 - 1024 - 1);
	KT_TRUE(compact_ready(zone, 9, ZONE_NORMAL));
	kt_marks(zone, 0, 0, 0);
	/* X11: who may not compact is reclaimed for. */
	KT_TRUE(!zonal_alloc(mm, __GFP_DIRECT_RECLAIM | __GFP_NOWARN, 9));
	KT_TRUE(cache->asked_give > 0);
	kt_cache_drop_all(cache);
	kt_check_all(mm);
}

/* K11: a block that is there above MIN is all that its request needs; LOW is kswapd's affair. */
KTEST(rows_k, k11_a_zone_with_the_block_above_its_min_mark_is_ready)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
	int64_t free = mm ? kt_free(zone) : 0;

	if (!mm)
		return;
	kt_marks(zone, free / 2, free + 1, free + 2);
	KT_TRUE(compact_ready(zone, 9, ZONE_NORMAL));
	kt_marks(zone, free + 1, free + 1, free + 2);
	KT_TRUE(!compact_ready(zone, 9, ZONE_NORMAL));
}

/* X1, X2: every second block of 8 pages is free, which are 2048: (1000 + 2048 * 500) / 2048 is 500,
 * so that a block of 16, which is costly, lacks memory as much as order. */
KTEST(rows_x, x2_memory_that_is_short_as_much_as_scattered_is_not_compacted_for)
{
	static const struct kt_spec board = { .ram = { { 0, KT_DMA_PFN, 32768 } } };
	struct zonal *mm = kt_bare_instance(&board);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;

	for (unsigned i = 0; mm && i < 32768 >> 3; i++)
		if (!KT_TRUE(zonal_alloc(mm, GFP_NOWAIT | __GFP_NOWARN, 3)))
			return;
	for (pfn_t pfn = KT_DMA_PFN; mm && pfn < KT_DMA_PFN + 32768; pfn += 16)
		zonal_free(mm, zonal_page(mm, pfn), 3);
	if (!mm)
		return;
	KT_EQ(compact_index(zone, 4), 500);
	KT_EQ(compact_suitable(zone, 4, 0, ZONE_NORMAL, 0), COMPACT_SKIPPED);
	KT_EQ(compact_suitable(zone, 4, 0, ZONE_NORMAL, 1), COMPACT_CONTINUE);
	KT_TRUE(!compact_ready(zone, 4, ZONE_NORMAL));
	/* One of 8 is not costly, whatever the index is. */
	while (zonal_alloc(mm, GFP_NOWAIT | __GFP_NOWARN, 2))
		;
	for (pfn_t pfn = KT_DMA_PFN; pfn < KT_DMA_PFN + 32768; pfn += 16)
		zonal_free(mm, zonal_page(mm, pfn), 2);
	KT_EQ(compact_index(zone, 3), 500);
	KT_EQ(compact_suitable(zone, 3, 0, ZONE_NORMAL, 0), COMPACT_CONTINUE);
}
