/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trace points of reclaim: kswapd, direct reclaim, batches, lists, shrinkers, the question
 * whether to go on.
 *
 * Batches are made by hand, with an owner whose pages answer as the case says, so that each field
 * of a record is a number that the case knows.
 */
#include "kt_trace.h"

#include <zonal/group.h>

#include "mm/reclaim/reclaim.h"
#include "mm/reclaim/scan.h"
#include "mm/wake.h"
#include "mm/watermark.h"

#if ZONAL_RECLAIM

enum { ANON_FLAGS = ZONAL_TRACE_WB_ANON | ZONAL_TRACE_WB_ASYNC,
       FILE_FLAGS = ZONAL_TRACE_WB_FILE | ZONAL_TRACE_WB_ASYNC };

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };
static const struct kt_spec two_zones = {
	.ram = { { 0, KT_DMA_PFN, 2048 }, { 0, KT_NORMAL_PFN, 2048 } },
};

/* Pages of one kind on the inactive list, the first to come the first to go. */
static struct kt_cache *listed(enum zonal_kind kind, unsigned pages, uint64_t points)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct kt_cache *cache = mm ? kt_cache(mm, kind, 4096) : NULL;

	if (!cache || !KT_EQ(kt_cache_fill(cache, 0, GFP_KERNEL, pages), pages) ||
	    !trace_begin(mm, points))
		return NULL;
	return cache;
}

static void finish(struct kt_cache *cache)
{
	nothing_more(cache->mm);
	zonal_trace_on(cache->mm, 0);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

static struct scan scan_of(struct zonal *mm)
{
	return (struct scan){ .mm = mm, .high_zone = ZONE_NORMAL, .priority = 3, .target = 32,
			      .order = 2, .gfp = GFP_KERNEL, .may = ZONAL_MAY_UNMAP };
}

KTEST(trace, a_batch_of_reclaim_says_what_became_of_each_page)
{
	struct kt_cache *cache = listed(ZONAL_CACHE, 8, ZONAL_TRACE_BIT(LRU_ISOLATE) |
					ZONAL_TRACE_BIT(WRITEPAGE) |
					ZONAL_TRACE_BIT(SHRINK_INACTIVE));
	struct scan s;

	if (!cache)
		return;
	s = scan_of(cache->mm);
	cache->place[0].used = true;
	cache->place[1].give = ZONAL_GIVE_BUSY;
	cache->place[2].give = ZONAL_GIVE_DIRTY;
	cache->place[3].give = ZONAL_GIVE_WRITING;
	cache->place[4].give = ZONAL_GIVE_NO_ROOM;
	zonal_page_writing(cache->mm, cache->place[5].page);
	KT_EQ(shrink_inactive(&s, cache->mm->node[0], LRU_INACTIVE_CACHE, 8), 2);
	NEXT_IS(cache->mm, LRU_ISOLATE, ZONE_NORMAL, 2, 8, 8, 0, 8, 0, LRU_INACTIVE_CACHE);
	NEXT_IS(cache->mm, WRITEPAGE, cache->place[3].page->pfn, FILE_FLAGS);
	NEXT_IS(cache->mm, SHRINK_INACTIVE, 0, 8, 2, 3, 1, 0, 0, 2, 1, 1, 3, FILE_FLAGS);
	finish(cache);
}

/* On the active list meanwhile, it comes back to the other one, and kswapd meets it again. */
KTEST(trace, a_page_that_kswapd_meets_twice_while_it_is_written)
{
	struct kt_cache *cache = listed(ZONAL_CACHE, 1, ZONAL_TRACE_BIT(SHRINK_INACTIVE));
	struct scan s;

	if (!cache)
		return;
	s = scan_of(cache->mm);
	s.kswapd = true;
	zonal_page_writing(cache->mm, cache->place[0].page);
	KT_EQ(shrink_inactive(&s, cache->mm->node[0], LRU_INACTIVE_CACHE, 4), 0);
	NEXT_IS(cache->mm, SHRINK_INACTIVE, 0, 1, 0, 1, 1, 0, 0, 1, 0, 0, 3, FILE_FLAGS);
	shrink_active(&s, cache->mm->node[0], LRU_ACTIVE_CACHE, 4);
	KT_EQ(shrink_inactive(&s, cache->mm->node[0], LRU_INACTIVE_CACHE, 4), 0);
	NEXT_IS(cache->mm, SHRINK_INACTIVE, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 3, FILE_FLAGS);
	/* A third time, and what was met before is not counted again. */
	shrink_active(&s, cache->mm->node[0], LRU_ACTIVE_CACHE, 4);
	KT_EQ(shrink_inactive(&s, cache->mm->node[0], LRU_INACTIVE_CACHE, 4), 0);
	NEXT_IS(cache->mm, SHRINK_INACTIVE, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 3, FILE_FLAGS);
	finish(cache);
}

/* What goes of a task's was written first; 5.10 counts none of it as dirty. */
KTEST(trace, an_anonymous_page_is_written_before_it_goes)
{
	struct kt_cache *cache = listed(ZONAL_ANON, 3, ZONAL_TRACE_BIT(WRITEPAGE) |
					ZONAL_TRACE_BIT(SHRINK_INACTIVE));
	uint32_t pfn;
	struct scan s;

	if (!cache)
		return;
	s = scan_of(cache->mm);
	pfn = cache->place[0].page->pfn;
	cache->place[1].give = ZONAL_GIVE_DIRTY;
	cache->place[2].give = ZONAL_GIVE_NO_ROOM;
	KT_EQ(shrink_inactive(&s, cache->mm->node[0], LRU_INACTIVE_ANON, 3), 1);
	NEXT_IS(cache->mm, WRITEPAGE, pfn, ANON_FLAGS);
	NEXT_IS(cache->mm, SHRINK_INACTIVE, 0, 3, 1, 0, 0, 0, 1, 0, 0, 0, 3, ANON_FLAGS);
	finish(cache);
}

KTEST(trace, pages_of_zones_that_do_not_matter_are_skipped)
{
	struct zonal *mm = kt_bare_instance(&two_zones);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 4096) : NULL;
	struct scan s;

	if (!cache || !trace_begin(mm, 0))
		return;
	kt_cache_fill(cache, 0, GFP_KERNEL, 5);
	kt_cache_fill(cache, 0, GFP_KERNEL | __GFP_DMA, 3);
	zonal_trace_on(mm, ZONAL_TRACE_BIT(LRU_ISOLATE));
	s = scan_of(mm);
	s.high_zone = ZONE_DMA;
	s.may = 0;
	KT_EQ(shrink_inactive(&s, mm->node[0], LRU_INACTIVE_CACHE, 4), 3);
	NEXT_IS(mm, LRU_ISOLATE, ZONE_DMA, 2, 4, 8, 5, 3, 2, LRU_INACTIVE_CACHE);
	finish(cache);
}

KTEST(trace, an_active_list_says_how_many_were_used)
{
	struct kt_cache *cache = listed(ZONAL_CACHE, 6, ZONAL_TRACE_BIT(SHRINK_ACTIVE));
	struct scan s;

	if (!cache)
		return;
	s = scan_of(cache->mm);
	for (unsigned i = 0; i < 12; i++)
		zonal_page_touch(cache->mm, cache->place[i / 2].page);
	cache->place[1].used = cache->place[2].used = true;
	shrink_active(&s, cache->mm->node[0], LRU_ACTIVE_CACHE, 4);
	NEXT_IS(cache->mm, SHRINK_ACTIVE, 0, 4, 0, 4, 2, 3, FILE_FLAGS);
	finish(cache);
}

KTEST(trace, a_round_says_how_long_the_lists_are)
{
	struct kt_cache *cache = listed(ZONAL_CACHE, 6, ZONAL_TRACE_BIT(INACTIVE_IS_LOW));
	struct scan s;

	if (!cache)
		return;
	s = scan_of(cache->mm);
	s.priority = RECLAIM_PRIORITY;
	zonal_page_touch(cache->mm, cache->place[0].page);
	zonal_page_touch(cache->mm, cache->place[0].page);
	shrink_node(&s, cache->mm->node[0]);
	NEXT_IS(cache->mm, INACTIVE_IS_LOW, 0, ZONE_NORMAL, 0, 0, 0, 0, 1, ANON_FLAGS);
	NEXT_IS(cache->mm, INACTIVE_IS_LOW, 0, ZONE_NORMAL, 5, 5, 1, 1, 1, FILE_FLAGS);
	finish(cache);
}

/* A shrinker that has 1000 objects, and drops what it is asked to look at. */
static uint64_t thousand(struct zonal_shrinker *self, unsigned nid)
{
	(void)self;
	return nid ? 0 : 1000;
}

static uint64_t drop(struct zonal_shrinker *self, unsigned nid, uint64_t nr)
{
	(void)self;
	(void)nid;
	return nr;
}

static uint64_t none_kept(struct zonal_shrinker *self, unsigned nid)
{
	(void)self;
	(void)nid;
	return 0;
}

static struct kt_cache *shrinkers_traced(void)
{
	return listed(ZONAL_CACHE, 1, ZONAL_TRACE_BIT(SLAB_BEGIN) | ZONAL_TRACE_BIT(SLAB_END));
}

KTEST(trace, a_shrinker_that_has_nothing_is_not_asked_for_more)
{
	struct zonal_shrinker shrinker = { .name = "kt", .count = none_kept, .scan = drop,
					   .seeks = 2 };
	struct kt_cache *cache = shrinkers_traced();
	struct scan s;

	if (!cache)
		return;
	s = scan_of(cache->mm);
	/* Nor is anything left of what it was before. */
	st_relaxed(&shrinker.deferred[0], 9);
	zonal_shrinker_register(cache->mm, &shrinker);
	KT_EQ(ld_relaxed(&shrinker.deferred[0]), 0);
	KT_EQ(shrink_objects(&s, cache->mm->node[0]), 0);
	nothing_more(cache->mm);
	zonal_shrinker_unregister(cache->mm, &shrinker);
	finish(cache);
}

KTEST(trace, a_shrinker_is_seen_with_what_is_carried_over)
{
	struct zonal_shrinker shrinker = { .name = "kt", .count = thousand, .scan = drop,
					   .seeks = 2 };
	struct kt_cache *cache = shrinkers_traced();
	struct scan s;

	if (!cache)
		return;
	s = scan_of(cache->mm);
	zonal_shrinker_register(cache->mm, &shrinker);
	/* A share of 2 * (1000 >> 3), in batches of 128: one, and 122 are carried over. */
	KT_EQ(shrink_objects(&s, cache->mm->node[0]), 128);
	NEXT_IS(cache->mm, SLAB_BEGIN, 0, 0, GFP_KERNEL, 1000, 250, 250, 3);
	NEXT_IS(cache->mm, SLAB_END, 0, 0, 122, 128, 122);
	KT_EQ(shrink_objects(&s, cache->mm->node[0]), 256);
	NEXT_IS(cache->mm, SLAB_BEGIN, 0, 122, GFP_KERNEL, 1000, 250, 372, 3);
	NEXT_IS(cache->mm, SLAB_END, 0, 122, 116, 256, 116);
	zonal_shrinker_unregister(cache->mm, &shrinker);
	finish(cache);
}

KTEST(trace, who_wakes_kswapd_is_seen_with_what_it_wants)
{
	struct zonal *mm = kt_bare_instance(&uma);

	if (!mm || !trace_begin(mm, ZONAL_TRACE_BIT(KSWAPD_ASKED) | ZONAL_TRACE_BIT(KSWAPD_WAKE)))
		return;
	zonal_kswapd_turn(mm, 0, false);
	/* Nobody is in need. */
	KT_TRUE(!kswapd_wake(mm, mm->node[0], 2, ZONE_DMA32, GFP_ATOMIC));
	nothing_more(mm);
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	KT_TRUE(kswapd_wake(mm, mm->node[0], 1, ZONE_DMA, GFP_ATOMIC));
	NEXT_IS(mm, KSWAPD_ASKED, 0, ZONE_DMA, 1, GFP_ATOMIC);
	zonal_kswapd_turn(mm, 0, true);
	NEXT_IS(mm, KSWAPD_WAKE, 0, ZONE_DMA32, 2);
	zonal_trace_on(mm, 0);
}

/* One page less than the mark wants: an attempt in vain, of which only the retry is watched. */
static void fails_with_a_retry(struct zonal *mm)
{
	zonal_drain_all(mm, NULL);
	kt_marks(kt_zone(mm, 0, ZONE_DMA), 4096, 4096, 4096);
	zonal_kswapd_turn(mm, 0, false);
	zonal_trace_on(mm, ZONAL_TRACE_BIT(RETRY));
	KT_TRUE(!zonal_alloc(mm, GFP_KERNEL | __GFP_NOWARN, 0));
}

KTEST(trace, a_request_that_reclaims_is_seen_to_begin_and_end_and_to_be_judged)
{
	struct kt_cache *cache = listed(ZONAL_CACHE, 4096, 0);
	struct zonal *mm = cache ? cache->mm : NULL;
	struct page *page;

	if (!mm)
		return;
	zonal_trace_on(mm, ZONAL_TRACE_BIT(RECLAIM_BEGIN) | ZONAL_TRACE_BIT(RECLAIM_END));
	page = zonal_alloc(mm, GFP_KERNEL, 0);
	KT_TRUE(page);
	NEXT_IS(mm, RECLAIM_BEGIN, 0, GFP_KERNEL);
	NEXT_IS(mm, RECLAIM_END, (uint32_t)cache->committed);
	nothing_more(mm);
	zonal_free(mm, page, 0);
	kt_cache_drop_all(cache);
	/* Nothing to reclaim. */
	fails_with_a_retry(mm);
	/* K14: with nothing on the lists, what is free counts. */
	NEXT_IS(mm, RETRY, 0, ZONE_DMA, 0, 0, 4096, 4096, 1, 0);
	nothing_more(mm);
	zonal_trace_on(mm, 0);
}

/* R3: what could be reclaimed, and all that would be free then. */
KTEST(trace, a_retry_tells_what_would_be_free_if_all_went)
{
	static const struct kt_spec spec = { .ram = { { 0, KT_DMA_PFN, 4096 } } };
	struct zonal *mm = kt_bare_instance(&spec);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 800) : NULL;

	if (!cache || !trace_begin(mm, 0) ||
	    !KT_EQ(kt_cache_fill(cache, 0, GFP_NOWAIT | __GFP_MOVABLE, 800), 800))
		return;
	for (unsigned i = 0; i < cache->count; i++)
		cache->place[i].give = ZONAL_GIVE_BUSY;
	fails_with_a_retry(mm);
	NEXT_IS(mm, RETRY, 0, ZONE_DMA, 0, 800, 4096, 4096, 1, 0);
	nothing_more(mm);
	zonal_trace_on(mm, 0);
	kt_no_marks(mm);
	kt_cache_drop_all(cache);
}

KTEST(trace, reclaim_in_a_group_has_points_of_its_own)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct zonal_group *group = kt_alloc(sizeof(*group), 16);
	struct zonal_task saved, *task = kt_task_save(&saved);
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN | __GFP_NORETRY;
	struct page *page;
	size_t bytes;

	if (!mm || !group || !trace_begin(mm, ZONAL_TRACE_BIT(GROUP_BEGIN) |
					      ZONAL_TRACE_BIT(GROUP_END) |
					      ZONAL_TRACE_BIT(RECLAIM_BEGIN)))
		return;
	bytes = zonal_group_map_bytes(mm);
	KT_EQ(zonal_groups_begin(mm, kt_alloc(bytes, 16), bytes), 0);
	KT_EQ(zonal_group_make(mm, group, NULL, 4), 0);
	zonal_group_join(group, task);
	page = zonal_alloc(mm, gfp, 2);
	nothing_more(mm);
	KT_TRUE(page && !zonal_alloc(mm, gfp, 0));
	NEXT_IS(mm, GROUP_BEGIN, 0, gfp);
	NEXT_IS(mm, GROUP_END, 0);
	zonal_trace_on(mm, 0);
	zonal_free(mm, page, 2);
	zonal_group_join(NULL, task);
	zonal_group_settle(mm);
	KT_EQ(zonal_group_drop(group), 0);
	kt_task_restore(&saved);
}

/* What a run of kswapd leaves: asked, awake, batches off the list with the pages freed, asleep. */
KTEST(trace, a_run_of_kswapd_is_seen_from_the_wish_to_the_sleep)
{
	struct zonal *mm = kt_instance(&uma);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 4096) : NULL;
	struct zonal_trace_record record;
	unsigned seen[ZONAL_TRACE_POINTS] = { 0 }, batched = 0;

	if (!cache || !trace_begin(mm, 0))
		return;
	zonal_kswapd_turn(mm, 0, false);
	kt_cache_fill(cache, 0, GFP_NOWAIT | __GFP_MOVABLE, 4096);
	zonal_trace_on(mm, ZONAL_TRACE_BIT(KSWAPD_WAKE) | ZONAL_TRACE_BIT(SHRINK_INACTIVE) |
				   ZONAL_TRACE_BIT(KSWAPD_SLEEP));
	zonal_kswapd_turn(mm, 0, true);
	zonal_kswapd_turn(mm, 0, false);
	while (zonal_trace_read(mm, kt_cpu_id(0), &record, 1)) {
		seen[record.point]++;
		if (record.point == ZONAL_TRACE_SHRINK_INACTIVE)
			batched += record.field[2];
	}
	KT_EQ(seen[ZONAL_TRACE_KSWAPD_WAKE], 1);
	KT_EQ(seen[ZONAL_TRACE_KSWAPD_SLEEP], 1);
	KT_OK(seen[ZONAL_TRACE_SHRINK_INACTIVE] > 0, "no batch");
	KT_EQ(batched, kt_event(mm, EVENT_PGSTEAL_KSWAPD));
	zonal_trace_on(mm, 0);
	kt_cache_drop_all(cache);
}
#endif

/* Once: who finds none takes none off. */
KTEST(trace, a_boost_that_a_request_takes_off_is_seen)
{
	struct zonal *mm = kt_instance(&uma);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;

	if (!mm || !trace_begin(mm, ZONAL_TRACE_BIT(CALL_OTHER)))
		return;
	st_relaxed(&zone->boost, 1);
	KT_TRUE(zone_unboost(zone));
	KT_EQ(ld_relaxed(&zone->boost), 0);
	KT_TRUE(!zone_unboost(zone));
	NEXT_IS(mm, CALL_OTHER, ZONAL_OTHER_BOOST, 0, ZONE_DMA);
	nothing_more(mm);
	zonal_trace_on(mm, 0);
}

KTEST(trace, a_boost_that_kswapd_takes_off_is_seen)
{
	struct zonal *mm = kt_instance(&uma);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;

	if (!mm || !trace_begin(mm, 0))
		return;
	st_relaxed(&zone->boost, 20);
	kt_floor(zone);
	kswapd_ask(mm, mm->node[0], 0, ZONE_DMA, 0);
	zonal_trace_on(mm, ZONAL_TRACE_BIT(CALL_OTHER));
	zonal_kswapd_turn(mm, 0, true);
	KT_EQ(ld_relaxed(&zone->boost), 0);
	NEXT_IS(mm, CALL_OTHER, ZONAL_OTHER_BOOST, 0, ZONE_DMA);
	nothing_more(mm);
	zonal_trace_on(mm, 0);
}
