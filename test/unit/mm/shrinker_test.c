/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shrinkers (row K13): how many objects a cache is asked to look at.
 *
 * A shrinker that only counts is registered with a small board, and a walk over the shrinkers at a
 * priority is made by hand: what was asked of it, in which pieces, and what is carried over are
 * the numbers of the rule.
 */
#include "kt_instance.h"
#include "port_watch.h"

#include <zonal/trace.h>

#include "mm/reclaim/scan.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };
static const struct kt_spec pair = {
	.ram = { { 0, KT_DMA_PFN, 2048 }, { 1, KT_DMA_PFN + 2048, 2048 } },
};

struct kt_objects {
	struct zonal_shrinker shrinker;
	uint64_t have, asked, calls, most_at_once;
	unsigned nodes; /* asked for, one bit each */
	bool stop;
};

static struct kt_objects *objects_of(struct zonal_shrinker *self)
{
	return (struct kt_objects *)(void *)self;
}

static uint64_t objects_count(struct zonal_shrinker *self, unsigned nid)
{
	objects_of(self)->nodes |= 1u << nid;
	return objects_of(self)->have;
}

static uint64_t objects_scan(struct zonal_shrinker *self, unsigned nid, uint64_t nr)
{
	struct kt_objects *objects = objects_of(self);

	(void)nid;
	if (objects->stop)
		return ZONAL_SHRINK_STOP;
	objects->calls++;
	objects->asked += nr;
	objects->most_at_once = ZN_MAX(objects->most_at_once, nr);
	return nr;
}

static struct kt_objects objects_with(unsigned seeks, unsigned batch, bool numa, uint64_t have)
{
	return (struct kt_objects){ .shrinker = { .name = "kt",
						  .count = objects_count,
						  .scan = objects_scan,
						  .seeks = seeks,
						  .batch = batch,
						  .numa = numa },
				    .have = have };
}

/* One walk over the shrinkers at a priority: what was asked of this one. */
static uint64_t asked_at(struct zonal *mm, struct kt_objects *objects, unsigned priority)
{
	struct scan s = { .mm = mm, .priority = priority };
	uint64_t gone;

	objects->asked = objects->calls = 0;
	gone = shrink_objects(&s, mm->node[0]);
	/* Whatever it is asked to look at goes. */
	KT_EQ(gone, objects->asked);
	return objects->asked;
}

KTEST(rows_k, k13_share_by_priority_and_seeks_in_batches_the_rest_carried_over)
{
	struct zonal *mm = kt_instance(&uma);
	struct kt_objects objects = objects_with(2, 0, false, 100000);

	if (!mm)
		return;
	zonal_shrinker_register(mm, &objects.shrinker);
	/* 4 * (100000 >> 8) / 2 = 780: six batches of 128, 12 are carried over. */
	KT_EQ(asked_at(mm, &objects, 8), 768);
	KT_EQ(ld_relaxed(&objects.shrinker.deferred[0]), 12);
	KT_EQ(objects.most_at_once, 128);
	/* 12 + 780 */
	KT_EQ(asked_at(mm, &objects, 8), 768);
	KT_EQ(ld_relaxed(&objects.shrinker.deferred[0]), 24);
	/* 48 at priority 12 and the 24: less than a batch, nothing. */
	KT_EQ(asked_at(mm, &objects, 12), 0);
	KT_EQ(ld_relaxed(&objects.shrinker.deferred[0]), 72);
	/* never more than twice what there is, and half of it where little is new */
	objects.have = 1000;
	st_relaxed(&objects.shrinker.deferred[0], 1 << 20);
	KT_EQ(asked_at(mm, &objects, 4), 384); /* 500 */
	KT_EQ(asked_at(mm, &objects, 0), 1920); /* 2000 */
	zonal_shrinker_unregister(mm, &objects.shrinker);
	KT_EQ(asked_at(mm, &objects, 0), 0);
}

KTEST(rows_k, k13_seeks_0_is_half_and_stop_is_carried_over_and_small_caches_are_asked_whole)
{
	struct zonal *mm = kt_instance(&uma);
	struct kt_objects objects = objects_with(0, 10, false, 1000);

	if (!mm)
		return;
	zonal_shrinker_register(mm, &objects.shrinker);
	KT_EQ(asked_at(mm, &objects, 12), 500);
	objects.stop = true;
	KT_EQ(asked_at(mm, &objects, 12), 0);
	KT_EQ(ld_relaxed(&objects.shrinker.deferred[0]), 500);
	objects.stop = false;
	KT_EQ(asked_at(mm, &objects, 12), 1000);
	/* Fewer than a batch, and all of them are wanted. */
	objects.shrinker.batch = 128;
	objects.shrinker.seeks = 1;
	objects.have = 20;
	KT_EQ(asked_at(mm, &objects, 0), 40);
	zonal_shrinker_unregister(mm, &objects.shrinker);
}

KTEST(rows_k, k13_only_numa_shrinkers_are_asked_for_every_node)
{
	struct zonal *mm = kt_instance(&pair);
	struct kt_objects all = objects_with(2, 0, true, 10), one = objects_with(2, 0, false, 10);
	struct scan s;

	if (!mm)
		return;
	s = (struct scan){ .mm = mm, .priority = 0 };
	zonal_shrinker_register(mm, &all.shrinker);
	zonal_shrinker_register(mm, &one.shrinker);
	for (unsigned n = 0; n < 2; n++)
		shrink_objects(&s, mm->node[n]);
	KT_EQ(all.nodes, 3);
	KT_EQ(one.nodes, 1);
	zonal_shrinker_unregister(mm, &all.shrinker);
	zonal_shrinker_unregister(mm, &one.shrinker);
}

static struct zonal *shrunk;

static void last_walk_ends(void)
{
	if (kt_naps == 3)
		st_relaxed(&shrunk->shrinking, 0);
}

KTEST(rows_k, k13_who_takes_a_shrinker_away_waits_until_nobody_walks)
{
	struct zonal *mm = kt_instance(&uma);
	struct kt_objects objects = objects_with(2, 0, false, 10);

	if (!mm)
		return;
	zonal_shrinker_register(mm, &objects.shrinker);
	shrunk = mm;
	st_relaxed(&mm->shrinking, 1);
	watch_port();
	kt_on_nap = last_walk_ends;
	zonal_shrinker_unregister(mm, &objects.shrinker);
	kt_on_nap = NULL;
	unwatch_port();
	KT_EQ(kt_naps, 3);
	KT_EQ(kt_nap_ns, 1000000);
	KT_EQ(asked_at(mm, &objects, 0), 0);
}

KTEST(trace, a_shrinker_is_seen_with_what_it_has_and_what_went)
{
	static struct zonal_trace_record slots[8], record;
	struct zonal *mm = kt_instance(&uma);
	struct kt_objects objects = objects_with(2, 100, false, 4000);

	if (!mm || !KT_EQ(zonal_trace_attach(mm, kt_cpu_id(0), slots, sizeof(slots)), 0))
		return;
	zonal_shrinker_register(mm, &objects.shrinker);
	zonal_trace_on(mm, ZONAL_TRACE_BIT(SLAB_BEGIN) | ZONAL_TRACE_BIT(SLAB_END));
	/* 4 * (4000 >> 3) / 2 */
	KT_EQ(asked_at(mm, &objects, 3), 1000);
	zonal_trace_on(mm, 0);
	KT_EQ(zonal_trace_read(mm, kt_cpu_id(0), &record, 1), 1);
	KT_EQ(record.point, ZONAL_TRACE_SLAB_BEGIN);
	KT_EQ(record.field[1], 0); /* carried over */
	KT_EQ(record.field[3], 4000);
	KT_EQ(record.field[4], 1000);
	KT_EQ(record.field[5], 1000);
	KT_EQ(record.field[6], 3);
	KT_EQ(zonal_trace_read(mm, kt_cpu_id(0), &record, 1), 1);
	KT_EQ(record.point, ZONAL_TRACE_SLAB_END);
	KT_EQ(record.field[3], 1000);
	KT_EQ(kt_event(mm, EVENT_SLABS_SCANNED), 1000);
	zonal_shrinker_unregister(mm, &objects.shrinker);
}
