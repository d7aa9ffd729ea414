/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Per-CPU lists: single pages that a CPU takes and frees without any lock.
 *
 * Each CPU has, for each zone, three rings of page pointers, one a type (P1).
 * Takes come from the head, and a freed page goes back there, still warm in
 * the cache (P7). An empty ring is refilled with `batch` pages (refill.c, P6). When a CPU
 * holds `high` pages of a zone, a batch of the coldest, from the tails, goes back (P9).
 *
 * Which ring gives how many (P10): the rings are visited in turn, and each gives one page,
 * one more for each empty ring passed on the way, so that full rings give more
 * than nearly empty ones; a ring that is the only one left gives all.
 *
 * Rings instead of linked lists: taking and freeing touch the page and one slot,
 * never a neighbour's structure, and a refill writes its pages straight into the
 * slots. A ring holds high + batch pages, the most that can ever be in all three.
 *
 * A page here is PCP and not counted as free (B12). Its list is that of its
 * pageblock when it was freed (P8), and it goes back to the buddy under that type, even
 * if the pageblock has changed its type since: its word keeps it (word_home). The movable
 * list lodges pages of CMA and highatomic blocks too.
 *
 * Sizes (P2): batch is 1/4096 of the zone, at most 64 pages' worth, rounded to
 * 2^n - 1 so that it does not march in step with power-of-two users; high is six batches.
 * 512 MiB: 31/186; 1 GiB and more: 63/378. percpu_pagelist_fraction asks for a share of the zone
 * instead (P3).
 *
 * Owned by one CPU, under its interrupt mask (T2). Another CPU's rings are emptied
 * by asking that CPU (zonal_drain_all).
 */
#include "pcp.h"

#include "lib/assert.h"
#include "buddy.h"
#include "page_check.h"
#include "trace.h"
#include "watermark.h"

/* The next list that has something, and how much it gives; see the essay. */
static void turn_next(struct pcp *pcp, struct pcp_turn *turn)
{
	do {
		turn->give++;
		turn->type = turn->type + 1 == PCP_RINGS ? 0 : turn->type + 1;
	} while (!pcp_has(pcp, turn->type));
	DASSERT(turn->give <= turn->left + 2 * PCP_RINGS, "%u pages of a return of %u",
		turn->give, turn->left);
	if (turn->give == PCP_RINGS)
		turn->give = turn->left;
}

/*
 * The list that a page goes back to (P10): that of its pageblock when it was freed, or the list
 * it was refilled from, whatever its pageblock became meanwhile. While blocks are
 * isolated, the pageblock decides alone, lest a page slips into a block that is
 * being emptied.
 */
static inline unsigned cold_type(const struct zone *zone, const struct page *page, unsigned home)
{
	return likely(!zone->isolated_blocks) ? home : page_block_type(page);
}

static void put_cold(struct zone *zone, struct page *page, unsigned order, unsigned home)
	LOCK_HELD(zone->lock);
static void put_cold(struct zone *zone, struct page *page, unsigned order, unsigned home)
{
	buddy_put_type(zone, page, order, cold_type(zone, page, home), BUDDY_AUTO);
}

/*
 * Neighbouring pages [low, low + count) that were to be freed one after another,
 * upwards or downwards, go back as the aligned blocks that they would have
 * become: a block's pages can merge with each other only, until its last one comes. All
 * of them go back to one type, so the list does not depend on which one is last.
 */
static void put_up(struct zone *zone, struct page *low, unsigned count, unsigned home)
	LOCK_HELD(zone->lock);
static void put_up(struct zone *zone, struct page *low, unsigned count, unsigned home)
{
	while (count) {
		unsigned order = 0;

		while (!(low->pfn & (1u << order)) && 2u << order <= count)
			order++;
		put_cold(zone, low, order, home);
		low += 1u << order;
		count -= 1u << order;
	}
}

static void put_down(struct zone *zone, struct page *low, unsigned count, unsigned home)
	LOCK_HELD(zone->lock);
static void put_down(struct zone *zone, struct page *low, unsigned count, unsigned home)
{
	uint32_t end = low->pfn + count;

	while (count) {
		unsigned order = 0;

		while (!(end & (1u << order)) && 2u << order <= count)
			order++;
		end -= 1u << order;
		count -= 1u << order;
		put_cold(zone, low + count, order, home);
	}
}

/*
 * `page`, INNER already, came off the ring last with the word `expected`; take those behind
 * it that go on in the same direction and have the same word, so the same home, at
 * most `most` with it. Returns how many that makes.
 */
static unsigned take_run(struct pcp *pcp, struct pcp_ring *ring, const struct page *page,
			 uint32_t expected, unsigned most, int step)
{
	uint32_t inner = word_make(word_zid(expected), PAGE_INNER, 0);
	uint32_t chunk = 1u << (MAX_ORDER - 1), at = page->pfn & (chunk - 1);
	uint32_t tail = ring->tail, mask = pcp->mask;
	const struct page *want = page + step;
	unsigned count = 1;

	DASSERT((step == 1 || step == -1) && most > 1, "a run by %d of %u pages", step, most);
	/* Not beyond these 4 MiB, in which neighbours in the map are neighbours in memory. */
	most = ZN_MIN(most, step > 0 ? chunk - at : at + 1);
	for (; count < most; count++, want += step, tail--) {
		struct page *next = ring->slot[(tail - 1) & mask];

		if (next != want || page_word(next) != expected)
			break;
		page_set_word(next, inner);
	}
	ring->tail = tail;
	return count;
}

/* +1 or -1 if the next page of the ring's cold end is a neighbour of `page`, else 0. */
static inline int run_step(const struct pcp *pcp, const struct pcp_ring *ring,
			   const struct page *page)
{
	const struct page *next = ring->slot[(ring->tail - 1) & pcp->mask];

	if (next == page + 1)
		return 1;
	return next == page - 1 ? -1 : 0;
}

/* Is run_step() not 0? In one comparison. */
static inline bool neighbours(const struct page *page, const struct page *next)
{
	uintptr_t apart = (uintptr_t)next - (uintptr_t)page + sizeof(*page);

	return !(apart & ~(2 * sizeof(*page)));
}

/* A word that no page has: with it each page of a return is given back by give_odd(), which
 * traces it, one by one as 5.10 does, and asks where it goes. The lists end up the same. */
#define EXPECT_NONE PG_PFMEMALLOC

/* A page that is not as expected: damaged, or all are to be traced, or blocks are isolated. */
static ZN_NOINLINE void give_odd(struct zone *zone, struct page *page) LOCK_HELD(zone->lock);
static ZN_NOINLINE void give_odd(struct zone *zone, struct page *page)
{
	uint32_t word = page_word(page);

	DASSERT_HELD(&zone->lock);
	if ((word & ~WORD_ORDER_MASK) != word_pcp(zone->id, 0)) {
		page_check_pcp(zone->mm, page);
		return;
	}
	trace(zone->mm, PCPU_DRAIN, page->pfn, 0, cold_type(zone, page, word_home(word)));
	page_set_word(page, word_make(zone->id, PAGE_INNER, 0));
	put_cold(zone, page, 0, word_home(word));
}

/* `page`, INNER already, and those behind it on the ring that are its neighbours, `count` at most,
 * as the blocks that they would have become; how many it were. Of its own, so that give_back()
 * needs few registers. */
static ZN_NOINLINE unsigned give_run(struct zone *zone, struct pcp *pcp, struct pcp_ring *ring,
				     struct page *page, uint32_t word, unsigned count)
	LOCK_HELD(zone->lock);
static ZN_NOINLINE unsigned give_run(struct zone *zone, struct pcp *pcp, struct pcp_ring *ring,
				     struct page *page, uint32_t word, unsigned count)
{
	int step = run_step(pcp, ring, page);
	unsigned run = take_run(pcp, ring, page, word, count, step);

	DASSERT_HELD(&zone->lock);
	if (run == 1)
		put_cold(zone, page, 0, word_home(word));
	else if (step > 0)
		put_up(zone, page, run, word_home(word));
	else
		put_down(zone, page - (run - 1), run, word_home(word));
	return run;
}

/* `count` pages off the cold end of the ring of `type`; `expected` is their word but for the home,
 * or EXPECT_NONE with it. */
static void give_back(struct zone *zone, struct pcp *pcp, unsigned type, unsigned count,
		      uint32_t expected) LOCK_HELD(zone->lock);
static void give_back(struct zone *zone, struct pcp *pcp, unsigned type, unsigned count,
		      uint32_t expected)
{
	struct pcp_ring *ring = &pcp->ring[type];
	uint32_t inner = word_make(word_zid(expected), PAGE_INNER, 0), mask = pcp->mask;

	DASSERT(count && count <= ring->tail - ring->head, "zone %u: %u pages off a list of %u",
		zone->id, count, ring->tail - ring->head);
	DASSERT_HELD(&zone->lock);
	while (count) {
		uint32_t tail = ring->tail - 1;
		struct page *page = ring->slot[tail & mask];
		uint32_t word = page_word(page);

		ring->tail = tail;
		if (unlikely((word & ~WORD_ORDER_MASK) != expected)) {
			give_odd(zone, page);
			count--;
			continue;
		}
		page_set_word(page, inner);
		if (ZONAL_LANES && count > 1 && neighbours(page, ring->slot[(tail - 1) & mask])) {
			count -= give_run(zone, pcp, ring, page, word, count);
			continue;
		}
		/* Nothing is isolated here, so that its home decides (cold_type). */
		buddy_put_single(zone, page, word_home(word));
		count--;
	}
}

/* Both ways to return pages; inlined, so that a return of its own keeps its turn in registers. */
static ZN_INLINE uint32_t
give(struct zone *zone, struct pcp *pcp, struct pcp_turn *turn, uint32_t count)
{
	uint32_t held = ld_relaxed(&pcp->count), expected = word_pcp(zone->id, 0);

	DASSERT(held <= PCP_RINGS * (pcp->mask + 1), "zone %u: %u pages in lists of %u",
		zone->id, held, pcp->mask + 1);
	DASSERT_MASKED();
	count = ZN_MIN(count, held);
	st_relaxed(&pcp->count, held - count);
	own_add(&pcp->stat[STAT_BULK_FREE], 1);
	if (trace_wants(zone->mm, ZONAL_TRACE_PCPU_DRAIN))
		expected |= EXPECT_NONE;
	lock_take(&zone->lock);
	if (unlikely(zone->isolated_blocks))
		expected |= EXPECT_NONE;
	for (uint32_t todo = count; todo;) {
		uint32_t there, some;

		if (!turn->give || !pcp_has(pcp, turn->type))
			turn_next(pcp, turn);
		there = pcp->ring[turn->type].tail - pcp->ring[turn->type].head;
		some = ZN_MIN(ZN_MIN(turn->give, there), todo);
		give_back(zone, pcp, turn->type, some, expected);
		turn->give -= some;
		turn->left -= some;
		todo -= some;
	}
	buddy_unboost_if_free(zone);
	lock_drop(&zone->lock);
	return count;
}

uint32_t pcp_give(struct zone *zone, struct pcp *pcp, struct pcp_turn *turn, uint32_t count)
{
	ASSERT(count <= turn->left, "zone %u: %u pages of a return of %u", zone->id, count,
	       turn->left);
	return give(zone, pcp, turn, count);
}

void pcp_bulk_free(struct zone *zone, struct pcp *pcp, uint32_t count)
{
	struct pcp_turn turn = { .left = ZN_MIN(count, ld_relaxed(&pcp->count)) };

	if (unlikely(!ld_relaxed(&pcp->announced)))
		mm_unannounced_cpu(zone->mm);
	give(zone, pcp, &turn, count);
}

unsigned pcp_batch_of(uint64_t managed)
{
	uint64_t batch = ZN_MIN(managed / 1024, (1u << 20) / PAGE_SIZE) / 4;
	unsigned b;

	batch = ZN_MAX(batch, 1u);
	b = (unsigned)(batch + batch / 2);
	return (1u << (31 - (unsigned)__builtin_clz(b))) - 1;
}

struct pcp_size pcp_size_of(uint64_t managed, unsigned fraction)
{
	unsigned batch = pcp_batch_of(managed), high = 6 * batch;

	if (fraction) {
		high = (unsigned)(managed / fraction);
		batch = ZN_MIN(high / 4, PAGE_SHIFT * 8u);
	}
	return (struct pcp_size){ .batch = ZN_MAX(batch, 1u), .high = high };
}

uint32_t pcp_ring_slots(unsigned batch, unsigned high)
{
	uint32_t slots = 2;

	ASSERT(batch < UINT16_MAX && high <= 1u << 30, "batch %u, high %u", batch, high);
	while (slots < batch + high + 1)
		slots *= 2;
	return slots;
}

void pcp_set_sizes(struct pcp *pcp, unsigned batch, unsigned high)
{
	ASSERT(batch && batch + high <= pcp->mask, "batch %u, high %u, lists of %u", batch, high,
	       pcp->mask + 1);
	/* P5: batch 1 with either `high` is safe, whatever is read in between. */
	pcp->batch = 1;
	atomic_signal_fence(memory_order_seq_cst);
	pcp->high = high;
	atomic_signal_fence(memory_order_seq_cst);
	pcp->batch = batch;
}

void pcp_setup(struct zonal *mm)
{
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone) {
		struct pcp_size size = pcp_size_of((uint64_t)zone_managed(zone),
						   mm->options.percpu_pagelist_fraction);

		zone->pcp_high = size.high;
		zone->pcp_batch = size.batch;
		for (unsigned c = 0; c < mm->cpu_count; c++)
			if (mm->cpu[c] && mm->cpu[c]->pcp[zid].ring[0].slot)
				pcp_set_sizes(&mm->cpu[c]->pcp[zid], zone->pcp_batch,
					      zone->pcp_high);
	}
}
