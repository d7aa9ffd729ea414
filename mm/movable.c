/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ZONE_MOVABLE: how much of each node is kept for pages that can be moved away
 * again (row I18).
 *
 * kernelcore= says how much memory ordinary requests must have, movablecore= how
 * much may be movable; the larger demand for ordinary memory wins. That demand is
 * spread evenly over the nodes with memory. A node that is smaller than its share takes
 * what it has, and what is left over is spread again over the others. Memory below
 * the highest zone counts as ordinary in any case, and so does a part that is off the map
 * (BOOT_NOMAP): 5.10 spreads over what is present. On each node the movable part
 * begins where its share ends, rounded up to the largest block (4 MiB).
 *
 * movable_node takes the place of both: on each node all from the first range on that can be
 * unplugged (BOOT_HOTPLUG) is movable, so that it can be emptied; whatever the zone below would
 * have been. 5.10 takes that literally even if nothing is left for ordinary requests, and does not
 * boot then; here such a wish has no effect.
 *
 * Example: two nodes of 1 GiB, kernelcore=1G: 512 MiB each stay ordinary, the upper
 * half of both is movable.
 *
 * Boot only, no locks.
 */
#include "init.h"

#include "lib/assert.h"
static uint64_t total_pages(const struct boot_info *info)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < info->range_count; i++)
		pages += info->range[i].flags & BOOT_LATER ? 0 : info->range[i].size >> PAGE_SHIFT;
	return pages;
}

static uint64_t wanted_pages(uint64_t bytes, unsigned percent, uint64_t total)
{
	return percent ? total * ZN_MIN(percent, 100u) / 100 : bytes >> PAGE_SHIFT;
}

/* Pages that must stay ordinary; 0: no ZONE_MOVABLE. */
static uint64_t ordinary_pages(const struct zonal_options *o, uint64_t total)
{
	uint64_t core = wanted_pages(o->kernelcore_bytes, o->kernelcore_percent, total);
	uint64_t movable = wanted_pages(o->movablecore_bytes, o->movablecore_percent, total);

	if (movable) {
		movable = align_up(movable, 1u << (MAX_ORDER - 1));
		core = ZN_MAX(core, total - ZN_MIN(movable, total));
	}
	return core >= total ? 0 : core;
}

/* `share` more pages of node `nid`, from *begin on, are ordinary, and all below `usable_start`
 * with them; both kinds count against what is `left` for all nodes. */
static void take_share(const struct boot_info *info, unsigned nid, pfn_t usable_start,
		       uint64_t share, uint64_t *left, pfn_t *begin)
{
	ASSERT(nid < ZONAL_MAX_NODES, "node %u", nid);
	for (unsigned i = 0; i < info->range_count; i++) {
		const struct boot_range *r = &info->range[i];
		pfn_t start = ZN_MAX(r->start >> PAGE_SHIFT, *begin);
		pfn_t end = (r->start + r->size) >> PAGE_SHIFT;
		uint64_t low, take;

		if (r->nid != (int)nid || start >= end || (r->flags & BOOT_LATER))
			continue;
		low = start < usable_start ? ZN_MIN(end, usable_start) - start : 0;
		share -= ZN_MIN(low, share);
		take = ZN_MIN(end - start - low, share);
		share -= take;
		*left -= ZN_MIN(low + take, *left);
		*begin = start + low + take;
		/* Behind a range that is low as a whole there can be more of that kind. */
		if (!share && start + low < end)
			break;
	}
}

static nodemask_t memory_nodes(const struct boot_info *info)
{
	nodemask_t nodes = 0;

	for (unsigned i = 0; i < info->range_count; i++)
		if (!(info->range[i].flags & BOOT_LATER))
			nodes |= node_bit((unsigned)info->range[i].nid);
	return nodes;
}

/* Is there RAM for ordinary requests below these? */
static bool ordinary_is_left(const struct boot_info *info, const pfn_t start_of[ZONAL_MAX_NODES])
{
	for (unsigned i = 0; i < info->range_count; i++) {
		const struct boot_range *r = &info->range[i];

		if (boot_range_usable(r) &&
		    (!start_of[r->nid] || r->start >> PAGE_SHIFT < start_of[r->nid]))
			return true;
	}
	return false;
}

/* Ranges ascend, so that the first one of a node is the lowest. */
static void plan_hotplug(const struct boot_info *info, pfn_t start_of[ZONAL_MAX_NODES])
{
	for (unsigned i = 0; i < info->range_count; i++) {
		const struct boot_range *r = &info->range[i];

		ASSERT(r->nid >= 0 && r->nid < ZONAL_MAX_NODES, "range %u on node %d", i, r->nid);
		if ((r->flags & BOOT_HOTPLUG) && !start_of[r->nid])
			start_of[r->nid] = align_up(r->start >> PAGE_SHIFT, 1u << (MAX_ORDER - 1));
	}
	if (ordinary_is_left(info, start_of))
		return;
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
		start_of[n] = 0;
}

void movable_plan(const struct zonal_config *config, pfn_t usable_start,
		  pfn_t start_of[ZONAL_MAX_NODES])
{
	const struct boot_info *info = config->info;
	uint64_t left = ordinary_pages(&config->options, total_pages(info));
	nodemask_t nodes = memory_nodes(info);
	unsigned rounds = nodemask_count(nodes);

	ASSERT(rounds, "%u ranges of RAM on no node", info->range_count);
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
		start_of[n] = 0;
	if (config->options.movable_node)
		plan_hotplug(info, start_of);
	if (!left || config->options.movable_node)
		return;
	/* Each round spreads what the last one could not place over one node less. */
	do {
		uint64_t share = left / rounds;

		for (nodemask_t m = nodes; m; m &= m - 1) {
			unsigned n = nodemask_first(m);

			if (left < share)
				share = left / rounds;
			take_share(info, n, usable_start, share, &left, &start_of[n]);
		}
	} while (--rounds && left > rounds);
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
		start_of[n] = align_up(start_of[n], 1u << (MAX_ORDER - 1));
}
