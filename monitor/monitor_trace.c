/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor's `trace`: records of what happened to which page (<zonal/trace.h>).
 *
 *	trace               which points are on, records kept and lost
 *	trace on [NAME...]  these points, or all that pages pass; a group stands for its points:
 *	                    kmem, vmscan, compaction, migrate, cma, oom, call
 *	trace off           no point; what was recorded stays
 *	trace show [N]      the oldest N records of all CPUs in order of time, and forget them
 *
 * The rings are made when points are turned on for the first time, and stay: a CPU may be in the
 * middle of a record when they are turned off. Records come out in order of time by asking each
 * CPU for its oldest; monitor_trace_text.c prints their fields. What is recorded after `show` began
 * is left for the next one, so that it ends on a busy board too; with -j, until_ns is that moment.
 *
 * Called by the one task that runs the monitor; it is the rings' one reader.
 */
#include "monitor_command.h"

#include <string.h>

#include <zonal/trace.h>

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "lib/stop.h"
#include "mm/mm.h"
#include "monitor_trace_text.h"

typedef unsigned long long ull;

#define RING_BYTES (64u << 10)

void *(*monitor_ring_memory)(struct zonal *mm, unsigned cpu, size_t bytes);

/* Groups as 5.10's tracefs has them: up to which point each goes. */
static const struct {
	const char *name;
	unsigned first, end;
} groups[] = {
	{ "kmem", ZONAL_TRACE_PAGE_ALLOC, ZONAL_TRACE_KSWAPD_SLEEP },
	{ "vmscan", ZONAL_TRACE_KSWAPD_SLEEP, ZONAL_TRACE_TRY_COMPACT },
	{ "compaction", ZONAL_TRACE_TRY_COMPACT, ZONAL_TRACE_MIGRATE },
	{ "migrate", ZONAL_TRACE_MIGRATE, ZONAL_TRACE_CMA_ALLOC },
	{ "cma", ZONAL_TRACE_CMA_ALLOC, ZONAL_TRACE_RETRY },
	{ "oom", ZONAL_TRACE_RETRY, ZONAL_TRACE_CALL_ALLOC },
	{ "call", ZONAL_TRACE_CALL_ALLOC, ZONAL_TRACE_POINTS },
};

const char *monitor_trace_word(unsigned n)
{
	static const char *const verbs[] = { "on", "off", "show" };

	if (n < ARRAY_SIZE(verbs))
		return verbs[n];
	n -= (unsigned)ARRAY_SIZE(verbs);
	if (n < ARRAY_SIZE(groups))
		return groups[n].name;
	n -= (unsigned)ARRAY_SIZE(groups);
	return n < ZONAL_TRACE_POINTS ? zonal_trace_name(n) : NULL;
}

/* The points that a word means; 0: none. */
static uint64_t points_of(const char *word)
{
	uint64_t points = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(groups); i++)
		for (unsigned p = groups[i].first; p < groups[i].end; p++)
			if (!strcmp(word, groups[i].name) || !strcmp(word, zonal_trace_name(p)))
				points |= 1ull << p;
	return points;
}

bool trace_attach_all(struct zonal *mm, unsigned bytes)
{
	for (unsigned c = 0; c < mm->cpu_count; c++) {
		void *ring;

		if (!mm->cpu[c] || !ld_relaxed(&mm->cpu[c]->online) || zonal_trace_attached(mm, c))
			continue;
		ring = monitor_ring_memory ? monitor_ring_memory(mm, c, bytes) : NULL;
		if (!ring || zonal_trace_attach(mm, c, ring, bytes)) {
			kprintf("trace: no memory for the ring of CPU %u, %u bytes\n", c,
				bytes);
			return false;
		}
	}
	return true;
}

static int turn_on(struct zonal *mm, const struct monitor_args *args)
{
	uint64_t points = args->count > 1 ? 0 : points_of("kmem");

	ASSERT(args->count, "on is the first word");
	for (unsigned i = 1; i < args->count; i++) {
		uint64_t some = points_of(args->word[i]);

		if (!some) {
			kprintf("trace: %s: no such point; help trace names them\n", args->word[i]);
			return 1;
		}
		points |= some;
	}
	zonal_trace_on(mm, 0);
	if (!trace_attach_all(mm, RING_BYTES))
		return 1;
	zonal_trace_on(mm, points);
	return 0;
}

bool trace_oldest(struct zonal *mm, uint64_t until, struct zonal_trace_record *out)
{
	struct zonal_trace_record found;
	unsigned cpu = ZONAL_MAX_CPUS;

	ASSERT(mm->cpu_count <= ZONAL_MAX_CPUS, "%u CPUs", mm->cpu_count);
	out->time_ns = until;
	for (unsigned c = 0; c < mm->cpu_count; c++) {
		if (!zonal_trace_peek(mm, c, &found) || found.time_ns >= out->time_ns)
			continue;
		*out = found;
		cpu = c;
	}
	return cpu < ZONAL_MAX_CPUS && zonal_trace_read(mm, cpu, &found, 1) == 1;
}

static void print_record(const struct zonal_trace_record *record, bool json, bool first)
{
	if (json)
		kprintf("%s{\"ns\":%llu,\"cpu\":%u,\"task\":%u,\"event\":\"%s\"", first ? "" : ",",
			(ull)record->time_ns, record->cpu, record->task,
			zonal_trace_name(record->point));
	else
		kprintf("task-%-4u [%03u] %5llu.%06llu: %s:", record->task, record->cpu,
			(ull)(record->time_ns / 1000000000),
			(ull)(record->time_ns / 1000 % 1000000),
			zonal_trace_name(record->point));
	trace_print_fields(record, json);
	kprintf(json ? "}" : "\n");
}

static uint64_t lost(const struct zonal *mm)
{
	uint64_t sum = 0;

	for (unsigned c = 0; c < mm->cpu_count; c++)
		sum += zonal_trace_lost(mm, c);
	return sum;
}

static int show(struct zonal *mm, const struct monitor_args *args)
{
	uint64_t until = port_time_ns(), most = UINT64_MAX, shown = 0;
	struct zonal_trace_record record;

	if (args->count > 1 && !number_read_all(args->word[1], UINT64_MAX, &most)) {
		kprintf("trace: %s: not a number of records\n", args->word[1]);
		return 1;
	}
	if (args->json)
		kprintf("{\"schema\":\"zonal.trace/1\",\"records\":[");
	for (; shown < most && !zn_stop_asked() && trace_oldest(mm, until, &record); shown++)
		print_record(&record, args->json, !shown);
	if (args->json)
		kprintf("],\"shown\":%llu,\"lost\":%llu,\"until_ns\":%llu}\n", (ull)shown,
			(ull)lost(mm), (ull)until);
	else
		kprintf("%llu records, %llu lost so far\n", (ull)shown, (ull)lost(mm));
	return 0;
}

static int status(struct zonal *mm, bool json)
{
	uint64_t points = zonal_trace_points(mm);
	const char *separator = "";

	kprintf(json ? "{\"schema\":\"zonal.trace-status/1\",\"on\":[" : "on:%s",
		points ? "" : " nothing");
	for (unsigned p = 0; p < ZONAL_TRACE_POINTS; p++) {
		if (!(points >> p & 1))
			continue;
		kprintf(json ? "%s\"%s\"" : "%s %s", separator, zonal_trace_name(p));
		separator = json ? "," : "";
	}
	kprintf(json ? "],\"lost\":%llu}\n" : "\n%llu records lost so far\n", (ull)lost(mm));
	return 0;
}

int monitor_trace(struct zonal *mm, const struct monitor_args *args)
{
	const char *verb = args->count ? args->word[0] : "";

	if (!args->count)
		return status(mm, args->json);
	if (!strcmp(verb, "on"))
		return turn_on(mm, args);
	if (!strcmp(verb, "show"))
		return show(mm, args);
	if (strcmp(verb, "off") || args->count > 1) {
		kprintf("trace: %s: on [NAME...], off, or show [N]\n", verb);
		return 1;
	}
	zonal_trace_on(mm, 0);
	return 0;
}
