/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What may run at EL3 before the image, for el3.t: it is QEMU's kernel, as an ELF file, so all cores
 * come here at once. Each clears CNTFRQ_EL0, as reset may leave it, or turns the MMU and the
 * caches on, and enters the image, which lies at IMAGE already.
 *
 * CNTFRQ	what goes into CNTFRQ_EL0
 * MMU_ON	MMU and caches on, everything at its own address, on the boot core with the image's
 *		lines dirty: it copies the image onto itself
 */
#include "loader.h"

	.text
	.globl	_start
_start:
#ifdef CNTFRQ
	ldr	x0, =CNTFRQ
	msr	cntfrq_el0, x0
#endif
#ifdef MMU_ON
	mrs	x0, mpidr_el1
	tst	x0, #0xffffff
	b.ne	2f
	map_gibs
	mov	x1, #MAIR
	msr	mair_el3, x1
	ldr	x1, =TCR_EL2_VALUE
	msr	tcr_el3, x1
	msr	ttbr0_el3, x0
	tlbi	alle3
	dsb	sy
	isb
	mrs	x1, sctlr_el3
	ldr	x2, =SCTLR_MCI
	orr	x1, x1, x2
	msr	sctlr_el3, x1
	isb
	ldr	x0, =IMAGE
	ldr	x1, =(IMAGE + IMAGE_BYTES)
3:	ldp	x2, x3, [x0]
	stp	x2, x3, [x0], #16
	cmp	x0, x1
	b.lo	3b
#endif
2:	mov	x0, xzr
	ldr	x1, =IMAGE
	br	x1
