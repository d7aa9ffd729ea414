/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of the cache, and what their ends mean for pages.
 *
 * Each device has CACHE_IOS requests, made when it was attached: to write a dirty page back
 * needs no memory, so it can be done when there is none. Who needs one waits until one falls
 * free; those who must not wait, reclaim and read-ahead, do without. They fall free by
 * themselves, since the queue below ends each one, if need be by giving the device up.
 *
 * The end of a read unlocks its pages, UPTODATE or not. The end of a write takes the mark from its
 * pages; one that failed makes them dirty again and marks the failure, so that nothing is lost
 * that could still be written. Both run wherever the device answers, interrupt handlers included,
 * and call nothing but what may be called there.
 *
 * Locks: the cache's, masked, for the pages of one request at a time.
 */
#include "cache_internal.h"

#include "lib/assert.h"

struct cache_io *cache_take_io(struct block_cache *cache, bool wait)
{
	for (;;) {
		port_irqflags_t irq = block_lock(&cache->lock);
		uint64_t seen = cache_events(cache);
		struct cache_io *io = NULL;

		for (unsigned i = 0; i < CACHE_IOS && !io; i++)
			if (!cache->io[i].busy)
				io = &cache->io[i];
		if (io) {
			io->busy = true;
			io->serial = 0;
			io->request.pages = 0;
		}
		block_unlock(&cache->lock, irq);
		if (io || !wait)
			return io;
		cache_wait(cache, seen);
	}
}

void cache_return_io(struct cache_io *io)
{
	struct block_cache *cache = io->cache;
	port_irqflags_t irq = block_lock(&cache->lock);

	ASSERT(io->busy, "%s: a request that is free is given back", cache->device->name);
	io->busy = false;
	block_unlock(&cache->lock, irq);
	cache_changed(cache);
}

static void end_of_read(struct block_cache *cache, struct cache_slot *slot, int status)
{
	(void)cache;
	ASSERT((slot->flags & (SLOT_LOCKED | SLOT_DIRTY)) == SLOT_LOCKED, "slot 0x%x",
	       slot->flags);
	slot->flags &= ~SLOT_LOCKED;
	if (!status)
		slot->flags |= SLOT_UPTODATE;
}

static void end_of_write(struct block_cache *cache, uint64_t index, struct cache_slot *slot,
			 int status)
{
	struct page *page = cache_slot_page(slot);

	ASSERT(slot->flags & SLOT_WRITING && !(slot->flags & SLOT_DIRTY), "slot 0x%x",
	       slot->flags);
	slot->flags &= ~SLOT_WRITING;
	cache->count.writing--;
	cache_count_page(page, 0, 0, -1);
	if (status) {
		slot->flags |= SLOT_ERROR;
		cache->failures++;
		cache_mark(cache, index, slot, true);
	}
	zonal_page_written(block_memory(), page);
}

static void io_done(struct block_request *request)
{
	struct cache_io *io = request->ctx;
	struct block_cache *cache = io->cache;
	port_irqflags_t irq = block_lock(&cache->lock);

	for (unsigned i = 0; i < request->pages; i++) {
		uint64_t index = io->first + i;
		struct cache_slot *slot = cache_tree_find(&cache->tree, index);

		ASSERT(slot && slot->pfn == zonal_pfn(request->page[i]),
		       "%s: page %llu went while it was being transferred", cache->device->name,
		       (unsigned long long)index);
		if (request->op == BLOCK_READ)
			end_of_read(cache, slot, request->status);
		else
			end_of_write(cache, index, slot, request->status);
	}
	io->busy = false;
	block_unlock(&cache->lock, irq);
	cache_changed(cache);
}

void cache_submit_io(struct cache_io *io, enum block_op op, uint64_t first, unsigned pages)
{
	struct block_cache *cache = io->cache;

	ASSERT(pages && pages <= cache->device->max_pages, "%u pages", pages);
	io->first = first;
	io->request.op = op;
	io->request.pages = pages;
	io->request.sector = first * BLOCK_PAGE_SECTORS;
	io->request.bytes = (uint32_t)((pages - 1) * PAGE_SIZE +
				       cache_page_bytes(cache, first + pages - 1));
	io->request.done = io_done;
	io->request.ctx = io;
	block_submit(cache->device, &io->request);
}

void cache_read_locked(struct block_cache *cache, uint64_t index, struct page *page)
{
	struct cache_io *io = cache_take_io(cache, true);

	io->request.page[0] = page;
	cache_submit_io(io, BLOCK_READ, index, 1);
}

/* Pages that are not there from *first on, side by side, as one request. What the last page that
 * could not be made said: 0, 1 or BLOCK_ENOMEM. */
static int fill_one(struct cache_io *io, uint64_t *first, uint64_t *count, gfp_t gfp)
{
	struct block_cache *cache = io->cache;
	uint64_t begin = *first;
	unsigned n = 0;
	int result = 0;

	while (*count && n < cache->device->max_pages && !result) {
		result = cache_make_page(cache, *first, gfp, &io->request.page[n]);
		if (result < 0)
			break;
		++*first;
		--*count;
		n += !result;
	}
	if (n)
		cache_submit_io(io, BLOCK_READ, begin, n);
	else
		cache_return_io(io);
	return result;
}

static void pass_over_present(struct block_cache *cache, uint64_t *first, uint64_t *count)
{
	while (*count && cache_has_page(cache, *first)) {
		++*first;
		--*count;
	}
}

int cache_fill(struct block_cache *cache, uint64_t first, uint64_t count, bool ahead)
{
	gfp_t gfp = cache_gfp(cache);
	int result = 0;

	if (ahead)
		gfp = (gfp | __GFP_NORETRY) & ~__GFP_DIRECT_RECLAIM;
	for (;;) {
		struct cache_io *io;

		pass_over_present(cache, &first, &count);
		if (!count || result < 0)
			return result < 0 ? result : 0;
		io = cache_take_io(cache, !ahead);
		if (!io)
			return 0;
		result = fill_one(io, &first, &count, gfp);
	}
}
