/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory groups while things change under them: a task that leaves in the middle of a charge, pages
 * that move, are retired, or are given back because the charge failed (rows Z5-Z7).
 *
 * The task that runs a case is the group's. A group is dropped in the middle of a charge by the
 * callbacks that the charge calls on its way.
 */
#include <zonal/contig.h>
#include <zonal/group.h>

#include "kt_cache.h"
#include "mm/compact/move.h"

#define ACCOUNT (GFP_KERNEL_ACCOUNT | __GFP_NOWARN)
#define NOWAIT (GFP_NOWAIT | __GFP_NOWARN)

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };

static struct zonal_task saved, *task;

/* A group with that limit, which this task is in; NULL: no memory. */
static struct zonal_group *begin(uint64_t limit)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct zonal_group *group = mm ? kt_alloc(sizeof(*group), 16) : NULL;
	size_t bytes = mm ? zonal_group_map_bytes(mm) : 0;

	if (!group)
		return NULL;
	task = kt_task_save(&saved);
	KT_EQ(zonal_groups_begin(mm, kt_alloc(bytes, 16), bytes), 0);
	KT_EQ(zonal_group_make(mm, group, NULL, limit), 0);
	zonal_group_join(group, task);
	return group;
}

static uint64_t usage(struct zonal_group *group)
{
	zonal_group_settle(group->mm);
	return ld_relaxed(&group->usage);
}

static void end(struct zonal_group *group)
{
	zonal_group_join(NULL, task);
	kt_task_restore(&saved);
	KT_EQ(usage(group), 0);
	KT_EQ(zonal_group_drop(group), 0);
	kt_check_all(group->mm);
	KT_EQ(zonal_bad_count(group->mm), 0);
}

KTEST(rows_z, z5_a_page_whose_charge_fails_is_seen_taken_and_given_back)
{
	struct zonal_group *group = begin(1);
	struct zone *zone = group ? kt_zone(group->mm, 0, ZONE_DMA) : NULL;
	uint64_t freed, hits;

	if (!group)
		return;
	freed = kt_stat(zone, STAT_FREED);
	hits = kt_hit(zone);
	KT_TRUE(!zonal_alloc(group->mm, NOWAIT | __GFP_ACCOUNT, 1));
	KT_EQ(kt_stat(zone, STAT_FREED), freed + 2);
	KT_EQ(kt_hit(zone), hits + 1);
	KT_EQ(ld_relaxed(&group->refused), 1);
	end(group);
}

/* 5.10 looks at what the one round freed before it lets NORETRY fail. */
KTEST(rows_z, z6_one_round_of_reclaim_may_serve_noretry)
{
	struct zonal_group *group = begin(40);
	struct kt_cache *cache = group ? kt_cache(group->mm, ZONAL_CACHE, 64) : NULL;
	struct page *page;

	if (!cache)
		return;
	KT_EQ(kt_cache_fill(cache, 0, ACCOUNT, 40), 40);
	page = zonal_alloc(group->mm, ACCOUNT | __GFP_NORETRY, 0);
	KT_TRUE(page && kt_cache_left(cache) < 40);
	/* what a group reclaims is not direct reclaim of the board (5.10) */
	KT_EQ(kt_event(group->mm, EVENT_PGSTEAL_DIRECT), 0);
	KT_EQ(kt_event(group->mm, EVENT_PGSTEAL_ANON + ZONAL_CACHE),
	      ld_relaxed(&group->reclaimed));
	zonal_free(group->mm, page, 0);
	kt_cache_drop_all(cache);
	end(group);
}

/* ---- in the middle of a charge --------------------------------------------------- */

static struct zonal_group *leaves;
static unsigned dropped;

static void leave(struct kt_cache *cache, unsigned place)
{
	(void)cache;
	(void)place;
	zonal_group_join(NULL, task);
	dropped += !zonal_group_drop(leaves);
}

/* The charge of a block in a group without any other page: all that keeps the group is the charge
 * that is under way. The page that calls us belongs to the group above. */
KTEST(rows_z, z5_a_group_stays_while_somebody_who_left_it_is_charging)
{
	struct zonal_group *outer = begin(16), *inner;
	struct kt_cache *cache = outer ? kt_cache(outer->mm, ZONAL_CACHE, 64) : NULL;
	struct page *page;

	if (!cache)
		return;
	inner = kt_alloc(sizeof(*inner), 16);
	KT_EQ(zonal_group_make(outer->mm, inner, outer, ZONAL_GROUP_NO_LIMIT), 0);
	KT_EQ(kt_cache_fill(cache, 0, ACCOUNT, 12), 12);
	zonal_group_settle(outer->mm);
	zonal_group_join(inner, task);
	leaves = inner;
	dropped = 0;
	cache->on_give = leave;
	page = zonal_alloc(outer->mm, ACCOUNT, 3);
	cache->on_give = NULL;
	KT_TRUE(page && cache->committed > 0);
	KT_EQ(dropped, 0);
	KT_TRUE(zonal_page_group(outer->mm, page) == inner);
	KT_EQ(usage(inner), 8);
	zonal_free(outer->mm, page, 3);
	zonal_group_settle(outer->mm);
	KT_EQ(zonal_group_drop(inner), 0);
	kt_cache_drop_all(cache);
	end(outer);
}

/* Busy until the charge has failed in the first round, after which the stores are given back. */
static void busy_at_first(struct kt_cache *cache, unsigned place)
{
	bool later = ld_relaxed(&leaves->hits) >= dropped + 4u;

	cache->place[place].give = later ? ZONAL_GIVE_YES : ZONAL_GIVE_BUSY;
}

/* What is reclaimed of another group's pages goes to this CPU's store for that group, and is paid
 * for there until it is settled. */
KTEST(rows_z, z6_what_reclaim_has_put_in_store_is_no_reason_to_refuse)
{
	struct zonal_group *outer = begin(40), *other, *inner;
	struct kt_cache *cache = outer ? kt_cache(outer->mm, ZONAL_CACHE, 64) : NULL;
	struct page *page;

	if (!cache)
		return;
	other = kt_alloc(2 * sizeof(*other), 16);
	inner = other + 1;
	KT_EQ(zonal_group_make(outer->mm, other, outer, ZONAL_GROUP_NO_LIMIT), 0);
	KT_EQ(zonal_group_make(outer->mm, inner, outer, ZONAL_GROUP_NO_LIMIT), 0);
	zonal_group_join(other, task);
	KT_EQ(kt_cache_fill(cache, 0, ACCOUNT, 40), 40);
	zonal_group_settle(outer->mm);
	zonal_group_join(inner, task);
	leaves = outer;
	dropped = (unsigned)ld_relaxed(&outer->hits);
	cache->on_give = busy_at_first;
	page = zonal_alloc(outer->mm, ACCOUNT, 4);
	cache->on_give = NULL;
	KT_TRUE(page && cache->committed >= 16);
	KT_EQ(ld_relaxed(&inner->refused), 0);
	KT_EQ(usage(outer), 16 + kt_cache_left(cache));
	if (page)
		zonal_free(outer->mm, page, 4);
	kt_cache_drop_all(cache);
	zonal_group_join(outer, task);
	KT_EQ(zonal_group_drop(inner), 0);
	KT_EQ(zonal_group_drop(other), 0);
	end(outer);
}

/* Its owner frees the page himself, at the moment when he is asked. */
static void goes_itself(struct kt_cache *cache, unsigned place) { kt_cache_drop(cache, place); }

KTEST(rows_z, z6_a_limit_counts_what_owners_freed_while_reclaim_got_nothing)
{
	struct zonal_group *group = begin(40);
	struct kt_cache *cache = group ? kt_cache(group->mm, ZONAL_CACHE, 64) : NULL;

	if (!cache)
		return;
	KT_EQ(kt_cache_fill(cache, 0, ACCOUNT, 12), 12);
	cache->on_give = goes_itself;
	KT_EQ(zonal_group_limit(group, 6), 0);
	cache->on_give = NULL;
	KT_TRUE(cache->committed == 0 && kt_cache_left(cache) <= 6);
	kt_cache_drop_all(cache);
	end(group);
}

/* ---- pages that move ------------------------------------------------------------- */

static struct page *target(void *arg, struct page *from)
{
	(void)from;
	return zonal_alloc(arg, NOWAIT, 0);
}

static void unused(void *arg, struct page *to) { zonal_free(arg, to, 0); }

KTEST(rows_z, z7_a_page_that_moves_keeps_its_charge)
{
	struct zonal_group *group = begin(40);
	struct kt_cache *cache = group ? kt_cache(group->mm, ZONAL_ANON, 64) : NULL;
	struct move_batch batch = { .count = 0 };
	struct page *old[8];

	if (!cache)
		return;
	KT_EQ(kt_cache_fill(cache, 0, ACCOUNT, 8), 8);
	for (unsigned i = 0; i < 8; i++)
		old[i] = cache->place[i].page;
	for (unsigned i = 0; i < 8; i++)
		KT_TRUE(move_take(group->mm, &batch, old[i]));
	KT_EQ(move_pages(&(struct move){ .mm = group->mm, .mode = MOVE_SYNC, .target = target,
					 .unused = unused, .arg = group->mm }, &batch), 8);
	KT_EQ(usage(group), 8);
	for (unsigned i = 0; i < 8; i++) {
		KT_TRUE(cache->place[i].page != old[i]);
		KT_TRUE(zonal_page_group(group->mm, cache->place[i].page) == group);
	}
	/* The others may be somebody's target again. */
	KT_TRUE(!zonal_page_group(group->mm, old[7]));
	kt_cache_drop_all(cache);
	end(group);
}

KTEST(rows_z, z7_a_retired_page_gives_back_its_charge_and_its_contents_keep_theirs)
{
	struct zonal_group *group = begin(40);
	struct kt_cache *cache = group ? kt_cache(group->mm, ZONAL_ANON, 64) : NULL;
	struct page *page;

	if (!cache)
		return;
	KT_EQ(kt_cache_fill(cache, 0, ACCOUNT, 2), 2);
	KT_EQ(zonal_page_retire(group->mm, cache->place[0].page->pfn, NULL),
	      ZONAL_RETIRED_MOVED);
	KT_EQ(usage(group), 2);
	page = zonal_alloc(group->mm, ACCOUNT, 0);
	KT_EQ(zonal_page_retire(group->mm, page->pfn, NULL), ZONAL_RETIRED_LATER);
	KT_EQ(usage(group), 3);
	zonal_free(group->mm, page, 0);
	KT_EQ(usage(group), 2);
	KT_EQ(zonal_retired_pages(group->mm, 0), 2);
	kt_cache_drop_all(cache);
	end(group);
}

/* A range of pages in use is emptied for who wants it in one piece. */
KTEST(rows_z, z7_a_range_that_is_emptied_moves_the_charges_with_the_pages)
{
	struct zonal_group *group = begin(100);
	struct kt_cache *cache = group ? kt_cache(group->mm, ZONAL_ANON, 64) : NULL;
	pfn_t first;

	if (!cache)
		return;
	KT_EQ(kt_cache_fill(cache, 0, GFP_HIGHUSER_MOVABLE | __GFP_ACCOUNT, 32), 32);
	first = align_down(cache->place[0].page->pfn, 1u << PAGEBLOCK_ORDER);
	KT_EQ(zonal_alloc_contig_range(group->mm, first, 1u << PAGEBLOCK_ORDER, GFP_KERNEL), 0);
	KT_EQ(usage(group), 32);
	KT_TRUE(!zonal_page_group(group->mm, zonal_page(group->mm, first)));
	KT_EQ(zonal_free_contig_range(group->mm, first, 1u << PAGEBLOCK_ORDER), 0);
	KT_EQ(usage(group), 32);
	kt_cache_drop_all(cache);
	end(group);
}
