/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a core has that a guest may only use if EL2 lets it.
 *
 * A guest sees the identification registers as they are, and its kernel uses what it finds there.
 * So each extension whose first use would trap is opened here: SVE and SME with their whole
 * vectors (CPTR_EL2, ZCR_EL2, SMCR_EL2), pointer authentication (HCR_EL2). Their registers need no
 * switching: a guest has its core alone, and EL2 is compiled without vectors. What is not known
 * here traps, and ends the guest with the syndrome.
 *
 * Registers that the assembler may not know by name go by their numbers. Called on the guest's core
 * before it is entered.
 */
#include "hv.h"
#include "guest.h"

#define CPTR_RES1 0x33ffu
#define CPTR_SVE (1u << 8)   /* RES1 where there is none: traps */
#define CPTR_SME (1u << 12)
#define LENGTH_MOST 0xfu     /* longer ones than the core has are the longest that it has */
#define SMCR_FA64 (1ull << 31)
#define HCR_POINTER_KEYS (3ull << 40) /* API, APK */

static unsigned field(uint64_t value, unsigned shift)
{
	return (unsigned)(value >> shift) & 15;
}

static void open_sme(void)
{
	uint64_t full = sysreg_read(S3_0_C0_C4_5) >> 63; /* ID_AA64SMFR0_EL1.FA64 */

	sysreg_write(S3_4_C1_C2_6, LENGTH_MOST | (full ? SMCR_FA64 : 0)); /* SMCR_EL2 */
}

void hv_features_open(void)
{
	bool sve = field(sysreg_read(id_aa64pfr0_el1), 32);
	bool sme = field(sysreg_read(id_aa64pfr1_el1), 24);

	sysreg_write(cptr_el2, CPTR_RES1 & ~((sve ? CPTR_SVE : 0) | (sme ? CPTR_SME : 0)));
	isb(); /* open for EL2 too, before the lengths are written */
	if (sve)
		sysreg_write(S3_4_C1_C2_0, LENGTH_MOST); /* ZCR_EL2 */
	if (sme)
		open_sme();
}

uint64_t hv_features_hcr(void)
{
	uint64_t isar1 = sysreg_read(id_aa64isar1_el1), isar2 = sysreg_read(S3_0_C0_C6_2);

	/* Any algorithm: for addresses, for generic data, and the two fields of the third. */
	if (field(isar1, 4) || field(isar1, 8) || field(isar1, 24) || field(isar1, 28) ||
	    field(isar2, 8) || field(isar2, 12))
		return HCR_POINTER_KEYS;
	return 0;
}
