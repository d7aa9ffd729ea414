/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A picture of memory: what each pageblock is, and how full.
 */
#ifndef REPORT_MAP_H
#define REPORT_MAP_H

#include <zonal/zonal.h>

#include "mm/mm.h"

/* Pages of one zone in some pageblocks side by side. */
struct map_count {
	uint64_t blocks[MIGRATE_TYPES]; /* pageblocks with pages of the zone, by their type */
	uint64_t free;                  /* in free lists, those of isolated blocks too */
	uint64_t pcp;                   /* in lists of CPUs */
	uint64_t used;                  /* in somebody's hands, and what nobody is given */
	uint64_t reserved;              /* never the allocator's */
	uint64_t later;                 /* whose structures are not there yet */
};

/* Add the pageblock that begins at `first`. Takes the zone's lock for 64 looks at a time. Context:
 * not masked. */
void map_add_block(struct zone *zone, pfn_t first, struct map_count *sum);

/* The type that most of the blocks have; MIGRATE_TYPES: there is no block. */
unsigned map_type(const struct map_count *count);

/* Print the zones of node `nid` or, NODE_NONE, of all: a character a pageblock, or more of them
 * where a zone would fill more than a screen; rows that fit `columns`, with escape sequences for
 * colours if `colours`, and a legend. Ends early if somebody asks to stop. Context: task. */
void report_map(struct zonal *mm, int nid, unsigned columns, bool colours);

/* The same as one JSON object: runs of pageblocks that have all of these alike. */
void report_map_json(struct zonal *mm, int nid);

#endif
