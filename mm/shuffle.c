/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free memory in random order (A13), for caches that are mapped by address and for those who
 * should not guess what they get next.
 *
 * When boot is done each free block of the largest order changes places with another one of its
 * zone, chosen at random. One that is not free as a whole, not of that order or not in a list of
 * the same type is no partner; after ten that are none, the block stays. Afterwards, a block that
 * is freed and reaches that order goes to the head or the tail of its list by one random bit
 * (shuffle_tail). Smaller blocks are left alone, as in 5.10: they are what is cut next, whose
 * order makes memory come together again.
 *
 * Only the links of the two blocks and of their neighbours change: counts, types and bits are those
 * of the list before. The numbers are a zone's own, from the seed that it is given at boot; 0 means
 * that it does not shuffle, and costs a load where a block of the largest order is freed.
 *
 * Zone lock held for a block at a time.
 */
#include "shuffle.h"

#include "lib/assert.h"

#define SHUFFLE_ORDER (MAX_ORDER - 1u)
#define SHUFFLE_TRIES 10u

/* The free block of the largest order at `pfn`, NULL if that is none of this zone. */
static struct page *large_block(struct zone *zone, pfn_t pfn) LOCK_HELD(zone->lock);
static struct page *large_block(struct zone *zone, pfn_t pfn)
{
	struct page *page = zonal_page(zone->mm, pfn);
	uint32_t wanted = word_make(zone->id, PAGE_FREE, SHUFFLE_ORDER);

	DASSERT_HELD(&zone->lock);
	return page && (page_word(page) & WORD_ALLOC_MASK) == wanted ? page : NULL;
}

static struct page *partner_of(struct zone *zone, const struct page *page) LOCK_HELD(zone->lock);
static struct page *partner_of(struct zone *zone, const struct page *page)
{
	for (unsigned tries = 0; tries < SHUFFLE_TRIES; tries++) {
		pfn_t pfn = zone->start_pfn + shuffle_next(zone) % zone->spanned;
		struct page *other = large_block(zone, align_down(pfn, 1u << SHUFFLE_ORDER));

		if (other && other != page)
			return page->list_type == other->list_type ? other : NULL;
	}
	return NULL;
}

/* The neighbours of a block, or the ends of its list, lead to it. */
static void link_around(struct zone *zone, struct page *page) LOCK_HELD(zone->lock);
static void link_around(struct zone *zone, struct page *page)
{
	struct free_list *list = &zone->list[page->list_type][SHUFFLE_ORDER];

	ASSERT(page->next != page->pfn && page->prev != page->pfn, "pfn 0x%x follows itself",
	       page->pfn);
	if (page->prev == PFN_NONE)
		list->first = page->pfn;
	else
		mm_page(zone->mm, page->prev)->next = page->pfn;
	if (page->next == PFN_NONE)
		list->last = page->pfn;
	else
		mm_page(zone->mm, page->next)->prev = page->pfn;
}

/* Two blocks of one list change places. */
static void swap_places(struct zone *zone, struct page *a, struct page *b) LOCK_HELD(zone->lock);
static void swap_places(struct zone *zone, struct page *a, struct page *b)
{
	uint32_t next = a->next, prev = a->prev;

	ASSERT(a != b && a->list_type == b->list_type, "pfn 0x%x of list %u with 0x%x of %u",
	       a->pfn, a->list_type, b->pfn, b->list_type);
	/* Of neighbours each finds itself where the other was. */
	a->next = b->next == a->pfn ? b->pfn : b->next;
	a->prev = b->prev == a->pfn ? b->pfn : b->prev;
	b->next = next == b->pfn ? a->pfn : next;
	b->prev = prev == b->pfn ? a->pfn : prev;
	link_around(zone, a);
	link_around(zone, b);
}

static void shuffle_block(struct zone *zone, pfn_t pfn)
{
	port_irqflags_t irq = port_irq_save();
	struct page *page, *other;

	lock_take(&zone->lock);
	page = large_block(zone, pfn);
	other = page ? partner_of(zone, page) : NULL;
	if (other)
		swap_places(zone, page, other);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
}

/* A zone's first number: never 0, and seeds that are near give others that are not. */
static uint64_t first_state(uint64_t seed, unsigned zid)
{
	uint64_t x = seed + (zid + 1) * 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return (x ^ x >> 31) | 1;
}

void shuffle_memory(struct zonal *mm)
{
	struct zone *zone;
	unsigned zid;

	if (!mm->options.shuffle_seed)
		return;
	mm_for_each_zone(mm, zid, zone) {
		pfn_t end = zone->start_pfn + zone->spanned;

		zone->shuffle = first_state(mm->options.shuffle_seed, zid);
		for (pfn_t pfn = align_up(zone->start_pfn, 1u << SHUFFLE_ORDER); pfn < end;
		     pfn += 1u << SHUFFLE_ORDER)
			shuffle_block(zone, pfn);
	}
}
