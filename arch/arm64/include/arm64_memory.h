/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where things are in the virtual address space, and the mapping calls.
 *
 *	0000000000000000  TTBR0: nothing. The page tables exist down to the last
 *	                  level, so that a NULL access is a level 3 translation fault.
 *	ffff000000000000  TTBR1: linear map. VA = PA | ARM64_LINEAR_OFFSET for RAM, the image,
 *	                  the device tree and device registers. Only what somebody
 *	                  asked for is mapped.
 *	ffffff0000000000  stacks: slots of 32 KiB, lower half never mapped (guard).
 *
 * Each physical page has at most one mapping with the exception of stacks, whose
 * pages are also in the linear map, as data. No function here can make a page
 * that is both writable and executable, at EL1 or EL0.
 */
#ifndef ARM64_MEMORY_H
#define ARM64_MEMORY_H

#define ARM64_LINEAR_OFFSET 0xffff000000000000
#define ARM64_STACK_WINDOW 0xffffff0000000000
#define ARM64_STACK_SHIFT 14
#define ARM64_STACK_BYTES (1 << ARM64_STACK_SHIFT)
#define ARM64_STACK_SLOT_BYTES (2 * ARM64_STACK_BYTES)
/* Most kernel stacks at one time; two a CPU and one a task. */
#ifndef ARM64_STACK_SLOTS
#define ARM64_STACK_SLOTS 16384
#endif

#ifndef __ASSEMBLER__

#include <zonal/types.h>

/* First byte that the linear map cannot hold; the stack window lies there. */
#define ARM64_PHYS_LIMIT (ARM64_STACK_WINDOW & ~ARM64_LINEAR_OFFSET)

static inline void *phys_to_virt(uint64_t phys)
{
	return (void *)(uintptr_t)(phys | ARM64_LINEAR_OFFSET);
}

/* For addresses of the linear map and the image; not for stacks (arm64_translate()). */
static inline uint64_t virt_to_phys(const volatile void *va)
{
	return (uint64_t)(uintptr_t)va & ~ARM64_LINEAR_OFFSET;
}

/* What a page is for; access rights follow from it. */
enum arm64_map {
	ARM64_MAP_NONE,   /* not mapped */
	ARM64_MAP_GUARD,  /* not mapped, and mapping RAM over it leaves it so */
	ARM64_MAP_TEXT,   /* read and execute at EL1 */
	ARM64_MAP_RODATA, /* read */
	ARM64_MAP_DATA,   /* read and write */
	ARM64_MAP_DEVICE, /* read and write, Device-nGnRE */
	ARM64_MAP_KINDS
};

/*
 * Map [phys, phys + bytes), widened to pages, at its linear address. Pages of it that are
 * mapped already keep their rights, guards stay guards. False, with a line of log, if the
 * range lies above what the CPU or the linear map can address, or no page is left for a
 * table.
 * Context: boot or task; not from an interrupt.
 */
bool arm64_map_ram(uint64_t phys, uint64_t bytes) ZN_MUST_USE;

/*
 * Map device registers; NULL as above. The address returned is phys_to_virt(phys).
 */
void *arm64_map_device(uint64_t phys, size_t bytes) ZN_MUST_USE;

/* Map [phys, phys + bytes) read-only, no execution (the device tree, an initrd). */
bool arm64_map_readonly(uint64_t phys, uint64_t bytes) ZN_MUST_USE;

/*
 * Give the mapped 4 KiB pages of [va, va + bytes) the rights of `kind`; NONE and GUARD
 * unmap them. False if a page is not mapped or part of a larger block: blocks are in use by
 * all CPUs and are never split. Context: boot or task.
 */
bool arm64_protect(void *va, size_t bytes, enum arm64_map kind) ZN_MUST_USE;

/* The page at va becomes a guard: any access faults. Rules of arm64_protect(). */
bool arm64_guard_page(void *va) ZN_MUST_USE;

/*
 * Where further page-table pages come from: a function that returns the physical address of a
 * page that is in the linear map, contents undefined, or 0. At boot a small pool in the image
 * is used first; once it is empty and no source is set, mapping fails.
 */
void arm64_table_source(uint64_t (*page)(void));
/* Such a source, out of the page allocator; for use from zonal_boot_done() on. */
uint64_t arm64_table_from_allocator(void);
void arm64_table_to_allocator(uint64_t phys);

/*
 * A stack of ARM64_STACK_BYTES with unmapped space below it. `phys` is ARM64_STACK_BYTES of
 * contiguous RAM that the caller owns. Returns the lowest address of the stack (its top
 * is ARM64_STACK_BYTES above), NULL if all ARM64_STACK_SLOTS are taken or no table page is
 * left. Context: boot or task.
 */
void *arm64_stack_map(uint64_t phys) ZN_MUST_USE;
/* Take such a stack away again; its memory is the caller's. Nobody may run on it. */
void arm64_stack_unmap(void *stack);
/* How many slots are in use (command `limits`). */
unsigned arm64_stack_count(void);

/* Physical address that EL1 would read va from, or UINT64_MAX if it would fault. */
uint64_t arm64_translate(const void *va);

/* Clear `count` pages of the linear map. */
void arm64_clear_pages(void *va, size_t count);

/* One mapped page or block, as arm64_walk() reports it. */
struct arm64_leaf {
	uint64_t va;
	uint64_t phys;
	uint64_t bytes;
	uint64_t descriptor;
	bool el1_write, el1_exec, el0_read, el0_write, el0_exec;
	bool device;
};

/*
 * Visit each leaf that TTBR0 (as set after boot, and the identity map used to turn the MMU on)
 * and TTBR1 reach, in order of address. Stops when visit() returns false, and returns that.
 */
bool arm64_walk(bool (*visit)(void *ctx, const struct arm64_leaf *leaf), void *ctx);

#endif
#endif
