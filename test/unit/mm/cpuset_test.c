/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree of cpusets (rows Z1, Z3, Z4): its rules, its walls, and tasks that follow their set.
 *
 * Boards have three nodes of one zone. A node is closed by marks above all it holds, so that the
 * place where a request is served says where it may go.
 */
#include <zonal/cpuset.h>

#include "kt_instance.h"
#include "port_watch.h"

#include "mm/request.h"

#define EXCLUSIVE ZONAL_CPUSET_EXCLUSIVE
#define HARDWALL ZONAL_CPUSET_HARDWALL
#define DMA_OF(nid) ((nid) * ZONE_TYPES + ZONE_DMA)

static const struct kt_spec three = {
	.ram = { { 0, KT_DMA_PFN, 1024 }, { 1, KT_DMA_PFN + 1024, 1024 },
		 { 2, KT_DMA_PFN + 2048, 1024 } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
};

/* A board without marks, and an outer set of nodes 0 and 1 with an inner one of node 0. */
struct scene {
	struct zonal *mm;
	struct zonal_cpuset *outer, *inner;
	struct zonal_task saved, *task;
};

static bool scene_begin(struct scene *s, unsigned outer_flags)
{
	s->mm = kt_instance(&three);
	s->outer = kt_alloc(2 * sizeof(*s->outer), 16);
	if (!s->mm || !s->outer)
		return false;
	s->inner = s->outer + 1;
	s->task = kt_task_save(&s->saved);
	kt_no_marks(s->mm);
	KT_EQ(zonal_cpuset_make(s->mm, s->outer, NULL, 3, outer_flags), 0);
	KT_EQ(zonal_cpuset_make(s->mm, s->inner, s->outer, 1, 0), 0);
	zonal_cpuset_join(s->inner, s->task);
	return true;
}

static void scene_end(struct scene *s)
{
	zonal_cpuset_leave(s->task);
	kt_task_restore(&s->saved);
	KT_EQ(zonal_cpuset_drop(s->inner), 0);
	KT_EQ(zonal_cpuset_drop(s->outer), 0);
}

static struct zonal *busy_mm;
static void leave_tree(void)
{
	if (kt_naps == 3)
		st_release(&busy_mm->cpusets.busy, 0);
}

/* Who changes the tree waits until nobody else does. */
KTEST(rows_z, z1_a_call_naps_as_long_as_another_one_is_at_the_tree)
{
	struct zonal_cpuset *set = kt_alloc(sizeof(*set), 16);

	busy_mm = kt_instance(&three);
	if (!busy_mm || !set)
		return;
	kt_on_nap = leave_tree;
	watch_port();
	for (unsigned call = 0; call < 6; call++) {
		kt_naps = 0;
		st_release(&busy_mm->cpusets.busy, call / 3);
		KT_EQ(call % 3 == 0 ? zonal_cpuset_make(busy_mm, set, NULL, 1, 0) :
		      call % 3 == 1 ? zonal_cpuset_change(set, 3, 0) : zonal_cpuset_drop(set), 0);
		KT_EQ(kt_naps, call / 3 * 3);
		KT_EQ(ld_relaxed(&busy_mm->cpusets.busy), 0);
	}
	unwatch_port();
	kt_on_nap = NULL;
}

/* Sets 1 and 2 are below set 0, set 3 is below set 1, set 4 beside set 0; a task is in each. */
struct tree {
	struct zonal *mm;
	struct zonal_cpuset *set;
	struct zonal_task *task;
};

static bool tree_begin(struct tree *t)
{
	static const int above[] = { -1, 0, 0, 1, -1 };

	t->mm = kt_instance(&three);
	t->set = kt_alloc(ARRAY_SIZE(above) * sizeof(*t->set), 16);
	t->task = kt_alloc(ARRAY_SIZE(above) * sizeof(*t->task), 64);
	if (!t->mm || !t->set || !t->task)
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(above); i++) {
		struct zonal_cpuset *parent = above[i] < 0 ? NULL : &t->set[above[i]];

		KT_EQ(zonal_cpuset_make(t->mm, &t->set[i], parent, i == 4 ? 4 : 3, 0), 0);
		zonal_task_init(&t->task[i]);
		zonal_cpuset_join(&t->set[i], &t->task[i]);
	}
	return true;
}

KTEST(rows_z, z1_a_wall_is_one_for_all_below_and_for_nobody_beside)
{
	unsigned generation;
	struct tree t;

	if (!tree_begin(&t))
		return;
	generation = t.set[4].generation;
	KT_EQ(zonal_cpuset_change(&t.set[0], 3, HARDWALL), 0);
	for (unsigned i = 0; i < 5; i++)
		KT_EQ(ld_relaxed(&t.task[i].mems_wall), i == 4 ? NODEMASK_ALL : 3);
	KT_EQ(t.set[4].generation, generation);
	for (unsigned i = 5; i-- > 0;) {
		zonal_cpuset_leave(&t.task[i]);
		KT_EQ(zonal_cpuset_drop(&t.set[i]), 0);
	}
}

/* First, last or in the middle of those that are in the set. */
KTEST(rows_z, z4_who_has_left_a_set_does_not_follow_it_and_all_others_do)
{
	for (unsigned leaves = 0; leaves < 5; leaves++) {
		struct tree t;

		if (!tree_begin(&t))
			return;
		for (unsigned i = 0; i < 5; i++)
			zonal_cpuset_join(&t.set[2], &t.task[i]);
		zonal_cpuset_leave(&t.task[leaves]);
		KT_EQ(t.set[2].tasks, 4);
		KT_EQ(zonal_cpuset_change(&t.set[2], 1, 0), 0);
		for (unsigned i = 0; i < 5; i++)
			KT_EQ(ld_relaxed(&t.task[i].mems_allowed), i == leaves ? NODEMASK_ALL : 1);
		for (unsigned i = 0; i < 5; i++)
			zonal_cpuset_leave(&t.task[i]);
		KT_TRUE(!t.set[2].tasks && !t.set[2].first && !t.set[2].last);
	}
}

KTEST(rows_z, z1_the_nearest_wall_above_decides)
{
	static const unsigned flags[] = { HARDWALL, EXCLUSIVE, 0 };

	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
		struct scene s;

		if (!scene_begin(&s, flags[i]))
			return;
		KT_EQ(kt_served_by(s.mm, 2, GFP_KERNEL, 0), DMA_OF(0));
		kt_close_zone(kt_zone(s.mm, 0, ZONE_DMA));
		KT_EQ(kt_served_by(s.mm, 0, GFP_USER, 0), -1);
		KT_EQ(kt_served_by(s.mm, 0, GFP_KERNEL, 0), DMA_OF(1));
		kt_close_zone(kt_zone(s.mm, 1, ZONE_DMA));
		KT_EQ(kt_served_by(s.mm, 0, GFP_KERNEL, 0), flags[i] ? -1 : (int)DMA_OF(2));
		/* the wall round the inner set is nearer */
		KT_EQ(zonal_cpuset_change(s.outer, 7, flags[i]), 0);
		KT_EQ(kt_served_by(s.mm, 0, GFP_KERNEL, 0), DMA_OF(2));
		KT_EQ(zonal_cpuset_change(s.inner, 1, HARDWALL), 0);
		KT_EQ(kt_served_by(s.mm, 0, GFP_KERNEL, 0), -1);
		scene_end(&s);
	}
}

/* Z1: who is on its way out may leave its set, a victim every wall. */
KTEST(rows_z, z1_who_is_dying_may_leave_and_a_victim_may_everything)
{
	struct scene s;

	if (!scene_begin(&s, HARDWALL))
		return;
	kt_close_zone(kt_zone(s.mm, 0, ZONE_DMA));
	kt_close_zone(kt_zone(s.mm, 1, ZONE_DMA));
	KT_EQ(kt_served_by(s.mm, 0, GFP_KERNEL, 0), -1);
	st_relaxed(&s.task->fate, 1);
	KT_EQ(kt_served_by(s.mm, 0, GFP_KERNEL, 0), DMA_OF(2));
	/* short of OOM, where it would become a victim */
	KT_EQ(kt_served_by(s.mm, 0, GFP_USER | __GFP_NORETRY, 0), -1);
	st_relaxed(&s.task->fate, 2);
	KT_EQ(kt_served_by(s.mm, 0, GFP_USER, 0), DMA_OF(2));
	st_relaxed(&s.task->fate, 0);
	scene_end(&s);
}

KTEST(rows_z, z1_rules_of_the_tree)
{
	struct zonal *mm = kt_instance(&three);
	struct zonal_cpuset *set = kt_alloc(4 * sizeof(*set), 16);

	if (!mm || !set)
		return;
	/* no node, none with memory, a flag that is none */
	KT_EQ(zonal_cpuset_make(mm, &set[0], NULL, 0, 0), ZONAL_EINVAL);
	KT_EQ(zonal_cpuset_make(mm, &set[0], NULL, node_bit(5), 0), ZONAL_EINVAL);
	KT_EQ(zonal_cpuset_make(mm, &set[0], NULL, 1, 4), ZONAL_EINVAL);
	KT_EQ(zonal_cpuset_make(mm, &set[0], NULL, 3, 0), 0);
	KT_EQ(zonal_cpuset_make(mm, &set[0], NULL, 3, 0), ZONAL_EINVAL);
	/* more than the parent has; exclusive below one that is not */
	KT_EQ(zonal_cpuset_make(mm, &set[1], &set[0], 5, 0), ZONAL_EINVAL);
	KT_EQ(zonal_cpuset_make(mm, &set[1], &set[0], 1, EXCLUSIVE), ZONAL_EINVAL);
	KT_EQ(zonal_cpuset_change(&set[0], 3, EXCLUSIVE), 0);
	KT_EQ(zonal_cpuset_make(mm, &set[1], &set[0], 1, EXCLUSIVE), 0);
	/* beside an exclusive one */
	KT_EQ(zonal_cpuset_make(mm, &set[2], &set[0], 3, 0), ZONAL_EINVAL);
	KT_EQ(zonal_cpuset_make(mm, &set[2], &set[0], 2, 0), 0);
	KT_EQ(zonal_cpuset_change(&set[2], 3, 0), ZONAL_EINVAL);
	KT_EQ(zonal_cpuset_make(mm, &set[3], NULL, 4, 0), 0);
	KT_EQ(zonal_cpuset_change(&set[3], 6, 0), ZONAL_EINVAL);
	/* less than the children have; no longer exclusive above one that is */
	KT_EQ(zonal_cpuset_change(&set[0], 1, EXCLUSIVE), ZONAL_EINVAL);
	KT_EQ(zonal_cpuset_change(&set[0], 3, 0), ZONAL_EINVAL);
	KT_EQ(zonal_cpuset_drop(&set[0]), ZONAL_EBUSY);
	KT_EQ(zonal_cpuset_drop(&set[1]), 0);
	KT_EQ(zonal_cpuset_change(&set[2], 3, 0), 0);
	KT_EQ(zonal_cpuset_drop(&set[2]), 0);
	KT_EQ(zonal_cpuset_drop(&set[0]), 0);
	KT_EQ(zonal_cpuset_drop(&set[3]), 0);
	KT_EQ(zonal_cpuset_make(mm, &set[0], NULL, 7, 0), 0);
}

enum { MEMBERS = 21 };

static unsigned with_nodes(struct zonal_task *task, nodemask_t nodes, nodemask_t wall)
{
	unsigned count = 0;

	for (unsigned i = 0; i < MEMBERS; i++)
		count += ld_relaxed(&task[i].mems_allowed) == nodes &&
			 ld_relaxed(&task[i].mems_wall) == wall;
	return count;
}

/* More than one hold's worth of them; the policy is rebound; children are in it too. */
KTEST(rows_z, z3_all_tasks_of_a_set_follow_it)
{
	struct zonal_task *task = kt_alloc(MEMBERS * sizeof(*task), 16);
	struct scene s;

	if (!task || !scene_begin(&s, HARDWALL))
		return;
	for (unsigned i = 0; i < MEMBERS; i++)
		zonal_task_inherit(&task[i], s.task);
	KT_EQ(s.inner->tasks, MEMBERS + 1);
	KT_EQ(with_nodes(task, 1, 3), MEMBERS);
	KT_EQ(zonal_set_policy(s.mm, &task[7], MPOL_BIND, 0, 1), 0);
	KT_EQ(zonal_cpuset_change(s.inner, 2, 0), 0);
	KT_EQ(with_nodes(task, 2, 3), MEMBERS);
	KT_EQ(ld_relaxed(&task[7].policy.nodes), 2);
	KT_EQ(zonal_cpuset_change(s.outer, 7, EXCLUSIVE), 0);
	KT_EQ(with_nodes(task, 2, 7), MEMBERS);
	/* of its own it may have less, not more */
	KT_EQ(zonal_cpuset_change(s.inner, 3, 0), 0);
	KT_EQ(zonal_task_set_mems(s.mm, &task[0], 6), ZONAL_EINVAL);
	KT_EQ(zonal_task_set_mems(s.mm, &task[0], 2), 0);
	KT_EQ(with_nodes(task, 3, 7), MEMBERS - 1);
	KT_EQ(zonal_cpuset_drop(s.inner), ZONAL_EBUSY);
	for (unsigned i = 0; i < MEMBERS; i++)
		zonal_cpuset_leave(&task[i]);
	KT_EQ(with_nodes(task, NODEMASK_ALL, NODEMASK_ALL), MEMBERS);
	KT_EQ(s.inner->tasks, 1);
	scene_end(&s);
}

/* Z4: who is in no set, or in one of all nodes, keeps to the fast lanes. */
KTEST(rows_z, z4_tasks_outside_of_sets_pay_nothing)
{
	struct scene s;
	struct zonal_task other;

	if (!scene_begin(&s, 0))
		return;
	zonal_task_init(&other);
	KT_EQ(ld_relaxed(&other.unusual), 0);
	KT_TRUE(ld_relaxed(&s.task->unusual) & ZTASK_CONFINED);
	KT_EQ(zonal_cpuset_change(s.outer, 7, 0), 0);
	KT_EQ(zonal_cpuset_change(s.inner, 7, 0), 0);
	KT_EQ(ld_relaxed(&s.task->unusual), 0);
	scene_end(&s);
	KT_EQ(ld_relaxed(&s.task->unusual), 0);
}

#ifdef HOST_PORT_IMPL_H
#include <pthread.h>

enum { REQUESTS = 3000 };

static struct {
	struct zonal *mm;
	_Atomic unsigned failed;
	_Atomic bool done;
} busy;

static void *take_and_give(void *arg)
{
	(void)arg;
	host_cpu_attach(kt_cpu_id(1));
	for (unsigned i = 0; i < REQUESTS; i++) {
		struct page *page = zonal_alloc(busy.mm, GFP_USER | __GFP_NOWARN, i % 3);

		if (!page)
			fetch_add_relaxed(&busy.failed, 1);
		zonal_free(busy.mm, page, i % 3);
	}
	host_cpu_detach();
	st_release(&busy.done, true);
	return NULL;
}

/* Z3, L9: there is always memory in the set, so no request may fail. */
KTEST_F(rows_z, z3_l9_never_a_false_failure_while_the_nodes_change, KT_HOST_ONLY)
{
	struct zonal_task *task;
	pthread_t thread;
	struct scene s;

	if (!scene_begin(&s, HARDWALL))
		return;
	busy.mm = s.mm;
	st_relaxed(&busy.failed, 0);
	st_relaxed(&busy.done, false);
	task = host_cpu_get(kt_cpu_id(1))->port.task;
	zonal_task_init(task);
	zonal_cpuset_join(s.inner, task);
	if (KT_TRUE(pthread_create(&thread, NULL, take_and_give, NULL) == 0)) {
		for (unsigned i = 0; !ld_acquire(&busy.done); i++) {
			KT_EQ(zonal_cpuset_change(s.inner, node_bit(i & 1), 0), 0);
			sched_yield();
		}
		pthread_join(thread, NULL);
	}
	KT_EQ(ld_relaxed(&busy.failed), 0);
	zonal_cpuset_leave(task);
	scene_end(&s);
	kt_check_all(s.mm);
}
#endif

/* Z1: only one that is exclusive keeps its nodes from those beside it. */
KTEST(rows_z, z1_sets_beside_each_other_share_nodes_unless_one_is_exclusive)
{
	struct zonal *mm = kt_bare_instance(&three);
	struct zonal_cpuset *set = kt_alloc(3 * sizeof(*set), 16);

	if (!mm || !set)
		return;
	KT_EQ(zonal_cpuset_make(mm, &set[0], NULL, 3, 0), 0);
	KT_EQ(zonal_cpuset_make(mm, &set[1], NULL, 6, HARDWALL), 0);
	KT_EQ(zonal_cpuset_make(mm, &set[2], NULL, 2, EXCLUSIVE), ZONAL_EINVAL);
	KT_EQ(zonal_cpuset_change(&set[1], 4, EXCLUSIVE), 0);
	KT_EQ(zonal_cpuset_make(mm, &set[2], NULL, 6, 0), ZONAL_EINVAL);
	KT_EQ(zonal_cpuset_make(mm, &set[2], NULL, 3, 0), 0);
}

/* Z3: who goes to another set takes nobody along. */
KTEST(rows_z, z3_a_task_that_changes_sets_leaves_its_neighbours_in_the_old_one)
{
	struct zonal *mm = kt_bare_instance(&three);
	struct zonal_cpuset *set = kt_alloc(2 * sizeof(*set), 16);
	struct zonal_task *task = kt_alloc(3 * sizeof(*task), 16);

	if (!mm || !set || !task)
		return;
	KT_EQ(zonal_cpuset_make(mm, &set[0], NULL, node_bit(0), 0), 0);
	KT_EQ(zonal_cpuset_make(mm, &set[1], NULL, node_bit(1), 0), 0);
	for (unsigned i = 0; i < 3; i++) {
		zonal_task_init(&task[i]);
		zonal_cpuset_join(&set[0], &task[i]);
	}
	zonal_cpuset_join(&set[1], &task[0]);
	KT_EQ(zonal_cpuset_change(&set[1], node_bit(2), 0), 0);
	KT_EQ(ld_relaxed(&task[0].mems_allowed), node_bit(2));
	KT_EQ(ld_relaxed(&task[1].mems_allowed), node_bit(0));
	KT_EQ(ld_relaxed(&task[2].mems_allowed), node_bit(0));
	for (unsigned i = 0; i < 3; i++)
		zonal_cpuset_leave(&task[i]);
	KT_EQ(zonal_cpuset_drop(&set[0]), 0);
	KT_EQ(zonal_cpuset_drop(&set[1]), 0);
}
