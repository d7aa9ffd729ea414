/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How far ahead to read.
 *
 * A read that begins where the last one ended is sequential. The first such one looks ahead
 * CACHE_AHEAD_FIRST pages, each further one twice as far, up to CACHE_AHEAD_MOST; the
 * beginning of a disk counts as where the last read ended. More is asked for only once the reader
 * has come within half a window of the end of what was asked for, so that requests stay large. A
 * read elsewhere ends it. One reader is remembered for each device: two that take
 * turns lose, and get what they ask for.
 *
 * Pure arithmetic under the cache's lock.
 */
#include "cache_internal.h"

static void ahead_grow(struct cache_ahead *ahead)
{
	if (!ahead->window)
		ahead->window = CACHE_AHEAD_FIRST;
	else
		ahead->window = ZN_MIN(2 * ahead->window, CACHE_AHEAD_MOST);
}

uint64_t cache_ahead_plan(struct cache_ahead *ahead, uint64_t first, uint64_t count,
			  uint64_t pages, uint64_t *from)
{
	uint64_t end = first + count, target;

	/* Still in the page that the last read ended in. */
	if (end == ahead->next && count == 1)
		return 0;
	if (first == ahead->next || (first + 1 == ahead->next && count > 1)) {
		ahead_grow(ahead);
	} else {
		ahead->window = 0;
		ahead->end = 0;
	}
	ahead->next = end;
	target = ZN_MIN(end + ahead->window, pages);
	*from = ZN_MAX(end, ahead->end);
	if (!ahead->window || *from >= target || ahead->end > end + ahead->window / 2)
		return 0;
	ahead->end = target;
	return target - *from;
}
