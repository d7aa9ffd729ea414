/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Draining: per-CPU pages back to their zones.
 *
 * A CPU's rings are its own. It empties them itself (zonal_drain_local, P15); another
 * CPU's are emptied by asking that CPU, which does so in interrupt context
 * (zonal_drain_all, P13). Only CPUs that hold something are asked, by a look at their
 * counts; what they take up after the look is theirs to keep, as on any running system.
 *
 * One drain of all CPUs runs at a time. Who wants everything drained while one runs has
 * nothing to add and returns; who wants one zone waits for his own turn.
 *
 * A CPU that has stopped for good owns nothing any more, and whoever notices may
 * empty its rings (zonal_cpu_dead, P14).
 *
 * Zone locks are taken inside, one at a time.
 */
#include "pcp.h"
#include "watermark.h"

static void pcp_drain_zone(struct zone *zone, struct mm_cpu *cpu)
{
	struct pcp *pcp = &cpu->pcp[zone->id];
	uint32_t count = ld_relaxed(&pcp->count);

	if (count)
		pcp_bulk_free(zone, pcp, count);
}

/* Everything this CPU holds of one zone, or of all. */
static void drain_this_cpu(struct zonal *mm, struct zone *only)
{
	port_irqflags_t irq = port_irq_save();
	struct mm_cpu *cpu = mm->cpu[port_this_cpu()->id];
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone)
		if (cpu && (!only || only == zone))
			pcp_drain_zone(zone, cpu);
	port_irq_restore(irq);
}

void zonal_drain_local(struct zonal *mm)
{
	drain_this_cpu(mm, NULL);
}

struct drain {
	struct zonal *mm;
	struct zone *zone;
};

static void drain_call(void *arg)
{
	struct drain *drain = arg;

	drain_this_cpu(drain->mm, drain->zone);
}

/* P13: only CPUs that hold something are disturbed. */
static bool cpu_holds_pages(struct zonal *mm, struct mm_cpu *cpu, struct zone *only)
{
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone)
		if ((!only || only == zone) && ld_relaxed(&cpu->pcp[zid].count))
			return true;
	return false;
}

void zonal_drain_all(struct zonal *mm, struct zone *zone)
{
	struct drain drain = { mm, zone };
	uint32_t idle = 0;

	/* One drain at a time; who wants everything drained has nothing to add to
	 * a drain that runs, who wants one zone waits for his own (P13). */
	while (!atomic_compare_exchange_strong(&mm->drain_busy, &idle, 1)) {
		if (!zone)
			return;
		idle = 0;
		port_relax();
	}
	for (unsigned c = 0; c < mm->cpu_count; c++) {
		struct mm_cpu *cpu = mm->cpu[c];

		if (cpu && ld_relaxed(&cpu->online) && cpu_holds_pages(mm, cpu, zone))
			port_call_cpu(c, drain_call, &drain);
	}
	st_release(&mm->drain_busy, 0);
}

void zonal_cpu_dead(struct zonal *mm, unsigned cpu_id)
{
	struct mm_cpu *cpu = cpu_id < mm->cpu_count ? mm->cpu[cpu_id] : NULL;
	port_irqflags_t irq = port_irq_save();
	struct zone *zone;
	unsigned zid;

	/* Its lists have no owner any more, so they may be emptied from here. */
	if (cpu && ld_relaxed(&cpu->online)) {
		st_relaxed(&cpu->online, 0);
		mm_for_each_zone(mm, zid, zone)
			pcp_drain_zone(zone, cpu);
		setup_stat_thresholds(mm);
	}
	port_irq_restore(irq);
}
