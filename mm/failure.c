/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why it failed: the record that each failed request leaves.
 *
 * The record belongs to the CPU that asked; a newer failure there overwrites it. Per zone of
 * the list it holds the first reason of the last pass, and of those at LOW and at MIN, worked out
 * anew when all is lost, so that the passes themselves carry nothing for it. The state may have
 * changed in between; then the reason says REFUSED_RACE. What came of the other steps was counted
 * on the way, in the slow path alone (<zonal/why.h>).
 *
 * The record is written with interrupts masked and read the same way. So it is small: of a
 * board with more zones than ZONAL_FAILURE_ZONES it tells of those that the request asked
 * first, and how many come after them.
 */
#include "alloc.h"

#include "lib/assert.h"
#include "cpuset.h"
#include "reclaim/reclaim.h"
#include "wake.h"
#include "watermark.h"

static struct zonal_failure *begin_record(struct zonal *mm, struct mm_cpu *cpu)
{
	struct zonal_failure *f = &cpu->failure;

	DASSERT_MASKED();
	f->serial = fetch_add_relaxed(&mm->failures, 1) + 1;
	f->zone_count = f->zones_more = 0;
	f->rounds = 0;
	f->scanned = f->reclaimed = 0;
	f->outcome = (struct zonal_outcomes){ .end = ZONAL_END_DOOR };
	return f;
}

static uint8_t policy_mode(const struct zonal_task *task)
{
	return ld_relaxed(&((struct zonal_task *)(uintptr_t)task)->policy.mode);
}

static enum zonal_refusal refusal_of(const struct alloc_req *req, const struct alloc_pass *pass,
				     const struct zoneref *ref, int64_t *short_pages)
{
	DASSERT(ref->zone->mm == req->mm, "zone %u of another instance", ref->zone->id);
	*short_pages = 0;
	if (ref->type > req->high_zone)
		return REFUSED_NOT_ASKED;
	if (!nodemask_has(pass->nodemask, ref->node))
		return REFUSED_NODEMASK;
	if ((pass->flags & ALLOC_CPUSET) && !cpuset_allows(req, pass, ref->node))
		return REFUSED_CPUSET;
	*short_pages = zone_short_pages(ref->zone, req, pass->flags);
	if (*short_pages > 0)
		return REFUSED_WATERMARK;
	*short_pages = 0;
	return zone_request_ok(ref->zone, req, pass) ? REFUSED_RACE : REFUSED_NO_BLOCK;
}

/* K6: of the nodes that were asked, those whose kswapd has given up. */
static nodemask_t hopeless_of(const struct zonal *mm, nodemask_t asked)
{
	nodemask_t hopeless = 0;

	for (unsigned nid = 0; nid < ZONAL_MAX_NODES; nid++)
		if (nodemask_has(asked, nid) &&
		    ld_relaxed(&mm->node[nid]->reclaim.failures) >= KSWAPD_HOPELESS)
			hopeless |= node_bit(nid);
	return hopeless;
}

void failure_record(const struct alloc_req *req, const struct alloc_pass *last,
		    const struct alloc_pass walks[2], const struct tried *how)
{
	port_irqflags_t irq = port_irq_save();
	struct zonal_failure *f = begin_record(req->mm, mm_this_cpu(req->mm));
	const struct retry *tried = how->retry;
	int64_t ignored;

	f->gfp = last->gfp;
	f->order = req->order;
	f->policy = req->in_irq ? MPOL_DEFAULT : policy_mode(req->task);
	f->nid = req->nid;
	f->steps = how->steps;
	f->outcome = *how->outcome;
	f->outcome.kswapd_hopeless = hopeless_of(req->mm, f->outcome.kswapd_asked);
	f->rounds = tried->rounds;
	f->scanned = tried->scanned;
	f->reclaimed = tried->reclaimed;
	f->compacted = tried->compacted;
	f->compact_priority = tried->compact_priority;
	f->zones_more = req->list->count - ZN_MIN(req->list->count, ZONAL_FAILURE_ZONES + 0u);
	for (unsigned i = 0; i < req->list->count - f->zones_more; i++) {
		const struct zoneref *ref = &req->list->ref[i];

		f->zone[i].zid = ref->zone->id;
		f->zone[i].refusal =
			(uint8_t)refusal_of(req, last, ref, &f->zone[i].short_pages);
		f->zone[i].low = (uint8_t)refusal_of(req, &walks[0], ref, &ignored);
		f->zone[i].min = (uint8_t)refusal_of(req, &walks[1], ref, &ignored);
		f->zone_count++;
	}
	port_irq_restore(irq);
}

void failure_refuse(struct zonal *mm, gfp_t gfp, unsigned order, int nid, uint32_t steps)
{
	port_irqflags_t irq = port_irq_save();
	struct port_cpu *here = port_this_cpu();
	struct zonal_failure *f = begin_record(mm, mm_cpu(mm, here->id));

	ASSERT(steps, "refused without a reason: gfp 0x%x order %u", gfp, order);
	f->gfp = gfp;
	f->order = (uint8_t)ZN_MIN(order, 255u);
	f->policy = policy_mode(here->task);
	f->nid = (int16_t)nid;
	f->steps = steps;
	port_irq_restore(irq);
	/* G4: a caller's bug is worth one line, once. */
	if (!(steps & ZSTEP_INJECTED) && !(gfp & __GFP_NOWARN) &&
	    fetch_add_relaxed(&mm->refusal_reports, 1) == 0)
		port_log("zonal: refused request: gfp 0x%x order %u node %d (order < %d, one zone "
			 "bit, online node)",
			 gfp, order, nid, MAX_ORDER);
}

void failure_group(const struct alloc_req *req, const struct zonal_outcomes *outcome)
{
	port_irqflags_t irq = port_irq_save();
	struct zonal_failure *f = begin_record(req->mm, mm_this_cpu(req->mm));

	ASSERT(outcome->group_full, "a charge failed, and no group is full");
	f->gfp = req->gfp;
	f->order = req->order;
	f->policy = policy_mode(req->task);
	f->nid = req->nid;
	f->steps = ZSTEP_GROUP;
	f->outcome = *outcome;
	f->outcome.end = ZONAL_END_GROUP;
	port_irq_restore(irq);
}

void zonal_last_failure(struct zonal *mm, struct zonal_failure *out)
{
	port_irqflags_t irq = port_irq_save();

	*out = mm_this_cpu(mm)->failure;
	port_irq_restore(irq);
}
