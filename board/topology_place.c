/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding a place for a reserved region that has a size but no address.
 *
 * As 5.10 does it: from the top of memory down, the first place that is RAM all
 * through, free of reservations, aligned, and inside the bounds asked for. Page 0 is
 * never given, because address 0 means "none". RAM that touches counts as one piece
 * even where a node id changes, because 5.10 places these regions before it
 * knows nodes.
 *
 * The search goes over pieces of RAM from the top, and in each over the gaps between
 * reservations from the top:
 *
 *	piece   [..............................]
 *	taken        [xxxx]         [xx]
 *	gaps         third   second    first
 *
 * Both lists are sorted and disjoint; at most ZONAL_MAX_RANGES squared steps.
 */
#include "topology_internal.h"

#include "lib/assert.h"

/* The highest place in low..high - 1, which is RAM, between the reservations; or 0. */
static uint64_t place_in_piece(const struct topology *t, const struct topology_want *want,
			       uint64_t low, uint64_t high)
{
	for (unsigned i = *t->reserved.count; ; i--) {
		const struct boot_range *below = i ? &t->reserved.range[i - 1] : NULL;
		uint64_t gap = low, place;

		if (below && below->start >= high)
			continue;
		if (below)
			gap = ZN_MAX(low, range_end(below));
		place = high > want->size ? align_down(high - want->size, want->align) : 0;
		if (high > gap && place >= gap)
			return place;
		if (!below || below->start <= low)
			return 0;
		high = below->start;
	}
}

uint64_t topology_place(const struct topology *t, const struct topology_want *want)
{
	const uint64_t low = ZN_MAX(want->low, PAGE_SIZE);
	unsigned i = *t->memory.count;

	ASSERT(want->size && !(want->size & (PAGE_SIZE - 1)), "0x%llx bytes",
	       (unsigned long long)want->size);
	ASSERT(want->align && !(want->align & (want->align - 1)), "aligned to 0x%llx",
	       (unsigned long long)want->align);
	while (i > 0) {
		uint64_t end = range_end(&t->memory.range[--i]);
		uint64_t start = t->memory.range[i].start, place;

		while (i > 0 && range_end(&t->memory.range[i - 1]) == start)
			start = t->memory.range[--i].start;
		start = ZN_MAX(start, low);
		end = ZN_MIN(end, want->high);
		if (start >= end)
			continue;
		place = place_in_piece(t, want, start, end);
		if (place)
			return place;
	}
	return 0;
}
