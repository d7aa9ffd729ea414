/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whatever is asked, the ladder ends: every order, with every composite of flags (C9) and every set
 * of modifiers (C8), on memory that is full, of which half is free in single pages, and that is
 * full of cache; with owners who give and move all they have, or nothing.
 *
 * How long it may last is counted, not timed: naps, times that others may run, pages of which
 * owners were asked, and pages that compaction looked at. A request may look at every page a fixed
 * number of times, and naps once a try. One that is far beyond does not end any more: that is seen
 * in what it asks of others, and is a panic that names it, as nothing else would stop it. NOFAIL
 * has no end but success, so it is asked where somebody can be ended for it (O13), and must be
 * served.
 *
 * Where owners refuse nothing changes, so one board serves all requests; where they give it is
 * built anew when it is half empty.
 *
 * With owners who refuse a request looks at every page many times: there the sets of one or two
 * modifiers are asked, and of the others one in 64 that is drawn. KT_ALL=1 asks them all, in a
 * minute; `make soak` does. In the image each composite is asked alone, where that is quick with
 * each modifier too, and with a few sets that are drawn.
 */
#include "kt_oom.h"
#include "kt_scattered.h"
#include "port_watch.h"

#ifdef HOST_PORT_IMPL_H
#include <stdlib.h>
static bool ask_all(void) { return getenv("KT_ALL") != NULL; }
#else
static bool ask_all(void) { return false; }
#endif

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

/* Others may run once a try and priority, and behind every batch. */
#define MOST_WAYS(pages) (TRIES * (1 + 13 + 2 * 3ull * (pages) / 32))

struct spent {
	uint64_t asked, scanned, naps, ways;
};

struct worst {
	struct spent most;
	uint64_t requests, served;
	unsigned rounds; /* of one that was not served */
};

/* The request that is on its way, and what had been counted before it. */
static struct {
	struct zonal *mm;
	struct kt_cache *cache;
	gfp_t gfp;
	unsigned order;
	struct spent before;
} now;

static struct spent counted(void)
{
	const struct kt_cache *cache = now.cache;
	struct spent all = {
		.scanned = kt_event(now.mm, EVENT_COMPACT_MIGRATE_SCANNED) +
			   kt_event(now.mm, EVENT_COMPACT_FREE_SCANNED),
		.naps = kt_naps,
		.ways = kt_ways,
	};

	if (cache)
		all.asked = cache->asked_give + cache->asked_used + cache->asked_move;
	return all;
}

static struct spent spent(void)
{
	struct spent all = counted();

	all.asked -= now.before.asked;
	all.scanned -= now.before.scanned;
	return all;
}

static bool within(const struct spent *s, unsigned times)
{
	uint64_t pages = now.cache ? now.cache->count : 0;

	return s->asked <= times * MOST_ASKED(pages) && s->scanned <= times * MOST_SCANNED &&
	       s->naps <= times * MOST_NAPS && s->ways <= times * MOST_WAYS(pages);
}

/* Whenever the request asks anything of others. */
static void must_end(void)
{
	struct spent s = spent();

	if (!within(&s, 2))
		port_panic("bounded: gfp 0x%x order %u does not end: %llu pages asked, %llu "
			   "scanned, %llu naps, others ran %llu times", now.gfp, now.order,
			   (unsigned long long)s.asked, (unsigned long long)s.scanned,
			   (unsigned long long)s.naps, (unsigned long long)s.ways);
}

static void owner_asked(struct kt_cache *cache, unsigned place)
{
	(void)cache;
	(void)place;
	must_end();
}

static gfp_t gfp_of(unsigned composite, unsigned set)
{
	gfp_t gfp = composites[composite] | __GFP_NOWARN;

	for (unsigned i = 0; i < ARRAY_SIZE(modifiers); i++)
		gfp |= set >> i & 1 ? modifiers[i] : 0;
	return gfp;
}

static void request_begin(struct zonal *mm, struct kt_cache *cache, gfp_t gfp, unsigned order)
{
	now.mm = mm;
	now.cache = cache;
	now.gfp = gfp;
	now.order = order;
	if (cache)
		cache->on_give = cache->on_move = owner_asked;
	kt_on_nap = kt_on_way = must_end;
	watch_port();
	now.before = counted();
}

static void request_end(void)
{
	unwatch_port();
	kt_on_nap = kt_on_way = NULL;
	if (now.cache)
		now.cache->on_give = now.cache->on_move = NULL;
}

static void ask(struct zonal *mm, struct kt_cache *cache, gfp_t gfp, unsigned order,
		struct worst *worst)
{
	struct zonal_failure failure = { .rounds = 0 };
	struct page *page;
	struct spent s;

	request_begin(mm, cache, gfp, order);
	page = zonal_alloc_node(mm, 0, gfp, order);
	s = spent();
	request_end();
	if (!page)
		zonal_last_failure(mm, &failure);
	worst->requests++;
	worst->served += page != NULL;
	worst->rounds = ZN_MAX(worst->rounds, failure.rounds);
	worst->most.asked = ZN_MAX(worst->most.asked, s.asked);
	worst->most.scanned = ZN_MAX(worst->most.scanned, s.scanned);
	worst->most.naps = ZN_MAX(worst->most.naps, s.naps);
	worst->most.ways = ZN_MAX(worst->most.ways, s.ways);
	KT_OK(within(&s, 1),
	      "gfp 0x%x order %u: %llu pages asked, %llu scanned, %llu naps, %llu ways", gfp,
	      order, (unsigned long long)s.asked, (unsigned long long)s.scanned,
	      (unsigned long long)s.naps, (unsigned long long)s.ways);
	if (page)
		zonal_free(mm, page, order);
}

static void report(const char *state, const struct worst *worst)
{
	const struct spent *most = &worst->most;

	kt_diag("%s: %llu of %llu served; most: %u rounds, %llu pages asked, %llu scanned, "
		"%llu naps, %llu ways", state, (unsigned long long)worst->served,
		(unsigned long long)worst->requests, worst->rounds,
		(unsigned long long)most->asked, (unsigned long long)most->scanned,
		(unsigned long long)most->naps, (unsigned long long)most->ways);
}

/* Which sets are asked: those of at most `most` modifiers, and one in `one_in` of the others. */
struct draw {
	int most;
	unsigned one_in;
	uint64_t state;
};

/* Where a request is quick. */
static struct draw of_quick(void)
{
	bool few = kt_port_is_target();

	return (struct draw){ .most = 1, .one_in = few ? 64 : 1, .state = kt_seed() | 1 };
}

/* Where it is not. */
static struct draw of_slow(int most)
{
	bool few = kt_port_is_target();

	return (struct draw){ .most = few ? 0 : most, .one_in = few ? 1024 : 64,
			      .state = kt_seed() | 1 };
}

static int size_of_set(unsigned set)
{
	int size = 0;

	for (; set; set &= set - 1)
		size++;
	return size;
}

static bool is_asked(struct draw *draw, unsigned set)
{
	return size_of_set(set) <= draw->most || ask_all() ||
	       kt_random(&draw->state) % draw->one_in == 0;
}

static void ask_orders(struct zonal *mm, struct kt_cache *cache, gfp_t gfp, struct worst *worst)
{
	for (unsigned order = 0; order < MAX_ORDER; order++)
		ask(mm, cache, gfp, order, worst);
}

KTEST(bounded, every_request_ends_when_nothing_is_free_and_nobody_gives)
{
	struct zonal *mm = kt_instance(&eight_blocks);
	struct draw draw = of_quick();
	struct worst worst = { .requests = 0 };
	struct page *chain = NULL;

	if (!mm)
		return;
	zonal_set_oom(mm, false);
	st_relaxed(&mm->node[0]->reclaim.served, true);
	(void)kt_take_all(mm, 0, GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOWARN | __GFP_NORETRY, 0,
			  &chain);
	for (unsigned i = 0; i < ARRAY_SIZE(composites) * SETS; i++)
		if (is_asked(&draw, i % SETS))
			ask_orders(mm, NULL, gfp_of(i / SETS, i % SETS), &worst);
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

static const struct kt_spec two_blocks = { .ram = { { 0, KT_DMA_PFN, 2 * BLOCK } } };
static const struct kt_spec fewest = { .ram = { { 0, KT_DMA_PFN, BLOCK + BLOCK / 4 } } };

/* Where each page is asked for hundreds of times; fewer of them would be left alone by R3. */
static struct kt_cache *small_full_of_cache(void)
{
	return filled(kt_port_is_target() ? &fewest : &two_blocks);
}

/* Nothing changes on the board. The most rounds of a request. */
static unsigned ask_refusers(struct kt_cache *cache, enum zonal_give refusal, struct draw draw,
			     const char *state)
{
	struct worst worst = { .requests = 0 };

	if (!cache)
		return 0;
	zonal_set_oom(cache->mm, false);
	/* A kswapd is said to run, else nobody tries again (R1). */
	st_relaxed(&cache->mm->node[0]->reclaim.served, true);
	answer(cache, refusal);
	answer_give(cache, refusal);
	for (unsigned i = 0; i < ARRAY_SIZE(composites) * SETS; i++)
		if (is_asked(&draw, i % SETS))
			ask_orders(cache->mm, cache, gfp_of(i / SETS, i % SETS), &worst);
	report(state, &worst);
	KT_TRUE(worst.served < worst.requests);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
	return worst.rounds;
}

/* Rounds of reclaim make no block of what is free, so nobody tries again (R3). */
KTEST(bounded, every_request_ends_when_half_is_free_and_owners_refuse)
{
	(void)ask_refusers(scattered(), ZONAL_GIVE_BUSY, of_slow(2), "half, busy");
	(void)ask_refusers(scattered(), ZONAL_GIVE_NO_ROOM, of_slow(1), "half, no room");
}

/* Some go as far as they may (R1). */
KTEST(bounded, every_request_ends_when_all_is_cache_and_owners_refuse)
{
	KT_TRUE(ask_refusers(small_full_of_cache(), ZONAL_GIVE_BUSY, of_slow(1), "cache, busy") >=
		TRIES - 1);
	KT_TRUE(ask_refusers(small_full_of_cache(), ZONAL_GIVE_NO_ROOM, of_slow(1),
			     "cache, no room") >= TRIES - 1);
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
	struct draw draw = of_quick();
	struct worst worst = { .requests = 0 };
	struct kt_cache *cache = NULL;

	for (unsigned i = 0; i < ARRAY_SIZE(composites) * SETS; i++) {
		bool any = is_asked(&draw, i % SETS);

		for (unsigned order = 0; any && order < MAX_ORDER; order++) {
			cache = fresh(board, cache);
			if (!KT_TRUE(cache))
				return;
			ask(cache->mm, cache, gfp_of(i / SETS, i % SETS), order, &worst);
		}
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
		oom = kt_oom_full(&two_blocks);
		if (!oom)
			return;
		request_begin(oom->mm, NULL, gfp, 0);
		page = zonal_alloc_node(oom->mm, 0, gfp, 0);
		request_end();
		KT_OK(page, "gfp 0x%x", gfp);
		if (page)
			zonal_free(oom->mm, page, 0);
		kt_oom_end_all(oom);
		kt_check_all(oom->mm);
	}
}
