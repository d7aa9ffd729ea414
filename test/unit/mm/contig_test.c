/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contiguous ranges (rows A5-A7): out of memory that is in use, exactly as long as asked, with
 * everything that lay there moved and nothing else changed.
 *
 * The board's memory is filled with pages of an owner that can move them, and a random half of
 * these is dropped, so that no large block is free. What a page's owner answers, or who else
 * holds it, is set by hand.
 */
#include "kt_cache.h"

#include <string.h>

#include <zonal/contig.h>

#include "lib/log.h"
#include "mm/buddy.h"
#include "mm/compact/isolate_block.h"

#define LARGEST ((pfn_t)1 << (MAX_ORDER - 1))
#define BOARD_PAGES (24 * LARGEST)
#define MOVABLE_GFP (GFP_HIGHUSER_MOVABLE | __GFP_NOWARN | __GFP_NORETRY)

static const struct kt_spec board = { .ram = { { 0, KT_DMA_PFN, BOARD_PAGES } } };
static const struct kt_spec two_nodes = {
	.ram = { { 0, KT_DMA_PFN, BOARD_PAGES }, { 1, KT_DMA_PFN + BOARD_PAGES, BOARD_PAGES } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
};

/* Node 0 full of pages that can be moved, a random half of them dropped. */
static struct kt_cache *half_full(const struct kt_spec *spec)
{
	struct zonal *mm = kt_bare_instance(spec);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_ANON, BOARD_PAGES) : NULL;
	uint64_t seed;

	if (!cache)
		return NULL;
	seed = kt_seed();
	kt_cache_fill(cache, 0, MOVABLE_GFP | __GFP_THISNODE, BOARD_PAGES);
	for (unsigned i = 0; i < cache->count; i++)
		if (kt_random(&seed) & 1)
			kt_cache_drop(cache, i);
	zonal_drain_all(mm, NULL);
	return cache;
}

static bool in_range(const struct page *page, pfn_t start, uint64_t pages)
{
	return page && zonal_pfn(page) - start < pages;
}

/* The place whose page is the first at or behind `pfn`. */
static unsigned place_at(const struct kt_cache *cache, pfn_t pfn)
{
	unsigned best = cache->count;

	for (unsigned i = 0; i < cache->count; i++)
		if (cache->place[i].page && zonal_pfn(cache->place[i].page) >= pfn &&
		    (best == cache->count ||
		     zonal_pfn(cache->place[i].page) < zonal_pfn(cache->place[best].page)))
			best = i;
	return best;
}

static unsigned isolated_blocks(struct zonal *mm)
{
	unsigned blocks = 0, zid;
	struct zone *zone;

	mm_for_each_zone(mm, zid, zone)
		blocks += zone->isolated_blocks;
	return blocks;
}

/* All pages of the range are single, in use once, and no place has one of them. */
static bool range_is_mine(const struct kt_cache *cache, pfn_t start, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++) {
		const struct page *page = zonal_page(cache->mm, start + i);

		if (!KT_EQ(page_word(page) & WORD_ALLOC_MASK,
			   word_make(page_zid(page), PAGE_USED, 0)) ||
		    !KT_EQ(ld_relaxed(&((struct page *)(uintptr_t)page)->refs), 1))
			return false;
	}
	for (unsigned i = 0; i < cache->count; i++)
		if (!KT_TRUE(!in_range(cache->place[i].page, start, pages)))
			return false;
	return true;
}

/* All is given back: nothing is missing, nothing is isolated. */
static void expect_all_back(struct kt_cache *cache)
{
	kt_cache_drop_all(cache);
	zonal_drain_all(cache->mm, NULL);
	KT_EQ(kt_free(kt_zone(cache->mm, 0, ZONE_DMA)), BOARD_PAGES);
	KT_EQ(isolated_blocks(cache->mm), 0);
	kt_check_all(cache->mm);
}

/* ---- A5 ---- */

KTEST(rows_a, a5_what_lies_in_a_range_is_moved_away)
{
	static const struct {
		pfn_t first;
		uint64_t pages;
	} ranges[] = {
		{ 4 * LARGEST, 4 * LARGEST },  { 4 * LARGEST, 1 },
		{ 4 * LARGEST + 100, 3000 },   { 5 * LARGEST - 1, 2 },
		{ 6 * LARGEST + 511, LARGEST }, { BOARD_PAGES - 700, 700 },
	};
	struct kt_cache *cache = half_full(&board);

	if (!cache)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++) {
		pfn_t start = KT_DMA_PFN + ranges[i].first;
		unsigned left = kt_cache_left(cache);
		int64_t free;

		zonal_drain_all(cache->mm, NULL);
		free = kt_free(kt_zone(cache->mm, 0, ZONE_DMA));
		KT_EQ(zonal_alloc_contig_range(cache->mm, start, ranges[i].pages, GFP_KERNEL), 0);
		range_is_mine(cache, start, ranges[i].pages);
		KT_EQ(kt_cache_left(cache), left);
		KT_EQ(isolated_blocks(cache->mm), 0);
		zonal_drain_all(cache->mm, NULL);
		KT_EQ(kt_free(kt_zone(cache->mm, 0, ZONE_DMA)), free - (int64_t)ranges[i].pages);
		kt_check_all(cache->mm);
		KT_EQ(zonal_free_contig_range(cache->mm, start, ranges[i].pages), 0);
	}
	KT_TRUE(cache->moved > 0);
	expect_all_back(cache);
}

/* Neither the range nor the rest of the board changes hands. */
static void expect_busy(struct kt_cache *cache, pfn_t start, uint64_t pages)
{
	unsigned left = kt_cache_left(cache);
	int64_t free;

	zonal_drain_all(cache->mm, NULL);
	free = kt_free(kt_zone(cache->mm, 0, ZONE_DMA));
	KT_EQ(zonal_alloc_contig_range(cache->mm, start, pages, GFP_KERNEL), ZONAL_EBUSY);
	KT_EQ(isolated_blocks(cache->mm), 0);
	KT_EQ(kt_cache_left(cache), left);
	zonal_drain_all(cache->mm, NULL);
	KT_EQ(kt_free(kt_zone(cache->mm, 0, ZONE_DMA)), free);
	kt_check_all(cache->mm);
}

KTEST(rows_a, a5_a_page_that_cannot_be_moved_makes_it_busy)
{
	const pfn_t start = KT_DMA_PFN + 4 * LARGEST;
	struct kt_cache *cache = half_full(&board);
	struct page *page;
	unsigned place;

	if (!cache)
		return;
	place = place_at(cache, start + 700);
	page = cache->place[place].page;
	/* Its owner says no, each time. */
	cache->place[place].move = ZONAL_GIVE_BUSY;
	expect_busy(cache, start, 2 * LARGEST);
	cache->place[place].move = ZONAL_GIVE_YES;
	/* Somebody holds it. */
	zonal_get(page);
	expect_busy(cache, start, 2 * LARGEST);
	zonal_put(cache->mm, page);
	/* It is in use and on no list: known before anything is moved. */
	zonal_page_remove(cache->mm, page);
	expect_busy(cache, start, 2 * LARGEST);
	zonal_page_add(cache->mm, cache->owner, page, place);
	KT_EQ(zonal_alloc_contig_range(cache->mm, start, 2 * LARGEST, GFP_KERNEL), 0);
	zonal_free_contig_range(cache->mm, start, 2 * LARGEST);
	expect_all_back(cache);
}

/* The ends of a range lie in blocks of the largest order, which are isolated as a whole (A5). */
KTEST(rows_a, a5_range_is_widened_to_blocks_of_the_largest_order)
{
	const pfn_t start = KT_DMA_PFN + 4 * LARGEST + 600;
	struct kt_cache *cache = half_full(&board);
	struct page *page;
	unsigned place;

	if (!cache)
		return;
	place = place_at(cache, KT_DMA_PFN + 4 * LARGEST);
	page = cache->place[place].page;
	KT_TRUE(zonal_pfn(page) < start - BLOCK_PAGES);
	zonal_page_remove(cache->mm, page);
	expect_busy(cache, start, 10);
	zonal_page_add(cache->mm, cache->owner, page, place);
	/* In the widened part nothing is moved. */
	KT_EQ(zonal_alloc_contig_range(cache->mm, start, 10, GFP_KERNEL), 0);
	KT_TRUE(cache->place[place].page == page);
	zonal_free_contig_range(cache->mm, start, 10);
	expect_all_back(cache);
}

/* Before the hole lies the memory of another node, whose blocks are nobody's business. */
KTEST(rows_a, a5_a_block_that_begins_with_a_hole_is_isolated_in_its_own_zone)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 4 * LARGEST },
			 { 1, KT_DMA_PFN + 4 * LARGEST + 8, 4 * LARGEST } },
	};
	const pfn_t start = KT_DMA_PFN + 4 * LARGEST + 8;
	struct zonal *mm = kt_bare_instance(&spec);

	if (!mm)
		return;
	KT_EQ(zonal_alloc_contig_range(mm, start, 100, GFP_KERNEL), 0);
	for (unsigned nid = 0; nid < 2; nid++) {
		KT_EQ(kt_zone(mm, nid, ZONE_DMA)->isolated_blocks, 0);
		KT_EQ(kt_free(kt_zone(mm, nid, ZONE_DMA)), 4 * LARGEST - (nid ? 100 : 0));
	}
	KT_EQ(zonal_free_contig_range(mm, start, 100), 0);
	kt_check_all(mm);
}

/* Reclaim has a page off its list whose owner has removed it; it is freed when reclaim lets go. */
static struct page *late_page;

static void reclaim_lets_go(struct kt_cache *cache, unsigned place)
{
	struct page *page = late_page;

	(void)place;
	if (!page)
		return;
	late_page = NULL;
	page_set_word(page, page_word(page) & ~PG_ISOLATED);
	fetch_add_relaxed(&cache->mm->node[0]->reclaim.lru.isolated[ZONAL_ANON], -1);
	zonal_free(cache->mm, page, 0);
}

KTEST(rows_a, a5_a_page_in_reclaims_hands_is_waited_for)
{
	const pfn_t start = KT_DMA_PFN + 4 * LARGEST;
	struct kt_cache *cache = half_full(&board);
	unsigned place;

	if (!cache)
		return;
	place = place_at(cache, start);
	late_page = cache->place[place].page;
	cache->place[place].page = NULL;
	zonal_page_remove(cache->mm, late_page);
	page_set_word(late_page, page_word(late_page) | PG_ISOLATED);
	fetch_add_relaxed(&cache->mm->node[0]->reclaim.lru.isolated[ZONAL_ANON], 1);
	cache->on_moved = reclaim_lets_go;
	KT_EQ(zonal_alloc_contig_range(cache->mm, start, LARGEST, GFP_KERNEL), 0);
	KT_TRUE(!late_page);
	zonal_free_contig_range(cache->mm, start, LARGEST);
	expect_all_back(cache);
}

KTEST(rows_a, a5_odd_ranges_are_refused)
{
	struct zonal *mm = kt_bare_instance(&two_nodes);
	const pfn_t end = KT_DMA_PFN + 2 * BOARD_PAGES;
	const struct {
		pfn_t start;
		uint64_t pages;
	} odd[] = {
		{ KT_DMA_PFN, 0 },
		{ KT_DMA_PFN - 1, 2 },
		{ end - 1, 2 },
		{ end, 1 },
		{ KT_DMA_PFN + BOARD_PAGES - 1, 2 }, /* two nodes */
		{ KT_DMA_PFN, ~(uint64_t)0 },
		{ KT_DMA_PFN, (uint64_t)1 << 40 },
		{ ~(pfn_t)0, 1 },
		{ (pfn_t)1 << 50, 1 },
	};
	uint64_t hash;

	if (!mm)
		return;
	hash = kt_map_hash(mm, KT_DMA_PFN, 2 * BOARD_PAGES);
	for (unsigned i = 0; i < ARRAY_SIZE(odd); i++)
		KT_EQ(zonal_alloc_contig_range(mm, odd[i].start, odd[i].pages, GFP_KERNEL),
		      ZONAL_EINVAL);
	KT_EQ(kt_map_hash(mm, KT_DMA_PFN, 2 * BOARD_PAGES), hash);
}

KTEST(rows_a, a5_pages_are_cleared_when_asked)
{
	struct zonal *mm = kt_bare_instance(&board);
	uint64_t before;
	size_t count;
	pfn_t first;

	if (!mm)
		return;
	before = kt_cleared(NULL, NULL);
	KT_EQ(zonal_alloc_contig_range(mm, KT_DMA_PFN + 5, 5000, GFP_KERNEL | __GFP_ZERO), 0);
	KT_EQ(kt_cleared(&first, &count) - before, 5000);
	KT_EQ(first, KT_DMA_PFN + 5);
	KT_EQ(count, 5000);
	zonal_free_contig_range(mm, KT_DMA_PFN + 5, 5000);
	kt_check_all(mm);
}

/* ---- A6 ---- */

KTEST(rows_a, a6_pages_are_single_and_go_back_one_by_one)
{
	const pfn_t start = KT_DMA_PFN + 2 * LARGEST + 3;
	struct zonal *mm = kt_bare_instance(&board);

	if (!mm)
		return;
	block_set_type(zonal_page(mm, start), MIGRATE_UNMOVABLE);
	KT_EQ(zonal_alloc_contig_range(mm, start, 1500, GFP_KERNEL), 0);
	KT_EQ(kt_block_type(mm, start), MIGRATE_MOVABLE);
	/* Some alone, the rest at once; one is held by somebody. */
	for (unsigned i = 0; i < 100; i++)
		zonal_free(mm, zonal_page(mm, start + i), 0);
	zonal_get(zonal_page(mm, start + 700));
	KT_EQ(zonal_free_contig_range(mm, start + 100, 1400), 1);
	zonal_put(mm, zonal_page(mm, start + 700));
	zonal_drain_all(mm, NULL);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), BOARD_PAGES);
	KT_EQ(zonal_bad_count(mm), 0);
	kt_check_all(mm);
}

/* Whatever is behind the RAM: a range that is too long ends there. */
KTEST(rows_a, a6_giving_back_ends_where_the_ram_ends)
{
	const pfn_t start = KT_DMA_PFN + BOARD_PAGES - 3;
	struct zonal *mm = kt_bare_instance(&board);

	if (!mm)
		return;
	KT_EQ(zonal_alloc_contig_range(mm, start, 3, GFP_KERNEL), 0);
	KT_EQ(zonal_free_contig_range(mm, start, (uint64_t)1 << 45), 0);
	zonal_drain_all(mm, NULL);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), BOARD_PAGES);
	kt_check_all(mm);
}

static unsigned in_use_still;

static bool note_line(const char *line)
{
	if (strstr(line, "in use still"))
		in_use_still += strstr(line, "1 of 16 pages from 0x") ? 1 : 100;
	return true;
}

/* The others are free, and it is said that not all are. */
KTEST(rows_a, a6_who_gives_back_is_told_what_somebody_else_holds)
{
	const pfn_t start = KT_DMA_PFN + 5 * LARGEST;
	struct zonal *mm = kt_bare_instance(&board);
	bool (*before)(const char *) = zn_log_hook;

	if (!mm)
		return;
	for (unsigned held = 0; held < 2; held++) {
		KT_EQ(zonal_alloc_contig_range(mm, start, 16, GFP_KERNEL), 0);
		if (held)
			zonal_get(mm_page(mm, start + 7));
		in_use_still = 0;
		zn_log_hook = note_line;
		KT_EQ(zonal_free_contig_range(mm, start, 16), held);
		zn_log_hook = before;
		KT_EQ(in_use_still, held);
	}
	zonal_put(mm, mm_page(mm, start + 7));
	zonal_drain_all(mm, NULL);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), BOARD_PAGES);
	kt_check_all(mm);
}

/* D2: a damaged page is met, and thrown away; the others of its block stay in the lists. */
KTEST(rows_a, a5_a_damaged_page_makes_it_busy_and_costs_no_other)
{
	const pfn_t start = KT_DMA_PFN + 2 * LARGEST;
	struct zonal *mm = kt_bare_instance(&board);
	struct page *bad;

	if (!mm)
		return;
	bad = zonal_page(mm, start + 100);
	page_set_word(bad, page_word(bad) | PG_LOCKED);
	KT_EQ(zonal_alloc_contig_range(mm, start, 2 * LARGEST, GFP_KERNEL), ZONAL_EBUSY);
	KT_EQ(page_state(bad), PAGE_BAD);
	KT_EQ(zonal_bad_count(mm), 1);
	zonal_drain_all(mm, NULL);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), BOARD_PAGES - 1);
	KT_EQ(isolated_blocks(mm), 0);
	kt_check_all(mm);
}

/* ---- A7 ---- */

KTEST(rows_a, a7_free_ranges_come_first_and_begin_at_a_multiple)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct page *hold, *page;

	if (!mm)
		return;
	/* One page of the first 8 blocks is in use for good, another can be moved. */
	KT_EQ(zonal_alloc_contig_range(mm, KT_DMA_PFN + 10, 1, GFP_KERNEL), 0);
	hold = zonal_page(mm, KT_DMA_PFN + 10);
	page = zonal_alloc_contig_pages(mm, 8 * LARGEST, GFP_KERNEL, 0, NULL);
	KT_EQ(page ? zonal_pfn(page) : 0, KT_DMA_PFN + 8 * LARGEST);
	KT_EQ(zonal_free_contig_range(mm, zonal_pfn(page), 8 * LARGEST), 0);
	zonal_free(mm, hold, 0);
	page = zonal_alloc_contig_pages(mm, 3 * LARGEST, GFP_KERNEL, NODE_NONE, NULL);
	KT_TRUE(page && zonal_pfn(page) % (3 * LARGEST) == 0);
	zonal_free_contig_range(mm, zonal_pfn(page), 3 * LARGEST);
	KT_TRUE(!zonal_alloc_contig_pages(mm, 0, GFP_KERNEL, 0, NULL));
	KT_TRUE(!zonal_alloc_contig_pages(mm, BOARD_PAGES + 1, GFP_KERNEL, 0, NULL));
	KT_TRUE(!zonal_alloc_contig_pages(mm, ~(uint64_t)0, GFP_KERNEL, 0, NULL));
	zonal_drain_all(mm, NULL);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), BOARD_PAGES);
	kt_check_all(mm);
}

KTEST(rows_a, a7_a_free_range_is_taken_before_one_that_would_have_to_be_emptied)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 1) : NULL;
	struct page *page;

	if (!cache || !KT_EQ(kt_cache_fill(cache, 0, MOVABLE_GFP, 1), 1))
		return;
	/* The page could go; but the range behind it is free as it is. */
	page = zonal_alloc_contig_pages(mm, LARGEST, GFP_KERNEL, 0, NULL);
	if (!KT_TRUE(page))
		return;
	KT_TRUE(!in_range(cache->place[0].page, zonal_pfn(page), LARGEST));
	KT_EQ(cache->asked_move, 0);
	KT_EQ(zonal_free_contig_range(mm, zonal_pfn(page), LARGEST), 0);
	expect_all_back(cache);
}

KTEST(rows_a, a7_without_a_free_range_one_is_emptied)
{
	struct kt_cache *cache = half_full(&board);
	struct page *page;

	if (!cache)
		return;
	page = zonal_alloc_contig_pages(cache->mm, 4 * LARGEST, GFP_KERNEL, 0, NULL);
	if (!KT_TRUE(page))
		return;
	range_is_mine(cache, zonal_pfn(page), 4 * LARGEST);
	KT_EQ(zonal_free_contig_range(cache->mm, zonal_pfn(page), 4 * LARGEST), 0);
	expect_all_back(cache);
}

KTEST(rows_a, a7_nodes_are_asked_in_their_order_and_by_the_mask)
{
	const nodemask_t second = node_bit(1), none = 0;
	struct zonal *mm = kt_bare_instance(&two_nodes);
	struct page *page;

	if (!mm)
		return;
	for (int nid = 0; nid < 2; nid++) {
		page = zonal_alloc_contig_pages(mm, LARGEST, GFP_KERNEL, nid, &none);
		KT_EQ(page ? (int)zonal_page_node(page) : -1, nid);
		zonal_free_contig_range(mm, zonal_pfn(page), LARGEST);
	}
	page = zonal_alloc_contig_pages(mm, LARGEST, GFP_KERNEL, 0, &second);
	KT_EQ(page ? (int)zonal_page_node(page) : -1, 1);
	zonal_free_contig_range(mm, zonal_pfn(page), LARGEST);
	KT_TRUE(!zonal_alloc_contig_pages(mm, LARGEST, GFP_KERNEL, 2, NULL));
	kt_check_all(mm);
}
