/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One program in the image, and its entry in the table (struct user_program). Assembled once for
 * each, with PROGRAM_NAME and PROGRAM_FILE.
 */
	.section .rodata.programs, "a"
	.p2align 4
1:	.incbin	PROGRAM_FILE
2:
3:	.asciz	PROGRAM_NAME

	.section programs, "aw"
	.p2align 3
	.quad	3b, 1b, 2b
