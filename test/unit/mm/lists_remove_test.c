/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages that come off their lists together: of any node, whatever each of them is at that moment.
 *
 * More than one hold of the lock serves, in turns of the nodes; some pages were never listed, some
 * are dirty or being written, some are held by reclaim, which frees them when it puts them back.
 */
#include "kt_cache.h"

#include "mm/compact/move.h"
#include "mm/reclaim/scan.h"

enum { PAGES = 100 };

static const struct kt_spec pair = {
	.ram = { { 0, KT_DMA_PFN, 2048 }, { 1, KT_DMA_PFN + 2048, 2048 } },
};

/* PAGES of them, of the two nodes in turns of 1, 2, 3 and so on up to 40. */
static struct kt_cache *mixed(struct page **page)
{
	struct zonal *mm = kt_instance(&pair);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, PAGES) : NULL;
	int nid = 0;

	for (unsigned count = 0, turn = 1; cache && count < PAGES; nid ^= 1, turn += 3) {
		unsigned n = ZN_MIN(turn, PAGES - count);

		if (!KT_EQ(kt_cache_fill(cache, nid, GFP_KERNEL | __GFP_THISNODE, n), n))
			return NULL;
		count += n;
	}
	for (unsigned i = 0; cache && i < PAGES; i++)
		page[i] = cache->place[i].page;
	return cache;
}

static uint64_t on_lists(struct kt_cache *cache)
{
	uint64_t sum = 0;

	for (unsigned nid = 0; nid < 2; nid++)
		for (unsigned list = 0; list < LRU_LISTS; list++)
			sum += lru_size(cache->mm->node[nid], list, ZONE_MOVABLE);
	return sum;
}

static void free_all(struct kt_cache *cache, struct page **page)
{
	for (unsigned i = 0; i < PAGES; i++) {
		cache->place[i].page = NULL;
		zonal_free(cache->mm, page[i], 0);
	}
}

KTEST(lru, pages_of_several_nodes_are_removed_at_once)
{
	struct page *page[PAGES];
	struct kt_cache *cache = mixed(page);

	if (!cache)
		return;
	zonal_page_remove(cache->mm, page[7]);
	for (unsigned i = 0; i < PAGES; i += 3)
		zonal_page_set_dirty(cache->mm, page[i]);
	for (unsigned i = 1; i < PAGES; i += 5)
		zonal_page_writing(cache->mm, page[i]);
	for (unsigned i = 2; i < PAGES; i += 4) {
		zonal_page_touch(cache->mm, page[i]);
		zonal_page_touch(cache->mm, page[i]);
	}
	KT_EQ(on_lists(cache), PAGES - 1);
	zonal_pages_remove(cache->mm, page, PAGES);
	KT_EQ(on_lists(cache), 0);
	for (unsigned nid = 0; nid < 2; nid++) {
		KT_EQ(ld_relaxed(&cache->mm->node[nid]->reclaim.lru.dirty), 0);
		KT_EQ(ld_relaxed(&cache->mm->node[nid]->reclaim.lru.writing), 0);
	}
	for (unsigned i = 0; i < PAGES; i++)
		KT_TRUE(!zonal_page_dirty(page[i]));
	kt_check_all(cache->mm);
	zonal_pages_remove(cache->mm, page, 0);
	free_all(cache, page);
	KT_EQ(zonal_bad_count(cache->mm), 0);
	zonal_owner_unregister(cache->mm, cache->owner);
}

KTEST(lru, pages_removed_at_once_while_some_are_isolated_are_free_once)
{
	struct page *page[PAGES];
	struct kt_cache *cache = mixed(page);
	struct move_batch batch = { .count = 0 };
	uint64_t free;

	if (!cache)
		return;
	zonal_drain_all(cache->mm, NULL);
	free = (uint64_t)(kt_free(kt_zone(cache->mm, 0, ZONE_DMA)) +
			  kt_free(kt_zone(cache->mm, 1, ZONE_DMA)));
	for (unsigned i = 0; i < PAGES; i += 9)
		KT_TRUE(move_take(cache->mm, &batch, page[i]));
	zonal_pages_remove(cache->mm, page, PAGES);
	free_all(cache, page);
	kt_check_all(cache->mm);
	move_put_back(cache->mm, &batch);
	zonal_drain_all(cache->mm, NULL);
	KT_EQ((uint64_t)(kt_free(kt_zone(cache->mm, 0, ZONE_DMA)) +
			 kt_free(kt_zone(cache->mm, 1, ZONE_DMA))), free + PAGES);
	KT_EQ(zonal_bad_count(cache->mm), 0);
	kt_check_all(cache->mm);
}
