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
#define TABLE 0x40180000
#define BLOCK_DEVICE 0x401
#define BLOCK_NORMAL 0x705
#define MAIR 0xff00
#define TCR_EL3_VALUE 0x80823519	/* 39-bit, cacheable walks, 40-bit physical */
#define SCTLR_MCI 0x1005

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
	ldr	x0, =TABLE
	mov	x1, #512
	mov	x2, x0
1:	str	xzr, [x2], #8
	subs	x1, x1, #1
	b.ne	1b
	mov	x1, #BLOCK_DEVICE
	str	x1, [x0]
	ldr	x1, =(0x40000000 + BLOCK_NORMAL)
	str	x1, [x0, #8]
	dsb	sy
	mov	x1, #MAIR
	msr	mair_el3, x1
	ldr	x1, =TCR_EL3_VALUE
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
