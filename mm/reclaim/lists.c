/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lists of a node's pages that can be given up, and what their owners say of them.
 *
 * Two lists a kind (anonymous, cache), of each memory group for its own pages (group_lists.c), and
 * one lock a node: a page comes to the young end of the inactive one. Used twice there it becomes
 * active; reclaim takes from the old end of the inactive list, and moves the old end of the active
 * one over when that is too long for the other. So what is read once passes through without
 * pushing out what is used again and again.
 *
 * A page is in one of four states, by two flags of its word:
 *
 *	LRU  ISOLATED
 *	 -      -      on no list, the core knows nothing of it
 *	 x      -      on the list that its kind and PG_ACTIVE name
 *	 x      x      off its list: reclaim or compaction works on it, with a reference of its own
 *	 -      x      the same, and its owner has removed it meanwhile: it will not be put back
 *
 * Both flags change under the lock of the node's lists alone; the flags beside them in the word
 * are their owner's and change at any time, hence the atomic operations.
 *
 * Links are frame numbers. A page that is listed is in use, so its links are nobody else's.
 *
 * Dirty pages and those being written are counted by node as they change, without the lock.
 */
#include "reclaim.h"
#include "scan.h"

#include "lib/assert.h"
#include "mm/trace.h"

/* Interrupts are masked for so many at a time, at most. */
#define REMOVE_BATCH 32u

/* ---- links; the lock is held ---- */

static struct page *lru_page(const struct zonal *mm, uint32_t pfn)
{
	return pfn == PFN_NONE ? NULL : mm_page(mm, pfn);
}

void lru_link(struct zonal *mm, struct lru *lru, struct page *page, bool old_end)
{
	struct lru_ends *ends = &lru_lists_of(mm, lru, page)->list[lru_list_of(mm, page)];
	uint32_t beside = old_end ? ends->old : ends->young;
	struct page *other = lru_page(mm, beside);

	DASSERT_HELD(&lru->lock);
	DASSERT(page_state(page) == PAGE_USED || page_state(page) == PAGE_LONE,
		"pfn 0x%x: word 0x%x", page->pfn, page_word(page));
	page->links.next = old_end ? PFN_NONE : beside;
	page->links.prev = old_end ? beside : PFN_NONE;
	if (other && old_end)
		other->links.next = page->pfn;
	else if (other)
		other->links.prev = page->pfn;
	if (old_end || !other)
		ends->old = page->pfn;
	if (!old_end || !other)
		ends->young = page->pfn;
	own_add(&ends->count[page_zone_type(page)], 1);
}

void lru_unlink(struct zonal *mm, struct lru *lru, struct page *page)
{
	struct lru_ends *ends = &lru_lists_of(mm, lru, page)->list[lru_list_of(mm, page)];
	struct page *younger = lru_page(mm, page->links.prev);
	struct page *older = lru_page(mm, page->links.next);

	DASSERT_HELD(&lru->lock);
	ASSERT(younger ? younger->links.next == page->pfn : ends->young == page->pfn,
	       "pfn 0x%x: its list does not lead to it", page->pfn);
	ASSERT(older ? older->links.prev == page->pfn : ends->old == page->pfn,
	       "pfn 0x%x: its list does not lead back to it", page->pfn);
	if (younger)
		younger->links.next = page->links.next;
	else
		ends->young = page->links.next;
	if (older)
		older->links.prev = page->links.prev;
	else
		ends->old = page->links.prev;
	own_add(&ends->count[page_zone_type(page)], UINT64_MAX);
}

void reclaim_init(struct zonal *mm, struct node *node)
{
	struct lru *lru = &node->reclaim.lru;

	lock_set_rank(&mm->shrinker_lock, LOCK_SHRINKERS);
	lock_set_rank(&lru->lock, LOCK_LRU);
	lru_lists_init(&lru->root);
}

/* ---- what owners call ---- */

static struct lru *lru_of(struct zonal *mm, const struct page *page)
{
	ASSERT(mm_owns(mm, page), "page %p is not of this instance", (const void *)page);
	return page_lru(mm, page);
}

struct zonal_owner *zonal_owner_register(struct zonal *mm, const struct zonal_owner_ops *ops,
					 void *ctx)
{
	ASSERT(ops->used && ops->give_prepare && ops->give_commit && ops->abort,
	       "owner %s lacks a callback", ops->name);
	ASSERT(!ops->move_prepare == !ops->move_commit, "owner %s moves by halves", ops->name);
	ASSERT(ops->kind < ZONAL_KINDS, "owner %s: kind %u", ops->name, ops->kind);
	for (unsigned i = 0; i < ZONAL_MAX_OWNERS; i++) {
		struct zonal_owner *owner = &mm->owners[i];

		if (owner->ops)
			continue;
		*owner = (struct zonal_owner){ .ops = ops, .ctx = ctx, .id = (uint8_t)i };
		st_relaxed(&owner->moves, ops->move_prepare != NULL);
		return owner;
	}
	port_log("zonal: owner %s refused: ZONAL_MAX_OWNERS is %d", ops->name, ZONAL_MAX_OWNERS);
	return NULL;
}

void zonal_owner_unregister(struct zonal *mm, struct zonal_owner *owner)
{
	unsigned kind;

	ASSERT(owner >= mm->owners && owner < mm->owners + ZONAL_MAX_OWNERS && owner->ops,
	       "owner %p is not registered", (void *)owner);
	kind = owner->ops->kind;
	/* Who still works on a page of his, removed meanwhile, has it isolated. Acquire pairs with
	 * the release behind lru_put_back(): the last callback has ended. */
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
		while (mm->node[n] && ld_acquire(&mm->node[n]->reclaim.lru.isolated[kind]) > 0)
			reclaim_nap(RECLAIM_NAP_NS / 100);
	owner->ops = NULL;
}

void zonal_page_add(struct zonal *mm, struct zonal_owner *owner, struct page *page,
		    uint64_t handle)
{
	struct lru *lru = lru_of(mm, page);
	port_irqflags_t irq;
	uint32_t word;

	ASSERT(word_in_use(page_word(page)) && word_block_order(page_word(page)) == 0,
	       "pfn 0x%x is no single page in use: word 0x%x", page->pfn, page_word(page));
	ASSERT(owner->ops, "owner %u is not registered", owner->id);
	irq = port_irq_save();
	lock_take(&lru->lock);
	ASSERT(!(page_word(page) & PG_LRU), "pfn 0x%x is listed twice", page->pfn);
	page->links.handle = handle;
	st_relaxed(&page->owner_id, owner->id);
	word = word_change(page, PG_ACTIVE | PG_REFERENCED | PG_ROTATE, PG_LRU);
	block_count_listed(mm, page, 1);
	trace(mm, CALL_LIST, page->pfn, true);
	/* Removed and added again while somebody works on it: he puts it on the list. */
	if (!(word & PG_ISOLATED))
		lru_link(mm, lru, page, false);
	lock_drop(&lru->lock);
	port_irq_restore(irq);
}

/* Off its list, if it is on one; the word before. The lock is held. */
static uint32_t lru_forget(struct zonal *mm, struct lru *lru, struct page *page)
{
	uint32_t word = page_word(page);

	DASSERT_HELD(&lru->lock);
	if ((word & (PG_LRU | PG_ISOLATED)) == PG_LRU)
		lru_unlink(mm, lru, page);
	if (word & PG_LRU) {
		word_clear(page, PG_LRU | PG_ACTIVE | PG_ROTATE | PG_REFERENCED);
		block_count_listed(mm, page, UINT32_MAX);
		trace(mm, CALL_LIST, page->pfn, false);
	}
	return word;
}

/* Pages of one node, the lock taken once. Returns how many those are: the first, and what follows
 * on its node. What must be done without the lock is left to the caller: pages with a bit set in
 * *marked are dirty or being written. */
static unsigned lru_forget_some(struct zonal *mm, struct page **page, unsigned count,
				uint32_t *marked)
{
	struct lru *lru = lru_of(mm, page[0]);
	port_irqflags_t irq = port_irq_save();
	unsigned n = 0;

	lock_take(&lru->lock);
	do {
		if (lru_forget(mm, lru, page[n]) & (PG_DIRTY | PG_WRITEBACK))
			*marked |= 1u << n;
		n++;
	} while (n < count && n < REMOVE_BATCH && lru_of(mm, page[n]) == lru);
	lock_drop(&lru->lock);
	port_irq_restore(irq);
	return n;
}

void zonal_pages_remove(struct zonal *mm, struct page **page, unsigned count)
{
	while (count) {
		uint32_t marked = 0;
		unsigned n = lru_forget_some(mm, page, count, &marked);

		for (uint32_t m = marked; unlikely(m); m &= m - 1) {
			struct page *one = page[__builtin_ctz(m)];

			if (page_word(one) & PG_DIRTY)
				zonal_page_set_clean(mm, one);
			if (page_word(one) & PG_WRITEBACK)
				zonal_page_written(mm, one);
		}
		page += n;
		count -= n;
	}
}

void zonal_page_remove(struct zonal *mm, struct page *page) { zonal_pages_remove(mm, &page, 1); }

uint64_t zonal_page_handle(const struct page *page) { return page->links.handle; }

/* A page that is used while it has been used already. */
static ZN_NOINLINE void lru_activate(struct zonal *mm, struct page *page)
{
	struct lru *lru = lru_of(mm, page);
	port_irqflags_t irq = port_irq_save();
	bool moved;

	lock_take(&lru->lock);
	moved = (page_word(page) & (PG_LRU | PG_ISOLATED | PG_ACTIVE)) == PG_LRU;
	if (moved) {
		lru_unlink(mm, lru, page);
		word_set(page, PG_ACTIVE);
		lru_link(mm, lru, page, false);
		word_clear(page, PG_REFERENCED);
		own_add(&mm_this_cpu(mm)->event[EVENT_PGACTIVATE], 1);
	}
	lock_drop(&lru->lock);
	port_irq_restore(irq);
}

void zonal_page_touch(struct zonal *mm, struct page *page)
{
	uint32_t word = page_word(page);

	if (!(word & PG_REFERENCED))
		word_set(page, PG_REFERENCED);
	else if ((word & (PG_LRU | PG_ISOLATED | PG_ACTIVE)) == PG_LRU)
		lru_activate(mm, page);
}

bool zonal_page_set_dirty(struct zonal *mm, struct page *page)
{
	if ((page_word(page) & PG_DIRTY) || (word_set(page, PG_DIRTY) & PG_DIRTY))
		return false;
	fetch_add_relaxed(&lru_of(mm, page)->dirty, 1);
	return true;
}

bool zonal_page_set_clean(struct zonal *mm, struct page *page)
{
	if (!(page_word(page) & PG_DIRTY) || !(word_clear(page, PG_DIRTY) & PG_DIRTY))
		return false;
	fetch_add_relaxed(&lru_of(mm, page)->dirty, -1);
	return true;
}

bool zonal_page_dirty(const struct page *page) { return page_word(page) & PG_DIRTY; }

void zonal_page_writing(struct zonal *mm, struct page *page)
{
	if (!(word_set(page, PG_WRITEBACK) & PG_WRITEBACK))
		fetch_add_relaxed(&lru_of(mm, page)->writing, 1);
}

/* Reclaim met the page while it was being written: it is the next to go. */
static void lru_rotate(struct zonal *mm, struct lru *lru, struct page *page)
{
	port_irqflags_t irq = port_irq_save();

	lock_take(&lru->lock);
	if ((page_word(page) & (PG_LRU | PG_ISOLATED | PG_ACTIVE)) == PG_LRU) {
		lru_unlink(mm, lru, page);
		lru_link(mm, lru, page, true);
		own_add(&mm_this_cpu(mm)->event[EVENT_PGROTATED], 1);
	}
	word_clear(page, PG_ROTATE);
	lock_drop(&lru->lock);
	port_irq_restore(irq);
}

void zonal_page_written(struct zonal *mm, struct page *page)
{
	struct lru *lru;
	uint32_t word;

	if (!(page_word(page) & PG_WRITEBACK))
		return;
	lru = lru_of(mm, page);
	word = word_clear(page, PG_WRITEBACK);
	if (word & PG_WRITEBACK)
		fetch_add_relaxed(&lru->writing, -1);
	if (word & PG_ROTATE)
		lru_rotate(mm, lru, page);
}

void zonal_lru_counts(const struct zonal *mm, unsigned nid, struct zonal_lru_counts *out)
{
	struct node *node = nid < ZONAL_MAX_NODES ? mm->node[nid] : NULL;

	*out = (struct zonal_lru_counts){ .dirty = 0 };
	if (!node)
		return;
	for (unsigned kind = 0; kind < ZONAL_KINDS; kind++) {
		out->inactive[kind] = lru_size(node, kind * 2, ZONE_MOVABLE);
		out->active[kind] = lru_size(node, kind * 2 + LRU_ACTIVE, ZONE_MOVABLE);
		out->isolated[kind] = count_of(&node->reclaim.lru.isolated[kind]);
	}
	out->dirty = count_of(&node->reclaim.lru.dirty);
	out->writing = count_of(&node->reclaim.lru.writing);
}
