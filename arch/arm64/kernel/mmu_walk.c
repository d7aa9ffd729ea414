/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the page tables: every leaf, and what an address is.
 *
 * The walk sees the tables as the hardware does and decodes access rights out of the
 * descriptors themselves, not out of what mmu.c meant, so that a test of it tests both. It
 * starts from the table that TTBR0 has after boot, then the identity map, then TTBR1.
 * Rights can also be taken away by a table descriptor, for all below it. mmu.c never does
 * that and leaf_decode() does not know it, so a table with such bits makes the walk fail.
 */
#include <zonal/port.h>

#include "lib/assert.h"
#include "arm64_mmu.h"

#define TABLE_RIGHTS (0x1full << 59) /* NSTable, APTable, UXNTable, PXNTable */

struct walk {
	bool (*visit)(void *ctx, const struct arm64_leaf *leaf);
	void *ctx;
};

static struct arm64_leaf leaf_decode(uint64_t descriptor, uint64_t va, uint64_t bytes)
{
	bool writable = !(descriptor & DESC_READONLY);
	bool el0 = descriptor & DESC_EL0;

	return (struct arm64_leaf){
		.va = va,
		.phys = descriptor & DESC_ADDRESS & ~(bytes - 1),
		.bytes = bytes,
		.descriptor = descriptor,
		.el1_write = writable,
		/* What EL0 may write, EL1 never executes. */
		.el1_exec = !(descriptor & DESC_PXN) && !(el0 && writable),
		.el0_read = el0,
		.el0_write = el0 && writable,
		.el0_exec = !(descriptor & DESC_UXN),
		.device = (descriptor & DESC_ATTRIBUTE) == DESC_DEVICE,
	};
}

/* Recursion is four deep at most. */
static bool walk_table(const struct walk *walk, const uint64_t *table, uint64_t va, unsigned level)
{
	uint64_t size = 1ull << (PAGE_SHIFT + 9 * (3 - level));

	ASSERT(level < TABLE_LEVELS && !(va & (size - 1)), "level %u at 0x%llx", level,
	       (unsigned long long)va);
	for (unsigned i = 0; i < TABLE_ENTRIES; i++, va += size) {
		uint64_t descriptor = *(const volatile uint64_t *)&table[i];
		struct arm64_leaf leaf = leaf_decode(descriptor, va, size);
		bool table_next = level < 3 && (descriptor & DESC_TABLE);

		if (!(descriptor & DESC_VALID))
			continue;
		if (table_next && (descriptor & TABLE_RIGHTS))
			return false;
		if (table_next && !walk_table(walk, mmu_table_at(descriptor & DESC_ADDRESS), va,
					      level + 1))
			return false;
		if (!table_next && !walk->visit(walk->ctx, &leaf))
			return false;
	}
	return true;
}

bool mmu_walk(const uint64_t *root, uint64_t va,
	      bool (*visit)(void *ctx, const struct arm64_leaf *leaf), void *ctx)
{
	struct walk walk = { visit, ctx };

	ASSERT(root && visit, "a walk of nothing");
	return walk_table(&walk, root, va, 0);
}

bool arm64_walk(bool (*visit)(void *ctx, const struct arm64_leaf *leaf), void *ctx)
{
	return mmu_walk(arm64_null_table, 0, visit, ctx) &&
	       mmu_walk(arm64_idmap_table, 0, visit, ctx) &&
	       mmu_walk(arm64_root_table, ARM64_LINEAR_OFFSET, visit, ctx);
}

static bool within(uint64_t va, const char *from, const char *to)
{
	return va >= (uintptr_t)from && va < (uintptr_t)to;
}

bool mmu_is_guard(uint64_t va)
{
	uint64_t window = (uint64_t)ARM64_STACK_SLOTS * ARM64_STACK_SLOT_BYTES;

	return within(va, arm64_boot_guard, arm64_boot_guard + ARM64_STACK_BYTES) ||
	       within(va, arm64_boot_irq_guard, arm64_boot_irq_guard + ARM64_STACK_BYTES) ||
	       (va - ARM64_STACK_WINDOW < window && !(va & ARM64_STACK_BYTES));
}

const char *mmu_describe(uint64_t va)
{
	if (va < PAGE_SIZE)
		return "page 0 (NULL pointer)";
	if (mmu_is_guard(va))
		return "guard below a stack (stack overflow)";
	if (within(va, _start, _end_text))
		return "text of the image";
	if (within(va, _end_text, _end_rodata))
		return "read-only data of the image";
	if (within(va, _end_rodata, _end))
		return "data of the image";
	if (va >= ARM64_STACK_WINDOW)
		return "a stack";
	if (va >= ARM64_LINEAR_OFFSET)
		return "linear map";
	return "not a kernel address";
}
