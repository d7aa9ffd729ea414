/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of log that somebody wants to keep to himself: a test that provokes a report would
 * else look like one that found something.
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stdbool.h>
#include <stddef.h>

/* Takes a line of port_log(), without its newline; false: print it. NULL: show what you have
 * kept, things go wrong. Any context, several CPUs at once. Unset: everything is printed. */
extern bool (*zn_log_hook)(const char *line);

static inline bool zn_log_kept(const char *line) { return zn_log_hook && zn_log_hook(line); }

#endif
