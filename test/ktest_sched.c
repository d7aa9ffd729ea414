/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kt_on_each_cpu() for the test harness: one task after the other, each bound to
 * one online CPU, the caller waiting for it, so that the harness is used by one
 * CPU at a time. Where no scheduler runs (a host program) the case runs as it is, once.
 * A task that cannot be created is a failed case, not a skipped CPU.
 */
#include "ktest.h"
#include "sched/sched.h"

struct each_call {
	void (*fn)(void *arg);
	void *arg;
};

static int each_main(void *arg)
{
	struct each_call *call = arg;

	call->fn(call->arg);
	return 0;
}

void kt_on_each_cpu(void (*fn)(void *), void *arg)
{
	struct each_call call = { fn, arg };

	if (!sched_running()) {
		fn(arg);
		return;
	}
	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS; cpu++) {
		struct cpumask self = cpumask_of(cpu);
		struct task_spec spec = { .name = "ktest", .fn = each_main, .arg = &call,
					  .priority = SCHED_PRIORITY_DEFAULT, .cpus = &self };
		struct task *task;

		if (!sched_cpu_online(cpu))
			continue;
		task = task_create(&spec);
		if (KT_OK(task != NULL, "no task for CPU %u", cpu))
			task_join(task);
	}
}
