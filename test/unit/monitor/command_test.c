/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands: words reach the command, mistakes get one clear line and status 1 and stop
 * nothing that follows; numbers and node lists are read strictly.
 *
 * The parser runs on a table of the test's own; the commands on memory run on a
 * private instance of two nodes. Text is caught at the console sink, so these run on the host.
 */
#include <string.h>

#include "test/unit/mm/kt_instance.h"
#include "lib/kprintf.h"
#include "lib/stop.h"
#include "monitor_capture.h"
#include "monitor/monitor_command.h"
#include "test/ktest.h"

static int show_args(struct zonal *mm, const struct monitor_args *args)
{
	unsigned i;

	(void)mm;
	kprintf("%s:", args->name);
	for (i = 0; i < args->count; i++)
		kprintf("[%s]", args->word[i]);
	kprintf("%s\n", args->json ? " json" : "");
	return 0;
}

static int always_fails(struct zonal *mm, const struct monitor_args *args)
{
	(void)mm;
	(void)args;
	return 1;
}

static const struct monitor_command commands[] = {
	{ "help", "[COMMAND]", "this list", 0, 1, false, .system = monitor_help },
	{ "show", "[A [B]]", "print the words", 0, 2, true, .run = show_args },
	{ "plain", "A", "one word, no JSON", 1, 1, false, .run = show_args },
	{ "fail", "", "status 1", 0, 0, false, .run = always_fails },
	{ "many", "[WORD...]", "any words", 0, MONITOR_WORDS, false, .run = show_args },
	{ "alloc", "GFP ORDER [NID]", "take", 2, 3, false, .run = monitor_alloc },
	{ "free", "PFN ORDER | all", "give", 1, 2, false, .run = monitor_free },
	{ "probe", "GFP ORDER NID", "probe", 3, 3, true, .run = monitor_probe },
	{ "policy", "[MODE [NODES]]", "policy", 0, 2, false, .run = monitor_policy },
	{ "set", "[TUNABLE VALUE...]", "set", 0, 5, true, .run = monitor_set },
	{ "inject", "SKIP TIMES", "inject", 2, 2, false, .run = monitor_inject },
	{ "check", "", "check", 0, 0, true, .run = monitor_check },
	{ "drain", "", "drain", 0, 0, false, .run = monitor_drain },
	{ "compact", "[NID]", "compact", 0, 1, true, .run = monitor_compact },
	{ "watch", "S COMMAND", "watch", 2, MONITOR_WORDS, true, .system = monitor_watch },
};

static struct zonal *instance;
static int status;

/* Run a line; its text. */
static const char *run(const char *text)
{
	const struct monitor_table table = { instance, commands, ARRAY_SIZE(commands) };

	capture_begin();
	status = monitor_execute(&table, text, false);
	return capture_end();
}

/* Does it print this, with this status? */
static void expect(const char *text, const char *output, int wanted)
{
	const char *got = run(text);

	KT_STR_EQ(got, output);
	KT_OK(status == wanted, "'%s' has status %d, not %d", text, status, wanted);
}

KTEST_F(monitor_command, words_reach_the_command, KT_HOST_ONLY)
{
	expect("show", "show:\n", 0);
	expect("  show   a\tb  ", "show:[a][b]\n", 0);
	expect("show -j a", "show:[a] json\n", 0);
	expect("show a -j", "show:[a] json\n", 0);
	expect("", "", 0);
	expect(" ;; ; ", "", 0);
}

KTEST_F(monitor_command, semicolons_separate_and_a_failure_does_not_stop, KT_HOST_ONLY)
{
	expect("show a;plain b;show", "show:[a]\nplain:[b]\nshow:\n", 0);
	expect("show a;fail;show b", "show:[a]\nshow:[b]\n", 1);
}

KTEST_F(monitor_command, plus_is_a_blank_only_where_asked_for, KT_HOST_ONLY)
{
	const struct monitor_table table = { NULL, commands, ARRAY_SIZE(commands) };
	char with[64];

	expect("show a+b", "show:[a+b]\n", 0);
	capture_begin();
	monitor_execute(&table, "show+-j+a;show+b", true);
	strcpy(with, capture_end());
	KT_STR_EQ(with, "show:[a] json\nshow:[b]\n");
}

KTEST_F(monitor_command, mistakes_get_one_clear_line, KT_HOST_ONLY)
{
	expect("zoninfo", "zoninfo: no such command; help lists them\n", 1);
	expect("-j", "-j: no such command; help lists them\n", 1);
	expect("show a b c", "show: 3 arguments, usage: show [-j] [A [B]]\n", 1);
	expect("plain", "plain: 0 arguments, usage: plain A\n", 1);
	expect("plain -j a", "plain: has no JSON form (-j)\n", 1);
	expect("help nothing", "help: nothing: no such command; help lists them\n", 1);
}

KTEST_F(monitor_command, limits_of_a_line_are_named, KT_HOST_ONLY)
{
	char text[MONITOR_LINE_BYTES + 2], words[2 * MONITOR_WORDS + 16] = "many";
	unsigned i;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	expect(text,
	       "xxxxxxxxxxxxxxxxxxxx...: a command of 257 characters, at most 255 fit "
	       "(MONITOR_LINE_BYTES)\n", 1);
	text[MONITOR_LINE_BYTES - 1] = '\0';
	KT_TRUE(strstr(run(text), "no such command") != NULL);
	for (i = 0; i < MONITOR_WORDS; i++)
		strcat(words, " w");
	run(words);
	KT_EQ(status, 0);
	strcat(words, " w");
	expect(words, "many: more than 16 arguments (MONITOR_WORDS)\n", 1);
}

KTEST_F(monitor_command, help_is_aligned, KT_HOST_ONLY)
{
	const char *text = run("help");

	KT_TRUE(capture_has_line(text, "show [-j] [A [B]]            print the words"));
	KT_TRUE(capture_has_line(text, "probe [-j] GFP ORDER NID     probe"));
	expect("help show", "show [-j] [A [B]]            print the words\n", 0);
}

static unsigned looks;       /* for a key */
static uint64_t waited_ns;

/* A key is typed during the third wait. */
static bool third_wait(uint64_t ns)
{
	waited_ns += ns;
	return ++looks == 3;
}

static unsigned stop_at; /* the command's turn in which somebody asks to stop */

static bool stopped(void) { return looks >= stop_at; }

KTEST_F(monitor_command, watch_repeats_until_a_key, KT_HOST_ONLY)
{
	bool (*hook)(void) = zn_stop_hook;
	const char *text;

	looks = 0;
	waited_ns = 0;
	monitor_key_within = third_wait;
	expect("watch 2 show a -j;show b",
	       "every 2 s, until a key is typed: show a -j\nshow:[a] json\n"
	       "every 2 s, until a key is typed: show a -j\nshow:[a] json\n"
	       "every 2 s, until a key is typed: show a -j\nshow:[a] json\nshow:[b]\n", 0);
	KT_EQ(waited_ns, 6000000000u);
	/* Ctrl-C: no wait more, what stands behind it is dropped, and it is said once. */
	looks = 0;
	stop_at = 1;
	zn_stop_hook = stopped;
	text = run("watch 1 show;show b");
	zn_stop_hook = hook;
	KT_STR_EQ(text,
		  "every 1 s, until a key is typed: show\nshow:\n"
		  "every 1 s, until a key is typed: show\nshow:\n^C\n");
	KT_EQ(status, 1);
	monitor_key_within = NULL;
}

KTEST_F(monitor_command, watch_refuses_what_it_cannot_end, KT_HOST_ONLY)
{
	expect("watch 1 show", "watch: there are no keys to end it\n", 1);
	looks = 0;
	monitor_key_within = third_wait;
	expect("watch 1 watch 1 show", "watch: cannot be watched itself\n", 1);
	expect("watch 0 show", "watch: 0: seconds are a number, 1 to 3600\n", 1);
	expect("watch 3601 show", "watch: 3601: seconds are a number, 1 to 3600\n", 1);
	expect("watch show 1", "watch: show: seconds are a number, 1 to 3600\n", 1);
	expect("watch 1", "watch: 1 arguments, usage: watch [-j] S COMMAND\n", 1);
	expect("watch 1 fail", "every 1 s, until a key is typed: fail\n"
	       "watch: it failed, and is not repeated\n", 1);
	expect("watch 1 no such", "every 1 s, until a key is typed: no such\n"
	       "no: no such command; help lists them\n"
	       "watch: it failed, and is not repeated\n", 1);
	KT_EQ(looks, 0);
	monitor_key_within = NULL;
}

#define TEXT_OF(value) TEXT_OF_WORD(value)
#define TEXT_OF_WORD(word) #word

KTEST(monitor_command, node_lists_are_read_strictly)
{
	static const char *const bad[] = {
		"",   ",",  "1,",   ",1", "2-1",  "1-",
		"-1", "a",  "1--2", "000000000000000000000000000000g",
		TEXT_OF(ZONAL_MAX_NODES), ("1-" TEXT_OF(ZONAL_MAX_NODES)),
	};
	nodemask_t mask = 0;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KT_OK(!monitor_nodes(bad[i], &mask), "'%s' was accepted", bad[i]);
	KT_EQ(mask, 0);
	KT_TRUE(monitor_nodes("3", &mask) && mask == 8);
	KT_TRUE(monitor_nodes("0,2-3,15", &mask) && mask == 0x800d);
}

/* ---- commands on memory --------------------------------------------------- */

static const struct kt_spec two_nodes = {
	.ram = { { 0, KT_DMA_PFN, 4096 }, { 1, KT_DMA_PFN + 4096, 4096 } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
};

KTEST_F(monitor_command, alloc_and_free_are_a_pair, KT_HOST_ONLY)
{
	const char *text;
	char again[64];

	instance = kt_instance(&two_nodes);
	if (!instance)
		return;
	text = run("alloc GFP_KERNEL 3 1");
	KT_EQ(status, 0);
	KT_TRUE(strncmp(text, "pfn 0x", 6) == 0);
	zn_snprintf(again, sizeof(again), "free %.*s 3",
		    (int)(strchr(text + 4, ' ') - (text + 4)), text + 4);
	KT_TRUE(strstr(text, " order 3 node 1 zone DMA\n") != NULL);
	run(again);
	KT_EQ(status, 0);
	/* It is not ours any more. */
	run(again);
	KT_EQ(status, 1);
	KT_EQ(zonal_bad_count(instance), 0);
	run("alloc NOWAIT 0;alloc NOWAIT|COMP 2 0");
	expect("free all", "2 blocks given back\n", 0);
	kt_check_all(instance);
}

KTEST_F(monitor_command, free_takes_one_block_out_of_many, KT_HOST_ONLY)
{
	char middle[64];

	instance = kt_instance(&two_nodes);
	if (!instance)
		return;
	run("alloc NOWAIT 1");
	zn_snprintf(middle, sizeof(middle), "free %.12s 2", run("alloc NOWAIT 2") + 4);
	*strchr(middle + 5, ' ') = '\0';
	strcat(middle, " 2");
	run("alloc NOWAIT 3");
	run(middle);
	KT_OK(status == 0, "%s has status %d", middle, status);
	expect("free all", "2 blocks given back\n", 0);
	kt_check_all(instance);
}

KTEST_F(monitor_command, free_of_a_wrong_order_is_reported_and_keeps_the_block, KT_HOST_ONLY)
{
	char text[64];

	instance = kt_instance(&two_nodes);
	if (!instance)
		return;
	zn_snprintf(text, sizeof(text), "free %.12s", run("alloc NOWAIT 2") + 4);
	*strchr(text + 5, ' ') = '\0';
	strcat(text, " 3");
	run(text);
	KT_EQ(status, 1);
	KT_EQ(zonal_bad_count(instance), 1);
	expect("free all", "1 blocks given back\n", 0);
	kt_check_all(instance);
}

KTEST_F(monitor_command, free_touches_nothing_that_alloc_did_not_take, KT_HOST_ONLY)
{
	struct page *page;
	char text[64];

	instance = kt_instance(&two_nodes);
	if (!instance)
		return;
	page = zonal_alloc(instance, GFP_KERNEL, 0);
	if (!KT_TRUE(page != NULL))
		return;
	zn_snprintf(text, sizeof(text), "free 0x%llx 0", (unsigned long long)zonal_pfn(page));
	KT_TRUE(strstr(run(text), "not the first page of a block that alloc took") != NULL);
	KT_EQ(status, 1);
	KT_TRUE(!zonal_is_free(instance, zonal_pfn(page)));
	zonal_free(instance, page, 0);
	expect("free 99999999999 0", "free: 99999999999: not a page frame number\n", 1);
	expect("free 0x40000", "free: usage: free PFN ORDER, or free all\n", 1);
	kt_check_all(instance);
}

KTEST_F(monitor_command, wrong_words_of_memory_commands_are_named, KT_HOST_ONLY)
{
	instance = kt_instance(&two_nodes);
	if (!instance)
		return;
	expect("alloc GFP_KERNAL 0",
	       "alloc: GFP_KERNAL: flags are names like GFP_KERNEL or NOWAIT|MOVABLE, or a number "
	       "like 0xcc0\n", 1);
	expect("alloc KERNEL 11", "alloc: 11: an order is 0..10\n", 1);
	expect("alloc KERNEL 0 2", "alloc: 2: no such node on this board\n", 1);
	expect("probe KERNEL 0 x", "probe: x: no such node on this board\n", 1);
	expect("probe KERNEL|NOFAIL 0 0",
	       "gfp 0x88c0: a probe ends with NULL, so __GFP_NOFAIL is not allowed\n", 1);
	expect("policy bond",
	       "policy: bond: MODE[=static|=relative][:NODES], or one of default preferred bind "
	       "interleave local\n", 1);
	expect("policy bind=static:5", "policy: bind=static:5: is not allowed here\n", 1);
	expect("policy bind 0-99",
	       "policy: 0-99: nodes are a list like 0,2-3, below " TEXT_OF(ZONAL_MAX_NODES)
	       " (ZONAL_MAX_NODES)\n", 1);
	expect("policy bind 5", "policy: bind with nodes 5 is not allowed here\n", 1);
	expect("policy bind", "policy: bind with nodes none is not allowed here\n", 1);
	expect("set watermark_scale_factor",
	       "set: watermark_scale_factor: a value is missing, it takes 1\n", 1);
	expect("set watermark_scale_factor 3001",
	       "set: watermark_scale_factor 3001: out of range 1 to 3000\n", 1);
	expect("set watermark_scale_factor 0",
	       "set: watermark_scale_factor 0: out of range 1 to 3000\n", 1);
	expect("set min_free_kbytes 32769",
	       "set: min_free_kbytes 32769: out of range 0 to 32768\n", 1);
	expect("set watermark_boost_factor 4294967296",
	       "set: watermark_boost_factor 4294967296: out of range 0 to 4294967295\n", 1);
	expect("set lowmem_reserve_ratio 1 2 3 4 5",
	       "set: 6 arguments, usage: set [-j] [TUNABLE VALUE...]\n", 1);
	expect("set min_free_kbytes 1 2", "set: min_free_kbytes: too many values, it takes 1\n", 1);
	expect("set watermark_scale_factor 4294967306",
	       "set: watermark_scale_factor 4294967306: out of range 1 to 3000\n", 1);
	KT_TRUE(strncmp(run("set colour red"), "set: colour: one of min_free_kbytes ", 36) == 0);
	expect("inject a 1", "inject: a 1: two numbers, requests to skip and requests to fail\n",
	       1);
	expect("check", "check: every invariant holds\n", 0);
}

KTEST_F(monitor_command, set_changes_what_it_names, KT_HOST_ONLY)
{
	instance = kt_instance(&two_nodes);
	if (!instance)
		return;
	expect("set min_free_kbytes 1024;set watermark_scale_factor 100", "", 0);
	KT_TRUE(capture_has_line(run("set"), "min_free_kbytes         1024"));
	KT_TRUE(capture_has_line(run("set"), "watermark_scale_factor  100"));
	expect("set lowmem_reserve_ratio 8 16", "", 0);
	KT_TRUE(capture_has_line(run("set"), "lowmem_reserve_ratio    8 16 32 0"));
	expect("set lowmem_reserve_ratio 9 9 x 9",
	       "set: lowmem_reserve_ratio x: out of range 0 to 4294967295\n", 1);
	KT_TRUE(capture_has_line(run("set"), "lowmem_reserve_ratio    8 16 32 0"));
	kt_check_all(instance);
}

/* The line of `set` whose first word is this name. */
static bool is_listed(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (; text && *text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL)
		if (strncmp(text, name, length) == 0 && text[length] == ' ')
			return true;
	return false;
}

KTEST_F(monitor_command, every_tunable_that_is_listed_can_be_set_and_the_reverse, KT_HOST_ONLY)
{
	const char *text, *name;
	unsigned lines = 0, names = 0;

	instance = kt_instance(&two_nodes);
	if (!instance)
		return;
	text = run("set");
	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	for (; (name = monitor_tunable_name(names)); names++)
		KT_OK(is_listed(text, name), "%s is not listed", name);
	KT_EQ(lines, names);
}

KTEST_F(monitor_command, policy_decides_where_alloc_takes, KT_HOST_ONLY)
{
	struct zonal_task saved;

	instance = kt_instance(&two_nodes);
	if (!instance)
		return;
	kt_task_save(&saved);
	expect("policy bind 1", "", 0);
	KT_TRUE(strstr(run("alloc USER 0"), " node 1 ") != NULL);
	expect("policy", "policy bind, nodes 1, bind:1\n", 0);
	expect("policy interleave=static:0-1", "", 0);
	expect("policy", "policy interleave, nodes 0-1, interleave=static:0-1\n", 0);
	expect("policy prefer:1", "", 0);
	KT_TRUE(strstr(run("alloc USER 0"), " node 1 ") != NULL);
	expect("policy default", "", 0);
	KT_TRUE(strstr(run("alloc USER 0"), " node 0 ") != NULL);
	kt_task_restore(&saved);
	run("free all");
}

KTEST_F(monitor_command, injected_failure_says_why, KT_HOST_ONLY)
{
	instance = kt_instance(&two_nodes);
	if (!instance)
		return;
	run("inject 0 1;alloc NOWAIT 0");
	KT_EQ(status, 1);
	run("alloc NOWAIT 0");
	KT_EQ(status, 0);
	run("free all");
}

KTEST_F(monitor_command, compact_says_what_moved_and_knows_only_nodes_with_memory, KT_HOST_ONLY)
{
	instance = kt_instance(&two_nodes);
	if (!instance)
		return;
	KT_TRUE(strstr(run("compact"), "compact: 0 pages moved, 0 stayed, ") != NULL);
	KT_EQ(status, 0);
	KT_TRUE(strstr(run("compact 1 -j"), "\"zonal.compact/1\",\"moved\":0,") != NULL);
	KT_EQ(status, 0);
	expect("compact 7", "compact: 7 is no node with memory\n", 1);
	expect("compact 0-1", "compact: 0-1 is no node with memory\n", 1);
	expect("compact x", "compact: x is no node with memory\n", 1);
}
