/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zonal beside other allocators, for build/host/bench.
 */
#ifndef TOOLS_BENCH_BESIDE_H
#define TOOLS_BENCH_BESIDE_H

#include <stdbool.h>

/* Run the pieces of work whose name matches (NULL: all), a line for each allocator, and count them
 * in *matched. Returns 0, or 1 with a line on stderr. Context: the instance is up. */
int bench_beside(const char *glob, bool json, unsigned *matched);

#endif
