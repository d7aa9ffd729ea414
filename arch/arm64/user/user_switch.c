/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which program a CPU has in front of it: TTBR0, thread pointer, floating point.
 *
 * A task at EL0 is a task of the scheduler, with a kernel stack and a context. What it has beside
 * is switched here, in the middle of the scheduler's switch:
 *
 *	TTBR0_EL1  its tables and its ASID in one store, so that no access sees one without
 *	           the other (TCR_EL1.A1 is 0: the ASID is TTBR0's). Tasks without a program get the
 *	           empty table under ASID 0, so that a stray pointer of theirs finds nothing, and no
 *	           space is in use behind its end.
 *	TPIDR_EL0  the program may write it at any time, so it is its own.
 *	v0-v31     only of programs that use them. The first use traps (CPACR_EL1.FPEN is 0); from
 * then
 *	           on they are saved and loaded at each switch. So no program sees the numbers
 *	           of another one, and most pay nothing. The kernel is built without them.
 *
 * One ISB at the end makes all of it apply. Called masked, on the CPU it acts on.
 */
#include <zonal/port.h>

#include "lib/assert.h"
#include "arm64_mmu.h"
#include "arm64_sysreg.h"
#include "arm64_user.h"
#include "sched/sched_port.h"
#include "user/asid.h"
#include "user/user_port.h"

/* CPACR_EL1.FPEN: nothing traps. */
#define FLOATS_ON (3ull << 20)

_Static_assert(offsetof(struct user_port, fpcr) == USER_FPCR, "fp.S knows the offset");
_Static_assert(offsetof(struct user_port, vector) == USER_VECTOR, "fp.S knows the offset");

static struct asid_pool asids;

static unsigned id_field(uint64_t id, unsigned shift) { return (id >> shift) & 0xf; }

/* Numbers have as many bits as the boot core's TLB, which TCR_EL1.AS was set for (start.S). */
static unsigned asid_bits(void) { return sysreg_read(tcr_el1) & TCR_AS ? 16 : 8; }

void arm64_user_asid_bits(unsigned bits)
{
	asid_init(&asids, bits ? bits : asid_bits());
	/* Entries under numbers of before are nobody's. */
	arm64_dsb_ishst();
	__asm__ volatile("tlbi vmalle1is" : : : "memory");
	arm64_dsb_ish();
	arm64_isb();
}

void arm64_user_lockdown(void)
{
	uint64_t debug = sysreg_read(id_aa64dfr0_el1);
	unsigned counters = id_field(debug, 8);

	DASSERT_MASKED();
	/* SCTLR_ON leaves UCI, UCT, DZE, nTWI, nTWE and UMA 0: cache maintenance, CTR_EL0, DC ZVA,
	 * WFI, WFE and DAIF trap. Reset leaves the registers below unknown. */
	sysreg_write(cntkctl_el1, 0);       /* no counter, no timer, no event stream */
	if (counters && counters != 0xf)
		sysreg_write(pmuserenr_el0, 0);
	if (id_field(sysreg_read(id_aa64pfr0_el1), 44))
		sysreg_write(s3_3_c13_c2_3, 0); /* AMUSERENR_EL0 */
	sysreg_write(tpidr_el0, 0);
	sysreg_write(tpidrro_el0, 0);
	if (!asids.bits)
		asid_init(&asids, asid_bits());
	arm64_isb();
}

static void tables_install(struct user_port *port)
{
	uint64_t asid = 0, root = virt_to_phys(arm64_null_table);
	bool flush = false;

	if (port) {
		asid = asid_use(&asids, port_this_cpu()->id, &port->asid, &flush);
		root = port->root;
	}
	if (flush) {
		__asm__ volatile("tlbi vmalle1" : : : "memory");
		__asm__ volatile("dsb nsh" : : : "memory");
	}
	sysreg_write(ttbr0_el1, root | asid << 48);
}

static void floats_switch(struct user_port *from, struct user_port *to)
{
	bool saves = from && from->floats, loads = to && to->floats;

	if (saves)
		arm64_fp_save(from);
	if (saves != loads) {
		sysreg_write(cpacr_el1, loads ? FLOATS_ON : 0);
		arm64_isb(); /* EL1 may use them only then */
	}
	if (loads)
		arm64_fp_load(to);
}

void arm64_user_switch(struct user_port *from, struct user_port *to)
{
	struct arm64_cpu *cpu = arm64_this_cpu();

	DASSERT_MASKED();
	ASSERT(cpu->user == from, "CPU %u has %p in front, not %p", cpu->port.id,
	       (void *)cpu->user, (void *)from);
	if (from)
		from->thread_pointer = sysreg_read(tpidr_el0);
	tables_install(to);
	floats_switch(from, to);
	sysreg_write(tpidr_el0, to ? to->thread_pointer : 0);
	cpu->user = to;
	cpu->user_stack_top = to ? (void *)(uintptr_t)to->stack_top : NULL;
	arm64_isb();
}

struct user_port *user_port_current(void)
{
	port_irqflags_t flags = port_irq_save();
	struct user_port *port = arm64_this_cpu()->user;

	port_irq_restore(flags);
	return port;
}

/* The top of the kernel stack that this runs on: the upper half of its slot (stack_map.c). */
static uint64_t stack_top_here(void)
{
	uint64_t here = (uintptr_t)__builtin_frame_address(0);

	ASSERT(here >= ARM64_STACK_WINDOW, "0x%llx is no stack of a task",
	       (unsigned long long)here);
	return align_down(here, ARM64_STACK_SLOT_BYTES) + ARM64_STACK_SLOT_BYTES;
}

void user_port_enter(struct sched_context *context, struct user_port *port,
		     const uint64_t entry_sp_arg[3])
{
	ASSERT(!context->user, "a task at EL0 enters it");
	(void)port_irq_save();
	port->stack_top = stack_top_here();
	context->user = port;
	arm64_user_switch(NULL, port);
	/* What is on this stack is given up: exceptions from EL0 begin at its top. */
	arm64_user_start(entry_sp_arg[0], entry_sp_arg[1], entry_sp_arg[2]);
}

void user_port_leave(struct sched_context *context)
{
	port_irqflags_t flags = port_irq_save();

	ASSERT(context->user, "no task at EL0 leaves");
	arm64_user_switch(context->user, NULL);
	context->user = NULL;
	port_irq_restore(flags);
}
