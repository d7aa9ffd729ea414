/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reaper: so that nobody waits for ever for a victim that does not end (O11).
 *
 * A victim is given two seconds to end by itself, which nearly all do. Then its owner is asked to
 * take its memory from it, at most ten times, a tenth of a second apart, as it may be in the
 * middle of something. Afterwards, whether that succeeded or not, it is marked to be skipped: the
 * next choice looks at the others.
 *
 * A victim that a walk does not meet any more has given back all it had, perhaps just now, behind
 * the last look at the free lists. That is news, and nobody else is ended before the lists were
 * looked at again.
 *
 * The table has few places because a present victim stops the choice; only tasks that were dying
 * anyway come on top. One that finds no place is met again by the next choice, and noted then.
 *
 * Everything here runs inside of oom.c's `busy`. Context: the reaper's task.
 */
#include "oom.h"

#include "lib/assert.h"
#include "mm/trace.h"

#define REAP_AFTER_NS 2000000000ull
#define REAP_AGAIN_NS 100000000ull
#define REAP_TRIES 10u

void oom_watch(struct zonal *mm, uint64_t id)
{
	struct oom *oom = &mm->oom;
	struct oom_victim *place = NULL;

	ASSERT(id && ld_relaxed(&oom->busy), "victim %llu", (unsigned long long)id);
	for (unsigned i = 0; i < OOM_VICTIMS; i++) {
		if (oom->victim[i].id == id) {
			oom->victim[i].met = true;
			return;
		}
		if (!oom->victim[i].id)
			place = &oom->victim[i];
	}
	if (place)
		*place = (struct oom_victim){ .id = id,
					      .due_ns = port_time_ns() + REAP_AFTER_NS,
					      .met = true };
	trace(mm, OOM_REAPER, (uint32_t)id);
	if (oom->ops->wake_reaper)
		oom->ops->wake_reaper(oom->ctx);
}

void oom_walk_begins(struct oom *oom)
{
	for (unsigned i = 0; i < OOM_VICTIMS; i++)
		oom->victim[i].met = false;
}

bool oom_victim_gone(struct oom *oom)
{
	bool gone = false;

	for (unsigned i = 0; i < OOM_VICTIMS; i++) {
		if (!oom->victim[i].id || oom->victim[i].met)
			continue;
		oom->victim[i].id = 0;
		gone = true;
	}
	return gone;
}

/* It is due. */
static void reap(struct zonal *mm, struct oom_victim *victim)
{
	struct oom *oom = &mm->oom;
	bool done;

	trace(mm, OOM_REAP_BEGIN, (uint32_t)victim->id);
	done = !oom->ops->reap || oom->ops->reap(oom->ctx, victim->id) == ZONAL_OOM_REAP_DONE;
	if (done)
		trace(mm, OOM_REAP_END, (uint32_t)victim->id);
	else
		trace(mm, OOM_REAP_SKIP, (uint32_t)victim->id);
	if (!done && ++victim->tries < REAP_TRIES) {
		victim->due_ns = port_time_ns() + REAP_AGAIN_NS;
		return;
	}
	if (!done)
		port_log("zonal: out of memory: task %llu does not end and could not be reaped",
			 (unsigned long long)victim->id);
	oom->ops->skip(oom->ctx, victim->id);
	victim->id = 0;
}

uint64_t zonal_oom_reaper_turn(struct zonal *mm)
{
	struct oom *oom = &mm->oom;
	uint64_t next = UINT64_MAX;

	if (!oom_try(mm))
		return REAP_AGAIN_NS / 10;
	for (unsigned i = 0; oom->ops && i < OOM_VICTIMS; i++) {
		struct oom_victim *victim = &oom->victim[i];

		if (victim->id && port_time_ns() >= victim->due_ns)
			reap(mm, victim);
		if (victim->id)
			next = ZN_MIN(next, victim->due_ns);
	}
	oom_leave(mm);
	if (next == UINT64_MAX)
		return next;
	return next > port_time_ns() ? next - port_time_ns() : 1;
}
