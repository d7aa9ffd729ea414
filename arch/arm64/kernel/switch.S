/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch from one task to another.
 *
 *	void arm64_switch(struct sched_context *from, struct sched_context *to)
 *
 * Called masked, with SPSel = 0: `sp` is SP_EL0, the task's stack. Registers x19 to
 * x30 and sp are what the procedure call standard makes a callee keep; the
 * caller has saved the rest. PSTATE needs nothing: every task comes here masked and
 * restores its own DAIF afterwards. No barrier is needed either: the task that comes is
 * told about by the run queue's lock, and this CPU sees its own stores in order.
 *
 * A new task begins at arm64_task_start, with x19 = the function to call. x29 = 0 ends
 * backtraces there.
 */
#include "arm64_asm.h"
#include "port_sched.h"

	.text
function arm64_switch
	mov	x9, sp
	stp	x19, x20, [x0, #CONTEXT_X19]
	stp	x21, x22, [x0, #CONTEXT_X19 + 16]
	stp	x23, x24, [x0, #CONTEXT_X19 + 32]
	stp	x25, x26, [x0, #CONTEXT_X19 + 48]
	stp	x27, x28, [x0, #CONTEXT_X19 + 64]
	stp	x29, x30, [x0, #CONTEXT_X29]
	str	x9, [x0, #CONTEXT_SP]

	ldp	x19, x20, [x1, #CONTEXT_X19]
	ldp	x21, x22, [x1, #CONTEXT_X19 + 16]
	ldp	x23, x24, [x1, #CONTEXT_X19 + 32]
	ldp	x25, x26, [x1, #CONTEXT_X19 + 48]
	ldp	x27, x28, [x1, #CONTEXT_X19 + 64]
	ldp	x29, x30, [x1, #CONTEXT_X29]
	ldr	x9, [x1, #CONTEXT_SP]
	mov	sp, x9
	ret
end_function arm64_switch

function arm64_task_start
	blr	x19
	b	.			/* sched_task_entry() does not return */
end_function arm64_task_start
