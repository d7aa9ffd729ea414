/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks with several holders: who frees what, and who may name which page.
 *
 * A holder gives the whole block back with zonal_free(page, order), or drops its
 * reference with zonal_put(). Whatever the holders do, in whatever order, all pages
 * are back when the last one is done, and none of the calls is misuse. The same side
 * by side is the stress program's matter.
 *
 * References of a compound block are counted in its head, whichever page is named (5.10's
 * compound_head()); a page that nobody can hold, and a page of another instance, are
 * reported at the call and stay as they are.
 */
#include "kt_instance.h"

#include "mm/page.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };

static int64_t free_pages_now(struct zonal *mm)
{
	struct zone *zone = kt_zone(mm, 0, ZONE_DMA);

	return kt_free(zone) + kt_pcp_count(zone);
}

/* `holders` of one block; bit i of `how`: holder i frees the block, else it puts the page. */
static void drop_all(struct zonal *mm, unsigned order, unsigned holders, unsigned how)
{
	struct page *page = zonal_alloc(mm, GFP_KERNEL, order);

	if (!KT_TRUE(page))
		return;
	for (unsigned i = 1; i < holders; i++)
		zonal_get(page);
	for (unsigned i = 0; i < holders; i++) {
		KT_OK(free_pages_now(mm) < 4096, "order %u: all are free before holder %u of %#x",
		      order, i, how);
		if (how & (1u << i))
			zonal_free(mm, page, order);
		else
			zonal_put(mm, page);
	}
	KT_OK(free_pages_now(mm) == 4096, "order %u, %u holders, %#x: %lld pages are free", order,
	      holders, how, (long long)free_pages_now(mm));
}

KTEST(shared, every_order_of_free_and_put_gives_all_pages_back)
{
	struct zonal *mm = kt_bare_instance(&uma);

	if (!mm)
		return;
	for (unsigned order = 0; order < MAX_ORDER; order++)
		for (unsigned holders = 1; holders <= 4; holders++)
			for (unsigned how = 0; how < 1u << holders; how++)
				drop_all(mm, order, holders, how);
	KT_EQ(zonal_bad_count(mm), 0);
	zonal_drain_all(mm, NULL);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), 4096);
	kt_check_all(mm);
}

/* The head that is left is a single page: it may be freed as one, and split as none. */
KTEST(shared, what_is_left_of_a_block_is_a_single_page)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *page;

	if (!mm)
		return;
	page = zonal_alloc(mm, GFP_KERNEL, 3);
	zonal_get(page);
	zonal_free(mm, page, 3);
	KT_EQ(free_pages_now(mm), 4095);
	kt_check_all(mm);
	zonal_free(mm, page, 2);
	zonal_split(mm, page, 3);
	zonal_split(mm, page, 0);
	KT_EQ(zonal_bad_count(mm), 3);
	KT_EQ(free_pages_now(mm), 4095);
	zonal_get(page);
	zonal_free(mm, page, 0);
	KT_EQ(free_pages_now(mm), 4095);
	zonal_free(mm, page, 0);
	KT_EQ(free_pages_now(mm), 4096);
	zonal_free(mm, page, 3);
	KT_EQ(zonal_bad_count(mm), 4);
	kt_check_all(mm);
}

KTEST(shared, get_of_a_tail_holds_the_block)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *page;

	if (!mm)
		return;
	for (unsigned tail = 1; tail < 4; tail++) {
		page = zonal_alloc(mm, GFP_KERNEL | __GFP_COMP, 2);
		zonal_get(page + tail);
		KT_EQ(ld_relaxed(&page->refs), 2);
		zonal_free(mm, page, 2);
		KT_EQ(free_pages_now(mm), 4092);
		kt_check_all(mm);
		zonal_put(mm, page);
		KT_EQ(free_pages_now(mm), 4096);
	}
	KT_EQ(zonal_bad_count(mm), 0);
	kt_check_all(mm);
}

KTEST(shared, put_of_a_tail_drops_the_block)
{
	struct zonal *mm = kt_bare_instance(&uma);

	if (!mm)
		return;
	for (unsigned order = 1; order < MAX_ORDER; order++) {
		struct page *page = zonal_alloc(mm, GFP_KERNEL | __GFP_COMP, order);

		zonal_put(mm, page + (1u << order) - 1);
		KT_EQ(free_pages_now(mm), 4096);
	}
	KT_EQ(zonal_bad_count(mm), 0);
	kt_check_all(mm);
}

/* Free, in a CPU's list, inside of a block that is not compound: nobody can hold those. */
KTEST(shared, get_and_put_of_what_nobody_holds_change_nothing)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *block, *single;
	uint64_t hash;

	if (!mm)
		return;
	block = zonal_alloc(mm, GFP_KERNEL, 3);
	single = zonal_alloc(mm, GFP_KERNEL, 0);
	zonal_free(mm, single, 0);
	hash = kt_map_hash(mm, KT_DMA_PFN, 4096);
	zonal_get(single);
	zonal_get(block + 5);
	zonal_get(zonal_page(mm, KT_DMA_PFN + 4095));
	zonal_put(mm, single);
	zonal_put(mm, block + 5);
	zonal_put(mm, zonal_page(mm, KT_DMA_PFN + 4095));
	KT_EQ(kt_map_hash(mm, KT_DMA_PFN, 4096), hash);
	KT_EQ(zonal_bad_count(mm), 3);
	zonal_free(mm, block, 3);
	kt_check_all(mm);
}

/* The second instance has RAM at other frames, so that the two maps share no number. */
KTEST(shared, pages_of_another_instance_are_refused_by_every_entry)
{
	static const struct kt_spec other = { .ram = { { 0, KT_DMA_PFN + 8192, 4096 } } };
	struct zonal *mine = kt_bare_instance(&uma), *theirs = kt_bare_instance(&other);
	struct page *page;
	uint64_t hash;

	if (!mine || !theirs)
		return;
	page = zonal_alloc(theirs, GFP_KERNEL, 3);
	hash = kt_map_hash(theirs, KT_DMA_PFN + 8192, 4096);
	zonal_free(mine, page, 3);
	zonal_put(mine, page);
	zonal_split(mine, page, 3);
	zonal_free_exact(mine, page, 2 * PAGE_SIZE);
	KT_EQ(zonal_bad_count(mine), 5);
	KT_EQ(kt_map_hash(theirs, KT_DMA_PFN + 8192, 4096), hash);
	KT_EQ(zonal_bad_count(theirs), 0);
	kt_check_all(mine);
	zonal_free(theirs, page, 3);
	kt_check_all(theirs);
	KT_EQ(kt_free(kt_zone(theirs, 0, ZONE_DMA)), 4096);
}
