/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a theft does with a pageblock: its free pages go to the lists of the thief's type, upwards,
 * and of the others those that could move are counted (M8, B9).
 *
 * Read word by word that is 512 loads at a stride of 32 bytes, some 2,600 steps for a block that
 * is nearly full, and a refill steals from 16 such blocks. So a zone has a byte for each page,
 * side by side (zone->heads): 0 where a free block may begin. The lists keep it: who comes to a
 * list writes 0, single pages that are taken for the list of a CPU write HEADS_NONE, and nobody
 * else anything. A byte may be 0 in vain, where a block merged into the one before it or was taken
 * in one piece; the walk skips the first, as it goes by heads, and tells the second from the page's
 * word, which alone decides. What is in vain it writes over, so that it is asked once.
 *
 *	       free, order 1        used, order 2            taken one by one
 *	heads | 0         (old)  |  0    (old) (old) (old) |  ff  ff  ff  ff  ff  ...
 *	        moved, next: +2     next: +4                  8 bytes a load
 *
 * Pages that could move are those on the LRU, counted by pageblock as they are listed
 * (zone->listed), and the second page of a compound block of order 1. That one is an accident of
 * 5.10, where its size, 2, lies in the bits that tell a movable page's mapping; blocks of order 1
 * keep their 0 while they are in use, so that the walk comes by.
 *
 * A zone whose map has gaps has no such bytes, and where two zones meet in a pageblock a part of it
 * is looked at: both are read by words, and so is a block of the highatomic reserve, which comes
 * and goes too seldom to pay.
 *
 * Zone lock held throughout. zone->listed belongs to the LRU: atomic, and it may change meanwhile,
 * as the flags of pages in use may.
 */
#include "mobility.h"

#include "buddy.h"
#include "buddy_list.h"
#include "lib/assert.h"

#define BLOCK_HEADS (1u << PAGEBLOCK_ORDER)

/* How many pages of one block are looked at together. */
#define ALIKE 8

/* Pages up to a block's end are looked at by heads: the word of a head tells the
 * length of its block, so the walk is short when blocks are large. */
static inline unsigned step_pages(uint32_t word)
{
	enum page_state state = word_state(word);

	return state == PAGE_FREE || state == PAGE_USED ? 1u << word_order(word) : 1;
}

/*
 * M8: how many pages of the block at `head`, with this word, count as movable: those on the
 * LRU, and the second page of a compound block of order 1. That one is an accident
 * of 5.10, where its size, 2, lies in the bits that tell a movable page's mapping.
 */
static unsigned movable_pages(uint32_t word)
{
	if (!word_in_use(word))
		return 0;
	if (word & PG_LRU)
		return 1u << word_block_order(word);
	return (word & PG_COMP) && word_block_order(word) == 1;
}

/*
 * Of the pages from `page` on, are so many single ones of the zone in use, all on the LRU or none?
 * Most of a block that is nearly full are, so that the walk has five steps a page.
 */
static inline bool singles_alike(const struct zone *zone, const struct page *page)
{
	uint32_t first = page_word(page), differs = first ^ word_make(zone->id, PAGE_USED, 0);

	differs &= WORD_ALLOC_MASK;
	_Pragma("GCC unroll 16") for (unsigned i = 1; i < ALIKE; i++)
		differs |= page_word(page + i) ^ first;
	return !(differs & (WORD_ALLOC_MASK | PG_LRU));
}

/* From `at` to the end of its pageblock. */
static unsigned move_by_words(struct zone *zone, struct page *at, unsigned type,
			      unsigned *movable)
	LOCK_HELD(zone->lock);
static unsigned move_by_words(struct zone *zone, struct page *at, unsigned type,
			      unsigned *movable)
{
	struct page *end = page_block_first(at) + BLOCK_HEADS, *one = at;
	unsigned moved = 0, others = 0, step;

	DASSERT_HELD(&zone->lock);
	for (; at < end; at += step) {
		uint32_t word = page_word(at);

		step = ALIKE;
		if (at >= one && end - at >= ALIKE && singles_alike(zone, at)) {
			others += word & PG_LRU ? ALIKE : 0;
			continue;
		}
		if (at >= one)
			one = at + ALIKE;
		step = step_pages(word);
		if (word_zid(word) != zone->id)
			continue;
		if (word_state(word) == PAGE_FREE && at->list_type != LIST_GUARD) {
			buddy_move(zone, at, type);
			moved += step;
		} else {
			others += movable_pages(word);
		}
	}
	*movable = others;
	return moved;
}

/* Eight bytes of zone->heads, as one word, and 64 of them. */
typedef uint64_t __attribute__((may_alias)) heads_word;
#define HEADS_LINE 64u
_Static_assert(BLOCK_HEADS % HEADS_LINE == 0, "a pageblock has whole lines");

/* Of 64 bytes those that are 0: of the byte 8 * w + b the bit 8 * b + w. No branch: in a block that
 * is nearly full most lines have none or one. */
static inline uint64_t zeroes_across(const heads_word *heads, uint64_t lowest)
{
	uint64_t found = 0;

	_Pragma("GCC unroll 8") for (unsigned w = 0; w < HEADS_LINE / 8; w++) {
		uint64_t zeroes = lowest & ~heads[w];

		ZN_KEEP(zeroes); /* shifted as it is added, not before */
		found |= zeroes << w;
	}
	return found;
}

/* The same with the bit n of the byte n: rows and columns of 8 x 8 bits change places, by pairs of
 * single bits, of squares of 2 x 2 and of 4 x 4. */
static inline uint64_t across_to_along(uint64_t found)
{
	uint64_t swap = (found ^ found >> 7) & 0x00aa00aa00aa00aa;

	found ^= swap ^ swap << 7;
	swap = (found ^ found >> 14) & 0x0000cccc0000cccc;
	found ^= swap ^ swap << 14;
	swap = (found ^ found >> 28) & 0x00000000f0f0f0f0;
	return found ^ swap ^ swap << 28;
}

/* The first of them, which are not none; in `found` stay those behind it, along. Mostly it is
 * one, whose place is known without all that. */
static inline unsigned first_zero(uint64_t *found)
{
	unsigned bit = (unsigned)__builtin_ctzll(*found);
	uint64_t along;

	if (likely(!(*found & (*found - 1)))) {
		*found = 0;
		return bit % 8 * 8 + bit / 8;
	}
	along = across_to_along(*found);
	*found = along & (along - 1);
	return (unsigned)__builtin_ctzll(along);
}

struct block_walk {
	uintptr_t map;
	struct page *first;
	uint8_t *heads;
	unsigned type;
	unsigned moved, others;
	unsigned next; /* pages before have been seen */
};

static ZN_INLINE void
walk_move(struct zone *zone, struct block_walk *walk, struct page *page, unsigned order)
	LOCK_HELD(zone->lock)
{
	unsigned from = page->list_type;

	if (unlikely(from >= MIGRATE_CMA)) { /* B12: counted anew, or a guard */
		if (from == LIST_GUARD)
			return;
		buddy_recount(zone, from, walk->type, 1 << order);
	}
	buddy_list_move(zone, walk->map, page, order, walk->type);
	walk->moved += 1u << order;
}

/* A page whose byte is 0. */
static ZN_INLINE void
walk_visit(struct zone *zone, struct block_walk *walk, unsigned at) LOCK_HELD(zone->lock)
{
	struct page *page = walk->first + at;
	uint32_t word = page_word(page);

	if (likely(word_state(word) == PAGE_FREE)) {
		walk->next = at + (1u << word_order(word));
		walk_move(zone, walk, page, word_order(word));
		return;
	}
	walk->next = at + step_pages(word);
	if (!(word & PG_LRU))
		walk->others += movable_pages(word);
	/* A block that is being taken is INNER still. */
	if (word_state(word) != PAGE_INNER && word_order(word) != 1)
		walk->heads[at] = HEADS_NONE;
}

/* The whole pageblock of `first`, which has no page of another zone. */
static ZN_INLINE unsigned
move_by_heads(struct zone *zone, uintptr_t map, struct page *first, unsigned type,
	      unsigned *movable) LOCK_HELD(zone->lock)
{
	struct block_walk walk = { .map = map, .first = first, .type = type };
	uint64_t lowest = 0x0101010101010101;
	const heads_word *word;

	DASSERT_HELD(&zone->lock);
	walk.heads = heads_at(zone, first->pfn);
	word = (const heads_word *)walk.heads;
	ZN_KEEP(lowest); /* in a register: one step leaves the lowest bit of each byte, turned */
	for (unsigned line = 0; line < BLOCK_HEADS; line += HEADS_LINE, word += HEADS_LINE / 8) {
		uint64_t more = zeroes_across(word, lowest);
		unsigned at;

		if (!more)
			continue;
		at = first_zero(&more);
		for (;;) {
			if (line + at >= walk.next)
				walk_visit(zone, &walk, line + at);
			if (likely(!more))
				break;
			at = (unsigned)__builtin_ctzll(more);
			more &= more - 1;
		}
	}
	*movable = walk.others + ld_relaxed(&zone->listed[first->pfn >> PAGEBLOCK_ORDER]);
	return walk.moved;
}

/* Where in the pageblock of `page` the zone begins, NULL: the pageblock ends outside of it. */
static inline struct page *block_part(const struct zone *zone, struct page *page)
{
	pfn_t start = page->pfn & ~(pfn_t)(BLOCK_HEADS - 1);

	ASSERT(page_zid(page) == zone->id, "pfn 0x%x of zone %u, not %u", page->pfn,
	       page_zid(page), zone->id);
	if (start + BLOCK_HEADS > zone->start_pfn + zone->spanned)
		return NULL;
	return start < zone->start_pfn ? page : page_block_first(page);
}

unsigned mobility_move_block(struct zone *zone, struct page *page, unsigned type)
{
	struct page *part = block_part(zone, page);
	unsigned movable;

	ASSERT(type < MIGRATE_TYPES, "pfn 0x%x to type %u", page->pfn, type);
	DASSERT_HELD(&zone->lock);
	return part ? move_by_words(zone, part, type, &movable) : 0;
}

void mobility_steal_block(struct zone *zone, struct page *page, unsigned type)
{
	unsigned old = page_block_type(page), movable = 0, alike = 0, moved = 0;
	struct page *part = block_part(zone, page);

	DASSERT(page_order(page) < PAGEBLOCK_ORDER && type < MIGRATE_PCPTYPES,
		"pfn 0x%x of order %u to type %u", page->pfn, page_order(page), type);
	if (ZONE_HEADS && likely(zone->map) && likely(part == page_block_first(page)))
		moved = move_by_heads(zone, zone->map, part, type, &movable);
	else if (part)
		moved = move_by_words(zone, part, type, &movable);
	if (!moved) {
		buddy_move(zone, page, type);
		return;
	}
	if (type == MIGRATE_MOVABLE)
		alike = movable;
	else if (old == MIGRATE_MOVABLE)
		alike = (1u << PAGEBLOCK_ORDER) - (moved + movable);
	if (moved + alike >= 1u << (PAGEBLOCK_ORDER - 1) || grouping_off(zone))
		block_set_type(page, type);
}
