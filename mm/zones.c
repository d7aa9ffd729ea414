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
 * either ends, holes included; `present` counts RAM alone (I7). ZONE_MOVABLE is cut
 * off the upper end of the highest zone by movable.c.
 *
 * Boot only, no locks.
 */
#include "init.h"

/* First address behind a zone of `bits` address bits on RAM [start, end). */
static uint64_t limit_of_bits(unsigned bits, uint64_t start, uint64_t end)
{
	uint64_t mask = bits >= 64 ? UINT64_MAX : (1ULL << bits) - 1;

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
}

static void node_span(struct node *node, const struct boot_info *info)
{
	pfn_t end = 0;

	for (unsigned i = 0; i < info->range_count; i++) {
		const struct boot_range *r = &info->range[i];
		pfn_t first = r->start >> PAGE_SHIFT, last = (r->start + r->size) >> PAGE_SHIFT;

		if (r->nid != node->id)
			continue;
		if (!end || first < node->start_pfn)
			node->start_pfn = first;
		end = ZN_MAX(end, last);
		node->present += last - first;
	}
	node->spanned = end ? end - node->start_pfn : 0;
}

static void zone_span(struct zone *zone, pfn_t low, pfn_t high)
{
	const struct node *node = zone->mm->node[zone->node];
	pfn_t start = ZN_MAX(low, node->start_pfn);
	pfn_t end = ZN_MIN(high, node->start_pfn + node->spanned);

	if (end > start) {
		zone->start_pfn = start;
		zone->spanned = end - start;
	}
}

/* Cut ZONE_MOVABLE, beginning at `from`, off the zones below it. */
static void cut_movable(struct node *node, pfn_t from)
{
	pfn_t node_end = node->start_pfn + node->spanned;

	for (unsigned t = 0; from && t < ZONE_MOVABLE; t++) {
		struct zone *zone = &node->zone[t];
		pfn_t end = zone->start_pfn + zone->spanned;

		if (zone->start_pfn >= from)
			zone->spanned = 0;
		else if (end > from)
			zone->spanned = from - zone->start_pfn;
	}
	if (from)
		zone_span(&node->zone[ZONE_MOVABLE], from, node_end);
}

bool zones_piece(struct zonal *mm, const struct boot_info *info, unsigned i, unsigned t,
		 pfn_t *start, pfn_t *end)
{
	const struct boot_range *r = &info->range[i];
	const struct zone *zone = &mm->node[r->nid]->zone[t];

	*start = ZN_MAX(r->start >> PAGE_SHIFT, zone->start_pfn);
	*end = ZN_MIN((r->start + r->size) >> PAGE_SHIFT, zone->start_pfn + zone->spanned);
	return zone->spanned && *start < *end;
}

static void count_present(struct zonal *mm, const struct boot_info *info)
{
	pfn_t start, end;

	for (unsigned i = 0; i < info->range_count; i++)
		for (unsigned t = 0; t < ZONE_TYPES; t++)
			if (zones_piece(mm, info, i, t, &start, &end))
				mm->node[info->range[i].nid]->zone[t].present += end - start;
}

/* The lowest pfn of the highest zone that has memory: where MOVABLE may begin. */
static pfn_t usable_start(const pfn_t limit[ZONE_MOVABLE + 1])
{
	unsigned t = ZONE_NORMAL;

	while (t > ZONE_DMA && limit[t] >= limit[t + 1])
		t--;
	return limit[t];
}

void zones_plan(struct zonal *mm, const struct zonal_config *config)
{
	pfn_t limit[ZONE_MOVABLE + 1], movable[ZONAL_MAX_NODES];

	zone_limits(config, limit);
	movable_plan(config, usable_start(limit), movable);
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++) {
		struct node *node = mm->node[n];

		if (!node)
			continue;
		node_span(node, config->info);
		for (unsigned t = 0; t < ZONE_MOVABLE; t++)
			zone_span(&node->zone[t], limit[t], limit[t + 1]);
		cut_movable(node, movable[n]);
	}
	count_present(mm, config->info);
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
		for (unsigned t = 0; mm->node[n] && t < ZONE_TYPES; t++)
			if (mm->node[n]->zone[t].present)
				mm->zone[n * ZONE_TYPES + t] = &mm->node[n]->zone[t];
}
