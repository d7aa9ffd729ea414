/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes wrong before there is a console, a device tree or a stack: an image that was loaded
 * where it cannot run. A debugger or an emulator is the only one who can be told then, by
 * semihosting; without one HLT traps, and the core sleeps.
 *
 * Three things can be noticed. An image that does not begin on a page: nothing of it is where the
 * code looks for it, so no more than this is done at all. One that was cut: it has a mark at its
 * end. And an exception while it is being made ready: the end of RAM before that of BSS,
 * mostly. After that MMU and vectors are set.
 *
 * Whether somebody was told is kept in TPIDR_EL0, since the stack and BSS may be what is missing.
 */
#include "arm64_asm.h"

#define SYS_WRITE0 0x04
#define SYS_EXIT_EXTENDED 0x20
#define ADP_STOPPED_APPLICATION_EXIT 0x20026
#define STATUS_PANIC 2

	.section .text.boot, "ax"
/* The vectors of every level that the boot core passes through are these. Keeps all but x0. */
function early_vectors_set
	msr	tpidr_el0, xzr
	mrs	x0, currentel
	cmp	x0, #(2 << 2)
	address	x0, early_vectors
	b.hi	1f
	b.lo	2f
	msr	vbar_el2, x0
	b	3f
1:	msr	vbar_el3, x0
	b	3f
2:	msr	vbar_el1, x0
3:	isb
	ret
end_function early_vectors_set

/* No address but that of what lies near: the image is not on a page. */
function image_off_a_page
	msr	tpidr_el0, xzr
	adr	x1, page_text
	b	tell
end_function image_off_a_page

/* The file's last bytes are not there: a loader without a checksum has read a part of it. */
function image_is_cut
	adr	x1, cut_text
	b	tell
end_function image_is_cut

function early_fault
	adr	x1, fault_text
tell:	mrs	x2, tpidr_el0
	cbnz	x2, 1f
	mov	x2, #1
	msr	tpidr_el0, x2
	mov	w0, #SYS_WRITE0
	hlt	#0xf000
	mov	w0, #SYS_EXIT_EXTENDED
	adr	x1, exit_block
	hlt	#0xf000
1:	wfi
	b	1b
end_function early_fault

	.p2align 3
exit_block:
	.quad	ADP_STOPPED_APPLICATION_EXIT, STATUS_PANIC
page_text:
	.asciz	"Bail out! boot: the image must be loaded to an address on 4 KiB\n"
cut_text:
	.asciz	"Bail out! boot: the image is cut: the mark at its end is not there\n"
fault_text:
	.ascii	"Bail out! boot: an exception before there is a console: "
	.asciz	"is there RAM for all that the image's header says it needs?\n"

	.section .text.vectors, "ax"
	.p2align 11
early_vectors:
	.rept	16
	.p2align 7
	b	early_fault
	.endr
	.p2align 7
