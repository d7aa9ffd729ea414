/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the scheduler saves of a task on arm64. Contracts: sched/sched_port.h.
 *
 * A switch is a function call, so only the registers that a callee must keep are
 * saved; there is no floating point in the kernel. An interrupted task has all of its
 * registers in a frame on its own stack by then (vectors.S).
 */
#ifndef ARM64_PORT_SCHED_H
#define ARM64_PORT_SCHED_H

#define SCHED_STACK_ORDER 2 /* 16 KiB, ARM64_STACK_BYTES */

/* Offsets for switch.S, checked by context.c. */
#define CONTEXT_X19 0
#define CONTEXT_X29 80
#define CONTEXT_SP 96

#ifndef __ASSEMBLER__

#include <stdint.h>

struct user_port;

struct sched_context {
	uint64_t x19_to_x28[10];
	uint64_t x29, x30; /* frame pointer, where to go on */
	uint64_t sp;
	struct user_port *user;    /* its part at EL0, or NULL */
};

#endif
#endif
