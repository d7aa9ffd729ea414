/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tunables that are turned while the instance works: NUMA counters off and on (Y5), the size of
 * per-CPU lists (P3), how eagerly kcompactd works ahead (X15).
 *
 * Counters. The paths that count do not ask whether somebody wants it: a block costs one addition
 * either way, and pgalloc is made of the same numbers. So they always count; switched off they are
 * shown as 0, and switched on again less what they had by then.
 *
 * Lists. They are rings whose slots were cut from the instance's storage, so a size is possible if
 * it fits them all; that is seen before anything changes. Each CPU then sets its own, as only it
 * touches its lists (T2); one that is offline has it set for it. A list that holds more than it
 * may from now on gives a batch back at each free, as it always does (P9).
 *
 * Locks: none; one caller at a time.
 */
#include "tune.h"

#include <zonal/port.h>
#include <zonal/tunables.h>

#include "lib/assert.h"
#include "on_cpu.h"
#include "pcp.h"

static uint64_t counted(const struct zonal *mm, unsigned zid, unsigned stat)
{
	uint64_t sum = 0;

	for (unsigned c = 0; c < mm->cpu_count; c++)
		if (mm->cpu[c] && mm->cpu[c]->pcp)
			sum += ld_relaxed(&mm->cpu[c]->pcp[zid].stat[stat]);
	return sum;
}

uint64_t numa_stat_of(const struct zonal *mm, unsigned zid, enum pcp_stat stat)
{
	struct zone *zone = mm->zone[zid];

	ASSERT((unsigned)stat < PCP_STATS, "zone %u, counter %u", zid, (unsigned)stat);
	if (!zone || ld_relaxed(&((struct zonal *)(uintptr_t)mm)->numa_stat_off))
		return 0;
	return counted(mm, zid, stat) - ld_relaxed(&zone->numa_base[stat]);
}

void zonal_set_numa_stat(struct zonal *mm, bool on)
{
	struct zone *zone;
	unsigned zid;

	if (on == !ld_relaxed(&mm->numa_stat_off))
		return;
	mm_for_each_zone(mm, zid, zone)
		for (unsigned stat = 0; on && stat < PCP_STATS; stat++)
			st_relaxed(&zone->numa_base[stat], counted(mm, zid, stat));
	st_relaxed(&mm->numa_stat_off, !on);
}

/* One CPU's lists of one zone, and the size that they are to have. */
struct resize {
	struct pcp *pcp;
	struct pcp_size size;
};

static void resize_here(void *arg)
{
	const struct resize *resize = arg;

	DASSERT_MASKED();
	pcp_set_sizes(resize->pcp, resize->size.batch, resize->size.high);
}

static void resize_on(unsigned cpu, struct resize *resize)
{
	port_irqflags_t irq;

	if (run_on_cpu(cpu, resize_here, resize))
		return;
	irq = port_irq_save();
	resize_here(resize); /* nobody's: it is offline */
	port_irq_restore(irq);
}

/* Slots are as many for each CPU. Pages that a ring of the zone has room for. */
static unsigned ring_room(struct zonal *mm, unsigned zid)
{
	for (unsigned c = 0; c < mm->cpu_count; c++)
		if (mm->cpu[c])
			return mm->cpu[c]->pcp[zid].mask;
	return 0;
}

static bool lists_can_hold(struct zonal *mm, unsigned fraction)
{
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone) {
		struct pcp_size size = pcp_size_of((uint64_t)zone_managed(zone), fraction);
		unsigned room = ring_room(mm, zid);

		if (size.batch + size.high <= room)
			continue;
		port_log("zonal: percpu_pagelist_fraction %u: zone %u would need lists of %u "
			 "pages, they were made for %u at boot",
			 fraction, zid, size.batch + size.high, room);
		return false;
	}
	return true;
}

void tune_lists(struct zonal *mm, struct zone *zone)
{
	struct resize resize = { .size = pcp_size_of((uint64_t)zone_managed(zone),
						     mm->options.percpu_pagelist_fraction) };

	ASSERT(!port_irqs_masked(), "CPU %u waits for others with interrupts masked",
	       (unsigned)port_this_cpu()->id);
	if (resize.size.batch + resize.size.high > ring_room(mm, zone->id))
		return;
	zone->pcp_high = resize.size.high;
	zone->pcp_batch = resize.size.batch;
	for (unsigned c = 0; c < mm->cpu_count; c++) {
		if (!mm->cpu[c])
			continue;
		resize.pcp = &mm->cpu[c]->pcp[zone->id];
		resize_on(c, &resize);
	}
}

int zonal_set_pagelist_fraction(struct zonal *mm, unsigned fraction)
{
	struct zone *zone;
	unsigned zid;

	if ((fraction && fraction < 8) || !lists_can_hold(mm, fraction))
		return ZONAL_EINVAL;
	mm->options.percpu_pagelist_fraction = fraction;
	mm_for_each_zone(mm, zid, zone)
		tune_lists(mm, zone);
	return 0;
}

int zonal_set_proactiveness(struct zonal *mm, unsigned percent)
{
	if (percent > 100)
		return ZONAL_EINVAL;
	st_relaxed(&mm->proactiveness, (uint8_t)percent);
	/* One that sleeps until it is woken looks again by itself from now on. */
	for (unsigned nid = 0; percent && nid < ZONAL_MAX_NODES; nid++)
		if (mm->node[nid] && port_kcompactd_wake)
			port_kcompactd_wake(mm, nid);
	return 0;
}
