/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens when an exception is taken.
 *
 * Interrupts go to the board; afterwards it says whether the interrupted task must leave
 * the CPU (vectors.S does the rest). Everything else is a fault. Faults
 * that somebody asked for (arm64_probe_*) are written down and the prober goes on, those of copies
 * from and to a program end the copy, those of the program itself go elsewhere
 * (user/user_entry.c); all others are reported and end the run:
 *
 *	class and syndrome in words, the address and what lies there, the
 *	interrupted registers, a backtrace, "Bail out!", what to do next, exit status 2
 *
 * What stands before the backtrace fits the 24 lines of a small terminal. The report takes no
 * lock: before it begins, the other cores are stopped and the console is told to do without
 * (panic.c). It may itself fault, if the damage is bad; each CPU counts how deep it is in
 * reports, says less each time, and gives up at the third.
 *
 * Probes run with interrupts masked, so probe_armed and probe are this CPU's own.
 */
#include <zonal/port.h>

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "arm64_board.h"
#include "arm64_exception.h"
#include "arm64_mmu.h"
#include "arm64_sysreg.h"
#include "arm64_user.h"
#include "panic.h"

#define VECTOR_KIND(vector) (((vector) >> 7) & 3)

void arm64_overflow(const struct arm64_frame *frame, unsigned vector) ZN_NORETURN;

/* probe.S */
extern char probe_failed[];
typedef bool probe_fn(uint64_t address);
probe_fn probe_load, probe_load8, probe_load16, probe_store;
probe_fn probe_call, probe_push, probe_udf, probe_brk, probe_svc, probe_fp;
bool probe_semihosting(uint64_t operation, uint64_t parameter, uint64_t *result);

/* ---- faults on purpose -------------------------------------------------- */

static bool probe_run(probe_fn *fn, uint64_t address, struct arm64_fault *fault)
{
	port_irqflags_t flags = port_irq_save();
	struct arm64_cpu *cpu = arm64_this_cpu();
	bool worked;

	ASSERT(!cpu->probe_armed, "a probe inside a probe, of 0x%llx", (unsigned long long)address);
	cpu->probe_armed = 1;
	/* The compiler must not move the stores across the access that may fault: it is a call. */
	worked = fn(address);
	cpu->probe_armed = 0;
	*fault = worked ? (struct arm64_fault){ 0 } : cpu->probe;
	port_irq_restore(flags);
	return worked;
}

bool arm64_probe_read(uint64_t address, struct arm64_fault *fault)
{
	return probe_run(probe_load, address, fault);
}

bool arm64_probe_read8(uint64_t address, struct arm64_fault *fault)
{
	return probe_run(probe_load8, address, fault);
}

bool arm64_probe_read16(uint64_t address, struct arm64_fault *fault)
{
	return probe_run(probe_load16, address, fault);
}

bool arm64_probe_write(uint64_t address, struct arm64_fault *fault)
{
	return probe_run(probe_store, address, fault);
}

bool arm64_probe_exec(uint64_t address, struct arm64_fault *fault)
{
	return probe_run(probe_call, address, fault);
}

bool arm64_probe_push(uint64_t address, struct arm64_fault *fault)
{
	return probe_run(probe_push, address, fault);
}

bool arm64_probe_trap(enum arm64_trap trap, struct arm64_fault *fault)
{
	static probe_fn *const traps[ARM64_TRAPS] = {
		[ARM64_TRAP_UDF] = probe_udf,
		[ARM64_TRAP_BRK] = probe_brk,
		[ARM64_TRAP_SVC] = probe_svc,
		[ARM64_TRAP_FP] = probe_fp,
	};

	ASSERT(trap < ARM64_TRAPS, "trap %d", (int)trap);
	return probe_run(traps[trap], 0, fault);
}

bool arm64_semihosting(uint32_t operation, uint64_t parameter, uint64_t *result)
{
	port_irqflags_t flags = port_irq_save();
	struct arm64_cpu *cpu = arm64_this_cpu();
	bool worked;

	cpu->probe_armed = 1;
	worked = probe_semihosting(operation, parameter, result);
	cpu->probe_armed = 0;
	port_irq_restore(flags);
	return worked;
}

/* Write the fault down and let the prober go on behind its access. */
static void probe_take(struct arm64_cpu *cpu, struct arm64_frame *frame, unsigned vector)
{
	cpu->probe_armed = 0;
	cpu->probe = (struct arm64_fault){ frame->esr, frame->far, frame->elr, vector };
	frame->elr = (uintptr_t)probe_failed;
}

/* ---- the report --------------------------------------------------------- */

static bool has_address(uint64_t esr)
{
	return esr_is_data(esr) || esr_is_fetch(esr) || ESR_CLASS(esr) == ESR_PC_ALIGNMENT;
}

static const char *exception_name(const struct arm64_frame *frame, unsigned vector)
{
	static const char *const kinds[] = { NULL, "unexpected interrupt",
					     "unexpected fast interrupt", "SError" };

	return VECTOR_KIND(vector) ? kinds[VECTOR_KIND(vector)] : arm64_class_name(frame->esr);
}

static const char *vector_source(unsigned vector)
{
	static const char *const sources[] = { "in a task or at boot", "in an interrupt handler",
					       "at EL0", "at EL0, 32-bit" };

	return sources[(vector >> 9) & 3];
}

void arm64_print_registers(const struct arm64_frame *frame)
{
	for (unsigned i = 0; i < 30; i += 3)
		kprintf("#   x%-2u %016llx  x%-2u %016llx  x%-2u %016llx\n", i,
			(unsigned long long)frame->x[i], i + 1, (unsigned long long)frame->x[i + 1],
			i + 2, (unsigned long long)frame->x[i + 2]);
	kprintf("#   x30 %016llx  sp  %016llx  spsr %08llx\n", (unsigned long long)frame->x[30],
		(unsigned long long)frame->sp, (unsigned long long)frame->spsr);
}

static void print_place(const char *what, uint64_t address)
{
	uint64_t offset;
	const char *name = arm64_symbol(address, &offset);

	if (name)
		kprintf("#   %s %016llx  %s+0x%llx\n", what, (unsigned long long)address, name,
			(unsigned long long)offset);
	else
		kprintf("#   %s %016llx  %s\n", what, (unsigned long long)address,
			mmu_describe(address));
}

static void report(const struct arm64_frame *frame, unsigned vector)
{
	char syndrome[96];

	arm64_syndrome_text(frame->esr, syndrome, sizeof(syndrome));
	kprintf("\n# %s on CPU %u, %s: %s\n", exception_name(frame, vector), port_this_cpu()->id,
		vector_source(vector), syndrome);
	kprintf("#   esr %016llx  vector +0x%03x\n", (unsigned long long)frame->esr, vector);
	print_place("elr", frame->elr);
	if (has_address(frame->esr))
		print_place("far", frame->far);
	print_place("lr ", frame->x[30]);
	arm64_print_registers(frame);
	arm64_backtrace(frame->elr, frame->x[29]);
}

static void ZN_NORETURN fault_die(const struct arm64_frame *frame, unsigned vector, const char *why)
{
	struct arm64_cpu *cpu = arm64_this_cpu();

	panic_begin();
	if (++cpu->fault_depth > 1)
		panic_nested(frame->esr, frame->elr, frame->far);
	report(frame, vector);
	panic_end("%s on CPU %u at 0x%llx", why ? why : exception_name(frame, vector), cpu->port.id,
		  (unsigned long long)frame->elr);
}

void arm64_overflow(const struct arm64_frame *frame, unsigned vector)
{
	fault_die(frame, vector, "interrupt stack overflow");
}

/* An access to a guard, near the stack pointer: a push is just below it, a frame above. */
static bool is_stack_overflow(const struct arm64_frame *frame)
{
	return ESR_CLASS(frame->esr) == ESR_DATA_EL1 && mmu_is_guard(frame->far) &&
	       frame->far - frame->sp + PAGE_SIZE < PAGE_SIZE + ARM64_STACK_BYTES;
}

void arm64_exception(struct arm64_frame *frame, unsigned vector)
{
	struct arm64_cpu *cpu = arm64_this_cpu();

	if (cpu->probe_armed && VECTOR_KIND(vector) == 0) {
		probe_take(cpu, frame, vector);
		return;
	}
	if (VECTOR_KIND(vector) == 0 && arm64_user_copy_fault(frame))
		return;
	fault_die(frame, vector, is_stack_overflow(frame) ? "stack overflow" : NULL);
}

bool arm64_irq(struct arm64_frame *frame)
{
	struct port_cpu *cpu = port_this_cpu();

	(void)frame;
	DASSERT(!cpu->irq_depth, "an interrupt at depth %u", cpu->irq_depth);
	cpu->irq_depth++;
	board_ops.irq();
	DASSERT_MASKED(); /* no handler opened them */
	cpu->irq_depth--;
	return board_ops.irq_exit();
}

void arm64_preempt(void)
{
	DASSERT_MASKED();
	board_ops.preempt();
}
