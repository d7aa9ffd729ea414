/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rungs of the ladder one by one: who may climb which, and what the record says of it.
 *
 * ladder_test.c shows the floors. Here the question is which rungs a request reaches at all:
 * the flags of the request, the flags of its task, the interrupt, the cpuset. A rung that is
 * not built yet is known by its name in the record alone.
 */
#include "kt_instance.h"

#include "mm/watermark.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };
static const struct kt_spec pair = {
	.ram = { { 0, KT_DMA_PFN, 2048 }, { 1, KT_DMA_PFN + 2048, 2048 } },
};

static uint32_t steps_of(struct zonal *mm, gfp_t gfp)
{
	struct zonal_failure failure;

	if (!KT_OK(kt_served_by(mm, 0, gfp, 0) == -1, "gfp 0x%x got a page", gfp))
		return 0;
	zonal_last_failure(mm, &failure);
	return failure.steps;
}

KTEST(rows_l, l3_rungs_by_flags_and_task)
{
	static const uint32_t both = ZSTEP_FAST | ZSTEP_MIN;
	static const uint32_t room = ZSTEP_RECLAIM | ZSTEP_COMPACT;
	static const struct {
		gfp_t gfp;
		uint32_t task, steps;
	} table[] = {
		{ 0, 0, both },
		{ GFP_NOWAIT, 0, both | ZSTEP_KSWAPD },
		{ __GFP_DIRECT_RECLAIM, 0, both | room | ZSTEP_OOM },
		{ GFP_KERNEL, 0, both | ZSTEP_KSWAPD | room | ZSTEP_OOM },
		{ GFP_KERNEL | __GFP_NORETRY, 0, both | ZSTEP_KSWAPD | room },
		{ GFP_KERNEL | __GFP_NOMEMALLOC, ZTASK_MEMALLOC, both | ZSTEP_KSWAPD },
		{ GFP_KERNEL, ZTASK_REALTIME, both | ZSTEP_KSWAPD | room | ZSTEP_OOM },
		/* who keeps to no cpuset looks once more, at every node */
		{ GFP_ATOMIC, 0, both | ZSTEP_KSWAPD | ZSTEP_RESERVES },
		{ __GFP_ATOMIC, 0, both | ZSTEP_RESERVES },
	};
	struct zonal *mm = kt_instance(&uma);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!mm)
		return;
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		uint32_t steps;

		task->flags = table[i].task;
		steps = steps_of(mm, table[i].gfp);
		KT_OK(steps == table[i].steps, "gfp 0x%x, task 0x%x: steps 0x%x, expected 0x%x",
		      table[i].gfp, table[i].task, steps, table[i].steps);
	}
	kt_task_restore(&saved);
}

/* Who may use the reserves finds nothing only if there is nothing at all. */
KTEST(rows_l, l7_reserves_end_with_the_last_page)
{
	struct zonal *mm = kt_instance(&uma);
	struct zonal_task saved, *task = kt_task_save(&saved);
	struct page *chain = NULL;
	uint32_t steps;

	if (!mm)
		return;
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	task->flags = ZTASK_MEMALLOC;
	KT_EQ(kt_take_all(mm, 0, GFP_KERNEL | __GFP_NOWARN, 0, &chain), 4096);
	for (struct page *p = chain; p; p = *(struct page **)zonal_page_owner(p))
		if (!KT_TRUE(page_word(p) & PG_PFMEMALLOC))
			break;
	steps = steps_of(mm, GFP_KERNEL);
	KT_EQ(steps & ZSTEP_RESERVES, ZSTEP_RESERVES);
	/* its own reclaim would call itself */
	KT_EQ(steps & (ZSTEP_RECLAIM | ZSTEP_COMPACT | ZSTEP_OOM), 0);
	kt_task_restore(&saved);
	kt_give_all(mm, chain, 0);
	KT_EQ(steps_of(mm, GFP_KERNEL | __GFP_NOMEMALLOC | __GFP_MEMALLOC) & ZSTEP_RESERVES, 0);
	KT_EQ(kt_served_by(mm, 0, GFP_KERNEL | __GFP_MEMALLOC, 0), ZONE_DMA);
	kt_check_all(mm);
}

/* L1: a real-time task is in a hurry; the interrupt on top of it is not the task. */
KTEST(rows_l, l1_realtime_is_the_task_not_its_interrupt)
{
	struct zonal *mm = kt_instance(&uma);
	struct zonal_task saved, *task = kt_task_save(&saved);
	port_irqflags_t irq;

	if (!mm)
		return;
	kt_no_marks(mm);
	kt_marks(kt_zone(mm, 0, ZONE_DMA), 1024, 1 << 20, 1 << 20);
	kt_usable(kt_zone(mm, 0, ZONE_DMA), ZONE_NORMAL, 769);
	task->flags = ZTASK_REALTIME;
	KT_EQ(kt_served_by(mm, 0, GFP_NOWAIT, 0), ZONE_DMA);
	irq = kt_irq_enter();
	KT_EQ(kt_served_by(mm, 0, GFP_NOWAIT, 0), -1);
	kt_irq_exit(irq);
	kt_task_restore(&saved);
	KT_EQ(kt_served_by(mm, 0, GFP_NOWAIT, 0), -1);
}

/* G6: what a scope forbids is off the request from the slow path on, and nothing else is. */
KTEST(rows_g, g6_scopes_strip_what_reclaim_must_not_do)
{
	static const struct {
		uint32_t task;
		gfp_t strips;
	} table[] = {
		{ 0, 0 },
		{ ZTASK_NOFS, __GFP_FS },
		{ ZTASK_NOIO, __GFP_FS | __GFP_IO },
		{ ZTASK_NOIO | ZTASK_NOFS, __GFP_FS | __GFP_IO },
		{ ZTASK_NOCMA | ZTASK_REALTIME, 0 },
	};
	struct zonal *mm = kt_instance(&uma);
	struct zonal_task saved, *task = kt_task_save(&saved);
	static struct zonal_failure failure; /* beside the one that steps_of() has */

	if (!mm)
		return;
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		task->flags = table[i].task;
		steps_of(mm, GFP_KERNEL);
		zonal_last_failure(mm, &failure);
		KT_EQ(failure.gfp, (GFP_KERNEL | __GFP_NOWARN) & ~table[i].strips);
	}
	kt_task_restore(&saved);
}

/* Reclaim's thread is woken once by a request that allows it and comes to the slow path. */
KTEST(rows_l, l3_kswapd_is_woken_by_who_allows_it)
{
	struct zonal *mm = kt_instance(&uma);
	struct mm_cpu *cpu;
	uint64_t before;

	if (!mm)
		return;
	cpu = mm->cpu[port_this_cpu()->id];
	before = ld_relaxed(&cpu->kswapd_wakes);
	KT_EQ(kt_served_by(mm, 0, GFP_NOWAIT, 0), ZONE_DMA);
	KT_EQ(ld_relaxed(&cpu->kswapd_wakes), before);
	kt_marks(kt_zone(mm, 0, ZONE_DMA), 0, 1 << 20, 1 << 20);
	KT_EQ(kt_served_by(mm, 0, __GFP_HIGH, 0), ZONE_DMA);
	KT_EQ(ld_relaxed(&cpu->kswapd_wakes), before);
	KT_EQ(kt_served_by(mm, 0, GFP_NOWAIT, 0), ZONE_DMA);
	KT_EQ(ld_relaxed(&cpu->kswapd_wakes), before + 1);
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	KT_EQ(kt_served_by(mm, 0, GFP_NOWAIT, 0), -1);
	KT_EQ(ld_relaxed(&cpu->kswapd_wakes), before + 2);
}

/* L11: the hard wall round a cpuset without a zone for the request ends it before the lists
 * are asked again; a wish that the wall does not hold goes elsewhere (L10). */
KTEST(rows_l, l11_a_wall_without_memory_inside)
{
	static const struct kt_spec normal_on_1 = {
		.ram = { { 0, KT_DMA_PFN, 1024 }, { 1, KT_NORMAL_PFN, 1024 } },
	};
	struct zonal *mm = kt_instance(&normal_on_1);
	struct zonal_task saved, *task = kt_task_save(&saved);
	uint32_t steps;

	if (!mm)
		return;
	kt_no_marks(mm);
	KT_EQ(zonal_task_set_mems(mm, task, node_bit(1)), 0);
	steps = steps_of(mm, GFP_USER | __GFP_DMA);
	KT_EQ(steps & (ZSTEP_MIN | ZSTEP_RECLAIM | ZSTEP_OOM), 0);
	KT_EQ(kt_served_by(mm, 0, GFP_KERNEL | __GFP_DMA, 0), ZONE_DMA);
	KT_EQ(kt_served_by(mm, 0, GFP_USER, 0), ZONE_TYPES + ZONE_NORMAL);
	kt_task_restore(&saved);
	KT_EQ(kt_served_by(mm, 0, GFP_USER | __GFP_DMA, 0), ZONE_DMA);
}

/* L10: a mask that meets the cpuset is meant, and kept; one that does not is dropped. */
KTEST(rows_l, l10_a_mask_that_meets_the_cpuset_is_kept)
{
	struct zonal *mm = kt_instance(&pair);
	struct zonal_task saved, *task = kt_task_save(&saved);
	nodemask_t mask = node_bit(1);
	struct page *page;

	if (!mm)
		return;
	kt_no_marks(mm);
	KT_EQ(zonal_task_set_mems(mm, task, node_bit(0)), 0);
	page = zonal_alloc_mask(mm, 0, GFP_USER, 0, &mask);
	if (KT_TRUE(page)) {
		KT_EQ(zonal_page_node(page), 0);
		zonal_free(mm, page, 0);
	}
	KT_EQ(zonal_task_set_mems(mm, task, 3), 0);
	kt_close_zone(kt_zone(mm, 1, ZONE_DMA));
	KT_TRUE(!zonal_alloc_mask(mm, 0, GFP_USER | __GFP_NOWARN, 0, &mask));
	kt_task_restore(&saved);
	KT_TRUE(!zonal_alloc_mask(mm, 0, GFP_KERNEL | __GFP_NOWARN, 0, &mask));
}
