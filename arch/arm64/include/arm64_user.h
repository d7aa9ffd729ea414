/* SPDX-License-Identifier: BSD-2-Clause */
/* Tasks at EL0, for the files of arch/arm64 only. */
#ifndef ARM64_USER_H
#define ARM64_USER_H

#include "arm64_exception.h"
#include "port_user.h"

/* What EL0 may not do on this CPU is made to trap. At its start, masked. */
void arm64_user_lockdown(void);

/* For tests: spaces get numbers of `bits` bits from now on, 0: as many as the TLB has. No task at
 * EL0 exists. Context: task. */
void arm64_user_asid_bits(unsigned bits);

/* The registers that are not in a context go from one task at EL0 to another; NULL: an ordinary
 * task. Masked, at a switch. */
void arm64_user_switch(struct user_port *from, struct user_port *to);

/* A fault of the copies of copy.S: the frame goes on behind them. False: it is none. */
bool arm64_user_copy_fault(struct arm64_frame *frame);

/* vectors.S, on the kernel stack of the task: a synchronous exception from EL0; what is left to do
 * before EL0 goes on. Masked before and after. */
void arm64_user_exception(struct arm64_frame *frame);
void arm64_user_work(void);
/* The same on the interrupt stack: an interrupt. True: the frame must move, for the CPU is to
 * be given away or arm64_user_work() to be called. */
bool arm64_user_irq(struct arm64_frame *frame);
/* To EL0 for the first time, all other registers 0. Masked; nothing of the stack is needed. */
void arm64_user_start(uint64_t entry, uint64_t sp, uint64_t arg) ZN_NORETURN;

/* fp.S */
void arm64_fp_save(struct user_port *port);
void arm64_fp_load(struct user_port *port);

#endif
