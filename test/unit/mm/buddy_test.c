/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The buddy lists: rows B, and trust items 1, 2, 6.
 *
 * Small zones have per-CPU lists of one page that give back at once (row P2), so
 * every single page is seen in the free lists. Marks are 0 throughout.
 */
#include "kt_instance.h"

#include <string.h>

#include "mm/buddy.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };

KTEST(rows_b, b1_smallest_block_from_the_head)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *a, *b, *c;
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	a = zonal_alloc(mm, __GFP_MOVABLE, 0);
	KT_EQ(zonal_pfn(a), KT_DMA_PFN);
	/* order 0..9 hold one block each now, order 10 three */
	b = zonal_alloc(mm, __GFP_MOVABLE, 3);
	KT_EQ(zonal_pfn(b), KT_DMA_PFN + 8);
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 3), 0);
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 10), 3);
	/* no block of order 3 left: the next larger one is split */
	c = zonal_alloc(mm, __GFP_MOVABLE, 3);
	KT_EQ(zonal_pfn(c), KT_DMA_PFN + 16);
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 4), 0);
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 3), 1);
	/* two blocks of one order: the head of the list is taken */
	zonal_free(mm, b, 3);
	KT_EQ(kt_first(zone, MIGRATE_MOVABLE, 3), KT_DMA_PFN + 8);
	b = zonal_alloc(mm, __GFP_MOVABLE, 3);
	KT_EQ(zonal_pfn(b), KT_DMA_PFN + 8);
	zonal_free(mm, a, 0);
	zonal_free(mm, b, 3);
	zonal_free(mm, c, 3);
	kt_check_all(mm);
}

KTEST(rows_b, b2_lower_half_kept_upper_halves_to_the_head)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct zone *zone;
	struct page *page, *other;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	page = zonal_alloc(mm, __GFP_MOVABLE, 2);
	KT_EQ(zonal_pfn(page), KT_DMA_PFN);
	for (unsigned order = 2; order < 10; order++) {
		KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, order), 1);
		KT_EQ(kt_first(zone, MIGRATE_MOVABLE, order), KT_DMA_PFN + (1u << order));
	}
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 0), 0);
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 1), 0);
	/* Orders 9 and 10 go; the halves of the next split lie before what is there. */
	other = zonal_alloc(mm, __GFP_MOVABLE, 9);
	KT_EQ(zonal_pfn(other), KT_DMA_PFN + 512);
	zonal_free(mm, page, 2);
	zonal_free(mm, other, 9);
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 10), 4);
	kt_check_all(mm);
}

KTEST(rows_b, b4_merges_with_free_buddies_only)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *p[8];
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	for (unsigned i = 0; i < 8; i++)
		p[i] = zonal_alloc(mm, __GFP_MOVABLE, 0);
	for (unsigned i = 0; i < 8; i++)
		KT_EQ(zonal_pfn(p[i]), KT_DMA_PFN + i);
	zonal_free(mm, p[1], 0);
	zonal_free(mm, p[2], 0); /* neighbours, but not buddies */
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 0), 2);
	zonal_free(mm, p[0], 0); /* buddy of 1 */
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 0), 1);
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 1), 1);
	zonal_free(mm, p[3], 0); /* 2, then the pair 0-1 */
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 0), 0);
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 1), 0);
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 2), 1);
	for (unsigned i = 4; i < 8; i++)
		zonal_free(mm, p[i], 0);
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 10), 4);
	kt_check_all(mm);
}

/* Neighbouring nodes and zones: the buddy is free, but it is not ours. */
KTEST(rows_b, b4_no_merge_over_a_node_border)
{
	static const struct kt_spec odd = {
		.ram = { { 0, KT_DMA_PFN, 1000 }, { 1, KT_DMA_PFN + 1000, 1048 } },
	};
	struct zonal *mm = kt_bare_instance(&odd);
	struct page *chain = NULL;

	if (!mm)
		return;
	kt_check_all(mm);
	KT_EQ(kt_take_all(mm, 0, __GFP_THISNODE, 0, &chain), 1000);
	KT_EQ(kt_take_all(mm, 1, __GFP_THISNODE, 0, &chain), 1048);
	kt_check_all(mm);
	kt_give_all(mm, chain, 0);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), 1000);
	KT_EQ(kt_free(kt_zone(mm, 1, ZONE_DMA)), 1048);
	KT_EQ(kt_blocks(kt_zone(mm, 0, ZONE_DMA), MIGRATE_UNMOVABLE, 10) +
		      kt_blocks(kt_zone(mm, 0, ZONE_DMA), MIGRATE_MOVABLE, 10),
	      0);
	kt_check_all(mm);
}

KTEST(rows_b, b5_merge_stops_at_order_10)
{
	struct zonal *mm = kt_bare_instance(&uma);
	static const unsigned full[MAX_ORDER] = { [10] = 4 };
	struct page *chain = NULL;

	if (!mm)
		return;
	KT_EQ(kt_take_all(mm, 0, __GFP_MOVABLE, 0, &chain), 4096);
	kt_give_all(mm, chain, 0);
	kt_vector_is(mm, full);
	chain = NULL;
	KT_EQ(kt_take_all(mm, 0, __GFP_MOVABLE, 10, &chain), 4);
	kt_give_all(mm, chain, 10);
	kt_vector_is(mm, full);
	kt_check_all(mm);
}

KTEST(rows_b, b6_isolated_blocks_do_not_merge)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct zonal_finding finding;
	struct page *low, *high;
	struct zone *zone;
	port_irqflags_t irq;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	irq = port_irq_save();
	lock_take(&zone->lock);
	low = buddy_take(zone, 9, MIGRATE_MOVABLE);
	high = buddy_take(zone, 9, MIGRATE_MOVABLE);
	KT_EQ(high - low, 512);
	block_set_type(high, MIGRATE_ISOLATE);
	zone->isolated_blocks = 1;
	buddy_put(zone, high, 9, BUDDY_AUTO);
	buddy_put(zone, low, 9, BUDDY_AUTO);
	KT_EQ(kt_blocks(zone, MIGRATE_ISOLATE, 9), 1);
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 9), 1);
	/* pages of isolated blocks are not counted as free (B12) */
	KT_EQ(kt_free(zone), 4096 - 512);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	kt_check_all(mm);
	irq = port_irq_save();
	lock_take(&zone->lock);
	KT_TRUE(buddy_take_exact(zone, low));
	buddy_put(zone, low, 0, BUDDY_AUTO);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 9), 1);
	kt_check_all(mm);
	/* and a count that is wrong is told without them */
	st_relaxed(&zone->free, 4096 - 512 + 3);
	KT_TRUE(!zonal_check(mm, &finding));
	KT_OK(strstr(finding.text, "counts 3587 free, 0 CMA; lists hold 3584 and 0") != NULL, "%s",
	      finding.text);
}

/* A block whose pair could soon merge further is kept cool at the tail. */
KTEST(rows_b, b7_head_or_tail)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *p[16], *q[16];
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	for (unsigned i = 0; i < 16; i++)
		p[i] = zonal_alloc(mm, __GFP_MOVABLE, 0);
	for (unsigned i = 0; i < 16; i++)
		q[i] = zonal_alloc(mm, __GFP_MOVABLE, 0);
	/* Order 0 blocks without a free neighbour: each new one at the head. */
	zonal_free(mm, p[0], 0);
	zonal_free(mm, p[4], 0);
	KT_EQ(kt_first(zone, MIGRATE_MOVABLE, 0), zonal_pfn(p[4]));
	/* 10-11 become a free pair; then 8, whose own pair is the buddy of that one. */
	zonal_free(mm, p[10], 0);
	zonal_free(mm, p[11], 0);
	KT_EQ(kt_first(zone, MIGRATE_MOVABLE, 1), zonal_pfn(p[10]));
	zonal_free(mm, p[8], 0);
	KT_EQ(kt_first(zone, MIGRATE_MOVABLE, 0), zonal_pfn(p[4]));
	KT_EQ(zone->list[MIGRATE_MOVABLE][0].last, zonal_pfn(p[8]));
	/* and one without such a neighbour goes before all */
	zonal_free(mm, q[2], 0);
	KT_EQ(kt_first(zone, MIGRATE_MOVABLE, 0), zonal_pfn(q[2]));
	kt_check_all(mm);
}

KTEST(rows_b, b7_tail_on_request)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *a, *b;
	struct zone *zone;
	port_irqflags_t irq;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	irq = port_irq_save();
	lock_take(&zone->lock);
	a = buddy_take(zone, 10, MIGRATE_MOVABLE);
	b = buddy_take(zone, 10, MIGRATE_MOVABLE);
	buddy_put(zone, a, 10, BUDDY_TAIL);
	buddy_put(zone, b, 10, BUDDY_AUTO);
	KT_EQ(kt_first(zone, MIGRATE_MOVABLE, 10), zonal_pfn(b));
	KT_EQ(zone->list[MIGRATE_MOVABLE][10].last, zonal_pfn(a));
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	kt_check_all(mm);
}

KTEST(rows_b, b8_list_is_that_of_the_pageblock)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *page;
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	page = zonal_alloc(mm, __GFP_MOVABLE, 4);
	block_set_type(page, MIGRATE_RECLAIMABLE);
	zonal_free(mm, page, 4);
	/* merged up to order 10, and found where the first page's block says */
	KT_EQ(kt_blocks(zone, MIGRATE_RECLAIMABLE, 10), 1);
	KT_EQ(kt_blocks(zone, MIGRATE_MOVABLE, 10), 3);
	kt_check_all(mm);
}

KTEST(rows_b, b12_free_count_leaves_cpu_lists_out)
{
	static const struct kt_spec big = { .ram = { { 0, KT_DMA_PFN, 16384 } } };
	struct zonal *mm = kt_bare_instance(&big);
	struct zone *zone;
	struct page *page;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	page = zonal_alloc(mm, GFP_KERNEL, 0);
	KT_EQ(kt_free(zone) + kt_pcp_count(zone) + 1, 16384);
	KT_TRUE(kt_pcp_count(zone) > 0);
	zonal_free(mm, page, 0);
	KT_EQ(kt_free(zone) + kt_pcp_count(zone), 16384);
	zonal_drain_all(mm, NULL);
	KT_EQ(kt_free(zone), 16384);
	kt_check_all(mm);
}

/* A block is about to be isolated, its neighbours are still counted: the merge recounts. */
KTEST(rows_b, b12_merge_into_an_isolated_block_recounts)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *page, *far;
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	page = zonal_alloc(mm, __GFP_MOVABLE, 0);
	far = zonal_alloc(mm, __GFP_MOVABLE, 8);
	KT_EQ(far - page, 256);
	block_set_type(page, MIGRATE_ISOLATE);
	zone->isolated_blocks = 1;
	KT_EQ(kt_free(zone), 4096 - 257);
	zonal_free(mm, page, 0);
	/* 255 free pages of the lower half joined it and left the count */
	KT_EQ(kt_free(zone), 4096 - 512);
	KT_EQ(kt_blocks(zone, MIGRATE_ISOLATE, 8), 1);
	zonal_free(mm, far, 8);
	KT_EQ(kt_blocks(zone, MIGRATE_ISOLATE, 9), 1);
	KT_EQ(kt_free(zone), 4096 - 512);
	kt_check_all(mm);
}

/* Trust item 6: after each step of a random walk the lists sum to the counter. */
KTEST(rows_b, b13_b14_sums_and_pairs_hold_after_each_step)
{
	static struct page *held[600];
	static uint8_t order[600];
	struct zonal *mm = kt_bare_instance(&uma);
	uint64_t state = kt_seed() | 1;
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	memset(held, 0, sizeof(held));
	for (unsigned step = 0; step < 1500; step++) {
		unsigned i = (unsigned)(kt_random(&state) % ARRAY_SIZE(held));
		uint64_t sum = 0;

		if (held[i]) {
			zonal_free(mm, held[i], order[i]);
			held[i] = NULL;
		} else {
			order[i] = (uint8_t)(kt_random(&state) % 6);
			held[i] = zonal_alloc(mm, kt_random(&state) & __GFP_MOVABLE, order[i]);
		}
		for (unsigned o = 0; o < MAX_ORDER; o++)
			sum += (uint64_t)kt_blocks_of_order(zone, o) << o;
		if (!KT_EQ(sum, kt_free(zone)) || (step % 8 == 0 && !kt_check_all(mm)))
			break;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(held); i++)
		if (held[i])
			zonal_free(mm, held[i], order[i]);
	KT_EQ(kt_blocks_of_order(zone, 10), 4);
	kt_check_all(mm);
}

KTEST(rows_b, b9_move_puts_blocks_at_the_tail)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *a, *b;
	struct zone *zone;
	port_irqflags_t irq;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	irq = port_irq_save();
	lock_take(&zone->lock);
	a = buddy_first(zone, 10, MIGRATE_MOVABLE);
	buddy_move(zone, a, MIGRATE_UNMOVABLE);
	b = buddy_first(zone, 10, MIGRATE_MOVABLE);
	buddy_move(zone, b, MIGRATE_UNMOVABLE);
	KT_EQ(kt_first(zone, MIGRATE_UNMOVABLE, 10), zonal_pfn(a));
	KT_EQ(zone->list[MIGRATE_UNMOVABLE][10].last, zonal_pfn(b));
	KT_EQ(kt_free(zone), 4096);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
}

KTEST(rows_b, b15_take_one_page_out_of_a_block)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct zone *zone;
	struct page *page;
	port_irqflags_t irq;
	static const unsigned rest[MAX_ORDER] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3 };

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	page = mm_page(mm, KT_DMA_PFN + 777);
	irq = port_irq_save();
	lock_take(&zone->lock);
	KT_TRUE(buddy_take_exact(zone, page));
	KT_TRUE(!buddy_take_exact(zone, page));
	KT_EQ(kt_free(zone), 4095);
	kt_vector_is(mm, rest);
	buddy_put(zone, page, 0, BUDDY_AUTO);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	KT_EQ(kt_blocks_of_order(zone, 10), 4);
	kt_check_all(mm);
}

KTEST(rows_b, b16_every_page_of_a_free_block_is_free)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *page;

	if (!mm)
		return;
	page = zonal_alloc(mm, __GFP_MOVABLE, 4);
	for (pfn_t i = 0; i < 4096; i++)
		if (!KT_EQ(zonal_is_free(mm, KT_DMA_PFN + i), i >= 16))
			break;
	KT_TRUE(!zonal_is_free(mm, KT_DMA_PFN - 1));
	KT_TRUE(!zonal_is_free(mm, KT_DMA_PFN + 4096));
	KT_TRUE(!zonal_is_free(mm, (pfn_t)1 << 40));
	zonal_free(mm, page, 4);
}

/* Trust items 1, 2: a reference taken in passing must not cost the tail pages. */
KTEST(rows_b, b17_extra_reference_keeps_the_head_only)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct zone *zone;
	struct page *page;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	for (unsigned i = 0; i < 100; i++) {
		page = zonal_alloc(mm, GFP_KERNEL, 3);
		zonal_get(page);
		zonal_free(mm, page, 3);
		if (!KT_EQ(kt_free(zone), 4095))
			return;
		kt_check_all(mm);
		zonal_put(mm, page);
		if (!KT_EQ(kt_free(zone), 4096))
			return;
		/* a compound block stays whole until the last reference */
		page = zonal_alloc(mm, GFP_KERNEL | __GFP_COMP, 3);
		zonal_get(page);
		zonal_free(mm, page, 3);
		KT_EQ(kt_free(zone), 4088);
		zonal_put(mm, page);
		if (!KT_EQ(kt_free(zone), 4096))
			return;
	}
	KT_EQ(kt_blocks_of_order(zone, 10), 4);
	KT_EQ(zonal_bad_count(mm), 0);
	kt_check_all(mm);
}

KTEST(rows_b, b18_split_makes_single_pages)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *page;

	if (!mm)
		return;
	page = zonal_alloc(mm, GFP_KERNEL, 4);
	zonal_split(mm, page, 4);
	kt_check_all(mm);
	for (unsigned i = 0; i < 16; i++) {
		KT_EQ(ld_relaxed(&page[i].refs), 1);
		KT_EQ(page_state(page + i), PAGE_USED);
		KT_EQ(page_order(page + i), 0);
	}
	/* any order of freeing */
	for (unsigned i = 0; i < 16; i++)
		zonal_free(mm, page + (i * 7) % 16, 0);
	KT_EQ(zonal_bad_count(mm), 0);
	KT_EQ(kt_blocks_of_order(kt_zone(mm, 0, ZONE_DMA), 10), 4);
	/* a compound block, a wrong order and a free page are refused */
	page = zonal_alloc(mm, GFP_KERNEL | __GFP_COMP, 2);
	zonal_split(mm, page, 2);
	KT_EQ(zonal_bad_count(mm), 1);
	zonal_split(mm, page, 1);
	KT_EQ(zonal_bad_count(mm), 2);
	zonal_free(mm, page, 2);
	zonal_split(mm, page, 0);
	KT_EQ(zonal_bad_count(mm), 3);
	kt_check_all(mm);
}
