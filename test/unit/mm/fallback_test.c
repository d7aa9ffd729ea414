/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Grouping by mobility: rows M.
 *
 * Boards of 4096 pages, so that grouping is on (M12). All blocks begin MOVABLE; a
 * test cuts the lists to the shape it needs by taking blocks of chosen orders, and
 * types pageblocks by hand where the row is about a certain mixture.
 */
#include "kt_instance.h"

#include "mm/buddy.h"
#include "mm/mobility.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };

static struct zone *board(const struct kt_spec *spec)
{
	struct zonal *mm = kt_instance(spec);

	if (!mm)
		return NULL;
	kt_no_marks(mm);
	return kt_zone(mm, 0, ZONE_DMA);
}

static struct page *take(struct zone *zone, unsigned order, enum migratetype type, unsigned flags)
{
	port_irqflags_t irq = port_irq_save();
	struct page *page;

	lock_take(&zone->lock);
	page = mobility_take(zone, order, type, flags);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	return page;
}

static void put(struct zone *zone, struct page *page, unsigned order)
{
	port_irqflags_t irq = port_irq_save();

	lock_take(&zone->lock);
	buddy_put(zone, page, order, BUDDY_AUTO);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
}

/* Take the zone apart into its pageblocks, each of order 9 and in use. */
static void take_pageblocks(struct zone *zone, struct page *blocks[8])
{
	for (unsigned i = 0; i < 8; i++)
		blocks[i] = take(zone, 9, MIGRATE_MOVABLE, 0);
}

/* M1: with one pageblock of each other type left, who is asked first? */
KTEST(rows_m, m1_order_of_fallback)
{
	static const uint8_t order[3][2] = {
		[MIGRATE_UNMOVABLE] = { MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE },
		[MIGRATE_MOVABLE] = { MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE },
		[MIGRATE_RECLAIMABLE] = { MIGRATE_UNMOVABLE, MIGRATE_MOVABLE },
	};

	for (unsigned type = 0; type < 3; type++) {
		struct zone *zone = board(&uma);
		struct page *b[8], *page;

		if (!zone)
			return;
		take_pageblocks(zone, b);
		for (unsigned i = 0; i < 2; i++) {
			block_set_type(b[2 * i], order[type][i]);
			put(zone, b[2 * i], 9);
		}
		for (unsigned i = 0; i < 2; i++) {
			page = take(zone, 9, (enum migratetype)type, 0);
			KT_EQ(zonal_pfn(page), zonal_pfn(b[2 * i]));
			KT_EQ(page_block_type(page), type); /* M6: it changed hands */
		}
		KT_TRUE(!take(zone, 0, (enum migratetype)type, 0)); /* M10 */
	}
}

KTEST(rows_m, m2_largest_block_first)
{
	struct zone *zone = board(&uma);
	struct page *page;

	if (!zone)
		return;
	/* orders 0 to 9 and three of order 10, all MOVABLE */
	page = take(zone, 0, MIGRATE_MOVABLE, 0);
	page = take(zone, 0, MIGRATE_UNMOVABLE, 0);
	KT_EQ(zonal_pfn(page), KT_DMA_PFN + 1024);
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 10), 2);
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 0), 1);
}

KTEST(rows_m, m2_nofragment_stops_at_pageblocks)
{
	struct zone *zone = board(&uma);
	struct page *b[8], *page;

	if (!zone)
		return;
	take_pageblocks(zone, b);
	put(zone, b[0], 8);
	KT_TRUE(!take(zone, 0, MIGRATE_UNMOVABLE, ALLOC_NOFRAGMENT));
	put(zone, b[2], 9);
	page = take(zone, 0, MIGRATE_UNMOVABLE, ALLOC_NOFRAGMENT);
	KT_EQ(zonal_pfn(page), zonal_pfn(b[2]));
	put(zone, page, 0);
	/* a request that is as large as a pageblock is not held back by it */
	page = take(zone, 9, MIGRATE_RECLAIMABLE, ALLOC_NOFRAGMENT);
	KT_EQ(zonal_pfn(page), zonal_pfn(b[2]));
}

/* M3, M4: a movable request below half a pageblock takes the smallest piece and no more. */
KTEST(rows_m, m3_m4_movable_takes_the_smallest)
{
	struct zone *zone = board(&uma);
	struct page *b[8], *page;

	if (!zone)
		return;
	take_pageblocks(zone, b);
	for (unsigned i = 0; i < 8; i++)
		block_set_type(b[i], MIGRATE_UNMOVABLE);
	put(zone, b[0], 3);
	put(zone, b[2], 1);
	page = take(zone, 0, MIGRATE_MOVABLE, 0);
	KT_EQ(zonal_pfn(page), zonal_pfn(b[2]));
	KT_EQ(page_block_type(page), MIGRATE_UNMOVABLE);
	put(zone, page, 0);
	/* with a piece of half a pageblock's order there, the whole block is worth it: and
	 * the largest goes first */
	put(zone, b[4], 4);
	page = take(zone, 0, MIGRATE_MOVABLE, 0);
	KT_EQ(zonal_pfn(page), zonal_pfn(b[4]));
}

/* An unmovable request may always take the block's free pages (M3). */
KTEST(rows_m, m3_unmovable_takes_all_free_pages_of_the_block)
{
	struct zone *zone = board(&uma);
	struct page *b[8], *page;

	if (!zone)
		return;
	take_pageblocks(zone, b);
	put(zone, b[0] + 2, 1);
	put(zone, b[0] + 64, 0);
	put(zone, b[0] + 128, 2);
	page = take(zone, 0, MIGRATE_UNMOVABLE, 0);
	KT_EQ(zonal_pfn(page), zonal_pfn(b[0]) + 64);
	KT_EQ(kt_blocks(zone, MIGRATE_UNMOVABLE, 1), 1);
	KT_EQ(kt_blocks(zone, MIGRATE_UNMOVABLE, 2), 1);
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 1) + kt_blocks(zone, MIGRATE_MOVABLE, 2), 0);
}

KTEST(rows_m, m5_highatomic_block_loses_the_piece_only)
{
	struct zone *zone = board(&uma);
	struct page *b[8], *page;

	if (!zone)
		return;
	take_pageblocks(zone, b);
	put(zone, b[0], 4);
	put(zone, b[0] + 64, 4);
	/* A block that was typed while its pages lay on a pcp type's list. */
	block_set_type(b[0], MIGRATE_HIGHATOMIC);
	page = take(zone, 4, MIGRATE_UNMOVABLE, 0);
	KT_TRUE(page);
	KT_EQ(page_block_type(page), MIGRATE_HIGHATOMIC);
	KT_EQ(kt_blocks(zone, MIGRATE_UNMOVABLE, 4), 0);
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 4), 1);
	KT_EQ(ld_relaxed(&zone->boost), 0);
}

KTEST(rows_m, m6_whole_pageblocks_change_type_without_boost)
{
	struct zone *zone = board(&uma);
	struct page *page;

	if (!zone)
		return;
	kt_marks(zone, 0, 0, 100);
	page = take(zone, 0, MIGRATE_UNMOVABLE, 0);
	KT_EQ(zonal_pfn(page), KT_DMA_PFN);
	/* order 10: both pageblocks */
	KT_EQ(kt_block_type(zone->mm, KT_DMA_PFN), MIGRATE_UNMOVABLE);
	KT_EQ(kt_block_type(zone->mm, KT_DMA_PFN + 512), MIGRATE_UNMOVABLE);
	KT_EQ(kt_block_type(zone->mm, KT_DMA_PFN + 1024), MIGRATE_MOVABLE);
	KT_EQ(ld_relaxed(&zone->boost), 0);
	put(zone, page, 0);
	kt_check_all(zone->mm);
}

KTEST(rows_m, m7_smaller_theft_boosts)
{
	struct zone *zone = board(&uma);
	struct page *b[8], *page;

	if (!zone)
		return;
	kt_marks(zone, 0, 0, 100);
	take_pageblocks(zone, b);
	put(zone, b[0], 2);
	page = take(zone, 0, MIGRATE_UNMOVABLE, ALLOC_KSWAPD);
	KT_TRUE(page);
	KT_EQ(ld_relaxed(&zone->boost), 512);
	KT_EQ(ld_relaxed(&zone->boosted), 1);
	/* a movable thief that may not have the block: boost, and only the piece */
	block_set_type(b[2], MIGRATE_RECLAIMABLE);
	put(zone, b[2], 0);
	put(zone, b[2] + 8, 1);
	page = take(zone, 0, MIGRATE_MOVABLE, 0);
	KT_EQ(zonal_pfn(page), zonal_pfn(b[2]));
	KT_EQ(kt_blocks(zone, MIGRATE_RECLAIMABLE, 1), 1);
	KT_EQ(page_block_type(page), MIGRATE_RECLAIMABLE);
}

/* M8: free + alike pages against half of the block, on both sides of the border. */
KTEST(rows_m, m8_block_changes_owner_from_one_half_on)
{
	for (unsigned i = 0; i < 2; i++) {
		struct zone *zone = board(&uma);
		struct page *b[8], *page;

		if (!zone)
			return;
		take_pageblocks(zone, b);
		/* RECLAIMABLE robs UNMOVABLE: nothing in use is alike, free pages decide. */
		for (unsigned k = 0; k < 8; k++)
			block_set_type(b[k], MIGRATE_UNMOVABLE);
		put(zone, b[0], 7);
		put(zone, b[0] + 256, 6);
		put(zone, b[0] + 384, 5);
		put(zone, b[0] + 448, 4);
		put(zone, b[0] + 480, 3);
		put(zone, b[0] + 496, 2);
		put(zone, b[0] + 504, 1);
		put(zone, b[0] + 508, 0); /* 255 pages */
		if (i)
			put(zone, b[0] + 510, 0); /* 256 */
		page = take(zone, 0, MIGRATE_RECLAIMABLE, 0);
		KT_EQ(zonal_pfn(page), zonal_pfn(b[0]) + 508);
		KT_EQ(page_block_type(b[0]), i ? MIGRATE_RECLAIMABLE : MIGRATE_UNMOVABLE);
		KT_EQ(kt_blocks(zone, MIGRATE_RECLAIMABLE, 7), 1);
	}
}

/* In use and not movable counts as alike for a thief that is not movable either. By the bytes of
 * the zone's blocks, and, where its map is not one piece, by the words of its pages. */
KTEST(rows_m, m8_movable_block_robbed_by_unmovable)
{
	for (unsigned round = 0; round < 4; round++) {
		struct zone *zone = board(&uma);
		unsigned i = round & 1;
		struct page *b[8];

		if (!zone)
			return;
		if (round & 2)
			zone->map = 0;
		take_pageblocks(zone, b);
		put(zone, b[0], 0);
		for (unsigned k = 1; k < 512; k++) {
			/* used pages; on the first round 256 of them movable, then 257 */
			page_set_word(b[0] + k, word_make(zone->id, PAGE_USED, 0));
			if (k <= 256 + i)
				kt_list_page(zone->mm, b[0] + k, true);
		}
		KT_TRUE(take(zone, 0, MIGRATE_UNMOVABLE, 0));
		/* 1 free + 512 - (1 + movable) = 256 or 255 */
		KT_EQ(page_block_type(b[0]), i ? MIGRATE_MOVABLE : MIGRATE_UNMOVABLE);
	}
}

/* M9: the block reaches out of the zone, so only the piece is moved. */
KTEST(rows_m, m9_block_at_the_zone_border)
{
	static const struct kt_spec odd = { .ram = { { 0, KT_DMA_PFN, 4096 - 100 } } };
	struct zone *zone = board(&odd);
	struct page *page;

	if (!zone)
		return;
	while ((page = take(zone, 9, MIGRATE_MOVABLE, 0)))
		;
	/* the last block has 412 pages: orders 8, 7, 4, 3, 2 */
	KT_EQ(kt_free(zone), 412);
	page = take(zone, 0, MIGRATE_UNMOVABLE, 0);
	KT_EQ(zonal_pfn(page), KT_DMA_PFN + 3584);
	KT_EQ(page_block_type(page), MIGRATE_MOVABLE);
	KT_EQ(kt_blocks(zone, MIGRATE_UNMOVABLE, 7), 1); /* rest of the order 8 piece */
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 7), 1);
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 4), 1);
}

KTEST(rows_m, m10_takes_until_nothing_is_left)
{
	struct zone *zone = board(&uma);
	unsigned count = 0;

	if (!zone)
		return;
	kt_type_block(zone, KT_DMA_PFN + 1024, MIGRATE_RECLAIMABLE);
	kt_type_block(zone, KT_DMA_PFN + 2048, MIGRATE_UNMOVABLE);
	while (take(zone, 2, MIGRATE_RECLAIMABLE, 0))
		count++;
	KT_EQ(count, 1024);
	KT_EQ(kt_free(zone), 0);
}

KTEST(rows_m, m11_cma_first_above_half)
{
	static const struct kt_spec cma = {
		.ram = { { 0, KT_DMA_PFN, 6144 } },
		.reserved = { { 0, KT_DMA_PFN + 1024, 2048 } },
		.cma_index = 1,
	};
	struct zone *zone = board(&cma);
	struct page *b[4], *page;

	if (!zone)
		return;
	KT_EQ(ld_relaxed(&zone->free_cma), ZONAL_CMA ? 2048 : 0);
	if (!ZONAL_CMA) {
		kt_skip("CMA is not built in");
		return;
	}
	/* 2048 of 6144: own lists first */
	page = take(zone, 0, MIGRATE_MOVABLE, ALLOC_CMA);
	KT_EQ(page_block_type(page), MIGRATE_MOVABLE);
	put(zone, page, 0);
	b[0] = take(zone, 10, MIGRATE_MOVABLE, 0);
	b[1] = take(zone, 10, MIGRATE_MOVABLE, 0);
	/* exactly half is not more than half */
	page = take(zone, 0, MIGRATE_MOVABLE, ALLOC_CMA);
	KT_EQ(page_block_type(page), MIGRATE_MOVABLE);
	/* now it is: 2048 of 4095 */
	page = take(zone, 0, MIGRATE_MOVABLE, ALLOC_CMA);
	KT_EQ(page_block_type(page), MIGRATE_CMA);
	put(zone, page, 0);
	/* without the right: never */
	page = take(zone, 0, MIGRATE_MOVABLE, 0);
	KT_EQ(page_block_type(page), MIGRATE_MOVABLE);
	put(zone, page, 0);
	put(zone, b[0], 10);
	put(zone, b[1], 10);
	/* own lists empty: CMA comes before other types */
	while ((page = take(zone, 10, MIGRATE_MOVABLE, 0)))
		;
	while ((page = take(zone, 0, MIGRATE_MOVABLE, 0)))
		;
	page = take(zone, 0, MIGRATE_MOVABLE, ALLOC_CMA);
	KT_TRUE(page);
	KT_EQ(page_block_type(page), MIGRATE_CMA);
}

/* M12: six pageblocks' worth above HIGH is the border. */
KTEST(rows_m, m12_small_memory_is_not_grouped)
{
	static const struct kt_spec below = { .ram = { { 0, KT_DMA_PFN, 3071 } } };
	static const struct kt_spec enough = { .ram = { { 0, KT_DMA_PFN, 3072 } } };
	struct zone *zone = board(&enough);
	struct page *page;

	if (!zone)
		return;
	KT_EQ(ld_relaxed(&zone->mm->gates) & GATE_NO_GROUPING, 0);
	zone = board(&below);
	if (!zone)
		return;
	KT_EQ(ld_relaxed(&zone->mm->gates) & GATE_NO_GROUPING, GATE_NO_GROUPING);
	/* Any theft takes the whole block then, and makes it unmovable. */
	page = zonal_alloc(zone->mm, GFP_HIGHUSER_MOVABLE, 0);
	if (KT_TRUE(page))
		KT_EQ(page_block_type(page), MIGRATE_UNMOVABLE);
}

KTEST(rows_m, m13_all_blocks_begin_movable)
{
	struct zone *zone = board(&uma);

	if (!zone)
		return;
	for (pfn_t pfn = KT_DMA_PFN; pfn < KT_DMA_PFN + 4096; pfn += 512)
		KT_EQ(kt_block_type(zone->mm, pfn), MIGRATE_MOVABLE);
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 10), 4);
	KT_EQ(kt_free(zone), 4096);
}

KTEST(rows_m, m14_thefts_are_counted)
{
	struct zone *zone = board(&uma);
	struct page *page;

	if (!zone)
		return;
	page = take(zone, 0, MIGRATE_MOVABLE, 0);
	KT_EQ(ld_relaxed(&zone->mm->cpu[kt_cpu_id(0)]->fallback_steals), 0);
	put(zone, page, 0);
	take(zone, 0, MIGRATE_UNMOVABLE, 0);
	KT_EQ(ld_relaxed(&zone->mm->cpu[kt_cpu_id(0)]->fallback_steals), 1);
}

/* Trust item 27: zones of 1 to 4096 pages: after any theft a single page still comes. */
KTEST(trust, t27_boost_does_not_starve_small_zones)
{
	static const unsigned sizes[] = { 1,	2,    3,    511,  512,	513,
					  1023, 2047, 2048, 2049, 3073, 4096 };

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct kt_spec spec = { .ram = { { 0, KT_DMA_PFN, sizes[i] } } };
		struct zonal *mm = kt_instance(&spec);
		struct page *page;
		struct zone *zone;

		if (!mm)
			return;
		zone = kt_zone(mm, 0, ZONE_DMA);
		page = zonal_alloc(mm, GFP_KERNEL | __GFP_RECLAIMABLE | __GFP_NOWARN, 0);
		if (page)
			zonal_free(mm, page, 0);
		page = zonal_alloc(mm, GFP_ATOMIC | __GFP_NOWARN, 0);
		/* MIN is 32 pages at least, of which an atomic request needs 12 and one */
		KT_EQ(page != NULL, sizes[i] > (ld_relaxed(&zone->mark[WMARK_MIN]) -
						ld_relaxed(&zone->mark[WMARK_MIN]) / 2) * 3 / 4);
		if (page)
			zonal_free(mm, page, 0);
		if (sizes[i] < 2048)
			KT_EQ(ld_relaxed(&zone->boost), 0);
		kt_check_all(mm);
		kt_free_all();
	}
}
