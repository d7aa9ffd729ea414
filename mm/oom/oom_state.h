/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an instance keeps for the end of all other means. All of it belongs to whoever holds
 * `busy`, but for what is atomic; see oom.c.
 */
#ifndef MM_OOM_OOM_STATE_H
#define MM_OOM_OOM_STATE_H

#include <zonal/oom.h>

#define OOM_ROWS 64u   /* candidates that a report lists */
#define OOM_VICTIMS 16u /* that the reaper has to look after at once */

/* A line of the report. */
struct oom_row {
	struct zonal_oom_candidate who;
	int64_t points;
};

struct oom_victim {
	uint64_t id; /* 0: the place is free */
	uint64_t due_ns;
	unsigned tries;
	bool met; /* in the walk that goes on */
};

struct oom {
	_Atomic uint32_t busy;            /* O1: one at a time; acquire and release */
	_Atomic uint8_t panic;            /* t: enum zonal_oom_panic */
	_Atomic bool off, kill_asker;     /* t */
	const struct zonal_oom_ops *ops;  /* NULL: nobody can be ended */
	void *ctx;
	struct zonal_oom_notifier *notifiers;
	struct oom_victim victim[OOM_VICTIMS];
	uint64_t killed_ns;               /* when a task was ended last; 0: never */
	uint64_t report_ns;               /* when the current five seconds began; 0: none yet */
	unsigned reports;                 /* in them */
	unsigned rows;                    /* of the last choice, by points, the most first */
	uint64_t more;                    /* candidates that there is no row for */
	struct oom_row row[OOM_ROWS];
};

#endif
