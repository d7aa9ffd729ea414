/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory whose every word follows from its address, a number that others do not have, and a round.
 *
 * So a page that comes back in a wrong place, old, or from somebody else is seen. `dense`: the
 * contents do not compress; else most of it is zero, and that is looked at as well.
 */
#ifndef USER_PROGRAMS_PATTERN_H
#define USER_PROGRAMS_PATTERN_H

#include "user/programs/program.h"

#define PATTERN_STEP 64

struct pattern {
	volatile uint8_t *memory;
	uint64_t pages, number;
	bool dense;
};

static inline uint64_t pattern_word(const struct pattern *p, uint64_t address, uint64_t round)
{
	uint64_t x = (address ^ p->number << 48) * 0x9e3779b97f4a7c15 + round;

	x ^= x >> 31;
	x *= 0xbf58476d1ce4e5b9;
	return x ^ x >> 29;
}

static inline volatile uint64_t *pattern_at(const struct pattern *p, uint64_t page,
					    uint64_t offset)
{
	return (volatile uint64_t *)(uintptr_t)(address_of(p->memory) + page * PAGE_SIZE + offset);
}

static inline void pattern_fill(const struct pattern *p, uint64_t page, uint64_t round)
{
	for (uint64_t offset = 0; offset < PAGE_SIZE; offset += p->dense ? 8 : PATTERN_STEP) {
		volatile uint64_t *at = pattern_at(p, page, offset);

		*at = pattern_word(p, address_of(at), round);
	}
}

static inline bool pattern_good(const struct pattern *p, uint64_t page, uint64_t round)
{
	for (uint64_t offset = 0; offset < PAGE_SIZE; offset += 8) {
		volatile uint64_t *at = pattern_at(p, page, offset);
		uint64_t want = p->dense || !(offset % PATTERN_STEP) ?
				pattern_word(p, address_of(at), round) : 0;

		if (*at != want)
			return false;
	}
	return true;
}

#endif
