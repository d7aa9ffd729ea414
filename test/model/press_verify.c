/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Holds a board under pressure against the model, after every operation.
 *
 *	places    each page in memory reads what was written last, has its handle, its references
 *	          and its group
 *	lists     what a node's lists hold of each kind is what the owners have there; none is
 *	          off its list; dirty and being written as the model counts them; of each group
 *	          likewise, those below it included
 *	counters  pages given up are the pgsteal_ events; retired pages and what CMA areas have
 *	          given out are the model's
 *
 * Broken on purpose, each noticed within 10,000 operations, and by what:
 *
 *	group_free() drops the charge it should give back          usage of the group
 *	a move without the handle; without group_move()            move_commit(); usage
 *	an isolated block's free pages stay in their lists           zonal_check()
 *	lru_unlink() does not count a page that is rotated          zonal_check()
 *	reclaim commits a page that somebody holds                  give_commit()
 *	reclaim takes pages of zones above the request's            judge_give()
 *	zonal_pages_to_node() without __GFP_THISNODE                may_move()
 *	zonal_cma_release() leaves the marks                        verify_areas()
 *	a charge fails while what it needs is in a CPU's store      check_group()
 *
 * The last one the code really had.
 */
#include "press.h"

struct count {
	uint64_t listed[ZONAL_KINDS], dirty, writing;
};

static bool verify_place(struct model *m, const struct place *p)
{
	unsigned n = (unsigned)(p - press.place);
	struct page *page;
	const struct zonal_group *group;

	if (p->asked)
		return m_fail(m, "place %u was prepared, and nothing came of it", n);
	if (!p->pfn)
		return true;
	page = zonal_page(m->mm, p->pfn);
	group = zonal_page_group(m->mm, page);
	if (m->tag[p->pfn] != p->truth || m->owner[p->pfn] != O_TAKEN)
		return m_fail(m, "place %u reads %#llx at pfn %#x, not %#llx", n,
			      (unsigned long long)m->tag[p->pfn], p->pfn,
			      (unsigned long long)p->truth);
	if (zonal_page_handle(page) != p->handle || ld_relaxed(&page->refs) != 1 + p->pins)
		return m_fail(m, "place %u, pfn %#x: handle %#llx, %d references", n, p->pfn,
			      (unsigned long long)zonal_page_handle(page),
			      (int)ld_relaxed(&page->refs));
	if (group != (p->group ? &m->real[p->group - 1] : NULL))
		return m_fail(m, "place %u, pfn %#x: charged to another group than %u", n, p->pfn,
			      p->group);
	return true;
}

/* What the owners have on a node; of a group and those below it, if `group` is not 0. */
static struct count count_places(const struct model *m, unsigned nid, unsigned group)
{
	struct count c = { .dirty = 0 };

	for (unsigned i = 0; i < P_PLACES; i++) {
		const struct place *p = &press.place[i];

		if (!p->pfn || press_node(p) != nid ||
		    (group && !press_within(m, p->group, group)))
			continue;
		c.listed[press_ops[p->owner].kind]++;
		c.dirty += p->dirty;
		c.writing += p->writing;
	}
	return c;
}

static bool verify_node(struct model *m, unsigned nid)
{
	struct count c = count_places(m, nid, 0);
	struct zonal_lru_counts is;

	zonal_lru_counts(m->mm, nid, &is);
	for (unsigned k = 0; k < ZONAL_KINDS; k++)
		if (is.inactive[k] + is.active[k] != c.listed[k] || is.isolated[k])
			return m_fail(m, "node %u lists %llu + %llu pages of kind %u, not %llu; "
					 "%llu are off their lists", nid,
				      (unsigned long long)is.inactive[k],
				      (unsigned long long)is.active[k], k,
				      (unsigned long long)c.listed[k],
				      (unsigned long long)is.isolated[k]);
	if (is.dirty != c.dirty || is.writing != c.writing)
		return m_fail(m, "node %u: %llu dirty, %llu writing, not %llu and %llu", nid,
			      (unsigned long long)is.dirty, (unsigned long long)is.writing,
			      (unsigned long long)c.dirty, (unsigned long long)c.writing);
	if (zonal_retired_pages(m->mm, nid) != press.retired[nid])
		return m_fail(m, "node %u has %llu retired pages, not %llu", nid,
			      (unsigned long long)zonal_retired_pages(m->mm, nid),
			      (unsigned long long)press.retired[nid]);
	return true;
}

static bool verify_group_lists(struct model *m, unsigned nid, unsigned id)
{
	struct count c = count_places(m, nid, id);
	struct zonal_lru_counts is;

	zonal_group_lru_counts(&m->real[id - 1], nid, &is);
	for (unsigned k = 0; k < ZONAL_KINDS; k++)
		if (is.inactive[k] + is.active[k] != c.listed[k])
			return m_fail(m, "group %u lists %llu + %llu pages of kind %u on node %u, "
					 "not %llu", id, (unsigned long long)is.inactive[k],
				      (unsigned long long)is.active[k], k, nid,
				      (unsigned long long)c.listed[k]);
	return true;
}

static uint64_t event_sum(const struct model *m, enum vm_event event)
{
	uint64_t sum = 0;

	for (unsigned c = 0; c < m->cpu_count; c++)
		sum += ld_relaxed(&m->mm->cpu[c]->event[event]);
	return sum;
}

static bool verify_stolen(struct model *m)
{
	uint64_t sum = event_sum(m, EVENT_PGSTEAL_ANON) + event_sum(m, EVENT_PGSTEAL_FILE);

	return sum == press.stolen ||
	       m_fail(m, "%llu pages are counted as reclaimed, not %llu", (unsigned long long)sum,
		      (unsigned long long)press.stolen);
}

static bool verify_areas(struct model *m)
{
	for (unsigned area = 0; area < zonal_cma_areas(m->mm); area++) {
		struct zonal_cma_info info;
		uint64_t given = 0;

		for (unsigned i = 0; i < press.span_count; i++)
			if (press.span[i].area == (int)area)
				given += press.span[i].pages;
		if (!zonal_cma_info(m->mm, area, &info) || info.used != given)
			return m_fail(m, "area %u has given out %llu pages, not %llu", area,
				      (unsigned long long)info.used, (unsigned long long)given);
	}
	return true;
}

bool press_verify(struct model *m)
{
	if (press.failed)
		return false;
	for (unsigned i = 0; i < P_PLACES; i++)
		if (!verify_place(m, &press.place[i]))
			return false;
	for (unsigned nid = 0; nid < ZONAL_MAX_NODES; nid++)
		if (nodemask_has(m->info.nodes, nid) && m->mm->node[nid] && !verify_node(m, nid))
			return false;
	for (unsigned i = 0; m->op % 16 == 0 && i < M_GROUPS * M_NODES; i++) {
		unsigned id = 1 + i % M_GROUPS, nid = i / M_GROUPS;

		if (m->group[id - 1].used && nodemask_has(m->info.nodes, nid) &&
		    !verify_group_lists(m, nid, id))
			return false;
	}
	return verify_stolen(m) && verify_areas(m);
}
