/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page checks, preparation and the free calls: rows D, trust items 11, 15, 21.
 *
 * A damaged page is reported and never seen again; calls that are wrong in
 * themselves are in mm_misuse_test.c. Both are counted by zonal_bad_count().
 */
#include "kt_instance.h"

#include <string.h>

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };

static int64_t free_pages_now(struct zonal *mm) { return kt_free(kt_zone(mm, 0, ZONE_DMA)); }

/* D1, D2: each flag that must be clear, the mapping, the map count. */
KTEST(rows_d, d1_d2_what_makes_a_page_bad_at_free)
{
	static const uint32_t flags[] = {
		PG_LOCKED, PG_LRU,	   PG_ACTIVE,  PG_ROTATE, PG_ISOLATED, PG_WRITEBACK,
		PG_SLAB,   PG_UNEVICTABLE, PG_MLOCKED, PG_MAPPING, PG_CHARGED,
	};
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *page;

	if (!mm)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
		for (unsigned order = 0; order < 2; order++) {
			page = zonal_alloc(mm, GFP_KERNEL, order);
			page_set_word(page, page_word(page) | flags[i]);
			zonal_free(mm, page, order);
			KT_EQ(zonal_bad_count(mm), 2 * i + order + 1);
			KT_EQ(page_state(page), PAGE_BAD);
		}
	}
	page = zonal_alloc(mm, GFP_KERNEL, 0);
	st_relaxed(&page->mapped, 1);
	zonal_free(mm, page, 0);
	KT_EQ(page_state(page), PAGE_BAD);
	KT_EQ(ld_relaxed(&page->mapped), 0); /* D3: reset */
	KT_EQ(zonal_bad_count(mm), 2 * ARRAY_SIZE(flags) + 1);
	kt_check_all(mm);
}

/* Flags that an owner may leave behind go with the page (D8). */
KTEST(rows_d, d2_harmless_flags_are_cleared)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *page;

	if (!mm)
		return;
	page = zonal_alloc(mm, GFP_KERNEL, 0);
	page_set_word(page, page_word(page) | PG_REFERENCED | PG_DIRTY | PG_PFMEMALLOC);
	zonal_free(mm, page, 0);
	KT_EQ(zonal_bad_count(mm), 0);
	KT_EQ(page_word(page) & PG_TAKE_CHECK, 0);
	page = zonal_alloc(mm, GFP_KERNEL, 0);
	KT_EQ(page_word(page) & ~WORD_ALLOC_MASK, 0);
	zonal_free(mm, page, 0);
}

KTEST(rows_d, d3_bad_pages_are_never_seen_again)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *bad[3], *chain = NULL;
	uint64_t count;

	if (!mm)
		return;
	for (unsigned i = 0; i < 3; i++) {
		bad[i] = zonal_alloc(mm, GFP_KERNEL, i);
		page_set_word(bad[i], page_word(bad[i]) | PG_SLAB);
		zonal_free(mm, bad[i], i);
	}
	count = kt_take_all(mm, 0, GFP_NOWAIT | __GFP_NOWARN, 0, &chain);
	KT_EQ(count, 4096 - 7);
	for (struct page *p = chain; p; p = *(struct page **)zonal_page_owner(p))
		for (unsigned i = 0; i < 3; i++)
			if (p >= bad[i] && p < bad[i] + (1u << i))
				KT_OK(0, "bad frame %llx came back",
				      (unsigned long long)zonal_pfn(p));
	kt_give_all(mm, chain, 0);
	KT_EQ(free_pages_now(mm), 4096 - 7);
	kt_check_all(mm);
}

/* A free page that somebody wrote to: the block goes, and another one is taken. */
KTEST(rows_d, d4_damaged_block_is_thrown_away_at_take)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *page, *next, *got;

	if (!mm)
		return;
	gate_set(mm, GATE_CHECK_ALL, true);
	page = zonal_alloc(mm, __GFP_MOVABLE, 3);
	next = zonal_alloc(mm, __GFP_MOVABLE, 3);
	zonal_free(mm, page, 3);
	/* keep it apart from its buddy, so that it is the head of the order 3 list */
	KT_EQ(kt_first(kt_zone(mm, 0, ZONE_DMA), MIGRATE_MOVABLE, 3), zonal_pfn(page));
	page_set_word(page + 5, page_word(page + 5) | PG_LOCKED);
	got = zonal_alloc(mm, __GFP_MOVABLE, 3);
	if (KT_TRUE(got)) {
		KT_TRUE(got != page);
		zonal_free(mm, got, 3);
	}
	KT_EQ(zonal_bad_count(mm), 1);
	for (unsigned i = 0; i < 8; i++)
		KT_EQ(page_state(page + i), PAGE_BAD);
	zonal_free(mm, next, 3);
	KT_EQ(free_pages_now(mm), 4096 - 8);
	kt_check_all(mm);
}

KTEST(rows_d, d5_poisoned_page_is_dropped_silently)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *page;

	if (!mm)
		return;
	page = zonal_alloc(mm, GFP_KERNEL, 0);
	page_set_word(page, page_word(page) | PG_HWPOISON);
	zonal_free(mm, page, 0);
	KT_EQ(zonal_bad_count(mm), 0);
	KT_EQ(free_pages_now(mm), 4095);
	kt_check_all(mm);
	/* a block with a poisoned head must not come back either */
	page = zonal_alloc(mm, GFP_KERNEL, 3);
	page_set_word(page, page_word(page) | PG_HWPOISON);
	zonal_free(mm, page, 3);
	for (unsigned i = 0; i < 600; i++) {
		struct page *p = zonal_alloc(mm, GFP_KERNEL, 0);

		if (!p || !KT_OK(p != page, "the poisoned page was handed out again"))
			break;
	}
	KT_EQ(zonal_bad_count(mm), 0);
	kt_check_all(mm);
}

KTEST(rows_d, d7_references)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *page;

	if (!mm)
		return;
	page = zonal_alloc(mm, GFP_KERNEL, 0);
	KT_EQ(ld_relaxed(&page->refs), 1);
	zonal_get(page);
	zonal_get(page);
	zonal_free(mm, page, 0);
	KT_EQ(ld_relaxed(&page->refs), 2);
	KT_EQ(free_pages_now(mm), 4095);
	zonal_put(mm, page);
	KT_EQ(free_pages_now(mm), 4095);
	zonal_put(mm, page);
	KT_EQ(free_pages_now(mm), 4096);
	KT_EQ(ld_relaxed(&page->refs), 0);
	KT_EQ(zonal_bad_count(mm), 0);
	zonal_put(mm, page);
	KT_EQ(zonal_bad_count(mm), 1);
	kt_check_all(mm);
}

/* Trust items 11, 21: whatever the former owner left is gone. */
KTEST(rows_d, d9_a_taken_page_is_clean)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *page;

	if (!mm)
		return;
	for (unsigned order = 0; order < 5; order++) {
		page = zonal_alloc(mm, GFP_KERNEL | __GFP_COMP, order);
		memset(zonal_page_owner(page), 0x77, 16);
		page_set_word(page, page_word(page) | PG_REFERENCED);
		zonal_free(mm, page, order);
		page = zonal_alloc(mm, GFP_KERNEL, order);
		KT_EQ(((uint64_t *)zonal_page_owner(page))[0], 0);
		KT_EQ(((uint64_t *)zonal_page_owner(page))[1], 0);
		KT_EQ(page_word(page), word_make(ZONE_DMA, PAGE_USED, order));
		KT_EQ(ld_relaxed(&page->refs), 1);
		KT_EQ(ld_relaxed(&page->mapped), 0);
		zonal_free(mm, page, order);
	}
}

KTEST(rows_d, d9_zero_clears_the_whole_block)
{
	struct zonal *mm = kt_bare_instance(&uma);
	size_t count;
	pfn_t first;
	uint64_t sum = 0;

	if (!mm)
		return;
	for (unsigned order = 0; order < MAX_ORDER; order++) {
		struct page *page = zonal_alloc(mm, GFP_KERNEL | __GFP_ZERO, order);

		sum += 1u << order;
		if (!KT_TRUE(page))
			return;
		KT_EQ(kt_cleared(&first, &count), sum);
		KT_EQ(first, zonal_pfn(page));
		KT_EQ(count, 1u << order);
		zonal_free(mm, page, order);
		page = zonal_alloc(mm, GFP_KERNEL, order);
		KT_EQ(kt_cleared(NULL, NULL), sum);
		zonal_free(mm, page, order);
	}
}

/* Without a way to clear pages, a request for cleared ones is refused, not lied to. */
KTEST(rows_d, d9_zero_without_a_clear_hook)
{
	static const struct kt_spec blind = { .ram = { { 0, KT_DMA_PFN, 4096 } },
					      .cannot_clear = true };
	struct zonal *mm = kt_instance(&blind);
	struct zonal_failure failure;

	if (!mm)
		return;
	for (unsigned order = 0; order < 3; order++) {
		KT_TRUE(!zonal_alloc(mm, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN, order));
		zonal_last_failure(mm, &failure);
		KT_EQ(failure.steps, ZSTEP_NO_CLEAR);
	}
	KT_EQ(free_pages_now(mm), 4096);
}

KTEST(rows_d, d10_compound_blocks)
{
	struct zonal *mm = kt_bare_instance(&uma);

	if (!mm)
		return;
	for (unsigned order = 1; order < MAX_ORDER; order++) {
		struct page *page = zonal_alloc(mm, GFP_KERNEL | __GFP_COMP, order);

		if (!KT_TRUE(page))
			return;
		KT_TRUE(page_word(page) & PG_COMP);
		KT_EQ(page_order(page), order);
		for (unsigned i = 1; i < 1u << order; i++) {
			if (page[i].head == page->pfn && page_state(page + i) == PAGE_TAIL &&
			    !ld_relaxed(&page[i].refs))
				continue;
			KT_OK(0, "tail %u of order %u does not point to its head", i, order);
			break;
		}
		kt_check_all(mm);
		/* the order is known from the page */
		zonal_put(mm, page);
		KT_EQ(free_pages_now(mm), 4096);
		KT_TRUE(!(page_word(page + 1) & PG_COMP) && page_state(page + 1) != PAGE_TAIL);
		kt_check_all(mm);
	}
}

/* Order 0 has no tails, so COMP means nothing there. */
KTEST(rows_d, d10_single_pages_are_never_compound)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *page;

	if (!mm)
		return;
	page = zonal_alloc(mm, GFP_KERNEL | __GFP_COMP, 0);
	KT_TRUE(!(page_word(page) & PG_COMP));
	zonal_free(mm, page, 0);
	kt_check_all(mm);
}

KTEST(rows_d, d13_exact_sizes)
{
	static const size_t sizes[] = { 1,	      4096,	 4097,	     3 * 4096,
					5 * 4096 - 1, 33 * 4096, 1024 * 4096 };
	struct zonal *mm = kt_bare_instance(&uma);

	if (!mm)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned pages = (unsigned)((sizes[i] + 4095) / 4096);
		struct page *page = zonal_alloc_exact(mm, GFP_KERNEL | __GFP_COMP, sizes[i]);

		if (!KT_TRUE(page))
			continue;
		KT_EQ(free_pages_now(mm), 4096 - pages);
		for (unsigned k = 0; k < pages; k++)
			KT_EQ(page_word(page + k), word_make(ZONE_DMA, PAGE_USED, 0));
		kt_check_all(mm);
		zonal_free_exact(mm, page, sizes[i]);
		KT_EQ(free_pages_now(mm), 4096);
	}
	KT_TRUE(!zonal_alloc_exact(mm, GFP_KERNEL | __GFP_NOWARN, 1024 * 4096 + 1));
	KT_TRUE(!zonal_alloc_exact(mm, GFP_KERNEL | __GFP_NOWARN, SIZE_MAX));
	KT_TRUE(!zonal_alloc_exact(mm, GFP_KERNEL | __GFP_NOWARN, 0));
	KT_EQ(zonal_bad_count(mm), 0);
	kt_check_all(mm);
}

/* Trust item 15: fail the Nth request until nothing fails; state stays as it was. */
KTEST(rows_d, d19_fail_the_nth)
{
	struct zonal *mm = kt_bare_instance(&uma);
	bool failed = true;
	unsigned n;

	if (!mm)
		return;
	for (n = 0; failed && n < 50; n++) {
		struct page *held[20] = { NULL };

		failed = false;
		zonal_inject(mm, n, 1);
		for (unsigned i = 0; i < 20; i++) {
			uint64_t before = kt_map_hash(mm, KT_DMA_PFN, 4096);

			if (i % 4 == 3)
				held[i] = zonal_alloc_exact(mm, GFP_KERNEL | __GFP_NOWARN, 4097);
			else
				held[i] = zonal_alloc(mm, GFP_KERNEL | __GFP_NOWARN, i % 4);
			if (held[i])
				continue;
			failed = true;
			KT_EQ(i, n);
			KT_EQ(kt_map_hash(mm, KT_DMA_PFN, 4096), before);
		}
		zonal_inject(mm, 0, 0);
		for (unsigned i = 0; i < 20; i++) {
			if (i % 4 == 3 && held[i])
				zonal_free_exact(mm, held[i], 4097);
			else
				zonal_free(mm, held[i], i % 4);
		}
		if (!kt_check_all(mm))
			return;
	}
	KT_EQ(n, 21);
	KT_EQ(free_pages_now(mm), 4096);
}

/* Numbers beyond what the counters hold mean "always", not "never". */
KTEST(rows_d, d19_more_failures_than_can_be_counted)
{
	struct zonal *mm = kt_bare_instance(&uma);

	if (!mm)
		return;
	zonal_inject(mm, 0, UINT64_MAX);
	for (unsigned i = 0; i < 5; i++)
		KT_TRUE(!zonal_alloc(mm, GFP_KERNEL | __GFP_NOWARN, 0));
	zonal_inject(mm, UINT64_MAX, 1);
	for (unsigned i = 0; i < 5; i++) {
		struct page *page = zonal_alloc(mm, GFP_KERNEL | __GFP_NOWARN, 0);

		if (KT_TRUE(page))
			zonal_free(mm, page, 0);
	}
	zonal_inject(mm, 0, 0);
}

KTEST(rows_d, d19_nofail_is_never_injected)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *page;

	if (!mm)
		return;
	zonal_inject(mm, 0, 5);
	page = zonal_alloc(mm, GFP_KERNEL | __GFP_NOFAIL, 0);
	if (KT_TRUE(page))
		zonal_free(mm, page, 0);
	KT_TRUE(!zonal_alloc(mm, GFP_KERNEL | __GFP_NOWARN, 0));
	zonal_inject(mm, 0, 0);
}
