/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is asked of the port while memory is short: to wake kswapd or kcompactd, to let others run,
 * to nap. Each call is counted instead (port_watch.h), and a nap can be the moment in which
 * somebody else gives memory back.
 *
 * A node whose kcompactd sleeps, and requests for an order in a zone: it is woken if compaction
 * could begin in some zone up to the one named, and else only told. Whoever runs in other threads
 * of the program is not counted.
 */
#include "kt_scattered.h"
#include "port_watch.h"

#include <zonal/contig.h>
#include <zonal/trace.h>
#include <zonal/tunables.h>

#include "mm/compact/compact.h"
#include "mm/reclaim/reclaim.h"
#include "mm/wake.h"

/* X1: with a block above MIN nothing would come of it, whatever the other marks say. */
KTEST(rows_x, x14_kcompactd_is_not_woken_where_a_block_is_above_min)
{
	struct zonal *mm = kt_bare_instance(&eight_blocks);
	struct node *node = mm ? mm->node[0] : NULL;

	if (!mm)
		return;
	(void)zonal_kcompactd_turn(mm, 0);
	watch_wakes(mm);
	kt_marks(kt_zone(mm, 0, ZONE_DMA), 0, 2 * PAGES, 2 * PAGES);
	kcompactd_ask(mm, node, 3, ZONE_DMA);
	KT_EQ(wakes.count, 0);
	kt_marks(kt_zone(mm, 0, ZONE_DMA), PAGES - 16, 2 * PAGES, 2 * PAGES);
	kcompactd_ask(mm, node, 3, ZONE_DMA);
	KT_EQ(wakes.count, 0);
	watch_wakes(NULL);
}

/* X1, X2: what memory is too short for is not worth it for kcompactd either. */
KTEST(rows_x, x14_kcompactd_is_not_woken_for_a_costly_block_that_memory_is_too_short_for)
{
	struct page *block[PAGES >> 8];
	struct zonal *mm = half_in_blocks(block);

	if (!mm)
		return;
	KT_EQ(compact_index(kt_zone(mm, 0, ZONE_DMA), 9), 375);
	(void)zonal_kcompactd_turn(mm, 0);
	watch_wakes(mm);
	kcompactd_ask(mm, mm->node[0], 9, ZONE_DMA);
	KT_EQ(wakes.count, 0);
	watch_wakes(NULL);
}

/* X14: the zone that is worth it need not be the first one. */
KTEST(rows_x, x14_kcompactd_is_woken_for_a_zone_behind_one_that_is_not_worth_it)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_NORMAL_PFN - BLOCK, BLOCK }, { 0, KT_NORMAL_PFN, PAGES } },
	};
	struct kt_cache *cache = scattered_on(&spec, ZONE_NORMAL);

	if (!cache)
		return;
	(void)zonal_kcompactd_turn(cache->mm, 0);
	watch_wakes(cache->mm);
	kcompactd_ask(cache->mm, cache->mm->node[0], PAGEBLOCK_ORDER, ZONE_DMA32);
	KT_EQ(wakes.count, 0);
	kcompactd_ask(cache->mm, cache->mm->node[0], PAGEBLOCK_ORDER, ZONE_NORMAL);
	KT_EQ(wakes.count, 1);
	watch_wakes(NULL);
	kt_cache_drop_all(cache);
}

/* X15: each that may sleep for ever looks again, unless there is nothing to look for. */
KTEST(rows_x, x15_kcompactd_of_every_node_is_woken_by_the_tunable)
{
	static const struct kt_spec pair = {
		.ram = { { 0, KT_DMA_PFN, PAGES }, { 1, KT_DMA_PFN + PAGES, PAGES } },
	};
	struct zonal *mm = kt_bare_instance(&pair);

	if (!mm)
		return;
	watch_wakes(mm);
	KT_EQ(zonal_set_proactiveness(mm, 0), 0);
	KT_EQ(wakes.count, 0);
	KT_EQ(zonal_set_proactiveness(mm, 20), 0);
	KT_EQ(wakes.count, 2);
	KT_EQ(wakes.nodes, node_bit(0) | node_bit(1));
	watch_wakes(NULL);
}

/* K2: who lies down after nothing to do is woken for the node's sake alone. */
KTEST(rows_k, k2_kswapd_is_woken_if_it_sleeps_and_its_node_is_in_need)
{
	struct zonal *mm = kt_bare_instance(&eight_blocks);
	struct node_reclaim *r = mm ? &mm->node[0]->reclaim : NULL;

	if (!mm)
		return;
	(void)zonal_kswapd_turn(mm, 0, false);
	KT_TRUE(ld_relaxed(&r->asleep));
	watch_wakes(mm);
	kswapd_ask(mm, mm->node[0], 0, ZONE_NORMAL, GFP_KERNEL);
	KT_EQ(wakes.count, 0);
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	kswapd_ask(mm, mm->node[0], 0, ZONE_NORMAL, GFP_KERNEL);
	KT_EQ(wakes.count, 1);
	st_relaxed(&r->asleep, false);
	kswapd_ask(mm, mm->node[0], 0, ZONE_NORMAL, GFP_KERNEL);
	KT_EQ(wakes.count, 1);
	watch_wakes(NULL);
}

static void too_little_to_work_with(struct kt_cache *cache, bool really)
{
	int64_t mark = really ? PAGES / 2 : 0;

	kt_marks(kt_zone(cache->mm, 0, ZONE_DMA), 0, mark, mark);
}

KTEST(rows_x, x14_kcompactd_is_woken_if_it_sleeps_and_a_zone_is_worth_it)
{
	static struct zonal_trace_record ring[8];
	struct kt_cache *cache = scattered();
	struct zonal_trace_record record;
	struct node *node;

	if (!cache || !KT_EQ(zonal_trace_attach(cache->mm, kt_cpu_id(0), ring, sizeof(ring)), 0))
		return;
	zonal_trace_on(cache->mm, ZONAL_TRACE_BIT(KCOMPACTD_ASKED));
	node = cache->mm->node[0];
	watch_wakes(cache->mm);
	/* It has not begun yet. */
	kcompactd_ask(cache->mm, node, PAGEBLOCK_ORDER, ZONE_DMA);
	KT_EQ(wakes.count, 0);
	KT_EQ(ld_relaxed(&node->compact.wanted_order), PAGEBLOCK_ORDER);
	too_little_to_work_with(cache, true);
	(void)zonal_kcompactd_turn(cache->mm, 0);
	KT_TRUE(ld_relaxed(&node->compact.asleep));
	kcompactd_ask(cache->mm, node, PAGEBLOCK_ORDER, ZONE_DMA);
	KT_EQ(wakes.count, 0);
	too_little_to_work_with(cache, false);
	/* The memory is in the very zone that is named. */
	kcompactd_ask(cache->mm, node, PAGEBLOCK_ORDER, ZONE_DMA);
	KT_EQ(wakes.count, 1);
	KT_EQ(zonal_trace_read(cache->mm, kt_cpu_id(0), &record, 1), 1);
	KT_EQ(record.point, ZONAL_TRACE_KCOMPACTD_ASKED);
	KT_EQ(record.field[1], PAGEBLOCK_ORDER);
	KT_EQ(record.field[2], ZONE_DMA);
	/* A single page is no reason. */
	kcompactd_ask(cache->mm, node, 0, ZONE_DMA);
	KT_EQ(wakes.count, 1);
	KT_TRUE(!zonal_trace_peek(cache->mm, kt_cpu_id(0), &record));
	KT_EQ(wakes.nodes, node_bit(0));
	zonal_trace_on(cache->mm, 0);
	watch_wakes(NULL);
	all_is_well(cache);
}

static void ask_meanwhile(struct kt_cache *cache, unsigned place)
{
	if (place == 0)
		kcompactd_ask(cache->mm, cache->mm->node[0], PAGEBLOCK_ORDER, ZONE_DMA);
}

/* Who is at work is not woken; it sees at its end that there is more to do. */
KTEST(rows_x, x14_kcompactd_that_works_is_told_without_being_woken)
{
	struct kt_cache *cache = scattered();

	if (!cache)
		return;
	too_little_to_work_with(cache, false);
	KT_EQ(zonal_kcompactd_turn(cache->mm, 0), UINT64_MAX);
	kcompactd_ask(cache->mm, cache->mm->node[0], PAGEBLOCK_ORDER, ZONE_DMA);
	watch_wakes(cache->mm);
	cache->on_move = ask_meanwhile;
	KT_EQ(zonal_kcompactd_turn(cache->mm, 0), 0);
	KT_TRUE(cache->asked_move > 0);
	KT_EQ(wakes.count, 0);
	cache->on_move = NULL;
	KT_EQ(zonal_kcompactd_turn(cache->mm, 0), UINT64_MAX);
	watch_wakes(NULL);
	all_is_well(cache);
}

/* How often others ran while all blocks of a board but the last were passed over. */
static unsigned gave_way_in(unsigned blocks)
{
	struct kt_spec board = { .ram = { { 0, KT_DMA_PFN, blocks * (uint64_t)BLOCK } } };
	struct zonal *mm = kt_bare_instance(&board);
	struct zonal_task *task = port_this_cpu()->task;
	static struct compact c;

	if (!mm)
		return 0;
	for (unsigned b = 0; b < blocks; b++)
		fetch_or_relaxed(&mm_page(mm, KT_DMA_PFN + b * BLOCK)->block, BLOCK_SKIP);
	c = (struct compact){ .mm = mm,
			      .zone = kt_zone(mm, 0, ZONE_DMA),
			      .order = COMPACT_WHOLE,
			      .high_zone = ZONE_MOVABLE,
			      .mode = MOVE_SYNC_LIGHT };
	task->flags |= ZTASK_MEMALLOC;
	watch_port();
	KT_EQ(compact_zone(&c), COMPACT_COMPLETE);
	unwatch_port();
	task->flags &= ~ZTASK_MEMALLOC;
	KT_EQ(c.used_scanned, 0);
	return kt_ways;
}

KTEST(rows_x, x9_others_run_after_every_32_blocks_that_are_passed_over)
{
	/* And once at the end of the round. */
	KT_EQ(gave_way_in(1 + 31), 0 + 1);
	KT_EQ(gave_way_in(1 + 32), 1 + 1);
	KT_EQ(gave_way_in(1 + 63), 1 + 1);
	KT_EQ(gave_way_in(1 + 64), 2 + 1);
}

/* R4: where nothing has to be written first, the others run a moment. */
KTEST(rows_r, r4_others_run_before_another_round)
{
	struct zonal *mm = kt_bare_instance(&eight_blocks);
	const struct zonelist *list = mm ? &mm->node[0]->fallback : NULL;
	struct alloc_req req = { .mm = mm, .task = port_this_cpu()->task, .list = list,
				 .nodemask = NODEMASK_ALL, .high_zone = ZONE_NORMAL };
	struct alloc_pass pass = { .gfp = GFP_KERNEL, .nodemask = NODEMASK_ALL };
	struct retry retry = { .progress = 1 };

	if (!mm)
		return;
	watch_port();
	KT_TRUE(retry_worth(&req, &pass, &retry));
	unwatch_port();
	KT_EQ(kt_ways, 1);
	KT_EQ(kt_naps, 0);
}

/* R2: the reserve of a node that the request may not use is of no use to it. */
KTEST(rows_r, r2_reserves_are_given_up_within_the_nodes_of_the_pass)
{
	static const struct kt_spec pair = {
		.ram = { { 0, KT_DMA_PFN, PAGES }, { 1, KT_DMA_PFN + PAGES, PAGES } },
	};
	struct zonal *mm = kt_bare_instance(&pair);
	const struct zonelist *list = mm ? &mm->node[0]->fallback : NULL;
	struct alloc_req req = { .mm = mm, .task = port_this_cpu()->task, .list = list,
				 .nodemask = NODEMASK_ALL, .high_zone = ZONE_NORMAL };
	struct alloc_pass pass = { .gfp = GFP_KERNEL, .nodemask = node_bit(1) };
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
	struct retry retry = { .no_progress = 16 };
	struct page *page;

	if (!mm)
		return;
	kt_marks(zone, 0, 1 << 20, 1 << 20);
	page = zonal_alloc_node(mm, 0, GFP_ATOMIC | __GFP_THISNODE, 1);
	KT_EQ(ld_relaxed(&zone->highatomic), BLOCK);
	KT_TRUE(!retry_worth(&req, &pass, &retry));
	KT_EQ(ld_relaxed(&zone->highatomic), BLOCK);
	pass.nodemask = node_bit(0);
	KT_TRUE(retry_worth(&req, &pass, &retry));
	KT_EQ(ld_relaxed(&zone->highatomic), 0);
	zonal_free(mm, page, 1);
	kt_marks(zone, 0, 0, 0);
	kt_check_all(mm);
}

/* ---- naps ---- */

/* Longer than others are waited for before somebody is to be ended, which is 16 naps (O6): for the
 * rest who may not fail waits on his own. */
enum { LAST = 40 };

static struct {
	struct zonal *mm;
	struct page *page; /* given back in nap LAST */
	unsigned naps;
} other;

static void gives_one_back(void)
{
	if (++other.naps == LAST && other.page) {
		zonal_free(other.mm, other.page, 0);
		zonal_drain_all(other.mm, NULL);
		other.page = NULL;
	}
}

static bool no_frame;

/* Nobody naps before the first try of a range. */
KTEST(rows_a, a5_a_range_that_can_be_emptied_is_had_without_a_nap)
{
	struct kt_cache *cache = scattered();

	if (!cache)
		return;
	watch_port();
	KT_EQ(zonal_alloc_contig_range(cache->mm, KT_DMA_PFN, 2 * BLOCK, GFP_KERNEL), 0);
	unwatch_port();
	KT_EQ(kt_naps, 0);
	KT_TRUE(cache->moved > 0);
	KT_EQ(zonal_free_contig_range(cache->mm, KT_DMA_PFN, 2 * BLOCK), 0);
	all_is_well(cache);
}

static struct page *target(void *arg, struct page *from)
{
	(void)from;
	if (no_frame)
		return NULL;
	return zonal_alloc_node(arg, 0, GFP_NOWAIT, 0);
}

static void unused(void *arg, struct page *to) { zonal_free(arg, to, 0); }

/* X13: a page that may be ready soon is asked for ten times, and from the third on with a nap
 * between; one that will not be, or has nowhere to go, is tried once. */
KTEST(rows_x, x13_a_move_that_may_wait_naps_between_its_later_passes)
{
	static const struct {
		enum zonal_give answer;
		enum move_mode mode;
		unsigned naps, ways;
		bool no_frame;
	} table[] = {
		{ ZONAL_GIVE_BUSY, MOVE_SYNC, 8, 2, false },
		{ ZONAL_GIVE_BUSY, MOVE_ASYNC, 0, 10, false },
		{ ZONAL_GIVE_NO_ROOM, MOVE_SYNC, 0, 0, false },
		{ ZONAL_GIVE_NO_ROOM, MOVE_ASYNC, 0, 0, false },
		{ ZONAL_GIVE_YES, MOVE_SYNC, 0, 0, true },
	};
	struct zonal *mm = kt_bare_instance(&eight_blocks);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 1) : NULL;

	if (!cache)
		return;
	kt_cache_fill(cache, 0, GFP_NOWAIT, 1);
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		struct move move = { .mm = mm, .mode = table[i].mode, .target = target,
				     .unused = unused, .arg = mm };
		struct move_batch batch = { .count = 0 };

		cache->place[0].move = (uint8_t)table[i].answer;
		no_frame = table[i].no_frame;
		KT_TRUE(move_take(mm, &batch, cache->place[0].page));
		watch_port();
		KT_EQ(move_pages(&move, &batch), 0);
		unwatch_port();
		KT_EQ(kt_naps, table[i].naps);
		KT_EQ(kt_ways, table[i].ways);
	}
	kt_cache_drop_all(cache);
	kt_check_all(mm);
}

/* L16: where kswapd works, who may not fail waits for what others give back. */
KTEST(rows_l, l16_who_may_not_fail_waits_until_somebody_frees_a_page)
{
	struct zonal *mm = kt_bare_instance(&eight_blocks);
	struct page *chain = NULL, *page;

	if (!mm)
		return;
	kt_take_all(mm, 0, GFP_NOWAIT | __GFP_NOWARN, 0, &chain);
	st_relaxed(&mm->node[0]->reclaim.served, true);
	other.mm = mm;
	other.naps = 0;
	other.page = chain;
	chain = *(struct page **)zonal_page_owner(chain);
	kt_on_nap = gives_one_back;
	watch_port();
	page = zonal_alloc(mm, GFP_NOFS | __GFP_NOFAIL | __GFP_NOWARN, 0);
	unwatch_port();
	kt_on_nap = NULL;
	KT_TRUE(page && !other.page);
	KT_EQ(other.naps, LAST);
	zonal_free(mm, page, 0);
	kt_give_all(mm, chain, 0);
	kt_check_all(mm);
}

/* R5: others may run before each further round, beside what a round has of that itself. */
KTEST(rows_r, r5_others_run_before_each_further_round)
{
	struct zonal *mm = kt_bare_instance(&eight_blocks);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, PAGES) : NULL;
	struct zonal_failure failure;
	unsigned in_a_round;

	if (!cache)
		return;
	kt_cache_fill(cache, 0, GFP_NOWAIT | __GFP_NOWARN, PAGES);
	for (unsigned i = 0; i < cache->count; i++)
		cache->place[i].give = ZONAL_GIVE_BUSY;
	watch_port();
	KT_TRUE(!zonal_alloc(mm, GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY, 0));
	in_a_round = kt_ways;
	zonal_kswapd_turn(mm, 0, false);
	watch_port();
	KT_TRUE(!zonal_alloc(mm, GFP_KERNEL | __GFP_NOWARN, 0));
	unwatch_port();
	zonal_last_failure(mm, &failure);
	KT_EQ(failure.rounds, 16);
	KT_EQ(kt_ways, in_a_round * (1 + failure.rounds) + failure.rounds);
	kt_cache_drop_all(cache);
}

/* What others change meanwhile may be right after a nap. */
KTEST(check, a_busy_check_naps_before_it_looks_again)
{
	struct zonal *mm = kt_bare_instance(&eight_blocks);
	struct zonal_finding finding;
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	st_relaxed(&zone->free, PAGES + 3);
	watch_port();
	KT_TRUE(!zonal_check_busy(mm, &finding));
	KT_EQ(kt_naps, 1);
	st_relaxed(&zone->free, PAGES);
	watch_port();
	KT_TRUE(zonal_check_busy(mm, &finding));
	unwatch_port();
	KT_EQ(kt_naps, 0);
}
