/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Read-modify-write atomics, out of line, by the names and the calling convention
 * that gcc and clang use with -moutline-atomics.
 *
 *	ldadd, ldclr, ldeor, ldset, swp: x0 = operand, x1 = address; the old value in x0
 *	cas: x0 = expected, x1 = new, x2 = address; the old value in x0
 *
 * As linked, each helper is a load-exclusive/store-exclusive loop, which every Armv8 core has.
 * Beside each the section lse_patches has the single instruction of Armv8.1 (LSE) that does the
 * same; on a CPU with LSE, arm64_early() writes that and a RET over the start of the helper
 * before the MMU is on. A call then costs three instructions and no branch on a flag, and
 * lines that many cores want are not torn between them.
 *
 * The helpers use x15-x17 only, which a call may change anyway.
 */
#include "arm64_asm.h"

	.arch	armv8-a+lse

/* Beside helper \name: the instruction that follows this macro. */
.macro patch name
	.pushsection lse_patches, "a"
	.p2align 2
	.long	\name - .
.endm

/*
 * \r: register letter (w or x), \suffix: b, h or none, \bytes: operand size.
 * \a, \l: "a" for acquire on the load, "l" for release on the store.
 */
.macro modify op, instruction, bytes, r, suffix, order, a, l
function __aarch64_\op\bytes\()_\order
1:	ld\a\()xr\suffix	\r\()16, [x1]
	\instruction	\r\()17, \r\()16, \r\()0
	st\l\()xr\suffix	w15, \r\()17, [x1]
	cbnz	w15, 1b
	mov	\r\()0, \r\()16
	ret
end_function __aarch64_\op\bytes\()_\order
	patch	__aarch64_\op\bytes\()_\order
	\op\a\l\suffix	\r\()0, \r\()0, [x1]
	.popsection
.endm

.macro swap bytes, r, suffix, order, a, l
function __aarch64_swp\bytes\()_\order
1:	ld\a\()xr\suffix	\r\()16, [x1]
	st\l\()xr\suffix	w15, \r\()0, [x1]
	cbnz	w15, 1b
	mov	\r\()0, \r\()16
	ret
end_function __aarch64_swp\bytes\()_\order
	patch	__aarch64_swp\bytes\()_\order
	swp\a\l\suffix	\r\()0, \r\()0, [x1]
	.popsection
.endm

/* \narrow: how the expected value is cut to the operand's size. */
.macro compare bytes, r, suffix, order, a, l, narrow
function __aarch64_cas\bytes\()_\order
	\narrow	\r\()17, \r\()0
1:	ld\a\()xr\suffix	\r\()16, [x2]
	cmp	\r\()16, \r\()17
	b.ne	2f
	st\l\()xr\suffix	w15, \r\()1, [x2]
	cbnz	w15, 1b
2:	mov	\r\()0, \r\()16
	ret
end_function __aarch64_cas\bytes\()_\order
	patch	__aarch64_cas\bytes\()_\order
	cas\a\l\suffix	\r\()0, \r\()1, [x2]
	.popsection
.endm

.macro all_operations bytes, r, suffix, narrow, order, a, l
	modify	ldadd, add, \bytes, \r, \suffix, \order, \a, \l
	modify	ldclr, bic, \bytes, \r, \suffix, \order, \a, \l
	modify	ldeor, eor, \bytes, \r, \suffix, \order, \a, \l
	modify	ldset, orr, \bytes, \r, \suffix, \order, \a, \l
	swap	\bytes, \r, \suffix, \order, \a, \l
	compare	\bytes, \r, \suffix, \order, \a, \l, \narrow
.endm

.macro all_sizes order, a, l
	all_operations	1, w, b, uxtb, \order, \a, \l
	all_operations	2, w, h, uxth, \order, \a, \l
	all_operations	4, w, , mov, \order, \a, \l
	all_operations	8, x, , mov, \order, \a, \l
.endm

	.text
	all_sizes relax, ,
	all_sizes acq, a,
	all_sizes rel, , l
	all_sizes acq_rel, a, l
