/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of a program at EL1 or EL2: everything where it is, and as little of it as possible
 * may be executed.
 *
 * 39 bits of address: at the root a table whose entries are of 1 GiB. The first GiB of a virt board
 * is devices. RAM is mapped in blocks of 2 MiB: first the image's own block, page by page, and the
 * device tree's, without which nothing else could be known; then, with the MMU on, each range of
 * memory that the tree names (mmu_add(), boot, one core). Entries only ever go from invalid to
 * valid, so nothing has to be invalidated; a DSB lets the walk see them.
 *
 * Cache maintenance is here as well, of memory that goes to a kernel or a guest: it begins with its
 * caches off, and reads what is in memory, and a line that is left dirty would be written over what
 * it stores.
 */
#define ZONAL_PORT
#include "mmu.h"
#include "sysreg.h"
#include "zonal.h"

#define ENTRIES 512u
#define SHIFT_ROOT 30u
#define SHIFT_BLOCK 21u
#define MAPPED_GIB 8u /* tables for so much RAM */

#define DESC_TABLE 3ull
#define DESC_PAGE 3ull
#define DESC_BLOCK 1ull
#define DESC_DEVICE (1ull << 2)     /* attribute 1 of MAIR */
#define DESC_READ_ONLY (1ull << 7)
#define DESC_INNER (3ull << 8)
#define DESC_ACCESSED (1ull << 10)
#define DESC_RAM (DESC_INNER | DESC_ACCESSED)
#define DESC_ADDRESS 0x0000fffffffff000ull

/* At EL2 one bit says that nothing is executed, and AP[1] is RES1. At EL1 there is a bit for EL0,
 * which executes nothing here, and one for EL1. */
#define EL2_ALWAYS (1ull << 6)
#define EL2_NEVER (1ull << 54)
#define EL1_ALWAYS (1ull << 54)
#define EL1_NEVER (1ull << 53)

#define RAM_START 0x40000000u /* what lies below is devices */
#define BLOCK_BYTES ((uint64_t)1 << SHIFT_BLOCK)

typedef uint64_t table_t[ENTRIES];

_Alignas(4096) table_t mmu_root;
static _Alignas(4096) table_t blocks[MAPPED_GIB], image_pages;
static unsigned used;
static uint64_t always, never; /* bits of each entry; of one that is not executed */

extern char image_start[], text_end[];

static uint64_t *block_entry(uint64_t address)
{
	uint64_t *root = &mmu_root[(address >> SHIFT_ROOT) % ENTRIES];

	if (!*root) {
		if (used == MAPPED_GIB)
			return NULL;
		*root = (uint64_t)(blocks[used++]) | DESC_TABLE;
	}
	return &((uint64_t *)(*root & DESC_ADDRESS))[(address >> SHIFT_BLOCK) % ENTRIES];
}

void mmu_add(uint64_t start, uint64_t bytes)
{
	for (uint64_t at = start & ~(BLOCK_BYTES - 1); at < start + bytes; at += BLOCK_BYTES) {
		uint64_t *entry = block_entry(at);

		if (!entry)
			zonal_port_panic("RAM at 0x%llx: there are tables for %u GiB",
					 (unsigned long long)at, MAPPED_GIB);
		if (!*entry)
			*entry = at | DESC_BLOCK | DESC_RAM | always | never;
	}
	dsb(ishst); /* the entries before any use of them, by any core's walk */
	isb();      /* and no access of ours was begun before that */
}

/* Called with the MMU off: plain stores, which start.S keeps out of stale lines. */
void mmu_build(const void *tree)
{
	uint64_t image = (uint64_t)image_start;
	bool el2 = exception_level() == 2;

	always = el2 ? EL2_ALWAYS : EL1_ALWAYS;
	never = el2 ? EL2_NEVER : EL1_NEVER;
	mmu_root[0] = DESC_BLOCK | DESC_DEVICE | DESC_ACCESSED | always | never;
	for (unsigned page = 0; page < ENTRIES; page++) {
		uint64_t at = image + page * ZONAL_PAGE_SIZE;

		image_pages[page] = at | DESC_PAGE | DESC_RAM | always |
				    (at < (uint64_t)text_end ? DESC_READ_ONLY : never);
	}
	*block_entry(image) = (uint64_t)image_pages | DESC_TABLE;
	/* A tree has 2 MiB at most and may lie across a boundary. Below RAM is none, which
	 * who reads it says. */
	if ((uint64_t)tree >= RAM_START)
		mmu_add((uint64_t)tree, BLOCK_BYTES);
}

/* ---- caches ------------------------------------------------------------------- */

/* The smallest line of all data caches is CTR_EL0.DminLine, as the logarithm of words. */
static size_t line_bytes(void)
{
	return (size_t)4 << (sysreg_read(ctr_el0) >> 16 & 15);
}

void cache_clean(const void *start, size_t bytes)
{
	uint64_t line = line_bytes(), end = (uint64_t)start + bytes;

	for (uint64_t at = (uint64_t)start & ~(line - 1); at < end; at += line)
		__asm__ volatile("dc civac, %0" : : "r"(at) : "memory");
	dsb(sy); /* it is in memory before who is past the caches looks */
}

/*
 * Drop what any core has fetched. By address would not do: a guest has its code at others. What was
 * written is in memory already (cache_clean()), so it is where instructions come from.
 */
void icache_forget(void)
{
	__asm__ volatile("ic ialluis" : : : "memory");
	dsb(ish); /* it is done on all cores before the guest goes on */
}
