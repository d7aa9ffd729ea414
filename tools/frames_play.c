/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Playing the calls of a record on an instance.
 *
 * One thread is each CPU in turn. A call runs as the task it says: real-time, allowed
 * to use reserves, kept from CMA pages, in an interrupt. Requests go through the ladder
 * (zonal_alloc_mask), or, in the pass `lanes`, through zonal_alloc() where that comes to
 * the same: the CPU's own node, no nodemask. Then a lane takes what it can and
 * hands on what it cannot, and the frames must be the same.
 *
 * What the player holds is kept by frame, so that a record cannot free what was not given
 * to it; a free that the record should not have had ends the play.
 */
#include <string.h>
#include <zonal/port.h>

#include "frames.h"
#include "mm/alloc.h"
#include "mm/mobility.h"
#include "mm/pcp.h"
#include "mm/take.h"

const char *call_text(const struct fr_call *c)
{
	static char text[120];

	switch (c->kind) {
	case 'a':
		snprintf(text, sizeof(text), "a %x %u %d %llx %x %x", c->gfp, c->order, c->nid,
			 (unsigned long long)c->mask, c->task, c->pfn);
		break;
	case 'u':
		snprintf(text, sizeof(text), "u %x %d %llx %d %d", c->gfp, c->nid,
			 (unsigned long long)c->mask, c->force, c->moved);
		break;
	case 'd':
		return "d";
	case 'k':
		snprintf(text, sizeof(text), "k %d", c->nid);
		break;
	case 'D':
		snprintf(text, sizeof(text), "D %d %u %u %u %u %u", c->nid, c->cpu, c->type,
			 c->give, c->left, c->count);
		break;
	case 'l':
		snprintf(text, sizeof(text), "l %x %d", c->pfn, c->force);
		break;
	default:
		snprintf(text, sizeof(text), "%c %x %u", c->kind, c->pfn, c->order);
	}
	return text;
}

static void be(const struct player *p, const struct fr_call *c)
{
	struct port_cpu *cpu;

	host_set_cpu(p->cpu);
	cpu = port_this_cpu();
	zonal_task_init(cpu->task);
	if (c->task & FR_TASK_REALTIME)
		cpu->task->flags |= ZTASK_REALTIME;
	if (c->task & FR_TASK_MEMALLOC)
		cpu->task->flags |= ZTASK_MEMALLOC;
	if (c->task & FR_TASK_NOCMA)
		cpu->task->flags |= ZTASK_NOCMA;
	if (c->task & FR_TASK_VICTIM)
		st_relaxed(&cpu->task->fate, ZONAL_FATE_VICTIM);
	cpu->irq_depth = c->task & FR_TASK_IRQ ? 1 : 0;
}

static void be_nobody(void)
{
	port_this_cpu()->irq_depth = 0;
	zonal_task_init(port_this_cpu()->task);
}

static bool own_node(const struct player *p, const struct fr_call *c)
{
	return !c->mask && c->nid == p->f->cpu_node[p->cpu];
}

static pfn_t take(struct player *p, const struct fr_call *c)
{
	bool lane = p->lanes && own_node(p, c);
	/* What reclaim gave is in the record by itself, before the request that waited for it. */
	gfp_t gfp = (c->gfp | __GFP_NOWARN) & ~(__GFP_DIRECT_RECLAIM | __GFP_NOFAIL);
	nodemask_t mask = c->mask;
	struct page *page;

	p->by_lane += lane;
	be(p, c);
	page = lane ? zonal_alloc(p->mm, gfp, c->order) :
		      zonal_alloc_mask(p->mm, c->nid, gfp, c->order, mask ? &mask : NULL);
	be_nobody();
	p->nulls += !page;
	if (page)
		p->held[zonal_pfn(page) - p->first] = (uint8_t)(c->order + 1);
	return page ? zonal_pfn(page) : 0;
}

static void hold_part(struct player *p, pfn_t pfn, unsigned order)
{
	struct page *page = zonal_page(p->mm, pfn);
	unsigned zid = page_zid(page);

	page_set_word(page, word_make(zid, PAGE_INNER, 0));
	st_relaxed(&page->refs, 0);
	page_prepare(page, word_make(zid, PAGE_USED, order));
	p->held[pfn - p->first] = (uint8_t)(order + 1);
}

void player_cut(struct player *p, pfn_t pfn, unsigned order)
{
	pfn_t head = pfn, size;
	unsigned found = order;

	if (pfn < p->first || pfn >= p->end)
		return;
	while (found < MAX_ORDER && (head < p->first || p->held[head - p->first] != found + 1)) {
		found++;
		head = pfn & ~(((pfn_t)1 << found) - 1);
	}
	for (; found < MAX_ORDER && found > order; found--) {
		size = (pfn_t)1 << (found - 1);
		hold_part(p, head, found - 1);
		hold_part(p, head + size, found - 1);
		head = pfn & ~(size - 1);
	}
}

/* The block of a call, held with that order, or NULL. */
static struct page *held_block(struct player *p, const struct fr_call *c)
{
	if (p->f->ours)
		player_cut(p, c->pfn, c->order);
	if (c->pfn < p->first || c->pfn >= p->end || p->held[c->pfn - p->first] != c->order + 1)
		return NULL;
	return zonal_page(p->mm, c->pfn);
}

static void give(struct player *p, const struct fr_call *c, struct page *page)
{
	p->held[c->pfn - p->first] = 0;
	zonal_free(p->mm, page, c->order);
}

static void give_rest(struct player *p, const struct fr_call *c, struct page *page)
{
	p->held[c->pfn - p->first] = 1;
	zonal_get(page);
	zonal_free(p->mm, page, c->order);
}

static void split(struct player *p, const struct fr_call *c, struct page *page)
{
	zonal_split(p->mm, page, c->order);
	memset(&p->held[c->pfn - p->first], 1, (size_t)1 << c->order);
}

void player_request(const struct player *p, const struct fr_call *c, struct alloc_req *req)
{
	const struct node *node = p->mm->node[c->nid];

	*req = (struct alloc_req){
		.mm = p->mm,
		.task = port_this_cpu()->task,
		.list = c->gfp & __GFP_THISNODE ? &node->nofallback : &node->fallback,
		.gfp = c->gfp,
		.nodemask = c->mask ? c->mask : NODEMASK_ALL,
		.order = c->order,
		.type = (uint8_t)gfp_migratetype(p->mm, c->gfp),
		.high_zone = (uint8_t)gfp_zone(c->gfp),
		.nid = c->nid,
	};
}

static bool unreserve(struct player *p, const struct fr_call *c)
{
	struct alloc_req req;

	be(p, c);
	player_request(p, c, &req);
	return highatomic_unreserve(&req, c->force);
}

static void drain_piece(struct player *p, const struct fr_call *c)
{
	struct pcp_turn turn = { .type = c->type, .give = c->give, .left = c->left };
	port_irqflags_t irq;

	be(p, c);
	irq = port_irq_save();
	pcp_give(player_zone(p, (unsigned)c->nid), &p->mm->cpu[c->cpu]->pcp[c->nid], &turn,
		 c->count);
	port_irq_restore(irq);
}

/* On its owner's list it is nobody's to free. False: it was not where it should be. */
static bool list_page(struct player *p, const struct fr_call *c)
{
	struct page *page = c->force ? held_block(p, c) : zonal_page(p->mm, c->pfn);

	if (!page || (!c->force && !(page_word(page) & PG_LRU)))
		return false;
	be(p, c);
	if (c->force)
		zonal_page_add(p->mm, player_owner(p), page, c->pfn);
	else
		zonal_page_remove(p->mm, page);
	p->held[c->pfn - p->first] = c->force ? 0 : 1;
	return true;
}

bool player_call(struct player *p, const struct fr_call *c, struct outcome *out)
{
	struct page *page = strchr("frs", c->kind) ? held_block(p, c) : NULL;

	*out = (struct outcome){ 0 };
	p->calls++;
	switch (c->kind) {
	case 'a':
		out->pfn = take(p, c);
		return true;
	case 'u':
		out->moved = unreserve(p, c);
		return true;
	case 'D':
		drain_piece(p, c);
		return true;
	case 'l':
		return list_page(p, c);
	case 'd':
		be(p, c);
		zonal_drain_local(p->mm);
		return true;
	default:
		if (!page)
			return false;
		be(p, c);
		(c->kind == 'f' ? give : c->kind == 'r' ? give_rest : split)(p, c, page);
		return true;
	}
}
