/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_ON_CPU_H
#define MM_ON_CPU_H

#include <zonal/port.h>

/* Run fn(arg), masked, on CPU `c`: here, or by asking it. False: it is offline and nothing ran.
 * Context: not masked, no lock; the caller may move to another CPU meanwhile. */
static inline bool run_on_cpu(unsigned c, void (*fn)(void *arg), void *arg)
{
	port_irqflags_t irq = port_irq_save();
	bool here = port_this_cpu()->id == c;

	if (here)
		fn(arg);
	port_irq_restore(irq);
	return here || port_call_cpu(c, fn, arg);
}

#endif
