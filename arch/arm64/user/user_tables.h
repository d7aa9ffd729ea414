/* SPDX-License-Identifier: BSD-2-Clause */
/* Page tables of programs: what the files of arch/arm64/user share. See user_tables.c. */
#ifndef ARM64_USER_TABLES_H
#define ARM64_USER_TABLES_H

#include <zonal/port.h>

#include "lib/assert.h"
#include "lib/atomic.h"
#include "arm64_mmu.h"
#include "arm64_sysreg.h"
#include "user/asid.h"
#include "user/user_port.h"

/* Ours, in an invalid descriptor that is not 0: its page is elsewhere, the address is a token. */
#define DESC_PARKED (1ull << 55)
/* Beside it: somebody works on the page and will say where it is then. */
#define DESC_HELD (1ull << 56)

_Static_assert(DESC_ADDRESS >> PAGE_SHIFT >= (1ull << USER_TOKEN_BITS) - 1, "a token has room");

/* Instruction fetches see what was stored to this memory. */
void user_fetch_sync(uint64_t phys, uint64_t bytes);

static inline unsigned level_shift(unsigned level) { return PAGE_SHIFT + 9 * (3 - level); }

static inline uint64_t *table_of(uint64_t descriptor)
{
	return phys_to_virt(descriptor & DESC_ADDRESS);
}

static inline bool is_table(uint64_t descriptor)
{
	return (descriptor & (DESC_VALID | DESC_TABLE)) == (DESC_VALID | DESC_TABLE);
}

/* One store, so that no walk sees half a descriptor. */
static inline void entry_write(uint64_t *entry, uint64_t value)
{
	*(volatile uint64_t *)entry = value;
}

static inline uint64_t *entry_of(uint64_t *table, uint64_t va, unsigned level)
{
	return &table[(va >> level_shift(level)) & (TABLE_ENTRIES - 1)];
}

/* The table that the entry for va leads to, NULL if there is none. */
static inline uint64_t *table_below(uint64_t *table, uint64_t va, unsigned level)
{
	uint64_t descriptor = table ? *entry_of(table, va, level) : 0;

	return is_table(descriptor) ? table_of(descriptor) : NULL;
}

/* The entry of that level, 1 to 3, for va, NULL if a table above it is missing or a block is there.
 * Written out, since `wanted` is a constant and every look at a page of a program comes here. */
static inline uint64_t *user_entry_find(const struct user_port *port, uint64_t va, unsigned wanted)
{
	uint64_t *table;

	ASSERT(va < USER_LIMIT, "0x%llx is not for programs", (unsigned long long)va);
	table = table_below(table_of(port->root), va, 0);
	if (wanted > 1)
		table = table_below(table, va, 1);
	if (wanted > 2)
		table = table_below(table, va, 2);
	return table ? entry_of(table, va, wanted) : NULL;
}

/* The store that made a descriptor invalid or different is seen by walks before what follows. */
static inline void forget_begin(void) { arm64_dsb_ishst(); }

/* What TLBI VAE1IS takes. */
static inline uint64_t forget_operand(const struct user_port *port, uint64_t va)
{
	uint64_t asid = ld_relaxed(&((struct user_port *)(uintptr_t)port)->asid) & 0xffff;

	return asid << 48 | va >> PAGE_SHIFT;
}

static inline void forget_by_operand(uint64_t operand)
{
	__asm__ volatile("tlbi vae1is, %0" : : "r"(operand) : "memory");
}

static inline void forget(const struct user_port *port, uint64_t va)
{
	forget_by_operand(forget_operand(port, va));
}

/* No core uses the old translation any more. */
static inline void forget_end(void)
{
	arm64_dsb_ish();
	arm64_isb();
}

static inline void forget_one(const struct user_port *port, uint64_t va)
{
	forget_begin();
	forget(port, va);
	forget_end();
}

#endif
