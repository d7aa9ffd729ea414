/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_CPUSET_H
#define MM_CPUSET_H

#include "lib/assert.h"
#include "request.h"

/*
 * A task's policy and allowed nodes are read while other CPUs change them (T4). A writer makes
 * the sequence odd, with interrupts masked, and even again behind its last store; a reader
 * who saw an odd count, or two different ones, reads again. Every field is read with acquire
 * and written with release: who sees one new value sees the odd count too. That costs nothing
 * where it matters, for plain tasks are never asked (zonal_task.unusual), and it is in
 * terms that the thread sanitizer understands, which has no fences.
 */
static inline uint32_t task_read_begin(struct zonal_task *task)
{
	uint32_t seq;

	while ((seq = ld_acquire(&task->mems_seq)) & 1)
		port_relax();
	return seq;
}

static inline bool task_read_again(struct zonal_task *task, uint32_t seq)
{
	return ld_relaxed(&task->mems_seq) != seq;
}

/* One writer of a task at a time; others wait. Returns the mask to restore. */
static inline port_irqflags_t task_write_begin(struct zonal_task *task)
{
	port_irqflags_t irq = port_irq_save();
	uint32_t seq = task_read_begin(task);

	/* Acquire pairs with the release at the end of the last writer: this one sees what
	 * that one wrote, and loses nothing of it. */
	while (!atomic_compare_exchange_weak_explicit(&task->mems_seq, &seq, seq + 1,
						      memory_order_acquire, memory_order_relaxed))
		seq = task_read_begin(task);
	return irq;
}

static inline void task_write_end(struct zonal_task *task, port_irqflags_t irq)
{
	uint32_t seq = ld_relaxed(&task->mems_seq);

	ASSERT(seq & 1, "sequence %u at the end of a change", seq);
	DASSERT_MASKED();
	/* Release: who sees the even count sees all that was written. */
	st_release(&task->mems_seq, seq + 1);
	port_irq_restore(irq);
}

/* Z3: other nodes, another wall, and the policy that follows, in one section. Context: any CPU. */
void cpuset_apply(struct zonal *mm, struct zonal_task *task, nodemask_t nodes, nodemask_t wall);

/* Z1: may this request use node `nid` in a pass with ALLOC_CPUSET? */
static inline bool cpuset_allows(const struct alloc_req *req, const struct alloc_pass *pass,
				 unsigned nid)
{
	DASSERT(nid < ZONAL_MAX_NODES, "node %u", nid);
	if (!ZONAL_POLICY || req->in_irq || nodemask_has(pass->cpuset, nid) ||
	    task_is_victim(req->task))
		return true;
	if (pass->gfp & __GFP_HARDWALL)
		return false;
	return task_is_dying(req->task) || nodemask_has(pass->wall, nid);
}

/* The allowed nodes at one moment, and which moment it was. */
static inline void cpuset_read(const struct alloc_req *req, struct alloc_pass *pass)
{
	struct zonal_task *task = (struct zonal_task *)(uintptr_t)req->task;

	pass->cpuset = NODEMASK_ALL;
	pass->wall = NODEMASK_ALL;
	if (!ZONAL_POLICY || likely(!(ld_relaxed(&task->unusual) & ZTASK_CONFINED)))
		return;
	do {
		pass->cookie = task_read_begin(task);
		pass->cpuset = ld_acquire(&task->mems_allowed);
		pass->wall = ld_acquire(&task->mems_wall);
	} while (task_read_again(task, pass->cookie));
	ASSERT(pass->cpuset, "a task without allowed nodes, sequence %u", pass->cookie);
}

/* L9: have the allowed nodes changed since the pass read them? */
static inline bool cpuset_changed(const struct alloc_req *req, const struct alloc_pass *pass)
{
	struct zonal_task *task = (struct zonal_task *)(uintptr_t)req->task;

	return ZONAL_POLICY && pass->cpuset != NODEMASK_ALL && task_read_again(task, pass->cookie);
}

#endif
