/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_POLICY_H
#define MM_POLICY_H

#include "request.h"

/* Q6: the next node of an interleave; moves the task's cursor. */
unsigned policy_interleave_next(struct zonal_task *task);

/* Q8: n-th node of a set by page offset: (offset >> shift) mod the number of nodes. */
unsigned policy_offset_node(nodemask_t nodes, uint64_t offset, unsigned shift);

/* Q13: the policy follows a change of the allowed nodes. */
void policy_rebind(struct mempolicy *policy, nodemask_t from, nodemask_t to);

#endif
