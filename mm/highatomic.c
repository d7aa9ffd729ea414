/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The highatomic reserve: pageblocks kept for urgent requests of order > 0.
 *
 * An interrupt handler that needs 32 KiB in one piece cannot wait for memory to be
 * defragmented. When a HARDER request of order > 0 is served, the pageblock that
 * served it becomes HIGHATOMIC (F8): what is left of it is seen only by requests
 * of that kind, which look there first (H3). At most 1 % of a zone and one block
 * more is reserved (H1); the test is made before a block is added, so a zone of
 * 1 GiB (cap 3133 pages) stops at seven blocks, 3584 pages.
 *
 * zone->highatomic counts whole blocks, free or not; the watermark test takes it
 * away from what others may use. A block goes back when reclaim has made
 * progress and a request still found nothing, or before giving up (H5).
 *
 * The count can outlive its blocks: a reserved block that is the second half of a
 * free block of order 10 is stolen with the first, and 5.10 does not count it down. Nor do
 * we, since watermarks hang on it; `highatomic_lost` keeps the difference, so that
 * count - lost is what the blocks hold, summed over zones that share blocks, and zonal_check()
 * can tell a leak of 5.10's from one of ours.
 *
 * The counter and block types change under the zone lock; the first look at the
 * cap is made without it and made again inside.
 */
#include "buddy.h"

#include "lib/assert.h"
#include "mobility.h"
#include "trace.h"
#include "watermark.h"

#define RESERVE_PAGES (1 << PAGEBLOCK_ORDER)

static bool reserve_full(struct zone *zone)
{
	return ld_relaxed(&zone->highatomic) >= zone_managed(zone) / 100 + RESERVE_PAGES;
}

static void set_reserved(struct zone *zone, int64_t pages)
{
	ASSERT(pages >= 0, "zone %u: a reserve of %lld pages", zone->id, (long long)pages);
	DASSERT_HELD(&zone->lock);
	st_relaxed(&zone->highatomic, pages);
	zone_update_floor(zone);
}

void highatomic_reserve(struct zone *zone, struct page *page)
{
	port_irqflags_t irq;
	unsigned type;

	ASSERT(page_zid(page) == zone->id, "pfn 0x%x of zone %u for the reserve of zone %u",
	       page->pfn, page_zid(page), zone->id);
	if (reserve_full(zone))
		return;
	irq = port_irq_save();
	lock_take(&zone->lock);
	type = page_block_type(page);
	if (!reserve_full(zone) && type < MIGRATE_HIGHATOMIC) {
		set_reserved(zone, ld_relaxed(&zone->highatomic) + RESERVE_PAGES);
		block_set_type(page, MIGRATE_HIGHATOMIC);
		mobility_move_block(zone, page, MIGRATE_HIGHATOMIC);
	}
	lock_drop(&zone->lock);
	port_irq_restore(irq);
}

void highatomic_forget(struct zone *zone)
{
	int64_t reserved = ld_relaxed(&zone->highatomic);

	/* Another zone that shares the block may have counted it. */
	zone->highatomic_lost += RESERVE_PAGES - ZN_MIN(reserved, RESERVE_PAGES);
	set_reserved(zone, reserved - ZN_MIN(reserved, RESERVE_PAGES));
}

/* One zone of H4; zone lock held. */
static bool unreserve_zone(struct zone *zone, unsigned type) LOCK_HELD(zone->lock);
static bool unreserve_zone(struct zone *zone, unsigned type)
{
	ASSERT(type < MIGRATE_PCPTYPES, "reserve given to type %u", type);
	DASSERT_HELD(&zone->lock);
	for (unsigned order = 0; order < MAX_ORDER; order++) {
		struct page *page = buddy_first(zone, order, MIGRATE_HIGHATOMIC);

		if (!page)
			continue;
		/* The block's type can have changed under its free pages; counting
		 * it down twice would wrap. */
		if (page_block_type(page) == MIGRATE_HIGHATOMIC)
			highatomic_forget(zone);
		block_set_type(page, type);
		trace(zone->mm, CALL_OTHER, ZONAL_OTHER_HIGHATOMIC, zone->node, zone->type);
		if (mobility_move_block(zone, page, type))
			return true;
	}
	return false;
}

/* Zones may share a pageblock, or lie in another's hole: a block is the zone's that has
 * its first page. The map covers all of a block or nothing. */
static bool owns_block(struct zone *zone, pfn_t pfn)
{
	ASSERT(!(pfn & (RESERVE_PAGES - 1)), "pfn 0x%llx begins no block", (unsigned long long)pfn);
	/* A zone whose size is damaged may reach beyond the map; zonal_check() will say so. */
	if (!mm_page_ready(zone->mm, pfn))
		return false;
	for (unsigned i = 0; i < RESERVE_PAGES; i++)
		if (page_state(mm_page(zone->mm, pfn + i)) != PAGE_HOLE)
			return page_zid(mm_page(zone->mm, pfn + i)) == zone->id;
	return false;
}

int64_t highatomic_in_blocks(struct zone *zone)
{
	pfn_t at = zone->start_pfn & ~(pfn_t)(RESERVE_PAGES - 1);
	int64_t pages = 0;

	for (; at < zone->start_pfn + zone->spanned; at += RESERVE_PAGES)
		if (owns_block(zone, at) &&
		    page_block_type(mm_page(zone->mm, at)) == MIGRATE_HIGHATOMIC)
			pages += RESERVE_PAGES;
	return pages;
}

bool highatomic_unreserve(const struct alloc_req *req, bool force)
{
	ASSERT(req->high_zone < ZONE_TYPES, "zone type %u", req->high_zone);
	for (unsigned i = req->list->first[req->high_zone]; i < req->list->count; i++) {
		const struct zoneref *ref = &req->list->ref[i];
		struct zone *zone = ref->zone;
		port_irqflags_t irq;
		bool moved;

		if (ref->type > req->high_zone || !nodemask_has(req->nodemask, ref->node))
			continue;
		if (!force && ld_relaxed(&zone->highatomic) <= RESERVE_PAGES)
			continue;
		irq = port_irq_save();
		lock_take(&zone->lock);
		moved = unreserve_zone(zone, req->type);
		lock_drop(&zone->lock);
		port_irq_restore(irq);
		if (moved)
			return true;
	}
	return false;
}
