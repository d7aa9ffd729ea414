/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a burst sets aside comes back: the boost of the marks, and the highatomic reserve.
 *
 * Both are there to spare memory for later, and reclaim would take them back. Before there
 * is reclaim, a request that may wait takes them back when it would fail otherwise
 * (5.10 gives the reserve back there, too, before it kills), and the boost goes when nothing
 * is in use any more. Whoever may not wait changes nothing, as in 5.10.
 *
 * And the count of the reserve, which 5.10 lets stand when a reserved block goes with
 * a stolen one of order 10: ours does too, and can say so.
 */
#include <string.h>

#include "kt_instance.h"

#include "mm/buddy.h"
#include "mm/mobility.h"
#include "mm/watermark.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 8192 } } };

#define ATOMIC (GFP_ATOMIC | __GFP_NOWARN)
#define NOWAIT (GFP_NOWAIT | __GFP_NOWARN)
#define WAIT (GFP_KERNEL | __GFP_NOWARN)

static int64_t reserved(struct zone *zone) { return ld_relaxed(&zone->highatomic); }
static int64_t boost(struct zone *zone) { return ld_relaxed(&zone->boost); }

/* One pageblock is reserved, its pages are free and merged with those of the next one, and
 * everything else is taken. */
static struct zone *only_the_reserve_is_left(struct page **chain)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct zone *zone;
	struct page *page;

	if (!mm)
		return NULL;
	zone = kt_zone(mm, 0, ZONE_DMA);
	kt_marks(zone, 0, 1 << 20, 1 << 20);
	page = zonal_alloc(mm, ATOMIC, 1);
	if (!KT_TRUE(page))
		return NULL;
	KT_EQ(reserved(zone), 512);
	zonal_free(mm, page, 1);
	*chain = NULL;
	kt_take_all(mm, 0, NOWAIT, 0, chain);
	KT_EQ(kt_free(zone), 1024);
	return zone;
}

KTEST(giveback, request_that_may_wait_gets_the_reserve_before_it_fails)
{
	struct page *chain, *page;
	struct zone *zone = only_the_reserve_is_left(&chain);
	struct zonal *mm = zone ? zone->mm : NULL;

	if (!zone)
		return;
	page = zonal_alloc(mm, WAIT, 0);
	if (!KT_TRUE(page))
		return;
	KT_EQ(reserved(zone), 0);
	KT_EQ(page_block_type(page), MIGRATE_UNMOVABLE);
	*(struct page **)zonal_page_owner(page) = chain;
	chain = page;
	/* All of it is there now, for anyone. */
	KT_EQ(kt_take_all(mm, 0, NOWAIT, 0, &chain), 1023);
	kt_give_all(mm, chain, 0);
	zonal_drain_all(mm, NULL);
	KT_EQ(kt_free(zone), 8192);
	kt_check_all(mm);
}

KTEST(giveback, who_may_not_wait_leaves_the_reserve)
{
	static const struct {
		gfp_t gfp;
		unsigned order;
	} others[] = { { NOWAIT, 0 },
		       { ATOMIC, 0 },
		       { WAIT | __GFP_NORETRY, 0 },
		       { WAIT, 4 } }; /* costly: 5.10 gives up at once */
	struct page *chain;
	struct zone *zone = only_the_reserve_is_left(&chain);

	for (unsigned i = 0; zone && i < ARRAY_SIZE(others); i++) {
		KT_TRUE(!zonal_alloc(zone->mm, others[i].gfp, others[i].order));
		KT_EQ(reserved(zone), 512);
	}
	if (zone)
		KT_TRUE(zonal_alloc(zone->mm, WAIT | __GFP_RETRY_MAYFAIL, 4));
}

KTEST(giveback, request_that_may_wait_takes_the_boost_back_before_it_fails)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *chain = NULL;
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	st_relaxed(&zone->boost, 1024);
	kt_floor(zone);
	kt_take_all(mm, 0, NOWAIT, 0, &chain);
	KT_EQ(boost(zone), 1024);
	KT_TRUE(kt_free(zone) > 900);
	KT_TRUE(!zonal_alloc(mm, NOWAIT, 0));
	kt_take_all(mm, 0, WAIT, 0, &chain);
	KT_EQ(boost(zone), 0);
	KT_EQ(kt_free(zone), 0);
	kt_give_all(mm, chain, 0);
	kt_check_all(mm);
}

/* Thefts below a pageblock; everything given back; the marks are what they were. */
KTEST(giveback, boost_goes_when_all_of_the_zone_is_free)
{
	for (unsigned order = 0; order < 4; order++) {
		struct zonal *mm = kt_bare_instance(&uma);
		struct page *chain = NULL, *page;
		struct zone *zone;

		if (!mm)
			return;
		zone = kt_zone(mm, 0, ZONE_DMA);
		kt_marks(zone, 0, 0, 100);
		kt_take_all(mm, 0, __GFP_MOVABLE | __GFP_NOWARN, order, &chain);
		page = chain;
		chain = *(struct page **)zonal_page_owner(page);
		zonal_free(mm, page, order);
		zonal_drain_all(mm, NULL);
		page = zonal_alloc(mm, NOWAIT, order);
		KT_EQ(boost(zone), 512);
		kt_give_all(mm, chain, order);
		zonal_drain_all(mm, NULL);
		KT_EQ(boost(zone), 512); /* one block is in use still */
		zonal_free(mm, page, order);
		zonal_drain_all(mm, NULL);
		KT_EQ(kt_free(zone), 8192);
		KT_EQ(boost(zone), 0);
		kt_check_all(mm);
		kt_free_all();
	}
}

/* ---- the count of the reserve ------------------------------------------------------------ */

/* A reserved pageblock is the second half of a free block of order 10 that is stolen. */
static struct zone *reserve_that_was_stolen(void)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct zone *zone;
	struct page *page;

	if (!mm)
		return NULL;
	zone = kt_zone(mm, 0, ZONE_DMA);
	page = zonal_alloc_node(mm, 0, __GFP_MOVABLE, 10);
	zonal_split(mm, page, 10);
	highatomic_reserve(zone, page + 512);
	for (unsigned i = 1024; i-- > 0;)
		zonal_free(mm, page + i, 0);
	zonal_drain_all(mm, NULL);
	KT_EQ(reserved(zone), 512);
	KT_EQ(page_word(page), word_make(zone->id, PAGE_FREE, 10));
	kt_check_all(mm);
	KT_EQ(highatomic_in_blocks(zone), 512);
	while (page_block_type(page + 512) == MIGRATE_HIGHATOMIC &&
	       KT_TRUE(zonal_alloc_node(mm, 0, __GFP_RECLAIMABLE, 10)))
		;
	return zone;
}

KTEST(giveback, count_of_the_reserve_outlives_a_stolen_block_and_the_check_knows)
{
	struct zone *zone = reserve_that_was_stolen();

	if (!zone)
		return;
	KT_EQ(reserved(zone), 512);
	KT_EQ(highatomic_in_blocks(zone), 0);
	KT_EQ(zone->highatomic_lost, 512);
	kt_check_all(zone->mm);
}

KTEST(giveback, check_finds_a_count_that_nothing_explains)
{
	struct zone *zone = reserve_that_was_stolen();
	struct zonal_finding finding;

	if (!zone)
		return;
	st_relaxed(&zone->highatomic, 1024);
	kt_floor(zone);
	KT_TRUE(!zonal_check(zone->mm, &finding));
	KT_OK(strstr(finding.text, "highatomic") != NULL, "%s", finding.text);
	st_relaxed(&zone->highatomic, 512);
	kt_floor(zone);
	KT_TRUE(zonal_check(zone->mm, &finding));
	zone->highatomic_lost = 0;
	KT_TRUE(!zonal_check(zone->mm, &finding));
}

/* Two zones share a pageblock, one reserves it, the other gives it back: 5.10 counts each by
 * itself, so one leaks and the other may not go below zero. */
KTEST(giveback, shared_pageblock_given_back_by_the_other_zone_is_explained)
{
	static const struct kt_spec meeting = { .ram = { { 0, KT_DMA_PFN, 4096 + 256 },
							 { 1, KT_DMA_PFN + 4352, 3840 } } };
	struct zonal *mm = kt_bare_instance(&meeting);
	struct zone *lower, *upper;
	struct alloc_req req;
	struct page *page;

	if (!mm)
		return;
	lower = kt_zone(mm, 0, ZONE_DMA);
	upper = kt_zone(mm, 1, ZONE_DMA);
	highatomic_reserve(lower, mm_page(mm, KT_DMA_PFN + 4096));
	KT_EQ(reserved(lower), 512);
	kt_check_all(mm);
	/* A page of the upper zone in that block goes to the HIGHATOMIC list when freed. */
	page = zonal_alloc_node(mm, 1, __GFP_THISNODE | __GFP_MOVABLE, 0);
	KT_EQ(page_block_type(page), MIGRATE_HIGHATOMIC);
	zonal_free(mm, page, 0);
	zonal_drain_all(mm, NULL);
	req = (struct alloc_req){ .mm = mm,
				  .list = &mm->node[1]->nofallback,
				  .nodemask = NODEMASK_ALL,
				  .type = MIGRATE_MOVABLE,
				  .high_zone = ZONE_NORMAL };
	KT_TRUE(highatomic_unreserve(&req, true));
	KT_EQ(reserved(lower), 512);
	KT_EQ(reserved(upper), 0);
	KT_EQ(kt_block_type(mm, KT_DMA_PFN + 4096), MIGRATE_MOVABLE);
	kt_check_all(mm);
}
