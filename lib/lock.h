/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lock of everything: tickets (lock_ticket.h), or what the port has instead (lock_port.h).
 *
 * Interrupts are masked while a lock is held: a handler may want it too, and what a CPU
 * holds is noted for that CPU. The order of locks is the table in lock_rank.h; debug
 * builds watch over it, and builds with ZONAL_LOCKSTAT=1 count (lock_stat.h). There a lock has its
 * rank beside it, given by LOCK_INIT() or lock_set_rank(). A shipped lock is the two tickets and
 * nothing else.
 */
#ifndef LIB_LOCK_H
#define LIB_LOCK_H

#include <zonal/port.h>

#include "assert.h"
#include "atomic.h"
#include "lock_rank.h"
#include "lock_says.h"
#include "lock_stat.h"

/* What it consists of: tickets, or the lock that the port has (<zonal/port.h>). */
#ifdef ZONAL_PORT_LOCK
#define LOCK_FIELDS                                                                                \
	zonal_port_lock_t port;                                                                    \
	_Atomic uint16_t owner; /* counts who had it; written by the holder */
#else
#define LOCK_FIELDS                                                                                \
	_Atomic uint16_t next;  /* next ticket to draw */                                          \
	_Atomic uint16_t owner; /* ticket being served; written by the holder */
#endif

#if ZONAL_DEBUG || ZONAL_LOCKSTAT
struct LOCK_IS_ONE ticket_lock {
	LOCK_FIELDS
	_Atomic uint16_t rank; /* enum lock_rank; written before it is taken first */
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
	LOCK_FIELDS
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

#ifdef ZONAL_PORT_LOCK
#include "lock_port.h"
#else
#include "lock_ticket.h"
#endif

static inline void lock_take(struct ticket_lock *lock) LOCK_TAKES(*lock) LOCK_UNSAID;
static inline bool lock_try(struct ticket_lock *lock) LOCK_TRIES(*lock) LOCK_UNSAID;
static inline void lock_drop(struct ticket_lock *lock) LOCK_DROPS(*lock) LOCK_UNSAID;
static inline void lock_assert_held(const struct ticket_lock *lock) LOCK_PROVES(*lock);

/* For the panic path and reports; a racy answer for anyone but the holder. */
static inline bool lock_held(struct ticket_lock *lock) { return lock_raw_held(lock); }

static inline void lock_take(struct ticket_lock *lock)
{
	bool waited;

	if (ZONAL_DEBUG)
		lock_rank_wanted(lock);
	waited = lock_raw_take(lock);
	if (ZONAL_DEBUG)
		lock_rank_taken(lock);
	if (ZONAL_LOCKSTAT)
		lock_stat_taken(lock, waited);
}

static inline bool lock_try(struct ticket_lock *lock)
{
	bool taken = lock_raw_try(lock);

	DASSERT_MASKED();
	if (ZONAL_DEBUG && taken)
		lock_rank_taken(lock);
	if (ZONAL_LOCKSTAT && taken)
		lock_stat_taken(lock, false);
	return taken;
}

static inline void lock_drop(struct ticket_lock *lock)
{
	DASSERT_MASKED();
	if (ZONAL_DEBUG)
		lock_rank_dropped(lock);
	if (ZONAL_LOCKSTAT)
		lock_stat_dropped(lock);
	DASSERT(lock_held(lock), "the lock %p is dropped, and nobody has it", (const void *)lock);
	lock_raw_drop(lock);
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

/* What every function says that relies on its caller's lock. Masked, as the lock wants it. */
static inline void lock_assert_held(const struct ticket_lock *lock)
{
	DASSERT(lock_rank_mine(lock), "this CPU does not hold the lock %p", (const void *)lock);
}

#define DASSERT_HELD(lock) lock_assert_held(lock)

#endif
