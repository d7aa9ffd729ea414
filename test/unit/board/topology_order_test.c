/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order of reserved regions (board/topology_order.c) against a plain model.
 *
 * The model is the same heap told another way: the whole way down is written into a
 * list, cut from its end, and what is left of it turned by one place. It shares no
 * line with the code. Random keys from few values, so that most are equal; orders of
 * a few equal ones, worked out by hand, keep both honest.
 */
#include <string.h>

#include "board/topology_internal.h"
#include "test/ktest.h"

#define MANY ZONAL_MAX_RESERVED_NODES

static bool above(const struct topology_region *a, const struct topology_region *b)
{
	return a->base > b->base || (a->base == b->base && a->size > b->size);
}

/* The places from `top` down to the leaf that the larger of two leads to. */
static unsigned way_down(const struct topology_region *r, const uint8_t *order, unsigned top,
			 unsigned end, unsigned way[MANY])
{
	unsigned length = 0, left;

	way[length++] = top;
	for (left = 2 * top + 1; left < end; left = 2 * way[length - 1] + 1) {
		bool right = left + 1 < end && above(&r[order[left + 1]], &r[order[left]]);

		way[length++] = right ? left + 1 : left;
	}
	return length;
}

static void model_sink(const struct topology_region *r, uint8_t *order, unsigned top, unsigned end)
{
	unsigned way[MANY], length = way_down(r, order, top, end, way);
	uint8_t first = order[top];

	while (length > 1 && !above(&r[order[way[length - 1]]], &r[first]))
		length--;
	for (unsigned i = 1; i < length; i++)
		order[way[i - 1]] = order[way[i]];
	order[way[length - 1]] = first;
}

static void model_order(const struct topology_region *r, unsigned count, uint8_t *order)
{
	for (unsigned i = 0; i < count; i++)
		order[i] = (uint8_t)i;
	for (unsigned i = count; i > 0; i--)
		model_sink(r, order, i - 1, count);
	for (unsigned end = count; end > 1; end--) {
		uint8_t largest = order[0];

		order[0] = order[end - 1];
		order[end - 1] = largest;
		model_sink(r, order, 0, end - 1);
	}
}

KTEST(topology_order, same_as_a_plain_model)
{
	struct topology_region *r = kt_alloc(MANY * sizeof(*r), 8);
	uint64_t seed = kt_seed() | 1;
	uint8_t got[MANY], want[MANY];

	for (unsigned round = 0; r && round < 4000; round++) {
		unsigned count = (unsigned)(kt_random(&seed) % (MANY + 1));
		unsigned values = 1 + (unsigned)(kt_random(&seed) % 5);

		for (unsigned i = 0; i < count; i++)
			r[i] = (struct topology_region){ .base = kt_random(&seed) % values,
							 .size = kt_random(&seed) % values };
		topology_order(r, count, got);
		model_order(r, count, want);
		if (!KT_OK(memcmp(got, want, count) == 0, "round %u: %u regions, %u values", round,
			   count, values))
			return;
		for (unsigned i = 1; i < count; i++)
			if (!KT_TRUE(!above(&r[got[i - 1]], &r[got[i]])))
				return;
	}
}

/* By hand: each sinking of an equal one ends where it began. */
KTEST(topology_order, equal_regions_are_turned_round)
{
	static const struct topology_region equal[5] = { { .node = 1 } };
	static const uint8_t want[][5] = { { 0 }, { 1, 0 }, { 1, 2, 0 }, { 1, 2, 3, 0 },
					   { 1, 2, 3, 4, 0 } };
	uint8_t got[5];

	for (unsigned count = 1; count <= 5; count++) {
		topology_order(equal, count, got);
		KT_OK(memcmp(got, want[count - 1], count) == 0, "%u: %u %u ...", count, got[0],
		      got[count > 1]);
	}
}

/* By hand: the larger fourth rises at once, and takes the first with it to the second level. */
KTEST(topology_order, a_region_with_an_address_changes_the_order_of_the_others)
{
	static const struct topology_region r[4] = { { 0 }, { 0 }, { 0 }, { .base = 9 } };
	static const uint8_t want[4] = { 0, 2, 1, 3 };
	uint8_t got[4];

	topology_order(r, 4, got);
	KT_EQ(memcmp(got, want, 4), 0);
}

KTEST(topology_order, address_goes_before_size)
{
	static const struct topology_region r[4] = {
		{ .base = 2, .size = 1 }, { .base = 1, .size = UINT64_MAX },
		{ .base = UINT64_MAX, .size = 0 }, { .base = 1, .size = UINT64_MAX - 1 } };
	static const uint8_t want[4] = { 3, 1, 0, 2 };
	uint8_t got[4];

	topology_order(r, 4, got);
	KT_EQ(memcmp(got, want, 4), 0);
}
