/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x1: a line of text for the PL011 of the virt board; then the core stops. Needs no stack, and works
 * wherever the image lies, as long as it lies in one piece: nothing here goes by an address that
 * was known to the linker.
 */
	.globl	complain
complain:
	mov	x2, #0x09000000
1:	ldrb	w0, [x1], #1
	cbz	w0, 2f
	str	w0, [x2]
	b	1b
2:	wfi
	b	2b
