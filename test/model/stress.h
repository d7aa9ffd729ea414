/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_MODEL_STRESS_H
#define TEST_MODEL_STRESS_H

#include <zonal/zonal.h>

/* The last CPU stops, and comes back when CPU 0 has noticed both. It runs no longer as that CPU
 * in between. */
void cpu_stops(unsigned cpu);
/* Whoever runs as CPU 0 looks now and then whether a CPU has stopped, empties its lists and takes
 * it into service again. Aborts if it keeps pages. */
void cpu_look_after(struct zonal *mm);
/* The last CPU has no more to do; until then CPU 0 looks after it. */
void cpu_ends(void);
void cpu_wait_for_the_end(struct zonal *mm);
/* How often a CPU has stopped. */
unsigned cpu_deaths(void);

#endif
