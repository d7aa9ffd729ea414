/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handing memory over: from the board's ranges to the free lists.
 *
 * Each stretch of RAM that nobody has reserved goes to its zone as the largest
 * blocks that alignment and end allow, in ascending order, to the tails of the
 * lists (I4, B19), so that the first block taken is the lowest. `managed` is
 * counted here and nowhere guessed: it is what was really handed over (I6).
 *
 * CMA areas (reserved-memory, reusable, shared-dma-pool) come after that: their
 * pageblocks become CMA and then go to the lists, where only movable requests find
 * them (A11). An area that is not aligned to the largest block stays reserved, with
 * a line that says so: it would share a block with others (A8).
 *
 * A single reserved page can be given back later (zonal_free_reserved): the
 * image's own start-up code, for one.
 *
 * At boot there is one CPU; zone locks are taken all the same, since lists may
 * be touched only under them.
 */
#include "init.h"

#include "buddy.h"
#include "watermark.h"

static void release_range(struct zonal *mm, struct zone *zone, pfn_t start, pfn_t end)
{
	port_irqflags_t irq = port_irq_save();

	lock_take(&zone->lock);
	own_add(&zone->managed, end - start);
	while (start < end) {
		unsigned order = start ? (unsigned)__builtin_ctzll(start) : MAX_ORDER - 1;

		order = ZN_MIN(order, MAX_ORDER - 1u);
		while (start + ((pfn_t)1 << order) > end)
			order--;
		buddy_put(zone, mm_page(mm, start), order, BUDDY_TAIL);
		start += (pfn_t)1 << order;
	}
	lock_drop(&zone->lock);
	port_irq_restore(irq);
}

/* [start, end) of one zone, less what is reserved; `reserved` is sorted. */
static void release_piece(struct zonal *mm, const struct boot_info *info, struct zone *zone,
			  pfn_t start, pfn_t end)
{
	for (unsigned i = 0; i < info->reserved_count && start < end; i++) {
		const struct boot_range *r = &info->reserved[i];
		pfn_t first = r->start >> PAGE_SHIFT, last = (r->start + r->size) >> PAGE_SHIFT;

		if (last <= start)
			continue;
		if (first >= end)
			break;
		if (start < first)
			release_range(mm, zone, start, first);
		start = ZN_MAX(start, last);
	}
	if (start < end)
		release_range(mm, zone, start, end);
}

static bool cma_area_fits(struct zonal *mm, pfn_t start, pfn_t end)
{
	const struct page *first = zonal_page(mm, start), *last = zonal_page(mm, end - 1);
	pfn_t block = (pfn_t)1 << (MAX_ORDER - 1);

	if ((start | end) & (block - 1))
		return false;
	return first && last && page_zid(first) == page_zid(last);
}

static void release_cma_area(struct zonal *mm, const struct boot_range *r)
{
	pfn_t start = r->start >> PAGE_SHIFT, end = (r->start + r->size) >> PAGE_SHIFT;
	uint32_t inner;
	struct zone *zone;

	if (!cma_area_fits(mm, start, end)) {
		port_log("zonal: CMA area 0x%llx+0x%llx stays reserved: start and size must be "
			 "multiples of 4 MiB within one zone",
			 (unsigned long long)r->start, (unsigned long long)r->size);
		return;
	}
	zone = mm_page_zone(mm, mm_page(mm, start));
	inner = word_make(zone->id, PAGE_INNER, 0);
	for (pfn_t pfn = start; pfn < end; pfn++) {
		page_set_word(mm_page(mm, pfn), inner);
		st_relaxed(&mm_page(mm, pfn)->refs, 0);
	}
	for (pfn_t pfn = start; pfn < end; pfn += 1u << PAGEBLOCK_ORDER)
		block_set_type(mm_page(mm, pfn), MIGRATE_CMA);
	release_range(mm, zone, start, end);
}

void release_memory(struct zonal *mm, const struct boot_info *info)
{
	pfn_t start, end;

	for (unsigned i = 0; i < info->range_count; i++)
		for (unsigned t = 0; t < ZONE_TYPES; t++)
			if (zones_piece(mm, info, i, t, &start, &end))
				release_piece(mm, info, &mm->node[info->range[i].nid]->zone[t],
					      start, end);
	for (unsigned i = 0; i < info->reserved_count; i++)
		if (ZONAL_CMA && (info->reserved[i].flags & BOOT_CMA))
			release_cma_area(mm, &info->reserved[i]);
}

int zonal_free_reserved(struct zonal *mm, pfn_t pfn)
{
	struct page *page = zonal_page(mm, pfn);
	struct zone *zone;

	if (!page || page_state(page) != PAGE_RESERVED)
		return ZONAL_EINVAL;
	zone = mm_page_zone(mm, page);
	st_relaxed(&page->refs, 0);
	page_set_word(page, word_make(zone->id, PAGE_INNER, 0));
	release_range(mm, zone, pfn, pfn + 1);
	return 0;
}
