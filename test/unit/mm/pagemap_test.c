/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page map against a plain reading of the board, page by page.
 *
 * Boards are made by chance: ranges of any size at any frame, two nodes, holes from nothing to
 * several sections, one range off the map, some pages reserved, a movable zone now and then.
 * For each section the bounds must be the whole blocks of 4 MiB from the first to the last with
 * RAM in it; for each page in them the state, the frame number and the zone must be what the
 * ranges say. A hole belongs to the zone that begins behind it, as in 5.10. The zones
 * themselves are counted range by range.
 */
#include "kt_instance.h"

#include <string.h>

#include "lib/progress.h"
#include "mm/page_owner.h"

enum { BOARDS = 24, RAM = 9, BLOCK = 1 << (MAX_ORDER - 1), SECTION = 1 << MM_SECTION_SHIFT };

struct board {
	struct kt_spec spec;
	struct zonal_options options;
	unsigned count;
};

/* A hole: mostly within a block or a section, now and then some sections, or none. */
static pfn_t random_gap(uint64_t *seed)
{
	uint64_t dice = kt_random(seed);

	switch (dice % 8) {
	case 0: return (dice >> 8) % (3 * SECTION);
	case 1: return 0;
	default: return (dice >> 8) % (2 * BLOCK);
	}
}

static void make_board(struct board *b, uint64_t *seed)
{
	pfn_t at = KT_DMA_PFN + random_gap(seed) % SECTION;

	*b = (struct board){ .count = 2 + (unsigned)(kt_random(seed) % (RAM - 2)) };
	zonal_options_default(&b->options);
	if (kt_random(seed) % 2)
		b->options.kernelcore_percent = 50;
	b->spec.options = &b->options;
	b->spec.page_owner = kt_random(seed) % 2;
	b->spec.nomap_index = (unsigned)(kt_random(seed) % b->count);
	for (unsigned i = 0; i < b->count; i++) {
		struct kt_range *r = &b->spec.ram[i];

		*r = (struct kt_range){ i >= b->count / 2, at, 1 + kt_random(seed) % 5000 };
		if (i < 3)
			b->spec.reserved[i] = (struct kt_range){ 0, at + r->pages / 2, 1 + i };
		at += r->pages + random_gap(seed);
		/* The second node lies in ZONE_NORMAL on half of the boards. */
		if (i + 1 == b->count / 2 && kt_random(seed) % 2)
			at = KT_NORMAL_PFN + random_gap(seed);
	}
}

static bool usable(const struct board *b, unsigned i) { return i + 1 != b->spec.nomap_index; }

/* The range of a page, or -1. */
static int range_of(const struct board *b, pfn_t pfn)
{
	for (unsigned i = 0; i < b->count; i++)
		if (pfn - b->spec.ram[i].start < b->spec.ram[i].pages)
			return (int)i;
	return -1;
}

/* The zone that spans a page of range `i`. */
static unsigned zone_of(struct zonal *mm, const struct board *b, unsigned i, pfn_t pfn)
{
	unsigned nid = (unsigned)b->spec.ram[i].nid;

	for (unsigned t = 0; t < ZONE_TYPES; t++)
		if (pfn - mm->node[nid]->zone[t].start_pfn < mm->node[nid]->zone[t].spanned)
			return nid * ZONE_TYPES + t;
	return UINT32_MAX;
}

/* The zone of a page that is no RAM. */
static unsigned zone_behind(struct zonal *mm, const struct board *b, pfn_t pfn)
{
	const struct kt_range *last = &b->spec.ram[b->count - 1];

	for (unsigned i = 0; i < b->count; i++)
		if (usable(b, i) && b->spec.ram[i].start > pfn)
			return zone_of(mm, b, i, b->spec.ram[i].start);
	return zone_of(mm, b, b->count - 1, last->start + last->pages - 1);
}

static bool reserved(const struct board *b, pfn_t pfn)
{
	for (unsigned i = 0; i < ARRAY_SIZE(b->spec.reserved); i++)
		if (pfn - b->spec.reserved[i].start < b->spec.reserved[i].pages)
			return true;
	return false;
}

static bool page_is_right(struct zonal *mm, const struct board *b, pfn_t pfn)
{
	struct page *page = mm_page(mm, pfn);
	uint32_t word = page_word(page);
	int i = range_of(b, pfn);
	bool ram = i >= 0 && usable(b, (unsigned)i), ok;

	if (!ram)
		ok = page_state(page) == PAGE_HOLE && word_zid(word) == zone_behind(mm, b, pfn) &&
		     !zonal_page(mm, pfn);
	else if (reserved(b, pfn))
		ok = page_state(page) == PAGE_RESERVED && ld_relaxed(&page->refs) == 1 &&
		     zonal_page(mm, pfn) == page;
	else
		ok = zonal_is_free(mm, pfn);
	ok = ok && page->pfn == pfn && (!ram || word_zid(word) == zone_of(mm, b, (unsigned)i, pfn));
	return KT_OK(ok, "pfn 0x%llx of range %d: word 0x%x, pfn there 0x%x",
		     (unsigned long long)pfn, i, word, page->pfn);
}

/* The blocks of section `s` that the map must cover, the plain way. */
static struct section_bounds bounds_of(const struct board *b, pfn_t s)
{
	struct section_bounds bounds = { 0, 0 };

	for (pfn_t at = s * SECTION; at < (s + 1) * SECTION; at += BLOCK)
		for (unsigned i = 0; i < b->count; i++) {
			const struct kt_range *r = &b->spec.ram[i];

			if (!usable(b, i) || r->start >= at + BLOCK || r->start + r->pages <= at)
				continue;
			bounds.first = bounds.end ? bounds.first : (uint32_t)at;
			bounds.end = (uint32_t)at + BLOCK;
		}
	return bounds;
}

static bool section_is_right(struct zonal *mm, const struct board *b, pfn_t s)
{
	struct section_bounds bounds = bounds_of(b, s);

	if (!KT_EQ(mm->bounds[s].first, bounds.first) || !KT_EQ(mm->bounds[s].end, bounds.end) ||
	    !KT_EQ(mm->section[s] != 0, bounds.end != 0))
		return false;
	for (pfn_t pfn = bounds.first; pfn < bounds.end; pfn++)
		if (!page_is_right(mm, b, pfn))
			return false;
	return true;
}

static bool map_is_right(struct zonal *mm, const struct board *b)
{
	const struct kt_range *last = &b->spec.ram[b->count - 1];
	uint32_t first = 0, end = 0;

	if (!KT_EQ(mm->section_count, (last->start + last->pages + SECTION - 1) / SECTION))
		return false;
	for (pfn_t s = 0; s < mm->section_count; s++) {
		if (!section_is_right(mm, b, s))
			return false;
		if (mm->bounds[s].end && !first)
			first = mm->bounds[s].first;
		end = ZN_MAX(end, mm->bounds[s].end);
	}
	return KT_EQ(mm->map_first, first) && KT_EQ(mm->map_span, end - first);
}

/* From the zone's first structure on, as far as the next frame's lies behind: no less, no more. The
 * zone knows it for its map if none of its structures lies elsewhere. */
static bool run_is_right(struct zonal *mm, const struct zone *zone)
{
	pfn_t s = zone->start_pfn / SECTION, stop = zone->start_pfn + zone->spanned, first, at;
	struct page_run *run = &mm->plain[zone->id & (RUN_SLOTS - 1)];
	const struct page *page;
	bool whole = true;

	while (s * SECTION < stop && !mm->section[s])
		s++;
	if (s * SECTION >= stop) /* all of it is off the map */
		return KT_EQ(ld_relaxed(&run->pages), 0) && KT_TRUE(!run->first && !zone->map);
	first = at = mm->bounds[s].first;
	page = mm_page(mm, first);
	while (s < mm->section_count && at >= mm->bounds[s].first && at < mm->bounds[s].end &&
	       mm_page(mm, at) == page + (at - first))
		s = ++at / SECTION;
	/* What is behind the run in its last section is no map. */
	for (s = (at + SECTION - 1) / SECTION; s * SECTION < stop; s++)
		whole &= !mm->section[s];
	return KT_TRUE(run->first == (uintptr_t)page) &&
	       KT_EQ(ld_relaxed(&run->pages), at - first) && KT_EQ(zone->map != 0, whole) &&
	       KT_TRUE(!whole || (const struct page *)zone->map + first == page);
}

/* ---- the zones ---- */

/* Limits of a zone on a board that says nothing of its devices: 4 GiB, and where MOVABLE begins. */
static void limits_of(struct zonal *mm, unsigned nid, unsigned t, pfn_t *low, pfn_t *high)
{
	const struct zone *movable = kt_zone(mm, nid, ZONE_MOVABLE);
	pfn_t border = movable->spanned ? movable->start_pfn : UINT32_MAX;

	*low = t == ZONE_DMA ? 0 : t == ZONE_MOVABLE ? border : KT_NORMAL_PFN;
	*high = t == ZONE_DMA || t == ZONE_DMA32 ? KT_NORMAL_PFN : UINT32_MAX;
	if (t != ZONE_MOVABLE)
		*high = ZN_MIN(*high, border);
}

static bool zone_is_right(struct zonal *mm, const struct board *b, unsigned nid, unsigned t)
{
	const struct zone *zone = kt_zone(mm, nid, (enum zone_type)t);
	pfn_t low, high, first = UINT32_MAX, end = 0;
	uint64_t present = 0;

	limits_of(mm, nid, t, &low, &high);
	for (unsigned i = 0; i < b->count; i++) {
		const struct kt_range *r = &b->spec.ram[i];
		pfn_t from = ZN_MAX(low, r->start), to = ZN_MIN(high, r->start + r->pages);

		if (r->nid != (int)nid)
			continue;
		first = ZN_MIN(first, r->start);
		end = ZN_MAX(end, r->start + r->pages);
		present += from < to ? to - from : 0;
	}
	low = ZN_MAX(low, first);
	high = ZN_MIN(high, end);
	if (low >= high)
		low = high = 0;
	return KT_EQ(zone->start_pfn, low) && KT_EQ(zone->spanned, high - low) &&
	       KT_EQ(zone->present, present);
}

static bool zones_are_right(struct zonal *mm, const struct board *b)
{
	for (unsigned nid = 0; nid < 2; nid++)
		for (unsigned t = 0; t < ZONE_TYPES; t++)
			if (!zone_is_right(mm, b, nid, t))
				return false;
	return true;
}

static bool runs_are_right(struct zonal *mm)
{
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone)
		if (ZONAL_LANES && !run_is_right(mm, zone))
			return false;
	return true;
}

KTEST_F(pagemap, every_page_of_any_board_is_what_the_ranges_say, KT_HOST_ONLY)
{
	uint64_t seed = kt_seed();
	static struct board b;

	for (unsigned n = 0; n < BOARDS; n++) {
		struct zonal *mm;

		make_board(&b, &seed);
		mm = kt_instance(&b.spec);
		if (!mm || !zones_are_right(mm, &b) || !map_is_right(mm, &b) ||
		    !runs_are_right(mm) || !kt_check_all(mm)) {
			kt_diag("board %u", n);
			return;
		}
		kt_free_all();
	}
}

KTEST(pagemap, board_that_ends_with_a_section_has_none_behind)
{
	static const struct kt_spec spec = { .ram = { { 0, KT_DMA_PFN + SECTION - 1024, 1024 } } };
	struct zonal *mm = kt_instance(&spec);

	if (!mm)
		return;
	KT_EQ(mm->section_count, (KT_DMA_PFN + SECTION) / SECTION);
	KT_TRUE(!zonal_page(mm, KT_DMA_PFN + SECTION));
	kt_check_all(mm);
}

static struct {
	uint64_t calls, first, last, total;
} told;

static void note_progress(const char *what, uint64_t done, uint64_t total)
{
	if (strcmp(what, "page map"))
		return;
	told.first = told.calls++ ? told.first : done;
	told.last = done;
	told.total = total;
}

/* On a large machine this is what takes longest of all: each section is told. */
KTEST(pagemap, who_fills_it_tells_how_far_he_is)
{
	static const struct kt_spec spec = { .ram = { { 0, KT_DMA_PFN + SECTION - 1024, 2048 } } };
	void (*before)(const char *what, uint64_t done, uint64_t total) = zn_progress_hook;
	struct zonal *mm;

	memset(&told, 0, sizeof(told));
	zn_progress_hook = note_progress;
	mm = kt_instance(&spec);
	zn_progress_hook = before;
	if (!mm)
		return;
	KT_EQ(told.calls, 2);
	KT_EQ(told.first, KT_DMA_PFN / SECTION);
	KT_EQ(told.last, KT_DMA_PFN / SECTION + 1);
	KT_EQ(told.total, mm->section_count);
}

/* With eight sections, the first of which has a map, nothing but the next table lies behind. */
KTEST(pagemap, filling_ends_with_the_table_of_the_sections)
{
	static const struct kt_spec spec = { .ram = { { 0, 0, 1024 }, { 0, 7 * SECTION, 1024 } } };
	struct zonal *mm = kt_instance(&spec);

	if (!mm)
		return;
	KT_EQ(mm->section_count, 8);
	for (unsigned s = 0; s < 8; s++)
		KT_EQ(ld_relaxed(&mm->ready[s]), s % 7 ? 0 : s * SECTION + 1024);
	kt_check_all(mm);
}
