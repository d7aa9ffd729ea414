/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The start of scheduling, on the boot CPU.
 *
 * It goes on as the task "main", bound to it, on the boot stack, so that boot code may
 * sleep and join from then on. Its idle task is made with a stack of its own, and the
 * reaper is the first task that is spawned. Everything that the scheduler knows is
 * forgotten first: on the host each test of it starts a machine.
 *
 * Other CPUs join later, each by itself (cpu.c).
 */
#include <string.h>

#include "sched_internal.h"

static struct task main_task;

static void main_prepare(unsigned cpu)
{
	struct task_spec spec = { .name = "main", .priority = SCHED_PRIORITY_DEFAULT };
	struct cpumask self = cpumask_of(cpu);

	memset(&main_task, 0, sizeof(main_task));
	spec.cpus = &self;
	task_fill(&main_task, &spec, cpu);
	main_task.nid = cpu_node(cpu);
	registry_add(&main_task);
}

void sched_init(void)
{
	port_irqflags_t flags = port_irq_save();
	unsigned cpu = port_this_cpu()->id;
	struct run_queue *queue;

	ASSERT(!run_queues || !run_queues[cpu].current, "CPU %u schedules already", cpu);
	cpu_reset_all();
	queue = &run_queues[cpu];
	registry_reset();
	task_memory_reset();
	cpu_prepare(queue, cpu);
	main_prepare(cpu);
	port_irq_restore(flags);
	if (task_stack_take(&queue->idle, queue->nid))
		port_panic("sched: no memory for the idle task's stack of CPU %u", cpu);
	sched_context_init(&queue->idle.context, queue->idle.stack, SCHED_STACK_BYTES,
			   sched_task_entry);
	registry_add(&queue->idle);
	flags = port_irq_save();
	cpu_go(queue, &main_task);
	port_irq_restore(flags);
	task_reaper_start();
}
