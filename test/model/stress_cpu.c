/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A CPU that dies and comes back while all others go on.
 *
 * As hotplug does it: the CPU stops by itself, with whatever its lists hold, and from then on
 * nothing runs there and calls to it are refused. Another one says so (zonal_cpu_dead()),
 * always CPU 0, as tunables and these two have one caller at a time; the others may be in the
 * middle of a drain of the CPU that went. What the dead one wrote last is seen by who empties its
 * lists, and what that one wrote by the CPU when it comes back, through `state` alone: a store
 * that releases and a load that acquires.
 */
#include "stress.h"

#include <stdio.h>
#include <stdlib.h>

#include <zonal/port.h>

#include "mm/mm.h"

enum state { RUNS, HAS_STOPPED, MAY_COME_BACK };

static _Atomic unsigned state, stopped; /* `stopped`: which */
static _Atomic bool ended;
static unsigned deaths; /* CPU 0's */

void cpu_stops(unsigned cpu)
{
	host_cpu_stop();
	atomic_store_explicit(&stopped, cpu, memory_order_relaxed);
	atomic_store_explicit(&state, HAS_STOPPED, memory_order_release);
	while (atomic_load_explicit(&state, memory_order_acquire) != MAY_COME_BACK)
		sched_yield();
	host_cpu_attach(cpu);
	atomic_store_explicit(&state, RUNS, memory_order_relaxed);
}

void cpu_look_after(struct zonal *mm)
{
	struct zone *zone;
	unsigned cpu, zid;

	if (atomic_load_explicit(&state, memory_order_acquire) != HAS_STOPPED)
		return;
	cpu = atomic_load_explicit(&stopped, memory_order_relaxed);
	zonal_cpu_dead(mm, cpu);
	mm_for_each_zone(mm, zid, zone) {
		if (!ld_relaxed(&mm->cpu[cpu]->pcp[zid].count))
			continue;
		printf("not ok 1 - stress.threads\n# CPU %u is dead and keeps pages of zone %u\n",
		       cpu, zid);
		exit(1);
	}
	zonal_cpu_online(mm, cpu);
	deaths++;
	atomic_store_explicit(&state, MAY_COME_BACK, memory_order_release);
}

void cpu_ends(void) { atomic_store_explicit(&ended, true, memory_order_release); }

void cpu_wait_for_the_end(struct zonal *mm)
{
	while (!atomic_load_explicit(&ended, memory_order_acquire)) {
		cpu_look_after(mm);
		port_relax();
	}
}

unsigned cpu_deaths(void) { return deaths; }
