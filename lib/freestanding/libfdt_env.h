/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The environment that libfdt.h asks for, without a C library: its big-endian
 * cell types and their conversion. Found before the header of the same name
 * that a libfdt installation brings. We build for little-endian ARM64 only.
 */
#ifndef LIBFDT_ENV_H
#define LIBFDT_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "cells are swapped unconditionally");

/* libfdt's own sources use it; the compiler's <limits.h> would look for a C library's. */
#ifndef INT_MAX
#define INT_MAX __INT_MAX__
#endif

typedef uint16_t fdt16_t;
typedef uint32_t fdt32_t;
typedef uint64_t fdt64_t;

static inline uint16_t fdt16_to_cpu(fdt16_t v) { return __builtin_bswap16(v); }
static inline uint32_t fdt32_to_cpu(fdt32_t v) { return __builtin_bswap32(v); }
static inline uint64_t fdt64_to_cpu(fdt64_t v) { return __builtin_bswap64(v); }
static inline fdt16_t cpu_to_fdt16(uint16_t v) { return __builtin_bswap16(v); }
static inline fdt32_t cpu_to_fdt32(uint32_t v) { return __builtin_bswap32(v); }
static inline fdt64_t cpu_to_fdt64(uint64_t v) { return __builtin_bswap64(v); }

#endif
