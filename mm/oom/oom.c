/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last rung: everything was tried, and still there is no page.
 *
 * One request at a time is here (O1); another one waits a moment and goes round the ladder again,
 * for what was freed for the first may do for it too. Who is in looks once more at the free lists,
 * above HIGH this time (O2): if that succeeds, others have freed a lot meanwhile and nobody need be
 * ended for it. Then it is asked whether this request is worth it at all (O3), and then, in
 * this order (O6):
 *
 *	turned off              no
 *	memory is to come       yes, later: a walk over everything holds it up (deferred.c)
 *	notifiers freed some    yes
 *	who asks is dying       he becomes a victim: what he lacks he may take from the reserves
 *	no __GFP_FS             yes, without harm to anybody: he may hold locks that the victim
 *	                        wants, so others who ask must do it
 *	panic, if so ordered    (O10)
 *	who asks, if so ordered
 *	the worst of all        choose.c
 *
 * "Yes" is progress: the ladder is climbed again. It does not mean that a page is there, only that
 * somebody gives one back. Linux climbs for ever then; here rounds in which nobody is ended
 * are counted, and bounded: 16 for a request without __GFP_FS, and ten seconds of waiting for a
 * victim, which is longer than the reaper lets one be waited for. A port that cannot nap does not
 * wait at all.
 *
 * While hooks are called the task works for reclaim (ZTASK_MEMALLOC): what they allocate may use
 * the reserves and does not come here.
 */
#include "oom.h"

#include "mm/deferred.h"

#include "lib/assert.h"
#include "mm/alloc.h"
#include "mm/reclaim/reclaim.h"
#include "mm/trace.h"

#define WAIT_NS 10000000ull /* a tick (O1) */
#define MOST_WAITS_PLAIN 16u
#define MOST_WAITS_VICTIM 1000u

void zonal_task_fate(struct zonal_task *task, unsigned fate)
{
	ASSERT(!(fate & ~(ZONAL_FATE_DYING | ZONAL_FATE_VICTIM)), "fate 0x%x", fate);
	/* Release: who acts by it sees what its writer saw before. */
	fetch_or_acq_rel(&task->fate, fate);
}

int zonal_oom_register(struct zonal *mm, const struct zonal_oom_ops *ops, void *ctx)
{
	int error = ZONAL_EINVAL;

	oom_enter(mm);
	if (!mm->oom.ops && ops->next && ops->kill && ops->skip && !ops->hurry == !ops->calm) {
		mm->oom.ctx = ctx;
		mm->oom.ops = ops;
		error = 0;
	}
	oom_leave(mm);
	return error;
}

void zonal_oom_notify(struct zonal *mm, struct zonal_oom_notifier *self)
{
	oom_enter(mm);
	self->next = mm->oom.notifiers;
	mm->oom.notifiers = self;
	oom_leave(mm);
}

void zonal_oom_ignore(struct zonal *mm, struct zonal_oom_notifier *self)
{
	struct zonal_oom_notifier **at = &mm->oom.notifiers;

	oom_enter(mm);
	while (*at && *at != self)
		at = &(*at)->next;
	if (*at)
		*at = self->next;
	oom_leave(mm);
}

int zonal_set_oom_panic(struct zonal *mm, unsigned mode)
{
	if (mode > ZONAL_OOM_PANIC_ALWAYS)
		return ZONAL_EINVAL;
	st_relaxed(&mm->oom.panic, (uint8_t)mode);
	return 0;
}

void zonal_set_oom_kill_asker(struct zonal *mm, bool on) { st_relaxed(&mm->oom.kill_asker, on); }

void zonal_set_oom(struct zonal *mm, bool on) { st_relaxed(&mm->oom.off, !on); }

/* What came of it. */
enum outcome {
	NO_HELP,
	HELP,         /* somebody gives back memory, or did */
	WAIT_OTHERS,  /* somebody else must ask for that */
	WAIT_VICTIM   /* a victim's memory is not all back */
};

static uint64_t ask_notifiers(struct zonal *mm)
{
	uint64_t freed = 0;

	for (struct zonal_oom_notifier *one = mm->oom.notifiers; one; one = one->next)
		freed += one->freed(one);
	return freed;
}

/* O10 */
static void panic_if_told(const struct oom_call *call)
{
	unsigned mode = ld_relaxed(&call->mm->oom.panic);

	if (mode == ZONAL_OOM_PANIC_NEVER ||
	    (mode == ZONAL_OOM_PANIC_PLAIN && call->constraint != OOM_NONE))
		return;
	oom_report(call);
	port_panic("out of memory, gfp 0x%x order %u, and to panic was asked for (%u)",
		   call->pass->gfp, call->req->order, mode);
}

/* O9, O12: end the chosen one. False: it is gone already, which is as good. */
static void end_chosen(struct oom_call *call)
{
	const struct zonal_oom_candidate *who = &call->chosen.who;
	struct oom *oom = &call->mm->oom;

	ASSERT(who->id && !(who->flags & (ZONAL_OOM_NEVER | ZONAL_OOM_VICTIM)),
	       "task %llu, flags 0x%x, is to be ended", (unsigned long long)who->id, who->flags);
	if (!(who->flags & ZONAL_OOM_DYING))
		oom_report(call);
	call->end = ZONAL_OOM_GONE;
	if (!oom->ops->kill(oom->ctx, who->id))
		return;
	call->end = ZONAL_OOM_ENDED;
	oom->killed_ns = port_time_ns();
	mm_event(call->mm, EVENT_OOM_KILL, 1);
	trace(call->mm, OOM_VICTIM, (uint32_t)who->id);
	oom_watch(call->mm, who->id);
	port_log("zonal: out of memory: ended task %llu (%s): %lld points, %llu pages, %llu in "
		 "swap, %llu of page tables, adj %d",
		 (unsigned long long)who->id, who->name, (long long)call->chosen.points,
		 (unsigned long long)who->pages, (unsigned long long)who->swap,
		 (unsigned long long)who->tables, who->adj);
}

/* Nobody may be ended. */
static enum outcome give_up(struct oom_call *call)
{
	struct oom *oom = &call->mm->oom;

	oom_report(call);
	if (ld_relaxed(&oom->panic) != ZONAL_OOM_PANIC_NEVER)
		port_panic("out of memory, gfp 0x%x order %u, and no task can be ended",
			   call->pass->gfp, call->req->order);
	if (oom->ops->no_victim)
		oom->ops->no_victim(oom->ctx);
	return NO_HELP;
}

/* O6 from the choice on. */
static enum outcome end_somebody(struct oom_call *call)
{
	struct oom *oom = &call->mm->oom;

	oom_constrain(call);
	panic_if_told(call);
	call->end = ZONAL_OOM_NOBODY;
	if (!oom->ops)
		return NO_HELP;
	if (ld_relaxed(&oom->kill_asker))
		oom_choose(call, true);
	if (!call->chosen.who.id && !call->gone)
		oom_choose(call, false);
	call->end = call->waits ? ZONAL_OOM_WAITED_VICTIM :
		    call->gone  ? ZONAL_OOM_GONE :
				  ZONAL_OOM_NOBODY;
	if (call->waits)
		return WAIT_VICTIM;
	if (call->gone)
		return HELP;
	if (!call->chosen.who.id)
		return give_up(call);
	end_chosen(call);
	return HELP;
}

/* O6 up to there. */
static enum outcome out_of_memory(struct oom_call *call)
{
	struct zonal_task *task = (struct zonal_task *)(uintptr_t)call->req->task;

	call->end = ZONAL_OOM_TURNED_OFF;
	if (ld_relaxed(&call->mm->oom.off))
		return NO_HELP;
	call->end = ZONAL_OOM_WAITED_OTHERS;
	if (deferred_is_held(call->mm))
		return WAIT_VICTIM;
	call->end = ZONAL_OOM_NOTIFIED;
	if (ask_notifiers(call->mm))
		return HELP;
	call->end = ZONAL_OOM_SELF;
	if (ld_acquire(&task->fate) & ZONAL_FATE_DYING) {
		zonal_task_fate(task, ZONAL_FATE_VICTIM);
		return HELP;
	}
	call->end = ZONAL_OOM_WAITED_OTHERS;
	return call->pass->gfp & __GFP_FS ? end_somebody(call) : WAIT_OTHERS;
}

/* O3: is nobody to be ended for this one? */
static bool not_worth_it(const struct alloc_req *req, const struct alloc_pass *pass)
{
	return req->order > COSTLY_ORDER ||
	       (pass->gfp & (__GFP_RETRY_MAYFAIL | __GFP_THISNODE)) || req->high_zone < ZONE_NORMAL;
}

/* O2, and behind a kill O4: a pass with other flags and without reclaim. */
static struct page *look(const struct alloc_req *req, const struct alloc_pass *pass, gfp_t more,
			 unsigned flags)
{
	struct alloc_pass now = *pass;

	now.gfp = (pass->gfp | more) & ~__GFP_DIRECT_RECLAIM;
	now.flags = flags | request_cma_flag(req);
	return walk_zones(req, &now);
}

/* For the record of a request that fails all the same. */
static void note_end(const struct oom_call *call, struct oom_tries *tries)
{
	tries->end = call->end;
	if (call->end != ZONAL_OOM_ENDED)
		return;
	if (tries->kills < UINT16_MAX)
		tries->kills++;
	tries->victim = call->chosen.who.id;
}

/* Inside of it. */
static struct page *make_room_alone(const struct alloc_req *req, const struct alloc_pass *pass,
				    struct oom_tries *tries, enum outcome *outcome)
{
	struct zonal_task *task = (struct zonal_task *)(uintptr_t)req->task;
	struct oom_call *call = &(struct oom_call){ .mm = req->mm, .req = req, .pass = pass };
	struct page *page = look(req, pass, __GFP_HARDWALL, WMARK_HIGH | ALLOC_CPUSET);

	*outcome = NO_HELP;
	tries->end = ZONAL_OOM_NOT_WORTH;
	if (page || not_worth_it(req, pass))
		return page;
	task->flags |= ZTASK_MEMALLOC;
	*outcome = out_of_memory(call);
	task->flags &= ~ZTASK_MEMALLOC;
	note_end(call, tries);
	if (!(pass->gfp & __GFP_NOFAIL))
		return NULL;
	page = look(req, pass, 0, ALLOC_NO_WATERMARKS | ALLOC_CPUSET);
	return page ? page : look(req, pass, 0, ALLOC_NO_WATERMARKS);
}

/* A round in which nobody was ended is followed by a moment's rest, and they are counted. */
static bool worth_another(struct oom_tries *tries, enum outcome outcome)
{
	if (outcome == NO_HELP || outcome == HELP) {
		tries->waits = 0;
		return outcome == HELP;
	}
	if (!port_nap ||
	    tries->waits >= (outcome == WAIT_OTHERS ? MOST_WAITS_PLAIN : MOST_WAITS_VICTIM))
		return false;
	tries->waits++;
	tries->naps++;
	port_nap(WAIT_NS);
	return true;
}

/* Who is in, and how it was before that. */
struct oom_turn {
	const struct zonal_oom_ops *ops;
	unsigned before;
};

/* O1. All others wait for who is in, so it runs before them where that can be arranged. */
static bool oom_get_in(struct zonal *mm, struct oom_turn *turn)
{
	if (!oom_try(mm))
		return false;
	turn->ops = mm->oom.ops;
	turn->before = turn->ops && turn->ops->hurry ? turn->ops->hurry(mm->oom.ctx) : 0;
	return true;
}

/* The next one can come before this one rests. */
static void oom_get_out(struct zonal *mm, const struct oom_turn *turn)
{
	oom_leave(mm);
	if (turn->ops && turn->ops->calm)
		turn->ops->calm(mm->oom.ctx, turn->before);
}

void oom_in_group(const struct alloc_req *req, const struct zonal_group *group,
		  struct oom_tries *tries)
{
	const struct alloc_pass pass = { .gfp = req->gfp, .nodemask = NODEMASK_ALL };
	struct zonal_task *task = (struct zonal_task *)(uintptr_t)req->task;
	struct oom_call call = { .mm = req->mm, .req = req, .pass = &pass, .group = group };
	enum outcome outcome = WAIT_VICTIM;
	struct oom_turn turn;

	ASSERT(!req->in_irq && !(task->flags & ZTASK_MEMALLOC),
	       "gfp 0x%x: who works for reclaim ends nobody", req->gfp);
	tries->end = ZONAL_OOM_WAITED_OTHERS;
	if (oom_get_in(req->mm, &turn)) {
		task->flags |= ZTASK_MEMALLOC;
		call.end = ZONAL_OOM_TURNED_OFF;
		outcome = ld_relaxed(&req->mm->oom.off) ? NO_HELP : end_somebody(&call);
		task->flags &= ~ZTASK_MEMALLOC;
		note_end(&call, tries);
		oom_get_out(req->mm, &turn);
	} else if (!port_nap) {
		outcome = HELP;
	}
	tries->progress = worth_another(tries, outcome);
}

struct page *oom_make_room(const struct alloc_req *req, const struct alloc_pass *pass,
			   struct oom_tries *tries)
{
	enum outcome outcome = WAIT_VICTIM;
	struct oom_turn turn;
	struct page *page = NULL;

	ASSERT(!req->in_irq && !(req->task->flags & ZTASK_MEMALLOC),
	       "gfp 0x%x: who works for reclaim ends nobody", pass->gfp);
	tries->end = ZONAL_OOM_WAITED_OTHERS;
	if (oom_get_in(req->mm, &turn)) {
		page = make_room_alone(req, pass, tries, &outcome);
		oom_get_out(req->mm, &turn);
	} else if (!port_nap) {
		/* Who is in does not nap either, and is out soon. */
		outcome = HELP;
	}
	tries->progress = worth_another(tries, outcome);
	return page;
}
