/* SPDX-License-Identifier: BSD-2-Clause */
/* The strict reader that a device tree blob must pass before libfdt sees it. */
#ifndef BOARD_FDT_WALK_H
#define BOARD_FDT_WALK_H

#include <zonal/types.h>

/* Largest blob; the arm64 boot protocol allows 2 MiB too. */
#ifndef FDT_WALK_MAX_BYTES
#define FDT_WALK_MAX_BYTES (2u << 20)
#endif

/* Deepest node; the root is at depth 1. Real boards stay below 12. */
#define FDT_WALK_MAX_DEPTH 32

/* Longest property name. The standard says 31 characters, real boards use up to 60. */
#define FDT_WALK_MAX_NAME 255

struct fdt_walk_error {
	const char *rule; /* the rule that is broken, a whole sentence */
	uint32_t offset;  /* where in the blob */
	uint64_t value;   /* what was found there */
	char path[128];   /* the node, and the property once it has a name; "" in the header */
};

/*
 * Check all of the blob's structure. Returns 0 and the blob's size, or
 * ZONAL_EINVAL and the first rule that is broken. Reads at most `readable_bytes`
 * bytes, one at a time, and writes nothing but *size_bytes and *err (either may
 * be NULL). Context: any; also with the MMU off, where an unaligned load faults.
 */
int fdt_walk_check(const void *blob, size_t readable_bytes, uint32_t *size_bytes,
		   struct fdt_walk_error *err);

/* A big-endian number of `bytes` bytes, read byte by byte from any address. */
uint64_t fdt_walk_load(const void *at, unsigned bytes);

#endif
