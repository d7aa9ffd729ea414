/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark's program for blocks out of memory that is full of single pages: fill 880 MiB,
 * give back a random half page by page, then touch `arg` blocks of 2 MiB; sleep for two seconds, so
 * that it can be seen how many are blocks; look at every page that was kept.
 *
 * Each page has its number at its beginning and its end. Exit status: nanoseconds of touching.
 * Negative: that many pages were wrong; or ERROR, when a call failed.
 */
#include "user/programs/program.h"

#define ERROR (-0x7fffffff)

enum { FILL_MIB = 880, BLOCK_BYTES = 0x200000 };

static const uint64_t pages = ((uint64_t)FILL_MIB << 20) / PAGE_SIZE;

static uint64_t now(void) { return (uint64_t)call(USER_CALL_TIME, 0, 0, 0); }

static volatile uint64_t *word_of(volatile uint8_t *memory, uint64_t page, uint64_t word)
{
	return (volatile uint64_t *)(uintptr_t)(address_of(memory) + page * PAGE_SIZE) + word;
}

/* One of two, as chance says: the same in every pass over the pages. */
static bool dropped(uint32_t *random)
{
	*random = *random * 1664525u + 1013904223u;
	return *random >> 8 & 1;
}

static void fill(volatile uint8_t *memory)
{
	for (uint64_t page = 0; page < pages; page++) {
		*word_of(memory, page, 0) = page + 1;
		*word_of(memory, page, PAGE_SIZE / 8 - 1) = page + 1;
	}
}

static bool drop_half(volatile uint8_t *memory)
{
	uint32_t random = 1;
	bool good = true;

	for (uint64_t page = 0; page < pages; page++)
		if (dropped(&random))
			good &= !call(USER_CALL_ADVISE, address_of(memory) + page * PAGE_SIZE,
				      PAGE_SIZE, USER_DROP);
	return good;
}

static int count_wrong(volatile uint8_t *memory)
{
	uint32_t random = 1;
	int wrong = 0;

	for (uint64_t page = 0; page < pages; page++)
		if (!dropped(&random))
			wrong += *word_of(memory, page, 0) != page + 1 ||
				 *word_of(memory, page, PAGE_SIZE / 8 - 1) != page + 1;
	return wrong;
}

PROGRAM(arg)
{
	volatile uint8_t *memory = map(pages * PAGE_SIZE, USER_READ | USER_WRITE), *blocks;
	uint64_t time;
	int wrong;

	if (!memory)
		return ERROR;
	fill(memory);
	blocks = map(arg * BLOCK_BYTES, USER_READ | USER_WRITE | USER_HUGE);
	if (!drop_half(memory) || !blocks)
		return ERROR;
	time = now();
	for (uint64_t i = 0; i < arg; i++)
		blocks[i * BLOCK_BYTES] = 1;
	time = now() - time;
	call(USER_CALL_SLEEP, 2000000000ull, 0, 0);
	wrong = count_wrong(memory);
	for (uint64_t i = 0; i < arg; i++)
		wrong += blocks[i * BLOCK_BYTES] != 1 || blocks[(i + 1) * BLOCK_BYTES - 1];
	return wrong ? -wrong : (int)time;
}
