/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zonal_check, the part that needs the zone lock: free lists against what their blocks say.
 *
 * A list can be as long as a zone has pages, and nobody may wait for that long. So a list is
 * walked in slices of CHECK_SLICE blocks, and between two slices lock and mask are let go.
 * What was seen up to there counts only if nobody changed a list meanwhile. Lists change
 * under the zone lock alone, and the lock is a ticket lock: if the ticket drawn for a slice
 * follows the one of the slice before, nobody else has held it. Otherwise the list
 * is begun anew, LIST_TRIES times; on a zone that never rests, what remains unseen
 * stays so, since it could not be held against a count. (65,536 other holders between two
 * slices would pass as none: more than a second of a lock that is never free.)
 *
 * Locks: takes zone->lock, masked, a slice at a time.
 */
#include <stdarg.h>

#include "check.h"

#include "lib/assert.h"
#include "lib/printf.h"

enum { LIST_TRIES = 16 };

bool check_found(struct walk *w, pfn_t pfn, const char *fmt, ...)
{
	va_list args;

	if (w->bad)
		return true;
	w->bad = true;
	w->out->pfn = pfn;
	va_start(args, fmt);
	zonal_vsnprintf(w->out->text, sizeof(w->out->text), fmt, args);
	va_end(args);
	return true;
}

/* How far the walk of one list has come. */
struct list_walk {
	struct zone *zone;
	const struct free_list *list;
	unsigned type, order;
	uint32_t at, before, count; /* next block, the one before it, how many were seen */
	uint16_t ticket;            /* of the last slice */
};

enum slice { SLICE_MORE, SLICE_END, SLICE_CHANGED, SLICE_BAD };

static bool is_special(unsigned type) { return type == MIGRATE_CMA || type == MIGRATE_ISOLATE; }

static bool buddy_is_free(const struct zone *zone, struct page *page, unsigned order)
{
	struct page *buddy = page_buddy(page, order);
	unsigned a, b;

	if (order >= MAX_ORDER - 1 || page_word(buddy) != word_make(zone->id, PAGE_FREE, order))
		return false;
	if (order < PAGEBLOCK_ORDER)
		return true;
	a = page_block_type(page);
	b = page_block_type(buddy);
	return a == b || (a != MIGRATE_ISOLATE && b != MIGRATE_ISOLATE);
}

static bool check_block(struct walk *w, const struct list_walk *l, struct page *page)
{
	const struct zone *zone = l->zone;
	unsigned block = page_block_type(page), type = l->type, order = l->order;

	if (page_word(page) != word_make(zone->id, PAGE_FREE, order))
		return check_found(w, page->pfn, "pfn 0x%x in free list order %u has word 0x%x",
				   page->pfn, order, page_word(page));
	if (page->list_type != type)
		return check_found(w, page->pfn, "pfn 0x%x in list of type %u says type %u",
				   page->pfn, type, page->list_type);
	if (page->pfn & ((1u << order) - 1) || page->pfn < zone->start_pfn ||
	    page->pfn + (1u << order) > zone->start_pfn + zone->spanned)
		return check_found(w, page->pfn,
				   "pfn 0x%x order %u is not aligned or not in its zone", page->pfn,
				   order);
	if (type == LIST_GUARD && order >= zone->guard_order)
		return check_found(w, page->pfn, "pfn 0x%x is a guard of order %u, not below %u",
				   page->pfn, order, zone->guard_order);
	if (block != type && type != LIST_GUARD && (is_special(block) || is_special(type)))
		return check_found(w, page->pfn,
				   "pfn 0x%x of a type %u block is in a list of type %u", page->pfn,
				   block, type);
	if (ZONE_HEADS && zone->map && *(const uint8_t *)(zone->heads + page->pfn))
		return check_found(w, page->pfn, "pfn 0x%x is free, and a theft would pass it by",
				   page->pfn);
	if (buddy_is_free(zone, page, order))
		return check_found(w, page->pfn, "pfn 0x%x and its buddy of order %u are both free",
				   page->pfn, order);
	return false;
}

/* At most CHECK_SLICE blocks on. Zone lock held. True: something does not hold. */
static bool walk_blocks(struct walk *w, struct list_walk *l)
{
	DASSERT_HELD(&l->zone->lock);
	for (unsigned n = 0; n < CHECK_SLICE && l->at != PFN_NONE; n++, l->count++) {
		struct page *page = zonal_page(w->mm, l->at);

		if (!page || l->count >= l->list->count)
			return check_found(w, l->at,
					   "free list type %u order %u: pfn 0x%x after %u of %u",
					   l->type, l->order, l->at, l->count, l->list->count);
		if (page->prev != l->before)
			return check_found(w, l->at, "pfn 0x%x links back to 0x%x, not 0x%x", l->at,
					   page->prev, l->before);
		if (check_block(w, l, page))
			return true;
		l->before = l->at;
		l->at = page->next;
	}
	return false;
}

/* Zone lock held, the whole list was seen as it is. */
static bool check_ends(struct walk *w, const struct list_walk *l)
{
	bool filled = ld_relaxed(&l->zone->filled[l->type]) & (1u << l->order);

	DASSERT_HELD(&l->zone->lock);
	if (l->count != l->list->count || (l->count && l->list->last != l->before))
		return check_found(w, l->before,
				   "free list type %u order %u holds %u blocks, counts %u", l->type,
				   l->order, l->count, l->list->count);
	if (filled != (l->count != 0))
		return check_found(w, l->before,
				   "filled bit of type %u order %u is wrong (%u blocks)", l->type,
				   l->order, l->count);
	return false;
}

static void walk_begin(struct list_walk *l)
{
	l->at = l->list->count ? l->list->first : PFN_NONE;
	l->before = PFN_NONE;
	l->count = 0;
}

/* Zone lock held. */
static enum slice slice_locked(struct walk *w, struct list_walk *l, bool first)
{
	uint16_t ticket = ld_relaxed(&l->zone->lock.owner);

	DASSERT_HELD(&l->zone->lock);
	if (first)
		walk_begin(l);
	else if (ticket != (uint16_t)(l->ticket + 1))
		return SLICE_CHANGED;
	l->ticket = ticket;
	if (walk_blocks(w, l))
		return SLICE_BAD;
	if (l->at != PFN_NONE)
		return SLICE_MORE;
	return check_ends(w, l) ? SLICE_BAD : SLICE_END;
}

static enum slice check_slice(struct walk *w, struct list_walk *l, bool first)
{
	port_irqflags_t irq = port_irq_save();
	enum slice result;

	lock_take(&l->zone->lock);
	result = slice_locked(w, l, first);
	lock_drop(&l->zone->lock);
	port_irq_restore(irq);
	return result;
}

static bool check_list(struct walk *w, struct zone *zone, unsigned type, unsigned order)
{
	struct list_walk l = { .zone = zone, .list = &zone->list[type][order],
			       .type = type, .order = order };
	enum slice result = SLICE_CHANGED;

	for (unsigned tries = 0; tries < LIST_TRIES && result == SLICE_CHANGED; tries++) {
		result = check_slice(w, &l, true);
		while (result == SLICE_MORE)
			result = check_slice(w, &l, false);
	}
	return result == SLICE_BAD;
}

/* Pages that the lists of a type count. Zone lock held. */
static uint64_t listed_of(const struct zone *zone, unsigned type)
{
	uint64_t pages = 0;

	for (unsigned order = 0; order < MAX_ORDER; order++)
		pages += (uint64_t)zone->list[type][order].count << order;
	return pages;
}

/* The zone's counters, all of one moment. Zone lock held. */
static bool check_counters(struct walk *w, struct zone *zone)
{
	uint64_t cma = listed_of(zone, MIGRATE_CMA);
	uint64_t apart = listed_of(zone, MIGRATE_ISOLATE) + listed_of(zone, LIST_GUARD);

	DASSERT_HELD(&zone->lock);
	w->listed = 0;
	for (unsigned type = 0; type < FREE_LISTS; type++)
		w->listed += listed_of(zone, type);
	if (ld_relaxed(&zone->free) == (int64_t)(w->listed - apart) &&
	    ld_relaxed(&zone->free_cma) == (int64_t)cma)
		return false;
	return check_found(w, 0, "zone %u counts %lld free, %lld CMA; lists hold %llu and %llu",
			   zone->id, (long long)ld_relaxed(&zone->free),
			   (long long)ld_relaxed(&zone->free_cma),
			   (unsigned long long)(w->listed - apart), (unsigned long long)cma);
}

bool check_zone_lists(struct walk *w, struct zone *zone)
{
	port_irqflags_t irq;
	bool bad;

	for (unsigned type = 0; type < FREE_LISTS; type++)
		for (unsigned order = 0; order < MAX_ORDER; order++)
			if (check_list(w, zone, type, order))
				return true;
	irq = port_irq_save();
	lock_take(&zone->lock);
	bad = check_counters(w, zone);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	return bad;
}
