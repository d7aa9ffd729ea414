/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the hook does that a timer cannot: another CPU; and whether it keeps the rules of
 * the machine that it plays. A masked section and a lock that another CPU would wait for
 * are passed by, an open section is entered at once, and a handler that could only wait
 * for what it interrupted is told instead of run.
 *
 * Three more need a second CPU or a task of their own: the end of a CPU, and a change of a
 * task's nodes that another CPU looks at or that comes while a child is made.
 */
#include <zonal/port.h>

#include "mm/cpuset.h"
#include "test/ktest.h"
#include "test/points/points.h"
#include "test/unit/mm/kt_instance.h"

KTEST(points, another_cpu_at_every_access_breaks_nothing) { points_try(POINT_OTHER); }

static unsigned came;

static void note(void) { came++; }

KTEST(points, the_hook_waits_for_the_mask)
{
	static struct ticket_lock lock;
	static _Atomic uint32_t word;
	struct point point = { POINT_INTERRUPT, 0, note, &lock };
	port_irqflags_t irq = port_irq_save();

	came = 0;
	point_arm(&point);
	st_relaxed(&word, 1);
	KT_EQ(came, 0);
	port_irq_restore(irq);
	st_relaxed(&word, 2);
	KT_EQ(came, 1);
	st_relaxed(&word, 3);
	KT_EQ(came, 1);
	KT_TRUE(point_disarm());
	KT_TRUE(!point_stuck());
}

KTEST(points, the_hook_waits_for_the_lock)
{
	static struct ticket_lock lock;
	static _Atomic uint32_t word;
	struct point point = { POINT_OTHER, 0, note, &lock };
	port_irqflags_t irq = port_irq_save();

	came = 0;
	lock_take(&lock);
	point_arm(&point);
	st_relaxed(&word, 1);
	KT_EQ(came, 0);
	lock_drop(&lock);
	st_relaxed(&word, 2);
	KT_EQ(came, 1);
	(void)point_disarm();
	port_irq_restore(irq);
}

KTEST(points, the_hook_tells_a_lock_held_open_to_interrupts)
{
	static struct ticket_lock lock;
	static _Atomic uint32_t word;
	struct point point = { POINT_INTERRUPT, 0, note, &lock };

	came = 0;
	lock_take(&lock);
	point_arm(&point);
	st_relaxed(&word, 1);
	lock_drop(&lock);
	(void)point_disarm();
	KT_TRUE(point_stuck());
	KT_EQ(came, 0);
}

static struct page *caught;

static void take_one(void) { caught = zonal_alloc(points_mm, GFP_NOWAIT | __GFP_NOWARN, 0); }

/* CPU 1 comes, keeps three pages in its lists, and ends with an interrupt here at `at`. */
static bool end_of_a_cpu(uint64_t at)
{
	struct point point = { POINT_INTERRUPT, at, take_one, &points_zone->lock };
	struct page *page[3];
	bool more;

	zonal_cpu_online(points_mm, 1);
	kt_cpu(1);
	for (unsigned i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = zonal_alloc(points_mm, GFP_KERNEL, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(page); i++)
		zonal_free(points_mm, page[i], 0);
	kt_cpu(0);
	point_arm(&point);
	zonal_cpu_dead(points_mm, 1);
	more = point_disarm();
	KT_OK(!point_stuck(), "the zone's lock is held with interrupts open, access %llu",
	      (unsigned long long)at);
	zonal_free(points_mm, caught, 0);
	return more && kt_check_all(points_mm);
}

KTEST(points, the_lists_of_a_dead_cpu_are_emptied_masked)
{
	static const struct kt_spec board = { .ram = { { 0, KT_DMA_PFN, 32768 } }, .cpus = 2 };
	uint64_t at = 0;

	points_mm = kt_instance(&board);
	if (!points_mm)
		return;
	points_zone = kt_zone(points_mm, 0, ZONE_DMA);
	while (end_of_a_cpu(at))
		at++;
	KT_OK(at > 20, "%llu accesses", (unsigned long long)at);
	KT_EQ(zonal_bad_count(points_mm), 0);
}

/* What another CPU finds in the middle of a change of nodes. */
static struct {
	struct zonal_task task;
	nodemask_t mems;
	uint32_t seq;
} found;

static void look_at_nodes(void)
{
	found.seq = ld_acquire(&found.task.mems_seq);
	found.mems = ld_acquire(&found.task.mems_allowed);
}

/* Z3, T4: never none; and under an even count the old set or the new one, not both. */
KTEST(points, nodes_that_change_are_never_none_and_both_only_under_an_odd_count)
{
	static const struct kt_spec board = {
		.ram = { { 0, KT_DMA_PFN, 1024 }, { 1, KT_DMA_PFN + 1024, 1024 } },
	};
	static struct ticket_lock nobodys;
	struct point point = { POINT_OTHER, 0, look_at_nodes, &nobodys };
	struct zonal *mm = kt_instance(&board);
	unsigned odd = 0;
	bool more = mm != NULL;

	for (; more; point.at++) {
		zonal_task_init(&found.task);
		KT_EQ(zonal_task_set_mems(mm, &found.task, node_bit(0)), 0);
		KT_EQ(zonal_set_policy(mm, &found.task, MPOL_BIND, 0, node_bit(0)), 0);
		point_arm(&point);
		KT_EQ(zonal_task_set_mems(mm, &found.task, node_bit(1)), 0);
		more = point_disarm();
		odd += found.seq & 1;
		KT_OK(found.mems && (found.seq & 1 || found.mems != 3),
		      "access %llu: nodes 0x%llx under count %u", (unsigned long long)point.at,
		      (unsigned long long)found.mems, found.seq);
	}
	KT_OK(odd > 3, "%u looks in the middle", odd);
}

static struct zonal *creators_mm;

static void move_creator(void)
{
	KT_EQ(zonal_task_set_mems(creators_mm, &found.task, node_bit(1)), 0);
}

/* T4: a child's nodes and policy are its creator's of one moment, before a change or after. */
KTEST(points, a_child_has_nodes_and_policy_of_one_moment)
{
	static const struct kt_spec board = {
		.ram = { { 0, KT_DMA_PFN, 1024 }, { 1, KT_DMA_PFN + 1024, 1024 } },
	};
	static struct ticket_lock nobodys;
	struct point point = { POINT_OTHER, 0, move_creator, &nobodys };
	unsigned before = 0;
	bool more = true;

	creators_mm = kt_instance(&board);
	for (; more && creators_mm; point.at++) {
		struct zonal_task child;

		zonal_task_init(&found.task);
		KT_EQ(zonal_task_set_mems(creators_mm, &found.task, node_bit(0)), 0);
		KT_EQ(zonal_set_policy(creators_mm, &found.task, MPOL_BIND, 0, node_bit(0)), 0);
		point_arm(&point);
		zonal_task_inherit(&child, &found.task);
		more = point_disarm();
		before += ld_relaxed(&child.mems_allowed) == node_bit(0);
		KT_OK(ld_relaxed(&child.policy.nodes) == ld_relaxed(&child.mems_allowed),
		      "access %llu: policy of 0x%llx, nodes 0x%llx", (unsigned long long)point.at,
		      (unsigned long long)ld_relaxed(&child.policy.nodes),
		      (unsigned long long)ld_relaxed(&child.mems_allowed));
	}
	KT_OK(before && point.at > 5, "%u of %u before the change", before, (unsigned)point.at);
}
