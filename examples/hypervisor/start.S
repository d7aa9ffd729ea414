/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the first instruction at EL2 to C with the MMU on.
 *
 * QEMU loads this as an arm64 Image: x0 is the device tree, MMU and caches are off, the other cores
 * wait in PSCI. Whatever is wrong that early (not EL2, or not at the address it was linked for) is
 * said on the PL011 of the virt board, and the core stops.
 *
 *   1. Clean and invalidate the image in the caches: a loader may have left lines of it, which
 *      would be written over what is stored past the caches now.
 *   2. Clear BSS, and let mmu_build() make the tables of EL2.
 *   3. Invalidate again: lines fetched meanwhile by speculation are from before step 2.
 *   4. MMU on; hv_main() does not return.
 *
 * A secondary core comes from CPU_ON with x0 = its struct hv_cpu, and does 4 alone. It touches no
 * memory before: with its caches off it would not see what core 0 has in its own.
 */
#define HV_CPU_STACK 24			/* of struct hv_cpu, as cpu.c asserts */

#include "head.h"

	image_head boot

boot:
	msr	daifset, #0xf
	mov	x20, x0
	adr	x1, not_el2
	mrs	x0, CurrentEL
	cmp	x0, #8
	b.ne	complain
	check_place
	enter_c hv_main

	.globl	hv_secondary
hv_secondary:
	msr	daifset, #0xf
	mov	x20, x0
	bl	mmu_on
	ldr	x1, [x20, #HV_CPU_STACK]
	mov	sp, x1
	mov	x29, xzr
	mov	x0, x20
	bl	hv_secondary_main
	b	.

/* MMU and caches on by the tables of mmu_build(); an identity map, so we just go on. */
mmu_on:
	ldr	x0, =hv_vectors
	msr	vbar_el2, x0
	ldr	x0, =0x04ff		/* attribute 0: Normal, write-back; 1: Device-nGnRE */
	msr	mair_el2, x0
	/* 39 bits (T0SZ 25), 4 KiB, walks through the caches, inner shareable; 31 and 23 are RES1;
	 * as many bits of output as the core has. */
	ldr	x0, =0x80803519
	mrs	x1, id_aa64mmfr0_el1
	ubfx	x1, x1, #0, #3
	bfi	x0, x1, #16, #3
	msr	tcr_el2, x0
	ldr	x0, =mmu_root
	msr	ttbr0_el2, x0
	/* HCR_EL2 before anything depends on it: RW, and E2H clear, which reset does not promise. */
	mov	x0, #(1 << 31)
	msr	hcr_el2, x0
	isb				/* all of them are in force before the TLB is emptied and used */
	tlbi	alle2
	ic	iallu
	dsb	nsh			/* done on this core before it translates */
	isb
	ldr	x0, =0x30cd183d		/* RES1 bits; WXN, I, SA, C, M */
	msr	sctlr_el2, x0
	isb				/* what follows is fetched through the tables */
	ret

not_el2:
	.asciz	"hypervisor: not entered at EL2: start QEMU with -M virt,virtualization=on\n"
not_here:
	.asciz	"hypervisor: not loaded at the address that it is linked for, 0x40200000\n"
	.balign	8
	.ltorg

	.bss
	.balign 16
	.skip	0x8000
boot_stack_end:
