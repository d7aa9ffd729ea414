/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel stacks with a guard below each.
 *
 * RAM is in the linear map by large blocks, out of which no single page can be taken while
 * other cores use them. So a stack gets a second, virtual place: a window of
 * ARM64_STACK_SLOTS slots, each twice the size of a stack.
 *
 *	slot n:	| never mapped | stack, ARM64_STACK_BYTES |	slot n+1: | ...
 *
 * A stack that overflows runs into the unmapped half of its slot, whatever the frame size
 * (up to 16 KiB); a buffer overflow at its top hits that of the next slot.
 *
 * used[] has a bit for each slot; it and `hint` belong to stack_lock, which is taken before
 * the lock of mmu.c. A slot is unmapped, and all TLBs are clean, before its bit is cleared. The
 * 64 slots of a word of used[] are the 2 MiB of one page table: when the last of them goes, so
 * does the table. Nobody can be mapping there meanwhile, as that takes a bit of the word first.
 */
#include <zonal/port.h>

#include "lib/lock.h"
#include "arm64_mmu.h"

#define WORD_BITS 64
#define STACK_WORDS (ARM64_STACK_SLOTS / WORD_BITS)

_Static_assert(WORD_BITS * ARM64_STACK_SLOT_BYTES == 0x200000, "a word of slots is one page table");
_Static_assert(ARM64_STACK_SLOTS % WORD_BITS == 0, "slots are counted in words of 64");

static struct ticket_lock stack_lock = LOCK_INIT(LOCK_STACK_MAP);
static uint64_t used[STACK_WORDS] LOCK_GUARDS(stack_lock);
static unsigned used_count;        /* stack_lock */
static unsigned hint LOCK_GUARDS(stack_lock); /* no free slot in words below it */

static uint64_t slot_va(unsigned slot)
{
	ASSERT(slot < ARM64_STACK_SLOTS, "slot %u", slot);
	return ARM64_STACK_WINDOW + (uint64_t)slot * ARM64_STACK_SLOT_BYTES + ARM64_STACK_BYTES;
}

/* The number of a free slot, now taken, or ARM64_STACK_SLOTS. */
static unsigned slot_take(void)
{
	port_irqflags_t flags = port_irq_save();
	unsigned slot = ARM64_STACK_SLOTS;

	lock_take(&stack_lock);
	while (hint < STACK_WORDS && !~used[hint])
		hint++;
	if (hint < STACK_WORDS) {
		unsigned bit = (unsigned)__builtin_ctzll(~used[hint]);

		ASSERT(used_count < ARM64_STACK_SLOTS, "%u slots are in use", used_count);
		used[hint] |= 1ull << bit;
		used_count++;
		slot = hint * WORD_BITS + bit;
	}
	lock_drop(&stack_lock);
	port_irq_restore(flags);
	return slot;
}

static void slot_put(unsigned slot)
{
	unsigned word = slot / WORD_BITS;
	port_irqflags_t flags = port_irq_save();
	uint64_t table = 0;

	lock_take(&stack_lock);
	ASSERT(used_count && (used[word] >> slot % WORD_BITS & 1), "slot %u is not in use", slot);
	used[word] &= ~(1ull << slot % WORD_BITS);
	used_count--;
	hint = ZN_MIN(hint, word);
	if (!used[word])
		table = mmu_table_detach(slot_va(slot));
	lock_drop(&stack_lock);
	port_irq_restore(flags);
	if (table)
		arm64_table_to_allocator(table);
}

unsigned arm64_stack_count(void) { return used_count; }

/* Map `bytes` of RAM at `offset` into the stack of a slot. */
static bool slot_map(unsigned slot, uint64_t offset, uint64_t phys, uint64_t bytes)
{
	struct mmu_range range = {
		.va = slot_va(slot) + offset, .phys = phys, .bytes = bytes,
		.kind = ARM64_MAP_DATA, .block_level = 3,
	};
	port_irqflags_t flags = mmu_lock();
	bool done;

	ASSERT(offset + bytes <= ARM64_STACK_BYTES && !(phys & (PAGE_SIZE - 1)),
	       "0x%llx bytes of 0x%llx", (unsigned long long)bytes, (unsigned long long)phys);
	done = mmu_map(arm64_root_table, &range);
	mmu_unlock(flags);
	if (!done)
		port_log("stack: no page left for a page table of slot %u", slot);
	return done;
}

static void slot_unmap(unsigned slot)
{
	port_irqflags_t flags = mmu_lock();

	for (uint64_t va = slot_va(slot); va < slot_va(slot) + ARM64_STACK_BYTES; va += PAGE_SIZE) {
		uint64_t *entry = mmu_page_entry(arm64_root_table, va);

		if (entry)
			mmu_set_page(entry, va, 0, ARM64_MAP_NONE);
	}
	mmu_unlock(flags);
}

void *arm64_stack_map(uint64_t phys)
{
	unsigned slot = slot_take();

	if (slot == ARM64_STACK_SLOTS) {
		port_log("stack: all %u slots are in use (ARM64_STACK_SLOTS)", ARM64_STACK_SLOTS);
		return NULL;
	}
	if (slot_map(slot, 0, phys, ARM64_STACK_BYTES))
		return (void *)(uintptr_t)slot_va(slot);
	slot_unmap(slot);
	slot_put(slot);
	return NULL;
}

void *mmu_stack_create(void)
{
	unsigned slot = slot_take();

	if (slot == ARM64_STACK_SLOTS)
		return NULL;
	for (uint64_t offset = 0; offset < ARM64_STACK_BYTES; offset += PAGE_SIZE) {
		uint64_t phys = mmu_page_take();

		if (phys && slot_map(slot, offset, phys, PAGE_SIZE))
			continue;
		slot_unmap(slot);
		slot_put(slot);
		return NULL;
	}
	return (void *)(uintptr_t)slot_va(slot);
}

/* The slot that a stack lies in. Misuse ends the run: somebody would run on a stack of others. */
static unsigned slot_of(const void *stack)
{
	uint64_t offset = (uintptr_t)stack - ARM64_STACK_WINDOW - ARM64_STACK_BYTES;
	unsigned slot = (unsigned)(offset / ARM64_STACK_SLOT_BYTES);

	if (offset % ARM64_STACK_SLOT_BYTES || slot >= ARM64_STACK_SLOTS ||
	    arm64_translate(stack) == UINT64_MAX)
		port_panic("stack: %p is not a mapped stack of the window", stack);
	return slot;
}

void arm64_stack_unmap(void *stack)
{
	unsigned slot = slot_of(stack);

	slot_unmap(slot);
	slot_put(slot);
}
