/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers out of text.
 *
 * One reader for every place where a user types a number, so that 0x20, 32 and what
 * is refused mean the same in a boot argument, at the monitor and as a seed. No sign, no
 * octal, no blanks: what is not wholly understood is refused, never guessed at. An
 * overflow is refused too, not cut.
 *
 * Lists of small numbers are here for the same reason: nodes are typed in more than one place.
 *
 * No state, no locks.
 */
#include "number.h"

#include "assert.h"

static unsigned digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 16; /* of no base */
}

bool number_read(const char *text, uint64_t *value, const char **rest)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *at = hex ? text + 2 : text;
	unsigned base = hex ? 16 : 10;

	ASSERT(value && rest, "nowhere to put the number %s", text);
	*value = 0;
	if (digit_value(*at) >= base)
		return false;
	for (; digit_value(*at) < base; at++)
		if (__builtin_mul_overflow(*value, (uint64_t)base, value) ||
		    __builtin_add_overflow(*value, (uint64_t)digit_value(*at), value))
			return false;
	ASSERT(at > text, "a number of no digit: %s", text);
	*rest = at;
	return true;
}

bool number_read_all(const char *text, uint64_t most, uint64_t *value)
{
	const char *rest;
	uint64_t read;

	ASSERT(text && value, "nowhere to put a number of at most %llu", (unsigned long long)most);
	if (!number_read(text, &read, &rest) || *rest || read > most)
		return false;
	*value = read;
	return true;
}

static unsigned suffix_shift(char c)
{
	switch (c) {
	case 'k':
	case 'K':
		return 10;
	case 'm':
	case 'M':
		return 20;
	case 'g':
	case 'G':
		return 30;
	case 't':
	case 'T':
		return 40;
	default:
		return 0;
	}
}

bool number_read_bytes(const char *text, uint64_t *bytes)
{
	const char *rest;
	uint64_t value;
	unsigned shift;

	ASSERT(text && bytes, "nowhere to put a number of bytes");
	if (!number_read(text, &value, &rest))
		return false;
	shift = suffix_shift(*rest);
	if (shift)
		rest++;
	if (*rest || value > UINT64_MAX >> shift)
		return false;
	*bytes = value << shift;
	return true;
}

/* "2" or "2-5" at `text`, below `limit`; what it names is added to *mask. */
static bool list_part(const char *text, unsigned limit, uint64_t *mask, const char **rest)
{
	uint64_t first, last;

	if (!number_read(text, &first, rest))
		return false;
	last = first;
	if (**rest == '-' && !number_read(*rest + 1, &last, rest))
		return false;
	if (first > last || last >= limit)
		return false;
	ASSERT(last < 64, "no bit for %llu in a mask of 64", (unsigned long long)last);
	for (uint64_t i = first; i <= last; i++)
		*mask |= (uint64_t)1 << i;
	return true;
}

bool number_list(const char *text, unsigned limit, uint64_t *mask)
{
	uint64_t read = 0;

	ASSERT(limit && limit <= 64, "a list of numbers below %u", limit);
	while (list_part(text, limit, &read, &text)) {
		if (!*text) {
			*mask = read;
			return true;
		}
		if (*text++ != ',')
			return false;
	}
	return false;
}
