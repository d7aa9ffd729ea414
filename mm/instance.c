/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instance as such: its size, and what it knows of the CPUs that call.
 *
 * An instance is built for a number of CPUs (zonal_config.cpu_count), and each of them has
 * its lists and counters. A call from another one can neither be served nor counted; it
 * is a fault of the port or of the configuration, and is said so on every path.
 */
#include "mm.h"

size_t zonal_sizeof(void) { return sizeof(struct zonal); }

void mm_unknown_cpu(const struct zonal *mm, unsigned cpu)
{
	port_panic("zonal: call on CPU %u, but zonal_init() was told of CPUs 0 to %u", cpu,
		   mm->cpu_count - 1);
}
