/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Constraint allocation: each rule of addresses alone, all or nothing over several regions, whose
 * pages are taken and whose are not.
 *
 * Boards have no marks where a test is not about them.
 */
#include "kt_cache.h"

#include <zonal/constraint.h>
#include <zonal/contig.h>
#include <zonal/look.h>

#include "mm/compact/isolate_block.h"
#include "mm/constraint_take.h"
#include "mm/mobility.h"

#define LARGEST ((pfn_t)1 << (MAX_ORDER - 1))
#define ADDRESS(pfn) ((uint64_t)(pfn) << PAGE_SHIFT)

/* Two zones of node 0, node 1 behind them. */
static const struct kt_spec board = {
	.ram = { { 0, KT_NORMAL_PFN - 4 * LARGEST, 8 * LARGEST },
		 { 1, KT_NORMAL_PFN + 4 * LARGEST, 4 * LARGEST } },
	.cpus = 2,
};

static struct zonal_constraint plain(uint64_t pages)
{
	return (struct zonal_constraint){ .pages = pages, .regions = 1, .gfp = GFP_KERNEL };
}

/* The region that comes, or 0 with the reason. */
static pfn_t get(struct zonal *mm, const struct zonal_constraint *want, enum zonal_unmet *why)
{
	pfn_t start[8] = { 0 };
	int error = zonal_alloc_constrained(mm, want, start, why);

	KT_EQ(error == 0, *why == ZONAL_UNMET_NONE);
	return error ? 0 : start[0];
}

/* It comes from `pfn` on, and goes back. */
static void comes_from(struct zonal *mm, struct zonal_constraint want, pfn_t pfn)
{
	enum zonal_unmet why;

	KT_EQ(get(mm, &want, &why), pfn);
	KT_STR_EQ(zonal_unmet_text(why), zonal_unmet_text(ZONAL_UNMET_NONE));
	KT_EQ(zonal_free_contig_range(mm, pfn, want.pages), 0);
	zonal_drain_all(mm, NULL);
	kt_check_all(mm);
}

static void fails_for(struct zonal *mm, struct zonal_constraint want, enum zonal_unmet reason)
{
	enum zonal_unmet why;

	KT_EQ(get(mm, &want, &why), 0);
	KT_STR_EQ(zonal_unmet_text(why), zonal_unmet_text(reason));
	kt_check_all(mm);
}

KTEST(constraint, the_lowest_place_of_the_first_zone_that_a_request_would_ask)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct zonal_constraint want = plain(5);

	if (!mm)
		return;
	comes_from(mm, want, KT_NORMAL_PFN);
	want.gfp = GFP_KERNEL | GFP_DMA;
	comes_from(mm, want, KT_NORMAL_PFN - 4 * LARGEST);
	want.gfp = GFP_KERNEL;
	want.nid = 1;
	comes_from(mm, want, KT_NORMAL_PFN + 4 * LARGEST);
	want.nid = NODE_NONE;
	want.nodes = node_bit(1);
	comes_from(mm, want, KT_NORMAL_PFN + 4 * LARGEST);
	want.nodes = node_bit(5 % ZONAL_MAX_NODES);
	if (ZONAL_MAX_NODES > 5)
		fails_for(mm, want, ZONAL_UNMET_RANGE);
}

KTEST(constraint, every_byte_lies_from_low_to_high)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct zonal_constraint want = plain(5);

	if (!mm)
		return;
	want.low = ADDRESS(KT_NORMAL_PFN + 70);
	want.high = ADDRESS(KT_NORMAL_PFN + 75) - 1;
	comes_from(mm, want, KT_NORMAL_PFN + 70);
	want.high--;
	fails_for(mm, want, ZONAL_UNMET_PLACE);
	want.high = ADDRESS(KT_NORMAL_PFN + 76) - 1;
	want.low++;
	comes_from(mm, want, KT_NORMAL_PFN + 71);
	want.low = ADDRESS(KT_NORMAL_PFN - 4 * LARGEST);
	want.high = ADDRESS(KT_NORMAL_PFN) - 1;
	comes_from(mm, want, KT_NORMAL_PFN - 4 * LARGEST);
	want.low = 0;
	want.high = ADDRESS(KT_NORMAL_PFN - 4 * LARGEST) - 1;
	fails_for(mm, want, ZONAL_UNMET_RANGE);
	want.low = UINT64_MAX;
	want.high = 0;
	fails_for(mm, want, ZONAL_UNMET_RANGE);
}

KTEST(constraint, alignment_and_boundary)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct zonal_constraint want = plain(5);

	if (!mm)
		return;
	want.low = ADDRESS(KT_NORMAL_PFN + 1);
	want.align = ADDRESS(4);
	comes_from(mm, want, KT_NORMAL_PFN + 4);
	want.boundary = ADDRESS(8); /* from 4 it would cross 8 */
	comes_from(mm, want, KT_NORMAL_PFN + 8);
	want.align = 1;
	comes_from(mm, want, KT_NORMAL_PFN + 1);
	want.low = ADDRESS(KT_NORMAL_PFN + 4);
	comes_from(mm, want, KT_NORMAL_PFN + 8);
	want.align = ADDRESS(2 * LARGEST);
	want.pages = LARGEST + 3;
	want.boundary = ADDRESS(2 * LARGEST);
	comes_from(mm, want, KT_NORMAL_PFN + 2 * LARGEST);
	want.align = (uint64_t)1 << 63;
	fails_for(mm, want, ZONAL_UNMET_PLACE);
}

KTEST(constraint, colours_of_single_pages)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct zonal_constraint want = plain(1);
	pfn_t start[6];

	if (!mm)
		return;
	want.colours = 8;
	want.colour_mask = 1u << 3 | 1u << 6;
	want.regions = 6;
	if (!KT_EQ(zonal_alloc_constrained(mm, &want, start, NULL), 0))
		return;
	for (unsigned i = 0; i < 6; i++) {
		KT_EQ(start[i], KT_NORMAL_PFN + 8 * (i / 2) + (i % 2 ? 6 : 3));
		zonal_free(mm, zonal_page(mm, start[i]), 0);
	}
	want.align = ADDRESS(2); /* only even colours can be */
	want.regions = 1;
	comes_from(mm, want, KT_NORMAL_PFN + 6);
	want.colour_mask = 1u << 3;
	fails_for(mm, want, ZONAL_UNMET_PLACE);
}

/* ---- several regions ---- */

KTEST(constraint, regions_come_zone_by_zone_in_the_order_of_addresses)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct zonal_constraint want = plain(3 * LARGEST);
	pfn_t start[3];

	if (!mm)
		return;
	want.regions = 3;
	if (!KT_EQ(zonal_alloc_constrained(mm, &want, start, NULL), 0))
		return;
	KT_EQ(start[0], KT_NORMAL_PFN);
	KT_EQ(start[1], KT_NORMAL_PFN - 4 * LARGEST);
	KT_EQ(start[2], KT_NORMAL_PFN + 4 * LARGEST);
	for (unsigned i = 0; i < 3; i++)
		KT_EQ(zonal_free_contig_range(mm, start[i], want.pages), 0);
	zonal_drain_all(mm, NULL);
	kt_check_all(mm);
}

KTEST(constraint, one_region_too_many_takes_nothing_and_loses_nothing)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct zonal_constraint want = plain(3 * LARGEST);
	struct zonal_free_range r;
	pfn_t next = 0, start[4];
	enum zonal_unmet why;

	if (!mm)
		return;
	want.regions = 4;
	KT_EQ(zonal_alloc_constrained(mm, &want, start, &why), ZONAL_ENOMEM);
	KT_EQ(why, ZONAL_UNMET_BUSY);
	for (unsigned i = 0; i < 3; i++) {
		KT_TRUE(zonal_free_next(mm, &next, &r));
		KT_EQ(r.pages, 4 * LARGEST);
	}
	KT_EQ(kt_blocks_of_order(kt_zone(mm, 1, ZONE_NORMAL), MAX_ORDER - 1), 4);
	KT_EQ(kt_blocks_of_order(kt_zone(mm, 0, ZONE_NORMAL), MAX_ORDER - 1), 4);
	KT_EQ(zonal_bad_count(mm), 0);
	kt_check_all(mm);
}

/* What was split off around a region can be taken by the next request. */
KTEST(constraint, what_is_skipped_stays_in_the_lists)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct zonal_constraint want = plain(1);
	pfn_t start;

	if (!mm)
		return;
	want.low = ADDRESS(KT_NORMAL_PFN + 777);
	if (!KT_EQ(zonal_alloc_constrained(mm, &want, &start, NULL), 0))
		return;
	KT_EQ(start, KT_NORMAL_PFN + 777);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_NORMAL)), 4 * LARGEST - 1);
	for (pfn_t pfn = KT_NORMAL_PFN; pfn < KT_NORMAL_PFN + LARGEST; pfn++)
		KT_EQ(zonal_is_free(mm, pfn), pfn != start);
	zonal_free(mm, zonal_page(mm, start), 0);
}

KTEST(constraint, pages_go_back_one_by_one_or_in_part)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct zonal_constraint want = plain(100);
	pfn_t start;

	if (!mm || !KT_EQ(zonal_alloc_constrained(mm, &want, &start, NULL), 0))
		return;
	for (unsigned i = 0; i < 100; i++)
		KT_TRUE(ld_relaxed(&zonal_page(mm, start + i)->refs) == 1);
	zonal_free(mm, zonal_page(mm, start + 50), 0);
	KT_EQ(zonal_free_contig_range(mm, start, 50), 0);
	KT_EQ(zonal_free_contig_range(mm, start + 51, 49), 0);
	zonal_drain_all(mm, NULL);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_NORMAL)), 4 * LARGEST);
	kt_check_all(mm);
}

/* ---- whose pages ---- */

static const struct kt_spec small = {
	.ram = { { 0, KT_DMA_PFN, 4 * LARGEST } },
	.reserved = { { 0, KT_DMA_PFN + LARGEST, LARGEST } },
	.cma_index = 1,
	.cpus = 2,
};

/* So large that a CPU keeps a few pages of it. */
static const struct kt_spec large = { .ram = { { 0, KT_DMA_PFN, 8 * LARGEST } }, .cpus = 2 };

KTEST(constraint, areas_and_isolated_blocks_are_left_alone)
{
	struct zonal *mm = kt_bare_instance(&small);
	struct zonal_constraint want = plain(3 * LARGEST / 2);

	if (!mm || !KT_EQ(range_isolate(mm, KT_DMA_PFN + 2 * LARGEST, KT_DMA_PFN + 3 * LARGEST,
					MIGRATE_MOVABLE), 0))
		return;
	fails_for(mm, want, ZONAL_UNMET_BUSY);
	want.pages = LARGEST;
	want.low = ADDRESS(KT_DMA_PFN + 1);
	comes_from(mm, want, KT_DMA_PFN + 3 * LARGEST);
	range_unisolate(mm, KT_DMA_PFN + 2 * LARGEST, KT_DMA_PFN + 3 * LARGEST, MIGRATE_MOVABLE);
	comes_from(mm, want, KT_DMA_PFN + 2 * LARGEST);
}

KTEST(constraint, the_highatomic_reserve_is_left_alone)
{
	struct zonal *mm = kt_bare_instance(&small);
	struct page *page = mm ? zonal_alloc(mm, GFP_KERNEL, 1) : NULL;
	struct zonal_constraint want = plain(1);

	if (!page)
		return;
	want.low = ADDRESS(zonal_pfn(page) & ~(BLOCK_PAGES - 1));
	want.high = want.low + ADDRESS(BLOCK_PAGES) - 1;
	highatomic_reserve(kt_zone(mm, 0, ZONE_DMA), page);
	KT_EQ(page_block_type(page), MIGRATE_HIGHATOMIC);
	zonal_free(mm, page, 1);
	fails_for(mm, want, ZONAL_UNMET_BUSY);
}

KTEST(constraint, pages_in_the_lists_of_cpus_are_brought_out)
{
	struct zonal *mm = kt_bare_instance(&large);
	struct page *page = mm ? zonal_alloc(mm, GFP_KERNEL, 0) : NULL;
	struct zonal_constraint want = plain(LARGEST);

	if (!page)
		return;
	want.low = ADDRESS(zonal_pfn(page) & ~(LARGEST - 1));
	want.high = want.low + ADDRESS(LARGEST) - 1;
	zonal_free(mm, page, 0);
	KT_TRUE(kt_pcp_count(kt_zone(mm, 0, ZONE_DMA)) > 0);
	comes_from(mm, want, want.low >> PAGE_SHIFT);
}

/* The zone keeps MIN and one page more, as for any request. */
KTEST(constraint, no_zone_goes_below_its_mark)
{
	struct zonal *mm = kt_bare_instance(&small);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
	struct zonal_constraint want = plain(2 * LARGEST);

	if (!mm)
		return;
	/* Pages of CMA areas do not count for it. */
	kt_marks(zone, (int64_t)LARGEST, (int64_t)LARGEST, (int64_t)LARGEST);
	want.low = ADDRESS(KT_DMA_PFN + 2 * LARGEST);
	fails_for(mm, want, ZONAL_UNMET_MARK);
	want.align = ADDRESS(2);
	fails_for(mm, want, ZONAL_UNMET_MARK);
	kt_marks(zone, (int64_t)LARGEST - 1, (int64_t)LARGEST, (int64_t)LARGEST);
	comes_from(mm, want, KT_DMA_PFN + 2 * LARGEST);
}

KTEST(constraint, what_can_be_moved_makes_way_if_the_caller_says_so)
{
	struct zonal *mm = kt_bare_instance(&large);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 2 * LARGEST) : NULL;
	struct zonal_constraint want = plain(LARGEST + 9);

	if (!cache)
		return;
	kt_cache_fill(cache, 0, GFP_HIGHUSER_MOVABLE | __GFP_NORETRY, LARGEST);
	want.high = ADDRESS(cache->place[0].page->pfn + LARGEST + 1000);
	want.low = ADDRESS(cache->place[0].page->pfn & ~(LARGEST - 1));
	want.align = ADDRESS(LARGEST);
	fails_for(mm, want, ZONAL_UNMET_BUSY);
	KT_EQ(cache->moved, 0);
	want.flags = ZONAL_CONSTRAINT_MOVE;
	comes_from(mm, want, want.low >> PAGE_SHIFT);
	KT_TRUE(cache->moved > 0);
	KT_EQ(kt_cache_left(cache), LARGEST);
	kt_cache_drop_all(cache);
	kt_check_all(mm);
}

KTEST(constraint, pages_come_cleared_if_asked)
{
	struct zonal *mm = kt_bare_instance(&small);
	struct zonal_constraint want = plain(7);
	enum zonal_unmet why;
	size_t count = 0;
	pfn_t first = 0;

	if (!mm)
		return;
	want.gfp |= __GFP_ZERO;
	KT_EQ(get(mm, &want, &why), KT_DMA_PFN);
	KT_EQ(kt_cleared(&first, &count), 7);
	KT_TRUE(first == KT_DMA_PFN && count == 7);
	KT_EQ(zonal_free_contig_range(mm, first, 7), 0);
}

/* A page that somebody has written to while it was free is leaked, and the place passed over. */
KTEST(constraint, a_damaged_page_is_passed_over)
{
	struct zonal *mm = kt_bare_instance(&small);
	struct zonal_constraint want = plain(64);
	int64_t before;

	if (!mm)
		return;
	before = kt_free(kt_zone(mm, 0, ZONE_DMA));
	zonal_page(mm, KT_DMA_PFN + 10)->mapped = 3;
	page_set_word(zonal_page(mm, KT_DMA_PFN + 10),
		      page_word(zonal_page(mm, KT_DMA_PFN + 10)) | PG_LOCKED);
	want.align = ADDRESS(64);
	comes_from(mm, want, KT_DMA_PFN + 64);
	KT_EQ(zonal_bad_count(mm), 1);
	KT_EQ(page_state(zonal_page(mm, KT_DMA_PFN + 10)), PAGE_BAD);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), before - 1);
}

/* ---- refusals ---- */

struct refused {
	struct zonal_constraint want;
	enum zonal_unmet why;
};

static const struct refused refused[] = {
	{ { .pages = 0, .regions = 1 }, ZONAL_UNMET_SIZE },
	{ { .pages = 1, .regions = 0 }, ZONAL_UNMET_SIZE },
	{ { .pages = ((uint64_t)1 << 32) + 1, .regions = 1 }, ZONAL_UNMET_SIZE },
	{ { .pages = UINT64_MAX, .regions = 1 }, ZONAL_UNMET_SIZE },
	{ { .pages = 1, .regions = 1, .align = 3 }, ZONAL_UNMET_ALIGN },
	{ { .pages = 1, .regions = 1, .align = UINT64_MAX }, ZONAL_UNMET_ALIGN },
	{ { .pages = 3, .regions = 1, .boundary = 3 * PAGE_SIZE }, ZONAL_UNMET_BOUNDARY },
	{ { .pages = 3, .regions = 1, .boundary = 2 * PAGE_SIZE }, ZONAL_UNMET_BOUNDARY },
	{ { .pages = 1, .regions = 1, .boundary = PAGE_SIZE / 2 }, ZONAL_UNMET_BOUNDARY },
	{ { .pages = 2, .regions = 1, .colours = 2, .colour_mask = 1 }, ZONAL_UNMET_COLOURS },
	{ { .pages = 1, .regions = 1, .colours = 65, .colour_mask = 1 }, ZONAL_UNMET_COLOURS },
	{ { .pages = 1, .regions = 1, .colours = 4, .colour_mask = 0xf0 }, ZONAL_UNMET_COLOURS },
	{ { .pages = 1, .regions = 1, .nid = 2 }, ZONAL_UNMET_NODE },
	{ { .pages = 1, .regions = 1, .nid = ZONAL_MAX_NODES }, ZONAL_UNMET_NODE },
	{ { .pages = 1, .regions = 1, .nid = -2 }, ZONAL_UNMET_NODE },
	{ { .pages = 1, .regions = 1, .flags = 2 }, ZONAL_UNMET_FLAGS },
	{ { .pages = 1, .regions = 1, .gfp = __GFP_DMA | __GFP_DMA32 }, ZONAL_UNMET_FLAGS },
	{ { .pages = 1, .regions = 1, .low = 4096, .high = 1 }, ZONAL_UNMET_RANGE },
};

KTEST(constraint, each_refusal_says_which_rule)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct kt_spec blind = board;
	struct zonal_constraint want = plain(1);

	for (unsigned i = 0; mm && i < ARRAY_SIZE(refused); i++) {
		enum zonal_unmet why = ZONAL_UNMETS;
		pfn_t start = 77;
		int error = zonal_alloc_constrained(mm, &refused[i].want, &start, &why);

		KT_OK(why == refused[i].why && start == 77, "%u: %s", i, zonal_unmet_text(why));
		KT_EQ(error, why < ZONAL_UNMET_RANGE ? ZONAL_EINVAL : ZONAL_ENOMEM);
		KT_TRUE(zonal_alloc_constrained(mm, &refused[i].want, &start, NULL) == error);
	}
	blind.cannot_clear = true;
	mm = kt_bare_instance(&blind);
	want.gfp |= __GFP_ZERO;
	if (mm)
		fails_for(mm, want, ZONAL_UNMET_FLAGS);
	for (unsigned i = 0; i < ZONAL_UNMETS; i++)
		KT_TRUE(zonal_unmet_text((enum zonal_unmet)i)[0] != '?');
	KT_STR_EQ(zonal_unmet_text(ZONAL_UNMETS), "?");
}

/* Holes and the memory of others are no places: that is another reason than that all are in use. */
KTEST(constraint, what_is_no_memory_of_the_zone_is_stepped_over_and_is_not_busy)
{
	static const pfn_t first = KT_NORMAL_PFN;
	static const struct kt_spec torn = { .ram = { { 0, first, 50 },
						      { 1, first + 50, 1 },
						      { 0, first + 51, 60 },
						      { 1, first + 150, 50 },
						      { 0, first + 200, 300 } } };
	struct zonal *mm = kt_bare_instance(&torn);
	struct page *page;

	if (!mm)
		return;
	comes_from(mm, plain(50), first);
	comes_from(mm, plain(60), first + 51);
	comes_from(mm, plain(61), first + 200);
	comes_from(mm, plain(300), first + 200);
	fails_for(mm, plain(301), ZONAL_UNMET_PLACE);
	/* A page in use within a place makes it busy, though there are holes before it. */
	for (;;) {
		page = zonal_alloc_node(mm, 0, GFP_NOWAIT, 0);
		if (!page || zonal_pfn(page) >= first + 200)
			break;
	}
	zonal_drain_all(mm, NULL);
	if (KT_TRUE(page))
		fails_for(mm, plain(300), ZONAL_UNMET_BUSY);
	fails_for(mm, plain(301), ZONAL_UNMET_PLACE);
}

/* The next page may be in use: nothing is passed over that was not looked at. */
KTEST(constraint, the_page_behind_a_free_one_is_the_first_in_use)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct page *pair = mm ? zonal_alloc(mm, GFP_NOWAIT, 1) : NULL;

	if (!KT_OK(pair, "no block"))
		return;
	zonal_split(mm, pair, 1);
	zonal_free(mm, pair, 0);
	zonal_drain_all(mm, NULL);
	KT_EQ(fit_first_used(mm->zone[page_zid(pair)], pair->pfn, pair->pfn + 8), pair->pfn + 1);
	zonal_free(mm, pair + 1, 0);
	kt_check_all(mm);
}

/* S8: what is put back may be the last that the zone lacked, and ends its boost. */
KTEST(constraint, a_zone_that_has_all_back_is_not_boosted_any_longer)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct zone *zone = mm ? kt_zone(mm, 1, ZONE_NORMAL) : NULL;
	pfn_t start;

	if (!mm)
		return;
	start = zone->start_pfn;
	KT_TRUE(fit_carve(zone, start, start + 8));
	st_relaxed(&zone->boost, 8);
	fit_put_back(zone, start, start + 8);
	KT_EQ(kt_free(zone), zone_managed(zone));
	KT_EQ(ld_relaxed(&zone->boost), 0);
	kt_check_all(mm);
}
