/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scanner that goes down: free memory to move pages to. (X6, X7, X9, X12)
 *
 * From the end of the zone down, blocks of a movable type that are not free as a whole: their free
 * pieces are noted without a lock, up to 32 at once, and those that are still free are taken under
 * the zone's lock. They become blocks in use of the order that they had, in a pool; a page is
 * split off when one is needed, so a large piece costs no more than a small one. At the end what
 * is left goes back.
 *
 * A block that was looked at to its end gets the skip hint, and the zone remembers where the
 * scanner is. Free memory of the zone is never taken below MIN for it (X12).
 */
#include "compact.h"

#include "lib/assert.h"
#include "mm/buddy.h"
#include "mm/mobility.h"
#include "mm/page_check.h"
#include "mm/page_owner.h"
#include "mm/take.h"
#include "mm/trace.h"
#include "mm/watermark.h"

/* X7 */
static bool is_target(const struct compact *c, const struct page *block)
{
	unsigned type = page_block_type(block);
	uint32_t word = page_word(block);

	if (word_state(word) == PAGE_FREE && word_order(word) >= PAGEBLOCK_ORDER)
		return false;
	if (type == MIGRATE_ISOLATE)
		return false;
	return c->any_target || type == MIGRATE_MOVABLE || type == MIGRATE_CMA;
}

/* One free block, if it still is one. */
static bool take_free(struct compact *c, struct page *page) LOCK_HELD(c->zone->lock);
static bool take_free(struct compact *c, struct page *page)
{
	uint32_t word = page_word(page);
	unsigned order = word_order(word);

	if (word_state(word) != PAGE_FREE || word_zid(word) != c->zone->id)
		return true;
	if (!zone_mark_ok(c->zone, 0, ld_relaxed(&c->zone->mark[WMARK_MIN]) + (1 << order), 0,
			  ALLOC_CMA))
		return false;
	if (!buddy_carve(c->zone, page, order) || !page_check_block(c->mm, page, order))
		return true;
	mobility_note_large(page, order);
	page_prepare(page, word_make(c->zone->id, PAGE_USED, order));
	ASSERT(c->pool.count < POOL_HEADS, "%u blocks in the pool", c->pool.count);
	c->pool.page[c->pool.count++] = page;
	c->isolated += 1u << order;
	return true;
}

/* Those that were found. False: the zone has no more to give. */
static bool take_found(struct compact *c, struct page **found, unsigned count)
{
	port_irqflags_t irq = port_irq_save();
	bool more = true;

	lock_take(&c->zone->lock);
	for (unsigned i = 0; i < count && more; i++)
		more = take_free(c, found[i]);
	lock_drop(&c->zone->lock);
	port_irq_restore(irq);
	return more;
}

/* Free blocks from free_at on in the block that ends at `end`, until they are `want` pages. */
static unsigned look_for_free(struct compact *c, pfn_t end, struct page **found)
{
	unsigned count = 0, pages = 0;

	while (c->free_at < end && count < POOL_HEADS && pages < MOVE_BATCH) {
		struct page *page = mm_page(c->mm, c->free_at);
		uint32_t word = page_word(page);
		unsigned order = 0;

		c->free_scanned++;
		if (word_state(word) == PAGE_FREE) {
			order = word_order(word);
			found[count++] = page;
			pages += 1u << order;
		} else if (word_in_use(word)) {
			order = word_block_order(word);
		}
		c->free_at += (pfn_t)1 << (order < MAX_ORDER ? order : 0);
	}
	return count;
}

/* Past the block at `begin`, which was looked at to its end or is of no use. */
static void next_block_down(struct compact *c, pfn_t begin)
{
	struct zone_compact *state = &c->zone->compact;

	c->free_at = begin ? begin - (1u << PAGEBLOCK_ORDER) : 0;
	if (!c->ignore_skip && begin < ld_relaxed(&state->free_at))
		st_relaxed(&state->free_at, (uint32_t)begin);
}

/* Fill the pool. False: the scanners have met, or the zone has no more. */
static bool fill_pool(struct compact *c)
{
	struct page *found[POOL_HEADS];
	bool more = true;

	ASSERT(!c->pool.count, "%u blocks are left", c->pool.count);
	while (more && !c->pool.count && block_begin(c->free_at) > block_begin(c->used_at - 1)) {
		pfn_t begin = block_begin(c->free_at), end = block_end(begin);
		struct page *block = compact_block(c, begin);
		uint64_t scanned = c->free_scanned, taken = c->isolated;
		pfn_t from = c->free_at;
		unsigned count;

		if (!block || !is_target(c, block) ||
		    (c->free_at == begin && compact_skips(c, block))) {
			c->free_at = begin ? begin - (1u << PAGEBLOCK_ORDER) : 0;
			continue;
		}
		count = look_for_free(c, end, found);
		more = take_found(c, found, count);
		trace(c->mm, COMPACT_FREE, (uint32_t)from, (uint32_t)c->free_at,
		      (uint32_t)(c->free_scanned - scanned), (uint32_t)(c->isolated - taken));
		if (c->free_at >= end) {
			compact_set_skip(c, block);
			next_block_down(c, begin);
		}
	}
	return c->pool.count;
}

struct page *compact_target(void *arg, struct page *from)
{
	struct compact *c = arg;
	struct page *page;
	unsigned order;

	(void)from;
	if (!c->pool.count && !fill_pool(c))
		return NULL;
	page = c->pool.page[--c->pool.count];
	for (order = page_order(page); order;) {
		struct page *upper = page + (1u << --order);

		page_prepare(upper, word_make(c->zone->id, PAGE_USED, order));
		page_set_word(page, word_make(c->zone->id, PAGE_USED, order));
		c->pool.page[c->pool.count++] = upper;
	}
	if (unlikely(ld_relaxed(&c->mm->gates) & GATE_PAGE_OWNER))
		page_owner_set(c->mm, page, 0, GFP_HIGHUSER_MOVABLE, MIGRATE_MOVABLE);
	return page;
}

void compact_unused(void *arg, struct page *to)
{
	struct compact *c = arg;

	ASSERT(c->pool.count < POOL_SLOTS, "%u blocks in the pool", c->pool.count);
	c->pool.page[c->pool.count++] = to;
}

void compact_release(struct compact *c)
{
	struct zone_compact *state = &c->zone->compact;
	pfn_t highest = 0;

	while (c->pool.count) {
		struct page *page = c->pool.page[--c->pool.count];

		highest = ZN_MAX(highest, block_begin(page->pfn));
		zonal_free(c->mm, page, page_order(page));
	}
	/* There is something to find again. */
	if (!c->ignore_skip && highest > ld_relaxed(&state->free_at))
		st_relaxed(&state->free_at, (uint32_t)highest);
}
