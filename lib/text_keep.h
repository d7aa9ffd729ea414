/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text that nobody can read yet: its beginning and its end.
 *
 * Used for what is printed before there is a console. The beginning says what the board
 * is, the end why it stopped, so what does not fit is cut out of the middle, and the
 * place is marked with the number of characters that are gone.
 *
 * A struct text_keep starts zeroed. Calls for one are serialised by the caller.
 */
#ifndef LIB_TEXT_KEEP_H
#define LIB_TEXT_KEEP_H

#include <stddef.h>

#include <zonal/types.h>

#define TEXT_KEEP_FIRST 6144u
#define TEXT_KEEP_LAST 2048u /* power of two */

struct text_keep {
	size_t first_used;
	uint64_t beyond; /* characters that came when `first` was full; the next one's place */
	char first[TEXT_KEEP_FIRST];
	char last[TEXT_KEEP_LAST]; /* a ring: the newest of them */
};

void text_keep_add(struct text_keep *keep, const char *text, size_t length);
/* How many characters are gone. */
uint64_t text_keep_lost(const struct text_keep *keep);
/* Hand out what is left, in order and in pieces, with a line where something is gone. */
void text_keep_read(const struct text_keep *keep, void (*piece)(const char *text, size_t length));

#endif
