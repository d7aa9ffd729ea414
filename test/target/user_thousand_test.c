/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Out of memory on a node with a thousand programs: who is ended, that the others go on, and atomic
 * requests from an interrupt meanwhile.
 *
 * A thousand programs (test/user/grind.c) live in a cpuset of one node, some with an adjustment
 * that puts them first, and with equal points. Others live in a cpuset of another node; they would
 * be first of all, were they looked at. Then the node is filled but for LEFT pages, and programs
 * that never have enough are started in the first cpuset, some at a time, until so many tasks were
 * ended and so many interrupts have come.
 *
 * Each choice is judged by itself: this file stands between the core and its candidates, hears of
 * each of them what the core hears, counts its points anew, and knows who must be next when the
 * core says whom it ends. Rows O7-O9: the one with most points, of equals the last, of those whose
 * nodes and the asking program's meet; nobody while a victim is not gone.
 *
 * It wants two nodes and user_tasks=1024, as test/t/pressure.t boots it; elsewhere it is skipped.
 * The thousand look again every ten milliseconds, so on a slow machine's clock they want more than
 * all CPUs. It ends in time because who chooses a victim, and the victim, run before them.
 */
#include <string.h>
#include <zonal/cpuset.h>
#include <zonal/linux.h>

#include "mm/mm.h"
#include "mm/oom/oom.h"
#include "platform/platform.h"
#include "test/unit/mm/kt_instance.h"
#include "test/unit/sched/sched_world.h"
#include "user/user.h"
#include "user_ticks.h"
#include "user_world.h"

enum { THOUSAND = 1000, OUTSIDE = 16, AT_ONCE = 4, PAGES = 4, OUTSIDE_PAGES = 200, FIRST = 4,
       LEFT = 4000, KILLS = 24, TICKS = 1000, MOST_BATCHES = 50 };
#define ADJ(n) ((uint64_t)(1000 + (n)) << 32)

static struct {
	unsigned nid;                  /* the node that is short */
	struct zonal_cpuset here, there;
	int inside[THOUSAND], outside[OUTSIDE], grower[AT_ONCE];
	uint64_t faults[THOUSAND];
	unsigned batches;
	struct page *filling;
} world;

/* ---- between the core and its candidates; one call at a time ----------------------- */

static struct {
	const struct zonal_oom_ops *real;
	int64_t points, total;
	uint64_t next_victim;          /* 0: nobody may be ended */
	bool waits;
	uint64_t looked_at, passed_over; /* outside of the cpuset */
	unsigned kills, wrong, strange;
} judge;

/* O7: the pages that count are those of the node; there is no swap. */
static int64_t pages_that_count(void)
{
	const struct zone *zone;
	int64_t pages = 0;
	unsigned zid;

	mm_for_each_zone(&zonal_image, zid, zone)
		pages += zone->node == world.nid ? (int64_t)zone->present : 0;
	return pages;
}

static void hear(const struct zonal_oom_candidate *who)
{
	int64_t points = (int64_t)(who->pages + who->swap + who->tables) +
			 who->adj * (judge.total / 1000);

	judge.looked_at++;
	if (!(who->mems & node_bit(world.nid))) {
		judge.passed_over++;
		return;
	}
	judge.waits |= (who->flags & ZONAL_OOM_VICTIM) && !(who->flags & ZONAL_OOM_REAPED);
	if (who->flags & (ZONAL_OOM_NEVER | ZONAL_OOM_STARTING | ZONAL_OOM_REAPED) ||
	    who->adj == ZONAL_OOM_ADJ_NEVER || (judge.next_victim && points < judge.points))
		return;
	judge.points = points;
	judge.next_victim = who->id;
}

static bool judge_next(void *ctx, uint64_t *cursor, struct zonal_oom_candidate *out)
{
	bool there;

	if (!*cursor) {
		judge.next_victim = 0;
		judge.waits = false;
	}
	there = judge.real->next(ctx, cursor, out);
	if (there)
		hear(out);
	return there;
}

static bool judge_kill(void *ctx, uint64_t id)
{
	const struct zonal_task *asks = task_memory(task_current());

	judge.wrong += id != judge.next_victim || judge.waits;
	judge.strange += ld_relaxed(&((struct zonal_task *)(uintptr_t)asks)->mems_allowed) !=
			 node_bit(world.nid);
	judge.kills++;
	return judge.real->kill(ctx, id);
}

static enum zonal_oom_reap judge_reap(void *ctx, uint64_t id)
{
	return judge.real->reap(ctx, id);
}

static void judge_skip(void *ctx, uint64_t id) { judge.real->skip(ctx, id); }
static void judge_wake(void *ctx) { judge.real->wake_reaper(ctx); }
static unsigned judge_hurry(void *ctx) { return judge.real->hurry(ctx); }
static void judge_calm(void *ctx, unsigned before) { judge.real->calm(ctx, before); }

static const struct zonal_oom_ops judging = {
	.next = judge_next, .kill = judge_kill, .reap = judge_reap, .skip = judge_skip,
	.wake_reaper = judge_wake, .hurry = judge_hurry, .calm = judge_calm,
};

static void judge_takes(bool seat)
{
	oom_enter(&zonal_image);
	if (seat) {
		memset(&judge, 0, sizeof(judge));
		judge.real = zonal_image.oom.ops;
		judge.total = pages_that_count();
	}
	zonal_image.oom.ops = seat ? &judging : judge.real;
	oom_leave(&zonal_image);
}

/* ---- the programs ------------------------------------------------------------------- */

/* What is started next is in that cpuset; NULL: in none. */
static void be_in(struct zonal_cpuset *set)
{
	struct zonal_task *self = task_memory(task_current());

	zonal_cpuset_leave(self);
	if (set)
		zonal_cpuset_join(set, self);
}

static void programs_start(void)
{
	uint64_t seed = kt_seed() | 1;

	be_in(&world.there);
	for (unsigned i = 0; i < OUTSIDE; i++)
		world.outside[i] = user_world_start("grind", OUTSIDE_PAGES | ADJ(1000));
	be_in(&world.here);
	for (unsigned i = 0; i < THOUSAND; i++) {
		uint64_t more = i < FIRST ? ADJ(500) : kt_random(&seed) % PAGES;

		world.inside[i] = user_world_start("grind", PAGES + more);
	}
	be_in(NULL);
	for (unsigned i = 0; i < OUTSIDE; i++)
		KT_TRUE(user_world_has_pages(world.outside[i], OUTSIDE_PAGES));
	for (unsigned i = 0; i < THOUSAND; i++)
		KT_TRUE(user_world_has_pages(world.inside[i], PAGES));
}

/* All of the node's memory above its marks but LEFT pages. Never more, or one of the thousand could
 * lack memory before anybody is there who asks for so much. */
static void node_fill(void)
{
	gfp_t gfp = (GFP_KERNEL & ~__GFP_RECLAIM) | __GFP_THISNODE | __GFP_NOWARN;
	struct page *page = NULL;
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(&zonal_image, zid, zone)
		while (zone->node == world.nid &&
		       ld_relaxed(&zone->free) > ld_relaxed(&zone->mark[WMARK_HIGH]) + LEFT &&
		       (page = zonal_alloc_node(&zonal_image, (int)world.nid, gfp, 0))) {
			*(struct page **)zonal_page_owner(page) = world.filling;
			world.filling = page;
		}
}

/* Some that never have enough, from their start until the last one was ended for it. */
static void growers_once(void)
{
	world.batches++;
	be_in(&world.here);
	for (unsigned i = 0; i < AT_ONCE; i++)
		world.grower[i] = user_world_start("hungry", 0);
	be_in(NULL);
	for (unsigned i = 0; i < AT_ONCE; i++)
		user_world_ends(world.grower[i], USER_KILLED);
}

static bool lives(int id, struct user_info *info) { return user_look(id, info) && !info->ended; }

/* Everybody outside, and of those inside all but the ones that were ended. */
static void count_the_living(void)
{
	unsigned inside = 0, outside = 0, first = 0;
	struct user_info info;

	for (unsigned i = 0; i < THOUSAND; i++) {
		bool there = lives(world.inside[i], &info);

		inside += there;
		first += there && i < FIRST;
		world.faults[i] = there ? info.faults : UINT64_MAX;
	}
	for (unsigned i = 0; i < OUTSIDE; i++)
		outside += lives(world.outside[i], &info);
	kt_diag("ended: %u, %u of them out of the thousand; outside of the cpuset %u of %u live",
		judge.kills, THOUSAND - inside, outside, OUTSIDE);
	KT_EQ(outside, OUTSIDE);
	KT_EQ(first, 0);
	KT_EQ(inside, THOUSAND - FIRST);
	KT_EQ(judge.kills, FIRST + world.batches * AT_ONCE);
}

/* Each of those that live faults again, which it does each time it has found all its words. */
static unsigned how_many_go_on(void)
{
	uint64_t deadline = sched_world_deadline();
	unsigned on = 0;
	struct user_info info;

	for (unsigned i = 0; i < THOUSAND; i++) {
		bool grows = false;

		while (world.faults[i] != UINT64_MAX && lives(world.inside[i], &info) &&
		       !(grows = info.faults > world.faults[i]) && port_time_ns() < deadline)
			task_sleep_ns(MS);
		on += grows;
	}
	return on;
}

/* In the end; those that were ended before are waited for as well. */
static void programs_end(void)
{
	struct user_end end;

	for (unsigned i = 0; i < OUTSIDE; i++)
		KT_TRUE(user_kill(world.outside[i]));
	for (unsigned i = 0; i < THOUSAND; i++)
		KT_TRUE(user_kill(world.inside[i]));
	for (unsigned i = 0; i < THOUSAND + OUTSIDE; i++) {
		int id = i < THOUSAND ? world.inside[i] : world.outside[i - THOUSAND];

		if (KT_TRUE(user_join(id, &end)))
			KT_EQ(end.reason, USER_KILLED);
	}
}

/* ---- all of it ---------------------------------------------------------------------- */

/* A task that was waited for is in its cpuset until its stack is given back. */
static void drop_set(struct zonal_cpuset *set)
{
	uint64_t deadline = sched_world_deadline();
	int error;

	while ((error = zonal_cpuset_drop(set)) && port_time_ns() < deadline)
		task_sleep_ns(MS);
	KT_EQ(error, 0);
}

static void judge_says(const struct user_ticks *ticks)
{
	kt_diag("candidates looked at: %llu, outside of the cpuset: %llu",
		(unsigned long long)judge.looked_at, (unsigned long long)judge.passed_over);
	kt_diag("interrupts at 10 kHz: %llu, pages taken %llu, refused %llu, waits %llu",
		(unsigned long long)ticks->calls, (unsigned long long)ticks->taken,
		(unsigned long long)ticks->refused, (unsigned long long)ticks->waited);
	KT_TRUE(judge.kills >= KILLS && ticks->calls >= TICKS);
	KT_OK(!judge.wrong, "%u of %u were not the worst", judge.wrong, judge.kills);
	KT_OK(!judge.strange, "%u were ended for who is not short", judge.strange);
	KT_TRUE(judge.passed_over >= OUTSIDE);
	KT_TRUE(ticks->taken > 0 && !ticks->wrong && !ticks->waited);
}

static void starve(void)
{
	uint64_t kills = kt_event(&zonal_image, EVENT_OOM_KILL);
	struct user_ticks ticks;

	node_fill();
	judge_takes(true);
	user_ticks_begin((int)world.nid);
	while (world.batches < MOST_BATCHES &&
	       (judge.kills < KILLS || user_ticks_calls() < TICKS))
		growers_once();
	KT_TRUE(user_ticks_end(&ticks));
	KT_EQ(kt_event(&zonal_image, EVENT_OOM_KILL) - kills, judge.kills);
	count_the_living();
	KT_EQ(how_many_go_on(), THOUSAND - FIRST);
	judge_takes(false);
	judge_says(&ticks);
	kt_give_all(&zonal_image, world.filling, 0);
}

KTEST_F(rows_o, o8_the_worst_of_a_thousand_programs_on_a_starved_node, KT_TARGET_ONLY)
{
	nodemask_t nodes = zonal_image.has_memory;
	uint64_t before;

	if (user_most() < THOUSAND + OUTSIDE + AT_ONCE || nodemask_count(nodes) < 2) {
		kt_skip("two nodes and user_tasks=1024");
		return;
	}
	memset(&world, 0, sizeof(world));
	world.nid = nodemask_first(nodes & (nodes - 1));
	if (!KT_EQ(zonal_cpuset_make(&zonal_image, &world.here, NULL, node_bit(world.nid), 0), 0) ||
	    !KT_EQ(zonal_cpuset_make(&zonal_image, &world.there, NULL,
				     nodes & ~node_bit(world.nid), 0), 0))
		return;
	before = user_world_before();
	programs_start();
	starve();
	programs_end();
	drop_set(&world.here);
	drop_set(&world.there);
	user_world_is_sound(before);
	kt_diag("free pages: %llu before, %llu after", (unsigned long long)before,
		(unsigned long long)sched_world_free_pages());
}
