/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hook of lib/progress.h.
 *
 * The image sets it before the page map is filled, to a function that prints at most once a
 * second; on the host nobody does. Written once at boot, before there is more than one CPU.
 */
#include "progress.h"

#include <stddef.h>

void (*zn_progress_hook)(const char *what, uint64_t done, uint64_t total) = NULL;
