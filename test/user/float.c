/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Floating point registers are a task's own: all 32, FPCR and FPSR hold what was put there, over
 * calls, slices that end and moves to other cores. They begin as zero.
 *
 * `arg` makes the pattern. Exit status 0, or the number of the check that failed. A second part
 * computes with doubles and compares, so that the registers are used as a compiler uses them.
 */
#include "user/programs/program.h"

enum { REGISTERS = 32, ROUNDS = 300 };

struct registers {
	uint64_t half[2 * REGISTERS] __attribute__((aligned(16)));
};

#define PAIR(n, m) "\tq" #n ", q" #m ", [%0], #32\n"
#define PAIRS(op)                                                                                  \
	op PAIR(0, 1) op PAIR(2, 3) op PAIR(4, 5) op PAIR(6, 7)                                    \
	op PAIR(8, 9) op PAIR(10, 11) op PAIR(12, 13) op PAIR(14, 15)                              \
	op PAIR(16, 17) op PAIR(18, 19) op PAIR(20, 21) op PAIR(22, 23)                            \
	op PAIR(24, 25) op PAIR(26, 27) op PAIR(28, 29) op PAIR(30, 31)
#define ALL                                                                                        \
	"v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",    \
	"v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25",        \
	"v26", "v27", "v28", "v29", "v30", "v31", "memory"

static bool all_zero(void)
{
	struct registers seen;
	uint64_t at = address_of(&seen), any = 0;

	__asm__ volatile(PAIRS("stp") : "+r"(at) : : "memory");
	for (unsigned i = 0; i < 2 * REGISTERS; i++)
		any |= seen.half[i];
	return !any;
}

/* Load the pattern, spin and call, store, all in one statement: nothing else uses a register. */
static bool round_trip(const struct registers *pattern, uint64_t spin, enum user_call number)
{
	struct registers seen;
	uint64_t from = address_of(pattern), to = address_of(&seen);

	__asm__ volatile(PAIRS("ldp") : "+r"(from) : : ALL);
	__asm__ volatile("1: subs %0, %0, #1\n\tb.ne 1b" : "+r"(spin) : : "cc", "memory");
	call(number, 1000, 0, 0);
	__asm__ volatile(PAIRS("stp") : "+r"(to) : : "memory");
	for (unsigned i = 0; i < 2 * REGISTERS; i++)
		if (seen.half[i] != pattern->half[i])
			return false;
	return true;
}

static bool computes(uint64_t arg)
{
	double sum = 0, term = 1;
	volatile double expected = 2;

	for (unsigned i = 0; i < 60; i++) {
		sum += term;
		term /= 2;
		if (i % 8 == arg % 8)
			call(USER_CALL_YIELD, 0, 0, 0);
	}
	return expected - sum < 1e-15 && sum - expected < 1e-15;
}

PROGRAM(arg)
{
	struct registers pattern;
	uint64_t control = 1ull << 24, seen; /* FPCR.FZ */

	if (!all_zero())
		return 1;
	for (unsigned i = 0; i < 2 * REGISTERS; i++)
		pattern.half[i] = (arg + 1) * 0x9e3779b97f4a7c15 + i;
	for (unsigned i = 0; i < ROUNDS; i++) {
		enum user_call number = i % 2 ? USER_CALL_YIELD : USER_CALL_SLEEP;

		if (!round_trip(&pattern, 1000 + (i * 37 + arg) % 5000, number))
			return 2;
	}
	__asm__ volatile("msr fpcr, %0" : : "r"(control));
	call(USER_CALL_SLEEP, 10000, 0, 0);
	__asm__ volatile("mrs %0, fpcr" : "=r"(seen));
	if (seen != control)
		return 3;
	__asm__ volatile("msr fpcr, xzr");
	return computes(arg) ? 0 : 4;
}
