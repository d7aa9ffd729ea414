/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ladder behind the first walk: what of rows L the passes over the lists show.
 *
 * Each flag opens a floor of its own below MIN, some open all, and some requests end
 * early. A zone is closed to a pass by raising its marks above everything it holds, so
 * that each test decides itself where the ladder must end; the record of a failure
 * then says which rungs were tried.
 */
#include "kt_instance.h"

#include "mm/watermark.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };

static const struct kt_spec four_nodes = {
	.ram = { { 0, KT_DMA_PFN, 1024 },
		 { 1, KT_DMA_PFN + 1024, 1024 },
		 { 2, KT_DMA_PFN + 2048, 1024 },
		 { 3, KT_DMA_PFN + 3072, 1024 } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
	/* two sockets of two */
	.distance = { { 10, 12, 20, 20 },
		      { 12, 10, 20, 20 },
		      { 20, 20, 10, 12 },
		      { 20, 20, 12, 10 } },
};

/* L1, as a table: which flags open which floor of a zone with MIN 1024. */
KTEST(rows_l, l1_flags_and_their_floor)
{
	static const struct {
		gfp_t gfp;
		uint32_t task;
		int64_t floor;
	} table[] = {
		{ GFP_NOWAIT, 0, 1024 },
		{ GFP_KERNEL, 0, 1024 },
		{ __GFP_HIGH, 0, 512 },
		{ GFP_ATOMIC, 0, 384 },
		{ __GFP_ATOMIC, 0, 768 },
		{ GFP_ATOMIC | __GFP_NOMEMALLOC, 0, 512 },
		{ GFP_KERNEL, ZTASK_REALTIME, 768 },
		{ GFP_KERNEL | __GFP_HIGH, ZTASK_REALTIME, 384 },
		/* L2: with DIRECT_RECLAIM, ATOMIC is dropped */
		{ GFP_KERNEL | __GFP_ATOMIC, 0, 1024 },
		{ GFP_KERNEL | GFP_ATOMIC, 0, 512 },
	};
	struct zonal *mm = kt_instance(&uma);
	struct zonal_task saved, *task = kt_task_save(&saved);
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	kt_no_marks(mm);
	kt_marks(zone, 1024, 1 << 20, 1 << 20);
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		task->flags = table[i].task;
		kt_usable(zone, ZONE_NORMAL, table[i].floor + 1);
		KT_OK(kt_served_by(mm, 0, table[i].gfp, 0) >= 0, "gfp %#x: nothing above its floor",
		      table[i].gfp);
		kt_usable(zone, ZONE_NORMAL, table[i].floor);
		KT_OK(kt_served_by(mm, 0, table[i].gfp, 0) < 0, "gfp %#x: a page below its floor",
		      table[i].gfp);
	}
	kt_task_restore(&saved);
}

KTEST(rows_l, l7_who_may_use_the_reserves)
{
	struct zonal *mm = kt_instance(&uma);
	struct zonal_task saved, *task = kt_task_save(&saved);
	port_irqflags_t irq;
	struct page *page;

	if (!mm)
		return;
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	page = zonal_alloc(mm, GFP_NOWAIT | __GFP_MEMALLOC, 0);
	if (KT_TRUE(page)) {
		KT_TRUE(page_word(page) & PG_PFMEMALLOC); /* L18 */
		zonal_free(mm, page, 0);
	}
	task->flags = ZTASK_MEMALLOC;
	KT_EQ(kt_served_by(mm, 0, GFP_KERNEL, 0), ZONE_DMA);
	KT_EQ(kt_served_by(mm, 0, GFP_KERNEL | __GFP_NOMEMALLOC, 0), -1);
	/* an interrupt does not work for the task that it interrupts */
	irq = kt_irq_enter();
	KT_EQ(kt_served_by(mm, 0, GFP_NOWAIT, 0), -1);
	kt_irq_exit(irq);
	kt_task_restore(&saved);
	KT_EQ(kt_served_by(mm, 0, GFP_KERNEL, 0), -1);
	kt_check_all(mm);
}

/* L8: with reserves, or without a cpuset to keep to, the nodemask is dropped. */
KTEST(rows_l, l8_nodemask_dropped_for_urgent_requests)
{
	struct zonal *mm = kt_instance(&four_nodes);
	nodemask_t mask = node_bit(3);
	struct page *page;

	if (!mm)
		return;
	kt_no_marks(mm);
	kt_close_zone(kt_zone(mm, 3, ZONE_DMA));
	KT_TRUE(!zonal_alloc_mask(mm, 0, GFP_KERNEL | __GFP_NOWARN, 0, &mask));
	page = zonal_alloc_mask(mm, 0, GFP_ATOMIC, 0, &mask);
	if (KT_TRUE(page)) {
		KT_EQ(zonal_page_node(page), 0);
		zonal_free(mm, page, 0);
	}
	page = zonal_alloc_mask(mm, 0, GFP_NOWAIT | __GFP_MEMALLOC, 0, &mask);
	if (KT_TRUE(page)) {
		KT_EQ(zonal_page_node(page), 0);
		zonal_free(mm, page, 0);
	}
}

KTEST(rows_l, l14_requests_that_cannot_wait_end_early)
{
	struct zonal *mm = kt_instance(&uma);
	struct zonal_failure failure;

	if (!mm)
		return;
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	KT_EQ(kt_served_by(mm, 0, GFP_ATOMIC, 0), -1);
	zonal_last_failure(mm, &failure);
	KT_EQ(failure.steps & (ZSTEP_RECLAIM | ZSTEP_COMPACT | ZSTEP_OOM), 0);
	KT_EQ(failure.zone[0].refusal, REFUSED_WATERMARK);
	KT_TRUE(failure.zone[0].short_pages > 0);
	KT_EQ(kt_served_by(mm, 0, GFP_KERNEL, 0), -1);
	zonal_last_failure(mm, &failure);
	KT_EQ(failure.serial, 2);
	KT_TRUE(failure.steps & ZSTEP_RECLAIM);
}
