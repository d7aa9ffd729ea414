/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first instructions of build/flash.img, at address 0 of QEMU's `virt` board.
 *
 * The core comes out of reset here: MMU and caches off, interrupts masked, flash can be read and
 * not written, RAM holds nothing but the device tree that QEMU puts at its start. Nothing is on
 * the stack that C needs before `sp` is set, and no register holds anything.
 *
 *   1. Vectors: an access that nobody answers is told, instead of going on at 0x200 or so.
 *   2. Cores other than the first one wait (with secure=on QEMU releases all of them, at EL3) until
 *      the image is in RAM, and enter it too: it knows what to do with them.
 *   3. flash_main() (flash.c) checks the image behind us, copies it to RAM, and says where.
 *   4. The image is entered as the arm64 boot protocol says, x0 = device tree, x1 to x3 = 0.
 *
 * All of it runs at whatever exception level the board starts at; nothing is changed but VBAR.
 */
#include "arch/arm64/flash/flash.h"

	.section .text.start, "ax"
	.globl	_start
_start:
	msr	daifset, #0xf
	adr	x0, vectors
	mrs	x1, currentel
	lsr	x1, x1, #2
	cmp	x1, #2
	b.hi	3f
	b.eq	2f
	msr	vbar_el1, x0
	b	4f
2:	msr	vbar_el2, x0
	b	4f
3:	msr	vbar_el3, x0
4:	isb
	msr	spsel, #1
	mrs	x0, mpidr_el1
	ldr	x1, =0xff00ffffff
	tst	x0, x1
	b.ne	other_core
	ldr	x0, =FLASH_IMAGE
	mov	sp, x0			/* below where the image goes */
	mov	x29, xzr
	mov	x30, xzr
	bl	flash_main
enter:	ldr	x4, =FLASH_IMAGE
	mov	x1, xzr
	mov	x2, xzr
	mov	x3, xzr
	dsb	sy			/* the copy is in memory before it is fetched */
	ic	iallu
	dsb	nsh
	isb
	br	x4

/* At EL3 only: below it nobody has started us. */
other_core:
	mrs	x0, currentel
	cmp	x0, #(3 << 2)
	b.ne	flash_stop
	ldr	x1, =(FLASH_GPIO + FLASH_GPIO_DIR)
1:	wfe
	ldr	w0, [x1]
	tbz	w0, #FLASH_GPIO_GO, 1b
	mov	x0, xzr
	b	enter

/* An exception: what it was, then the same end as for everything else. */
fault:
	mrs	x2, currentel
	lsr	x2, x2, #2
	cmp	x2, #2
	b.hi	3f
	b.eq	2f
	mrs	x0, esr_el1
	mrs	x1, far_el1
	b	flash_fault
2:	mrs	x0, esr_el2
	mrs	x1, far_el2
	b	flash_fault
3:	mrs	x0, esr_el3
	mrs	x1, far_el3
	b	flash_fault

	.globl	flash_stop
flash_stop:
	wfi
	b	flash_stop

	/* Sixteen entries of 128 bytes; all mean the same here. */
	.p2align 11
vectors:
	.rept	16
	b	fault
	.p2align 7
	.endr
