/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A refill whose pages have to be stolen goes in pieces, with interrupts open in between, and the
 * list is as full in the end as if it had gone at once (P6, T4).
 *
 * The board is one zone of 128 movable pageblocks, in which all pages are taken and then one of
 * each block is given back: an unmovable page is to be had by a theft alone, and one theft brings
 * one page.
 */
#include <zonal/linux.h>

#include "kt_instance.h"

#include "mm/mobility.h"
#include "mm/pcp.h"

enum { PAGES = 65536, BLOCKS = PAGES >> PAGEBLOCK_ORDER, BATCH = 15 };

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, PAGES } } };

/* One page of each pageblock is free, and in the lists of the zone. */
static bool leave_one_a_block(struct zonal *mm)
{
	for (unsigned i = 0; i < PAGES; i++)
		if (!zonal_alloc(mm, GFP_NOWAIT | __GFP_MOVABLE | __GFP_NOWARN, 0))
			return false;
	for (unsigned b = 0; b < BLOCKS; b++)
		zonal_free(mm, zonal_page(mm, KT_DMA_PFN + (b << PAGEBLOCK_ORDER) + 100), 0);
	zonal_drain_all(mm, NULL);
	return true;
}

static uint64_t steals(const struct zonal *mm)
{
	return ld_relaxed(&mm->cpu[kt_cpu_id(0)]->fallback_steals);
}

KTEST(rows_p, p6_a_refill_that_steals_fills_the_list_in_pieces)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
	struct page *page;
	uint16_t holds;

	if (!mm || !KT_TRUE(leave_one_a_block(mm)))
		return;
	KT_EQ(zone->pcp_batch, BATCH);
	holds = ld_relaxed(&zone->lock.owner);
	page = zonal_alloc(mm, GFP_NOWAIT | __GFP_NOWARN, 0);
	if (!KT_TRUE(page))
		return;
	KT_EQ(steals(mm), BATCH);
	KT_EQ(kt_pcp_held(mm, 0, 0), BATCH - 1);
	KT_EQ(kt_free(zone), BLOCKS - BATCH);
	/* Eight thefts a hold at most. */
	KT_TRUE((uint16_t)(ld_relaxed(&zone->lock.owner) - holds) >= (BATCH + 7) / 8);
	for (unsigned i = 0; i < BATCH - 1; i++)
		KT_TRUE(zonal_alloc(mm, GFP_NOWAIT | __GFP_NOWARN, 0));
	KT_EQ(kt_pcp_held(mm, 0, 0), 0);
	KT_EQ(steals(mm), BATCH);
}

/* What the first piece brought is enough for the page; what is left of the zone is all there is. */
KTEST(rows_p, p6_a_refill_of_less_than_a_batch_takes_what_there_is)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *page;

	if (!mm)
		return;
	for (unsigned i = 0; i < PAGES; i++)
		if (!KT_TRUE(zonal_alloc(mm, GFP_NOWAIT | __GFP_MOVABLE | __GFP_NOWARN, 0)))
			return;
	for (unsigned b = 0; b < 3; b++)
		zonal_free(mm, zonal_page(mm, KT_DMA_PFN + (b << PAGEBLOCK_ORDER) + 100), 0);
	zonal_drain_all(mm, NULL);
	page = zonal_alloc(mm, GFP_NOWAIT | __GFP_NOWARN, 0);
	KT_TRUE(page);
	KT_EQ(kt_pcp_held(mm, 0, 0), 2);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), 0);
	kt_check_all(mm);
}

/* M12: who may have CMA pages gets the last one of them too, and then no more. */
KTEST(rows_p, p6_a_refill_takes_the_last_pages_of_an_area)
{
	static const struct kt_spec spec = { .ram = { { 0, KT_DMA_PFN, 4096 } },
					     .reserved = { { 0, KT_DMA_PFN + 1024, 1024 } },
					     .cma_index = 1 };
	struct zonal *mm = ZONAL_CMA ? kt_bare_instance(&spec) : NULL;
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
	struct page *out[16], *chain = NULL;
	port_irqflags_t irq;

	if (!zone)
		return;
	KT_EQ(kt_take_all(mm, 0, GFP_NOWAIT | __GFP_MOVABLE | __GFP_NOWARN, 0, &chain), 4096);
	for (unsigned i = 0; i < 5; i++) {
		struct page *page = chain;

		chain = *(struct page **)zonal_page_owner(page);
		zonal_free(mm, page, 0);
	}
	zonal_drain_all(mm, NULL);
	KT_TRUE(kt_free(zone) == 5 && ld_relaxed(&zone->free_cma) > 0);
	irq = port_irq_save();
	lock_take(&zone->lock);
	KT_EQ(mobility_take_singles(zone, MIGRATE_MOVABLE, ALLOC_CMA, out, 16), 5);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	KT_EQ(kt_free(zone), 0);
}

#ifdef HOST_PORT_IMPL_H
#include <pthread.h>

static struct {
	struct zonal *mm;
	uint32_t held; /* in the list when the interrupt came */
} caller;

static void note_held(void *arg)
{
	(void)arg;
	caller.held = kt_pcp_held(caller.mm, 0, 0);
}

static void *call_first_cpu(void *arg)
{
	(void)arg;
	host_cpu_attach(kt_cpu_id(1));
	KT_TRUE(port_call_cpu(kt_cpu_id(0), note_held, NULL));
	host_cpu_detach();
	return NULL;
}

/* The call has come before the first piece, so it must not wait for the last one. */
KTEST_F(rows_p, p6_interrupts_come_in_between_the_pieces_of_a_refill, KT_HOST_ONLY)
{
	struct zonal *mm = caller.mm = kt_bare_instance(&uma);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
	port_irqflags_t irq;
	pthread_t thread;
	uint32_t held;

	if (!mm || !KT_TRUE(leave_one_a_block(mm)))
		return;
	host_cpu_attach(kt_cpu_id(0));
	irq = port_irq_save();
	KT_TRUE(pcp_refill(zone, &mm_this_cpu(mm)->pcp[zone->id], MIGRATE_UNMOVABLE, 0));
	held = kt_pcp_held(mm, 0, 0);
	if (pthread_create(&thread, NULL, call_first_cpu, NULL))
		port_panic("no thread");
	while (!atomic_load(&host_self->pending))
		port_relax();
	pcp_refill_rest(zone, MIGRATE_UNMOVABLE, 0, irq);
	KT_TRUE(port_irqs_masked());
	KT_EQ(kt_pcp_held(mm, 0, 0), BATCH - 1);
	port_irq_restore(irq);
	pthread_join(thread, NULL);
	host_cpu_detach();
	KT_TRUE(held < BATCH - 1);
	KT_EQ(caller.held, held);
}
#endif
