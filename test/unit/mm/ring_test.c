/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rings of the per-CPU lists, slot by slot: how many there are, what a page in one remembers,
 * and what a run of neighbours becomes when it goes back.
 *
 * pcp_test.c counts pages; here their words are read, because a wrong one shows late: as a page
 * that goes home to the wrong list, or that every later look finds odd. Marks are 0.
 */
#include "kt_instance.h"

#include "mm/pcp.h"

enum { CMA_PAGES = 16384 };

static struct pcp *own_pcp(struct zone *zone)
{
	return &zone->mm->cpu[port_this_cpu()->id]->pcp[zone->id];
}

KTEST(rows_p, p2_ring_has_room_for_a_batch_beyond_high)
{
	static const struct {
		unsigned batch, high;
		uint32_t slots;
	} golden[] = {
		{ 0, 0, 2 },	{ 1, 0, 2 },	{ 1, 1, 4 },	 { 1, 6, 8 },	  { 3, 18, 32 },
		{ 7, 24, 32 },	{ 7, 25, 64 },	{ 7, 42, 64 },	 { 15, 90, 128 }, { 31, 186, 256 },
		{ 63, 378, 512 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(golden); i++)
		KT_EQ(pcp_ring_slots(golden[i].batch, golden[i].high), golden[i].slots);
}

/* Of 32760 free pages 16384 are CMA: four more than half, so the first four of a refill are. */
KTEST(rows_p, p6_refill_from_cma_and_beside_it_remembers_which_is_which)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 2 * CMA_PAGES - 8 } },
		.reserved = { { 0, KT_DMA_PFN, CMA_PAGES } },
		.cma_index = 1,
	};
	struct zonal *mm = kt_bare_instance(&spec);
	struct pcp_ring *ring;
	struct page *page;
	unsigned cma = 0;

	if (!mm)
		return;
	if (!ZONAL_CMA) {
		kt_skip("CMA is not built in");
		return;
	}
	page = zonal_alloc(mm, GFP_HIGHUSER_MOVABLE, 0);
	ring = &own_pcp(kt_zone(mm, 0, ZONE_DMA))->ring[MIGRATE_MOVABLE];
	KT_EQ(ring->tail - ring->head, 6);
	for (uint32_t i = ring->head; i != ring->tail; i++) {
		unsigned type = page_block_type(ring->slot[i]);

		cma += type == MIGRATE_CMA;
		KT_EQ(word_home(page_word(ring->slot[i])), type);
	}
	KT_EQ(page_block_type(page), MIGRATE_CMA);
	KT_EQ(cma, 3);
	zonal_free(mm, page, 0);
	zonal_drain_all(mm, NULL);
	KT_EQ(ld_relaxed(&kt_zone(mm, 0, ZONE_DMA)->free_cma), CMA_PAGES);
	kt_check_all(mm);
}

/* Every page of a free block but its head is INNER and nothing else. */
static void expect_whole_block(struct zonal *mm, struct page *block, unsigned order)
{
	unsigned zid = word_zid(page_word(block));

	KT_EQ(page_word(block), word_make(zid, PAGE_FREE, order));
	for (unsigned i = 1; i < 1u << order; i++)
		KT_OK(page_word(block + i) == word_make(zid, PAGE_INNER, 0), "page %u: word 0x%x",
		      i, page_word(block + i));
	kt_check_all(mm);
}

/* Half of a block goes into the ring one by one, in steps of `step`, and back in one run; the other
 * half stays in use, so that nothing more comes of it. */
static void run_goes_back(struct zonal *mm, int step)
{
	struct page *block = zonal_alloc(mm, GFP_KERNEL, 5);

	zonal_split(mm, block, 5);
	zonal_drain_all(mm, NULL);
	for (unsigned i = 0; i < 16; i++)
		zonal_free(mm, block + (step > 0 ? i : 15 - i), 0);
	zonal_drain_all(mm, NULL);
	expect_whole_block(mm, block, 4);
}

KTEST(rows_p, p10_run_of_neighbours_leaves_nothing_behind_in_its_pages)
{
	static const struct kt_spec spec = { .ram = { { 0, KT_DMA_PFN, 32768 } } };
	struct zonal *mm = kt_bare_instance(&spec);

	if (!mm)
		return;
	run_goes_back(mm, 1);
	run_goes_back(mm, -1);
}
