/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What owners do by themselves on a board under pressure: take pages and list them, read back what
 * was given up, touch, write, hold, refuse, drop.
 *
 * A place is empty, in memory, or in its owner's store. Pages come through press_request(), charged
 * to the group of the task that takes them, as any other request; so that a full board reclaims,
 * compacts and fails here.
 */
#include "press.h"

static const gfp_t fill_gfp[] = { GFP_HIGHUSER_MOVABLE, GFP_HIGHUSER_MOVABLE, GFP_USER,
				  GFP_NOFS, GFP_NOIO, GFP_NOWAIT, GFP_KERNEL | __GFP_RECLAIMABLE,
				  GFP_KERNEL | GFP_DMA, GFP_KERNEL | GFP_DMA32 };

struct place *press_draw(bool in_memory)
{
	for (unsigned tries = 0; tries < 12; tries++) {
		struct place *p = &press.place[m_below(press.m, P_PLACES)];

		if (in_memory ? p->pfn != 0 : !p->pfn)
			return p;
	}
	return NULL;
}

/* Nobody may find it before it is removed, and it is removed before it is freed. */
void press_drop(struct place *p)
{
	struct page *page = zonal_page(press.m->mm, p->pfn);

	press_forget(p);
	p->known = p->dirty = p->writing = p->used = false;
	zonal_page_remove(press.m->mm, page);
	zonal_free(press.m->mm, page, 0);
}

/* The page that came for a place is listed, and reads as it should. */
static void place_page(struct model *m, struct place *p, struct page *page)
{
	p->pfn = (uint32_t)zonal_pfn(page);
	p->group = (uint8_t)m->charge;
	p->handle = (m_random(m) >> 20) * P_PLACES + (uint64_t)(p - press.place);
	m->tag[p->pfn] = p->truth;
	if (p->owner == 0 && p->known) {
		press.room++;
		zonal_swap_room(m->mm, 1);
	}
	p->known = true;
	zonal_page_add(m->mm, press.owner[p->owner], page, p->handle);
}

/* New contents, or what the store has: which must be what was written last. */
static bool place_contents(struct model *m, struct place *p)
{
	press_sums.read_back += p->known;
	if (!p->known) {
		*p = (struct place){ .owner = (uint8_t)m_below(m, press.alone ? 2 : P_OWNERS),
				     .truth = m_random(m) };
		p->stored = p->truth;
	}
	return p->stored == p->truth ||
	       m_fail(m, "place %u reads %#llx from its store, not %#llx",
		      (unsigned)(p - press.place), (unsigned long long)p->stored,
		      (unsigned long long)p->truth);
}

static bool fill_one(struct model *m, const struct ask *ask, bool *more)
{
	struct place *p = press_draw(false);
	struct page *page;

	*more = false;
	if (!p)
		return true;
	if (!place_contents(m, p) || !press_request(m, ask, &page))
		return false;
	if (!page)
		return true;
	if (!frames_take(m, zonal_pfn(page), 0))
		return false;
	groups_charge(m, m->charge, 1);
	place_page(m, p, page);
	*more = true;
	return true;
}

bool op_fill(struct model *m)
{
	unsigned count = 1 + m_below(m, 24), done = 0;
	struct ask ask = { .nid = NODE_NONE, .by_policy = m_chance(m, 60) };
	bool more = true;

	ask.gfp = fill_gfp[m_below(m, ARRAY_SIZE(fill_gfp))] | __GFP_NOWARN;
	if (m->task_group[m->cpu] && m_chance(m, 80))
		ask.gfp |= __GFP_ACCOUNT;
	if (!ask.by_policy)
		ask.nid = (int)nodemask_first(press_nodes(m));
	for (; done < count && more; done++) {
		snprintf(m->last, sizeof(m->last), "CPU %u: fill place, gfp %#x, %u of %u", m->cpu,
			 ask.gfp, done + 1, count);
		if (!fill_one(m, &ask, &more))
			return false;
	}
	return true;
}

/* ---- one place --------------------------------------------------------------- */

static void place_write(struct model *m, struct place *p)
{
	if (p->writing)
		press_write_done(p);
	p->truth = m_random(m);
	m->tag[p->pfn] = p->truth;
	if (!p->owner)
		return;
	p->dirty = true;
	zonal_page_set_dirty(m->mm, zonal_page(m->mm, p->pfn));
}

static void place_pin(struct model *m, struct place *p)
{
	struct page *page = zonal_page(m->mm, p->pfn);

	if (p->pins && m_chance(m, 60)) {
		p->pins--;
		zonal_put(m->mm, page);
	} else if (p->pins < 3) {
		p->pins++;
		zonal_get(page);
	}
}

/* Several at once, of any nodes, with one call. */
static void drop_some(struct model *m)
{
	struct page *page[40];
	unsigned count = 0, want = 1 + m_below(m, ARRAY_SIZE(page));

	for (unsigned tries = 0; tries < want; tries++) {
		struct place *p = press_draw(true);

		if (!p || p->pins)
			continue;
		page[count++] = zonal_page(m->mm, p->pfn);
		press_forget(p);
		p->known = p->dirty = p->writing = p->used = false;
	}
	zonal_pages_remove(m->mm, page, count);
	while (count)
		zonal_free(m->mm, page[--count], 0);
}

/* What is in the store alone is forgotten. */
static void forget_stored(struct model *m)
{
	struct place *p = press_draw(false);

	if (!p || !p->known)
		return;
	if (!p->owner) {
		press.room++;
		zonal_swap_room(m->mm, 1);
	}
	*p = (struct place){ .known = false };
}

static void write_turn(struct model *m)
{
	unsigned left = 1 + m_below(m, 60);

	for (unsigned i = 0; i < P_PLACES && left; i++) {
		struct place *p = &press.place[i];

		if (!p->pfn || !p->writing)
			continue;
		press_write_done(p);
		left--;
	}
}

static void change_room(struct model *m)
{
	int64_t change = m_chance(m, 50) ? (int64_t)m_below(m, 300) : -(int64_t)press.room;

	press.room = (unsigned)((int64_t)press.room + change);
	zonal_swap_room(m->mm, change);
}

static void place_change(struct model *m, struct place *p, unsigned way)
{
	struct page *page = zonal_page(m->mm, p->pfn);

	if (way < 4)
		place_write(m, p);
	else if (way < 8)
		zonal_page_touch(m->mm, page);
	else if (way < 10)
		p->used = true;
	else if (way < 12)
		place_pin(m, p);
	else if (way < 13)
		p->keeps = m_chance(m, 30);
	else if (way < 14)
		p->stays = m_chance(m, 30);
	else if (!p->pins)
		press_drop(p);
}

bool op_place(struct model *m)
{
	unsigned way = m_below(m, 24);
	struct place *p = press_draw(true);

	snprintf(m->last, sizeof(m->last), "CPU %u: place %d, change %u", m->cpu,
		 p ? (int)(p - press.place) : -1, way);
	if (way == 20)
		drop_some(m);
	else if (way == 21)
		forget_stored(m);
	else if (way == 22)
		write_turn(m);
	else if (way == 23)
		change_room(m);
	else if (p)
		place_change(m, p, way);
	return true;
}
