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

/* What trace_batch() is told of a batch: pages looked at, freed, made active. */
enum { BATCH_SEEN, BATCH_FREED, BATCH_ACTIVATED };

/* Of reclaim_flags, as 5.10 makes it: which kind, and that nobody waits for the disk. */
static uint32_t reclaim_flags(unsigned kind)
{
	return (kind == ZONAL_CACHE ? ZONAL_TRACE_WB_FILE : ZONAL_TRACE_WB_ANON) |
	       ZONAL_TRACE_WB_ASYNC;
}

/* What is being written waits on the active list, and comes back when it is written. */
static enum page_verdict meet_writing(struct scan *s, struct page *page)
{
	if ((word_set(page, PG_ROTATE) & PG_ROTATE) && s->kswapd)
		s->seen.immediate++;
	else
		s->seen.writing++;
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
		trace(s->mm, WRITEPAGE, page->pfn,
		      reclaim_flags(owner_of(s->mm, page)->ops->kind));
		return VERDICT_KEEP;
	case ZONAL_GIVE_BUSY:
		s->seen.busy++;
		return VERDICT_KEEP;
	case ZONAL_GIVE_GONE:
		return VERDICT_KEEP;
	case ZONAL_GIVE_YES:
	case ZONAL_GIVES:
	default:
		port_panic("reclaim: pfn 0x%x: answer %d", page->pfn, (int)give);
	}
}

/* Used since reclaim saw it last? The first time only means that it is not the next to go. */
static bool still_used(struct scan *s, const struct zonal_owner *owner, struct page *page,
		       enum page_verdict *verdict)
{
	uint32_t before;

	if (!owner->ops->used(owner->ctx, page, page->links.handle))
		return false;
	before = word_set(page, PG_REFERENCED);
	*verdict = before & PG_REFERENCED ? VERDICT_ACTIVATE : VERDICT_KEEP;
	s->seen.used += *verdict == VERDICT_KEEP;
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
	if (still_used(s, owner, page, &verdict))
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
	/* An anonymous page does not go before it is written somewhere. */
	if (owner->ops->kind == ZONAL_ANON)
		trace(s->mm, WRITEPAGE, page->pfn, reclaim_flags(ZONAL_ANON));
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

/* What a batch of that group cost: pages that had to be written. What is long ago weighs less:
 * beyond a quarter of its pages on the lists, both costs are halved. */
static void note_cost_of(struct node *node, const struct zonal_group *group, unsigned kind,
			 uint64_t written)
{
	struct lru_lists *lists = group_lists(node, group);
	port_irqflags_t irq;
	uint64_t size = 0, sum = 0;

	for (unsigned list = 0; list < LRU_LISTS; list++)
		size += lru_size_in(node, group, list, ZONE_MOVABLE);
	irq = port_irq_save();
	lock_take(&node->reclaim.lru.lock);
	own_add(&lists->cost[kind], written);
	for (unsigned k = 0; k < ZONAL_KINDS; k++)
		sum += ld_relaxed(&lists->cost[k]);
	for (unsigned k = 0; sum > size / 4 && k < ZONAL_KINDS; k++)
		st_relaxed(&lists->cost[k], ld_relaxed(&lists->cost[k]) / 2);
	lock_drop(&node->reclaim.lru.lock);
	port_irq_restore(irq);
}

/* It cost those above, too, and the board. */
static void note_cost(struct node *node, const struct zonal_group *group, unsigned kind,
		      uint64_t written)
{
	for (; group; group = group->parent)
		note_cost_of(node, group, kind, written);
	note_cost_of(node, NULL, kind, written);
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

/* What a batch of a list was, with what was seen before it. */
static void trace_batch(const struct scan *s, const struct node *node, unsigned list,
			const struct scan_seen *before, const uint32_t *count)
{
	const struct scan_seen *now = &s->seen;
	uint32_t writing = now->writing - before->writing, anon = lru_kind(list) == ZONAL_ANON;
	uint32_t immediate = now->immediate - before->immediate;
	uint32_t dirty = now->dirty - before->dirty + now->started - before->started;

	/* 5.10 counts dirty pages of the cache alone, and as such those being written too. */
	trace(s->mm, SHRINK_INACTIVE, node->id, count[BATCH_SEEN], count[BATCH_FREED],
	      anon ? 0 : dirty + writing + immediate, writing, immediate,
	      anon ? count[BATCH_ACTIVATED] : 0, anon ? 0 : count[BATCH_ACTIVATED],
	      now->used - before->used, now->busy - before->busy, s->priority,
	      reclaim_flags(lru_kind(list)));
}

uint64_t shrink_inactive(struct scan *s, struct node *node, unsigned list, unsigned want)
{
	const struct scan_seen before = s->seen;
	struct page *batch[RECLAIM_BATCH];
	uint64_t looked_at, written;
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
	written = s->seen.started - before.started + (kind == ZONAL_ANON ? count - kept : 0);
	if (written)
		note_cost(node, s->turn, kind, written);
	if (activated)
		mm_event(s->mm, EVENT_PGACTIVATE, activated);
	if (count && s->seen.dirty - before.dirty == count)
		ask_to_write(s, node, kind);
	if (trace_wants(s->mm, ZONAL_TRACE_SHRINK_INACTIVE))
		trace_batch(s, node, list, &before,
			    (const uint32_t[]){ (uint32_t)looked_at, count - kept, activated });
	return count - kept;
}

void shrink_active(struct scan *s, struct node *node, unsigned list, unsigned want)
{
	struct page *batch[RECLAIM_BATCH];
	uint64_t looked_at;
	unsigned count = lru_isolate(s, node, list, want, batch, &looked_at), used = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct zonal_owner *owner = owner_of(s->mm, batch[i]);

		/* Only to forget the use: it will be asked for again before it goes. */
		if (page_word(batch[i]) & PG_LRU)
			used += owner->ops->used(owner->ctx, batch[i], batch[i]->links.handle);
		word_clear(batch[i], PG_ACTIVE);
	}
	lru_put_back(s->mm, node, lru_kind(list), batch, count);
	mm_event(s->mm, EVENT_PGREFILL, looked_at);
	mm_event(s->mm, EVENT_PGDEACTIVATE, count);
	trace(s->mm, SHRINK_ACTIVE, node->id, count, 0, count, used, s->priority,
	      reclaim_flags(lru_kind(list)));
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

void trace_lists(const struct scan *s, struct node *node, unsigned kind)
{
	uint64_t inactive = lru_size_in(node, s->group, kind * 2, ZONE_MOVABLE);
	uint64_t active = lru_size_in(node, s->group, kind * 2 + LRU_ACTIVE, ZONE_MOVABLE);

	trace(s->mm, INACTIVE_IS_LOW, node->id, s->high_zone, (uint32_t)inactive,
	      (uint32_t)lru_size_in(node, s->group, kind * 2, s->high_zone), (uint32_t)active,
	      (uint32_t)lru_size_in(node, s->group, kind * 2 + LRU_ACTIVE, s->high_zone),
	      (uint32_t)active_ratio(inactive + active), reclaim_flags(kind));
}

bool inactive_is_low(struct node *node, const struct zonal_group *group, unsigned kind)
{
	uint64_t inactive = lru_size_in(node, group, kind * 2, ZONE_MOVABLE);
	uint64_t active = lru_size_in(node, group, kind * 2 + LRU_ACTIVE, ZONE_MOVABLE);

	return inactive * active_ratio(inactive + active) < active;
}
