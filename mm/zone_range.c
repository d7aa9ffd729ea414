/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A range of frames that a caller names: is it memory, and whose?
 *
 * Who takes what a zone gives needs not ask. Who names frames (a contiguous range, memory that is
 * brought or taken away) may name holes, another zone's pages or none at all, and pages whose
 * structures are not there yet; those are brought first. It costs a look at each page.
 *
 * No locks: which zone a page is of never changes.
 */
#include "deferred.h"

struct zone *zone_of_range(struct zonal *mm, pfn_t start, uint64_t pages)
{
	const struct page *first;

	if (!pages || start + pages < start)
		return NULL;
	/* The map of a node is written upwards: with the last of its pages the others are there. */
	deferred_reach(mm, start + pages - 1);
	first = zonal_page(mm, start);
	for (uint64_t i = 1; first && i < pages; i++) {
		const struct page *page = zonal_page(mm, start + i);

		if (!page || page_zid(page) != page_zid(first))
			return NULL;
	}
	return first ? mm->zone[page_zid(first)] : NULL;
}
