/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ending a run that cannot go on. For the files of arch/arm64 only.
 */
#ifndef ARM64_PANIC_H
#define ARM64_PANIC_H

#include <zonal/types.h>

/*
 * From here on this CPU is the only one that runs: claim the right to report, stop the
 * others. If another CPU has claimed it already, sleep for good. May be called again by the CPU
 * that has it. Any context.
 */
void panic_begin(void);
/* A fault while a fault is being reported: one line, then out; from the third on only out. */
void panic_nested(uint64_t esr, uint64_t elr, uint64_t far) ZN_NORETURN;
/* Print "Bail out! reason" and leave with exit status 2. */
void panic_end(const char *fmt, ...) ZN_PRINTF(1, 2) ZN_NORETURN;

#endif
