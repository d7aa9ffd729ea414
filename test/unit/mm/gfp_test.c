/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Constants and the reading of a request: rows C and G.
 *
 * Most of it is tables, written out here in full from the rows, so that a change
 * of a header is seen. The rest asks a small instance: a request that is refused
 * must leave every free page and every counter as it was.
 */
#include "kt_instance.h"

#include "mm/buddy.h"
#include "mm/request.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };

static const struct kt_spec three_zones = {
	.ram = { { 0, KT_RPI_DMA_PFN, 1024 },
		 { 0, KT_RPI_DMA32_PFN, 1024 },
		 { 0, KT_NORMAL_PFN, 2048 } },
	.dma_max = KT_RPI_DMA_MAX,
};

static const struct kt_spec two_nodes = {
	.ram = { { 0, KT_DMA_PFN, 2048 }, { 1, KT_DMA_PFN + 2048, 2048 } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
};

KTEST(rows_c, c1_orders_are_0_to_10)
{
	struct zonal *mm = kt_instance(&uma);

	KT_EQ(MAX_ORDER, 11);
	if (!mm)
		return;
	for (unsigned order = 0; order <= 10; order++) {
		struct page *page = zonal_alloc(mm, GFP_KERNEL, order);

		if (!KT_OK(page, "order %u gives nothing", order))
			continue;
		KT_EQ(zonal_pfn(page) & ((1u << order) - 1), 0);
		zonal_free(mm, page, order);
	}
	KT_TRUE(!zonal_alloc(mm, GFP_KERNEL | __GFP_NOWARN, 11));
	kt_check_all(mm);
}

KTEST(rows_c, c2_pageblock_is_512_pages)
{
	struct zonal *mm = kt_instance(&uma);

	KT_EQ(PAGEBLOCK_ORDER, 9);
	if (!mm)
		return;
	block_set_type(mm_page(mm, KT_DMA_PFN + 700), MIGRATE_RECLAIMABLE);
	KT_EQ(kt_block_type(mm, KT_DMA_PFN + 511), MIGRATE_MOVABLE);
	KT_EQ(kt_block_type(mm, KT_DMA_PFN + 512), MIGRATE_RECLAIMABLE);
	KT_EQ(kt_block_type(mm, KT_DMA_PFN + 1023), MIGRATE_RECLAIMABLE);
	KT_EQ(kt_block_type(mm, KT_DMA_PFN + 1024), MIGRATE_MOVABLE);
}

KTEST(rows_c, c3_migratetype_numbers)
{
	KT_EQ(MIGRATE_UNMOVABLE, 0);
	KT_EQ(MIGRATE_MOVABLE, 1);
	KT_EQ(MIGRATE_RECLAIMABLE, 2);
	KT_EQ(MIGRATE_PCPTYPES, 3);
	KT_EQ(MIGRATE_HIGHATOMIC, 3);
	KT_EQ(MIGRATE_CMA, 4);
	KT_EQ(MIGRATE_ISOLATE, 5);
}

KTEST(rows_c, c4_type_and_skip_bit_are_apart)
{
	struct zonal *mm = kt_instance(&uma);
	struct page *first;

	if (!mm)
		return;
	first = mm_page(mm, KT_DMA_PFN + 512);
	atomic_fetch_or(&first->block, BLOCK_SKIP);
	block_set_type(first + 100, MIGRATE_UNMOVABLE);
	KT_EQ(ld_relaxed(&first->block), BLOCK_SKIP | MIGRATE_UNMOVABLE);
	block_set_type(first, MIGRATE_ISOLATE);
	KT_EQ(ld_relaxed(&first->block), BLOCK_SKIP | MIGRATE_ISOLATE);
	atomic_fetch_and(&first->block, (uint8_t)~BLOCK_SKIP);
	KT_EQ(kt_block_type(mm, KT_DMA_PFN + 513), MIGRATE_ISOLATE);
}

KTEST(rows_c, c8_gfp_bits)
{
	static const struct {
		gfp_t bit, value;
	} bits[] = {
		{ __GFP_DMA, 1 },
		{ __GFP_HIGHMEM, 2 },
		{ __GFP_DMA32, 4 },
		{ __GFP_MOVABLE, 8 },
		{ __GFP_RECLAIMABLE, 0x10 },
		{ __GFP_HIGH, 0x20 },
		{ __GFP_IO, 0x40 },
		{ __GFP_FS, 0x80 },
		{ __GFP_ZERO, 0x100 },
		{ __GFP_ATOMIC, 0x200 },
		{ __GFP_DIRECT_RECLAIM, 0x400 },
		{ __GFP_KSWAPD_RECLAIM, 0x800 },
		{ __GFP_WRITE, 0x1000 },
		{ __GFP_NOWARN, 0x2000 },
		{ __GFP_RETRY_MAYFAIL, 0x4000 },
		{ __GFP_NOFAIL, 0x8000 },
		{ __GFP_NORETRY, 0x10000 },
		{ __GFP_MEMALLOC, 0x20000 },
		{ __GFP_COMP, 0x40000 },
		{ __GFP_NOMEMALLOC, 0x80000 },
		{ __GFP_HARDWALL, 0x100000 },
		{ __GFP_THISNODE, 0x200000 },
		{ __GFP_ACCOUNT, 0x400000 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
		KT_EQ(bits[i].bit, bits[i].value);
}

KTEST(rows_c, c9_composites)
{
	KT_EQ(GFP_ATOMIC, 0xa20);
	KT_EQ(GFP_KERNEL, 0xcc0);
	KT_EQ(GFP_KERNEL_ACCOUNT, 0x400cc0);
	KT_EQ(GFP_NOWAIT, 0x800);
	KT_EQ(GFP_NOIO, 0xc00);
	KT_EQ(GFP_NOFS, 0xc40);
	KT_EQ(GFP_USER, 0x100cc0);
	KT_EQ(GFP_HIGHUSER, 0x100cc2);
	KT_EQ(GFP_HIGHUSER_MOVABLE, 0x100cca);
	KT_EQ(GFP_TRANSHUGE_LIGHT, 0x1c20ca);
	KT_EQ(GFP_TRANSHUGE, 0x1c24ca);
}

KTEST(rows_c, c10_alloc_flags)
{
	KT_EQ(WMARK_MIN, 0);
	KT_EQ(WMARK_LOW, 1);
	KT_EQ(WMARK_HIGH, 2);
	KT_EQ(ALLOC_NO_WATERMARKS, 4);
	KT_EQ(ALLOC_OOM, 8);
	KT_EQ(ALLOC_HARDER, 0x10);
	KT_EQ(ALLOC_HIGH, 0x20);
	KT_EQ(ALLOC_CPUSET, 0x40);
	KT_EQ(ALLOC_CMA, 0x80);
	KT_EQ(ALLOC_NOFRAGMENT, 0x100);
	KT_EQ(ALLOC_KSWAPD, 0x800);
}

KTEST(rows_g, g1_zone_of_a_request)
{
	static const struct {
		gfp_t gfp;
		enum zone_type zone, got; /* limit; where a page comes from on three_zones */
	} table[] = {
		{ 0, ZONE_NORMAL, ZONE_NORMAL },
		{ __GFP_DMA, ZONE_DMA, ZONE_DMA },
		{ __GFP_HIGHMEM, ZONE_NORMAL, ZONE_NORMAL },
		{ __GFP_DMA32, ZONE_DMA32, ZONE_DMA32 },
		{ __GFP_MOVABLE, ZONE_NORMAL, ZONE_NORMAL },
		{ __GFP_MOVABLE | __GFP_DMA, ZONE_DMA, ZONE_DMA },
		{ __GFP_MOVABLE | __GFP_HIGHMEM, ZONE_MOVABLE, ZONE_NORMAL },
		{ __GFP_MOVABLE | __GFP_DMA32, ZONE_DMA32, ZONE_DMA32 },
	};
	struct zonal *mm = kt_instance(&three_zones);

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		struct page *page;

		KT_EQ(gfp_zone(table[i].gfp | GFP_KERNEL), table[i].zone);
		page = mm ? zonal_alloc(mm, GFP_KERNEL | table[i].gfp, 0) : NULL;
		if (!KT_OK(page, "gfp %#x gives nothing", table[i].gfp))
			continue;
		KT_EQ(zonal_page_zone(page), table[i].got);
		zonal_free(mm, page, 0);
	}
}

KTEST(rows_g, g2_two_zone_bits_are_caught)
{
	static const gfp_t wrong[] = { 3, 5, 6, 7, 0xb, 0xd, 0xe, 0xf };
	struct zonal *mm = kt_instance(&three_zones);
	struct zonal_failure failure;

	if (!mm)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		KT_TRUE(gfp_zone_bad(wrong[i]));
		KT_TRUE(!zonal_alloc(mm, GFP_KERNEL | wrong[i], 0));
		zonal_last_failure(mm, &failure);
		KT_EQ(failure.serial, i + 1);
		KT_EQ(failure.steps, ZSTEP_BAD_FLAGS);
	}
	for (gfp_t z = 0; z < 16; z++)
		if (z != 3 && z != 5 && z != 6 && z != 7 && z < 0xb)
			KT_TRUE(!gfp_zone_bad(z));
	KT_TRUE(!gfp_zone_bad(0xc));
	kt_check_all(mm);
}

KTEST(rows_g, g3_type_of_a_request)
{
	static const struct kt_spec off = { .ram = { { 0, KT_DMA_PFN, 4096 } },
					    .grouping_off = true };
	struct zonal *mm = kt_instance(&uma);

	if (!mm)
		return;
	KT_EQ(gfp_migratetype(mm, GFP_KERNEL), MIGRATE_UNMOVABLE);
	KT_EQ(gfp_migratetype(mm, GFP_HIGHUSER_MOVABLE), MIGRATE_MOVABLE);
	KT_EQ(gfp_migratetype(mm, GFP_KERNEL | __GFP_RECLAIMABLE), MIGRATE_RECLAIMABLE);
	mm = kt_instance(&off);
	if (!mm)
		return;
	KT_EQ(gfp_migratetype(mm, GFP_HIGHUSER_MOVABLE), MIGRATE_UNMOVABLE);
	KT_EQ(gfp_migratetype(mm, GFP_KERNEL | __GFP_RECLAIMABLE), MIGRATE_UNMOVABLE);
}

KTEST(rows_g, g3_both_mobility_bits_are_survived)
{
	struct zonal *mm = kt_instance(&uma);
	struct page *page;

	if (!mm)
		return;
	page = zonal_alloc(mm, GFP_KERNEL | __GFP_MOVABLE | __GFP_RECLAIMABLE, 0);
	if (page)
		zonal_free(mm, page, 0);
	kt_check_all(mm);
}

/* Trust item 4: none of these may index a list. */
KTEST(rows_g, g4_order_too_large_touches_nothing)
{
	static const unsigned wrong[] = { 11, 12, 31, 32, 33, 63, 64, 255, 256, 0x10000,
					  0x80000000u, ~0u };
	struct zonal *mm = kt_instance(&uma);
	struct zonal_failure failure;
	int64_t before;

	if (!mm)
		return;
	before = kt_free(kt_zone(mm, 0, ZONE_DMA));
	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		KT_TRUE(!zonal_alloc(mm, GFP_KERNEL | __GFP_NOWARN, wrong[i]));
		KT_TRUE(!zonal_alloc_node(mm, 0, GFP_ATOMIC | __GFP_NOWARN, wrong[i]));
		KT_TRUE(!zonal_alloc_mask(mm, 0, GFP_KERNEL | __GFP_NOWARN, wrong[i], NULL));
		zonal_last_failure(mm, &failure);
		KT_TRUE(failure.steps & ZSTEP_BAD_ORDER);
	}
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), before);
	KT_EQ(kt_hit(kt_zone(mm, 0, ZONE_DMA)), 0);
	KT_EQ(ld_relaxed(&mm->cpu[kt_cpu_id(0)]->kswapd_wakes), 0);
	kt_check_all(mm);
}

KTEST(rows_g, g5_boot_masks_reclaim_io_fs)
{
	static const struct kt_spec boot = { .ram = { { 0, KT_DMA_PFN, 4096 } }, .in_boot = true };
	struct zonal *mm = kt_instance(&boot);
	struct zonal_failure failure;
	struct page *page;

	if (!mm)
		return;
	KT_EQ(mm->gfp_allowed & __GFP_BITS, __GFP_BITS & ~(__GFP_RECLAIM | __GFP_IO | __GFP_FS));
	page = zonal_alloc(mm, GFP_KERNEL, 0);
	if (KT_TRUE(page))
		zonal_free(mm, page, 0);
	kt_marks(kt_zone(mm, 0, ZONE_DMA), 1 << 20, 1 << 20, 1 << 20);
	KT_TRUE(!zonal_alloc(mm, GFP_KERNEL | __GFP_NOWARN, 0));
	zonal_last_failure(mm, &failure);
	/* Without the reclaim bits nothing of the ladder below the passes is tried. */
	KT_EQ(failure.steps & (ZSTEP_KSWAPD | ZSTEP_RECLAIM | ZSTEP_COMPACT | ZSTEP_OOM), 0);
	zonal_boot_done(mm);
	KT_EQ(mm->gfp_allowed & __GFP_BITS, __GFP_BITS);
	KT_TRUE(!zonal_alloc(mm, GFP_KERNEL | __GFP_NOWARN, 0));
	zonal_last_failure(mm, &failure);
	KT_TRUE(failure.steps & ZSTEP_RECLAIM);
}

KTEST(rows_g, g7_lists_and_zone_limit)
{
	struct zonal *mm = kt_instance(&three_zones);
	const struct zonelist *list;
	struct page *page, *chain = NULL;

	if (!mm)
		return;
	list = &mm->node[0]->fallback;
	KT_EQ(list->count, 3);
	KT_EQ(list->ref[list->first[ZONE_MOVABLE]].type, ZONE_NORMAL);
	KT_EQ(list->ref[list->first[ZONE_NORMAL]].type, ZONE_NORMAL);
	KT_EQ(list->ref[list->first[ZONE_DMA32]].type, ZONE_DMA32);
	KT_EQ(list->ref[list->first[ZONE_DMA]].type, ZONE_DMA);
	/* The same where the request may not leave the node. */
	list = &mm->node[0]->nofallback;
	KT_EQ(list->count, 3);
	KT_EQ(list->ref[list->first[ZONE_NORMAL]].type, ZONE_NORMAL);
	KT_EQ(list->ref[list->first[ZONE_DMA32]].type, ZONE_DMA32);
	KT_EQ(list->ref[list->first[ZONE_DMA]].type, ZONE_DMA);
	/* A DMA request never sees the zones above, however much they hold. */
	kt_no_marks(mm);
	KT_EQ(kt_take_all(mm, 0, GFP_NOWAIT | GFP_DMA | __GFP_NOWARN, 0, &chain), 1024);
	page = zonal_alloc(mm, GFP_NOWAIT | GFP_DMA | __GFP_NOWARN, 0);
	KT_TRUE(!page);
	page = zonal_alloc(mm, GFP_NOWAIT | GFP_DMA32, 0);
	if (KT_TRUE(page)) {
		KT_EQ(zonal_page_zone(page), ZONE_DMA32);
		zonal_free(mm, page, 0);
	}
	kt_give_all(mm, chain, 0);
	kt_check_all(mm);
}

/* The preferred zone is the first allowed one, so a page from it is a hit. */
KTEST(rows_g, g8_preferred_is_first_allowed)
{
	struct zonal *mm = kt_instance(&two_nodes);
	nodemask_t only_1 = node_bit(1);
	struct page *page;

	if (!mm)
		return;
	page = zonal_alloc_mask(mm, 0, GFP_KERNEL, 0, &only_1);
	if (!KT_TRUE(page))
		return;
	KT_EQ(zonal_page_node(page), 1);
	KT_EQ(kt_hit(kt_zone(mm, 1, ZONE_DMA)), 1);
	KT_EQ(kt_miss(kt_zone(mm, 1, ZONE_DMA)), 0);
	KT_EQ(kt_stat(kt_zone(mm, 0, ZONE_DMA), STAT_FOREIGN), 0);
	zonal_free(mm, page, 0);
}

KTEST(rows_g, g9_cma_only_for_movable_without_scope)
{
	static const struct kt_spec cma = {
		.ram = { { 0, KT_DMA_PFN, 4096 } },
		.reserved = { { 0, KT_DMA_PFN + 1024, 2048 } },
		.cma_index = 1,
	};
	struct zonal *mm = kt_instance(&cma);
	struct zonal_task saved, *task = kt_task_save(&saved);
	struct page *page, *chain = NULL;
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	kt_no_marks(mm);
	KT_EQ(ld_relaxed(&zone->free_cma), ZONAL_CMA ? 2048 : 0);
	if (!ZONAL_CMA) {
		kt_skip("CMA is not built in");
		return;
	}
	/* What is not CMA can be used up by anyone; then only CMA is left. */
	KT_EQ(kt_take_all(mm, 0, GFP_NOWAIT | __GFP_NOWARN, 0, &chain), 2048);
	task->flags = ZTASK_NOCMA;
	KT_TRUE(!zonal_alloc(mm, GFP_HIGHUSER_MOVABLE | __GFP_NOWARN, 0));
	task->flags = 0;
	page = zonal_alloc(mm, GFP_HIGHUSER_MOVABLE, 0);
	if (KT_TRUE(page)) {
		KT_EQ(kt_block_type(mm, zonal_pfn(page)), MIGRATE_CMA);
		zonal_free(mm, page, 0);
	}
	kt_give_all(mm, chain, 0);
	kt_task_restore(&saved);
	kt_check_all(mm);
}

KTEST(rows_g, g10_injection_asks_before_any_zone)
{
	struct zonal *mm = kt_instance(&uma);
	struct zonal_failure failure;
	struct page *page;
	int64_t before;

	if (!mm)
		return;
	before = kt_free(kt_zone(mm, 0, ZONE_DMA));
	zonal_inject(mm, 1, 2);
	page = zonal_alloc(mm, GFP_KERNEL, 3);
	KT_TRUE(page);
	KT_TRUE(!zonal_alloc(mm, GFP_KERNEL | __GFP_NOWARN, 3));
	zonal_last_failure(mm, &failure);
	KT_TRUE(failure.steps & ZSTEP_INJECTED);
	KT_TRUE(!zonal_alloc(mm, GFP_ATOMIC | __GFP_NOWARN, 0));
	KT_EQ(kt_hit(kt_zone(mm, 0, ZONE_DMA)), 1);
	if (page)
		zonal_free(mm, page, 3);
	page = zonal_alloc(mm, GFP_KERNEL, 3);
	if (KT_TRUE(page))
		zonal_free(mm, page, 3);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), before);
	kt_check_all(mm);
}
