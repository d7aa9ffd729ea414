/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a new task lives: the slot of its struct, and the CPU on which it waits first.
 *
 * Structs are taken and given back without making tasks of them, so that pages of the pool can
 * be filled to the last slot and emptied in an order of the test's own. Which CPU a task comes to
 * is looked at while all CPUs are equally busy, each with a hog of the body's priority: then
 * nothing but the wanted node speaks for one of them.
 */
#include <string.h>

#include "sched_world.h"

#include "mm/mm.h"
#include "sched/sched_internal.h"

enum { TAKEN = 60, STRIDE = 7 };

static uintptr_t page_of(const struct task *task)
{
	return align_down((uintptr_t)task, PAGE_SIZE);
}

static void take_structs(struct task **task, unsigned count, int nid)
{
	for (unsigned i = 0; i < count; i++) {
		task[i] = task_memory_take(nid);
		KT_TRUE(task[i] != NULL);
	}
}

/* First and last byte of the page's slots that are taken. */
static void page_bounds(struct task *const *task, uintptr_t page, uintptr_t *low, uintptr_t *high)
{
	*low = page + PAGE_SIZE;
	*high = page;
	for (unsigned i = 0; i < TAKEN; i++)
		if (task[i] && page_of(task[i]) == page) {
			*low = ZN_MIN(*low, (uintptr_t)task[i]);
			*high = ZN_MAX(*high, (uintptr_t)(task[i] + 1));
		}
}

SCHED_TEST(no_page_is_taken_while_a_struct_fits_in_the_last_one)
{
	struct task *task[TAKEN];
	uintptr_t low, high, page;

	take_structs(task, TAKEN, (int)sched_world_node());
	/* In the middle: a page that was fresh and is full. */
	page = page_of(task[TAKEN / 2]);
	page_bounds(task, page, &low, &high);
	KT_OK(low - page < sizeof(**task) && page + PAGE_SIZE - high < sizeof(**task) + 16,
	      "slots from byte %llu to %llu", (unsigned long long)(low - page),
	      (unsigned long long)(high - page));
	for (unsigned i = 0; i < TAKEN; i++)
		task_memory_put(task[i]);
}

/* Of every page some slots come back, of some pages all, in an order that is not theirs. */
static void slots_come_back(int nid)
{
	struct task *task[TAKEN];
	uint64_t pages;

	take_structs(task, TAKEN, nid);
	pages = sched_world_free_pages();
	for (unsigned i = 0; i < TAKEN / 2; i++)
		task_memory_put(task[i * STRIDE % TAKEN]);
	for (unsigned i = 0; i < TAKEN / 2; i++)
		take_structs(&task[i * STRIDE % TAKEN], 1, nid);
	KT_EQ(sched_world_free_pages(), pages);
	for (unsigned i = TAKEN; i-- > 0;)
		task_memory_put(task[i * STRIDE % TAKEN]);
}

SCHED_TEST(slots_that_came_back_are_used_before_a_new_page)
{
	const struct zonal *mm = sched_port_memory();

	for (nodemask_t m = mm->has_memory; m; m &= m - 1)
		slots_come_back((int)nodemask_first(m));
}

/* ---- the idle tasks ---- */

/* The node itself if it has memory, else the nearest that does. */
static int nearest_memory(unsigned nid)
{
	const struct zonal *mm = sched_port_memory();
	const struct node *node = mm->node[nid];

	for (unsigned i = 0; i < node->order_count; i++)
		if (nodemask_has(mm->has_memory, node->order[i]))
			return node->order[i];
	return NODE_NONE;
}

SCHED_TEST(every_cpu_has_an_idle_task_that_is_listed_on_its_node)
{
	struct task_info info;
	unsigned idle = 0;

	for (uint64_t after = 0; sched_list(after, &info, 1); after = info.id) {
		if (strcmp(info.name, "idle"))
			continue;
		idle++;
		/* One whose stack was there before the lists keeps the node of its CPU. */
		KT_OK(info.nid == run_queues[info.cpu].nid ||
			      info.nid == nearest_memory((unsigned)run_queues[info.cpu].nid),
		      "the idle task of CPU %u is on node %d", info.cpu, info.nid);
	}
	KT_EQ(idle, sched_world_cpus());
}

/* ---- the first CPU ---- */

static _Atomic unsigned hogs_run, hogs_stop;

static int hog(void *arg)
{
	(void)arg;
	atomic_fetch_add(&hogs_run, 1);
	while (!atomic_load(&hogs_stop)) {
		task_poll();
		port_relax();
	}
	return 0;
}

static int do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

/* The first online CPU of a node, or -1. */
static int first_cpu_of(unsigned nid)
{
	for (unsigned cpu = 0; cpu < run_queue_count; cpu++)
		if (sched_cpu_online(cpu) && run_queues[cpu].nid == (int)nid)
			return (int)cpu;
	return -1;
}

static void expect_first_on(unsigned nid, int cpu)
{
	struct task_spec spec = { .name = "settler", .fn = do_nothing, .priority = 4,
				  .on_node = true, .nid = (int)nid };
	struct task *task = task_create(&spec);
	struct task_info info;

	if (!KT_TRUE(task != NULL))
		return;
	KT_EQ(sched_list(task_id(task) - 1, &info, 1), 1);
	KT_OK((int)info.cpu == cpu, "node %u: CPU %u, expected %d", nid, info.cpu, cpu);
	task_detach(task);
}

SCHED_TEST(a_task_that_is_wanted_on_a_node_waits_at_its_first_cpu)
{
	static struct task *hogs[ZONAL_MAX_CPUS]; /* too large for a stack */
	uint64_t deadline = sched_world_deadline();
	unsigned count = 0;

	atomic_store(&hogs_run, 0);
	atomic_store(&hogs_stop, 0);
	/* Who made this body's task was preempted by it: it shall wait for it, not for the CPU. */
	while (atomic_load(&run_queues[task_cpu()].ready_count) &&
	       port_time_ns() < deadline)
		task_sleep_ns(MS / 10);
	for (unsigned cpu = 0; cpu < run_queue_count; cpu++) {
		hogs[cpu] = NULL;
		if (cpu != task_cpu() && sched_cpu_online(cpu))
			hogs[cpu] = sched_world_task(hog, NULL, (int)cpu, TESTER);
		count += hogs[cpu] != NULL;
	}
	KT_TRUE(sched_world_spin(&hogs_run, count));
	for (nodemask_t m = sched_port_board()->nodes; m; m &= m - 1) {
		unsigned nid = nodemask_first(m);

		if (first_cpu_of(nid) >= 0)
			expect_first_on(nid, first_cpu_of(nid));
	}
	atomic_store(&hogs_stop, 1);
	for (unsigned cpu = 0; cpu < run_queue_count; cpu++)
		if (hogs[cpu])
			task_join(hogs[cpu]);
}
