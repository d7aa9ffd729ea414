/* SPDX-License-Identifier: BSD-2-Clause */
/* The generic timer: set-up calls, for the platform only. See platform.h for the rest. */
#ifndef DRIVERS_TIMER_H
#define DRIVERS_TIMER_H

#include <zonal/types.h>

/* Fix the counter's frequency; from here on time is right. Before interrupts. */
bool timer_clock_start(void);
/* Attach the timer's interrupt, this CPU's part too. After irq_start(). */
bool timer_start(void);
/* This CPU's part. After irq_start_cpu(). */
void timer_start_cpu(void);

/* Counter ticks that last at least `ns` at `hz`; UINT64_MAX if that is more than can be counted. */
uint64_t timer_ticks_for(uint64_t ns, uint32_t hz);

#endif
