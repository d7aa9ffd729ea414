/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `limits`: how full each table of config.h is. `meta`: what the allocator takes for
 * itself.
 *
 * No limit is hidden: each fixed size is a build value with a name, an overflow is an
 * error that gives the name, and this table shows how near a board comes. Ids are
 * counted as highest + 1, because that is what the table must reach. Page frame numbers
 * have a line although no table holds them: links in struct page keep 32 bits of them.
 *
 * Metadata is what zonal_init() took of the storage that zonal_plan() asked for: page map,
 * nodes with zones and zonelists, per-CPU lists. It is shown beside the RAM that it serves.
 *
 * Locks: none; everything read here is immutable after init or atomic.
 */
#include "report.h"

#include <string.h>

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "mm/page_owner.h"

typedef unsigned long long ull;

struct limit {
	const char *name;
	uint64_t used, size;
	const char *what;
};

static unsigned highest_node(const struct zonal *mm)
{
	return mm->online ? 64u - (unsigned)__builtin_clzll(mm->online) : 0;
}

static uint64_t end_pfn(const struct zonal *mm)
{
	const struct zone *zone;
	uint64_t end = 0;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone)
		end = ZN_MAX(end, zone->start_pfn + zone->spanned);
	return end;
}

static void print_limit(const struct limit *l, bool json, bool first)
{
	ASSERT(l->used <= l->size, "%s: %llu of %llu", l->name, (ull)l->used, (ull)l->size);
	if (json)
		kprintf("%s{\"name\":\"%s\",\"used\":%llu,\"size\":%llu,\"what\":\"%s\"}",
			first ? "" : ",", l->name, (ull)l->used, (ull)l->size, l->what);
	else
		kprintf("%-18s %12llu of %12llu  %s\n", l->name, (ull)l->used, (ull)l->size,
			l->what);
}

void report_limits(struct zonal *mm, const struct boot_info *info, bool json)
{
	const struct limit limits[] = {
		{ "ZONAL_MAX_NODES", highest_node(mm), ZONAL_MAX_NODES, "node ids" },
		{ "ZONAL_MAX_CPUS", mm->cpu_count, ZONAL_MAX_CPUS, "cores" },
		{ "32-bit pfn", end_pfn(mm), PFN_NONE, "page frames up to the end of RAM" },
		{ "ZONAL_MAX_RANGES", info ? info->range_count : 0, ZONAL_MAX_RANGES,
		  "ranges of memory" },
		{ "ZONAL_MAX_RANGES", info ? info->reserved_count : 0, ZONAL_MAX_RANGES,
		  "reserved ranges" },
		{ "ZONAL_OWNER_STACKS", mm->owner ? ld_relaxed(&mm->owner->depot.used) : 0,
		  ZONAL_OWNER_STACKS, "stacks of page_owner" },
	};
	unsigned count = info ? ARRAY_SIZE(limits) : 3, i;

	if (json)
		kprintf("{\"schema\":\"zonal.limits/1\",\"limits\":[");
	for (i = 0; i < count; i++)
		print_limit(&limits[i], json, i == 0);
	if (json)
		kprintf("]}\n");
}

void report_meta(struct zonal *mm, bool json)
{
	uint64_t present = 0, managed = 0, per_mille;
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone) {
		present += zone->present;
		managed += ld_relaxed(&zone->managed);
	}
	ASSERT(managed <= present, "%llu pages managed of %llu", (ull)managed, (ull)present);
	per_mille = present ? mm->meta_bytes * 1000 / (present * PAGE_SIZE) : 0;
	if (json) {
		kprintf("{\"schema\":\"zonal.meta/1\",\"meta_bytes\":%llu,\"page_bytes\":%zu,"
			"\"present\":%llu,\"managed\":%llu,\"instance_bytes\":%zu}\n",
			(ull)mm->meta_bytes, sizeof(struct page), (ull)present, (ull)managed,
			sizeof(*mm));
		return;
	}
	kprintf("metadata      %llu KiB, %llu.%llu %% of RAM\n", (ull)(mm->meta_bytes >> 10),
		(ull)(per_mille / 10), (ull)(per_mille % 10));
	kprintf("page map      %zu bytes a page, %llu pages of RAM\n", sizeof(struct page),
		(ull)present);
	kprintf("managed       %llu pages\n", (ull)managed);
	kprintf("instance      %zu bytes\n", sizeof(*mm));
}
