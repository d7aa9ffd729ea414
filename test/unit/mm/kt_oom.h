/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Candidates for tests: tasks that hold pages of a private instance and can be ended.
 *
 * A task is a row of a table; its pages are a chain. kill() frees them at once, or leaves that to
 * the case (`slow`), which frees them when next() has been asked so often (`walks`). Everything
 * runs in the task that asks for memory.
 */
#ifndef TEST_UNIT_KT_OOM_H
#define TEST_UNIT_KT_OOM_H

#include <zonal/oom.h>

#include "kt_instance.h"

enum { KT_OOM_TASKS = 1000 };

struct kt_oom_task {
	struct zonal_task own, *memory; /* `own`, or the task's that runs the test */
	struct page *pages; /* a chain */
	uint64_t count;
	uint64_t swap, tables;
	int adj;
	unsigned flags;
};

struct kt_oom {
	struct zonal *mm;
	struct kt_oom_task *task;
	unsigned count;
	bool slow;           /* kill() frees nothing */
	bool stuck;          /* nor does reap() */
	unsigned walks_left; /* slow: walks until the victim frees all; 0: never */
	/* what was called */
	unsigned kills, killed[8]; /* which, in order */
	unsigned walks, reaped, skipped, woken, no_victim;
	_Atomic unsigned hurried, calmed; /* and who asks is hurried while others are called */
	bool vanishes;       /* kill() finds nobody, and somebody else has ended who asks */
	bool asks_inside;    /* kill() asks for memory itself, and must not come here again */
	uint32_t flags;      /* of the task that asks, in the last kill() */
};

/* A table without tasks, registered with `mm`; NULL: no memory. */
struct kt_oom *kt_oom(struct zonal *mm);
/* One more task, with `pages` pages; its number. */
unsigned kt_oom_task(struct kt_oom *oom, uint64_t pages, int adj);
/* The pages of a task, and it is gone. */
void kt_oom_end(struct kt_oom *oom, unsigned n);
void kt_oom_end_all(struct kt_oom *oom);
/* Number n is the task that runs the test, until kt_oom_be_self(). */
void kt_oom_be(struct kt_oom *oom, unsigned n);
void kt_oom_be_self(void);

/* A full board with tasks of 100, 300 and 200 pages, number 0 to 2; the rest is number 3's, who is
 * never chosen. NULL: no memory. */
struct kt_oom *kt_oom_full(const struct kt_spec *spec);
/* All that is free goes to a new task that is never chosen. */
void kt_oom_fill(struct kt_oom *oom);
/* The request is served, or not, after so many kills in all; the last of them was `who`. */
void kt_oom_expect(struct kt_oom *oom, gfp_t gfp, bool served, unsigned kills, unsigned who);
/* All is back on the board of one zone, and every count right. */
void kt_oom_finish(struct kt_oom *oom);

#endif
