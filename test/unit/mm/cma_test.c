/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CMA areas in use (rows A8-A12): rows out of an area that movable pages live in, and back.
 *
 * Three areas: two on node 0, one on node 1; a fourth that lies in two nodes and cannot be used.
 */
#include "kt_cache.h"

#include <zonal/contig.h>

#define LARGEST ((pfn_t)1 << (MAX_ORDER - 1))
#define NODE_PAGES (16 * LARGEST)
#define AREA_PAGES (4 * LARGEST)
#define FIRST_AREA (KT_DMA_PFN + 2 * LARGEST)
#define SECOND_AREA (KT_DMA_PFN + 8 * LARGEST)
#define SPLIT_AREA (KT_DMA_PFN + NODE_PAGES - LARGEST)
#define THIRD_AREA (KT_DMA_PFN + NODE_PAGES + 4 * LARGEST)

static const struct kt_spec board = {
	.ram = { { 0, KT_DMA_PFN, NODE_PAGES }, { 1, KT_DMA_PFN + NODE_PAGES, NODE_PAGES } },
	.reserved = { { 0, FIRST_AREA, AREA_PAGES },
		      { 0, SECOND_AREA, LARGEST },
		      { 0, SPLIT_AREA, 2 * LARGEST },
		      { 0, THIRD_AREA, AREA_PAGES } },
	.cma_index = 1,
	.cma_more = 3,
	.cpus = 2,
	.cpu_node = { 0, 1 },
};

enum { FIRST, SECOND, SPLIT, THIRD, AREAS };

static struct zonal *areas(void)
{
	struct zonal *mm = ZONAL_CMA ? kt_bare_instance(&board) : NULL;

	if (!ZONAL_CMA)
		kt_skip("built without CMA");
	return mm;
}

static struct zonal_cma_info info_of(struct zonal *mm, unsigned area)
{
	struct zonal_cma_info info = { .pages = 0 };

	KT_TRUE(zonal_cma_info(mm, area, &info));
	return info;
}

static bool got_at(const struct page *page, pfn_t pfn)
{
	return KT_EQ(page ? zonal_pfn(page) : PFN_NONE, pfn);
}

/* Everything is given back. */
static void expect_whole(struct zonal *mm)
{
	zonal_drain_all(mm, NULL);
	for (unsigned nid = 0; nid < 2; nid++) {
		struct zone *zone = kt_zone(mm, nid, ZONE_DMA);

		KT_EQ(ld_relaxed(&zone->free_cma), nid ? AREA_PAGES : AREA_PAGES + LARGEST);
		KT_EQ(kt_free(zone), NODE_PAGES - LARGEST);
		KT_EQ(zone->isolated_blocks, 0);
	}
	for (unsigned a = 0; a < AREAS; a++)
		KT_EQ(info_of(mm, a).used, 0);
	KT_EQ(zonal_bad_count(mm), 0);
	kt_check_all(mm);
}

KTEST(rows_a, a8_areas_are_numbered_by_address_and_belong_to_nodes)
{
	struct zonal *mm = areas();
	struct zonal_cma_info info;

	if (!mm)
		return;
	KT_EQ(zonal_cma_areas(mm), AREAS);
	info = info_of(mm, FIRST);
	KT_EQ(info.start, FIRST_AREA);
	KT_EQ(info.pages, AREA_PAGES);
	KT_EQ(info.largest, AREA_PAGES);
	KT_EQ(info_of(mm, THIRD).node, 1);
	KT_TRUE(!zonal_cma_info(mm, AREAS, &info));
	KT_EQ(zonal_cma_area_of_node(mm, 0), FIRST);
	KT_EQ(zonal_cma_area_of_node(mm, 1), THIRD);
	KT_EQ(zonal_cma_area_of_node(mm, 2), -1);
}

KTEST(rows_a, a8_an_area_is_given_out_in_pieces)
{
	struct zonal *mm = areas();
	struct page *a, *b;

	if (!mm)
		return;
	KT_EQ(zonal_cma_set_order(mm, FIRST, 4), 0);
	a = zonal_cma_alloc(mm, FIRST, 17, 0);
	b = zonal_cma_alloc(mm, FIRST, 1, 0);
	got_at(a, FIRST_AREA);
	got_at(b, FIRST_AREA + 32);
	KT_EQ(info_of(mm, FIRST).used, 48);
	/* Only the pages that were asked for are taken, the piece is marked. */
	KT_TRUE(zonal_is_free(mm, FIRST_AREA + 17));
	KT_EQ(zonal_cma_set_order(mm, FIRST, 0), ZONAL_EBUSY);
	KT_TRUE(!zonal_cma_release(mm, FIRST, a + 1, 1));
	KT_TRUE(zonal_cma_release(mm, FIRST, a, 17));
	KT_TRUE(zonal_cma_release(mm, FIRST, b, 1));
	KT_EQ(zonal_cma_set_order(mm, FIRST, MAX_ORDER), ZONAL_EINVAL);
	KT_EQ(zonal_cma_set_order(mm, AREAS, 0), ZONAL_EINVAL);
	KT_EQ(zonal_cma_set_order(mm, FIRST, 0), 0);
	expect_whole(mm);
}

KTEST(rows_a, a9_first_row_at_the_alignment)
{
	struct zonal *mm = areas();
	struct page *page[4];

	if (!mm)
		return;
	page[0] = zonal_cma_alloc(mm, FIRST, 3, 0);
	page[1] = zonal_cma_alloc(mm, FIRST, 5, 2);
	page[2] = zonal_cma_alloc(mm, FIRST, 1, 0);
	page[3] = zonal_cma_alloc(mm, FIRST, LARGEST, MAX_ORDER - 1);
	got_at(page[0], FIRST_AREA);
	got_at(page[1], FIRST_AREA + 4);
	got_at(page[2], FIRST_AREA + 3);
	got_at(page[3], FIRST_AREA + LARGEST);
	KT_EQ(info_of(mm, FIRST).used, 9 + LARGEST);
	KT_EQ(info_of(mm, FIRST).largest, 2 * LARGEST);
	KT_TRUE(zonal_cma_release(mm, FIRST, page[0], 3));
	KT_TRUE(zonal_cma_release(mm, FIRST, page[1], 5));
	KT_TRUE(zonal_cma_release(mm, FIRST, page[2], 1));
	KT_TRUE(zonal_cma_release(mm, FIRST, page[3], LARGEST));
	/* The alignment is of the frame number, not of the place in the area. */
	page[0] = zonal_cma_alloc(mm, FIRST, 1, MAX_ORDER + 1);
	got_at(page[0], align_up(FIRST_AREA, 4 * LARGEST));
	KT_TRUE(zonal_pfn(page[0]) > FIRST_AREA);
	KT_TRUE(zonal_cma_release(mm, FIRST, page[0], 1));
	expect_whole(mm);
}

KTEST(rows_a, a9_more_than_there_is_gives_nothing)
{
	struct zonal *mm = areas();
	struct page *page;

	if (!mm)
		return;
	KT_TRUE(!zonal_cma_alloc(mm, FIRST, 0, 0));
	KT_TRUE(!zonal_cma_alloc(mm, FIRST, AREA_PAGES + 1, 0));
	KT_TRUE(!zonal_cma_alloc(mm, FIRST, ~(uint64_t)0, 0));
	KT_TRUE(!zonal_cma_alloc(mm, FIRST, 1, 32));
	KT_TRUE(!zonal_cma_alloc(mm, FIRST, 1, 31));
	KT_TRUE(!zonal_cma_alloc(mm, AREAS, 1, 0));
	page = zonal_cma_alloc(mm, FIRST, AREA_PAGES, 0);
	got_at(page, FIRST_AREA);
	KT_TRUE(!zonal_cma_alloc(mm, FIRST, 1, 0));
	KT_EQ(info_of(mm, FIRST).failures, 6);
	KT_EQ(info_of(mm, FIRST).allocs, 1);
	KT_EQ(info_of(mm, FIRST).largest, 0);
	KT_TRUE(zonal_cma_release(mm, FIRST, page, AREA_PAGES));
	expect_whole(mm);
}

/* Movable pages in the area move, one that is held makes its place busy, and the next is tried. */
KTEST(rows_a, a9_what_lives_there_moves_and_a_busy_place_is_passed)
{
	struct zonal *mm = areas();
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_ANON, 2 * NODE_PAGES) : NULL;
	struct page *page, *held = NULL;
	unsigned left;

	if (!cache)
		return;
	kt_cache_fill(cache, 0,
		      GFP_HIGHUSER_MOVABLE | __GFP_NOWARN | __GFP_THISNODE | __GFP_NORETRY,
		      NODE_PAGES - 3 * LARGEST);
	for (unsigned i = 0; i < cache->count && !held; i++)
		if (zonal_pfn(cache->place[i].page) - FIRST_AREA < LARGEST)
			held = cache->place[i].page;
	if (!KT_OK(held, "the fill did not reach the area"))
		return;
	zonal_get(held);
	left = kt_cache_left(cache);
	page = zonal_cma_alloc(mm, FIRST, LARGEST, MAX_ORDER - 1);
	got_at(page, FIRST_AREA + LARGEST);
	KT_EQ(kt_cache_left(cache), left);
	KT_EQ(info_of(mm, FIRST).retries, 1);
	KT_EQ(info_of(mm, FIRST).used, LARGEST);
	KT_TRUE(cache->moved > 0);
	kt_check_all(mm);
	zonal_put(mm, held);
	KT_TRUE(zonal_cma_release(mm, FIRST, page, LARGEST));
	kt_cache_drop_all(cache);
	expect_whole(mm);
}

KTEST(rows_a, a10_only_what_was_given_out_comes_back)
{
	struct zonal *mm = areas();
	struct page *page;

	if (!mm)
		return;
	page = zonal_cma_alloc(mm, FIRST, 100, 0);
	got_at(page, FIRST_AREA);
	KT_TRUE(!zonal_cma_release(mm, FIRST, NULL, 1));
	KT_TRUE(!zonal_cma_release(mm, FIRST, page, 0));
	KT_TRUE(!zonal_cma_release(mm, FIRST, page, 101));
	KT_TRUE(!zonal_cma_release(mm, FIRST, page + 100, 1));
	KT_TRUE(!zonal_cma_release(mm, FIRST, page, AREA_PAGES + 1));
	KT_TRUE(!zonal_cma_release(mm, FIRST, page, ~(uint64_t)0));
	KT_TRUE(!zonal_cma_release(mm, SECOND, page, 100));
	KT_TRUE(!zonal_cma_release(mm, AREAS, page, 100));
	KT_TRUE(!zonal_cma_release(mm, FIRST, zonal_page(mm, FIRST_AREA - 1), 2));
	KT_EQ(info_of(mm, FIRST).used, 100);
	/* In parts. */
	KT_TRUE(zonal_cma_release(mm, FIRST, page + 40, 60));
	KT_TRUE(zonal_cma_release(mm, FIRST, page, 40));
	KT_TRUE(!zonal_cma_release(mm, FIRST, page, 40));
	expect_whole(mm);
}

KTEST(rows_a, a11_free_pages_of_an_area_are_for_movable_requests_alone)
{
	struct zonal *mm = areas();
	struct page *chain = NULL, *page;
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	kt_take_all(mm, 0, GFP_KERNEL | __GFP_NOWARN | __GFP_THISNODE, 0, &chain);
	KT_EQ(kt_free(zone), ld_relaxed(&zone->free_cma));
	KT_EQ(ld_relaxed(&zone->free_cma), AREA_PAGES + LARGEST);
	/* Given out by the area, they are free for nobody and count as nobody's. */
	page = zonal_cma_alloc(mm, FIRST, LARGEST, 0);
	KT_EQ(ld_relaxed(&zone->free_cma), AREA_PAGES);
	KT_EQ(kt_free(zone), AREA_PAGES);
	KT_TRUE(zonal_cma_release(mm, FIRST, page, LARGEST));
	kt_give_all(mm, chain, 0);
	expect_whole(mm);
}

static struct page *by_lane(struct zonal *mm) { return zonal_alloc(mm, GFP_HIGHUSER_MOVABLE, 0); }
static struct page *by_node(struct zonal *mm)
{
	return zonal_alloc_node(mm, 0, GFP_HIGHUSER_MOVABLE, 0);
}

/* Though a page of the area is the next in this CPU's list. */
KTEST(rows_a, a11_a_task_that_may_have_none_of_an_area_gets_none_out_of_a_list)
{
	static struct page *(*const ways[])(struct zonal *mm) = { by_lane, by_node, by_lane };
	struct zonal_task saved, *task = kt_task_save(&saved);
	struct zonal *mm = areas();
	struct page *chain = NULL, *hot, *page;

	if (!mm)
		return;
	kt_take_all(mm, 0, GFP_KERNEL | __GFP_NOWARN | __GFP_THISNODE, 0, &chain);
	hot = zonal_alloc_node(mm, 0, GFP_HIGHUSER_MOVABLE, 0);
	KT_EQ(kt_block_type(mm, zonal_pfn(hot)), MIGRATE_CMA);
	kt_give_all(mm, chain, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
		if (i == 2)
			KT_EQ(zonal_set_policy(mm, task, MPOL_PREFERRED, 0, 1), 0);
		zonal_free(mm, hot, 0);
		task->flags = ZTASK_NOCMA;
		page = ways[i](mm);
		KT_TRUE(page && kt_block_type(mm, zonal_pfn(page)) != MIGRATE_CMA);
		task->flags = 0;
		KT_TRUE(ways[i](mm) == hot);
		zonal_free(mm, page, 0);
	}
	zonal_free(mm, hot, 0);
	KT_EQ(zonal_set_policy(mm, task, MPOL_DEFAULT, 0, 0), 0);
	kt_task_restore(&saved);
	expect_whole(mm);
}

KTEST(rows_a, a12_area_in_two_zones_gives_nothing)
{
	struct zonal *mm = areas();

	if (!mm)
		return;
	KT_EQ(info_of(mm, SPLIT).pages, 0);
	KT_EQ(info_of(mm, SPLIT).start, SPLIT_AREA);
	KT_TRUE(!zonal_cma_alloc(mm, SPLIT, 1, 0));
	KT_EQ(info_of(mm, SPLIT).failures, 1);
	KT_EQ(page_state(zonal_page(mm, SPLIT_AREA)), PAGE_RESERVED);
	KT_TRUE(!zonal_cma_release(mm, SPLIT, zonal_page(mm, SPLIT_AREA), 1));
	expect_whole(mm);
}
