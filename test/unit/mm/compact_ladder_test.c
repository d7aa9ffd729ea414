/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the ladder compacts: rows L5 and L6.
 *
 * Requests on a board with half of its memory free, and no block of it. Whether anything was asked
 * to be given up tells whether compaction came before reclaim; the record of a failure tells which
 * steps were taken. What the owner of the pages answers is set by hand.
 */
#include "kt_scattered.h"

#include "mm/buddy.h"

KTEST(rows_l, l5_small_unmovable_block_is_put_together_before_anything_is_reclaimed)
{
	struct kt_cache *cache = scattered();
	struct page *block, *first;

	if (!cache)
		return;
	/* An asynchronous run keeps to its own kind of blocks (X7). */
	first = mm_page(cache->mm, KT_DMA_PFN);
	block_set_type(first, MIGRATE_UNMOVABLE);
	block = zonal_alloc(cache->mm, GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY, 2);
	KT_TRUE(block >= first && block < first + BLOCK);
	KT_TRUE(cache->moved > 0);
	KT_EQ(cache->asked_give, 0);
	block_set_type(first, MIGRATE_MOVABLE);
	zonal_free(cache->mm, block, 2);
	all_is_well(cache);
}

KTEST(rows_l, l5_small_movable_block_waits_for_reclaim_first)
{
	struct kt_cache *cache = scattered();
	struct page *block;

	if (!cache)
		return;
	answer(cache, ZONAL_GIVE_NO_ROOM);
	block = zonal_alloc(cache->mm, GFP_HIGHUSER_MOVABLE | __GFP_NOWARN | __GFP_NORETRY, 2);
	KT_TRUE(cache->asked_give > 0);
	zonal_free(cache->mm, block, 2);
	all_is_well(cache);
}

KTEST(rows_l, l5_movable_block_is_put_together_first_from_order_4_on)
{
	for (unsigned order = 1; order <= 4; order++) {
		struct kt_cache *cache = scattered();
		struct page *block;

		if (!cache)
			return;
		block = zonal_alloc(cache->mm, GFP_HIGHUSER_MOVABLE | __GFP_NOWARN, order);
		KT_EQ(cache->asked_give > 0, order < 4);
		if (order == 4)
			KT_TRUE(cache->moved > 0);
		if (KT_TRUE(block))
			zonal_free(cache->mm, block, order);
		all_is_well(cache);
	}
}

KTEST(rows_l, l6_costly_request_without_retry_ends_when_compaction_could_not_begin)
{
	struct kt_cache *cache = scattered();
	struct zonal_failure failure;

	if (!cache)
		return;
	/* LOW, which a costly block needs to be worked for, is not there. */
	kt_marks(kt_zone(cache->mm, 0, ZONE_DMA), 0, PAGES / 2, PAGES / 2);
	KT_TRUE(!zonal_alloc(cache->mm, HUGE, PAGEBLOCK_ORDER));
	KT_EQ(cache->asked_give + cache->asked_used, 0);
	zonal_last_failure(cache->mm, &failure);
	KT_TRUE((failure.steps & ZSTEP_COMPACT) && !(failure.steps & ZSTEP_RECLAIM));
	KT_EQ(kt_event(cache->mm, EVENT_COMPACTSTALL), 1);
	KT_EQ(kt_event(cache->mm, EVENT_COMPACTFAIL), 1);
	kt_marks(kt_zone(cache->mm, 0, ZONE_DMA), 0, 0, 0);
	/* It could begin, but nothing moves: a request for this node alone ends, others reclaim. */
	answer(cache, ZONAL_GIVE_NO_ROOM);
	KT_TRUE(!zonal_alloc(cache->mm, HUGE | __GFP_THISNODE, PAGEBLOCK_ORDER));
	KT_EQ(cache->asked_give + cache->asked_used, 0);
	kt_marks(kt_zone(cache->mm, 0, ZONE_DMA), 0, 0, PAGES / 2);
	KT_TRUE(!zonal_alloc(cache->mm, HUGE, PAGEBLOCK_ORDER));
	KT_TRUE(cache->asked_give + cache->asked_used > 0);
	kt_marks(kt_zone(cache->mm, 0, ZONE_DMA), 0, 0, 0);
	all_is_well(cache);
}
