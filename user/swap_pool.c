/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for compressed pages.
 *
 * A piece is rounded up to its class, a multiple of 64 bytes, and lies in a span of that class: one
 * to four single pages, as many as waste least, whose bytes are taken as one row. So a piece may
 * begin in one page and end in the next; it is copied in and out by parts. No block of more than
 * a page is asked for, because there is none when swap is needed most.
 *
 *	span   64 bytes of struct span in the first page, then the places, side by side
 *	place  free: number of the next free one; else eight bytes for the length, then the piece
 *
 * Places are multiples of 64 from a multiple of 64 on, so the first bytes of one never lie in
 * two pages. A handle is the frame of the span and the number of the place.
 *
 * Spans with room are listed by class, linked by frames; full ones are on no list, empty ones
 * are given back at once. Nothing is moved: a pool that was full and has lost pieces here and there
 * keeps the spans that they lay in.
 *
 * The lock guards lists and heads. A piece belongs to who has its handle and is copied without
 * it. Memory is taken without it too.
 */
#include "swap_pool.h"

#include <string.h>

#include <zonal/port.h>

#include "lib/assert.h"
#include "sched/sched_port.h"

#define POOL_NONE UINT32_MAX
#define PLACE_NONE UINT16_MAX
#define HEAD_BYTES 64u
/* Reclaim asks: it must not be asked to reclaim, and may take what is kept for such. */
#define GFP_POOL ((GFP_KERNEL & ~__GFP_DIRECT_RECLAIM) | __GFP_NOWARN)

struct span {
	uint32_t next, prev; /* in the list of those with room */
	uint32_t page[POOL_SPAN_PAGES];
	uint16_t class, places, used, free;
	char *at[POOL_SPAN_PAGES]; /* where these pages are */
};

_Static_assert(sizeof(struct span) <= HEAD_BYTES, "a span's head has 64 bytes");
_Static_assert(POOL_SPAN_PAGES * PAGE_SIZE / POOL_STEP <= 1u << POOL_INDEX_BITS ||
		       PAGE_SIZE > 4096, "the number of a place has 10 bits");

static struct page *frame(uint32_t pfn) { return zonal_page(sched_port_memory(), pfn); }

static struct span *span_at(uint32_t pfn) { return sched_port_address(frame(pfn)); }

static size_t class_bytes(unsigned class) { return (class + 1) * POOL_STEP; }

static unsigned places_in(unsigned pages, unsigned class)
{
	size_t places = (pages * PAGE_SIZE - HEAD_BYTES) / class_bytes(class);

	return (unsigned)ZN_MIN(places, (size_t)1 << POOL_INDEX_BITS);
}

/* The number of pages of which least is wasted. */
static unsigned class_pages(unsigned class)
{
	unsigned best = 1;

	for (unsigned pages = 2; pages <= POOL_SPAN_PAGES; pages++)
		if (places_in(pages, class) * best > places_in(best, class) * pages)
			best = pages;
	return best;
}

void pool_make(struct swap_pool *pool)
{
	memset(pool, 0, sizeof(*pool));
	lock_set_rank(&pool->lock, LOCK_SWAP_POOL);
	for (unsigned class = 0; class < POOL_CLASSES; class++)
		pool->partial[class] = POOL_NONE;
}

/* ---- places ---- */

/* Copy between the row of a span's bytes and a buffer. */
static void row_copy(const struct span *span, size_t at, void *buffer, size_t bytes, bool in)
{
	char *outside = buffer;

	while (bytes) {
		size_t part = ZN_MIN(bytes, PAGE_SIZE - at % PAGE_SIZE);
		char *inside = span->at[at / PAGE_SIZE];

		memcpy(in ? inside + at % PAGE_SIZE : outside,
		       in ? outside : inside + at % PAGE_SIZE, part);
		outside += part;
		at += part;
		bytes -= part;
	}
}

static size_t place_at(const struct span *span, unsigned place)
{
	ASSERT(place < span->places, "place %u of %u", place, span->places);
	return HEAD_BYTES + place * class_bytes(span->class);
}

/* The two bytes at the beginning of a place. */
static uint16_t *place_head(const struct span *span, unsigned place)
{
	size_t at = place_at(span, place);

	return (uint16_t *)(void *)(span->at[at / PAGE_SIZE] + at % PAGE_SIZE);
}

/* ---- lists of spans; the lock is held ---- */

static void span_link(struct swap_pool *pool, struct span *span)
{
	uint32_t first = pool->partial[span->class];

	span->prev = POOL_NONE;
	span->next = first;
	if (first != POOL_NONE)
		span_at(first)->prev = span->page[0];
	pool->partial[span->class] = span->page[0];
}

static void span_unlink(struct swap_pool *pool, struct span *span)
{
	if (span->prev == POOL_NONE)
		pool->partial[span->class] = span->next;
	else
		span_at(span->prev)->next = span->next;
	if (span->next != POOL_NONE)
		span_at(span->next)->prev = span->prev;
}

/* ---- spans ---- */

static void span_give(struct span *span)
{
	uint32_t page[POOL_SPAN_PAGES];
	unsigned pages = class_pages(span->class);

	ASSERT(!span->used, "a span with %u pieces is given back", span->used);
	memcpy(page, span->page, sizeof(page)); /* it lies in the first of them */
	for (unsigned i = 0; i < pages; i++)
		zonal_free(sched_port_memory(), frame(page[i]), 0);
}

/* A new one, on no list; NULL: no memory. */
static struct span *span_make(unsigned class)
{
	struct page *page[POOL_SPAN_PAGES] = { NULL };
	unsigned pages = class_pages(class), got;
	struct span *span;

	for (got = 0; got < pages; got++) {
		page[got] = zonal_alloc(sched_port_memory(), GFP_POOL, 0);
		if (!page[got])
			break;
	}
	if (got < pages) {
		while (got--)
			zonal_free(sched_port_memory(), page[got], 0);
		return NULL;
	}
	span = sched_port_address(page[0]);
	*span = (struct span){ .class = (uint16_t)class,
			       .places = (uint16_t)places_in(pages, class) };
	for (unsigned i = 0; i < pages; i++) {
		span->page[i] = (uint32_t)zonal_pfn(page[i]);
		span->at[i] = sched_port_address(page[i]);
	}
	for (unsigned i = 0; i < span->places; i++)
		*place_head(span, i) = i + 1u < span->places ? (uint16_t)(i + 1) : PLACE_NONE;
	return span;
}

/* A place in a span that has one. The lock is held. */
static unsigned place_take(struct swap_pool *pool, struct span *span)
{
	unsigned place = span->free;

	ASSERT(place != PLACE_NONE, "a full span is listed");
	span->free = *place_head(span, place);
	span->used++;
	if (span->free == PLACE_NONE)
		span_unlink(pool, span);
	return place;
}

bool pool_put(struct swap_pool *pool, const void *from, size_t bytes, uint64_t *handle)
{
	unsigned class = (unsigned)((bytes + POOL_LENGTH - 1) / POOL_STEP), place;
	struct span *span = NULL, *made = NULL;
	port_irqflags_t flags;

	ASSERT(bytes && bytes <= POOL_MOST, "a piece of %zu bytes", bytes);
	for (;;) {
		flags = port_irq_save();
		lock_take(&pool->lock);
		if (made) {
			pool->pages += class_pages(class);
			span_link(pool, made);
		}
		if (pool->partial[class] != POOL_NONE)
			break;
		lock_drop(&pool->lock);
		port_irq_restore(flags);
		made = span_make(class);
		if (!made)
			return false;
	}
	span = span_at(pool->partial[class]);
	place = place_take(pool, span);
	pool->pieces++;
	pool->bytes += bytes;
	lock_drop(&pool->lock);
	port_irq_restore(flags);
	*place_head(span, place) = (uint16_t)bytes;
	row_copy(span, place_at(span, place) + POOL_LENGTH, (void *)(uintptr_t)from, bytes, true);
	*handle = (uint64_t)span->page[0] << POOL_INDEX_BITS | place;
	return true;
}

static struct span *handle_span(uint64_t handle, unsigned *place)
{
	*place = (unsigned)(handle & ((1u << POOL_INDEX_BITS) - 1));
	return span_at((uint32_t)(handle >> POOL_INDEX_BITS));
}

size_t pool_get(struct swap_pool *pool, uint64_t handle, void *to)
{
	unsigned place;
	const struct span *span = handle_span(handle, &place);
	size_t bytes = *place_head(span, place);

	(void)pool;
	ASSERT(bytes && bytes <= class_bytes(span->class) - POOL_LENGTH,
	       "a piece of %zu bytes in class %u", bytes, span->class);
	row_copy(span, place_at(span, place) + POOL_LENGTH, to, bytes, false);
	return bytes;
}

const void *pool_piece(struct swap_pool *pool, uint64_t handle, size_t *bytes)
{
	unsigned place;
	const struct span *span = handle_span(handle, &place);
	const char *head = (const void *)place_head(span, place);
	size_t left = PAGE_SIZE - place_at(span, place) % PAGE_SIZE;

	(void)pool;
	*bytes = *(const uint16_t *)(const void *)head;
	ASSERT(*bytes && *bytes <= class_bytes(span->class) - POOL_LENGTH,
	       "a piece of %zu bytes in class %u", *bytes, span->class);
	return *bytes + POOL_LENGTH <= left ? head + POOL_LENGTH : NULL;
}

void pool_free(struct swap_pool *pool, uint64_t handle)
{
	unsigned place;
	struct span *span = handle_span(handle, &place);
	uint16_t *head = place_head(span, place);
	port_irqflags_t flags = port_irq_save();
	bool empty;

	lock_take(&pool->lock);
	ASSERT(span->used, "a piece of an empty span is freed");
	pool->pieces--;
	pool->bytes -= *head;
	if (span->free == PLACE_NONE)
		span_link(pool, span);
	*head = span->free;
	span->free = (uint16_t)place;
	empty = --span->used == 0;
	if (empty) {
		span_unlink(pool, span);
		pool->pages -= class_pages(span->class);
	}
	lock_drop(&pool->lock);
	port_irq_restore(flags);
	if (empty)
		span_give(span);
}
