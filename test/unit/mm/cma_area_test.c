/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CMA areas at boot (rows A8, A11): which ones are handed over, and that one which is
 * not stays reserved as a whole and harms nobody.
 *
 * The middle of an area counts as much as its ends: a hole, another node's RAM or another
 * zone's there must keep all of it back. On the host the sanitizer watches the page map,
 * which ends right behind the RAM.
 */
#include "kt_instance.h"

#define MIB(n) ((pfn_t)(n) << (20 - PAGE_SHIFT))
#define AREA_BLOCK ((pfn_t)1 << (MAX_ORDER - 1))
#define HOLE_AT (AREA_BLOCK + AREA_BLOCK / 2)

/* Every page of the area that exists is reserved, is in no list and counts for nobody. */
static void expect_reserved(struct zonal *mm, const struct kt_range *area, uint64_t ram_pages)
{
	uint64_t reserved = 0, managed = 0;
	struct zone *zone;
	unsigned zid;

	for (pfn_t pfn = area->start; pfn < area->start + area->pages; pfn++) {
		struct page *page = zonal_page(mm, pfn);

		if (!page)
			continue;
		reserved++;
		if (!KT_EQ(page_state(page), PAGE_RESERVED) || !KT_TRUE(!zonal_is_free(mm, pfn)) ||
		    !KT_EQ(kt_block_type(mm, pfn), MIGRATE_MOVABLE))
			return;
	}
	mm_for_each_zone(mm, zid, zone) {
		KT_EQ(ld_relaxed(&zone->free_cma), 0);
		managed += (uint64_t)zone_managed(zone);
	}
	KT_EQ(managed, ram_pages - reserved);
	kt_check_all(mm);
}

KTEST(cma_area, whole_blocks_of_one_zone_are_handed_over)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 4 * AREA_BLOCK } },
		.reserved = { { 0, KT_DMA_PFN + AREA_BLOCK, 2 * AREA_BLOCK } },
		.cma_index = 1,
	};
	struct zonal *mm = kt_instance(&spec);
	struct zone *zone;

	if (!mm)
		return;
	if (!ZONAL_CMA) {
		expect_reserved(mm, &spec.reserved[0], 4 * AREA_BLOCK);
		return;
	}
	zone = kt_zone(mm, 0, ZONE_DMA);
	KT_EQ(ld_relaxed(&zone->free_cma), 2 * AREA_BLOCK);
	KT_EQ(zone_managed(zone), 4 * AREA_BLOCK);
	KT_EQ(kt_first(zone, MIGRATE_CMA, MAX_ORDER - 1), KT_DMA_PFN + AREA_BLOCK);
	KT_EQ(kt_block_type(mm, KT_DMA_PFN + AREA_BLOCK), MIGRATE_CMA);
	KT_EQ(kt_block_type(mm, KT_DMA_PFN + 3 * AREA_BLOCK), MIGRATE_MOVABLE);
	kt_check_all(mm);
}

/* The case of the library: two pieces of 64 MiB, the area from the middle of the one to the
 * middle of the other, and 32 MiB of nothing between them. */
KTEST(cma_area, hole_in_the_middle_keeps_the_area_reserved)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN + MIB(64), MIB(64) },
			 { 0, KT_DMA_PFN + MIB(160), MIB(64) } },
		.reserved = { { 0, KT_DMA_PFN + MIB(96), MIB(96) } },
		.cma_index = 1,
	};
	struct zonal *mm = kt_instance(&spec);

	if (mm)
		expect_reserved(mm, &spec.reserved[0], 2 * MIB(64));
}

KTEST(cma_area, hole_without_a_map_keeps_the_area_reserved)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, MIB(8) }, { 0, KT_DMA_PFN + MIB(512), MIB(8) } },
		.reserved = { { 0, KT_DMA_PFN + MIB(4), MIB(512) } },
		.cma_index = 1,
	};
	struct zonal *mm = kt_instance(&spec);

	if (mm)
		expect_reserved(mm, &spec.reserved[0], 2 * MIB(8));
}

/* One page is enough. */
KTEST(cma_area, hole_of_one_page_keeps_the_area_reserved)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, HOLE_AT },
			 { 0, KT_DMA_PFN + HOLE_AT + 1, 3 * AREA_BLOCK } },
		.reserved = { { 0, KT_DMA_PFN + AREA_BLOCK, AREA_BLOCK } },
		.cma_index = 1,
	};
	struct zonal *mm = kt_instance(&spec);

	if (mm)
		expect_reserved(mm, &spec.reserved[0], HOLE_AT + 3 * AREA_BLOCK);
}

KTEST(cma_area, other_nodes_ram_in_the_middle_keeps_the_area_reserved)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, MIB(8) },
			 { 1, KT_DMA_PFN + MIB(8), MIB(4) },
			 { 0, KT_DMA_PFN + MIB(12), MIB(8) } },
		.reserved = { { 0, KT_DMA_PFN + MIB(4), MIB(12) } },
		.cma_index = 1,
	};
	struct zonal *mm = kt_instance(&spec);

	if (mm)
		expect_reserved(mm, &spec.reserved[0], MIB(20));
}

KTEST(cma_area, zone_border_in_the_middle_keeps_the_area_reserved)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_NORMAL_PFN - MIB(8), MIB(16) } },
		.reserved = { { 0, KT_NORMAL_PFN - MIB(4), MIB(8) } },
		.cma_index = 1,
	};
	struct zonal *mm = kt_instance(&spec);

	if (mm)
		expect_reserved(mm, &spec.reserved[0], MIB(16));
}

KTEST(cma_area, areas_off_the_block_grid_or_outside_of_ram_stay_reserved)
{
	static const struct kt_range areas[] = {
		{ 0, KT_DMA_PFN + 512, AREA_BLOCK },           /* begins in a block */
		{ 0, KT_DMA_PFN + AREA_BLOCK, AREA_BLOCK / 2 }, /* ends in one */
		{ 0, KT_DMA_PFN - AREA_BLOCK, 2 * AREA_BLOCK }, /* begins before RAM */
		{ 0, KT_DMA_PFN + 3 * AREA_BLOCK, 2 * AREA_BLOCK }, /* ends behind it */
		{ 0, KT_DMA_PFN + 64 * AREA_BLOCK, AREA_BLOCK }, /* nothing there at all */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(areas); i++) {
		struct kt_spec spec = { .ram = { { 0, KT_DMA_PFN, 4 * AREA_BLOCK } },
					.reserved = { areas[i] },
					.cma_index = 1 };
		struct zonal *mm = kt_instance(&spec);

		if (!mm)
			return;
		expect_reserved(mm, &areas[i], 4 * AREA_BLOCK);
		kt_free_all();
	}
}

#if ZONAL_CMA
enum { TOO_MANY = ZONAL_CMA_AREAS + 2 };

/* Areas in every second block. */
static void with_too_many(struct boot_info *info, struct zonal_config *config)
{
	(void)config;
	for (unsigned i = 0; i < TOO_MANY; i++)
		info->reserved[i] = (struct boot_range){
			.start = (KT_DMA_PFN + 2 * i * AREA_BLOCK) << PAGE_SHIFT,
			.size = AREA_BLOCK << PAGE_SHIFT,
			.nid = 0,
			.flags = BOOT_CMA,
		};
	info->reserved_count = TOO_MANY;
}

KTEST(cma_area, areas_that_the_table_has_no_room_for_stay_reserved)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 2 * (pfn_t)TOO_MANY * AREA_BLOCK } },
	};
	struct zonal *mm = kt_changed_instance(&spec, with_too_many);
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	KT_EQ(ld_relaxed(&zone->free_cma), ZONAL_CMA_AREAS * (int64_t)AREA_BLOCK);
	KT_EQ(zone_managed(zone), (2 * TOO_MANY - 2) * (int64_t)AREA_BLOCK);
	for (unsigned i = 0; i < TOO_MANY; i++) {
		pfn_t first = KT_DMA_PFN + 2 * i * AREA_BLOCK;

		KT_EQ(zonal_is_free(mm, first), i < ZONAL_CMA_AREAS);
		KT_EQ(zonal_is_free(mm, first + AREA_BLOCK - 1), i < ZONAL_CMA_AREAS);
		KT_TRUE(zonal_is_free(mm, first + AREA_BLOCK));
	}
	kt_check_all(mm);
}
#endif
