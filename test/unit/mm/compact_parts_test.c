/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parts of compaction by themselves: where frames to move to come from, what hints keep back, and
 * which zones a request tries. Rows X4, X5, X7, X9.
 *
 * compact_test.c has whole runs over a zone whose free memory is single pages. Here free memory
 * lies in blocks as well, and the pool is looked at between two frames; zones are deferred or
 * hinted at by hand.
 */
#include "kt_scattered.h"

#include "mm/compact/compact.h"
#include "mm/request.h"

static const struct kt_spec pair = {
	.ram = { { 0, KT_DMA_PFN, PAGES }, { 1, KT_DMA_PFN + PAGES, PAGES } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
};

/* Blocks of one order in every second place of the board; the rest is in use for good. */
static struct zonal *every_second(unsigned order, struct page **used)
{
	struct zonal *mm = kt_bare_instance(&eight_blocks);
	unsigned kept = 0;

	for (unsigned i = 0; mm && i < (unsigned)PAGES >> order; i++) {
		struct page *block = zonal_alloc(mm, MOVABLE, order);

		if (!KT_TRUE(block))
			return NULL;
		used[i] = block;
	}
	for (unsigned i = 0; mm && i < (unsigned)PAGES >> order; i++) {
		if (used[i]->pfn >> order & 1)
			zonal_free(mm, used[i], order);
		else
			used[kept++] = used[i];
	}
	if (mm)
		KT_EQ(kt_blocks_of_order(kt_zone(mm, 0, ZONE_DMA), order), PAGES >> (order + 1));
	return mm;
}

/* A run whose scanners stand at the zone's ends. */
static struct compact at_the_ends(struct zonal *mm)
{
	return (struct compact){ .mm = mm,
				 .zone = kt_zone(mm, 0, ZONE_DMA),
				 .order = PAGEBLOCK_ORDER,
				 .type = MIGRATE_MOVABLE,
				 .high_zone = ZONE_MOVABLE,
				 .mode = MOVE_SYNC,
				 .used_at = KT_DMA_PFN,
				 .free_at = KT_DMA_PFN + PAGES - BLOCK };
}

static unsigned pool_pages(const struct compact *c)
{
	unsigned pages = 0;

	for (unsigned i = 0; i < c->pool.count; i++)
		pages += 1u << page_order(c->pool.page[i]);
	return pages;
}

KTEST(rows_x, x7_free_blocks_are_split_into_frames_each_given_out_once)
{
	static struct page *used[PAGES >> 3], *frame[256];
	struct zonal *mm = every_second(3, used);
	static struct compact c;

	if (!mm)
		return;
	c = at_the_ends(mm);
	for (unsigned i = 0; i < ARRAY_SIZE(frame); i++) {
		frame[i] = compact_target(&c, used[0]);
		if (!KT_TRUE(frame[i]))
			return;
		KT_EQ(page_word(frame[i]) & WORD_ALLOC_MASK,
		      word_make(c.zone->id, PAGE_USED, 0));
		KT_EQ(ld_relaxed(&frame[i]->refs), 1);
		/* As many pages as a batch needs are off the lists, not as many blocks. */
		KT_TRUE(pool_pages(&c) < MOVE_BATCH);
		KT_EQ(kt_free(c.zone), PAGES / 2 - (int64_t)(i + 1 + pool_pages(&c)));
	}
	KT_EQ(c.isolated, ARRAY_SIZE(frame));
	for (unsigned i = 0; i < ARRAY_SIZE(frame); i++) {
		for (unsigned k = 0; k < i; k++)
			KT_TRUE(frame[k] != frame[i]);
		compact_unused(&c, frame[i]);
		compact_release(&c);
	}
	zonal_drain_all(mm, NULL);
	KT_EQ(kt_free(c.zone), PAGES / 2);
	KT_EQ(kt_blocks_of_order(c.zone, 3), PAGES >> 4);
	kt_check_all(mm);
	for (unsigned i = 0; i < PAGES >> 4; i++)
		zonal_free(mm, used[i], 3);
	kt_check_all(mm);
}

/* Of 2 or 4 pages each: the second is held, the others are looked at twice, once as a whole. */
static void parts_of(unsigned order)
{
	struct zonal *mm = kt_bare_instance(&eight_blocks);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, PAGES) : NULL;
	const unsigned part = 1u << order;
	static struct compact c;

	if (!cache || !KT_EQ(kt_cache_fill(cache, 0, MOVABLE, PAGES), PAGES))
		return;
	for (unsigned i = part; i < 2 * part; i++)
		zonal_get(mm_page(mm, KT_DMA_PFN + i));
	c = at_the_ends(mm);
	c.order = (int)order;
	c.mode = MOVE_ASYNC;
	c.direct = true;
	KT_TRUE(compact_take_used(&c));
	KT_EQ(c.batch.count, MOVE_BATCH);
	KT_EQ(c.used_at, KT_DMA_PFN + MOVE_BATCH + part);
	KT_EQ(c.used_scanned, 2 * MOVE_BATCH + 1);
	for (unsigned i = 0; i < 3 * part; i++)
		KT_EQ((page_word(mm_page(mm, KT_DMA_PFN + i)) & PG_ISOLATED) != 0, i / part != 1);
	move_put_back(mm, &c.batch);
	for (unsigned i = part; i < 2 * part; i++)
		zonal_put(mm, mm_page(mm, KT_DMA_PFN + i));
	kt_check_all(mm);
	kt_cache_drop_all(cache);
}

KTEST(rows_x, x7_a_part_can_go_whatever_is_behind_it)
{
	parts_of(1);
	parts_of(2);
}

KTEST(rows_x, x7_the_free_scanner_goes_from_block_to_block_and_counts_what_it_saw)
{
	static struct page *used[PAGES >> 4];
	struct zonal *mm = every_second(4, used);
	static struct compact c;
	struct page *page;

	if (!mm)
		return;
	c = at_the_ends(mm);
	page = compact_target(&c, used[0]);
	/* In the last pageblock: one in use, one free, one in use, one free. */
	KT_EQ(c.free_scanned, 4);
	KT_EQ(c.free_at, KT_DMA_PFN + PAGES - BLOCK + 4 * 16);
	KT_TRUE(page && page->pfn >= KT_DMA_PFN + PAGES - BLOCK);
	KT_EQ(pool_pages(&c), MOVE_BATCH - 1);
	compact_unused(&c, page);
	compact_release(&c);
	/* There is something to find again, from that block on. */
	KT_EQ(ld_relaxed(&c.zone->compact.free_at), KT_DMA_PFN + PAGES - BLOCK);
	zonal_drain_all(mm, NULL);
	KT_EQ(kt_free(c.zone), PAGES / 2);
	for (unsigned i = 0; i < PAGES >> 5; i++)
		zonal_free(mm, used[i], 4);
	kt_check_all(mm);
}

/* Behind a page that is no block's head the scanner looks at the very next one. */
KTEST(rows_x, x7_a_free_page_beside_a_reserved_one_is_found)
{
	static const struct kt_spec spec = { .ram = { { 0, KT_DMA_PFN, PAGES } },
					     .reserved = { { 0, KT_DMA_PFN + PAGES - BLOCK, 1 } } };
	struct zonal *mm = kt_bare_instance(&spec);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, PAGES) : NULL;
	static struct compact c;
	struct page *page;

	if (!cache || !KT_EQ(kt_cache_fill(cache, 0, MOVABLE, PAGES), PAGES - 1))
		return;
	for (unsigned i = 0; i < cache->count; i++) {
		pfn_t at = cache->place[i].page->pfn - (KT_DMA_PFN + PAGES - BLOCK);

		if (at == 1 || at == 5)
			kt_cache_drop(cache, i);
	}
	zonal_drain_all(mm, NULL);
	c = at_the_ends(mm);
	page = compact_target(&c, cache->place[0].page);
	/* All of the block was looked at, page by page. */
	KT_EQ(c.free_scanned, BLOCK);
	/* The other one has to stay, X12. */
	KT_EQ(page ? page->pfn : 0, KT_DMA_PFN + PAGES - BLOCK + 1);
	KT_EQ(c.pool.count, 0);
	compact_unused(&c, page);
	compact_release(&c);
	kt_cache_drop_all(cache);
	kt_check_all(mm);
}

/* ---- a request that waits ---- */

/* A request for an order from node `nid`'s list, as the ladder has it when it compacts. */
struct request {
	struct alloc_req req;
	struct alloc_pass pass;
	struct retry retry;
};

static struct request request(struct zonal *mm, unsigned order, unsigned priority)
{
	return (struct request){
		.req = { .mm = mm,
			 .task = port_this_cpu()->task,
			 .list = &mm->node[0]->fallback,
			 .nodemask = NODEMASK_ALL,
			 .order = (uint8_t)order,
			 .type = MIGRATE_MOVABLE,
			 .high_zone = ZONE_MOVABLE },
		.pass = { .gfp = GFP_HIGHUSER_MOVABLE, .nodemask = NODEMASK_ALL },
		.retry = { .compact_priority = (uint8_t)priority },
	};
}

static struct page *compacted_for(struct request *r)
{
	return compact_for(&r->req, &r->pass, &r->retry);
}

static void hint_all(struct kt_cache *cache)
{
	for (unsigned b = 0; b < PAGES / BLOCK; b++)
		fetch_or_relaxed(&mm_page(cache->mm, KT_DMA_PFN + b * BLOCK)->block, BLOCK_SKIP);
}

KTEST(rows_x, x9_hints_are_believed_but_for_the_highest_priority)
{
	struct kt_cache *cache = scattered();
	struct request r;
	struct page *page;

	if (!cache)
		return;
	hint_all(cache);
	for (unsigned priority = COMPACT_ASYNC; priority > COMPACT_SYNC_FULL; priority--) {
		r = request(cache->mm, PAGEBLOCK_ORDER, priority);
		KT_TRUE(!compacted_for(&r));
		KT_EQ(r.retry.compacted, COMPACT_COMPLETE);
		KT_EQ(cache->asked_move, 0);
	}
	r = request(cache->mm, PAGEBLOCK_ORDER, COMPACT_SYNC_FULL);
	page = compacted_for(&r);
	KT_EQ(r.retry.compacted, COMPACT_SUCCESS);
	KT_TRUE(page && cache->moved > 0);
	/* It neither reads nor writes them. */
	KT_TRUE(ld_relaxed(&mm_page(cache->mm, KT_DMA_PFN)->block) & BLOCK_SKIP);
	zonal_free(cache->mm, page, PAGEBLOCK_ORDER);
	all_is_well(cache);
}

/* Both nodes scattered, as kt_scattered.h has one. */
static struct kt_cache *scattered_pair(void)
{
	struct zonal *mm = kt_bare_instance(&pair);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 2 * PAGES) : NULL;

	for (int nid = 0; cache && nid < 2; nid++)
		KT_EQ(kt_cache_fill(cache, nid, MOVABLE | __GFP_THISNODE, PAGES), PAGES);
	for (unsigned i = 0; cache && i < cache->count; i++)
		if (cache->place[i].page->pfn & 1)
			kt_cache_drop(cache, i);
	if (cache)
		zonal_drain_all(mm, NULL);
	return cache;
}

static void pair_is_well(struct kt_cache *cache)
{
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
	zonal_drain_all(cache->mm, NULL);
	for (unsigned nid = 0; nid < 2; nid++)
		KT_EQ(kt_free(kt_zone(cache->mm, nid, ZONE_DMA)), PAGES);
	kt_check_all(cache->mm);
}

KTEST(rows_x, x5_behind_a_deferred_zone_the_next_one_is_compacted)
{
	struct kt_cache *cache = scattered_pair();
	struct request r;
	struct page *page;

	if (!cache)
		return;
	compact_defer(kt_zone(cache->mm, 0, ZONE_DMA), PAGEBLOCK_ORDER);
	r = request(cache->mm, PAGEBLOCK_ORDER, COMPACT_SYNC_LIGHT);
	page = compacted_for(&r);
	KT_EQ(r.retry.compacted, COMPACT_SUCCESS);
	if (!KT_TRUE(page))
		return;
	KT_EQ(zonal_page_node(page), 1);
	/* The one that served is as new, the other is put off as it was. */
	KT_EQ(ld_relaxed(&kt_zone(cache->mm, 1, ZONE_DMA)->compact.failed), PAGEBLOCK_ORDER + 1);
	KT_EQ(ld_relaxed(&kt_zone(cache->mm, 0, ZONE_DMA)->compact.shift), 1);
	zonal_free(cache->mm, page, PAGEBLOCK_ORDER);
	pair_is_well(cache);
}

KTEST(rows_x, x5_zones_outside_of_the_mask_are_left_alone)
{
	struct kt_cache *cache = scattered_pair();
	struct request r;
	struct page *page;

	if (!cache)
		return;
	r = request(cache->mm, PAGEBLOCK_ORDER, COMPACT_SYNC_LIGHT);
	r.pass.nodemask = node_bit(1);
	page = compacted_for(&r);
	KT_TRUE(page && zonal_page_node(page) == 1);
	for (unsigned i = 0; i < cache->count; i++)
		KT_TRUE(!cache->place[i].moves || zonal_page_node(cache->place[i].page) == 1);
	zonal_free(cache->mm, page, PAGEBLOCK_ORDER);
	pair_is_well(cache);
}

static void may_not_write_files(struct kt_cache *cache, unsigned place)
{
	(void)place;
	KT_TRUE(!(cache->last_may & ZONAL_MAY_FS));
}

/* Who asks is as before when it has compacted, and owners heard what it may. */
KTEST(rows_x, x5_a_request_keeps_its_flags_and_says_what_it_may)
{
	struct zonal_task *task = port_this_cpu()->task;
	struct kt_cache *cache = scattered();
	uint32_t before = task->flags;
	struct page *page;
	struct request r;

	if (!cache)
		return;
	r = request(cache->mm, PAGEBLOCK_ORDER, COMPACT_SYNC_LIGHT);
	r.pass.gfp &= ~__GFP_FS;
	cache->on_move = may_not_write_files;
	task->flags |= ZTASK_NOCMA;
	page = compacted_for(&r);
	KT_EQ(task->flags, before | ZTASK_NOCMA);
	task->flags = before;
	cache->on_move = NULL;
	KT_TRUE(cache->moved > 0);
	if (KT_TRUE(page))
		zonal_free(cache->mm, page, PAGEBLOCK_ORDER);
	all_is_well(cache);
}

/* X4: after a run to the end without a block, but not after an asynchronous one. */
KTEST(rows_x, x4_a_run_in_vain_puts_its_zone_off_unless_it_was_asynchronous)
{
	struct kt_cache *cache = scattered();
	struct zone *zone;
	struct request r;

	if (!cache)
		return;
	zone = kt_zone(cache->mm, 0, ZONE_DMA);
	answer(cache, ZONAL_GIVE_NO_ROOM);
	r = request(cache->mm, PAGEBLOCK_ORDER, COMPACT_ASYNC);
	KT_TRUE(!compacted_for(&r));
	KT_EQ(ld_relaxed(&zone->compact.shift), 0);
	/* Nor after one that could not begin. */
	kt_marks(zone, 0, PAGES / 2, PAGES / 2);
	r = request(cache->mm, PAGEBLOCK_ORDER, COMPACT_SYNC_LIGHT);
	KT_TRUE(!compacted_for(&r));
	KT_EQ(r.retry.compacted, COMPACT_SKIPPED);
	KT_EQ(ld_relaxed(&zone->compact.shift), 0);
	kt_marks(zone, 0, 0, 0);
	r = request(cache->mm, PAGEBLOCK_ORDER, COMPACT_SYNC_LIGHT);
	KT_TRUE(!compacted_for(&r));
	KT_EQ(r.retry.compacted, COMPACT_COMPLETE);
	KT_EQ(ld_relaxed(&zone->compact.shift), 1);
	KT_TRUE(compact_deferred(zone, PAGEBLOCK_ORDER));
	all_is_well(cache);
}

/* Whatever waits in the CPUs' lists might have made a block. */
KTEST(rows_x, x14_background_compaction_in_vain_drains_the_lists_of_its_zone)
{
	static const struct kt_spec large = { .ram = { { 0, KT_DMA_PFN, 4 * PAGES } } };
	struct zonal *mm = kt_bare_instance(&large);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 4 * PAGES) : NULL;
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;

	if (!cache || !KT_TRUE(kt_cache_fill(cache, 0, MOVABLE, 4 * PAGES) > 2 * PAGES))
		return;
	for (unsigned i = 0; i < cache->count; i++)
		if (cache->place[i].page->pfn & 1)
			kt_cache_drop(cache, i);
	answer(cache, ZONAL_GIVE_NO_ROOM);
	zonal_free(mm, zonal_alloc(mm, MOVABLE, 0), 0);
	KT_TRUE(kt_pcp_count(zone) > 0);
	kcompactd_ask(mm, mm->node[0], PAGEBLOCK_ORDER, ZONE_NORMAL);
	(void)zonal_kcompactd_turn(mm, 0);
	KT_EQ(ld_relaxed(&zone->compact.shift), 1);
	KT_EQ(kt_pcp_count(zone), 0);
	kt_cache_drop_all(cache);
	kt_check_all(mm);
}

/* X6: unless it tries everything, a request goes on where the zone's last run left off. */
KTEST(rows_x, x6_only_the_highest_priority_goes_through_the_whole_zone)
{
	for (unsigned priority = COMPACT_SYNC_FULL; priority <= COMPACT_ASYNC; priority++) {
		struct kt_cache *cache = scattered();
		struct request r;
		struct zone *zone;
		struct page *page;

		if (!cache)
			return;
		zone = kt_zone(cache->mm, 0, ZONE_DMA);
		for (unsigned i = 0; i < 2; i++)
			st_relaxed(&zone->compact.used_at[i], KT_DMA_PFN + 2 * BLOCK);
		r = request(cache->mm, PAGEBLOCK_ORDER, priority);
		page = compacted_for(&r);
		KT_EQ(page ? page->pfn : 0,
		      KT_DMA_PFN + (priority == COMPACT_SYNC_FULL ? 0 : 2 * BLOCK));
		zonal_free(cache->mm, page, PAGEBLOCK_ORDER);
		all_is_well(cache);
	}
}

/* X10: a block that was captured is counted as one that comes from the lists. */
KTEST(rows_x, x10_a_captured_block_is_counted_as_any_other)
{
	struct kt_cache *cache = scattered();
	uint64_t hits, local, taken;
	struct request r;
	struct zone *zone;
	struct page *page;

	if (!cache)
		return;
	zone = kt_zone(cache->mm, 0, ZONE_DMA);
	hits = kt_hit(zone);
	local = kt_local(zone);
	taken = kt_stat(zone, STAT_TAKE_EXTRA);
	r = request(cache->mm, PAGEBLOCK_ORDER, COMPACT_ASYNC);
	page = compacted_for(&r);
	KT_TRUE(page);
	KT_EQ(kt_hit(zone) - hits, 1);
	KT_EQ(kt_local(zone) - local, 1);
	KT_EQ(kt_stat(zone, STAT_TAKE_EXTRA) - taken, BLOCK - 1);
	zonal_free(cache->mm, page, PAGEBLOCK_ORDER);
	all_is_well(cache);
}

/* X4: that a zone has a block is no page served, if a wall keeps the request from it. */
KTEST(rows_x, x4_success_without_a_page_leaves_the_zone_put_off)
{
	struct kt_cache *cache = scattered_pair();
	struct zone *zone;
	struct request r;

	if (!cache)
		return;
	zone = kt_zone(cache->mm, 0, ZONE_DMA);
	r = request(cache->mm, PAGEBLOCK_ORDER, COMPACT_SYNC_FULL);
	r.pass.gfp |= __GFP_HARDWALL;
	r.pass.flags = ALLOC_CPUSET;
	r.pass.cpuset = r.pass.wall = node_bit(1);
	/* The zone has one by now, and was put off since. */
	zonal_free(cache->mm, zonal_alloc_node(cache->mm, 0, HUGE, PAGEBLOCK_ORDER),
		   PAGEBLOCK_ORDER);
	compact_defer(zone, PAGEBLOCK_ORDER);
	KT_TRUE(!compacted_for(&r));
	KT_EQ(r.retry.compacted, COMPACT_SUCCESS);
	KT_EQ(ld_relaxed(&zone->compact.shift), 1);
	KT_EQ(ld_relaxed(&zone->compact.failed), PAGEBLOCK_ORDER + 1);
	pair_is_well(cache);
}
