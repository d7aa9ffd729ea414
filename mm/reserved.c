/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A reserved page that is given back: the image's own start-up code, for one.
 *
 * It was RESERVED since boot and counted as present, not as managed. It becomes a free page of
 * the zone that it lies in, and the zone manages one more. If its structure is not there yet
 * (deferred.c), it is brought first. A page that was found to be bad meanwhile stays out of use.
 *
 * Takes the zone's lock.
 */
#include "init.h"

#include "deferred.h"

int zonal_free_reserved(struct zonal *mm, pfn_t pfn)
{
	struct page *page;
	struct zone *zone;

	deferred_reach(mm, pfn);
	page = zonal_page(mm, pfn);
	if (!page || page_state(page) != PAGE_RESERVED || (page_word(page) & PG_HWPOISON))
		return ZONAL_EINVAL;
	zone = mm_page_zone(mm, page);
	st_relaxed(&page->refs, 0);
	page_set_word(page, word_make(zone->id, PAGE_INNER, 0));
	release_range(mm, zone, pfn, pfn + 1);
	return 0;
}
