/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generic timer: time, and one deadline a CPU. Set-up is for the platform. Deadlines are
 * absolute nanoseconds of timer_now_ns().
 */
#ifndef DRIVERS_TIMER_H
#define DRIVERS_TIMER_H

#include <zonal/types.h>

/* Fix the counter's frequency; from here on time is right. Before interrupts. */
bool timer_clock_start(void);
/* Attach the timer's interrupt, this CPU's part too; `tick` is called on the CPU whose deadline
 * has come, in interrupt context. After irq_start(). */
bool timer_start(void (*tick)(void));
/* This CPU's part. After irq_start_cpu(). */
void timer_start_cpu(void);

/* Nanoseconds since the counter started. Any context, any CPU. */
uint64_t timer_now_ns(void);
/* Call `tick` on this CPU at `deadline_ns`; 0: not at all. Masked. */
void timer_set_deadline(uint64_t deadline_ns);
/* How often the timer of `cpu` has fired. */
uint64_t timer_fired_count(unsigned cpu);
uint32_t timer_frequency_hz(void);

/* Counter ticks that last at least `ns` at `hz`; UINT64_MAX if that is more than can be counted. */
uint64_t timer_ticks_for(uint64_t ns, uint32_t hz);

#endif
