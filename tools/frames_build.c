/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An instance of the allocator in the first state of a record.
 *
 *   1. Boot a board whose RAM is the record's zones, its CPUs online.
 *   2. Draw the zones as the record has them: where one ends and the next begins within a node
 *      was the kernel's arguments' doing (kernelcore=, a DMA limit), and is data here.
 *      Every page of a zone is then in use, single, and stays so unless a list names
 *      it. mm/ derives zonelists, lanes and list sizes from that as at any boot.
 *   3. Put every free block to the tail of its list, head first, by the buddy code itself. In
 *      a state that can be, none of them merges: that is looked at.
 *   4. Fill the per-CPU lists, coldest first, each page with the type it goes back to.
 *   5. Mark what is movable, form the blocks that are held, set the numbers that no sequence
 *      of calls leads to: marks, boost, reserves, counters of the list sizes.
 *   6. What a zone does not manage becomes reserved, out of the pages that nothing names.
 *
 * compare_state() then holds the result against the record, and zonal_check() against
 * itself. One thread plays every CPU in turn.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zonal/port.h>

#include "frames.h"
#include "mm/buddy.h"
#include "mm/init.h"
#include "mm/mobility.h"
#include "mm/pcp.h"
#include "mm/take.h"
#include "mm/watermark.h"

static bool refuse(struct player *p, const char *fmt, ...) ZN_PRINTF(2, 3);

static bool refuse(struct player *p, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(p->in.why, sizeof(p->in.why), fmt, args);
	va_end(args);
	return false;
}

/* ---- step 1 ------------------------------------------------------------- */

static int by_start(const void *a, const void *b)
{
	const struct fr_zone *const *x = a, *const *y = b;

	return ((*x)->start > (*y)->start) - ((*x)->start < (*y)->start);
}

/* One range for what lies side by side on one node. */
static bool add_range(struct player *p, const struct fr_zone *z)
{
	struct boot_info *info = &p->in.info;
	struct boot_range *last = info->range_count ? &info->range[info->range_count - 1] : NULL;
	uint64_t start = z->start << PAGE_SHIFT, end = last ? last->start + last->size : 0;

	if (start < end)
		return refuse(p, "node %u zone %s lies in another zone", z->node,
			      zone_type_name((int)z->type));
	if (last && last->nid == (int)z->node && start == end)
		last->size += z->spanned << PAGE_SHIFT;
	else if (info->range_count == ZONAL_MAX_RANGES)
		return refuse(p, "more than ZONAL_MAX_RANGES %d ranges", ZONAL_MAX_RANGES);
	else
		info->range[info->range_count++] = (struct boot_range){
			.start = start, .size = z->spanned << PAGE_SHIFT, .nid = (int16_t)z->node
		};
	return true;
}

static bool lay_board(struct player *p)
{
	const struct fr_zone *sorted[FIG_MAX_ZONES], *z;
	const struct frames *f = p->f;
	unsigned count = 0, zid;
	uint64_t pages = 0;

	for_each_fr_zone(f, zid, z) {
		sorted[count++] = z;
		pages += z->spanned;
	}
	if (!count || pages > FIG_MAX_PAGES)
		return refuse(p, "%u zones of %llu pages; FIG_MAX_PAGES is %llu", count,
			      (unsigned long long)pages, (unsigned long long)FIG_MAX_PAGES);
	qsort(sorted, count, sizeof(sorted[0]), by_start);
	for (unsigned i = 0; i < count; i++)
		if (!add_range(p, sorted[i]))
			return false;
	p->first = sorted[0]->start;
	p->end = sorted[count - 1]->start + sorted[count - 1]->spanned;
	p->in.info.nodes = f->nodes;
	p->in.info.cpu_count = f->cpu_count;
	for (unsigned c = 0; c < f->cpu_count; c++)
		p->in.info.cpu[c].nid = f->cpu_node[c];
	memcpy(p->in.info.distance, f->distance, sizeof(f->distance));
	return true;
}

/* The pages have no contents: only their map exists. */
static void clear_nothing(void *ctx, pfn_t pfn, size_t count)
{
	(void)ctx;
	(void)pfn;
	(void)count;
}

static bool boot(struct player *p)
{
	struct zonal_config config = {
		.info = &p->in.info, .clear = clear_nothing, .ctx = &p->in
	};

	zonal_options_default(&config.options);
	config.options.watermark_boost_factor = p->f->boost_factor;
	p->in.store = calloc(1, zonal_sizeof());
	p->mm = p->in.mm = p->in.store;
	p->held = calloc(p->end - p->first, 1);
	if (!p->held || !p->mm || zonal_build(p->mm, &config, instance_meta))
		return refuse(p, "the allocator refused the board");
	for (unsigned c = 0; c < p->f->cpu_count; c++)
		zonal_cpu_online(p->mm, c);
	zonal_boot_done(p->mm);
	return true;
}

/* ---- step 2 ------------------------------------------------------------- */

static void forget_zones(struct zonal *mm)
{
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++) {
		if (!mm->node[n])
			continue;
		mm->node[n]->has_memory = false;
		for (unsigned t = 0; t < ZONE_TYPES; t++) {
			struct zone *zone = &mm->node[n]->zone[t];

			*zone = (struct zone){ .mm = mm,
					       .id = zone->id,
					       .node = zone->node,
					       .type = zone->type,
					       .lock = zone->lock };
			mm->zone[zone->id] = NULL;
		}
	}
	mm->has_memory = mm->has_kernel_memory = 0;
}

static bool draw_rings(struct player *p, const struct fr_zone *z, unsigned zid)
{
	for (unsigned c = 0; c < p->f->cpu_count; c++) {
		struct pcp *pcp = &p->mm->cpu[c]->pcp[zid];
		/* Between here and the end of the set-up they have the size that we compute. */
		uint32_t slots = ZN_MAX(pcp_ring_slots(z->batch, z->pcp_high),
					cpu_ring_slots(z->present, 0));

		*pcp = (struct pcp){ .mask = slots - 1, .announced = true };
		for (unsigned t = 0; t < MIGRATE_PCPTYPES; t++) {
			pcp->ring[t].slot = instance_meta(&p->in, z->node,
							  slots * sizeof(struct page *), 64);
			if (!pcp->ring[t].slot)
				return refuse(p, "no memory on the host");
			if (z->pcp[c][t].count > z->pcp_high + z->batch)
				return refuse(p, "a per-CPU list of zone %u is too long", zid);
		}
	}
	return true;
}

static bool draw_zone(struct player *p, const struct fr_zone *z, unsigned zid)
{
	uint64_t block = z->start >> PAGEBLOCK_ORDER;
	struct zone *zone = &p->mm->node[z->node]->zone[z->type];

	zone->start_pfn = z->start;
	zone->spanned = z->spanned;
	zone->present = z->present;
	st_relaxed(&zone->managed, z->managed);
	zone->isolated_blocks = z->isolated;
	p->mm->zone[zid] = zone;
	p->mm->zone_end = ZN_MAX(p->mm->zone_end, zid + 1);
	for (pfn_t pfn = z->start; pfn < z->start + z->spanned; pfn++) {
		struct page *page = mm_page(p->mm, pfn);

		page_prepare(page, word_make(zid, PAGE_USED, 0));
		st_relaxed(&page->block, MIGRATE_MOVABLE);
	}
	for (size_t i = 0; i < z->block.count; i++)
		block_set_type(mm_page(p->mm, (block + i) << PAGEBLOCK_ORDER),
			       (unsigned)z->block.item[i]);
	return draw_rings(p, z, zid);
}

static bool draw_zones(struct player *p)
{
	const struct fr_zone *z;
	unsigned zid;

	forget_zones(p->mm);
	for_each_fr_zone(p->f, zid, z)
		if (!draw_zone(p, z, zid))
			return false;
	init_lists(p->mm);
	st_relaxed(&p->mm->gates, p->f->grouping_off ? GATE_NO_GROUPING : 0);
	return true;
}

/* ---- steps 3 and 4 ------------------------------------------------------ */

/* A block that a list names: in this zone, aligned, and named once. It becomes INNER. */
static struct page *claim(struct player *p, unsigned zid, pfn_t pfn, unsigned order)
{
	struct page *page = zonal_page(p->mm, pfn);

	if (!page || pfn & ((1u << order) - 1) || !zonal_page(p->mm, pfn + (1u << order) - 1)) {
		refuse(p, "zone %u: no block of order %u at %llx", zid, order,
		       (unsigned long long)pfn);
		return NULL;
	}
	for (unsigned i = 0; i < 1u << order; i++) {
		if (page_word(page + i) != word_make(zid, PAGE_USED, 0)) {
			refuse(p, "zone %u: %llx is named twice, or another zone's", zid,
			       (unsigned long long)pfn + i);
			return NULL;
		}
		page_set_word(page + i, word_make(zid, PAGE_INNER, 0));
		st_relaxed(&page[i].refs, 0);
	}
	return page;
}

static bool fill_list(struct player *p, const struct fr_zone *z, unsigned order, unsigned type)
{
	struct zone *zone = &p->mm->node[z->node]->zone[z->type];
	const struct fr_list *list = &z->free[order][type];

	for (size_t i = 0; i < list->count; i++) {
		struct page *page = claim(p, zone->id, list->item[i], order);

		if (!page)
			return false;
		lock_take(&zone->lock);
		buddy_put_type(zone, page, order, type, BUDDY_TAIL);
		lock_drop(&zone->lock);
		if (page_word(page) != word_make(zone->id, PAGE_FREE, order))
			return refuse(p, "zone %u: %llx and its buddy of order %u are both free",
				      zone->id, (unsigned long long)list->item[i], order);
	}
	return true;
}

static bool fill_ring(struct player *p, unsigned zid, struct pcp *pcp, const struct fr_list *list,
		      unsigned type)
{
	for (size_t i = list->count; i-- > 0;) {
		pfn_t pfn = list->item[i] & UINT32_MAX;
		unsigned home = (unsigned)(list->item[i] >> 56);
		struct page *page = claim(p, zid, pfn, 0);

		if (!page)
			return false;
		if (pcp_list_of(home) != type)
			return refuse(p, "zone %u: %llx of type %u is in list %u", zid,
				      (unsigned long long)pfn, home, type);
		pcp_push(pcp, page, word_pcp(zid, home), type);
	}
	return true;
}

static bool fill_zone(struct player *p, const struct fr_zone *z, unsigned zid)
{
	for (unsigned i = 0; i < MAX_ORDER * MIGRATE_TYPES; i++)
		if (!fill_list(p, z, i / MIGRATE_TYPES, i % MIGRATE_TYPES))
			return false;
	for (unsigned i = 0; i < p->f->cpu_count * MIGRATE_PCPTYPES; i++) {
		unsigned cpu = i / MIGRATE_PCPTYPES, type = i % MIGRATE_PCPTYPES;

		if (!fill_ring(p, zid, &p->mm->cpu[cpu]->pcp[zid], &z->pcp[cpu][type], type))
			return false;
	}
	return true;
}

/* ---- steps 5 and 6 ------------------------------------------------------ */

static bool hold(struct player *p)
{
	const struct fr_list *held = &p->f->start->held;

	for (size_t i = 0; i < held->count; i++) {
		pfn_t pfn = held->item[i] >> 8;
		unsigned order = held->item[i] & 0xff;
		struct page *page = zonal_page(p->mm, pfn);

		if (!page || pfn < p->first || pfn >= p->end ||
		    !claim(p, page_zid(page), pfn, order))
			return p->in.why[0] ? false : refuse(p, "held %llx is in no zone",
							     (unsigned long long)pfn);
		page_prepare(page, word_make(page_zid(page), PAGE_USED, order));
		p->held[pfn - p->first] = (uint8_t)(order + 1);
	}
	return true;
}

/* Pages on the LRU are somebody's; a record's calls never wait, so that he is never asked. */
static bool nobody_used(void *ctx, struct page *page, uint64_t handle)
{
	(void)ctx, (void)page, (void)handle;
	return true;
}

static enum zonal_give nobody_gives(void *ctx, struct page *page, uint64_t handle, unsigned may)
{
	(void)ctx, (void)page, (void)handle, (void)may;
	return ZONAL_GIVE_BUSY;
}

static void nobody_gone(void *ctx, struct page *page, uint64_t handle)
{
	(void)ctx, (void)page, (void)handle;
}

static void nobody_aborts(void *ctx, struct page *page, uint64_t handle, bool moving)
{
	(void)ctx, (void)page, (void)handle, (void)moving;
}

static const struct zonal_owner_ops nobody = { .name = "record",
					       .kind = ZONAL_CACHE,
					       .used = nobody_used,
					       .give_prepare = nobody_gives,
					       .give_commit = nobody_gone,
					       .abort = nobody_aborts };

struct zonal_owner *player_owner(struct player *p)
{
	if (!p->owner)
		p->owner = zonal_owner_register(p->mm, &nobody, NULL);
	return p->owner;
}

/* The second page of a held pair counts as movable if the pair is compound; else a page that
 * counts is on the LRU, in use, and nobody's to free. */
static bool mark_movable(struct player *p, unsigned zid, pfn_t pfn)
{
	struct page *page = zonal_page(p->mm, pfn), *pair;
	uint32_t alone = word_make(zid, PAGE_USED, 0);

	if (page && page_word(page) == alone && !p->held[pfn - p->first] && player_owner(p)) {
		zonal_page_add(p->mm, p->owner, page, pfn);
		return true;
	}
	pair = page && (pfn & 1) ? page - 1 : NULL;
	if (!pair || page_word(pair) != word_make(zid, PAGE_USED, 1))
		return refuse(p, "zone %u: movable %llx is not in use, single and not held", zid,
			      (unsigned long long)pfn);
	page_set_word(pair, page_word(pair) | PG_COMP);
	compound_build(pair, 1);
	return true;
}

static bool mark_all_movable(struct player *p, const struct fr_zone *z, unsigned zid)
{
	for (size_t i = 0; i < z->movable.count; i++)
		for (pfn_t pfn = z->movable.item[i] >> 32;
		     pfn <= (z->movable.item[i] & UINT32_MAX); pfn++)
			if (!mark_movable(p, zid, pfn))
				return false;
	return true;
}

static bool reserve_rest(struct player *p, const struct fr_zone *z, unsigned zid)
{
	uint64_t left = z->spanned - z->managed;

	for (pfn_t pfn = z->start; left && pfn < z->start + z->spanned; pfn++) {
		struct page *page = mm_page(p->mm, pfn);

		if (p->held[pfn - p->first] || page_word(page) != word_make(zid, PAGE_USED, 0))
			continue;
		page_set_word(page, word_make(zid, PAGE_RESERVED, 0));
		left--;
	}
	return !left || refuse(p, "zone %u: %llu pages too many are managed", zid,
			       (unsigned long long)left);
}

static void set_numbers(struct player *p, const struct fr_zone *z, unsigned zid)
{
	struct zone *zone = p->mm->zone[zid];

	for (unsigned m = 0; m < WMARKS; m++)
		st_relaxed(&zone->mark[m], z->mark[m]);
	for (unsigned t = 0; t < ZONE_TYPES; t++)
		st_relaxed(&zone->lowmem_reserve[t], z->reserve[t]);
	st_relaxed(&zone->boost, z->boost);
	st_relaxed(&zone->highatomic, z->highatomic);
	zone->highatomic_lost = z->highatomic - highatomic_in_blocks(zone);
	zone->pcp_batch = z->batch;
	zone->pcp_high = z->pcp_high;
	zone->stat_threshold = z->threshold;
	for (unsigned c = 0; c < p->f->cpu_count; c++) {
		p->mm->cpu[c]->pcp[zid].batch = z->batch;
		p->mm->cpu[c]->pcp[zid].high = z->pcp_high;
	}
	lock_take(&zone->lock);
	zone_set_boosted(zone, z->boosted);
	lock_drop(&zone->lock);
}

static bool fill(struct player *p)
{
	port_irqflags_t irq = port_irq_save();
	const struct fr_zone *z;
	bool done = true;
	unsigned zid;

	for_each_fr_zone(p->f, zid, z)
		done = done && fill_zone(p, z, zid);
	done = done && hold(p);
	for_each_fr_zone(p->f, zid, z) {
		done = done && mark_all_movable(p, z, zid) && reserve_rest(p, z, zid);
		set_numbers(p, z, zid);
	}
	port_irq_restore(irq);
	return done;
}

bool player_build(struct player *p, const struct frames *f)
{
	struct zonal_finding finding;

	*p = (struct player){ .f = f };
	host_set_cpu(0);
	zonal_task_init(&p->task);
	if (!lay_board(p) || !boot(p) || !draw_zones(p) || !fill(p))
		return false;
	if (zonal_check(p->mm, &finding))
		return true;
	return refuse(p, "check: %.150s", finding.text);
}

void player_drop(struct player *p)
{
	free(p->held);
	instance_drop(&p->in);
}
