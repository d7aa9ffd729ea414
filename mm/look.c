/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking at free memory from outside: counts, and the walk over free ranges.
 *
 * Counts are those of the lists. The largest block of a list is the highest bit of its `filled`
 * word, so that nothing is searched.
 *
 * The walk goes by frame number, not by list, so that ranges come in order of address and blocks
 * side by side are one range whatever their orders and types. It goes over the page map in slices
 * of LOOK_SLICE heads under the lock of the zone that the slice begins in: FREE is entered and left
 * under that lock alone, so a slice is exact. A head tells how long its block is, used or free; the
 * order of a used one may be old when it is read (a split needs no lock), but what has been freed
 * of that block since then was freed under the lock, behind the change of its head's word. Pages
 * of another zone end the slice, and a range as well.
 *
 * Between two slices anything may happen. What has been passed is not looked at again, so that a
 * range that goes on behind the slice is made of pieces that were free one after the other.
 *
 * Holes and what is not initialised yet need no lock: holes stay, and of the others nothing is
 * free.
 *
 * Locks: one zone lock at a time, masked.
 */
#include <zonal/look.h>

#include "mm.h"

#include "buddy.h"

#define LOOK_SLICE 64u

/* ---- counts ---- */

/* Pages of the largest block in the lists of a type. */
static uint64_t largest_of(struct zone *zone, unsigned type)
{
	unsigned filled = ld_relaxed(&zone->filled[type]);

	ASSERT(filled < 1u << MAX_ORDER, "zone %u: lists 0x%x of type %u", zone->id, filled, type);
	return filled ? (uint64_t)1 << (31 - __builtin_clz(filled)) : 0;
}

/* Pages in all lists of a type. */
static uint64_t listed_in(const struct zone *zone, unsigned type)
	LOCK_HELD(zone->lock);
static uint64_t listed_in(const struct zone *zone, unsigned type)
{
	uint64_t pages = 0;

	DASSERT_HELD(&zone->lock);
	for (unsigned order = 0; order < MAX_ORDER; order++)
		pages += (uint64_t)zone->list[type][order].count << order;
	return pages;
}

static void count_locked(struct zone *zone, struct zonal_counts *out) LOCK_HELD(zone->lock);
static void count_locked(struct zone *zone, struct zonal_counts *out)
{
	out->present = zone->present;
	out->total = (uint64_t)zone_managed(zone);
	out->free = (uint64_t)ld_relaxed(&zone->free);
	out->free_cma = (uint64_t)ld_relaxed(&zone->free_cma);
	out->apart = listed_in(zone, MIGRATE_ISOLATE) + listed_in(zone, LIST_GUARD);
	out->later = ld_relaxed(&zone->deferred);
	for (unsigned type = 0; type < MIGRATE_TYPES; type++) {
		out->largest_of[type] = largest_of(zone, type);
		if (type < MIGRATE_PCPTYPES)
			out->largest = ZN_MAX(out->largest, out->largest_of[type]);
	}
}

static void count_zone(struct zone *zone, struct zonal_counts *out)
{
	const struct zonal *mm = zone->mm;
	port_irqflags_t irq = port_irq_save();

	lock_take(&zone->lock);
	count_locked(zone, out);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	for (unsigned c = 0; c < mm->cpu_count; c++)
		out->per_cpu += ld_relaxed(&mm->cpu[c]->pcp[zone->id].count);
}

bool zonal_zone_counts(struct zonal *mm, unsigned nid, enum zone_type type,
		       struct zonal_counts *out)
{
	struct zone *zone = NULL;

	*out = (struct zonal_counts){ .total = 0 };
	if (nid < ZONAL_MAX_NODES && (unsigned)type < ZONE_TYPES)
		zone = mm->zone[nid * ZONE_TYPES + (unsigned)type];
	if (!zone)
		return false;
	count_zone(zone, out);
	return true;
}

static void count_add(struct zonal_counts *sum, const struct zonal_counts *more)
{
	sum->present += more->present;
	sum->total += more->total;
	sum->free += more->free;
	sum->free_cma += more->free_cma;
	sum->per_cpu += more->per_cpu;
	sum->apart += more->apart;
	sum->later += more->later;
	sum->largest = ZN_MAX(sum->largest, more->largest);
	for (unsigned type = 0; type < MIGRATE_TYPES; type++)
		sum->largest_of[type] = ZN_MAX(sum->largest_of[type], more->largest_of[type]);
}

bool zonal_node_counts(struct zonal *mm, unsigned nid, struct zonal_counts *out)
{
	*out = (struct zonal_counts){ .total = 0 };
	if (nid >= ZONAL_MAX_NODES || !mm->node[nid])
		return false;
	for (unsigned t = 0; t < ZONE_TYPES; t++) {
		struct zonal_counts one;

		if (zonal_zone_counts(mm, nid, (enum zone_type)t, &one))
			count_add(out, &one);
	}
	return true;
}

/* ---- free ranges ---- */

/* The first frame from `at` on that has a structure and is RAM; `end`: there is none. */
static pfn_t next_ram(const struct zonal *mm, pfn_t at, pfn_t end)
{
	while (at < end) {
		pfn_t s = at >> MM_SECTION_SHIFT;

		if (at < mm->bounds[s].first)
			at = mm->bounds[s].first;
		else if (at >= mm_section_ready(mm, s))
			at = (s + 1) << MM_SECTION_SHIFT;
		else if (page_state(mm_page(mm, at)) != PAGE_HOLE)
			return at;
		else
			at++;
	}
	return end;
}

/* How many pages a look at `page`, which is in no free block, settles. */
static pfn_t behind_used(const struct page *page)
{
	uint32_t word = page_word(page);

	/* A guard says FREE. */
	if (word_state(word) == PAGE_USED || word_state(word) == PAGE_FREE)
		return (pfn_t)1 << word_order(word);
	return 1;
}

/* From *at on, which moves. True: the range has come to its end. */
static bool walk_slice(struct zone *zone, pfn_t *at, struct zonal_free_range *out)
	LOCK_HELD(zone->lock);
static bool walk_slice(struct zone *zone, pfn_t *at, struct zonal_free_range *out)
{
	DASSERT_HELD(&zone->lock);
	for (unsigned n = 0; n < LOOK_SLICE; n++) {
		struct page *page, *head;
		pfn_t end;

		if (!mm_page_ready(zone->mm, *at))
			return out->pages;
		page = mm_page(zone->mm, *at);
		if (page_zid(page) != zone->id)
			return out->pages;
		head = buddy_head(page);
		if (!head && out->pages)
			return true;
		if (!head) {
			*at += behind_used(page);
			continue;
		}
		end = head->pfn + ((pfn_t)1 << page_order(head));
		if (!out->pages)
			out->start = *at;
		out->pages += end - *at;
		*at = end;
	}
	return false;
}

bool zonal_free_next(struct zonal *mm, pfn_t *next, struct zonal_free_range *out)
{
	pfn_t end = mm->section_count << MM_SECTION_SHIFT, at = *next;
	bool ended = false;

	*out = (struct zonal_free_range){ .pages = 0 };
	while (!ended) {
		pfn_t ram = next_ram(mm, at, end);
		port_irqflags_t irq;
		struct zone *zone;

		if (ram >= end || (out->pages && ram != at))
			break;
		at = ram;
		zone = mm_page_zone(mm, mm_page(mm, at));
		ASSERT(zone, "pfn 0x%llx is of a zone without pages", (unsigned long long)at);
		if (out->pages && (out->node != zone->node || out->zone != zone->type))
			break;
		out->node = zone->node;
		out->zone = zone->type;
		irq = port_irq_save();
		lock_take(&zone->lock);
		ended = walk_slice(zone, &at, out);
		lock_drop(&zone->lock);
		port_irq_restore(irq);
	}
	*next = out->pages ? at : ZN_MAX(end, *next);
	return out->pages;
}
