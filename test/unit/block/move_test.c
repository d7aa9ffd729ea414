/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks that are read and written while their pages move (point by point in block/cache_owner.c).
 *
 * One task moves: it takes pages of the cache off their lists by frame, as compaction does, and has
 * the core move them to other frames, now and then all of the memory is compacted. The other writes
 * and reads at random places, and compares every byte with a copy of its own, and there is a flush
 * now and then, so that pages are clean, dirty and on their way to the disk. At the end the disk
 * holds the copy. The writer ends after a number of rounds and stops the mover.
 */
#include "block/cache_internal.h"

#include <string.h>

#include "cache_disk.h"
#include "mm/compact/move.h"

enum { PAGES = 48, SECTORS = PAGES * (int)BLOCK_PAGE_SECTORS, ROUNDS = 600 };

static struct {
	struct ram_disk *disk;
	_Atomic bool stop;
	_Atomic bool moved; /* something was */
	struct move move;
	unsigned compactions;
} work;

static struct page *any_frame(void *arg, struct page *from)
{
	(void)arg, (void)from;
	return zonal_alloc(block_memory(), GFP_HIGHUSER_MOVABLE | __GFP_NOWARN | __GFP_NORETRY, 0);
}

static void not_needed(void *arg, struct page *to)
{
	(void)arg;
	zonal_free(block_memory(), to, 0);
}

/* The frame of the page at `index` at this moment; NULL: it is not cached. */
static struct page *frame_of(uint64_t index)
{
	struct block_cache *cache = cache_of(&work.disk->device);
	port_irqflags_t irq = block_lock(&cache->lock);
	struct cache_slot *slot = cache_tree_find(&cache->tree, index);
	struct page *page = slot && slot->pfn ? mm_page(block_memory(), slot->pfn) : NULL;

	block_unlock(&cache->lock, irq);
	return page;
}

static int mover(void *arg)
{
	struct zonal_compacted done;
	uint64_t state = kt_seed() | 1;

	(void)arg;
	while (!ld_acquire(&work.stop)) {
		struct move_batch batch = { .count = 0 };

		for (unsigned i = 0; i < 16; i++) {
			struct page *page = frame_of(kt_random(&state) % PAGES);

			/* It may be anything by now. */
			if (page && batch.count < MOVE_BATCH)
				(void)move_take(block_memory(), &batch, page);
		}
		move_pages(&work.move, &batch);
		if (work.move.moved)
			st_release(&work.moved, true);
		if (kt_random(&state) % 8 == 0) {
			zonal_compact(block_memory(), NODE_NONE, &done);
			work.compactions++;
		}
		task_yield();
	}
	return 0;
}

static bool write_and_read(unsigned char *copy, uint64_t *state)
{
	static unsigned char seen[2 * PAGE_SIZE];
	size_t at = kt_random(state) % (PAGES * PAGE_SIZE - sizeof(seen));
	size_t bytes = 1 + kt_random(state) % sizeof(seen);

	memset(copy + at, (int)kt_random(state), bytes);
	if (!KT_EQ(cache_write(&work.disk->device, at, copy + at, bytes), 0))
		return false;
	task_yield();
	at = kt_random(state) % (PAGES * PAGE_SIZE - sizeof(seen));
	return KT_EQ(cache_read(&work.disk->device, at, seen, sizeof(seen)), 0) &&
	       KT_OK(memcmp(seen, copy + at, sizeof(seen)) == 0, "bytes from %llu on are wrong",
		     (unsigned long long)at);
}

BLOCK_TEST(block_move, pages_move_while_they_are_read_written_and_flushed)
{
	unsigned char *copy = block_test_alloc(PAGES * PAGE_SIZE);
	uint64_t state = kt_seed() | 1;
	struct cache_counts count;
	struct task *task;
	bool right = true;

	memset(&work, 0, sizeof(work));
	work.disk = cache_disk_new(SECTORS);
	if (!work.disk || !copy)
		return;
	work.move = (struct move){ .mm = block_memory(),
				   .mode = MOVE_SYNC_LIGHT,
				   .may_fs = true,
				   .target = any_frame,
				   .unused = not_needed };
	KT_EQ(cache_read(&work.disk->device, 0, copy, PAGES * PAGE_SIZE), 0);
	task = sched_world_task(mover, NULL, -1, 6);
	if (!KT_TRUE(task))
		return;
	/* The other one may come late, or only when this one sleeps. */
	for (unsigned i = 0; right && i < 3 * ROUNDS && (i < ROUNDS || !ld_acquire(&work.moved));
	     i++) {
		if (i >= ROUNDS)
			task_sleep_ns(1000000);
		right = write_and_read(copy, &state);
		if (i % 50 == 49)
			KT_EQ(cache_flush(&work.disk->device), 0);
	}
	st_release(&work.stop, true);
	task_join(task);
	KT_EQ(cache_flush(&work.disk->device), 0);
	KT_TRUE(memcmp(work.disk->durable, copy, PAGES * PAGE_SIZE) == 0);
	cache_count(&work.disk->device, &count);
	KT_TRUE(work.move.moved > 0 && count.moved >= work.move.moved);
	kt_diag("%u moved, %u stayed, %u compactions", work.move.moved, work.move.failed,
		work.compactions);
	cache_disk_end(work.disk);
}
