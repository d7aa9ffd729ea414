/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The start of scheduling on each CPU, and the idle loop.
 *
 * The boot CPU goes on as the task "main", bound to it, on the boot stack, so that boot
 * code may sleep and join from then on; an idle task is made for it. Another CPU turns
 * its boot stack into that of its idle task.
 *
 * The idle task of a CPU is in no queue and runs when the queue is empty. Each round,
 * masked:
 *   1. nothing queued here: steal;
 *   2. something is queued: switch to it;
 *   3. else wait for an interrupt, which masked ones end as well (WFI on arm64).
 * Then it unmasks and the interrupt is taken. Between the look in 1 and the wait no
 * interrupt is taken, and one that arrives ends the wait, so no wake-up is lost; place.c
 * tells why none that another CPU means for this one stays away.
 */
#include <string.h>

#include "sched_internal.h"

static struct task main_task;

static void idle_round(void)
{
	port_irqflags_t flags = sched_mask();
	struct run_queue *queue = sched_this_queue();

	if (ld_relaxed(&queue->ready_count) || place_steal(queue))
		sched_preempt();
	else
		sched_port_wait();
	sched_unmask(flags);
	sched_port_poll();
}

void idle_loop(void)
{
	for (;;)
		idle_round();
}

static int idle_main(void *arg)
{
	(void)arg;
	idle_loop();
}

static int cpu_node(unsigned cpu)
{
	const struct boot_info *board = sched_port_board();

	return cpu < board->cpu_count && board->cpu[cpu].nid >= 0 ? board->cpu[cpu].nid : 0;
}

static void queue_prepare(struct run_queue *queue, unsigned cpu)
{
	struct task_spec spec = { .name = "idle", .fn = idle_main };
	struct cpumask self = cpumask_of(cpu);

	spec.cpus = &self;
	queue->nid = cpu_node(cpu);
	place_order_victims(queue);
	task_fill(&queue->idle, &spec, cpu);
	queue->idle.nid = queue->nid;
	queue->timer_ns = SCHED_NEVER;
}

/* `task`, which runs on this stack, is what this CPU runs. Masked. */
static void queue_go(struct run_queue *queue, struct task *task)
{
	bool idle = task == &queue->idle;
	uint64_t now = port_time_ns();

	sched_context_adopt(&task->context);
	task_set_state(task, TASK_RUNNING);
	queue->run_start_ns = now;
	queue->slice_end_ns = now + SCHED_SLICE_NS;
	queue->current = task;
	port_this_cpu()->task = &task->memory;
	place_set_idle(queue->cpu, idle);
	/* From here on others place tasks here. */
	st_release(&queue->running, idle ? QUEUE_IDLE : (int)priority_of(task));
}

static void reset(void)
{
	memset(run_queues, 0, sizeof(run_queues));
	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS; cpu++) {
		run_queues[cpu].cpu = cpu;
		lock_set_rank(&run_queues[cpu].lock, LOCK_RUN_QUEUE);
		st_relaxed(&run_queues[cpu].running, QUEUE_OFFLINE);
	}
	place_reset();
	registry_reset();
	task_memory_reset();
}

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
	struct run_queue *queue = &run_queues[cpu];

	reset();
	queue_prepare(queue, cpu);
	main_prepare(cpu);
	port_irq_restore(flags);
	if (task_stack_take(&queue->idle, queue->nid))
		port_panic("sched: no memory for the idle task's stack of CPU %u", cpu);
	sched_context_init(&queue->idle.context, queue->idle.stack, SCHED_STACK_BYTES,
			   sched_task_entry);
	registry_add(&queue->idle);
	flags = port_irq_save();
	queue_go(queue, &main_task);
	port_irq_restore(flags);
	task_reaper_start();
}

void sched_start_cpu(unsigned cpu)
{
	struct run_queue *queue = &run_queues[cpu];

	port_irq_save();
	if (cpu != port_this_cpu()->id)
		port_panic("sched: CPU %u starts as CPU %u", (unsigned)port_this_cpu()->id, cpu);
	queue_prepare(queue, cpu);
	registry_add(&queue->idle);
	queue_go(queue, &queue->idle);
	sched_port_unmask();
	idle_loop();
}
