/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Migration: pages off their lists by frame, through their owner to another frame, and back.
 *
 * The board is small and half empty; targets come from the allocator, node 0 or 1, and are counted,
 * so that each case can say that none is lost. What the owner answers is set by hand. Threads are
 * in move_thread_test.c.
 */
#include "kt_trace.h"
#include "port_watch.h"

#include <string.h>

#include "mm/compact/move.h"
#include "mm/reclaim/lists.h"

static const struct kt_spec pair = {
	.ram = { { 0, KT_DMA_PFN, 2048 }, { 1, KT_DMA_PFN + 2048, 2048 } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
};

#define NOWAIT (GFP_NOWAIT | __GFP_NOWARN)

/* Where targets come from. */
static struct {
	struct zonal *mm;
	unsigned given, unused, left; /* left: so many more, then none */
} targets;

static struct page *target(void *arg, struct page *from)
{
	struct page *to;

	KT_TRUE(arg == &targets && (page_word(from) & PG_ISOLATED));
	KT_TRUE(!(port_this_cpu()->task->flags & ZTASK_MEMALLOC));
	if (!targets.left)
		return NULL;
	targets.left--;
	to = zonal_alloc_node(targets.mm, 1, NOWAIT | __GFP_THISNODE, 0);
	targets.given += to != NULL;
	return to;
}

static void unused(void *arg, struct page *to)
{
	KT_TRUE(arg == &targets);
	targets.unused++;
	zonal_free(targets.mm, to, 0);
}

/* A cache of `pages` pages on node 0. */
static struct kt_cache *cache_of(unsigned pages, enum zonal_kind kind)
{
	struct zonal *mm = kt_bare_instance(&pair);
	struct kt_cache *cache = mm ? kt_cache(mm, kind, 2048) : NULL;

	memset(&targets, 0, sizeof(targets));
	targets.mm = mm;
	targets.left = 100000;
	if (cache && !KT_EQ(kt_cache_fill(cache, 0, NOWAIT, pages), pages))
		return NULL;
	return cache;
}

static struct move move_of(struct kt_cache *cache, enum move_mode mode)
{
	return (struct move){ .mm = cache->mm,
			      .mode = mode,
			      .may_fs = true,
			      .target = target,
			      .unused = unused,
			      .arg = &targets };
}

/* The first `count` places of the cache are taken; how many came. */
static unsigned take_places(struct kt_cache *cache, struct move_batch *batch, unsigned count)
{
	batch->count = 0;
	for (unsigned i = 0; i < count; i++)
		move_take(cache->mm, batch, cache->place[i].page);
	return batch->count;
}

/* All is back where it should be: nothing isolated, no target lost, all free in the end. */
static void all_is_well(struct kt_cache *cache)
{
	struct zonal_lru_counts counts;

	for (unsigned nid = 0; nid < 2; nid++) {
		zonal_lru_counts(cache->mm, nid, &counts);
		KT_EQ(counts.isolated[ZONAL_ANON] + counts.isolated[ZONAL_CACHE], 0);
	}
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
	zonal_drain_all(cache->mm, NULL);
	KT_EQ(kt_free(kt_zone(cache->mm, 0, ZONE_DMA)) + kt_free(kt_zone(cache->mm, 1, ZONE_DMA)),
	      4096);
	kt_check_all(cache->mm);
}

KTEST(move, pages_are_at_other_frames_with_their_handles_and_the_old_ones_are_free)
{
	struct kt_cache *cache = cache_of(40, ZONAL_CACHE);
	struct zonal_lru_counts counts;
	struct move_batch batch;
	struct page *old[32];
	struct move move;

	if (!cache)
		return;
	for (unsigned i = 0; i < 32; i++)
		old[i] = cache->place[i].page;
	move = move_of(cache, MOVE_SYNC);
	KT_EQ(take_places(cache, &batch, 32), 32);
	zonal_lru_counts(cache->mm, 0, &counts);
	KT_EQ(counts.isolated[ZONAL_CACHE], 32);
	kt_check_all(cache->mm);
	KT_EQ(move_pages(&move, &batch), 32);
	KT_EQ(batch.count, 0);
	KT_EQ(move.moved, 32);
	KT_EQ(move.failed + move.gone, 0);
	for (unsigned i = 0; i < 32; i++) {
		struct page *now = cache->place[i].page;

		KT_TRUE(now != old[i] && page_zid(now) / ZONE_TYPES == 1);
		KT_EQ(zonal_page_handle(now), i);
		KT_EQ(ld_relaxed(&now->refs), 1);
		KT_TRUE(page_state(old[i]) != PAGE_USED);
	}
	zonal_lru_counts(cache->mm, 1, &counts);
	KT_EQ(counts.inactive[ZONAL_CACHE], 32);
	KT_EQ(kt_event(cache->mm, EVENT_PGMIGRATE_SUCCESS), 32);
	KT_EQ(kt_event(cache->mm, EVENT_PGMIGRATE_FAIL), 0);
	all_is_well(cache);
}

KTEST(move, only_what_is_on_a_list_is_taken_whatever_the_frame_is)
{
	struct kt_cache *cache = cache_of(4, ZONAL_ANON);
	struct page *used, *block, *freed;
	struct move_batch batch = { .count = 0 };

	if (!cache)
		return;
	used = zonal_alloc_node(cache->mm, 0, NOWAIT, 0);
	block = zonal_alloc_node(cache->mm, 0, NOWAIT | __GFP_COMP, 3);
	freed = zonal_alloc_node(cache->mm, 0, NOWAIT, 0);
	zonal_free(cache->mm, freed, 0);
	KT_TRUE(!move_take(cache->mm, &batch, used));
	KT_TRUE(!move_take(cache->mm, &batch, block));
	KT_TRUE(!move_take(cache->mm, &batch, block + 1));
	KT_TRUE(!move_take(cache->mm, &batch, freed));
	KT_TRUE(move_take(cache->mm, &batch, cache->place[2].page));
	KT_TRUE(!move_take(cache->mm, &batch, cache->place[2].page));
	KT_EQ(batch.count, 1);
	KT_EQ(ld_relaxed(&cache->place[2].page->refs), 2);
	move_put_back(cache->mm, &batch);
	KT_EQ(ld_relaxed(&cache->place[2].page->refs), 1);
	zonal_free(cache->mm, used, 0);
	zonal_free(cache->mm, block, 3);
	all_is_well(cache);
}

KTEST(move, list_use_and_dirt_of_a_page_go_with_it)
{
	struct kt_cache *cache = cache_of(3, ZONAL_CACHE);
	struct zonal_lru_counts counts;
	struct move_batch batch;
	struct move move;

	if (!cache)
		return;
	zonal_page_touch(cache->mm, cache->place[0].page);
	zonal_page_touch(cache->mm, cache->place[0].page); /* active */
	zonal_page_touch(cache->mm, cache->place[1].page); /* referenced */
	zonal_page_set_dirty(cache->mm, cache->place[2].page);
	move = move_of(cache, MOVE_ASYNC);
	take_places(cache, &batch, 3);
	KT_EQ(move_pages(&move, &batch), 3);
	KT_EQ(page_word(cache->place[0].page) & (PG_ACTIVE | PG_REFERENCED), PG_ACTIVE);
	KT_EQ(page_word(cache->place[1].page) & (PG_ACTIVE | PG_REFERENCED), PG_REFERENCED);
	KT_TRUE(zonal_page_dirty(cache->place[2].page));
	zonal_lru_counts(cache->mm, 1, &counts);
	KT_EQ(counts.active[ZONAL_CACHE], 1);
	KT_EQ(counts.inactive[ZONAL_CACHE], 2);
	KT_EQ(counts.dirty, 1);
	zonal_lru_counts(cache->mm, 0, &counts);
	KT_EQ(counts.dirty, 0);
	all_is_well(cache);
}

KTEST(rows_x, x13_a_page_is_asked_for_ten_times_and_may_wait_from_the_fourth)
{
	static const enum zonal_give answers[] = { ZONAL_GIVE_BUSY, ZONAL_GIVE_WRITING,
						   ZONAL_GIVE_GONE, ZONAL_GIVE_DIRTY,
						   ZONAL_GIVE_USED, ZONAL_GIVE_NO_ROOM };
	static const uint8_t asked[][3] = { /* async, light, sync */
					    { 10, 10, 10 }, { 1, 1, 10 }, { 10, 10, 10 },
					    { 1, 1, 1 },    { 1, 1, 1 },  { 1, 1, 1 } };
	struct kt_cache *cache = cache_of(1, ZONAL_CACHE);
	struct page *page = cache ? cache->place[0].page : NULL;

	for (unsigned a = 0; page && a < sizeof(answers) / sizeof(*answers); a++)
		for (unsigned mode = MOVE_ASYNC; mode <= MOVE_SYNC; mode++) {
			struct move move = move_of(cache, (enum move_mode)mode);
			struct move_batch batch;
			bool waits = mode != MOVE_ASYNC && asked[a][mode] == 10;

			cache->asked_move = 0;
			cache->place[0].move = (uint8_t)answers[a];
			take_places(cache, &batch, 1);
			watch_port();
			KT_EQ(move_pages(&move, &batch), 0);
			unwatch_port();
			KT_EQ(cache->asked_move, asked[a][mode]);
			/* Behind the third and each later one is a nap of 1 ms. */
			KT_EQ(kt_naps, waits ? 8 : 0);
			KT_EQ(kt_nap_ns, waits ? 1000000 : 0);
			KT_EQ(kt_naps + kt_ways, asked[a][mode] == 10 ? 10 : 0);
			KT_EQ(cache->last_may,
			      ZONAL_MAY_UNMAP | ZONAL_MAY_FS | (waits ? ZONAL_MAY_WAIT : 0) |
				      (mode == MOVE_SYNC ? ZONAL_MAY_WRITE : 0));
			KT_EQ(move.failed, 1);
			KT_EQ(move.why[answers[a]], 1);
			KT_TRUE(cache->place[0].page == page);
		}
	if (!page)
		return;
	KT_EQ(kt_event(cache->mm, EVENT_PGMIGRATE_FAIL), 18);
	KT_EQ(targets.given, targets.unused);
	all_is_well(cache);
}

/* Busy at first. */
static void ready_at_the_fifth(struct kt_cache *cache, unsigned place)
{
	if (cache->asked_move == 5)
		cache->place[place].move = ZONAL_GIVE_YES;
}

/* Two of five are gone, one stays; a second batch of the same move counts on. */
KTEST(move, pages_that_are_gone_are_counted_with_those_that_moved)
{
	struct kt_cache *cache = cache_of(8, ZONAL_CACHE);
	struct move_batch batch;
	struct move move;

	if (!cache || !trace_begin(cache->mm, ZONAL_TRACE_BIT(MIGRATE)))
		return;
	move = move_of(cache, MOVE_ASYNC);
	take_places(cache, &batch, 5);
	cache->place[4].move = ZONAL_GIVE_USED;
	kt_cache_drop(cache, 0);
	kt_cache_drop(cache, 1);
	KT_EQ(move_pages(&move, &batch), 4);
	batch.count = 0;
	for (unsigned i = 5; i < 8; i++)
		move_take(cache->mm, &batch, cache->place[i].page);
	KT_EQ(move_pages(&move, &batch), 3);
	KT_EQ(move.moved, 5);
	KT_EQ(move.gone, 2);
	KT_EQ(move.failed, 1);
	KT_EQ(kt_event(cache->mm, EVENT_PGMIGRATE_SUCCESS), 7);
	KT_EQ(kt_event(cache->mm, EVENT_PGMIGRATE_FAIL), 1);
	NEXT_IS(cache->mm, MIGRATE, 4, 1, 0, 0, 0, MOVE_ASYNC);
	NEXT_IS(cache->mm, MIGRATE, 3, 0, 0, 0, 0, MOVE_ASYNC);
	zonal_trace_on(cache->mm, 0);
	all_is_well(cache);
}

KTEST(move, a_page_that_is_busy_for_a_while_is_moved_in_a_later_pass)
{
	struct kt_cache *cache = cache_of(1, ZONAL_CACHE);
	struct move_batch batch;
	struct move move;

	if (!cache)
		return;
	cache->place[0].move = ZONAL_GIVE_BUSY;
	cache->on_move = ready_at_the_fifth;
	move = move_of(cache, MOVE_ASYNC);
	take_places(cache, &batch, 1);
	KT_EQ(move_pages(&move, &batch), 1);
	KT_EQ(cache->asked_move, 5);
	KT_EQ(targets.given, 5);
	KT_EQ(targets.unused, 4);
	all_is_well(cache);
}

KTEST(move, a_page_that_somebody_holds_is_aborted_and_stays)
{
	struct kt_cache *cache = cache_of(2, ZONAL_CACHE);
	struct move_batch batch;
	struct page *held;
	struct move move;

	if (!cache)
		return;
	held = cache->place[0].page;
	zonal_get(held);
	move = move_of(cache, MOVE_SYNC_LIGHT);
	take_places(cache, &batch, 2);
	KT_EQ(move_pages(&move, &batch), 1);
	KT_EQ(cache->aborted, 10);
	KT_EQ(move.why[MOVE_HELD], 1);
	KT_TRUE(cache->place[0].page == held && cache->place[1].moves == 1);
	zonal_put(cache->mm, held);
	all_is_well(cache);
}

static void drop_it(struct kt_cache *cache, unsigned place) { kt_cache_drop(cache, place); }

KTEST(move, a_page_freed_by_its_owner_while_it_is_asked_for_is_gone_and_free)
{
	struct kt_cache *cache = cache_of(3, ZONAL_CACHE);
	struct move_batch batch;
	struct move move;

	if (!cache)
		return;
	take_places(cache, &batch, 3);
	kt_cache_drop(cache, 1); /* taken, and not asked for yet */
	cache->on_move = drop_it;
	move = move_of(cache, MOVE_ASYNC);
	KT_EQ(move_pages(&move, &batch), 3);
	KT_EQ(move.gone, 3);
	KT_EQ(move.moved + move.failed, 0);
	KT_EQ(kt_cache_left(cache), 0);
	all_is_well(cache);
}

static void touch_and_drop(struct kt_cache *cache, unsigned place)
{
	struct page *page = cache->place[place].page;

	zonal_page_touch(cache->mm, page);
	zonal_page_touch(cache->mm, page);
	if (place & 1)
		kt_cache_drop(cache, place);
}

KTEST(move, an_owner_may_use_and_free_the_new_frame_at_once)
{
	struct kt_cache *cache = cache_of(8, ZONAL_ANON);
	struct move_batch batch;
	struct move move;

	if (!cache)
		return;
	cache->on_moved = touch_and_drop;
	move = move_of(cache, MOVE_ASYNC);
	take_places(cache, &batch, 8);
	KT_EQ(move_pages(&move, &batch), 8);
	KT_EQ(move.moved, 8);
	KT_EQ(kt_cache_left(cache), 4);
	all_is_well(cache);
}

KTEST(move, without_a_frame_to_move_to_the_rest_of_the_batch_stays)
{
	struct kt_cache *cache = cache_of(10, ZONAL_CACHE);
	struct move_batch batch;
	struct move move;

	if (!cache)
		return;
	targets.left = 4;
	move = move_of(cache, MOVE_SYNC);
	take_places(cache, &batch, 10);
	KT_EQ(move_pages(&move, &batch), 4);
	KT_EQ(cache->asked_move, 4);
	KT_EQ(move.failed, 6);
	KT_EQ(move.why[MOVE_NO_TARGET], 6);
	all_is_well(cache);
}

static bool never_used(void *ctx, struct page *page, uint64_t handle)
{
	(void)ctx, (void)page, (void)handle;
	return false;
}

static enum zonal_give never_given(void *ctx, struct page *page, uint64_t handle, unsigned may)
{
	(void)ctx, (void)page, (void)handle, (void)may;
	return ZONAL_GIVE_BUSY;
}

static void never_called(void *ctx, struct page *page, uint64_t handle)
{
	(void)ctx, (void)page, (void)handle;
	KT_OK(false, "a commit nobody prepared");
}

static void never_aborted(void *ctx, struct page *page, uint64_t handle, bool moving)
{
	(void)moving;
	never_called(ctx, page, handle);
}

KTEST(move, an_owner_who_moves_nothing_is_not_asked)
{
	static const struct zonal_owner_ops ops = { .name = "stays",
						    .kind = ZONAL_ANON,
						    .used = never_used,
						    .give_prepare = never_given,
						    .give_commit = never_called,
						    .abort = never_aborted };
	struct kt_cache *cache = cache_of(1, ZONAL_CACHE);
	struct zonal_owner *owner = cache ? zonal_owner_register(cache->mm, &ops, NULL) : NULL;
	struct move_batch batch;
	struct page *page;
	struct move move;

	if (!owner)
		return;
	page = zonal_alloc_node(cache->mm, 0, NOWAIT, 0);
	zonal_page_add(cache->mm, owner, page, 77);
	move = move_of(cache, MOVE_SYNC);
	take_places(cache, &batch, 1);
	KT_TRUE(move_take(cache->mm, &batch, page));
	/* Two kinds, and thus two counts, in one batch. */
	KT_EQ(move_pages(&move, &batch), 1);
	KT_EQ(move.why[MOVE_NO_WAY], 1);
	KT_EQ(targets.given, 1);
	zonal_page_remove(cache->mm, page);
	zonal_free(cache->mm, page, 0);
	zonal_owner_unregister(cache->mm, owner);
	all_is_well(cache);
}

static void sees_memalloc(struct kt_cache *cache, unsigned place)
{
	(void)cache, (void)place;
	KT_TRUE(port_this_cpu()->task->flags & ZTASK_MEMALLOC);
}

KTEST(move, owners_are_asked_as_one_who_works_for_reclaim_and_fs_is_kept_from_them)
{
	struct kt_cache *cache = cache_of(2, ZONAL_CACHE);
	struct zonal_task saved, *task = kt_task_save(&saved);
	struct move_batch batch;
	struct move move;

	if (!cache)
		return;
	task->flags = ZTASK_REALTIME;
	cache->on_move = cache->on_moved = sees_memalloc;
	move = move_of(cache, MOVE_SYNC);
	move.may_fs = false;
	take_places(cache, &batch, 2);
	KT_EQ(move_pages(&move, &batch), 2);
	KT_EQ(cache->last_may, ZONAL_MAY_UNMAP | ZONAL_MAY_WRITE);
	move.mode = MOVE_ASYNC;
	cache->place[0].move = ZONAL_GIVE_NO_ROOM;
	take_places(cache, &batch, 1);
	KT_EQ(move_pages(&move, &batch), 0);
	KT_EQ(cache->last_may, ZONAL_MAY_UNMAP);
	KT_EQ(task->flags, ZTASK_REALTIME);
	kt_task_restore(&saved);
	all_is_well(cache);
}

KTEST(move, pages_go_to_a_node_as_far_as_it_has_room_and_no_further)
{
	struct kt_cache *cache = cache_of(100, ZONAL_CACHE);
	struct page *pages[100], *chain = NULL;
	unsigned there = 0;

	if (!cache)
		return;
	for (unsigned i = 0; i < 100; i++)
		pages[i] = cache->place[i].page;
	zonal_get(pages[3]);
	KT_EQ(zonal_pages_to_node(cache->mm, pages, 100, 5), 0);
	KT_EQ(zonal_pages_to_node(cache->mm, pages, 50, 1), 49);
	KT_TRUE(cache->last_may & ZONAL_MAY_FS);
	/* The structures of the 49 are old ones now: whatever they are, they are on no list. */
	KT_EQ(zonal_pages_to_node(cache->mm, pages, 50, 1), 0);
	for (unsigned i = 0; i < 100; i++)
		there += page_zid(cache->place[i].page) / ZONE_TYPES == 1;
	KT_EQ(there, 49);
	/* Pages of the node itself would make room; here they do not go. */
	for (unsigned i = 0; i < 100; i++)
		cache->place[i].give = ZONAL_GIVE_BUSY;
	kt_take_all(cache->mm, 1, NOWAIT | __GFP_THISNODE, 0, &chain);
	KT_EQ(zonal_pages_to_node(cache->mm, pages + 50, 50, 1), 0);
	kt_give_all(cache->mm, chain, 0);
	zonal_put(cache->mm, pages[3]);
	all_is_well(cache);
}

KTEST(move, every_reason_has_a_word)
{
	for (unsigned why = 0; why < MOVE_WHYS; why++)
		KT_TRUE(move_why_name(why) && *move_why_name(why));
}
