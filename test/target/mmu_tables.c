/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page tables as they are, leaf by leaf, and the calls that change them.
 *
 * The walker decodes rights from the descriptors (mmu_walk.c), so these cases do not depend on
 * what mmu.c meant to write. The probes (mmu_probe.c) show that the cores obey the tables; the walk
 * shows that there is no page which the probes did not happen to try.
 */
#include <zonal/port.h>

#include "arm64_mmu.h"
#include "board/device.h"
#include "platform/platform.h"
#include "test/ktest.h"

/* What one walk found; the first bad leaf of each kind. */
struct findings {
	unsigned leaves;
	struct arm64_leaf write_exec, text_alias, el0, exec_outside, device_exec;
};

static bool overlaps(const struct arm64_leaf *leaf, const char *from, const char *to)
{
	return leaf->phys < virt_to_phys(to) && virt_to_phys(from) < leaf->phys + leaf->bytes;
}

static void keep_first(struct arm64_leaf *slot, const struct arm64_leaf *leaf, bool bad)
{
	if (bad && !slot->bytes)
		*slot = *leaf;
}

static bool inspect(void *ctx, const struct arm64_leaf *leaf)
{
	struct findings *found = ctx;
	bool write = leaf->el1_write || leaf->el0_write;
	bool exec = leaf->el1_exec || leaf->el0_exec;

	found->leaves++;
	keep_first(&found->write_exec, leaf, write && exec);
	keep_first(&found->text_alias, leaf, write && overlaps(leaf, _start, _end_rodata));
	keep_first(&found->el0, leaf, leaf->el0_read || leaf->el0_write || leaf->el0_exec);
	keep_first(&found->exec_outside, leaf,
		   exec && (leaf->phys < virt_to_phys(_start) ||
			    leaf->phys + leaf->bytes > virt_to_phys(_end_text)));
	keep_first(&found->device_exec, leaf, leaf->device && exec);
	return true;
}

static void none(const struct arm64_leaf *leaf, const char *what)
{
	KT_OK(!leaf->bytes, "%s: va 0x%llx pa 0x%llx bytes 0x%llx descriptor 0x%llx", what,
	      (unsigned long long)leaf->va, (unsigned long long)leaf->phys,
	      (unsigned long long)leaf->bytes, (unsigned long long)leaf->descriptor);
}

KTEST_F(mmu, no_leaf_is_writable_and_executable, KT_TARGET_ONLY)
{
	struct findings found = { 0 };

	KT_TRUE(arm64_walk(inspect, &found));
	KT_TRUE(found.leaves > (unsigned)(_end - _start) / PAGE_SIZE / 2);
	none(&found.write_exec, "writable and executable");
	none(&found.text_alias, "writable alias of text or read-only data");
	none(&found.el0, "reachable from EL0");
	none(&found.exec_outside, "executable outside of the image's text");
	none(&found.device_exec, "executable device");
}

static bool is_null_page(void *ctx, const struct arm64_leaf *leaf)
{
	(void)ctx;
	return leaf->va >= PAGE_SIZE;
}

KTEST_F(mmu, no_leaf_maps_page_0, KT_TARGET_ONLY)
{
	KT_TRUE(arm64_walk(is_null_page, NULL));
}

/* RAM read through the linear map is the RAM meant, at both ends of every range. */
KTEST_F(mmu, all_ram_is_in_the_linear_map, KT_TARGET_ONLY)
{
	for (unsigned i = 0; i < boot_info.range_count; i++) {
		uint64_t start = boot_info.range[i].start;
		uint64_t last = start + boot_info.range[i].size - PAGE_SIZE;

		if (!boot_range_usable(&boot_info.range[i])) {
			KT_EQ(arm64_translate(phys_to_virt(start)), UINT64_MAX);
			KT_EQ(arm64_translate(phys_to_virt(last)), UINT64_MAX);
			continue;
		}
		KT_EQ(arm64_translate(phys_to_virt(start)), start);
		KT_EQ(arm64_translate(phys_to_virt(last)), last);
	}
}

KTEST_F(mmu, image_parts_have_their_rights, KT_TARGET_ONLY)
{
	uint64_t text = *mmu_page_entry(arm64_root_table, (uintptr_t)_start);
	uint64_t rodata = *mmu_page_entry(arm64_root_table, (uintptr_t)_end_text);
	uint64_t data = *mmu_page_entry(arm64_root_table, (uintptr_t)_end_rodata);

	KT_TRUE((text & DESC_READONLY) && !(text & DESC_PXN) && (text & DESC_UXN));
	KT_TRUE((rodata & DESC_READONLY) && (rodata & DESC_PXN) && (rodata & DESC_UXN));
	KT_TRUE(!(data & DESC_READONLY) && (data & DESC_PXN) && (data & DESC_UXN));
}

/* All RAM was mapped after the guards and the tree were; it must not have changed them. */
KTEST_F(mmu, mapping_ram_keeps_guards_and_rights, KT_TARGET_ONLY)
{
	uint64_t from = align_down(virt_to_phys(_start), 0x200000);

	KT_TRUE(arm64_map_ram(from, 0x200000));
	KT_EQ(arm64_translate(arm64_boot_guard), UINT64_MAX);
	KT_EQ(arm64_translate(arm64_boot_irq_guard), UINT64_MAX);
	KT_TRUE(*mmu_page_entry(arm64_root_table, (uintptr_t)_start) & DESC_READONLY);
}

KTEST_F(mmu, device_tree_is_read_only, KT_TARGET_ONLY)
{
	uint64_t *entry = mmu_page_entry(arm64_root_table, (uintptr_t)device_tree());

	if (!device_tree()) {
		kt_skip("booted without a device tree");
		return;
	}
	if (KT_TRUE(entry != NULL))
		KT_TRUE((*entry & DESC_READONLY) && (*entry & DESC_PXN) && (*entry & DESC_UXN));
}

KTEST_F(mmu, addresses_beyond_the_cpu_are_refused, KT_TARGET_ONLY)
{
	KT_TRUE(!arm64_map_ram(1ull << 52, PAGE_SIZE));
	KT_TRUE(!arm64_map_ram(UINT64_MAX - PAGE_SIZE + 1, PAGE_SIZE));
	KT_TRUE(!arm64_map_ram(0x40000000, UINT64_MAX));
	KT_TRUE(!arm64_map_ram(0x40000000, 0));
	KT_TRUE(arm64_map_device(ARM64_PHYS_LIMIT, PAGE_SIZE) == NULL);
}

KTEST_F(mmu, protect_refuses_what_is_not_a_mapped_page, KT_TARGET_ONLY)
{
	void *far_away = phys_to_virt(ARM64_PHYS_LIMIT - PAGE_SIZE);

	KT_TRUE(!arm64_protect(NULL, PAGE_SIZE, ARM64_MAP_RODATA));
	KT_TRUE(!arm64_protect(far_away, PAGE_SIZE, ARM64_MAP_DATA));
	KT_EQ(arm64_translate(far_away), UINT64_MAX);
}

static uint8_t protected_page[PAGE_SIZE] ZN_ALIGNED(4096);

KTEST_F(mmu, protect_changes_rights_and_back, KT_TARGET_ONLY)
{
	uint64_t phys = virt_to_phys(protected_page);

	protected_page[5] = 42;
	KT_TRUE(arm64_protect(protected_page, PAGE_SIZE, ARM64_MAP_RODATA));
	KT_TRUE(*mmu_page_entry(arm64_root_table, (uintptr_t)protected_page) & DESC_READONLY);
	KT_EQ(protected_page[5], 42);
	KT_TRUE(arm64_protect(protected_page, PAGE_SIZE, ARM64_MAP_DATA));
	KT_EQ(arm64_translate(protected_page), phys);
	protected_page[5] = 43;
	KT_EQ(protected_page[5], 43);
}

KTEST_F(mmu, stack_has_unmapped_space_below, KT_TARGET_ONLY)
{
	char *memory = kt_alloc(ARM64_STACK_BYTES, ARM64_STACK_BYTES);
	unsigned before = arm64_stack_count();
	char *stack;

	if (!memory)
		return;
	stack = arm64_stack_map(virt_to_phys(memory));
	if (!KT_TRUE(stack != NULL))
		return;
	KT_EQ(arm64_stack_count(), before + 1);
	for (unsigned offset = 0; offset < ARM64_STACK_BYTES; offset += PAGE_SIZE) {
		KT_EQ(arm64_translate(stack + offset), virt_to_phys(memory) + offset);
		KT_EQ(arm64_translate(stack - offset - 1), UINT64_MAX);
	}
	stack[ARM64_STACK_BYTES - 1] = 7;
	KT_EQ(memory[ARM64_STACK_BYTES - 1], 7);
	arm64_stack_unmap(stack);
	KT_EQ(arm64_stack_count(), before);
	KT_EQ(arm64_translate(stack), UINT64_MAX);
}

KTEST_F(mmu, stack_slots_are_used_again, KT_TARGET_ONLY)
{
	char *memory = kt_alloc(ARM64_STACK_BYTES, ARM64_STACK_BYTES);
	void *first, *second;

	if (!memory)
		return;
	first = arm64_stack_map(virt_to_phys(memory));
	if (!KT_TRUE(first != NULL))
		return;
	arm64_stack_unmap(first);
	second = arm64_stack_map(virt_to_phys(memory));
	KT_EQ((uintptr_t)first, (uintptr_t)second);
	if (second)
		arm64_stack_unmap(second);
}

#define MANY 200 /* stacks: more than three page tables of 64 slots hold */

KTEST_F(mmu, tables_of_stacks_go_with_the_last_stack, KT_TARGET_ONLY)
{
	static void *stacks[MANY];
	char *memory = kt_alloc(ARM64_STACK_BYTES, ARM64_STACK_BYTES);
	unsigned before = arm64_stack_count();
	unsigned tables = 0;

	if (!memory)
		return;
	/* All on the same memory: what is looked at is the window, nobody runs there. */
	for (unsigned i = 0; i < MANY; i++) {
		stacks[i] = arm64_stack_map(virt_to_phys(memory));
		KT_EQ(arm64_translate(stacks[i]), virt_to_phys(memory));
	}
	KT_EQ(arm64_stack_count(), before + MANY);
	for (unsigned i = 0; i < MANY; i++) {
		if (stacks[i])
			arm64_stack_unmap(stacks[i]);
	}
	for (unsigned i = 0; i < MANY; i++) {
		KT_EQ(arm64_translate(stacks[i]), UINT64_MAX);
		tables += mmu_page_entry(arm64_root_table, (uintptr_t)stacks[i]) != NULL;
	}
	KT_EQ(arm64_stack_count(), before);
	/* 200 slots lie in four tables at least, of which two held no stack of others. */
	KT_OK(tables <= MANY - 2 * 64, "tables are left for %u of %u slots", tables, MANY);
}

KTEST_F(mmu, clearing_touches_the_pages_given_and_no_other, KT_TARGET_ONLY)
{
	const size_t pages = 5;
	uint8_t *memory = kt_alloc(pages * PAGE_SIZE, PAGE_SIZE);
	size_t wrong = 0;

	if (!memory)
		return;
	for (size_t i = 0; i < pages * PAGE_SIZE; i++)
		memory[i] = 0xa5;
	arm64_clear_pages(memory + PAGE_SIZE, 3);
	arm64_clear_pages(memory, 0);
	for (size_t i = 0; i < pages * PAGE_SIZE; i++) {
		bool cleared = i >= PAGE_SIZE && i < 4 * PAGE_SIZE;

		wrong += memory[i] != (cleared ? 0 : 0xa5);
	}
	KT_EQ(wrong, 0);
}
