/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frees that are wrong in themselves: rows D7, D11, trust items 7 and 19.
 *
 * Each is reported once, at the call, with zonal_bad_count() one higher, and
 * changes nothing: the whole page map is hashed before and after, the free count
 * stays, and zonal_check() finds nothing. The rightful owner can go on.
 */
#include "kt_instance.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };

static int64_t free_pages_now(struct zonal *mm) { return kt_free(kt_zone(mm, 0, ZONE_DMA)); }

static void expect_misuse(struct zonal *mm, struct page *page, unsigned order, const char *what)
{
	uint64_t bad = zonal_bad_count(mm);
	uint64_t hash = kt_map_hash(mm, KT_DMA_PFN, 4096);
	int64_t before = free_pages_now(mm);

	zonal_free(mm, page, order);
	KT_OK(zonal_bad_count(mm) == bad + 1, "%s, order %u: %llu reports, not 1", what, order,
	      (unsigned long long)(zonal_bad_count(mm) - bad));
	KT_OK(kt_map_hash(mm, KT_DMA_PFN, 4096) == hash, "%s, order %u: the page map has changed",
	      what, order);
	KT_EQ(free_pages_now(mm), before);
	kt_check_all(mm);
}

KTEST(trust, t19_double_free_is_reported_at_the_call)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *page;

	if (!mm)
		return;
	for (unsigned order = 0; order < MAX_ORDER; order++) {
		page = zonal_alloc(mm, GFP_KERNEL, order);
		if (!KT_TRUE(page))
			return;
		zonal_free(mm, page, order);
		expect_misuse(mm, page, order, "double free");
	}
}

/* A page that waits in a per-CPU list is free as well. */
KTEST(trust, t19_double_free_of_a_page_in_a_cpu_list)
{
	static const struct kt_spec big = { .ram = { { 0, KT_DMA_PFN, 16384 } } };
	struct zonal *mm = kt_instance(&big);
	struct page *page;

	if (!mm)
		return;
	page = zonal_alloc(mm, GFP_KERNEL, 0);
	zonal_free(mm, page, 0);
	KT_EQ(page_state(page), PAGE_PCP);
	expect_misuse(mm, page, 0, "double free in a CPU's list");
	zonal_put(mm, page);
	KT_EQ(zonal_bad_count(mm), 2);
	kt_check_all(mm);
}

KTEST(trust, t7_wrong_order_is_reported_at_the_call)
{
	static const unsigned odd[] = { 11, 12, 16, 31, 32, 63, 255, 0x1000000, ~0u };
	struct zonal *mm = kt_bare_instance(&uma);

	if (!mm)
		return;
	for (unsigned order = 0; order < MAX_ORDER; order++) {
		struct page *page = zonal_alloc(mm, GFP_KERNEL, order);

		if (!KT_TRUE(page))
			return;
		for (unsigned wrong = 0; wrong < MAX_ORDER; wrong++)
			if (wrong != order)
				expect_misuse(mm, page, wrong, "wrong order");
		for (unsigned i = 0; i < ARRAY_SIZE(odd); i++)
			expect_misuse(mm, page, odd[i], "order that does not exist");
		if (order)
			expect_misuse(mm, page + 1, 0, "page inside of a block");
		zonal_free(mm, page, order);
	}
	KT_EQ(free_pages_now(mm), 4096);
}

KTEST(trust, t7_page_never_allocated_and_foreign_page)
{
	static const struct kt_spec holes = {
		.ram = { { 0, KT_DMA_PFN, 4000 } },
		.reserved = { { 0, KT_DMA_PFN + 10, 1 } },
	};
	struct zonal *mm = kt_bare_instance(&uma), *other;
	struct page *theirs;

	if (!mm)
		return;
	expect_misuse(mm, mm_page(mm, KT_DMA_PFN), 0, "free page");
	expect_misuse(mm, mm_page(mm, KT_DMA_PFN), 10, "free block");
	expect_misuse(mm, mm_page(mm, KT_DMA_PFN + 77), 0, "page inside of a free block");
	other = kt_instance(&holes);
	if (!other)
		return;
	theirs = zonal_alloc(other, GFP_KERNEL, 0);
	expect_misuse(mm, theirs, 0, "page of another instance");
	zonal_free(other, theirs, 0);
	KT_EQ(zonal_bad_count(other), 0);
	zonal_free(other, mm_page(other, KT_DMA_PFN + 10), 0);
	KT_EQ(zonal_bad_count(other), 1);
	zonal_free(other, mm_page(other, KT_DMA_PFN + 4000), 0); /* a hole */
	KT_EQ(zonal_bad_count(other), 2);
	kt_check_all(other);
	zonal_free(other, NULL, 0);
	KT_EQ(zonal_bad_count(other), 2);
}

/* Owner's bytes that look like a page of the zone, given back by a pointer to them: it is the start
 * of no structure, whatever it reads like, and so nobody's page. */
KTEST(trust, t7_owner_bytes_that_look_like_a_page)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *page = mm ? zonal_alloc(mm, GFP_KERNEL, 1) : NULL;

	if (!page)
		return;
	for (unsigned back = 0; back < 2; back++) {
		page[1].owner[0] = word_make(page_zid(page), PAGE_USED, 0) | (uint64_t)1 << 32;
		page[1].owner[1] = page->pfn + back;
		expect_misuse(mm, (struct page *)(void *)((char *)page + 16), 0, "owner's bytes");
	}
	zonal_free(mm, page, 1);
	KT_EQ(free_pages_now(mm), 4096);
}

KTEST(rows_d, d11_plain_tails)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *page;

	if (!mm)
		return;
	page = zonal_alloc(mm, GFP_KERNEL, 4);
	if (!KT_TRUE(page))
		return;
	for (unsigned i = 1; i < 16; i++) {
		KT_EQ(ld_relaxed(&page[i].refs), 0);
		KT_EQ(page_state(page + i), PAGE_INNER);
	}
	expect_misuse(mm, page, 3, "smaller order");
	zonal_free(mm, page, 4);
	KT_EQ(zonal_bad_count(mm), 1);
}

/* Somebody dropped more references than he had, and the owner gives it back behind him. */
KTEST(trust, t7_page_in_use_that_nobody_holds_is_reported_and_stays)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *page;

	if (!mm)
		return;
	for (unsigned order = 0; order < 5; order++) {
		page = zonal_alloc(mm, GFP_KERNEL | (order > 2 ? __GFP_COMP : 0), order);
		if (!KT_TRUE(page))
			return;
		st_relaxed(&page->refs, 0);
		zonal_free(mm, page, order);
		KT_EQ(zonal_bad_count(mm), order + 1);
		KT_EQ(page_state(page), PAGE_USED);
		st_relaxed(&page->refs, 1);
		zonal_free(mm, page, order);
		KT_EQ(zonal_bad_count(mm), order + 1);
	}
	zonal_drain_all(mm, NULL);
	KT_EQ(free_pages_now(mm), 4096);
	kt_check_all(mm);
}
