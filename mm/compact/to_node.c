/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages to another node, for who has them there: a task that moves, a library's user.
 *
 * The pages are named by their structures, which may be used for anything by now: only those on
 * a list are taken, in batches, and moved through their owners (move.c). Targets come from
 * that node alone and as any movable page would, so the node's watermarks are kept, and when it
 * is full the rest stays where it is.
 *
 * Nothing is kept; no lock is held but while a batch is taken.
 */
#include "lib/assert.h"
#include "move.h"

struct to_node {
	struct zonal *mm;
	int nid;
};

static struct page *node_target(void *arg, struct page *from)
{
	struct to_node *to = arg;

	(void)from;
	return zonal_alloc_node(to->mm, to->nid,
				GFP_HIGHUSER_MOVABLE | __GFP_THISNODE | __GFP_NOWARN, 0);
}

static void node_unused(void *arg, struct page *page)
{
	zonal_free(((struct to_node *)arg)->mm, page, 0);
}

unsigned zonal_pages_to_node(struct zonal *mm, struct page *const *pages, unsigned count, int nid)
{
	struct to_node to = { .mm = mm, .nid = nid };
	struct move move = { .mm = mm,
			     .mode = MOVE_SYNC,
			     .reason = MOVE_FOR_TASK,
			     .may_fs = true,
			     .target = node_target,
			     .unused = node_unused,
			     .arg = &to };
	struct move_batch batch = { .count = 0 };

	ASSERT(pages || !count, "%u pages, and no table", count);
	if (nid < 0 || nid >= ZONAL_MAX_NODES || !mm->node[nid])
		return 0;
	for (unsigned i = 0; i < count; i++) {
		if ((int)(page_zid(pages[i]) / ZONE_TYPES) != nid)
			move_take(mm, &batch, pages[i]);
		if (batch.count == MOVE_BATCH)
			move_pages(&move, &batch);
	}
	move_pages(&move, &batch);
	return move.moved;
}
