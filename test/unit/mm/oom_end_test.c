/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Around the last rung: the reaper, the ends without a victim, what a wrong call gets, and many
 * tasks at once (rows O10, O11, O13, K18).
 *
 * Times are not waited for: a case makes the victims due by hand.
 */
#include "kt_cache.h"
#include "kt_oom.h"
#include "port_watch.h"

#include <zonal/group.h>

#include "mm/oom/oom.h"

#define PAGES 4096u

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, PAGES } } };

static const struct kt_spec pair = {
	.ram = { { 0, KT_DMA_PFN, 2048 }, { 1, KT_DMA_PFN + 2048, 2048 } },
};

static void make_due(struct kt_oom *oom)
{
	for (unsigned i = 0; i < OOM_VICTIMS; i++)
		oom->mm->oom.victim[i].due_ns = 0;
}

static void watch(struct kt_oom *oom, unsigned n)
{
	oom->task[n].flags |= ZONAL_OOM_VICTIM;
	oom_enter(oom->mm);
	oom_watch(oom->mm, n + 1);
	oom_leave(oom->mm);
}

KTEST(rows_o, o11_a_victim_is_reaped_when_its_time_is_over)
{
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	KT_EQ(zonal_oom_reaper_turn(oom->mm), UINT64_MAX);
	watch(oom, 1);
	KT_EQ(oom->woken, 1);
	KT_TRUE(zonal_oom_reaper_turn(oom->mm) <= 2000000000ull);
	KT_EQ(oom->reaped, 0);
	make_due(oom);
	KT_EQ(zonal_oom_reaper_turn(oom->mm), UINT64_MAX);
	KT_EQ(oom->reaped, 1);
	KT_EQ(oom->skipped, 1);
	KT_EQ(oom->task[1].count, 0);
	kt_oom_expect(oom, GFP_KERNEL, true, 0, 0);
	kt_oom_finish(oom);
}

KTEST(rows_o, o11_ten_tries_and_then_the_next_one)
{
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	oom->stuck = true;
	watch(oom, 1);
	watch(oom, 1); /* once is enough */
	for (unsigned i = 0; i < 11; i++) {
		make_due(oom);
		KT_TRUE(zonal_oom_reaper_turn(oom->mm) >= (i < 9 ? 1 : UINT64_MAX));
	}
	KT_EQ(oom->reaped, 10);
	KT_EQ(oom->skipped, 1);
	kt_oom_expect(oom, GFP_KERNEL, true, 1, 2);
	kt_oom_finish(oom);
}

KTEST(rows_o, o13_no_victim_is_a_failure_and_the_hook)
{
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	for (unsigned n = 0; n < 3; n++)
		oom->task[n].adj = ZONAL_OOM_ADJ_NEVER;
	kt_oom_expect(oom, GFP_KERNEL, false, 0, 0);
	KT_EQ(oom->no_victim, 1);
	kt_oom_finish(oom);
}

#define PLAIN ZONAL_OOM_PANIC_PLAIN

static void ask_in_vain(void *arg)
{
	struct kt_oom *oom = arg;

	(void)!zonal_alloc(oom->mm, GFP_KERNEL | __GFP_NOWARN, 0);
}

/* A board that nobody uses behind the panic. */
static bool panics_with(uint8_t mode, const char *says)
{
	struct kt_oom *oom = kt_oom_full(&uma);

	return oom && KT_EQ(zonal_set_oom_panic(oom->mm, mode), 0) &&
	       kt_panics(ask_in_vain, oom, says);
}

KTEST(rows_o, o10_panic_if_told_so)
{
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	KT_TRUE(panics_with(PLAIN, "to panic was asked for (1)"));
	KT_TRUE(panics_with(ZONAL_OOM_PANIC_ALWAYS, "to panic was asked for (2)"));
	KT_EQ(zonal_set_oom_panic(oom->mm, ZONAL_OOM_PANIC_ALWAYS), 0);
	KT_EQ(zonal_set_oom_panic(oom->mm, ZONAL_OOM_PANIC_NEVER), 0);
	kt_oom_expect(oom, GFP_KERNEL, true, 1, 1);
	kt_oom_finish(oom);
}

/* With PLAIN a request that a nodemask keeps from memory is no reason. */
KTEST(rows_o, o10_a_constraint_is_no_reason_but_for_always)
{
	struct kt_oom *oom = kt_oom_full(&pair);
	nodemask_t near = node_bit(0);
	struct page *page;

	if (!oom)
		return;
	KT_EQ(zonal_set_oom_panic(oom->mm, PLAIN), 0);
	page = zonal_alloc_mask(oom->mm, 0, GFP_KERNEL | __GFP_NOWARN, 0, &near);
	KT_EQ(oom->kills, 1);
	zonal_free(oom->mm, page, 0);
	kt_oom_end_all(oom);
}

/* O1: the others wait for who is in, so that one hurries, as long as it is in and no longer. */
KTEST(rows_o, o1_who_is_in_hurries_until_it_is_out)
{
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	KT_EQ(ld_relaxed(&oom->hurried), 0);
	kt_oom_expect(oom, GFP_KERNEL, true, 1, 1);
	KT_EQ(ld_relaxed(&oom->hurried), 1);
	KT_EQ(ld_relaxed(&oom->calmed), 1);
	kt_oom_finish(oom);
}

/* A walk that does not meet the victim any more: it ended behind the last look at the lists. */
KTEST(rows_o, o9_a_victim_that_is_gone_is_news_and_nobody_else_ended)
{
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	watch(oom, 1);
	oom->walks_left = 1;
	kt_oom_expect(oom, GFP_KERNEL, true, 0, 0);
	KT_EQ(oom->walks, 1);
	kt_oom_fill(oom);
	/* once only: then it is forgotten */
	kt_oom_expect(oom, GFP_KERNEL, true, 1, 2);
	kt_oom_finish(oom);
}

/* All places of the table are taken, by one victim each; the one that is not met is gone. */
KTEST(rows_o, o9_a_victim_in_any_place_of_the_table_can_be_gone)
{
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	for (unsigned gone = 0; gone < OOM_VICTIMS; gone++) {
		oom_enter(oom->mm);
		oom_walk_begins(&oom->mm->oom);
		for (unsigned i = 0; i < OOM_VICTIMS; i++)
			oom_watch(oom->mm, 100 + i);
		KT_TRUE(!oom_victim_gone(&oom->mm->oom));
		oom_walk_begins(&oom->mm->oom);
		for (unsigned i = 0; i < OOM_VICTIMS; i++)
			if (i != gone)
				oom_watch(oom->mm, 100 + i);
		KT_OK(oom_victim_gone(&oom->mm->oom), "victim %u", gone);
		KT_TRUE(!oom_victim_gone(&oom->mm->oom));
		oom_leave(oom->mm);
	}
	kt_oom_finish(oom);
}

/* K18: who registers nothing is never harmed. */
KTEST(rows_k, k18_o13_without_candidates_the_request_fails)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *chain = NULL;
	struct zonal_failure failure;

	if (!mm)
		return;
	KT_EQ(kt_take_all(mm, 0, GFP_KERNEL | __GFP_NOWARN, 0, &chain), PAGES);
	zonal_last_failure(mm, &failure);
	KT_TRUE(failure.steps & ZSTEP_OOM);
	kt_give_all(mm, chain, 0);
	KT_EQ(zonal_oom_reaper_turn(mm), UINT64_MAX);
	kt_check_all(mm);
}

KTEST(oom, wrong_calls_are_refused)
{
	static const struct zonal_oom_ops none = { .next = NULL };
	struct kt_oom *oom = kt_oom_full(&uma);
	struct zonal *mm = kt_bare_instance(&pair);
	struct zonal_oom_ops half;

	if (!oom || !mm)
		return;
	half = *oom->mm->oom.ops;
	half.calm = NULL;
	KT_EQ(zonal_oom_register(mm, &half, NULL), ZONAL_EINVAL);
	KT_EQ(zonal_oom_register(mm, &none, NULL), ZONAL_EINVAL);
	KT_EQ(zonal_oom_register(oom->mm, oom->mm->oom.ops, oom), ZONAL_EINVAL);
	KT_EQ(zonal_set_oom_panic(mm, 3), ZONAL_EINVAL);
	KT_EQ(zonal_set_oom_panic(mm, ZONAL_OOM_PANIC_NEVER), 0);
	kt_oom_end_all(oom);
}

/* A thousand tasks: the worst of them all, one walk, and a report that stays short. */
KTEST(oom, the_worst_of_a_thousand_on_a_starved_node)
{
	struct kt_oom *oom = kt_oom(kt_bare_instance(&uma));
	uint64_t seed = kt_seed() | 1;
	unsigned worst = 0;

	if (!oom)
		return;
	for (unsigned n = 0; n < KT_OOM_TASKS - 1; n++) {
		kt_oom_task(oom, 1 + kt_random(&seed) % 3, 0);
		oom->task[n].swap = kt_random(&seed) % 1000;
		if (oom->task[n].swap + oom->task[n].count >=
		    oom->task[worst].swap + oom->task[worst].count)
			worst = n;
	}
	kt_oom_fill(oom);
	kt_oom_expect(oom, GFP_KERNEL, true, 1, worst);
	KT_EQ(oom->walks, 1);
	KT_EQ(oom->mm->oom.rows, OOM_ROWS);
	KT_EQ(oom->mm->oom.more, KT_OOM_TASKS - 1 - OOM_ROWS);
	for (unsigned i = 1; i < OOM_ROWS; i++)
		KT_TRUE(oom->mm->oom.row[i - 1].points >= oom->mm->oom.row[i].points);
	kt_oom_finish(oom);
}

/* ---- how long others are waited for ---- */

/* A lack of memory of the task that runs the test, all of it taken. */
struct waiting {
	struct alloc_req req;
	struct alloc_pass pass;
	struct oom_tries tries;
};

static void wait_begin(struct waiting *w, struct zonal *mm, gfp_t gfp)
{
	*w = (struct waiting){
		.req = { .mm = mm, .task = port_this_cpu()->task, .gfp = gfp,
			 .list = &mm->node[0]->fallback, .nodemask = NODEMASK_ALL,
			 .high_zone = ZONE_NORMAL },
		.pass = { .gfp = gfp, .nodemask = NODEMASK_ALL, .cpuset = NODEMASK_ALL },
	};
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	watch_port();
}

static bool another_round(struct waiting *w)
{
	KT_TRUE(!oom_make_room(&w->req, &w->pass, &w->tries));
	return w->tries.progress;
}

/* O6: rounds without a kill are counted; a kill begins anew. */
KTEST(rows_o, o6_others_are_waited_for_sixteen_times_in_a_row)
{
	struct kt_oom *oom = kt_oom_full(&uma);
	struct waiting w;

	if (!oom)
		return;
	wait_begin(&w, oom->mm, GFP_NOFS);
	for (unsigned turn = 0; turn < 2; turn++) {
		w.pass.gfp = GFP_NOFS;
		for (unsigned i = 0; i < 16; i++)
			KT_TRUE(another_round(&w));
		KT_TRUE(!another_round(&w));
		KT_EQ(w.tries.end, ZONAL_OOM_WAITED_OTHERS);
		KT_EQ(w.tries.naps, 16 * (turn + 1));
		KT_EQ(kt_naps, 16 * (turn + 1));
		KT_EQ(oom->kills, turn);
		/* One is ended; in the second turn it is seen to have gone. */
		w.pass.gfp = GFP_KERNEL;
		KT_TRUE(another_round(&w));
		KT_EQ(w.tries.end, turn ? ZONAL_OOM_GONE : ZONAL_OOM_ENDED);
	}
	unwatch_port();
	kt_oom_finish(oom);
}

/* O9: a victim has ten seconds. */
KTEST(rows_o, o9_a_victim_is_waited_for_a_thousand_times)
{
	struct kt_oom *oom = kt_oom_full(&uma);
	struct waiting w;

	if (!oom)
		return;
	wait_begin(&w, oom->mm, GFP_KERNEL);
	oom->slow = true;
	KT_TRUE(another_round(&w));
	for (unsigned i = 0; i < 1000; i++)
		KT_TRUE(another_round(&w));
	KT_TRUE(!another_round(&w));
	KT_EQ(w.tries.end, ZONAL_OOM_WAITED_VICTIM);
	KT_EQ(w.tries.naps, 1000);
	KT_EQ(oom->kills, 1);
	unwatch_port();
	kt_oom_finish(oom);
}

/* O1: in a group as anywhere, one at a time, and the others rest a moment. */
KTEST(rows_o, o1_a_group_waits_while_somebody_else_is_in)
{
	static const struct zonal_group group;
	struct kt_oom *oom = kt_oom_full(&uma);
	struct waiting w;

	if (!oom)
		return;
	wait_begin(&w, oom->mm, GFP_KERNEL);
	w.tries.end = ZONAL_OOM_NOBODY;
	oom_enter(oom->mm);
	oom_in_group(&w.req, &group, &w.tries);
	KT_TRUE(w.tries.progress);
	KT_EQ(w.tries.end, ZONAL_OOM_WAITED_OTHERS);
	w.tries.end = ZONAL_OOM_NOBODY;
	KT_TRUE(another_round(&w));
	KT_EQ(w.tries.end, ZONAL_OOM_WAITED_OTHERS);
	oom_leave(oom->mm);
	KT_EQ(kt_naps, 2);
	KT_EQ(oom->walks, 0);
	unwatch_port();
	kt_oom_finish(oom);
}

/* The record of a request counts no further than it can. */
KTEST(rows_o, o12_kills_of_one_request_are_counted_up_to_what_fits)
{
	struct kt_oom *oom = kt_oom_full(&uma);
	struct waiting w;

	if (!oom)
		return;
	wait_begin(&w, oom->mm, GFP_KERNEL);
	w.tries.kills = UINT16_MAX - 1;
	/* Between two kills the first one is seen to have gone. */
	for (unsigned i = 0; i < 3; i++) {
		KT_TRUE(another_round(&w));
		KT_EQ(w.tries.kills, UINT16_MAX);
	}
	KT_EQ(oom->kills, 2);
	unwatch_port();
	kt_oom_finish(oom);
}
