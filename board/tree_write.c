/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A writer of device tree blobs.
 *
 * Reference: "Devicetree Specification", 5 (flattened format), version 17. The structure block
 * grows in the caller's memory behind the header and an empty reserve map; names of properties are
 * gathered beside it, each once, and put behind it in the end. Numbers have the highest byte
 * first.
 *
 * Nothing is written past the room: the first thing that does not fit sets `full`, after which
 * nothing more is written, and tree_finish() says so. libfdt's own writer would do, but it is not
 * built for code that runs before the image is relocated.
 */
#include "tree_write.h"

#include <string.h>

#define TREE_MAGIC 0xd00dfeedu
#define TREE_VERSION 17u
#define TREE_COMPATIBLE 16u
#define HEADER_BYTES 40u
#define RESERVE_BYTES 16u
#define TOKEN_BEGIN 1u
#define TOKEN_END 2u
#define TOKEN_PROPERTY 3u
#define TOKEN_LAST 9u

static void put_bytes(struct tree_writer *w, const void *from, uint32_t bytes)
{
	if (w->full || bytes > w->room - w->used) {
		w->full = true;
		return;
	}
	memcpy(w->out + w->used, from, bytes);
	w->used += bytes;
}

static void put_cell(struct tree_writer *w, uint32_t cell)
{
	uint32_t big = __builtin_bswap32(cell);

	put_bytes(w, &big, sizeof(big));
}

static void pad(struct tree_writer *w)
{
	while (!w->full && w->used % 4)
		put_bytes(w, "", 1);
}

/* Where the name is among the names; it is added if it is not there. */
static uint32_t name_at(struct tree_writer *w, const char *name)
{
	uint32_t bytes = (uint32_t)strlen(name) + 1, at = 0;

	while (at < w->strings_used) {
		if (strcmp(w->strings + at, name) == 0)
			return at;
		at += (uint32_t)strlen(w->strings + at) + 1;
	}
	if (bytes > sizeof(w->strings) - at) {
		w->full = true;
		return 0;
	}
	memcpy(w->strings + at, name, bytes);
	w->strings_used = at + bytes;
	return at;
}

void tree_start(struct tree_writer *w, void *out, uint32_t room)
{
	w->out = out;
	w->room = room;
	w->used = HEADER_BYTES + RESERVE_BYTES;
	w->strings_used = 0;
	w->full = room < w->used;
	if (!w->full)
		memset(out, 0, w->used);
}

static void put_unit(struct tree_writer *w, uint64_t unit)
{
	unsigned digits = 1;

	put_bytes(w, "@", 1);
	while (digits < 16 && unit >> (4 * digits))
		digits++;
	while (digits--)
		put_bytes(w, &"0123456789abcdef"[(unit >> (4 * digits)) & 0xf], 1);
}

void tree_open(struct tree_writer *w, const char *name, uint64_t unit)
{
	put_cell(w, TOKEN_BEGIN);
	put_bytes(w, name, (uint32_t)strlen(name));
	if (unit != TREE_NO_UNIT)
		put_unit(w, unit);
	put_bytes(w, "", 1);
	pad(w);
}

void tree_close(struct tree_writer *w) { put_cell(w, TOKEN_END); }

static void property(struct tree_writer *w, const char *name, uint32_t bytes)
{
	put_cell(w, TOKEN_PROPERTY);
	put_cell(w, bytes);
	put_cell(w, name_at(w, name));
}

void tree_bytes(struct tree_writer *w, const char *name, const void *value, uint32_t bytes)
{
	property(w, name, bytes);
	if (bytes)
		put_bytes(w, value, bytes);
	pad(w);
}

void tree_text(struct tree_writer *w, const char *name, const char *text)
{
	tree_bytes(w, name, text, (uint32_t)strlen(text) + 1);
}

void tree_cells_begin(struct tree_writer *w, const char *name, uint32_t count)
{
	property(w, name, count * 4);
}

void tree_cells_more(struct tree_writer *w, const uint32_t *cell, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		put_cell(w, cell[i]);
}

void tree_cells(struct tree_writer *w, const char *name, const uint32_t *cell, uint32_t count)
{
	tree_cells_begin(w, name, count);
	tree_cells_more(w, cell, count);
}

void tree_cell(struct tree_writer *w, const char *name, uint32_t cell)
{
	tree_cells(w, name, &cell, 1);
}

void tree_numbers(struct tree_writer *w, const char *name, const uint64_t *number, uint32_t count)
{
	property(w, name, count * 8);
	for (uint32_t i = 0; i < count; i++) {
		put_cell(w, (uint32_t)(number[i] >> 32));
		put_cell(w, (uint32_t)number[i]);
	}
}

uint32_t tree_finish(struct tree_writer *w)
{
	uint32_t strings_at, total;
	const uint32_t structure_at = HEADER_BYTES + RESERVE_BYTES;

	put_cell(w, TOKEN_LAST);
	strings_at = w->used;
	put_bytes(w, w->strings, w->strings_used);
	pad(w);
	if (w->full)
		return 0;
	total = w->used;
	w->used = 0;
	put_cell(w, TREE_MAGIC);
	put_cell(w, total);
	put_cell(w, structure_at);
	put_cell(w, strings_at);
	put_cell(w, HEADER_BYTES);
	put_cell(w, TREE_VERSION);
	put_cell(w, TREE_COMPATIBLE);
	put_cell(w, 0); /* the boot CPU is known by its own MPIDR */
	put_cell(w, w->strings_used);
	put_cell(w, strings_at - structure_at);
	w->used = total;
	return total;
}
