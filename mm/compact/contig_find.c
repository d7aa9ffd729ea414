/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a contiguous range may be: zonal_alloc_contig_pages() (A7).
 *
 * The zones are asked in the order of any request's fallback list, and in each the ranges that
 * begin at a multiple of the size, upwards. 5.10 takes only a range without a page in use; on a
 * board that has run for a while there is none, though most of it could be emptied. So there are
 * two rounds over all zones: first those ranges that nobody uses, where nothing has to be moved,
 * then those of which every page can leave (A4). In both a range that looked well can be
 * busy when it is its turn; then the next one is tried.
 *
 * Looking takes no lock and may be wrong; contig.c decides.
 */
#include "contig.h"

#include "lib/assert.h"
#include "mm/buddy.h"
#include "mm/deferred.h"
#include "mm/request.h"

struct find {
	struct zonal *mm;
	uint64_t pages;
	gfp_t gfp;
	bool free_only; /* the first round */
};

/* Nobody uses a page of it. */
static bool range_is_free(const struct find *f, const struct zone *zone, pfn_t start)
{
	pfn_t at = start, end = start + f->pages;

	while (at < end) {
		struct page *page = zonal_page(f->mm, at);
		struct page *head = page ? buddy_head(page) : NULL;

		if (!page || page_zid(page) != zone->id)
			return false;
		if (head)
			at = head->pfn + (1u << page_order(head));
		else if (page_state(page) == PAGE_PCP)
			at++;
		else
			return false;
	}
	return true;
}

static bool range_promises(const struct find *f, const struct zone *zone, pfn_t start)
{
	const pfn_t mask = BLOCK_PAGES - 1;

	if (f->free_only)
		return range_is_free(f, zone, start);
	return range_can_leave(f->mm, start & ~mask, (start + f->pages + mask) & ~mask,
			       MIGRATE_MOVABLE);
}

static struct page *find_in_zone(const struct find *f, struct zone *zone)
{
	pfn_t end = zone->start_pfn + zone->spanned;
	pfn_t at = (zone->start_pfn + f->pages - 1) / f->pages * f->pages;

	for (; at + f->pages <= end; at += f->pages) {
		bool promises;

		if (unlikely(ld_relaxed(&zone->deferred)))
			deferred_reach(f->mm, at + f->pages - 1);
		promises = range_promises(f, zone, at);
		if (promises && !contig_take(f->mm, at, f->pages, MIGRATE_MOVABLE, f->gfp))
			return mm_page(f->mm, at);
		/* A pageblock that cannot be emptied is no better for the next small range. */
		if (!promises && !f->free_only && f->pages < BLOCK_PAGES)
			at = (at | (BLOCK_PAGES - 1)) / f->pages * f->pages;
	}
	return NULL;
}

static struct page *find_in_list(const struct find *f, const struct zonelist *list,
				 nodemask_t nodes)
{
	unsigned high = gfp_zone(f->gfp);

	for (unsigned i = list->first[high]; i < list->count; i++) {
		const struct zoneref *ref = &list->ref[i];
		struct page *page = NULL;

		if (ref->type <= high && nodemask_has(nodes, ref->node))
			page = find_in_zone(f, ref->zone);
		if (page)
			return page;
	}
	return NULL;
}

struct page *zonal_alloc_contig_pages(struct zonal *mm, uint64_t pages, gfp_t gfp, int nid,
				      const nodemask_t *mask)
{
	struct find f = { .mm = mm, .pages = pages, .gfp = gfp, .free_only = true };
	nodemask_t nodes = mask && *mask ? *mask : ~(nodemask_t)0;
	struct page *page;

	if (nid == NODE_NONE)
		nid = ask_here(mm).nid;
	if (!pages || pages > (pfn_t)1 << 32 || gfp_zone_bad(gfp) || nid < 0 ||
	    nid >= ZONAL_MAX_NODES || !mm->node[nid])
		return NULL;
	page = find_in_list(&f, &mm->node[nid]->fallback, nodes);
	f.free_only = false;
	return page ? page : find_in_list(&f, &mm->node[nid]->fallback, nodes);
}
