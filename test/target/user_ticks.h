/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a driver does: pages taken and given back in a timer's interrupt, 10,000 times a second of
 * the board's clock, or as often as the machine gives it a turn.
 */
#ifndef TEST_TARGET_USER_TICKS_H
#define TEST_TARGET_USER_TICKS_H

#include <zonal/types.h>

struct user_ticks {
	uint64_t calls, taken, refused;
	uint64_t wrong;  /* words of its pages that were not as it had left them */
	uint64_t waited; /* requests in which its CPU did something else, or reclaimed */
};

/* From now on, on the CPU that calls, from that node alone; NODE_NONE: from any. */
void user_ticks_begin(int nid);
/* How often so far, of that CPU. Any CPU. */
uint64_t user_ticks_calls(void);
/* Not any more: all pages are back, and that is what happened. False: no interrupt came. Task. */
bool user_ticks_end(struct user_ticks *out);

#endif
