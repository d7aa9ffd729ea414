/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_WATERMARK_H
#define MM_WATERMARK_H

#include "request.h"

/* W1: the mark in force, boost included. */
static inline int64_t zone_mark(struct zone *zone, unsigned mark)
{
	DASSERT(mark < WMARKS, "mark %u of zone %u", mark, zone->id);
	return ld_relaxed(&zone->mark[mark]) + ld_relaxed(&zone->boost);
}

/*
 * The full test (W2-W5): may a request of `order` for zones <= `high_zone` take
 * from `zone` and leave it above `mark`? `mark` already holds the boost. Reads
 * counters without the lock: the answer may be stale by what other CPUs do.
 */
bool zone_mark_ok(struct zone *zone, unsigned order, int64_t mark, unsigned high_zone,
		  unsigned flags);

/* The same if `more` pages were free (R3). */
bool zone_mark_ok_with(struct zone *zone, unsigned order, int64_t mark, unsigned high_zone,
		       unsigned flags, int64_t more);

/* The same, with the special rule for atomic order-0 requests on a boosted zone (W7). */
bool zone_request_ok(struct zone *zone, const struct alloc_req *req,
		     const struct alloc_pass *pass);

/* By how many pages the last test of that kind fails; <= 0: it passes on pages. */
int64_t zone_short_pages(struct zone *zone, const struct alloc_req *req, unsigned flags);

/* At LOW with no privileges: is there room for `pages`? For one page the whole test
 * (W6); for a block the part that counts pages. False says nothing. */
static inline bool zone_quick_room(struct zone *zone, size_t high_zone, bool cma, int64_t pages)
{
	int64_t usable = ld_relaxed(&zone->free) + 1 - pages;

	DASSERT(high_zone < ZONE_TYPES && pages > 0, "zone type %u, %lld pages",
		(unsigned)high_zone, (long long)pages);
	if (!cma)
		usable -= ld_relaxed(&zone->free_cma);
	return usable > ld_relaxed(&zone->floor[high_zone]);
}

/* The same for a lane, by twice its number: the address takes fewer steps. */
static inline bool zone_lane_room(struct zone *zone, size_t twice, bool cma, int64_t pages)
{
	int64_t usable = ld_relaxed(&zone->free) + 1 - pages;

	DASSERT((twice == 0 || twice == 2) && pages > 0, "twice lane %u, %lld pages",
		(unsigned)twice, (long long)pages);
	if (!cma)
		usable -= ld_relaxed(&zone->free_cma);
	return usable > ld_relaxed(&zone->lane_floor[twice]);
}

static inline bool zone_lane_ok(struct zone *zone, size_t twice, bool cma)
{
	return zone_lane_room(zone, twice, cma, 1);
}

static inline bool zone_quick_ok(struct zone *zone, size_t high_zone, bool cma)
{
	return zone_quick_room(zone, high_zone, cma, 1);
}

/* F2: only a NORMAL zone with a DMA32 zone under it has somewhere else to go, so only there
 * can a walk hope to find what it wants without breaking up another mobility's block. */
static inline unsigned flags_nofragment(const struct zone *zone)
{
	struct zonal *mm = zone->mm;

	if (!ZONAL_MOBILITY || zone->type != ZONE_NORMAL)
		return 0;
	if (mm->node_count > 1 && !mm->node[zone->node]->zone[ZONE_DMA32].present)
		return 0;
	return ALLOC_NOFRAGMENT;
}

/* Recompute zone->floor; after any change of LOW, boost, reserve or highatomic. Zone lock held. */
void zone_update_floor(struct zone *zone);

/* F13: the flag that makes the next take wake reclaim. Zone lock held. */
static inline void zone_set_boosted(struct zone *zone, bool boosted)
{
	st_relaxed(&zone->boosted, boosted);
	zone_update_floor(zone);
}

/* x * n / d without overflow in the product: exact, rounds down. */
static inline uint64_t mul_div(uint64_t x, uint64_t n, uint64_t d)
{
	DASSERT(d && n <= UINT64_MAX / d, "%llu parts of %llu", (unsigned long long)n,
		(unsigned long long)d);
	return x / d * n + x % d * n / d;
}

/* S8: raise the boost by one pageblock. False: no boost for this zone. Zone lock held. */
bool zone_boost(struct zone *zone);

/* Take the boost of a zone back. False: there was none. Takes the zone lock. Context: any. */
bool zone_unboost(struct zone *zone);

/* S8: the boost is over, whatever it was. Zone lock held. */
static inline void zone_end_boost(struct zone *zone)
{
	st_relaxed(&zone->boost, 0);
	zone_update_floor(zone);
}

/* S1, S3-S7, P2, Y8: all that hangs on managed pages and tunables. */
void zonal_setup_marks(struct zonal *mm);

/* The largest min_free_kbytes that makes sense: all that is managed. */
uint64_t min_free_most(struct zonal *mm);

/* The parts, for the oracle: each computes from managed pages and tunables only. */
uint64_t mark_min_free_kbytes(uint64_t lowmem_kbytes);
int64_t mark_gap(int64_t min, uint64_t managed, unsigned scale_factor);
unsigned pcp_batch_of(uint64_t managed);
unsigned stat_threshold_of(uint64_t managed, unsigned cpus);
void setup_lowmem_reserve(struct zonal *mm);
void setup_zone_marks(struct zonal *mm);
void setup_stat_thresholds(struct zonal *mm);

#endif
