/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ticket spinlock: first come, first served, so that no socket starves
 * another however unequal their distance to the lock's cache line.
 *
 * A CPU draws a ticket and waits until `owner` shows it. Only the holder writes
 * `owner`, so release needs no read-modify-write. 16-bit tickets: at most 65,535
 * CPUs may wait at once, far above ZONAL_MAX_CPUS.
 *
 * Interrupts are masked while a lock is held: a handler may want it too, and what a CPU
 * holds is noted for that CPU. The order of locks is the table in lock_rank.h; debug
 * builds watch over it. There a lock has its rank beside it, given by LOCK_INIT() or
 * lock_set_rank(). A shipped lock is the two tickets and nothing else.
 */
#ifndef LIB_LOCK_H
#define LIB_LOCK_H

#include <zonal/port.h>

#include "assert.h"
#include "atomic.h"
#include "lock_rank.h"
#include "lock_says.h"

#if ZONAL_DEBUG
struct LOCK_IS_ONE ticket_lock {
	_Atomic uint16_t next;  /* next ticket to draw */
	_Atomic uint16_t owner; /* ticket being served; written by the holder */
	_Atomic uint16_t rank;  /* enum lock_rank; written before it is taken first */
};

#define LOCK_INIT(rank_) { .rank = (rank_) }

/* Any context; harmless beside a holder if the rank stays what it is. */
static inline void lock_set_rank(struct ticket_lock *lock, enum lock_rank rank)
{
	ASSERT(rank < LOCK_RANKS, "rank %u for the lock %p", rank, (const void *)lock);
	st_relaxed(&lock->rank, (uint16_t)rank);
}

static inline enum lock_rank lock_rank_of(const struct ticket_lock *lock)
{
	return (enum lock_rank)ld_relaxed(&((struct ticket_lock *)(uintptr_t)lock)->rank);
}
#else
struct LOCK_IS_ONE ticket_lock {
	_Atomic uint16_t next;
	_Atomic uint16_t owner;
};

#define LOCK_INIT(rank_) { 0 }

static inline void lock_set_rank(struct ticket_lock *lock, enum lock_rank rank)
{
	(void)lock;
	(void)rank;
}

static inline enum lock_rank lock_rank_of(const struct ticket_lock *lock)
{
	(void)lock;
	return LOCK_NO_RANK;
}
#endif

static inline void lock_take(struct ticket_lock *lock) LOCK_TAKES(*lock) LOCK_UNSAID;
static inline bool lock_try(struct ticket_lock *lock) LOCK_TRIES(*lock) LOCK_UNSAID;
static inline void lock_drop(struct ticket_lock *lock) LOCK_DROPS(*lock) LOCK_UNSAID;
static inline void lock_assert_held(const struct ticket_lock *lock) LOCK_PROVES(*lock);

static inline void lock_take(struct ticket_lock *lock)
{
	uint16_t ticket;

	if (ZONAL_DEBUG)
		lock_rank_wanted(lock);
	ticket = fetch_inc_u16_relaxed(&lock->next);
	/* Acquire pairs with the release in lock_drop(): what the last holder
	 * wrote is seen before anything in this section runs. */
	while (unlikely(ld_acquire(&lock->owner) != ticket))
		port_relax();
	if (ZONAL_DEBUG)
		lock_rank_taken(lock);
}

static inline bool lock_try(struct ticket_lock *lock)
{
	uint16_t ticket = ld_acquire(&lock->owner);
	bool taken = atomic_compare_exchange_strong_explicit(&lock->next, &ticket,
							     (uint16_t)(ticket + 1),
							     memory_order_acquire,
							     memory_order_relaxed);

	DASSERT_MASKED();
	if (ZONAL_DEBUG && taken)
		lock_rank_taken(lock);
	return taken;
}

static inline void lock_drop(struct ticket_lock *lock)
{
	uint16_t owner = ld_relaxed(&lock->owner);

	DASSERT_MASKED();
	if (ZONAL_DEBUG)
		lock_rank_dropped(lock);
	DASSERT(owner != ld_relaxed(&lock->next), "the lock %p is dropped, and nobody drew",
		(const void *)lock);
	st_release(&lock->owner, (uint16_t)(owner + 1));
}

/* The same two, with interrupts masked in between, as they were before behind it. */
static inline port_irqflags_t lock_take_masked(struct ticket_lock *lock) LOCK_TAKES(*lock);
static inline port_irqflags_t lock_take_masked(struct ticket_lock *lock)
{
	port_irqflags_t irq = port_irq_save();

	lock_take(lock);
	return irq;
}

static inline void lock_drop_masked(struct ticket_lock *lock, port_irqflags_t irq)
	LOCK_DROPS(*lock);
static inline void lock_drop_masked(struct ticket_lock *lock, port_irqflags_t irq)
{
	lock_drop(lock);
	port_irq_restore(irq);
}

/* For the panic path and reports; a racy answer for anyone but the holder. */
static inline bool lock_held(struct ticket_lock *lock)
{
	return ld_relaxed(&lock->owner) != ld_relaxed(&lock->next);
}

/* What every function says that relies on its caller's lock. Masked, as the lock wants it. */
static inline void lock_assert_held(const struct ticket_lock *lock)
{
	DASSERT(lock_rank_mine(lock), "this CPU does not hold the lock %p", (const void *)lock);
}

#define DASSERT_HELD(lock) lock_assert_held(lock)

#endif
