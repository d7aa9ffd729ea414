/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How far direct reclaim goes, and what its record says of that.
 *
 * The board is in use to the last page, and only some of them can be given up. The fewer they are,
 * the harder a round must look: a list of one page is looked at in the last round alone.
 */
#include "kt_cache.h"

#include <string.h>

#include <zonal/claim.h>
#include <zonal/trace.h>

#include "mm/reclaim/reclaim.h"
#include "mm/reclaim/scan.h"
#include "mm/wake.h"
#include "mm/watermark.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 2048 } } };

#define KERNEL (GFP_KERNEL | __GFP_NOWARN)

/* A board without a free page, of which a cache has `pages`; *rest is the others. */
static struct kt_cache *used_up(unsigned pages, struct page **rest)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 2048) : NULL;

	*rest = NULL;
	if (!cache || !KT_EQ(kt_cache_fill(cache, 0, GFP_KERNEL, pages), pages))
		return NULL;
	kt_take_all(mm, 0, GFP_NOWAIT | __GFP_NOWARN, 0, rest);
	return cache;
}

KTEST(reclaim, the_only_page_that_can_go_is_found_in_the_last_round)
{
	struct page *rest, *page;
	struct kt_cache *cache = used_up(1, &rest);

	if (!cache)
		return;
	page = zonal_alloc(cache->mm, KERNEL | __GFP_NORETRY, 0);
	KT_TRUE(page);
	KT_EQ(cache->committed, 1);
	zonal_free(cache->mm, page, 0);
	kt_give_all(cache->mm, rest, 0);
	kt_check_all(cache->mm);
}

/* Of larger blocks a smaller one is as good, so nobody is disturbed for those. */
KTEST(claim, what_can_go_goes_for_blocks_of_its_own_order_alone)
{
	struct zonal_claim_part part = { .nid = 0, .pages = 64 };
	struct zonal_claim claim = { .parts = 1, .part = &part, .gfp = KERNEL };
	struct page *rest;
	struct kt_cache *cache = used_up(600, &rest);

	if (!cache)
		return;
	memcpy(claim.owner, "guest", 6);
	KT_EQ(zonal_claim_make(cache->mm, &claim), 0);
	KT_EQ(zonal_claimed_pages(cache->mm, 0), 64);
	KT_TRUE(cache->committed >= 64);
	KT_EQ(kt_event(cache->mm, EVENT_COMPACTSTALL), 0);
	KT_EQ(cache->asked_move, 0);
	zonal_claim_drop(&claim);
	kt_cache_drop_all(cache);
	kt_give_all(cache->mm, rest, 0);
	kt_check_all(cache->mm);
}

KTEST(reclaim, failure_tells_of_every_page_that_was_looked_at)
{
	struct zonal_failure failure;
	struct page *rest;
	struct kt_cache *cache = used_up(600, &rest);

	if (!cache)
		return;
	for (unsigned i = 0; i < cache->count; i++)
		cache->place[i].give = ZONAL_GIVE_BUSY;
	KT_TRUE(!zonal_alloc(cache->mm, KERNEL | __GFP_NORETRY, 0));
	zonal_last_failure(cache->mm, &failure);
	/* 600 >> priority: 1 + 2 + 4 + 9 + 18 + 37 + 75 + 150 + 300 + 600 */
	KT_EQ(failure.scanned, 1196);
	KT_EQ(failure.scanned, kt_event(cache->mm, EVENT_PGSCAN_DIRECT));
	kt_give_all(cache->mm, rest, 0);
	kt_cache_drop_all(cache);
}

/* ---- which nodes, and how often ---- */

/* A request of node 0's list that reclaims once, with what it may use. */
static uint64_t reclaimed_by(struct zonal *mm, nodemask_t nodes, nodemask_t cpuset, unsigned zone,
			     struct retry *retry)
{
	struct alloc_req req = { .mm = mm,
				 .task = port_this_cpu()->task,
				 .list = &mm->node[0]->fallback,
				 .gfp = GFP_USER,
				 .nodemask = NODEMASK_ALL,
				 .high_zone = (uint8_t)zone };
	struct alloc_pass pass = { .gfp = GFP_USER, .nodemask = nodes, .cpuset = cpuset,
				   .wall = cpuset };

	return reclaim_for(&req, &pass, retry);
}

KTEST(reclaim, only_nodes_that_the_request_may_use_are_reclaimed)
{
	static const struct kt_spec pair = {
		.ram = { { 0, KT_DMA_PFN, 2048 }, { 1, KT_DMA_PFN + 2048, 2048 } },
	};
	static const struct {
		nodemask_t nodes, cpuset;
		unsigned from;
	} table[] = {
		{ ~(nodemask_t)0, ~(nodemask_t)0, 3 }, { 1, ~(nodemask_t)0, 1 },
		{ 2, ~(nodemask_t)0, 2 },	       { ~(nodemask_t)0, 2, 2 },
		{ 1, 2, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		struct zonal *mm = kt_bare_instance(&pair);
		struct kt_cache *cache[2] = { NULL, NULL };
		struct retry retry = { .scanned = 7, .reclaimed = 5 };
		uint64_t freed;

		for (unsigned n = 0; mm && n < 2; n++) {
			cache[n] = kt_cache(mm, ZONAL_CACHE, 2048);
			if (!cache[n])
				return;
			kt_cache_fill(cache[n], (int)n, GFP_NOWAIT | __GFP_THISNODE, 1024);
		}
		if (!mm)
			return;
		freed = reclaimed_by(mm, table[i].nodes, table[i].cpuset, ZONE_NORMAL, &retry);
		for (unsigned n = 0; n < 2; n++)
			KT_OK((cache[n]->committed > 0) == (table[i].from >> n & 1),
			      "row %u, node %u: %llu pages", i, n,
			      (unsigned long long)cache[n]->committed);
		KT_EQ(freed, cache[0]->committed + cache[1]->committed);
		KT_EQ(retry.reclaimed, 5 + freed);
		KT_EQ(retry.scanned, 7 + kt_event(mm, EVENT_PGSCAN_DIRECT));
		kt_cache_drop_all(cache[0]);
		kt_cache_drop_all(cache[1]);
	}
}

/* Once in a round, however many zones it has; and pages of zones above are passed over. */
KTEST(reclaim, a_node_with_two_zones_is_reclaimed_once_in_a_round)
{
	static const struct kt_spec zones = {
		.ram = { { 0, KT_NORMAL_PFN - 1024, 1024 }, { 0, KT_NORMAL_PFN, 1024 } },
	};
	struct zonal *mm = kt_bare_instance(&zones);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 2048) : NULL;
	struct retry retry = { .scanned = 0 };
	uint64_t planned = 0;

	if (!cache)
		return;
	kt_cache_fill(cache, 0, GFP_NOWAIT, 600);
	for (unsigned i = 0; i < cache->count; i++)
		cache->place[i].give = ZONAL_GIVE_BUSY;
	for (unsigned priority = 0; priority <= RECLAIM_PRIORITY; priority++)
		planned += cache->count >> priority;
	KT_EQ(reclaimed_by(mm, NODEMASK_ALL, NODEMASK_ALL, ZONE_NORMAL, &retry), 0);
	KT_EQ(cache->asked_give, planned);
	KT_EQ(kt_event(mm, EVENT_ALLOCSTALL_NORMAL), 1);
	/* None of them is in zone DMA. */
	cache->asked_give = 0;
	KT_EQ(reclaimed_by(mm, NODEMASK_ALL, NODEMASK_ALL, ZONE_DMA, &retry), 0);
	KT_EQ(cache->asked_give, 0);
	KT_EQ(kt_event(mm, EVENT_ALLOCSTALL_DMA), 1);
	KT_EQ(zone_reclaimable(kt_zone(mm, 0, ZONE_NORMAL)), 600);
	KT_EQ(zone_reclaimable(kt_zone(mm, 0, ZONE_DMA)), 0);
	kt_cache_drop_all(cache);
	kt_check_all(mm);
}

/* K11: where one node has room that compaction can make a block of, another one is reclaimed a
 * little all the same, and that is progress. */
KTEST(rows_k, k11_behind_a_zone_that_is_ready_for_compaction_others_are_reclaimed)
{
	static const struct kt_spec pair = {
		.ram = { { 0, KT_DMA_PFN, 4096 }, { 1, KT_DMA_PFN + 4096, 8192 } },
	};
	struct zonal *mm = kt_bare_instance(&pair);
	struct kt_cache *half = mm ? kt_cache(mm, ZONAL_CACHE, 4096) : NULL;
	struct kt_cache *full = half ? kt_cache(mm, ZONAL_CACHE, 8192) : NULL;
	struct alloc_req req = { .mm = mm, .task = port_this_cpu()->task, .order = 9,
				 .list = mm ? &mm->node[0]->fallback : NULL, .gfp = GFP_USER,
				 .nodemask = NODEMASK_ALL, .high_zone = ZONE_NORMAL };
	struct alloc_pass pass = { .gfp = GFP_USER, .nodemask = NODEMASK_ALL,
				   .cpuset = NODEMASK_ALL, .wall = NODEMASK_ALL };
	struct retry retry = { .scanned = 0 };

	if (!full)
		return;
	kt_cache_fill(half, 0, GFP_NOWAIT | __GFP_THISNODE | __GFP_NOWARN, 4096);
	kt_cache_fill(full, 1, GFP_NOWAIT | __GFP_THISNODE | __GFP_NOWARN, 8192);
	for (unsigned i = 0; i < half->count; i += 2)
		kt_cache_drop(half, i);
	zonal_drain_all(mm, NULL);
	KT_TRUE(reclaim_for(&req, &pass, &retry) > 0);
	KT_EQ(half->asked_give, 0);
	KT_EQ(full->asked_give, 8192 >> RECLAIM_PRIORITY);
	kt_cache_drop_all(half);
	kt_cache_drop_all(full);
	kt_check_all(mm);
}

KTEST(reclaim, anonymous_pages_count_where_they_can_be_written)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_ANON, 64) : NULL;
	struct retry retry = { .scanned = 0 };

	if (!cache)
		return;
	kt_cache_fill(cache, 0, GFP_NOWAIT, 64);
	KT_EQ(zone_reclaimable(kt_zone(mm, 0, ZONE_DMA)), 0);
	KT_EQ(reclaimed_by(mm, NODEMASK_ALL, NODEMASK_ALL, ZONE_NORMAL, &retry), 0);
	zonal_swap_room(mm, 64);
	KT_EQ(zone_reclaimable(kt_zone(mm, 0, ZONE_DMA)), 64);
	KT_TRUE(reclaimed_by(mm, NODEMASK_ALL, NODEMASK_ALL, ZONE_NORMAL, &retry) >= 32);
	zonal_swap_room(mm, -64);
	kt_cache_drop_all(cache);
	kt_check_all(mm);
}

/* K2: who sleeps is woken for a node in need, unless it is hopeless. */
KTEST(trace, kswapd_is_seen_to_be_asked_if_it_sleeps_and_there_is_hope)
{
	static struct zonal_trace_record slots[8], record;
	struct zonal *mm = kt_bare_instance(&uma);
	struct node_reclaim *r;

	if (!mm || !KT_EQ(zonal_trace_attach(mm, kt_cpu_id(0), slots, sizeof(slots)), 0))
		return;
	r = &mm->node[0]->reclaim;
	zonal_trace_on(mm, ZONAL_TRACE_BIT(KSWAPD_ASKED));
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	for (unsigned asleep = 0; asleep < 2; asleep++)
		for (unsigned hopeless = 0; hopeless < 2; hopeless++) {
			st_relaxed(&r->asleep, (uint8_t)asleep);
			st_relaxed(&r->failures, hopeless ? KSWAPD_HOPELESS : 0);
			kswapd_ask(mm, mm->node[0], 2, ZONE_DMA, GFP_KERNEL);
			KT_EQ(zonal_trace_read(mm, kt_cpu_id(0), &record, 1), asleep && !hopeless);
		}
	/* A balanced node needs nobody. */
	kt_marks(kt_zone(mm, 0, ZONE_DMA), 0, 0, 0);
	st_relaxed(&r->failures, 0);
	kswapd_ask(mm, mm->node[0], 2, ZONE_DMA, GFP_KERNEL);
	KT_EQ(zonal_trace_read(mm, kt_cpu_id(0), &record, 1), 0);
	zonal_trace_on(mm, 0);
}

KTEST(trace, direct_reclaim_is_seen_from_the_request_to_what_it_got)
{
	static struct zonal_trace_record slots[8], record;
	struct zonal *mm = kt_bare_instance(&uma);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 2048) : NULL;
	struct retry retry = { .scanned = 0 };
	uint64_t freed;

	if (!cache || !KT_EQ(zonal_trace_attach(mm, kt_cpu_id(0), slots, sizeof(slots)), 0))
		return;
	kt_cache_fill(cache, 0, GFP_NOWAIT, 1024);
	zonal_trace_on(mm, ZONAL_TRACE_BIT(RECLAIM_BEGIN) | ZONAL_TRACE_BIT(RECLAIM_END));
	freed = reclaimed_by(mm, NODEMASK_ALL, NODEMASK_ALL, ZONE_NORMAL, &retry);
	zonal_trace_on(mm, 0);
	KT_EQ(zonal_trace_read(mm, kt_cpu_id(0), &record, 1), 1);
	KT_EQ(record.point, ZONAL_TRACE_RECLAIM_BEGIN);
	KT_EQ(record.field[0], 0);
	KT_EQ(record.field[1], GFP_USER);
	KT_EQ(zonal_trace_read(mm, kt_cpu_id(0), &record, 1), 1);
	KT_EQ(record.point, ZONAL_TRACE_RECLAIM_END);
	KT_EQ(record.field[0], freed);
	KT_TRUE(!zonal_trace_peek(mm, kt_cpu_id(0), &record));
	kt_cache_drop_all(cache);
}
