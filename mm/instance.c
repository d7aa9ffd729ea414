/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instance as such: its size, and what it knows of the CPUs that call.
 *
 * An instance is built for a number of CPUs (zonal_config.cpu_count), and each of them has
 * its lists and counters. A call from another one can neither be served nor counted; it
 * is a fault of the port or of the configuration, and is said so on every path. So is a call before
 * zonal_init(), when there are no CPUs at all.
 *
 * A call from one that is known but was not announced (zonal_cpu_online()), or is dead, is
 * served, but what then lies in its lists is lost to everybody else: it is reported when the lists
 * are filled or give back.
 */
#include "init.h"

#include <zonal/version.h>

#include "page_check.h"
#include "pcp.h"

size_t zonal_sizeof(void) { return sizeof(struct zonal); }

uint64_t zonal_abi(void) { return ZONAL_ABI; }

void instance_plain_frees(struct zonal *mm)
{
	uint32_t closed;
	struct zone *zone;
	unsigned zid;

	/* Somebody may set or clear another gate meanwhile, and would have looked before this
	 * was written: look again behind it. */
	do {
		closed = fetch_or_acq_rel(&mm->gates, 0) & GATE_FREES;
		mm_for_each_zone(mm, zid, zone) {
			mm->plain[zid & (RUN_SLOTS - 1)].first = zone->run.first;
			st_relaxed(&mm->plain[zid & (RUN_SLOTS - 1)].pages,
				   closed ? 0 : ld_relaxed(&zone->run.pages));
		}
	} while ((fetch_or_acq_rel(&mm->gates, 0) & GATE_FREES) != closed);
}

void gate_set(struct zonal *mm, uint32_t gates, bool on)
{
	if (on)
		fetch_or_acq_rel(&mm->gates, gates);
	else
		fetch_and_acq_rel(&mm->gates, ~gates);
	if (gates & GATE_FREES)
		instance_plain_frees(mm);
}

int instance_check(const struct zonal *mm)
{
	const unsigned char *byte = (const unsigned char *)mm;
	size_t i = 0;

	while (mm && i < sizeof(*mm) && !byte[i])
		i++;
	if (mm && i == sizeof(*mm))
		return 0;
	port_log("zonal: the instance at 0x%llx: it must be zeroed memory, and none yet",
		 (unsigned long long)(uintptr_t)mm);
	return ZONAL_EINVAL;
}

void pcp_announce(struct zonal *mm, unsigned cpu, bool on)
{
	struct zone *zone;
	unsigned zid;

	ASSERT(cpu < mm->cpu_count && mm->cpu[cpu], "CPU %u of %u", cpu, mm->cpu_count);
	mm_for_each_zone(mm, zid, zone)
		st_relaxed(&mm->cpu[cpu]->pcp[zid].announced, on);
}

void mm_unannounced_cpu(struct zonal *mm)
{
	fetch_add_relaxed(&mm->bad, 1);
	if (page_may_report(mm))
		port_log("zonal: call on CPU %u, which zonal_cpu_online() was not told of: its "
			 "lists are never drained",
			 (unsigned)port_this_cpu()->id);
}

void mm_unknown_cpu(const struct zonal *mm, unsigned cpu)
{
	if (!mm->cpu_count)
		port_panic("zonal: call on CPU %u before zonal_init()", cpu);
	port_panic("zonal: call on CPU %u, but zonal_init() was told of CPUs 0 to %u", cpu,
		   mm->cpu_count - 1);
}
