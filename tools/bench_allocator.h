/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An allocator of yours beside this one, in build/host/bench: write these three functions over it,
 * compile them, and link them in.
 *
 *	make bench-with WITH='mine.o libmine.a' OUT=build/bench-mine
 *	build/bench-mine 'beside*'
 *
 * Beside the C library's malloc and mmap there is one more row for each piece of work then. The
 * same blocks are asked for as of Zonal: of 4 KiB << order bytes, aligned to their size or not, as
 * yours does it; nobody touches them. One thread; nothing is asked for before begin() or during it.
 */
#ifndef TOOLS_BENCH_ALLOCATOR_H
#define TOOLS_BENCH_ALLOCATOR_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* It is to manage these bytes, aligned to 4 MiB and cleared: the memory of Zonal's board, 1 GiB.
 * Pages are not there before they are touched, so what it does not use costs nothing. Returns its
 * name, which is shown, or NULL: it does not work here. */
const char *bench_allocator_begin(void *memory, size_t bytes) __attribute__((weak));

/* A block of 4 KiB << order bytes; NULL if there is none, which ends that piece of work. */
void *bench_allocator_take(unsigned order) __attribute__((weak));

/* It comes back: what take() returned, with the same order. */
void bench_allocator_give(void *block, unsigned order) __attribute__((weak));

#ifdef __cplusplus
}
#endif

#endif
