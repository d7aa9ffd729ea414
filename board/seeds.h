/* SPDX-License-Identifier: BSD-2-Clause */
/* Randomness of the loader, for one use. */
#ifndef BOARD_SEEDS_H
#define BOARD_SEEDS_H

/* Overwrite kaslr-seed and rng-seed of /chosen with zeroes. Context: boot, one CPU, final
 * tables. */
void seeds_wipe(void);

#endif
