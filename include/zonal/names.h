/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What things are called, in one table for logs, reports, commands and tools.
 *
 * Each function returns a constant string, "?" for a value that has no name. They read
 * no state, take no lock and may be called in any context.
 */
#ifndef ZONAL_NAMES_H
#define ZONAL_NAMES_H

#include <zonal/types.h>

ZONAL_BEGIN_DECLS

#define ZONAL_NO_NAME "?"

/* enum zonal_zone_type: "DMA", "DMA32", "Normal", "Movable". */
const char *zonal_zone_name(unsigned type);

/* enum zonal_migratetype: "Unmovable", ... as /proc/pagetypeinfo writes them. */
const char *zonal_type_name(unsigned type);
/* The same in one letter, as a failure report of the kernel has it; '?' if unknown. */
char zonal_type_letter(unsigned type);

/* enum zonal_mpol_mode: "default", "preferred", "bind", "interleave", "local". */
const char *zonal_policy_name(unsigned mode);
/* The mode of that name, whatever its case; ZONAL_MPOL_MODES if there is none. */
unsigned zonal_policy_find(const char *name);
/* The same for zones: ZONAL_ZONE_TYPES if there is none. */
unsigned zonal_zone_find(const char *name);

/* enum zonal_refusal in a few words: "below watermark". */
const char *zonal_refusal_name(unsigned refusal);

/* How a compaction ended, in the words of 5.10's trace points: "skipped", "complete". */
const char *zonal_compact_name(unsigned result);

/* A step of the ladder, or what refused a request at the door. */
struct zonal_step {
	uint32_t bit;     /* ZONAL_STEP_* */
	bool door;        /* no zone was asked */
	const char *name; /* one word: "min", "bad-flags" */
	const char *text; /* for people */
};

/* The n-th in the order in which they are tried, the refusals at the door last; NULL
 * behind the last one. */
const struct zonal_step *zonal_step(unsigned n);

ZONAL_END_DECLS

#endif
