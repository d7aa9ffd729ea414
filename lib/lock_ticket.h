/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ticket spinlock: first come, first served, so that no socket starves
 * another however unequal their distance to the lock's cache line. For lock.h alone.
 *
 * A CPU draws a ticket and waits until `owner` shows it. Only the holder writes
 * `owner`, so release needs no read-modify-write. 16-bit tickets: at most 65,535
 * CPUs may wait at once, far above ZONAL_MAX_CPUS.
 */
#ifndef LIB_LOCK_TICKET_H
#define LIB_LOCK_TICKET_H

/* Whether somebody else had it: for lock_stat.h, and nothing where nobody asks. */
static inline bool lock_raw_take(struct ticket_lock *lock)
{
	uint32_t ticket = fetch_inc_u16_relaxed(&lock->next);
	bool waited = false;

	/* Acquire pairs with the release in lock_raw_drop(): what the last holder
	 * wrote is seen before anything in this section runs. */
	while (unlikely(ld_acquire(&lock->owner) != ticket)) {
		port_relax();
		waited = true;
	}
	return waited;
}

static inline bool lock_raw_try(struct ticket_lock *lock)
{
	uint16_t ticket = ld_acquire(&lock->owner);

	return atomic_compare_exchange_strong_explicit(&lock->next, &ticket,
						       (uint16_t)(ticket + 1),
						       memory_order_acquire, memory_order_relaxed);
}

static inline void lock_raw_drop(struct ticket_lock *lock)
{
	st_release(&lock->owner, (uint16_t)(ld_relaxed_u16(&lock->owner) + 1));
}

static inline bool lock_raw_held(struct ticket_lock *lock)
{
	return ld_relaxed(&lock->owner) != ld_relaxed(&lock->next);
}

#endif
