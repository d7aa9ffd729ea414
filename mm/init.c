/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a board's description to a working allocator, in this order:
 *
 *	1  check what the board says, and the storage      zonal_plan, reserved_check, meta_open
 *	2  nodes and their zones                           make_nodes, zones_make
 *	3  page map, per-CPU lists, page_owner's records   (storage is used up here)
 *	4  a structure for every page                      pagemap_fill
 *	5  free memory into the lists                      release_memory
 *	   both but for sections that are left for later   deferred_choose
 *	6  zonelists, watermarks, list sizes, fast lanes   init_lists
 *
 * The caller has placed the storage before, and what it takes of the RAM described is
 * in the list of reserved ranges. So everything is known at the door, all but one rule is
 * looked at there, before the instance is touched, and nothing behind it can run out
 * of memory. The description is copied where it is needed and never written to.
 *
 * A board that breaks a rule is refused with the thing, its value and the rule.
 *
 * Boot only, no locks.
 */
#include "init.h"

#include "contents.h"
#include "lib/text.h"
#include "meta.h"
#include "node.h"
#include "page_owner.h"
#include "pcp.h"
#include "reclaim/reclaim.h"
#include "shuffle.h"
#include "watermark.h"

void zonal_options_default(struct zonal_options *options)
{
	*options = (struct zonal_options){ .watermark_scale_factor = 10,
					   .watermark_boost_factor = 15000,
					   .lowmem_reserve_ratio = { 256, 256, 32, 0 } };
}

static void make_nodes(struct zonal *mm, const struct boot_info *info)
{
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++) {
		struct node *node;

		if (!nodemask_has(info->nodes, n))
			continue;
		node = meta_take(mm, n, sizeof(*node));
		node->id = (uint8_t)n;
		node->online = true;
		for (unsigned t = 0; t < ZONE_TYPES; t++) {
			lock_set_rank(&node->zone[t].lock, LOCK_ZONE);
			node->zone[t].mm = mm;
			node->zone[t].id = (uint8_t)(n * ZONE_TYPES + t);
			node->zone[t].node = (uint8_t)n;
			node->zone[t].type = (uint8_t)t;
			node->zone[t].guard_order = mm->options.guard_minorder;
		}
		reclaim_init(mm, node);
		lock_set_rank(&node->deferred.lock, LOCK_DEFERRED);
		mm->node[n] = node;
	}
	mm->online = info->nodes;
	mm->node_count = nodemask_count(info->nodes);
	memcpy(mm->distance, info->distance, sizeof(mm->distance));
}

static void make_rings(struct zonal *mm, struct mm_cpu *cpu, const struct zone *zone)
{
	unsigned fraction = mm->options.percpu_pagelist_fraction;
	uint32_t slots = cpu_ring_slots(zone->present, fraction);
	struct page **slot = meta_take(mm, cpu->node, cpu_ring_bytes(zone->present, fraction));
	struct pcp *pcp = &cpu->pcp[zone->id];

	ASSERT(!(slots & (slots - 1)), "zone %u: lists of %u pages", zone->id, slots);
	for (unsigned t = 0; t < PCP_RINGS; t++)
		pcp->ring[t].slot = slot + t * slots;
	pcp->mask = slots - 1;
	pcp->batch = 1; /* P4: until the zone's size is known, every free goes on */
}

static void make_cpu(struct zonal *mm, unsigned nid, unsigned c)
{
	struct mm_cpu *cpu = meta_take(mm, nid, sizeof(*cpu));
	struct zone *zone;
	unsigned zid, zones = 0;

	ASSERT(mm->node[nid] && !mm->cpu[c], "CPU %u on node %u", c, nid);
	mm_for_each_zone(mm, zid, zone)
		zones = zid + 1;
	cpu->node = (uint8_t)nid;
	cpu->pcp = meta_take(mm, nid, zones * sizeof(*cpu->pcp));
	mm_for_each_zone(mm, zid, zone)
		make_rings(mm, cpu, zone);
	mm->cpu[c] = cpu;
}

static void make_cpus(struct zonal *mm, const struct zonal_config *config)
{
	mm->cpu_count = cpu_count_of(config);
	for (unsigned c = 0; c < mm->cpu_count; c++)
		make_cpu(mm, cpu_node_of(config->info, c), c);
}

/* By what is present, as 5.10 has it, whether or not any of it can be handed out. */
static void note_memory_nodes(struct zonal *mm)
{
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone) {
		mm->node[zone->node]->has_memory = true;
		mm->has_memory |= node_bit(zone->node);
		if (zone->type != ZONE_MOVABLE)
			mm->has_kernel_memory |= node_bit(zone->node);
	}
}

/* The zone that the list of a node begins with, if it is the node's own. */
static void build_node_lanes(struct node *node)
{
	const struct zonelist *list = &node->fallback;

	for (unsigned i = 0; i < ARRAY_SIZE(node->lane); i++) {
		unsigned first = list->first[ZONE_NORMAL + i];
		const struct zoneref *ref = &list->ref[first];

		if (first >= list->count || ref->node != node->id)
			continue;
		node->lane[i] = ref->zone;
	}
}

/* The fast lane of each CPU: the zone that a plain request would see first, if it
 * is on the CPU's own node; then "hit" and "local" need no test. */
static void build_lanes(struct zonal *mm)
{
	for (unsigned nid = 0; nid < ZONAL_MAX_NODES; nid++)
		if (mm->node[nid])
			build_node_lanes(mm->node[nid]);
	for (unsigned c = 0; c < mm->cpu_count; c++) {
		struct mm_cpu *cpu = mm->cpu[c];

		for (unsigned i = 0; i < ARRAY_SIZE(cpu->lane); i++) {
			struct zone *zone = mm->node[cpu->node]->lane[i];

			cpu->lane[i].zone = zone;
			cpu->lane[i].pcp = zone ? &cpu->pcp[zone->id] : NULL;
		}
	}
}

static void find_runs(struct zonal *mm)
{
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone)
		pagemap_find_run(mm, zone);
}

void init_lists(struct zonal *mm)
{
	note_memory_nodes(mm);
	ASSERT(mm->has_memory, "no node has memory");
	node_build_zonelists(mm);
	if (ZONAL_WATERMARKS)
		zonal_setup_marks(mm);
	pcp_setup(mm);
	if (ZONAL_LANES) {
		build_lanes(mm);
		instance_plain_frees(mm);
	}
}

static void take_options(struct zonal *mm, const struct zonal_config *config)
{
	lock_set_rank(&mm->claims.lock, LOCK_CLAIMS);
	mm->options = config->options;
	st_relaxed(&mm->boost_factor, config->options.watermark_boost_factor);
	st_relaxed(&mm->numa_stat_off, config->options.numa_stat_off);
	mm->clear = config->clear;
	mm->contents = config->contents;
	mm->unusual = __GFP_DMA | __GFP_DMA32 | __GFP_THISNODE |
		      (ZONAL_MOBILITY ? 0 : __GFP_RECLAIMABLE) | (ZONAL_RECLAIM ? __GFP_WRITE : 0);
	if (!mm->clear)
		mm->unusual |= __GFP_ZERO;
	mm->ctx = config->ctx;
	mm->gfp_allowed = __GFP_BITS & ~(__GFP_RECLAIM | __GFP_IO | __GFP_FS);
	st_relaxed(&mm->gates, GATE_BOOT | (config->grouping_off ? GATE_NO_GROUPING : 0) |
				       contents_gates(&config->options));
}

/* All that is cut from the caller's storage, in the order in which zonal_plan() counts. */
static void make_parts(struct zonal *mm, const struct zonal_config *config)
{
	make_nodes(mm, config->info);
	zones_make(mm, config);
	pagemap_place(mm, config->info);
	if (ZONAL_DEFERRED && deferred_wanted(config))
		deferred_choose(mm, config->info);
	make_cpus(mm, config);
	if (ZONAL_AIDS && config->page_owner)
		page_owner_init(mm, config->info);
	if (ZONAL_LANES)
		find_runs(mm);
	meta_close(mm);
}

int zonal_init(struct zonal *mm, const struct zonal_config *config)
{
	struct zonal_plan plan;
	int err = zonal_plan(config, &plan);

	if (!err)
		err = instance_check(mm);
	if (!err)
		err = reserved_check(config->info);
	if (!err)
		err = meta_open(mm, config->storage, &plan);
	if (err)
		return err;
	take_options(mm, config);
	make_parts(mm, config);
	pagemap_fill(mm, config->info);
	release_memory(mm, config->info);
	online_expect(mm, config->info);
	if (ZONAL_WATERMARKS)
		err = min_free_check(mm, config->options.min_free_kbytes);
	if (!err)
		init_lists(mm);
	return err;
}

void zonal_cpu_online(struct zonal *mm, unsigned cpu)
{
	if (cpu >= mm->cpu_count || !mm->cpu[cpu])
		return;
	pcp_announce(mm, cpu, true);
	st_release(&mm->cpu[cpu]->online, 1);
	if (ZONAL_WATERMARKS)
		setup_stat_thresholds(mm);
}

void zonal_boot_done(struct zonal *mm)
{
	mm->gfp_allowed = __GFP_BITS;
	fetch_and_acq_rel(&mm->gates, ~GATE_BOOT);
	if (ZONAL_AIDS) {
		page_owner_start(mm);
		shuffle_memory(mm);
	}
}
