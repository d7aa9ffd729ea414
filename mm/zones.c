/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which part of a board's memory is which zone.
 *
 * The limits follow 5.10.262 (rows I16, I17):
 *	ZONE_DMA    below 2^bits, bits being what the device tree's dma-ranges allow,
 *	            at most 32; so all below 4 GiB on a board that says nothing
 *	ZONE_DMA32  from there to 4 GiB
 *	ZONE_NORMAL all above
 * If RAM begins above such a limit, the limit moves to 4 GiB, and if it begins
 * above that, it is gone: then everything is ZONE_DMA. (Plain 5.10.0 fixed the bits
 * at 30 and 32 counted from the start of RAM; a board may set either limit
 * itself through zonal_options.dma_end and dma32_end.)
 *
 * A zone of a node spans from where the node's memory or the limit begins to where
 * either ends, holes included; `present` counts RAM alone, also what is off the map
 * (I7; 5.10 keeps that in its list of memory). ZONE_MOVABLE is cut off the upper end of
 * the highest zone by movable.c.
 *
 * Boot only, no locks.
 */
#include "init.h"

#include "lib/assert.h"
#include "lib/text.h"
/* First address behind a zone of `bits` address bits on RAM [start, end). */
static uint64_t limit_of_bits(unsigned bits, uint64_t start, uint64_t end)
{
	uint64_t mask = bits >= 64 ? UINT64_MAX : (1ULL << bits) - 1;

	ASSERT(start < end, "RAM from 0x%llx to 0x%llx", (unsigned long long)start,
	       (unsigned long long)end);
	if (start > UINT32_MAX)
		mask = UINT64_MAX;
	else if (start > mask)
		mask = UINT32_MAX;
	return ZN_MIN(mask, end - 1) + 1;
}

static unsigned bits_of(uint64_t address)
{
	return address ? 64 - (unsigned)__builtin_clzll(address) : 0;
}

/* Limits of the zones below MOVABLE, as pfns: zone t is [limit[t], limit[t + 1]). */
static void zone_limits(const struct zonal_config *config, pfn_t limit[ZONE_MOVABLE + 1])
{
	const struct boot_info *info = config->info;
	const struct boot_range *last = &info->range[info->range_count - 1];
	uint64_t start = info->range[0].start, end = last->start + last->size;
	uint64_t dma = limit_of_bits(ZN_MIN(32u, bits_of(info->dma_max)), start, end);
	uint64_t dma32 = limit_of_bits(32, start, end);

	if (config->options.dma_end)
		dma = config->options.dma_end;
	if (config->options.dma32_end)
		dma32 = config->options.dma32_end;
	limit[ZONE_DMA] = 0;
	limit[ZONE_DMA32] = ZN_MIN(dma, end) >> PAGE_SHIFT;
	limit[ZONE_NORMAL] = ZN_MAX(limit[ZONE_DMA32], ZN_MIN(dma32, end) >> PAGE_SHIFT);
	limit[ZONE_MOVABLE] = end >> PAGE_SHIFT;
	ASSERT(limit[ZONE_NORMAL] <= limit[ZONE_MOVABLE], "limits 0x%llx, 0x%llx",
	       (unsigned long long)limit[ZONE_NORMAL], (unsigned long long)limit[ZONE_MOVABLE]);
}

/* Span and pages of a node's memory. */
static struct zone_extent node_extent(const struct boot_info *info, unsigned nid)
{
	struct zone_extent node = { 0, 0, 0 };
	pfn_t end = 0;

	for (unsigned i = 0; i < info->range_count; i++) {
		const struct boot_range *r = &info->range[i];
		pfn_t first = r->start >> PAGE_SHIFT, last = (r->start + r->size) >> PAGE_SHIFT;

		if (r->nid != (int)nid)
			continue;
		if (!end)
			node.start = first;
		end = last;
		node.present += last - first;
	}
	node.spanned = end - node.start;
	return node;
}

bool zones_piece(struct zonal *mm, const struct boot_info *info, unsigned i, unsigned t,
		 pfn_t *start, pfn_t *end)
{
	const struct boot_range *r = &info->range[i];
	const struct zone *zone;

	ASSERT(i < info->range_count && t < ZONE_TYPES, "range %u of %u, zone type %u", i,
	       info->range_count, t);
	ASSERT(mm->node[r->nid], "range %u on node %d, which is not online", i, r->nid);
	zone = &mm->node[r->nid]->zone[t];
	*start = ZN_MAX(r->start >> PAGE_SHIFT, zone->start_pfn);
	*end = ZN_MIN((r->start + r->size) >> PAGE_SHIFT, zone->start_pfn + zone->spanned);
	return *start < *end; /* never of a zone that spans nothing */
}

bool zones_part(struct zonal *mm, const struct boot_info *info, unsigned i, unsigned t,
		struct pfn_span *part)
{
	const struct boot_range *r = &info->range[i];
	pfn_t start, end;

	/* First what is cheap: this is asked for every range, of each few blocks of a board. */
	if (part->end <= r->start >> PAGE_SHIFT ||
	    part->start >= (r->start + r->size) >> PAGE_SHIFT || !boot_range_usable(r) ||
	    !zones_piece(mm, info, i, t, &start, &end))
		return false;
	part->start = ZN_MAX(part->start, start);
	part->end = ZN_MIN(part->end, end);
	return part->start < part->end;
}

/* The lowest pfn of the highest zone that has memory: where MOVABLE may begin. */
static pfn_t usable_start(const pfn_t limit[ZONE_MOVABLE + 1])
{
	unsigned t = ZONE_NORMAL;

	while (t > ZONE_DMA && limit[t] >= limit[t + 1])
		t--;
	return limit[t];
}

void zones_layout(const struct zonal_config *config, struct zone_layout *layout)
{
	ASSERT(config->info->range_count, "a board without memory");
	zone_limits(config, layout->limit);
	if (ZONAL_MOBILITY)
		movable_plan(config, usable_start(layout->limit), layout->movable);
	else
		memset(layout->movable, 0, sizeof(layout->movable));
}

/* Pages of a node that lie in [low, high), as the board has them. */
static uint64_t pages_between(const struct boot_info *info, unsigned nid, pfn_t low, pfn_t high)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < info->range_count; i++) {
		const struct boot_range *r = &info->range[i];
		pfn_t first = ZN_MAX(low, r->start >> PAGE_SHIFT);
		pfn_t last = ZN_MIN(high, (r->start + r->size) >> PAGE_SHIFT);

		if (r->nid == (int)nid && first < last)
			pages += last - first;
	}
	return pages;
}

/* Limits of a zone of one node; ZONE_MOVABLE is cut off those below it. */
static void zone_borders(const struct zone_layout *l, unsigned nid, unsigned t, pfn_t *low,
			 pfn_t *high)
{
	pfn_t movable = l->movable[nid];

	*low = t == ZONE_MOVABLE ? movable : l->limit[t];
	*high = t == ZONE_MOVABLE ? l->limit[ZONE_MOVABLE] : l->limit[t + 1];
	if (t == ZONE_MOVABLE && !movable)
		*high = 0;
	else if (t != ZONE_MOVABLE && movable)
		*high = ZN_MIN(*high, movable);
}

struct zone_extent zones_extent(const struct zone_layout *layout, const struct boot_info *info,
				unsigned zid)
{
	struct zone_extent node = node_extent(info, zid / ZONE_TYPES);
	struct zone_extent extent = { 0, 0, 0 };
	pfn_t low, high;

	ASSERT(zid < ZONAL_MAX_NODES * ZONE_TYPES, "zone %u", zid);
	zone_borders(layout, zid / ZONE_TYPES, zid % ZONE_TYPES, &low, &high);
	low = ZN_MAX(low, node.start);
	high = ZN_MIN(high, node.start + node.spanned);
	if (low >= high)
		return extent;
	extent.start = low;
	extent.spanned = high - low;
	extent.present = pages_between(info, zid / ZONE_TYPES, low, high);
	return extent;
}

static void make_node(struct zonal *mm, struct node *node, const struct zone_layout *layout,
		      const struct boot_info *info)
{
	struct zone_extent span = node_extent(info, node->id);

	node->start_pfn = span.start;
	node->spanned = span.spanned;
	node->present = span.present;
	for (unsigned t = 0; t < ZONE_TYPES; t++) {
		struct zone *zone = &node->zone[t];
		struct zone_extent extent = zones_extent(layout, info, zone->id);

		zone->start_pfn = extent.start;
		zone->spanned = extent.spanned;
		zone->present = extent.present;
		ASSERT(zone->present <= zone->spanned, "zone %u has %llu of %llu pages", zone->id,
		       (unsigned long long)zone->present, (unsigned long long)zone->spanned);
		if (!zone->present)
			continue;
		mm->zone[zone->id] = zone;
		mm->zone_end = zone->id + 1u;
	}
}

void zones_make(struct zonal *mm, const struct zonal_config *config)
{
	struct zone_layout layout;

	zones_layout(config, &layout);
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
		if (mm->node[n])
			make_node(mm, mm->node[n], &layout, config->info);
}
