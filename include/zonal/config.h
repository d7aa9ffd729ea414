/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Build values: every table size and every compile-time option of Zonal.
 *
 * Each can be overridden with -D. Nothing else in the tree hides a limit: a
 * table that overflows says so by the name used here, and the monitor command
 * `limits` prints how full each one is. A program that links the core is compiled with the
 * same values. Macros of other names, a PAGE_SIZE or MAX_ORDER of the program's own, mean
 * nothing here; <zonal/short_names.h> says how this tree's own build has it.
 */
#ifndef ZONAL_CONFIG_H
#define ZONAL_CONFIG_H

/* An assertion that C and C++ both know. */
#ifdef __cplusplus
#define ZONAL_STATIC_ASSERT static_assert
#else
#define ZONAL_STATIC_ASSERT _Static_assert
#endif

/* Size of a page, as a shift. 5.10's arm64 default; the golden figures use it. */
#ifndef ZONAL_PAGE_SHIFT
#define ZONAL_PAGE_SHIFT 12
#endif
#define ZONAL_PAGE_SIZE (1UL << ZONAL_PAGE_SHIFT)

/* Orders run 0..ZONAL_MAX_ORDER-1; the largest block is 4 MiB (row C1). */
#ifndef ZONAL_MAX_ORDER
#define ZONAL_MAX_ORDER 11
#endif

/* A pageblock is the unit that has one zonal_migratetype: 2 MiB (row C2). */
#ifndef ZONAL_PAGEBLOCK_ORDER
#define ZONAL_PAGEBLOCK_ORDER 9
#endif

/* Most nodes; 5.10's default on arm64, NODES_SHIFT 4, takes 16 (rows C7, N1). At most 64. */
#ifndef ZONAL_MAX_NODES
#define ZONAL_MAX_NODES 64
#endif

/* Most cores the image starts or the library serves. */
#ifndef ZONAL_MAX_CPUS
#define ZONAL_MAX_CPUS 512
#endif

/* Most memory ranges and most reserved ranges of one board. */
#ifndef ZONAL_MAX_RANGES
#define ZONAL_MAX_RANGES 256
#endif

/* Most zones that the record of a failed request tells of, those that were asked first. */
#ifndef ZONAL_FAILURE_ZONES
#define ZONAL_FAILURE_ZONES 64
#endif

/*
 * The page map is allocated in sections of this many bytes of RAM, as a shift:
 * 128 MiB, so that a section rarely holds two nodes and its map is 1 MiB.
 */
#ifndef ZONAL_SECTION_SHIFT
#define ZONAL_SECTION_SHIFT 27
#endif
#define ZONAL_SECTION_BYTES ((uint64_t)1 << ZONAL_SECTION_SHIFT)

/* Most tasks at EL0, without and with the boot argument user_tasks=, whose table is taken from
 * the board's memory; and most ranges of addresses in each. */
#ifndef ZONAL_USER_TASKS
#define ZONAL_USER_TASKS 256
#endif
#ifndef ZONAL_USER_TASKS_MOST
#define ZONAL_USER_TASKS_MOST 1024
#endif
#ifndef ZONAL_USER_RANGES
#define ZONAL_USER_RANGES 64
#endif

/* 1 turns on the costly checks: DASSERT, the order of locks, every page of a block. */
#ifndef ZONAL_DEBUG
#define ZONAL_DEBUG 0
#endif

/* 1 counts who takes which lock, how often he waits, how long it is held (`lockstat`). */
#ifndef ZONAL_LOCKSTAT
#define ZONAL_LOCKSTAT 0
#endif

/* Different call stacks that page_owner can keep, 144 bytes each; none unless it is on. */
#ifndef ZONAL_OWNER_STACKS
#define ZONAL_OWNER_STACKS 2048
#endif

/* 1 builds CMA support in, as Debian's arm64 5.10 kernel does (row P11). */
#ifndef ZONAL_CMA
#define ZONAL_CMA 1
#endif

/* Most CMA areas: 5.10's CONFIG_CMA_AREAS + 1 with NUMA (row A8). */
#ifndef ZONAL_CMA_AREAS
#define ZONAL_CMA_AREAS 20
#endif

/* 1 builds reclaim in: lists of pages, owners, kswapd, direct reclaim (mm/reclaim/). 0: the
 * slow path has only the free lists, and what is freed frees itself. */
#ifndef ZONAL_RECLAIM
#define ZONAL_RECLAIM 1
#endif

/* 1 builds the choice of a victim in (mm/oom/, <zonal/oom.h>). 0: no request ends a task. */
#ifndef ZONAL_OOM
#define ZONAL_OOM 1
#endif

/*
 * Parts that a small program can do without: 0 leaves one out. Its functions may be there still,
 * but nothing calls them, so a linker with --gc-sections drops them; who asks for such a part all
 * the same, in zonal_init() or later, is refused with ZONAL_EINVAL.
 */
/* Policies and cpusets. 0: each task has the default policy and all nodes. */
#ifndef ZONAL_POLICY
#define ZONAL_POLICY 1
#endif
/* Memory groups. 0: nobody is charged. */
#ifndef ZONAL_GROUPS
#define ZONAL_GROUPS 1
#endif
/* Page structures that are set up after boot; memory that comes later (<zonal/online.h>). */
#ifndef ZONAL_DEFERRED
#define ZONAL_DEFERRED 1
#endif
/* What helps to find faults: why a request failed, trace, page_owner, injected failures, poison,
 * guards, shuffling, the walk over every invariant at free. */
#ifndef ZONAL_AIDS
#define ZONAL_AIDS 1
#endif
/* Pageblocks by mobility and the reserve for atomic requests (rows M, H). 0: one list an order. */
#ifndef ZONAL_MOBILITY
#define ZONAL_MOBILITY 1
#endif
/* Marks, reserves and the slow path behind them (rows W, S, L). 0: a request gets the last page of
 * the last zone, and NULL when there is none. */
#ifndef ZONAL_WATERMARKS
#define ZONAL_WATERMARKS 1
#endif
/* The short ways of what is plain: requests past the ladder (mm/lane.c), frees past the careful way
 * (mm/free.c), neighbours that leave a CPU's list as one block (mm/pcp.c). 0: each goes the long
 * way, to the same end. */
#ifndef ZONAL_LANES
#define ZONAL_LANES 1
#endif
/* 0: no lines of log, and a panic has a line number of the source alone. What is refused is refused
 * with the same code. */
#ifndef ZONAL_TEXTS
#define ZONAL_TEXTS 1
#endif

/* 0: what a function relies on is not looked at. A fault then goes on instead of being a panic. */
#ifndef ZONAL_ASSERTS
#define ZONAL_ASSERTS 1
#endif

/* Most memory groups (<zonal/group.h>), less one. */
#ifndef ZONAL_MAX_GROUPS
#define ZONAL_MAX_GROUPS 64
#endif

/* Most owners of pages that can be given up or moved (<zonal/reclaim.h>). */
#ifndef ZONAL_MAX_OWNERS
#define ZONAL_MAX_OWNERS 32
#endif

ZONAL_STATIC_ASSERT(ZONAL_MAX_OWNERS >= 1 && ZONAL_MAX_OWNERS <= 255, "a page has a byte for it");
ZONAL_STATIC_ASSERT(ZONAL_MOBILITY || !(ZONAL_CMA || ZONAL_RECLAIM),
		    "CMA areas and compaction stand on mobility");
ZONAL_STATIC_ASSERT(ZONAL_WATERMARKS || !(ZONAL_LANES || ZONAL_RECLAIM),
		    "lanes and reclaim go by watermarks");
ZONAL_STATIC_ASSERT(ZONAL_CMA_AREAS >= 1 && ZONAL_CMA_AREAS <= 64, "a table, searched in order");
ZONAL_STATIC_ASSERT(ZONAL_MAX_GROUPS >= 2 && ZONAL_MAX_GROUPS <= 256, "a page has a byte for it");
ZONAL_STATIC_ASSERT(ZONAL_MAX_NODES >= 1 && ZONAL_MAX_NODES <= 64, "a nodemask is 64 bits");
ZONAL_STATIC_ASSERT(ZONAL_MAX_CPUS >= 1 && ZONAL_MAX_CPUS <= 65535, "a lock has 16-bit tickets");
ZONAL_STATIC_ASSERT(ZONAL_FAILURE_ZONES >= 1 && ZONAL_FAILURE_ZONES <= 256,
		    "a record, copied whole");
ZONAL_STATIC_ASSERT(ZONAL_PAGE_SHIFT == 12 || ZONAL_PAGE_SHIFT == 14 || ZONAL_PAGE_SHIFT == 16,
		    "arm64 has no other page");
ZONAL_STATIC_ASSERT(ZONAL_MAX_ORDER >= 10 && ZONAL_MAX_ORDER <= 16,
		    "an order has 4 bits, a pageblock order 9");
ZONAL_STATIC_ASSERT(ZONAL_OWNER_STACKS >= 1 && ZONAL_OWNER_STACKS <= 1 << 24,
		    "depot, 2 GiB at most");
ZONAL_STATIC_ASSERT(ZONAL_PAGEBLOCK_ORDER < ZONAL_MAX_ORDER, "a block must hold a whole pageblock");
ZONAL_STATIC_ASSERT(ZONAL_USER_TASKS >= 1 && ZONAL_USER_TASKS <= ZONAL_USER_TASKS_MOST,
		    "no table is smaller than the usual one");
ZONAL_STATIC_ASSERT(ZONAL_USER_TASKS_MOST <= 4096,
		    "a page's handle has 12 bits, and the table is walked masked");
ZONAL_STATIC_ASSERT(ZONAL_USER_RANGES >= 8, "text, data, stack, and what a program maps");
ZONAL_STATIC_ASSERT(ZONAL_SECTION_SHIFT >= ZONAL_PAGE_SHIFT + ZONAL_MAX_ORDER - 1,
		    "a section holds whole blocks");

#endif
