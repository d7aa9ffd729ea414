/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the walk asks of reclaim: the spread of dirty pages (G12) and node reclaim (K15-K17).
 *
 * Boards of several nodes; which node serves a request is the answer. Dirty pages are a cache's
 * whose pages are marked by hand.
 */
#include "kt_trace.h"

#include "mm/reclaim/reclaim.h"
#include "mm/reclaim/scan.h"
#include "mm/watermark.h"

#define WRITE (GFP_KERNEL | __GFP_WRITE | __GFP_NOWARN)
#define KERNEL (GFP_KERNEL | __GFP_NOWARN)

/* CPU 0 on node 0; node 1 has one, too; node 2, without CPUs, is near, node 3 far. */
static const struct kt_spec four = {
	.ram = { { 0, KT_DMA_PFN, 4096 },
		 { 1, KT_DMA_PFN + 4096, 4096 },
		 { 2, KT_DMA_PFN + 8192, 4096 },
		 { 3, KT_DMA_PFN + 12288, 4096 } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
	.distance = { { 10, 20, 30, 31 },
		      { 20, 10, 30, 31 },
		      { 30, 30, 10, 31 },
		      { 31, 31, 31, 10 } },
};

/* `dirty` pages of node 0 are; the limit there is a fifth of 4096 pages. */
static struct kt_cache *dirty_node_0(unsigned dirty)
{
	struct zonal *mm = kt_bare_instance(&four);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 4096) : NULL;

	if (!cache || !KT_EQ(kt_cache_fill(cache, 0, GFP_KERNEL, dirty), dirty))
		return NULL;
	mm->node[0]->total_reserve = 0;
	zonal_drain_all(mm, NULL);
	for (unsigned i = 0; i < dirty; i++)
		zonal_page_set_dirty(mm, cache->place[i].page);
	return cache;
}

KTEST(rows_g, g12_node_over_its_dirty_limit_is_passed_over_in_the_first_walk)
{
	struct kt_cache *cache = dirty_node_0(819);

	if (!cache)
		return;
	/* 819 of 4096 is a fifth: not more. */
	KT_EQ(kt_served_by(cache->mm, 0, WRITE, 0), 0);
	KT_EQ(kt_cache_fill(cache, 0, GFP_KERNEL, 1), 1);
	zonal_drain_all(cache->mm, NULL);
	zonal_page_set_dirty(cache->mm, cache->place[819].page);
	KT_EQ(kt_served_by(cache->mm, 0, WRITE, 0), ZONE_TYPES);
	/* Who dirties nothing is not asked, and who has no other node stays. */
	KT_EQ(kt_served_by(cache->mm, 0, KERNEL, 0), 0);
	KT_EQ(kt_served_by(cache->mm, 0, WRITE | __GFP_THISNODE, 0), 0);
	/* Written is clean. */
	zonal_page_set_clean(cache->mm, cache->place[0].page);
	KT_EQ(kt_served_by(cache->mm, 0, WRITE, 0), 0);
	zonal_page_writing(cache->mm, cache->place[0].page);
	KT_EQ(kt_served_by(cache->mm, 0, WRITE, 0), ZONE_TYPES);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

KTEST(rows_g, g12_plain_call_spreads_too)
{
	struct kt_cache *cache = dirty_node_0(900);
	struct page *page;

	if (!cache)
		return;
	page = zonal_alloc(cache->mm, WRITE, 0);
	KT_TRUE(page && zonal_page_node(page) == 1);
	zonal_free(cache->mm, page, 0);
	kt_cache_drop_all(cache);
}

/* All of nodes 0 to 2 is cache, nothing is free there; node 3 is empty. */
static struct kt_cache *full_nodes(unsigned mode)
{
	struct zonal *mm = kt_bare_instance(&four);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 12288) : NULL;

	if (!cache)
		return NULL;
	for (int nid = 0; nid < 3; nid++)
		kt_cache_fill(cache, nid, GFP_NOWAIT | __GFP_THISNODE | __GFP_NOWARN, 4096);
	KT_EQ(cache->count, 12288);
	KT_EQ(zonal_set_zone_reclaim_mode(mm, mode), 0);
	return cache;
}

/* Nobody gives anything. */
static struct kt_cache *busy_nodes(void)
{
	struct kt_cache *cache = full_nodes(ZONAL_RECLAIM_ZONE);

	for (unsigned i = 0; cache && i < cache->count; i++)
		cache->place[i].give = ZONAL_GIVE_BUSY;
	return cache;
}

KTEST(rows_k, k15_node_reclaim_is_off_and_then_the_walk_goes_on)
{
	struct kt_cache *cache = full_nodes(0);

	if (!cache)
		return;
	KT_EQ(kt_served_by(cache->mm, 0, KERNEL, 0), 3 * ZONE_TYPES);
	KT_EQ(cache->committed, 0);
	KT_EQ(zonal_set_zone_reclaim_mode(cache->mm, 8), ZONAL_EINVAL);
	kt_cache_drop_all(cache);
}

/* From a sixteenth of a list on, twice as much in each round: less than two lists' length in all,
 * on each of the two nodes that are near. */
KTEST(rows_k, k15_own_node_is_looked_at_harder_from_round_to_round)
{
	struct kt_cache *cache = busy_nodes();

	if (!cache)
		return;
	KT_EQ(kt_served_by(cache->mm, 0, KERNEL, 0), 3 * ZONE_TYPES);
	KT_OK(cache->asked_give > 2 * 4096 && cache->asked_give < 4 * 4096, "%llu were asked for",
	      (unsigned long long)cache->asked_give);
	kt_cache_drop_all(cache);
}

KTEST(rows_k, k15_k17_own_node_is_reclaimed_before_a_farther_one_is_asked)
{
	struct kt_cache *cache = full_nodes(ZONAL_RECLAIM_ZONE);

	if (!cache || !trace_begin(cache->mm, ZONAL_TRACE_BIT(NEAR_BEGIN) |
						      ZONAL_TRACE_BIT(NEAR_END)))
		return;
	KT_EQ(kt_served_by(cache->mm, 0, KERNEL, 0), 0);
	NEXT_IS(cache->mm, NEAR_BEGIN, 0, 0, KERNEL);
	NEXT_IS(cache->mm, NEAR_END, (uint32_t)cache->committed);
	nothing_more(cache->mm);
	zonal_trace_on(cache->mm, 0);
	/* One round at priority 4: a sixteenth of 4096 pages. */
	KT_TRUE(cache->committed >= 32 && cache->committed <= 256);
	KT_EQ(cache->last_may, ZONAL_MAY_WAIT | ZONAL_MAY_FS);
	KT_EQ(kt_event(cache->mm, EVENT_ZONE_RECLAIM_FAILED), 0);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

/* What the owner does for a request is done with the request's own scopes. */
static uint32_t flags_in_give;

static void note_flags(struct kt_cache *cache, unsigned place)
{
	(void)cache;
	(void)place;
	flags_in_give = port_this_cpu()->task->flags;
}

KTEST(rows_k, k17_scopes_of_who_asks_hold_inside_and_afterwards)
{
	struct kt_cache *cache = full_nodes(ZONAL_RECLAIM_ZONE);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!cache)
		return;
	cache->on_give = note_flags;
	task->flags = ZTASK_NOFS;
	KT_EQ(kt_served_by(cache->mm, 0, KERNEL, 0), 0);
	KT_TRUE(cache->committed > 0);
	KT_EQ(flags_in_give, ZTASK_NOFS | ZTASK_MEMALLOC);
	KT_EQ(task->flags, ZTASK_NOFS);
	kt_task_restore(&saved);
	cache->on_give = NULL;
	kt_cache_drop_all(cache);
}

KTEST(rows_k, k16_who_may_not_reclaim_here)
{
	struct kt_cache *cache = full_nodes(ZONAL_RECLAIM_ZONE);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!cache)
		return;
	/* may not wait; works for reclaim */
	KT_EQ(kt_served_by(cache->mm, 0, GFP_NOWAIT, 0), 3 * ZONE_TYPES);
	task->flags = ZTASK_MEMALLOC;
	KT_EQ(kt_served_by(cache->mm, 0, KERNEL, 0), 3 * ZONE_TYPES);
	task->flags = 0;
	/* Somebody else is at it. */
	st_relaxed(&cache->mm->node[0]->reclaim.near, 1);
	st_relaxed(&cache->mm->node[2]->reclaim.near, 1);
	KT_EQ(kt_served_by(cache->mm, 0, KERNEL, 0), 3 * ZONE_TYPES);
	KT_EQ(cache->committed, 0);
	/* Pages that are free below the marks are not for who comes second. */
	for (unsigned i = 0; i < 8; i++)
		kt_cache_drop(cache, i);
	zonal_drain_all(cache->mm, NULL);
	kt_close_zone(kt_zone(cache->mm, 0, ZONE_DMA));
	KT_EQ(kt_served_by(cache->mm, 0, KERNEL, 0), 3 * ZONE_TYPES);
	st_relaxed(&cache->mm->node[0]->reclaim.near, 0);
	st_relaxed(&cache->mm->node[2]->reclaim.near, 0);
	kt_task_restore(&saved);
	kt_cache_drop_all(cache);
}

KTEST(rows_k, k16_node_with_cpus_of_its_own_is_theirs_and_one_without_is_anybodys)
{
	struct kt_cache *cache = full_nodes(ZONAL_RECLAIM_ZONE);

	if (!cache)
		return;
	for (unsigned i = 0; i < 4096; i++)
		kt_cache_drop(cache, i);
	/* Node 0 has no cache, and all of it is in use. */
	zonal_drain_all(cache->mm, NULL);
	kt_close_zone(kt_zone(cache->mm, 0, ZONE_DMA));
	KT_EQ(kt_served_by(cache->mm, 0, KERNEL, 0), 2 * ZONE_TYPES);
	for (unsigned i = 4096; i < 8192; i++)
		KT_OK(!cache->place[i].gone, "place %u of node 1 went", i);
	KT_TRUE(cache->committed > 0);
	kt_cache_drop_all(cache);
}

KTEST(rows_k, k16_little_cache_or_dirty_cache_is_left_alone_unless_it_may_write)
{
	struct kt_cache *cache = full_nodes(ZONAL_RECLAIM_ZONE);

	if (!cache)
		return;
	for (unsigned i = 0; i < cache->count; i++)
		zonal_page_set_dirty(cache->mm, cache->place[i].page);
	KT_EQ(kt_served_by(cache->mm, 0, KERNEL, 0), 3 * ZONE_TYPES);
	KT_EQ(cache->asked_give, 0);
	KT_EQ(zonal_set_zone_reclaim_mode(cache->mm, ZONAL_RECLAIM_ZONE | ZONAL_RECLAIM_WRITE), 0);
	KT_EQ(kt_served_by(cache->mm, 0, KERNEL, 0), 0);
	KT_EQ(cache->last_may, ZONAL_MAY_WAIT | ZONAL_MAY_FS | ZONAL_MAY_WRITE);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

KTEST(rows_k, k17_too_few_pages_are_an_event_and_the_walk_goes_on)
{
	struct kt_cache *cache = busy_nodes();

	if (!cache)
		return;
	KT_EQ(kt_served_by(cache->mm, 0, KERNEL, 0), 3 * ZONE_TYPES);
	/* nodes 0 and 2; node 1 has its own CPU, node 3 is too far */
	KT_EQ(kt_event(cache->mm, EVENT_ZONE_RECLAIM_FAILED), 2);
	/* Who may use no other fails by the first walk, and by one that goes down to MIN. */
	KT_TRUE(!zonal_alloc_node(cache->mm, 0, KERNEL | __GFP_THISNODE | __GFP_NORETRY, 0));
	KT_EQ(kt_event(cache->mm, EVENT_ZONE_RECLAIM_FAILED), 4);
	kt_cache_drop_all(cache);
}

/* As many pages as the block has are enough, fewer are not. */
KTEST(rows_k, k17_as_many_pages_as_the_request_wants_are_enough)
{
	struct kt_cache *cache;

	for (unsigned give = 0; give < 2; give++) {
		cache = busy_nodes();
		if (!cache)
			return;
		for (unsigned i = 0; i < give; i++)
			cache->place[i].give = ZONAL_GIVE_YES;
		KT_EQ(kt_served_by(cache->mm, 0, KERNEL, 0), give ? 0 : 3 * ZONE_TYPES);
		KT_EQ(kt_event(cache->mm, EVENT_ZONE_RECLAIM_FAILED), give ? 0 : 2);
		/* The first round found it, among a sixteenth of 4096 pages. */
		KT_EQ(cache->asked_give <= 256, give > 0);
		kt_cache_drop_all(cache);
	}
}

KTEST(rows_k, k17_a_block_is_reclaimed_for_too)
{
	struct kt_cache *cache = full_nodes(ZONAL_RECLAIM_ZONE);

	if (!cache)
		return;
	KT_EQ(kt_served_by(cache->mm, 0, KERNEL, 1), 0);
	KT_TRUE(cache->committed >= 2);
	kt_cache_drop_all(cache);
}

KTEST(rows_k, k17_mode_says_what_owners_may_do_and_anonymous_pages_are_asked_too)
{
	struct kt_cache *cache = full_nodes(ZONAL_RECLAIM_ZONE | ZONAL_RECLAIM_UNMAP), *anon;

	if (!cache)
		return;
	/* Half of node 0 is anonymous, and most of its cache is in use, or that alone would go. */
	for (unsigned i = 0; i < 2048; i++)
		kt_cache_drop(cache, i);
	for (unsigned i = 0; i < 2 * 1536; i++)
		zonal_page_touch(cache->mm, cache->place[2048 + i / 2].page);
	anon = kt_cache(cache->mm, ZONAL_ANON, 4096);
	if (!anon)
		return;
	kt_cache_fill(anon, 0, GFP_NOWAIT | __GFP_THISNODE | __GFP_NOWARN, 4096);
	st_relaxed(&cache->mm->swap_free, 4096);
	KT_EQ(kt_served_by(cache->mm, 0, KERNEL, 0), 0);
	KT_TRUE(anon->asked_give > 0);
	KT_EQ(anon->last_may, ZONAL_MAY_WAIT | ZONAL_MAY_FS | ZONAL_MAY_UNMAP);
	kt_check_all(cache->mm);
	kt_cache_drop_all(anon);
	kt_cache_drop_all(cache);
}

/* ---- nodes of two zones ---- */

static const struct kt_spec two_zones = {
	.ram = { { 0, KT_NORMAL_PFN - 4096, 4096 },
		 { 0, KT_NORMAL_PFN, 4096 },
		 { 1, KT_NORMAL_PFN + 4096, 4096 } },
};

KTEST(rows_g, g12_all_zones_of_a_node_can_be_dirty)
{
	struct zonal *mm = kt_bare_instance(&two_zones);
	struct lru *lru = mm ? &mm->node[0]->reclaim.lru : NULL;

	if (!mm)
		return;
	mm->node[0]->total_reserve = 0;
	/* A fifth of 8192. */
	st_relaxed(&lru->dirty, 1600);
	st_relaxed(&lru->writing, 38);
	KT_TRUE(node_takes_dirty(mm, 0));
	st_relaxed(&lru->writing, 39);
	KT_TRUE(!node_takes_dirty(mm, 0));
	/* What is reserved is no room. */
	st_relaxed(&lru->writing, 0);
	mm->node[0]->total_reserve = 192;
	KT_TRUE(node_takes_dirty(mm, 0));
	mm->node[0]->total_reserve = 193;
	KT_TRUE(!node_takes_dirty(mm, 0));
	st_relaxed(&lru->dirty, 0);
}

KTEST(rows_k, k16_more_than_a_hundredth_of_all_zones_must_be_cache)
{
	static struct kt_spec spec;

	/* A hundredth of 8199 is 81, of one page more 82. */
	spec = two_zones;
	spec.ram[1].pages += 7;
	spec.ram[2].start += 7;
	for (unsigned pages = 81; pages <= 82; pages++) {
		struct zonal *mm = kt_bare_instance(&spec);
		struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 82) : NULL;
		struct page *chain = NULL;

		if (!cache)
			return;
		kt_cache_fill(cache, 0, GFP_NOWAIT, pages);
		kt_take_all(mm, 0, GFP_NOWAIT | __GFP_THISNODE | __GFP_NOWARN, 0, &chain);
		KT_EQ(zonal_set_zone_reclaim_mode(mm, ZONAL_RECLAIM_ZONE), 0);
		zonal_free(mm, zonal_alloc(mm, KERNEL, 0), 0);
		KT_EQ(cache->asked_give > 0, pages == 82);
		kt_give_all(mm, chain, 0);
		kt_cache_drop_all(cache);
		kt_check_all(mm);
	}
}
