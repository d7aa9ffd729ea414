/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry at EL3: no firmware ran before us, so the image does what firmware would.
 *
 * leave_el3 gives the non-secure world all that it needs and goes there: to EL2 if the core has
 * it, else to EL1. Nobody set any of these registers since reset, and most of them hold
 * anything then, so each control that could trap a lower level is written.
 *
 * What stays behind is small: vectors that serve SMC (arm64_secure.h). Some registers answer the
 * secure world alone, those that give interrupts to the other one among them, and where they
 * are only the device tree knows, which is read long after. So the drivers ask for one access
 * at a time. The vectors use no memory and no stack: EL3 runs with its MMU off, past
 * the caches that EL1 has on.
 *
 * Cores that reset lets go all at once: the one whose affinity is 0 boots, the others come to
 * arm64_pen at the level where they will start, and wait there for a slot that names them
 * (arch/arm64/kernel/pen.c). They read memory past the caches, and write none.
 *
 * Reference: Arm Architecture Reference Manual for A-profile, DDI 0487.
 */
#include "arm64_asm.h"
#include "arm64_secure.h"
#include "arm64_sysreg.h"

/* NS: the levels below are non-secure; bits 4 and 5: RES1; HCE: HVC is there; RW: the level below
 * is AArch64; APK, API: no traps of pointer authentication. Not set: interrupts and aborts
 * come to EL3; SMC is off. */
#define SCR_VALUE ((1 << 0) | (3 << 4) | (1 << 8) | (1 << 10) | (3 << 16))
#define SCR_FGTEN_SHIFT 27
#define SCR_HXEN_SHIFT 38
#define MDCR_EL3_SDD (1 << 16)		/* no debug exceptions of the secure world */
#define HCR_RW (1 << 31)
#define SPSR_EL2H_MASKED 0x3c9
#define ESR_EC_SHIFT 26
#define EC_SMC64 0x17

/* System registers by their encoding: assemblers differ in the names. */
#define ICC_PMR_EL1 s3_0_c4_c6_0
#define ICC_CTLR_EL3 s3_6_c12_c12_4
#define ICC_SRE_EL3 s3_6_c12_c12_5
#define ICC_IGRPEN1_EL3 s3_6_c12_c12_7
#define CPUECTLR_EL1 s3_1_c15_c2_1

	.section .text.boot, "ax"

/*
 * From EL3 to where non-secure software begins, MMU off, interrupts masked; returns there.
 * Keeps x19 and above. The MMU of EL3 is off.
 */
function leave_el3
	/* Cortex-A53, A35, A57, A72, A73 stay out of coherency until SMPEN says otherwise, which
	 * their manuals want before any cache is on. */
	mrs	x0, midr_el1
	ubfx	x1, x0, #24, #8		/* implementer: Arm */
	cmp	x1, #0x41
	b.ne	1f
	ubfx	x1, x0, #4, #12		/* 0xd03, 0xd04, 0xd07, 0xd08, 0xd09 */
	sub	x1, x1, #0xd00
	cmp	x1, #9
	b.hi	1f
	mov	x2, #0x398
	lsr	x2, x2, x1
	tbz	x2, #0, 1f
	mrs	x0, CPUECTLR_EL1
	orr	x0, x0, #(1 << 6)
	msr	CPUECTLR_EL1, x0
	isb

1:	constant x1, SCR_VALUE
	mrs	x2, id_aa64mmfr0_el1	/* FGT: EL2 may use its fine-grained traps */
	ubfx	x2, x2, #56, #4
	cmp	x2, #0
	cset	x2, ne
	orr	x1, x1, x2, lsl #SCR_FGTEN_SHIFT
	mrs	x2, id_aa64mmfr1_el1	/* HCX: and HCRX_EL2 */
	ubfx	x2, x2, #40, #4
	cmp	x2, #0
	cset	x2, ne
	orr	x1, x1, x2, lsl #SCR_HXEN_SHIFT
	msr	scr_el3, x1
	msr	cptr_el3, xzr
	mov	x1, #MDCR_EL3_SDD
	msr	mdcr_el3, x1
	address	x1, el3_vectors
	msr	vbar_el3, x1
	isb				/* from here on we see what the non-secure world will */

	mrs	x1, id_aa64pfr0_el1	/* the GIC by system registers, for all levels */
	ubfx	x1, x1, #24, #4
	cbz	x1, 2f
	mov	x1, #0xf		/* Enable, DIB, DFB, SRE */
	msr	ICC_SRE_EL3, x1
	isb				/* the registers below exist from here on */
	msr	ICC_CTLR_EL3, xzr
	msr	ICC_IGRPEN1_EL3, xzr
	mov	x1, #0xff		/* a mask in the secure half would lock EL1 out */
	msr	ICC_PMR_EL1, x1

2:	mrs	x1, id_aa64pfr0_el1
	ubfx	x1, x1, #8, #4
	cbz	x1, 3f
	constant x1, HCR_RW
	msr	hcr_el2, x1
	isb				/* E2H is off, or fixed, before EL2 is set up */
	constant x1, SCTLR_EL2_OFF
	msr	sctlr_el2, x1
	mov	x1, #SPSR_EL2H_MASKED
	b	4f
3:	constant x1, SCTLR_OFF
	msr	sctlr_el1, x1
	mov	x1, #SPSR_EL1H_MASKED
4:	msr	spsr_el3, x1
	msr	elr_el3, x30
	eret
end_function leave_el3

/*
 * A core that waits until it is wanted, MMU off: a slot with its affinity says with which
 * context it starts. A slot is whole when its context is not 0. SEV follows each new one, and
 * leaves a mark that a core finds if it comes to WFE later, so none is missed.
 */
function arm64_pen
	msr	daifset, #0xf
	bl	mmu_off
	mrs	x3, mpidr_el1
	constant x4, MPIDR_AFFINITY
	and	x3, x3, x4
	address	x5, arm64_pen_count
	b	2f
1:	wfe
2:	ldr	x4, [x5]
	cbz	x4, 1b			/* the boot core has not come so far */
	dmb	ld
	address	x6, arm64_pen_slots
3:	ldr	x0, [x6, #PEN_CONTEXT]
	cbz	x0, 4f
	dmb	ld			/* the affinity was there before the context */
	ldr	x7, [x6, #PEN_MPIDR]
	cmp	x7, x3
	b.eq	arm64_secondary_entry
4:	add	x6, x6, #PEN_BYTES
	subs	x4, x4, #1
	b.ne	3b
	b	1b
end_function arm64_pen

/* ---- what EL3 does from then on --------------------------------------------- */

/*
 * A vector: SMC from below, or a fault of ours.
 * x0 the service (arm64_secure.h), x1 and x2 its arguments; changes x0 to x5.
 */
	.section .text.vectors, "ax"
	.p2align 11
el3_vectors:
	.rept	4			/* on SP_EL0: never */
	.p2align 7
	b	el3_sleep
	.endr
	.p2align 7
	b	el3_fault		/* the access that was asked for found nobody */
	.rept	3
	.p2align 7
	b	el3_sleep
	.endr
	.p2align 7
	b	el3_call		/* from AArch64 below */
	.rept	3
	.p2align 7
	b	el3_sleep
	.endr
	.rept	4			/* from AArch32 below: there is none */
	.p2align 7
	b	el3_sleep
	.endr
	.p2align 7

function el3_call
	mrs	x3, esr_el3
	lsr	x3, x3, #ESR_EC_SHIFT
	cmp	x3, #EC_SMC64
	b.ne	el3_sleep
	mrs	x4, elr_el3		/* a fault of ours overwrites them */
	mrs	x5, spsr_el3
	constant x3, SECURE_WRITE
	cmp	x0, x3
	b.eq	1f
	constant x3, SECURE_READ
	cmp	x0, x3
	b.eq	2f
	constant x3, SECURE_CLOCK
	cmp	x0, x3
	b.eq	3f
	mov	x0, #-1			/* as the SMC calling convention has it */
	eret
1:	str	w2, [x1]
	dsb	sy			/* there, or the fault is, before we say so */
	mov	x0, #0
	eret
2:	ldr	w1, [x1]
	dsb	sy
	mov	x0, #0
	eret
3:	msr	cntfrq_el0, x1
	isb
	mov	x0, #0
	eret
end_function el3_call

function el3_fault
	msr	elr_el3, x4
	msr	spsr_el3, x5
	mov	x0, #SECURE_FAULT
	eret
end_function el3_fault

/* Nothing is routed here; who comes all the same cannot be helped, nor print. */
function el3_sleep
	wfi
	b	el3_sleep
end_function el3_sleep
