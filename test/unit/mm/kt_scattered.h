/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A board of eight pageblocks on which every second page is in use by a cache and can move: half of
 * the memory is free, and no block of it. For the tests of compaction.
 */
#ifndef TEST_UNIT_KT_SCATTERED_H
#define TEST_UNIT_KT_SCATTERED_H

#include "kt_cache.h"
#include "mm/compact/compact.h"

enum { BLOCK = 1 << PAGEBLOCK_ORDER, PAGES = 8 * BLOCK };

static const struct kt_spec eight_blocks = { .ram = { { 0, KT_DMA_PFN, PAGES } } };

#define NOWAIT (GFP_NOWAIT | __GFP_NOWARN)
#define MOVABLE (NOWAIT | __GFP_HIGHMEM | __GFP_MOVABLE)
#define HUGE ((GFP_TRANSHUGE | __GFP_NORETRY) & ~__GFP_KSWAPD_RECLAIM)

/* Every second page of eight blocks of a board is in use and can move. */
static inline struct kt_cache *scattered_on(const struct kt_spec *spec, enum zone_type type)
{
	struct zonal *mm = kt_bare_instance(spec);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, PAGES) : NULL;

	if (!cache || !KT_EQ(kt_cache_fill(cache, 0, MOVABLE, PAGES), PAGES))
		return NULL;
	for (unsigned i = 0; i < PAGES; i++)
		if (cache->place[i].page->pfn & 1)
			kt_cache_drop(cache, i);
	zonal_drain_all(mm, NULL);
	KT_EQ(kt_blocks_of_order(kt_zone(mm, 0, type), 0), PAGES / 2);
	return cache;
}

static inline struct kt_cache *scattered(void) { return scattered_on(&eight_blocks, ZONE_DMA); }

/* Every second of the 16 blocks of 256 pages is free: (1000 + 2048 * 1000 / 512) / 8 is 625, so a
 * costly block lacks memory more than order. */
static inline struct zonal *half_in_blocks(struct page *block[PAGES >> 8])
{
	struct zonal *mm = kt_bare_instance(&eight_blocks);

	for (unsigned i = 0; mm && i < PAGES >> 8; i++)
		block[i] = zonal_alloc(mm, MOVABLE, 8);
	for (unsigned i = 0; mm && i < PAGES >> 8; i++)
		if (block[i]->pfn >> 8 & 1)
			zonal_free(mm, block[i], 8);
	return mm;
}

/* As the slow path runs it: who compacts works for reclaim. */
static inline enum compact_result kt_compact(struct compact *c)
{
	struct zonal_task *task = port_this_cpu()->task;
	enum compact_result result;

	task->flags |= ZTASK_MEMALLOC;
	result = compact_zone(c);
	task->flags &= ~ZTASK_MEMALLOC;
	return result;
}

static inline void all_is_well(struct kt_cache *cache)
{
	struct zonal_lru_counts counts;

	zonal_lru_counts(cache->mm, 0, &counts);
	KT_EQ(counts.isolated[ZONAL_CACHE], 0);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
	zonal_drain_all(cache->mm, NULL);
	KT_EQ(kt_free(kt_zone(cache->mm, 0, ZONE_DMA)), PAGES);
	kt_check_all(cache->mm);
}

static inline void answer(struct kt_cache *cache, enum zonal_give give)
{
	for (unsigned i = 0; i < cache->count; i++)
		cache->place[i].move = (uint8_t)give;
}

static inline void answer_give(struct kt_cache *cache, enum zonal_give give)
{
	for (unsigned i = 0; i < cache->count; i++)
		cache->place[i].give = (uint8_t)give;
}

#endif
