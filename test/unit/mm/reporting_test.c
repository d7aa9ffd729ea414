/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free page reporting (A14): each large free block is shown once, not again until it was taken and
 * freed; what the reporter refuses goes back unreported; nothing else of the memory changes.
 *
 * The reporter of the tests keeps a count for each pageblock, and may look at the instance while it
 * holds blocks.
 */
#include "kt_instance.h"

#include <string.h>

#include <zonal/reporting.h>

/* So many that the instance's structures still fit into a block of the largest order on a board. */
enum { BLOCK = 1 << PAGEBLOCK_ORDER, BLOCKS = 240, PAGES = BLOCKS * BLOCK };

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, PAGES } } };
static const struct kt_spec pair = {
	.ram = { { 0, KT_DMA_PFN, PAGES / 2 }, { 1, KT_DMA_PFN + PAGES / 2, PAGES / 2 } },
};

static uint8_t shown[BLOCKS]; /* how often, by pageblock */
static unsigned calls, most;
static unsigned fails_from; /* the call from which on it fails; 0: never */
static struct zonal *instance;
static bool sound; /* all that was shown was in nobody's hands */
static void (*on_report)(void); /* called once, in the next call */

static int report(void *ctx, const struct zonal_free_block *block, unsigned count)
{
	calls++;
	most = count > most ? count : most;
	if (on_report)
		on_report();
	on_report = NULL;
	sound &= ctx == &calls && count && count <= ZONAL_REPORT_BLOCKS;
	for (unsigned i = 0; i < count; i++) {
		sound &= block[i].order >= PAGEBLOCK_ORDER &&
			 !(block[i].pfn & ((1u << block[i].order) - 1)) &&
			 !zonal_is_free(instance, block[i].pfn);
		if (fails_from && calls >= fails_from)
			continue;
		for (pfn_t pfn = block[i].pfn; pfn < block[i].pfn + (1u << block[i].order);
		     pfn += BLOCK)
			shown[(pfn - KT_DMA_PFN) / BLOCK]++;
	}
	sound &= kt_check_all(instance);
	return fails_from && calls >= fails_from ? -5 : 0;
}

static const struct zonal_reporter reporter = { .report = report, .ctx = &calls };

static struct zonal *board_of(const struct kt_spec *spec)
{
	memset(shown, 0, sizeof(shown));
	calls = most = fails_from = 0;
	sound = true;
	instance = kt_instance(spec);
	if (instance)
		KT_EQ(zonal_reporting_begin(instance, &reporter), 0);
	return instance;
}

static struct zonal *board(void) { return board_of(&uma); }

/* Runs, as if their time had come, until nothing is due. Returns how many it took. */
static unsigned run_all(struct zonal *mm)
{
	unsigned runs = 0;

	for (; runs < 100 && mm->reporting.due_ns; runs++) {
		mm->reporting.due_ns = 1;
		(void)zonal_reporting_turn(mm);
	}
	return runs;
}

static unsigned times(unsigned often)
{
	unsigned n = 0;

	for (unsigned i = 0; i < BLOCKS; i++)
		n += shown[i] == often;
	return n;
}

KTEST(rows_a, a14_each_block_is_reported_once)
{
	struct zonal *mm = board();
	int64_t before;

	if (!mm)
		return;
	before = kt_free(kt_zone(mm, 0, ZONE_DMA));
	run_all(mm);
	KT_EQ(times(1), BLOCKS);
	KT_EQ(zonal_reported_pages(mm), PAGES);
	KT_EQ(most, ZONAL_REPORT_BLOCKS);
	KT_TRUE(sound);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), before);
	KT_EQ(kt_blocks(kt_zone(mm, 0, ZONE_DMA), MIGRATE_MOVABLE, MAX_ORDER - 1),
	      PAGES >> (MAX_ORDER - 1));
	kt_check_all(mm);
	/* Nothing new: nothing is due, and a run would show nothing. */
	KT_EQ(mm->reporting.due_ns, 0);
	mm->reporting.due_ns = 1;
	run_all(mm);
	KT_EQ(times(1), BLOCKS);
}

KTEST(rows_a, a14_block_is_reported_again_when_it_was_taken_and_freed)
{
	struct zonal *mm = board();
	struct page *page;

	if (!mm)
		return;
	run_all(mm);
	page = zonal_alloc(mm, GFP_HIGHUSER_MOVABLE, MAX_ORDER - 1);
	if (!KT_OK(page, "no block"))
		return;
	KT_TRUE(zonal_reporting_turn(mm) > 0 && !mm->reporting.due_ns);
	zonal_free(mm, page, MAX_ORDER - 1);
	(void)zonal_reporting_turn(mm);
	KT_TRUE(mm->reporting.due_ns != 0);
	run_all(mm);
	KT_EQ(times(2), 1u << (MAX_ORDER - 1 - PAGEBLOCK_ORDER));
	KT_EQ(times(1) + times(2), BLOCKS);
	/* A page out of it is enough: what comes together again was not reported as that. */
	page = zonal_alloc(mm, GFP_HIGHUSER_MOVABLE, 1);
	zonal_free(mm, page, 1);
	(void)zonal_reporting_turn(mm);
	run_all(mm);
	KT_EQ(times(2) + times(3), 2u << (MAX_ORDER - 1 - PAGEBLOCK_ORDER));
	KT_TRUE(sound);
}

KTEST(rows_a, a14_refused_blocks_are_free_and_not_reported)
{
	struct zonal *mm = board();
	unsigned known;

	if (!mm)
		return;
	fails_from = 2;
	mm->reporting.due_ns = 1;
	(void)zonal_reporting_turn(mm);
	KT_EQ(calls, 2);
	known = times(1);
	KT_EQ(known, ZONAL_REPORT_BLOCKS << (MAX_ORDER - 1 - PAGEBLOCK_ORDER));
	KT_EQ(zonal_reported_pages(mm), known * BLOCK);
	kt_check_all(mm);
	fails_from = 0;
	mm->reporting.due_ns = 1;
	run_all(mm);
	KT_EQ(times(1), BLOCKS);
	KT_TRUE(sound);
}

/* Who has said no is not asked for the other lists of the zone, nor for the other zones. */
KTEST(rows_a, a14_who_refuses_is_asked_again_in_the_next_run_only)
{
	enum { HALF = BLOCKS / 2 };
	static struct page *held[HALF];
	struct zonal *mm = board_of(&pair);
	unsigned count = 0;

	if (!mm)
		return;
	kt_no_marks(mm);
	for (; count < HALF - 4; count++) {
		held[count] = zonal_alloc_node(mm, 0, GFP_ATOMIC | __GFP_THISNODE, PAGEBLOCK_ORDER);
		if (!KT_TRUE(held[count]))
			return;
	}
	/* Single pageblocks for more than a batch, two blocks of the largest order behind them. */
	for (unsigned i = 0; i < count; i += 2)
		zonal_free(mm, held[i], PAGEBLOCK_ORDER);
	KT_EQ(kt_blocks_of_order(kt_zone(mm, 0, ZONE_DMA), MAX_ORDER - 1), 2);
	fails_from = 1;
	mm->reporting.due_ns = 1;
	(void)zonal_reporting_turn(mm);
	KT_EQ(calls, 1);
	fails_from = 0;
	mm->reporting.due_ns = 1;
	run_all(mm);
	KT_EQ(times(1), BLOCKS - count / 2);
	for (unsigned i = 1; i < count; i += 2)
		zonal_free(mm, held[i], PAGEBLOCK_ORDER);
	KT_TRUE(sound);
}

KTEST(rows_a, a14_two_seconds_after_the_first_freed_block)
{
	struct zonal *mm = board();
	uint64_t wait = mm ? zonal_reporting_turn(mm) : 0;
	struct page *page;

	if (!mm)
		return;
	KT_OK(wait > 0 && wait <= 2000000000u, "%llu ns", (unsigned long long)wait);
	KT_EQ(calls, 0);
	run_all(mm);
	calls = 0;
	KT_TRUE(zonal_reporting_turn(mm) <= 500000000u);
	page = zonal_alloc(mm, GFP_KERNEL, PAGEBLOCK_ORDER);
	zonal_free(mm, page, PAGEBLOCK_ORDER);
	wait = zonal_reporting_turn(mm);
	KT_OK(wait > 1000000000u && wait <= 2000000000u, "%llu ns", (unsigned long long)wait);
	KT_EQ(calls, 0);
}

KTEST(rows_a, a14_a_zone_that_is_short_is_left_alone)
{
	struct zonal *mm = board();
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
	int64_t low;

	if (!mm)
		return;
	/* One page less than LOW and 32 pageblocks. */
	low = kt_free(zone) - (ZONAL_REPORT_BLOCKS << PAGEBLOCK_ORDER);
	kt_marks(zone, 0, low, low);
	run_all(mm);
	KT_EQ(calls, 0);
	kt_marks(zone, 0, low - 1, low);
	mm->reporting.due_ns = 1;
	run_all(mm);
	KT_TRUE(calls > 0 && sound);
}

KTEST(rows_a, a14_zones_behind_one_that_is_short_are_reported)
{
	struct zonal *mm = board_of(&pair);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;

	if (!mm)
		return;
	kt_marks(zone, 0, PAGES, PAGES);
	mm->reporting.due_ns = 1;
	run_all(mm);
	KT_EQ(times(1), BLOCKS / 2);
	for (unsigned i = 0; i < BLOCKS / 2; i++)
		KT_EQ(shown[i], 0);
	KT_TRUE(sound);
}

/* Nothing new in one is no reason to leave out the next. */
KTEST(rows_a, a14_zones_before_and_behind_one_without_news_are_reported)
{
	struct zonal *mm = board_of(&pair);
	struct page *page;

	if (!mm)
		return;
	run_all(mm);
	KT_EQ(times(1), BLOCKS);
	for (int nid = 1; nid >= 0; nid--) {
		page = zonal_alloc_node(mm, nid, GFP_HIGHUSER_MOVABLE | __GFP_THISNODE,
					MAX_ORDER - 1);
		if (!KT_OK(page, "no block"))
			return;
		zonal_free(mm, page, MAX_ORDER - 1);
		(void)zonal_reporting_turn(mm);
		KT_OK(mm->reporting.due_ns, "nothing is due for node %d", nid);
		run_all(mm);
		KT_EQ(times(2), (2u - (unsigned)nid) << (MAX_ORDER - 1 - PAGEBLOCK_ORDER));
	}
	KT_TRUE(sound);
}

/* It begins with a batch of pageblocks and a page above LOW; of the 17th block MIN is touched. */
KTEST(rows_a, a14_a_run_ends_where_the_zone_has_no_more_to_spare)
{
	const unsigned mark = PAGES - ZONAL_REPORT_BLOCKS * BLOCK - 1;
	struct zonal *mm = board();

	if (!mm)
		return;
	kt_marks(kt_zone(mm, 0, ZONE_DMA), mark, mark, mark);
	mm->reporting.due_ns = 1;
	(void)zonal_reporting_turn(mm);
	KT_EQ(calls, 1);
	KT_EQ(times(1), ZONAL_REPORT_BLOCKS);
	KT_TRUE(sound);
}

KTEST(rows_a, a14_large_free_memory_is_movable_afterwards)
{
	struct zonal *mm = board();
	struct page *page = mm ? zonal_alloc(mm, GFP_KERNEL, MAX_ORDER - 1) : NULL;

	if (!KT_OK(page, "no block"))
		return;
	zonal_free(mm, page, MAX_ORDER - 1);
	for (pfn_t pfn = page->pfn; pfn < page->pfn + (1u << (MAX_ORDER - 1)); pfn += BLOCK)
		KT_EQ(kt_block_type(mm, pfn), MIGRATE_UNMOVABLE);
	run_all(mm);
	for (pfn_t pfn = page->pfn; pfn < page->pfn + (1u << (MAX_ORDER - 1)); pfn += BLOCK)
		KT_EQ(kt_block_type(mm, pfn), MIGRATE_MOVABLE);
	kt_check_all(mm);
}

KTEST(rows_a, a14_budget_leaves_the_rest_of_a_long_list_to_the_next_run)
{
	static struct page *held[BLOCKS];
	struct zonal *mm = board();
	unsigned count = 0;

	if (!mm)
		return;
	kt_no_marks(mm);
	while (count < BLOCKS &&
	       (held[count] = zonal_alloc(mm, GFP_ATOMIC | __GFP_NOWARN, PAGEBLOCK_ORDER)))
		count++;
	KT_EQ(count, BLOCKS);
	/* Every second pageblock: a list of 120, of which a run takes one batch and one more. */
	for (unsigned i = 0; i < count; i += 2)
		zonal_free(mm, held[i], PAGEBLOCK_ORDER);
	for (unsigned run = 1; run <= 2; run++) {
		uint64_t wait;

		mm->reporting.due_ns = 1;
		wait = zonal_reporting_turn(mm);
		/* Two seconds again, as there is more; or a look now and then. */
		KT_OK(run == 1 ? wait > 1000000000 && wait <= 2000000000 : wait <= 500000000,
		      "%llu ns after run %u", (unsigned long long)wait, run);
		KT_EQ(calls, 2 * run);
		KT_EQ(times(1), run == 1 ? 2 * ZONAL_REPORT_BLOCKS : BLOCKS / 2);
		KT_OK(!mm->reporting.due_ns == (run == 2), "after run %u", run);
	}
	for (unsigned i = 1; i < count; i += 2)
		zonal_free(mm, held[i], PAGEBLOCK_ORDER);
	KT_TRUE(sound);
	zonal_reporting_end(mm);
	KT_EQ(zonal_reporting_turn(mm), UINT64_MAX);
}

KTEST(rows_a, a14_one_reporter_and_none_where_free_pages_hold_something)
{
	static struct zonal_options options;
	static const struct kt_spec poisoned = { .ram = { { 0, KT_DMA_PFN, 1024 } },
						 .options = &options };
	static const struct zonal_reporter without = { .report = NULL };
	struct zonal *mm = board();

	if (!mm)
		return;
	KT_EQ(zonal_reporting_begin(mm, &reporter), ZONAL_EBUSY);
	zonal_reporting_end(mm);
	KT_EQ(zonal_reporting_begin(mm, &without), ZONAL_EINVAL);
	KT_EQ(zonal_reporting_begin(mm, NULL), ZONAL_EINVAL);
	zonal_options_default(&options);
	options.init_on_free = true;
	mm = kt_instance(&poisoned);
	KT_EQ(mm ? zonal_reporting_begin(mm, &reporter) : ZONAL_EINVAL, ZONAL_EINVAL);
}

static struct page *kept[BLOCKS];

static void free_ten(void)
{
	for (unsigned i = 100; i < 120; i += 2)
		zonal_free(instance, kept[i], PAGEBLOCK_ORDER);
}

/* Else one who frees all the time would keep a run from ever coming to its end. */
KTEST(rows_a, a14_a_run_sees_as_many_blocks_as_there_were_when_it_began)
{
	struct zonal *mm = board();

	if (!mm)
		return;
	kt_no_marks(mm);
	for (unsigned i = 0; i < BLOCKS; i++)
		kept[i] = zonal_alloc(mm, GFP_ATOMIC | __GFP_NOWARN, PAGEBLOCK_ORDER);
	for (unsigned i = 0; i < 80; i += 2)
		zonal_free(mm, kept[i], PAGEBLOCK_ORDER);
	on_report = free_ten;
	for (unsigned run = 1; run <= 2; run++) {
		mm->reporting.due_ns = 1;
		(void)zonal_reporting_turn(mm);
		KT_TRUE(!on_report);
		KT_EQ(times(1), run == 1 ? 40 : 50);
	}
	for (unsigned i = 0; i < BLOCKS; i++)
		if (i & 1 || (i >= 80 && (i < 100 || i >= 120)))
			zonal_free(mm, kept[i], PAGEBLOCK_ORDER);
	KT_TRUE(sound);
	kt_check_all(mm);
}
