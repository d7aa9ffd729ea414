/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor's `compact`: movable pages of a node, or of all, go to the ends of their zones (X17).
 *
 *	compact        every node
 *	compact NID    this one
 *
 * It tells how many pages moved, stayed and were looked at, and how many pageblocks were free as a
 * whole before and after. It takes as long as the pages take to copy, and waits for those that are
 * busy; the free blocks are counted as they are, others may allocate meanwhile.
 */
#include <zonal/reclaim.h>

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "mm/mm.h"
#include "monitor_command.h"

typedef unsigned long long ull;

/* Pageblocks' worth of memory that is free in whole pageblocks. */
static uint64_t whole_blocks(const struct zonal *mm, int nid)
{
	struct zone *zone;
	uint64_t blocks = 0;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone) {
		port_irqflags_t irq = port_irq_save();

		lock_take(&zone->lock);
		for (unsigned o = PAGEBLOCK_ORDER; o < MAX_ORDER; o++)
			for (unsigned t = 0; t < MIGRATE_TYPES; t++)
				if (nid == NODE_NONE || zone->node == nid)
					blocks += (uint64_t)zone->list[t][o].count
						  << (o - PAGEBLOCK_ORDER);
		lock_drop(&zone->lock);
		port_irq_restore(irq);
	}
	return blocks;
}

bool monitor_memory_node(const struct zonal *mm, const char *command, const char *word, int *nid)
{
	nodemask_t nodes;

	ASSERT(command && word, "a node without a name");
	if (monitor_nodes(word, &nodes) && nodes && !(nodes & (nodes - 1)) &&
	    (nodes & mm->has_memory)) {
		*nid = __builtin_ctzll(nodes);
		return true;
	}
	kprintf("%s: %s is no node with memory\n", command, word);
	return false;
}

int monitor_compact(struct zonal *mm, const struct monitor_args *args)
{
	struct zonal_compacted done;
	int nid = NODE_NONE;
	uint64_t before;

	ASSERT(args->count <= 1, "%u words", args->count);
	if (args->count && !monitor_memory_node(mm, "compact", args->word[0], &nid))
		return 1;
	before = whole_blocks(mm, nid);
	zonal_compact(mm, nid, &done);
	kprintf(args->json ? "{\"schema\":\"zonal.compact/1\",\"moved\":%llu,\"failed\":%llu,"
			     "\"scanned\":%llu,\"blocks_before\":%llu,\"blocks_after\":%llu}\n" :
			     "compact: %llu pages moved, %llu stayed, %llu looked at; free "
			     "pageblocks %llu, now %llu\n",
		(ull)done.moved, (ull)done.failed, (ull)done.scanned, (ull)before,
		(ull)whole_blocks(mm, nid));
	return 0;
}
