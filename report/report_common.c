/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the reports share: sums of per-CPU counters, a copy of what one zone's
 * lock guards, and the few pieces of JSON that need care.
 *
 * Counters. Each CPU counts for itself and for each zone apart, in words that only it
 * writes (struct pcp). A sum over the CPUs is therefore exact once nobody
 * allocates, and never wrong by more than what happened during the summing.
 * Blocks taken are kept as four counters, hit or miss times local or other, because one
 * increment then serves both of 5.10's pairs; here they are turned back:
 *
 *	numa_hit   = hit_local + hit_other      numa_local = hit_local + miss_local
 *	numa_miss  = miss_local + miss_other    numa_other = hit_other + miss_other
 *
 * Locks: report_snapshot() takes one zone lock, masked, for the time of a copy of
 * 300 bytes. Nothing is printed under it.
 */
#include "report.h"

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "mm/tune.h"

static void snapshot_copy(const struct zone *zone, struct zone_snapshot *out)
{
	struct zone *z = (struct zone *)(uintptr_t)zone;
	unsigned type, order, mark;

	ASSERT(zone->type < ZONE_TYPES, "zone %u is of type %u", zone->id, zone->type);
	for (type = 0; type < MIGRATE_TYPES; type++) {
		for (order = 0; order < MAX_ORDER; order++)
			out->blocks[type][order] = z->list[type][order].count;
	}
	for (mark = 0; mark < WMARKS; mark++)
		out->mark[mark] = ld_relaxed(&z->mark[mark]);
	out->boost = ld_relaxed(&z->boost);
	out->free = ld_relaxed(&z->free);
	out->free_cma = ld_relaxed(&z->free_cma);
	out->highatomic = ld_relaxed(&z->highatomic);
	out->reserved = out->highatomic - z->highatomic_lost;
	out->managed = ld_relaxed(&z->managed);
}

void report_snapshot(struct zone *zone, bool lock, struct zone_snapshot *out)
{
	port_irqflags_t flags;

	if (!lock) {
		snapshot_copy(zone, out);
		return;
	}
	ASSERT(!port_irqs_masked(), "zone %u is copied with interrupts masked", zone->id);
	flags = port_irq_save();
	lock_take(&zone->lock);
	snapshot_copy(zone, out);
	lock_drop(&zone->lock);
	port_irq_restore(flags);
}

uint64_t snapshot_blocks(const struct zone_snapshot *s, unsigned order)
{
	uint64_t sum = 0;
	unsigned type;

	ASSERT(order < MAX_ORDER, "order %u", order);
	for (type = 0; type < MIGRATE_TYPES; type++)
		sum += s->blocks[type][order];
	return sum;
}

uint64_t report_stat(const struct zonal *mm, unsigned zid, enum pcp_stat stat)
{
	uint64_t sum = 0;
	unsigned cpu;

	ASSERT(zid < ZONAL_MAX_NODES * ZONE_TYPES && (unsigned)stat < PCP_STATS,
	       "zone %u, counter %u", zid, (unsigned)stat);
	for (cpu = 0; cpu < mm->cpu_count; cpu++) {
		if (mm->cpu[cpu] && mm->cpu[cpu]->pcp)
			sum += ld_relaxed(&mm->cpu[cpu]->pcp[zid].stat[stat]);
	}
	return sum;
}

void report_numa(const struct zonal *mm, unsigned zid, struct numa_counts *out)
{
	uint64_t hit_local = numa_stat_of(mm, zid, STAT_HIT_LOCAL);
	uint64_t hit_other = numa_stat_of(mm, zid, STAT_HIT_OTHER);
	uint64_t miss_local = numa_stat_of(mm, zid, STAT_MISS_LOCAL);
	uint64_t miss_other = numa_stat_of(mm, zid, STAT_MISS_OTHER);

	out->hit = hit_local + hit_other;
	out->miss = miss_local + miss_other;
	out->local = hit_local + miss_local;
	out->other = hit_other + miss_other;
	out->foreign = numa_stat_of(mm, zid, STAT_FOREIGN);
	out->interleave = numa_stat_of(mm, zid, STAT_INTERLEAVE);
}

void report_numa_node(const struct zonal *mm, unsigned nid, struct numa_counts *out)
{
	unsigned type;

	ASSERT(nid < ZONAL_MAX_NODES, "node %u", nid);
	*out = (struct numa_counts){ 0 };
	for (type = 0; type < ZONE_TYPES; type++) {
		unsigned zid = nid * ZONE_TYPES + type;
		struct numa_counts zone;

		if (!mm->zone[zid])
			continue;
		report_numa(mm, zid, &zone);
		out->hit += zone.hit;
		out->miss += zone.miss;
		out->foreign += zone.foreign;
		out->interleave += zone.interleave;
		out->local += zone.local;
		out->other += zone.other;
	}
}

void report_json_blocks(const struct zone_snapshot *s)
{
	unsigned order;

	for (order = 0; order < MAX_ORDER; order++)
		kprintf("%s%llu", order ? "," : "[", (unsigned long long)snapshot_blocks(s, order));
	kprintf("]");
}
