/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The `tasks` command: every task, as a table or as one line of JSON.
 *
 * It copies a few tasks at a time under the registry lock and prints without
 * it, so a slow console keeps nobody from creating tasks; a task that ends
 * meanwhile may be listed, one that begins is.
 */
#include <zonal/names.h>

#include "lib/json.h"
#include "lib/kprintf.h"
#include "lib/stop.h"
#include "sched_internal.h"

enum { REPORT_BATCH = 8 };

const char *task_state_name(enum task_state state)
{
	switch (state) {
	case TASK_NEW: return "new";
	case TASK_READY: return "ready";
	case TASK_RUNNING: return "running";
	case TASK_BLOCKED: return "blocked";
	case TASK_MOVING: return "moving";
	case TASK_DEAD: return "dead";
	default: return "?";
	}
}

static void print_text(const struct task_info *info)
{
	kprintf("%6llu %-23s %4u %4u %-8s %4d %-10s %12llu %9llu\n",
		(unsigned long long)info->id, info->name, info->cpu, info->priority,
		task_state_name(info->state), info->nid, zonal_policy_name(info->policy),
		(unsigned long long)(info->runtime_ns / 1000), (unsigned long long)info->switches);
}

static void print_json(const struct task_info *info, bool first)
{
	kprintf("%s{\"id\":%llu,\"name\":", first ? "" : ",", (unsigned long long)info->id);
	zn_print_json(info->name);
	kprintf(",\"cpu\":%u,\"priority\":%u,\"state\":\"%s\",\"node\":%d,\"policy\":\"%s\",",
		info->cpu, info->priority, task_state_name(info->state), info->nid,
		zonal_policy_name(info->policy));
	kprintf("\"realtime\":%s,\"runtime_ns\":%llu,\"switches\":%llu}",
		info->flags & ZTASK_REALTIME ? "true" : "false",
		(unsigned long long)info->runtime_ns, (unsigned long long)info->switches);
}

void sched_read_counts(unsigned cpu, struct sched_counts *out)
{
	struct run_queue *queue = &run_queues[cpu];

	ASSERT(cpu < run_queue_count, "CPU %u of %u", cpu, run_queue_count);
	out->switches = ld_relaxed(&queue->switches);
	out->steals = ld_relaxed(&queue->steals);
	out->ticks = ld_relaxed(&queue->ticks);
	out->preemptions = ld_relaxed(&queue->preemptions);
	out->slices = ld_relaxed(&queue->slices);
	out->idle_ns = ld_relaxed(&queue->idle_ns);
}

static void report_cpu(unsigned cpu, bool json, bool first)
{
	struct sched_counts counts;

	sched_read_counts(cpu, &counts);
	kprintf(json ? "%s{\"cpu\":%u,\"switches\":%llu,\"steals\":%llu," :
		       "%scpu %u: switches %llu, steals %llu, ",
		json && !first ? "," : "", cpu, (unsigned long long)counts.switches,
		(unsigned long long)counts.steals);
	kprintf(json ? "\"ticks\":%llu,\"preemptions\":%llu,\"idle_ns\":%llu}" :
		       "ticks %llu, preemptions %llu, idle %llu ns\n",
		(unsigned long long)counts.ticks, (unsigned long long)counts.preemptions,
		(unsigned long long)counts.idle_ns);
}

static void report_cpus(bool json)
{
	bool first = true;

	for (unsigned cpu = 0; cpu < run_queue_count; cpu++) {
		if (!sched_cpu_online(cpu))
			continue;
		report_cpu(cpu, json, first);
		first = false;
	}
}

void sched_report(bool json)
{
	struct task_info info[REPORT_BATCH];
	uint64_t after = 0;
	unsigned count;

	if (json)
		kprintf("{\"schema\":\"zonal.tasks/1\",\"tasks\":[");
	else
		kprintf("%6s %-23s %4s %4s %-8s %4s %-10s %12s %9s\n", "id", "name", "cpu", "prio",
			"state", "node", "policy", "runtime_us", "switches");
	while (!zn_stop_asked() && (count = sched_list(after, info, REPORT_BATCH)) != 0) {
		for (unsigned i = 0; i < count; i++) {
			if (json)
				print_json(&info[i], after == 0 && i == 0);
			else
				print_text(&info[i]);
		}
		after = info[count - 1].id;
	}
	if (json)
		kprintf("],\"cpus\":[");
	report_cpus(json);
	if (json)
		kprintf("]}\n");
}
