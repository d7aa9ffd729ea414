/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `why`: the newest failed request, what each zone said to it and what came of each step.
 *
 * The allocator keeps one record a CPU, written with interrupts masked by that CPU
 * alone. To read a whole record and not half of two, each CPU is asked to copy its
 * own, by a call that runs there in interrupt context; the one with the highest
 * serial number is the newest. CPUs that are not online have none.
 *
 * Context: task, not masked, since CPUs are called. Locks: none.
 */
#include "report.h"

#include <zonal/names.h>

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "report_gfp.h"

typedef unsigned long long ull;

struct newest {
	struct zonal *mm;
	int cpu; /* -1: no failure yet */
	struct zonal_failure failure;
};

/* On the CPU that is asked. The caller waits for it, so `arg` is touched by one CPU at a time. */
static void keep_newest(void *arg)
{
	struct newest *best = arg;
	unsigned cpu = port_this_cpu()->id;
	const struct zonal_failure *mine;

	DASSERT_MASKED();
	ASSERT(cpu < ZONAL_MAX_CPUS && best->mm->cpu[cpu], "CPU %u is not the instance's", cpu);
	mine = &best->mm->cpu[cpu]->failure;
	if (mine->serial > best->failure.serial) {
		zonal_last_failure(best->mm, &best->failure);
		best->cpu = (int)cpu;
	}
}

static void print_steps_json(uint32_t steps)
{
	const struct zonal_step *step;
	const char *comma = "";

	kprintf(",\"steps\":[");
	for (unsigned i = 0; (step = zonal_step(i)); i++) {
		if (!(steps & step->bit))
			continue;
		kprintf("%s\"%s\"", comma, step->name);
		comma = ",";
	}
	kprintf("]");
}

static void print_nodes_json(const char *name, zonal_nodemask_t nodes)
{
	const char *comma = "";

	kprintf(",\"%s\":[", name);
	for (unsigned nid = 0; nid < ZONAL_MAX_NODES; nid++) {
		if (!(nodes >> nid & 1))
			continue;
		kprintf("%s%u", comma, nid);
		comma = ",";
	}
	kprintf("]");
}

/* Beside "steps", one for one; then the numbers. */
static void print_outcomes_json(const struct zonal_failure *f)
{
	const struct zonal_outcomes *out = &f->outcome;
	const struct zonal_step *step;
	const char *comma = "";
	char text[160];

	kprintf(",\"outcomes\":[");
	for (unsigned i = 0; (step = zonal_step(i)); i++) {
		if (!(f->steps & step->bit))
			continue;
		zonal_step_outcome(f, step->bit, text, sizeof(text));
		kprintf("%s\"%s\"", comma, text);
		comma = ",";
	}
	zonal_end_text(f, text, sizeof(text));
	kprintf("],\"ended\":\"%s\",\"ended_text\":\"%s\",\"retry\":\"%s\",\"oom\":\"%s\",",
		zonal_end_name(out->end), text, zonal_retry_name(out->retry),
		zonal_oom_end_name(out->oom));
	kprintf("\"kills\":%u,\"victim\":%llu,\"naps\":%u,\"reclaim_runs\":%u,", out->kills,
		(ull)out->victim, out->naps, out->reclaim_runs);
	kprintf("\"compact_runs\":%u,\"compact_moved\":%u,\"compact_failed\":%u",
		out->compact_runs, out->compact_moved, out->compact_failed);
	print_nodes_json("kswapd_asked", out->kswapd_asked);
	print_nodes_json("kswapd_in_need", out->kswapd_in_need);
	print_nodes_json("kswapd_hopeless", out->kswapd_hopeless);
}

static void json_failure(const struct zonal_failure *f, int cpu)
{
	char gfp[GFP_TEXT_BYTES];
	unsigned i;

	ASSERT(f->zone_count <= ARRAY_SIZE(f->zone), "%u zones in a record", f->zone_count);
	gfp_text(f->gfp, gfp, sizeof(gfp));
	kprintf("{\"schema\":\"zonal.why/1\",\"serial\":%llu,\"cpu\":%d,\"gfp\":\"%s\","
		"\"gfp_bits\":\"%x\",\"order\":%u,",
		(ull)f->serial, cpu, gfp, f->gfp, f->order);
	kprintf("\"policy\":%u,\"nid\":%d", f->policy, f->nid);
	print_steps_json(f->steps);
	kprintf(",\"rounds\":%u,\"scanned\":%llu,\"reclaimed\":%llu", f->rounds, (ull)f->scanned,
		(ull)f->reclaimed);
	if (f->steps & ZSTEP_COMPACT)
		kprintf(",\"compaction\":\"%s\",\"compact_priority\":%u",
			zonal_compact_name(f->compacted), f->compact_priority);
	print_outcomes_json(f);
	kprintf(",\"zones\":[");
	for (i = 0; i < f->zone_count && i < ARRAY_SIZE(f->zone); i++)
		kprintf("%s{\"node\":%u,\"zone\":\"%s\",\"refusal\":\"%s\",\"short_pages\":%lld,"
			"\"at_low\":\"%s\",\"at_min\":\"%s\"}",
			i ? "," : "", f->zone[i].zid / ZONE_TYPES,
			zonal_zone_name(f->zone[i].zid % ZONE_TYPES),
			zonal_refusal_name(f->zone[i].refusal), (long long)f->zone[i].short_pages,
			zonal_refusal_name(f->zone[i].low), zonal_refusal_name(f->zone[i].min));
	kprintf("],\"zones_more\":%u}\n", f->zones_more);
}

/* One line a step, the outcomes below each other. */
static void text_steps(const struct zonal_failure *f)
{
	const struct zonal_step *step;
	char text[160];

	for (unsigned i = 0; (step = zonal_step(i)); i++) {
		if (!(f->steps & step->bit) || step->door)
			continue;
		zonal_step_outcome(f, step->bit, text, sizeof(text));
		kprintf("  %-9s %s\n", step->name, text);
	}
	zonal_end_text(f, text, sizeof(text));
	kprintf("  %-9s %s\n", "ended", text);
}

static void text_failure(const struct zonal *mm, const struct zonal_failure *f, int cpu)
{
	char text[512];
	unsigned i;

	ASSERT(f->zone_count <= ARRAY_SIZE(f->zone), "%u zones in a record", f->zone_count);
	zonal_failure_text(mm, f, text, sizeof(text));
	kprintf("%s\n", text);
	gfp_text(f->gfp, text, sizeof(text));
	kprintf("  failure %llu, CPU %d: %s, order %u\n", (ull)f->serial, cpu, text, f->order);
	for (i = 0; i < f->zone_count && i < ARRAY_SIZE(f->zone); i++) {
		kprintf("  Node %u, zone %8s  %s", f->zone[i].zid / ZONE_TYPES,
			zonal_zone_name(f->zone[i].zid % ZONE_TYPES),
			zonal_refusal_name(f->zone[i].refusal));
		if (f->zone[i].refusal == REFUSED_WATERMARK)
			kprintf(", short by %lld pages", (long long)f->zone[i].short_pages);
		kprintf("\n");
	}
	text_steps(f);
	if (f->zones_more)
		kprintf("  %u zones farther away are not recorded (ZONAL_FAILURE_ZONES)\n",
			f->zones_more);
}

void report_why(struct zonal *mm, bool json)
{
	struct newest best = { .mm = mm, .cpu = -1 };
	unsigned cpu;

	ASSERT(!port_irqs_masked(), "CPUs cannot be called with interrupts masked");
	for (cpu = 0; cpu < mm->cpu_count; cpu++) {
		if (mm->cpu[cpu] && ld_relaxed(&mm->cpu[cpu]->online))
			port_call_cpu(cpu, keep_newest, &best);
	}
	if (json)
		json_failure(&best.failure, best.cpu);
	else if (best.cpu < 0)
		kprintf("no request has failed\n");
	else
		text_failure(mm, &best.failure, best.cpu);
}
