/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zonal_check: walk every invariant and name the first that does not hold.
 *
 *	lists     (check_lists.c) each block in a list is FREE, of that order, zone and type,
 *	          aligned, linked both ways; counts and `filled` bits agree; its buddy is not
 *	          free too (B14) but for isolated neighbours (B6); CMA and ISOLATE lists hold
 *	          blocks of such pageblocks only, and no other list does
 *	counters  zone->free and free_cma are what the lists hold (B12, B13); `floor` is
 *	          the sum of its parts; spanned >= present >= managed (I7); marks ascend
 *	per CPU   each ring holds PCP pages of its zone that belong there by their home, and
 *	          as many as it says
 *	pages     walking the page map from block to block, every page is in exactly one
 *	          state, heads are followed by inner pages, and the pages of all states
 *	          of a zone sum up to what it manages
 *	lists of pages that can be given up   (reclaim/check_lru.c)
 *	numbers   misses and foreigns are two sides of one thing (Y4)
 *
 * Lists and marks are looked at under the zone lock, in pieces; rings and the map without.
 * So the whole is exact only while nothing else allocates. Cost: every page once. The first
 * violation is written down with values, later ones are not looked for.
 */
#include "check.h"
#include "deferred.h"
#include "mobility.h"
#include "pcp.h"
#include "reclaim/reclaim.h"

#include "lib/progress.h"
#include "lib/stop.h"

static bool check_floor(struct walk *w, struct zone *zone)
{
	for (unsigned t = 0; t < ZONE_TYPES; t++) {
		int64_t want = ld_relaxed(&zone->mark[WMARK_LOW]) + ld_relaxed(&zone->boost) +
			       ld_relaxed(&zone->lowmem_reserve[t]) + ld_relaxed(&zone->highatomic);

		if (ld_relaxed(&zone->boosted))
			want = INT64_MAX;
		if (ld_relaxed(&zone->floor[t]) != want)
			return check_found(w, 0, "zone %u floor[%u] is %lld, its parts sum to %lld",
					   zone->id, t, (long long)ld_relaxed(&zone->floor[t]),
					   (long long)want);
	}
	if (ld_relaxed(&zone->lane_floor[0]) != ld_relaxed(&zone->floor[ZONE_NORMAL]) ||
	    ld_relaxed(&zone->lane_floor[2]) != ld_relaxed(&zone->floor[ZONE_MOVABLE]))
		return check_found(w, 0, "zone %u lane floors are %lld and %lld, not its own",
				   zone->id, (long long)ld_relaxed(&zone->lane_floor[0]),
				   (long long)ld_relaxed(&zone->lane_floor[2]));
	return false;
}

/* Marks and floor are written under the lock. */
static bool check_sizes_locked(struct walk *w, struct zone *zone)
{
	int64_t min = ld_relaxed(&zone->mark[WMARK_MIN]), low = ld_relaxed(&zone->mark[WMARK_LOW]);
	uint64_t managed = (uint64_t)zone_managed(zone);

	DASSERT_HELD(&zone->lock);
	if (zone->spanned < zone->present || zone->present < managed)
		return check_found(w, 0, "zone %u spans %llu, has %llu, manages %llu pages",
				   zone->id, (unsigned long long)zone->spanned,
				   (unsigned long long)zone->present, (unsigned long long)managed);
	if (min > low || low > ld_relaxed(&zone->mark[WMARK_HIGH]) ||
	    ld_relaxed(&zone->boost) < 0 || ld_relaxed(&zone->highatomic) < 0)
		return check_found(w, 0, "zone %u marks do not ascend: min %lld low %lld", zone->id,
				   (long long)min, (long long)low);
	return check_floor(w, zone);
}

static bool check_sizes(struct walk *w, struct zone *zone)
{
	port_irqflags_t irq = port_irq_save();
	bool bad;

	lock_take(&zone->lock);
	bad = check_sizes_locked(w, zone);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	return bad;
}

static bool check_ring(struct walk *w, unsigned cpu, const struct zone *zone, struct pcp *pcp)
{
	uint32_t count = 0;

	for (unsigned t = 0; t < PCP_RINGS; t++) {
		const struct pcp_ring *ring = &pcp->ring[t];

		count += ring->tail - ring->head;
		if (ring->tail - ring->head > pcp->mask + 1)
			return check_found(w, 0, "CPU %u zone %u: a list of %u pages has %u slots",
					   cpu, zone->id, ring->tail - ring->head, pcp->mask + 1);
		for (uint32_t i = ring->head; i != ring->tail; i++) {
			const struct page *page = ring->slot[i & pcp->mask];
			unsigned home = word_home(page_word(page));

			if (home >= MIGRATE_ISOLATE || t != pcp_list_of(home) ||
			    page_word(page) != word_pcp(zone->id, home))
				return check_found(w, page->pfn, "pfn 0x%x of CPU %u: word 0x%x",
						   page->pfn, cpu, page_word(page));
		}
	}
	if (count != ld_relaxed(&pcp->count))
		return check_found(w, 0, "CPU %u zone %u: lists hold %u pages, count says %u", cpu,
				   zone->id, count, ld_relaxed(&pcp->count));
	w->listed += count;
	return false;
}

static bool check_rings(struct walk *w, const struct zone *zone)
{
	for (unsigned c = 0; c < w->mm->cpu_count; c++) {
		struct pcp *pcp = &w->mm->cpu[c]->pcp[zone->id];

		if (check_ring(w, c, zone, pcp))
			return true;
		w->miss += ld_relaxed(&pcp->stat[STAT_MISS_LOCAL]) +
			   ld_relaxed(&pcp->stat[STAT_MISS_OTHER]);
		w->foreign += ld_relaxed(&pcp->stat[STAT_FOREIGN]);
	}
	return false;
}

/* The pages behind a head, up to the end of its block. */
static bool check_inner(struct walk *w, const struct page *head, unsigned order)
{
	uint32_t word = page_word(head);
	enum page_state want = word & PG_COMP ? PAGE_TAIL : PAGE_INNER;

	ASSERT(order < MAX_ORDER, "pfn 0x%x order %u", head->pfn, order);
	for (unsigned i = 1; i < 1u << order; i++) {
		uint32_t inner = page_word(head + i);

		if (word_state(inner) != want || word_zid(inner) != word_zid(word) ||
		    head[i].pfn != head->pfn + i)
			return check_found(w, head[i].pfn,
					   "pfn 0x%x in block 0x%x order %u: word 0x%x",
					   head[i].pfn, head->pfn, order, inner);
	}
	return false;
}

/* The part of a zone that the map of one section covers. */
static bool check_section(struct walk *w, const struct zone *zone, pfn_t pfn, pfn_t end)
{
	while (pfn < end) {
		const struct page *page = mm_page(w->mm, pfn);
		uint32_t word = page_word(page);
		enum page_state state = word_state(word);
		bool head = state == PAGE_FREE || state == PAGE_USED;
		unsigned order = head ? word_order(word) : 0;

		if (page->pfn != pfn || state >= PAGE_STATES || state == PAGE_INNER ||
		    state == PAGE_TAIL || order >= MAX_ORDER ||
		    (state != PAGE_HOLE && !w->mm->zone[word_zid(word)]))
			return check_found(w, pfn,
					   "pfn 0x%llx is in no block: word 0x%x, pfn field 0x%x",
					   (unsigned long long)pfn, word, page->pfn);
		if (check_inner(w, page, order))
			return true;
		if (state != PAGE_HOLE && word_zid(word) == zone->id) {
			w->pages[state] += 1u << order;
			w->retired += state == PAGE_BAD && (word & PG_HWPOISON);
			w->on_list[zone->node] +=
				word_in_use(word) && (word & (PG_LRU | PG_ISOLATED)) == PG_LRU;
			w->isolated[zone->node] += word_in_use(word) && (word & PG_ISOLATED);
		}
		pfn += (pfn_t)1 << order;
	}
	return false;
}

static bool check_sums(struct walk *w, struct zone *zone)
{
	const uint64_t *n = w->pages;

	if (n[PAGE_FREE] + n[PAGE_PCP] != w->listed)
		return check_found(w, 0, "zone %u: map shows %llu+%llu pages free, lists hold %llu",
				   zone->id, (unsigned long long)n[PAGE_FREE],
				   (unsigned long long)n[PAGE_PCP], (unsigned long long)w->listed);
	if (n[PAGE_FREE] + n[PAGE_PCP] + n[PAGE_USED] + n[PAGE_LONE] + n[PAGE_BAD] +
		    ld_relaxed(&zone->deferred) !=
	    (uint64_t)zone_managed(zone))
		return check_found(w, 0, "zone %u manages %lld pages, map shows %llu in use",
				   zone->id, (long long)zone_managed(zone),
				   (unsigned long long)n[PAGE_USED]);
	return false;
}

static bool check_retired(struct walk *w, struct zone *zone)
{
	if (w->retired == ld_relaxed(&zone->retired))
		return false;
	return check_found(w, 0, "zone %u: map shows %llu retired pages, count says %llu", zone->id,
			   (unsigned long long)w->retired,
			   (unsigned long long)ld_relaxed(&zone->retired));
}

static bool check_map(struct walk *w, struct zone *zone)
{
	pfn_t end = zone->start_pfn + zone->spanned;
	pfn_t last = (end - 1) >> MM_SECTION_SHIFT;

	ASSERT(zone->spanned && last < w->mm->section_count, "zone %u from 0x%llx, %llu pages",
	       zone->id, (unsigned long long)zone->start_pfn, (unsigned long long)zone->spanned);
	for (unsigned i = 0; i < PAGE_STATES; i++)
		w->pages[i] = 0;
	w->retired = 0;
	for (pfn_t s = zone->start_pfn >> MM_SECTION_SHIFT; s <= last; s++) {
		pfn_t ready = mm_section_ready(w->mm, s);

		zn_progress("check", s, w->mm->section_count);
		/* Minutes on a board of terabytes, so it can be given up. */
		if (zn_stop_asked())
			return check_found(w, s << MM_SECTION_SHIFT, "stopped before the end");
		if (check_section(w, zone, ZN_MAX(zone->start_pfn, w->mm->bounds[s].first),
				  ZN_MIN(end, ready)))
			return true;
	}
	return check_sums(w, zone) || check_retired(w, zone);
}

static bool check_all(struct zonal *mm, struct zonal_finding *first)
{
	struct walk w = { .mm = mm, .out = first };
	struct zone *zone;
	unsigned zid;

	ASSERT(first, "nowhere to put a finding");
	first->text[0] = '\0';
	first->pfn = 0;
	mm_for_each_zone(mm, zid, zone) {
		w.reserved += ld_relaxed(&zone->highatomic) - zone->highatomic_lost;
		w.in_blocks += highatomic_in_blocks(zone);
		if (check_zone_lists(&w, zone) || check_sizes(&w, zone) || check_rings(&w, zone) ||
		    check_map(&w, zone))
			return false;
	}
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
		if (mm->node[n] && check_node_lists(&w, mm->node[n]))
			return false;
	if (w.miss != w.foreign)
		check_found(&w, 0, "%llu NUMA misses but %llu foreigns", (unsigned long long)w.miss,
			    (unsigned long long)w.foreign);
	if (w.reserved != w.in_blocks)
		check_found(&w, 0, "highatomic counts %lld pages beside those lost with stolen "
				   "blocks, but reserved blocks have %lld",
			    (long long)w.reserved, (long long)w.in_blocks);
	return !w.bad;
}

bool zonal_check(struct zonal *mm, struct zonal_finding *first)
{
	bool sound;

	deferred_hold(mm);
	sound = check_all(mm, first);
	deferred_go_on(mm);
	return sound;
}
