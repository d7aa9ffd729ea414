/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A command line of words apart by blanks: NAME, or NAME= with a value behind it.
 *
 * The text is what somebody typed, and nothing of it is believed: what is too long is cut, and a
 * number that has no digits, or more than 32 bits take, is none. Nothing is written but the
 * caller's value, which always ends with a NUL. Any context.
 */
#include "words.h"

#include <string.h>

bool words_value(const char *text, const char *name, unsigned n, char *value, size_t size)
{
	const char *at = text;

	for (;;) {
		size_t length = 0;

		while (*at == ' ')
			at++;
		if (!*at)
			return false;
		while (at[length] && at[length] != ' ')
			length++;
		if (length >= strlen(name) && !memcmp(at, name, strlen(name)) && !n--) {
			length -= strlen(name);
			length = length < size ? length : size - 1;
			memcpy(value, at + strlen(name), length);
			value[length] = '\0';
			return true;
		}
		at += length;
	}
}

bool words_number(const char **text, uint64_t *value)
{
	const char *from = *text;

	for (*value = 0; **text >= '0' && **text <= '9'; (*text)++) {
		if (*value > UINT32_MAX)
			return false;
		*value = *value * 10 + (uint64_t)(**text - '0');
	}
	return *text != from;
}
