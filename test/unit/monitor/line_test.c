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

KTEST_F(monitor_line, full_line_refuses_more, KT_HOST_ONLY)
{
	unsigned i;

	typed("");
	capture_begin();
	for (i = 0; i < 2 * MONITOR_LINE_BYTES; i++)
		type_text("x");
	type_text("\033[Hy");
	capture_end();
	KT_EQ(strlen(line.text), MONITOR_LINE_BYTES - 1);
	KT_EQ(line.text[0], 'x');
}

KTEST_F(monitor_line, random_bytes_keep_the_text_whole, KT_HOST_ONLY)
{
	uint64_t state = kt_seed() | 1;
	bool good = true;
	unsigned i;

	typed("");
	capture_begin();
	for (i = 0; i < 200000 && good; i++) {
		/* Half of them from the bytes that mean something. */
		static const char keys[] =
			"\001\002\003\004\005\006\010\013\016\020\025\027\033[AO~1";
		uint64_t random = kt_random(&state);
		int byte = random & 0x100 ? (int)(random & 0xff) :
					    keys[(random & 0xff) % (sizeof(keys) - 1)];

		if (monitor_line_feed(&line, byte & 0xff))
			monitor_line_begin(&line, "> ");
		good = line.cursor <= line.length && line.length < MONITOR_LINE_BYTES &&
		       strlen(line.text) == line.length;
	}
	capture_end();
	KT_OK(good, "after %u bytes: cursor %u, length %u", i, line.cursor, line.length);
}
