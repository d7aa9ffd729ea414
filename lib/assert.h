/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Assertions: what a function relies on, said where it relies on it.
 *
 *	ASSERT(cond, fmt, ...)   in every build but one that must be small above all
 *	                         (ZONAL_ASSERTS=0). For what is cheap, off the hot paths, or
 *	                         would go on to corrupt: state, order, zone, list ends.
 *	DASSERT(cond, fmt, ...)  with ZONAL_DEBUG=1 only. For hot paths and for whatever
 *	                         costs more than a comparison.
 *
 * A failed one is a panic that names file, line, condition and the values in `fmt`. The
 * condition must have no side effect: a build without debug does not evaluate DASSERT's,
 * but compiles it, so that it cannot rot.
 *
 * Context: any, locks held or not. A panic takes no lock and does not return.
 */
#ifndef LIB_ASSERT_H
#define LIB_ASSERT_H

#include <zonal/port.h>

#define ASSERT(cond, fmt, ...)                                                                     \
	do {                                                                                       \
		if (ZONAL_ASSERTS && unlikely(!(cond)))                                          \
			port_panic("%s:%d: %s does not hold: " fmt, __FILE__, __LINE__, #cond,     \
				   ##__VA_ARGS__);                                                 \
	} while (0)

#define DASSERT(cond, fmt, ...)                                                                    \
	do {                                                                                       \
		if (ZONAL_DEBUG)                                                                   \
			ASSERT(cond, fmt, ##__VA_ARGS__);                                          \
	} while (0)

/* What every owner of per-CPU data and every holder of a zone lock relies on (T2). */
#define DASSERT_MASKED() DASSERT(port_irqs_masked(), "interrupts are open")

#endif
