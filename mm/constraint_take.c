/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking exact pages out of the free lists for <zonal/constraint.h>, and putting them back.
 *
 * A range lies in free blocks of any orders. Each is carved where the range begins and ends, and
 * what is split off goes back to the list that the block came from; one hold of the zone lock is
 * one block. Between two holds somebody else may take the rest of the range: then what was
 * carved goes back, as the largest blocks that alignment allows, and merges. So the lists
 * hold the same pages afterwards, and nobody has been given one.
 *
 * While it is carved, a page is INNER and in no list, as between a take and its preparation. A page
 * that is damaged (D4) is counted, leaked, and not put back.
 *
 * Blocks of the types ISOLATE, CMA and HIGHATOMIC are passed over: they are kept for somebody.
 */
#include "constraint_take.h"

#include "buddy.h"
#include "contents.h"
#include "lib/assert.h"
#include "page_check.h"
#include "take.h"

/* The free block that holds `page`, if it may be taken from; NULL: it is in none. */
static struct page *fit_block(const struct zone *zone, struct page *page)
{
	struct page *head = buddy_head(page);

	if (!head || page_zid(head) != zone->id || head->list_type >= MIGRATE_PCPTYPES)
		return NULL;
	return head;
}

pfn_t fit_first_used(const struct zone *zone, pfn_t start, pfn_t end)
{
	ASSERT(start < end, "pages 0x%llx to 0x%llx", (unsigned long long)start,
	       (unsigned long long)end);
	while (start < end) {
		struct page *page = zonal_page(zone->mm, start);
		struct page *head = page ? fit_block(zone, page) : NULL;

		if (!head)
			return start;
		/* The order may change as it is read; never back to before. */
		start = ZN_MAX(start + 1, head->pfn + ((pfn_t)1 << page_order(head)));
	}
	return end;
}

/* The largest block at `at` within the range and one free block, off its list; its order, -1: the
 * page is not to be had. */
static int fit_carve_block(struct zone *zone, pfn_t at, pfn_t end)
{
	struct page *page = mm_page(zone->mm, at), *head;
	port_irqflags_t irq = port_irq_save();
	int order = -1;

	lock_take(&zone->lock);
	head = fit_block(zone, page);
	if (head) {
		order = (int)page_order(head);
		while ((at & (((pfn_t)1 << order) - 1)) || at + ((pfn_t)1 << order) > end)
			order--;
		buddy_carve(zone, page, (unsigned)order);
	}
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	return order;
}

/* D4: false, and those that are damaged are BAD. */
static bool fit_for_use(struct zone *zone, pfn_t start, pfn_t end)
{
	uint32_t inner = word_make(zone->id, PAGE_INNER, 0);
	bool fit = true;

	for (; start < end; start++) {
		struct page *page = mm_page(zone->mm, start);

		if (unlikely(page_word(page) != inner) && !page_check_take(zone->mm, page))
			fit = false;
	}
	return fit;
}

bool fit_carve(struct zone *zone, pfn_t start, pfn_t end)
{
	pfn_t at = start;
	int order = 0;

	ASSERT(!port_irqs_masked() && start < end, "pages 0x%llx to 0x%llx",
	       (unsigned long long)start, (unsigned long long)end);
	while (at < end && order >= 0) {
		order = fit_carve_block(zone, at, end);
		if (order >= 0)
			at += (pfn_t)1 << order;
	}
	if (at == end && fit_for_use(zone, start, end))
		return true;
	if (at > start)
		fit_put_back(zone, start, at);
	return false;
}

/* The order of the largest block at `at` that ends at `end` or before and has no BAD page. */
static unsigned fit_order(const struct zone *zone, pfn_t at, pfn_t end)
{
	unsigned order = 0;

	while (order < MAX_ORDER - 1 && !(at & ((pfn_t)1 << order)) &&
	       at + ((pfn_t)2 << order) <= end) {
		for (pfn_t i = (pfn_t)1 << order; i < (pfn_t)2 << order; i++)
			if (page_state(mm_page(zone->mm, at + i)) != PAGE_INNER)
				return order;
		order++;
	}
	return order;
}

void fit_put_back(struct zone *zone, pfn_t start, pfn_t end)
{
	unsigned order;

	for (pfn_t at = start; at < end; at += (pfn_t)1 << order) {
		struct page *page = mm_page(zone->mm, at);
		port_irqflags_t irq;

		order = 0;
		if (page_state(page) != PAGE_INNER)
			continue;
		order = fit_order(zone, at, end);
		irq = port_irq_save();
		lock_take(&zone->lock);
		buddy_put(zone, page, order, BUDDY_AUTO);
		buddy_unboost_if_free(zone);
		lock_drop(&zone->lock);
		port_irq_restore(irq);
	}
}

void fit_prepare(struct zone *zone, pfn_t start, pfn_t end, gfp_t gfp)
{
	struct zonal *mm = zone->mm;
	uint32_t gates = ld_relaxed(&mm->gates);

	for (pfn_t pfn = start; pfn < end; pfn++) {
		struct page *page = mm_page(mm, pfn);

		ASSERT(page_state(page) == PAGE_INNER, "pfn 0x%x, word 0x%x", page->pfn,
		       page_word(page));
		page_prepare(page, word_make(zone->id, PAGE_USED, 0));
		if (unlikely(gates & GATE_PAGE_OWNER))
			page_owner_set(mm, page, 0, gfp, MIGRATE_UNMOVABLE);
	}
	if (gates & GATE_CONTENTS)
		for (pfn_t at = start, some; at < end; at += some) {
			some = ZN_MIN(end - at, (pfn_t)1 << (MAX_ORDER - 1));
			gfp = contents_taken(mm, at, some, gfp);
		}
	if (gfp & __GFP_ZERO)
		mm->clear(mm->ctx, start, (size_t)(end - start));
}
