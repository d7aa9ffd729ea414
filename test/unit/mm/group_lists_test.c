/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lists of memory groups (rows Z5-Z7): whose pages are where, who is looked at in which order,
 * and whose affair it is what reclaim cost.
 *
 * Four groups: `a` with `a1` and `a2` below it, and `b`. The task that runs a case joins one after
 * the other and fills a cache with its pages, so that a place of the cache is known to be a page
 * of one of them.
 */
#include <string.h>
#include <zonal/group.h>

#include "kt_cache.h"
#include "mm/group.h"
#include "mm/reclaim/reclaim.h"
#include "mm/reclaim/scan.h"

#define ACCOUNT (GFP_KERNEL_ACCOUNT | __GFP_NOWARN)
enum { NONE, A, A1, A2, B, GROUPS };

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 8192 } } };

static struct {
	struct zonal *mm;
	struct node *node;
	struct zonal_group *group; /* by the names above; the first is none */
	struct zonal_task saved, *task;
	struct kt_cache *cache;
} w;

static struct zonal_group *of(unsigned name) { return name ? &w.group[name] : NULL; }

static void make(unsigned name, unsigned above)
{
	KT_EQ(zonal_group_make(w.mm, of(name), of(above), ZONAL_GROUP_NO_LIMIT), 0);
}

static bool begin(enum zonal_kind kind)
{
	size_t bytes;
	void *map;

	w.mm = kt_bare_instance(&uma);
	w.group = w.mm ? kt_alloc(GROUPS * sizeof(*w.group), 16) : NULL;
	w.cache = w.group ? kt_cache(w.mm, kind, 4096) : NULL;
	if (!w.cache)
		return false;
	w.node = w.mm->node[0];
	w.task = kt_task_save(&w.saved);
	bytes = zonal_group_map_bytes(w.mm);
	map = kt_alloc(bytes, 16);
	KT_EQ(zonal_groups_begin(w.mm, (char *)map + 1, bytes), ZONAL_EINVAL);
	KT_EQ(zonal_groups_begin(w.mm, map, bytes), 0);
	make(A, NONE);
	make(A1, A);
	make(B, NONE);
	make(A2, A);
	return true;
}

static void end(void)
{
	zonal_group_join(NULL, w.task);
	kt_cache_drop_all(w.cache);
	kt_task_restore(&w.saved);
	zonal_group_settle(w.mm);
	for (unsigned name = GROUPS; name-- > A;)
		KT_EQ(zonal_group_drop(of(name)), 0);
	kt_check_all(w.mm);
	KT_EQ(zonal_bad_count(w.mm), 0);
}

/* Pages of that group, behind those that the cache has. */
static void fill(unsigned name, unsigned pages)
{
	zonal_group_join(of(name), w.task);
	KT_EQ(kt_cache_fill(w.cache, 0, ACCOUNT, pages), pages);
	zonal_group_join(NULL, w.task);
}

static bool order_is(unsigned top, const char *names)
{
	static const char letter[] = "-aimb";
	struct zonal_group *group;
	char found[16] = "";
	unsigned at = 0, n = 0;

	while (n < sizeof(found) - 1 && (group = group_next(w.mm, of(top), &at)))
		found[n++] = letter[group - w.group];
	return KT_STR_EQ(found, names);
}

KTEST(rows_z, z6_a_group_comes_before_those_below_it_and_those_in_the_order_of_their_making)
{
	if (!begin(ZONAL_CACHE))
		return;
	order_is(NONE, "aimb");
	order_is(A, "aim");
	order_is(A1, "i");
	/* the number of one that went is another's, and says nothing of its place */
	KT_EQ(zonal_group_drop(of(A1)), 0);
	order_is(NONE, "amb");
	make(A1, B);
	order_is(NONE, "ambi");
	order_is(B, "bi");
	KT_EQ(zonal_group_drop(of(A1)), 0);
	make(A1, A2);
	order_is(A, "ami");
	KT_EQ(zonal_group_drop(of(A1)), 0);
	make(A1, A);
	order_is(NONE, "amib");
	end();
}

static uint64_t listed(unsigned name)
{
	struct zonal_lru_counts counts;

	zonal_group_lru_counts(of(name), 0, &counts);
	KT_EQ(counts.inactive[ZONAL_ANON] + counts.active[ZONAL_ANON], 0);
	return counts.inactive[ZONAL_CACHE] * 1000 + counts.active[ZONAL_CACHE];
}

KTEST(rows_z, z7_pages_are_on_the_lists_of_their_group_and_counted_above)
{
	struct zonal_lru_counts all;

	if (!begin(ZONAL_CACHE))
		return;
	fill(NONE, 5);
	fill(A, 10);
	fill(A1, 20);
	fill(B, 40);
	KT_EQ(listed(A), 30000);
	KT_EQ(listed(A1), 20000);
	KT_EQ(listed(A2), 0);
	KT_EQ(listed(B), 40000);
	/* on the active list after two uses, and its group's */
	zonal_page_touch(w.mm, w.cache->place[15].page);
	zonal_page_touch(w.mm, w.cache->place[15].page);
	KT_EQ(listed(A1), 19001);
	KT_EQ(listed(A), 29001);
	zonal_lru_counts(w.mm, 0, &all);
	KT_EQ(all.inactive[ZONAL_CACHE], 74);
	KT_EQ(all.active[ZONAL_CACHE], 1);
	KT_EQ(lists_size(&w.node->reclaim.lru.root, LRU_INACTIVE_CACHE, ZONE_MOVABLE), 5);
	KT_EQ(lru_zone_size(w.node, LRU_INACTIVE_CACHE, ZONE_DMA), 74);
	kt_check_all(w.mm);
	kt_cache_drop(w.cache, 15);
	KT_EQ(listed(A), 29000);
	end();
}

KTEST(rows_z, z7_a_page_on_the_lists_of_another_group_is_found_by_check)
{
	struct zonal_finding finding;
	struct page *page;

	if (!begin(ZONAL_CACHE))
		return;
	fill(A, 3);
	page = w.cache->place[1].page;
	st_relaxed(&w.mm->groups.map[page->pfn - w.mm->map_first], of(B)->id);
	KT_TRUE(!zonal_check(w.mm, &finding));
	KT_OK(finding.pfn == page->pfn, "%s", finding.text);
	st_relaxed(&w.mm->groups.map[page->pfn - w.mm->map_first], of(A)->id);
	end();
}

/* The first number is never a group's: pages of none are on other lists. */
KTEST(rows_z, z7_a_page_counted_on_lists_that_are_nobodys_is_found_by_check)
{
	static const unsigned number[] = { 0, GROUPS, ZONAL_MAX_GROUPS - 1 };

	if (!begin(ZONAL_CACHE))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(number); i++)
		for (unsigned list = 0; list < LRU_LISTS; list++) {
			struct lru_lists *lists = &w.node->reclaim.lru.group[number[i]];
			struct zonal_finding finding;

			st_relaxed(&lists->list[list].count[ZONE_DMA], 1);
			KT_TRUE(!zonal_check(w.mm, &finding));
			KT_OK(strstr(finding.text, "count says 1"), "%u: %s", number[i],
			      finding.text);
			st_relaxed(&lists->list[list].count[ZONE_DMA], 0);
		}
	end();
}

/* In this order, so that the oldest pages of all are those of whom is asked last. */
static const unsigned by_age[GROUPS] = { B, A2, NONE, A1, A };
enum { EACH = 100 };

static void fill_all(void)
{
	for (unsigned i = 0; i < GROUPS; i++)
		fill(by_age[i], EACH);
}

static char asked[2 * GROUPS];

/* Whose pages reclaim asked for, one letter for any number of them in a row. */
static void note(struct kt_cache *cache, unsigned place)
{
	char letter = "-aimb"[by_age[place / EACH]];
	size_t count = strlen(asked);

	(void)cache;
	if (count < sizeof(asked) - 1 && (!count || asked[count - 1] != letter))
		asked[count] = letter;
}

static uint64_t round_for(unsigned name, unsigned priority)
{
	struct scan scan = { .mm = w.mm, .group = of(name), .high_zone = ZONE_MOVABLE,
			     .target = 4096, .priority = priority };

	memset(asked, 0, sizeof(asked));
	shrink_node(&scan, w.node);
	return scan.scanned;
}

/* A quarter of each, those of no group first. */
KTEST(rows_z, z6_the_board_takes_from_every_group_its_share)
{
	if (!begin(ZONAL_CACHE))
		return;
	fill_all();
	w.cache->on_give = note;
	KT_EQ(round_for(NONE, 2), 5 * 25);
	KT_STR_EQ(asked, "-aimb");
	KT_EQ(listed(A), (300 - 75) * 1000);
	KT_EQ(listed(B), 75000);
	w.cache->on_give = NULL;
	end();
}

/* kswapd's share of the work before each round, and of each group's list, the first one's too. */
KTEST(reclaim, active_anonymous_pages_of_every_group_age_a_batch_before_a_round)
{
	if (!begin(ZONAL_ANON))
		return;
	struct scan s = { .mm = w.mm, .kswapd = true, .high_zone = ZONE_MOVABLE };

	for (unsigned name = A; name < GROUPS; name++)
		fill(name, 64);
	for (unsigned i = 0; i < 2 * 64 * (GROUPS - A); i++)
		zonal_page_touch(w.mm, w.cache->place[i / 2].page);
	st_relaxed(&w.mm->swap_free, 8192);
	age_anon(&s, w.node);
	for (unsigned name = A1; name < GROUPS; name++)
		KT_EQ(lru_size_in(w.node, of(name), LRU_ACTIVE_ANON, ZONE_MOVABLE), 32);
	/* With those below it. */
	KT_EQ(lru_size_in(w.node, of(A), LRU_ACTIVE_ANON, ZONE_MOVABLE), 3 * 32);
	end();
}

/* Others' pages are not looked at, however old they are, and stay where they are on their lists. */
KTEST(rows_z, z6_a_group_looks_at_its_own_pages_and_those_below)
{
	struct lru_ends *root;

	if (!begin(ZONAL_CACHE))
		return;
	fill_all();
	root = &w.node->reclaim.lru.root.list[LRU_INACTIVE_CACHE];
	w.cache->on_give = note;
	KT_EQ(round_for(A, 1), 150);
	KT_STR_EQ(asked, "aim");
	KT_EQ(root->old, w.cache->place[200].page->pfn);
	KT_EQ(listed(B), 100000);
	KT_EQ(round_for(A2, 0), 50);
	KT_STR_EQ(asked, "m");
	KT_EQ(listed(A), 100000);
	w.cache->on_give = NULL;
	end();
}

static uint64_t cost_of(unsigned name)
{
	return ld_relaxed(&group_lists(w.node, of(name))->cost[ZONAL_ANON]);
}

/* What one group's pages cost is an affair of those above and of the board, not of its neighbours;
 * each halves it by its own size. */
KTEST(rows_z, z6_what_reclaim_cost_is_known_above_and_not_beside)
{
	struct scan scan;

	if (!begin(ZONAL_ANON))
		return;
	st_relaxed(&w.mm->swap_free, 4096);
	fill_all();
	scan = (struct scan){ .mm = w.mm, .group = of(A1), .turn = of(A1),
			      .high_zone = ZONE_MOVABLE, .target = 32, .may_swap = true };
	KT_EQ(shrink_inactive(&scan, w.node, LRU_INACTIVE_ANON, 32), 32);
	/* 32 of 68 left are more than a quarter; 32 of 268 and of 468 are not */
	KT_EQ(cost_of(A1), 16);
	KT_EQ(cost_of(A), 32);
	KT_EQ(cost_of(NONE), 32);
	KT_EQ(cost_of(A2) + cost_of(B), 0);
	end();
}

/* The storage is what is used of it: lists of each group for each node with memory, one byte a
 * page of the map. */
KTEST(rows_z, z5_the_storage_of_groups_is_as_large_as_what_is_kept_in_it)
{
	static const struct kt_spec three = {
		.ram = { { 0, KT_DMA_PFN, 2048 },
			 { 1, KT_DMA_PFN + 2048, 2048 },
			 { 2, KT_DMA_PFN + 4096, 2048 } },
	};
	static const struct kt_spec *const spec[] = { &uma, &three };
	static const unsigned nodes[] = { 1, 3 };

	for (unsigned i = 0; i < 2; i++) {
		struct zonal *mm = kt_bare_instance(spec[i]);

		if (!mm)
			return;
		KT_EQ(zonal_group_map_bytes(mm),
		      nodes[i] * sizeof(struct lru_lists) * ZONAL_MAX_GROUPS + mm->map_span);
	}
}

/* Each node that there is has lists of its own; what lies behind the last is somebody else's. */
KTEST(reclaim, lists_of_groups_are_on_every_node_and_keep_to_their_storage)
{
	static const struct kt_spec gap = {
		.ram = { { 0, KT_DMA_PFN, 1024 }, { 2, KT_DMA_PFN + 1024, 1024 } },
	};
	struct zonal *mm = kt_bare_instance(&gap);
	size_t bytes = mm ? reclaim_groups_bytes(mm) : 0;
	unsigned char *storage = kt_alloc(bytes + 256, 64);

	if (!mm || !storage)
		return;
	memset(storage + bytes, 0xa5, 256);
	reclaim_groups_begin(mm, storage);
	KT_TRUE(mm->node[0]->reclaim.lru.group && mm->node[2]->reclaim.lru.group);
	KT_TRUE(mm->node[0]->reclaim.lru.group != mm->node[2]->reclaim.lru.group);
	for (unsigned i = 0; i < 256; i++)
		KT_EQ(storage[bytes + i], 0xa5);
	kt_check_all(mm);
}
