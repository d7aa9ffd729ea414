/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a policy is after a change: of itself, or of the nodes below it.
 *
 * policy_test.c has the rules one by one. Here are the tables: every old set onto every new
 * one for the remap by position (Q13), the cursor of an interleave after its set changed
 * (Q6), a bind set that no allowed node is left of (Q4), and that a call that is refused
 * leaves the task as it was. The expectations are worked out here in another way, with
 * lists of nodes instead of masks.
 */
#include "kt_instance.h"

#include "mm/policy.h"

enum { NODES = 4, ALL = (1 << NODES) - 1 };

static const struct kt_spec four = {
	.ram = { { 0, KT_DMA_PFN, 1024 },
		 { 1, KT_DMA_PFN + 1024, 1024 },
		 { 2, KT_DMA_PFN + 2048, 1024 },
		 { 3, KT_DMA_PFN + 3072, 1024 } },
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

static unsigned list_nodes(nodemask_t set, unsigned *list)
{
	unsigned count = 0;

	for (unsigned n = 0; n < NODES; n++)
		if (nodemask_has(set, n))
			list[count++] = n;
	return count;
}

/* Q13 without a flag: the k-th old node becomes the k-th new one, counted round. */
static nodemask_t remapped(nodemask_t set, nodemask_t from, nodemask_t to)
{
	unsigned old[NODES], new[NODES];
	unsigned old_count = list_nodes(from, old), new_count = list_nodes(to, new);
	nodemask_t out = 0;

	for (unsigned k = 0; k < old_count; k++)
		if (nodemask_has(set, old[k]))
			out |= node_bit(new[k % new_count]);
	return out;
}

/* One move of the allowed nodes under a policy of each kind. */
static void expect_remap(struct zonal *mm, struct zonal_task *task, unsigned from, unsigned to)
{
	for (unsigned set = 1; set <= ALL; set++) {
		unsigned mode = set % 2 ? MPOL_BIND : MPOL_INTERLEAVE;
		nodemask_t want = remapped(set & from, from, to);

		if (!(set & from))
			continue;
		zonal_task_init(task);
		KT_EQ(zonal_task_set_mems(mm, task, from), 0);
		KT_EQ(zonal_set_policy(mm, task, mode, 0, set), 0);
		KT_EQ(zonal_task_set_mems(mm, task, to), 0);
		if (!KT_OK(task->policy.nodes == want, "%#x of %#x moved to %#x", set, from, to))
			KT_EQ(task->policy.nodes, want);
	}
}

KTEST(rows_q, q13_remap_by_position_from_any_set_to_any)
{
	struct zonal *mm = kt_bare_instance(&four);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!mm)
		return;
	for (unsigned from = 1; from <= ALL; from++)
		for (unsigned to = 1; to <= ALL; to++)
			expect_remap(mm, task, from, to);
	kt_task_restore(&saved);
}

/* The same as requests see it, and for the preferred node. */
KTEST(rows_q, q13_requests_follow_the_remap)
{
	struct zonal *mm = kt_bare_instance(&four);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!mm)
		return;
	KT_EQ(zonal_set_policy(mm, task, MPOL_BIND, 0, node_bit(1)), 0);
	KT_EQ(node_of(mm, GFP_USER, 0), 1);
	KT_EQ(zonal_task_set_mems(mm, task, node_bit(2) | node_bit(3)), 0);
	/* 1 was the second of four, so it is the second of two */
	KT_EQ(node_of(mm, GFP_USER, 0), 3);
	KT_EQ(zonal_task_set_mems(mm, task, ALL), 0);
	/* and 3, the second of two, is the second of four again */
	KT_EQ(node_of(mm, GFP_USER, 2), 1);
	KT_EQ(zonal_set_policy(mm, task, MPOL_PREFERRED, 0, node_bit(2)), 0);
	KT_EQ(zonal_task_set_mems(mm, task, node_bit(0) | node_bit(1)), 0);
	KT_EQ(node_of(mm, GFP_USER, 0), 0);
	KT_EQ(zonal_task_set_mems(mm, task, node_bit(3)), 0);
	KT_EQ(node_of(mm, GFP_USER, 1), 3);
	kt_task_restore(&saved);
}

/* Q6: a new set begins with its first node, wherever the old one had come to. */
KTEST(rows_q, q6_a_new_policy_starts_its_round)
{
	struct zonal *mm = kt_bare_instance(&four);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!mm)
		return;
	for (unsigned steps = 0; steps < 6; steps++) {
		KT_EQ(zonal_set_policy(mm, task, MPOL_INTERLEAVE, 0, ALL), 0);
		for (unsigned i = 0; i < steps; i++)
			KT_EQ(node_of(mm, GFP_USER, i % 3), i % NODES);
		KT_EQ(zonal_set_policy(mm, task, MPOL_INTERLEAVE, 0, 0xd), 0);
		KT_EQ(node_of(mm, GFP_USER, 0), 0);
		KT_EQ(node_of(mm, GFP_USER, 0), 2);
		KT_EQ(node_of(mm, GFP_USER, 0), 3);
		KT_EQ(node_of(mm, GFP_USER, 0), 0);
	}
	kt_task_restore(&saved);
}

/* A cursor that stands where the shrunken set has no node goes on with the next that it has,
 * or with its first. */
KTEST(rows_q, q6_cursor_beyond_the_shrunken_set)
{
	struct zonal *mm = kt_bare_instance(&four);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!mm)
		return;
	for (unsigned last = 0; last < NODES; last++) {
		for (unsigned set = 1; set <= ALL; set++) {
			unsigned next = 0;

			zonal_task_init(task);
			KT_EQ(zonal_set_policy(mm, task, MPOL_INTERLEAVE, MPOL_F_STATIC, ALL), 0);
			for (unsigned i = 0; i <= last; i++)
				KT_EQ(node_of(mm, GFP_USER, 0), i);
			KT_EQ(zonal_task_set_mems(mm, task, set), 0);
			for (next = (last + 1) % NODES; !(set & 1u << next);)
				next = (next + 1) % NODES;
			KT_EQ(node_of(mm, GFP_USER, 0), next);
		}
	}
	kt_task_restore(&saved);
}

/* Q4: a bind set that none of the allowed nodes is in restricts nothing. */
KTEST(rows_q, q4_bind_set_apart_from_the_allowed_nodes)
{
	struct zonal *mm = kt_bare_instance(&four);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!mm)
		return;
	KT_EQ(zonal_set_policy(mm, task, MPOL_BIND, 0, node_bit(2) | node_bit(3)), 0);
	KT_EQ(node_of(mm, GFP_KERNEL, 0), 2);
	st_relaxed(&task->mems_allowed, node_bit(3) | node_bit(1));
	KT_EQ(node_of(mm, GFP_KERNEL, 0), 2);
	st_relaxed(&task->mems_allowed, node_bit(1));
	KT_EQ(node_of(mm, GFP_KERNEL, 0), 0);
	KT_EQ(node_of(mm, GFP_KERNEL, 5), 0);
	kt_task_restore(&saved);
}

/* Trust item 15: what is refused leaves policy, cursor and nodes as they were. */
KTEST(rows_q, q9_what_is_refused_changes_nothing)
{
	static const struct {
		unsigned mode, flags;
		nodemask_t nodes;
	} bad[] = {
		{ MPOL_MODES, 0, 1 },		 { MPOL_DEFAULT, 0, 1 },
		{ MPOL_BIND, 0, 0 },		 { MPOL_BIND, 0, 1 << 9 },
		{ MPOL_INTERLEAVE, 3, 1 },	 { MPOL_PREFERRED, MPOL_F_STATIC, 0 },
		{ MPOL_LOCAL, 0, 1 },		 { MPOL_PREFERRED, 0, 1 << 9 },
		{ MPOL_INTERLEAVE, 0, 1 << 5 },
	};
	struct zonal *mm = kt_bare_instance(&four);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!mm)
		return;
	KT_EQ(zonal_set_policy(mm, task, MPOL_INTERLEAVE, MPOL_F_STATIC, 0xa), 0);
	KT_EQ(node_of(mm, GFP_USER, 0), 1);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		KT_EQ(zonal_set_policy(mm, task, bad[i].mode, bad[i].flags, bad[i].nodes),
		      ZONAL_EINVAL);
		KT_EQ(zonal_task_set_mems(mm, task, 0), ZONAL_EINVAL);
		KT_EQ(zonal_task_set_mems(mm, task, node_bit(9)), ZONAL_EINVAL);
		KT_EQ(task->policy.mode, MPOL_INTERLEAVE);
		KT_EQ(task->policy.flags, MPOL_F_STATIC);
		KT_EQ(task->policy.nodes, 0xa);
		KT_EQ(task->policy.user, 0xa);
		KT_EQ(node_of(mm, GFP_USER, 0), i % 2 ? 1 : 3);
	}
	kt_task_restore(&saved);
}
