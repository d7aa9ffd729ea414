/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading and writing a disk through its cache.
 *
 * A range is worked on in pieces of at most CHUNK_PAGES pages. Of a piece, first everything
 * that is missing is asked for in requests as large as the device takes, and what a sequential
 * reader will want next; then page after page is locked, waited for if need be, and copied.
 *
 * A write locks its page as well. If it covers all of it nothing is read; else the page is read
 * first. The part of the last page that the disk does not have is zero and is never written.
 * The page becomes dirty before it is unlocked. Who makes too many pages of a node dirty
 * waits until some are written (cache_balance()).
 *
 * A page whose read failed is tried once more by each call that wants it; what that one says
 * is the answer.
 *
 * Locks: none over a copy or a wait; a page's place is locked by its flag.
 */
#include "cache_internal.h"

#include <string.h>

#include "lib/assert.h"

#define CHUNK_PAGES 64u

/* A range of one call, and the part of a page that it covers. */
struct span {
	uint64_t index;
	size_t from, bytes;
};

static int range_fault(const struct block_device *device, uint64_t offset, uint64_t bytes)
{
	uint64_t end = device->sectors << BLOCK_SECTOR_SHIFT;

	return offset > end || bytes > end - offset ? BLOCK_EINVAL : 0;
}

static struct span first_span(uint64_t offset, uint64_t bytes)
{
	size_t from = (size_t)(offset % PAGE_SIZE);

	return (struct span){ .index = offset >> PAGE_SHIFT, .from = from,
			      .bytes = (size_t)ZN_MIN(bytes, PAGE_SIZE - from) };
}

/* The page, locked, holding what the disk holds or newer. 0 or an error. */
static int get_page(struct block_cache *cache, uint64_t index, bool write, struct page **page)
{
	bool tried = false;

	for (;;) {
		unsigned flags;
		int result = 0;

		*page = cache_lock_page(cache, index, write, &flags);
		if (*page && flags & SLOT_UPTODATE)
			return 0;
		if (*page && (tried || block_is_failed(cache->device))) {
			cache_unlock_page(cache, index, 0);
			return BLOCK_EIO;
		}
		if (*page)
			cache_read_locked(cache, index, *page);
		else if (block_is_failed(cache->device))
			result = BLOCK_EIO;
		else
			result = cache_fill(cache, index, 1, false);
		if (result)
			return result;
		tried = true;
	}
}

/* Ask for what is missing of a chunk and for what comes after it. */
static void prefetch(struct block_cache *cache, uint64_t first, uint64_t count)
{
	uint64_t from = 0, ahead;
	port_irqflags_t irq;

	if (block_is_failed(cache->device))
		return;
	irq = block_lock(&cache->lock);
	ahead = cache_ahead_plan(&cache->ahead, first, count, cache->pages, &from);
	for (uint64_t i = first; i < first + count; i++) {
		if (cache_tree_find(&cache->tree, i))
			cache->count.hits++;
		else
			cache->count.misses++;
	}
	cache->count.ahead += ahead;
	block_unlock(&cache->lock, irq);
	/* An error is met again, and told, by whoever waits for the page. */
	(void)cache_fill(cache, first, count, false);
	if (ahead)
		(void)cache_fill(cache, from, ahead, true);
}

typedef void (*visit_fn)(void *ctx, const unsigned char *data, size_t bytes);

static int visit_page(struct block_cache *cache, const struct span *span, visit_fn visit, void *ctx)
{
	struct page *page;
	int error = get_page(cache, span->index, false, &page);

	if (error)
		return error;
	visit(ctx, (const unsigned char *)block_page_address(page) + span->from, span->bytes);
	zonal_page_touch(block_memory(), page);
	cache_unlock_page(cache, span->index, 0);
	return 0;
}

/* Show all bytes of a range, page by page. */
static int visit_range(struct block_device *device, uint64_t offset, uint64_t bytes,
		       visit_fn visit, void *ctx)
{
	struct block_cache *cache = cache_of(device);
	uint64_t fetched = 0;
	int error = cache ? range_fault(device, offset, bytes) : BLOCK_EINVAL;

	while (bytes && !error) {
		struct span span = first_span(offset, bytes);

		if (span.index >= fetched) {
			uint64_t last = (offset + bytes - 1) >> PAGE_SHIFT;
			uint64_t count = ZN_MIN(last - span.index + 1, (uint64_t)CHUNK_PAGES);

			prefetch(cache, span.index, count);
			fetched = span.index + count;
		}
		error = visit_page(cache, &span, visit, ctx);
		offset += span.bytes;
		bytes -= span.bytes;
	}
	return error;
}

static void copy_out(void *ctx, const unsigned char *data, size_t bytes)
{
	unsigned char **to = ctx;

	memcpy(*to, data, bytes);
	*to += bytes;
}

int cache_read(struct block_device *device, uint64_t offset, void *to, size_t bytes)
{
	return visit_range(device, offset, bytes, copy_out, &to);
}

/* ---- writing ---- */

/* The page of a write that covers all of it: whatever it holds is overwritten. */
static int get_whole(struct block_cache *cache, uint64_t index, struct page **page)
{
	unsigned flags;
	int result;

	do {
		*page = cache_lock_page(cache, index, true, &flags);
		if (*page)
			return 0;
		result = cache_make_page(cache, index, cache_gfp(cache) | __GFP_WRITE, page);
	} while (result > 0);
	return result;
}

static void finish_write(struct block_cache *cache, uint64_t index)
{
	port_irqflags_t irq = block_lock(&cache->lock);
	struct cache_slot *slot = cache_tree_find(&cache->tree, index);

	ASSERT(slot && slot->flags & SLOT_LOCKED, "page %llu is not locked",
	       (unsigned long long)index);
	slot->flags = (slot->flags & ~SLOT_ERROR) | SLOT_UPTODATE;
	cache_mark(cache, index, slot, true);
	block_unlock(&cache->lock, irq);
	cache_unlock_page(cache, index, 0);
}

static int write_page(struct block_cache *cache, const struct span *span, const void *from)
{
	size_t valid = cache_page_bytes(cache, span->index);
	bool whole = !span->from && span->bytes == valid;
	struct page *page;
	unsigned char *to;
	unsigned nid;
	int error = whole ? get_whole(cache, span->index, &page) :
			    get_page(cache, span->index, true, &page);

	if (error)
		return error;
	to = block_page_address(page);
	memcpy(to + span->from, from, span->bytes);
	memset(to + valid, 0, PAGE_SIZE - valid);
	zonal_page_touch(block_memory(), page);
	nid = zonal_page_node(page);
	finish_write(cache, span->index);
	cache_wish(false);
	cache_balance(cache, nid);
	return 0;
}

int cache_write(struct block_device *device, uint64_t offset, const void *from, size_t bytes)
{
	struct block_cache *cache = cache_of(device);
	const unsigned char *data = from;
	int error = cache ? range_fault(device, offset, bytes) : BLOCK_EINVAL;

	if (!error && device->read_only)
		error = BLOCK_EROFS;
	while (bytes && !error) {
		struct span span = first_span(offset, bytes);

		if (block_is_failed(device))
			return BLOCK_EIO;
		error = write_page(cache, &span, data);
		offset += span.bytes;
		data += span.bytes;
		bytes -= span.bytes;
	}
	return error;
}

/* ---- checksums ---- */

/* A nibble at a time: sixteen numbers instead of 256, and fast enough for a check. */
static void crc_add(void *ctx, const unsigned char *data, size_t bytes)
{
	static const uint32_t step[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	uint32_t *crc = ctx, value = *crc;

	for (size_t i = 0; i < bytes; i++) {
		value ^= data[i];
		value = value >> 4 ^ step[value & 15];
		value = value >> 4 ^ step[value & 15];
	}
	*crc = value;
}

int cache_checksum(struct block_device *device, uint64_t offset, uint64_t bytes, uint32_t *crc)
{
	int error;

	*crc = UINT32_MAX;
	error = visit_range(device, offset, bytes, crc_add, crc);
	*crc = ~*crc;
	return error;
}
