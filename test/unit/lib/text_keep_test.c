/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A text that is kept until somebody can read it: whole as long as it fits, then its
 * beginning and its end with a note between. The text is a sequence in which each place
 * has a character of its own, so that a shift by one shows.
 */
#include <string.h>

#include "lib/text_keep.h"
#include "test/ktest.h"

#define ROOM (TEXT_KEEP_FIRST + TEXT_KEEP_LAST)

static char *out;
static size_t out_used;

static void collect(const char *text, size_t length)
{
	memcpy(out + out_used, text, length);
	out_used += length;
	out[out_used] = '\0';
}

static char letter(uint64_t place) { return (char)('0' + place % 73); }

/* Write `count` characters in pieces of `step` and read them back; NULL without memory. */
static struct text_keep *kept(uint64_t count, size_t step)
{
	struct text_keep *keep = kt_alloc(sizeof(*keep), 64);
	char piece[64];

	out = kt_alloc(2 * ROOM, 64);
	out_used = 0;
	if (!keep || !out)
		return NULL;
	for (uint64_t at = 0; at < count;) {
		size_t length = (size_t)ZN_MIN(count - at, step);

		for (size_t i = 0; i < length; i++)
			piece[i] = letter(at + i);
		text_keep_add(keep, piece, length);
		at += length;
	}
	text_keep_read(keep, collect);
	return keep;
}

static bool is_sequence(const char *text, uint64_t from, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] != letter(from + i))
			return false;
	}
	return true;
}

KTEST(text_keep, what_fits_comes_back_whole)
{
	static const uint64_t lengths[] = { 0, 1, 63, TEXT_KEEP_FIRST - 1, TEXT_KEEP_FIRST,
					    TEXT_KEEP_FIRST + 1, ROOM - 1, ROOM };

	for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct text_keep *keep = kept(lengths[i], 61);

		if (!KT_TRUE(keep))
			return;
		KT_EQ(text_keep_lost(keep), 0);
		KT_EQ(out_used, lengths[i]);
		KT_TRUE(is_sequence(out, 0, out_used));
	}
}

KTEST(text_keep, too_long_a_text_keeps_both_ends_and_says_what_is_cut)
{
	static const uint64_t beyond[] = { 1, 2, 100, TEXT_KEEP_LAST, 3 * TEXT_KEEP_LAST + 7 };

	for (unsigned i = 0; i < ARRAY_SIZE(beyond); i++) {
		uint64_t whole = ROOM + beyond[i];
		struct text_keep *keep = kept(whole, 64);
		const char *end = out + out_used - TEXT_KEEP_LAST;

		if (!KT_TRUE(keep))
			return;
		KT_EQ(text_keep_lost(keep), beyond[i]);
		KT_TRUE(is_sequence(out, 0, TEXT_KEEP_FIRST));
		KT_TRUE(is_sequence(end, whole - TEXT_KEEP_LAST, TEXT_KEEP_LAST));
		KT_TRUE(strstr(out + TEXT_KEEP_FIRST, "\n[cut: ") == out + TEXT_KEEP_FIRST);
		KT_EQ(end[-1], '\n');
	}
}
