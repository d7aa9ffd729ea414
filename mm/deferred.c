/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deferred initialisation of pages (row I20): boot need not wait for a page map of gigabytes.
 *
 * What is left for later: of each node's highest zone whole sections (128 MiB) behind the first
 * one's worth of pages; the zones below are what devices need and are never left. A section is
 * left only if all of its RAM is that zone's, and if no CMA area lies in it, which boot hands
 * over. 5.10 leaves the same but for the size of a section, and initialises what is reserved at
 * once; here reserved pages come with their section, since nobody asks for them by number.
 *
 * How it is made up for: in pieces of 4 MiB, upwards through the node, under the node's lock:
 *
 *	fill the structures of the piece           nobody else can read them yet
 *	zone lock: ready[section] moves up,        a walk that sees it sees the structures
 *	           what is not reserved becomes free blocks
 *
 * So everything below ready[] is there and nothing above may be read, and every walk over frame
 * numbers asks (mm_page_ready(), mm_section_ready()). A block of the buddy never reaches beyond a
 * piece. One piece is all that is done under one mask of interrupts. The node's lock is the only
 * queue: a task of the node takes piece after piece, and a request that finds its zone short takes
 * pieces until it has a section's worth, or one piece if it must not take long.
 *
 * `managed` counts what is left from the beginning, and zone->deferred says how much of it is not
 * there yet. So marks, reserves and list sizes are those of the whole board at once, and 5.10's
 * second computation at the end has nothing to change.
 *
 * zonal_check() compares the map with counts, so it holds the work up while it walks.
 *
 * Locks: node->deferred.lock, the zone's inside of it.
 */
#include "deferred.h"

#include "init.h"
#include "lib/assert.h"
#include "meta.h"

#define SECTION_PAGES ((pfn_t)1 << MM_SECTION_SHIFT)
#define PIECE_PAGES ((pfn_t)1 << (MAX_ORDER - 1))

static pfn_t range_start(const struct boot_range *r) { return r->start >> PAGE_SHIFT; }
static pfn_t range_end(const struct boot_range *r) { return (r->start + r->size) >> PAGE_SHIFT; }

/* ---- what is left for later ---- */

/* What writes, records or mixes every page at boot has the structures written with it. */
bool deferred_wanted(const struct zonal_config *config)
{
	const struct zonal_options *o = &config->options;

	return config->deferred && !config->page_owner && !o->page_poison && !o->init_on_free &&
	       !o->shuffle_seed;
}

/* Pages of section `s` that lie in the zone; *alone: and no others. */
static uint64_t pages_in(const struct boot_info *info, const struct zone *zone, pfn_t s,
			 bool *alone)
{
	uint64_t pages = 0;

	*alone = true;
	for (unsigned i = 0; i < info->range_count; i++) {
		pfn_t start = ZN_MAX(range_start(&info->range[i]), s * SECTION_PAGES);
		pfn_t end = ZN_MIN(range_end(&info->range[i]), (s + 1) * SECTION_PAGES);

		if (start >= end)
			continue;
		if (info->range[i].nid != zone->node || start < zone->start_pfn)
			*alone = false;
		if (info->range[i].nid == zone->node && end > zone->start_pfn)
			pages += end - ZN_MAX(start, zone->start_pfn);
	}
	return pages;
}

static bool has_cma(const struct boot_info *info, pfn_t s)
{
	for (unsigned i = 0; i < info->reserved_count; i++)
		if ((info->reserved[i].flags & BOOT_CMA) &&
		    range_start(&info->reserved[i]) < (s + 1) * SECTION_PAGES &&
		    range_end(&info->reserved[i]) > s * SECTION_PAGES)
			return true;
	return false;
}

/* What of a section will be handed over. */
static uint64_t pages_to_come(struct zonal *mm, const struct zone *zone, pfn_t s)
{
	const struct boot_info *info = &mm->deferred->info;
	uint64_t pages = 0;

	for (unsigned i = 0; i < info->range_count; i++) {
		struct pfn_span out, part = { mm->bounds[s].first, mm->bounds[s].end };

		if (info->range[i].nid != zone->node || !zones_part(mm, info, i, zone->type, &part))
			continue;
		while (release_next(info, &part, &out))
			pages += out.end - out.start;
	}
	return pages;
}

static void leave_section(struct zonal *mm, struct node_deferred *later, pfn_t s)
{
	const struct section_bounds *b = &mm->bounds[s];
	uint64_t pages = pages_to_come(mm, later->zone, s);

	/* Section 0 begins a zone, so a section that is left has a mark that is not 0. */
	ASSERT(b->first && b->first < b->end && !ld_relaxed(&mm->ready[s]), "section %llu of 0x%x",
	       (unsigned long long)s, b->first);
	st_relaxed(&mm->ready[s], b->first);
	st_relaxed(&later->pages, ld_relaxed(&later->pages) + b->end - b->first);
	own_add(&later->zone->managed, pages);
	st_relaxed(&later->zone->deferred, ld_relaxed(&later->zone->deferred) + pages);
}

static void choose_in_node(struct zonal *mm, struct node *node)
{
	const struct boot_info *info = &mm->deferred->info;
	struct zone *zone = NULL;
	uint64_t done = 0;

	for (unsigned t = 0; t < ZONE_TYPES; t++)
		if (node->zone[t].present)
			zone = &node->zone[t];
	if (!zone)
		return;
	node->deferred.zone = zone;
	node->deferred.next = zone->start_pfn;
	for (pfn_t s = zone->start_pfn >> MM_SECTION_SHIFT;
	     s * SECTION_PAGES < zone->start_pfn + zone->spanned; s++) {
		bool alone;
		uint64_t pages = pages_in(info, zone, s, &alone);

		if (section_is_room(mm, s))
			continue;
		if (pages && alone && mm->bounds[s].end && done >= SECTION_PAGES &&
		    !has_cma(info, s))
			leave_section(mm, &node->deferred, s);
		else
			done += pages;
	}
}

void deferred_choose(struct zonal *mm, const struct boot_info *info)
{
	mm->deferred = meta_take(mm, (unsigned)info->range[0].nid, sizeof(*mm->deferred));
	mm->deferred->info = *info;
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
		if (mm->node[n])
			choose_in_node(mm, mm->node[n]);
}

/* ---- making up for it ---- */

/* Where the next piece of the node begins; 0: all is done. */
static pfn_t next_piece(const struct zonal *mm, const struct node *node)
	LOCK_HELD(node->deferred.lock);
static pfn_t next_piece(const struct zonal *mm, const struct node *node)
{
	const struct boot_info *info = &mm->deferred->info;
	pfn_t from = node->deferred.next;

	for (unsigned i = 0; i < info->range_count; i++) {
		const struct boot_range *r = &info->range[i];

		if (r->nid != node->id || range_end(r) <= from)
			continue;
		for (pfn_t s = ZN_MAX(from, range_start(r)) >> MM_SECTION_SHIFT;
		     s * SECTION_PAGES < range_end(r); s++)
			/* Room for RAM that may come has 0. */
			if (ld_relaxed(&mm->ready[s]) &&
			    ld_relaxed(&mm->ready[s]) < mm->bounds[s].end)
				return ld_relaxed(&mm->ready[s]);
	}
	return 0;
}

static void init_piece(struct zonal *mm, struct node *node, pfn_t start)
	LOCK_HELD(node->deferred.lock);
static void init_piece(struct zonal *mm, struct node *node, pfn_t start)
{
	struct node_deferred *later = &node->deferred;
	struct pfn_span part = { start, start + PIECE_PAGES };
	uint64_t pages;

	ASSERT(!(start & (PIECE_PAGES - 1)) && ld_relaxed(&later->pages) >= PIECE_PAGES,
	       "node %u: a piece at 0x%llx, %llu pages left", node->id, (unsigned long long)start,
	       (unsigned long long)ld_relaxed(&later->pages));
	pagemap_fill_part(mm, &mm->deferred->info, part);
	lock_take(&later->zone->lock);
	st_release(&mm->ready[start >> MM_SECTION_SHIFT], (uint32_t)part.end);
	pages = release_later(mm, later->zone, part);
	st_relaxed(&later->zone->deferred, ld_relaxed(&later->zone->deferred) - pages);
	lock_drop(&later->zone->lock);
	later->next = start;
	st_relaxed(&later->pages, ld_relaxed(&later->pages) - PIECE_PAGES);
}

enum zonal_deferred_state zonal_deferred_turn(struct zonal *mm, unsigned nid)
{
	struct node *node = nid < ZONAL_MAX_NODES ? mm->node[nid] : NULL;
	enum zonal_deferred_state state = ZONAL_DEFERRED_MORE;
	port_irqflags_t irq;
	pfn_t start;

	if (!node || !ld_relaxed(&node->deferred.pages))
		return ZONAL_DEFERRED_DONE;
	irq = port_irq_save();
	lock_take(&node->deferred.lock);
	start = next_piece(mm, node);
	if (!start)
		state = ZONAL_DEFERRED_DONE;
	else if (ld_relaxed(&mm->deferred->looks))
		state = ZONAL_DEFERRED_HELD;
	else
		init_piece(mm, node, start);
	lock_drop(&node->deferred.lock);
	port_irq_restore(irq);
	return state;
}

uint64_t zonal_deferred_pages(const struct zonal *mm, unsigned nid)
{
	const struct node *node = nid < ZONAL_MAX_NODES ? mm->node[nid] : NULL;

	return node ? ld_relaxed(&((struct node *)(uintptr_t)node)->deferred.pages) : 0;
}

bool deferred_grow_zone(struct zone *zone, unsigned order)
{
	uint64_t before = ld_relaxed(&zone->deferred);
	uint64_t want = port_irqs_masked() ? 1u << order : SECTION_PAGES;
	enum zonal_deferred_state state;
	uint64_t left;

	ASSERT(order < MAX_ORDER && zone->mm->deferred, "zone %u, order %u", zone->id, order);
	do {
		state = zonal_deferred_turn(zone->mm, zone->node);
		left = ld_relaxed(&zone->deferred);
	} while (state == ZONAL_DEFERRED_MORE && left && before - left < want);
	return left < before;
}

void deferred_reach_pfn(struct zonal *mm, pfn_t pfn)
{
	const struct boot_info *info = &mm->deferred->info;
	pfn_t s = pfn >> MM_SECTION_SHIFT;
	unsigned nid = ZONAL_MAX_NODES;

	if (s >= mm->section_count || pfn < mm->bounds[s].first || pfn >= mm->bounds[s].end)
		return;
	for (unsigned i = 0; i < info->range_count && nid == ZONAL_MAX_NODES; i++)
		if (range_end(&info->range[i]) > s * SECTION_PAGES)
			nid = (unsigned)info->range[i].nid;
	while (!mm_page_ready(mm, pfn) && zonal_deferred_turn(mm, nid) == ZONAL_DEFERRED_MORE)
		;
}

/* ---- for walks over everything ---- */

bool deferred_waits(const struct zonal *mm)
{
	uint64_t left = 0;

	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
		left += zonal_deferred_pages(mm, n);
	return left && ld_relaxed(&mm->deferred->looks);
}

void deferred_hold(struct zonal *mm)
{
	if (!mm->deferred)
		return;
	fetch_add_relaxed(&mm->deferred->looks, 1);
	/* Who has a node's lock now may not have seen that; who takes it later has. */
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++) {
		port_irqflags_t irq;

		if (!mm->node[n] || !ld_relaxed(&mm->node[n]->deferred.pages))
			continue;
		irq = port_irq_save();
		lock_take(&mm->node[n]->deferred.lock);
		lock_drop(&mm->node[n]->deferred.lock);
		port_irq_restore(irq);
	}
}

void deferred_go_on(struct zonal *mm)
{
	if (!mm->deferred)
		return;
	ASSERT(ld_relaxed(&mm->deferred->looks), "nobody holds it up");
	(void)fetch_sub_acq_rel(&mm->deferred->looks, 1);
}
