/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line typed at a terminal, with the keys that a shell has.
 */
#ifndef MONITOR_LINE_H
#define MONITOR_LINE_H

#include <zonal/types.h>

#include "monitor_command.h"

#define MONITOR_HISTORY 32 /* lines remembered */

/* What the bytes before this one began. */
enum line_escape { LINE_PLAIN, LINE_ESC, LINE_CSI, LINE_SS3 };

struct monitor_line {
	const char *prompt;
	char text[MONITOR_LINE_BYTES]; /* always terminated */
	unsigned length, cursor;
	enum line_escape escape;
	unsigned number;        /* of a CSI sequence */
	bool after_cr;          /* a line feed that follows belongs to it */
	/* history[n % MONITOR_HISTORY] for n < stored; `shown` is the line on screen,
	 * equal to `stored` for the one being typed, which is kept in `typed`. */
	char history[MONITOR_HISTORY][MONITOR_LINE_BYTES];
	unsigned stored, shown;
	char typed[MONITOR_LINE_BYTES];
};

/* Begin a new line: print the prompt. Zero the struct before the first. */
void monitor_line_begin(struct monitor_line *line, const char *prompt);

/*
 * Take one byte, echo what changes. True when the line is complete: then `text` has
 * it (empty after ^C). Any byte is harmless; a full line rings the bell.
 */
bool monitor_line_feed(struct monitor_line *line, int byte);

#endif
