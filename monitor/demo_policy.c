/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The demonstration, step 2: a worker on every core takes blocks of order 0 to 3 under
 * each memory policy, and a table shows from which nodes they came.
 *
 *	default     the core's own node first
 *	preferred   one node first: the highest one with memory
 *	bind        that node only
 *	interleave  all nodes with memory in turn
 *	local       the core's own node first, whatever policy the system has
 *
 * Each worker is a task bound to its core. It sets its own policy, keeps what it took in a
 * chain of its own, counts, and gives all back. Results lie in an array with one entry a
 * core, written by that worker and read after it was joined.
 *
 * What must hold: with bind every block is on the node; with interleave the counts of two nodes
 * differ by at most one a worker and order; no request fails. Default, preferred and
 * local may leave their node when it is short, so they are shown, not judged, unless
 * nothing at all came from the first choice.
 */
#include "demo.h"

#include <zonal/linux.h>
#include <zonal/names.h>

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "mm/mm.h"
#include "platform/platform.h"
#include "sched/sched.h"

#define BLOCKS 100u
#define WORKER_ORDERS 4u

struct policy_case {
	unsigned mode;
	nodemask_t nodes;
};

struct worker {
	const struct policy_case *policy;
	struct task *task;
	uint8_t by_node[ZONAL_MAX_NODES];
	uint32_t failed;
	uint32_t first_choice; /* blocks from the node that this core would ask first */
	unsigned cpu;
};

_Static_assert(BLOCKS <= UINT8_MAX, "a worker counts its blocks in bytes");

static struct worker workers[ZONAL_MAX_CPUS];

static int work(void *arg)
{
	struct worker *w = arg;
	struct page *chain = NULL;
	unsigned i, first = demo_first_node(w->cpu);

	ASSERT(task_cpu() == w->cpu, "the worker of CPU %u runs on CPU %u", w->cpu, task_cpu());
	if (zonal_set_policy(&zonal_image, task_memory(task_current()), w->policy->mode, 0,
			     w->policy->nodes) != 0) {
		w->failed = BLOCKS;
		return 1;
	}
	for (i = 0; i < BLOCKS; i++) {
		unsigned order = i % WORKER_ORDERS;
		struct page *page = alloc_pages(GFP_USER | __GFP_NOWARN, order);

		if (!page) {
			w->failed++;
			continue;
		}
		w->by_node[zonal_page_node(page)]++;
		if (zonal_page_node(page) == first)
			w->first_choice++;
		demo_hold(&chain, page, order);
	}
	demo_release(&chain);
	return 0;
}

/* Start one worker a core, wait for all. Returns how many could not be started. */
static unsigned run_workers(const struct policy_case *policy)
{
	unsigned cpu, lost = 0;
	int error;

	for (cpu = 0; cpu < boot_info.cpu_count; cpu++) {
		struct worker *w = &workers[cpu];
		struct cpumask mask = cpumask_of(cpu);
		const struct task_spec spec = { .name = "demo", .fn = work, .arg = w, .cpus = &mask,
						.priority = SCHED_PRIORITY_DEFAULT };

		*w = (struct worker){ .policy = policy, .cpu = cpu };
		if (!cpu_is_online(cpu))
			continue;
		error = task_spawn(&spec, &w->task);
		if (error) {
			kprintf("   FAILED: no worker on core %u (%d)\n", cpu, error);
			w->task = NULL;
			lost++;
		}
	}
	for (cpu = 0; cpu < boot_info.cpu_count; cpu++) {
		if (workers[cpu].task)
			task_join(workers[cpu].task);
	}
	return lost;
}

/* Sum the workers into one row a node; returns how many requests failed. */
static unsigned sum_workers(uint32_t by_node[ZONAL_MAX_NODES], unsigned *first_choice)
{
	unsigned cpu, nid, failed = 0;

	*first_choice = 0;
	for (nid = 0; nid < ZONAL_MAX_NODES; nid++)
		by_node[nid] = 0;
	for (cpu = 0; cpu < boot_info.cpu_count; cpu++) {
		failed += workers[cpu].failed;
		*first_choice += workers[cpu].first_choice;
		for (nid = 0; nid < ZONAL_MAX_NODES; nid++)
			by_node[nid] += workers[cpu].by_node[nid];
	}
	return failed;
}

static unsigned judge_bind(const uint32_t by_node[ZONAL_MAX_NODES], nodemask_t nodes)
{
	unsigned nid;

	ASSERT(nodes, "bound to no node");
	for (nid = 0; nid < ZONAL_MAX_NODES; nid++) {
		if (by_node[nid] && !nodemask_has(nodes, nid)) {
			kprintf("   FAILED: bind gave %u blocks of node %u\n", by_node[nid], nid);
			return 1;
		}
	}
	return 0;
}

static unsigned judge_interleave(const uint32_t by_node[ZONAL_MAX_NODES], nodemask_t nodes,
				 unsigned online)
{
	uint32_t least = UINT32_MAX, most = 0;
	unsigned nid;

	ASSERT(nodes, "interleave over no node");
	for (nid = 0; nid < ZONAL_MAX_NODES; nid++) {
		if (!nodemask_has(nodes, nid))
			continue;
		least = ZN_MIN(least, by_node[nid]);
		most = ZN_MAX(most, by_node[nid]);
	}
	if (most - least <= online)
		return 0;
	kprintf("   FAILED: interleave gave %u blocks of one node and %u of another\n", most,
		least);
	return 1;
}

static unsigned judge(const struct policy_case *policy, const uint32_t by_node[ZONAL_MAX_NODES],
		      unsigned failed, unsigned first_choice)
{
	if (failed) {
		kprintf("   FAILED: %s: %u requests got nothing\n",
			zonal_policy_name(policy->mode), failed);
		return 1;
	}
	switch (policy->mode) {
	case MPOL_BIND:
		return judge_bind(by_node, policy->nodes);
	case MPOL_INTERLEAVE:
		return judge_interleave(by_node, policy->nodes, cpu_online_count());
	case MPOL_PREFERRED:
		if (by_node[nodemask_first(policy->nodes)])
			return 0;
		break;
	default:
		if (first_choice)
			return 0;
		break;
	}
	kprintf("   FAILED: %s: nothing came from the node of first choice\n",
		zonal_policy_name(policy->mode));
	return 1;
}

static void print_table(const struct policy_case *policy, unsigned count,
			uint32_t blocks[][ZONAL_MAX_NODES])
{
	unsigned nid, i;

	kprintf("   node");
	for (i = 0; i < count; i++)
		kprintf(" %11s", zonal_policy_name(policy[i].mode));
	kprintf("\n");
	for (nid = 0; nid < ZONAL_MAX_NODES; nid++) {
		if (!nodemask_has(zonal_image.online, nid))
			continue;
		kprintf("   %4u", nid);
		for (i = 0; i < count; i++)
			kprintf(" %11u", blocks[i][nid]);
		kprintf("\n");
	}
}

unsigned demo_policies(void)
{
	const nodemask_t memory = zonal_image.has_memory;
	const nodemask_t highest = node_bit(63u - (unsigned)__builtin_clzll(memory));
	const struct policy_case policy[] = {
		{ MPOL_DEFAULT, 0 },	       { MPOL_PREFERRED, highest }, { MPOL_BIND, highest },
		{ MPOL_INTERLEAVE, memory }, { MPOL_LOCAL, 0 },
	};
	static uint32_t blocks[ARRAY_SIZE(policy)][ZONAL_MAX_NODES];
	unsigned i, wrong = 0;

	kprintf("\n2. Every core takes %u blocks of 1 to 8 pages under each policy; "
		"preferred and bind name node %u\n",
		BLOCKS, nodemask_first(highest));
	for (i = 0; i < ARRAY_SIZE(policy); i++) {
		unsigned lost = run_workers(&policy[i]), first_choice, failed;

		failed = sum_workers(blocks[i], &first_choice);
		wrong += lost + judge(&policy[i], blocks[i], failed, first_choice);
	}
	print_table(policy, ARRAY_SIZE(policy), blocks);
	return wrong;
}
