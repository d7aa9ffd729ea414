/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What compaction counts and remembers: events, pages that stayed, hints of every zone, how often a
 * zone was passed over. Rows X3, X4, X7, X9, X10, X15-X17.
 *
 * The board of kt_scattered.h; a board with two zones where all zones of a node count.
 */
#include "kt_scattered.h"

#include <zonal/tunables.h>

#include "mm/buddy.h"
#include "mm/compact/compact.h"
#include "mm/request.h"
#include "mm/take.h"

KTEST(rows_x, x16_events_are_what_the_run_has_counted)
{
	struct kt_cache *cache = scattered();
	static struct compact c;

	if (!cache)
		return;
	c = (struct compact){ .mm = cache->mm,
			      .zone = kt_zone(cache->mm, 0, ZONE_DMA),
			      .order = COMPACT_WHOLE,
			      .high_zone = ZONE_MOVABLE,
			      .mode = MOVE_SYNC };
	KT_EQ(kt_compact(&c), COMPACT_COMPLETE);
	KT_TRUE(c.used_scanned > 0 && c.free_scanned > 0 && c.isolated > 0);
	KT_EQ(kt_event(cache->mm, EVENT_COMPACT_MIGRATE_SCANNED), c.used_scanned);
	KT_EQ(kt_event(cache->mm, EVENT_COMPACT_FREE_SCANNED), c.free_scanned);
	KT_EQ(kt_event(cache->mm, EVENT_COMPACT_ISOLATED), c.isolated);
	/* Each page that moved was taken off its list, and so was its frame. */
	KT_TRUE(c.isolated >= 2 * c.moved);
	all_is_well(cache);
}

KTEST(rows_x, x17_pages_that_stayed_are_told)
{
	struct kt_cache *cache = scattered();
	struct zonal_compacted done;
	unsigned stay = 0;

	if (!cache)
		return;
	for (unsigned i = 0; i < cache->count && stay < 5; i++) {
		struct page *page = cache->place[i].page;

		if (page && page->pfn < KT_DMA_PFN + BLOCK) {
			cache->place[i].move = ZONAL_GIVE_NO_ROOM;
			stay++;
		}
	}
	zonal_compact(cache->mm, 0, &done);
	KT_EQ(done.failed, stay);
	KT_EQ(done.moved, cache->moved);
	KT_EQ(done.scanned, kt_event(cache->mm, EVENT_COMPACT_MIGRATE_SCANNED) +
				    kt_event(cache->mm, EVENT_COMPACT_FREE_SCANNED));
	all_is_well(cache);
}

/* A batch is as many pages as are moved at once; nobody holds more free ones than that. */
KTEST(rows_x, x7_the_pool_has_a_batch_of_single_pages)
{
	struct kt_cache *cache = scattered();
	static struct compact c;
	struct page *page;

	if (!cache)
		return;
	c = (struct compact){ .mm = cache->mm,
			      .zone = kt_zone(cache->mm, 0, ZONE_DMA),
			      .order = PAGEBLOCK_ORDER,
			      .used_at = KT_DMA_PFN,
			      .free_at = KT_DMA_PFN + PAGES - BLOCK };
	page = compact_target(&c, cache->place[0].page);
	KT_EQ(c.pool.count, MOVE_BATCH - 1);
	KT_EQ(c.isolated, MOVE_BATCH);
	KT_EQ(c.free_scanned, 2 * MOVE_BATCH);
	compact_unused(&c, page);
	compact_release(&c);
	KT_EQ(c.pool.count, 0);
	all_is_well(cache);
}

/* X10: its other half was free, so the next page that moves is one of the part behind it. */
KTEST(rows_x, x10_of_two_parts_the_one_that_was_emptied_first_is_captured)
{
	struct kt_cache *cache = scattered();
	static struct compact c;
	struct page *first;

	if (!cache)
		return;
	first = mm_page(cache->mm, KT_DMA_PFN);
	for (unsigned i = 0; i < cache->count; i++)
		if (cache->place[i].page >= first + 64 && cache->place[i].page < first + 128)
			kt_cache_drop(cache, i);
	zonal_drain_all(cache->mm, NULL);
	block_set_type(first, MIGRATE_UNMOVABLE);
	c = (struct compact){ .mm = cache->mm,
			      .zone = kt_zone(cache->mm, 0, ZONE_DMA),
			      .order = 7,
			      .type = MIGRATE_UNMOVABLE,
			      .high_zone = ZONE_MOVABLE,
			      .mode = MOVE_SYNC,
			      .may_capture = true,
			      .used_at = KT_DMA_PFN,
			      .free_at = KT_DMA_PFN + PAGES - BLOCK };
	KT_EQ(kt_compact(&c), COMPACT_SUCCESS);
	KT_EQ(c.moved, 2 * MOVE_BATCH);
	if (KT_EQ(c.captured ? c.captured->pfn : 0, KT_DMA_PFN)) {
		page_prepare(c.captured, word_make(c.zone->id, PAGE_USED, 7));
		zonal_free(cache->mm, c.captured, 7);
	}
	block_set_type(first, MIGRATE_MOVABLE);
	all_is_well(cache);
}

/* B11: who may not have pages of a CMA area does not get a block of them by having emptied it. */
KTEST(rows_x, b11_a_block_of_a_cma_area_that_was_emptied_is_not_captured)
{
	struct kt_cache *cache = scattered();
	static struct compact c;
	struct page *first;

	if (!cache)
		return;
	first = mm_page(cache->mm, KT_DMA_PFN);
	c = (struct compact){ .mm = cache->mm,
			      .zone = kt_zone(cache->mm, 0, ZONE_DMA),
			      .order = PAGEBLOCK_ORDER,
			      .type = MIGRATE_UNMOVABLE,
			      .high_zone = ZONE_MOVABLE,
			      .mode = MOVE_SYNC,
			      .may_capture = true,
			      .used_at = KT_DMA_PFN,
			      .free_at = KT_DMA_PFN + PAGES - BLOCK };
	kt_type_block(c.zone, first->pfn, MIGRATE_CMA);
	KT_EQ(kt_compact(&c), COMPACT_SUCCESS);
	KT_TRUE(c.moved >= BLOCK / 2); /* it was emptied, and another one after it */
	KT_TRUE(c.captured != first);
	if (c.captured) {
		page_prepare(c.captured, word_make(c.zone->id, PAGE_USED, PAGEBLOCK_ORDER));
		zonal_free(cache->mm, c.captured, PAGEBLOCK_ORDER);
	}
	kt_type_block(c.zone, first->pfn, MIGRATE_MOVABLE);
	all_is_well(cache);
}

KTEST(rows_x, x7_asynchronous_request_takes_nothing_out_of_blocks_of_another_kind)
{
	struct kt_cache *cache = scattered();
	struct alloc_req req;
	struct alloc_pass pass = { .gfp = GFP_HIGHUSER_MOVABLE, .nodemask = NODEMASK_ALL };
	struct retry retry = { .compact_priority = COMPACT_ASYNC };
	struct page *first, *page;

	if (!cache)
		return;
	first = mm_page(cache->mm, KT_DMA_PFN);
	block_set_type(first, MIGRATE_UNMOVABLE);
	req = (struct alloc_req){ .mm = cache->mm,
				  .task = port_this_cpu()->task,
				  .list = &cache->mm->node[0]->fallback,
				  .nodemask = NODEMASK_ALL,
				  .order = PAGEBLOCK_ORDER,
				  .type = MIGRATE_MOVABLE,
				  .high_zone = ZONE_MOVABLE };
	page = compact_for(&req, &pass, &retry);
	KT_TRUE(page == first + BLOCK);
	for (unsigned i = 0; i < BLOCK; i += 2)
		KT_EQ(page_state(first + i), PAGE_USED);
	KT_EQ(cache->moved, BLOCK / 2);
	zonal_free(cache->mm, page, PAGEBLOCK_ORDER);
	block_set_type(first, MIGRATE_MOVABLE);
	all_is_well(cache);
}

KTEST(rows_x, x9_hints_of_every_zone_go_when_kswapd_sleeps)
{
	static const struct kt_spec zones = {
		.ram = { { 0, KT_NORMAL_PFN - BLOCK, BLOCK }, { 0, KT_NORMAL_PFN, BLOCK } },
	};
	static const enum zone_type type[] = { ZONE_DMA, ZONE_NORMAL };
	struct zonal *mm = kt_bare_instance(&zones);

	if (!mm)
		return;
	for (unsigned z = 0; z < 2; z++) {
		struct zone *zone = kt_zone(mm, 0, type[z]);

		fetch_or_relaxed(&mm_page(mm, zone->start_pfn)->block, BLOCK_SKIP);
		st_relaxed(&zone->compact.flush, z == 1);
	}
	compact_kswapd_sleeps(mm->node[0]);
	for (unsigned z = 0; z < 2; z++) {
		struct zone *zone = kt_zone(mm, 0, type[z]);

		/* Only of one that was gone through. */
		KT_EQ(!(ld_relaxed(&mm_page(mm, zone->start_pfn)->block) & BLOCK_SKIP), z);
		KT_TRUE(!ld_relaxed(&zone->compact.flush));
		st_relaxed(&zone->compact.flush, true);
	}
	compact_kswapd_sleeps(mm->node[0]);
	KT_TRUE(!(ld_relaxed(&mm_page(mm, KT_NORMAL_PFN - BLOCK)->block) & BLOCK_SKIP));
}

KTEST(rows_x, x3_x9_what_was_passed_over_counts_for_the_order_that_failed)
{
	struct zonal *mm = kt_bare_instance(&eight_blocks);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;

	if (!mm)
		return;
	compact_defer_reset(zone, 4, false); /* 4 went: 5 and more may be put off */
	for (unsigned i = 0; i < 6; i++)
		compact_defer(zone, 5);
	for (unsigned i = 0; i < 64; i++)
		KT_EQ(compact_deferred(zone, 5), i < 63);
	KT_TRUE(compact_restarts(zone, 5) && compact_restarts(zone, 9));
	KT_TRUE(!compact_restarts(zone, 4));
	compact_defer(zone, 5);
	KT_TRUE(compact_deferred(zone, 5));
	KT_TRUE(!compact_restarts(zone, 5));
	/* A page came of it: as new, whoever was passed over before. */
	compact_defer_reset(zone, 5, true);
	compact_defer(zone, 6);
	KT_TRUE(compact_deferred(zone, 6));
	KT_TRUE(!compact_deferred(zone, 6));
}

/* Half of the free memory is in whole blocks: that is below the mark of 90. */
KTEST(rows_x, x15_a_node_that_is_scattered_a_little_is_left_alone)
{
	struct kt_cache *cache = scattered();
	unsigned score;

	if (!cache)
		return;
	for (unsigned i = 0; i < cache->count; i++)
		if (cache->place[i].page && cache->place[i].page->pfn >= KT_DMA_PFN + 4 * BLOCK)
			kt_cache_drop(cache, i);
	zonal_drain_all(cache->mm, NULL);
	score = compact_score(kt_zone(cache->mm, 0, ZONE_DMA));
	KT_EQ(score, 33);
	KT_EQ(zonal_set_proactiveness(cache->mm, 20), 0);
	(void)zonal_kcompactd_turn(cache->mm, 0);
	KT_EQ(cache->asked_move, 0);
	/* With another one it is too much. */
	KT_EQ(zonal_set_proactiveness(cache->mm, 80), 0);
	(void)zonal_kcompactd_turn(cache->mm, 0);
	KT_TRUE(cache->moved > 0);
	all_is_well(cache);
}

/* ---- where the scanners begin ---- */

KTEST(rows_x, x6_a_run_goes_on_where_the_last_one_left_off)
{
	for (unsigned patient = 0; patient < 2; patient++) {
		struct kt_cache *cache = scattered();
		static struct compact c;
		struct page *first;
		struct zone *zone;

		if (!cache)
			return;
		zone = kt_zone(cache->mm, 0, ZONE_DMA);
		first = mm_page(cache->mm, KT_DMA_PFN);
		/* Each mode has its own place; frames come from the sixth block down. */
		st_relaxed(&zone->compact.used_at[patient], KT_DMA_PFN + 3 * BLOCK);
		st_relaxed(&zone->compact.free_at, KT_DMA_PFN + 6 * BLOCK);
		c = (struct compact){ .mm = cache->mm,
				      .zone = zone,
				      .order = PAGEBLOCK_ORDER,
				      .type = MIGRATE_MOVABLE,
				      .high_zone = ZONE_MOVABLE,
				      .mode = patient ? MOVE_SYNC_LIGHT : MOVE_ASYNC,
				      .direct = true };
		KT_EQ(kt_compact(&c), COMPACT_SUCCESS);
		KT_EQ(page_order(first + 3 * BLOCK), PAGEBLOCK_ORDER);
		KT_EQ(page_state(first + 3 * BLOCK), PAGE_FREE);
		for (unsigned i = 0; i < BLOCK; i++) {
			KT_EQ(page_state(first + i), i & 1 ? PAGE_FREE : PAGE_USED);
			KT_EQ(page_state(first + 7 * BLOCK + i), i & 1 ? PAGE_FREE : PAGE_USED);
		}
		/* The other mode begins at the zone's beginning still; a patient run tells both. */
		KT_EQ(ld_relaxed(&zone->compact.used_at[!patient]),
		      patient ? KT_DMA_PFN + 4 * BLOCK : 0);
		all_is_well(cache);
	}
}

KTEST(rows_x, x7_whole_free_blocks_and_isolated_ones_give_no_frames)
{
	struct kt_cache *cache = scattered();
	struct page *seventh, *page;
	static struct compact c;

	if (!cache)
		return;
	seventh = mm_page(cache->mm, KT_DMA_PFN + 6 * BLOCK);
	for (unsigned i = 0; i < cache->count; i++)
		if (cache->place[i].page && cache->place[i].page >= seventh + BLOCK)
			kt_cache_drop(cache, i);
	zonal_drain_all(cache->mm, NULL);
	KT_EQ(page_order(seventh + BLOCK), PAGEBLOCK_ORDER);
	block_set_type(seventh, MIGRATE_ISOLATE);
	c = (struct compact){ .mm = cache->mm,
			      .zone = kt_zone(cache->mm, 0, ZONE_DMA),
			      .order = PAGEBLOCK_ORDER,
			      .any_target = true,
			      .used_at = KT_DMA_PFN,
			      .free_at = KT_DMA_PFN + PAGES - BLOCK };
	page = compact_target(&c, cache->place[0].page);
	KT_TRUE(page && page < seventh && page >= seventh - BLOCK);
	compact_unused(&c, page);
	compact_release(&c);
	block_set_type(seventh, MIGRATE_MOVABLE);
	all_is_well(cache);
}

static void nobody_sleeps(struct kt_cache *cache, unsigned place)
{
	(void)place;
	KT_TRUE(!ld_relaxed(&cache->mm->node[0]->compact.asleep));
}

KTEST(rows_x, x14_kcompactd_is_awake_in_its_turn_and_asleep_behind_it)
{
	struct kt_cache *cache = scattered();
	struct node *node = cache ? cache->mm->node[0] : NULL;

	if (!cache)
		return;
	cache->on_move = nobody_sleeps;
	for (unsigned turn = 0; turn < 2; turn++) {
		kcompactd_ask(cache->mm, node, PAGEBLOCK_ORDER, ZONE_DMA);
		(void)zonal_kcompactd_turn(cache->mm, 0);
		KT_TRUE(ld_relaxed(&node->compact.asleep));
	}
	KT_TRUE(cache->moved > 0);
	cache->on_move = NULL;
	all_is_well(cache);
}

/* X14: a wish for a single page is none, and limits no other one. */
KTEST(rows_x, x14_a_single_page_is_no_wish)
{
	struct zonal *mm = kt_bare_instance(&eight_blocks);
	struct node_compact *n = mm ? &mm->node[0]->compact : NULL;

	if (!mm)
		return;
	kcompactd_ask(mm, mm->node[0], 0, ZONE_DMA);
	KT_EQ(ld_relaxed(&n->wanted_zones), 0);
	kcompactd_ask(mm, mm->node[0], 1, ZONE_NORMAL);
	KT_EQ(ld_relaxed(&n->wanted_zones), ZONE_NORMAL + 1);
	kcompactd_ask(mm, mm->node[0], 1, ZONE_DMA);
	KT_EQ(ld_relaxed(&n->wanted_zones), ZONE_DMA + 1);
}

static void as_for_reclaim(struct kt_cache *cache, unsigned place)
{
	(void)cache;
	(void)place;
	KT_EQ(port_this_cpu()->task->flags, ZTASK_NOIO | ZTASK_MEMALLOC);
}

/* L19: whoever works for reclaim meanwhile keeps what else the task is. */
KTEST(rows_x, x14_a_turn_of_kcompactd_leaves_the_task_as_it_was)
{
	struct kt_cache *cache = scattered();
	struct zonal_task saved, *task = kt_task_save(&saved);
	struct zonal_compacted done;

	if (!cache)
		return;
	cache->on_move = as_for_reclaim;
	task->flags = ZTASK_NOIO;
	kcompactd_ask(cache->mm, cache->mm->node[0], PAGEBLOCK_ORDER, ZONE_DMA);
	(void)zonal_kcompactd_turn(cache->mm, 0);
	KT_TRUE(cache->asked_move > 0);
	KT_EQ(task->flags, ZTASK_NOIO);
	zonal_compact(cache->mm, 0, &done);
	KT_EQ(task->flags, ZTASK_NOIO);
	task->flags |= ZTASK_MEMALLOC;
	zonal_compact(cache->mm, 0, &done);
	KT_EQ(task->flags, ZTASK_NOIO | ZTASK_MEMALLOC);
	kt_task_restore(&saved);
	cache->on_move = NULL;
	all_is_well(cache);
}

static void nothing_to_spare(struct kt_cache *cache, unsigned place)
{
	(void)place;
	kt_marks(kt_zone(cache->mm, 0, ZONE_DMA), PAGES, PAGES, PAGES);
}

/* X14: a run that had to end for want of frames says nothing of the zone, and puts nobody off. */
KTEST(rows_x, x14_a_run_of_kcompactd_without_frames_puts_the_zone_not_off)
{
	struct kt_cache *cache = scattered();
	struct zone *zone = cache ? kt_zone(cache->mm, 0, ZONE_DMA) : NULL;

	if (!cache)
		return;
	cache->on_move = nothing_to_spare;
	kcompactd_ask(cache->mm, cache->mm->node[0], PAGEBLOCK_ORDER, ZONE_DMA);
	(void)zonal_kcompactd_turn(cache->mm, 0);
	KT_TRUE(cache->asked_move > 0);
	KT_EQ(kt_blocks_of_order(zone, PAGEBLOCK_ORDER), 0);
	KT_EQ(ld_relaxed(&zone->compact.shift), 0);
	kt_marks(zone, 0, 0, 0);
	cache->on_move = NULL;
	all_is_well(cache);
}

/* X1, X14: a zone that has a block above MIN is not what kcompactd is for, and teaches nothing. */
KTEST(rows_x, x14_kcompactd_learns_nothing_of_a_zone_that_has_a_block)
{
	struct zonal *mm = kt_bare_instance(&eight_blocks);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
	unsigned failed;

	if (!mm)
		return;
	kt_marks(zone, 0, 2 * PAGES, 2 * PAGES);
	failed = ld_relaxed(&zone->compact.failed);
	kcompactd_ask(mm, mm->node[0], 3, ZONE_DMA);
	(void)zonal_kcompactd_turn(mm, 0);
	KT_EQ(ld_relaxed(&zone->compact.failed), failed);
	KT_TRUE(failed <= 3);
}
