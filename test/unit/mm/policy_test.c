/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory policy and allowed nodes: rows Q and Z, trust items 53, 55-57.
 *
 * The board is the ring of 1.23: from node 0 the order is 0 1 3 2. The running
 * task's own state is changed and put back, in the image too.
 */
#include "kt_instance.h"

#include "mm/policy.h"

static const struct kt_spec ring = {
	.ram = { { 0, KT_DMA_PFN, 1024 },
		 { 1, KT_DMA_PFN + 1024, 1024 },
		 { 2, KT_DMA_PFN + 2048, 1024 },
		 { 3, KT_DMA_PFN + 3072, 1024 } },
	.cpus = 2,
	.cpu_node = { 0, 2 },
	.distance = { { 10, 16, 22, 16 },
		      { 16, 10, 16, 22 },
		      { 22, 16, 10, 16 },
		      { 16, 22, 16, 10 } },
};

/* Node 3 alone has a NORMAL zone, so a bind set is about that zone only. */
static const struct kt_spec normal_on_3 = {
	.ram = { { 0, KT_DMA_PFN, 1024 },
		 { 1, KT_DMA_PFN + 1024, 1024 },
		 { 3, KT_NORMAL_PFN, 1024 } },
};

static int node_of(struct zonal *mm, gfp_t gfp, unsigned order)
{
	struct page *page = zonal_alloc(mm, gfp | __GFP_NOWARN, order);
	int nid;

	if (!page)
		return -1;
	nid = (int)zonal_page_node(page);
	zonal_free(mm, page, order);
	return nid;
}

static void close_node(struct zonal *mm, unsigned nid)
{
	kt_marks(kt_zone(mm, nid, ZONE_DMA), 1 << 20, 1 << 20, 1 << 20);
}

KTEST(rows_q, q1_default_is_local)
{
	struct zonal *mm = kt_instance(&ring);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!mm)
		return;
	KT_EQ(node_of(mm, GFP_KERNEL, 0), 0);
	KT_EQ(node_of(mm, GFP_KERNEL, 4), 0);
	KT_EQ(zonal_set_policy(mm, task, MPOL_LOCAL, 0, 0), 0);
	KT_EQ(node_of(mm, GFP_KERNEL, 0), 0);
	KT_EQ(node_of(mm, GFP_KERNEL, 4), 0);
	if (kt_cpu(1)) {
		KT_EQ(node_of(mm, GFP_KERNEL, 0), 2);
		KT_EQ(node_of(mm, GFP_KERNEL, 4), 2);
		kt_cpu(0);
	}
	kt_task_restore(&saved);
}

KTEST(rows_q, q2_interrupt_and_thisnode_ignore_the_policy)
{
	struct zonal *mm = kt_instance(&ring);
	struct zonal_task saved, *task = kt_task_save(&saved);
	static const uint8_t modes[] = { MPOL_PREFERRED, MPOL_BIND, MPOL_INTERLEAVE };
	port_irqflags_t irq;

	if (!mm)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
		KT_EQ(zonal_set_policy(mm, task, modes[i], 0, node_bit(2)), 0);
		KT_EQ(node_of(mm, GFP_ATOMIC, 0), 2);
		KT_EQ(node_of(mm, GFP_ATOMIC | __GFP_THISNODE, 0), 0);
		irq = kt_irq_enter();
		KT_EQ(node_of(mm, GFP_ATOMIC, 0), 0);
		KT_EQ(node_of(mm, GFP_ATOMIC, 2), 0);
		kt_irq_exit(irq);
	}
	kt_task_restore(&saved);
}

KTEST(rows_q, q3_preferred_falls_back_to_all)
{
	struct zonal *mm = kt_instance(&ring);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!mm)
		return;
	KT_EQ(zonal_set_policy(mm, task, MPOL_PREFERRED, 0, node_bit(2)), 0);
	kt_no_marks(mm);
	KT_EQ(node_of(mm, GFP_KERNEL, 0), 2);
	/* node 2's order is 2 3 1 0 */
	close_node(mm, 2);
	KT_EQ(node_of(mm, GFP_KERNEL, 0), 3);
	close_node(mm, 3);
	KT_EQ(node_of(mm, GFP_KERNEL, 0), 1);
	close_node(mm, 1);
	KT_EQ(node_of(mm, GFP_KERNEL, 0), 0);
	kt_task_restore(&saved);
}

KTEST(rows_q, q4_bind_nearest_allowed_node_first)
{
	struct zonal *mm = kt_instance(&ring);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!mm)
		return;
	kt_no_marks(mm);
	KT_EQ(zonal_set_policy(mm, task, MPOL_BIND, 0, node_bit(2) | node_bit(3)), 0);
	/* from node 0, node 3 is nearer than node 2 */
	KT_EQ(node_of(mm, GFP_KERNEL, 0), 3);
	close_node(mm, 3);
	KT_EQ(node_of(mm, GFP_KERNEL, 0), 2);
	close_node(mm, 2);
	KT_EQ(node_of(mm, GFP_KERNEL, 0), -1);
	kt_task_restore(&saved);
}

KTEST(rows_q, q4_bind_applies_from_policy_zone_on)
{
	struct zonal *mm = kt_instance(&normal_on_3);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!mm)
		return;
	kt_no_marks(mm);
	KT_EQ(mm->policy_zone, ZONE_NORMAL);
	KT_EQ(zonal_set_policy(mm, task, MPOL_BIND, 0, node_bit(1)), 0);
	KT_EQ(node_of(mm, GFP_KERNEL, 0), 1);
	KT_EQ(node_of(mm, GFP_KERNEL | GFP_DMA, 0), 0);
	kt_task_restore(&saved);
}

/* Node 1 has movable memory alone: a set of nothing else is about movable requests. */
KTEST(rows_q, q5_bind_to_movable_memory_leaves_kernel_requests_alone)
{
	struct zonal_options options;
	struct kt_spec spec = { .ram = { { 0, KT_DMA_PFN, 3072 }, { 1, KT_NORMAL_PFN, 4096 } },
				.options = &options };
	struct zonal_task saved, *task = kt_task_save(&saved);
	struct zonal *mm;

	zonal_options_default(&options);
	options.kernelcore_bytes = 1024ull << PAGE_SHIFT;
	mm = kt_instance(&spec);
	if (!mm)
		return;
	kt_no_marks(mm);
	KT_EQ(kt_zone(mm, 1, ZONE_MOVABLE)->present, 4096);
	KT_EQ(zonal_set_policy(mm, task, MPOL_BIND, 0, node_bit(1)), 0);
	KT_EQ(node_of(mm, GFP_KERNEL, 0), 0);
	KT_EQ(node_of(mm, GFP_HIGHUSER_MOVABLE, 0), 1);
	KT_EQ(zonal_set_policy(mm, task, MPOL_BIND, 0, node_bit(0)), 0);
	KT_EQ(node_of(mm, GFP_KERNEL, 0), 0);
	KT_EQ(node_of(mm, GFP_HIGHUSER_MOVABLE, 0), 0);
	kt_task_restore(&saved);
}

KTEST(rows_q, q6_interleave_takes_turns)
{
	static const uint8_t expected[] = { 0, 1, 3, 0, 1, 3, 0 };
	static const uint8_t orders[] = { 0, 3, 0, 0, 9, 1, 0 };
	struct zonal *mm = kt_instance(&ring);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!mm)
		return;
	kt_no_marks(mm);
	KT_EQ(zonal_set_policy(mm, task, MPOL_INTERLEAVE, 0,
			       node_bit(0) | node_bit(1) | node_bit(3)),
	      0);
	KT_EQ(task->il_prev, ZONAL_MAX_NODES - 1);
	/* one step a block, whatever its order */
	for (unsigned i = 0; i < ARRAY_SIZE(expected); i++)
		KT_EQ(node_of(mm, GFP_KERNEL, orders[i]), expected[i]);
	kt_task_restore(&saved);
}

KTEST(rows_q, q7_interleave_hits)
{
	struct zonal *mm = kt_instance(&ring);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!mm)
		return;
	kt_no_marks(mm);
	KT_EQ(zonal_set_policy(mm, task, MPOL_INTERLEAVE, 0, node_bit(1) | node_bit(2)), 0);
	for (unsigned i = 0; i < 6; i++)
		node_of(mm, GFP_KERNEL, 0);
	KT_EQ(kt_stat(kt_zone(mm, 1, ZONE_DMA), STAT_INTERLEAVE), 3);
	KT_EQ(kt_stat(kt_zone(mm, 2, ZONE_DMA), STAT_INTERLEAVE), 3);
	/* wanted on 1, served elsewhere: no hit anywhere */
	close_node(mm, 1);
	KT_EQ(node_of(mm, GFP_KERNEL, 0), 2);
	KT_EQ(kt_stat(kt_zone(mm, 1, ZONE_DMA), STAT_INTERLEAVE), 3);
	KT_EQ(kt_stat(kt_zone(mm, 2, ZONE_DMA), STAT_INTERLEAVE), 3);
	KT_EQ(kt_miss(kt_zone(mm, 2, ZONE_DMA)), 1);
	KT_EQ(kt_stat(kt_zone(mm, 1, ZONE_DMA), STAT_FOREIGN), 1);
	kt_task_restore(&saved);
}

KTEST(rows_q, q8_interleave_by_offset)
{
	nodemask_t nodes = node_bit(1) | node_bit(4) | node_bit(6);
	static const uint8_t expected[] = { 1, 4, 6, 1, 4, 6 };

	for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
		KT_EQ(policy_offset_node(nodes, i, 0), expected[i]);
		KT_EQ(policy_offset_node(nodes, (uint64_t)i << 9 | 17, 9), expected[i]);
	}
}

/* Q9, Q10, trust items 53, 56: every mode with every flag and some node set. */
KTEST(rows_q, q9_q10_modes_flags_and_sets)
{
	struct zonal *mm = kt_instance(&ring);
	struct zonal_task saved, *task = kt_task_save(&saved);
	const unsigned both = MPOL_F_STATIC | MPOL_F_RELATIVE;
	static const unsigned flags[] = { 0, MPOL_F_STATIC, MPOL_F_RELATIVE,
					  MPOL_F_STATIC | MPOL_F_RELATIVE, 1 };
	static const nodemask_t sets[] = { 0, 2, 0xf };

	if (!mm)
		return;
	for (unsigned i = 0; i < (MPOL_MODES + 2) * ARRAY_SIZE(flags) * ARRAY_SIZE(sets); i++) {
		unsigned mode = i / (ARRAY_SIZE(flags) * ARRAY_SIZE(sets));
		unsigned flag = flags[i / ARRAY_SIZE(sets) % ARRAY_SIZE(flags)];
		nodemask_t set = sets[i % ARRAY_SIZE(sets)];
		bool legal = mode < MPOL_MODES && flag != both && flag != 1;
		int error;

		if (mode == MPOL_DEFAULT)
			legal &= !set;
		else if (mode == MPOL_LOCAL)
			legal &= !set && !flag;
		else if (mode == MPOL_PREFERRED)
			legal &= set || !flag;
		else
			legal &= set != 0;
		*task = saved;
		error = zonal_set_policy(mm, task, mode, flag, set);
		KT_OK(error == (legal ? 0 : ZONAL_EINVAL), "mode %u flags %#x nodes %#llx: %d",
		      mode, flag, (unsigned long long)set, error);
		/* the old policy stays after an error */
		if (error)
			KT_EQ(task->policy.mode, saved.policy.mode);
	}
	/* PREFERRED without a node is local */
	KT_EQ(zonal_set_policy(mm, task, MPOL_PREFERRED, 0, 0), 0);
	KT_TRUE(task->policy.local);
	KT_EQ(node_of(mm, GFP_KERNEL, 0), 0);
	KT_EQ(zonal_set_policy(mm, task, 255, 0, 0), ZONAL_EINVAL);
	KT_EQ(zonal_set_policy(mm, task, ~0u, 0, 1), ZONAL_EINVAL);
	kt_task_restore(&saved);
}

KTEST(rows_q, q11_nodes_are_cut_to_allowed_memory)
{
	static const struct kt_spec holes = {
		.ram = { { 0, KT_DMA_PFN, 512 }, { 2, KT_DMA_PFN + 512, 512 } },
		.empty_nodes = 1 << 1,
	};
	struct zonal *mm = kt_instance(&holes);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!mm)
		return;
	KT_EQ(zonal_set_policy(mm, task, MPOL_BIND, 0, ~(nodemask_t)0), 0);
	KT_EQ(task->policy.nodes, 5);
	KT_EQ(zonal_set_policy(mm, task, MPOL_BIND, 0, node_bit(1)), ZONAL_EINVAL);
	KT_EQ(zonal_set_policy(mm, task, MPOL_INTERLEAVE, 0, node_bit(1) | node_bit(9)),
	      ZONAL_EINVAL);
	KT_EQ(zonal_set_policy(mm, task, MPOL_PREFERRED, 0, node_bit(1)), ZONAL_EINVAL);
	KT_EQ(zonal_task_set_mems(mm, task, node_bit(2)), 0);
	KT_EQ(zonal_set_policy(mm, task, MPOL_BIND, 0, node_bit(0)), ZONAL_EINVAL);
	KT_EQ(zonal_set_policy(mm, task, MPOL_INTERLEAVE, 0, 5), 0);
	KT_EQ(task->policy.nodes, node_bit(2));
	kt_task_restore(&saved);
}

/* A task may be left with nodes that have nothing: no policy of it can name one then. */
KTEST(rows_q, q11_policies_of_a_task_without_any_memory)
{
	static const unsigned flags[] = { 0, MPOL_F_STATIC, MPOL_F_RELATIVE };
	struct zonal *mm = kt_instance(&ring);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!mm)
		return;
	st_relaxed(&task->mems_allowed, node_bit(7));
	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
		KT_EQ(zonal_set_policy(mm, task, MPOL_PREFERRED, flags[i], 1), ZONAL_EINVAL);
		KT_EQ(zonal_set_policy(mm, task, MPOL_INTERLEAVE, flags[i], 1), ZONAL_EINVAL);
		KT_EQ(zonal_set_policy(mm, task, MPOL_BIND, flags[i], 1), ZONAL_EINVAL);
	}
	KT_EQ(task->policy.mode, MPOL_DEFAULT);
	KT_EQ(zonal_set_policy(mm, task, MPOL_LOCAL, 0, 0), 0);
	KT_EQ(task->policy.nodes, 0);
	KT_EQ(zonal_set_policy(mm, task, MPOL_PREFERRED, 0, 0), 0);
	KT_EQ(task->policy.nodes, 0);
	KT_EQ(zonal_set_policy(mm, task, MPOL_DEFAULT, 0, 0), 0);
	KT_EQ(task->policy.nodes, 0);
	kt_task_restore(&saved);
}

/* A node has memory by what is present: a policy may name one that has nothing to give, and a
 * request under it fails (trust item 55: it neither hangs nor divides by nothing). */
KTEST(rows_q, q11_board_without_free_memory)
{
	static const struct kt_spec full = { .ram = { { 0, KT_DMA_PFN, 64 } },
					     .reserved = { { 0, KT_DMA_PFN, 64 } } };
	struct zonal *mm = kt_instance(&full);
	struct zonal_task saved, *task = kt_task_save(&saved);
	static const unsigned flags[] = { 0, MPOL_F_STATIC, MPOL_F_RELATIVE };

	for (unsigned i = 0; mm && i < ARRAY_SIZE(flags); i++) {
		KT_EQ(zonal_set_policy(mm, task, MPOL_PREFERRED, flags[i], 1), 0);
		KT_TRUE(!zonal_alloc(mm, GFP_HIGHUSER | __GFP_NOWARN, 0));
		KT_EQ(zonal_set_policy(mm, task, MPOL_INTERLEAVE, flags[i], 1), 0);
		KT_TRUE(!zonal_alloc(mm, GFP_HIGHUSER | __GFP_NOWARN, 0));
		KT_EQ(zonal_set_policy(mm, task, MPOL_BIND, flags[i], 1), 0);
		KT_TRUE(!zonal_alloc(mm, GFP_HIGHUSER | __GFP_NOWARN, 0));
	}
	KT_TRUE(mm && !zonal_alloc(mm, GFP_KERNEL | __GFP_NOWARN, 0));
	kt_task_restore(&saved);
}

KTEST(rows_q, q12_relative_nodes_fold)
{
	struct zonal *mm = kt_instance(&ring);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!mm)
		return;
	KT_EQ(zonal_task_set_mems(mm, task, node_bit(1) | node_bit(3)), 0);
	KT_EQ(zonal_set_policy(mm, task, MPOL_BIND, MPOL_F_RELATIVE, node_bit(0)), 0);
	KT_EQ(task->policy.nodes, node_bit(1));
	KT_EQ(zonal_set_policy(mm, task, MPOL_BIND, MPOL_F_RELATIVE, node_bit(5)), 0);
	KT_EQ(task->policy.nodes, node_bit(3));
	kt_task_restore(&saved);
}

KTEST(rows_q, q13_rebind)
{
	struct zonal *mm = kt_instance(&ring);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!mm)
		return;
	/* by position: 0 1 of 0123 become 2 3 of 23 */
	KT_EQ(zonal_set_policy(mm, task, MPOL_BIND, 0, 3), 0);
	KT_EQ(zonal_task_set_mems(mm, task, 0xc), 0);
	KT_EQ(task->policy.nodes, 0xc);
	/* static: what is left of the given nodes, all of the new set if nothing */
	*task = saved;
	KT_EQ(zonal_set_policy(mm, task, MPOL_INTERLEAVE, MPOL_F_STATIC, 6), 0);
	KT_EQ(zonal_task_set_mems(mm, task, 0xc), 0);
	KT_EQ(task->policy.nodes, 4);
	KT_EQ(zonal_task_set_mems(mm, task, 9), 0);
	KT_EQ(task->policy.nodes, 9);
	KT_EQ(zonal_task_set_mems(mm, task, 0xf), 0);
	KT_EQ(task->policy.nodes, 6);
	/* preferred static outside of the set: local until it comes back */
	KT_EQ(zonal_set_policy(mm, task, MPOL_PREFERRED, MPOL_F_STATIC, 2), 0);
	KT_EQ(zonal_task_set_mems(mm, task, 0xd), 0);
	KT_TRUE(task->policy.local);
	KT_EQ(zonal_task_set_mems(mm, task, 0xf), 0);
	KT_TRUE(!task->policy.local);
	kt_task_restore(&saved);
}

/* What keeps a task off the fast lanes is its own: a policy, a cpuset, until it leaves them. */
KTEST(rows_z, z4_only_who_is_confined_pays_and_only_as_long)
{
	struct zonal *mm = kt_instance(&ring);
	struct zonal_task saved, other, *task = kt_task_save(&saved);
	uint32_t gates;

	if (!mm)
		return;
	gates = ld_relaxed(&mm->gates);
	zonal_task_init(&other);
	KT_EQ(zonal_task_set_mems(mm, &other, node_bit(3)), 0);
	KT_EQ(other.unusual, ZTASK_CONFINED);
	KT_EQ(task->unusual, 0);
	KT_EQ(ld_relaxed(&mm->gates), gates);
	KT_EQ(zonal_set_policy(mm, &other, MPOL_BIND, 0, node_bit(3)), 0);
	KT_EQ(other.unusual, ZTASK_CONFINED | ZTASK_POLICY);
	KT_EQ(zonal_task_set_mems(mm, &other, mm->has_memory), 0);
	KT_EQ(other.unusual, ZTASK_POLICY);
	KT_EQ(zonal_set_policy(mm, &other, MPOL_LOCAL, 0, 0), 0);
	KT_EQ(other.unusual, 0);
	/* and what it was in does not show any more */
	KT_EQ(zonal_task_set_mems(mm, task, node_bit(2)), 0);
	KT_EQ(node_of(mm, GFP_KERNEL, 0), 2);
	KT_EQ(zonal_task_set_mems(mm, task, mm->has_memory), 0);
	KT_EQ(node_of(mm, GFP_KERNEL, 0), 0);
	kt_task_restore(&saved);
}

/* A child has policy and nodes of its creator, its own cursor, and no scopes. */
KTEST(rows_z, z3_a_child_inherits_policy_and_nodes)
{
	struct zonal *mm = kt_instance(&ring);
	struct zonal_task parent, child;
	struct mempolicy policy;

	if (!mm)
		return;
	zonal_task_init(&parent);
	parent.flags = ZTASK_NOFS;
	KT_EQ(zonal_task_set_mems(mm, &parent, 6), 0);
	KT_EQ(zonal_set_policy(mm, &parent, MPOL_INTERLEAVE, MPOL_F_RELATIVE, 3), 0);
	parent.il_prev = 1;
	zonal_task_inherit(&child, &parent);
	zonal_task_policy(&child, &policy);
	KT_EQ(policy.mode, MPOL_INTERLEAVE);
	KT_EQ(policy.flags, MPOL_F_RELATIVE);
	KT_EQ(policy.nodes, 6);
	KT_EQ(policy.user, 3);
	KT_EQ(child.mems_allowed, 6);
	KT_EQ(child.unusual, ZTASK_CONFINED | ZTASK_POLICY);
	KT_EQ(child.flags, 0);
	KT_EQ(child.il_prev, ZONAL_MAX_NODES - 1);
	KT_EQ(child.mems_seq & 1, 0);
}

KTEST(rows_z, z1_z3_allowed_nodes)
{
	struct zonal *mm = kt_instance(&ring);
	struct zonal_task saved, *task = kt_task_save(&saved);
	port_irqflags_t irq;

	if (!mm)
		return;
	KT_EQ(zonal_task_set_mems(mm, task, 0), ZONAL_EINVAL);
	KT_EQ(zonal_task_set_mems(mm, task, node_bit(9)), ZONAL_EINVAL);
	KT_EQ(zonal_task_set_mems(mm, task, 0xf), 0);
	KT_EQ(task->unusual, 0); /* Z4 */
	KT_EQ(zonal_task_set_mems(mm, task, node_bit(2)), 0);
	KT_EQ(task->mems_seq & 1, 0);
	KT_EQ(node_of(mm, GFP_KERNEL, 0), 2);
	/* an interrupt is nobody's */
	irq = kt_irq_enter();
	KT_EQ(node_of(mm, GFP_ATOMIC, 0), 0);
	kt_irq_exit(irq);
	kt_task_restore(&saved);
}
