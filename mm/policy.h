/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_POLICY_H
#define MM_POLICY_H

#include "request.h"

/* Q6: the node of `nodes` behind the task's cursor, which moves there. The task itself. */
unsigned policy_interleave_next(struct zonal_task *task, nodemask_t nodes);

/* Q8: n-th node of a set by page offset: (offset >> shift) mod the number of nodes. */
unsigned policy_offset_node(nodemask_t nodes, uint64_t offset, unsigned shift);

/* Q13: the policy follows a change of the allowed nodes. By the task's writer (cpuset.c). */
void policy_rebind(struct mempolicy *policy, nodemask_t from, nodemask_t to);

/* ZTASK_POLICY if this policy can lead away from the CPU's own list. */
uint32_t policy_unusual(struct mempolicy *policy);

/* Field by field, with the order that readers need (cpuset.h). */
void policy_copy(struct mempolicy *to, struct mempolicy *from);

#endif
