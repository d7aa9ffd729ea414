/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory groups in the differential test (rows Z5-Z7).
 *
 * The model keeps of each group its parent, its limit and the pages that are charged to it and to
 * those below; of each block, its group. No page of a board can be reclaimed and no task ended (of
 * boards under pressure press.c says what holds), so a charge fits or it does not: the exact usage
 * of every group upwards plus the block against the limit. What CPUs have in store counts as usage
 * until it is settled. Who may wait has it settled on the way; for who may not, and where a group
 * is over its limit with what is in store, because of those who are charged in any case, it is
 * settled before, so that there is one answer.
 *
 * A block whose charge fails was taken and given back: it is found by what its zone counts.
 *
 * After each operation the usage of every group, less what is in store for it, must be the
 * model's; now and then the group of every block.
 */
#include <stdlib.h>

#include "press.h"

static void *map;

bool groups_begin(struct model *m)
{
	size_t bytes = zonal_group_map_bytes(m->mm);
	int error;

	map = calloc(1, bytes);
	error = map ? zonal_groups_begin(m->mm, map, bytes) : ZONAL_ENOMEM;
	return !error || m_fail(m, "a map of %zu bytes gives %d", bytes, error);
}

void groups_end(struct model *m)
{
	(void)m;
	free(map);
	map = NULL;
}

static struct m_group *group_of(struct model *m, unsigned id)
{
	return id ? &m->group[id - 1] : NULL;
}

/* `pages` more in group `id` and above; negative: less. */
void groups_charge(struct model *m, unsigned id, int64_t pages)
{
	for (struct m_group *g = group_of(m, id); g; g = group_of(m, g->parent))
		g->usage += (uint64_t)pages;
}

/* What a request of this CPU's task is charged to. */
unsigned groups_payer(const struct model *m, const struct ask *ask)
{
	return (ask->gfp & __GFP_ACCOUNT) && !ask->irq ? m->task_group[m->cpu] : 0;
}

bool groups_pay(struct model *m, const struct ask *ask)
{
	uint64_t pages = ask->order < MAX_ORDER ? 1ull << ask->order : 0;
	unsigned id = groups_payer(m, ask);
	bool fits = true, settle = !(ask->gfp & __GFP_DIRECT_RECLAIM);

	m->charge = id;
	for (struct m_group *g = group_of(m, id); g; g = group_of(m, g->parent)) {
		fits &= g->usage + pages <= g->limit;
		settle |= ld_relaxed(&m->real[g - m->group].usage) > g->limit;
	}
	if (id && settle)
		zonal_group_settle(m->mm);
	return fits || (ask->gfp & __GFP_ATOMIC) || (m->task[m->cpu].flags & ZTASK_MEMALLOC);
}

/* The zone that has got back a block since it was counted last; NULL: none. */
static struct zone *given_back(const struct model *m, unsigned order)
{
	for (unsigned zid = 0; order < MAX_ORDER && zid < M_ZIDS; zid++)
		if (m->mm->zone[zid] &&
		    stat_sum(m, zid, STAT_FREED) == m->tally[zid].freed_pages + (1ull << order))
			return m->mm->zone[zid];
	return NULL;
}

bool groups_unpaid(struct model *m, struct answer *a, const struct ask *ask, struct page *page)
{
	struct zone *zone = given_back(m, ask->order);

	if (page)
		return m_fail(m, "got a page that group %u cannot pay", m->charge);
	if (zone)
		settle_resort(m, a, zone);
	if (zone != a->zone)
		return m_fail(m, "zone %d has a block back, the rows say %d", zone ? zone->id : -1,
			      a->zone ? a->zone->id : -1);
	if (!zone)
		return true;
	a->interleave = -1; /* counted when the caller has his page */
	tally_take(m, a, ask->order);
	m->tally[zone->id].freed_pages += 1ull << ask->order;
	return true;
}

/* ---- operations ------------------------------------------------------------- */

static uint64_t draw_limit(struct model *m)
{
	if (m_chance(m, 20))
		return ZONAL_GROUP_NO_LIMIT;
	return 1 + m_below(m, m_chance(m, 50) ? 100 : 3000);
}

static unsigned draw_group(struct model *m)
{
	unsigned id = 1 + m_below(m, M_GROUPS);

	return group_of(m, id)->used ? id : 0;
}

static bool make(struct model *m, unsigned id)
{
	struct m_group *g = group_of(m, id);
	int error;

	*g = (struct m_group){ .used = true, .parent = (uint8_t)draw_group(m),
			       .limit = draw_limit(m) };
	snprintf(m->last, sizeof(m->last), "group %u below %u, limit %llu", id, g->parent,
		 (unsigned long long)g->limit);
	error = zonal_group_make(m->mm, &m->real[id - 1],
				 g->parent ? &m->real[g->parent - 1] : NULL, g->limit);
	return !error || m_fail(m, "gives %d", error);
}

static bool set_limit(struct model *m, unsigned id)
{
	struct m_group *g = group_of(m, id);
	uint64_t limit = draw_limit(m);
	int error, want;

	/* Who works for reclaim must not ask for more. */
	if (m->task[m->cpu].flags & ZTASK_MEMALLOC)
		return true;
	press.scope.group = id;
	snprintf(m->last, sizeof(m->last), "CPU %u: group %u, limit %llu", m->cpu, id,
		 (unsigned long long)limit);
	error = zonal_group_limit(&m->real[id - 1], limit);
	/* Where pages can be reclaimed, what is left of them counts. */
	want = g->usage > limit ? ZONAL_ENOMEM : 0;
	if (!error)
		g->limit = limit;
	return error == want || m_fail(m, "gives %d, not %d", error, want);
}

static bool has_members(const struct model *m, unsigned id)
{
	bool any = false;

	for (unsigned c = 0; c < m->cpu_count; c++)
		any |= m->task_group[c] == id;
	for (unsigned i = 0; i < M_GROUPS; i++)
		any |= m->group[i].used && m->group[i].parent == id;
	return any;
}

static bool drop(struct model *m, unsigned id)
{
	struct m_group *g = group_of(m, id);
	int error, want = g->usage || has_members(m, id) ? ZONAL_EINVAL : 0;

	snprintf(m->last, sizeof(m->last), "CPU %u: group %u is dropped", m->cpu, id);
	error = zonal_group_drop(&m->real[id - 1]);
	g->used = error != 0;
	return error == want || m_fail(m, "gives %d, not %d", error, want);
}

bool op_group(struct model *m)
{
	unsigned id = 1 + m_below(m, M_GROUPS), way = m_below(m, 10);

	if (!group_of(m, id)->used)
		return way > 4 || make(m, id);
	if (way < 2)
		return drop(m, id);
	if (way < 5)
		return set_limit(m, id);
	if (way == 5)
		id = 0;
	snprintf(m->last, sizeof(m->last), "the task of CPU %u joins group %u", m->cpu, id);
	m->task_group[m->cpu] = (uint8_t)id;
	zonal_group_join(id ? &m->real[id - 1] : NULL, &m->task[m->cpu]);
	return true;
}

/* ---- comparison ------------------------------------------------------------- */

static bool is_within(struct model *m, const struct zonal_group *inner, const struct zonal_group *g)
{
	(void)m;
	while (inner && inner != g)
		inner = inner->parent;
	return inner;
}

static uint64_t in_store(struct model *m, const struct zonal_group *g)
{
	uint64_t pages = 0;

	for (unsigned c = 0; c < m->cpu_count; c++) {
		const struct group_store *store = &m->mm->cpu[c]->store;

		pages += store->pages && is_within(m, store->group, g) ? store->pages : 0;
	}
	return pages;
}

bool groups_verify(struct model *m)
{
	for (unsigned i = 0; i < M_GROUPS; i++) {
		struct zonal_group *g = &m->real[i];
		uint64_t usage = ld_relaxed(&g->usage) - (m->group[i].used ? in_store(m, g) : 0);

		if (g->used != m->group[i].used)
			return m_fail(m, "group %u is one, or is not", i + 1);
		if (!g->used)
			continue;
		if (usage != m->group[i].usage)
			return m_fail(m, "group %u uses %llu pages, not %llu", i + 1,
				      (unsigned long long)usage,
				      (unsigned long long)m->group[i].usage);
		if (ld_relaxed(&g->limit) != m->group[i].limit || ld_relaxed(&g->pins))
			return m_fail(m, "group %u: limit %llu, %u pins", i + 1,
				      (unsigned long long)ld_relaxed(&g->limit),
				      ld_relaxed(&g->pins));
	}
	return true;
}

bool groups_verify_pages(struct model *m)
{
	for (unsigned i = 0; i < m->live_count; i++) {
		const struct live *b = &m->live[i];
		const struct zonal_group *g = zonal_page_group(m->mm, zonal_page(m->mm, b->pfn));

		if (g != (b->group ? &m->real[b->group - 1] : NULL))
			return m_fail(m, "block %#x is charged to another group than %u", b->pfn,
				      b->group);
	}
	return true;
}
