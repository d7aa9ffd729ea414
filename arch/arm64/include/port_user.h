/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the arm64 port keeps of a task at EL0: its page tables and its registers. Contracts:
 * user/user_port.h.
 *
 * Letters: (s) lock of the space, (o) the task itself, (i) immutable, (a) atomic.
 */
#ifndef ARM64_PORT_USER_H
#define ARM64_PORT_USER_H

/* Offsets for fp.S, checked by user_switch.c. */
#define USER_FPCR 48
#define USER_VECTOR 64

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stdint.h>

struct user_port {
	uint64_t root;            /* i: physical address of the level 0 table */
	uint64_t spare;           /* s: tables for later, each with the next in its first word */
	_Atomic uint64_t asid;    /* a: user/asid.c */
	uint64_t stack_top;       /* i: of the kernel stack, where an exception from EL0 begins */
	uint64_t thread_pointer;  /* o: TPIDR_EL0 while it does not run */
	_Atomic uint32_t work;    /* a: user_work() must be called before it goes on at EL0 */
	bool floats;              /* o: it uses floating point; its registers are below */
	uint64_t fpcr, fpsr;
	uint64_t vector[64] __attribute__((aligned(16)));
};

#endif
#endif
