/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_owner: what is recorded of each page (row D17) through take, split, share and
 * free, and what it costs when it is off: nothing that a hot path could notice. The
 * stacks are in mm_owner_stack_test.c, the text of row D18 in monitor_owner_test.c.
 *
 * A board of 16 MiB is recorded from its first page on. Each case gives everything back and
 * lets zonal_check() walk the map, since the mark of a recorded page must not stay
 * on a free one.
 */
#include "kt_owner.h"

static const struct kt_spec two_nodes = {
	.ram = { { 0, KT_DMA_PFN, 4096 }, { 1, KT_DMA_PFN + 0x10000, 4096 } },
	.page_owner = true,
};
static const struct kt_spec in_boot = {
	.ram = { { 0, KT_DMA_PFN, 4096 } }, .page_owner = true, .in_boot = true,
};

KTEST(page_owner, d17_off_costs_nothing)
{
	static const struct kt_spec plain = { .ram = { { 0, KT_DMA_PFN, 4096 } } };
	struct zonal *mm = kt_instance(&plain);
	uint64_t without = mm ? mm->meta_bytes : 0;
	struct owner_record record;
	struct page *page;

	if (!mm)
		return;
	KT_TRUE(!mm->owner);
	KT_EQ(ld_relaxed(&mm->gates), 0); /* the lanes are open */
	page = take_here(mm, GFP_KERNEL, 0);
	KT_EQ(ld_relaxed(&page->mapped), 0); /* the plain free is open */
	KT_TRUE(!page_owner_read(mm, zonal_pfn(page), &record));
	zonal_free(mm, page, 0);
	kt_check_all(mm);
	mm = kt_instance(&owner_traced);
	if (mm) {
		KT_TRUE(mm->meta_bytes >= without + 4096 * sizeof(record));
		KT_EQ(ld_relaxed(&mm->gates), GATE_PAGE_OWNER);
	}
}

KTEST(page_owner, d17_order_gfp_and_type)
{
	static const struct {
		gfp_t gfp;
		unsigned type;
	} wish[] = { { GFP_KERNEL, MIGRATE_UNMOVABLE },
		     { GFP_HIGHUSER_MOVABLE, MIGRATE_MOVABLE },
		     { GFP_KERNEL | __GFP_RECLAIMABLE, MIGRATE_RECLAIMABLE },
		     { GFP_ATOMIC | __GFP_COMP, MIGRATE_UNMOVABLE } };
	struct zonal *mm = owner_board(&owner_traced);

	if (!mm)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(wish); i++) {
		for (unsigned order = 0; order < 6; order++) {
			struct page *page = take_here(mm, wish[i].gfp, order);

			for (unsigned k = 0; page && k < 1u << order; k++) {
				struct owner_record r = record_of(mm, page + k);

				KT_EQ(r.order, order);
				KT_EQ(r.gfp, wish[i].gfp);
				KT_EQ(r.type, wish[i].type);
				KT_EQ(r.flags, OWNER_KNOWN | OWNER_ALLOCATED);
			}
			zonal_free(mm, page, order);
		}
	}
	KT_EQ(zonal_bad_count(mm), 0);
	kt_check_all(mm);
}

/* The second node's section has records of its own. */
KTEST(page_owner, d17_each_section_has_records)
{
	struct zonal *mm = owner_board(&two_nodes);
	struct page *page;

	if (!mm)
		return;
	for (int nid = 0; nid < 2; nid++) {
		page = zonal_alloc_node(mm, nid, GFP_KERNEL | __GFP_THISNODE, 3);
		if (!KT_TRUE(page))
			return;
		KT_EQ(zonal_page_node(page), nid);
		KT_EQ(record_of(mm, page).order, 3);
		KT_EQ(record_of(mm, page).gfp, GFP_KERNEL | __GFP_THISNODE);
		zonal_free(mm, page, 3);
	}
	kt_check_all(mm);
}

KTEST(page_owner, d17_no_migrate_reason)
{
	struct zonal *mm = owner_board(&owner_traced);
	struct page *page;

	if (!mm)
		return;
	page = take_here(mm, GFP_HIGHUSER_MOVABLE, 0);
	KT_EQ(record_of(mm, page).migrate_reason, -1);
	zonal_free(mm, page, 0);
	kt_check_all(mm);
}

KTEST(page_owner, d17_time_grows)
{
	struct zonal *mm = owner_board(&owner_traced);
	uint64_t before = port_time_ns();

	if (!mm)
		return;
	for (unsigned i = 0; i < 20; i++) {
		struct page *page = take_here(mm, GFP_KERNEL, i % 3);
		uint64_t at = record_of(mm, page).time_ns;

		KT_OK(at >= before && at <= port_time_ns(), "time %llu after %llu",
		      (unsigned long long)at, (unsigned long long)before);
		before = at;
		zonal_free(mm, page, i % 3);
	}
}

KTEST(page_owner, d17_task_that_took_it)
{
	struct zonal *mm = owner_board(&owner_traced);
	struct page *page;

	if (!mm)
		return;
	page = take_here(mm, GFP_KERNEL, 0);
	if (!port_task_id) {
		KT_EQ(record_of(mm, page).task, 0);
		zonal_free(mm, page, 0);
		return;
	}
	KT_EQ(record_of(mm, page).task, port_task_id());
	/* In the image a task runs this; on the host nothing is scheduled. */
	KT_EQ(port_task_id() != 0, kt_port_is_target());
	zonal_free(mm, page, 0);
}

/* zonal_put() is a free as well; a reference that is not the last is none. */
KTEST(page_owner, d17_only_the_last_reference_frees)
{
	struct zonal *mm = owner_board(&owner_traced);
	struct page *page;

	if (!mm)
		return;
	page = take_here(mm, GFP_KERNEL, 0);
	zonal_get(page);
	zonal_free(mm, page, 0);
	KT_TRUE(record_of(mm, page).flags & OWNER_ALLOCATED);
	KT_EQ(record_of(mm, page).free_stack, STACK_NONE);
	zonal_put(mm, page);
	KT_TRUE(!(record_of(mm, page).flags & OWNER_ALLOCATED));
	KT_TRUE(record_of(mm, page).free_stack >= STACK_FIRST);
	KT_EQ(zonal_bad_count(mm), 0);
	kt_check_all(mm);
}

/* B17: the rest of a shared block is freed, its head is in use as a single page. */
KTEST(page_owner, d17_b17_shared_block_freed_in_parts)
{
	struct zonal *mm = owner_board(&owner_traced);
	struct page *page;

	if (!mm)
		return;
	page = take_here(mm, GFP_KERNEL, 3);
	zonal_get(page);
	zonal_free(mm, page, 3);
	KT_EQ(record_of(mm, page).order, 0);
	KT_TRUE(record_of(mm, page).flags & OWNER_ALLOCATED);
	for (unsigned i = 1; i < 8; i++) {
		KT_TRUE(!(record_of(mm, page + i).flags & OWNER_ALLOCATED));
		KT_TRUE(record_of(mm, page + i).free_stack >= STACK_FIRST);
	}
	zonal_put(mm, page);
	KT_TRUE(!(record_of(mm, page).flags & OWNER_ALLOCATED));
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), 4096);
	KT_EQ(zonal_bad_count(mm), 0);
	kt_check_all(mm);
}

KTEST(page_owner, d17_split_sets_order_0)
{
	struct zonal *mm = owner_board(&owner_traced);
	struct owner_record r;
	struct page *page;
	uint32_t stack;

	if (!mm)
		return;
	page = take_here(mm, GFP_KERNEL, 4);
	stack = record_of(mm, page).alloc_stack;
	zonal_split(mm, page, 4);
	for (unsigned i = 0; i < 16; i++) {
		r = record_of(mm, page + i);
		KT_EQ(r.order, 0);
		KT_EQ(r.alloc_stack, stack);
		KT_EQ(r.gfp, GFP_KERNEL);
	}
	/* each is freed by itself */
	for (unsigned i = 0; i < 16; i += 2)
		zonal_free(mm, page + i, 0);
	for (unsigned i = 0; i < 16; i++)
		KT_EQ(!(record_of(mm, page + i).flags & OWNER_ALLOCATED), i % 2 == 0);
	for (unsigned i = 1; i < 16; i += 2)
		zonal_free(mm, page + i, 0);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), 4096);
	KT_EQ(zonal_bad_count(mm), 0);
	kt_check_all(mm);
}

KTEST(page_owner, d17_taken_before_recording_is_early)
{
	struct zonal *mm = kt_instance(&in_boot);
	struct owner_record r;
	struct page *early, *late;

	if (!mm)
		return;
	early = take_here(mm, GFP_KERNEL, 3);
	KT_TRUE(!page_owner_read(mm, zonal_pfn(early), &r));
	zonal_boot_done(mm);
	late = take_here(mm, GFP_KERNEL, 0);
	KT_TRUE(record_of(mm, late).alloc_stack >= STACK_FIRST);
	for (unsigned i = 0; i < 8; i++) {
		r = record_of(mm, early + i);
		KT_EQ(r.alloc_stack, STACK_EARLY);
		KT_EQ(r.migrate_reason, -1);
		KT_EQ(r.order, 3);
		KT_EQ(r.flags, OWNER_KNOWN | OWNER_ALLOCATED);
	}
	KT_EQ(page_owner_tally(mm), 9);
	KT_EQ(stack_of(mm, STACK_EARLY)->held, 8);
	give_here(mm, early, 3);
	KT_TRUE(record_of(mm, early).free_stack >= STACK_FIRST);
	give_here(mm, late, 0);
	KT_EQ(page_owner_tally(mm), 0);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), 4096);
	kt_check_all(mm);
}

/* What each stack holds is counted anew, under the handles that stand for no stack as well. */
KTEST(page_owner, d17_a_tally_begins_at_nothing)
{
	struct zonal *mm = owner_board(&owner_traced);
	struct page *page;
	uint32_t own;

	if (!mm)
		return;
	page = take_here(mm, GFP_KERNEL, 2);
	own = record_of(mm, page).alloc_stack;
	for (uint32_t h = STACK_NONE; h <= own; h++)
		stack_depot_get(&mm->owner->depot, h)->held = 7;
	KT_EQ(page_owner_tally(mm), 4);
	for (uint32_t h = STACK_NONE; h <= own; h++)
		KT_EQ(stack_of(mm, h)->held, h == own ? 4 : 0);
	give_here(mm, page, 2);
	kt_check_all(mm);
}

/* Frames from 4 MiB on: the section that they are in is the first. */
KTEST(page_owner, d17_board_in_the_first_section)
{
	static const struct kt_spec low = { .ram = { { 0, 1024, 2048 } },
					    .page_owner = true, .in_boot = true };
	struct zonal *mm = kt_instance(&low);
	struct page *early, *late;

	if (!mm)
		return;
	early = take_here(mm, GFP_KERNEL, 0);
	zonal_boot_done(mm);
	late = take_here(mm, GFP_KERNEL, 1);
	KT_EQ(record_of(mm, early).alloc_stack, STACK_EARLY);
	KT_EQ(page_owner_tally(mm), 3);
	KT_EQ(stack_of(mm, STACK_EARLY)->held, 1);
	give_here(mm, early, 0);
	give_here(mm, late, 1);
	kt_check_all(mm);
}

/* A mapping left behind is still seen beside the mark (D1), and the record tells whose. */
KTEST(page_owner, d17_d1_mark_is_no_mapping)
{
	struct zonal *mm = owner_board(&owner_traced);
	struct page *page;

	if (!mm)
		return;
	for (unsigned order = 0; order < 2; order++) {
		page = take_here(mm, GFP_KERNEL, order);
		fetch_add_relaxed(&page->mapped, 1);
		zonal_free(mm, page, order);
		KT_EQ(page_state(page), PAGE_BAD);
		KT_EQ(ld_relaxed(&page->mapped), 0);
		KT_EQ(zonal_bad_count(mm), order + 1);
		KT_TRUE(record_of(mm, page).flags & OWNER_ALLOCATED);
	}
	/* D5: a poisoned page is lost, but nobody owns it any more */
	page = take_here(mm, GFP_KERNEL, 0);
	page_set_word(page, page_word(page) | PG_HWPOISON);
	zonal_free(mm, page, 0);
	KT_TRUE(!(record_of(mm, page).flags & OWNER_ALLOCATED));
	KT_EQ(zonal_bad_count(mm), 2);
	kt_check_all(mm);
}

/* A wrong call changes no record. */
KTEST(page_owner, d17_misuse_changes_nothing)
{
	struct zonal *mm = owner_board(&owner_traced);
	struct page *page;

	if (!mm)
		return;
	page = take_here(mm, GFP_KERNEL, 1);
	zonal_free(mm, page, 0);
	zonal_free(mm, page, 2);
	zonal_free(mm, page + 1, 0);
	KT_EQ(zonal_bad_count(mm), 3);
	KT_EQ(record_of(mm, page).free_stack, STACK_NONE);
	KT_EQ(record_of(mm, page + 1).flags, OWNER_KNOWN | OWNER_ALLOCATED);
	zonal_free(mm, page, 1);
	KT_TRUE(record_of(mm, page).free_stack >= STACK_FIRST);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), 4096);
	kt_check_all(mm);
}

/* Random work of all kinds: records and states agree, and nothing is lost. */
KTEST(page_owner, d17_records_agree_with_the_map)
{
	enum { HELD = 64, STEPS = 3000 };
	struct zonal *mm = owner_board(&owner_traced);
	struct page *held[HELD] = { NULL };
	uint64_t seed = kt_seed() | 1, pages = 0;
	uint8_t order[HELD] = { 0 };

	if (!mm)
		return;
	for (unsigned i = 0; i < STEPS; i++) {
		unsigned k = (unsigned)(kt_random(&seed) % HELD);

		if (held[k]) {
			pages -= 1u << order[k];
			zonal_free(mm, held[k], order[k]);
			held[k] = NULL;
			continue;
		}
		order[k] = (uint8_t)(kt_random(&seed) % 6);
		held[k] = zonal_alloc(mm, GFP_KERNEL | (kt_random(&seed) & __GFP_MOVABLE) |
					  (kt_random(&seed) & 1 ? __GFP_COMP : 0),
				      order[k]);
		pages += held[k] ? 1u << order[k] : 0;
	}
	KT_EQ(page_owner_tally(mm), pages);
	kt_check_all(mm);
	for (unsigned k = 0; k < HELD; k++)
		zonal_free(mm, held[k], order[k]);
	KT_EQ(page_owner_tally(mm), 0);
	KT_EQ(zonal_bad_count(mm), 0);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), 4096);
	kt_check_all(mm);
}
