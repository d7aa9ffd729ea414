/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Per-CPU lists: rows P.
 *
 * A zone of 128 MiB has batch 7 and high 42 (1.23), which is small enough to
 * follow every page. Marks are 0.
 */
#include "kt_instance.h"

#include "mm/buddy.h"
#include "mm/pcp.h"
#include "mm/watermark.h"

static const struct kt_spec big = {
	.ram = { { 0, KT_DMA_PFN, 32768 } },
	.cpus = 2,
	.cpu_node = { 0, 0 },
};

static struct zone *board(void)
{
	struct zonal *mm = kt_instance(&big);

	if (!mm)
		return NULL;
	kt_no_marks(mm);
	return kt_zone(mm, 0, ZONE_DMA);
}

static struct pcp *own_pcp(struct zone *zone)
{
	return &zone->mm->cpu[port_this_cpu()->id]->pcp[zone->id];
}

static unsigned ring_pages(const struct pcp *pcp, enum migratetype type)
{
	return pcp->ring[type].tail - pcp->ring[type].head;
}

KTEST(rows_p, p1_three_lists)
{
	struct zone *zone = board();
	struct page *u, *m, *r;
	struct pcp *pcp;

	if (!zone)
		return;
	pcp = own_pcp(zone);
	u = zonal_alloc(zone->mm, GFP_KERNEL, 0);
	KT_EQ(ring_pages(pcp, MIGRATE_UNMOVABLE), 6);
	KT_EQ(ring_pages(pcp, MIGRATE_MOVABLE), 0);
	m = zonal_alloc(zone->mm, GFP_HIGHUSER_MOVABLE, 0);
	KT_EQ(ring_pages(pcp, MIGRATE_MOVABLE), 6);
	r = zonal_alloc(zone->mm, GFP_KERNEL | __GFP_RECLAIMABLE, 0);
	KT_EQ(ring_pages(pcp, MIGRATE_RECLAIMABLE), 6);
	KT_EQ(ld_relaxed(&pcp->count), 18);
	zonal_free(zone->mm, u, 0);
	zonal_free(zone->mm, m, 0);
	zonal_free(zone->mm, r, 0);
	KT_EQ(ring_pages(pcp, MIGRATE_UNMOVABLE), 7);
	KT_EQ(ring_pages(pcp, MIGRATE_MOVABLE), 7);
	KT_EQ(ring_pages(pcp, MIGRATE_RECLAIMABLE), 7);
	kt_check_all(zone->mm);
}

/* Golden: 16 MiB 1/0, 32 1/6, 64 3/18, 128 7/42, 256 15/90, 512 31/186, 1 GiB and more 63/378. */
KTEST(rows_p, p2_batch_and_high_by_size)
{
	static const struct {
		unsigned mib, batch, high;
	} golden[] = {
		{ 16, 1, 0 },	 { 32, 1, 6 },	   { 64, 3, 18 },    { 128, 7, 42 },
		{ 256, 15, 90 }, { 512, 31, 186 }, { 1024, 63, 378 }, { 2048, 63, 378 },
		{ 16384, 63, 378 },
	};
	struct zone *zone = board();

	if (!zone)
		return;
	KT_EQ(zone->pcp_batch, 7);
	KT_EQ(zone->pcp_high, 42);
	KT_EQ(own_pcp(zone)->batch, 7);
	KT_EQ(own_pcp(zone)->high, 42);
	/* As if the lists were long enough for any zone; nobody takes a page any more. */
	for (unsigned c = 0; c < zone->mm->cpu_count; c++)
		zone->mm->cpu[c]->pcp[zone->id].mask = 511;
	for (unsigned i = 0; i < ARRAY_SIZE(golden); i++) {
		st_relaxed(&zone->managed, (uint64_t)golden[i].mib << 8);
		pcp_setup(zone->mm);
		KT_EQ(zone->pcp_batch, golden[i].batch);
		KT_EQ(zone->pcp_high, golden[i].high);
	}
	KT_EQ(pcp_batch_of(0), 0);
	KT_EQ(pcp_batch_of(4095), 0);
	/* A quarter of a thousandth and half of that, down to a power of two: 16 from 11 on. */
	KT_EQ(pcp_batch_of(11 * 4096 - 1), 7);
	KT_EQ(pcp_batch_of(11 * 4096), 15);
}

/* P3: high is a share of the zone, batch a quarter of it, 96 at most. */
KTEST(rows_p, p3_fraction_of_the_zone_in_place_of_the_rule)
{
	static const struct kt_spec small = { .ram = { { 0, KT_DMA_PFN, 16384 } } };
	struct zonal_options options;
	struct kt_spec spec = small;
	struct page *chain = NULL;
	struct zone *zone;
	struct zonal *mm;

	zonal_options_default(&options);
	options.percpu_pagelist_fraction = 64;
	spec.options = &options;
	mm = kt_bare_instance(&spec);
	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	KT_EQ(zone->pcp_high, 256);
	KT_EQ(zone->pcp_batch, 64);
	KT_EQ(pcp_size_of(16384, 8).high, 2048);
	KT_EQ(pcp_size_of(16384, 8).batch, PAGE_SHIFT * 8);
	KT_EQ(pcp_size_of(16384, 16384).high, 1);
	KT_EQ(pcp_size_of(16384, 16384).batch, 1);
	/* And the lists do hold so many, and no more. The last batch leaves nothing above the
	 * mark. */
	KT_EQ(kt_take_all(mm, 0, GFP_NOWAIT, 0, &chain), 16384 - 63);
	kt_give_all(mm, chain, 0);
	KT_OK(kt_pcp_count(zone) >= 192 && kt_pcp_count(zone) < 256, "%u pages",
	      kt_pcp_count(zone));
	kt_check_all(mm);
}

KTEST(rows_p, p6_refill_is_a_batch_in_physical_order)
{
	struct zone *zone = board();
	struct page *page, *chain = NULL;
	pfn_t first;

	if (!zone)
		return;
	page = zonal_alloc(zone->mm, GFP_HIGHUSER_MOVABLE, 0);
	first = zonal_pfn(page);
	KT_EQ(kt_free(zone), 32768 - 7);
	KT_EQ(kt_stat(zone, STAT_REFILL), 1);
	for (unsigned i = 1; i < 14; i++) {
		struct page *next = zonal_alloc(zone->mm, GFP_HIGHUSER_MOVABLE, 0);

		KT_EQ(zonal_pfn(next), first + i);
		*(struct page **)zonal_page_owner(next) = chain;
		chain = next;
	}
	KT_EQ(kt_stat(zone, STAT_REFILL), 2);
	KT_EQ(kt_free(zone), 32768 - 14);
	zonal_free(zone->mm, page, 0);
	kt_give_all(zone->mm, chain, 0);
	kt_check_all(zone->mm);
}

KTEST(rows_p, p7_hot_page_comes_back_first)
{
	struct zone *zone = board();
	struct page *a, *b, *c;

	if (!zone)
		return;
	a = zonal_alloc(zone->mm, GFP_KERNEL, 0);
	b = zonal_alloc(zone->mm, GFP_KERNEL, 0);
	zonal_free(zone->mm, a, 0);
	zonal_free(zone->mm, b, 0);
	c = zonal_alloc(zone->mm, GFP_KERNEL, 0);
	KT_EQ(zonal_pfn(c), zonal_pfn(b));
	b = zonal_alloc(zone->mm, GFP_KERNEL, 0);
	KT_EQ(zonal_pfn(b), zonal_pfn(a));
	zonal_free(zone->mm, c, 0);
	zonal_free(zone->mm, b, 0);
}

KTEST(rows_p, p8_list_by_the_pageblock)
{
	static const struct {
		uint8_t type, ring;
	} table[] = {
		{ MIGRATE_UNMOVABLE, MIGRATE_UNMOVABLE },
		{ MIGRATE_MOVABLE, MIGRATE_MOVABLE },
		{ MIGRATE_RECLAIMABLE, MIGRATE_RECLAIMABLE },
		{ MIGRATE_HIGHATOMIC, MIGRATE_MOVABLE },
		{ MIGRATE_CMA, MIGRATE_MOVABLE },
	};
	struct zone *zone = board();
	struct page *page;
	int64_t before;

	if (!zone)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		struct pcp *pcp = own_pcp(zone);

		page = zonal_alloc(zone->mm, GFP_HIGHUSER_MOVABLE, 0);
		zonal_drain_all(zone->mm, NULL);
		block_set_type(page, table[i].type);
		zonal_free(zone->mm, page, 0);
		KT_EQ(ring_pages(pcp, (enum migratetype)table[i].ring), 1);
		KT_EQ(ld_relaxed(&pcp->count), 1);
		block_set_type(page, MIGRATE_MOVABLE);
		zonal_drain_all(zone->mm, NULL);
	}
	page = zonal_alloc(zone->mm, GFP_HIGHUSER_MOVABLE, 0);
	zonal_drain_all(zone->mm, NULL);
	before = kt_free(zone);
	block_set_type(page, MIGRATE_ISOLATE);
	zone->isolated_blocks = 1;
	zonal_free(zone->mm, page, 0);
	KT_EQ(kt_pcp_count(zone), 0);
	KT_TRUE(zonal_is_free(zone->mm, zonal_pfn(page)));
	KT_TRUE(kt_free(zone) <= before);
}

KTEST(rows_p, p9_a_batch_goes_back_at_high)
{
	struct zone *zone = board();
	struct page *page[60];

	if (!zone)
		return;
	for (unsigned i = 0; i < 60; i++)
		page[i] = zonal_alloc(zone->mm, GFP_KERNEL, 0);
	zonal_drain_all(zone->mm, NULL);
	for (unsigned i = 0; i < 41; i++)
		zonal_free(zone->mm, page[i], 0);
	KT_EQ(kt_pcp_count(zone), 41);
	KT_EQ(kt_stat(zone, STAT_BULK_FREE), 1); /* the drain above */
	zonal_free(zone->mm, page[41], 0);
	KT_EQ(kt_pcp_count(zone), 42 - 7);
	KT_EQ(kt_stat(zone, STAT_BULK_FREE), 2);
	/* the coldest went: those freed first */
	for (unsigned i = 0; i < 42; i++)
		KT_EQ(page_state(page[i]) == PAGE_PCP, i >= 7);
	for (unsigned i = 42; i < 60; i++)
		zonal_free(zone->mm, page[i], 0);
	kt_check_all(zone->mm);
}

/* How many of each list a bulk return takes: the turn begins behind the first list and
 * each empty list on the way adds one to the next one's share. */
KTEST(rows_p, p10_round_robin_with_growing_share)
{
	static const struct {
		unsigned have[3], count, left[3];
	} table[] = {
		{ { 9, 9, 9 }, 9, { 6, 6, 6 } },
		{ { 9, 0, 9 }, 6, { 7, 0, 5 } },
		{ { 0, 9, 0 }, 7, { 0, 2, 0 } },
		{ { 9, 9, 0 }, 7, { 5, 6, 0 } },
		{ { 3, 3, 3 }, 9, { 0, 0, 0 } },
		{ { 2, 0, 4 }, 9, { 0, 0, 0 } }, /* more than there are */
	};
	static const gfp_t gfp[] = { GFP_KERNEL, GFP_HIGHUSER_MOVABLE,
				     GFP_KERNEL | __GFP_RECLAIMABLE };

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		struct zone *zone = board();
		struct page *held[3][9];
		port_irqflags_t irq;
		struct pcp *pcp;

		if (!zone)
			return;
		pcp = own_pcp(zone);
		for (unsigned t = 0; t < 3; t++)
			for (unsigned k = 0; k < table[i].have[t]; k++)
				held[t][k] = zonal_alloc(zone->mm, gfp[t], 0);
		zonal_drain_all(zone->mm, NULL);
		for (unsigned t = 0; t < 3; t++)
			for (unsigned k = 0; k < table[i].have[t]; k++)
				zonal_free(zone->mm, held[t][k], 0);
		irq = port_irq_save();
		pcp_bulk_free(zone, pcp, table[i].count);
		port_irq_restore(irq);
		for (unsigned t = 0; t < 3; t++)
			KT_OK(ring_pages(pcp, (enum migratetype)t) == table[i].left[t],
			      "case %u: list %u keeps %u, expected %u", i, t,
			      ring_pages(pcp, (enum migratetype)t), table[i].left[t]);
		kt_check_all(zone->mm);
		kt_free_all();
	}
}

/* Free one used page into a ring while its pageblock has type `was`; drain when it has `now`. */
static struct page *free_across(struct zone *zone, struct page *page, unsigned was, unsigned now)
{
	zonal_drain_all(zone->mm, NULL);
	block_set_type(page, was);
	zonal_free(zone->mm, page, 0);
	KT_EQ(page_state(page), PAGE_PCP);
	block_set_type(page, now);
	zonal_drain_all(zone->mm, NULL);
	KT_EQ(page_state(page), PAGE_FREE);
	return page;
}

KTEST(rows_p, p10_page_goes_back_by_its_type_when_freed)
{
	struct zone *zone = board();
	struct page *block;

	if (!zone)
		return;
	/* Pages 3 apart, so that none merges with another. */
	block = zonal_alloc(zone->mm, GFP_KERNEL, PAGEBLOCK_ORDER);
	if (!KT_TRUE(block))
		return;
	zonal_split(zone->mm, block, PAGEBLOCK_ORDER);
	KT_EQ(free_across(zone, block, MIGRATE_UNMOVABLE, MIGRATE_RECLAIMABLE)->list_type,
	      MIGRATE_UNMOVABLE);
	KT_EQ(free_across(zone, block + 3, MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE)->list_type,
	      MIGRATE_RECLAIMABLE);
	KT_EQ(free_across(zone, block + 6, MIGRATE_MOVABLE, MIGRATE_UNMOVABLE)->list_type,
	      MIGRATE_MOVABLE);
	KT_TRUE(kt_check_all(zone->mm));
	/* With isolated blocks in the zone the pageblock of now decides. */
	zone->isolated_blocks = 1;
	KT_EQ(free_across(zone, block + 9, MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE)->list_type,
	      MIGRATE_UNMOVABLE);
	KT_EQ(free_across(zone, block + 12, MIGRATE_MOVABLE, MIGRATE_RECLAIMABLE)->list_type,
	      MIGRATE_RECLAIMABLE);
	zone->isolated_blocks = 0;
	/* H6: what the movable list only lodged goes home. */
	KT_EQ(free_across(zone, block + 15, MIGRATE_HIGHATOMIC, MIGRATE_HIGHATOMIC)->list_type,
	      MIGRATE_HIGHATOMIC);
	block_set_type(block, MIGRATE_MOVABLE);
	KT_TRUE(kt_check_all(zone->mm));
}

KTEST(rows_p, p11_movable_without_cma_right_bypasses)
{
	struct zone *zone = board();
	struct zonal_task saved, *task = kt_task_save(&saved);
	struct page *page;

	if (!zone)
		return;
	if (!ZONAL_CMA) {
		kt_skip("CMA is not built in");
		return;
	}
	task->flags = ZTASK_NOCMA;
	page = zonal_alloc(zone->mm, GFP_HIGHUSER_MOVABLE, 0);
	KT_EQ(kt_free(zone), 32768 - 1);
	KT_EQ(kt_pcp_count(zone), 0);
	task->flags = 0;
	zonal_free(zone->mm, page, 0);
	kt_task_restore(&saved);
}

KTEST_F(rows_p, p13_drain_reaches_every_cpu, KT_HOST_ONLY)
{
	struct zone *zone = board();
	struct page *a, *b;

	if (!zone)
		return;
	a = zonal_alloc(zone->mm, GFP_KERNEL, 0);
	KT_TRUE(kt_cpu(1));
	b = zonal_alloc(zone->mm, GFP_KERNEL, 0);
	KT_EQ(kt_pcp_count(zone), 12);
	/* own lists only */
	zonal_drain_local(zone->mm);
	KT_EQ(kt_pcp_count(zone), 6);
	zonal_drain_all(zone->mm, zone);
	KT_EQ(kt_pcp_count(zone), 0);
	/* freed from the other CPU, it waits there */
	zonal_free(zone->mm, a, 0);
	KT_EQ(ld_relaxed(&own_pcp(zone)->count), 1);
	zonal_free(zone->mm, b, 0);
	kt_cpu(0);
	zonal_drain_all(zone->mm, NULL);
	KT_EQ(kt_pcp_count(zone), 0);
	KT_EQ(kt_free(zone), 32768);
	kt_check_all(zone->mm);
}

/* Full lists of three types, hot and cold ends apart. */
static struct zone *full_lists(void)
{
	static const struct kt_spec wide = { .ram = { { 0, KT_DMA_PFN, 65536 } } };
	static struct page *held[150];
	struct zonal *mm = kt_instance(&wide);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
	struct page *page;

	for (unsigned i = 0; zone && i < ARRAY_SIZE(held); i++)
		held[i] = zonal_alloc(zone->mm, i % 5 ? GFP_KERNEL : GFP_HIGHUSER_MOVABLE, 0);
	for (unsigned i = 0; zone && i < ARRAY_SIZE(held); i++)
		zonal_free(zone->mm, held[(i * 37) % ARRAY_SIZE(held)], 0);
	page = zone ? zonal_alloc(zone->mm, GFP_KERNEL | __GFP_RECLAIMABLE, 0) : NULL;
	if (page)
		zonal_free(zone->mm, page, 0);
	return zone;
}

/* A drain goes in pieces, the mask open in between, and yet gives back in the order of one
 * return: what each list gives is carried on. */
KTEST(rows_p, p13_a_drain_in_pieces_is_the_drain_in_one)
{
	struct zone *zone = full_lists();
	unsigned held = zone ? kt_pcp_count(zone) : 0;
	port_irqflags_t irq;
	uint64_t one;
	unsigned holds;

	if (!zone)
		return;
	irq = port_irq_save();
	pcp_bulk_free(zone, own_pcp(zone), held);
	port_irq_restore(irq);
	one = kt_map_hash(zone->mm, zone->start_pfn, zone->spanned);
	zone = full_lists();
	KT_EQ(kt_pcp_count(zone), held);
	holds = ld_relaxed(&zone->lock.next);
	zonal_drain_local(zone->mm);
	KT_EQ(kt_pcp_count(zone), 0);
	KT_EQ(kt_map_hash(zone->mm, zone->start_pfn, zone->spanned), one);
	KT_TRUE(held > 64);
	KT_EQ(ld_relaxed(&zone->lock.next) - holds, (held + 23) / 24);
	kt_check_all(zone->mm);
}

KTEST_F(rows_p, p14_dead_cpu_gives_its_pages_back, KT_HOST_ONLY)
{
	struct zone *zone = board();
	struct page *page;

	if (!zone)
		return;
	kt_cpu(1);
	page = zonal_alloc(zone->mm, GFP_KERNEL, 0);
	zonal_free(zone->mm, page, 0);
	kt_cpu(0);
	zonal_cpu_dead(zone->mm, kt_cpu_id(1));
	KT_EQ(kt_pcp_count(zone), 0);
	KT_EQ(kt_free(zone), 32768);
	KT_EQ(kt_hit(zone), 1);
	kt_check_all(zone->mm);
}

KTEST(rows_p, p15_drain_gives_everything_back)
{
	struct zone *zone = board();
	struct page *chain = NULL;

	if (!zone)
		return;
	for (unsigned i = 0; i < 100; i++) {
		gfp_t gfp = i % 2 ? GFP_KERNEL : GFP_HIGHUSER_MOVABLE;
		struct page *page = zonal_alloc(zone->mm, gfp, 0);

		*(struct page **)zonal_page_owner(page) = chain;
		chain = page;
	}
	kt_give_all(zone->mm, chain, 0);
	KT_TRUE(kt_pcp_count(zone) > 0);
	zonal_drain_local(zone->mm);
	KT_EQ(kt_pcp_count(zone), 0);
	KT_EQ(kt_free(zone), 32768);
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 10) + kt_blocks(zone, MIGRATE_UNMOVABLE, 10), 32);
	kt_check_all(zone->mm);
}
