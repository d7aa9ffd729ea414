/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The owners of a board under pressure: what the core calls, and whether it may.
 *
 * Three of them: anonymous pages, which go while there is room in the store; a cache, whose dirty
 * pages must be written first; and a cache that moves nothing. A page's contents are a number
 * (m->tag), which hand-outs and frees of the frame overwrite: a page that was freed too early,
 * given to two, or moved without its owner's knowledge reads wrong from then on.
 *
 * Every callback looks for a place by page and handle and refuses what is not there. A commit that
 * was not prepared, a page given up while it is dirty or held, a target that was not free, and a
 * page that this operation has no right to touch (struct scope) are failures.
 *
 * While the core has asked and holds no lock, the world goes on: in some callbacks another place is
 * touched, dirtied, written or dropped, as another CPU would.
 */
#include "press.h"

static struct place *find(const struct page *page, uint64_t handle)
{
	struct place *p = &press.place[handle % P_PLACES];

	return p->pfn == zonal_pfn(page) && p->handle == handle ? p : NULL;
}

static void wrong(const char *what, const struct page *page)
{
	press.failed = true;
	m_fail(press.m, "%s: pfn %#llx, handle %#llx", what, (unsigned long long)zonal_pfn(page),
	       (unsigned long long)zonal_page_handle(page));
}

unsigned press_node(const struct place *p) { return (unsigned)board_node(press.m, p->pfn); }

bool press_within(const struct model *m, unsigned id, unsigned top)
{
	while (id && id != top)
		id = m->group[id - 1].parent;
	return id != 0;
}

void press_forget(struct place *p)
{
	groups_charge(press.m, p->group, -1);
	frames_give(press.m, p->pfn, 0);
	p->pfn = 0;
	p->group = 0;
}

void press_write_done(struct place *p)
{
	p->writing = false;
	p->stored = press.m->tag[p->pfn];
	zonal_page_written(press.m->mm, zonal_page(press.m->mm, p->pfn));
}

static void write_begins(struct place *p)
{
	struct page *page = zonal_page(press.m->mm, p->pfn);

	p->dirty = false;
	p->writing = true;
	zonal_page_set_clean(press.m->mm, page);
	zonal_page_writing(press.m->mm, page);
}

/* Another CPU, or an interrupt handler, does something with another page. */
static void meanwhile(void)
{
	struct place *p = press.quiet || !m_chance(press.m, 8) ? NULL : press_draw(true);

	if (!p || p->asked)
		return;
	if (p->writing)
		press_write_done(p);
	else if (m_chance(press.m, 40))
		zonal_page_touch(press.m->mm, zonal_page(press.m->mm, p->pfn));
	else if (m_chance(press.m, 40))
		p->used = true;
	else if (!p->pins)
		press_drop(p);
}

static bool used(void *ctx, struct page *page, uint64_t handle)
{
	struct place *p = find(page, handle);
	bool was = p && p->used;

	(void)ctx;
	if (p)
		p->used = false;
	return was;
}

/* May the page go, by what runs now? */
static void judge_give(const struct place *p)
{
	const struct scope *s = &press.scope;

	press.gave++;
	press.stolen++;
	press_sums.gave++;
	if (s->group && press_within(press.m, p->group, s->group))
		return;
	press.outside++;
	if (!s->gives || !nodemask_has(s->nodes, press_node(p)) ||
	    (unsigned)board_zone(press.m, p->pfn) > s->top_zone)
		wrong("given up, though nothing that runs may ask for it",
		      zonal_page(press.m->mm, p->pfn));
}

/* The page that either prepare is about; others do something first. NULL: it has gone. */
static struct place *asked_for(struct page *page, uint64_t handle)
{
	struct place *p;

	meanwhile();
	p = find(page, handle);
	if (p && p->asked)
		wrong("asked for twice", page);
	return p;
}

static enum zonal_give give_prepare(void *ctx, struct page *page, uint64_t handle, unsigned may)
{
	struct place *p = asked_for(page, handle);

	(void)ctx;
	if (!p)
		return ZONAL_GIVE_GONE;
	if (p->keeps)
		return m_chance(press.m, 50) ? ZONAL_GIVE_BUSY : ZONAL_GIVE_USED;
	if (p->writing)
		return ZONAL_GIVE_WRITING;
	if (press_ops[p->owner].kind == ZONAL_ANON && !press.room)
		return ZONAL_GIVE_NO_ROOM;
	if (p->dirty && !(may & ZONAL_MAY_WRITE))
		return ZONAL_GIVE_DIRTY;
	if (p->dirty) {
		write_begins(p);
		return ZONAL_GIVE_WRITING;
	}
	p->asked = A_GIVE;
	return ZONAL_GIVE_YES;
}

static void give_commit(void *ctx, struct page *page, uint64_t handle)
{
	struct place *p = find(page, handle);

	(void)ctx;
	if (!p || p->asked != A_GIVE || p->dirty || p->writing || p->pins) {
		wrong("given up without being prepared, dirty or held", page);
		return;
	}
	p->asked = A_NOTHING;
	judge_give(p);
	if (press_ops[p->owner].kind == ZONAL_ANON) {
		p->stored = press.m->tag[p->pfn];
		press.room--;
		zonal_swap_room(press.m->mm, -1);
	}
	press_forget(p);
	meanwhile();
}

static enum zonal_give move_prepare(void *ctx, struct page *page, uint64_t handle, unsigned may)
{
	struct place *p = asked_for(page, handle);

	(void)ctx;
	if (!p)
		return ZONAL_GIVE_GONE;
	if (p->writing && (may & ZONAL_MAY_WAIT))
		press_write_done(p);
	if (p->writing)
		return ZONAL_GIVE_WRITING;
	if (p->stays)
		return ZONAL_GIVE_BUSY;
	p->asked = A_MOVE;
	return ZONAL_GIVE_YES;
}

/* May it be moved there, by what runs now? */
static bool may_move(pfn_t from, pfn_t to)
{
	const struct scope *s = &press.scope;

	switch (s->moves) {
	case MOVES_IN_ZONE:
		return board_node(press.m, from) == board_node(press.m, to) &&
		       board_zone(press.m, from) == board_zone(press.m, to);
	case MOVES_FROM_RANGE:
		return from >= s->start && from < s->end && (to < s->start || to >= s->end);
	case MOVES_TO_NODE:
		return board_node(press.m, to) == s->nid;
	case MOVES_ANYWHERE:
		return true;
	case MOVES_NONE:
	default:
		return false;
	}
}

static void move_commit(void *ctx, struct page *from, struct page *to, uint64_t handle)
{
	struct place *p = find(from, handle);
	struct model *m = press.m;
	pfn_t pfn = zonal_pfn(to);

	(void)ctx;
	if (!p || p->asked != A_MOVE || p->writing || p->pins || zonal_page_handle(to) != handle) {
		wrong("moved without being prepared, or its new frame has another handle", from);
		return;
	}
	p->asked = A_NOTHING;
	if (!may_move(p->pfn, pfn))
		wrong("moved, though nothing that runs may", from);
	if (!frames_take(m, pfn, 0))
		press.failed = true;
	m->tag[pfn] = m->tag[p->pfn];
	if (zonal_page_set_clean(m->mm, from))
		zonal_page_set_dirty(m->mm, to);
	frames_give(m, p->pfn, 0);
	p->pfn = (uint32_t)pfn;
	press.moved++;
	press_sums.moved++;
}

static void aborted(void *ctx, struct page *page, uint64_t handle, bool moving)
{
	struct place *p = find(page, handle);

	(void)ctx;
	if (!p || p->asked != (moving ? A_MOVE : A_GIVE))
		wrong("an abort of what was not prepared", page);
	else if (!p->pins)
		wrong("an abort, though nobody holds it", page);
	if (p)
		p->asked = A_NOTHING;
}

static void write_back(void *ctx, unsigned nid, uint64_t pages)
{
	(void)ctx;
	for (unsigned i = 0; i < P_PLACES && pages; i++) {
		struct place *p = &press.place[i];

		if (!p->pfn || !p->dirty || p->asked || press_node(p) != nid)
			continue;
		write_begins(p);
		pages--;
	}
}

const struct zonal_owner_ops press_ops[P_OWNERS] = {
	{ .name = "model-anon", .kind = ZONAL_ANON, .used = used, .give_prepare = give_prepare,
	  .give_commit = give_commit, .move_prepare = move_prepare, .move_commit = move_commit,
	  .abort = aborted },
	{ .name = "model-cache", .kind = ZONAL_CACHE, .used = used, .give_prepare = give_prepare,
	  .give_commit = give_commit, .move_prepare = move_prepare, .move_commit = move_commit,
	  .abort = aborted, .write_back = write_back },
	{ .name = "model-fixed", .kind = ZONAL_CACHE, .used = used, .give_prepare = give_prepare,
	  .give_commit = give_commit, .abort = aborted, .write_back = write_back },
};
