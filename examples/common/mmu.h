/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables that map all RAM where it is, and the caches. For one core at EL1 or EL2 (mmu.c).
 */
#ifndef EXAMPLES_MMU_H
#define EXAMPLES_MMU_H

#include <stddef.h>
#include <stdint.h>

extern uint64_t mmu_root[512];

void mmu_build(const void *tree);                       /* boot, MMU off */
void mmu_add(uint64_t start, uint64_t bytes);           /* RAM that the tree names */
void cache_clean(const void *start, size_t bytes);      /* to memory, and out of the caches */
void icache_forget(void);                               /* what any core has fetched */

#endif
