/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `zoneinfo`: one paragraph a zone, in the layout of /proc/zoneinfo (row Y11), and the
 * tunables that the marks come from.
 *
 * Only zones that have pages are shown. As in 5.10 the three marks of the text
 * include the boost, which has a line of its own as in later kernels; the JSON form gives
 * the stored marks and the boost apart, with the keys that recorded states of real
 * kernels use. Per-CPU lists are shown for the CPUs that are online.
 *
 * Locks: as report_snapshot(). The counts of other CPUs' lists are read relaxed.
 */
#include "report.h"

#include <zonal/names.h>

#include "lib/assert.h"
#include "lib/kprintf.h"

typedef unsigned long long ull;

static void text_lists(const struct zonal *mm, const struct zone *zone)
{
	unsigned cpu;

	kprintf("\n  pagesets");
	for (cpu = 0; cpu < mm->cpu_count; cpu++) {
		const struct mm_cpu *mc = mm->cpu[cpu];
		struct pcp *pcp;

		if (!mc || !mc->pcp || !ld_relaxed(&((struct mm_cpu *)(uintptr_t)mc)->online))
			continue;
		pcp = &mc->pcp[zone->id];
		ASSERT(pcp->ring[0].slot, "CPU %u has no lists of zone %u", cpu, zone->id);
		kprintf("\n    cpu: %u\n              count: %u\n              high:  %u"
			"\n              batch: %u\n  vm stats threshold: %u",
			cpu, ld_relaxed(&pcp->count), pcp->high, pcp->batch, zone->stat_threshold);
	}
}

static void text_counters(const struct zonal *mm, const struct zone *zone,
			  const struct zone_snapshot *s)
{
	struct numa_counts numa;

	report_numa(mm, zone->id, &numa);
	kprintf("\n      nr_free_pages %lld\n      nr_free_cma  %lld\n      nr_highatomic %lld",
		(long long)s->free, (long long)s->free_cma, (long long)s->highatomic);
	kprintf("\n      nr_highatomic_blocks %lld", (long long)s->reserved);
	kprintf("\n      numa_hit     %llu\n      numa_miss    %llu\n      numa_foreign %llu",
		(ull)numa.hit, (ull)numa.miss, (ull)numa.foreign);
	kprintf("\n      numa_interleave %llu\n      numa_local   %llu\n      numa_other   %llu",
		(ull)numa.interleave, (ull)numa.local, (ull)numa.other);
}

static void text_zone(const struct zonal *mm, struct zone *zone)
{
	struct zone_snapshot s;
	unsigned type;

	report_snapshot(zone, true, &s);
	kprintf("Node %u, zone %8s\n", zone->node, zonal_zone_name(zone->type));
	kprintf("  pages free     %lld\n        boost    %lld\n", (long long)s.free,
		(long long)s.boost);
	kprintf("        min      %lld\n        low      %lld\n        high     %lld\n",
		(long long)(s.mark[WMARK_MIN] + s.boost), (long long)(s.mark[WMARK_LOW] + s.boost),
		(long long)(s.mark[WMARK_HIGH] + s.boost));
	kprintf("        spanned  %llu\n        present  %llu\n        managed  %llu\n",
		(ull)zone->spanned, (ull)zone->present, (ull)s.managed);
	/* A line of ours, and only while there is something to tell (I20). */
	if (ld_relaxed(&zone->deferred))
		kprintf("        deferred %llu\n", (ull)ld_relaxed(&zone->deferred));
	kprintf("        protection: (");
	for (type = 0; type < ZONE_TYPES; type++)
		kprintf("%s%lld", type ? ", " : "",
			(long long)ld_relaxed(&zone->lowmem_reserve[type]));
	kprintf(")");
	text_counters(mm, zone, &s);
	text_lists(mm, zone);
	kprintf("\n  start_pfn:           %llu\n", (ull)zone->start_pfn);
}

static void json_zone(struct zone *zone)
{
	struct zone_snapshot s;
	unsigned type;

	ASSERT(zone->present <= zone->spanned, "zone %u: %llu of %llu", zone->id,
	       (ull)zone->present, (ull)zone->spanned);
	report_snapshot(zone, true, &s);
	kprintf("{\"node\":%u,\"zone\":\"%s\",\"start_pfn\":%llu,\"spanned\":%llu,", zone->node,
		zonal_zone_name(zone->type), (ull)zone->start_pfn, (ull)zone->spanned);
	kprintf("\"present\":%llu,\"managed\":%llu,\"free\":%lld,", (ull)zone->present,
		(ull)s.managed, (long long)s.free);
	kprintf("\"min\":%lld,\"low\":%lld,\"high\":%lld,\"boost\":%lld,\"lowmem_reserve\":",
		(long long)s.mark[WMARK_MIN], (long long)s.mark[WMARK_LOW],
		(long long)s.mark[WMARK_HIGH], (long long)s.boost);
	for (type = 0; type < ZONE_TYPES; type++)
		kprintf("%s%lld", type ? "," : "[",
			(long long)ld_relaxed(&zone->lowmem_reserve[type]));
	kprintf("],\"pcp_batch\":%u,\"pcp_high\":%u,\"stat_threshold\":%u,", zone->pcp_batch,
		zone->pcp_high, zone->stat_threshold);
	kprintf("\"free_cma\":%lld,\"reserved_highatomic\":%lld,\"highatomic_blocks\":%lld,"
		"\"nr_free\":",
		(long long)s.free_cma, (long long)s.highatomic, (long long)s.reserved);
	report_json_blocks(&s);
	kprintf("}");
}

void report_zoneinfo(struct zonal *mm, bool json)
{
	const char *comma = "";
	struct zone *zone;
	unsigned zid;

	if (json)
		kprintf("{\"schema\":\"zonal.zoneinfo/1\",\"zones\":[");
	mm_for_each_zone(mm, zid, zone) {
		if (json) {
			kprintf("%s", comma);
			json_zone(zone);
			comma = ",";
		} else {
			text_zone(mm, zone);
		}
	}
	if (json)
		kprintf("]}\n");
}

void report_tunables(struct zonal *mm, bool json)
{
	const unsigned *ratio = mm->options.lowmem_reserve_ratio;

	if (json) {
		kprintf("{\"schema\":\"zonal.tunables/1\",\"min_free_kbytes\":%llu,"
			"\"watermark_scale_factor\":%u,\"watermark_boost_factor\":%u,",
			(ull)mm->min_free_kbytes, mm->options.watermark_scale_factor,
			ld_relaxed(&mm->boost_factor));
		kprintf("\"lowmem_reserve_ratio\":[%u,%u,%u,%u],\"zone_reclaim_mode\":%u,",
			ratio[0], ratio[1], ratio[2], ratio[3], ld_relaxed(&mm->reclaim_mode));
		kprintf("\"panic_on_oom\":%u,\"oom_kill_allocating_task\":%u,",
			ld_relaxed(&mm->oom.panic), ld_relaxed(&mm->oom.kill_asker));
		kprintf("\"numa_stat\":%u,\"percpu_pagelist_fraction\":%u,"
			"\"compaction_proactiveness\":%u}\n",
			!ld_relaxed(&mm->numa_stat_off), mm->options.percpu_pagelist_fraction,
			ld_relaxed(&mm->proactiveness));
		return;
	}
	kprintf("min_free_kbytes         %llu\n", (ull)mm->min_free_kbytes);
	kprintf("watermark_scale_factor  %u\n", mm->options.watermark_scale_factor);
	kprintf("watermark_boost_factor  %u\n", ld_relaxed(&mm->boost_factor));
	kprintf("lowmem_reserve_ratio    %u %u %u %u\n", ratio[0], ratio[1], ratio[2], ratio[3]);
	kprintf("zone_reclaim_mode       %u\n", ld_relaxed(&mm->reclaim_mode));
	kprintf("panic_on_oom            %u\n", ld_relaxed(&mm->oom.panic));
	kprintf("oom_kill_allocating_task %u\n", ld_relaxed(&mm->oom.kill_asker));
	kprintf("numa_stat               %u\n", !ld_relaxed(&mm->numa_stat_off));
	kprintf("percpu_pagelist_fraction %u\n", mm->options.percpu_pagelist_fraction);
	kprintf("compaction_proactiveness %u\n", ld_relaxed(&mm->proactiveness));
}
