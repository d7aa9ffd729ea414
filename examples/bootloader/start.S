/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the first instruction at EL1 or EL2 to C with the MMU on, and from C to the kernel.
 *
 * QEMU loads this as an arm64 Image: x0 is the device tree, MMU and caches are off, the other cores
 * wait in PSCI, and stay there: the kernel starts them. The MMU is needed: with it off all memory
 * is Device, where neither the allocator's exclusive accesses nor libfdt's unaligned ones may be.
 *
 *   1. Clean and invalidate the image in the caches: a loader may have left lines of it, which
 *      would be written over what is stored past the caches now.
 *   2. Clear BSS, and let mmu_build() make the tables.
 *   3. Invalidate again: lines fetched meanwhile by speculation are from before step 2.
 *   4. MMU on; boot_main() ends in boot_leave(), or with the power off.
 *
 * boot_leave() goes back to how a kernel wants to be entered: MMU and data cache off, interrupts
 * masked, x0 to x3 as told. What it shall see was cleaned to memory before (main.c); from the moment
 * that the data cache is off nothing may be loaded that is in it alone, so the registers come first.
 */
#include "head.h"

	image_head boot_begin

boot_begin:
	msr	daifset, #0xf
	mov	x20, x0
	check_place
	adr	x1, not_this_level
	mrs	x21, CurrentEL
	lsr	x21, x21, #2		/* 1 or 2, kept for mmu_on */
	cmp	x21, #3
	b.eq	complain

	enter_c boot_main

/* By the tables of mmu_build(); an identity map, so we just go on. x21: the level. */
mmu_on:
	ldr	x0, =vectors
	ldr	x1, =0x04ff		/* attribute 0: Normal, write-back; 1: Device-nGnRE */
	ldr	x2, =mmu_root
	mrs	x4, id_aa64mmfr0_el1
	ubfx	x4, x4, #0, #3		/* as many bits of output as the core has */
	cmp	x21, #2
	b.eq	1f
	msr	vbar_el1, x0
	msr	mair_el1, x1
	msr	ttbr0_el1, x2
	/* 39 bits (T0SZ 25), 4 KiB, walks through the caches, inner shareable; none by TTBR1. */
	ldr	x0, =0x993519
	bfi	x0, x4, #32, #3
	msr	tcr_el1, x0
	mov	x0, #(3 << 20)
	msr	cpacr_el1, x0		/* libfdt, as Debian has it, uses vector registers */
	isb				/* all of them are in force before the TLB is emptied and used */
	tlbi	vmalle1
	ldr	x0, =0x30d8180d		/* RES1 bits; WXN, I, SA, C, M */
	b	2f
1:	msr	vbar_el2, x0
	msr	mair_el2, x1
	msr	ttbr0_el2, x2
	ldr	x0, =0x80803519		/* the same; 31 and 23 are RES1 */
	bfi	x0, x4, #16, #3
	msr	tcr_el2, x0
	/* Before anything depends on it: RW, and E2H clear, which reset does not promise. */
	mov	x0, #(1 << 31)
	msr	hcr_el2, x0
	isb				/* E2H is clear before CPTR_EL2 is written in that form */
	mov	x0, #0x33ff
	msr	cptr_el2, x0
	isb				/* as above */
	tlbi	alle2
	ldr	x0, =0x30cd183d		/* RES1 bits; WXN, I, SA, C, M */
2:	ic	iallu
	dsb	nsh			/* done on this core before it translates */
	isb
	cmp	x21, #2
	b.eq	3f
	msr	sctlr_el1, x0
	b	4f
3:	msr	sctlr_el2, x0
4:	isb				/* what follows is fetched through the tables */
	ret

/* void boot_leave(uint64_t kernel, const uint64_t x[4]) */
	.globl	boot_leave
boot_leave:
	mov	x8, x0
	ldp	x4, x5, [x1]
	ldp	x6, x7, [x1, #16]
	mov	x10, #5			/* SCTLR: M and C */
	mrs	x9, CurrentEL
	cmp	x9, #8
	b.eq	1f
	mrs	x9, sctlr_el1
	bic	x9, x9, x10
	msr	sctlr_el1, x9
	isb				/* from here on past the tables and the data cache */
	tlbi	vmalle1
	b	2f
1:	mrs	x9, sctlr_el2
	bic	x9, x9, x10
	msr	sctlr_el2, x9
	isb				/* as above */
	tlbi	alle2
2:	ic	iallu			/* what was fetched where the kernel lies now */
	dsb	nsh			/* both are done before the kernel's first fetch */
	isb
	mov	x0, x4
	mov	x1, x5
	mov	x2, x6
	mov	x3, x7
	br	x8

/* A fault is a line and the power off, from wherever it came. */
	.text
	.balign	2048
vectors:
	.rept	16
	.balign	128
	b	fault
	.endr
	.balign	128
fault:
	ldr	x3, =boot_stack_end	/* the stack may be what is wrong */
	mov	sp, x3
	mrs	x3, CurrentEL
	cmp	x3, #8
	b.eq	1f
	mrs	x0, esr_el1
	mrs	x1, elr_el1
	mrs	x2, far_el1
	b	boot_crash
1:	mrs	x0, esr_el2
	mrs	x1, elr_el2
	mrs	x2, far_el2
	b	boot_crash

not_this_level:
	.asciz	"bootloader: entered at EL3: start QEMU without secure=on\n"
not_here:
	.asciz	"bootloader: not loaded at the address that it is linked for, 0x40200000\n"
	.balign	8
	.ltorg

	.bss
	.balign 16
	.skip	0x8000
boot_stack_end:
