/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory and string functions of the image.
 *
 * The copying ones move 8 bytes at a time where source and destination are
 * aligned alike, and single bytes at both ends; that is enough for page-sized
 * copies and keeps every access aligned. Alignment is not a matter of speed
 * only: before the MMU is on all of memory has Device type, and there an
 * unaligned access faults whatever SCTLR_EL1.A says. For the same reason this
 * file, as the whole image, is compiled with -mstrict-align.
 *
 * The compiler is told not to recognise these loops as memcpy or memset
 * (-fno-tree-loop-distribute-patterns, or -fno-builtin for clang): it would
 * replace the body of each by a call to itself.
 *
 * No locks, no state; callable in any context, also before relocation and from
 * the panic path.
 */
#include <string.h>

#include <stdbool.h>
#include <stdint.h>

/* A word that may alias any type, as the bytes it stands for do. */
typedef uint64_t __attribute__((may_alias)) word_t;

enum { WORD = sizeof(word_t), LINE = 8 * WORD };

static bool word_aligned(const void *p)
{
	return (uintptr_t)p % WORD == 0;
}

/* Both become aligned at the same time, or never. */
static bool same_phase(const void *a, const void *b)
{
	return ((uintptr_t)a ^ (uintptr_t)b) % WORD == 0;
}

/* 64 bytes, read before any of them is written: in pairs of registers, where there are such. Upward
 * this is right even if the two overlap, for what it overwrites has been read. */
static inline void copy_line(word_t *to, const word_t *from)
{
	word_t a = from[0], b = from[1], c = from[2], d = from[3];
	word_t e = from[4], f = from[5], g = from[6], h = from[7];

	to[0] = a;
	to[1] = b;
	to[2] = c;
	to[3] = d;
	to[4] = e;
	to[5] = f;
	to[6] = g;
	to[7] = h;
}

static void copy_upward(unsigned char *to, const unsigned char *from, size_t length)
{
	if (same_phase(to, from)) {
		for (; length && !word_aligned(to); length--)
			*to++ = *from++;
		/* Two lines a turn: pages are copied here, and a turn costs three steps. */
		for (; length >= 2 * LINE; length -= 2 * LINE, to += 2 * LINE, from += 2 * LINE) {
			copy_line((word_t *)(void *)to, (const word_t *)(const void *)from);
			copy_line((word_t *)(void *)(to + LINE),
				  (const word_t *)(const void *)(from + LINE));
		}
		for (; length >= LINE; length -= LINE, to += LINE, from += LINE)
			copy_line((word_t *)(void *)to, (const word_t *)(const void *)from);
		for (; length >= WORD; length -= WORD, to += WORD, from += WORD)
			*(word_t *)(void *)to = *(const word_t *)(const void *)from;
	}
	while (length--)
		*to++ = *from++;
}

static void copy_downward(unsigned char *to, const unsigned char *from, size_t length)
{
	to += length;
	from += length;
	if (same_phase(to, from)) {
		for (; length && !word_aligned(to); length--)
			*--to = *--from;
		for (; length >= WORD; length -= WORD) {
			to -= WORD;
			from -= WORD;
			*(word_t *)(void *)to = *(const word_t *)(const void *)from;
		}
	}
	while (length--)
		*--to = *--from;
}

void *memcpy(void *restrict to, const void *restrict from, size_t length)
{
	copy_upward(to, from, length);
	return to;
}

void *memmove(void *to, const void *from, size_t length)
{
	/* Upward is right unless the destination starts inside the source. */
	if ((uintptr_t)to - (uintptr_t)from >= length)
		copy_upward(to, from, length);
	else
		copy_downward(to, from, length);
	return to;
}

static inline void fill_line(word_t *to, word_t word)
{
	to[0] = to[1] = to[2] = to[3] = word;
	to[4] = to[5] = to[6] = to[7] = word;
}

void *memset(void *to, int value, size_t length)
{
	unsigned char *p = to;
	word_t word = (unsigned char)value * 0x0101010101010101ull;

	for (; length && !word_aligned(p); length--)
		*p++ = (unsigned char)value;
	for (; length >= LINE; length -= LINE, p += LINE)
		fill_line((word_t *)(void *)p, word);
	for (; length >= WORD; length -= WORD, p += WORD)
		*(word_t *)(void *)p = word;
	while (length--)
		*p++ = (unsigned char)value;
	return to;
}

int memcmp(const void *a, const void *b, size_t length)
{
	const unsigned char *x = a, *y = b;

	for (; length; length--, x++, y++)
		if (*x != *y)
			return *x < *y ? -1 : 1;
	return 0;
}

/* The standard's signatures take const and give it away; uintptr_t does so without a cast
 * that -Wcast-qual refuses. */
static void *without_const(const void *p)
{
	return (void *)(uintptr_t)p;
}

void *memchr(const void *where, int value, size_t length)
{
	const unsigned char *p = where;

	for (; length; length--, p++)
		if (*p == (unsigned char)value)
			return without_const(p);
	return NULL;
}

size_t strnlen(const char *text, size_t limit)
{
	size_t length = 0;

	while (length < limit && text[length])
		length++;
	return length;
}

size_t strlen(const char *text)
{
	return strnlen(text, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t limit)
{
	for (; limit; limit--, a++, b++) {
		unsigned char x = (unsigned char)*a, y = (unsigned char)*b;

		if (x != y)
			return x < y ? -1 : 1;
		if (!x)
			break;
	}
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *text, int c)
{
	for (;; text++) {
		if (*text == (char)c)
			return without_const(text);
		if (!*text)
			return NULL;
	}
}

char *strrchr(const char *text, int c)
{
	const char *last = NULL;

	for (;; text++) {
		if (*text == (char)c)
			last = text;
		if (!*text)
			return without_const(last);
	}
}

char *strstr(const char *text, const char *part)
{
	size_t length = strlen(part);

	for (;; text++) {
		if (strncmp(text, part, length) == 0)
			return without_const(text);
		if (!*text)
			return NULL;
	}
}

char *strcpy(char *restrict to, const char *restrict from)
{
	return memcpy(to, from, strlen(from) + 1);
}

char *strcat(char *restrict to, const char *restrict from)
{
	strcpy(to + strlen(to), from);
	return to;
}
