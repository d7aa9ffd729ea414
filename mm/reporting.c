/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free page reporting (A14): large free blocks are taken off their lists, 32 at a time, shown to
 * the reporter without any lock, and put back to the tails, marked as reported.
 *
 *	zone->report_news    a block of the order of a pageblock or more was freed (buddy.c)
 *	reporting.due_ns     two seconds after a turn has first seen that, a run is made
 *	page->reported       of a free block, set here; a block that comes to a list has it clear,
 *	                     so taking, splitting and merging clear it; there is nothing to undo
 *
 * A run goes over each zone that has enough to do without 32 pageblocks, and there over the lists
 * of those orders, upwards; isolated blocks are left alone. From each list goes at most one batch
 * for every 512 blocks that it has, and one more: what is left waits for the next run. A batch may
 * hold blocks of several lists, and what it holds at the end of a zone is shown too. If the
 * reporter fails, its batch goes back as it was and the run is over.
 *
 * A list is walked from its head, where fresh blocks are. Where the walk stops to let go of the
 * lock, the list is turned so that it begins there, as in 5.10; no hold of the lock looks at more
 * than REPORT_LOOKS blocks, and a walk ends when it has seen as many as there were.
 *
 * While it is shown a block is one in use: nobody else can have it, and what looks at the map
 * knows what to think of it.
 */
#include <zonal/reporting.h>

#include "lib/assert.h"
#include "buddy.h"
#include "mobility.h"
#include "page_check.h"
#include "take.h"
#include "watermark.h"

#define REPORT_DELAY_NS 2000000000u
/* How often a turn looks whether there is news. */
#define REPORT_POLL_NS (REPORT_DELAY_NS / 8)
#define REPORT_LOOKS 64u
/* One batch a run for so many blocks of a list. */
#define REPORT_SHARE (ZONAL_REPORT_BLOCKS * 16u)

struct report_run {
	struct zonal *mm;
	struct zone *zone;
	unsigned type, order; /* the list that is walked */
	uint64_t left;        /* blocks of it not seen yet */
	int64_t budget;       /* batches that it may still give; less than 0: none */
	unsigned count;
	struct zonal_free_block block[ZONAL_REPORT_BLOCKS];
};

/* Why a hold of the lock ended. */
enum gathered { GATHER_DONE, GATHER_MORE, GATHER_FULL };

/* The list begins at `page`, which is in it. */
static void turn_list(struct zone *zone, struct free_list *list, struct page *page)
	LOCK_HELD(zone->lock);
static void turn_list(struct zone *zone, struct free_list *list, struct page *page)
{
	DASSERT_HELD(&zone->lock);
	if (page->prev == PFN_NONE)
		return;
	mm_page(zone->mm, list->last)->next = list->first;
	mm_page(zone->mm, list->first)->prev = list->last;
	list->first = page->pfn;
	list->last = page->prev;
	mm_page(zone->mm, page->prev)->next = PFN_NONE;
	page->prev = PFN_NONE;
}

/* A free block of the list into the batch. False: the zone has none to spare. */
static bool take_one(struct report_run *run, struct page *page) LOCK_HELD(run->zone->lock);
static bool take_one(struct report_run *run, struct page *page)
{
	struct zone *zone = run->zone;

	ASSERT(run->count < ZONAL_REPORT_BLOCKS && page_order(page) == run->order,
	       "pfn 0x%x of order %u, %u blocks", page->pfn, page_order(page), run->count);
	if (!zone_mark_ok(zone, 0, zone_mark(zone, WMARK_MIN) + (1 << run->order), 0, ALLOC_CMA))
		return false;
	if (!buddy_carve(run->zone, page, run->order) ||
	    !page_check_block(run->mm, page, run->order))
		return true;
	mobility_note_large(page, run->order);
	page_prepare(page, word_make(zone->id, PAGE_USED, run->order));
	run->block[run->count++] =
		(struct zonal_free_block){ .pfn = page->pfn, .order = run->order };
	return true;
}

static enum gathered gather(struct report_run *run) LOCK_HELD(run->zone->lock);
static enum gathered gather(struct report_run *run)
{
	struct free_list *list = &run->zone->list[run->type][run->order];
	struct page *page = buddy_first(run->zone, run->order, run->type), *next;
	enum gathered stop = GATHER_MORE;

	for (unsigned looks = 0; page && run->left && looks < REPORT_LOOKS; page = next, looks++) {
		next = page->next == PFN_NONE ? NULL : mm_page(run->mm, page->next);
		if (page->reported) {
			run->left--;
			continue;
		}
		if (run->budget < 0)
			st_relaxed(&run->zone->report_news, true);
		if (run->budget < 0 || run->count == ZONAL_REPORT_BLOCKS) {
			stop = run->budget < 0 ? GATHER_DONE : GATHER_FULL;
			break;
		}
		if (!take_one(run, page)) {
			stop = GATHER_DONE;
			break;
		}
		run->left--;
	}
	if (!page || !run->left)
		return GATHER_DONE;
	turn_list(run->zone, list, page);
	return stop;
}

/* One block back; does it still lie there as it was shown? Then it is reported. */
static void put_one(struct report_run *run, const struct zonal_free_block *block, bool known)
	LOCK_HELD(run->zone->lock);
static void put_one(struct report_run *run, const struct zonal_free_block *block, bool known)
{
	struct page *page = mm_page(run->mm, block->pfn);
	uint32_t listed = word_make(run->zone->id, PAGE_FREE, block->order);

	ASSERT(page_state(page) == PAGE_USED && ld_relaxed(&page->refs) == 1,
	       "pfn 0x%x: word 0x%x, %d references", page->pfn, page_word(page),
	       ld_relaxed(&page->refs));
	st_relaxed(&page->refs, 0);
	page_set_word(page, word_make(run->zone->id, PAGE_INNER, 0));
	buddy_put(run->zone, page, block->order, BUDDY_TAIL);
	if (known && page_word(page) == listed)
		page->reported = true;
}

static void put_back(struct report_run *run, bool known)
{
	port_irqflags_t irq = port_irq_save();

	lock_take(&run->zone->lock);
	for (unsigned i = 0; i < run->count; i++)
		put_one(run, &run->block[i], known);
	buddy_unboost_if_free(run->zone);
	lock_drop(&run->zone->lock);
	port_irq_restore(irq);
	run->count = 0;
}

/* The batch is shown. False: the reporter failed. */
static bool show(struct report_run *run)
{
	const struct zonal_reporter *reporter = run->mm->reporting.reporter;
	uint64_t pages = 0;
	bool known;

	if (!run->count)
		return true;
	ASSERT(reporter && !port_irqs_masked(), "%u blocks, reporter %p", run->count,
	       (const void *)reporter);
	for (unsigned i = 0; i < run->count; i++)
		pages += 1u << run->block[i].order;
	known = reporter->report(reporter->ctx, run->block, run->count) == 0;
	if (known)
		own_add(&run->mm->reporting.pages, pages);
	put_back(run, known);
	return known;
}

static enum gathered gather_locked(struct report_run *run)
{
	port_irqflags_t irq = port_irq_save();
	enum gathered result;

	lock_take(&run->zone->lock);
	result = gather(run);
	lock_drop(&run->zone->lock);
	port_irq_restore(irq);
	return result;
}

/* One list. False: the reporter failed. */
static bool report_list(struct report_run *run, unsigned order, unsigned type)
{
	enum gathered result;

	run->order = order;
	run->type = type;
	run->left = run->zone->list[type][order].count;
	run->budget = (int64_t)((run->left + REPORT_SHARE - 1) / REPORT_SHARE);
	while ((result = gather_locked(run)) != GATHER_DONE) {
		if (result != GATHER_FULL)
			continue;
		run->budget--;
		if (!show(run))
			return false;
	}
	return true;
}

static bool report_zone(struct report_run *run)
{
	int64_t mark = zone_mark(run->zone, WMARK_LOW) + (ZONAL_REPORT_BLOCKS << PAGEBLOCK_ORDER);

	if (!zone_mark_ok(run->zone, 0, mark, 0, ALLOC_CMA))
		return true;
	for (unsigned order = PAGEBLOCK_ORDER; order < MAX_ORDER; order++)
		for (unsigned type = 0; type < MIGRATE_TYPES; type++)
			if (type != MIGRATE_ISOLATE && !report_list(run, order, type))
				return false;
	return show(run);
}

/* Is there something to report, in any zone? `forget`: not any more. */
static bool take_news(struct zonal *mm, bool forget)
{
	struct zone *zone;
	bool any = false;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone) {
		any |= ld_relaxed(&zone->report_news);
		if (forget)
			st_relaxed(&zone->report_news, false);
	}
	return any;
}

static void report_all(struct zonal *mm)
{
	struct report_run run = { .mm = mm };
	unsigned zid;

	(void)take_news(mm, true);
	mm_for_each_zone(mm, zid, run.zone)
		if (!report_zone(&run))
			return;
}

int zonal_reporting_begin(struct zonal *mm, const struct zonal_reporter *reporter)
{
	if (mm->reporting.reporter)
		return ZONAL_EBUSY;
	if (!reporter || !reporter->report ||
	    (ld_relaxed(&mm->gates) & (GATE_POISON | GATE_ZERO_FREED)))
		return ZONAL_EINVAL;
	mm->reporting.due_ns = port_time_ns() + REPORT_DELAY_NS;
	mm->reporting.reporter = reporter;
	return 0;
}

void zonal_reporting_end(struct zonal *mm) { mm->reporting.reporter = NULL; }

uint64_t zonal_reporting_turn(struct zonal *mm)
{
	uint64_t now = port_time_ns(), due = mm->reporting.due_ns;

	if (!mm->reporting.reporter)
		return UINT64_MAX;
	if (!due && !take_news(mm, false))
		return REPORT_POLL_NS;
	if (due && now >= due) {
		report_all(mm);
		due = 0;
		now = port_time_ns();
		if (!take_news(mm, false)) {
			mm->reporting.due_ns = 0;
			return REPORT_POLL_NS;
		}
	}
	if (!due)
		due = now + REPORT_DELAY_NS;
	mm->reporting.due_ns = due;
	return due - now;
}

uint64_t zonal_reported_pages(const struct zonal *mm)
{
	return ld_relaxed(&((struct zonal *)(uintptr_t)mm)->reporting.pages);
}
