/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters: rows Y1-Y5.
 *
 * Two nodes, the test on a CPU of node 0. Small zones, so that no per-CPU list
 * keeps pages; a counter is the sum over the CPUs.
 */
#include "kt_instance.h"

static const struct kt_spec two_nodes = {
	.ram = { { 0, KT_DMA_PFN, 2048 }, { 1, KT_DMA_PFN + 2048, 2048 } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
};

static uint64_t pages_taken(const struct zone *zone)
{
	return kt_hit(zone) + kt_miss(zone) + kt_stat(zone, STAT_TAKE_EXTRA);
}

KTEST(rows_y, y1_pages_taken_and_freed)
{
	struct zonal *mm = kt_instance(&two_nodes);
	struct zone *zone;
	uint64_t pages = 0;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	for (unsigned order = 0; order < MAX_ORDER; order++) {
		struct page *page = zonal_alloc(mm, GFP_KERNEL, order);

		if (!KT_TRUE(page))
			return;
		pages += 1u << order;
		KT_EQ(pages_taken(zone), pages);
		KT_EQ(kt_stat(zone, STAT_FREED), pages - (1u << order));
		zonal_free(mm, page, order);
		KT_EQ(kt_stat(zone, STAT_FREED), pages);
	}
	KT_EQ(kt_hit(zone), MAX_ORDER);
}

KTEST(rows_y, y2_hit_miss_foreign)
{
	struct zonal *mm = kt_instance(&two_nodes);
	struct zone *near, *far;
	struct page *page;

	if (!mm)
		return;
	near = kt_zone(mm, 0, ZONE_DMA);
	far = kt_zone(mm, 1, ZONE_DMA);
	/* wanted on 1, served by 1: a hit there */
	page = zonal_alloc_node(mm, 1, GFP_KERNEL, 0);
	zonal_free(mm, page, 0);
	KT_EQ(kt_hit(far), 1);
	/* wanted on 0, served by 1, order 0 and 3 alike */
	kt_marks(near, 1 << 20, 1 << 20, 1 << 20);
	for (unsigned order = 0; order < 4; order += 3) {
		page = zonal_alloc_node(mm, 0, GFP_KERNEL, order);
		if (KT_TRUE(page))
			zonal_free(mm, page, order);
	}
	KT_EQ(kt_miss(far), 2);
	KT_EQ(kt_hit(far), 1);
	KT_EQ(kt_stat(near, STAT_FOREIGN), 2);
	KT_EQ(kt_stat(far, STAT_FOREIGN), 0);
	KT_EQ(kt_hit(near) + kt_miss(near), 0);
}

/* The fast lane and the long way count alike. */
KTEST(rows_y, y3_local_is_about_the_running_cpu)
{
	struct zonal *mm = kt_instance(&two_nodes);
	struct zone *near, *far;
	struct page *page;

	if (!mm)
		return;
	near = kt_zone(mm, 0, ZONE_DMA);
	far = kt_zone(mm, 1, ZONE_DMA);
	page = zonal_alloc(mm, GFP_KERNEL, 0);
	zonal_free(mm, page, 0);
	page = zonal_alloc_node(mm, 0, GFP_KERNEL, 0);
	zonal_free(mm, page, 0);
	KT_EQ(kt_local(near), 2);
	KT_EQ(kt_other(near), 0);
	page = zonal_alloc_node(mm, 1, GFP_KERNEL, 2);
	zonal_free(mm, page, 2);
	KT_EQ(kt_local(far), 0);
	KT_EQ(kt_other(far), 1);
	if (kt_cpu(1)) {
		page = zonal_alloc_node(mm, 1, GFP_KERNEL, 2);
		zonal_free(mm, page, 2);
		page = zonal_alloc(mm, GFP_KERNEL, 0);
		zonal_free(mm, page, 0);
		KT_EQ(kt_local(far), 2);
		KT_EQ(kt_other(far), 1);
		kt_cpu(0);
	}
}

KTEST(rows_y, y4_sums_after_random_requests)
{
	struct zonal *mm = kt_instance(&two_nodes);
	uint64_t state = kt_seed() | 1, hit = 0, miss = 0, local = 0, other = 0, foreign = 0;
	uint64_t blocks = 0;

	if (!mm)
		return;
	for (unsigned i = 0; i < 400; i++) {
		unsigned order = (unsigned)(kt_random(&state) % 5);
		struct page *page;

		kt_marks(kt_zone(mm, 0, ZONE_DMA), 0, i % 3 ? 0 : 1 << 20, 1 << 20);
		page = zonal_alloc_node(mm, (int)(kt_random(&state) % 2), GFP_NOWAIT, order);
		if (!page)
			continue;
		blocks++;
		zonal_free(mm, page, order);
	}
	for (unsigned n = 0; n < 2; n++) {
		struct zone *zone = kt_zone(mm, n, ZONE_DMA);

		hit += kt_hit(zone);
		miss += kt_miss(zone);
		local += kt_local(zone);
		other += kt_other(zone);
		foreign += kt_stat(zone, STAT_FOREIGN);
	}
	KT_EQ(hit + miss, blocks);
	KT_EQ(local + other, blocks);
	KT_EQ(miss, foreign);
	KT_TRUE(miss > 0);
}
