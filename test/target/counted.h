/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A clock of instructions and a timer of its own, for tests that need to know when
 * something comes. QEMU with -icount shift=0 makes a nanosecond of each instruction.
 *
 * The timer is the physical one of EL1; the system uses the virtual one. One user at a
 * time, on one CPU.
 */
#ifndef TEST_TARGET_COUNTED_H
#define TEST_TARGET_COUNTED_H

#include <zonal/types.h>

/* Does each instruction take one nanosecond? */
bool counted(void);
/* Call fn() in interrupt context after that many instructions; 0: not any more. */
void counted_set(uint64_t instructions, void (*fn)(void));
/* In fn(): instructions between the time it was set for and its call. */
uint64_t counted_late(void);

#endif
