/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot arguments: words of /chosen/bootargs. Portable, tested on the host.
 */
#ifndef BOARD_BOOTARGS_H
#define BOARD_BOOTARGS_H

#include <zonal/boot_info.h>
#include <zonal/types.h>

/* The accepted words together, with a NUL each; one that does not fit is reported. Loaders
 * give 2 to 4 KiB at most (Linux: COMMAND_LINE_SIZE). */
#define BOOTARGS_BYTES 4096

/* deferred=: pages are initialised later on large boards, on all, or nowhere. */
enum bootargs_deferred { BOOT_DEFERRED_BY_SIZE, BOOT_DEFERRED_ON, BOOT_DEFERRED_OFF };

struct bootargs {
	char words[BOOTARGS_BYTES + 2]; /* accepted words, each ended by NUL, the last by two */
	char run[BOOTARGS_BYTES];   /* commands of run=, blanks put back; "" if none */
	bool semihosting;           /* exit=semihosting */
	bool numa_off;              /* numa=off */
	bool cma_given;             /* cma= stands there, perhaps with 0 */
	bool page_owner;            /* page_owner=on */
	bool shuffle;               /* shuffle=on */
	enum bootargs_deferred deferred;
	unsigned maxcpus;           /* 0: no limit */
	unsigned user_tasks;        /* 0: the usual number */
	uint64_t seed;              /* 0: none given */
	const char *policy;         /* the text of policy=, in `words`; NULL: none given */
	const char *swap;           /* the list of swap=, in `words`; NULL: none given */
	struct zonal_options options;
};

/* Told of each word that was not accepted: the word (printable, cut to fit a line) and the rule. */
typedef void (*bootargs_report_fn)(const char *word, const char *rule);

/*
 * Read the `bytes` bytes at `text`, up to a NUL if there is one, into `out`, whose old
 * contents do not matter. What is not named keeps its default; the last of two equal words
 * wins. Returns how many words were not accepted. Context: any; no state.
 */
unsigned bootargs_parse(const char *text, size_t bytes, struct bootargs *out,
			bootargs_report_fn report);

/* The same for further words behind those that *out has, as if both texts were one. */
unsigned bootargs_add(const char *text, size_t bytes, struct bootargs *out,
		      bootargs_report_fn report);

/* The value of an accepted word, "" for a word without one, NULL if it is not there. */
const char *bootargs_find(const struct bootargs *args, const char *name);

#endif
