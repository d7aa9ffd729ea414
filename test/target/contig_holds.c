/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long isolation keeps interrupts out, in counted instructions.
 *
 * One hold of the zone lock moves the free pages of one pageblock to other lists. Most of them
 * are in lists if every second page is in use: 256 blocks of one page. The work of that hold is run
 * here, masked, and must stay below what the house allows any path (15,000).
 *
 * Without counted instructions (QEMU without -icount) nothing is known, and the case is skipped.
 */
#include "counted.h"
#include "mm/buddy.h"
#include "mm/compact/isolate_block.h"
#include "test/unit/mm/kt_instance.h"

#define HOLD_MOST 15000u

static void take_every_second(struct zone *zone, struct page *first)
{
	for (unsigned i = 0; i < BLOCK_PAGES; i += 2) {
		port_irqflags_t irq = port_irq_save();

		lock_take(&zone->lock);
		if (buddy_take_exact(zone, first + i))
			page_set_used(first + i, word_make(zone->id, PAGE_USED, 0));
		lock_drop(&zone->lock);
		port_irq_restore(irq);
	}
}

KTEST(contig_holds, longest_hold_of_isolation_is_bounded)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 8u << (MAX_ORDER - 1) } },
	};
	struct zonal *mm = counted() ? kt_bare_instance(&spec) : NULL;
	struct page *first;
	struct zone *zone;
	port_irqflags_t irq;
	uint64_t took;

	if (!mm) {
		kt_skip("instructions are not counted");
		return;
	}
	zone = kt_zone(mm, 0, ZONE_DMA);
	first = zonal_page(mm, KT_DMA_PFN + 2 * BLOCK_PAGES);
	take_every_second(zone, first);
	irq = port_irq_save();
	lock_take(&zone->lock);
	took = port_time_ns();
	buddy_move_all(zone, first, MIGRATE_RECLAIMABLE);
	took = port_time_ns() - took;
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	KT_EQ(kt_blocks(zone, MIGRATE_RECLAIMABLE, 0), BLOCK_PAGES / 2);
	KT_OK(took < HOLD_MOST, "%llu instructions", (unsigned long long)took);
	port_log("one pageblock of single free pages: %llu instructions", (unsigned long long)took);
}
