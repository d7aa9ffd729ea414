/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A task that takes memory until it is ended, or takes some and sleeps.
 *
 * `arg` is pages to touch, 0: without end; ADJ_SHIFT above it its adjustment plus 1000 (0: none
 * given). Who has what it wanted sleeps until it is ended. A wrong byte is status 1: pages keep
 * their number.
 */
#include "user/programs/program.h"

#define CHUNK_PAGES 512u
#define ADJ_SHIFT 32

static volatile uint64_t *chunk(void)
{
	return (volatile uint64_t *)(volatile void *)map(CHUNK_PAGES * PAGE_SIZE,
							 USER_READ | USER_WRITE);
}

PROGRAM(arg)
{
	uint64_t want = arg & 0xffffffff, adj = arg >> ADJ_SHIFT, have = 0;
	volatile uint64_t *memory = 0;

	if (adj && call(USER_CALL_OOM_ADJ, 0, adj - 1000, 0))
		return 2;
	while (!want || have < want) {
		uint64_t at = have % CHUNK_PAGES * (PAGE_SIZE / sizeof(*memory));

		if (!(have % CHUNK_PAGES))
			memory = chunk();
		if (!memory)
			return 3;
		if (memory[at])
			return 1;
		memory[at] = ++have;
	}
	for (;;)
		call(USER_CALL_SLEEP, UINT64_MAX, 0, 0);
}
