/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ours against the kernel's: what a call gave, marks, whole states.
 *
 * A mark is the exact counters of a zone and a hash over its free lists, per-CPU lists and
 * pageblock types, in the order that FORMAT.md names; so one number tells whether any frame
 * lies elsewhere. A state is compared list by list, place by place; of each list that
 * differs the first place is printed, and of a state the first few lists.
 *
 * Where a single frame differs, it is told where both frames lie with us: the list and the
 * place in it say more about the broken rule than the frames do.
 *
 * The boosted flag is part of a mark; a record shows it between calls, where it is
 * always clear. The instance is quiet, so nothing is locked.
 */
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "mm/page.h"

#define DIFFERENCES_SHOWN 12

static const char *theirs_is(const struct verdict *v)
{
	return v->theirs ? v->theirs : "Linux";
}

/* ---- our lists as a record has them --------------------------------------- */

static void list_of(const struct zone *zone, unsigned order, unsigned type, struct fr_list *out)
{
	uint32_t pfn = zone->list[type][order].first;

	out->count = 0;
	for (uint32_t left = zone->list[type][order].count; left; left--) {
		fr_add(out, pfn);
		pfn = mm_page(zone->mm, pfn)->next;
	}
}

static void ring_of(const struct zone *zone, unsigned cpu, unsigned list, struct fr_list *out)
{
	const struct pcp *pcp = &zone->mm->cpu[cpu]->pcp[zone->id];
	const struct pcp_ring *ring = &pcp->ring[list];

	out->count = 0;
	for (uint32_t i = ring->head; i != ring->tail; i++) {
		const struct page *page = ring->slot[i & pcp->mask];

		fr_add(out, FR_PCP(page->pfn, word_home(page_word(page))));
	}
}

static void blocks_of(const struct zone *zone, struct fr_list *out)
{
	pfn_t block = zone->start_pfn >> PAGEBLOCK_ORDER;
	pfn_t last = (zone->start_pfn + zone->spanned - 1) >> PAGEBLOCK_ORDER;

	out->count = 0;
	for (; block <= last; block++)
		fr_add(out, page_block_type(mm_page(zone->mm, block << PAGEBLOCK_ORDER)));
}

/* ---- a frame that differs --------------------------------------------------- */

static bool find_in_lists(const struct zone *zone, pfn_t pfn, char *text, size_t size)
{
	struct fr_list list = { 0 };
	bool found = false;

	for (unsigned i = 0; !found && i < MAX_ORDER * MIGRATE_TYPES; i++) {
		unsigned order = i / MIGRATE_TYPES, type = i % MIGRATE_TYPES;

		list_of(zone, order, type, &list);
		for (size_t k = 0; !found && k < list.count; k++) {
			found = pfn - list.item[k] < (pfn_t)1 << order;
			if (found)
				snprintf(text, size, "in block %zu of %zu of free list order %u "
						     "type %u of zone %u",
					 k + 1, list.count, order, type, zone->id);
		}
	}
	free(list.item);
	return found;
}

static bool find_in_rings(const struct player *p, const struct zone *zone, pfn_t pfn, char *text,
			  size_t size)
{
	struct fr_list list = { 0 };
	bool found = false;

	for (unsigned i = 0; !found && i < p->f->cpu_count * MIGRATE_PCPTYPES; i++) {
		ring_of(zone, i / MIGRATE_PCPTYPES, i % MIGRATE_PCPTYPES, &list);
		for (size_t k = 0; !found && k < list.count; k++) {
			found = (list.item[k] & UINT32_MAX) == pfn;
			if (found)
				snprintf(text, size,
					 "page %zu of %zu of list %u of CPU %u, zone %u", k + 1,
					 list.count, i % MIGRATE_PCPTYPES, i / MIGRATE_PCPTYPES,
					 zone->id);
		}
	}
	free(list.item);
	return found;
}

static void say_where(const struct player *p, const char *whose, pfn_t pfn)
{
	const struct page *page = pfn ? zonal_page(p->mm, pfn) : NULL;
	const struct zone *zone = page ? mm_page_zone(p->mm, page) : NULL;
	char text[160] = "in use";

	if (!zone)
		return;
	if (!find_in_lists(zone, pfn, text, sizeof(text)))
		find_in_rings(p, zone, pfn, text, sizeof(text));
	printf("    %s %llx: with us %s; pageblock type %u; zone %u: free %lld, CMA %lld, boost "
	       "%lld, highatomic %lld\n",
	       whose, (unsigned long long)pfn, text, page_block_type(page), zone->id,
	       (long long)ld_relaxed(&zone->free), (long long)ld_relaxed(&zone->free_cma),
	       (long long)ld_relaxed(&zone->boost), (long long)ld_relaxed(&zone->highatomic));
}

bool compare_call(struct verdict *v, struct player *p, const struct fr_call *c,
		  const struct outcome *out)
{
	v->checks += c->kind == 'a' || c->kind == 'u';
	if (c->kind == 'u' && out->moved != c->moved) {
		deviation(v, "call %lu (line %u), \"%s\" on CPU %u: ours %s pages, %s %s",
			  p->calls, c->line, call_text(c), p->cpu,
			  out->moved ? "moved" : "moved no", theirs_is(v),
			  c->moved ? "did" : "did not");
		return false;
	}
	if (c->kind != 'a' || out->pfn == c->pfn)
		return true;
	deviation(v, "call %lu (line %u), \"%s\" on CPU %u: ours is frame %llx, %s's %x",
		  p->calls, c->line, call_text(c), p->cpu, (unsigned long long)out->pfn,
		  theirs_is(v), c->pfn);
	if (!v->quiet) {
		say_where(p, "ours ", out->pfn);
		say_where(p, v->theirs ? "its  " : "Linux", c->pfn);
	}
	return false;
}

/* ---- marks -------------------------------------------------------------------- */

static uint64_t hash_list(uint64_t h, const struct fr_list *list, bool end)
{
	for (size_t i = 0; i < list->count; i++)
		h = (h ^ list->item[i]) * 0x100000001b3ull;
	return end ? (h ^ 0xffffffff) * 0x100000001b3ull : h;
}

static uint64_t zone_hash(const struct player *p, const struct zone *zone)
{
	static struct fr_list list; /* kept: a record has thousands of marks */
	uint64_t h = 0xcbf29ce484222325ull;

	for (unsigned i = 0; i < MAX_ORDER * MIGRATE_TYPES; i++) {
		list_of(zone, i / MIGRATE_TYPES, i % MIGRATE_TYPES, &list);
		h = hash_list(h, &list, true);
	}
	for (unsigned i = 0; i < p->f->cpu_count * MIGRATE_PCPTYPES; i++) {
		ring_of(zone, i / MIGRATE_PCPTYPES, i % MIGRATE_PCPTYPES, &list);
		h = hash_list(h, &list, true);
	}
	blocks_of(zone, &list);
	return hash_list(h, &list, false);
}

bool compare_mark(struct verdict *v, const struct player *p, const struct fr_call *c)
{
	static const char *const name[] = { "free", "cma", "highatomic", "boost", "boosted" };
	struct zone *zone = player_zone(p, (unsigned)c->nid);
	const int64_t ours[] = { ld_relaxed(&zone->free), ld_relaxed(&zone->free_cma),
				 ld_relaxed(&zone->highatomic), ld_relaxed(&zone->boost),
				 ld_relaxed(&zone->boosted) };
	bool same = true;

	for (unsigned i = 0; i < ARRAY_SIZE(ours); i++) {
		v->checks++;
		if (ours[i] == c->mark[i])
			continue;
		same = false;
		deviation(v, "mark behind call %lu (line %u): zone %d's %s is %lld, %s has %lld",
			  p->calls, c->line, c->nid, name[i], (long long)ours[i], theirs_is(v),
			  (long long)c->mark[i]);
	}
	v->checks++;
	if (zone_hash(p, zone) == c->hash)
		return same;
	deviation(v, "mark behind call %lu (line %u): zone %d's lists or pageblock types differ",
		  p->calls, c->line, c->nid);
	return false;
}

/* ---- states --------------------------------------------------------------------- */

struct state_walk {
	struct verdict *v;
	unsigned differences;
	bool same;
};

static void number(struct state_walk *w, unsigned zid, const char *what, int64_t ours,
		   int64_t theirs)
{
	w->v->checks++;
	if (ours == theirs)
		return;
	w->same = false;
	if (w->differences++ < DIFFERENCES_SHOWN)
		deviation(w->v, "zone %u: %s is %lld, %s has %lld", zid, what, (long long)ours,
			  theirs_is(w->v), (long long)theirs);
}

static void lists(struct state_walk *w, const char *what, const struct fr_list *ours,
		  const struct fr_list *theirs)
{
	size_t i = 0;

	w->v->checks++;
	while (i < ours->count && i < theirs->count && ours->item[i] == theirs->item[i])
		i++;
	if (i == ours->count && i == theirs->count)
		return;
	w->same = false;
	if (w->differences++ >= DIFFERENCES_SHOWN)
		return;
	deviation(w->v, "%s: place %zu holds %llx, %s has %llx there (0: end; ours has %zu, "
			"the other %zu)",
		  what, i + 1, i < ours->count ? (unsigned long long)ours->item[i] : 0,
		  theirs_is(w->v),
		  i < theirs->count ? (unsigned long long)theirs->item[i] : 0, ours->count,
		  theirs->count);
}

static void zone_lists(struct state_walk *w, const struct player *p, unsigned zid,
		       const struct fr_zone *z)
{
	const struct zone *zone = player_zone(p, zid);
	struct fr_list ours = { 0 };
	char what[80];

	for (unsigned i = 0; i < MAX_ORDER * MIGRATE_TYPES; i++) {
		unsigned order = i / MIGRATE_TYPES, type = i % MIGRATE_TYPES;

		list_of(zone, order, type, &ours);
		snprintf(what, sizeof(what), "zone %u, free list order %u type %u", zid, order,
			 type);
		lists(w, what, &ours, &z->free[order][type]);
	}
	for (unsigned i = 0; i < p->f->cpu_count * MIGRATE_PCPTYPES; i++) {
		unsigned cpu = i / MIGRATE_PCPTYPES, type = i % MIGRATE_PCPTYPES;

		ring_of(zone, cpu, type, &ours);
		snprintf(what, sizeof(what), "zone %u, list %u of CPU %u", zid, type, cpu);
		lists(w, what, &ours, &z->pcp[cpu][type]);
	}
	blocks_of(zone, &ours);
	snprintf(what, sizeof(what), "zone %u, pageblock types", zid);
	lists(w, what, &ours, &z->block);
	free(ours.item);
}

static void zone_numbers(struct state_walk *w, const struct player *p, unsigned zid,
			 const struct fr_zone *z)
{
	static const char *const mark_name[] = { "min", "low", "high" };
	struct zone *zone = player_zone(p, zid);

	for (unsigned m = 0; m < WMARKS; m++)
		number(w, zid, mark_name[m], ld_relaxed(&zone->mark[m]), z->mark[m]);
	number(w, zid, "managed", zone_managed(zone), (int64_t)z->managed);
	number(w, zid, "boost", ld_relaxed(&zone->boost), z->boost);
	number(w, zid, "boosted", ld_relaxed(&zone->boosted), z->boosted);
	number(w, zid, "highatomic", ld_relaxed(&zone->highatomic), z->highatomic);
	number(w, zid, "free", ld_relaxed(&zone->free), z->count[FR_FREE]);
	number(w, zid, "cma", ld_relaxed(&zone->free_cma), z->count[FR_CMA]);
}

static int64_t stat_sum(const struct player *p, unsigned zid, enum pcp_stat stat)
{
	int64_t sum = 0;

	for (unsigned c = 0; c < p->f->cpu_count; c++)
		sum += (int64_t)ld_relaxed(&p->mm->cpu[c]->pcp[zid].stat[stat]);
	return sum;
}

/* The record's sums are since the kernel's boot, ours since the first state. */
static void zone_numa(struct state_walk *w, const struct player *p, unsigned zid,
		      const struct fr_zone *z)
{
	static const char *const name[] = { "hit",	  "miss",  "foreign",
					    "interleave", "local", "other" };
	int64_t hit_local = stat_sum(p, zid, STAT_HIT_LOCAL);
	int64_t hit_other = stat_sum(p, zid, STAT_HIT_OTHER);
	int64_t miss_local = stat_sum(p, zid, STAT_MISS_LOCAL);
	int64_t miss_other = stat_sum(p, zid, STAT_MISS_OTHER);
	const int64_t ours[] = { hit_local + hit_other,
				 miss_local + miss_other,
				 stat_sum(p, zid, STAT_FOREIGN),
				 stat_sum(p, zid, STAT_INTERLEAVE),
				 hit_local + miss_local,
				 hit_other + miss_other };

	for (unsigned i = 0; i < FR_NUMA; i++)
		number(w, zid, name[i], ours[i], z->numa[i] - p->f->start->zone[zid].numa[i]);
}

/* Every block that may be freed is in use with its order, and there are no others. */
static void held_blocks(struct state_walk *w, struct player *p, const struct fr_state *want)
{
	size_t ours = 0, alike = 0;

	for (size_t i = 0; p->f->ours && i < want->held.count; i++)
		player_cut(p, want->held.item[i] >> 8, want->held.item[i] & 0xff);
	for (pfn_t i = 0; i < p->end - p->first; i++)
		ours += p->held[i] != 0;
	for (size_t i = 0; i < want->held.count; i++) {
		pfn_t pfn = want->held.item[i] >> 8;
		unsigned order = want->held.item[i] & 0xff;
		bool inside = pfn >= p->first && pfn < p->end;
		uint32_t word = inside ? page_word(mm_page(p->mm, pfn)) : 0;

		alike += inside && p->held[pfn - p->first] == order + 1 && word_in_use(word) &&
			 word_block_order(word) == order;
	}
	w->v->checks++;
	if (ours == want->held.count && alike == ours)
		return;
	w->same = false;
	deviation(w->v, "held blocks: ours are %zu, %s's %zu, of which %zu are alike", ours,
		  theirs_is(w->v), want->held.count, alike);
}

/* How a page counts when its block is stolen (M8). */
static bool counts_as_movable(const struct page *page)
{
	uint32_t pair = page->pfn & 1 ? page_word(page - 1) : 0;

	if (word_in_use(page_word(page)) && (page_word(page) & PG_LRU))
		return true;
	return word_state(page_word(page)) == PAGE_TAIL && word_in_use(pair) &&
	       (pair & PG_COMP) && word_block_order(pair) == 1;
}

static void movable_pages(struct state_walk *w, const struct player *p, unsigned zid,
			  const struct fr_zone *z)
{
	int64_t ours = 0, alike = 0, theirs = 0;

	for (pfn_t pfn = z->start; pfn < z->start + z->spanned; pfn++)
		ours += counts_as_movable(mm_page(p->mm, pfn));
	for (size_t i = 0; i < z->movable.count; i++)
		for (pfn_t pfn = z->movable.item[i] >> 32;
		     pfn <= (z->movable.item[i] & UINT32_MAX); pfn++, theirs++)
			alike += zonal_page(p->mm, pfn) &&
				 counts_as_movable(mm_page(p->mm, pfn));
	number(w, zid, "number of movable pages in use", ours, theirs);
	number(w, zid, "number of them that are Linux's", alike, theirs);
}

bool compare_state(struct verdict *v, struct player *p, const struct fr_state *want)
{
	struct state_walk w = { .v = v, .same = true };
	struct zonal_finding finding;
	const struct fr_zone *z;
	unsigned zid;

	for_each_fr_zone(p->f, zid, z) {
		zone_numbers(&w, p, zid, &want->zone[zid]);
		zone_numa(&w, p, zid, &want->zone[zid]);
		zone_lists(&w, p, zid, &want->zone[zid]);
		movable_pages(&w, p, zid, &want->zone[zid]);
	}
	held_blocks(&w, p, want);
	v->checks++;
	if (!zonal_check(p->mm, &finding)) {
		deviation(v, "check: %.200s", finding.text);
		return false;
	}
	return w.same;
}

bool compare_zonelists(struct verdict *v, const struct player *p)
{
	struct state_walk w = { .v = v, .same = true };
	struct fr_list ours = { 0 };

	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++) {
		for (unsigned this = 0; p->mm->node[n] && this < 2; this++) {
			const struct node *node = p->mm->node[n];
			const struct zonelist *list = this ? &node->nofallback : &node->fallback;
			char what[48];

			ours.count = 0;
			for (unsigned i = 0; i < list->count; i++)
				fr_add(&ours, list->ref[i].zone->id);
			snprintf(what, sizeof(what), "zonelist %u %s", n, this ? "this" : "all");
			lists(&w, what, &ours, &p->f->zonelist[n][this]);
		}
	}
	free(ours.item);
	return w.same;
}
