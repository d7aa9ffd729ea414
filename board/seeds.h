/* SPDX-License-Identifier: BSD-2-Clause */
/* Randomness of the loader, for one use. */
#ifndef BOARD_SEEDS_H
#define BOARD_SEEDS_H

#include <stdint.h>

/* Overwrite kaslr-seed and rng-seed of /chosen with zeroes. Returns a number made of their bytes,
 * 0 if there are none. Context: boot, one CPU, final tables. */
uint64_t seeds_wipe(void);

#endif
