/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_TUNE_H
#define MM_TUNE_H

#include "mm.h"

/* A NUMA counter of a zone as it is to be shown (Y5): summed over the CPUs. Any context. */
uint64_t numa_stat_of(const struct zonal *mm, unsigned zid, enum pcp_stat stat);

/* The lists of all CPUs for one zone get the size that its managed pages and the fraction ask for,
 * or keep theirs where their rings cannot hold so much. Context: task, interrupts open. */
void tune_lists(struct zonal *mm, struct zone *zone);

#endif
