/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A loader that behaves worse than the boot protocol allows, for entry.t.
 *
 * QEMU starts this as the kernel, with the device tree in x0 and the real image
 * already at IMAGE. It copies the tree to TREE_AT, if that is not defined to the base of RAM,
 * where QEMU leaves it for guests that get none in x0, then enters the image with x0 = HINT, if
 * that is defined, and with the MMU and caches on, if MMU_ON is. With EL1_MMU_ON the MMU of EL1
 * is on, without tables, while this runs at EL2.
 */
#include "loader.h"

#define TREE_BYTES 0x100000
#ifndef TREE_AT
#define TREE_AT RAM_BASE
#endif
#define TCR_EL1_VALUE 0x200803519	/* 39-bit, cacheable walks, no TTBR1, 40-bit physical */

	.text
_start:
	image_head
	mov	x19, x0
	ldr	x1, =TREE_AT
	add	x2, x1, #TREE_BYTES
2:	ldp	x3, x4, [x0], #16
	stp	x3, x4, [x1], #16
	cmp	x1, x2
	b.lo	2b
	dsb	sy
#ifdef MMU_ON
	map_gibs
	mov	x1, #MAIR
	mrs	x2, currentel
	cmp	x2, #8
	b.eq	4f
	msr	mair_el1, x1
	ldr	x1, =TCR_EL1_VALUE
	msr	tcr_el1, x1
	msr	ttbr0_el1, x0
	isb
	mrs	x1, sctlr_el1
	ldr	x2, =SCTLR_MCI
	orr	x1, x1, x2
	msr	sctlr_el1, x1
	b	5f
4:	msr	mair_el2, x1
	ldr	x1, =TCR_EL2_VALUE
	msr	tcr_el2, x1
	msr	ttbr0_el2, x0
	isb
	mrs	x1, sctlr_el2
	ldr	x2, =SCTLR_MCI
	orr	x1, x1, x2
	msr	sctlr_el2, x1
5:	isb
	/* Lines of the image that are newer than memory. */
	ldr	x0, =IMAGE
	add	x1, x0, #0x100000
6:	ldp	x2, x3, [x0]
	stp	x2, x3, [x0], #16
	cmp	x0, x1
	b.lo	6b
#endif
#ifdef EL1_MMU_ON
	/* At EL2: what somebody left in the registers of EL1. */
	mrs	x1, sctlr_el1
	ldr	x2, =SCTLR_MCI
	orr	x1, x1, x2
	msr	sctlr_el1, x1
#endif
	mov	x0, x19
#ifdef HINT
	ldr	x0, =HINT
#endif
	ldr	x1, =IMAGE
	br	x1
