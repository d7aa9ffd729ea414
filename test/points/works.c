/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pieces of work that are disturbed: every way through mm/ that relies on its mask or on
 * a zone's lock, each from a state in which it takes the way that its name says.
 *
 * Pages that a work holds lie in mine[]; a work gives all of them back in `tidy`. The pages
 * have no contents, only their map exists.
 */
#include "points.h"

#include "mm/watermark.h"

enum { MINE = 64 };

struct zonal *points_mm;
struct zone *points_zone;

static struct {
	struct page *page;
	unsigned order;
} mine[MINE];
static unsigned mine_count;

uint64_t works_hold(void)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < mine_count; i++)
		pages += mine[i].page ? 1u << mine[i].order : 0;
	return pages;
}

bool works_have(const struct page *page)
{
	for (unsigned i = 0; i < mine_count; i++) {
		if (mine[i].page && page >= mine[i].page &&
		    page < mine[i].page + (1u << mine[i].order))
			return true;
	}
	return false;
}

static void take(gfp_t gfp, unsigned order)
{
	mine[mine_count].page = zonal_alloc(points_mm, gfp | __GFP_NOWARN, order);
	mine[mine_count++].order = order;
}

static void give(void)
{
	mine_count--;
	zonal_free(points_mm, mine[mine_count].page, mine[mine_count].order);
}

static void give_all(void)
{
	while (mine_count)
		give();
}

static void nothing(void) {}

static struct pcp *own_pcp(void)
{
	return &points_mm->cpu[port_this_cpu()->id]->pcp[points_zone->id];
}

/* One page of each kind in this CPU's lists. */
static void fill_lists(void)
{
	take(GFP_KERNEL, 0);
	take(GFP_KERNEL | __GFP_RECLAIMABLE, 0);
	take(GFP_HIGHUSER_MOVABLE, 0);
	give_all();
}

static void empty_lists(void) { zonal_drain_local(points_mm); }

static void hold_one(void)
{
	empty_lists();
	take(GFP_KERNEL, 0);
}

/* The next page that is freed is the one that makes a batch go back. */
static void hold_last_but_one(void)
{
	struct pcp *pcp = own_pcp();

	empty_lists();
	while (mine_count < pcp->high)
		take(GFP_KERNEL, 0);
	while (ld_relaxed(&pcp->count) + 1 < pcp->high)
		give();
}

static void hold_block(void) { take(GFP_KERNEL, 1); }

static void hold_shared(void)
{
	take(GFP_KERNEL, 2);
	zonal_get(mine[0].page);
}

static void boosted(void)
{
	port_irqflags_t irq = port_irq_save();

	fill_lists();
	lock_take(&points_zone->lock);
	zone_set_boosted(points_zone, true);
	lock_drop(&points_zone->lock);
	port_irq_restore(irq);
}

static void take_page(void) { take(GFP_KERNEL, 0); }
static void take_movable(void) { take(GFP_HIGHUSER_MOVABLE, 0); }
static void take_block(void) { take(GFP_KERNEL, 1); }
static void take_reclaimable(void) { take(GFP_KERNEL | __GFP_RECLAIMABLE, 0); }
static void take_reclaimable_block(void) { take(GFP_KERNEL | __GFP_RECLAIMABLE, 1); }

/* All but the head goes back; the other reference is dropped when things are tidied. */
static void give_shared(void)
{
	zonal_free(points_mm, mine[0].page, 2);
	mine[0].order = 0;
}

const struct work works[] = {
	{ "take a page of the lists", fill_lists, take_page, give_all },
	{ "take a page, refill", empty_lists, take_page, give_all },
	{ "take a movable page, refill", empty_lists, take_movable, give_all },
	{ "give a page back", hold_one, give, give_all },
	{ "give a page back, and a batch", hold_last_but_one, give, give_all },
	{ "take a block", nothing, take_block, give_all },
	{ "give a block back", hold_block, give, give_all },
	{ "take a page by the ladder", fill_lists, take_reclaimable, give_all },
	{ "take a page by the ladder, refill", empty_lists, take_reclaimable, give_all },
	{ "take a block by the ladder", nothing, take_reclaimable_block, give_all },
	{ "take a page of a boosted zone", boosted, take_page, give_all },
	{ "give a shared block back", hold_shared, give_shared, give_all },
	{ "drain this CPU", fill_lists, empty_lists, give_all },
};
const unsigned work_count = ARRAY_SIZE(works);
