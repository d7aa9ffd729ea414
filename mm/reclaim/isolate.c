/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages off the lists and back: how reclaim gets something to work on.
 *
 * Work on a page takes long and may wait, so it is not done under the lock of the lists. A batch
 * is taken off first: each page is marked ISOLATED and gets a reference of ours. The reference
 * may be added although we hold none, because a listed page has its owner's, and he takes
 * it off the list, under this lock, before he drops it. From then on the structure stays what
 * it is until we put the page back, whatever its owner does.
 *
 * Putting back is the other way round: under the lock the mark goes, and the page is linked if
 * its owner still wants that (PG_LRU), our reference going with the mark. If he has removed it
 * meanwhile our reference is dropped behind the lock, which frees the page if he let go. Or the
 * page is given up, and both references are ours to drop.
 *
 * Reclaim takes pages off the old end of a list; migration names them by their frames, and gets
 * those that are on a list at that moment: a look at the word under the lock is enough, as
 * PG_LRU is set and taken away under it alone, whatever else becomes of the frame.
 *
 * What is off the lists is counted before the lock goes, so that an owner who removes such a page
 * finds it counted when he unregisters.
 *
 * Pages of zones above the one that is short are passed over: they go to the young end, as in 5.10,
 * so that the next look does not meet them again. The lock is held for one batch of looks at a
 * time, so a list full of such pages masks for no longer than any other.
 */
#include "scan.h"

#include "lib/assert.h"
#include "mm/trace.h"

#define ISOLATE_UNMAPPED 2u /* 5.10's isolate_mode, in a trace */

/* One hold of the lock looks at no more pages than this. */
#define LOOKS_A_HOLD 64u

static void page_isolate(struct zonal *mm, struct lru *lru, struct page *page)
{
	DASSERT_HELD(&lru->lock);
	ASSERT((page_word(page) & (PG_LRU | PG_ISOLATED)) == PG_LRU &&
		       ld_relaxed(&page->refs) > 0,
	       "pfn 0x%x on a list: word 0x%x, %d references", page->pfn, page_word(page),
	       ld_relaxed(&page->refs));
	lru_unlink(mm, lru, page);
	/* Word and references are one 8-byte value: the mark and our reference in one step. The
	 * mark is clear, so that adding its bit sets it. */
	atomic_fetch_add_explicit(&page->word_refs, (uint64_t)1 << 32 | PG_ISOLATED,
				  memory_order_acq_rel);
}

/* One hold of the lock. */
static unsigned isolate_some(struct scan *s, struct node *node, unsigned list, unsigned want,
			     struct page **batch, uint64_t *looks)
{
	struct lru *lru = &node->reclaim.lru;
	struct lru_ends *ends = &group_lists(node, s->turn)->list[list];
	port_irqflags_t irq = port_irq_save();
	unsigned got = 0, skipped[ZONE_TYPES] = { 0 }, left = LOOKS_A_HOLD;

	lock_take(&lru->lock);
	while (left && *looks && got < want && ends->old != PFN_NONE) {
		struct page *page = mm_page(s->mm, ends->old);
		unsigned type = page_zone_type(page);

		left--;
		--*looks;
		if (type <= s->high_zone) {
			page_isolate(s->mm, lru, page);
			batch[got++] = page;
			continue;
		}
		lru_unlink(s->mm, lru, page);
		lru_link(s->mm, lru, page, false);
		skipped[type]++;
	}
	fetch_add_relaxed(&lru->isolated[lru_kind(list)], (int64_t)got);
	lock_drop(&lru->lock);
	for (unsigned t = 0; t < ZONE_TYPES; t++)
		if (skipped[t])
			own_add(&mm_this_cpu(s->mm)->event[EVENT_PGSKIP_DMA + t], skipped[t]);
	port_irq_restore(irq);
	return got;
}

unsigned lru_isolate(struct scan *s, struct node *node, unsigned list, unsigned want,
		     struct page **batch, uint64_t *looked_at)
{
	struct lru_lists *lists = group_lists(node, s->turn);
	uint64_t looks = lists_size(lists, list, ZONE_MOVABLE), begun = looks;
	unsigned got = 0;

	ASSERT(want <= RECLAIM_BATCH && list < LRU_LISTS, "%u pages of list %u", want, list);
	while (got < want && looks && lists->list[list].old != PFN_NONE)
		got += isolate_some(s, node, list, want - got, batch + got, &looks);
	*looked_at = begun - looks;
	trace(s->mm, LRU_ISOLATE, s->high_zone, s->order, want, (uint32_t)*looked_at,
	      (uint32_t)*looked_at - got, got, s->may & ZONAL_MAY_UNMAP ? 0 : ISOLATE_UNMAPPED,
	      list);
	return got;
}

unsigned lru_isolate_these(struct zonal *mm, struct node *node, struct page **page, uint8_t *kind,
			   unsigned count)
{
	struct lru *lru = &node->reclaim.lru;
	port_irqflags_t irq = port_irq_save();
	unsigned got = 0;

	ASSERT(count <= LOOKS_A_HOLD, "%u pages at once", count);
	lock_take(&lru->lock);
	for (unsigned i = 0; i < count; i++) {
		ASSERT(page_lru(mm, page[i]) == lru, "pfn 0x%x is not of node %u", page[i]->pfn,
		       node->id);
		if ((page_word(page[i]) & (PG_LRU | PG_ISOLATED)) != PG_LRU)
			continue;
		page_isolate(mm, lru, page[i]);
		kind[got] = (uint8_t)owner_of(mm, page[i])->ops->kind;
		fetch_add_relaxed(&lru->isolated[kind[got]], 1);
		page[got++] = page[i];
	}
	lock_drop(&lru->lock);
	port_irq_restore(irq);
	return got;
}

/* The mark goes; false: the owner has removed the page, and our reference is still there. Else it
 * goes in the same step. It is not the last: who has the page listed has one, and takes it off the
 * list under this lock before he drops it. */
static bool page_put_back(struct page *page)
{
	uint32_t word = page_word(page);

	ASSERT(word & PG_ISOLATED, "pfn 0x%x is put back twice", page->pfn);
	if (!(word & PG_LRU)) {
		word_clear(page, PG_ISOLATED);
		return false;
	}
	atomic_fetch_sub_explicit(&page->word_refs, (uint64_t)1 << 32 | PG_ISOLATED,
				  memory_order_acq_rel);
	DASSERT(ld_relaxed(&page->refs) > 0, "pfn 0x%x on a list: %d references", page->pfn,
		ld_relaxed(&page->refs));
	return true;
}

void lru_put_back(struct zonal *mm, struct node *node, unsigned kind, struct page **batch,
		  unsigned count)
{
	struct lru *lru = &node->reclaim.lru;
	port_irqflags_t irq = port_irq_save();
	unsigned removed = 0;

	lock_take(&lru->lock);
	for (unsigned i = 0; i < count; i++) {
		if (page_put_back(batch[i]))
			lru_link(mm, lru, batch[i], false);
		else
			batch[removed++] = batch[i];
	}
	lock_drop(&lru->lock);
	port_irq_restore(irq);
	for (unsigned i = 0; i < removed; i++)
		zonal_put(mm, batch[i]);
	/* Last, so that zonal_owner_unregister() sees when nobody works on pages any more. */
	fetch_sub_acq_rel(&lru->isolated[kind], (int64_t)count);
}

void lru_free_isolated(struct zonal *mm, struct page *page, unsigned kind)
{
	uint32_t word = page_word(page);

	ASSERT(held_by_two(page) && (word & PG_ISOLATED), "pfn 0x%x: word 0x%x, %d references",
	       page->pfn, word, ld_relaxed(&page->refs));
	if (word & PG_DIRTY)
		zonal_page_set_clean(mm, page);
	fetch_add_relaxed(&page_lru(mm, page)->isolated[kind], -1);
	if (word & PG_LRU)
		block_count_listed(mm, page, UINT32_MAX);
	/* One store: flags and a reference go together, but for the mark of a bad page and the
	 * charge, which the free gives back. Nobody looks at a page that is on no list and in no
	 * owner's tables. */
	st_relaxed(&page->word_refs,
		   (word & (WORD_ALLOC_MASK | PG_HWPOISON | PG_CHARGED)) | (uint64_t)1 << 32);
	zonal_free(mm, page, 0);
}
