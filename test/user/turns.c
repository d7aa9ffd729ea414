/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many of these run at once, all with the same addresses and different contents: a page of another
 * one, seen through a TLB entry that should have gone, is noticed.
 *
 * `arg` makes the contents. In each round some pages are written, others dropped and unmapped, and
 * after a turn or a sleep all are looked at. Exit status 0, or 1 for a wrong word.
 */
#include "user/programs/program.h"

enum { PAGES = 48, ROUNDS = 60 };

static uint64_t expected[PAGES];

static volatile uint64_t *word(volatile uint8_t *memory, unsigned page)
{
	return (volatile uint64_t *)(uintptr_t)(address_of(memory) + page * PAGE_SIZE);
}

static void change(volatile uint8_t *memory, unsigned page, uint64_t value)
{
	uint64_t va = address_of(memory) + page * PAGE_SIZE;

	expected[page] = 0;
	if (value % 5 == 0) {
		call(USER_CALL_ADVISE, va, PAGE_SIZE, USER_DROP);
		return;
	}
	if (value % 5 == 1) {
		call(USER_CALL_UNMAP, va, PAGE_SIZE, 0);
		call(USER_CALL_MAP, va, PAGE_SIZE, USER_READ | USER_WRITE);
		return;
	}
	*word(memory, page) = value;
	expected[page] = value;
}

PROGRAM(arg)
{
	volatile uint8_t *memory = map(PAGES * PAGE_SIZE, USER_READ | USER_WRITE);
	uint64_t value = (arg + 1) * 0x9e3779b97f4a7c15;

	if (!memory)
		return 2;
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned page = round % 3; page < PAGES; page += 3) {
			value = value * 6364136223846793005 + 1442695040888963407;
			change(memory, page, value >> 8);
		}
		if (round % 4)
			call(USER_CALL_YIELD, 0, 0, 0);
		else
			call(USER_CALL_SLEEP, 100000, 0, 0);
		for (unsigned page = 0; page < PAGES; page++)
			if (*word(memory, page) != expected[page])
				return 1;
	}
	return 0;
}
