/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_owner: rows D17 and D18. What is recorded, stacks kept once, and what it
 * costs when it is off: nothing that a hot path could notice.
 *
 * Stacks come from the real port hooks, so a case compares handles: the same way
 * to the same call gives the same one. Loops that rely on that read their count from a
 * volatile, because a compiler that unrolls a loop makes several call sites of one.
 */
#include "kt_instance.h"

#include "mm/page_owner.h"

static const struct kt_spec traced = { .ram = { { 0, KT_DMA_PFN, 4096 } }, .page_owner = true };
static const struct kt_spec two_nodes = {
	.ram = { { 0, KT_DMA_PFN, 4096 }, { 1, KT_DMA_PFN + 0x10000, 4096 } },
	.page_owner = true,
};
static const struct kt_spec in_boot = {
	.ram = { { 0, KT_DMA_PFN, 4096 } }, .page_owner = true, .in_boot = true,
};

static volatile unsigned twice = 2;

static struct zonal *board(const struct kt_spec *spec)
{
	struct zonal *mm = kt_instance(spec);

	if (mm)
		kt_no_marks(mm);
	return mm;
}

/* The record of a page that must have one. */
static struct owner_record record_of(struct zonal *mm, const struct page *page)
{
	struct owner_record record = { 0 };

	KT_OK(page_owner_read(mm, zonal_pfn(page), &record), "pfn 0x%llx has no record",
	      (unsigned long long)zonal_pfn(page));
	return record;
}

static const struct stack *stack_of(struct zonal *mm, uint32_t handle)
{
	return stack_depot_get(&mm->owner->depot, handle);
}

static ZN_NOINLINE struct page *take_here(struct zonal *mm, gfp_t gfp, unsigned order)
{
	struct page *page = zonal_alloc(mm, gfp, order);

	KT_OK(page, "no page of order %u, gfp 0x%x", order, gfp);
	return page;
}

static ZN_NOINLINE void give_here(struct zonal *mm, struct page *page, unsigned order)
{
	zonal_free(mm, page, order);
	/* Keeps the call from being the last thing, a jump without a frame. */
	KT_TRUE(zonal_bad_count(mm) == 0);
}

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
	mm = kt_instance(&traced);
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
	struct zonal *mm = board(&traced);

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
	struct zonal *mm = board(&two_nodes);
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
	struct zonal *mm = board(&traced);
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
	struct zonal *mm = board(&traced);
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
	struct zonal *mm = board(&traced);
	struct page *page;

	if (!mm)
		return;
	page = take_here(mm, GFP_KERNEL, 0);
	KT_EQ(record_of(mm, page).task, port_task_id());
	/* In the image a task runs this; on the host nothing is scheduled. */
	KT_EQ(port_task_id() != 0, kt_port_is_target());
	zonal_free(mm, page, 0);
}

KTEST(page_owner, d17_stack_of_the_free)
{
	struct zonal *mm = board(&traced);
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
	/* the next use keeps the stack of the last free */
	page = take_here(mm, GFP_KERNEL, 3);
	r = record_of(mm, page);
	KT_EQ(r.free_stack, freed);
	KT_EQ(r.flags, OWNER_KNOWN | OWNER_ALLOCATED);
	give_here(mm, page, 3);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), 4096);
	kt_check_all(mm);
}

/* zonal_put() is a free as well; a reference that is not the last is none. */
KTEST(page_owner, d17_only_the_last_reference_frees)
{
	struct zonal *mm = board(&traced);
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
	struct zonal *mm = board(&traced);
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

KTEST(page_owner, d17_equal_stacks_have_one_handle)
{
	struct zonal *mm = board(&traced);
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
	struct zonal *mm = board(&traced);
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
	struct zonal *mm = board(&traced);
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
	struct zonal *mm = board(&traced);
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

KTEST(page_owner, d17_split_sets_order_0)
{
	struct zonal *mm = board(&traced);
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

/* A mapping left behind is still seen beside the mark (D1), and the record tells whose. */
KTEST(page_owner, d17_d1_mark_is_no_mapping)
{
	struct zonal *mm = board(&traced);
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
	struct zonal *mm = board(&traced);
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
	struct zonal *mm = board(&traced);
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
