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
#include "mm/watermark.h"

#define TAKE (__GFP_THISNODE | __GFP_NOWARN | __GFP_MEMALLOC)

int sim_woken = -1;

void port_kswapd_wake(struct zonal *mm, unsigned nid)
{
	(void)mm;
	sim_woken = (int)nid;
}

/* ---- the board ---- */

static void read_zone(struct json_reader *r, const cJSON *step, struct fig_board *board,
		      struct fig_before *before, int64_t *cached)
{
	unsigned i = board->zone_count++;
	struct fig_zone *z = &board->zone[i];
	unsigned node = (unsigned)json_int(r, step, "node", 0, 3);

	*z = (struct fig_zone){ .node = node,
				.type = ZONE_DMA,
				.start_pfn = 0x40000 + (uint64_t)node * 0x20000,
				.spanned = 0x20000,
				.present = 0x20000 };
	z->managed = (uint64_t)json_int(r, step, "managed", 1, 0x20000);
	before[i].managed = (int64_t)z->managed;
	before[i].free = json_int(r, step, "free", 0, 0x20000);
	before[i].cma = json_int(r, step, "cma", 0, 0x20000);
	before[i].mark[WMARK_MIN] = json_int(r, step, "min", 0, 0x20000);
	before[i].mark[WMARK_LOW] = json_int(r, step, "low", 0, 0x20000);
	before[i].mark[WMARK_HIGH] = json_int(r, step, "high", 0, 0x20000);
	cached[i] = json_int(r, step, "inactive_file", 0, 0x20000);
	board->nodes |= node_bit(node);
	board->distance[node][node] = 10;
}

void sim_read_board(struct json_reader *r, const cJSON *run, struct fig_board *board,
		    struct fig_before *before, int64_t *cached)
{
	const cJSON *step;

	memset(board, 0, sizeof(*board));
	board->scale_factor = 10;
	board->min_free_kbytes = 4096;
	board->cpu_limit = board->cpu_online = 1;
	for (unsigned i = 0; i < ZONAL_MAX_NODES; i++)
		for (unsigned k = 0; k < ZONAL_MAX_NODES; k++)
			board->distance[i][k] = i == k ? 10 : 20;
	cJSON_ArrayForEach(step, json_array(r, run, "steps")) {
		const cJSON *when = cJSON_GetObjectItemCaseSensitive(step, "when");

		if (cJSON_IsString(when) && !strcmp(when->valuestring, "before") &&
		    board->zone_count < FIG_MAX_ZONES)
			read_zone(r, step, board, before, cached);
	}
	if (!board->zone_count)
		json_fail(r, "no zone \"before\" the run");
}

void sim_set_marks(struct zone *zone, const int64_t *mark, int64_t boost)
{
	port_irqflags_t irq = port_irq_save();

	lock_take(&zone->lock);
	for (unsigned m = 0; m < WMARKS; m++)
		st_relaxed(&zone->mark[m], mark[m]);
	st_relaxed(&zone->boost, boost);
	st_relaxed(&zone->boosted, 0);
	zone_update_floor(zone);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
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
		mobility_move_block(zone, page, MIGRATE_CMA);
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

bool sim_unmovable(struct sim *sim, unsigned nid, int64_t pages)
{
	struct zone *zone = &sim->in.mm->node[nid]->zone[ZONE_DMA];
	port_irqflags_t irq = port_irq_save();
	pfn_t end = zone->start_pfn + zone->spanned;

	lock_take(&zone->lock);
	for (pfn_t at = zone->start_pfn; pages > 0 && at < end; at += 1u << PAGEBLOCK_ORDER) {
		struct page *page = mm_page(sim->in.mm, at);

		if (page_state(page) != PAGE_FREE || page_order(page) != MAX_ORDER - 1 ||
		    page_block_type(page) != MIGRATE_MOVABLE)
			continue;
		pages -= 1 << page_order(page);
		buddy_move(zone, page, MIGRATE_UNMOVABLE);
		for (unsigned i = 0; i < 1u << (MAX_ORDER - 1); i += 1u << PAGEBLOCK_ORDER)
			block_set_type(page + i, MIGRATE_UNMOVABLE);
	}
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	return pages <= 0;
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
