/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page map: 32 bytes for each page of RAM, in sections of 128 MiB.
 *
 * Real boards have 62 GiB of RAM over 7.5 TiB of addresses, so there is no flat
 * array. section[n] is the address that the structure of pfn 0 would have if the
 * map of section n went on to there: adding the pfn gives the page, and no
 * subtraction or branch stands between a list link and its page. A section without RAM
 * has no map and 0 there; zonal_page() checks bounds before it looks. RAM that is off the
 * map (BOOT_NOMAP) is no RAM here: nobody may have a page of it.
 *
 * A map covers whole 4 MiB blocks around the RAM of its section and is aligned to
 * 32 KiB, so that the buddy of a page lies in the same map at the same address but
 * for one bit. Pages of the border that are not RAM are HOLE. The map of a
 * section lies on the node of its first page.
 *
 * Filling is the larger part of boot on a large board, so it writes each
 * structure once, as two 8-byte stores: word and reference count, frame number and block
 * type. The owner's words are left as they are; taking a page clears them. All
 * pageblocks begin as MOVABLE (M13): memory is one large movable area until
 * somebody pins a piece of it. A section that is left for later (deferred.c) is filled block by
 * block; ready[] says how far each has come, and nobody may read beyond that.
 *
 * Where the maps of a zone's sections follow each other in memory, as they do without wide gaps,
 * one range of addresses holds all its structures (pagemap_find_run()): a free asks that range
 * whether a page is ours, and links lead from frame to page by it without the section. Such a zone
 * also has its pages' bytes side by side, of its node's (place_heads(), block_steal.c).
 *
 * No locks: boot, or the part of the map that is filled is the caller's alone.
 */
#include "init.h"

#include "deferred.h"
#include "lib/assert.h"
#include "lib/progress.h"
#include "meta.h"

#define SECTION_PAGES ((pfn_t)1 << MM_SECTION_SHIFT)
/* A step is then an addition and a store of both words; small builds have the loop alone. */
#define WRITTEN_AT_ONCE (ZONAL_LANES ? 16u : 1u)
#define LARGEST_PAGES ((pfn_t)1 << (MAX_ORDER - 1))

/* The allocator's half of struct page, as two little-endian words. */
typedef uint64_t __attribute__((may_alias)) page_half;

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "built by shifts");
_Static_assert(offsetof(struct page, word) == 16 && offsetof(struct page, refs) == 20, "first");
_Static_assert(offsetof(struct page, pfn) == 24 && offsetof(struct page, block) == 30, "second");

static inline void write_page(struct page *page, uint64_t first, uint64_t second)
{
	page_half *half = (page_half *)page + 2;

	half[0] = first;
	half[1] = second;
}

void pagemap_write(struct zonal *mm, pfn_t start, pfn_t end, uint32_t word, int32_t refs)
{
	uint64_t first = word | (uint64_t)refs << 32;
	uint64_t second = (uint64_t)(ZONAL_MOBILITY ? MIGRATE_MOVABLE : MIGRATE_UNMOVABLE) << 48;
	struct page *page = mm_page(mm, start);

	ASSERT(start < end && mm->section[start >> MM_SECTION_SHIFT] &&
	       !section_is_room(mm, start >> MM_SECTION_SHIFT) &&
	       start >> MM_SECTION_SHIFT == (end - 1) >> MM_SECTION_SHIFT,
	       "pfns 0x%llx to 0x%llx have no map", (unsigned long long)start,
	       (unsigned long long)end);
	for (; start + WRITTEN_AT_ONCE <= end; start += WRITTEN_AT_ONCE, page += WRITTEN_AT_ONCE)
		_Pragma("GCC unroll 16") for (unsigned i = 0; i < WRITTEN_AT_ONCE; i++)
			write_page(page + i, first, second + start + i);
	for (; start < end; start++, page++)
		write_page(page, first, second + start);
}

/* The map of section `s` must cover [start, end), which lies behind what it covers already. */
static void widen_bounds(struct section_bounds *b, pfn_t s, pfn_t start, pfn_t end)
{
	pfn_t first = ZN_MAX(start, s * SECTION_PAGES);
	pfn_t last = ZN_MIN(end, (s + 1) * SECTION_PAGES);

	ASSERT(first < last, "section %llu, pages 0x%llx to 0x%llx", (unsigned long long)s,
	       (unsigned long long)start, (unsigned long long)end);
	first = align_down(first, LARGEST_PAGES);
	last = align_up(last, LARGEST_PAGES);
	ASSERT(last >= b->end, "section %llu is covered up to 0x%x, then to 0x%llx",
	       (unsigned long long)s, b->end, (unsigned long long)last);
	if (!b->end)
		b->first = (uint32_t)first;
	b->end = (uint32_t)last;
}

size_t pagemap_sections(const struct boot_info *info)
{
	const struct boot_range *last = &info->range[info->range_count - 1];
	pfn_t end = (last->start + last->size) >> PAGE_SHIFT;

	return (end + SECTION_PAGES - 1) >> MM_SECTION_SHIFT;
}

/* Ranges ascend, so that all of a section's follow each other. */
void pagemap_each_section(const struct boot_info *info, section_fn fn, void *ctx)
{
	struct section_bounds bounds = { 0, 0 };
	pfn_t at = 0;
	unsigned nid = 0;

	for (unsigned i = 0; i < info->range_count; i++) {
		const struct boot_range *r = &info->range[i];
		pfn_t start = r->start >> PAGE_SHIFT, end = (r->start + r->size) >> PAGE_SHIFT;

		for (pfn_t s = start >> MM_SECTION_SHIFT;
		     boot_range_usable(r) && s << MM_SECTION_SHIFT < end; s++) {
			if (bounds.end && s != at)
				fn(ctx, at, bounds, nid);
			if (!bounds.end || s != at) {
				bounds = (struct section_bounds){ 0, 0 };
				nid = (unsigned)r->nid;
			}
			at = s;
			widen_bounds(&bounds, s, start, end);
		}
	}
	if (bounds.end)
		fn(ctx, at, bounds, nid);
}

static void place_section(void *ctx, pfn_t s, struct section_bounds bounds, unsigned nid)
{
	struct zonal *mm = ctx;
	size_t bytes = (size_t)(bounds.end - bounds.first) * sizeof(struct page);
	void *map = meta_take_map(mm, nid, bytes);

	struct node_maps *maps = &mm->node[nid]->maps;

	ASSERT(s < mm->section_count && !mm->section[s], "section %llu", (unsigned long long)s);
	if (ZONE_HEADS && !maps->pages)
		maps->first = (uintptr_t)map;
	if (ZONE_HEADS)
		maps->pages += bounds.end - bounds.first;
	mm->bounds[s] = bounds;
	if (!mm->map_span)
		mm->map_first = bounds.first;
	mm->map_span = bounds.end - mm->map_first; /* sections come in ascending order */
	mm->section[s] = (uintptr_t)map - (uintptr_t)bounds.first * sizeof(struct page);
}

/* No map yet, but bounds, and whose it would be. The span of all maps reaches over it. */
static void place_room(struct zonal *mm, const struct boot_range *r)
{
	pfn_t start = r->start >> PAGE_SHIFT, end = (r->start + r->size) >> PAGE_SHIFT;
	pfn_t last = ZN_MAX(end, (pfn_t)mm->map_first + mm->map_span);

	for (pfn_t s = start >> MM_SECTION_SHIFT; s << MM_SECTION_SHIFT < end; s++) {
		ASSERT(!mm->section[s], "section %llu", (unsigned long long)s);
		mm->section[s] = ROOM_OF(r->nid);
		mm->bounds[s].first = (uint32_t)(s * SECTION_PAGES);
		mm->bounds[s].end = (uint32_t)((s + 1) * SECTION_PAGES);
	}
	mm->map_first = mm->map_span ? (uint32_t)ZN_MIN(start, mm->map_first) : (uint32_t)start;
	mm->map_span = (uint32_t)(last - mm->map_first);
}

static bool is_placed(const struct zonal *mm, pfn_t s)
{
	return s < mm->section_count && mm->section[s] && !section_is_room(mm, s);
}

/* A pageblock within its span has no page of another zone. */
static bool stands_alone(struct zonal *mm, const struct zone *zone)
{
	struct zone *other;
	unsigned zid;

	mm_for_each_zone(mm, zid, other)
		if (other != zone && other->start_pfn < zone->start_pfn + zone->spanned &&
		    zone->start_pfn < other->start_pfn + other->spanned)
			return false;
	return true;
}

/* The bytes of its run, if all of it lies in one node's piece. */
static bool take_heads(struct zonal *mm, struct zone *zone, pfn_t first, pfn_t end)
{
	for (unsigned nid = 0; nid < ZONAL_MAX_NODES; nid++) {
		const struct node_maps *maps = mm->node[nid] ? &mm->node[nid]->maps : NULL;
		uint64_t skip;

		if (!maps || zone->run.first - maps->first >= maps->pages * sizeof(struct page))
			continue;
		skip = (zone->run.first - maps->first) / sizeof(struct page);
		ASSERT(!((skip | first) & (LARGEST_PAGES - 1)),
		       "zone %u: pfn 0x%llx is page %llu of node %u", zone->id,
		       (unsigned long long)first, (unsigned long long)skip, nid);
		zone->heads = (uintptr_t)maps->heads + skip - first;
		zone->listed = maps->listed + (skip >> PAGEBLOCK_ORDER) -
			       (first >> PAGEBLOCK_ORDER);
		return end - first <= maps->pages - skip;
	}
	return false;
}

/* From the zone's first map on, over as many sections as their maps follow each other: a zone may
 * begin with a hole of any size. Maps that come later do not count: they lie in the memory that
 * they describe. */
void pagemap_find_run(struct zonal *mm, struct zone *zone)
{
	pfn_t s = zone->start_pfn >> MM_SECTION_SHIFT, first, end;
	pfn_t last = (zone->start_pfn + zone->spanned - 1) >> MM_SECTION_SHIFT;
	uintptr_t map;

	ASSERT(zone->spanned && last < mm->section_count, "zone %u ends in section %llu", zone->id,
	       (unsigned long long)last);
	while (s < last && !mm->section[s])
		s++;
	if (!is_placed(mm, s))
		return;
	map = mm->section[s];
	first = mm->bounds[s].first;
	end = mm->bounds[s].end;
	for (; is_placed(mm, s + 1) && mm->section[s + 1] == map; s++) {
		if (mm->bounds[s + 1].first != end)
			break;
		end = mm->bounds[s + 1].end;
	}
	zone->run.first = map + first * sizeof(struct page);
	st_relaxed(&zone->run.pages, end - first);
	while (++s <= last && !mm->section[s])
		;
	if (s > last && stands_alone(mm, zone) && take_heads(mm, zone, first, end))
		zone->map = map;
}

/* No free block is anywhere yet, and no page listed. */
static void place_heads(struct zonal *mm, unsigned nid, struct node_maps *maps)
{
	ASSERT(!(maps->pages & (LARGEST_PAGES - 1)), "node %u: maps of %llu pages", nid,
	       (unsigned long long)maps->pages);
	maps->listed = meta_take(mm, nid, (maps->pages >> PAGEBLOCK_ORDER) * sizeof(*maps->listed));
	maps->heads = meta_take_filled(mm, nid, maps->pages, HEADS_NONE);
}

void pagemap_place(struct zonal *mm, const struct boot_info *info)
{
	unsigned nid = (unsigned)info->range[0].nid;

	mm->section_count = pagemap_sections(info);
	mm->section = meta_take(mm, nid, mm->section_count * sizeof(*mm->section));
	mm->bounds = meta_take(mm, nid, mm->section_count * sizeof(*mm->bounds));
	mm->ready = meta_take(mm, nid, mm->section_count * sizeof(*mm->ready));
	pagemap_each_section(info, place_section, mm);
	for (nid = 0; ZONE_HEADS && nid < ZONAL_MAX_NODES; nid++)
		if (mm->node[nid] && mm->node[nid]->maps.pages)
			place_heads(mm, nid, &mm->node[nid]->maps);
	for (unsigned i = 0; ZONAL_DEFERRED && i < info->range_count; i++)
		if (info->range[i].flags & BOOT_LATER)
			place_room(mm, &info->range[i]);
}

/* The zone that a hole before range `i` is linked with: the one that begins behind it, as in
 * 5.10, or the last one if nothing follows. Only B7 ever asks. */
static unsigned zone_behind_hole(struct zonal *mm, const struct boot_info *info, unsigned i)
{
	bool last = i >= info->range_count;
	const struct boot_range *r = &info->range[last ? info->range_count - 1 : i];
	pfn_t at = (last ? r->start + r->size - PAGE_SIZE : r->start) >> PAGE_SHIFT;
	pfn_t start, end;

	for (unsigned t = 0; t < ZONE_TYPES; t++)
		if (zones_piece(mm, info, last ? info->range_count - 1 : i, t, &start, &end) &&
		    start <= at && at < end)
			return (unsigned)r->nid * ZONE_TYPES + t;
	return 0;
}

/* What the map covers beyond RAM in `part`: before, between and behind the ranges. */
static void fill_holes(struct zonal *mm, const struct boot_info *info, struct pfn_span part)
{
	pfn_t at = part.start, end = part.end;
	unsigned i = 0;

	while (i < info->range_count &&
	       (info->range[i].start + info->range[i].size) >> PAGE_SHIFT <= at)
		i++;
	for (; at < end; i++) {
		pfn_t start = end, stop = end;

		if (i < info->range_count && !boot_range_usable(&info->range[i]))
			continue;
		if (i < info->range_count) {
			start = ZN_MIN(end, info->range[i].start >> PAGE_SHIFT);
			stop = (info->range[i].start + info->range[i].size) >> PAGE_SHIFT;
		}
		if (at < start)
			pagemap_write(mm, at, start,
				      word_make(zone_behind_hole(mm, info, i), PAGE_HOLE, 0), 0);
		at = ZN_MAX(at, stop);
	}
}

/* I5: pages that are not ours, in one zone's `part`. */
static void fill_reserved(struct zonal *mm, const struct boot_info *info, struct pfn_span part,
			  uint32_t word)
{
	for (unsigned i = 0; i < info->reserved_count; i++) {
		const struct boot_range *r = &info->reserved[i];
		pfn_t first = ZN_MAX(part.start, r->start >> PAGE_SHIFT);
		pfn_t last = ZN_MIN(part.end, (r->start + r->size) >> PAGE_SHIFT);

		if (first < last)
			pagemap_write(mm, first, last, word, 1);
	}
}

void pagemap_fill_part(struct zonal *mm, const struct boot_info *info, struct pfn_span part)
{
	ASSERT(part.start < part.end, "pfns 0x%llx to 0x%llx", (unsigned long long)part.start,
	       (unsigned long long)part.end);
	fill_holes(mm, info, part);
	for (unsigned i = 0; i < info->range_count; i++) {
		for (unsigned t = 0; t < ZONE_TYPES; t++) {
			unsigned zid = (unsigned)info->range[i].nid * ZONE_TYPES + t;
			struct pfn_span here = part;

			if (!zones_part(mm, info, i, t, &here))
				continue;
			pagemap_write(mm, here.start, here.end, word_make(zid, PAGE_INNER, 0), 0);
			fill_reserved(mm, info, here, word_make(zid, PAGE_RESERVED, 0));
		}
	}
}

void pagemap_fill(struct zonal *mm, const struct boot_info *info)
{
	for (pfn_t s = 0; s < mm->section_count; s++) {
		const struct section_bounds *b = &mm->bounds[s];

		if (!b->end || section_is_room(mm, s) || deferred_section(mm, s))
			continue;
		pagemap_fill_part(mm, info, (struct pfn_span){ b->first, b->end });
		st_release(&mm->ready[s], b->end);
		zn_progress("page map", s, mm->section_count);
	}
}
