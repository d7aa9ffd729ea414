/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes a device tree blob, node by node, in memory that the caller has. Runs anywhere, also
 * before the image is relocated: reads no stored pointer.
 */
#ifndef BOARD_TREE_WRITE_H
#define BOARD_TREE_WRITE_H

#include <zonal/types.h>

#define TREE_STRINGS_BYTES 512u

struct tree_writer {
	uint8_t *out; /* on 8 bytes */
	uint32_t room;
	uint32_t used;
	uint32_t strings_used;
	bool full; /* something did not fit: the blob is of no use */
	char strings[TREE_STRINGS_BYTES];
};

void tree_start(struct tree_writer *w, void *out, uint32_t room);
/* A node; its name is `name`, followed by '@' and `unit` if there is one (TREE_NO_UNIT). */
void tree_open(struct tree_writer *w, const char *name, uint64_t unit);
void tree_close(struct tree_writer *w);
/* Properties of the open node, before its first child: bytes, a text with its NUL, `count` cells
 * (all 32 bits), numbers of two cells. */
void tree_bytes(struct tree_writer *w, const char *name, const void *value, uint32_t bytes);
void tree_text(struct tree_writer *w, const char *name, const char *text);
void tree_cells(struct tree_writer *w, const char *name, const uint32_t *cell, uint32_t count);
void tree_cell(struct tree_writer *w, const char *name, uint32_t cell);
void tree_numbers(struct tree_writer *w, const char *name, const uint64_t *number,
		  uint32_t count);
/* As tree_cells() in pieces: `count` cells in all. */
void tree_cells_begin(struct tree_writer *w, const char *name, uint32_t count);
void tree_cells_more(struct tree_writer *w, const uint32_t *cell, uint32_t count);
/* The header; how many bytes the blob has, 0 if it did not fit. */
uint32_t tree_finish(struct tree_writer *w);

#define TREE_NO_UNIT UINT64_MAX

#endif
