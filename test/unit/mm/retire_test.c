/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bad pages taken out of use: free ones, those in per-CPU lists, those that an owner can move,
 * those that somebody holds, reserved ones. Afterwards nobody gets the page, whatever is freed and
 * taken, and zonal_check() and the count know it.
 */
#include "kt_cache.h"
#include "port_watch.h"

#include <zonal/contig.h>

#include <string.h>

#include "mm/compact/move.h"

#define LARGEST ((pfn_t)1 << (MAX_ORDER - 1))
#define BOARD_PAGES (16 * LARGEST) /* enough for per-CPU lists */
#define MOVABLE_GFP (GFP_HIGHUSER_MOVABLE | __GFP_NOWARN | __GFP_NORETRY)

static const struct kt_spec board = {
	.ram = { { 0, KT_DMA_PFN, BOARD_PAGES } },
	.reserved = { { 0, KT_DMA_PFN + 77, 1 } },
};

/* `bad` pages are out of use: neither free nor given to anybody who takes all there is. */
static void expect_gone(struct zonal *mm, pfn_t pfn, uint64_t bad)
{
	struct page *chain = NULL;
	uint64_t got;

	zonal_drain_all(mm, NULL);
	KT_EQ(zonal_retired_pages(mm, 0), bad);
	KT_EQ(page_state(zonal_page(mm, pfn)), PAGE_BAD);
	kt_check_all(mm);
	got = kt_take_all(mm, 0, GFP_KERNEL | __GFP_NOWARN, 0, &chain);
	/* The last ones may lie in a per-CPU list that no request looks at any more. */
	KT_EQ(got + kt_pcp_count(kt_zone(mm, 0, ZONE_DMA)), BOARD_PAGES - 1 - bad);
	KT_EQ(page_state(zonal_page(mm, pfn)), PAGE_BAD);
	kt_give_all(mm, chain, 0);
	KT_EQ(zonal_page_retire(mm, pfn, NULL), ZONAL_RETIRED_ALREADY);
	KT_EQ(zonal_retired_pages(mm, 0), bad);
	KT_EQ(zonal_bad_count(mm), 0);
	kt_check_all(mm);
}

KTEST(retire, free_page_leaves_its_block)
{
	struct zonal *mm = kt_bare_instance(&board);
	const pfn_t pfn = KT_DMA_PFN + 3 * LARGEST + 333;

	if (!mm)
		return;
	KT_EQ(zonal_page_retire(mm, pfn, NULL), ZONAL_RETIRED_FREE);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), BOARD_PAGES - 2);
	expect_gone(mm, pfn, 1);
}

KTEST(retire, page_in_a_per_cpu_list_is_drained_first)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct page *page;
	pfn_t pfn;

	if (!mm)
		return;
	page = zonal_alloc_node(mm, 0, GFP_KERNEL, 0);
	pfn = zonal_pfn(page);
	zonal_free(mm, page, 0);
	KT_EQ(page_state(page), PAGE_PCP);
	KT_EQ(zonal_page_retire(mm, pfn, NULL), ZONAL_RETIRED_FREE);
	expect_gone(mm, pfn, 1);
}

KTEST(retire, page_of_an_owner_who_can_move_it_is_moved)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_ANON, 64) : NULL;
	struct zonal_retire out;
	pfn_t pfn;

	if (!cache)
		return;
	kt_cache_fill(cache, 0, MOVABLE_GFP, 64);
	pfn = zonal_pfn(cache->place[40].page);
	KT_EQ(zonal_page_retire(mm, pfn, &out), ZONAL_RETIRED_MOVED);
	KT_EQ(strcmp(out.owner, "kt-anon"), 0);
	KT_EQ(cache->moved, 1);
	KT_EQ(cache->last_may, ZONAL_MAY_UNMAP | ZONAL_MAY_FS | ZONAL_MAY_WRITE);
	KT_TRUE(zonal_pfn(cache->place[40].page) != pfn);
	KT_EQ(kt_cache_left(cache), 64);
	kt_cache_drop_all(cache);
	expect_gone(mm, pfn, 1);
}

/* The frame that it moves to comes from where movable pages may lie. */
KTEST(retire, page_of_the_movable_zone_stays_in_it)
{
	struct kt_spec spec = { .ram = { { 0, KT_DMA_PFN, BOARD_PAGES } } };
	struct zonal_options options;
	struct kt_cache *cache;
	struct zonal *mm;
	unsigned zid;

	zonal_options_default(&options);
	options.kernelcore_percent = 50;
	spec.options = &options;
	mm = kt_bare_instance(&spec);
	cache = mm ? kt_cache(mm, ZONAL_ANON, 8) : NULL;
	if (!cache)
		return;
	kt_cache_fill(cache, 0, MOVABLE_GFP, 8);
	zid = page_zid(cache->place[3].page);
	KT_EQ(zid % ZONE_TYPES, ZONE_MOVABLE);
	KT_EQ(zonal_page_retire(mm, zonal_pfn(cache->place[3].page), NULL), ZONAL_RETIRED_MOVED);
	KT_EQ(page_zid(cache->place[3].page), zid);
	kt_cache_drop_all(cache);
	kt_check_all(mm);
}

/* It stays with him, marked, until it can be moved. */
KTEST(retire, page_that_its_owner_keeps_goes_when_it_can_be_moved)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_ANON, 64) : NULL;
	struct zonal_retire out;
	pfn_t pfn;

	if (!cache)
		return;
	kt_cache_fill(cache, 0, MOVABLE_GFP, 64);
	pfn = zonal_pfn(cache->place[7].page);
	cache->place[7].move = ZONAL_GIVE_BUSY;
	KT_EQ(zonal_page_retire(mm, pfn, &out), ZONAL_RETIRED_LATER);
	KT_EQ(strcmp(out.owner, "kt-anon"), 0);
	KT_TRUE(out.why && strcmp(out.why, "busy") == 0);
	KT_EQ(zonal_retired_pages(mm, 0), 0);
	KT_EQ(zonal_pfn(cache->place[7].page), pfn);
	kt_check_all(mm);
	/* Moved later, by another try. */
	cache->place[7].move = ZONAL_GIVE_YES;
	KT_EQ(zonal_page_retire(mm, pfn, NULL), ZONAL_RETIRED_MOVED);
	KT_TRUE(zonal_pfn(cache->place[7].page) != pfn);
	kt_cache_drop_all(cache);
	expect_gone(mm, pfn, 1);
}

KTEST(retire, held_pages_are_kept_back_when_they_are_freed)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct zonal_retire out;
	struct page *page;
	pfn_t pfn;

	if (!mm)
		return;
	page = zonal_alloc_node(mm, 0, GFP_KERNEL, 0);
	pfn = zonal_pfn(page);
	KT_EQ(zonal_page_retire(mm, pfn, &out), ZONAL_RETIRED_LATER);
	KT_EQ(out.order, 0);
	KT_EQ(out.owner[0], '\0');
	KT_EQ(zonal_page_retire(mm, pfn, &out), ZONAL_RETIRED_LATER);
	KT_EQ(ld_relaxed(&page->refs), 1);
	zonal_free(mm, page, 0);
	expect_gone(mm, pfn, 1);
}

/* Of a block all is kept back: the pages inside carry no mark. */
KTEST(retire, block_in_use_is_kept_back_as_a_whole)
{
	struct zonal *mm = kt_bare_instance(&board);

	if (!mm)
		return;
	for (unsigned comp = 0; comp < 2; comp++) {
		struct page *page = zonal_alloc_node(mm, 0, comp ? __GFP_COMP : 0, 4);
		struct zonal_retire out;

		KT_EQ(zonal_page_retire(mm, zonal_pfn(page) + 5, &out), ZONAL_RETIRED_LATER);
		KT_EQ(out.order, 4);
		KT_EQ(ld_relaxed(&page->refs), 1);
		zonal_free(mm, page, 4);
		for (unsigned i = 0; i < 16; i++)
			KT_EQ(page_state(page + i), PAGE_BAD);
		KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), BOARD_PAGES - 1 - 16 * (comp + 1));
		kt_check_all(mm);
	}
}

/* Its last reference is dropped, and it is in no list yet: nobody gets another one. */
KTEST(retire, a_page_that_is_being_freed_is_left_alone_until_it_is_free)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct page *page;
	pfn_t pfn;

	if (!mm)
		return;
	page = zonal_alloc_node(mm, 0, GFP_KERNEL, 0);
	pfn = zonal_pfn(page);
	st_relaxed(&page->refs, 0);
	KT_EQ(zonal_page_retire(mm, pfn, NULL), ZONAL_RETIRED_BUSY);
	KT_EQ(ld_relaxed(&page->refs), 0);
	KT_EQ(page_state(page), PAGE_USED);
	st_relaxed(&page->refs, 1);
	zonal_free(mm, page, 0);
	KT_EQ(zonal_page_retire(mm, pfn, NULL), ZONAL_RETIRED_FREE);
	expect_gone(mm, pfn, 1);
}

static struct page *leaving;
static unsigned leaves_at;

static void leave(void)
{
	if (kt_naps == leaves_at)
		st_relaxed(&leaving->refs, 1);
}

/* It is looked at 16 times, with a rest behind each look. */
KTEST(retire, a_page_between_two_states_is_given_time)
{
	struct zonal *mm = kt_bare_instance(&board);

	if (!mm)
		return;
	watch_port();
	for (unsigned naps = 14; naps < 18; naps++) {
		leaving = zonal_alloc_node(mm, 0, GFP_KERNEL, 0);
		leaves_at = naps;
		st_relaxed(&leaving->refs, 0);
		kt_naps = 0;
		kt_on_nap = leave;
		KT_EQ(zonal_page_retire(mm, zonal_pfn(leaving), NULL),
		      naps < 16 ? ZONAL_RETIRED_LATER : ZONAL_RETIRED_BUSY);
		KT_EQ(kt_naps, ZN_MIN(naps, 16u));
		KT_EQ(kt_nap_ns, 100000);
		st_relaxed(&leaving->refs, 1);
		zonal_free(mm, leaving, 0);
	}
	unwatch_port();
	kt_on_nap = NULL;
	zonal_drain_all(mm, NULL);
	KT_EQ(zonal_retired_pages(mm, 0), 2);
	kt_check_all(mm);
}

/* Somebody has it off its list, and its owner has let go: it will be free in a moment. */
KTEST(retire, a_page_in_reclaims_hands_is_left_alone)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_ANON, 4) : NULL;
	struct move_batch batch = { .count = 0 };
	struct page *page;

	if (!cache)
		return;
	kt_cache_fill(cache, 0, MOVABLE_GFP, 4);
	page = cache->place[2].page;
	KT_TRUE(move_take(mm, &batch, page));
	KT_EQ(zonal_page_retire(mm, zonal_pfn(page), NULL), ZONAL_RETIRED_BUSY);
	kt_cache_drop(cache, 2);
	KT_EQ(zonal_page_retire(mm, zonal_pfn(page), NULL), ZONAL_RETIRED_BUSY);
	KT_TRUE(!(page_word(page) & PG_HWPOISON));
	move_put_back(mm, &batch);
	kt_cache_drop_all(cache);
	KT_EQ(zonal_page_retire(mm, zonal_pfn(page), NULL), ZONAL_RETIRED_FREE);
	expect_gone(mm, zonal_pfn(page), 1);
}

KTEST(retire, reserved_and_missing_pages_are_told)
{
	struct zonal *mm = kt_bare_instance(&board);

	if (!mm)
		return;
	KT_EQ(zonal_page_retire(mm, KT_DMA_PFN + 77, NULL), ZONAL_RETIRED_RESERVED);
	KT_EQ(zonal_free_reserved(mm, KT_DMA_PFN + 77), ZONAL_EINVAL);
	KT_EQ(zonal_page_retire(mm, KT_DMA_PFN - 1, NULL), ZONAL_RETIRED_NO_PAGE);
	KT_EQ(zonal_page_retire(mm, KT_DMA_PFN + BOARD_PAGES, NULL), ZONAL_RETIRED_NO_PAGE);
	KT_EQ(zonal_page_retire(mm, ~(pfn_t)0, NULL), ZONAL_RETIRED_NO_PAGE);
	KT_EQ(zonal_retired_pages(mm, 0), 0);
	KT_EQ(zonal_retired_pages(mm, ZONAL_MAX_NODES), 0);
	for (unsigned i = 0; i < ZONAL_RETIRED_ANSWERS; i++)
		KT_TRUE(zonal_retired_text((enum zonal_retired)i));
	kt_check_all(mm);
}

KTEST(retire, check_finds_a_wrong_count)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct zonal_finding finding;

	if (!mm)
		return;
	KT_EQ(zonal_page_retire(mm, KT_DMA_PFN + 9, NULL), ZONAL_RETIRED_FREE);
	fetch_add_relaxed(&kt_zone(mm, 0, ZONE_DMA)->retired, 1);
	KT_TRUE(!zonal_check(mm, &finding));
	KT_TRUE(strstr(finding.text, "1 retired pages, count says 2"));
	fetch_add_relaxed(&kt_zone(mm, 0, ZONE_DMA)->retired, -1);
	kt_check_all(mm);
}
