/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A board with a simulated cache; see oracle_sim.h.
 *
 * Cached pages are single, clean and never used again, so each is given up when it is asked for:
 * what a kernel's cache of a block device is after it was read once. The handle of a page is its
 * number in the order of reading.
 *
 * The caller of a record takes and gives pages here by GFP_ATOMIC-like requests of a task that may
 * use every reserve, so that any count can be reached without waking anybody by a lack that the
 * record does not have.
 */
#include "oracle_sim.h"

#include <stdlib.h>
#include <string.h>
#include <zonal/port.h>

#include "mm/buddy.h"
#include "mm/mobility.h"

#define TAKE (__GFP_THISNODE | __GFP_NOWARN | __GFP_MEMALLOC)

int sim_woken = -1;

void port_kswapd_wake(struct zonal *mm, unsigned nid)
{
	(void)mm;
	sim_woken = (int)nid;
}

/* ---- the owner ---- */

static bool sim_is_there(struct sim *sim, const struct page *page, uint64_t handle)
{
	return handle < sim->count && sim->cached[handle] == page;
}

static bool sim_used(void *ctx, struct page *page, uint64_t handle)
{
	(void)ctx, (void)page, (void)handle;
	return false;
}

static enum zonal_give sim_give_up(void *ctx, struct page *page, uint64_t handle, unsigned may)
{
	(void)may;
	return sim_is_there(ctx, page, handle) ? ZONAL_GIVE_YES : ZONAL_GIVE_GONE;
}

static void sim_gone(void *ctx, struct page *page, uint64_t handle)
{
	struct sim *sim = ctx;

	(void)page;
	sim->cached[handle] = NULL;
}

static void sim_abort(void *ctx, struct page *page, uint64_t handle, bool moving)
{
	(void)ctx, (void)page, (void)handle, (void)moving;
}

static const struct zonal_owner_ops sim_ops = {
	.name = "sim",
	.kind = ZONAL_CACHE,
	.used = sim_used,
	.give_prepare = sim_give_up,
	.give_commit = sim_gone,
	.abort = sim_abort,
};

/* ---- the caller ---- */

static bool grow(struct page ***table, size_t count, size_t *room)
{
	size_t want = *room ? *room * 2 : 1 << 16;
	struct page **grown;

	if (count < *room)
		return true;
	grown = realloc(*table, want * sizeof(**table));
	if (!grown)
		return false;
	*table = grown;
	*room = want;
	return true;
}

int64_t sim_free(struct sim *sim, unsigned nid)
{
	int64_t sum = 0;

	zonal_drain_local(sim->in.mm);
	for (unsigned t = 0; t < ZONE_TYPES; t++)
		if (sim->in.mm->zone[nid * ZONE_TYPES + t])
			sum += ld_relaxed(&sim->in.mm->zone[nid * ZONE_TYPES + t]->free);
	return sum;
}

bool sim_take(struct sim *sim, unsigned nid)
{
	struct page *page = zonal_alloc_node(sim->in.mm, (int)nid, TAKE, 0);

	if (!page || !grow(&sim->held, sim->held_count, &sim->held_room))
		return false;
	sim->held[sim->held_count++] = page;
	return true;
}

bool sim_give(struct sim *sim, unsigned nid)
{
	for (size_t i = sim->held_count; i-- > 0;) {
		struct page *page = sim->held[i];

		if (zonal_page_node(page) != nid)
			continue;
		sim->held[i] = sim->held[--sim->held_count];
		zonal_free(sim->in.mm, page, 0);
		return true;
	}
	return false;
}

bool sim_set_free(struct sim *sim, unsigned nid, int64_t pages)
{
	int64_t now = sim_free(sim, nid);
	bool done = true;

	for (; done && now > pages; now--)
		done = sim_take(sim, nid);
	for (; done && now < pages; now++)
		done = sim_give(sim, nid);
	zonal_drain_local(sim->in.mm);
	return done;
}

bool sim_cache(struct sim *sim, unsigned nid, int64_t pages)
{
	while (pages-- > 0) {
		struct page *page = zonal_alloc_node(sim->in.mm, (int)nid, TAKE, 0);

		if (!page || !grow(&sim->cached, sim->count, &sim->room))
			return false;
		sim->cached[sim->count] = page;
		zonal_page_add(sim->in.mm, sim->owner, page, sim->count++);
	}
	return true;
}

void sim_lose(struct sim *sim, unsigned nid, int64_t pages)
{
	for (; pages > 0 && sim->oldest < sim->count; sim->oldest++) {
		struct page *page = sim->cached[sim->oldest];

		if (!page || zonal_page_node(page) != nid ||
		    !grow(&sim->held, sim->held_count, &sim->held_room))
			continue;
		sim->cached[sim->oldest] = NULL;
		zonal_page_remove(sim->in.mm, page);
		sim->held[sim->held_count++] = page;
		pages--;
	}
}

/* Of the blocks made CMA, what the record has in use is taken off the lists. */
bool sim_cma(struct sim *sim, unsigned nid, int64_t pages)
{
	struct zone *zone = &sim->in.mm->node[nid]->zone[ZONE_DMA];
	port_irqflags_t irq = port_irq_save();
	pfn_t at = zone->start_pfn + zone->spanned;
	struct page *page;
	bool done = true;

	lock_take(&zone->lock);
	while (ld_relaxed(&zone->free_cma) < pages) {
		at -= 1u << PAGEBLOCK_ORDER;
		page = mm_page(sim->in.mm, at);
		block_set_type(page, MIGRATE_CMA);
		mobility_move_block(zone, page, MIGRATE_CMA, NULL);
	}
	while (done && ld_relaxed(&zone->free_cma) > pages) {
		page = buddy_take(zone, 0, MIGRATE_CMA);
		done = page != NULL;
		if (page)
			page_set_used(page, word_make(zone->id, PAGE_USED, 0));
	}
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	return done;
}

bool sim_begin(struct sim *sim, const struct fig_board *board, const uint64_t *managed)
{
	memset(sim, 0, sizeof(*sim));
	if (!instance_boot(&sim->in, board, managed))
		return false;
	sim->owner = zonal_owner_register(sim->in.mm, &sim_ops, sim);
	return sim->owner != NULL;
}

void sim_end(struct sim *sim)
{
	free(sim->cached);
	free(sim->held);
	instance_drop(&sim->in);
}
