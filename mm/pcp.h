/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_PCP_H
#define MM_PCP_H

#include "request.h"

/* Everything here: interrupts masked, on the CPU that owns `pcp`. */

/* By one address, where what it is made of would else be added again at each use. */
static inline struct pcp_ring *pcp_ring_of(struct pcp *pcp, size_t type)
{
	struct pcp_ring *ring;

	DASSERT(type < ARRAY_SIZE(pcp->ring), "list %u", (unsigned)type);
	ZN_KEEP(type);
	ring = &pcp->ring[type];
	ZN_KEEP(ring);
	return ring;
}

static inline bool ring_has(const struct pcp_ring *ring) { return ring->head != ring->tail; }

static inline bool pcp_has(const struct pcp *pcp, unsigned type)
{
	return ring_has(&pcp->ring[type]);
}

/* The hot page of a list of `pcp` that must not be empty. The page is PCP still. */
static inline struct page *ring_pop(struct pcp *pcp, struct pcp_ring *ring)
{
	uint32_t head = ring->head;

	DASSERT_MASKED();
	DASSERT(ring_has(ring), "a list is empty");
	own_add(&pcp->count, -1u);
	ring->head = head + 1;
	return ring->slot[head & pcp->mask];
}

/* The same by type. */
static inline struct page *pcp_pop(struct pcp *pcp, unsigned type)
{
	DASSERT(type < MIGRATE_PCPTYPES, "list %u", type);
	return ring_pop(pcp, &pcp->ring[type]);
}

/* Fill the empty list of `type` from the zone and take its first page (P6). Takes
 * the zone lock. NULL: the zone has none that the flags allow. */
struct page *pcp_refill(struct zone *zone, struct pcp *pcp, unsigned type, unsigned flags);

/* What pcp_refill() left to do, if this CPU's pcp->owed says so (refill.c). Interrupts are as `irq`
 * says in between, so that the caller may be on another CPU behind it; masked again then. */
void pcp_refill_rest(struct zone *zone, unsigned type, unsigned flags, port_irqflags_t irq);

/* Did the last refill leave something to do? Only thefts take so long. */
static inline bool pcp_owes(const struct pcp *pcp) { return ZONAL_MOBILITY && pcp->owed; }

/* Whose turn it is to give, and how many pages (P10); carried from piece to piece of what
 * is one return. Begins as all zero but `left`, the pages still to be returned. */
struct pcp_turn {
	unsigned type;
	uint32_t give;
	uint32_t left;
};

/* Return up to `count` pages to the zone, coldest first, round robin (P10); how many it were.
 * Takes the zone lock. */
uint32_t pcp_give(struct zone *zone, struct pcp *pcp, struct pcp_turn *turn, uint32_t count);

/* The same as one return of its own. */
void pcp_bulk_free(struct zone *zone, struct pcp *pcp, uint32_t count);

/* P8: the list that lodges pages which go back to `type`. Not for ISOLATE: such a page
 * must not hide in a list. */
static inline unsigned pcp_list_of(unsigned type)
{
	DASSERT(type < MIGRATE_TYPES && type != MIGRATE_ISOLATE, "a list for type %u", type);
	return likely(type < MIGRATE_PCPTYPES) ? type : MIGRATE_MOVABLE;
}

/* P7: a freed page, already checked and to the hot end of `list`. `word` says that it is PCP
 * now and where its home is: its pageblock's type (P10). True: the CPU now holds `high`
 * pages, and the caller returns a batch (P9). */
static inline bool pcp_push(struct pcp *pcp, struct page *page, uint32_t word, unsigned list)
{
	struct pcp_ring *ring = pcp_ring_of(pcp, list);
	uint32_t head = ring->head - 1, count = ld_relaxed(&pcp->count) + 1;

	DASSERT_MASKED();
	DASSERT(ring->tail - head <= pcp->mask + 1, "pfn 0x%x into list %u, which is full",
		page->pfn, list);
	page_set_word(page, word);
	ring->head = head;
	ring->slot[head & pcp->mask] = page;
	st_relaxed(&pcp->count, count);
	return count >= pcp->high;
}

/* What this CPU's lists hold of the zone goes back (drain.c). The caller may move to another CPU
 * meanwhile. Context: not masked. */
void drain_here(struct zone *zone);
/* A batch at most of what CPU `c`, which may be another one, holds of the zone goes back, coldest
 * first (drain.c). Context: not masked. */
void drain_batch(struct zone *zone, unsigned c);

/* P2, P3: a batch, and how many pages a CPU keeps of a zone. */
struct pcp_size {
	unsigned batch, high;
};
struct pcp_size pcp_size_of(uint64_t managed, unsigned fraction);

/* P5: the lists of one CPU for one zone. That CPU, or nobody uses them yet or any more. */
void pcp_set_sizes(struct pcp *pcp, unsigned batch, unsigned high);

/* P2 and P5: sizes of every CPU's lists from each zone's managed pages. Context: boot. */
void pcp_setup(struct zonal *mm);

/* This CPU was not announced, or is dead. Masked, no lock held. */
void mm_unannounced_cpu(struct zonal *mm);

/* CPU `cpu` may use its lists from now on, or no longer. */
void pcp_announce(struct zonal *mm, unsigned cpu, bool on);

/* Slots that a ring needs for these sizes: a power of two. */
uint32_t pcp_ring_slots(unsigned batch, unsigned high);

#endif
