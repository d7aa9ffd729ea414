/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything at once: programs that check every word of their memory while it is swapped, moved,
 * moved to other nodes, gathered into blocks and rows for others, while their cpuset changes, and
 * while a disk is read and written beside them, where there is one.
 *
 * What happens next is drawn; the seed is printed, and `make soak` comes with new ones for as long
 * as it is told. On a board of one node and up to two cores the programs have more memory than
 * there is; elsewhere there is plenty (too_many_cores() in user_press_test.c says why).
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
#include "mm/watermark.h"
#include "platform/platform.h"
#include "test/unit/sched/sched_world.h"
#include "user/swap.h"
#include "user/user.h"

enum { TASKS = 4, SWAP_PAGES = 1 << 14, LEFT_PAGES = 2048, PLENTY_PAGES = 512, ROW = 512,
       WINDOW = 1 << 15, DISK_BYTES = 1 << 16, ENOUGH = 4 };

static struct {
	uint64_t seed;
	int id[TASKS];
	struct page *ballast; /* blocks, chained through their owner words */
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

/* ---- the programs ---------------------------------------------------------------- */

static uint64_t marks(void)
{
	struct zone *zone;
	uint64_t sum = 0;
	unsigned zid;

	mm_for_each_zone(&zonal_image, zid, zone)
		sum += (uint64_t)zone_mark(zone, WMARK_HIGH);
	return sum;
}

/* All but LEFT_PAGES above the marks; how many the programs shall have together. */
static uint64_t make_it_small(void)
{
	gfp_t gfp = (GFP_HIGHUSER & ~__GFP_RECLAIM) | __GFP_NOWARN;
	uint64_t keep = marks() + LEFT_PAGES;

	for (unsigned order = MAX_ORDER; order-- > 0;) {
		struct page *page;

		while (sched_world_free_pages() > keep + (1ull << order) &&
		       (page = alloc_pages(gfp, order))) {
			uint64_t *words = zonal_page_owner(page);

			words[0] = (uintptr_t)soak.ballast;
			words[1] = order;
			soak.ballast = page;
		}
	}
	return (sched_world_free_pages() - marks() / 2) * 115 / 100;
}

static void give_ballast(void)
{
	while (soak.ballast) {
		struct page *page = soak.ballast;
		uint64_t *words = zonal_page_owner(page), order = words[1];

		soak.ballast = (struct page *)(uintptr_t)words[0];
		__free_pages(page, (unsigned)order);
	}
}

static void start_all(uint64_t pages, unsigned rounds)
{
	struct zonal_task *self = task_memory(task_current());

	zonal_cpuset_join(&soak.set, self);
	for (unsigned i = 0; i < TASKS; i++) {
		soak.id[i] = user_start("press", pages / TASKS | rounds << 24 |
						(uint64_t)(i + 1) << 32, NULL);
		KT_TRUE(soak.id[i] > 0);
	}
	zonal_cpuset_leave(self);
}

static bool any_runs(void)
{
	struct user_info info;
	unsigned next = 0;

	while (user_list(&next, &info, 1))
		for (unsigned i = 0; i < TASKS; i++)
			if ((int)info.id == soak.id[i] && !info.ended)
				return true;
	return false;
}

static void all_end(void)
{
	struct user_end end;

	for (unsigned i = 0; i < TASKS; i++)
		if (KT_TRUE(soak.id[i] > 0 && user_join(soak.id[i], &end)))
			KT_OK(end.reason == USER_EXITED && end.status == 0,
			      "task %u: reason %u, status %d", i, end.reason, end.status);
}

static void all_is_back(uint64_t before)
{
	uint64_t deadline = sched_world_deadline(), now;
	struct zonal_finding finding;

	do {
		task_sleep_ns(MS);
		now = sched_world_free_pages();
	} while (now < before && port_time_ns() < deadline);
	KT_OK(now >= before, "%llu pages are free, %llu were before", (unsigned long long)now,
	      (unsigned long long)before);
	KT_OK(zonal_check_busy(&zonal_image, &finding), "%s", finding.text);
}

/* The first start of anything, and of the disk, may leave what is kept for later. */
static uint64_t begin(void)
{
	struct user_end end;
	int first = user_start("probe", 0, NULL);

	KT_TRUE(first > 0 && user_join(first, &end));
	soak.disk = block_find("vda");
	if (soak.disk && cache_read(soak.disk, 0, soak.copy, DISK_BYTES))
		soak.disk = NULL;
	task_sleep_ns(20 * MS);
	if (soak.disk)
		(void)cache_drop(soak.disk);
	return sched_world_free_pages();
}

KTEST_F(user_soak, no_word_is_wrong_under_everything_at_once, KT_TARGET_ONLY)
{
	static void (*const happens[])(void) = { move_some, take_block, take_row, change_nodes,
						 use_disk, use_disk };
	bool small = boot_info.cpu_count <= 2 && nodemask_count(zonal_image.has_memory) == 1;
	struct swap_info info;
	uint64_t before, deadline, pages;

	memset(&soak, 0, sizeof(soak));
	soak.seed = kt_seed();
	before = begin();
	if (!KT_TRUE(!swap_on_ram(SWAP_PAGES, &swap_lz4)) ||
	    !KT_EQ(zonal_cpuset_make(&zonal_image, &soak.set, NULL, zonal_image.has_memory, 0), 0))
		return;
	deadline = sched_world_deadline();
	pages = small ? make_it_small() : PLENTY_PAGES;
	do {
		start_all(pages, small ? 3 : 100);
		while (any_runs()) {
			happens[draw(ARRAY_SIZE(happens))]();
			task_sleep_ns(MS / 4);
		}
		all_end();
	} while (soak.moved < ENOUGH && port_time_ns() < deadline);
	give_ballast();
	KT_EQ(zonal_cpuset_drop(&soak.set), 0);
	KT_TRUE(swap_look_area(0, &info) && !swap_off(info.name));
	if (soak.disk) {
		KT_EQ(cache_flush(soak.disk), 0);
		(void)cache_drop(soak.disk);
	}
	kt_diag("%u moved, %u blocks, %u rows, %u changes of nodes, %u transfers, %llu out, "
		"%llu in", soak.moved, soak.blocks, soak.rows, soak.changes, soak.transfers,
		(unsigned long long)info.out, (unsigned long long)info.in);
	KT_OK(!small || info.out, "nothing went to swap");
	all_is_back(before);
}
