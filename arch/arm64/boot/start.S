/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the first instruction to C with the MMU on.
 *
 * The image is entered as the arm64 boot protocol says: x0 = physical address of
 * the device tree (or nothing useful), at EL1, EL2 or EL3, interrupts masked, at any
 * 2 MiB-aligned address. The protocol also wants the MMU off and the image
 * cleaned to memory; loaders are known to forget either, so neither is relied upon.
 *
 *   1. Clean and invalidate the image in the data caches, then turn the MMU off. From
 *      here on memory is accessed past the caches (Device-nGnRnE): only aligned
 *      accesses, no exclusives.
 *   2. At EL3: set up the non-secure world and go there (el3.S). At EL2: give EL1 all it needs
 *      and drop there.
 *   3. Clear BSS; arm64_early() relocates the image, patches the atomics, and builds the
 *      page tables.
 *   4. Invalidate the image in the data caches again, because lines that were
 *      fetched speculatively meanwhile hold what was there before step 3.
 *   5. Turn the MMU on through an identity map of one page, jump to the upper half,
 *      take the identity map away.
 *
 * A secondary core, started by PSCI or from the pen (el3.S) with x0 = physical address of
 * its struct arm64_cpu, does 2 and 5 only. It reads no memory before its MMU is on, so nothing
 * needs to be cleaned for it.
 *
 * Entry at EL3 is no part of the protocol, and reset may send all cores here at once. There the
 * core whose affinity is 0 boots, and the others go to the pen.
 */
#include "arm64_asm.h"
#include "arm64_cpu.h"
#include "arm64_memory.h"
#include "arm64_sysreg.h"
#include "lib/mpidr.h"

/* The last bytes of the file (kernel.ld): "ZONALEND", the first letter lowest. */
#define IMAGE_MARK 0x444e454c414e4f5a

	.section .head, "ax"
	.globl	_start
	.hidden	_start
_start:
	/*
	 * Header of an arm64 Linux Image, and of a PE file for UEFI (efi.S). The first word is an
	 * instruction whose lower half is "MZ", as a PE file begins; x13 holds nothing.
	 */
	add	x13, x18, #0x16
	b	boot_entry
	.quad	0			/* text_offset: none, any 2 MiB boundary */
	.quad	_end - . + 16		/* bytes of memory needed, with BSS */
	.quad	0xa			/* little-endian, 4 KiB pages, anywhere in memory */
	.quad	0
	.quad	0
	.quad	0
	.ascii	"ARM\x64"
	.long	64			/* where the PE header is, which follows */

/* ---- step 1: the boot core --------------------------------------------------- */

	.section .text.boot, "ax"
function boot_entry
	mov	x21, x0			/* the device tree, perhaps */
	msr	daifset, #0xf
	adr	x0, _start
	tst	x0, #0xfff
	b.ne	image_off_a_page
	bl	early_vectors_set
	mrs	x0, currentel
	cmp	x0, #(3 << 2)
	cset	x22, eq			/* no firmware but us */
	b.ne	1f
	mrs	x0, mpidr_el1
	constant x1, MPIDR_AFFINITY
	tst	x0, x1
	b.ne	other_core
1:	address	x0, _start
	address	x1, _end
	bl	cache_clean_invalidate
	bl	mmu_off
	address	x0, __image_mark	/* asked of memory: all of it has just left the caches */
	ldr	x0, [x0]
	constant x1, IMAGE_MARK
	cmp	x0, x1
	b.ne	image_is_cut
	bl	drop_to_el1
	bl	early_vectors_set

	/* BSS: 16 bytes at a time, both ends are page-aligned. */
	address	x0, __bss_start
	address	x1, __bss_end
1:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b

	address	x0, arm64_from_el3
	str	x22, [x0]
	address	x0, arm64_boot_stack_end
	mov	sp, x0
	mov	x29, xzr
	mov	x30, xzr
	bl	arm64_early

	address	x0, _start
	address	x1, _end
	bl	cache_invalidate

	address	x0, arm64_cpus
	orr	x20, x0, #ARM64_LINEAR_OFFSET
	constant x19, ARM64_LINEAR_OFFSET
	address	x0, boot_high
	orr	x0, x0, x19
	b	mmu_on

other_core:
	bl	mmu_off
	bl	leave_el3
	b	arm64_pen
end_function boot_entry

/* In the upper half: x20 = this core's struct arm64_cpu, x21 = device tree. */
function boot_high
	bl	enter_tasks_world
	mov	x0, x21
	bl	arm64_boot
	b	.			/* arm64_boot() does not return */
end_function boot_high

/* ---- secondary cores --------------------------------------------------------- */

function arm64_secondary_entry
	orr	x20, x0, #ARM64_LINEAR_OFFSET
	msr	daifset, #0xf
	bl	mmu_off
	bl	drop_to_el1
	address	x0, secondary_high
	orr	x0, x0, #ARM64_LINEAR_OFFSET
	b	mmu_on
end_function arm64_secondary_entry

function secondary_high
	bl	enter_tasks_world
	bl	arm64_secondary
	b	.			/* arm64_secondary() does not return */
end_function secondary_high

/*
 * Take the identity map away, set vectors and stacks. x20 = struct arm64_cpu.
 */
function enter_tasks_world
	address	x0, arm64_null_table
	and	x0, x0, #~ARM64_LINEAR_OFFSET
	msr	ttbr0_el1, x0
	isb				/* the new TTBR0 must be in place before the old */
	tlbi	vmalle1			/* translations are dropped, or they could come back */
	dsb	nsh
	isb
	address	x0, arm64_vectors
	msr	vbar_el1, x0
	msr	tpidr_el1, x20
	ldr	x0, [x20, #CPU_IRQ_STACK_TOP]
	msr	spsel, #1
	mov	sp, x0			/* handlers: SP_EL1 */
	ldr	x0, [x20, #CPU_TASK_STACK_TOP]
	msr	spsel, #0
	mov	sp, x0			/* tasks: SP_EL0 */
	mov	x29, xzr		/* backtraces end here */
	isb				/* VBAR_EL1 before the first exception */
	msr	daifclr, #4		/* report SErrors from now on */
	ret
end_function enter_tasks_world

/* ---- steps 1 and 4: caches --------------------------------------------------- */

/* x2 = data cache line size, x0 rounded down to it. */
.macro cache_line
	mrs	x3, ctr_el0
	ubfx	x3, x3, #16, #4
	mov	x2, #4
	lsl	x2, x2, x3
	sub	x3, x2, #1
	bic	x0, x0, x3
.endm

/* [x0, x1) to the point of coherency, and out of all caches. */
function cache_clean_invalidate
	cache_line
1:	dc	civac, x0
	add	x0, x0, x2
	cmp	x0, x1
	b.lo	1b
	dsb	sy			/* complete before anything reads past the caches */
	ret
end_function cache_clean_invalidate

/* Drop what caches hold of [x0, x1); whole pages that belong to the image. */
function cache_invalidate
	dmb	sy			/* stores past the caches are not ordered with DC otherwise */
	cache_line
1:	dc	ivac, x0
	add	x0, x0, x2
	cmp	x0, x1
	b.lo	1b
	dsb	sy
	ret
end_function cache_invalidate

/* ---- steps 1 and 2: exception levels ----------------------------------------- */

/*
 * MMU and caches off at the exception level we are on. Instructions come from where the
 * program counter points: a loader that had the MMU on had this memory mapped at its
 * physical address.
 */
function mmu_off
	mrs	x0, currentel
	constant x1, SCTLR_EL2_OFF	/* that of EL3 has the same RES1 bits */
	cmp	x0, #(2 << 2)
	b.lo	1f
	b.hi	2f
	msr	sctlr_el2, x1
	b	3f
1:	constant x1, SCTLR_OFF
	msr	sctlr_el1, x1
	b	3f
2:	msr	sctlr_el3, x1
3:	isb				/* the change applies to what follows */
	ret
end_function mmu_off

/*
 * To EL1 with interrupts masked; returns there. Does nothing at EL1. Every EL2 control
 * that could trap EL1 or change what it sees is written, as their reset values are unknown.
 *
 * Some cores have no way to clear HCR_EL2.E2H (ID_AA64MMFR4_EL1.E2H0 is negative; the first of
 * them do not say so, hence it is read back). With it, CNTHCTL_EL2 and CPTR_EL2 have the
 * layout of the EL1 registers, and names of EL1 registers mean those of EL2.
 */
function drop_to_el1
	mrs	x0, currentel
	cmp	x0, #(2 << 2)
	b.eq	1f
	b.hi	drop_from_el3
	ret
drop_from_el3:
	mov	x18, x30
	bl	leave_el3
	mov	x30, x18
	b	drop_to_el1

1:	constant x1, ((1 << 31) | (3 << 40))	/* RW: EL1 is AArch64; API, APK: no PAuth traps */
	mrs	x2, s3_0_c0_c7_4	/* ID_AA64MMFR4_EL1 */
	ubfx	x2, x2, #27, #1		/* the sign of E2H0 */
	orr	x1, x1, x2, lsl #HCR_E2H_SHIFT
	msr	hcr_el2, x1
	isb				/* E2H is off before the registers it renames, or stays */
	mrs	x9, hcr_el2
	ubfx	x9, x9, #HCR_E2H_SHIFT, #1
	mov	x1, #3			/* EL1 may use both counters and the physical timer */
	mov	x2, #0x33ff		/* RES1 bits; no floating-point trap to EL2 */
	cbz	x9, 2f
	mov	x1, #(3 << 10)		/* the same two, and FPEN */
	mov	x2, #(3 << 20)
2:	msr	cnthctl_el2, x1
	msr	cptr_el2, x2
	msr	cntvoff_el2, xzr	/* virtual time is physical time */
	msr	hstr_el2, xzr
	msr	vttbr_el2, xzr
	mrs	x1, midr_el1
	msr	vpidr_el2, x1
	mrs	x1, mpidr_el1
	msr	vmpidr_el2, x1

	mrs	x1, id_aa64dfr0_el1	/* debug and counters belong to EL1 */
	ubfx	x1, x1, #8, #4
	sub	x2, x1, #1		/* PMUVer 0 (none) and 15 (not ours) have no MDCR.HPMN */
	mov	x3, xzr
	cmp	x2, #14
	b.hs	3f
	mrs	x3, pmcr_el0
	ubfx	x3, x3, #11, #5
3:	msr	mdcr_el2, x3

	mrs	x1, id_aa64mmfr0_el1	/* fine-grained traps, if there are any: none set */
	ubfx	x1, x1, #56, #4
	cbz	x1, 4f
	msr	s3_4_c1_c1_4, xzr	/* HFGRTR_EL2 */
	msr	s3_4_c1_c1_5, xzr	/* HFGWTR_EL2 */
	msr	s3_4_c1_c1_6, xzr	/* HFGITR_EL2 */
	msr	s3_4_c3_c1_4, xzr	/* HDFGRTR_EL2 */
	msr	s3_4_c3_c1_5, xzr	/* HDFGWTR_EL2 */
4:	mrs	x1, id_aa64mmfr1_el1
	ubfx	x1, x1, #40, #4
	cbz	x1, 5f
	msr	s3_4_c1_c2_2, xzr	/* HCRX_EL2 */

5:	mrs	x1, id_aa64pfr0_el1	/* GIC system registers for EL1 */
	ubfx	x1, x1, #24, #4
	cbz	x1, 6f
	mrs	x1, s3_4_c12_c9_5	/* ICC_SRE_EL2 */
	orr	x1, x1, #1		/* SRE: system registers on */
	orr	x1, x1, #8		/* Enable: EL1 may use ICC_SRE_EL1 */
	msr	s3_4_c12_c9_5, x1
	isb
	mrs	x1, s3_4_c12_c9_5
	tbz	x1, #0, 6f		/* EL3 or the GIC keeps them off */
	msr	s3_4_c12_c11_0, xzr	/* ICH_HCR_EL2: no virtual interrupts */

6:	constant x1, SCTLR_OFF
	cbz	x9, 7f
	msr	s3_5_c1_c0_0, x1	/* SCTLR_EL12 */
	b	8f
7:	msr	sctlr_el1, x1
8:	mov	x1, #SPSR_EL1H_MASKED
	msr	spsr_el2, x1
	msr	elr_el2, x30
	eret
end_function drop_to_el1

/* ---- step 5: the identity-mapped page ---------------------------------------- */

	.section .idmap.text, "ax"
	.p2align 12
	.globl	__idmap_start
	.hidden	__idmap_start
__idmap_start:
/*
 * Turn the MMU on and go to x0, an upper-half address. Keeps x19 and above.
 */
function mmu_on
	constant x1, MAIR_VALUE
	msr	mair_el1, x1
	constant x1, TCR_VALUE
	mrs	x2, id_aa64mmfr0_el1
	and	x2, x2, #0xf
	mov	x3, #PARANGE_48		/* 52-bit addresses need larger pages or LPA2 */
	cmp	x2, x3
	csel	x2, x2, x3, lo
	orr	x1, x1, x2, lsl #TCR_IPS_SHIFT
	mrs	x2, id_aa64mmfr0_el1
	ubfx	x2, x2, #5, #1		/* ASIDBits is 0 or 2 */
	orr	x1, x1, x2, lsl #TCR_AS_SHIFT
	mrs	x2, id_aa64mmfr1_el1
	tst	x2, #0xf		/* HAFDBS */
	cset	x2, ne
	orr	x1, x1, x2, lsl #TCR_HA_SHIFT
	mrs	x2, id_aa64mmfr2_el1
	lsr	x2, x2, #60		/* E0PD is 0 or 1 */
	orr	x1, x1, x2, lsl #TCR_E0PD1_SHIFT
	msr	tcr_el1, x1
	address	x1, arm64_idmap_table
	msr	ttbr0_el1, x1
	address	x1, arm64_root_table
	msr	ttbr1_el1, x1
	msr	cpacr_el1, xzr		/* no floating point: its use is reported, not ignored */
	msr	contextidr_el1, xzr
	mov	x1, #(1 << 12)		/* no user access to debug; MDSCR_EL1.TDCC */
	msr	mdscr_el1, x1
	isb				/* registers above before the TLB is emptied */
	tlbi	vmalle1			/* whatever a loader's MMU left */
	ic	iallu			/* instructions were relocated and patched in memory */
	dsb	nsh
	isb
	constant x1, SCTLR_ON
	msr	sctlr_el1, x1
	isb				/* fetch the next instruction through the MMU */
	br	x0
end_function mmu_on
	.globl	__idmap_end
	.hidden	__idmap_end
__idmap_end:

/* ---- stacks of the boot core ------------------------------------------------- */

/*
 * The guards are never mapped. They are as large as a stack, because a compiler may lay out a
 * frame, or several as one, that is larger than a page.
 */
	.section .bss.pages, "aw", %nobits
	.p2align 12
	.globl	arm64_boot_guard
	.hidden	arm64_boot_guard
arm64_boot_guard:
	.skip	ARM64_STACK_BYTES
	.skip	ARM64_STACK_BYTES
	.globl	arm64_boot_stack_end
	.hidden	arm64_boot_stack_end
arm64_boot_stack_end:
	.globl	arm64_boot_irq_guard
	.hidden	arm64_boot_irq_guard
arm64_boot_irq_guard:
	.skip	ARM64_STACK_BYTES
	.skip	ARM64_STACK_BYTES
	.globl	arm64_boot_irq_stack_end
	.hidden	arm64_boot_irq_stack_end
arm64_boot_irq_stack_end:
