/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pairs of order 0 that are asked for in other ways than the plainest, and a page that is stolen.
 *
 *	pair-irq          in an interrupt handler
 *	pair-local, -preferred, -bind, -interleave
 *	                  by a task with that policy: PREFERRED and BIND name the last node with
 *	                  memory, not CPU 0's, INTERLEAVE all that have some
 *	pair-node         from that node by name
 *	steal-ZONE        one page of unmovable memory, when all that is left of the CPU's zone
 *	                  is four single pages in each movable pageblock, or as many as `count`
 *	                  says, far from each other: the list is refilled, every fourth page by
 *	                  a theft from another block. ZONE is the zone's size in MiB.
 *
 * For the theft all of the zone is taken, without regard to watermarks, and given back at the end.
 * Its request wakes nobody and need not leave a reserve, so that nothing but the one call is timed.
 */
#include <zonal/linux.h>
#include <zonal/names.h>
#include <zonal/port.h>

#include "bench.h"
#include "lib/kprintf.h"
#include "mm/mm.h"

/* Which of the pages of a movable pageblock that have the same number modulo the distance. */
#define LEFT_PAGE 100u
#define GFP_ALL                                                                                    \
	(__GFP_HIGHMEM | __GFP_MOVABLE | __GFP_THISNODE | __GFP_NOWARN | __GFP_MEMALLOC)

static unsigned last_node(void)
{
	return 63 - (unsigned)__builtin_clzll(zonal_image.has_memory);
}

static bool pair_loop(const struct bench_case *c, unsigned count, unsigned order)
{
	gfp_t gfp = c->gfp;

	while (count--) {
		struct page *page = alloc_pages(gfp, order);

		if (unlikely(!page))
			return false;
		__free_pages(page, order);
	}
	return true;
}

/* ---- in an interrupt ---- */

struct call {
	const struct bench_case *c;
	unsigned count, order;
	bool good;
};

static void in_handler(void *arg)
{
	struct call *call = arg;

	call->good = pair_loop(call->c, call->count, call->order);
}

/* Begins and ends once for all of the pairs. */
static bool irq_loop(const struct bench_case *c, unsigned count, unsigned order)
{
	struct call call = { c, count, order, false };
	port_irqflags_t irq = port_irq_save();
	unsigned here = port_this_cpu()->id;

	port_irq_restore(irq);
	return port_call_cpu(here, in_handler, &call) && call.good;
}

bool bench_pair_irq(const struct bench *bench, const struct bench_case *c, unsigned order)
{
	return bench_pairs(bench, c, order, irq_loop);
}

/* ---- by a policy, or a node's name ---- */

bool bench_pair_policy(const struct bench *bench, const struct bench_case *c, unsigned order)
{
	struct zonal_task *task = port_this_cpu()->task;
	unsigned mode = zonal_policy_find(c->name + sizeof("pair"));
	zonal_nodemask_t nodes = 0;
	struct mempolicy before;
	bool good;

	if (mode == MPOL_INTERLEAVE)
		nodes = zonal_image.has_memory;
	else if (mode != MPOL_LOCAL)
		nodes = node_bit(last_node());
	zonal_task_policy(task, &before);
	if (zonal_set_policy(&zonal_image, task, mode, 0, nodes))
		return bench_failed(c, order, "the policy is refused");
	good = bench_pairs(bench, c, order, pair_loop);
	return !zonal_set_policy(&zonal_image, task, ld_relaxed(&before.mode),
				 ld_relaxed(&before.flags), ld_relaxed(&before.user)) &&
	       good;
}

static bool node_loop(const struct bench_case *c, unsigned count, unsigned order)
{
	int nid = (int)last_node();

	while (count--) {
		struct page *page = alloc_pages_node(nid, c->gfp, order);

		if (unlikely(!page))
			return false;
		__free_pages(page, order);
	}
	return true;
}

bool bench_pair_node(const struct bench *bench, const struct bench_case *c, unsigned order)
{
	return bench_pairs(bench, c, order, node_loop);
}

/* ---- a theft ---- */

static struct page **link_of(struct page *page)
{
	return (struct page **)zonal_page_owner(page);
}

static struct page *take_all(void)
{
	struct page *chain = NULL;

	for (struct page *page; (page = alloc_page(GFP_ALL)); chain = page)
		*link_of(page) = chain;
	return chain;
}

/* `count` pages of each movable pageblock of the zone; what is left of the chain. */
static struct page *give_chosen(struct page *chain, unsigned zid, unsigned count)
{
	unsigned distance = (1u << PAGEBLOCK_ORDER) / count;
	struct page **link = &chain;

	while (*link) {
		struct page *page = *link;

		if (page->pfn % distance == LEFT_PAGE % distance &&
		    page_zid(page) == zid && page_block_type(page) == MIGRATE_MOVABLE) {
			*link = *link_of(page);
			__free_page(page);
		} else {
			link = link_of(page);
		}
	}
	zonal_drain_all(&zonal_image, NULL);
	return chain;
}

static void give_all(struct page *chain)
{
	while (chain) {
		struct page *page = chain;

		chain = *link_of(page);
		__free_page(page);
	}
	zonal_drain_all(&zonal_image, NULL);
}

bool bench_steal(const struct bench *bench, const struct bench_case *c, unsigned order)
{
	struct page *mine = alloc_page(c->gfp), *chain, *stolen;
	unsigned zid = mine ? page_zid(mine) : 0;
	uint64_t steals, ns;
	char zone[24];

	/* What came into the list with the page must not be found there later. */
	zonal_drain_all(&zonal_image, NULL);
	chain = give_chosen(take_all(), zid, c->count);
	steals = ld_relaxed(&zonal_image.cpu[0]->fallback_steals);
	ns = port_time_ns();
	stolen = alloc_page(c->gfp);
	ns = port_time_ns() - ns;
	steals = ld_relaxed(&zonal_image.cpu[0]->fallback_steals) - steals;
	if (stolen)
		__free_page(stolen);
	give_all(chain);
	if (mine)
		__free_page(mine);
	if (!mine || !stolen || page_zid(stolen) != zid ||
	    steals < zonal_image.zone[zid]->pcp_batch / c->count)
		return bench_failed(c, order, "nothing was stolen");
	zn_snprintf(zone, sizeof(zone), "-%llu",
		    (unsigned long long)zonal_image.zone[zid]->present >> (20 - PAGE_SHIFT));
	bench_result(bench, c->name, zone, order, 1, ns);
	return true;
}
