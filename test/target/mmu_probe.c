/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the MMU refuses, on every core, with the exact syndrome.
 *
 * Each case makes one forbidden access on purpose (arm64_probe_*) and compares what the
 * core reports with what the manual says it must: the class (0x25 data abort, 0x21 instruction
 * abort), bit 25 (32-bit instruction), bit 6 (write) and the fault status (0x07 translation, 0x0f
 * permission, both at level 3; 0x10 external abort; 0x21 alignment). They run on each core,
 * because SCTLR_EL1, TTBRn_EL1 and MAIR_EL1 are each core's own: one that came up with
 * other values would pass every test on the boot core.
 */
#include <zonal/port.h>

#include "arm64_exception.h"
#include "arm64_mmu.h"
#include "arm64_sysreg.h"
#include "board/device.h"
#include "test/ktest.h"

#define FETCH_PERMISSION 0x8600000f
#define FETCH_TRANSLATION 0x86000007
#define READ_TRANSLATION 0x96000007
#define READ_PERMISSION 0x9600000f
#define READ_EXTERNAL 0x96000010
#define READ_ALIGNMENT 0x96000021
#define WRITE_TRANSLATION 0x96000047
#define WRITE_PERMISSION 0x9600004f

#define INSTRUCTION_RET 0xd65f03c0u

#define AT(symbol) ((uintptr_t)(symbol))

typedef bool probe_fn(uint64_t address, struct arm64_fault *fault);

/* A function of one instruction, where none may run. */
static uint32_t code_in_data = INSTRUCTION_RET;
static uint32_t code_in_bss;
static const uint32_t code_in_rodata = INSTRUCTION_RET;
static uint32_t scratch_page[PAGE_SIZE / 4] ZN_ALIGNED(4096);

/* The access must fault at the address with this syndrome, taken from a task (+0x000). */
static void refuses(probe_fn *probe, uint64_t address, uint64_t esr)
{
	struct arm64_fault fault;

	if (!KT_OK(!probe(address, &fault), "access to 0x%llx was allowed",
		   (unsigned long long)address))
		return;
	KT_EQ(fault.esr, esr);
	KT_EQ(fault.far, address);
	KT_EQ(fault.vector, 0);
}

static void allows(probe_fn *probe, uint64_t address)
{
	struct arm64_fault fault;

	KT_OK(probe(address, &fault), "access to 0x%llx: esr 0x%llx", (unsigned long long)address,
	      (unsigned long long)fault.esr);
}

static void returns_at_once(void) {}

KTEST_F(mmu, allowed_accesses_do_not_fault, KT_EACH_CPU | KT_TARGET_ONLY)
{
	allows(arm64_probe_exec, AT(returns_at_once));
	allows(arm64_probe_read, AT(returns_at_once));
	allows(arm64_probe_read, AT(&code_in_rodata));
	allows(arm64_probe_read, AT(&scratch_page[0]));
	allows(arm64_probe_write, AT(&scratch_page[0]));
}

KTEST_F(mmu, data_is_not_executable, KT_EACH_CPU | KT_TARGET_ONLY)
{
	uint32_t code_on_stack = INSTRUCTION_RET;

	code_in_bss = INSTRUCTION_RET;
	refuses(arm64_probe_exec, AT(&code_in_data), FETCH_PERMISSION);
	refuses(arm64_probe_exec, AT(&code_in_bss), FETCH_PERMISSION);
	refuses(arm64_probe_exec, AT(&code_on_stack), FETCH_PERMISSION);
}

KTEST_F(mmu, allocated_memory_is_not_executable, KT_EACH_CPU | KT_TARGET_ONLY)
{
	uint32_t *code = kt_alloc(PAGE_SIZE, PAGE_SIZE);
	struct arm64_fault fault;

	if (!code)
		return;
	*code = INSTRUCTION_RET;
	KT_TRUE(!arm64_probe_exec((uintptr_t)code, &fault));
	/* RAM is mapped by blocks: the level of the fault is that of the block. */
	KT_EQ(fault.esr & ~3ull, FETCH_PERMISSION & ~3ull);
	KT_EQ(fault.far, (uintptr_t)code);
}

KTEST_F(mmu, rodata_is_not_executable, KT_EACH_CPU | KT_TARGET_ONLY)
{
	refuses(arm64_probe_exec, AT(&code_in_rodata), FETCH_PERMISSION);
}

KTEST_F(mmu, text_and_rodata_are_not_writable, KT_EACH_CPU | KT_TARGET_ONLY)
{
	refuses(arm64_probe_write, AT(returns_at_once), WRITE_PERMISSION);
	refuses(arm64_probe_write, AT(_start), WRITE_PERMISSION);
	refuses(arm64_probe_write, AT(_end_text) - 4, WRITE_PERMISSION);
	refuses(arm64_probe_write, AT(&code_in_rodata), WRITE_PERMISSION);
	refuses(arm64_probe_write, AT(_end_rodata) - 4, WRITE_PERMISSION);
	KT_EQ(code_in_rodata, INSTRUCTION_RET);
}

KTEST_F(mmu, null_page_is_not_mapped, KT_EACH_CPU | KT_TARGET_ONLY)
{
	refuses(arm64_probe_read, 0, READ_TRANSLATION);
	refuses(arm64_probe_write, 0, WRITE_TRANSLATION);
	refuses(arm64_probe_exec, 0, FETCH_TRANSLATION);
	refuses(arm64_probe_read, PAGE_SIZE - 4, READ_TRANSLATION);
}

KTEST_F(mmu, guards_of_the_boot_stacks_are_not_mapped, KT_EACH_CPU | KT_TARGET_ONLY)
{
	for (unsigned offset = 0; offset < ARM64_STACK_BYTES; offset += PAGE_SIZE) {
		refuses(arm64_probe_read, AT(arm64_boot_guard) + offset, READ_TRANSLATION);
		refuses(arm64_probe_write, AT(arm64_boot_irq_guard) + offset, WRITE_TRANSLATION);
	}
	allows(arm64_probe_write, AT(arm64_boot_guard) + ARM64_STACK_BYTES);
}

KTEST_F(mmu, own_interrupt_stack_has_a_guard, KT_EACH_CPU | KT_TARGET_ONLY)
{
	uint64_t bottom = AT(arm64_this_cpu()->irq_stack_top) - ARM64_STACK_BYTES;

	refuses(arm64_probe_write, bottom - 4, WRITE_TRANSLATION);
	refuses(arm64_probe_write, bottom - ARM64_STACK_BYTES, WRITE_TRANSLATION);
	allows(arm64_probe_read, bottom);
}

/* Tasks run with SP_EL0, so the handler has a stack of its own and lives to tell. */
KTEST_F(mmu, stack_overflow_arrives_at_vector_0, KT_EACH_CPU | KT_TARGET_ONLY)
{
	uint64_t bottom = AT(arm64_boot_guard) + ARM64_STACK_BYTES;
	struct arm64_fault fault;

	KT_TRUE(!arm64_probe_push(bottom, &fault));
	KT_EQ(fault.esr, WRITE_TRANSLATION);
	KT_EQ(fault.far, bottom - 16);
	KT_EQ(fault.vector, 0);
}

KTEST_F(mmu, unaligned_access_faults, KT_EACH_CPU | KT_TARGET_ONLY)
{
	refuses(arm64_probe_read, AT(scratch_page) + 1, READ_ALIGNMENT);
	refuses(arm64_probe_read, AT(scratch_page) + 2, READ_ALIGNMENT);
}

static void set_locked(uint64_t *entry, uint64_t va, uint64_t phys, enum arm64_map kind)
{
	port_irqflags_t flags = mmu_lock();

	mmu_set_page(entry, va, phys, kind);
	mmu_unlock(flags);
}

/*
 * A page both writable and executable is something that mmu.c cannot make, so the
 * descriptor of scratch_page is written here by hand, and put back.
 */
static void with_descriptor(uint64_t change, probe_fn *probe, uint64_t esr)
{
	uint64_t va = (uintptr_t)scratch_page;
	uint64_t *entry = mmu_page_entry(arm64_root_table, va);
	uint64_t good = entry ? *entry : 0;

	if (!KT_TRUE(good & DESC_VALID))
		return;
	set_locked(entry, va, 0, ARM64_MAP_NONE);
	*(volatile uint64_t *)entry = good ^ change;
	arm64_dsb_ishst();
	arm64_isb();
	refuses(probe, AT(scratch_page), esr);
	set_locked(entry, va, good & DESC_ADDRESS, ARM64_MAP_DATA);
	KT_EQ(*entry, good);
}

KTEST_F(mmu, writable_implies_not_executable, KT_EACH_CPU | KT_TARGET_ONLY)
{
	scratch_page[0] = INSTRUCTION_RET;
	with_descriptor(DESC_PXN, arm64_probe_exec, FETCH_PERMISSION);
}

KTEST_F(mmu, pages_of_el0_are_out_of_reach, KT_EACH_CPU | KT_TARGET_ONLY)
{
	if (!((sysreg_read(id_aa64mmfr1_el1) >> 20) & 0xf)) {
		kt_skip("this core has no PAN");
		return;
	}
	with_descriptor(DESC_EL0, arm64_probe_read, READ_PERMISSION);
}

KTEST_F(mmu, address_without_memory_is_an_external_abort, KT_EACH_CPU | KT_TARGET_ONLY)
{
	const uint64_t nothing_on_virt = 0x0f000000;
	void *va;

	if (device_find("linux,dummy-virt", -1) < 0) {
		kt_skip("only on QEMU's virt board is it known where nothing is");
		return;
	}
	va = arm64_map_device(nothing_on_virt, PAGE_SIZE);
	if (!KT_TRUE(va != NULL))
		return;
	refuses(arm64_probe_read, AT(va), READ_EXTERNAL);
}

/* The boot core's control registers are those that the cases above were written for. */
KTEST_F(mmu, every_core_has_the_same_controls, KT_EACH_CPU | KT_TARGET_ONLY)
{
	uint64_t on = SCTLR_M | SCTLR_A | SCTLR_C | SCTLR_SA | SCTLR_I | SCTLR_WXN;

	KT_EQ(sysreg_read(sctlr_el1) & on, on);
	KT_EQ(sysreg_read(ttbr0_el1), virt_to_phys(arm64_null_table));
	KT_EQ(sysreg_read(ttbr1_el1), virt_to_phys(arm64_root_table));
	KT_EQ(sysreg_read(mair_el1), MAIR_VALUE);
	KT_EQ((uint32_t)sysreg_read(tcr_el1), (uint32_t)(TCR_VALUE));
	KT_EQ(sysreg_read(cpacr_el1), 0);
	KT_EQ(sysreg_read(spsel), 0);
}
