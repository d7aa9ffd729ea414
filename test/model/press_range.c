/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ranges, CMA areas, bad pages, compaction and the background tasks on a board under pressure.
 *
 * What must come of a range: if nobody uses a page of the largest blocks that hold it but owners
 * who can move theirs, and there is room for them, it is had; and what is had was used by nobody
 * else. Which of the others are busy hangs on the moment. A bad page's answer follows from who has
 * the page.
 */
#include "press.h"

#include <string.h>

#define LARGEST ((pfn_t)1 << (MAX_ORDER - 1))

static void scope_range(pfn_t start, pfn_t end)
{
	press.scope = (struct scope){ .gives = true, .nodes = press_nodes(press.m),
				      .top_zone = ZONE_TYPES, .moves = MOVES_FROM_RANGE,
				      .start = start, .end = end };
}

/* Some pages of RAM in a row, as a rule aligned to something. */
static void draw_range(struct model *m, pfn_t *start, pfn_t *end)
{
	const struct boot_range *r = &m->info.range[m_below(m, m->info.range_count)];
	unsigned pages = (unsigned)(r->size >> PAGE_SHIFT), order = m_below(m, MAX_ORDER);
	pfn_t first = r->start >> PAGE_SHIFT;
	uint64_t want = m_chance(m, 60) ? (uint64_t)1 << order : 1 + m_below(m, 700);

	*start = first + m_below(m, pages);
	if (m_chance(m, 50) && align_up(first, LARGEST) + LARGEST <= first + pages) {
		first = align_up(first, LARGEST);
		*start = first + m_below(m, LARGEST);
		want = ZN_MIN(want, first + LARGEST - *start);
	}
	if (m_chance(m, 70))
		*start = ZN_MAX(first, align_down(*start, (uint64_t)1 << order));
	*end = ZN_MIN(*start + want, first + pages);
}

/* The zone of the page can spare so many without a look at anything but LOW. */
static bool has_spare(const struct model *m, pfn_t pfn, uint64_t pages)
{
	unsigned zid = (unsigned)board_node(m, pfn) * ZONE_TYPES + board_zone(m, pfn);
	struct zone *z = m->mm->zone[zid];
	int64_t free = ld_relaxed(&z->free) - ld_relaxed(&z->highatomic);
	const struct zonal_task *task = &m->task[m->cpu];

	for (unsigned order = 0; order < MAX_ORDER; order++)
		free -= (int64_t)z->list[MIGRATE_CMA][order].count << order;
	return !press.loose && !press.near && !(task->unusual & ZTASK_CONFINED) &&
	       free > (int64_t)pages + ld_relaxed(&z->boost) + ld_relaxed(&z->mark[WMARK_HIGH]) +
			      ld_relaxed(&z->lowmem_reserve[ZONE_MOVABLE]);
}

/* Nothing keeps its page where it is. */
static bool can_leave(const struct place *p)
{
	return !p->pins && !p->stays && press_ops[p->owner].move_prepare;
}

/* Nobody uses a page of the largest blocks around the range but owners who can move, there is
 * room for theirs, and all are RAM of one zone. */
static bool is_sure(const struct model *m, pfn_t start, pfn_t end)
{
	pfn_t low = align_down(start, LARGEST), high = align_up(end, LARGEST);
	int node = board_node(m, start);
	enum zone_type zone = board_zone(m, start);
	uint64_t used = 0;

	for (pfn_t p = low; p < high; p++) {
		if (p >= M_PFNS || board_node(m, p) != node || board_zone(m, p) != zone ||
		    (m->owner[p] != O_FREE && m->owner[p] != O_TAKEN))
			return false;
		used += m->owner[p] == O_TAKEN;
	}
	for (unsigned i = 0; i < P_PLACES; i++) {
		const struct place *p = &press.place[i];

		used -= p->pfn >= low && p->pfn < high && can_leave(p);
	}
	return !used && has_spare(m, start, high - low);
}

/* The pages are somebody's now. */
static bool span_take(struct model *m, pfn_t start, uint64_t pages, int area)
{
	for (uint64_t i = 0; i < pages; i++)
		if (!frames_take(m, start + i, 0))
			return false;
	*(area < 0 ? &press_sums.ranges : &press_sums.areas) += 1;
	press.span[press.span_count++] = (struct span){ (uint32_t)start, (uint32_t)pages, area };
	return true;
}

static bool take_range(struct model *m)
{
	pfn_t start, end;
	bool sure;
	int error;

	draw_range(m, &start, &end);
	snprintf(m->last, sizeof(m->last), "CPU %u: range %#llx to %#llx", m->cpu,
		 (unsigned long long)start, (unsigned long long)end);
	/* An area's pages are not for everybody. */
	sure = is_sure(m, start, end) && !zonal_cma_areas(m->mm);
	press_sums.sure += sure;
	press.quiet = true;
	scope_range(start, end);
	error = zonal_alloc_contig_range(m->mm, start, end - start, GFP_KERNEL);
	press.quiet = false;
	if (error && sure)
		return m_fail(m, "gives %d, and all of it can leave", error);
	if (error && error != ZONAL_EBUSY && error != ZONAL_EINVAL)
		return m_fail(m, "gives %d", error);
	return error || span_take(m, start, end - start, -1);
}

static bool take_pages(struct model *m)
{
	uint64_t pages = 1 + m_below(m, m_chance(m, 50) ? 64 : 1200);
	struct page *page;

	snprintf(m->last, sizeof(m->last), "CPU %u: %llu pages in a row", m->cpu,
		 (unsigned long long)pages);
	scope_range(0, M_PFNS);
	/* Out of the range that is emptied at the moment: which one only the core knows. */
	press.scope.moves = MOVES_ANYWHERE;
	page = zonal_alloc_contig_pages(m->mm, pages, GFP_HIGHUSER_MOVABLE | __GFP_NOWARN,
					NODE_NONE, NULL);
	if (page && zonal_pfn(page) % pages)
		return m_fail(m, "begins at %#llx", (unsigned long long)zonal_pfn(page));
	return !page || span_take(m, zonal_pfn(page), pages, -1);
}

static bool take_area(struct model *m)
{
	unsigned areas = zonal_cma_areas(m->mm), area = areas ? m_below(m, areas) : 0;
	uint64_t pages = 1 + m_below(m, 600);
	struct zonal_cma_info info;
	struct page *page;

	if (!areas || !zonal_cma_info(m->mm, area, &info))
		return take_range(m);
	snprintf(m->last, sizeof(m->last), "CPU %u: %llu pages of area %u", m->cpu,
		 (unsigned long long)pages, area);
	scope_range(info.start, info.start + info.pages);
	press.scope.moves = MOVES_ANYWHERE;
	page = zonal_cma_alloc(m->mm, area, pages, m_below(m, 4));
	if (!page)
		return true;
	if (zonal_pfn(page) < info.start || zonal_pfn(page) + pages > info.start + info.pages)
		return m_fail(m, "pfn %#llx is outside of it", (unsigned long long)zonal_pfn(page));
	return span_take(m, zonal_pfn(page), pages, (int)area);
}

static bool span_give(struct model *m, unsigned i)
{
	struct span s = press.span[i];
	uint64_t used = 0;
	bool fit = true;

	snprintf(m->last, sizeof(m->last), "CPU %u: %u pages from %#x go back", m->cpu, s.pages,
		 s.pfn);
	for (unsigned k = 0; k < s.pages; k++)
		frames_give(m, s.pfn + k, 0);
	press.span[i] = press.span[--press.span_count];
	if (s.area >= 0)
		fit = zonal_cma_release(m->mm, (unsigned)s.area, zonal_page(m->mm, s.pfn), s.pages);
	else
		used = zonal_free_contig_range(m->mm, s.pfn, s.pages);
	return (fit && !used) || m_fail(m, "it is refused, or %llu pages are in use",
					(unsigned long long)used);
}

bool spans_end(struct model *m)
{
	while (press.span_count)
		if (!span_give(m, press.span_count - 1))
			return false;
	return true;
}

/* ---- bad pages ---------------------------------------------------------------- */

static struct place *place_at(pfn_t pfn)
{
	for (unsigned i = 0; i < P_PLACES; i++)
		if (press.place[i].pfn == pfn)
			return &press.place[i];
	return NULL;
}

/* The block in use that holds the frame: its head; M_PFNS: none that may be marked. */
static pfn_t head_of(const struct model *m, pfn_t pfn)
{
	for (unsigned i = 0; i < m->live_count; i++) {
		const struct live *b = &m->live[i];

		if (pfn >= b->pfn && pfn < b->pfn + (1u << b->order))
			/* Of what is given back in parts one keeps the mark. */
			return b->refs > 1 || b->was || b->order ? M_PFNS : b->pfn;
	}
	return pfn;
}

/* One that an owner has: it is moved, or marked if that cannot be. */
static bool retire_place(struct model *m, struct place *p, pfn_t pfn)
{
	bool stuck = !can_leave(p), sure = !stuck && has_spare(m, pfn, 1);
	unsigned answer;

	press.quiet = true;
	m->marked[pfn] = true;
	answer = zonal_page_retire(m->mm, pfn, NULL);
	press.quiet = false;
	if (answer == ZONAL_RETIRED_MOVED && !stuck)
		return m->owner[pfn] == O_LEAKED || m_fail(m, "moved, and its owner has it still");
	if (answer == ZONAL_RETIRED_LATER && !sure)
		return m->owner[pfn] == O_TAKEN || m_fail(m, "later, and its owner has it no more");
	return m_fail(m, "gives %u for an owner's page", answer);
}

static bool retire_other(struct model *m, pfn_t pfn)
{
	unsigned answer = zonal_page_retire(m->mm, pfn, NULL), want;

	switch ((enum owner)m->owner[pfn]) {
	case O_FREE:
		want = ZONAL_RETIRED_FREE;
		if (frames_take(m, pfn, 0)) {
			m->marked[pfn] = true;
			frames_give(m, pfn, 0);
		}
		break;
	case O_TAKEN:
		want = ZONAL_RETIRED_LATER;
		m->marked[pfn] = true;
		break;
	case O_RESERVED:
		want = ZONAL_RETIRED_RESERVED;
		m->owner[pfn] = O_NONE; /* and nobody frees it any more */
		break;
	case O_LEAKED:
		want = ZONAL_RETIRED_ALREADY;
		break;
	case O_NONE:
	default:
		return true;
	}
	return answer == want || m_fail(m, "gives %u, not %u", answer, want);
}

static bool retire(struct model *m)
{
	struct place *p = m_chance(m, 50) ? press_draw(true) : NULL;
	pfn_t start, end;

	draw_range(m, &start, &end);
	if (p)
		start = p->pfn;
	p = place_at(start);
	if (!p && head_of(m, start) == M_PFNS)
		return true;
	snprintf(m->last, sizeof(m->last), "CPU %u: page %#llx is bad", m->cpu,
		 (unsigned long long)start);
	scope_range(start, start + 1);
	return p ? retire_place(m, p, start) : retire_other(m, start);
}

/* ---- pages to a node ----------------------------------------------------------- */

static bool to_node(struct model *m)
{
	struct page *page[64];
	unsigned count = 0, want = 1 + m_below(m, ARRAY_SIZE(page)), nid, moved;

	do
		nid = m_below(m, ZONAL_MAX_NODES);
	while (!nodemask_has(m->info.nodes, nid));
	for (unsigned i = 0; i < want; i++) {
		const struct place *p = press_draw(true);

		if (p)
			page[count++] = zonal_page(m->mm, p->pfn);
	}
	snprintf(m->last, sizeof(m->last), "CPU %u: %u pages to node %u", m->cpu, count, nid);
	scope_range(0, M_PFNS);
	press.scope.moves = MOVES_TO_NODE;
	press.scope.nid = (int)nid;
	moved = zonal_pages_to_node(m->mm, page, count, (int)nid);
	return moved == press.moved || m_fail(m, "says %u moved, not %u", moved, press.moved);
}

bool op_range(struct model *m)
{
	unsigned way = m_below(m, 100);

	if (way < 35 && press.span_count)
		return span_give(m, m_below(m, press.span_count));
	if (way < 70 && press.span_count < P_SPANS)
		return way < 50 ? take_area(m) : way < 60 ? take_range(m) : take_pages(m);
	/* What is retired is gone for good: leave enough. */
	if (way < 76)
		return retire(m);
	return to_node(m);
}

/* ---- compaction and the background tasks ------------------------------------------ */

static bool compact(struct model *m, int nid)
{
	struct zonal_compacted out;

	press.scope = (struct scope){ .moves = MOVES_IN_ZONE };
	snprintf(m->last, sizeof(m->last), "CPU %u: compact node %d", m->cpu, nid);
	zonal_compact(m->mm, nid, &out);
	return out.moved >= press.moved ||
	       m_fail(m, "says %llu moved, not %u", (unsigned long long)out.moved, press.moved);
}

bool op_background(struct model *m)
{
	unsigned way = m_below(m, 10), nid;

	do
		nid = m_below(m, ZONAL_MAX_NODES);
	while (!nodemask_has(m->info.nodes, nid));
	if (way == 9)
		return compact(m, m_chance(m, 70) ? (int)nid : NODE_NONE);
	press.scope = (struct scope){ .gives = way < 6, .nodes = node_bit(nid),
				      .top_zone = ZONE_TYPES,
				      .moves = way < 6 ? MOVES_NONE : MOVES_IN_ZONE };
	snprintf(m->last, sizeof(m->last), "CPU %u: turn of %s of node %u", m->cpu,
		 way < 6 ? "kswapd" : "kcompactd", nid);
	if (way < 6)
		zonal_kswapd_turn(m->mm, nid, m_chance(m, 50));
	else
		zonal_kcompactd_turn(m->mm, nid);
	return true;
}
