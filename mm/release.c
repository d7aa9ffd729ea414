/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handing memory over: from the board's ranges to the free lists.
 *
 * Section by section, each stretch of RAM that nobody has reserved goes to its zone as the largest
 * blocks that alignment and end allow, in ascending order, to the tails of the
 * lists (I4, B19), so that the first block taken is the lowest. `managed` is
 * counted here and nowhere guessed: it is what was really handed over (I6).
 *
 * CMA areas (reserved-memory, reusable, shared-dma-pool) come after that: their
 * pageblocks become CMA and then go to the lists, where only movable requests find
 * them (A11). An area that is not aligned to the largest block would share one with
 * others (A8), and one with a hole or a zone's border in it is not one piece of memory:
 * it stays reserved as a whole, with a line that says why.
 *
 * A single reserved page can be given back later (reserved.c), and what deferred.c has left comes
 * block by block.
 *
 * At boot there is one CPU; zone locks are taken all the same, since lists may
 * be touched only under them.
 */
#include "init.h"

#include "buddy.h"
#include "contents.h"
#include "deferred.h"
#include "lib/assert.h"
#include "watermark.h"

/* Pages that are INNER so far, as the largest blocks that will do. */
static void put_blocks(struct zone *zone, pfn_t start, pfn_t end) LOCK_HELD(zone->lock);
static void put_blocks(struct zone *zone, pfn_t start, pfn_t end)
{
	ASSERT(start >= zone->start_pfn && end <= zone->start_pfn + zone->spanned,
	       "pages 0x%llx to 0x%llx of zone %u", (unsigned long long)start,
	       (unsigned long long)end, zone->id);
	while (start < end) {
		unsigned order = start ? (unsigned)__builtin_ctzll(start) : MAX_ORDER - 1;

		order = ZN_MIN(order, MAX_ORDER - 1u);
		while (start + ((pfn_t)1 << order) > end)
			order--;
		buddy_put(zone, mm_page(zone->mm, start), order, BUDDY_TAIL);
		start += (pfn_t)1 << order;
	}
}

void release_range(struct zonal *mm, struct zone *zone, pfn_t start, pfn_t end)
{
	port_irqflags_t irq;

	if (ld_relaxed(&mm->gates) & GATE_CONTENTS)
		contents_freed(mm, start, end - start);
	irq = port_irq_save();
	lock_take(&zone->lock);
	own_add(&zone->managed, end - start);
	put_blocks(zone, start, end);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
}

bool release_next(const struct boot_info *info, struct pfn_span *rest, struct pfn_span *out)
{
	*out = *rest;
	for (unsigned i = 0; i < info->reserved_count && out->start < rest->end; i++) {
		const struct boot_range *r = &info->reserved[i];
		pfn_t first = r->start >> PAGE_SHIFT, last = (r->start + r->size) >> PAGE_SHIFT;

		if (last <= out->start)
			continue;
		if (first > out->start) {
			out->end = ZN_MIN(first, rest->end);
			break;
		}
		out->start = last;
	}
	rest->start = out->end;
	return out->start < out->end;
}

uint64_t release_later(struct zonal *mm, struct zone *zone, struct pfn_span part)
{
	const struct boot_info *info = &mm->deferred->info;
	uint64_t pages = 0;

	DASSERT_HELD(&zone->lock);
	for (unsigned i = 0; i < info->range_count; i++) {
		struct pfn_span here = part, out;

		if (info->range[i].nid != zone->node || !zones_part(mm, info, i, zone->type, &here))
			continue;
		while (release_next(info, &here, &out)) {
			put_blocks(zone, out.start, out.end);
			pages += out.end - out.start;
		}
	}
	return pages;
}

/* Why [start, end) cannot be an area, NULL: it can. Every page is looked at: a hole or another
 * zone in the middle would be handed out as well. */
static const char *cma_area_fault(struct zonal *mm, pfn_t start, pfn_t end)
{
	const struct page *first = zonal_page(mm, start);

	if ((start | end) & (((pfn_t)1 << (MAX_ORDER - 1)) - 1))
		return "its start and size must be multiples of the largest block";
	if (!first)
		return "it must be RAM";
	for (pfn_t pfn = start; pfn < end; pfn++) {
		const struct page *page = zonal_page(mm, pfn);

		if (!page)
			return "it must be RAM without a hole";
		if (page_zid(page) != page_zid(first))
			return "it must lie in one zone of one node";
		ASSERT(page_state(page) == PAGE_RESERVED, "pfn 0x%llx has word 0x%x",
		       (unsigned long long)pfn, page_word(page));
	}
	return NULL;
}

/* A place in the table, also for one that cannot be used: so that its number does not depend on
 * what is wrong with another (A12). NULL: the table is full. */
static struct cma_area *cma_area_add(struct zonal *mm, pfn_t start)
{
	if (mm->cma_count == ZONAL_CMA_AREAS)
		return NULL;
	mm->cma[mm->cma_count] = (struct cma_area){ .start = start };
	return &mm->cma[mm->cma_count++];
}

static void release_cma_area(struct zonal *mm, const struct boot_range *r)
{
	pfn_t start = r->start >> PAGE_SHIFT, end = (r->start + r->size) >> PAGE_SHIFT;
	const char *fault = cma_area_fault(mm, start, end);
	struct cma_area *area = cma_area_add(mm, start);
	uint32_t inner;
	struct zone *zone;

	if (!area)
		fault = "there are ZONAL_CMA_AREAS before it";
	if (fault) {
		port_log("zonal: CMA area 0x%llx+0x%llx stays reserved: %s",
			 (unsigned long long)r->start, (unsigned long long)r->size, fault);
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
	area->pages = end - start;
	release_range(mm, zone, start, end);
}

/* What nobody has reserved of a section whose map is filled. */
static void release_section(struct zonal *mm, const struct boot_info *info, pfn_t s)
{
	for (unsigned i = 0; i < info->range_count; i++)
		for (unsigned t = 0; t < ZONE_TYPES; t++) {
			struct pfn_span out, part = { mm->bounds[s].first, mm->bounds[s].end };

			if (!zones_part(mm, info, i, t, &part))
				continue;
			while (release_next(info, &part, &out))
				release_range(mm, &mm->node[info->range[i].nid]->zone[t], out.start,
					      out.end);
		}
}

void release_memory(struct zonal *mm, const struct boot_info *info)
{
	for (pfn_t s = 0; s < mm->section_count; s++)
		if (mm->bounds[s].end && !deferred_section(mm, s))
			release_section(mm, info, s);
	for (unsigned i = 0; i < info->reserved_count; i++)
		if (ZONAL_CMA && (info->reserved[i].flags & BOOT_CMA))
			release_cma_area(mm, &info->reserved[i]);
}
