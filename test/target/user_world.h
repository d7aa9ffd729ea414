/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What cases with programs share: their memory counted before and after, what a program has at the
 * moment, and a crowd of them that check every word of their memory (user/programs/press.c), on a
 * board that is made small, so that they have not much to fill. One crowd at a time, of one task
 * that runs a case.
 */
#ifndef TEST_TARGET_USER_WORLD_H
#define TEST_TARGET_USER_WORLD_H

#include <zonal/user.h>
#include <zonal/zonal.h>

/* Pages that are free when what a first program leaves behind is there. */
uint64_t user_world_before(void);
/* All memory is back, and no program is left. */
void user_world_is_back(uint64_t before);
/* The same, and every invariant holds, which takes seconds on a large board. */
void user_world_is_sound(uint64_t before);

/* It must start; its id. */
int user_world_start(const char *program, uint64_t arg);
/* Pages of a program; 0: it has ended. */
uint64_t user_world_pages(int id);
/* It has so many before the patience is over. */
bool user_world_has_pages(int id, uint64_t pages);
/* It must end, by itself with 0 or as `reason` says. */
void user_world_ends(int id, enum user_reason reason);

enum { CROWD = 4 };

/* All of them, with `pages` together, which differ in their contents. */
void crowd_start(uint64_t pages, unsigned rounds);
int crowd_id(unsigned n);
/* Does one of them still run? */
bool crowd_runs(void);
/* They have ended: with 0; or, if they may have been killed before that, by that. */
void crowd_ends(bool killed);

/* Leave about so many pages of each node above its high marks, and no boosts until they are given
 * back. How many a program gets before somebody is asked for his: those above the min marks. */
uint64_t crowd_ballast(uint64_t pages);
void crowd_ballast_give(void);

#endif
