/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Refill: an empty per-CPU list gets `batch` pages of its zone (P6).
 *
 * Where the lists of the type have them, all come under one hold of the zone lock, in physical
 * order. Where each page or few have to be stolen from another type's pageblock, that would take
 * some 50,000 steps, and nobody may be kept waiting so long. So a hold ends behind some thefts
 * (mobility_take_singles), and what is missing is owed: the caller takes its page, counts it and
 * comes back for the rest, piece by piece with interrupts open in between (pcp_refill_rest). If
 * nobody else touches the zone meanwhile, the list ends up as one hold would have left it.
 *
 * In between the list is a list like any other: interrupts take from it and free into it, another
 * CPU may have it drained, and the task may go on elsewhere. Then the CPU that it comes to owes
 * nothing, and what the first one owes is dropped with its next refill, or made good by whoever
 * takes there next. A CPU whose lists would come to hold more than `high` pages and a
 * batch is owed nothing any more.
 *
 * Owned by one CPU, under its interrupt mask (T2); the zone lock is taken inside.
 */
#include "pcp.h"

#include "lib/assert.h"
#include "mobility.h"
#include "page_check.h"

/* Pages that one more hold of the lock may bring. */
#define REST_PIECE 32u

/* Pages of CMA lists lie in CMA blocks and no others do, so their home shows in the block. */
static void home_cma_pages(const struct zone *zone, struct page **slot, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (page_block_type(slot[i]) == MIGRATE_CMA)
			page_set_word(slot[i], word_pcp(zone->id, MIGRATE_CMA));
}

/* Turn what the lists of `type` gave into PCP pages, dropping those that fail the check
 * (D20: at refill); returns how many stay. */
static unsigned accept_refill(struct zone *zone, struct page **slot, unsigned count, unsigned type)
{
	uint32_t inner = word_make(zone->id, PAGE_INNER, 0);
	uint32_t in_list = word_pcp(zone->id, type);
	unsigned i = 0, kept;

	for (; ZONAL_LANES && i < count && likely(page_word(slot[i]) == inner); i++)
		page_set_word(slot[i], in_list);
	for (kept = i; unlikely(i < count); i++) {
		struct page *page = slot[i];

		if (page_word(page) != inner && !page_check_take(zone->mm, page))
			continue;
		page_set_word(page, in_list);
		slot[kept++] = page;
	}
	return kept;
}

/* `count` pages from slot[0] on are the list's now, but for bad ones; how many stay. */
static unsigned make_pcp(struct zone *zone, struct page **slot, unsigned count, unsigned type,
			 bool cma)
{
	unsigned kept = accept_refill(zone, slot, count, type);

	DASSERT_MASKED();
	if (unlikely(cma))
		home_cma_pages(zone, slot, kept);
	return kept;
}

struct page *pcp_refill(struct zone *zone, struct pcp *pcp, unsigned type, unsigned flags)
{
	struct pcp_ring *ring = &pcp->ring[type];
	unsigned count;
	bool cma;

	DASSERT_MASKED();
	DASSERT(!pcp_has(pcp, type), "zone %u: the list of type %u is not empty", zone->id, type);
	if (unlikely(!ld_relaxed(&pcp->announced)))
		mm_unannounced_cpu(zone->mm);
	do {
		lock_take(&zone->lock);
		cma = (flags & ALLOC_CMA) && ld_relaxed(&zone->free_cma);
		count = mobility_take_singles(zone, type, flags, ring->slot, pcp->batch);
		lock_drop(&zone->lock);
		if (!count)
			return NULL;
		own_add(&pcp->stat[STAT_REFILL], 1);
		ring->head = 0;
		ring->tail = make_pcp(zone, ring->slot, count, type, cma);
		pcp->owed = (uint16_t)(pcp->batch - count);
		pcp->owed_type = (uint8_t)type;
		own_add(&pcp->count, ring->tail);
	} while (!ring->tail);
	return pcp_pop(pcp, type);
}

/* One hold of the lock. What CPUs and interrupts did meanwhile may have filled the lists. */
static void refill_piece(struct zone *zone, struct pcp *pcp, unsigned type, unsigned flags)
{
	unsigned want = ZN_MIN((unsigned)pcp->owed, (unsigned)REST_PIECE), count, kept;
	struct pcp_ring *ring = &pcp->ring[type];
	struct page *got[REST_PIECE];
	bool cma;

	DASSERT_MASKED();
	ASSERT(type < MIGRATE_PCPTYPES && pcp->owed <= pcp->mask, "zone %u: %u pages of type %u",
	       zone->id, pcp->owed, type);
	lock_take(&zone->lock);
	cma = (flags & ALLOC_CMA) && ld_relaxed(&zone->free_cma);
	count = mobility_take_singles(zone, type, flags, got, want);
	lock_drop(&zone->lock);
	kept = make_pcp(zone, got, count, type, cma);
	for (unsigned i = 0; i < kept; i++)
		ring->slot[ring->tail++ & pcp->mask] = got[i];
	own_add(&pcp->count, kept);
	pcp->owed = (uint16_t)(count ? pcp->owed - count : 0);
}

/* A ring has room for `high` pages and a batch, whatever came in meanwhile. */
static inline bool has_room(struct pcp *pcp)
{
	return ld_relaxed(&pcp->count) + pcp->owed <= pcp->high + pcp->batch;
}

void pcp_refill_rest(struct zone *zone, unsigned type, unsigned flags, port_irqflags_t irq)
{
	for (;;) {
		struct pcp *pcp;

		port_irq_restore(irq);
		(void)port_irq_save();
		pcp = &mm_this_cpu(zone->mm)->pcp[zone->id];
		if (pcp->owed_type != type || !has_room(pcp))
			pcp->owed = 0;
		if (!pcp->owed)
			return;
		refill_piece(zone, pcp, type, flags);
	}
}
