/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory and string functions: every alignment of source and destination,
 * overlap both ways, the bytes around the area, the sign of comparisons.
 *
 * In the image these are lib/freestanding/string.c, on the host the C library,
 * which shows that the expectations are those of the standard. The volatile
 * pointers keep the compiler from computing the answers itself.
 */
#include <string.h>

#include "test/ktest.h"

enum { AREA = 64 };

static unsigned char from[AREA], to[AREA];

static void *(*volatile call_memcpy)(void *, const void *, size_t) = memcpy;
static void *(*volatile call_memmove)(void *, const void *, size_t) = memmove;
static void *(*volatile call_memset)(void *, int, size_t) = memset;
static int (*volatile call_memcmp)(const void *, const void *, size_t) = memcmp;
static int (*volatile call_strcmp)(const char *, const char *) = strcmp;
static int (*volatile call_strncmp)(const char *, const char *, size_t) = strncmp;
static size_t (*volatile call_strlen)(const char *) = strlen;
static size_t (*volatile call_strnlen)(const char *, size_t) = strnlen;

static void areas_fill(void)
{
	for (int i = 0; i < AREA; i++) {
		from[i] = (unsigned char)(i + 1);
		to[i] = 0xee;
	}
}

/* to[at..at+length) holds from[source..), and nothing around it changed. */
static bool copied(size_t at, size_t source, size_t length)
{
	for (size_t i = 0; i < AREA; i++) {
		bool inside = i >= at && i < at + length;
		unsigned want = inside ? from[source + i - at] : 0xee;

		if (to[i] != want)
			return false;
	}
	return true;
}

KTEST(string, memcpy_at_every_alignment)
{
	for (size_t at = 0; at < 9; at++) {
		for (size_t source = 0; source < 9; source++) {
			for (size_t length = 0; length < 40; length++) {
				areas_fill();
				call_memcpy(to + at, from + source, length);
				if (!KT_OK(copied(at, source, length), "to %zu from %zu length %zu",
					   at, source, length))
					return;
			}
		}
	}
}

KTEST(string, memset_at_every_alignment)
{
	for (size_t at = 0; at < 9; at++) {
		for (size_t length = 0; length < 40; length++) {
			memset(from, 0xa5, AREA);
			memset(to, 0xee, AREA);
			/* Only the low byte of the value counts. */
			call_memset(to + at, 0x1a5, length);
			if (!KT_OK(copied(at, 0, length), "at %zu length %zu", at, length))
				return;
		}
	}
}

/* Moves inside one area, against a copy made through another one. */
static bool move_is_right(size_t at, size_t source, size_t length)
{
	unsigned char want[AREA];

	areas_fill();
	for (size_t i = 0; i < AREA; i++)
		want[i] = from[i];
	for (size_t i = 0; i < length; i++)
		want[at + i] = (unsigned char)(source + i + 1);
	call_memmove(from + at, from + source, length);
	return call_memcmp(from, want, AREA) == 0;
}

KTEST(string, memmove_overlaps_both_ways)
{
	for (size_t at = 0; at < 20; at++)
		for (size_t source = 0; source < 20; source++)
			for (size_t length = 0; length < 40; length++)
				if (!KT_OK(move_is_right(at, source, length),
					   "to %zu from %zu length %zu", at, source, length))
					return;
}

KTEST(string, comparisons_are_unsigned)
{
	KT_TRUE(call_memcmp("a\x80", "a\x7f", 2) > 0);
	KT_TRUE(call_memcmp("ab", "ac", 1) == 0);
	KT_TRUE(call_strcmp("\x80", "\x7f") > 0);
	KT_TRUE(call_strcmp("node", "node0") < 0);
	KT_TRUE(call_strcmp("node", "node") == 0);
	KT_TRUE(call_strncmp("node0", "node1", 4) == 0);
	KT_TRUE(call_strncmp("node0", "node1", 5) < 0);
	KT_TRUE(call_strncmp("a", "b", 0) == 0);
}

KTEST(string, searches_and_lengths)
{
	const char *path = "/cpus/cpu@0";

	KT_EQ(call_strlen(""), 0);
	KT_EQ(call_strlen(path), 11);
	KT_EQ(call_strnlen(path, 4), 4);
	KT_EQ(call_strnlen(path, 40), 11);
	KT_TRUE(strchr(path, 'c') == path + 1);
	KT_TRUE(strrchr(path, 'c') == path + 6);
	KT_TRUE(strchr(path, 'x') == NULL);
	KT_TRUE(strrchr(path, 'x') == NULL);
	KT_TRUE(strchr(path, '\0') == path + 11);
	KT_TRUE(strrchr(path, '\0') == path + 11);
	KT_TRUE(memchr(path, '@', 11) == path + 9);
	KT_TRUE(memchr(path, '@', 9) == NULL);
}

KTEST(string, parts_and_copies_of_text)
{
	const char *path = "/cpus/cpu@0";
	char text[16];

	KT_TRUE(strstr(path, "cpu@") == path + 6);
	KT_TRUE(strstr(path, "cpu") == path + 1);
	KT_TRUE(strstr(path, "cpu@00") == NULL);
	KT_TRUE(strstr(path, "") == path);
	KT_TRUE(strstr("", "x") == NULL);
	memset(text, '#', sizeof(text));
	KT_TRUE(strcpy(text, "node") == text);
	KT_EQ(text[5], '#');
	KT_TRUE(strcat(text, "-id") == text);
	KT_STR_EQ(text, "node-id");
	KT_EQ(text[8], '#');
}
