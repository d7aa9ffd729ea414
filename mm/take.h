/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_TAKE_H
#define MM_TAKE_H

#include "contents.h"
#include "page_owner.h"
#include "request.h"

/*
 * A block for `req` out of `zone`, whose watermark allowed it: per-CPU list for single
 * pages, buddy for the rest (F12). Counted, not yet prepared. NULL: the lists
 * have none that `flags` allow. Context: any; takes the zone lock.
 */
struct page *zone_take(struct zone *zone, const struct alloc_req *req,
		       const struct alloc_pass *pass);

/* Y2, Y3: count a block on CPU `cpu`. Masked. */
static inline void take_count(struct mm_cpu *cpu, struct zone *zone, const struct zone *preferred,
			      unsigned order)
{
	struct pcp *pcp = &cpu->pcp[zone->id];
	unsigned stat = zone->node == cpu->node ? STAT_HIT_LOCAL : STAT_HIT_OTHER;

	DASSERT_MASKED();
	if (zone->node != preferred->node) {
		stat += STAT_MISS_LOCAL - STAT_HIT_LOCAL;
		own_add(&cpu->pcp[preferred->id].stat[STAT_FOREIGN], 1);
	}
	own_add(&pcp->stat[stat], 1);
	if (order)
		own_add(&pcp->stat[STAT_TAKE_EXTRA], (1u << order) - 1);
}

/* F13: a theft has raised the boost; let reclaim know, once. Masked; takes the
 * zone lock if there is something to tell. */
void take_note_boost(struct mm_cpu *cpu, struct zone *zone);

/* D9: a taken block becomes its owner's. `word` has zone, order and flags. */
static inline void page_prepare(struct page *page, uint32_t word)
{
	DASSERT(word_state(word) == PAGE_USED && !ld_relaxed(&page->refs),
		"pfn 0x%x with %d references becomes 0x%x", page->pfn, ld_relaxed(&page->refs),
		word);
	page->owner[0] = 0;
	page->owner[1] = 0;
	page_set_used(page, word);
}

/* What of a prepared block depends on its flags: tails, contents, marks (D9, D10, L18). */
void page_prepare_rest(struct zonal *mm, struct page *page, gfp_t gfp, unsigned order,
		       unsigned flags);

/* All of it: the block that was taken out of `zone` for `req` becomes its owner's, however it was
 * come by. */
static inline void take_prepare(struct zone *zone, struct page *page, const struct alloc_req *req,
				const struct alloc_pass *pass)
{
	uint32_t gates = ld_relaxed(&req->mm->gates);
	gfp_t gfp = pass->gfp;

	page_prepare(page, word_make(zone->id, PAGE_USED, req->order));
	if (unlikely(gates & GATE_CONTENTS))
		gfp = contents_taken(req->mm, page->pfn, 1u << req->order, gfp);
	page_prepare_rest(req->mm, page, gfp, req->order, pass->flags);
	if (unlikely(gates & GATE_PAGE_OWNER))
		page_owner_set(req->mm, page, req->order, pass->gfp, req->type);
}

/* D10: tails know their head. */
void compound_build(struct page *head, unsigned order);
/* The reverse, when the block goes back. */
void compound_break(struct page *head, unsigned order);

#endif
