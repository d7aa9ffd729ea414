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

void gate_set(struct zonal *mm, uint32_t gates, bool on)
{
	uint32_t now;

	if (on)
		now = fetch_or_acq_rel(&mm->gates, gates) | gates;
	else
		now = fetch_and_acq_rel(&mm->gates, ~gates) & ~gates;
	st_relaxed(&mm->plain_span, now & GATE_FREES ? 0 : mm->map_span);
}

void mm_unknown_cpu(const struct zonal *mm, unsigned cpu)
{
	port_panic("zonal: call on CPU %u, but zonal_init() was told of CPUs 0 to %u", cpu,
		   mm->cpu_count - 1);
}
