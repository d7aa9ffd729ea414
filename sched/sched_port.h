/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the scheduler asks of the place it runs in, beyond zonal/port.h.
 *
 * A port supplies `port_sched.h` (struct sched_context, SCHED_STACK_ORDER) and one
 * object with these functions: platform/sched_glue.c with the port's context.c, or
 * arch/host/host_sched.c.
 * Unless it says otherwise a hook is called masked, on the CPU it acts on.
 */
#ifndef SCHED_SCHED_PORT_H
#define SCHED_SCHED_PORT_H

#include <zonal/boot_info.h>
#include <zonal/zonal.h>

#include "port_sched.h"

/* Every kernel stack has this size. */
#define SCHED_STACK_BYTES ((size_t)PAGE_SIZE << SCHED_STACK_ORDER)

/* ---- contexts ----------------------------------------------------------- */

/* The first switch to `context` calls sched_context_begin() and then entry(), which
 * never returns, on the stack that ends at stack + bytes. Any context. */
void sched_context_init(struct sched_context *context, void *stack, size_t bytes,
			void (*entry)(void));
/* `context` stands for what runs now, on the stack it has. */
void sched_context_adopt(struct sched_context *context);
/* Give back what the context took from the port; it does not run and will not. Not masked. */
void sched_context_drop(struct sched_context *context);
/* Save what runs in `from`, go on with `to`; returns when `from` is switched to
 * again, perhaps on another CPU. `ends`: `from` never will be. */
void sched_context_switch(struct sched_context *from, struct sched_context *to, bool ends);
/* First thing that runs in a new context. */
void sched_context_begin(struct sched_context *context);
/* Unmask as a new task should run. */
void sched_port_unmask(void);

/* ---- this CPU and others ------------------------------------------------ */

/* Wait until an interrupt is pending; may return early. One that is pending already,
 * though masked, must end the wait at once, else a wake-up is lost. */
void sched_port_wait(void);
/* Interrupt `cpu`, which may be the caller's; sched_irq_exit() follows there. */
void sched_port_kick(unsigned cpu);
/* Call sched_timer_tick() on this CPU at or soon after `ns`; SCHED_NEVER: not. */
void sched_port_set_timer(uint64_t ns);
/* Serve what is pending, on a port without asynchronous interrupts. Not masked. */
void sched_port_poll(void);

/* ---- memory and board --------------------------------------------------- */

/* The allocator that stacks and tasks come from. Any context. */
struct zonal *sched_port_memory(void);
/* Nodes of CPUs and distances. Any context. */
const struct boot_info *sched_port_board(void);
/* How many CPUs may ever schedule here, numbered from 0. Boot. */
unsigned sched_port_cpu_count(void);
/* Memory for good, aligned to a page; its contents do not matter. Panics without it. Boot. */
void *sched_port_tables(size_t bytes);
/* The address of an allocated page that the scheduler may use. Any context. */
void *sched_port_address(struct page *page);
/* Map 2^SCHED_STACK_ORDER pages as a stack with an unmapped page below. Its lowest
 * address, or NULL when there is no memory for that. Task context, not masked. */
void *sched_port_stack_map(struct page *page);
/* Undo it. The pages stay allocated. Task context, not masked. */
void sched_port_stack_unmap(void *stack, struct page *page);

/* ---- tests -------------------------------------------------------------- */

/*
 * Run fn(arg) in a task with a scheduler running and return when it has returned: in
 * the image in the calling task; on the host in a machine of four threads and two
 * nodes built for it. False: no memory for that. Context: task, or a host test.
 */
bool sched_port_world(void (*fn)(void *), void *arg);

#endif
