/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compaction, a range being emptied, and a drain, while another CPU takes a page or gives one back
 * at every access in turn.
 *
 * What they looked at without the zone's lock may be wrong once they have it: a free block that was
 * found is taken, a page that could leave cannot any more, a list has fewer pages than it
 * had. Works of the same kind are in test/points/, but these take too many accesses to be tried at
 * each of them; so each STEP-th is, from a random one on. After each: no page has two owners and
 * none is lost.
 */
#include <string.h>

#include <zonal/contig.h>

#include "mm/watermark.h"
#include "test/ktest.h"
#include "test/points/points.h"
#include "test/unit/mm/kt_scattered.h"

enum { RANGE = 64, KEPT = 8 };
#define RANGE_START (KT_DMA_PFN + PAGES / 2)

static const struct kt_spec eight_blocks_two_cpus = {
	.ram = { { 0, KT_DMA_PFN, PAGES } },
	.cpus = 2,
};

static struct {
	struct kt_cache *cache;
	struct page *page[2 * KEPT]; /* of the other CPU */
	unsigned count;
	struct page *chain[MAX_ORDER]; /* its, too, by order */
	uint64_t in_chains;            /* pages */
	uint64_t range;                /* pages that the range has */
} play;

static void other_takes(void)
{
	struct page *page = zonal_alloc(points_mm, MOVABLE, 0);

	if (page && play.count < ARRAY_SIZE(play.page))
		play.page[play.count++] = page;
	else if (page)
		zonal_free(points_mm, page, 0);
}

static void other_gives(void)
{
	if (play.count)
		zonal_free(points_mm, play.page[--play.count], 0);
}

/* What the free scanner found is gone, whatever it was. */
static void other_takes_all_blocks(void)
{
	for (unsigned order = MAX_ORDER; order-- > 1;)
		play.in_chains += kt_take_all(points_mm, 0, MOVABLE, order, &play.chain[order])
				  << order;
}

static void other_drains(void) { zonal_drain_local(points_mm); }

static void (*const acts[])(void) = { other_takes, other_gives, other_takes_all_blocks,
				      other_drains };

static bool begin(void)
{
	struct zonal *mm = kt_bare_instance(&eight_blocks_two_cpus);

	memset(&play, 0, sizeof(play));
	play.cache = mm ? kt_cache(mm, ZONAL_CACHE, PAGES) : NULL;
	points_mm = mm;
	points_zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
	return play.cache;
}

/* All is free, then every third page of the lower half is a cache's, and one block of order 3 in
 * eight of the upper half. */
static void set_up(void)
{
	play.cache->count = 0;
	kt_cache_fill(play.cache, 0, MOVABLE, PAGES);
	for (unsigned i = 0; i < play.cache->count; i++) {
		pfn_t at = play.cache->place[i].page->pfn - KT_DMA_PFN;

		if (at < PAGES / 2 ? at % 3 : at / 8 % 8)
			kt_cache_drop(play.cache, i);
	}
	kt_cpu(1);
	while (play.count < KEPT)
		other_takes();
	kt_cpu(0);
}

static void tidy(void)
{
	kt_cpu(1);
	while (play.count)
		other_gives();
	for (unsigned order = 1; order < MAX_ORDER; order++) {
		kt_give_all(points_mm, play.chain[order], order);
		play.chain[order] = NULL;
	}
	zonal_drain_local(points_mm);
	kt_cpu(0);
	if (play.cache)
		kt_cache_drop_all(play.cache);
	if (play.range)
		KT_EQ(zonal_free_contig_range(points_mm, RANGE_START, play.range), 0);
	play.range = play.in_chains = 0;
	zonal_drain_all(points_mm, NULL);
	KT_EQ(kt_free(points_zone), zone_managed(points_zone));
}

static bool has_two_owners(void)
{
	for (unsigned i = 0; play.cache && i < play.count; i++) {
		for (unsigned n = 0; n < play.cache->count; n++)
			if (play.cache->place[n].page == play.page[i])
				return true;
	}
	return false;
}

static bool all_are_somewhere(void)
{
	uint64_t cached = play.cache ? kt_cache_left(play.cache) : 0;
	uint64_t out = cached + play.count + play.in_chains + play.range;

	return KT_EQ((uint64_t)kt_free(points_zone) + kt_pcp_count(points_zone) + out,
		     zone_managed(points_zone)) &&
	       KT_TRUE(!has_two_owners()) && kt_check_all(points_mm) &&
	       KT_EQ(zonal_bad_count(points_mm), 0);
}

/* The work with an act at one access; `last` is set if it has no more. */
static bool try_at(void (*prepare)(void), void (*work)(void), unsigned act, uint64_t at,
		   bool *last)
{
	struct point point = { POINT_OTHER, at, acts[act], &points_zone->lock };
	bool good;

	prepare();
	point_arm(&point);
	work();
	*last = !point_disarm();
	good = KT_OK(all_are_somewhere(), "act %u at access %llu", act, (unsigned long long)at);
	tidy();
	return good;
}

static void try_all(void (*prepare)(void), void (*work)(void), uint64_t step)
{
	uint64_t seed = kt_seed(), points = 0;

	for (unsigned act = 0; act < ARRAY_SIZE(acts); act++) {
		uint64_t at = kt_random(&seed) % step;
		bool last = false;

		for (; !last; at += step, points++)
			if (!try_at(prepare, work, act, at, &last))
				return;
	}
	KT_OK(points > 30, "%llu points", (unsigned long long)points);
	kt_diag("%llu points", (unsigned long long)points);
}

static void compact(void)
{
	struct zonal_compacted done;

	zonal_compact(points_mm, 0, &done);
}

KTEST(points, another_cpu_takes_and_gives_while_a_zone_is_compacted)
{
	if (begin())
		try_all(set_up, compact, 1009);
}

static void empty_a_range(void)
{
	if (zonal_alloc_contig_range(points_mm, RANGE_START, RANGE, GFP_KERNEL))
		return;
	play.range = RANGE;
	for (unsigned i = 0; i < play.count; i++) {
		const struct page *page = play.page[i];

		KT_TRUE(page->pfn < RANGE_START || page->pfn >= RANGE_START + RANGE);
	}
}

KTEST(points, another_cpu_takes_and_gives_while_a_range_is_emptied)
{
	if (begin())
		try_all(set_up, empty_a_range, 61);
}

/* In pieces, between which the other CPU goes on with what is being drained. */
static void drain_all(void) { zonal_drain_all(points_mm, points_zone); }

static void fill_lists(void)
{
	struct page *chain = NULL;
	unsigned high = points_mm->cpu[1]->pcp[points_zone->id].high;

	kt_cpu(1);
	for (unsigned i = 0; i + 1 < high; i++) {
		struct page *page = zonal_alloc(points_mm, MOVABLE, 0);

		*(struct page **)zonal_page_owner(page) = chain;
		chain = page;
	}
	kt_give_all(points_mm, chain, 0);
	kt_cpu(0);
	KT_OK(kt_pcp_count(points_zone) > 33, "%u pages are one piece", kt_pcp_count(points_zone));
}

KTEST(points, another_cpu_uses_its_lists_while_they_are_drained)
{
	static const struct kt_spec large = { .ram = { { 0, KT_DMA_PFN, 32768 } }, .cpus = 2 };

	memset(&play, 0, sizeof(play));
	points_mm = kt_bare_instance(&large);
	if (!points_mm)
		return;
	points_zone = kt_zone(points_mm, 0, ZONE_DMA);
	try_all(fill_lists, drain_all, 1);
}
