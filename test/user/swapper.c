/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark's program for swap: fill `arg` pages, sleep for three seconds, read them all again.
 *
 * Of each 64 bytes of a page, 32 are of a random sequence and 32 are zeros. Exit status: the
 * microseconds of reading. Negative: a page was not what was written there.
 */
#include "user/programs/program.h"

enum { PIECE = 64, HALF = 32 };

static uint64_t now(void) { return (uint64_t)call(USER_CALL_TIME, 0, 0, 0); }

static volatile uint64_t *word_at(volatile uint8_t *memory, uint64_t offset)
{
	return (volatile uint64_t *)(uintptr_t)(address_of(memory) + offset);
}

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state ^ *state >> 29;
}

static void fill(volatile uint8_t *memory, uint64_t pages)
{
	uint64_t state = 1;

	for (uint64_t at = 0; at < pages * PAGE_SIZE; at += PIECE)
		for (uint64_t word = 0; word < HALF; word += 8)
			*word_at(memory, at + word) = next_random(&state);
}

static bool same(volatile uint8_t *memory, uint64_t pages)
{
	uint64_t state = 1;

	for (uint64_t at = 0; at < pages * PAGE_SIZE; at += PIECE)
		for (uint64_t word = 0; word < HALF; word += 8)
			if (*word_at(memory, at + word) != next_random(&state) ||
			    *word_at(memory, at + word + HALF))
				return false;
	return true;
}

PROGRAM(arg)
{
	volatile uint8_t *memory = map(arg * PAGE_SIZE, USER_READ | USER_WRITE);
	uint64_t time;

	if (!memory)
		return -1;
	fill(memory, arg);
	call(USER_CALL_SLEEP, 3000000000ull, 0, 0);
	time = now();
	for (uint64_t page = 0; page < arg; page++)
		(void)*word_at(memory, page * PAGE_SIZE);
	time = now() - time;
	return same(memory, arg) ? (int)(time / 1000) : -2;
}
