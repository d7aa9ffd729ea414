/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens beside the programs of user_storm_test.c, and what was counted of it.
 */
#ifndef TEST_TARGET_USER_STORM_H
#define TEST_TARGET_USER_STORM_H

#include <zonal/cpuset.h>

#include "block/block.h"
#include "lib/atomic.h"
#include "test/ktest.h"

/* What must have happened. */
enum what { VERIFIED, HELD, SWAP_OUT, SWAP_IN, RAM_OUT, DISK_OUT, COMPACTED, TO_NODE, POLICIES,
	    CPUSET, ROWS, DISK_READ, DISK_WRITTEN, WHATS };

enum { PIECE = 1 << 14, PIECES = 256 }; /* of the disk that is loaded */

struct storm {
	uint64_t seed, board_pages, rows_asked, deadline;
	struct zonal_cpuset set;
	struct block_device *swap, *load;
	_Atomic bool stop;
	uint64_t events[2]; /* of pswpout and pswpin, at the start */
	uint8_t version[PIECES], piece[PIECE], want[PIECE];
	_Atomic uint64_t seen[WHATS]; /* each written by one task */
};
extern struct storm storm;

static inline void storm_saw(enum what what, uint64_t more)
{
	st_relaxed(&storm.seen[what], ld_relaxed(&storm.seen[what]) + more);
}

static inline unsigned storm_draw(uint64_t *state, unsigned below)
{
	return (unsigned)(kt_random(state) % below);
}

/* Tasks, until storm.stop: both nodes are compacted, and blocks of 2 MiB asked for; ranges of
 * frames are emptied, marked, looked at and given back; the disk is written, flushed and read. */
int storm_compact(void *arg);
int storm_rows(void *arg);
int storm_load(void *arg);

/* A piece of the disk in a new version; and what is there is the last one. */
void storm_write_piece(unsigned piece);
void storm_read_piece(unsigned piece);

#endif
