/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies from and to the addresses of the program that runs.
 *
 *	size_t user_port_copy_in(void *to, uint64_t from, size_t bytes)
 *	size_t user_port_copy_out(uint64_t to, const void *from, size_t bytes)
 *
 * LDTR and STTR access memory as EL0 would, whatever PAN says: what the program itself may not
 * read or write faults here too, kernel addresses among it. arm64_exception() sends such a fault to
 * arm64_copy_failed, and the bytes left are the answer. x2 counts down behind each store, so it is
 * right at any instruction that can fault. Alignment is checked (SCTLR_EL1.A): words are moved
 * only if both sides are aligned.
 */
#include "arm64_asm.h"

	.text
	.globl	arm64_copy_begin
	.hidden	arm64_copy_begin
arm64_copy_begin:

function user_port_copy_in
	orr	x3, x0, x1
	tst	x3, #7
	b.ne	2f
1:	cmp	x2, #8
	b.lo	2f
	ldtr	x4, [x1]
	str	x4, [x0], #8
	add	x1, x1, #8
	sub	x2, x2, #8
	b	1b
2:	cbz	x2, 3f
	ldtrb	w4, [x1]
	strb	w4, [x0], #1
	add	x1, x1, #1
	sub	x2, x2, #1
	b	2b
3:	mov	x0, #0
	ret
end_function user_port_copy_in

function user_port_copy_out
	orr	x3, x0, x1
	tst	x3, #7
	b.ne	2f
1:	cmp	x2, #8
	b.lo	2f
	ldr	x4, [x1], #8
	sttr	x4, [x0]
	add	x0, x0, #8
	sub	x2, x2, #8
	b	1b
2:	cbz	x2, 3f
	ldrb	w4, [x1], #1
	sttrb	w4, [x0]
	add	x0, x0, #1
	sub	x2, x2, #1
	b	2b
3:	mov	x0, #0
	ret
end_function user_port_copy_out

	.globl	arm64_copy_end
	.hidden	arm64_copy_end
arm64_copy_end:

function arm64_copy_failed
	mov	x0, x2
	ret
end_function arm64_copy_failed
