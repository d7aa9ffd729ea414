/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler's port hooks on bare-metal arm64. Contracts: sched/sched_port.h.
 *
 * Contexts are registers on the task's own stack and in struct sched_context; the
 * switch itself is switch.S. Interrupts are real here: sched_port_poll() has nothing to
 * do, the vectors call sched_irq_exit() and sched_preempt().
 *
 * Waiting is WFI with IRQs masked: an interrupt that is pending at the GIC ends WFI
 * whatever PSTATE.I says, so one that came after the idle loop's last look is not lost.
 * It is taken when the idle loop unmasks.
 *
 * A new task starts with SErrors and IRQs unmasked, debug exceptions and FIQs masked,
 * as the boot code leaves PSTATE.
 */
#include <string.h>

#include <zonal/linux.h>

#include "arm64_memory.h"
#include "platform/platform.h"
#include "sched/sched.h"
#include "sched/sched_port.h"

_Static_assert(offsetof(struct sched_context, x29) == CONTEXT_X29, "switch.S knows the offset");
_Static_assert(offsetof(struct sched_context, sp) == CONTEXT_SP, "switch.S knows the offset");
_Static_assert(SCHED_STACK_BYTES == ARM64_STACK_BYTES, "one size of stacks");

void arm64_switch(struct sched_context *from, struct sched_context *to);
void arm64_task_start(void);

void sched_context_init(struct sched_context *context, void *stack, size_t bytes,
			void (*entry)(void))
{
	memset(context, 0, sizeof(*context));
	context->x19_to_x28[0] = (uint64_t)(uintptr_t)entry;
	context->x30 = (uint64_t)(uintptr_t)arm64_task_start;
	context->sp = (uint64_t)(uintptr_t)stack + bytes;
}

void sched_context_adopt(struct sched_context *context)
{
	/* Written by the first switch away from it. */
	memset(context, 0, sizeof(*context));
}

void sched_context_drop(struct sched_context *context)
{
	(void)context;
}

void sched_context_switch(struct sched_context *from, struct sched_context *to, bool ends)
{
	(void)ends;
	arm64_switch(from, to);
}

void sched_context_begin(struct sched_context *context)
{
	(void)context;
}

void sched_port_unmask(void)
{
	__asm__ volatile("msr daifclr, #6" : : : "memory"); /* A and I */
}

void sched_port_wait(void)
{
	/* The DSB completes what this CPU has to tell others before it sleeps. */
	__asm__ volatile("dsb sy\n\twfi" : : : "memory");
}

void sched_port_kick(unsigned cpu)
{
	ipi_send(cpu, IPI_RESCHED);
}

void sched_port_set_timer(uint64_t ns)
{
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

void *sched_port_address(struct page *page)
{
	return phys_to_virt(zonal_pfn(page) << PAGE_SHIFT);
}

void *sched_port_stack_map(struct page *page)
{
	return arm64_stack_map(zonal_pfn(page) << PAGE_SHIFT);
}

void sched_port_stack_unmap(void *stack, struct page *page)
{
	(void)page;
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
