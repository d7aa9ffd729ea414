/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Direct compaction: a request that waits puts its block together itself. (X5, X11, L13, R6-R9)
 *
 * The zones of the request are compacted in order, those passed over that failed lately, until one
 * says that the block is there. Then the block that was captured is the request's, or it
 * looks through the zones once more. Success forgets that the zone ever failed; failure of a run
 * that waited is remembered.
 *
 * Whether to come again is asked after each round that reclaim made progress in, in this order (R7,
 * R8): was a whole zone gone through in vain? then only a higher priority helps. Was it skipped
 * because there is too little free memory? then as long as what can be reclaimed would make some
 * zone suitable. Did it not get to work at all? a higher priority. Else some tries more at this
 * one: 16, for a costly block 4.
 *
 * No lock is held. The task works for reclaim meanwhile (L19).
 */
#include "compact.h"

#include "lib/assert.h"
#include "mm/alloc.h"
#include "mm/reclaim/direct.h"
#include "mm/reclaim/scan.h"
#include "mm/take.h"
#include "mm/trace.h"

#define MOST_TRIES 16u /* MAX_COMPACT_RETRIES (C5) */

/* One zone for the request; a captured block in *page, as it comes from the lists. */
static enum compact_result compact_one(const struct alloc_req *req, const struct alloc_pass *pass,
				       const struct zoneref *ref, struct retry *retry,
				       struct page **page)
{
	unsigned priority = retry->compact_priority;
	struct compact c = { .mm = req->mm,
			     .zone = ref->zone,
			     .order = req->order,
			     .type = req->type,
			     .flags = pass->flags,
			     .high_zone = req->high_zone,
			     .mode = priority == COMPACT_ASYNC ? MOVE_ASYNC : MOVE_SYNC_LIGHT,
			     .direct = true,
			     .ignore_skip = priority == COMPACT_SYNC_FULL,
			     .any_target = priority == COMPACT_SYNC_FULL,
			     .whole_zone = priority == COMPACT_SYNC_FULL,
			     .may_fs = pass->gfp & __GFP_FS,
			     .may_capture = true };
	enum compact_result result = compact_zone(&c);

	*page = c.captured;
	retry->compact_runs++;
	retry->compact_moved += (uint32_t)c.moved;
	retry->compact_failed += (uint32_t)c.failed;
	return result;
}

/* X5 */
static enum compact_result compact_zones(const struct alloc_req *req,
					 const struct alloc_pass *pass, struct retry *retry,
					 struct page **page)
{
	unsigned priority = retry->compact_priority;
	enum compact_result most = COMPACT_SKIPPED, result;

	for (unsigned i = pass->preferred; i < req->list->count && most < COMPACT_SUCCESS; i++) {
		const struct zoneref *ref = &req->list->ref[i];

		if (ref->type > req->high_zone || !nodemask_has(pass->nodemask, ref->node))
			continue;
		if (priority > COMPACT_SYNC_FULL && compact_deferred(ref->zone, req->order)) {
			most = ZN_MAX(most, COMPACT_DEFERRED);
			continue;
		}
		result = compact_one(req, pass, ref, retry, page);
		most = ZN_MAX(most, result);
		if (result == COMPACT_SUCCESS)
			compact_defer_reset(ref->zone, req->order, false);
		else if (priority != COMPACT_ASYNC && (result == COMPACT_COMPLETE ||
						       result == COMPACT_PARTIAL_SKIPPED))
			compact_defer(ref->zone, req->order);
	}
	return most;
}

/* A captured block becomes the request's. */
static void use_captured(const struct alloc_req *req, const struct alloc_pass *pass,
			 struct page *page)
{
	struct zone *zone = mm_page_zone(req->mm, page);
	port_irqflags_t irq = port_irq_save();

	ASSERT(page_state(page) == PAGE_INNER, "pfn 0x%x captured with word 0x%x", page->pfn,
	       page_word(page));
	take_count(mm_this_cpu(req->mm), zone, req->list->ref[pass->preferred].zone, req->order);
	port_irq_restore(irq);
	take_prepare(zone, page, req, pass);
}

struct page *compact_for(const struct alloc_req *req, const struct alloc_pass *pass,
			 struct retry *retry)
{
	struct zonal_task *task = (struct zonal_task *)(uintptr_t)req->task;
	struct page *page = NULL;

	ASSERT(!req->in_irq && !(task->flags & ZTASK_MEMALLOC) && req->order,
	       "gfp 0x%x order %u", pass->gfp, req->order);
	retry->compacted = COMPACT_SKIPPED;
	mm_event(req->mm, EVENT_COMPACTSTALL, 1);
	trace(req->mm, TRY_COMPACT, req->order, pass->gfp, retry->compact_priority);
	if (compact_allowed(pass->gfp)) {
		task->flags |= ZTASK_MEMALLOC;
		retry->compacted = (uint8_t)compact_zones(req, pass, retry, &page);
		task->flags &= ~ZTASK_MEMALLOC;
	}
	if (page)
		use_captured(req, pass, page);
	else
		page = walk_zones(req, pass);
	mm_event(req->mm, page ? EVENT_COMPACTSUCCESS : EVENT_COMPACTFAIL, 1);
	if (page) {
		struct zone *zone = mm_page_zone(req->mm, page);

		st_relaxed(&zone->compact.flush, false);
		compact_defer_reset(zone, req->order, true);
	}
	return page;
}

/* R7: could some zone become suitable if all that can be reclaimed went? */
static bool zone_could_be_suitable(const struct alloc_req *req, const struct alloc_pass *pass)
{
	for (unsigned i = pass->preferred; i < req->list->count; i++) {
		const struct zoneref *ref = &req->list->ref[i];
		uint64_t more;

		if (ref->type > req->high_zone || !nodemask_has(pass->nodemask, ref->node))
			continue;
		more = zone_reclaimable(ref->zone) / req->order;
		if (compact_suitable(ref->zone, req->order, pass->flags, req->high_zone,
				     (int64_t)more) != COMPACT_SKIPPED)
			return true;
	}
	return false;
}

/* R8 */
static unsigned most_tries(const struct alloc_req *req)
{
	return req->order > COSTLY_ORDER ? MOST_TRIES / 4 : MOST_TRIES;
}

/* R9 */
static bool step_up(const struct alloc_req *req, struct retry *retry)
{
	unsigned highest = req->order > COSTLY_ORDER ? COMPACT_SYNC_LIGHT : COMPACT_SYNC_FULL;

	if (retry->compact_priority <= highest)
		return false;
	retry->compact_priority--;
	retry->compact_tries = 0;
	return true;
}

/* R6-R9, of a request that may compact and for which reclaim progressed. */
static bool again_worth(const struct alloc_req *req, const struct alloc_pass *pass,
			struct retry *retry)
{
	switch (retry->compacted) {
	case COMPACT_COMPLETE:
		return step_up(req, retry);
	case COMPACT_SKIPPED:
		return zone_could_be_suitable(req, pass);
	case COMPACT_DEFERRED:
	case COMPACT_CONTENDED:
	case COMPACT_PARTIAL_SKIPPED:
		return step_up(req, retry);
	case COMPACT_SUCCESS:
		retry->compact_tries++;
		break;
	default:
		break;
	}
	if (retry->compact_tries <= most_tries(req))
		return true;
	return step_up(req, retry);
}

bool compact_retry_worth(const struct alloc_req *req, const struct alloc_pass *pass,
			 struct retry *retry)
{
	bool again;

	if (!req->order || !retry->progress || !compact_allowed(pass->gfp))
		return false;
	again = again_worth(req, pass, retry);
	trace(req->mm, COMPACT_RETRY, req->order, retry->compact_priority, retry->compacted,
	      retry->compact_tries, most_tries(req), again);
	return again;
}
