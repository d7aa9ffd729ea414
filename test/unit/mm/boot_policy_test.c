/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Row Q14: a task that boots interleaves over the nodes that are large enough.
 *
 * Which ones are is read off the policy of a task that is nobody's: nodes of 16 MiB and more, by
 * what is present, reserved or not; of smaller ones alone the largest. That requests follow it, and
 * that it ends, is tried with the task that runs the test.
 */
#include "kt_instance.h"

#include <zonal/boot_policy.h>

enum { LEAST = (16 << 20) / PAGE_SIZE };

static void expect_nodes(const struct kt_spec *spec, nodemask_t nodes)
{
	struct zonal *mm = kt_instance(spec);
	struct mempolicy policy;
	struct zonal_task task;

	if (!mm)
		return;
	zonal_task_init(&task);
	KT_EQ(zonal_boot_policy(mm, &task), 0);
	zonal_task_policy(&task, &policy);
	KT_EQ(ld_relaxed(&policy.mode), MPOL_INTERLEAVE);
	KT_EQ(ld_relaxed(&policy.nodes), nodes);
}

KTEST(rows_q, q14_boot_interleaves_over_nodes_of_16_mib)
{
	static const struct kt_spec mixed = {
		.ram = { { 0, KT_DMA_PFN, LEAST },
			 { 1, KT_DMA_PFN + LEAST, LEAST - 1 },
			 { 3, KT_DMA_PFN + 2 * LEAST, LEAST + 1 } },
		.empty_nodes = 1u << 2,
	};

	expect_nodes(&mixed, node_bit(0) | node_bit(3));
}

KTEST(rows_q, q14_present_pages_count_also_those_that_are_reserved)
{
	static const struct kt_spec reserved = {
		.ram = { { 0, KT_DMA_PFN, LEAST }, { 1, KT_DMA_PFN + LEAST, LEAST } },
		.reserved = { { 0, KT_DMA_PFN + LEAST, LEAST - 512 } },
	};

	expect_nodes(&reserved, node_bit(0) | node_bit(1));
}

KTEST(rows_q, q14_of_small_nodes_the_first_of_the_largest_serves)
{
	static const struct kt_spec small = {
		.ram = { { 0, KT_DMA_PFN, 512 }, { 1, KT_DMA_PFN + 512, 1024 },
			 { 2, KT_DMA_PFN + 1536, 1024 } },
	};

	expect_nodes(&small, node_bit(1));
}

KTEST(rows_q, q14_requests_of_boot_go_round_the_nodes)
{
	static const struct kt_spec pair = {
		.ram = { { 0, KT_DMA_PFN, LEAST }, { 1, KT_DMA_PFN + LEAST, LEAST } },
	};
	struct zonal *mm = kt_instance(&pair);
	struct zonal_task saved, *task;
	unsigned on[2] = { 0, 0 };

	if (!mm)
		return;
	task = kt_task_save(&saved);
	KT_EQ(zonal_boot_policy(mm, task), 0);
	for (unsigned i = 0; i < 6; i++) {
		struct page *page = zonal_alloc(mm, GFP_KERNEL, i % 2);

		if (KT_TRUE(page))
			on[zonal_page_node(page)]++;
	}
	KT_EQ(on[0], 3);
	KT_EQ(on[1], 3);
	KT_EQ(zonal_set_policy(mm, task, MPOL_DEFAULT, 0, 0), 0);
	KT_TRUE(!(ld_relaxed(&task->unusual) & ZTASK_POLICY));
	kt_task_restore(&saved);
}
