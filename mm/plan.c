/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much memory an instance of a board needs for itself, and where it wants it.
 *
 * From the description alone, before anything is built: the sizes depend on ranges, nodes,
 * CPUs and options, never on what is reserved. So a caller plans, places the pieces, in
 * the described RAM as well, writes them into info->reserved, and builds.
 *
 *	first node with memory   tables of sections, page_owner's depot, deferred.c's board
 *	each online node         its structure, and a byte for each page of its maps
 *	the node of a section    its page map and page_owner's records
 *	a CPU's node             the CPU's structure, per-CPU lists of every zone
 *
 * Each line is counted here as it is taken by init.c, pagemap.c, side_map.c and
 * page_owner.c; meta_close() panics if the two ever differ by a byte.
 *
 * Boot only, no locks. Changes nothing of its input.
 */
#include "init.h"

#include "deferred.h"
#include "lib/assert.h"
#include "meta.h"
#include "page_owner.h"
#include "pcp.h"
#include "watermark.h"

_Static_assert(ZONAL_STORAGE_ALIGN == PAGE_MAP_ALIGN, "a piece begins with a page map");

static void want(struct zonal_plan *plan, unsigned nid, size_t bytes)
{
	ASSERT(nid < ZONAL_MAX_NODES, "node %u", nid);
	if (!plan->bytes[nid])
		plan->bytes[nid] = META_GAP;
	plan->bytes[nid] += meta_round(bytes);
}

static void plan_nodes(struct zonal_plan *plan, const struct boot_info *info)
{
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
		if (nodemask_has(info->nodes, n))
			want(plan, n, sizeof(struct node));
}

/* Slots of one ring for a zone: for the pages present, the most it can ever manage. */
uint32_t cpu_ring_slots(uint64_t present, unsigned fraction)
{
	struct pcp_size size = pcp_size_of(present, fraction);

	return pcp_ring_slots(size.batch, size.high);
}

size_t cpu_ring_bytes(uint64_t present, unsigned fraction)
{
	return PCP_RINGS * (size_t)cpu_ring_slots(present, fraction) * sizeof(struct page *);
}

unsigned cpu_count_of(const struct zonal_config *config)
{
	unsigned count = config->cpu_count ? config->cpu_count : config->info->cpu_count;

	return ZN_MAX(count, 1u);
}

/* A CPU that the board does not place is on the first node. */
unsigned cpu_node_of(const struct boot_info *info, unsigned cpu)
{
	int nid = cpu < info->cpu_count ? info->cpu[cpu].nid : NODE_NONE;

	ASSERT(info->nodes, "CPU %u of a board without nodes", cpu);
	return nid == NODE_NONE ? nodemask_first(info->nodes) : (unsigned)nid;
}

/* What the walk over the sections carries. */
struct plan_walk {
	struct zonal_plan *plan;
	bool page_owner;
	uint64_t pages[ZONE_HEADS ? ZONAL_MAX_NODES : 1]; /* of the maps */
};

static void plan_section(void *ctx, pfn_t s, struct section_bounds bounds, unsigned nid)
{
	struct plan_walk *walk = ctx;
	size_t pages = bounds.end - bounds.first;

	ASSERT(bounds.first < bounds.end, "section %llu: pages 0x%x to 0x%x",
	       (unsigned long long)s, bounds.first, bounds.end);
	want(walk->plan, nid, pages * sizeof(struct page));
	if (ZONE_HEADS)
		walk->pages[nid] += pages;
	if (ZONAL_AIDS && walk->page_owner)
		want(walk->plan, nid, pages * sizeof(struct owner_record));
}

static void plan_maps(struct zonal_plan *plan, const struct zonal_config *config)
{
	const struct boot_info *info = config->info;
	struct plan_walk walk = { plan, config->page_owner, { 0 } };
	size_t sections = pagemap_sections(info);
	unsigned nid = (unsigned)info->range[0].nid;

	want(plan, nid, sections * sizeof(uintptr_t));
	want(plan, nid, sections * sizeof(struct section_bounds));
	want(plan, nid, sections * sizeof(uint32_t));
	if (ZONAL_DEFERRED && deferred_wanted(config))
		want(plan, nid, sizeof(struct deferred));
	pagemap_each_section(info, plan_section, &walk);
	for (unsigned n = 0; ZONE_HEADS && n < ZONAL_MAX_NODES; n++) {
		if (!walk.pages[n])
			continue;
		want(plan, n, (walk.pages[n] >> PAGEBLOCK_ORDER) * sizeof(uint32_t));
		want(plan, n, walk.pages[n]);
	}
	if (!ZONAL_AIDS || !config->page_owner)
		return;
	want(plan, nid, sizeof(struct page_owner));
	want(plan, nid, stack_depot_bytes(ZONAL_OWNER_STACKS));
	want(plan, nid, sections * sizeof(uintptr_t));
}

/* Per-CPU lists are sized by zone, so that all CPUs need the same. */
static void plan_cpus(struct zonal_plan *plan, const struct zonal_config *config)
{
	unsigned fraction = config->options.percpu_pagelist_fraction;
	size_t rings = 0, zones = 0;
	struct zone_layout layout;

	zones_layout(config, &layout);
	for (unsigned zid = 0; zid < ZONAL_MAX_NODES * ZONE_TYPES; zid++) {
		struct zone_extent extent = zones_extent(&layout, config->info, zid);

		if (!extent.present)
			continue;
		zones = zid + 1;
		rings += meta_round(cpu_ring_bytes(extent.present, fraction));
	}
	for (unsigned c = 0; c < cpu_count_of(config); c++) {
		unsigned nid = cpu_node_of(config->info, c);

		want(plan, nid, sizeof(struct mm_cpu));
		want(plan, nid, zones * sizeof(struct pcp));
		want(plan, nid, rings);
	}
}

int zonal_plan(const struct zonal_config *config, struct zonal_plan *plan)
{
	int err = config_check(config);

	*plan = (struct zonal_plan){ .bytes = { 0 } };
	if (err)
		return err;
	plan_nodes(plan, config->info);
	plan_maps(plan, config);
	plan_cpus(plan, config);
	return 0;
}
