/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Migration: pages change their frames, and their owners do not lose them.
 *
 * A page is taken off its list as reclaim does it (isolate.c), so that it stays what it is while
 * we work on it. Then, for each:
 *
 *	target        a frame to move to, from whoever wants the move
 *	prepare       its owner makes it unreachable, or says why not
 *	references    only the owner's and ours? else somebody works with it: abort
 *	              The new frame gets the handle, the list and a reference of ours, and counts
 *	              as isolated like the old one: as soon as its owner knows it he may touch it,
 *	              remove it, free it
 *	commit        the owner copies, and puts the new frame in the old one's place
 *	              Both references to the old frame are ours then; it is freed
 *
 * What stays is asked again, up to ten times (X13): who works with a page is often done with it a
 * moment later. From the fourth time on the owner may wait for it, and we wait between the passes
 * for those who never do, unless the move is asynchronous. Answers that will not change are
 * not asked for again: an owner who moves nothing, a page that is written while we may not wait.
 *
 * At the end the batch goes back to the lists, new frames and stayers alike. Each page is
 * counted as isolated by one kind from the take to the put back, though its owner may remove and
 * add it meanwhile.
 *
 * No lock is held while owners are asked. They are called as one who works for reclaim, with
 * ZTASK_MEMALLOC; targets are taken without, since who wants the move pays for them.
 */
#include "move.h"

#include "lib/assert.h"
#include "mm/group.h"
#include "mm/reclaim/scan.h"
#include "mm/request.h"
#include "mm/trace.h"

_Static_assert(MOVE_BATCH == RECLAIM_BATCH, "what goes back at once, as reclaim's batches do");

#define MOVE_PASSES 10u
#define FIRST_PATIENT_PASS 3u

unsigned move_take_some(struct zonal *mm, struct move_batch *batch, struct node *node,
			struct page **page, unsigned count)
{
	unsigned got;

	ASSERT(batch->count + count <= MOVE_BATCH, "%u pages and %u more", batch->count, count);
	got = lru_isolate_these(mm, node, page, batch->kind + batch->count, count);
	for (unsigned i = 0; i < got; i++)
		batch->page[batch->count++] = page[i];
	return got;
}

bool move_take(struct zonal *mm, struct move_batch *batch, struct page *page)
{
	ASSERT(mm_owns(mm, page), "page %p is not of this instance", (void *)page);
	/* A hole's zone may be one that is not there. */
	if (!(page_word(page) & PG_LRU))
		return false;
	return move_take_some(mm, batch, mm->node[page_zid(page) / ZONE_TYPES], &page, 1);
}

void move_put_back(struct zonal *mm, struct move_batch *batch)
{
	unsigned begin = 0, end;

	for (; begin < batch->count; begin = end) {
		unsigned nid = page_zid(batch->page[begin]) / ZONE_TYPES;

		end = begin + 1;
		while (end < batch->count && batch->kind[end] == batch->kind[begin] &&
		       page_zid(batch->page[end]) / ZONE_TYPES == nid)
			end++;
		lru_put_back(mm, mm->node[nid], batch->kind[begin], batch->page + begin,
			     end - begin);
	}
	batch->count = 0;
}

/* What an owner may do in a pass. */
static unsigned may_in_pass(const struct move *move, unsigned pass)
{
	unsigned may = ZONAL_MAY_UNMAP | (move->may_fs ? ZONAL_MAY_FS : 0);

	if (move->mode == MOVE_SYNC)
		may |= ZONAL_MAY_WRITE;
	if (move->mode != MOVE_ASYNC && pass >= FIRST_PATIENT_PASS)
		may |= ZONAL_MAY_WAIT;
	return may;
}

/* Can the next pass get another answer? */
static bool may_change(const struct move *move, unsigned why)
{
	switch (why) {
	case ZONAL_GIVE_GONE: /* its owner is on the way to remove it */
	case ZONAL_GIVE_BUSY:
	case MOVE_HELD:
		return true;
	case ZONAL_GIVE_WRITING:
		return move->mode == MOVE_SYNC;
	default:
		return false;
	}
}

/* The new frame becomes what the old one is: off its list, with a reference of ours. */
static void target_is_page(struct zonal *mm, struct page *to, const struct page *from,
			   unsigned kind)
{
	uint32_t flags = page_word(from) & (PG_ACTIVE | PG_REFERENCED);

	ASSERT(word_in_use(page_word(to)) && word_block_order(page_word(to)) == 0 &&
		       !(page_word(to) & (PG_LRU | PG_ISOLATED)) && ld_relaxed(&to->refs) == 1,
	       "pfn 0x%x as target: word 0x%x, %d references", to->pfn, page_word(to),
	       ld_relaxed(&to->refs));
	to->links.handle = from->links.handle;
	to->owner_id = from->owner_id;
	fetch_add_relaxed(&page_lru(mm, to)->isolated[kind], 1);
	/* The flags are clear, so that adding their bits sets them. */
	atomic_fetch_add_explicit(&to->word_refs,
				  (uint64_t)1 << 32 | PG_LRU | PG_ISOLATED | flags,
				  memory_order_acq_rel);
	block_count_listed(mm, to, 1);
}

/* With the target at hand: ZONAL_GIVE_YES, and the place in the batch is the target's, or why not.
 */
static unsigned move_to(struct move *move, struct move_batch *batch, unsigned i, struct page *to,
			unsigned may)
{
	struct page *from = batch->page[i];
	const struct zonal_owner *owner = owner_of(move->mm, from);
	uint64_t handle = from->links.handle;
	unsigned why = owner->ops->move_prepare(owner->ctx, from, handle, may);

	ASSERT(why < ZONAL_GIVES, "owner %s, pfn 0x%x: answer %u", owner->ops->name, from->pfn,
	       why);
	if (why == ZONAL_GIVE_YES && !held_by_two(from)) {
		owner->ops->abort(owner->ctx, from, handle, true);
		why = MOVE_HELD;
	}
	if (why != ZONAL_GIVE_YES)
		return why;
	target_is_page(move->mm, to, from, batch->kind[i]);
	owner->ops->move_commit(owner->ctx, from, to, handle);
	group_move(move->mm, from, to);
	lru_free_isolated(move->mm, from, batch->kind[i]);
	batch->page[i] = to;
	return ZONAL_GIVE_YES;
}

/* One page, once. */
static unsigned move_one(struct move *move, struct move_batch *batch, unsigned i, unsigned may)
{
	struct page *from = batch->page[i], *to;
	struct zonal_task *task;
	uint32_t scope;
	unsigned why;

	if (!owner_of(move->mm, from)->ops->move_prepare)
		return MOVE_NO_WAY;
	to = move->target(move->arg, from);
	if (!to)
		return MOVE_NO_TARGET;
	task = ask_here(move->mm).task;
	scope = task->flags & ZTASK_MEMALLOC;
	task->flags |= ZTASK_MEMALLOC;
	why = move_to(move, batch, i, to, may);
	task->flags = (task->flags & ~ZTASK_MEMALLOC) | scope;
	if (why != ZONAL_GIVE_YES)
		move->unused(move->arg, to);
	return why;
}

/* All that are still to do, once. True: some are worth another pass. */
static bool move_pass(struct move *move, struct move_batch *batch, uint8_t *why, unsigned pass)
{
	unsigned may = may_in_pass(move, pass);
	bool more = false;

	for (unsigned i = 0; i < batch->count; i++) {
		if (pass && !may_change(move, why[i]))
			continue;
		/* Removed by its owner: to put it back frees it. */
		if (!(page_word(batch->page[i]) & PG_LRU)) {
			why[i] = MOVE_WHYS;
			continue;
		}
		why[i] = (uint8_t)move_one(move, batch, i, may);
		if (why[i] == MOVE_NO_TARGET)
			return false;
		more |= may_change(move, why[i]);
	}
	return more;
}

static void count_results(struct move *move, const struct move_batch *batch, const uint8_t *why)
{
	unsigned moved = 0, gone = 0, failed = 0;

	for (unsigned i = 0; i < batch->count; i++) {
		if (why[i] == ZONAL_GIVE_YES) {
			moved++;
		} else if (why[i] == MOVE_WHYS) {
			gone++;
		} else {
			failed++;
			move->why[why[i]]++;
		}
	}
	move->moved += moved;
	move->gone += gone;
	move->failed += failed;
	mm_event(move->mm, EVENT_PGMIGRATE_SUCCESS, moved + gone);
	mm_event(move->mm, EVENT_PGMIGRATE_FAIL, failed);
	/* Blocks are split before they are moved: none as a whole. */
	if (batch->count)
		trace(move->mm, MIGRATE, moved + gone, failed, 0, 0, 0, move->mode, move->reason);
}

unsigned move_pages(struct move *move, struct move_batch *batch)
{
	unsigned before = move->moved + move->gone;
	uint8_t why[MOVE_BATCH];

	ASSERT(batch->count <= MOVE_BATCH && move->target && move->unused, "%u pages",
	       batch->count);
	for (unsigned i = 0; i < batch->count; i++)
		why[i] = MOVE_NO_TARGET;
	for (unsigned pass = 0; pass < MOVE_PASSES && move_pass(move, batch, why, pass); pass++) {
		if (move->mode != MOVE_ASYNC && pass + 1 >= FIRST_PATIENT_PASS)
			reclaim_nap(RECLAIM_NAP_NS / 100);
		else
			reclaim_give_way();
	}
	count_results(move, batch, why);
	move_put_back(move->mm, batch);
	return move->moved + move->gone - before;
}
