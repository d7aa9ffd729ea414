/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kswapd, turn by turn, without a task: the caller is the port (rows K1-K9).
 *
 * A cache of clean pages fills a board down to a mark; a turn then does what a woken kswapd would
 * do. The watch shows each round. Real runs of 5.10 are repeated by the oracle; here are the
 * rules.
 */
#include "kt_cache.h"

#include "mm/reclaim/kswapd.h"
#include "mm/wake.h"
#include "mm/watermark.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 32768 } } };

#define KERNEL (GFP_KERNEL | __GFP_NOWARN)

/* What the watch has seen. */
static struct {
	unsigned rounds;
	unsigned priority[64];
	uint64_t got[64], target;
	bool may_swap, may_write;
	unsigned order;
} seen;

static void watch(const struct scan *s, struct node *node, uint64_t got)
{
	(void)node;
	if (seen.rounds >= ARRAY_SIZE(seen.got))
		return;
	seen.priority[seen.rounds] = s->priority;
	seen.got[seen.rounds++] = got;
	seen.target = s->target;
	seen.may_swap = s->may_swap;
	seen.may_write = s->may & ZONAL_MAY_WRITE;
	seen.order = s->order;
}

static uint64_t turn(struct zonal *mm, bool woken)
{
	uint64_t ns;

	seen.rounds = 0;
	kswapd_watch = watch;
	ns = zonal_kswapd_turn(mm, 0, woken);
	kswapd_watch = NULL;
	return ns;
}

static void set_boost(struct zone *zone, int64_t pages)
{
	port_irqflags_t irq = port_irq_save();

	lock_take(&zone->lock);
	st_relaxed(&zone->boost, pages);
	zone_update_floor(zone);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
}

/* A board whose cache leaves `free` pages of zone DMA, MIN 1000, LOW 1250, HIGH 1500. */
static struct kt_cache *full_board(enum zonal_kind kind, int64_t free)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct kt_cache *cache = mm ? kt_cache(mm, kind, 32768) : NULL;
	struct zone *zone;

	if (!cache)
		return NULL;
	zone = kt_zone(mm, 0, ZONE_DMA);
	/* What waits in the per-CPU list counts as taken. */
	kt_cache_fill(cache, 0, KERNEL, (unsigned)(kt_free(zone) - free));
	zonal_drain_all(mm, NULL);
	kt_cache_fill(cache, 0, KERNEL, (unsigned)(kt_free(zone) - free));
	kt_marks(zone, 1000, 1250, 1500);
	return cache;
}

KTEST(rows_k, k1_larger_wish_is_kept_and_k2_balanced_node_is_left_asleep)
{
	struct zonal *mm = kt_instance(&uma);
	struct node_reclaim *r;

	if (!mm)
		return;
	r = &mm->node[0]->reclaim;
	KT_TRUE(!kswapd_wake(mm, mm->node[0], 2, ZONE_DMA, 0));
	kswapd_wake(mm, mm->node[0], 5, ZONE_DMA32, 0);
	kswapd_wake(mm, mm->node[0], 3, ZONE_NORMAL, 0);
	KT_EQ(ld_relaxed(&r->wanted_order), 5);
	KT_EQ(ld_relaxed(&r->wanted_zones), ZONE_NORMAL + 1);
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	KT_TRUE(kswapd_wake(mm, mm->node[0], 0, ZONE_MOVABLE, 0));
}

KTEST(rows_k, k3_k5_k6_run_goes_from_12_on_until_a_zone_is_above_high)
{
	struct kt_cache *cache = full_board(ZONAL_CACHE, 1240);
	uint64_t sum = 0, had;
	struct zone *zone;

	if (!cache)
		return;
	zone = kt_zone(cache->mm, 0, ZONE_DMA);
	KT_EQ(kt_free(zone), 1240);
	had = cache->count;
	kswapd_wake(cache->mm, cache->mm->node[0], 0, ZONE_DMA, 0);
	KT_EQ(turn(cache->mm, true), RECLAIM_NAP_NS);
	/* Each round 1/2^priority of what is left. */
	for (unsigned i = 0; i < seen.rounds; i++) {
		KT_EQ(seen.priority[i], 12 - i);
		KT_EQ(seen.got[i], (had - sum) >> (12 - i));
		sum += seen.got[i];
	}
	KT_EQ(seen.target, 1500);
	KT_TRUE(seen.rounds > 3 && sum == cache->committed);
	zonal_drain_all(cache->mm, NULL);
	KT_EQ(kt_free(zone), 1240 + (int64_t)sum);
	KT_TRUE(kt_free(zone) > 1500);
	KT_EQ(kt_event(cache->mm, EVENT_PGSTEAL_KSWAPD), sum);
	KT_EQ(kt_event(cache->mm, EVENT_PGSCAN_KSWAPD), sum);
	KT_EQ(kt_event(cache->mm, EVENT_PAGEOUTRUN), 1);
	/* It had slept for long: nobody disturbed a nap. */
	KT_EQ(kt_event(cache->mm, EVENT_KSWAPD_LOW_QUICKLY), 0);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

KTEST(rows_k, k9_first_a_nap_then_a_long_sleep_and_what_disturbs_the_nap_is_counted)
{
	struct kt_cache *cache = full_board(ZONAL_CACHE, 1600);
	struct zonal *mm;

	if (!cache)
		return;
	mm = cache->mm;
	KT_EQ(turn(mm, false), RECLAIM_NAP_NS);
	KT_EQ(turn(mm, false), UINT64_MAX);
	KT_EQ(turn(mm, false), RECLAIM_NAP_NS);
	/* Woken in its nap. */
	kt_cache_fill(cache, 0, GFP_ATOMIC, 400);
	zonal_drain_all(mm, NULL);
	kswapd_wake(mm, mm->node[0], 0, ZONE_DMA, 0);
	KT_EQ(turn(mm, true), RECLAIM_NAP_NS);
	KT_EQ(kt_event(mm, EVENT_KSWAPD_LOW_QUICKLY), 1);
	/* Not woken, but no more balanced when the nap is over: at once again. */
	kt_marks(kt_zone(mm, 0, ZONE_DMA), 2000, 3000, 4000);
	KT_EQ(turn(mm, false), 0);
	KT_EQ(kt_event(mm, EVENT_KSWAPD_HIGH_QUICKLY), 1);
	/* It asks itself, for single pages of the zones that it worked for last. */
	KT_EQ(ld_relaxed(&mm->node[0]->reclaim.wanted_order), 0);
	KT_EQ(ld_relaxed(&mm->node[0]->reclaim.wanted_zones), mm->node[0]->reclaim.run_zone + 1);
	/* That nap is over: who wakes it now does not disturb it. */
	KT_EQ(turn(mm, true), RECLAIM_NAP_NS);
	KT_EQ(kt_event(mm, EVENT_KSWAPD_LOW_QUICKLY), 1);
	KT_TRUE(node_balanced(mm->node[0], 0, ZONE_DMA));
	kt_check_all(mm);
	kt_cache_drop_all(cache);
}

/* K9: compaction is asked, and where it looks is forgotten, as the nap begins and not once more as
 * the long sleep does. */
KTEST(rows_k, k9_compaction_is_asked_when_the_nap_begins_alone)
{
	struct zonal *mm = kt_instance(&uma);
	struct node_compact *asked = mm ? &mm->node[0]->compact : NULL;
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	kswapd_ask(mm, mm->node[0], 3, ZONE_DMA, 0);
	for (unsigned i = 0; i < 2; i++) {
		st_relaxed(&zone->compact.flush, true);
		KT_EQ(turn(mm, !i), i ? UINT64_MAX : RECLAIM_NAP_NS);
		KT_EQ(ld_relaxed(&asked->wanted_order), i ? 0 : 3);
		KT_EQ(ld_relaxed(&zone->compact.flush), i);
		st_relaxed(&asked->wanted_order, 0);
	}
}

KTEST(rows_k, k2_k6_hopeless_after_16_runs_in_vain_until_somebody_reclaims)
{
	struct kt_cache *cache = full_board(ZONAL_CACHE, 1100);
	struct node_reclaim *r;
	struct page *page;
	struct zonal *mm;

	if (!cache)
		return;
	mm = cache->mm;
	r = &mm->node[0]->reclaim;
	for (unsigned i = 0; i < cache->count; i++)
		cache->place[i].give = ZONAL_GIVE_BUSY;
	for (unsigned i = 0; i < KSWAPD_HOPELESS; i++) {
		KT_EQ(ld_relaxed(&r->failures), i);
		kswapd_wake(mm, mm->node[0], 0, ZONE_DMA, 0);
		turn(mm, true);
		KT_EQ(seen.rounds, 12);
	}
	/* K9: without a nap there is none that was too short. */
	KT_EQ(kt_event(mm, EVENT_KSWAPD_LOW_QUICKLY) + kt_event(mm, EVENT_KSWAPD_HIGH_QUICKLY), 0);
	/* It sleeps though the node is short. */
	KT_TRUE(turn(mm, false) != 0);
	KT_TRUE(!node_balanced(mm->node[0], 0, ZONE_DMA));
	/* Direct reclaim finds something: there is hope again. */
	for (unsigned i = 0; i < cache->count; i++)
		cache->place[i].give = ZONAL_GIVE_YES;
	kt_marks(kt_zone(mm, 0, ZONE_DMA), 1 << 15, 1 << 15, 1 << 15);
	page = zonal_alloc(mm, KERNEL | __GFP_NORETRY, 0);
	KT_TRUE(!page);
	KT_EQ(ld_relaxed(&r->failures), 0);
	kt_check_all(mm);
	kt_cache_drop_all(cache);
}

KTEST(rows_k, k4_k8_boost_alone_is_reclaimed_gently_and_comes_off_the_marks)
{
	struct kt_cache *cache = full_board(ZONAL_CACHE, 8000);
	struct zone *zone;

	if (!cache)
		return;
	zone = kt_zone(cache->mm, 0, ZONE_DMA);
	set_boost(zone, 100);
	kswapd_wake(cache->mm, cache->mm->node[0], 0, ZONE_DMA, 0);
	turn(cache->mm, true);
	KT_TRUE(seen.rounds > 3 && !seen.may_swap && !seen.may_write);
	KT_EQ(cache->last_may, ZONAL_MAY_UNMAP | ZONAL_MAY_WAIT | ZONAL_MAY_FS);
	for (unsigned i = 0; i < seen.rounds; i++)
		KT_EQ(seen.priority[i], ZN_MAX(12 - (int)i, 10));
	/* Not much more than the boost: the last round looked at 24. */
	KT_TRUE(cache->committed >= 100 && cache->committed < 124);
	KT_EQ(ld_relaxed(&zone->boost), 0);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

KTEST(rows_k, k4_boost_run_ends_at_the_first_round_in_vain)
{
	struct kt_cache *cache = full_board(ZONAL_CACHE, 8000);
	struct zone *zone;

	if (!cache)
		return;
	zone = kt_zone(cache->mm, 0, ZONE_DMA);
	for (unsigned i = 0; i < cache->count; i++)
		cache->place[i].give = ZONAL_GIVE_BUSY;
	set_boost(zone, 100);
	kswapd_wake(cache->mm, cache->mm->node[0], 0, ZONE_DMA, 0);
	turn(cache->mm, true);
	KT_EQ(seen.rounds, 1);
	KT_EQ(ld_relaxed(&zone->boost), 0);
	kt_cache_drop_all(cache);
}

KTEST(rows_k, k4_node_that_is_not_balanced_forgets_the_boost_and_works_as_usual)
{
	struct kt_cache *cache = full_board(ZONAL_CACHE, 1300);
	struct zone *zone;

	if (!cache)
		return;
	zone = kt_zone(cache->mm, 0, ZONE_DMA);
	set_boost(zone, 512);
	kswapd_wake(cache->mm, cache->mm->node[0], 0, ZONE_DMA, 0);
	turn(cache->mm, true);
	KT_TRUE(seen.may_write && seen.may_swap);
	KT_EQ(cache->last_may,
	      ZONAL_MAY_UNMAP | ZONAL_MAY_WAIT | ZONAL_MAY_FS | ZONAL_MAY_WRITE);
	KT_EQ(seen.target, 2012);
	KT_TRUE(seen.priority[seen.rounds - 1] < 10);
	KT_EQ(ld_relaxed(&zone->boost), 0);
	kt_cache_drop_all(cache);
}

/* K8: of each zone what it had when the run began; zones without a boost are passed over. */
KTEST(rows_k, k8_boosts_of_all_zones_come_off)
{
	static const struct kt_spec zones = {
		.ram = { { 0, KT_NORMAL_PFN - 4096, 4096 }, { 0, KT_NORMAL_PFN, 8192 } },
	};
	static const int64_t boosts[][2] = { { 0, 50 }, { 50, 0 }, { 40, 60 } };

	for (unsigned i = 0; i < ARRAY_SIZE(boosts); i++) {
		struct zonal *mm = kt_bare_instance(&zones);
		struct zone *low = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL, *high;

		if (!mm)
			return;
		high = kt_zone(mm, 0, ZONE_NORMAL);
		set_boost(low, boosts[i][0]);
		set_boost(high, boosts[i][1]);
		kswapd_ask(mm, mm->node[0], 0, ZONE_NORMAL, 0);
		turn(mm, true);
		KT_EQ(ld_relaxed(&low->boost) + ld_relaxed(&high->boost), 0);
		/* And compaction is asked for a block. */
		KT_EQ(ld_relaxed(&mm->node[0]->compact.wanted_order), PAGEBLOCK_ORDER);
		kt_check_all(mm);
	}
}

static void nobody_sleeps(struct kt_cache *cache, unsigned place)
{
	(void)place;
	KT_TRUE(!ld_relaxed(&cache->mm->node[0]->reclaim.asleep));
}

/* K1: while it works nobody has to wake it, and behind its turn everybody who is in need has. */
KTEST(rows_k, k1_it_is_awake_in_its_turn_and_asleep_behind_it)
{
	struct kt_cache *cache = full_board(ZONAL_CACHE, 1240);

	if (!cache)
		return;
	cache->on_give = nobody_sleeps;
	kswapd_ask(cache->mm, cache->mm->node[0], 0, ZONE_DMA, 0);
	turn(cache->mm, true);
	KT_TRUE(cache->asked_give > 0);
	KT_TRUE(ld_relaxed(&cache->mm->node[0]->reclaim.asleep));
	turn(cache->mm, false);
	KT_TRUE(ld_relaxed(&cache->mm->node[0]->reclaim.asleep));
	cache->on_give = NULL;
	kt_cache_drop_all(cache);
}

KTEST(rows_k, k7_large_wish_comes_down_to_single_pages_when_enough_is_reclaimed)
{
	struct kt_cache *cache = full_board(ZONAL_CACHE, 1240);

	if (!cache)
		return;
	kswapd_wake(cache->mm, cache->mm->node[0], 3, ZONE_DMA, 0);
	turn(cache->mm, true);
	/* 16 pages: after the second or third round */
	KT_EQ(seen.order, 0);
	KT_EQ(cache->mm->node[0]->reclaim.balanced_order, 0);
	KT_EQ(cache->mm->node[0]->reclaim.run_order, 3);
	kt_cache_drop_all(cache);
}

static uint32_t task_flags; /* those that it has whenever an owner is asked */

static void note_flags(struct kt_cache *cache, unsigned place)
{
	(void)cache, (void)place;
	task_flags &= port_this_cpu()->task->flags;
}

KTEST(rows_l, l19_turn_of_kswapd_leaves_the_task_as_it_was)
{
	struct kt_cache *cache = full_board(ZONAL_CACHE, 1240);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!cache)
		return;
	task->flags = ZTASK_NOIO;
	task_flags = ~0u;
	cache->on_give = note_flags;
	kswapd_wake(cache->mm, cache->mm->node[0], 0, ZONE_DMA, 0);
	turn(cache->mm, true);
	KT_EQ(task_flags, ZTASK_NOIO | ZTASK_MEMALLOC);
	KT_EQ(task->flags, ZTASK_NOIO);
	task->flags = ZTASK_MEMALLOC;
	turn(cache->mm, true);
	KT_EQ(task->flags, ZTASK_MEMALLOC);
	kt_task_restore(&saved);
	kt_cache_drop_all(cache);
}

KTEST(rows_k, k6_pages_that_are_used_again_are_found_in_use_and_not_taken)
{
	struct kt_cache *cache = full_board(ZONAL_CACHE, 1240);

	if (!cache)
		return;
	for (unsigned i = 0; i < cache->count; i += 2)
		cache->place[i].hot = true;
	kswapd_wake(cache->mm, cache->mm->node[0], 0, ZONE_DMA, 0);
	turn(cache->mm, true);
	KT_TRUE(node_balanced(cache->mm->node[0], 0, ZONE_DMA));
	for (unsigned i = 0; i < cache->count; i += 2)
		KT_OK(cache->place[i].page, "place %u was in use and went", i);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

/* K5: whoever has looked at as many pages as are wanted does not look harder. Half of the board is
 * cache, nothing is free, and 32 pages (HIGH) are wanted, or a block of order 10. */
KTEST(rows_k, k5_priority_stays_where_a_round_looks_at_as_many_pages_as_are_wanted)
{
	static const unsigned looked[] = { 4, 7, 15, 31, 32, 32 };
	static const unsigned priority[] = { 12, 11, 10, 9, 8, 8 };
	struct zonal *mm = kt_bare_instance(&uma);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 16384) : NULL;
	struct page *rest = NULL;

	if (!cache)
		return;
	kt_cache_fill(cache, 0, KERNEL, 16384);
	kt_take_all(mm, 0, GFP_NOWAIT | __GFP_NOWARN, 0, &rest);
	kt_marks(kt_zone(mm, 0, ZONE_DMA), 8, 16, 32);
	kswapd_wake(mm, mm->node[0], 10, ZONE_DMA, 0);
	turn(mm, true);
	KT_EQ(seen.target, 32);
	for (unsigned i = 0; i < ARRAY_SIZE(looked); i++)
		KT_OK(seen.priority[i] == priority[i] && seen.got[i] == looked[i],
		      "round %u: priority %u, %llu pages", i, seen.priority[i],
		      (unsigned long long)seen.got[i]);
	kt_give_all(mm, rest, 0);
	kt_cache_drop_all(cache);
}

/* K2, K4: of a node with a zone that has nothing, between two that have something. */
KTEST(rows_k, k2_k4_a_node_is_balanced_and_boosted_by_any_of_its_zones)
{
	static const struct kt_spec two = {
		.ram = { { 0, KT_NORMAL_PFN - 1024, 1024 }, { 0, KT_NORMAL_PFN, 4096 } },
	};
	struct zonal *mm = kt_bare_instance(&two);
	struct node *node = mm ? mm->node[0] : NULL;

	if (!mm)
		return;
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	KT_TRUE(!node_balanced(node, 0, ZONE_DMA));
	KT_TRUE(!node_balanced(node, 0, ZONE_DMA32));
	KT_TRUE(node_balanced(node, 0, ZONE_NORMAL));
	set_boost(kt_zone(mm, 0, ZONE_DMA), 7);
	set_boost(kt_zone(mm, 0, ZONE_NORMAL), 20);
	KT_EQ(node_boost(node, ZONE_DMA), 7);
	KT_EQ(node_boost(node, ZONE_DMA32), 7);
	KT_EQ(node_boost(node, ZONE_NORMAL), 27);
	set_boost(kt_zone(mm, 0, ZONE_DMA), 0);
	set_boost(kt_zone(mm, 0, ZONE_NORMAL), 0);
}

/* K2: who has nothing lacks nothing, for nobody could bring it. */
KTEST(rows_k, k2_a_node_without_memory_is_never_in_need)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 1024 } },
		.empty_nodes = 1 << 1,
	};
	struct zonal *mm = kt_instance(&spec);

	if (!mm)
		return;
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	KT_TRUE(!node_balanced(mm->node[0], 0, ZONE_MOVABLE));
	KT_TRUE(node_balanced(mm->node[1], 0, ZONE_MOVABLE));
}

KTEST(reclaim, pages_that_go_to_swap_and_come_back_are_counted)
{
	struct zonal *mm = kt_instance(&uma);

	if (!mm)
		return;
	for (unsigned i = 0; i < 5; i++)
		zonal_swap_count(mm, i < 3);
	KT_EQ(kt_event(mm, EVENT_PSWPOUT), 3);
	KT_EQ(kt_event(mm, EVENT_PSWPIN), 2);
}

/* K1: who takes a page of a zone that was boosted, by whatever way, asks for kswapd, once. */
KTEST(rows_k, k1_the_next_taker_of_a_boosted_zone_asks_for_kswapd)
{
	static const unsigned orders[] = { 0, 3 };

	for (unsigned i = 0; i < ARRAY_SIZE(orders); i++) {
		struct zonal *mm = kt_instance(&uma);
		struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
		port_irqflags_t irq;

		if (!mm)
			return;
		zonal_free(mm, zonal_alloc(mm, GFP_KERNEL, orders[i]), orders[i]);
		KT_EQ(ld_relaxed(&mm->node[0]->reclaim.wanted_zones), 0);
		irq = port_irq_save();
		lock_take(&zone->lock);
		zone_set_boosted(zone, true);
		lock_drop(&zone->lock);
		port_irq_restore(irq);
		zonal_drain_local(mm);
		zonal_free(mm, zonal_alloc(mm, GFP_KERNEL, orders[i]), orders[i]);
		KT_EQ(ld_relaxed(&mm->node[0]->reclaim.wanted_zones), ZONE_DMA + 1);
		KT_EQ(ld_relaxed(&mm->node[0]->reclaim.wanted_order), 0);
		KT_EQ(ld_relaxed(&mm->cpu[kt_cpu_id(0)]->kswapd_wakes), 1);
		st_relaxed(&mm->node[0]->reclaim.wanted_zones, 0);
		zonal_free(mm, zonal_alloc(mm, GFP_KERNEL, orders[i]), orders[i]);
		KT_EQ(ld_relaxed(&mm->node[0]->reclaim.wanted_zones), 0);
	}
}
