/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_COMPACT_CONTIG_H
#define MM_COMPACT_CONTIG_H

#include <zonal/contig.h>

#include "isolate_block.h"

/* zonal_alloc_contig_range() for blocks that are of `type` afterwards, MOVABLE or CMA. */
int contig_take(struct zonal *mm, pfn_t start, uint64_t pages, unsigned type,
		gfp_t gfp) ZONAL_MUST_USE;

#endif
