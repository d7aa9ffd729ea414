/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations on the board of the differential test: tunables, failures made on purpose, CPUs that
 * die.
 *
 * What hangs on a tunable is worked out by verify.c once more. What is injected is counted down by
 * ops.c as requests come.
 */
#include "press.h"

/* S10: each tunable recomputes what hangs on it from the managed pages of now. */
bool op_tunable(struct model *m)
{
	struct zonal_options *o = &m->config.options;
	unsigned value = 1 + m_below(m, 2048), way = m_below(m, 4);
	uint64_t kbytes = 0;
	int error, want = 0;

	snprintf(m->last, sizeof(m->last), "CPU %u: tunable %u, %u", m->cpu, way, value);
	if (way == 0) {
		/* More than there is makes no sense and is refused. */
		for (unsigned zid = 0; zid < M_ZIDS; zid++)
			kbytes += m->tally[zid].managed * (PAGE_SIZE / 1024);
		want = value > kbytes ? ZONAL_EINVAL : 0;
		error = zonal_set_min_free_kbytes(m->mm, value);
	} else if (way == 1) {
		o->watermark_scale_factor = value;
		error = zonal_set_watermark_scale(m->mm, value);
	} else if (way == 2) {
		error = zonal_set_watermark_boost(m->mm, value * 16);
	} else {
		o->lowmem_reserve_ratio[1] = value / 32;
		error = zonal_set_reserve_ratio(m->mm, ZONE_DMA32, value / 32);
	}
	if (error != want)
		return m_fail(m, "gives %d, not %d", error, want);
	if (way == 3)
		return verify_reserves(m);
	return way == 2 || want || verify_marks(m, m->mm->min_free_kbytes);
}

bool op_inject(struct model *m)
{
	m->inject_skip = m_below(m, 20);
	m->inject_times = m_below(m, 4);
	press.loose = m->press && m->inject_times;
	snprintf(m->last, sizeof(m->last), "inject");
	zonal_inject(m->mm, m->inject_skip, m->inject_times);
	return true;
}

bool op_cpu(struct model *m)
{
	unsigned cpu = m_below(m, m->cpu_count);

	if (cpu == m->cpu)
		return true;
	snprintf(m->last, sizeof(m->last), "CPU %u dies and comes back", cpu);
	zonal_cpu_dead(m->mm, cpu);
	for (unsigned z = 0; z < M_ZIDS; z++)
		if (m->mm->zone[z] && ld_relaxed(&m->mm->cpu[cpu]->pcp[z].count))
			return m_fail(m, "it keeps pages of zone %u", z);
	if (m->mm->cpu[cpu]->store.pages)
		return m_fail(m, "it keeps pages of a group");
	zonal_cpu_online(m->mm, cpu);
	return true;
}
