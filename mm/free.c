/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * __free_pages: from the owner back to the lists.
 *
 *	zonal_free       is it a used head of that order? drop a reference
 *	  last one:
 *	  free_single    order 0: to this CPU's list (P7, P8)
 *	  free_block     order > 0: to the buddy under the zone lock
 *
 * What is wrong in the call itself is found before anything changes: the word of
 * the page says whether it is the head of a used block and of what order, and
 * the page map says whether the structure is one of ours. So a double free, a wrong order, a
 * page never allocated or another instance's page is reported at the call, and
 * costs the rightful owner nothing.
 *
 * The last reference decides who frees. Two CPUs that drop one reference each
 * race on the count alone: acquire-release, so that what the other holder wrote
 * to the page comes before the page goes to its next owner.
 *
 * A block of order > 0 that is not compound, freed while someone else holds a reference
 * on its head: the head stays with that holder, as a single page, and the rest goes back
 * at once (B17). Whether it is compound is read before the reference is dropped;
 * afterwards the page may be anyone's.
 */
#include "alloc.h"

#include "buddy.h"
#include "page_check.h"
#include "page_owner.h"
#include "pcp.h"
#include "take.h"

/* Flags that need a second look at free; the rest of the owner's flags just go. */
#define FREE_STOP (PG_FREE_CHECK | PG_HWPOISON | PG_COMP)

static inline bool page_is_ours(const struct zonal *mm, const struct page *page)
{
	return likely(page->pfn >> MM_SECTION_SHIFT < mm->section_count) &&
	       likely(mm_page(mm, page->pfn) == page);
}

static inline void put_block(struct zonal *mm, struct page *page, unsigned order)
{
	port_irqflags_t irq = port_irq_save();
	unsigned zid = page_zid(page);
	struct zone *zone = mm->zone[zid];

	page_set_word(page, word_make(zid, PAGE_INNER, 0));
	own_add(&mm->cpu[port_this_cpu()->id]->pcp[zid].stat[STAT_FREED], 1u << order);
	lock_take(&zone->lock);
	buddy_put(zone, page, order, BUDDY_AUTO);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
}

/* A page that must not hide in a per-CPU list while its block is being emptied. */
static ZN_NOINLINE void put_isolated(struct zonal *mm, struct page *page)
{
	put_block(mm, page, 0);
}

/* P9: a CPU that holds enough returns a batch; masked on entry, as `irq` says after. */
static ZN_NOINLINE void return_batch(struct zonal *mm, struct pcp *pcp, unsigned zid,
				     port_irqflags_t irq)
{
	pcp_bulk_free(mm->zone[zid], pcp, pcp->batch);
	port_irq_restore(irq);
}

/* P8: which list a page of a pageblock of `type` goes to; PCPTYPES: none. */
static inline unsigned list_of_block(unsigned type)
{
	if (likely(type < MIGRATE_PCPTYPES))
		return type;
	return type == MIGRATE_ISOLATE ? MIGRATE_PCPTYPES : MIGRATE_MOVABLE;
}

/* A single page of zone `zid` whose last reference is gone. */
static inline void free_single(struct zonal *mm, struct page *page, unsigned zid)
{
	unsigned type = list_of_block(page_block_type(page));
	port_irqflags_t irq;
	struct pcp *pcp;

	if (unlikely(type == MIGRATE_PCPTYPES)) {
		put_isolated(mm, page);
		return;
	}
	irq = port_irq_save();
	pcp = &mm->cpu[port_this_cpu()->id]->pcp[zid];
	own_add(&pcp->stat[STAT_FREED], 1);
	if (unlikely(pcp_push(pcp, page, zid, type)))
		return_batch(mm, pcp, zid, irq);
	else
		port_irq_restore(irq);
}

/* D1, D17: false if the block is not used again. A poisoned page was freed all the same. */
static ZN_NOINLINE bool free_look(struct zonal *mm, struct page *page, unsigned order)
{
	bool traced = ld_relaxed(&page->mapped) & MAPPED_TRACED;
	bool poisoned = page_word(page) & PG_HWPOISON;
	bool fit = page_check_free(mm, page, order);

	if (traced && (fit || poisoned))
		page_owner_free(mm, page, order);
	return fit;
}

static void free_checked(struct zonal *mm, struct page *page, unsigned order)
{
	uint32_t word = page_word(page);

	if (unlikely((word & (FREE_STOP & ~PG_COMP)) || ld_relaxed(&page->mapped) ||
		     (ld_relaxed(&mm->gates) & GATE_CHECK_ALL)) &&
	    !free_look(mm, page, order))
		return;
	if (unlikely(word & PG_COMP))
		compound_break(page, order);
	if (order)
		put_block(mm, page, order);
	else
		free_single(mm, page, word_zid(word));
}

/* B17: the head stays with its other holder, the rest is freed in halves. */
static void free_all_but_head(struct zonal *mm, struct page *page, unsigned order)
{
	uint32_t word = page_word(page);

	page_set_word(page, word & ~WORD_ORDER_MASK);
	if (unlikely(ld_relaxed(&page->mapped) & MAPPED_TRACED))
		page_owner_free_rest(mm, page, order);
	while (order-- > 0)
		put_block(mm, page + (1u << order), order);
}

/* Is the call right: a head of ours, in use, of that order? */
static inline bool call_is_right(const struct zonal *mm, const struct page *page, unsigned order)
{
	uint32_t word = page_word(page) & (WORD_STATE_MASK | WORD_ORDER_MASK);

	return likely(order < MAX_ORDER) && likely(word == word_make(0, PAGE_USED, order)) &&
	       page_is_ours(mm, page);
}

/* Drop a reference of what needs more than the plain paths, or should not be freed. */
static ZN_NOINLINE void free_careful(struct zonal *mm, struct page *page, unsigned order)
{
	int32_t refs;

	if (!call_is_right(mm, page, order)) {
		page_report_misuse(mm, page, order);
		return;
	}
	/* Shared and not compound: the rest must go before our reference does, for
	 * after that the head can be freed and taken again at any moment. */
	if (order && !(page_word(page) & PG_COMP) && ld_relaxed(&page->refs) > 1) {
		free_all_but_head(mm, page, order);
		order = 0;
	}
	refs = fetch_dec_acq_rel(&page->refs);
	if (refs == 1)
		free_checked(mm, page, order);
	else if (refs < 1)
		page_report_misuse(mm, page, order);
}

/* A used head of ours of that order with nothing attached: one comparison for state, order and
 * all flags that could stop it. The order is below MAX_ORDER. */
static inline bool is_plain(const struct zonal *mm, struct page *page, uint32_t word,
			    unsigned order)
{
	return likely((word & (WORD_STATE_MASK | WORD_ORDER_MASK | FREE_STOP)) ==
		      word_make(0, PAGE_USED, 0) + (order << WORD_ORDER_SHIFT)) &&
	       likely(!ld_relaxed(&page->mapped)) && page_is_ours(mm, page);
}

/* A block of order > 0; plain if the reference is the last, too. */
static ZN_NOINLINE void free_block(struct zonal *mm, struct page *page, unsigned order)
{
	/* One reference, ours: nobody can add another, for that takes one (zonal_get). */
	if (unlikely(order >= MAX_ORDER) || !is_plain(mm, page, page_word(page), order) ||
	    unlikely(ld_relaxed(&page->refs) != 1) ||
	    unlikely(ld_relaxed(&mm->gates) & GATE_CHECK_ALL)) {
		free_careful(mm, page, order);
		return;
	}
	if (likely(fetch_dec_acq_rel(&page->refs) == 1))
		put_block(mm, page, order);
	else
		page_report_misuse(mm, page, order);
}

/* Order 0: others hold references still; or nobody did. */
static ZN_NOINLINE void free_shared(struct zonal *mm, struct page *page, int32_t refs)
{
	if (refs < 1)
		page_report_misuse(mm, page, 0);
}

void zonal_free(struct zonal *mm, struct page *page, unsigned order)
{
	uint32_t word;
	int32_t refs;

	if (unlikely(!page))
		return;
	if (order) {
		free_block(mm, page, order);
		return;
	}
	word = page_word(page);
	if (unlikely(!is_plain(mm, page, word, 0))) {
		free_careful(mm, page, 0);
		return;
	}
	refs = fetch_dec_acq_rel(&page->refs);
	if (likely(refs == 1))
		free_single(mm, page, word_zid(word));
	else
		free_shared(mm, page, refs);
}

void zonal_get(struct page *page)
{
	fetch_add_relaxed(&page->refs, 1);
}

void zonal_put(struct zonal *mm, struct page *page)
{
	/* Not a free of a non-compound block's rest: only this reference goes. */
	if (page_state(page) != PAGE_USED || ld_relaxed(&page->refs) < 1) {
		page_report_misuse(mm, page, page_order(page));
		return;
	}
	/* The order is read when the block is ours alone: up to then a zonal_free() of another
	 * holder may have given back all but the head (B17). */
	if (fetch_dec_acq_rel(&page->refs) == 1)
		free_checked(mm, page, page_order(page));
}
