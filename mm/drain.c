/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Draining: per-CPU pages back to their zones.
 *
 * A CPU's rings are its own. It empties them itself; another CPU's are emptied by asking that
 * CPU, which does so in interrupt context (zonal_drain_all, P13). Only CPUs that hold something
 * are asked, by a look at their counts; what they take up after the look is theirs
 * to keep, as on any running system.
 *
 * Either way it goes in pieces of DRAIN_PIECE pages, with interrupts open in between, or one
 * request to the other CPU a piece: a full list of a large zone is some hundred pages,
 * each of which may merge. Which list gives how much is carried on from piece to piece, so
 * that the pages go back in the order that one piece would have given. As many
 * pages go as there were at the first look; so a drain ends, whatever comes in meanwhile.
 *
 * Any number of drains may run at once: each piece is the owner's, under its mask, and two
 * drains of one ring share its pages. So no drain waits for another.
 *
 * A CPU that has stopped for good owns nothing any more, and whoever notices may
 * empty its rings (zonal_cpu_dead, P14).
 *
 * Zone locks are taken inside, one at a time.
 */
#include "group.h"
#include "lib/assert.h"
#include "on_cpu.h"
#include "page_check.h"
#include "pcp.h"
#include "trace.h"
#include "watermark.h"

/* About 220 instructions a page, cold ones more: some 5,000 masked, 14,000 where each is merged. */
#define DRAIN_PIECE 24

/* The rest of one CPU's pages of one zone. */
struct drain {
	struct zone *zone;
	unsigned cpu;
	struct pcp_turn turn;
	uint32_t left;
};

/* What CPU `c` holds of the zone at this look. */
static struct drain drain_of(struct zone *zone, unsigned c)
{
	struct pcp *pcp = &zone->mm->cpu[c]->pcp[zone->id];
	uint32_t count = ld_relaxed(&pcp->count);

	ASSERT(count <= PCP_RINGS * (pcp->mask + 1), "zone %u: %u pages in lists of %u", zone->id,
	       count, pcp->mask + 1);
	return (struct drain){ .zone = zone, .cpu = c, .turn.left = count, .left = count };
}

/* One piece; masked, on the CPU that owns the rings or after its end. */
static void drain_piece(void *arg)
{
	struct drain *drain = arg;
	struct pcp *pcp = &drain->zone->mm->cpu[drain->cpu]->pcp[drain->zone->id];
	uint32_t count = ZN_MIN(drain->left, (uint32_t)DRAIN_PIECE);

	DASSERT_MASKED();
	ASSERT(count && drain->left <= drain->turn.left, "%u pages left of %u", drain->left,
	       drain->turn.left);
	drain->left -= count;
	trace(drain->zone->mm, CALL_DRAIN, drain->zone->node, drain->zone->type, drain->cpu,
	      drain->turn.type, drain->turn.give, drain->turn.left, count);
	if (!pcp_give(drain->zone, pcp, &drain->turn, count))
		drain->left = 0;
}

/* What CPU `c` holds of one zone, or of all. The caller may move to another CPU meanwhile. */
static void drain_cpu(struct zonal *mm, unsigned c, struct zone *only)
{
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone) {
		struct drain drain = drain_of(zone, c);

		if (only && only != zone)
			continue;
		while (drain.left && run_on_cpu(c, drain_piece, &drain))
			;
	}
}

void drain_batch(struct zone *zone, unsigned c)
{
	struct drain drain = drain_of(zone, c);

	drain.left = ZN_MIN(drain.left, zone->pcp_batch);
	drain.turn.left = drain.left;
	while (drain.left && run_on_cpu(c, drain_piece, &drain))
		;
}

/* What the CPU that runs this holds of one zone, or of all. */
static void drain_own(struct zonal *mm, struct zone *only)
{
	port_irqflags_t irq = port_irq_save();
	unsigned c = port_this_cpu()->id;

	mm_cpu(mm, c); /* only to end where the port and the instance disagree */
	port_irq_restore(irq);
	drain_cpu(mm, c, only);
}

void zonal_drain_local(struct zonal *mm) { drain_own(mm, NULL); }

void drain_here(struct zone *zone) { drain_own(zone->mm, zone); }

void zonal_drain_all(struct zonal *mm, struct zone *zone)
{
	if (zone && zone->mm != mm) {
		fetch_add_relaxed(&mm->bad, 1);
		port_log("zonal: drain of zone %u of another instance", zone->id);
		return;
	}
	/* Two that ask each other would hang. */
	ASSERT(!port_irqs_masked(), "CPU %u waits for others with interrupts masked",
	       (unsigned)port_this_cpu()->id);
	for (unsigned c = 0; c < mm->cpu_count; c++)
		if (mm->cpu[c] && ld_relaxed(&mm->cpu[c]->online))
			drain_cpu(mm, c, zone);
}

void zonal_cpu_dead(struct zonal *mm, unsigned cpu_id)
{
	struct mm_cpu *cpu = cpu_id < mm->cpu_count ? mm->cpu[cpu_id] : NULL;
	struct zone *zone;
	unsigned zid;

	if (!cpu || !ld_relaxed(&cpu->online))
		return;
	ASSERT(port_this_cpu()->id != cpu_id, "CPU %u says that it is dead", cpu_id);
	st_relaxed(&cpu->online, 0);
	pcp_announce(mm, cpu_id, false);
	group_cpu_dead(cpu);
	/* Its lists have no owner any more, so they may be emptied from here. */
	mm_for_each_zone(mm, zid, zone) {
		struct drain drain = drain_of(zone, cpu_id);

		while (drain.left) {
			port_irqflags_t irq = port_irq_save();

			drain_piece(&drain);
			port_irq_restore(irq);
		}
	}
	setup_stat_thresholds(mm);
}
