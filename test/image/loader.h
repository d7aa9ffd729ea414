/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the loaders of test/image have in common, as macros of the assembler.
 *
 *	image_head	the header of an arm64 Image; what follows is run
 *	map_gibs	x0: a table at TABLE of blocks of 1 GiB at their own addresses: devices
 *			below RAM, and RAM. Changes x1 and x2
 */
#ifndef TEST_IMAGE_LOADER_H
#define TEST_IMAGE_LOADER_H

#define RAM_BASE 0x40000000
#define TABLE 0x40180000
#define BLOCK_DEVICE 0x401		/* access flag, attribute 0, block */
#define BLOCK_NORMAL 0x705		/* the same, inner shareable, attribute 1 */
#define MAIR 0xff00
#define TCR_EL2_VALUE 0x80823519	/* 39-bit, cacheable walks, 40-bit; EL3's too */
#define SCTLR_MCI 0x1005

.macro	image_head
	b	1f
	.long	0
	.quad	0
	.quad	0x10000
	.quad	0xa
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0
1:
.endm

.macro	map_gibs
	ldr	x0, =TABLE
	mov	x1, #512
	mov	x2, x0
1:	str	xzr, [x2], #8
	subs	x1, x1, #1
	b.ne	1b
	mov	x1, #BLOCK_DEVICE
	str	x1, [x0]
	ldr	x1, =(RAM_BASE + BLOCK_NORMAL)
	str	x1, [x0, #8]
	dsb	sy
.endm

#endif
