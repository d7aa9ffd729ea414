/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One round over one node, list by list: what is planned, and what becomes of the plan when
 * enough is reclaimed.
 *
 * A node has anonymous pages that go when asked, and a cache that is busy, part of it active. So
 * what is reclaimed is anonymous, what was asked of the cache is counted by its owner, and what was
 * moved off its active list by the events. The numbers are worked out from the rule.
 */
#include "kt_cache.h"

#include "mm/reclaim/scan.h"
#include "mm/watermark.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 8192 } } };

static struct {
	struct zonal *mm;
	struct node *node;
	struct kt_cache *anon, *cache;
	struct scan scan;
} w;

/* That many inactive anonymous pages, and inactive and active ones of the cache. */
static bool world(unsigned anon, unsigned inactive, unsigned active)
{
	w.mm = kt_bare_instance(&uma);
	w.anon = w.mm ? kt_cache(w.mm, ZONAL_ANON, 8192) : NULL;
	w.cache = w.anon ? kt_cache(w.mm, ZONAL_CACHE, 8192) : NULL;
	if (!w.cache || !KT_EQ(kt_cache_fill(w.anon, 0, GFP_KERNEL, anon), anon) ||
	    !KT_EQ(kt_cache_fill(w.cache, 0, GFP_KERNEL, inactive + active), inactive + active))
		return false;
	for (unsigned i = 0; i < 2 * active; i++)
		zonal_page_touch(w.mm, w.cache->place[i / 2].page);
	for (unsigned i = 0; i < w.cache->count; i++)
		w.cache->place[i].give = ZONAL_GIVE_BUSY;
	st_relaxed(&w.mm->swap_free, 8192);
	w.node = w.mm->node[0];
	w.scan = (struct scan){ .mm = w.mm, .kswapd = true, .high_zone = ZONE_MOVABLE,
				.target = 32, .may_swap = true };
	return true;
}

static void round_at(unsigned priority)
{
	w.scan.priority = priority;
	shrink_node(&w.scan, w.node);
}

static void expect(uint64_t anon, uint64_t cache, uint64_t refill)
{
	KT_EQ(w.anon->committed, anon);
	KT_EQ(w.cache->asked_give, cache);
	KT_EQ(kt_event(w.mm, EVENT_PGREFILL), refill);
	kt_check_all(w.mm);
	kt_cache_drop_all(w.anon);
	kt_cache_drop_all(w.cache);
}

/* Planned: 38 anonymous pages, 22 and 67 of the cache. The first batches take 32, 22 and 32, and
 * that is enough. 6 are left of 38, 15 %, so of 67 are 56 to be looked at: 24 more. */
KTEST(reclaim, kind_of_which_less_is_left_is_over_and_the_other_keeps_the_proportion)
{
	if (!world(2048, 512, 1536))
		return;
	round_at(4);
	expect(32, 22, 56);
}

/* 307, 44 and 67 are planned; 47 of 111 are left, 41 %: of 307 are 181 to be looked at. */
KTEST(reclaim, cache_is_over_where_less_of_it_is_left)
{
	if (!world(4096, 256, 384))
		return;
	round_at(2);
	expect(181, 32, 32);
}

/* 68 of 100 are left of both, 67 % of one page more: 33 anonymous ones are to be looked at. */
KTEST(reclaim, cache_is_over_where_as_much_of_both_is_left)
{
	if (!world(100, 100, 0))
		return;
	round_at(0);
	expect(33, 32, 0);
}

/* 307, 11 and 22: the cache is done with in the first batches, and there is nothing to keep. */
KTEST(reclaim, round_ends_where_nothing_is_left_of_one_kind)
{
	if (!world(4096, 64, 128))
		return;
	round_at(2);
	expect(32, 11, 22);
}

/* 60 * 3001 / 1001 and 140 * 3001 / 2001 parts of 388: 59 of 128, 17 of 32, 51 of 96. */
KTEST(reclaim, cache_that_costs_more_is_looked_at_less)
{
	if (!world(2048, 512, 1536))
		return;
	w.scan.target = 8192;
	st_relaxed(&w.node->reclaim.lru.root.cost[ZONAL_CACHE], 1000);
	round_at(4);
	expect(59, 17, 51);
}

KTEST(reclaim, plenty_of_cache_that_nobody_uses_spares_anonymous_pages)
{
	if (!world(2048, 1024, 512))
		return;
	w.scan.target = 8192;
	round_at(4);
	KT_EQ(w.anon->asked_give, 0);
	KT_EQ(w.cache->asked_give, 64);
	/* Not in the last round: then all is looked at. */
	round_at(0);
	expect(2048, 64 + 1024, 0);
}

KTEST(reclaim, hardly_any_cache_is_spared_and_anonymous_pages_go)
{
	if (!world(2048, 64, 8))
		return;
	w.scan.target = 8192;
	/* An active list, so that there is nothing to be gained from making more pages inactive. */
	kt_marks(kt_zone(w.mm, 0, ZONE_DMA), 1 << 14, 1 << 14, 1 << 14);
	round_at(4);
	KT_EQ(w.anon->asked_give, 128);
	KT_EQ(w.cache->asked_give, 0);
	kt_marks(kt_zone(w.mm, 0, ZONE_DMA), 0, 0, 0);
	expect(128, 0, 0);
}

KTEST(reclaim, a_batch_of_active_anonymous_pages_ages_if_they_are_more_and_can_be_written)
{
	if (!world(100, 0, 0))
		return;
	for (unsigned i = 0; i < 2 * 51; i++)
		zonal_page_touch(w.mm, w.anon->place[i / 2].page);
	st_relaxed(&w.mm->swap_free, 0);
	age_anon(&w.scan, w.node);
	KT_EQ(kt_event(w.mm, EVENT_PGDEACTIVATE), 0);
	st_relaxed(&w.mm->swap_free, 1);
	age_anon(&w.scan, w.node);
	KT_EQ(kt_event(w.mm, EVENT_PGDEACTIVATE), 32);
	age_anon(&w.scan, w.node);
	expect(0, 0, 32);
}

static uint64_t half_left(struct zonal_shrinker *self, unsigned nid)
{
	(void)self, (void)nid;
	return 512;
}

static uint64_t all_go(struct zonal_shrinker *self, unsigned nid, uint64_t count)
{
	(void)self, (void)nid;
	return count;
}

KTEST(reclaim, objects_that_went_count_for_the_round_like_pages)
{
	struct zonal_shrinker shrinker = { .name = "kt", .count = half_left, .scan = all_go,
					   .seeks = 2, .batch = 64 };

	if (!world(32, 0, 0))
		return;
	zonal_shrinker_register(w.mm, &shrinker);
	round_at(0);
	/* 512 objects, each as dear as two seeks: 1,024 are to be looked at, by 64. */
	KT_EQ(w.scan.reclaimed, w.anon->committed + 1024);
	zonal_shrinker_unregister(w.mm, &shrinker);
	expect(32, 0, 0);
}

/* ---- one batch ---- */

KTEST(reclaim, batch_counts_what_it_looked_at_and_what_went)
{
	if (!world(32, 0, 0))
		return;
	for (unsigned i = 0; i < 12; i++)
		w.anon->place[i].give = ZONAL_GIVE_BUSY;
	KT_EQ(shrink_inactive(&w.scan, w.node, LRU_INACTIVE_ANON, 32), 20);
	KT_TRUE(!port_irqs_masked());
	KT_EQ(w.scan.scanned, 32);
	KT_EQ(kt_event(w.mm, EVENT_PGSCAN_KSWAPD), 32);
	KT_EQ(kt_event(w.mm, EVENT_PGSTEAL_KSWAPD), 20);
	KT_EQ(kt_event(w.mm, EVENT_PGSCAN_ANON), 32);
	KT_EQ(kt_event(w.mm, EVENT_PGSTEAL_ANON), 20);
	KT_EQ(kt_event(w.mm, EVENT_PGSCAN_DIRECT) + kt_event(w.mm, EVENT_PGSTEAL_DIRECT), 0);
	expect(20, 0, 0);
}

KTEST(reclaim, dirty_cache_that_was_called_for_stays_once_and_its_owner_is_asked_to_write)
{
	if (!world(0, 8, 0))
		return;
	for (unsigned i = 0; i < 8; i++) {
		zonal_page_touch(w.mm, w.cache->place[i].page);
		zonal_page_set_dirty(w.mm, w.cache->place[i].page);
	}
	KT_EQ(shrink_inactive(&w.scan, w.node, LRU_INACTIVE_CACHE, 8), 0);
	KT_EQ(w.cache->asked_give, 0);
	KT_EQ(w.scan.seen.dirty, 8);
	KT_EQ(w.cache->written, 32);
	for (unsigned i = 0; i < 8; i++)
		KT_TRUE(!(page_word(w.cache->place[i].page) & PG_REFERENCED));
	/* The call is forgotten: now it is asked for. */
	KT_EQ(shrink_inactive(&w.scan, w.node, LRU_INACTIVE_CACHE, 8), 0);
	KT_EQ(w.scan.seen.dirty, 8);
	expect(0, 8, 0);
}
