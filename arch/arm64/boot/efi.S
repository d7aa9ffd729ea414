/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The image as a program of UEFI: its PE header, and the way from firmware to boot_entry.
 *
 * Reference: "Microsoft PE and COFF Specification"; UEFI 2.9, 2.3.6 (AArch64 platforms). The file is
 * what it is in memory up to BSS, so each section's place in the file is its address. Nothing is
 * relocated by firmware: the entry code and the C stub behind it (board/efi_boot.c) run at any
 * page, and what they enter is a copy of the image, which relocates itself.
 *
 * Firmware enters with the MMU and caches on, all memory mapped at its own address, x0 = handle of
 * this image, x1 = system table, at EL1 or EL2, on a stack of its own of 128 KiB.
 *
 * The way down, once efi_boot() has left boot services. Instructions are fetched past the data
 * cache when the MMU is off, so before that the copy, and the code that turns it off, are cleaned to
 * the point of coherency; then the MMU goes off, the instruction cache is emptied, and the copy is
 * entered as the arm64 boot protocol says. What the caches hold of the copy's BSS boot_entry drops.
 */
#include "arm64_asm.h"

#define PE_AT 64
#define PAGE 4096

/* Offsets into struct efi_image (board/efi.h), checked by efi_boot.c: start and bytes of the file,
 * bytes of memory and where the handover is, entry and device tree. */
#define IMAGE_START 0
#define IMAGE_FILE_BYTES 8
#define IMAGE_MEMORY_BYTES 16
#define IMAGE_ENTRY 32
#define IMAGE_STRUCT 48

/* A symbol's offset in the image, less `minus`. */
.macro offset symbol, minus=0
	.long	\symbol - . + (. - pe_start) + PE_AT - \minus
.endm

	.section .head.pe, "a"
pe_start:
	.ascii	"PE\0\0"
	.short	0xaa64			/* machine: ARM64 */
	.short	2			/* sections */
	.long	0, 0, 0			/* no time, no symbols */
	.short	pe_sections - pe_optional
	.short	0x0206			/* executable, no line numbers, no debug information */
pe_optional:
	.short	0x020b			/* PE32+ */
	.short	0
	offset	_end_text, PAGE		/* bytes of code */
	.long	0, 0			/* of data: said by the sections */
	offset	efi_entry
	.long	PAGE			/* where code begins */
	.quad	0			/* wanted address: none */
	.long	PAGE			/* alignment in memory */
	.long	512			/* and in the file */
	.short	0, 0, 0, 0, 0, 0	/* versions */
	.long	0
	offset	__bss_start		/* bytes in memory: BSS is the copy's alone */
	.long	PAGE			/* of headers */
	.long	0			/* checksum: for drivers of Windows */
	.short	10			/* subsystem: EFI application */
	.short	0x0100			/* data is never executed */
	.quad	0, 0, 0, 0		/* stacks and heaps are firmware's business */
	.long	0
	.long	6			/* directories, all empty: no relocations among them */
	.quad	0, 0, 0, 0, 0, 0
pe_sections:
	.ascii	".text\0\0\0"
	offset	_end_text, PAGE
	.long	PAGE
	offset	_end_text, PAGE
	.long	PAGE
	.long	0, 0, 0
	.long	0x60000020		/* code: read, execute */

	.ascii	".data\0\0\0"
	offset	__pe_data_bytes		/* as an offset, see kernel.ld */
	offset	_end_text
	offset	__pe_data_bytes		/* as an offset, see kernel.ld */
	offset	_end_text
	.long	0, 0, 0
	.long	0xc0000040		/* data: read, write */

	.skip	PAGE - PE_AT - (. - pe_start)

/* ---- from firmware to boot_entry ------------------------------------------------ */

	.section .text.boot, "ax"
function efi_entry
	stp	x29, x30, [sp, #-32]!
	stp	x19, x20, [sp, #16]
	mov	x29, sp
	sub	sp, sp, #IMAGE_STRUCT
	address	x2, _start
	address	x3, __bss_start
	address	x4, _end
	address	x5, boot_handover
	sub	x3, x3, x2
	sub	x4, x4, x2
	sub	x5, x5, x2
	stp	x2, x3, [sp, #IMAGE_START]
	stp	x4, x5, [sp, #IMAGE_MEMORY_BYTES]
	stp	xzr, xzr, [sp, #IMAGE_ENTRY]
	mov	x2, sp
	bl	efi_boot
	ldp	x19, x20, [sp, #IMAGE_ENTRY]
	cbnz	x0, 1f

	msr	daifset, #0xf
	ldr	x1, [sp, #IMAGE_FILE_BYTES]
	mov	x0, x19
	add	x1, x0, x1
	bl	cache_clean_invalidate		/* the copy */
	address	x0, _start
	address	x1, _end_text
	bl	cache_clean_invalidate		/* what runs until it is entered */
	bl	mmu_off
	ic	iallu
	dsb	nsh
	isb
	mov	x0, x20
	mov	x1, xzr
	mov	x2, xzr
	mov	x3, xzr
	br	x19

1:	add	sp, sp, #IMAGE_STRUCT		/* firmware goes on, with the code in x0 */
	ldp	x19, x20, [sp, #16]
	ldp	x29, x30, [sp], #32
	ret
end_function efi_entry
