/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving pages to other frames: what compaction, contiguous ranges and the move to a node stand on.
 *
 *	struct move_batch batch = { .count = 0 };
 *	struct move move = { .mm = mm, .mode = MOVE_SYNC, .may_fs = true,
 *			     .target = my_target, .unused = my_unused };
 *
 *	while (batch.count < MOVE_BATCH && ...)
 *		move_take(mm, &batch, page);     those that are on a list
 *	move_pages(&move, &batch);               the batch is empty afterwards
 *	... move.moved, move.gone, move.failed, move.why[] ...
 *
 * Contexts: a task, no lock held, interrupts open, unless it says otherwise.
 */
#ifndef MM_COMPACT_MOVE_H
#define MM_COMPACT_MOVE_H

#include <zonal/reclaim.h>

#include "mm/mm.h"

#define MOVE_BATCH 32u /* COMPACT_CLUSTER_MAX (C5, X8) */

/* How patient: never waits / waits for locks / waits for what is being written as well, and lets
 * owners write. */
enum move_mode { MOVE_ASYNC, MOVE_SYNC_LIGHT, MOVE_SYNC };

/* What pages are moved for, in 5.10's numbers. */
enum move_reason {
	MOVE_FOR_COMPACTION = 0,
	MOVE_FOR_BAD_PAGE = 1,
	MOVE_FOR_TASK = 3, /* which is to have its memory there */
	MOVE_FOR_RANGE = 6
};

/* Why a page stayed: an enum zonal_give, or one of these. */
enum move_why {
	MOVE_HELD = ZONAL_GIVES, /* somebody but its owner has a reference */
	MOVE_NO_WAY,             /* its owner moves nothing */
	MOVE_NO_TARGET,          /* there was no frame to move it to */
	MOVE_WHYS
};

/* Pages off their lists, each with a reference of ours. Begins with count 0. */
struct move_batch {
	struct page *page[MOVE_BATCH];
	uint8_t kind[MOVE_BATCH]; /* by which it is counted as isolated */
	unsigned count;
};

struct move {
	struct zonal *mm;
	enum move_mode mode;
	enum move_reason reason;
	bool may_fs; /* ZONAL_MAY_FS */
	/* A frame for `from`: a single page in use with one reference, on no list, nobody else
	 * knows it. NULL: there is none, and the rest of the batch stays where it is. */
	struct page *(*target)(void *arg, struct page *from);
	/* It was not needed: yours again. */
	void (*unused)(void *arg, struct page *to);
	void *arg;
	/* results, added up over all batches */
	unsigned moved;          /* at another frame now, their old ones freed */
	unsigned gone;           /* removed by their owners meanwhile, and freed */
	unsigned failed;         /* back on their lists */
	unsigned why[MOVE_WHYS]; /* of those that failed, the last answer */
};

/* Take the page off its list, whatever the frame is used for at this moment. False: it is on none.
 * The batch must have room, and may hold pages of several nodes. */
bool move_take(struct zonal *mm, struct move_batch *batch, struct page *page);

/* The same for `count` pages of one node, with the lock taken once. Returns how many it got; `page`
 * is scratch afterwards. */
unsigned move_take_some(struct zonal *mm, struct move_batch *batch, struct node *node,
			struct page **page, unsigned count);

/* Move all of them, in up to ten passes (X13). None is left in the batch: they and their targets
 * are where they belong. Returns how many left their frames: moved and gone. */
unsigned move_pages(struct move *move, struct move_batch *batch);

/* Not moved after all: back on their lists. */
void move_put_back(struct zonal *mm, struct move_batch *batch);

/* A word for each reason. */
const char *move_why_name(unsigned why);

#endif
