/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line editor: keys change the text as in a shell, history goes both ways and keeps
 * the line being typed, and no sequence of bytes gets it out of its buffer.
 *
 * Keys are given as bytes, the way a terminal sends them; what matters is the text that
 * results, and in one case what the screen was told.
 */
#include <string.h>

#include "monitor_capture.h"
#include "monitor/monitor_line.h"
#include "test/ktest.h"

static struct monitor_line line;

/* Type bytes; returns whether the last one completed the line. */
static bool type_bytes(const char *bytes, size_t count)
{
	bool done = false;
	size_t i;

	for (i = 0; i < count; i++)
		done = monitor_line_feed(&line, (unsigned char)bytes[i]);
	return done;
}

static bool type_text(const char *text)
{
	return type_bytes(text, strlen(text));
}

/* A fresh editor, some keys, the text that results. */
static const char *typed(const char *keys)
{
	memset(&line, 0, sizeof(line));
	capture_begin();
	monitor_line_begin(&line, "> ");
	type_text(keys);
	capture_end();
	return line.text;
}

KTEST_F(monitor_line, typed_text_and_enter_make_a_line, KT_HOST_ONLY)
{
	bool done;

	KT_STR_EQ(typed("zoneinfo -j"), "zoneinfo -j");
	capture_begin();
	done = type_text("\r");
	capture_end();
	KT_TRUE(done);
	KT_STR_EQ(line.text, "zoneinfo -j");
}

KTEST_F(monitor_line, line_feed_after_carriage_return_is_not_a_second_line, KT_HOST_ONLY)
{
	bool first, second, third;

	typed("");
	capture_begin();
	type_text("a");
	first = type_text("\r");
	monitor_line_begin(&line, "> ");
	second = type_text("\n");
	third = type_text("\n");
	capture_end();
	KT_TRUE(first);
	KT_TRUE(!second);
	KT_TRUE(third);
}

KTEST_F(monitor_line, arrows_home_and_end_move, KT_HOST_ONLY)
{
	KT_STR_EQ(typed("bd\033[Dc\033[HA\033[FE"), "AbcdE");
	KT_STR_EQ(typed("bd\033ODc\033OHA\033OFE"), "AbcdE");
	KT_STR_EQ(typed("bd\033[Dc\033[1~A\033[4~E"), "AbcdE");
	KT_STR_EQ(typed("bd\002c\001A\005E"), "AbcdE");
	KT_STR_EQ(typed("ab\033[D\033[D\033[D\033[D\033[Cx"), "axb");
	KT_STR_EQ(typed("ab\033[C\033[C\006x"), "abx");
}

KTEST_F(monitor_line, keys_delete, KT_HOST_ONLY)
{
	KT_STR_EQ(typed("abc\177\177x"), "ax");
	KT_STR_EQ(typed("abc\010x"), "abx");
	KT_STR_EQ(typed("\177\177a"), "a");
	KT_STR_EQ(typed("abc\033[H\033[3~\004x"), "xc");
	KT_STR_EQ(typed("abc\004"), "abc");
	KT_STR_EQ(typed("one two\025x"), "x");
	KT_STR_EQ(typed("one two\033[D\033[D\025"), "wo");
	KT_STR_EQ(typed("one two\033[D\033[D\013"), "one t");
	KT_STR_EQ(typed("one two  \027x"), "one x");
	KT_STR_EQ(typed("one two\033[D\027"), "one o");
	KT_STR_EQ(typed("\027\013\025"), "");
}

KTEST_F(monitor_line, control_c_gives_the_line_up, KT_HOST_ONLY)
{
	bool done;

	typed("abc");
	capture_begin();
	done = type_text("\003");
	capture_end();
	KT_TRUE(done);
	KT_STR_EQ(line.text, "");
}

KTEST_F(monitor_line, unknown_sequences_and_other_bytes_are_dropped_whole, KT_HOST_ONLY)
{
	KT_STR_EQ(typed("a\033[15~b"), "ab");
	KT_STR_EQ(typed("a\033[1;5Cb"), "ab");
	KT_STR_EQ(typed("a\033[?25hb"), "ab");
	KT_STR_EQ(typed("a\033xb"), "ab");
	KT_STR_EQ(typed("a\t\007\377\200b"), "ab");
}

static void enter(const char *text)
{
	monitor_line_begin(&line, "> ");
	type_text(text);
	type_text("\r");
}

KTEST_F(monitor_line, history_goes_up_and_down_and_keeps_what_was_typed, KT_HOST_ONLY)
{
	char up1[8], up2[8], top[8], down[8];

	typed("");
	capture_begin();
	enter("one");
	enter("two");
	enter("two");
	enter("");
	monitor_line_begin(&line, "> ");
	type_text("new\033[A");
	strcpy(up1, line.text);
	type_text("\020");
	strcpy(up2, line.text);
	type_text("\033[A");
	strcpy(top, line.text);
	type_text("\033[B\016\033[B");
	strcpy(down, line.text);
	capture_end();
	KT_STR_EQ(up1, "two");
	KT_STR_EQ(up2, "one");
	KT_STR_EQ(top, "one");
	KT_STR_EQ(down, "new");
}

KTEST_F(monitor_line, history_keeps_the_newest_lines, KT_HOST_ONLY)
{
	char text[3] = "", oldest[3];
	unsigned i;

	typed("");
	capture_begin();
	for (i = 0; i < MONITOR_HISTORY + 5; i++) {
		text[0] = (char)('A' + i % 26);
		text[1] = (char)('a' + i / 26);
		enter(text);
	}
	monitor_line_begin(&line, "> ");
	for (i = 0; i < MONITOR_HISTORY + 9; i++)
		type_text("\033[A");
	strcpy(oldest, line.text);
	capture_end();
	KT_STR_EQ(oldest, "Fa");
}

KTEST_F(monitor_line, screen_shows_the_edit, KT_HOST_ONLY)
{
	const char *shown;

	typed("");
	capture_begin();
	monitor_line_begin(&line, "> ");
	type_text("ac\033[Db");
	shown = capture_end();
	KT_STR_EQ(shown, "> ac\r> ac\033[K\033[1D\r> abc\033[K\033[1D");
}

/* What a terminal of `columns` shows after this output: one row, "\\r", "\\033[K" and
 * "\\033[nD" are all that the editor may use. False if it writes into the last column. */
static bool play_row(const char *out, unsigned columns, char *row, unsigned *cursor)
{
	unsigned at = 0, end = 0;

	for (; *out; out++) {
		if (*out == '\r') {
			at = 0;
		} else if (strncmp(out, "\033[K", 3) == 0) {
			end = at;
			out += 2;
		} else if (strncmp(out, "\033[", 2) == 0) {
			unsigned n = 0;

			for (out += 2; *out >= '0' && *out <= '9'; out++)
				n = n * 10 + (unsigned)(*out - '0');
			if (*out != 'D' || n > at)
				return false;
			at -= n;
		} else if (*out != '\a') {
			if (at + 1 >= columns)
				return false;
			row[at++] = *out;
			end = ZN_MAX(end, at);
		}
	}
	row[end] = '\0';
	*cursor = at;
	return true;
}

KTEST_F(monitor_line, line_longer_than_the_terminal_keeps_to_its_row, KT_HOST_ONLY)
{
	static const struct {
		const char *keys, *row;
		unsigned cursor;
	} step[] = {
		{ "0123456789abcdefg", "> 0123456789abcdefg", 19 },
		{ "h", "> <9abcdefgh", 12 },
		{ "\033[D\033[D", "> <9abcdefgh", 10 },
		{ "\033[H", "> 0123456789abcdef>", 2 },
		{ "\033[C!", "> 0!123456789abcde>", 4 },
		{ "\005?", "> <89abcdefgh?", 14 },
		{ "\025ok", "> ok", 4 },
	};
	unsigned cursor = 0;
	static char row[4096];

	/* An answer of 1;20 to the question for the width. */
	typed("\033[1;20R");
	KT_EQ(line.columns, 20);
	capture_begin();
	monitor_line_begin(&line, "> ");
	for (unsigned i = 0; i < ARRAY_SIZE(step); i++) {
		const char *out;
		bool good;

		type_text(step[i].keys);
		out = capture_end();
		good = play_row(out, 20, row, &cursor);
		KT_OK(good && strcmp(row, step[i].row) == 0 && cursor == step[i].cursor,
		      "step %u: row \"%s\", cursor %u", i, row, cursor);
		capture_more();
	}
	capture_end();
	KT_STR_EQ(line.text, "ok");
}

KTEST_F(monitor_line, line_of_any_length_is_shown_where_the_cursor_is, KT_HOST_ONLY)
{
	uint64_t state = kt_seed() | 1;

	for (unsigned round = 0; round < 2000; round++) {
		unsigned columns = 20 + (unsigned)(kt_random(&state) % 100), cursor, i;
		char row[256];
		const char *out;
		bool good;

		typed("");
		line.columns = columns;
		for (i = 0; i < (unsigned)(kt_random(&state) % 250); i++) {
			static const char *const keys[] = { "\033[D", "\033[C", "\033[H", "\005",
							    "\177", "\027" };
			char letter[2] = { (char)('a' + kt_random(&state) % 26), '\0' };
			const char *key = keys[kt_random(&state) % ARRAY_SIZE(keys)];

			capture_begin();
			type_text(kt_random(&state) % 4 ? letter : key);
			capture_end();
		}
		capture_begin();
		type_text("\014");
		out = strstr(capture_end(), "\r");
		good = out && play_row(out, columns, row, &cursor) &&
		       cursor - 2 == line.cursor - line.first &&
		       (line.cursor == line.length || row[cursor] == line.text[line.cursor]);
		if (!KT_OK(good, "%u columns, cursor %u of %u: %s", columns, line.cursor,
			   line.length, row))
			return;
	}
}

/* What ending the line prints, after these keys. */
static const char *refusal_of(const char *keys, unsigned times)
{
	typed("");
	capture_begin();
	monitor_line_begin(&line, "> ");
	while (times--)
		type_text(keys);
	capture_end();
	capture_begin();
	KT_TRUE(type_text("\r"));
	return capture_end();
}

KTEST_F(monitor_line, line_over_the_limit_is_refused_not_cut, KT_HOST_ONLY)
{
	KT_STR_EQ(refusal_of("x", MONITOR_LINE_BYTES - 1), "\n");
	KT_EQ(strlen(line.text), MONITOR_LINE_BYTES - 1);
	KT_STR_EQ(refusal_of("x", MONITOR_LINE_BYTES),
		  "\nxxxxxxxxxxxxxxxxxxxx...: longer than 255 characters (MONITOR_LINE_BYTES), "
		  "not run\n");
	KT_STR_EQ(line.text, "");
	/* Deleting a part does not bring back what did not fit; giving all up does. */
	KT_TRUE(strstr(refusal_of("xxxxxxxx\177", MONITOR_LINE_BYTES), "not run") != NULL);
	refusal_of("x", MONITOR_LINE_BYTES);
	KT_STR_EQ(refusal_of("xxxxxxxxxxxxxxxxxxxxxxxx\025ok", 20), "\n");
	KT_STR_EQ(line.text, "ok");
}

KTEST_F(monitor_line, line_that_lost_bytes_is_refused_and_the_next_one_is_good, KT_HOST_ONLY)
{
	const char *said;

	typed("free 0x4");
	capture_begin();
	monitor_line_feed(&line, MONITOR_LOST);
	type_text("all\r");
	said = capture_end();
	KT_TRUE(strstr(said, "\nfree 0x4all...: the console lost a part of this line, not run\n") !=
		NULL);
	KT_STR_EQ(line.text, "");
	capture_begin();
	monitor_line_begin(&line, "> ");
	type_text("check\r");
	capture_end();
	KT_STR_EQ(line.text, "check");
}

static const char *colour(unsigned n)
{
	static const char *const name[] = { "red", "green", "grey", "grey" };

	return n < ARRAY_SIZE(name) ? name[n] : NULL;
}

static const struct monitor_command commands[] = {
	{ "help", "[COMMAND]", "", 0, 1, false, .system = monitor_help },
	{ "paint", "COLOUR", "", 1, 1, false, .words = colour },
	{ .name = "park", .args = "", .summary = "" },
	{ .name = "zoo", .args = "", .summary = "" },
};

static const struct monitor_table table = { NULL, commands, ARRAY_SIZE(commands) };

/* As typed(), with commands to complete from. */
static const char *completed(const char *keys)
{
	typed("");
	line.table = &table;
	capture_begin();
	type_text(keys);
	capture_end();
	return line.text;
}

KTEST_F(monitor_line, tab_completes_commands_and_arguments, KT_HOST_ONLY)
{
	KT_STR_EQ(completed("z\t"), "zoo ");
	KT_STR_EQ(completed("p\t"), "pa");
	KT_STR_EQ(completed("pai\t"), "paint ");
	KT_STR_EQ(completed("paint r\t"), "paint red ");
	KT_STR_EQ(completed("paint g\t"), "paint gre");
	KT_STR_EQ(completed("paint red|gree\t"), "paint red|green ");
	KT_STR_EQ(completed("zoo; paint red,grey\t"), "zoo; paint red,grey ");
	KT_STR_EQ(completed("help z\t"), "help zoo ");
	KT_STR_EQ(completed("zoo r\t"), "zoo r");
	KT_STR_EQ(completed("zebra\t"), "zebra");
	KT_STR_EQ(completed("  z\t"), "  zoo ");
	/* In the middle of a line, and with nothing typed. */
	KT_STR_EQ(completed("z red\033[D\033[D\033[D\033[D\t"), "zoo  red");
	KT_STR_EQ(completed("\t"), "");
}

KTEST_F(monitor_line, tab_lists_what_it_cannot_decide, KT_HOST_ONLY)
{
	const char *said;

	completed("pa");
	capture_begin();
	type_text("\t");
	said = capture_end();
	KT_STR_EQ(said, "\n  paint  park\n\r> pa\033[K");
	completed("paint g\t");
	capture_begin();
	type_text("\t");
	said = capture_end();
	KT_STR_EQ(said, "\n  green  grey\n\r> paint gre\033[K");
}

KTEST_F(monitor_line, random_bytes_keep_the_text_whole, KT_HOST_ONLY)
{
	uint64_t state = kt_seed() | 1;
	bool good = true;
	unsigned i;

	typed("");
	line.table = &table;
	capture_begin();
	for (i = 0; i < 200000 && good; i++) {
		/* Half of them from the bytes that mean something. */
		static const char keys[] =
			"\001\002\003\004\005\006\010\t\013\014\016\020\025\027\033[AO~1;9Rpag";
		uint64_t random = kt_random(&state);
		int byte = random & 0x100 ? (int)(random & 0xff) :
					    keys[(random & 0xff) % (sizeof(keys) - 1)];

		if (monitor_line_feed(&line, random >> 20 & 0x3ff ? byte & 0xff : MONITOR_LOST))
			monitor_line_begin(&line, "> ");
		good = line.cursor <= line.length && line.length < MONITOR_LINE_BYTES &&
		       strlen(line.text) == line.length;
	}
	capture_end();
	KT_OK(good, "after %u bytes: cursor %u, length %u", i, line.cursor, line.length);
}
