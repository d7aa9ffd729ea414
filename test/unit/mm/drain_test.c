/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Draining by zone and by CPU: row P13 beside pcp_test.c, B15 for pages out of the middle.
 *
 * Two nodes, two CPUs, and both CPUs hold pages of both zones. What a drain was asked for is
 * empty afterwards, and what it was not asked for is untouched, down to the order of the pages.
 *
 * A page taken by its number out of a free block (B15) leaves the rest free in the largest
 * blocks that avoid it. Every position of a block of 32 pages is tried, and some of one of 1,024.
 */
#include "kt_instance.h"

#include "mm/buddy.h"
#include "mm/pcp.h"
#include "mm/watermark.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };

#ifdef HOST_PORT_IMPL_H
static const struct kt_spec two_nodes = {
	.ram = { { 0, KT_DMA_PFN, 16384 }, { 1, KT_DMA_PFN + 16384, 16384 } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
};

/* Both CPUs take and give back pages of both nodes; how many each list holds is noted. */
static void fill_lists(struct zonal *mm, uint32_t count[2][2])
{
	for (unsigned k = 0; k < 2; k++) {
		kt_cpu(k);
		for (unsigned nid = 0; nid < 2; nid++) {
			zonal_free(mm, zonal_alloc_node(mm, (int)nid, GFP_KERNEL, 0), 0);
			zonal_free(mm, zonal_alloc_node(mm, (int)nid, __GFP_MOVABLE, 0), 0);
			count[k][nid] = kt_pcp_held(mm, k, nid);
			KT_TRUE(count[k][nid] > 0);
		}
	}
	kt_cpu(0);
}

KTEST_F(rows_p, p13_only_the_zone_that_was_asked_for, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&two_nodes);
	uint32_t count[2][2];
	uint64_t bulk;

	if (!mm)
		return;
	for (unsigned nid = 0; nid < 2; nid++) {
		struct zone *other = kt_zone(mm, !nid, ZONE_DMA);

		fill_lists(mm, count);
		bulk = kt_stat(other, STAT_BULK_FREE);
		zonal_drain_all(mm, kt_zone(mm, nid, ZONE_DMA));
		for (unsigned k = 0; k < 2; k++) {
			KT_EQ(kt_pcp_held(mm, k, nid), 0);
			KT_EQ(kt_pcp_held(mm, k, !nid), count[k][!nid]);
		}
		KT_EQ(kt_stat(other, STAT_BULK_FREE), bulk);
		KT_EQ(kt_free(kt_zone(mm, nid, ZONE_DMA)), 16384);
		kt_check_all(mm);
	}
}

/* What a CPU that compacts a zone gives back: its own of that zone, and nobody else's. */
KTEST_F(rows_p, p13_a_cpu_gives_back_its_own_of_one_zone, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&two_nodes);
	uint32_t count[2][2];

	if (!mm)
		return;
	for (unsigned nid = 0; nid < 2; nid++) {
		fill_lists(mm, count);
		drain_here(kt_zone(mm, nid, ZONE_DMA));
		KT_EQ(kt_pcp_held(mm, 0, nid), 0);
		KT_EQ(kt_pcp_held(mm, 0, !nid), count[0][!nid]);
		for (unsigned other = 0; other < 2; other++)
			KT_EQ(kt_pcp_held(mm, 1, other), count[1][other]);
	}
	KT_TRUE(!port_irqs_masked());
	kt_check_all(mm);
}

/* A zone that is not the instance's is none of its affair, and is noted. */
KTEST_F(rows_p, p13_a_zone_of_another_instance_is_not_drained, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&two_nodes), *other = kt_bare_instance(&two_nodes);
	uint32_t count[2][2];

	if (!mm || !other)
		return;
	fill_lists(mm, count);
	fill_lists(other, count);
	zonal_drain_all(mm, kt_zone(other, 0, ZONE_DMA));
	KT_EQ(zonal_bad_count(mm), 1);
	KT_EQ(zonal_bad_count(other), 0);
	for (unsigned k = 0; k < 2; k++)
		for (unsigned nid = 0; nid < 2; nid++) {
			KT_TRUE(kt_pcp_held(mm, k, nid) > 0);
			KT_EQ(kt_pcp_held(other, k, nid), count[k][nid]);
		}
}

/* P14, S-rows: who is dead is not online, is not counted, and leaves the mask as it was. */
KTEST_F(rows_p, p14_a_dead_cpu_is_counted_no_more, KT_HOST_ONLY)
{
	static const struct kt_spec spec = { .ram = { { 0, KT_DMA_PFN, 65536 } }, .cpus = 8 };
	struct zonal *mm = kt_bare_instance(&spec);
	struct zone *zone;
	struct page *page;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	for (unsigned k = 7; k > 0; k--) {
		kt_cpu(k);
		page = zonal_alloc(mm, GFP_KERNEL, 0);
		zonal_free(mm, page, 0);
		kt_cpu(0);
		zonal_cpu_dead(mm, kt_cpu_id(k));
		KT_TRUE(!port_irqs_masked());
		KT_EQ(ld_relaxed(&mm->cpu[kt_cpu_id(k)]->online), 0);
		KT_EQ(zone->stat_threshold, stat_threshold_of(65536, k));
	}
	KT_TRUE(stat_threshold_of(65536, 8) > stat_threshold_of(65536, 1));
	/* One behind the last is nobody. */
	zonal_cpu_dead(mm, mm->cpu_count);
	KT_EQ(ld_relaxed(&mm->cpu[kt_cpu_id(0)]->online), 1);
	kt_check_all(mm);
}

/* A CPU that holds nothing of the zone is left alone; so is one that is not online. */
KTEST_F(rows_p, p13_only_cpus_that_hold_something, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&two_nodes);
	struct zone *zone;
	uint32_t count[2][2];
	uint64_t bulk;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	fill_lists(mm, count);
	kt_cpu(1);
	zonal_drain_local(mm);
	kt_cpu(0);
	KT_EQ(kt_pcp_held(mm, 0, 0), count[0][0]);
	bulk = kt_stat(zone, STAT_BULK_FREE);
	zonal_drain_all(mm, zone);
	KT_EQ(kt_stat(zone, STAT_BULK_FREE), bulk + 1);
	fill_lists(mm, count);
	zonal_cpu_dead(mm, kt_cpu_id(1));
	KT_EQ(kt_pcp_held(mm, 1, 0) + kt_pcp_held(mm, 1, 1), 0);
	bulk = kt_stat(zone, STAT_BULK_FREE);
	zonal_drain_all(mm, NULL);
	KT_EQ(kt_stat(zone, STAT_BULK_FREE), bulk + 1);
	/* dead once is dead: a second word of it, or of a CPU that there is not, does nothing */
	zonal_cpu_dead(mm, kt_cpu_id(1));
	zonal_cpu_dead(mm, 4000);
	KT_EQ(kt_stat(zone, STAT_BULK_FREE), bulk + 1);
	KT_EQ(kt_free(zone) + kt_free(kt_zone(mm, 1, ZONE_DMA)), 2 * 16384);
	kt_check_all(mm);
}
#endif

/* The orders of the blocks that are left: as many pages as possible in each step down. */
static void expect_rest(struct zone *zone, pfn_t start, unsigned order, pfn_t hole)
{
	while (order-- > 0) {
		bool upper = (hole - start) >> order & 1;
		pfn_t left = start + (upper ? 0 : (pfn_t)1 << order);
		struct page *head = mm_page(zone->mm, left);

		KT_OK(page_state(head) == PAGE_FREE && page_order(head) == order,
		      "hole %llu: no block of order %u at +%llu",
		      (unsigned long long)(hole - start), order,
		      (unsigned long long)(left - start));
		start += upper ? (pfn_t)1 << order : 0;
	}
}

static void take_exactly(struct zonal *mm, pfn_t start, unsigned order, pfn_t hole)
{
	struct zone *zone = kt_zone(mm, 0, ZONE_DMA);
	struct page *page = mm_page(mm, hole);
	int64_t before = kt_free(zone);
	port_irqflags_t irq = port_irq_save();

	lock_take(&zone->lock);
	KT_TRUE(buddy_take_exact(zone, page));
	KT_EQ(kt_free(zone), before - 1);
	KT_EQ(page_state(page), PAGE_INNER);
	expect_rest(zone, start, order, hole);
	KT_TRUE(!buddy_take_exact(zone, page));
	buddy_put(zone, page, 0, BUDDY_AUTO);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	KT_EQ(kt_free(zone), before);
	/* it merges with all that was left of its block */
	KT_EQ(page_state(mm_page(mm, start)), PAGE_FREE);
	KT_EQ(page_order(mm_page(mm, start)), order);
}

KTEST(rows_b, b15_every_position_of_a_block)
{
	static const unsigned some[] = { 0, 1, 2, 255, 256, 511, 512, 513, 767, 1022, 1023 };
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *page;

	if (!mm)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(some); i++)
		take_exactly(mm, KT_DMA_PFN + 1024, 10, KT_DMA_PFN + 1024 + some[i]);
	/* a block of order 5 between used ones */
	page = zonal_alloc(mm, GFP_KERNEL, 6);
	if (!KT_TRUE(page))
		return;
	zonal_split(mm, page, 6);
	for (unsigned i = 32; i < 64; i++)
		zonal_free(mm, page + i, 0);
	zonal_drain_local(mm);
	for (unsigned i = 0; i < 32; i++)
		take_exactly(mm, zonal_pfn(page) + 32, 5, zonal_pfn(page) + 32 + i);
	for (unsigned i = 0; i < 32; i++)
		zonal_free(mm, page + i, 0);
	zonal_drain_local(mm);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), 4096);
	kt_check_all(mm);
}

/* A page that is in use, its block's head or not, cannot be taken. */
KTEST(rows_b, b15_only_free_pages)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct zone *zone;
	struct page *page;
	port_irqflags_t irq;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	for (unsigned order = 0; order < MAX_ORDER; order++) {
		int64_t before;

		page = zonal_alloc(mm, GFP_KERNEL | (order % 2 ? __GFP_COMP : 0), order);
		if (!KT_TRUE(page))
			return;
		before = kt_free(zone);
		irq = port_irq_save();
		lock_take(&zone->lock);
		KT_TRUE(!buddy_take_exact(zone, page));
		KT_TRUE(!buddy_take_exact(zone, page + (1u << order) - 1));
		lock_drop(&zone->lock);
		port_irq_restore(irq);
		KT_EQ(kt_free(zone), before);
		zonal_free(mm, page, order);
	}
	kt_check_all(mm);
}
