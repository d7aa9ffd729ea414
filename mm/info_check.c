/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What zonal_init() refuses, and why: one line with the thing, its value and the rule.
 *
 * Everything behind this door relies on it without asking again: ranges are whole pages,
 * sorted, apart, on nodes that are online, and end where 32-bit frame numbers end; CPUs are on
 * such nodes; tunables are what their setters would take. A value that merely looks odd
 * (distances, a hotplug flag) passes: it gives odd orders and no damage.
 *
 * zonal_plan() asks all but reserved ranges, which may get longer until zonal_init(); and
 * min_free_kbytes is looked at when all memory is handed over and the answer is known.
 *
 * Boot only, no locks. Reads the configuration, changes nothing.
 */
#include "init.h"

#include "watermark.h"

/* 4 MiB below 16 TiB: the map covers whole blocks, and the frame behind it must have a number. */
#define MAX_ADDRESS BOOT_MEMORY_END

static bool node_is_online(const struct boot_info *info, int nid)
{
	return nid >= 0 && nid < ZONAL_MAX_NODES && nodemask_has(info->nodes, (unsigned)nid);
}

/* NULL: nothing is wrong with range `i`. */
static const char *range_fault(const struct boot_info *info, unsigned i)
{
	const struct boot_range *r = &info->range[i];

	if ((r->start | r->size) & (PAGE_SIZE - 1) || !r->size)
		return "start and size must be whole pages";
	if (r->start > MAX_ADDRESS || r->size > MAX_ADDRESS - r->start)
		return "it ends above what 32-bit frame numbers can name";
	if (!node_is_online(info, r->nid))
		return "its node must be online and below ZONAL_MAX_NODES";
	/* The one before has passed, so that its end does not wrap. */
	if (i && r[-1].start + r[-1].size > r->start)
		return "it overlaps or precedes the range before it";
	return NULL;
}

static int ranges_check(const struct boot_info *info)
{
	for (unsigned i = 0; i < info->range_count; i++) {
		const struct boot_range *r = &info->range[i];
		const char *fault = range_fault(info, i);

		if (!fault)
			continue;
		port_log("zonal: memory 0x%llx+0x%llx of node %d: %s",
			 (unsigned long long)r->start, (unsigned long long)r->size, r->nid, fault);
		return r->start > MAX_ADDRESS || r->size > MAX_ADDRESS - r->start ? ZONAL_ERANGE
										  : ZONAL_EINVAL;
	}
	return 0;
}

static int cpus_check(const struct boot_info *info)
{
	for (unsigned c = 0; c < info->cpu_count; c++) {
		int nid = info->cpu[c].nid;

		if (nid == NODE_NONE || node_is_online(info, nid))
			continue;
		port_log("zonal: CPU %u is on node %d: it must be online and below %d", c, nid,
			 ZONAL_MAX_NODES);
		return ZONAL_EINVAL;
	}
	return 0;
}

/* A number that must be in [least, most]. */
static bool option_ok(const char *name, uint64_t value, uint64_t least, uint64_t most)
{
	if (value >= least && value <= most)
		return true;
	port_log("zonal: %s is %llu: it must be %llu to %llu", name, (unsigned long long)value,
		 (unsigned long long)least, (unsigned long long)most);
	return false;
}

/* What touches pages needs the hook for it. */
static bool contents_ok(const struct zonal_config *config)
{
	const struct zonal_options *o = &config->options;

	if (o->page_poison && !config->contents) {
		port_log("zonal: page_poison: `contents` must be given");
		return false;
	}
	if ((o->init_on_alloc || o->init_on_free) && !config->clear) {
		port_log("zonal: init_on_alloc, init_on_free: `clear` must be given");
		return false;
	}
	return true;
}

#define PARTS_BUILT                                                                                \
	((ZONAL_AIDS ? PART_AIDS : 0) | (ZONAL_DEFERRED ? PART_DEFERRED : 0) |                     \
	 (ZONAL_MOBILITY ? PART_MOBILITY : 0) | (ZONAL_WATERMARKS ? PART_WATERMARKS : 0))

unsigned config_parts(const struct zonal_config *config)
{
	const struct zonal_options *o = &config->options;
	bool aids = config->page_owner || o->page_poison || o->init_on_alloc || o->init_on_free ||
		    o->guard_minorder || o->shuffle_seed;
	bool movable = o->movable_node || o->kernelcore_bytes || o->movablecore_bytes ||
		       o->kernelcore_percent || o->movablecore_percent;

	return (aids ? PART_AIDS : 0) | (config->deferred ? PART_DEFERRED : 0) |
	       (movable ? PART_MOBILITY : 0) | (o->min_free_kbytes ? PART_WATERMARKS : 0);
}

/* Nothing is asked for that this build has not. */
static bool parts_ok(const struct zonal_config *config)
{
	const struct zonal_options *o = &config->options;
	unsigned missing = config_parts(config) & ~(unsigned)PARTS_BUILT;

	if (missing & PART_AIDS)
		port_log("zonal: page_owner %d, page_poison %d, init_on_alloc %d, init_on_free %d, "
			 "guards below order %u, shuffle %d: built without ZONAL_AIDS",
			 config->page_owner, o->page_poison, o->init_on_alloc, o->init_on_free,
			 o->guard_minorder, o->shuffle_seed != 0);
	if (missing & PART_DEFERRED)
		port_log("zonal: deferred: built without ZONAL_DEFERRED");
	if (missing & PART_MOBILITY)
		port_log("zonal: kernelcore, movablecore, movable_node: built without "
			 "ZONAL_MOBILITY");
	if (missing & PART_WATERMARKS)
		port_log("zonal: min_free_kbytes: built without ZONAL_WATERMARKS");
	return !missing;
}

static int options_check(const struct zonal_config *config)
{
	const struct zonal_options *o = &config->options;

	if (!parts_ok(config))
		return ZONAL_EINVAL;
	if (!option_ok("watermark_scale_factor", o->watermark_scale_factor, 1, 3000) ||
	    !option_ok("kernelcore_percent", o->kernelcore_percent, 0, 100) ||
	    !option_ok("movablecore_percent", o->movablecore_percent, 0, 100) ||
	    !option_ok("cpu_count", config->cpu_count, 0, ZONAL_MAX_CPUS) ||
	    !option_ok("guard_minorder", o->guard_minorder, 0, MAX_ORDER / 2) ||
	    !contents_ok(config))
		return ZONAL_EINVAL;
	if (o->percpu_pagelist_fraction &&
	    !option_ok("percpu_pagelist_fraction", o->percpu_pagelist_fraction, 8, UINT32_MAX))
		return ZONAL_EINVAL;
	if (!((o->dma_end | o->dma32_end) & (PAGE_SIZE - 1)))
		return 0;
	port_log("zonal: dma_end 0x%llx, dma32_end 0x%llx: they must be whole pages",
		 (unsigned long long)o->dma_end, (unsigned long long)o->dma32_end);
	return ZONAL_EINVAL;
}

static int counts_check(const struct boot_info *info)
{
	if (!info->range_count || info->range_count > ZONAL_MAX_RANGES ||
	    info->reserved_count > ZONAL_MAX_RANGES || info->cpu_count > ZONAL_MAX_CPUS) {
		port_log("zonal: %u memory ranges, %u reserved, %u CPUs; at least one range, at "
			 "most %d ranges of each kind and %d CPUs",
			 info->range_count, info->reserved_count, info->cpu_count,
			 ZONAL_MAX_RANGES, ZONAL_MAX_CPUS);
		return ZONAL_ERANGE;
	}
	if (ZONAL_MAX_NODES < 64 && info->nodes >> (ZONAL_MAX_NODES & 63)) {
		port_log("zonal: node %u is online: it must be below ZONAL_MAX_NODES, %d",
			 63 - (unsigned)__builtin_clzll(info->nodes), ZONAL_MAX_NODES);
		return ZONAL_ERANGE;
	}
	return 0;
}

int config_check(const struct zonal_config *config)
{
	int err;

	if (!config || !config->info) {
		port_log("zonal: a configuration with `info` must be given");
		return ZONAL_EINVAL;
	}
	err = counts_check(config->info);
	if (!err)
		err = ranges_check(config->info);
	if (!err)
		err = cpus_check(config->info);
	return err ? err : options_check(config);
}

/* Pages are handed over between these, in one walk: a range out of place would be handed out. */
int reserved_check(const struct boot_info *info)
{
	for (unsigned i = 0; i < info->reserved_count; i++) {
		const struct boot_range *r = &info->reserved[i];
		uint64_t end = r->start + r->size;
		/* 2^64 has no name: what goes up to there ends a byte before. */
		bool pages = !(r->start & (PAGE_SIZE - 1)) &&
			     (!(end & (PAGE_SIZE - 1)) || end == UINT64_MAX);

		if (pages && end >= r->start && (!i || r[-1].start + r[-1].size <= r->start))
			continue;
		port_log("zonal: reserved 0x%llx+0x%llx: start and size must be whole pages, and "
			 "behind the range before it",
			 (unsigned long long)r->start, (unsigned long long)r->size);
		return ZONAL_EINVAL;
	}
	return 0;
}

int min_free_check(struct zonal *mm, uint64_t kbytes)
{
	return option_ok("min_free_kbytes", kbytes, 0, min_free_most(mm)) ? 0 : ZONAL_EINVAL;
}
