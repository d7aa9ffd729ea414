/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RAM that the board keeps off the map (BOOT_NOMAP), and RAM that is all reserved: both are
 * present, and so count in spans, in the spread of kernelcore= and as a node's memory, but
 * nobody manages them. The page map has no structure for the former at all.
 *
 * What a device tree makes of `no-map` is tried in test/unit/board/ and in dts/.
 */
#include "kt_instance.h"

/* I3, I7: RAM that is off the map is present and spanned, but managed by nobody. */
KTEST(rows_i, i3_no_map_is_present_and_not_managed)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 1000 }, { 0, KT_DMA_PFN + 1000, 2000 },
			 { 0, KT_DMA_PFN + 3000, 1096 } },
		.nomap_index = 2,
		.page_owner = true,
	};
	struct zonal *mm = kt_instance(&spec);
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	KT_EQ(zone->start_pfn, KT_DMA_PFN);
	KT_EQ(zone->spanned, 4096);
	KT_EQ(zone->present, 4096);
	KT_EQ(zone_managed(zone), 2096);
	KT_EQ(kt_free(zone), 2096);
	KT_TRUE(zonal_page(mm, KT_DMA_PFN + 999) != NULL);
	KT_TRUE(zonal_page(mm, KT_DMA_PFN + 1000) == NULL);
	KT_TRUE(zonal_page(mm, KT_DMA_PFN + 2999) == NULL);
	KT_TRUE(zonal_page(mm, KT_DMA_PFN + 3000) != NULL);
	KT_EQ(zonal_free_reserved(mm, KT_DMA_PFN + 1500), ZONAL_EINVAL);
	kt_check_all(mm);
}

/* I3: a section, and a node, of nothing but such RAM has no map and gives nothing. */
KTEST(rows_i, i3_node_that_is_off_the_map)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 1024 }, { 1, KT_DMA_PFN + 0x10000, 0x10000 } },
		.nomap_index = 2,
		.page_owner = true,
	};
	struct zonal *mm = kt_instance(&spec);
	struct page *page;

	if (!mm)
		return;
	KT_EQ(mm->has_memory, node_bit(0) | node_bit(1));
	KT_EQ(mm->has_kernel_memory, node_bit(0) | node_bit(1));
	KT_EQ(kt_zone(mm, 1, ZONE_DMA)->present, 0x10000);
	KT_EQ(zone_managed(kt_zone(mm, 1, ZONE_DMA)), 0);
	KT_TRUE(zonal_page(mm, KT_DMA_PFN + 0x10000) == NULL);
	KT_TRUE(zonal_page(mm, KT_DMA_PFN + 0x18000) == NULL);
	page = zonal_alloc_node(mm, 1, GFP_KERNEL, 0);
	KT_EQ(zonal_page_node(page), 0);
	zonal_free(mm, page, 0);
	kt_check_all(mm);
}

/* I18: kernelcore= is spread over what is present, off the map or not. */
KTEST(rows_i, i18_no_map_counts_as_ordinary)
{
	struct zonal_options options;
	struct kt_spec spec = { .ram = { { 0, KT_DMA_PFN, 1024 }, { 0, KT_DMA_PFN + 1024, 2048 },
					 { 0, KT_DMA_PFN + 3072, 5120 } },
				.nomap_index = 2,
				.options = &options };
	struct zonal *mm;

	zonal_options_default(&options);
	options.kernelcore_bytes = 4096ull << PAGE_SHIFT;
	mm = kt_instance(&spec);
	if (!mm)
		return;
	KT_EQ(kt_zone(mm, 0, ZONE_MOVABLE)->start_pfn, KT_DMA_PFN + 4096);
	KT_EQ(kt_zone(mm, 0, ZONE_DMA)->present, 4096);
	KT_EQ(zone_managed(kt_zone(mm, 0, ZONE_DMA)), 2048);
	kt_check_all(mm);
}

/* A node whose pages are all reserved has memory all the same: 5.10 goes by what is present. */
KTEST(rows_i, i6_reserved_node_has_memory)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 1024 }, { 1, KT_DMA_PFN + 1024, 1024 } },
		.reserved = { { 0, KT_DMA_PFN + 1024, 1024 } },
	};
	struct zonal *mm = kt_instance(&spec);

	if (!mm)
		return;
	KT_EQ(mm->has_memory, node_bit(0) | node_bit(1));
	KT_EQ(mm->node[0]->order_count, 2);
	KT_EQ(mm->node[0]->fallback.count, 1);
	kt_check_all(mm);
}
