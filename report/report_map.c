/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `map`: memory as a picture, a character a pageblock, and the same as runs of numbers.
 *
 * Counting goes by the page map, not by the lists, in slices of MAP_SLICE looks under the lock of
 * the zone: FREE is entered and left under that lock alone, so a slice is exact, and nothing is
 * masked for longer than about 5,000 instructions, however large the board is. A head says how long
 * its block is, so that a pageblock costs one look if it is free or used as a whole, and 512 if all
 * of its pages are single. Between two slices anything may happen. Pages of another zone in the
 * same pageblock, and holes, count nowhere.
 *
 * Drawing. A character says two things. Its case or sign is how full the block is, its letter the
 * type; ordinary types are only named while that tells something, so that a wholly free block is a
 * dot and a full one a '#', but a CMA, high-atomic or isolated block shows its letter always.
 * Colours say the type of all of them; without colours nothing else is lost. A zone that has more
 * than MAP_ROWS rows of pageblocks gets several, a power of two, to a character: then the counts
 * are of all of them, and the type is that of the most. Rows without memory are left out.
 *
 * Locks: one zone lock at a time, masked. A row is kept on the stack until it is whole.
 */
#include "report_map.h"

#include <zonal/names.h>

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "lib/stop.h"
#include "mm/buddy.h"

#define BLOCK_PAGES ((pfn_t)1 << PAGEBLOCK_ORDER)
#define MAP_SLICE 64u  /* looks under the lock */
#define MAP_ROWS 16u   /* most of a zone */
#define MAP_LABEL 14u  /* columns of the frame number before a row, and one that stays free */
#define MAP_STEP 16u   /* a row has a multiple of so many characters */
#define MAP_CELLS 256u /* most of a row */
#define NO_COLOUR 0u

typedef unsigned long long ull;

/* ---- counting ---- */

/* What the page at `at` tells: to which count its block belongs, and how long it is. */
static uint64_t *look_at(struct page *page, struct map_count *sum, pfn_t *pages)
{
	uint32_t word = page_word(page);
	struct page *head;

	*pages = 1;
	switch (word_state(word)) {
	case PAGE_PCP:
		return &sum->pcp;
	case PAGE_RESERVED:
		return &sum->reserved;
	case PAGE_USED:
		*pages = (pfn_t)1 << word_order(word);
		return &sum->used;
	case PAGE_FREE:
	case PAGE_INNER:
		head = buddy_head(page);
		if (head)
			*pages = head->pfn + ((pfn_t)1 << page_order(head)) - page->pfn;
		else if (word_state(word) == PAGE_FREE) /* a guard */
			*pages = (pfn_t)1 << word_order(word);
		return head ? &sum->free : &sum->used;
	case PAGE_HOLE:
	case PAGE_TAIL:
	case PAGE_BAD:
	case PAGE_LONE:
	case PAGE_STATES:
	default:
		return &sum->used;
	}
}

/* From `at` on, `end` at most; where it goes on. */
static pfn_t count_slice(struct zone *zone, pfn_t at, pfn_t end, struct map_count *sum)
	LOCK_HELD(zone->lock);
static pfn_t count_slice(struct zone *zone, pfn_t at, pfn_t end, struct map_count *sum)
{
	DASSERT_HELD(&zone->lock);
	for (unsigned n = 0; n < MAP_SLICE && at < end && mm_page_ready(zone->mm, at); n++) {
		struct page *page = mm_page(zone->mm, at);
		uint64_t *count;
		pfn_t pages;

		if (page_state(page) == PAGE_HOLE || page_zid(page) != zone->id) {
			at++;
			continue;
		}
		count = look_at(page, sum, &pages);
		pages = ZN_MIN(pages, end - at);
		*count += pages;
		at += pages;
	}
	return at;
}

/* Are the pages from `at` to the end of the pageblock this zone's, and to be initialised later?
 * Where structures begin is a border of pageblocks. */
static bool comes_later(const struct zone *zone, pfn_t at)
{
	const struct zonal *mm = zone->mm;
	pfn_t s = at >> MM_SECTION_SHIFT;

	return ld_relaxed(&((struct zone *)(uintptr_t)zone)->deferred) && s < mm->section_count &&
	       mm_section_ready(mm, s) && at >= mm->bounds[s].first && at < mm->bounds[s].end;
}

void map_add_block(struct zone *zone, pfn_t first, struct map_count *sum)
{
	pfn_t at = first, end = first + BLOCK_PAGES;
	struct map_count one = { .free = 0 };

	ASSERT(!(first & (BLOCK_PAGES - 1)), "pfn 0x%llx begins no pageblock", (ull)first);
	while (at < end && mm_page_ready(zone->mm, at)) {
		port_irqflags_t irq = lock_take_masked(&zone->lock);

		at = count_slice(zone, at, end, &one);
		lock_drop_masked(&zone->lock, irq);
	}
	if (at < end && comes_later(zone, at))
		one.later = end - at;
	sum->free += one.free;
	sum->pcp += one.pcp;
	sum->used += one.used;
	sum->reserved += one.reserved;
	sum->later += one.later;
	if (one.later == BLOCK_PAGES)
		sum->blocks[MIGRATE_MOVABLE]++;
	else if (one.free + one.pcp + one.used + one.reserved)
		sum->blocks[page_block_type(mm_page(zone->mm, first)) % MIGRATE_TYPES]++;
}

unsigned map_type(const struct map_count *count)
{
	unsigned most = MIGRATE_TYPES;

	for (unsigned type = 0; type < MIGRATE_TYPES; type++) {
		if (count->blocks[type] &&
		    (most == MIGRATE_TYPES || count->blocks[type] > count->blocks[most]))
			most = type;
	}
	return most;
}

/* The first pageblock that begins at `first` or behind it in which `zone` may have pages: parts of
 * its span that have no map are passed at once. */
static pfn_t next_block(const struct zone *zone, pfn_t first)
{
	const struct zonal *mm = zone->mm;
	pfn_t end = zone->start_pfn + zone->spanned;

	while (first < end) {
		pfn_t s = first >> MM_SECTION_SHIFT;

		ASSERT(s < mm->section_count, "pfn 0x%llx of zone %u", (ull)first, zone->id);
		if (mm_section_ready(mm, s) && first < mm->bounds[s].end)
			return ZN_MAX(first, (pfn_t)mm->bounds[s].first);
		first = (s + 1) << MM_SECTION_SHIFT;
	}
	return end;
}

static bool same_count(const struct map_count *a, const struct map_count *b)
{
	return a->free == b->free && a->pcp == b->pcp && a->used == b->used &&
	       a->reserved == b->reserved && a->later == b->later && map_type(a) == map_type(b);
}

static pfn_t first_block(const struct zone *zone) { return zone->start_pfn & ~(BLOCK_PAGES - 1); }

static bool is_shown(const struct zone *zone, int nid)
{
	return zone->present && (nid == NODE_NONE || zone->node == nid);
}

/* ---- numbers ---- */

static void print_run(pfn_t first, pfn_t blocks, const struct map_count *c, bool more)
{
	unsigned type = map_type(c);

	if (type < MIGRATE_TYPES)
		kprintf("%s[%llu,%llu,\"%s\",%llu,%llu,%llu,%llu,%llu]", more ? "," : "",
			(ull)first, (ull)blocks, zonal_type_name(type), (ull)c->free, (ull)c->pcp,
			(ull)c->used, (ull)c->reserved, (ull)c->later);
}

static void json_zone(struct zone *zone)
{
	pfn_t end = zone->start_pfn + zone->spanned, at = first_block(zone), run = at, blocks = 0;
	struct map_count kept = { .free = 0 };
	bool more = false;

	for (; (at = next_block(zone, at)) < end && !zn_stop_asked(); at += BLOCK_PAGES) {
		struct map_count count = { .free = 0 };

		map_add_block(zone, at, &count);
		if (blocks && at == run + blocks * BLOCK_PAGES && same_count(&count, &kept)) {
			blocks++;
			continue;
		}
		print_run(run, blocks, &kept, more);
		more = more || map_type(&kept) < MIGRATE_TYPES;
		kept = count;
		run = at;
		blocks = 1;
	}
	print_run(run, blocks, &kept, more);
}

void report_map_json(struct zonal *mm, int nid)
{
	const char *comma = "";
	struct zone *zone;
	unsigned zid;

	kprintf("{\"schema\":\"zonal.map/1\",\"block_pages\":%llu,\"fields\":[\"pfn\",\"blocks\","
		"\"type\",\"free\",\"pcp\",\"used\",\"reserved\",\"later\"],\"zones\":[",
		(ull)BLOCK_PAGES);
	mm_for_each_zone(mm, zid, zone) {
		if (!is_shown(zone, nid))
			continue;
		kprintf("%s{\"node\":%u,\"zone\":\"%s\",\"start_pfn\":%llu,\"runs\":[", comma,
			zone->node, zonal_zone_name(zone->type), (ull)zone->start_pfn);
		json_zone(zone);
		kprintf("]}");
		comma = ",";
	}
	kprintf("]}\n");
}

/* ---- the picture ---- */

struct map_style {
	unsigned cells;  /* characters of a row */
	bool colours;
	pfn_t step;      /* pages of a character */
};

/* Colours of a terminal, by type: red, green, yellow, magenta, cyan, blue. */
static const uint8_t type_colours[MIGRATE_TYPES] = {
	[MIGRATE_UNMOVABLE] = 31,   [MIGRATE_MOVABLE] = 32, [MIGRATE_RECLAIMABLE] = 33,
	[MIGRATE_HIGHATOMIC] = 35, [MIGRATE_CMA] = 36,     [MIGRATE_ISOLATE] = 34,
};

static char small_letter(unsigned type)
{
	return (char)(zonal_type_letter(type) - 'A' + 'a');
}

static char cell_sign(const struct map_count *c)
{
	uint64_t idle = c->free + c->pcp, all = idle + c->used + c->reserved + c->later;
	unsigned type = map_type(c);
	bool ordinary = type < MIGRATE_PCPTYPES;

	if (type == MIGRATE_TYPES)
		return ' ';
	if (c->later == all)
		return '~';
	if (c->reserved == all)
		return 'R';
	if (ordinary && (idle == all || !idle))
		return idle ? '.' : '#';
	return 2 * (idle + c->later) >= all ? small_letter(type) : zonal_type_letter(type);
}

static unsigned cell_colour(const struct map_count *c)
{
	unsigned type = map_type(c);

	return type == MIGRATE_TYPES || c->later || (c->reserved && !c->used && !c->free) ?
	       NO_COLOUR : type_colours[type];
}

/* Print a sign in its colour, if that is another than the last one; the colour. */
static unsigned print_cell(char sign, unsigned colour, unsigned last)
{
	if (colour == last)
		kprintf("%c", sign);
	else
		kprintf("\033[%um%c", colour, sign);
	return colour;
}

/* The row that begins at `first`, unless it has no memory. */
static void draw_row(struct zone *zone, pfn_t first, const struct map_style *style)
{
	char sign[MAP_CELLS];
	uint8_t colour[MAP_CELLS];
	pfn_t end = zone->start_pfn + zone->spanned, at = first;
	unsigned count = 0, last = NO_COLOUR;

	ASSERT(style->cells <= MAP_CELLS, "%u characters in a row", style->cells);
	for (unsigned i = 0; i < style->cells; i++) {
		struct map_count cell = { .free = 0 };

		for (pfn_t to = at + style->step; at < to && at < end; at += BLOCK_PAGES)
			map_add_block(zone, at, &cell);
		sign[i] = cell_sign(&cell);
		colour[i] = (uint8_t)(style->colours ? cell_colour(&cell) : NO_COLOUR);
		if (sign[i] != ' ')
			count = i + 1;
	}
	if (!count)
		return;
	kprintf("  0x%08llx ", (ull)first);
	for (unsigned i = 0; i < count; i++)
		last = print_cell(sign[i], colour[i], last);
	kprintf(last == NO_COLOUR ? "\n" : "\033[0m\n");
}

/* How many pages a character stands for, so that the zone's memory fits MAP_ROWS rows. */
static pfn_t pages_a_cell(const struct zone *zone, unsigned cells)
{
	pfn_t step = BLOCK_PAGES;

	ASSERT(cells, "a row without characters");
	while (zone->present > step * cells * MAP_ROWS)
		step *= 2;
	return step;
}

static void draw_zone(struct zone *zone, struct map_style *style)
{
	pfn_t end = zone->start_pfn + zone->spanned, row, at = first_block(zone);
	uint64_t mib;

	style->step = pages_a_cell(zone, style->cells);
	mib = style->step >> (20 - PAGE_SHIFT);
	row = style->step * style->cells;
	kprintf("Node %u, zone %s: %llu pages, a character is ", zone->node,
		zonal_zone_name(zone->type), (ull)zone->present);
	if (style->step == BLOCK_PAGES)
		kprintf("a pageblock, %llu MiB\n", (ull)mib);
	else
		kprintf("%llu pageblocks, %llu MiB\n", (ull)(style->step / BLOCK_PAGES), (ull)mib);
	while (at < end && !zn_stop_asked()) {
		pfn_t next = next_block(zone, at);

		at += (next - at) / row * row;
		if (next < end)
			draw_row(zone, at, style);
		at += row;
	}
}

static void print_legend(bool colours)
{
	static const char *const names[MIGRATE_TYPES] = {
		"unmovable", "movable", "reclaimable", "high-atomic", "CMA", "isolated",
	};

	kprintf("  . free  m to half in use  M more  # no page free  R reserved at boot"
		"  ~ comes later\n  letters:");
	for (unsigned type = 0; type < MIGRATE_TYPES; type++) {
		unsigned colour = colours ? type_colours[type] : NO_COLOUR;

		kprintf(" ");
		print_cell(zonal_type_letter(type), colour, NO_COLOUR);
		kprintf("%s %s", colour ? "\033[0m" : "", names[type]);
	}
	kprintf("\n");
}

void report_map(struct zonal *mm, int nid, unsigned columns, bool colours)
{
	unsigned cells = columns > MAP_LABEL ? (columns - MAP_LABEL) / MAP_STEP * MAP_STEP : 0;
	struct map_style style = { .colours = colours };
	struct zone *zone;
	unsigned zid;

	style.cells = ZN_MIN(ZN_MAX(cells, MAP_STEP), MAP_CELLS);
	mm_for_each_zone(mm, zid, zone) {
		if (is_shown(zone, nid))
			draw_zone(zone, &style);
	}
	print_legend(colours);
}
