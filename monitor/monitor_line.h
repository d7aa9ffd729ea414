/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line typed at a terminal, with the keys that a shell has.
 */
#ifndef MONITOR_LINE_H
#define MONITOR_LINE_H

#include <zonal/types.h>

#include "monitor_command.h"

#define MONITOR_HISTORY 32 /* lines remembered */
#define MONITOR_COLUMNS 80 /* of a terminal that does not say */
#define MONITOR_LOST 0x100 /* in place of a byte: some bytes were lost here */

/* Why a line is not run. */
enum line_fault { LINE_GOOD, LINE_TOO_LONG, LINE_LOST };

/* What the bytes before this one began. */
enum line_escape { LINE_PLAIN, LINE_ESC, LINE_CSI, LINE_SS3 };

struct monitor_line {
	const char *prompt;
	char text[MONITOR_LINE_BYTES]; /* always terminated */
	unsigned length, cursor;
	enum line_escape escape;
	unsigned number;        /* the last one of a CSI sequence */
	enum line_fault fault;
	const struct monitor_table *table; /* what Tab completes from; NULL: nothing */
	unsigned columns; /* of the terminal; 0: not known */
	unsigned first;   /* of text on the screen */
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
 * Take one byte or MONITOR_LOST, echo what changes. True when the line is complete: then
 * `text` has it (empty after ^C). Any byte is harmless. A line that was too long, or of
 * which bytes were lost, is refused as a whole, with a line that says so.
 */
bool monitor_line_feed(struct monitor_line *line, int byte);

/* Ask the terminal for its width; the answer comes as bytes to feed, or never. */
void monitor_line_ask_width(void);
/* What a terminal answered last, to any line; 0: none ever did, so that nothing but plain text
 * should go there. */
unsigned monitor_terminal_columns(void);

#endif
