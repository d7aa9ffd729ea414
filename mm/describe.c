/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Structures for RAM that nobody knew of when the instance was built.
 *
 * Known was that there may be RAM one day: zonal_add_room() gives a node a range of addresses, so
 * that its zones span them and stand in the zonelists, and the table of sections has places for
 * them. Only the structures, the expensive part, are missing (ROOM_OF() in mm->section[]), and the
 * caller brings storage for them when the RAM comes. So nothing that others walk without a
 * lock moves or grows, where 5.10 has a sequence count around every zone's span.
 *
 * Section by section: the map is hung in, every page is written as RESERVED with one reference,
 * and then ready[] is released, behind which readers look (mm_page_ready()). zonal_online() brings
 * such pages as any others.
 *
 * mm->resizing lets one caller in at a time, as in online.c; a section is described once.
 */
#include <zonal/online.h>

#include "init.h"
#include "lib/assert.h"
#include "lib/text.h"
#include "page_owner.h"

#define SECTION_PAGES ((pfn_t)1 << MM_SECTION_SHIFT)

static size_t entry_bytes(const struct zonal *mm)
{
	return sizeof(struct page) + (ZONAL_AIDS && mm->owner ? sizeof(struct owner_record) : 0);
}

size_t zonal_describe_bytes(const struct zonal *mm, uint64_t pages)
{
	return pages > SIZE_MAX / entry_bytes(mm) ? 0 : (size_t)pages * entry_bytes(mm);
}

static bool all_room(const struct zonal *mm, pfn_t start, pfn_t end)
{
	for (pfn_t s = start >> MM_SECTION_SHIFT; s < end >> MM_SECTION_SHIFT; s++)
		if (s >= mm->section_count || !section_is_room(mm, s))
			return false;
	return true;
}

/* Zones of a node part its sections between them. */
static void write_pages(struct zonal *mm, const struct node *node, pfn_t start, pfn_t end)
{
	pfn_t written = 0;

	for (unsigned t = 0; t < ZONE_TYPES; t++) {
		const struct zone *zone = &node->zone[t];
		pfn_t first = ZN_MAX(start, zone->start_pfn);
		pfn_t last = ZN_MIN(end, zone->start_pfn + zone->spanned);

		if (first >= last)
			continue;
		pagemap_write(mm, first, last, word_make(zone->id, PAGE_RESERVED, 0), 1);
		written += last - first;
	}
	ASSERT(written == end - start, "%llu of %llu pages at 0x%llx are in zones of node %u",
	       (unsigned long long)written, (unsigned long long)(end - start),
	       (unsigned long long)start, node->id);
}

static void describe_section(struct zonal *mm, pfn_t s, char *storage)
{
	unsigned nid = (unsigned)(mm->section[s] >> 1);
	pfn_t start = s * SECTION_PAGES;

	ASSERT(nid < ZONAL_MAX_NODES && mm->node[nid] && !ld_relaxed(&mm->ready[s]),
	       "section %llu of node %u", (unsigned long long)s, nid);
	memset(storage, 0, SECTION_PAGES * entry_bytes(mm));
	mm->section[s] = (uintptr_t)storage - (uintptr_t)start * sizeof(struct page);
	if (ZONAL_AIDS && mm->owner)
		side_map_add(&mm->owner->records, s, start,
			     storage + SECTION_PAGES * sizeof(struct page));
	write_pages(mm, mm->node[nid], start, start + SECTION_PAGES);
	/* Whoever sees the mark sees the map and what is in it. */
	st_release(&mm->ready[s], (uint32_t)(start + SECTION_PAGES));
}

int zonal_describe(struct zonal *mm, pfn_t start, uint64_t pages, void *storage, size_t bytes)
{
	size_t each = zonal_describe_bytes(mm, SECTION_PAGES);
	size_t need = zonal_describe_bytes(mm, pages);
	char *at = storage;

	if (!ZONAL_DEFERRED || !pages || ((start | pages) & (SECTION_PAGES - 1)) ||
	    start + pages < start || !storage || !need || bytes < need ||
	    ((uintptr_t)storage & (ZONAL_STORAGE_ALIGN - 1)))
		return ZONAL_EINVAL;
	if (!resize_begin(mm))
		return ZONAL_EBUSY;
	if (!all_room(mm, start, start + pages)) {
		resize_leave(mm);
		return ZONAL_EINVAL;
	}
	for (pfn_t s = start >> MM_SECTION_SHIFT; s < (start + pages) >> MM_SECTION_SHIFT; s++) {
		describe_section(mm, s, at);
		at += each;
	}
	resize_leave(mm);
	return 0;
}
