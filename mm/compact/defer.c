/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Not again at once: what failed is tried less often. (X3, X4)
 *
 * A run that was not asynchronous and went through its zone in vain makes the next requests of that
 * order and above pass over it: of 2^shift one goes, and shift grows to 6 with each that fails.
 * Success says that the order is one that can be had; a page really allocated after it forgets all.
 *
 * The counts are the zone's, without a lock: several requests may count at once, and one more or
 * less goes or is passed over.
 */
#include "compact.h"

#include "lib/assert.h"
#include "mm/trace.h"

#define MOST_SHIFT 6u

/* The three points are alike. */
#define TRACE_STATE(id, zone, order)                                                               \
	trace((zone)->mm, COMPACT_##id, (zone)->node, (zone)->type, (order),                       \
	      ld_relaxed(&(zone)->compact.considered), ld_relaxed(&(zone)->compact.shift),         \
	      ld_relaxed(&(zone)->compact.failed))

bool compact_deferred(struct zone *zone, unsigned order)
{
	struct zone_compact *state = &zone->compact;
	unsigned limit = 1u << ld_relaxed(&state->shift), now;

	ASSERT(order < MAX_ORDER && limit <= 1u << MOST_SHIFT, "order %u, one of %u", order, limit);
	if (order < ld_relaxed(&state->failed))
		return false;
	now = ZN_MIN(ld_relaxed(&state->considered) + 1u, limit);
	st_relaxed(&state->considered, (uint8_t)now);
	if (now < limit)
		TRACE_STATE(DEFERRED, zone, order);
	return now < limit;
}

void compact_defer(struct zone *zone, unsigned order)
{
	struct zone_compact *state = &zone->compact;
	unsigned shift = ld_relaxed(&state->shift);

	ASSERT(order < MAX_ORDER, "order %u", order);
	st_relaxed(&state->considered, 0);
	st_relaxed(&state->shift, (uint8_t)ZN_MIN(shift + 1, MOST_SHIFT));
	if (order < ld_relaxed(&state->failed))
		st_relaxed(&state->failed, (uint8_t)order);
	TRACE_STATE(DEFER, zone, order);
}

void compact_defer_reset(struct zone *zone, unsigned order, bool served)
{
	struct zone_compact *state = &zone->compact;

	ASSERT(order < MAX_ORDER, "order %u", order);
	if (served) {
		st_relaxed(&state->considered, 0);
		st_relaxed(&state->shift, 0);
	}
	if (order >= ld_relaxed(&state->failed))
		st_relaxed(&state->failed, (uint8_t)(order + 1));
	TRACE_STATE(RESET, zone, order);
}

bool compact_restarts(struct zone *zone, unsigned order)
{
	struct zone_compact *state = &zone->compact;

	return order >= ld_relaxed(&state->failed) && ld_relaxed(&state->shift) == MOST_SHIFT &&
	       ld_relaxed(&state->considered) >= 1u << MOST_SHIFT;
}
