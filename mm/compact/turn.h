/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns: one task at a time, for work that waits and so can hold no lock. Who finds it taken
 * sleeps a little and looks again; there is no order among those who wait. Context: task.
 */
#ifndef MM_COMPACT_TURN_H
#define MM_COMPACT_TURN_H

#include "mm/reclaim/scan.h"

static inline void turn_take(_Atomic uint8_t *turn)
{
	/* Acquire pairs with the release of who had it before: what he wrote is seen. */
	while (atomic_exchange_explicit(turn, 1, memory_order_acquire))
		reclaim_nap(RECLAIM_NAP_NS / 1000);
}

static inline void turn_drop(_Atomic uint8_t *turn)
{
	ASSERT(ld_relaxed(turn), "a turn is dropped that nobody has");
	st_release(turn, 0);
}

#endif
