/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot arguments: what the person who boots the image may ask of it.
 *
 * /chosen/bootargs is one line of words, parted by blanks:
 *
 *	run=CMD[;CMD...]           monitor commands, '+' for a blank, then power off
 *	exit=semihosting           hand the exit status to the runner
 *	min_free_kbytes=N          1..2^32
 *	watermark_scale_factor=N   1..3000
 *	kernelcore=N[KMGT] or N%   at least a page; movablecore=... likewise, below 100%
 *	movable_node               memory that can be unplugged is for movable pages alone
 *	cma=N[KMGT]                0: none
 *	numa=off                   one node, whatever the tree says
 *	maxcpus=N                  1..ZONAL_MAX_CPUS, the boot CPU included
 *	user_tasks=N               1..ZONAL_USER_TASKS_MOST tasks at EL0
 *	swap=LIST                  areas of swap: ram:N[KMGT] or disk:NAME, parted by commas
 *	deferred=on or off         leave the larger part of the page map for later, or not
 *	page_owner=on              record who took each page
 *	page_poison=on             free pages hold a pattern that is looked at
 *	init_on_alloc=1            pages come zeroed; init_on_free=1 likewise when they go; or 0
 *	numa_stat=0                NUMA counters are shown as 0; or 1
 *	debug_guardpage_minorder=N blocks split off below order N are given to nobody; 0..5
 *	shuffle=on                 free blocks of the largest order in random order (by seed=)
 *	percpu_pagelist_fraction=N a per-CPU list may hold 1/N of its zone; 0, or 8 and more
 *	policy=TEXT                memory policy of the first task: MODE[=FLAG][:NODES]
 *	seed=N                     first number of every random run, not 0
 *
 * The line comes from outside: any byte may stand in it. A word that is not in
 * the table, or a value that breaks its rule, is reported by name and
 * has no effect; boot goes on with the default. Numbers are decimal or 0x-hexadecimal,
 * checked for overflow. The last of two equal words wins, as with Linux.
 *
 * One table (`rules`) holds name, setter and rule; a setter returns false when
 * the value breaks the rule, and then has changed nothing. Runs once at boot on
 * one CPU; no locks.
 */
#include "bootargs.h"

#include <string.h>

#include <zonal/zonal.h>

#include "lib/assert.h"
#include "lib/number.h"

/* Room for a word in a report; longer ones are cut. */
#define REPORT_BYTES 64
/* Longest area in swap=, with a NUL. */
#define SWAP_ITEM_BYTES 32

struct rule {
	const char *name;
	bool (*set)(struct bootargs *args, const char *value);
	const char *rule;
};

static bool read_count(const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
	const char *rest;
	uint64_t value;

	if (!number_read(text, &value, &rest) || *rest || value < low || value > high)
		return false;
	*out = value;
	return true;
}

/* N[KMGT] or N%; the form that is not used becomes 0. Less than a page, and all, would do
 * nothing without a word. */
static bool read_share(const char *text, uint64_t *bytes, unsigned *percent)
{
	const char *rest;
	uint64_t value;

	if (number_read(text, &value, &rest) && rest[0] == '%' && !rest[1]) {
		if (value < 1 || value > 99)
			return false;
		*percent = (unsigned)value;
		*bytes = 0;
		return true;
	}
	if (!number_read_bytes(text, &value) || value < PAGE_SIZE)
		return false;
	*bytes = value;
	*percent = 0;
	return true;
}

/* The one word that there is for it. */
static bool read_word(const char *value, const char *word, bool *out)
{
	if (strcmp(value, word) != 0)
		return false;
	*out = true;
	return true;
}

/* 0 or 1. */
static bool read_switch(const char *value, bool *out)
{
	if ((value[0] != '0' && value[0] != '1') || value[1])
		return false;
	*out = value[0] == '1';
	return true;
}

static bool set_run(struct bootargs *args, const char *value)
{
	size_t i;

	if (!*value)
		return false;
	for (i = 0; value[i]; i++)
		args->run[i] = value[i] == '+' ? ' ' : value[i];
	args->run[i] = '\0';
	return true;
}

static bool set_exit(struct bootargs *args, const char *value)
{
	return read_word(value, "semihosting", &args->semihosting);
}

static bool set_numa(struct bootargs *args, const char *value)
{
	return read_word(value, "off", &args->numa_off);
}

static bool set_deferred(struct bootargs *args, const char *value)
{
	bool on = strcmp(value, "on") == 0;

	if (!on && strcmp(value, "off") != 0)
		return false;
	args->deferred = on ? BOOT_DEFERRED_ON : BOOT_DEFERRED_OFF;
	return true;
}

static bool set_page_owner(struct bootargs *args, const char *value)
{
	return read_word(value, "on", &args->page_owner);
}

static bool set_page_poison(struct bootargs *args, const char *value)
{
	return read_word(value, "on", &args->options.page_poison);
}

static bool set_guards(struct bootargs *args, const char *value)
{
	uint64_t order;

	if (!read_count(value, 0, MAX_ORDER / 2, &order))
		return false;
	args->options.guard_minorder = (unsigned)order;
	return true;
}

static bool set_shuffle(struct bootargs *args, const char *value)
{
	return read_word(value, "on", &args->shuffle);
}

static bool set_init_on_alloc(struct bootargs *args, const char *value)
{
	return read_switch(value, &args->options.init_on_alloc);
}

static bool set_init_on_free(struct bootargs *args, const char *value)
{
	return read_switch(value, &args->options.init_on_free);
}

static bool set_numa_stat(struct bootargs *args, const char *value)
{
	bool on;

	if (!read_switch(value, &on))
		return false;
	args->options.numa_stat_off = !on;
	return true;
}

static bool set_fraction(struct bootargs *args, const char *value)
{
	uint64_t fraction;

	if (!read_count(value, 0, UINT32_MAX, &fraction) || (fraction && fraction < 8))
		return false;
	args->options.percpu_pagelist_fraction = (unsigned)fraction;
	return true;
}

static bool set_min_free(struct bootargs *args, const char *value)
{
	return read_count(value, 1, (uint64_t)1 << 32, &args->options.min_free_kbytes);
}

static bool set_scale(struct bootargs *args, const char *value)
{
	uint64_t factor;

	if (!read_count(value, 1, 3000, &factor))
		return false;
	args->options.watermark_scale_factor = (unsigned)factor;
	return true;
}

static bool set_kernelcore(struct bootargs *args, const char *value)
{
	return read_share(value, &args->options.kernelcore_bytes,
			  &args->options.kernelcore_percent);
}

static bool set_movablecore(struct bootargs *args, const char *value)
{
	return read_share(value, &args->options.movablecore_bytes,
			  &args->options.movablecore_percent);
}

static bool set_movable_node(struct bootargs *args, const char *value)
{
	ASSERT(!*value, "movable_node has the value %s", value);
	args->options.movable_node = true;
	return true;
}

static bool set_cma(struct bootargs *args, const char *value)
{
	if (!number_read_bytes(value, &args->options.cma_bytes))
		return false;
	args->cma_given = true;
	return true;
}

/* One area, `length` bytes of the list: a size that can be read, or any short name. */
static bool swap_item_sound(const char *item, size_t length)
{
	char text[SWAP_ITEM_BYTES];
	uint64_t bytes;

	if (length >= sizeof(text))
		return false;
	memcpy(text, item, length);
	text[length] = '\0';
	if (!strncmp(text, "ram:", 4))
		return number_read_bytes(text + 4, &bytes) && bytes >= PAGE_SIZE;
	return !strncmp(text, "disk:", 5) && text[5];
}

static bool set_swap(struct bootargs *args, const char *value)
{
	const char *item = value;

	for (;;) {
		size_t length = 0;

		while (item[length] && item[length] != ',')
			length++;
		if (!swap_item_sound(item, length))
			return false;
		item += length;
		if (!*item)
			break;
		item++;
	}
	args->swap = value;
	return true;
}

/* Whether its nodes are right is known when the board is. */
static bool set_policy(struct bootargs *args, const char *value)
{
	if (!*value)
		return false;
	args->policy = value;
	return true;
}

static bool set_maxcpus(struct bootargs *args, const char *value)
{
	uint64_t count;

	if (!read_count(value, 1, ZONAL_MAX_CPUS, &count))
		return false;
	args->maxcpus = (unsigned)count;
	return true;
}

static bool set_user_tasks(struct bootargs *args, const char *value)
{
	uint64_t count;

	if (!read_count(value, 1, ZONAL_USER_TASKS_MOST, &count))
		return false;
	args->user_tasks = (unsigned)count;
	return true;
}

static bool set_seed(struct bootargs *args, const char *value)
{
	return read_count(value, 1, UINT64_MAX, &args->seed);
}

#define SHARE_RULE "at least a page, with K, M, G or T, or 1% to 99%"

static const struct rule rules[] = {
	{ "run", set_run, "monitor commands parted by ';', with '+' for a blank" },
	{ "exit", set_exit, "only exit=semihosting is known" },
	{ "min_free_kbytes", set_min_free, "a number from 1 to 4294967296" },
	{ "watermark_scale_factor", set_scale, "a number from 1 to 3000" },
	{ "kernelcore", set_kernelcore, SHARE_RULE },
	{ "movablecore", set_movablecore, SHARE_RULE },
	{ "movable_node", set_movable_node, "it has no value" },
	{ "cma", set_cma, "bytes with K, M, G or T" },
	{ "numa", set_numa, "only numa=off is known" },
	{ "maxcpus", set_maxcpus, "a number from 1 to ZONAL_MAX_CPUS" },
	{ "user_tasks", set_user_tasks, "a number from 1 to ZONAL_USER_TASKS_MOST" },
	{ "deferred", set_deferred, "on or off" },
	{ "page_owner", set_page_owner, "only page_owner=on is known" },
	{ "swap", set_swap, "ram:SIZE or disk:NAME, parted by commas" },
	{ "policy", set_policy, "MODE[=static|=relative][:NODES]" },
	{ "page_poison", set_page_poison, "only page_poison=on is known" },
	{ "debug_guardpage_minorder", set_guards, "a number from 0 to half of ZONAL_MAX_ORDER" },
	{ "shuffle", set_shuffle, "only shuffle=on is known" },
	{ "numa_stat", set_numa_stat, "0 or 1" },
	{ "init_on_alloc", set_init_on_alloc, "0 or 1" },
	{ "init_on_free", set_init_on_free, "0 or 1" },
	{ "percpu_pagelist_fraction", set_fraction, "0, or a number from 8 on" },
	{ "seed", set_seed, "a number from 1 to 2^64-1" },
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The rule whose name stands before '=' in `word`; NULL if there is none. */
static const struct rule *rule_find(const char *word, size_t name_length)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if (strlen(rules[i].name) == name_length &&
		    memcmp(rules[i].name, word, name_length) == 0)
			return &rules[i];
	}
	return NULL;
}

/* Report a word with every byte that a terminal might obey made harmless. */
static void report_word(const char *word, const char *rule, bootargs_report_fn report)
{
	char shown[REPORT_BYTES];
	size_t i;

	for (i = 0; word[i] && i < REPORT_BYTES - 1; i++)
		shown[i] = word[i] >= ' ' && word[i] < 0x7f ? word[i] : '?';
	shown[i] = '\0';
	if (report)
		report(shown, rule);
}

/* As Linux has it: a word without '='. */
static bool is_bare(const struct rule *rule) { return rule->set == set_movable_node; }

/* Apply one word; true if it was accepted. */
static bool word_apply(struct bootargs *args, const char *word, bootargs_report_fn report)
{
	const char *equals = strchr(word, '=');
	size_t length = equals ? (size_t)(equals - word) : strlen(word);
	const struct rule *rule = rule_find(word, length);

	if (!rule || (!equals && !is_bare(rule))) {
		report_word(word, "no such word", report);
		return false;
	}
	if ((equals && is_bare(rule)) || !rule->set(args, equals ? equals + 1 : "")) {
		report_word(word, rule->rule, report);
		return false;
	}
	return true;
}

/* What is left to read. */
struct text {
	const char *at, *end;
};

static bool at_blank(const struct text *text) { return is_blank(*text->at); }

static bool at_end(const struct text *text) { return text->at == text->end || !*text->at; }

/* Copy the next word to `to`, cut to `room` bytes; its whole length, 0 at the end. */
static size_t word_take(struct text *text, char *to, size_t room)
{
	size_t length = 0;

	ASSERT(room >= 1, "no room for a NUL");
	while (!at_end(text) && at_blank(text))
		text->at++;
	for (; !at_end(text) && !at_blank(text); text->at++) {
		if (length < room - 1)
			to[length] = *text->at;
		length++;
	}
	to[ZN_MIN(length, room - 1)] = '\0';
	return length;
}

/* How many bytes of out->words are taken, without the NUL that ends the list. */
static size_t words_used(const struct bootargs *args)
{
	size_t used = 0;

	while (args->words[used])
		used += strlen(args->words + used) + 1;
	ASSERT(used < sizeof(args->words) - 1, "%zu bytes of words", used);
	return used;
}

unsigned bootargs_add(const char *text, size_t bytes, struct bootargs *out,
		      bootargs_report_fn report)
{
	/* No text may come as NULL, to which not even 0 may be added. */
	const char *begin = text ? text : "";
	struct text rest = { begin, begin + (text ? bytes : 0) };
	size_t used = words_used(out);
	unsigned refused = 0;

	for (;;) {
		char *word = out->words + used;
		/* At least 1: a word is kept only if the list's last NUL fits behind it. */
		size_t room = sizeof(out->words) - 1 - used;
		size_t length = word_take(&rest, word, room);

		if (!length)
			break;
		if (length + 1 < room && word_apply(out, word, report)) {
			used += length + 1;
			continue;
		}
		if (length + 1 >= room)
			report_word(word, "no room: all words together have 4095 bytes", report);
		refused++;
	}
	ASSERT(used < sizeof(out->words) - 1, "%zu bytes of words", used);
	out->words[used] = '\0';
	return refused;
}

unsigned bootargs_parse(const char *text, size_t bytes, struct bootargs *out,
			bootargs_report_fn report)
{
	memset(out, 0, sizeof(*out));
	zonal_options_default(&out->options);
	return bootargs_add(text, bytes, out, report);
}

const char *bootargs_find(const struct bootargs *args, const char *name)
{
	size_t name_length = strlen(name);
	const char *found = NULL;
	const char *word = args->words;

	for (; *word; word += strlen(word) + 1) {
		if (strncmp(word, name, name_length) != 0)
			continue;
		if (word[name_length] == '=')
			found = word + name_length + 1;
		else if (!word[name_length])
			found = word + name_length;
	}
	return found;
}
