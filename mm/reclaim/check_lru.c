/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zonal_check, the part of reclaim: the lists of a node against what their pages say.
 *
 *	each page on a list   is in use, single, of that node, group, kind and activity, wanted
 *	                      there (PG_LRU) and not taken off (PG_ISOLATED), linked both ways
 *	counts                by list and zone are what the lists hold
 *	the page map          shows as many pages that should be on a list as are on one, and as
 *	                      many taken off as the node says
 *
 * A list is walked in slices, lock and mask let go in between, as check_lists.c does it and for
 * the same reason: if somebody held the lock between two slices, the list is begun anew.
 */
#include "mm/check.h"
#include "reclaim.h"
#include "scan.h"

enum { LRU_TRIES = 16 };

struct lru_walk {
	struct node *node;
	struct lru_lists *lists;
	unsigned list;
	uint32_t at, before;
	uint64_t count[ZONE_TYPES];
	uint16_t ticket;
};

enum lru_slice { LRU_MORE, LRU_END, LRU_CHANGED, LRU_BAD };

static bool lru_page_fits(struct walk *w, const struct lru_walk *l, struct page *page)
{
	uint32_t word = page_word(page);

	if (word_in_use(word) && word_block_order(word) == 0 &&
	    (word & (PG_LRU | PG_ISOLATED)) == PG_LRU && owner_of(w->mm, page)->ops &&
	    lru_list_of(w->mm, page) == l->list &&
	    lru_lists_of(w->mm, &l->node->reclaim.lru, page) == l->lists &&
	    mm_page_zone(w->mm, page)->node == l->node->id && page->links.prev == l->before)
		return true;
	check_found(w, page->pfn, "pfn 0x%x in list %u of node %u: word 0x%x, owner %u, prev 0x%x",
		    page->pfn, l->list, l->node->id, word, page_owner_id(page),
		    page->links.prev);
	return false;
}

static bool lru_counts_fit(struct walk *w, const struct lru_walk *l)
{
	struct lru_ends *ends = &l->lists->list[l->list];

	for (unsigned t = 0; t < ZONE_TYPES; t++)
		if (ld_relaxed(&ends->count[t]) != l->count[t])
			return !check_found(w, 0, "node %u list %u: %llu pages of zone type %u, "
						  "count says %llu",
					    l->node->id, l->list, (unsigned long long)l->count[t],
					    t, (unsigned long long)ld_relaxed(&ends->count[t]));
	if (ends->old != l->before)
		return !check_found(w, 0, "node %u list %u: ends at 0x%x, old end says 0x%x",
				    l->node->id, l->list, l->before, ends->old);
	return true;
}

/* The lock is held. */
static enum lru_slice lru_slice_locked(struct walk *w, struct lru_walk *l)
{
	for (unsigned i = 0; i < CHECK_SLICE; i++) {
		struct page *page;

		if (l->at == PFN_NONE)
			return lru_counts_fit(w, l) ? LRU_END : LRU_BAD;
		page = mm_page(w->mm, l->at);
		if (!lru_page_fits(w, l, page))
			return LRU_BAD;
		l->count[mm_page_zone(w->mm, page)->type]++;
		l->before = l->at;
		l->at = page->links.next;
	}
	return LRU_MORE;
}

static enum lru_slice lru_slice(struct walk *w, struct lru_walk *l, bool first)
{
	struct lru *lru = &l->node->reclaim.lru;
	enum lru_slice result = LRU_CHANGED;
	port_irqflags_t irq = port_irq_save();
	uint16_t before = l->ticket;

	lock_take(&lru->lock);
	l->ticket = ld_relaxed(&lru->lock.owner);
	if (first)
		l->at = l->lists->list[l->list].young;
	if (first || l->ticket == (uint16_t)(before + 1))
		result = lru_slice_locked(w, l);
	lock_drop(&lru->lock);
	port_irq_restore(irq);
	return result;
}

static bool check_lru_list(struct walk *w, struct node *node, struct lru_lists *lists,
			   unsigned list)
{
	for (unsigned tries = 0; tries < LRU_TRIES; tries++) {
		struct lru_walk l = { .node = node, .lists = lists, .list = list,
				      .before = PFN_NONE };
		enum lru_slice result = lru_slice(w, &l, true);

		while (result == LRU_MORE)
			result = lru_slice(w, &l, false);
		if (result != LRU_CHANGED)
			return result == LRU_BAD;
	}
	return false;
}

/* Four lists; what they hold is added to *listed. */
static bool check_lists(struct walk *w, struct node *node, struct lru_lists *lists,
			uint64_t *listed)
{
	for (unsigned list = 0; list < LRU_LISTS; list++) {
		if (check_lru_list(w, node, lists, list))
			return true;
		*listed += lists_size(lists, list, ZONE_MOVABLE);
	}
	return false;
}

bool check_node_lists(struct walk *w, struct node *node)
{
	const struct lru *lru = &node->reclaim.lru;
	uint64_t listed = 0;
	int64_t isolated = 0;

	if (check_lists(w, node, &node->reclaim.lru.root, &listed))
		return true;
	/* All that there can be: those of a group that is none must be empty. */
	for (unsigned id = 0; lru->group && id < ZONAL_MAX_GROUPS; id++)
		if (check_lists(w, node, &lru->group[id], &listed))
			return true;
	for (unsigned kind = 0; kind < ZONAL_KINDS; kind++)
		isolated += ld_relaxed(&((struct lru *)(uintptr_t)lru)->isolated[kind]);
	if (w->on_list[node->id] != listed || w->isolated[node->id] != (uint64_t)isolated)
		return check_found(w, 0, "node %u: map shows %llu pages on lists, %llu isolated; "
					 "counts say %llu, %lld",
				   node->id, (unsigned long long)w->on_list[node->id],
				   (unsigned long long)w->isolated[node->id],
				   (unsigned long long)listed, (long long)isolated);
	return false;
}
