/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Isolation of pageblocks: to keep everybody out of a piece of memory that is to be emptied.
 *
 * An isolated pageblock has the type ISOLATE, and so have its free pages: their lists are those
 * that no request looks at, and they are not counted as free (B12). What is freed there later goes
 * straight to those lists, past the per-CPU lists (P8). A page of such a block that
 * lay in a per-CPU list when the type changed is brought out by a drain. So the number of pages in
 * use in the range can only shrink, and when it is 0, all of it is in the ISOLATE lists.
 *
 *	look    is there anything that can never leave? (A4) Without a lock, since a block may be
 *	        512 pages long: the answer is about a moment, as it would be with one
 *	mark    under the zone lock: type, count of isolated blocks, free pages to other lists
 *	drain   once for the range
 *	look    again, at what was taken between the first look and the mark
 *
 * A page says by its state whether it can leave: on a list of an owner that can move it, or free,
 * or between the two, yes; any other page in use, no. In ZONE_MOVABLE everything but what is
 * reserved counts as movable, because nothing else is ever given out there.
 *
 * A free block may be larger than a pageblock (order 10 is two of them). If one half is
 * isolated, it is split first, so that a block in a list is isolated as a whole or not at all;
 * and when the isolation ends, a whole free pageblock is taken out and put back, so that it merges
 * with a neighbour from which it had to keep apart (A2, B6).
 *
 * A reserved highatomic block leaves the reserve when it is isolated: 5.10 forgets to count it
 * down. A block that zones share is refused, since each of them has its own lists and count.
 *
 * One hold of the zone lock is one pageblock: at most 256 free blocks change their list.
 */
#include "isolate_block.h"

#include "lib/assert.h"
#include "mm/buddy.h"
#include "mm/mobility.h"
#include "mm/trace.h"

#define ZID_NONE (ZONAL_MAX_NODES * ZONE_TYPES)

/* ---- A4: what is in a pageblock ---- */

/* The first page of the pageblock at `pfn`, NULL: no map describes it. The map has whole blocks. */
static struct page *block_at(const struct zonal *mm, pfn_t pfn)
{
	return mm_page_ready(mm, pfn) ? mm_page(mm, pfn) : NULL;
}

/* The head of a block that began before the pageblock of `first` and reaches into it. */
static const struct page *head_before(const struct page *first)
{
	for (unsigned order = PAGEBLOCK_ORDER + 1; order < MAX_ORDER; order++) {
		const struct page *head = page_pair((struct page *)(uintptr_t)first, order - 1);
		uint32_t word = page_word(head);

		if (head != first && word_order(word) >= order &&
		    (word_state(word) == PAGE_FREE || word_state(word) == PAGE_USED))
			return head;
	}
	return NULL;
}

static bool owner_moves(const struct zonal *mm, const struct page *page)
{
	unsigned id = ld_relaxed(&((struct page *)(uintptr_t)page)->owner_id);

	return ld_relaxed(&((struct zonal *)(uintptr_t)mm)->owners[id].moves);
}

/* Whoever has the page in use keeps it where it is. */
static bool holder_stays(const struct zonal *mm, const struct page *page, uint32_t word)
{
	if (word & PG_LRU)
		return !owner_moves(mm, page);
	/* Its owner has let go, and whoever works on it frees it; or it is being freed now. */
	if ((word & PG_ISOLATED) || !ld_relaxed(&((struct page *)(uintptr_t)page)->refs))
		return false;
	return true;
}

/* A4, for one page or head with this word. */
static bool page_stays(const struct zonal *mm, const struct page *page, uint32_t word)
{
	enum page_state state = word_state(word);

	if (state == PAGE_RESERVED)
		return true;
	if (word_zid(word) % ZONE_TYPES == ZONE_MOVABLE)
		return false;
	if (state == PAGE_BAD)
		return true;
	return word_in_use(word) && holder_stays(mm, page, word);
}

/* By heads. A word may be old when it is read, so what it leads to can be any page. */
static unsigned step_of(uint32_t word)
{
	enum page_state state = word_state(word);

	return state == PAGE_FREE || state == PAGE_USED ? 1u << word_order(word) : 1;
}

/* The type of a block, of an isolated one that which it had. */
static unsigned type_before(struct page *first)
{
	uint8_t block = ld_relaxed(&first->block);

	if ((block & BLOCK_TYPE_MASK) != MIGRATE_ISOLATE)
		return block & BLOCK_TYPE_MASK;
	return block >> BLOCK_WAS_SHIFT & BLOCK_TYPE_MASK;
}

/* Can all of the pageblock leave, for a request of `type`? Then 0, and *zid is the zone of its
 * pages, ZID_NONE if there are none. */
static int block_look(const struct zonal *mm, struct page *first, unsigned type, unsigned *zid)
{
	const struct page *head = head_before(first);
	bool cma = type_before(first) == MIGRATE_CMA;
	unsigned step;

	*zid = head ? page_zid(head) : ZID_NONE;
	if (cma && type != MIGRATE_CMA)
		return ZONAL_EBUSY;
	if (head)
		return page_state(head) == PAGE_FREE ? 0 : ZONAL_EBUSY;
	for (unsigned i = 0; i < BLOCK_PAGES; i += step) {
		uint32_t word = page_word(first + i);

		step = step_of(word);
		if (word_state(word) == PAGE_HOLE)
			continue;
		if (*zid == ZID_NONE)
			*zid = word_zid(word);
		if (word_zid(word) != *zid || (!cma && page_stays(mm, first + i, word)))
			return ZONAL_EBUSY;
	}
	return 0;
}

/* Whose the pages of a block are that was looked at; NULL: nobody's. */
static struct zone *block_zone(const struct zonal *mm, const struct page *first)
{
	for (unsigned i = 0; i < BLOCK_PAGES; i++)
		if (page_state(first + i) != PAGE_HOLE)
			return mm->zone[page_zid(first + i)];
	return NULL;
}

/* ---- one pageblock; the zone lock is held ---- */

/* Its type becomes ISOLATE, and the one that it had is kept beside it. */
static void block_mark(struct page *first)
{
	uint8_t old = ld_relaxed(&first->block), now;

	do
		now = (uint8_t)((old & (BLOCK_SKIP | BLOCK_CMA_GIVEN)) | MIGRATE_ISOLATE |
				(old & BLOCK_TYPE_MASK) << BLOCK_WAS_SHIFT);
	while (!atomic_compare_exchange_weak_explicit(&first->block, &old, now,
						      memory_order_relaxed, memory_order_relaxed));
}

/* The free pages of a block whose type has changed, to the lists of that type. */
static void block_relist(struct zone *zone, struct page *first, unsigned type)
	LOCK_HELD(zone->lock);
static void block_relist(struct zone *zone, struct page *first, unsigned type)
{
	DASSERT_HELD(&zone->lock);
	trace(zone->mm, CALL_OTHER, ZONAL_OTHER_ISOLATED, zone->node, zone->type);
	if (buddy_carve(zone, first, PAGEBLOCK_ORDER))
		buddy_put_type(zone, first, PAGEBLOCK_ORDER, type, BUDDY_TAIL);
	else
		buddy_move_all(zone, first, type);
}

static int isolate_locked(struct zone *zone, struct page *first) LOCK_HELD(zone->lock);
static int isolate_locked(struct zone *zone, struct page *first)
{
	unsigned type = page_block_type(first);

	DASSERT_HELD(&zone->lock);
	if (type == MIGRATE_ISOLATE)
		return ZONAL_EBUSY;
	if (type == MIGRATE_HIGHATOMIC) {
		highatomic_forget(zone);
		block_set_type(first, MIGRATE_MOVABLE);
	}
	block_mark(first);
	zone->isolated_blocks++;
	block_relist(zone, first, MIGRATE_ISOLATE);
	return 0;
}

static void unisolate_locked(struct zone *zone, struct page *first, unsigned type)
	LOCK_HELD(zone->lock);
static void unisolate_locked(struct zone *zone, struct page *first, unsigned type)
{
	ASSERT(page_block_type(first) == MIGRATE_ISOLATE && zone->isolated_blocks,
	       "pfn 0x%x of zone %u is of type %u, %u blocks are isolated", first->pfn, zone->id,
	       page_block_type(first), zone->isolated_blocks);
	if (type == ISOLATE_AS_BEFORE)
		type = type_before(first);
	block_set_type(first, type);
	zone->isolated_blocks--;
	block_relist(zone, first, type);
}

/* ---- ranges ---- */

static int isolate_block(struct zonal *mm, struct page *first, unsigned type)
{
	struct zone *zone;
	port_irqflags_t irq;
	unsigned zid;
	int error = block_look(mm, first, type, &zid);

	if (error || zid == ZID_NONE)
		return error;
	zone = mm->zone[zid];
	ASSERT(zone, "pfn 0x%x is of zone %u, which has no pages", first->pfn, zid);
	irq = port_irq_save();
	lock_take(&zone->lock);
	error = isolate_locked(zone, first);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	return error;
}

void range_unisolate(struct zonal *mm, pfn_t start, pfn_t end, unsigned type)
{
	ASSERT(type <= ISOLATE_AS_BEFORE && type != MIGRATE_ISOLATE, "type %u", type);
	for (pfn_t pfn = start; pfn < end; pfn += BLOCK_PAGES) {
		struct page *first = mm_page(mm, pfn);
		struct zone *zone = block_zone(mm, first);
		port_irqflags_t irq;

		if (!zone)
			continue;
		irq = port_irq_save();
		lock_take(&zone->lock);
		unisolate_locked(zone, first, type);
		lock_drop(&zone->lock);
		port_irq_restore(irq);
	}
}

/* Whatever the per-CPU lists hold of the zones of the range. */
static void range_drain(struct zonal *mm, pfn_t start, pfn_t end)
{
	struct zone *last = NULL;

	for (pfn_t pfn = start; pfn < end; pfn += BLOCK_PAGES) {
		struct zone *zone = block_zone(mm, mm_page(mm, pfn));

		if (zone && zone != last)
			zonal_drain_all(mm, zone);
		last = zone ? zone : last;
	}
}

bool range_can_leave(const struct zonal *mm, pfn_t start, pfn_t end, unsigned type)
{
	unsigned zid;

	for (pfn_t pfn = start; pfn < end; pfn += BLOCK_PAGES) {
		struct page *first = block_at(mm, pfn);

		if (!first || block_look(mm, first, type, &zid))
			return false;
	}
	return true;
}

int range_isolate(struct zonal *mm, pfn_t start, pfn_t end, unsigned type)
{
	pfn_t at = start;
	int error = 0;

	ASSERT(type == MIGRATE_MOVABLE || type == MIGRATE_CMA, "isolation for type %u", type);
	if (start >= end || (start | end) & (BLOCK_PAGES - 1))
		return ZONAL_EINVAL;
	for (; at < end && !error; at += BLOCK_PAGES) {
		struct page *first = block_at(mm, at);

		error = first ? isolate_block(mm, first, type) : ZONAL_EINVAL;
	}
	if (error) {
		range_unisolate(mm, start, at - BLOCK_PAGES, ISOLATE_AS_BEFORE);
		return error;
	}
	range_drain(mm, start, end);
	/* Was something taken that cannot leave, after the first look and before the mark? */
	if (range_can_leave(mm, start, end, type))
		return 0;
	range_unisolate(mm, start, end, ISOLATE_AS_BEFORE);
	return ZONAL_EBUSY;
}
