/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything at once: programs that check every word of their memory while it is swapped, moved,
 * moved to other nodes, gathered into blocks and rows for others, while their cpuset changes, and
 * while a disk is read and written beside them, where there is one.
 *
 * What happens next is drawn; the seed is printed, and `make soak` comes with new ones for as long
 * as it is told. The programs have more memory than there is on the node that has most of it: they
 * swap whenever the cpuset is one node (user_storm_test.c has more than all nodes hold).
 *
 * The disk's first bytes are written and read back through the cache, against a copy in memory.
 */
#include <string.h>
#include <zonal/contig.h>
#include <zonal/cpuset.h>
#include <zonal/linux.h>

#include "block/block.h"
#include "block/cache.h"
#include "mm/compact/move.h"
#include "platform/platform.h"
#include "test/unit/sched/sched_world.h"
#include "user/swap.h"
#include "user_world.h"

enum { SWAP_PAGES = 1 << 14, LEFT_PAGES = 1024, ROW = 512,
       WINDOW = 1 << 15, DISK_BYTES = 1 << 16, ENOUGH = 4 };

static struct {
	uint64_t seed;
	struct zonal_cpuset set;
	struct block_device *disk;
	uint8_t copy[DISK_BYTES];
	unsigned moved, blocks, rows, changes, transfers;
} soak;

static unsigned draw(unsigned below) { return (unsigned)(kt_random(&soak.seed) % below); }

/* ---- what happens --------------------------------------------------------------- */

/* A frame on a node that is drawn. */
static struct page *target(void *arg, struct page *from)
{
	nodemask_t nodes = zonal_image.has_memory;

	(void)arg;
	(void)from;
	for (unsigned skip = draw(nodemask_count(nodes)); skip; skip--)
		nodes &= nodes - 1;
	return alloc_pages_node((int)nodemask_first(nodes),
				(GFP_HIGHUSER_MOVABLE & ~__GFP_DIRECT_RECLAIM) | __GFP_NOWARN, 0);
}

static void unused(void *arg, struct page *to)
{
	(void)arg;
	__free_pages(to, 0);
}

/* Pages of a window of frames, to other frames. */
static void move_some(void)
{
	struct move move = { .mm = &zonal_image, .mode = draw(3), .may_fs = true, .target = target,
			     .unused = unused };
	const struct zonal_boot_range *range = &boot_info.range[draw(boot_info.range_count)];
	uint64_t pages = range->size >> PAGE_SHIFT, window = ZN_MIN(pages, (uint64_t)WINDOW);
	pfn_t pfn = (range->start >> PAGE_SHIFT) + kt_random(&soak.seed) % (pages - window + 1);
	struct move_batch batch = { .count = 0 };

	for (uint64_t i = 0; i < window; i++) {
		struct page *page = zonal_page(&zonal_image, pfn + i);

		if (page)
			(void)move_take(&zonal_image, &batch, page);
		if (batch.count == MOVE_BATCH)
			(void)move_pages(&move, &batch);
	}
	(void)move_pages(&move, &batch);
	soak.moved += move.moved;
}

static void take_block(void)
{
	struct page *page = alloc_pages(GFP_TRANSHUGE | __GFP_NORETRY | __GFP_NOWARN,
					PAGEBLOCK_ORDER);

	if (!page)
		return;
	soak.blocks++;
	__free_pages(page, PAGEBLOCK_ORDER);
}

static void take_row(void)
{
	struct page *page = zonal_alloc_contig_pages(&zonal_image, ROW, GFP_KERNEL, ZONAL_NODE_NONE,
						     NULL);

	if (!page)
		return;
	soak.rows++;
	KT_EQ(zonal_free_contig_range(&zonal_image, page_to_pfn(page), ROW), 0);
}

static void change_nodes(void)
{
	nodemask_t all = zonal_image.has_memory, nodes = all & kt_random(&soak.seed);

	KT_EQ(zonal_cpuset_change(&soak.set, nodes ? nodes : all, 0), 0);
	soak.changes++;
}

static void use_disk(void)
{
	unsigned at = draw(DISK_BYTES), bytes = 1 + draw(ZN_MIN(8192u, DISK_BYTES - at));
	static uint8_t back[8192];

	if (!soak.disk)
		return;
	soak.transfers++;
	if (draw(2)) {
		memset(soak.copy + at, (int)draw(256), bytes);
		KT_EQ(cache_write(soak.disk, at, soak.copy + at, bytes), 0);
		return;
	}
	KT_EQ(cache_read(soak.disk, at, back, bytes), 0);
	KT_OK(!memcmp(back, soak.copy + at, bytes), "%u bytes of the disk at %u differ", bytes, at);
	if (!draw(8))
		KT_EQ(cache_flush(soak.disk), 0);
}

/* ---- all of it ------------------------------------------------------------------ */

/* The programs, in the cpuset, which they inherit. */
static void start(uint64_t pages, unsigned rounds)
{
	struct zonal_task *self = task_memory(task_current());

	zonal_cpuset_join(&soak.set, self);
	crowd_start(pages, rounds);
	zonal_cpuset_leave(self);
}

/* A task that was waited for is in it until its stack is given back. */
static void drop_set(void)
{
	uint64_t deadline = sched_world_deadline();
	int error;

	while ((error = zonal_cpuset_drop(&soak.set)) && port_time_ns() < deadline)
		task_sleep_ns(MS);
	KT_EQ(error, 0);
}

/* Reading the disk may leave what is kept for later. */
static uint64_t begin(void)
{
	(void)user_world_before();
	soak.disk = block_find("vda");
	if (soak.disk && cache_read(soak.disk, 0, soak.copy, DISK_BYTES))
		soak.disk = NULL;
	if (soak.disk)
		(void)cache_drop(soak.disk);
	return sched_world_free_pages();
}

KTEST_F(user_soak, no_word_is_wrong_under_everything_at_once, KT_TARGET_ONLY)
{
	static void (*const happens[])(void) = { move_some, take_block, take_row, change_nodes,
						 use_disk, use_disk };
	bool small = boot_info.cpu_count <= 2;
	struct swap_info info;
	uint64_t before, deadline, pages;

	memset(&soak, 0, sizeof(soak));
	soak.seed = kt_seed();
	before = begin();
	if (!KT_TRUE(!swap_on_ram(SWAP_PAGES, &swap_lz4)) ||
	    !KT_EQ(zonal_cpuset_make(&zonal_image, &soak.set, NULL, zonal_image.has_memory, 0), 0))
		return;
	deadline = sched_world_deadline();
	pages = crowd_ballast(LEFT_PAGES) /
		nodemask_count(zonal_image.has_memory);
	do {
		start(pages * 115 / 100, small ? 3 : 1);
		while (crowd_runs()) {
			happens[draw(ARRAY_SIZE(happens))]();
			task_sleep_ns(MS / 4);
		}
		crowd_ends(false);
	} while (soak.moved < ENOUGH && port_time_ns() < deadline);
	crowd_ballast_give();
	drop_set();
	KT_TRUE(swap_look_area(0, &info) && !swap_off(info.name));
	if (soak.disk) {
		KT_EQ(cache_flush(soak.disk), 0);
		(void)cache_drop(soak.disk);
	}
	kt_diag("%u moved, %u blocks, %u rows, %u changes of nodes, %u transfers, %llu out, "
		"%llu in", soak.moved, soak.blocks, soak.rows, soak.changes, soak.transfers,
		(unsigned long long)info.out, (unsigned long long)info.in);
	KT_OK(!small || info.out, "nothing went to swap");
	user_world_is_sound(before);
}
