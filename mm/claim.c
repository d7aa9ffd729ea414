/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Claims: pages that are kept for a client until it takes them.
 *
 * A claim holds real blocks, not a number: each part of it has a list of them for each order,
 * linked by frame number through the owner's words of their heads. They are in use as far as the
 * zone is concerned, so that no test on any path knows of claims, and nothing that happens to a
 * zone later (isolation, a bad page, requests without watermarks, a list that a CPU fills at one
 * go) can eat into what was promised.
 *
 * To make one, the largest blocks are asked for first, without much ado, and the next smaller
 * order when there are no more; at the claim's own order the request goes as far as the client's
 * flags allow. What was got is given back if it was not enough. Makers take turns, lest two of
 * them fail with half of the memory each.
 *
 * To take, the smallest block that is large enough is split; the upper halves stay with the claim.
 * All pages of a claim come in blocks of its order at least, so that one of that order is there to
 * the last page if nothing smaller is taken.
 *
 * The instance's lock of claims guards the lists of blocks and the list of claims. It is held for
 * one split at most; no memory is allocated or freed under it.
 */
#include <zonal/claim.h>

#include "compact/turn.h"
#include "lib/assert.h"
#include "lib/text.h"
#include "mm.h"
#include "page_owner.h"
#include "take.h"

/* ---- the lists of a part ---- */

static void part_push(struct zonal_claim_part *part, struct page *page, unsigned order)
{
	ASSERT(page_state(page) == PAGE_USED && page_order(page) == order,
	       "pfn 0x%x, word 0x%x, of order %u", page->pfn, page_word(page), order);
	page->owner[0] = part->first[order];
	part->first[order] = page->pfn;
	own_add(&part->left, (uint64_t)1 << order);
}

static struct page *part_pop(const struct zonal *mm, struct zonal_claim_part *part, unsigned order)
{
	struct page *page;

	if (part->first[order] == PFN_NONE)
		return NULL;
	page = mm_page(mm, part->first[order]);
	ASSERT(page_state(page) == PAGE_USED && page_order(page) == order,
	       "pfn 0x%x of a claim, word 0x%x, order %u", page->pfn, page_word(page), order);
	part->first[order] = (uint32_t)page->owner[0];
	own_add(&part->left, -((uint64_t)1 << order));
	return page;
}

static void part_begin(struct zonal_claim_part *part)
{
	st_relaxed(&part->left, 0);
	for (unsigned order = 0; order < MAX_ORDER; order++)
		part->first[order] = PFN_NONE;
}

/* Nobody else knows of the part any more, or yet. */
static void part_release(struct zonal *mm, struct zonal_claim_part *part)
{
	for (unsigned order = 0; order < MAX_ORDER; order++) {
		struct page *page;

		while ((page = part_pop(mm, part, order)))
			zonal_free(mm, page, order);
	}
	ASSERT(!ld_relaxed(&part->left), "node %u: %llu pages are left of none", part->nid,
	       (unsigned long long)ld_relaxed(&part->left));
}

/* ---- make ---- */

/* Above the claim's own order a smaller block is as good, so nobody is disturbed for it. */
static gfp_t part_gfp(const struct zonal_claim *claim, unsigned order)
{
	gfp_t gfp = (claim->gfp | __GFP_THISNODE | __GFP_NOWARN) & ~(__GFP_ZERO | __GFP_COMP |
								     __GFP_ACCOUNT | __GFP_NOFAIL);

	if (order > claim->order)
		gfp &= ~__GFP_RECLAIM;
	return gfp;
}

static bool part_fill(struct zonal *mm, const struct zonal_claim *claim,
		      struct zonal_claim_part *part)
{
	unsigned order = MAX_ORDER - 1;

	while (ld_relaxed(&part->left) < part->pages) {
		uint64_t missing = part->pages - ld_relaxed(&part->left);
		struct page *page;

		while (missing < (uint64_t)1 << order)
			order--;
		page = zonal_alloc_node(mm, (int)part->nid, part_gfp(claim, order), order);
		if (page)
			part_push(part, page, order);
		else if (order == claim->order)
			return false;
		else
			order--;
	}
	return true;
}

static bool claim_sound(const struct zonal *mm, const struct zonal_claim *claim)
{
	nodemask_t seen = 0;

	if (claim->mm || !claim->parts || !claim->part || claim->order >= MAX_ORDER ||
	    !claim->owner[0] || claim->owner[sizeof(claim->owner) - 1])
		return false;
	for (unsigned i = 0; i < claim->parts; i++) {
		const struct zonal_claim_part *part = &claim->part[i];

		if (part->nid >= ZONAL_MAX_NODES || !mm->node[part->nid] ||
		    nodemask_has(seen, part->nid) || !part->pages ||
		    part->pages & (((uint64_t)1 << claim->order) - 1))
			return false;
		seen |= node_bit(part->nid);
	}
	return true;
}

/* `claim` becomes one of the instance's, or is none any more. */
static void claim_list(struct zonal *mm, struct zonal_claim *claim, bool on)
{
	struct zonal_claim **link = &mm->claims.first;
	port_irqflags_t irq = port_irq_save();

	lock_take(&mm->claims.lock);
	while (!on && *link != claim)
		link = &(*link)->next;
	if (on) {
		claim->next = *link;
		*link = claim;
	} else {
		*link = claim->next;
	}
	claim->mm = on ? mm : NULL;
	lock_drop(&mm->claims.lock);
	port_irq_restore(irq);
}

int zonal_claim_make(struct zonal *mm, struct zonal_claim *claim)
{
	int short_nid = NODE_NONE;

	if (!claim_sound(mm, claim))
		return ZONAL_EINVAL;
	for (unsigned i = 0; i < claim->parts; i++)
		part_begin(&claim->part[i]);
	turn_take(&mm->claims.turn);
	for (unsigned i = 0; i < claim->parts && short_nid == NODE_NONE; i++)
		if (!part_fill(mm, claim, &claim->part[i]))
			short_nid = (int)claim->part[i].nid;
	for (unsigned i = 0; i < claim->parts && short_nid != NODE_NONE; i++)
		part_release(mm, &claim->part[i]);
	turn_drop(&mm->claims.turn);
	claim->short_nid = short_nid;
	if (short_nid != NODE_NONE)
		return ZONAL_ENOMEM;
	claim_list(mm, claim, true);
	return 0;
}

void zonal_claim_drop(struct zonal_claim *claim)
{
	struct zonal *mm = claim->mm;

	if (!mm)
		return;
	claim_list(mm, claim, false);
	for (unsigned i = 0; i < claim->parts; i++)
		part_release(mm, &claim->part[i]);
}

/* ---- take ---- */

/* Halves of a block of order `from` until one of `order` is left; the upper ones stay. */
static void part_split(struct zonal *mm, struct zonal_claim_part *part, struct page *page,
		       unsigned from, unsigned order)
{
	bool traced = ld_relaxed(&mm->gates) & GATE_PAGE_OWNER;
	uint32_t word = page_word(page) & ~WORD_ORDER_MASK;

	ASSERT(from < MAX_ORDER && order <= from, "order %u out of %u", order, from);
	while (from > order) {
		struct page *upper = page + (1u << --from);

		page_prepare(upper, word | word_make(0, PAGE_HOLE, from));
		page_set_word(page, word | word_make(0, PAGE_HOLE, from));
		if (unlikely(traced)) {
			page_owner_set(mm, upper, from, GFP_KERNEL, MIGRATE_UNMOVABLE);
			page_owner_set(mm, page, from, GFP_KERNEL, MIGRATE_UNMOVABLE);
		}
		part_push(part, upper, from);
	}
}

static struct page *part_take(struct zonal *mm, struct zonal_claim_part *part, unsigned order)
{
	for (unsigned from = order; from < MAX_ORDER; from++) {
		struct page *page = part_pop(mm, part, from);

		if (!page)
			continue;
		page->owner[0] = 0;
		part_split(mm, part, page, from, order);
		return page;
	}
	return NULL;
}

struct page *zonal_claim_take(struct zonal_claim *claim, int nid, gfp_t gfp, unsigned order)
{
	struct zonal *mm = claim->mm;
	struct page *page = NULL;
	port_irqflags_t irq;

	if (!mm || ((gfp & __GFP_ZERO) && !mm->clear))
		return NULL;
	irq = port_irq_save();
	lock_take(&mm->claims.lock);
	for (unsigned i = 0; i < claim->parts && !page; i++)
		if (nid == NODE_NONE || nid == (int)claim->part[i].nid)
			page = part_take(mm, &claim->part[i], order);
	lock_drop(&mm->claims.lock);
	port_irq_restore(irq);
	if (page)
		page_prepare_rest(mm, page, gfp, order, 0);
	return page;
}

/* ---- reports ---- */

uint64_t zonal_claimed_pages(struct zonal *mm, unsigned nid)
{
	struct zonal_claim_info info;
	uint64_t pages = 0;

	for (unsigned n = 0; zonal_claim_info(mm, n, &info); n++)
		pages += info.nid == nid ? info.left : 0;
	return pages;
}

/* Part number `n`, and whose it is; with the lock. */
static const struct zonal_claim *claim_find(const struct zonal *mm, unsigned *n)
{
	const struct zonal_claim *claim = mm->claims.first;

	for (; claim && *n >= claim->parts; claim = claim->next)
		*n -= claim->parts;
	return claim;
}

bool zonal_claim_info(struct zonal *mm, unsigned n, struct zonal_claim_info *out)
{
	port_irqflags_t irq = port_irq_save();
	const struct zonal_claim *claim;

	lock_take(&mm->claims.lock);
	claim = claim_find(mm, &n);
	if (claim) {
		memcpy(out->owner, claim->owner, sizeof(out->owner));
		out->nid = claim->part[n].nid;
		out->pages = claim->part[n].pages;
		out->left = ld_relaxed(&claim->part[n].left);
	}
	lock_drop(&mm->claims.lock);
	port_irq_restore(irq);
	return claim;
}
