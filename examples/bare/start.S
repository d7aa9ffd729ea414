/* SPDX-License-Identifier: BSD-2-Clause */
/* The first core at EL1, MMU off, a stack, and main(). QEMU loads the ELF file and keeps the others. */
	.section .text.start, "ax"
	.globl _start
_start:
	adrp	x0, stack_top
	add	x0, x0, :lo12:stack_top
	mov	sp, x0
	bl	main
1:	wfi
	b	1b

	.bss
	.balign 16
	.skip 0x8000
stack_top:
