/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counting the nodes of a mask, by a few additions of many fields at once: what may be wrong is a
 * constant, so single bits, runs and random words are all tried.
 *
 * The volatile value keeps the compiler from counting itself; the
 * expectation counts one bit after the other.
 */
#include "test/ktest.h"

static unsigned count_slowly(uint64_t v)
{
	unsigned count = 0;

	for (; v; v >>= 1)
		count += v & 1;
	return count;
}

KTEST(nodemask, counts_every_bit)
{
	uint64_t state = kt_seed();

	for (int i = 0; i < 300; i++) {
		/* Single bits and runs of ones first, then anything. */
		uint64_t v = i < 64 ? 1ull << i : i < 128 ? ~0ull >> (i - 64) : kt_random(&state);
		volatile uint64_t opaque = v;

		if (!KT_EQ(nodemask_count(opaque), count_slowly(v)))
			return;
	}
}
