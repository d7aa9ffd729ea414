/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trace points of compaction, of pages that are moved for other reasons, of CMA areas, and of
 * the end of all other means.
 *
 * Boards of a few blocks; where a run writes many records their sums are compared with what the run
 * says of itself.
 */
#include "kt_trace.h"

#include <zonal/contig.h>

#include "kt_oom.h"
#include "kt_scattered.h"
#include "mm/compact/compact.h"
#include "mm/oom/oom.h"

#if ZONAL_RECLAIM

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };
static struct zonal_trace_record many[1024];

/* A whole-node compaction is seen from its beginning to its end, with what it moved. */
KTEST(trace, compaction_is_seen_with_what_it_moved)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 4096) : NULL;
	struct zonal_trace_record record;
	struct zonal_compacted done;
	uint32_t moved = 0, last = ZONAL_TRACE_POINTS, begun = 0;

	if (!cache || !KT_EQ(zonal_trace_attach(mm, kt_cpu_id(0), many, sizeof(many)), 0))
		return;
	kt_cache_fill(cache, 0, GFP_NOWAIT | __GFP_HIGHMEM | __GFP_MOVABLE, 4096);
	for (unsigned i = 0; i < 4096; i += 2)
		kt_cache_drop(cache, i);
	zonal_drain_all(mm, NULL);
	zonal_trace_on(mm, ZONAL_TRACE_BIT(COMPACT_BEGIN) | ZONAL_TRACE_BIT(COMPACT_END) |
				   ZONAL_TRACE_BIT(COMPACT_MOVED));
	zonal_compact(mm, 0, &done);
	zonal_trace_on(mm, 0);
	while (zonal_trace_read(mm, kt_cpu_id(0), &record, 1)) {
		if (record.point == ZONAL_TRACE_COMPACT_MOVED)
			moved += record.field[0];
		begun += record.point == ZONAL_TRACE_COMPACT_BEGIN;
		last = record.point;
	}
	KT_EQ(begun, 1);
	KT_EQ(last, ZONAL_TRACE_COMPACT_END);
	KT_OK(done.moved > 0, "nothing moved");
	KT_EQ(moved, done.moved);
	kt_cache_drop_all(cache);
}

/* The two scanners, piece by piece: all that was taken, and each piece beginning where it may. */
KTEST(trace, scanners_are_seen_with_what_they_took)
{
	struct kt_cache *cache = scattered();
	struct zonal *mm = cache ? cache->mm : NULL;
	struct zonal_trace_record record;
	uint32_t used = 0, free = 0, moved = 0, ends = 0;
	struct zonal_compacted done;

	if (!mm || !KT_EQ(zonal_trace_attach(mm, kt_cpu_id(0), many, sizeof(many)), 0))
		return;
	zonal_trace_on(mm, ZONAL_TRACE_BIT(COMPACT_USED) | ZONAL_TRACE_BIT(COMPACT_FREE) |
				   ZONAL_TRACE_BIT(MIGRATE));
	zonal_compact(mm, 0, &done);
	zonal_trace_on(mm, 0);
	KT_EQ(zonal_trace_lost(mm, kt_cpu_id(0)), 0);
	while (zonal_trace_read(mm, kt_cpu_id(0), &record, 1)) {
		if (record.point == ZONAL_TRACE_MIGRATE) {
			moved += record.field[0];
			KT_EQ(record.field[1] + record.field[2] + record.field[3], 0);
			KT_EQ(record.field[5], MOVE_SYNC);
			KT_EQ(record.field[6], MOVE_FOR_COMPACTION);
			continue;
		}
		KT_OK(record.field[0] < record.field[1] && record.field[2] >= record.field[3],
		      "%s from 0x%x to 0x%x: %u, taken %u", zonal_trace_name(record.point),
		      record.field[0], record.field[1], record.field[2], record.field[3]);
		if (record.point == ZONAL_TRACE_COMPACT_FREE)
			free += record.field[3];
		else
			used += record.field[3];
		ends = record.field[1];
	}
	KT_EQ(used, done.moved);
	KT_EQ(moved, done.moved);
	KT_TRUE(free >= done.moved && ends > KT_DMA_PFN);
	all_is_well(cache);
}

KTEST(trace, a_run_says_whether_a_zone_suits_and_when_it_is_over)
{
	struct kt_cache *cache = scattered();
	struct zonal *mm = cache ? cache->mm : NULL;
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
	struct zonal_trace_record record;
	uint32_t last = COMPACT_CONTINUE;
	struct page *chain = NULL;

	if (!mm || !trace_begin(mm, ZONAL_TRACE_BIT(COMPACT_SUITABLE)))
		return;
	answer_give(cache, ZONAL_GIVE_NO_ROOM);
	KT_EQ(compact_suitable(zone, 3, 0, ZONE_NORMAL, 0), COMPACT_CONTINUE);
	NEXT_IS(mm, COMPACT_SUITABLE, 0, ZONE_DMA, 3, COMPACT_CONTINUE);
	KT_EQ(compact_suitable(zone, 0, 0, ZONE_NORMAL, 0), COMPACT_SUCCESS);
	NEXT_IS(mm, COMPACT_SUITABLE, 0, ZONE_DMA, 0, COMPACT_SUCCESS);
	kt_marks(zone, 0, PAGES / 2, PAGES / 2);
	KT_EQ(compact_suitable(zone, PAGEBLOCK_ORDER, 0, ZONE_NORMAL, 0), COMPACT_SKIPPED);
	NEXT_IS(mm, COMPACT_SUITABLE, 0, ZONE_DMA, PAGEBLOCK_ORDER, COMPACT_SKIPPED);
	kt_marks(zone, 0, 0, 0);
	zonal_trace_on(mm, ZONAL_TRACE_BIT(COMPACT_FINISHED));
	chain = zonal_alloc(mm, GFP_HIGHUSER_MOVABLE | __GFP_NOWARN | __GFP_NORETRY, 2);
	KT_TRUE(chain);
	zonal_trace_on(mm, 0);
	while (zonal_trace_read(mm, kt_cpu_id(0), &record, 1)) {
		KT_EQ(record.field[0] + record.field[1], ZONE_DMA);
		KT_EQ(record.field[2], 2);
		KT_OK(last == COMPACT_CONTINUE, "a question behind the answer %u", last);
		last = record.field[3];
	}
	KT_EQ(last, COMPACT_SUCCESS);
	zonal_free(mm, chain, 2);
	all_is_well(cache);
}

/* X2: there is memory enough to work with, but it is short rather than scattered. */
KTEST(trace, memory_that_is_short_is_told_from_memory_that_is_scattered)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *chain = NULL, *used = NULL, *next;

	if (!mm || !trace_begin(mm, 0))
		return;
	/* Every second block of order 8 is free: 1000 - (1000 + 2048 * 1000 / 512) / 8 is 375. */
	kt_take_all(mm, 0, NOWAIT, PAGEBLOCK_ORDER - 1, &chain);
	for (struct page *page = chain; page; page = next) {
		next = *(struct page **)zonal_page_owner(page);
		if (page->pfn & 1u << (PAGEBLOCK_ORDER - 1)) {
			*(struct page **)zonal_page_owner(page) = used;
			used = page;
		} else {
			zonal_free(mm, page, PAGEBLOCK_ORDER - 1);
		}
	}
	zonal_trace_on(mm, ZONAL_TRACE_BIT(COMPACT_SUITABLE));
	KT_EQ(compact_suitable(kt_zone(mm, 0, ZONE_DMA), PAGEBLOCK_ORDER, 0, ZONE_NORMAL, 0),
	      COMPACT_SKIPPED);
	NEXT_IS(mm, COMPACT_SUITABLE, 0, ZONE_DMA, PAGEBLOCK_ORDER, COMPACT_NOT_TRIED);
	zonal_trace_on(mm, 0);
	kt_give_all(mm, used, PAGEBLOCK_ORDER - 1);
}

KTEST(trace, deferral_is_seen_with_its_counts)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;

	if (!mm || !trace_begin(mm, ZONAL_TRACE_BIT(COMPACT_DEFER) |
				    ZONAL_TRACE_BIT(COMPACT_DEFERRED) |
				    ZONAL_TRACE_BIT(COMPACT_RESET)))
		return;
	compact_defer(zone, 3);
	NEXT_IS(mm, COMPACT_DEFER, 0, ZONE_DMA, 3, 0, 1, 0);
	KT_TRUE(compact_deferred(zone, 4));
	NEXT_IS(mm, COMPACT_DEFERRED, 0, ZONE_DMA, 4, 1, 1, 0);
	compact_defer_reset(zone, 5, true);
	NEXT_IS(mm, COMPACT_RESET, 0, ZONE_DMA, 5, 0, 0, 6);
	nothing_more(mm);
	zonal_trace_on(mm, 0);
}

/* Each reason by its number in 5.10. */
KTEST(trace, pages_that_move_say_what_for)
{
	struct kt_cache *cache = scattered();
	struct zonal *mm = cache ? cache->mm : NULL;
	struct page *page;
	pfn_t pfn;

	if (!mm || !trace_begin(mm, ZONAL_TRACE_BIT(MIGRATE)))
		return;
	KT_EQ(zonal_alloc_contig_range(mm, KT_DMA_PFN, 2, GFP_KERNEL), 0);
	NEXT_IS(mm, MIGRATE, 1, 0, 0, 0, 0, MOVE_SYNC, 6);
	zonal_free_contig_range(mm, KT_DMA_PFN, 2);
	pfn = cache->place[PAGES / 2].page ? cache->place[PAGES / 2].page->pfn
					   : cache->place[PAGES / 2 + 1].page->pfn;
	page = mm_page(mm, pfn);
	KT_EQ(zonal_page_retire(mm, pfn, &(struct zonal_retire){ 0 }), ZONAL_RETIRED_MOVED);
	NEXT_IS(mm, MIGRATE, 1, 0, 0, 0, 0, MOVE_SYNC, 1);
	KT_TRUE(page_word(page) & PG_HWPOISON);
	nothing_more(mm);
	zonal_trace_on(mm, 0);
	kt_check_all(mm);
	kt_cache_drop_all(cache);
}

KTEST(trace, pages_go_to_a_node_for_a_task)
{
	static const struct kt_spec pair = {
		.ram = { { 0, KT_DMA_PFN, 2048 }, { 1, KT_DMA_PFN + 2048, 2048 } },
	};
	struct zonal *mm = kt_bare_instance(&pair);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_ANON, 8) : NULL;
	struct page *page[2];

	if (!cache || !KT_EQ(kt_cache_fill(cache, 0, GFP_KERNEL, 2), 2) ||
	    !trace_begin(mm, ZONAL_TRACE_BIT(MIGRATE)))
		return;
	page[0] = cache->place[0].page;
	page[1] = cache->place[1].page;
	cache->place[1].move = ZONAL_GIVE_NO_ROOM;
	KT_EQ(zonal_pages_to_node(mm, page, 2, 1), 1);
	NEXT_IS(mm, MIGRATE, 1, 1, 0, 0, 0, MOVE_SYNC, 3);
	/* No page, no record. */
	KT_EQ(zonal_pages_to_node(mm, page, 0, 1), 0);
	nothing_more(mm);
	zonal_trace_on(mm, 0);
	kt_cache_drop_all(cache);
}

KTEST(trace, a_cma_area_is_seen_to_give_and_to_take_back)
{
	static const struct kt_spec board = {
		.ram = { { 0, KT_DMA_PFN, 8192 } },
		.reserved = { { 0, KT_DMA_PFN + 2048, 1024 } },
		.cma_index = 1,
	};
	struct zonal *mm = ZONAL_CMA ? kt_bare_instance(&board) : NULL;
	struct page *page;

	if (!ZONAL_CMA)
		kt_skip("built without CMA");
	if (!mm || !trace_begin(mm, ZONAL_TRACE_BIT(CMA_ALLOC) | ZONAL_TRACE_BIT(CMA_RELEASE)))
		return;
	page = zonal_cma_alloc(mm, 0, 17, 3);
	if (!KT_TRUE(page))
		return;
	NEXT_IS(mm, CMA_ALLOC, page->pfn, 17, 3);
	KT_TRUE(!zonal_cma_alloc(mm, 0, 1025, 0));
	NEXT_IS(mm, CMA_ALLOC, PFN_NONE, 1025, 0);
	KT_TRUE(zonal_cma_release(mm, 0, page, 17));
	NEXT_IS(mm, CMA_RELEASE, page->pfn, 17);
	KT_TRUE(!zonal_cma_release(mm, 0, page, 17));
	nothing_more(mm);
	zonal_trace_on(mm, 0);
}
#endif

#if ZONAL_OOM
KTEST(trace, the_end_of_a_victim_is_seen)
{
	static const struct kt_spec board = { .ram = { { 0, KT_DMA_PFN, 4096 } } };
	struct kt_oom *oom = kt_oom_full(&board);

	if (!oom || !trace_begin(oom->mm, ZONAL_TRACE_BIT(OOM_VICTIM) |
					  ZONAL_TRACE_BIT(OOM_REAPER) |
					  ZONAL_TRACE_BIT(OOM_REAP_BEGIN) |
					  ZONAL_TRACE_BIT(OOM_REAP_END) |
					  ZONAL_TRACE_BIT(OOM_REAP_SKIP)))
		return;
	kt_oom_expect(oom, GFP_KERNEL, true, 1, 1);
	NEXT_IS(oom->mm, OOM_VICTIM, 2);
	NEXT_IS(oom->mm, OOM_REAPER, 2);
	for (unsigned round = 0; round < 2; round++) {
		oom->stuck = !round;
		oom->task[0].flags |= ZONAL_OOM_VICTIM;
		oom_enter(oom->mm);
		oom_watch(oom->mm, 1);
		oom_leave(oom->mm);
		for (unsigned i = 0; i < OOM_VICTIMS; i++)
			oom->mm->oom.victim[i].due_ns =
				oom->mm->oom.victim[i].id == 1 ? 0 : UINT64_MAX;
		zonal_oom_reaper_turn(oom->mm);
		if (!round)
			NEXT_IS(oom->mm, OOM_REAPER, 1);
		NEXT_IS(oom->mm, OOM_REAP_BEGIN, 1);
		if (!round)
			NEXT_IS(oom->mm, OOM_REAP_SKIP, 1);
		else
			NEXT_IS(oom->mm, OOM_REAP_END, 1);
	}
	nothing_more(oom->mm);
	zonal_trace_on(oom->mm, 0);
	kt_oom_finish(oom);
}

/* pid, the 16 bytes of a name, cut, and a number below 0. */
KTEST(trace, an_adjustment_is_seen_with_the_name_of_the_task)
{
	static const struct kt_spec board = { .ram = { { 0, KT_DMA_PFN, 4096 } } };
	struct zonal *mm = kt_bare_instance(&board);
	struct zonal_trace_record record;

	if (!mm || !trace_begin(mm, ZONAL_TRACE_BIT(OOM_ADJ)))
		return;
	zonal_oom_adjusted(mm, 77, "a name that is too long", -17);
	if (!KT_EQ(zonal_trace_read(mm, kt_cpu_id(0), &record, 1), 1))
		return;
	KT_EQ(record.field[0], 77);
	KT_STR_EQ((const char *)&record.field[1], "a name that is ");
	KT_EQ((int)record.field[5], -17);
	zonal_trace_on(mm, 0);
	zonal_oom_adjusted(mm, 77, "off", 0);
	nothing_more(mm);
}
#endif
