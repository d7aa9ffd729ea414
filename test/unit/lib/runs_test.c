/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs of ones in a mask, lowest first: what lists of nodes are made of.
 *
 * Each run is as long as it can be, also at both ends of the word, and all of them together are
 * the mask.
 */
#include "lib/runs.h"
#include "test/ktest.h"

static uint64_t ones(unsigned first, unsigned last)
{
	return ~0ull >> (63 - (last - first)) << first;
}

KTEST(runs, all_runs_are_whole_and_make_the_mask)
{
	uint64_t state = kt_seed();

	for (unsigned i = 0; i < 300; i++) {
		/* Single bits, runs at the lower and at the upper end, then anything. */
		uint64_t mask = i < 64	? 1ull << i :
				i < 128 ? ~0ull >> (i - 64) :
				i < 192 ? ~0ull << (i - 128) :
					  kt_random(&state) & kt_random(&state);
		uint64_t left = mask, sum = 0;
		unsigned first, last, before = 0;

		for (bool any = false; runs_next(&left, &first, &last); any = true) {
			KT_OK(first <= last && last < 64 && (!any || first > before + 1),
			      "run %u-%u of 0x%llx", first, last, (unsigned long long)mask);
			sum |= ones(first, last);
			before = last;
		}
		if (!KT_EQ(sum, mask) || !KT_EQ(left, 0))
			return;
	}
}
