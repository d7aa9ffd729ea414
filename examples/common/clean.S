/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clean and invalidate every line of the image, to the point of coherency. The smallest line of
 * all caches is in CTR_EL0.DminLine, as the logarithm of a number of words.
 * Changes x0 to x3; needs no stack.
 */
	.globl	clean_image
clean_image:
	mrs	x3, ctr_el0
	ubfx	x3, x3, #16, #4
	mov	x2, #4
	lsl	x2, x2, x3
	ldr	x0, =image_start
	ldr	x1, =image_end
1:	dc	civac, x0
	add	x0, x0, x2
	cmp	x0, x1
	b.lo	1b
	dsb	sy			/* it is done before anybody goes on past the caches */
	ret
