/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trace points of compaction, field by field: where a run began and ended and whether it waits,
 * and what is put off, passed over and tried again (X3, X4).
 *
 * The board of eight blocks of kt_scattered.h with a ring of the test's own. trace_test.c has the
 * points themselves, their rings and what is counted.
 */
#include "kt_scattered.h"

#include <zonal/trace.h>

#include "mm/compact/compact.h"

#if ZONAL_RECLAIM
static struct zonal_trace_record ring[256];

static struct kt_cache *traced(uint64_t points)
{
	struct kt_cache *cache = scattered();

	if (!cache ||
	    !KT_EQ(zonal_trace_attach(cache->mm, kt_cpu_id(0), ring, sizeof(ring)), 0))
		return NULL;
	zonal_trace_on(cache->mm, points);
	return cache;
}

static struct zonal_trace_record next(struct kt_cache *cache)
{
	struct zonal_trace_record record = { .point = ZONAL_TRACE_POINTS };

	KT_EQ(zonal_trace_read(cache->mm, kt_cpu_id(0), &record, 1), 1);
	return record;
}

static void expect_run(struct kt_cache *cache, uint32_t waits, uint32_t status)
{
	struct zonal_trace_record begin = next(cache), end = next(cache);

	KT_EQ(begin.point, ZONAL_TRACE_COMPACT_BEGIN);
	KT_EQ(end.point, ZONAL_TRACE_COMPACT_END);
	for (unsigned i = 0; i < 5; i += 3) { /* the zone's ends */
		KT_EQ(begin.field[i], KT_DMA_PFN + (i ? PAGES : 0));
		KT_EQ(end.field[i], begin.field[i]);
	}
	/* The scanners go towards each other. */
	KT_EQ(begin.field[1], KT_DMA_PFN);
	KT_TRUE(begin.field[2] >= KT_DMA_PFN + PAGES - BLOCK);
	KT_TRUE(end.field[1] > begin.field[1] && end.field[2] < KT_DMA_PFN + PAGES);
	KT_EQ(begin.field[4], waits);
	KT_EQ(end.field[4], waits);
	KT_EQ(end.field[5], status);
}

KTEST(trace, a_run_of_compaction_says_where_it_is_whether_it_waits_and_how_it_ended)
{
	struct kt_cache *cache = traced(ZONAL_TRACE_BIT(COMPACT_BEGIN) |
					ZONAL_TRACE_BIT(COMPACT_END));
	struct zonal_compacted done;
	struct compact c;

	if (!cache)
		return;
	c = (struct compact){ .mm = cache->mm,
			      .zone = kt_zone(cache->mm, 0, ZONE_DMA),
			      .order = PAGEBLOCK_ORDER,
			      .type = MIGRATE_MOVABLE,
			      .high_zone = ZONE_MOVABLE,
			      .mode = MOVE_ASYNC,
			      .direct = true };
	KT_EQ(kt_compact(&c), COMPACT_SUCCESS);
	expect_run(cache, false, COMPACT_SUCCESS);
	zonal_compact(cache->mm, 0, &done);
	expect_run(cache, true, COMPACT_COMPLETE);
	zonal_trace_on(cache->mm, 0);
	all_is_well(cache);
}

KTEST(trace, a_request_that_compacts_is_seen_with_its_order_flags_and_priority)
{
	struct kt_cache *cache = traced(ZONAL_TRACE_BIT(TRY_COMPACT));
	struct zonal_trace_record record;
	struct page *page;

	if (!cache)
		return;
	page = zonal_alloc(cache->mm, HUGE, PAGEBLOCK_ORDER);
	record = next(cache);
	KT_EQ(record.point, ZONAL_TRACE_TRY_COMPACT);
	KT_EQ(record.field[0], PAGEBLOCK_ORDER);
	KT_EQ(record.field[1], HUGE);
	KT_EQ(record.field[2], COMPACT_ASYNC);
	KT_TRUE(!zonal_trace_peek(cache->mm, kt_cpu_id(0), &record));
	zonal_trace_on(cache->mm, 0);
	if (KT_TRUE(page))
		zonal_free(cache->mm, page, PAGEBLOCK_ORDER);
	all_is_well(cache);
}

KTEST(trace, kcompactd_is_seen_to_wake_for_a_wish_and_to_sleep)
{
	struct kt_cache *cache = traced(ZONAL_TRACE_BIT(KCOMPACTD_WAKE) |
					ZONAL_TRACE_BIT(KCOMPACTD_SLEEP));
	struct zonal_trace_record record;

	if (!cache)
		return;
	kcompactd_ask(cache->mm, cache->mm->node[0], PAGEBLOCK_ORDER, ZONE_DMA);
	(void)zonal_kcompactd_turn(cache->mm, 0);
	record = next(cache);
	KT_EQ(record.point, ZONAL_TRACE_KCOMPACTD_WAKE);
	KT_EQ(record.field[0], 0);
	KT_EQ(record.field[1], PAGEBLOCK_ORDER);
	KT_EQ(record.field[2], ZONE_DMA);
	record = next(cache);
	KT_EQ(record.point, ZONAL_TRACE_KCOMPACTD_SLEEP);
	KT_EQ(record.field[0], 0);
	/* Without a wish nobody wakes. */
	(void)zonal_kcompactd_turn(cache->mm, 0);
	record = next(cache);
	KT_EQ(record.point, ZONAL_TRACE_KCOMPACTD_SLEEP);
	KT_TRUE(!zonal_trace_peek(cache->mm, kt_cpu_id(0), &record));
	zonal_trace_on(cache->mm, 0);
	all_is_well(cache);
}

KTEST(trace, a_zone_that_is_put_off_passed_over_and_tried_again_is_seen)
{
	static const unsigned expected[] = { ZONAL_TRACE_COMPACT_DEFER,
					     ZONAL_TRACE_COMPACT_DEFERRED,
					     ZONAL_TRACE_COMPACT_RESET };
	struct kt_cache *cache = traced(ZONAL_TRACE_BIT(COMPACT_DEFER) |
					ZONAL_TRACE_BIT(COMPACT_DEFERRED) |
					ZONAL_TRACE_BIT(COMPACT_RESET));
	struct zonal_trace_record record;
	struct zone *zone;

	if (!cache)
		return;
	zone = kt_zone(cache->mm, 0, ZONE_DMA);
	KT_TRUE(!compact_deferred(zone, 7)); /* goes: no record */
	compact_defer(zone, 7);
	KT_TRUE(compact_deferred(zone, 7));
	KT_TRUE(!compact_deferred(zone, 7));
	compact_defer_reset(zone, 7, true);
	for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
		record = next(cache);
		KT_EQ(record.point, expected[i]);
		KT_EQ(record.field[0], 0);
		KT_EQ(record.field[1], ZONE_DMA);
		KT_EQ(record.field[2], 7);
	}
	KT_TRUE(!zonal_trace_peek(cache->mm, kt_cpu_id(0), &record));
	zonal_trace_on(cache->mm, 0);
	all_is_well(cache);
}
#endif
