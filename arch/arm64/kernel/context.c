/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contexts of tasks, and waiting, on bare-metal arm64. Contracts: sched/sched_port.h, the
 * one header of sched/ that a port knows; its other hooks are platform/sched_glue.c.
 *
 * Contexts are registers on the task's own stack and in struct sched_context; the
 * switch itself is switch.S. What a task at EL0 has beside is switched by user/user_switch.c.
 *
 * Waiting is WFI with IRQs masked: an interrupt that is pending at the GIC ends WFI
 * whatever PSTATE.I says, so one that came after the idle loop's last look is not lost.
 * It is taken when the idle loop unmasks.
 *
 * A new task starts with SErrors and IRQs unmasked, debug exceptions and FIQs masked,
 * as the boot code leaves PSTATE.
 */
#include <string.h>

#include <zonal/port.h>

#include "arm64_memory.h"
#include "arm64_user.h"
#include "lib/assert.h"
#include "sched/sched_port.h"

_Static_assert(offsetof(struct sched_context, x29) == CONTEXT_X29, "switch.S knows the offset");
_Static_assert(offsetof(struct sched_context, sp) == CONTEXT_SP, "switch.S knows the offset");
_Static_assert(SCHED_STACK_BYTES == ARM64_STACK_BYTES, "one size of stacks");

void arm64_switch(struct sched_context *from, struct sched_context *to);
void arm64_task_start(void);

void sched_context_init(struct sched_context *context, void *stack, size_t bytes,
			void (*entry)(void))
{
	ASSERT(entry && bytes == SCHED_STACK_BYTES && !((uintptr_t)stack % 16),
	       "stack %p, %zu bytes", stack, bytes);
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
	DASSERT_MASKED();
	DASSERT(from != to && to->sp, "from %p to %p", (void *)from, (void *)to);
	if (from->user || to->user)
		arm64_user_switch(from->user, to->user);
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
	/* Open, an interrupt could come between the last look and the wait. */
	DASSERT_MASKED();
	/* The DSB completes what this CPU has to tell others before it sleeps. */
	__asm__ volatile("dsb sy\n\twfi" : : : "memory");
}
