/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stop, please: how whoever works for long learns that nobody wants the result any more.
 *
 * The monitor sets the hook to one that looks for a Ctrl-C; where there is no monitor, on
 * the host or in an image of somebody else, nobody ever asks. What works for more than a
 * second or so looks here between two pieces of its work, puts everything in order, and says
 * that it is not finished.
 */
#ifndef LIB_STOP_H
#define LIB_STOP_H

#include <stdbool.h>

/* Set once, before anyone asks; any context, and quick. NULL: nobody stops anything. */
extern bool (*zn_stop_hook)(void);

static inline bool zn_stop_asked(void) { return zn_stop_hook && zn_stop_hook(); }

#endif
