/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_SHUFFLE_H
#define MM_SHUFFLE_H

#include "mm.h"

/* A13: shuffle=on. Every zone's free blocks of the largest order, once boot is done. Takes zone
 * locks, for a block each. Context: boot. */
void shuffle_memory(struct zonal *mm);

/* The next number of a zone that shuffles: its state, never 0. Zone lock held. */
static inline uint64_t shuffle_next(struct zone *zone) LOCK_HELD(zone->lock);
static inline uint64_t shuffle_next(struct zone *zone)
{
	uint64_t x = zone->shuffle;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return zone->shuffle = x;
}

/* Does a block of the largest order go to the tail of its list? Zone lock held. */
static inline bool shuffle_tail(struct zone *zone) LOCK_HELD(zone->lock);
static inline bool shuffle_tail(struct zone *zone)
{
	return ZONAL_AIDS && unlikely(zone->shuffle) && shuffle_next(zone) >> 63;
}

#endif
