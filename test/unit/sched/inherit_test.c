/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a task gets from its creator while others change it (row T4), what it gives back at its end,
 * and scopes in scopes.
 *
 * A change of the creator's allowed nodes is stopped in its middle by hand: the count is
 * odd. The creator makes a child, and a helper on another CPU ends the change, after the
 * child is there or after a while. A child that was made without waiting has
 * what the creator had in the middle, for good; a right one waits, so that its nodes are
 * those of the end. How the CPUs run decides how surely a wrong one is caught, never
 * whether a right one passes.
 */
#include <string.h>
#include <zonal/cpuset.h>
#include <zonal/group.h>

#include "sched_world.h"

#include "mm/mm.h"
#include "sched/sched_port.h"

/* How long a child that does not wait has for being made. */
#define PAUSE (60 * MS)

static struct {
	_Atomic unsigned begun, made;
	struct zonal_task *creator;
	nodemask_t end;
} change;

static int end_of_change(void *arg)
{
	(void)arg;
	if (!sched_world_spin(&change.begun, 1))
		return 1;
	for (uint64_t end = port_time_ns() + PAUSE; port_time_ns() < end;) {
		if (ld_acquire(&change.made))
			break;
		task_yield();
	}
	st_release(&change.creator->mems_allowed, change.end);
	atomic_fetch_add_explicit(&change.creator->mems_seq, 1, memory_order_release);
	return 0;
}

static int own_nodes(void *arg)
{
	*(nodemask_t *)arg = ld_relaxed(&task_memory(task_current())->mems_allowed);
	return 0;
}

SCHED_TEST(child_waits_for_the_end_of_a_change_of_nodes)
{
	int other = sched_world_other(task_cpu());
	struct task *helper, *child;
	nodemask_t seen = 0;

	if (other < 0) {
		kt_skip("one CPU: nobody could end the change");
		return;
	}
	change.creator = task_memory(task_current());
	change.end = node_bit(sched_world_node());
	st_relaxed(&change.begun, 0);
	st_relaxed(&change.made, 0);
	helper = sched_world_task(end_of_change, NULL, other, 4);
	if (!helper)
		return;
	fetch_add_acquire(&change.creator->mems_seq, 1);
	st_release(&change.begun, 1);
	child = sched_world_task(own_nodes, &seen, -1, 4);
	st_release(&change.made, 1);
	KT_EQ(task_join(helper), 0);
	if (child)
		task_join(child);
	KT_EQ(seen, change.end);
	KT_EQ(zonal_task_set_mems(sched_port_memory(), change.creator, ~(nodemask_t)0), 0);
}

static struct zonal_cpuset set;
static struct zonal_group group;

static int is_in_both(void *arg)
{
	struct zonal_task *memory = task_memory(task_current());

	return ld_acquire(&memory->cpuset) == &set && ld_acquire(&memory->group) == arg;
}

/* The image has no memory for groups that this case could give back. */
static struct zonal_group *make_group(struct zonal *mm)
{
	size_t bytes = zonal_group_map_bytes(mm);

	memset(&group, 0, sizeof(group));
	if (kt_port_is_target() ||
	    !KT_EQ(zonal_groups_begin(mm, kt_alloc(bytes, 16), bytes), 0) ||
	    !KT_EQ(zonal_group_make(mm, &group, NULL, ZONAL_GROUP_NO_LIMIT), 0))
		return NULL;
	return &group;
}

/* Tries to make a task while two requests fail, from `skip` on; true: it was none. */
static bool creation_fails(struct zonal *mm, unsigned skip, struct zonal_group *in)
{
	struct task_spec spec = { .name = "unlucky", .fn = is_in_both, .arg = in, .priority = 4 };
	struct task *task;
	int error;

	zonal_inject(mm, skip, 2);
	error = task_spawn(&spec, &task);
	zonal_inject(mm, 0, 0);
	if (!error)
		KT_EQ(task_join(task), 1);
	return error != 0;
}

/* A set or a group that kept such a task could never be dropped. */
SCHED_TEST(who_has_ended_or_never_began_is_in_no_cpuset_and_in_no_group)
{
	unsigned failures = 0;
	struct zonal *mm = sched_port_memory();
	struct zonal_task *memory = task_memory(task_current());
	struct zonal_group *in = make_group(mm);
	struct task *task;

	set = (struct zonal_cpuset){ 0 };
	if (!KT_EQ(zonal_cpuset_make(mm, &set, NULL, mm->has_memory, 0), 0))
		return;
	zonal_cpuset_join(&set, memory);
	zonal_group_join(in, memory);
	task = sched_world_task(is_in_both, in, -1, 4);
	KT_EQ(zonal_cpuset_drop(&set), ZONAL_EBUSY);
	if (task)
		KT_EQ(task_join(task), 1);
	for (unsigned skip = 0; skip < 4; skip++)
		failures += creation_fails(mm, skip, in);
	KT_TRUE(failures > 0);
	zonal_cpuset_leave(memory);
	zonal_group_join(NULL, memory);
	KT_EQ(zonal_cpuset_drop(&set), 0);
	if (in)
		KT_EQ(zonal_group_drop(in), 0);
}

/* The same scope twice: leaving the inner one leaves the outer one in force. */
SCHED_TEST(scopes_of_one_kind_nest)
{
	static const uint32_t kinds[] = { ZTASK_NOFS, ZTASK_NOIO, ZTASK_NOCMA, ZTASK_MEMALLOC };
	struct zonal_task *memory = task_memory(task_current());

	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		uint32_t outer = task_scope_enter(kinds[i]);
		uint32_t middle = task_scope_enter(kinds[i]);
		uint32_t inner = task_scope_enter(kinds[i] | ZTASK_NOIO);

		task_scope_leave(inner);
		KT_EQ(memory->flags, kinds[i]);
		task_scope_leave(middle);
		KT_EQ(memory->flags, kinds[i]);
		task_scope_leave(outer);
		KT_EQ(memory->flags, 0);
	}
}
