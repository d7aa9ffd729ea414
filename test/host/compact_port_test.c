/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What compaction asks of the port: to wake kcompactd (X14), and to let others run while it passes
 * over blocks. The host port does neither otherwise; here both are counted.
 *
 * A node whose kcompactd sleeps, and requests for an order in a zone: it is woken if compaction
 * could begin in some zone up to the one named, and else only told. Whoever runs in other threads
 * of the program is not counted.
 */
#include "test/unit/mm/kt_scattered.h"

#include <zonal/trace.h>

#include "mm/compact/compact.h"

static struct zonal *watched;
static unsigned wakes;

void port_kcompactd_wake(struct zonal *mm, unsigned nid)
{
	if (mm != watched)
		return;
	KT_EQ(nid, 0);
	wakes++;
}

static bool counting;
static unsigned gave_way;

void port_give_way(void)
{
	if (counting)
		gave_way++;
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
	watched = cache->mm;
	wakes = 0;
	/* It has not begun yet. */
	kcompactd_ask(cache->mm, node, PAGEBLOCK_ORDER, ZONE_DMA);
	KT_EQ(wakes, 0);
	KT_EQ(ld_relaxed(&node->compact.wanted_order), PAGEBLOCK_ORDER);
	too_little_to_work_with(cache, true);
	(void)zonal_kcompactd_turn(cache->mm, 0);
	KT_TRUE(ld_relaxed(&node->compact.asleep));
	kcompactd_ask(cache->mm, node, PAGEBLOCK_ORDER, ZONE_DMA);
	KT_EQ(wakes, 0);
	too_little_to_work_with(cache, false);
	/* The memory is in the very zone that is named. */
	kcompactd_ask(cache->mm, node, PAGEBLOCK_ORDER, ZONE_DMA);
	KT_EQ(wakes, 1);
	KT_EQ(zonal_trace_read(cache->mm, kt_cpu_id(0), &record, 1), 1);
	KT_EQ(record.point, ZONAL_TRACE_KCOMPACTD_ASKED);
	KT_EQ(record.field[1], PAGEBLOCK_ORDER);
	KT_EQ(record.field[2], ZONE_DMA);
	/* A single page is no reason. */
	kcompactd_ask(cache->mm, node, 0, ZONE_DMA);
	KT_EQ(wakes, 1);
	KT_TRUE(!zonal_trace_peek(cache->mm, kt_cpu_id(0), &record));
	zonal_trace_on(cache->mm, 0);
	watched = NULL;
	all_is_well(cache);
}

KTEST(rows_x, x9_others_run_after_every_32_blocks_that_are_passed_over)
{
	enum { BLOCKS = 70 };
	static const struct kt_spec long_board = { .ram = { { 0, KT_DMA_PFN, BLOCKS * BLOCK } } };
	struct zonal *mm = kt_bare_instance(&long_board);
	struct zonal_task *task = port_this_cpu()->task;
	static struct compact c;

	if (!mm)
		return;
	for (unsigned b = 0; b < BLOCKS; b++)
		fetch_or_relaxed(&mm_page(mm, KT_DMA_PFN + b * BLOCK)->block, BLOCK_SKIP);
	c = (struct compact){ .mm = mm,
			      .zone = kt_zone(mm, 0, ZONE_DMA),
			      .order = COMPACT_WHOLE,
			      .high_zone = ZONE_MOVABLE,
			      .mode = MOVE_SYNC_LIGHT };
	task->flags |= ZTASK_MEMALLOC;
	gave_way = 0;
	counting = true;
	KT_EQ(compact_zone(&c), COMPACT_COMPLETE);
	counting = false;
	task->flags &= ~ZTASK_MEMALLOC;
	KT_EQ(c.used_scanned, 0);
	/* Of 69 blocks, and at the end of the round. */
	KT_EQ(gave_way, 2 + 1);
}
