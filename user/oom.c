/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks at EL0 as candidates for the end of all other means (<zonal/oom.h>).
 *
 * A candidate is a slot of the table whose task is being made or runs, until all that it held is
 * back: so a victim that is on its way out is still told of, and nobody else is ended meanwhile.
 * Its pages are the mapped ones and those of its tables. Who is ended ends as by process_kill(): on
 * its way to EL0, in its own context, with no lock held.
 *
 * A victim that does not come that far, because it waits for something or is never the next to
 * run, is reaped after a while: its mapped pages are taken from it, the tables stay. It will not
 * see that at EL0, where it never comes again. What it maps at that very moment is not touched
 * (space_reap()).
 *
 * The reaper is a task. Locks: those of the table and of the slot, in the functions called here.
 */
#include <zonal/oom.h>
#include <zonal/port.h>

#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/kprintf.h"
#include "space.h"
#include "user.h"

static struct wait_queue reaper_queue;
static _Atomic bool reaper_woken;

static bool candidate_next(void *ctx, uint64_t *cursor, struct zonal_oom_candidate *out)
{
	struct user_process *process;

	(void)ctx;
	while ((process = process_slot((unsigned)*cursor))) {
		++*cursor;
		if (process_candidate(process, out))
			return true;
	}
	return false;
}

static bool candidate_kill(void *ctx, uint64_t id)
{
	(void)ctx;
	return process_doom((uint32_t)id);
}

static enum zonal_oom_reap candidate_reap(void *ctx, uint64_t id)
{
	struct user_process *process = process_place(id);
	struct user_sweep sweep; /* its arrays are written before they are read */

	(void)ctx;
	sweep.start = sweep.next = 0;
	sweep.end = USER_LIMIT;
	while (sweep.next < sweep.end && ld_relaxed(&process->id) == id)
		if (!space_reap(process, &sweep))
			return ZONAL_OOM_REAP_AGAIN;
	return ZONAL_OOM_REAP_DONE;
}

static void candidate_skip(void *ctx, uint64_t id)
{
	struct user_process *process = process_place(id);

	(void)ctx;
	if (ld_relaxed(&process->id) == id)
		fetch_or_acq_rel(&process->doom, ZONAL_OOM_REAPED);
}

static void reaper_wake(void *ctx)
{
	(void)ctx;
	/* Release: the reaper sees the victim that was noted before. */
	st_release(&reaper_woken, true);
	(void)wait_wake(&reaper_queue, 1);
}

/* A thousand tasks that each look again every few milliseconds would leave it one turn in many. */
static unsigned asker_hurries(void *ctx)
{
	struct task *self = task_current();
	unsigned before = self ? task_priority(self) : SCHED_PRIORITIES;

	(void)ctx;
	if (before < USER_PRIORITY_ENDS)
		task_hurry(self, USER_PRIORITY_ENDS);
	return before;
}

static void asker_rests(void *ctx, unsigned before)
{
	struct task *self = task_current();

	(void)ctx;
	if (before >= USER_PRIORITY_ENDS)
		return;
	(void)!task_set_priority(before);
	/* Ended meanwhile, it hurries for that: whoever ends it says so first. */
	if (ld_acquire(&task_memory(self)->fate))
		task_hurry(self, USER_PRIORITY_ENDS);
}

static const struct zonal_oom_ops candidates = {
	.next = candidate_next,
	.kill = candidate_kill,
	.reap = candidate_reap,
	.skip = candidate_skip,
	.wake_reaper = reaper_wake,
	.hurry = asker_hurries,
	.calm = asker_rests,
};

static bool is_woken(void *arg)
{
	(void)arg;
	return ld_acquire(&reaper_woken);
}

static int reaper_work(void *arg)
{
	(void)arg;
	do {
		uint64_t ns = zonal_oom_reaper_turn(user_port_memory());

		if (ns != UINT64_MAX)
			ns += port_time_ns();
		(void)wait_until(&reaper_queue, is_woken, NULL, ns);
		st_relaxed(&reaper_woken, false);
	} while (true);
	return 0;
}

void user_oom_begin(void)
{
	const struct task_spec spec = { .name = "oom_reaper", .fn = reaper_work, .detached = true,
					.priority = USER_PRIORITY_ENDS };

	ASSERT(task_current(), "before there is a scheduler");
	if (zonal_oom_register(user_port_memory(), &candidates, NULL))
		kprintf("boot: programs are not ended for lack of memory: it has candidates\n");
	else if (task_spawn(&spec, NULL))
		kprintf("boot: no memory for the reaper: a victim that hangs is waited for\n");
}
