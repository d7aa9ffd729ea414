/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Breaking things on purpose.
 */
#ifndef MONITOR_CRASH_H
#define MONITOR_CRASH_H

/* Break what `kind` names ("null", "stack", ...) and never return; 1, with a line that
 * lists the kinds, if it names none. Context: task. */
int arm64_crash(const char *kind);
/* The n-th kind, NULL behind the last. */
const char *arm64_crash_kind(unsigned n);

#endif
