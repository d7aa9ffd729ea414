/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One batch of pages: which can go, which stay, where.
 *
 * For each page of an inactive list, in this order (5.10's, through the owner's callbacks):
 *
 *	being written       kswapd meets it a second time: all is waiting for the disk. Else it
 *	                    is marked, so that it goes to the old end when it is written
 *	used through a mapping   the first time it stays here; the second, it becomes active
 *	used by calls only  a cache page must be clean then, for it is still wanted a little
 *	the owner           prepares: unmaps, writes, or refuses
 *	references          only the owner's and ours? then he forgets it, and it is freed
 *
 * An answer that is no decides where the page goes: back here, or to the active list, when
 * looking at it again soon would be in vain.
 *
 * No lock is held while owners are asked. The lists' lock is taken in isolate.c, for a batch.
 */
#include "scan.h"

#include "lib/assert.h"
#include "mm/trace.h"

/* What is being written waits on the active list, and comes back when it is written. */
static enum page_verdict meet_writing(struct scan *s, struct page *page)
{
	if (word_set(page, PG_ROTATE) & PG_ROTATE)
		s->seen.immediate += s->kswapd;
	return VERDICT_ACTIVATE;
}

static enum page_verdict verdict_of(struct scan *s, struct page *page, enum zonal_give give)
{
	switch (give) {
	case ZONAL_GIVE_USED:
	case ZONAL_GIVE_NO_ROOM:
		return VERDICT_ACTIVATE;
	case ZONAL_GIVE_DIRTY:
		s->seen.dirty++;
		return VERDICT_KEEP;
	case ZONAL_GIVE_WRITING:
		word_set(page, PG_ROTATE);
		s->seen.started++;
		return VERDICT_KEEP;
	case ZONAL_GIVE_GONE:
	case ZONAL_GIVE_BUSY:
		return VERDICT_KEEP;
	case ZONAL_GIVE_YES:
	case ZONAL_GIVES:
	default:
		port_panic("reclaim: pfn 0x%x: answer %d", page->pfn, (int)give);
	}
}

/* Used since reclaim saw it last? The first time only means that it is not the next to go. */
static bool still_used(const struct zonal_owner *owner, struct page *page, uint64_t handle,
		       enum page_verdict *verdict)
{
	uint32_t before;

	if (!owner->ops->used(owner->ctx, page, handle))
		return false;
	before = word_set(page, PG_REFERENCED);
	*verdict = before & PG_REFERENCED ? VERDICT_ACTIVATE : VERDICT_KEEP;
	return true;
}

static enum page_verdict look_at(struct scan *s, struct page *page)
{
	const struct zonal_owner *owner = owner_of(s->mm, page);
	uint64_t handle = page->links.handle;
	enum page_verdict verdict;
	enum zonal_give give;
	uint32_t word = page_word(page);

	if (!(word & PG_LRU))
		return VERDICT_KEEP; /* removed meanwhile: to put it back frees it */
	if (word & PG_WRITEBACK)
		return meet_writing(s, page);
	if (still_used(owner, page, handle, &verdict))
		return verdict;
	if (word & PG_REFERENCED) {
		word_clear(page, PG_REFERENCED);
		if ((word & PG_DIRTY) && owner->ops->kind == ZONAL_CACHE) {
			s->seen.dirty++;
			return VERDICT_KEEP;
		}
	}
	give = owner->ops->give_prepare(owner->ctx, page, handle, s->may);
	if (give != ZONAL_GIVE_YES)
		return verdict_of(s, page, give);
	if (!held_by_two(page)) {
		owner->ops->abort(owner->ctx, page, handle, false);
		return VERDICT_KEEP;
	}
	owner->ops->give_commit(owner->ctx, page, handle);
	trace(s->mm, FREE_BATCHED, page->pfn, 0);
	lru_free_isolated(s->mm, page, owner->ops->kind);
	return VERDICT_FREE;
}

static void count_batch(const struct scan *s, unsigned kind, uint64_t looked_at, uint64_t freed)
{
	struct mm_cpu *cpu;
	port_irqflags_t irq = port_irq_save();

	cpu = mm_this_cpu(s->mm);
	/* As in 5.10: what a group does among its own pages is not the board's lack. */
	if (!s->group) {
		own_add(&cpu->event[s->kswapd ? EVENT_PGSCAN_KSWAPD : EVENT_PGSCAN_DIRECT],
			looked_at);
		own_add(&cpu->event[s->kswapd ? EVENT_PGSTEAL_KSWAPD : EVENT_PGSTEAL_DIRECT],
			freed);
	}
	own_add(&cpu->event[EVENT_PGSCAN_ANON + kind], looked_at);
	own_add(&cpu->event[EVENT_PGSTEAL_ANON + kind], freed);
	port_irq_restore(irq);
}

/* What a batch cost: pages that had to be written. What is long ago weighs less: beyond a quarter
 * of all pages on the lists, both costs are halved. */
static void note_cost(struct node *node, unsigned kind, uint64_t written)
{
	struct lru *lru = &node->reclaim.lru;
	port_irqflags_t irq = port_irq_save();
	uint64_t size = 0, sum = 0;

	lock_take(&lru->lock);
	own_add(&lru->cost[kind], written);
	for (unsigned list = 0; list < LRU_LISTS; list++)
		size += lru_size(node, list, ZONE_MOVABLE);
	for (unsigned k = 0; k < ZONAL_KINDS; k++)
		sum += ld_relaxed(&lru->cost[k]);
	for (unsigned k = 0; sum > size / 4 && k < ZONAL_KINDS; k++)
		st_relaxed(&lru->cost[k], ld_relaxed(&lru->cost[k]) / 2);
	lock_drop(&lru->lock);
	port_irq_restore(irq);
}

/* Nothing but dirty pages: whoever owns them should write. */
static void ask_to_write(struct scan *s, struct node *node, unsigned kind)
{
	for (unsigned i = 0; i < ZONAL_MAX_OWNERS; i++) {
		const struct zonal_owner_ops *ops = s->mm->owners[i].ops;

		if (ops && ops->kind == kind && ops->write_back)
			ops->write_back(s->mm->owners[i].ctx, node->id, s->target);
	}
}

uint64_t shrink_inactive(struct scan *s, struct node *node, unsigned list, unsigned want)
{
	struct page *batch[RECLAIM_BATCH];
	uint64_t looked_at, dirty = s->seen.dirty, written = s->seen.started;
	unsigned count, kept = 0, kind = lru_kind(list), activated = 0;

	count = lru_isolate(s, node, list, want, batch, &looked_at);
	s->scanned += looked_at;
	for (unsigned i = 0; i < count; i++) {
		struct page *page = batch[i];
		enum page_verdict verdict = look_at(s, page);

		if (verdict == VERDICT_FREE)
			continue;
		if (verdict == VERDICT_ACTIVATE) {
			word_set(page, PG_ACTIVE);
			activated++;
		}
		batch[kept++] = page;
	}
	lru_put_back(s->mm, node, lru_kind(list), batch, kept);
	count_batch(s, kind, looked_at, count - kept);
	/* An anonymous page does not go before it is written somewhere. */
	written = s->seen.started - written + (kind == ZONAL_ANON ? count - kept : 0);
	if (written)
		note_cost(node, kind, written);
	if (activated)
		mm_event(s->mm, EVENT_PGACTIVATE, activated);
	if (count && s->seen.dirty - dirty == count)
		ask_to_write(s, node, kind);
	trace(s->mm, SHRINK_INACTIVE, node->id, (uint32_t)looked_at, count - kept, count,
	      s->priority, list);
	return count - kept;
}

void shrink_active(struct scan *s, struct node *node, unsigned list, unsigned want)
{
	struct page *batch[RECLAIM_BATCH];
	uint64_t looked_at;
	unsigned count = lru_isolate(s, node, list, want, batch, &looked_at);

	for (unsigned i = 0; i < count; i++) {
		const struct zonal_owner *owner = owner_of(s->mm, batch[i]);

		/* Only to forget the use: it will be asked for again before it goes. */
		if (page_word(batch[i]) & PG_LRU)
			(void)owner->ops->used(owner->ctx, batch[i], batch[i]->links.handle);
		word_clear(batch[i], PG_ACTIVE);
	}
	lru_put_back(s->mm, node, lru_kind(list), batch, count);
	mm_event(s->mm, EVENT_PGREFILL, looked_at);
	mm_event(s->mm, EVENT_PGDEACTIVATE, count);
	trace(s->mm, SHRINK_ACTIVE, node->id, count, s->priority, list);
}

/* The square root of ten times the gigabytes, rounded down: how often the active list may
 * hold the inactive one. */
static uint64_t active_ratio(uint64_t pages)
{
	uint64_t tenfold = 10 * (pages >> (30 - PAGE_SHIFT)), root = 0;

	while ((root + 1) * (root + 1) <= tenfold)
		root++;
	return tenfold ? root : 1;
}

bool inactive_is_low(struct node *node, unsigned kind)
{
	uint64_t inactive = lru_size(node, kind * 2, ZONE_MOVABLE);
	uint64_t active = lru_size(node, kind * 2 + LRU_ACTIVE, ZONE_MOVABLE);

	return inactive * active_ratio(inactive + active) < active;
}
