/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shrinkers: caches of objects that are on no list of pages (K13).
 *
 * Each is asked how many of its objects could go, and told to look at a part of them that grows
 * with the urgency: 4 * (objects >> priority) / seeks, or half of them where an object is cheap to
 * make again (seeks 0). What is less than a batch, or could not be done, is carried over to the
 * next time, by node; so a small cache under little pressure is asked in the end. No more
 * than twice what there is is ever asked for.
 *
 * The list is walked without its lock held while a shrinker works, since it may wait: the lock is
 * taken for each step, and unregistering waits until nobody walks.
 */
#include "scan.h"

#include "lib/assert.h"
#include "mm/trace.h"

#define BATCH_DEFAULT 128u

/* Its part at this priority, before anything carried over. */
static uint64_t objects_share(const struct scan *s, const struct zonal_shrinker *shrinker,
			      uint64_t have)
{
	return shrinker->seeks ? (have >> s->priority) * 4 / shrinker->seeks : have / 2;
}

/* How many of `wanted` to look at now. Little news and much carried over: all of it at once would
 * empty the cache. */
static uint64_t objects_now(uint64_t wanted, uint64_t share, uint64_t have)
{
	if (share < have / 4)
		wanted = ZN_MIN(wanted, have / 2);
	return ZN_MIN(wanted, have * 2);
}

static uint64_t shrink_one(struct scan *s, struct zonal_shrinker *shrinker, unsigned nid)
{
	uint64_t batch = shrinker->batch ? shrinker->batch : BATCH_DEFAULT;
	uint64_t have = shrinker->count(shrinker, nid), share, wanted, left;
	uint64_t freed = 0, looked = 0, carried;

	if (!have)
		return 0;
	share = objects_share(s, shrinker, have);
	/* Whoever comes at the same time finds nothing carried over. */
	carried = atomic_exchange_explicit(&shrinker->deferred[nid], 0, memory_order_relaxed);
	wanted = carried + share;
	left = objects_now(wanted, share, have);
	trace(s->mm, SLAB_BEGIN, nid, (uint32_t)carried, s->gfp, (uint32_t)have, (uint32_t)share,
	      (uint32_t)left, s->priority);
	while (left && (left >= batch || left >= have)) {
		uint64_t now = ZN_MIN(batch, left), gone = shrinker->scan(shrinker, nid, now);

		if (gone == ZONAL_SHRINK_STOP)
			break;
		freed += gone;
		looked += now;
		left -= now;
		reclaim_give_way();
	}
	mm_event(s->mm, EVENT_SLABS_SCANNED, looked);
	if (wanted > looked)
		fetch_add_relaxed(&shrinker->deferred[nid], wanted - looked);
	trace(s->mm, SLAB_END, nid, (uint32_t)carried,
	      (uint32_t)ld_relaxed(&shrinker->deferred[nid]), (uint32_t)freed, (uint32_t)left);
	return freed;
}

static struct zonal_shrinker *shrinker_next(struct zonal *mm, struct zonal_shrinker *after)
{
	port_irqflags_t irq = port_irq_save();
	struct zonal_shrinker *next;

	lock_take(&mm->shrinker_lock);
	next = after ? after->next : mm->shrinkers;
	lock_drop(&mm->shrinker_lock);
	port_irq_restore(irq);
	return next;
}

uint64_t shrink_objects(struct scan *s, struct node *node)
{
	struct zonal_shrinker *shrinker = NULL;
	uint64_t freed = 0;

	fetch_add_acquire(&s->mm->shrinking, 1);
	while ((shrinker = shrinker_next(s->mm, shrinker)))
		if (shrinker->numa || node->id == 0)
			freed += shrink_one(s, shrinker, node->id);
	fetch_sub_acq_rel(&s->mm->shrinking, 1);
	return freed;
}

void zonal_shrinker_register(struct zonal *mm, struct zonal_shrinker *shrinker)
{
	port_irqflags_t irq;

	ASSERT(shrinker->count && shrinker->scan, "shrinker %s lacks a callback", shrinker->name);
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
		st_relaxed(&shrinker->deferred[n], 0);
	irq = port_irq_save();
	lock_take(&mm->shrinker_lock);
	shrinker->next = mm->shrinkers;
	mm->shrinkers = shrinker;
	lock_drop(&mm->shrinker_lock);
	port_irq_restore(irq);
}

void zonal_shrinker_unregister(struct zonal *mm, struct zonal_shrinker *shrinker)
{
	struct zonal_shrinker **place;
	port_irqflags_t irq = port_irq_save();

	lock_take(&mm->shrinker_lock);
	for (place = &mm->shrinkers; *place && *place != shrinker;)
		place = &(*place)->next;
	ASSERT(*place, "shrinker %s is not registered", shrinker->name);
	*place = shrinker->next;
	lock_drop(&mm->shrinker_lock);
	port_irq_restore(irq);
	/* Acquire pairs with the walker's release: its last call has ended. */
	while (ld_acquire(&mm->shrinking))
		reclaim_nap(RECLAIM_NAP_NS / 100);
}
