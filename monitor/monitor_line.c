/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line typed at a terminal: editing, history, completion.
 *
 *	left right ^B ^F       move            up down ^P ^N  older, newer line
 *	home end ^A ^E         to the ends     ^U ^K ^W       delete before, after, a word
 *	backspace delete ^D    delete          ^C             give the line up
 *	tab                    complete         ^L             draw again
 *
 * The editor is a function of the bytes it is given: it never waits, so the caller may
 * read them from an interrupt's buffer, a file or a test. Sequences that begin with
 * ESC [ or ESC O are collected over several bytes; an unknown one is dropped
 * whole. Bytes outside of printable ASCII are ignored.
 *
 * Screen: the line takes one row. A character typed at its end is just echoed. Anything
 * else redraws from the prompt: carriage return, text, erase to the right, then the
 * cursor is moved back. That costs a few hundred bytes and cannot go out of step. Of a line
 * that is wider than the terminal a part is shown, from `first` on, with < and > where there
 * is more; the last column stays free, since terminals differ in what comes after it. The
 * width is asked for with an escape sequence; a terminal that does not answer has 80 columns.
 *
 * A line that does not fit, or of which the sender's bytes were lost, is not run cut: it is
 * marked, and refused when it ends.
 *
 * No locks; one task owns the struct.
 */
#include "monitor_line.h"

#include <string.h>

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "monitor_complete.h"

#define KEY_CTRL(c) ((c) & 0x1f)
#define KEY_ESC 0x1b
#define KEY_DELETE 0x7f
#define LEAST_COLUMNS 20u /* less is no width, but a key with such a sequence */

static unsigned terminal_columns; /* there is one console; 0: it did not answer */

unsigned monitor_terminal_columns(void) { return terminal_columns; }

/* How many characters of the line the terminal can show. */
static unsigned line_room(const struct monitor_line *line)
{
	unsigned columns = line->columns ? line->columns : MONITOR_COLUMNS;
	unsigned taken = (unsigned)strlen(line->prompt) + 1;

	ASSERT(taken < MONITOR_COLUMNS, "a prompt of %u characters", taken - 1);
	return columns > taken + LEAST_COLUMNS / 2 ? columns - taken : LEAST_COLUMNS / 2;
}

/* Move the part that is shown, by half of it at a time, until the cursor is in it. */
static void scroll(struct monitor_line *line, unsigned room)
{
	ASSERT(room > 1, "a terminal with room for %u characters", room); /* it moves by half */
	if (line->length <= room)
		line->first = 0;
	while (line->first && line->cursor <= line->first)
		line->first -= ZN_MIN(line->first, room / 2);
	while (line->length > line->first + room && line->cursor >= line->first + room - 1)
		line->first += room / 2;
}

static void redraw(struct monitor_line *line)
{
	unsigned room = line_room(line), shown, left, right, back;

	ASSERT(line->cursor <= line->length && line->length < sizeof(line->text),
	       "cursor %u, length %u", line->cursor, line->length);
	scroll(line, room);
	shown = ZN_MIN(line->length - line->first, room);
	left = line->first ? 1 : 0;
	right = line->first + shown < line->length ? 1 : 0;
	ASSERT(line->first <= line->cursor && line->cursor <= line->first + shown,
	       "cursor %u, %u shown from %u on", line->cursor, shown, line->first);
	ASSERT(shown >= left + right, "%u of a line of %u shown", shown, line->length);
	back = line->first + shown - line->cursor;
	kprintf("\r%s%s%.*s%s\033[K", line->prompt, left ? "<" : "", (int)(shown - left - right),
		line->text + line->first + left, right ? ">" : "");
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
	ASSERT(from <= to && to <= line->length, "%u to %u of %u", from, to, line->length);
	memmove(line->text + from, line->text + to, line->length - to + 1);
	line->length -= to - from;
	line->cursor = from;
	if (!line->length)
		line->fault = LINE_GOOD;
	redraw(line);
}

static void delete_word(struct monitor_line *line)
{
	unsigned from = line->cursor;

	ASSERT(from <= line->length, "cursor %u, length %u", from, line->length);
	while (from > 0 && line->text[from - 1] == ' ')
		from--;
	while (from > 0 && line->text[from - 1] != ' ')
		from--;
	delete_range(line, from, line->cursor);
}

static void insert(struct monitor_line *line, char c)
{
	if (line->length + 1 >= sizeof(line->text)) {
		line->fault = LINE_TOO_LONG;
		bell();
		return;
	}
	ASSERT(line->cursor <= line->length, "cursor %u, length %u", line->cursor, line->length);
	memmove(line->text + line->cursor + 1, line->text + line->cursor,
		line->length - line->cursor + 1);
	line->text[line->cursor++] = c;
	line->length++;
	if (line->cursor == line->length && line->cursor - line->first <= line_room(line))
		kprintf("%c", c);
	else
		redraw(line);
}

static void complete(struct monitor_line *line)
{
	struct monitor_completion c;

	monitor_complete(line->table, line->text, line->cursor, &c);
	if (!c.count) {
		bell();
		return;
	}
	for (unsigned i = c.typed; i < c.common; i++)
		insert(line, c.word[i]);
	if (c.count == 1) {
		insert(line, ' ');
	} else if (c.common == c.typed) {
		kprintf("\n");
		monitor_complete_list(line->table, line->text, line->cursor);
		redraw(line);
	}
}

static void set_text(struct monitor_line *line, const char *text)
{
	line->length = (unsigned)strlen(text);
	ASSERT(line->length < sizeof(line->text), "%u characters", line->length);
	memcpy(line->text, text, line->length + 1);
	line->fault = LINE_GOOD;
	line->cursor = line->length;
	redraw(line);
}

/* Show the line `step` newer (negative: older). */
static void browse(struct monitor_line *line, int step)
{
	unsigned oldest = line->stored > MONITOR_HISTORY ? line->stored - MONITOR_HISTORY : 0;
	unsigned to = line->shown + (unsigned)step;

	ASSERT(line->shown >= oldest && line->shown <= line->stored, "line %u of %u to %u",
	       line->shown, oldest, line->stored);
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

	ASSERT(!line->text[line->length], "a line of %u characters is longer", line->length);
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
	case 'R': /* the answer to monitor_line_ask_width() */
		if (line->number >= LEAST_COLUMNS)
			line->columns = terminal_columns = line->number;
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
	if (byte == ';')
		line->number = 0;
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
	case KEY_CTRL('I'):
		complete(line);
		break;
	case KEY_CTRL('K'):
		delete_range(line, line->cursor, line->length);
		break;
	case KEY_CTRL('L'):
		monitor_line_ask_width();
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
	ASSERT(prompt && prompt[0], "a line without a prompt");
	line->prompt = prompt;
	line->length = line->cursor = 0;
	line->text[0] = '\0';
	line->escape = LINE_PLAIN;
	line->fault = LINE_GOOD;
	line->first = 0;
	line->shown = line->stored;
	kprintf("%s", prompt);
}

void monitor_line_ask_width(void)
{
	/* To the right as far as it goes, where am I, and back. */
	kprintf("\0337\033[999C\033[6n\0338");
}

static void give_up(struct monitor_line *line)
{
	line->length = line->cursor = 0;
	line->text[0] = '\0';
}

/* The line has ended: what is whole is remembered, what is not is refused. */
static void finish(struct monitor_line *line)
{
	kprintf("\n");
	switch (line->fault) {
	case LINE_TOO_LONG:
		kprintf("%.20s...: longer than %u characters (MONITOR_LINE_BYTES), not run\n",
			line->text, MONITOR_LINE_BYTES - 1);
		give_up(line);
		break;
	case LINE_LOST:
		kprintf("%.20s...: the console lost a part of this line, not run\n", line->text);
		give_up(line);
		break;
	case LINE_GOOD:
	default:
		remember(line);
		break;
	}
}

bool monitor_line_feed(struct monitor_line *line, int byte)
{
	bool second_half = byte == '\n' && line->after_cr;

	ASSERT(line->prompt && (byte == MONITOR_LOST || (byte >= 0 && byte <= (int)UINT8_MAX)),
	       "byte %d", byte);
	line->after_cr = byte == '\r';
	if (second_half)
		return false;
	if (byte == MONITOR_LOST) {
		line->fault = LINE_LOST;
		return false;
	}
	if (byte == '\r' || byte == '\n') {
		finish(line);
		return true;
	}
	if (byte == KEY_CTRL('C')) {
		kprintf("^C\n");
		give_up(line);
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
