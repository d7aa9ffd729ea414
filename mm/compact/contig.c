/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contiguous ranges: memory in one piece, of any size, out of memory that is in use (A5, A6).
 *
 *	isolate  the pageblocks of the range, widened to whole blocks of the largest order, so
 *	         that nothing more is given out of them (isolate_block.c)
 *	empty    piece by piece: the listed pages of up to a batch are moved away through their
 *	         owners (move.c). What is in between two states (in reclaim's hands, just being
 *	         freed, taken a moment ago and not listed yet) is given CONTIG_TRIES looks
 *	take     all of it lies in the ISOLATE lists now, as few large blocks; each is carved out
 *	         where the range begins and ends, and made into single pages
 *	end      of the isolation, whatever became of it
 *
 * The range is the caller's alone from the first step on: a second one that wants one of its blocks
 * finds it isolated. What is freed there lands in the ISOLATE lists, of which nobody takes. So the
 * steps need no lock between them.
 *
 * New frames come from the node of the range, as near as movable memory is there, and never from
 * the range itself. Who asks pays for them: the request may wait and reclaim.
 *
 * Zone lock: for one pageblock (isolate), for one block (take). LRU lock: for one batch.
 */
#include "contig.h"

#include "lib/assert.h"
#include "mm/buddy.h"
#include "mm/deferred.h"
#include "mm/page_check.h"
#include "mm/take.h"
#include "move.h"
#include "turn.h"

#define CONTIG_TRIES 5u
#define LARGEST_PAGES ((pfn_t)1 << (MAX_ORDER - 1))

struct contig {
	struct move move;
	struct zone *zone;
	pfn_t start, end;
	unsigned type;
	gfp_t gfp;
};

/* ---- where pages go ---- */

static struct page *contig_target(void *arg, struct page *from)
{
	struct contig *c = arg;
	gfp_t gfp = GFP_HIGHUSER_MOVABLE | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;

	(void)from;
	/* As 5.10: a page that was not in the movable zone does not get there by being moved. */
	if (c->zone->type < ZONE_MOVABLE)
		gfp &= ~__GFP_HIGHMEM;
	return zonal_alloc_node(c->move.mm, c->zone->node, gfp, 0);
}

static void contig_unused(void *arg, struct page *to)
{
	zonal_free(((struct contig *)arg)->move.mm, to, 0);
}

/* ---- empty ---- */

/* A page that is no head of a free block or of one in use: behind which of the block that holds it
 * does the walk go on? */
static pfn_t behind_inner(struct page *page)
{
	struct page *head = buddy_head(page);

	return head ? head->pfn + (1u << page_order(head)) : 0;
}

/* The listed pages from *at on, at most a batch and not beyond `limit`, where the walk has
 * come to then. *stuck: pages were met that are neither free nor listed. */
static unsigned contig_gather(struct contig *c, pfn_t *at, pfn_t limit, struct page **found,
			      bool *stuck)
{
	unsigned count = 0;
	pfn_t next, behind;

	for (*stuck = false; *at < limit && count < MOVE_BATCH; *at = ZN_MIN(next, limit)) {
		struct page *page = mm_page(c->move.mm, *at);
		uint32_t word = page_word(page);

		next = *at + 1;
		if (word_state(word) == PAGE_FREE) {
			next = *at + (1u << word_order(word));
		} else if (word_in_use(word) && (word & (PG_LRU | PG_ISOLATED)) == PG_LRU) {
			found[count++] = page;
		} else if (word_state(word) == PAGE_INNER && (behind = behind_inner(page)) > *at) {
			next = behind; /* the block may be another one by now: never back */
		} else {
			*stuck = true;
		}
	}
	return count;
}

/* A batch's worth from *at on, which moves behind it. False: something there cannot be moved. */
static bool contig_empty_piece(struct contig *c, pfn_t *at)
{
	struct node *node = c->move.mm->node[c->zone->node];
	struct move_batch batch = { .count = 0 };
	struct page *found[MOVE_BATCH];
	pfn_t from = *at;
	bool stuck;
	unsigned count = contig_gather(c, at, c->end, found, &stuck);

	for (unsigned tries = 0; count || stuck; tries++) {
		pfn_t again = from;

		if (tries == CONTIG_TRIES)
			return false;
		if (tries)
			reclaim_nap(RECLAIM_NAP_NS / 1000);
		if (count)
			move_take_some(c->move.mm, &batch, node, found, count);
		if (batch.count)
			move_pages(&c->move, &batch);
		count = contig_gather(c, &again, *at, found, &stuck);
	}
	return true;
}

static bool contig_empty(struct contig *c)
{
	for (pfn_t at = c->start; at < c->end;) {
		if (!contig_empty_piece(c, &at))
			return false;
		reclaim_give_way();
	}
	return true;
}

/* ---- take ---- */

/* The largest block at `at` that lies in the range and in one free block of the ISOLATE lists, off
 * its list; its order, or -1: the page is not free. */
static int contig_carve(struct contig *c, pfn_t at)
{
	struct page *page = mm_page(c->move.mm, at), *head;
	port_irqflags_t irq = port_irq_save();
	int order = -1;

	lock_take(&c->zone->lock);
	head = buddy_head(page);
	if (head && page_zid(head) == c->zone->id && head->list_type == MIGRATE_ISOLATE) {
		order = (int)page_order(head);
		while ((at & (((pfn_t)1 << order) - 1)) || at + ((pfn_t)1 << order) > c->end)
			order--;
		ASSERT(order >= 0, "pfn 0x%llx, end 0x%llx", (unsigned long long)at,
		       (unsigned long long)c->end);
		buddy_carve(c->zone, page, (unsigned)order);
	}
	lock_drop(&c->zone->lock);
	port_irq_restore(irq);
	return order;
}

/* Single pages of a block that is off the lists. False: one of them was damaged. */
static bool contig_prepare(struct contig *c, struct page *page, unsigned count)
{
	uint32_t inner = word_make(c->zone->id, PAGE_INNER, 0);
	bool traced = ld_relaxed(&c->move.mm->gates) & GATE_PAGE_OWNER, fit = true;

	for (unsigned i = 0; i < count; i++) {
		if (unlikely(page_word(page + i) != inner) &&
		    !page_check_take(c->move.mm, page + i)) {
			fit = false;
			continue;
		}
		page_prepare(page + i, word_make(c->zone->id, PAGE_USED, 0));
		if (unlikely(traced))
			page_owner_set(c->move.mm, page + i, 0, c->gfp, c->type);
	}
	return fit;
}

/* What was taken of the range goes back, if it was not all of it. */
static void contig_return(struct contig *c, pfn_t end)
{
	for (pfn_t pfn = c->start; pfn < end; pfn++) {
		struct page *page = mm_page(c->move.mm, pfn);

		if (word_in_use(page_word(page)))
			zonal_free(c->move.mm, page, 0);
	}
}

static int contig_collect(struct contig *c)
{
	pfn_t at = c->start;
	bool fit = true;

	for (int order; fit && at < c->end; at += (pfn_t)1 << order) {
		order = contig_carve(c, at);
		if (order < 0)
			break;
		fit = contig_prepare(c, mm_page(c->move.mm, at), 1u << order);
	}
	if (fit && at == c->end)
		return 0;
	contig_return(c, at);
	return ZONAL_EBUSY;
}

/* D9, D12: what the pages hold, as for any block; all are ours. */
static void contig_contents(const struct contig *c)
{
	struct zonal *mm = c->move.mm;
	gfp_t gfp = c->gfp;

	if (ld_relaxed(&mm->gates) & GATE_CONTENTS)
		for (pfn_t at = c->start, some; at < c->end; at += some) {
			some = ZN_MIN(c->end - at, LARGEST_PAGES);
			gfp = contents_taken(mm, at, some, c->gfp);
		}
	if (gfp & __GFP_ZERO)
		mm->clear(mm->ctx, c->start, (size_t)(c->end - c->start));
}

/* ---- all of it ---- */

int contig_take(struct zonal *mm, pfn_t start, uint64_t pages, unsigned type, gfp_t gfp)
{
	struct contig c = { .start = start, .end = start + pages, .type = type, .gfp = gfp };
	pfn_t low = start & ~(LARGEST_PAGES - 1), high = align_up(c.end, LARGEST_PAGES);
	int error;

	ASSERT(type == MIGRATE_MOVABLE || type == MIGRATE_CMA, "a range of type %u", type);
	if (!pages || ((gfp & __GFP_ZERO) && !mm->clear))
		return ZONAL_EINVAL;
	c.zone = zone_of_range(mm, start, pages);
	if (!c.zone)
		return ZONAL_EINVAL;
	c.move = (struct move){ .mm = mm,
				.mode = MOVE_SYNC,
				.reason = MOVE_FOR_RANGE,
				.may_fs = gfp & __GFP_FS,
				.target = contig_target,
				.unused = contig_unused,
				.arg = &c };
	error = range_isolate(mm, low, high, type);
	if (error)
		return error;
	error = contig_empty(&c) ? contig_collect(&c) : ZONAL_EBUSY;
	range_unisolate(mm, low, high, type);
	if (!error)
		contig_contents(&c);
	return error;
}

int zonal_alloc_contig_range(struct zonal *mm, pfn_t start, uint64_t pages, gfp_t gfp)
{
	return contig_take(mm, start, pages, MIGRATE_MOVABLE, gfp);
}
