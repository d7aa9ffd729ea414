/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policy of a task that boots (row Q14).
 */
#ifndef ZONAL_BOOT_POLICY_H
#define ZONAL_BOOT_POLICY_H

#include <zonal/zonal.h>

ZONAL_BEGIN_DECLS

/*
 * `task` interleaves over the nodes with 16 MiB of RAM or more, or over the largest one, until
 * its policy is set anew: zonal_set_policy(mm, task, ZONAL_MPOL_DEFAULT, 0, 0), before it starts
 * tasks that shall not have it. Returns as zonal_set_policy(). Context: the task itself.
 */
int zonal_boot_policy(struct zonal *mm, struct zonal_task *task) ZONAL_MUST_USE;

ZONAL_END_DECLS

#endif
