/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A batch that is too long for one hold of the zone lock goes back in pieces, with interrupts open
 * in between, and what comes of it is what one hold would have made (P9, P10, T4).
 *
 * The board is one zone whose lists are made so long that a batch is 64 pages. Its lists hold one
 * page less than they may; the next one that is freed sends a batch back.
 */
#include <zonal/linux.h>

#include "kt_instance.h"
#include "mm/pcp.h"

enum { PAGES = 16384, HELD = 300, HIGH = 256, BATCH = 64, PIECE = 32 };

static struct page *held[HELD];
static unsigned left; /* of them, not freed yet */

static struct pcp *own_lists(struct zone *zone)
{
	return &zone->mm->cpu[kt_cpu_id(0)]->pcp[zone->id];
}

/* Pages of two types come back in an order that is not theirs, up to one less than `high`. */
static struct zone *nearly_full(void)
{
	static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, PAGES } } };
	struct zonal_options options;
	struct kt_spec spec = uma;
	struct zonal *mm;
	struct zone *zone;

	zonal_options_default(&options);
	options.percpu_pagelist_fraction = PAGES / HIGH;
	spec.options = &options;
	mm = kt_bare_instance(&spec);
	zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
	for (unsigned i = 0; zone && i < HELD; i++)
		held[i] = zonal_alloc(mm, i % 5 ? GFP_KERNEL : GFP_HIGHUSER_MOVABLE, 0);
	left = HELD;
	while (zone && left && kt_pcp_count(zone) < HIGH - 1) {
		left--;
		zonal_free(mm, held[left * 37 % HELD], 0);
	}
	return zone && KT_EQ(zone->pcp_batch, BATCH) && KT_TRUE(left) ? zone : NULL;
}

static void free_one_more(struct zone *zone)
{
	left--;
	zonal_free(zone->mm, held[left * 37 % HELD], 0);
}

KTEST(rows_p, p9_a_long_batch_goes_back_in_pieces_as_it_would_at_once)
{
	struct zone *zone = nearly_full();
	port_irqflags_t irq;
	uint64_t one;
	uint16_t holds;

	if (!zone)
		return;
	own_lists(zone)->high = 2 * HIGH;
	free_one_more(zone);
	KT_EQ(kt_pcp_count(zone), HIGH);
	irq = port_irq_save();
	pcp_bulk_free(zone, own_lists(zone), BATCH);
	port_irq_restore(irq);
	one = kt_map_hash(zone->mm, zone->start_pfn, zone->spanned);
	zone = nearly_full();
	holds = ld_relaxed(&zone->lock.owner);
	free_one_more(zone);
	KT_TRUE(!port_irqs_masked());
	KT_EQ(kt_pcp_count(zone), HIGH - BATCH);
	KT_EQ((uint16_t)(ld_relaxed(&zone->lock.owner) - holds), BATCH / PIECE);
	KT_EQ(kt_map_hash(zone->mm, zone->start_pfn, zone->spanned), one);
	kt_check_all(zone->mm);
}

/* Who frees with interrupts masked has them masked all the time, and all goes back as well. */
KTEST(rows_p, p9_a_long_batch_of_a_masked_caller_goes_back_as_well)
{
	struct zone *zone = nearly_full();
	port_irqflags_t irq;

	if (!zone)
		return;
	irq = port_irq_save();
	free_one_more(zone);
	KT_TRUE(port_irqs_masked());
	port_irq_restore(irq);
	KT_EQ(kt_pcp_count(zone), HIGH - BATCH);
	kt_check_all(zone->mm);
}

/* In an interrupt between two pieces, say: nothing is there for the second. */
KTEST(rows_p, p9_a_return_is_over_when_its_lists_are_emptied_between_two_pieces)
{
	struct pcp_turn turn = { .left = BATCH };
	struct zone *zone = nearly_full();
	port_irqflags_t irq;

	if (!zone)
		return;
	irq = port_irq_save();
	KT_EQ(pcp_give(zone, own_lists(zone), &turn, PIECE), PIECE);
	port_irq_restore(irq);
	zonal_drain_all(zone->mm, NULL);
	irq = port_irq_save();
	KT_EQ(pcp_give(zone, own_lists(zone), &turn, PIECE), 0);
	port_irq_restore(irq);
	KT_EQ(turn.left, BATCH - PIECE);
	KT_EQ(kt_pcp_count(zone), 0);
	kt_check_all(zone->mm);
}
