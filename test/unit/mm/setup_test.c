/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Marks, reserves and boost: rows S, with the golden figures for zones of up to
 * 16 GiB.
 *
 * Large zones are pretended: a small instance's count of managed pages is
 * overwritten and the set-up runs again. Such an instance is not checked afterwards,
 * since its lists hold less than it claims.
 */
#include "kt_instance.h"

#include "mm/watermark.h"

#define MIB_PAGES(n) ((uint64_t)(n) << (20 - PAGE_SHIFT))

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };
static const struct kt_spec two_nodes = {
	.ram = { { 0, KT_DMA_PFN, 2048 }, { 1, KT_DMA_PFN + 2048, 2048 } },
};
static const struct kt_spec three_zones = {
	.ram = { { 0, KT_RPI_DMA_PFN, 1024 },
		 { 0, KT_RPI_DMA32_PFN, 1024 },
		 { 0, KT_NORMAL_PFN, 2048 } },
	.dma_max = KT_RPI_DMA_MAX,
};

static void pretend(struct zonal *mm, unsigned nid, enum zone_type type, uint64_t managed)
{
	struct zone *zone = kt_zone(mm, nid, type);

	st_relaxed(&zone->managed, managed);
	kt_marks(zone, 0, 0, 0); /* the first set-up sees HIGH marks of 0 (1.23) */
}

static void expect_marks(struct zonal *mm, unsigned nid, int64_t min, int64_t low, int64_t high)
{
	struct zone *zone = kt_zone(mm, nid, ZONE_DMA);

	KT_EQ(ld_relaxed(&zone->mark[WMARK_MIN]), min);
	KT_EQ(ld_relaxed(&zone->mark[WMARK_LOW]), low);
	KT_EQ(ld_relaxed(&zone->mark[WMARK_HIGH]), high);
}

KTEST(rows_s, s1_min_free_kbytes)
{
	KT_EQ(mark_min_free_kbytes(0), 128);
	KT_EQ(mark_min_free_kbytes(16 * 16), 128);
	KT_EQ(mark_min_free_kbytes(64 * 1024), 1024);
	KT_EQ(mark_min_free_kbytes(1024 * 1024), 4096);
	KT_EQ(mark_min_free_kbytes(1024 * 1024 - 1), 4095);
	KT_EQ(mark_min_free_kbytes((uint64_t)16 << 20), 16384);
	KT_EQ(mark_min_free_kbytes((uint64_t)16 << 30), 262144);
	/* trust item 17: no overflow at 2^52 pages' worth */
	KT_EQ(mark_min_free_kbytes((uint64_t)1 << 54), 262144);
}

/* Golden: one zone of 64 MiB .. 16 GiB. */
KTEST(rows_s, s1_s3_s4_golden_marks)
{
	static const struct {
		unsigned mib, min, low, high, kbytes;
	} golden[] = {
		{ 64, 256, 320, 384, 1024 },	  { 128, 362, 452, 542, 1448 },
		{ 256, 512, 640, 768, 2048 },	  { 512, 724, 905, 1086, 2896 },
		{ 1024, 1024, 1286, 1548, 4096 }, { 2048, 1448, 1972, 2496, 5792 },
		{ 4096, 2048, 3096, 4144, 8192 }, { 8192, 2896, 4993, 7090, 11585 },
		{ 16384, 4096, 8290, 12484, 16384 },
	};
	struct zonal *mm = kt_instance(&uma);

	for (unsigned i = 0; mm && i < ARRAY_SIZE(golden); i++) {
		pretend(mm, 0, ZONE_DMA, MIB_PAGES(golden[i].mib));
		zonal_setup_marks(mm);
		KT_EQ(mm->min_free_kbytes, golden[i].kbytes);
		expect_marks(mm, 0, golden[i].min, golden[i].low, golden[i].high);
	}
}

KTEST(rows_s, s1_s3_two_nodes_share)
{
	struct zonal *mm = kt_instance(&two_nodes);

	if (!mm)
		return;
	pretend(mm, 0, ZONE_DMA, MIB_PAGES(1024));
	pretend(mm, 1, ZONE_DMA, MIB_PAGES(1024));
	zonal_setup_marks(mm);
	KT_EQ(mm->min_free_kbytes, 5792);
	expect_marks(mm, 0, 724, 986, 1248);
	expect_marks(mm, 1, 724, 986, 1248);
	/* A second set-up has HIGH marks to subtract. */
	zonal_setup_marks(mm);
	KT_EQ(mm->min_free_kbytes, mark_min_free_kbytes((MIB_PAGES(2048) - 2 * 1248) * 4));
	KT_TRUE(mm->min_free_kbytes < 5792);
}

KTEST(rows_s, s3_share_rounds_down)
{
	struct zonal *mm = kt_instance(&two_nodes);

	if (!mm)
		return;
	pretend(mm, 0, ZONE_DMA, 1000);
	pretend(mm, 1, ZONE_DMA, 2000);
	KT_EQ(zonal_set_min_free_kbytes(mm, 400), 0);
	KT_EQ(ld_relaxed(&kt_zone(mm, 0, ZONE_DMA)->mark[WMARK_MIN]), 33);
	KT_EQ(ld_relaxed(&kt_zone(mm, 1, ZONE_DMA)->mark[WMARK_MIN]), 66);
}

KTEST(rows_s, s4_gap_and_boost_reset)
{
	struct zonal *mm = kt_instance(&uma);
	struct zone *zone;

	KT_EQ(mark_gap(1024, 262144, 10), 262);
	KT_EQ(mark_gap(1049, 262144, 10), 262);
	KT_EQ(mark_gap(1052, 262144, 10), 263);
	KT_EQ(mark_gap(0, 10000, 3000), 3000);
	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	st_relaxed(&zone->boost, 700);
	KT_EQ(zonal_set_min_free_kbytes(mm, 1024), 0);
	KT_EQ(ld_relaxed(&zone->boost), 0);
	expect_marks(mm, 0, 256, 320, 384);
	kt_check_all(mm);
}

KTEST(rows_s, s5_scale_factor_limits)
{
	struct zonal *mm = kt_instance(&uma);
	struct zonal_options options;

	zonal_options_default(&options);
	KT_EQ(options.watermark_scale_factor, 10);
	KT_EQ(options.watermark_boost_factor, 15000);
	if (!mm)
		return;
	KT_EQ(zonal_set_watermark_scale(mm, 0), ZONAL_EINVAL);
	KT_EQ(zonal_set_watermark_scale(mm, 3001), ZONAL_EINVAL);
	KT_EQ(mm->options.watermark_scale_factor, 10);
	KT_EQ(zonal_set_watermark_scale(mm, 3000), 0);
	expect_marks(mm, 0, 128, 128 + 1228, 128 + 2 * 1228);
	KT_EQ(zonal_set_watermark_scale(mm, 1), 0);
	expect_marks(mm, 0, 128, 160, 192);
	kt_check_all(mm);
}

/* A board below 128 KiB has its min_free above all it holds; tunables work all the same. */
KTEST(rows_s, s5_scale_factor_on_a_tiny_board)
{
	static const struct kt_spec tiny = { .ram = { { 0, KT_DMA_PFN, 20 } } };
	struct zonal *mm = kt_instance(&tiny);

	if (!mm)
		return;
	KT_EQ(mm->min_free_kbytes, 128);
	KT_EQ(zonal_set_watermark_scale(mm, 100), 0);
	kt_check_all(mm);
}

KTEST(rows_s, s6_lowmem_reserve)
{
	struct zonal *mm = kt_instance(&three_zones);
	struct zone *dma, *dma32, *normal;

	if (!mm)
		return;
	dma = kt_zone(mm, 0, ZONE_DMA);
	dma32 = kt_zone(mm, 0, ZONE_DMA32);
	normal = kt_zone(mm, 0, ZONE_NORMAL);
	pretend(mm, 0, ZONE_DMA, 25600);
	pretend(mm, 0, ZONE_DMA32, 51200);
	pretend(mm, 0, ZONE_NORMAL, 102400);
	zonal_setup_marks(mm);
	KT_EQ(ld_relaxed(&dma->lowmem_reserve[ZONE_DMA]), 0);
	KT_EQ(ld_relaxed(&dma->lowmem_reserve[ZONE_DMA32]), 200);
	KT_EQ(ld_relaxed(&dma->lowmem_reserve[ZONE_NORMAL]), 600);
	KT_EQ(ld_relaxed(&dma->lowmem_reserve[ZONE_MOVABLE]), 600);
	KT_EQ(ld_relaxed(&dma32->lowmem_reserve[ZONE_DMA32]), 0);
	KT_EQ(ld_relaxed(&dma32->lowmem_reserve[ZONE_NORMAL]), 400);
	KT_EQ(ld_relaxed(&dma32->lowmem_reserve[ZONE_MOVABLE]), 400);
	KT_EQ(ld_relaxed(&normal->lowmem_reserve[ZONE_MOVABLE]), 0);
	/* ratio below 1 keeps nothing; other ratios are applied at once (S10) */
	KT_EQ(zonal_set_reserve_ratio(mm, ZONE_DMA, 0), 0);
	KT_EQ(ld_relaxed(&dma->lowmem_reserve[ZONE_NORMAL]), 0);
	KT_EQ(zonal_set_reserve_ratio(mm, ZONE_DMA32, 1), 0);
	KT_EQ(ld_relaxed(&dma32->lowmem_reserve[ZONE_NORMAL]), 102400);
	KT_EQ(zonal_set_reserve_ratio(mm, ZONE_TYPES, 1), ZONAL_EINVAL);
	/* an empty zone keeps nothing */
	pretend(mm, 0, ZONE_DMA32, 0);
	zonal_setup_marks(mm);
	KT_EQ(ld_relaxed(&dma32->lowmem_reserve[ZONE_NORMAL]), 0);
}

/* Each class of request is stopped by its own reserve. */
KTEST(rows_s, s6_reserve_keeps_low_zones_for_low_requests)
{
	struct zonal *mm = kt_instance(&three_zones);
	struct page *chain = NULL;
	struct zone *dma;

	if (!mm)
		return;
	dma = kt_zone(mm, 0, ZONE_DMA);
	KT_EQ(zonal_set_reserve_ratio(mm, ZONE_DMA, 10), 0);
	KT_EQ(zonal_set_reserve_ratio(mm, ZONE_DMA32, 10), 0);
	kt_take_all(mm, 0, GFP_NOWAIT | __GFP_NOWARN, 0, &chain);
	/* 3072 / 10 against NORMAL requests: MIN + 307 is left */
	KT_EQ(kt_free(dma), ld_relaxed(&dma->mark[WMARK_MIN]) + 307);
	kt_take_all(mm, 0, GFP_NOWAIT | GFP_DMA32 | __GFP_NOWARN, 0, &chain);
	KT_EQ(kt_free(dma), ld_relaxed(&dma->mark[WMARK_MIN]) + 102);
	kt_take_all(mm, 0, GFP_NOWAIT | GFP_DMA | __GFP_NOWARN, 0, &chain);
	KT_EQ(kt_free(dma), ld_relaxed(&dma->mark[WMARK_MIN]));
	kt_give_all(mm, chain, 0);
	kt_check_all(mm);
}

KTEST(rows_s, s7_total_reserve)
{
	struct zonal *mm = kt_instance(&three_zones);
	uint64_t sum = 0;

	if (!mm)
		return;
	for (unsigned t = ZONE_DMA; t <= ZONE_NORMAL; t++) {
		struct zone *zone = kt_zone(mm, 0, (enum zone_type)t);

		sum += (uint64_t)ZN_MIN(ld_relaxed(&zone->lowmem_reserve[ZONE_MOVABLE]) +
						ld_relaxed(&zone->mark[WMARK_HIGH]),
					zone_managed(zone));
	}
	KT_EQ(mm->total_reserve, sum);
}

/* S7 in numbers: the reserve against the highest zone, plus HIGH, at most all that it manages. */
KTEST(rows_s, s7_total_reserve_in_numbers)
{
	struct zonal *mm = kt_instance(&three_zones);
	int64_t high[3];

	if (!mm)
		return;
	pretend(mm, 0, ZONE_DMA, 25600);
	pretend(mm, 0, ZONE_DMA32, 51200);
	pretend(mm, 0, ZONE_NORMAL, 102400);
	zonal_setup_marks(mm);
	for (unsigned t = ZONE_DMA; t <= ZONE_NORMAL; t++)
		high[t] = ld_relaxed(&kt_zone(mm, 0, (enum zone_type)t)->mark[WMARK_HIGH]);
	KT_EQ(mm->total_reserve, 600 + 400 + (uint64_t)(high[0] + high[1] + high[2]));
	/* 153600 is more than DMA has */
	KT_EQ(zonal_set_reserve_ratio(mm, ZONE_DMA, 1), 0);
	KT_EQ(mm->total_reserve, 25600 + 400 + (uint64_t)(high[1] + high[2]));
	KT_EQ(zonal_set_reserve_ratio(mm, ZONE_DMA32, 4), 0);
	KT_EQ(mm->total_reserve, 25600 + 25600 + (uint64_t)(high[1] + high[2]));
	/* The one node has all of it, however often it was counted. */
	KT_EQ(mm->node[0]->total_reserve, mm->total_reserve);
}

/* S7, S10: it goes with the marks when these are set anew. */
KTEST(rows_s, s7_total_reserve_follows_the_marks)
{
	struct zonal *mm = kt_instance(&three_zones);
	uint64_t before, kbytes;

	if (!mm)
		return;
	pretend(mm, 0, ZONE_DMA, 25600);
	pretend(mm, 0, ZONE_DMA32, 51200);
	pretend(mm, 0, ZONE_NORMAL, 102400);
	zonal_setup_marks(mm);
	kbytes = mm->min_free_kbytes;
	before = mm->total_reserve;
	/* From a thousandth to a hundredth of each zone, twice. */
	KT_EQ(zonal_set_watermark_scale(mm, 100), 0);
	KT_TRUE(mm->total_reserve > before + 2 * 1792 * 8 / 10);
	before = mm->total_reserve;
	KT_EQ(zonal_set_min_free_kbytes(mm, kbytes + 40000), 0);
	KT_TRUE(mm->total_reserve > before + 9990);
}

/* S1: what counts is what lies above HIGH in the zones for user requests, of all nodes, once. */
KTEST(rows_s, s1_what_counts_as_low_memory)
{
	struct zonal *mm = kt_instance(&three_zones);
	struct zone *normal;
	uint64_t pages;

	if (!mm)
		return;
	normal = kt_zone(mm, 0, ZONE_NORMAL);
	pretend(mm, 0, ZONE_DMA, 100000);
	pretend(mm, 0, ZONE_DMA32, 200000);
	pretend(mm, 0, ZONE_NORMAL, 400000);
	zonal_setup_marks(mm);
	KT_EQ(mm->min_free_kbytes, 6693); /* isqrt(700000 * 4 * 16) */
	/* a second time HIGH is taken off; a zone that holds no more than that counts nothing */
	pages = 100000 - (uint64_t)ld_relaxed(&kt_zone(mm, 0, ZONE_DMA)->mark[WMARK_HIGH]) +
		200000 - (uint64_t)ld_relaxed(&kt_zone(mm, 0, ZONE_DMA32)->mark[WMARK_HIGH]);
	st_relaxed(&normal->mark[WMARK_HIGH], 400000);
	zonal_setup_marks(mm);
	KT_EQ(mm->min_free_kbytes, mark_min_free_kbytes(pages * 4));
	st_relaxed(&normal->mark[WMARK_HIGH], 500000);
	st_relaxed(&kt_zone(mm, 0, ZONE_DMA)->mark[WMARK_HIGH], 0);
	st_relaxed(&kt_zone(mm, 0, ZONE_DMA32)->mark[WMARK_HIGH], 0);
	zonal_setup_marks(mm);
	KT_EQ(mm->min_free_kbytes, 4381); /* isqrt(300000 * 4 * 16) */
}

/* S1: exact at and beside each square, and at both ends. */
KTEST(rows_s, s1_root_is_exact)
{
	for (uint64_t root = 128; root <= 262144; root += root / 7 + 4) {
		uint64_t kbytes = (root * root + 15) / 16; /* the least that gives root */

		KT_EQ(mark_min_free_kbytes(kbytes), root);
		if (root > 128 && kbytes * 16 > root * root - root)
			KT_EQ(mark_min_free_kbytes(kbytes - 1), root - 1);
	}
	KT_EQ(mark_min_free_kbytes(1023), 128);
	KT_EQ(mark_min_free_kbytes(1040), 128); /* 129 * 129 = 16641 */
	KT_EQ(mark_min_free_kbytes(1041), 129);
	KT_EQ(mark_min_free_kbytes(UINT64_MAX / 16), 262144);
}

/* Golden: HIGH 1548 gives a cap of 2322; four steals 2048, the fifth 2322. */
KTEST(rows_s, s8_boost_sequence)
{
	static const int64_t expected[] = { 512, 1024, 1536, 2048, 2322, 2322 };
	struct zonal *mm = kt_instance(&uma);
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	kt_marks(zone, 1024, 1286, 1548);
	for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
		KT_TRUE(kt_boost(zone));
		KT_EQ(ld_relaxed(&zone->boost), expected[i]);
	}
}

KTEST(rows_s, s8_zones_without_boost)
{
	struct zonal *mm = kt_instance(&uma);
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	kt_marks(zone, 10, 20, 30);
	/* at least one pageblock, even if 150 % of HIGH are less */
	KT_TRUE(kt_boost(zone));
	KT_EQ(ld_relaxed(&zone->boost), 512);
	KT_TRUE(kt_boost(zone));
	KT_EQ(ld_relaxed(&zone->boost), 512);
	st_relaxed(&zone->boost, 0);
	KT_EQ(zonal_set_watermark_boost(mm, 0), 0);
	KT_TRUE(!kt_boost(zone));
	KT_EQ(zonal_set_watermark_boost(mm, 15000), 0);
	kt_marks(zone, 0, 0, 0);
	KT_TRUE(!kt_boost(zone));
	kt_marks(zone, 10, 20, 30);
	st_relaxed(&zone->managed, 4 * 512 - 1);
	KT_TRUE(!kt_boost(zone));
	st_relaxed(&zone->managed, 4 * 512);
	KT_TRUE(kt_boost(zone));
	KT_EQ(ld_relaxed(&zone->boost), 512);
}

/* A theft below a pageblock boosts; only a request with KSWAPD_RECLAIM leaves the flag. */
KTEST(rows_s, s9_boosted_flag_needs_kswapd)
{
	static const struct kt_spec odd = { .ram = { { 0, KT_DMA_PFN + 1, 4095 } } };

	for (unsigned i = 0; i < 2; i++) {
		struct zonal *mm = kt_instance(&odd);
		struct page *chain = NULL, *page;
		struct zone *zone;

		if (!mm)
			return;
		zone = kt_zone(mm, 0, ZONE_DMA);
		kt_no_marks(mm);
		/* whole blocks out of the way: only pieces below a pageblock are left */
		kt_take_all(mm, 0, __GFP_MOVABLE | __GFP_NOWARN, 9, &chain);
		kt_marks(zone, 0, 0, 100);
		page = zonal_alloc(mm, i ? GFP_NOWAIT : 0, 2);
		if (!KT_TRUE(page))
			return;
		KT_EQ(ld_relaxed(&zone->boost), 512);
		/* the take that stole has already handed the wish on (F13) */
		KT_EQ(ld_relaxed(&mm->cpu[kt_cpu_id(0)]->kswapd_wakes), i);
		zonal_free(mm, page, 2);
		kt_give_all(mm, chain, 9);
	}
}

/* n * m / d as 5.10 means it, in 128 bits: bit by bit, as the image has no library for it. */
static int64_t exact(uint64_t n, uint64_t m, uint64_t d)
{
	unsigned __int128 product = (unsigned __int128)n * m, rest = 0;
	uint64_t quotient = 0;

	for (unsigned bit = 128; bit-- > 0;) {
		rest = rest << 1 | (product >> bit & 1);
		quotient <<= 1;
		if (rest < d)
			continue;
		rest -= d;
		quotient |= 1;
	}
	return (int64_t)quotient;
}

/* What the marks of a zone must be, worked out anew. */
static bool marks_are(struct zone *zone, uint64_t pages_min, uint64_t all, unsigned scale)
{
	uint64_t managed = (uint64_t)zone_managed(zone);
	int64_t min = exact(pages_min, managed, all);
	int64_t gap = ZN_MAX(min / 4, exact(managed, scale, 10000));

	return KT_EQ(ld_relaxed(&zone->mark[WMARK_MIN]), min) &&
	       KT_EQ(ld_relaxed(&zone->mark[WMARK_LOW]), min + gap) &&
	       KT_EQ(ld_relaxed(&zone->mark[WMARK_HIGH]), min + 2 * gap);
}

/* Trust items 17, 30: zones up to 2^40 pages, any tunable: each mark is exact. */
KTEST(trust, t30_marks_of_huge_zones)
{
	struct zonal *mm = kt_instance(&two_nodes);
	uint64_t state = kt_seed() | 1;

	for (unsigned i = 0; mm && i < 300; i++) {
		unsigned bits = (unsigned)(kt_random(&state) % 41);
		unsigned scale = 1 + (unsigned)(kt_random(&state) % 3000);
		uint64_t a = ((uint64_t)1 << bits) + kt_random(&state) % 3;
		uint64_t b = ((uint64_t)1 << 31) + i % 3;

		pretend(mm, 0, ZONE_DMA, a);
		pretend(mm, 1, ZONE_DMA, b);
		zonal_setup_marks(mm);
		KT_EQ(zonal_set_watermark_scale(mm, scale), 0);
		for (unsigned n = 0; n < 2; n++)
			if (!marks_are(kt_zone(mm, n, ZONE_DMA), mm->min_free_kbytes / 4, a + b,
				       scale))
				return;
	}
}

/* The gap of one zone at the edges of 32 bits: managed * scale needs more from 5.4 GiB on. */
KTEST(trust, t30_gap_needs_more_than_32_bits)
{
	for (unsigned bits = 18; bits <= 40; bits++) {
		for (int64_t off = -1; off <= 1; off++) {
			uint64_t managed = ((uint64_t)1 << bits) + (uint64_t)off;

			KT_EQ(mark_gap(0, managed, 10), exact(managed, 10, 10000));
			KT_EQ(mark_gap(0, managed, 3000), exact(managed, 3000, 10000));
			KT_EQ(mark_gap(4096, managed, 1),
			      ZN_MAX(1024, exact(managed, 1, 10000)));
		}
	}
}

/* S1 from 4 TiB on: the kilobytes of memory no longer fit 32 bits, and MIN must not shrink. */
KTEST(trust, t17_min_free_kbytes_from_4_tib_on)
{
	struct zonal *mm = kt_instance(&uma);

	if (!mm)
		return;
	pretend(mm, 0, ZONE_DMA, MIB_PAGES(1 << 20));
	zonal_setup_marks(mm);
	KT_EQ(mm->min_free_kbytes, 131072);
	for (unsigned tib = 4; tib <= 1024; tib++) {
		pretend(mm, 0, ZONE_DMA, MIB_PAGES((uint64_t)tib << 20) + tib % 3);
		zonal_setup_marks(mm);
		if (!KT_OK(mm->min_free_kbytes == 262144, "%u TiB: min_free_kbytes is %llu", tib,
			   (unsigned long long)mm->min_free_kbytes))
			return;
	}
}

KTEST(rows_y, y8_stat_threshold_golden)
{
	static const unsigned cpus[] = { 1, 2, 4, 8, 16, 64 };
	static const unsigned golden[][5] = {
		{ 10, 12, 14, 16, 18 }, { 20, 24, 28, 32, 36 }, { 30, 36, 42, 48, 54 },
		{ 40, 48, 56, 64, 72 }, { 50, 60, 70, 80, 90 }, { 70, 84, 98, 112, 125 },
	};

	for (unsigned c = 0; c < ARRAY_SIZE(cpus); c++)
		for (unsigned g = 0; g < 5; g++)
			KT_EQ(stat_threshold_of(MIB_PAGES(1024 << g), cpus[c]), golden[c][g]);
}
