/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order in which regions below /reserved-memory are served.
 *
 * 5.10 sorts the regions that it remembers by address and then by size, and places those
 * that have a size only in that order. To the sort such a region has address 0 and
 * size 0, so all of them are equal and come first; which of two equal ones is first then
 * depends on the sort alone. That is an in-place heapsort, which is not stable: of two
 * regions the later one in the tree comes first. Where memory is tight the order decides
 * what fits, and boards rely on it, so it is reproduced here step by step.
 *
 * The heap lies in order[]: below place p are 2p + 1 and 2p + 2, and no place is smaller
 * than one below it. Sinking a region goes "bottom-up": first the way down is found
 * without looking at it, always to the larger one below, to the left of two equal ones, as
 * far as a leaf; then, from the leaf upwards, the first place that is larger than
 * the region is where it goes, and all above that move up by one.
 *
 *	build   sink each place of the upper half, from the last to the first
 *	sort    swap the first with the last of the heap, which leaves it; sink the first
 *
 * The result is a permutation of the indices; the regions are not moved. At most
 * ZONAL_MAX_RESERVED_NODES of them, so the indices fit a byte. No state, no locks.
 */
#include "topology_internal.h"

#include "lib/assert.h"

_Static_assert(ZONAL_MAX_RESERVED_NODES <= UINT8_MAX + 1, "an index of a region is a byte");

/* Below, at or above 0 as `a` is less than, equal to or greater than `b`. */
static int compare(const struct topology_region *a, const struct topology_region *b)
{
	if (a->base != b->base)
		return a->base < b->base ? -1 : 1;
	return a->size < b->size ? -1 : a->size > b->size;
}

/* Sink what is at `top` of the heap order[0..end - 1], which is one everywhere below it. */
static void sink(const struct topology_region *region, uint8_t *order, unsigned top, unsigned end)
{
	const struct topology_region *sunk = &region[order[top]];
	unsigned place = top;
	uint8_t carried = order[top];

	while (2 * place + 2 < end) {
		unsigned left = 2 * place + 1;

		place = left + (compare(&region[order[left]], &region[order[left + 1]]) < 0);
	}
	/* The last leaf may have nobody beside it. */
	if (2 * place + 2 == end)
		place = end - 1;
	while (place != top && compare(sunk, &region[order[place]]) >= 0)
		place = (place - 1) / 2;
	for (; place != top; place = (place - 1) / 2) {
		uint8_t up = order[place];

		order[place] = carried;
		carried = up;
	}
	order[top] = carried;
}

void topology_order(const struct topology_region *region, unsigned count, uint8_t *order)
{
	ASSERT(count <= ZONAL_MAX_RESERVED_NODES, "%u regions", count);
	for (unsigned i = 0; i < count; i++)
		order[i] = (uint8_t)i;
	for (unsigned top = count / 2; top-- > 0;)
		sink(region, order, top, count);
	for (unsigned end = count; end-- > 1;) {
		uint8_t largest = order[0];

		order[0] = order[end];
		order[end] = largest;
		sink(region, order, 0, end);
	}
}
