/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports on an instance: the tables that Linux users know from /proc, or one JSON
 * object on one line with a `schema` key. All print through kprintf().
 *
 * Counters are read relaxed while others change them, so the figures of one
 * report may be a moment apart; each is exact when nobody allocates. Where block counts
 * are shown, each zone's lock is held while they are copied, never while printing.
 * Context unless said otherwise: task or boot, not masked.
 */
#ifndef REPORT_H
#define REPORT_H

#include <zonal/zonal.h>

#include "mm/mm.h"

/* ---- the commands ------------------------------------------------------- */

void report_zoneinfo(struct zonal *mm, bool json);
void report_buddyinfo(struct zonal *mm, bool json);
void report_pagetypeinfo(struct zonal *mm, bool json);
void report_vmstat(struct zonal *mm, bool json);
void report_numastat(struct zonal *mm, bool json);

/* One of `vmstat` (enum vm_event), of all CPUs. */
uint64_t report_event(const struct zonal *mm, unsigned event);

/* How full each table of config.h is; `info` may be NULL. */
void report_limits(struct zonal *mm, const struct boot_info *info, bool json);
/* Memory that the allocator takes for itself. */
void report_meta(struct zonal *mm, bool json);
/* The newest failed request of any CPU and why each zone refused it. */
void report_why(struct zonal *mm, bool json);
/* The marks and tunables in force. */
void report_tunables(struct zonal *mm, bool json);

/* The whole state in a few lines, as a failed allocation of Linux prints it. Takes no
 * lock, any context: for the panic path. */
void report_panic(const struct zonal *mm);

/*
 * Take blocks until NULL without reclaim, give all back, and print zones before, the
 * runs of blocks by zone, and zones after. False if the request itself is wrong.
 * Context: task.
 */
bool report_probe(struct zonal *mm, gfp_t gfp, unsigned order, int nid, bool json);

/* ---- shared by them ----------------------------------------------------- */

/* What one zone's lock guards, copied at one moment. */
struct zone_snapshot {
	uint32_t blocks[MIGRATE_TYPES][MAX_ORDER];
	int64_t mark[WMARKS]; /* without the boost */
	int64_t boost, free, free_cma, highatomic;
	int64_t reserved; /* pages of highatomic blocks; what is counted can be more (H2) */
	uint64_t managed;
};

/* `lock` false: no lock, values of different moments. */
void report_snapshot(struct zone *zone, bool lock, struct zone_snapshot *out);
/* Blocks of one order over all types: /proc's nr_free. */
uint64_t snapshot_blocks(const struct zone_snapshot *s, unsigned order);

/* One counter of one zone, summed over the CPUs. */
uint64_t report_stat(const struct zonal *mm, unsigned zid, enum pcp_stat stat);

/* 5.10's NUMA counters of one zone, derived from ours (Y2-Y4). */
struct numa_counts {
	uint64_t hit, miss, foreign, interleave, local, other;
};
void report_numa(const struct zonal *mm, unsigned zid, struct numa_counts *out);
/* The same over the zones of a node. */
void report_numa_node(const struct zonal *mm, unsigned nid, struct numa_counts *out);

/* [a,b,...] of the nr_free counts. */
void report_json_blocks(const struct zone_snapshot *s);

#endif
