/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What reclaim and compaction ask the cache for its pages (<zonal/reclaim.h>).
 *
 * A handle is a device and an index; the page there today is the one that is meant, or it is
 * gone. To prepare is to lock the place: who wants the page waits until it is decided, and
 * whoever had a reference before is seen by the core, which then aborts. Everything is decided
 * under the cache's lock and in a few steps; none of these waits.
 *
 * A dirty page cannot be given up. If writing is allowed it is started here, with its
 * dirty neighbours, and the page comes back when it is written; without a free request, or
 * without leave to write, it stays dirty. Of a disk that is given up, dirty pages are lost:
 * they can never be written, and memory that nobody can free would be lost as well.
 *
 * A dirty page can be moved, and so can one whose read failed; one that is being transferred
 * cannot. Nothing is moved for a device that does not reach all memory, since nobody says
 * where to.
 *
 * used() is always false: pages are used by calls alone, which touch them.
 */
#include "cache_internal.h"

#include <string.h>

#include "lib/assert.h"

static struct block_cache *cache_of_handle(uint64_t handle, uint64_t *index)
{
	*index = handle & (((uint64_t)1 << CACHE_HANDLE_SHIFT) - 1);
	return cache_by_id((unsigned)(handle >> CACHE_HANDLE_SHIFT));
}

/* The place of the page; NULL: it is gone. Lock. */
static struct cache_slot *place_of(struct block_cache *cache, uint64_t index,
				   const struct page *page)
{
	struct cache_slot *slot = cache->device && index < cache->pages ?
					  cache_tree_find(&cache->tree, index) : NULL;

	DASSERT_HELD(&cache->lock);
	return slot && slot->pfn == zonal_pfn(page) ? slot : NULL;
}

static bool owner_used(void *ctx, struct page *page, uint64_t handle)
{
	(void)ctx;
	(void)page;
	(void)handle;
	return false;
}

/* What speaks against it, dirtiness aside. */
static enum zonal_give busy_answer(const struct cache_slot *slot)
{
	if (!slot)
		return ZONAL_GIVE_GONE;
	if (slot->flags & SLOT_WRITING)
		return ZONAL_GIVE_WRITING;
	return slot->flags & SLOT_LOCKED ? ZONAL_GIVE_BUSY : ZONAL_GIVE_YES;
}

static enum zonal_give give_answer(struct block_cache *cache, uint64_t index,
				   struct cache_slot *slot)
{
	enum zonal_give answer = busy_answer(slot);

	if (answer != ZONAL_GIVE_YES || !(slot->flags & SLOT_DIRTY))
		return answer;
	if (!block_is_failed(cache->device))
		return slot->flags & SLOT_ERROR ? ZONAL_GIVE_NO_ROOM : ZONAL_GIVE_DIRTY;
	cache_mark(cache, index, slot, false);
	return ZONAL_GIVE_YES;
}

static enum zonal_give owner_give_prepare(void *ctx, struct page *page, uint64_t handle,
					  unsigned may)
{
	uint64_t index;
	struct block_cache *cache = cache_of_handle(handle, &index);
	port_irqflags_t irq = block_lock(&cache->lock);
	struct cache_slot *slot = place_of(cache, index, page);
	enum zonal_give answer = give_answer(cache, index, slot);

	(void)ctx;
	if (answer == ZONAL_GIVE_YES)
		slot->flags |= SLOT_LOCKED;
	block_unlock(&cache->lock, irq);
	if (answer == ZONAL_GIVE_DIRTY && may & ZONAL_MAY_WRITE &&
	    cache_write_at(cache, index, page))
		return ZONAL_GIVE_WRITING;
	return answer;
}

static void owner_give_commit(void *ctx, struct page *page, uint64_t handle)
{
	uint64_t index;
	struct block_cache *cache = cache_of_handle(handle, &index);
	port_irqflags_t irq = block_lock(&cache->lock);
	struct cache_slot *slot = place_of(cache, index, page);
	bool awaited = cache_awaited(cache);

	(void)ctx;
	ASSERT(slot && slot->flags & SLOT_LOCKED, "page %llu was not prepared",
	       (unsigned long long)index);
	cache_forget(cache, index, page);
	cache->count.reclaimed++;
	block_unlock(&cache->lock, irq);
	if (awaited)
		cache_changed(cache);
}

static void owner_abort(void *ctx, struct page *page, uint64_t handle, bool moving)
{
	uint64_t index;
	struct block_cache *cache = cache_of_handle(handle, &index);

	(void)ctx;
	(void)page;
	(void)moving;
	cache_unlock_page(cache, index, 0);
}

static enum zonal_give owner_move_prepare(void *ctx, struct page *page, uint64_t handle,
					  unsigned may)
{
	uint64_t index;
	struct block_cache *cache = cache_of_handle(handle, &index);
	port_irqflags_t irq = block_lock(&cache->lock);
	struct cache_slot *slot = place_of(cache, index, page);
	enum zonal_give answer = busy_answer(slot);

	(void)ctx;
	(void)may;
	if (answer == ZONAL_GIVE_YES && cache->device->reach)
		answer = ZONAL_GIVE_BUSY;
	if (answer == ZONAL_GIVE_YES)
		slot->flags |= SLOT_LOCKED;
	block_unlock(&cache->lock, irq);
	return answer;
}

static void owner_move_commit(void *ctx, struct page *from, struct page *to, uint64_t handle)
{
	uint64_t index;
	struct block_cache *cache = cache_of_handle(handle, &index);
	port_irqflags_t irq;
	struct cache_slot *slot;
	bool dirty;

	(void)ctx;
	/* The place is locked, so nobody changes the contents. */
	memcpy(block_page_address(to), block_page_address(from), PAGE_SIZE);
	irq = block_lock(&cache->lock);
	slot = place_of(cache, index, from);
	ASSERT(slot && slot->flags & SLOT_LOCKED, "page %llu was not prepared",
	       (unsigned long long)index);
	dirty = slot->flags & SLOT_DIRTY;
	cache_mark(cache, index, slot, false);
	cache_count_page(from, -1, 0, 0);
	slot->pfn = (uint32_t)zonal_pfn(to);
	cache_count_page(to, 1, 0, 0);
	if (dirty)
		cache_mark(cache, index, slot, true);
	slot->flags &= ~SLOT_LOCKED;
	cache->count.moved++;
	block_unlock(&cache->lock, irq);
	cache_changed(cache);
}

static void owner_write_back(void *ctx, unsigned nid, uint64_t pages)
{
	uint64_t written = 0;

	(void)ctx;
	for (unsigned id = 0; id < BLOCK_MAX_DEVICES && written < pages; id++) {
		struct block_device *device = block_get(id);
		struct block_cache *cache = device ? cache_of(device) : NULL;

		if (cache)
			written += cache_write_some(cache, (int)nid, pages - written, false);
	}
	/* What is left waits for a free request. */
	if (written < pages)
		cache_wish(true);
}

const struct zonal_owner_ops cache_owner_ops = {
	.name = "disk cache",
	.kind = ZONAL_CACHE,
	.used = owner_used,
	.give_prepare = owner_give_prepare,
	.give_commit = owner_give_commit,
	.move_prepare = owner_move_prepare,
	.move_commit = owner_move_commit,
	.abort = owner_abort,
	.write_back = owner_write_back,
};
