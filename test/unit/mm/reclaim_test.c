/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Direct reclaim and what decides about it: rows L12-L19, R1-R5, K11-K14, K18.
 *
 * A board is filled with a cache of pages that can be given up; then a request finds nothing
 * free, and what it may do is what its flags say. What the owner answers is set by hand.
 */
#include "kt_cache.h"

#include "mm/reclaim/scan.h"
#include "mm/watermark.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 8192 } } };
static const struct kt_spec pair = {
	.ram = { { 0, KT_DMA_PFN, 4096 }, { 1, KT_DMA_PFN + 4096, 4096 } },
};
/* DMA below 1 GiB, DMA32 above. */
static const struct kt_spec two_zones = {
	.ram = { { 0, KT_RPI_DMA_PFN, 4096 }, { 0, KT_RPI_DMA32_PFN, 4096 } },
	.dma_max = KT_RPI_DMA_MAX,
};

#define NOWAIT (GFP_NOWAIT | __GFP_NOWARN)
#define KERNEL (GFP_KERNEL | __GFP_NOWARN)

/* Every page of the board is in a cache. */
static struct kt_cache *full_of(const struct kt_spec *spec, enum zonal_kind kind)
{
	struct zonal *mm = kt_bare_instance(spec);
	struct kt_cache *cache = mm ? kt_cache(mm, kind, 16384) : NULL;

	if (cache)
		kt_cache_fill(cache, 0, NOWAIT, 16384);
	return cache;
}

static void answer(struct kt_cache *cache, enum zonal_give give)
{
	for (unsigned i = 0; i < cache->count; i++)
		cache->place[i].give = (uint8_t)give;
}

static uint32_t steps_of_failure(struct kt_cache *cache)
{
	struct zonal_failure failure;

	zonal_last_failure(cache->mm, &failure);
	return failure.steps;
}

KTEST(rows_k, k11_request_that_may_wait_frees_32_pages_and_takes_one)
{
	struct kt_cache *cache = full_of(&uma, ZONAL_CACHE);
	struct page *page;

	if (!cache)
		return;
	page = zonal_alloc(cache->mm, KERNEL, 0);
	KT_TRUE(page);
	/* 8192 >> 8 is the first round that looks at 32; the rounds before looked at 30. */
	KT_TRUE(cache->committed >= 32 && cache->committed < 64);
	KT_EQ(kt_event(cache->mm, EVENT_ALLOCSTALL_NORMAL), 1);
	KT_EQ(kt_event(cache->mm, EVENT_PGSTEAL_DIRECT), cache->committed);
	KT_EQ(kt_event(cache->mm, EVENT_PGSTEAL_KSWAPD), 0);
	zonal_free(cache->mm, page, 0);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

KTEST(rows_l, l14_l15_who_may_not_wait_or_works_for_reclaim_never_gets_there)
{
	struct kt_cache *cache = full_of(&uma, ZONAL_CACHE);
	struct zonal_task saved, *task = kt_task_save(&saved);
	port_irqflags_t irq;

	if (!cache)
		return;
	KT_TRUE(!zonal_alloc(cache->mm, NOWAIT, 0));
	KT_TRUE(!zonal_alloc(cache->mm, GFP_ATOMIC | __GFP_NOWARN, 0));
	task->flags |= ZTASK_MEMALLOC;
	KT_TRUE(!zonal_alloc(cache->mm, KERNEL, 0));
	task->flags &= ~ZTASK_MEMALLOC;
	/* A wrong call from an interrupt handler (G11) may not wait either. */
	irq = kt_irq_enter();
	KT_TRUE(!zonal_alloc(cache->mm, KERNEL | __GFP_NORETRY, 0));
	kt_irq_exit(irq);
	KT_EQ(cache->asked_give + cache->asked_used, 0);
	kt_task_restore(&saved);
	kt_cache_drop_all(cache);
}

KTEST(rows_l, l19_task_is_as_it_was_and_owners_see_it_work_for_reclaim)
{
	struct kt_cache *cache = full_of(&uma, ZONAL_CACHE);
	struct zonal_task saved, *task = kt_task_save(&saved);
	struct page *page;

	if (!cache)
		return;
	task->flags = ZTASK_NOFS | ZTASK_REALTIME;
	page = zonal_alloc(cache->mm, KERNEL, 0);
	KT_TRUE(page);
	KT_EQ(task->flags, ZTASK_NOFS | ZTASK_REALTIME);
	/* G6: what the scope takes away from the flags, owners may not do. */
	KT_EQ(cache->last_may, ZONAL_MAY_UNMAP | ZONAL_MAY_WAIT | ZONAL_MAY_WRITE);
	zonal_free(cache->mm, page, 0);
	kt_task_restore(&saved);
	kt_cache_drop_all(cache);
}

KTEST(rows_g, g6_what_owners_may_do_follows_io_and_fs)
{
	static const struct {
		gfp_t gfp;
		unsigned may;
	} table[] = {
		{ GFP_KERNEL, ZONAL_MAY_WAIT | ZONAL_MAY_WRITE | ZONAL_MAY_FS },
		{ GFP_NOFS, ZONAL_MAY_WAIT | ZONAL_MAY_WRITE },
		{ GFP_NOIO, ZONAL_MAY_WAIT },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		struct kt_cache *cache = full_of(&uma, ZONAL_CACHE);
		struct page *page;

		if (!cache)
			return;
		page = zonal_alloc(cache->mm, table[i].gfp, 0);
		KT_EQ(cache->last_may, ZONAL_MAY_UNMAP | table[i].may);
		zonal_free(cache->mm, page, 0);
		kt_cache_drop_all(cache);
	}
}

KTEST(rows_k, k18_nothing_to_reclaim_ends_soon_with_every_step_on_record)
{
	struct kt_cache *cache = full_of(&uma, ZONAL_CACHE);

	if (!cache)
		return;
	answer(cache, ZONAL_GIVE_BUSY);
	KT_TRUE(!zonal_alloc(cache->mm, KERNEL, 0));
	KT_EQ(steps_of_failure(cache), ZSTEP_FAST | ZSTEP_MIN | ZSTEP_KSWAPD | ZSTEP_RECLAIM |
					       ZSTEP_COMPACT | ZSTEP_OOM);
	/* R1, R2: 17 rounds of 13 priorities, and each looks at every page at most. */
	KT_TRUE(cache->asked_give <= 17ull * 13 * cache->count);
	kt_check_all(cache->mm);
	answer(cache, ZONAL_GIVE_YES);
	KT_TRUE(kt_served_by(cache->mm, 0, KERNEL, 0) == 0);
	kt_cache_drop_all(cache);
}

KTEST(rows_l, l3_noretry_ends_after_one_round_and_so_does_a_costly_request)
{
	struct kt_cache *cache = full_of(&uma, ZONAL_CACHE);
	uint64_t one;

	if (!cache)
		return;
	answer(cache, ZONAL_GIVE_BUSY);
	KT_TRUE(!zonal_alloc(cache->mm, KERNEL | __GFP_NORETRY, 0));
	one = kt_event(cache->mm, EVENT_ALLOCSTALL_NORMAL);
	KT_EQ(one, 1);
	KT_TRUE(!(steps_of_failure(cache) & ZSTEP_OOM));
	KT_TRUE(!zonal_alloc(cache->mm, KERNEL, 4));
	KT_EQ(kt_event(cache->mm, EVENT_ALLOCSTALL_NORMAL), 2);
	/* R3: no block of that order can come of it. */
	KT_TRUE(!zonal_alloc(cache->mm, KERNEL | __GFP_RETRY_MAYFAIL, 4));
	KT_EQ(kt_event(cache->mm, EVENT_ALLOCSTALL_NORMAL), 3);
	kt_cache_drop_all(cache);
}

KTEST(rows_r, r1_r3_costs_of_trying_are_bounded_by_16_rounds_without_progress)
{
	struct kt_cache *cache = full_of(&uma, ZONAL_CACHE);
	struct zonal_failure failure;
	uint64_t rounds;

	if (!cache)
		return;
	/* The pages could be had, so each round is worth it (R3), and none gives any (R1). There
	 * is a kswapd, or it would not even be tried again. */
	answer(cache, ZONAL_GIVE_DIRTY);
	zonal_kswapd_turn(cache->mm, 0, false);
	KT_TRUE(!zonal_alloc(cache->mm, KERNEL, 0));
	rounds = kt_event(cache->mm, EVENT_ALLOCSTALL_NORMAL);
	KT_EQ(rounds, 17);
	KT_TRUE(cache->written > 0);
	zonal_last_failure(cache->mm, &failure);
	KT_EQ(failure.rounds, 16);
	KT_TRUE(failure.scanned > cache->count && failure.reclaimed == 0);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

KTEST(rows_l, l12_progress_that_others_took_gives_reserve_and_lists_back_once)
{
	struct kt_cache *cache = full_of(&uma, ZONAL_CACHE);
	struct zone *zone;

	if (!cache)
		return;
	zone = kt_zone(cache->mm, 0, ZONE_DMA);
	/* Whatever comes free is below the mark. */
	kt_marks(zone, 1 << 14, 1 << 14, 1 << 14);
	KT_TRUE(!zonal_alloc(cache->mm, KERNEL | __GFP_NORETRY, 0));
	KT_TRUE(steps_of_failure(cache) & ZSTEP_DRAIN);
	KT_EQ(kt_pcp_count(zone), 0);
	KT_EQ(kt_free(zone), (int64_t)cache->committed);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

KTEST(rows_k, k11_only_allowed_nodes_are_shrunk)
{
	struct kt_cache *cache = full_of(&pair, ZONAL_CACHE);
	struct page *page;
	nodemask_t one = node_bit(1);

	if (!cache)
		return;
	page = zonal_alloc_mask(cache->mm, 0, KERNEL, 0, &one);
	if (!KT_TRUE(page))
		return;
	KT_EQ(zonal_page_node(page), 1);
	for (unsigned i = 0; i < cache->count; i++)
		if (cache->place[i].gone)
			KT_OK(i >= 4096, "place %u of node 0 went", i);
	zonal_free(cache->mm, page, 0);
	page = zonal_alloc_node(cache->mm, 0, KERNEL | __GFP_THISNODE, 0);
	KT_TRUE(page && zonal_page_node(page) == 0);
	zonal_free(cache->mm, page, 0);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

KTEST(rows_k, k11_pages_of_zones_that_do_not_help_are_passed_over)
{
	struct kt_cache *cache = full_of(&two_zones, ZONAL_CACHE);
	struct page *page;

	if (!cache)
		return;
	page = zonal_alloc(cache->mm, GFP_KERNEL | GFP_DMA | __GFP_NOWARN, 0);
	if (!KT_TRUE(page))
		return;
	KT_EQ(zonal_page_zone(page), ZONE_DMA);
	KT_EQ(kt_free(kt_zone(cache->mm, 0, ZONE_DMA32)), 0);
	KT_EQ(kt_event(cache->mm, EVENT_ALLOCSTALL_DMA), 1);
	/* The list began with pages of DMA32, which had come first. */
	KT_TRUE(kt_event(cache->mm, EVENT_PGSKIP_DMA32) > 0);
	/* Those that help are not. */
	KT_EQ(kt_event(cache->mm, EVENT_PGSKIP_DMA), 0);
	zonal_free(cache->mm, page, 0);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

KTEST(reclaim, page_with_a_reference_of_somebody_else_is_left_to_him)
{
	struct kt_cache *cache = full_of(&uma, ZONAL_CACHE);
	struct scan s;

	if (!cache)
		return;
	s = (struct scan){ .mm = cache->mm, .high_zone = ZONE_MOVABLE, .target = 32 };
	for (unsigned i = 0; i < 32; i += 2)
		zonal_get(cache->place[i].page);
	KT_EQ(shrink_inactive(&s, cache->mm->node[0], LRU_INACTIVE_CACHE, 32), 16);
	KT_EQ(cache->aborted, 16);
	for (unsigned i = 0; i < 32; i++)
		KT_OK(!!cache->place[i].page == !(i & 1), "place %u", i);
	for (unsigned i = 0; i < 32; i += 2)
		zonal_put(cache->mm, cache->place[i].page);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
	KT_EQ(zonal_bad_count(cache->mm), 0);
}

KTEST(reclaim, page_used_once_stays_and_used_twice_becomes_active)
{
	struct kt_cache *cache = full_of(&uma, ZONAL_CACHE);
	struct node *node;
	struct scan s;

	if (!cache)
		return;
	node = cache->mm->node[0];
	s = (struct scan){ .mm = cache->mm, .high_zone = ZONE_MOVABLE, .target = 32 };
	cache->place[0].used = true;
	cache->place[1].hot = true;
	KT_EQ(shrink_inactive(&s, node, LRU_INACTIVE_CACHE, 2), 0);
	KT_EQ(lru_size(node, LRU_ACTIVE_CACHE, ZONE_MOVABLE), 0);
	KT_TRUE(page_word(cache->place[0].page) & PG_REFERENCED);
	while (lru_size(node, LRU_ACTIVE_CACHE, ZONE_MOVABLE) == 0)
		shrink_inactive(&s, node, LRU_INACTIVE_CACHE, 32);
	KT_TRUE(page_word(cache->place[1].page) & PG_ACTIVE);
	KT_TRUE(!cache->place[0].page || !(page_word(cache->place[0].page) & PG_ACTIVE));
	/* Back to the inactive list, and its use is forgotten. */
	shrink_active(&s, node, LRU_ACTIVE_CACHE, 1);
	KT_TRUE(!(page_word(cache->place[1].page) & PG_ACTIVE));
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

KTEST(reclaim, active_list_may_be_as_many_times_longer_as_the_square_root_of_ten_gigabytes)
{
	struct zonal *mm = kt_instance(&uma);
	struct node *node;

	if (!mm)
		return;
	node = mm->node[0];
	for (unsigned i = 0; i < 2; i++) {
		/* 1 GiB: the square root of 10; 100 GiB: 31; less than a gigabyte: 1. */
		static const struct {
			uint64_t inactive, active;
			bool low;
		} table[] = { { 1000, 1000, false },	    { 1000, 1001, true },
			      { 65536, 196608, false },	    { 65535, 196609, true },
			      { 819200, 25395200, false }, { 819200, 25395201, true } };

		for (unsigned k = 0; k < ARRAY_SIZE(table); k++) {
			struct lru_ends *list = node->reclaim.lru.root.list;

			st_relaxed(&list[i * 2].count[ZONE_DMA], table[k].inactive);
			st_relaxed(&list[i * 2 + 1].count[ZONE_DMA], table[k].active);
			KT_OK(inactive_is_low(node, NULL, i) == table[k].low, "line %u", k);
			st_relaxed(&list[i * 2].count[ZONE_DMA], 0);
			st_relaxed(&list[i * 2 + 1].count[ZONE_DMA], 0);
		}
	}
}

KTEST(reclaim, anonymous_pages_are_spared_without_a_place_to_write_them_to)
{
	struct kt_cache *cache = full_of(&uma, ZONAL_ANON);
	struct page *page;

	if (!cache)
		return;
	KT_TRUE(!zonal_alloc(cache->mm, KERNEL, 0));
	KT_EQ(cache->asked_give, 0);
	st_relaxed(&cache->mm->swap_free, 100);
	page = zonal_alloc(cache->mm, KERNEL, 0);
	KT_TRUE(page);
	KT_TRUE(kt_event(cache->mm, EVENT_PGSTEAL_ANON) >= 32);
	KT_EQ(kt_event(cache->mm, EVENT_PGSTEAL_FILE), 0);
	zonal_free(cache->mm, page, 0);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

KTEST(reclaim, kinds_are_looked_at_60_to_140_and_the_one_that_costs_less_then)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct kt_cache *anon = mm ? kt_cache(mm, ZONAL_ANON, 4096) : NULL;
	struct kt_cache *cache = anon ? kt_cache(mm, ZONAL_CACHE, 4096) : NULL;
	struct scan s;

	if (!cache)
		return;
	kt_cache_fill(anon, 0, NOWAIT, 2048);
	kt_cache_fill(cache, 0, NOWAIT, 2048);
	/* More active cache than inactive, or the anonymous pages would be spared. */
	for (unsigned i = 0; i < 2 * 1536; i++)
		zonal_page_touch(mm, cache->place[i / 2].page);
	answer(cache, ZONAL_GIVE_BUSY);
	st_relaxed(&mm->swap_free, 4096);
	s = (struct scan){ .mm = mm, .kswapd = true, .high_zone = ZONE_MOVABLE, .target = 4096,
			   .priority = 4, .may_swap = true };
	shrink_node(&s, mm->node[0]);
	/* 2048 / 16 * 60 / 200, and 512 / 16 * 140 / 200 */
	KT_EQ(anon->asked_give, 38);
	KT_EQ(cache->asked_give, 22);
	KT_EQ(anon->committed, 38);
	KT_EQ(ld_relaxed(&mm->node[0]->reclaim.lru.root.cost[ZONAL_ANON]), 38);
	/* They had to be written: 2010 / 16 * 89 / 501. */
	shrink_node(&s, mm->node[0]);
	KT_EQ(anon->asked_give, 38 + 22);
	kt_check_all(mm);
	kt_cache_drop_all(anon);
	kt_cache_drop_all(cache);
}

KTEST(reclaim, active_pages_go_when_all_else_was_in_vain)
{
	struct kt_cache *cache = full_of(&uma, ZONAL_CACHE);
	struct page *page;

	if (!cache)
		return;
	/* Half of the pages active: not more than the inactive ones, so they are spared. */
	for (unsigned i = 0; i < cache->count; i += 2) {
		zonal_page_touch(cache->mm, cache->place[i].page);
		zonal_page_touch(cache->mm, cache->place[i].page);
		cache->place[i + 1].give = ZONAL_GIVE_BUSY;
	}
	page = zonal_alloc(cache->mm, KERNEL | __GFP_NORETRY, 0);
	KT_TRUE(page);
	KT_TRUE(kt_event(cache->mm, EVENT_PGDEACTIVATE) > 0);
	zonal_free(cache->mm, page, 0);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

KTEST(rows_k, k14_reclaimable_pages_of_a_zone)
{
	struct kt_cache *cache = full_of(&two_zones, ZONAL_CACHE);

	if (!cache)
		return;
	KT_EQ(zone_reclaimable(kt_zone(cache->mm, 0, ZONE_DMA)) +
		      zone_reclaimable(kt_zone(cache->mm, 0, ZONE_DMA32)),
	      cache->count);
	KT_EQ(zone_reclaimable(kt_zone(cache->mm, 0, ZONE_DMA)),
	      zone_managed(kt_zone(cache->mm, 0, ZONE_DMA)));
	kt_cache_drop_all(cache);
	KT_EQ(zone_reclaimable(kt_zone(cache->mm, 0, ZONE_DMA)), 0);
}
