/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zonal_check: walk every invariant and name the first that does not hold.
 *
 *	lists     each block in a list is FREE, of that order, zone and type, aligned, linked both
 *	          ways; counts and `filled` bits agree; its buddy is not free too (B14)
 *	          but for isolated neighbours (B6); CMA and ISOLATE lists hold blocks of such
 *	          pageblocks only, and no other list does
 *	counters  zone->free and free_cma are what the lists hold (B12, B13); `floor` is
 *	          the sum of its parts; spanned >= present >= managed (I7); marks ascend
 *	per CPU   each ring holds PCP pages of its zone that belong there by their home, and
 *	          as many as it says
 *	pages     walking the page map from block to block, every page is in exactly one
 *	          state, heads are followed by inner pages, and the pages of all states
 *	          of a zone sum up to what it manages
 *	numbers   misses and foreigns are two sides of one thing (Y4)
 *
 * Each zone is looked at under its lock; the whole is exact only while nothing else
 * allocates. Cost: every page once. The first violation is written down with
 * values, later ones are not looked for.
 */
#include <stdarg.h>

#include "pcp.h"

#include "lib/printf.h"

struct walk {
	struct zonal *mm;
	struct zonal_finding *out;
	uint64_t listed;             /* pages of the zone in free lists and rings */
	uint64_t pages[PAGE_STATES]; /* of the zone, by walking the map */
	uint64_t miss, foreign;      /* of all zones */
	bool bad;
};

static bool found(struct walk *w, pfn_t pfn, const char *fmt, ...) ZN_PRINTF(3, 4);

static bool found(struct walk *w, pfn_t pfn, const char *fmt, ...)
{
	va_list args;

	if (w->bad)
		return true;
	w->bad = true;
	w->out->pfn = pfn;
	va_start(args, fmt);
	zn_vsnprintf(w->out->text, sizeof(w->out->text), fmt, args);
	va_end(args);
	return true;
}

static bool is_special(unsigned type) { return type == MIGRATE_CMA || type == MIGRATE_ISOLATE; }

static bool buddy_is_free(const struct zone *zone, struct page *page, unsigned order)
{
	struct page *buddy = page_buddy(page, order);
	unsigned a, b;

	if (order >= MAX_ORDER - 1 || page_word(buddy) != word_make(zone->id, PAGE_FREE, order))
		return false;
	if (order < PAGEBLOCK_ORDER)
		return true;
	a = page_block_type(page);
	b = page_block_type(buddy);
	return a == b || (a != MIGRATE_ISOLATE && b != MIGRATE_ISOLATE);
}

static bool check_block(struct walk *w, struct zone *zone, struct page *page, unsigned type,
			unsigned order)
{
	unsigned block = page_block_type(page);

	if (page_word(page) != word_make(zone->id, PAGE_FREE, order))
		return found(w, page->pfn, "pfn 0x%x in free list order %u has word 0x%x",
			     page->pfn, order, page_word(page));
	if (page->list_type != type)
		return found(w, page->pfn, "pfn 0x%x in list of type %u says type %u", page->pfn,
			     type, page->list_type);
	if (page->pfn & ((1u << order) - 1) || page->pfn < zone->start_pfn ||
	    page->pfn + (1u << order) > zone->start_pfn + zone->spanned)
		return found(w, page->pfn, "pfn 0x%x order %u is not aligned or not in its zone",
			     page->pfn, order);
	if (block != type && (is_special(block) || is_special(type)))
		return found(w, page->pfn, "pfn 0x%x of a type %u block is in a list of type %u",
			     page->pfn, block, type);
	if (buddy_is_free(zone, page, order))
		return found(w, page->pfn, "pfn 0x%x and its buddy of order %u are both free",
			     page->pfn, order);
	return false;
}

static bool check_list(struct walk *w, struct zone *zone, unsigned type, unsigned order)
{
	const struct free_list *list = &zone->list[type][order];
	uint32_t at = list->first, before = PFN_NONE, count = 0;

	for (; list->count && at != PFN_NONE; count++) {
		struct page *page = zonal_page(w->mm, at);

		if (!page || count >= list->count)
			return found(w, at, "free list type %u order %u: pfn 0x%x after %u of %u",
				     type, order, at, count, list->count);
		if (page->prev != before)
			return found(w, at, "pfn 0x%x links back to 0x%x, not 0x%x", at, page->prev,
				     before);
		if (check_block(w, zone, page, type, order))
			return true;
		before = at;
		at = page->next;
	}
	if (count != list->count || (count && list->last != before))
		return found(w, before, "free list type %u order %u holds %u blocks, counts %u",
			     type, order, count, list->count);
	if (!!(ld_relaxed(&zone->filled[type]) & (1u << order)) != !!count)
		return found(w, before, "filled bit of type %u order %u is wrong (%u blocks)", type,
			     order, count);
	return false;
}

static bool check_floor(struct walk *w, struct zone *zone)
{
	for (unsigned t = 0; t < ZONE_TYPES; t++) {
		int64_t want = ld_relaxed(&zone->mark[WMARK_LOW]) + ld_relaxed(&zone->boost) +
			       ld_relaxed(&zone->lowmem_reserve[t]) + ld_relaxed(&zone->highatomic);

		if (ld_relaxed(&zone->boosted))
			want = INT64_MAX;
		if (ld_relaxed(&zone->floor[t]) != want)
			return found(w, 0, "zone %u floor[%u] is %lld, its parts sum to %lld",
				     zone->id, t, (long long)ld_relaxed(&zone->floor[t]),
				     (long long)want);
	}
	return false;
}

static bool check_sizes(struct walk *w, struct zone *zone)
{
	int64_t min = ld_relaxed(&zone->mark[WMARK_MIN]), low = ld_relaxed(&zone->mark[WMARK_LOW]);
	uint64_t managed = (uint64_t)zone_managed(zone);

	if (zone->spanned < zone->present || zone->present < managed)
		return found(w, 0, "zone %u spans %llu, has %llu, manages %llu pages", zone->id,
			     (unsigned long long)zone->spanned, (unsigned long long)zone->present,
			     (unsigned long long)managed);
	if (min > low || low > ld_relaxed(&zone->mark[WMARK_HIGH]) ||
	    ld_relaxed(&zone->boost) < 0 || ld_relaxed(&zone->highatomic) < 0)
		return found(w, 0, "zone %u marks do not ascend: min %lld low %lld", zone->id,
			     (long long)min, (long long)low);
	return check_floor(w, zone);
}

/* Zone lock held. */
static bool check_zone_lists(struct walk *w, struct zone *zone)
{
	uint64_t cma = 0, isolated = 0, all = 0;

	for (unsigned type = 0; type < MIGRATE_TYPES; type++) {
		uint64_t pages = 0;

		for (unsigned order = 0; order < MAX_ORDER; order++) {
			if (check_list(w, zone, type, order))
				return true;
			pages += (uint64_t)zone->list[type][order].count << order;
		}
		all += pages;
		if (type == MIGRATE_CMA)
			cma = pages;
		if (type == MIGRATE_ISOLATE)
			isolated = pages;
	}
	w->listed = all;
	if (ld_relaxed(&zone->free) != (int64_t)(all - isolated) ||
	    ld_relaxed(&zone->free_cma) != (int64_t)cma)
		return found(w, 0, "zone %u counts %lld free, %lld CMA; lists hold %llu and %llu",
			     zone->id, (long long)ld_relaxed(&zone->free),
			     (long long)ld_relaxed(&zone->free_cma),
			     (unsigned long long)(all - isolated), (unsigned long long)cma);
	return check_sizes(w, zone);
}

static bool check_ring(struct walk *w, unsigned cpu, const struct zone *zone, struct pcp *pcp)
{
	uint32_t count = 0;

	for (unsigned t = 0; t < MIGRATE_PCPTYPES; t++) {
		const struct pcp_ring *ring = &pcp->ring[t];

		count += ring->tail - ring->head;
		for (uint32_t i = ring->head; i != ring->tail; i++) {
			const struct page *page = ring->slot[i & pcp->mask];
			unsigned home = word_home(page_word(page));

			if (ring->tail - ring->head > pcp->mask + 1 || home >= MIGRATE_ISOLATE ||
			    t != pcp_list_of(home) || page_word(page) != word_pcp(zone->id, home))
				return found(w, page->pfn, "pfn 0x%x of CPU %u: word 0x%x",
					     page->pfn, cpu, page_word(page));
		}
	}
	if (count != ld_relaxed(&pcp->count))
		return found(w, 0, "CPU %u zone %u: lists hold %u pages, count says %u", cpu,
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

	for (unsigned i = 1; i < 1u << order; i++) {
		uint32_t inner = page_word(head + i);

		if (word_state(inner) != want || word_zid(inner) != word_zid(word) ||
		    head[i].pfn != head->pfn + i)
			return found(w, head[i].pfn, "pfn 0x%x in block 0x%x order %u: word 0x%x",
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
		    state == PAGE_TAIL || (state != PAGE_HOLE && !w->mm->zone[word_zid(word)]))
			return found(w, pfn, "pfn 0x%llx is in no block: word 0x%x, pfn field 0x%x",
				     (unsigned long long)pfn, word, page->pfn);
		if (check_inner(w, page, order))
			return true;
		if (state != PAGE_HOLE && word_zid(word) == zone->id)
			w->pages[state] += 1u << order;
		pfn += (pfn_t)1 << order;
	}
	return false;
}

static bool check_sums(struct walk *w, struct zone *zone)
{
	const uint64_t *n = w->pages;

	if (n[PAGE_FREE] + n[PAGE_PCP] != w->listed)
		return found(w, 0, "zone %u: map shows %llu+%llu pages free, lists hold %llu",
			     zone->id, (unsigned long long)n[PAGE_FREE],
			     (unsigned long long)n[PAGE_PCP], (unsigned long long)w->listed);
	if (n[PAGE_FREE] + n[PAGE_PCP] + n[PAGE_USED] + n[PAGE_LONE] + n[PAGE_BAD] !=
	    (uint64_t)zone_managed(zone))
		return found(w, 0, "zone %u manages %lld pages, map shows %llu in use", zone->id,
			     (long long)zone_managed(zone), (unsigned long long)n[PAGE_USED]);
	return false;
}

static bool check_map(struct walk *w, struct zone *zone)
{
	pfn_t end = zone->start_pfn + zone->spanned;
	pfn_t last = (end - 1) >> MM_SECTION_SHIFT;

	for (unsigned i = 0; i < PAGE_STATES; i++)
		w->pages[i] = 0;
	for (pfn_t s = zone->start_pfn >> MM_SECTION_SHIFT; s <= last; s++) {
		const struct section_bounds *b = &w->mm->bounds[s];

		if (b->end && check_section(w, zone, ZN_MAX(zone->start_pfn, b->first),
					    ZN_MIN(end, b->end)))
			return true;
	}
	return check_sums(w, zone);
}

bool zonal_check(struct zonal *mm, struct zonal_finding *first)
{
	struct walk w = { .mm = mm, .out = first };
	struct zone *zone;
	unsigned zid;

	first->text[0] = '\0';
	first->pfn = 0;
	mm_for_each_zone(mm, zid, zone) {
		port_irqflags_t irq = port_irq_save();

		lock_take(&zone->lock);
		check_zone_lists(&w, zone);
		lock_drop(&zone->lock);
		port_irq_restore(irq);
		if (w.bad || check_rings(&w, zone) || check_map(&w, zone))
			return false;
	}
	if (w.miss != w.foreign)
		found(&w, 0, "%llu NUMA misses but %llu foreigns", (unsigned long long)w.miss,
		      (unsigned long long)w.foreign);
	return !w.bad;
}
