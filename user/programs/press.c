/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * More memory than there is: pages are filled and all of them are read again, some rounds long.
 *
 *	arg  bits 0-23   pages
 *	     bits 24-31  rounds of reading and writing anew; 0: with rests, until it is ended
 *	     bits 32-47  a number that makes the contents differ from those of others
 *	     bit 48      the contents do not compress
 *
 * Every word follows from its address, the number and the round, so a page that comes back in a
 * wrong place, old, or from somebody else is seen. Exit status 0, -1: no memory, else the page
 * that was wrong, + 1.
 */
#include "user/programs/program.h"

#define STEP 64
#define REST_NS 20000000 /* others want the core, and the locks of our pages */

struct press {
	volatile uint8_t *memory;
	uint64_t pages, number;
	bool dense;
};

static uint64_t word_of(const struct press *p, uint64_t address, uint64_t round)
{
	uint64_t x = (address ^ p->number << 48) * 0x9e3779b97f4a7c15 + round;

	x ^= x >> 31;
	x *= 0xbf58476d1ce4e5b9;
	return x ^ x >> 29;
}

static volatile uint64_t *at(const struct press *p, uint64_t page, uint64_t offset)
{
	return (volatile uint64_t *)(uintptr_t)(address_of(p->memory) + page * PAGE_SIZE + offset);
}

static void fill(const struct press *p, uint64_t page, uint64_t round)
{
	for (uint64_t offset = 0; offset < PAGE_SIZE; offset += p->dense ? 8 : STEP)
		*at(p, page, offset) = word_of(p, address_of(at(p, page, offset)), round);
}

static bool good(const struct press *p, uint64_t page, uint64_t round)
{
	for (uint64_t offset = 0; offset < PAGE_SIZE; offset += 8) {
		uint64_t want = p->dense || !(offset % STEP) ?
				word_of(p, address_of(at(p, page, offset)), round) : 0;

		if (*at(p, page, offset) != want)
			return false;
	}
	return true;
}

PROGRAM(arg)
{
	struct press p = { .pages = arg & 0xffffff, .number = arg >> 32 & 0xffff,
			   .dense = arg >> 48 & 1 };
	uint64_t rounds = arg >> 24 & 0xff;

	p.memory = map(p.pages * PAGE_SIZE, USER_READ | USER_WRITE);
	if (!p.memory)
		return -1;
	for (uint64_t page = 0; page < p.pages; page++)
		fill(&p, page, 0);
	for (uint64_t round = 0; !rounds || round < rounds; round++) {
		for (uint64_t page = 0; page < p.pages; page++) {
			if (!good(&p, page, round))
				return (int)page + 1;
			if (round + 1 != rounds)
				fill(&p, page, round + 1);
		}
		if (!rounds)
			(void)call(USER_CALL_SLEEP, REST_NS, 0, 0);
	}
	return 0;
}
