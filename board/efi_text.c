/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UEFI's load options as a command line.
 *
 * They are 16-bit characters by custom and any bytes by the specification: a boot manager may put
 * binary data there. So they count only if all of them up to the first NUL are printable; else
 * there is no command line.
 *
 * Three words are not for us and are left out: the program's own name, with which the shell
 * begins; BOOT_IMAGE=, with which GRUB does; and initrd=, which firmware that loads Linux adds.
 *
 * Runs in the EFI stub: no stored pointers, no assertions (nobody could print them).
 */
#include <string.h>

#include "efi.h"

/* Character `at`, 0 behind the end. */
static uint16_t character(const void *options, uint32_t bytes, uint32_t at)
{
	uint16_t c = 0;

	if (at < bytes / 2)
		memcpy(&c, (const char *)options + 2 * at, sizeof(c));
	return c;
}

static bool is_blank(uint16_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static bool is_text(const void *options, uint32_t bytes)
{
	uint16_t c;

	if (!options || bytes % 2)
		return false;
	for (uint32_t at = 0; (c = character(options, bytes, at)) != 0; at++)
		if (!is_blank(c) && (c < ' ' || c > '~'))
			return false;
	return true;
}

/* Does [word, word + length) end with ".efi", in any case? */
static bool is_program(const char *word, uint32_t length)
{
	const char *end = word + length - 4;

	return length >= 4 && end[0] == '.' && (end[1] | 0x20) == 'e' && (end[2] | 0x20) == 'f' &&
	       (end[3] | 0x20) == 'i';
}

static bool begins(const char *word, uint32_t length, const char *with, uint32_t bytes)
{
	return length >= bytes && memcmp(word, with, bytes) == 0;
}

static bool is_for_us(const char *word, uint32_t length, bool first)
{
	if (first && is_program(word, length))
		return false;
	return !begins(word, length, "BOOT_IMAGE=", 11) && !begins(word, length, "initrd=", 7);
}

int efi_text_read(const void *options, uint32_t bytes, char *to, uint32_t room)
{
	uint32_t at = 0, used = 0;
	bool first = true;

	if (!is_text(options, bytes))
		return 0;
	while (character(options, bytes, at)) {
		uint32_t word = used;
		uint16_t c;

		while (is_blank(character(options, bytes, at)))
			at++;
		for (; (c = character(options, bytes, at)) != 0 && !is_blank(c); at++) {
			if (used + 1 >= room)
				return -1;
			to[used++] = (char)c;
		}
		if (!is_for_us(to + word, used - word, first))
			used = word;
		else if (used > word)
			to[used++] = ' ';
		first = false;
	}
	return (int)used;
}
