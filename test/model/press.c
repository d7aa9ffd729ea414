/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boards under pressure: requests, and the draw among what owners, ranges and background tasks do.
 *
 * A request here may reclaim, compact, and push pages out of its group. What must hold:
 *
 *	served     where the first look finds room above LOW, by the zone that the rows say; any
 *	           other time from a zone and a node that the request may use
 *	its group  what is charged fits every limit upwards, unless it is charged in any case; what
 *	           is refused does not fit even now
 *	others     pages given up belong to the group that is full, or the board's reclaim ran
 *	           (allocstall), on nodes and up to the zone of the request
 *	moved      within a zone only
 */
#include "press.h"

#include <string.h>

struct press press;
struct press_sums press_sums;

nodemask_t press_nodes(const struct model *m)
{
	nodemask_t mask = 0;

	for (unsigned i = 0; i < m->info.range_count; i++)
		mask |= node_bit((unsigned)m->info.range[i].nid);
	return mask;
}

void press_sums_print(void)
{
	const struct press_sums *s = &press_sums;

	printf("# given up %llu, read back %llu, moved %llu, retired %llu, refused %llu\n",
	       s->gave, s->read_back, s->moved, s->retired, s->refused);
	printf("# ranges %llu, of which %llu could not be busy; of areas %llu\n", s->ranges,
	       s->sure, s->areas);
}

void press_clear(void) { memset(&press, 0, sizeof(press)); }

bool press_begin(struct model *m)
{
	press.m = m;
	press.alone = m_chance(m, 30);
	for (unsigned i = 0; i < P_OWNERS; i++) {
		press.owner[i] = zonal_owner_register(m->mm, &press_ops[i], NULL);
		if (!press.owner[i])
			return m_fail(m, "owner %u is refused", i);
	}
	return true;
}

static void change_near(struct model *m)
{
	press.near = (uint8_t)(m_chance(m, 60) ? 0 : 1 | m_below(m, 8));
	snprintf(m->last, sizeof(m->last), "reclaim mode %u", press.near);
	if (zonal_set_zone_reclaim_mode(m->mm, press.near))
		press.failed = m_fail(m, "is refused") || true;
}

void press_idle(void)
{
	press.gave = press.moved = press.outside = 0;
	press.scope = (struct scope){ .gives = false };
}

bool press_op(struct model *m)
{
	unsigned dice = m_below(m, 100);

	if (dice < 35)
		return op_fill(m);
	if (dice < 75)
		return op_place(m);
	if (dice < 87)
		return op_background(m);
	if (dice < 96)
		return op_range(m);
	if (dice < 99)
		return op_group(m);
	change_near(m);
	return true;
}

/* ---- requests ------------------------------------------------------------------ */

static uint64_t stalls(const struct model *m)
{
	uint64_t sum = 0;

	for (unsigned c = 0; c < m->cpu_count; c++)
		for (unsigned t = 0; t < ZONE_TYPES; t++)
			sum += ld_relaxed(&m->mm->cpu[c]->event[EVENT_ALLOCSTALL_DMA + t]);
	return sum;
}

/* The topmost group that has no room for so many pages; 0: all have. */
static unsigned full_group(const struct model *m, uint64_t pages)
{
	unsigned full = 0;

	for (unsigned id = m->charge; id; id = m->group[id - 1].parent)
		if (ld_relaxed(&m->real[id - 1].usage) + pages > m->group[id - 1].limit)
			full = id;
	return full;
}

/* Has a group come to use more than its limit and more than before? It is over its limit without
 * that where others were charged in any case, and what is in store then is used up. */
static bool grown_over(const struct model *m, const uint64_t *before)
{
	for (unsigned id = m->charge; id; id = m->group[id - 1].parent) {
		uint64_t usage = ld_relaxed(&m->real[id - 1].usage);

		if (usage > m->group[id - 1].limit && usage > before[id - 1])
			return true;
	}
	return false;
}

/* By the model's own count: what CPUs have in store is not used. */
static bool fits(const struct model *m, uint64_t more)
{
	for (unsigned id = m->charge; id; id = m->group[id - 1].parent)
		if (m->group[id - 1].usage + more > m->group[id - 1].limit)
			return false;
	return true;
}

static uint64_t refused(const struct model *m)
{
	return m->charge ? ld_relaxed(&m->real[m->charge - 1].refused) : 0;
}

static void scope_request(struct model *m, const struct ask *ask)
{
	const struct zonal_task *task = &m->task[m->cpu];
	/* L8 and L10 leave the mask behind. */
	bool free_choice = ask->by_policy || !ask->mask || (ask->gfp & __GFP_MEMALLOC) ||
			   (task->unusual & ZTASK_CONFINED);
	uint64_t pages = ask->order < MAX_ORDER ? (uint64_t)1 << ask->order : 0;

	press.scope = (struct scope){
		.gives = true,
		.nodes = free_choice ? press_nodes(m) : ask->mask,
		.top_zone = (unsigned)walk_limit(ask->gfp),
		.group = full_group(m, pages),
		.moves = MOVES_IN_ZONE,
	};
	press.gave = press.moved = press.outside = 0;
}

static bool check_group(struct model *m, const struct ask *ask, bool was_refused,
			const uint64_t *usage, bool came)
{
	uint64_t pages = ask->order < MAX_ORDER ? (uint64_t)1 << ask->order : 0;
	bool forced = (ask->gfp & __GFP_ATOMIC) || (m->task[m->cpu].flags & ZTASK_MEMALLOC);

	if (came && !forced && grown_over(m, usage))
		return m_fail(m, "group %u, or one above it, is over its limit", m->charge);
	if (!was_refused)
		return true;
	if (came || forced)
		return m_fail(m, "group %u counts a refusal, and there is none", m->charge);
	/* Who may not wait does not get at what other CPUs have in store. */
	if ((ask->gfp & __GFP_DIRECT_RECLAIM) ? fits(m, pages) : !full_group(m, pages))
		return m_fail(m, "group %u could pay, and refuses", m->charge);
	return true;
}

/* From where: if the first look finds room the rows know; else it may be all it can use. */
static bool check_zone(struct model *m, const struct ask *ask, const struct answer *a,
		       const struct page *page)
{
	unsigned zid = zonal_page_node(page) * ZONE_TYPES + zonal_page_zone(page);
	bool confined = m->task[m->cpu].unusual & ZTASK_CONFINED;

	if (a->at_once && zid != a->zone->id)
		return m_fail(m, "page %#llx is of zone %u, the rows say %u",
			      (unsigned long long)zonal_pfn(page), zid, a->zone->id);
	if (zid % ZONE_TYPES > (unsigned)walk_limit(ask->gfp))
		return m_fail(m, "page %#llx is of zone %u", (unsigned long long)zonal_pfn(page),
			      zid);
	/* ATOMIC and the reserves look at other nodes as well, and so does L10. */
	if (ask->mask && !confined && !nodemask_has(ask->mask, zid / ZONE_TYPES) &&
	    (ask->gfp & __GFP_DIRECT_RECLAIM) && !(m->task[m->cpu].flags & ZTASK_MEMALLOC) &&
	    !(ask->gfp & __GFP_MEMALLOC))
		return m_fail(m, "page %#llx is of node %u, not of the mask",
			      (unsigned long long)zonal_pfn(page), zid / ZONE_TYPES);
	return true;
}

bool press_request(struct model *m, const struct ask *ask, struct page **page)
{
	struct answer a = walk_predict(m, ask);
	uint64_t stalled = stalls(m), before, usage[M_GROUPS];
	bool was_refused;

	/* Not where few dirty pages count (G12), or what can be reclaimed near by (K15). */
	a.at_once &= !press.loose && !press.near && !(ask->gfp & __GFP_WRITE);
	m->charge = groups_payer(m, ask);
	before = refused(m);
	for (unsigned i = 0; i < M_GROUPS; i++)
		usage[i] = ld_relaxed(&m->real[i].usage);
	scope_request(m, ask);
	*page = call_alloc(m, ask);
	was_refused = refused(m) != before;
	press_sums.refused += was_refused;
	if (press.failed || !check_group(m, ask, was_refused, usage, *page))
		return false;
	if (press.outside && stalls(m) == stalled && !press.near)
		return m_fail(m, "%u pages were given up, and nobody reclaims", press.outside);
	if (!*page && a.at_once && !was_refused)
		return m_fail(m, "got nothing, the rows say a page from zone %u", a.zone->id);
	return !*page || check_zone(m, ask, &a, *page);
}

bool press_end(struct model *m)
{
	press.quiet = true;
	zonal_inject(m->mm, 0, 0);
	for (unsigned i = 0; i < P_PLACES; i++) {
		struct place *p = &press.place[i];

		for (; p->pfn && p->pins; p->pins--)
			zonal_put(m->mm, zonal_page(m->mm, p->pfn));
		if (p->pfn)
			press_drop(p);
	}
	if (!spans_end(m))
		return false;
	for (unsigned i = 0; i < P_OWNERS; i++)
		zonal_owner_unregister(m->mm, press.owner[i]);
	return true;
}
