/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Into a guest and out of it.
 *
 * hv_enter(regs) is a call that returns when the guest leaves: with 0 for something that it did
 * (ESR_EL2 says what), 1 for an interrupt, 2 for an SError. It keeps the registers that a C function
 * keeps, and `regs`, on the stack of EL2; the vector finds them there, as nobody else uses that
 * stack meanwhile. The guest's EL1 and vector registers stay in the core, which is its alone.
 *
 * EL2 itself runs with interrupts masked and does nothing that faults: what comes from there is a
 * fault of this program, and hv_crash() says where.
 */
	.macro	entry target, reason
	.balign	0x80
	.if	\reason >= 0
	stp	x0, x1, [sp, #-16]!
	mov	x1, #\reason
	.else
	mrs	x0, esr_el2
	mrs	x1, elr_el2
	mrs	x2, far_el2
	.endif
	b	\target
	.endm

	.text
	.balign	0x800
	.globl	hv_vectors
hv_vectors:
	.rept	8			/* from EL2, with either stack */
	entry	hv_crash, -1
	.endr
	entry	leave, 0		/* from a guest in AArch64: synchronous, IRQ, FIQ, SError */
	entry	leave, 1
	entry	leave, 1
	entry	leave, 2
	.rept	4			/* in AArch32, which EL1 cannot be; EL0 can */
	entry	leave, 2
	.endr

	.globl	hv_enter
hv_enter:
	stp	x19, x20, [sp, #-112]!
	stp	x21, x22, [sp, #16]
	stp	x23, x24, [sp, #32]
	stp	x25, x26, [sp, #48]
	stp	x27, x28, [sp, #64]
	stp	x29, x30, [sp, #80]
	str	x0, [sp, #96]
	ldp	x1, x2, [x0, #248]
	msr	elr_el2, x1
	msr	spsr_el2, x2
	ldp	x2, x3, [x0, #16]
	ldp	x4, x5, [x0, #32]
	ldp	x6, x7, [x0, #48]
	ldp	x8, x9, [x0, #64]
	ldp	x10, x11, [x0, #80]
	ldp	x12, x13, [x0, #96]
	ldp	x14, x15, [x0, #112]
	ldp	x16, x17, [x0, #128]
	ldp	x18, x19, [x0, #144]
	ldp	x20, x21, [x0, #160]
	ldp	x22, x23, [x0, #176]
	ldp	x24, x25, [x0, #192]
	ldp	x26, x27, [x0, #208]
	ldp	x28, x29, [x0, #224]
	ldr	x30, [x0, #240]
	ldp	x0, x1, [x0]
	eret				/* synchronizes the context: no ISB for what was written */

/* x1: the reason; the guest's x0 and x1 are on the stack, below what hv_enter() left. */
leave:
	ldr	x0, [sp, #16 + 96]
	stp	x2, x3, [x0, #16]
	ldp	x2, x3, [sp], #16
	stp	x2, x3, [x0]
	stp	x4, x5, [x0, #32]
	stp	x6, x7, [x0, #48]
	stp	x8, x9, [x0, #64]
	stp	x10, x11, [x0, #80]
	stp	x12, x13, [x0, #96]
	stp	x14, x15, [x0, #112]
	stp	x16, x17, [x0, #128]
	stp	x18, x19, [x0, #144]
	stp	x20, x21, [x0, #160]
	stp	x22, x23, [x0, #176]
	stp	x24, x25, [x0, #192]
	stp	x26, x27, [x0, #208]
	stp	x28, x29, [x0, #224]
	str	x30, [x0, #240]
	mrs	x2, elr_el2
	mrs	x3, spsr_el2
	stp	x2, x3, [x0, #248]
	mov	x0, x1
	ldp	x21, x22, [sp, #16]
	ldp	x23, x24, [sp, #32]
	ldp	x25, x26, [sp, #48]
	ldp	x27, x28, [sp, #64]
	ldp	x29, x30, [sp, #80]
	ldp	x19, x20, [sp], #112
	ret
