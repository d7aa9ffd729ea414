/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages seen from outside: frame numbers, nodes, zones, the owner's words.
 *
 * A frame has a structure if the map of its section covers it and RAM is there, reserved or
 * not, and that structure is written already (deferred.c); a hole has none. Nothing here takes a
 * lock: what a page is may change as soon as it has been told.
 */
#include "mm.h"

#include "buddy.h"

pfn_t zonal_pfn(const struct page *page) { return page->pfn; }

struct page *zonal_page(const struct zonal *mm, pfn_t pfn)
{
	struct page *page;

	if (!mm_page_ready(mm, pfn))
		return NULL;
	page = mm_page(mm, pfn);
	return page_state(page) == PAGE_HOLE ? NULL : page;
}

unsigned zonal_page_node(const struct page *page) { return page_zid(page) / ZONE_TYPES; }

enum zone_type zonal_page_zone(const struct page *page)
{
	return (enum zone_type)(page_zid(page) % ZONE_TYPES);
}

void *zonal_page_owner(struct page *page) { return page->owner; }

bool zonal_is_free(const struct zonal *mm, pfn_t pfn)
{
	struct page *page = zonal_page(mm, pfn);

	return page && buddy_head(page);
}
