/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of tasks: creation on a node, failure of each allocation in it, exit,
 * join, detach, very many at once, and the list of tasks.
 *
 * That nothing is lost is checked by SCHED_TEST itself after each case: the number of tasks and
 * of free pages must be what they were.
 */
#include <string.h>

#include "sched_world.h"

#include "sched/sched_port.h"

enum { MANY = 10000, DETACHED = 50 };

static int return_arg(void *arg)
{
	return (int)(uintptr_t)arg;
}

static int exit_deep(void *arg)
{
	task_exit((int)(uintptr_t)arg + 1);
}

SCHED_TEST(join_returns_the_status)
{
	struct task *a = sched_world_task(return_arg, (void *)41, -1, 4);
	struct task *b = sched_world_task(exit_deep, (void *)41, -1, 28);

	/* One ends before the join, one after. */
	task_sleep_ns(MS);
	if (a)
		KT_EQ(task_join(a), 41);
	if (b)
		KT_EQ(task_join(b), 42);
}

static _Atomic unsigned many_ran;

static int count_run(void *arg)
{
	(void)arg;
	atomic_fetch_add(&many_ran, 1);
	return 0;
}

SCHED_TEST(detached_tasks_free_themselves)
{
	struct task_spec spec = { .name = "detached", .fn = count_run, .detached = true,
				  .priority = 4 };

	atomic_store(&many_ran, 0);
	for (unsigned i = 0; i < DETACHED; i++)
		KT_EQ(task_spawn(&spec, NULL), 0);
	for (unsigned i = 0; i < DETACHED; i++) {
		struct task *task = sched_world_task(count_run, NULL, -1, i % 2 ? 4 : TESTER + 1);

		/* Some have ended by now, some have not. */
		if (task)
			task_detach(task);
	}
	task_sleep_ns(MS);
	KT_TRUE(task_set_priority(2) == 0);
	KT_TRUE(sched_world_spin(&many_ran, 2 * DETACHED));
	KT_TRUE(task_set_priority(TESTER) == 0);
}

SCHED_TEST(bad_requests_are_refused)
{
	struct cpumask none = { { 0 } };
	struct task *task = NULL;
	struct task_spec good = { .fn = return_arg, .priority = 4 }, spec;

	spec = good;
	spec.fn = NULL;
	KT_EQ(task_spawn(&spec, &task), ZONAL_EINVAL);
	spec = good;
	spec.priority = SCHED_PRIORITIES;
	KT_EQ(task_spawn(&spec, &task), ZONAL_EINVAL);
	spec = good;
	spec.cpus = &none;
	KT_EQ(task_spawn(&spec, &task), ZONAL_EINVAL);
	spec = good;
	spec.on_node = true;
	spec.nid = ZONAL_MAX_NODES;
	KT_EQ(task_spawn(&spec, &task), ZONAL_EINVAL);
	spec.nid = -1;
	KT_EQ(task_spawn(&spec, &task), ZONAL_EINVAL);
	KT_EQ(task_spawn(&good, NULL), ZONAL_EINVAL);
	KT_TRUE(task == NULL);
}

/* Try to create a task while requests fail from `skip` on; true if it failed, as it should. */
static bool creation_fails(unsigned skip)
{
	struct zonal *mm = sched_port_memory();
	struct task_spec spec = { .name = "unlucky", .fn = return_arg, .priority = 4 };
	struct task *task = NULL;
	int error;

	/* A request that fails on its node is asked again anywhere: two in a row. */
	zonal_inject(mm, skip, 2);
	error = task_spawn(&spec, &task);
	zonal_inject(mm, 0, 0);
	if (!error)
		task_join(task);
	else
		KT_TRUE(error == ZONAL_ENOMEM && !task);
	return error != 0;
}

SCHED_TEST(failed_creation_loses_nothing)
{
	unsigned tasks = sched_task_count(), failures = 0;
	uint64_t pages = sched_world_free_pages();

	/* Often enough that lost structs would fill a page of the pool. */
	for (unsigned i = 0; i < 120; i++)
		failures += creation_fails(i % 4);
	KT_OK(failures >= 30, "only %u of 120 injected failures reached task_spawn()", failures);
	KT_EQ(sched_task_count(), tasks);
	KT_EQ(sched_world_free_pages(), pages);
}

SCHED_TEST(one_refusal_does_not_fail_a_creation)
{
	struct task_spec spec = { .name = "lucky", .fn = return_arg, .priority = 4,
				  .on_node = true, .nid = (int)sched_world_node() };

	for (unsigned skip = 0; skip < 3; skip++) {
		struct task *task = NULL;

		/* What the own node refuses is asked of the others. */
		zonal_inject(sched_port_memory(), skip, 1);
		KT_EQ(task_spawn(&spec, &task), 0);
		zonal_inject(sched_port_memory(), 0, 0);
		if (task)
			task_join(task);
	}
}

static bool node_has_memory(unsigned nid)
{
	const struct boot_info *board = sched_port_board();
	bool has_memory = false;

	for (unsigned i = 0; i < board->range_count; i++)
		has_memory |= board->range[i].nid == (int)nid;
	return nodemask_has(board->nodes, nid) && has_memory;
}

/* Of a task that is made so: the node of its stack. */
static void expect_stack_on(struct task_spec *spec, unsigned nid)
{
	struct task_info info;
	struct task *task;

	spec->name = "homely";
	spec->fn = return_arg;
	spec->priority = 4;
	task = task_create(spec);
	if (!KT_TRUE(task != NULL))
		return;
	KT_EQ(sched_list(task_id(task) - 1, &info, 1), 1);
	KT_EQ(info.nid, nid);
	KT_STR_EQ(info.name, "homely");
	task_join(task);
}

SCHED_TEST(stack_comes_from_the_wanted_node)
{
	for (unsigned nid = 0; nid < ZONAL_MAX_NODES; nid++) {
		struct task_spec spec = { .nid = (int)nid, .on_node = true };

		if (node_has_memory(nid))
			expect_stack_on(&spec, nid);
	}
}

SCHED_TEST(stack_comes_from_the_node_of_the_only_cpu)
{
	const struct boot_info *board = sched_port_board();

	for (unsigned cpu = 0; cpu < board->cpu_count; cpu++) {
		struct cpumask self = cpumask_of(cpu);
		struct task_spec spec = { .cpus = &self };
		int nid = board->cpu[cpu].nid;

		if (sched_cpu_online(cpu) && nid >= 0 && node_has_memory((unsigned)nid))
			expect_stack_on(&spec, (unsigned)nid);
	}
}

/* Ten thousand, or as many as three quarters of the memory for stacks hold. */
static unsigned many(void)
{
	uint64_t bytes = sched_world_kernel_pages() * PAGE_SIZE / 4 * 3;

	return (unsigned)ZN_MIN(bytes / (SCHED_STACK_BYTES + 2048), (uint64_t)MANY);
}

SCHED_TEST(ten_thousand_tasks_exist_at_once)
{
	struct task **task = kt_alloc(MANY * sizeof(*task), 8);
	unsigned made = 0, before = sched_task_count(), count = many();

	if (count < MANY)
		kt_diag("memory for %u tasks only", count);
	atomic_store(&many_ran, 0);
	while (task && made < count) {
		task[made] = sched_world_task(count_run, NULL, (int)task_cpu(), 4);
		if (!task[made])
			break;
		made++;
	}
	KT_EQ(made, count);
	KT_EQ(sched_task_count(), before + made);
	KT_EQ(atomic_load(&many_ran), 0);
	for (unsigned i = 0; i < made; i++)
		task_join(task[i]);
	KT_EQ(atomic_load(&many_ran), made);
	/* Now, so that it does not count as pages that stayed away. */
	kt_free_all();
}

SCHED_TEST(list_is_ascending_and_has_the_caller)
{
	struct task_info info[4];
	uint64_t after = 0;
	unsigned count, seen = 0, total = 0;

	while ((count = sched_list(after, info, ARRAY_SIZE(info))) != 0) {
		for (unsigned i = 0; i < count; i++) {
			KT_TRUE(info[i].id > after);
			after = info[i].id;
			seen += after == task_id(task_current()) &&
				info[i].state == TASK_RUNNING;
		}
		total += count;
	}
	KT_EQ(seen, 1);
	KT_EQ(total, sched_task_count());
}

SCHED_TEST(scopes_give_back_what_was_set)
{
	struct zonal_task *memory = task_memory(task_current());
	uint32_t outer = task_scope_enter(ZTASK_NOFS), inner, other;

	KT_EQ(memory->flags, ZTASK_NOFS);
	inner = task_scope_enter(ZTASK_NOFS | ZTASK_MEMALLOC);
	KT_EQ(memory->flags, ZTASK_NOFS | ZTASK_MEMALLOC);
	other = task_scope_enter(ZTASK_NOIO);
	task_scope_leave(inner);
	KT_EQ(memory->flags, ZTASK_NOFS | ZTASK_NOIO);
	task_scope_leave(other);
	KT_EQ(memory->flags, ZTASK_NOFS);
	task_scope_leave(outer);
	KT_EQ(memory->flags, 0);
}

static int inherit_check(void *arg)
{
	struct zonal_task *memory = task_memory(task_current());

	(void)arg;
	return memory->policy.mode == MPOL_BIND && memory->flags == 0 &&
	       memory->policy.nodes == node_bit(sched_world_node());
}

SCHED_TEST(policy_is_inherited_and_scopes_are_not)
{
	struct zonal_task *memory = task_memory(task_current());
	uint32_t scope = task_scope_enter(ZTASK_MEMALLOC);
	struct task *task;

	KT_EQ(zonal_set_policy(sched_port_memory(), memory, MPOL_BIND, 0,
			       node_bit(sched_world_node())), 0);
	task = sched_world_task(inherit_check, NULL, -1, 4);
	if (task)
		KT_EQ(task_join(task), 1);
	KT_EQ(zonal_set_policy(sched_port_memory(), memory, MPOL_DEFAULT, 0, 0), 0);
	task_scope_leave(scope);
}

static _Atomic unsigned short_lives;

static int short_life(void *arg)
{
	(void)arg;
	atomic_fetch_add(&short_lives, 1);
	return 0;
}

/* Nobody joins it, so who lets it go gives its memory back: the world is counted afterwards. Above
 * the tester on his CPU it has ended when he runs again. */
SCHED_TEST(a_task_that_has_ended_goes_when_it_is_detached)
{
	struct task *task;

	atomic_store(&short_lives, 0);
	task = sched_world_task(short_life, NULL, (int)task_cpu(), TESTER + 1);
	if (!task)
		return;
	KT_TRUE(sched_world_spin(&short_lives, 1));
	task_detach(task);
}

/* 23 letters are what there is room for; who gives none is a task. */
SCHED_TEST(a_name_is_copied_as_far_as_there_is_room)
{
	static const char *const given[] = { "abcdefghijklmnopqrstuvw",
					    "abcdefghijklmnopqrstuvwxyz", NULL };
	static const char *const kept[] = { "abcdefghijklmnopqrstuvw", "abcdefghijklmnopqrstuvw",
					   "task" };

	for (unsigned i = 0; i < ARRAY_SIZE(given); i++) {
		struct task_spec spec = { .name = given[i], .fn = short_life };
		struct task *task = task_create(&spec);
		struct task_info info;

		if (!KT_TRUE(task))
			return;
		KT_EQ(sched_list(task_id(task) - 1, &info, 1), 1);
		KT_OK(!strcmp(info.name, kept[i]), "%.*s", (int)SCHED_NAME_BYTES, info.name);
		task_join(task);
	}
}
