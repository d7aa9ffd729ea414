/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is there any sense in compacting a zone for an order? (X1, X2)
 *
 *	the mark is met for that order           SUCCESS: just take it
 *	too few pages are free to work with      SKIPPED: reclaim must come first
 *	a costly order, and the index says that
 *	memory is short rather than scattered    SKIPPED
 *	else                                     CONTINUE
 *
 * To work with are the mark for single pages and twice the block: as much may be off the lists,
 * old and new frames, while a block is put together. For a costly order the mark is LOW.
 *
 * The fragmentation index tells why a block is not there: towards 0 because memory is short,
 * towards 1000 because it lies in many small pieces; -1000: there is one. Up to 500 compaction
 * would not help. Counts of all lists are read together, under the zone's lock.
 */
#include "compact.h"

#include "lib/assert.h"
#include "mm/reclaim/scan.h"
#include "mm/trace.h"
#include "mm/watermark.h"

#define INDEX_THRESHOLD 500 /* extfrag_threshold */

int compact_index(struct zone *zone, unsigned order)
{
	uint64_t free = 0, blocks = 0, suitable = 0;
	port_irqflags_t irq = port_irq_save();

	ASSERT(order < MAX_ORDER, "order %u", order);
	lock_take(&zone->lock);
	for (unsigned o = 0; o < MAX_ORDER; o++) {
		uint64_t here = 0;

		for (unsigned type = 0; type < MIGRATE_TYPES; type++)
			here += zone->list[type][o].count;
		blocks += here;
		free += here << o;
		suitable += o >= order ? here : 0;
	}
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	if (!blocks)
		return 0;
	if (suitable)
		return -1000;
	return 1000 - (int)((1000 + (free * 1000 >> order)) / blocks);
}

unsigned compact_score(struct zone *zone)
{
	uint64_t free = 0, whole = 0;
	port_irqflags_t irq = port_irq_save();

	lock_take(&zone->lock);
	for (unsigned o = 0; o < MAX_ORDER; o++)
		for (unsigned type = 0; type < MIGRATE_TYPES; type++) {
			uint64_t pages = (uint64_t)zone->list[type][o].count << o;

			free += pages;
			whole += o >= PAGEBLOCK_ORDER ? pages : 0;
		}
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	return free ? (unsigned)((free - whole) * 100 / free) : 0;
}

unsigned compact_mark(const struct zonal *mm, bool low)
{
	unsigned percent = ld_relaxed(&((struct zonal *)(uintptr_t)mm)->proactiveness);
	unsigned mark = ZN_MAX(100 - percent, 5u);

	ASSERT(percent <= 100, "proactiveness %u", percent);
	return low ? mark : ZN_MIN(mark + 10, 100u);
}

static bool enough_to_work_with(struct zone *zone, unsigned order, unsigned high_zone, int64_t more)
{
	int64_t mark = zone_mark(zone, order > COSTLY_ORDER ? WMARK_LOW : WMARK_MIN);

	return zone_mark_ok_with(zone, 0, mark + (int64_t)compact_gap(order), high_zone, ALLOC_CMA,
				 more);
}

/* Of an order; COMPACT_NOT_TRIED is 5.10's word for memory that is short rather than scattered. */
static enum compact_result order_suitable(struct zone *zone, unsigned order, unsigned flags,
					  unsigned high_zone, int64_t more)
{
	int64_t mark = zone_mark(zone, flags & ALLOC_WMARK_MASK);
	int index;

	if (zone_mark_ok(zone, order, mark, high_zone, flags))
		return COMPACT_SUCCESS;
	if (!enough_to_work_with(zone, order, high_zone, more))
		return COMPACT_SKIPPED;
	if (order <= COSTLY_ORDER || more)
		return COMPACT_CONTINUE;
	index = compact_index(zone, order);
	return index >= 0 && index <= INDEX_THRESHOLD ? COMPACT_NOT_TRIED : COMPACT_CONTINUE;
}

enum compact_result compact_suitable(struct zone *zone, int order, unsigned flags,
				     unsigned high_zone, int64_t more)
{
	enum compact_result result = COMPACT_CONTINUE;

	ASSERT(order < MAX_ORDER && high_zone < ZONE_TYPES, "order %d zone type %u", order,
	       high_zone);
	if (order != COMPACT_WHOLE)
		result = order_suitable(zone, (unsigned)order, flags, high_zone, more);
	trace(zone->mm, COMPACT_SUITABLE, zone->node, zone->type, (uint32_t)order, result);
	return result == COMPACT_NOT_TRIED ? COMPACT_SKIPPED : result;
}

bool compact_ready(struct zone *zone, unsigned order, unsigned high_zone)
{
	switch (compact_suitable(zone, (int)order, 0, high_zone, 0)) {
	case COMPACT_SUCCESS:
		return true;
	case COMPACT_SKIPPED:
		return false;
	default:
		return zone_mark_ok(zone, 0,
				    zone_mark(zone, WMARK_HIGH) + (int64_t)compact_gap(order),
				    high_zone, 0);
	}
}
