/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What runs with the MMU off: make the image fit to run where it was loaded.
 *
 * Called once by start.S, on the boot stack, at physical addresses. Rules here: no
 * exclusives or atomics (memory is Device-nGnRnE), no unaligned access, no use of a stored
 * pointer (those already hold, or will hold, addresses of the upper half), no log.
 *
 *   1. Relocate. The image is a static PIE; its relocations are all R_AARCH64_RELATIVE: the word
 *      at `offset` gets `addend`, both moved by the distance between where the image was
 *      linked and the upper-half address that it runs at.
 *   2. Patch the atomic helpers to LSE instructions if the CPU has them. Text is still
 *      writable; start.S invalidates the instruction cache before the MMU goes on.
 *   3. Build the page tables: the image with its final rights, the identity map of the one
 *      page that turns the MMU on, and the empty tables that TTBR0 keeps.
 *
 * So no page of the image is ever writable and executable while the MMU is on.
 */
#include <zonal/port.h>

#include "arm64_cpu.h"
#include "arm64_mmu.h"
#include "arm64_sysreg.h"

/* Where kernel.ld links the image to. */
#define LINK_ADDRESS 0xffff000040200000ull
#define R_AARCH64_RELATIVE 1027
#define INSTRUCTION_RET 0xd65f03c0u

struct relocation {
	uint64_t offset;
	uint64_t info;
	uint64_t addend;
};

/* `place` bytes from here stands what `instruction` can replace: the start of a helper (atomic.S),
 * with a RET behind it, or a branch at a place of use (port_impl.h). */
struct lse_patch {
	int32_t place;
	uint32_t instruction;
};

extern const struct relocation __start_relocations[], __stop_relocations[];
extern const struct lse_patch __start_lse_patches[], __stop_lse_patches[];
extern const struct lse_patch __start_lse_sites[], __stop_lse_sites[];
extern char __idmap_start[];
extern char arm64_boot_stack_end[], arm64_boot_irq_stack_end[];

void arm64_early(void);

static uint64_t upper(const void *p) { return (uintptr_t)p | ARM64_LINEAR_OFFSET; }

/* False if the table holds something that this loop cannot apply. */
static bool relocate(void)
{
	uint64_t delta = upper(_start) - LINK_ADDRESS;

	for (const struct relocation *r = __start_relocations; r < __stop_relocations; r++) {
		if ((uint32_t)r->info != R_AARCH64_RELATIVE)
			return false;
		*(uint64_t *)(uintptr_t)virt_to_phys((void *)(uintptr_t)(r->offset + delta)) =
			r->addend + delta;
	}
	return true;
}

static uint32_t *place_of(const struct lse_patch *p)
{
	return (uint32_t *)((uintptr_t)&p->place + (uintptr_t)p->place);
}

static void patch_atomics(void)
{
	unsigned atomics = (sysreg_read(id_aa64isar0_el1) >> 20) & 0xf;

	if (atomics < 2)
		return;
	for (const struct lse_patch *p = __start_lse_patches; p < __stop_lse_patches; p++) {
		place_of(p)[0] = p->instruction;
		place_of(p)[1] = INSTRUCTION_RET;
	}
	for (const struct lse_patch *p = __start_lse_sites; p < __stop_lse_sites; p++)
		*place_of(p) = p->instruction;
}

/* Pages [from, to) of the image at its linear address. */
static bool map_part(const char *from, const char *to, enum arm64_map kind)
{
	struct mmu_range range = {
		.va = upper(from), .phys = virt_to_phys(from), .bytes = (uint64_t)(to - from),
		.kind = kind, .block_level = 3,
	};

	return mmu_map(arm64_root_table, &range);
}

static bool map_idmap(void)
{
	struct mmu_range range = {
		.va = virt_to_phys(__idmap_start), .phys = virt_to_phys(__idmap_start),
		.bytes = PAGE_SIZE, .kind = ARM64_MAP_TEXT, .block_level = 3,
	};

	return mmu_map(arm64_idmap_table, &range);
}

/* Tables down to the last level for page 0, and the page itself invalid again. */
static bool map_null(void)
{
	struct mmu_range range = { .bytes = PAGE_SIZE, .kind = ARM64_MAP_RODATA, .block_level = 3 };

	if (!mmu_map(arm64_null_table, &range))
		return false;
	*mmu_page_entry(arm64_null_table, 0) = 0;
	return true;
}

static void unmap_guard(const char *guard)
{
	for (unsigned offset = 0; offset < ARM64_STACK_BYTES; offset += PAGE_SIZE)
		*mmu_page_entry(arm64_root_table, upper(guard + offset)) = DESC_GUARD;
}

void arm64_early(void)
{
	bool done = relocate();

	patch_atomics();
	done = done && map_part(_start, _end_text, ARM64_MAP_TEXT) &&
	       map_part(_end_text, _end_rodata, ARM64_MAP_RODATA) &&
	       map_part(_end_rodata, _end, ARM64_MAP_DATA) && map_idmap() && map_null();
	/* Nothing can be printed yet. kernel.ld sees to it that this does not happen: the pool of
	 * tables holds what the largest image that it links needs, wherever that is loaded. */
	while (!done)
		arm64_wfi();
	unmap_guard(arm64_boot_guard);
	unmap_guard(arm64_boot_irq_guard);
	arm64_cpus[0].irq_stack_top = (void *)(uintptr_t)upper(arm64_boot_irq_stack_end);
	arm64_cpus[0].task_stack_top = (void *)(uintptr_t)upper(arm64_boot_stack_end);
}
