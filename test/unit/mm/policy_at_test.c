/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for a place in an address space: rows Q8 and Q15, and the policy of a range.
 *
 * The same ring of four nodes as in policy_test.c: from node 0 the order is 0 1 3 2. A range's
 * policy is made by zonal_policy_make() and must serve as the task's own would, but for what the
 * two rows say.
 */
#include "kt_trace.h"

static const struct kt_spec ring = {
	.ram = { { 0, KT_DMA_PFN, 2048 },
		 { 1, KT_DMA_PFN + 2048, 2048 },
		 { 2, KT_DMA_PFN + 4096, 2048 },
		 { 3, KT_DMA_PFN + 6144, 2048 } },
	.distance = { { 10, 16, 22, 16 },
		      { 16, 10, 16, 22 },
		      { 22, 16, 10, 16 },
		      { 16, 22, 16, 10 } },
};

/* Not __GFP_DIRECT_RECLAIM: what a huge fault asks with. */
#define HUGE_LIGHT GFP_TRANSHUGE_LIGHT
#define HUGE_ELSEWHERE (GFP_TRANSHUGE_LIGHT | __GFP_DIRECT_RECLAIM)

/* The node that serves, or -1. */
static int node_at(struct zonal *mm, const struct mempolicy *policy, uint64_t index, gfp_t gfp,
		   unsigned order)
{
	struct page *page = zonal_alloc_at(mm, policy, index, gfp | __GFP_NOWARN, order);
	int nid;

	if (!page)
		return -1;
	nid = (int)zonal_page_node(page);
	zonal_free(mm, page, order);
	return nid;
}

static struct mempolicy made(struct zonal *mm, unsigned mode, nodemask_t nodes)
{
	struct mempolicy policy = { .mode = MPOL_DEFAULT };

	KT_EQ(zonal_policy_make(mm, port_this_cpu()->task, mode, 0, nodes, &policy), 0);
	return policy;
}

KTEST(rows_q, q8_a_place_always_comes_from_its_node)
{
	struct zonal *mm = kt_instance(&ring);
	struct zonal_task saved, *task = kt_task_save(&saved);
	static const uint8_t expected[] = { 1, 2, 3 };
	struct mempolicy range;

	if (!mm)
		return;
	range = made(mm, MPOL_INTERLEAVE, 0xe);
	for (unsigned turn = 0; turn < 2; turn++)
		for (unsigned i = 0; i < 9; i++)
			KT_EQ(node_at(mm, &range, i, GFP_HIGHUSER_MOVABLE, 0), expected[i % 3]);
	KT_EQ(node_at(mm, &range, 4 << 9 | 17, HUGE_LIGHT, 9), expected[1]);
	KT_EQ(kt_stat(kt_zone(mm, 1, ZONE_DMA), STAT_INTERLEAVE), 6);
	/* The task's own policy goes by place too, and its cursor stays. */
	KT_EQ(zonal_set_policy(mm, task, MPOL_INTERLEAVE, 0, 0xe), 0);
	KT_EQ(node_at(mm, NULL, 2, GFP_HIGHUSER_MOVABLE, 0), 3);
	KT_EQ(task->il_prev, ZONAL_MAX_NODES - 1);
	kt_task_restore(&saved);
}

KTEST(rows_q, q8_the_range_comes_before_the_task)
{
	struct zonal *mm = kt_instance(&ring);
	struct zonal_task saved, *task = kt_task_save(&saved);
	struct mempolicy range, none = { .mode = MPOL_DEFAULT };
	port_irqflags_t irq;

	if (!mm)
		return;
	KT_EQ(zonal_set_policy(mm, task, MPOL_BIND, 0, node_bit(2)), 0);
	range = made(mm, MPOL_BIND, node_bit(3));
	KT_EQ(node_at(mm, &range, 0, GFP_HIGHUSER_MOVABLE, 0), 3);
	KT_EQ(node_at(mm, &none, 0, GFP_HIGHUSER_MOVABLE, 0), 2);
	KT_EQ(node_at(mm, NULL, 0, GFP_HIGHUSER_MOVABLE, 0), 2);
	/* Q2: this node alone, whatever the policies say. */
	KT_EQ(node_at(mm, &range, 0, GFP_HIGHUSER_MOVABLE | __GFP_THISNODE, 0), 0);
	/* And an interrupt's is nobody's. */
	irq = kt_irq_enter();
	KT_EQ(node_at(mm, &range, 0, GFP_ATOMIC, 0), 0);
	kt_irq_exit(irq);
	range = made(mm, MPOL_PREFERRED, node_bit(1));
	KT_EQ(node_at(mm, &range, 0, GFP_HIGHUSER_MOVABLE, 0), 1);
	range = made(mm, MPOL_LOCAL, 0);
	KT_EQ(node_at(mm, &range, 0, GFP_HIGHUSER_MOVABLE, 0), 0);
	kt_task_restore(&saved);
}

/* "Preferred" without a node is the local one, in a range as in a task; the other's word does not
 * count. */
KTEST(rows_q, q8_a_range_that_prefers_the_local_node_keeps_to_it)
{
	struct zonal *mm = kt_instance(&ring);
	struct zonal_task saved, *task = kt_task_save(&saved);
	struct mempolicy local, second;

	if (!mm)
		return;
	local = made(mm, MPOL_PREFERRED, 0);
	second = made(mm, MPOL_PREFERRED, node_bit(2));
	KT_EQ(zonal_set_policy(mm, task, MPOL_PREFERRED, 0, node_bit(2)), 0);
	KT_EQ(node_at(mm, &local, 0, GFP_HIGHUSER_MOVABLE, 0), 0);
	KT_EQ(zonal_set_policy(mm, task, MPOL_PREFERRED, 0, 0), 0);
	KT_EQ(node_at(mm, &second, 0, GFP_HIGHUSER_MOVABLE, 0), 2);
	KT_EQ(node_at(mm, NULL, 0, GFP_HIGHUSER_MOVABLE, 0), 0);
	kt_task_restore(&saved);
}

KTEST(rows_q, q15_a_huge_block_is_near_or_none)
{
	struct zonal *mm = kt_instance(&ring);
	struct mempolicy preferred;

	if (!mm)
		return;
	preferred = made(mm, MPOL_PREFERRED, node_bit(2));
	KT_EQ(node_at(mm, NULL, 0, HUGE_LIGHT, 9), 0);
	KT_EQ(node_at(mm, &preferred, 0, HUGE_LIGHT, 9), 2);
	kt_marks(kt_zone(mm, 0, ZONE_DMA), 1 << 20, 1 << 20, 1 << 20);
	KT_EQ(node_at(mm, NULL, 0, HUGE_LIGHT, 9), -1);
	KT_EQ(node_at(mm, NULL, 0, HUGE_ELSEWHERE, 9), 1);
	/* Smaller blocks look elsewhere at once. */
	KT_EQ(node_at(mm, NULL, 0, HUGE_LIGHT, 8), 1);
	/* What is preferred is no bound. */
	kt_marks(kt_zone(mm, 2, ZONE_DMA), 1 << 20, 1 << 20, 1 << 20);
	KT_TRUE(node_at(mm, &preferred, 0, GFP_HIGHUSER_MOVABLE, 0) > 0);
}

/* The first try names its node and no set: nothing but that node's being full can refuse it. */
KTEST(rows_q, q15_nearby_is_asked_for_without_the_set)
{
	struct zonal *mm = kt_instance(&ring);
	struct zonal_trace_record record;
	struct mempolicy range;

	if (!mm || !trace_begin(mm, ZONAL_TRACE_BIT(CALL_ALLOC)))
		return;
	range = made(mm, MPOL_BIND, 0x3);
	kt_marks(kt_zone(mm, 0, ZONE_DMA), 1 << 20, 1 << 20, 1 << 20);
	KT_EQ(node_at(mm, &range, 0, HUGE_ELSEWHERE, 9), 1);
	NEXT_IS(mm, CALL_ALLOC, 0, 9,
		HUGE_ELSEWHERE | __GFP_NOWARN | __GFP_THISNODE | __GFP_NORETRY, 0, 0, 0);
	KT_EQ(zonal_trace_read(mm, kt_cpu_id(0), &record, 1), 1);
	KT_EQ(record.field[2], HUGE_ELSEWHERE | __GFP_NOWARN);
	KT_EQ(record.field[4], 0x3);
	zonal_trace_on(mm, 0);
}

KTEST(rows_q, q15_a_bind_set_without_the_local_node)
{
	struct zonal *mm = kt_instance(&ring);
	struct mempolicy range;

	if (!mm)
		return;
	/* The local node is not in the set: no attempt there, the nearest of the set serves. */
	range = made(mm, MPOL_BIND, node_bit(2) | node_bit(3));
	KT_EQ(node_at(mm, &range, 0, HUGE_LIGHT, 9), 3);
	range = made(mm, MPOL_BIND, node_bit(0) | node_bit(2));
	kt_marks(kt_zone(mm, 0, ZONE_DMA), 1 << 20, 1 << 20, 1 << 20);
	KT_EQ(node_at(mm, &range, 0, HUGE_LIGHT, 9), -1);
	KT_EQ(node_at(mm, &range, 0, HUGE_ELSEWHERE, 9), 2);
}

KTEST(rows_q, q8_a_range_is_checked_as_a_task_is)
{
	struct zonal *mm = kt_instance(&ring);
	struct zonal_task *task = port_this_cpu()->task;
	struct mempolicy out = { .mode = MPOL_LOCAL };

	if (!mm)
		return;
	KT_EQ(zonal_policy_make(mm, task, MPOL_BIND, 0, 0, &out), ZONAL_EINVAL);
	KT_EQ(zonal_policy_make(mm, task, MPOL_MODES, 0, 1, &out), ZONAL_EINVAL);
	KT_EQ(zonal_policy_make(mm, task, MPOL_BIND, 0, node_bit(9), &out), ZONAL_EINVAL);
	KT_EQ(out.mode, MPOL_LOCAL);
	/* It follows its task's allowed nodes by position, Q13. */
	KT_EQ(zonal_policy_make(mm, task, MPOL_BIND, 0, node_bit(0), &out), 0);
	zonal_policy_rebind(&out, 0x3, 0xc);
	KT_EQ(out.nodes, node_bit(2));
}
