/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory groups as the rest of mm/ sees them. Whoever is in none pays one test on the general path,
 * and pages that are not charged none at all: they are told by the flag that sends a charged one
 * to the careful free.
 */
#ifndef MM_GROUP_H
#define MM_GROUP_H

#include <zonal/group.h>

#include "request.h"

/* Z5: is this request to be charged? */
static inline bool group_charges(const struct alloc_req *req)
{
	struct zonal_task *task = (struct zonal_task *)(uintptr_t)req->task;

	return ZONAL_GROUPS && unlikely(ld_relaxed(&task->unusual) & ZTASK_GROUP) &&
	       (req->gfp & __GFP_ACCOUNT) && !req->in_irq;
}

/* Z5: the page that the request got, charged; or NULL, it was freed, and the failure is on
 * record. */
struct page *group_charge_page(const struct alloc_req *req, struct page *page);

/* The block at `page` is charged to that group, which was counted. */
void group_mark(struct zonal *mm, struct page *page, const struct zonal_group *group);
/* Z7: a charged block is freed, and is charged no more. */
void group_free(struct zonal *mm, struct page *page, unsigned order);
/* Z7: all of it but the head, which keeps its own charge (B17). */
void group_free_rest(struct zonal *mm, const struct page *page, unsigned order);
/* Z7: a charged block becomes single pages, each with its own. */
void group_split(struct zonal *mm, const struct page *page, unsigned order);
/* The contents of `from` go to `to`, and the charge with them. Both are the caller's. */
void group_move(struct zonal *mm, struct page *from, struct page *to);

/* The number of the group that a page is charged to, 0: none. */
static inline unsigned page_group_id(const struct zonal *mm, const struct page *page)
{
	if (!ZONAL_GROUPS || likely(!(page_word(page) & PG_CHARGED)) || !mm->groups.map)
		return 0;
	return ld_relaxed(&mm->groups.map[page->pfn - mm->map_first]);
}

/* The group has its place in the order below / has none any more. With the groups' lock. */
void group_order_add(struct zonal *mm, const struct zonal_group *group);
void group_order_remove(struct zonal *mm, const struct zonal_group *group);
/* Groups in turn, each before those below it, those of one group in the order in which they were
 * made: the first of them at place *at or behind it that is `top` or below it, and *at behind it;
 * NULL: there is none. Without a lock: one that is made or dropped meanwhile may be missed, and
 * another be met twice. Start with *at = 0. */
struct zonal_group *group_next(const struct zonal *mm, const struct zonal_group *top,
			       unsigned *at);
static inline uint64_t group_limit_of(const struct zonal_group *group)
{
	return ld_relaxed(&((struct zonal_group *)(uintptr_t)group)->limit);
}

/* Is `group` that one, or below it? */
bool group_within(const struct zonal_group *group, const struct zonal_group *above);
/* The child is in the group of its parent, if that is in one. */
void group_inherit(struct zonal_task *child, struct zonal_task *parent);

/* Z6: add to the usage of a group and those above it, up to their limits. NULL: done; else the
 * one that has no room, and nothing has changed. (group_count.c) */
struct zonal_group *group_add(struct zonal_group *group, uint64_t pages);
/* The same whatever the limits, and back. */
void group_force(struct zonal_group *group, uint64_t pages);
void group_sub(struct zonal_group *group, uint64_t pages);
/* From what this CPU has in store; false: it has too little. */
bool group_store_take(struct zonal *mm, struct zonal_group *group, uint64_t pages);
/* What a CPU that is gone had in store goes back. */
void group_cpu_dead(struct mm_cpu *cpu);
/* Into it. */
void group_store_put(struct zonal *mm, struct zonal_group *group, uint64_t pages);

#endif
