/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Floating point registers of tasks at EL0; the kernel has none of its own.
 *
 *	void arm64_fp_save(struct user_port *port)
 *	void arm64_fp_load(struct user_port *port)
 *
 * CPACR_EL1 must let EL1 use them. Context: masked.
 */
#include "arm64_asm.h"
#include "port_user.h"

	.arch	armv8-a+fp+simd

.macro fp_pairs operation
	\operation	q0, q1, [x1, #0]
	\operation	q2, q3, [x1, #32]
	\operation	q4, q5, [x1, #64]
	\operation	q6, q7, [x1, #96]
	\operation	q8, q9, [x1, #128]
	\operation	q10, q11, [x1, #160]
	\operation	q12, q13, [x1, #192]
	\operation	q14, q15, [x1, #224]
	\operation	q16, q17, [x1, #256]
	\operation	q18, q19, [x1, #288]
	\operation	q20, q21, [x1, #320]
	\operation	q22, q23, [x1, #352]
	\operation	q24, q25, [x1, #384]
	\operation	q26, q27, [x1, #416]
	\operation	q28, q29, [x1, #448]
	\operation	q30, q31, [x1, #480]
.endm

	.text
function arm64_fp_save
	add	x1, x0, #USER_VECTOR
	fp_pairs stp
	mrs	x2, fpcr
	mrs	x3, fpsr
	stp	x2, x3, [x0, #USER_FPCR]
	ret
end_function arm64_fp_save

function arm64_fp_load
	add	x1, x0, #USER_VECTOR
	fp_pairs ldp
	ldp	x2, x3, [x0, #USER_FPCR]
	msr	fpcr, x2
	msr	fpsr, x3
	ret
end_function arm64_fp_load
