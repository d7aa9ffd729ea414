/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stacks of page_owner (row D17): of the take and of the free, at most 16 deep,
 * equal ones kept once, and what stands in their place when there is none.
 *
 * Stacks come from the real port hooks, so a case compares handles: the same way
 * to the same call gives the same one. Loops that rely on that read their count from a
 * volatile, because a compiler that unrolls a loop makes several call sites of one.
 */
#include "kt_owner.h"

#include <zonal/constraint.h>
#include <zonal/contig.h>

static volatile unsigned twice = 2;

KTEST(page_owner, d17_stack_of_the_free)
{
	struct zonal *mm = owner_board(&owner_traced);
	struct page *page;
	struct owner_record r;
	uint32_t freed;

	if (!mm)
		return;
	page = take_here(mm, GFP_KERNEL, 3);
	KT_EQ(record_of(mm, page).free_stack, STACK_NONE);
	give_here(mm, page, 3);
	for (unsigned i = 0; i < 8; i++) {
		r = record_of(mm, page + i);
		KT_EQ(r.flags, OWNER_KNOWN);
		KT_TRUE(r.free_stack >= STACK_FIRST && r.alloc_stack >= STACK_FIRST);
		KT_TRUE(r.free_stack != r.alloc_stack);
	}
	KT_EQ(ld_relaxed(&page->mapped), 0);
	freed = r.free_stack;
	/* The recorder's own frames are left out: they would be the same here and there. */
	KT_TRUE(stack_of(mm, freed)->pc[0] != stack_of(mm, r.alloc_stack)->pc[0]);
	/* the next use keeps the stack of the last free */
	page = take_here(mm, GFP_KERNEL, 3);
	r = record_of(mm, page);
	KT_EQ(r.free_stack, freed);
	KT_EQ(r.flags, OWNER_KNOWN | OWNER_ALLOCATED);
	give_here(mm, page, 3);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), 4096);
	kt_check_all(mm);
}

KTEST(page_owner, d17_equal_stacks_have_one_handle)
{
	struct zonal *mm = owner_board(&owner_traced);
	uint32_t handle[2] = { 0 }, freed[2] = { 0 }, used, other;
	struct page *page;

	if (!mm)
		return;
	for (unsigned i = 0; i < twice; i++) {
		page = take_here(mm, GFP_KERNEL, 0);
		handle[i] = record_of(mm, page).alloc_stack;
		give_here(mm, page, 0);
		freed[i] = record_of(mm, page).free_stack;
	}
	used = ld_relaxed(&mm->owner->depot.used);
	KT_TRUE(handle[0] >= STACK_FIRST);
	KT_EQ(handle[0], handle[1]);
	KT_EQ(freed[0], freed[1]);
	KT_EQ(used, 2);
	page = take_here(mm, GFP_KERNEL, 0);
	other = record_of(mm, page).alloc_stack;
	KT_TRUE(other >= STACK_FIRST && other != handle[0]);
	KT_EQ(ld_relaxed(&mm->owner->depot.used), 3);
	give_here(mm, page, 0);
	KT_EQ(ld_relaxed(&mm->owner->depot.dropped), 0);
	kt_check_all(mm);
}

/* Allocate below `depth` calls of this function. */
static ZN_NOINLINE struct page *take_deep(struct zonal *mm, volatile unsigned depth)
{
	struct page *page = depth ? take_deep(mm, depth - 1) : take_here(mm, GFP_KERNEL, 0);

	KT_TRUE(page); /* not a tail call */
	return page;
}

KTEST(page_owner, d17_at_most_16_frames)
{
	struct zonal *mm = owner_board(&owner_traced);
	const struct stack *shallow, *deep;
	struct page *a, *b;

	if (!mm)
		return;
	a = take_here(mm, GFP_KERNEL, 0);
	b = take_deep(mm, 40);
	shallow = stack_of(mm, record_of(mm, a).alloc_stack);
	deep = stack_of(mm, record_of(mm, b).alloc_stack);
	KT_EQ(deep->depth, STACK_DEPTH);
	KT_EQ(STACK_DEPTH, 16);
	KT_TRUE(shallow->depth >= 3 && shallow->depth <= STACK_DEPTH);
	/* innermost first: the way in is the same, the outermost kept is the recursion */
	KT_EQ(deep->pc[0], shallow->pc[0]);
	KT_EQ(deep->pc[STACK_DEPTH - 1], deep->pc[STACK_DEPTH - 2]);
	give_here(mm, a, 0);
	give_here(mm, b, 0);
	kt_check_all(mm);
}

/* A depot of its own: room for four, the fifth is dropped and counted, the four stay. */
KTEST(page_owner, d17_depot_full)
{
	struct stack_depot depot = { 0 };
	void *memory = kt_alloc(stack_depot_bytes(4), 64);
	port_irqflags_t irq = port_irq_save();
	uint32_t handle[4];

	if (memory) {
		stack_depot_init(&depot, 4, memory);
		for (unsigned i = 0; i < 4; i++) {
			/* equal but for the last address, and but for the length */
			uintptr_t pc[STACK_DEPTH] = { 0x1000, 0x2000, i / 2 };

			handle[i] = stack_depot_save(&depot, pc, 3 + i % 2);
			KT_EQ(handle[i], STACK_FIRST + i);
		}
		for (unsigned i = 0; i < 6; i++) {
			uintptr_t pc[STACK_DEPTH] = { 0x1000, 0x2000, i / 2 };
			uint32_t got = stack_depot_save(&depot, pc, 3 + i % 2);

			KT_EQ(got, i < 4 ? handle[i] : STACK_FULL);
		}
		KT_EQ(ld_relaxed(&depot.dropped), 2);
		KT_EQ(ld_relaxed(&depot.used), 4);
		KT_EQ(stack_depot_save(&depot, NULL, 0), STACK_NONE);
	}
	port_irq_restore(irq);
}

KTEST(page_owner, d17_page_without_room_for_its_stack)
{
	struct zonal *mm = owner_board(&owner_traced);
	port_irqflags_t irq;
	struct page *page;

	if (!mm)
		return;
	irq = port_irq_save();
	for (uintptr_t i = 0; i < ZONAL_OWNER_STACKS; i++) {
		uintptr_t pc[1] = { i };

		(void)stack_depot_save(&mm->owner->depot, pc, 1);
	}
	port_irq_restore(irq);
	page = take_here(mm, GFP_KERNEL, 2);
	KT_EQ(record_of(mm, page).alloc_stack, STACK_FULL);
	KT_EQ(record_of(mm, page).order, 2);
	KT_EQ(ld_relaxed(&mm->owner->depot.dropped), 1);
	give_here(mm, page, 2);
	KT_EQ(record_of(mm, page).free_stack, STACK_FULL);
	KT_EQ(ld_relaxed(&mm->owner->depot.dropped), 2);
	kt_check_all(mm);
}

/* As if the port's hook allocated while it looks for the stack. */
KTEST(page_owner, d17_recursion_into_the_recorder)
{
	struct zonal *mm = owner_board(&owner_traced);
	port_irqflags_t irq;
	struct mm_cpu *cpu;
	struct page *page;

	if (!mm)
		return;
	irq = port_irq_save();
	cpu = mm->cpu[port_this_cpu()->id];
	cpu->recording = true;
	page = zonal_alloc(mm, GFP_ATOMIC, 0);
	cpu->recording = false;
	port_irq_restore(irq);
	if (!KT_TRUE(page))
		return;
	KT_EQ(record_of(mm, page).alloc_stack, STACK_RECURSION);
	KT_EQ(ld_relaxed(&mm->owner->recursions), 1);
	KT_EQ(ld_relaxed(&mm->owner->depot.used), 0);
	/* and it is over when the recorder is done */
	give_here(mm, page, 0);
	KT_TRUE(record_of(mm, page).free_stack >= STACK_FIRST);
	KT_EQ(ld_relaxed(&mm->owner->recursions), 1);
	kt_check_all(mm);
}

/* Each page of a region is somebody's by itself, with what was asked for. */
KTEST(page_owner, d17_pages_that_a_constraint_gave_have_records)
{
	struct zonal_constraint want = { .pages = 5, .regions = 2, .gfp = GFP_USER };
	struct zonal *mm = owner_board(&owner_traced);
	enum zonal_unmet why;
	pfn_t start[2];

	if (!mm || !KT_EQ(zonal_alloc_constrained(mm, &want, start, &why), 0))
		return;
	for (unsigned i = 0; i < 10; i++) {
		struct owner_record r = record_of(mm, mm_page(mm, start[i / 5] + i % 5));

		KT_EQ(r.flags & OWNER_ALLOCATED, OWNER_ALLOCATED);
		KT_EQ(r.gfp, GFP_USER);
		KT_EQ(r.order, 0);
		KT_EQ(r.type, MIGRATE_UNMOVABLE);
	}
	for (unsigned i = 0; i < 2; i++)
		KT_EQ(zonal_free_contig_range(mm, start[i], 5), 0);
	KT_EQ(record_of(mm, mm_page(mm, start[0])).flags & OWNER_ALLOCATED, 0);
	KT_EQ(zonal_bad_count(mm), 0);
}
