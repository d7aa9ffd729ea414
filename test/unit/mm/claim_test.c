/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Claims: all or nothing on one node or several, others count them by their watermarks, what is
 * claimed can be taken to the last page, and builders that race each have all or nothing.
 *
 * On the board of two nodes the other users are requests of this file, by the marks or without.
 */
#include "kt_cache.h"
#include "port_watch.h"

#include <string.h>

#include <zonal/claim.h>
#include <zonal/look.h>

#include "mm/page_owner.h"

#define LARGEST ((uint64_t)1 << (MAX_ORDER - 1))
#define QUIET (GFP_KERNEL | __GFP_NOWARN)
#define THERE (QUIET | __GFP_THISNODE)

static const struct kt_spec board = {
	.ram = { { 0, KT_DMA_PFN, 4 * LARGEST }, { 1, KT_DMA_PFN + 4 * LARGEST, 4 * LARGEST } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
};

struct made {
	struct zonal_claim claim;
	struct zonal_claim_part part[2];
};

/* A claim on both nodes; 0 pages: not on that one. */
static struct made *claim_of(uint64_t on0, uint64_t on1, unsigned order)
{
	struct made *made = kt_alloc(sizeof(*made), 64);
	uint64_t pages[] = { on0, on1 };

	for (unsigned n = 0; made && n < 2; n++)
		if (pages[n])
			made->part[made->claim.parts++] =
				(struct zonal_claim_part){ .nid = n, .pages = pages[n] };
	if (!made)
		return NULL;
	memcpy(made->claim.owner, "guest", 6);
	made->claim.order = order;
	made->claim.gfp = GFP_KERNEL | __GFP_ZERO | __GFP_COMP; /* two that it must not heed */
	made->claim.part = made->part;
	return made;
}

static uint64_t free_on(struct zonal *mm, unsigned nid)
{
	struct zonal_counts c;

	zonal_drain_all(mm, NULL);
	zonal_node_counts(mm, nid, &c);
	return c.free;
}

/* All that the claim has on a node, in blocks of an order, chained; how many blocks. */
static uint64_t take_rest(struct zonal_claim *claim, int nid, unsigned order, struct page **chain)
{
	struct page *page;
	uint64_t count = 0;

	while ((page = zonal_claim_take(claim, nid, 0, order))) {
		KT_EQ(page_order(page), order);
		KT_EQ(ld_relaxed(&page->refs), 1);
		KT_EQ(page->owner[0] | page->owner[1], 0);
		*(struct page **)zonal_page_owner(page) = *chain;
		*chain = page;
		count++;
	}
	return count;
}

KTEST(claim, is_counted_at_once_and_what_is_left_goes_back)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct made *made = claim_of(3000, 77, 0);
	struct page *page;

	if (!mm || !made || !KT_EQ(zonal_claim_make(mm, &made->claim), 0))
		return;
	KT_EQ(ld_relaxed(&mm->failures), 0); /* nothing was asked for that there cannot be */
	KT_EQ(free_on(mm, 0), 4 * LARGEST - 3000);
	KT_EQ(free_on(mm, 1), 4 * LARGEST - 77);
	KT_EQ(zonal_claimed_pages(mm, 0), 3000);
	KT_EQ(zonal_claimed_pages(mm, 1), 77);
	kt_check_all(mm);
	zonal_free(mm, zonal_claim_take(&made->claim, 0, 0, MAX_ORDER - 1), MAX_ORDER - 1);
	KT_EQ(zonal_claimed_pages(mm, 0), 3000 - LARGEST);
	page = zonal_claim_take(&made->claim, 1, 0, 3);
	if (!KT_TRUE(page))
		return;
	KT_EQ(zonal_page_node(page), 1);
	KT_EQ(zonal_claimed_pages(mm, 1), 69);
	zonal_claim_drop(&made->claim);
	KT_EQ(free_on(mm, 0), 4 * LARGEST);
	KT_EQ(free_on(mm, 1), 4 * LARGEST - 8);
	zonal_free(mm, page, 3);
	KT_EQ(free_on(mm, 1), 4 * LARGEST);
	zonal_claim_drop(&made->claim); /* none any more */
	KT_TRUE(!zonal_claim_take(&made->claim, 1, 0, 0));
	KT_EQ(zonal_bad_count(mm), 0);
	kt_check_all(mm);
}

KTEST(claim, all_nodes_or_none)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct made *made = claim_of(2000, 4 * LARGEST + 1, 0);

	if (!mm || !made)
		return;
	KT_EQ(zonal_claim_make(mm, &made->claim), ZONAL_ENOMEM);
	KT_EQ(made->claim.short_nid, 1);
	KT_EQ(free_on(mm, 0), 4 * LARGEST);
	KT_EQ(free_on(mm, 1), 4 * LARGEST);
	KT_EQ(zonal_claimed_pages(mm, 0) + zonal_claimed_pages(mm, 1), 0);
	KT_EQ(kt_blocks_of_order(kt_zone(mm, 1, ZONE_DMA), MAX_ORDER - 1), 4);
	/* The same structure, asked for less. */
	made->part[1].pages = 4 * LARGEST;
	KT_EQ(zonal_claim_make(mm, &made->claim), 0);
	KT_TRUE(made->claim.short_nid == NODE_NONE);
	KT_EQ(free_on(mm, 1), 0);
	zonal_claim_drop(&made->claim);
	kt_check_all(mm);
}

/* Nobody else gets a claimed page, not even who goes below every mark. */
KTEST(claim, others_cannot_have_it_whatever_they_may)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct made *made = claim_of(0, 1500, 0);
	struct page *chain = NULL, *mine = NULL;
	uint64_t count;

	if (!mm || !made || !KT_EQ(zonal_claim_make(mm, &made->claim), 0))
		return;
	count = kt_take_all(mm, 1, THERE | __GFP_MEMALLOC, 0, &chain);
	KT_EQ(count, 4 * LARGEST - 1500);
	KT_EQ(take_rest(&made->claim, 1, 0, &mine), 1500);
	kt_check_all(mm);
	kt_give_all(mm, chain, 0);
	kt_give_all(mm, mine, 0);
	zonal_claim_drop(&made->claim);
	KT_EQ(free_on(mm, 1), 4 * LARGEST);
}

/* As for any request: a claim leaves the zone above its mark, and others see what is left. */
KTEST(claim, the_marks_hold_for_it_and_against_others)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct zone *zone = mm ? kt_zone(mm, 1, ZONE_DMA) : NULL;
	struct made *made = claim_of(0, 3 * LARGEST, 0);
	struct page *page;

	if (!zone || !made)
		return;
	kt_marks(zone, (int64_t)LARGEST + 1, (int64_t)LARGEST + 1, (int64_t)LARGEST + 1);
	KT_EQ(zonal_claim_make(mm, &made->claim), ZONAL_ENOMEM);
	KT_EQ(free_on(mm, 1), 4 * LARGEST);
	made->part[0].pages = 2 * LARGEST;
	KT_EQ(zonal_claim_make(mm, &made->claim), 0);
	page = zonal_alloc_node(mm, 1, QUIET, MAX_ORDER - 1);
	if (KT_TRUE(page))
		KT_EQ(zonal_page_node(page), 0);
	zonal_free(mm, page, MAX_ORDER - 1);
	zonal_claim_drop(&made->claim);
	page = zonal_alloc_node(mm, 1, QUIET, MAX_ORDER - 1);
	if (KT_TRUE(page))
		KT_EQ(zonal_page_node(page), 1);
	zonal_free(mm, page, MAX_ORDER - 1);
}

KTEST(claim, blocks_of_its_order_are_there_to_the_last_page)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct made *made = claim_of(3 * LARGEST + LARGEST / 2, 0, PAGEBLOCK_ORDER);
	struct page *chain = NULL;

	if (!mm || !made || !KT_EQ(zonal_claim_make(mm, &made->claim), 0))
		return;
	KT_EQ(take_rest(&made->claim, NODE_NONE, PAGEBLOCK_ORDER, &chain),
	      (3 * LARGEST + LARGEST / 2) >> PAGEBLOCK_ORDER);
	KT_EQ(zonal_claimed_pages(mm, 0), 0);
	kt_give_all(mm, chain, PAGEBLOCK_ORDER);
	zonal_claim_drop(&made->claim);
	kt_check_all(mm);
}

/* No block of the order is left, though pages enough are: nothing of them is taken. */
KTEST(claim, a_node_in_small_pieces_cannot_promise_large_ones)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct made *made = claim_of(LARGEST / 2, 0, PAGEBLOCK_ORDER);
	struct page *chain = NULL, *rest = NULL, *page, *next;
	uint64_t kept = 0;

	if (!mm || !made)
		return;
	kt_take_all(mm, 0, THERE, 0, &chain);
	for (page = chain; page; page = next) {
		next = *(struct page **)zonal_page_owner(page);
		if (zonal_pfn(page) % 256) {
			zonal_free(mm, page, 0);
			continue;
		}
		*(struct page **)zonal_page_owner(page) = rest;
		rest = page;
		kept++;
	}
	KT_EQ(zonal_claim_make(mm, &made->claim), ZONAL_ENOMEM);
	KT_EQ(free_on(mm, 0), 4 * LARGEST - kept);
	made->claim.order = 0;
	KT_EQ(zonal_claim_make(mm, &made->claim), 0);
	zonal_claim_drop(&made->claim);
	kt_give_all(mm, rest, 0);
	kt_check_all(mm);
}

KTEST(claim, blocks_come_cleared_and_compound_if_asked)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct made *made = claim_of(64, 0, 0);
	struct page *page;

	if (!mm || !made || !KT_EQ(zonal_claim_make(mm, &made->claim), 0))
		return;
	KT_EQ(kt_cleared(NULL, NULL), 0);
	page = zonal_claim_take(&made->claim, 0, __GFP_ZERO | __GFP_COMP, 2);
	if (!KT_TRUE(page))
		return;
	KT_EQ(kt_cleared(NULL, NULL), 4);
	KT_EQ(page_state(page + 3), PAGE_TAIL);
	zonal_put(mm, page + 3);
	/* Not asked for, whatever else is. */
	page = zonal_claim_take(&made->claim, 0, ~(__GFP_ZERO | __GFP_COMP), 2);
	if (!KT_TRUE(page))
		return;
	KT_EQ(kt_cleared(NULL, NULL), 4);
	KT_EQ(page_word(page), word_make(page_zid(page), PAGE_USED, 2));
	KT_EQ(page_state(page + 3), PAGE_INNER);
	zonal_free(mm, page, 2);
	KT_TRUE(!zonal_claim_take(&made->claim, 1, 0, 0));
	KT_TRUE(!zonal_claim_take(&made->claim, 0, 0, MAX_ORDER));
	KT_TRUE(!zonal_claim_take(&made->claim, 0, 0, 7));
	zonal_claim_drop(&made->claim);
	KT_EQ(free_on(mm, 0), 4 * LARGEST);
	kt_check_all(mm);
}

KTEST(claim, where_nobody_clears_zeroes_are_refused_and_nothing_else)
{
	struct kt_spec spec = board;
	struct made *made = claim_of(64, 0, 0);
	struct zonal *mm;

	spec.cannot_clear = true;
	mm = kt_bare_instance(&spec);
	if (!mm || !made || !KT_EQ(zonal_claim_make(mm, &made->claim), 0))
		return;
	KT_TRUE(!zonal_claim_take(&made->claim, 0, __GFP_ZERO, 0));
	KT_EQ(zonal_claimed_pages(mm, 0), 64);
	zonal_free(mm, zonal_claim_take(&made->claim, 0, __GFP_COMP, 1), 1);
	KT_EQ(zonal_claimed_pages(mm, 0), 62);
	zonal_claim_drop(&made->claim);
}

KTEST(claim, records_of_page_owner_follow_each_split)
{
	struct kt_spec spec = board;
	struct made *made = claim_of(LARGEST, 0, 0);
	struct owner_record record;
	struct page *chain = NULL;
	struct zonal *mm;

	spec.page_owner = true;
	mm = kt_bare_instance(&spec);
	if (!mm || !made || !KT_EQ(zonal_claim_make(mm, &made->claim), 0))
		return;
	KT_EQ(take_rest(&made->claim, 0, 1, &chain), LARGEST / 2);
	for (struct page *page = chain; page; page = *(struct page **)zonal_page_owner(page))
		if (!KT_TRUE(page_owner_read(mm, zonal_pfn(page), &record) && record.order == 1))
			break;
	KT_EQ(page_owner_tally(mm), LARGEST);
	kt_give_all(mm, chain, 1);
	zonal_claim_drop(&made->claim);
	zonal_drain_all(mm, NULL);
	KT_EQ(page_owner_tally(mm), 0);
	kt_check_all(mm);
}

/* ---- refusals, reports ---- */

KTEST(claim, what_is_no_claim_is_refused)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct made *good = claim_of(8, 8, 2), bad;

	if (!mm || !good)
		return;
#define REFUSED(change)                                                                            \
	do {                                                                                       \
		bad = *good;                                                                       \
		bad.claim.part = bad.part;                                                         \
		change;                                                                            \
		KT_EQ(zonal_claim_make(mm, &bad.claim), ZONAL_EINVAL);                             \
	} while (0)
	REFUSED(bad.claim.parts = 0);
	REFUSED(bad.claim.part = NULL);
	REFUSED(bad.claim.order = MAX_ORDER);
	REFUSED(bad.claim.owner[0] = 0);
	REFUSED(memset(bad.claim.owner, 'x', sizeof(bad.claim.owner)));
	REFUSED(bad.part[0].nid = 2);
	REFUSED(bad.part[0].nid = ZONAL_MAX_NODES);
	REFUSED(bad.part[1].nid = 0);
	REFUSED(bad.part[1].pages = 0);
	REFUSED(bad.part[1].pages = 6);
	memset(good->claim.owner, 'x', sizeof(good->claim.owner) - 1); /* the longest name is one */
	KT_EQ(zonal_claim_make(mm, &good->claim), 0);
	KT_EQ(zonal_claim_make(mm, &good->claim), ZONAL_EINVAL);
	zonal_claim_drop(&good->claim);
	KT_EQ(free_on(mm, 0) + free_on(mm, 1), 8 * LARGEST);
}

KTEST(claim, reports_name_owner_node_and_what_is_left)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct made *first = claim_of(10, 20, 0), *second = claim_of(0, 30, 0);
	struct zonal_claim_info info;
	struct page *page;

	if (!mm || !first || !second || !KT_EQ(zonal_claim_make(mm, &first->claim), 0))
		return;
	memcpy(second->claim.owner, "other", 6);
	KT_EQ(zonal_claim_make(mm, &second->claim), 0);
	page = zonal_claim_take(&first->claim, 1, 0, 1);
	KT_TRUE(zonal_claim_info(mm, 0, &info) && info.pages == 30 && info.nid == 1);
	KT_STR_EQ(info.owner, "other");
	KT_TRUE(zonal_claim_info(mm, 2, &info) && info.pages == 20 && info.left == 18);
	KT_STR_EQ(info.owner, "guest");
	KT_TRUE(!zonal_claim_info(mm, 3, &info));
	KT_EQ(zonal_claimed_pages(mm, 1), 48);
	KT_EQ(zonal_claimed_pages(mm, ~0u), 0);
	zonal_claim_drop(&first->claim); /* the older one */
	KT_TRUE(!zonal_claim_info(mm, 1, &info));
	zonal_claim_drop(&second->claim);
	KT_TRUE(!zonal_claim_info(mm, 0, &info));
	zonal_free(mm, page, 1);
}

/* ---- random runs ---- */

enum { CLAIMS = 4, STEPS = 500, TAKEN = 64 };

static unsigned below(uint64_t *state, unsigned n) { return (unsigned)(kt_random(state) % n); }

/* What must be free, by what was given out of the claims and is left in them. */
KTEST(claim, a_random_run_is_exact_after_every_step)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct made *made[CLAIMS] = { NULL };
	struct page *page[TAKEN] = { NULL };
	uint8_t order[TAKEN] = { 0 };
	uint64_t state = kt_seed() | 1, out = 0, claimed;

	for (unsigned n = 0; mm && n < STEPS; n++) {
		struct made **m = &made[below(&state, CLAIMS)];
		unsigned i = below(&state, TAKEN);

		if (!*m || !(*m)->claim.mm) {
			*m = claim_of(8 * below(&state, 200), 8 * (1 + below(&state, 200)), 3);
			if (!*m || (zonal_claim_make(mm, &(*m)->claim) != 0 &&
				    !KT_TRUE((*m)->claim.short_nid >= 0)))
				break;
		} else if (below(&state, 20) == 0) {
			zonal_claim_drop(&(*m)->claim);
		} else if (page[i]) {
			out -= (uint64_t)1 << order[i];
			zonal_free(mm, page[i], order[i]);
			page[i] = NULL;
		} else {
			order[i] = (uint8_t)below(&state, 6);
			page[i] = zonal_claim_take(&(*m)->claim, NODE_NONE, 0, order[i]);
			out += page[i] ? (uint64_t)1 << order[i] : 0;
		}
		claimed = zonal_claimed_pages(mm, 0) + zonal_claimed_pages(mm, 1);
		if (!KT_EQ(free_on(mm, 0) + free_on(mm, 1) + claimed + out, 8 * LARGEST) ||
		    !kt_check_all(mm))
			break;
	}
	for (unsigned i = 0; mm && i < TAKEN; i++)
		zonal_free(mm, page[i], order[i]);
	for (unsigned i = 0; i < CLAIMS; i++)
		if (made[i])
			zonal_claim_drop(&made[i]->claim);
}

/* Another one is half way through its own. */
static struct zonal *turned;
static void end_turn(void) { st_release(&turned->claims.turn, 0); }

KTEST(claim, who_comes_while_another_is_made_waits_for_it)
{
	struct made *made = claim_of(8, 8, 0);

	turned = kt_bare_instance(&board);
	if (!turned || !made)
		return;
	st_relaxed(&turned->claims.turn, 1);
	kt_on_nap = end_turn;
	watch_port();
	KT_EQ(zonal_claim_make(turned, &made->claim), 0);
	unwatch_port();
	kt_on_nap = NULL;
	KT_EQ(kt_naps, 1);
	KT_EQ(ld_relaxed(&turned->claims.turn), 0);
	zonal_claim_drop(&made->claim);
}

#ifdef HOST_PORT_IMPL_H
#include <pthread.h>

enum { BUILDERS = 4, ROUNDS = 200, GUEST = 1024 };

static struct {
	struct zonal *mm;
	_Atomic unsigned wrong, starts;
} race;

/* A guest of two nodes, built under its claim again and again; a start that fails half way is
 * what must never be. */
static void *builder(void *arg)
{
	struct made made = { .claim = { .owner = "builder", .gfp = QUIET, .parts = 2 } };
	unsigned cpu = (unsigned)(uintptr_t)arg;

	host_set_cpu(cpu);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct page *chain[2] = { NULL };
		unsigned count[2] = { 0 };
		struct page *page;

		made.claim.part = made.part;
		for (unsigned n = 0; n < 2; n++)
			made.part[n] = (struct zonal_claim_part){ .nid = n, .pages = GUEST };
		if (zonal_claim_make(race.mm, &made.claim))
			continue;
		for (unsigned n = 0; n < 2; n++)
			while ((page = zonal_claim_take(&made.claim, (int)n, 0, 2))) {
				*(struct page **)zonal_page_owner(page) = chain[n];
				chain[n] = page;
				count[n] += 4;
			}
		if (count[0] != GUEST || count[1] != GUEST)
			race.wrong++;
		race.starts++;
		zonal_claim_drop(&made.claim);
		for (unsigned n = 0; n < 2; n++)
			for (; chain[n]; chain[n] = page) {
				page = *(struct page **)zonal_page_owner(chain[n]);
				zonal_free(race.mm, chain[n], 2);
			}
	}
	return NULL;
}

KTEST_F(claim, builders_that_race_have_all_or_nothing, KT_HOST_ONLY)
{
	static const struct kt_spec four = {
		.ram = { { 0, KT_DMA_PFN, 4 * LARGEST },
			 { 1, KT_DMA_PFN + 4 * LARGEST, 4 * LARGEST } },
		.cpus = BUILDERS + 1,
	};
	pthread_t thread[BUILDERS];

	race.mm = kt_bare_instance(&four);
	race.wrong = race.starts = 0;
	if (!race.mm)
		return;
	for (unsigned i = 0; i < BUILDERS; i++)
		KT_EQ(pthread_create(&thread[i], NULL, builder, (void *)(uintptr_t)(i + 1)), 0);
	for (unsigned i = 0; i < BUILDERS; i++)
		pthread_join(thread[i], NULL);
	KT_EQ(race.wrong, 0);
	KT_TRUE(race.starts > 0);
	for (unsigned c = 1; c <= BUILDERS; c++) {
		host_set_cpu(c);
		zonal_drain_local(race.mm);
	}
	host_set_cpu(0);
	KT_EQ(free_on(race.mm, 0), 4 * LARGEST);
	KT_EQ(free_on(race.mm, 1), 4 * LARGEST);
	KT_EQ(zonal_claimed_pages(race.mm, 0), 0);
	kt_check_all(race.mm);
}
#endif
