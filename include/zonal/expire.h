/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Per-CPU lists that nobody uses: pages of other nodes go back after three seconds (row P12).
 */
#ifndef ZONAL_EXPIRE_H
#define ZONAL_EXPIRE_H

#include <zonal/zonal.h>

ZONAL_BEGIN_DECLS

/* How often to call it. */
#define ZONAL_EXPIRE_NS 1000000000u

/*
 * Each CPU's list of a zone on another node that was not used for three calls gives a batch back.
 * A CPU that has nothing to give is not disturbed. Context: task or boot, not masked; one caller
 * at a time; the instance's CPUs may do what they like meanwhile.
 */
void zonal_expire_lists(struct zonal *mm);

ZONAL_END_DECLS

#endif
