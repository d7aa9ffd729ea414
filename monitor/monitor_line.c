/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line typed at a terminal: editing and history.
 *
 *	left right ^B ^F       move            up down ^P ^N  older, newer line
 *	home end ^A ^E         to the ends     ^U ^K ^W       delete before, after, a word
 *	backspace delete ^D    delete          ^C             give the line up
 *	^L                     draw again
 *
 * The editor is a function of the bytes it is given: it never waits, so the caller may
 * read them from an interrupt's buffer, a file or a test. Sequences that begin with
 * ESC [ or ESC O are collected over several bytes; an unknown one is dropped
 * whole. Bytes outside of printable ASCII are ignored.
 *
 * Screen: a character typed at the end is just echoed. Anything else redraws the line
 * from the prompt: carriage return, text, erase to the right, then the cursor is
 * moved back. That costs a few hundred bytes and cannot go out of step.
 *
 * No locks; one task owns the struct.
 */
#include "monitor_line.h"

#include <string.h>

#include "lib/printf.h"

#define KEY_CTRL(c) ((c) & 0x1f)
#define KEY_ESC 0x1b
#define KEY_DELETE 0x7f

static void redraw(const struct monitor_line *line)
{
	unsigned back = line->length - line->cursor;

	kprintf("\r%s%s\033[K", line->prompt, line->text);
	if (back)
		kprintf("\033[%uD", back);
}

static void bell(void)
{
	kprintf("\a");
}

static void move_to(struct monitor_line *line, unsigned cursor)
{
	if (cursor > line->length)
		return;
	line->cursor = cursor;
	redraw(line);
}

/* Delete text[from, to). */
static void delete_range(struct monitor_line *line, unsigned from, unsigned to)
{
	memmove(line->text + from, line->text + to, line->length - to + 1);
	line->length -= to - from;
	line->cursor = from;
	redraw(line);
}

static void delete_word(struct monitor_line *line)
{
	unsigned from = line->cursor;

	while (from > 0 && line->text[from - 1] == ' ')
		from--;
	while (from > 0 && line->text[from - 1] != ' ')
		from--;
	delete_range(line, from, line->cursor);
}

static void insert(struct monitor_line *line, char c)
{
	if (line->length + 1 >= sizeof(line->text)) {
		bell();
		return;
	}
	memmove(line->text + line->cursor + 1, line->text + line->cursor,
		line->length - line->cursor + 1);
	line->text[line->cursor++] = c;
	line->length++;
	if (line->cursor == line->length)
		kprintf("%c", c);
	else
		redraw(line);
}

static void set_text(struct monitor_line *line, const char *text)
{
	line->length = (unsigned)strlen(text);
	memcpy(line->text, text, line->length + 1);
	line->cursor = line->length;
	redraw(line);
}

/* Show the line `step` newer (negative: older). */
static void browse(struct monitor_line *line, int step)
{
	unsigned oldest = line->stored > MONITOR_HISTORY ? line->stored - MONITOR_HISTORY : 0;
	unsigned to = line->shown + (unsigned)step;

	if ((step < 0 && line->shown == oldest) || (step > 0 && line->shown == line->stored)) {
		bell();
		return;
	}
	if (line->shown == line->stored)
		memcpy(line->typed, line->text, line->length + 1);
	line->shown = to;
	set_text(line, to == line->stored ? line->typed : line->history[to % MONITOR_HISTORY]);
}

/* Remember the line, unless it is empty or the same as the last one. */
static void remember(struct monitor_line *line)
{
	const char *last = line->history[(line->stored - 1) % MONITOR_HISTORY];

	if (line->length == 0 || (line->stored && strcmp(last, line->text) == 0))
		return;
	memcpy(line->history[line->stored % MONITOR_HISTORY], line->text, line->length + 1);
	line->stored++;
}

static void delete_at_cursor(struct monitor_line *line)
{
	if (line->cursor < line->length)
		delete_range(line, line->cursor, line->cursor + 1);
}

/* The last byte of ESC [ ... or ESC O ...: a key. */
static void escape_end(struct monitor_line *line, int byte)
{
	line->escape = LINE_PLAIN;
	if (byte == '~')
		byte = line->number == 1 || line->number == 7 ? 'H' :
		       line->number == 4 || line->number == 8 ? 'F' :
		       line->number == 3 ? '~' : 0;
	switch (byte) {
	case 'A':
		browse(line, -1);
		break;
	case 'B':
		browse(line, 1);
		break;
	case 'C':
		move_to(line, line->cursor + 1);
		break;
	case 'D':
		move_to(line, line->cursor - 1);
		break;
	case 'H':
		move_to(line, 0);
		break;
	case 'F':
		move_to(line, line->length);
		break;
	case '~':
		delete_at_cursor(line);
		break;
	default:
		break;
	}
}

static void escape_byte(struct monitor_line *line, int byte)
{
	if (line->escape == LINE_ESC) {
		line->escape = byte == '[' ? LINE_CSI : byte == 'O' ? LINE_SS3 : LINE_PLAIN;
		line->number = 0;
		return;
	}
	if (byte >= '0' && byte <= '9') {
		line->number = (line->number * 10 + (unsigned)(byte - '0')) % 1000;
		return;
	}
	/* Parameters and intermediate bytes; anything from '@' up ends the sequence. */
	if (byte >= ' ' && byte < '@')
		return;
	escape_end(line, byte);
}

static void control_byte(struct monitor_line *line, int byte)
{
	switch (byte) {
	case KEY_CTRL('A'):
		move_to(line, 0);
		break;
	case KEY_CTRL('B'):
		move_to(line, line->cursor - 1);
		break;
	case KEY_CTRL('D'):
		delete_at_cursor(line);
		break;
	case KEY_CTRL('E'):
		move_to(line, line->length);
		break;
	case KEY_CTRL('F'):
		move_to(line, line->cursor + 1);
		break;
	case KEY_CTRL('H'):
	case KEY_DELETE:
		if (line->cursor)
			delete_range(line, line->cursor - 1, line->cursor);
		break;
	case KEY_CTRL('K'):
		delete_range(line, line->cursor, line->length);
		break;
	case KEY_CTRL('L'):
		redraw(line);
		break;
	case KEY_CTRL('N'):
		browse(line, 1);
		break;
	case KEY_CTRL('P'):
		browse(line, -1);
		break;
	case KEY_CTRL('U'):
		delete_range(line, 0, line->cursor);
		break;
	case KEY_CTRL('W'):
		delete_word(line);
		break;
	case KEY_ESC:
		line->escape = LINE_ESC;
		break;
	default:
		break;
	}
}

void monitor_line_begin(struct monitor_line *line, const char *prompt)
{
	line->prompt = prompt;
	line->length = line->cursor = 0;
	line->text[0] = '\0';
	line->escape = LINE_PLAIN;
	line->shown = line->stored;
	kprintf("%s", prompt);
}

bool monitor_line_feed(struct monitor_line *line, int byte)
{
	bool second_half = byte == '\n' && line->after_cr;

	line->after_cr = byte == '\r';
	if (second_half)
		return false;
	if (byte == '\r' || byte == '\n') {
		kprintf("\n");
		remember(line);
		return true;
	}
	if (byte == KEY_CTRL('C')) {
		kprintf("^C\n");
		line->length = line->cursor = 0;
		line->text[0] = '\0';
		return true;
	}
	if (line->escape != LINE_PLAIN)
		escape_byte(line, byte);
	else if (byte >= ' ' && byte < KEY_DELETE)
		insert(line, (char)byte);
	else
		control_byte(line, byte);
	return false;
}
