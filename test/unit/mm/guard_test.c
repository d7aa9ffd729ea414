/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guard pages (B3): what a split leaves below the guard order is in nobody's list and not counted
 * as free, is given to nobody, and comes back when its other half is freed.
 *
 * `check` walks the lists of guards as all others; each case ends with all of its memory back.
 */
#include "kt_instance.h"

#include <string.h>
#include <zonal/contig.h>

#include "mm/buddy.h"

enum { PAGES = 4096 };

static struct zonal_options options;
static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, PAGES } }, .options = &options };

static struct zonal *board(unsigned order)
{
	zonal_options_default(&options);
	options.guard_minorder = order;
	return kt_bare_instance(&uma);
}

/* Pages in the lists of guards. */
static uint64_t guarded(struct zonal *mm)
{
	uint64_t pages = 0;

	for (unsigned order = 0; order < MAX_ORDER; order++)
		pages += (uint64_t)kt_zone(mm, 0, ZONE_DMA)->list[LIST_GUARD][order].count << order;
	return pages;
}

KTEST(rows_b, b3_halves_below_the_guard_order_are_guards)
{
	for (unsigned guard = 0; guard <= MAX_ORDER / 2; guard++)
		for (unsigned order = 0; order < MAX_ORDER; order++) {
			struct zonal *mm = board(guard);
			struct page *page = mm ? zonal_alloc(mm, GFP_ATOMIC, order) : NULL;
			unsigned guards = order < guard ? (1u << guard) - (1u << order) : 0;
			unsigned taken = 1u << order;

			if (!KT_OK(page, "no block of order %u", order))
				return;
			/* A refill takes singles one by one, each with its guards. */
			if (order == 0)
				taken += kt_pcp_count(kt_zone(mm, 0, ZONE_DMA));
			if (order == 0)
				guards *= taken;
			KT_EQ(guarded(mm), guards);
			KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), PAGES - taken - guards);
			for (unsigned o = order; o < guard; o++) {
				struct page *half = page_buddy(page, o);

				KT_EQ(half->list_type, LIST_GUARD);
				KT_TRUE(!zonal_is_free(mm, half->pfn));
			}
			kt_check_all(mm);
			zonal_free(mm, page, order);
			zonal_drain_all(mm, NULL);
			KT_EQ(guarded(mm), 0);
			KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), PAGES);
			KT_EQ(kt_blocks(kt_zone(mm, 0, ZONE_DMA), MIGRATE_MOVABLE, MAX_ORDER - 1) +
				      kt_blocks(kt_zone(mm, 0, ZONE_DMA), MIGRATE_UNMOVABLE,
						MAX_ORDER - 1),
			      PAGES >> (MAX_ORDER - 1));
			kt_check_all(mm);
		}
}

KTEST(rows_b, b3_guards_are_given_to_nobody)
{
	struct zonal *mm = board(2);
	struct page *chain = NULL;
	uint64_t count;

	if (!mm)
		return;
	count = kt_take_all(mm, 0, GFP_ATOMIC | __GFP_NOWARN, 0, &chain);
	KT_EQ(count, PAGES / 4);
	KT_EQ(guarded(mm), PAGES / 4 * 3);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), 0);
	for (struct page *page = chain; page; page = *(struct page **)zonal_page_owner(page))
		if (!KT_OK(page->pfn % 4 == 0, "pfn 0x%x", page->pfn))
			break;
	kt_check_all(mm);
	kt_give_all(mm, chain, 0);
	zonal_drain_all(mm, NULL);
	KT_EQ(guarded(mm), 0);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), PAGES);
	kt_check_all(mm);
}

/* A theft moves what is free of a pageblock; guards stay guards, and come back to what it is. */
KTEST(rows_b, b3_guards_stay_when_their_pageblock_changes_type)
{
	struct zonal *mm = board(3);
	struct page *user, *kernel;

	if (!mm)
		return;
	user = zonal_alloc(mm, GFP_HIGHUSER_MOVABLE, 1);
	kernel = zonal_alloc(mm, GFP_KERNEL, 1);
	if (!KT_OK(user && kernel, "no blocks"))
		return;
	KT_EQ(guarded(mm), 2 * 6);
	kt_check_all(mm);
	zonal_free(mm, user, 1);
	zonal_free(mm, kernel, 1);
	KT_EQ(guarded(mm), 0);
	kt_check_all(mm);
}

/* A block of order 1, and guards from there up to below order `above`. */
static void move_past_guards(unsigned above)
{
	struct zonal *mm = board(above);
	struct page *page = mm ? zonal_alloc(mm, GFP_HIGHUSER_MOVABLE, 1) : NULL, *block;
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
	port_irqflags_t irq;

	if (!KT_OK(page, "no block"))
		return;
	block = mm_page(mm, page->pfn & ~(pfn_t)((1u << PAGEBLOCK_ORDER) - 1));
	irq = port_irq_save();
	lock_take(&zone->lock);
	buddy_move_all(zone, block, MIGRATE_UNMOVABLE);
	block_set_type(block, MIGRATE_UNMOVABLE);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	KT_EQ(guarded(mm), (1u << above) - 2);
	for (unsigned order = above; order < PAGEBLOCK_ORDER; order++)
		KT_EQ(kt_blocks(zone, MIGRATE_UNMOVABLE, order), 1);
	kt_check_all(mm);
	zonal_free(mm, page, 1);
	KT_EQ(guarded(mm), 0);
	kt_check_all(mm);
}

/* The same of a pageblock that has guards in it. */
KTEST(rows_b, b3_guards_are_passed_over_when_the_rest_of_their_pageblock_moves)
{
	for (unsigned above = 2; above < 5; above++)
		move_past_guards(above);
}

#if ZONAL_RECLAIM
KTEST(rows_b, b3_a_range_with_guards_is_busy_and_unharmed)
{
	struct zonal *mm = board(4);
	struct page *page = mm ? zonal_alloc(mm, GFP_HIGHUSER_MOVABLE, 1) : NULL;
	pfn_t block;

	if (!KT_OK(page, "no block"))
		return;
	block = page->pfn & ~(pfn_t)((1u << PAGEBLOCK_ORDER) - 1);
	KT_TRUE(zonal_alloc_contig_range(mm, block, 1u << PAGEBLOCK_ORDER, GFP_KERNEL) != 0);
	KT_EQ(guarded(mm), 14);
	kt_check_all(mm);
	zonal_free(mm, page, 1);
	KT_EQ(guarded(mm), 0);
	KT_EQ(zonal_alloc_contig_range(mm, block, 1u << PAGEBLOCK_ORDER, GFP_KERNEL), 0);
	zonal_free_contig_range(mm, block, 1u << PAGEBLOCK_ORDER);
	kt_check_all(mm);
}
#endif

KTEST(rows_b, b3_any_mix_of_orders_comes_back_as_it_was)
{
	static struct page *held[256];
	static uint8_t orders[256];
	struct zonal *mm = board(5);
	uint64_t state = kt_seed() | 1;

	for (unsigned i = 0; mm && i < 6000; i++) {
		unsigned slot = (unsigned)(kt_random(&state) % 256);
		unsigned order = (unsigned)(kt_random(&state) % 6);

		if (held[slot]) {
			zonal_free(mm, held[slot], orders[slot]);
			held[slot] = NULL;
			continue;
		}
		held[slot] = zonal_alloc(mm, (i & 1 ? GFP_ATOMIC : GFP_NOWAIT | __GFP_MOVABLE) |
						     __GFP_NOWARN, order);
		orders[slot] = (uint8_t)order;
		if (i % 500 == 0 && !kt_check_all(mm))
			break;
	}
	for (unsigned slot = 0; mm && slot < 256; slot++) {
		if (held[slot])
			zonal_free(mm, held[slot], orders[slot]);
		held[slot] = NULL;
	}
	if (!mm)
		return;
	zonal_drain_all(mm, NULL);
	KT_EQ(guarded(mm), 0);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), PAGES);
	KT_EQ(zonal_bad_count(mm), 0);
	kt_check_all(mm);
}

KTEST(rows_b, b3_check_finds_a_guard_that_is_too_large)
{
	struct zonal *mm = board(4);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
	struct page *page = mm ? zonal_alloc(mm, GFP_ATOMIC, 2) : NULL;
	struct zonal_finding finding;

	if (!page)
		return;
	KT_EQ(guarded(mm), 4 + 8);
	kt_check_all(mm);
	zone->guard_order = 3;
	KT_TRUE(!zonal_check(mm, &finding));
	KT_OK(strstr(finding.text, "is a guard of order 3, not below 3"), "%s", finding.text);
	zone->guard_order = 4;
	zonal_free(mm, page, 2);
	kt_check_all(mm);
}

KTEST(rows_b, b3_guard_order_beyond_half_of_the_largest_is_refused)
{
	zonal_options_default(&options);
	options.guard_minorder = MAX_ORDER / 2 + 1;
	KT_EQ(kt_instance_error(&uma), ZONAL_EINVAL);
}
