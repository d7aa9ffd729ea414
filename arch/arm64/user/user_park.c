/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Places of programs whose page is elsewhere.
 *
 * A page that is taken away from a program, to be written to swap or to be moved, leaves a parked
 * place: an invalid descriptor that keeps all attributes of the leaf (so the rights come back with
 * the page, and nobody else need know them), with a token in place of the address. What a token
 * means is user/'s business. So that a place is never mistaken for an empty one the token is not 0
 * and DESC_PARKED is set; bit 0 is clear, hence the MMU reads nothing else of it.
 *
 *	mapped --park--> parked, held --repark--> parked --unpark--> mapped
 *
 * DESC_HELD says that the place is in the hands of somebody who will decide soon: the task that
 * owns the space waits for him, in faults and in unmapping, so that he finds the place again.
 *
 * To park is the first half of break-before-make: the TLBs of all cores have forgotten the page
 * when user_port_park() returns, and what EL0 stored before is in the page for whoever reads it
 * then (DSB ISH of the TLBI's completion waits for accesses by the old translation). To unpark
 * writes a valid descriptor where an invalid one was: no TLB knows the place.
 *
 * Called with the space's lock held, but for the look that the task itself may take.
 */
#include "user_tables.h"

/* The parked place at va, or NULL. */
static uint64_t *parked_find(const struct user_port *port, uint64_t va)
{
	uint64_t *entry = user_entry_find(port, va, 3);

	return entry && (*entry & (DESC_PARKED | DESC_VALID)) == DESC_PARKED ? entry : NULL;
}

static uint64_t parked_bits(uint64_t token, bool held)
{
	ASSERT(token && token < 1ull << USER_TOKEN_BITS, "token 0x%llx", (unsigned long long)token);
	return token << PAGE_SHIFT | DESC_PARKED | (held ? DESC_HELD : 0);
}

void user_port_park(struct user_port *port, uint64_t va, uint64_t token, bool held)
{
	uint64_t *entry = user_entry_find(port, va, 3);

	ASSERT(entry && (*entry & DESC_VALID), "no page at 0x%llx", (unsigned long long)va);
	/* Hardware may set the access flag meanwhile; nobody asks a parked place for it. */
	entry_write(entry, (*entry & ~(DESC_ADDRESS | DESC_VALID)) | parked_bits(token, held));
	forget_one(port, va);
}

uint64_t user_port_parked(const struct user_port *port, uint64_t va, bool *held)
{
	const uint64_t *entry = parked_find(port, va);

	if (!entry)
		return 0;
	*held = *entry & DESC_HELD;
	return (*entry & DESC_ADDRESS) >> PAGE_SHIFT;
}

void user_port_repark(struct user_port *port, uint64_t va, uint64_t token, bool held)
{
	uint64_t *entry = parked_find(port, va);

	ASSERT(entry, "nothing is parked at 0x%llx", (unsigned long long)va);
	entry_write(entry, (*entry & ~(DESC_ADDRESS | DESC_HELD)) | parked_bits(token, held));
}

uint64_t user_port_let_go(struct user_port *port, uint64_t va)
{
	uint64_t *entry = parked_find(port, va);

	ASSERT(entry && (*entry & DESC_HELD), "nothing is held at 0x%llx", (unsigned long long)va);
	entry_write(entry, *entry & ~DESC_HELD);
	return (*entry & DESC_ADDRESS) >> PAGE_SHIFT;
}

void user_port_unpark(struct user_port *port, uint64_t va, uint64_t phys)
{
	uint64_t *entry = parked_find(port, va), leaf;

	ASSERT(entry && !(phys & ~DESC_ADDRESS), "0x%llx for 0x%llx, where nothing is parked",
	       (unsigned long long)phys, (unsigned long long)va);
	leaf = (*entry & ~(DESC_ADDRESS | DESC_PARKED | DESC_HELD)) | phys | DESC_ACCESSED |
	       DESC_VALID;
	if (!(leaf & DESC_UXN))
		user_fetch_sync(phys, PAGE_SIZE);
	/* What the page holds is visible to EL0 on all cores before the page is. */
	arm64_dsb_ishst();
	entry_write(entry, leaf);
	arm64_dsb_ishst();
}
