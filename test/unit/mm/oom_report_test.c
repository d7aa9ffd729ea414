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

#include <zonal/group.h>

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
	/* 4096 pages in four of the largest; one page and one block of two are taken, which leave
	 * their rests in lists of two types. */
	page = zonal_alloc(mm, GFP_HIGHUSER_MOVABLE, 0);
	block = zonal_alloc(mm, GFP_KERNEL, 1);
	zonal_drain_all(mm, NULL);
	kt_marks(kt_zone(mm, 0, ZONE_DMA), 11, 22, 33);
	for (unsigned list = 0; list < LRU_LISTS; list++)
		st_relaxed(&lru->root.list[list].count[ZONE_DMA], 100 + list);
	mm->oom.rows = 2;
	mm->oom.row[0] = (struct oom_row){ .who = { .id = 9, .name = "glutton", .pages = 70,
						    .swap = 8, .tables = 3, .adj = -5 },
					   .points = 81 };
	mm->oom.row[1] = (struct oom_row){ .who = { .id = 10, .name = "other", .pages = 1 },
					   .points = 1 };
	mm->oom.row[2] = (struct oom_row){ .who = { .name = "third" } };
	mm->oom.more = 6;
	text = report(mm, OOM_CPUSET);
	has(text, "out of memory: gfp 0x42 order 2 node 3; constraint cpuset, 1234 pages count\n");
	has(text, "node 0 DMA: free 4093, min 11 low 22 high 33, boost 0, managed 4096");
	has(text, "blocks by order 1 2 2 2 2 2 2 2 2 2 2\n");
	KT_EQ(LRU_INACTIVE_ANON, 0);
	has(text, "anon 101+100 cache 103+102,");
	has(text, "task 9 (glutton): 81 points: 70 pages, 8 in swap, 3 of page tables, adj -5\n");
	has(text, "task 10 (other): 1 points: 1 pages, 0 in swap, 0 of page tables, adj 0\n");
	KT_TRUE(!strstr(text, "third"));
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

/* ---- when there is a report ---- */

static const char *request_says(struct kt_oom *oom, bool served, unsigned kills, unsigned who)
{
	capture_begin();
	kt_oom_expect(oom, GFP_KERNEL, served, kills, who);
	return capture_end();
}

KTEST_F(rows_o, o12_a_kill_is_reported_but_not_of_one_that_ends_anyway, KT_HOST_ONLY)
{
	struct kt_oom *oom = kt_oom_full(&uma);
	const char *text;

	if (!oom)
		return;
	text = request_says(oom, true, 1, 1);
	has(text, "out of memory: gfp");
	has(text, "ended task 2 (kt)");
	kt_oom_fill(oom);
	oom->task[2].flags = ZONAL_OOM_DYING;
	text = request_says(oom, true, 2, 2);
	KT_OK(!strstr(text, "out of memory: gfp"), "reported: %s", text);
	has(text, "ended task 3 (kt)");
	kt_oom_finish(oom);
}

KTEST_F(rows_o, o13_that_nobody_can_be_ended_is_reported, KT_HOST_ONLY)
{
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	for (unsigned n = 0; n < 3; n++)
		oom->task[n].adj = ZONAL_OOM_ADJ_NEVER;
	has(request_says(oom, false, 0, 0), "out of memory: gfp");
	kt_oom_finish(oom);
}

static void ask_near(void *arg)
{
	nodemask_t near = node_bit(0);

	(void)!zonal_alloc_mask(((struct kt_oom *)arg)->mm, 0, GFP_KERNEL | __GFP_NOWARN, 0, &near);
}

/* O10: what a mask keeps from memory is no reason to panic, but that nobody can be ended is. */
KTEST(rows_o, o10_o13_panic_where_nobody_can_be_ended)
{
	static const struct kt_spec pair = {
		.ram = { { 0, KT_DMA_PFN, 2048 }, { 1, KT_DMA_PFN + 2048, 2048 } },
	};
	struct kt_oom *oom = kt_oom_full(&pair);

	if (!oom)
		return;
	for (unsigned n = 0; n < 3; n++)
		oom->task[n].adj = ZONAL_OOM_ADJ_NEVER;
	ask_near(oom);
	KT_EQ(oom->no_victim, 1);
	kt_check_all(oom->mm);
	KT_EQ(zonal_set_oom_panic(oom->mm, ZONAL_OOM_PANIC_PLAIN), 0);
	KT_TRUE(kt_panics(ask_near, oom, "no task can be ended"));
}

static bool nobody(void *ctx, uint64_t *cursor, struct zonal_oom_candidate *out)
{
	(void)ctx;
	(void)cursor;
	(void)out;
	return false;
}

static bool never(void *ctx, uint64_t id)
{
	(void)ctx;
	(void)id;
	KT_OK(false, "task %llu is ended, and there is none", (unsigned long long)id);
	return false;
}

static void passed(void *ctx, uint64_t id)
{
	(void)ctx;
	(void)id;
}

/* Who does not want to be told that nobody can be ended need not take the call. */
KTEST(rows_o, o13_the_hook_for_no_victim_may_be_left_out)
{
	static const struct zonal_oom_ops ops = { .next = nobody, .kill = never, .skip = passed };
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *chain = NULL;

	if (!mm || !KT_EQ(zonal_oom_register(mm, &ops, NULL), 0))
		return;
	kt_take_all(mm, 0, GFP_NOWAIT | __GFP_NOWARN, 0, &chain);
	KT_TRUE(!zonal_alloc(mm, GFP_KERNEL | __GFP_NOWARN, 0));
	kt_give_all(mm, chain, 0);
	kt_check_all(mm);
}

KTEST_F(rows_o, o12_a_report_of_a_group_has_what_it_uses_and_may, KT_HOST_ONLY)
{
	static struct zonal_group group;
	struct zonal *mm = kt_bare_instance(&uma);
	const struct alloc_pass pass = { .gfp = 0x42 };
	const struct alloc_req req = { .mm = mm };
	const struct oom_call call = { .mm = mm, .req = &req, .pass = &pass, .group = &group };

	if (!mm)
		return;
	group.id = 7;
	st_relaxed(&group.usage, 90);
	st_relaxed(&group.limit, 91);
	st_relaxed(&group.reclaimed, 5);
	oom_enter(mm);
	capture_begin();
	oom_report(&call);
	oom_leave(mm);
	has(capture_end(),
	    "group 7: 90 pages are charged, the limit is 91; 5 were reclaimed for it\n");
}

/* O7: a group has what its limit is, but no more than there is. */
KTEST(rows_o, o7_a_group_counts_for_as_much_as_its_limit)
{
	static const uint64_t limit[][2] = { { 91, 91 }, { 4096, 4096 }, { 5000, 4096 } };
	struct zonal *mm = kt_bare_instance(&uma);
	static struct zonal_group group;
	const struct alloc_req req = { .mm = mm, .task = port_this_cpu()->task };

	for (unsigned i = 0; mm && i < ARRAY_SIZE(limit); i++) {
		struct oom_call call = { .mm = mm, .req = &req, .group = &group };

		st_relaxed(&group.limit, limit[i][0]);
		oom_constrain(&call);
		KT_EQ(call.constraint, OOM_GROUP);
		KT_EQ(call.total, limit[i][1]);
	}
}
