/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tunables that few need to turn while the instance works. Those of marks and reserves are in
 * <zonal/zonal.h>. Each returns 0, or ZONAL_EINVAL and changes nothing.
 */
#ifndef ZONAL_TUNABLES_H
#define ZONAL_TUNABLES_H

#include <zonal/zonal.h>

ZONAL_BEGIN_DECLS

/*
 * Y5, 5.10's vm.numa_stat: from now on the NUMA counters (hit, miss, foreign, interleave, local,
 * other) are reported as 0; once on again they count from 0. Any context, one caller at a time.
 */
void zonal_set_numa_stat(struct zonal *mm, bool on);

/*
 * P3, 5.10's vm.percpu_pagelist_fraction: a CPU's lists of a zone hold 1/fraction of it, 0: as many
 * as the usual rule says. 8 or more, and no more than the lists were made for: by the rule or the
 * fraction that the instance was built with. Logged if refused. What a list has too much goes back
 * with the next frees. Context: task, not masked, one caller at a time.
 */
int zonal_set_pagelist_fraction(struct zonal *mm, unsigned fraction) ZONAL_MUST_USE;

/*
 * X15, 5.10's vm.compaction_proactiveness: 0 (off, as it is at first; 5.10 has 20) to 100. Each
 * half second kcompactd compacts a node that is more scattered than this allows. Any context.
 */
int zonal_set_proactiveness(struct zonal *mm, unsigned percent) ZONAL_MUST_USE;

ZONAL_END_DECLS

#endif
