/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which list, which end, which type: rules that only a record of a real kernel, frame by
 * frame, had shown (test/oracle/frames).
 *
 * The whole records are replayed by the oracle program. Here stands each rule by
 * itself, on a board of a few pageblocks, so that a break is named and not only seen
 * a thousand calls later as another frame. Marks are 0 where a test does not set them.
 */
#include "kt_instance.h"

#include "mm/buddy.h"
#include "mm/mobility.h"
#include "mm/pcp.h"
#include "mm/watermark.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };
/* 128 MiB: per-CPU lists of 42 pages, so that a few frees stay in them. */
static const struct kt_spec big = { .ram = { { 0, KT_DMA_PFN, 32768 } } };
static const struct kt_spec two_nodes = {
	.ram = { { 0, KT_DMA_PFN, 4096 }, { 1, KT_DMA_PFN + 4096, 4096 } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
};

static struct zone *board(const struct kt_spec *spec)
{
	struct zonal *mm = kt_bare_instance(spec);

	return mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
}

static struct page *take(struct zone *zone, unsigned order, enum migratetype type, unsigned flags)
{
	port_irqflags_t irq = port_irq_save();
	struct page *page;

	lock_take(&zone->lock);
	page = mobility_take(zone, order, type, flags);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	return page;
}

static void put(struct zone *zone, pfn_t pfn, unsigned order)
{
	port_irqflags_t irq = port_irq_save();

	lock_take(&zone->lock);
	buddy_put(zone, mm_page(zone->mm, pfn), order, BUDDY_AUTO);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
}

static uint64_t wakes(struct zonal *mm)
{
	return ld_relaxed(&mm->cpu[kt_cpu_id(0)]->kswapd_wakes);
}

/* A pageblock of single pages in use, nothing in the per-CPU lists. */
static struct page *used_singles(struct zone *zone)
{
	struct page *block = zonal_alloc(zone->mm, GFP_KERNEL, PAGEBLOCK_ORDER);

	if (KT_TRUE(block))
		zonal_split(zone->mm, block, PAGEBLOCK_ORDER);
	return block;
}

/* ---- the type that a page in a per-CPU list goes back to ------------------------------ */

KTEST(frames, freed_page_keeps_its_type_when_its_pageblock_becomes_highatomic_or_stops)
{
	static const uint8_t types[][2] = { { MIGRATE_MOVABLE, MIGRATE_HIGHATOMIC },
					    { MIGRATE_HIGHATOMIC, MIGRATE_MOVABLE },
					    { MIGRATE_HIGHATOMIC, MIGRATE_UNMOVABLE } };
	struct zone *zone = board(&big);
	struct page *block = zone ? used_singles(zone) : NULL;

	for (unsigned i = 0; block && i < ARRAY_SIZE(types); i++) {
		struct page *page = block + 3 * i; /* not buddies */

		block_set_type(block, types[i][0]);
		zonal_free(zone->mm, page, 0);
		KT_EQ(page_state(page), PAGE_PCP);
		block_set_type(block, types[i][1]);
		zonal_drain_all(zone->mm, NULL);
		KT_EQ(page_state(page), PAGE_FREE);
		KT_EQ(page->list_type, types[i][0]);
	}
	if (block)
		KT_TRUE(kt_check_all(zone->mm));
}

KTEST(frames, refilled_page_goes_back_to_the_list_it_came_from)
{
	struct zone *zone = board(&big);
	struct page *page;

	if (!zone)
		return;
	while (take(zone, 10, MIGRATE_MOVABLE, 0))
		;
	/* Three pages on the MOVABLE list, and their pageblock is HIGHATOMIC since. */
	for (unsigned i = 0; i < 3; i++)
		put(zone, KT_DMA_PFN + 3 * i, 0);
	block_set_type(mm_page(zone->mm, KT_DMA_PFN), MIGRATE_HIGHATOMIC);
	page = zonal_alloc(zone->mm, GFP_NOWAIT | __GFP_MOVABLE, 0);
	if (!KT_TRUE(page))
		return;
	KT_EQ(kt_pcp_count(zone), 2);
	zonal_drain_all(zone->mm, NULL);
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 0), 2);
	KT_EQ(kt_blocks(zone, MIGRATE_HIGHATOMIC, 0), 0);
	/* What was handed out goes by its pageblock when it is freed. */
	zonal_free(zone->mm, page, 0);
	zonal_drain_all(zone->mm, NULL);
	KT_EQ(kt_blocks(zone, MIGRATE_HIGHATOMIC, 0), 1);
}

/* Neighbours of two types go back one by one: the pair is the type's of the second. */
KTEST(frames, neighbours_of_two_types_are_not_one_run)
{
	for (unsigned down = 0; down < 2; down++) {
		for (unsigned turned = 0; turned < 2; turned++) {
			unsigned first = turned ? MIGRATE_HIGHATOMIC : MIGRATE_MOVABLE;
			unsigned second = turned ? MIGRATE_MOVABLE : MIGRATE_HIGHATOMIC;
			struct zone *zone = board(&big);
			struct page *block = zone ? used_singles(zone) : NULL;

			if (!block)
				return;
			block_set_type(block, first);
			zonal_free(zone->mm, block + (down ? 9 : 8), 0);
			block_set_type(block, second);
			zonal_free(zone->mm, block + (down ? 8 : 9), 0);
			zonal_drain_all(zone->mm, NULL);
			KT_EQ(page_word(block + 8), word_make(zone->id, PAGE_FREE, 1));
			KT_EQ(block[8].list_type, second);
			block_set_type(block, MIGRATE_MOVABLE);
			kt_check_all(zone->mm);
			kt_free_all();
		}
	}
}

KTEST(frames, last_part_of_a_shared_block_goes_to_the_per_cpu_list)
{
	struct zone *zone = board(&big);
	struct page *page;

	if (!zone)
		return;
	page = zonal_alloc(zone->mm, GFP_KERNEL, 3);
	zonal_drain_all(zone->mm, NULL);
	zonal_get(page);
	zonal_free(zone->mm, page, 3);
	KT_EQ(page_state(page), PAGE_LONE);
	KT_EQ(page_state(page + 1), PAGE_PCP);
	KT_EQ(kt_pcp_count(zone), 1);
	KT_EQ(page_word(page + 2), word_make(zone->id, PAGE_FREE, 1));
	KT_EQ(page_word(page + 4), word_make(zone->id, PAGE_FREE, 2));
	KT_EQ(kt_stat(zone, STAT_FREED), 7);
	/* It is the next single page, as any other that was freed here. */
	KT_TRUE(zonal_alloc(zone->mm, GFP_KERNEL, 0) == page + 1);
	zonal_free(zone->mm, page + 1, 0);
	zonal_free(zone->mm, page, 0);
	KT_EQ(kt_stat(zone, STAT_FREED), 9);
	kt_check_all(zone->mm);
}

/* ---- zones that meet inside of 4 MiB --------------------------------------------------- */

/* Node 1 begins `border` frames behind a 4 MiB border; both nodes' pages are all in use. */
static struct zonal *meeting_nodes(unsigned border)
{
	struct kt_spec spec = { .ram = { { 0, KT_DMA_PFN, 4096 + border },
					 { 1, KT_DMA_PFN + 4096 + border, 4096 - border } } };
	struct zonal *mm = kt_bare_instance(&spec);

	for (unsigned n = 0; mm && n < 2; n++)
		while (take(kt_zone(mm, n, ZONE_DMA), 0, MIGRATE_MOVABLE, 0))
			;
	return mm;
}

/* The pair's first page is the other node's, and so is the block that is asked about. */
KTEST(frames, may_merge_soon_looks_into_the_zone_of_the_pairs_first_page)
{
	struct zonal *mm = meeting_nodes(12);
	pfn_t at = KT_DMA_PFN + 4096;
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 1, ZONE_DMA);
	put(kt_zone(mm, 0, ZONE_DMA), at, 3);
	put(zone, at + 128, 2);
	put(zone, at + 12, 2); /* its buddy at 8 is in use, and node 0's */
	KT_EQ(kt_first(zone, MIGRATE_MOVABLE, 2), at + 128);
	KT_EQ(zone->list[MIGRATE_MOVABLE][2].last, at + 12);
}

/* The pair's first page is the other node's, the block asked about its own: no. */
KTEST(frames, may_merge_soon_does_not_see_its_own_zone_behind_anothers_page)
{
	struct zonal *mm = meeting_nodes(4);
	pfn_t at = KT_DMA_PFN + 4096;
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 1, ZONE_DMA);
	put(zone, at + 8, 3);
	put(zone, at + 128, 2);
	put(zone, at + 4, 2);
	KT_EQ(kt_first(zone, MIGRATE_MOVABLE, 2), at + 4);
}

/* A hole is the next range's, as 5.10 links it: a pair that begins in it is its own zone's. */
KTEST(frames, hole_belongs_to_the_zone_behind_it)
{
	static const struct kt_spec gap = { .ram = { { 0, KT_DMA_PFN, 4096 },
						     { 1, KT_DMA_PFN + 4100, 2048 },
						     { 1, KT_DMA_PFN + 8192 + 4, 2044 } } };
	struct zonal *mm = kt_bare_instance(&gap);
	pfn_t at = KT_DMA_PFN + 4096;
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 1, ZONE_DMA);
	KT_EQ(page_word(mm_page(mm, at)), word_make(zone->id, PAGE_HOLE, 0));
	while (take(zone, 0, MIGRATE_MOVABLE, 0))
		;
	put(zone, at + 8, 3);
	put(zone, at + 128, 2);
	put(zone, at + 4, 2);
	KT_EQ(kt_first(zone, MIGRATE_MOVABLE, 2), at + 128);
}

/* ---- what is movable when a block is stolen --------------------------------------------- */

/*
 * A MOVABLE pageblock with one free page and one in use, which is on the LRU, as are both pages of
 * `lru` pairs; the other ones of 255 pairs are blocks of order 1. A thief that cannot move keeps
 * the block if at most 256 pages are movable.
 */
static enum migratetype robbed(unsigned lru, bool compound, bool by_words)
{
	struct zone *zone = board(&uma);
	struct page *b;

	if (!zone)
		return MIGRATE_TYPES;
	if (by_words)
		zone->map = 0;
	while ((b = take(zone, 9, MIGRATE_MOVABLE, 0)) && b->pfn != KT_DMA_PFN + 512)
		;
	while (take(zone, 9, MIGRATE_MOVABLE, 0))
		;
	if (!b)
		return MIGRATE_TYPES;
	put(zone, b->pfn, 9);
	for (unsigned k = 0; k < 512;) {
		unsigned order = k > 2 * lru + 1;
		struct page *page = take(zone, order, MIGRATE_MOVABLE, 0);

		if (!KT_TRUE(page == b + k))
			return MIGRATE_TYPES;
		page_set_word(page, word_make(zone->id, PAGE_USED, order) |
					    (order && compound ? PG_COMP : 0));
		if (k && !order)
			kt_list_page(zone->mm, page, true);
		k += 1u << order;
	}
	page_set_word(b, word_make(zone->id, PAGE_INNER, 0));
	put(zone, b->pfn, 0);
	KT_TRUE(take(zone, 0, MIGRATE_UNMOVABLE, 0));
	return page_block_type(b);
}

KTEST(frames, second_page_of_a_compound_pair_counts_as_movable)
{
	for (unsigned by_words = 0; by_words < 2; by_words++) {
		KT_EQ(robbed(0, true, by_words), MIGRATE_UNMOVABLE); /* 1 + 255 */
		KT_EQ(robbed(1, true, by_words), MIGRATE_MOVABLE);   /* 1 + 2 + 254 */
		KT_EQ(robbed(1, false, by_words), MIGRATE_UNMOVABLE);
	}
}

/* ---- the passes and the wish for background reclaim -------------------------------------- */

/* Only pieces below a pageblock are left, of MOVABLE; every mark is out of reach. */
static struct zonal *pieces_behind_marks(void)
{
	static const struct kt_spec odd = { .ram = { { 0, KT_DMA_PFN, 4096 - 100 } } };
	struct zonal *mm = kt_bare_instance(&odd);
	struct zone *zone;

	if (!mm)
		return NULL;
	zone = kt_zone(mm, 0, ZONE_DMA);
	while (take(zone, 9, MIGRATE_MOVABLE, 0))
		;
	kt_marks(zone, 1 << 20, 1 << 20, 1 << 20);
	return mm;
}

KTEST(frames, pass_without_watermarks_leaves_no_wish_for_reclaim)
{
	struct zonal *mm = pieces_behind_marks();
	struct page *page;

	if (!mm)
		return;
	page = zonal_alloc(mm, GFP_NOWAIT | __GFP_MEMALLOC, 2);
	if (!KT_TRUE(page))
		return;
	/* The theft has raised the boost; but the wake is the slow path's own alone. */
	KT_EQ(ld_relaxed(&kt_zone(mm, 0, ZONE_DMA)->boost), 512);
	KT_EQ(wakes(mm), 1);
}

KTEST(frames, boost_is_noted_when_a_refill_found_nothing)
{
	struct zone *zone = board(&uma);
	struct zonal *mm;

	if (!zone)
		return;
	mm = zone->mm;
	while (take(zone, 0, MIGRATE_MOVABLE, 0))
		;
	st_relaxed(&zone->boosted, 1);
	kt_floor(zone);
	/* A block that is not there is not the moment ... */
	KT_TRUE(!zonal_alloc(mm, __GFP_MEMALLOC | __GFP_NOWARN, 1));
	KT_EQ(ld_relaxed(&zone->boosted), 1);
	KT_EQ(wakes(mm), 0);
	/* ... a single page that is not there is. */
	KT_TRUE(!zonal_alloc(mm, __GFP_MEMALLOC | __GFP_NOWARN, 0));
	KT_EQ(ld_relaxed(&zone->boosted), 0);
	KT_EQ(wakes(mm), 1);
}

KTEST(frames, one_wake_for_each_node_that_lacks_memory)
{
	struct zonal *mm = kt_bare_instance(&two_nodes);
	struct zonal_task saved, *task;
	struct page *page;

	if (!mm)
		return;
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	KT_TRUE(!zonal_alloc_node(mm, 0, GFP_NOWAIT | __GFP_THISNODE | __GFP_NOWARN, 0));
	KT_EQ(wakes(mm), 1);
	/* Not by who does not ask for it. */
	KT_TRUE(!zonal_alloc_node(mm, 0, __GFP_THISNODE | __GFP_NOWARN, 0));
	KT_EQ(wakes(mm), 1);
	/* Node 1 has enough: it is not woken, though the request may go there. */
	task = kt_task_save(&saved);
	KT_EQ(zonal_task_set_mems(mm, task, node_bit(0)), 0);
	page = zonal_alloc(mm, GFP_NOWAIT, 0);
	if (KT_TRUE(page))
		zonal_free(mm, page, 0);
	KT_EQ(wakes(mm), 2);
	kt_task_restore(&saved);
	kt_close_zone(kt_zone(mm, 1, ZONE_DMA));
	KT_TRUE(!zonal_alloc(mm, GFP_NOWAIT | __GFP_NOWARN, 0));
	KT_EQ(wakes(mm), 4);
	kt_check_all(mm);
}

/* Its second zone is not a second node. */
KTEST(frames, a_node_of_two_zones_is_woken_once)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 1024 }, { 0, KT_NORMAL_PFN, 1024 } },
	};
	struct zonal *mm = kt_bare_instance(&spec);

	if (!mm)
		return;
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	kt_close_zone(kt_zone(mm, 0, ZONE_NORMAL));
	KT_TRUE(!zonal_alloc(mm, GFP_NOWAIT | __GFP_NOWARN, 0));
	KT_EQ(wakes(mm), 1);
}
