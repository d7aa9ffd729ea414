/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Request words as text and back: "GFP_KERNEL|__GFP_ZERO" <-> 0xdc0.
 */
#ifndef REPORT_GFP_H
#define REPORT_GFP_H

#include <zonal/types.h>

/* Longest text that gfp_text() can make, with the NUL. */
#define GFP_TEXT_BYTES 512

/*
 * Read a sum of names and hexadecimal numbers joined by '|'. The prefixes GFP_ and
 * __GFP_ may be left out; a short name that fits both means the GFP_ one.
 * NOWAIT takes __GFP_DIRECT_RECLAIM out of the whole sum. False, and *out
 * untouched, if a part is unknown, empty or beyond __GFP_BITS.
 */
bool gfp_parse(const char *text, gfp_t *out);

/* The n-th short name that gfp_parse() knows, sums first; NULL behind the last. */
const char *gfp_name(unsigned n);

/* Full names, fewest parts; "0" for nothing. Returns the length, cut to size - 1. */
size_t gfp_text(gfp_t gfp, char *buf, size_t size);

#endif
