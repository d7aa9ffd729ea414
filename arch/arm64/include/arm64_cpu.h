/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Per-CPU state of the arm64 port, found through TPIDR_EL1.
 *
 * Offsets that assembly uses are fixed here and checked by cpu.c. "own CPU": only
 * code on that CPU touches the field, with interrupts masked or in a handler.
 */
#ifndef ARM64_CPU_H
#define ARM64_CPU_H

/* Offsets for assembly. */
#define CPU_IRQ_STACK_TOP 16
#define CPU_TASK_STACK_TOP 24
#define CPU_USER_STACK_TOP 32
#define CPU_SCRATCH 40

#ifndef __ASSEMBLER__

#include <zonal/port.h>
#include <zonal/zonal.h>

struct user_port;

/* A request of another CPU (port_call_cpu), on that CPU's stack until done. */
struct arm64_call {
	void (*fn)(void *);
	void *arg;
	struct arm64_call *next;
	_Atomic uint32_t done;
};

/* An exception that was taken on purpose (arm64_probe.h). */
struct arm64_fault {
	uint64_t esr;
	uint64_t far;
	uint64_t elr;
	unsigned vector; /* offset into the vector table */
};

struct arm64_cpu {
	struct port_cpu port;       /* first: TPIDR_EL1 serves port_this_cpu() too */
	void *irq_stack_top;        /* SP_EL1 whenever a task runs; immutable */
	void *task_stack_top;       /* stack that the CPU starts on; immutable */
	void *user_stack_top;       /* kernel stack of the task at EL0; own CPU */
	uint64_t scratch;           /* of vectors.S; own CPU */
	struct user_port *user;     /* the task at EL0 that runs here, or NULL; own CPU */
	uint32_t fault_depth;       /* exceptions being reported; own CPU */
	uint64_t mpidr;             /* affinity bits only; immutable */
	uint32_t probe_armed;       /* a fault now goes to probe_resume; own CPU */
	uint64_t probe_resume;
	struct arm64_fault probe;
	_Atomic uint32_t unfit;     /* set by the CPU at its start: it has no LSE atomics */
	_Atomic(struct arm64_call *) calls; /* pushed by others, taken by the CPU */
	struct zonal_task boot_task; /* allocator state until a scheduler task runs */
} ZN_ALIGNED(64);

extern struct arm64_cpu arm64_cpus[ZONAL_MAX_CPUS];
/* Boot found LSE atomics and patched the helpers of atomic.S. */
extern bool arm64_lse;

static inline struct arm64_cpu *arm64_this_cpu(void)
{
	return (struct arm64_cpu *)(void *)port_this_cpu();
}

/*
 * Make CPU `cpu` (1..ZONAL_MAX_CPUS-1) ready to be started with PSCI CPU_ON: stacks with
 * guards, per-CPU structure. False, logged, without memory. Context: boot, after
 * arm64_table_source(). Calling it twice for one CPU reuses its stacks.
 */
bool arm64_cpu_prepare(unsigned cpu, uint64_t mpidr) ZN_MUST_USE;
/*
 * The boot core, CPU 0 until now, is CPU `id` from now on. Once, before any other CPU
 * is prepared and before anything keeps a pointer to its struct.
 */
void arm64_boot_cpu_set(unsigned id);
/* Arguments for CPU_ON: entry point and context word. */
uint64_t arm64_secondary_entry_phys(void);
uint64_t arm64_cpu_context_phys(unsigned cpu);

/* What a received IPI_CALL runs, in interrupt context. */
void arm64_ipi_call(void);
/* What a received IPI_STOP runs: mask everything and sleep for good. */
void arm64_ipi_stop(void) ZN_NORETURN;

/* Counter frequency in Hz, for boards whose firmware left CNTFRQ_EL0 0 (clock-frequency). */
void arm64_clock_set(uint64_t frequency_hz);

/* Make the stack protector's guard differ from boot to boot. */
void arm64_stack_guard_seed(void);

/* True once a panic has begun; output must not wait for locks any more. */
bool arm64_panicking(void);

#endif
#endif
