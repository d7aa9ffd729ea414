/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of an archive in memory (cpio, newc).
 */
#ifndef EXAMPLES_CPIO_H
#define EXAMPLES_CPIO_H

#include <stdint.h>

/* The bytes of file `name` of the archive, and how many; NULL: it has none, or the archive is
 * broken before it. Any context. */
const void *cpio_file(const char *archive, uint64_t archive_bytes, const char *name,
		      uint64_t *bytes);

#endif
