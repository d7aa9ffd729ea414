/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The demonstration, read from top to bottom:
 *
 *	1. the board: nodes, cores, distances, fallback orders
 *	2. workers on every core allocate under each memory policy
 *	3. a node runs out, and the next one in the order of distance serves
 *	4. interrupt handlers on every core allocate
 *	5. all is given back: as many pages are free as before, and check passes
 *	6. hits, misses and locality by node, counted since step 1
 *
 * It is a test as well: each step compares what happened with what must happen, and the
 * result is the exit status. Output fits 100 columns.
 *
 * Context: one task that may sleep. The counters are read before and after, so what ran
 * earlier does not show. No locks.
 */
#include "demo.h"

#include <zonal/linux.h>

#include "lib/printf.h"
#include "monitor.h"
#include "platform/platform.h"
#include "report/report.h"
#include "report/report_topology.h"
#include "sched/sched.h"

/* How long tasks that ended may take to give their memory back. */
#define SETTLE_STEPS 50u
#define SETTLE_NS 2000000u

typedef unsigned long long ull;

static struct numa_counts counts_before[ZONAL_MAX_NODES];

void demo_hold(struct page **chain, struct page *page, unsigned order)
{
	struct demo_link *link = zonal_page_owner(page);

	link->next = *chain;
	link->order = order;
	*chain = page;
}

void demo_release(struct page **chain)
{
	while (*chain) {
		struct page *page = *chain;
		struct demo_link link = *(struct demo_link *)zonal_page_owner(page);

		*chain = link.next;
		__free_pages(page, (unsigned)link.order);
	}
}

unsigned demo_first_node(unsigned cpu)
{
	const struct node *node = zonal_image.node[zonal_image.cpu[cpu]->node];

	return node->fallback.count ? node->fallback.ref[0].node : node->id;
}

/* Free pages when no per-CPU list holds any. */
static uint64_t free_pages_drained(void)
{
	struct zone *zone;
	uint64_t sum = 0;
	unsigned zid;

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
	kprintf("\n5. Given back: %llu pages are free, %llu were before\n", (ull)after,
		(ull)before);
	/* Minutes on a board of terabytes under an emulator. */
	kprintf("   check walks every page and list ...\n");
	if (!zonal_check(&zonal_image, &finding)) {
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

	kprintf("\n6. Blocks by node since the start\n"
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

int demo_run(void)
{
	uint64_t before;
	unsigned wrong = 0;

	monitor_mark_boot();
	before = free_pages_drained();
	counts_save();
	kprintf("\n1. The board: %u nodes, %u of %u cores online\n\n",
		nodemask_count(zonal_image.online), cpu_online_count(), boot_info.cpu_count);
	report_topology(&boot_info, false);
	wrong += demo_policies();
	wrong += demo_exhaust();
	wrong += demo_interrupts();
	wrong += check_returned(before);
	print_locality();
	if (wrong)
		kprintf("\ndemo: FAILED, %u things are not as they must be\n", wrong);
	else
		kprintf("\ndemo: passed\n");
	return wrong ? 1 : 0;
}
