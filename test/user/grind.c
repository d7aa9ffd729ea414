/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One of very many: a task that has some pages, looks at them now and then, and each time has one
 * of them anew. So the number of its faults says that it goes on.
 *
 * `arg`: pages; from bit 32 on its adjustment plus 1000 (0: none given), as hungry.c has it. Exit
 * status: 1 for a wrong byte, 2 for an adjustment that was refused, 3 without memory; else it runs
 * until it is ended.
 */
#include "user/programs/program.h"

#define REST_NS 200000000 /* a thousand of them: 5,000 faults a second */
#define ADJ_SHIFT 32
#define WORDS (PAGE_SIZE / sizeof(uint64_t))

static uint64_t mark_of(volatile uint64_t *word) { return address_of(word) ^ 0x6772696e64; }

PROGRAM(arg)
{
	uint64_t pages = arg & 0xffffffff, adj = arg >> ADJ_SHIFT;
	volatile uint64_t *memory;

	if (adj && call(USER_CALL_OOM_ADJ, 0, adj - 1000, 0))
		return 2;
	memory = (volatile uint64_t *)(volatile void *)map(pages * PAGE_SIZE,
							   USER_READ | USER_WRITE);
	if (!memory)
		return 3;
	for (uint64_t page = 0; page < pages; page++)
		memory[page * WORDS] = mark_of(&memory[page * WORDS]);
	for (uint64_t round = 0;; round++) {
		volatile uint64_t *one = &memory[round % pages * WORDS];

		for (uint64_t page = 0; page < pages; page++)
			if (memory[page * WORDS] != mark_of(&memory[page * WORDS]))
				return 1;
		if (call(USER_CALL_ADVISE, address_of(one), PAGE_SIZE, USER_DROP) || *one)
			return 1;
		*one = mark_of(one);
		call(USER_CALL_SLEEP, REST_NS, 0, 0);
	}
}
