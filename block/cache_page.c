/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages of the cache: found, locked, made, forgotten; devices attached and detached.
 *
 * A page goes through these states, told by the flags of its place:
 *
 *	LOCKED                 made just now: a read is on its way, or a write fills it
 *	UPTODATE               anybody may lock it
 *	neither                the read failed; the next one who wants it tries again
 *
 * To wait for a place is to wait for `events`: it is read under the lock, so a change after
 * that is seen. All who wait are woken by any change and look again, which is simple, and
 * short, because places are locked for a copy or a request.
 *
 * A page is allocated, and nodes for the tree, before the lock is taken; if somebody else was
 * faster, both go back. So an allocation may reclaim, which calls back into the cache, and
 * finds nothing locked that it would wait for.
 *
 * Locks: the cache's, inside it those of the lists of pages and of zones.
 */
#include "cache_internal.h"

#include <string.h>

#include "lib/assert.h"

static struct block_cache caches[BLOCK_MAX_DEVICES];
static unsigned attached; /* cache_attach() and cache_detach() have one caller at a time */
static struct node_counts {
	_Atomic int64_t cached, dirty, writing;
} node_counts[ZONAL_MAX_NODES];

struct zonal_owner *cache_owner;

struct block_cache *cache_by_id(unsigned id)
{
	return id < BLOCK_MAX_DEVICES ? &caches[id] : NULL;
}

struct block_cache *cache_of(struct block_device *device)
{
	struct block_cache *cache = cache_by_id(device->id);

	return cache && cache->device == device ? cache : NULL;
}

/* ---- waiting ---- */

struct event_wait {
	struct block_cache *cache;
	uint64_t seen;
};

static bool events_changed(void *arg)
{
	struct event_wait *wait = arg;

	return ld_acquire(&wait->cache->events) != wait->seen;
}

uint64_t cache_events(struct block_cache *cache)
{
	DASSERT_HELD(&cache->lock);
	cache->awaited = true;
	return ld_acquire(&cache->events);
}

bool cache_awaited(struct block_cache *cache)
{
	bool awaited = cache->awaited;

	DASSERT_HELD(&cache->lock);
	/* All who wait are woken and look again, and say so again if they still must wait. */
	cache->awaited = false;
	return awaited;
}

void cache_wait(struct block_cache *cache, uint64_t seen)
{
	struct event_wait wait = { cache, seen };

	block_wait(cache->device, events_changed, &wait);
}

void cache_changed(struct block_cache *cache)
{
	/* Release: who sees it sees the place as it is now. */
	(void)atomic_fetch_add_explicit(&cache->events, 1, memory_order_release);
	block_wake(cache->device);
}

/* ---- counts ---- */

void cache_count_page(struct page *page, int cached, int dirty, int writing)
{
	struct node_counts *node = &node_counts[zonal_page_node(page)];

	(void)fetch_add_relaxed(&node->cached, cached);
	(void)fetch_add_relaxed(&node->dirty, dirty);
	(void)fetch_add_relaxed(&node->writing, writing);
}

void cache_node_count(unsigned nid, struct cache_counts *out)
{
	struct node_counts *node = &node_counts[nid < ZONAL_MAX_NODES ? nid : 0];

	*out = (struct cache_counts){ .cached = (uint64_t)ld_relaxed(&node->cached),
				      .dirty = (uint64_t)ld_relaxed(&node->dirty),
				      .writing = (uint64_t)ld_relaxed(&node->writing) };
}

void cache_count(struct block_device *device, struct cache_counts *out)
{
	struct block_cache *cache = cache_of(device);
	port_irqflags_t flags;

	*out = (struct cache_counts){ .cached = 0 };
	if (!cache)
		return;
	flags = block_lock(&cache->lock);
	*out = cache->count;
	out->tree = cache->tree.nodes;
	block_unlock(&cache->lock, flags);
}

/* ---- places ---- */

struct page *cache_slot_page(const struct cache_slot *slot)
{
	return zonal_page(block_memory(), slot->pfn);
}

size_t cache_page_bytes(const struct block_cache *cache, uint64_t index)
{
	uint64_t bytes = cache->device->sectors << BLOCK_SECTOR_SHIFT;

	ASSERT(index < cache->pages, "page %llu of %llu", (unsigned long long)index,
	       (unsigned long long)cache->pages);
	return (size_t)ZN_MIN(bytes - (index << PAGE_SHIFT), PAGE_SIZE);
}

struct page *cache_lock_page(struct block_cache *cache, uint64_t index, bool write,
			     unsigned *flags)
{
	unsigned busy = SLOT_LOCKED | (write ? SLOT_WRITING : 0);

	for (;;) {
		port_irqflags_t irq = block_lock(&cache->lock);
		struct cache_slot *slot = cache_tree_find(&cache->tree, index);
		struct page *page = slot ? cache_slot_page(slot) : NULL;
		bool mine = slot && !(slot->flags & busy);
		uint64_t seen = mine ? 0 : cache_events(cache);

		if (mine) {
			*flags = slot->flags;
			slot->flags |= SLOT_LOCKED;
		}
		block_unlock(&cache->lock, irq);
		if (mine || !page)
			return page;
		cache_wait(cache, seen);
	}
}

void cache_unlock_page(struct block_cache *cache, uint64_t index, unsigned set)
{
	port_irqflags_t irq = block_lock(&cache->lock);
	struct cache_slot *slot = cache_tree_find(&cache->tree, index);
	bool awaited = cache_awaited(cache);

	ASSERT(slot && slot->flags & SLOT_LOCKED, "%s: page %llu is not locked",
	       cache->device->name, (unsigned long long)index);
	slot->flags = (slot->flags & ~SLOT_LOCKED) | set;
	block_unlock(&cache->lock, irq);
	if (awaited)
		cache_changed(cache);
}

bool cache_has_page(struct block_cache *cache, uint64_t index)
{
	port_irqflags_t irq = block_lock(&cache->lock);
	bool has = cache_tree_find(&cache->tree, index) != NULL;

	block_unlock(&cache->lock, irq);
	return has;
}

gfp_t cache_gfp(const struct block_cache *cache)
{
	gfp_t reach = cache->device->reach;

	/* A zone is named once: what only part of memory can hold is not movable out of it. */
	return __GFP_NOWARN | (reach ? GFP_USER | reach : GFP_HIGHUSER_MOVABLE);
}

static uint64_t handle_of(const struct block_cache *cache, uint64_t index)
{
	return (uint64_t)(cache - caches) << CACHE_HANDLE_SHIFT | index;
}

enum insertion { INSERTED, IS_THERE, NEEDS_NODES };

static enum insertion insert(struct block_cache *cache, uint64_t index, struct page *page,
			     struct cache_stock *stock, unsigned *missing)
{
	port_irqflags_t irq = block_lock(&cache->lock);
	enum insertion result = INSERTED;
	struct cache_slot *slot;

	*missing = 0;
	if (cache_tree_find(&cache->tree, index)) {
		result = IS_THERE;
	} else if ((*missing = cache_tree_missing(&cache->tree, index)) > stock->count) {
		result = NEEDS_NODES;
	} else {
		slot = cache_tree_insert(&cache->tree, index, stock);
		slot->pfn = (uint32_t)zonal_pfn(page);
		slot->flags |= SLOT_LOCKED;
		cache->count.cached++;
		cache_count_page(page, 1, 0, 0);
		zonal_page_add(block_memory(), cache_owner, page, handle_of(cache, index));
	}
	block_unlock(&cache->lock, irq);
	return result;
}

int cache_make_page(struct block_cache *cache, uint64_t index, gfp_t gfp, struct page **page)
{
	struct cache_stock stock = { .count = 0 };
	enum insertion result;
	unsigned missing;
	gfp_t node_gfp = gfp & ~(GFP_ZONEMASK | __GFP_WRITE | __GFP_HARDWALL);

	*page = zonal_alloc(block_memory(), gfp, 0);
	if (!*page)
		return BLOCK_ENOMEM;
	do {
		result = insert(cache, index, *page, &stock, &missing);
	} while (result == NEEDS_NODES && cache_stock_fill(&stock, missing, node_gfp));
	cache_stock_drop(&stock);
	if (result == INSERTED)
		return 0;
	zonal_free(block_memory(), *page, 0);
	*page = NULL;
	return result == IS_THERE ? 1 : BLOCK_ENOMEM;
}

void cache_mark(struct block_cache *cache, uint64_t index, struct cache_slot *slot, bool dirty)
{
	struct page *page = cache_slot_page(slot);
	int by = dirty ? 1 : -1;

	DASSERT_HELD(&cache->lock);
	if (!cache_tree_mark(&cache->tree, index, dirty))
		return;
	cache->count.dirty += (uint64_t)by;
	cache_count_page(page, 0, by, 0);
	if (dirty)
		(void)zonal_page_set_dirty(block_memory(), page);
	else
		(void)zonal_page_set_clean(block_memory(), page);
}

void cache_forget(struct block_cache *cache, uint64_t index, struct page *page)
{
	DASSERT_HELD(&cache->lock);
	cache_tree_remove(&cache->tree, index);
	cache->count.cached--;
	cache_count_page(page, -1, 0, 0);
}

/* Let the next page from *index on go, unless somebody works with it; false: there is none. */
static bool drop_next(struct block_cache *cache, uint64_t *index, bool dirty_too, bool *went)
{
	port_irqflags_t irq = block_lock(&cache->lock);
	bool found = cache_tree_next(&cache->tree, index, false);
	struct cache_slot *slot = found ? cache_tree_find(&cache->tree, *index) : NULL;
	unsigned busy = SLOT_LOCKED | SLOT_WRITING | (dirty_too ? 0 : SLOT_DIRTY);
	struct page *page = NULL;

	if (slot && !(slot->flags & busy)) {
		page = cache_slot_page(slot);
		cache_mark(cache, *index, slot, false);
		zonal_page_remove(block_memory(), page);
		cache_forget(cache, *index, page);
	}
	block_unlock(&cache->lock, irq);
	*went = page != NULL;
	if (page)
		zonal_put(block_memory(), page);
	++*index;
	return found;
}

static uint64_t drop_all(struct block_cache *cache, bool dirty_too)
{
	uint64_t index = 0, count = 0;
	bool went;

	while (index < cache->pages && drop_next(cache, &index, dirty_too, &went))
		count += went;
	cache_changed(cache);
	return count;
}

uint64_t cache_drop(struct block_device *device)
{
	struct block_cache *cache = cache_of(device);

	return cache ? drop_all(cache, false) : 0;
}

/* ---- devices ---- */

static unsigned io_order(void)
{
	unsigned order = 0;

	while (PAGE_SIZE << order < CACHE_IOS * sizeof(struct cache_io))
		order++;
	return order;
}

static bool take_ios(struct block_cache *cache)
{
	cache->io_page = zonal_alloc(block_memory(), GFP_KERNEL | __GFP_NOWARN, io_order());
	if (!cache->io_page)
		return false;
	cache->io = block_page_address(cache->io_page);
	memset(cache->io, 0, PAGE_SIZE << io_order());
	for (unsigned i = 0; i < CACHE_IOS; i++)
		cache->io[i].cache = cache;
	return true;
}

/* From here on callbacks may come, with handles of any device: all locks get their rank. */
static bool have_owner(void)
{
	for (unsigned id = 0; id < BLOCK_MAX_DEVICES && !attached; id++)
		lock_set_rank(&caches[id].lock, LOCK_BLOCK_CACHE);
	if (!attached)
		cache_owner = zonal_owner_register(block_memory(), &cache_owner_ops, NULL);
	return cache_owner != NULL;
}

int cache_attach(struct block_device *device)
{
	struct block_cache *cache = cache_by_id(device->id);
	port_irqflags_t irq;

	ASSERT(cache && !cache->device, "%s is cached already", device->name);
	if (!have_owner() || !take_ios(cache))
		return BLOCK_ENOMEM;
	attached++;
	irq = block_lock(&cache->lock);
	cache->pages = (device->sectors + BLOCK_PAGE_SECTORS - 1) / BLOCK_PAGE_SECTORS;
	cache_tree_init(&cache->tree, cache->pages);
	cache->ahead = (struct cache_ahead){ .window = 0 };
	cache->count = (struct cache_counts){ .cached = 0 };
	cache->serial = cache->failures = 0;
	cache->device = device;
	block_unlock(&cache->lock, irq);
	return 0;
}

/* Requests that are under way: read ahead, and what is being written. */
static bool any_io(struct block_cache *cache, uint64_t *seen)
{
	port_irqflags_t irq = block_lock(&cache->lock);
	bool any = false;

	for (unsigned i = 0; i < CACHE_IOS; i++)
		any |= cache->io[i].busy;
	*seen = cache_events(cache);
	block_unlock(&cache->lock, irq);
	return any;
}

void cache_detach(struct block_device *device)
{
	struct block_cache *cache = cache_of(device);
	port_irqflags_t irq;
	uint64_t seen;

	ASSERT(cache, "%s is not cached", device->name);
	/* Reclaim may hold a page, or start to write one, as long as there are some. */
	while (any_io(cache, &seen))
		cache_wait(cache, seen);
	while (drop_all(cache, true), any_io(cache, &seen) || cache->count.cached)
		cache_wait(cache, seen);
	irq = block_lock(&cache->lock);
	cache->device = NULL;
	block_unlock(&cache->lock, irq);
	zonal_free(block_memory(), cache->io_page, io_order());
	if (--attached)
		return;
	zonal_owner_unregister(block_memory(), cache_owner);
	cache_owner = NULL;
}
