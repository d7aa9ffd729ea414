/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking a block out of one zone.
 *
 * The zone walk has decided for this zone. Single pages come from this CPU's list
 * (F12), except movable ones that must not use CMA pages: the per-CPU list of
 * movable pages may hold CMA pages, and 5.10 does not sort them apart (P11), so such
 * a request goes to the buddy. Blocks of higher order take the zone lock; if the
 * request may harm reserves they look at the highatomic reserve first (H3).
 *
 * A block that fails the page check is leaked and another one is taken (D4).
 *
 * Every block is counted once, by the node it came from, the node it was wanted
 * from and the node of the CPU that took it (Y1-Y5). Interrupts are masked from
 * the look at the list to the count, so that both belong to one CPU (T2).
 */
#include "take.h"

#include "lib/assert.h"
#include "buddy.h"
#include "mobility.h"
#include "page_check.h"
#include "pcp.h"
#include "trace.h"
#include "wake.h"
#include "watermark.h"

static struct page *take_single(struct zone *zone, struct mm_cpu *cpu, unsigned type,
				unsigned flags)
{
	struct pcp *pcp = &cpu->pcp[zone->id];

	DASSERT_MASKED();
	DASSERT(type < MIGRATE_PCPTYPES, "type %u", type);
	return pcp_has(pcp, type) ? pcp_pop(pcp, type) : pcp_refill(zone, pcp, type, flags);
}

static struct page *take_block(struct zone *zone, const struct alloc_req *req, unsigned flags)
{
	struct page *page = NULL;

	DASSERT_MASKED();
	DASSERT(req->order < MAX_ORDER && zone->mm == req->mm, "order %u, zone %u", req->order,
		zone->id);
	lock_take(&zone->lock);
	do {
		if (ZONAL_MOBILITY && req->order && (flags & ALLOC_HARDER))
			page = buddy_take(zone, req->order, MIGRATE_HIGHATOMIC);
		else
			page = NULL;
		if (!page)
			page = mobility_take(zone, req->order, req->type, flags);
		if (page)
			trace(zone->mm, ZONE_LOCKED, page->pfn, req->order, req->type,
			      !req->order);
	} while (page && !page_check_block(zone->mm, page, req->order));
	lock_drop(&zone->lock);
	return page;
}

void take_note_boost(struct mm_cpu *cpu, struct zone *zone)
{
	DASSERT_MASKED();
	if (!ZONAL_MOBILITY || likely(!ld_relaxed(&zone->boosted)))
		return;
	lock_take(&zone->lock);
	zone_set_boosted(zone, false);
	lock_drop(&zone->lock);
	own_add(&cpu->kswapd_wakes, 1);
	kswapd_wake(zone->mm, zone->mm->node[zone->node], 0, zone->type, 0);
}

struct page *zone_take(struct zone *zone, const struct alloc_req *req,
		       const struct alloc_pass *pass)
{
	unsigned flags = pass->flags;
	bool no_cma = ZONAL_CMA && req->type == MIGRATE_MOVABLE && !(flags & ALLOC_CMA);
	bool single = req->order == 0 && !no_cma;
	const struct zone *preferred = req->list->ref[pass->preferred].zone;
	port_irqflags_t irq = port_irq_save();
	struct mm_cpu *cpu = mm_this_cpu(req->mm);
	struct page *page;

	DASSERT(pass->preferred < req->list->count, "zone %u of %u", pass->preferred,
		req->list->count);
	if (single)
		page = take_single(zone, cpu, req->type, flags);
	else
		page = take_block(zone, req, flags);
	if (page)
		take_count(cpu, zone, preferred, req->order);
	if (page && single && unlikely(pcp_owes(&cpu->pcp[zone->id]))) {
		pcp_refill_rest(zone, req->type, flags, irq);
		cpu = mm_this_cpu(req->mm);
	}
	/* 5.10 looks at the flag behind a per-CPU list even if that stayed empty. */
	if (page || single)
		take_note_boost(cpu, zone);
	port_irq_restore(irq);
	return page;
}

void compound_build(struct page *head, unsigned order)
{
	uint32_t tail = word_make(page_zid(head), PAGE_TAIL, 0);

	ASSERT(page_state(head) == PAGE_USED && order && order < MAX_ORDER,
	       "pfn 0x%x, word 0x%x, order %u", head->pfn, page_word(head), order);
	for (unsigned i = 1; i < 1u << order; i++) {
		head[i].head = head->pfn;
		page_set_word(head + i, tail);
	}
}

void compound_break(struct page *head, unsigned order)
{
	uint32_t inner = word_make(page_zid(head), PAGE_INNER, 0);

	ASSERT(word_in_use(page_word(head)) && order < MAX_ORDER, "pfn 0x%x, word 0x%x, order %u",
	       head->pfn, page_word(head), order);
	for (unsigned i = 1; i < 1u << order; i++)
		page_set_word(head + i, inner);
}

void page_prepare_rest(struct zonal *mm, struct page *page, gfp_t gfp, unsigned order,
		       unsigned flags)
{
	DASSERT(page_state(page) == PAGE_USED, "pfn 0x%x, word 0x%x", page->pfn, page_word(page));
	ASSERT(mm->clear || !(gfp & __GFP_ZERO), "gfp 0x%x came past the door", gfp);
	if (order && (gfp & __GFP_COMP)) {
		page_set_word(page, page_word(page) | PG_COMP);
		compound_build(page, order);
	}
	if (ZONAL_WATERMARKS && (flags & ALLOC_NO_WATERMARKS))
		page_set_word(page, page_word(page) | PG_PFMEMALLOC);
	if (gfp & __GFP_ZERO)
		mm->clear(mm->ctx, page->pfn, (size_t)1 << order);
}
