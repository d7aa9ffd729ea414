/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a CPU in the scheduler: offline, prepared, online, idle.
 *
 * A CPU is offline until cpu_go(), whose last store publishes what it runs; from then on
 * others place tasks here. Before that cpu_prepare() has filled its queue: its node, the
 * order in which it looks at the others, its idle task. A CPU that joins turns the stack
 * it was started on into that of its idle task. There is no way back: CPUs stay online.
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

struct run_queue *run_queues;
unsigned run_queue_count;

bool sched_cpu_online(unsigned cpu)
{
	return cpu < run_queue_count && ld_acquire(&run_queues[cpu].running) != QUEUE_OFFLINE;
}

static void idle_round(void)
{
	port_irqflags_t flags = sched_mask();
	struct run_queue *queue = sched_this_queue();

	ASSERT(queue->current == &queue->idle, "CPU %u idles and runs %s", queue->cpu,
	       queue->current->name);
	if (ld_relaxed(&queue->ready_count) || place_steal(queue))
		sched_preempt();
	else
		sched_port_wait();
	sched_unmask(flags);
	sched_port_poll();
}

static void ZN_NORETURN idle_loop(void)
{
	for (;;)
		idle_round();
}

static int idle_main(void *arg)
{
	(void)arg;
	idle_loop();
}

int cpu_node(unsigned cpu)
{
	const struct boot_info *board = sched_port_board();

	return cpu < board->cpu_count && board->cpu[cpu].nid >= 0 ? board->cpu[cpu].nid : 0;
}

void cpu_prepare(struct run_queue *queue, unsigned cpu)
{
	struct task_spec spec = { .name = "idle", .fn = idle_main };
	struct cpumask self = cpumask_of(cpu);

	ASSERT(queue->cpu == cpu && !sched_cpu_online(cpu), "the queue of CPU %u for CPU %u",
	       queue->cpu, cpu);
	spec.cpus = &self;
	queue->nid = cpu_node(cpu);
	place_order_victims(queue);
	task_fill(&queue->idle, &spec, cpu);
	queue->idle.nid = queue->nid;
	queue->timer_ns = SCHED_NEVER;
}

void cpu_go(struct run_queue *queue, struct task *task)
{
	bool idle = task == &queue->idle;
	uint64_t now = port_time_ns();

	DASSERT_MASKED();
	ASSERT(queue == sched_this_queue() && !queue->current, "CPU %u goes online twice",
	       queue->cpu);
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

/* The queues, and behind them for each queue the numbers of all others. */
static void take_tables(void)
{
	unsigned count = sched_port_cpu_count();

	ASSERT(count >= 1 && count <= ZONAL_MAX_CPUS, "%u CPUs", count);
	run_queues = sched_port_tables(count * (sizeof(*run_queues) +
						count * sizeof(*run_queues->victim)));
	run_queue_count = count;
}

void cpu_reset_all(void)
{
	uint16_t *victims;

	if (!run_queues)
		take_tables();
	memset(run_queues, 0, run_queue_count * sizeof(*run_queues));
	victims = (uint16_t *)(void *)(run_queues + run_queue_count);
	for (unsigned cpu = 0; cpu < run_queue_count; cpu++) {
		run_queues[cpu].cpu = cpu;
		run_queues[cpu].victim = victims + (size_t)cpu * run_queue_count;
		lock_set_rank(&run_queues[cpu].lock, LOCK_RUN_QUEUE);
		st_relaxed(&run_queues[cpu].running, QUEUE_OFFLINE);
	}
	place_reset();
}

void sched_start_cpu(unsigned cpu)
{
	struct run_queue *queue = &run_queues[cpu];

	port_irq_save();
	if (cpu != port_this_cpu()->id)
		port_panic("sched: CPU %u starts as CPU %u", (unsigned)port_this_cpu()->id, cpu);
	cpu_prepare(queue, cpu);
	registry_add(&queue->idle);
	cpu_go(queue, &queue->idle);
	sched_port_unmask();
	idle_loop();
}
