/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whatever is asked, the ladder ends: every order, with every composite of flags (C9) and every set
 * of modifiers (C8), on memory that is full, of which half is free in single pages, and that is
 * full of cache; with owners who give and move all they have, or nothing.
 *
 * How long it may last is counted, not timed: naps, pages of which owners were asked, and pages
 * that compaction looked at. A request may look at every page a fixed number of times, and naps
 * once a try. NOFAIL has no end but success, so it is asked where somebody can be ended for it
 * (O13), and must be served.
 *
 * Where owners refuse nothing changes, so one board serves all requests; where they give it is
 * built anew when it is half empty.
 *
 * With owners who refuse a request looks at every page many times: there the sets of one or two
 * modifiers are asked, and of the others one in 64 that is drawn. KT_ALL=1 asks them all, in a
 * minute; `make soak` does.
 */
#include <stdlib.h>

#include "test/unit/mm/kt_oom.h"
#include "test/unit/mm/kt_scattered.h"
#include "test/unit/mm/port_watch.h"

static const gfp_t composites[] = {
	0, GFP_ATOMIC, GFP_KERNEL, GFP_KERNEL_ACCOUNT, GFP_NOWAIT, GFP_NOIO, GFP_NOFS, GFP_USER,
	GFP_DMA, GFP_DMA32, GFP_HIGHUSER, GFP_HIGHUSER_MOVABLE, GFP_TRANSHUGE_LIGHT, GFP_TRANSHUGE,
};
static const gfp_t modifiers[] = {
	__GFP_RECLAIMABLE, __GFP_HIGH, __GFP_ATOMIC, __GFP_WRITE, __GFP_RETRY_MAYFAIL,
	__GFP_NORETRY, __GFP_MEMALLOC, __GFP_COMP, __GFP_NOMEMALLOC, __GFP_HARDWALL, __GFP_THISNODE,
};
enum { SETS = 1 << ARRAY_SIZE(modifiers) };

/* At most: sixteen tries without progress and one, each of them over all priorities, which look
 * at every list twice in sum, with up to three questions a page. Compaction as often, in two modes,
 * from both ends. */
#define TRIES 17u
#define MOST_ASKED(pages) (TRIES * 2 * 3ull * (pages))
#define MOST_SCANNED (TRIES * 2 * 2ull * PAGES)
/* A nap a try and priority; and one for each of the seven patient passes over a batch that moves,
 * in two goes of compaction. */
#define MOST_NAPS (TRIES * 13 + PAGES / 32 * 7 * 2)

struct worst {
	uint64_t asked, scanned, naps, requests, served;
};

static uint64_t asked_of(const struct kt_cache *cache)
{
	return cache ? cache->asked_give + cache->asked_used + cache->asked_move : 0;
}

static uint64_t scanned(struct zonal *mm)
{
	return kt_event(mm, EVENT_COMPACT_MIGRATE_SCANNED) +
	       kt_event(mm, EVENT_COMPACT_FREE_SCANNED);
}

static gfp_t gfp_of(unsigned composite, unsigned set)
{
	gfp_t gfp = composites[composite] | __GFP_NOWARN;

	for (unsigned i = 0; i < ARRAY_SIZE(modifiers); i++)
		gfp |= set >> i & 1 ? modifiers[i] : 0;
	return gfp;
}

static void ask(struct zonal *mm, struct kt_cache *cache, gfp_t gfp, unsigned order,
		struct worst *worst)
{
	uint64_t asked = asked_of(cache), looks = scanned(mm), naps = kt_naps;
	struct page *page = zonal_alloc_node(mm, 0, gfp, order);

	asked = asked_of(cache) - asked;
	looks = scanned(mm) - looks;
	naps = kt_naps - naps;
	worst->requests++;
	worst->served += page != NULL;
	worst->asked = ZN_MAX(worst->asked, asked);
	worst->scanned = ZN_MAX(worst->scanned, looks);
	worst->naps = ZN_MAX(worst->naps, naps);
	KT_OK(asked <= MOST_ASKED(cache ? cache->count : 0) && looks <= MOST_SCANNED &&
		      naps <= MOST_NAPS,
	      "gfp 0x%x order %u: %llu pages asked, %llu scanned, %llu naps", gfp, order,
	      (unsigned long long)asked, (unsigned long long)looks, (unsigned long long)naps);
	if (page)
		zonal_free(mm, page, order);
}

static void report(const char *state, const struct worst *worst)
{
	kt_diag("%s: %llu of %llu served; most: %llu pages asked, %llu scanned, %llu naps", state,
		(unsigned long long)worst->served, (unsigned long long)worst->requests,
		(unsigned long long)worst->asked, (unsigned long long)worst->scanned,
		(unsigned long long)worst->naps);
}

/* Every order, or none. */
static void ask_orders(struct kt_cache *cache, gfp_t gfp, bool any, struct worst *worst)
{
	for (unsigned order = 0; any && order < MAX_ORDER; order++)
		ask(cache->mm, cache, gfp, order, worst);
}

/* Which sets owners who refuse are asked with: those of at most so many, and some of the others. */
static bool is_asked(unsigned set, int most, uint64_t *state)
{
	return __builtin_popcount(set) <= most || getenv("KT_ALL") || kt_random(state) % 64 == 0;
}

KTEST(bounded, every_request_ends_when_nothing_is_free_and_nobody_gives)
{
	struct zonal *mm = kt_instance(&eight_blocks);
	struct worst worst = { 0 };
	struct page *chain = NULL;

	if (!mm)
		return;
	zonal_set_oom(mm, false);
	st_relaxed(&mm->node[0]->reclaim.served, true);
	(void)kt_take_all(mm, 0, GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOWARN | __GFP_NORETRY, 0,
			  &chain);
	for (unsigned c = 0; c < ARRAY_SIZE(composites); c++)
		for (unsigned set = 0; set < SETS; set++)
			for (unsigned order = 0; order < MAX_ORDER; order++)
				ask(mm, NULL, gfp_of(c, set), order, &worst);
	KT_EQ(worst.served, 0);
	report("full", &worst);
	kt_give_all(mm, chain, 0);
	kt_check_all(mm);
}

static struct kt_cache *filled(const struct kt_spec *spec)
{
	struct zonal *mm = kt_instance(spec);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, PAGES) : NULL;

	if (cache)
		(void)kt_cache_fill(cache, 0, MOVABLE, PAGES);
	return cache;
}

static struct kt_cache *full_of_cache(void) { return filled(&eight_blocks); }

/* Where each page is asked for hundreds of times. */
static struct kt_cache *small_full_of_cache(void)
{
	static const struct kt_spec small = { .ram = { { 0, KT_DMA_PFN, 1024 } } };

	return filled(&small);
}

/* Nothing changes on the board. */
static void ask_refusers(struct kt_cache *cache, enum zonal_give refusal, int most,
			 const char *state)
{
	struct worst worst = { 0 };
	uint64_t drawn = kt_seed() | 1;

	if (!cache)
		return;
	zonal_set_oom(cache->mm, false);
	/* A kswapd is said to run, else nobody tries again (R1). */
	st_relaxed(&cache->mm->node[0]->reclaim.served, true);
	answer(cache, refusal);
	answer_give(cache, refusal);
	for (unsigned c = 0; c < ARRAY_SIZE(composites); c++)
		for (unsigned set = 0; set < SETS; set++)
			ask_orders(cache, gfp_of(c, set), is_asked(set, most, &drawn), &worst);
	report(state, &worst);
	KT_TRUE(worst.served < worst.requests);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

KTEST(bounded, every_request_ends_when_half_is_free_and_owners_refuse)
{
	ask_refusers(scattered(), ZONAL_GIVE_BUSY, 2, "half, busy");
	ask_refusers(scattered(), ZONAL_GIVE_NO_ROOM, 1, "half, no room");
}

KTEST(bounded, every_request_ends_when_all_is_cache_and_owners_refuse)
{
	ask_refusers(small_full_of_cache(), ZONAL_GIVE_BUSY, 1, "cache, busy");
	ask_refusers(small_full_of_cache(), ZONAL_GIVE_NO_ROOM, 1, "cache, no room");
}

/* The board, or a new one if half of its pages have gone. */
static struct kt_cache *fresh(struct kt_cache *(*board)(void), struct kt_cache *cache)
{
	static unsigned at_first;

	if (cache && kt_cache_left(cache) >= at_first / 2)
		return cache;
	if (cache)
		kt_cache_drop_all(cache);
	cache = board();
	at_first = cache ? kt_cache_left(cache) : 0;
	return cache;
}

static void ask_givers(struct kt_cache *(*board)(void), const char *state)
{
	struct worst worst = { 0 };
	struct kt_cache *cache = NULL;

	for (unsigned i = 0; i < ARRAY_SIZE(composites) * SETS * MAX_ORDER; i++) {
		gfp_t gfp = gfp_of(i / MAX_ORDER / SETS, i / MAX_ORDER % SETS);

		cache = fresh(board, cache);
		if (!KT_TRUE(cache))
			return;
		ask(cache->mm, cache, gfp, i % MAX_ORDER, &worst);
	}
	report(state, &worst);
	KT_TRUE(worst.served > worst.requests / 2);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

KTEST(bounded, every_request_ends_when_half_is_free_and_pages_move)
{
	ask_givers(scattered, "half, movable");
}

KTEST(bounded, every_request_ends_when_all_is_cache_that_goes)
{
	ask_givers(full_of_cache, "cache");
}

/* NOFAIL may take what it likes: somebody is ended for it. Not for one without FS (O6), which
 * waits for those who have it. */
KTEST(bounded, nofail_is_served_by_a_kill_where_nobody_gives)
{
	for (unsigned c = 0; c < ARRAY_SIZE(composites); c++) {
		gfp_t gfp = composites[c] | __GFP_NOFAIL | __GFP_NOWARN;
		struct kt_oom *oom;
		struct page *page;

		if (!(gfp & __GFP_DIRECT_RECLAIM) || !(gfp & __GFP_FS))
			continue;
		oom = kt_oom_full(&eight_blocks);
		if (!oom)
			return;
		page = zonal_alloc_node(oom->mm, 0, gfp, 0);
		KT_OK(page, "gfp 0x%x", gfp);
		if (page)
			zonal_free(oom->mm, page, 0);
		kt_oom_end_all(oom);
		kt_check_all(oom->mm);
	}
}
