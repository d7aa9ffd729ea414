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
#include "pcp.h"
#include "take.h"

/* Flags that need a second look at free; the rest of the owner's flags just go. */
#define FREE_STOP (PG_FREE_CHECK | PG_HWPOISON | PG_COMP)

static inline bool page_is_ours(const struct zonal *mm, const struct page *page)
{
	return likely(page->pfn >> MM_SECTION_SHIFT < mm->section_count) &&
	       likely(mm_page(mm, page->pfn) == page);
}

static void put_block(struct zonal *mm, struct page *page, unsigned order)
{
	port_irqflags_t irq = port_irq_save();
	struct zone *zone = mm_page_zone(mm, page);

	page_set_word(page, word_make(zone->id, PAGE_INNER, 0));
	lock_take(&zone->lock);
	buddy_put(zone, page, order, BUDDY_AUTO);
	lock_drop(&zone->lock);
	own_add(&mm->cpu[port_this_cpu()->id]->pcp[zone->id].stat[STAT_FREED], 1u << order);
	port_irq_restore(irq);
}

/* P8: pages of an isolated block must not hide in a per-CPU list. */
static inline void free_single(struct zonal *mm, struct page *page)
{
	unsigned type = page_block_type(page);
	port_irqflags_t irq;
	struct zone *zone;
	struct pcp *pcp;

	if (unlikely(type >= MIGRATE_PCPTYPES)) {
		if (type == MIGRATE_ISOLATE) {
			put_block(mm, page, 0);
			return;
		}
		type = MIGRATE_MOVABLE;
	}
	irq = port_irq_save();
	zone = mm_page_zone(mm, page);
	pcp = &mm->cpu[port_this_cpu()->id]->pcp[zone->id];
	own_add(&pcp->stat[STAT_FREED], 1);
	pcp_push(zone, pcp, page, type);
	port_irq_restore(irq);
}

static void free_checked(struct zonal *mm, struct page *page, unsigned order)
{
	uint32_t word = page_word(page);

	if (unlikely((word & (FREE_STOP & ~PG_COMP)) || ld_relaxed(&page->mapped) ||
		     (ld_relaxed(&mm->gates) & GATE_CHECK_ALL)) &&
	    !page_check_free(mm, page, order))
		return;
	if (unlikely(word & PG_COMP))
		compound_break(page, order);
	if (order)
		put_block(mm, page, order);
	else
		free_single(mm, page);
}

/* B17: the head stays with its other holder, the rest is freed in halves. */
static void free_all_but_head(struct zonal *mm, struct page *page, unsigned order)
{
	uint32_t word = page_word(page);

	page_set_word(page, word & ~WORD_ORDER_MASK);
	while (order-- > 0)
		put_block(mm, page + (1u << order), order);
}

void zonal_free(struct zonal *mm, struct page *page, unsigned order)
{
	uint32_t word, used;
	int32_t refs;

	if (unlikely(!page))
		return;
	word = page_word(page);
	used = (uint32_t)PAGE_USED << WORD_STATE_SHIFT | order << WORD_ORDER_SHIFT;
	if (unlikely((word & (WORD_STATE_MASK | WORD_ORDER_MASK)) != used) ||
	    unlikely(!page_is_ours(mm, page)) || unlikely(order >= MAX_ORDER)) {
		page_report_misuse(mm, page, order);
		return;
	}
	/* Shared and not compound: the rest must go before our reference does, for
	 * after that the head can be freed and taken again at any moment. */
	if (unlikely(order && !(word & PG_COMP) && ld_relaxed(&page->refs) > 1))
		free_all_but_head(mm, page, order), order = 0;
	refs = fetch_sub_acq_rel(&page->refs, 1);
	if (unlikely(refs != 1)) {
		if (refs < 1)
			page_report_misuse(mm, page, order);
		return;
	}
	if (order == 0 && likely(!(word & FREE_STOP)) && likely(!ld_relaxed(&page->mapped)))
		free_single(mm, page);
	else
		free_checked(mm, page, order);
}

void zonal_get(struct page *page)
{
	fetch_add_relaxed(&page->refs, 1);
}

void zonal_put(struct zonal *mm, struct page *page)
{
	unsigned order = page_order(page);

	/* Not a free of a non-compound block's rest: only this reference goes. */
	if (page_state(page) != PAGE_USED || ld_relaxed(&page->refs) < 1) {
		page_report_misuse(mm, page, order);
		return;
	}
	if (fetch_sub_acq_rel(&page->refs, 1) == 1)
		free_checked(mm, page, order);
}
