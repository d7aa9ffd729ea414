/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * More memory than there is: pages are filled and all of them are read again, some rounds long.
 *
 *	arg  bits 0-23   pages
 *	     bits 24-31  rounds of reading and writing anew; 0: with rests, until it is ended
 *	     bits 32-47  a number that makes the contents differ from those of others
 *	     bit 48      the contents do not compress
 *
 * What is written is that of pattern.h. Exit status 0, -1: no memory, else the page that was
 * wrong, + 1.
 */
#include "user/programs/pattern.h"

#define REST_NS 20000000 /* others want the core, and the locks of our pages */

PROGRAM(arg)
{
	struct pattern p = { .pages = arg & 0xffffff, .number = arg >> 32 & 0xffff,
			     .dense = arg >> 48 & 1 };
	uint64_t rounds = arg >> 24 & 0xff;

	p.memory = map(p.pages * PAGE_SIZE, USER_READ | USER_WRITE);
	if (!p.memory)
		return -1;
	for (uint64_t page = 0; page < p.pages; page++)
		pattern_fill(&p, page, 0);
	for (uint64_t round = 0; !rounds || round < rounds; round++) {
		for (uint64_t page = 0; page < p.pages; page++) {
			if (!pattern_good(&p, page, round))
				return (int)page + 1;
			if (round + 1 != rounds)
				pattern_fill(&p, page, round + 1);
		}
		if (!rounds)
			(void)call(USER_CALL_SLEEP, REST_NS, 0, 0);
	}
	return 0;
}
