/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is another round of reclaim worth it? (rows R1-R5)
 *
 * Rounds without progress are counted; progress takes the count back to 0, but for large blocks,
 * which reclaim alone may never put together. Behind 16 of them only the highatomic reserve is
 * left to give. Up to there the question is whether the request could be served at all if
 * everything that can be reclaimed of a zone were free: if no zone of the list would meet MIN
 * then, trying again is in vain and somebody must give back what he uses.
 *
 * If the last round freed nothing because what is there must be written first, it waits for
 * the disk before it tries again; else it only lets others run.
 *
 * No lock is held; counters are read as they are.
 */
#include "direct.h"

#include "kswapd.h"
#include "lib/assert.h"
#include "mm/mobility.h"
#include "mm/trace.h"
#include "mm/watermark.h"
#include "reclaim.h"

#define MOST_TRIES 16u /* MAX_RECLAIM_RETRIES (C5) */

/* R3: would the zone do if all that can be reclaimed were free? */
static bool zone_could_serve(struct zone *zone, const struct alloc_req *req,
			     const struct alloc_pass *pass, const struct retry *retry)
{
	int64_t mark = zone_mark(zone, WMARK_MIN), more = (int64_t)zone_reclaimable(zone);
	bool ok = zone_mark_ok_with(zone, req->order, mark, req->high_zone, pass->flags, more);

	trace(req->mm, RETRY, zone->node, zone->type, req->order, (uint32_t)more,
	      (uint32_t)(ld_relaxed(&zone->free) + more), (uint32_t)mark, retry->no_progress, ok);
	return ok;
}

/* R4 */
static void wait_for_disk(struct zone *zone, struct retry *retry)
{
	struct lru *lru = &zone->mm->node[zone->node]->reclaim.lru;
	uint64_t pending = count_of(&lru->dirty) + count_of(&lru->writing);

	if (!retry->progress && 2 * pending > zone_reclaimable(zone)) {
		retry->naps++;
		reclaim_nap(RECLAIM_NAP_NS);
	} else {
		reclaim_give_way();
	}
}

bool retry_worth(const struct alloc_req *req, const struct alloc_pass *pass, struct retry *retry)
{
	struct alloc_req within = *req;

	ASSERT(pass->preferred <= req->list->count, "zone %u of %u", pass->preferred,
	       req->list->count);
	if (retry->progress && req->order <= COSTLY_ORDER)
		retry->no_progress = 0;
	else
		retry->no_progress++;
	if (retry->no_progress > MOST_TRIES) {
		within.nodemask = pass->nodemask;
		retry->end = ZONAL_RETRY_TRIES;
		return highatomic_unreserve(&within, true);
	}
	for (unsigned i = pass->preferred; i < req->list->count; i++) {
		const struct zoneref *ref = &req->list->ref[i];

		if (ref->type > req->high_zone || !nodemask_has(pass->nodemask, ref->node) ||
		    !zone_could_serve(ref->zone, req, pass, retry))
			continue;
		wait_for_disk(ref->zone, retry);
		return true;
	}
	retry->end = ZONAL_RETRY_SHORT;
	return false;
}

uint64_t reclaim_for(const struct alloc_req *req, const struct alloc_pass *pass,
		     struct retry *retry)
{
	uint64_t freed = reclaim_direct(req, pass, &retry->scanned);

	retry->reclaimed += freed;
	retry->reclaim_runs++;
	return freed;
}

bool kswapd_serves(const struct alloc_req *req)
{
	return ld_relaxed(&req->mm->node[req->nid]->reclaim.served);
}

void reclaim_wait(void) { reclaim_nap(RECLAIM_NAP_NS / 10); }
