/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `vmstat` and `numastat`: counters of the whole instance and by node (rows Y1-Y4).
 *
 * vmstat is a list of "name value", as /proc/vmstat; it has the lines whose events this
 * allocator knows and no others. pgalloc counts pages by zone, from the blocks taken plus
 * the pages beyond the first of each block. Three lines are ours and named so:
 * list refills, bulk returns and failed requests.
 *
 * numastat is the table of the tool of that name: a column a node. It counts blocks,
 * not pages, as 5.10 does. Columns are dealt out in groups that fit a terminal.
 *
 * Locks: none; sums of words that each CPU writes for itself.
 */
#include "report.h"

#include "lib/assert.h"
#include "lib/kprintf.h"

#define NODES_A_LINE 5u

typedef unsigned long long ull;

struct totals {
	uint64_t free, free_cma, freed, refill, bulk_free, steals, wakes;
	uint64_t pgalloc[ZONE_TYPES];
	struct numa_counts numa;
};

static uint64_t zone_pgalloc(const struct zonal *mm, unsigned zid)
{
	return report_stat(mm, zid, STAT_HIT_LOCAL) + report_stat(mm, zid, STAT_HIT_OTHER) +
	       report_stat(mm, zid, STAT_MISS_LOCAL) + report_stat(mm, zid, STAT_MISS_OTHER) +
	       report_stat(mm, zid, STAT_TAKE_EXTRA);
}

static void add_node_numa(const struct zonal *mm, unsigned nid, struct numa_counts *sum)
{
	struct numa_counts node;

	ASSERT(nid < ZONAL_MAX_NODES, "node %u", nid);
	report_numa_node(mm, nid, &node);
	sum->hit += node.hit;
	sum->miss += node.miss;
	sum->foreign += node.foreign;
	sum->interleave += node.interleave;
	sum->local += node.local;
	sum->other += node.other;
}

uint64_t report_event(const struct zonal *mm, unsigned event)
{
	uint64_t sum = 0;

	ASSERT(event < VM_EVENTS, "event %u", event);
	for (unsigned cpu = 0; cpu < mm->cpu_count; cpu++)
		sum += ld_relaxed(&mm->cpu[cpu]->event[event]);
	return sum;
}

static void sum_lists(struct zonal *mm, struct zonal_lru_counts *sum)
{
	*sum = (struct zonal_lru_counts){ .dirty = 0 };
	for (unsigned nid = 0; nid < ZONAL_MAX_NODES; nid++) {
		struct zonal_lru_counts node;

		zonal_lru_counts(mm, nid, &node);
		for (unsigned kind = 0; kind < ZONAL_KINDS; kind++) {
			sum->inactive[kind] += node.inactive[kind];
			sum->active[kind] += node.active[kind];
			sum->isolated[kind] += node.isolated[kind];
		}
		sum->dirty += node.dirty;
		sum->writing += node.writing;
	}
}

static void sum_all(struct zonal *mm, struct totals *t)
{
	struct zone *zone;
	unsigned zid, cpu, nid;

	*t = (struct totals){ 0 };
	mm_for_each_zone(mm, zid, zone) {
		ASSERT(zone->type < ZONE_TYPES, "zone %u is of type %u", zid, zone->type);
		t->free += (uint64_t)ld_relaxed(&zone->free);
		t->free_cma += (uint64_t)ld_relaxed(&zone->free_cma);
		t->freed += report_stat(mm, zid, STAT_FREED);
		t->refill += report_stat(mm, zid, STAT_REFILL);
		t->bulk_free += report_stat(mm, zid, STAT_BULK_FREE);
		t->pgalloc[zone->type] += zone_pgalloc(mm, zid);
	}
	for (nid = 0; nid < ZONAL_MAX_NODES; nid++)
		add_node_numa(mm, nid, &t->numa);
	for (cpu = 0; cpu < mm->cpu_count; cpu++) {
		if (!mm->cpu[cpu])
			continue;
		t->steals += ld_relaxed(&mm->cpu[cpu]->fallback_steals);
		t->wakes += ld_relaxed(&mm->cpu[cpu]->kswapd_wakes);
	}
}

void report_vmstat(struct zonal *mm, bool json)
{
	struct zonal_lru_counts lists;
	struct totals t;

	sum_all(mm, &t);
	sum_lists(mm, &lists);
	const struct {
		const char *name;
		uint64_t value;
	} line[] = {
		{ "nr_free_pages", t.free },
		{ "nr_free_cma", t.free_cma },
		{ "nr_inactive_anon", lists.inactive[ZONAL_ANON] },
		{ "nr_active_anon", lists.active[ZONAL_ANON] },
		{ "nr_inactive_file", lists.inactive[ZONAL_CACHE] },
		{ "nr_active_file", lists.active[ZONAL_CACHE] },
		{ "nr_isolated_anon", lists.isolated[ZONAL_ANON] },
		{ "nr_isolated_file", lists.isolated[ZONAL_CACHE] },
		{ "nr_dirty", lists.dirty },
		{ "nr_writeback", lists.writing },
		{ "numa_hit", t.numa.hit },
		{ "numa_miss", t.numa.miss },
		{ "numa_foreign", t.numa.foreign },
		{ "numa_interleave", t.numa.interleave },
		{ "numa_local", t.numa.local },
		{ "numa_other", t.numa.other },
		{ "pgalloc_dma", t.pgalloc[ZONE_DMA] },
		{ "pgalloc_dma32", t.pgalloc[ZONE_DMA32] },
		{ "pgalloc_normal", t.pgalloc[ZONE_NORMAL] },
		{ "pgalloc_movable", t.pgalloc[ZONE_MOVABLE] },
		{ "pgfree", t.freed },
		{ "zonal_list_refill", t.refill },
		{ "zonal_list_return", t.bulk_free },
		{ "zonal_fallback_steal", t.steals },
		{ "zonal_kswapd_wake", t.wakes },
		{ "zonal_alloc_fail", ld_relaxed(&mm->failures) },
		{ "zonal_bad_free", zonal_bad_count(mm) },
	};

	if (json)
		kprintf("{\"schema\":\"zonal.vmstat/1\"");
	for (unsigned i = 0; i < ARRAY_SIZE(line); i++)
		kprintf(json ? ",\"%s\":%llu" : "%s %llu\n", line[i].name, (ull)line[i].value);
	for (unsigned e = 0; e < VM_EVENTS; e++)
		kprintf(json ? ",\"%s\":%llu" : "%s %llu\n", vm_event_name((enum vm_event)e),
			(ull)report_event(mm, (enum vm_event)e));
	if (json)
		kprintf("}\n");
}

static void json_numastat(const struct zonal *mm)
{
	const char *comma = "";
	unsigned nid;

	ASSERT(mm->online, "no node is online");
	kprintf("{\"schema\":\"zonal.numastat/1\",\"nodes\":[");
	for (nid = 0; nid < ZONAL_MAX_NODES; nid++) {
		struct numa_counts n;

		if (!nodemask_has(mm->online, nid))
			continue;
		report_numa_node(mm, nid, &n);
		kprintf("%s{\"node\":%u,\"numa_hit\":%llu,\"numa_miss\":%llu,", comma, nid,
			(ull)n.hit, (ull)n.miss);
		kprintf("\"numa_foreign\":%llu,", (ull)n.foreign);
		kprintf("\"interleave_hit\":%llu,\"local_node\":%llu,\"other_node\":%llu}",
			(ull)n.interleave, (ull)n.local, (ull)n.other);
		comma = ",";
	}
	kprintf("]}\n");
}

/* The columns of up to NODES_A_LINE nodes. */
static void text_numa_group(const struct zonal *mm, const unsigned *nid, unsigned count)
{
	static const char *const rows[] = { "numa_hit",       "numa_miss",  "numa_foreign",
					    "interleave_hit", "local_node", "other_node" };
	struct numa_counts n[NODES_A_LINE];
	unsigned row, i;

	ASSERT(count <= NODES_A_LINE, "%u nodes in a line", count);
	kprintf("%-16s", "");
	for (i = 0; i < count; i++) {
		report_numa_node(mm, nid[i], &n[i]);
		kprintf("%*snode%u", nid[i] < 10 ? 11 : 10, "", nid[i]);
	}
	kprintf("\n");
	for (row = 0; row < ARRAY_SIZE(rows); row++) {
		kprintf("%-16s", rows[row]);
		for (i = 0; i < count; i++) {
			const uint64_t value[] = { n[i].hit,        n[i].miss,  n[i].foreign,
						   n[i].interleave, n[i].local, n[i].other };

			kprintf("%16llu", (ull)value[row]);
		}
		kprintf("\n");
	}
}

void report_numastat(struct zonal *mm, bool json)
{
	unsigned group[NODES_A_LINE], count = 0, nid;

	if (json) {
		json_numastat(mm);
		return;
	}
	for (nid = 0; nid < ZONAL_MAX_NODES; nid++) {
		if (!nodemask_has(mm->online, nid))
			continue;
		group[count++] = nid;
		if (count == NODES_A_LINE) {
			text_numa_group(mm, group, count);
			count = 0;
		}
	}
	if (count)
		text_numa_group(mm, group, count);
}
