/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk of memory with a cache before it, for tests. */
#ifndef TEST_CACHE_DISK_H
#define TEST_CACHE_DISK_H

#include "block/cache.h"
#include "ram_disk.h"

static inline struct ram_disk *cache_disk_new(uint64_t sectors)
{
	struct ram_disk *disk = ram_disk_new(sectors);

	if (disk)
		KT_EQ(cache_attach(&disk->device), 0);
	return disk;
}

static inline void cache_disk_end(struct ram_disk *disk)
{
	ram_disk_release(disk);
	cache_detach(&disk->device);
	ram_disk_end(disk);
}

static inline uint64_t cache_disk_cached(struct ram_disk *disk)
{
	struct cache_counts count;

	cache_count(&disk->device, &count);
	return count.cached;
}

/* Dirty or being written. */
static inline uint64_t cache_disk_dirty(struct ram_disk *disk)
{
	struct cache_counts count;

	cache_count(&disk->device, &count);
	return count.dirty + count.writing;
}

#endif
