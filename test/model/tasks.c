/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations on the running task: memory policy, allowed nodes, standing.
 *
 * The error of every combination of mode, flags and node set is worked out here
 * from rows Q9-Q11 once more. What a policy becomes after a change of the allowed
 * nodes (Q13) is read back from the task, but it must stay within the new set and
 * must not be empty.
 */
#include "model.h"

static nodemask_t memory_mask(const struct model *m)
{
	nodemask_t mask = 0;

	/* What is present counts, as in 5.10, though all of it may be reserved. */
	for (unsigned i = 0; i < m->info.range_count; i++)
		mask |= node_bit((unsigned)m->info.range[i].nid);
	return mask;
}

static bool policy_is_legal(const struct model *m, const struct zonal_task *task, unsigned mode,
			    unsigned flags, nodemask_t nodes)
{
	nodemask_t usable = task->mems_allowed & memory_mask(m);

	if (mode >= MPOL_MODES || (flags & ~(MPOL_F_STATIC | MPOL_F_RELATIVE)) ||
	    flags == (MPOL_F_STATIC | MPOL_F_RELATIVE))
		return false;
	if (mode == MPOL_DEFAULT)
		return !nodes;
	if (mode == MPOL_LOCAL)
		return !nodes && !flags;
	if (!nodes)
		return mode == MPOL_PREFERRED && !flags;
	/* Relative nodes are positions, they always fold onto something. */
	return (flags & MPOL_F_RELATIVE) ? usable != 0 : (nodes & usable) != 0;
}

bool op_policy(struct model *m)
{
	struct zonal_task *task = &m->task[m->cpu];
	unsigned mode = m_below(m, MPOL_MODES + 1);
	unsigned flags = (m_chance(m, 20) ? MPOL_F_STATIC : 0) |
			 (m_chance(m, 20) ? MPOL_F_RELATIVE : 0);
	nodemask_t nodes = m_chance(m, 40) ? 0 : m_random(m) & TABLE_NODES;
	bool legal = policy_is_legal(m, task, mode, flags, nodes);
	int error;

	if (m_chance(m, 30)) {
		/* PF_MEMALLOC takes everything; keep it short. */
		task->flags = m_chance(m, 10)  ? ZTASK_MEMALLOC :
			      m_chance(m, 50) ? ZTASK_REALTIME :
			      m_chance(m, 50) ? ZTASK_NOCMA :
						ZTASK_NOFS;
		return true;
	}
	task->flags = 0;
	snprintf(m->last, sizeof(m->last), "CPU %u: policy %u flags %#x nodes %#llx", m->cpu, mode,
		 flags, (unsigned long long)nodes);
	error = zonal_set_policy(m->mm, task, mode, flags, nodes);
	if (error != (legal ? 0 : ZONAL_EINVAL))
		return m_fail(m, "gives %d, which is %s", error, legal ? "legal" : "not legal");
	return true;
}

bool op_mems(struct model *m)
{
	struct zonal_task *task = &m->task[m->cpu];
	nodemask_t memory = memory_mask(m), nodes = m_random(m) & m_random(m) & 0xffff;
	const struct mempolicy *pol = &task->policy;
	bool legal;
	int error;

	if (m_chance(m, 40))
		nodes = memory;
	legal = (nodes & memory) != 0;
	snprintf(m->last, sizeof(m->last), "CPU %u: allowed nodes %#llx", m->cpu,
		 (unsigned long long)nodes);
	error = zonal_task_set_mems(m->mm, task, nodes);
	if (error != (legal ? 0 : ZONAL_EINVAL))
		return m_fail(m, "gives %d, which is %s", error, legal ? "legal" : "not legal");
	if (legal && !(memory & ~nodes) != !(task->unusual & ZTASK_CONFINED))
		return m_fail(m, "is confined and does not know, or the reverse");
	if (task->mems_seq & 1)
		return m_fail(m, "the sequence %u is odd after the change", task->mems_seq);
	if ((pol->mode == MPOL_BIND || pol->mode == MPOL_INTERLEAVE) && !pol->nodes)
		return m_fail(m, "the policy has no node left");
	return true;
}
