/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The highatomic reserve: rows H, and trust items 22 and 25.
 *
 * LOW is put out of reach, so that every atomic request of order 1 is served in the
 * second pass with HARDER and reserves its block (F8).
 */
#include "kt_instance.h"

#include "mm/alloc.h"
#include "mm/buddy.h"
#include "mm/mobility.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 8192 } } };

static struct zone *board(void)
{
	struct zonal *mm = kt_instance(&uma);

	if (!mm)
		return NULL;
	kt_no_marks(mm);
	kt_marks(kt_zone(mm, 0, ZONE_DMA), 0, 1 << 20, 1 << 20);
	return kt_zone(mm, 0, ZONE_DMA);
}

static int64_t reserved(struct zone *zone) { return ld_relaxed(&zone->highatomic); }

/* A decoded request for the forced and unforced give-back. */
static bool give_back(struct zone *zone, bool force)
{
	struct alloc_req req = { .mm = zone->mm,
				 .list = &zone->mm->node[0]->fallback,
				 .nodemask = NODEMASK_ALL,
				 .type = MIGRATE_MOVABLE,
				 .high_zone = ZONE_NORMAL };

	return highatomic_unreserve(&req, force);
}

/* Golden for 1 GiB: cap 3133, seven blocks, 3584 pages. The zone claims that size. */
KTEST(rows_h, h1_cap_is_tested_before_adding)
{
	struct zone *zone = board();
	struct page *page;

	if (!zone)
		return;
	st_relaxed(&zone->managed, 262144);
	for (unsigned i = 1; i <= 9; i++) {
		page = zonal_alloc(zone->mm, GFP_ATOMIC | __GFP_MOVABLE, 9);
		if (!KT_TRUE(page))
			return;
		KT_EQ(reserved(zone), 512 * ZN_MIN(i, 7u));
	}
}

/* A hundredth, to the page: 1536 pages are enough of 102,499, and one page too few of 102,500. */
KTEST(rows_h, h1_cap_is_a_hundredth_and_a_block)
{
	static const struct {
		uint64_t managed, most;
	} table[] = { { 102400, 3 * 512 }, { 102499, 3 * 512 }, { 102500, 4 * 512 } };
	struct zone *zone;

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		zone = board();
		if (!zone)
			return;
		st_relaxed(&zone->managed, table[i].managed);
		for (unsigned k = 0; k < 6; k++)
			KT_TRUE(zonal_alloc(zone->mm, GFP_ATOMIC | __GFP_MOVABLE, 9));
		KT_EQ(reserved(zone), table[i].most);
	}
}

/* The same on its real size: 8192/100 + 512 = 593, so two blocks. */
KTEST(rows_h, h1_cap_of_a_small_zone)
{
	struct zone *zone = board();
	struct page *page[4];

	if (!zone)
		return;
	for (unsigned i = 0; i < 4; i++) {
		page[i] = zonal_alloc(zone->mm, GFP_ATOMIC, 9);
		if (!KT_TRUE(page[i]))
			return;
		KT_EQ(reserved(zone), i ? 1024 : 512);
	}
	for (unsigned i = 0; i < 4; i++)
		zonal_free(zone->mm, page[i], 9);
	kt_check_all(zone->mm);
}

KTEST(rows_h, h2_not_on_special_blocks)
{
	static const uint8_t special[] = { MIGRATE_HIGHATOMIC, MIGRATE_CMA, MIGRATE_ISOLATE };
	struct zone *zone = board();
	struct page *page;

	if (!zone)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(special); i++) {
		page = mm_page(zone->mm, KT_DMA_PFN + 4096);
		block_set_type(page, special[i]);
		highatomic_reserve(zone, page);
		KT_EQ(reserved(zone), 0);
		KT_EQ(page_block_type(page), special[i]);
		block_set_type(page, MIGRATE_MOVABLE);
	}
	kt_check_all(zone->mm);
}

/* A full pageblock is counted, its free pages move. */
KTEST(rows_h, h2_free_pages_of_the_block_move)
{
	struct zone *zone = board();
	struct page *page;

	if (!zone)
		return;
	page = zonal_alloc(zone->mm, GFP_ATOMIC, 1);
	if (!KT_TRUE(page))
		return;
	KT_EQ(reserved(zone), 512);
	for (unsigned order = 1; order < 9; order++)
		KT_EQ(kt_blocks(zone, MIGRATE_HIGHATOMIC, order), 1);
	KT_EQ(kt_blocks(zone, MIGRATE_HIGHATOMIC, 9), 0);
	zonal_free(zone->mm, page, 1);
	kt_check_all(zone->mm);
}

KTEST(rows_h, h3_only_harder_of_higher_order_looks_there)
{
	struct zonal_task saved, *task = kt_task_save(&saved);
	struct zone *zone = board();
	struct page *first, *page;
	pfn_t block;

	if (!zone)
		return;
	first = zonal_alloc(zone->mm, GFP_ATOMIC, 1);
	if (!KT_TRUE(first))
		return;
	block = zonal_pfn(first) & ~(pfn_t)511;
	/* HARDER and order > 0: there, first */
	page = zonal_alloc(zone->mm, GFP_ATOMIC, 2);
	KT_EQ(zonal_pfn(page) & ~(pfn_t)511, block);
	zonal_free(zone->mm, page, 2);
	/* order 0 of the same flags: elsewhere */
	page = zonal_alloc(zone->mm, GFP_ATOMIC, 0);
	KT_TRUE((zonal_pfn(page) & ~(pfn_t)511) != block);
	zonal_free(zone->mm, page, 0);
	/* also when it may not use the per-CPU list (P11) */
	task->flags = ZTASK_NOCMA;
	page = zonal_alloc(zone->mm, GFP_ATOMIC | __GFP_MOVABLE, 0);
	KT_TRUE((zonal_pfn(page) & ~(pfn_t)511) != block);
	zonal_free(zone->mm, page, 0);
	kt_task_restore(&saved);
	/* order > 0 without HARDER: elsewhere */
	page = zonal_alloc(zone->mm, GFP_NOWAIT, 2);
	KT_TRUE((zonal_pfn(page) & ~(pfn_t)511) != block);
	zonal_free(zone->mm, page, 2);
	zonal_free(zone->mm, first, 1);
	kt_check_all(zone->mm);
}

/* With nothing but the reserve left, only HARDER requests of higher order are served. */
KTEST(rows_h, h3_reserve_is_kept_from_others)
{
	struct zone *zone = board();
	struct page *first, *page, *chain = NULL;

	if (!zone)
		return;
	first = zonal_alloc(zone->mm, GFP_ATOMIC, 1);
	kt_take_all(zone->mm, 0, GFP_NOWAIT | __GFP_NOWARN, 0, &chain);
	/* The reserve counts as a whole block, so two others are kept as well (W2). */
	KT_EQ(kt_free(zone), 512);
	KT_TRUE(!zonal_alloc(zone->mm, GFP_NOWAIT | __GFP_NOWARN, 0));
	KT_EQ(kt_take_all(zone->mm, 0, GFP_ATOMIC | __GFP_NOWARN, 0, &chain), 2);
	KT_TRUE(!zonal_alloc(zone->mm, GFP_NOWAIT | __GFP_NOWARN, 3));
	page = zonal_alloc(zone->mm, GFP_ATOMIC, 3);
	if (KT_TRUE(page))
		zonal_free(zone->mm, page, 3);
	if (first)
		zonal_free(zone->mm, first, 1);
	kt_give_all(zone->mm, chain, 0);
	kt_check_all(zone->mm);
}

KTEST(rows_h, h4_give_back)
{
	struct zone *zone = board();
	struct page *a, *b;

	if (!zone)
		return;
	KT_TRUE(!give_back(zone, true));
	a = zonal_alloc(zone->mm, GFP_ATOMIC, 1);
	KT_EQ(reserved(zone), 512);
	/* the only block goes by force alone */
	KT_TRUE(!give_back(zone, false));
	KT_EQ(reserved(zone), 512);
	KT_TRUE(give_back(zone, true));
	KT_EQ(reserved(zone), 0);
	KT_EQ(page_block_type(a), MIGRATE_MOVABLE); /* the request's type */
	KT_TRUE(!give_back(zone, true));
	zonal_free(zone->mm, a, 1);
	a = zonal_alloc(zone->mm, GFP_ATOMIC, 8);
	b = zonal_alloc(zone->mm, GFP_ATOMIC, 9);
	KT_EQ(reserved(zone), 1024);
	KT_TRUE(give_back(zone, false));
	KT_EQ(reserved(zone), 512);
	zonal_free(zone->mm, a, 8);
	zonal_free(zone->mm, b, 9);
	kt_check_all(zone->mm);
}

/* Trust item 25: the count never wraps, whatever the block's type became meanwhile. */
KTEST(trust, t25_reserve_count_does_not_wrap)
{
	struct zone *zone = board();
	struct page *a;

	if (!zone)
		return;
	a = zonal_alloc(zone->mm, GFP_ATOMIC, 1);
	st_relaxed(&zone->highatomic, 100);
	zone->highatomic_lost = 100 - 512;
	KT_TRUE(give_back(zone, true));
	KT_EQ(reserved(zone), 0);
	zonal_free(zone->mm, a, 1);
	kt_check_all(zone->mm);
}

/* Trust item 25: a block that is highatomic no more was counted down when it changed. Its free
 * pages still lie in the reserve's lists, and are given back without counting once more. */
KTEST(trust, t25_a_block_is_counted_down_once)
{
	struct zone *zone = board();
	struct page *a, *b;

	if (!zone)
		return;
	a = zonal_alloc(zone->mm, GFP_ATOMIC, 8);
	b = zonal_alloc(zone->mm, GFP_ATOMIC, 9);
	KT_EQ(reserved(zone), 1024);
	KT_TRUE(page_block_first(a) != page_block_first(b));
	/* as when a larger block that contains it is stolen whole */
	block_set_type(a, MIGRATE_MOVABLE);
	KT_TRUE(give_back(zone, true));
	KT_EQ(reserved(zone), 1024);
	KT_EQ(page_block_type(b), MIGRATE_HIGHATOMIC);
	KT_EQ(kt_blocks(zone, MIGRATE_HIGHATOMIC, 8), 0);
	zonal_free(zone->mm, a, 8);
	zonal_free(zone->mm, b, 9);
	KT_EQ(kt_free(zone), 8192);
}

/* Trust item 22, and H2: of a block of order 10 one pageblock is reserved and counted. */
KTEST(trust, t22_counter_equals_typed_blocks)
{
	struct zone *zone = board();
	struct page *page;
	unsigned typed = 0;

	if (!zone)
		return;
	page = zonal_alloc(zone->mm, GFP_ATOMIC, 10);
	if (!KT_TRUE(page))
		return;
	for (pfn_t pfn = KT_DMA_PFN; pfn < KT_DMA_PFN + 8192; pfn += 512)
		typed += kt_block_type(zone->mm, pfn) == MIGRATE_HIGHATOMIC;
	KT_EQ(reserved(zone), 512 * typed);
	KT_EQ(typed, 1);
	zonal_free(zone->mm, page, 10);
	kt_check_all(zone->mm);
}

/* H6: a single page of a reserved block waits in the MOVABLE per-CPU list, then goes home. */
KTEST(rows_h, h6_single_page_of_a_reserved_block)
{
	struct zone *zone = board();
	struct page *page;

	if (!zone)
		return;
	page = zonal_alloc(zone->mm, GFP_ATOMIC, 1);
	if (!KT_TRUE(page))
		return;
	zonal_split(zone->mm, page, 1);
	zonal_free(zone->mm, page, 0);
	zonal_free(zone->mm, page + 1, 0);
	zonal_drain_all(zone->mm, NULL);
	/* joined with its neighbour, and listed by its first pageblock (B8) */
	KT_EQ(kt_blocks(zone, MIGRATE_HIGHATOMIC, 10), 1);
	KT_EQ(kt_free(zone), 8192);
	kt_check_all(zone->mm);
}

/* A free block of more than a pageblock is movable with all of them, and with no other. */
KTEST(rows_f, a_large_free_block_makes_each_of_its_pageblocks_movable)
{
	enum { BLOCK = 1 << PAGEBLOCK_ORDER, LARGE = 1 << (MAX_ORDER - 1) };
	static const struct kt_spec three = { .ram = { { 0, KT_DMA_PFN, 3 * LARGE } } };
	struct zonal *mm = kt_instance(&three);

	if (!mm)
		return;
	for (unsigned i = 0; i < 3 * LARGE; i += BLOCK)
		block_set_type(mm_page(mm, KT_DMA_PFN + i), MIGRATE_UNMOVABLE);
	mobility_note_large(mm_page(mm, KT_DMA_PFN + LARGE), MAX_ORDER - 1);
	for (unsigned i = 0; i < 3 * LARGE; i += BLOCK)
		KT_EQ(kt_block_type(mm, KT_DMA_PFN + i),
		      i / LARGE == 1 ? MIGRATE_MOVABLE : MIGRATE_UNMOVABLE);
	for (unsigned i = 0; i < 3 * LARGE; i += BLOCK)
		block_set_type(mm_page(mm, KT_DMA_PFN + i), MIGRATE_MOVABLE);
}

/* But for what is a reserve, an area or isolated, each by itself. */
KTEST(rows_f, a_pageblock_of_a_special_type_keeps_it_within_a_large_free_block)
{
	enum { BLOCK = 1 << PAGEBLOCK_ORDER, LARGE = 1 << (MAX_ORDER - 1) };
	static const enum migratetype special[] = { MIGRATE_ISOLATE, MIGRATE_CMA,
						    MIGRATE_HIGHATOMIC };
	static const struct kt_spec two = { .ram = { { 0, KT_DMA_PFN, 2 * LARGE } } };
	struct zonal *mm = kt_instance(&two);
	struct page *block = mm ? mm_page(mm, KT_DMA_PFN + BLOCK) : NULL;

	for (unsigned i = 0; mm && i < 3 * ARRAY_SIZE(special); i++) {
		/* the one before, the first half, the second half */
		for (unsigned k = 0; k < 3; k++)
			block_set_type(block + k * BLOCK,
				       k == i % 3 ? special[i / 3] : MIGRATE_UNMOVABLE);
		mobility_note_large(block + BLOCK, MAX_ORDER - 1);
		for (unsigned k = 0; k < 3; k++)
			KT_EQ(page_block_type(block + k * BLOCK),
			      k == i % 3 ? special[i / 3] :
			      k ? MIGRATE_MOVABLE : MIGRATE_UNMOVABLE);
	}
	for (unsigned k = 0; mm && k < 3; k++)
		block_set_type(block + k * BLOCK, k ? MIGRATE_MOVABLE : MIGRATE_UNMOVABLE);
	/* Half a pageblock counts, a quarter does not. */
	for (unsigned order = PAGEBLOCK_ORDER - 2; mm && order < PAGEBLOCK_ORDER; order++) {
		mobility_note_large(block, order);
		KT_EQ(page_block_type(block), order + 1 == PAGEBLOCK_ORDER ? MIGRATE_MOVABLE :
									     MIGRATE_UNMOVABLE);
	}
}
