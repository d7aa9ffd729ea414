/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deferred initialisation: what is left for later, that nobody reads it, and how it comes.
 *
 * Boards have sections of 128 MiB, each 1 MiB of page map, so these run on the host alone; `make
 * test` boots a board with deferred=on besides. A board that came bit by bit must end up as
 * one that was initialised at once: the same blocks in the lists, the same marks. Structures
 * that are not there are filled with a pattern by kt_meta(), and poisoned where the address
 * sanitizer is: every walk over frames runs over them once.
 */
#include "kt_oom.h"

#include <zonal/contig.h>
#include <zonal/look.h>
#include <zonal/reclaim.h>

#include "mm/compact/compact.h"
#include "mm/deferred.h"
#include "mm/mobility.h"

enum { SECTION = 1 << MM_SECTION_SHIFT, PIECE = 1 << (MAX_ORDER - 1), BOARDS = 6 };

/* Node 0: two sections of DMA, four of NORMAL. Node 1: three and a half of NORMAL. */
#define NODE1 (KT_NORMAL_PFN + 4 * SECTION)
#define HALF (3 * SECTION + SECTION / 2)
static const struct kt_spec pair = {
	.ram = { { 0, KT_DMA_PFN, 2 * SECTION }, { 0, KT_NORMAL_PFN, 4 * SECTION },
		 { 1, NODE1, HALF } },
	.reserved = { { 0, KT_NORMAL_PFN + 2 * SECTION + 77, 5 }, { 0, NODE1 + HALF - 900, 900 } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
	.deferred = true,
};

void __asan_poison_memory_region(void const volatile *start, size_t bytes) __attribute__((weak));
void __asan_unpoison_memory_region(void const volatile *start, size_t bytes) __attribute__((weak));

static void all_turns(struct zonal *mm)
{
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
		while (zonal_deferred_turn(mm, n) == ZONAL_DEFERRED_MORE)
			;
}

static bool ready(const struct zonal *mm, pfn_t pfn) { return mm_page_ready(mm, pfn); }

KTEST_F(deferred, all_but_a_section_of_the_highest_zone_of_each_node_comes_later, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&pair);

	if (!mm)
		return;
	KT_TRUE(ready(mm, KT_DMA_PFN) && ready(mm, KT_DMA_PFN + 2 * SECTION - 1));
	KT_TRUE(ready(mm, KT_NORMAL_PFN + SECTION - 1) && !ready(mm, KT_NORMAL_PFN + SECTION));
	KT_TRUE(!ready(mm, NODE1 - 1) && ready(mm, NODE1 + SECTION - 1));
	KT_TRUE(!ready(mm, NODE1 + SECTION) && !zonal_page(mm, NODE1 + SECTION));
	KT_TRUE(!zonal_is_free(mm, NODE1 + SECTION));
	KT_EQ(zonal_deferred_pages(mm, 0), 3 * SECTION);
	KT_EQ(zonal_deferred_pages(mm, 1), HALF - SECTION);
	KT_EQ(zonal_deferred_pages(mm, 2), 0);
	KT_EQ(ld_relaxed(&kt_zone(mm, 0, ZONE_NORMAL)->deferred), 3 * SECTION - 5);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_NORMAL)), SECTION);
	kt_check_all(mm);
}

KTEST_F(deferred, marks_and_sizes_are_those_of_the_whole_board_from_the_beginning, KT_HOST_ONLY)
{
	struct kt_spec at_once = pair;
	struct zonal *mm = kt_instance(&pair), *whole;
	struct zone *zone;
	unsigned zid;

	at_once.deferred = false;
	whole = kt_instance(&at_once);
	if (!mm || !whole)
		return;
	KT_EQ(mm->min_free_kbytes, whole->min_free_kbytes);
	mm_for_each_zone(mm, zid, zone) {
		const struct zone *other = whole->zone[zid];

		KT_EQ(zone_managed(zone), zone_managed(other));
		KT_EQ(zone->pcp_high, other->pcp_high);
		for (unsigned m = 0; m < WMARKS; m++)
			KT_EQ(ld_relaxed(&zone->mark[m]), ld_relaxed(&other->mark[m]));
		for (unsigned t = 0; t < ZONE_TYPES; t++)
			KT_EQ(ld_relaxed(&zone->lowmem_reserve[t]),
			      ld_relaxed(&other->lowmem_reserve[t]));
	}
}

/* The same structures, so the same blocks in the same lists. Their order may be another one:
 * sections at the end of a node that another node shares are there before those in between. */
static void same_map(struct zonal *mm, struct zonal *whole)
{
	struct zone *zone;
	unsigned zid;

	for (pfn_t s = 0; s < mm->section_count; s++) {
		const struct section_bounds *b = &mm->bounds[s];

		for (pfn_t pfn = b->first; pfn < b->end; pfn++) {
			const struct page *one = mm_page(mm, pfn), *other = mm_page(whole, pfn);

			if (one->word == other->word && one->refs == other->refs &&
			    one->pfn == other->pfn && one->block == other->block)
				continue;
			KT_OK(false, "pfn 0x%llx: word 0x%x, at once 0x%x",
			      (unsigned long long)pfn, page_word(one), page_word(other));
			return;
		}
	}
	mm_for_each_zone(mm, zid, zone) {
		KT_EQ(kt_free(zone), kt_free(whole->zone[zid]));
		KT_EQ(zone_managed(zone), zone_managed(whole->zone[zid]));
		KT_EQ(ld_relaxed(&zone->deferred), 0);
	}
}

/* Ranges that begin and end anywhere, dealt to two nodes; some reserved pages and a CMA area. */
static void make_board(struct kt_spec *spec, uint64_t *seed)
{
	pfn_t at = KT_DMA_PFN;

	*spec = (struct kt_spec){ .deferred = true };
	for (unsigned i = 0; i < 6; i++) {
		uint64_t dice = kt_random(seed);
		struct kt_range *r = &spec->ram[i];

		if (i == 1)
			at = KT_NORMAL_PFN + dice % PIECE;
		*r = (struct kt_range){ i ? (int)((dice >> 8) % 2) : 0, at,
					1 + (dice >> 16) % (2 * SECTION) };
		if (i == 0)
			r->pages = ZN_MIN(r->pages, (uint64_t)KT_NORMAL_PFN - at);
		spec->reserved[i] = (struct kt_range){ 0, at + r->pages / 3, 1 + dice % 9 };
		at += r->pages + ((dice >> 40) % 2 ? (dice >> 44) % SECTION : 0);
	}
	if (kt_random(seed) % 2) {
		pfn_t start = align_up(spec->ram[4].start + spec->ram[4].pages / 3 + 16, PIECE);

		spec->reserved[6] = (struct kt_range){ 0, start, PIECE };
		spec->cma_index = start + PIECE <= spec->ram[4].start + spec->ram[4].pages ? 7 : 0;
		spec->reserved[6].pages = spec->cma_index ? PIECE : 0;
	}
}

KTEST_F(deferred, a_board_that_came_bit_by_bit_is_the_board_that_came_at_once, KT_HOST_ONLY)
{
	uint64_t seed = kt_seed() | 1, later = 0;

	kt_diag("seed 0x%llx", (unsigned long long)seed);
	for (unsigned i = 0; i < BOARDS; i++) {
		static struct kt_spec spec, at_once; /* too large for the stack */
		struct zonal *mm, *whole;

		make_board(&spec, &seed);
		at_once = spec;
		at_once.deferred = false;
		mm = kt_instance(&spec);
		whole = kt_instance(&at_once);
		if (!mm || !whole)
			return;
		later += zonal_deferred_pages(mm, 0) + zonal_deferred_pages(mm, 1);
		kt_check_all(mm);
		all_turns(mm);
		KT_EQ(zonal_deferred_pages(mm, 0) + zonal_deferred_pages(mm, 1), 0);
		same_map(mm, whole);
		kt_check_all(mm);
	}
	KT_OK(later, "no board of %d left anything for later", BOARDS);
}

KTEST_F(deferred, a_zone_that_is_short_grows_by_a_section_before_the_node_is_left, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&pair);
	struct zone *zone = mm ? kt_zone(mm, 1, ZONE_NORMAL) : NULL;
	struct page *chain = NULL;

	if (!zone)
		return;
	while (kt_free(zone) > ld_relaxed(&zone->mark[WMARK_LOW]) + PIECE) {
		struct page *page = zonal_alloc_node(mm, 1, GFP_KERNEL, MAX_ORDER - 1);

		if (!KT_TRUE(page))
			return;
		*(struct page **)zonal_page_owner(page) = chain;
		chain = page;
	}
	KT_EQ(zonal_deferred_pages(mm, 1), HALF - SECTION);
	KT_EQ(kt_served_by(mm, 1, GFP_KERNEL, MAX_ORDER - 1), ZONE_TYPES + ZONE_NORMAL);
	KT_EQ(kt_served_by(mm, 1, GFP_KERNEL, MAX_ORDER - 1), ZONE_TYPES + ZONE_NORMAL);
	KT_EQ(zonal_deferred_pages(mm, 1), HALF - 2 * SECTION);
	KT_EQ(zonal_deferred_pages(mm, 0), 3 * SECTION);
	kt_give_all(mm, chain, MAX_ORDER - 1);
	kt_check_all(mm);
}

KTEST_F(deferred, a_masked_request_grows_its_zone_by_a_block_only, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&pair);
	struct zone *zone = mm ? kt_zone(mm, 1, ZONE_NORMAL) : NULL;
	port_irqflags_t irq;
	uint64_t before;

	if (!zone)
		return;
	while (kt_free(zone) >= PIECE)
		if (!KT_TRUE(zonal_alloc_node(mm, 1, GFP_ATOMIC | __GFP_THISNODE, MAX_ORDER - 1)))
			return;
	before = zonal_deferred_pages(mm, 1);
	irq = port_irq_save();
	KT_TRUE(zonal_alloc_node(mm, 1, GFP_ATOMIC | __GFP_THISNODE, MAX_ORDER - 1));
	port_irq_restore(irq);
	KT_EQ(zonal_deferred_pages(mm, 1), before - PIECE);
}

/* F7: the first block that comes has a reserved page in each half, so the zone passes and has no
 * such block to give. */
KTEST_F(deferred, a_zone_that_passes_and_has_no_block_grows_on, KT_HOST_ONLY)
{
	static const struct kt_spec spotted = {
		.ram = { { 0, KT_NORMAL_PFN, SECTION }, { 1, NODE1, 2 * SECTION } },
		.reserved = { { 0, NODE1 + SECTION + 100, 1 }, { 0, NODE1 + SECTION + 700, 1 } },
		.deferred = true,
	};
	struct zonal *mm = kt_bare_instance(&spotted);
	struct page *page;
	port_irqflags_t irq;

	if (!mm)
		return;
	while (kt_free(kt_zone(mm, 1, ZONE_DMA)) >= PIECE)
		if (!KT_TRUE(zonal_alloc_node(mm, 1, GFP_ATOMIC, MAX_ORDER - 1)))
			return;
	irq = port_irq_save();
	page = zonal_alloc_node(mm, 1, GFP_ATOMIC, MAX_ORDER - 2);
	port_irq_restore(irq);
	KT_EQ(page ? zonal_page_node(page) : ZONAL_MAX_NODES, 1);
	KT_EQ(zonal_deferred_pages(mm, 1), SECTION - 2 * PIECE);
}

KTEST_F(deferred, every_page_can_be_taken_before_a_request_fails, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&pair);
	struct page *chain;
	uint64_t pages = 0;

	if (!mm)
		return;
	for (unsigned order = MAX_ORDER; order-- > 0;)
		pages += kt_take_all(mm, 1, GFP_ATOMIC, order, &chain) << order;
	KT_EQ(pages, 2 * SECTION + 4 * SECTION - 5 + HALF - 900);
	KT_EQ(zonal_deferred_pages(mm, 0), 0);
	/* What is reserved as a whole is nothing that a request would grow its zone for. */
	KT_TRUE(zonal_deferred_pages(mm, 1) <= PIECE);
	all_turns(mm);
	kt_check_all(mm);
}

KTEST_F(deferred, nobody_is_ended_for_memory_that_a_walk_holds_up, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&pair);
	struct kt_oom *oom = mm ? kt_oom(mm) : NULL;
	struct page *chain[MAX_ORDER] = { NULL }, *page;

	if (!oom)
		return;
	(void)kt_oom_task(oom, 10, 0);
	deferred_hold(mm);
	for (unsigned order = MAX_ORDER; order-- > 0;)
		(void)kt_take_all(mm, 0, GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN, order,
				  &chain[order]);
	KT_TRUE(!zonal_alloc_node(mm, 0, GFP_KERNEL | __GFP_NOWARN, 0));
	KT_EQ(oom->kills, 0);
	deferred_go_on(mm);
	page = zonal_alloc_node(mm, 0, GFP_KERNEL | __GFP_NOWARN, 0);
	KT_TRUE(page);
	KT_EQ(oom->kills, 0);
	zonal_free(mm, page, 0);
	kt_oom_end_all(oom);
	for (unsigned order = MAX_ORDER; order-- > 0;)
		kt_give_all(mm, chain[order], order);
	all_turns(mm);
	kt_check_all(mm);
}

/* There has to be something that could come, and somebody who holds it up. */
KTEST_F(deferred, what_is_held_up_is_what_is_left_while_a_walk_goes_on, KT_HOST_ONLY)
{
	static const unsigned last[] = { 0, 1 };

	for (unsigned i = 0; i < ARRAY_SIZE(last); i++) {
		struct zonal *mm = kt_instance(&pair);

		if (!mm)
			return;
		/* One node has all its pages, the other one not. */
		while (zonal_deferred_turn(mm, last[i]) == ZONAL_DEFERRED_MORE)
			;
		KT_TRUE(!deferred_is_held(mm));
		deferred_hold(mm);
		KT_TRUE(deferred_is_held(mm));
		deferred_hold(mm);
		deferred_go_on(mm);
		KT_TRUE(deferred_is_held(mm));
		deferred_go_on(mm);
		KT_TRUE(!deferred_is_held(mm));
		all_turns(mm);
		deferred_hold(mm);
		KT_TRUE(!deferred_is_held(mm));
		deferred_go_on(mm);
	}
}

KTEST_F(deferred, a_call_that_names_a_frame_has_the_map_written_that_far, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&pair);
	pfn_t bad = KT_NORMAL_PFN + SECTION + 3, range = KT_NORMAL_PFN + 2 * SECTION + PIECE;

	if (!mm)
		return;
	KT_EQ(zonal_page_retire(mm, bad, NULL), ZONAL_RETIRED_FREE);
	KT_EQ(zonal_retired_pages(mm, 0), 1);
	KT_TRUE(!ready(mm, KT_NORMAL_PFN + 2 * SECTION));
	KT_EQ(zonal_free_reserved(mm, KT_NORMAL_PFN + 2 * SECTION + 77), 0);
	KT_EQ(zonal_alloc_contig_range(mm, range, PIECE, GFP_KERNEL), 0);
	KT_TRUE(zonal_page(mm, range) && !ready(mm, range + PIECE));
	KT_EQ(zonal_free_contig_range(mm, range, PIECE), 0);
	/* The first frame of the next piece is enough. */
	KT_EQ(zonal_alloc_contig_range(mm, range + PIECE, 1, GFP_KERNEL), 0);
	KT_EQ(zonal_free_contig_range(mm, range + PIECE, 1), 0);
	KT_EQ(zonal_page_retire(mm, NODE1 + HALF + PIECE, NULL), ZONAL_RETIRED_NO_PAGE);
	KT_EQ(zonal_deferred_pages(mm, 1), HALF - SECTION);
	kt_check_all(mm);
}

KTEST_F(deferred, a_large_range_is_found_in_what_is_not_there_yet, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&pair);
	struct page *page;

	if (!mm)
		return;
	page = zonal_alloc_contig_pages(mm, SECTION + PIECE, GFP_KERNEL, 1, NULL);
	if (!KT_TRUE(page))
		return;
	KT_TRUE(zonal_pfn(page) >= NODE1);
	KT_EQ(zonal_free_contig_range(mm, zonal_pfn(page), SECTION + PIECE), 0);
	kt_check_all(mm);
}

/* Poison, or not, every structure that is not there. */
static void forbid(struct zonal *mm, bool forbidden)
{
	for (pfn_t s = 0; s < mm->section_count; s++) {
		pfn_t from = ZN_MAX(mm_section_ready(mm, s), (pfn_t)mm->bounds[s].first);
		size_t bytes = (size_t)(mm->bounds[s].end - from) * sizeof(struct page);

		if (!mm->bounds[s].end || !bytes)
			continue;
		if (forbidden && __asan_poison_memory_region)
			__asan_poison_memory_region(mm_page(mm, from), bytes);
		else if (!forbidden && __asan_unpoison_memory_region)
			__asan_unpoison_memory_region(mm_page(mm, from), bytes);
	}
}

KTEST_F(deferred, no_walk_over_frames_reads_what_is_not_there, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&pair);
	struct zonal_compacted compacted;
	nodemask_t second = node_bit(1);

	if (!mm)
		return;
	forbid(mm, true);
	deferred_hold(mm);
	KT_EQ(zonal_deferred_turn(mm, 0), ZONAL_DEFERRED_HELD);
	kt_check_all(mm);
	zonal_compact(mm, NODE_NONE, &compacted);
	KT_EQ(zonal_alloc_contig_range(mm, NODE1 - PIECE, PIECE, GFP_KERNEL), ZONAL_EINVAL);
	KT_TRUE(!zonal_alloc_contig_pages(mm, 2 * SECTION, GFP_KERNEL, 1, &second));
	KT_EQ(zonal_page_retire(mm, NODE1 - 1, NULL), ZONAL_RETIRED_NO_PAGE);
	KT_EQ(zonal_free_reserved(mm, KT_NORMAL_PFN + 2 * SECTION + 77), ZONAL_EINVAL);
	KT_EQ(highatomic_in_blocks(kt_zone(mm, 1, ZONE_NORMAL)), 0);
	compact_forget_hints(kt_zone(mm, 1, ZONE_NORMAL));
	for (pfn_t pfn = KT_NORMAL_PFN; pfn < NODE1 + HALF; pfn += 511)
		(void)zonal_is_free(mm, pfn);
	deferred_go_on(mm);
	forbid(mm, false);
	all_turns(mm);
	kt_check_all(mm);
}

KTEST_F(deferred, a_section_of_two_nodes_and_one_with_a_cma_area_are_not_left, KT_HOST_ONLY)
{
	static const struct kt_spec mixed = {
		.ram = { { 0, KT_NORMAL_PFN, 2 * SECTION + 5 * PIECE + 3 },
			 { 1, KT_NORMAL_PFN + 2 * SECTION + 5 * PIECE + 3, 4 * SECTION } },
		.reserved = { { 0, KT_NORMAL_PFN + 4 * SECTION, PIECE } },
		.cma_index = 1,
		.deferred = true,
	};
	struct zonal *mm = kt_instance(&mixed);

	if (!mm)
		return;
	KT_TRUE(!ready(mm, KT_NORMAL_PFN + SECTION));
	KT_TRUE(ready(mm, KT_NORMAL_PFN + 2 * SECTION) && ready(mm, KT_NORMAL_PFN + 3 * SECTION));
	KT_TRUE(ready(mm, KT_NORMAL_PFN + 4 * SECTION) && !ready(mm, KT_NORMAL_PFN + 5 * SECTION));
	all_turns(mm);
	kt_check_all(mm);
}

KTEST_F(deferred, options_that_touch_every_page_at_boot_leave_nothing, KT_HOST_ONLY)
{
	struct kt_spec spec = pair;
	struct zonal_options options;
	struct zonal *mm;

	spec.page_owner = true;
	mm = kt_instance(&spec);
	if (mm)
		KT_EQ(zonal_deferred_pages(mm, 0) + zonal_deferred_pages(mm, 1), 0);
	zonal_options_default(&options);
	options.init_on_free = true;
	spec = pair;
	spec.options = &options;
	mm = kt_instance(&spec);
	if (mm)
		KT_EQ(zonal_deferred_pages(mm, 0) + zonal_deferred_pages(mm, 1), 0);
	zonal_options_default(&options);
	options.shuffle_seed = 7;
	mm = kt_instance(&spec);
	if (mm)
		KT_EQ(zonal_deferred_pages(mm, 0) + zonal_deferred_pages(mm, 1), 0);
}

/* What ends where a section begins is none of that section's. */
KTEST_F(deferred, a_section_behind_one_with_a_cma_area_is_left, KT_HOST_ONLY)
{
	static const struct kt_spec behind = {
		.ram = { { 0, KT_NORMAL_PFN, 6 * SECTION } },
		.reserved = { { 0, KT_NORMAL_PFN + 3 * SECTION - PIECE, PIECE } },
		.cma_index = 1,
		.deferred = true,
	};
	struct zonal *mm = kt_instance(&behind);

	if (!mm)
		return;
	KT_TRUE(ready(mm, KT_NORMAL_PFN + 2 * SECTION));
	KT_TRUE(!ready(mm, KT_NORMAL_PFN + 3 * SECTION));
	all_turns(mm);
	kt_check_all(mm);
}

/* What is to come of a node is told beside what is there. */
KTEST_F(deferred, counts_of_a_node_have_what_is_to_come, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&pair);
	struct zonal_counts counts;

	if (!mm)
		return;
	for (unsigned nid = 0; nid < 2; nid++) {
		uint64_t sum = 0;

		for (unsigned type = 0; type < ZONE_TYPES; type++)
			sum += (uint64_t)ld_relaxed(&mm->node[nid]->zone[type].deferred);
		zonal_node_counts(mm, nid, &counts);
		KT_TRUE(sum > 0);
		KT_EQ(counts.later, sum);
	}
	all_turns(mm);
	zonal_node_counts(mm, 1, &counts);
	KT_EQ(counts.later, 0);
}

/* A page short of a section is not a section: the next one is there from the beginning too. */
KTEST_F(deferred, a_whole_section_of_pages_is_there_at_once, KT_HOST_ONLY)
{
	for (unsigned missing = 0; missing < 2; missing++) {
		const struct kt_spec spec = {
			.ram = { { 0, KT_NORMAL_PFN + missing, 4 * SECTION - missing } },
			.empty_nodes = node_bit(1), /* nothing can be left of that one */
			.deferred = true,
		};
		struct zonal *mm = kt_instance(&spec);

		if (!mm)
			return;
		KT_EQ(ready(mm, KT_NORMAL_PFN + SECTION), missing);
		KT_TRUE(!ready(mm, KT_NORMAL_PFN + 2 * SECTION));
		all_turns(mm);
		kt_check_all(mm);
	}
}
