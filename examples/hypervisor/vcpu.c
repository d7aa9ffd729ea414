/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core of a guest: in, out, and what was the matter.
 *
 * A guest leaves for an interrupt, which is served and has nothing to do with it unless it is its
 * timer's; for a firmware call; for a device that is not there, whose access is done here and
 * the instruction passed over; for a page of its memory that the host is just moving, which is
 * waited for, or that it gave back, which it gets again; and for anything else, which ends it with
 * a line that says what it was. Others go on: a guest has nothing in common with them but the UART.
 *
 * Registers of EL1 and EL0 belong to the guest while it has the core, so they are set once, to what
 * a core has after reset as far as anything depends on it.
 */
#include "hv.h"
#include "guest.h"
#include "move.h"

#include <stdarg.h>
#include <stdatomic.h>

#define EXIT_TRAP 0u
#define EXIT_INTERRUPT 1u

enum { CLASS_HVC = 0x16, CLASS_SMC = 0x17, CLASS_REGISTER = 0x18, CLASS_FETCH = 0x20,
       CLASS_DATA = 0x24 };

/* Of an access to memory (ESR_EL2.ISS). */
#define ACCESS_DESCRIBED (1u << 24)
#define ACCESS_REGISTER(esr) ((esr) >> 16 & 31)
#define ACCESS_WRITE (1u << 6)
#define FAULT_KIND(esr) ((esr) >> 2 & 15)
#define FAULT_TRANSLATION 1u

/* MSR to ICC_SGI1R_EL1, but for the register that is read: op0 3, op2 5, op1 0, CRn 12, CRm 11. */
#define REGISTER_MASK 0x3ffc1fu
#define REGISTER_SGI1R (3u << 20 | 5u << 17 | 0u << 14 | 12u << 10 | 11u << 1)

#define PSTATE_EL1 0x3c5u /* EL1 with its own stack, all masked */
#define SCTLR_RES1 0x30d00800u

void hv_guest_end(struct hv_guest *guest, const char *fmt, ...)
{
	va_list args;

	if (guest->why[0])
		return;
	va_start(args, fmt);
	zonal_vsnprintf(guest->why, sizeof(guest->why), fmt, args);
	va_end(args);
}

static uint64_t get(const struct hv_guest *guest, unsigned reg)
{
	return reg < 31 ? guest->regs.x[reg] : 0;
}

/* ---- devices -------------------------------------------------------------------- */

static bool within(uint64_t ipa, uint64_t start, uint64_t bytes)
{
	return ipa >= start && ipa - start < bytes;
}

/* One access to a device; false: there is none. */
static bool device(struct hv_guest *guest, uint64_t ipa, bool write, uint64_t *value)
{
	if (within(ipa, GUEST_UART, GUEST_PAGE_BYTES)) {
		if (write)
			hv_vuart_write(guest, ipa - GUEST_UART, *value);
		else
			*value = hv_vuart_read(guest, ipa - GUEST_UART);
		return true;
	}
	if (within(ipa, GUEST_BALLOON, GUEST_PAGE_BYTES)) {
		if (write)
			hv_balloon_write(guest, ipa - GUEST_BALLOON, *value);
		else
			*value = hv_balloon_read(guest, ipa - GUEST_BALLOON);
		return true;
	}
	if (!within(ipa, GUEST_GICD, GUEST_GICD_BYTES) &&
	    !within(ipa, GUEST_GICR, GUEST_GICR_BYTES))
		return false;
	if (write)
		hv_vgic_write(&guest->vgic, ipa, *value);
	else
		*value = hv_vgic_read(&guest->vgic, ipa);
	return true;
}

static void outside(struct hv_guest *guest, const char *what, uint64_t ipa)
{
	hv_guest_end(guest, "%s 0x%llx, which is not its memory, at pc 0x%llx", what,
		     (unsigned long long)ipa, (unsigned long long)guest->regs.pc);
}

static void data_access(struct hv_guest *guest, uint64_t esr, uint64_t ipa)
{
	unsigned reg = ACCESS_REGISTER((unsigned)esr);
	bool write = esr & ACCESS_WRITE;
	uint64_t value = get(guest, reg);

	if (!(esr & ACCESS_DESCRIBED) || !device(guest, ipa, write, &value)) {
		outside(guest, write ? "wrote to" : "read", ipa);
		return;
	}
	if (!write && reg < 31)
		guest->regs.x[reg] = value;
	guest->regs.pc += 4;
}

/* ---- what it left for ------------------------------------------------------------- */

static void memory_fault(struct hv_guest *guest, uint64_t esr, bool fetch)
{
	/* HPFAR_EL2 has the page of the guest's address, FAR_EL2 the place within it. */
	uint64_t ipa = (sysreg_read(hpfar_el2) & ~15ull) << 8 | (sysreg_read(far_el2) & 0xfff);

	if (FAULT_KIND((unsigned)esr) == FAULT_TRANSLATION &&
	    (hv_move_wait(guest, ipa) || hv_give_again(guest, ipa)))
		return;
	if (fetch)
		outside(guest, "ran into", ipa);
	else
		data_access(guest, esr, ipa);
}

static void register_access(struct hv_guest *guest, uint64_t esr)
{
	if ((esr & REGISTER_MASK) != REGISTER_SGI1R) {
		hv_guest_end(guest, "used a system register that it does not have: ESR 0x%llx",
			     (unsigned long long)esr);
		return;
	}
	hv_vgic_sgi(&guest->vgic, get(guest, (unsigned)esr >> 5 & 31));
	guest->regs.pc += 4;
}

static void trap(struct hv_guest *guest)
{
	uint64_t esr = sysreg_read(esr_el2);

	switch (esr >> 26) {
	case CLASS_SMC: /* unlike HVC, the PC is that of the instruction */
		guest->regs.pc += 4;
		hv_psci(guest);
		return;
	case CLASS_HVC:
		hv_psci(guest);
		return;
	case CLASS_REGISTER:
		register_access(guest, esr);
		return;
	case CLASS_FETCH:
	case CLASS_DATA:
		memory_fault(guest, esr, esr >> 26 == CLASS_FETCH);
		return;
	default:
		hv_guest_end(guest, "did what is not foreseen: ESR 0x%llx at pc 0x%llx",
			     (unsigned long long)esr, (unsigned long long)guest->regs.pc);
	}
}

/* ---- in and out -------------------------------------------------------------------- */

static void set_registers(struct hv_guest *guest)
{
	sysreg_write(sctlr_el1, SCTLR_RES1);
	sysreg_write(cpacr_el1, 0);
	sysreg_write(mdscr_el1, 0);
	sysreg_write(cntkctl_el1, 0);
	sysreg_write(cntv_ctl_el0, 0);
	sysreg_write(vpidr_el2, sysreg_read(midr_el1));
	sysreg_write(vmpidr_el2, 1ull << 31); /* core 0 of 1 */
	hv_features_open();
	/* No debug or PMU traps; all event counters are the guest's (PMCR_EL0.N of them). */
	sysreg_write(mdcr_el2, sysreg_read(pmcr_el0) >> 11 & 31);
	/* The physical counter may be read; the physical timer is ours. Virtual time begins now. */
	sysreg_write(cnthctl_el2, 1);
	sysreg_write(cntvoff_el2, sysreg_read(cntpct_el0));
	memset(&guest->regs, 0, sizeof(guest->regs));
	guest->regs.pc = guest->kernel_ipa;
	guest->regs.x[0] = guest->tree_ipa;
	guest->regs.pstate = PSTATE_EL1;
}

static void leave(struct hv_guest *guest)
{
	sysreg_write(hcr_el2, HV_HCR_HOST);
	sysreg_write(vttbr_el2, 0);
	isb(); /* the next walk, if any, is nobody's */
	hv_vgic_stop();
	hv_vuart_flush(guest);
}

void hv_guest_run(struct hv_guest *guest)
{
	uint64_t reason;

	set_registers(guest);
	hv_vgic_reset(&guest->vgic);
	hv_stage2_enter(guest);
	sysreg_write(hcr_el2, HV_HCR_GUEST | hv_features_hcr());
	isb();
	while (!guest->why[0]) {
		hv_vuart_signal(guest);
		hv_vgic_flush(&guest->vgic);
		reason = hv_enter(&guest->regs);
		if (reason == EXIT_TRAP)
			trap(guest);
		else if (reason != EXIT_INTERRUPT)
			hv_guest_end(guest, "caused an SError: ESR 0x%llx",
				     (unsigned long long)sysreg_read(esr_el2));
		hv_gic_serve();
		hv_cpu_serve();
	}
	leave(guest);
	atomic_store_explicit(&guest->state, HV_ENDED, memory_order_release);
}
