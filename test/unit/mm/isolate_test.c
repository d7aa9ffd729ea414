/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Isolation of pageblocks (rows A1-A4): what it takes out of the lists and counts, that nothing
 * is handed out of it or hides in a per-CPU list, that its end is as if nothing had been, and which
 * pages forbid it.
 *
 * The pageblocks under test lie in the middle of a board whose other pages are free, so that
 * whoever asks can be served elsewhere. An owner whose callbacks are never called lists pages that
 * could be moved, another one pages that could not.
 */
#include "kt_instance.h"

#include <zonal/reclaim.h>

#include "mm/buddy.h"
#include "mm/compact/isolate_block.h"
#include "mm/mobility.h"

#define LARGEST ((pfn_t)1 << (MAX_ORDER - 1))
#define FIRST (KT_DMA_PFN + 2 * LARGEST)

static const struct kt_spec board = { .ram = { { 0, KT_DMA_PFN, 8 * LARGEST } } };

/* ---- owners that are never asked ---- */

static bool never_used(void *ctx, struct page *page, uint64_t handle)
{
	(void)ctx, (void)page, (void)handle;
	return false;
}

static enum zonal_give never_give(void *ctx, struct page *page, uint64_t handle, unsigned may)
{
	(void)ctx, (void)page, (void)handle, (void)may;
	return ZONAL_GIVE_BUSY;
}

static void never_commit(void *ctx, struct page *page, uint64_t handle)
{
	(void)ctx, (void)page, (void)handle;
}

static void never_move(void *ctx, struct page *from, struct page *to, uint64_t handle)
{
	(void)ctx, (void)from, (void)to, (void)handle;
}

static void never_abort(void *ctx, struct page *page, uint64_t handle, bool moving)
{
	(void)ctx, (void)page, (void)handle, (void)moving;
}

static const struct zonal_owner_ops mover = {
	.name = "mover", .kind = ZONAL_ANON, .used = never_used, .give_prepare = never_give,
	.give_commit = never_commit, .move_prepare = never_give, .move_commit = never_move,
	.abort = never_abort,
};
static const struct zonal_owner_ops keeper = {
	.name = "keeper", .kind = ZONAL_CACHE, .used = never_used, .give_prepare = never_give,
	.give_commit = never_commit, .abort = never_abort,
};

/* ---- helpers ---- */

/* Exactly this page, in use by the caller as if it had been allocated. */
static struct page *take_at(struct zonal *mm, pfn_t pfn)
{
	struct page *page = zonal_page(mm, pfn);
	struct zone *zone = mm_page_zone(mm, page);
	port_irqflags_t irq = port_irq_save();
	bool taken;

	lock_take(&zone->lock);
	taken = buddy_take_exact(zone, page);
	if (taken)
		page_set_used(page, word_make(zone->id, PAGE_USED, 0));
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	return KT_OK(taken, "pfn 0x%llx is not free", (unsigned long long)pfn) ? page : NULL;
}

static uint64_t isolated_free(const struct zone *zone)
{
	uint64_t pages = 0;

	for (unsigned order = 0; order < MAX_ORDER; order++)
		pages += (uint64_t)kt_blocks(zone, MIGRATE_ISOLATE, order) << order;
	return pages;
}

static bool types_are(struct zonal *mm, pfn_t start, unsigned blocks, unsigned type)
{
	for (unsigned i = 0; i < blocks; i++)
		if (!KT_EQ(kt_block_type(mm, start + i * BLOCK_PAGES), type))
			return false;
	return true;
}

/* Nothing is isolated, and the zone has `free` pages. */
static void expect_untouched(struct zonal *mm, int64_t free)
{
	struct zone *zone = kt_zone(mm, 0, ZONE_DMA);

	KT_EQ(zone->isolated_blocks, 0);
	KT_EQ(isolated_free(zone), 0);
	KT_EQ(kt_free(zone), free);
	types_are(mm, zone->start_pfn, (unsigned)(zone->spanned / BLOCK_PAGES), MIGRATE_MOVABLE);
	kt_check_all(mm);
}

/* ---- A1 ---- */

KTEST(rows_a, a1_free_pages_of_an_isolated_block_are_not_counted)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct zone *zone;
	struct page *page;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	page = take_at(mm, FIRST + 7);
	zonal_page_add(mm, zonal_owner_register(mm, &mover, NULL), page, 0);
	KT_EQ(range_isolate(mm, FIRST, FIRST + BLOCK_PAGES, MIGRATE_MOVABLE), 0);
	types_are(mm, FIRST, 1, MIGRATE_ISOLATE);
	types_are(mm, FIRST + BLOCK_PAGES, 1, MIGRATE_MOVABLE);
	KT_EQ(zone->isolated_blocks, 1);
	KT_EQ(isolated_free(zone), BLOCK_PAGES - 1);
	KT_EQ(kt_free(zone), 8 * LARGEST - BLOCK_PAGES);
	kt_check_all(mm);
	/* What becomes free there stays there, at once (P8). */
	zonal_page_remove(mm, page);
	zonal_free(mm, page, 0);
	KT_EQ(isolated_free(zone), BLOCK_PAGES);
	KT_EQ(kt_blocks(zone, MIGRATE_ISOLATE, PAGEBLOCK_ORDER), 1);
	kt_check_all(mm);
	range_unisolate(mm, FIRST, FIRST + BLOCK_PAGES, MIGRATE_MOVABLE);
	expect_untouched(mm, 8 * LARGEST);
}

KTEST(rows_a, a1_nobody_gets_a_page_of_an_isolated_block)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct page *chain = NULL;
	uint64_t got;

	if (!mm)
		return;
	KT_EQ(range_isolate(mm, FIRST, FIRST + 3 * BLOCK_PAGES, MIGRATE_MOVABLE), 0);
	got = kt_take_all(mm, 0, GFP_KERNEL | __GFP_NOWARN, 0, &chain);
	KT_EQ(got, 8 * LARGEST - 3 * BLOCK_PAGES);
	KT_EQ(isolated_free(kt_zone(mm, 0, ZONE_DMA)), 3 * BLOCK_PAGES);
	kt_give_all(mm, chain, 0);
	range_unisolate(mm, FIRST, FIRST + 3 * BLOCK_PAGES, MIGRATE_MOVABLE);
	zonal_drain_all(mm, NULL);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), 8 * LARGEST);
	kt_check_all(mm);
}

/* Per-CPU lists are drained, and what comes back by their batches goes by the pageblock. */
KTEST(rows_a, a1_pages_in_per_cpu_lists_come_out)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	for (unsigned i = 0; i < 8; i++)
		zonal_free(mm, take_at(mm, FIRST + 3 * i), 0);
	KT_TRUE(kt_pcp_count(zone) > 0);
	KT_EQ(range_isolate(mm, FIRST, FIRST + BLOCK_PAGES, MIGRATE_MOVABLE), 0);
	KT_EQ(kt_pcp_count(zone), 0);
	KT_EQ(kt_blocks(zone, MIGRATE_ISOLATE, PAGEBLOCK_ORDER), 1);
	kt_check_all(mm);
	range_unisolate(mm, FIRST, FIRST + BLOCK_PAGES, MIGRATE_MOVABLE);
	expect_untouched(mm, 8 * LARGEST);
}

KTEST(rows_a, a1_isolated_block_is_busy_for_a_second_one)
{
	struct zonal *mm = kt_bare_instance(&board);

	if (!mm)
		return;
	KT_EQ(range_isolate(mm, FIRST, FIRST + BLOCK_PAGES, MIGRATE_MOVABLE), 0);
	KT_EQ(range_isolate(mm, FIRST - BLOCK_PAGES, FIRST + BLOCK_PAGES, MIGRATE_MOVABLE),
	      ZONAL_EBUSY);
	/* The first one is as it was. */
	types_are(mm, FIRST - BLOCK_PAGES, 1, MIGRATE_MOVABLE);
	types_are(mm, FIRST, 1, MIGRATE_ISOLATE);
	KT_EQ(kt_zone(mm, 0, ZONE_DMA)->isolated_blocks, 1);
	range_unisolate(mm, FIRST, FIRST + BLOCK_PAGES, MIGRATE_MOVABLE);
	expect_untouched(mm, 8 * LARGEST);
}

/* 5.10 leaves the reserve counted. */
KTEST(rows_a, a1_isolated_highatomic_block_leaves_the_reserve)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct page *page;
	struct zone *zone;
	pfn_t block;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	page = zonal_alloc_node(mm, 0, GFP_ATOMIC, 3);
	highatomic_reserve(zone, page);
	KT_EQ(ld_relaxed(&zone->highatomic), BLOCK_PAGES);
	block = zonal_pfn(page) & ~(BLOCK_PAGES - 1);
	KT_EQ(range_isolate(mm, block, block + BLOCK_PAGES, MIGRATE_MOVABLE), ZONAL_EBUSY);
	KT_EQ(ld_relaxed(&zone->highatomic), BLOCK_PAGES);
	zonal_free(mm, page, 3);
	KT_EQ(range_isolate(mm, block, block + BLOCK_PAGES, MIGRATE_MOVABLE), 0);
	KT_EQ(ld_relaxed(&zone->highatomic), 0);
	kt_check_all(mm);
	range_unisolate(mm, block, block + BLOCK_PAGES, ISOLATE_AS_BEFORE);
	KT_EQ(kt_block_type(mm, block), MIGRATE_MOVABLE);
	KT_EQ(zone->isolated_blocks, 0);
	KT_EQ(kt_free(zone), 8 * LARGEST);
	kt_check_all(mm);
}

/* ---- A2 ---- */

KTEST(rows_a, a2_free_block_merges_again_with_its_neighbour)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct zone *zone;
	unsigned whole;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	whole = kt_blocks(zone, MIGRATE_MOVABLE, MAX_ORDER - 1);
	/* One half of a free block: it is split, and joined again; either half. */
	for (unsigned half = 0; half < 2; half++) {
		pfn_t at = FIRST + half * BLOCK_PAGES;

		KT_EQ(range_isolate(mm, at, at + BLOCK_PAGES, MIGRATE_MOVABLE), 0);
		KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, MAX_ORDER - 1), whole - 1);
		KT_EQ(isolated_free(zone), BLOCK_PAGES);
		kt_check_all(mm);
		range_unisolate(mm, at, at + BLOCK_PAGES, MIGRATE_MOVABLE);
		KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, MAX_ORDER - 1), whole);
		expect_untouched(mm, 8 * LARGEST);
	}
	/* Both halves, and the isolation of one ends first. */
	KT_EQ(range_isolate(mm, FIRST, FIRST + LARGEST, MIGRATE_MOVABLE), 0);
	KT_EQ(kt_blocks(zone, MIGRATE_ISOLATE, MAX_ORDER - 1), 1);
	range_unisolate(mm, FIRST + BLOCK_PAGES, FIRST + 2 * BLOCK_PAGES, MIGRATE_MOVABLE);
	KT_EQ(isolated_free(zone), LARGEST - BLOCK_PAGES);
	kt_check_all(mm);
	range_unisolate(mm, FIRST, FIRST + BLOCK_PAGES, MIGRATE_MOVABLE);
	if (LARGEST > 2 * BLOCK_PAGES)
		range_unisolate(mm, FIRST + 2 * BLOCK_PAGES, FIRST + LARGEST, MIGRATE_MOVABLE);
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, MAX_ORDER - 1), whole);
	expect_untouched(mm, 8 * LARGEST);
}

KTEST(rows_a, a2_blocks_get_the_type_that_was_asked_for)
{
	struct zonal *mm = kt_bare_instance(&board);

	if (!mm)
		return;
	block_set_type(zonal_page(mm, FIRST), MIGRATE_RECLAIMABLE);
	KT_EQ(range_isolate(mm, FIRST, FIRST + LARGEST, MIGRATE_MOVABLE), 0);
	range_unisolate(mm, FIRST, FIRST + LARGEST, ISOLATE_AS_BEFORE);
	KT_EQ(kt_block_type(mm, FIRST), MIGRATE_RECLAIMABLE);
	KT_EQ(kt_block_type(mm, FIRST + BLOCK_PAGES), MIGRATE_MOVABLE);
	kt_check_all(mm);
	KT_EQ(range_isolate(mm, FIRST, FIRST + LARGEST, MIGRATE_MOVABLE), 0);
	range_unisolate(mm, FIRST, FIRST + LARGEST, MIGRATE_MOVABLE);
	expect_untouched(mm, 8 * LARGEST);
}

/* ---- A3 ---- */

/* One free block may be all of it: the largest that changes its list with others. */
KTEST(rows_a, a2_a_pageblock_that_is_one_free_block_changes_its_list)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct page *first = mm ? zonal_page(mm, FIRST + BLOCK_PAGES) : NULL;
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;

	if (!mm || !take_at(mm, FIRST))
		return;
	for (unsigned i = 0; i < 2; i++) { /* there and back */
		unsigned type = i ? MIGRATE_MOVABLE : MIGRATE_UNMOVABLE;
		port_irqflags_t irq = port_irq_save();

		lock_take(&zone->lock);
		buddy_move_all(zone, first, type);
		block_set_type(first, type);
		lock_drop(&zone->lock);
		port_irq_restore(irq);
		KT_EQ(kt_first(zone, type, PAGEBLOCK_ORDER), first->pfn);
		kt_check_all(mm);
	}
}

KTEST(rows_a, a3_a_range_is_isolated_as_a_whole_or_not_at_all)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct page *page;

	if (!mm)
		return;
	for (unsigned block = 0; block < 4; block++) {
		page = take_at(mm, FIRST + block * BLOCK_PAGES + 100);
		KT_EQ(range_isolate(mm, FIRST, FIRST + 4 * BLOCK_PAGES, MIGRATE_MOVABLE),
		      ZONAL_EBUSY);
		expect_untouched(mm, 8 * LARGEST - 1);
		zonal_free(mm, page, 0);
		zonal_drain_all(mm, NULL);
	}
	KT_EQ(range_isolate(mm, FIRST, FIRST + 4 * BLOCK_PAGES, MIGRATE_MOVABLE), 0);
	types_are(mm, FIRST, 4, MIGRATE_ISOLATE);
	range_unisolate(mm, FIRST, FIRST + 4 * BLOCK_PAGES, MIGRATE_MOVABLE);
	expect_untouched(mm, 8 * LARGEST);
}

KTEST(rows_a, a3_odd_ranges_are_refused)
{
	struct zonal *mm = kt_bare_instance(&board);
	const pfn_t end = KT_DMA_PFN + 8 * LARGEST;
	const struct {
		pfn_t start, end;
	} odd[] = {
		{ FIRST + 1, FIRST + BLOCK_PAGES },
		{ FIRST, FIRST + BLOCK_PAGES - 1 },
		{ FIRST, FIRST },
		{ FIRST + BLOCK_PAGES, FIRST },
		{ end - BLOCK_PAGES, end + BLOCK_PAGES },
		{ KT_DMA_PFN - BLOCK_PAGES, KT_DMA_PFN + BLOCK_PAGES },
		{ 0, BLOCK_PAGES },
		{ (pfn_t)1 << 40, ((pfn_t)1 << 40) + BLOCK_PAGES },
	};

	if (!mm)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(odd); i++)
		KT_EQ(range_isolate(mm, odd[i].start, odd[i].end, MIGRATE_MOVABLE), ZONAL_EINVAL);
	expect_untouched(mm, 8 * LARGEST);
}

/* ---- A4 ---- */

/* Can the block of FIRST be isolated? Ended at once. */
static int try_block(struct zonal *mm, unsigned type)
{
	int error = range_isolate(mm, FIRST, FIRST + BLOCK_PAGES, type);

	if (!error)
		range_unisolate(mm, FIRST, FIRST + BLOCK_PAGES, ISOLATE_AS_BEFORE);
	return error;
}

KTEST(rows_a, a4_a_page_can_leave_if_its_owner_can_move_it)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct zonal_owner *moves, *keeps;
	struct page *page;

	if (!mm)
		return;
	moves = zonal_owner_register(mm, &mover, NULL);
	keeps = zonal_owner_register(mm, &keeper, NULL);
	page = take_at(mm, FIRST + 511);
	KT_EQ(try_block(mm, MIGRATE_MOVABLE), ZONAL_EBUSY);
	zonal_page_add(mm, keeps, page, 0);
	KT_EQ(try_block(mm, MIGRATE_MOVABLE), ZONAL_EBUSY);
	zonal_page_remove(mm, page);
	zonal_page_add(mm, moves, page, 0);
	KT_EQ(try_block(mm, MIGRATE_MOVABLE), 0);
	zonal_page_remove(mm, page);
	KT_EQ(try_block(mm, MIGRATE_MOVABLE), ZONAL_EBUSY);
	zonal_free(mm, page, 0);
	KT_EQ(try_block(mm, MIGRATE_MOVABLE), 0);
	kt_check_all(mm);
}

KTEST(rows_a, a4_blocks_in_use_of_any_order_forbid_it)
{
	struct zonal *mm = kt_bare_instance(&board);

	if (!mm)
		return;
	for (unsigned order = 0; order < MAX_ORDER; order++)
		for (unsigned comp = 0; comp < 2; comp++) {
			struct page *page = zonal_alloc_node(mm, 0, comp ? __GFP_COMP : 0, order);
			pfn_t at = zonal_pfn(page) & ~(BLOCK_PAGES - 1);

			for (pfn_t b = at; b < zonal_pfn(page) + (1u << order); b += BLOCK_PAGES)
				KT_EQ(range_isolate(mm, b, b + BLOCK_PAGES, MIGRATE_MOVABLE),
				      ZONAL_EBUSY);
			zonal_free(mm, page, order);
		}
	zonal_drain_all(mm, NULL);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), 8 * LARGEST);
	kt_check_all(mm);
}

KTEST(rows_a, a4_reserved_pages_forbid_it)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 8 * LARGEST } },
		.reserved = { { 0, FIRST + 300, 1 } },
	};
	struct zonal *mm = kt_bare_instance(&spec);

	if (!mm)
		return;
	KT_EQ(try_block(mm, MIGRATE_MOVABLE), ZONAL_EBUSY);
	KT_EQ(zonal_free_reserved(mm, FIRST + 300), 0);
	KT_EQ(try_block(mm, MIGRATE_MOVABLE), 0);
	kt_check_all(mm);
}

KTEST(rows_a, a4_cma_blocks_are_for_cma_requests)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 8 * LARGEST } },
		.reserved = { { 0, FIRST, 2 * LARGEST } },
		.cma_index = 1,
	};
	struct zonal *mm = ZONAL_CMA ? kt_bare_instance(&spec) : NULL;
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	KT_EQ(try_block(mm, MIGRATE_MOVABLE), ZONAL_EBUSY);
	/* Even with a page that would stay: such a block holds what was given out as movable. */
	KT_TRUE(take_at(mm, FIRST + 1));
	KT_EQ(range_isolate(mm, FIRST, FIRST + LARGEST, MIGRATE_CMA), 0);
	KT_EQ(ld_relaxed(&zone->free_cma), LARGEST);
	KT_EQ(isolated_free(zone), LARGEST - 1);
	kt_check_all(mm);
	zonal_free(mm, zonal_page(mm, FIRST + 1), 0);
	range_unisolate(mm, FIRST, FIRST + LARGEST, MIGRATE_CMA);
	KT_EQ(ld_relaxed(&zone->free_cma), 2 * LARGEST);
	types_are(mm, FIRST, (unsigned)(2 * LARGEST / BLOCK_PAGES), MIGRATE_CMA);
	KT_EQ(kt_first(zone, MIGRATE_CMA, MAX_ORDER - 1), FIRST + LARGEST);
	kt_check_all(mm);
}

KTEST(rows_a, a4_in_the_movable_zone_only_reserved_pages_stay)
{
	static const struct zonal_options half = {
		.watermark_scale_factor = 10,
		.lowmem_reserve_ratio = { 256, 256, 32, 0 },
		.kernelcore_percent = 50,
	};
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 32 * LARGEST } },
		.reserved = { { 0, KT_DMA_PFN + 30 * LARGEST, 1 } },
		.options = &half,
	};
	const pfn_t at = KT_DMA_PFN + 28 * LARGEST;
	struct zonal *mm = kt_bare_instance(&spec);
	struct page *page;

	if (!mm)
		return;
	page = take_at(mm, at + 9);
	KT_EQ(zonal_page_zone(page), ZONE_MOVABLE);
	KT_EQ(range_isolate(mm, at, at + LARGEST, MIGRATE_MOVABLE), 0);
	range_unisolate(mm, at, at + LARGEST, MIGRATE_MOVABLE);
	KT_EQ(range_isolate(mm, at + 2 * LARGEST, at + 3 * LARGEST, MIGRATE_MOVABLE), ZONAL_EBUSY);
	zonal_free(mm, page, 0);
	kt_check_all(mm);
}

/* Each zone has lists of its own, so such a block would be isolated for one of them only. */
KTEST(rows_a, a3_block_that_zones_share_is_busy)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 2 * LARGEST + 200 },
			 { 1, KT_DMA_PFN + 2 * LARGEST + 200, 2 * LARGEST } },
	};
	struct zonal *mm = kt_bare_instance(&spec);

	if (!mm)
		return;
	KT_EQ(try_block(mm, MIGRATE_MOVABLE), ZONAL_EBUSY);
	KT_EQ(range_isolate(mm, FIRST - LARGEST, FIRST, MIGRATE_MOVABLE), 0);
	range_unisolate(mm, FIRST - LARGEST, FIRST, MIGRATE_MOVABLE);
	/* A block that is partly hole is its one zone's. */
	KT_EQ(range_isolate(mm, FIRST + 2 * LARGEST, FIRST + 2 * LARGEST + BLOCK_PAGES,
			    MIGRATE_MOVABLE), 0);
	KT_EQ(isolated_free(kt_zone(mm, 1, ZONE_DMA)), 200);
	kt_check_all(mm);
	range_unisolate(mm, FIRST + 2 * LARGEST, FIRST + 2 * LARGEST + BLOCK_PAGES,
			MIGRATE_MOVABLE);
	KT_EQ(kt_zone(mm, 1, ZONE_DMA)->isolated_blocks, 0);
	kt_check_all(mm);
}
