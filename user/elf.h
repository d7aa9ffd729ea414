/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading a program: a static ELF64 file for aarch64. See elf.c. */
#ifndef USER_ELF_H
#define USER_ELF_H

#include <zonal/types.h>

#define ELF_SEGMENTS 8 /* most that are loaded */

/* A part of the file and the pages it is to lie in. */
struct elf_segment {
	uint64_t address; /* of its first byte */
	uint64_t bytes;   /* in memory; what the file does not have is zero */
	uint64_t offset;  /* in the file */
	uint64_t file_bytes;
	uint32_t rights;  /* USER_READ, perhaps one of _WRITE, _EXEC */
};

struct elf_image {
	uint64_t entry;
	unsigned count;
	struct elf_segment segment[ELF_SEGMENTS];
};

/* NULL, and *out says what to load; else why the file is refused, and *out means nothing. `file`
 * may lie on any byte. Reads nothing outside of it. Context: any. */
const char *elf_read(const void *file, size_t bytes, struct elf_image *out);

#endif
