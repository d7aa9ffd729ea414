/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walk over the zones: rows F.
 *
 * A zone is closed to a pass by raising its marks above everything it holds, and
 * opened again by marks of 0, so that each test decides itself where the walk
 * must end. The boards with three zones have a NORMAL zone of 255 pages that begins
 * at an odd frame: no block of it reaches a pageblock, which is what NOFRAGMENT
 * looks for.
 */
#include "kt_instance.h"

#include "mm/watermark.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };

static const struct kt_spec four_nodes = {
	.ram = { { 0, KT_DMA_PFN, 1024 },
		 { 1, KT_DMA_PFN + 1024, 1024 },
		 { 2, KT_DMA_PFN + 2048, 1024 },
		 { 3, KT_DMA_PFN + 3072, 1024 } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
	/* two sockets of two */
	.distance = { { 10, 12, 20, 20 },
		      { 12, 10, 20, 20 },
		      { 20, 20, 10, 12 },
		      { 20, 20, 12, 10 } },
};

static const struct kt_spec fragile = {
	.ram = { { 0, KT_RPI_DMA_PFN, 512 },
		 { 0, KT_RPI_DMA32_PFN, 4096 },
		 { 0, KT_NORMAL_PFN + 1, 255 } },
	.dma_max = KT_RPI_DMA_MAX,
};

/* The same with a second node, whose pageblocks are whole. */
static const struct kt_spec fragile_2n = {
	.ram = { { 0, KT_RPI_DMA_PFN, 512 },
		 { 0, KT_RPI_DMA32_PFN, 1024 },
		 { 0, KT_NORMAL_PFN + 1, 255 },
		 { 1, KT_NORMAL_PFN + 4096, 4096 } },
	.dma_max = KT_RPI_DMA_MAX,
};

/* Two nodes, and DMA32 is on neither. */
static const struct kt_spec no_dma32_2n = {
	.ram = { { 0, KT_DMA_PFN, 512 },
		 { 0, KT_NORMAL_PFN + 1, 255 },
		 { 1, KT_NORMAL_PFN + 4096, 4096 } },
};

/* The same, and DMA32 is there on node 0, but reserved to its last page. */
static const struct kt_spec reserved_dma32_2n = {
	.ram = { { 0, KT_RPI_DMA_PFN, 512 },
		 { 0, KT_RPI_DMA32_PFN, 1024 },
		 { 0, KT_NORMAL_PFN + 1, 255 },
		 { 1, KT_NORMAL_PFN + 4096, 4096 } },
	.reserved = { { 0, KT_RPI_DMA32_PFN, 1024 } },
	.dma_max = KT_RPI_DMA_MAX,
};

static uint64_t wakes(struct zonal *mm)
{
	return ld_relaxed(&mm->cpu[kt_cpu_id(0)]->kswapd_wakes);
}

KTEST(rows_f, f1_low_first_then_min)
{
	struct zonal *mm = kt_instance(&four_nodes);

	if (!mm)
		return;
	kt_no_marks(mm);
	/* Node 0 is between MIN and LOW: the first pass goes on to node 1. */
	kt_marks(kt_zone(mm, 0, ZONE_DMA), 10, 1 << 20, 1 << 20);
	KT_EQ(kt_served_by(mm, 0, GFP_NOWAIT, 0) / ZONE_TYPES, 1);
	/* All are: the second pass begins at node 0 again. */
	for (unsigned n = 1; n < 4; n++)
		kt_marks(kt_zone(mm, n, ZONE_DMA), 10, 1 << 20, 1 << 20);
	KT_EQ(wakes(mm), 0);
	KT_EQ(kt_served_by(mm, 0, GFP_NOWAIT, 0) / ZONE_TYPES, 0);
	KT_EQ(wakes(mm), 4);
	KT_EQ(kt_served_by(mm, 0, 0, 0) / ZONE_TYPES, 0);
	KT_EQ(wakes(mm), 4);
	kt_check_all(mm);
}

KTEST(rows_f, f2_nofragment_needs_dma32_below)
{
	struct zonal *mm = kt_instance(&fragile);

	if (!mm)
		return;
	kt_no_marks(mm);
	/* All blocks begin MOVABLE, so an unmovable page would have to break one up. */
	KT_EQ(kt_served_by(mm, 0, GFP_NOWAIT, 0), ZONE_DMA32);
	KT_EQ(kt_served_by(mm, 0, GFP_NOWAIT, 3), ZONE_DMA32);
	/* A movable one has its own lists in NORMAL. */
	KT_EQ(kt_served_by(mm, 0, GFP_HIGHUSER_MOVABLE, 0), ZONE_NORMAL);
	mm = kt_instance(&no_dma32_2n);
	if (!mm)
		return;
	kt_no_marks(mm);
	KT_EQ(kt_served_by(mm, 0, GFP_NOWAIT, 0), ZONE_NORMAL);
	kt_check_all(mm);
	/* "Populated" is a matter of what is present, not of what is free to use. */
	mm = kt_instance(&reserved_dma32_2n);
	if (!mm)
		return;
	kt_no_marks(mm);
	KT_EQ(kt_zone(mm, 0, ZONE_DMA32)->present, 1024);
	KT_EQ(kt_served_by(mm, 0, GFP_NOWAIT, 0), ZONE_DMA);
	KT_EQ(kt_served_by(mm, 0, GFP_NOWAIT, 3), ZONE_DMA);
	kt_check_all(mm);
}

KTEST(rows_f, f3_locality_before_fragmentation)
{
	struct zonal *mm = kt_instance(&fragile_2n);

	if (!mm)
		return;
	kt_no_marks(mm);
	KT_EQ(kt_served_by(mm, 0, GFP_NOWAIT, 0), ZONE_DMA32);
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA32));
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	/* Node 1 has whole pageblocks, but that is another node. */
	KT_EQ(kt_served_by(mm, 0, GFP_NOWAIT, 0), ZONE_NORMAL);
	kt_close_zone(kt_zone(mm, 0, ZONE_NORMAL));
	KT_EQ(kt_served_by(mm, 0, GFP_NOWAIT, 0), ZONE_TYPES + ZONE_NORMAL);
	kt_check_all(mm);
}

KTEST(rows_f, f4_second_walk_without_nofragment)
{
	struct zonal *mm = kt_instance(&fragile);

	if (!mm)
		return;
	kt_no_marks(mm);
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA32));
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	KT_EQ(kt_served_by(mm, 0, GFP_NOWAIT, 0), ZONE_NORMAL);
	KT_EQ(wakes(mm), 0); /* still the first pass, at LOW */
	kt_check_all(mm);
}

KTEST(rows_f, f5_cpuset_skips_nodes)
{
	struct zonal *mm = kt_instance(&four_nodes);
	struct zonal_task saved, *task = kt_task_save(&saved);
	nodemask_t mask = node_bit(0) | node_bit(2);
	struct page *page;

	if (!mm)
		return;
	KT_EQ(zonal_task_set_mems(mm, task, node_bit(2) | node_bit(3)), 0);
	/* By the nodemask that the cpuset becomes (Z2) */
	page = zonal_alloc_node(mm, 0, GFP_USER, 0);
	if (KT_TRUE(page)) {
		KT_EQ(zonal_page_node(page), 2);
		zonal_free(mm, page, 0);
	}
	/* With a nodemask of one's own the cpuset is a flag beside it. */
	page = zonal_alloc_mask(mm, 0, GFP_USER, 0, &mask);
	if (KT_TRUE(page)) {
		KT_EQ(zonal_page_node(page), 2);
		zonal_free(mm, page, 0);
	}
	kt_task_restore(&saved);
}

KTEST(rows_f, f6_watermark_says_next_zone)
{
	struct zonal *mm = kt_instance(&four_nodes);

	if (!mm)
		return;
	kt_no_marks(mm);
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	KT_EQ(kt_served_by(mm, 0, GFP_KERNEL, 0) / ZONE_TYPES, 1);
	KT_EQ(kt_served_by(mm, 0, GFP_KERNEL, 5) / ZONE_TYPES, 1);
	for (unsigned n = 1; n < 4; n++)
		kt_close_zone(kt_zone(mm, n, ZONE_DMA));
	KT_EQ(kt_served_by(mm, 0, GFP_KERNEL, 0), -1);
	/* NO_WATERMARKS takes the first zone anyway. */
	KT_EQ(kt_served_by(mm, 0, GFP_KERNEL | __GFP_MEMALLOC, 0) / ZONE_TYPES, 0);
	KT_EQ(kt_served_by(mm, 0, GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOMEMALLOC, 0), -1);
	kt_check_all(mm);
}

KTEST(rows_f, f8_harder_success_reserves_its_block)
{
	struct zonal *mm = kt_instance(&uma);
	struct zone *zone;
	struct page *page;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	/* Served in the first pass: not HARDER, no reserve. */
	page = zonal_alloc(mm, GFP_ATOMIC, 1);
	if (!KT_TRUE(page))
		return;
	KT_EQ(ld_relaxed(&zone->highatomic), 0);
	zonal_free(mm, page, 1);
	kt_marks(zone, 0, 1 << 20, 1 << 20);
	/* order 0 does not either */
	page = zonal_alloc(mm, GFP_ATOMIC, 0);
	if (KT_TRUE(page))
		zonal_free(mm, page, 0);
	KT_EQ(ld_relaxed(&zone->highatomic), 0);
	page = zonal_alloc(mm, GFP_ATOMIC, 1);
	if (!KT_TRUE(page))
		return;
	KT_EQ(ld_relaxed(&zone->highatomic), 512);
	KT_EQ(kt_block_type(mm, zonal_pfn(page)), MIGRATE_HIGHATOMIC);
	zonal_free(mm, page, 1);
	kt_check_all(mm);
}

KTEST(rows_f, f9_slow_path_drops_the_cpuset_mask)
{
	struct zonal *mm = kt_instance(&four_nodes);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!mm)
		return;
	kt_no_marks(mm);
	KT_EQ(zonal_task_set_mems(mm, task, node_bit(1)), 0);
	KT_EQ(kt_served_by(mm, 0, GFP_ATOMIC, 0) / ZONE_TYPES, 1);
	kt_close_zone(kt_zone(mm, 1, ZONE_DMA));
	/* An atomic request has no CPUSET flag there (L1): the whole list is open. */
	KT_EQ(kt_served_by(mm, 0, GFP_ATOMIC, 0) / ZONE_TYPES, 0);
	/* The hard wall of the first pass was the cpuset's, not the caller's (Z2). */
	KT_EQ(kt_served_by(mm, 0, GFP_KERNEL, 0) / ZONE_TYPES, 0);
	/* A hard-walled one is kept in. */
	KT_EQ(kt_served_by(mm, 0, GFP_USER, 0), -1);
	kt_task_restore(&saved);
	kt_check_all(mm);
}

/* L10: a mask without any allowed node is dropped before the request fails. */
KTEST(rows_l, l10_mask_outside_the_cpuset_is_dropped)
{
	struct zonal *mm = kt_instance(&four_nodes);
	struct zonal_task saved, *task = kt_task_save(&saved);
	nodemask_t mask = node_bit(0) | node_bit(3);
	struct page *page;

	if (!mm)
		return;
	KT_EQ(zonal_task_set_mems(mm, task, node_bit(1)), 0);
	page = zonal_alloc_mask(mm, 0, GFP_USER, 0, &mask);
	if (KT_TRUE(page)) {
		KT_EQ(zonal_page_node(page), 1);
		zonal_free(mm, page, 0);
	}
	kt_task_restore(&saved);
}

KTEST(rows_f, f10_nodes_in_order_of_distance)
{
	struct zonal *mm = kt_instance(&four_nodes);
	static const uint8_t order_of_1[] = { 1, 0, 3, 2 };

	if (!mm)
		return;
	kt_no_marks(mm);
	for (unsigned i = 0; i < 4; i++) {
		KT_EQ(kt_served_by(mm, 1, GFP_KERNEL, 0) / ZONE_TYPES, order_of_1[i]);
		kt_close_zone(kt_zone(mm, order_of_1[i], ZONE_DMA));
		/* nobody is woken as long as some zone is above LOW */
		KT_EQ(wakes(mm), 0);
	}
	KT_EQ(kt_served_by(mm, 1, GFP_KERNEL, 0), -1);
	/* then every node's own thread is */
	KT_EQ(wakes(mm), 4);
}

/* The same with real marks: each node is used down to LOW before the next one. */
KTEST(rows_f, f10_each_node_down_to_low)
{
	struct zonal *mm = kt_instance(&four_nodes);
	struct page *chain = NULL, *page;
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	while ((page = zonal_alloc_node(mm, 0, GFP_NOWAIT, 0)) && zonal_page_node(page) == 0) {
		*(struct page **)zonal_page_owner(page) = chain;
		chain = page;
	}
	if (KT_TRUE(page)) {
		KT_EQ(zonal_page_node(page), 1);
		zonal_free(mm, page, 0);
	}
	KT_EQ(kt_free(zone), ld_relaxed(&zone->mark[WMARK_LOW]) +
				     ld_relaxed(&zone->lowmem_reserve[ZONE_NORMAL]));
	kt_give_all(mm, chain, 0);
	kt_check_all(mm);
}

KTEST(rows_f, f11_thisnode_or_null)
{
	struct zonal *mm = kt_instance(&four_nodes);
	struct page *chain = NULL;

	if (!mm)
		return;
	kt_no_marks(mm);
	KT_EQ(kt_take_all(mm, 2, GFP_NOWAIT | __GFP_THISNODE | __GFP_NOWARN, 0, &chain), 1024);
	for (struct page *p = chain; p; p = *(struct page **)zonal_page_owner(p))
		if (!KT_EQ(zonal_page_node(p), 2))
			break;
	KT_EQ(kt_served_by(mm, 2, GFP_KERNEL | __GFP_THISNODE, 0), -1);
	KT_EQ(kt_served_by(mm, 2, GFP_KERNEL, 0) / ZONE_TYPES, 3);
	kt_give_all(mm, chain, 0);
	kt_check_all(mm);
}

KTEST(rows_f, f12_only_single_pages_use_the_cpu_list)
{
	static const struct kt_spec big = { .ram = { { 0, KT_DMA_PFN, 16384 } } };
	struct zonal *mm = kt_instance(&big);
	struct zone *zone;
	struct page *page;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	KT_EQ(zone->pcp_batch, 3);
	page = zonal_alloc(mm, GFP_KERNEL, 0);
	if (!KT_TRUE(page))
		return;
	KT_EQ(kt_free(zone), 16384 - 3);
	KT_EQ(kt_pcp_count(zone), 2);
	zonal_free(mm, page, 0);
	KT_EQ(kt_pcp_count(zone), 3);
	KT_EQ(kt_free(zone), 16384 - 3);
	page = zonal_alloc(mm, GFP_KERNEL, 1);
	if (!KT_TRUE(page))
		return;
	KT_EQ(kt_free(zone), 16384 - 5);
	zonal_free(mm, page, 1);
	KT_EQ(kt_free(zone), 16384 - 3);
	KT_EQ(kt_pcp_count(zone), 3);
	kt_check_all(mm);
}

KTEST(rows_f, f13_boosted_zone_wakes_once)
{
	struct zonal *mm = kt_instance(&uma);
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	for (unsigned order = 0; order < 2; order++) {
		uint64_t before = wakes(mm);

		st_relaxed(&zone->boosted, 1);
		kt_floor(zone);
		KT_EQ(kt_served_by(mm, 0, GFP_KERNEL, order), ZONE_DMA);
		KT_EQ(ld_relaxed(&zone->boosted), 0);
		KT_EQ(wakes(mm), before + 1);
		KT_EQ(kt_served_by(mm, 0, GFP_KERNEL, order), ZONE_DMA);
		KT_EQ(wakes(mm), before + 1);
	}
}

/* M9: a small theft boosts the marks, but only who lets kswapd be woken has it woken. */
KTEST(rows_f, f13_who_forbids_it_wakes_nobody_with_a_theft)
{
	static const struct kt_spec big = { .ram = { { 0, KT_DMA_PFN, 16384 } } };
	const gfp_t movable = GFP_HIGHUSER_MOVABLE & ~__GFP_RECLAIM;
	static struct page *page[16384];

	for (unsigned asks = 0; asks < 2; asks++) {
		struct zonal *mm = kt_bare_instance(&big);
		struct page *stolen;
		struct zone *zone;
		unsigned taken = 0;

		if (!mm)
			return;
		zone = kt_zone(mm, 0, ZONE_DMA);
		while (taken < 16384 && (page[taken] = zonal_alloc(mm, movable, 0)))
			taken++;
		for (unsigned i = 0; i < taken; i += 2)
			zonal_free(mm, page[i], 0);
		zonal_drain_all(mm, NULL);
		kt_marks(zone, 0, 0, 4000);
		stolen = zonal_alloc(mm, asks ? __GFP_KSWAPD_RECLAIM : 0, 0);
		KT_TRUE(stolen);
		KT_TRUE(ld_relaxed(&zone->boost) > 0);
		KT_EQ(wakes(mm), asks);
		zonal_free(mm, stolen, 0);
		for (unsigned i = 1; i < taken; i += 2)
			zonal_free(mm, page[i], 0);
		kt_check_all(mm);
	}
}

/* A block that is not there tells nothing; the flag waits for a take that succeeds. */
KTEST(rows_f, f13_flag_outlives_a_block_that_is_not_there)
{
	struct zonal *mm = kt_instance(&uma);
	struct page *chain = NULL;
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	kt_no_marks(mm);
	(void)kt_take_all(mm, 0, __GFP_MEMALLOC, 0, &chain);
	st_relaxed(&zone->boosted, 1);
	kt_floor(zone);
	/* No watermark stops it, so the take itself finds the lists empty. */
	KT_EQ(kt_served_by(mm, 0, __GFP_MEMALLOC, 1), -1);
	KT_EQ(ld_relaxed(&zone->boosted), 1);
	kt_give_all(mm, chain, 0);
	KT_EQ(kt_served_by(mm, 0, GFP_KERNEL, 0), ZONE_DMA);
	KT_EQ(ld_relaxed(&zone->boosted), 0);
}
