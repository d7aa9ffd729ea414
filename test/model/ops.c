/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operations of the differential test.
 *
 * Each draws its arguments, writes what it is going to do into m->last, asks the
 * predictor, runs, and compares. One thread plays all CPUs: it becomes a random
 * one before each operation, and for one in eight it is in an interrupt handler
 * of that CPU. Taking and giving alternate in tides, so that zones run empty and
 * whole blocks come together again.
 *
 * Not drawn: __GFP_NOFAIL (it may not return), two zone bits (a caller's bug, G2;
 * the unit tests have it), __GFP_DIRECT_RECLAIM in an interrupt (G11).
 */
#include "press.h"

#include <string.h>

static const gfp_t composites[] = {
	GFP_KERNEL,  GFP_KERNEL,    GFP_ATOMIC,           GFP_ATOMIC,
	GFP_NOWAIT,  GFP_NOIO,      GFP_NOFS,             GFP_USER,
	GFP_HIGHUSER, GFP_HIGHUSER_MOVABLE, GFP_HIGHUSER_MOVABLE, GFP_HIGHUSER_MOVABLE,
	GFP_TRANSHUGE_LIGHT, GFP_TRANSHUGE, GFP_KERNEL | GFP_DMA, GFP_KERNEL | GFP_DMA32,
	GFP_NOWAIT | __GFP_RECLAIMABLE, GFP_KERNEL | __GFP_RECLAIMABLE, GFP_NOWAIT | __GFP_HIGH, 0,
};

static const gfp_t modifiers[] = {
	__GFP_NOMEMALLOC, __GFP_MEMALLOC, __GFP_THISNODE, __GFP_HARDWALL, __GFP_ZERO,
	__GFP_COMP,       __GFP_NORETRY,  __GFP_RETRY_MAYFAIL, __GFP_WRITE, __GFP_HIGH,
};

static gfp_t draw_gfp(struct model *m, bool irq)
{
	gfp_t gfp = composites[m_below(m, ARRAY_SIZE(composites))] | __GFP_NOWARN;

	while (m_chance(m, 25))
		gfp |= modifiers[m_below(m, ARRAY_SIZE(modifiers))];
	if ((gfp & __GFP_MEMALLOC) && m_chance(m, 70))
		gfp &= ~__GFP_MEMALLOC;
	if (m->task_group[m->cpu] && m_chance(m, 70))
		gfp |= __GFP_ACCOUNT;
	if (irq)
		gfp &= ~__GFP_DIRECT_RECLAIM;
	return gfp;
}

static unsigned draw_order(struct model *m)
{
	static const unsigned wrong[] = { 11, 31, 32, 63, 64, ~0u };

	if (m_chance(m, 55))
		return 0;
	if (m_below(m, 200) == 0)
		return wrong[m_below(m, ARRAY_SIZE(wrong))];
	return m_chance(m, 80) ? 1 + m_below(m, 4) : m_below(m, MAX_ORDER);
}

static unsigned draw_node(struct model *m)
{
	unsigned n;

	do
		n = m_below(m, ZONAL_MAX_NODES);
	while (!nodemask_has(m->info.nodes, n));
	return n;
}

static nodemask_t draw_mask(struct model *m)
{
	return m_random(m) & m_random(m) & TABLE_NODES;
}

static void cpu_become(struct model *m, unsigned cpu)
{
	m->cpu = cpu;
	host_set_cpu(cpu);
}

static port_irqflags_t irq_begin(bool irq)
{
	port_irqflags_t flags = 0;

	if (!irq)
		return 0;
	flags = port_irq_save();
	port_this_cpu()->irq_depth++;
	return flags;
}

static void irq_end(bool irq, port_irqflags_t flags)
{
	if (!irq)
		return;
	port_this_cpu()->irq_depth--;
	port_irq_restore(flags);
}

/* Fault injection asks before any zone, after the order has been looked at (G4, G10). */
static bool injected(struct model *m, unsigned order)
{
	if (order >= MAX_ORDER || !m->inject_times)
		return false;
	if (m->inject_skip) {
		m->inject_skip--;
		return false;
	}
	m->inject_times--;
	return true;
}

void tally_take(struct model *m, const struct answer *a, unsigned order)
{
	struct tally *t = &m->tally[a->zone->id];

	t->taken_pages += 1ull << order;
	if (a->zone->node == a->preferred->node) {
		t->hit++;
	} else {
		t->miss++;
		m->tally[a->preferred->id].foreign++;
	}
	if (a->zone->node == m->cpu_node[m->cpu])
		t->local++;
	else
		t->other++;
	if (a->interleave == a->zone->node)
		t->interleave++;
}

/* Was `zone` asked because `wanted` did not serve? The counters say (Y2, Y3). */
static bool wanted_from(const struct model *m, const struct zone *zone, const struct zone *wanted)
{
	if (!wanted)
		return false;
	if (wanted->node != zone->node)
		return stat_sum(m, wanted->id, STAT_FOREIGN) == m->tally[wanted->id].foreign + 1;
	return stat_sum(m, zone->id, STAT_HIT_LOCAL) + stat_sum(m, zone->id, STAT_HIT_OTHER) ==
	       m->tally[zone->id].hit + 1;
}

void settle_resort(struct model *m, struct answer *a, struct zone *zone)
{
	for (unsigned i = 0; i < ARRAY_SIZE(a->resort); i++) {
		if (a->zone == zone && wanted_from(m, zone, a->preferred))
			return;
		if (!wanted_from(m, zone, a->resort[i][zone->id]))
			continue;
		a->preferred = a->resort[i][zone->id];
		a->zone = zone;
	}
}

static bool check_taken(struct model *m, struct answer *a, struct page *page)
{
	unsigned zid = page ? zonal_page_node(page) * ZONE_TYPES + zonal_page_zone(page) : 0;

	if (page && m->mm->zone[zid])
		settle_resort(m, a, m->mm->zone[zid]);
	if (!page != !a->zone)
		return m_fail(m, "got %s, the rows say %s zone %u", page ? "a page" : "nothing",
			      a->zone ? "a page from" : "nothing;", a->zone ? a->zone->id : 0);
	if (!page)
		return true;
	if (zid != a->zone->id)
		return m_fail(m, "page %#llx is of zone %u, the rows say %u",
			      (unsigned long long)zonal_pfn(page), zid, a->zone->id);
	if (ld_relaxed(&page->refs) != 1)
		return m_fail(m, "page %#llx has %d references, not 1",
			      (unsigned long long)zonal_pfn(page), (int)ld_relaxed(&page->refs));
	if (page != zonal_page(m->mm, zonal_pfn(page)))
		return m_fail(m, "page %#llx is not its own page",
			      (unsigned long long)zonal_pfn(page));
	return true;
}

struct page *call_alloc(struct model *m, const struct ask *ask)
{
	const nodemask_t *mask = ask->mask ? &ask->mask : NULL;
	port_irqflags_t flags = irq_begin(ask->irq);
	struct page *page;

	if (ask->by_policy)
		page = zonal_alloc(m->mm, ask->gfp, ask->order);
	else if (mask || m_chance(m, 20))
		page = zonal_alloc_mask(m->mm, ask->nid, ask->gfp, ask->order, mask);
	else
		page = zonal_alloc_node(m->mm, ask->nid, ask->gfp, ask->order);
	irq_end(ask->irq, flags);
	return page;
}

static struct ask draw_ask(struct model *m)
{
	struct ask ask = { .nid = NODE_NONE, .irq = m_below(m, 8) == 0 };

	ask.gfp = draw_gfp(m, ask.irq);
	ask.order = draw_order(m);
	ask.by_policy = m_chance(m, 50);
	if (!ask.by_policy && m_chance(m, 80))
		ask.nid = (int)draw_node(m);
	if (!ask.by_policy && m_chance(m, 40))
		ask.mask = draw_mask(m);
	return ask;
}

static bool press_alloc(struct model *m, const struct ask *ask)
{
	struct page *page;

	if (!press_request(m, ask, &page))
		return false;
	return !page || pages_take(m, zonal_pfn(page), ask->order,
				   (ask->gfp & __GFP_COMP) && ask->order, false);
}

static bool op_alloc(struct model *m)
{
	struct ask ask = draw_ask(m);
	struct answer a = { .interleave = -1 };
	struct page *page;
	bool compound = (ask.gfp & __GFP_COMP) && ask.order, pays;

	snprintf(m->last, sizeof(m->last), "CPU %u%s: alloc%s gfp %#x order %u nid %d mask %#llx",
		 m->cpu, ask.irq ? " irq" : "", ask.by_policy ? " by policy" : "", ask.gfp,
		 ask.order, ask.nid, (unsigned long long)ask.mask);
	if (m->press)
		return press_alloc(m, &ask);
	if (!injected(m, ask.order))
		a = walk_predict(m, &ask);
	pays = groups_pay(m, &ask);
	page = call_alloc(m, &ask);
	if (!pays)
		return groups_unpaid(m, &a, &ask, page);
	if (!check_taken(m, &a, page))
		return false;
	if (!page)
		return true;
	tally_take(m, &a, ask.order);
	return pages_take(m, zonal_pfn(page), ask.order, compound, false);
}

/* D13: what lies beyond the bytes asked for is given back at once, page by page. */
static bool op_exact(struct model *m)
{
	struct ask ask = { .nid = NODE_NONE, .by_policy = true };
	unsigned pages = 1 + m_below(m, 40), order = 0;
	struct answer a = { .interleave = -1 };
	struct page *page;
	bool pays;

	while (1u << order < pages)
		order++;
	ask.gfp = draw_gfp(m, false) & ~__GFP_COMP;
	ask.order = order;
	snprintf(m->last, sizeof(m->last), "CPU %u: exact gfp %#x, %u pages", m->cpu, ask.gfp,
		 pages);
	if (!injected(m, order))
		a = walk_predict(m, &ask);
	pays = groups_pay(m, &ask);
	page = zonal_alloc_exact(m->mm, ask.gfp, (size_t)pages * PAGE_SIZE - m_below(m, 4096));
	if (!pays)
		return groups_unpaid(m, &a, &ask, page);
	if (!check_taken(m, &a, page))
		return false;
	if (!page)
		return true;
	tally_take(m, &a, order);
	m->tally[a.zone->id].freed_pages += (1u << order) - pages;
	for (unsigned i = 0; i < pages; i++)
		if (!pages_take(m, zonal_pfn(page) + i, 0, false, true))
			return false;
	return true;
}

static bool op_free(struct model *m)
{
	unsigned i = m->live_count ? m_below(m, m->live_count) : 0;
	bool irq = m_below(m, 8) == 0;
	struct live *b = &m->live[i];
	port_irqflags_t flags;
	bool put;

	if (!m->live_count)
		return true;
	snprintf(m->last, sizeof(m->last), "CPU %u%s: free %#x order %u refs %u", m->cpu,
		 irq ? " irq" : "", b->pfn, b->order, b->refs);
	flags = irq_begin(irq);
	put = m_chance(m, 30);
	if (put)
		zonal_put(m->mm, zonal_page(m->mm, b->pfn));
	else
		zonal_free(m->mm, zonal_page(m->mm, b->pfn),
			   b->was && m_chance(m, 50) ? b->was : b->order);
	irq_end(irq, flags);
	if (!put && b->refs > 1 && b->order && !b->compound)
		pages_give_tail(m, i);
	if (--b->refs == 0)
		pages_give(m, i);
	return true;
}

static bool op_get(struct model *m)
{
	struct live *b = &m->live[m->live_count ? m_below(m, m->live_count) : 0];

	if (!m->live_count || b->refs > 5)
		return true;
	snprintf(m->last, sizeof(m->last), "CPU %u: get %#x", m->cpu, b->pfn);
	zonal_get(zonal_page(m->mm, b->pfn));
	b->refs++;
	return true;
}

static bool op_split(struct model *m)
{
	unsigned i = m->live_count ? m_below(m, m->live_count) : 0;
	struct live b = m->live[i];

	if (!m->live_count || !b.order || b.compound || b.refs != 1 ||
	    m->live_count + (1u << b.order) > M_BLOCKS)
		return true;
	snprintf(m->last, sizeof(m->last), "CPU %u: split %#x order %u", m->cpu, b.pfn, b.order);
	zonal_split(m->mm, zonal_page(m->mm, b.pfn), b.order);
	pages_remove(m, i);
	for (unsigned k = 0; k < 1u << b.order; k++)
		m->live[m->live_count++] = (struct live){ .pfn = b.pfn + k, .refs = 1,
							  .group = b.group };
	return true;
}

/* A frame that has this owner in the model, or M_PFNS after some tries. */
static pfn_t draw_frame(struct model *m, enum owner owner)
{
	for (unsigned tries = 0; tries < 40; tries++) {
		const struct boot_range *r = &m->info.range[m_below(m, m->info.range_count)];
		pfn_t pfn = (r->start >> PAGE_SHIFT) +
			    m_below(m, (unsigned)(r->size >> PAGE_SHIFT));

		if (m->owner[pfn] == owner)
			return pfn;
	}
	return M_PFNS;
}

/* Trust items 7, 9, 19: each is reported once, at the call, and changes nothing. */
static bool op_misuse(struct model *m)
{
	bool reserved = m_chance(m, 30);
	pfn_t pfn = draw_frame(m, reserved ? O_RESERVED : O_FREE);
	unsigned order = m_below(m, MAX_ORDER);

	if (m->live_count && m_chance(m, 40)) {
		const struct live *b = &m->live[m_below(m, m->live_count)];

		/* Of what is left of a shared block the old order is right as well (B17). */
		if (order == b->order || (b->was && order == b->was) || b->refs != 1)
			return true;
		pfn = b->pfn;
	}
	if (pfn == M_PFNS)
		return true;
	snprintf(m->last, sizeof(m->last), "CPU %u: wrong free of %#llx (owner %u) order %u",
		 m->cpu, (unsigned long long)pfn, m->owner[pfn], order);
	zonal_free(m->mm, zonal_page(m->mm, pfn), order);
	m->bad++;
	return true;
}

/* D1-D3: freed with a flag that must be clear: reported and leaked. */
static bool op_bad_page(struct model *m)
{
	static const uint32_t flags[] = { PG_LOCKED, PG_LRU, PG_SLAB, PG_WRITEBACK, PG_MLOCKED };
	unsigned i = m->live_count ? m_below(m, m->live_count) : 0;
	struct live *b = &m->live[i];
	struct page *page;

	/* A page that is retired goes without a word, whatever else is wrong with it (D5). */
	if (!m->live_count || b->refs != 1 || b->order > 1 || m->marked[b->pfn])
		return true;
	snprintf(m->last, sizeof(m->last), "CPU %u: free %#x order %u with a flag", m->cpu, b->pfn,
		 b->order);
	page = zonal_page(m->mm, b->pfn);
	atomic_fetch_or(&page->word, flags[m_below(m, ARRAY_SIZE(flags))]);
	zonal_free(m->mm, page, b->order);
	m->bad++;
	memset(m->owner + b->pfn, O_LEAKED, (size_t)1 << b->order);
	groups_charge(m, b->group, -((int64_t)1 << b->order));
	pages_remove(m, i);
	return true;
}

static bool op_drain(struct model *m)
{
	unsigned zid = m_below(m, M_ZIDS), way = m_below(m, 3);
	struct zone *zone = way == 2 ? m->mm->zone[zid] : NULL;

	snprintf(m->last, sizeof(m->last), "CPU %u: drain %s %u", m->cpu,
		 way ? "all" : "local", zone ? zid : 0);
	if (way == 0)
		zonal_drain_local(m->mm);
	else
		zonal_drain_all(m->mm, zone);
	for (unsigned z = 0; z < M_ZIDS; z++)
		for (unsigned c = 0; c < m->cpu_count; c++)
			if (m->mm->zone[z] && (!zone || z == zid) && (way || c == m->cpu) &&
			    ld_relaxed(&m->mm->cpu[c]->pcp[z].count))
				return m_fail(m, "CPU %u keeps pages of zone %u", c, z);
	return true;
}

static bool op_reserved(struct model *m)
{
	pfn_t pfn = draw_frame(m, O_RESERVED);
	struct tally *t;
	int error;

	if (pfn == M_PFNS)
		return true;
	t = &m->tally[(unsigned)board_node(m, pfn) * ZONE_TYPES + board_zone(m, pfn)];
	if (!t->managed)
		return true;
	snprintf(m->last, sizeof(m->last), "CPU %u: free reserved %#llx", m->cpu,
		 (unsigned long long)pfn);
	error = zonal_free_reserved(m->mm, pfn);
	if (error)
		return m_fail(m, "gives %d", error);
	m->owner[pfn] = O_FREE;
	t->managed++;
	return true;
}

bool op_run(struct model *m)
{
	/* The tide turns every 256 operations or so. */
	bool rising = (m->op >> 8) % 3 != 2;
	unsigned dice = m_below(m, 1000);

	cpu_become(m, m_below(m, m->cpu_count));
	press_idle();
	if (m->press && (press.alone || m_chance(m, 60)))
		return press_op(m);
	if (dice < 880)
		return m_chance(m, rising ? 65 : 25) ? op_alloc(m) : op_free(m);
	if (dice < 900)
		/* Not where what its request does beside is held against rules: press_request(). */
		return m->press || op_exact(m);
	if (dice < 920)
		return op_split(m);
	if (dice < 940)
		return op_get(m);
	if (dice < 950)
		return op_drain(m);
	if (dice < 960)
		return op_misuse(m);
	if (dice < 963)
		return op_bad_page(m);
	if (dice < 965)
		return op_tunable(m);
	if (dice < 967)
		return op_inject(m);
	if (dice < 969)
		return op_reserved(m);
	if (dice < 971)
		return op_cpu(m);
	if (dice < 975)
		return op_group(m);
	return dice < 985 ? op_policy(m) : op_mems(m);
}
