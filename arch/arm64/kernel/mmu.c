/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables: 48-bit addresses, 4 KiB pages, four levels.
 *
 * The same code builds the first tables with the MMU off and extends them later; it
 * reaches tables through mmu_table_at(), which works in both worlds.
 *
 * Rules that keep the tables right on any core:
 *
 *   - Access rights come from one table, kind_bits[], in which no kind is writable and
 *     executable. Nothing else makes a leaf.
 *   - A new table is zeroed, and that is made visible to page-table walks (DSB ISHST),
 *     before a descriptor points to it.
 *   - An invalid descriptor may become valid at any time. A valid one changes only through
 *     invalid, with the TLB entry of all cores gone in between (break-before-make).
 *   - A block is never split: other cores may be using it. Of the tables only those of the stack
 *     window are given back, when the last stack below one is gone.
 *   - Each descriptor is written by one 64-bit store.
 *
 * RAM is mapped with the largest blocks that fit, 1 GiB where possible, so that the cost
 * for a page of RAM is next to nothing. Writers hold map_lock; the hardware walks the
 * tables without it.
 */
#include <string.h>

#include <zonal/boot_info.h>
#include <zonal/port.h>

#include "lib/lock.h"
#include "arm64_mmu.h"
#include "arm64_sysreg.h"

/* Enough for the image, the device tree, a dozen devices and the RAM around the image. */
#define POOL_PAGES 48

uint64_t arm64_root_table[TABLE_ENTRIES] ZN_ALIGNED(4096);
uint64_t arm64_null_table[TABLE_ENTRIES] ZN_ALIGNED(4096);
uint64_t arm64_idmap_table[TABLE_ENTRIES] ZN_ALIGNED(4096);

static uint64_t pool[POOL_PAGES][TABLE_ENTRIES] ZN_ALIGNED(4096);
static struct ticket_lock map_lock = LOCK_INIT(LOCK_PAGE_TABLES);
static unsigned pool_used;               /* map_lock */
static uint64_t spare;                   /* map_lock: detached table, its first word the next */
static uint64_t (*table_source)(void);   /* map_lock */

static const uint64_t kind_bits[ARM64_MAP_KINDS] = {
	[ARM64_MAP_TEXT] = DESC_NORMAL | DESC_INNER_SHARED | DESC_READONLY | DESC_UXN,
	[ARM64_MAP_RODATA] = DESC_NORMAL | DESC_INNER_SHARED | DESC_READONLY | DESC_UXN | DESC_PXN,
	[ARM64_MAP_DATA] = DESC_NORMAL | DESC_INNER_SHARED | DESC_UXN | DESC_PXN,
	[ARM64_MAP_DEVICE] = DESC_DEVICE | DESC_UXN | DESC_PXN,
};

/* Taken here and dropped there: no name of the lock is known to both callers. */
LOCK_UNSAID port_irqflags_t mmu_lock(void)
{
	port_irqflags_t flags = port_irq_save();

	lock_take(&map_lock);
	return flags;
}

LOCK_UNSAID void mmu_unlock(port_irqflags_t flags)
{
	lock_drop(&map_lock);
	port_irq_restore(flags);
}

void arm64_table_source(uint64_t (*page)(void))
{
	port_irqflags_t flags = mmu_lock();

	ASSERT(page, "tables from nowhere");
	table_source = page;
	mmu_unlock(flags);
}

/* Physical address of an unused page, or 0; with DESC_FROM_ALLOCATOR if it can be freed. */
static uint64_t table_page(void)
{
	uint64_t phys = spare;

	if (phys) {
		spare = *mmu_table_at(phys);
		return phys;
	}
	if (pool_used < POOL_PAGES)
		return virt_to_phys(pool[pool_used++]);
	phys = table_source ? table_source() : 0;
	if (phys && table_source == arm64_table_from_allocator)
		phys |= DESC_FROM_ALLOCATOR;
	return phys;
}

uint64_t mmu_page_take(void)
{
	port_irqflags_t flags = mmu_lock();
	uint64_t phys = table_page() & DESC_ADDRESS;

	ASSERT(!(phys & (PAGE_SIZE - 1)), "a page at 0x%llx", (unsigned long long)phys);
	mmu_unlock(flags);
	return phys;
}

/* One store, so that no walk sees half a descriptor. */
static void entry_write(uint64_t *entry, uint64_t value) { *(volatile uint64_t *)entry = value; }

static bool entry_is_table(uint64_t descriptor, unsigned level)
{
	return level < 3 && (descriptor & (DESC_VALID | DESC_TABLE)) == (DESC_VALID | DESC_TABLE);
}

static unsigned level_shift(unsigned level) { return PAGE_SHIFT + 9 * (3 - level); }

static uint64_t *entry_of(uint64_t *table, uint64_t va, unsigned level)
{
	return &table[(va >> level_shift(level)) & (TABLE_ENTRIES - 1)];
}

/* Hang an empty table below an invalid entry. */
static uint64_t *table_add(uint64_t *entry)
{
	uint64_t phys = table_page();
	uint64_t *table = mmu_table_at(phys & DESC_ADDRESS);

	if (!phys)
		return NULL;
	memset(table, 0, PAGE_SIZE);
	arm64_dsb_ishst(); /* walks must find zeros, not what the page held before */
	entry_write(entry, phys | DESC_VALID | DESC_TABLE);
	return table;
}

static uint64_t leaf_make(uint64_t phys, unsigned level, enum arm64_map kind)
{
	return phys | kind_bits[kind] | DESC_ACCESSED | DESC_VALID | (level == 3 ? DESC_TABLE : 0);
}

/* A leaf of this level can start here and does not reach past the range. */
static bool leaf_fits(const struct mmu_range *range, unsigned level)
{
	uint64_t size = 1ull << level_shift(level);

	return level >= range->block_level && range->bytes >= size &&
	       !((range->va | range->phys) & (size - 1));
}

/* Map or pass over the first leaf of the range; returns how far that went, 0 without memory. */
static uint64_t map_step(uint64_t *table, const struct mmu_range *range)
{
	for (unsigned level = 0; table; level++) {
		uint64_t size = 1ull << level_shift(level);
		uint64_t *entry = entry_of(table, range->va, level);

		if (entry_is_table(*entry, level)) {
			table = mmu_table_at(*entry & DESC_ADDRESS);
		} else if (*entry & (DESC_VALID | DESC_GUARD)) {
			return size - (range->va & (size - 1));
		} else if (leaf_fits(range, level)) {
			entry_write(entry, leaf_make(range->phys, level, range->kind));
			return size;
		} else {
			table = table_add(entry);
		}
	}
	return 0;
}

bool mmu_map(uint64_t *root, const struct mmu_range *range)
{
	struct mmu_range rest = *range;

	while (rest.bytes) {
		uint64_t step = map_step(root, &rest);

		if (!step)
			return false;
		step = ZN_MIN(step, rest.bytes);
		rest.va += step;
		rest.phys += step;
		rest.bytes -= step;
	}
	/* The stores must be seen by walks, and the ISB keeps this core from using an
	 * instruction stream that it fetched without them. */
	arm64_dsb_ishst();
	arm64_isb();
	return true;
}

/* The entry for va in the table of that level, or NULL if a block or nothing is above it. */
static uint64_t *entry_find(uint64_t *root, uint64_t va, unsigned wanted)
{
	uint64_t *table = root;

	ASSERT(wanted < TABLE_LEVELS, "level %u", wanted);
	for (unsigned level = 0; level < wanted; level++) {
		uint64_t *entry = entry_of(table, va, level);

		if (!entry_is_table(*entry, level))
			return NULL;
		table = mmu_table_at(*entry & DESC_ADDRESS);
	}
	return entry_of(table, va, wanted);
}

uint64_t *mmu_page_entry(uint64_t *root, uint64_t va) { return entry_find(root, va, 3); }

/* Forget the translation of va on all cores, after its descriptor became invalid. */
static void tlb_drop(uint64_t va)
{
	arm64_dsb_ishst(); /* the store is seen before the TLB entry goes */
	__asm__ volatile("tlbi vaae1is, %0" : : "r"((va >> PAGE_SHIFT) & 0xfffffffffff) : "memory");
	arm64_dsb_ish(); /* every core is done with the old translation */
	arm64_isb();
}

void mmu_set_page(uint64_t *entry, uint64_t va, uint64_t phys, enum arm64_map kind)
{
	DASSERT_HELD(&map_lock);
	ASSERT(!((va | phys) & (PAGE_SIZE - 1)) && kind < ARM64_MAP_KINDS,
	       "0x%llx to 0x%llx, kind %d", (unsigned long long)va, (unsigned long long)phys,
	       (int)kind);
	if (*entry & DESC_VALID) {
		entry_write(entry, 0);
		tlb_drop(va);
	}
	if (kind == ARM64_MAP_NONE || kind == ARM64_MAP_GUARD) {
		entry_write(entry, kind == ARM64_MAP_GUARD ? DESC_GUARD : 0);
		return;
	}
	entry_write(entry, leaf_make(phys, 3, kind));
	arm64_dsb_ishst();
	arm64_isb();
}

/* Under the lock: take the table out; see mmu_table_detach(). */
static uint64_t table_take_out(uint64_t *entry, uint64_t va)
{
	uint64_t table = *entry;
	uint64_t phys = table & DESC_ADDRESS;

	DASSERT_HELD(&map_lock);
	entry_write(entry, 0);
	/* TLBI by address drops cached descriptors of all levels, not only leaves. */
	tlb_drop(va);
	if (table & DESC_FROM_ALLOCATOR)
		return phys;
	*mmu_table_at(phys) = spare;
	spare = phys;
	return 0;
}

uint64_t mmu_table_detach(uint64_t va)
{
	port_irqflags_t flags = mmu_lock();
	uint64_t *entry = entry_find(arm64_root_table, va, 2);
	uint64_t phys = 0;

	ASSERT(va >= ARM64_STACK_WINDOW, "0x%llx: tables of the linear map stay",
	       (unsigned long long)va);
	if (entry && entry_is_table(*entry, 2))
		phys = table_take_out(entry, va);
	mmu_unlock(flags);
	return phys;
}

/* Physical address bits of this CPU, at most the 48 that four levels of 4 KiB pages give. */
static unsigned physical_bits(void)
{
	static const uint8_t bits[] = { 32, 36, 40, 42, 44, 48 };
	unsigned range = sysreg_read(id_aa64mmfr0_el1) & 0xf;

	return bits[ZN_MIN(range, ARRAY_SIZE(bits) - 1)];
}

bool mmu_range_fits(uint64_t phys, uint64_t bytes)
{
	uint64_t limit = ZN_MIN(1ull << physical_bits(), ARM64_PHYS_LIMIT);

	if (bytes && phys < limit && bytes <= limit - phys)
		return true;
	port_log("mmu: cannot map 0x%llx bytes at 0x%llx: must be inside of 0..0x%llx",
		 (unsigned long long)bytes, (unsigned long long)phys, (unsigned long long)limit);
	return false;
}

/* The common part of the three public mapping calls. */
static bool map_linear(uint64_t phys, uint64_t bytes, enum arm64_map kind, unsigned block_level)
{
	struct mmu_range range = { .kind = kind, .block_level = block_level };
	port_irqflags_t flags;
	bool done;

	ASSERT(kind < ARM64_MAP_KINDS && block_level >= 1 && block_level < TABLE_LEVELS,
	       "kind %d, level %u", (int)kind, block_level);
	if (!mmu_range_fits(phys, bytes))
		return false;
	range.phys = align_down(phys, PAGE_SIZE);
	range.bytes = align_up(phys + bytes, PAGE_SIZE) - range.phys;
	range.va = range.phys | ARM64_LINEAR_OFFSET;
	flags = mmu_lock();
	done = mmu_map(arm64_root_table, &range);
	mmu_unlock(flags);
	if (!done)
		port_log("mmu: no page left for a table while mapping 0x%llx bytes at 0x%llx",
			 (unsigned long long)bytes, (unsigned long long)phys);
	return done;
}

bool arm64_map_ram(uint64_t phys, uint64_t bytes)
{
	return map_linear(phys, bytes, ARM64_MAP_DATA, 1);
}

void *arm64_map_device(uint64_t phys, size_t bytes)
{
	return map_linear(phys, bytes, ARM64_MAP_DEVICE, 2) ? phys_to_virt(phys) : NULL;
}

bool arm64_map_readonly(uint64_t phys, uint64_t bytes)
{
	return map_linear(phys, bytes, ARM64_MAP_RODATA, 3);
}

bool arm64_protect(void *va, size_t bytes, enum arm64_map kind)
{
	uint64_t start = align_down((uintptr_t)va, PAGE_SIZE);
	uint64_t end = align_up((uintptr_t)va + bytes, PAGE_SIZE);
	port_irqflags_t flags = mmu_lock();
	bool done = true;

	ASSERT(bytes && kind < ARM64_MAP_KINDS, "%zu bytes at %p, kind %d", bytes, va, (int)kind);
	for (uint64_t page = start; page < end && done; page += PAGE_SIZE) {
		uint64_t *entry = mmu_page_entry(arm64_root_table, page);

		done = entry && (*entry & DESC_VALID);
		if (done)
			mmu_set_page(entry, page, *entry & DESC_ADDRESS, kind);
	}
	mmu_unlock(flags);
	return done;
}

bool arm64_guard_page(void *va)
{
	return arm64_protect(va, PAGE_SIZE, ARM64_MAP_GUARD);
}

uint64_t arm64_translate(const void *va)
{
	port_irqflags_t flags = port_irq_save();
	uint64_t result;

	/* Masked, because a handler could translate too and overwrite PAR_EL1. */
	__asm__ volatile("at s1e1r, %0" : : "r"(va) : "memory");
	arm64_isb(); /* PAR_EL1 has the answer only then */
	result = sysreg_read(par_el1);
	port_irq_restore(flags);
	if (result & 1)
		return UINT64_MAX;
	return (result & DESC_ADDRESS) | ((uintptr_t)va & (PAGE_SIZE - 1));
}
