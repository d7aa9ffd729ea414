/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first steps of an example's image, as macros of the assembler.
 *
 *	image_head BEGIN   the header of an arm64 Image at _start, which goes on at BEGIN
 *	check_place        on to `complain` with the line `not_here`, unless the image lies where it
 *	                   was linked for
 *	enter_c MAIN       from caches and MMU off to MAIN(x20) with both on; `mmu_on` is the
 *	                   program's own
 *
 * enter_c cleans and invalidates the image in the caches twice: first since a loader may have left
 * lines of it, which would be written over what is stored past the caches now; then since lines
 * that were fetched by speculation meanwhile are from before BSS and tables were written.
 */
#ifndef EXAMPLES_HEAD_H
#define EXAMPLES_HEAD_H

.macro	image_head begin
	.section .head, "ax"
	.globl	_start
_start:
	b	\begin
	.long	0
	.quad	0			/* text_offset: the first 2 MiB boundary behind the start */
	.quad	image_end - _start
	.quad	0xa			/* little-endian, 4 KiB pages */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0
.endm

.macro	check_place
	adr	x1, not_here
	adr	x0, _start
	ldr	x2, =image_start
	cmp	x0, x2
	b.ne	complain
.endm

.macro	enter_c main
	bl	clean_image
	ldr	x0, =bss_start
	ldr	x1, =bss_end
1:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b
	ldr	x0, =boot_stack_end
	mov	sp, x0
	mov	x29, xzr
	mov	x0, x20
	bl	mmu_build
	bl	clean_image
	bl	mmu_on
	mov	x0, x20
	bl	\main
	b	.
.endm

#endif
