/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_RECLAIM_KSWAPD_H
#define MM_RECLAIM_KSWAPD_H

#include "scan.h"

/* NULL, or called after each round of a kswapd. */
extern void (*kswapd_watch)(const struct scan *s, struct node *node, uint64_t got);

#endif
