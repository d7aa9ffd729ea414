/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instance: everything that one allocator knows. Internal to mm/, the tests
 * and the reports; users see only `struct zonal *`.
 */
#ifndef MM_MM_H
#define MM_MM_H

#include "lib/assert.h"
#include "cpu.h"
#include "oom/oom_state.h"
#include "reporting_state.h"
#include "zone.h"

/* Anything but zero here sends every request through the general path. */
#define GATE_BOOT 0x1u      /* row G5: boot is not done */
#define GATE_NO_GROUPING 0x10u /* mobility grouping is off (M12) */
#define AID(bit) (ZONAL_AIDS ? (bit) : 0u) /* of a part that may be left out */
#define GATE_INJECT AID(0x4u)       /* fault injection is armed (G10) */
#define GATE_CHECK_ALL AID(0x20u)   /* look at every page of a block, not only the head (D4, D6) */
#define GATE_PAGE_OWNER AID(0x40u)  /* page_owner records (D17) */
#define GATE_TRACE AID(0x80u)       /* a trace point that allocations pass is on */
#define GATE_TRACE_FREE AID(0x100u) /* the one that frees pass */
#define GATE_POISON AID(0x200u)     /* free pages hold a pattern (D12) */
#define GATE_ZERO_TAKEN AID(0x400u) /* pages come zeroed (D9) */
#define GATE_ZERO_FREED AID(0x800u) /* free pages are zeroed */
#define GATE_CONTENTS (GATE_POISON | GATE_ZERO_TAKEN | GATE_ZERO_FREED)

/* Of these, those that a free must know of too: it takes the careful way. Set by gate_set(). */
#define GATE_FREES (GATE_CHECK_ALL | GATE_TRACE_FREE | GATE_POISON | GATE_ZERO_FREED)

#define MM_SECTION_SHIFT (SECTION_SHIFT - PAGE_SHIFT)

#define ZONE_IDS (ZONAL_MAX_NODES * ZONE_TYPES)
/* A table by any number that the field of the zone id in a page's word may have, cut to this. */
#define RUN_SLOTS (!ZONAL_LANES ? 1 : ZONE_IDS <= 8 ? 8 : ZONE_IDS <= 64 ? 64 : 256)

/* The map of a section covers [first, end), whole 4 MiB blocks; empty: no map. */
struct section_bounds {
	uint32_t first;
	uint32_t end;
};

/* D3: at most so many reports a minute. */
struct report_limit {
	_Atomic uint64_t window_ns; /* when the current minute began; 0: none yet */
	_Atomic uint32_t printed;   /* in it */
};

/* What is not cut off yet of a node's storage; after zonal_init() only the gap is left. */
struct meta_piece {
	char *low, *high;
};

/* Somebody whose pages can be given up or moved; its number is page->owner_id. */
struct zonal_owner {
	const struct zonal_owner_ops *ops; /* NULL: the place is free */
	void *ctx;
	uint8_t id;
	_Atomic uint8_t moves; /* its pages can be moved; read anywhere */
};

/* A CMA area (A8-A12). What is given out of it says BLOCK_CMA_GIVEN of its pages. */
struct cma_area {
	pfn_t start;       /* i */
	uint64_t pages;    /* i: 0: it could not be used */
	_Atomic uint8_t turn; /* a: held while what follows is changed, or the marks are */
	uint8_t order;     /* pieces of 2^order pages */
	_Atomic uint64_t used, allocs, failures, retries;
};

struct zonal {
	_Atomic uint32_t gates; /* GATE_* */
	gfp_t unusual; /* i: requests with one of these bits never take a fast lane */
	nodemask_t online;      /* nodes */
	nodemask_t has_memory;  /* nodes with present pages */
	nodemask_t has_kernel_memory; /* of these, some of it below ZONE_MOVABLE (Q5) */
	unsigned node_count;    /* online nodes */
	unsigned zone_end;      /* i: zone ids from here on are not populated */
	struct node *node[ZONAL_MAX_NODES];
	struct zone *zone[ZONAL_MAX_NODES * ZONE_TYPES]; /* by zone id; NULL: not populated */
	struct mm_cpu *cpu[ZONAL_MAX_CPUS];
	unsigned cpu_count;

	/* Page map: section[pfn >> MM_SECTION_SHIFT], biased, + pfn is the page; 0 or odd: none. */
	uintptr_t *section;
	pfn_t section_count;
	struct section_bounds *bounds; /* i: pfns that the map of each section covers */
	/* Of these, up to here the structures can be read; grows while sections are deferred.
	 * Written under the zone's lock, released behind the structures. */
	_Atomic uint32_t *ready;
	struct deferred *deferred; /* i: NULL: all structures are there since boot */
	uint32_t map_first, map_span;  /* i: pfns from the first of all maps to the last */
	/* i a: by zone id: the structures that a plain free may find there. No pages while a gate
	 * of GATE_FREES is set, so that the one test that it makes sends it the careful way. */
	struct page_run plain[RUN_SLOTS];
	_Atomic uint64_t tracing; /* a: trace points that are on, ZONAL_TRACE_BIT() */

	uint8_t distance[ZONAL_MAX_NODES][ZONAL_MAX_NODES];
	uint8_t policy_zone;         /* N6 */
	struct zonal_options options;
	uint64_t min_free_kbytes;    /* in force */
	uint64_t total_reserve;      /* S7 */
	gfp_t gfp_allowed;           /* G5 */

	_Atomic uint64_t bad;        /* damaged pages and wrong calls, all of them */
	struct report_limit report_limit; /* of all reports on pages (D3) */
	_Atomic uint32_t sleep_reports, atomic_reports; /* G11, L2: the first is printed */
	_Atomic uint32_t refusal_reports; /* G4, the first is printed */
	_Atomic uint64_t failures;   /* serial of struct zonal_failure */
	_Atomic int64_t inject_skip, inject_times; /* D19 */
	zonal_clear_fn clear;
	const struct zonal_contents *contents; /* i */
	void *ctx;
	struct meta_piece meta[ZONAL_MAX_NODES]; /* i: the caller's storage, see meta.c */
	uint64_t meta_bytes;         /* of it used */
	_Atomic unsigned boost_factor; /* t: per 10,000 of HIGH */
	struct page_owner *owner;    /* i: NULL: page_owner is off */
	/* Written by one caller at a time, before the first page of that owner is listed. */
	struct zonal_owner owners[ZONAL_MAX_OWNERS];
	_Atomic uint8_t reclaim_mode, numa_stat_off, proactiveness; /* t: K15, Y5, X15; 0: off */
	struct ticket_lock shrinker_lock;
	struct zonal_shrinker *shrinkers; /* shrinker_lock */
	_Atomic uint32_t shrinking;       /* a: walks over them under way */
	struct cma_area cma[ZONAL_CMA_AREAS];
	unsigned cma_count;       /* i */
	_Atomic uint8_t cma_turn, resizing; /* a: one takes a CMA range; one resizes (online.c) */
	_Atomic uint64_t swap_free; /* a: places for anonymous pages, as their owners say */
	struct oom oom;
	struct cpuset_state cpusets;
	struct group_state groups;
	struct claim_state claims;
	struct reporting_state reporting;
};

static inline struct page *mm_page(const struct zonal *mm, pfn_t pfn)
{
	DASSERT(pfn >> MM_SECTION_SHIFT < mm->section_count, "pfn 0x%llx, %llu sections",
		(unsigned long long)pfn, (unsigned long long)mm->section_count);
	return (struct page *)(mm->section[pfn >> MM_SECTION_SHIFT]) + pfn;
}

/* The structures of section `s` that can be read end here; bounds[s].first or less: none can.
 * Every walk over frame numbers asks. */
static inline pfn_t mm_section_ready(const struct zonal *mm, pfn_t s)
{
	DASSERT(s < mm->section_count, "section %llu of %llu", (unsigned long long)s,
		(unsigned long long)mm->section_count);
	return ld_acquire(&mm->ready[s]);
}

/* Is there a structure of this page, RAM or not, that can be read? */
static inline bool mm_page_ready(const struct zonal *mm, pfn_t pfn)
{
	pfn_t s = pfn >> MM_SECTION_SHIFT;

	return s < mm->section_count && pfn < mm_section_ready(mm, s) && pfn >= mm->bounds[s].first;
}

/* The instance and the port disagree about who may call. */
void mm_unknown_cpu(const struct zonal *mm, unsigned cpu) ZN_NORETURN;

/* What the instance has for CPU `cpu`, which must be one that it was built for. Masked. */
static inline struct mm_cpu *mm_cpu(const struct zonal *mm, unsigned cpu)
{
	struct mm_cpu *found = mm->cpu[cpu];

	DASSERT(cpu < ZONAL_MAX_CPUS, "CPU %u of a port that has %d", cpu, ZONAL_MAX_CPUS);
	if (unlikely(!found))
		mm_unknown_cpu(mm, cpu);
	return found;
}

/* The same for the CPU that runs this. Masked. */
static inline struct mm_cpu *mm_this_cpu(const struct zonal *mm)
{
	return mm_cpu(mm, port_this_cpu()->id);
}

/* Is the structure one of this instance's? Reads the page, so it must be somebody's. For hot
 * paths: where the map has a gap at the border of a section, a page of another instance whose
 * map lies just there would pass. */
static inline bool mm_seems_ours(const struct zonal *mm, const struct page *page)
{
	return likely(page->pfn - mm->map_first < mm->map_span) &&
	       likely(mm_page(mm, page->pfn) == page);
}

/* Is it one that a plain free may find in this zone? By its address alone, which is exact: it can
 * be no structure of anybody else's, and none but the start of one. */
static inline bool mm_frees_plainly(const struct zonal *mm, const struct page *page, size_t zid)
{
	const struct page_run *run = &mm->plain[RUN_SLOTS == 256 ? zid : zid & (RUN_SLOTS - 1)];
	uint64_t offset = (uintptr_t)page - run->first;

	/* By bytes, turned by 5 bits: the low ones, of what is no start, make it huge. */
	offset = offset / sizeof(*page) | offset << 59;
	return likely(offset < ld_relaxed(&((struct page_run *)(uintptr_t)run)->pages));
}

/* Set or clear gates. A request or a free that is under way may not notice. Any context. */
void gate_set(struct zonal *mm, uint32_t gates, bool on);
/* What of mm->plain hangs on gates. Any context. */
void instance_plain_frees(struct zonal *mm);

/* The same, exactly. */
static inline bool mm_owns(const struct zonal *mm, const struct page *page)
{
	return mm_seems_ours(mm, page) && mm_page_ready(mm, page->pfn);
}

/* Count an event on the CPU that runs this. */
static inline void mm_event(const struct zonal *mm, unsigned event, uint64_t n)
{
	port_irqflags_t irq = port_irq_save();

	own_add(&mm_this_cpu(mm)->event[event], n);
	port_irq_restore(irq);
}

static inline struct zone *mm_page_zone(const struct zonal *mm, const struct page *page)
{
	return mm->zone[page_zid(page)];
}

#define mm_for_each_zone(mm, zid, z)                                                               \
	for (zid = 0; zid < (mm)->zone_end; zid++)                                                 \
		if (((z) = (mm)->zone[zid]))

#endif
