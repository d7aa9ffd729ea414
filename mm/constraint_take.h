/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_CONSTRAINT_TAKE_H
#define MM_CONSTRAINT_TAKE_H

#include "mm.h"

/* The first page of [start, end) that is in no free block of an ordinary list of the zone, or
 * is not the zone's; `end`: all are. A guess: no lock is taken. */
pfn_t fit_first_used(const struct zone *zone, pfn_t start, pfn_t end);

/* Take [start, end) off the lists: true, and all of it is INNER and nobody's, or false and all that
 * is fit for use is in the lists. Context: not masked. */
bool fit_carve(struct zone *zone, pfn_t start, pfn_t end);

/* The reverse. Pages that are BAD stay out. */
void fit_put_back(struct zone *zone, pfn_t start, pfn_t end);

/* Pages that were carved become their owner's, single ones. */
void fit_prepare(struct zone *zone, pfn_t start, pfn_t end, gfp_t gfp);

#endif
