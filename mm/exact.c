/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Splitting a block, and contiguous memory of any size.
 *
 * split (B18): the head's word becomes that of a single page, and each of the other
 * pages, INNER until now, becomes USED with one reference. The block is its
 * caller's alone, so no lock is needed.
 *
 * exact (D13): the next larger order, split, and the pages beyond the size go
 * back at once. So `bytes` pages can be freed one by one, or in parts.
 */
#include "alloc.h"

#include <zonal/contig.h>

#include "group.h"
#include "lib/assert.h"
#include "page_check.h"
#include "page_owner.h"
#include "take.h"

void zonal_split(struct zonal *mm, struct page *page, unsigned order)
{
	uint32_t word = page_word(page);
	uint32_t single = word_make(word_zid(word), PAGE_USED, 0);

	if (order >= MAX_ORDER || word_state(word) != PAGE_USED || word_order(word) != order ||
	    (word & PG_COMP) || !mm_owns(mm, page)) {
		page_report_misuse(mm, "split", page, order);
		return;
	}
	ASSERT(!(page->pfn & ((1u << order) - 1)), "pfn 0x%x order %u", page->pfn, order);
	page_set_word(page, word & ~WORD_ORDER_MASK);
	for (unsigned i = 1; i < 1u << order; i++)
		page_prepare(page + i, single | (word & (PG_PFMEMALLOC | PG_CHARGED)));
	if (unlikely(word & PG_CHARGED))
		group_split(mm, page, order);
	if (unlikely(ld_relaxed(&page->mapped) & MAPPED_TRACED))
		page_owner_split(mm, page, order);
}

static unsigned order_of_bytes(size_t bytes)
{
	unsigned order = 0;

	while (order < MAX_ORDER && (PAGE_SIZE << order) < bytes)
		order++;
	return order;
}

struct page *zonal_alloc_exact(struct zonal *mm, gfp_t gfp, size_t bytes)
{
	unsigned order = order_of_bytes(bytes);
	size_t keep = align_up(bytes, PAGE_SIZE) / PAGE_SIZE;
	struct page *page;

	/* A compound block cannot be split; 5.10 warns and goes on without. */
	page = zonal_alloc(mm, gfp & ~__GFP_COMP, bytes ? order : MAX_ORDER);
	if (!page)
		return NULL;
	ASSERT(keep && keep <= (size_t)1 << order, "%u pages of order %u",
	       (unsigned)keep, order);
	zonal_split(mm, page, order);
	for (size_t i = keep; i < (size_t)1 << order; i++)
		zonal_free(mm, page + i, 0);
	return page;
}

void zonal_free_exact(struct zonal *mm, struct page *page, size_t bytes)
{
	for (size_t i = 0; i < align_up(bytes, PAGE_SIZE) / PAGE_SIZE; i++)
		zonal_free(mm, page + i, 0);
}

/* Here, for a build without compaction has rows of pages too (constraint.c). */
uint64_t zonal_free_contig_range(struct zonal *mm, pfn_t start, uint64_t pages)
{
	uint64_t used = 0;

	for (uint64_t i = 0; i < pages; i++) {
		struct page *page = zonal_page(mm, start + i);

		if (!page)
			break;
		used += ld_relaxed(&page->refs) > 1;
		zonal_free(mm, page, 0);
	}
	if (used)
		port_log("zonal: %llu of %llu pages from 0x%llx are in use still",
			 (unsigned long long)used, (unsigned long long)pages,
			 (unsigned long long)start);
	return used;
}
