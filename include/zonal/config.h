/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Build values: every table size and every compile-time option of Zonal.
 *
 * Each can be overridden with -D. Nothing else in the tree hides a limit: a
 * table that overflows says so by the name used here, and the monitor command
 * `limits` prints how full each one is.
 */
#ifndef ZONAL_CONFIG_H
#define ZONAL_CONFIG_H

/* An assertion that C and C++ both know. */
#ifdef __cplusplus
#define ZN_STATIC_ASSERT static_assert
#else
#define ZN_STATIC_ASSERT _Static_assert
#endif

/* Size of a page, as a shift. 5.10's arm64 default; the golden figures use it. */
#ifndef PAGE_SHIFT
#define PAGE_SHIFT 12
#endif
#define PAGE_SIZE (1UL << PAGE_SHIFT)

/* Orders run 0..MAX_ORDER-1; the largest block is 4 MiB (row C1). */
#ifndef MAX_ORDER
#define MAX_ORDER 11
#endif

/* A pageblock is the unit that has one migratetype: 2 MiB (row C2). */
#ifndef PAGEBLOCK_ORDER
#define PAGEBLOCK_ORDER 9
#endif

/* Most nodes; 5.10 arm64 has NODES_SHIFT 4 (rows C7, N1). At most 64. */
#ifndef ZONAL_MAX_NODES
#define ZONAL_MAX_NODES 16
#endif

/* Most cores the image starts or the library serves. */
#ifndef ZONAL_MAX_CPUS
#define ZONAL_MAX_CPUS 128
#endif

/* Most memory ranges and most reserved ranges of one board. */
#ifndef ZONAL_MAX_RANGES
#define ZONAL_MAX_RANGES 256
#endif

/*
 * The page map is allocated in sections of this many bytes of RAM, as a shift:
 * 128 MiB, so that a section rarely holds two nodes and its map is 1 MiB.
 */
#ifndef SECTION_SHIFT
#define SECTION_SHIFT 27
#endif

/* Most tasks at EL0, and most ranges of addresses in each. */
#ifndef ZONAL_USER_TASKS
#define ZONAL_USER_TASKS 256
#endif
#ifndef ZONAL_USER_RANGES
#define ZONAL_USER_RANGES 64
#endif

/* 1 turns on the costly checks: DASSERT, the order of locks, every page of a block. */
#ifndef ZONAL_DEBUG
#define ZONAL_DEBUG 0
#endif

/* Different call stacks that page_owner can keep, 144 bytes each; none unless it is on. */
#ifndef ZONAL_OWNER_STACKS
#define ZONAL_OWNER_STACKS 2048
#endif

/* 1 builds CMA support in, as Debian's arm64 5.10 kernel does (row P11). */
#ifndef ZONAL_CMA
#define ZONAL_CMA 1
#endif

ZN_STATIC_ASSERT(ZONAL_MAX_NODES >= 1 && ZONAL_MAX_NODES <= 64, "a nodemask is 64 bits");
ZN_STATIC_ASSERT(ZONAL_MAX_CPUS >= 1 && ZONAL_MAX_CPUS <= 65535, "a lock has 16-bit tickets");
ZN_STATIC_ASSERT(PAGE_SHIFT == 12 || PAGE_SHIFT == 14 || PAGE_SHIFT == 16,
		 "arm64 has no other page");
ZN_STATIC_ASSERT(MAX_ORDER >= 10 && MAX_ORDER <= 16, "an order has 4 bits, a pageblock order 9");
ZN_STATIC_ASSERT(ZONAL_OWNER_STACKS >= 1 && ZONAL_OWNER_STACKS <= 1 << 24, "depot, 2 GiB at most");
ZN_STATIC_ASSERT(PAGEBLOCK_ORDER < MAX_ORDER, "a block must hold a whole pageblock");
ZN_STATIC_ASSERT(ZONAL_USER_TASKS >= 1 && ZONAL_USER_TASKS <= 4096, "a page's handle has 12 bits");
ZN_STATIC_ASSERT(ZONAL_USER_RANGES >= 8, "text, data, stack, and what a program maps");
ZN_STATIC_ASSERT(SECTION_SHIFT >= PAGE_SHIFT + MAX_ORDER - 1, "a section holds whole blocks");

#endif
