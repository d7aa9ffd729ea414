/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Damaged pages, page by page: what is said, what is counted, what is left behind.
 *
 * page_test.c shows that a damaged page is not handed out again. Here each place where one
 * can be met (free, refill, a CPU's list on its way back, a block's take) is looked at by
 * itself: which pages go, that each is BAD without references, mappings and flags, that the
 * count rises by one for each find, and that the pages beside it stay in use. The text of a
 * report and the limit of 60 a minute (D3) are read where the console can be caught.
 */
#include <string.h>

#include "kt_instance.h"

#include "lib/printf.h"
#include "test/unit/monitor/monitor_capture.h"

enum { PAGES = 4096, A_MINUTE = 60 };

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, PAGES } } };
static const struct kt_spec pinned = { .ram = { { 0, KT_DMA_PFN, PAGES } },
				       .reserved = { { 0, KT_DMA_PFN + 8, 1 } } };
/* Batch 7: large enough for per-CPU lists. */
static const struct kt_spec big = { .ram = { { 0, KT_DMA_PFN, 32768 } } };

static int64_t free_pages_now(struct zonal *mm) { return kt_free(kt_zone(mm, 0, ZONE_DMA)); }

static void mark(struct page *page, uint32_t flags)
{
	page_set_word(page, page_word(page) | flags);
}

/* BAD, with nothing left that could mislead who looks at it. */
static bool is_retired(const struct page *page, uint32_t stays)
{
	struct page *p = (struct page *)(uintptr_t)page;

	return page_state(page) == PAGE_BAD && !ld_relaxed(&p->refs) && !ld_relaxed(&p->mapped) &&
	       (page_word(page) & ~WORD_ALLOC_MASK) == stays && page_zid(page) == ZONE_DMA;
}

static void expect_retired(struct page *page, unsigned count, uint32_t stays)
{
	for (unsigned i = 0; i < count; i++)
		if (!KT_OK(is_retired(page + i, i ? 0 : stays), "page %u of %u has word 0x%x", i,
			   count, page_word(page + i)))
			return;
}

static unsigned count_of(const char *text, const char *what)
{
	unsigned count = 0;

	for (; (text = strstr(text, what)); text++)
		count++;
	return count;
}

/* D1: the last of what holds, in 5.10's order, is the reason that is printed. */
KTEST_F(rows_d, d1_the_last_reason_is_the_one_printed, KT_HOST_ONLY)
{
	static const struct {
		uint32_t flags;
		uint16_t mapped;
		const char *reason;
	} table[] = {
		{ 0, 1, ": still mapped (" },
		{ PG_MAPPING, 0, ": mapping still set (" },
		{ PG_MAPPING, 7, ": mapping still set (" },
		{ PG_LRU | PG_MAPPING, 1, ": owner's flags still set (" },
		{ PG_LOCKED, 0, ": owner's flags still set (" },
		{ PG_CHARGED, 0, ": still charged to a memory group (" },
		{ PG_CHARGED | PG_SLAB | PG_MAPPING, 2, ": still charged to a memory group (" },
	};
	struct zonal *mm = kt_bare_instance(&uma);

	if (!mm)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		struct page *page = zonal_alloc(mm, GFP_KERNEL, i % 3);
		char head[64];
		const char *text;

		mark(page, table[i].flags);
		st_relaxed(&page->mapped, table[i].mapped);
		zn_snprintf(head, sizeof(head), "bad page pfn 0x%llx freed with order %u: ",
			    (unsigned long long)zonal_pfn(page), i % 3);
		capture_begin();
		zonal_free(mm, page, i % 3);
		text = capture_end();
		KT_OK(strstr(text, head) && strstr(text, table[i].reason), "row %u: %s", i, text);
		KT_EQ(zonal_bad_count(mm), i + 1);
		expect_retired(page, 1u << (i % 3), 0);
	}
	kt_check_all(mm);
}

/* D6: with every page looked at, whichever page of the block it is, all of it goes. */
KTEST(rows_d, d6_any_page_of_a_block_is_looked_at_on_demand)
{
	static const struct {
		unsigned order, at;
		uint32_t flags;
		int32_t refs;
	} table[] = {
		{ 1, 1, PG_LOCKED, 0 }, { 3, 7, PG_CHARGED, 0 }, { 3, 4, 0, 1 },
		{ 2, 1, 0, -1 },	{ 5, 31, PG_LRU, 0 },
	};
	struct zonal *mm = kt_bare_instance(&uma);
	int64_t left = PAGES;

	if (!mm)
		return;
	gate_set(mm, GATE_CHECK_ALL, true);
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		struct page *page = zonal_alloc(mm, GFP_KERNEL, table[i].order);

		mark(page + table[i].at, table[i].flags);
		st_relaxed(&page[table[i].at].refs, table[i].refs);
		zonal_free(mm, page, table[i].order);
		left -= 1 << table[i].order;
		KT_EQ(zonal_bad_count(mm), i + 1);
		KT_EQ(free_pages_now(mm), left);
		expect_retired(page, 1u << table[i].order, 0);
	}
	/* what is whole goes back as always */
	for (unsigned order = 0; order < MAX_ORDER; order++)
		zonal_free(mm, zonal_alloc(mm, GFP_KERNEL, order), order);
	KT_EQ(zonal_bad_count(mm), ARRAY_SIZE(table));
	KT_EQ(free_pages_now(mm), left);
	kt_check_all(mm);
}

static void misuse(struct zonal *mm, unsigned times)
{
	struct page *page = mm_page(mm, KT_DMA_PFN);

	while (times--)
		zonal_free(mm, page, 0);
}

/* D3: sixty lines a minute for all kinds together; the count goes on. */
KTEST_F(rows_d, d3_sixty_reports_a_minute, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *page;
	const char *text;

	if (!mm)
		return;
	page = zonal_alloc(mm, GFP_KERNEL, 0);
	mark(page, PG_SLAB);
	capture_begin();
	zonal_free(mm, page, 0);
	misuse(mm, A_MINUTE + 40);
	text = capture_end();
	KT_EQ(count_of(text, "bad page"), 1);
	KT_EQ(count_of(text, "bad free"), A_MINUTE - 1);
	KT_EQ(zonal_bad_count(mm), A_MINUTE + 41);
	/* a damaged page that is not reported any more is retired all the same */
	page = zonal_alloc(mm, GFP_KERNEL, 0);
	mark(page, PG_SLAB);
	capture_begin();
	zonal_free(mm, page, 0);
	KT_EQ(count_of(capture_end(), "bad"), 0);
	expect_retired(page, 1, 0);
}

#ifdef HOST_PORT_IMPL_H
/* A reference to a page that has none: its instance is not known, so these have a limit of their
 * own, which is for all. */
KTEST_F(rows_d, d3_wrong_references_are_told_sixty_times_a_minute_too, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&uma);
	static uint64_t later; /* than whatever was told in this program */
	uint64_t clock = ld_relaxed(&host_clock_ns);
	struct page *page;
	unsigned told;

	if (!mm)
		return;
	page = zonal_page(mm, KT_DMA_PFN + 5);
	later += 2 * 60000000000ull;
	/* It stands still, and is even. */
	st_relaxed(&host_clock_ns, (port_time_ns() + later) & ~1ull);
	capture_begin();
	for (unsigned i = 0; i < A_MINUTE + 40; i++)
		zonal_get(page);
	told = count_of(capture_end(), "bad get");
	st_relaxed(&host_clock_ns, clock);
	KT_EQ(told, A_MINUTE);
	KT_EQ(zonal_bad_count(mm), 0); /* nobody knows whose they are */
	kt_check_all(mm);
}
#endif

KTEST_F(rows_d, d3_the_minute_ends, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&uma);
	const char *text;

	if (!mm)
		return;
	capture_begin();
	misuse(mm, A_MINUTE + 1);
	/* half a minute ago is the same minute; a minute and a half ago is not */
	st_relaxed(&mm->report_limit.window_ns, port_time_ns() - 30000000000ull);
	misuse(mm, 1);
	/* nor is it another one if it began just now, by a clock that is a little ahead */
	st_relaxed(&mm->report_limit.window_ns, port_time_ns() + 30000000000ull);
	misuse(mm, 1);
	text = capture_end();
	KT_EQ(count_of(text, "bad free"), A_MINUTE);
	capture_begin();
	st_relaxed(&mm->report_limit.window_ns, port_time_ns() - 90000000000ull);
	misuse(mm, A_MINUTE + 20);
	text = capture_end();
	KT_EQ(count_of(text, "bad free"), A_MINUTE);
	KT_EQ(zonal_bad_count(mm), 2 * A_MINUTE + 23);
}

/* The report names the page, and the head of the block that it lies in. */
static void expect_report(struct zonal *mm, struct page *page, unsigned order, const char *page_is,
			  struct page *head, const char *head_is)
{
	char line[200];
	const char *text;

	zn_snprintf(line, sizeof(line),
		    "bad free of pfn 0x%x order %u: page is %s refs %d; "
		    "block head pfn 0x%x is %s\n",
		    page->pfn, order, page_is, (int)ld_relaxed(&page->refs), head->pfn, head_is);
	capture_begin();
	zonal_free(mm, page, order);
	text = capture_end();
	KT_OK(strstr(text, line) != NULL, "no \"%s\" in \"%s\"", line, text);
	/* these are many, and each is to be read */
	st_relaxed(&mm->report_limit.printed, 0);
}

KTEST_F(rows_d, d7_a_report_names_page_and_head, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&uma);

	if (!mm)
		return;
	for (unsigned order = 1; order < MAX_ORDER; order++) {
		struct page *page = zonal_alloc(mm, GFP_KERNEL, order);
		char head_is[32];

		zn_snprintf(head_is, sizeof(head_is), "used order %u", order);
		expect_report(mm, page, order - 1, head_is, page, head_is);
		for (unsigned at = 1; at < 1u << order; at = 2 * at + 1)
			expect_report(mm, page + at, 0, "inner order 0", page, head_is);
		zonal_free(mm, page, order);
	}
	expect_report(mm, mm_page(mm, KT_DMA_PFN + 1024), 0, "free order 10",
		      mm_page(mm, KT_DMA_PFN + 1024), "free order 10");
	expect_report(mm, mm_page(mm, KT_DMA_PFN + 2047), 3, "inner order 0",
		      mm_page(mm, KT_DMA_PFN + 1024), "free order 10");
}

/* A page that lies in no block is its own head, also beside blocks that end before it. */
KTEST_F(rows_d, d7_a_page_without_a_block_is_its_own_head, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&pinned);
	struct page *page;

	if (!mm)
		return;
	page = mm_page(mm, KT_DMA_PFN + 8);
	expect_report(mm, page, 0, "reserved order 0", page, "reserved order 0");
	page = zonal_alloc(mm, GFP_KERNEL, 0);
	mark(page, PG_LOCKED);
	zonal_free(mm, page, 0);
	expect_report(mm, page, 0, "bad order 0", page, "bad order 0");
}

static struct page *take_single(struct zonal *mm)
{
	struct page *page = zonal_alloc(mm, GFP_HIGHUSER_MOVABLE, 0);

	KT_TRUE(page);
	return page;
}

/* P6, D20: a page damaged while it was free is left out of a refill, the rest is in order. The
 * second batch of seven has the last single page of the first block and six of the next. */
KTEST(rows_p, p6_refill_leaves_bad_pages_out)
{
	static const struct {
		unsigned at;
		uint32_t change;
		unsigned counted;
	} table[] = {
		{ 2, PG_LOCKED, 1 },
		{ 3, PG_DIRTY, 1 },
		{ 6, PG_HWPOISON, 0 },
		{ 4, (PAGE_INNER ^ PAGE_TAIL) << WORD_STATE_SHIFT, 1 },
		{ 5, PG_HWPOISON | PG_LRU, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		struct zonal *mm = kt_bare_instance(&big);
		struct page *want, *hurt;

		if (!mm)
			return;
		for (unsigned k = 0; k < 7; k++)
			want = take_single(mm) + 1;
		hurt = want + table[i].at;
		KT_EQ(page_state(hurt), PAGE_INNER);
		page_set_word(hurt, page_word(hurt) ^ table[i].change);
		for (unsigned k = 0; k < 6; k++, want++) {
			want += want == hurt;
			KT_EQ(zonal_pfn(take_single(mm)), zonal_pfn(want));
		}
		KT_EQ(kt_pcp_count(kt_zone(mm, 0, ZONE_DMA)), 0);
		KT_EQ(zonal_bad_count(mm), table[i].counted);
		expect_retired(hurt, 1, table[i].change & PG_HWPOISON);
		kt_free_all();
	}
}

/* D3: a page damaged in a CPU's list does not go back to the zone; its neighbours do. */
KTEST(rows_d, d3_page_damaged_in_a_cpu_list)
{
	static const uint32_t damage[] = { PG_LOCKED, PG_DIRTY, PG_HWPOISON,
					   (PAGE_PCP ^ PAGE_USED) << WORD_STATE_SHIFT };
	uint64_t counted = 0;
	struct zonal *mm = kt_bare_instance(&big);
	struct page *page[6];

	if (!mm)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(damage); i++) {
		for (unsigned k = 0; k < ARRAY_SIZE(page); k++)
			page[k] = zonal_alloc(mm, GFP_HIGHUSER_MOVABLE, 0);
		for (unsigned k = 0; k < ARRAY_SIZE(page); k++)
			zonal_free(mm, page[k], 0);
		page_set_word(page[3], page_word(page[3]) ^ damage[i]);
		zonal_drain_local(mm);
		counted += damage[i] != PG_HWPOISON;
		KT_EQ(zonal_bad_count(mm), counted);
		KT_EQ(free_pages_now(mm), 32768 - 1 - i);
		KT_EQ(page_state(page[3]), PAGE_BAD);
		KT_EQ(page_word(page[3]) & PG_TAKE_CHECK, 0);
		KT_EQ(kt_pcp_count(kt_zone(mm, 0, ZONE_DMA)), 0);
		kt_check_all(mm);
	}
}

/* D4: the head is looked at whatever the debug level, by the lane and by the ladder. */
KTEST(rows_d, d4_damaged_head_is_seen_by_every_way_in)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *page, *next, *got;

	if (!mm)
		return;
	for (unsigned i = 0; i < 4; i++) {
		page = zonal_alloc(mm, __GFP_MOVABLE, 3);
		next = zonal_alloc(mm, __GFP_MOVABLE, 3);
		zonal_free(mm, page, 3);
		KT_EQ(kt_first(kt_zone(mm, 0, ZONE_DMA), MIGRATE_MOVABLE, 3), zonal_pfn(page));
		mark(page, i < 2 ? PG_LOCKED : PG_DIRTY);
		got = i % 2 ? zonal_alloc_node(mm, 0, __GFP_MOVABLE, 3)
			    : zonal_alloc(mm, __GFP_MOVABLE, 3);
		KT_TRUE(got && got != page);
		KT_EQ(zonal_bad_count(mm), i + 1);
		expect_retired(page, 8, 0);
		zonal_free(mm, got, 3);
		zonal_free(mm, next, 3);
		KT_EQ(free_pages_now(mm), PAGES - 8 * (i + 1));
	}
	kt_check_all(mm);
}

/* D5: a poisoned head keeps its mark, takes the whole block along, and says nothing. */
KTEST(rows_d, d5_poison_takes_the_whole_block)
{
	struct zonal *mm = kt_bare_instance(&uma);
	int64_t left = PAGES;

	if (!mm)
		return;
	for (unsigned order = 0; order < 6; order++) {
		struct page *page = zonal_alloc(mm, GFP_KERNEL, order);

		mark(page, PG_HWPOISON | (order % 2 ? PG_LOCKED : 0));
		zonal_free(mm, page, order);
		left -= 1 << order;
		expect_retired(page, 1u << order, PG_HWPOISON);
		KT_EQ(free_pages_now(mm), left);
	}
	KT_EQ(zonal_bad_count(mm), 0);
	kt_check_all(mm);
}
