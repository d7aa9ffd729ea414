/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allowed nodes that change under a running task: rows T4 and Z3 with a second thread.
 *
 * The reader: a change is stopped in its middle by hand, the count odd and both nodes in the
 * mask, and a request on another CPU begins. It must wait for the end of the change; what it
 * saw is in the record of its failure, where each zone is either outside of the cpuset or
 * below its marks, and one of each kind is right. A reader that does not wait is done at
 * once; a right one passes however the threads run.
 *
 * The writer: one thread changes the nodes to and fro, another looks at the mask alone until
 * it has met the middle of a change, or for a bounded number of looks. There the old nodes
 * and the new ones are allowed together, and never none.
 */
#include "kt_instance.h"

#ifdef HOST_PORT_IMPL_H
#include <pthread.h>

enum { LOOKS = 200000, TURNS = 100 };

static const struct kt_spec pair = {
	.ram = { { 0, KT_DMA_PFN, 1024 }, { 1, KT_DMA_PFN + 1024, 1024 } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
};

struct other {
	struct zonal *mm;
	struct zonal_task *task;
	pthread_t thread;
	_Atomic bool stop, done;
	struct zonal_failure failure;
};

static struct other other;

/* The second thread runs fn() as CPU 1. */
static bool other_begin(void *(*fn)(void *), bool half_way)
{
	st_relaxed(&other.stop, false);
	st_relaxed(&other.done, false);
	other.mm = kt_bare_instance(&pair);
	if (!other.mm)
		return false;
	other.task = host_cpu_get(kt_cpu_id(1))->port.task;
	zonal_task_init(other.task);
	kt_close_zone(kt_zone(other.mm, 0, ZONE_DMA));
	kt_close_zone(kt_zone(other.mm, 1, ZONE_DMA));
	KT_EQ(zonal_task_set_mems(other.mm, other.task, node_bit(0)), 0);
	/* Somebody changes them from node 0 to node 1 and has come half way. */
	if (half_way) {
		fetch_add_acquire(&other.task->mems_seq, 1);
		st_release(&other.task->mems_allowed, 3);
	}
	return KT_TRUE(pthread_create(&other.thread, NULL, fn, NULL) == 0);
}

static void *request(void *arg)
{
	(void)arg;
	host_cpu_attach(kt_cpu_id(1));
	if (zonal_alloc(other.mm, GFP_USER | __GFP_NORETRY | __GFP_NOWARN, 0))
		other.mm = NULL;
	else
		zonal_last_failure(other.mm, &other.failure);
	host_cpu_detach();
	st_release(&other.done, true);
	return NULL;
}

KTEST_F(rows_t, t4_a_request_waits_for_the_end_of_a_change, KT_HOST_ONLY)
{
	nodemask_t outside = 0;

	if (!other_begin(request, true))
		return;
	for (unsigned i = 0; i < TURNS && !ld_acquire(&other.done); i++)
		sched_yield();
	KT_TRUE(!ld_acquire(&other.done));
	st_release(&other.task->mems_allowed, node_bit(1));
	atomic_fetch_add_explicit(&other.task->mems_seq, 1, memory_order_release);
	pthread_join(other.thread, NULL);
	if (!KT_TRUE(other.mm) || !KT_EQ(other.failure.zone_count, 2))
		return;
	for (unsigned i = 0; i < 2; i++)
		if (other.failure.zone[i].refusal == REFUSED_CPUSET ||
		    other.failure.zone[i].refusal == REFUSED_NODEMASK)
			outside |= node_bit(other.failure.zone[i].zid / ZONE_TYPES);
	KT_EQ(outside, node_bit(0));
	zonal_task_init(other.task);
}

static void *flip(void *arg)
{
	(void)arg;
	host_cpu_attach(kt_cpu_id(1));
	for (unsigned i = 0; !ld_relaxed(&other.stop); i++)
		if (zonal_task_set_mems(other.mm, other.task, node_bit(~i & 1)))
			st_release(&other.done, true);
	host_cpu_detach();
	return NULL;
}

KTEST_F(rows_z, z3_old_nodes_go_when_the_new_ones_are_there, KT_HOST_ONLY)
{
	nodemask_t mems = 1;

	if (!other_begin(flip, false))
		return;
	for (unsigned i = 0; i < LOOKS && (mems == 1 || mems == 2); i++) {
		if (i % 64 == 0)
			sched_yield();
		mems = ld_relaxed(&other.task->mems_allowed);
	}
	st_relaxed(&other.stop, true);
	pthread_join(other.thread, NULL);
	KT_OK(mems && mems <= 3, "allowed nodes 0x%llx", (unsigned long long)mems);
	KT_TRUE(!ld_acquire(&other.done));
	KT_EQ(ld_relaxed(&other.task->mems_seq) & 1, 0);
	zonal_task_init(other.task);
}
#endif
