/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watermarks: how much of a zone a request may use up.
 *
 * The test (W2-W5). From the free pages take away what this request cannot use:
 * the pages of a high-order block beyond the first (2^order - 1), the highatomic
 * reserve unless the request may harm it, free CMA pages unless it may use them.
 * Lower the mark for urgent requests, in this order: HIGH halves it, then an OOM
 * victim halves it again, or else HARDER takes a quarter off. So GFP_ATOMIC goes
 * down to 3/8: with MIN 1024, 1024 -> 512 -> 384, and 385 usable pages pass. The
 * rest must be *more* than the mark plus the zone's lowmem reserve against
 * requests that could have gone to a higher zone. Above order 0 there must also
 * be a block that is large enough in a list that the request may take from.
 *
 * The marks (S3, S4). min_free_kbytes is spread over the zones by size; LOW and
 * HIGH follow in steps of max(MIN/4, managed * scale / 10000). The default
 * min_free_kbytes grows with the square root of memory (S1): 1 GiB gives 4096.
 *
 * The boost (S8). Each time a request has to break up a block of another
 * mobility, the marks rise by one pageblock, up to 150 % of HIGH, so that
 * reclaim starts earlier and fragmentation stops spreading. Example: HIGH 1548
 * caps it at 2322; four steals give 2048, the fifth 2322.
 *
 * Counters are read without the zone lock and marks may change meanwhile; each
 * field is a relaxed atomic, and an answer that is a moment old is as good as
 * the answer a moment ago. `floor` is the whole order-0 test at LOW folded into one
 * number; zone_update_floor() must follow every change of its parts.
 */
#include "watermark.h"

static int64_t usable_pages(struct zone *zone, unsigned order, unsigned flags)
{
	int64_t usable = ld_relaxed(&zone->free) - ((1 << order) - 1);

	if (!(flags & (ALLOC_HARDER | ALLOC_OOM)))
		usable -= ld_relaxed(&zone->highatomic);
	if (!(flags & ALLOC_CMA))
		usable -= ld_relaxed(&zone->free_cma);
	return usable;
}

static int64_t lowered_mark(int64_t mark, unsigned flags)
{
	if (flags & ALLOC_HIGH)
		mark -= mark / 2;
	if (flags & ALLOC_OOM)
		mark -= mark / 2;
	else if (flags & ALLOC_HARDER)
		mark -= mark / 4;
	return mark;
}

/* W5: is there a block of `order` or more in a list that may be taken from? */
static bool has_block(struct zone *zone, unsigned order, unsigned flags)
{
	unsigned filled = 0;

	for (unsigned t = 0; t < MIGRATE_PCPTYPES; t++)
		filled |= ld_relaxed(&zone->filled[t]);
	if (flags & ALLOC_CMA)
		filled |= ld_relaxed(&zone->filled[MIGRATE_CMA]);
	if (flags & (ALLOC_HARDER | ALLOC_OOM))
		filled |= ld_relaxed(&zone->filled[MIGRATE_HIGHATOMIC]);
	return filled >> order;
}

bool zone_mark_ok(struct zone *zone, unsigned order, int64_t mark, unsigned high_zone,
		  unsigned flags)
{
	int64_t floor = lowered_mark(mark, flags) + ld_relaxed(&zone->lowmem_reserve[high_zone]);

	if (usable_pages(zone, order, flags) <= floor)
		return false;
	return order == 0 || has_block(zone, order, flags);
}

bool zone_request_ok(struct zone *zone, const struct alloc_req *req, unsigned flags)
{
	unsigned which = flags & ALLOC_WMARK_MASK;

	if (zone_mark_ok(zone, req->order, zone_mark(zone, which), req->high_zone, flags))
		return true;
	/* W7: a boost is there to spare long-lived blocks; an atomic single page
	 * must not fail for it. */
	if (req->order == 0 && (req->gfp & __GFP_ATOMIC) && which == WMARK_MIN &&
	    ld_relaxed(&zone->boost))
		return zone_mark_ok(zone, 0, ld_relaxed(&zone->mark[WMARK_MIN]), req->high_zone,
				    flags);
	return false;
}

int64_t zone_short_pages(struct zone *zone, const struct alloc_req *req, unsigned flags)
{
	int64_t mark = zone_mark(zone, flags & ALLOC_WMARK_MASK);
	int64_t floor = lowered_mark(mark, flags) +
			ld_relaxed(&zone->lowmem_reserve[req->high_zone]);

	return floor + 1 - usable_pages(zone, req->order, flags);
}

void zone_update_floor(struct zone *zone)
{
	int64_t base = zone_mark(zone, WMARK_LOW) + ld_relaxed(&zone->highatomic);

	/* A boosted zone has something to tell (F13); nobody may pass quickly then. */
	for (unsigned t = 0; t < ZONE_TYPES; t++)
		st_relaxed(&zone->floor[t], ld_relaxed(&zone->boosted)
						    ? INT64_MAX
						    : base + ld_relaxed(&zone->lowmem_reserve[t]));
}

/* x * n / d for products beyond 64 bits' comfort: exact, rounds down. */
static uint64_t mul_div(uint64_t x, uint64_t n, uint64_t d)
{
	return x / d * n + x % d * n / d;
}

bool zone_boost(struct zone *zone)
{
	struct zonal *mm = zone->mm;
	int64_t high = ld_relaxed(&zone->mark[WMARK_HIGH]), block = 1 << PAGEBLOCK_ORDER;
	int64_t max, boost;

	if (!mm->boost_factor || 4 * block > zone_managed(zone))
		return false;
	max = (int64_t)mul_div((uint64_t)high, mm->boost_factor, 10000);
	if (!max)
		return false;
	max = ZN_MAX(max, block);
	boost = ld_relaxed(&zone->boost) + block;
	st_relaxed(&zone->boost, ZN_MIN(boost, max));
	zone_update_floor(zone);
	return true;
}

/* Largest r with r * r <= v. */
static uint64_t isqrt(uint64_t v)
{
	uint64_t root = 0;

	for (uint64_t bit = 1ULL << 31; bit; bit >>= 1)
		if ((root + bit) * (root + bit) <= v)
			root += bit;
	return root;
}

uint64_t mark_min_free_kbytes(uint64_t lowmem_kbytes)
{
	uint64_t kbytes = isqrt(lowmem_kbytes * 16);

	return ZN_MIN(ZN_MAX(kbytes, 128u), 262144u);
}

int64_t mark_gap(int64_t min, uint64_t managed, unsigned scale_factor)
{
	int64_t by_size = (int64_t)mul_div(managed, scale_factor, 10000);

	return ZN_MAX(min / 4, by_size);
}

/* S1: what the first online node's list holds above HIGH, for user requests. */
static uint64_t lowmem_kbytes(struct zonal *mm)
{
	const struct zonelist *list = &mm->node[nodemask_first(mm->online)]->fallback;
	uint64_t pages = 0;

	for (unsigned i = list->first[ZONE_NORMAL]; i < list->count; i++) {
		struct zone *zone = list->ref[i].zone;
		int64_t high = ld_relaxed(&zone->mark[WMARK_HIGH]);

		if (zone->type <= ZONE_NORMAL && zone_managed(zone) > high)
			pages += (uint64_t)(zone_managed(zone) - high);
	}
	return pages << (PAGE_SHIFT - 10);
}

/* S1, S2: a value that the user gave stays if it is the larger one. */
static void setup_min_free(struct zonal *mm)
{
	uint64_t computed = mark_min_free_kbytes(lowmem_kbytes(mm));

	if (mm->options.min_free_kbytes > computed)
		mm->min_free_kbytes = mm->options.min_free_kbytes;
	else
		mm->min_free_kbytes = computed;
}

void setup_zone_marks(struct zonal *mm)
{
	uint64_t pages_min = mm->min_free_kbytes >> (PAGE_SHIFT - 10), all = 0;
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone)
		all += (uint64_t)zone_managed(zone);
	mm_for_each_zone(mm, zid, zone) {
		uint64_t managed = (uint64_t)zone_managed(zone);
		int64_t min = all ? (int64_t)(pages_min * managed / all) : 0;
		int64_t gap = mark_gap(min, managed, mm->options.watermark_scale_factor);

		st_relaxed(&zone->mark[WMARK_MIN], min);
		st_relaxed(&zone->mark[WMARK_LOW], min + gap);
		st_relaxed(&zone->mark[WMARK_HIGH], min + 2 * gap);
		st_relaxed(&zone->boost, 0);
	}
}

/* S6 for one zone: what it keeps from requests that could use zones above it. */
static void node_lowmem_reserve(struct zonal *mm, struct node *node, unsigned t)
{
	struct zone *zone = &node->zone[t];
	unsigned ratio = mm->options.lowmem_reserve_ratio[t];
	int64_t above = 0;

	for (unsigned j = t + 1; j < ZONE_TYPES; j++) {
		above += zone_managed(&node->zone[j]);
		st_relaxed(&zone->lowmem_reserve[j],
			   ratio && zone_managed(zone) ? above / (int64_t)ratio : 0);
	}
}

void setup_lowmem_reserve(struct zonal *mm)
{
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
		for (unsigned t = 0; mm->node[n] && t < ZONE_TYPES; t++)
			node_lowmem_reserve(mm, mm->node[n], t);
}

/* S7 */
static void setup_total_reserve(struct zonal *mm)
{
	struct zone *zone;
	unsigned zid;

	mm->total_reserve = 0;
	mm_for_each_zone(mm, zid, zone) {
		int64_t most = 0;

		for (unsigned j = zone->type; j < ZONE_TYPES; j++)
			most = ZN_MAX(most, ld_relaxed(&zone->lowmem_reserve[j]));
		most += ld_relaxed(&zone->mark[WMARK_HIGH]);
		mm->total_reserve += (uint64_t)ZN_MIN(most, zone_managed(zone));
	}
}

static unsigned fls64(uint64_t v) { return v ? 64 - (unsigned)__builtin_clzll(v) : 0; }

unsigned stat_threshold_of(uint64_t managed, unsigned cpus)
{
	uint64_t mem = managed >> (27 - PAGE_SHIFT);
	unsigned threshold = 2 * fls64(cpus) * (1 + fls64(mem));

	return ZN_MIN(threshold, 125u);
}

static unsigned online_cpus(struct zonal *mm)
{
	unsigned count = 0;

	for (unsigned c = 0; c < mm->cpu_count; c++)
		count += mm->cpu[c] && ld_relaxed(&mm->cpu[c]->online);
	return ZN_MAX(count, 1u);
}

void setup_stat_thresholds(struct zonal *mm)
{
	unsigned cpus = online_cpus(mm);
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone) {
		int64_t slack = ld_relaxed(&zone->mark[WMARK_LOW]) -
				ld_relaxed(&zone->mark[WMARK_MIN]);
		int64_t drift;

		zone->stat_threshold = stat_threshold_of((uint64_t)zone_managed(zone), cpus);
		drift = (int64_t)cpus * zone->stat_threshold;
		zone->drift_mark = 0;
		if (drift > slack)
			zone->drift_mark = (uint64_t)(ld_relaxed(&zone->mark[WMARK_HIGH]) + drift);
	}
}

void zonal_setup_marks(struct zonal *mm)
{
	struct zone *zone;
	unsigned zid;

	setup_min_free(mm);
	setup_zone_marks(mm);
	setup_stat_thresholds(mm);
	setup_lowmem_reserve(mm);
	setup_total_reserve(mm);
	mm_for_each_zone(mm, zid, zone)
		zone_update_floor(zone);
}

/* S10: what hangs on min_free_kbytes and the scale factor. */
static void recompute_marks(struct zonal *mm)
{
	struct zone *zone;
	unsigned zid;

	setup_zone_marks(mm);
	setup_stat_thresholds(mm);
	setup_total_reserve(mm);
	mm_for_each_zone(mm, zid, zone)
		zone_update_floor(zone);
}

int zonal_set_min_free_kbytes(struct zonal *mm, uint64_t kbytes)
{
	uint64_t all = 0;
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone)
		all += (uint64_t)zone_managed(zone);
	if (kbytes > all << (PAGE_SHIFT - 10))
		return ZONAL_EINVAL;
	mm->options.min_free_kbytes = kbytes;
	mm->min_free_kbytes = kbytes;
	recompute_marks(mm);
	return 0;
}

int zonal_set_watermark_scale(struct zonal *mm, unsigned factor)
{
	if (factor < 1 || factor > 3000)
		return ZONAL_EINVAL;
	mm->options.watermark_scale_factor = factor;
	recompute_marks(mm);
	return 0;
}

int zonal_set_watermark_boost(struct zonal *mm, unsigned factor)
{
	mm->options.watermark_boost_factor = factor;
	mm->boost_factor = factor;
	return 0;
}

int zonal_set_reserve_ratio(struct zonal *mm, enum zone_type type, unsigned ratio)
{
	struct zone *zone;
	unsigned zid;

	if ((unsigned)type >= ZONE_TYPES)
		return ZONAL_EINVAL;
	mm->options.lowmem_reserve_ratio[type] = ratio;
	setup_lowmem_reserve(mm);
	setup_total_reserve(mm);
	mm_for_each_zone(mm, zid, zone)
		zone_update_floor(zone);
	return 0;
}
