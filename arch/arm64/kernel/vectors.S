/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exception vectors.
 *
 * Tasks run with SP_EL0 as their stack pointer (EL1t), handlers with SP_EL1, the
 * CPU's own interrupt stack. So an exception always has room to save what it
 * interrupted, also when a task has run into the guard page below its stack: that is
 * then an ordinary data abort through the vector at +0x000.
 *
 * Handlers run with interrupts masked; an exception through +0x200 is a fault inside a handler. If
 * it was the interrupt stack itself that overflowed, the report starts that stack afresh from
 * its top: nobody will return to what was there.
 *
 * Preemption. When arm64_irq() says so, the saved frame moves from the interrupt
 * stack to the stack of the interrupted task, and arm64_preempt() is called there as if the
 * task had called it. The interrupt stack is empty again before another task runs.
 *
 * EL0. SP_EL0 is the program's then. A synchronous exception is saved at the top of the task's kernel
 * stack, and its handler runs there, as code of the task; an interrupt is served on the
 * interrupt stack, and its frame moves to the kernel stack only if the task is not simply to go on. Either
 * way back to EL0 leads through user_return, but for the short one behind an interrupt.
 */
#include "arm64_asm.h"
#include "arm64_cpu.h"
#include "arm64_exception.h"
#include "arm64_memory.h"

/* x2 to x29 of the interrupted code to its frame at `base`. */
.macro save_registers base=sp
	stp	x2, x3, [\base, #16]
	stp	x4, x5, [\base, #32]
	stp	x6, x7, [\base, #48]
	stp	x8, x9, [\base, #64]
	stp	x10, x11, [\base, #80]
	stp	x12, x13, [\base, #96]
	stp	x14, x15, [\base, #112]
	stp	x16, x17, [\base, #128]
	stp	x18, x19, [\base, #144]
	stp	x20, x21, [\base, #160]
	stp	x22, x23, [\base, #176]
	stp	x24, x25, [\base, #192]
	stp	x26, x27, [\base, #208]
	stp	x28, x29, [\base, #224]
.endm

/* The rest of the frame; `pointer` = interrupted stack pointer. */
.macro save_state pointer=x1, base=sp
	stp	x30, \pointer, [\base, #240]
	mrs	x2, elr_el1
	mrs	x3, spsr_el1
	stp	x2, x3, [\base, #FRAME_ELR]
	mrs	x2, esr_el1
	mrs	x3, far_el1
	stp	x2, x3, [\base, #FRAME_ESR]
.endm

/* ELR and SPSR, and x0 to x29, of the frame at `base`, which is none of these. */
.macro restore_state base
	ldp	x2, x3, [\base, #FRAME_ELR]
	msr	elr_el1, x2
	msr	spsr_el1, x3
	ldp	x0, x1, [\base, #0]
	ldp	x2, x3, [\base, #16]
	ldp	x4, x5, [\base, #32]
	ldp	x6, x7, [\base, #48]
	ldp	x8, x9, [\base, #64]
	ldp	x10, x11, [\base, #80]
	ldp	x12, x13, [\base, #96]
	ldp	x14, x15, [\base, #112]
	ldp	x16, x17, [\base, #128]
	ldp	x18, x19, [\base, #144]
	ldp	x20, x21, [\base, #160]
	ldp	x22, x23, [\base, #176]
	ldp	x24, x25, [\base, #192]
	ldp	x26, x27, [\base, #208]
	ldp	x28, x29, [\base, #224]
.endm

/* Back to what the frame at [sp] says, but for the stack pointer; sp ends above the frame. */
.macro restore_registers
	restore_state sp
	ldr	x30, [sp, #240]
	add	sp, sp, #FRAME_BYTES
.endm

/* ERET, and no speculation past it with what the registers then hold. */
.macro leave
	eret
	dsb	nsh
	isb
.endm

/* An entry for an exception from a task, or of a kind that EL0 cannot cause. */
.macro vector_outer offset
	.p2align 7
	sub	sp, sp, #FRAME_BYTES
	stp	x0, x1, [sp, #0]
	mov	x0, #\offset
	b	exception_outer
.endm

/* An entry for a fault inside a handler. The stack cannot be trusted yet, so x0 is kept in
 * TPIDRRO_EL0, which EL0 can read and so must find 0 again, and x1 in the struct of this CPU. */
.macro vector_inner offset
	.p2align 7
	msr	tpidrro_el0, x0
	mrs	x0, tpidr_el1
	str	x1, [x0, #CPU_SCRATCH]
	mov	x0, #\offset
	b	exception_inner
.endm

/* What vector_inner kept, to the frame at [sp]. */
.macro inner_registers
	mrs	x2, tpidrro_el0
	mrs	x3, tpidr_el1
	ldr	x3, [x3, #CPU_SCRATCH]
	stp	x2, x3, [sp, #0]
	msr	tpidrro_el0, xzr
.endm

/* An entry for a synchronous exception from EL0. The interrupt stack is empty. */
.macro vector_user
	.p2align 7
	stp	x0, x1, [sp, #-16]!
	b	user_exception
.endm

	.section .text.vectors, "ax"
	.p2align 11
	.globl	arm64_vectors
	.hidden	arm64_vectors
arm64_vectors:
	vector_outer 0x000
	.p2align 7
	sub	sp, sp, #FRAME_BYTES
	b	interrupt
	vector_outer 0x100
	vector_outer 0x180
	vector_inner 0x200
	vector_inner 0x280
	vector_inner 0x300
	vector_inner 0x380
	vector_user
	.p2align 7
	sub	sp, sp, #FRAME_BYTES
	b	user_interrupt
	vector_outer 0x500
	vector_outer 0x580
	vector_outer 0x600
	vector_outer 0x680
	vector_outer 0x700
	vector_outer 0x780
	.p2align 7

/* x0 = vector; x0 and x1 of the interrupted code are in the frame already. */
exception_outer:
	save_registers
	mrs	x1, sp_el0
	save_state
	mov	x1, x0
	mov	x0, sp
	bl	arm64_exception
	restore_registers		/* back from an exception that was taken on purpose */
	eret

/* x0 = vector; where x0 and x1 of the interrupted handler are: vector_inner. */
exception_inner:
	mrs	x1, tpidr_el1
	ldr	x1, [x1, #CPU_IRQ_STACK_TOP]
	sub	x1, sp, x1
	neg	x1, x1			/* bytes of the interrupt stack in use */
	cmp	x1, #(ARM64_STACK_BYTES - 4096)
	b.hi	interrupt_stack_overflow
	sub	sp, sp, #FRAME_BYTES
	save_registers
	inner_registers
	add	x1, sp, #FRAME_BYTES
	save_state
	mov	x1, x0
	mov	x0, sp
	bl	arm64_exception
	restore_registers
	eret

/* No way back from here; SP_EL0, the task's, is given up to keep the stack pointer. */
interrupt_stack_overflow:
	mov	x1, sp
	msr	sp_el0, x1
	mrs	x1, tpidr_el1
	ldr	x1, [x1, #CPU_IRQ_STACK_TOP]
	sub	sp, x1, #FRAME_BYTES
	save_registers
	inner_registers
	mrs	x1, sp_el0
	save_state
	mov	x1, x0
	mov	x0, sp
	b	arm64_overflow

/* An interrupt in a task. */
interrupt:
	stp	x0, x1, [sp, #0]
	save_registers
	mrs	x1, sp_el0
	save_state
	mov	x0, sp
	bl	arm64_irq
	tbnz	w0, #0, preempt
	restore_registers
	eret

/* Move the frame to the task's stack and give the CPU away there. */
preempt:
	ldr	x0, [sp, #FRAME_SP]
	sub	x0, x0, #FRAME_BYTES
	mov	x1, sp
	add	x2, x0, #FRAME_BYTES
1:	ldp	x3, x4, [x1], #16
	stp	x3, x4, [x0], #16
	cmp	x0, x2
	b.lo	1b
	add	sp, sp, #FRAME_BYTES	/* the interrupt stack is empty again */
	msr	spsel, #0
	sub	sp, x0, #FRAME_BYTES
	bl	arm64_preempt		/* x29 still is the task's: backtraces go on there */
	restore_registers		/* perhaps on another CPU */
	eret

/* ---- EL0 --------------------------------------------------------------------- */

/* x0 and x1 are on the interrupt stack. */
user_exception:
	mrs	x0, tpidr_el1
	ldr	x0, [x0, #CPU_USER_STACK_TOP]
	sub	x0, x0, #FRAME_BYTES
	save_registers x0
	mrs	x1, sp_el0
	save_state x1, x0
	ldp	x2, x3, [sp], #16
	stp	x2, x3, [x0, #0]
	msr	spsel, #0
	mov	sp, x0
	mov	x29, xzr		/* backtraces end here */
	mov	x30, xzr
	bl	arm64_user_exception

/* Masked; sp = the frame at the top of the kernel stack. Whatever is above it goes with it. */
user_return:
	mov	x30, sp
	msr	spsel, #1
	ldr	x0, [x30, #FRAME_SP]
	msr	sp_el0, x0
	restore_state x30
	ldr	x30, [x30, #240]
	leave

user_interrupt:
	stp	x0, x1, [sp, #0]
	save_registers
	mrs	x1, sp_el0
	save_state
	mov	x0, sp
	mov	x29, xzr		/* the program's is not to be followed */
	mov	x30, xzr
	bl	arm64_user_irq
	tbnz	w0, #0, user_moves
	restore_registers
	leave

/* Move the frame to the kernel stack; give the CPU away there, and do what is to be done. */
user_moves:
	mrs	x0, tpidr_el1
	ldr	x0, [x0, #CPU_USER_STACK_TOP]
	sub	x0, x0, #FRAME_BYTES
	mov	x1, sp
	mov	x5, x0
	add	x2, x0, #FRAME_BYTES
1:	ldp	x3, x4, [x1], #16
	stp	x3, x4, [x0], #16
	cmp	x0, x2
	b.lo	1b
	add	sp, sp, #FRAME_BYTES	/* the interrupt stack is empty again */
	msr	spsel, #0
	mov	sp, x5
	mov	x29, xzr
	mov	x30, xzr
	bl	arm64_preempt
	bl	arm64_user_work		/* perhaps on another CPU */
	b	user_return

/* void arm64_user_start(uint64_t entry, uint64_t sp, uint64_t arg): nothing of the kernel's is in
 * the registers that the program begins with. Masked. */
function arm64_user_start
	msr	spsel, #1
	msr	elr_el1, x0
	msr	spsr_el1, xzr		/* EL0, AArch64, everything open */
	msr	sp_el0, x1
	mov	x0, x2
	mov	x1, xzr
	mov	x2, xzr
	mov	x3, xzr
	mov	x4, xzr
	mov	x5, xzr
	mov	x6, xzr
	mov	x7, xzr
	mov	x8, xzr
	mov	x9, xzr
	mov	x10, xzr
	mov	x11, xzr
	mov	x12, xzr
	mov	x13, xzr
	mov	x14, xzr
	mov	x15, xzr
	mov	x16, xzr
	mov	x17, xzr
	mov	x18, xzr
	mov	x19, xzr
	mov	x20, xzr
	mov	x21, xzr
	mov	x22, xzr
	mov	x23, xzr
	mov	x24, xzr
	mov	x25, xzr
	mov	x26, xzr
	mov	x27, xzr
	mov	x28, xzr
	mov	x29, xzr
	mov	x30, xzr
	leave
end_function arm64_user_start
