/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of a frame record: the file as a whole, words, numbers.
 *
 * A file may be gzipped or not; it is unpacked into memory and cut into words in place, so
 * that no line is too long. A number must be a whole word, or end at one of the
 * separators that its line has, and lie in the range that its reader gives; everything
 * else is an error with the line and what was found. Nothing here knows what
 * a line means: that is frames_read.c and frames_state.c.
 *
 * The program is at its end when it has no memory for what it reads, so that is said
 * and ends it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "frames_text.h"

#define FILE_LIMIT_BYTES ((size_t)512 << 20)

void fr_fail(struct reader *r, const char *fmt, ...)
{
	va_list args;
	int n;

	if (!fr_good(r))
		return;
	n = snprintf(r->f->error, sizeof(r->f->error), "line %u: ", r->line);
	va_start(args, fmt);
	vsnprintf(r->f->error + n, sizeof(r->f->error) - (size_t)n, fmt, args);
	va_end(args);
}

void *fr_room(void *old, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return old;
	*room = *room ? *room * 2 : 64;
	old = realloc(old, *room * size);
	if (!old) {
		fprintf(stderr, "oracle: no memory for %zu items\n", *room);
		exit(2);
	}
	return old;
}

void fr_add(struct fr_list *list, uint64_t item)
{
	list->item = fr_room(list->item, list->count, &list->room, sizeof(list->item[0]));
	list->item[list->count++] = item;
}

char *fr_word(struct reader *r)
{
	char *start = r->at + strspn(r->at, " \t\r");
	size_t length = strcspn(start, " \t\r");

	if (!length)
		return NULL;
	r->at = start + length;
	if (*r->at)
		*r->at++ = '\0';
	return start;
}

uint64_t fr_number_to(struct reader *r, char **text, int base, uint64_t most, const char *ends)
{
	char *end = *text;
	unsigned long long value = 0;

	errno = 0;
	if (*end >= '0' && *end != '-')
		value = strtoull(*text, &end, base);
	if (end == *text || errno || (*end && !strchr(ends, *end)) || value > most) {
		fr_fail(r, "\"%.40s\" is not a number up to %s%llx%s", *text,
			base == 16 ? "" : "0x", (unsigned long long)most,
			base == 16 ? ", in hex" : "");
		*text = end + strlen(end);
		return 0;
	}
	*text = *end ? end + 1 : end;
	return value;
}

uint64_t fr_number(struct reader *r, int base, uint64_t most)
{
	char *text = fr_word(r), *none = (char[]){ "" };

	return fr_number_to(r, text ? &text : &none, base, most, "");
}

unsigned fr_decimal(struct reader *r, unsigned most) { return (unsigned)fr_number(r, 10, most); }
uint32_t fr_hex(struct reader *r) { return (uint32_t)fr_number(r, 16, UINT32_MAX); }

int64_t fr_signed_to(struct reader *r, char **text, const char *ends)
{
	bool minus = **text == '-';
	int64_t value;

	*text += minus;
	value = (int64_t)fr_number_to(r, text, 10, INT64_MAX, ends);
	return minus ? -value : value;
}

char *fr_value(char *text, const char *key)
{
	size_t length = strlen(key);

	return !strncmp(text, key, length) && text[length] == '=' ? text + length + 1 : NULL;
}

/* The whole file with a NUL behind it; NULL and a reason. */
static char *unpack(struct reader *r, gzFile file)
{
	size_t used = 0, room = 0;
	int got, error = 0;
	char *text = NULL;

	do {
		room = room ? room * 2 : 1 << 20;
		text = room <= FILE_LIMIT_BYTES ? realloc(text, room) : NULL;
		if (!text) {
			fr_fail(r, "no memory, or over %zu bytes", FILE_LIMIT_BYTES);
			return NULL;
		}
		got = gzread(file, text + used, (unsigned)(room - 1 - used));
		used += got > 0 ? (size_t)got : 0;
	} while (used == room - 1);
	text[used] = '\0';
	gzerror(file, &error);
	if (got < 0 || error)
		fr_fail(r, "not a whole gzip file");
	else if (strlen(text) != used)
		fr_fail(r, "holds a NUL byte");
	return text;
}

char *fr_read_whole(struct reader *r, const char *name)
{
	gzFile file = gzopen(name, "rb");
	char *text;

	if (!file) {
		fr_fail(r, "%s", strerror(errno));
		return NULL;
	}
	text = unpack(r, file);
	gzclose(file);
	return text;
}
