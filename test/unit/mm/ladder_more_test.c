/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of the ladder that are about more than one pass: L2, L4, L9, L18, Z2, K10.
 *
 * Small boards whose zones are closed by their marks, as in ladder_test.c; where rounds are wanted
 * a cache whose owner would give its pages, if they were written, makes each of them worth trying.
 */
#include <string.h>
#include <zonal/oom.h>

#include "kt_cache.h"

#include "mm/watermark.h"
#include "test/unit/monitor/monitor_capture.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };
static const struct kt_spec three = {
	.ram = { { 0, KT_DMA_PFN, 1024 },
		 { 1, KT_DMA_PFN + 1024, 1024 },
		 { 2, KT_DMA_PFN + 2048, 1024 } },
};
/* Two zones on each node. */
static const struct kt_spec double_zones = {
	.ram = { { 0, KT_RPI_DMA_PFN, 1024 }, { 0, KT_RPI_DMA32_PFN, 1024 },
		 { 1, KT_RPI_DMA_PFN + 1024, 1024 }, { 1, KT_RPI_DMA32_PFN + 1024, 1024 } },
	.dma_max = KT_RPI_DMA_MAX,
};

static void close_all(struct zonal *mm)
{
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone)
		kt_close_zone(zone);
}

static struct zonal_failure failed; /* large for the image's stacks */

static bool fails(struct zonal *mm, gfp_t gfp)
{
	bool none = kt_served_by(mm, 0, gfp | __GFP_NOWARN, 0) == -1;

	zonal_last_failure(mm, &failed);
	return KT_OK(none, "gfp 0x%x was served", gfp);
}

static uint64_t wakes(struct zonal *mm)
{
	return ld_relaxed(&mm->cpu[kt_cpu_id(0)]->kswapd_wakes);
}

/* Neither its floor nor its freedom from the cpuset is left, and it reclaims as any other. */
KTEST(rows_l, l2_atomic_that_may_wait_is_not_atomic)
{
	struct zonal *mm = kt_instance(&three);
	struct zonal_task saved, *task = kt_task_save(&saved);
	uint32_t plain;

	if (!mm)
		return;
	close_all(mm);
	if (fails(mm, GFP_KERNEL | __GFP_NORETRY)) {
		plain = failed.steps;
		KT_TRUE(plain & ZSTEP_RECLAIM);
		if (fails(mm, GFP_KERNEL | __GFP_NORETRY | __GFP_ATOMIC))
			KT_EQ(failed.steps, plain);
	}
	kt_no_marks(mm);
	kt_close_zone(kt_zone(mm, 1, ZONE_DMA));
	KT_EQ(zonal_task_set_mems(mm, task, node_bit(1)), 0);
	KT_EQ(kt_served_by(mm, 0, GFP_ATOMIC | __GFP_HARDWALL, 0) / ZONE_TYPES, 0);
	(void)fails(mm, GFP_USER | __GFP_ATOMIC | __GFP_NORETRY);
	kt_task_restore(&saved);
}

/* And the caller is told, once for all of an instance, with or without NOWARN. */
KTEST_F(rows_l, l2_atomic_that_may_wait_is_said_once, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&three);
	const char *text;

	if (!mm)
		return;
	close_all(mm);
	capture_begin();
	(void)fails(mm, GFP_KERNEL | __GFP_NORETRY);
	(void)fails(mm, GFP_ATOMIC);
	KT_TRUE(!strstr(capture_end(), "__GFP_ATOMIC"));
	capture_begin();
	(void)fails(mm, GFP_KERNEL | __GFP_NORETRY | __GFP_ATOMIC);
	(void)fails(mm, GFP_USER | __GFP_NORETRY | __GFP_ATOMIC);
	text = strstr(capture_end(), "zonal: request with __GFP_ATOMIC and __GFP_DIRECT_RECLAIM");
	KT_OK(text && !strstr(text + 1, "zonal: request with __GFP_ATOMIC"), "%s",
	      text ? text : "nothing is said");
}

KTEST(rows_l, l4_kswapd_of_each_node_is_asked_once_a_round)
{
	struct zonal *mm = kt_instance(&double_zones);
	nodemask_t second = node_bit(1);
	uint64_t before;

	if (!mm)
		return;
	close_all(mm);
	before = wakes(mm);
	if (fails(mm, GFP_NOWAIT))
		KT_EQ(failed.outcome.kswapd_asked, 3);
	KT_EQ(wakes(mm), before + 2);
	KT_TRUE(!zonal_alloc_mask(mm, 0, GFP_NOWAIT | __GFP_NOWARN, 0, &second));
	KT_EQ(wakes(mm), before + 3);
	(void)fails(mm, __GFP_HIGH);
	KT_EQ(wakes(mm), before + 3);
}

KTEST(rows_l, l4_kswapd_is_asked_again_in_each_round)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 8192) : NULL;
	uint64_t before;

	if (!cache)
		return;
	kt_cache_fill(cache, 0, GFP_NOWAIT | __GFP_NOWARN, 8192);
	for (unsigned i = 0; i < cache->count; i++)
		cache->place[i].give = ZONAL_GIVE_DIRTY;
	zonal_kswapd_turn(mm, 0, false);
	before = wakes(mm);
	if (fails(mm, GFP_KERNEL)) {
		KT_EQ(failed.rounds, 16);
		KT_EQ(wakes(mm), before + 1 + failed.rounds);
	}
	kt_cache_drop_all(cache);
}

/* ---- L9 ---------------------------------------------------------------------------- */

static struct {
	struct zonal_oom_notifier notifier;
	struct zonal *mm;
	struct zonal_task *task;
	nodemask_t next; /* 0: nothing changes */
	unsigned asked;
} change;

/* Nobody gives anything back; but the task may use another node from now on. */
static uint64_t nodes_change(struct zonal_oom_notifier *self)
{
	(void)self;
	change.asked++;
	if (change.next)
		KT_EQ(zonal_task_set_mems(change.mm, change.task, change.next), 0);
	change.next = 0;
	return 0;
}

/* At the end of the ladder, when all was tried in vain. */
KTEST(rows_l, l9_a_request_begins_anew_if_its_nodes_have_changed_meanwhile)
{
	struct zonal *mm = kt_instance(&three);
	struct zonal_task saved, *task = kt_task_save(&saved);
	unsigned rounds = 0;

	if (!mm)
		return;
	kt_no_marks(mm);
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	kt_close_zone(kt_zone(mm, 1, ZONE_DMA));
	change.mm = mm;
	change.task = task;
	change.notifier = (struct zonal_oom_notifier){ .freed = nodes_change };
	zonal_oom_notify(mm, &change.notifier);
	KT_EQ(zonal_task_set_mems(mm, task, node_bit(0)), 0);
	change.asked = 0;
	change.next = node_bit(2);
	KT_EQ(kt_served_by(mm, 0, GFP_USER | __GFP_NOWARN, 0) / ZONE_TYPES, 2);
	KT_EQ(change.asked, 1);
	/* All counts are at 0 again: the second time up is as long as the first one. */
	KT_EQ(zonal_task_set_mems(mm, task, node_bit(0)), 0);
	change.next = node_bit(1);
	if (fails(mm, GFP_USER))
		rounds = failed.rounds;
	KT_EQ(change.asked, 3);
	/* Without a change it fails at once; the rounds before one, and the step back, are told. */
	if (fails(mm, GFP_USER))
		KT_EQ(rounds, 2 * failed.rounds + 1);
	KT_EQ(change.asked, 4);
	zonal_oom_ignore(mm, &change.notifier);
	kt_task_restore(&saved);
}

/* ---- the rest ------------------------------------------------------------------------ */

KTEST(rows_l, l18_only_what_came_out_of_the_reserves_is_marked)
{
	static const struct {
		gfp_t gfp;
		bool reserve;
	} table[] = { { GFP_NOWAIT, false }, { GFP_ATOMIC, false }, { __GFP_HIGH, false },
		      { GFP_NOWAIT | __GFP_MEMALLOC, true } };
	struct zonal *mm = kt_instance(&uma);
	struct page *page;

	if (!mm)
		return;
	/* Nobody gets a page at LOW; the first three do at their floors. */
	kt_marks(kt_zone(mm, 0, ZONE_DMA), 0, 1 << 20, 1 << 20);
	for (unsigned i = 0; i < 2 * ARRAY_SIZE(table); i++) {
		bool reserve = table[i % ARRAY_SIZE(table)].reserve;

		if (reserve)
			kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
		page = zonal_alloc(mm, table[i % ARRAY_SIZE(table)].gfp, 0);
		if (KT_TRUE(page))
			KT_EQ(!!(page_word(page) & PG_PFMEMALLOC), reserve);
		zonal_free(mm, page, 0);
		/* The same frame comes again, and without the mark. */
		if (reserve)
			kt_marks(kt_zone(mm, 0, ZONE_DMA), 0, 1 << 20, 1 << 20);
	}
}

/* The first pass: hard wall for all, by the mask if there is none, else beside it. */
KTEST(rows_z, z2_the_first_pass_of_a_task_keeps_to_its_nodes)
{
	struct zonal *mm = kt_instance(&three);
	struct zonal_task saved, *task = kt_task_save(&saved);
	nodemask_t two = node_bit(0) | node_bit(2);
	port_irqflags_t irq;
	struct page *page;

	if (!mm)
		return;
	KT_EQ(zonal_task_set_mems(mm, task, node_bit(1) | node_bit(2)), 0);
	KT_EQ(kt_served_by(mm, 0, GFP_KERNEL, 0) / ZONE_TYPES, 1);
	KT_EQ(kt_served_by(mm, 0, GFP_ATOMIC, 0) / ZONE_TYPES, 1);
	page = zonal_alloc_mask(mm, 0, GFP_KERNEL, 0, &two);
	if (KT_TRUE(page))
		KT_EQ(zonal_page_node(page), 2);
	zonal_free(mm, page, 0);
	/* An interrupt has no nodes of its own, and the task's are not meant. */
	irq = kt_irq_enter();
	KT_EQ(kt_served_by(mm, 0, GFP_ATOMIC, 0) / ZONE_TYPES, 0);
	kt_irq_exit(irq);
	kt_task_restore(&saved);
	KT_EQ(kt_served_by(mm, 0, GFP_KERNEL, 0) / ZONE_TYPES, 0);
}

/* Nothing has to be made more exact while kswapd is awake: counts are exact whenever it looks. */
KTEST(rows_k, k10_free_counts_are_exact_while_kswapd_is_awake)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 8192) : NULL;
	unsigned threshold;
	struct zone *zone;

	if (!cache)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	kt_cache_fill(cache, 0, GFP_NOWAIT | __GFP_NOWARN, 8192);
	zonal_drain_all(mm, NULL);
	threshold = zone->stat_threshold;
	KT_TRUE(threshold > 0 && kt_free(zone) == 0);
	(void)zonal_kswapd_turn(mm, 0, false); /* which asks for nothing yet */
	kt_marks(zone, 64, 128, 256);
	(void)fails(mm, GFP_NOWAIT);
	(void)zonal_kswapd_turn(mm, 0, false);
	KT_TRUE(cache->committed > 0);
	KT_EQ(kt_free(zone) + kt_pcp_count(zone), cache->committed);
	KT_EQ(zone->stat_threshold, threshold);
	kt_check_all(mm);
	kt_cache_drop_all(cache);
}
