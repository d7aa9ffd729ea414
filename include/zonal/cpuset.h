/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cpusets: groups of tasks with allowed nodes, in a tree (rows Z1-Z4).
 *
 * A task in a set may use the nodes of the set. A request with ZONAL_GFP_F_HARDWALL (a user's
 * memory) keeps to them whatever happens; another one may leave them when they are full, as far
 * as the nearest set above, or the task's own, that has a wall. A set has one if it is EXCLUSIVE
 * or HARDWALL. Over the top of the tree there is nothing: no wall means every node.
 *
 * The rules of the tree:
 *	- the nodes of a set are some of its parent's, and some of them have memory
 *	- the children's nodes are some of its own
 *	- an EXCLUSIVE set shares no node with a set beside it, nor does one beside such a set
 *	- the parent of an EXCLUSIVE set is EXCLUSIVE; the top counts as that
 *
 * What changes a set changes its tasks, also while they allocate: each pass of a request sees the
 * old nodes or the new ones, and one that failed while they changed is tried again. Tasks that are
 * in no set pay nothing, and are never restricted.
 *
 * A struct zonal_cpuset is its owner's memory, zeroed at first, and stays valid as long as the
 * instance does. Its fields are the core's. Calls that name sets have one caller at a time; they
 * wait for each other. A task's creation and end may happen meanwhile.
 */
#ifndef ZONAL_CPUSET_H
#define ZONAL_CPUSET_H

#include <zonal/zonal.h>

ZONAL_BEGIN_DECLS

#define ZONAL_CPUSET_EXCLUSIVE 0x1u
#define ZONAL_CPUSET_HARDWALL 0x2u

struct zonal_cpuset {
	struct zonal *mm;      /* stays when it was dropped */
	bool used;
	struct zonal_cpuset *parent, *child, *next;
	zonal_nodemask_t nodes;
	unsigned flags;        /* ZONAL_CPUSET_* */
	uint32_t generation;   /* of nodes and walls, for its tasks */
	unsigned tasks;
	struct zonal_task *first, *last;
};

/* `set` becomes a set below `parent` (NULL: at the top). 0, or ZONAL_EINVAL: a rule of the tree is
 * broken, or it is in use. Context: task. */
int zonal_cpuset_make(struct zonal *mm, struct zonal_cpuset *set, struct zonal_cpuset *parent,
		      zonal_nodemask_t nodes, unsigned flags) ZONAL_MUST_USE;

/* Other nodes and flags, for its tasks as well. 0, or ZONAL_EINVAL and nothing has changed. When it
 * returns no new pass of a request sees the old ones. Context: task. */
int zonal_cpuset_change(struct zonal_cpuset *set, zonal_nodemask_t nodes,
			unsigned flags) ZONAL_MUST_USE;

/* It is none any more. 0, or ZONAL_EBUSY: it has tasks or sets below it. Context: task. */
int zonal_cpuset_drop(struct zonal_cpuset *set) ZONAL_MUST_USE;

/* `task`, which cannot end meanwhile, is in `set` from now on and in no other; its policy follows.
 * zonal_task_inherit() puts a child into its parent's set. Context: any but interrupt. */
void zonal_cpuset_join(struct zonal_cpuset *set, struct zonal_task *task);

/* In none. It may use every node then. To be called before a task's memory goes. Context: as
 * above. */
void zonal_cpuset_leave(struct zonal_task *task);

ZONAL_END_DECLS

#endif
