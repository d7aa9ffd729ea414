/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot-time page allocator: who needs memory before zonal_image serves (page
 * tables, the page map, nodes, per-CPU lists) takes it from boot_info.
 *
 * Free is what a range that is on the map holds and no reserved range touches. Each
 * request takes the highest fit in its node, so that low memory stays for those who need
 * it low, and so that requests lie side by side: they join into one reserved entry, and
 * the table of ZONAL_MAX_RANGES does not fill. Nothing is ever given back.
 *
 * Finding a fit: start at the top of the range; if the candidate touches a reserved
 * range, go on right below the lowest one it touches; stop at the bottom. Each
 * step passes at least one reserved range, so it ends. Memory that can be unplugged
 * (BOOT_HOTPLUG) is looked at only if nothing else has room, because what
 * is taken here can never move.
 *
 * The area of cma= is placed the same way, but over all nodes from the top of what every
 * DMA master reaches, as 5.10 does, and on blocks of 4 MiB (row A8). It must leave its
 * node a sixteenth of what is free there (and with movable_node it lies in nothing that can be
 * unplugged, also as 5.10 has it): 5.10 lets it swallow a node, and then boot
 * fails for want of a page, far from the reason.
 *
 * Nodes are tried by distance from the one asked for, equal ones by number.
 * One CPU, no locks.
 */
#include "early.h"

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "topology_ranges.h"

#define CMA_ALIGN ((uint64_t)PAGE_SIZE << (MAX_ORDER - 1))
#define FOUR_GIB (1ULL << 32)
#define CMA_KEEPS 16

/* What is wanted, in whole pages, and how many entries of info->range may serve. */
struct request {
	uint64_t bytes;
	uint64_t align;
	unsigned range_limit;
	bool hotplug; /* look at removable ranges, and at them only */
};

/* The lowest reserved range that touches [start, start + bytes); NULL if none does. */
static const struct boot_range *first_conflict(const struct boot_info *info, uint64_t start,
					       uint64_t bytes)
{
	for (unsigned i = 0; i < info->reserved_count; i++) {
		const struct boot_range *r = &info->reserved[i];

		if (r->start < start + bytes && start < range_end(r))
			return r;
	}
	return NULL;
}

/* The highest free place in one range. */
static bool range_fit(const struct boot_info *info, const struct boot_range *range,
		      const struct request *want, uint64_t *phys)
{
	uint64_t end = range_end(range);

	while (end - range->start >= want->bytes) {
		uint64_t start = align_down(end - want->bytes, want->align);
		const struct boot_range *conflict;

		if (start < range->start)
			return false;
		conflict = first_conflict(info, start, want->bytes);
		if (!conflict) {
			*phys = start;
			return true;
		}
		if (conflict->start <= range->start)
			return false;
		end = conflict->start;
	}
	return false;
}

/* The highest free place in one node. */
static bool node_fit(const struct boot_info *info, unsigned nid, const struct request *want,
		     uint64_t *phys)
{
	for (unsigned i = ZN_MIN(want->range_limit, info->range_count); i-- > 0;) {
		const struct boot_range *range = &info->range[i];

		if (range->nid != (int)nid || !boot_range_usable(range) ||
		    want->hotplug != ((range->flags & BOOT_HOTPLUG) != 0))
			continue;
		if (range_fit(info, range, want, phys))
			return true;
	}
	return false;
}

/* The node nearest to `nid` that is not in `tried`; the set is not full. */
static unsigned nearest_untried(const struct boot_info *info, unsigned nid, nodemask_t tried)
{
	unsigned best = ZONAL_MAX_NODES;

	if (!nodemask_has(tried, nid))
		return nid;
	for (unsigned i = 0; i < ZONAL_MAX_NODES; i++) {
		if (nodemask_has(tried, i))
			continue;
		if (best == ZONAL_MAX_NODES || info->distance[nid][i] < info->distance[nid][best])
			best = i;
	}
	return best;
}

static bool fit(const struct boot_info *info, unsigned nid, const struct request *want,
		uint64_t *phys)
{
	nodemask_t tried = 0;

	while (nodemask_count(tried) < ZONAL_MAX_NODES) {
		unsigned node = nearest_untried(info, nid, tried);

		if (node_fit(info, node, want, phys))
			return true;
		tried |= node_bit(node);
	}
	return false;
}

bool early_take(struct boot_info *info, unsigned nid, uint64_t bytes, uint64_t align,
		unsigned range_limit, uint64_t *phys)
{
	struct range_list reserved = { info->reserved, &info->reserved_count, ZONAL_MAX_RANGES };
	struct request want = { .align = ZN_MAX(align, (uint64_t)PAGE_SIZE),
				.range_limit = range_limit };

	ASSERT(!(align & (align - 1)), "0x%llx is no alignment", (unsigned long long)align);
	if (!bytes || bytes > UINT64_MAX - PAGE_SIZE || nid >= ZONAL_MAX_NODES)
		return false;
	want.bytes = align_up(bytes, PAGE_SIZE);
	if (!fit(info, nid, &want, phys)) {
		want.hotplug = true;
		if (!fit(info, nid, &want, phys))
			return false;
	}
	while (!ranges_add(reserved, *phys, want.bytes, NODE_NONE, 0)) {
		uint64_t start, size;

		if (!ranges_close_gap(reserved, &start, &size)) {
			kprintf("early: more than %u reserved ranges (ZONAL_MAX_RANGES)\n",
				ZONAL_MAX_RANGES);
			return false;
		}
	}
	ranges_merge(reserved);
	return true;
}

/* What of a node is on the map and not reserved. */
static uint64_t node_free(const struct boot_info *info, int nid)
{
	uint64_t free = 0;

	for (unsigned i = 0; i < info->range_count; i++) {
		const struct boot_range *range = &info->range[i];

		if (range->nid != nid || !boot_range_usable(range))
			continue;
		free += range->size;
		for (unsigned j = 0; j < info->reserved_count; j++) {
			const struct boot_range *r = &info->reserved[j];
			uint64_t low = ZN_MAX(range->start, r->start);
			uint64_t high = ZN_MIN(range_end(range), range_end(r));

			free -= high > low ? high - low : 0;
		}
	}
	return free;
}

/* Only movable requests use a CMA area: a node must keep something for all others. */
static bool node_keeps_enough(const struct boot_info *info, int nid, uint64_t bytes)
{
	uint64_t free = node_free(info, nid);

	ASSERT(bytes <= free, "0x%llx bytes of 0x%llx free ones", (unsigned long long)bytes,
	       (unsigned long long)free);
	return free - bytes >= free / CMA_KEEPS;
}

bool early_take_cma(struct boot_info *info, uint64_t bytes, bool movable_node, uint64_t *phys)
{
	struct range_list reserved = { info->reserved, &info->reserved_count, ZONAL_MAX_RANGES };
	uint64_t limit = ZN_MIN(info->dma_max, FOUR_GIB - 1) + 1;
	struct request want = { .align = CMA_ALIGN };

	if (!bytes || bytes > UINT64_MAX - CMA_ALIGN)
		return false;
	want.bytes = align_up(bytes, CMA_ALIGN);
	for (unsigned i = info->range_count; i-- > 0;) {
		struct boot_range range = info->range[i];

		if (range.start >= limit || !boot_range_usable(&range) ||
		    (movable_node && (range.flags & BOOT_HOTPLUG)))
			continue;
		range.size = ZN_MIN(range.size, limit - range.start);
		if (!range_fit(info, &range, &want, phys))
			continue;
		if (!node_keeps_enough(info, range.nid, want.bytes))
			return false;
		if (!ranges_add(reserved, *phys, want.bytes, NODE_NONE, BOOT_CMA | BOOT_DYNAMIC))
			return false;
		ranges_merge(reserved);
		return true;
	}
	return false;
}
