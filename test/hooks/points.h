/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The works whose every access is tried, and the one board that they run on.
 */
#ifndef TEST_HOOKS_POINTS_H
#define TEST_HOOKS_POINTS_H

#include "mm/mm.h"

/* One piece of work: `prepare` and `tidy` run undisturbed. */
struct work {
	const char *name;
	void (*prepare)(void);
	void (*run)(void);
	void (*tidy)(void);
};

extern const struct work works[];
extern const unsigned work_count;

/* The instance and its only zone; the works' pages that are out, by their owner. */
extern struct zonal *points_mm;
extern struct zone *points_zone;
/* Pages that the works hold now. */
uint64_t works_hold(void);
/* Is this page one of those? */
bool works_have(const struct page *page);

#endif
