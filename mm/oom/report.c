/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is printed before a task is ended: who asked, the state of every zone, who was looked at.
 *
 *	zonal: out of memory: gfp 0x100cca order 0 node 0; constraint none, 122900 pages count
 *	zonal: node 0 DMA: free 695, min 700 low 875 high 1050 ...; blocks by order 37 20 ...
 *	zonal: task 70 (grow): 94394 points: 94388 pages, 0 in swap, 6 of page tables, adj 0
 *
 * At most ten reports in five seconds, as in 5.10; what was done is one line in any case. Of the
 * candidates the 64 with most points are listed, and how many there are besides. Numbers are
 * read as they are, and may not add up.
 *
 * Each line is a call of its own, with interrupts open in between, so that a long list masks
 * nothing for long. Nothing is allocated. The rows belong to whoever is in (oom.c).
 */
#include <zonal/names.h>

#include "lib/assert.h"
#include "lib/printf.h"
#include "mm/group.h"
#include "mm/reclaim/lists.h"
#include "oom.h"

#define REPORTS 10u
#define REPORTS_NS 5000000000ull
#define BLOCKS_TEXT (11 * MAX_ORDER + 1) /* a blank and ten digits each */

typedef unsigned long long ull;

static bool may_print(struct oom *oom)
{
	uint64_t now = port_time_ns();

	if (!oom->report_ns || now - oom->report_ns > REPORTS_NS) {
		oom->report_ns = now | 1;
		oom->reports = 0;
	}
	return oom->reports++ < REPORTS;
}

/* Blocks of each order, all types together. */
static void blocks_text(struct zone *zone, char text[BLOCKS_TEXT])
{
	unsigned count[MAX_ORDER] = { 0 };
	port_irqflags_t irq = port_irq_save();
	size_t at = 0;

	lock_take(&zone->lock);
	for (unsigned type = 0; type < MIGRATE_TYPES; type++)
		for (unsigned order = 0; order < MAX_ORDER; order++)
			count[order] += zone->list[type][order].count;
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	for (unsigned order = 0; order < MAX_ORDER; order++)
		at += (size_t)zn_snprintf(text + at, BLOCKS_TEXT - at, " %u", count[order]);
}

static void print_zone(struct zone *zone)
{
	struct node *node = zone->mm->node[zone->node];
	struct lru *lru = &node->reclaim.lru;
	char blocks[BLOCKS_TEXT];
	ull pages[LRU_LISTS];

	for (unsigned list = 0; list < LRU_LISTS; list++)
		pages[list] = (ull)lru_zone_size(node, list, zone->type);
	blocks_text(zone, blocks);
	port_log("zonal: node %u %s: free %lld, min %lld low %lld high %lld, boost %lld, managed "
		 "%lld, cma free %lld, highatomic %lld; anon %llu+%llu cache %llu+%llu, node dirty "
		 "%lld writing %lld; blocks by order%s",
		 zone->node, zonal_zone_name(zone->type), (long long)ld_relaxed(&zone->free),
		 (long long)ld_relaxed(&zone->mark[WMARK_MIN]),
		 (long long)ld_relaxed(&zone->mark[WMARK_LOW]),
		 (long long)ld_relaxed(&zone->mark[WMARK_HIGH]),
		 (long long)ld_relaxed(&zone->boost), (long long)zone_managed(zone),
		 (long long)ld_relaxed(&zone->free_cma),
		 (long long)ld_relaxed(&zone->highatomic), pages[LRU_ACTIVE_ANON],
		 pages[LRU_INACTIVE_ANON], pages[LRU_ACTIVE_CACHE], pages[LRU_INACTIVE_CACHE],
		 (long long)ld_relaxed(&lru->dirty), (long long)ld_relaxed(&lru->writing), blocks);
}

static void print_rows(const struct oom *oom)
{
	for (unsigned i = 0; i < oom->rows; i++) {
		const struct zonal_oom_candidate *who = &oom->row[i].who;

		port_log("zonal: task %llu (%s): %lld points: %llu pages, %llu in swap, %llu of "
			 "page tables, adj %d",
			 (ull)who->id, who->name, (long long)oom->row[i].points, (ull)who->pages,
			 (ull)who->swap, (ull)who->tables, who->adj);
	}
	if (oom->more)
		port_log("zonal: and %llu tasks with fewer points", (ull)oom->more);
}

static void print_group(const struct zonal_group *group)
{
	struct zonal_group *g = (struct zonal_group *)(uintptr_t)group;

	port_log("zonal: group %u: %llu pages are charged, the limit is %llu; %llu were reclaimed "
		 "for it", g->id, (ull)ld_relaxed(&g->usage), (ull)ld_relaxed(&g->limit),
		 (ull)ld_relaxed(&g->reclaimed));
}

void oom_report(const struct oom_call *call)
{
	static const char *const constraint[OOM_CONSTRAINTS] = { "none", "policy", "cpuset",
							     "group" };
	struct zonal *mm = call->mm;
	struct zone *zone;
	unsigned zid;

	ASSERT(ld_relaxed(&mm->oom.busy), "a report outside of it");
	if (!may_print(&mm->oom))
		return;
	port_log("zonal: out of memory: gfp 0x%x order %u node %d; constraint %s, %llu pages count",
		 call->pass->gfp, call->req->order, call->req->nid, constraint[call->constraint],
		 (ull)call->total);
	if (call->group)
		print_group(call->group);
	mm_for_each_zone(mm, zid, zone)
		print_zone(zone);
	print_rows(&mm->oom);
}
