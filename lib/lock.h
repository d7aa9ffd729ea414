/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ticket spinlock: first come, first served, so that no socket starves
 * another however unequal their distance to the lock's cache line.
 *
 * A CPU draws a ticket and waits until `owner` shows it. Only the holder writes
 * `owner`, so release needs no read-modify-write. 16-bit tickets: at most 65,535
 * CPUs may wait at once, far above ZONAL_MAX_CPUS.
 *
 * Interrupts must be masked while a lock that an interrupt handler also takes
 * is held; zone locks are such. Lock order: no two zone locks at once (row T1).
 */
#ifndef LIB_LOCK_H
#define LIB_LOCK_H

#include <zonal/port.h>

#include "atomic.h"

struct ticket_lock {
	_Atomic uint16_t next;  /* next ticket to draw */
	_Atomic uint16_t owner; /* ticket being served; written by the holder */
};

static inline void lock_take(struct ticket_lock *lock)
{
	uint16_t ticket = fetch_inc_u16_relaxed(&lock->next);

	/* Acquire pairs with the release in lock_drop(): what the last holder
	 * wrote is seen before anything in this section runs. */
	while (unlikely(ld_acquire(&lock->owner) != ticket))
		port_relax();
}

static inline bool lock_try(struct ticket_lock *lock)
{
	uint16_t ticket = ld_acquire(&lock->owner);

	return atomic_compare_exchange_strong_explicit(&lock->next, &ticket, (uint16_t)(ticket + 1),
						       memory_order_acquire, memory_order_relaxed);
}

static inline void lock_drop(struct ticket_lock *lock)
{
	uint16_t owner = ld_relaxed(&lock->owner);

	st_release(&lock->owner, (uint16_t)(owner + 1));
}

/* For assertions and the panic path; a racy answer for anyone but the holder. */
static inline bool lock_held(struct ticket_lock *lock)
{
	return ld_relaxed(&lock->owner) != ld_relaxed(&lock->next);
}

#endif
