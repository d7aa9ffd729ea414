/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small types that every layer shares: page frame numbers, node masks,
 * attributes. No code beyond one-line inlines.
 */
#ifndef ZONAL_TYPES_H
#define ZONAL_TYPES_H

/*
 * bool, size_t, uintptr_t and the integers of fixed size: the compiler's own, or those of a
 * header that the build names, -DZONAL_TYPES_HEADER='"types.h"', where there is no <stdint.h>.
 */
#ifdef ZONAL_TYPES_HEADER
#include ZONAL_TYPES_HEADER
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif

#include <zonal/config.h>

/* A page frame number: physical address >> ZONAL_PAGE_SHIFT. Links in struct page keep
 * 32 of its bits, so a board's RAM must end 4 MiB below 16 TiB; init refuses more. */
typedef uint64_t zonal_pfn_t;
#define ZONAL_PFN_NONE 0xffffffffu

typedef uint32_t zonal_gfp_t;

/* One bit a node. */
typedef uint64_t zonal_nodemask_t;
#define ZONAL_NODE_NONE (-1)

static inline zonal_nodemask_t zonal_node_bit(unsigned nid) { return (zonal_nodemask_t)1 << nid; }
static inline bool zonal_nodemask_has(zonal_nodemask_t m, unsigned nid) { return (m >> nid) & 1; }
/* Neighbouring fields are added in parallel: pairs of bits, nibbles, bytes; the multiplication adds
 * all bytes into the highest one. For the builtin gcc calls its support library on arm64, which
 * counts bits in a vector register only. */
static inline unsigned zonal_nodemask_count(zonal_nodemask_t m)
{
	m -= (m >> 1) & 0x5555555555555555u;
	m = (m & 0x3333333333333333u) + ((m >> 2) & 0x3333333333333333u);
	m = (m + (m >> 4)) & 0x0f0f0f0f0f0f0f0fu;
	return (unsigned)((m * 0x0101010101010101u) >> 56);
}
/* First set node; the mask must not be empty. */
static inline unsigned zonal_nodemask_first(zonal_nodemask_t m)
{
	return (unsigned)__builtin_ctzll(m);
}

/*
 * Usable from C++17: functions have C linkage there, and a field that the allocator writes
 * atomically is plain, of the same size and place: only its functions touch it.
 */
#ifdef __cplusplus
#define ZONAL_ATOMIC(type) type
#define ZONAL_BEGIN_DECLS extern "C" {
#define ZONAL_END_DECLS }
#else
#define ZONAL_ATOMIC(type) _Atomic type
#define ZONAL_BEGIN_DECLS
#define ZONAL_END_DECLS
#endif

#define ZONAL_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define ZONAL_NORETURN __attribute__((noreturn))
#define ZONAL_MUST_USE __attribute__((warn_unused_result))

#endif
