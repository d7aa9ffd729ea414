/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accesses that may fault, for arm64_probe_*(). Each takes an address in x0 and
 * returns 1 if the access worked. If it faults, arm64_exception() makes it return 0 from
 * probe_failed, with the stack pointer that it had at the start in x19, where the
 * callers keep it for that purpose.
 */
#include "arm64_asm.h"

	.text
/* x19 and x30 are kept on the stack; probe_failed finds them through x19. */
.macro probe_begin
	stp	x19, x30, [sp, #-16]!
	mov	x19, sp
.endm

.macro probe_end
	mov	x0, #1
	b	probe_return
.endm

function probe_failed
	mov	x0, #0
probe_return:
	mov	sp, x19
	ldp	x19, x30, [sp], #16
	ret
end_function probe_failed

function probe_load
	probe_begin
	ldr	w1, [x0]
	probe_end
end_function probe_load

function probe_load8
	probe_begin
	ldrb	w1, [x0]
	probe_end
end_function probe_load8

function probe_load16
	probe_begin
	ldrh	w1, [x0]
	probe_end
end_function probe_load16

function probe_store
	probe_begin
	str	wzr, [x0]
	probe_end
end_function probe_store

function probe_call
	probe_begin
	blr	x0
	probe_end
end_function probe_call

function probe_push
	probe_begin
	mov	sp, x0
	stp	x29, x30, [sp, #-16]!
	probe_end
end_function probe_push

function probe_udf
	probe_begin
	udf	#0
	probe_end
end_function probe_udf

function probe_brk
	probe_begin
	brk	#1
	probe_end
end_function probe_brk

function probe_svc
	probe_begin
	svc	#0
	probe_end
end_function probe_svc

function probe_fp
	probe_begin
	.inst	0x9e6703e0		/* fmov d0, xzr: unknown to an assembler without FP */
	probe_end
end_function probe_fp

/* x0 = operation, x1 = parameter, x2 = where the answer goes. */
function probe_semihosting
	probe_begin
	hlt	#0xf000
	str	x0, [x2]
	probe_end
end_function probe_semihosting
