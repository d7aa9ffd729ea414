/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How far direct reclaim goes, and what its record says of that.
 *
 * The board is in use to the last page, and only some of them can be given up. The fewer they are,
 * the harder a round must look: a list of one page is looked at in the last round alone.
 */
#include "kt_cache.h"

#include "mm/reclaim/scan.h"
#include "mm/watermark.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 2048 } } };

#define KERNEL (GFP_KERNEL | __GFP_NOWARN)

/* A board without a free page, of which a cache has `pages`; *rest is the others. */
static struct kt_cache *used_up(unsigned pages, struct page **rest)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 2048) : NULL;

	*rest = NULL;
	if (!cache || !KT_EQ(kt_cache_fill(cache, 0, GFP_KERNEL, pages), pages))
		return NULL;
	kt_take_all(mm, 0, GFP_NOWAIT | __GFP_NOWARN, 0, rest);
	return cache;
}

KTEST(reclaim, the_only_page_that_can_go_is_found_in_the_last_round)
{
	struct page *rest, *page;
	struct kt_cache *cache = used_up(1, &rest);

	if (!cache)
		return;
	page = zonal_alloc(cache->mm, KERNEL | __GFP_NORETRY, 0);
	KT_TRUE(page);
	KT_EQ(cache->committed, 1);
	zonal_free(cache->mm, page, 0);
	kt_give_all(cache->mm, rest, 0);
	kt_check_all(cache->mm);
}

KTEST(reclaim, failure_tells_of_every_page_that_was_looked_at)
{
	struct zonal_failure failure;
	struct page *rest;
	struct kt_cache *cache = used_up(600, &rest);

	if (!cache)
		return;
	for (unsigned i = 0; i < cache->count; i++)
		cache->place[i].give = ZONAL_GIVE_BUSY;
	KT_TRUE(!zonal_alloc(cache->mm, KERNEL | __GFP_NORETRY, 0));
	zonal_last_failure(cache->mm, &failure);
	/* 600 >> priority: 1 + 2 + 4 + 9 + 18 + 37 + 75 + 150 + 300 + 600 */
	KT_EQ(failure.scanned, 1196);
	KT_EQ(failure.scanned, kt_event(cache->mm, EVENT_PGSCAN_DIRECT));
	kt_give_all(cache->mm, rest, 0);
	kt_cache_drop_all(cache);
}
