/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor's trace command: on, off, show as text and as JSON, each mistake in one line.
 *
 * Text is caught at the console sink, so these run on the host; the rings are the test's own
 * storage.
 */
#include <string.h>

#include <zonal/oom.h>

#include "test/unit/mm/kt_instance.h"
#include "lib/printf.h"
#include "monitor_capture.h"
#include "mm/trace.h"
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
	uint64_t before = port_time_ns(), until = 0;
	const char *text = mm ? traced(mm, "trace show -j") : "", *end;

	KT_OK(strstr(text, "{\"schema\":\"zonal.trace/1\",\"records\":[{\"ns\":") == text, "%s",
	      text);
	KT_OK(strstr(text, "\"event\":\"mm_page_free\",\"pfn\":") != NULL, "%s", text);
	end = strstr(text, ",\"order\":3}],\"shown\":2,\"lost\":0,\"until_ns\":");
	KT_OK(end != NULL, "%s", text);
	/* The moment of `show`, which a log gives to what was printed beside it. */
	for (end = end ? strrchr(end, ':') + 1 : ""; *end >= '0' && *end <= '9'; end++)
		until = until * 10 + (uint64_t)(*end - '0');
	KT_OK(until >= before && until <= port_time_ns(), "%s", text);
	KT_STR_EQ(end, "}\n");
}

KTEST_F(monitor_trace, shows_as_many_as_are_asked_for, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&uma);
	const char *text = mm ? traced(mm, "trace show 1") : "";

	KT_OK(strstr(text, "mm_page_alloc") && !strstr(text, "mm_page_free"), "%s", text);
	text = mm ? run(mm, "trace show 9", 0) : "";
	KT_OK(!strstr(text, "mm_page_alloc") && strstr(text, "mm_page_free"), "%s", text);
}

/* A record with these fields, as `show` prints it from its name on. */
static const char *shown(struct zonal *mm, unsigned point, const uint32_t *field, unsigned count,
			 const char *show)
{
	const char *text;

	monitor_ring_memory = one_ring;
	run(mm, "trace on", 0);
	trace_write(mm, point, field, count);
	run(mm, "trace off", 0);
	text = run(mm, show, 0);
	return strstr(text, zonal_trace_name(point));
}

KTEST_F(monitor_trace, words_stand_for_numbers_in_text_and_numbers_in_json, KT_HOST_ONLY)
{
	static const uint32_t isolate[] = { 2, 0, 32, 40, 8, 32, 0, 2 };
	static const uint32_t finished[] = { 0, 2, (uint32_t)-1, 5 };
	static const uint32_t retry[] = { 9, 1, 1, 2, 4, 1 };
	static const uint32_t moved[] = { 3, 1, 0, 0, 0, 2, 6 };
	static const uint32_t page[] = { 0xfffffff0, 10 };
	static const struct {
		unsigned point;
		const uint32_t *field;
		unsigned count;
		const char *text, *json;
	} table[] = {
		{ ZONAL_TRACE_LRU_ISOLATE, isolate, 8,
		  "nr_skipped=8 nr_taken=32 isolate_mode=0 lru=inactive_file\n", "\"lru\":2}" },
		{ ZONAL_TRACE_COMPACT_FINISHED, finished, 4, "idx=2 order=-1 ret=complete\n",
		  "\"order\":-1,\"ret\":5}" },
		{ ZONAL_TRACE_COMPACT_RETRY, retry, 6, "result=skipped retries=2 max_retries=4 "
		  "ret=1\n", "\"result\":1,\"retries\":2,\"max_retries\":4,\"ret\":1}" },
		{ ZONAL_TRACE_MIGRATE, moved, 7, "mode=MIGRATE_SYNC reason=contig_range\n",
		  "\"mode\":2,\"reason\":6}" },
		{ ZONAL_TRACE_WRITEPAGE, page, 2,
		  "pfn=0xfffffff0 reclaim_flags=RECLAIM_WB_FILE|RECLAIM_WB_ASYNC\n",
		  "\"pfn\":4294967280,\"reclaim_flags\":10}" },
	};
	struct zonal *mm = kt_instance(&uma);

	for (unsigned i = 0; mm && i < ARRAY_SIZE(table); i++) {
		const char *text = shown(mm, table[i].point, table[i].field, table[i].count,
					 "trace show");

		KT_OK(text && strstr(text, table[i].text), "%s", text);
		text = shown(mm, table[i].point, table[i].field, table[i].count, "trace show -j");
		KT_OK(text && strstr(text, table[i].json), "%s", text);
	}
}

/* Nothing in a name ends the string, or the line. */
KTEST_F(monitor_trace, a_name_is_text_in_both_forms, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&uma);
	const char *text;

	if (!mm)
		return;
	monitor_ring_memory = one_ring;
	run(mm, "trace on oom_score_adj_update", 0);
	zonal_oom_adjusted(mm, 7, "press", -1000);
	zonal_oom_adjusted(mm, 8, "a\"b\\c\n\x80" "d", 3);
	zonal_oom_adjusted(mm, 9, "", 0);
	text = run(mm, "trace show 1", 0);
	KT_OK(strstr(text, ": pid=7 comm=press oom_score_adj=-1000\n") != NULL, "%s", text);
	text = run(mm, "trace show -j", 0);
	KT_OK(strstr(text, "\"pid\":8,\"comm\":\"a?b?c??d\",\"oom_score_adj\":3}") != NULL, "%s",
	      text);
	KT_OK(strstr(text, "\"pid\":9,\"comm\":\"\",\"oom_score_adj\":0}]") != NULL, "%s", text);
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
	KT_OK(strstr(run(mm, "trace", 0), "compact_retry oom_score_adj_update mark_victim") != NULL,
	      "oom is not on");
	run(mm, "trace on migrate cma", 0);
	KT_STR_EQ(run(mm, "trace", 0),
		  "on: mm_migrate_pages cma_alloc cma_release\n0 records lost so far\n");
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
