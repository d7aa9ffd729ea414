/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the core touches the contents of pages: never itself, only through what the caller gives it
 * in struct zonal_config.
 */
#ifndef ZONAL_CONTENTS_H
#define ZONAL_CONTENTS_H

#include <zonal/types.h>

ZONAL_BEGIN_DECLS

/* Clear `count` pages from `pfn`. NULL: ZONAL_GFP_F_ZERO is refused with NULL and a record. */
typedef void (*zonal_clear_fn)(void *ctx, zonal_pfn_t pfn, size_t count);

/* What a page that should be full of one byte holds instead. */
struct zonal_spoiled {
	uint32_t first, last; /* offsets of the first and last byte that differ */
	uint8_t byte[16];     /* from `first` on */
};

/*
 * For page_poison: fill `count` pages with a byte; is a page still full of it? Context: any, masked
 * or not, no lock of the core held; quick.
 */
struct zonal_contents {
	void (*fill)(void *ctx, zonal_pfn_t pfn, size_t count, uint8_t byte);
	bool (*spoiled)(void *ctx, zonal_pfn_t pfn, uint8_t byte, struct zonal_spoiled *out);
};

ZONAL_END_DECLS

#endif
