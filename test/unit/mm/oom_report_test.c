/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is said when memory has run out: the request and what keeps it, each zone with its marks,
 * lists and blocks, the tasks by their points; and that a flood of lacks stays readable.
 *
 * The text is read where the console can be caught. Numbers are set by hand where a board of this
 * size has none.
 */
#include "kt_oom.h"

#include <string.h>

#include "mm/oom/oom.h"
#include "mm/reclaim/lists.h"
#include "test/unit/monitor/monitor_capture.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };

/* The report of a lack of memory of the task that runs the test, none if it may not be printed. */
static const char *report(struct zonal *mm, enum oom_constraint constraint)
{
	const struct alloc_pass pass = { .gfp = 0x42 };
	const struct alloc_req req = { .mm = mm, .order = 2, .nid = 3 };
	const struct oom_call call = { .mm = mm, .req = &req, .pass = &pass,
				       .constraint = constraint, .total = 1234 };

	oom_enter(mm);
	mm->oom.report_ns = mm->oom.report_ns ? port_time_ns() : 0;
	capture_begin();
	oom_report(&call);
	oom_leave(mm);
	return capture_end();
}

static bool has(const char *text, const char *what)
{
	return KT_OK(strstr(text, what), "\"%s\" is not in: %s", what, text);
}

KTEST_F(rows_o, o12_a_report_has_the_request_the_zones_and_the_tasks, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct lru *lru = mm ? &mm->node[0]->reclaim.lru : NULL;
	struct page *page, *block;
	const char *text;

	if (!mm)
		return;
	/* 4096 pages in four of the largest; one page and one block of two are taken. */
	page = zonal_alloc(mm, GFP_HIGHUSER_MOVABLE, 0);
	block = zonal_alloc(mm, GFP_HIGHUSER_MOVABLE, 1);
	zonal_drain_all(mm, NULL);
	kt_marks(kt_zone(mm, 0, ZONE_DMA), 11, 22, 33);
	for (unsigned list = 0; list < LRU_LISTS; list++)
		st_relaxed(&lru->root.list[list].count[ZONE_DMA], 100 + list);
	mm->oom.rows = 1;
	mm->oom.row[0] = (struct oom_row){ .who = { .id = 9, .name = "glutton", .pages = 70,
						    .swap = 8, .tables = 3, .adj = -5 },
					   .points = 81 };
	mm->oom.more = 6;
	text = report(mm, OOM_CPUSET);
	has(text, "out of memory: gfp 0x42 order 2 node 3; constraint cpuset, 1234 pages count\n");
	has(text, "node 0 DMA: free 4093, min 11 low 22 high 33, boost 0, managed 4096");
	has(text, "blocks by order 1 0 1 1 1 1 1 1 1 1 3\n");
	KT_EQ(LRU_INACTIVE_ANON, 0);
	has(text, "anon 101+100 cache 103+102,");
	has(text, "task 9 (glutton): 81 points: 70 pages, 8 in swap, 3 of page tables, adj -5\n");
	has(text, "and 6 tasks with fewer points\n");
	for (unsigned list = 0; list < LRU_LISTS; list++)
		st_relaxed(&lru->root.list[list].count[ZONE_DMA], 0);
	mm->oom.rows = 0;
	mm->oom.more = 0;
	KT_TRUE(!strstr(report(mm, OOM_NONE), "tasks with fewer"));
	kt_marks(kt_zone(mm, 0, ZONE_DMA), 0, 0, 0);
	zonal_free(mm, page, 0);
	zonal_free(mm, block, 1);
	kt_check_all(mm);
}

KTEST_F(rows_o, o12_ten_reports_in_five_seconds_and_then_more_again, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&uma);

	if (!mm)
		return;
	for (unsigned i = 0; i < 14; i++)
		KT_EQ(!!*report(mm, OOM_NONE), i < 10);
	/* They began more than five seconds ago. */
	oom_enter(mm);
	mm->oom.report_ns = 0;
	oom_leave(mm);
	KT_TRUE(*report(mm, OOM_NONE));
	KT_TRUE(*report(mm, OOM_NONE));
}
