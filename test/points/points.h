/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Something else happens at one point of a piece of work, and the point moves.
 *
 * works.c has the works, points_test.c the acts that disturb them and what must hold
 * after. How an act comes in between is the place's own:
 *
 *	host    every load and relaxed store is a point (test/hooks/hook.c)
 *	image   about every instruction is one: a timer (test/target/points_timer.c)
 */
#ifndef TEST_POINTS_POINTS_H
#define TEST_POINTS_POINTS_H

#include "lib/lock.h"
#include "mm/mm.h"

enum point_kind {
	POINT_INTERRUPT, /* as a handler of this CPU, as soon as it is not masked */
	POINT_OTHER,     /* as CPU 1, as soon as `watched` is free: it would wait. Host only */
};

struct point {
	enum point_kind kind;
	uint64_t at;
	void (*act)(void);
	struct ticket_lock *watched; /* a lock that `act` takes */
};

/* ---- the place ---------------------------------------------------------------------- */

/* Can points be told apart here? */
bool point_possible(void);
/* After how many points everything is checked: a check costs. */
unsigned point_check_every(void);
/* Somebody shall look after works that do not end, or not any more. */
void point_watch(bool on);
void point_arm(const struct point *point);
/* Off again; an act that has not come comes now. False: it did not come while armed, or
 * at the last point of all: the work has no more. */
bool point_disarm(void);
/* The act would have come while `watched` was held, open to interrupts: a deadlock. */
bool point_stuck(void);

/* ---- works -------------------------------------------------------------------------- */

/* One piece of work: `prepare` and `tidy` run undisturbed. */
struct work {
	const char *name;
	void (*prepare)(void);
	void (*run)(void);
	void (*tidy)(void);
};

extern const struct work works[];
extern const unsigned work_count;

/* The instance that all of it runs on, and its only zone. */
extern struct zonal *points_mm;
extern struct zone *points_zone;
/* Pages that the works hold now. */
uint64_t works_hold(void);
/* Is this page one of those? */
bool works_have(const struct page *page);

/* Every work with every act at every point, up to the first that fails. */
void points_try(enum point_kind kind);

#endif
