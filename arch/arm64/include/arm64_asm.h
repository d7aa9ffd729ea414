/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small macros for assembly files.
 */
#ifndef ARM64_ASM_H
#define ARM64_ASM_H

.macro function name
	.globl	\name
	.hidden	\name
	.type	\name, %function
	.p2align 4
\name:
.endm

.macro end_function name
	.size	\name, . - \name
.endm

/* Address of a symbol of the image, relative to where this code runs: physical before
 * the MMU is on, virtual after. */
.macro address reg, symbol
	adrp	\reg, \symbol
	add	\reg, \reg, :lo12:\symbol
.endm

/* Any 64-bit constant. */
.macro constant reg, value
	movz	\reg, #((\value) & 0xffff)
	movk	\reg, #(((\value) >> 16) & 0xffff), lsl #16
	movk	\reg, #(((\value) >> 32) & 0xffff), lsl #32
	movk	\reg, #(((\value) >> 48) & 0xffff), lsl #48
.endm

#endif
