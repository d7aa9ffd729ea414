/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that check every word of their memory while it is taken away from under them: more of
 * it than there is, so that it goes to swap and comes back; every page that is on a list moved to
 * another frame again and again, by a task on another core; both at once; and programs that are
 * killed in the middle of that. All memory is counted around each case.
 *
 * The program is user/programs/press.c. So that a board with much memory has not much to do, most
 * of it is taken before. What is moved is found by frame, not by program: the mover goes over the
 * whole map, and takes what is on a list at that moment.
 */
#include <zonal/linux.h>

#include "mm/compact/move.h"
#include "platform/platform.h"
#include "test/unit/sched/sched_world.h"
#include "user/swap.h"
#include "user/user.h"
#include "user_world.h"

enum { SWAP_PAGES = 1 << 16, LEFT_PAGES = 4096 };

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
	for (unsigned round = 0; crowd_runs(); round++) {
		move_everything(move, round % 3);
		/* An emulator with one thread gives a core that never rests a tenth of a second a
		 * turn, and a TLB invalidation of another one needs a turn of every core: ten
		 * pages a second would go. */
		task_sleep_ns(5 * MS);
	}
}

/* Cores that reclaim at once meet at the locks of the same few programs. Where an emulator has more
 * of them than its host, the one whose turn it is does not run; so such a board has less to do. */
static uint64_t left_pages(void)
{
	uint64_t pages = boot_info.cpu_count <= 2 ? LEFT_PAGES : LEFT_PAGES / 2;

	return pages / nodemask_count(zonal_image.has_memory);
}

static unsigned rounds(void) { return boot_info.cpu_count <= 2 ? 2 : 1; }

/* ---- cases ------------------------------------------------------------------------ */

/* Pages that CPUs keep for themselves come on top of what is left, so once may not be enough. */
static bool goes_on(bool enough, unsigned *percent, uint64_t deadline)
{
	*percent += 15;
	return !enough && *percent < 200 && port_time_ns() < deadline;
}

KTEST_F(user_press, programs_have_more_memory_than_the_board, KT_TARGET_ONLY)
{
	uint64_t before, left, deadline = sched_world_deadline();
	unsigned percent = 130;
	struct swap_info info;

	before = user_world_before();
	if (!KT_TRUE(!swap_on_ram(SWAP_PAGES, &swap_lz4)))
		return;
	left = crowd_ballast(left_pages());
	do {
		crowd_start(left * percent / 100, rounds());
		crowd_ends(false);
		KT_TRUE(swap_look_area(0, &info));
	} while (goes_on(info.out && info.in, &percent, deadline));
	KT_OK(info.out && info.in, "%llu pages out, %llu in", (unsigned long long)info.out,
	      (unsigned long long)info.in);
	crowd_ballast_give();
	KT_TRUE(!swap_off(info.name));
	user_world_is_sound(before);
}

KTEST_F(user_press, pages_move_while_their_programs_run, KT_TARGET_ONLY)
{
	uint64_t before = user_world_before();
	uint64_t deadline = sched_world_deadline();
	unsigned moved = 0;
	struct move move;

	/* On a board of many cores they may end before their pages are come to: then again. */
	do {
		crowd_start(64 * CROWD, 255);
		move_while_they_run(&move);
		crowd_ends(false);
		moved += move.moved;
	} while (moved < 20 && port_time_ns() < deadline);
	KT_OK(moved >= 20, "%u pages moved; in the end %u gone, %u failed", moved, move.gone,
	      move.failed);
	user_world_is_sound(before);
}

KTEST_F(user_press, programs_are_killed_while_their_pages_move, KT_TARGET_ONLY)
{
	uint64_t before = user_world_before();
	struct move move = { .mm = &zonal_image, .may_fs = true, .target = move_target,
			     .unused = move_unused };

	for (unsigned round = 0; round < 3; round++) {
		crowd_start(200 * CROWD, 255);
		move_everything(&move, round % 3);
		for (unsigned i = 0; i < CROWD; i++)
			KT_TRUE(user_kill(crowd_id(i)));
		move_everything(&move, (round + 1) % 3);
		crowd_ends(true);
	}
	user_world_is_sound(before);
}

KTEST_F(user_press, pages_move_and_swap_while_their_programs_run, KT_TARGET_ONLY)
{
	uint64_t before, left, deadline = sched_world_deadline();
	unsigned percent = 115, moved = 0;
	struct swap_info info;
	struct move move;

	before = user_world_before();
	if (!KT_TRUE(!swap_on_ram(SWAP_PAGES, &swap_lz4)))
		return;
	left = crowd_ballast(left_pages() / 2);
	do {
		crowd_start(left * percent / 100, rounds());
		move_while_they_run(&move);
		crowd_ends(false);
		moved += move.moved;
		KT_TRUE(swap_look_area(0, &info));
	} while (goes_on(info.out && info.in && moved >= 20, &percent, deadline));
	KT_OK(info.out && info.in && moved >= 20, "%llu pages out, %llu in, %u moved",
	      (unsigned long long)info.out, (unsigned long long)info.in, moved);
	crowd_ballast_give();
	KT_TRUE(!swap_off(info.name));
	user_world_is_sound(before);
}
