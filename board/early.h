/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory before the allocator serves: taken from boot_info. Portable. */
#ifndef BOARD_EARLY_H
#define BOARD_EARLY_H

#include <zonal/boot_info.h>

/*
 * Take `bytes` (widened to pages) of RAM aligned to `align`, a power of two, from the top of what
 * is free in node `nid`, else of the nearest node that has room. Only the first
 * `range_limit` entries of info->range are looked at. What is taken is added to
 * info->reserved. False if no range has room or that table is full (then nothing is taken).
 * Context: boot, before the allocator has read info->reserved for the last time.
 */
bool early_take(struct boot_info *info, unsigned nid, uint64_t bytes, uint64_t align,
		unsigned range_limit, uint64_t *phys) ZN_MUST_USE;

/*
 * The area of cma=: `bytes`, widened to 4 MiB, from the top of what every DMA master
 * reaches (dma_max, at most 4 GiB), within one range; added to info->reserved as BOOT_CMA, so that
 * the allocator hands it over as CMA blocks; with `movable_node` not in memory that can be
 * unplugged. False if no range has room, the table is
 * full or less than a sixteenth of its node's free memory would be left; then nothing is
 * taken. Context: as early_take(), before it.
 */
bool early_take_cma(struct boot_info *info, uint64_t bytes, bool movable_node,
		    uint64_t *phys) ZN_MUST_USE;

#endif
