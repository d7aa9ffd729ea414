/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark's program: nanoseconds for the work that `arg` names, as exit status.
 *
 *	0  touch 16,384 fresh pages
 *	1  unmap them
 *	2  touch 32 blocks of 2 MiB
 *
 * A negative status is an error. What is not timed is done before the clock is read.
 */
#include "user/programs/program.h"

enum { PAGES = 16384, BLOCKS = 32, BLOCK_BYTES = 0x200000 };

static uint64_t now(void) { return (uint64_t)call(USER_CALL_TIME, 0, 0, 0); }

static void touch(volatile uint8_t *memory, uint64_t bytes, uint64_t step)
{
	for (uint64_t at = 0; at < bytes; at += step)
		memory[at] = 1;
}

PROGRAM(arg)
{
	bool blocks = arg == 2;
	uint64_t bytes = blocks ? (uint64_t)BLOCKS * BLOCK_BYTES : PAGES * PAGE_SIZE, start;
	volatile uint8_t *memory = map(bytes, USER_READ | USER_WRITE | (blocks ? USER_HUGE : 0));

	if (!memory)
		return -1;
	start = now();
	touch(memory, bytes, blocks ? BLOCK_BYTES : PAGE_SIZE);
	if (arg != 1)
		return (int)(now() - start);
	start = now();
	if (unmap(memory, bytes))
		return -1;
	return (int)(now() - start);
}
