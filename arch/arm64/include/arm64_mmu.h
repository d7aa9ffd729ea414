/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables, for the files of arch/arm64 only.
 */
#ifndef ARM64_MMU_H
#define ARM64_MMU_H

#include <zonal/port.h>

#include "arm64_memory.h"

#define TABLE_ENTRIES 512
#define TABLE_LEVELS 4

/* Descriptors, VMSAv8-64 stage 1. */
#define DESC_VALID (1ull << 0)
#define DESC_TABLE (1ull << 1)      /* level 0-2: a table; level 3: a page */
#define DESC_DEVICE (0ull << 2)     /* index into MAIR_EL1 */
#define DESC_NORMAL (1ull << 2)
#define DESC_ATTRIBUTE (7ull << 2)
#define DESC_EL0 (1ull << 6)        /* AP[1]: EL0 may access */
#define DESC_READONLY (1ull << 7)   /* AP[2] */
#define DESC_INNER_SHARED (3ull << 8)
#define DESC_ACCESSED (1ull << 10)  /* AF: without it the first access faults */
#define DESC_NOT_GLOBAL (1ull << 11) /* its TLB entry is for one ASID */
#define DESC_PXN (1ull << 53)       /* no execution at EL1 */
#define DESC_UXN (1ull << 54)       /* no execution at EL0 */
#define DESC_GUARD (1ull << 55)     /* ours, in an invalid descriptor: never to be mapped */
#define DESC_FROM_ALLOCATOR (1ull << 56) /* ours, in a table descriptor: the table can be freed */
#define DESC_ADDRESS 0x0000fffffffff000ull

/* Linker symbols, page-aligned: text, then read-only data, then data. */
extern char _start[], _end_text[], _end_rodata[], _end[];
/* start.S: ARM64_STACK_BYTES of unmapped space below each of the boot core's two stacks. */
extern char arm64_boot_guard[], arm64_boot_irq_guard[];

extern uint64_t arm64_root_table[TABLE_ENTRIES];  /* TTBR1 */
extern uint64_t arm64_null_table[TABLE_ENTRIES];  /* TTBR0 */
extern uint64_t arm64_idmap_table[TABLE_ENTRIES]; /* TTBR0 while the MMU goes on */

/* A range to map: where, what, and the lowest level at which a block is allowed (1: 1 GiB,
 * 2: 2 MiB, 3: pages only). */
struct mmu_range {
	uint64_t va;
	uint64_t phys;
	uint64_t bytes;
	enum arm64_map kind;
	unsigned block_level;
};

/*
 * Map a page-aligned range in the tables under `root`; mapped pages of it stay as they are.
 * False if no page is left for a table. Takes no lock: before the MMU is on there is one
 * CPU and no exclusives; later through mmu_lock()/mmu_unlock().
 */
bool mmu_map(uint64_t *root, const struct mmu_range *range) ZN_MUST_USE;
/* As arm64_walk(), in the tables under `root`, of which the first byte is `va`. */
bool mmu_walk(const uint64_t *root, uint64_t va,
	      bool (*visit)(void *ctx, const struct arm64_leaf *leaf), void *ctx);
/* The level 3 descriptor of va under `root`, or NULL if a block or nothing is there. */
uint64_t *mmu_page_entry(uint64_t *root, uint64_t va);
/* Replace that descriptor; kind NONE or GUARD unmaps. Follows break-before-make. */
void mmu_set_page(uint64_t *entry, uint64_t va, uint64_t phys, enum arm64_map kind);
/* True if the linear map and this CPU can address the range. Logs if not. */
bool mmu_range_fits(uint64_t phys, uint64_t bytes);

/*
 * Take away the last-level table that maps the 2 MiB around va, in which nothing is mapped.
 * Returns its page if that came from the page allocator; else keeps it for the next table and
 * returns 0.
 */
uint64_t mmu_table_detach(uint64_t va);
/* What lies at an address, for a report: "page 0 (NULL pointer)", "guard below a stack", ... */
const char *mmu_describe(uint64_t va);
bool mmu_is_guard(uint64_t va);

/* A page from where tables come from too, for good; physical address or 0. */
uint64_t mmu_page_take(void);
/* A stack for a CPU, for good, out of such pages; lowest address or NULL. Context: boot. */
void *mmu_stack_create(void);

/* Hold off other writers of the tables. */
port_irqflags_t mmu_lock(void);
void mmu_unlock(port_irqflags_t flags);

/*
 * A table by the physical address in its descriptor. Before the MMU is on the code runs at
 * physical addresses and so must its pointers be; after, both are in the upper half. The
 * address of a symbol tells which.
 */
static inline uint64_t *mmu_table_at(uint64_t phys)
{
	return (uint64_t *)(uintptr_t)(phys | ((uintptr_t)_start & ARM64_LINEAR_OFFSET));
}

#endif
