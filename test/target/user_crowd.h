/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that check every word of their memory (user/programs/press.c), for cases that take it
 * away from under them; and a board that is made small, so that they have not much to fill.
 * One crowd at a time, of one task that runs a case.
 */
#ifndef TEST_TARGET_USER_CROWD_H
#define TEST_TARGET_USER_CROWD_H

#include <zonal/zonal.h>

enum { CROWD = 4 };

/* Pages that are free when what a first program leaves behind is there. */
uint64_t crowd_before(void);

/* All of them, with `pages` together, which differ in their contents. */
void crowd_start(uint64_t pages, unsigned rounds);
int crowd_id(unsigned n);
/* Does one of them still run? */
bool crowd_runs(void);
/* They have ended: with 0; or, if they may have been killed before that, by that. */
void crowd_ends(bool killed);
/* All memory is back, and every invariant holds. */
void crowd_is_gone(uint64_t before);

/* Leave about so many pages above twice the high marks; how many are free then. */
uint64_t crowd_ballast(uint64_t pages);
void crowd_ballast_give(void);

#endif
