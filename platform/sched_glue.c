/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler's port hooks that concern the board: other CPUs, the timer, memory.
 * Contracts: sched/sched_port.h. Contexts of tasks are arch/arm64/kernel/context.c.
 *
 * Interrupts are real here: sched_port_poll() has nothing to do, the port calls
 * sched_irq_exit() and sched_preempt() by way of board_ops.
 *
 * No state of its own.
 */
#include <zonal/linux.h>
#include <zonal/port.h>

#include "arm64_memory.h"
#include "lib/assert.h"
#include "platform.h"
#include "sched/sched.h"
#include "sched/sched_port.h"

void sched_port_kick(unsigned cpu)
{
	ASSERT(cpu < ZONAL_MAX_CPUS, "CPU %u", cpu);
	ipi_send(cpu, IPI_RESCHED);
}

void sched_port_set_timer(uint64_t ns)
{
	DASSERT_MASKED();
	timer_set_deadline(ns == UINT64_MAX ? 0 : ns);
}

void sched_port_poll(void)
{
}

struct zonal *sched_port_memory(void)
{
	return &zonal_image;
}

const struct boot_info *sched_port_board(void)
{
	return &boot_info;
}

unsigned sched_port_cpu_count(void)
{
	return boot_info.cpu_count;
}

void *sched_port_tables(size_t bytes)
{
	struct page *page = zonal_alloc_exact(&zonal_image, GFP_KERNEL, bytes);

	if (!page)
		port_panic("sched: no memory for the queues of %u CPUs, %zu bytes",
			   boot_info.cpu_count, bytes);
	return sched_port_address(page);
}

void *sched_port_address(struct page *page)
{
	return phys_to_virt(zonal_pfn(page) << PAGE_SHIFT);
}

void *sched_port_stack_map(struct page *page)
{
	ASSERT(page, "a stack of no page");
	return arm64_stack_map(zonal_pfn(page) << PAGE_SHIFT);
}

void sched_port_stack_unmap(void *stack, struct page *page)
{
	(void)page;
	ASSERT(!port_irqs_masked(), "a stack is unmapped masked");
	arm64_stack_unmap(stack);
}

bool sched_port_world(void (*fn)(void *), void *arg)
{
	fn(arg);
	return true;
}

uint64_t port_task_id(void)
{
	const struct task *task = task_current();

	return task ? task_id(task) : 0;
}
