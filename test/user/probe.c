/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that does one thing it must not do (probes.h). If that did not end it, it exits with
 * PROBE_SURVIVED.
 *
 * Instructions are written as they are executed, so that the test can count on what traps:
 * one asm statement each, in the order of the enumeration.
 */
#include "user/programs/program.h"

#include "probes.h"

static uint32_t code_in_data = 0xd65f03c0; /* RET */
static const uint32_t constant = 1;

static void call_address(uint64_t address) { ((void (*)(void))(uintptr_t)address)(); }

/* Not a tail call, and not without end as far as the compiler knows. */
static ZN_NOINLINE uint64_t deep(volatile uint64_t *depth)
{
	volatile uint8_t frame[1024];

	frame[0] = (uint8_t)(*depth)++;
	if (*depth < 1000000)
		return deep(depth) + frame[0];
	return frame[0];
}

static void touch_memory(enum probe what, uint64_t address)
{
	volatile uint64_t depth = 0;
	uint32_t code_on_stack = code_in_data;

	switch (what) {
	case PROBE_READ:
		(void)*(volatile uint32_t *)(uintptr_t)address;
		break;
	case PROBE_WRITE:
		*(volatile uint32_t *)(uintptr_t)address = 1;
		break;
	case PROBE_CALL:
		call_address(address);
		break;
	case PROBE_WRITE_TEXT:
		*(volatile uint32_t *)(uintptr_t)&constant = 2;
		break;
	case PROBE_CALL_DATA:
		call_address(address_of(&code_in_data));
		break;
	case PROBE_CALL_STACK:
		call_address(address_of(&code_on_stack));
		break;
	case PROBE_DEEP:
		deep(&depth);
		break;
	case PROBE_UNALIGNED:
		__asm__ volatile("ldr x1, [%0]" : : "r"(address_of(&depth) + 1) : "x1", "memory");
		break;
	case PROBE_ODD_PC:
		__asm__ volatile("br %0" : : "r"((uintptr_t)call_address + 2));
		break;
	default:
		break;
	}
}

#define ONE(number, text)                                                                          \
	case number:                                                                               \
		__asm__ volatile(text : : "r"(address) : "x0", "memory");                          \
		break

static void privileged(enum probe what, uint64_t address)
{
	switch (what) {
	ONE(PROBE_UDF, "udf #0");
	ONE(PROBE_BRK, "brk #1");
	ONE(PROBE_HVC, "hvc #0");
	ONE(PROBE_SMC, "smc #0");
	ONE(PROBE_HLT, "mov x0, #0x18\n\thlt #0xf000");
	ONE(PROBE_ERET, "eret");
	ONE(PROBE_READ_SCTLR, "mrs x0, sctlr_el1");
	ONE(PROBE_WRITE_TTBR0, "msr ttbr0_el1, xzr");
	ONE(PROBE_WRITE_VBAR, "msr vbar_el1, xzr");
	ONE(PROBE_READ_TPIDR_EL1, "mrs x0, tpidr_el1");
	ONE(PROBE_MASK, "msr daifset, #2");
	ONE(PROBE_READ_DAIF, "mrs x0, daif");
	ONE(PROBE_SPSEL, "msr spsel, #1");
	ONE(PROBE_WFI, "wfi");
	ONE(PROBE_TLBI, "tlbi vmalle1");
	ONE(PROBE_AT, "at s1e0r, %0");
	ONE(PROBE_DC_CIVAC, "dc civac, %0");
	ONE(PROBE_DC_CVAU, "dc cvau, %0");
	ONE(PROBE_DC_ZVA, "dc zva, %0");
	ONE(PROBE_IC_IVAU, "ic ivau, %0");
	ONE(PROBE_READ_CTR, "mrs x0, ctr_el0");
	ONE(PROBE_CNTVCT, "mrs x0, cntvct_el0");
	ONE(PROBE_CNTPCT, "mrs x0, cntpct_el0");
	ONE(PROBE_CNTV_CTL, "msr cntv_ctl_el0, xzr");
	ONE(PROBE_CNTP_TVAL, "msr cntp_tval_el0, xzr");
	ONE(PROBE_PMCCNTR, "mrs x0, pmccntr_el0");
	ONE(PROBE_PMCR, "mrs x0, pmcr_el0");
	ONE(PROBE_DBGDTR, "mrs x0, dbgdtr_el0");
	ONE(PROBE_WRITE_TPIDRRO, "msr tpidrro_el0, xzr");
	default:
		break;
	}
}

/* What the kernel keeps a register in for a moment must not be left there. */
static int readable_register(void)
{
	uint64_t value;

	__asm__ volatile("mrs %0, tpidrro_el0" : "=r"(value));
	return value ? 1 : PROBE_SURVIVED;
}

PROGRAM(arg)
{
	enum probe what = (enum probe)PROBE_NUMBER(arg);
	uint64_t address = PROBE_ADDRESS(arg);

	if (what == PROBE_READ_TPIDRRO)
		return readable_register();
	if (what == PROBE_SYSCALL_POINTER)
		return call(USER_CALL_WRITE, address, 16, 0) == USER_EFAULT &&
				       call(USER_CALL_GET_POLICY, address, 0, 0) == USER_EFAULT ?
			       PROBE_SURVIVED : 1;
	touch_memory(what, address);
	privileged(what, address ? address : address_of(&code_in_data));
	return PROBE_SURVIVED;
}
