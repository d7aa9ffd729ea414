/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tab: the words that could stand where the cursor is.
 */
#ifndef MONITOR_COMPLETE_H
#define MONITOR_COMPLETE_H

#include "monitor_command.h"

#define MONITOR_WORD_BYTES 80

struct monitor_completion {
	unsigned count;  /* words that begin with what is typed */
	unsigned typed;  /* how much of the word is typed */
	unsigned common; /* so much do they have in common */
	char word[MONITOR_WORD_BYTES]; /* the first of them */
};

/* What could become of the word that ends at text[cursor]; `table` may be NULL. */
void monitor_complete(const struct monitor_table *table, const char *text, unsigned cursor,
		      struct monitor_completion *out);
/* Print those words, a screen of them at most. */
void monitor_complete_list(const struct monitor_table *table, const char *text, unsigned cursor);

/* Print words(0), words(1), ... up to NULL, those that begin with `prefix`, in lines of a
 * terminal's width, `most` of them and how many more there are. */
void monitor_print_words(const char *(*words)(unsigned n), const char *prefix, unsigned length,
			 unsigned most);

#endif
