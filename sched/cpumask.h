/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A set of CPUs, one bit each. Plain data, passed by pointer, no locks.
 */
#ifndef SCHED_CPUMASK_H
#define SCHED_CPUMASK_H

#include <zonal/types.h>

#include "lib/assert.h"

#define CPUMASK_WORDS ((ZONAL_MAX_CPUS + 63) / 64)

struct cpumask {
	uint64_t word[CPUMASK_WORDS];
};

static inline void cpumask_add(struct cpumask *mask, unsigned cpu)
{
	ASSERT(cpu < ZONAL_MAX_CPUS, "CPU %u, ZONAL_MAX_CPUS is %u", cpu, ZONAL_MAX_CPUS);
	mask->word[cpu / 64] |= (uint64_t)1 << (cpu % 64);
}

static inline bool cpumask_has(const struct cpumask *mask, unsigned cpu)
{
	return cpu < ZONAL_MAX_CPUS && ((mask->word[cpu / 64] >> (cpu % 64)) & 1);
}

/* The set that holds `cpu` alone. */
static inline struct cpumask cpumask_of(unsigned cpu)
{
	struct cpumask mask = { { 0 } };

	cpumask_add(&mask, cpu);
	return mask;
}

/* Every CPU that a table of ZONAL_MAX_CPUS can name. */
static inline struct cpumask cpumask_full(void)
{
	struct cpumask mask;

	for (unsigned i = 0; i < CPUMASK_WORDS; i++)
		mask.word[i] = UINT64_MAX;
	return mask;
}

static inline unsigned cpumask_count(const struct cpumask *mask)
{
	unsigned count = 0;

	for (unsigned i = 0; i < CPUMASK_WORDS; i++)
		count += nodemask_count(mask->word[i]);
	return count;
}

#endif
