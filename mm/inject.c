/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Failures made on purpose (D19): after `skip` requests, `times` requests fail before any
 * zone is asked, as if memory were out (G10). __GFP_NOFAIL is spared.
 *
 * A port that has port_injected() is told of each failure, by the task or handler that gets it:
 * it can say by the chain of calls whose request that was.
 *
 * Both counters are counted down without a lock by every request that comes to the gate;
 * who finds nothing left to do closes it. Numbers beyond 2^63 - 1 are as good as that.
 */
#include "alloc.h"

void zonal_inject(struct zonal *mm, uint64_t skip, uint64_t times)
{
	/* Counted down below zero by late comers, so the counters have a sign. */
	st_relaxed(&mm->inject_skip, (int64_t)ZN_MIN(skip, (uint64_t)INT64_MAX));
	st_relaxed(&mm->inject_times, (int64_t)ZN_MIN(times, (uint64_t)INT64_MAX));
	if (times)
		fetch_or_acq_rel(&mm->gates, GATE_INJECT);
	else
		fetch_and_acq_rel(&mm->gates, ~GATE_INJECT);
}

bool failure_injected(struct zonal *mm)
{
	if (atomic_fetch_sub_explicit(&mm->inject_skip, 1, memory_order_relaxed) > 0)
		return false;
	if (atomic_fetch_sub_explicit(&mm->inject_times, 1, memory_order_relaxed) > 0) {
		if (port_injected)
			port_injected();
		return true;
	}
	fetch_and_acq_rel(&mm->gates, ~GATE_INJECT);
	return false;
}
