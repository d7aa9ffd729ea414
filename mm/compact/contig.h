/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_COMPACT_CONTIG_H
#define MM_COMPACT_CONTIG_H

#include <zonal/contig.h>

#include "isolate_block.h"

#if ZONAL_RECLAIM
/* zonal_alloc_contig_range() for blocks that are of `type` afterwards, MOVABLE or CMA. */
int contig_take(struct zonal *mm, pfn_t start, uint64_t pages, unsigned type,
		gfp_t gfp) ZONAL_MUST_USE;
#else
/* Nothing is moved: whoever wants a range in use is told that it is. */
static inline int contig_take(struct zonal *mm, pfn_t start, uint64_t pages, unsigned type,
			      gfp_t gfp)
{
	(void)mm, (void)start, (void)pages, (void)type, (void)gfp;
	return ZONAL_EBUSY;
}
#endif

#endif
