/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hook of lib/log.h.
 *
 * Both ports ask it in port_log() before they print, and the panic paths make it show what
 * was kept. The test harness sets it while a case runs, on one CPU; the others see it
 * sooner or later, so a line of theirs may still be printed, which does no harm.
 */
#include "log.h"

bool (*zn_log_hook)(const char *line);
