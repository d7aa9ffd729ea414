/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lists of pages that can be given up: what owners say, and where a page is then.
 *
 * An owner's calls alone: add, touch, dirty, write, remove; and reclaim taking a batch off and
 * putting it back by hand, with the owner changing his mind in between. zonal_check() counts the
 * lists anew against the map after each case.
 */
#include "kt_cache.h"

#include "mm/reclaim/scan.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };
static const struct kt_spec pair = {
	.ram = { { 0, KT_DMA_PFN, 2048 }, { 1, KT_DMA_PFN + 2048, 2048 } },
};

/* A cache of `pages` on node 0 of a small board. */
static struct kt_cache *cache_of(const struct kt_spec *spec, enum zonal_kind kind, unsigned pages)
{
	struct zonal *mm = kt_instance(spec);
	struct kt_cache *cache = mm ? kt_cache(mm, kind, 4096) : NULL;

	if (!cache || !KT_EQ(kt_cache_fill(cache, 0, GFP_KERNEL, pages), pages))
		return NULL;
	return cache;
}

static struct lru_ends *ends_of(struct kt_cache *cache, unsigned nid, unsigned list)
{
	return &cache->mm->node[nid]->reclaim.lru.root.list[list];
}

static uint64_t listed(struct kt_cache *cache, unsigned nid, unsigned list)
{
	return lru_size(cache->mm->node[nid], list, ZONE_MOVABLE);
}

static struct scan scan_of(struct kt_cache *cache)
{
	return (struct scan){ .mm = cache->mm, .high_zone = ZONE_MOVABLE, .target = 32,
			      .may_swap = true };
}

KTEST(lru, page_comes_to_the_young_end_of_the_inactive_list)
{
	struct kt_cache *cache = cache_of(&uma, ZONAL_CACHE, 3);

	if (!cache)
		return;
	KT_EQ(listed(cache, 0, LRU_INACTIVE_CACHE), 3);
	KT_EQ(ends_of(cache, 0, LRU_INACTIVE_CACHE)->young, cache->place[2].page->pfn);
	KT_EQ(ends_of(cache, 0, LRU_INACTIVE_CACHE)->old, cache->place[0].page->pfn);
	KT_EQ(zonal_page_handle(cache->place[1].page), 1);
	kt_check_all(cache->mm);
	kt_cache_drop(cache, 1);
	KT_EQ(listed(cache, 0, LRU_INACTIVE_CACHE), 2);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
	KT_EQ(ends_of(cache, 0, LRU_INACTIVE_CACHE)->young, PFN_NONE);
	zonal_owner_unregister(cache->mm, cache->owner);
	kt_check_all(cache->mm);
}

KTEST(lru, page_used_twice_becomes_active)
{
	struct kt_cache *cache = cache_of(&uma, ZONAL_CACHE, 2);
	struct page *page;

	if (!cache)
		return;
	page = cache->place[0].page;
	zonal_page_touch(cache->mm, page);
	KT_EQ(listed(cache, 0, LRU_ACTIVE_CACHE), 0);
	zonal_page_touch(cache->mm, page);
	KT_EQ(listed(cache, 0, LRU_ACTIVE_CACHE), 1);
	KT_EQ(listed(cache, 0, LRU_INACTIVE_CACHE), 1);
	KT_TRUE(!(page_word(page) & PG_REFERENCED));
	/* Active already: only the mark. */
	zonal_page_touch(cache->mm, page);
	zonal_page_touch(cache->mm, page);
	KT_EQ(listed(cache, 0, LRU_ACTIVE_CACHE), 1);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
	KT_EQ(listed(cache, 0, LRU_ACTIVE_CACHE), 0);
}

KTEST(lru, kinds_and_nodes_have_lists_of_their_own)
{
	struct kt_cache *cache = cache_of(&pair, ZONAL_CACHE, 5), *anon;

	if (!cache)
		return;
	anon = kt_cache(cache->mm, ZONAL_ANON, 16);
	if (!anon)
		return;
	KT_EQ(kt_cache_fill(anon, 1, GFP_KERNEL, 7), 7);
	KT_EQ(listed(cache, 0, LRU_INACTIVE_CACHE), 5);
	KT_EQ(listed(cache, 0, LRU_INACTIVE_ANON), 0);
	KT_EQ(listed(cache, 1, LRU_INACTIVE_ANON), 7);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
	kt_cache_drop_all(anon);
}

KTEST(lru, freeing_a_page_that_is_still_listed_is_reported_and_it_leaks)
{
	struct kt_cache *cache = cache_of(&uma, ZONAL_CACHE, 1);
	uint64_t bad;

	if (!cache)
		return;
	bad = zonal_bad_count(cache->mm);
	zonal_free(cache->mm, cache->place[0].page, 0);
	KT_EQ(zonal_bad_count(cache->mm), bad + 1);
}

KTEST(lru, dirty_and_written_pages_are_counted_by_node)
{
	struct kt_cache *cache = cache_of(&pair, ZONAL_CACHE, 2);
	struct zonal_lru_counts now;
	struct page *page;

	if (!cache)
		return;
	page = cache->place[0].page;
	KT_TRUE(zonal_page_set_dirty(cache->mm, page));
	KT_TRUE(!zonal_page_set_dirty(cache->mm, page));
	KT_TRUE(zonal_page_set_dirty(cache->mm, cache->place[1].page));
	zonal_page_writing(cache->mm, page);
	zonal_lru_counts(cache->mm, 0, &now);
	KT_EQ(now.dirty, 2);
	KT_EQ(now.writing, 1);
	KT_TRUE(zonal_page_set_clean(cache->mm, page));
	KT_TRUE(!zonal_page_set_clean(cache->mm, page));
	zonal_page_written(cache->mm, page);
	/* Removing one that is dirty takes it out of the count. */
	kt_cache_drop_all(cache);
	zonal_lru_counts(cache->mm, 0, &now);
	KT_EQ(now.dirty, 0);
	KT_EQ(now.writing, 0);
	zonal_lru_counts(cache->mm, 1, &now);
	KT_EQ(now.dirty, 0);
	kt_check_all(cache->mm);
}

KTEST(lru, page_that_reclaim_met_while_written_goes_to_the_old_end)
{
	struct kt_cache *cache = cache_of(&uma, ZONAL_CACHE, 40);
	struct scan s;
	struct page *page;

	if (!cache)
		return;
	s = scan_of(cache);
	page = cache->place[0].page;
	zonal_page_writing(cache->mm, page);
	for (unsigned i = 1; i < 40; i++)
		cache->place[i].give = ZONAL_GIVE_BUSY;
	KT_EQ(shrink_inactive(&s, cache->mm->node[0], LRU_INACTIVE_CACHE, 32), 0);
	KT_TRUE(page_word(page) & PG_ROTATE);
	zonal_page_written(cache->mm, page);
	/* It went to the active list, where it waits to be written, and is not moved from there. */
	KT_TRUE(!(page_word(page) & (PG_ROTATE | PG_WRITEBACK)));
	KT_EQ(kt_event(cache->mm, EVENT_PGROTATED), 0);
	kt_check_all(cache->mm);
	/* One whose owner starts to write it when asked stays, and is the next to go. */
	page = cache->place[39].page;
	cache->place[39].give = ZONAL_GIVE_WRITING;
	for (unsigned i = 0; i < 2; i++)
		shrink_inactive(&s, cache->mm->node[0], LRU_INACTIVE_CACHE, 32);
	zonal_page_writing(cache->mm, page);
	zonal_page_written(cache->mm, page);
	KT_EQ(ends_of(cache, 0, LRU_INACTIVE_CACHE)->old, page->pfn);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

KTEST(lru, page_that_reclaim_did_not_meet_stays_where_it_is_when_written)
{
	struct kt_cache *cache = cache_of(&uma, ZONAL_CACHE, 3);
	struct page *page;

	if (!cache)
		return;
	page = cache->place[2].page;
	for (unsigned i = 0; i < 2; i++) { /* the first time nobody was writing */
		zonal_page_written(cache->mm, page);
		KT_EQ(ends_of(cache, 0, LRU_INACTIVE_CACHE)->young, page->pfn);
		KT_EQ(ends_of(cache, 0, LRU_INACTIVE_CACHE)->old, cache->place[0].page->pfn);
		zonal_page_writing(cache->mm, page);
	}
	KT_EQ(kt_event(cache->mm, EVENT_PGROTATED), 0);
	zonal_page_written(cache->mm, page);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

/* What an owner does to a page that reclaim has off its list. */
static void drop_it(struct kt_cache *cache, unsigned place)
{
	if (place == 3)
		kt_cache_drop(cache, place);
}

static void drop_and_add_again(struct kt_cache *cache, unsigned place)
{
	if (place != 3)
		return;
	zonal_page_remove(cache->mm, cache->place[3].page);
	zonal_page_add(cache->mm, cache->owner, cache->place[3].page, 3);
}

KTEST(lru, page_freed_by_its_owner_while_reclaim_holds_it_is_free_once)
{
	struct kt_cache *cache = cache_of(&uma, ZONAL_CACHE, 8);
	int64_t free;
	struct scan s;

	if (!cache)
		return;
	s = scan_of(cache);
	for (unsigned i = 0; i < 8; i++)
		cache->place[i].give = ZONAL_GIVE_BUSY;
	zonal_drain_all(cache->mm, NULL);
	free = kt_free(kt_zone(cache->mm, 0, ZONE_DMA));
	cache->on_give = drop_it;
	KT_EQ(shrink_inactive(&s, cache->mm->node[0], LRU_INACTIVE_CACHE, 8), 0);
	zonal_drain_all(cache->mm, NULL);
	KT_EQ(kt_free(kt_zone(cache->mm, 0, ZONE_DMA)), free + 1);
	KT_EQ(listed(cache, 0, LRU_INACTIVE_CACHE), 7);
	KT_EQ(zonal_bad_count(cache->mm), 0);
	kt_check_all(cache->mm);
	cache->on_give = drop_and_add_again;
	kt_cache_drop_all(cache);
}

KTEST(lru, page_removed_and_added_while_reclaim_holds_it_is_listed_once)
{
	struct kt_cache *cache = cache_of(&uma, ZONAL_CACHE, 8);
	struct scan s;

	if (!cache)
		return;
	s = scan_of(cache);
	for (unsigned i = 0; i < 8; i++)
		cache->place[i].give = ZONAL_GIVE_BUSY;
	cache->on_give = drop_and_add_again;
	KT_EQ(shrink_inactive(&s, cache->mm->node[0], LRU_INACTIVE_CACHE, 8), 0);
	KT_EQ(listed(cache, 0, LRU_INACTIVE_CACHE), 8);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
	KT_EQ(zonal_bad_count(cache->mm), 0);
}

KTEST(lru, check_finds_a_wrong_count_and_a_page_that_is_marked_and_not_listed)
{
	struct kt_cache *cache = cache_of(&uma, ZONAL_CACHE, 4);
	struct zonal_finding found;
	struct page *page;

	if (!cache)
		return;
	own_add(&ends_of(cache, 0, LRU_INACTIVE_CACHE)->count[ZONE_DMA], 1);
	KT_TRUE(!zonal_check(cache->mm, &found));
	/* No page is to blame. */
	KT_EQ(found.pfn, 0);
	own_add(&ends_of(cache, 0, LRU_INACTIVE_CACHE)->count[ZONE_DMA], UINT64_MAX);
	kt_check_all(cache->mm);
	ends_of(cache, 0, LRU_INACTIVE_CACHE)->old++;
	KT_TRUE(!zonal_check(cache->mm, &found));
	KT_EQ(found.pfn, 0);
	ends_of(cache, 0, LRU_INACTIVE_CACHE)->old--;
	kt_check_all(cache->mm);
	page = zonal_alloc(cache->mm, GFP_KERNEL, 0);
	page_set_word(page, page_word(page) | PG_LRU);
	KT_TRUE(!zonal_check(cache->mm, &found));
	page_set_word(page, page_word(page) & ~PG_LRU);
	page = cache->place[1].page;
	page->links.prev++;
	KT_TRUE(!zonal_check(cache->mm, &found));
	page->links.prev--;
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

/* Whatever the links say, and wherever they lead: the first page that does not fit is the end. */
KTEST(lru, check_ends_where_a_list_leads_in_a_circle)
{
	struct kt_cache *cache = cache_of(&uma, ZONAL_CACHE, 4);
	struct zonal_finding found;
	struct page *page;
	uint32_t next;

	if (!cache)
		return;
	page = cache->place[2].page;
	next = page->links.next;
	page->links.next = page->pfn;
	KT_TRUE(!zonal_check(cache->mm, &found));
	KT_EQ(found.pfn, page->pfn);
	page->links.next = next;
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

static void add_again(void *arg)
{
	struct kt_cache *cache = arg;

	zonal_page_add(cache->mm, cache->owner, cache->place[0].page, 0);
}

static void add_a_block(void *arg)
{
	struct kt_cache *cache = arg;

	zonal_page_add(cache->mm, cache->owner, zonal_alloc(cache->mm, GFP_KERNEL, 2), 0);
}

static void add_what_is_free(void *arg)
{
	struct kt_cache *cache = arg;

	zonal_page_add(cache->mm, cache->owner, zonal_page(cache->mm, KT_DMA_PFN + 2048), 0);
}

KTEST_F(lru, only_a_single_page_in_use_and_on_no_list_can_be_added, KT_HOST_ONLY)
{
	struct kt_cache *cache = cache_of(&uma, ZONAL_CACHE, 1);

	if (!cache)
		return;
	KT_TRUE(kt_panics(add_again, cache, "listed twice"));
	KT_TRUE(kt_panics(add_a_block, cache, "no single page in use"));
	KT_TRUE(kt_panics(add_what_is_free, cache, "no single page in use"));
	kt_cache_drop_all(cache);
}

KTEST(lru, table_of_owners_that_is_full_refuses)
{
	struct zonal *mm = kt_instance(&uma);
	struct kt_cache *first = NULL;

	if (!mm)
		return;
	for (unsigned i = 0; i < ZONAL_MAX_OWNERS; i++) {
		struct kt_cache *cache = kt_cache(mm, ZONAL_CACHE, 1);

		if (!cache)
			return;
		if (i == 3)
			first = cache;
	}
	KT_TRUE(!zonal_owner_register(mm, first->owner->ops, first));
	zonal_owner_unregister(mm, first->owner);
	KT_TRUE(zonal_owner_register(mm, mm->owners[0].ops, first) == first->owner);
}
