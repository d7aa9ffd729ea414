/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policy of boot (row Q14): what the kernel takes for itself at start is spread over nodes.
 *
 * Tables that are made while one task does everything would all lie on its node, and stay there. So
 * that task interleaves over the nodes of 16 MiB or more, by what is present, and if there are none
 * keeps to the largest, of equal ones the first. It ends with an ordinary zonal_set_policy() when
 * the first tasks are started, which would inherit it.
 *
 * No locks: the task sets its own policy.
 */
#include <zonal/boot_policy.h>

#include "lib/assert.h"
#include "mm.h"

#define LEAST_PAGES ((16u << 20) / PAGE_SIZE)

static nodemask_t boot_nodes(const struct zonal *mm)
{
	const struct node *largest = NULL;
	nodemask_t nodes = 0;

	for (nodemask_t left = mm->has_memory; left; left &= left - 1) {
		const struct node *node = mm->node[nodemask_first(left)];

		ASSERT(node && node->present, "node %u has no memory", nodemask_first(left));
		if (!largest || node->present > largest->present)
			largest = node;
		if (node->present >= LEAST_PAGES)
			nodes |= node_bit(node->id);
	}
	ASSERT(largest, "no node has memory");
	return nodes ? nodes : node_bit(largest->id);
}

int zonal_boot_policy(struct zonal *mm, struct zonal_task *task)
{
	return zonal_set_policy(mm, task, MPOL_INTERLEAVE, 0, boot_nodes(mm));
}
