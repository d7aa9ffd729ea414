/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Setting up the watermarks and all that is computed with them.
 *
 * The marks (S3, S4). min_free_kbytes is spread over the zones by size; LOW and
 * HIGH follow in steps of max(MIN/4, managed * scale / 10000). The default
 * min_free_kbytes grows with the square root of memory (S1): 1 GiB gives 4096.
 *
 * The lowmem reserve (S6). A request that may use a high zone should not eat up the low
 * ones, which others cannot do without. So each zone keeps, from requests that could go
 * to zone j above it, the pages of the zones between divided by its ratio: 256
 * for the DMA zones, 32 for NORMAL. A zone without pages keeps nothing.
 *
 * Golden figures: one zone of 1 GiB has marks 1024/1286/1548; two zones of 1 GiB each
 * 724/986/1248.
 *
 * One caller at a time; readers see relaxed atomics and may mix old and new for a
 * moment. Counting by hundreds of CPUs is what `stat_threshold` was for in 5.10; our
 * counters are exact, and it is computed to be shown. 5.10's percpu_drift_mark (Y9) is not.
 */
#include "watermark.h"

#include "lib/assert.h"
#include "trace.h"
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

	ASSERT(min >= 0, "mark %lld", (long long)min);
	return ZN_MAX(min / 4, by_size);
}

/* S1: what the first online node's list holds above HIGH, for user requests. */
static uint64_t lowmem_kbytes(struct zonal *mm)
{
	const struct zonelist *list = &mm->node[nodemask_first(mm->online)]->fallback;
	uint64_t pages = 0;

	ASSERT(mm->online, "no node is online");
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

/* Under the lock: a theft on another CPU raises the boost there (S8). */
static void set_marks(struct zone *zone, int64_t min, int64_t gap)
{
	port_irqflags_t irq = port_irq_save();

	ASSERT(min >= 0 && gap >= 0, "zone %u: min %lld, gap %lld", zone->id, (long long)min,
	       (long long)gap);
	lock_take(&zone->lock);
	st_relaxed(&zone->mark[WMARK_MIN], min);
	st_relaxed(&zone->mark[WMARK_LOW], min + gap);
	st_relaxed(&zone->mark[WMARK_HIGH], min + 2 * gap);
	trace(zone->mm, CALL_OTHER, ZONAL_OTHER_MARKS, zone->node, zone->type);
	st_relaxed(&zone->boost, 0);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
}

static uint64_t managed_pages(struct zonal *mm)
{
	uint64_t pages = 0;
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone)
		pages += (uint64_t)zone_managed(zone);
	return pages;
}

void setup_zone_marks(struct zonal *mm)
{
	uint64_t pages_min = mm->min_free_kbytes >> (PAGE_SHIFT - 10);
	uint64_t all = managed_pages(mm);
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone) {
		uint64_t managed = (uint64_t)zone_managed(zone);
		int64_t min = all ? (int64_t)(pages_min * managed / all) : 0;
		int64_t gap = mark_gap(min, managed, mm->options.watermark_scale_factor);

		set_marks(zone, min, gap);
	}
}

/* S6 for one zone: what it keeps from requests that could use zones above it. */
static void node_lowmem_reserve(struct zonal *mm, struct node *node, unsigned t)
{
	struct zone *zone = &node->zone[t];
	unsigned ratio = mm->options.lowmem_reserve_ratio[t];
	int64_t above = 0;

	ASSERT(t < ZONE_TYPES, "zone type %u", t);
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
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
		if (mm->node[n])
			mm->node[n]->total_reserve = 0;
	mm_for_each_zone(mm, zid, zone) {
		int64_t most = 0;

		for (unsigned j = zone->type; j < ZONE_TYPES; j++)
			most = ZN_MAX(most, ld_relaxed(&zone->lowmem_reserve[j]));
		most += ld_relaxed(&zone->mark[WMARK_HIGH]);
		most = ZN_MIN(most, zone_managed(zone));
		mm->total_reserve += (uint64_t)most;
		mm->node[zone->node]->total_reserve += (uint64_t)most;
	}
}

static unsigned fls64(uint64_t v) { return v ? 64 - (unsigned)__builtin_clzll(v) : 0; }

unsigned stat_threshold_of(uint64_t managed, unsigned cpus)
{
	uint64_t mem = managed >> (27 - PAGE_SHIFT);
	unsigned threshold = 2 * fls64(cpus) * (1 + fls64(mem));

	ASSERT(cpus, "a threshold for %u CPUs", cpus);
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

	mm_for_each_zone(mm, zid, zone)
		zone->stat_threshold = stat_threshold_of((uint64_t)zone_managed(zone), cpus);
}

/* Last, and under each zone's lock: a boost that rises meanwhile is not folded away. */
static void update_floors(struct zonal *mm)
{
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone) {
		port_irqflags_t irq = port_irq_save();

		lock_take(&zone->lock);
		zone_update_floor(zone);
		lock_drop(&zone->lock);
		port_irq_restore(irq);
	}
}

void zonal_setup_marks(struct zonal *mm)
{
	setup_min_free(mm);
	setup_zone_marks(mm);
	setup_stat_thresholds(mm);
	setup_lowmem_reserve(mm);
	setup_total_reserve(mm);
	update_floors(mm);
}

/* S10: what hangs on min_free_kbytes and the scale factor. */
static void recompute_marks(struct zonal *mm)
{
	setup_zone_marks(mm);
	setup_total_reserve(mm);
	update_floors(mm);
}

uint64_t min_free_most(struct zonal *mm) { return managed_pages(mm) << (PAGE_SHIFT - 10); }

int zonal_set_min_free_kbytes(struct zonal *mm, uint64_t kbytes)
{
	if (!ZONAL_WATERMARKS || kbytes > min_free_most(mm))
		return ZONAL_EINVAL;
	mm->options.min_free_kbytes = kbytes;
	mm->min_free_kbytes = kbytes;
	recompute_marks(mm);
	return 0;
}

int zonal_set_watermark_scale(struct zonal *mm, unsigned factor)
{
	if (!ZONAL_WATERMARKS || factor < 1 || factor > 3000)
		return ZONAL_EINVAL;
	mm->options.watermark_scale_factor = factor;
	recompute_marks(mm);
	return 0;
}

int zonal_set_watermark_boost(struct zonal *mm, unsigned factor)
{
	if (!ZONAL_WATERMARKS)
		return ZONAL_EINVAL;
	mm->options.watermark_boost_factor = factor;
	st_relaxed(&mm->boost_factor, factor);
	return 0;
}

int zonal_set_zone_reclaim_mode(struct zonal *mm, unsigned mode)
{
	if (mode > (ZONAL_RECLAIM_ZONE | ZONAL_RECLAIM_WRITE | ZONAL_RECLAIM_UNMAP))
		return ZONAL_EINVAL;
	st_relaxed(&mm->reclaim_mode, (uint8_t)mode);
	return 0;
}

int zonal_set_reserve_ratio(struct zonal *mm, enum zone_type type, unsigned ratio)
{
	if (!ZONAL_WATERMARKS || (unsigned)type >= ZONE_TYPES)
		return ZONAL_EINVAL;
	mm->options.lowmem_reserve_ratio[type] = ratio;
	setup_lowmem_reserve(mm);
	setup_total_reserve(mm);
	update_floors(mm);
	return 0;
}
