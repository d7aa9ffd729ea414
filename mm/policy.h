/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_POLICY_H
#define MM_POLICY_H

#include "alloc.h"
#include "request.h"

/* What a request goes by. */
struct policy_view {
	unsigned mode;
	bool local;
	nodemask_t nodes;
	nodemask_t mems;
};

/* The policy and allowed nodes of a task, as they are together at one moment. */
struct policy_view policy_read(struct zonal_task *task);

/* Q4: the nodes to which a bind set restricts a request; NODEMASK_ALL: it does not. */
nodemask_t policy_bind_mask(const struct zonal *mm, const struct policy_view *view, gfp_t gfp);

/* From the node that `ask` names, as part of an interleave; counted if that node serves (Q7). */
struct page *policy_alloc_interleave(struct zonal *mm, const struct alloc_ask *ask, gfp_t gfp,
				     unsigned order);

/* Q6: the node of `nodes` behind the task's cursor, which moves there. The task itself. */
unsigned policy_interleave_next(struct zonal_task *task, nodemask_t nodes);

/* The same, and the cursor stays. */
unsigned policy_interleave_peek(const struct zonal_task *task, nodemask_t nodes);

/* Q8: n-th node of a set by page offset: (offset >> shift) mod the number of nodes. */
unsigned policy_offset_node(nodemask_t nodes, uint64_t offset, unsigned shift);

/* Q13: the policy follows a change of the allowed nodes. By the task's writer (cpuset.c). */
void policy_rebind(struct mempolicy *policy, nodemask_t from, nodemask_t to);

/* ZTASK_POLICY if this policy can lead away from the CPU's own list. */
uint32_t policy_unusual(struct mempolicy *policy);

/* Field by field, with the order that readers need (cpuset.h). */
void policy_copy(struct mempolicy *to, struct mempolicy *from);

#endif
