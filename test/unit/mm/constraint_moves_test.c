/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Constraint allocation where something has to come to pass first: pages that are in the way move,
 * and memory that was left for later is made up for. The rules of addresses are in
 * constraint_test.c.
 */
#include "kt_cache.h"

#include <zonal/constraint.h>
#include <zonal/contig.h>

#include "mm/constraint_take.h"

#define LARGEST ((pfn_t)1 << (MAX_ORDER - 1))
#define ADDRESS(pfn) ((uint64_t)(pfn) << PAGE_SHIFT)

static const struct kt_spec large = { .ram = { { 0, KT_DMA_PFN, 8 * LARGEST } }, .cpus = 2 };

/* Half of the board is a cache's; *first is a frame in the middle of that, which begins a block. */
static struct kt_cache *filled(pfn_t *first)
{
	struct zonal *mm = kt_bare_instance(&large);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 4 * LARGEST) : NULL;

	if (!cache)
		return NULL;
	kt_cache_fill(cache, 0, GFP_HIGHUSER_MOVABLE | __GFP_NORETRY, 4 * LARGEST);
	*first = (cache->place[0].page->pfn & ~(LARGEST - 1)) + LARGEST;
	return cache;
}

/* Regions of 8 pages in the 1024 frames from `first` on. */
static struct zonal_constraint eight_from(pfn_t first, unsigned regions)
{
	return (struct zonal_constraint){ .pages = 8,
					  .regions = regions,
					  .low = ADDRESS(first),
					  .high = ADDRESS(first + LARGEST) - 1,
					  .gfp = GFP_KERNEL,
					  .flags = ZONAL_CONSTRAINT_MOVE };
}

/* A region that was free where it lies is no reason to leave the rest of its pageblock alone. */
KTEST(constraint, what_is_in_the_way_behind_a_free_region_is_moved)
{
	struct zonal_constraint want;
	struct kt_cache *cache;
	pfn_t first = 0, start[2] = { 0 };

	cache = filled(&first);
	if (!cache)
		return;
	for (unsigned i = 0; i < cache->count; i++)
		if (cache->place[i].page->pfn - first < 8)
			kt_cache_drop(cache, i);
	zonal_drain_all(cache->mm, NULL);
	want = eight_from(first, 2);
	KT_EQ(zonal_alloc_constrained(cache->mm, &want, start, NULL), 0);
	KT_EQ(start[0], first);
	KT_EQ(start[1], first + 8);
	KT_EQ(cache->moved, 8);
	for (unsigned i = 0; i < 2; i++)
		KT_EQ(zonal_free_contig_range(cache->mm, start[i], 8), 0);
	kt_cache_drop_all(cache);
	kt_check_all(cache->mm);
}

/* Eight pages from `low` on are had at `expected`, and go back; the end of a case. */
static void the_place_is(struct kt_cache *cache, pfn_t low, pfn_t expected)
{
	struct zonal_constraint want = eight_from(low, 1);
	pfn_t start = 0;

	KT_EQ(zonal_alloc_constrained(cache->mm, &want, &start, NULL), 0);
	KT_EQ(start, expected);
	KT_EQ(zonal_free_contig_range(cache->mm, start, 8), 0);
	kt_cache_drop_all(cache);
	kt_check_all(cache->mm);
}

/* A place whose first page cannot move is passed by one page, and the next block is tried. */
KTEST(constraint, the_place_right_behind_a_page_that_stays_is_tried)
{
	struct kt_cache *cache;
	pfn_t first = 0;

	cache = filled(&first);
	if (!cache)
		return;
	for (unsigned i = 0; i < cache->count; i++)
		if (cache->place[i].page->pfn == first - 1)
			cache->place[i].move = ZONAL_GIVE_BUSY;
	the_place_is(cache, first - 1, first);
}

/* Of a pageblock one place is tried; that one is not had because its second page stays. */
KTEST(constraint, a_place_with_a_page_that_stays_is_not_taken)
{
	struct kt_cache *cache;
	pfn_t first = 0;

	cache = filled(&first);
	if (!cache)
		return;
	for (unsigned i = 0; i < cache->count; i++) {
		if (cache->place[i].page->pfn == first + 1)
			cache->place[i].move = ZONAL_GIVE_BUSY;
		else if (cache->place[i].page->pfn == first)
			kt_cache_drop(cache, i);
	}
	zonal_drain_all(cache->mm, NULL);
	the_place_is(cache, first, first + (1u << PAGEBLOCK_ORDER));
}

/* Host only: sections are 128 MiB. */
KTEST_F(constraint, as_much_of_what_was_left_comes_as_the_region_needs, KT_HOST_ONLY)
{
	const pfn_t section = (pfn_t)1 << MM_SECTION_SHIFT;
	const struct kt_spec spec = { .ram = { { 0, KT_NORMAL_PFN, 4 * section } },
				      .deferred = true };
	struct zonal *mm = kt_instance(&spec);
	pfn_t place = KT_NORMAL_PFN + 2 * section;

	for (unsigned i = 0; mm && i < 3; i++, place += 4 * LARGEST) {
		struct zonal_constraint want = eight_from(place, 1);
		pfn_t start = 0;

		/* To the end of a piece, and one page into the next one. */
		want.pages = LARGEST + i / 2;
		want.high = ADDRESS(place + want.pages) - 1;
		KT_TRUE(!mm_page_ready(mm, place));
		KT_EQ(zonal_alloc_constrained(mm, &want, &start, NULL), 0);
		KT_EQ(start, place);
		KT_TRUE(mm_page_ready(mm, place + want.pages - 1));
		KT_TRUE(!mm_page_ready(mm, place + (1 + i / 2) * LARGEST));
		KT_EQ(zonal_free_contig_range(mm, start, want.pages), 0);
	}
}

/* What lies behind is somebody else's, even where it looks alike: just taken, in no list yet. */
KTEST(constraint, no_page_behind_the_end_is_put_back)
{
	struct zonal *mm = kt_bare_instance(&large);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
	const pfn_t first = KT_DMA_PFN + LARGEST;
	int64_t free = mm ? kt_free(zone) : 0;

	if (!mm || !KT_TRUE(fit_carve(zone, first, first + 64)))
		return;
	fit_put_back(zone, first, first + 1);
	KT_EQ(kt_free(zone), free - 63);
	fit_put_back(zone, first + 1, first + 24);
	KT_EQ(kt_free(zone), free - 40);
	KT_EQ(page_order(mm_page(mm, first)), 4);
	KT_EQ(page_order(mm_page(mm, first + 16)), 3);
	for (pfn_t pfn = first + 24; pfn < first + 64; pfn++)
		KT_EQ(page_state(mm_page(mm, pfn)), PAGE_INNER);
	fit_put_back(zone, first + 24, first + 64);
	KT_EQ(kt_free(zone), free);
	KT_EQ(page_order(mm_page(mm, first)), MAX_ORDER - 1);
	kt_check_all(mm);
}

/* Somebody was faster since the look: what was carved so far goes back, and his page is his. */
KTEST(constraint, a_page_that_was_taken_meanwhile_ends_the_carving)
{
	struct zonal *mm = kt_bare_instance(&large);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
	const pfn_t first = KT_DMA_PFN + LARGEST;
	int64_t free;

	if (!mm || !KT_TRUE(fit_carve(zone, first + 24, first + 25)))
		return;
	fit_prepare(zone, first + 24, first + 25, GFP_KERNEL);
	free = kt_free(zone);
	KT_TRUE(!fit_carve(zone, first, first + 64));
	KT_EQ(kt_free(zone), free);
	KT_EQ(page_state(mm_page(mm, first + 24)), PAGE_USED);
	KT_EQ(zonal_bad_count(mm), 0);
	kt_check_all(mm);
	zonal_free(mm, mm_page(mm, first + 24), 0);
	kt_check_all(mm);
}
