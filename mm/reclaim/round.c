/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One round over one node: from which lists, and how many.
 *
 * A round at priority p looks at 1/2^p of each list, in batches from each in turn. Between
 * anonymous and cache pages it decides by what they cost lately (pages that had to be
 * written), by whether there is somewhere to write the anonymous ones to, and by two exceptions:
 * plenty of cache that nobody uses (anonymous pages are left alone), hardly any cache (then they
 * alone are looked at). The active lists are shortened only if the inactive ones are short for
 * them.
 *
 * When enough is reclaimed, the round does not end at once: the kind of which less was left to
 * look at is done with, and the other one is carried on until both were looked at in the
 * proportion that was planned. So pressure on both stays what it should be, and no kind is emptied
 * by chance.
 *
 * Each group's lists have their turn, those of the pages in no group first (group_lists.c). What
 * decides between the kinds is looked at once, over all that the run is for; how many pages are
 * looked at, and when it is enough, each group's lists for themselves.
 *
 * The shrinkers come behind the pages of no group; the round ends with the news that the node can
 * be reclaimed (K6).
 *
 * Context: a task. No lock is held here.
 */
#include "scan.h"

#include "lib/assert.h"
#include "mm/trace.h"
#include "mm/watermark.h"

#define SWAPPINESS 60u

/* What a round has before it, by list. */
struct plan {
	uint64_t left[LRU_LISTS], planned[LRU_LISTS];
};

bool swap_has_room(const struct zonal *mm)
{
	return ld_relaxed(&((struct zonal *)(uintptr_t)mm)->swap_free) > 0;
}

void zonal_swap_room(struct zonal *mm, int64_t change)
{
	int64_t before = (int64_t)fetch_add_relaxed(&mm->swap_free, (uint64_t)change);

	ASSERT(before + change >= 0, "%lld places, %lld have gone", (long long)before,
	       (long long)-change);
}

void zonal_swap_count(struct zonal *mm, bool written)
{
	mm_event(mm, written ? EVENT_PSWPOUT : EVENT_PSWPIN, 1);
}

static uint64_t list_share(struct scan *s, struct node *node, unsigned list)
{
	return lists_size(group_lists(node, s->turn), list, s->high_zone) >> s->priority;
}

/* Both kinds in the proportion of what they cost lately. */
static void plan_by_cost(struct scan *s, struct node *node, struct plan *plan)
{
	struct lru_lists *whole = group_lists(node, s->group);
	uint64_t anon = ld_relaxed(&whole->cost[ZONAL_ANON]);
	uint64_t cache = ld_relaxed(&whole->cost[ZONAL_CACHE]);
	uint64_t anon_cost = 2 * anon + cache, cache_cost = anon + 2 * cache;
	uint64_t total = anon_cost + cache_cost, part[ZONAL_KINDS], sum;

	part[ZONAL_ANON] = SWAPPINESS * (total + 1) / (anon_cost + 1);
	part[ZONAL_CACHE] = (200 - SWAPPINESS) * (total + 1) / (cache_cost + 1);
	sum = part[ZONAL_ANON] + part[ZONAL_CACHE];
	for (unsigned list = 0; list < LRU_LISTS; list++)
		plan->left[list] =
			mul_div(list_share(s, node, list), part[lru_kind(list)], sum);
}

static void make_plan(struct scan *s, struct node *node, struct plan *plan)
{
	bool anon = s->may_swap && swap_has_room(s->mm), cache = true;
	bool equal = anon && s->priority == 0;

	if (anon && !equal && s->cache_tiny)
		cache = false;
	else if (anon && !equal && s->cache_trim)
		anon = false;
	if (anon && cache && !equal)
		plan_by_cost(s, node, plan);
	else
		for (unsigned list = 0; list < LRU_LISTS; list++)
			plan->left[list] = (lru_kind(list) == ZONAL_ANON ? anon : cache)
						   ? list_share(s, node, list)
						   : 0;
	for (unsigned list = 0; list < LRU_LISTS; list++)
		plan->planned[list] = plan->left[list];
}

/* A batch of one list; pages freed. */
static uint64_t shrink_list(struct scan *s, struct node *node, struct plan *plan, unsigned list)
{
	unsigned want = (unsigned)ZN_MIN(plan->left[list], (uint64_t)RECLAIM_BATCH);

	plan->left[list] -= want;
	if (!want)
		return 0;
	if (!(list & LRU_ACTIVE))
		return shrink_inactive(s, node, list, want);
	if (s->deactivate[lru_kind(list)])
		shrink_active(s, node, list, want);
	else
		s->skipped_deactivate = true;
	return 0;
}

/* Enough is reclaimed: one kind is over, of the other what keeps the proportion. False: both
 * are. */
static bool rest_in_proportion(struct plan *plan)
{
	uint64_t left[ZONAL_KINDS], planned, percent;
	unsigned over, other;

	for (unsigned k = 0; k < ZONAL_KINDS; k++)
		left[k] = plan->left[k * 2] + plan->left[k * 2 + LRU_ACTIVE];
	if (!left[ZONAL_ANON] || !left[ZONAL_CACHE])
		return false;
	over = left[ZONAL_CACHE] > left[ZONAL_ANON] ? ZONAL_ANON : ZONAL_CACHE;
	other = !over;
	planned = plan->planned[over * 2] + plan->planned[over * 2 + LRU_ACTIVE] + 1;
	percent = left[over] * 100 / planned;
	for (unsigned active = 0; active <= LRU_ACTIVE; active++) {
		unsigned list = other * 2 + active;
		uint64_t done = plan->planned[list] - plan->left[list];
		uint64_t whole = plan->planned[list] * (100 - percent) / 100;

		plan->left[over * 2 + active] = 0;
		plan->left[list] = whole - ZN_MIN(whole, done);
	}
	return true;
}

static bool lists_left(const struct plan *plan)
{
	return plan->left[LRU_INACTIVE_ANON] || plan->left[LRU_ACTIVE_CACHE] ||
	       plan->left[LRU_INACTIVE_CACHE];
}

/* Those whose turn it is next, after one of them. False: all that the run is for had theirs. */
static bool next_turn(struct scan *s, unsigned *at)
{
	s->turn = group_next(s->mm, s->group, at);
	return s->turn;
}

void age_anon(struct scan *s, struct node *node)
{
	unsigned at = 0;

	ASSERT(!s->group, "group %u has no kswapd", s->group->id);
	if (!swap_has_room(s->mm) || !inactive_is_low(node, NULL, ZONAL_ANON))
		return;
	s->turn = NULL;
	do
		shrink_active(s, node, LRU_ACTIVE_ANON, RECLAIM_BATCH);
	while (next_turn(s, &at));
}

static void shrink_lists(struct scan *s, struct node *node)
{
	bool adjusted = !s->kswapd && s->priority == RECLAIM_PRIORITY;
	uint64_t reclaimed = 0;
	struct plan plan;

	make_plan(s, node, &plan);
	while (lists_left(&plan)) {
		for (unsigned list = 0; list < LRU_LISTS; list++)
			reclaimed += shrink_list(s, node, &plan, list);
		reclaim_give_way();
		if (reclaimed < s->target || adjusted)
			continue;
		if (!rest_in_proportion(&plan))
			break;
		adjusted = true;
	}
	s->reclaimed += reclaimed;
	if (swap_has_room(s->mm) && inactive_is_low(node, s->turn, ZONAL_ANON))
		shrink_active(s, node, LRU_ACTIVE_ANON, RECLAIM_BATCH);
}

/* Of everybody that the run is for. */
static void shrink_all(struct scan *s, struct node *node)
{
	unsigned at = 0;

	s->turn = NULL;
	if (!s->group) {
		shrink_lists(s, node);
		/* Nobody knows which objects a group has. */
		s->reclaimed += shrink_objects(s, node);
	}
	while (next_turn(s, &at))
		shrink_lists(s, node);
}

/* Cache and free memory together are so little that anonymous pages alone are looked at. */
static bool cache_is_tiny(struct scan *s, struct node *node, uint64_t cache)
{
	uint64_t anon = lru_size(node, LRU_INACTIVE_ANON, ZONE_MOVABLE), have = cache, high = 0;

	for (unsigned t = 0; t < ZONE_TYPES; t++) {
		struct zone *zone = &node->zone[t];

		have += (uint64_t)ZN_MAX(ld_relaxed(&zone->free), 0);
		if (zone_managed(zone))
			high += (uint64_t)zone_mark(zone, WMARK_HIGH);
	}
	return have <= high && !s->deactivate[ZONAL_ANON] && (anon >> s->priority);
}

/* What the lists look like decides which of them this round may touch. */
static void judge_lists(struct scan *s, struct node *node)
{
	uint64_t inactive = lru_size_in(node, s->group, LRU_INACTIVE_CACHE, ZONE_MOVABLE);

	for (unsigned kind = 0; kind < ZONAL_KINDS; kind++) {
		s->deactivate[kind] =
			s->force_deactivate || inactive_is_low(node, s->group, kind);
		if (trace_wants(s->mm, ZONAL_TRACE_INACTIVE_IS_LOW))
			trace_lists(s, node, kind);
	}
	s->cache_trim = (inactive >> s->priority) && !s->deactivate[ZONAL_CACHE];
	s->cache_tiny = !s->group &&
			cache_is_tiny(s, node,
				      inactive + lru_size(node, LRU_ACTIVE_CACHE, ZONE_MOVABLE));
}

bool shrink_node(struct scan *s, struct node *node)
{
	uint64_t before = s->reclaimed;

	ASSERT(s->priority <= RECLAIM_PRIORITY && s->high_zone < ZONE_TYPES,
	       "priority %u zone type %u", s->priority, s->high_zone);
	__builtin_memset(&s->seen, 0, sizeof(s->seen));
	judge_lists(s, node);
	shrink_all(s, node);
	/* What was met a second time is on its way to the disk: waiting is all that is left. */
	if (s->kswapd && s->seen.immediate)
		reclaim_nap(RECLAIM_NAP_NS);
	if (s->reclaimed == before)
		return false;
	st_relaxed(&node->reclaim.failures, 0);
	return true;
}
