/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lists of memory groups: a page that is charged is on its group's lists of its node.
 *
 * So reclaim for a group looks at its pages alone, however few of the node's they are, and what the
 * other tasks' pages have cost does not decide which of its own go. Reclaim for the board looks at
 * every group's lists in turn, behind those of the pages that belong to none, in the order of
 * group_next(): each gives its share. It is 5.10's division, and its order.
 *
 * All lists of a node are under one lock. The groups' are part of the storage that
 * zonal_groups_begin() is given, by node and by the group's number; they stay when a group goes,
 * and are empty then, because a group with pages does not go. What is said of a group here is said
 * of those below it, too.
 */
#include "reclaim.h"
#include "scan.h"

#include "lib/assert.h"

static unsigned nodes_of(const struct zonal *mm)
{
	unsigned nodes = 0;

	for (unsigned nid = 0; nid < ZONAL_MAX_NODES; nid++)
		nodes += mm->node[nid] != NULL;
	return nodes;
}

size_t reclaim_groups_bytes(const struct zonal *mm)
{
	return (size_t)nodes_of(mm) * ZONAL_MAX_GROUPS * sizeof(struct lru_lists);
}

void reclaim_groups_begin(struct zonal *mm, void *storage)
{
	struct lru_lists *lists = storage;

	ASSERT((uintptr_t)storage % _Alignof(struct lru_lists) == 0, "lists at %p", storage);
	for (unsigned nid = 0; nid < ZONAL_MAX_NODES; nid++) {
		if (!mm->node[nid])
			continue;
		ASSERT(!mm->node[nid]->reclaim.lru.group, "node %u has lists of groups", nid);
		for (unsigned id = 0; id < ZONAL_MAX_GROUPS; id++)
			lru_lists_init(&lists[id]);
		mm->node[nid]->reclaim.lru.group = lists;
		lists += ZONAL_MAX_GROUPS;
	}
}

uint64_t lru_sum_of_groups(struct node *node, const struct zonal_group *group, unsigned list,
			   unsigned low_zone, unsigned high_zone)
{
	struct lru_lists *root = &node->reclaim.lru.root;
	uint64_t sum = group ? 0 : lists_sum(root, list, low_zone, high_zone);
	const struct zonal_group *next;
	unsigned at = 0;

	ASSERT(high_zone < ZONE_TYPES, "zone type %u", high_zone);
	while ((next = group_next(node->zone[0].mm, group, &at)))
		sum += lists_sum(group_lists(node, next), list, low_zone, high_zone);
	return sum;
}

void zonal_group_lru_counts(const struct zonal_group *group, unsigned nid,
			    struct zonal_lru_counts *out)
{
	struct node *node = nid < ZONAL_MAX_NODES ? group->mm->node[nid] : NULL;

	ASSERT(group->used, "group %u is none", group->id);
	*out = (struct zonal_lru_counts){ .dirty = 0 };
	for (unsigned kind = 0; node && kind < ZONAL_KINDS; kind++) {
		out->inactive[kind] = lru_size_in(node, group, kind * 2, ZONE_MOVABLE);
		out->active[kind] = lru_size_in(node, group, kind * 2 + LRU_ACTIVE, ZONE_MOVABLE);
	}
}
