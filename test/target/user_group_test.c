/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs in memory groups (rows Z5-Z7): with swap a group that wants more than its limit swaps
 * its own pages, without it ends its own largest task; nobody outside notices. And a program that
 * is moved from group to group while it allocates leaves nothing behind in any.
 *
 * The programs are test/user/hungry.c and press.c, which checks what it wrote. What a program has
 * is asked by its id. All pages of the groups and all memory are counted around each case, after a
 * first start of everything, which may leave what it keeps.
 */
#include <zonal/cpuset.h>
#include <zonal/group.h>
#include <zonal/linux.h>

#include "mm/mm.h"
#include "monitor/group_command.h"
#include "platform/platform.h"
#include "test/unit/mm/kt_instance.h"
#include "test/unit/sched/sched_world.h"
#include "user/swap.h"
#include "user/user.h"
#include "user_world.h"

enum { LIMIT = 700, MORE = 1100, OTHERS = 400, SWAP_PAGES = 4096 };

/* `inner` is below `outer`. A group's memory stays the allocator's. */
static struct zonal_group outer, inner;

static bool groups_begin(uint64_t limit, uint64_t limit_inner)
{
	return KT_TRUE(group_command_begin(&zonal_image)) &&
	       KT_EQ(zonal_group_make(&zonal_image, &outer, NULL, limit), 0) &&
	       KT_EQ(zonal_group_make(&zonal_image, &inner, &outer, limit_inner), 0);
}

/* The task that ended last is still in its group until its structure is freed. */
static void group_ends(struct zonal_group *group)
{
	uint64_t deadline = sched_world_deadline();
	int error;

	while ((error = zonal_group_drop(group)) && port_time_ns() < deadline)
		task_sleep_ns(MS);
	KT_OK(!error, "%llu pages, %u tasks, %u charges under way",
	      (unsigned long long)ld_relaxed(&group->usage), ld_relaxed(&group->tasks),
	      ld_relaxed(&group->pins));
}

static void groups_end(void)
{
	group_ends(&inner);
	group_ends(&outer);
}

/* The group's from its first page on. */
static int start_in(struct zonal_group *group, const char *name, uint64_t arg)
{
	int id;

	zonal_group_join(group, task_memory(task_current()));
	id = user_world_start(name, arg);
	zonal_group_join(NULL, task_memory(task_current()));
	return id;
}

static void kill(int id)
{
	KT_TRUE(user_kill(id));
	user_world_ends(id, USER_KILLED);
}

/* The map of groups is kept. */
static uint64_t pages_before(void)
{
	KT_TRUE(group_command_begin(&zonal_image));
	return user_world_before();
}

static uint64_t press_arg(uint64_t pages, unsigned rounds, unsigned seed)
{
	return pages | (uint64_t)rounds << 24 | (uint64_t)seed << 32;
}

KTEST_F(rows_z, z6_with_swap_a_group_over_its_limit_swaps_its_own_pages_alone, KT_TARGET_ONLY)
{
	uint64_t before = pages_before(), kept;
	uint64_t kills = kt_event(&zonal_image, EVENT_OOM_KILL);
	int other, id;

	if (!groups_begin(LIMIT, ZONAL_GROUP_NO_LIMIT))
		return;
	KT_TRUE(!swap_on_ram(SWAP_PAGES, &swap_lz4));
	other = start_in(NULL, "hungry", OTHERS);
	if (user_world_has_pages(other, OTHERS)) {
		kept = user_world_pages(other);
		id = start_in(&inner, "press", press_arg(MORE, 2, 1));
		user_world_ends(id, USER_EXITED);
		/* what it had beyond the limit went to swap, of its own pages only */
		KT_TRUE(ld_relaxed(&outer.reclaimed) >= MORE - LIMIT);
		KT_TRUE(ld_relaxed(&outer.hits) > 0 && !ld_relaxed(&outer.forced));
		KT_TRUE(ld_relaxed(&outer.most) <= LIMIT);
		KT_EQ(ld_relaxed(&outer.ooms), 0);
		KT_EQ(kt_event(&zonal_image, EVENT_OOM_KILL), kills);
		KT_TRUE(user_world_pages(other) >= kept);
	}
	kill(other);
	groups_end();
	KT_TRUE(!swap_off("ram0"));
	user_world_is_sound(before);
}

KTEST_F(rows_z, z6_without_swap_a_group_over_its_limit_ends_its_own_largest, KT_TARGET_ONLY)
{
	uint64_t before = pages_before(), kept;
	uint64_t kills = kt_event(&zonal_image, EVENT_OOM_KILL);
	int other, small, grower;

	if (!groups_begin(ZONAL_GROUP_NO_LIMIT, LIMIT))
		return;
	/* outside of it, and larger than all of the group */
	other = start_in(NULL, "hungry", LIMIT + OTHERS);
	small = start_in(&inner, "hungry", 100);
	if (user_world_has_pages(other, LIMIT + OTHERS) && user_world_has_pages(small, 100)) {
		kept = user_world_pages(small);
		grower = start_in(&inner, "hungry", 0);
		user_world_ends(grower, USER_KILLED);
		KT_EQ(kt_event(&zonal_image, EVENT_OOM_KILL), kills + 1);
		KT_TRUE(ld_relaxed(&inner.ooms) > 0 && !ld_relaxed(&outer.ooms));
		KT_TRUE(user_world_pages(small) >= kept);
		KT_TRUE(user_world_pages(other) >= LIMIT + OTHERS);
	}
	kill(small);
	kill(other);
	groups_end();
	user_world_is_sound(before);
}

static void enter(struct zonal_task *memory, void *group) { zonal_group_join(group, memory); }

KTEST_F(rows_z, z7_a_program_that_changes_groups_leaves_no_charge_behind, KT_TARGET_ONLY)
{
	struct zonal_group *const turn[] = { &inner, NULL, &outer };
	uint64_t before = pages_before();
	unsigned changes = 0;
	int id;

	if (!groups_begin(ZONAL_GROUP_NO_LIMIT, LIMIT))
		return;
	KT_TRUE(!swap_on_ram(SWAP_PAGES, &swap_lz4));
	id = start_in(&inner, "press", press_arg(MORE, 4, 2));
	while (user_world_pages(id) && user_memory(id, enter, turn[changes % 3])) {
		changes++;
		task_yield();
	}
	user_world_ends(id, USER_EXITED);
	groups_end();
	KT_TRUE(!swap_off("ram0"));
	user_world_is_sound(before);
}

/* ---- failures ------------------------------------------------------------------ */

/* What a start of `press` in the group came to: false: it could not begin, or was ended; true: it
 * ran to its end. */
static bool press_ends_well(struct zonal_group *group)
{
	struct user_end end = { .reason = USER_KILLED };
	const char *why = NULL;
	int id;

	zonal_group_join(group, task_memory(task_current()));
	id = user_start("press", press_arg(5, 1, 3), &why);
	zonal_inject(&zonal_image, 0, 0);
	zonal_group_join(NULL, task_memory(task_current()));
	if (id <= 0) {
		KT_TRUE(why != NULL);
		return false;
	}
	KT_TRUE(user_join(id, &end));
	return end.reason == USER_EXITED && !end.status;
}

/* Nothing is charged to the group and nobody in it. A task that began and was ended gives back what
 * it has in its own time. */
static void all_left(struct zonal_group *group)
{
	uint64_t deadline = sched_world_deadline();

	for (;;) {
		zonal_group_settle(&zonal_image);
		if ((!ld_relaxed(&group->usage) && !ld_relaxed(&group->tasks)) ||
		    port_time_ns() > deadline)
			break;
		task_sleep_ns(MS);
	}
	KT_EQ(ld_relaxed(&group->usage), 0);
	KT_EQ(ld_relaxed(&group->tasks), 0);
}

/* Proof that each charge may fail: with a limit of n pages the one behind the n-th does, of the
 * space, its tables, the program's pages, and of what it touches later. */
KTEST_F(rows_z, z5_a_program_whose_group_cannot_pay_leaves_nothing, KT_TARGET_ONLY)
{
	uint64_t before = pages_before();
	unsigned limit = 1;

	if (!groups_begin(ZONAL_GROUP_NO_LIMIT, 1))
		return;
	while (limit < 60 && !press_ends_well(&inner)) {
		all_left(&inner);
		KT_EQ(zonal_group_limit(&inner, ++limit), 0);
	}
	KT_OK(limit > 5 && limit < 60, "a limit of %u pages", limit);
	KT_TRUE(ld_relaxed(&inner.refused) >= 4);
	groups_end();
	user_world_is_sound(before);
}

/* And each allocation of a start in a group and a cpuset: what was charged before it is given back,
 * and what did not come to life is a member of neither. */
KTEST_F(rows_z, z7_a_start_that_gets_no_memory_gives_its_charges_back, KT_TARGET_ONLY)
{
	static struct zonal_cpuset set;
	uint64_t before = pages_before(), deadline;
	unsigned tries;

	if (!groups_begin(ZONAL_GROUP_NO_LIMIT, ZONAL_GROUP_NO_LIMIT))
		return;
	KT_EQ(zonal_cpuset_make(&zonal_image, &set, NULL, zonal_image.has_memory, 0), 0);
	zonal_cpuset_join(&set, task_memory(task_current()));
	for (tries = 0; tries < 60; tries++) {
		zonal_inject(&zonal_image, tries, 1000);
		if (press_ends_well(&inner))
			break;
		all_left(&inner);
		KT_EQ(set.tasks, 1);
	}
	zonal_cpuset_leave(task_memory(task_current()));
	deadline = sched_world_deadline();
	while (zonal_cpuset_drop(&set) && port_time_ns() < deadline)
		task_sleep_ns(MS);
	KT_TRUE(!set.used);
	KT_OK(tries > 3 && tries < 60, "%u allocations", tries);
	groups_end();
	user_world_is_sound(before);
}
