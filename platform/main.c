/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot, in order. platform_main() is the table of contents; each call leaves
 * something that the later ones need:
 *
 *	open_tree           the device tree is checked, drivers may search it
 *	psci_start          the board can be turned off
 *	read arguments      tunables; exit=semihosting
 *	find_console        text reaches the UART, what was kept first
 *	read_board          boot_info: RAM, nodes, distances, CPUs, reserved ranges
 *	reserve_cma         the area of cma= is set apart
 *	tree_home_take      the tree has a place beside what boot takes
 *	map_memory          RAM is in the linear map, page tables come from RAM
 *	seeds_wipe          no secret of the loader is left in the tree
 *	tree_home_move      the tree is there, and the RAM that it was in is free
 *	smp_begin           the boot CPU has its number
 *	start_allocator     zonal_image serves this CPU
 *	start_interrupts    GIC, timer
 *	start_scheduler     we are task "main", interrupts are on, all flags are served; what we
 *	                    take from here on is spread over the nodes
 *	console_start_input keys arrive
 *	disks_start         the disks of the board are known
 *	smp_start           all CPUs that come are scheduling
 *	boot_policy_end     what is taken from here on is local; tasks are started
 *	work                run=, or the demonstration and the monitor; pages that boot left come
 *
 * The tree is input from outside: until open_tree() has passed it nothing of it is
 * used, and there is no console to complain on. What is printed meanwhile is kept
 * (console.c).
 *
 * A board that cannot be used ends in boot_fail(), one line with the reason and exit
 * status 2. Parts that can be missing (PSCI, a UART, other CPUs) are reported and boot goes on.
 */
#include <string.h>

#include <zonal/boot_policy.h>
#include <zonal/linux.h>
#include <zonal/policy_text.h>
#include <zonal/port.h>

#include "arm64_cpu.h"
#include "arm64_exception.h"
#include "arm64_memory.h"
#include "arm64_secure.h"
#include "console.h"
#include "monitor/demo.h"
#include "board/device.h"
#include "board/handover.h"
#include "disks.h"
#include "drivers/power/psci.h"
#include "board/early.h"
#include "board/fdt_walk.h"
#include "lib/assert.h"
#include "lib/log.h"
#include "lib/kprintf.h"
#include "lib/progress.h"
#include "mm/mm.h"
#include "monitor/monitor.h"
#include "monitor/swap_command.h"
#include "platform.h"
#include "report/report.h"
#include "report/report_topology.h"
#include "sched/sched.h"
#include "sched/sched_port.h"
#include "board/seeds.h"
#include "smp.h"
#include "board/topology.h"
#include "user/user.h"

extern char _start[], _end[];

#define PROGRESS_NS 1000000000u

struct boot_info boot_info;
struct board_facts board_facts;
struct bootargs boot_args;

/* Entries of boot_info.range that are mapped: page tables may come from them. */
static unsigned mapped_ranges;

/* Randomness of the loader, or 0. */
static uint64_t loader_seed;

/* Boot arguments that were not accepted, and whether a run= is among them. */
static unsigned arguments_refused;
static bool run_refused;

static void ZN_NORETURN ZN_PRINTF(1, 2) boot_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	kprintf("Bail out! boot: ");
	kvprintf(fmt, args);
	kprintf("\n");
	va_end(args);
	platform_exit(2);
}

void platform_panic_report(void)
{
	(void)zn_log_kept(NULL);
	report_panic(&zonal_image);
}

const char *platform_arg(const char *name) { return bootargs_find(&boot_args, name); }

static const void *open_tree(uint64_t dt_phys)
{
	const void *dt = phys_to_virt(dt_phys);
	struct fdt_walk_error err;

	if (!dt_phys)
		boot_fail("no device tree in x0 or at the start of RAM");
	if (fdt_walk_check(dt, fdt_walk_load((const char *)dt + 4, 4), NULL, &err))
		boot_fail("device tree at 0x%llx: %s (offset %u, value 0x%llx, %s)",
			  (unsigned long long)dt_phys, err.rule, err.offset,
			  (unsigned long long)err.value, err.path[0] ? err.path : "header");
	device_tree_set(dt);
	return dt;
}

static void report_argument(const char *word, const char *rule)
{
	kprintf("boot: argument \"%s\" is ignored: %s\n", word, rule);
	run_refused |= strncmp(word, "run=", 4) == 0;
}

/* A board without a UART runs unseen; one whose UART is not where the tree says is wrong. */
static void find_console(void)
{
	enum console_found found = console_start();

	if (found == CONSOLE_DEAD)
		boot_fail("the console does not answer");
	if (found == CONSOLE_NONE)
		kprintf("console: none; the text stays in memory\n");
}

/* What the loader left in RAM beside what the tree names itself. */
static void loaded_ranges(const void *dt, struct boot_range taken[2])
{
	taken[0] = (struct boot_range){ .start = virt_to_phys(_start),
					.size = (uint64_t)(_end - _start) };
	taken[1] = (struct boot_range){ .start = virt_to_phys(dt),
					.size = fdt_walk_load((const char *)dt + 4, 4),
					.flags = BOOT_TREE };
}

static void read_board(const void *dt)
{
	static struct topology_notes notes; /* too large for the stack */
	struct boot_range taken[2];
	struct topology_error err;
	struct topology_request request = {
		.dt = dt,
		.limit_bytes = fdt_walk_load((const char *)dt + 4, 4),
		.taken = taken,
		.taken_count = ARRAY_SIZE(taken),
		.args = &boot_args,
		.notes = &notes,
		.firmware = &boot_handover,
	};
	int failed;

	loaded_ranges(dt, taken);
	failed = topology_read(&request, &boot_info, &board_facts, &err);
	for (unsigned i = 0; i < notes.count; i++)
		kprintf("topology: %s: %s: %s\n", notes.note[i].path, notes.note[i].value,
			notes.note[i].rule);
	if (notes.dropped)
		kprintf("topology: %u further notes\n", notes.dropped);
	if (failed)
		boot_fail("%s: %s: %s", err.path, err.value, err.rule);
	if (!boot_info.range_count)
		boot_fail("the device tree names no usable memory");
	if (board_facts.numa != NUMA_OK)
		kprintf("topology: one node: %s\n", topology_numa_text(board_facts.numa));
	/* Reports then say which cores run, not which ones the tree allows. */
	report_topology_online = cpu_is_online;
}

/* cma=: an area that cannot be had is no reason not to boot. */
static void reserve_cma(void)
{
	uint64_t phys;

	if (boot_args.options.cma_bytes &&
	    !early_take_cma(&boot_info, boot_args.options.cma_bytes, boot_args.options.movable_node,
			    &phys))
		kprintf("boot: cma=%lluM is ignored: no free piece of that size that DMA reaches "
			"and that leaves its node a sixteenth\n",
			(unsigned long long)boot_args.options.cma_bytes >> 20);
}

static uint64_t table_from_boot(void)
{
	uint64_t phys;

	if (!mapped_ranges || !early_take(&boot_info, (unsigned)boot_info.range[0].nid, PAGE_SIZE,
					  PAGE_SIZE, mapped_ranges, &phys))
		return 0;
	return phys;
}

/* A tree may name RAM that is not there. Its ends and its middle are tried: firmware may have
 * closed some part of a range that is. */
static bool ram_answers(const struct boot_range *range)
{
	uint64_t middle = align_down(range->start + range->size / 2, sizeof(uint32_t));
	uint64_t end = range->start + range->size - sizeof(uint32_t);
	struct arm64_fault fault;

	return arm64_probe_read((uintptr_t)phys_to_virt(range->start), &fault) ||
	       arm64_probe_read((uintptr_t)phys_to_virt(middle), &fault) ||
	       arm64_probe_read((uintptr_t)phys_to_virt(end), &fault);
}

/* Why a range of RAM cannot be used; NULL if it can, and then it is mapped. */
static const char *ram_fault(const struct boot_range *range)
{
	if (!arm64_map_ram(range->start, range->size))
		return "it cannot be mapped";
	return ram_answers(range) ? NULL : "nothing answers there";
}

/* Map all RAM but what the tree keeps off the map. What the CPU cannot address is no RAM
 * for us. */
static void map_memory(void)
{
	bool any = false;

	ASSERT(!mapped_ranges && boot_info.range_count <= ZONAL_MAX_RANGES, "%u ranges, %u mapped",
	       boot_info.range_count, mapped_ranges);
	arm64_table_source(table_from_boot);
	while (mapped_ranges < boot_info.range_count) {
		struct boot_range *range = &boot_info.range[mapped_ranges];
		const char *fault = boot_range_usable(range) ? ram_fault(range) : NULL;

		if (!fault) {
			any |= boot_range_usable(range);
			mapped_ranges++;
			continue;
		}
		kprintf("boot: RAM at 0x%llx, %llu KiB: %s; it is not used\n",
			(unsigned long long)range->start, (unsigned long long)range->size >> 10,
			fault);
		boot_info.range_count--;
		for (unsigned i = mapped_ranges; i < boot_info.range_count; i++)
			boot_info.range[i] = boot_info.range[i + 1];
	}
	if (!any)
		boot_fail("no RAM can be mapped");
}

static void *take_metadata(void *unused, unsigned nid, size_t bytes, size_t align)
{
	uint64_t phys;

	(void)unused;
	ASSERT(bytes && align && !(align & (align - 1)), "%zu bytes aligned to %zu", bytes, align);
	if (!early_take(&boot_info, nid, bytes, align, boot_info.range_count, &phys))
		return NULL;
	return phys_to_virt(phys);
}

static void clear_pages(void *unused, pfn_t pfn, size_t count)
{
	(void)unused;
	DASSERT(count && count <= 1u << (MAX_ORDER - 1), "%zu pages", count);
	arm64_clear_pages(phys_to_virt(pfn << PAGE_SHIFT), count);
}

/* Only now it is known how much the board has. A value below the computed one changes nothing. */
static void set_min_free(void)
{
	uint64_t kbytes = boot_args.options.min_free_kbytes;
	char word[40];

	if (kbytes <= zonal_image.min_free_kbytes ||
	    zonal_set_min_free_kbytes(&zonal_image, kbytes) == 0)
		return;
	zn_snprintf(word, sizeof(word), "min_free_kbytes=%llu", (unsigned long long)kbytes);
	report_argument(word, "more than this board has");
}

/* Shares that come to nothing, such as more than the board has, say so. */
static void note_movable(void)
{
	const struct zonal_options *o = &boot_args.options;

	if (!o->kernelcore_bytes && !o->movablecore_bytes && !o->kernelcore_percent &&
	    !o->movablecore_percent && !o->movable_node)
		return;
	for (nodemask_t m = boot_info.nodes; m; m &= m - 1)
		if (zonal_image.node[nodemask_first(m)]->zone[ZONE_MOVABLE].present)
			return;
	kprintf("boot: %s leaves nothing for ZONE_MOVABLE\n",
		o->movable_node ? "movable_node" : "kernelcore= or movablecore=");
}

/* policy=: what we are from here on, and whoever we start. */
static void set_policy(void)
{
	struct zonal_task *task = task_memory(task_current());
	struct zonal_policy_words words;
	char word[64];

	if (!boot_args.policy)
		return;
	if (zonal_policy_parse(&zonal_image, boot_args.policy, &words) == 0 &&
	    zonal_set_policy(&zonal_image, task, words.mode, words.flags, words.nodes) == 0)
		return;
	zn_snprintf(word, sizeof(word), "policy=%s", boot_args.policy);
	report_argument(word, "MODE[=static|=relative][:NODES], with nodes that have memory");
	arguments_refused++;
}

/* Work that has gone on for a second is shown, each second. Whole lines, since whoever reads
 * a log looks for whole lines. */
static void show_progress(const char *what, uint64_t done, uint64_t total)
{
	static const char *work_shown;
	static uint64_t last_ns;
	uint64_t now = port_time_ns();

	if (what != work_shown) {
		work_shown = what;
		last_ns = now;
	}
	if (now - last_ns < PROGRESS_NS)
		return;
	last_ns = now;
	if (total)
		kprintf("   %s: %llu %%\n", what, (unsigned long long)(done * 100 / total));
	else
		kprintf("   %s: %llu\n", what, (unsigned long long)done);
}

/* A run with seed= repeats; else nobody should know the order in advance. */
static uint64_t shuffle_seed(void)
{
	uint64_t seed = boot_args.seed ? boot_args.seed : loader_seed ^ port_time_ns();

	if (!boot_args.shuffle)
		return 0;
	return seed ? seed : 1;
}

static void start_allocator(void)
{
	struct zonal_config config = {
		.info = &boot_info,
		.options = boot_args.options,
		.clear = clear_pages,
		.contents = &page_contents,
		.page_owner = boot_args.page_owner,
		.deferred = page_init_wanted(),
	};
	int error;

	zn_progress_hook = show_progress;
	config.options.shuffle_seed = shuffle_seed();
	config.options.min_free_kbytes = 0; /* set_min_free() */
	error = zonal_build(&zonal_image, &config, take_metadata);
	if (error)
		boot_fail("the allocator cannot be set up (%d)", error);
	set_min_free();
	note_movable();
	arm64_table_source(arm64_table_from_allocator);
	zonal_cpu_online(&zonal_image, cpu_boot_index());
}

static void start_interrupts(void)
{
	irq_on_ipi(IPI_CALL, arm64_ipi_call);
	irq_on_ipi(IPI_STOP, smp_stop_self);
	if (!irq_start())
		boot_fail("no usable interrupt controller");
	if (!timer_start(sched_timer_tick))
		boot_fail("no usable timer");
}

/* Q14: what we take at start is spread over the nodes. */
static void boot_policy_begin(void)
{
	if (zonal_boot_policy(&zonal_image, task_memory(task_current())))
		kprintf("boot: the policy of boot is refused\n");
}

/* Before the first tasks, which would inherit it; those of sched_init() are older. */
static void boot_policy_end(void)
{
	if (zonal_set_policy(&zonal_image, task_memory(task_current()), MPOL_DEFAULT, 0, 0))
		kprintf("boot: the default policy is refused\n");
}

static void start_scheduler(void)
{
	ASSERT(port_irqs_masked() && port_this_cpu()->id == cpu_boot_index(), "on CPU %u",
	       port_this_cpu()->id);
	sched_init();
	boot_policy_begin();
	user_begin(boot_args.user_tasks);
	sched_port_unmask();
	zonal_boot_done(&zonal_image);
}

static void print_board(void)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < boot_info.range_count; i++)
		bytes += boot_range_usable(&boot_info.range[i]) ? boot_info.range[i].size : 0;
	kprintf("zonal: %u of %u CPUs, %u nodes, %llu MiB, %s, ", cpu_online_count(),
		boot_info.cpu_count, nodemask_count(boot_info.nodes),
		(unsigned long long)(bytes >> 20), irq_controller_name());
	if (arm64_owns_secure())
		kprintf("entered at EL3, console %s\n", console_name());
	else
		kprintf("PSCI %u.%u by %s, console %s\n", psci_version() >> 16,
			psci_version() & 0xffff, psci_method(), console_name());
}

/*
 * Nobody sits at the terminal of a run, so an argument that was refused must show in the
 * status: the run was not the one that was asked for.
 */
static void ZN_NORETURN run(void)
{
	int failed = boot_args.run[0] ? monitor_run(boot_args.run) : 0;

	if (run_refused)
		kprintf("boot: run= was refused: status 1\n");
	else if (arguments_refused)
		kprintf("boot: arguments that were refused: %u: status 1\n", arguments_refused);
	platform_exit(failed || arguments_refused ? 1 : 0);
}

static void ZN_NORETURN work(void)
{
	ASSERT(!port_irqs_masked(), "work begins masked");
	if (boot_args.run[0] || run_refused) {
		monitor_mark_boot(); /* the first command could run now */
		page_init_start();
		run();
	}
	if (demo_run() != 0)
		kprintf("demo: failed\n");
	page_init_start();
	monitor_loop();
}

void platform_main(uint64_t dt_phys)
{
	const void *dt = open_tree(dt_phys);

	ASSERT(port_irqs_masked(), "interrupts are open at boot");
	(void)timer_clock_start();
	(void)psci_start();
	arguments_refused = platform_read_arguments(&boot_args, report_argument);
	find_console();
	platform_print_version();
	read_board(dt);
	reserve_cma();
	tree_home_take(&boot_info);
	map_memory();
	loader_seed = seeds_wipe();
	tree_home_move(&boot_info);
	smp_begin();
	start_allocator();
	start_interrupts();
	start_scheduler();
	console_start_input();
	disks_start();
	smp_start(boot_args.maxcpus);
	boot_policy_end();
	kswapds_start();
	vmstat_start();
	disks_start_task();
	user_oom_begin();
	print_board();
	if (boot_args.swap)
		arguments_refused += swap_add_list(boot_args.swap);
	set_policy();
	work();
}
