/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking: counts by zone and node, the largest free block, and the walk over free ranges, held
 * against what each single page says.
 *
 * One board has all that ends a range: a border of zones, a hole, reserved pages, a block that
 * begins in the middle. A random run takes and gives on it and compares after each step.
 */
#include "kt_instance.h"

#include <zonal/contig.h>
#include <zonal/look.h>

#include "mm/compact/isolate_block.h"

#define LARGEST ((pfn_t)1 << (MAX_ORDER - 1))
#define THIS_NODE (GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN)

/* Two zones of node 0 side by side, a hole, a node behind it, one that is empty. */
static const struct kt_spec board = {
	.ram = { { 0, KT_NORMAL_PFN - 2 * LARGEST, 4 * LARGEST },
		 { 1, KT_NORMAL_PFN + 3 * LARGEST + 5, LARGEST } },
	.reserved = { { 0, KT_NORMAL_PFN - LARGEST, 16 } },
	.empty_nodes = 1u << 2,
	.cpus = 2,
};

static struct zonal_counts of_zone(struct zonal *mm, unsigned nid, enum zone_type type)
{
	struct zonal_counts counts;

	KT_TRUE(zonal_zone_counts(mm, nid, type, &counts));
	return counts;
}

KTEST(look, counts_of_a_zone_that_nobody_has_touched)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct zonal_counts c;

	if (!mm)
		return;
	c = of_zone(mm, 0, ZONE_DMA);
	KT_EQ(c.present, 2 * LARGEST);
	KT_EQ(c.total, 2 * LARGEST - 16);
	KT_EQ(c.free, 2 * LARGEST - 16);
	KT_EQ(c.free_cma + c.per_cpu + c.apart + c.later, 0);
	KT_EQ(c.largest, LARGEST);
	KT_EQ(c.largest_of[MIGRATE_MOVABLE], LARGEST);
	KT_EQ(c.largest_of[MIGRATE_UNMOVABLE], 0);
	c = of_zone(mm, 1, ZONE_NORMAL);
	KT_EQ(c.total, LARGEST);
	KT_EQ(c.largest, LARGEST / 2);
}

KTEST(look, counts_follow_what_is_taken_and_what_lies_in_per_cpu_lists)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct page *page = mm ? zonal_alloc_node(mm, 1, GFP_KERNEL, 0) : NULL;
	struct zonal_counts c;

	if (!page)
		return;
	c = of_zone(mm, 1, ZONE_NORMAL);
	KT_EQ(c.per_cpu, kt_pcp_count(kt_zone(mm, 1, ZONE_NORMAL)));
	KT_EQ(c.free + c.per_cpu + 1, c.total);
	KT_TRUE(c.per_cpu > 0 || c.free == LARGEST - 1);
	zonal_free(mm, page, 0);
	zonal_drain_all(mm, NULL);
	c = of_zone(mm, 1, ZONE_NORMAL);
	KT_EQ(c.per_cpu, 0);
	KT_EQ(c.free, c.total);
	KT_EQ(c.largest, LARGEST / 2);
}

/* Each order in turn is the largest, as its last block is taken. */
KTEST(look, the_largest_block_is_the_one_that_can_be_taken)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct page *chain[MAX_ORDER] = { NULL };

	if (!mm)
		return;
	for (unsigned order = MAX_ORDER; order-- > 0;) {
		kt_take_all(mm, 1, THIS_NODE, order, &chain[order]);
		zonal_drain_all(mm, NULL);
		KT_TRUE(of_zone(mm, 1, ZONE_NORMAL).largest < 1u << order);
	}
	KT_EQ(of_zone(mm, 1, ZONE_NORMAL).free, 0);
	for (unsigned order = 0; order < MAX_ORDER; order++)
		kt_give_all(mm, chain[order], order);
	kt_check_all(mm);
}

KTEST(look, isolated_blocks_are_apart)
{
	struct zonal *mm = kt_bare_instance(&board);

	if (!mm || !KT_EQ(range_isolate(mm, KT_NORMAL_PFN, KT_NORMAL_PFN + BLOCK_PAGES,
					MIGRATE_MOVABLE), 0))
		return;
	KT_EQ(of_zone(mm, 0, ZONE_NORMAL).apart, BLOCK_PAGES);
	KT_EQ(of_zone(mm, 0, ZONE_NORMAL).free, 2 * LARGEST - BLOCK_PAGES);
	KT_EQ(of_zone(mm, 0, ZONE_NORMAL).largest_of[MIGRATE_ISOLATE], BLOCK_PAGES);
	KT_EQ(of_zone(mm, 0, ZONE_NORMAL).largest, LARGEST);
	range_unisolate(mm, KT_NORMAL_PFN, KT_NORMAL_PFN + BLOCK_PAGES, MIGRATE_MOVABLE);
	KT_EQ(of_zone(mm, 0, ZONE_NORMAL).apart, 0);
}

KTEST(look, guards_are_apart)
{
	struct kt_spec spec = board;
	struct zonal_options options;
	struct zonal *mm;
	struct page *page;

	zonal_options_default(&options);
	options.guard_minorder = 2;
	spec.options = &options;
	mm = kt_bare_instance(&spec);
	page = mm ? zonal_alloc_node(mm, 1, GFP_KERNEL, 0) : NULL;
	if (!page)
		return;
	zonal_drain_all(mm, NULL);
	KT_TRUE(of_zone(mm, 1, ZONE_NORMAL).apart > 0);
	KT_EQ(of_zone(mm, 1, ZONE_NORMAL).apart + of_zone(mm, 1, ZONE_NORMAL).free + 1, LARGEST);
	zonal_free(mm, page, 0);
	zonal_drain_all(mm, NULL);
	KT_EQ(of_zone(mm, 1, ZONE_NORMAL).apart, 0);
}

KTEST(look, areas_of_a_driver_are_counted_as_free_and_by_themselves)
{
	static const struct kt_spec cma = {
		.ram = { { 0, KT_DMA_PFN, 4 * LARGEST } },
		.reserved = { { 0, KT_DMA_PFN + LARGEST, LARGEST } },
		.cma_index = 1,
	};
	struct zonal *mm = ZONAL_CMA ? kt_bare_instance(&cma) : NULL;
	struct zonal_counts c;

	if (!mm)
		return;
	c = of_zone(mm, 0, ZONE_DMA);
	KT_EQ(c.free, 4 * LARGEST);
	KT_EQ(c.free_cma, LARGEST);
	KT_EQ(c.largest_of[MIGRATE_CMA], LARGEST);
}

KTEST(look, a_node_is_the_sum_of_its_zones)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct zonal_counts c;

	if (!mm)
		return;
	KT_TRUE(zonal_node_counts(mm, 0, &c));
	KT_EQ(c.present, 4 * LARGEST);
	KT_EQ(c.total, 4 * LARGEST - 16);
	KT_EQ(c.free, c.total);
	KT_EQ(c.largest, LARGEST);
	KT_TRUE(zonal_node_counts(mm, 2, &c));
	KT_EQ(c.total + c.present + c.largest, 0);
}

/* With pages in lists of CPUs and an area of a driver in both. */
KTEST(look, a_node_is_the_sum_of_its_zones_in_every_count)
{
	static const struct kt_spec cma = {
		.ram = { { 0, KT_NORMAL_PFN - 8 * LARGEST, 24 * LARGEST } },
		.reserved = { { 0, KT_NORMAL_PFN - 2 * LARGEST, LARGEST },
			      { 0, KT_NORMAL_PFN + LARGEST, LARGEST } },
		.cma_index = 1,
		.cma_more = 1,
	};
	static const enum zone_type types[] = { ZONE_DMA, ZONE_NORMAL };
	struct zonal *mm = ZONAL_CMA ? kt_bare_instance(&cma) : NULL;
	struct zonal_counts node, sum = { .total = 0 };

	if (!mm)
		return;
	for (pfn_t pfn = KT_NORMAL_PFN - LARGEST; pfn <= KT_NORMAL_PFN; pfn += LARGEST)
		KT_EQ(range_isolate(mm, pfn, pfn + BLOCK_PAGES, MIGRATE_MOVABLE), 0);
	zonal_free(mm, zonal_alloc(mm, GFP_KERNEL | GFP_DMA, 0), 0);
	zonal_free(mm, zonal_alloc(mm, GFP_KERNEL, 0), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct zonal_counts c = of_zone(mm, 0, types[i]);

		KT_TRUE(c.free_cma == LARGEST && c.per_cpu > 0 && c.apart == BLOCK_PAGES);
		sum.apart += c.apart;
		sum.present += c.present;
		sum.total += c.total;
		sum.free += c.free;
		sum.free_cma += c.free_cma;
		sum.per_cpu += c.per_cpu;
	}
	KT_TRUE(zonal_node_counts(mm, 0, &node));
	KT_EQ(node.present, sum.present);
	KT_EQ(node.total, sum.total);
	KT_EQ(node.free, sum.free);
	KT_EQ(node.free_cma, sum.free_cma);
	KT_EQ(node.per_cpu, sum.per_cpu);
	KT_EQ(node.apart, sum.apart);
	KT_EQ(node.largest_of[MIGRATE_CMA], LARGEST);
	for (pfn_t pfn = KT_NORMAL_PFN - LARGEST; pfn <= KT_NORMAL_PFN; pfn += LARGEST)
		range_unisolate(mm, pfn, pfn + BLOCK_PAGES, MIGRATE_MOVABLE);
	kt_check_all(mm);
}

KTEST(look, what_is_not_there_is_said_so)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct zonal_counts c = { .free = 7 };

	if (!mm)
		return;
	KT_TRUE(!zonal_node_counts(mm, 3, &c) && !c.free);
	KT_TRUE(!zonal_node_counts(mm, ZONAL_MAX_NODES, &c));
	KT_TRUE(!zonal_node_counts(mm, ~0u, &c));
	c.free = 7;
	KT_TRUE(!zonal_zone_counts(mm, 1, ZONE_DMA, &c) && !c.free);
	KT_TRUE(!zonal_zone_counts(mm, 2, ZONE_NORMAL, &c));
	KT_TRUE(!zonal_zone_counts(mm, 0, ZONE_TYPES, &c));
	KT_TRUE(!zonal_zone_counts(mm, ~0u, ZONE_DMA, &c));
}

/* ---- the walk ---- */

static bool next_is(struct zonal *mm, pfn_t *next, pfn_t start, uint64_t pages)
{
	struct zonal_free_range r;

	if (!KT_TRUE(zonal_free_next(mm, next, &r)))
		return false;
	return KT_EQ(r.start, start) && KT_EQ(r.pages, pages) && KT_EQ(*next, start + pages);
}

KTEST(look, ranges_end_at_zones_holes_and_reserved_pages)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct zonal_free_range r;
	pfn_t next = 0, end;

	if (!mm)
		return;
	next_is(mm, &next, KT_NORMAL_PFN - 2 * LARGEST, LARGEST);
	next_is(mm, &next, KT_NORMAL_PFN - LARGEST + 16, LARGEST - 16);
	KT_TRUE(zonal_free_next(mm, &next, &r));
	KT_TRUE(r.start == KT_NORMAL_PFN && r.pages == 2 * LARGEST && !r.node &&
		r.zone == ZONE_NORMAL);
	KT_TRUE(zonal_free_next(mm, &next, &r));
	KT_TRUE(r.start == KT_NORMAL_PFN + 3 * LARGEST + 5 && r.pages == LARGEST && r.node == 1);
	KT_TRUE(!zonal_free_next(mm, &next, &r) && !r.pages);
	end = next;
	KT_TRUE(!zonal_free_next(mm, &next, &r) && next == end);
	next = ~(pfn_t)0;
	KT_TRUE(!zonal_free_next(mm, &next, &r) && next == ~(pfn_t)0);
}

KTEST(look, a_walk_may_begin_in_the_middle_of_a_block)
{
	struct zonal *mm = kt_bare_instance(&board);
	pfn_t next = KT_NORMAL_PFN + 77;

	if (mm)
		next_is(mm, &next, KT_NORMAL_PFN + 77, 2 * LARGEST - 77);
}

/* A lock that is wanted all the time must be let go again and again: a ticket for each slice. */
KTEST(look, the_lock_is_let_go_after_64_blocks)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct zone *zone = mm ? kt_zone(mm, 1, ZONE_NORMAL) : NULL;
	struct page *chain = NULL;
	struct zonal_free_range r;
	pfn_t next = KT_NORMAL_PFN + 3 * LARGEST + 5;
	uint16_t ticket;

	if (!zone)
		return;
	kt_take_all(mm, 1, THIS_NODE, 0, &chain);
	ticket = ld_relaxed(&zone->lock.owner);
	KT_TRUE(!zonal_free_next(mm, &next, &r));
	KT_EQ((uint16_t)(ld_relaxed(&zone->lock.owner) - ticket), LARGEST / 64);
	kt_give_all(mm, chain, 0);
}

/* Also where the lock is let go just at the end of a zone. */
KTEST_F(look, a_range_of_64_blocks_ends_with_its_zone, KT_HOST_ONLY)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 64 * LARGEST },
			 { 1, KT_DMA_PFN + 64 * LARGEST, LARGEST } },
	};
	struct zonal *mm = kt_bare_instance(&spec);
	struct zonal_free_range r;
	pfn_t next = 0;

	if (!mm)
		return;
	KT_TRUE(zonal_free_next(mm, &next, &r));
	KT_TRUE(r.start == KT_DMA_PFN && r.pages == 64 * LARGEST && r.node == 0);
	KT_TRUE(zonal_free_next(mm, &next, &r));
	KT_TRUE(r.start == KT_DMA_PFN + 64 * LARGEST && r.pages == LARGEST && r.node == 1);
	KT_TRUE(!zonal_free_next(mm, &next, &r));
}

/* What the walk says of each page is what zonal_is_free() says, and the sums are the lists'. */
static bool walk_is_exact(struct zonal *mm, uint64_t step)
{
	pfn_t next = 0, at = 0;
	struct zonal_free_range r;
	struct zonal_counts c[2];
	uint64_t sum = 0;

	while (zonal_free_next(mm, &next, &r)) {
		for (; at < r.start; at = at ? at + 1 : board.ram[0].start)
			if (zonal_is_free(mm, at) && !KT_OK(0, "step %llu: pfn 0x%llx not told",
							    (unsigned long long)step,
							    (unsigned long long)at))
				return false;
		for (; at < r.start + r.pages; at++)
			if (!zonal_is_free(mm, at) && !KT_OK(0, "step %llu: pfn 0x%llx told",
							     (unsigned long long)step,
							     (unsigned long long)at))
				return false;
		sum += r.pages;
	}
	for (unsigned n = 0; n < 2; n++)
		zonal_node_counts(mm, n, &c[n]);
	return KT_EQ(sum, c[0].free + c[1].free);
}

enum { HELD = 64, STEPS = 400 };

KTEST(look, the_walk_is_exact_after_every_step_of_a_random_run)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct page *page[HELD] = { NULL };
	uint8_t order[HELD];
	uint64_t state = kt_seed() | 1;

	for (unsigned step = 0; mm && step < STEPS; step++) {
		unsigned i = kt_random(&state) % HELD;

		if (page[i]) {
			zonal_free(mm, page[i], order[i]);
			page[i] = NULL;
		} else {
			order[i] = (uint8_t)(kt_random(&state) % MAX_ORDER);
			page[i] = zonal_alloc_node(mm, (int)(kt_random(&state) % 2),
						   GFP_KERNEL | __GFP_NOWARN, order[i]);
		}
		if (!walk_is_exact(mm, step) || !kt_check_all(mm))
			break;
	}
	for (unsigned i = 0; mm && i < HELD; i++)
		zonal_free(mm, page[i], order[i]);
}

KTEST_F(look, what_is_left_for_later_is_counted_and_not_walked, KT_HOST_ONLY)
{
	const uint64_t section = (uint64_t)1 << MM_SECTION_SHIFT;
	static const struct kt_spec spec = {
		.ram = { { 0, KT_NORMAL_PFN - LARGEST, LARGEST + (3 << MM_SECTION_SHIFT) } },
		.deferred = true,
	};
	struct zonal *mm = kt_instance(&spec);
	struct zonal_free_range r;
	pfn_t next = KT_NORMAL_PFN;

	if (!mm)
		return;
	KT_EQ(of_zone(mm, 0, ZONE_NORMAL).later, 2 * section);
	KT_EQ(of_zone(mm, 0, ZONE_NORMAL).total, 3 * section);
	next_is(mm, &next, KT_NORMAL_PFN, section);
	KT_TRUE(!zonal_free_next(mm, &next, &r));
}
