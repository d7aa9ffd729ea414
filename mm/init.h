/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_INIT_H
#define MM_INIT_H

#include "mm.h"

/* The steps of zonal_init(), each in its own file. Context: boot, one CPU. */

/* info_check.c: 0, or the error that zonal_init() answers, logged. */
int config_check(const struct zonal_config *config);
int reserved_check(const struct boot_info *info);
int min_free_check(struct zonal *mm, uint64_t kbytes);

/* Metadata for node `nid`, zeroed; NULL when `meta` has none (logged). */
void *init_meta(struct zonal *mm, unsigned nid, size_t bytes, size_t align);

/* zones.c: spans and present pages of every zone of every node (I16-I18). */
void zones_plan(struct zonal *mm, const struct zonal_config *config);

/* The part of RAM range `i` that lies in zone type `t` of its node, as pfns; false: none. */
bool zones_piece(struct zonal *mm, const struct boot_info *info, unsigned i, unsigned t,
		 pfn_t *start, pfn_t *end);

/* movable.c: where ZONE_MOVABLE begins on each node, 0: nowhere (I18). */
void movable_plan(const struct zonal_config *config, pfn_t usable_start,
		  pfn_t start_of[ZONAL_MAX_NODES]);

/* pagemap.c: allocate the page map, then fill it in (I5, I19). */
int pagemap_alloc(struct zonal *mm, const struct boot_info *info);
void pagemap_fill(struct zonal *mm, const struct boot_info *info);

/* release.c: hand all that is not reserved to the buddy (I4, I6). */
void release_memory(struct zonal *mm, const struct boot_info *info);

#endif
