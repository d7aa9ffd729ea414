/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the scheduler saves of a task on the host. Contracts: sched/sched_port.h.
 *
 * The registers lie on the task's stack. The rest is what the sanitizers must be
 * told at a switch: where the stack is (address), which fibre runs (thread).
 */
#ifndef HOST_PORT_SCHED_H
#define HOST_PORT_SCHED_H

#include <stdbool.h>
#include <stddef.h>

#define SCHED_STACK_ORDER 4 /* 64 KiB: printf and sanitizers take more than the image */

struct sched_context {
	void *sp;               /* of a context that does not run */
	const void *stack;      /* lowest address */
	size_t stack_bytes;
	void *fake_stack;       /* address sanitizer's, of a context that does not run */
	void *fibre;            /* thread sanitizer's; it may be NULL until it first runs */
	bool early;             /* it was made with the task, and counts */
	bool made;              /* for a task, to be given back */
};

#endif
