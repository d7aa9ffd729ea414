/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Retiring a page: memory that has gone bad, out of use for good, whatever it is used for now.
 *
 *	free        taken out of the block that holds it (B15), and BAD
 *	per CPU     the lists are drained; then it is free
 *	listed      taken off its list, marked, and moved away through its owner (move.c). The old
 *	            frame is freed with the mark on it, and a marked page is not used again (D5)
 *	otherwise   marked in the hands of its holder, and kept back when he frees it
 *	reserved    marked; zonal_free_reserved() refuses it
 *
 * The mark is PG_HWPOISON, which survives in the word of a page in use, and nowhere else: a
 * page in a list or inside of a free block has none. So a page in use is marked with a reference of
 * ours in hand, which keeps it in use, and of a block the head is marked, whose free looks at it:
 * all of the block is kept back then. What is BAD with the mark is retired, and counted by zone;
 * BAD without it is a page that failed a check.
 *
 * A page may change from one state to another while we look; then all is begun anew, RETIRE_TRIES
 * times. Context: task. Zone locks and LRU locks are taken inside, one at a time.
 */
#include "contig.h"

#include "lib/assert.h"
#include "lib/printf.h"
#include "mm/buddy.h"
#include "mm/deferred.h"
#include "mm/page_check.h"
#include "move.h"
#include "turn.h"

#define RETIRE_TRIES 16u

/* For what the answer is that is none yet. */
#define AGAIN ZONAL_RETIRED_ANSWERS

static struct zone *zone_of(struct zonal *mm, const struct page *page)
{
	struct zone *zone = mm->zone[page_zid(page)];

	ASSERT(zone, "pfn 0x%x of zone %u, which is not there", page->pfn, page_zid(page));
	return zone;
}

static enum zonal_retired retire_free(struct zonal *mm, struct page *page)
{
	struct zone *zone = zone_of(mm, page);
	port_irqflags_t irq = port_irq_save();
	bool taken;

	lock_take(&zone->lock);
	taken = buddy_take_exact(zone, page);
	lock_drop(&zone->lock);
	if (taken) {
		/* It is INNER and ours alone; a marked one is thrown away here. */
		page_set_word(page, page_word(page) | PG_HWPOISON);
		page_check_take(mm, page);
	}
	port_irq_restore(irq);
	return taken ? ZONAL_RETIRED_FREE : AGAIN;
}

/* Which page counts the references of the block in use that holds `page`; NULL: none seen. */
static struct page *holder_of(struct page *page)
{
	for (unsigned order = 0; order < MAX_ORDER; order++) {
		struct page *head = (struct page *)((uintptr_t)page &
						    ~((sizeof(struct page) << order) - 1));
		uint32_t word = page_word(head);

		if (word_in_use(word) && head + (1u << word_block_order(word)) > page)
			return head;
	}
	return NULL;
}

/* A reference, if there is one already. */
static bool try_get(struct page *head)
{
	int32_t refs = ld_relaxed(&head->refs);

	do {
		if (refs < 1)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&head->refs, &refs, refs + 1, memory_order_acq_rel, memory_order_relaxed));
	return true;
}

static enum zonal_retired mark_in_use(struct zonal *mm, struct page *page,
				      struct zonal_retire *out)
{
	struct page *head = holder_of(page);
	bool held;

	if (!head || !try_get(head))
		return AGAIN;
	held = holder_of(page) == head;
	if (held) {
		fetch_or_acq_rel(&head->word, PG_HWPOISON);
		out->order = word_block_order(page_word(head));
	}
	/* If its holder let go meanwhile, this frees it, and the mark keeps it back. */
	zonal_put(mm, head);
	return held && holder_of(page) == head ? ZONAL_RETIRED_LATER : AGAIN;
}

/* ---- a page on a list ---- */

static struct page *retire_target(void *arg, struct page *from)
{
	return zonal_alloc_node(arg, (int)zonal_page_node(from),
				GFP_HIGHUSER_MOVABLE | __GFP_RETRY_MAYFAIL | __GFP_NOWARN, 0);
}

static void retire_unused(void *arg, struct page *to) { zonal_free(arg, to, 0); }

static const char *why_not(const struct move *move)
{
	for (unsigned why = 0; why < MOVE_WHYS; why++)
		if (move->why[why])
			return move_why_name(why);
	return NULL;
}

static enum zonal_retired retire_listed(struct zonal *mm, struct page *page,
					struct zonal_retire *out)
{
	struct move_batch batch = { .count = 0 };
	struct move move = { .mm = mm,
			     .mode = MOVE_SYNC,
			     .reason = MOVE_FOR_BAD_PAGE,
			     .may_fs = true,
			     .target = retire_target,
			     .unused = retire_unused,
			     .arg = mm };

	if (!move_take(mm, &batch, page))
		return AGAIN;
	/* Ours while it is off its list: nobody frees it under the mark. */
	zn_snprintf(out->owner, sizeof(out->owner), "%s", owner_of(mm, page)->ops->name);
	fetch_or_acq_rel(&page->word, PG_HWPOISON);
	move_pages(&move, &batch);
	if (move.moved)
		return ZONAL_RETIRED_MOVED;
	if (move.gone)
		return ZONAL_RETIRED_FREE;
	out->why = why_not(&move);
	return ZONAL_RETIRED_LATER;
}

/* ---- all of it ---- */

static enum zonal_retired retire_reserved(struct page *page)
{
	fetch_or_acq_rel(&page->word, PG_HWPOISON);
	return ZONAL_RETIRED_RESERVED;
}

/* By its state of this moment. */
static enum zonal_retired retire_once(struct zonal *mm, struct page *page,
				      struct zonal_retire *out)
{
	uint32_t word = page_word(page);

	if (word_state(word) == PAGE_BAD)
		return ZONAL_RETIRED_ALREADY;
	if (word_state(word) == PAGE_RESERVED)
		return retire_reserved(page);
	if (word_state(word) == PAGE_PCP)
		zonal_drain_all(mm, zone_of(mm, page));
	if (buddy_head(page))
		return retire_free(mm, page);
	if (word_in_use(word) && (word & PG_ISOLATED))
		return AGAIN;
	if (word_in_use(word) && (word & PG_LRU))
		return retire_listed(mm, page, out);
	return mark_in_use(mm, page, out);
}

enum zonal_retired zonal_page_retire(struct zonal *mm, pfn_t pfn, struct zonal_retire *out)
{
	struct zonal_retire own;
	struct page *page;

	if (!out)
		out = &own;
	*out = (struct zonal_retire){ .why = NULL };
	deferred_reach(mm, pfn); /* lest it be handed out later */
	page = zonal_page(mm, pfn);
	if (!page)
		return ZONAL_RETIRED_NO_PAGE;
	for (unsigned tries = 0; tries < RETIRE_TRIES; tries++) {
		enum zonal_retired answer = retire_once(mm, page, out);

		if (answer != AGAIN)
			return answer;
		reclaim_nap(RECLAIM_NAP_NS / 1000);
	}
	return ZONAL_RETIRED_BUSY;
}

uint64_t zonal_retired_pages(const struct zonal *mm, unsigned nid)
{
	struct zonal *writable = (struct zonal *)(uintptr_t)mm;
	uint64_t pages = 0;

	for (unsigned type = 0; nid < ZONAL_MAX_NODES && type < ZONE_TYPES; type++) {
		struct zone *zone = writable->zone[nid * ZONE_TYPES + type];

		pages += zone ? ld_relaxed(&zone->retired) : 0;
	}
	return pages;
}
