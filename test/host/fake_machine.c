/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine that stands still; see fake_machine.h.
 *
 * One thread is all CPUs in turn: host_set_cpu() puts another one's mask on, and what a CPU
 * has of its own (its task, the locks it holds) is found through that. Interrupts for
 * other CPUs stay what the host port makes of them, a flag that somebody would look at.
 */
#include "fake_machine.h"

#include <string.h>

enum { TASKS = 512 + ZONAL_MAX_CPUS };

static struct {
	struct task task[TASKS];
	unsigned task_count;
	struct zonal_task *boot_task[ZONAL_MAX_CPUS];
} fake;

void fake_begin(void)
{
	memset(&fake, 0, sizeof(fake));
	memset(&host_sched, 0, sizeof(host_sched));
	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS; cpu++) {
		fake.boot_task[cpu] = host_cpu_get(cpu)->port.task;
		atomic_store(&host_sched.cpu[cpu].timer_ns, SCHED_NEVER);
	}
	fake_clock(FAKE_EPOCH);
	cpu_reset_all();
}

void fake_end(void)
{
	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS; cpu++) {
		host_cpu_get(cpu)->port.task = fake.boot_task[cpu];
		host_cpu_get(cpu)->masked = false;
	}
	cpu_reset_all();
	fake_clock(0);
	host_set_cpu(0);
}

struct boot_info *fake_board(unsigned cpus, unsigned nodes)
{
	struct boot_info *board = &host_sched.board;

	memset(board, 0, sizeof(*board));
	board->cpu_count = cpus;
	for (unsigned cpu = 0; cpu < cpus; cpu++)
		board->cpu[cpu].nid = (int16_t)(cpu * nodes / cpus);
	for (unsigned a = 0; a < nodes; a++) {
		board->nodes |= node_bit(a);
		for (unsigned b = 0; b < nodes; b++)
			board->distance[a][b] = (uint8_t)(10 + 10 * (a < b ? b - a : a - b));
	}
	return board;
}

void fake_start(void)
{
	for (unsigned cpu = 0; cpu < host_sched.board.cpu_count; cpu++) {
		fake_be(cpu);
		cpu_prepare(&run_queues[cpu], cpu);
		cpu_go(&run_queues[cpu], &run_queues[cpu].idle);
	}
	fake_be(0);
}

void fake_be(unsigned cpu)
{
	host_set_cpu(cpu);
	port_irq_save();
}

void fake_clock(uint64_t ns) { atomic_store(&host_clock_ns, ns); }

struct task *fake_task(unsigned cpu, unsigned priority)
{
	struct task_spec spec = { .name = "fake", .priority = priority };
	struct task *task = &fake.task[fake.task_count];

	if (fake.task_count + 1 < TASKS)
		fake.task_count++;
	memset(task, 0, sizeof(*task));
	task_fill(task, &spec, cpu);
	task->id = fake.task_count;
	task_set_state(task, TASK_MOVING);
	return task;
}

void fake_bind(struct task *task, const struct cpumask *cpus)
{
	task->cpus = *cpus;
	task->pinned = cpumask_count(cpus) == 1;
}

void fake_run(unsigned cpu, struct task *task)
{
	struct run_queue *queue = &run_queues[cpu];
	bool idle = task == &queue->idle;
	unsigned self = port_this_cpu()->id;

	task_set_state(task, TASK_RUNNING);
	st_relaxed(&task->cpu, cpu);
	queue->current = task;
	queue->slice_end_ns = port_time_ns() + task->slice_left_ns;
	queue->run_start_ns = port_time_ns();
	st_relaxed(&queue->running, idle ? QUEUE_IDLE : (int)priority_of(task));
	host_cpu_get(cpu)->port.task = &task->memory;
	fake_be(cpu);
	place_set_idle(cpu, idle);
	fake_be(self);
}

void fake_queue(unsigned cpu, struct task *task)
{
	st_relaxed(&task->cpu, cpu);
	lock_take(&run_queues[cpu].lock);
	queue_push_tail(&run_queues[cpu], task);
	lock_drop(&run_queues[cpu].lock);
}

struct task *fake_first(unsigned cpu)
{
	struct task *task;

	lock_take(&run_queues[cpu].lock);
	task = queue_first(&run_queues[cpu]);
	lock_drop(&run_queues[cpu].lock);
	return task;
}

bool fake_steal(unsigned cpu)
{
	fake_be(cpu);
	return place_steal(&run_queues[cpu]);
}

void fake_place(struct task *task)
{
	struct run_queue *queue = queue_lock_of(task);

	lock_assert_held(&queue->lock);
	place_task(queue, task);
}

bool fake_kicked(unsigned cpu) { return atomic_exchange(&host_sched.cpu[cpu].kicked, false); }

unsigned fake_kicks(void)
{
	unsigned kicks = 0;

	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS; cpu++)
		kicks += fake_kicked(cpu);
	return kicks;
}

uint64_t fake_timer(unsigned cpu) { return atomic_load(&host_sched.cpu[cpu].timer_ns); }

/* The list of one priority: its length, and whether both directions and all tasks agree. */
static bool list_is_sound(const struct run_queue *queue, unsigned priority, unsigned *count,
			  unsigned *movable)
{
	const struct task *prev = NULL;

	for (struct task *task = queue->head[priority]; task; task = task->next) {
		if (task->prev != prev || task_state(task) != TASK_READY ||
		    priority_of(task) != priority || ld_relaxed(&task->cpu) != queue->cpu)
			return false;
		++*count;
		*movable += !task->pinned;
		prev = task;
	}
	return queue->tail[priority] == prev && !prev == !(queue->bitmap >> priority & 1);
}

bool fake_queue_is_sound(unsigned cpu)
{
	const struct run_queue *queue = &run_queues[cpu];
	unsigned count = 0, movable = 0;

	for (unsigned priority = 0; priority < SCHED_PRIORITIES; priority++)
		if (!KT_OK(list_is_sound(queue, priority, &count, &movable),
			   "the list of priority %u of CPU %u", priority, cpu))
			return false;
	return KT_EQ(ld_relaxed(&((struct run_queue *)(uintptr_t)queue)->ready_count), count) &&
	       KT_EQ(queue->movable, movable);
}
