/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page cache of disks: the first owner of pages that can be given up or moved.
 *
 * Bytes of a disk are read and written through pages that stay until memory is wanted. What is
 * written is on the disk after cache_flush(), and some time before that on its own: a task
 * writes in the background, and so does reclaim.
 *
 * Errors are BLOCK_E* of block.h. A page that could not be written stays dirty and is tried
 * again by the next flush; background writing leaves it alone. Of a disk that is given up, what
 * is in the cache can still be read; what was dirty is lost when its page is wanted.
 *
 * Context of all calls unless said otherwise: task, sleeps; or boot, which polls. Any number of
 * callers at a time; a write of several pages is not one step for those who read them.
 */
#ifndef BLOCK_CACHE_H
#define BLOCK_CACHE_H

#include "block.h"

/* Sequential reading fetches this many pages ahead at first, and at most. */
#define CACHE_AHEAD_FIRST 4u
#define CACHE_AHEAD_MOST 64u

/* Cache the device from now on: 0 or BLOCK_ENOMEM. One caller at a time, also of the next. */
int cache_attach(struct block_device *device) ZN_MUST_USE;
/* Forget its pages, dirty ones too. Nobody uses it meanwhile. */
void cache_detach(struct block_device *device);

int cache_read(struct block_device *device, uint64_t offset, void *to, size_t bytes) ZN_MUST_USE;
int cache_write(struct block_device *device, uint64_t offset, const void *from,
		size_t bytes) ZN_MUST_USE;

/* CRC-32 (IEEE 802.3) of a range. */
int cache_checksum(struct block_device *device, uint64_t offset, uint64_t bytes,
		   uint32_t *crc) ZN_MUST_USE;

/* Whatever was written before the call is on the disk, and stays there without power. */
int cache_flush(struct block_device *device) ZN_MUST_USE;

/* Clean pages that nobody works with go; how many. */
uint64_t cache_drop(struct block_device *device);

struct cache_counts {
	uint64_t cached, dirty, writing; /* pages; dirty ones are not being written */
	uint64_t tree;                   /* pages that find them */
	uint64_t hits, misses, ahead;    /* pages asked for; pages read ahead */
	uint64_t reclaimed, moved;       /* pages that reclaim, compaction took */
};
/* Of one device; zeros if it is not cached. Racy. Any context. */
void cache_count(struct block_device *device, struct cache_counts *out);
/* Of a node: cached, dirty and writing alone. Racy. Any context. */
void cache_node_count(unsigned nid, struct cache_counts *out);
/* Dirty and writing pages that a node may have before who writes must wait. Any context. */
uint64_t cache_dirty_limit(unsigned nid);
/* The limit for tests; 0: the usual one. */
void cache_set_dirty_limit(uint64_t pages);

/* Start the task that writes back. False: there is no memory for it. Context: task, once. */
bool cache_start_task(void) ZN_MUST_USE;
/* What that task does when it is due: start to write all that is dirty, and look at requests
 * that take too long. True if there is something left to look after. */
bool cache_write_back(void);

#endif
