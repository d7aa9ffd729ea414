/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of EL2: everything where it is, and as little of it as possible may be executed.
 *
 * 39 bits of address: at the root a table whose entries are of 1 GiB. The first GiB of a virt board
 * is devices. RAM is mapped in blocks of 2 MiB: first the image's own block, page by page, and the
 * device tree's, without which nothing else could be known; then, with the MMU on, each range of
 * memory that the tree names (hv_mmu_add(), boot, one core). Entries only ever go from invalid to
 * valid, so nothing has to be invalidated; a DSB lets the walk see them.
 *
 * Cache maintenance of guests' memory is here as well: a guest begins with its caches off, and
 * reads what is in memory, and a line that is left dirty would be written over what it stores.
 */
#include "hv.h"

#define ENTRIES 512u
#define SHIFT_ROOT 30u
#define SHIFT_BLOCK 21u
#define MAPPED_GIB 8u /* tables for so much RAM */

#define DESC_TABLE 3ull
#define DESC_PAGE 3ull
#define DESC_BLOCK 1ull
#define DESC_DEVICE (1ull << 2)     /* attribute 1 of MAIR_EL2 */
#define DESC_RES1 (1ull << 6)       /* AP[1] has no meaning at EL2 */
#define DESC_READ_ONLY (1ull << 7)
#define DESC_INNER (3ull << 8)
#define DESC_ACCESSED (1ull << 10)
#define DESC_XN (1ull << 54)
#define DESC_RAM (DESC_RES1 | DESC_INNER | DESC_ACCESSED)
#define DESC_ADDRESS 0x0000fffffffff000ull

typedef uint64_t table_t[ENTRIES];

_Alignas(4096) table_t hv_root_table;
static _Alignas(4096) table_t blocks[MAPPED_GIB], image_pages;
static unsigned used;

extern char hv_image_start[], hv_text_end[];

static uint64_t *block_entry(uint64_t address)
{
	uint64_t *root = &hv_root_table[(address >> SHIFT_ROOT) % ENTRIES];

	if (!*root) {
		if (used == MAPPED_GIB)
			return NULL;
		*root = hv_address(blocks[used++]) | DESC_TABLE;
	}
	return &((uint64_t *)hv_pointer(*root & DESC_ADDRESS))[(address >> SHIFT_BLOCK) % ENTRIES];
}

void hv_mmu_add(uint64_t start, uint64_t bytes)
{
	for (uint64_t at = start & ~(BLOCK_BYTES - 1); at < start + bytes; at += BLOCK_BYTES) {
		uint64_t *entry = block_entry(at);

		if (!entry)
			zonal_port_panic("RAM at 0x%llx: there are tables for %u GiB",
					 (unsigned long long)at, MAPPED_GIB);
		if (!*entry)
			*entry = at | DESC_BLOCK | DESC_RAM | DESC_XN;
	}
	dsb(ishst); /* the entries before any use of them, by any core's walk */
	isb();      /* and no access of ours was begun before that */
}

/* Called with the MMU off: plain stores, which start.S keeps out of stale lines. */
void hv_mmu_build(const void *tree)
{
	uint64_t image = hv_address(hv_image_start);

	hv_root_table[0] = DESC_BLOCK | DESC_DEVICE | DESC_RES1 | DESC_ACCESSED | DESC_XN;
	for (unsigned page = 0; page < ENTRIES; page++) {
		uint64_t at = image + page * ZONAL_PAGE_SIZE;

		image_pages[page] = at | DESC_PAGE | DESC_RAM |
				    (at < hv_address(hv_text_end) ? DESC_READ_ONLY : DESC_XN);
	}
	*block_entry(image) = hv_address(image_pages) | DESC_TABLE;
	/* A tree has 2 MiB at most and may lie across a boundary. Below RAM is none: board.c says
	 * so. */
	if (hv_address(tree) >= HV_RAM)
		hv_mmu_add(hv_address(tree), BLOCK_BYTES);
}

/* ---- caches ------------------------------------------------------------------- */

/* The smallest line of all data caches is CTR_EL0.DminLine, as the logarithm of words. */
static size_t line_bytes(void)
{
	return (size_t)4 << (sysreg_read(ctr_el0) >> 16 & 15);
}

void hv_cache_clean(const void *start, size_t bytes)
{
	uint64_t line = line_bytes(), end = hv_address(start) + bytes;

	for (uint64_t at = hv_address(start) & ~(line - 1); at < end; at += line)
		__asm__ volatile("dc civac, %0" : : "r"(at) : "memory");
	dsb(sy); /* it is in memory before a guest, past the caches, looks */
}

/*
 * Drop what any core has fetched. By address would not do: a guest has its code at others. What was
 * written is in memory already (hv_cache_clean()), so it is where instructions come from.
 */
void hv_icache_forget(void)
{
	__asm__ volatile("ic ialluis" : : : "memory");
	dsb(ish); /* it is done on all cores before the guest goes on */
}
