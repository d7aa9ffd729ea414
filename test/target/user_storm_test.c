/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * More memory than the board has, and everything that moves memory at the same time.
 *
 * Programs (test/user/storm.c) hold more pages than the board has, with swap in compressed RAM and
 * on a disk. They check every word again and again, and send parts of themselves to the other node,
 * under changing policies. Beside them tasks compact the nodes, take contiguous ranges and give
 * them back, and write and read another disk (user_storm_beside.c), and this one changes the
 * nodes of their cpuset.
 *
 * Nothing here goes by the clock: programs are started anew until everything has happened at least
 * as often as the table says. Only a board on which that takes PATIENCE_NS fails, with the name of
 * what did not happen.
 *
 * It wants a board of two small nodes with two disks, vda to swap and vdb to load, as
 * test/t/pressure.t and `make soak` boot it; elsewhere it is skipped.
 */
#include "user_storm.h"

#include <string.h>
#include <zonal/linux.h>
#include <zonal/oom.h>

#include "block/cache.h"
#include "mm/mm.h"
#include "platform/platform.h"
#include "test/unit/mm/kt_instance.h"
#include "test/unit/sched/sched_world.h"
#include "user/swap.h"
#include "user/user.h"
#include "user_world.h"

enum { PROGRAMS = 8, ROUNDS = 2, PERCENT = 120, RAM_SWAP = 2048, MOST_PAGES = 1 << 15 };
#define PATIENCE_NS (240000 * MS)

struct storm storm;
static int program[PROGRAMS];

/* How often at least. */
static struct {
	const char *name;
	uint64_t least;
} wanted[WHATS] = {
	[VERIFIED] = { "pages checked word by word", 1 << 15 },
	[HELD] = { "most pages that the programs held at once", 0 }, /* the board's, and one */
	[SWAP_OUT] = { "pswpout", 2000 },
	[SWAP_IN] = { "pswpin", 2000 },
	[RAM_OUT] = { "pages to compressed RAM", 100 },
	[DISK_OUT] = { "pages to the disk", 100 },
	[COMPACTED] = { "pages moved by compaction", 100 },
	[TO_NODE] = { "pages that programs sent to another node", 100 },
	[POLICIES] = { "policies set", 16 },
	[CPUSET] = { "changes of the cpuset", 16 },
	[ROWS] = { "contiguous ranges taken and given back", 8 },
	[DISK_READ] = { "bytes read and compared", 1 << 20 },
	[DISK_WRITTEN] = { "bytes written", 1 << 20 },
};

/* ---- the programs ------------------------------------------------------------------ */

static uint64_t pages_of_one(void)
{
	return storm.board_pages * PERCENT / 100 / PROGRAMS;
}

/* They inherit the cpuset. */
static void programs_start(void)
{
	struct zonal_task *self = task_memory(task_current());

	zonal_cpuset_join(&storm.set, self);
	for (unsigned i = 0; i < PROGRAMS; i++)
		program[i] = user_world_start("storm", pages_of_one() | ROUNDS << 20 |
							   (uint64_t)(i + 1) << 32 |
							   (uint64_t)(i & 1) << 48);
	zonal_cpuset_leave(self);
}

static bool programs_run(void)
{
	struct user_info info;

	for (unsigned i = 0; i < PROGRAMS; i++)
		if (user_look(program[i], &info))
			return true;
	return false;
}

/* Who has written all waits for a child. When all do the children are ended, and they go on. */
static void open_gate(void)
{
	static struct user_info info[4 * PROGRAMS];
	unsigned next = 0, count = user_list(&next, info, ARRAY_SIZE(info)), waiting = 0;

	for (unsigned i = 0; i < count; i++)
		waiting += info[i].parent != 0;
	for (unsigned i = 0; waiting == PROGRAMS && i < count; i++)
		if (info[i].parent)
			(void)user_kill((int)info[i].id);
}

/* Pages that all programs have at this moment, in memory and in swap. */
static void look_at_all(void)
{
	struct zonal_oom_candidate who = { .id = 0 };
	uint64_t cursor = 0, pages = 0;

	while (zonal_image.oom.ops->next(zonal_image.oom.ctx, &cursor, &who))
		pages += who.pages + who.swap;
	if (pages > ld_relaxed(&storm.seen[HELD]))
		st_relaxed(&storm.seen[HELD], pages);
}

/* One that has ended must have found every word right. Only who was too slow is killed. */
static void program_ends(int id, bool killed)
{
	struct user_end end = { .status = -1 };

	if (!KT_TRUE(id > 0 && user_join(id, &end)) || (killed && end.reason == USER_KILLED))
		return;
	KT_OK(end.reason == USER_EXITED && end.status >= 0, "task %d: reason %u, status %d", id,
	      end.reason, end.status);
	if (end.status < 0)
		return;
	storm_saw(VERIFIED, pages_of_one() * ROUNDS);
	storm_saw(TO_NODE, (unsigned)end.status & 0xfffff);
	storm_saw(POLICIES, (unsigned)end.status >> 20);
}

static void change_nodes(uint64_t *state)
{
	KT_EQ(zonal_cpuset_change(&storm.set, 1 + storm_draw(state, 3), 0), 0);
	storm_saw(CPUSET, 1);
}

/* From their start to their end; false: the patience is over. */
static bool programs_once(uint64_t *state)
{
	bool late = false;

	programs_start();
	while (programs_run() && !late) {
		change_nodes(state);
		for (unsigned i = 0; i < 8; i++) {
			look_at_all();
			open_gate();
			task_sleep_ns(5 * MS);
		}
		late = port_time_ns() > storm.deadline;
	}
	for (unsigned i = 0; late && i < PROGRAMS; i++)
		(void)user_kill(program[i]);
	for (unsigned i = 0; i < PROGRAMS; i++)
		program_ends(program[i], late);
	return !late;
}

/* ---- all of it ---------------------------------------------------------------------- */

static void look_at_swap(void)
{
	struct swap_info ram = { .out = 0 }, disk = { .out = 0 };

	KT_TRUE(swap_look_area(0, &ram) && swap_look_area(1, &disk) && !ram.disk && disk.disk);
	st_relaxed(&storm.seen[RAM_OUT], ram.out);
	st_relaxed(&storm.seen[DISK_OUT], disk.out);
	st_relaxed(&storm.seen[SWAP_OUT], kt_event(&zonal_image, EVENT_PSWPOUT) - storm.events[0]);
	st_relaxed(&storm.seen[SWAP_IN], kt_event(&zonal_image, EVENT_PSWPIN) - storm.events[1]);
}

static bool enough(void)
{
	look_at_swap();
	for (unsigned i = 0; i < WHATS; i++)
		if (ld_relaxed(&storm.seen[i]) < wanted[i].least)
			return false;
	return true;
}

static void say_and_judge(void)
{
	kt_diag("the programs' patterns: %llu pages; the board: %llu pages, %u cores",
		(unsigned long long)pages_of_one() * PROGRAMS,
		(unsigned long long)storm.board_pages, boot_info.cpu_count);
	KT_TRUE(pages_of_one() * PROGRAMS > storm.board_pages);
	for (unsigned i = 0; i < WHATS; i++) {
		uint64_t count = ld_relaxed(&storm.seen[i]);

		kt_diag("%s: %llu", wanted[i].name, (unsigned long long)count);
		KT_OK(count >= wanted[i].least, "%s: %llu, and %llu were wanted", wanted[i].name,
		      (unsigned long long)count, (unsigned long long)wanted[i].least);
	}
	kt_diag("contiguous ranges asked for: %llu", (unsigned long long)storm.rows_asked);
}

/* The programs, again and again, with everything else beside them. */
static void blow(void)
{
	static int (*const beside[])(void *) = { storm_compact, storm_rows, storm_load };
	struct task *task[ARRAY_SIZE(beside)];
	uint64_t state = storm.seed ^ 0x73746f72;

	for (unsigned i = 0; i < ARRAY_SIZE(beside); i++)
		task[i] = sched_world_task(beside[i], NULL, -1, SCHED_PRIORITY_DEFAULT);
	while (programs_once(&state) && !enough())
		;
	st_relaxed(&storm.stop, true);
	for (unsigned i = 0; i < ARRAY_SIZE(beside); i++)
		if (task[i])
			(void)task_join(task[i]);
}

/* RAM of the board, what boot has taken of it too. */
static uint64_t pages_of_board(void)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < boot_info.range_count; i++)
		bytes += boot_range_usable(&boot_info.range[i]) ? boot_info.range[i].size : 0;
	return bytes >> PAGE_SHIFT;
}

/* False: the board is not made for it. */
static bool board_is_fit(void)
{
	storm.board_pages = pages_of_board();
	storm.swap = block_find("vda");
	storm.load = block_find("vdb");
	return storm.swap && storm.load && zonal_image.has_memory == 3 &&
	       storm.board_pages <= MOST_PAGES &&
	       storm.swap->sectors * 512 >= storm.board_pages * 2 * PAGE_SIZE &&
	       storm.load->sectors * 512 >= PIECES * PIECE;
}

/* Everything that is used for the first time was used, and the disk holds what it should. */
static uint64_t begin(void)
{
	storm.seed = kt_seed();
	storm.deadline = port_time_ns() + PATIENCE_NS;
	storm.events[0] = kt_event(&zonal_image, EVENT_PSWPOUT);
	storm.events[1] = kt_event(&zonal_image, EVENT_PSWPIN);
	wanted[HELD].least = storm.board_pages + 1;
	KT_TRUE(!swap_format(storm.swap));
	for (unsigned piece = 0; piece < PIECES; piece++)
		storm_write_piece(piece);
	KT_EQ(cache_flush(storm.load), 0);
	(void)cache_drop(storm.swap);
	(void)cache_drop(storm.load);
	return user_world_before();
}

/* A task that was waited for is in the cpuset until its stack is given back. */
static void drop_set(void)
{
	uint64_t deadline = sched_world_deadline();
	int error;

	while ((error = zonal_cpuset_drop(&storm.set)) && port_time_ns() < deadline)
		task_sleep_ns(MS);
	KT_EQ(error, 0);
}

/* Nothing is in swap any more, and the disk holds each version that was written last. */
static void end(void)
{
	drop_set();
	KT_TRUE(!swap_off("ram0") && !swap_off(storm.swap->name));
	KT_EQ(cache_flush(storm.load), 0);
	(void)cache_drop(storm.load);
	for (unsigned piece = 0; piece < PIECES; piece++)
		storm_read_piece(piece);
	(void)cache_drop(storm.load);
}

KTEST_F(user_storm, no_word_is_wrong_where_programs_have_more_than_the_board, KT_TARGET_ONLY)
{
	uint64_t before;

	memset(&storm, 0, sizeof(storm));
	if (!board_is_fit()) {
		kt_skip("two nodes, at most 128 MiB, disks vda to swap and vdb to load");
		return;
	}
	before = begin();
	if (!KT_TRUE(!swap_on_ram(RAM_SWAP, &swap_lz4) && !swap_on_disk(storm.swap)) ||
	    !KT_EQ(zonal_cpuset_make(&zonal_image, &storm.set, NULL, 3, 0), 0))
		return;
	blow();
	look_at_swap();
	say_and_judge();
	end();
	user_world_is_sound(before);
	kt_diag("free pages: %llu before, %llu after", (unsigned long long)before,
		(unsigned long long)sched_world_free_pages());
}
