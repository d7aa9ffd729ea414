/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor: the table of commands of the image, and the loop on the console.
 *
 * A command is one of three kinds (monitor_command.h): a report on the allocator, a
 * function on the allocator with arguments, or one that needs the image: tests,
 * benchmark, tasks, power. Commands run in the task that called, one at a time; the loop is
 * meant for a task of its own and sleeps while nobody types.
 *
 * The line being typed and the history lie in static memory: there is one console.
 */
#include "monitor.h"

#include <string.h>
#include <zonal/deferred.h>
#include <zonal/linux.h>
#include <zonal/port.h>

#include "crash.h"
#include "arm64_exception.h"
#include "arm64_memory.h"
#include "lib/kprintf.h"
#include "lib/stop.h"
#include "cpuset_command.h"
#include "demo.h"
#include "disk_command.h"
#include "drivers/power/gpio_power.h"
#include "drivers/power/psci.h"
#include "group_command.h"
#include "monitor_command.h"
#include "monitor_line.h"
#include "monitor_tests.h"
#include "platform/platform.h"
#include "report/report.h"
#include "report/report_gfp.h"
#include "report/report_topology.h"
#include "sched/sched.h"
#include "swap_command.h"
#include "user_command.h"

_Static_assert(MONITOR_LOST == CONSOLE_LOST, "what the console says, the editor understands");

typedef unsigned long long ull;

static uint64_t boot_ns;
/* Pages that were still to be initialised then. */
static uint64_t boot_deferred;

/* Near the CPU that writes it. */
static void *ring_memory(struct zonal *mm, unsigned cpu, size_t bytes)
{
	struct page *page;
	unsigned order = 0;

	while ((size_t)PAGE_SIZE << order < bytes)
		order++;
	page = zonal_alloc_node(mm, boot_info.cpu[cpu].nid, GFP_KERNEL, order);
	return page ? phys_to_virt(zonal_pfn(page) << PAGE_SHIFT) : NULL;
}

/* Pages whose structures are still to be initialised. */
static uint64_t deferred_now(void)
{
	uint64_t pages = 0;

	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
		pages += zonal_deferred_pages(&zonal_image, n);
	return pages;
}

void monitor_mark_boot(void)
{
	if (!boot_ns) {
		boot_ns = port_time_ns();
		boot_deferred = deferred_now();
	}
	monitor_symbol = arm64_symbol;
	monitor_ring_memory = ring_memory;
	monitor_key_within = console_key_within;
	monitor_record_open = platform_file_open;
	monitor_record_write = platform_file_write;
	zn_stop_hook = console_stop_asked;
}

static void show_topology(struct zonal *mm, bool json)
{
	(void)mm;
	report_topology(&boot_info, &board_facts, json);
}

static void show_limits(struct zonal *mm, bool json)
{
	report_limits(mm, &boot_info, json);
}

static void show_tasks(struct zonal *mm, bool json)
{
	(void)mm;
	sched_report(json);
}

static void show_boottime(struct zonal *mm, bool json)
{
	uint64_t pages = 0;
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone)
		pages += zone->present;
	kprintf(json ? "{\"schema\":\"zonal.boottime/1\",\"boot_ns\":%llu,\"pages\":%llu,"
		       "\"deferred\":%llu,\"deferred_now\":%llu}\n" :
		       "boot_ns %llu\npages %llu\ndeferred %llu\ndeferred_now %llu\n",
		(ull)boot_ns, (ull)pages, (ull)boot_deferred, (ull)deferred_now());
}

static int run_version(struct zonal *mm, const struct monitor_args *args)
{
	(void)mm;
	(void)args;
	platform_print_version();
	return 0;
}

static int run_demo(struct zonal *mm, const struct monitor_args *args)
{
	(void)mm;
	(void)args;
	return demo_run();
}

static int run_poweroff(struct zonal *mm, const struct monitor_args *args)
{
	(void)mm;
	(void)args;
	platform_exit(0);
}

static int run_reboot(struct zonal *mm, const struct monitor_args *args)
{
	(void)mm;
	(void)args;
	console_flush();
	psci_system_reset();
	gpio_power_reset();
	kprintf("reboot: the firmware did not reset the board (PSCI by %s)\n", psci_method());
	return 1;
}

static int run_crash(struct zonal *mm, const struct monitor_args *args)
{
	(void)mm;
	return arm64_crash(args->word[0]);
}

static const char gfp_note[] = "GFP is a sum of these, joined by |, or 0x and a number:";

static const struct monitor_command commands[] = {
	{ "help", "[COMMAND]", "this list, or more on one command", 0, 1, false,
	  .system = monitor_help },
	{ "?", "[COMMAND]", "the same", 0, 1, false, .system = monitor_help },
	{ "version", "", "source, compiler and options of this image", 0, 0, false,
	  .run = run_version },
	{ "topology", "", "nodes, cores, distances, fallback orders, reserved ranges", 0, 0, true,
	  .report = show_topology },
	{ "zoneinfo", "", "each zone's pages, watermarks, reserves and per-CPU lists", 0, 0, true,
	  .report = report_zoneinfo },
	{ "buddyinfo", "", "free blocks by zone and order", 0, 0, true,
	  .report = report_buddyinfo },
	{ "pagetypeinfo", "", "free blocks by migratetype, and blocks of each type", 0, 0, true,
	  .report = report_pagetypeinfo },
	{ "map", "[NODE]", "a picture: the type of each pageblock, and how full it is", 0, 1, true,
	  .run = monitor_map },
	{ "lockstat", "[reset]", "who takes which lock, waits, holds it (build/lockstat/zonal.img)",
	  0, 1, true, .run = monitor_lockstat, .words = monitor_lockstat_word },
	{ "vmstat", "", "counters of the whole system", 0, 0, true, .report = report_vmstat },
	{ "numastat", "", "hits, misses and locality by node", 0, 0, true,
	  .report = report_numastat },
	{ "limits", "", "how full each table of config.h is", 0, 0, true, .report = show_limits },
	{ "meta", "", "memory that the allocator takes for itself", 0, 0, true,
	  .report = report_meta },
	{ "why", "", "the newest failed request and what each zone said to it", 0, 0, true,
	  .report = report_why },
	{ "check", "", "walk every invariant of the allocator", 0, 0, true, .run = monitor_check },
	{ "page_owner", "[PFN]", "who took a page; without a number, the stacks with most pages",
	  0, 1, false, .run = monitor_page_owner },
	{ "cma", "[COMMAND...]", "CMA areas; alone it lists them", 0, 4, true, .run = monitor_cma,
	  .words = monitor_cma_word,
	  .note = "COMMAND is list, alloc AREA PAGES [ALIGN], release AREA PFN PAGES:" },
	{ "contig", "COMMAND...", "contiguous memory of any size", 1, 3, true,
	  .run = monitor_contig, .words = monitor_contig_word,
	  .note = "COMMAND is alloc PAGES [NID], range PFN PAGES, free PFN PAGES:" },
	{ "retire", "PFN", "take a bad page out of use for good, whoever has it", 1, 1, true,
	  .run = monitor_retire },
	{ "disk", "[COMMAND...]", "disks and their cache; alone it lists them", 0, 5, true,
	  .run = monitor_disk, .words = monitor_disk_word,
	  .note = "COMMAND is list, read NAME OFFSET [BYTES], write NAME OFFSET WORD,\n"
		  "fill NAME OFFSET BYTES SEED, checksum NAME [OFFSET [BYTES]], flush NAME,\n"
		  "drop NAME (clean pages leave the cache), cache [NAME], timeout NAME MS:" },
	{ "tasks", "", "the tasks of the scheduler", 0, 0, true, .report = show_tasks },
	{ "user", "[run NAME [N] | start NAME [N] | kill ID | adj ID N]", "tasks at EL0", 0, 3,
	  true,
	  .run = monitor_user, .words = monitor_user_word,
	  .note = "N is the program's argument; words and programs:" },
	{ "swap", "[on LIST | off NAME | format NAME]", "areas where pages of tasks can go", 0, 2,
	  true, .run = monitor_swap, .words = monitor_swap_word,
	  .note = "LIST is ram:SIZE or disk:NAME, parted by commas; format writes the header\n"
		  "of a swap area on a disk, and what the disk holds is lost:" },
	{ "group", "[COMMAND...]", "memory groups; alone it lists them", 0, 4, true,
	  .run = monitor_group, .words = monitor_group_word,
	  .note = "COMMAND is make NAME PAGES [ABOVE], limit NAME PAGES, start NAME PROGRAM [N],\n"
		  "add NAME ID (a task of `user`), leave ID, drop NAME:" },
	{ "cpuset", "[COMMAND...]", "sets of tasks and their nodes; alone it lists them", 0, 6,
	  true, .run = monitor_cpuset, .words = monitor_cpuset_word,
	  .note = "COMMAND is make NAME NODES [FLAG...] [ABOVE], change NAME NODES [FLAG...],\n"
		  "start NAME PROGRAM [N], add NAME ID (a task of `user`), leave ID, drop NAME;\n"
		  "a FLAG is exclusive or wall:" },
	{ "boottime", "", "when the first command could run; pages, deferred ones", 0, 0, true,
	  .report = show_boottime },
	{ "alloc", "GFP ORDER [NID]", "take a block; its pfn is printed", 2, 3, false,
	  .run = monitor_alloc, .words = gfp_name, .note = gfp_note },
	{ "free", "PFN ORDER | all", "give back what alloc took", 1, 2, false,
	  .run = monitor_free, .words = monitor_all_name },
	{ "probe", "GFP ORDER NID", "take until NULL, give back; runs by node and zone", 3, 3, true,
	  .run = monitor_probe, .words = gfp_name, .note = gfp_note },
	{ "policy", "[MODE [NODES]]", "memory policy of this task: bind 1, bind=static:1", 0, 2,
	  false, .run = monitor_policy, .words = monitor_mode_name, .note = "MODE is one of" },
	{ "set", "[TUNABLE VALUE...]", "change a tunable; without arguments show all", 0,
	  1 + ZONE_TYPES, true, .run = monitor_set, .words = monitor_tunable_name,
	  .note = "TUNABLE is one of" },
	{ "inject", "SKIP TIMES", "fail requests on purpose, after SKIP good ones", 2, 2, false,
	  .run = monitor_inject },
	{ "trace", "[on [NAME...] | off | show [N]]", "records of what happened to which page",
	  0, MONITOR_WORDS, true, .run = monitor_trace, .words = monitor_trace_word,
	  .note = "without a NAME all of kmem is on; words, groups and points:" },
	{ "record", "[start [FILE] | write | stop]", "a run, for build/host/replay to play again",
	  0, 2, false, .run = monitor_record, .words = monitor_record_word,
	  .note = "to the console, or to a FILE of whoever runs QEMU (semihosting); words:" },
	{ "compact", "[NID]", "move pages together, of a node or of all", 0, 1, true,
	  .run = monitor_compact },
	{ "drain", "", "give the per-CPU lists back", 0, 0, false, .run = monitor_drain },
	{ "demo", "", "the demonstration", 0, 0, false, .run = run_demo },
	{ "test", "[--list] [GLOB...]", "run the tests whose suite.case matches one of them", 0,
	  MONITOR_WORDS, false, .run = monitor_tests, .words = monitor_test_name,
	  .note = "names are suite.case, * is any text, ? a character: test rows_b.* irq.*" },
	{ "bench", "[GLOB]", "the benchmark, or the cases whose name matches", 0, 1, true,
	  .run = monitor_bench, .words = monitor_bench_name,
	  .note = "GLOB is the name of a case, or NAME.ORDER, with * and ?; the cases:" },
	{ "watch", "SECONDS COMMAND...", "repeat a command until a key is typed", 2, MONITOR_WORDS,
	  true, .system = monitor_watch,
	  .note = "-j goes to the command; what is typed to end it begins the next line" },
	{ "echo", "[WORD...]", "print the words", 0, MONITOR_WORDS, false, .run = monitor_echo },
	{ "crash", "KIND", "break something on purpose, to see the report", 1, 1, false,
	  .run = run_crash, .words = arm64_crash_kind, .note = "KIND is one of" },
	{ "reboot", "", "restart the board", 0, 0, false, .run = run_reboot },
	{ "poweroff", "", "turn the board off", 0, 0, false, .run = run_poweroff },
	{ "exit", "", "the same", 0, 0, false, .run = run_poweroff },
	{ "quit", "", "the same", 0, 0, false, .run = run_poweroff },
};

static const struct monitor_table table = { &zonal_image, commands, ARRAY_SIZE(commands) };

int monitor_run(const char *text)
{
	monitor_mark_boot();
	return monitor_execute(&table, text, true);
}

void monitor_loop(void)
{
	static struct monitor_line line = { .table = &table };
	unsigned dropped;

	monitor_mark_boot();
	kprintf("\nMonitor. help lists the commands, Tab completes, Ctrl-C stops, quit ends.\n");
	monitor_line_ask_width();
	for (;;) {
		monitor_line_begin(&line, "zonal> ");
		while (!monitor_line_feed(&line, console_wait_char()))
			;
		monitor_execute(&table, line.text, false);
		dropped = console_drop_to_break();
		if (dropped)
			kprintf("%u characters typed before Ctrl-C are dropped\n", dropped);
	}
}
