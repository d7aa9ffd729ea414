/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The watermark test: rows W, and the golden floor of an atomic request.
 *
 * Two ways. The arithmetic is asked directly with a free count set by hand, since
 * some rows need counts that no small board has. What a request gets is asked
 * through the public calls, with the border of row W4 put one page above and one
 * page below by the lowmem reserve (kt_usable).
 */
#include "kt_instance.h"

#include "mm/buddy.h"
#include "mm/watermark.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };

/* The only zone of `uma`, with no marks. */
static struct zone *zone_setup(void)
{
	struct zonal *mm = kt_instance(&uma);

	if (!mm)
		return NULL;
	kt_no_marks(mm);
	return kt_zone(mm, 0, ZONE_DMA);
}

static bool gets_page(struct zone *zone, gfp_t gfp, unsigned order)
{
	struct page *page = zonal_alloc(zone->mm, gfp | __GFP_NOWARN, order);

	if (page)
		zonal_free(zone->mm, page, order);
	return page != NULL;
}

KTEST(rows_w, w1_boost_is_added_to_all_marks)
{
	struct zone *zone = zone_setup();

	if (!zone)
		return;
	KT_TRUE(zonal_alloc(zone->mm, GFP_NOWAIT, 0)); /* in use, so that the boost stays */
	kt_marks(zone, 10, 20, 30);
	st_relaxed(&zone->boost, 500);
	KT_EQ(zone_mark(zone, WMARK_MIN), 510);
	KT_EQ(zone_mark(zone, WMARK_LOW), 520);
	KT_EQ(zone_mark(zone, WMARK_HIGH), 530);
	/* Order 1, so that the exception for atomic single pages is out of the way. */
	kt_usable(zone, ZONE_NORMAL, 511 + 1);
	KT_TRUE(gets_page(zone, GFP_NOWAIT, 1));
	kt_usable(zone, ZONE_NORMAL, 510 + 1);
	KT_TRUE(!gets_page(zone, GFP_NOWAIT, 1));
}

KTEST(rows_w, w2_unusable_pages)
{
	struct zone *zone = zone_setup();

	if (!zone)
		return;
	st_relaxed(&zone->free, 1000);
	/* 2^order - 1 */
	KT_TRUE(zone_mark_ok(zone, 3, 992, ZONE_NORMAL, 0));
	KT_TRUE(!zone_mark_ok(zone, 3, 993, ZONE_NORMAL, 0));
	/* the reserve, unless HARDER or OOM */
	st_relaxed(&zone->highatomic, 512);
	KT_TRUE(zone_mark_ok(zone, 0, 487, ZONE_NORMAL, 0));
	KT_TRUE(!zone_mark_ok(zone, 0, 488, ZONE_NORMAL, 0));
	KT_TRUE(zone_mark_ok(zone, 0, 999, ZONE_NORMAL, ALLOC_OOM));
	KT_TRUE(zone_mark_ok(zone, 0, 999, ZONE_NORMAL, ALLOC_HARDER));
	/* CMA, unless allowed */
	st_relaxed(&zone->free_cma, 100);
	KT_TRUE(zone_mark_ok(zone, 0, 387, ZONE_NORMAL, 0));
	KT_TRUE(!zone_mark_ok(zone, 0, 388, ZONE_NORMAL, 0));
	KT_TRUE(zone_mark_ok(zone, 0, 487, ZONE_NORMAL, ALLOC_CMA));
	KT_TRUE(!zone_mark_ok(zone, 0, 488, ZONE_NORMAL, ALLOC_CMA));
}

/* With 1000 free pages: the highest mark that passes tells what was taken off. */
KTEST(rows_w, w3_reductions_in_order)
{
	struct zone *zone = zone_setup();

	if (!zone)
		return;
	st_relaxed(&zone->free, 1000);
	KT_TRUE(!zone_mark_ok(zone, 0, 1000, ZONE_NORMAL, 0));
	/* m - m/2 < 1000: 1999 leaves 1000, 1998 leaves 999 */
	KT_TRUE(zone_mark_ok(zone, 0, 1998, ZONE_NORMAL, ALLOC_HIGH));
	KT_TRUE(!zone_mark_ok(zone, 0, 1999, ZONE_NORMAL, ALLOC_HIGH));
	/* HARDER alone: 1332 - 333 = 999 */
	KT_TRUE(zone_mark_ok(zone, 0, 1332, ZONE_NORMAL, ALLOC_HARDER));
	KT_TRUE(!zone_mark_ok(zone, 0, 1333, ZONE_NORMAL, ALLOC_HARDER));
	/* HIGH, then OOM, which shuts HARDER out: 3996 -> 1998 -> 999 */
	KT_TRUE(zone_mark_ok(zone, 0, 3996, ZONE_NORMAL, ALLOC_HIGH | ALLOC_OOM | ALLOC_HARDER));
	KT_TRUE(!zone_mark_ok(zone, 0, 3999, ZONE_NORMAL, ALLOC_HIGH | ALLOC_OOM | ALLOC_HARDER));
}

/* Golden: MIN 1024 -> 512 -> 384, so 385 usable pages pass. */
KTEST(rows_w, w3_atomic_needs_three_eighths)
{
	struct zone *zone = zone_setup();

	if (!zone)
		return;
	kt_marks(zone, 1024, 2048, 3072);
	kt_usable(zone, ZONE_NORMAL, 385);
	KT_TRUE(gets_page(zone, GFP_ATOMIC, 0));
	kt_usable(zone, ZONE_NORMAL, 384);
	KT_TRUE(!gets_page(zone, GFP_ATOMIC, 0));
	/* HIGH without ATOMIC: a half; nothing: all of it */
	kt_usable(zone, ZONE_NORMAL, 513);
	KT_TRUE(gets_page(zone, GFP_NOWAIT | __GFP_HIGH, 0));
	kt_usable(zone, ZONE_NORMAL, 512);
	KT_TRUE(!gets_page(zone, GFP_NOWAIT | __GFP_HIGH, 0));
	kt_usable(zone, ZONE_NORMAL, 1025);
	KT_TRUE(gets_page(zone, GFP_NOWAIT, 0));
	kt_usable(zone, ZONE_NORMAL, 1024);
	KT_TRUE(!gets_page(zone, GFP_NOWAIT, 0));
	/* NOMEMALLOC leaves an atomic request its HIGH, not its HARDER (L1) */
	kt_usable(zone, ZONE_NORMAL, 512);
	KT_TRUE(!gets_page(zone, GFP_ATOMIC | __GFP_NOMEMALLOC, 0));
	kt_usable(zone, ZONE_NORMAL, 513);
	KT_TRUE(gets_page(zone, GFP_ATOMIC | __GFP_NOMEMALLOC, 0));
	kt_check_all(zone->mm);
}

KTEST(rows_w, w4_strictly_above_mark_and_reserve)
{
	struct zone *zone = zone_setup();

	if (!zone)
		return;
	st_relaxed(&zone->free, 1000);
	st_relaxed(&zone->lowmem_reserve[ZONE_NORMAL], 300);
	st_relaxed(&zone->lowmem_reserve[ZONE_MOVABLE], 400);
	KT_TRUE(zone_mark_ok(zone, 0, 699, ZONE_NORMAL, 0));
	KT_TRUE(!zone_mark_ok(zone, 0, 700, ZONE_NORMAL, 0));
	KT_TRUE(zone_mark_ok(zone, 0, 599, ZONE_MOVABLE, 0));
	KT_TRUE(!zone_mark_ok(zone, 0, 600, ZONE_MOVABLE, 0));
	KT_TRUE(zone_mark_ok(zone, 0, 999, ZONE_DMA, 0));
	KT_TRUE(!zone_mark_ok(zone, 0, 1000, ZONE_DMA, 0));
}

/* Order > 0 needs a block in a list that the request may take from. */
KTEST(rows_w, w5_needs_a_block)
{
	struct zone *zone = zone_setup();

	if (!zone)
		return;
	for (unsigned t = 0; t < MIGRATE_TYPES; t++)
		st_relaxed(&zone->filled[t], 0);
	KT_TRUE(zone_mark_ok(zone, 0, 0, ZONE_NORMAL, 0));
	KT_TRUE(!zone_mark_ok(zone, 2, 0, ZONE_NORMAL, 0));
	st_relaxed(&zone->filled[MIGRATE_RECLAIMABLE], 1u << 2);
	KT_TRUE(zone_mark_ok(zone, 2, 0, ZONE_NORMAL, 0));
	KT_TRUE(zone_mark_ok(zone, 1, 0, ZONE_NORMAL, 0));
	KT_TRUE(!zone_mark_ok(zone, 3, 0, ZONE_NORMAL, 0));
	st_relaxed(&zone->filled[MIGRATE_CMA], 1u << 10);
	KT_TRUE(!zone_mark_ok(zone, 3, 0, ZONE_NORMAL, 0));
	KT_TRUE(zone_mark_ok(zone, 3, 0, ZONE_NORMAL, ALLOC_CMA));
	st_relaxed(&zone->filled[MIGRATE_CMA], 0);
	st_relaxed(&zone->filled[MIGRATE_HIGHATOMIC], 1u << 4);
	KT_TRUE(!zone_mark_ok(zone, 4, 0, ZONE_NORMAL, ALLOC_CMA));
	KT_TRUE(zone_mark_ok(zone, 4, 0, ZONE_NORMAL, ALLOC_HARDER));
	KT_TRUE(zone_mark_ok(zone, 4, 0, ZONE_NORMAL, ALLOC_OOM));
	KT_TRUE(!zone_mark_ok(zone, 5, 0, ZONE_NORMAL, ALLOC_HARDER));
	st_relaxed(&zone->filled[MIGRATE_HIGHATOMIC], 0);
	st_relaxed(&zone->filled[MIGRATE_RECLAIMABLE], 0);
	st_relaxed(&zone->filled[MIGRATE_ISOLATE], 0x7ff);
	KT_TRUE(!zone_mark_ok(zone, 2, 0, ZONE_NORMAL, ALLOC_HARDER | ALLOC_CMA | ALLOC_OOM));
}

/* Trust item 26: the quick test must not pass what the full one refuses. */
KTEST(rows_w, w6_quick_test_agrees_with_the_full_one)
{
	struct zone *zone = zone_setup();
	uint64_t state = kt_seed() | 1;

	if (!zone)
		return;
	for (unsigned i = 0; i < 20000; i++) {
		int64_t low = (int64_t)(kt_random(&state) % 700);
		bool cma = i & 1, full;

		st_relaxed(&zone->free, (int64_t)(kt_random(&state) % 1000));
		st_relaxed(&zone->highatomic, (int64_t)(kt_random(&state) % 600));
		st_relaxed(&zone->free_cma, (int64_t)(kt_random(&state) % 200));
		st_relaxed(&zone->boost, i % 3 ? 0 : 512);
		st_relaxed(&zone->lowmem_reserve[ZONE_NORMAL], (int64_t)(kt_random(&state) % 99));
		kt_marks(zone, low / 2, low, low * 2);
		full = zone_mark_ok(zone, 0, zone_mark(zone, WMARK_LOW), ZONE_NORMAL,
				    cma ? ALLOC_CMA : 0);
		if (!KT_EQ(zone_quick_ok(zone, ZONE_NORMAL, cma), full))
			return;
	}
}

KTEST(rows_w, w7_atomic_single_page_ignores_the_boost_at_min)
{
	struct zone *zone = zone_setup();

	if (!zone)
		return;
	KT_TRUE(zonal_alloc(zone->mm, GFP_NOWAIT, 0)); /* in use, so that the boost stays */
	kt_marks(zone, 1024, 2048, 3072);
	st_relaxed(&zone->boost, 900);
	kt_usable(zone, ZONE_NORMAL, 385);
	KT_TRUE(gets_page(zone, GFP_ATOMIC, 0));
	/* neither HIGH alone nor a higher order has that exception */
	kt_usable(zone, ZONE_NORMAL, (1024 + 900) / 2);
	KT_TRUE(!gets_page(zone, GFP_NOWAIT | __GFP_HIGH, 0));
	kt_usable(zone, ZONE_NORMAL, 386);
	KT_TRUE(!gets_page(zone, GFP_ATOMIC, 1));
	/* nor the test at LOW, which the boost is for */
	kt_usable(zone, ZONE_NORMAL, 2049);
	KT_TRUE(!zone_quick_ok(zone, ZONE_NORMAL, false));
}

KTEST(rows_w, w9_negative_counts_do_not_wrap)
{
	struct zone *zone = zone_setup();

	if (!zone)
		return;
	st_relaxed(&zone->free, 100);
	st_relaxed(&zone->highatomic, 512);
	st_relaxed(&zone->free_cma, 300);
	KT_TRUE(!zone_mark_ok(zone, 0, 0, ZONE_NORMAL, 0));
	KT_TRUE(!zone_mark_ok(zone, 10, 0, ZONE_NORMAL, 0));
	kt_marks(zone, 0, 0, 0);
	KT_TRUE(!zone_quick_ok(zone, ZONE_NORMAL, false));
	st_relaxed(&zone->free, -5);
	KT_TRUE(!zone_mark_ok(zone, 0, 0, ZONE_NORMAL, ALLOC_HARDER | ALLOC_CMA));
	KT_TRUE(!zone_quick_ok(zone, ZONE_NORMAL, true));
}

/* With a mark so high, an error of 1 in 10,000 shows. */
KTEST(rows_s, s8_boost_ends_at_exactly_150_percent_of_high)
{
	struct zonal *mm = kt_instance(&uma);
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	kt_marks(zone, 0, 0, 100001);
	for (unsigned i = 0; i < 300; i++)
		KT_TRUE(kt_boost(zone));
	KT_EQ(ld_relaxed(&zone->boost), 150001);
}

/* S10: a floor set at run time is as large as all that is managed at most, and stays when all marks
 * are set up anew, as after memory that was handed over late. */
KTEST(rows_s, s10_floor_set_later_is_bounded_and_kept)
{
	struct zonal *mm = kt_instance(&uma);
	uint64_t all, before;

	if (!mm)
		return;
	all = (uint64_t)zone_managed(kt_zone(mm, 0, ZONE_DMA)) * (PAGE_SIZE / 1024);
	before = mm->min_free_kbytes;
	KT_EQ(zonal_set_min_free_kbytes(mm, all + 1), ZONAL_EINVAL);
	KT_EQ(mm->min_free_kbytes, before);
	KT_EQ(zonal_set_min_free_kbytes(mm, all), 0);
	KT_EQ(zonal_set_min_free_kbytes(mm, before + 400), 0);
	zonal_setup_marks(mm);
	KT_EQ(mm->min_free_kbytes, before + 400);
	KT_EQ(ld_relaxed(&kt_zone(mm, 0, ZONE_DMA)->mark[WMARK_MIN]),
	      (before + 400) / (PAGE_SIZE / 1024));
}
