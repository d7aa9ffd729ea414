/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The owner for tests: see kt_cache.h.
 *
 * The handle of a page is its place. A callback for a place that holds another page, or none, finds
 * that out by looking, as the contract asks. prepare takes the page out of its place's reach by
 * a mark only, since nobody else looks for it; commit empties the place; abort takes the mark away.
 */
#include "kt_cache.h"

#include <string.h>

static struct kt_place *place_of(struct kt_cache *cache, struct page *page, uint64_t handle)
{
	struct kt_place *place = handle < cache->count ? &cache->place[handle] : NULL;

	return place && place->page == page ? place : NULL;
}

static bool cache_used(void *ctx, struct page *page, uint64_t handle)
{
	struct kt_cache *cache = ctx;
	struct kt_place *place = place_of(cache, page, handle);
	bool used = place && (place->used || place->hot);

	cache->asked_used++;
	if (place)
		place->used = false;
	return used;
}

static enum zonal_give cache_give(void *ctx, struct page *page, uint64_t handle, unsigned may)
{
	struct kt_cache *cache = ctx;
	struct kt_place *place;

	cache->asked_give++;
	cache->last_may = may;
	if (cache->on_give && handle < cache->count)
		cache->on_give(cache, (unsigned)handle);
	place = place_of(cache, page, handle);
	return place ? (enum zonal_give)place->give : ZONAL_GIVE_GONE;
}

static void cache_gone(void *ctx, struct page *page, uint64_t handle)
{
	struct kt_cache *cache = ctx;
	struct kt_place *place = place_of(cache, page, handle);

	if (!KT_OK(place, "pfn 0x%llx is committed and not at place %llu",
		   (unsigned long long)zonal_pfn(page), (unsigned long long)handle))
		return;
	cache->committed++;
	place->page = NULL;
	place->gone = 1;
}

static enum zonal_give cache_move(void *ctx, struct page *page, uint64_t handle, unsigned may)
{
	struct kt_cache *cache = ctx;
	struct kt_place *place;

	cache->asked_move++;
	cache->last_may = may;
	if (cache->on_move && handle < cache->count)
		cache->on_move(cache, (unsigned)handle);
	place = place_of(cache, page, handle);
	cache->moving = place && place->move == ZONAL_GIVE_YES;
	return place ? (enum zonal_give)place->move : ZONAL_GIVE_GONE;
}

static void cache_moved(void *ctx, struct page *from, struct page *to, uint64_t handle)
{
	struct kt_cache *cache = ctx;
	struct kt_place *place = place_of(cache, from, handle);

	if (!KT_OK(place && cache->moving, "pfn 0x%llx is moved and not at place %llu",
		   (unsigned long long)zonal_pfn(from), (unsigned long long)handle))
		return;
	KT_EQ(zonal_page_handle(to), handle);
	cache->moving = false;
	cache->moved++;
	place->page = to;
	place->moves++;
	if (zonal_page_set_clean(cache->mm, from))
		zonal_page_set_dirty(cache->mm, to);
	if (cache->on_moved)
		cache->on_moved(cache, (unsigned)handle);
}

static void cache_abort(void *ctx, struct page *page, uint64_t handle, bool moving)
{
	struct kt_cache *cache = ctx;

	KT_OK(place_of(cache, page, handle) && moving == cache->moving, "abort of place %llu",
	      (unsigned long long)handle);
	cache->moving = false;
	cache->aborted++;
}

static void cache_write(void *ctx, unsigned nid, uint64_t pages)
{
	struct kt_cache *cache = ctx;

	(void)nid;
	cache->written += pages;
}

static const struct zonal_owner_ops kt_ops[ZONAL_KINDS] = {
	{ .name = "kt-anon",
	  .kind = ZONAL_ANON,
	  .used = cache_used,
	  .give_prepare = cache_give,
	  .give_commit = cache_gone,
	  .move_prepare = cache_move,
	  .move_commit = cache_moved,
	  .abort = cache_abort },
	{ .name = "kt-cache",
	  .kind = ZONAL_CACHE,
	  .used = cache_used,
	  .give_prepare = cache_give,
	  .give_commit = cache_gone,
	  .move_prepare = cache_move,
	  .move_commit = cache_moved,
	  .abort = cache_abort,
	  .write_back = cache_write },
};

struct kt_cache *kt_cache(struct zonal *mm, enum zonal_kind kind, unsigned places)
{
	struct kt_cache *cache = kt_alloc(sizeof(*cache), 64);
	struct kt_place *place = kt_alloc(places * sizeof(*place), 64);

	if (!KT_TRUE(cache && place))
		return NULL;
	memset(cache, 0, sizeof(*cache));
	memset(place, 0, places * sizeof(*place));
	cache->mm = mm;
	cache->place = place;
	cache->places = places;
	cache->owner = zonal_owner_register(mm, &kt_ops[kind], cache);
	return KT_TRUE(cache->owner) ? cache : NULL;
}

unsigned kt_cache_fill(struct kt_cache *cache, int nid, gfp_t gfp, unsigned pages)
{
	unsigned first = cache->count;

	while (cache->count < cache->places && cache->count - first < pages) {
		struct page *page = zonal_alloc_node(cache->mm, nid, gfp, 0);

		if (!page)
			break;
		cache->place[cache->count].page = page;
		zonal_page_add(cache->mm, cache->owner, page, cache->count++);
	}
	return cache->count - first;
}

void kt_cache_drop(struct kt_cache *cache, unsigned place)
{
	struct page *page = cache->place[place].page;

	if (!page)
		return;
	cache->place[place].page = NULL;
	zonal_page_remove(cache->mm, page);
	zonal_free(cache->mm, page, 0);
}

void kt_cache_drop_all(struct kt_cache *cache)
{
	for (unsigned i = 0; i < cache->count; i++)
		kt_cache_drop(cache, i);
}

unsigned kt_cache_left(const struct kt_cache *cache)
{
	unsigned left = 0;

	for (unsigned i = 0; i < cache->count; i++)
		left += cache->place[i].page != NULL;
	return left;
}
