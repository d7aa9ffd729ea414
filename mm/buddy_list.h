/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One list of free blocks: a block comes, a block goes. For buddy.c, block_steal.c, and the lane of
 * blocks. Zone lock held: list, count, bit of `filled` and the page's word change together.
 *
 * Links are frame numbers. Where all structures of the zone follow each other, zone->map leads from
 * one to the page in one step; else the section must be looked up first. The hot functions of
 * buddy.c are built for both, and ask once: `map` is zone->map, or 0 for the second way.
 */
#ifndef MM_BUDDY_LIST_H
#define MM_BUDDY_LIST_H

#include "lib/assert.h"
#include "mm.h"

static inline struct page *link_page(struct zone *zone, uintptr_t map, uint32_t pfn)
{
	DASSERT(pfn != PFN_NONE, "zone %u: a link leads nowhere", zone->id);
	DASSERT(!map || (struct page *)map + pfn == mm_page(zone->mm, pfn), "zone %u pfn 0x%x",
		zone->id, pfn);
	return map ? (struct page *)map + pfn : mm_page(zone->mm, pfn);
}

/* With `map` only: the byte of a frame, what may begin there. */
static inline uint8_t *heads_at(struct zone *zone, uint32_t pfn)
{
	DASSERT(pfn >= align_down(zone->start_pfn, 1 << PAGEBLOCK_ORDER) &&
		pfn < zone->start_pfn + zone->spanned, "zone %u pfn 0x%x", zone->id, pfn);
	return (uint8_t *)(zone->heads + pfn);
}

/* The list that a free block is in. */
static inline unsigned block_list(const struct page *page)
{
	return ONE_TYPE ? (unsigned)MIGRATE_UNMOVABLE : page->list_type;
}

/* A list has its first block. */
static inline void list_filled(struct zone *zone, unsigned order, unsigned type)
{
	st_relaxed(&zone->filled[type],
		   (uint16_t)(ld_relaxed_u16(&zone->filled[type]) | 1u << order));
}

/* In one register, to which each use adds the lists' offset in the zone for nothing. */
static inline struct free_list *list_of(struct zone *zone, unsigned order, unsigned type)
{
	uintptr_t at = (uintptr_t)zone + (type * LIST_SLOTS + order) * sizeof(struct free_list);

	ZN_KEEP(at);
	return ZONAL_LANES ? &((struct zone *)at)->list[0][0] : &zone->list[type][order];
}

static inline void buddy_list_add(struct zone *zone, uintptr_t map, struct page *page,
				  unsigned order, unsigned type, bool tail)
{
	struct free_list *list = list_of(zone, order, type);
	uint32_t pfn = page->pfn;

	DASSERT(type < FREE_LISTS && order < MAX_ORDER && !(page->pfn & ((1u << order) - 1)),
		"pfn 0x%x into list %u of order %u", page->pfn, type, order);
	DASSERT_HELD(&zone->lock);
	page->listed = (uint8_t)type;
	page_set_word(page, word_make(zone->id, PAGE_FREE, order));
	if (list->count++ == 0) {
		page->next = page->prev = PFN_NONE;
		list->first = list->last = pfn;
		list_filled(zone, order, type);
	} else if (tail) {
		page->next = PFN_NONE;
		page->prev = list->last;
		link_page(zone, map, list->last)->next = pfn;
		list->last = pfn;
	} else {
		page->prev = PFN_NONE;
		page->next = list->first;
		link_page(zone, map, list->first)->prev = pfn;
		list->first = pfn;
	}
	if (ZONE_HEADS && map)
		*heads_at(zone, pfn) = 0;
}

/* A list is left without a block. */
static inline void list_emptied(struct zone *zone, unsigned order, unsigned type)
{
	st_relaxed(&zone->filled[type],
		   (uint16_t)(ld_relaxed_u16(&zone->filled[type]) & ~(1u << order)));
}

/* Of a block that leaves the lists, with what its owner's flag bits hold. */
static inline uint32_t word_inner(uint32_t word)
{
	return (word & ~(WORD_ORDER_MASK | WORD_STATE_MASK)) | word_make(0, PAGE_INNER, 0);
}

/* Leaves the page INNER with its owner's flags, which the page checks look at (D4). */
static inline void buddy_list_del(struct zone *zone, uintptr_t map, struct page *page,
				  unsigned order)
{
	unsigned type = block_list(page);
	struct free_list *list = &zone->list[type][order];

	DASSERT(page_state(page) == PAGE_FREE && page_order(page) == order && list->count,
		"pfn 0x%x, word 0x%x, out of list %u of order %u", page->pfn, page_word(page), type,
		order);
	DASSERT_HELD(&zone->lock);
	if (page->prev == PFN_NONE)
		list->first = page->next;
	else
		link_page(zone, map, page->prev)->next = page->next;
	if (page->next == PFN_NONE)
		list->last = page->prev;
	else
		link_page(zone, map, page->next)->prev = page->prev;
	if (--list->count == 0)
		list_emptied(zone, order, type);
	page_set_word(page, word_inner(page_word(page)));
}

/* A free block to the tail of a list, which may be its own: it stays FREE, and reported. */
static ZN_INLINE void
buddy_list_move(struct zone *zone, uintptr_t map, struct page *page, unsigned order, unsigned type)
{
	unsigned from = block_list(page);
	struct free_list *list = &zone->list[from][order];
	uint32_t pfn = page->pfn, next = page->next, prev = page->prev;

	DASSERT(page_state(page) == PAGE_FREE && page_order(page) == order && list->count,
		"pfn 0x%x, word 0x%x, out of list %u of order %u", pfn, page_word(page), from,
		order);
	DASSERT_HELD(&zone->lock);
	if (prev == PFN_NONE)
		list->first = next;
	else
		link_page(zone, map, prev)->next = next;
	if (next == PFN_NONE)
		list->last = prev;
	else
		link_page(zone, map, next)->prev = prev;
	if (--list->count == 0)
		list_emptied(zone, order, from);
	list = &zone->list[type][order];
	page->list_type = (uint8_t)type;
	page->next = PFN_NONE;
	page->prev = list->count ? list->last : PFN_NONE;
	if (list->count++ == 0) {
		list->first = pfn;
		list_filled(zone, order, type);
	} else {
		link_page(zone, map, list->last)->next = pfn;
	}
	list->last = pfn;
}

/* The first block leaves its list, which is not empty: a third of the steps. */
static inline struct page *buddy_list_pop(struct zone *zone, uintptr_t map, unsigned order,
					  unsigned type)
{
	struct free_list *list = &zone->list[type][order];
	struct page *page;
	uint32_t next;

	ZN_KEEP(list);
	page = link_page(zone, map, list->first);
	if (!ZONAL_LANES) /* small: one way to leave a list */
		return buddy_list_del(zone, map, page, order), page;
	next = page->next;
	DASSERT(page_state(page) == PAGE_FREE && page_order(page) == order && list->count &&
			page->prev == PFN_NONE && block_list(page) == type,
		"pfn 0x%x, word 0x%x, first of list %u of order %u", page->pfn, page_word(page),
		type, order);
	DASSERT_HELD(&zone->lock);
	list->first = next;
	/* Where an empty list ends does not matter: who comes next writes both ends. */
	if (--list->count == 0)
		list_emptied(zone, order, type);
	else
		link_page(zone, map, next)->prev = PFN_NONE;
	page_set_word(page, word_inner(page_word(page)));
	return page;
}

/* B12: free pages by type; those of isolated blocks and guards do not count. */
static inline void count_free(struct zone *zone, unsigned type, int64_t pages)
{
	DASSERT(ld_relaxed(&zone->free) + pages >= 0 || type >= MIGRATE_ISOLATE,
		"zone %u: %lld pages more than %lld free ones", zone->id, (long long)pages,
		(long long)ld_relaxed(&zone->free));
	if (!ONE_TYPE && unlikely(type >= MIGRATE_CMA)) {
		if (type >= MIGRATE_ISOLATE)
			return;
		own_add(&zone->free_cma, pages);
	}
	own_add(&zone->free, pages);
}

/* Single pages from the head of their list, as many as are wanted; INNER, and still counted. */
static ZN_INLINE unsigned
buddy_take_listed(struct zone *zone, uintptr_t map, unsigned type, struct page **out,
		  unsigned want) LOCK_HELD(zone->lock)
{
	struct free_list *list = &zone->list[type][0];
	unsigned count = ZN_MIN(want, list->count);
	uint32_t pfn = list->first;
	uint8_t *heads = (uint8_t *)zone->heads;

	DASSERT_HELD(&zone->lock);
	DASSERT(count && type < MIGRATE_TYPES, "%u of %u pages", want, list->count);
	for (unsigned i = 0; i < count; i++) {
		struct page *page = link_page(zone, map, pfn);

		page_set_word(page, word_inner(page_word(page)));
		if (ZONE_HEADS && map)
			heads[pfn] = HEADS_NONE;
		out[i] = page;
		pfn = page->next;
	}
	list->count -= count;
	list->first = pfn;
	if (list->count)
		link_page(zone, map, pfn)->prev = PFN_NONE;
	else
		list_emptied(zone, 0, type);
	return count;
}

/* buddy_take() of a zone without guards, by `map`. */
static ZN_INLINE struct page *
buddy_take_by(struct zone *zone, uintptr_t map, unsigned order, unsigned type)
	LOCK_HELD(zone->lock)
{
	unsigned filled = ld_relaxed_u16(&zone->filled[type]) >> order, found;
	struct page *page;

	DASSERT(order < MAX_ORDER && type < MIGRATE_TYPES, "order %u type %u", order, type);
	if (!filled)
		return NULL;
	found = order + (unsigned)__builtin_ctz(filled);
	page = buddy_list_pop(zone, map, found, type);
	while (found > order) {
		found--;
		buddy_list_add(zone, map, page + (1u << found), found, type, false);
	}
	count_free(zone, type, -((int64_t)1 << order));
	return page;
}

#endif
