/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions: the saved state, taking one on purpose, and reporting.
 */
#ifndef ARM64_EXCEPTION_H
#define ARM64_EXCEPTION_H

/* Offsets in struct arm64_frame for assembly. */
#define FRAME_SP 248
#define FRAME_ELR 256
#define FRAME_ESR 272
#define FRAME_BYTES 288

#ifndef __ASSEMBLER__

#include <zonal/types.h>

#include "arm64_cpu.h"

/* The class of an exception, bits 31:26 of ESR_EL1, as far as code asks for it; syndrome.c
 * names them all. */
#define ESR_CLASS(esr) (((esr) >> 26) & 0x3f)
enum esr_class {
	ESR_FLOAT = 0x07,
	ESR_SVC = 0x15,
	ESR_FETCH_EL0 = 0x20,
	ESR_FETCH_EL1 = 0x21,
	ESR_PC_ALIGNMENT = 0x22,
	ESR_DATA_EL0 = 0x24,
	ESR_DATA_EL1 = 0x25,
};

static inline bool esr_is_fetch(uint64_t esr)
{
	return ESR_CLASS(esr) == ESR_FETCH_EL0 || ESR_CLASS(esr) == ESR_FETCH_EL1;
}

static inline bool esr_is_data(uint64_t esr)
{
	return ESR_CLASS(esr) == ESR_DATA_EL0 || ESR_CLASS(esr) == ESR_DATA_EL1;
}

/* All that an exception saves; lies on SP_EL1, or on the task's stack while preempted. */
struct arm64_frame {
	uint64_t x[31];
	uint64_t sp;   /* of the interrupted code */
	uint64_t elr;  /* where it was */
	uint64_t spsr; /* its PSTATE */
	uint64_t esr;
	uint64_t far;
};

/*
 * Try an access that may fault. True if it worked; false if it took an exception, which
 * is then in *fault. Interrupts are masked meanwhile. Any context but a fault report.
 */
bool arm64_probe_read(uint64_t address, struct arm64_fault *fault);   /* loads 4 bytes */
bool arm64_probe_read8(uint64_t address, struct arm64_fault *fault);  /* 1 byte */
bool arm64_probe_read16(uint64_t address, struct arm64_fault *fault); /* 2 bytes */
bool arm64_probe_write(uint64_t address, struct arm64_fault *fault);  /* stores 4 zero bytes */
bool arm64_probe_exec(uint64_t address, struct arm64_fault *fault);   /* calls it: it must return */
/* Run with the stack pointer at `address` and push 16 bytes, as a task does at a call. */
bool arm64_probe_push(uint64_t address, struct arm64_fault *fault);
/* Execute an undefined instruction, `brk`, `svc`, a floating-point instruction: the
 * exceptions of an instruction rather than an address. */
enum arm64_trap { ARM64_TRAP_UDF, ARM64_TRAP_BRK, ARM64_TRAP_SVC, ARM64_TRAP_FP, ARM64_TRAPS };
bool arm64_probe_trap(enum arm64_trap trap, struct arm64_fault *fault);

/*
 * Ask a debugger or emulator that offers semihosting: operation number in w0, parameter in
 * x1. False if nobody does: the instruction then traps. *result is x0 as it came back.
 */
bool arm64_semihosting(uint32_t operation, uint64_t parameter, uint64_t *result);

/* "data abort at EL1", and what a syndrome says in words ("permission fault, level 3, write"). */
const char *arm64_class_name(uint64_t esr);
size_t arm64_syndrome_text(uint64_t esr, char *text, size_t size);

/*
 * Name of the function that holds an address of the image, and the offset into it; NULL
 * if there is none. Any context.
 */
const char *arm64_symbol(uint64_t address, uint64_t *offset);
/* The registers of a frame, three a line. */
void arm64_print_registers(const struct arm64_frame *frame);
/* Print the call chain from a frame pointer. Reads only what is mapped. */
void arm64_backtrace(uint64_t pc, uint64_t frame_pointer);

/* Called by vectors.S. `vector` is the offset into the vector table. */
void arm64_exception(struct arm64_frame *frame, unsigned vector);
bool arm64_irq(struct arm64_frame *frame);
void arm64_preempt(void);

#endif
#endif
