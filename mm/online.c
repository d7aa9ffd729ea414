/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is brought after the start, and taken away again.
 *
 * Both are changes between two states of a page: RESERVED, one reference, not managed; and free.
 * The structures are there since the start for all that may ever come (<zonal/online.h>), so
 * nothing is placed and no table grows while others walk it. A zone of which memory was held back
 * is in the zonelists from the beginning, empty: it fails its watermark test as a full one does,
 * and no list has to be built anew under those who walk it, as 5.10 must.
 *
 *	online    reserved pages become INNER, then blocks of the largest order that fits, as at
 *	          boot, a piece under the zone's lock at a time
 *	offline   a contiguous range is taken (compact/contig.c), which isolates, moves and drains;
 *	          its pages, single ones with one reference, become RESERVED
 *
 * In both cases `managed` changes with the pages under the zone's lock, and what follows from it is
 * set up anew behind that.
 *
 * mm->resizing lets one caller in at a time. Nobody else makes a page RESERVED or takes it out of
 * that but zonal_free_reserved(), whose pages the caller must not name here.
 */
#include <zonal/online.h>

#include "buddy.h"
#include "compact/contig.h"
#include "deferred.h"
#include "init.h"
#include "lib/assert.h"
#include "page_owner.h"
#include "tune.h"
#include "watermark.h"

/* So many change hands with interrupts masked. */
#define PIECE ((pfn_t)1 << (MAX_ORDER - 1))

static void expect_room(struct zonal *mm, const struct boot_info *info)
{
	pfn_t start, end;

	for (unsigned i = 0; i < info->range_count; i++)
		for (unsigned t = 0; t < ZONE_TYPES && (info->range[i].flags & BOOT_LATER); t++)
			if (zones_piece(mm, info, i, t, &start, &end))
				mm->node[info->range[i].nid]->zone[t].later = true;
}

void online_expect(struct zonal *mm, const struct boot_info *info)
{
	if (ZONAL_DEFERRED)
		expect_room(mm, info);
	for (unsigned r = 0; ZONAL_DEFERRED && r < info->reserved_count; r++) {
		const struct boot_range *held = &info->reserved[r];
		struct pfn_span span = { held->start >> PAGE_SHIFT,
					 (held->start + held->size) >> PAGE_SHIFT };

		for (unsigned i = 0; i < info->range_count && (held->flags & BOOT_LATER); i++)
			for (unsigned t = 0; t < ZONE_TYPES; t++) {
				struct pfn_span part = span;

				if (zones_part(mm, info, i, t, &part))
					mm->node[info->range[i].nid]->zone[t].later = true;
			}
	}
}

/* What hangs on how much there is: S1 to S7, and the size of the CPUs' lists. */
static void resize_end(struct zonal *mm, struct zone *zone)
{
	ASSERT(ld_relaxed(&mm->resizing), "nobody resizes zone %u", zone->id);
	if (ZONAL_WATERMARKS)
		zonal_setup_marks(mm);
	tune_lists(mm, zone);
	resize_leave(mm);
}

/* ---- online ---- */

static bool can_come(const struct page *page)
{
	return !(page_word(page) & PG_HWPOISON);
}

static bool all_reserved(const struct zonal *mm, pfn_t start, pfn_t end)
{
	for (; start < end; start++)
		if (page_state(mm_page(mm, start)) != PAGE_RESERVED)
			return false;
	return true;
}

/* As many from `start` on as may come in one piece. */
static pfn_t coming_end(const struct zonal *mm, pfn_t start, pfn_t end)
{
	pfn_t stop = ZN_MIN(end, (start / PIECE + 1) * PIECE);

	for (pfn_t at = start; at < stop; at++)
		if (!can_come(mm_page(mm, at)))
			return at;
	return stop;
}

static void bring_piece(struct zonal *mm, struct zone *zone, pfn_t start, pfn_t end)
{
	uint32_t inner = word_make(zone->id, PAGE_INNER, 0);

	for (pfn_t pfn = start; pfn < end; pfn++) {
		struct page *page = mm_page(mm, pfn);

		ASSERT(page_state(page) == PAGE_RESERVED, "pfn 0x%llx has word 0x%x",
		       (unsigned long long)pfn, page_word(page));
		st_relaxed(&page->refs, 0);
		page_set_word(page, inner);
	}
	release_range(mm, zone, start, end);
}

int zonal_online(struct zonal *mm, pfn_t start, uint64_t pages)
{
	struct zone *zone = ZONAL_DEFERRED ? zone_of_range(mm, start, pages) : NULL;

	if (!zone || !zone_listed(zone))
		return ZONAL_EINVAL;
	if (!resize_begin(mm))
		return ZONAL_EBUSY;
	if (!all_reserved(mm, start, start + pages)) {
		resize_leave(mm);
		return ZONAL_EINVAL;
	}
	for (pfn_t at = start, next; at < start + pages; at = next) {
		next = coming_end(mm, at, start + pages);
		if (at < next)
			bring_piece(mm, zone, at, next);
		else
			next = at + 1;
	}
	resize_end(mm, zone);
	return 0;
}

/* ---- offline ---- */

/* Does somebody hold it, as a page of its own or within a block? A guess, without the lock. */
static bool is_held(struct page *page)
{
	switch (page_state(page)) {
	case PAGE_USED:
	case PAGE_LONE:
	case PAGE_TAIL:
	case PAGE_BAD:
		return true;
	case PAGE_INNER:
		return !buddy_head(page);
	default:
		return false;
	}
}

/* The range is busy: what is there that did not go? */
static void say_in_use(const struct zonal *mm, pfn_t start, pfn_t end, struct zonal_in_use *out)
{
	for (pfn_t pfn = start; pfn < end; pfn++) {
		uint32_t word = page_word(mm_page(mm, pfn));
		bool used = is_held(mm_page(mm, pfn));

		if (!used && word_state(word) != PAGE_RESERVED)
			continue;
		if (!out->used && !out->reserved)
			out->first = pfn;
		out->used += used;
		out->listed += used && (word & PG_LRU);
		out->reserved += !used;
	}
}

/* Ours by a reference each; then nobody's. */
static void drop_pages(struct zonal *mm, struct zone *zone, pfn_t start, pfn_t end)
{
	bool traced = ld_relaxed(&mm->gates) & GATE_PAGE_OWNER;
	port_irqflags_t irq;

	for (pfn_t pfn = start; traced && pfn < end; pfn++)
		page_owner_free(mm, mm_page(mm, pfn), 0);
	irq = port_irq_save();
	lock_take(&zone->lock);
	ASSERT((uint64_t)zone_managed(zone) >= end - start, "zone %u manages %lld pages", zone->id,
	       (long long)zone_managed(zone));
	own_add(&zone->managed, -(end - start));
	for (pfn_t pfn = start; pfn < end; pfn++)
		page_set_word(mm_page(mm, pfn), word_make(zone->id, PAGE_RESERVED, 0));
	lock_drop(&zone->lock);
	port_irq_restore(irq);
}

int zonal_offline(struct zonal *mm, pfn_t start, uint64_t pages, struct zonal_in_use *out)
{
	struct zone *zone = ZONAL_DEFERRED ? zone_of_range(mm, start, pages) : NULL;
	struct zonal_in_use none;
	int err;

	if (!out)
		out = &none;
	*out = (struct zonal_in_use){ 0 };
	if (!zone)
		return ZONAL_EINVAL;
	if (!resize_begin(mm))
		return ZONAL_EBUSY;
	err = contig_take(mm, start, pages, MIGRATE_MOVABLE, GFP_KERNEL);
	if (err) {
		say_in_use(mm, start, start + pages, out);
		if (!out->used && !out->reserved)
			say_in_use(mm, align_down(start, PIECE), align_up(start + pages, PIECE),
				   out);
		resize_leave(mm);
		return err;
	}
	for (pfn_t at = start, next; at < start + pages; at = next) {
		next = ZN_MIN(start + pages, (at / PIECE + 1) * PIECE);
		drop_pages(mm, zone, at, next);
	}
	resize_end(mm, zone);
	return 0;
}
