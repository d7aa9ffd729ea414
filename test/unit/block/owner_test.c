/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the cache answers when reclaim or compaction ask for its pages.
 *
 * The first cases play the core: they call the callbacks as <zonal/reclaim.h> says and look
 * at the cache afterwards. The last ones let the core do it: memory is taken until pages of the
 * cache must go, and every byte is compared when they are read again.
 */
#include "block/cache_internal.h"

#include <string.h>

#include "cache_disk.h"
#include "mm/page.h"

enum { PAGES = 32, SECTORS = PAGES * (int)BLOCK_PAGE_SECTORS };

#define ops cache_owner_ops

/* The page of the cache at `index`, and its handle. */
static struct page *page_at(struct ram_disk *disk, uint64_t index, uint64_t *handle)
{
	struct block_cache *cache = cache_of(&disk->device);
	unsigned flags;
	struct page *page = cache_lock_page(cache, index, false, &flags);

	if (!KT_TRUE(page != NULL))
		return NULL;
	cache_unlock_page(cache, index, 0);
	*handle = zonal_page_handle(page);
	return page;
}

static struct ram_disk *disk_with_page(struct page **page, uint64_t *handle)
{
	struct ram_disk *disk = cache_disk_new(SECTORS);
	unsigned char byte;

	if (!disk)
		return NULL;
	KT_EQ(cache_read(&disk->device, 5 * PAGE_SIZE, &byte, 1), 0);
	*page = page_at(disk, 5, handle);
	return *page ? disk : NULL;
}

/* What the core does behind a commit. */
static void core_frees(struct page *page)
{
	zonal_page_remove(block_memory(), page);
	zonal_free(block_memory(), page, 0);
}

BLOCK_TEST(block_owner, clean_page_is_given_up_and_read_again)
{
	uint64_t handle;
	struct page *page;
	struct ram_disk *disk = disk_with_page(&page, &handle);
	unsigned char byte = 0;

	if (!disk)
		return;
	KT_EQ(ops.used(NULL, page, handle), false);
	KT_EQ(ops.give_prepare(NULL, page, handle, 0), ZONAL_GIVE_YES);
	/* Prepared: it cannot be prepared again, nor dropped. */
	KT_EQ(ops.give_prepare(NULL, page, handle, 0), ZONAL_GIVE_BUSY);
	KT_EQ(cache_drop(&disk->device), 0);
	ops.give_commit(NULL, page, handle);
	KT_EQ(cache_disk_cached(disk), 0);
	KT_EQ(ops.give_prepare(NULL, page, handle, 0), ZONAL_GIVE_GONE);
	core_frees(page);
	KT_EQ(cache_read(&disk->device, 5 * PAGE_SIZE, &byte, 1), 0);
	KT_EQ(byte, disk->data[5 * PAGE_SIZE]);
	cache_disk_end(disk);
}

BLOCK_TEST(block_owner, abort_leaves_everything_as_it_was)
{
	uint64_t handle;
	struct page *page;
	struct ram_disk *disk = disk_with_page(&page, &handle);
	unsigned char byte = 0;
	unsigned seen;

	if (!disk)
		return;
	seen = disk->seen_count;
	for (unsigned moving = 0; moving < 2; moving++) {
		KT_EQ(moving ? ops.move_prepare(NULL, page, handle, 0) :
			       ops.give_prepare(NULL, page, handle, 0), ZONAL_GIVE_YES);
		ops.abort(NULL, page, handle, moving);
		KT_EQ(cache_read(&disk->device, 5 * PAGE_SIZE, &byte, 1), 0);
	}
	KT_EQ(disk->seen_count, seen);
	cache_disk_end(disk);
}

BLOCK_TEST(block_owner, page_in_a_transfer_or_a_copy_is_refused)
{
	uint64_t handle;
	struct page *page;
	struct ram_disk *disk = disk_with_page(&page, &handle);
	struct block_cache *cache;
	unsigned flags;

	if (!disk)
		return;
	cache = cache_of(&disk->device);
	KT_TRUE(cache_lock_page(cache, 5, false, &flags) == page);
	KT_EQ(ops.give_prepare(NULL, page, handle, ZONAL_MAY_WRITE), ZONAL_GIVE_BUSY);
	KT_EQ(ops.move_prepare(NULL, page, handle, 0), ZONAL_GIVE_BUSY);
	cache_unlock_page(cache, 5, 0);
	/* A handle of another place, of a place that is not there, of no device. */
	KT_EQ(ops.give_prepare(NULL, page, handle + 1, 0), ZONAL_GIVE_GONE);
	KT_EQ(ops.give_prepare(NULL, page, handle + PAGES, 0), ZONAL_GIVE_GONE);
	KT_EQ(ops.move_prepare(NULL, page, handle + ((uint64_t)1 << CACHE_HANDLE_SHIFT), 0),
	      ZONAL_GIVE_GONE);
	cache_disk_end(disk);
}

/* Nobody waits, nobody is told; a waiter has said so under the lock, and is told once. */
BLOCK_TEST(block_owner, who_waits_for_a_place_is_told_when_it_is_given_up_or_not)
{
	uint64_t handle, seen;
	struct page *page;
	struct ram_disk *disk = disk_with_page(&page, &handle);
	struct block_cache *cache;
	port_irqflags_t irq;

	if (!disk)
		return;
	cache = cache_of(&disk->device);
	for (unsigned waits = 0; waits < 3; waits++) {
		KT_EQ(ops.give_prepare(NULL, page, handle, 0), ZONAL_GIVE_YES);
		irq = block_lock(&cache->lock);
		(void)cache_awaited(cache);
		seen = waits ? cache_events(cache) : ld_acquire(&cache->events);
		block_unlock(&cache->lock, irq);
		if (waits < 2)
			ops.abort(NULL, page, handle, false);
		else
			ops.give_commit(NULL, page, handle);
		KT_EQ(ld_acquire(&cache->events), seen + !!waits);
		irq = block_lock(&cache->lock);
		KT_EQ(cache_awaited(cache), false);
		block_unlock(&cache->lock, irq);
	}
	core_frees(page);
	cache_disk_end(disk);
}

BLOCK_TEST(block_owner, dirty_page_is_written_first_if_that_is_allowed)
{
	uint64_t handle;
	struct page *page;
	struct ram_disk *disk = disk_with_page(&page, &handle);
	unsigned char byte = 0x42;

	if (!disk)
		return;
	for (unsigned i = 5; i < 8; i++)
		KT_EQ(cache_write(&disk->device, i * PAGE_SIZE, &byte, 1), 0);
	KT_EQ(ops.give_prepare(NULL, page, handle, ZONAL_MAY_WAIT), ZONAL_GIVE_DIRTY);
	KT_EQ(ram_disk_count(disk, BLOCK_WRITE), 0);
	disk->held = true;
	KT_EQ(ops.give_prepare(NULL, page, handle, ZONAL_MAY_WRITE), ZONAL_GIVE_WRITING);
	/* With its neighbours, in one request. */
	KT_EQ(ram_disk_count(disk, BLOCK_WRITE), 1);
	KT_EQ(disk->seen[disk->seen_count - 1].bytes, 3 * PAGE_SIZE);
	KT_EQ(ops.give_prepare(NULL, page, handle, ZONAL_MAY_WRITE), ZONAL_GIVE_WRITING);
	KT_EQ(ops.move_prepare(NULL, page, handle, 0), ZONAL_GIVE_WRITING);
	ram_disk_release(disk);
	KT_EQ(disk->data[5 * PAGE_SIZE], 0x42);
	KT_EQ(ops.give_prepare(NULL, page, handle, 0), ZONAL_GIVE_YES);
	ops.abort(NULL, page, handle, false);
	cache_disk_end(disk);
}

BLOCK_TEST(block_owner, page_that_cannot_be_written_says_so)
{
	uint64_t handle;
	struct page *page;
	struct ram_disk *disk = disk_with_page(&page, &handle);
	unsigned char byte = 0x42;

	if (!disk)
		return;
	KT_EQ(cache_write(&disk->device, 5 * PAGE_SIZE, &byte, 1), 0);
	disk->fail_writes = 1;
	KT_EQ(ops.give_prepare(NULL, page, handle, ZONAL_MAY_WRITE), ZONAL_GIVE_WRITING);
	KT_EQ(ops.give_prepare(NULL, page, handle, ZONAL_MAY_WRITE), ZONAL_GIVE_NO_ROOM);
	/* Of a disk that is given up nothing can ever be written. */
	block_give_up(&disk->device, BLOCK_EIO, "the test says so");
	KT_EQ(ops.give_prepare(NULL, page, handle, 0), ZONAL_GIVE_YES);
	KT_EQ(zonal_page_dirty(page), false);
	ops.give_commit(NULL, page, handle);
	core_frees(page);
	KT_EQ(cache_disk_dirty(disk), 0);
	cache_disk_end(disk);
}

BLOCK_TEST(block_owner, moved_page_keeps_its_bytes_and_stays_dirty)
{
	uint64_t handle;
	struct page *page, *to;
	struct ram_disk *disk = disk_with_page(&page, &handle);
	unsigned char byte = 0x43, back = 0;

	if (!disk)
		return;
	to = zonal_alloc(block_memory(), GFP_HIGHUSER_MOVABLE, 0);
	KT_EQ(cache_write(&disk->device, 5 * PAGE_SIZE + 7, &byte, 1), 0);
	KT_EQ(ops.move_prepare(NULL, page, handle, 0), ZONAL_GIVE_YES);
	if (!KT_TRUE(to != NULL))
		return;
	zonal_page_remove(block_memory(), page);
	ops.move_commit(NULL, page, to, handle);
	zonal_page_add(block_memory(), cache_owner, to, handle);
	zonal_free(block_memory(), page, 0);
	KT_TRUE(page_at(disk, 5, &handle) == to && zonal_page_dirty(to));
	KT_EQ(cache_read(&disk->device, 5 * PAGE_SIZE + 7, &back, 1), 0);
	KT_EQ(back, 0x43);
	KT_EQ(cache_flush(&disk->device), 0);
	KT_EQ(disk->durable[5 * PAGE_SIZE + 7], 0x43);
	KT_TRUE(memcmp(disk->durable + 5 * PAGE_SIZE, block_page_address(to), PAGE_SIZE) == 0);
	cache_disk_end(disk);
}

static void limit_reach(struct block_device *device) { device->reach = __GFP_DMA; }

BLOCK_TEST(block_owner, nothing_is_moved_where_the_disk_may_not_reach_it)
{
	int error;
	struct ram_disk *disk = ram_disk_make(SECTORS, limit_reach, &error);
	struct page *page;
	uint64_t handle;
	unsigned char byte;

	if (!KT_TRUE(disk && !error && !cache_attach(&disk->device)))
		return;
	KT_EQ(cache_read(&disk->device, 5 * PAGE_SIZE, &byte, 1), 0);
	page = page_at(disk, 5, &handle);
	KT_TRUE(page && zonal_page_zone(page) == ZONE_DMA);
	KT_EQ(ops.move_prepare(NULL, page, handle, 0), ZONAL_GIVE_BUSY);
	cache_disk_end(disk);
}

BLOCK_TEST(block_owner, write_back_starts_about_as_much_as_is_asked_for)
{
	struct ram_disk *disk = cache_disk_new(SECTORS);
	unsigned char byte = 1;
	struct cache_counts count;

	if (!disk)
		return;
	for (unsigned i = 0; i < PAGES; i += 2)
		KT_EQ(cache_write(&disk->device, i * PAGE_SIZE, &byte, 1), 0);
	disk->held = true;
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
		ops.write_back(NULL, n, 4);
	cache_count(&disk->device, &count);
	KT_TRUE(count.writing >= 4 && count.writing < PAGES / 2);
	cache_disk_end(disk);
}

/* ---- the core itself ---- */

/* Take pages until the cache has given up `want`, at most all; chained, newest first. */
static struct page *press(struct ram_disk *disk, uint64_t want)
{
	struct page *chain = NULL;
	struct cache_counts count;

	do {
		struct page *page = zonal_alloc(block_memory(), GFP_KERNEL | __GFP_NORETRY |
						__GFP_NOWARN, 0);

		if (!page)
			break;
		*(struct page **)zonal_page_owner(page) = chain;
		chain = page;
		cache_count(&disk->device, &count);
	} while (count.reclaimed < want);
	KT_OK(count.reclaimed >= want, "%llu pages reclaimed", (unsigned long long)count.reclaimed);
	return chain;
}

static void give_back(struct page *chain)
{
	while (chain) {
		struct page *page = chain;

		chain = *(struct page **)zonal_page_owner(page);
		zonal_free(block_memory(), page, 0);
	}
}

static void pressed_body(void)
{
	struct ram_disk *disk = cache_disk_new(16 * SECTORS);
	size_t bytes = 16 * PAGES * PAGE_SIZE;
	unsigned char *copy = block_test_alloc(bytes);

	if (!disk || !copy)
		return;
	/* Half of it dirty, in patches. */
	KT_EQ(cache_read(&disk->device, 0, copy, bytes), 0);
	for (unsigned i = 0; i < 16 * PAGES; i++) {
		if (i % 7 < 3)
			continue;
		memset(copy + i * PAGE_SIZE, (int)i, PAGE_SIZE);
		KT_EQ(cache_write(&disk->device, i * PAGE_SIZE, copy + i * PAGE_SIZE, PAGE_SIZE),
		      0);
	}
	give_back(press(disk, 8 * PAGES));
	for (unsigned i = 0; i < 16 * PAGES; i++) {
		static unsigned char page[PAGE_SIZE];

		KT_EQ(cache_read(&disk->device, i * PAGE_SIZE, page, PAGE_SIZE), 0);
		KT_OK(memcmp(page, copy + i * PAGE_SIZE, PAGE_SIZE) == 0, "page %u", i);
	}
	KT_EQ(cache_flush(&disk->device), 0);
	KT_TRUE(memcmp(disk->durable, copy, bytes) == 0);
	cache_disk_end(disk);
}

KTEST_F(block_owner, short_memory_takes_pages_of_the_cache_and_loses_no_byte, KT_HOST_ONLY)
{
	block_test_run(pressed_body);
}
