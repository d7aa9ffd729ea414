/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last rung (rows O): who is ended, when nobody is, and what comes of it.
 *
 * Boards are full to the last page, by tasks of kt_oom.h. With all marks at 0 a request finds a
 * page exactly if somebody gave one back.
 */
#include "kt_cache.h"
#include "kt_oom.h"

#include <zonal/contig.h>

#include "mm/oom/oom.h"
#include "mm/watermark.h"

#define PAGES 4096u

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, PAGES } } };
static const struct kt_spec pair = {
	.ram = { { 0, KT_DMA_PFN, 2048 }, { 1, KT_DMA_PFN + 2048, 2048 } },
};

KTEST(rows_o, o8_o12_most_points_go_and_each_kill_is_counted)
{
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	kt_oom_expect(oom, GFP_KERNEL, true, 1, 1);
	kt_oom_fill(oom);
	kt_oom_expect(oom, GFP_KERNEL, true, 2, 2);
	kt_oom_finish(oom);
}

KTEST(rows_o, o8_points_are_pages_swap_tables_and_adj)
{
	static const struct {
		uint64_t swap, tables;
		int adj;
	} more[] = { { 201, 0, 0 }, { 0, 201, 0 }, { 100, 101, 0 }, { 0, 0, 51 } };

	for (unsigned i = 0; i < ARRAY_SIZE(more); i++) {
		struct kt_oom *oom = kt_oom_full(&uma);

		if (!oom)
			return;
		/* 100 pages and 201 more, or 51 times 4: more than the 300 of number 1 */
		oom->task[0].swap = more[i].swap;
		oom->task[0].tables = more[i].tables;
		oom->task[0].adj = more[i].adj;
		kt_oom_expect(oom, GFP_KERNEL, true, 1, 0);
		kt_oom_finish(oom);
	}
}

KTEST(rows_o, o8_of_equals_the_one_told_of_last)
{
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	oom->task[2].tables = 100;
	kt_oom_expect(oom, GFP_KERNEL, true, 1, 2);
	kt_oom_finish(oom);
}

KTEST(rows_o, o8_who_is_passed_over)
{
	static const struct {
		unsigned flags;
		int adj;
	} table[] = {
		{ ZONAL_OOM_NEVER, 0 },
		{ ZONAL_OOM_STARTING, 0 },
		{ ZONAL_OOM_VICTIM | ZONAL_OOM_REAPED, 0 },
		{ 0, ZONAL_OOM_ADJ_NEVER },
		{ 0, -100 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		struct kt_oom *oom = kt_oom_full(&uma);

		if (!oom)
			return;
		oom->task[1].flags = table[i].flags;
		oom->task[1].adj = table[i].adj;
		kt_oom_expect(oom, GFP_KERNEL, true, 1, 2);
		kt_oom_finish(oom);
	}
}

KTEST(rows_o, o3_requests_for_which_nobody_is_ended)
{
	static const gfp_t table[] = {
		GFP_KERNEL | __GFP_RETRY_MAYFAIL, GFP_KERNEL | __GFP_THISNODE, GFP_KERNEL | GFP_DMA,
		GFP_KERNEL | __GFP_DMA32,	  GFP_KERNEL | __GFP_NORETRY,  GFP_NOWAIT,
		GFP_ATOMIC,
	};
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
		kt_oom_expect(oom, table[i], false, 0, 0);
	KT_TRUE(!zonal_alloc(oom->mm, GFP_KERNEL | __GFP_NOWARN, 4));
	KT_TRUE(!zonal_alloc(oom->mm, GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL, 4));
	KT_EQ(oom->kills, 0);
	kt_oom_expect(oom, GFP_KERNEL, true, 1, 1);
	kt_oom_finish(oom);
}

/* O6: without __GFP_FS others must ask, and it ends all the same (bounded, unlike 5.10). */
KTEST(rows_o, o6_without_fs_nobody_is_ended)
{
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	kt_oom_expect(oom, GFP_NOFS, false, 0, 0);
	kt_oom_expect(oom, GFP_NOIO, false, 0, 0);
	KT_EQ(oom->walks, 0);
	kt_oom_finish(oom);
}

static uint64_t freed_by_notifier;
static struct kt_oom *notified;

static uint64_t give_one(struct zonal_oom_notifier *self)
{
	(void)self;
	if (!freed_by_notifier)
		return 0;
	/* number 0 gives up what it has without being ended */
	kt_oom_end(notified, 0);
	freed_by_notifier = 0;
	return 100;
}

KTEST(rows_o, o6_notifiers_come_first_and_turned_off_is_off)
{
	struct zonal_oom_notifier one = { .freed = give_one };
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	notified = oom;
	zonal_oom_notify(oom->mm, &one);
	freed_by_notifier = 100;
	zonal_set_oom(oom->mm, false);
	kt_oom_expect(oom, GFP_KERNEL, false, 0, 0);
	KT_EQ(freed_by_notifier, 100);
	zonal_set_oom(oom->mm, true);
	kt_oom_expect(oom, GFP_KERNEL, true, 0, 0);
	kt_oom_fill(oom);
	kt_oom_expect(oom, GFP_KERNEL, true, 1, 1);
	zonal_oom_ignore(oom->mm, &one);
	kt_oom_fill(oom);
	freed_by_notifier = 100;
	kt_oom_expect(oom, GFP_KERNEL, true, 2, 2);
	KT_EQ(freed_by_notifier, 100);
	kt_oom_finish(oom);
}

/* O6, L7: who is dying anyway takes of the reserves, and nobody is ended for it. */
KTEST(rows_o, o6_who_is_dying_becomes_the_victim)
{
	struct kt_oom *oom = kt_oom_full(&uma);
	struct zone *zone;

	if (!oom)
		return;
	zone = kt_zone(oom->mm, 0, ZONE_DMA);
	kt_oom_end(oom, 0);
	zonal_drain_all(oom->mm, NULL);
	kt_marks(zone, 150, 1000, 2000);
	kt_oom_be(oom, 2);
	zonal_task_fate(oom->task[2].memory, ZONAL_FATE_DYING);
	kt_oom_expect(oom, GFP_KERNEL, true, 0, 0);
	KT_TRUE(ld_relaxed(&oom->task[2].memory->fate) & ZONAL_FATE_VICTIM);
	kt_oom_be_self();
	/* the rest of the board is above half of MIN for a victim, and not for others */
	zonal_set_oom(oom->mm, false);
	kt_oom_expect(oom, GFP_KERNEL, false, 0, 0);
	kt_oom_finish(oom);
}

/* O5: a victim for which half of the reserve is not enough does not wait for itself. */
KTEST(rows_o, o5_a_victim_fails_instead_of_looping)
{
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	kt_oom_be(oom, 1);
	zonal_task_fate(oom->task[1].memory, ZONAL_FATE_VICTIM);
	oom->task[1].flags = ZONAL_OOM_VICTIM;
	kt_oom_expect(oom, GFP_KERNEL, false, 0, 0);
	kt_oom_expect(oom, GFP_KERNEL | __GFP_NOMEMALLOC, false, 0, 0);
	/* the choice was stopped by the victim, once for each */
	KT_EQ(oom->walks, 2);
	kt_oom_finish(oom);
}

KTEST(rows_o, o9_a_victim_with_memory_is_waited_for_and_nobody_else_ended)
{
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	oom->slow = true;
	oom->walks_left = 4;
	kt_oom_expect(oom, GFP_KERNEL, port_nap != NULL, 1, 1);
	KT_TRUE(oom->woken == 1);
	KT_TRUE(!port_nap || oom->walks == 4);
	kt_oom_finish(oom);
}

KTEST(rows_o, o6_kill_the_asker_if_told_so)
{
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	zonal_set_oom_kill_asker(oom->mm, true);
	kt_oom_be(oom, 0);
	kt_oom_expect(oom, GFP_KERNEL, true, 1, 0);
	kt_oom_be(oom, 2);
	oom->task[2].adj = ZONAL_OOM_ADJ_NEVER;
	kt_oom_fill(oom);
	kt_oom_expect(oom, GFP_KERNEL, true, 2, 1);
	kt_oom_finish(oom);
}

KTEST(rows_o, o1_busy_is_progress_and_nobody_else_is_chosen)
{
	struct kt_oom *oom = kt_oom_full(&uma);
	struct alloc_pass pass = { .gfp = GFP_KERNEL, .nodemask = NODEMASK_ALL,
				   .cpuset = NODEMASK_ALL };
	struct alloc_req req;
	struct oom_tries tries = { 0 };

	if (!oom)
		return;
	req = (struct alloc_req){ .mm = oom->mm, .task = port_this_cpu()->task,
				  .list = &oom->mm->node[0]->fallback, .gfp = GFP_KERNEL,
				  .nodemask = NODEMASK_ALL, .high_zone = ZONE_NORMAL };
	oom_enter(oom->mm);
	KT_TRUE(!oom_make_room(&req, &pass, &tries));
	KT_TRUE(tries.progress);
	KT_EQ(oom->walks, 0);
	oom_leave(oom->mm);
	KT_TRUE(!oom_make_room(&req, &pass, &tries));
	KT_TRUE(tries.progress);
	KT_EQ(oom->kills, 1);
	kt_oom_finish(oom);
}

/* O2: what lies above HIGH by now serves, and nobody is ended for it; what is below stays. */
KTEST(rows_o, o2_one_look_above_high_before_anybody_is_ended)
{
	struct kt_oom *oom = kt_oom_full(&uma);
	struct alloc_pass pass = { .gfp = GFP_KERNEL, .nodemask = NODEMASK_ALL,
				   .cpuset = NODEMASK_ALL };
	struct oom_tries tries = { 0 };
	struct alloc_req req;
	struct page *page;

	if (!oom)
		return;
	req = (struct alloc_req){ .mm = oom->mm, .task = port_this_cpu()->task,
				  .list = &oom->mm->node[0]->fallback, .gfp = GFP_KERNEL,
				  .nodemask = NODEMASK_ALL, .high_zone = ZONE_NORMAL };
	kt_oom_end(oom, 0);
	zonal_drain_all(oom->mm, NULL);
	kt_marks(kt_zone(oom->mm, 0, ZONE_DMA), 10, 20, 101);
	page = oom_make_room(&req, &pass, &tries);
	KT_TRUE(!page);
	KT_EQ(oom->kills, 1);
	zonal_drain_all(oom->mm, NULL);
	page = oom_make_room(&req, &pass, &tries);
	KT_TRUE(page);
	KT_EQ(oom->kills, 1);
	zonal_free(oom->mm, page, 0);
	kt_oom_finish(oom);
}

/* O4: behind a kill, NOFAIL takes what is there, whatever the marks. */
KTEST(rows_o, o4_nofail_takes_without_marks_behind_a_kill)
{
	struct kt_oom *oom = kt_oom_full(&uma);
	struct page *page;

	if (!oom)
		return;
	kt_close_zone(kt_zone(oom->mm, 0, ZONE_DMA));
	page = zonal_alloc(oom->mm, GFP_KERNEL | __GFP_NOFAIL, 0);
	KT_TRUE(page);
	KT_EQ(oom->kills, 1);
	zonal_free(oom->mm, page, 0);
	kt_oom_finish(oom);
}

/* L16: one for which nobody is ended may go below MIN by a quarter, if it may not fail. */
KTEST(rows_l, l16_nofail_without_a_kill_takes_a_quarter_of_the_reserve)
{
	struct kt_oom *oom = kt_oom_full(&uma);
	struct page *page;

	if (!oom)
		return;
	kt_oom_end(oom, 0);
	zonal_drain_all(oom->mm, NULL);
	kt_marks(kt_zone(oom->mm, 0, ZONE_DMA), 120, 120, 120);
	(void)zonal_kswapd_turn(oom->mm, 0, false);
	page = zonal_alloc_node(oom->mm, 0, GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, 0);
	KT_TRUE(!page);
	page = zonal_alloc_node(oom->mm, 0, GFP_KERNEL | __GFP_THISNODE | __GFP_NOFAIL, 0);
	KT_TRUE(page);
	KT_EQ(oom->kills, 0);
	zonal_free(oom->mm, page, 0);
	kt_oom_finish(oom);
}

/* O7: with a nodemask, who is bound elsewhere is not asked; in a cpuset, who lives elsewhere. */
KTEST(rows_o, o7_constraint_by_policy_and_cpuset)
{
	nodemask_t one = node_bit(1);
	struct kt_oom *oom = kt_oom_full(&pair);
	struct zonal_task saved, *task = kt_task_save(&saved);
	struct page *page;

	if (!oom)
		return;
	KT_EQ(zonal_set_policy(oom->mm, oom->task[1].memory, MPOL_BIND, 0, node_bit(0)), 0);
	page = zonal_alloc_mask(oom->mm, 0, GFP_KERNEL | __GFP_NOWARN, 0, &one);
	KT_EQ(oom->killed[0], 2);
	zonal_free(oom->mm, page, 0);
	kt_oom_fill(oom);
	KT_EQ(zonal_set_policy(oom->mm, oom->task[1].memory, MPOL_DEFAULT, 0, 0), 0);
	KT_EQ(zonal_task_set_mems(oom->mm, oom->task[1].memory, node_bit(0)), 0);
	KT_EQ(zonal_task_set_mems(oom->mm, task, node_bit(1)), 0);
	kt_oom_expect(oom, GFP_USER, oom->kills == 1, 2, 0);
	kt_task_restore(&saved);
	kt_oom_fill(oom);
	kt_oom_expect(oom, GFP_USER, true, 3, 1);
	kt_oom_end_all(oom);
	kt_check_all(oom->mm);
}

/* Total pages of O7: only the allowed nodes count for adj. */
KTEST(rows_o, o7_total_pages_by_constraint)
{
	struct kt_oom *oom = kt_oom_full(&pair);
	struct zonal_task saved, *task = kt_task_save(&saved);
	struct alloc_pass pass = { .gfp = GFP_USER, .nodemask = NODEMASK_ALL };
	struct oom_call call = { .pass = &pass };
	struct alloc_req req;

	if (!oom)
		return;
	req = (struct alloc_req){ .mm = oom->mm, .task = task, .gfp = GFP_USER,
				  .list = &oom->mm->node[0]->fallback, .high_zone = ZONE_NORMAL };
	call.mm = oom->mm;
	call.req = &req;
	oom_constrain(&call);
	KT_EQ(call.constraint, OOM_NONE);
	KT_EQ(call.total, 4096);
	pass.nodemask = node_bit(1);
	oom_constrain(&call);
	KT_EQ(call.constraint, OOM_POLICY);
	KT_EQ(call.total, 2048);
	pass.gfp |= __GFP_THISNODE;
	oom_constrain(&call);
	KT_EQ(call.constraint, OOM_NONE);
	pass = (struct alloc_pass){ .gfp = GFP_USER, .nodemask = NODEMASK_ALL };
	KT_EQ(zonal_task_set_mems(oom->mm, task, node_bit(1)), 0);
	oom_constrain(&call);
	KT_EQ(call.constraint, OOM_CPUSET);
	KT_EQ(call.total, 2048);
	/* without a wall it can go elsewhere */
	pass.gfp = GFP_KERNEL;
	oom_constrain(&call);
	KT_EQ(call.constraint, OOM_NONE);
	kt_task_restore(&saved);
	kt_oom_end_all(oom);
}

/* O1: a notifier that is taken off twice leaves the others where they are. */
KTEST(rows_o, o6_a_notifier_that_is_not_there_cannot_be_taken_off)
{
	struct zonal_oom_notifier first = { .freed = give_one }, second = { .freed = give_one };
	struct zonal *mm = kt_bare_instance(&uma);

	if (!mm)
		return;
	zonal_oom_notify(mm, &first);
	zonal_oom_notify(mm, &second);
	zonal_oom_ignore(mm, &second);
	zonal_oom_ignore(mm, &second);
	KT_TRUE(mm->oom.notifiers == &first && !first.next);
	zonal_oom_ignore(mm, &first);
	KT_TRUE(!mm->oom.notifiers);
}

KTEST(rows_o, o6_hooks_that_ask_for_memory_do_not_come_here_again)
{
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	oom->asks_inside = true;
	kt_oom_expect(oom, GFP_KERNEL, true, 1, 1);
	KT_EQ(oom->walks, 1);
	kt_oom_finish(oom);
}

/* A5, O3: who empties a range on a full board ends nobody for room to move its pages to. */
KTEST(rows_o, o3_nobody_is_ended_for_a_range)
{
	const pfn_t range = KT_DMA_PFN + PAGES / 2;
	struct zonal *mm = kt_bare_instance(&uma);
	struct kt_oom *oom = kt_oom(mm);
	struct kt_cache *cache = oom ? kt_cache(mm, ZONAL_CACHE, PAGES) : NULL;
	unsigned inside = 0;

	if (!cache)
		return;
	kt_oom_task(oom, 300, 0);
	kt_cache_fill(cache, 0, GFP_NOWAIT | __GFP_HIGHMEM | __GFP_MOVABLE | __GFP_NOWARN, PAGES);
	for (unsigned i = 0; i < cache->count; i++) {
		cache->place[i].give = ZONAL_GIVE_BUSY;
		inside += cache->place[i].page->pfn - range < 1024;
	}
	KT_EQ(inside, 1024);
	KT_EQ(zonal_alloc_contig_range(mm, range, 1024, GFP_KERNEL), ZONAL_EBUSY);
	KT_TRUE(cache->asked_give > 0);
	KT_EQ(oom->kills, 0);
	kt_oom_expect(oom, GFP_KERNEL, true, 1, 0);
	kt_cache_drop_all(cache);
	kt_oom_finish(oom);
}

/* O3: eight pages in a row are the most that somebody is ended for. */
KTEST(rows_o, o3_the_largest_block_that_is_not_costly_is_worth_a_kill)
{
	struct kt_oom *oom = kt_oom_full(&uma);
	struct page *page;

	if (!oom)
		return;
	page = zonal_alloc(oom->mm, GFP_KERNEL | __GFP_NOWARN, 3);
	KT_TRUE(oom->kills > 0);
	zonal_free(oom->mm, page, 3);
	kt_oom_finish(oom);
}
