/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands of the monitor: from a line of text to a call.
 *
 * A line is a list of commands separated by ';'; a command is words separated by
 * blanks, the first of which names an entry of the table. There is no quoting,
 * since no argument holds a blank. The word -j asks for JSON and may stand anywhere.
 * What every command would have to check is checked here once: the name, the number of
 * arguments and whether there is a JSON form. So is what is printed when it is wrong:
 * one line that names the command and shows its form.
 *
 * The command is copied before it is cut into words, so the text may be constant.
 * A command that is longer than MONITOR_LINE_BYTES or has more than MONITOR_WORDS
 * words is refused by the name of the limit.
 *
 * Portable and without state; commands run one at a time in one task.
 */
#include "monitor_command.h"

#include <string.h>

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "lib/stop.h"
#include "monitor_complete.h"

enum { HELP_WORDS = 80 };

static const struct monitor_command *find_command(const struct monitor_table *table,
						  const char *name)
{
	unsigned i;

	for (i = 0; i < table->count; i++) {
		if (strcmp(table->command[i].name, name) == 0)
			return &table->command[i];
	}
	return NULL;
}

/* Cut `line` into words in place. False if there are too many. */
static bool split_words(char *line, struct monitor_args *args)
{
	ASSERT(strlen(line) < MONITOR_LINE_BYTES, "a command of %zu characters", strlen(line));
	*args = (struct monitor_args){ 0 };
	while (*line) {
		char *word = line;

		while (*line && *line != ' ' && *line != '\t')
			line++;
		if (line == word) {
			line++;
			continue;
		}
		if (*line)
			*line++ = '\0';
		if (!args->name)
			args->name = word;
		else if (strcmp(word, "-j") == 0)
			args->json = true;
		else if (args->count == MONITOR_WORDS)
			return false;
		else
			args->word[args->count++] = word;
	}
	return true;
}

static int call_command(const struct monitor_table *table, const struct monitor_command *command,
			const struct monitor_args *args)
{
	ASSERT(!command->report + !command->run + !command->system == 2,
	       "%s is not of one kind", command->name);
	if (args->count < command->min_args || args->count > command->max_args) {
		kprintf("%s: %u arguments, usage: %s%s%s%s\n", args->name, args->count,
			command->name, command->has_json ? " [-j]" : "",
			command->args[0] ? " " : "", command->args);
		return 1;
	}
	if (args->json && !command->has_json) {
		kprintf("%s: has no JSON form (-j)\n", args->name);
		return 1;
	}
	if (command->system)
		return command->system(table, args);
	if (command->run)
		return command->run(table->mm, args);
	command->report(table->mm, args->json);
	return 0;
}

int monitor_run_one(const struct monitor_table *table, char *line)
{
	const struct monitor_command *command;
	struct monitor_args args;

	if (!split_words(line, &args)) {
		kprintf("%s: more than %u arguments (MONITOR_WORDS)\n", args.name, MONITOR_WORDS);
		return 1;
	}
	if (!args.name)
		return 0;
	command = find_command(table, args.name);
	if (!command) {
		kprintf("%s: no such command; help lists them\n", args.name);
		return 1;
	}
	return call_command(table, command, &args);
}

int monitor_execute(const struct monitor_table *table, const char *text, bool plus_is_blank)
{
	int status = 0;

	ASSERT(!port_irqs_masked(), "a command with interrupts masked: %s", text);
	for (;;) {
		const char *end = strchr(text, ';');
		size_t len = end ? (size_t)(end - text) : strlen(text);
		char line[MONITOR_LINE_BYTES];
		size_t i;

		if (len >= sizeof(line)) {
			kprintf("%.20s...: a command of %zu characters, at most %u fit "
				"(MONITOR_LINE_BYTES)\n", text, len, MONITOR_LINE_BYTES - 1);
			status = 1;
		} else {
			for (i = 0; i < len; i++)
				line[i] = plus_is_blank && text[i] == '+' ? ' ' : text[i];
			line[len] = '\0';
			status |= monitor_run_one(table, line);
		}
		if (zn_stop_asked()) {
			kprintf("^C\n");
			return 1;
		}
		if (!end)
			return status;
		text = end + 1;
	}
}

/* Width of "name [-j] ARGS" as help prints it. */
static unsigned form_width(const struct monitor_command *c)
{
	return (unsigned)(strlen(c->name) + (c->has_json ? 5 : 0) +
			  (c->args[0] ? 1 + strlen(c->args) : 0));
}

int monitor_help(const struct monitor_table *table, const struct monitor_args *args)
{
	unsigned width = 0, i;

	ASSERT(table->count && args->count <= 1, "help on %u words", args->count);
	if (args->count && !find_command(table, args->word[0])) {
		kprintf("help: %s: no such command; help lists them\n", args->word[0]);
		return 1;
	}
	for (i = 0; i < table->count; i++)
		width = ZN_MAX(width, form_width(&table->command[i]));
	for (i = 0; i < table->count; i++) {
		const struct monitor_command *c = &table->command[i];

		if (args->count && strcmp(c->name, args->word[0]) != 0)
			continue;
		kprintf("%s%s%s%s%*s  %s\n", c->name, c->has_json ? " [-j]" : "",
			c->args[0] ? " " : "", c->args, (int)(width - form_width(c)), "",
			c->summary);
		if (args->count && c->note) {
			kprintf("%s\n", c->note);
			if (c->words)
				monitor_print_words(c->words, "", 0, HELP_WORDS);
		}
	}
	return 0;
}

bool monitor_name_fits(const char *text, size_t size)
{
	size_t length = 0;

	for (; text[length]; length++) {
		char c = text[length];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
	}
	return length && length < size;
}

bool monitor_nodes(const char *text, nodemask_t *out)
{
	return number_list(text, ZONAL_MAX_NODES, out);
}
