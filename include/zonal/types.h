/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small types that every layer shares: page frame numbers, node masks,
 * attributes. No code beyond one-line inlines.
 */
#ifndef ZONAL_TYPES_H
#define ZONAL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zonal/config.h>

/* A page frame number: physical address >> PAGE_SHIFT. Links in struct page keep
 * 32 of its bits, so a board's RAM must end 4 MiB below 16 TiB; init refuses more. */
typedef uint64_t pfn_t;
#define PFN_NONE UINT32_MAX

typedef uint32_t gfp_t;

/* One bit a node. */
typedef uint64_t nodemask_t;
#define NODE_NONE (-1)

static inline nodemask_t node_bit(unsigned nid) { return (nodemask_t)1 << nid; }
static inline bool nodemask_has(nodemask_t m, unsigned nid) { return (m >> nid) & 1; }
static inline unsigned nodemask_count(nodemask_t m) { return (unsigned)__builtin_popcountll(m); }
/* First set node; the mask must not be empty. */
static inline unsigned nodemask_first(nodemask_t m) { return (unsigned)__builtin_ctzll(m); }

/*
 * Usable from C++17: functions have C linkage there, and a field that the allocator writes
 * atomically is plain, of the same size and place: only its functions touch it.
 */
#ifdef __cplusplus
#define ZN_ATOMIC(type) type
#define ZN_BEGIN_DECLS extern "C" {
#define ZN_END_DECLS }
#else
#define ZN_ATOMIC(type) _Atomic type
#define ZN_BEGIN_DECLS
#define ZN_END_DECLS
#endif

#define ZN_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define ZN_NORETURN __attribute__((noreturn))
#define ZN_MUST_USE __attribute__((warn_unused_result))
#define ZN_NOINLINE __attribute__((noinline))
#define ZN_ALIGNED(n) __attribute__((aligned(n)))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define ZN_MIN(a, b) ((a) < (b) ? (a) : (b))
#define ZN_MAX(a, b) ((a) > (b) ? (a) : (b))

static inline uint64_t align_up(uint64_t v, uint64_t a) { return (v + a - 1) & ~(a - 1); }
static inline uint64_t align_down(uint64_t v, uint64_t a) { return v & ~(a - 1); }

#endif
