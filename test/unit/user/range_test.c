/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ranges of an address space, beside a map of single pages that knows the same: random
 * operations on a few hundred pages, and after each both must agree on every page and the
 * table must keep its rules. What is refused must have changed nothing.
 */
#include <string.h>

#include "test/ktest.h"
#include "user/range.h"

enum { PAGES = 300, STEPS = 20000 };

#define PLACE(page) (USER_BASE + (uint64_t)(page) * PAGE_SIZE)

/* Of each page: rights and, above them, the policy's mode; 0: not mapped. */
struct twin {
	struct user_ranges ranges;
	struct user_ranges before;
	uint8_t page[PAGES];
};

static uint8_t seen(struct user_ranges *ranges, unsigned page)
{
	const struct user_range *range = range_find(ranges, PLACE(page) + page % PAGE_SIZE);

	return range ? (uint8_t)(range->rights | (uint32_t)range->policy.mode << 4) : (uint8_t)0;
}

static bool agree(struct twin *twin)
{
	for (unsigned page = 0; page < PAGES; page++)
		if (seen(&twin->ranges, page) != twin->page[page])
			return false;
	return range_check(&twin->ranges);
}

static bool all_mapped(const struct twin *twin, unsigned from, unsigned to)
{
	while (from < to && twin->page[from])
		from++;
	return from == to;
}

static bool any_mapped(const struct twin *twin, unsigned from, unsigned to)
{
	while (from < to && !twin->page[from])
		from++;
	return from < to;
}

enum operation { ADD, REMOVE, PROTECT, BIND, OPERATIONS };

static int run(struct twin *twin, enum operation what, const unsigned span[2], uint32_t rights)
{
	const struct mempolicy policy = { .mode = (uint8_t)(rights & 3) };
	uint64_t start = PLACE(span[0]), end = PLACE(span[1]);

	switch (what) {
	case ADD:
		return range_add(&twin->ranges, start, end, rights);
	case REMOVE:
		return range_remove(&twin->ranges, start, end);
	case PROTECT:
		return range_protect(&twin->ranges, start, end, rights & USER_RIGHTS);
	default:
		return range_bind(&twin->ranges, start, end, &policy);
	}
}

static uint8_t becomes(enum operation what, uint8_t old, uint32_t rights)
{
	switch (what) {
	case ADD:
		return (uint8_t)rights;
	case REMOVE:
		return 0;
	case PROTECT:
		return (uint8_t)((old & ~USER_RIGHTS) | (rights & USER_RIGHTS));
	default:
		return (uint8_t)((old & 0xf) | (rights & 3) << 4);
	}
}

static int expected(const struct twin *twin, enum operation what, const unsigned span[2])
{
	if (what == ADD)
		return any_mapped(twin, span[0], span[1]) ? USER_EEXIST : 0;
	if (what == REMOVE)
		return 0;
	return all_mapped(twin, span[0], span[1]) ? 0 : USER_EINVAL;
}

static bool step(struct twin *twin, uint64_t *random)
{
	enum operation what = (enum operation)(kt_random(random) % OPERATIONS);
	unsigned first = (unsigned)(kt_random(random) % (PAGES - 20));
	const unsigned span[2] = { first, first + 1 + (unsigned)(kt_random(random) % 19) };
	uint32_t rights = USER_READ | (uint32_t)(kt_random(random) % 16);
	int want = expected(twin, what, span), result;

	twin->before = twin->ranges;
	result = run(twin, what, span, rights);
	if (result == USER_ENOMEM && twin->before.count >= ZONAL_USER_RANGES - 1)
		want = result;
	if (!KT_EQ(result, want))
		return false;
	if (result)
		return KT_TRUE(!memcmp(&twin->before, &twin->ranges, sizeof(twin->ranges)));
	for (unsigned page = span[0]; page < span[1]; page++)
		twin->page[page] = becomes(what, twin->page[page], rights);
	return KT_TRUE(agree(twin));
}

KTEST(user_range, agrees_with_a_map_of_pages)
{
	struct twin *twin = kt_alloc(sizeof(*twin), 64);
	uint64_t random = kt_seed() | 1;

	if (!twin)
		return;
	for (unsigned i = 0; i < STEPS; i++)
		if (!step(twin, &random))
			return;
}

KTEST(user_range, a_full_table_refuses_and_keeps_what_it_has)
{
	struct user_ranges *ranges = kt_alloc(sizeof(*ranges), 64);

	if (!ranges)
		return;
	for (unsigned i = 0; i < ZONAL_USER_RANGES; i++)
		KT_EQ(range_add(ranges, PLACE(4 * i), PLACE(4 * i + 3), USER_READ), 0);
	KT_EQ(range_add(ranges, PLACE(4000), PLACE(4001), USER_READ), USER_ENOMEM);
	KT_EQ(range_remove(ranges, PLACE(1), PLACE(2)), USER_ENOMEM);
	KT_EQ(range_protect(ranges, PLACE(1), PLACE(2), USER_READ | USER_WRITE), USER_ENOMEM);
	KT_TRUE(range_covers(ranges, PLACE(0), PLACE(3)));
	KT_EQ(ranges->count, ZONAL_USER_RANGES);
	/* What needs no entry more is served. */
	KT_EQ(range_remove(ranges, PLACE(0), PLACE(3)), 0);
	KT_EQ(range_protect(ranges, PLACE(4), PLACE(5), USER_READ | USER_WRITE), 0);
}

KTEST(user_range, neighbours_that_are_alike_become_one)
{
	struct user_ranges *ranges = kt_alloc(sizeof(*ranges), 64);

	if (!ranges)
		return;
	KT_EQ(range_add(ranges, PLACE(0), PLACE(1), USER_READ), 0);
	KT_EQ(range_add(ranges, PLACE(2), PLACE(3), USER_READ), 0);
	KT_EQ(ranges->count, 2);
	KT_EQ(range_add(ranges, PLACE(1), PLACE(2), USER_READ), 0);
	KT_EQ(ranges->count, 1);
	KT_EQ(range_protect(ranges, PLACE(1), PLACE(2), USER_READ | USER_EXEC), 0);
	KT_EQ(ranges->count, 3);
	KT_EQ(range_protect(ranges, PLACE(0), PLACE(3), USER_READ), 0);
	KT_EQ(ranges->count, 1);
}

KTEST(user_range, gaps_are_found_and_do_not_overflow)
{
	struct user_ranges *ranges = kt_alloc(sizeof(*ranges), 64);
	const uint64_t huge = 0x200000;

	if (!ranges)
		return;
	KT_EQ(range_gap(ranges, PAGE_SIZE, PAGE_SIZE), USER_BASE);
	KT_EQ(range_gap(ranges, huge, huge), huge);
	KT_EQ(range_gap(ranges, USER_LIMIT, PAGE_SIZE), 0);
	KT_EQ(range_add(ranges, PLACE(0), PLACE(2), USER_READ), 0);
	KT_EQ(range_add(ranges, PLACE(3), PLACE(5), USER_READ), 0);
	KT_EQ(range_gap(ranges, PAGE_SIZE, PAGE_SIZE), PLACE(2));
	KT_EQ(range_gap(ranges, 2 * PAGE_SIZE, PAGE_SIZE), PLACE(5));
	KT_EQ(range_add(ranges, PLACE(5), USER_LIMIT - PAGE_SIZE, USER_WRITE), 0);
	KT_EQ(range_gap(ranges, 2 * PAGE_SIZE, PAGE_SIZE), 0);
}

KTEST(user_range, only_whole_pages_of_programs_are_sound)
{
	static const struct {
		uint64_t start, bytes;
	} bad[] = {
		{ USER_BASE, 0 },
		{ USER_BASE + 1, PAGE_SIZE },
		{ USER_BASE, PAGE_SIZE + 8 },
		{ 0, PAGE_SIZE },
		{ USER_BASE - PAGE_SIZE, PAGE_SIZE },
		{ USER_LIMIT, PAGE_SIZE },
		{ USER_LIMIT - PAGE_SIZE, 2 * PAGE_SIZE },
		{ USER_BASE, ~(PAGE_SIZE - 1) },
		{ USER_BASE, USER_LIMIT },
		{ 0xffff000000000000, PAGE_SIZE },
		{ ~(PAGE_SIZE - 1), PAGE_SIZE },
	};
	uint64_t end = 7;

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		KT_OK(!range_sound(bad[i].start, bad[i].bytes, &end) && end == 7, "case %u", i);
	KT_TRUE(range_sound(USER_LIMIT - PAGE_SIZE, PAGE_SIZE, &end) && end == USER_LIMIT);
	KT_TRUE(range_sound(USER_BASE, USER_LIMIT - USER_BASE, &end) && end == USER_LIMIT);
}
