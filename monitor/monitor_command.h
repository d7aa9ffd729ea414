/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands of the monitor: a table, and how a line of text finds its entry.
 */
#ifndef MONITOR_COMMAND_H
#define MONITOR_COMMAND_H

#include <zonal/zonal.h>

#include "lib/number.h"

#define MONITOR_LINE_BYTES 256 /* longest command with its NUL */
#define MONITOR_WORDS 16       /* most words of a command */

/* The words of one command without its name and without -j. */
struct monitor_args {
	const char *name;
	unsigned count;
	const char *word[MONITOR_WORDS];
	bool json;
};

struct monitor_table;

/* Exactly one of `report`, `run` and `system` is set. */
struct monitor_command {
	const char *name;
	const char *args;    /* for help: "GFP ORDER [NID]" */
	const char *summary; /* one line */
	uint8_t min_args, max_args;
	bool has_json;
	void (*report)(struct zonal *mm, bool json);
	int (*run)(struct zonal *mm, const struct monitor_args *args); /* 0 good, 1 failed */
	int (*system)(const struct monitor_table *table, const struct monitor_args *args);
	/* The n-th word that could be an argument, NULL behind the last: for Tab and help. */
	const char *(*words)(unsigned n);
	const char *note; /* a line more for `help NAME`, before the words; NULL: neither */
};

struct monitor_table {
	struct zonal *mm;
	const struct monitor_command *command;
	unsigned count;
};

/*
 * Run the commands of `text`, separated by ';'. With `plus_is_blank` each '+' stands for a
 * blank, as in a boot argument. An unknown command or a wrong argument prints one line
 * and counts as failed; the others run all the same, unless somebody asks to stop.
 * Returns 0 or 1. Context: task.
 */
int monitor_execute(const struct monitor_table *table, const char *text, bool plus_is_blank);

/* Run one command; the text is cut into words in place. Returns 0 or 1. Context: task. */
int monitor_run_one(const struct monitor_table *table, char *line);

/* The `watch` command (monitor_watch.c). */
int monitor_watch(const struct monitor_table *table, const struct monitor_args *args);
/* Wait for a key, so long at most: is one typed? It stays there to be read. Set by the image;
 * unset, nothing is watched, as nobody could end it. */
extern bool (*monitor_key_within)(uint64_t ns);

/* The `help` command. */
int monitor_help(const struct monitor_table *table, const struct monitor_args *args);

/* Is it a name for something: letters, digits, '-' and '_', with its end in `size` bytes? */
bool monitor_name_fits(const char *text, size_t size);
/* Print a set of nodes as "0,2-3", or "none" (monitor_set.c). */
void monitor_print_nodes(nodemask_t nodes);
/* Read "0,2-3" as a set of node ids; false if it is none. */
bool monitor_nodes(const char *text, nodemask_t *out);
/* The one node that the word of `command` names; false: none with memory, said so
 * (monitor_compact.c). */
bool monitor_memory_node(const struct zonal *mm, const char *command, const char *word, int *nid);

/* ---- commands on memory (monitor_memory.c), for use in tables ----------- */

int monitor_alloc(struct zonal *mm, const struct monitor_args *args);
int monitor_free(struct zonal *mm, const struct monitor_args *args);
int monitor_probe(struct zonal *mm, const struct monitor_args *args);
int monitor_policy(struct zonal *mm, const struct monitor_args *args);
int monitor_set(struct zonal *mm, const struct monitor_args *args);
int monitor_compact(struct zonal *mm, const struct monitor_args *args);
int monitor_inject(struct zonal *mm, const struct monitor_args *args);
int monitor_drain(struct zonal *mm, const struct monitor_args *args);
int monitor_check(struct zonal *mm, const struct monitor_args *args);
int monitor_echo(struct zonal *mm, const struct monitor_args *args);

/* Words for the tables: tunables that `set` knows, modes of `policy`, the one of `free`. */
const char *monitor_tunable_name(unsigned n);
const char *monitor_mode_name(unsigned n);
const char *monitor_all_name(unsigned n);

/* ---- monitor_map.c ------------------------------------------------------ */

int monitor_map(struct zonal *mm, const struct monitor_args *args);

/* ---- monitor_lockstat.c ------------------------------------------------- */

int monitor_lockstat(struct zonal *mm, const struct monitor_args *args);
const char *monitor_lockstat_word(unsigned n);

/* ---- contig_command.c --------------------------------------------------- */

int monitor_cma(struct zonal *mm, const struct monitor_args *args);
int monitor_contig(struct zonal *mm, const struct monitor_args *args);
int monitor_retire(struct zonal *mm, const struct monitor_args *args);
const char *monitor_cma_word(unsigned n);
const char *monitor_contig_word(unsigned n);

/* ---- monitor_owner.c --------------------------------------------------- */

int monitor_page_owner(struct zonal *mm, const struct monitor_args *args);
/* Name of the function that holds an address, and the offset into it; NULL if there is none.
 * Set by the image; unset, stacks are shown as addresses. */
extern const char *(*monitor_symbol)(uint64_t address, uint64_t *offset);

/* ---- monitor_record.c -------------------------------------------------- */

int monitor_record(struct zonal *mm, const struct monitor_args *args);
const char *monitor_record_word(unsigned n);
/* Where `record start FILE` writes: begins the file, false if it cannot; then text, false if it
 * could not be written; NULL ends it. Set by the image; unset, there are no files. */
extern bool (*monitor_record_open)(const char *name);
extern bool (*monitor_record_write)(const char *text, size_t length);

/* ---- monitor_trace.c --------------------------------------------------- */

int monitor_trace(struct zonal *mm, const struct monitor_args *args);
const char *monitor_trace_word(unsigned n);
/* Memory of CPU `cpu`'s ring, for good; NULL if there is none. Set by the image; unset, nothing
 * can be recorded. */
extern void *(*monitor_ring_memory)(struct zonal *mm, unsigned cpu, size_t bytes);

#endif
