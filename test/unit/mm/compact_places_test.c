/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What compaction leaves behind for the runs that follow: where its scanners stand, and when a zone
 * is put off. Rows X4, X6, X7, X9, X14, X15.
 *
 * The board of kt_scattered.h, and one whose first zone is a single block: what is said of a node
 * is said of all its zones.
 */
#include "kt_owner.h"
#include "kt_scattered.h"

#include <zonal/tunables.h>

#include "mm/buddy.h"
#include "mm/compact/compact.h"
#include "mm/take.h"

static struct compact at_the_ends(struct zonal *mm)
{
	return (struct compact){ .mm = mm,
				 .zone = kt_zone(mm, 0, ZONE_DMA),
				 .order = PAGEBLOCK_ORDER,
				 .type = MIGRATE_MOVABLE,
				 .high_zone = ZONE_MOVABLE,
				 .mode = MOVE_SYNC,
				 .used_at = KT_DMA_PFN,
				 .free_at = zone_end(kt_zone(mm, 0, ZONE_DMA)) - BLOCK };
}

/* Which list of a CPU a page is in says nothing of how many pages there are. The board is so large
 * that its CPUs have lists. */
KTEST(rows_x, x7_a_free_page_beside_one_in_the_list_of_a_cpu_is_found)
{
	enum { MANY = 4 * PAGES };
	static const struct kt_spec spec = { .ram = { { 0, KT_DMA_PFN, MANY } } };
	struct zonal *mm = kt_bare_instance(&spec);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, MANY) : NULL;
	const pfn_t last = KT_DMA_PFN + MANY - BLOCK;
	static struct compact c;
	struct page *page;
	unsigned listed = 0;

	if (!cache || !KT_EQ(kt_cache_fill(cache, 0, MOVABLE, MANY), MANY))
		return;
	for (unsigned i = 0; i < MANY; i++) {
		pfn_t at = cache->place[i].page->pfn - last;

		if (at == 0)
			listed = i;
		else if (at == 1 || at == 5)
			kt_cache_drop(cache, i);
	}
	zonal_drain_all(mm, NULL);
	kt_cache_drop(cache, listed);
	KT_EQ(page_state(mm_page(mm, last)), PAGE_PCP);
	c = at_the_ends(mm);
	page = compact_target(&c, cache->place[1].page);
	KT_EQ(page ? page->pfn : 0, last + 1);
	KT_EQ(c.free_scanned, BLOCK);
	compact_unused(&c, page);
	compact_release(&c);
	kt_cache_drop_all(cache);
	kt_check_all(mm);
}

/* What is to be empty is emptied by who has isolated it. */
KTEST(rows_x, x7_nothing_is_moved_out_of_an_isolated_block)
{
	struct kt_cache *cache = scattered();
	static struct compact c;
	struct page *first;

	if (!cache)
		return;
	first = mm_page(cache->mm, KT_DMA_PFN);
	block_set_type(first, MIGRATE_ISOLATE);
	c = at_the_ends(cache->mm);
	c.direct = true;
	KT_EQ(kt_compact(&c), COMPACT_SUCCESS);
	for (unsigned i = 0; i < BLOCK; i++)
		KT_EQ(page_state(first + i), i & 1 ? PAGE_FREE : PAGE_USED);
	KT_EQ(page_order(first + BLOCK), PAGEBLOCK_ORDER);
	block_set_type(first, MIGRATE_MOVABLE);
	all_is_well(cache);
}

/* Frames that were not needed lie where the next run has to look for some. */
KTEST(rows_x, x6_frames_that_are_given_back_are_looked_for_again)
{
	struct zonal *mm = kt_bare_instance(&eight_blocks);

	for (unsigned ignore_skip = 0; mm && ignore_skip < 2; ignore_skip++) {
		struct page *page = zonal_alloc(mm, MOVABLE, 0);
		pfn_t block = page ? page->pfn & ~(pfn_t)(BLOCK - 1) : 0;
		static struct compact c;

		if (!KT_TRUE(page))
			return;
		c = at_the_ends(mm);
		c.ignore_skip = ignore_skip;
		compact_init(c.zone);
		compact_unused(&c, page);
		compact_release(&c);
		/* Who takes no hint gives none. */
		KT_EQ(ld_relaxed(&c.zone->compact.free_at), ignore_skip ? 0 : block);
		page = zonal_alloc(mm, MOVABLE, 0);
		st_relaxed(&c.zone->compact.free_at, (uint32_t)(block + BLOCK));
		compact_unused(&c, page);
		compact_release(&c);
		KT_EQ(ld_relaxed(&c.zone->compact.free_at), block + BLOCK);
	}
	if (mm)
		kt_check_all(mm);
}

/* D17: whoever asks for the record of a frame that a run holds finds one. */
KTEST(rows_x, x7_a_frame_to_move_to_is_noted_as_taken)
{
	struct zonal *mm = owner_board(&owner_traced);
	struct owner_record record;
	struct page *page;
	static struct compact c;

	/* One page makes its block one of pieces. */
	if (!mm || !KT_TRUE(page = take_here(mm, MOVABLE, 0)))
		return;
	c = at_the_ends(mm);
	c.used_at = KT_DMA_PFN;
	c.free_at = page->pfn & ~(pfn_t)(BLOCK - 1);
	for (unsigned i = 0; i < 4; i++) {
		struct page *frame = compact_target(&c, page);

		if (!KT_TRUE(frame))
			break;
		record = record_of(mm, frame);
		KT_EQ(record.flags & OWNER_ALLOCATED, OWNER_ALLOCATED);
		KT_EQ(record.gfp, GFP_HIGHUSER_MOVABLE);
		compact_unused(&c, frame);
		KT_TRUE(c.pool.page[--c.pool.count] == frame);
		give_here(mm, frame, 0);
		KT_EQ(record_of(mm, frame).flags & OWNER_ALLOCATED, 0);
	}
	compact_release(&c);
	give_here(mm, page, 0);
	kt_check_all(mm);
}

/* X4: that a run was a success is no page served yet. */
KTEST(rows_x, x4_x14_a_success_of_kcompactd_does_not_forget_what_failed)
{
	struct kt_cache *cache = scattered();
	struct zone *zone = cache ? kt_zone(cache->mm, 0, ZONE_DMA) : NULL;

	if (!cache)
		return;
	compact_defer_reset(zone, 9, true);
	compact_defer(zone, 10);
	compact_defer(zone, 10);
	KT_EQ(ld_relaxed(&zone->compact.shift), 2);
	kcompactd_ask(cache->mm, cache->mm->node[0], PAGEBLOCK_ORDER, ZONE_DMA);
	(void)zonal_kcompactd_turn(cache->mm, 0);
	KT_TRUE(kt_blocks_of_order(zone, PAGEBLOCK_ORDER) > 0);
	KT_EQ(ld_relaxed(&zone->compact.shift), 2);
	KT_EQ(ld_relaxed(&zone->compact.failed), 10);
	all_is_well(cache);
}

/* What earlier runs have come to is nothing to who asks for all of it. */
KTEST(rows_x, x17_whole_nodes_are_compacted_from_end_to_end)
{
	struct kt_cache *cache = scattered();
	struct zonal_compacted done;
	struct zone *zone;

	if (!cache)
		return;
	zone = kt_zone(cache->mm, 0, ZONE_DMA);
	for (unsigned i = 0; i < 2; i++)
		st_relaxed(&zone->compact.used_at[i], KT_DMA_PFN + 3 * BLOCK);
	st_relaxed(&zone->compact.free_at, KT_DMA_PFN + 5 * BLOCK);
	zonal_compact(cache->mm, 0, &done);
	KT_TRUE(done.moved >= PAGES / 4 - BLOCK);
	KT_EQ(page_order(mm_page(cache->mm, KT_DMA_PFN)) >= PAGEBLOCK_ORDER, 1);
	all_is_well(cache);
}

/* X17: what the CPUs' lists have of a zone goes back to it behind the run. */
KTEST(rows_x, x17_whole_nodes_that_were_compacted_have_nothing_left_in_lists)
{
	static const struct kt_spec large = { .ram = { { 0, KT_DMA_PFN, 4 * PAGES } } };
	struct zonal *mm = kt_bare_instance(&large);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
	struct zonal_compacted done;

	if (!mm)
		return;
	zonal_free(mm, zonal_alloc(mm, NOWAIT, 0), 0);
	KT_TRUE(kt_pcp_count(zone) > 0);
	zonal_compact(mm, 0, &done);
	KT_EQ(kt_pcp_count(zone), 0);
	kt_check_all(mm);
}

/* X3, X9: the one run in 64 of a zone that is put off as far as can be begins anew. */
KTEST(rows_x, x9_the_run_that_goes_after_63_others_looks_everywhere_again)
{
	struct kt_cache *cache = scattered();
	static struct compact c;
	struct zone *zone;

	if (!cache)
		return;
	zone = kt_zone(cache->mm, 0, ZONE_DMA);
	for (unsigned restarts = 0; restarts < 2; restarts++) {
		for (unsigned b = 0; b < 8; b++)
			fetch_or_relaxed(&mm_page(cache->mm, KT_DMA_PFN + b * BLOCK)->block,
					 BLOCK_SKIP);
		if (restarts) {
			for (unsigned i = 0; i < 6; i++)
				compact_defer(zone, PAGEBLOCK_ORDER);
			while (compact_deferred(zone, PAGEBLOCK_ORDER))
				;
		}
		c = at_the_ends(cache->mm);
		KT_EQ(kt_compact(&c), restarts ? COMPACT_SUCCESS : COMPACT_COMPLETE);
		KT_EQ(c.used_scanned > 0, restarts);
	}
	all_is_well(cache);
}

/* Every second page of the second zone is in use; the first one has but one block. */
static struct kt_cache *scattered_behind(void)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_NORMAL_PFN - BLOCK, BLOCK }, { 0, KT_NORMAL_PFN, PAGES } },
	};
	struct kt_cache *cache = scattered_on(&spec, ZONE_NORMAL);

	if (cache)
		KT_EQ(kt_blocks_of_order(kt_zone(cache->mm, 0, ZONE_DMA), PAGEBLOCK_ORDER), 1);
	return cache;
}

/* Blocks were made in the zone behind; the end of a case. */
static void made_behind(struct kt_cache *cache)
{
	KT_TRUE(cache->moved > 0);
	KT_TRUE(kt_blocks_of_order(kt_zone(cache->mm, 0, ZONE_NORMAL), PAGEBLOCK_ORDER) > 0);
	kt_cache_drop_all(cache);
	kt_check_all(cache->mm);
}

KTEST(rows_x, x15_a_node_is_as_scattered_as_all_its_zones)
{
	struct kt_cache *cache = scattered_behind();

	if (!cache)
		return;
	/* In eight blocks of nine all is scattered. */
	KT_EQ(zonal_set_proactiveness(cache->mm, 60), 0);
	(void)zonal_kcompactd_turn(cache->mm, 0);
	made_behind(cache);
}

/* X14: a wish reaches every zone up to its limit. */
KTEST(rows_x, x14_kcompactd_goes_through_the_zones_behind_the_first_one)
{
	struct kt_cache *cache = scattered_behind();

	if (!cache)
		return;
	kcompactd_ask(cache->mm, cache->mm->node[0], PAGEBLOCK_ORDER, ZONE_DMA32);
	(void)zonal_kcompactd_turn(cache->mm, 0);
	KT_EQ(cache->asked_move, 0);
	kcompactd_ask(cache->mm, cache->mm->node[0], PAGEBLOCK_ORDER, ZONE_NORMAL);
	(void)zonal_kcompactd_turn(cache->mm, 0);
	made_behind(cache);
}

/* X10: what was free of it already is a part of the block that is put together. */
KTEST(rows_x, x10_a_block_whose_first_pages_are_free_is_captured_as_a_whole)
{
	struct kt_cache *cache = scattered();
	static struct compact c;
	struct page *first;

	if (!cache)
		return;
	first = mm_page(cache->mm, KT_DMA_PFN);
	for (unsigned i = 0; i < cache->count; i++)
		if (cache->place[i].page && cache->place[i].page < first + 40)
			kt_cache_drop(cache, i);
	zonal_drain_all(cache->mm, NULL);
	c = at_the_ends(cache->mm);
	c.may_capture = true;
	KT_EQ(kt_compact(&c), COMPACT_SUCCESS);
	KT_TRUE(c.captured == first);
	if (c.captured) {
		page_prepare(c.captured, word_make(c.zone->id, PAGE_USED, PAGEBLOCK_ORDER));
		zonal_free(cache->mm, c.captured, PAGEBLOCK_ORDER);
	}
	all_is_well(cache);
}

/* X9: who looks for frames goes past a block that has none, and so does the next one. */
KTEST(rows_x, x9_a_block_without_frames_is_passed_over_afterwards)
{
	struct kt_cache *cache = scattered();
	static struct compact c;
	struct page *last, *page, *next, *chain = NULL, *kept = NULL;

	if (!cache)
		return;
	last = mm_page(cache->mm, KT_DMA_PFN + PAGES - BLOCK);
	/* Of the last block every page is in use. */
	kt_take_all(cache->mm, 0, MOVABLE, 0, &chain);
	for (; chain; chain = next) {
		next = *(struct page **)zonal_page_owner(chain);
		if (chain >= last) {
			*(struct page **)zonal_page_owner(chain) = kept;
			kept = chain;
		} else {
			zonal_free(cache->mm, chain, 0);
		}
	}
	zonal_drain_all(cache->mm, NULL);
	c = (struct compact){ .mm = cache->mm,
			      .zone = kt_zone(cache->mm, 0, ZONE_DMA),
			      .order = PAGEBLOCK_ORDER,
			      .used_at = KT_DMA_PFN,
			      .free_at = last->pfn };
	page = compact_target(&c, cache->place[0].page);
	KT_TRUE(page && page < last && page >= last - BLOCK);
	KT_TRUE(ld_relaxed(&last->block) & BLOCK_SKIP);
	KT_TRUE(!(ld_relaxed(&(last - BLOCK)->block) & BLOCK_SKIP));
	compact_unused(&c, page);
	compact_release(&c);
	kt_give_all(cache->mm, kept, 0);
	all_is_well(cache);
}

/* X9: what one look found counts for the block, however little the last look at it finds. */
KTEST(rows_x, x9_a_block_that_gave_something_at_its_beginning_is_not_passed_over)
{
	struct kt_cache *cache = scattered();
	static struct compact c;
	struct page *first;

	if (!cache)
		return;
	first = mm_page(cache->mm, KT_DMA_PFN);
	/* A batch is at the beginning of the first block, and all that is behind it is held. */
	for (unsigned i = 0; i < cache->count; i++)
		if (cache->place[i].page && cache->place[i].page >= first + 2 * MOVE_BATCH)
			zonal_get(cache->place[i].page);
	c = at_the_ends(cache->mm);
	for (unsigned look = 0; look < 3; look++) {
		KT_TRUE(compact_take_used(&c));
		KT_EQ(c.batch.count, look ? 0 : MOVE_BATCH);
		KT_EQ(c.used_at, KT_DMA_PFN + (look ? look * BLOCK : 2 * MOVE_BATCH - 1));
		KT_EQ(ld_relaxed(&c.zone->compact.used_at[1]), look ? c.used_at : 0);
		KT_TRUE(!(ld_relaxed(&first->block) & BLOCK_SKIP));
		KT_EQ(ld_relaxed(&(first + BLOCK)->block) & BLOCK_SKIP, look == 2 ? BLOCK_SKIP : 0);
		move_put_back(cache->mm, &c.batch);
	}
	for (unsigned i = 0; i < cache->count; i++)
		if (cache->place[i].page && cache->place[i].page >= first + 2 * MOVE_BATCH)
			zonal_put(cache->mm, cache->place[i].page);
	all_is_well(cache);
}

/* X7: free pages of another node in the middle of a block are no frames, and are no reason to end
 * either, however many more they are than this zone could give. */
KTEST(rows_x, x7_free_pages_of_another_node_within_a_block_are_stepped_over)
{
	static const pfn_t last = KT_DMA_PFN + PAGES - BLOCK;
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, PAGES - BLOCK + 128 },
			 { 1, last + 128, 256 },
			 { 0, last + 384, 128 } },
	};
	struct zonal *mm = kt_bare_instance(&spec);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, PAGES) : NULL;
	static struct compact c;
	struct page *page;

	if (!cache || !KT_EQ(kt_cache_fill(cache, 0, MOVABLE | __GFP_THISNODE, PAGES), PAGES - 256))
		return;
	for (unsigned i = 0; i < cache->count; i++) {
		pfn_t at = cache->place[i].page->pfn;

		if (at == last + 400 || (at < KT_DMA_PFN + 80 && at & 1))
			kt_cache_drop(cache, i);
	}
	zonal_drain_all(mm, NULL);
	c = at_the_ends(mm);
	KT_EQ(kt_free(c.zone), 41);
	kt_marks(c.zone, 30, 30, 30);
	page = compact_target(&c, cache->place[1].page);
	KT_EQ(page ? page->pfn : 0, last + 400);
	KT_EQ(kt_free(kt_zone(mm, 1, ZONE_DMA)), 256);
	kt_no_marks(mm);
	compact_unused(&c, page);
	compact_release(&c);
	kt_cache_drop_all(cache);
	kt_check_all(mm);
}

/* X6: a run that took nothing gives nothing back, and leaves the place that the next begins at. */
KTEST(rows_x, x6_who_gives_no_frames_back_changes_no_place)
{
	struct zonal *mm = kt_bare_instance(&eight_blocks);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
	struct compact *c = mm ? kt_alloc(sizeof(*c), 64) : NULL;

	if (!c)
		return;
	c->mm = mm;
	c->zone = zone;
	st_relaxed(&zone->compact.free_at, 0);
	compact_release(c);
	KT_EQ(ld_relaxed(&zone->compact.free_at), 0);
}

/* The scanner down to the end of the second block from the top; where the zone says that it is. */
static pfn_t remembered(const pfn_t at_first, bool ignore_skip)
{
	static struct page *taken[2 * BLOCK];
	struct kt_cache *cache = scattered();
	static struct compact c;
	unsigned count = 0;
	pfn_t end, at;

	if (!cache)
		return 0;
	c = at_the_ends(cache->mm);
	c.ignore_skip = ignore_skip;
	end = zone_end(c.zone);
	st_relaxed(&c.zone->compact.free_at, (uint32_t)at_first);
	while (c.free_at >= end - 2 * BLOCK && count < 2 * BLOCK &&
	       (taken[count] = compact_target(&c, cache->place[0].page)))
		count++;
	KT_EQ(c.free_at, end - 3 * BLOCK);
	at = ld_relaxed(&c.zone->compact.free_at);
	compact_release(&c);
	while (count)
		zonal_free(cache->mm, taken[--count], 0);
	all_is_well(cache);
	return at;
}

KTEST(rows_x, x6_the_zone_remembers_how_far_down_its_free_scanner_came)
{
	const pfn_t end = KT_DMA_PFN + PAGES;

	KT_EQ(remembered(end - BLOCK, false), end - 2 * BLOCK);
	/* Who takes no hint leaves none, and nobody takes one back. */
	KT_EQ(remembered(end - BLOCK, true), end - BLOCK);
	KT_EQ(remembered(end - 5 * BLOCK, false), end - 5 * BLOCK);
}

/* X7: half a pageblock or more in one piece is for movable pages from then on, as 5.10 has it. */
KTEST(rows_x, x7_a_large_free_piece_makes_its_pageblock_movable)
{
	struct zonal *mm = kt_bare_instance(&eight_blocks);
	struct page *last, *half, *page;
	static struct compact c;

	if (!mm)
		return;
	half = zonal_alloc(mm, NOWAIT, PAGEBLOCK_ORDER - 1);
	last = mm_page(mm, half->pfn & ~(pfn_t)(BLOCK - 1));
	KT_EQ(page_block_type(last), MIGRATE_UNMOVABLE);
	c = (struct compact){ .mm = mm,
			      .zone = kt_zone(mm, 0, ZONE_DMA),
			      .order = PAGEBLOCK_ORDER,
			      .any_target = true,
			      .used_at = KT_DMA_PFN,
			      .free_at = last->pfn };
	page = compact_target(&c, half);
	KT_TRUE(page && page >= last && page < last + BLOCK);
	KT_EQ(page_block_type(last), MIGRATE_MOVABLE);
	compact_unused(&c, page);
	compact_release(&c);
	zonal_free(mm, half, PAGEBLOCK_ORDER - 1);
	kt_check_all(mm);
}
