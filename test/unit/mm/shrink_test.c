/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One batch of reclaim, page by page: where each goes by its state and by what its owner answers,
 * what is counted, what it cost, who is asked to write (K11-K14).
 *
 * A few pages of one owner, whose answers are set by hand; the batch is run directly, as kswapd or
 * a request that waits would. round_test.c has rounds over whole nodes.
 */
#include "kt_cache.h"

#include <zonal/trace.h>

#include "mm/reclaim/scan.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };

static struct zonal_trace_record ring[64];

static struct {
	struct zonal *mm;
	struct node *node;
	struct kt_cache *cache;
	struct scan scan;
} w;

/* `pages` pages of a kind on the inactive list, and somebody to look at them. */
static bool world(enum zonal_kind kind, unsigned pages, bool kswapd)
{
	w.mm = kt_bare_instance(&uma);
	w.cache = w.mm ? kt_cache(w.mm, kind, 4096) : NULL;
	if (!w.cache || !KT_EQ(kt_cache_fill(w.cache, 0, GFP_KERNEL, pages), pages))
		return false;
	w.node = w.mm->node[0];
	st_relaxed(&w.mm->swap_free, 4096);
	w.scan = (struct scan){ .mm = w.mm, .kswapd = kswapd, .high_zone = ZONE_MOVABLE,
				.target = 32, .priority = 7, .may_swap = true };
	return true;
}

static void end(void)
{
	struct zonal_lru_counts counts;

	zonal_lru_counts(w.mm, 0, &counts);
	KT_EQ(counts.isolated[ZONAL_ANON] + counts.isolated[ZONAL_CACHE], 0);
	kt_check_all(w.mm);
	kt_cache_drop_all(w.cache);
	kt_check_all(w.mm);
}

static struct page *page_at(unsigned place) { return w.cache->place[place].page; }

/* All pages of a list are looked at once; how many went. */
static uint64_t look(unsigned list)
{
	return shrink_inactive(&w.scan, w.node, list, RECLAIM_BATCH);
}

static uint32_t flags(unsigned place, uint32_t of) { return page_word(page_at(place)) & of; }

KTEST(reclaim, a_page_stays_or_becomes_active_by_what_its_owner_answers)
{
	static const struct {
		enum zonal_give give;
		uint32_t flags;
		unsigned dirty, started;
	} table[] = {
		{ ZONAL_GIVE_USED, PG_ACTIVE, 0, 0 },  { ZONAL_GIVE_NO_ROOM, PG_ACTIVE, 0, 0 },
		{ ZONAL_GIVE_DIRTY, 0, 1, 0 },	       { ZONAL_GIVE_WRITING, PG_ROTATE, 0, 1 },
		{ ZONAL_GIVE_GONE, 0, 0, 0 },	       { ZONAL_GIVE_BUSY, 0, 0, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		if (!world(ZONAL_CACHE, 2, true))
			return;
		w.cache->place[0].give = (uint8_t)table[i].give;
		KT_EQ(look(LRU_INACTIVE_CACHE), 1);
		KT_OK(flags(0, PG_ACTIVE | PG_ROTATE) == table[i].flags, "answer %d: word 0x%x",
		      (int)table[i].give, page_word(page_at(0)));
		KT_EQ(w.scan.seen.dirty, table[i].dirty);
		KT_EQ(w.scan.seen.started, table[i].started);
		KT_EQ(kt_event(w.mm, EVENT_PGACTIVATE), !!(table[i].flags & PG_ACTIVE));
		/* Written is what this kind cost. */
		KT_EQ(ld_relaxed(&w.node->reclaim.lru.root.cost[ZONAL_CACHE]),
		      table[i].started / 2);
		end();
	}
}

KTEST(reclaim, a_page_that_is_being_written_waits_among_the_active_ones)
{
	for (unsigned kswapd = 0; kswapd < 2; kswapd++) {
		if (!world(ZONAL_CACHE, 1, kswapd))
			return;
		zonal_page_writing(w.mm, page_at(0));
		KT_EQ(look(LRU_INACTIVE_CACHE), 0);
		KT_EQ(flags(0, PG_ACTIVE | PG_ROTATE), PG_ACTIVE | PG_ROTATE);
		KT_EQ(w.scan.seen.immediate, 0);
		KT_EQ(w.cache->asked_give + w.cache->asked_used, 0);
		/* Met a second time it is kswapd that has to wait. */
		shrink_active(&w.scan, w.node, LRU_ACTIVE_CACHE, RECLAIM_BATCH);
		KT_EQ(look(LRU_INACTIVE_CACHE), 0);
		KT_EQ(w.scan.seen.immediate, kswapd);
		zonal_page_written(w.mm, page_at(0));
		end();
	}
}

KTEST(reclaim, a_page_in_use_stays_at_first_and_is_active_the_second_time)
{
	if (!world(ZONAL_CACHE, 1, true))
		return;
	w.cache->place[0].used = true;
	KT_EQ(look(LRU_INACTIVE_CACHE), 0);
	KT_EQ(flags(0, PG_ACTIVE | PG_REFERENCED), PG_REFERENCED);
	w.cache->place[0].used = true;
	KT_EQ(look(LRU_INACTIVE_CACHE), 0);
	KT_EQ(flags(0, PG_ACTIVE | PG_REFERENCED), PG_ACTIVE | PG_REFERENCED);
	KT_EQ(w.cache->asked_give, 0);
	end();
}

KTEST(reclaim, a_call_is_forgotten_and_a_clean_page_goes_at_once)
{
	if (!world(ZONAL_CACHE, 1, true))
		return;
	zonal_page_touch(w.mm, page_at(0));
	KT_EQ(look(LRU_INACTIVE_CACHE), 1);
	end();
	/* An anonymous one is dirty by nature. */
	if (!world(ZONAL_ANON, 1, true))
		return;
	zonal_page_touch(w.mm, page_at(0));
	zonal_page_set_dirty(w.mm, page_at(0));
	KT_EQ(look(LRU_INACTIVE_ANON), 1);
	end();
}

KTEST(reclaim, a_page_that_somebody_holds_is_left_to_its_owner)
{
	struct page *page;

	if (!world(ZONAL_CACHE, 2, true))
		return;
	page = page_at(0);
	zonal_get(page);
	KT_EQ(look(LRU_INACTIVE_CACHE), 1);
	KT_EQ(w.cache->aborted, 1);
	KT_TRUE(page_at(0) == page && !flags(0, PG_ACTIVE));
	zonal_put(w.mm, page);
	end();
}

/* Only where a batch has nothing but dirty pages, and of owners of that kind. */
KTEST(reclaim, owners_are_asked_to_write_if_all_is_dirty)
{
	static const unsigned dirty[] = { 3, 4 };
	struct kt_cache *anon;

	for (unsigned i = 0; i < 2; i++) {
		if (!world(ZONAL_CACHE, 4, true))
			return;
		anon = kt_cache(w.mm, ZONAL_ANON, 1);
		for (unsigned k = 0; k < 4; k++)
			w.cache->place[k].give = k < dirty[i] ? ZONAL_GIVE_DIRTY : ZONAL_GIVE_BUSY;
		KT_EQ(look(LRU_INACTIVE_CACHE), 0);
		KT_EQ(w.cache->written, i ? 32 : 0);
		KT_EQ(anon ? anon->written : 1, 0);
		end();
	}
}

/* Each anonymous page that went was written; beyond a quarter of the lists both are halved. */
KTEST(reclaim, what_was_written_is_the_cost_of_its_kind_and_is_forgotten_by_halves)
{
	_Atomic uint64_t *cost;

	if (!world(ZONAL_ANON, 132, true))
		return;
	cost = w.node->reclaim.lru.root.cost;
	st_relaxed(&cost[ZONAL_CACHE], 8);
	for (unsigned i = 16; i < 132; i++)
		w.cache->place[i].give = ZONAL_GIVE_BUSY;
	KT_EQ(look(LRU_INACTIVE_ANON), 16);
	/* 24 of 116 are less than a quarter. */
	KT_EQ(ld_relaxed(&cost[ZONAL_ANON]), 16);
	KT_EQ(ld_relaxed(&cost[ZONAL_CACHE]), 8);
	for (unsigned i = 16; i < 132; i++)
		w.cache->place[i].give = ZONAL_GIVE_WRITING;
	KT_EQ(look(LRU_INACTIVE_ANON), 0);
	KT_EQ(ld_relaxed(&cost[ZONAL_ANON]), (16 + 32) / 2);
	KT_EQ(ld_relaxed(&cost[ZONAL_CACHE]), 4);
	end();
}

KTEST(reclaim, a_batch_that_wrote_nothing_leaves_the_cost_as_it_is)
{
	if (!world(ZONAL_CACHE, 8, true))
		return;
	for (unsigned i = 0; i < 8; i++)
		w.cache->place[i].give = ZONAL_GIVE_BUSY;
	st_relaxed(&w.node->reclaim.lru.root.cost[ZONAL_CACHE], 1000);
	KT_EQ(look(LRU_INACTIVE_CACHE), 0);
	KT_EQ(ld_relaxed(&w.node->reclaim.lru.root.cost[ZONAL_CACHE]), 1000);
	st_relaxed(&w.node->reclaim.lru.root.cost[ZONAL_CACHE], 0);
	end();
}

KTEST(reclaim, active_pages_lose_their_use_and_are_counted)
{
	if (!world(ZONAL_CACHE, 20, true))
		return;
	for (unsigned i = 0; i < 2 * 20; i++)
		zonal_page_touch(w.mm, page_at(i / 2));
	for (unsigned i = 0; i < 20; i++)
		w.cache->place[i].used = true;
	shrink_active(&w.scan, w.node, LRU_ACTIVE_CACHE, 12);
	KT_EQ(w.cache->asked_used, 12);
	KT_EQ(kt_event(w.mm, EVENT_PGREFILL), 12);
	KT_EQ(kt_event(w.mm, EVENT_PGDEACTIVATE), 12);
	for (unsigned i = 0; i < 20; i++) {
		KT_EQ(flags(i, PG_ACTIVE), i < 12 ? 0 : PG_ACTIVE);
		KT_EQ(w.cache->place[i].used, i >= 12);
	}
	/* Nobody asks for their use now. */
	KT_EQ(look(LRU_INACTIVE_CACHE), 12);
	end();
}

KTEST(reclaim, batches_of_a_request_are_counted_apart)
{
	if (!world(ZONAL_ANON, 8, false))
		return;
	KT_EQ(look(LRU_INACTIVE_ANON), 8);
	KT_EQ(kt_event(w.mm, EVENT_PGSCAN_DIRECT), 8);
	KT_EQ(kt_event(w.mm, EVENT_PGSTEAL_DIRECT), 8);
	KT_EQ(kt_event(w.mm, EVENT_PGSCAN_KSWAPD) + kt_event(w.mm, EVENT_PGSTEAL_KSWAPD), 0);
	KT_EQ(kt_event(w.mm, EVENT_PGSCAN_ANON), 8);
	KT_EQ(kt_event(w.mm, EVENT_PGSTEAL_ANON), 8);
	end();
}

static void expect_record(unsigned point, unsigned count, const uint32_t *field)
{
	struct zonal_trace_record record = { .point = ZONAL_TRACE_POINTS };

	KT_EQ(zonal_trace_read(w.mm, kt_cpu_id(0), &record, 1), 1);
	KT_EQ(record.point, point);
	for (unsigned i = 0; i < count; i++)
		KT_EQ(record.field[i], field[i]);
}

#define EXPECT_RECORD(id, ...)                                                                     \
	do {                                                                                       \
		const uint32_t want_[] = { __VA_ARGS__ };                                          \
		expect_record(ZONAL_TRACE_##id, ARRAY_SIZE(want_), want_);                         \
	} while (0)

KTEST(trace, a_batch_is_seen_with_each_page_that_goes)
{
	const uint32_t flags = ZONAL_TRACE_WB_FILE | ZONAL_TRACE_WB_ASYNC;
	uint32_t pfn[2];

	if (!world(ZONAL_CACHE, 5, true) ||
	    !KT_EQ(zonal_trace_attach(w.mm, kt_cpu_id(0), ring, sizeof(ring)), 0))
		return;
	zonal_trace_on(w.mm, ZONAL_TRACE_BIT(FREE_BATCHED) | ZONAL_TRACE_BIT(SHRINK_INACTIVE) |
				     ZONAL_TRACE_BIT(SHRINK_ACTIVE));
	for (unsigned i = 0; i < 5; i++)
		w.cache->place[i].give = i & 1 ? ZONAL_GIVE_YES : ZONAL_GIVE_USED;
	pfn[0] = page_at(1)->pfn;
	pfn[1] = page_at(3)->pfn;
	KT_EQ(look(LRU_INACTIVE_CACHE), 2);
	EXPECT_RECORD(FREE_BATCHED, pfn[0], 0);
	EXPECT_RECORD(FREE_BATCHED, pfn[1], 0);
	EXPECT_RECORD(SHRINK_INACTIVE, 0, 5, 2, 0, 0, 0, 0, 3, 0, 0, 7, flags);
	shrink_active(&w.scan, w.node, LRU_ACTIVE_CACHE, RECLAIM_BATCH);
	EXPECT_RECORD(SHRINK_ACTIVE, 0, 3, 0, 3, 0, 7, flags);
	zonal_trace_on(w.mm, 0);
	end();
}

/* Up to 100 MiB as many active pages as inactive ones; of 1 GiB three times as many. */
KTEST(reclaim, the_active_list_may_be_longer_the_more_memory_there_is)
{
	static const struct {
		uint64_t inactive, active;
		bool low;
	} table[] = {
		{ 100, 100, false },	   { 100, 101, true },
		{ 65536, 196608, false },  { 65536, 196609, true },
		{ 131072, 524288, false }, { 131072, 524289, true },
		{ 0, 0, false },	   { 0, 1, true },
	};
	struct lru *lru;

	if (!world(ZONAL_CACHE, 1, true))
		return;
	end();
	lru = &w.node->reclaim.lru;
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		st_relaxed(&lru->root.list[LRU_INACTIVE_CACHE].count[ZONE_DMA], table[i].inactive);
		st_relaxed(&lru->root.list[LRU_ACTIVE_CACHE].count[ZONE_DMA], table[i].active);
		KT_OK(inactive_is_low(w.node, NULL, ZONAL_CACHE) == table[i].low, "row %u", i);
	}
	st_relaxed(&lru->root.list[LRU_INACTIVE_CACHE].count[ZONE_DMA], 0);
	st_relaxed(&lru->root.list[LRU_ACTIVE_CACHE].count[ZONE_DMA], 0);
}

/* However many pages of zones above there are: interrupts are masked for 64 of them at a time. */
KTEST(reclaim, one_hold_of_the_lists_looks_at_64_pages)
{
	static const struct kt_spec two_zones = {
		.ram = { { 0, KT_DMA_PFN, 1024 }, { 0, KT_NORMAL_PFN, 4096 } },
	};
	struct zonal *mm = kt_bare_instance(&two_zones);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 200) : NULL;
	struct page *batch[RECLAIM_BATCH];
	uint64_t looked_at = 0;
	struct scan scan = { .mm = mm, .high_zone = ZONE_DMA };
	uint16_t before;

	if (!cache || !KT_EQ(kt_cache_fill(cache, 0, GFP_KERNEL, 200), 200))
		return;
	before = ld_relaxed(&mm->node[0]->reclaim.lru.lock.next);
	KT_EQ(lru_isolate(&scan, mm->node[0], LRU_INACTIVE_CACHE, RECLAIM_BATCH, batch, &looked_at),
	      0);
	KT_EQ(looked_at, 200);
	KT_EQ((uint16_t)(ld_relaxed(&mm->node[0]->reclaim.lru.lock.next) - before), 4);
	kt_cache_drop_all(cache);
	kt_check_all(mm);
}
