/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System registers, barriers and the few bits of them that the port uses. Names and
 * numbers are those of the Arm Architecture Reference Manual for A-profile.
 */
#ifndef ARM64_SYSREG_H
#define ARM64_SYSREG_H

/* SCTLR_EL1 */
#define SCTLR_M (1 << 0)     /* MMU on */
#define SCTLR_A (1 << 1)     /* unaligned accesses fault */
#define SCTLR_C (1 << 2)     /* data accesses cacheable */
#define SCTLR_SA (1 << 3)    /* SP must be 16-byte aligned at EL1 */
#define SCTLR_SA0 (1 << 4)   /* and at EL0 */
#define SCTLR_I (1 << 12)    /* instruction fetches cacheable */
#define SCTLR_WXN (1 << 19)  /* writable implies never executable */
#define SCTLR_SPAN (1 << 23) /* leave PAN alone on exceptions; RES1 without FEAT_PAN */
/* Bits 11, 20, 22, 28, 29: RES1 in Armv8.0; later features give them a meaning, and 1
 * keeps the old behaviour. Bits 7, 8 (ITD, SED): RES1 on cores without 32-bit EL0; elsewhere they
 * forbid two of its instructions, and we run nothing there. */
#define SCTLR_RES1 0x30500980
#define SCTLR_OFF (SCTLR_RES1 | SCTLR_SPAN)
#define SCTLR_ON                                                                                   \
	(SCTLR_RES1 | SCTLR_SPAN | SCTLR_M | SCTLR_A | SCTLR_C | SCTLR_SA | SCTLR_SA0 | SCTLR_I |  \
	 SCTLR_WXN)

/* SCTLR_EL2 and SCTLR_EL3 with everything off: their RES1 bits 4, 5, 11, 16, 18, 22, 23, 28, 29. */
#define SCTLR_EL2_OFF 0x30c50830

/* MAIR_EL1: attribute index 0 Device-nGnRE, 1 Normal write-back. */
#define MAIR_VALUE 0xff04

/* TCR_EL1: 48-bit addresses in both halves, 4 KiB pages, table walks inner shareable and
 * write-back. The physical size (IPS) is added at boot. */
#define TCR_T0SZ 16
#define TCR_T1SZ (16 << 16)
#define TCR_WALK0 ((1 << 8) | (1 << 10) | (3 << 12))
#define TCR_WALK1 ((1 << 24) | (1 << 26) | (3 << 28))
#define TCR_TG1_4K (2 << 30)
#define TCR_VALUE (TCR_T0SZ | TCR_T1SZ | TCR_WALK0 | TCR_WALK1 | TCR_TG1_4K)
#define TCR_IPS_SHIFT 32
#define PARANGE_48 5
/* Set at boot on cores that have them: ASIDs of 16 bits; the access flag by hardware; EL0 may not
 * even ask the tables for addresses of the upper half. */
#define TCR_AS_SHIFT 36
#define TCR_AS (1ull << TCR_AS_SHIFT)
#define TCR_HA_SHIFT 39
#define TCR_E0PD1_SHIFT 56

#define HCR_E2H_SHIFT 34 /* HCR_EL2.E2H: EL2 has the registers of EL1 */

/* SPSR for ERET to EL1h with all interrupts masked. */
#define SPSR_EL1H_MASKED 0x3c5

#ifndef __ASSEMBLER__

#include <stdint.h>

#define sysreg_read(name)                                                                          \
	({                                                                                         \
		uint64_t value_;                                                                   \
		__asm__ volatile("mrs %0, " #name : "=r"(value_));                                 \
		value_;                                                                            \
	})
#define sysreg_write(name, value)                                                                  \
	__asm__ volatile("msr " #name ", %0" : : "r"((uint64_t)(value)) : "memory")

static inline void arm64_isb(void) { __asm__ volatile("isb" : : : "memory"); }
static inline void arm64_dsb_ish(void) { __asm__ volatile("dsb ish" : : : "memory"); }
static inline void arm64_dsb_ishst(void) { __asm__ volatile("dsb ishst" : : : "memory"); }
static inline void arm64_dsb_sy(void) { __asm__ volatile("dsb sy" : : : "memory"); }
static inline void arm64_wfi(void) { __asm__ volatile("wfi" : : : "memory"); }

#endif
#endif
