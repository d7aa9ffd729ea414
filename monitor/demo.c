/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The demonstration, read from top to bottom:
 *
 *	1. the board: nodes, cores, distances, fallback orders
 *	2. workers on every core allocate under each memory policy
 *	3. a node runs out, and the next one in the order of distance serves
 *	4. interrupt handlers on every core allocate
 *	5. memory runs short: swap, compaction, a row of pages, a kill
 *	6. all is given back: as many pages are free as before, and check passes
 *	7. hits, misses and locality by node, counted since step 1
 *
 * It is a test as well: each step compares what happened with what must happen, and the
 * result is the exit status. Output fits 100 columns, and 40 rows on boards of up to three
 * nodes; with more it waits for a key where somebody sits at the terminal. A Ctrl-C ends it
 * between two steps, with everything given back.
 *
 * Context: one task that may sleep. The counters are read before and after, so what ran
 * earlier does not show. No locks.
 */
#include "demo.h"

#include <zonal/linux.h>

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "lib/stop.h"
#include "monitor.h"
#include "platform/platform.h"
#include "report/report.h"
#include "sched/sched.h"

/* How long tasks that ended may take to give their memory back. */
#define SETTLE_STEPS 50u
#define SETTLE_NS 2000000u
#define WIDE_NODES 8u  /* so many distances fit a row */
#define SMALL_NODES 3u /* so many nodes fit a terminal of 40 rows */

typedef unsigned long long ull;

static struct numa_counts counts_before[ZONAL_MAX_NODES];

void demo_hold(struct page **chain, struct page *page, unsigned order)
{
	struct demo_link *link = zonal_page_owner(page);

	ASSERT(order < MAX_ORDER, "order %u", order);
	link->next = *chain;
	link->order = order;
	*chain = page;
}

void demo_release(struct page **chain)
{
	while (*chain) {
		struct page *page = *chain;
		struct demo_link link = *(struct demo_link *)zonal_page_owner(page);

		ASSERT(link.order < MAX_ORDER, "order %lu in a chain", link.order);
		*chain = link.next;
		__free_pages(page, (unsigned)link.order);
	}
}

unsigned demo_first_node(unsigned cpu)
{
	const struct node *node = zonal_image.node[zonal_image.cpu[cpu]->node];

	ASSERT(node, "CPU %u is on no node", cpu);
	return node->fallback.count ? node->fallback.ref[0].node : node->id;
}

/* Free pages when no per-CPU list holds any. */
static uint64_t free_pages_drained(void)
{
	struct zone *zone;
	uint64_t sum = 0;
	unsigned zid;

	ASSERT(!port_irqs_masked(), "other cores are asked, and waited for");
	zonal_drain_all(&zonal_image, NULL);
	mm_for_each_zone(&zonal_image, zid, zone)
		sum += (uint64_t)ld_relaxed(&zone->free);
	return sum;
}

/* Did everything come back? Tasks that have ended may be a moment late with their stacks. */
static unsigned check_returned(uint64_t before)
{
	uint64_t after = free_pages_drained();
	struct zonal_finding finding;
	unsigned step;

	for (step = 0; step < SETTLE_STEPS && after != before; step++) {
		task_sleep_ns(SETTLE_NS);
		after = free_pages_drained();
	}
	kprintf("\n6. Given back: %llu pages are free, %llu were before\n", (ull)after,
		(ull)before);
	/* Minutes on a board of terabytes under an emulator. */
	kprintf("   check walks every page and list ...\n");
	if (!zonal_check_busy(&zonal_image, &finding)) {
		kprintf("   FAILED: check: %s\n", finding.text);
		return 1;
	}
	kprintf("   check: every invariant holds\n");
	if (after == before)
		return 0;
	kprintf("   FAILED: the number of free pages changed\n");
	return 1;
}

static void counts_save(void)
{
	unsigned nid;

	for (nid = 0; nid < ZONAL_MAX_NODES; nid++)
		report_numa_node(&zonal_image, nid, &counts_before[nid]);
}

static uint64_t node_managed(unsigned nid)
{
	uint64_t sum = 0;
	unsigned type;

	ASSERT(nid < ZONAL_MAX_NODES, "node %u", nid);
	for (type = 0; type < ZONE_TYPES; type++) {
		const struct zone *zone = zonal_image.zone[nid * ZONE_TYPES + type];

		if (zone)
			sum += (uint64_t)zone_managed(zone);
	}
	return sum;
}

static void print_locality(void)
{
	unsigned nid;

	kprintf("\n7. Blocks by node since the start\n"
		"   node      MiB        hit       miss    foreign interleave      local "
		"     other  locality\n");
	for (nid = 0; nid < ZONAL_MAX_NODES; nid++) {
		const struct numa_counts *b = &counts_before[nid];
		struct numa_counts n;
		uint64_t local, taken;

		if (!nodemask_has(zonal_image.online, nid))
			continue;
		report_numa_node(&zonal_image, nid, &n);
		local = n.local - b->local;
		taken = local + n.other - b->other;
		kprintf("   %4u %8llu %10llu %10llu %10llu %10llu %10llu %10llu ", nid,
			(ull)(node_managed(nid) >> (20 - PAGE_SHIFT)), (ull)(n.hit - b->hit),
			(ull)(n.miss - b->miss), (ull)(n.foreign - b->foreign),
			(ull)(n.interleave - b->interleave), (ull)local, (ull)(n.other - b->other));
		if (taken)
			kprintf("%7llu %%\n", (ull)(local * 100 / taken));
		else
			kprintf("        -\n");
	}
}

/* The CPUs of a node, runs of them as first-last. */
static void print_cores(unsigned nid)
{
	const char *comma = "";

	for (unsigned cpu = 0; cpu < boot_info.cpu_count; cpu++) {
		unsigned first = cpu;

		if (boot_info.cpu[cpu].nid != (int)nid)
			continue;
		while (cpu + 1 < boot_info.cpu_count && boot_info.cpu[cpu + 1].nid == (int)nid)
			cpu++;
		kprintf(first == cpu ? "%s%u" : "%s%u-%u", comma, first, cpu);
		comma = ",";
	}
	if (!*comma)
		kprintf("none");
}

/* One row a node; `topology` has the rest. */
static void print_board(void)
{
	const bool wide = nodemask_count(zonal_image.online) <= WIDE_NODES;
	uint64_t reserved = 0;

	kprintf("\n1. The board: %u nodes, %u of %u cores online\n",
		nodemask_count(zonal_image.online), cpu_online_count(), boot_info.cpu_count);
	for (unsigned nid = 0; nid < ZONAL_MAX_NODES; nid++) {
		const struct node *node = zonal_image.node[nid];

		if (!nodemask_has(zonal_image.online, nid))
			continue;
		kprintf("   node %-2u %8llu MiB  cores ", nid,
			(ull)(node->present >> (20 - PAGE_SHIFT)));
		print_cores(nid);
		kprintf(wide ? "  distances" : "");
		for (unsigned to = 0; wide && to < ZONAL_MAX_NODES; to++)
			if (nodemask_has(zonal_image.online, to))
				kprintf(" %u", zonal_image.distance[nid][to]);
		kprintf(wide ? "  order" : "");
		for (unsigned i = 0; wide && i < node->order_count; i++)
			kprintf(" %u", node->order[i]);
		kprintf("\n");
	}
	for (unsigned i = 0; i < boot_info.reserved_count; i++)
		reserved += boot_info.reserved[i].size;
	kprintf("   %llu KiB in %u ranges are reserved\n", (ull)(reserved >> 10),
		boot_info.reserved_count);
}

/* A board with many nodes fills more than a terminal: wait, if somebody is there. */
static void pause_for_reader(void)
{
	if (boot_args.run[0] || nodemask_count(zonal_image.online) <= SMALL_NODES ||
	    console_has_input())
		return;
	kprintf("\n   -- a key goes on, Ctrl-C ends --");
	while (!console_has_input())
		task_sleep_ns(SETTLE_NS);
	if (!console_stop_asked())
		(void)console_getc();
	kprintf("\r\033[K");
}

static int demo_stopped(void)
{
	kprintf("\ndemo: stopped\n");
	return 1;
}

int demo_run(void)
{
	uint64_t before;
	unsigned wrong = 0;

	monitor_mark_boot();
	before = free_pages_drained();
	counts_save();
	print_board();
	wrong += demo_policies();
	wrong += demo_exhaust();
	pause_for_reader();
	if (zn_stop_asked())
		return demo_stopped();
	wrong += demo_interrupts();
	if (zn_stop_asked())
		return demo_stopped();
	wrong += demo_pressure();
	wrong += check_returned(before);
	if (zn_stop_asked())
		return demo_stopped();
	print_locality();
	if (wrong)
		kprintf("\ndemo: FAILED, %u things are not as they must be\n", wrong);
	else
		kprintf("\ndemo: passed\n");
	return wrong ? 1 : 0;
}
