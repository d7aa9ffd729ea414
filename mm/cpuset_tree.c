/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree of cpusets, and how a change of a set reaches its tasks (Z1, Z3).
 *
 * What an allocation needs of the tree is in its task: the allowed nodes, and the nodes within
 * the nearest wall. So no request ever looks at a set; who changes one writes both into each task
 * of the set and of those below it, in a section of the task's sequence count (cpuset.c).
 *
 * A set's tasks are a list. A change gives the set a new generation and goes round the list, a few
 * tasks under one hold of the lock: those at the head that have an older generation are changed
 * and go to the tail. Who joins meanwhile has the new one. So interrupts are masked for a bounded
 * time however many tasks there are, and a task that leaves is gone when its leave returns.
 *
 * The tree itself is changed by one caller at a time (`busy`), who may wait. The lock guards
 * lists, generations, and the nodes and flags that joiners read.
 */
#include <zonal/cpuset.h>

#include "cpuset.h"
#include "group.h"
#include "lib/assert.h"
#include "policy.h"

#define TASKS_A_HOLD 8u
#define FLAGS (ZONAL_CPUSET_EXCLUSIVE | ZONAL_CPUSET_HARDWALL)

static void tree_enter(struct zonal *mm)
{
	uint32_t idle = 0;

	lock_set_rank(&mm->cpusets.lock, LOCK_CPUSETS);
	while (!atomic_compare_exchange_strong_explicit(&mm->cpusets.busy, &idle, 1,
							memory_order_acquire,
							memory_order_relaxed)) {
		idle = 0;
		if (port_nap)
			port_nap(1000000);
		else
			port_relax();
	}
}

static void tree_leave(struct zonal *mm) { st_release(&mm->cpusets.busy, 0); }

/* ---- the rules ----------------------------------------------------------- */

static bool above_allows(const struct zonal_cpuset *parent, nodemask_t nodes, unsigned flags)
{
	if (!parent)
		return true;
	return !(nodes & ~parent->nodes) && (!(flags & ZONAL_CPUSET_EXCLUSIVE) ||
					     (parent->flags & ZONAL_CPUSET_EXCLUSIVE));
}

/* `first` and those beside it. */
static bool beside_allow(const struct zonal_cpuset *first, const struct zonal_cpuset *self,
			 nodemask_t nodes, unsigned flags)
{
	for (const struct zonal_cpuset *at = first; at; at = at->next)
		if (at != self && ((at->flags | flags) & ZONAL_CPUSET_EXCLUSIVE) &&
		    (at->nodes & nodes))
			return false;
	return true;
}

static bool below_allow(const struct zonal_cpuset *set, nodemask_t nodes, unsigned flags)
{
	for (const struct zonal_cpuset *at = set->child; at; at = at->next)
		if ((at->nodes & ~nodes) || (at->flags & ~flags & ZONAL_CPUSET_EXCLUSIVE))
			return false;
	return true;
}

static struct zonal_cpuset **children_of(struct zonal *mm, struct zonal_cpuset *parent)
{
	return parent ? &parent->child : &mm->cpusets.top;
}

static bool sound(struct zonal *mm, struct zonal_cpuset *parent, const struct zonal_cpuset *set,
		  nodemask_t nodes, unsigned flags)
{
	return (nodes & mm->has_memory) && !(flags & ~FLAGS) &&
	       above_allows(parent, nodes, flags) &&
	       beside_allow(*children_of(mm, parent), set, nodes, flags) &&
	       below_allow(set, nodes, flags);
}

/* ---- tasks --------------------------------------------------------------- */

/* Z1: the nodes of the nearest set from this one upwards that has a wall. */
static nodemask_t wall_of(const struct zonal_cpuset *set)
{
	while (set && !(set->flags & FLAGS))
		set = set->parent;
	return set ? set->nodes : NODEMASK_ALL;
}

/* With the lock. */
static void unlink_task(struct zonal_cpuset *set, struct zonal_task *task)
{
	ASSERT(set->tasks && set->first, "a set of %u tasks loses one", set->tasks);
	if (task->set_prev)
		task->set_prev->set_next = task->set_next;
	else
		set->first = task->set_next;
	if (task->set_next)
		task->set_next->set_prev = task->set_prev;
	else
		set->last = task->set_prev;
	set->tasks--;
}

static void append_task(struct zonal_cpuset *set, struct zonal_task *task)
{
	task->set_prev = set->last;
	task->set_next = NULL;
	if (set->last)
		set->last->set_next = task;
	else
		set->first = task;
	set->last = task;
	set->tasks++;
}

/* The set's nodes and wall are the task's, and it is the last of the list. */
static void follow(struct zonal_cpuset *set, struct zonal_task *task)
{
	cpuset_apply(set->mm, task, set->nodes, wall_of(set));
	task->set_generation = set->generation;
	append_task(set, task);
}

/* Some of those that have not followed yet. False: there are none left. */
static bool follow_some(struct zonal_cpuset *set)
{
	port_irqflags_t irq = lock_take_masked(&set->mm->cpusets.lock);
	bool more = true;

	for (unsigned i = 0; i < TASKS_A_HOLD && more; i++) {
		struct zonal_task *task = set->first;

		more = task && task->set_generation != set->generation;
		if (more) {
			unlink_task(set, task);
			follow(set, task);
		}
	}
	lock_drop_masked(&set->mm->cpusets.lock, irq);
	return more;
}

/* In the order parent, child, next; NULL behind the last below `root`. */
static struct zonal_cpuset *next_below(const struct zonal_cpuset *root, struct zonal_cpuset *at)
{
	if (at->child)
		return at->child;
	while (at != root && !at->next)
		at = at->parent;
	return at == root ? NULL : at->next;
}

/* All tasks of the set and of those below, whose wall may be this one's. */
static void follow_all(struct zonal_cpuset *root)
{
	for (struct zonal_cpuset *at = root; at; at = next_below(root, at)) {
		port_irqflags_t irq = lock_take_masked(&at->mm->cpusets.lock);

		at->generation++;
		lock_drop_masked(&at->mm->cpusets.lock, irq);
		while (follow_some(at))
			;
	}
}

/* ---- calls --------------------------------------------------------------- */

int zonal_cpuset_make(struct zonal *mm, struct zonal_cpuset *set, struct zonal_cpuset *parent,
		      nodemask_t nodes, unsigned flags)
{
	struct zonal_cpuset **first = children_of(mm, parent);
	int error = ZONAL_EINVAL;

	ASSERT(set && set != parent, "a set below itself");
	tree_enter(mm);
	if (ZONAL_POLICY && !set->used && (!set->mm || set->mm == mm) &&
	    (!parent || parent->mm == mm) && sound(mm, parent, set, nodes, flags)) {
		/* Whoever reads late what set a task was in still finds the instance. */
		if (!set->mm)
			set->mm = mm;
		set->used = true;
		set->parent = parent;
		set->next = *first;
		set->nodes = nodes;
		set->flags = flags;
		*first = set;
		error = 0;
	}
	tree_leave(mm);
	return error;
}

int zonal_cpuset_change(struct zonal_cpuset *set, nodemask_t nodes, unsigned flags)
{
	struct zonal *mm = set->mm;
	port_irqflags_t irq;
	int error = ZONAL_EINVAL;

	ASSERT(set->used, "a set that is none");
	tree_enter(mm);
	if (sound(mm, set->parent, set, nodes, flags)) {
		irq = lock_take_masked(&mm->cpusets.lock);
		set->nodes = nodes;
		set->flags = flags;
		lock_drop_masked(&mm->cpusets.lock, irq);
		follow_all(set);
		error = 0;
	}
	tree_leave(mm);
	return error;
}

int zonal_cpuset_drop(struct zonal_cpuset *set)
{
	struct zonal *mm = set->mm;
	struct zonal_cpuset **at = children_of(mm, set->parent);
	int error = ZONAL_EBUSY;
	port_irqflags_t irq;

	ASSERT(set->used, "a set that is none");
	tree_enter(mm);
	irq = lock_take_masked(&mm->cpusets.lock);
	if (!set->tasks && !set->child) {
		while (*at != set)
			at = &(*at)->next;
		*at = set->next;
		set->used = false;
		error = 0;
	}
	lock_drop_masked(&mm->cpusets.lock, irq);
	tree_leave(mm);
	return error;
}

/* With the lock of the instance of its set, which is returned; NULL: it is in none, no lock. The
 * callers drop it by the set's name, which clang cannot know to be the same lock. */
static struct zonal_cpuset *set_take(struct zonal_task *task, port_irqflags_t *irq) LOCK_UNSAID;
static struct zonal_cpuset *set_take(struct zonal_task *task, port_irqflags_t *irq)
{
	struct zonal_cpuset *set;
	struct zonal *mm;

	while ((set = ld_acquire(&task->cpuset))) {
		mm = set->mm;
		*irq = lock_take_masked(&mm->cpusets.lock);
		if (ld_relaxed(&task->cpuset) == set)
			return set;
		lock_drop_masked(&mm->cpusets.lock, *irq);
	}
	return NULL;
}

LOCK_UNSAID void zonal_cpuset_leave(struct zonal_task *task)
{
	port_irqflags_t irq = 0;
	struct zonal_cpuset *set = set_take(task, &irq);

	if (!set)
		return;
	unlink_task(set, task);
	st_release(&task->cpuset, (struct zonal_cpuset *)NULL);
	cpuset_apply(set->mm, task, NODEMASK_ALL, NODEMASK_ALL);
	lock_drop_masked(&set->mm->cpusets.lock, irq);
}

void zonal_cpuset_join(struct zonal_cpuset *set, struct zonal_task *task)
{
	port_irqflags_t irq;

	ASSERT(set->used, "a set that is none");
	zonal_cpuset_leave(task);
	irq = lock_take_masked(&set->mm->cpusets.lock);
	st_release(&task->cpuset, set);
	follow(set, task);
	lock_drop_masked(&set->mm->cpusets.lock, irq);
}

/* The child is in the set of its parent, if that is in one. */
static void set_inherit(struct zonal_task *child, struct zonal_task *parent) LOCK_UNSAID;
static void set_inherit(struct zonal_task *child, struct zonal_task *parent)
{
	port_irqflags_t irq = 0;
	struct zonal_cpuset *set = set_take(parent, &irq);

	if (likely(!set))
		return;
	st_release(&child->cpuset, set);
	follow(set, child);
	lock_drop_masked(&set->mm->cpusets.lock, irq);
}

void zonal_task_inherit(struct zonal_task *child, const struct zonal_task *parent)
{
	struct zonal_task *from = (struct zonal_task *)(uintptr_t)parent;
	uint32_t seq;

	zonal_task_init(child);
	do {
		seq = task_read_begin(from);
		policy_copy(&child->policy, &from->policy);
		st_relaxed(&child->mems_allowed, ld_acquire(&from->mems_allowed));
		st_relaxed(&child->mems_wall, ld_acquire(&from->mems_wall));
		st_relaxed(&child->unusual, ld_acquire(&from->unusual) & ~ZTASK_GROUP);
	} while (task_read_again(from, seq));
	set_inherit(child, from);
	group_inherit(child, from);
}
