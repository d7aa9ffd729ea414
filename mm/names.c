/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of zones, migratetypes, policies, page states, refusals, steps and answers.
 *
 * They stand here and nowhere else, beside the enums that they belong to: the
 * reports, the monitor, the scheduler's list of tasks, the host programs and the tests all
 * ask here, so that a value that is added gets its name in one place. Each table has the
 * size of its enum, and what has no entry, like what lies beyond, is "?".
 *
 * Constant data; no state, no locks, any context.
 */
#include "compact/move.h"
#include "compact/rung.h"
#include "lib/name_in.h"
#include "page_check.h"

#include <zonal/contig.h>
#include <zonal/names.h>
#include <zonal/zonal.h>

static const char *const zone_names[ZONE_TYPES] = {
	[ZONE_DMA] = "DMA",
	[ZONE_DMA32] = "DMA32",
	[ZONE_NORMAL] = "Normal",
	[ZONE_MOVABLE] = "Movable",
};

static const char *const type_names[MIGRATE_TYPES] = {
	[MIGRATE_UNMOVABLE] = "Unmovable",
	[MIGRATE_MOVABLE] = "Movable",
	[MIGRATE_RECLAIMABLE] = "Reclaimable",
	[MIGRATE_HIGHATOMIC] = "HighAtomic",
	[MIGRATE_CMA] = "CMA",
	[MIGRATE_ISOLATE] = "Isolate",
};

static const char *const policy_names[MPOL_MODES] = {
	[MPOL_DEFAULT] = "default",
	[MPOL_PREFERRED] = "preferred",
	[MPOL_BIND] = "bind",
	[MPOL_INTERLEAVE] = "interleave",
	[MPOL_LOCAL] = "local",
};

static const char *const state_names[PAGE_STATES] = {
	[PAGE_HOLE] = "hole",
	[PAGE_RESERVED] = "reserved",
	[PAGE_INNER] = "inner",
	[PAGE_FREE] = "free",
	[PAGE_PCP] = "pcp",
	[PAGE_USED] = "used",
	[PAGE_TAIL] = "tail",
	[PAGE_BAD] = "bad",
	[PAGE_LONE] = "used alone",
};

static const char *const refusal_names[] = {
	[REFUSED_NOT_ASKED] = "not asked",
	[REFUSED_NODEMASK] = "not in node mask",
	[REFUSED_CPUSET] = "not in cpuset",
	[REFUSED_WATERMARK] = "below watermark",
	[REFUSED_NO_BLOCK] = "no free block",
	[REFUSED_RACE] = "taken meanwhile",
};

static const char *const compact_names[COMPACT_RESULTS] = {
	[COMPACT_NOT_TRIED] = "not_suitable_zone",
	[COMPACT_SKIPPED] = "skipped",
	[COMPACT_DEFERRED] = "deferred",
	[COMPACT_NO_SUITABLE] = "no_suitable_page",
	[COMPACT_CONTINUE] = "continue",
	[COMPACT_COMPLETE] = "complete",
	[COMPACT_PARTIAL_SKIPPED] = "partial_skipped",
	[COMPACT_CONTENDED] = "contended",
	[COMPACT_SUCCESS] = "success",
};

static const char *const move_names[MOVE_WHYS] = {
	[ZONAL_GIVE_YES] = "moved",
	[ZONAL_GIVE_GONE] = "gone",
	[ZONAL_GIVE_USED] = "used",
	[ZONAL_GIVE_BUSY] = "busy",
	[ZONAL_GIVE_DIRTY] = "dirty",
	[ZONAL_GIVE_WRITING] = "being written",
	[ZONAL_GIVE_NO_ROOM] = "refused",
	[MOVE_HELD] = "held by somebody",
	[MOVE_NO_WAY] = "its owner moves nothing",
	[MOVE_NO_TARGET] = "no frame to move to",
};

static const char *const retired_names[ZONAL_RETIRED_ANSWERS] = {
	[ZONAL_RETIRED_FREE] = "was free, is out of use",
	[ZONAL_RETIRED_MOVED] = "was moved away, is out of use",
	[ZONAL_RETIRED_LATER] = "in use, is kept back when it is freed",
	[ZONAL_RETIRED_RESERVED] = "reserved, will not be given to the allocator",
	[ZONAL_RETIRED_ALREADY] = "is out of use already",
	[ZONAL_RETIRED_NO_PAGE] = "no such page",
	[ZONAL_RETIRED_BUSY] = "changes its state all the time",
};

static const struct zonal_step step_table[] = {
	{ ZSTEP_FAST, false, "fast", "low" },
	{ ZSTEP_MIN, false, "min", "min" },
	{ ZSTEP_RESERVES, false, "reserves", "reserves" },
	{ ZSTEP_KSWAPD, false, "kswapd", "kswapd" },
	{ ZSTEP_RECLAIM, false, "reclaim", "reclaim" },
	{ ZSTEP_COMPACT, false, "compact", "compact" },
	{ ZSTEP_OOM, false, "oom", "oom (nobody gave back memory)" },
	{ ZSTEP_DRAIN, false, "drain", "drain" },
	{ ZSTEP_INJECTED, true, "injected", "failed on purpose" },
	{ ZSTEP_BAD_ORDER, true, "bad-order", "order is not below the largest" },
	{ ZSTEP_BAD_NODE, true, "bad-node", "no such node online" },
	{ ZSTEP_BAD_FLAGS, true, "bad-flags", "two zones or two mobilities asked at once" },
	{ ZSTEP_GROUP, true, "group", "its memory group is at its limit" },
	{ ZSTEP_NO_CLEAR, true, "no-clear",
	  "zeroed pages asked, and no clear function was given" },
};

/* Names differ in more than case; a blank or "?" finds nothing. */
static bool same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		char lower = *a >= 'A' && *a <= 'Z' ? (char)(*a - 'A' + 'a') : *a;
		char other = *b >= 'A' && *b <= 'Z' ? (char)(*b - 'A' + 'a') : *b;

		if (lower != other)
			return false;
	}
	return *a == *b;
}

static unsigned find_name(const char *const *table, unsigned count, const char *name)
{
	unsigned i = 0;

	while (i < count && !same_name(table[i], name))
		i++;
	return i;
}

const char *zonal_zone_name(unsigned type) { return NAME_IN(zone_names, type); }

const char *zonal_type_name(unsigned type) { return NAME_IN(type_names, type); }

const char *zonal_policy_name(unsigned mode) { return NAME_IN(policy_names, mode); }

const char *page_state_name(enum page_state state)
{
	return NAME_IN(state_names, state);
}

const char *zonal_refusal_name(unsigned refusal)
{
	return NAME_IN(refusal_names, refusal);
}

const char *zonal_compact_name(unsigned result)
{
	return NAME_IN(compact_names, result);
}

const char *move_why_name(unsigned why) { return NAME_IN(move_names, why); }

const char *zonal_retired_text(enum zonal_retired answer)
{
	return NAME_IN(retired_names, answer);
}

char zonal_type_letter(unsigned type)
{
	static const char letters[MIGRATE_TYPES + 1] = "UMEHCI";

	return type < MIGRATE_TYPES ? letters[type] : ZONAL_NO_NAME[0];
}

unsigned zonal_policy_find(const char *name) { return find_name(policy_names, MPOL_MODES, name); }

unsigned zonal_zone_find(const char *name) { return find_name(zone_names, ZONE_TYPES, name); }

const struct zonal_step *zonal_step(unsigned n)
{
	return n < ARRAY_SIZE(step_table) ? &step_table[n] : NULL;
}
