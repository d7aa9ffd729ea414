/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plain model: one byte a frame, and a table of live blocks.
 *
 * It knows nothing of lists, orders of free blocks or per-CPU caches: a frame is
 * free or it has an owner. Handing out a frame that has one, a block that is not
 * aligned, that crosses a node or zone border, or that holds a reserved frame is
 * seen here at once, whatever the instance's own bookkeeping says.
 */
#include "press.h"

#include <string.h>

static uint8_t owner_of[M_PFNS], marked[M_PFNS];
static uint64_t tag_of[M_PFNS];

static bool frame_is_reserved(const struct boot_info *info, pfn_t pfn)
{
	for (unsigned i = 0; i < info->reserved_count; i++) {
		const struct boot_range *r = &info->reserved[i];

		if (r->flags & BOOT_CMA)
			continue;
		if (pfn >= r->start >> PAGE_SHIFT && pfn < (r->start + r->size) >> PAGE_SHIFT)
			return true;
	}
	return false;
}

static unsigned zid_of(const struct model *m, pfn_t pfn)
{
	return (unsigned)board_node(m, pfn) * ZONE_TYPES + board_zone(m, pfn);
}

void pages_init(struct model *m)
{
	memset(owner_of, O_NONE, sizeof(owner_of));
	memset(marked, 0, sizeof(marked));
	m->owner = owner_of;
	m->marked = marked;
	m->tag = tag_of;
	for (unsigned i = 0; i < m->info.range_count; i++) {
		pfn_t pfn = m->info.range[i].start >> PAGE_SHIFT;
		pfn_t end = pfn + (m->info.range[i].size >> PAGE_SHIFT);

		for (; pfn < end; pfn++) {
			if (frame_is_reserved(&m->info, pfn)) {
				owner_of[pfn] = O_RESERVED;
				continue;
			}
			owner_of[pfn] = O_FREE;
			m->tally[zid_of(m, pfn)].managed++;
		}
	}
}

static bool block_fits(struct model *m, pfn_t pfn, unsigned order)
{
	pfn_t end = pfn + ((pfn_t)1 << order);

	if (pfn & (((pfn_t)1 << order) - 1))
		return m_fail(m, "block %#llx is not aligned to order %u", (unsigned long long)pfn,
			      order);
	if (end > M_PFNS)
		return m_fail(m, "block %#llx lies outside of RAM", (unsigned long long)pfn);
	for (pfn_t p = pfn; p < end; p++) {
		if (owner_of[p] != O_FREE)
			return m_fail(m, "frame %#llx of block %#llx order %u was not free: %u",
				      (unsigned long long)p, (unsigned long long)pfn, order,
				      owner_of[p]);
		if (zid_of(m, p) != zid_of(m, pfn))
			return m_fail(m, "block %#llx order %u crosses a zone at %#llx",
				      (unsigned long long)pfn, order, (unsigned long long)p);
	}
	return true;
}

/* Whoever reads there now reads something else. */
static void scribble(struct model *m, pfn_t pfn, unsigned order)
{
	for (pfn_t p = pfn; p < pfn + ((pfn_t)1 << order); p++)
		m->tag[p] = ++m->stamp;
}

bool frames_take(struct model *m, pfn_t pfn, unsigned order)
{
	if (!block_fits(m, pfn, order))
		return false;
	memset(owner_of + pfn, O_TAKEN, (size_t)1 << order);
	scribble(m, pfn, order);
	m->tally[zid_of(m, pfn)].taken += 1ull << order;
	return true;
}

void frames_give(struct model *m, pfn_t pfn, unsigned order)
{
	struct tally *t = &m->tally[zid_of(m, pfn)];

	scribble(m, pfn, order);
	t->freed_pages += 1ull << order;
	memset(owner_of + pfn, marked[pfn] ? O_LEAKED : O_FREE, (size_t)1 << order);
	if (marked[pfn]) {
		/* Of a block its head alone counts. */
		press.retired[board_node(m, pfn)]++;
		press_sums.retired++;
	} else {
		t->taken -= 1ull << order;
	}
	marked[pfn] = 0;
}

bool pages_take(struct model *m, pfn_t pfn, unsigned order, bool compound, bool exact)
{
	if (!frames_take(m, pfn, order))
		return false;
	if (m->live_count == M_BLOCKS)
		return m_fail(m, "the model's table M_BLOCKS = %d is full", M_BLOCKS);
	m->live[m->live_count++] = (struct live){ .pfn = (uint32_t)pfn,
						  .order = (uint8_t)order,
						  .refs = 1,
						  .compound = compound,
						  .exact = exact,
						  .group = (uint8_t)m->charge };
	groups_charge(m, m->charge, (int64_t)1 << order);
	return true;
}

void pages_remove(struct model *m, unsigned i)
{
	m->live[i] = m->live[--m->live_count];
}

void pages_give_tail(struct model *m, unsigned i)
{
	struct live *b = &m->live[i];
	struct tally *t = &m->tally[zid_of(m, b->pfn)];
	uint64_t pages = (1ull << b->order) - 1;

	memset(owner_of + b->pfn + 1, O_FREE, pages);
	t->taken -= pages;
	t->freed_pages += pages;
	groups_charge(m, b->group, -(int64_t)pages);
	b->was = b->order;
	b->order = 0;
}

void pages_give(struct model *m, unsigned i)
{
	const struct live *b = &m->live[i];

	frames_give(m, b->pfn, b->order);
	groups_charge(m, b->group, -((int64_t)1 << b->order));
	pages_remove(m, i);
}
