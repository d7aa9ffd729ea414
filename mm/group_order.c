/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order of groups: who goes through a group and all below it, goes in this one.
 *
 * It is 5.10's: a group before those below it, and of those below one group the one that was made
 * first. Then everything below a group follows it without a gap, and a new group comes behind the
 * last one of its parent. The order is an array of numbers, 0 at its end.
 *
 * Written under the groups' lock. Reclaim reads it without: a group that is dropped has no pages,
 * and its structure stays its owner's, so that one seen too late is only looked at in vain; numbers
 * that are pushed along meanwhile may be met twice, or not in this turn.
 */
#include "group.h"
#include "lib/assert.h"

static unsigned number_at(const struct zonal *mm, unsigned place)
{
	struct zonal *writable = (struct zonal *)(uintptr_t)mm;

	/* There is a group fewer than places, so every walk has met the 0 by then. */
	ASSERT(place < ZONAL_MAX_GROUPS, "place %u in the order of groups", place);
	return ld_relaxed(&writable->groups.order[place]);
}

static struct zonal_group *group_of(const struct zonal *mm, unsigned number)
{
	struct zonal *writable = (struct zonal *)(uintptr_t)mm;

	return ld_acquire(&writable->groups.by_id[number]);
}

void group_order_add(struct zonal *mm, const struct zonal_group *group)
{
	unsigned place = 0, end = 0, number;

	DASSERT_HELD(&mm->groups.lock);
	while ((number = number_at(mm, end))) {
		end++;
		if (!group->parent || group_within(group_of(mm, number), group->parent))
			place = end;
	}
	ASSERT(end < ZONAL_MAX_GROUPS - 1, "%u groups", end);
	for (; end > place; end--)
		st_relaxed(&mm->groups.order[end], (uint8_t)number_at(mm, end - 1));
	st_relaxed(&mm->groups.order[place], group->id);
}

void group_order_remove(struct zonal *mm, const struct zonal_group *group)
{
	unsigned place = 0, number;

	DASSERT_HELD(&mm->groups.lock);
	while ((number = number_at(mm, place)) != group->id) {
		ASSERT(number, "group %u is not in the order", group->id);
		place++;
	}
	do {
		number = number_at(mm, place + 1);
		st_relaxed(&mm->groups.order[place], (uint8_t)number);
		place++;
	} while (number);
}

struct zonal_group *group_next(const struct zonal *mm, const struct zonal_group *top, unsigned *at)
{
	unsigned number;

	while ((number = number_at(mm, *at))) {
		struct zonal_group *group = group_of(mm, number);

		++*at;
		/* One that goes at this moment has left the table already. */
		if (group && (!top || group_within(group, top)))
			return group;
	}
	return NULL;
}
