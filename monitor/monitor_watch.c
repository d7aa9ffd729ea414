/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor's `watch`: a command again and again.
 *
 *	watch 2 vmstat
 *	watch 1 map 0
 *
 * It ends when a key is typed, which is not taken away: it begins the next line, so that whoever
 * goes on typing loses nothing, and of text that is pasted behind it every line runs whole.
 * Ctrl-C stops the command as it does any other, and then this. A command that fails is not
 * repeated. On a terminal that has told its width each time begins on a cleared screen, elsewhere
 * below a line that says what is repeated.
 *
 * No state of its own, no locks. Context: the monitor's task.
 */
#include <string.h>

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "lib/stop.h"
#include "monitor_command.h"
#include "monitor_line.h"

#define MOST_SECONDS 3600u
#define SECOND_NS 1000000000u

bool (*monitor_key_within)(uint64_t ns);

/* The command behind SECONDS, as it was typed. It fits: it is a part of a line. */
static void command_text(const struct monitor_args *args, char *text, size_t size)
{
	size_t length = 0;

	ASSERT(args->count > 1, "%u words", args->count);
	for (unsigned i = 1; i < args->count; i++)
		length += (size_t)zn_snprintf(text + length, size - length, "%s%s",
					      i > 1 ? " " : "", args->word[i]);
	if (args->json)
		length += (size_t)zn_snprintf(text + length, size - length, " -j");
	ASSERT(length < size, "a command of %zu characters", length);
}

int monitor_watch(const struct monitor_table *table, const struct monitor_args *args)
{
	char command[MONITOR_LINE_BYTES], line[MONITOR_LINE_BYTES];
	uint64_t seconds;

	if (!number_read_all(args->word[0], MOST_SECONDS, &seconds) || !seconds) {
		kprintf("watch: %s: seconds are a number, 1 to %u\n", args->word[0], MOST_SECONDS);
		return 1;
	}
	if (strcmp(args->word[1], args->name) == 0 || !monitor_key_within) {
		kprintf("watch: %s\n", monitor_key_within ? "cannot be watched itself" :
							    "there are no keys to end it");
		return 1;
	}
	command_text(args, command, sizeof(command));
	do {
		if (monitor_terminal_columns())
			kprintf("\033[H\033[J");
		kprintf("every %llu s, until a key is typed: %s\n", (unsigned long long)seconds,
			command);
		memcpy(line, command, sizeof(line));
		if (monitor_run_one(table, line)) {
			kprintf("watch: it failed, and is not repeated\n");
			return 1;
		}
	} while (!zn_stop_asked() && !monitor_key_within(seconds * SECOND_NS));
	return 0;
}
