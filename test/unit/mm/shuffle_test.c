/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shuffling (A13): after boot the free blocks of the largest order lie in an order that the seed
 * decides, in the lists that they were in; smaller ones lie as without it; and later frees come to
 * both ends.
 */
#include "kt_instance.h"

#include "mm/shuffle.h"

enum { ORDER = MAX_ORDER - 1, SIZE = 1 << ORDER, BLOCKS = 24, SMALL = 512 };

static struct zonal_options options;
static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, BLOCKS * SIZE + SMALL } },
				    .options = &options };

static struct zonal *board(const struct kt_spec *spec, uint64_t seed)
{
	zonal_options_default(&options);
	options.shuffle_seed = seed;
	return kt_instance(spec);
}

/* The blocks of a list as they lie, their number; 0 with a complaint if the links do not hold. */
static unsigned blocks_of(struct zonal *mm, unsigned type, unsigned order, pfn_t *out)
{
	const struct free_list *list = &kt_zone(mm, 0, ZONE_DMA)->list[type][order];
	uint32_t at = list->count ? list->first : PFN_NONE, before = PFN_NONE;
	unsigned count = 0;

	for (; at != PFN_NONE && count < BLOCKS + 1; before = at, at = mm_page(mm, at)->next) {
		KT_EQ(mm_page(mm, at)->prev, before);
		out[count++] = at;
	}
	KT_EQ(count, list->count);
	KT_TRUE(!count || list->last == before);
	return count;
}

static unsigned moved(const pfn_t *blocks, unsigned count)
{
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++)
		n += blocks[i] != KT_DMA_PFN + (pfn_t)i * SIZE;
	return n;
}

KTEST(rows_a, a13_blocks_of_the_largest_order_lie_in_the_order_of_the_seed)
{
	static pfn_t plain[BLOCKS + 1], first[BLOCKS + 1], again[BLOCKS + 1], other[BLOCKS + 1];
	struct zonal *mm[4];
	uint64_t seen = 0;
	bool differs = false;

	for (unsigned i = 0; i < 4; i++) {
		mm[i] = board(&uma, i == 0 ? 0 : i == 3 ? 78 : 77);
		if (!mm[i])
			return;
	}
	KT_EQ(blocks_of(mm[0], MIGRATE_MOVABLE, ORDER, plain), BLOCKS);
	KT_EQ(moved(plain, BLOCKS), 0);
	KT_EQ(blocks_of(mm[1], MIGRATE_MOVABLE, ORDER, first), BLOCKS);
	KT_EQ(blocks_of(mm[2], MIGRATE_MOVABLE, ORDER, again), BLOCKS);
	KT_EQ(blocks_of(mm[3], MIGRATE_MOVABLE, ORDER, other), BLOCKS);
	KT_TRUE(moved(first, BLOCKS) > BLOCKS / 2);
	for (unsigned i = 0; i < BLOCKS; i++) {
		seen |= 1ull << (first[i] - KT_DMA_PFN) / SIZE;
		KT_EQ(again[i], first[i]);
		differs |= other[i] != first[i];
	}
	KT_EQ(seen, (1ull << BLOCKS) - 1);
	KT_OK(differs, "two seeds give one order");
	kt_check_all(mm[1]);
}

KTEST(rows_a, a13_smaller_blocks_and_other_types_stay_apart)
{
	static const struct kt_spec with_cma = {
		.ram = { { 0, KT_DMA_PFN, BLOCKS * SIZE + SMALL } },
		.reserved = { { 0, KT_DMA_PFN + 8 * SIZE, 8 * SIZE } },
		.cma_index = ZONAL_CMA,
		.options = &options,
	};
	static pfn_t blocks[BLOCKS + 1];
	struct zonal *mm = board(&with_cma, 5);
	unsigned count;

	if (!mm)
		return;
	KT_EQ(blocks_of(mm, MIGRATE_MOVABLE, PAGEBLOCK_ORDER, blocks), 1);
	KT_EQ(blocks[0], KT_DMA_PFN + BLOCKS * SIZE);
	KT_EQ(blocks_of(mm, MIGRATE_MOVABLE, ORDER, blocks), BLOCKS - 8);
	count = blocks_of(mm, MIGRATE_CMA, ORDER, blocks);
	KT_EQ(count, ZONAL_CMA ? 8 : 0);
	for (unsigned i = 0; i < count; i++)
		KT_TRUE(blocks[i] >= KT_DMA_PFN + 8 * SIZE && blocks[i] < KT_DMA_PFN + 16 * SIZE);
	kt_check_all(mm);
}

/* Blocks that are in use, or a zone of one, are no partners; every pair of places is right. */
KTEST(rows_a, a13_any_number_of_free_blocks_is_shuffled_soundly)
{
	static struct kt_spec spec = { .options = &options };
	static pfn_t blocks[BLOCKS + 1];

	for (unsigned count = 1; count <= 6; count++)
		for (uint64_t seed = 1; seed <= 4; seed++) {
			struct zonal *mm;

			spec.ram[0] = (struct kt_range){ 0, KT_DMA_PFN, (uint64_t)count * SIZE };
			mm = board(&spec, seed);
			if (!mm)
				return;
			KT_EQ(blocks_of(mm, MIGRATE_MOVABLE, ORDER, blocks), count);
			if (!kt_check_all(mm))
				return;
		}
}

/* Each block in turn changes places with another one; of two that is twice, wherever they are.
 * (With other seeds a block may meet itself ten times, which is often enough.) */
KTEST(rows_a, a13_each_block_has_its_turn_and_may_be_a_partner)
{
	static struct kt_spec spec = { .options = &options };
	static pfn_t blocks[BLOCKS + 1];

	for (unsigned first = 0; first < 2; first++)
		for (uint64_t seed = 1; seed <= 6; seed++) {
			struct zonal *mm;

			spec.ram[0] = (struct kt_range){ 0, KT_DMA_PFN + first * SIZE, 2 * SIZE };
			mm = board(&spec, seed);
			if (!mm)
				return;
			KT_EQ(blocks_of(mm, MIGRATE_MOVABLE, ORDER, blocks), 2);
			KT_EQ(blocks[0], KT_DMA_PFN + first * SIZE);
		}
}

/* SplitMix64 has published numbers: of seed 1234567 the first and the third, and of seed 0 the
 * second, which is even, and is the first of the seed that it steps by. */
KTEST(rows_a, a13_each_zone_begins_with_its_own_number_of_the_seed)
{
	static const struct kt_spec two = { .ram = { { 0, KT_NORMAL_PFN - SMALL, SMALL },
						     { 0, KT_NORMAL_PFN, SMALL } },
					    .options = &options };
	struct zonal *mm = board(&two, 1234567), *even = board(&two, 0x9e3779b97f4a7c15u);

	if (!mm || !even)
		return;
	KT_EQ(kt_zone(mm, 0, ZONE_DMA)->shuffle, 6457827717110365317u);
	KT_EQ(kt_zone(mm, 0, ZONE_NORMAL)->shuffle, 9817491932198370423u);
	KT_EQ(kt_zone(even, 0, ZONE_DMA)->shuffle, 0x6e789e6aa1b965f4u | 1);
}

/* Where nothing is a partner, ten numbers are drawn for each block and no more. */
KTEST(rows_a, a13_a_block_alone_looks_for_a_partner_ten_times)
{
	static const struct kt_spec none = { .ram = { { 0, KT_DMA_PFN, SMALL } },
					     .options = &options };
	static const struct kt_spec one = { .ram = { { 0, KT_DMA_PFN, SIZE } },
					    .options = &options };
	struct zonal *without = board(&none, 7), *mm = board(&one, 7);
	port_irqflags_t irq;
	struct zone *zone;

	if (!without || !mm)
		return;
	zone = kt_zone(without, 0, ZONE_DMA);
	irq = lock_take_masked(&zone->lock);
	for (unsigned i = 0; i < 10; i++)
		shuffle_next(zone);
	lock_drop_masked(&zone->lock, irq);
	KT_EQ(kt_zone(mm, 0, ZONE_DMA)->shuffle, zone->shuffle);
}

/* How many of `count` freed blocks came to the head. */
static unsigned freed_to_head(struct zonal *mm, unsigned count)
{
	unsigned head = 0;

	for (unsigned i = 0; mm && i < count; i++) {
		struct page *page = zonal_alloc(mm, GFP_HIGHUSER_MOVABLE, ORDER);
		pfn_t first;

		if (!KT_OK(page, "no block"))
			return 0;
		zonal_free(mm, page, ORDER);
		first = kt_first(kt_zone(mm, 0, ZONE_DMA), page_block_type(page), ORDER);
		head += first == page->pfn;
	}
	return head;
}

KTEST(rows_a, a13_a_block_that_is_freed_goes_to_either_end)
{
	unsigned head = freed_to_head(board(&uma, 99), 400);

	KT_OK(head > 150 && head < 250, "%u of 400 to the head", head);
	KT_EQ(freed_to_head(board(&uma, 0), 400), 400);
}

/* Memory that is reserved, or boots without it, is served by the same blocks as before. */
KTEST(rows_a, a13_boot_before_the_shuffle_takes_from_the_start)
{
	static const struct kt_spec early = { .ram = { { 0, KT_DMA_PFN, BLOCKS * SIZE } },
					      .options = &options,
					      .in_boot = true };
	struct zonal *mm = board(&early, 3);
	struct page *page = mm ? zonal_alloc(mm, GFP_KERNEL, ORDER) : NULL;

	if (!KT_OK(page, "no block"))
		return;
	KT_EQ(page->pfn, KT_DMA_PFN);
	zonal_boot_done(mm);
	kt_check_all(mm);
	zonal_free(mm, page, ORDER);
	KT_EQ(zonal_bad_count(mm), 0);
	kt_check_all(mm);
}
