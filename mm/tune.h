/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_TUNE_H
#define MM_TUNE_H

#include "mm.h"

/* A NUMA counter of a zone as it is to be shown (Y5): summed over the CPUs. Any context. */
uint64_t numa_stat_of(const struct zonal *mm, unsigned zid, enum pcp_stat stat);

#endif
