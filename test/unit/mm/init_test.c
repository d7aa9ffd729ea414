/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a board to zones and lists: rows I that are the core's, and trust items
 * 36, 64-69. What a device tree says is the topology tests' matter.
 *
 * Zones are compared by their pages, not by the code that cut them; the boards have
 * holes, borders off every grid and nodes in any order over the addresses.
 */
#include "kt_instance.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };

/* Every frame from 4 MiB below the first range to 4 MiB above the last (I21, I5, trust 65). */
static void expect_frames(struct zonal *mm, const struct kt_spec *spec, pfn_t from, pfn_t to)
{
	for (pfn_t pfn = from; pfn < to; pfn++) {
		struct page *page = zonal_page(mm, pfn);
		int nid = NODE_NONE;

		for (unsigned i = 0; i < KT_RANGES && spec->ram[i].pages; i++)
			if (pfn >= spec->ram[i].start &&
			    pfn < spec->ram[i].start + spec->ram[i].pages)
				nid = spec->ram[i].nid;
		if (!KT_OK(!page == (nid == NODE_NONE), "frame %llx of node %d has %s page",
			   (unsigned long long)pfn, nid, page ? "a" : "no"))
			return;
		if (!page)
			continue;
		if (!KT_EQ(zonal_page_node(page), nid) || !KT_EQ(zonal_pfn(page), pfn))
			return;
		if (!KT_TRUE(pfn >= mm_page_zone(mm, page)->start_pfn &&
			     pfn < mm_page_zone(mm, page)->start_pfn +
					   mm_page_zone(mm, page)->spanned))
			return;
	}
}

KTEST(rows_i, i4_boot_free_in_largest_blocks_to_the_tail)
{
	static const struct kt_spec odd = { .ram = { { 0, KT_DMA_PFN + 6, 4090 } } };
	struct zonal *mm = kt_instance(&odd);
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	/* 6-7, 8-15, 16-31, .. 512-1023, then 1024 to 4095 in ascending order */
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 0), 0);
	for (unsigned order = 1; order < 10; order++) {
		KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, order), order != 2);
		if (order != 2)
			KT_EQ(kt_first(zone, MIGRATE_MOVABLE, order),
			      KT_DMA_PFN + (order == 1 ? 6 : 1u << order));
	}
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 10), 3);
	KT_EQ(kt_first(zone, MIGRATE_MOVABLE, 10), KT_DMA_PFN + 1024);
	KT_EQ(zone->list[MIGRATE_MOVABLE][10].last, KT_DMA_PFN + 3072);
	KT_EQ(zone_managed(zone), 4090);
	kt_check_all(mm);
}

KTEST(rows_i, i5_i6_reserved_pages)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 4096 } },
		.reserved = { { 0, KT_DMA_PFN + 100, 3 }, { 0, KT_DMA_PFN - 5, 7 } },
	};
	struct zonal *mm = kt_instance(&spec);
	struct zone *zone;
	struct page *page;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	page = mm_page(mm, KT_DMA_PFN + 101);
	KT_EQ(zone->present, 4096);
	KT_EQ(zone_managed(zone), 4096 - 3 - 2);
	KT_EQ(kt_free(zone), 4096 - 5);
	KT_EQ(page_state(page), PAGE_RESERVED);
	KT_EQ(ld_relaxed(&page->refs), 1);
	KT_TRUE(!zonal_is_free(mm, KT_DMA_PFN + 101));
	/* given back later: managed grows */
	KT_EQ(zonal_free_reserved(mm, KT_DMA_PFN + 101), 0);
	KT_EQ(zone_managed(zone), 4096 - 4);
	KT_TRUE(zonal_is_free(mm, KT_DMA_PFN + 101));
	KT_EQ(zonal_free_reserved(mm, KT_DMA_PFN + 101), ZONAL_EINVAL);
	KT_EQ(zonal_free_reserved(mm, KT_DMA_PFN + 50), ZONAL_EINVAL);
	KT_EQ(zonal_free_reserved(mm, KT_DMA_PFN + 4096), ZONAL_EINVAL);
	KT_EQ(zonal_free_reserved(mm, (pfn_t)1 << 50), ZONAL_EINVAL);
	/* The second of a pair merges at once. */
	KT_EQ(zonal_free_reserved(mm, KT_DMA_PFN), 0);
	KT_EQ(zonal_free_reserved(mm, KT_DMA_PFN + 1), 0);
	KT_EQ(page_word(mm_page(mm, KT_DMA_PFN + 1)), word_make(zone->id, PAGE_INNER, 0));
	kt_check_all(mm);
}

KTEST(rows_i, i7_spanned_present_managed)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 700 }, { 0, KT_DMA_PFN + 1500, 900 } },
		.reserved = { { 0, KT_DMA_PFN + 600, 50 } },
	};
	struct zonal *mm = kt_instance(&spec);
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	KT_EQ(zone->start_pfn, KT_DMA_PFN);
	KT_EQ(zone->spanned, 2400);
	KT_EQ(zone->present, 1600);
	KT_EQ(zone_managed(zone), 1550);
	KT_EQ(kt_free(zone), 1550);
	KT_EQ(mm->node[0]->start_pfn, KT_DMA_PFN);
	KT_EQ(mm->node[0]->spanned, 2400);
	KT_EQ(mm->node[0]->present, 1600);
	kt_check_all(mm);
}

/* I16: where the zones end, for each kind of board. */
KTEST(rows_i, i16_zone_limits)
{
	static const struct {
		pfn_t start;
		uint64_t pages;
		uint64_t dma_max;
		unsigned present[3];
	} table[] = {
		/* nothing said: DMA to 4 GiB, DMA32 empty */
		{ 0x40000, 512, 0, { 512, 0, 0 } },
		{ 0xfff00, 512, 0, { 256, 0, 256 } },
		/* 30 bits: DMA, DMA32, NORMAL */
		{ 0x3ff00, 512, KT_RPI_DMA_MAX, { 256, 256, 0 } },
		/* 31 bits: DMA32 goes on to 4 GiB */
		{ 0x7ff00, 512, 0x7fffffff, { 256, 256, 0 } },
		/* RAM begins above the mask: the limit is 4 GiB */
		{ 0x50000, 512, KT_RPI_DMA_MAX, { 512, 0, 0 } },
		/* RAM begins above 4 GiB: no limit, all of it is DMA */
		{ 0x100000, 512, 0, { 512, 0, 0 } },
		{ 0x200000, 512, KT_RPI_DMA_MAX, { 512, 0, 0 } },
		/* a limit that is not a power of two: its bits count */
		{ 0x3ff00, 512, 0x2fffffff, { 256, 256, 0 } },
		/* more than 32 bits are 32 */
		{ 0xfff00, 512, 0xffffffffffull, { 256, 0, 256 } },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		struct kt_spec spec = { .ram = { { 0, table[i].start, table[i].pages } },
					.dma_max = table[i].dma_max };
		struct zonal *mm = kt_instance(&spec);

		if (!mm)
			return;
		for (unsigned t = 0; t < 3; t++)
			KT_OK(kt_zone(mm, 0, (enum zone_type)t)->present == table[i].present[t],
			      "case %u zone %u: %llu pages, expected %u", i, t,
			      (unsigned long long)kt_zone(mm, 0, (enum zone_type)t)->present,
			      table[i].present[t]);
		kt_check_all(mm);
	}
}

/* I16: a board that says itself where its zones end. */
KTEST(rows_i, i16_limits_of_the_board_come_before_the_rule)
{
	struct zonal_options options;
	struct kt_spec spec = { .ram = { { 0, KT_DMA_PFN, 4096 } }, .options = &options };
	struct zonal *mm;

	zonal_options_default(&options);
	options.dma_end = (uint64_t)(KT_DMA_PFN + 1024) << PAGE_SHIFT;
	options.dma32_end = (uint64_t)(KT_DMA_PFN + 3072) << PAGE_SHIFT;
	mm = kt_instance(&spec);
	if (!mm)
		return;
	KT_EQ(kt_zone(mm, 0, ZONE_DMA)->present, 1024);
	KT_EQ(kt_zone(mm, 0, ZONE_DMA32)->present, 2048);
	KT_EQ(kt_zone(mm, 0, ZONE_NORMAL)->present, 1024);
	kt_check_all(mm);
}

KTEST(rows_i, i16_memory_may_begin_with_frame_0)
{
	static const struct kt_spec spec = { .ram = { { 0, 0, 2048 } } };
	struct zonal *mm = kt_instance(&spec);

	if (!mm)
		return;
	KT_EQ(kt_zone(mm, 0, ZONE_DMA)->present, 2048);
	KT_EQ(kt_zone(mm, 0, ZONE_DMA)->start_pfn, 0);
	kt_check_all(mm);
}

/* I17: QEMU's virt: below 4 GiB DMA, above NORMAL, DMA32 empty: never NOFRAGMENT. */
KTEST(rows_i, i17_virt_board)
{
	static const struct kt_spec virt = {
		.ram = { { 0, KT_DMA_PFN, 512 }, { 1, KT_NORMAL_PFN - 512, 512 },
			 { 1, KT_NORMAL_PFN, 512 } },
	};
	struct zonal *mm = kt_instance(&virt);

	if (!mm)
		return;
	KT_EQ(kt_zone(mm, 0, ZONE_DMA)->present, 512);
	KT_EQ(kt_zone(mm, 1, ZONE_DMA)->present, 512);
	KT_EQ(kt_zone(mm, 1, ZONE_NORMAL)->present, 512);
	KT_EQ(kt_zone(mm, 0, ZONE_DMA32)->present + kt_zone(mm, 1, ZONE_DMA32)->present, 0);
	kt_check_all(mm);
}

/* I18: kernelcore= spread over two nodes; the start is rounded up to 4 MiB. */
KTEST(rows_i, i18_movable_zone)
{
	struct zonal_options options;
	struct kt_spec spec = { .ram = { { 0, KT_DMA_PFN, 4096 }, { 1, KT_DMA_PFN + 4096, 4096 } },
				.options = &options };
	struct zonal *mm;
	struct page *page;

	zonal_options_default(&options);
	options.kernelcore_bytes = 4000ull << PAGE_SHIFT;
	mm = kt_instance(&spec);
	if (!mm)
		return;
	for (unsigned n = 0; n < 2; n++) {
		KT_EQ(kt_zone(mm, n, ZONE_DMA)->present, 2048);
		KT_EQ(kt_zone(mm, n, ZONE_MOVABLE)->present, 2048);
		KT_EQ(kt_zone(mm, n, ZONE_MOVABLE)->start_pfn, KT_DMA_PFN + n * 4096 + 2048);
	}
	page = zonal_alloc(mm, GFP_HIGHUSER_MOVABLE, 0);
	KT_EQ(zonal_page_zone(page), ZONE_MOVABLE);
	zonal_free(mm, page, 0);
	page = zonal_alloc(mm, GFP_KERNEL, 0);
	KT_EQ(zonal_page_zone(page), ZONE_DMA);
	zonal_free(mm, page, 0);
	KT_EQ(mm->policy_zone, ZONE_DMA);
	kt_check_all(mm);
}

/* I18: by either option, and to the next block of the largest order; so is movablecore itself. */
KTEST(rows_i, i18_movable_begins_at_a_whole_block)
{
	static const struct {
		uint64_t kernel, movable; /* pages */
		pfn_t ordinary;           /* of each node */
	} table[] = { { 2600, 0, 2048 }, { 2048, 0, 1024 }, { 0, 5120, 2048 },
		      { 0, 5121, 1024 } };
	struct zonal_options options;
	struct kt_spec spec = { .ram = { { 0, KT_DMA_PFN, 4096 }, { 1, KT_DMA_PFN + 4096, 4096 } },
				.options = &options };

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		struct zonal *mm;

		zonal_options_default(&options);
		options.kernelcore_bytes = table[i].kernel << PAGE_SHIFT;
		options.movablecore_bytes = table[i].movable << PAGE_SHIFT;
		mm = kt_instance(&spec);
		if (!mm)
			return;
		for (unsigned n = 0; n < 2; n++)
			KT_EQ(kt_zone(mm, n, ZONE_DMA)->present, table[i].ordinary);
	}
}

/* I18: what lies below the highest zone is ordinary, whatever the share. */
KTEST(rows_i, i18_movable_is_in_the_highest_zone_only)
{
	struct zonal_options options;
	struct kt_spec spec = { .ram = { { 0, KT_DMA_PFN, 2048 },
					 { 0, KT_DMA_PFN + 4096, 2048 },
					 { 0, KT_NORMAL_PFN, 4096 } },
				.options = &options };
	struct zonal *mm;

	zonal_options_default(&options);
	options.kernelcore_bytes = 1024ull << PAGE_SHIFT;
	mm = kt_instance(&spec);
	if (!mm)
		return;
	KT_EQ(kt_zone(mm, 0, ZONE_DMA)->present, 4096);
	KT_EQ(kt_zone(mm, 0, ZONE_NORMAL)->present, 0);
	KT_EQ(kt_zone(mm, 0, ZONE_MOVABLE)->start_pfn, KT_NORMAL_PFN);
	KT_EQ(kt_zone(mm, 0, ZONE_MOVABLE)->present, 4096);
	kt_check_all(mm);
}

/* I18: a node with more below the highest zone than its share relieves the others. */
KTEST(rows_i, i18_movable_counts_all_low_memory)
{
	struct zonal_options options;
	struct kt_spec spec = { .ram = { { 0, KT_DMA_PFN, 3072 }, { 1, KT_NORMAL_PFN, 8192 } },
				.options = &options };
	struct zonal *mm;

	zonal_options_default(&options);
	options.kernelcore_bytes = 4096ull << PAGE_SHIFT;
	mm = kt_instance(&spec);
	if (!mm)
		return;
	KT_EQ(kt_zone(mm, 0, ZONE_DMA)->present, 3072);
	KT_EQ(kt_zone(mm, 0, ZONE_MOVABLE)->present, 0);
	KT_EQ(kt_zone(mm, 1, ZONE_NORMAL)->present, 1024);
	KT_EQ(kt_zone(mm, 1, ZONE_MOVABLE)->present, 7168);
	kt_check_all(mm);
}

KTEST(rows_i, i21_every_frame_knows_its_node_and_zone)
{
	static const struct kt_spec spec = {
		.ram = { { 2, KT_DMA_PFN + 5, 1000 },
			 { 0, KT_DMA_PFN + 1005, 19 },
			 { 2, KT_DMA_PFN + 1024, 100 },
			 { 1, KT_DMA_PFN + 3000, 777 } },
	};
	struct zonal *mm = kt_instance(&spec);

	if (!mm)
		return;
	expect_frames(mm, &spec, KT_DMA_PFN - 1024, KT_DMA_PFN + 5000);
	kt_check_all(mm);
}

KTEST(rows_i, i22_no_block_over_a_node_border)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 1536 }, { 1, KT_DMA_PFN + 1536, 1536 } },
	};
	struct zonal *mm = kt_instance(&spec);
	struct page *chain = NULL;

	if (!mm)
		return;
	kt_no_marks(mm);
	/* one order 10 block each, and half a block on either side of the border */
	for (unsigned n = 0; n < 2; n++) {
		KT_EQ(kt_blocks(kt_zone(mm, n, ZONE_DMA), MIGRATE_MOVABLE, 10), 1);
		KT_EQ(kt_blocks(kt_zone(mm, n, ZONE_DMA), MIGRATE_MOVABLE, 9), 1);
	}
	KT_EQ(kt_take_all(mm, 0, 0, 9, &chain), 6);
	kt_give_all(mm, chain, 9);
	for (unsigned n = 0; n < 2; n++) {
		KT_EQ(kt_free(kt_zone(mm, n, ZONE_DMA)), 1536);
		for (unsigned t = 0, sum = 0; t < MIGRATE_PCPTYPES; t++) {
			sum += kt_blocks(kt_zone(mm, n, ZONE_DMA), (enum migratetype)t, 10);
			if (t == MIGRATE_PCPTYPES - 1)
				KT_EQ(sum, 1);
		}
	}
	kt_check_all(mm);
}

KTEST(rows_i, i3_nomap_is_outside_of_everything)
{
	/* board/topology cuts no-map ranges out of RAM: for the core they are holes */
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 100 }, { 0, KT_DMA_PFN + 110, 914 } },
	};
	struct zonal *mm = kt_instance(&spec);
	struct page *chain = NULL;

	if (!mm)
		return;
	kt_no_marks(mm);
	for (pfn_t pfn = KT_DMA_PFN + 100; pfn < KT_DMA_PFN + 110; pfn++) {
		KT_TRUE(!zonal_page(mm, pfn));
		KT_TRUE(!zonal_is_free(mm, pfn));
	}
	KT_EQ(kt_take_all(mm, 0, 0, 0, &chain), 1014);
	kt_give_all(mm, chain, 0);
	kt_check_all(mm);
}

/* Trust item 68: nodes of one page, and of 1 MiB. */
KTEST(trust, t68_tiny_nodes)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 1 },
			 { 1, KT_DMA_PFN + 1, 256 },
			 { 2, KT_DMA_PFN + 257, 1 } },
	};
	struct zonal *mm = kt_instance(&spec);
	struct page *chain = NULL;

	if (!mm)
		return;
	kt_check_all(mm);
	kt_no_marks(mm);
	KT_EQ(kt_take_all(mm, 0, 0, 0, &chain), 258);
	kt_give_all(mm, chain, 0);
	kt_check_all(mm);
}

/* Trust item 67: RAM at 8 TiB, and the first address that is too high for 32-bit frames. */
KTEST(trust, t67_high_memory)
{
	static const struct kt_spec high = {
		.ram = { { 0, KT_DMA_PFN, 512 }, { 1, (pfn_t)1 << 31, 512 } },
	};
	static const struct kt_spec too_high = {
		.ram = { { 0, KT_DMA_PFN, 512 }, { 1, ((pfn_t)1 << 32) - 512, 512 } },
	};
	/* The map of the last block of 4 MiB would end at frame 2^32. */
	static const struct kt_spec highest = {
		.ram = { { 0, KT_DMA_PFN, 512 }, { 1, ((pfn_t)1 << 32) - 2048, 1024 } },
	};
	static const struct kt_spec one_more = {
		.ram = { { 0, KT_DMA_PFN, 512 }, { 1, ((pfn_t)1 << 32) - 2048, 1025 } },
	};
	struct zonal *mm = kt_instance(&high);
	struct page *page;

	if (!mm)
		return;
	page = zonal_alloc_node(mm, 1, GFP_KERNEL | __GFP_THISNODE, 3);
	if (KT_TRUE(page)) {
		KT_TRUE(zonal_pfn(page) >= (pfn_t)1 << 31);
		zonal_free(mm, page, 3);
	}
	kt_check_all(mm);
	KT_EQ(kt_instance_error(&too_high), ZONAL_ERANGE);
	KT_EQ(kt_instance_error(&one_more), ZONAL_ERANGE);
	mm = kt_instance(&highest);
	if (!mm)
		return;
	page = zonal_alloc_node(mm, 1, GFP_KERNEL | __GFP_THISNODE, 3);
	if (KT_TRUE(page)) {
		KT_TRUE(zonal_page(mm, zonal_pfn(page)) == page);
		zonal_free(mm, page, 3);
	}
	KT_EQ(zonal_bad_count(mm), 0);
	kt_check_all(mm);
}

/* Trust item 69: fewer CPUs than memory nodes. */
KTEST(trust, t69_more_nodes_than_cpus)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 512 },
			 { 1, KT_DMA_PFN + 512, 512 },
			 { 2, KT_DMA_PFN + 1024, 512 },
			 { 3, KT_DMA_PFN + 1536, 512 } },
		.cpus = 1,
		.cpu_node = { 2 },
	};
	struct zonal *mm = kt_instance(&spec);

	for (unsigned n = 0; mm && n < 4; n++) {
		struct page *page = zonal_alloc_node(mm, (int)n, GFP_KERNEL, 0);

		if (!KT_TRUE(page))
			continue;
		KT_EQ(zonal_page_node(page), n);
		zonal_free(mm, page, 0);
	}
}

/* Trust item 36: list sizes come from what the zone manages in the end. */
KTEST(trust, t36_list_sizes_after_init)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 32768 } },
		.reserved = { { 0, KT_DMA_PFN, 16384 } },
	};
	struct zonal *mm = kt_instance(&spec);

	if (!mm)
		return;
	KT_EQ(kt_zone(mm, 0, ZONE_DMA)->pcp_batch, 3);
	KT_EQ(kt_zone(mm, 0, ZONE_DMA)->pcp_high, 18);
}

KTEST(rows_i, bad_boards_are_refused)
{
	static const struct kt_spec overlap = {
		.ram = { { 0, KT_DMA_PFN, 512 }, { 1, KT_DMA_PFN + 511, 512 } },
	};
	/* Handing over relies on reserved ranges that are sorted, apart and do not wrap. */
	static const struct kt_spec reserved_twice = {
		.ram = { { 0, KT_DMA_PFN, 512 } },
		.reserved = { { 0, KT_DMA_PFN + 100, 10 }, { 0, KT_DMA_PFN + 105, 10 } },
	};
	static const struct kt_spec reserved_too_far = {
		.ram = { { 0, KT_DMA_PFN, 512 } },
		.reserved = { { 0, KT_DMA_PFN + 100, UINT64_MAX >> PAGE_SHIFT } },
	};
	static const struct kt_spec empty = { .cpus = 1 };
	struct zonal *mm;

	KT_EQ(kt_instance_error(&reserved_twice), ZONAL_EINVAL);
	KT_EQ(kt_instance_error(&reserved_too_far), ZONAL_EINVAL);

	KT_EQ(kt_instance_error(&overlap), ZONAL_EINVAL);
	KT_EQ(kt_instance_error(&empty), ZONAL_ERANGE);
	/* and the next board is none the worse for it */
	mm = kt_instance(&uma);
	if (mm)
		kt_check_all(mm);
}
