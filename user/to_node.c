/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages of a task to another node, at its own request.
 *
 * To run elsewhere, or to bind a range, says where pages come from that do not exist yet. What has
 * come already is moved here: pages are looked up in the page tables, some at a time, and handed
 * to the core, which takes those that are still on a list and moves them as compaction does
 * (owner.c: park, copy, map again). A page that went to swap meanwhile, or that somebody works
 * with, stays where it is; so does a block of 2 MiB, which is on no list.
 *
 * A range may be as large as the address space, so what is not mapped is skipped by 2 MiB, and the
 * way ends early when the task is killed.
 *
 * Context: the task itself, no lock held; sleeps.
 */
#include <zonal/reclaim.h>

#include "lib/assert.h"
#include "lib/atomic.h"
#include "space.h"

#define PAGES_AT_ONCE 32u
#define STEP (PAGE_SIZE << PAGEBLOCK_ORDER)

/* Pages from *va on, within these 2 MiB; *va goes behind the last. */
static unsigned pages_collect(struct user_space *space, uint64_t *va, uint64_t end,
			      struct page **page)
{
	uint64_t stop = ZN_MIN(align_down(*va, STEP) + STEP, end), phys;
	port_irqflags_t flags;
	unsigned count = 0, order;

	if (!user_port_holds(&space->port, *va)) {
		*va = stop;
		return 0;
	}
	flags = space_lock(space);
	for (unsigned looks = 0; *va < stop && looks < PAGES_AT_ONCE; looks++, *va += PAGE_SIZE)
		if (user_port_look(&space->port, *va, &phys, &order) && !order)
			page[count++] = zonal_page(user_port_memory(), phys >> PAGE_SHIFT);
	space_unlock(space, flags);
	return count;
}

uint64_t space_to_node(struct user_space *space, uint64_t start, uint64_t end, unsigned nid)
{
	struct page *page[PAGES_AT_ONCE];
	uint64_t moved = 0;

	ASSERT(start < end && end <= USER_LIMIT, "0x%llx to 0x%llx", (unsigned long long)start,
	       (unsigned long long)end);
	for (uint64_t va = start; va < end && !ld_relaxed(&space->process->killed);) {
		unsigned count = pages_collect(space, &va, end, page);

		if (count)
			moved += zonal_pages_to_node(user_port_memory(), page, count, (int)nid);
	}
	return moved;
}
