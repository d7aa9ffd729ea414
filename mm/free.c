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
 * the page says whether it is the head of a used block and of what order, and its
 * address whether the structure is one of ours (mm->plain; the page map where that has gaps). So
 * a double free, a wrong order, a page never allocated or another instance's page is reported at
 * the call, and costs the rightful owner nothing.
 *
 * The last reference decides who frees. Two CPUs that drop one reference each
 * race on the count alone: acquire-release, so that what the other holder wrote
 * to the page comes before the page goes to its next owner.
 *
 * A block of order > 0 that is not compound, freed while someone else holds a reference
 * on its head: the head stays with that holder, as a single page, and the rest goes back
 * at once (B17). If several holders give the whole block back, side by side or one after the
 * other, one of them claims the rest, by turning the head's word from USED to LONE; the
 * word keeps the order, so that the others' calls are still known to be right. Whether the
 * block is compound is read before the reference is dropped; afterwards the page may be
 * anyone's.
 *
 * The references of a compound block are counted in its head, whichever of its pages is
 * named (zonal_get, zonal_put).
 */
#include "alloc.h"

#include "lib/assert.h"
#include "buddy.h"
#include "contents.h"
#include "group.h"
#include "page_check.h"
#include "page_owner.h"
#include "pcp.h"
#include "take.h"
#include "trace.h"

/* Flags that need a second look at free; the rest of the owner's flags just go. */
#define FREE_STOP (PG_FREE_CHECK | PG_HWPOISON | PG_COMP)

static inline void put_block(struct zonal *mm, struct page *page, size_t zid, unsigned order)
{
	port_irqflags_t irq = port_irq_save();
	struct zone *zone = mm->zone[zid];

	DASSERT(zone, "pfn 0x%x of zone %u, which has no pages", page->pfn, (unsigned)zid);
	DASSERT(!(page->pfn & ((1u << order) - 1)), "pfn 0x%x, order %u", page->pfn, order);
	page_set_word(page, word_make((unsigned)zid, PAGE_INNER, 0));
	own_add(&mm_this_cpu(mm)->pcp[zid].stat[STAT_FREED], 1u << order);
	lock_take(&zone->lock);
	buddy_put(zone, page, order, BUDDY_AUTO);
	buddy_unboost_if_free(zone);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
}

/* Pages of a batch that go back under one hold, some 14,000 steps where each of them merges. The
 * batch of a zone up to 1 GiB is less; of a larger one it is 63. */
#define RETURN_PIECE 32u

/* A batch that is too long for one hold, in the order of one: interrupts are as `irq` says behind
 * each piece. What is left when the task has gone to another CPU, or somebody has emptied the
 * lists, is not this call's any more. Masked on entry. */
static ZN_NOINLINE void return_pieces(struct zone *zone, struct pcp *pcp, port_irqflags_t irq)
{
	struct pcp_turn turn = { .left = ZN_MIN(pcp->batch, ld_relaxed(&pcp->count)) };

	DASSERT_MASKED();
	while (turn.left && pcp == &mm_this_cpu(zone->mm)->pcp[zone->id] &&
	       pcp_give(zone, pcp, &turn, ZN_MIN(turn.left, RETURN_PIECE))) {
		port_irq_restore(irq);
		irq = port_irq_save();
	}
	port_irq_restore(irq);
}

/* P9: a CPU that holds enough returns a batch; masked on entry, as `irq` says after. */
static ZN_NOINLINE void return_batch(struct zonal *mm, unsigned zid, struct pcp *pcp,
				     port_irqflags_t irq)
{
	DASSERT_MASKED();
	/* Builds without lanes are to be small: one way for both. */
	if (!ZONAL_LANES || unlikely(pcp->batch > RETURN_PIECE)) {
		return_pieces(mm->zone[zid], pcp, irq);
		return;
	}
	pcp_bulk_free(mm->zone[zid], pcp, pcp->batch);
	port_irq_restore(irq);
}

/* To this CPU's list; masked on entry, as `irq` says after. */
static inline void free_to_list(struct zonal *mm, struct page *page, size_t zid, unsigned home,
				port_irqflags_t irq)
{
	struct pcp *pcp = &mm_this_cpu(mm)->pcp[zid];

	ZN_KEEP(pcp);
	own_add(&pcp->stat[STAT_FREED], 1);
	if (unlikely(pcp_push(pcp, page, word_pcp((unsigned)zid, home), pcp_list_of(home))))
		return_batch(mm, (unsigned)zid, pcp, irq);
	else
		port_irq_restore(irq);
}

/* P8: a page of a pageblock that has no list of its own lodges in the movable one, unless its
 * block is being emptied. Masked on entry, as `irq` says after. */
static ZN_NOINLINE void free_lodger(struct zonal *mm, struct page *page, unsigned type,
				    port_irqflags_t irq)
{
	ASSERT(type < MIGRATE_TYPES, "pfn 0x%x: pageblock of type %u", page->pfn, type);
	DASSERT_MASKED();
	if (type != MIGRATE_ISOLATE) {
		free_to_list(mm, page, page_zid(page), type, irq);
		return;
	}
	put_block(mm, page, page_zid(page), 0);
	port_irq_restore(irq);
}

/* A single page of zone `zid` whose last reference is gone. Its pageblock's type is read under
 * the mask that holds until the page is where that type sends it: whoever isolates the block
 * drains this CPU's lists afterwards, and must find the page there or free. */
static inline void free_single(struct zonal *mm, struct page *page, size_t zid)
{
	port_irqflags_t irq = port_irq_save();
	unsigned type = page_block_type(page);

	if (likely(type < MIGRATE_PCPTYPES))
		free_to_list(mm, page, zid, type, irq);
	else
		free_lodger(mm, page, type, irq);
}

/* D1, D17: false if the block is not used again. A poisoned page was freed all the same. */
static ZN_NOINLINE bool free_look(struct zonal *mm, struct page *page, unsigned order)
{
	bool traced = ld_relaxed(&page->mapped) & MAPPED_TRACED;
	bool poisoned = page_word(page) & PG_HWPOISON;
	bool fit;

	trace(mm, PAGE_FREE, page->pfn, order);
	if (page_word(page) & PG_CHARGED)
		group_free(mm, page, order);
	fit = page_check_free(mm, page, order);
	if (fit && (ld_relaxed(&mm->gates) & GATE_CONTENTS))
		contents_freed(mm, page->pfn, 1u << order);

	if (traced && (fit || poisoned))
		page_owner_free(mm, page, order);
	return fit;
}

static void free_checked(struct zonal *mm, struct page *page, unsigned order)
{
	uint32_t word = page_word(page);

	ASSERT(word_in_use(word) && word_block_order(word) == order,
	       "pfn 0x%x: word 0x%x given back with order %u", page->pfn, word, order);
	if (unlikely((word & (FREE_STOP & ~PG_COMP)) || ld_relaxed(&page->mapped) ||
		     (ld_relaxed(&mm->gates) & GATE_FREES)) &&
	    !free_look(mm, page, order))
		return;
	if (unlikely(word & PG_COMP))
		compound_break(page, order);
	if (order)
		put_block(mm, page, word_zid(word), order);
	else
		free_single(mm, page, word_zid(word));
}

/* B17: of the holders of a shared block that give it all back, one frees what lies behind the
 * head: he who turns the word into that of a page left alone. */
static bool claim_rest(struct page *page)
{
	uint32_t word = page_word(page), alone;

	do {
		if (word_state(word) != PAGE_USED)
			return false;
		alone = (word & ~WORD_STATE_MASK) | word_make(0, PAGE_LONE, 0);
		/* Acquire and release: who fails, or drops the last reference later, sees the
		 * claim; owner flags may change meanwhile, so try again. */
	} while (!atomic_compare_exchange_weak_explicit(
		&page->word, &word, alone, memory_order_acq_rel, memory_order_acquire));
	return true;
}

/* The head stays with its other holder, the rest is freed in halves; the last of them is a
 * single page like any other. */
static void free_all_but_head(struct zonal *mm, struct page *page, unsigned order)
{
	ASSERT(order && order < MAX_ORDER, "pfn 0x%x: order %u", page->pfn, order);
	if (!claim_rest(page))
		return;
	if (unlikely(ld_relaxed(&page->mapped) & MAPPED_TRACED))
		page_owner_free_rest(mm, page, order);
	if (ld_relaxed(&mm->gates) & GATE_CONTENTS)
		contents_freed(mm, page->pfn + 1, (1u << order) - 1);
	if (unlikely(page_word(page) & PG_CHARGED))
		group_free_rest(mm, page, order);
	while (--order > 0) {
		trace(mm, PAGE_FREE, page->pfn + (1u << order), order);
		put_block(mm, page + (1u << order), page_zid(page), order);
	}
	trace(mm, PAGE_FREE, page->pfn + 1, 0);
	free_single(mm, page + 1, page_zid(page));
}

/* Is the call right: a head of ours, in use, of that order? Of a page left alone both are
 * right: the order that its block had, and that of a single page. */
static inline bool call_is_right(const struct zonal *mm, const struct page *page, unsigned order)
{
	uint32_t word = page_word(page) & (WORD_STATE_MASK | WORD_ORDER_MASK);
	bool right = word == word_make(0, PAGE_USED, order) ||
		     word == word_make(0, PAGE_LONE, order) ||
		     (order == 0 && word_state(word) == PAGE_LONE);

	return order < MAX_ORDER && right && mm_owns(mm, page);
}

/* The last reference of a block in use is gone. */
static void free_last(struct zonal *mm, struct page *page)
{
	free_checked(mm, page, word_block_order(page_word(page)));
}

/* Drop a reference of what needs more than the plain paths, or should not be freed. */
static ZN_NOINLINE void free_careful(struct zonal *mm, struct page *page, unsigned order)
{
	int32_t refs;

	if (!call_is_right(mm, page, order)) {
		page_report_misuse(mm, "free", page, order);
		return;
	}
	/* Shared and not compound: the rest must go before our reference does, for
	 * after that the head can be freed and taken again at any moment. */
	if (order && !(page_word(page) & PG_COMP) && ld_relaxed(&page->refs) > 1)
		free_all_but_head(mm, page, order);
	refs = fetch_dec_acq_rel(&page->refs);
	if (refs == 1)
		free_last(mm, page);
	else if (refs < 1)
		page_report_misuse(mm, "free", page, order);
}

/* A used head of ours of that order with nothing attached: one comparison for state, order and
 * all flags that could stop it. The order is below MAX_ORDER. */
static inline bool is_plain(const struct zonal *mm, struct page *page, uint32_t word,
			    size_t zid, unsigned order)
{
	uint32_t mapped = ld_relaxed_u16(&page->mapped);

	return likely((word & (WORD_STATE_MASK | WORD_ORDER_MASK | FREE_STOP)) ==
		      word_make(0, PAGE_USED, 0) + (order << WORD_ORDER_SHIFT)) &&
	       likely(mapped == 0) && mm_frees_plainly(mm, page, zid);
}

/* A block of order > 0; plain if the reference is the last, too. */
static ZN_NOINLINE void free_block(struct zonal *mm, struct page *page, unsigned order)
{
	/* Word and count in one load: read one after the other, another holder could free the
	 * rest and go between the two, and the block would look whole and ours alone. It is
	 * then ours for good, for another reference takes one (zonal_get). */
	uint64_t both = ld_relaxed(&page->word_refs);
	size_t zid = word_zid((uint32_t)both);

	ZN_KEEP(zid);
	if (unlikely(order >= MAX_ORDER) || !is_plain(mm, page, (uint32_t)both, zid, order) ||
	    unlikely(both >> 32 != 1)) {
		free_careful(mm, page, order);
		return;
	}
	if (likely(fetch_dec_acq_rel(&page->refs) == 1))
		put_block(mm, page, zid, order);
	else
		page_report_misuse(mm, "free", page, order);
}

/* Order 0: others hold references still; or nobody did. */
static ZN_NOINLINE void free_shared(struct zonal *mm, struct page *page, int32_t refs)
{
	if (refs < 1)
		page_report_misuse(mm, "free", page, 0);
}

void zonal_free(struct zonal *mm, struct page *page, unsigned order)
{
	uint32_t word;
	int32_t refs;
	size_t zid;

	if (unlikely(!page))
		return;
	if (!ZONAL_LANES) {
		free_careful(mm, page, order);
		return;
	}
	if (order) {
		free_block(mm, page, order);
		return;
	}
	word = page_word(page);
	zid = word_zid(word);
	ZN_KEEP(zid);
	if (unlikely(!is_plain(mm, page, word, zid, 0))) {
		free_careful(mm, page, 0);
		return;
	}
	refs = fetch_dec_acq_rel(&page->refs);
	if (likely(refs == 1))
		free_single(mm, page, zid);
	else
		free_shared(mm, page, refs);
}

/* The page that counts the references of `page`: itself in use, or the head of the compound
 * block whose tail it is. NULL: nobody can hold it. */
static struct page *counting_page(struct page *page)
{
	uint32_t word = page_word(page);

	if (likely(word_in_use(word)))
		return page;
	if (word_state(word) != PAGE_TAIL)
		return NULL;
	/* A tail lies in the same 4 MiB as its head, where the map has no gap. */
	ASSERT(page->head < page->pfn && page->pfn - page->head < 1u << (MAX_ORDER - 1),
	       "tail 0x%x of head 0x%x", page->pfn, page->head);
	page -= page->pfn - page->head;
	return word_in_use(page_word(page)) ? page : NULL;
}

void zonal_get(struct page *page)
{
	struct page *head = counting_page(page);

	if (unlikely(!head) || unlikely(ld_relaxed(&head->refs) < 1))
		page_report_get(page);
	else
		fetch_add_relaxed(&head->refs, 1);
}

void zonal_put(struct zonal *mm, struct page *page)
{
	struct page *head = mm_owns(mm, page) ? counting_page(page) : NULL;

	/* Not a free of a non-compound block's rest: only this reference goes. */
	if (unlikely(!head) || unlikely(ld_relaxed(&head->refs) < 1)) {
		page_report_misuse(mm, "put", page, page_order(page));
		return;
	}
	/* What the block is now is read when it is ours alone: up to then a zonal_free() of
	 * another holder may give back all but the head (B17). */
	if (fetch_dec_acq_rel(&head->refs) == 1)
		free_last(mm, head);
}
