/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the zones of a figure file back to a board that has them.
 *
 * A file tells of a zone where it starts, how many pages it spans, how many of
 * them are RAM (present) and how many the allocator has (managed). The board is
 * laid out from that:
 *   1. A zone without holes takes its whole span.
 *   2. A zone with holes takes from the bottom up what no other zone has, until it
 *      has `present` pages. If it is the highest of its node, its last block of 4 MiB
 *      (or what there is) comes first, so that the span comes out; a lower zone
 *      spans to its limit, RAM or not. Zones are taken by growing size of
 *      hole, because a zone that lies in another's hole must be there before it.
 *   3. present - managed pages are reserved, from the bottom of the zone, as an
 *      image and its page map would be.
 *   4. Pieces of one node that touch become one range.
 *
 * Zone limits follow from addresses (row I16). Where the file shows a DMA32 zone, the
 * board's DMA limit is the power of two that divides DMA from it; without one,
 * no device tree said anything. The allocator then draws the same zones itself, and
 * oracle_state.c checks that it did.
 */
#include <stdlib.h>
#include <string.h>

#include "oracle.h"

struct piece {
	pfn_t start, end;
	unsigned node, zone;
};

struct layout {
	const struct fig_board *board;
	struct piece piece[ZONAL_MAX_RANGES];
	unsigned count;
	char *why;
	size_t why_size;
};

static const char *zone_text(const struct fig_zone *z)
{
	static char text[40];

	snprintf(text, sizeof(text), "node %u zone %s", z->node, zone_type_name((int)z->type));
	return text;
}

static bool piece_add(struct layout *l, unsigned zone, pfn_t start, pfn_t end)
{
	if (l->count == ZONAL_MAX_RANGES) {
		snprintf(l->why, l->why_size, "%s: more than ZONAL_MAX_RANGES %d ranges",
			 zone_text(&l->board->zone[zone]), ZONAL_MAX_RANGES);
		return false;
	}
	l->piece[l->count++] = (struct piece){ start, end, l->board->zone[zone].node, zone };
	return true;
}

/* The first piece that ends above `pfn`, or NULL; lowest start wins. */
static const struct piece *piece_above(const struct layout *l, pfn_t pfn)
{
	const struct piece *found = NULL;

	for (unsigned i = 0; i < l->count; i++)
		if (l->piece[i].end > pfn && (!found || l->piece[i].start < found->start))
			found = &l->piece[i];
	return found;
}

/* How much of a zone with holes must stand at its end. */
static uint64_t tail_pages(const struct layout *l, const struct fig_zone *z)
{
	uint64_t tail = ZN_MIN((uint64_t)1 << (MAX_ORDER - 1), z->present / 2);
	pfn_t end = z->start_pfn + z->spanned;

	for (unsigned i = 0; i < l->board->zone_count; i++)
		if (l->board->zone[i].node == z->node && l->board->zone[i].start_pfn >= end)
			return 0;
	for (unsigned i = 0; i < l->count; i++)
		if (l->piece[i].start < end && l->piece[i].end > end - tail)
			tail = l->piece[i].end < end ? end - l->piece[i].end : 0;
	return tail;
}

/* Rule 2. */
static bool lay_with_holes(struct layout *l, unsigned zone)
{
	const struct fig_zone *z = &l->board->zone[zone];
	uint64_t tail = tail_pages(l, z), left = z->present - tail;
	pfn_t at = z->start_pfn, end = z->start_pfn + z->spanned;

	while (left && at < end - tail) {
		const struct piece *next = piece_above(l, at);
		pfn_t stop = next && next->start < end - tail ? next->start : end - tail;
		uint64_t pages = ZN_MIN(left, stop > at ? stop - at : 0);

		if (pages && !piece_add(l, zone, at, at + pages))
			return false;
		left -= pages;
		at = next && next->start < end - tail ? next->end : end;
	}
	if (left) {
		snprintf(l->why, l->why_size, "%s: no room for %llu present pages in its span",
			 zone_text(z), (unsigned long long)z->present);
		return false;
	}
	return !tail || piece_add(l, zone, end - tail, end);
}

static bool lay_whole(struct layout *l, unsigned zone)
{
	const struct fig_zone *z = &l->board->zone[zone];
	pfn_t end = z->start_pfn + z->spanned;

	for (unsigned i = 0; i < l->count; i++) {
		if (l->piece[i].start < end && l->piece[i].end > z->start_pfn) {
			snprintf(l->why, l->why_size, "%s: overlaps another zone", zone_text(z));
			return false;
		}
	}
	return piece_add(l, zone, z->start_pfn, end);
}

static bool lay_zones(struct layout *l)
{
	bool done[FIG_MAX_ZONES] = { false };

	for (unsigned n = 0; n < l->board->zone_count; n++) {
		const struct fig_zone *z = l->board->zone;
		unsigned pick = FIG_MAX_ZONES;

		for (unsigned i = 0; i < l->board->zone_count; i++)
			if (!done[i] && (pick == FIG_MAX_ZONES ||
					 z[i].spanned - z[i].present <
						 z[pick].spanned - z[pick].present))
				pick = i;
		done[pick] = true;
		if (!(z[pick].spanned == z[pick].present ? lay_whole : lay_with_holes)(l, pick))
			return false;
	}
	return true;
}

static int by_start(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* Rule 3: what zone pieces begin with, until present - managed is used up. */
static void reserve(const struct layout *l, const uint64_t *managed, struct boot_info *info)
{
	uint64_t left[FIG_MAX_ZONES];

	for (unsigned i = 0; i < l->board->zone_count; i++)
		left[i] = l->board->zone[i].present - managed[i];
	for (unsigned i = 0; i < l->count; i++) {
		const struct piece *p = &l->piece[i];
		uint64_t pages = ZN_MIN(left[p->zone], p->end - p->start);

		if (!pages)
			continue;
		info->reserved[info->reserved_count++] =
			(struct boot_range){ .start = p->start << PAGE_SHIFT,
					     .size = pages << PAGE_SHIFT,
					     .nid = NODE_NONE,
					     .flags = BOOT_FIRMWARE };
		left[p->zone] -= pages;
	}
}

/* Rule 4. */
static void ranges(const struct layout *l, struct boot_info *info)
{
	for (unsigned i = 0; i < l->count; i++) {
		const struct piece *p = &l->piece[i];
		struct boot_range *last = i ? &info->range[info->range_count - 1] : NULL;
		uint64_t start = p->start << PAGE_SHIFT, size = (p->end - p->start) << PAGE_SHIFT;

		if (last && last->nid == (int)p->node && last->start + last->size == start)
			last->size += size;
		else
			info->range[info->range_count++] = (struct boot_range){
				.start = start, .size = size, .nid = (int16_t)p->node
			};
	}
}

static uint64_t dma_max(const struct fig_board *board)
{
	uint64_t end = 1, limit = 1;
	bool dma32 = false;

	for (unsigned i = 0; i < board->zone_count; i++) {
		const struct fig_zone *z = &board->zone[i];

		dma32 |= z->type == ZONE_DMA32;
		if (z->type == ZONE_DMA)
			end = ZN_MAX(end, (z->start_pfn + z->spanned) << PAGE_SHIFT);
	}
	while (limit < end)
		limit <<= 1;
	return dma32 ? limit - 1 : UINT64_MAX;
}

static void cpus(const struct fig_board *board, struct boot_info *info)
{
	info->cpu_count = board->cpu_limit;
	for (unsigned c = 0; c < board->cpu_limit; c++) {
		bool there = board->cpu_node[c] != NODE_NONE;

		info->cpu[c].nid = there ? board->cpu_node[c] : (int16_t)0;
	}
}

bool layout_make(const struct fig_board *board, const uint64_t *managed, struct boot_info *info,
		 char *why, size_t why_size)
{
	struct layout l = { .board = board, .why = why, .why_size = why_size };

	memset(info, 0, sizeof(*info));
	if (!lay_zones(&l))
		return false;
	qsort(l.piece, l.count, sizeof(l.piece[0]), by_start);
	ranges(&l, info);
	reserve(&l, managed, info);
	cpus(board, info);
	info->nodes = board->nodes;
	memcpy(info->distance, board->distance, sizeof(info->distance));
	info->dma_max = dma_max(board);
	return true;
}
