/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Range lists (board/topology_ranges.c) against a plain array.
 *
 * The model is one record an address over 96 addresses: in the list or not, node id,
 * flags. Random operations are done on both, and after each the list must
 * describe the model and keep its invariants. Tables are tried at N - 1, N and N + 1
 * entries, and the ends of the address space apart.
 */
#include <string.h>

#include "board/topology_ranges.h"
#include "test/ktest.h"

#define SPACE 96
#define MANY SPACE

struct list {
	struct boot_range range[MANY];
	unsigned count;
};

struct model {
	bool in[SPACE];
	int nid[SPACE];
	unsigned flags[SPACE];
};

static struct range_list view(struct list *l)
{
	return (struct range_list){ l->range, &l->count, MANY };
}

static bool same(const struct list *l, const struct model *m)
{
	struct model got;

	memset(&got, 0, sizeof(got));
	for (unsigned i = 0; i < l->count; i++) {
		const struct boot_range *r = &l->range[i];

		if (!r->size || range_end(r) > SPACE || (i && range_end(r - 1) > r->start))
			return false;
		for (uint64_t a = r->start; a < range_end(r); a++) {
			got.in[a] = true;
			got.nid[a] = r->nid;
			got.flags[a] = r->flags;
		}
	}
	for (unsigned a = 0; a < SPACE; a++) {
		if (got.in[a] != m->in[a])
			return false;
		if (m->in[a] && (got.nid[a] != m->nid[a] || got.flags[a] != m->flags[a]))
			return false;
	}
	return true;
}

enum { ADD, UNITE, SET_NID, SET_FLAGS, REMOVE, MERGE, OPS };

static void model_do(struct model *m, unsigned op, unsigned start, unsigned size, int nid,
		     unsigned flags)
{
	for (unsigned a = start; a < start + size; a++) {
		bool was = m->in[a];

		if ((op == ADD || op == UNITE) && !was) {
			m->in[a] = true;
			m->nid[a] = op == ADD ? nid : NODE_NONE;
			m->flags[a] = flags;
		}
		if ((op == UNITE || op == SET_FLAGS) && was)
			m->flags[a] |= flags;
		if (op == SET_NID && was)
			m->nid[a] = nid;
		if (op == REMOVE)
			m->in[a] = false;
	}
}

static bool list_do(struct list *l, unsigned op, unsigned start, unsigned size, int nid,
		    unsigned flags)
{
	struct range_list list = view(l);

	switch (op) {
	case ADD:
		return ranges_add(list, start, size, nid, flags);
	case UNITE:
		return ranges_unite(list, start, size, flags);
	case SET_NID:
		return ranges_set_nid(list, start, size, nid);
	case SET_FLAGS:
		return ranges_set_flags(list, start, size, flags);
	case REMOVE:
		return ranges_remove(list, start, size);
	default:
		ranges_merge(list);
		return true;
	}
}

static bool questions(struct list *l, const struct model *m, unsigned start, unsigned size)
{
	struct range_list list = view(l);
	unsigned inside = 0;

	for (unsigned a = start; a < start + size; a++)
		inside += m->in[a];
	return ranges_overlap(list, start, size) == (inside != 0) &&
	       (!ranges_hold(list, start, size) || inside == size);
}

KTEST(topology_ranges, random_operations_match_a_model)
{
	struct list *l = kt_alloc(sizeof(*l), 8);
	struct model *m = kt_alloc(sizeof(*m), 8);
	uint64_t seed = kt_seed() | 1;

	if (!l || !m)
		return;
	for (unsigned round = 0; round < 20000; round++) {
		uint64_t r = kt_random(&seed);
		unsigned op = (unsigned)(r % OPS), start = (unsigned)((r >> 8) % (SPACE - 16));
		unsigned size = (unsigned)(1 + (r >> 24) % 16);
		int nid = (int)((r >> 32) % 3) - 1;
		unsigned flags = (r >> 40) & 3;

		if (round % 200 == 0) {
			memset(l, 0, sizeof(*l));
			memset(m, 0, sizeof(*m));
		}
		model_do(m, op, start, size, nid, flags);
		if (!KT_OK(list_do(l, op, start, size, nid, flags), "round %u: full", round) ||
		    !KT_OK(same(l, m) && questions(l, m, start, size),
			   "round %u: operation %u on %u + %u", round, op, start, size))
			return;
	}
}

KTEST(topology_ranges, merge_joins_only_equal_neighbours)
{
	struct boot_range table[8];
	unsigned count = 0;
	struct range_list list = { table, &count, ARRAY_SIZE(table) };

	KT_TRUE(ranges_add(list, 0, 4, 0, 0) && ranges_add(list, 4, 4, 0, 0) &&
		ranges_add(list, 8, 4, 1, 0) && ranges_add(list, 12, 4, 1, 2) &&
		ranges_add(list, 17, 4, 1, 2));
	ranges_merge(list);
	if (!KT_EQ(count, 4))
		return;
	KT_EQ(table[0].size, 8);
	KT_EQ(table[3].start, 17);
}

KTEST(topology_ranges, a_full_table_says_so_and_stays_sorted)
{
	struct boot_range table[8];
	unsigned count = 0;
	struct range_list list = { table, &count, 3 };

	KT_TRUE(ranges_add(list, 0, 4, 0, 0) && ranges_add(list, 10, 4, 0, 0) &&
		ranges_add(list, 20, 4, 0, 0));
	KT_TRUE(!ranges_add(list, 30, 4, 0, 0));
	KT_TRUE(!ranges_remove(list, 11, 1));
	KT_TRUE(!ranges_set_nid(list, 0, 2, 1));
	KT_TRUE(ranges_set_nid(list, 0, 4, 1));
	KT_TRUE(ranges_add(list, 10, 4, 5, 0));
	KT_TRUE(ranges_remove(list, 8, 8));
	KT_TRUE(ranges_add(list, 5, 1, 0, 0));
	KT_EQ(count, 3);
	KT_EQ(table[1].start, 5);
}

KTEST(topology_ranges, the_smallest_gap_between_equals_is_closed)
{
	struct boot_range table[] = {
		{ .start = 0, .size = 10 },                     /* 5 to the next, a CMA area */
		{ .start = 15, .size = 10, .flags = BOOT_CMA }, /* 1, CMA as well */
		{ .start = 26, .size = 10, .flags = BOOT_CMA }, /* 1, another kind */
		{ .start = 37, .size = 10 },                    /* 7 */
		{ .start = 54, .size = 10 },                    /* 6, the smallest that counts */
		{ .start = 70, .size = 10 },                    /* 2, another node */
		{ .start = 82, .size = 10, .nid = 1 },
	};
	unsigned count = ARRAY_SIZE(table);
	struct range_list list = { table, &count, ARRAY_SIZE(table) };
	uint64_t start = 0, size = 0;

	KT_EQ(ranges_kinds(list), 5);
	KT_TRUE(ranges_close_gap(list, &start, &size));
	KT_TRUE(start == 64 && size == 6);
	KT_EQ(count, 6);
	KT_TRUE(table[4].start == 54 && table[4].size == 26 && table[5].start == 82);
	KT_TRUE(ranges_close_gap(list, &start, &size));
	KT_TRUE(start == 47 && size == 7 && count == 5);
	KT_TRUE(!ranges_close_gap(list, &start, &size));
	KT_EQ(count, 5);
}

KTEST(topology_ranges, ranges_of_a_node_are_taken_out)
{
	struct boot_range table[] = { { 0, 4, NODE_LEFT_OUT, 0 },
				      { 4, 4, 1, 0 },
				      { 8, 4, NODE_LEFT_OUT, 2 },
				      { 12, 4, NODE_NONE, 0 } };
	unsigned count = ARRAY_SIZE(table);
	struct range_list list = { table, &count, ARRAY_SIZE(table) };

	ranges_drop_nid(list, NODE_LEFT_OUT);
	KT_EQ(count, 2);
	KT_TRUE(table[0].start == 4 && table[1].start == 12);
}

KTEST(topology_ranges, the_end_of_the_address_space)
{
	struct boot_range table[8];
	unsigned count = 0;
	struct range_list list = { table, &count, ARRAY_SIZE(table) };

	KT_EQ(ranges_clip(UINT64_MAX, 1), 0);
	KT_EQ(ranges_clip(0, UINT64_MAX), UINT64_MAX);
	KT_EQ(ranges_clip(UINT64_MAX - 4095, 4096), 4095);
	KT_TRUE(ranges_add(list, UINT64_MAX - 8191, 8192, 0, 0));
	KT_TRUE(ranges_add(list, 0, UINT64_MAX, 0, 0));
	ranges_merge(list);
	if (!KT_EQ(count, 1))
		return;
	KT_EQ(range_end(&table[0]), UINT64_MAX);
	ranges_shrink_to_pages(list);
	KT_EQ(range_end(&table[0]), UINT64_MAX - 4095);
	KT_TRUE(!ranges_overlap(list, UINT64_MAX - 100, 200));
}

KTEST(topology_ranges, shrink_drops_what_is_less_than_a_page)
{
	struct boot_range table[8];
	unsigned count = 0;
	struct range_list list = { table, &count, ARRAY_SIZE(table) };

	KT_TRUE(ranges_add(list, 0x1001, 0x1ffe, 0, 0) && ranges_add(list, 0x4000, 0x1000, 0, 0) &&
		ranges_add(list, 0x6001, 0x2fff, 0, 0) &&
		ranges_add(list, UINT64_MAX - 9, 5, 0, 0));
	ranges_shrink_to_pages(list);
	if (!KT_EQ(count, 2))
		return;
	KT_EQ(table[0].start, 0x4000);
	KT_EQ(table[1].start, 0x7000);
	KT_EQ(table[1].size, 0x2000);
}

/* An overlap is seen up to the end of the address space, where start + size wraps. */
KTEST(topology_ranges, overlap_at_the_end_of_addresses)
{
	struct list *l = kt_alloc(sizeof(*l), 8);
	const uint64_t last = UINT64_MAX - 0xfff;

	if (!l || !KT_TRUE(ranges_add(view(l), last, 0xfff, NODE_NONE, 2)))
		return;
	KT_TRUE(ranges_overlap(view(l), last, UINT64_MAX));
	KT_TRUE(ranges_overlap(view(l), last - 0x1000, 0x3000));
	KT_TRUE(ranges_overlap(view(l), 1, UINT64_MAX));
	KT_TRUE(ranges_meet(view(l), last - 0x1000, 0x3000, 2));
	KT_TRUE(!ranges_meet(view(l), last - 0x1000, 0x3000, 1));
	KT_TRUE(!ranges_covered(view(l), last - 0x1000, 0x3000, 1));
	KT_TRUE(!ranges_overlap(view(l), last - 0x1000, 0x1000));
	KT_TRUE(ranges_overlap(view(l), last - 0x1000, 0x1001));
	KT_TRUE(!ranges_overlap(view(l), UINT64_MAX, 0x1000));
	KT_TRUE(ranges_hold(view(l), last, 0xfff));
	KT_TRUE(!ranges_hold(view(l), last, UINT64_MAX));
}

/* Questions by flag, against one look at every address. */
KTEST(topology_ranges, questions_by_flag)
{
	struct list *l = kt_alloc(sizeof(*l), 8);
	uint64_t seed = kt_seed() | 1;

	for (unsigned round = 0; l && round < 2000; round++) {
		unsigned start = (unsigned)(kt_random(&seed) % SPACE);
		unsigned size = (unsigned)(kt_random(&seed) % (SPACE - start));
		unsigned flag = 1u << kt_random(&seed) % 3;
		bool meets = false, covered = true;

		memset(l, 0, sizeof(*l));
		for (unsigned i = 0; i < 5; i++)
			KT_TRUE(ranges_add(view(l), kt_random(&seed) % SPACE,
					   kt_random(&seed) % 20, 0,
					   (unsigned)(kt_random(&seed) % 8)));
		for (unsigned i = 0; i < l->count; i++) {
			const struct boot_range *r = &l->range[i];

			if (r->start >= start + size || range_end(r) <= start)
				continue;
			meets |= (r->flags & flag) != 0;
			covered &= (r->flags & flag) != 0;
		}
		if (!KT_EQ(ranges_meet(view(l), start, size, flag), meets) ||
		    !KT_EQ(ranges_covered(view(l), start, size, flag), covered))
			return;
	}
}

/* Two CMA areas that touch stay two; anything else that is alike becomes one. */
KTEST(topology_ranges, cma_areas_are_not_merged)
{
	struct list *l = kt_alloc(sizeof(*l), 8);

	if (!l)
		return;
	for (unsigned i = 0; i < 6; i++)
		KT_TRUE(ranges_add(view(l), i * 0x1000, 0x1000, NODE_NONE,
				   i < 3 ? BOOT_CMA : BOOT_DYNAMIC));
	ranges_merge(view(l));
	KT_EQ(l->count, 4);
	ranges_drop(view(l), BOOT_CMA);
	KT_EQ(l->count, 1);
	KT_EQ(l->range[0].start, 0x3000);
	KT_EQ(l->range[0].size, 0x3000);
	ranges_drop(view(l), BOOT_DYNAMIC | BOOT_CMA);
	KT_EQ(l->count, 1);
}
