/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a task at EL0 does that needs the kernel: calls, faults, and what it must not do.
 *
 * vectors.S has saved its registers in a frame at the top of its kernel stack and runs on that
 * stack from then on, so everything here is ordinary code of a task: it may be preempted, sleep and
 * allocate. Interrupts are opened as soon as what the CPU tells of the exception is in the frame.
 *
 *	SVC                     a system call
 *	translation, access     memory that is not there yet (user/fault.c); if it never will be,
 *	flag, permission fault  the task ends
 *	first floating point    the registers become its own
 *	anything else           the task ends, with a report: class and syndrome in words, the
 *	                        address and what lies there, the registers
 *
 * Nothing that EL0 does gets past here: SError and interrupts apart, every exception from EL0
 * comes to arm64_user_exception() and either goes on at EL0 or ends that one task.
 */
#include <zonal/port.h>

#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/kprintf.h"
#include "arm64_board.h"
#include "arm64_mmu.h"
#include "arm64_sysreg.h"
#include "arm64_user.h"
#include "user/user_port.h"

#define ESR_WRITE (1u << 6)
#define ESR_FAR_INVALID (1u << 10)
#define CALL_REGISTER 8

extern char arm64_copy_begin[], arm64_copy_end[], arm64_copy_failed[];

static void open(void) { __asm__ volatile("msr daifclr, #6" : : : "memory"); } /* A and I */
static void mask(void) { __asm__ volatile("msr daifset, #2" : : : "memory"); }

/* ---- the end of a task -------------------------------------------------- */

static void print_address(const char *what, uint64_t address, struct user_port *port)
{
	char text[48];

	board_ops.user_describe(port, address, text, sizeof(text));
	kprintf("#   %s %016llx  %s\n", what, (unsigned long long)address, text);
}

static void ZN_NORETURN user_die(const struct arm64_frame *frame, struct user_port *port)
{
	uint64_t esr = frame->esr;
	bool placed = (esr_is_data(esr) || esr_is_fetch(esr) ||
		       ESR_CLASS(esr) == ESR_PC_ALIGNMENT) && !(esr & ESR_FAR_INVALID);
	char syndrome[96];

	arm64_syndrome_text(esr, syndrome, sizeof(syndrome));
	kprintf("# user: %s ends: %s, %s\n", board_ops.user_name(port), arm64_class_name(esr),
		syndrome);
	kprintf("#   esr %016llx\n", (unsigned long long)esr);
	print_address("elr", frame->elr, port);
	if (placed)
		print_address("far", frame->far, port);
	arm64_print_registers(frame);
	board_ops.user_die(port, esr, placed ? frame->far : 0);
}

/* ---- faults ------------------------------------------------------------- */

enum { FAULT_TRANSLATION = 1, FAULT_ACCESS_FLAG = 2, FAULT_PERMISSION = 3 };

/* True if the access may be tried again. */
static bool memory_fault(const struct arm64_frame *frame, struct user_port *port)
{
	unsigned status = (frame->esr >> 2) & 0xf;
	uint32_t access = USER_READ;

	if ((frame->esr & ESR_FAR_INVALID) || status < FAULT_TRANSLATION ||
	    status > FAULT_PERMISSION)
		return false;
	if (esr_is_fetch(frame->esr))
		access = USER_EXEC;
	else if (frame->esr & ESR_WRITE)
		access = USER_WRITE;
	return !board_ops.user_fault(port, frame->far, access, status != FAULT_TRANSLATION);
}

/* The task uses floating point from now on, beginning with zeros. Masked. */
static void floats_begin(struct user_port *port)
{
	DASSERT_MASKED();
	ASSERT(!port->floats, "floating point trapped twice");
	sysreg_write(cpacr_el1, 3ull << 20);
	arm64_isb();
	port->floats = true;
	arm64_fp_load(port);
}

void arm64_user_exception(struct arm64_frame *frame)
{
	struct user_port *port = arm64_this_cpu()->user;
	unsigned class = ESR_CLASS(frame->esr);
	bool good = true;

	DASSERT(port, "an exception from EL0 without a task there");
	if (class == ESR_FLOAT) {
		floats_begin(port);
		return;
	}
	open();
	if (class == ESR_SVC)
		frame->x[0] = (uint64_t)board_ops.user_call(port, frame->x,
							    frame->x[CALL_REGISTER]);
	else if (class == ESR_DATA_EL0 || class == ESR_FETCH_EL0)
		good = memory_fault(frame, port);
	else
		good = false;
	/* Who was ended meanwhile, perhaps for lack of the memory that this very fault wanted, ends
	 * as that, not as one who did wrong. */
	if (unlikely(!good) && ld_relaxed(&port->work))
		board_ops.user_work(port);
	if (unlikely(!good))
		user_die(frame, port);
	mask();
	if (unlikely(ld_relaxed(&port->work)))
		arm64_user_work();
}

void arm64_user_work(void)
{
	struct user_port *port = arm64_this_cpu()->user;

	DASSERT_MASKED();
	if (!port || !ld_relaxed(&port->work))
		return;
	open();
	board_ops.user_work(port);
	mask();
}

bool arm64_user_irq(struct arm64_frame *frame)
{
	bool leave = arm64_irq(frame);
	struct user_port *port = arm64_this_cpu()->user;

	ASSERT(port, "CPU %u was interrupted at EL0 without a task there", port_this_cpu()->id);
	return leave || ld_relaxed(&port->work);
}

bool arm64_user_copy_fault(struct arm64_frame *frame)
{
	uint64_t elr = frame->elr;

	if (ESR_CLASS(frame->esr) != ESR_DATA_EL1 || elr < (uintptr_t)arm64_copy_begin ||
	    elr >= (uintptr_t)arm64_copy_end)
		return false;
	/* The kernel's side of a copy must not fault; the program's may name any address, but
	 * callers have kept those of the kernel's half from coming here. */
	if (frame->far >= USER_LIMIT)
		return false;
	frame->elr = (uintptr_t)arm64_copy_failed;
	return true;
}

void *user_port_address(uint64_t phys) { return phys_to_virt(phys); }
uint64_t user_port_phys(const void *address) { return virt_to_phys(address); }
