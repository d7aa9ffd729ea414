/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults that other allocators had, at the borders of their memory: trust items 3,
 * 8, 9, 10 and 13.
 *
 * Each is about pages that look free or ours and are not: the neighbour behind
 * the end of a node, a reserved page beside a free block, a hole. The boards have
 * their borders where those faults were: off the 4 MiB grid, beside every order's
 * border, at any frame of a block. Marks are 0.
 */
#include "kt_instance.h"

/* Trust item 8: a board with odd borders gives back exactly what it had. */
KTEST(trust, t8_free_all_restores_the_vector)
{
	static const struct kt_spec odd = { .ram = { { 0, KT_DMA_PFN + 3, 3000 } } };
	/* [3,3003) in order: 3, 4-7, 8-15 .. 512-1023, 1024-2047, then 2048-3002 */
	static const unsigned expected[MAX_ORDER] = { 2, 1, 1, 2, 2, 2, 1, 2, 2, 2, 1 };
	struct zonal *mm = kt_bare_instance(&odd);
	struct page *chain = NULL;

	if (!mm)
		return;
	kt_vector_is(mm, expected);
	for (unsigned order = 0; order < 4; order++) {
		kt_take_all(mm, 0, __GFP_MOVABLE | __GFP_NOWARN, order, &chain);
		kt_give_all(mm, chain, order);
		chain = NULL;
		kt_vector_is(mm, expected);
	}
	kt_check_all(mm);
}

/*
 * Trust items 3, 9, 13: single reserved pages beside every order's border. The
 * neighbours are freed and merge as far as they may; a reserved page is never on a
 * list, nor taken.
 */
KTEST(trust, t9_reserved_pages_beside_every_border)
{
	struct kt_spec spec = { .ram = { { 0, KT_DMA_PFN, 4096 } } };

	for (unsigned side = 0; side < 2; side++) {
		struct page *chain = NULL, *page;
		struct zonal *mm;

		for (unsigned order = 0; order < MAX_ORDER; order++)
			spec.reserved[order] = (struct kt_range){
				0, KT_DMA_PFN + (side ? 2048 - (1u << order) : 1u << order), 1
			};
		mm = kt_bare_instance(&spec);
		if (!mm)
			return;
		KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), 4096 - 11);
		KT_EQ(kt_take_all(mm, 0, 0, 0, &chain), 4096 - 11);
		for (page = chain; page; page = *(struct page **)zonal_page_owner(page))
			for (unsigned order = 0; order < MAX_ORDER; order++)
				if (zonal_pfn(page) == spec.reserved[order].start)
					KT_OK(0, "reserved frame %llx was handed out",
					      (unsigned long long)zonal_pfn(page));
		kt_check_all(mm);
		kt_give_all(mm, chain, 0);
		kt_check_all(mm);
		for (unsigned order = 0; order < MAX_ORDER; order++) {
			KT_EQ(page_state(mm_page(mm, spec.reserved[order].start)), PAGE_RESERVED);
			KT_TRUE(!zonal_is_free(mm, spec.reserved[order].start));
		}
	}
}

/* Trust item 10: a border between nodes at any frame of a 4 MiB block. */
KTEST(trust, t10_node_border_at_every_offset)
{
	for (unsigned offset = 1; offset < 1024; offset += offset < 16 || offset > 1008 ? 1 : 37) {
		struct kt_spec spec = {
			.ram = { { 0, KT_DMA_PFN, offset },
				 { 1, KT_DMA_PFN + offset, 2048 - offset } },
		};
		struct zonal *mm = kt_bare_instance(&spec);

		if (!mm)
			return;
		KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), offset);
		KT_EQ(kt_free(kt_zone(mm, 1, ZONE_DMA)), 2048 - offset);
		KT_EQ(zonal_page_node(zonal_page(mm, KT_DMA_PFN + offset - 1)), 0);
		KT_EQ(zonal_page_node(zonal_page(mm, KT_DMA_PFN + offset)), 1);
		if (!kt_check_all(mm))
			return;
		kt_free_all();
	}
}
