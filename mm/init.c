/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a board's description to a working allocator, in this order:
 *
 *	1  check what the board says                      config_check
 *	2  nodes and their zones                          zones_plan
 *	3  page map, per-CPU lists, page_owner's records  (metadata ends here)
 *	4  a structure for every page                     pagemap_fill
 *	5  free memory into the lists                     release_memory
 *	6  zonelists, watermarks, list sizes, fast lanes
 *
 * All metadata is asked for before step 4, since it comes out of the memory that is
 * being described, and what it took must be known as reserved by then. Each node's
 * structure, page map and per-CPU lists are asked for on that node.
 *
 * A board that breaks a rule is refused with the thing, its value and the rule;
 * nothing is half done then that matters, since nobody has the instance yet.
 *
 * Boot only, no locks.
 */
#include <string.h>

#include "init.h"

#include "node.h"
#include "page_owner.h"
#include "pcp.h"
#include "watermark.h"

void zonal_options_default(struct zonal_options *options)
{
	*options = (struct zonal_options){ .watermark_scale_factor = 10,
					   .watermark_boost_factor = 15000,
					   .lowmem_reserve_ratio = { 256, 256, 32, 0 } };
}

size_t zonal_sizeof(void) { return sizeof(struct zonal); }

void *init_meta(struct zonal *mm, unsigned nid, size_t bytes, size_t align)
{
	void *p = mm->meta(mm->ctx, nid, bytes, align);

	if (!p) {
		port_log("zonal: no memory for %llu bytes of metadata of node %u",
			 (unsigned long long)bytes, nid);
		return NULL;
	}
	mm->meta_bytes += bytes;
	return memset(p, 0, bytes);
}

/* A node without memory has its structure on the first node that has some. */
static int alloc_nodes(struct zonal *mm, const struct boot_info *info)
{
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++) {
		struct node *node;

		if (!nodemask_has(info->nodes, n))
			continue;
		node = init_meta(mm, n, sizeof(*node), 64);
		if (!node)
			return ZONAL_ENOMEM;
		node->id = (uint8_t)n;
		node->online = true;
		for (unsigned t = 0; t < ZONE_TYPES; t++) {
			lock_set_rank(&node->zone[t].lock, LOCK_ZONE);
			node->zone[t].mm = mm;
			node->zone[t].id = (uint8_t)(n * ZONE_TYPES + t);
			node->zone[t].node = (uint8_t)n;
			node->zone[t].type = (uint8_t)t;
		}
		mm->node[n] = node;
	}
	mm->online = info->nodes;
	mm->node_count = nodemask_count(info->nodes);
	memcpy(mm->distance, info->distance, sizeof(mm->distance));
	return 0;
}

/* Rings for one zone: sized for the pages present, the most it can ever manage. */
static int alloc_rings(struct zonal *mm, struct mm_cpu *cpu, const struct zone *zone)
{
	unsigned batch = pcp_batch_of(zone->present);
	uint32_t slots = pcp_ring_slots(ZN_MAX(batch, 1u), 6 * batch);
	size_t ring_bytes = slots * sizeof(struct page *);
	char *mem = init_meta(mm, cpu->node, MIGRATE_PCPTYPES * ring_bytes, 64);
	struct pcp *pcp = &cpu->pcp[zone->id];

	if (!mem)
		return ZONAL_ENOMEM;
	for (unsigned t = 0; t < MIGRATE_PCPTYPES; t++)
		pcp->ring[t].slot = (struct page **)(void *)(mem + t * ring_bytes);
	pcp->mask = slots - 1;
	pcp->batch = 1; /* P4: until the zone's size is known, every free goes on */
	return 0;
}

static int alloc_cpu(struct zonal *mm, const struct boot_info *info, unsigned c)
{
	int nid = c < info->cpu_count ? info->cpu[c].nid : NODE_NONE;
	unsigned n = nid == NODE_NONE ? nodemask_first(mm->online) : (unsigned)nid;
	size_t pcps = sizeof(struct pcp) * ZONAL_MAX_NODES * ZONE_TYPES;
	struct mm_cpu *cpu = init_meta(mm, n, sizeof(*cpu), 64);
	struct zone *zone;
	unsigned zid;

	if (!cpu)
		return ZONAL_ENOMEM;
	cpu->node = (uint8_t)n;
	cpu->pcp = init_meta(mm, n, pcps, 64);
	if (!cpu->pcp)
		return ZONAL_ENOMEM;
	mm_for_each_zone(mm, zid, zone)
		if (alloc_rings(mm, cpu, zone))
			return ZONAL_ENOMEM;
	mm->cpu[c] = cpu;
	return 0;
}

static int alloc_cpus(struct zonal *mm, const struct zonal_config *config)
{
	unsigned count = config->cpu_count ? config->cpu_count : config->info->cpu_count;

	mm->cpu_count = ZN_MAX(count, 1u);
	for (unsigned c = 0; c < mm->cpu_count; c++)
		if (alloc_cpu(mm, config->info, c))
			return ZONAL_ENOMEM;
	return 0;
}

static void note_memory_nodes(struct zonal *mm)
{
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone) {
		if (!zone_managed(zone))
			continue;
		mm->node[zone->node]->has_memory = true;
		mm->has_memory |= node_bit(zone->node);
		if (zone->type != ZONE_MOVABLE)
			mm->has_kernel_memory |= node_bit(zone->node);
	}
}

/* The fast lane of each CPU: the zone that a plain request would see first, if it
 * is on the CPU's own node; then "hit" and "local" need no test. */
static void build_lanes(struct zonal *mm)
{
	for (unsigned c = 0; c < mm->cpu_count; c++) {
		struct mm_cpu *cpu = mm->cpu[c];
		const struct zonelist *list = &mm->node[cpu->node]->fallback;

		for (unsigned i = 0; i < ARRAY_SIZE(cpu->lane); i++) {
			unsigned first = list->first[ZONE_NORMAL + i];
			const struct zoneref *ref = &list->ref[first];

			if (first >= list->count || ref->node != cpu->node)
				continue;
			cpu->lane[i].zone = ref->zone;
			cpu->lane[i].pcp = &cpu->pcp[ref->zone->id];
		}
	}
}

int zonal_init(struct zonal *mm, const struct zonal_config *config)
{
	int err = config_check(config);

	if (err)
		return err;
	mm->options = config->options;
	st_relaxed(&mm->boost_factor, config->options.watermark_boost_factor);
	mm->meta = config->meta;
	mm->clear = config->clear;
	mm->unusual = __GFP_DMA | __GFP_DMA32 | __GFP_THISNODE | __GFP_RECLAIMABLE;
	if (!mm->clear)
		mm->unusual |= __GFP_ZERO;
	mm->ctx = config->ctx;
	mm->gfp_allowed = __GFP_BITS & ~(__GFP_RECLAIM | __GFP_IO | __GFP_FS);
	st_relaxed(&mm->gates, GATE_BOOT | (config->grouping_off ? GATE_NO_GROUPING : 0));
	err = alloc_nodes(mm, config->info);
	if (err)
		return err;
	zones_plan(mm, config);
	err = pagemap_alloc(mm, config->info);
	if (!err)
		err = alloc_cpus(mm, config);
	if (!err && config->page_owner)
		err = page_owner_init(mm, config->info);
	if (!err)
		err = reserved_check(config->info); /* now that `meta` has added what it took */
	if (err)
		return err;
	pagemap_fill(mm, config->info);
	release_memory(mm, config->info);
	err = min_free_check(mm, config->options.min_free_kbytes);
	if (err)
		return err;
	note_memory_nodes(mm);
	node_build_zonelists(mm);
	zonal_setup_marks(mm);
	pcp_setup(mm);
	build_lanes(mm);
	return 0;
}

void zonal_cpu_online(struct zonal *mm, unsigned cpu)
{
	if (cpu >= mm->cpu_count || !mm->cpu[cpu])
		return;
	st_release(&mm->cpu[cpu]->online, 1);
	setup_stat_thresholds(mm);
}

void zonal_boot_done(struct zonal *mm)
{
	mm->gfp_allowed = __GFP_BITS;
	fetch_and_acq_rel(&mm->gates, ~GATE_BOOT);
	page_owner_start(mm);
}
