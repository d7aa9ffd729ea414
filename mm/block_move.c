/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The free pages of a whole pageblock to the lists of another type, when it is isolated or its
 * isolation ends.
 *
 * All of it is one hold of the zone lock, because a block whose type is ISOLATE and whose free
 * pages are in other lists would be handed out. There may be 256 blocks, if every second page is in
 * use, and moved one by one (buddy_move) they take 21,000 instructions, where the house allows
 * 15,000 with interrupts masked. So what can be done once is done at the end: the counts of the
 * lists they leave, the links into the lists they come to, and what is counted as free. In
 * between the links and the counts of a list disagree, which nobody can see without the lock.
 *
 * The blocks keep their order of addresses and go to the tails of the lists, as 5.10 has it (B9).
 */
#include "buddy.h"

#include "lib/assert.h"

/* The free blocks of a pageblock on their way. */
struct convoy {
	uintptr_t *section;
	struct page *first[PAGEBLOCK_ORDER + 1], *last[PAGEBLOCK_ORDER + 1]; /* linked upwards */
	uint16_t left[MIGRATE_TYPES][PAGEBLOCK_ORDER + 1]; /* blocks, by the list they were in */
};

static inline struct page *convoy_page(const struct convoy *convoy, uint32_t pfn)
{
	return (struct page *)convoy->section[pfn >> MM_SECTION_SHIFT] + pfn;
}

/* The word stays as it is, FREE and of that order. */
static inline void convoy_add(struct zone *zone, struct convoy *convoy, struct page *page,
			      unsigned order, unsigned type)
{
	uint32_t next = page->next, prev = page->prev;
	struct page *last = convoy->last[order];

	convoy->left[page->list_type][order]++;
	if (likely(prev != PFN_NONE))
		convoy_page(convoy, prev)->next = next;
	else
		zone->list[page->list_type][order].first = next;
	if (likely(next != PFN_NONE))
		convoy_page(convoy, next)->prev = prev;
	else
		zone->list[page->list_type][order].last = prev;
	page->list_type = (uint8_t)type;
	convoy->last[order] = page;
	if (likely(last)) {
		page->prev = last->pfn;
		last->next = page->pfn;
	} else {
		convoy->first[order] = page;
	}
}

static void convoy_leave(struct zone *zone, const struct convoy *convoy, unsigned from,
			 unsigned order)
	LOCK_HELD(zone->lock);
static void convoy_leave(struct zone *zone, const struct convoy *convoy, unsigned from,
			 unsigned order)
{
	struct free_list *list = &zone->list[from][order];
	unsigned count = convoy->left[from][order];

	ASSERT(count <= list->count, "%u blocks out of list %u of order %u, which had %u", count,
	       from, order, list->count);
	DASSERT_HELD(&zone->lock);
	list->count -= count;
	if (!list->count)
		st_relaxed(&zone->filled[from],
			   (uint16_t)(ld_relaxed(&zone->filled[from]) & ~(1u << order)));
}

/* Behind the last block of the list of `type`. */
static void convoy_arrive(struct zone *zone, const struct convoy *convoy, unsigned order,
			  unsigned type, unsigned count)
	LOCK_HELD(zone->lock);
static void convoy_arrive(struct zone *zone, const struct convoy *convoy, unsigned order,
			  unsigned type, unsigned count)
{
	struct page *first = convoy->first[order], *last = convoy->last[order];
	struct free_list *list = &zone->list[type][order];

	DASSERT_HELD(&zone->lock);
	last->next = PFN_NONE;
	first->prev = list->count ? list->last : PFN_NONE;
	if (list->count)
		mm_page(zone->mm, list->last)->next = first->pfn;
	else
		list->first = first->pfn;
	list->last = last->pfn;
	list->count += count;
	st_relaxed(&zone->filled[type], (uint16_t)(ld_relaxed(&zone->filled[type]) | 1u << order));
}

/* Lists are left before they are come to: it may be the same one. */
static void convoy_end(struct zone *zone, const struct convoy *convoy, unsigned type)
	LOCK_HELD(zone->lock);
static void convoy_end(struct zone *zone, const struct convoy *convoy, unsigned type)
{
	for (unsigned order = 0; order <= PAGEBLOCK_ORDER; order++) {
		unsigned count = 0;

		if (!convoy->last[order])
			continue;
		for (unsigned from = 0; from < MIGRATE_TYPES; from++) {
			if (!convoy->left[from][order])
				continue;
			count += convoy->left[from][order];
			convoy_leave(zone, convoy, from, order);
			if (from != type)
				buddy_recount(zone, from, type,
					      (int64_t)convoy->left[from][order] << order);
		}
		convoy_arrive(zone, convoy, order, type, count);
	}
}

void buddy_move_all(struct zone *zone, struct page *first, unsigned type)
{
	struct convoy convoy = { .section = zone->mm->section };
	struct page *end = first + (1u << PAGEBLOCK_ORDER), *page = first;

	ASSERT(!(first->pfn & ((1u << PAGEBLOCK_ORDER) - 1)) && type < MIGRATE_TYPES,
	       "pfn 0x%x begins no pageblock to be of type %u", first->pfn, type);
	DASSERT_HELD(&zone->lock);
	while (page < end) {
		uint32_t word = page_word(page);
		unsigned order = word_order(word);

		if (word_state(word) == PAGE_FREE && page->list_type == LIST_GUARD) {
			page += 1u << order;
		} else if (word_state(word) == PAGE_FREE) {
			DASSERT(order <= PAGEBLOCK_ORDER, "pfn 0x%x order %u", page->pfn, order);
			convoy_add(zone, &convoy, page, order, type);
			page += 1u << order;
		} else {
			page += word_state(word) == PAGE_USED ? 1u << order : 1;
		}
	}
	convoy_end(zone, &convoy, type);
}
