/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables of programs: what TTBR0 points to while one runs.
 *
 * The kernel lives in TTBR1's half at every exception level, so a space is a table of its own and
 * nothing of the kernel is in it. Four levels of 4 KiB pages as there; leaves are pages, or blocks
 * of 2 MiB. Every leaf is non-global, so that its TLB entry belongs to the space's ASID, and never
 * executable at EL1. Rights come from leaf_bits() alone.
 *
 * Rules, as in mmu.c, of which the first three are the manual's:
 *
 *   - What a table holds is visible to walks (DSB ISHST) before a descriptor points to it, and a
 *     leaf before EL0 runs again: ERET is a context synchronization event.
 *   - A descriptor that changes its address or its size goes through invalid, with the TLB entry
 *     of all cores gone in between. Rights may change in place, and the TLB is told then.
 *   - A page or a table is given back only when the TLBI that forgets it has completed on all
 *     cores (DSB ISH). One barrier serves up to USER_BATCH of them. TLBI VAE1IS forgets
 *     cached tables on the way to the address too.
 *   - A space whose asid is 0 never ran: no TLB knows it.
 *   - An invalid last-level descriptor that is not 0 is a parked place (user_park.c): it counts
 *     as taken, keeps its rights, and goes with the range that it lies in.
 *
 * The access flag is set by hardware where TCR_EL1.HA says so (start.S); elsewhere the access
 * faults and user_port_use() sets it. Hardware may do so at any time, so the flag is cleared by
 * an atomic operation.
 *
 * Everything here is called with the space's lock held, but for making and dropping.
 */
#include <string.h>

#include "user_tables.h"

#define BLOCK_ORDER 9u
#define BLOCK_BYTES (PAGE_SIZE << BLOCK_ORDER)
#define SWEEP_STEPS 64u /* empty regions, or twice as many as last-level tables */

/* The valid leaf that maps va, NULL if there is none; *order is its size. */
static uint64_t *leaf_find(const struct user_port *port, uint64_t va, unsigned *order)
{
	uint64_t *entry = user_entry_find(port, va, 2);

	if (!entry || !(*entry & DESC_VALID))
		return NULL;
	*order = BLOCK_ORDER;
	if (!is_table(*entry))
		return entry;
	*order = 0;
	entry = entry_of(table_of(*entry), va, 3);
	return *entry & DESC_VALID ? entry : NULL;
}

/* The one place that turns rights into bits. EL1 never executes, and nobody what can be written. */
static uint64_t leaf_bits(uint32_t rights)
{
	ASSERT((rights & USER_READ) && (rights & (USER_WRITE | USER_EXEC)) !=
	       (USER_WRITE | USER_EXEC), "rights 0x%x", rights);
	return DESC_NORMAL | DESC_INNER_SHARED | DESC_EL0 | DESC_NOT_GLOBAL | DESC_ACCESSED |
	       DESC_PXN | DESC_VALID | (rights & USER_WRITE ? 0 : DESC_READONLY) |
	       (rights & USER_EXEC ? 0 : DESC_UXN);
}

void user_fetch_sync(uint64_t phys, uint64_t bytes)
{
	uint64_t ctr = sysreg_read(ctr_el0);
	uint64_t data = 4ull << ((ctr >> 16) & 0xf), fetch = 4ull << (ctr & 0xf);
	uint64_t start = (uintptr_t)phys_to_virt(phys);

	for (uint64_t va = start; va < start + bytes; va += data)
		__asm__ volatile("dc cvau, %0" : : "r"(va) : "memory");
	arm64_dsb_ish(); /* cleaned to where fetches look, then dropped there */
	for (uint64_t va = start; va < start + bytes; va += fetch)
		__asm__ volatile("ic ivau, %0" : : "r"(va) : "memory");
	arm64_dsb_ish(); /* every core is done; its ERET discards what was fetched before */
}

void user_port_make(struct user_port *port, uint64_t root)
{
	ASSERT(root && !(root & (PAGE_SIZE - 1)), "a table at 0x%llx", (unsigned long long)root);
	port->root = root;
}

void user_port_feed(struct user_port *port, uint64_t table)
{
	*table_of(table) = port->spare;
	port->spare = table;
}

static uint64_t spare_take(struct user_port *port)
{
	uint64_t table = port->spare;

	if (!table)
		return 0;
	port->spare = *table_of(table);
	*table_of(table) = 0;
	arm64_dsb_ishst(); /* walks must find zeros, not what the page held before */
	return table;
}

int user_port_map(struct user_port *port, uint64_t va, uint64_t phys, unsigned order,
		  uint32_t rights)
{
	uint64_t *table = table_of(port->root), *entry, next;
	unsigned leaf_level = order ? 2 : 3;

	ASSERT((!order || order == BLOCK_ORDER) && va < USER_LIMIT &&
	       !((va | phys) & ((PAGE_SIZE << order) - 1)), "0x%llx to 0x%llx, order %u",
	       (unsigned long long)va, (unsigned long long)phys, order);
	for (unsigned level = 0; level < leaf_level; level++) {
		entry = entry_of(table, va, level);
		if (!*entry) {
			next = spare_take(port);
			if (!next)
				return USER_ENOMEM;
			entry_write(entry, next | DESC_VALID | DESC_TABLE);
		}
		if (!is_table(*entry))
			return USER_EEXIST;
		table = table_of(*entry);
	}
	entry = entry_of(table, va, leaf_level);
	if (*entry)
		return USER_EEXIST;
	if (rights & USER_EXEC)
		user_fetch_sync(phys, PAGE_SIZE << order);
	entry_write(entry, phys | leaf_bits(rights) | (order ? 0 : DESC_TABLE));
	arm64_dsb_ishst();
	return 0;
}

bool user_port_look(const struct user_port *port, uint64_t va, uint64_t *phys, unsigned *order)
{
	uint64_t *entry = leaf_find(port, va, order);

	if (!entry)
		return false;
	*phys = *entry & DESC_ADDRESS & ~((PAGE_SIZE << *order) - 1);
	return true;
}

bool user_port_holds(const struct user_port *port, uint64_t va)
{
	const uint64_t *entry = user_entry_find(port, va, 2);

	return entry && *entry;
}

void user_port_use(struct user_port *port, uint64_t va)
{
	unsigned order;
	uint64_t *entry = leaf_find(port, va, &order);

	if (!entry || (*entry & DESC_ACCESSED))
		return;
	/* A descriptor without the flag is never in a TLB: nothing to forget. */
	entry_write(entry, *entry | DESC_ACCESSED);
	arm64_dsb_ishst();
}

bool user_port_used(struct user_port *port, uint64_t va, uint64_t phys, uint64_t *stale)
{
	uint64_t *entry = user_entry_find(port, va, 3);
	uint64_t old = entry ? *entry : 0;

	if ((old & (DESC_ADDRESS | DESC_VALID | DESC_ACCESSED)) !=
	    (phys | DESC_VALID | DESC_ACCESSED))
		return false;
	old = atomic_fetch_and_explicit((_Atomic uint64_t *)entry, ~DESC_ACCESSED,
					memory_order_relaxed);
	*stale = forget_operand(port, va);
	return old & DESC_ACCESSED;
}

/* A TLB that knows the page sets no flag. To invalidate it takes all cores, so it is not done under
 * a lock for which others spin; and nobody waits for the end of it, for it changes no mapping. If
 * the number is another space's by now, that one walks its tables once more. */
void user_port_see(uint64_t stale)
{
	forget_begin();
	forget_by_operand(stale);
}

int user_port_split(struct user_port *port, uint64_t va)
{
	uint64_t *entry = user_entry_find(port, va, 2), block, next, *table;

	ASSERT(entry && (*entry & DESC_VALID) && !is_table(*entry), "no block at 0x%llx",
	       (unsigned long long)va);
	next = spare_take(port);
	if (!next)
		return USER_ENOMEM;
	block = *entry;
	table = table_of(next);
	for (unsigned i = 0; i < TABLE_ENTRIES; i++)
		table[i] = (block + i * PAGE_SIZE) | DESC_TABLE;
	entry_write(entry, 0);
	forget_one(port, va);
	entry_write(entry, next | DESC_VALID | DESC_TABLE);
	arm64_dsb_ishst();
	return 0;
}

/* The leaf with other rights. A parked place gets them too, for when its page is back. */
static uint64_t changed_leaf(uint64_t old, uint32_t rights)
{
	uint64_t keep = DESC_ADDRESS | DESC_VALID | DESC_PARKED | DESC_HELD;

	if ((old & DESC_VALID) && (rights & USER_EXEC))
		user_fetch_sync(old & DESC_ADDRESS, PAGE_SIZE);
	return (old & keep) | (leaf_bits(rights) & ~DESC_VALID) | DESC_TABLE;
}

void user_port_protect(struct user_port *port, uint64_t va, uint64_t end, uint32_t rights)
{
	uint64_t *entry = user_entry_find(port, va, 3), from = va;

	ASSERT(va < end && align_down(va, BLOCK_BYTES) == align_down(end - 1, BLOCK_BYTES),
	       "0x%llx to 0x%llx", (unsigned long long)va, (unsigned long long)end);
	if (!entry)
		return;
	for (; va < end; va += PAGE_SIZE, entry++) {
		uint64_t old = *entry;

		if (!old)
			continue;
		entry_write(entry, changed_leaf(old, rights));
	}
	forget_begin();
	for (va = from; va < end; va += PAGE_SIZE)
		forget(port, va);
	forget_end();
}

/* ---- unmapping ---------------------------------------------------------- */

static void sweep_add(struct user_sweep *sweep, uint64_t page, uint64_t va)
{
	sweep->page[sweep->count] = page;
	sweep->va[sweep->count++] = va;
}

/* Leaves of one last-level table, up to `end`, to a place that is held, or until the batch has
 * room for its table alone. */
static uint64_t sweep_pages(struct user_sweep *sweep, uint64_t *entry, uint64_t end)
{
	uint64_t va = sweep->next;

	for (; va < end && sweep->count < USER_BATCH - 1; va += PAGE_SIZE, entry++) {
		uint64_t old = *entry;

		if (!old)
			continue;
		if (unlikely(!(old & DESC_VALID))) {
			sweep->held = old & DESC_HELD;
			if (sweep->held)
				break;
		}
		entry_write(entry, 0);
		sweep_add(sweep, (old & DESC_ADDRESS) | (old & DESC_VALID ? 0 : USER_BATCH_PARKED),
			  va);
	}
	return va;
}

/* The 2 MiB around sweep->next: a block, a table of pages, or nothing. */
static void sweep_region(struct user_sweep *sweep, uint64_t *entry)
{
	uint64_t va = sweep->next, base = align_down(va, BLOCK_BYTES);
	uint64_t end = ZN_MIN(base + BLOCK_BYTES, sweep->end), old = *entry;

	if (!old) {
		sweep->next = end;
		return;
	}
	if (!is_table(old)) {
		ASSERT(va == base && end == base + BLOCK_BYTES, "a part of the block at 0x%llx",
		       (unsigned long long)base);
		entry_write(entry, 0);
		sweep_add(sweep, (old & DESC_ADDRESS) | BLOCK_ORDER, va);
		sweep->next = end;
		return;
	}
	sweep->next = sweep_pages(sweep, entry_of(table_of(old), va, 3), end);
	/* All that the table can hold was to go, and is gone. */
	if (sweep->next == base + BLOCK_BYTES && sweep->start <= base && !sweep->keep_tables) {
		entry_write(entry, 0);
		sweep_add(sweep, (old & DESC_ADDRESS) | USER_BATCH_TABLE, base);
	}
}

/* How far nothing is mapped around va because a table above level 2 is missing; 0: none is. */
static uint64_t hole_end(const struct user_port *port, uint64_t va)
{
	uint64_t *table = table_of(port->root);

	for (unsigned level = 0; level < 2; level++) {
		table = table_below(table, va, level);
		if (!table)
			return align_down(va, 1ull << level_shift(level)) +
			       (1ull << level_shift(level));
	}
	return 0;
}

void user_port_unmap(struct user_port *port, struct user_sweep *sweep)
{
	unsigned steps = 0;

	ASSERT(sweep->next >= sweep->start && sweep->next < sweep->end, "0x%llx of 0x%llx",
	       (unsigned long long)sweep->next, (unsigned long long)sweep->end);
	sweep->count = 0;
	sweep->held = false;
	/* Interrupts are masked: a bounded part, whether anything is mapped there or not. */
	while (sweep->next < sweep->end && sweep->count < USER_BATCH - 1 && steps < SWEEP_STEPS &&
	       !sweep->held) {
		uint64_t hole = hole_end(port, sweep->next), *entry;

		if (hole) {
			sweep->next = ZN_MIN(hole, sweep->end);
			steps++;
			continue;
		}
		entry = user_entry_find(port, sweep->next, 2);
		steps += is_table(*entry) ? SWEEP_STEPS / 2 : 1;
		sweep_region(sweep, entry);
	}
	if (!sweep->count || !ld_relaxed(&port->asid))
		return;
	forget_begin();
	for (unsigned i = 0; i < sweep->count; i++)
		forget(port, sweep->va[i]);
	forget_end();
}

/* ---- the end ------------------------------------------------------------ */

uint64_t user_port_drop_table(struct user_port *port)
{
	uint64_t *table, *from = NULL, found = port->root;

	if (port->spare)
		return spare_take(port);
	port->root = 0;
	if (!found)
		return 0;
	/* Down along the first table of each level, to one that has none below. */
	for (unsigned level = 0, i = 0; level < 3; level++, i = 0) {
		table = table_of(found);
		while (i < TABLE_ENTRIES && !table[i])
			i++;
		if (i == TABLE_ENTRIES)
			break;
		ASSERT(is_table(table[i]), "0x%llx is still mapped", (unsigned long long)table[i]);
		if (!from)
			port->root = found;
		from = &table[i];
		found = *from & DESC_ADDRESS;
	}
	if (from)
		entry_write(from, 0);
	return found;
}
