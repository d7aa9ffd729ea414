/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a syndrome register says, in words.
 *
 * ESR_EL1 has the class of an exception in bits 31:26, and for aborts the fault status in
 * bits 5:0, the level of the table in its lowest two, and whether it was a write. Names
 * follow the Arm Architecture Reference Manual, "ESR_EL1".
 */
#include "lib/printf.h"
#include "arm64_exception.h"

#define ESR_WRITE (1u << 6)
#define ESR_FAR_INVALID (1u << 10)

static const char *const class_names[64] = {
	[0x00] = "undefined instruction",
	[0x01] = "trapped WFI or WFE",
	[ESR_FLOAT] = "floating-point or SIMD instruction",
	[0x09] = "trapped pointer authentication",
	[0x0d] = "branch to where no branch may go (BTI)",
	[0x0e] = "illegal execution state",
	[ESR_SVC] = "SVC instruction",
	[0x16] = "HVC instruction",
	[0x17] = "SMC instruction",
	[0x18] = "trapped system register access",
	[0x19] = "SVE instruction",
	[0x1c] = "pointer authentication failure",
	[ESR_FETCH_EL0] = "instruction abort at EL0",
	[ESR_FETCH_EL1] = "instruction abort at EL1",
	[ESR_PC_ALIGNMENT] = "misaligned program counter",
	[ESR_DATA_EL0] = "data abort at EL0",
	[ESR_DATA_EL1] = "data abort at EL1",
	[0x26] = "misaligned stack pointer",
	[0x2c] = "floating-point exception",
	[0x2f] = "SError",
	[0x30] = "breakpoint at EL0",
	[0x31] = "breakpoint at EL1",
	[0x32] = "software step at EL0",
	[0x33] = "software step at EL1",
	[0x34] = "watchpoint at EL0",
	[0x35] = "watchpoint at EL1",
	[0x3c] = "BRK instruction",
};

/* Faults whose lowest two status bits are the level of the table. */
static const char *const level_faults[64 / 4] = {
	[0x00 >> 2] = "address size fault",
	[0x04 >> 2] = "translation fault",
	[0x08 >> 2] = "access flag fault",
	[0x0c >> 2] = "permission fault",
	[0x14 >> 2] = "external abort on a table walk",
	[0x1c >> 2] = "ECC error on a table walk",
};

static const char *other_fault(unsigned status)
{
	switch (status) {
	case 0x10:
		return "external abort";
	case 0x11:
		return "tag check fault";
	case 0x18:
		return "ECC error";
	case 0x21:
		return "alignment fault";
	case 0x30:
		return "TLB conflict";
	case 0x35:
		return "exclusive access to memory that cannot do it";
	default:
		return "reserved fault status";
	}
}

const char *arm64_class_name(uint64_t esr)
{
	const char *name = class_names[ESR_CLASS(esr)];

	return name ? name : "exception of a reserved class";
}

size_t arm64_syndrome_text(uint64_t esr, char *text, size_t size)
{
	unsigned status = esr & 0x3f;
	bool fetch = esr_is_fetch(esr);
	const char *fault = level_faults[status >> 2];
	const char *access = fetch ? "fetch" : esr & ESR_WRITE ? "write" : "read";
	const char *far = esr & ESR_FAR_INVALID ? ", address unknown" : "";

	if (!esr_is_data(esr) && !fetch)
		return (size_t)zn_snprintf(text, size, "details 0x%llx",
					   (unsigned long long)(esr & 0x1ffffff));
	if (fault)
		return (size_t)zn_snprintf(text, size, "%s, level %u, %s%s", fault, status & 3,
					   access, far);
	return (size_t)zn_snprintf(text, size, "%s, %s%s", other_fault(status), access, far);
}
