/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor's `page_owner`: what mm/page_owner.c has recorded, as text.
 *
 *	page_owner PFN   the record of the block in which that page lies, laid out as
 *	                 5.10's /sys/kernel/debug/page_owner (D18)
 *	page_owner       the ten stacks that hold most pages
 *
 * A page that is free shows how it was used last, and the stack that freed it. A
 * stack that was not recorded says why in its place.
 *
 * Addresses are turned into names by monitor_symbol, which the image sets: a
 * return address is looked up one byte before, where the call is, since a call may be
 * the last instruction of its function.
 *
 * Records are read while others allocate; each line is right for some moment. One task
 * runs the monitor, so the counts that page_owner_tally() leaves need no lock.
 */
#include "monitor_command.h"

#include <zonal/names.h>

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "mm/page_owner.h"
#include "report/report.h"
#include "report/report_gfp.h"

typedef unsigned long long ull;

enum { TOP_STACKS = 10 };

const char *(*monitor_symbol)(uint64_t address, uint64_t *offset);

static void print_address(uintptr_t pc)
{
	uint64_t offset = 0;
	const char *name = monitor_symbol ? monitor_symbol(pc - 1, &offset) : NULL;

	if (name)
		kprintf(" %s+0x%llx\n", name, (ull)offset + 1);
	else
		kprintf(" 0x%llx\n", (ull)pc);
}

static void print_stack(const struct zonal *mm, uint32_t handle)
{
	static const char *const why[STACK_FIRST] = {
		[STACK_NONE] = "no stack",
		[STACK_EARLY] = "early: taken before recording began",
		[STACK_RECURSION] = "taken by the recorder itself",
		[STACK_FULL] = "no room for the stack (ZONAL_OWNER_STACKS)",
	};
	const struct stack *stack = stack_depot_get(&mm->owner->depot, handle);

	ASSERT(handle < STACK_FIRST + mm->owner->depot.capacity, "stack %u", handle);
	ASSERT(stack->depth <= ARRAY_SIZE(stack->pc), "a stack of %u", stack->depth);
	if (handle < STACK_FIRST)
		kprintf(" (%s)\n", why[handle]);
	for (unsigned i = 0; i < stack->depth; i++)
		print_address(stack->pc[i]);
}

/* "0x80010000(locked|referenced)", as %pGp does. */
static void print_flags(uint32_t word)
{
	/* By bit, from PG_LOCKED on. */
	static const char *const name[] = {
		"locked", "lru", "active", "reclaim", "isolated", "writeback", "slab",
		"unevictable", "mlocked", "mapping", "charged", "head", "hwpoison", "dirty",
		"pfmemalloc", "referenced",
	};
	const char *separator = "";

	_Static_assert(ARRAY_SIZE(name) == 16, "a name for each flag of the word");
	kprintf("0x%x(", word & ~WORD_ALLOC_MASK);
	for (unsigned i = 0; i < ARRAY_SIZE(name); i++) {
		if (!(word & PG_LOCKED << i))
			continue;
		kprintf("%s%s", separator, name[i]);
		separator = "|";
	}
	kprintf(")");
}

static void print_record(const struct zonal *mm, pfn_t pfn, const struct owner_record *record)
{
	const struct page *page = zonal_page(mm, pfn);
	bool used = record->flags & OWNER_ALLOCATED;
	char mask[GFP_TEXT_BYTES];

	ASSERT(page && record->order < MAX_ORDER, "pfn 0x%llx order %u", (ull)pfn, record->order);
	gfp_text(record->gfp, mask, sizeof(mask));
	kprintf("Page %sallocated via order %u, mask 0x%x(%s), pid %llu, ts %llu ns\n",
		used ? "" : "last ", record->order, record->gfp, mask, (ull)record->task,
		(ull)record->time_ns);
	kprintf("PFN %llu type %s Block %llu type %s Flags ", (ull)pfn,
		zonal_type_name(record->type), (ull)pfn >> PAGEBLOCK_ORDER,
		zonal_type_name(page_block_type(page)));
	print_flags(page_word(page));
	kprintf("\n");
	print_stack(mm, record->alloc_stack);
	if (!used || record->free_stack != STACK_NONE) {
		kprintf("Page last free stack trace:\n");
		print_stack(mm, record->free_stack);
	}
}

static int show_page(struct zonal *mm, const char *word)
{
	struct owner_record record;
	pfn_t pfn, head;

	if (!number_read_all(word, PFN_NONE, &pfn)) {
		kprintf("page_owner: %s: not a page frame number\n", word);
		return 1;
	}
	if (!zonal_page(mm, pfn)) {
		kprintf("page_owner: pfn 0x%llx: no RAM there\n", (ull)pfn);
		return 1;
	}
	if (!page_owner_read(mm, pfn, &record)) {
		kprintf("page_owner: pfn 0x%llx: nobody took this page since recording began\n",
			(ull)pfn);
		return 1;
	}
	/* A block in use is shown by its head, whose flags are the block's. */
	head = align_down(pfn, (uint64_t)1 << record.order);
	print_record(mm, record.flags & OWNER_ALLOCATED ? head : pfn, &record);
	return 0;
}

/* The stack with most pages, or 0 pages. */
static uint32_t top_stack(struct stack_depot *depot)
{
	uint32_t top = STACK_NONE;

	for (uint32_t h = 0; h < STACK_FIRST + ld_relaxed(&depot->used); h++)
		if (stack_depot_get(depot, h)->held > stack_depot_get(depot, top)->held)
			top = h;
	return top;
}

static void show_top(struct zonal *mm)
{
	struct stack_depot *depot = &mm->owner->depot;
	uint64_t pages = page_owner_tally(mm);

	ASSERT(ld_relaxed(&depot->used) <= depot->capacity, "%u stacks of %u",
	       ld_relaxed(&depot->used), depot->capacity);
	kprintf("%llu pages in use; %u of %u stacks kept, %llu found no room, %llu recursions\n",
		(ull)pages, ld_relaxed(&depot->used), depot->capacity,
		(ull)ld_relaxed(&depot->dropped), (ull)ld_relaxed(&mm->owner->recursions));
	for (unsigned i = 0; i < TOP_STACKS; i++) {
		uint32_t top = top_stack(depot);
		struct stack *stack = stack_depot_get(depot, top);

		if (!stack->held)
			break;
		kprintf("%llu pages\n", (ull)stack->held);
		print_stack(mm, top);
		stack->held = 0;
	}
}

int monitor_page_owner(struct zonal *mm, const struct monitor_args *args)
{
	if (!mm->owner) {
		kprintf("page_owner: off; the boot argument page_owner=on turns it on\n");
		return 1;
	}
	if (args->count)
		return show_page(mm, args->word[0]);
	show_top(mm);
	return 0;
}
