/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A board of 2 TiB of addresses with little RAM in it: eight nodes, 256 GiB apart,
 * each with two pieces of 8 MiB and a hole of 128 GiB between them, at the distances of
 * a Phytium FT-2000+. A flat page map over it would need 16 GiB.
 *
 * What must hold: the map costs what the RAM costs, holes have no page, frame numbers beyond
 * 32 bits of address are kept, the known fallback orders come out, all of it can be taken
 * and given back in that order, and every invariant holds on the way (trust items 67, 75).
 */
#include "kt_instance.h"

#define NODE_STEP ((pfn_t)0x4000000) /* 256 GiB */
#define PIECE_PAGES 2048
#define FIRST(n) ((n) * NODE_STEP + KT_NORMAL_PFN)
#define SECOND(n) (FIRST(n) + NODE_STEP / 2)
#define NODE(n) { n, FIRST(n), PIECE_PAGES }, { n, SECOND(n), PIECE_PAGES }

static const struct kt_spec sparse = {
	.ram = { NODE(0), NODE(1), NODE(2), NODE(3), NODE(4), NODE(5), NODE(6), NODE(7) },
	.cpus = 8,
	.cpu_node = { 0, 1, 2, 3, 4, 5, 6, 7 },
	.distance = { { 10, 20, 40, 30, 20, 30, 50, 40 }, { 20, 10, 30, 20, 30, 20, 40, 30 },
		      { 40, 30, 10, 20, 50, 40, 20, 30 }, { 30, 20, 20, 10, 40, 30, 30, 20 },
		      { 20, 30, 50, 40, 10, 20, 40, 30 }, { 30, 20, 40, 30, 20, 10, 30, 20 },
		      { 50, 40, 20, 30, 40, 30, 10, 20 }, { 40, 30, 30, 20, 30, 20, 20, 10 } },
};

static const uint8_t order_of[8][8] = {
	{ 0, 1, 4, 3, 5, 2, 7, 6 }, { 1, 5, 3, 0, 4, 7, 2, 6 }, { 2, 6, 3, 7, 1, 5, 0, 4 },
	{ 3, 7, 2, 1, 5, 6, 0, 4 }, { 4, 5, 0, 7, 1, 6, 3, 2 }, { 5, 7, 4, 1, 6, 0, 3, 2 },
	{ 6, 7, 2, 3, 5, 4, 1, 0 }, { 7, 6, 3, 5, 2, 4, 1, 0 },
};

KTEST(sparse, map_costs_what_the_ram_costs)
{
	struct zonal *mm = kt_instance(&sparse);
	uint64_t map = 16 * (uint64_t)PIECE_PAGES * sizeof(struct page);

	if (!mm)
		return;
	KT_EQ(mm->section_count, (SECOND(7) + PIECE_PAGES + 0x7fff) >> MM_SECTION_SHIFT);
	/* The map, 16 bytes a section of 128 MiB, and what nodes and CPUs need. */
	KT_OK(mm->meta_bytes < map + mm->section_count * 16 + 8 * 65536,
	      "%llu bytes of metadata", (unsigned long long)mm->meta_bytes);
}

KTEST(sparse, holes_have_no_page)
{
	struct zonal *mm = kt_instance(&sparse);

	for (unsigned n = 0; mm && n < 8; n++) {
		KT_TRUE(zonal_page(mm, FIRST(n)) != NULL);
		KT_TRUE(zonal_page(mm, SECOND(n) + PIECE_PAGES - 1) != NULL);
		KT_TRUE(zonal_page(mm, FIRST(n) - 1) == NULL);
		KT_TRUE(zonal_page(mm, FIRST(n) + PIECE_PAGES) == NULL);
		KT_TRUE(zonal_page(mm, SECOND(n) - 0x8000) == NULL);
	}
}

KTEST(sparse, every_node_serves_its_own_frames)
{
	struct zonal *mm = kt_instance(&sparse);

	for (unsigned n = 0; mm && n < 8; n++) {
		struct page *page = zonal_alloc_node(mm, (int)n, GFP_KERNEL | __GFP_THISNODE, 9);

		if (!KT_TRUE(page))
			return;
		KT_EQ(zonal_page_node(page), n);
		KT_EQ(zonal_pfn(page) / NODE_STEP, n);
		KT_TRUE(zonal_page(mm, zonal_pfn(page)) == page);
		zonal_free(mm, page, 9);
	}
}

/* With node `nid` asked for and no marks, the nodes run out in the order of distance. */
static void nodes_run_out_in_order(struct zonal *mm, unsigned nid)
{
	struct page *chain = NULL;
	uint64_t taken = kt_take_all(mm, (int)nid, GFP_NOWAIT, 10, &chain);
	unsigned at = 8;

	KT_EQ(taken, 8 * 2 * PIECE_PAGES >> 10);
	/* The chain begins with the block that was taken last. */
	for (struct page *page = chain; page; page = *(struct page **)zonal_page_owner(page)) {
		unsigned place = 0;

		while (place < 7 && order_of[nid][place] != zonal_page_node(page))
			place++;
		KT_OK(place <= at, "from node %u, node %u came out of turn", nid,
		      zonal_page_node(page));
		at = place;
	}
	KT_TRUE(kt_check_all(mm));
	kt_give_all(mm, chain, 10);
}

KTEST(sparse, nodes_run_out_in_the_known_order)
{
	struct zonal *mm = kt_instance(&sparse);

	if (!mm)
		return;
	kt_no_marks(mm);
	for (unsigned n = 0; n < 8; n++) {
		nodes_run_out_in_order(mm, n);
		KT_TRUE(kt_check_all(mm));
	}
	/* RAM begins above 4 GiB, so all of it is ZONE_DMA (row I16). */
	for (unsigned n = 0; n < 8; n++) {
		struct zone *zone = kt_zone(mm, n, ZONE_DMA);

		KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 10) + kt_blocks(zone, MIGRATE_UNMOVABLE, 10),
		      4);
	}
}
