/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor's trace command: on, off, show as text and as JSON, each mistake in one line.
 *
 * Text is caught at the console sink, so these run on the host; the rings are the test's own
 * storage.
 */
#include <string.h>

#include "test/unit/mm/kt_instance.h"
#include "lib/printf.h"
#include "monitor_capture.h"
#include "monitor/monitor_command.h"
#include "test/ktest.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };

static const struct monitor_command commands[] = {
	{ "trace", "", "records", 0, MONITOR_WORDS, true, .run = monitor_trace },
};

static _Alignas(8) char memory[64 << 10];

static void *one_ring(struct zonal *mm, unsigned cpu, size_t bytes)
{
	(void)mm;
	(void)cpu;
	return bytes <= sizeof(memory) ? memory : NULL;
}

static void *no_ring(struct zonal *mm, unsigned cpu, size_t bytes)
{
	(void)mm;
	(void)cpu;
	(void)bytes;
	return NULL;
}

static const char *run(struct zonal *mm, const char *text, int wanted)
{
	const struct monitor_table table = { mm, commands, ARRAY_SIZE(commands) };
	int status;

	capture_begin();
	status = monitor_execute(&table, text, false);
	text = capture_end();
	KT_OK(status == wanted, "status %d, not %d: %s", status, wanted, text);
	return text;
}

/* A page comes and goes with the points on, and `show` says so. */
static const char *traced(struct zonal *mm, const char *show)
{
	monitor_ring_memory = one_ring;
	KT_STR_EQ(run(mm, "trace on mm_page_alloc mm_page_free", 0), "");
	zonal_free(mm, zonal_alloc(mm, GFP_KERNEL, 3), 3);
	KT_STR_EQ(run(mm, "trace off", 0), "");
	return run(mm, show, 0);
}

KTEST_F(monitor_trace, shows_records_with_fields_by_name, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&uma);
	const char *text = mm ? traced(mm, "trace show") : "";

	KT_OK(strstr(text, ": mm_page_alloc: pfn=0x") != NULL, "%s", text);
	KT_OK(strstr(text, " order=3 migratetype=0 gfp_flags=GFP_KERNEL\n") != NULL, "%s", text);
	KT_OK(strstr(text, ": mm_page_free: pfn=0x") != NULL, "%s", text);
	KT_OK(strstr(text, "\n2 records, 0 lost so far\n") != NULL, "%s", text);
	KT_STR_EQ(mm ? run(mm, "trace show", 0) : "", "0 records, 0 lost so far\n");
}

KTEST_F(monitor_trace, shows_json, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&uma);
	const char *text = mm ? traced(mm, "trace show -j") : "";

	KT_OK(strstr(text, "{\"schema\":\"zonal.trace/1\",\"records\":[{\"ns\":") == text, "%s",
	      text);
	KT_OK(strstr(text, "\"event\":\"mm_page_free\",\"pfn\":") != NULL, "%s", text);
	KT_OK(strstr(text, ",\"order\":3}],\"shown\":2,\"lost\":0}\n") != NULL, "%s", text);
}

KTEST_F(monitor_trace, shows_as_many_as_are_asked_for, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&uma);
	const char *text = mm ? traced(mm, "trace show 1") : "";

	KT_OK(strstr(text, "mm_page_alloc") && !strstr(text, "mm_page_free"), "%s", text);
	text = mm ? run(mm, "trace show 9", 0) : "";
	KT_OK(!strstr(text, "mm_page_alloc") && strstr(text, "mm_page_free"), "%s", text);
}

KTEST_F(monitor_trace, says_what_is_on, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&uma);

	if (!mm)
		return;
	monitor_ring_memory = one_ring;
	KT_STR_EQ(run(mm, "trace", 0), "on: nothing\n0 records lost so far\n");
	run(mm, "trace on reclaim_retry_zone", 0);
	KT_STR_EQ(run(mm, "trace", 0), "on: reclaim_retry_zone\n0 records lost so far\n");
	KT_STR_EQ(run(mm, "trace -j", 0),
		  "{\"schema\":\"zonal.trace-status/1\",\"on\":[\"reclaim_retry_zone\"],"
		  "\"lost\":0}\n");
	run(mm, "trace on oom", 0);
	KT_OK(strstr(run(mm, "trace", 0), "reclaim_retry_zone compact_retry mark_victim") != NULL,
	      "oom is not on");
	run(mm, "trace on", 0);
	KT_OK(strstr(run(mm, "trace", 0), "mm_page_alloc_extfrag") != NULL, "kmem is not on");
}

KTEST_F(monitor_trace, each_mistake_is_one_line_and_changes_nothing, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&uma);

	if (!mm)
		return;
	monitor_ring_memory = no_ring;
	KT_STR_EQ(run(mm, "trace on", 1),
		  "trace: no memory for the ring of CPU 0, 65536 bytes\n");
	KT_STR_EQ(run(mm, "trace on mm_page_fre", 1),
		  "trace: mm_page_fre: no such point; help trace names them\n");
	KT_STR_EQ(run(mm, "trace show x", 1), "trace: x: not a number of records\n");
	KT_STR_EQ(run(mm, "trace out", 1), "trace: out: on [NAME...], off, or show [N]\n");
	KT_STR_EQ(run(mm, "trace", 0), "on: nothing\n0 records lost so far\n");
}
