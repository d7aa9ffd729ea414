/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zones, per-CPU lists, nodes and zonelists: the data of the allocator.
 *
 * Legend of the letters behind the fields:
 *	i  immutable after zonal_init()
 *	z  written under zone->lock with interrupts masked; read anywhere, relaxed
 *	c  the CPU that owns the structure, masked; others read counters, relaxed
 *	t  written by the set-up of tunables (one caller at a time); read relaxed
 */
#ifndef MM_ZONE_H
#define MM_ZONE_H

#include <zonal/zonal.h>

#include "lib/lock.h"
#include "mm/compact/state.h"
#include "mm/reclaim/lru.h"
#include "page.h"

enum watermark { WMARK_MIN, WMARK_LOW, WMARK_HIGH, WMARKS };

/* One list of free blocks, linked by pfn; PFN_NONE ends it. Changed only by
 * the functions of buddy_list.h. */
struct free_list {
	uint32_t first;
	uint32_t last;
	uint32_t count;
	uint32_t spare; /* 16 bytes: found by a shift */
};

/* Behind the lists of the migratetypes those of guards (B3): blocks that nobody is given, and
 * that do not count as free. */
#define LIST_GUARD ((unsigned)MIGRATE_TYPES)
#define FREE_LISTS (LIST_GUARD + 1)

/* Neither mobility nor guards: the lists of one type are all that there is. */
#define ONE_TYPE (!ZONAL_MOBILITY && !ZONAL_AIDS)

/* Lists a type, rounded up for the same reason; the last five stay empty. */
#define LIST_SLOTS 16
_Static_assert(MAX_ORDER <= LIST_SLOTS, "one list an order");

/* Counters of one CPU for one zone. */
enum pcp_stat {
	/* Blocks taken: [miss][other]; hit: from the preferred node; local: from the
	 * taker's node (Y2, Y3). The four sum to the blocks taken. */
	STAT_HIT_LOCAL,
	STAT_HIT_OTHER,
	STAT_MISS_LOCAL,
	STAT_MISS_OTHER,
	STAT_TAKE_EXTRA, /* pages taken beyond the first of each block: PGALLOC = blocks + this */
	STAT_FREED,      /* PGFREE: pages freed (Y1) */
	STAT_FOREIGN,    /* blocks wanted here, served elsewhere */
	STAT_INTERLEAVE, /* interleave requests served by the wanted node (Q7) */
	STAT_REFILL,     /* bulk takes from the buddy */
	STAT_BULK_FREE,  /* bulk returns to it */
	PCP_STATS
};

/* What a theft asks instead of 512 words; the smallest builds have the words alone. */
#define ZONE_HEADS (ZONAL_LANES && ZONAL_MOBILITY)
#define HEADS_NONE 0xffu

/* Structures that follow each other as their frames do: so many from `first` on. */
struct page_run {
	uintptr_t first;
	_Atomic uint64_t pages;
};

struct zone {
	/* z: the two of `floor` that lanes ask for, by twice the lane: [0] NORMAL, [2] MOVABLE.
	 * First of all, and so far apart, for the shortest way to their address. */
	_Atomic int64_t lane_floor[3];
	/* i: where frame 0's structure would be, if all of the zone's follow each other; or 0 */
	uintptr_t map;
	/* i: where frame 0's byte would be, if `map` is not 0. z: a byte: 0: a free block may
	 * begin there, or one of order 1 in use; HEADS_NONE: none does (block_steal.c). */
	uintptr_t heads;
	/* i a: pages with PG_LRU, by pfn >> PAGEBLOCK_ORDER; there if `map` is not 0 */
	_Atomic uint32_t *listed;
	struct zonal *mm;        /* i */
	uint8_t id;              /* i: node * ZONE_TYPES + type */
	uint8_t node;            /* i */
	uint8_t type;            /* i: enum zone_type */
	_Atomic uint8_t boosted; /* z: the next take wakes kswapd (F13) */
	_Atomic int64_t mark[WMARKS];              /* t: without the boost */
	_Atomic int64_t boost;                     /* z: added to all three marks (W1) */
	_Atomic int64_t lowmem_reserve[ZONE_TYPES]; /* t: kept from requests that could go higher */
	_Atomic int64_t free;       /* z: pages in the lists, ISOLATE blocks left out (B12) */
	_Atomic int64_t free_cma;   /* z: of these, in CMA lists */
	_Atomic int64_t highatomic; /* z: pages of reserved highatomic blocks */
	/* z: LOW + boost + reserve[type] + highatomic, the order-0 test in one load, or
	 * INT64_MAX while `boosted` is set; kept by zone_update_floor(). */
	_Atomic int64_t floor[ZONE_TYPES];

	struct ticket_lock lock;
	_Atomic uint16_t filled[FREE_LISTS]; /* z: bit n: list of order n is not empty */
	struct free_list list[FREE_LISTS][LIST_SLOTS]; /* z */
	unsigned isolated_blocks;                        /* z */
	unsigned guard_order; /* i: halves of lower orders become guards (B3); 0: none do */
	_Atomic uint8_t report_news; /* z: a block worth reporting was freed (A14); reporting.c */
	uint64_t shuffle; /* z: state of the zone's random numbers (A13); 0: it does not shuffle */
	_Atomic uint64_t retired; /* a: bad pages out of use for good (compact/retire.c) */
	/* z: pages that `highatomic` counts beyond the reserved blocks; less than 0: too few.
	 * 5.10's count is kept for equality, and this says where it is wrong. */
	int64_t highatomic_lost;

	pfn_t start_pfn;   /* i */
	uint64_t spanned;  /* i: pages from first to last */
	uint64_t present;  /* i: of these, RAM */
	_Atomic uint64_t managed; /* z: of these, the allocator's */
	unsigned pcp_batch, pcp_high;    /* t */
	unsigned stat_threshold;         /* t: 5.10's, shown only; our counters are exact (Y8) */
	struct zone_compact compact;
	_Atomic uint64_t numa_base[PCP_STATS]; /* t: when they were switched on again (Y5) */
	_Atomic uint64_t deferred; /* z: pages of `managed` that are to be handed over later */
	/* i: from its first map on; no pages: it has none of boot (pagemap.c) */
	struct page_run run;
	bool later; /* i: memory was held back (online.c); it is in the zonelists without any */
};

/*
 * A per-CPU list is a ring of page pointers: takes and hot frees at `head`,
 * refills and cold returns at `tail`. Indices run freely; slot = index & mask.
 */
struct pcp_ring {
	uint32_t head;
	uint32_t tail;
	struct page **slot;
};

/* One a type that has lists of its own; without mobility all pages are of the first (row P1). */
#define PCP_RINGS (ZONAL_MOBILITY ? (unsigned)MIGRATE_PCPTYPES : 1u)

/* Where there are lanes, up to a power of two: a shift leads from a zone's id to its lists. */
#define PCP_SPARE                                                                                  \
	(ZONAL_LANES ? 144 - (PCP_RINGS + ZONAL_MOBILITY) * sizeof(struct pcp_ring) : 8)

/* Per-CPU lists of one CPU for one zone (rows P). Owned by that CPU under its
 * interrupt mask; nobody else touches the rings. */
struct pcp {
	/* c; behind them one that stays empty, for a lane that is asked for two types (G3). */
	struct pcp_ring ring[PCP_RINGS + ZONAL_MOBILITY];
	uint32_t mask;         /* i: ring size - 1 */
	_Atomic uint32_t count; /* c: pages in all rings */
	uint32_t high;         /* c: at this many a batch goes back */
	uint32_t batch;        /* c */
	_Atomic uint64_t stat[PCP_STATS]; /* c */
	/* Of zonal_expire_lists(): uses at its last call, and calls until a batch goes (P12). */
	uint64_t seen;
	uint8_t expire;
	uint8_t owed_type; /* c: what a refill has still to bring, in pieces, and of which type */
	uint16_t owed;
	_Atomic bool announced; /* t: its CPU may use it, zonal_cpu_online() */
	char spare[PCP_SPARE];
};
_Static_assert(!ZONAL_LANES || sizeof(struct pcp) == 256, "see above");

/* One place in a fallback order. */
struct zoneref {
	struct zone *zone;
	uint8_t type;
	uint8_t node;
};

/* Zones in the order of trial; first[t] is where a request limited to zones <= t begins
 * (index into ref, count if nowhere). Built by node_build_zonelists(); i. */
struct zonelist {
	unsigned count;
	uint16_t first[ZONE_TYPES];
	struct zoneref ref[ZONAL_MAX_NODES * ZONE_TYPES];
};

/* What of a node is initialised later (deferred.c). */
struct node_deferred {
	struct ticket_lock lock;
	struct zone *zone;      /* i: the only one of the node that has such sections; NULL: none */
	pfn_t next;             /* lock: all below has been done */
	_Atomic uint64_t pages; /* lock: structures to be written still */
};

/* Behind the maps of a node's piece (meta.c): what the zones have of theirs, pagemap.c. */
struct node_maps {
	uintptr_t first; /* i: the first structure */
	uint64_t pages;  /* i */
	uint8_t *heads;  /* i: a byte each */
	_Atomic uint32_t *listed; /* i: a word each pageblock */
};

struct node {
	uint8_t id;
	bool online;
	bool has_memory; /* some zone has present pages */
	pfn_t start_pfn; /* i: span of its memory */
	uint64_t spanned, present;
	struct zonelist fallback;   /* all nodes, nearest first */
	struct zonelist nofallback; /* own zones only */
	struct zone *lane[2]; /* i: what a list for NORMAL, MOVABLE begins with; NULL: not here */
	uint8_t order[ZONAL_MAX_NODES]; /* nodes in fallback order */
	unsigned order_count;
	uint64_t total_reserve;     /* t: S7, of its zones */
	struct node_maps maps;
	struct node_reclaim reclaim;
	struct node_compact compact;
	struct node_deferred deferred;
	struct zone zone[ZONE_TYPES];
};

static inline int64_t zone_managed(const struct zone *zone)
{
	return (int64_t)ld_relaxed(&((struct zone *)(uintptr_t)zone)->managed);
}

/* Has it a place in the zonelists? Asked when they are built, and by who brings memory later. */
static inline bool zone_listed(const struct zone *zone)
{
	return zone_managed(zone) || zone->later;
}

#endif
