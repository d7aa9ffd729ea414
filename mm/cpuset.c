/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A task's allowed nodes, and what goes with them: the allocator's view of a task is written
 * here and in policy.c, always between task_write_begin() and task_write_end().
 *
 * Writers: the task itself (zonal_set_policy), and anyone on any CPU (zonal_task_set_mems).
 * The sequence count that readers retry by (cpuset.h) is the writers' lock as well: odd
 * means taken. It is held masked and for a bounded number of steps, so that whoever waits
 * for it, masked too, waits for a CPU that runs.
 *
 * The set is never empty, and while it changes it is the old and the new nodes together
 * (Z3). A task whose set leaves out a node with memory is ZTASK_CONFINED and takes the
 * general path; all others pay nothing for cpusets, whoever else is in one (Z4).
 */
#include "cpuset.h"

#include <zonal/cpuset.h>

#include "policy.h"

void zonal_task_init(struct zonal_task *task)
{
	*task = (struct zonal_task){ .il_prev = ZONAL_MAX_NODES - 1 };
	st_relaxed(&task->mems_allowed, NODEMASK_ALL);
	st_relaxed(&task->mems_wall, NODEMASK_ALL);
}

void cpuset_apply(struct zonal *mm, struct zonal_task *task, nodemask_t nodes, nodemask_t wall)
{
	port_irqflags_t irq = task_write_begin(task);
	nodemask_t old = ld_relaxed(&task->mems_allowed);

	ASSERT(old && nodes, "a task without allowed nodes, sequence %u",
	       ld_relaxed(&task->mems_seq));
	st_release(&task->mems_allowed, old | nodes);
	policy_rebind(&task->policy, old & mm->has_memory, nodes & mm->has_memory);
	st_release(&task->mems_wall, wall);
	st_release(&task->mems_allowed, nodes);
	st_release(&task->unusual, (mm->has_memory & ~nodes ? ZTASK_CONFINED : 0) |
					   policy_unusual(&task->policy) |
					   (ld_relaxed(&task->unusual) & ZTASK_GROUP));
	task_write_end(task, irq);
}

int zonal_task_set_mems(struct zonal *mm, struct zonal_task *task, nodemask_t nodes)
{
	const struct zonal_cpuset *set = ld_acquire(&task->cpuset);

	if (!ZONAL_POLICY || !(nodes & mm->has_memory) || (set && (nodes & ~set->nodes)))
		return ZONAL_EINVAL;
	cpuset_apply(mm, task, nodes, ld_acquire(&task->mems_wall));
	return 0;
}
