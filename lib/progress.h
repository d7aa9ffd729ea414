/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How far: work that takes a minute on a board of terabytes tells whoever watches.
 *
 * Called once for a section of the page map or the like, thousands of instructions apart, so
 * that the call costs nothing; the hook decides how often to show it.
 */
#ifndef LIB_PROGRESS_H
#define LIB_PROGRESS_H

#include <stdint.h>

#include "assert.h"

/* `done` parts of `total` of the work `what`; total 0: nobody knows how many there are.
 * Any context without a lock held. NULL: nobody watches. */
extern void (*zn_progress_hook)(const char *what, uint64_t done, uint64_t total);

static inline void zn_progress(const char *what, uint64_t done, uint64_t total)
{
	ASSERT(what && (!total || done <= total), "%llu of %llu", (unsigned long long)done,
	       (unsigned long long)total);
	if (zn_progress_hook)
		zn_progress_hook(what, done, total);
}

#endif
