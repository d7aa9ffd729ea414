/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compaction of a zone: pages that can move go to its end, so that blocks become free at its
 * beginning. (X6, X10, X16)
 *
 *	used.c   from the beginning up: a batch of pages that can move
 *	free.c   from the end down: frames for them
 *	move.c   old frames to new ones, through the pages' owners
 *
 * The two scanners begin where the last run left off, and the run is over when they meet: the zone
 * was gone through in vain, wholly or from somewhere on. At each end of a pageblock it looks
 * whether the request could be served now.
 *
 * Old frames go to this CPU's list, like any freed page. When the scanner leaves an aligned part as
 * large as the wanted block, the list is drained, so that what it holds can merge; and if the
 * part is free as a whole then, it is taken at once, before anybody else can come (capture, X10).
 * Not out of CMA areas or isolated blocks, and small blocks not out of movable pageblocks, which
 * they would pollute (B11).
 *
 * Who runs it works for reclaim (ZTASK_MEMALLOC). No lock is held but for the moments in which
 * pages are taken off their lists or blocks out of theirs.
 */
#include "compact.h"

#include "lib/assert.h"
#include "mm/buddy.h"
#include "mm/mobility.h"
#include "mm/page_check.h"
#include "mm/pcp.h"
#include "mm/reclaim/scan.h"
#include "mm/trace.h"

static bool scanners_met(const struct compact *c)
{
	return block_begin(c->free_at) <= block_begin(c->used_at);
}

static void run_begin(struct compact *c)
{
	struct zone_compact *state = &c->zone->compact;
	pfn_t start = c->zone->start_pfn, end = zone_end(c->zone);
	unsigned patient = c->mode != MOVE_ASYNC;

	c->used_at = ld_relaxed(&state->used_at[patient]);
	c->free_at = ld_relaxed(&state->free_at);
	if (c->whole_zone || c->used_at < start || c->used_at >= end)
		c->used_at = start;
	if (c->whole_zone || c->free_at < start || c->free_at >= end)
		c->free_at = block_begin(end - 1);
	st_relaxed(&state->free_at, (uint32_t)c->free_at);
	c->whole_zone = c->used_at <= start;
}

static enum compact_result run_state(struct compact *c)
{
	if (scanners_met(c)) {
		struct zone_compact *state = &c->zone->compact;
		bool flush = c->direct || ld_relaxed(&state->flush);

		compact_init(c->zone);
		st_relaxed(&state->flush, flush);
		return c->whole_zone ? COMPACT_COMPLETE : COMPACT_PARTIAL_SKIPPED;
	}
	if (c->ahead && kswapd_runs(c->mm->node[c->zone->node]))
		return COMPACT_PARTIAL_SKIPPED;
	if (c->ahead && compact_score(c->zone) <= compact_mark(c->mm, true))
		return COMPACT_SUCCESS;
	if (c->order == COMPACT_WHOLE || (c->used_at & ((1u << PAGEBLOCK_ORDER) - 1)))
		return COMPACT_CONTINUE;
	return mobility_has(c->zone, (unsigned)c->order, c->type) ? COMPACT_SUCCESS :
								    COMPACT_CONTINUE;
}

static enum compact_result run_finished(struct compact *c)
{
	enum compact_result result = run_state(c);

	trace(c->mm, COMPACT_FINISHED, c->zone->node, c->zone->type, (uint32_t)c->order, result);
	return result;
}

/* B11 */
static bool may_capture(const struct compact *c, const struct page *part)
{
	unsigned type = page_block_type(part);

	if (type == MIGRATE_CMA || type == MIGRATE_ISOLATE)
		return false;
	return c->order >= (int)PAGEBLOCK_ORDER || type != MIGRATE_MOVABLE;
}

static void capture(struct compact *c, struct page *part)
{
	port_irqflags_t irq;

	if (!c->may_capture || !may_capture(c, part) || !buddy_head(part))
		return;
	irq = port_irq_save();
	lock_take(&c->zone->lock);
	/* Free, whole or in a larger one whose rest stays. */
	if (buddy_carve(c->zone, part, (unsigned)c->order) &&
	    page_check_block(c->mm, part, (unsigned)c->order))
		c->captured = part;
	lock_drop(&c->zone->lock);
	port_irq_restore(irq);
}

/* The scanner has left the part that it emptied: what was in it can merge now. */
static void drain_emptied(struct compact *c)
{
	pfn_t size = (pfn_t)1 << (c->order > 0 ? c->order : 0), part = c->emptied;

	if (c->order <= 0 || !part || part + size > c->used_at)
		return;
	c->emptied = 0;
	drain_here(c->zone);
	for (; part + size <= c->used_at && !c->captured; part += size)
		/* A large part may reach over the zone's beginning, or a hole. */
		if (compact_block(c, block_begin(part)))
			capture(c, mm_page(c->mm, part));
}

/* Move what was taken. False: there is no frame left to move to, though the scanners have not
 * met. */
static bool move_round(struct compact *c)
{
	struct move move = { .mm = c->mm,
			     .mode = c->mode,
			     .reason = MOVE_FOR_COMPACTION,
			     .may_fs = c->may_fs,
			     .target = compact_target,
			     .unused = compact_unused,
			     .arg = c };
	pfn_t first = c->batch.page[0]->pfn, size = (pfn_t)1 << (c->order > 0 ? c->order : 0);
	unsigned left = move_pages(&move, &c->batch);

	ASSERT(c->used_at > first, "scanner at 0x%llx, page 0x%llx of it",
	       (unsigned long long)c->used_at, (unsigned long long)first);
	c->moved += left;
	c->failed += move.failed;
	trace(c->mm, COMPACT_MOVED, left, (uint32_t)move.failed);
	if (left && !c->emptied)
		c->emptied = first & ~(size - 1);
	/* One that stays spoils its part: on to the next, which may be had. */
	if (move.failed && c->direct && c->mode == MOVE_ASYNC && c->order > 0) {
		c->used_at = ZN_MIN(align_up(c->used_at, size), block_end(c->used_at - 1));
		c->emptied = 0;
	}
	return !move.why[MOVE_NO_TARGET] || scanners_met(c);
}

static enum compact_result run_rounds(struct compact *c)
{
	enum compact_result result;

	while ((result = run_finished(c)) == COMPACT_CONTINUE) {
		if (!compact_take_used(c))
			return COMPACT_CONTENDED;
		if (c->batch.count && !move_round(c))
			return COMPACT_CONTENDED;
		drain_emptied(c);
		if (c->captured)
			return COMPACT_SUCCESS;
		reclaim_give_way();
	}
	return result;
}

enum compact_result compact_zone(struct compact *c)
{
	struct zone *zone = c->zone;
	enum compact_result result =
		compact_suitable(zone, c->order, c->flags, c->high_zone, 0);

	ASSERT(!c->pool.count && !c->batch.count && c->order < MAX_ORDER, "order %d", c->order);
	ASSERT(port_this_cpu()->task->flags & ZTASK_MEMALLOC, "zone %u: not for reclaim", zone->id);
	if (result != COMPACT_CONTINUE)
		return result;
	if (c->order > 0 && compact_restarts(zone, (unsigned)c->order))
		compact_forget_hints(zone);
	run_begin(c);
	trace(c->mm, COMPACT_BEGIN, (uint32_t)zone->start_pfn, (uint32_t)c->used_at,
	      (uint32_t)c->free_at, (uint32_t)(zone->start_pfn + zone->spanned),
	      c->mode != MOVE_ASYNC);
	result = run_rounds(c);
	compact_release(c);
	trace(c->mm, COMPACT_END, (uint32_t)zone->start_pfn, (uint32_t)c->used_at,
	      (uint32_t)c->free_at, (uint32_t)(zone->start_pfn + zone->spanned),
	      c->mode != MOVE_ASYNC, result);
	mm_event(c->mm, EVENT_COMPACT_MIGRATE_SCANNED, c->used_scanned);
	mm_event(c->mm, EVENT_COMPACT_FREE_SCANNED, c->free_scanned);
	mm_event(c->mm, EVENT_COMPACT_ISOLATED, c->isolated);
	return result;
}
