/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an image that was entered at EL3 left there (boot/el3.S), and the pen where cores wait.
 *
 * Without EL3 arm64_owns_secure() is false and nothing else of the secure part may be called.
 */
#ifndef ARM64_SECURE_H
#define ARM64_SECURE_H

#include "lib/mpidr.h"

/* Numbers of the SMC calling convention (Arm DEN 0028): fast, 64-bit, owner 3, "OEM". */
#define SECURE_WRITE 0xc3000000
#define SECURE_READ 0xc3000001
#define SECURE_CLOCK 0xc3000002
#define SECURE_FAULT (-2)

/* Offsets in struct pen_slot, checked by pen.c. */
#define PEN_MPIDR 0
#define PEN_CONTEXT 8
#define PEN_BYTES 16

#ifndef __ASSEMBLER__

#include <zonal/types.h>

/* Was the image entered at EL3, so that no firmware has set up what only EL3 can? Constant. */
bool arm64_owns_secure(void);

/*
 * One access of 32 bits to a device as the secure world sees it, with which all before and all
 * after is in order. False: nobody answers there. Any context.
 */
bool arm64_secure_write(uint64_t phys, uint32_t value) ZN_MUST_USE;
bool arm64_secure_read(uint64_t phys, uint32_t *value) ZN_MUST_USE;
/* This CPU's CNTFRQ_EL0. */
void arm64_secure_clock(uint64_t frequency_hz);

/*
 * CPU `cpu`, which arm64_cpu_prepare() has made ready, may leave the pen if it is there or
 * comes there later. Any CPU, one at a time.
 */
void arm64_pen_release(unsigned cpu);
/* Where a CPU enters the pen, MMU off. */
uint64_t arm64_pen_entry_phys(void);
/* What this CPU wrote there is in memory, for those that read past the caches; then wake
 * all that wait for an event. */
void arm64_clean_and_wake(const void *va, size_t bytes);

#endif
#endif
