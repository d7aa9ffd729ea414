/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compaction: rows X1-X12, X14, X16, X17, L13.
 *
 * A board of eight pageblocks is filled with movable pages of a cache, and every second one is
 * given back: half of the memory is free, and no block of it. What its owner answers is
 * set by hand.
 * Deferral and what the ladder does are in compact_retry_test.c and compact_ladder_test.c.
 */
#include "kt_scattered.h"

#include "mm/buddy.h"
#include "mm/compact/compact.h"
#include "mm/watermark.h"

/* A run over the zone, as a request for a movable block would have it. */
static struct compact run_of(struct kt_cache *cache, int order, enum move_mode mode)
{
	return (struct compact){ .mm = cache->mm,
				 .zone = kt_zone(cache->mm, 0, ZONE_DMA),
				 .order = order,
				 .type = MIGRATE_MOVABLE,
				 .high_zone = ZONE_MOVABLE,
				 .mode = mode,
				 .direct = true,
				 .may_fs = true };
}

/* What was captured goes back. */
static void give_captured(struct compact *c)
{
	port_irqflags_t irq = port_irq_save();

	lock_take(&c->zone->lock);
	if (c->captured)
		buddy_put(c->zone, c->captured, (unsigned)c->order, BUDDY_AUTO);
	lock_drop(&c->zone->lock);
	port_irq_restore(irq);
}

KTEST(rows_x, x6_l13_request_that_waits_gets_a_block_out_of_scattered_memory)
{
	struct kt_cache *cache = scattered();
	struct page *block;

	if (!cache)
		return;
	KT_TRUE(!zonal_alloc(cache->mm, MOVABLE, PAGEBLOCK_ORDER));
	block = zonal_alloc(cache->mm, HUGE, PAGEBLOCK_ORDER);
	if (!KT_TRUE(block))
		return;
	/* A block's worth of pages moved, nothing was reclaimed, and nobody lost a page. */
	KT_TRUE(cache->moved >= BLOCK / 2 && cache->moved <= BLOCK);
	KT_EQ(kt_cache_left(cache), PAGES / 2);
	KT_EQ(cache->asked_give, 0);
	KT_EQ(kt_event(cache->mm, EVENT_COMPACTSTALL), 1);
	KT_EQ(kt_event(cache->mm, EVENT_COMPACTSUCCESS), 1);
	KT_EQ(kt_event(cache->mm, EVENT_COMPACTFAIL), 0);
	KT_EQ(kt_event(cache->mm, EVENT_PGMIGRATE_SUCCESS), cache->moved);
	KT_TRUE(kt_event(cache->mm, EVENT_COMPACT_ISOLATED) >= 2 * cache->moved);
	KT_EQ(page_order(block), PAGEBLOCK_ORDER);
	kt_check_all(cache->mm);
	zonal_free(cache->mm, block, PAGEBLOCK_ORDER);
	all_is_well(cache);
}

KTEST(rows_x, x6_block_after_block_as_long_as_twice_as_much_is_free)
{
	struct kt_cache *cache = scattered();
	struct page *block[4];
	unsigned got = 0;

	if (!cache)
		return;
	answer_give(cache, ZONAL_GIVE_BUSY);
	while (got < 4 && (block[got] = zonal_alloc(cache->mm, HUGE, PAGEBLOCK_ORDER)))
		got++;
	/* 2048 pages are free, then 1536; with 1024 there is no more than 2 * 512 (X1). */
	KT_EQ(got, 2);
	KT_EQ(cache->moved, BLOCK);
	kt_check_all(cache->mm);
	while (got)
		zonal_free(cache->mm, block[--got], PAGEBLOCK_ORDER);
	all_is_well(cache);
}

KTEST(rows_x, x1_what_is_suitable)
{
	struct kt_cache *cache = scattered();
	struct zone *zone = cache ? kt_zone(cache->mm, 0, ZONE_DMA) : NULL;

	if (!cache)
		return;
	KT_EQ(compact_suitable(zone, 0, 0, ZONE_MOVABLE, 0), COMPACT_SUCCESS);
	KT_EQ(compact_suitable(zone, COMPACT_WHOLE, 0, ZONE_MOVABLE, 0), COMPACT_CONTINUE);
	KT_EQ(compact_suitable(zone, 9, 0, ZONE_MOVABLE, 0), COMPACT_CONTINUE);
	/* To work with: MIN (costly orders: LOW) + 2 * 2^order. One page more is free. */
	kt_marks(zone, PAGES / 2 - 8 - 1, PAGES, PAGES);
	KT_EQ(compact_suitable(zone, 2, 0, ZONE_MOVABLE, 0), COMPACT_CONTINUE);
	kt_marks(zone, PAGES / 2 - 8, PAGES, PAGES);
	KT_EQ(compact_suitable(zone, 2, 0, ZONE_MOVABLE, 0), COMPACT_SKIPPED);
	KT_EQ(compact_suitable(zone, 2, 0, ZONE_MOVABLE, 1), COMPACT_CONTINUE);
	kt_marks(zone, 0, PAGES / 2 - 2 * 512 - 1, PAGES);
	KT_EQ(compact_suitable(zone, 9, 0, ZONE_MOVABLE, 0), COMPACT_CONTINUE);
	kt_marks(zone, 0, PAGES / 2 - 2 * 512, PAGES);
	KT_EQ(compact_suitable(zone, 9, 0, ZONE_MOVABLE, 0), COMPACT_SKIPPED);
	kt_marks(zone, 0, 0, 0);
	all_is_well(cache);
}

KTEST(rows_x, x2_fragmentation_index_of_known_lists)
{
	struct kt_cache *cache = scattered();
	struct zone *zone = cache ? kt_zone(cache->mm, 0, ZONE_DMA) : NULL;
	struct page *chain = NULL;

	if (!cache)
		return;
	/* 2048 single pages: 1000 - (1000 + 2048 * 1000 / 512) / 2048. */
	KT_EQ(compact_index(zone, 9), 1000 - (1000 + 4000) / 2048);
	KT_EQ(compact_index(zone, 1), 1000 - (1000 + 1024000) / 2048);
	KT_EQ(compact_index(zone, 0), -1000);
	kt_take_all(cache->mm, 0, MOVABLE, 0, &chain);
	KT_EQ(compact_index(zone, 3), 0);
	kt_give_all(cache->mm, chain, 0);
	all_is_well(cache);
}

KTEST(rows_x, x1_costly_block_that_memory_is_too_short_for_is_not_worth_it)
{
	struct page *block[PAGES >> 8];
	struct zonal *mm = half_in_blocks(block);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;

	if (!mm)
		return;
	KT_EQ(compact_index(zone, 9), 375);
	KT_EQ(compact_suitable(zone, 9, 0, ZONE_MOVABLE, 0), COMPACT_SKIPPED);
	KT_EQ(compact_suitable(zone, 9, 0, ZONE_MOVABLE, 1), COMPACT_CONTINUE);
	for (unsigned i = 0; i < PAGES >> 8; i++)
		if (!(block[i]->pfn >> 8 & 1))
			zonal_free(mm, block[i], 8);
	kt_check_all(mm);
}

KTEST(rows_x, x7_asynchronous_run_keeps_to_blocks_of_its_kind_and_to_parts_that_can_go)
{
	struct kt_cache *cache = scattered();
	struct compact c = cache ? run_of(cache, PAGEBLOCK_ORDER, MOVE_ASYNC) :
				   (struct compact){ .order = 0 };
	struct page *first;

	if (!cache)
		return;
	first = mm_page(cache->mm, KT_DMA_PFN);
	block_set_type(first, MIGRATE_UNMOVABLE);
	/* One page of the second block stays where it is. */
	for (unsigned i = 0; i < cache->count; i++)
		if (cache->place[i].page == first + BLOCK + 100)
			zonal_get(first + BLOCK + 100);
	KT_EQ(kt_compact(&c), COMPACT_SUCCESS);
	/* The third was emptied. */
	KT_EQ(page_state(first + 2 * BLOCK), PAGE_FREE);
	KT_EQ(page_order(first + 2 * BLOCK), PAGEBLOCK_ORDER);
	KT_EQ(cache->moved, BLOCK / 2);
	KT_EQ(c.failed, 0);
	zonal_put(cache->mm, first + BLOCK + 100);
	block_set_type(first, MIGRATE_MOVABLE);
	all_is_well(cache);
}

KTEST(rows_x, x7_pages_go_to_movable_blocks_alone_unless_all_else_failed)
{
	struct kt_cache *cache = scattered();
	struct page *last = cache ? mm_page(cache->mm, KT_DMA_PFN + 7 * BLOCK) : NULL;

	for (unsigned any = 0; cache && any < 2; any++) {
		struct compact c = run_of(cache, PAGEBLOCK_ORDER, MOVE_SYNC_LIGHT);
		unsigned used = 0;

		block_set_type(last, MIGRATE_UNMOVABLE);
		c.any_target = c.ignore_skip = c.whole_zone = any;
		KT_TRUE(kt_compact(&c) == COMPACT_SUCCESS || any);
		for (unsigned i = 0; i < BLOCK; i++)
			used += page_state(last + i) == PAGE_USED;
		if (any)
			KT_TRUE(used >= BLOCK / 2);
		else
			KT_EQ(used, BLOCK / 2);
	}
	if (!cache)
		return;
	block_set_type(last, MIGRATE_MOVABLE);
	all_is_well(cache);
}

KTEST(rows_x, x8_when_too_much_is_off_the_lists_an_asynchronous_run_ends)
{
	struct kt_cache *cache = scattered();
	struct compact c = cache ? run_of(cache, 9, MOVE_ASYNC) : (struct compact){ .order = 0 };
	struct lru *lru = cache ? &cache->mm->node[0]->reclaim.lru : NULL;

	if (!cache)
		return;
	/* As if others had two in three. */
	fetch_add_relaxed(&lru->isolated[ZONAL_CACHE], PAGES / 4 + 1);
	KT_EQ(kt_compact(&c), COMPACT_CONTENDED);
	KT_EQ(cache->asked_move, 0);
	fetch_add_relaxed(&lru->isolated[ZONAL_CACHE], -1);
	KT_EQ(kt_compact(&c), COMPACT_SUCCESS);
	fetch_add_relaxed(&lru->isolated[ZONAL_CACHE], -PAGES / 4);
	all_is_well(cache);
}

static unsigned skip_hints(struct kt_cache *cache)
{
	unsigned hints = 0;

	for (unsigned b = 0; b < 8; b++)
		hints += !!(ld_relaxed(&mm_page(cache->mm, KT_DMA_PFN + b * BLOCK)->block) &
			    BLOCK_SKIP);
	return hints;
}

KTEST(rows_x, x9_blocks_in_vain_are_passed_over_until_kswapd_sleeps)
{
	struct kt_cache *cache = scattered();
	static struct compact c, again;
	struct zone *zone;

	if (!cache)
		return;
	zone = kt_zone(cache->mm, 0, ZONE_DMA);
	/* Somebody holds every page. */
	for (unsigned i = 0; i < cache->count; i++)
		if (cache->place[i].page)
			zonal_get(cache->place[i].page);
	c = run_of(cache, PAGEBLOCK_ORDER, MOVE_SYNC_LIGHT);
	KT_EQ(kt_compact(&c), COMPACT_COMPLETE);
	KT_EQ(cache->asked_move, 0);
	KT_EQ(skip_hints(cache), 7);
	KT_TRUE(ld_relaxed(&zone->compact.flush));
	KT_TRUE(c.used_scanned >= 7 * BLOCK / 2);
	again = run_of(cache, PAGEBLOCK_ORDER, MOVE_SYNC_LIGHT);
	KT_EQ(kt_compact(&again), COMPACT_COMPLETE);
	KT_EQ(again.used_scanned, 0);
	for (unsigned i = 0; i < cache->count; i++)
		if (cache->place[i].page)
			zonal_put(cache->mm, cache->place[i].page);
	compact_kswapd_sleeps(cache->mm->node[0]);
	KT_EQ(skip_hints(cache), 0);
	KT_TRUE(!ld_relaxed(&zone->compact.flush));
	again = run_of(cache, PAGEBLOCK_ORDER, MOVE_SYNC_LIGHT);
	KT_EQ(kt_compact(&again), COMPACT_SUCCESS);
	all_is_well(cache);
}

KTEST(rows_x, x10_b11_emptied_block_is_captured_and_a_small_one_not_out_of_a_movable_block)
{
	struct kt_cache *cache = scattered();
	static struct compact c, small, apart;
	struct page *first;

	if (!cache)
		return;
	first = mm_page(cache->mm, KT_DMA_PFN);
	c = run_of(cache, PAGEBLOCK_ORDER, MOVE_ASYNC);
	c.may_capture = true;
	KT_EQ(kt_compact(&c), COMPACT_SUCCESS);
	KT_TRUE(c.captured == first && page_state(first) == PAGE_INNER);
	KT_EQ(kt_free(c.zone), PAGES / 2 - BLOCK);
	give_captured(&c);
	small = run_of(cache, 3, MOVE_SYNC_LIGHT);
	small.may_capture = true;
	small.flags = WMARK_HIGH;
	kt_marks(small.zone, 0, 0, PAGES / 2);
	KT_EQ(kt_compact(&small), COMPACT_SUCCESS);
	KT_TRUE(!small.captured);
	/* Out of a block of another kind it may. */
	for (unsigned b = 1; b < 4; b++)
		block_set_type(first + b * BLOCK, MIGRATE_UNMOVABLE);
	apart = run_of(cache, 3, MOVE_SYNC_LIGHT);
	apart.may_capture = true;
	apart.flags = WMARK_HIGH;
	apart.type = MIGRATE_RECLAIMABLE;
	KT_EQ(kt_compact(&apart), COMPACT_SUCCESS);
	KT_TRUE(apart.captured || apart.moved == 0);
	give_captured(&apart);
	for (unsigned b = 1; b < 4; b++)
		block_set_type(first + b * BLOCK, MIGRATE_MOVABLE);
	kt_marks(small.zone, 0, 0, 0);
	all_is_well(cache);
}

KTEST(rows_x, x11_request_without_io_is_not_compacted_for)
{
	struct kt_cache *cache = scattered();

	if (!cache)
		return;
	answer_give(cache, ZONAL_GIVE_BUSY);
	KT_TRUE(!zonal_alloc(cache->mm, HUGE & ~(__GFP_IO | __GFP_FS), PAGEBLOCK_ORDER));
	KT_EQ(cache->asked_move, 0);
	KT_EQ(kt_event(cache->mm, EVENT_COMPACT_MIGRATE_SCANNED), 0);
	all_is_well(cache);
}

KTEST(rows_x, x12_no_free_page_is_taken_below_min)
{
	struct kt_cache *cache = scattered();
	struct compact c = cache ? run_of(cache, COMPACT_WHOLE, MOVE_SYNC) :
				   (struct compact){ .order = 0 };

	if (!cache)
		return;
	kt_marks(c.zone, PAGES / 2, PAGES / 2, PAGES / 2);
	KT_EQ(kt_compact(&c), COMPACT_CONTENDED);
	KT_EQ(cache->moved, 0);
	kt_marks(c.zone, 0, 0, 0);
	all_is_well(cache);
}

KTEST(rows_x, x14_kcompactd_is_woken_for_an_order_and_puts_a_block_together)
{
	struct kt_cache *cache = scattered();
	struct node *node = cache ? cache->mm->node[0] : NULL;
	struct zone *zone = cache ? kt_zone(cache->mm, 0, ZONE_DMA) : NULL;

	if (!cache)
		return;
	KT_EQ(zonal_kcompactd_turn(cache->mm, 0), UINT64_MAX);
	KT_EQ(kt_event(cache->mm, EVENT_KCOMPACTD_WAKE), 0);
	kcompactd_ask(cache->mm, node, 0, ZONE_NORMAL);
	KT_EQ(ld_relaxed(&node->compact.wanted_order), 0);
	kcompactd_ask(cache->mm, node, 3, ZONE_MOVABLE);
	kcompactd_ask(cache->mm, node, PAGEBLOCK_ORDER, ZONE_NORMAL);
	KT_EQ(ld_relaxed(&node->compact.wanted_order), PAGEBLOCK_ORDER);
	KT_EQ(ld_relaxed(&node->compact.wanted_zones), ZONE_NORMAL + 1);
	KT_EQ(zonal_kcompactd_turn(cache->mm, 0), UINT64_MAX);
	KT_EQ(kt_event(cache->mm, EVENT_KCOMPACTD_WAKE), 1);
	KT_TRUE(kt_event(cache->mm, EVENT_KCOMPACTD_MIGRATE_SCANNED) > 0);
	KT_TRUE(kt_event(cache->mm, EVENT_KCOMPACTD_FREE_SCANNED) > 0);
	KT_EQ(kt_event(cache->mm, EVENT_COMPACTSTALL), 0);
	KT_TRUE(kt_blocks_of_order(zone, PAGEBLOCK_ORDER) > 0);
	KT_EQ(ld_relaxed(&zone->compact.failed), PAGEBLOCK_ORDER + 1);
	all_is_well(cache);
}

KTEST(rows_x, x14_background_compaction_in_vain_defers_requests)
{
	struct kt_cache *cache = scattered();
	struct zone *zone = cache ? kt_zone(cache->mm, 0, ZONE_DMA) : NULL;

	if (!cache)
		return;
	answer(cache, ZONAL_GIVE_NO_ROOM);
	kcompactd_ask(cache->mm, cache->mm->node[0], PAGEBLOCK_ORDER, ZONE_NORMAL);
	(void)zonal_kcompactd_turn(cache->mm, 0);
	KT_EQ(ld_relaxed(&zone->compact.shift), 1);
	KT_EQ(ld_relaxed(&zone->compact.failed), 0);
	all_is_well(cache);
}

KTEST(rows_x, x17_whole_nodes_are_compacted_on_demand)
{
	struct kt_cache *cache = scattered();
	struct zonal_compacted done;

	if (!cache)
		return;
	zonal_compact(cache->mm, 5, &done);
	KT_EQ(done.moved + done.scanned, 0);
	zonal_compact(cache->mm, NODE_NONE, &done);
	KT_EQ(done.moved, cache->moved);
	KT_EQ(done.failed, 0);
	/* The lower half is free but for where the scanners met. */
	KT_TRUE(cache->moved >= PAGES / 4 - BLOCK && cache->moved <= PAGES / 4);
	KT_TRUE(kt_blocks_of_order(kt_zone(cache->mm, 0, ZONE_DMA), 10) >= 1);
	all_is_well(cache);
}

/* What an earlier run found not to be worth it is no answer to who asks for everything. */
KTEST(rows_x, x17_whole_nodes_are_compacted_whatever_the_hints_say)
{
	struct kt_cache *cache = scattered();
	struct zonal_compacted done;

	if (!cache)
		return;
	for (unsigned b = 0; b < PAGES / BLOCK; b++)
		fetch_or_relaxed(&mm_page(cache->mm, KT_DMA_PFN + b * BLOCK)->block, BLOCK_SKIP);
	zonal_compact(cache->mm, NODE_NONE, &done);
	KT_TRUE(done.moved >= PAGES / 4 - BLOCK);
	/* It takes no hint and gives none. */
	for (unsigned b = 0; b < PAGES / BLOCK; b++) {
		const struct page *block = mm_page(cache->mm, KT_DMA_PFN + b * BLOCK);

		KT_TRUE(ld_relaxed(&block->block) & BLOCK_SKIP);
	}
	all_is_well(cache);
}

KTEST(rows_x, x16_events_have_the_names_of_5_10)
{
	static const char *const name[] = { "compact_migrate_scanned", "compact_free_scanned",
					    "compact_isolated", "compact_stall", "compact_fail",
					    "compact_success", "compact_daemon_wake",
					    "compact_daemon_migrate_scanned",
					    "compact_daemon_free_scanned" };

	for (unsigned i = 0; i < ARRAY_SIZE(name); i++)
		KT_STR_EQ(vm_event_name(EVENT_COMPACT_MIGRATE_SCANNED + i), name[i]);
}
