/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of all tasks, with tasks that come and go in every order.
 *
 * Four tasks are listed and leave in each of the 24 orders; after each step the list, by ids
 * and in parts of every size, has those that are left and no other. Both links of the list
 * matter to the tasks that leave later. A task that is listed again brings old links with it.
 */
#include <string.h>

#include "fake_machine.h"

enum { COUNT = 4, ORDERS = 24 };

static struct task *tasks[COUNT];
static uint64_t newest; /* the highest id that was given */

/* The n-th order of 0..3, as a number in mixed radix. */
static void order_of(unsigned n, unsigned order[COUNT])
{
	unsigned left[COUNT] = { 0, 1, 2, 3 };

	for (unsigned i = 0; i < COUNT; i++) {
		unsigned k = n % (COUNT - i);

		n /= COUNT - i;
		order[i] = left[k];
		for (; k + 1 < COUNT - i; k++)
			left[k] = left[k + 1];
	}
}

/* All that are listed, read `size` at a time, are the tasks of the bits in `there`. */
static bool list_is(unsigned there, unsigned size)
{
	struct task_info info[COUNT + 1];
	uint64_t after = 0;
	unsigned found, n = 0;

	while ((found = sched_list(after, info, size)) != 0) {
		for (unsigned i = 0; i < found; i++) {
			while (n < COUNT && !(there >> n & 1))
				n++;
			if (!KT_TRUE(n < COUNT) || !KT_EQ(info[i].id, tasks[n]->id))
				return false;
			n++;
		}
		after = info[found - 1].id;
	}
	return KT_EQ(there >> n, 0);
}

static bool list_is_read_in_parts(unsigned there)
{
	for (unsigned size = 1; size <= COUNT + 1; size++)
		if (!list_is(there, size))
			return false;
	return KT_EQ(sched_task_count(), __builtin_popcount(there));
}

static void leave_in(const unsigned order[COUNT])
{
	unsigned there = 0;

	for (unsigned i = 0; i < COUNT; i++) {
		registry_add(tasks[i]);
		KT_EQ(tasks[i]->id, ++newest);
		there |= 1u << i;
		list_is_read_in_parts(there);
	}
	for (unsigned i = 0; i < COUNT; i++) {
		registry_remove(tasks[order[i]]);
		there &= ~(1u << order[i]);
		if (!list_is_read_in_parts(there))
			return;
	}
}

FAKE_TEST(tasks_leave_the_list_in_every_order)
{
	unsigned order[COUNT];

	registry_reset();
	newest = 0;
	for (unsigned i = 0; i < COUNT; i++)
		tasks[i] = fake_task(0, 5);
	for (unsigned n = 0; n < ORDERS; n++) {
		order_of(n, order);
		leave_in(order);
	}
	registry_reset();
	KT_EQ(sched_task_count(), 0);
}

FAKE_TEST(a_listed_task_is_described_whole)
{
	struct cpumask cpus = cpumask_of(2);
	struct task *task = fake_task(2, 7);
	struct task_info info;

	registry_reset();
	fake_bind(task, &cpus);
	task->nid = 3;
	task->memory.policy.mode = MPOL_BIND;
	task->memory.flags = ZTASK_MEMALLOC;
	st_relaxed(&task->runtime_ns, 123456789);
	st_relaxed(&task->switches, 42);
	registry_add(task);
	memset(&info, 0xa5, sizeof(info));
	KT_EQ(sched_list(0, &info, 1), 1);
	KT_EQ(info.id, 1);
	KT_STR_EQ(info.name, "fake");
	KT_EQ(info.cpu, 2);
	KT_EQ(info.priority, 7);
	KT_EQ(info.state, TASK_MOVING);
	KT_EQ(info.nid, 3);
	KT_EQ(info.policy, MPOL_BIND);
	KT_EQ(info.flags, ZTASK_MEMALLOC);
	KT_EQ(info.runtime_ns, 123456789);
	KT_EQ(info.switches, 42);
	KT_TRUE(memcmp(&info.cpus, &cpus, sizeof(cpus)) == 0);
	registry_reset();
}
