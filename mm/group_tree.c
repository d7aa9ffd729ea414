/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups and their members: the table of them, limits, who is in which.
 *
 * A group has a number, which its pages have in the map, and is found by it in the table. It can be
 * dropped only when no page and no task knows it any more, so a number that is used again never
 * meets an old page. Nor does a charge that began when its task was still in it: who reads which
 * group is his pins it, masked (group.c), and a drop has been on every CPU since the last task left
 * before it looks at the pins. So whoever has read that has pinned.
 *
 * The lock guards the table and joins against a child's beginning: a child is counted in its
 * parent's group or in none. Calls that name groups have one caller at a time beside that.
 *
 * A group that was dropped and is made again keeps its instance and its pins, which may be read or
 * changed at any time by somebody who is late.
 */
#include "cpuset.h"
#include "group.h"
#include "lib/assert.h"
#include "policy.h"
#include "reclaim/reclaim.h"

/* The lists first, for they want to be aligned; then a byte a page. */
size_t zonal_group_map_bytes(const struct zonal *mm)
{
	return reclaim_groups_bytes(mm) + mm->map_span;
}

int zonal_groups_begin(struct zonal *mm, void *map, size_t bytes)
{
	if (!ZONAL_GROUPS || !map || (uintptr_t)map % sizeof(uint64_t) ||
	    bytes < zonal_group_map_bytes(mm) || mm->groups.map)
		return ZONAL_EINVAL;
	lock_set_rank(&mm->groups.lock, LOCK_GROUPS);
	reclaim_groups_begin(mm, map);
	mm->groups.map = (_Atomic uint8_t *)map + reclaim_groups_bytes(mm);
	return 0;
}

/* With the lock. */
static void group_fill(struct zonal *mm, struct zonal_group *group, struct zonal_group *parent,
		       uint64_t limit)
{
	ASSERT(!group->children && !ld_relaxed(&group->usage), "group %u is in use", group->id);
	if (!group->mm)
		group->mm = mm;
	group->used = true;
	group->parent = parent;
	if (parent)
		parent->children++;
	st_relaxed(&group->limit, limit);
	st_relaxed(&group->most, 0);
	st_relaxed(&group->hits, 0);
	st_relaxed(&group->forced, 0);
	st_relaxed(&group->refused, 0);
	st_relaxed(&group->reclaimed, 0);
	st_relaxed(&group->ooms, 0);
}

int zonal_group_make(struct zonal *mm, struct zonal_group *group, struct zonal_group *parent,
		     uint64_t limit)
{
	int error = ZONAL_ERANGE;
	port_irqflags_t irq;

	if (!mm->groups.map || !limit || limit > ZONAL_GROUP_NO_LIMIT || group->used ||
	    (group->mm && group->mm != mm) || (parent && (!parent->used || parent->mm != mm)))
		return ZONAL_EINVAL;
	irq = lock_take_masked(&mm->groups.lock);
	for (unsigned id = 1; error && id < ZONAL_MAX_GROUPS; id++) {
		if (ld_relaxed(&mm->groups.by_id[id]))
			continue;
		group_fill(mm, group, parent, limit);
		group->id = (uint8_t)id;
		/* Release: who finds it by a page's number finds it filled. */
		st_release(&mm->groups.by_id[id], group);
		group_order_add(mm, group);
		error = 0;
	}
	lock_drop_masked(&mm->groups.lock, irq);
	return error;
}

/* Pages of the group go until it is under that limit, or no more do. */
static bool shrink_to(struct zonal_group *group, uint64_t limit)
{
	struct zonal *mm = group->mm;
	struct alloc_ask ask = ask_here(mm);
	struct alloc_req req = { .mm = mm, .task = ask.task, .gfp = GFP_KERNEL,
				 .list = &mm->node[ask.nid]->fallback, .nid = (int16_t)ask.nid,
				 .nodemask = NODEMASK_ALL, .high_zone = ZONE_MOVABLE };
	uint64_t over, got = 1;

	zonal_group_settle(mm);
	for (unsigned tries = 0; tries < 16; tries++) {
		over = ld_relaxed(&group->usage);
		if (over <= limit)
			return true;
		if (!got)
			break;
		got = reclaim_group(&req, group, over - limit);
		/* What owners have freed meanwhile is in store as well, and was not reclaimed. */
		zonal_group_settle(mm);
	}
	return ld_relaxed(&group->usage) <= limit;
}

int zonal_group_limit(struct zonal_group *group, uint64_t limit)
{
	uint64_t old;

	ASSERT(group->used, "group %u is none", group->id);
	if (!limit || limit > ZONAL_GROUP_NO_LIMIT)
		return ZONAL_EINVAL;
	/* First the limit, so that nobody takes meanwhile what is given up. */
	old = atomic_exchange_explicit(&group->limit, limit, memory_order_relaxed);
	if (shrink_to(group, limit))
		return 0;
	st_relaxed(&group->limit, old);
	return ZONAL_ENOMEM;
}

int zonal_group_drop(struct zonal_group *group)
{
	struct zonal *mm = group->mm;
	int error = ZONAL_EINVAL;
	port_irqflags_t irq;

	ASSERT(group->used, "group %u is none", group->id);
	zonal_group_settle(mm);
	irq = lock_take_masked(&mm->groups.lock);
	if (!ld_relaxed(&group->tasks) && !ld_acquire(&group->pins) &&
	    !ld_relaxed(&group->usage) && !group->children) {
		group_order_remove(mm, group);
		st_relaxed(&mm->groups.by_id[group->id], (struct zonal_group *)NULL);
		if (group->parent)
			group->parent->children--;
		group->used = false;
		error = 0;
	}
	lock_drop_masked(&mm->groups.lock, irq);
	return error;
}

/* ---- members ------------------------------------------------------------- */

/* With the lock of its instance. */
static void set_group(struct zonal_task *task, struct zonal_group *group)
{
	port_irqflags_t irq = task_write_begin(task);
	uint32_t unusual = ld_relaxed(&task->unusual) & ~ZTASK_GROUP;

	st_release(&task->group, group);
	st_release(&task->unusual, unusual | (group ? ZTASK_GROUP : 0));
	task_write_end(task, irq);
	if (group)
		fetch_add_relaxed(&group->tasks, 1);
}

void zonal_group_join(struct zonal_group *group, struct zonal_task *task)
{
	struct zonal_group *old = ld_acquire(&task->group);
	struct zonal *mm = group ? group->mm : old ? old->mm : NULL;
	port_irqflags_t irq;

	if (!mm)
		return;
	ASSERT(!group || group->used, "group %u is none", group->id);
	irq = lock_take_masked(&mm->groups.lock);
	old = ld_relaxed(&task->group);
	if (old)
		fetch_add_relaxed(&old->tasks, (uint32_t)-1);
	set_group(task, group);
	lock_drop_masked(&mm->groups.lock, irq);
}

void group_inherit(struct zonal_task *child, struct zonal_task *parent)
{
	struct zonal_group *group = ld_acquire(&parent->group);
	struct zonal *mm;
	port_irqflags_t irq;

	if (likely(!group))
		return;
	mm = group->mm;
	irq = lock_take_masked(&mm->groups.lock);
	set_group(child, ld_relaxed(&parent->group));
	lock_drop_masked(&mm->groups.lock, irq);
}
