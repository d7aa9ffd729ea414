/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What little of <string.h> the core needs: memcpy() and memset(), the only two functions of a C
 * library that it asks of who links it, and a few of its own. The header itself need not be there.
 * Any context.
 */
#ifndef LIB_TEXT_H
#define LIB_TEXT_H

#include <zonal/types.h>

/* As in C. A compiler puts in calls of both by itself. */
void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);

/* Characters before the NUL, at most `most`: no more than that are looked at. */
static inline size_t text_length(const char *text, size_t most)
{
	size_t length = 0;

	while (length < most && text[length]) {
		length++;
		/* Without it gcc knows the loop again and calls strlen() after all. */
		__asm__ volatile("" : "+r"(length));
	}
	return length;
}

/* Are the two the same in their first `length` characters, or up to the NUL of both? */
static inline bool text_same(const char *a, const char *b, size_t length)
{
	size_t i = 0;

	while (i < length && a[i] == b[i] && a[i])
		i++;
	return i == length || a[i] == b[i];
}

/* The first `c` in [text, end), or NULL. */
static inline const char *text_find(const char *text, const char *end, char c)
{
	while (text < end && *text != c)
		text++;
	return text < end ? text : NULL;
}

#endif
