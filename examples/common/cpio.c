/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of an archive that the board's firmware was given as an initrd: cpio, newc. A member
 * is a header of 110 bytes, of which the sizes are hexadecimal digits, its name with a NUL, and its
 * bytes; name and bytes are padded to multiples of 4. Nothing is copied, and nothing beyond the
 * archive is read, whatever it says of itself. Any context.
 */
#include "cpio.h"

#include <stdbool.h>
#include <string.h>

#define HEADER 110u
#define FIELD_BYTES 6u /* fields of 8 digits behind the magic */
#define FIELD_NAME 11u

static bool field(const char *header, unsigned index, uint64_t *value)
{
	const char *digit = header + 6 + index * 8;

	*value = 0;
	for (unsigned i = 0; i < 8; i++) {
		char c = digit[i] >= 'a' ? (char)(digit[i] - 'a' + 'A') : digit[i];
		unsigned n = c <= '9' ? (unsigned)c - '0' : (unsigned)c - 'A' + 10;

		if (c < '0' || n > 15)
			return false;
		*value = *value << 4 | n;
	}
	return true;
}

static uint64_t padded(uint64_t bytes)
{
	return (bytes + 3) & ~(uint64_t)3;
}

const void *cpio_file(const char *archive, uint64_t end, const char *name, uint64_t *bytes)
{
	uint64_t name_bytes;

	for (uint64_t at = 0; at + HEADER <= end;) {
		const char *header = archive + at;

		if (memcmp(header, "070701", 6) || !field(header, FIELD_BYTES, bytes) ||
		    !field(header, FIELD_NAME, &name_bytes))
			return NULL;
		at += padded(HEADER + name_bytes);
		if (at > end || *bytes > end - at)
			return NULL;
		if (name_bytes == strlen(name) + 1 && !memcmp(header + HEADER, name, name_bytes))
			return archive + at;
		at += padded(*bytes);
	}
	return NULL;
}
