/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that check every word of their memory while it is taken away from under them: more of
 * it than there is, so that it goes to swap and comes back; every page that is on a list moved to
 * another frame again and again, by a task on another core; both at once; and programs that are
 * killed in the middle of that. All memory is counted around each case.
 *
 * The program is test/user/press.c. So that a board with much memory has not much to do, most of it
 * is taken before. What is moved is found by frame, not by program: the mover goes over the whole
 * map, and takes what is on a list at that moment.
 */
#include <string.h>
#include <zonal/linux.h>

#include "mm/compact/move.h"
#include "mm/watermark.h"
#include "platform/platform.h"
#include "test/unit/sched/sched_world.h"
#include "user/swap.h"
#include "user/user.h"
#include "user/user_port.h"

enum { SWAP_PAGES = 1 << 16, LEFT_PAGES = 4096, TASKS = 4 };

static void check_holds(void)
{
	struct zonal_finding finding;

	KT_OK(zonal_check_busy(&zonal_image, &finding), "%s", finding.text);
}

/* ---- memory that is not there ------------------------------------------------- */

static struct page *ballast; /* blocks, chained through their first words */

static uint64_t *words(const struct page *page)
{
	return user_port_address(page_to_pfn(page) << PAGE_SHIFT);
}

static uint64_t marks_of_all(void)
{
	uint64_t sum = 0;

	for (nodemask_t m = boot_info.nodes; m; m &= m - 1)
		for (unsigned t = 0; t < ZONE_TYPES; t++)
			sum += (uint64_t)zone_mark(&zonal_image.node[nodemask_first(m)]->zone[t],
						   WMARK_HIGH);
	return sum;
}

/* Leave about so many pages above the marks; how many are free then. */
static uint64_t ballast_take(uint64_t pages)
{
	uint64_t free = sched_world_free_pages(), keep = pages + 2 * marks_of_all();
	gfp_t gfp = (GFP_HIGHUSER & ~__GFP_RECLAIM) | __GFP_NOWARN;

	for (unsigned order = MAX_ORDER; order-- > 0;)
		while (free > keep + (1ull << order)) {
			struct page *page = alloc_pages(gfp, order);

			if (!page)
				break;
			words(page)[0] = (uintptr_t)ballast;
			words(page)[1] = order;
			ballast = page;
			free -= 1ull << order;
		}
	return sched_world_free_pages();
}

static void ballast_give(void)
{
	while (ballast) {
		struct page *page = ballast;

		ballast = (struct page *)(uintptr_t)words(page)[0];
		__free_pages(page, (unsigned)words(page)[1]);
	}
}

/* ---- programs ------------------------------------------------------------------ */

static int id[TASKS];

static uint64_t begin(void)
{
	struct user_end end;
	int first = user_start("probe", 0, NULL);

	/* The first start of anything may leave what it keeps; the reaper needs a moment. */
	KT_TRUE(first > 0 && user_join(first, &end));
	task_sleep_ns(20 * MS);
	return sched_world_free_pages();
}

static void start_all(uint64_t pages, unsigned rounds)
{
	for (unsigned i = 0; i < TASKS; i++) {
		id[i] = user_start("press", pages | rounds << 24 | (uint64_t)(i + 1) << 32, NULL);
		KT_TRUE(id[i] > 0);
	}
}

/* Does one of them still run? */
static bool any_runs(void)
{
	struct user_info info;
	unsigned next = 0;

	while (user_list(&next, &info, 1))
		for (unsigned i = 0; i < TASKS; i++)
			if ((int)info.id == id[i] && !info.ended)
				return true;
	return false;
}

/* With 0; or, if they may have been killed before that, by that. */
static void all_end(bool killed)
{
	struct user_end end;

	for (unsigned i = 0; i < TASKS; i++)
		if (KT_TRUE(id[i] > 0 && user_join(id[i], &end)))
			KT_OK((end.reason == USER_EXITED && end.status == 0) ||
				      (killed && end.reason == USER_KILLED),
			      "task %u: reason %u, status %d", i, end.reason, end.status);
}

static void all_is_back(uint64_t before)
{
	uint64_t deadline = sched_world_deadline(), now;

	do {
		task_sleep_ns(MS);
		now = sched_world_free_pages();
	} while (now < before && port_time_ns() < deadline);
	KT_OK(now >= before, "%llu pages are free, %llu were before", (unsigned long long)now,
	      (unsigned long long)before);
	check_holds();
}

/* ---- the mover ------------------------------------------------------------------ */

static struct page *move_target(void *arg, struct page *from)
{
	(void)arg;
	(void)from;
	return alloc_pages((GFP_HIGHUSER_MOVABLE & ~__GFP_DIRECT_RECLAIM) | __GFP_NOWARN, 0);
}

static void move_unused(void *arg, struct page *to)
{
	(void)arg;
	__free_pages(to, 0);
}

/* Pages that are on lists, of so many frames of one node. */
static void move_some(struct move *move, int nid, pfn_t pfn, unsigned frames)
{
	struct move_batch batch = { .count = 0 };
	struct page *listed[MOVE_BATCH];
	unsigned found = 0;

	for (unsigned i = 0; i < frames; i++) {
		struct page *page = zonal_page(&zonal_image, pfn + i);

		if (page && page_word(page) & PG_LRU)
			listed[found++] = page;
	}
	if (!found)
		return;
	(void)move_take_some(&zonal_image, &batch, zonal_image.node[nid], listed, found);
	(void)move_pages(move, &batch);
}

/* All pages on lists, once, to other frames. */
static void move_everything(struct move *move, enum move_mode mode)
{
	move->mode = mode;
	for (unsigned i = 0; i < boot_info.range_count; i++) {
		pfn_t pfn = boot_info.range[i].start >> PAGE_SHIFT;
		pfn_t end = pfn + (boot_info.range[i].size >> PAGE_SHIFT);

		for (; pfn < end; pfn += MOVE_BATCH)
			move_some(move, boot_info.range[i].nid, pfn,
				  (unsigned)ZN_MIN(end - pfn, (pfn_t)MOVE_BATCH));
	}
}

static void move_while_they_run(struct move *move)
{
	*move = (struct move){ .mm = &zonal_image, .may_fs = true, .target = move_target,
			       .unused = move_unused };
	for (unsigned round = 0; any_runs(); round++) {
		move_everything(move, round % 3);
		/* An emulator with one thread gives a core that never rests a tenth of a second a
		 * turn, and a TLB invalidation of another one needs a turn of every core: ten
		 * pages a second would go. */
		task_sleep_ns(5 * MS);
	}
}

/* Cores that reclaim at once meet at the locks of the same few programs. Where an emulator has more
 * of them than its host, the one whose turn it is does not run: minutes, and no two runs alike. */
static bool too_many_cores(void)
{
	if (boot_info.cpu_count <= 2)
		return false;
	kt_skip("a board of more than two cores");
	return true;
}

/* ---- cases ------------------------------------------------------------------------ */

KTEST_F(user_press, programs_have_more_memory_than_the_board, KT_TARGET_ONLY)
{
	uint64_t before;
	struct swap_info info;

	if (too_many_cores())
		return;
	before = begin();
	if (!KT_TRUE(!swap_on_ram(SWAP_PAGES, &swap_lz4)))
		return;
	start_all(ballast_take(LEFT_PAGES) * 130 / 100 / TASKS, 2);
	all_end(false);
	KT_TRUE(swap_look_area(0, &info));
	KT_OK(info.out && info.in, "%llu pages out, %llu in", (unsigned long long)info.out,
	      (unsigned long long)info.in);
	ballast_give();
	KT_TRUE(!swap_off(info.name));
	all_is_back(before);
}

KTEST_F(user_press, pages_move_while_their_programs_run, KT_TARGET_ONLY)
{
	uint64_t before = begin();
	uint64_t deadline = sched_world_deadline();
	unsigned moved = 0;
	struct move move;

	/* On a board of many cores they may end before their pages are come to: then again. */
	do {
		start_all(64, 255);
		move_while_they_run(&move);
		all_end(false);
		moved += move.moved;
	} while (moved < 20 && port_time_ns() < deadline);
	KT_OK(moved >= 20, "%u pages moved; in the end %u gone, %u failed", moved, move.gone,
	      move.failed);
	all_is_back(before);
}

KTEST_F(user_press, programs_are_killed_while_their_pages_move, KT_TARGET_ONLY)
{
	uint64_t before = begin();
	struct move move = { .mm = &zonal_image, .may_fs = true, .target = move_target,
			     .unused = move_unused };

	for (unsigned round = 0; round < 3; round++) {
		start_all(200, 255);
		move_everything(&move, round % 3);
		for (unsigned i = 0; i < TASKS; i++)
			KT_TRUE(user_kill(id[i]));
		move_everything(&move, (round + 1) % 3);
		all_end(true);
	}
	all_is_back(before);
}

KTEST_F(user_press, pages_move_and_swap_while_their_programs_run, KT_TARGET_ONLY)
{
	struct swap_info info;
	struct move move;
	uint64_t before;

	if (too_many_cores())
		return;
	before = begin();
	if (!KT_TRUE(!swap_on_ram(SWAP_PAGES, &swap_lz4)))
		return;
	start_all(ballast_take(LEFT_PAGES / 4) * 115 / 100 / TASKS, 2);
	move_while_they_run(&move);
	all_end(false);
	KT_TRUE(swap_look_area(0, &info));
	KT_OK(info.out && info.in && move.moved > 20, "%llu pages out, %llu in, %u moved",
	      (unsigned long long)info.out, (unsigned long long)info.in, move.moved);
	ballast_give();
	KT_TRUE(!swap_off(info.name));
	all_is_back(before);
}
