/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The smallest program that shows something: where it runs, and memory of its own.
 *
 * It prints a line, maps `arg` MiB (1 if that is 0), writes every page, and says on which node it
 * did so. Exit status 0, or 1 if there was no memory. `user run hello 16` in the monitor.
 */
#include "program.h"

static void print_number(uint64_t number)
{
	char text[21], *at = &text[20];

	*at = 0;
	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	print(at);
}

PROGRAM(arg)
{
	uint64_t bytes = (arg ? arg : 1) << 20;
	volatile uint8_t *memory = map(bytes, USER_READ | USER_WRITE);
	int64_t where;

	if (!memory)
		return 1;
	for (uint64_t at = 0; at < bytes; at += PAGE_SIZE)
		memory[at] = (uint8_t)(at >> 12);
	where = call(USER_CALL_WHERE, 0, 0, 0);
	print("hello from EL0: core ");
	print_number((uint64_t)where & 0xffffffff);
	print(", node ");
	print_number((uint64_t)where >> 32);
	print(", ");
	print_number(bytes >> 20);
	print(" MiB written\n");
	return 0;
}
