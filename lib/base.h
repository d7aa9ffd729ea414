/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words that every source of the tree may use and that are no business of who uses the allocator:
 * hints, sizes, alignment, and the macros of the public headers by a shorter name. lib/prefix.h
 * includes it before each source. Assembly sees the macros alone.
 */
#ifndef LIB_BASE_H
#define LIB_BASE_H

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define ZN_MIN(a, b) ((a) < (b) ? (a) : (b))
#define ZN_MAX(a, b) ((a) > (b) ? (a) : (b))
#define ZN_NOINLINE __attribute__((noinline))
#define ZN_INLINE inline __attribute__((always_inline))
#define ZN_ALIGNED(n) __attribute__((aligned(n)))
/* The compiler forgets how `v` came about: it stays in one register, where hot paths would else
 * have the parts of an address in two and add them at each use. */
#define ZN_KEEP(v) __asm__("" : "+r"(v))

#define ZN_ATOMIC ZONAL_ATOMIC
#define ZN_BEGIN_DECLS ZONAL_BEGIN_DECLS
#define ZN_END_DECLS ZONAL_END_DECLS
#define ZN_MUST_USE ZONAL_MUST_USE
#define ZN_NORETURN ZONAL_NORETURN
#define ZN_PRINTF ZONAL_PRINTF
#define ZN_STATIC_ASSERT ZONAL_STATIC_ASSERT

/* The port's two hooks for text; a build without texts (ZONAL_TEXTS=0) has the line alone. */
#define port_log(...)                                                                              \
	do {                                                                                       \
		if (ZONAL_TEXTS)                                                                   \
			zonal_port_log(__VA_ARGS__);                                               \
	} while (0)
#define port_panic(...)                                                                            \
	do {                                                                                       \
		if (ZONAL_TEXTS)                                                                   \
			zonal_port_panic(__VA_ARGS__);                                             \
		zn_panic_line(__LINE__);                                                           \
	} while (0)

#ifndef __ASSEMBLER__
#include <zonal/types.h>

#include "panic_line.h"

/* `a` is a power of two. */
static inline uint64_t align_up(uint64_t v, uint64_t a) { return (v + a - 1) & ~(a - 1); }
static inline uint64_t align_down(uint64_t v, uint64_t a) { return v & ~(a - 1); }
#endif

#endif
