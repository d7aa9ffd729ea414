/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_CONTENTS_H
#define MM_CONTENTS_H

#include "mm.h"

/* The gates that the options open. Context: boot. */
uint32_t contents_gates(const struct zonal_options *options);

/* Only with one of GATE_CONTENTS open; any context, no lock held. */

/* Pages that nobody uses from here on. */
void contents_freed(struct zonal *mm, pfn_t pfn, uint64_t count);
/* Pages that were just taken, before their owner has them. Returns the request's flags, with
 * __GFP_ZERO as it is still to be followed. */
gfp_t contents_taken(struct zonal *mm, pfn_t pfn, uint64_t count, gfp_t gfp);

#endif
