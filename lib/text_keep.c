/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeping a text's beginning and end; see text_keep.h.
 *
 * `first` is filled once and then left alone. What comes after goes round in `last`, the
 * newest characters over the oldest, so at any moment the two hold the whole text or all
 * of it but a piece in the middle. Characters are bytes: the cut does not look for lines,
 * and the note that marks it stands on a line of its own.
 *
 * No locks and no memory of its own; the caller serialises. Any context.
 */
#include "text_keep.h"

#include "assert.h"

#include <string.h>

#include "printf.h"

_Static_assert((TEXT_KEEP_LAST & (TEXT_KEEP_LAST - 1)) == 0, "an index is masked");

void text_keep_add(struct text_keep *keep, const char *text, size_t length)
{
	/* No assertions: a panic prints by this way. */
	size_t room = TEXT_KEEP_FIRST - keep->first_used;
	size_t part = ZN_MIN(length, room);

	memcpy(keep->first + keep->first_used, text, part);
	keep->first_used += part;
	for (size_t i = part; i < length; i++)
		keep->last[keep->beyond++ % TEXT_KEEP_LAST] = text[i];
}

uint64_t text_keep_lost(const struct text_keep *keep)
{
	return keep->beyond > TEXT_KEEP_LAST ? keep->beyond - TEXT_KEEP_LAST : 0;
}

static void note_cut(uint64_t lost, void (*piece)(const char *text, size_t length))
{
	char note[80];
	int length = zn_snprintf(note, sizeof(note), "\n[cut: %llu characters did not fit here]\n",
				 (unsigned long long)lost);

	piece(note, ZN_MIN((size_t)length, sizeof(note) - 1));
}

void text_keep_read(const struct text_keep *keep, void (*piece)(const char *text, size_t length))
{
	uint64_t lost = text_keep_lost(keep);
	size_t start = lost ? (size_t)(keep->beyond % TEXT_KEEP_LAST) : 0;

	ASSERT(piece && keep->first_used <= sizeof(keep->first), "%zu characters are kept of %zu",
	       (size_t)keep->first_used, sizeof(keep->first));
	piece(keep->first, keep->first_used);
	if (lost) {
		note_cut(lost, piece);
		piece(keep->last + start, TEXT_KEEP_LAST - start);
		piece(keep->last, start);
	} else {
		piece(keep->last, (size_t)keep->beyond);
	}
}
