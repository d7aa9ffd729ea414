/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is to go (O7-O9).
 *
 * A candidate's points are the pages that come back when it ends: in memory, in swap, and its page
 * tables; and its adjustment, in thousandths of all pages that count. Most points go; of equals the
 * one that is told of last, which is the younger one as the embedder tells them.
 *
 * Not looked at: who must never be ended, adj -1000, who is still being made, victims from whom
 * nothing more is to be had, and whoever can have none of the memory that the request lacks: with
 * a nodemask, by his policy; in a cpuset, by his allowed nodes; in a group, by his group. Ending
 * him would help nobody.
 *
 * A victim whose memory is not all back stops the choice: it is waited for.
 *
 * On the way the candidates with most points are kept for the report. They are in the instance,
 * too many for a stack, and belong to whoever is in (oom.c).
 */
#include "oom.h"

#include "lib/assert.h"
#include "mm/cpuset.h"
#include "mm/group.h"
#include "mm/trace.h"

void zonal_oom_describe(const struct zonal_task *task, struct zonal_oom_candidate *out)
{
	struct zonal_task *from = (struct zonal_task *)(uintptr_t)task;
	unsigned mode, fate;
	nodemask_t nodes;
	uint32_t seq;

	do {
		seq = task_read_begin(from);
		mode = ld_acquire(&from->policy.mode);
		nodes = ld_acquire(&from->policy.nodes);
	} while (task_read_again(from, seq));
	out->task = task;
	out->group = ld_acquire(&from->group);
	out->mems = ld_acquire(&from->mems_allowed);
	out->policy = mode == MPOL_BIND || mode == MPOL_INTERLEAVE ? nodes
								   : NODEMASK_ALL;
	fate = ld_acquire(&from->fate);
	out->flags |= (fate & ZONAL_FATE_DYING ? ZONAL_OOM_DYING : 0) |
		      (fate & ZONAL_FATE_VICTIM ? ZONAL_OOM_VICTIM : 0);
}

void zonal_oom_adjusted(struct zonal *mm, uint64_t id, const char *name, int adj)
{
	uint32_t comm[4] = { 0 };

	ASSERT(adj >= ZONAL_OOM_ADJ_NEVER && adj <= ZONAL_OOM_ADJ_MOST, "task %llu has adj %d",
	       (unsigned long long)id, adj);
	if (!trace_wants(mm, ZONAL_TRACE_OOM_ADJ))
		return;
	for (unsigned i = 0; i < sizeof(comm) - 1 && name[i]; i++)
		((char *)comm)[i] = name[i];
	trace(mm, OOM_ADJ, (uint32_t)id, comm[0], comm[1], comm[2], comm[3], (uint32_t)adj);
}

/* Pages of some nodes, holes not counted; with NODEMASK_ALL what the allocator has of them. */
static uint64_t pages_of(const struct zonal *mm, nodemask_t nodes)
{
	const struct zone *zone;
	uint64_t pages = 0;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone) {
		if (nodes == NODEMASK_ALL)
			pages += (uint64_t)zone_managed(zone);
		else if (nodemask_has(nodes, zone->node))
			pages += zone->present;
	}
	return pages;
}

/* Does the cpuset keep the request from a zone that it could use? */
static bool cpuset_limits(const struct oom_call *call)
{
	const struct zonelist *list = call->req->list;
	struct alloc_pass pass = *call->pass;

	cpuset_read(call->req, &pass);
	for (unsigned i = 0; i < list->count; i++)
		if (list->ref[i].type <= call->req->high_zone &&
		    nodemask_has(pass.nodemask, list->ref[i].node) &&
		    !cpuset_allows(call->req, &pass, list->ref[i].node))
			return true;
	return false;
}

void oom_constrain(struct oom_call *call)
{
	const struct zonal *mm = call->mm;
	struct zonal_task *task = (struct zonal_task *)(uintptr_t)call->req->task;

	call->constraint = call->group ? OOM_GROUP : OOM_NONE;
	call->nodemask = NODEMASK_ALL;
	call->mems = ld_acquire(&task->mems_allowed);
	if (call->group) {
		call->total = ZN_MIN(group_limit_of(call->group), pages_of(mm, NODEMASK_ALL));
		return;
	}
	if (!(call->pass->gfp & __GFP_THISNODE)) {
		if (mm->has_memory & ~call->pass->nodemask)
			call->constraint = OOM_POLICY;
		else if (cpuset_limits(call))
			call->constraint = OOM_CPUSET;
	}
	if (call->constraint == OOM_POLICY)
		call->nodemask = call->pass->nodemask;
	call->total = pages_of(mm, call->constraint == OOM_POLICY  ? call->nodemask :
				   call->constraint == OOM_CPUSET ? call->mems & mm->has_memory :
								    NODEMASK_ALL);
	call->total += ld_relaxed(&((struct zonal *)(uintptr_t)mm)->swap_free);
}

/* O8: can it help, and may it be asked to? */
static bool eligible(const struct oom_call *call, const struct zonal_oom_candidate *who)
{
	if (who->flags & (ZONAL_OOM_NEVER | ZONAL_OOM_STARTING | ZONAL_OOM_REAPED))
		return false;
	if (call->constraint == OOM_GROUP)
		return group_within(who->group, call->group);
	if (call->constraint == OOM_POLICY)
		return who->policy & call->nodemask;
	if (call->constraint == OOM_CPUSET)
		return who->mems & call->mems;
	return true;
}

static int64_t points_of(const struct oom_call *call, const struct zonal_oom_candidate *who)
{
	ASSERT(who->adj >= ZONAL_OOM_ADJ_NEVER && who->adj <= ZONAL_OOM_ADJ_MOST,
	       "task %llu has adj %d", (unsigned long long)who->id, who->adj);
	return (int64_t)(who->pages + who->swap + who->tables) +
	       who->adj * (int64_t)(call->total / 1000);
}

/* Among the rows if its points are, the most first. */
static void note(struct oom *oom, const struct zonal_oom_candidate *who, int64_t points)
{
	unsigned at = oom->rows;

	if (at == OOM_ROWS) {
		oom->more++;
		if (points <= oom->row[--at].points)
			return;
	} else {
		oom->rows++;
	}
	for (; at > 0 && oom->row[at - 1].points < points; at--) {
		oom->row[at] = oom->row[at - 1];
		/* Or clang makes memmove() of the loop, which nobody owes us (lib/text.h). */
		__asm__ volatile("" : : : "memory");
	}
	oom->row[at].who = *who;
	oom->row[at].points = points;
}

/* One of them; false: the choice is over. */
static bool look_at_one(struct oom_call *call, const struct zonal_oom_candidate *who, bool asker)
{
	int64_t points = points_of(call, who);

	if ((who->flags & ZONAL_OOM_VICTIM) && !(who->flags & ZONAL_OOM_REAPED))
		oom_watch(call->mm, who->id);
	if (!eligible(call, who))
		return true;
	if (who->flags & ZONAL_OOM_VICTIM) {
		call->waits = true;
		return false;
	}
	if (who->adj == ZONAL_OOM_ADJ_NEVER)
		return true;
	note(&call->mm->oom, who, points);
	if (asker ? who->task != call->req->task
		  : call->chosen.who.id && points < call->chosen.points)
		return true;
	call->chosen = (struct oom_row){ .who = *who, .points = points };
	return true;
}

void oom_choose(struct oom_call *call, bool asker)
{
	struct oom *oom = &call->mm->oom;
	struct zonal_oom_candidate who;
	uint64_t cursor = 0;

	ASSERT(ld_relaxed(&oom->busy) && oom->ops, "a choice outside of it");
	oom->rows = 0;
	oom->more = 0;
	call->chosen.who.id = 0;
	oom_walk_begins(oom);
	do {
		who = (struct zonal_oom_candidate){ .mems = NODEMASK_ALL, .policy = NODEMASK_ALL };
	} while (oom->ops->next(oom->ctx, &cursor, &who) && look_at_one(call, &who, asker));
	if (call->waits)
		call->chosen.who.id = 0;
	else
		call->gone = oom_victim_gone(oom);
}
