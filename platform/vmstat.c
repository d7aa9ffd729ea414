/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The task that once a second has pages of other nodes given back that CPUs do not use (P12).
 *
 * In 5.10 this is part of the work that folds each CPU's counters (vmstat); ours are exact, and
 * this is what is left of it. One task does it for all CPUs, and disturbs one only if it has
 * something to give. A board with one node with memory has no such pages and no such task.
 *
 * No locks of ours.
 */
#include <zonal/expire.h>
#include <zonal/linux.h>

#include "lib/assert.h"
#include "mm/mm.h"
#include "platform.h"
#include "sched/sched.h"

static int vmstat_work(void *arg)
{
	(void)arg;
	ASSERT(!port_irqs_masked(), "a task that begins masked");
	do {
		task_sleep_ns(ZONAL_EXPIRE_NS);
		zonal_expire_lists(&zonal_image);
	} while (true);
	return 0;
}

void vmstat_start(void)
{
	nodemask_t nodes = zonal_image.has_memory;

	ASSERT(task_current() && nodes, "before there is a scheduler or memory");
	if (nodemask_count(zonal_image.online) > 1)
		(void)platform_node_task(nodemask_first(nodes), "vmstat", vmstat_work, NULL,
					 SCHED_PRIORITY_DEFAULT);
}
