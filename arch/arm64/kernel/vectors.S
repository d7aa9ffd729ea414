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
 */
#include "arm64_asm.h"
#include "arm64_cpu.h"
#include "arm64_exception.h"
#include "arm64_memory.h"

/* x2 to x29 of the interrupted code to its frame. */
.macro save_registers
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
.endm

/* The rest of the frame; x1 = interrupted stack pointer. */
.macro save_state
	stp	x30, x1, [sp, #240]
	mrs	x2, elr_el1
	mrs	x3, spsr_el1
	stp	x2, x3, [sp, #FRAME_ELR]
	mrs	x2, esr_el1
	mrs	x3, far_el1
	stp	x2, x3, [sp, #FRAME_ESR]
.endm

/* Back to what the frame at [sp] says, but for the stack pointer; sp ends above the frame. */
.macro restore_registers
	ldp	x2, x3, [sp, #FRAME_ELR]
	msr	elr_el1, x2
	msr	spsr_el1, x3
	ldp	x0, x1, [sp, #0]
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x19, [sp, #144]
	ldp	x20, x21, [sp, #160]
	ldp	x22, x23, [sp, #176]
	ldp	x24, x25, [sp, #192]
	ldp	x26, x27, [sp, #208]
	ldp	x28, x29, [sp, #224]
	ldr	x30, [sp, #240]
	add	sp, sp, #FRAME_BYTES
.endm

/* An entry for an exception from a task, or from EL0, where nothing runs. */
.macro vector_outer offset
	.p2align 7
	sub	sp, sp, #FRAME_BYTES
	stp	x0, x1, [sp, #0]
	mov	x0, #\offset
	b	exception_outer
.endm

/* An entry for a fault inside a handler. The stack cannot be trusted yet, so x0 and x1 are
 * kept where EL0, which we do not use, has its thread pointers. */
.macro vector_inner offset
	.p2align 7
	msr	tpidr_el0, x0
	msr	tpidrro_el0, x1
	mov	x0, #\offset
	b	exception_inner
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
	vector_outer 0x400
	vector_outer 0x480
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

/* x0 = vector; x0 and x1 of the interrupted handler are in TPIDR_EL0 and TPIDRRO_EL0. */
exception_inner:
	mrs	x1, tpidr_el1
	ldr	x1, [x1, #CPU_IRQ_STACK_TOP]
	sub	x1, sp, x1
	neg	x1, x1			/* bytes of the interrupt stack in use */
	cmp	x1, #(ARM64_STACK_BYTES - 4096)
	b.hi	interrupt_stack_overflow
	sub	sp, sp, #FRAME_BYTES
	save_registers
	mrs	x2, tpidr_el0
	mrs	x3, tpidrro_el0
	stp	x2, x3, [sp, #0]
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
	mrs	x2, tpidr_el0
	mrs	x3, tpidrro_el0
	stp	x2, x3, [sp, #0]
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
