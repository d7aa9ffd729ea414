/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks at EL0 when memory runs out: who is ended, and that all of it comes back.
 *
 * The board is made small first: the case takes all but a few thousand pages. The program is
 * test/user/hungry.c. Each case checks that all memory is back when its tasks are gone.
 */
#include <zonal/linux.h>

#include "mm/mm.h"
#include "platform/platform.h"
#include "test/unit/mm/kt_instance.h"
#include "test/unit/sched/sched_world.h"
#include "user/user.h"
#include "user_ticks.h"
#include "user_world.h"

#define ADJ(n) ((uint64_t)(1000 + (n)) << 32)
enum { LEFT = 6000, HOG_PAGES = 1500, SLEEPER_PAGES = 100 };

/* All memory but LEFT pages, as a chain. */
static struct page *take_most(void)
{
	struct page *chain = NULL;
	gfp_t gfp = GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN;

	(void)kt_take_all(&zonal_image, 0, gfp, 0, &chain);
	for (unsigned i = 0; chain && i < LEFT; i++) {
		struct page *page = chain;

		chain = *(struct page **)zonal_page_owner(page);
		zonal_free(&zonal_image, page, 0);
	}
	return chain;
}

static int start(uint64_t arg) { return user_world_start("hungry", arg); }

KTEST_F(rows_o, o8_o12_programs_are_ended_in_the_order_of_their_points, KT_TARGET_ONLY)
{
	uint64_t before = user_world_before(), kills = kt_event(&zonal_image, EVENT_OOM_KILL);
	struct page *most = take_most();
	int sleeper = start(SLEEPER_PAGES), hog, shy, grower;

	shy = start(HOG_PAGES | ADJ(-1000));
	hog = start(HOG_PAGES | ADJ(1000));
	if (user_world_has_pages(sleeper, SLEEPER_PAGES) && user_world_has_pages(shy, HOG_PAGES) &&
	    user_world_has_pages(hog, HOG_PAGES)) {
		grower = start(0);
		user_world_ends(hog, USER_KILLED);
		user_world_ends(grower, USER_KILLED);
		KT_EQ(kt_event(&zonal_image, EVENT_OOM_KILL), kills + 2);
		/* the others are as they were */
		KT_TRUE(user_world_pages(sleeper) >= SLEEPER_PAGES);
		KT_TRUE(user_world_pages(shy) >= HOG_PAGES);
	}
	KT_TRUE(user_kill(shy) && user_kill(sleeper));
	user_world_ends(shy, USER_KILLED);
	user_world_ends(sleeper, USER_KILLED);
	kt_give_all(&zonal_image, most, 0);
	user_world_is_back(before);
}

/* O8: its last fault gets no page, and that is the board's want, no fault of its own. */
KTEST_F(rows_o, o8_a_victim_whose_fault_gets_no_page_ends_as_killed, KT_TARGET_ONLY)
{
	uint64_t before = user_world_before();
	struct page *most = take_most();

	for (unsigned i = 0; i < 12; i++)
		user_world_ends(start(ADJ(1000)), USER_KILLED);
	kt_give_all(&zonal_image, most, 0);
	user_world_is_back(before);
}

KTEST_F(rows_o, o8_atomic_requests_at_10_khz_go_on_while_programs_are_ended, KT_TARGET_ONLY)
{
	uint64_t before = user_world_before(), kills = kt_event(&zonal_image, EVENT_OOM_KILL);
	struct page *most = take_most();
	struct user_ticks ticks;

	user_ticks_begin(NODE_NONE);
	for (unsigned i = 0; i < 4; i++) {
		int hog = start(HOG_PAGES | ADJ(1000)), grower;

		/* Only who has its pages, and its points, is ended before the other. */
		KT_TRUE(user_world_has_pages(hog, HOG_PAGES));
		grower = start(ADJ(500));
		user_world_ends(hog, USER_KILLED);
		user_world_ends(grower, USER_KILLED);
	}
	KT_TRUE(user_ticks_end(&ticks));
	kt_diag("%llu interrupts: %llu pages, %llu refused", (unsigned long long)ticks.calls,
		(unsigned long long)ticks.taken, (unsigned long long)ticks.refused);
	KT_TRUE(ticks.taken > 0 && !ticks.wrong && !ticks.waited);
	KT_EQ(kt_event(&zonal_image, EVENT_OOM_KILL), kills + 8);
	kt_give_all(&zonal_image, most, 0);
	user_world_is_sound(before);
}

/* A reaper may be told "not now", as long as its victim is in the middle of something, and comes
 * again; so does who stands for it here. */
static enum zonal_oom_reap reap(int id)
{
	const struct zonal_oom_ops *ops = zonal_image.oom.ops;
	enum zonal_oom_reap result = ops->reap(NULL, (uint64_t)id);

	for (unsigned i = 0; i < 10000 && result == ZONAL_OOM_REAP_AGAIN; i++) {
		task_sleep_ns(1000000);
		result = ops->reap(NULL, (uint64_t)id);
	}
	return result;
}

/* O11: what a victim has mapped can be taken from it; it ends as it would have, and nothing is
 * given back twice. */
KTEST_F(rows_o, o11_the_pages_of_a_task_that_hangs_are_taken_from_it, KT_TARGET_ONLY)
{
	uint64_t before = user_world_before();
	int id = start(HOG_PAGES);

	if (KT_TRUE(zonal_image.oom.ops) && user_world_has_pages(id, HOG_PAGES)) {
		KT_EQ(reap(id), ZONAL_OOM_REAP_DONE);
		KT_EQ(user_world_pages(id), 0);
	}
	KT_TRUE(user_kill(id));
	user_world_ends(id, USER_KILLED);
	KT_EQ(reap(id), ZONAL_OOM_REAP_DONE);
	user_world_is_back(before);
}

KTEST_F(oom, adjustments_of_programs_are_checked, KT_TARGET_ONLY)
{
	int id = start(1);

	KT_TRUE(user_adjust(id, -1000) && user_adjust(id, 1000) && user_adjust(id, 0));
	KT_TRUE(!user_adjust(id, -1001) && !user_adjust(id, 1001) && !user_adjust(id, INT64_MIN));
	KT_TRUE(!user_adjust(0, 0) && !user_adjust(-1, 0));
	KT_TRUE(!user_adjust(id + (int)user_most(), 0));
	KT_TRUE(user_kill(id));
	user_world_ends(id, USER_KILLED);
}
