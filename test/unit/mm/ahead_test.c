/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compaction ahead of requests (X15): kcompactd's turn, each half second, of a node that is more
 * scattered than compaction_proactiveness allows, down to the lower mark.
 *
 * Of the board half is free and no block of it, so its score is 100.
 */
#include "kt_scattered.h"

#include <zonal/tunables.h>

#include "mm/compact/compact.h"

enum { HALF_SECOND = 500000000 };

static uint64_t turn(struct kt_cache *cache) { return zonal_kcompactd_turn(cache->mm, 0); }

static unsigned score(struct kt_cache *cache)
{
	return compact_score(kt_zone(cache->mm, 0, ZONE_DMA));
}

KTEST(rows_x, x15_scattered_node_is_compacted_down_to_the_lower_mark)
{
	struct kt_cache *cache = scattered();

	if (!cache)
		return;
	KT_EQ(score(cache), 100);
	KT_EQ(turn(cache), UINT64_MAX);
	KT_EQ(cache->asked_move, 0);
	KT_EQ(zonal_set_proactiveness(cache->mm, 20), 0);
	KT_EQ(turn(cache), HALF_SECOND);
	KT_TRUE(cache->moved > 0);
	KT_EQ(kt_event(cache->mm, EVENT_KCOMPACTD_WAKE), 0);
	zonal_drain_all(cache->mm, NULL);
	KT_OK(score(cache) <= 80, "score %u", score(cache));
	/* Below the upper mark nothing is done. */
	cache->asked_move = 0;
	KT_EQ(turn(cache), HALF_SECOND);
	KT_EQ(cache->asked_move, 0);
	/* The run has helped, so the next one need not wait. */
	KT_EQ(zonal_set_proactiveness(cache->mm, 80), 0);
	KT_EQ(turn(cache), HALF_SECOND);
	KT_TRUE(cache->asked_move > 0);
	all_is_well(cache);
}

KTEST(rows_x, x15_marks_follow_the_tunable)
{
	static const struct {
		unsigned percent, low, high;
	} table[] = {
		{ 1, 99, 100 }, { 20, 80, 90 }, { 50, 50, 60 }, { 95, 5, 15 }, { 100, 5, 15 },
	};
	struct zonal *mm = kt_instance(&eight_blocks);

	for (unsigned i = 0; mm && i < ARRAY_SIZE(table); i++) {
		KT_EQ(zonal_set_proactiveness(mm, table[i].percent), 0);
		KT_EQ(compact_mark(mm, true), table[i].low);
		KT_EQ(compact_mark(mm, false), table[i].high);
	}
	KT_EQ(mm ? zonal_set_proactiveness(mm, 101) : ZONAL_EINVAL, ZONAL_EINVAL);
	KT_EQ(mm ? compact_score(kt_zone(mm, 0, ZONE_DMA)) : 0, 0);
}

KTEST(rows_x, x15_what_was_in_vain_is_not_tried_for_64_rounds)
{
	struct kt_cache *cache = scattered();
	uint64_t asked;

	if (!cache)
		return;
	answer(cache, ZONAL_GIVE_NO_ROOM);
	KT_EQ(zonal_set_proactiveness(cache->mm, 20), 0);
	(void)turn(cache);
	asked = cache->asked_move;
	KT_TRUE(asked > 0);
	for (unsigned i = 0; i < 64; i++)
		(void)turn(cache);
	KT_EQ(cache->asked_move, asked);
	(void)turn(cache);
	KT_TRUE(cache->asked_move > asked);
	all_is_well(cache);
}

KTEST(rows_x, x15_not_while_kswapd_runs_and_requests_come_first)
{
	struct kt_cache *cache = scattered();
	struct node *node = cache ? cache->mm->node[0] : NULL;

	if (!cache)
		return;
	KT_EQ(zonal_set_proactiveness(cache->mm, 20), 0);
	st_relaxed(&node->reclaim.served, true);
	st_relaxed(&node->reclaim.asleep, false);
	KT_EQ(turn(cache), HALF_SECOND);
	KT_EQ(cache->asked_move, 0);
	st_relaxed(&node->reclaim.asleep, true);
	kcompactd_ask(cache->mm, node, PAGEBLOCK_ORDER, ZONE_MOVABLE);
	KT_EQ(turn(cache), HALF_SECOND);
	KT_EQ(kt_event(cache->mm, EVENT_KCOMPACTD_WAKE), 1);
	all_is_well(cache);
}

/* Its zones' shares are of one page more than the node has, as in 5.10: all scattered is 99. */
KTEST(rows_x, x15_a_node_whose_only_zone_is_all_scattered_has_a_score_of_99)
{
	struct kt_cache *cache = scattered();

	if (!cache)
		return;
	KT_EQ(score(cache), 100);
	KT_EQ(zonal_set_proactiveness(cache->mm, 11), 0);
	KT_EQ(compact_mark(cache->mm, false), 99);
	(void)turn(cache);
	KT_EQ(cache->asked_move, 0);
	KT_EQ(zonal_set_proactiveness(cache->mm, 12), 0);
	(void)turn(cache);
	KT_TRUE(cache->moved > 0);
	all_is_well(cache);
}

static void may_write_files(struct kt_cache *cache, unsigned place)
{
	(void)place;
	KT_TRUE(cache->last_may & ZONAL_MAY_FS);
}

/* Who works for nobody's request holds no lock that an owner might want. */
KTEST(rows_x, x14_x15_x17_owners_may_use_files_for_the_background)
{
	struct kt_cache *cache = scattered();
	struct zonal_compacted done;
	uint64_t moved;

	if (!cache)
		return;
	cache->on_move = may_write_files;
	kcompactd_ask(cache->mm, cache->mm->node[0], PAGEBLOCK_ORDER, ZONE_DMA);
	(void)turn(cache);
	moved = cache->moved;
	KT_TRUE(moved > 0);
	KT_EQ(zonal_set_proactiveness(cache->mm, 80), 0);
	(void)turn(cache);
	KT_TRUE(cache->moved > moved);
	zonal_compact(cache->mm, 0, &done);
	cache->on_move = NULL;
	all_is_well(cache);
}
