/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who takes which lock, how often he has to wait, and how long it is held.
 *
 * Counted in builds with ZONAL_LOCKSTAT=1 alone: lock.h calls these around its work. A shipped lock
 * has neither the rank that names it nor the calls.
 */
#ifndef LIB_LOCK_STAT_H
#define LIB_LOCK_STAT_H

#include <zonal/types.h>

#include "lock_rank.h"

/* One way to a lock: the place in the code that takes it, on all CPUs together. */
struct lock_way {
	const struct ticket_lock *lock; /* NULL: any of those of its rank that exist by CPU */
	uintptr_t at;                   /* the instruction behind the taking */
	enum lock_rank rank;
	uint64_t taken;
	uint64_t waited;                /* of these, found somebody else's */
	uint64_t held, most;            /* nanoseconds, in all and at one time */
};

/* Most ways that one CPU tells apart; what is over is counted as lost. Else room for a test. */
#define LOCK_WAYS (ZONAL_LOCKSTAT ? 192u : 16u)

/* What lock.h calls. Masked, as the locks want it; the lock is held. Not inlined: the place that
 * takes a lock is the one that they return to. */
void lock_stat_taken(const struct ticket_lock *lock, bool waited);
void lock_stat_dropped(const struct ticket_lock *lock);

/* Count from 0. Any context. A lock that is held meanwhile is not told of. */
void lock_stat_begin(void);
/* The next way that somebody has taken since then; false: there are no more. *cursor is 0 at first.
 * Each is there once for each CPU that took it. Beside CPUs at work each number is right, and not
 * all are of one moment. */
bool lock_stat_way(unsigned *cursor, struct lock_way *out);
/* How often a lock was taken that the tables had no room for. */
uint64_t lock_stat_lost(void);
#endif
