/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_META_H
#define MM_META_H

#include "mm.h"

/* Nobody's bytes between the maps of a node and all else that lies in its piece. */
#define META_GAP 64u

/* What a thing of `bytes` takes of a piece. */
static inline size_t meta_round(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/* meta.c. Context: boot, within zonal_init().
 * Look at the caller's pieces, then cut from them. 0 or an error, logged. */
int meta_open(struct zonal *mm, const struct zonal_storage *storage, const struct zonal_plan *plan);
/* A page map, not zeroed; `bytes` is a multiple of ZONAL_STORAGE_ALIGN. Never NULL. */
void *meta_take_map(struct zonal *mm, unsigned nid, size_t bytes);
/* Anything else: zeroed, aligned to 64. Never NULL. */
void *meta_take(struct zonal *mm, unsigned nid, size_t bytes);
/* The same, each byte with that value. */
void *meta_take_filled(struct zonal *mm, unsigned nid, size_t bytes, unsigned char value);
/* All that was planned is used. */
void meta_close(struct zonal *mm);

#endif
