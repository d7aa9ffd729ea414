/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports on small instances whose state is known: the lines of /proc to the blank, the
 * figures against what was done, and the probe's runs.
 *
 * Two nodes of 1 and 2 blocks of order 10, so that every count can be told by hand.
 * Text is caught at the console sink, so these run on the host.
 */
#include <string.h>

#include "lib/printf.h"
#include "test/unit/mm/kt_instance.h"
#include "test/unit/monitor/monitor_capture.h"
#include "report/report.h"
#include "test/ktest.h"

static const struct kt_spec two_nodes = {
	.ram = { { 0, KT_DMA_PFN, 1024 }, { 1, KT_DMA_PFN + 1024, 2048 } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
};

static const char *text_of(void (*report)(struct zonal *, bool), struct zonal *mm, bool json)
{
	capture_begin();
	report(mm, json);
	return capture_end();
}

/* The value after `key` in a text, or UINT64_MAX. */
static uint64_t value_after(const char *text, const char *key)
{
	const char *at = strstr(text, key);
	uint64_t value = 0;

	if (!at)
		return UINT64_MAX;
	for (at += strlen(key); *at == ' ' || *at == ':'; at++)
		;
	for (; *at >= '0' && *at <= '9'; at++)
		value = value * 10 + (uint64_t)(*at - '0');
	return value;
}

KTEST_F(report, buddyinfo_has_the_layout_of_proc, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&two_nodes);
	const char *text;

	if (!mm)
		return;
	text = text_of(report_buddyinfo, mm, false);
	KT_TRUE(capture_has_line(text,
				 "Node 0, zone      DMA      0      0      0      0      0      0"
				 "      0      0      0      0      1 "));
	KT_TRUE(capture_has_line(text,
				 "Node 1, zone      DMA      0      0      0      0      0      0"
				 "      0      0      0      0      2 "));
	KT_STR_EQ(text_of(report_buddyinfo, mm, true),
		  "{\"schema\":\"zonal.buddyinfo/1\",\"zones\":["
		  "{\"node\":0,\"zone\":\"DMA\",\"nr_free\":"
		  "[0,0,0,0,0,0,0,0,0,0,1]},{\"node\":1,\"zone\":\"DMA\",\"nr_free\":"
		  "[0,0,0,0,0,0,0,0,0,0,2]}]}\n");
}

KTEST_F(report, pagetypeinfo_counts_types_and_cuts_large_counts, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&two_nodes);
	struct free_list *list;
	const char *text;
	uint32_t count;

	if (!mm)
		return;
	text = text_of(report_pagetypeinfo, mm, false);
	KT_TRUE(capture_has_line(text, "Page block order: 9"));
	KT_TRUE(capture_has_line(text,
				 "Node    1, zone      DMA, type      Movable      0      0      0"
				 "      0      0      0      0      0      0      0      2 "));
	KT_TRUE(capture_has_line(text,
				 "Number of blocks type     Unmovable      Movable  Reclaimable   "
				 "HighAtomic          CMA      Isolate "));
	KT_TRUE(capture_has_line(text,
				 "Node 1, zone      DMA            0            4            0    "
				 "        0            0            0 "));
	list = &kt_zone(mm, 0, ZONE_DMA)->list[MIGRATE_MOVABLE][0];
	count = list->count;
	list->count = 100001;
	text = text_of(report_pagetypeinfo, mm, false);
	list->count = count;
	KT_TRUE(strstr(text, "type      Movable >100000      0 ") != NULL);
}

/* What a 5.10 kernel shows for a node of 1 MiB at 0x5ff00000 and one of 255 MiB at 0x50100000. */
KTEST_F(report, pagetypeinfo_counts_blocks_from_the_zones_first_page, KT_HOST_ONLY)
{
	static const struct kt_spec odd_nodes = {
		.ram = { { 0, 0x50000, 0x100 }, { 1, 0x50100, 0xfe00 }, { 2, 0x5ff00, 0x100 } },
	};
	struct zonal *mm = kt_instance(&odd_nodes);
	const char *text;

	if (!mm)
		return;
	text = text_of(report_pagetypeinfo, mm, false);
	KT_TRUE(capture_has_line(text,
				 "Node 0, zone      DMA            0            1            0    "
				 "        0            0            0 "));
	KT_TRUE(capture_has_line(text,
				 "Node 1, zone      DMA            0          127            0    "
				 "        0            0            0 "));
	KT_TRUE(capture_has_line(text,
				 "Node 2, zone      DMA            0            1            0    "
				 "        0            0            0 "));
	kt_free_all();
	mm = kt_instance(&(struct kt_spec){ .ram = { { 0, 0x50100, 0xff00 } } });
	if (!mm)
		return;
	text = text_of(report_pagetypeinfo, mm, true);
	KT_TRUE(strstr(text, "\"Movable\":128") != NULL);
}

KTEST_F(report, zoneinfo_marks_have_the_boost_in_text_and_not_in_json, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&two_nodes);
	struct zone *zone;
	const char *text;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	kt_marks(zone, 10, 20, 30);
	st_relaxed(&zone->boost, 5);
	text = text_of(report_zoneinfo, mm, false);
	KT_TRUE(capture_has_line(text, "Node 0, zone      DMA"));
	KT_TRUE(capture_has_line(text, "  pages free     1024"));
	KT_TRUE(capture_has_line(text, "        min      15"));
	KT_TRUE(capture_has_line(text, "        low      25"));
	KT_TRUE(capture_has_line(text, "        high     35"));
	KT_TRUE(capture_has_line(text, "        boost    5"));
	KT_TRUE(capture_has_line(text, "        protection: (0, 0, 0, 0)"));
	KT_TRUE(capture_has_line(text, "    cpu: 1"));
	KT_TRUE(capture_has_line(text, "  start_pfn:           262144"));
	text = text_of(report_zoneinfo, mm, true);
	st_relaxed(&zone->boost, 0);
	KT_EQ(value_after(text, "\"min\""), 10);
	KT_EQ(value_after(text, "\"high\""), 30);
	KT_EQ(value_after(text, "\"boost\""), 5);
	KT_EQ(value_after(text, "\"managed\""), 1024);
}

KTEST_F(report, vmstat_counts_pages_and_blocks, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&two_nodes);
	struct page *page;
	const char *text;

	if (!mm)
		return;
	page = zonal_alloc_node(mm, 0, GFP_KERNEL, 2);
	text = text_of(report_vmstat, mm, false);
	KT_EQ(value_after(text, "pgalloc_dma"), 4);
	KT_EQ(value_after(text, "numa_hit"), 1);
	KT_EQ(value_after(text, "numa_local"), 1);
	KT_EQ(value_after(text, "pgfree"), 0);
	zonal_free(mm, page, 2);
	text = text_of(report_vmstat, mm, true);
	KT_EQ(value_after(text, "\"pgfree\""), 4);
	KT_EQ(value_after(text, "\"nr_free_pages\""), 3072);
}

KTEST_F(report, numastat_has_a_column_a_node, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&two_nodes);
	struct page *near, *far;
	const char *text;

	if (!mm)
		return;
	near = zonal_alloc_node(mm, 0, GFP_KERNEL, 1);
	far = zonal_alloc_node(mm, 1, GFP_KERNEL, 1);
	text = text_of(report_numastat, mm, false);
	KT_TRUE(capture_has_line(text, "                           node0           node1"));
	KT_TRUE(capture_has_line(text, "numa_hit                       1               1"));
	KT_TRUE(capture_has_line(text, "local_node                     1               0"));
	KT_TRUE(capture_has_line(text, "other_node                     0               1"));
	zonal_free(mm, near, 1);
	zonal_free(mm, far, 1);
}

KTEST_F(report, why_names_the_newest_failure_of_any_cpu, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&two_nodes);
	struct page *first, *second = NULL;
	const char *text;

	if (!mm)
		return;
	KT_STR_EQ(text_of(report_why, mm, false), "no request has failed\n");
	kt_marks(kt_zone(mm, 0, ZONE_DMA), 5000, 5000, 5000);
	kt_marks(kt_zone(mm, 1, ZONE_DMA), 5000, 5000, 5000);
	first = zonal_alloc_node(mm, 0, GFP_NOWAIT | __GFP_NOWARN, 10);
	if (KT_TRUE(kt_cpu(1)))
		second = zonal_alloc_node(mm, 1, GFP_NOWAIT | __GFP_THISNODE | __GFP_NOWARN, 9);
	kt_cpu(0);
	KT_TRUE(!first && !second);
	text = text_of(report_why, mm, true);
	KT_EQ(value_after(text, "\"order\""), 9);
	KT_EQ(value_after(text, "\"cpu\""), kt_cpu_id(1));
	KT_TRUE(strstr(text, "\"gfp\":\"GFP_NOWAIT|__GFP_NOWARN|__GFP_THISNODE\"") != NULL);
	KT_TRUE(strstr(text, "\"node\":1,\"zone\":\"DMA\",\"refusal\":\"below watermark\"") !=
		NULL);
	text = text_of(report_why, mm, false);
	KT_TRUE(strstr(text, "  Node 1, zone      DMA  below watermark, short by ") != NULL);
}

/* The "tried" of the line and the "steps" of the object, after one request. */
static void expect_steps(struct zonal *mm, const char *line, const char *steps)
{
	const char *text = text_of(report_why, mm, true);

	KT_OK(strstr(text, steps) != NULL, "no %s in %s", steps, text);
	text = text_of(report_why, mm, false);
	KT_OK(strstr(text, line) != NULL, "no %s in %s", line, text);
}

KTEST_F(report, why_names_the_step_that_refused_at_the_door, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&two_nodes);

	if (!mm)
		return;
	KT_TRUE(!zonal_alloc_node(mm, 0, GFP_KERNEL | __GFP_DMA | __GFP_HIGHMEM | __GFP_NOWARN, 0));
	expect_steps(mm, ": two zones or two mobilities asked at once\n",
		     "\"steps\":[\"bad-flags\"]");
	KT_TRUE(!zonal_alloc_node(mm, 0, GFP_KERNEL | __GFP_NOWARN, MAX_ORDER));
	expect_steps(mm, ": order is not below the largest\n", "\"steps\":[\"bad-order\"]");
	KT_TRUE(!zonal_alloc_node(mm, 9, GFP_KERNEL | __GFP_NOWARN, 0));
	expect_steps(mm, ": no such node online\n", "\"steps\":[\"bad-node\"]");
	zonal_inject(mm, 0, 1);
	KT_TRUE(!zonal_alloc_node(mm, 0, GFP_KERNEL, 0));
	expect_steps(mm, ": failed on purpose\n", "\"steps\":[\"injected\"]");
}

KTEST_F(report, why_names_only_passes_that_were_made, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&two_nodes);
	const nodemask_t nowhere = node_bit(5);

	if (!mm)
		return;
	/* No zone lies within the mask, so nothing was walked. */
	KT_TRUE(!zonal_alloc_mask(mm, 0, GFP_NOWAIT | __GFP_NOWARN, 0, &nowhere));
	expect_steps(mm, "node 1 DMA not in node mask\n", "\"steps\":[]");
	kt_marks(kt_zone(mm, 0, ZONE_DMA), 5000, 5000, 5000);
	kt_marks(kt_zone(mm, 1, ZONE_DMA), 5000, 5000, 5000);
	KT_TRUE(!zonal_alloc_node(mm, 0, GFP_NOWAIT | __GFP_NOWARN, 0));
	expect_steps(mm, "; tried low, min, kswapd\n",
		     "\"steps\":[\"fast\",\"min\",\"kswapd\"]");
}

KTEST_F(report, probe_shows_runs_and_gives_all_back, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&two_nodes);
	const char *text;
	bool good;

	if (!mm)
		return;
	kt_no_marks(mm);
	capture_begin();
	good = report_probe(mm, GFP_KERNEL, 8, 1, true);
	text = capture_end();
	KT_TRUE(good);
	KT_TRUE(strstr(text, "{\"schema\":\"zonal.probe/1\",\"gfp\":") == text);
	/* Waiting was taken out; the far node serves after the near one. */
	KT_TRUE(strstr(text, "\"order\":8,\"nid\":1,\"before\":[{\"node\":0,") != NULL);
	KT_EQ(value_after(strstr(text, "\"after\""), "\"free\""), 0);
	KT_TRUE(strstr(text, "\"runs\":[[1,0,8],[0,0,4]]") != NULL ||
		strstr(text, "\"runs\":[[1,0,7],[0,0,3]") != NULL);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)) + kt_free(kt_zone(mm, 1, ZONE_DMA)), 3072);
	kt_check_all(mm);
}

KTEST_F(report, probe_refuses_what_cannot_end, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&two_nodes);
	bool order, node, nofail;

	if (!mm)
		return;
	capture_begin();
	order = report_probe(mm, GFP_NOWAIT, MAX_ORDER, 0, false);
	node = report_probe(mm, GFP_NOWAIT, 0, 2, false);
	nofail = report_probe(mm, GFP_NOWAIT | __GFP_NOFAIL, 0, 0, false);
	capture_end();
	KT_TRUE(!order);
	KT_TRUE(!node);
	KT_TRUE(!nofail);
}

KTEST_F(report, limits_show_names_and_use, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&two_nodes);
	const char *text;
	char row[80];

	if (!mm)
		return;
	capture_begin();
	report_limits(mm, NULL, false);
	text = capture_end();
	zn_snprintf(row, sizeof(row), "ZONAL_MAX_NODES               2 of %12d  node ids",
		    ZONAL_MAX_NODES);
	KT_TRUE(capture_has_line(text, row));
	capture_begin();
	report_meta(mm, true);
	text = capture_end();
	KT_EQ(value_after(text, "\"page_bytes\""), 32);
	KT_EQ(value_after(text, "\"managed\""), 3072);
}

KTEST_F(report, panic_report_shows_orders_and_types, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&two_nodes);
	const char *text;

	if (!mm)
		return;
	/* The lock is held, as it may be when a CPU dies; the report must not wait for it. */
	kt_lock_elsewhere(kt_zone(mm, 0, ZONE_DMA));
	capture_begin();
	report_panic(mm);
	text = capture_end();
	kt_unlock_elsewhere(kt_zone(mm, 0, ZONE_DMA));
	KT_TRUE(strstr(text, " locked\n") != NULL);
	KT_TRUE(strstr(text, "Node 1 DMA: 0*4kB 0*8kB ") != NULL);
	KT_TRUE(strstr(text, " 2*4096kB (M)\n") != NULL);
}
