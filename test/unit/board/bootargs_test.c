/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot arguments: each word of the contract, each way to get one wrong, and
 * arbitrary bytes. A refused word must be named in a report and leave its default.
 *
 * The parser's result is one static struct, because it is larger than what a
 * stack of the image should hold.
 */
#include <string.h>

#include <zonal/zonal.h>

#include "board/bootargs.h"
#include "test/ktest.h"

static struct bootargs args;
static char reported[512]; /* the refused words, each followed by ';' */
static char last_rule[128];

static void append(char *to, size_t size, const char *text)
{
	size_t used = strlen(to);
	size_t length = strlen(text);

	if (used + length + 1 < size)
		memcpy(to + used, text, length + 1);
}

static void note(const char *word, const char *rule)
{
	append(reported, sizeof(reported), word);
	append(reported, sizeof(reported), ";");
	last_rule[0] = '\0';
	append(last_rule, sizeof(last_rule), rule);
}

static unsigned parse(const char *text)
{
	reported[0] = '\0';
	return bootargs_parse(text, strlen(text) + 1, &args, note);
}

KTEST(bootargs, nothing_keeps_all_defaults)
{
	struct zonal_options defaults;

	memset(&defaults, 0, sizeof(defaults));
	zonal_options_default(&defaults);
	KT_EQ(parse(""), 0);
	KT_STR_EQ(args.run, "");
	KT_EQ(args.semihosting, 0);
	KT_EQ(args.numa_off, 0);
	KT_EQ(args.maxcpus, 0);
	KT_EQ(args.user_tasks, 0);
	KT_EQ(args.seed, 0);
	KT_EQ(args.options.min_free_kbytes, defaults.min_free_kbytes);
	KT_EQ(args.options.watermark_scale_factor, defaults.watermark_scale_factor);
	KT_EQ(args.options.watermark_boost_factor, defaults.watermark_boost_factor);
	KT_EQ(args.options.cma_bytes, defaults.cma_bytes);
	KT_EQ(parse(" \t\n  "), 0);
	KT_EQ(args.options.watermark_scale_factor, 10);
}

KTEST(bootargs, every_word_of_the_contract)
{
	KT_EQ(parse("run=zoneinfo+-j;test+buddy.* exit=semihosting min_free_kbytes=4096 "
		    "watermark_scale_factor=20 kernelcore=256M movablecore=25% cma=16M "
		    "numa=off maxcpus=3 user_tasks=1000 seed=0x1f"),
	      0);
	KT_STR_EQ(args.run, "zoneinfo -j;test buddy.*");
	KT_EQ(args.semihosting, 1);
	KT_EQ(args.options.min_free_kbytes, 4096);
	KT_EQ(args.options.watermark_scale_factor, 20);
	KT_EQ(args.options.kernelcore_bytes, (uint64_t)256 << 20);
	KT_EQ(args.options.kernelcore_percent, 0);
	KT_EQ(args.options.movablecore_percent, 25);
	KT_EQ(args.options.movablecore_bytes, 0);
	KT_EQ(args.options.cma_bytes, (uint64_t)16 << 20);
	KT_EQ(args.numa_off, 1);
	KT_EQ(args.maxcpus, 3);
	KT_EQ(args.user_tasks, 1000);
	KT_EQ(args.seed, 31);
	KT_EQ(args.page_owner, 0);
	KT_TRUE(args.swap == NULL);
	KT_EQ(parse("swap=ram:64M,disk:vda"), 0);
	KT_STR_EQ(args.swap, "ram:64M,disk:vda");
	KT_TRUE(args.policy == NULL);
	KT_EQ(parse("policy=bind=static:0-1 seed=1"), 0);
	KT_STR_EQ(args.policy ? args.policy : "", "bind=static:0-1");
	KT_EQ(parse("policy="), 1);
	KT_TRUE(!args.options.movable_node);
	KT_EQ(parse("seed=3 movable_node maxcpus=3"), 0);
	KT_TRUE(args.options.movable_node && args.maxcpus == 3);
	KT_EQ(args.deferred, BOOT_DEFERRED_BY_SIZE);
	KT_EQ(parse("deferred=on"), 0);
	KT_EQ(args.deferred, BOOT_DEFERRED_ON);
	KT_EQ(parse("deferred=on deferred=off deferred= deferred=1"), 2);
	KT_EQ(args.deferred, BOOT_DEFERRED_OFF);
	KT_EQ(parse("page_owner=on"), 0);
	KT_EQ(args.page_owner, 1);
	KT_EQ(parse("debug_guardpage_minorder=5 debug_guardpage_minorder=6"), 1);
	KT_EQ(args.options.guard_minorder, 5);
	KT_EQ(parse("numa_stat=1 numa_stat=0 numa_stat=2"), 1);
	KT_EQ(args.options.numa_stat_off, 1);
	KT_EQ(parse("shuffle=on"), 0);
	KT_EQ(args.shuffle, 1);
	KT_EQ(parse("shuffle=1 shuffle=off"), 2);
	KT_EQ(args.shuffle, 0);
	KT_EQ(parse("page_owner=off page_owner="), 2);
	KT_EQ(args.page_owner, 0);
	KT_EQ(parse("page_poison=on init_on_alloc=1 init_on_free=1 percpu_pagelist_fraction=8"), 0);
	KT_OK(args.options.page_poison && args.options.init_on_alloc && args.options.init_on_free,
	      "not taken over");
	KT_EQ(args.options.percpu_pagelist_fraction, 8);
	KT_EQ(parse("init_on_free=1 init_on_free=0 percpu_pagelist_fraction=0"), 0);
	KT_EQ(args.options.init_on_free, 0);
	KT_EQ(parse("page_poison=1 init_on_alloc=on init_on_free=2 init_on_free=10 "
		    "percpu_pagelist_fraction=7 percpu_pagelist_fraction=-1"), 6);
}

KTEST(bootargs, unknown_word_is_named_and_the_rest_counts)
{
	KT_EQ(parse("console=ttyAMA0 maxcpus=2 quiet maxcpu=4 =5"), 4);
	KT_STR_EQ(reported, "console=ttyAMA0;quiet;maxcpu=4;=5;");
	KT_EQ(args.maxcpus, 2);
}

/* Each of these breaks the rule of its word. */
static const char *const bad[] = {
	"run=", "exit=", "exit=semi", "exit=semihosting2", "min_free_kbytes=0",
	"min_free_kbytes=4294967297", "min_free_kbytes=12x", "min_free_kbytes=-1",
	"min_free_kbytes=", "min_free_kbytes=0x", "min_free_kbytes=18446744073709551616",
	"watermark_scale_factor=0", "watermark_scale_factor=3001", "kernelcore=0",
	"kernelcore=0%", "kernelcore=101%", "kernelcore=5%%", "kernelcore=5MB", "kernelcore=mirror",
	"movablecore=M", "movablecore=%", "movablecore=16777216T", "cma=18014398509481984K",
	"cma=16M@0", "numa=on", "numa=", "maxcpus=0", "maxcpus=99999999999", "seed=0", "seed=abc",
	"user_tasks", "user_tasks=", "user_tasks=0", "user_tasks=99999", "user_tasks=-1",
	"movable_node=", "movable_node=1", "movable_node=on", "movable_nodes", "movable",
	"maxcpus", "run", "exit", "swap=", "swap=vda", "swap=ram:", "swap=ram:1", "swap=ram:16Q",
	"swap=disk:", "swap=,ram:64M", "swap=ram:64M,", "swap=disk:vda,,disk:vdb", "swap=ram:-1",
	"swap=disk:a_name_of_more_than_thirty_two_bytes",
};

KTEST(bootargs, bad_value_is_named_and_the_default_stays)
{
	char expected[80];

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		KT_OK(parse(bad[i]) == 1, "accepted: %s", bad[i]);
		expected[0] = '\0';
		append(expected, sizeof(expected), bad[i]);
		append(expected, sizeof(expected), ";");
		KT_STR_EQ(reported, expected);
		KT_OK(last_rule[0] != '\0', "no rule for %s", bad[i]);
		KT_EQ(args.run[0], 0);
		KT_EQ(args.semihosting, 0);
		KT_EQ(args.numa_off, 0);
		KT_EQ(args.maxcpus, 0);
		KT_EQ(args.user_tasks, 0);
		KT_EQ(args.seed, 0);
		KT_EQ(args.options.min_free_kbytes, 0);
		KT_EQ(args.options.watermark_scale_factor, 10);
		KT_EQ(args.options.kernelcore_bytes + args.options.kernelcore_percent, 0);
		KT_EQ(args.options.movablecore_bytes + args.options.movablecore_percent, 0);
		KT_EQ(args.options.cma_bytes, 0);
		KT_OK(!args.words[0], "a refused word was kept: %s", bad[i]);
	}
}

KTEST(bootargs, limits_are_accepted)
{
	KT_EQ(parse("min_free_kbytes=4294967296 watermark_scale_factor=3000 kernelcore=99% "
		    "movablecore=16777215T cma=0 maxcpus=128 seed=18446744073709551615"),
	      ZONAL_MAX_CPUS < 128);
	KT_EQ(args.options.min_free_kbytes, (uint64_t)1 << 32);
	KT_EQ(args.options.watermark_scale_factor, 3000);
	KT_EQ(args.options.kernelcore_percent, 99);
	KT_EQ(args.options.movablecore_bytes, (uint64_t)16777215 << 40);
	KT_EQ(args.seed, UINT64_MAX);
	KT_EQ(parse("cma=2t kernelcore=3g movablecore=4k"), 0);
	KT_EQ(args.options.cma_bytes, (uint64_t)2 << 40);
	KT_EQ(args.options.kernelcore_bytes, (uint64_t)3 << 30);
	KT_EQ(args.options.movablecore_bytes, 4096);
}

KTEST(bootargs, last_of_equal_words_wins)
{
	KT_EQ(parse("maxcpus=2 kernelcore=10% maxcpus=5 kernelcore=1G run=a run=b"), 0);
	KT_EQ(args.maxcpus, 5);
	KT_EQ(args.options.kernelcore_percent, 0);
	KT_EQ(args.options.kernelcore_bytes, (uint64_t)1 << 30);
	KT_STR_EQ(args.run, "b");
	KT_STR_EQ(bootargs_find(&args, "maxcpus"), "5");
	/* A bad one does not undo the good one before it. */
	KT_EQ(parse("maxcpus=2 maxcpus=x"), 1);
	KT_EQ(args.maxcpus, 2);
	KT_STR_EQ(bootargs_find(&args, "maxcpus"), "2");
}

KTEST(bootargs, find_sees_accepted_words_only)
{
	KT_EQ(parse("seed=7 seedling=8 maxcpus=0"), 2);
	KT_STR_EQ(bootargs_find(&args, "seed"), "7");
	KT_TRUE(bootargs_find(&args, "maxcpus") == NULL);
	KT_TRUE(bootargs_find(&args, "see") == NULL);
	KT_TRUE(bootargs_find(&args, "seedling") == NULL);
	KT_TRUE(bootargs_find(&args, "run") == NULL);
}

KTEST(bootargs, terminal_codes_in_a_word_are_not_printed)
{
	KT_EQ(parse("\x1b[2Jx=\xff\x01y\x7f"), 1);
	KT_STR_EQ(reported, "?[2Jx=??y?;");
}

/* 4 KiB of arguments are taken, in one word or in many. */
KTEST(bootargs, four_kib_are_taken)
{
	static char text[4096];
	size_t used = 0;

	memset(text, 'a', sizeof(text));
	memcpy(text, "run=", 4);
	text[4095] = '\0';
	KT_EQ(parse(text), 0);
	KT_EQ(strlen(args.run), 4091);
	while (used + 10 < sizeof(text) - 20) {
		memcpy(text + used, "maxcpus=2 ", 10);
		used += 10;
	}
	memcpy(text + used, "run=echo+end", 13);
	KT_EQ(parse(text), 0);
	KT_STR_EQ(args.run, "echo end");
}

KTEST(bootargs, long_text_is_cut_with_a_report)
{
	static char text[9000];

	/* 4095 bytes in one word are the most. */
	memset(text, 'a', sizeof(text));
	memcpy(text, "run=", 4);
	text[BOOTARGS_BYTES] = '\0';
	KT_EQ(parse(text), 1);
	KT_EQ(args.run[0], 0);
	KT_STR_EQ(last_rule, "no room: all words together have 4095 bytes");
	/* What comes after a word that does not fit is read all the same. */
	text[BOOTARGS_BYTES] = 'a';
	memcpy(text + 8980, " maxcpus=3", 11);
	KT_EQ(parse(text), 1);
	KT_EQ(args.maxcpus, 3);
}

/* The property may lack its NUL, and may have text behind one. */
KTEST(bootargs, text_ends_with_its_bytes_or_a_nul)
{
	char *text = kt_alloc(9, 1);

	if (!text)
		return;
	memcpy(text, "maxcpus=3", 9);
	KT_EQ(bootargs_parse(text, 9, &args, note), 0);
	KT_EQ(args.maxcpus, 3);
	KT_EQ(bootargs_parse(text, 8, &args, note), 1);
	KT_EQ(bootargs_parse("maxcpus=3\0 seed=7", 18, &args, note), 0);
	KT_EQ(args.maxcpus, 3);
	KT_EQ(args.seed, 0);
	KT_EQ(bootargs_parse(NULL, 0, &args, note), 0);
}

/* A share that can have no effect is refused, and says so. */
KTEST(bootargs, share_without_effect_is_refused)
{
	KT_EQ(parse("kernelcore=1"), 1);
	KT_EQ(args.options.kernelcore_bytes, 0);
	KT_EQ(parse("kernelcore=4095"), 1);
	KT_EQ(parse("kernelcore=4096"), 0);
	KT_EQ(parse("movablecore=1"), 1);
	KT_EQ(parse("kernelcore=100%"), 1);
	KT_EQ(parse("movablecore=100%"), 1);
	KT_STR_EQ(last_rule, "at least a page, with K, M, G or T, or 1% to 99%");
	KT_EQ(parse("movablecore=99% kernelcore=1%"), 0);
}

/* cma=0 and no cma= at all are two things: the first drops the tree's default area. */
KTEST(bootargs, cma_of_0_is_given)
{
	KT_EQ(parse("seed=1"), 0);
	KT_EQ(args.cma_given, 0);
	KT_EQ(parse("cma=0"), 0);
	KT_EQ(args.cma_given, 1);
	KT_EQ(args.options.cma_bytes, 0);
	KT_EQ(parse("cma=1X"), 1);
	KT_EQ(args.cma_given, 0);
}

KTEST(bootargs, further_words_stand_behind_those_that_are_there)
{
	KT_EQ(parse("seed=3 run=check nonsense"), 1);
	KT_EQ(bootargs_add("seed=4 maxcpus=0", 16, &args, note), 1);
	KT_EQ(args.seed, 4);
	KT_STR_EQ(args.run, "check");
	KT_STR_EQ(bootargs_find(&args, "seed"), "4");
	KT_EQ(bootargs_add(NULL, 0, &args, note), 0);
	KT_EQ(args.seed, 4);
	KT_STR_EQ(reported, "nonsense;maxcpus=0;");
}

KTEST(bootargs, any_bytes_are_survived)
{
	static const char piece[] = " =+;%kKmMgGtT0123456789xrun=seed=cma=maxcpus=\t\n\x80";
	uint64_t state = kt_seed() | 1;
	char text[600];

	for (unsigned round = 0; round < 20000; round++) {
		size_t length = kt_random(&state) % (sizeof(text) - 1);

		for (size_t i = 0; i < length; i++)
			text[i] = piece[kt_random(&state) % (sizeof(piece) - 1)];
		text[length] = '\0';
		(void)parse(text);
		/* The list of kept words ends inside its array. */
		if (!KT_TRUE(memchr(args.run, 0, sizeof(args.run)) != NULL) ||
		    !KT_TRUE(args.words[sizeof(args.words) - 1] == '\0') ||
		    !KT_TRUE(args.options.watermark_scale_factor - 1 < 3000))
			return;
	}
}
