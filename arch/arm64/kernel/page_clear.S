/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * void arm64_clear_pages(void *va, size_t count): clear whole pages.
 *
 * DC ZVA clears a block (64 bytes on most cores) without reading it from memory first.
 * DCZID_EL0 gives its size as a power of two of words, and whether it may be used; where
 * not, 16-byte stores do. Only for Normal memory with the MMU on, as the linear map is.
 */
#include "arm64_asm.h"

	.text
function arm64_clear_pages
	cbz	x1, 3f
	add	x1, x0, x1, lsl #12
	mrs	x2, dczid_el0
	tbnz	x2, #4, 2f		/* DZP: prohibited */
	and	x2, x2, #0xf
	mov	x3, #4
	lsl	x3, x3, x2		/* at most 2 KiB: a page is a whole number of blocks */
	cmp	x3, #512
	b.hi	1f
4:	.rept	8			/* eight at a time, where they divide a page */
	dc	zva, x0
	add	x0, x0, x3
	.endr
	cmp	x0, x1
	b.lo	4b
	ret
1:	dc	zva, x0
	add	x0, x0, x3
	cmp	x0, x1
	b.lo	1b
	ret
2:	stp	xzr, xzr, [x0]
	stp	xzr, xzr, [x0, #16]
	stp	xzr, xzr, [x0, #32]
	stp	xzr, xzr, [x0, #48]
	add	x0, x0, #64
	cmp	x0, x1
	b.lo	2b
3:	ret
end_function arm64_clear_pages
