/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CMA areas: memory that a driver gets in one piece when it wants it (A8-A12).
 *
 * The free pages of an area are of type CMA, used by movable requests alone, so that whatever is in
 * use can be moved away. The areas are made at boot (release.c) and stay.
 *
 *	find     the first row of pieces that is not given out, at the wanted alignment
 *	mark     so that nobody else finds it
 *	take     the pages (contig.c). Busy: somebody holds one of them; unmark, and look on
 *	         behind that place. Any other error ends it
 *
 * Which pages are given out is a bit of each page's own byte in the page map (BLOCK_CMA_GIVEN) at
 * the first page of each piece: a bitmap that needs no memory and so cannot be refused any,
 * where 5.10 has one from its slab (A12). Finding a row looks at as many bytes as the row is long
 * and the holes before it.
 *
 * Marks and counts are changed by whoever has the area's turn, and ranges are taken one at a time
 * in all areas: two that share a largest block would find each other busy for no good reason. No
 * turn is held while another one is waited for.
 */
#include "contig.h"

#include "lib/assert.h"
#include "mm/trace.h"
#include "turn.h"

#define NO_PLACE UINT64_MAX

/* ---- marks; the area's turn is held ---- */

static uint64_t area_pieces(const struct cma_area *area) { return area->pages >> area->order; }

static uint64_t pieces_of(const struct cma_area *area, uint64_t pages)
{
	return (pages + (1u << area->order) - 1) >> area->order;
}

static _Atomic uint8_t *mark_of(struct zonal *mm, const struct cma_area *area, uint64_t piece)
{
	DASSERT(piece < area_pieces(area), "piece %llu of %llu", (unsigned long long)piece,
		(unsigned long long)area_pieces(area));
	return &mm_page(mm, area->start + (piece << area->order))->block;
}

static bool is_given(struct zonal *mm, const struct cma_area *area, uint64_t piece)
{
	return ld_relaxed(mark_of(mm, area, piece)) & BLOCK_CMA_GIVEN;
}

/* The type of the pageblock stands in the same byte of its first page, and changes beside us. */
static void set_given(struct zonal *mm, struct cma_area *area, uint64_t piece, uint64_t count,
		      bool given)
{
	for (uint64_t i = piece; i < piece + count; i++) {
		if (given)
			fetch_or_acq_rel(mark_of(mm, area, i), (uint8_t)BLOCK_CMA_GIVEN);
		else
			fetch_and_acq_rel(mark_of(mm, area, i), (uint8_t)~BLOCK_CMA_GIVEN);
	}
	own_add(&area->used, given ? count << area->order : -(count << area->order));
}

/* The first piece from `from` on where `count` are free and whose frame number is a multiple of
 * 2^align. */
static uint64_t find_row(struct zonal *mm, const struct cma_area *area, uint64_t from,
			 uint64_t count, unsigned align)
{
	uint64_t mask = align > area->order ? ((uint64_t)1 << (align - area->order)) - 1 : 0;
	uint64_t offset = (area->start >> area->order) & mask, end = area_pieces(area), i = 0;

	for (uint64_t at = from;; at += i + 1) {
		at = ((at + offset + mask) & ~mask) - offset;
		if (at >= end || count > end - at)
			return NO_PLACE;
		for (i = 0; i < count && !is_given(mm, area, at + i); i++)
			;
		if (i == count)
			return at;
	}
}

/* ---- take and release ---- */

static struct cma_area *area_at(const struct zonal *mm, unsigned area)
{
	struct zonal *writable = (struct zonal *)(uintptr_t)mm;

	return area < mm->cma_count ? &writable->cma[area] : NULL;
}

/* Find and mark. */
static uint64_t claim_row(struct zonal *mm, struct cma_area *area, uint64_t from, uint64_t count,
			  unsigned align)
{
	uint64_t at;

	turn_take(&area->turn);
	at = find_row(mm, area, from, count, align);
	if (at != NO_PLACE)
		set_given(mm, area, at, count, true);
	turn_drop(&area->turn);
	return at;
}

/* The range of a row that is ours; if it cannot be had, the row is nobody's again. */
static int take_row(struct zonal *mm, struct cma_area *area, uint64_t at, uint64_t pages)
{
	int error;

	turn_take(&mm->cma_turn);
	error = contig_take(mm, area->start + (at << area->order), pages, MIGRATE_CMA, GFP_KERNEL);
	turn_drop(&mm->cma_turn);
	if (!error)
		return 0;
	turn_take(&area->turn);
	set_given(mm, area, at, pieces_of(area, pages), false);
	own_add(&area->retries, 1);
	turn_drop(&area->turn);
	return error;
}

static struct page *cma_take(struct zonal *mm, struct cma_area *area, uint64_t pages,
			     unsigned align)
{
	uint64_t mask = align > area->order ? ((uint64_t)1 << (align - area->order)) - 1 : 0;
	uint64_t from = 0, at;
	int error;

	do {
		at = claim_row(mm, area, from, pieces_of(area, pages), align);
		if (at == NO_PLACE)
			return NULL;
		error = take_row(mm, area, at, pages);
		if (!error)
			return mm_page(mm, area->start + (at << area->order));
		from = at + mask + 1;
	} while (error == ZONAL_EBUSY);
	return NULL;
}

struct page *zonal_cma_alloc(struct zonal *mm, unsigned area, uint64_t count, unsigned align)
{
	struct cma_area *a = area_at(mm, area);
	struct page *page = NULL;

	if (!a)
		return NULL;
	if (count && count <= a->pages && align < 32)
		page = cma_take(mm, a, count, align);
	fetch_add_relaxed(page ? &a->allocs : &a->failures, 1);
	trace(mm, CMA_ALLOC, page ? page->pfn : PFN_NONE, (uint32_t)count, align);
	return page;
}

/* Is every piece of the row given out? */
static bool row_is_given(struct zonal *mm, struct cma_area *area, uint64_t at, uint64_t count)
{
	uint64_t i = 0;

	turn_take(&area->turn);
	while (i < count && is_given(mm, area, at + i))
		i++;
	turn_drop(&area->turn);
	return i == count;
}

bool zonal_cma_release(struct zonal *mm, unsigned area, struct page *page, uint64_t count)
{
	struct cma_area *a = area_at(mm, area);
	pfn_t pfn = page ? zonal_pfn(page) : 0;
	uint64_t at;

	if (!a || !page || !count || pfn < a->start || count > a->pages ||
	    pfn - a->start > a->pages - count)
		return false;
	at = (pfn - a->start) >> a->order;
	if ((pfn - a->start) & ((1u << a->order) - 1) ||
	    !row_is_given(mm, a, at, pieces_of(a, count)))
		return false;
	zonal_free_contig_range(mm, pfn, count);
	trace(mm, CMA_RELEASE, (uint32_t)pfn, (uint32_t)count);
	turn_take(&a->turn);
	set_given(mm, a, at, pieces_of(a, count), false);
	turn_drop(&a->turn);
	return true;
}

/* ---- what is asked of areas ---- */

unsigned zonal_cma_areas(const struct zonal *mm) { return mm->cma_count; }

static uint64_t longest_row(struct zonal *mm, const struct cma_area *area)
{
	uint64_t longest = 0, row = 0;

	for (uint64_t i = 0; i < area_pieces(area); i++) {
		row = is_given(mm, area, i) ? 0 : row + 1;
		longest = ZN_MAX(longest, row);
	}
	return longest << area->order;
}

bool zonal_cma_info(struct zonal *mm, unsigned area, struct zonal_cma_info *out)
{
	struct cma_area *a = area_at(mm, area);

	if (!a)
		return false;
	turn_take(&a->turn);
	*out = (struct zonal_cma_info){
		.start = a->start,
		.pages = a->pages,
		.node = a->pages ? zonal_page_node(mm_page(mm, a->start)) : 0,
		.order_per_bit = a->order,
		.used = ld_relaxed(&a->used),
		.largest = longest_row(mm, a),
		.allocs = ld_relaxed(&a->allocs),
		.failures = ld_relaxed(&a->failures),
		.retries = ld_relaxed(&a->retries),
	};
	turn_drop(&a->turn);
	return true;
}

int zonal_cma_area_of_node(const struct zonal *mm, unsigned nid)
{
	for (unsigned i = 0; i < mm->cma_count; i++)
		if (mm->cma[i].pages && zonal_page_node(mm_page(mm, mm->cma[i].start)) == nid)
			return (int)i;
	return -1;
}

int zonal_cma_set_order(struct zonal *mm, unsigned area, unsigned order)
{
	struct cma_area *a = area_at(mm, area);
	int error = 0;

	if (!a || order >= MAX_ORDER)
		return ZONAL_EINVAL;
	turn_take(&a->turn);
	if (ld_relaxed(&a->used))
		error = ZONAL_EBUSY;
	else
		a->order = (uint8_t)order;
	turn_drop(&a->turn);
	return error;
}
