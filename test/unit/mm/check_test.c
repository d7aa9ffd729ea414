/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zonal_check() finds what is broken, and names it.
 *
 * Each entry of a table breaks one thing of a healthy instance and says what the finding must
 * contain; then the instance is thrown away. The healthy one has blocks of every kind: free
 * ones of all orders, pages in a per-CPU list, a compound block, a plain one, a node beside it.
 *
 * The walk in pieces: lists longer than a piece are walked with the lock let go between two
 * pieces, and what others do there must not be taken for damage.
 */
#include <string.h>

#include "kt_cache.h"

#include "lib/progress.h"
#include "mm/buddy.h"
#include "mm/check.h"

#ifdef HOST_PORT_IMPL_H
#include <pthread.h>
#endif

static const struct kt_spec board = {
	.ram = { { 0, KT_DMA_PFN, 16384 }, { 1, KT_DMA_PFN + 16384, 2048 } },
};

/* A healthy instance and what is in use there. */
struct patient {
	struct zonal *mm;
	struct zone *zone;   /* node 0 */
	struct zone *other;  /* node 1 */
	struct pcp *pcp;     /* of this CPU, holds pages */
	unsigned ring;       /* the list of `pcp` that does */
	struct page *single; /* USED, order 0 */
	struct page *block;  /* USED, order 2 */
	struct page *comp;   /* USED, order 3, compound */
	struct page *first;  /* head of the first free block of the highest order, there are more */
	struct free_list *top; /* its list */
};

static bool admit(struct patient *p)
{
	p->mm = kt_instance(&board);
	if (!p->mm)
		return false;
	p->zone = kt_zone(p->mm, 0, ZONE_DMA);
	p->other = kt_zone(p->mm, 1, ZONE_DMA);
	p->pcp = &p->mm->cpu[kt_cpu_id(0)]->pcp[p->zone->id];
	p->single = zonal_alloc_node(p->mm, 0, __GFP_MOVABLE, 0);
	p->block = zonal_alloc_node(p->mm, 0, __GFP_MOVABLE, 2);
	p->comp = zonal_alloc_node(p->mm, 0, __GFP_MOVABLE | __GFP_COMP, 3);
	p->ring = MIGRATE_MOVABLE;
	p->top = &p->zone->list[MIGRATE_MOVABLE][MAX_ORDER - 1];
	p->first = mm_page(p->mm, p->top->first);
	return KT_TRUE(p->single && p->block && p->comp && p->top->count > 2) &&
	       KT_TRUE(p->pcp->ring[p->ring].head != p->pcp->ring[p->ring].tail);
}

struct damage {
	const char *name;
	void (*harm)(struct patient *p);
	const char *says;
};

static void expect_found(const struct damage *table, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct zonal_finding finding = { "", 0 };
		struct patient p;

		if (!admit(&p) || !kt_check_all(p.mm))
			return;
		table[i].harm(&p);
		KT_OK(!zonal_check(p.mm, &finding), "%s is not noticed", table[i].name);
		KT_OK(strstr(finding.text, table[i].says) != NULL, "%s: \"%s\" is not in \"%s\"",
		      table[i].name, table[i].says, finding.text);
		/* What is wrong with no page in particular names none. */
		KT_OK(strstr(finding.text, "pfn") || strstr(finding.text, " type ") || !finding.pfn,
		      "%s: frame 0x%llx for \"%s\"",
		      table[i].name, (unsigned long long)finding.pfn, finding.text);
		kt_free_all();
	}
}

#define TOP (MAX_ORDER - 1)
#define HARM(name, statement)                                                                      \
	static void name(struct patient *p) { statement; }
#define CASE(name, says) { #name, name, says }

static struct page *ring_page(struct patient *p)
{
	const struct pcp_ring *ring = &p->pcp->ring[p->ring];

	return ring->slot[ring->head & p->pcp->mask];
}

/* ---- lists ---- */

HARM(free_head_of_other_order, page_set_word(p->first, word_make(p->zone->id, PAGE_FREE, 9)))
HARM(free_head_of_other_zone, page_set_word(p->first, word_make(p->other->id, PAGE_FREE, TOP)))
HARM(free_head_is_used, page_set_word(p->first, word_make(p->zone->id, PAGE_USED, TOP)))
HARM(free_head_with_a_flag, page_set_word(p->first, page_word(p->first) | PG_DIRTY))
HARM(free_head_of_other_type, p->first->list_type = MIGRATE_UNMOVABLE)
HARM(free_head_off_its_grid, p->first->pfn++)
HARM(free_head_below_the_zone, p->zone->start_pfn += 16384)
HARM(free_head_above_the_zone, p->zone->spanned--)
HARM(free_block_in_a_cma_pageblock, block_set_type(p->first, MIGRATE_CMA))
HARM(free_block_in_an_isolated_pageblock, block_set_type(p->first, MIGRATE_ISOLATE))
HARM(wrong_prev, mm_page(p->mm, p->first->next)->prev++)
HARM(first_with_prev, p->first->prev = 0)
HARM(next_is_no_page, p->first->next = 1)
HARM(next_ends_early, p->first->next = PFN_NONE)
HARM(circle, mm_page(p->mm, p->top->last)->next = p->top->last)
HARM(count_too_high, p->top->count++)
HARM(count_too_low, p->top->count--)
HARM(wrong_last, p->top->last = p->top->first)
HARM(filled_bit_lost, p->zone->filled[MIGRATE_MOVABLE] &= (uint16_t)~(1u << TOP))
HARM(filled_bit_of_an_empty_list, p->zone->filled[MIGRATE_RECLAIMABLE] |= 1u)

static void free_buddies(struct patient *p)
{
	uint32_t free_word = word_make(p->zone->id, PAGE_FREE, MAX_ORDER - 2);
	struct page *page;

	/* The first may be a block that lay alone, the next one splits a larger block. */
	do
		page = zonal_alloc_node(p->mm, 0, __GFP_MOVABLE, MAX_ORDER - 2);
	while (page && page_word(page_buddy(page, MAX_ORDER - 2)) != free_word);
	if (KT_TRUE(page))
		page_set_word(page, free_word);
}

KTEST(check, finds_broken_lists)
{
	static const struct damage table[] = {
		CASE(free_head_of_other_order, "has word"),
		CASE(free_head_of_other_zone, "has word"),
		CASE(free_head_is_used, "has word"),
		CASE(free_head_with_a_flag, "has word"),
		CASE(free_head_of_other_type, "says type 0"),
		CASE(free_head_off_its_grid, "not aligned or not in its zone"),
		CASE(free_head_below_the_zone, "not aligned or not in its zone"),
		CASE(free_head_above_the_zone, "not aligned or not in its zone"),
		CASE(free_block_in_a_cma_pageblock, "of a type 4 block is in a list of type 1"),
		CASE(free_block_in_an_isolated_pageblock, "of a type 5 block is in a list"),
		CASE(wrong_prev, "links back to"),
		CASE(first_with_prev, "links back to 0x0, not 0xffffffff"),
		CASE(next_is_no_page, "pfn 0x1 after 1 of"),
		CASE(next_ends_early, "holds 1 blocks, counts"),
		CASE(circle, "after"),
		CASE(count_too_high, "blocks, counts"),
		CASE(count_too_low, "after"),
		CASE(wrong_last, "blocks, counts"),
		CASE(filled_bit_lost, "filled bit of type 1 order"),
		CASE(filled_bit_of_an_empty_list, "filled bit of type 2 order 0 is wrong (0"),
		CASE(free_buddies, "are both free"),
	};

	expect_found(table, ARRAY_SIZE(table));
}

/* ---- counters ---- */

HARM(free_too_high, own_add(&p->zone->free, 1))
HARM(free_too_low, own_add(&p->zone->free, -1))
HARM(free_cma_too_high, own_add(&p->zone->free_cma, 1))
HARM(floor_0_too_low, own_add(&p->zone->floor[0], -1))
HARM(floor_3_too_high, own_add(&p->zone->floor[3], 1))
HARM(lane_0_floor_too_low, own_add(&p->zone->lane_floor[0], -1))
HARM(lane_1_floor_too_high, own_add(&p->zone->lane_floor[2], 1))
HARM(boosted_without_floor, st_relaxed(&p->zone->boosted, 1))
HARM(boost_without_floor, own_add(&p->zone->boost, 1))
HARM(reserve_without_floor, own_add(&p->zone->lowmem_reserve[1], 1))
HARM(highatomic_without_floor, own_add(&p->zone->highatomic, 512))
HARM(min_above_low, kt_marks(p->zone, 5, 4, 6))
HARM(low_above_high, kt_marks(p->zone, 4, 6, 5))
HARM(boost_below_zero, st_relaxed(&p->zone->boost, -1))
HARM(highatomic_below_zero, st_relaxed(&p->zone->highatomic, -1))
HARM(more_managed_than_present, p->other->present--)
HARM(more_present_than_spanned, p->other->present = p->other->spanned + 1)
HARM(managed_too_low, own_add(&p->zone->managed, -1ull))
HARM(pcp_count_too_high, own_add(&p->pcp->count, 1))
HARM(pcp_page_is_used, page_set_word(ring_page(p), word_make(p->zone->id, PAGE_USED, 0)))
HARM(pcp_page_of_other_zone, page_set_word(ring_page(p), word_pcp(p->other->id, MIGRATE_MOVABLE)))
HARM(pcp_page_of_other_home,
     page_set_word(ring_page(p), word_pcp(p->zone->id, MIGRATE_UNMOVABLE)))
HARM(pcp_list_longer_than_its_slots, p->pcp->ring[2].tail += p->pcp->mask + 2)
HARM(miss_without_foreign, own_add(&p->pcp->stat[STAT_MISS_LOCAL], 1))
HARM(other_miss_without_foreign, own_add(&p->pcp->stat[STAT_MISS_OTHER], 1))
HARM(foreign_without_miss, own_add(&p->pcp->stat[STAT_FOREIGN], 1))

static void lose_a_ring_page(struct patient *p)
{
	p->pcp->ring[p->ring].head++;
	own_add(&p->pcp->count, -1u);
}

KTEST(check, finds_wrong_counters)
{
	static const struct damage table[] = {
		CASE(free_too_high, "free, 0 CMA; lists hold"),
		CASE(free_too_low, "free, 0 CMA; lists hold"),
		CASE(free_cma_too_high, "free, 1 CMA; lists hold"),
		CASE(floor_0_too_low, "floor[0] is"),
		CASE(floor_3_too_high, "floor[3] is"),
		CASE(lane_0_floor_too_low, "lane floors are"),
		CASE(lane_1_floor_too_high, "lane floors are"),
		CASE(boosted_without_floor, "floor[0] is"),
		CASE(boost_without_floor, "floor[0] is"),
		CASE(reserve_without_floor, "floor[1] is"),
		CASE(min_above_low, "do not ascend"),
		CASE(low_above_high, "do not ascend"),
		CASE(boost_below_zero, "do not ascend"),
		CASE(highatomic_without_floor, ""), /* one of two things that it breaks */
		CASE(highatomic_below_zero, "do not ascend"),
		CASE(more_managed_than_present, "spans"),
		CASE(more_present_than_spanned, "spans"),
		CASE(managed_too_low, "manages"),
		CASE(pcp_count_too_high, "count says"),
		CASE(pcp_page_is_used, "of CPU"),
		CASE(pcp_page_of_other_zone, "of CPU"),
		CASE(pcp_page_of_other_home, "of CPU"),
		CASE(pcp_list_longer_than_its_slots, "slots"),
		CASE(lose_a_ring_page, "map shows"),
		CASE(miss_without_foreign, "1 NUMA misses but 0 foreigns"),
		CASE(other_miss_without_foreign, "1 NUMA misses but 0 foreigns"),
		CASE(foreign_without_miss, "0 NUMA misses but 1 foreigns"),
	};

	expect_found(table, ARRAY_SIZE(table));
}

/* ---- the map ---- */

HARM(page_says_other_pfn, p->single->pfn++)
HARM(head_is_inner, page_set_word(p->single, word_make(p->zone->id, PAGE_INNER, 0)))
HARM(head_is_tail, page_set_word(p->single, word_make(p->zone->id, PAGE_TAIL, 0)))
HARM(head_of_no_state, page_set_word(p->single, (uint32_t)PAGE_STATES << WORD_STATE_SHIFT))
HARM(head_of_no_zone, page_set_word(p->single, word_make(p->zone->id + 1u, PAGE_USED, 0)))
HARM(head_of_other_zone, page_set_word(p->single, word_make(p->other->id, PAGE_USED, 0)))
HARM(head_of_lower_order, page_set_word(p->block, word_make(p->zone->id, PAGE_USED, 1)))
HARM(head_of_no_order, page_set_word(p->block, word_make(p->zone->id, PAGE_USED, MAX_ORDER)))
HARM(inner_is_used, page_set_word(p->block + 3, word_make(p->zone->id, PAGE_USED, 0)))
HARM(inner_is_tail, page_set_word(p->block + 1, word_make(p->zone->id, PAGE_TAIL, 0)))
HARM(inner_of_other_zone, page_set_word(p->block + 3, word_make(p->other->id, PAGE_INNER, 0)))
HARM(inner_says_other_pfn, p->block[2].pfn++)
HARM(tail_is_inner, page_set_word(p->comp + 7, word_make(p->zone->id, PAGE_INNER, 0)))
HARM(used_became_reserved, page_set_word(p->single, word_make(p->zone->id, PAGE_RESERVED, 0)))
HARM(used_became_free, page_set_word(p->single, word_make(p->zone->id, PAGE_FREE, 0)))
HARM(used_became_pcp, page_set_word(p->single, word_make(p->zone->id, PAGE_PCP, 0)))
HARM(last_page_of_the_zone,
     page_set_word(mm_page(p->mm, p->other->start_pfn + 2047), word_make(0, PAGE_BAD, 0)))

KTEST(check, finds_a_broken_map)
{
	static const struct damage table[] = {
		CASE(page_says_other_pfn, "is in no block"),
		CASE(head_is_inner, "is in no block"),
		CASE(head_is_tail, "is in no block"),
		CASE(head_of_no_state, "is in no block"),
		CASE(head_of_no_zone, "is in no block"),
		CASE(head_of_other_zone, "manages"),
		CASE(head_of_lower_order, "is in no block"),
		CASE(head_of_no_order, "is in no block"),
		CASE(inner_is_used, "in block"),
		CASE(inner_is_tail, "in block"),
		CASE(inner_of_other_zone, "in block"),
		CASE(inner_says_other_pfn, "in block"),
		CASE(tail_is_inner, "in block"),
		CASE(used_became_reserved, "manages"),
		CASE(used_became_free, "map shows"),
		CASE(used_became_pcp, "map shows"),
		CASE(last_page_of_the_zone, "in block"),
	};

	expect_found(table, ARRAY_SIZE(table));
}

KTEST(check, first_finding_names_the_page_and_stays)
{
	struct zonal_finding finding = { "old", 1 };
	struct patient p;

	if (!admit(&p))
		return;
	KT_TRUE(zonal_check(p.mm, &finding));
	KT_STR_EQ(finding.text, "");
	KT_EQ(finding.pfn, 0);
	/* two faults: the first is told */
	p.block[1].pfn++;
	p.first->list_type = MIGRATE_RECLAIMABLE;
	KT_TRUE(!zonal_check(p.mm, &finding));
	KT_EQ(finding.pfn, p.first->pfn);
	KT_TRUE(strstr(finding.text, "says type 2") != NULL);
}

/* ---- in pieces ---- */

/* Every other page of the zone is free, in one list of half the zone; NULL: out of luck. */
static struct zonal *comb(struct page **chain)
{
	static const struct kt_spec flat = { .ram = { { 0, KT_DMA_PFN, 2048 } } };
	struct zonal *mm = kt_bare_instance(&flat);
	struct page *all = NULL, *next;

	if (!mm || !KT_EQ(kt_take_all(mm, 0, 0, 0, &all), 2048))
		return NULL;
	for (; all; all = next) {
		next = *(struct page **)zonal_page_owner(all);
		if (zonal_pfn(all) & 1) {
			zonal_free(mm, all, 0);
			continue;
		}
		*(struct page **)zonal_page_owner(all) = *chain;
		*chain = all;
	}
	zonal_drain_local(mm);
	return mm;
}

KTEST(check, lets_the_zone_lock_go_after_each_piece_of_a_list)
{
	struct page *chain = NULL;
	struct zonal *mm = comb(&chain);
	struct zone *zone;
	unsigned before, taken;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	KT_EQ(kt_blocks_of_order(zone, 0), 1024);
	before = ld_relaxed(&zone->lock.next);
	kt_check_all(mm);
	taken = (uint16_t)(ld_relaxed(&zone->lock.next) - before);
	KT_OK(taken >= 1024 / CHECK_SLICE && !lock_held(&zone->lock),
	      "the lock was taken %u times for a list of 1024 blocks", taken);
	/* A list that nobody changes is walked once. */
	KT_OK(taken <= 1024 / CHECK_SLICE + FREE_LISTS * MAX_ORDER + 1, "%u times", taken);
	/* the last block counts as much as the first */
	mm_page(mm, zone->list[MIGRATE_UNMOVABLE][0].last)->list_type ^= 1;
	KT_TRUE(!zonal_check(mm, &(struct zonal_finding){ "", 0 }));
}

#ifdef HOST_PORT_IMPL_H
static struct zonal *busy_mm;
static _Atomic bool busy_stop;

/* An interrupt between two pieces: more of the list than a piece goes and comes back, in
 * another order. */
static void busy_handler(void *arg)
{
	struct page *page[2 * CHECK_SLICE];

	(void)arg;
	for (unsigned i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = zonal_alloc(busy_mm, GFP_ATOMIC | __GFP_NOWARN, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(page); i++)
		zonal_free(busy_mm, page[i], 0);
	zonal_drain_local(busy_mm);
}

static void *busy_sender(void *arg)
{
	(void)arg;
	host_cpu_attach(1);
	while (!busy_stop)
		(void)port_call_cpu(0, busy_handler, NULL);
	host_cpu_detach();
	return NULL;
}

KTEST_F(check, lists_that_change_between_two_pieces_are_no_damage, KT_HOST_ONLY)
{
	struct page *chain = NULL;
	pthread_t sender;

	busy_mm = comb(&chain);
	if (!busy_mm)
		return;
	busy_stop = false;
	host_cpu_attach(0);
	if (KT_EQ(pthread_create(&sender, NULL, busy_sender, NULL), 0)) {
		for (unsigned i = 0; i < 200; i++) {
			struct zonal_finding finding = { "", 0 };

			if (!KT_OK(zonal_check(busy_mm, &finding), "round %u: %s", i, finding.text))
				break;
		}
		busy_stop = true;
		while (ld_acquire(&busy_stop) && pthread_tryjoin_np(sender, NULL))
			port_relax();
	}
	host_cpu_detach();
	kt_give_all(busy_mm, chain, 0);
}
#endif

/* ---- who watches ---- */

static struct {
	uint64_t calls, total, most;
	bool wrong;
} watched;

static void watch(const char *what, uint64_t done, uint64_t total)
{
	watched.calls++;
	watched.most = ZN_MAX(watched.most, done);
	watched.wrong |= strcmp(what, "check") != 0 || (watched.total && watched.total != total);
	watched.total = total;
}

static uint64_t sections_of(const struct zone *zone)
{
	pfn_t last = zone->start_pfn + zone->spanned - 1;

	return (last >> MM_SECTION_SHIFT) - (zone->start_pfn >> MM_SECTION_SHIFT) + 1;
}

/* Each section of each zone, of as many as there are: two nodes in one section are two calls. */
KTEST(check, tells_how_far_it_is)
{
	void (*before)(const char *what, uint64_t done, uint64_t total) = zn_progress_hook;
	struct patient p;

	if (!admit(&p))
		return;
	memset(&watched, 0, sizeof(watched));
	zn_progress_hook = watch;
	kt_check_all(p.mm);
	zn_progress_hook = before;
	KT_EQ(watched.calls, sections_of(p.zone) + sections_of(p.other));
	KT_EQ(watched.total, p.mm->section_count);
	KT_EQ(watched.most, (KT_DMA_PFN + 16384 + 2048 - 1) >> MM_SECTION_SHIFT);
	KT_TRUE(!watched.wrong);
}

/* Of a count that is wrong no page is to blame. */
KTEST(check, a_count_of_pages_off_their_lists_that_is_wrong_names_no_page)
{
	struct zonal *mm = kt_instance(&board);
	struct zonal_finding found;

	if (!mm)
		return;
	st_relaxed(&mm->node[0]->reclaim.lru.isolated[0], 3);
	KT_TRUE(!zonal_check(mm, &found));
	KT_EQ(found.pfn, 0);
	KT_OK(strstr(found.text, "counts say 0, 3"), "%s", found.text);
	st_relaxed(&mm->node[0]->reclaim.lru.isolated[0], 0);
	kt_check_all(mm);
}

/* Each zone type's count of each list is looked at. */
KTEST(check, finds_a_wrong_count_of_pages_in_a_list_of_any_zone_type)
{
	struct zonal *mm = kt_instance(&board);
	struct zonal_finding found;

	for (unsigned t = 0; mm && t < ZONE_TYPES; t++) {
		struct lru_ends *ends = &mm->node[0]->reclaim.lru.root.list[t % LRU_LISTS];

		st_relaxed(&ends->count[t], 1);
		KT_TRUE(!zonal_check(mm, &found));
		KT_OK(strstr(found.text, "count says 1"), "%s", found.text);
		st_relaxed(&ends->count[t], 0);
		kt_check_all(mm);
	}
}

/* A list is walked in slices, and counted to its end. */
KTEST(check, finds_a_wrong_count_of_pages_in_a_long_list)
{
	struct zonal *mm = kt_instance(&board);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 5 * CHECK_SLICE) : NULL;
	_Atomic uint64_t *count;
	struct zonal_finding found;

	if (!cache || !KT_EQ(kt_cache_fill(cache, 0, GFP_KERNEL, 5 * CHECK_SLICE), 5 * CHECK_SLICE))
		return;
	kt_check_all(mm);
	count = &mm->node[0]->reclaim.lru.root.list[LRU_INACTIVE_CACHE].count[ZONE_DMA];
	KT_EQ(ld_relaxed(count), 5 * CHECK_SLICE);
	st_relaxed(count, 5 * CHECK_SLICE + 1);
	KT_TRUE(!zonal_check(mm, &found));
	KT_OK(strstr(found.text, "count says 321"), "%s", found.text);
	st_relaxed(count, 5 * CHECK_SLICE);
	kt_check_all(mm);
	kt_cache_drop_all(cache);
}
