/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The demonstration, steps 3 and 4: running out, and interrupts.
 *
 * Running out. Blocks are asked of the node of this core until there are none, without
 * waiting for reclaim. They come from the node itself down to its low watermark, then from
 * the next one in its fallback order, and so on; when every node is at low, each is
 * asked again down to its min watermark. The blocks are kept in a chain in the order of taking,
 * so the places where the node changes can be read off it. What must hold: nodes come up
 * for the first time in the fallback order, and no node with memory is left out. Boards up
 * to 4 GiB are emptied page by page, larger ones in blocks of 4 MiB, where a small
 * node may have none and be passed over.
 *
 * Interrupts. Each core is sent an interrupt whose handler takes pages with GFP_ATOMIC; the
 * handler looks at irq_depth. A call to the own core would run in place, so for that one
 * a task on another core makes the call. On a board of one core it does run in
 * place, masked, and the text says so.
 */
#include "demo.h"

#include <zonal/linux.h>

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "lib/progress.h"
#include "lib/stop.h"
#include "mm/mm.h"
#include "platform/platform.h"
#include "report/report.h"
#include "sched/sched.h"

#define SMALL_BOARD_PAGES (1u << 20)
#define RUNS_SHOWN 24u
#define ATOMIC_PAGES 16u
#define PROGRESS_BLOCKS 1024u

typedef unsigned long long ull;

struct order_chain {
	struct page *first, *last;
};

static struct demo_link *link_of(struct page *page)
{
	return zonal_page_owner(page);
}

static void append(struct order_chain *chain, struct page *page, unsigned order)
{
	ASSERT(order < MAX_ORDER && !chain->first == !chain->last, "order %u", order);
	*link_of(page) = (struct demo_link){ NULL, order };
	if (chain->last)
		link_of(chain->last)->next = page;
	else
		chain->first = page;
	chain->last = page;
}

static unsigned block_order(void)
{
	struct zone *zone;
	uint64_t pages = 0;
	unsigned zid;

	mm_for_each_zone(&zonal_image, zid, zone)
		pages += (uint64_t)zone_managed(zone);
	return pages <= SMALL_BOARD_PAGES ? 0 : MAX_ORDER - 1;
}

/* Print the runs; write down in which order nodes came up. Returns how many did. */
static unsigned print_runs(struct page *page, unsigned from, unsigned order,
			   uint8_t came[ZONAL_MAX_NODES])
{
	unsigned runs = 0, nodes = 0;
	nodemask_t seen = 0;

	ASSERT(from < ZONAL_MAX_NODES && order < MAX_ORDER, "node %u order %u", from, order);
	while (page) {
		unsigned nid = zonal_page_node(page);
		uint64_t blocks = 0;

		for (; page && zonal_page_node(page) == nid; page = link_of(page)->next)
			blocks++;
		if (runs++ < RUNS_SHOWN)
			kprintf("   node %-2u  distance %3u  %9llu blocks, %8llu MiB%s\n", nid,
				zonal_image.distance[from][nid], (ull)blocks,
				(ull)((blocks << order) >> (20 - PAGE_SHIFT)),
				nodemask_has(seen, nid) ? "  (down to its min mark)" : "");
		if (!nodemask_has(seen, nid))
			came[nodes++] = (uint8_t)nid;
		seen |= node_bit(nid);
	}
	if (runs > RUNS_SHOWN)
		kprintf("   and %u more runs\n", runs - RUNS_SHOWN);
	return nodes;
}

/* Is what came up the fallback order, all of it or (large blocks) with some left out? */
static unsigned judge_order(unsigned from, unsigned order, const uint8_t *came, unsigned count)
{
	const struct node *node = zonal_image.node[from];
	unsigned i, at = 0, with_memory = nodemask_count(zonal_image.has_memory);

	for (i = 0; i < node->order_count && at < count; i++) {
		if (node->order[i] == came[at])
			at++;
	}
	if (at < count) {
		kprintf("   FAILED: node %u came up out of its place in the fallback order\n",
			came[at]);
		return 1;
	}
	if (count == 0 || (order == 0 && count != with_memory)) {
		kprintf("   FAILED: %u of %u nodes with memory served\n", count, with_memory);
		return 1;
	}
	return 0;
}

unsigned demo_exhaust(void)
{
	unsigned from = zonal_image.cpu[task_cpu()]->node, order = block_order(), nodes, wrong;
	struct order_chain chain = { NULL, NULL };
	uint8_t came[ZONAL_MAX_NODES];
	struct page *page;
	uint64_t taken = 0;

	kprintf("\n3. Node %u is asked for blocks of %lu KiB until no node has any left ...\n",
		from, (PAGE_SIZE >> 10) << order);
	while (!zn_stop_asked() &&
	       (page = alloc_pages_node((int)from, GFP_NOWAIT | __GFP_NOWARN, order))) {
		append(&chain, page, order);
		if (taken++ % PROGRESS_BLOCKS == 0)
			zn_progress("blocks taken", taken, 0);
	}
	nodes = print_runs(chain.first, from, order, came);
	wrong = zn_stop_asked() ? 0 : judge_order(from, order, came, nodes);
	demo_release(&chain.first);
	return wrong;
}

struct irq_take {
	struct page *chain;
	unsigned got, in_irq;
};

/* Interrupt context on each core in turn; the caller waits, so one core at a time is here. */
static void take_in_interrupt(void *arg)
{
	struct irq_take *take = arg;
	unsigned i;

	ASSERT(port_irqs_masked(), "a handler with interrupts open");
	take->in_irq += port_this_cpu()->irq_depth > 0;
	for (i = 0; i < ATOMIC_PAGES; i++) {
		struct page *page = alloc_page(GFP_ATOMIC);

		if (!page)
			return;
		demo_hold(&take->chain, page, 0);
		take->got++;
	}
}

struct irq_call {
	struct irq_take *take;
	unsigned cpu;
};

static int call_from_there(void *arg)
{
	const struct irq_call *call = arg;

	return port_call_cpu(call->cpu, take_in_interrupt, call->take) ? 0 : 1;
}

/* An online core other than `cpu`, or `cpu` itself. */
static unsigned other_core(unsigned cpu)
{
	unsigned other;

	for (other = 0; other < boot_info.cpu_count; other++) {
		if (other != cpu && cpu_is_online(other))
			return other;
	}
	return cpu;
}

/* Interrupt `cpu` from another core where there is one. */
static bool interrupt_core(unsigned cpu, struct irq_take *take)
{
	struct cpumask from = cpumask_of(other_core(cpu));
	struct irq_call call = { take, cpu };
	const struct task_spec spec = { .name = "demo", .fn = call_from_there, .arg = &call,
					.cpus = &from, .priority = SCHED_PRIORITY_DEFAULT };
	struct task *task = task_create(&spec);

	return task && task_join(task) == 0;
}

unsigned demo_interrupts(void)
{
	struct irq_take take = { NULL, 0, 0 };
	unsigned cpu, cores = 0;

	for (cpu = 0; cpu < boot_info.cpu_count; cpu++) {
		if (cpu_is_online(cpu) && interrupt_core(cpu, &take))
			cores++;
	}
	demo_release(&take.chain);
	kprintf("\n4. Interrupt handlers on %u cores took %u pages with GFP_ATOMIC%s\n", cores,
		take.got, cores == 1 ? " (one core: called in place, masked)" : "");
	if (cores == cpu_online_count() && take.in_irq == cores && take.got == cores * ATOMIC_PAGES)
		return 0;
	kprintf("   FAILED: %u cores online, %u handlers in interrupt context, "
		"%u pages each asked for\n",
		cpu_online_count(), take.in_irq, ATOMIC_PAGES);
	return 1;
}
