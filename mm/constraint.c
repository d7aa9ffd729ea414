/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Constraint allocation: where regions fit, and all of them or none.
 *
 * A place is a frame number that the rules of addresses allow: aligned, within [low, high], no
 * boundary in the middle, of a colour that will do. next_place() gives the first one from a frame
 * on, by arithmetic alone. A place whose pages are all free is taken; otherwise the search goes on
 * behind the first page that is in the way, so that a zone is gone through once.
 *
 * Up to three searches, each from the beginning, so that the order of the regions found does not
 * depend on how many it took: as it is; when the lists of CPUs are empty; and with pages
 * moved away where the caller allows that. A search that ends with too few regions puts back what
 * it has. The places found so far are in the caller's own table, so that giving up needs no memory.
 *
 * What was in the way is noted as far as the search came at best: no memory, no place, no free
 * place, the marks.
 *
 * Looking takes no lock and may be wrong; constraint_take.c and compact/contig.c decide.
 */
#include <zonal/constraint.h>

#include "compact/contig.h"
#include "constraint_take.h"
#include "deferred.h"
#include "lib/assert.h"
#include "watermark.h"

#define PLACE_NONE (~(pfn_t)0)

struct fit {
	struct zonal *mm;
	const struct zonal_constraint *want;
	pfn_t *start;          /* the caller's table; `count` places of it are taken */
	unsigned count;
	pfn_t align, boundary; /* pages; boundary 0: none */
	pfn_t first, end;      /* frames that may be used */
	unsigned high_zone;
	bool moves;            /* this search moves pages away: */
	pfn_t tried;           /* of each pageblock one place is; the number of the last one */
	enum zonal_unmet why;
};

static void fit_came_to(struct fit *f, enum zonal_unmet why) { f->why = ZN_MAX(f->why, why); }

/* ---- places ---- */

static bool place_colour_ok(const struct fit *f, pfn_t at)
{
	const struct zonal_constraint *w = f->want;

	return !w->colours || (w->colour_mask >> (at % w->colours) & 1);
}

static bool place_crosses(const struct fit *f, pfn_t at)
{
	return f->boundary && at / f->boundary != (at + f->want->pages - 1) / f->boundary;
}

/* The first place from `at` on, PLACE_NONE: it would not end by `end`. */
static pfn_t next_place(const struct fit *f, pfn_t at, pfn_t end)
{
	const uint64_t pages = f->want->pages;

	ASSERT(f->align && !(f->align & (f->align - 1)), "alignment of %llu pages",
	       (unsigned long long)f->align);
	at = align_up(at, f->align);
	/* A multiple of the larger of two powers of two is one of the other. */
	if (place_crosses(f, at))
		at = align_up(at, ZN_MAX(f->align, f->boundary));
	/* The colours of aligned frames come again after so many. */
	for (unsigned n = 0; n < f->want->colours && !place_colour_ok(f, at); n++)
		at += f->align;
	if (!place_colour_ok(f, at) || at + pages < at || at + pages > end)
		return PLACE_NONE;
	return at;
}

/* ---- one zone ---- */

static bool marks_allow(const struct fit *f, struct zone *zone)
{
	int64_t pages = (int64_t)f->want->pages;

	return zone_mark_ok_with(zone, 0, zone_mark(zone, WMARK_MIN), f->high_zone, 0, -pages);
}

/* The first frame of [start, end) that is no RAM of the zone, whoever has it; `end`: all are. */
static pfn_t place_ends(const struct zone *zone, pfn_t start, pfn_t end)
{
	for (; start < end; start++) {
		const struct page *page = zonal_page(zone->mm, start);

		if (!page || page_zid(page) != zone->id)
			break;
	}
	return start;
}

/* May pages be moved away from there? One place is tried of each pageblock that it begins in. */
static bool move_is_due(struct fit *f, pfn_t at)
{
	pfn_t block = at / BLOCK_PAGES;

	if (!f->moves || f->tried == block)
		return false;
	f->tried = block;
	return true;
}

static bool take_moved(struct fit *f, pfn_t at)
{
	const pfn_t end = at + f->want->pages, mask = BLOCK_PAGES - 1;

	return range_can_leave(f->mm, at & ~mask, (end + mask) & ~mask, MIGRATE_MOVABLE) &&
	       !contig_take(f->mm, at, f->want->pages, MIGRATE_MOVABLE, f->want->gfp);
}

/* Take the place at `at`, or say where the search goes on; at itself: it was taken. */
static pfn_t take_place(struct fit *f, struct zone *zone, pfn_t at)
{
	pfn_t end = at + f->want->pages, used = fit_first_used(zone, at, end), ram = end;
	bool move = used < end && move_is_due(f, at);

	if (used < end && (move || f->why < ZONAL_UNMET_BUSY))
		ram = place_ends(zone, at, end);
	if (ram < end)
		return ram + 1;
	fit_came_to(f, ZONAL_UNMET_BUSY);
	if (used < end && !move)
		return used + 1;
	if (!marks_allow(f, zone)) {
		fit_came_to(f, ZONAL_UNMET_MARK);
		return PLACE_NONE;
	}
	if (used == end ? fit_carve(zone, at, end) : take_moved(f, at))
		return at;
	return used == end ? at + 1 : used + 1;
}

/* As many regions as the zone has; true: that is all. */
static bool fit_zone(struct fit *f, struct zone *zone)
{
	pfn_t at = ZN_MAX(f->first, zone->start_pfn);
	pfn_t end = ZN_MIN(f->end, zone->start_pfn + zone->spanned), next;

	if (at >= end)
		return false;
	fit_came_to(f, ZONAL_UNMET_PLACE);
	while (f->count < f->want->regions) {
		at = next_place(f, at, end);
		if (at == PLACE_NONE)
			return false;
		if (unlikely(ld_relaxed(&zone->deferred)))
			deferred_reach(f->mm, at + f->want->pages - 1);
		next = take_place(f, zone, at);
		if (next == PLACE_NONE)
			return false;
		if (next == at) {
			f->start[f->count++] = at;
			next = at + f->want->pages;
		}
		at = next;
	}
	return true;
}

/* ---- all of it ---- */

/* Pages that were moved away for are somebody's already, the others nobody's yet. */
static void fit_give_up(struct fit *f)
{
	while (f->count) {
		pfn_t at = f->start[--f->count];
		struct page *page = mm_page(f->mm, at);

		if (page_state(page) == PAGE_USED)
			(void)zonal_free_contig_range(f->mm, at, f->want->pages);
		else
			fit_put_back(mm_page_zone(f->mm, page), at, at + f->want->pages);
	}
}

static bool fit_search(struct fit *f, const struct zonelist *list)
{
	nodemask_t nodes = f->want->nodes ? f->want->nodes : ~(nodemask_t)0;
	bool all = false;

	ASSERT(!f->count, "%u regions are there already", f->count);
	for (unsigned i = list->first[f->high_zone]; i < list->count && !all; i++) {
		const struct zoneref *ref = &list->ref[i];

		if (ref->type <= f->high_zone && nodemask_has(nodes, ref->node))
			all = fit_zone(f, ref->zone);
	}
	if (!all)
		fit_give_up(f);
	return all;
}

static void fit_finish(struct fit *f)
{
	for (unsigned i = 0; i < f->count; i++) {
		struct page *page = mm_page(f->mm, f->start[i]);

		if (page_state(page) != PAGE_USED)
			fit_prepare(mm_page_zone(f->mm, page), f->start[i],
				    f->start[i] + f->want->pages, f->want->gfp);
	}
}

static bool power_of_two(uint64_t n) { return n && !(n & (n - 1)); }

/* ZONAL_UNMET_NONE: the request is one that can be met somewhere. */
static enum zonal_unmet fit_check(const struct zonal *mm, const struct zonal_constraint *w)
{
	const uint64_t most = (uint64_t)1 << 32;

	if (!w->pages || !w->regions || w->pages > most)
		return ZONAL_UNMET_SIZE;
	if (w->align && !power_of_two(w->align))
		return ZONAL_UNMET_ALIGN;
	if (w->boundary && (!power_of_two(w->boundary) || w->boundary / PAGE_SIZE < w->pages))
		return ZONAL_UNMET_BOUNDARY;
	if (w->colours && (w->pages != 1 || w->colours > ZONAL_CONSTRAINT_COLOURS ||
			   !(w->colour_mask & (~(uint64_t)0 >> (64 - w->colours)))))
		return ZONAL_UNMET_COLOURS;
	if (w->nid != NODE_NONE && (w->nid < 0 || w->nid >= ZONAL_MAX_NODES || !mm->node[w->nid]))
		return ZONAL_UNMET_NODE;
	if (gfp_zone_bad(w->gfp) || (w->flags & ~ZONAL_CONSTRAINT_MOVE) ||
	    ((w->gfp & __GFP_ZERO) && !mm->clear))
		return ZONAL_UNMET_FLAGS;
	return ZONAL_UNMET_NONE;
}

/* The window of addresses in frames; ends behind the last frame that has a number. */
static struct fit fit_of(struct zonal *mm, const struct zonal_constraint *w, pfn_t *start)
{
	uint64_t high = w->high ? w->high : UINT64_MAX;
	struct fit f = { .mm = mm, .want = w, .start = start, .why = ZONAL_UNMET_RANGE };

	f.align = ZN_MAX(w->align, PAGE_SIZE) / PAGE_SIZE;
	f.boundary = w->boundary / PAGE_SIZE;
	f.first = w->low / PAGE_SIZE + !!(w->low & (PAGE_SIZE - 1));
	f.end = high == UINT64_MAX ? (pfn_t)1 << 32 : (high + 1) / PAGE_SIZE;
	f.high_zone = gfp_zone(w->gfp);
	return f;
}

int zonal_alloc_constrained(struct zonal *mm, const struct zonal_constraint *want, pfn_t *start,
			    enum zonal_unmet *why)
{
	enum zonal_unmet ignored, bad = fit_check(mm, want);
	struct fit f = fit_of(mm, want, start);
	unsigned nid;
	bool found;

	why = why ? why : &ignored;
	*why = bad;
	if (bad)
		return ZONAL_EINVAL;
	nid = (unsigned)(want->nid == NODE_NONE ? ask_here(mm).nid : want->nid);
	found = fit_search(&f, &mm->node[nid]->fallback);
	if (!found && f.why >= ZONAL_UNMET_BUSY) {
		zonal_drain_all(mm, NULL);
		found = fit_search(&f, &mm->node[nid]->fallback);
	}
	f.moves = want->flags & ZONAL_CONSTRAINT_MOVE;
	f.tried = PLACE_NONE;
	if (!found && f.moves && f.why >= ZONAL_UNMET_BUSY)
		found = fit_search(&f, &mm->node[nid]->fallback);
	if (found)
		fit_finish(&f);
	else
		*why = f.why;
	return found ? 0 : ZONAL_ENOMEM;
}

const char *zonal_unmet_text(enum zonal_unmet why)
{
	static const char *const text[ZONAL_UNMETS] = {
		[ZONAL_UNMET_NONE] = "nothing was in the way",
		[ZONAL_UNMET_SIZE] = "pages and regions must be at least 1, and have frame numbers",
		[ZONAL_UNMET_ALIGN] = "the alignment must be a power of two",
		[ZONAL_UNMET_BOUNDARY] = "the boundary must be a power of two, at least a region",
		[ZONAL_UNMET_COLOURS] = "colours are for single pages, 64 at most, and one must do",
		[ZONAL_UNMET_NODE] = "there is no such node",
		[ZONAL_UNMET_FLAGS] = "flags that do not go together, or no clear hook",
		[ZONAL_UNMET_RANGE] = "no memory of these nodes and zones has such addresses",
		[ZONAL_UNMET_PLACE] = "no memory there has room for a region",
		[ZONAL_UNMET_BUSY] = "too few such places are free",
		[ZONAL_UNMET_MARK] = "a zone would go below its mark",
	};

	return (unsigned)why < ZONAL_UNMETS ? text[why] : "?";
}
