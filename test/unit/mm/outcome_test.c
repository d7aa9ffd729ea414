/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What came of each step (<zonal/why.h>): one case an outcome, brought about by a request that
 * fails for just that reason, and its words.
 *
 * Boards of one or two zones that are closed by their marks, or full. What is not a matter of the
 * request but of the text alone is written into a record by hand.
 */
#include <string.h>

#include <zonal/names.h>

#include "kt_oom.h"
#include "kt_scattered.h"
#include "mm/compact/compact.h"
#include "mm/wake.h"
#include "mm/watermark.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };
static const struct kt_spec pair = {
	.ram = { { 0, KT_DMA_PFN, 2048 }, { 1, KT_DMA_PFN + 2048, 2048 } },
};

static struct zonal_failure f; /* large for the image's stacks */

static bool outcome_is(uint32_t step, const char *expected)
{
	char text[160];

	KT_OK(f.steps & step, "step 0x%x was not taken", step);
	text[0] = 'x';
	KT_EQ(zonal_step_outcome(&f, step, text, 0) + zonal_end_text(&f, text, 0), 0);
	KT_EQ(text[0], 'x');
	KT_EQ(zonal_step_outcome(&f, step, text, sizeof(text)), strlen(expected));
	return KT_STR_EQ(text, expected);
}

static bool end_is(unsigned end, const char *expected)
{
	char text[160];

	KT_EQ(f.outcome.end, end);
	KT_EQ(zonal_end_text(&f, text, sizeof(text)), strlen(expected));
	return KT_STR_EQ(text, expected);
}

/* A board of which nothing is given out by watermark. */
static struct zonal *closed(const struct kt_spec *spec)
{
	struct zonal *mm = kt_instance(spec);
	struct zone *zone;
	unsigned zid;

	if (mm)
		mm_for_each_zone(mm, zid, zone)
			kt_close_zone(zone);
	return mm;
}

static bool fails(struct zonal *mm, gfp_t gfp, unsigned order)
{
	bool failed = kt_served_by(mm, 0, gfp | __GFP_NOWARN, order) == -1;

	zonal_last_failure(mm, &f);
	return KT_OK(failed, "gfp 0x%x order %u was served", gfp, order);
}

KTEST(outcome, walks_say_how_many_zones_refused_and_why)
{
	struct zonal *mm = closed(&pair);
	nodemask_t mask = node_bit(1);

	if (!mm || !fails(mm, GFP_NOWAIT, 0))
		return;
	outcome_is(ZSTEP_FAST, "refused by 2 zones: 2 below watermark");
	outcome_is(ZSTEP_MIN, "refused by 2 zones: 2 below watermark");
	KT_TRUE(!zonal_alloc_mask(mm, 0, GFP_NOWAIT | __GFP_NOWARN, 0, &mask));
	zonal_last_failure(mm, &f);
	outcome_is(ZSTEP_FAST, "refused by 2 zones: 1 not in node mask, 1 below watermark");
	memset(&f, 0, sizeof(f));
	f.steps = ZSTEP_FAST | ZSTEP_MIN;
	f.zone_count = 4;
	f.zones_more = 5;
	f.zone[0].low = REFUSED_WATERMARK;
	f.zone[1].low = REFUSED_CPUSET;
	f.zone[2].low = f.zone[0].min = f.zone[2].min = REFUSED_NO_BLOCK;
	outcome_is(ZSTEP_FAST, "refused by 3 zones: 1 not in cpuset, 1 below watermark, 1 no free "
		   "block; 5 farther away");
	outcome_is(ZSTEP_MIN, "refused by 2 zones: 2 no free block; 5 farther away");
}

KTEST(outcome, who_may_not_wait_ends_before_reclaim)
{
	struct zonal *mm = closed(&uma);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!mm || !fails(mm, GFP_NOWAIT, 0))
		return;
	end_is(ZONAL_END_CANNOT_WAIT, "it may not wait");
	task->flags = ZTASK_MEMALLOC;
	if (fails(mm, GFP_KERNEL | __GFP_NOMEMALLOC, 0))
		end_is(ZONAL_END_RECLAIMER, "it works for reclaim itself");
	kt_task_restore(&saved);
	fails(mm, GFP_KERNEL, MAX_ORDER);
	end_is(ZONAL_END_DOOR, "refused before any zone was asked");
	KT_EQ(f.outcome.reclaim_runs + f.outcome.compact_runs, 0);
}

KTEST(outcome, which_reserves_were_opened_in_vain)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct zonal_task saved, *task = kt_task_save(&saved);
	struct page *chain = NULL;

	if (!mm)
		return;
	kt_take_all(mm, 0, GFP_NOWAIT | __GFP_NOWARN, 0, &chain);
	if (fails(mm, GFP_ATOMIC, 0))
		outcome_is(ZSTEP_RESERVES, "every node, no reserves: not enough");
	task->flags = ZTASK_MEMALLOC;
	if (fails(mm, GFP_NOWAIT, 0))
		outcome_is(ZSTEP_RESERVES, "every node, to the last page: not enough");
	task->flags = 0;
	st_relaxed(&task->fate, ZONAL_FATE_VICTIM);
	if (fails(mm, GFP_NOWAIT, 0))
		outcome_is(ZSTEP_RESERVES, "every node, down to half of MIN: not enough");
	st_relaxed(&task->fate, 0);
	kt_task_restore(&saved);
	kt_give_all(mm, chain, 0);
}

KTEST(outcome, kswapd_is_asked_by_node_and_says_who_is_in_need)
{
	struct zonal *mm = closed(&pair);

	if (!mm || !fails(mm, GFP_NOWAIT, 0))
		return;
	KT_EQ(f.outcome.kswapd_asked, 3);
	outcome_is(ZSTEP_KSWAPD, "nodes 0-1 in need");
	st_relaxed(&mm->node[1]->reclaim.failures, KSWAPD_HOPELESS);
	if (fails(mm, GFP_NOWAIT, 0))
		outcome_is(ZSTEP_KSWAPD, "nodes 0-1 in need; node 1 hopeless");
	memset(&f, 0, sizeof(f));
	f.steps = ZSTEP_KSWAPD;
	f.outcome.kswapd_asked = 1;
	outcome_is(ZSTEP_KSWAPD, "no node was in need");
	f.outcome.kswapd_in_need = 0x8035;
	if (ZONAL_MAX_NODES >= 16)
		outcome_is(ZSTEP_KSWAPD, "nodes 0, 2, 4-5, 15 in need");
}

#if ZONAL_RECLAIM
KTEST(outcome, reclaim_says_how_often_and_how_much_and_why_it_was_the_last_time)
{
	struct zonal *mm = closed(&uma);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 4096) : NULL;
	port_irqflags_t irq;

	if (!cache || !fails(mm, GFP_KERNEL | __GFP_NORETRY, 0))
		return;
	outcome_is(ZSTEP_RECLAIM, "1 run: looked at 0 pages, freed 0");
	outcome_is(ZSTEP_COMPACT, "not for a single page");
	end_is(ZONAL_END_NORETRY, "NORETRY: one round is all");
	if (fails(mm, GFP_KERNEL, 0))
		end_is(ZONAL_END_GAVE_UP,
		       "no further round was worth it: nothing was freed, and no kswapd works");
	KT_EQ(f.outcome.retry, ZONAL_RETRY_NOBODY);
	zonal_kswapd_turn(mm, 0, false);
	if (fails(mm, GFP_KERNEL, 0))
		end_is(ZONAL_END_GAVE_UP,
		       "no further round was worth it: all that can be reclaimed is not enough");
	irq = kt_irq_enter();
	if (fails(mm, GFP_KERNEL, 0))
		outcome_is(ZSTEP_RECLAIM, "not possible here");
	kt_irq_exit(irq);
}

KTEST(outcome, who_must_not_fail_and_has_nobody_to_wait_for)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct page *chain = NULL;

	if (!mm)
		return;
	kt_take_all(mm, 0, GFP_NOWAIT | __GFP_NOWARN, 0, &chain);
	if (fails(mm, GFP_KERNEL | __GFP_NOFAIL, 0))
		end_is(ZONAL_END_GAVE_UP,
		       "no further round was worth it: nothing was freed, and no kswapd works; "
		       "NOFAIL, and no kswapd to wait for");
	kt_give_all(mm, chain, 0);
}

/* R2: a page that is in use each time it is looked at could be had, and never is. */
KTEST(outcome, sixteen_rounds_without_progress)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 4096) : NULL;

	if (!cache)
		return;
	zonal_kswapd_turn(mm, 0, false);
	kt_cache_fill(cache, 0, GFP_NOWAIT | __GFP_NOWARN, 4096);
	answer_give(cache, ZONAL_GIVE_BUSY);
	if (!fails(mm, GFP_KERNEL, 0))
		return;
	KT_EQ(f.outcome.retry, ZONAL_RETRY_TRIES);
	KT_EQ(f.outcome.reclaim_runs, f.rounds + 1);
	end_is(ZONAL_END_GAVE_UP, "no further round was worth it: 16 rounds without progress; 16 "
	       "rounds behind the first");
	KT_TRUE(f.scanned > 0 && f.reclaimed == 0);
	/* Dirty pages are waited for. */
	answer_give(cache, ZONAL_GIVE_DIRTY);
	for (unsigned i = 0; i < cache->count; i++)
		zonal_page_set_dirty(mm, cache->place[i].page);
	if (fails(mm, GFP_KERNEL, 0))
		end_is(ZONAL_END_GAVE_UP, "no further round was worth it: 16 rounds without "
		       "progress; 16 rounds behind the first; napped 16 times");
	/* The next record is not of these rounds. */
	if (fails(mm, GFP_KERNEL, MAX_ORDER))
		end_is(ZONAL_END_DOOR, "refused before any zone was asked");
	kt_cache_drop_all(cache);
}

KTEST(outcome, a_drain_that_did_not_help)
{
	struct kt_cache *cache = scattered();

	if (!cache)
		return;
	/* Something goes, and no block comes of it. */
	answer(cache, ZONAL_GIVE_NO_ROOM);
	answer_give(cache, ZONAL_GIVE_BUSY);
	for (unsigned i = 0; i < 64 && i < cache->count; i++)
		cache->place[i].give = ZONAL_GIVE_YES;
	if (fails(cache->mm, GFP_HIGHUSER_MOVABLE | __GFP_NORETRY, 9)) {
		outcome_is(ZSTEP_DRAIN,
			   "all lists and the highatomic reserve given back: not enough");
		KT_TRUE(f.reclaimed > 0);
	}
	all_is_well(cache);
}

KTEST(outcome, compaction_says_how_it_ended_and_what_it_moved)
{
	struct kt_cache *cache = scattered();
	char text[160];

	if (!cache)
		return;
	/* LOW, which a costly block needs to be worked for, is not there. */
	kt_marks(kt_zone(cache->mm, 0, ZONE_DMA), 0, PAGES / 2, PAGES / 2);
	if (fails(cache->mm, HUGE, PAGEBLOCK_ORDER)) {
		outcome_is(ZSTEP_COMPACT, "skipped at priority 2: 1 run, 0 pages moved, 0 stayed");
		end_is(ZONAL_END_EARLY, "costly and NORETRY, and compaction could not help");
	}
	kt_marks(kt_zone(cache->mm, 0, ZONE_DMA), 0, 0, 0);
	/* Nothing moves, and reclaim is told that there is nothing to free. */
	answer(cache, ZONAL_GIVE_NO_ROOM);
	answer_give(cache, ZONAL_GIVE_BUSY);
	if (fails(cache->mm, GFP_HIGHUSER_MOVABLE, PAGEBLOCK_ORDER)) {
		KT_EQ(f.outcome.end, ZONAL_END_COSTLY);
		zonal_step_outcome(&f, ZSTEP_COMPACT, text, sizeof(text));
		KT_OK(strstr(text, "complete at priority 1: 2 runs, 0 pages moved, ") == text, "%s",
		      text);
		KT_TRUE(f.outcome.compact_failed > 0);
		KT_TRUE(f.outcome.compact_failed <= cache->asked_move);
	}
	/* It failed often: put off. */
	for (unsigned i = 0; i < 6; i++)
		compact_defer(kt_zone(cache->mm, 0, ZONE_DMA), PAGEBLOCK_ORDER);
	if (fails(cache->mm, GFP_HIGHUSER_MOVABLE, PAGEBLOCK_ORDER))
		outcome_is(ZSTEP_COMPACT, "deferred at priority 1: no zone was compacted");
	if (fails(cache->mm, GFP_HIGHUSER_MOVABLE & ~__GFP_IO, PAGEBLOCK_ORDER))
		outcome_is(ZSTEP_COMPACT, "skipped at priority 1: no zone was compacted");
	all_is_well(cache);
}

KTEST(outcome, compaction_that_moved_pages_for_nothing)
{
	struct kt_cache *cache = scattered();

	if (!cache)
		return;
	answer_give(cache, ZONAL_GIVE_BUSY);
	/* One page of each block stays. */
	for (unsigned i = 0; i < cache->count; i++)
		if (cache->place[i].page && cache->place[i].page->pfn % BLOCK == 100)
			cache->place[i].move = ZONAL_GIVE_NO_ROOM;
	if (fails(cache->mm, GFP_KERNEL | __GFP_MOVABLE, PAGEBLOCK_ORDER)) {
		KT_TRUE(cache->moved > 0 && f.outcome.compact_failed > 0);
		KT_TRUE(f.outcome.compact_failed <= cache->asked_move);
		KT_EQ(f.outcome.compact_moved, cache->moved);
		KT_EQ(f.compacted, COMPACT_COMPLETE);
	}
	all_is_well(cache);
}
#endif

#if ZONAL_OOM
static void oom_ends(struct kt_oom *oom, gfp_t gfp, unsigned end, const char *text)
{
	if (fails(oom->mm, gfp, 0)) {
		KT_EQ(f.outcome.oom, end);
		outcome_is(ZSTEP_OOM, text);
	}
}

KTEST(outcome, why_nobody_was_ended)
{
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	oom_ends(oom, GFP_KERNEL | __GFP_RETRY_MAYFAIL, ZONAL_OOM_NOT_WORTH,
		 "nobody is ended for such a request");
	oom_ends(oom, GFP_KERNEL | __GFP_THISNODE, ZONAL_OOM_NOT_WORTH,
		 "nobody is ended for such a request");
	zonal_set_oom(oom->mm, false);
	oom_ends(oom, GFP_KERNEL, ZONAL_OOM_TURNED_OFF, "turned off");
	zonal_set_oom(oom->mm, true);
	for (unsigned i = 0; i < oom->count; i++)
		oom->task[i].adj = ZONAL_OOM_ADJ_NEVER;
	oom_ends(oom, GFP_KERNEL, ZONAL_OOM_NOBODY, "nobody can be ended");
	oom_ends(oom, GFP_NOFS, ZONAL_OOM_WAITED_OTHERS, "left to others, who did not help");
	kt_oom_finish(oom);
}

KTEST(outcome, tasks_were_ended_and_it_was_not_enough)
{
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	/* Number 1 has most points, and gives nothing back. */
	oom->slow = oom->stuck = true;
	oom_ends(oom, GFP_KERNEL, ZONAL_OOM_WAITED_VICTIM,
		 "waited in vain for a victim; 1 ended for it, the last 2");
	KT_EQ(oom->kills, 1);
	kt_oom_finish(oom);
}

KTEST(outcome, a_victim_had_its_share)
{
	struct kt_oom *oom = kt_oom_full(&uma);
	struct zonal_task *task = port_this_cpu()->task;

	if (!oom)
		return;
	st_relaxed(&task->fate, ZONAL_FATE_DYING);
	oom_ends(oom, GFP_KERNEL, ZONAL_OOM_SELF, "who asks is the victim");
	KT_EQ(oom->kills, 0);
	st_relaxed(&task->fate, 0);
	kt_oom_finish(oom);
}

/* It says that it freed something, and meanwhile somebody ended the task that asks. */
static uint64_t promise(struct zonal_oom_notifier *self)
{
	(void)self;
	st_relaxed(&port_this_cpu()->task->fate, ZONAL_FATE_VICTIM);
	return 1;
}

KTEST(outcome, a_notifier_freed_something_and_it_was_too_late)
{
	struct zonal_oom_notifier one = { .freed = promise };
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	zonal_oom_notify(oom->mm, &one);
	oom_ends(oom, GFP_KERNEL | __GFP_NOMEMALLOC, ZONAL_OOM_NOTIFIED,
		 "notifiers freed something");
	KT_EQ(oom->kills, 0);
	st_relaxed(&port_this_cpu()->task->fate, 0);
	zonal_oom_ignore(oom->mm, &one);
	kt_oom_finish(oom);
}

/* Who asks is the victim that is chosen, gives nothing back, and may use no reserves. */
KTEST(outcome, a_task_was_ended_and_it_was_who_asks)
{
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	kt_oom_be(oom, 1);
	oom->slow = true;
	oom_ends(oom, GFP_KERNEL | __GFP_NOMEMALLOC, ZONAL_OOM_ENDED,
		 "a task was ended; 1 ended for it, the last 2");
	kt_oom_be_self();
	kt_oom_finish(oom);
}

KTEST(outcome, a_victim_that_had_gone_by_itself)
{
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	oom->vanishes = true;
	oom_ends(oom, GFP_KERNEL | __GFP_NOMEMALLOC, ZONAL_OOM_GONE, "a victim had gone already");
	KT_EQ(oom->kills, 0);
	st_relaxed(&port_this_cpu()->task->fate, 0);
	kt_oom_finish(oom);
}
#else
KTEST(outcome, a_build_without_the_step_says_so)
{
	struct zonal *mm = closed(&uma);

	if (mm && fails(mm, GFP_KERNEL, 0))
		outcome_is(ZSTEP_OOM, "not possible here");
}
#endif

/* Every value of every table has words, and what lies beyond has none. */
KTEST(outcome, each_answer_has_a_name_and_none_beyond)
{
	char text[160];

	memset(&f, 0, sizeof(f));
	f.steps = ZSTEP_OOM;
	for (unsigned i = 0; i <= ZONAL_OOM_ENDS_COUNT; i++) {
		f.outcome.oom = (uint8_t)i;
		zonal_step_outcome(&f, ZSTEP_OOM, text, sizeof(text));
		KT_OK((i == ZONAL_OOM_ENDS_COUNT) == !strcmp(text, "?"), "%u: %s", i, text);
		KT_EQ(!strcmp(zonal_oom_end_name(i), "?"), i == ZONAL_OOM_ENDS_COUNT);
	}
	for (unsigned i = 0; i <= ZONAL_ENDS; i++) {
		f.outcome.end = (uint8_t)i;
		zonal_end_text(&f, text, sizeof(text));
		KT_OK((i == ZONAL_ENDS) == !strcmp(text, "?"), "%u: %s", i, text);
		KT_EQ(!strcmp(zonal_end_name(i), "?"), i == ZONAL_ENDS);
	}
	for (unsigned i = 0; i <= ZONAL_RETRY_ENDS; i++)
		KT_EQ(!strcmp(zonal_retry_name(i), "?"), i == ZONAL_RETRY_ENDS);
	KT_EQ(zonal_step_outcome(&f, ZSTEP_RECLAIM, text, sizeof(text)), 0);
	KT_STR_EQ(text, "");
	/* Cut at the end of the buffer, whatever its size. */
	for (size_t size = 0; size < 40; size++) {
		memset(text, 'x', sizeof(text));
		f.outcome.end = ZONAL_END_COSTLY;
		KT_EQ(zonal_end_text(&f, text, size), size ? ZN_MIN(size - 1, 39u) : 0);
		KT_EQ(text[size], 'x');
	}
}
