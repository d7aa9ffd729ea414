/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory groups: how much the tasks of a group may have in all (rows Z5-Z7).
 *
 * What a task of a group asks for with ZONAL_GFP_F_ACCOUNT is charged to the group and to all
 * groups above it, and none may come over its limit. When one would, its own pages that can be
 * given up are reclaimed; if that does not do, a task of the group is ended (<zonal/oom.h>); and if
 * nobody can be, the request fails. Each page knows its group, so that what was charged is given
 * back exactly, by whoever frees it and in whatever pieces.
 *
 * Charged in any case, over the limit: requests that are ZONAL_GFP_F_ATOMIC or NOFAIL, of who
 * works for reclaim, and of who is on its way out. Never charged: in an interrupt, and tasks in
 * no group, which pay nothing for groups. What moves to another frame keeps its charge; what goes
 * to swap gives it back, and who brings it back pays for it.
 *
 * A charge is taken for 32 pages at a time if there is room, so `usage` may be up to 32 pages a
 * CPU more than what is in use, until zonal_group_settle().
 *
 * A struct zonal_group is its owner's memory, zeroed at first, and stays valid as long as the
 * instance does. What is atomic in it may be read at any time; all of it is the core's. Calls that
 * name groups have one caller at a time.
 */
#ifndef ZONAL_GROUP_H
#define ZONAL_GROUP_H

#include <zonal/zonal.h>

ZONAL_BEGIN_DECLS

#define ZONAL_GROUP_NO_LIMIT (~(uint64_t)0 >> 1)

struct zonal_group {
	struct zonal *mm;
	bool used;
	uint8_t id;                     /* what its pages have as their group */
	struct zonal_group *parent;
	unsigned children;
	ZONAL_ATOMIC(uint32_t) tasks;
	ZONAL_ATOMIC(uint32_t) pins;    /* charges under way */
	ZONAL_ATOMIC(uint64_t) limit;   /* pages */
	ZONAL_ATOMIC(uint64_t) usage;   /* charged, those below it included */
	ZONAL_ATOMIC(uint64_t) most;    /* that `usage` has been */
	ZONAL_ATOMIC(uint64_t) hits;    /* charges that met the limit */
	ZONAL_ATOMIC(uint64_t) forced;  /* pages charged whatever the limit */
	ZONAL_ATOMIC(uint64_t) refused; /* requests that failed for it */
	ZONAL_ATOMIC(uint64_t) reclaimed; /* pages, because it was at its limit */
	ZONAL_ATOMIC(uint64_t) ooms;    /* times that a task was to be ended for it */
};

/* Bytes of memory that the instance needs before the first group: one a page of RAM, and lists of
 * ZONAL_MAX_GROUPS groups for each node, 11 KiB a node. */
size_t zonal_group_map_bytes(const struct zonal *mm);
/* `map` is zeroed memory of so many bytes, at a multiple of 8, which the instance keeps. 0, or
 * ZONAL_EINVAL: it is too small, not aligned, or there is one. Context: boot or task. */
int zonal_groups_begin(struct zonal *mm, void *map, size_t bytes) ZONAL_MUST_USE;

/* `group` becomes one, below `parent` or at the top. 0; ZONAL_EINVAL: a limit of 0, it is one, or
 * there is no map; ZONAL_ERANGE: ZONAL_MAX_GROUPS is too small. Context: task. */
int zonal_group_make(struct zonal *mm, struct zonal_group *group, struct zonal_group *parent,
		     uint64_t limit) ZONAL_MUST_USE;
/* Another limit. If more is in use, pages are reclaimed first. 0; ZONAL_EINVAL: 0; ZONAL_ENOMEM:
 * too few could be, and the old limit stays. Context: task, may wait. */
int zonal_group_limit(struct zonal_group *group, uint64_t limit) ZONAL_MUST_USE;
/* It is none any more. 0, or ZONAL_EINVAL: it has tasks, pages, or groups below it, or somebody who
 * has left it is charging still. Context: task, not masked. */
int zonal_group_drop(struct zonal_group *group) ZONAL_MUST_USE;

/* What CPUs have in store is given back, so that `usage` is exact if nobody charges meanwhile.
 * Context: task, not masked. */
void zonal_group_settle(struct zonal *mm);

/* `task`, which cannot end meanwhile, is in `group` from now on, NULL: in none. Pages that it has
 * stay where they are charged. A child is in its parent's group. Context: any but interrupt. */
void zonal_group_join(struct zonal_group *group, struct zonal_task *task);

/* The group that a page is charged to, NULL: none. Racy unless it is the caller's. */
struct zonal_group *zonal_page_group(const struct zonal *mm, const zonal_page_t *page);

ZONAL_END_DECLS

#endif
