/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot-time page allocator on boards made by hand: top down in the node asked
 * for, around what is reserved, nearest node next, and never twice the same page.
 *
 * The random case keeps a model of one flag a page, and ends when every page of the
 * board is taken, so that a hole passed over by mistake is seen too.
 */
#include <string.h>

#include "board/early.h"
#include "test/ktest.h"

#define MIB ((uint64_t)1 << 20)

static struct boot_info info; /* too large for a stack */

/* Two nodes of 16 MiB at 1 GiB and 2 GiB, a third without memory nearer to node 1. */
static void board_make(void)
{
	memset(&info, 0, sizeof(info));
	info.range[0] = (struct boot_range){ .start = 1024 * MIB, .size = 16 * MIB, .nid = 0 };
	info.range[1] = (struct boot_range){ .start = 2048 * MIB, .size = 16 * MIB, .nid = 1 };
	info.range_count = 2;
	memset(info.distance, 20, sizeof(info.distance));
	for (unsigned i = 0; i < ZONAL_MAX_NODES; i++)
		info.distance[i][i] = 10;
	info.distance[2][0] = 30;
	info.distance[2][1] = 15;
}

static void reserve(uint64_t start, uint64_t size)
{
	info.reserved[info.reserved_count++] =
		(struct boot_range){ .start = start, .size = size, .nid = NODE_NONE,
				     .flags = BOOT_FIRMWARE };
}

static uint64_t take(unsigned nid, uint64_t bytes, uint64_t align)
{
	uint64_t phys;

	return early_take(&info, nid, bytes, align, info.range_count, &phys) ? phys : 0;
}

KTEST(early, takes_from_the_top_of_the_node)
{
	board_make();
	KT_EQ(take(0, PAGE_SIZE, PAGE_SIZE), 1040 * MIB - PAGE_SIZE);
	KT_EQ(take(1, 100, 1), 2064 * MIB - PAGE_SIZE);
	KT_EQ(take(0, 2 * PAGE_SIZE, PAGE_SIZE), 1040 * MIB - 3 * PAGE_SIZE);
	/* Neighbours join: one entry a node. */
	KT_EQ(info.reserved_count, 2);
	KT_EQ(info.reserved[0].size, 3 * PAGE_SIZE);
}

KTEST(early, aligns_downward)
{
	board_make();
	(void)take(0, PAGE_SIZE, PAGE_SIZE);
	KT_EQ(take(0, PAGE_SIZE, 32768), 1040 * MIB - 32768);
	KT_EQ(take(0, MIB, MIB), 1038 * MIB);
}

KTEST(early, goes_around_what_is_reserved)
{
	board_make();
	reserve(1032 * MIB, 4 * MIB);
	reserve(1039 * MIB, 2 * MIB); /* beyond the end of RAM too */
	KT_EQ(take(0, 4 * MIB, PAGE_SIZE), 1028 * MIB);
	KT_EQ(take(0, 3 * MIB, PAGE_SIZE), 1036 * MIB);
	KT_EQ(take(0, 4 * MIB, PAGE_SIZE), 1024 * MIB);
}

KTEST(early, a_reserved_range_may_begin_below_ram)
{
	board_make();
	reserve(1020 * MIB, 12 * MIB);
	KT_EQ(take(0, 8 * MIB, PAGE_SIZE), 1032 * MIB);
	/* Nothing is left in node 0. */
	KT_EQ(take(0, MIB, PAGE_SIZE), 2063 * MIB);
}

KTEST(early, nearest_node_serves_next)
{
	board_make();
	/* Node 2 has no memory; node 1 is its nearest. */
	KT_EQ(take(2, 16 * MIB, PAGE_SIZE), 2048 * MIB);
	KT_EQ(take(2, 16 * MIB, PAGE_SIZE), 1024 * MIB);
	KT_EQ(take(2, PAGE_SIZE, PAGE_SIZE), 0);
}

KTEST(early, too_much_is_refused_and_nothing_taken)
{
	board_make();
	KT_EQ(take(0, 16 * MIB + 1, PAGE_SIZE), 0);
	KT_EQ(take(0, UINT64_MAX, PAGE_SIZE), 0);
	KT_EQ(take(0, 0, PAGE_SIZE), 0);
	KT_EQ(take(ZONAL_MAX_NODES, PAGE_SIZE, PAGE_SIZE), 0);
	KT_EQ(take(0, PAGE_SIZE, 4096 * MIB), 0);
	KT_EQ(info.reserved_count, 0);
}

KTEST(early, removable_memory_comes_last)
{
	board_make();
	info.range[0].flags = BOOT_HOTPLUG;
	KT_EQ(take(0, PAGE_SIZE, PAGE_SIZE), 2064 * MIB - PAGE_SIZE);
	KT_EQ(take(0, 16 * MIB, PAGE_SIZE), 1024 * MIB);
}

KTEST(early, range_limit_is_kept)
{
	uint64_t phys = 0;

	board_make();
	KT_TRUE(early_take(&info, 1, PAGE_SIZE, PAGE_SIZE, 1, &phys));
	KT_EQ(phys, 1040 * MIB - PAGE_SIZE);
	KT_TRUE(!early_take(&info, 1, PAGE_SIZE, PAGE_SIZE, 0, &phys));
}

/* 256 ranges with a gap of a page between them; every second one of another kind. */
static void fill_table(unsigned flags)
{
	board_make();
	for (unsigned i = 0; i < ZONAL_MAX_RANGES; i++) {
		reserve(4096 * MIB + i * 2 * PAGE_SIZE, PAGE_SIZE);
		info.reserved[i].flags = i % 2 ? (uint16_t)flags : 0;
	}
}

KTEST(early, full_table_is_an_error_and_takes_nothing)
{
	uint64_t phys;

	fill_table(BOOT_NOMAP);
	KT_TRUE(!early_take(&info, 0, PAGE_SIZE, PAGE_SIZE, 2, &phys));
	KT_EQ(info.reserved_count, ZONAL_MAX_RANGES);
}

KTEST(early, full_table_makes_room_where_a_gap_can_be_reserved)
{
	uint64_t phys;

	fill_table(0);
	info.reserved[9].start -= PAGE_SIZE / 2;
	info.reserved[9].size += PAGE_SIZE / 2;
	KT_TRUE(early_take(&info, 0, PAGE_SIZE, PAGE_SIZE, 2, &phys));
	KT_EQ(info.reserved_count, ZONAL_MAX_RANGES);
	KT_EQ(info.reserved[0].start, phys);
	KT_EQ(info.reserved[9].start, 4096 * MIB + 16 * PAGE_SIZE);
	KT_EQ(info.reserved[9].size, 3 * PAGE_SIZE);
}

/* The model: which page of the two ranges is in use. */
static bool used[2][4096];

/* Mark a block; false if it is not inside one range or meets a used page. */
static bool model_use(uint64_t start, uint64_t bytes)
{
	unsigned range = start >= 2048 * MIB;
	uint64_t first = (start - info.range[range].start) / PAGE_SIZE;

	for (uint64_t i = 0; i < align_up(bytes, PAGE_SIZE) / PAGE_SIZE; i++) {
		if (first + i >= 4096 || used[range][first + i])
			return false;
		used[range][first + i] = true;
	}
	return true;
}

static unsigned model_free_pages(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < 8192; i++)
		count += !used[i / 4096][i % 4096];
	return count;
}

KTEST(early, random_requests_never_overlap_and_end_with_every_page_taken)
{
	uint64_t state = kt_seed() | 1;
	unsigned left;

	board_make();
	memset(used, 0, sizeof(used));
	reserve(1029 * MIB, 3 * PAGE_SIZE);
	reserve(2050 * MIB, 5 * MIB);
	KT_TRUE(model_use(1029 * MIB, 3 * PAGE_SIZE) && model_use(2050 * MIB, 5 * MIB));
	for (unsigned i = 0; i < 200; i++) {
		uint64_t bytes = 1 + kt_random(&state) % (48 * PAGE_SIZE);
		uint64_t align = (uint64_t)PAGE_SIZE << kt_random(&state) % 6;
		uint64_t phys = take((unsigned)(kt_random(&state) % 3), bytes, align);

		if (phys && (!KT_EQ(phys % align, 0) ||
			     !KT_OK(model_use(phys, bytes), "request %u: 0x%llx was in use", i,
				    (unsigned long long)phys)))
			return;
	}
	left = model_free_pages();
	while (left && KT_TRUE(model_use(take(0, 1, 1), 1)))
		left--;
	KT_EQ(take(0, 1, 1), 0);
}

KTEST(early, a8_cma_area_lies_on_blocks_below_what_dma_reaches)
{
	uint64_t phys = 0;

	board_make();
	info.dma_max = UINT64_MAX;
	reserve(2064 * MIB - PAGE_SIZE, PAGE_SIZE);
	/* 5 MiB become 8, and the reserved page at the top costs a whole block. */
	KT_TRUE(early_take_cma(&info, 5 * MIB, false, &phys));
	KT_EQ(phys, 2052 * MIB);
	KT_EQ(info.reserved[0].size, 8 * MIB);
	KT_EQ(info.reserved[0].flags, BOOT_CMA | BOOT_DYNAMIC);
	/* A master that reaches 1.5 GiB only: the area is below, on node 0. */
	info.dma_max = 1536 * MIB - 1;
	KT_TRUE(early_take_cma(&info, 4 * MIB, false, &phys));
	KT_EQ(phys, 1036 * MIB);
}

KTEST(early, a_cma_area_lies_in_nothing_removable_with_movable_node)
{
	uint64_t phys = 0;

	board_make();
	info.dma_max = UINT64_MAX;
	info.range[1].flags = BOOT_HOTPLUG;
	KT_TRUE(early_take_cma(&info, 4 * MIB, true, &phys));
	KT_EQ(phys, 1036 * MIB);
	KT_TRUE(early_take_cma(&info, 4 * MIB, false, &phys));
	KT_EQ(phys, 2060 * MIB);
	info.range[0].flags = BOOT_HOTPLUG;
	KT_TRUE(!early_take_cma(&info, 4 * MIB, true, &phys));
}

KTEST(early, a8_cma_area_without_room_takes_nothing)
{
	uint64_t phys;

	board_make();
	info.dma_max = UINT64_MAX;
	KT_TRUE(!early_take_cma(&info, 17 * MIB, false, &phys));
	KT_TRUE(!early_take_cma(&info, UINT64_MAX, false, &phys));
	KT_TRUE(!early_take_cma(&info, 0, false, &phys));
	info.dma_max = 1024 * MIB - 1;
	KT_TRUE(!early_take_cma(&info, 4 * MIB, false, &phys));
	KT_EQ(info.reserved_count, 0);
}

/* A node whose free memory is all CMA has no page for anything else: refused. */
KTEST(early, cma_area_leaves_its_node_a_sixteenth)
{
	static const struct {
		uint64_t mib;
		bool taken;
	} table[] = { { 128, false }, { 124, false }, { 120, true }, { 60, true } };
	uint64_t phys;

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		board_make();
		info.dma_max = UINT64_MAX;
		for (unsigned n = 0; n < 2; n++)
			info.range[n].size = 128 * MIB;
		phys = 1;
		KT_EQ(early_take_cma(&info, table[i].mib * MIB, false, &phys), table[i].taken);
		KT_EQ(info.reserved_count, table[i].taken);
		if (table[i].taken)
			KT_EQ(phys, (2048 + 128 - table[i].mib) * MIB);
	}
	/* What is reserved in the node is not free. */
	board_make();
	info.dma_max = UINT64_MAX;
	info.range[1].size = 128 * MIB;
	info.reserved[0] = (struct boot_range){ .start = 2048 * MIB, .size = 64 * MIB };
	info.reserved_count = 1;
	KT_TRUE(!early_take_cma(&info, 64 * MIB, false, &phys));
	KT_TRUE(early_take_cma(&info, 60 * MIB, false, &phys));
}
