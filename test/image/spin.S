/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A loader without PSCI for those behind it, for spin.t: it has the other cores brought up by QEMU's
 * PSCI, holds each at a word of its own, and enters the image at IMAGE with the tree that
 * it got itself. The tree says spin-table and where the words are: WORDS and 8 bytes a core, or
 * the first one for all if ONE_WORD is there.
 */
#include "loader.h"

#define CORES 4
#define CPU_ON 0xc4000003

	.text
_start:
	image_head
	mov	x19, x0
	ldr	x20, =WORDS
	mov	x21, #1
2:	str	xzr, [x20, x21, lsl #3]
	add	x21, x21, #1
	cmp	x21, #CORES
	b.lo	2b
	str	xzr, [x20]
	dsb	sy
	mov	x21, #1
3:	ldr	x0, =CPU_ON
	mov	x1, x21
	adr	x2, pen
	mov	x3, xzr
	mrs	x4, currentel
	cmp	x4, #8
	b.eq	4f
	hvc	#0
	b	5f
4:	smc	#0
5:	cbnz	x0, .
	add	x21, x21, #1
	cmp	x21, #CORES
	b.lo	3b
	mov	x0, x19
	mov	x1, xzr
	mov	x2, xzr
	mov	x3, xzr
	ldr	x4, =IMAGE
	br	x4

pen:	mrs	x0, mpidr_el1
	and	x0, x0, #0xff
#ifdef ONE_WORD
	mov	x0, xzr
#endif
	ldr	x1, =WORDS
	add	x1, x1, x0, lsl #3
6:	wfe
	ldr	x2, [x1]
	cbz	x2, 6b
	mov	x0, xzr
	mov	x1, xzr
	mov	x3, xzr
	br	x2
