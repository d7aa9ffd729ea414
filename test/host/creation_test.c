/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A task that cannot be made because its stack cannot be mapped.
 *
 * Memory that is refused is tried everywhere (life_test.c, by zonal_inject()). A mapping that
 * fails is the port's business, and only the host's can be told to: the pages of the stack
 * go back as well as the task's own, every time.
 */
#include "host_sched.h"
#include "test/unit/sched/sched_world.h"

enum { TIMES = 40 };

static int do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

SCHED_TEST(a_stack_that_cannot_be_mapped_loses_nothing)
{
	struct task_spec spec = { .name = "unlucky", .fn = do_nothing, .priority = 4 };
	uint64_t pages = sched_world_free_pages();
	unsigned tasks = sched_task_count();
	struct task *task = NULL;

	host_sched.no_maps = true;
	for (unsigned i = 0; i < TIMES; i++)
		KT_EQ(task_spawn(&spec, &task), ZONAL_ENOMEM);
	host_sched.no_maps = false;
	KT_TRUE(!task);
	KT_EQ(sched_task_count(), tasks);
	KT_EQ(sched_world_free_pages(), pages);
}
