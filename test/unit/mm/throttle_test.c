/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The throttle of direct reclaim (K12), by the naps that it takes.
 *
 * They are counted and last no time (port_watch.h), and what the case says is done in each, as
 * others would while the caller sleeps. So a case decides itself after how many naps there is
 * memory again.
 */
#include "kt_cache.h"
#include "port_watch.h"

#include "mm/reclaim/scan.h"
#include "mm/watermark.h"

enum { PAGES = 4096 };

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, PAGES } } };

static struct {
	unsigned memory_after; /* naps; 0: never */
	struct zone *zone;
	struct zonal_task task; /* as it was */
} port;

/* The marks go down instead of the free pages up: the test looks at their ratio. */
static void memory_comes(void)
{
	if (kt_naps == port.memory_after)
		kt_marks(port.zone, 0, 0, 0);
}

/* A board full of a kind, whose 100 free pages are less than half of MIN, and a task as given. */
static struct kt_cache *starved_of(const struct kt_spec *spec, enum zonal_kind kind,
				   uint32_t task_flags, unsigned memory_after)
{
	struct zonal *mm = kt_bare_instance(spec);
	struct kt_cache *cache = mm ? kt_cache(mm, kind, 2 * PAGES) : NULL;

	if (!cache)
		return NULL;
	kt_cache_fill(cache, 0, GFP_NOWAIT | __GFP_NOWARN, PAGES - 100);
	zonal_drain_all(mm, NULL);
	port.zone = kt_zone(mm, 0, ZONE_DMA);
	port.memory_after = memory_after;
	kt_marks(port.zone, 1000, 2000, 3000);
	kt_task_save(&port.task)->flags = task_flags;
	kt_on_nap = memory_comes;
	watch_port();
	return cache;
}

static struct kt_cache *starved(uint32_t task_flags, unsigned memory_after)
{
	return starved_of(&uma, ZONAL_CACHE, task_flags, memory_after);
}

static uint64_t throttled(struct kt_cache *cache)
{
	return ld_relaxed(&cache->mm->cpu[kt_cpu_id(0)]->event[EVENT_PGSCAN_DIRECT_THROTTLE]);
}

static void finish(struct kt_cache *cache, struct page *page)
{
	unwatch_port();
	kt_on_nap = NULL;
	kt_task_restore(&port.task);
	zonal_free(cache->mm, page, 0);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

KTEST(rows_k, k12_users_task_waits_until_the_reserve_is_back)
{
	struct kt_cache *cache = starved(ZTASK_USER, 3);
	struct page *page;

	if (!cache)
		return;
	page = zonal_alloc(cache->mm, GFP_KERNEL, 0);
	KT_TRUE(page);
	KT_EQ(kt_naps, 3);
	KT_EQ(throttled(cache), 1);
	finish(cache, page);
}

KTEST(rows_k, k12_tasks_of_the_system_do_not_wait)
{
	struct kt_cache *cache = starved(0, 0);
	struct page *page;

	if (!cache)
		return;
	page = zonal_alloc(cache->mm, GFP_KERNEL | __GFP_NORETRY, 0);
	KT_EQ(kt_naps, 0);
	KT_EQ(throttled(cache), 0);
	finish(cache, page);
}

KTEST(rows_k, k12_who_holds_locks_of_files_waits_a_second_at_most)
{
	struct kt_cache *cache = starved(ZTASK_USER, 0);
	struct page *page;

	if (!cache)
		return;
	page = zonal_alloc(cache->mm, GFP_NOFS | __GFP_NORETRY, 0);
	KT_EQ(kt_naps, 10);
	KT_EQ(throttled(cache), 1);
	finish(cache, page);
}

KTEST(rows_k, k12_any_other_waits_ten_seconds_at_most)
{
	struct kt_cache *cache = starved(ZTASK_USER, 0);
	struct page *page;

	if (!cache)
		return;
	page = zonal_alloc(cache->mm, GFP_KERNEL | __GFP_NORETRY, 0);
	KT_EQ(kt_naps, 100);
	KT_EQ(throttled(cache), 1);
	finish(cache, page);
}

/* With MIN and boost as given: how often a user's task naps. */
static unsigned naps_at(struct kt_cache *cache, int64_t min, int64_t boost)
{
	struct page *page;

	kt_naps = 0;
	st_relaxed(&port.zone->boost, boost);
	kt_marks(port.zone, min, 3000, 3000);
	page = zonal_alloc(cache->mm, GFP_NOFS | __GFP_NORETRY, 0);
	zonal_free(cache->mm, page, 0);
	/* The pages that it freed are taken again. */
	st_relaxed(&port.zone->boost, 0);
	kt_marks(port.zone, 0, 0, 0);
	zonal_drain_all(cache->mm, NULL);
	kt_cache_fill(cache, 0, GFP_NOWAIT | __GFP_NOWARN, (unsigned)kt_free(port.zone) - 100);
	zonal_drain_all(cache->mm, NULL);
	KT_EQ(kt_free(port.zone), 100);
	return kt_naps;
}

KTEST(rows_k, k12_more_than_half_of_mark_and_boost_is_enough)
{
	struct kt_cache *cache = starved(ZTASK_USER, 0);

	if (!cache)
		return;
	KT_EQ(naps_at(cache, 199, 0), 0);
	KT_EQ(naps_at(cache, 200, 0), 10);
	KT_EQ(naps_at(cache, 150, 49), 0);
	KT_EQ(naps_at(cache, 150, 50), 10);
	/* Somebody must be there to wait for. */
	st_relaxed(&cache->mm->node[0]->reclaim.failures, 15);
	KT_EQ(naps_at(cache, 200, 0), 10);
	finish(cache, NULL);
}

KTEST(rows_k, k12_nobody_waits_for_a_hopeless_kswapd)
{
	struct kt_cache *cache = starved(ZTASK_USER, 0);

	if (!cache)
		return;
	st_relaxed(&cache->mm->node[0]->reclaim.failures, 16);
	KT_EQ(naps_at(cache, 200, 0), 0);
	finish(cache, NULL);
}

KTEST(rows_k, k12_zone_without_anything_to_reclaim_does_not_count)
{
	struct kt_cache *cache = starved_of(&uma, ZONAL_ANON, ZTASK_USER, 0);

	if (!cache)
		return;
	KT_TRUE(!zonal_alloc(cache->mm, GFP_NOFS | __GFP_NORETRY | __GFP_NOWARN, 0));
	KT_EQ(kt_naps, 0);
	finish(cache, NULL);
}

KTEST(rows_k, k12_who_waits_asks_for_the_zones_that_have_reserves)
{
	struct kt_cache *cache = starved(ZTASK_USER, 0);
	gfp_t movable = (GFP_HIGHUSER_MOVABLE & ~__GFP_KSWAPD_RECLAIM) | __GFP_NORETRY;
	struct node_reclaim *r;
	struct page *page;

	if (!cache)
		return;
	r = &cache->mm->node[0]->reclaim;
	st_relaxed(&r->wanted_zones, 0);
	page = zonal_alloc(cache->mm, movable, 0);
	KT_EQ(kt_naps, 100);
	KT_EQ(ld_relaxed(&r->wanted_zones), ZONE_NORMAL + 1);
	finish(cache, page);
}

static struct kt_cache *waiting;
static enum zonal_kind kind_held;

/* At the third nap the others have put back what they held. */
static void put_back_in_time(void)
{
	if (kt_naps == 3)
		fetch_add_relaxed(&waiting->mm->node[0]->reclaim.lru.isolated[kind_held], -1);
}

KTEST(reclaim, an_owner_goes_when_nobody_holds_pages_of_its_kind)
{
	for (unsigned kind = 0; kind < ZONAL_KINDS; kind++)
		for (unsigned held = 0; held < ZONAL_KINDS; held++) {
			struct zonal *mm = kt_bare_instance(&uma);

			waiting = mm ? kt_cache(mm, (enum zonal_kind)kind, 1) : NULL;
			if (!waiting)
				return;
			kind_held = (enum zonal_kind)held;
			fetch_add_relaxed(&mm->node[0]->reclaim.lru.isolated[held], 1);
			kt_on_nap = put_back_in_time;
			watch_port();
			zonal_owner_unregister(mm, waiting->owner);
			unwatch_port();
			kt_on_nap = NULL;
			KT_EQ(kt_naps, kind == held ? 3 : 0);
			if (kind != held)
				fetch_add_relaxed(&mm->node[0]->reclaim.lru.isolated[held], -1);
		}
}

/* One round over a node with a page that is being written, and has been met before. */
static unsigned naps_of_round(bool kswapd, bool met)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 64) : NULL;
	struct scan s = { .mm = mm, .kswapd = kswapd, .high_zone = ZONE_MOVABLE, .target = 32 };

	if (!cache || !KT_EQ(kt_cache_fill(cache, 0, GFP_KERNEL, 16), 16))
		return 0;
	zonal_page_writing(mm, cache->place[3].page);
	if (met)
		word_set(cache->place[3].page, PG_ROTATE);
	watch_port();
	KT_TRUE(shrink_node(&s, mm->node[0]));
	unwatch_port();
	KT_EQ(s.reclaimed, 15);
	zonal_page_written(mm, cache->place[3].page);
	kt_cache_drop_all(cache);
	return kt_naps;
}

KTEST(reclaim, kswapd_naps_where_it_meets_a_page_again_that_is_still_being_written)
{
	KT_EQ(naps_of_round(true, true), 1);
	KT_EQ(naps_of_round(true, false), 0);
	KT_EQ(naps_of_round(false, true), 0);
}
