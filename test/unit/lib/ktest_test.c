/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The harness tests what can be tested from inside: globs, the generator and
 * test memory. That a failing check fails the run is tested from outside, by
 * tools/check_harness.sh.
 */
#include <zonal/port.h>

#include "test/ktest.h"

KTEST(ktest, globs)
{
	KT_TRUE(ktest_match(NULL, "buddy.split"));
	KT_TRUE(ktest_match("", "buddy.split"));
	KT_TRUE(ktest_match("buddy.*", "buddy.split"));
	KT_TRUE(ktest_match("*.split", "buddy.split"));
	KT_TRUE(ktest_match("b*d?.*l*t", "buddy.split"));
	KT_TRUE(ktest_match("*", "buddy.split"));
	KT_TRUE(ktest_match("zone.*,buddy.split", "buddy.split"));
	KT_TRUE(!ktest_match("buddy", "buddy.split"));
	KT_TRUE(!ktest_match("buddy.split?", "buddy.split"));
	KT_TRUE(!ktest_match("zone.*,pcp.*", "buddy.split"));
	KT_TRUE(!ktest_match("buddy.*x", "buddy.split"));
}

KTEST(ktest, the_generator_repeats_from_its_seed)
{
	uint64_t a = kt_seed(), b = kt_seed(), last = 0;

	KT_TRUE(a != 0);
	for (int i = 0; i < 100; i++) {
		uint64_t next = kt_random(&a);

		KT_EQ(next, kt_random(&b));
		KT_TRUE(next != last);
		last = next;
	}
}

KTEST(ktest, memory_is_aligned_and_zero)
{
	static const size_t aligns[] = { 1, 8, 64, 4096, 65536 };

	for (size_t i = 0; i < ARRAY_SIZE(aligns); i++) {
		unsigned char *memory = kt_alloc(10000, aligns[i]);

		if (!memory)
			return;
		KT_EQ((uintptr_t)memory % aligns[i], 0);
		for (int at = 0; at < 10000; at++)
			if (!KT_EQ(memory[at], 0))
				return;
		memory[0] = memory[9999] = 0xff;
	}
}

/* The runner counts the lines: one for each CPU of the board (tools/check_boot.py). */
KTEST_F(ktest, a_pinned_case_stays_on_its_cpu, KT_EACH_CPU)
{
	unsigned cpu = port_this_cpu()->id;

	kt_diag("pinned to cpu %u", cpu);
	for (int i = 0; i < 1000; i++) {
		port_relax();
		if (!KT_EQ(port_this_cpu()->id, cpu))
			return;
	}
}
