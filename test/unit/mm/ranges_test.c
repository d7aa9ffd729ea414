/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A board from raw ranges: sorting, merging, rounding, every refusal with its line, and that what
 * is made is accepted by zonal_init() and is what a device tree would give.
 *
 * A random run adds ranges in any order and compares with a table of single pages.
 */
#include <string.h>

#include "kt_instance.h"

#include <zonal/ranges.h>

#include "test/unit/monitor/monitor_capture.h"

#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define BASE (KT_NORMAL_PFN << PAGE_SHIFT)

static struct boot_info *begin(void)
{
	struct boot_info *info = kt_alloc(sizeof(*info), 64);

	if (info)
		zonal_info_begin(info);
	return info;
}

static bool range_is(const struct boot_range *r, uint64_t start, uint64_t size, int nid)
{
	return KT_EQ(r->start, start) && KT_EQ(r->size, size) && KT_TRUE(r->nid == nid);
}

KTEST(ranges, nothing_is_there_at_first)
{
	struct boot_info *info = begin();

	if (!info)
		return;
	KT_EQ(info->range_count + info->reserved_count + info->cpu_count + info->nodes, 0);
	KT_EQ(info->dma_max, UINT64_MAX);
	KT_EQ(info->distance[0][0], 10);
	KT_EQ(info->distance[ZONAL_MAX_NODES - 1][0], ZONAL_MAX_NODES > 1 ? 20 : 10);
}

KTEST(ranges, memory_is_sorted_and_neighbours_of_one_node_are_joined)
{
	struct boot_info *info = begin();

	if (!info || ZONAL_MAX_NODES < 2)
		return;
	KT_EQ(zonal_add_memory(info, 1, 3 * GIB, GIB), 0);
	KT_EQ(zonal_add_memory(info, 0, 1 * GIB, GIB), 0);
	KT_EQ(zonal_add_memory(info, 1, 5 * GIB, GIB), 0);
	KT_EQ(zonal_add_memory(info, 0, 2 * GIB, GIB), 0); /* behind one of node 0, before 1's */
	KT_EQ(info->range_count, 3);
	range_is(&info->range[0], 1 * GIB, 2 * GIB, 0);
	range_is(&info->range[1], 3 * GIB, 1 * GIB, 1);
	range_is(&info->range[2], 5 * GIB, 1 * GIB, 1);
	KT_EQ(zonal_add_memory(info, 1, 4 * GIB, GIB), 0); /* joins two */
	KT_EQ(info->range_count, 2);
	range_is(&info->range[1], 3 * GIB, 3 * GIB, 1);
	KT_EQ(info->nodes, 3);
}

KTEST(ranges, memory_is_rounded_inward_and_reservations_outward)
{
	struct boot_info *info = begin();

	if (!info)
		return;
	KT_EQ(zonal_add_memory(info, 0, BASE + 1, 4 * PAGE_SIZE), 0);
	range_is(&info->range[0], BASE + PAGE_SIZE, 3 * PAGE_SIZE, 0);
	KT_EQ(zonal_reserve(info, BASE + PAGE_SIZE - 1, 2), 0);
	range_is(&info->reserved[0], BASE, 2 * PAGE_SIZE, NODE_NONE);
	KT_EQ(zonal_reserve(info, UINT64_MAX - 10, 10), 0);
	KT_EQ(info->reserved[1].start, align_down(UINT64_MAX, PAGE_SIZE));
	KT_EQ(info->reserved[1].start + info->reserved[1].size, UINT64_MAX);
}

KTEST(ranges, reservations_that_touch_or_overlap_are_one)
{
	struct boot_info *info = begin();

	if (!info)
		return;
	KT_EQ(zonal_reserve(info, BASE + 8 * PAGE_SIZE, PAGE_SIZE), 0);
	KT_EQ(zonal_reserve(info, BASE, PAGE_SIZE), 0);
	KT_EQ(zonal_reserve(info, BASE + 4 * PAGE_SIZE, PAGE_SIZE), 0);
	KT_EQ(info->reserved_count, 3);
	KT_EQ(zonal_reserve(info, BASE + 4 * PAGE_SIZE, PAGE_SIZE), 0); /* again */
	KT_EQ(info->reserved_count, 3);
	KT_EQ(zonal_reserve(info, BASE + PAGE_SIZE, 6 * PAGE_SIZE + 1), 0);
	KT_EQ(info->reserved_count, 1);
	range_is(&info->reserved[0], BASE, 9 * PAGE_SIZE, NODE_NONE);
}

KTEST(ranges, areas_stay_by_themselves)
{
	const uint64_t block = PAGE_SIZE << (MAX_ORDER - 1);
	struct boot_info *info = begin();

	if (!info)
		return;
	KT_EQ(zonal_add_area(info, BASE, block), 0);
	KT_EQ(zonal_add_area(info, BASE + block, block), 0);
	KT_EQ(zonal_reserve(info, BASE + 2 * block, PAGE_SIZE), 0);
	KT_EQ(zonal_reserve(info, BASE - PAGE_SIZE, PAGE_SIZE), 0);
	KT_EQ(info->reserved_count, 4);
	KT_EQ(info->reserved[1].flags, BOOT_CMA);
	range_is(&info->reserved[2], BASE + block, block, NODE_NONE);
}

/* ---- refusals ---- */

static struct boot_info *two(void)
{
	struct boot_info *info = begin();

	if (!info)
		return NULL;
	KT_EQ(zonal_add_memory(info, 0, BASE, 64 * MIB), 0);
	KT_EQ(zonal_add_area(info, BASE + 16 * MIB, 64 * (MIB << (PAGE_SHIFT - 12)) / 16), 0);
	return info;
}

static int memory_of(struct boot_info *info, uint64_t base, uint64_t size)
{
	return zonal_add_memory(info, 0, base, size);
}

static int node_too_large(struct boot_info *info, uint64_t base, uint64_t size)
{
	return zonal_add_memory(info, ZONAL_MAX_NODES, base, size);
}

static int node_far_too_large(struct boot_info *info, uint64_t base, uint64_t size)
{
	return zonal_add_memory(info, ~0u, base, size);
}

static int cpu_of(struct boot_info *info, uint64_t cpu, uint64_t nid)
{
	return zonal_add_cpu(info, (unsigned)cpu, (unsigned)nid);
}

static int itself_11(struct boot_info *info, uint64_t distance, uint64_t nid)
{
	return zonal_set_distance(info, (unsigned)nid, (unsigned)nid, (unsigned)distance);
}

static int other_of(struct boot_info *info, uint64_t distance, uint64_t nid)
{
	return zonal_set_distance(info, 0, (unsigned)nid, (unsigned)distance);
}

struct refusal {
	int (*call)(struct boot_info *info, uint64_t a, uint64_t b);
	uint64_t a, b;
	int error;
	const char *says;
};

static const struct refusal refusals[] = {
	{ memory_of, BASE, 64 * MIB, ZONAL_EINVAL, "overlaps memory that was added" },
	{ memory_of, BASE + 64 * MIB - PAGE_SIZE, MIB, ZONAL_EINVAL, "overlaps" },
	{ memory_of, BASE - MIB, MIB + PAGE_SIZE, ZONAL_EINVAL, "overlaps" },
	{ memory_of, BASE - MIB, 128 * MIB, ZONAL_EINVAL, "overlaps" },
	{ memory_of, 0, 0, ZONAL_EINVAL, "a whole page" },
	{ memory_of, PAGE_SIZE / 2, PAGE_SIZE, ZONAL_EINVAL, "a whole page" },
	{ memory_of, 8 * GIB, UINT64_MAX, ZONAL_ERANGE, "must not wrap" },
	{ memory_of, UINT64_MAX, 2, ZONAL_ERANGE, "must not wrap" },
	{ memory_of, BOOT_MEMORY_END - PAGE_SIZE, PAGE_SIZE + 1, ZONAL_ERANGE, "32-bit" },
	{ node_too_large, 8 * GIB, GIB, ZONAL_EINVAL, "below ZONAL_MAX_NODES" },
	{ node_far_too_large, 8 * GIB, GIB, ZONAL_EINVAL, "below ZONAL_MAX_NODES" },
	{ zonal_reserve, BASE, 0, ZONAL_EINVAL, "must hold a byte" },
	{ zonal_reserve, UINT64_MAX, 1, ZONAL_ERANGE, "must not wrap" },
	{ zonal_reserve, BASE + 16 * MIB, 1, ZONAL_EINVAL, "reserved otherwise" },
	{ zonal_reserve, BASE, 17 * MIB, ZONAL_EINVAL, "reserved otherwise" },
	{ zonal_add_area, BASE + PAGE_SIZE, 64 * MIB, ZONAL_EINVAL, "multiples of the largest" },
	{ zonal_add_area, BASE + 16 * MIB, 64 * MIB, ZONAL_EINVAL, "reserved otherwise" },
	{ cpu_of, ZONAL_MAX_CPUS, 0, ZONAL_ERANGE, "below ZONAL_MAX_CPUS" },
	{ cpu_of, 0, ZONAL_MAX_NODES, ZONAL_EINVAL, "below ZONAL_MAX_NODES" },
	{ itself_11, 11, 0, ZONAL_EINVAL, "10 to itself" },
	{ other_of, 10, 1, ZONAL_EINVAL, "10 to itself" },
	{ other_of, 256, 1, ZONAL_EINVAL, "10 to itself" },
	{ other_of, 20, ZONAL_MAX_NODES, ZONAL_EINVAL, "ZONAL_MAX_NODES" },
};

KTEST(ranges, each_refusal_names_its_rule_and_changes_nothing)
{
	for (unsigned i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *r = &refusals[i];
		struct boot_info *info = two(), *copy = begin();
		const char *says = r->says;
		int error;

		if (!info || !copy)
			return;
		memcpy(copy, info, sizeof(*copy));
		if (!kt_port_is_target())
			capture_begin();
		error = r->call(info, r->a, r->b);
		if (!kt_port_is_target())
			says = capture_end();
		KT_OK(error == r->error, "refusal %u gives %d, not %d", i, error, r->error);
		KT_OK(strstr(says, r->says), "refusal %u says \"%s\"", i, says);
		KT_OK(!memcmp(copy, info, sizeof(*copy)), "refusal %u changed something", i);
		kt_free_all();
	}
}

KTEST(ranges, a_full_table_is_refused_and_joining_needs_no_place)
{
	struct boot_info *info = begin();

	for (unsigned i = 0; info && i < ZONAL_MAX_RANGES; i++)
		if (!KT_EQ(zonal_add_memory(info, 0, BASE + 2 * i * MIB, MIB), 0) ||
		    !KT_EQ(zonal_reserve(info, BASE + 2 * i * MIB, PAGE_SIZE), 0))
			return;
	if (!info)
		return;
	KT_EQ(zonal_add_memory(info, 0, BASE - 2 * MIB, MIB), ZONAL_ERANGE);
	KT_EQ(zonal_reserve(info, BASE - 2 * MIB, 1), ZONAL_ERANGE);
	KT_EQ(zonal_add_memory(info, 0, BASE + MIB, MIB), 0);
	KT_EQ(zonal_reserve(info, BASE + PAGE_SIZE, 1), 0);
	KT_EQ(info->range_count, ZONAL_MAX_RANGES - 1);
	KT_EQ(zonal_add_memory(info, 0, BASE - 2 * MIB, MIB), 0);
}

KTEST(ranges, cpus_that_are_not_told_of_are_on_no_node)
{
	struct boot_info *info = begin();

	if (!info || ZONAL_MAX_CPUS < 4 || ZONAL_MAX_NODES < 2)
		return;
	KT_EQ(zonal_add_cpu(info, 3, 1), 0);
	KT_EQ(zonal_add_cpu(info, 1, 0), 0);
	KT_EQ(info->cpu_count, 4);
	KT_TRUE(info->cpu[0].nid == NODE_NONE && info->cpu[1].nid == 0);
	KT_TRUE(info->cpu[2].nid == NODE_NONE && info->cpu[3].nid == 1);
	KT_EQ(info->nodes, 3);
	KT_EQ(zonal_set_distance(info, 0, 1, 33), 0);
	KT_TRUE(info->distance[0][1] == 33 && info->distance[1][0] == 33);
}

/* ---- a random run against a table of pages ---- */

enum { PAGES = 300, TRIES = 400 };

static unsigned below(uint64_t *state, unsigned n) { return (unsigned)(kt_random(state) % n); }

/* Every page of the table is what the ranges say, and those are as zonal_init() wants them. */
static bool same_as_pages(const struct boot_range *r, unsigned count, const int8_t *page)
{
	unsigned at = 0, k = 0;

	for (unsigned i = 0; i < count; i++) {
		uint64_t first = (r[i].start - BASE) / PAGE_SIZE;

		if (i && r[i].start <= r[i - 1].start + r[i - 1].size &&
		    (r[i].start < r[i - 1].start + r[i - 1].size || r[i].nid == r[i - 1].nid))
			return KT_OK(0, "range %u is out of order or not joined", i);
		for (; at < first; at++)
			if (page[at] != -1)
				return KT_OK(0, "page %u is in no range", at);
		for (k = 0; k < r[i].size / PAGE_SIZE; k++, at++)
			if (page[at] != (r[i].nid == NODE_NONE ? 0 : r[i].nid))
				return KT_OK(0, "page %u is told as node %d", at, r[i].nid);
	}
	for (; at < PAGES; at++)
		if (page[at] != -1)
			return KT_OK(0, "page %u is in no range", at);
	return true;
}

KTEST(ranges, a_random_run_gives_what_a_table_of_pages_says)
{
	static int8_t memory[PAGES], kept[PAGES];
	uint64_t state = kt_seed() | 1;
	struct boot_info *info = begin();

	memset(memory, -1, sizeof(memory));
	memset(kept, -1, sizeof(kept));
	for (unsigned n = 0; info && n < TRIES; n++) {
		unsigned at = below(&state, PAGES), nid = below(&state, ZN_MIN(2, ZONAL_MAX_NODES));
		unsigned count = 1 + below(&state, 9), used = 0;
		int error;

		count = ZN_MIN(count, PAGES - at);
		for (unsigned i = at; i < at + count; i++)
			used += memory[i] != -1;
		error = zonal_add_memory(info, nid, BASE + at * PAGE_SIZE, count * PAGE_SIZE);
		KT_EQ(!error, !used);
		if (!error)
			memset(memory + at, (int)nid, count);
		at = below(&state, PAGES);
		count = ZN_MIN(count, PAGES - at);
		KT_EQ(zonal_reserve(info, BASE + at * PAGE_SIZE, count * PAGE_SIZE), 0);
		memset(kept + at, 0, count);
		if (!same_as_pages(info->range, info->range_count, memory) ||
		    !same_as_pages(info->reserved, info->reserved_count, kept))
			return;
	}
}
