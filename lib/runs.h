/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIB_RUNS_H
#define LIB_RUNS_H

#include <zonal/types.h>

#include "assert.h"

/* The lowest run of ones, from *first to *last, taken out of *mask: how lists of nodes are
 * written ("0-2,5"). False: there is none left. */
static inline bool runs_next(uint64_t *mask, unsigned *first, unsigned *last)
{
	uint64_t carried;

	if (!*mask)
		return false;
	/* To add the lowest one carries over all of its run. */
	carried = *mask + (*mask & -*mask);
	*first = (unsigned)__builtin_ctzll(*mask);
	*last = 63 - (unsigned)__builtin_clzll(*mask & ~carried);
	*mask &= carried;
	ASSERT(*first <= *last, "a run from %u to %u", *first, *last);
	return true;
}

#endif
